//! DICOM series beside what dcm2niix made of them: every voxel has its value at its place in the world. dcm2niix flips
//! rows and reorders slices, so places are compared in the world and never by index.

use super::{data, files_below};
use antrum::io::{Catalogue, Format, OpenError, ReadOptions, Scan, browse};
use antrum::job::Progress;
use antrum::space::Grid;
use antrum::volume::{Unit, Volume};
use glam::DVec3;

/// A series and its conversion.
struct Pair {
    /// The folder to look through; it may hold other series.
    folder: &'static str,
    /// The series description that picks the series.
    series: &'static str,
    reference: &'static str,
    size: [usize; 3],
    volumes: usize,
}

const DECUBITUS: [usize; 3] = [256, 256, 35];
const SIEMENS: &str = "dicom_with_reference/dcm_qa_nih/In";

const PAIRS: [Pair; 9] = [
    Pair {
        folder: "heads/decubitus_HFS_dicom",
        series: "t1_fl2d_sag",
        reference: "reference_nifti/dHFS/t1_fl2d_sag_3.nii.gz",
        size: DECUBITUS,
        volumes: 1,
    },
    Pair {
        folder: "heads/decubitus_HFP_dicom",
        series: "t1_fl2d_sag",
        reference: "reference_nifti/dHFP/t1_fl2d_sag_2.nii.gz",
        size: DECUBITUS,
        volumes: 1,
    },
    Pair {
        folder: "heads/decubitus_HFDL_dicom",
        series: "t1_fl2d_sag",
        reference: "reference_nifti/dHFDL/t1_fl2d_sag_2.nii.gz",
        size: DECUBITUS,
        volumes: 1,
    },
    Pair {
        folder: "heads/slicer_CT_dicom",
        series: "None",
        reference: "reference_nifti/slicerCT/None_123456.nii.gz",
        size: [64, 64, 93],
        volumes: 1,
    },
    nih("EPI PE=AP", "dicom_with_reference/dcm_qa_nih/Ref/EPI_PE=AP_3.nii"),
    nih("EPI PE=PA", "dicom_with_reference/dcm_qa_nih/Ref/EPI_PE=PA_4.nii"),
    nih("EPI PE=RL", "dicom_with_reference/dcm_qa_nih/Ref/EPI_PE=RL_5.nii"),
    nih("EPI PE=LR", "dicom_with_reference/dcm_qa_nih/Ref/EPI_PE=LR_6.nii"),
    Pair {
        folder: SIEMENS,
        series: "Axial EPI-FMRI (Interleaved I to S)",
        reference: "dicom_with_reference/dcm_qa_nih/Ref/DCM2NIIX_regression_test_4.nii",
        size: [64, 64, 15],
        volumes: 10,
    },
];

/// One of the four Siemens mosaics, all found by looking through one folder of five series.
const fn nih(series: &'static str, reference: &'static str) -> Pair {
    Pair { folder: SIEMENS, series, reference, size: [72, 72, 5], volumes: 2 }
}

