//! Order, gaps, doubles, tilt, and what belongs together.

use super::*;
use crate::io::Role;

/// Slices at these places, all else the same.
fn at(places_mm: &[f64]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (n, &z_mm) in places_mm.iter().enumerate() {
        Page::axial(z_mm, n as u16).write(&folder, &format!("slice{n}"));
    }
    folder
}

fn message<'a>(scan: &'a Scan, code: &str) -> &'a str {
    scan.checks.iter().find(|c| c.code == code).map_or("", |c| c.message.as_str())
}

#[test]
fn a_missing_slice_is_named_by_its_neighbours() {
    let scan = read(&at(&[10.0, 13.0, 19.0, 22.0, 31.0, 34.0]));
    assert_eq!(codes(&scan), ["missing-slices"]);
    assert_eq!(
        message(&scan, "missing-slices"),
        "3 slices are missing: 1 between 13.0 and 19.0 mm; 2 between 22.0 and 31.0 mm. \
         Positions are off by up to 2.4 mm."
    );
    assert_eq!(scan.checks[0].files, ["slice1", "slice2", "slice3", "slice4"]);
}

#[test]
fn uneven_slices_are_told_and_resampled_only_on_request() {
    let folder = at(&[0.0, 2.0, 4.0, 7.0, 9.0]);
    let scan = read(&folder);
    assert_eq!(codes(&scan), ["uneven-spacing"]);
    assert!(message(&scan, "uneven-spacing").contains("2.00 to 3.00 mm apart (median 2.00 mm)"));

    let catalogue = browse(&[folder.path().to_owned()], &Progress::default()).unwrap();
    let options = ReadOptions { even: true, ..ReadOptions::default() };
    let even = catalogue.read(0, &options, &Progress::default()).unwrap();
    assert_eq!(codes(&even), ["uneven-spacing", "resampled"]);
    assert_eq!((even.volume.grid.size, even.volume.voxels.type_name()), ([4, 3, 5], "u16"));
    assert!((even.volume.grid.spacing_mm() - DVec3::new(1.5, 2.0, 2.0)).length() < 1e-9);
    // The slice at 6 mm is a third of the one at 4 and two thirds of the one at 7; that at 8 half and half.
    assert_eq!([0, 1, 2, 3, 4].map(|k| even.volume.at([0, 0, k]).unwrap()), [0.0, 1.0, 2.0, 3.0, 4.0]);
    assert_eq!(even.volume.at_world(DVec3::new(25.5, 40.0, 4.0)), Some(32.0), "sides stay");

    // What is even already stays as it is.
    let regular = at(&[0.0, 2.0, 4.0]);
    let catalogue = browse(&[regular.path().to_owned()], &Progress::default()).unwrap();
    assert!(catalogue.read(0, &options, &Progress::default()).unwrap().checks.is_empty());
}

#[test]
fn copies_of_a_slice_are_left_out_and_told() {
    let folder = at(&[10.0, 13.0, 16.0]);
    // Nearly the same place, another image: of the two, the one taken first stays.
    let again = Page::axial(13.0005, 8).set(tags::INSTANCE_NUMBER, VR::IS, "99");
    again.set(tags::ACQUISITION_NUMBER, VR::IS, "2").write(&folder, "0-again");
    let scan = read(&folder);
    assert_eq!(codes(&scan), ["duplicate-slices"]);
    assert_eq!(scan.volume.at([0, 0, 1]), Some(1.0));

    let folder = at(&[10.0, 13.0, 16.0]);
    fs::copy(folder.path().join("slice0"), folder.path().join("copy")).unwrap();
    let scan = read(&folder);
    assert_eq!((codes(&scan), scan.checks[0].files.as_slice()), (vec!["duplicate-slices"], &["slice0".to_owned()][..]));
}

#[test]
fn a_copy_that_is_left_out_still_opens_its_own_series_and_never_another() {
    let folder = at(&[10.0, 13.0, 16.0]);
    for n in 0..5_u16 {
        let other = Page::axial(f64::from(n), 50 + n).set(tags::SERIES_INSTANCE_UID, VR::UI, "2.25.8");
        other.write(&folder, &format!("other{n}"));
    }
    fs::copy(folder.path().join("slice1"), folder.path().join("zzz")).unwrap();
    for name in ["zzz", "slice1"] {
        let scan = open(&folder.path().join(name), &Progress::default()).unwrap();
        assert_eq!((scan.volume.grid.size, scan.volume.at([0, 0, 1])), ([4, 3, 3], Some(1.0)), "{name}");
    }
}

