//! Templates and crops as their users meet them: through the command line.

use crate::program::{antrum, json, refused, text};
use antrum::image::resample::{Outside, trilinear};
use antrum::io;
use antrum::job::Progress;
use antrum::phantom::{self, Contrast, Head, Plan};
use antrum::project::Project;
use antrum::space::{Grid, Side};
use antrum::volume::Volume;
use glam::{DAffine3, DMat3, DVec3};
use std::path::Path;

fn head(seed: u64, contrast: Contrast) -> Head {
    phantom::head(&Plan::new(seed, contrast, 2.0), &Progress::default()).unwrap()
}

/// The head so far to the patient's right that all of it has a positive x, stored from right to left; and the way there.
fn written_elsewhere(head: &Head, path: &Path) -> DAffine3 {
    let there = DAffine3 { matrix3: DMat3::from_rotation_z(0.1), translation: DVec3::new(150.0, 20.0, -40.0) };
    let [nx, ny, nz] = head.image.grid.size;
    let values: Vec<f32> = head.image.to_f32().chunks(nx).flat_map(|row| row.iter().rev().copied()).collect();
    let flip = DMat3::from_diagonal(DVec3::new(-1.0, 1.0, 1.0));
    let flip = DAffine3 { matrix3: flip, translation: DVec3::X * (nx as f64 - 1.0) };
    let grid = Grid::new([nx, ny, nz], there * head.image.grid.world_from_voxel * flip).unwrap();
    io::nifti::write(path, &Volume::from_f32(grid, values, head.image.unit)).unwrap();
    there
}

fn point(p: DVec3) -> String {
    format!("{:.2},{:.2},{:.2}", p.x, p.y, p.z)
}

fn done(args: &[&str]) -> String {
    let output = antrum(args);
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The found centre of a side.
fn centre(found: &serde_json::Value, side: Side) -> DVec3 {
    let letter = side.letter().to_string();
    let sinus = found["sinuses"].as_array().unwrap().iter().find(|sinus| sinus["side"] == letter.as_str()).unwrap();
    serde_json::from_value(sinus["centre_mm"].clone()).unwrap()
}

#[test]
fn sinuses_recorded_on_some_heads_are_found_on_another_one_each_on_its_side() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (template, first, second, third) = (at("template"), at("first.nii"), at("second.nii"), at("third.nii"));
    let [a, b, c] = [head(41, Contrast::T1), head(42, Contrast::Flair), head(43, Contrast::T1)];
    io::nifti::write(&first, &a.image).unwrap();
    io::nifti::write(&second, &b.image).unwrap();
    let there = written_elsewhere(&c, &third);

    refused(&["template", "list", text(&template)], &["antrum template new", "template"]);
    done(&["template", "new", text(&first), "--out", text(&template)]);
    refused(&["template", "new", text(&first), "--out", text(&template)], &["already"]);
    refused(&["find", text(&third), "--template", text(&template)], &["left sinus", "add a scan"]);
    for (path, head) in [(&first, &a), (&second, &b)] {
        let [left, right] = [Side::Left, Side::Right].map(|side| point(head.sinuses[side.index()].centre_mm));
        refused(
            &["template", "add", text(path), "--template", text(&template), "--left", &right, "--right", &left],
            &["left sinus would lie to the right"],
        );
        done(&["template", "add", text(path), "--template", text(&template), "--left", &left, "--right", &right]);
    }
    refused(&["template", "add", text(&third), "--template", text(&template)], &["--left", "--project"]);

    let list = json(&antrum(&["template", "list", text(&template), "--json"]));
    assert_eq!((&list["left"]["recorded"], &list["right"]["recorded"]), (&2.into(), &2.into()));
    let mean: DVec3 = serde_json::from_value(list["left"]["mean_mm"].clone()).unwrap();
    assert!(mean.distance(a.sinuses[Side::Left.index()].centre_mm) < 8.0, "{mean}");
    assert!(!std::fs::read_to_string(template.join("template.json")).unwrap().contains("second"), "no names");

    let found = json(&antrum(&["find", text(&third), "--template", text(&template), "--json"]));
    for side in Side::BOTH {
        let (found, truth) = (centre(&found, side), there.transform_point3(c.sinuses[side.index()].centre_mm));
        assert!(found.distance(truth) < 9.0, "{side:?}: {found} instead of {truth}");
    }
}

