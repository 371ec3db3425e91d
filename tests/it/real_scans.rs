//! The sinuses of real heads, found where a person has drawn them. Skipped where the scans are not at hand.

use crate::reading::{data, scan};
use antrum::io::Format;
use antrum::job::Progress;
use antrum::methods::sinus::{Finder, Presence};
use antrum::nets;
use antrum::volume::Volume;
use glam::DVec3;
use std::sync::Arc;

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

/// What the annotation says about one sinus.
#[derive(serde::Deserialize)]
struct Annotated {
    visible: f64,
    centre_mm: Option<DVec3>,
}

/// Every head of the annotation: its name, its scan, and both sinuses, left first.
fn annotated() -> Vec<(String, Arc<Volume>, [Annotated; 2])> {
    let Some(path) = data("heads.json") else { return Vec::new() };
    let heads: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let head = |head: &serde_json::Value| {
        let path = data(head["file"].as_str().unwrap())?;
        let sinus = |side: &str| serde_json::from_value(head["sinuses"][side].clone()).unwrap();
        Some((head["name"].as_str().unwrap().to_owned(), scan(&path).volume, ["L", "R"].map(sinus)))
    };
    heads["heads"].as_array().unwrap().iter().filter_map(head).collect()
}

#[test]
fn sinuses_are_found_where_a_person_has_drawn_them() {
    let finder = Finder::built_in(&nets::cpu()).unwrap();
    let (mut errors_mm, mut wrong) = (Vec::new(), Vec::new());
    for (name, volume, truth) in annotated() {
        let sinuses = finder.find(&volume, &Progress::default()).unwrap();
        for (sinus, truth) in sinuses.iter().zip(truth) {
            let expected = match truth.visible {
                1.0 => Presence::Complete,
                0.0 => Presence::Absent,
                _ => Presence::Partial,
            };
            let error_mm = truth.centre_mm.map_or(f64::NAN, |centre| sinus.centre_mm.distance(centre));
            println!("{name} {}: {:?} for {expected:?}, {error_mm:.1} mm", sinus.side.name(), sinus.present);
            if sinus.present != expected {
                wrong.push(format!("{name} {}: {:?} instead of {expected:?}", sinus.side.name(), sinus.present));
            }
            if expected == Presence::Complete {
                errors_mm.push(error_mm);
            }
        }
        if sinuses.iter().all(|sinus| sinus.present != Presence::Absent) {
            assert!(sinuses[0].centre_mm.x + 25.0 < sinuses[1].centre_mm.x, "{name}: left has the smaller x");
        }
    }
    let mean_mm = errors_mm.iter().sum::<f64>() / errors_mm.len().max(1) as f64;
    assert!(errors_mm.iter().all(|mm| *mm <= 8.0) && mean_mm <= 5.0, "mean {mean_mm:.1} mm: {errors_mm:.1?}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