#[test]
fn one_identifier_for_all_slices_does_not_make_them_copies() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..3_u16 {
        let page = Page::axial(f64::from(n), n).set(tags::SOP_INSTANCE_UID, VR::UI, "2.25.4");
        page.write(&folder, &n.to_string());
    }
    assert_eq!((read(&folder).volume.grid.size[2], codes(&read(&folder)).len()), (3, 0));
}

#[test]
fn two_fields_of_view_side_by_side_are_two_stacks() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..8_u16 {
        // Neck and back of a spine, taken in turn, 300 mm apart.
        let position = format!("{}\\{}\\0", 300 * (n % 2), -40);
        let position = format!("{position}{}", if n > 0 { format!(".{n}") } else { String::new() });
        Page::axial(0.0, n).set(tags::IMAGE_POSITION_PATIENT, VR::DS, position).write(&folder, &n.to_string());
    }
    let catalogue = browse(&[folder.path().to_owned()], &Progress::default()).unwrap();
    let sizes: Vec<_> = catalogue.series().iter().map(|s| (s.size[2], s.frames)).collect();
    assert_eq!(sizes, [(4, 1), (4, 1)]);
    for (series, x_ras) in [(0, 0.0), (1, -300.0)] {
        let volume = catalogue.read(series, &ReadOptions::default(), &Progress::default()).unwrap().volume;
        assert!((volume.grid.world_from_voxel.translation.x - x_ras).abs() < 1e-9, "right stays right");
    }
}

#[test]
fn a_slice_that_is_missing_in_one_volume_does_not_mix_the_others() {
    let folder = tempfile::tempdir().unwrap();
    for time in 0..4_u16 {
        for place in 0..4_u16 {
            if (time, place) == (1, 2) {
                continue;
            }
            Page::axial(f64::from(place), 100 * time + place)
                .set(tags::ACQUISITION_NUMBER, VR::IS, time.to_string())
                .write(&folder, &format!("{time}{place}"));
        }
    }
    let catalogue = browse(&[folder.path().to_owned()], &Progress::default()).unwrap();
    let listed: Vec<_> = catalogue.series().iter().map(|s| (s.size[2], s.frames)).collect();
    assert_eq!(listed, [(4, 3), (3, 1)]);
    for (frame, time) in [0.0, 2.0, 3.0].into_iter().enumerate() {
        let options = ReadOptions { frame, ..ReadOptions::default() };
        let scan = catalogue.read(0, &options, &Progress::default()).unwrap();
        let corner = [0, 1, 2, 3].map(|k| scan.volume.at([0, 0, k]).unwrap());
        assert_eq!(corner, [0.0, 1.0, 2.0, 3.0].map(|place| 100.0 * time + place));
        assert_eq!(codes(&scan), ["incomplete-volumes"]);
    }
    let lacking = catalogue.read(1, &ReadOptions::default(), &Progress::default()).unwrap();
    assert_eq!(codes(&lacking), ["incomplete-volumes", "missing-slices"]);
}

#[test]
fn a_slice_that_was_sent_twice_does_not_mix_the_volumes() {
    let folder = tempfile::tempdir().unwrap();
    let page = |time: u16, place: u16| {
        Page::axial(f64::from(place), 100 * time + place).set(
            tags::INSTANCE_NUMBER,
            VR::IS,
            (3 * time + place).to_string(),
        )
    };
    for (time, place) in (0..3).flat_map(|time| (0..3).map(move |place| (time, place))) {
        page(time, place).write(&folder, &format!("{time}{place}"));
    }
    page(0, 1).set(tags::SOP_INSTANCE_UID, VR::UI, "2.25.999").write(&folder, "again");
    let catalogue = browse(&[folder.path().to_owned()], &Progress::default()).unwrap();
    for frame in 0..3 {
        let options = ReadOptions { frame, ..ReadOptions::default() };
        let scan = catalogue.read(0, &options, &Progress::default()).unwrap();
        let corner = [0, 1, 2].map(|k| scan.volume.at([0, 0, k]).unwrap());
        assert_eq!(corner, [0.0, 1.0, 2.0].map(|place| 100.0 * frame as f64 + place));
        assert_eq!((codes(&scan), scan.frames), (vec!["duplicate-slices"], 3));
    }
}

#[test]
fn gaps_too_wide_to_fill_are_not_filled() {
    let folder = at(&[0.0, 0.02, 0.04, 1e9]);
    let catalogue = browse(&[folder.path().to_owned()], &Progress::default()).unwrap();
    let options = ReadOptions { even: true, ..ReadOptions::default() };
    let scan = catalogue.read(0, &options, &Progress::default()).unwrap();
    assert!(codes(&scan).contains(&"not-resampled"), "{:?}", codes(&scan));
}

