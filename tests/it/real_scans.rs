//! The sinuses of real heads, found where a person has drawn them. Skipped where the scans are not at hand.

use crate::reading::{data, scan};
use antrum::io::Format;
use antrum::job::Progress;
use antrum::methods::sinus::{Finder, Presence};
use antrum::nets;
use glam::DVec3;

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
    let sinuses = Finder::built_in(&nets::cpu()).unwrap().find(&scan(&path).volume, &Progress::default()).unwrap();
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
    let sinuses = Finder::built_in(&nets::cpu()).unwrap().find(&scan(&path).volume, &Progress::default()).unwrap();
    assert!(sinuses.iter().all(|s| s.present == Presence::Absent), "{sinuses:?}");
}
