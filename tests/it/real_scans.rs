//! Real scans, opened and compared with what another program (dcm2niix) made of them. Skipped where there are none.

use antrum::io::{Format, Scan, open};
use antrum::job::Progress;
use antrum::methods::sinus::{FinderConfig, Presence, find};
use antrum::volume::Unit;
use glam::DVec3;
use std::path::{Path, PathBuf};

/// A file of the shared data, or none, said so, where the data are not on this machine.
fn data(relative: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ANTRUM_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = root.join(relative);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {relative} is not here");
    None
}

fn scan(path: &Path) -> Scan {
    match open(path, &Progress::default()) {
        Ok(scan) => scan,
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn a_flair_file_opens_with_its_geometry() {
    let Some(path) = data("heads/synthsr_flair/FLAIR.nii.gz") else { return };
    let flair = scan(&path);
    assert_eq!(flair.format, Format::Nifti);
    assert_eq!(flair.volume.grid.size, [176, 232, 159]);
    assert!((flair.volume.grid.spacing_mm() - DVec3::ONE).length() < 1e-4, "{}", flair.volume.grid.spacing_mm());
    assert_eq!(flair.description, "FLAIR");
    // Air in the patient's left sinus is dark, the brain above it is not.
    let air = flair.volume.at_world(DVec3::new(-24.4, 79.0, -50.1));
    let brain = flair.volume.at_world(DVec3::new(-24.4, 40.0, 10.0));
    assert!(air < brain, "{air:?} {brain:?}");
}

/// Every voxel of the reference is at the same place of the world in the DICOM series, and has the same value.
fn equals_reference(folder: &str, reference: &str) -> Option<Scan> {
    let (folder, reference) = (data(folder)?, data(reference)?);
    let (dicom, nifti) = (scan(&folder), scan(&reference));
    let (ours, theirs) = (dicom.volume.grid, nifti.volume.grid);
    let ours_from_theirs = ours.voxel_from_world() * theirs.world_from_voxel;
    for index in 0..theirs.count() {
        let [ni, nj, _] = theirs.size;
        let at = [index % ni, index / ni % nj, index / (ni * nj)];
        let exact = ours_from_theirs.transform_point3(DVec3::from_array(at.map(|c| c as f64)));
        let near = exact.round();
        assert!(((exact - near) * ours.spacing_mm()).length() < 1e-3, "voxel {at:?} is at {exact}");
        let value = dicom.volume.at(near.to_array().map(|c| c as usize));
        assert_eq!(value, nifti.volume.at(at), "voxel {at:?}");
    }
    let (a, b) = (ours.bounds_mm(), theirs.bounds_mm());
    assert!((a.min - b.min).abs().max_element() < 1e-3 && (a.max - b.max).abs().max_element() < 1e-3, "{a:?} {b:?}");
    Some(dicom)
}

#[test]
fn a_sagittal_dicom_series_is_what_dcm2niix_makes_of_it() {
    let folder = "heads/decubitus_HFS_dicom/3_t1_fl2d_sag";
    let Some(scan) = equals_reference(folder, "reference_nifti/dHFS/t1_fl2d_sag_3.nii.gz") else { return };
    assert_eq!((scan.format, scan.modality.as_str(), scan.volume.unit), (Format::Dicom, "MR", Unit::Arbitrary));
    assert_eq!(scan.description, "t1_fl2d_sag");
    assert_eq!(scan.windows.len(), 1);
    assert!(scan.checks.is_empty(), "{:?}", scan.checks);
}

#[test]
fn prone_and_lying_on_the_side_are_no_different() {
    let sag = "t1_fl2d_sag";
    for (pose, number) in [("HFP", 2), ("HFDL", 2)] {
        let folder = format!("heads/decubitus_{pose}_dicom/{number}_{sag}");
        equals_reference(&folder, &format!("reference_nifti/d{pose}/{sag}_{number}.nii.gz"));
    }
}

#[test]
fn an_axial_ct_series_is_what_dcm2niix_makes_of_it_and_its_implausible_numbers_are_said() {
    let Some(scan) = equals_reference("heads/slicer_CT_dicom", "reference_nifti/slicerCT/None_123456.nii.gz") else {
        return;
    };
    assert_eq!((scan.modality.as_str(), scan.volume.unit), ("CT", Unit::Hounsfield));
    assert_eq!(scan.volume.grid.size, [64, 64, 93]);
    // The file claims Hounsfield units, but its air is at 0.
    assert!(scan.checks.iter().any(|check| check.code == "implausible-hu"), "{:?}", scan.checks);
}

/// Where the annotation has the sinuses of a head: centre and share in view, left first.
fn annotated(name: &str) -> Option<[(DVec3, f64); 2]> {
    let text = std::fs::read_to_string(data("heads.json")?).unwrap();
    let heads: serde_json::Value = serde_json::from_str(&text).unwrap();
    let head = heads["heads"].as_array().unwrap().iter().find(|h| h["name"] == name).unwrap().clone();
    Some(["L", "R"].map(|side| {
        let sinus = &head["sinuses"][side];
        let centre: DVec3 = serde_json::from_value(sinus["centre_mm"].clone()).unwrap();
        (centre, sinus["visible"].as_f64().unwrap())
    }))
}

/// Both centres within 10 mm of the annotation, on the patient's own side.
fn found_where_annotated(path: &str, name: &str) {
    let (Some(path), Some(truth)) = (data(path), annotated(name)) else { return };
    let sinuses = find(&scan(&path).volume, &FinderConfig::default(), &Progress::default()).unwrap();
    for (sinus, (centre, visible)) in sinuses.iter().zip(truth) {
        let error_mm = sinus.centre_mm.distance(centre);
        println!("{name} {}: {error_mm:.1} mm", sinus.side.name());
        assert!(error_mm < 10.0, "{name} {:?}: {} instead of {centre}", sinus.side, sinus.centre_mm);
        assert_eq!(sinus.present == Presence::Complete, visible > 0.95, "{name} {:?}", sinus.side);
    }
    assert!(sinuses[0].centre_mm.x < sinuses[1].centre_mm.x, "left has the smaller x");
}

#[test]
fn sinuses_are_found_in_the_flair() {
    found_where_annotated("heads/synthsr_flair/FLAIR.nii.gz", "synthsr_FLAIR");
}

#[test]
fn sinuses_are_found_in_a_sagittal_dicom_series() {
    found_where_annotated("heads/decubitus_HFS_dicom/3_t1_fl2d_sag", "decubitus_HFS");
}

#[test]
fn sinuses_are_found_in_other_heads_and_a_ct() {
    found_where_annotated("heads/niivue/chris_t1.nii.gz", "chris_t1");
    found_where_annotated("heads/decubitus_HFP_dicom/2_t1_fl2d_sag", "decubitus_HFP");
    found_where_annotated("heads/slicer_CT_dicom/CTHeadAxialDicom", "slicer_CTHeadAxial");
}

#[test]
fn no_sinus_is_found_where_the_face_is_not_in_view() {
    let Some(path) = data("heads/open_ms_outofFOV/patient04/study1_FLAIR.nii.gz") else { return };
    let sinuses = find(&scan(&path).volume, &FinderConfig::default(), &Progress::default()).unwrap();
    assert!(sinuses.iter().all(|s| s.present == Presence::Absent), "{sinuses:?}");
}