fn look_through(path: std::path::PathBuf) -> Catalogue {
    browse(&[path], &Progress::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn volume(catalogue: &Catalogue, series: usize, frame: usize) -> Result<Scan, OpenError> {
    catalogue.read(series, &ReadOptions { frame, ..ReadOptions::default() }, &Progress::default())
}

/// The largest relative difference of any two values at the same place. A voxel that has no partner within a
/// micrometre of its place counts as infinitely different.
fn difference(ours: &Volume, theirs: &Volume) -> f64 {
    if ours.grid.count() != theirs.grid.count() {
        return f64::INFINITY;
    }
    let ours_from_theirs = ours.grid.voxel_from_world() * theirs.grid.world_from_voxel;
    let [ni, nj, nk] = theirs.grid.size;
    let mut largest = 0.0_f64;
    for [i, j, k] in (0..nk).flat_map(|k| (0..nj).flat_map(move |j| (0..ni).map(move |i| [i, j, k]))) {
        let exact = ours_from_theirs.transform_point3(DVec3::new(i as f64, j as f64, k as f64));
        let near = exact.round();
        let apart_mm = ((exact - near) * ours.grid.spacing_mm()).length();
        let ours = (apart_mm < 1e-3).then(|| ours.at(near.to_array().map(|c| c as usize))).flatten();
        let difference = match (ours, theirs.at([i, j, k])) {
            (Some(a), Some(b)) if a == b => 0.0,
            (Some(a), Some(b)) => (a - b).abs() / a.abs().max(b.abs()),
            _ => f64::INFINITY,
        };
        largest = largest.max(difference);
    }
    largest
}

/// World positions of the eight outermost voxel centres.
fn corners(grid: &Grid) -> Vec<DVec3> {
    let far = grid.size.map(|n| (n - 1) as f64);
    let at = |n: usize| DVec3::from_array([0, 1, 2].map(|axis| if n >> axis & 1 == 1 { far[axis] } else { 0.0 }));
    (0..8).map(|n| grid.world_from_voxel.transform_point3(at(n))).collect()
}

/// How far the corner that fits worst is from its partner.
fn corner_distance_mm(a: &Grid, b: &Grid) -> f64 {
    let nearest = |corner: DVec3| corners(b).into_iter().map(|c| c.distance(corner)).fold(f64::INFINITY, f64::min);
    corners(a).into_iter().map(nearest).fold(0.0, f64::max)
}

/// How a series compares with its conversion over all volumes.
struct Comparison {
    size: [usize; 3],
    volumes: usize,
    difference: f64,
    corners_mm: f64,
}

/// Compares all volumes of a pair; none where the data are not at hand.
fn compare(pair: &Pair) -> Option<Result<Comparison, String>> {
    let (ours, theirs) = (look_through(data(pair.folder)?), look_through(data(pair.reference)?));
    let named: Vec<usize> = (0..ours.series().len()).filter(|&n| ours.series()[n].description == pair.series).collect();
    let &[series] = named.as_slice() else { return Some(Err(format!("{} series of this name", named.len()))) };
    let mut all = Comparison { size: [0; 3], volumes: 0, difference: 0.0, corners_mm: 0.0 };
    for frame in 0..pair.volumes {
        let (ours, theirs) = match (volume(&ours, series, frame), volume(&theirs, 0, frame)) {
            (Ok(ours), Ok(theirs)) => (ours, theirs),
            (Err(error), _) | (_, Err(error)) => return Some(Err(error.to_string())),
        };
        (all.size, all.volumes) = (ours.volume.grid.size, ours.frames);
        all.difference = all.difference.max(difference(&ours.volume, &theirs.volume));
        all.corners_mm = all.corners_mm.max(corner_distance_mm(&ours.volume.grid, &theirs.volume.grid));
    }
    Some(Ok(all))
}

#[test]
fn every_series_has_the_voxels_of_its_conversion_at_their_places() {
    let mut wrong = Vec::new();
    println!("{:66} {:>14} {:>7} {:>10} {:>11}", "conversion", "size", "volumes", "difference", "corners, mm");
    for pair in &PAIRS {
        let Some(comparison) = compare(pair) else { continue };
        let (line, equal) = match comparison {
            Err(reason) => (reason, false),
            Ok(Comparison { size, volumes, difference, corners_mm }) => (
                format!("{:>14} {volumes:>7} {difference:>10.1e} {corners_mm:>11.1e}", format!("{size:?}")),
                size == pair.size && volumes == pair.volumes && difference <= 1e-5 && corners_mm <= 1e-3,
            ),
        };
        let line = format!("{:66} {line}", pair.reference);
        println!("{line}");
        if !equal {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn the_series_of_a_folder_are_told_apart() {
    let Some(folder) = data(SIEMENS) else { return };
    let catalogue = look_through(folder);
    let mut names: Vec<&str> = catalogue.series().iter().map(|s| s.description.as_str()).collect();
    names.sort_unstable();
    let expected = ["Axial EPI-FMRI (Interleaved I to S)", "EPI PE=AP", "EPI PE=LR", "EPI PE=PA", "EPI PE=RL"];
    assert_eq!(names, expected);
}

#[test]
fn a_compressed_ct_lies_where_its_segmentation_lies() {
    let (Some(folder), Some(mask)) = (data("abdomen_ct/example_ct_dicom"), data("abdomen_ct/example_seg_dicom.nii.gz"))
    else {
        return;
    };
    let (ct, mask) = (super::scan(&folder).volume.grid, super::scan(&mask).volume.grid);
    assert_eq!((ct.size, mask.size), ([512, 512, 20], [512, 512, 20]));
    assert!(corner_distance_mm(&ct, &mask) < 1e-3, "{} mm", corner_distance_mm(&ct, &mask));
}

#[test]
fn a_series_says_what_it_is_and_what_is_odd_about_it() {
    let Some(head) = data("heads/decubitus_HFS_dicom/3_t1_fl2d_sag") else { return };
    let mr = super::scan(&head);
    assert_eq!((mr.format, mr.modality.as_str(), mr.volume.unit), (Format::Dicom, "MR", Unit::Arbitrary));
    assert_eq!(mr.description, "t1_fl2d_sag");
    assert_eq!(mr.windows.len(), 1);
    assert!(mr.checks.is_empty(), "{:?}", mr.checks);

    let Some(head) = data("heads/slicer_CT_dicom/CTHeadAxialDicom") else { return };
    let ct = super::scan(&head);
    assert_eq!((ct.modality.as_str(), ct.volume.unit), ("CT", Unit::Hounsfield));
    // The file claims Hounsfield units, but its air is at 0.
    assert!(ct.checks.iter().any(|check| check.code == "implausible-hu"), "{:?}", ct.checks);
}

#[test]
fn opening_one_slice_opens_the_series_it_belongs_to() {
    let Some(folder) = data("heads/decubitus_HFS_dicom/3_t1_fl2d_sag") else { return };
    let slice = &files_below(&folder)[7];
    assert_eq!(super::scan(slice).volume, super::scan(&folder).volume);
}