#[test]
fn a_tilted_gantry_shears_the_matrix() {
    let tilted = tempfile::tempdir().unwrap();
    for n in 0..4_u16 {
        let position = format!("-30\\{}\\{}", -40.0 + 0.7 * f64::from(n), 3.0 * f64::from(n));
        Page::axial(0.0, n).set(tags::IMAGE_POSITION_PATIENT, VR::DS, position).write(&tilted, &n.to_string());
    }
    let scan = read(&tilted);
    assert_eq!(codes(&scan), ["gantry-tilt"]);
    assert!(scan.checks[0].message.contains("13.1°"), "{}", scan.checks[0].message);
    assert!((scan.volume.grid.world_from_voxel.matrix3.z_axis - DVec3::new(0.0, -0.7, 3.0)).length() < 1e-9);
}

#[test]
fn orientations_echoes_and_image_types_of_one_series_are_stacks_of_their_own() {
    let folder = at(&[0.0, 2.0, 4.0]);
    for n in 0..2_u16 {
        Page::axial(0.0, 10 + n)
            .set(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "0\\1\\0\\0\\0\\-1")
            .set(tags::IMAGE_POSITION_PATIENT, VR::DS, format!("{n}\\0\\0"))
            .write(&folder, &format!("sagittal{n}"));
        Page::axial(f64::from(n), 20 + n).set(tags::ECHO_TIME, VR::DS, "80").write(&folder, &format!("echo{n}"));
    }
    let phase = Page::axial(1.0, 30).set(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\P");
    phase.write(&folder, "phase");

    let catalogue = browse(&[folder.path().to_owned()], &Progress::default()).unwrap();
    let listed: Vec<_> = catalogue.series().iter().map(|s| (s.id.as_str(), s.size[2], s.frames)).collect();
    assert_eq!(listed, [("2.25.1", 3, 1), ("2.25.1/2", 2, 1), ("2.25.1/3", 2, 1), ("2.25.1/4", 1, 1)]);
    assert_eq!(catalogue.preferred(), 0);
    let scan = read(&folder);
    assert_eq!(codes(&scan), ["mixed-orientation"]);
    assert!(
        scan.checks[0].message.ends_with("4 stacks of slices that differ in orientation and image type and echo time."),
        "{}",
        scan.checks[0].message
    );
}

#[test]
fn a_localiser_is_never_preferred() {
    let folder = at(&[0.0]);
    for n in 0..3_u16 {
        Page::axial(f64::from(n), 10 + n)
            .set(tags::SERIES_INSTANCE_UID, VR::UI, "2.25.9")
            .set(tags::IMAGE_TYPE, VR::CS, "ORIGINAL\\PRIMARY\\LOCALIZER")
            .write(&folder, &format!("scout{n}"));
    }
    let catalogue = browse(&[folder.path().to_owned()], &Progress::default()).unwrap();
    let roles: Vec<_> = catalogue.series().iter().map(|s| (s.id.as_str(), s.role)).collect();
    assert_eq!(roles, [("2.25.1", Role::Volume), ("2.25.9", Role::Localiser)]);
    assert_eq!(read(&folder).volume.grid.size[2], 1);
}

#[test]
fn slices_taken_again_and_again_are_volumes_in_order_of_time() {
    let folder = tempfile::tempdir().unwrap();
    for (n, (z_mm, time)) in [(0.0, 1), (2.0, 1), (0.0, 2), (2.0, 2), (0.0, 3), (2.0, 3)].into_iter().enumerate() {
        // Names in the opposite order of time.
        Page::axial(z_mm, 10 * time + (z_mm as u16))
            .set(tags::ACQUISITION_NUMBER, VR::IS, time.to_string())
            .set(tags::SOP_INSTANCE_UID, VR::UI, format!("2.25.50{n}"))
            .write(&folder, &format!("{}", 9 - n));
    }
    let catalogue = browse(&[folder.path().to_owned()], &Progress::default()).unwrap();
    assert_eq!((catalogue.series().len(), catalogue.series()[0].frames, catalogue.series()[0].files), (1, 3, 6));
    for frame in 0..3 {
        let options = ReadOptions { frame, ..ReadOptions::default() };
        let scan = catalogue.read(0, &options, &Progress::default()).unwrap();
        assert_eq!((scan.frame, scan.frames, codes(&scan).len()), (frame, 3, 0));
        let level = 10.0 * (frame + 1) as f64;
        assert_eq!([scan.volume.at([0, 0, 0]), scan.volume.at([0, 0, 1])], [Some(level), Some(level + 2.0)]);
    }
    let options = ReadOptions { frame: 3, ..ReadOptions::default() };
    let error = catalogue.read(0, &options, &Progress::default()).unwrap_err().to_string();
    assert!(error.starts_with("there is no volume 4; choose one from 1 to 3"), "{error}");
}