#[test]
fn boxes_placed_by_hand_are_taken_from_the_project() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (template, path, project) = (at("template"), at("head.nii"), at("p.antrum"));
    let head = head(44, Contrast::T2);
    let there = written_elsewhere(&head, &path);
    done(&["template", "new", text(&path), "--out", text(&template)]);
    let add = ["template", "add", text(&path), "--template", text(&template), "--project", text(&project)];
    refused(&add, &["no such project"]);
    let open = Project::open(&project).unwrap();
    refused(&add, &["no boxes placed by hand"]);
    let case = open.case(&io::open(&path, &Progress::default()).unwrap().sha256, None).unwrap();
    let [left, _] = head.sinuses.map(|sinus| there.transform_point3(sinus.centre_mm));
    let state = serde_json::json!({ "boxes_mm": [left, null] }).to_string();
    open.keep_view_state(case, "me", &state).unwrap();
    assert!(done(&add).contains("patient right  not recorded"));
    let list = json(&antrum(&["template", "list", text(&template), "--json"]));
    let mean: DVec3 = serde_json::from_value(list["left"]["mean_mm"].clone()).unwrap();
    assert!(mean.distance(left) < 0.3 && list["right"].is_null(), "{list}");
}

#[test]
fn crops_on_disk_lie_on_the_scan_and_their_first_axis_runs_to_the_nose() {
    let folder = tempfile::tempdir().unwrap();
    let (path, crops) = (folder.path().join("head.nii"), folder.path().join("crops"));
    let head = head(45, Contrast::T1);
    written_elsewhere(&head, &path);
    let found = json(&antrum(&["find", text(&path), "--json", "--crops", text(&crops)]));
    assert_eq!(found["crops"].as_array().unwrap().len(), 2);
    let scan = io::open(&path, &Progress::default()).unwrap().volume;
    for side in Side::BOTH {
        let crop = io::open(&crops.join(format!("{}.nii.gz", side.name())), &Progress::default()).unwrap().volume;
        assert_eq!(crop.grid.size, [64; 3]);
        assert!(crop.grid.centre_mm().distance(centre(&found, side)) < 1e-3);
        // Towards the patient's left from the right sinus, to the right from the left one.
        assert_eq!(crop.grid.world_from_voxel.matrix3.x_axis.round(), DVec3::X * -side.sign());
        // The scan at the same places of the world has the same picture.
        let (a, b) = (crop.to_f32(), trilinear(&scan, &crop.grid, Outside::Edge));
        let correlated = correlation(&a, &b);
        assert!(correlated > 0.98, "{side:?}: {correlated}");
    }
    done(&["find", text(&path), "--crops", text(&crops), "--jitter", "15"]);
    assert!(!crops.join("left.nii.gz").exists(), "crops of the run before are gone");
    let names = |side: &str| (1..=15).all(|n| crops.join(format!("{side}_{n:02}.nii.gz")).is_file());
    assert!(names("left") && names("right"));
}

fn correlation(a: &[f32], b: &[f32]) -> f64 {
    let mean = |v: &[f32]| v.iter().map(|&x| f64::from(x)).sum::<f64>() / v.len() as f64;
    let (ma, mb) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (a, b) in a.iter().zip(b).map(|(&a, &b)| (f64::from(a) - ma, f64::from(b) - mb)) {
        (ab, aa, bb) = (ab + a * b, aa + a * a, bb + b * b);
    }
    ab / (aa * bb).sqrt()
}
