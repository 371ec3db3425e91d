//! What is said of a series, written and read back: sides, places, and whose it is.

use super::*;
use crate::io::derived::{Code, Evaluation, Finding, Headers, Report, Segment, Segmentation};
use crate::space::Side;
use ::dicom::object::open_file;

fn headers(folder: &TempDir) -> Headers {
    let catalogue = browse(&[folder.path().to_owned()], &Progress::default()).unwrap();
    catalogue.headers(0, 0, &Progress::default()).unwrap().unwrap()
}

/// All texts of an object, names of codes among them, in their order.
fn texts(object: &InMemDicomObject) -> Vec<String> {
    let mut found = Vec::new();
    for element in object {
        match element.items() {
            Some(items) => items.iter().for_each(|item| found.extend(texts(item))),
            None => found.extend(element.to_str().ok().map(|text| text.trim_end_matches('\0').trim_end().to_owned())),
        }
    }
    found
}

#[test]
fn masks_come_back_where_they_were_and_belong_to_the_same_patient() {
    let folder = scrambled();
    let scan = read(&folder);
    let grid = scan.volume.grid;
    // The fourth column is the patient's left; of the right one, a voxel of the last slice.
    let left = (0..grid.count()).map(|index| grid.voxel(index)[0] == 3 && grid.voxel(index)[2] == 1).collect();
    let right = (0..grid.count()).map(|index| grid.voxel(index) == [0, 1, 4]).collect();
    let segment = |side: Side, mask| Segment { side, label: format!("{} sinus", side.name()), mask };
    let segments = vec![segment(Side::Right, right), segment(Side::Left, left)];
    let masks = Segmentation { grid, now: "20260102030405".to_owned(), algorithm: "test".to_owned(), segments };
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("masks.dcm");
    masks.write(&headers(&folder), &path).unwrap();

    let object = open_file(&path).unwrap();
    let said = texts(&object);
    assert!(said.contains(&"Secret^Sam".to_owned()) && said.contains(&"right sinus".to_owned()), "{said:?}");
    let place = |word: &str| said.iter().position(|text| text == word);
    let places = ["Right", "right sinus", "Left", "left sinus"].map(|word| place(word).unwrap());
    assert!(places.is_sorted(), "each segment has its own side: {said:?}");
    // As any reader sees it: each segment is a series of frames in the patient.
    let catalogue = browse(&[path], &Progress::default()).unwrap();
    let mut sums = Vec::new();
    for index in 0..catalogue.series().len() {
        let scan = catalogue.read(index, &ReadOptions::default(), &Progress::default()).unwrap();
        let inside = (0..scan.volume.grid.count()).filter(|&i| scan.volume.voxels.get(i) > 0.5);
        sums.extend(inside.map(|i| scan.volume.grid.voxel_mm(i)));
    }
    assert_eq!(sums.len(), 4, "{sums:?}");
    let near = |at: DVec3| sums.iter().any(|found| found.distance(at) < 1e-6);
    assert!(near(DVec3::new(30.0, 38.0, 22.0)), "the patient's right, {sums:?}");
    for y in [40.0, 38.0, 36.0] {
        assert!(near(DVec3::new(25.5, y, 13.0)), "the patient's left, {sums:?}");
    }

    let uneven = Segmentation { grid: Grid::centred([4, 3, 2], 1.0, DVec3::ZERO), ..masks };
    assert!(uneven.write(&headers(&folder), &out.path().join("no.dcm")).is_err());
    assert!(!out.path().join("no.dcm").exists());
}

#[test]
fn findings_are_reported_with_their_sides() {
    let folder = scrambled();
    let finding = |side: Side, found, evaluations| Finding { side, tracking: "t".to_owned(), found, evaluations };
    let note = Evaluation::Text(Code("121106", "DCM", "Comment"), "dome on the floor".to_owned());
    let findings = vec![
        finding(Side::Right, Code("17621005", "SCT", "Normal"), Vec::new()),
        finding(Side::Left, Code("263654008", "SCT", "Abnormal"), vec![note]),
    ];
    let report = Report { observer: "anna".to_owned(), now: "20260102030405".to_owned(), findings };
    let path = folder.path().join("report.dcm");
    report.write(&headers(&folder), &path).unwrap();
    let said = texts(&open_file(&path).unwrap());
    let wanted = ["Normal", "Right", "Abnormal", "Left", "dome on the floor"];
    let places = wanted.map(|word| said.iter().position(|text| text == word).unwrap());
    assert!(places.is_sorted(), "{said:?}");
    for word in ["anna", "1500", "Maxillary sinus", "2.25.1000", "2.25.1004", "20260102"] {
        assert!(said.iter().any(|text| text == word), "{word}: {said:?}");
    }
    // Beside the pictures it is no picture.
    assert_eq!(read(&folder).volume.grid.size, [4, 3, 5]);
    let nothing = tempfile::tempdir().unwrap();
    let nifti = nothing.path().join("a.nii");
    crate::io::nifti::write(&nifti, &read(&folder).volume).unwrap();
    let catalogue = browse(&[nifti], &Progress::default()).unwrap();
    assert!(catalogue.headers(0, 0, &Progress::default()).unwrap().is_none());
}
