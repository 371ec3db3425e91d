//! Tests of whole scans: every degradation does what it says and nothing else, and the truth stays true.

use super::degrade::{Axes, Cut, Defacing, Edge, Ghosting, Intensities, Slices, Wrap};
use super::*;

/// A head whose left sinus is full and whose right one is full of air.
fn plan(contrast: Contrast, degradations: Degradations) -> Plan {
    let diseases = Some([Some(DiseaseKind::Opacification), None]);
    Plan { degradations, diseases, ..Plan::new(12, contrast, 4.0) }
}

fn made(contrast: Contrast, degradations: Degradations) -> Head {
    head(&plan(contrast, degradations), &Progress::default()).unwrap()
}

fn none() -> Degradations {
    Degradations::default()
}

fn labels(head: &Head) -> &[u8] {
    let Voxels::U8(labels) = &head.tissues.voxels else { panic!("labels are u8") };
    labels
}

/// The mean real value of the voxels that `which` chooses by their number.
fn mean(head: &Head, which: impl Fn(usize) -> bool) -> f64 {
    let values = head.image.to_f32();
    let chosen: Vec<f64> = (0..values.len()).filter(|&at| which(at)).map(|at| f64::from(values[at])).collect();
    chosen.iter().sum::<f64>() / chosen.len() as f64
}

fn mean_of(head: &Head, tissue: Tissue) -> f64 {
    mean(head, |at| labels(head)[at] == tissue as u8)
}

/// The real value around a world point.
fn around(head: &Head, world_mm: DVec3) -> f64 {
    let near = [-3.0, 0.0, 3.0].map(|d| head.image.at_world(world_mm + DVec3::new(0.0, d, 0.0)).unwrap());
    near.iter().sum::<f64>() / 3.0
}

#[test]
fn what_happens_to_the_picture_leaves_grid_labels_and_truth_alone() {
    for (contrast, kinds) in [
        (Contrast::T1, ["intensities", "ghosting", "dental", "bias", "blur", "noise"]),
        (Contrast::Ct, ["couch", "padding", "unrescaled", "dental", "blur", "intensities"]),
    ] {
        let clean = made(contrast, none());
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for name in kinds {
            let spoilt = made(contrast, name.parse::<Degrade>().unwrap().draw(&mut rng, contrast));
            assert!(spoilt.tissues == clean.tissues, "{name}");
            assert_eq!(spoilt.sinuses, clean.sinuses, "{name}");
            assert!(spoilt.image != clean.image, "{name}");
        }
    }
}

#[test]
fn every_degradation_alone_changes_the_scan_and_keeps_image_and_labels_on_one_grid() {
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let clean = [Contrast::T2, Contrast::Ct].map(|contrast| made(contrast, none()));
    for kind in Degradation::all() {
        let (contrast, clean) =
            if kind.occurs_in(Contrast::T2) { (Contrast::T2, &clean[0]) } else { (Contrast::Ct, &clean[1]) };
        let mut degradations = Degrade::Only(vec![kind]).draw(&mut rng, contrast);
        // Voxels are never smaller than those of the plan.
        degradations.resolution_mm *= 4.0;
        degradations.slices = degradations.slices.map(|slices| Slices { thickness_mm: 6.0, ..slices });
        let spoilt = made(contrast, degradations);
        assert!(spoilt.image != clean.image, "{kind:?}");
        assert_eq!(spoilt.image.grid, spoilt.tissues.grid, "{kind:?}");
        assert_eq!(spoilt.image.voxels.len(), spoilt.image.grid.count(), "{kind:?}");
        assert_eq!(labels(&spoilt).len(), spoilt.image.grid.count(), "{kind:?}");
    }
}

#[test]
fn a_cast_of_a_skull_is_of_one_material_and_has_no_sinuses() {
    for contrast in [Contrast::T1, Contrast::Ct] {
        let head = made(contrast, Degradations { cast: true, ..none() });
        let (material, air) = (mean_of(&head, Tissue::Bone), mean_of(&head, Tissue::Air));
        assert!(labels(&head).iter().all(|&label| label == Tissue::Bone as u8 || label == Tissue::Air as u8));
        for (sinus, real) in head.sinuses.iter().zip(made(contrast, none()).sinuses) {
            assert_eq!((sinus.visible, sinus.volume_ml), (0.0, 0.0));
            assert!(around(&head, real.centre_mm) > f64::midpoint(material, air), "{contrast:?}: solid");
        }
    }
}

#[test]
fn a_sinus_is_where_it_is_whether_the_scan_shows_it_or_not() {
    let whole = made(Contrast::T1, none());
    let cut = made(Contrast::T1, Degradations { cuts: vec![Cut { edge: Edge::Bottom, depth: 0.6 }], ..none() });
    for truth in &whole.sinuses {
        let below = truth.centre_mm - DVec3::Z * 5.0;
        assert!(cut.image.at_world(below).is_none() && whole.image.at_world(below).is_some());
        assert!(whole.tissue_at(below).in_sinus() && whole.shows(below));
        assert!(cut.tissue_at(below).in_sinus() && !cut.shows(below));
        assert!(cut.whole_sinus_mm(truth.side).contains(below));
    }
    assert!(!whole.tissue_at(DVec3::ZERO).in_sinus());
}

#[test]
fn a_spoilt_scan_has_the_same_bytes_on_any_number_of_threads() {
    for contrast in [Contrast::Random, Contrast::Ct] {
        let all = Degrade::Only(Degradation::all().collect());
        let plan = plan(contrast, all.draw(&mut ChaCha8Rng::seed_from_u64(5), contrast));
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| head(&plan, &Progress::default()).unwrap())
        };
        let (one, three) = (on(1), on(3));
        assert!(one.image == three.image && one.tissues == three.tissues, "{contrast:?}");
        assert_eq!(one.sinuses, three.sinuses);
    }
}

#[test]
fn the_full_sinus_stays_on_the_patients_left_however_the_scan_lies() {
    let mut cases = vec![
        Degradations { oblique_deg: DVec3::new(15.0, -18.0, 20.0), ..none() },
        Degradations {
            rotation_deg: DVec3::new(-18.0, 15.0, 19.0),
            origin_mm: DVec3::new(90.0, -60.0, 30.0),
            ..none()
        },
        Degradations { wrap: Some(Wrap { axis: 0, lost_mm: [30.0, 12.0] }), ..none() },
        Degradations { cuts: vec![Cut { edge: Edge::Left, depth: -0.1 }], ..none() },
        Degradations { slices: Some(Slices { axis: 0, thickness_mm: 5.0 }), ..none() },
    ];
    for order in [[0, 1, 2], [1, 2, 0], [2, 1, 0]] {
        for flips in [0, 1, 2, 4, 7_u32] {
            let axes = Axes { order, flipped: [0, 1, 2].map(|axis| flips >> axis & 1 == 1) };
            let wrap = Some(Wrap { axis: 1, lost_mm: [40.0, 5.0] });
            cases.push(Degradations { axes, wrap: wrap.filter(|_| flips % 3 == 0), ..none() });
        }
    }
    for degradations in cases {
        let head = made(Contrast::Flair, degradations.clone());
        let [left, right] = head.sinuses;
        let to_the_right = field::turn(degradations.rotation_deg) * DVec3::X;
        let [left_mm, right_mm] =
            [left, right].map(|sinus| (sinus.centre_mm - degradations.origin_mm).dot(to_the_right));
        assert!(left_mm < -12.0 && right_mm > 12.0, "{degradations:?} {left:?} {right:?}");
        assert_eq!((left.not_air_ml, left.visible > 0.98), (left.volume_ml, true), "{degradations:?}");
        assert!(around(&head, left.centre_mm) > 4.0 * around(&head, right.centre_mm), "{degradations:?}");
    }
}

#[test]
fn the_visible_share_is_that_of_the_labels_in_view() {
    let near = |degradations: Degradations| {
        let plan =
            Plan { region: Region::Sinuses, size: [400; 3], spacing_mm: 2.0, ..plan(Contrast::T1, degradations) };
        head(&plan, &Progress::default()).unwrap().sinuses
    };
    let whole = near(none());
    let cut = |edge, depth| Degradations { cuts: vec![Cut { edge, depth }], ..none() };
    let cases = [
        cut(Edge::Bottom, 0.45),
        cut(Edge::Top, 0.3),
        cut(Edge::Left, 0.5),
        cut(Edge::Right, 0.4),
        cut(Edge::Front, 0.5),
        cut(Edge::Back, 0.3),
        Degradations { oblique_deg: DVec3::new(20.0, 10.0, -10.0), ..cut(Edge::Bottom, 0.5) },
        Degradations { defacing: Some(Defacing::Mask { front_of_mm: 78.0, below_mm: -20.0 }), ..none() },
        Degradations { defacing: Some(Defacing::Plane { slant_deg: 35.0, behind_mm: 0.0 }), ..none() },
    ];
    for degradations in cases {
        let seen = near(degradations.clone());
        for (seen, whole) in seen.iter().zip(&whole) {
            let share = seen.volume_ml / whole.volume_ml;
            assert!((seen.visible - share).abs() < 0.08, "{degradations:?}: {} instead of {share}", seen.visible);
        }
        let least = seen[0].visible.min(seen[1].visible);
        assert!((0.02..0.98).contains(&least), "{degradations:?} cuts nothing or all: {least}");
    }
    // A side is that of the patient.
    let [left, right] = near(cut(Edge::Left, 0.5));
    assert!(left.visible < 0.8 && right.visible == 1.0);
    // What wraps is not in view where it belongs.
    let [whole, wrapped] = [none(), Degradations { wrap: Some(Wrap { axis: 1, lost_mm: [10.0, 68.0] }), ..none() }]
        .map(|degradations| made(Contrast::T1, degradations).sinuses[0]);
    assert!(wrapped.visible < 0.9, "{wrapped:?}");
    assert!((wrapped.visible - wrapped.volume_ml / whole.volume_ml).abs() < 0.2, "{wrapped:?} {whole:?}");
}

#[test]
fn a_sinus_out_of_view_keeps_its_place_and_has_nothing_visible() {
    let whole = made(Contrast::T1, none()).sinuses;
    for degradations in [
        Degradations { cuts: vec![Cut { edge: Edge::Bottom, depth: 1.2 }], ..none() },
        Degradations { defacing: Some(Defacing::BrainOnly), ..none() },
    ] {
        let head = made(Contrast::T1, degradations);
        assert!(labels(&head).iter().all(|&label| label < Tissue::SinusAir as u8));
        for (sinus, whole) in head.sinuses.iter().zip(&whole) {
            assert_eq!((sinus.visible, sinus.volume_ml), (0.0, 0.0));
            assert!(sinus.centre_mm.distance(whole.centre_mm) < 1.5, "{sinus:?} {whole:?}");
            assert!(sinus.box_mm.contains(sinus.centre_mm));
        }
    }
}

#[test]
fn slices_have_their_thickness_and_hold_as_much_light_as_thin_ones() {
    let clean = mean_of(&made(Contrast::T2, none()), Tissue::White);
    for axis in 0..3 {
        let slices = Some(Slices { axis, thickness_mm: 6.0 });
        let head = made(Contrast::T2, Degradations { slices, ..none() });
        let spacing_mm = head.image.grid.spacing_mm();
        assert!((0..3).all(|a| (spacing_mm[a] - if a == axis { 6.0 } else { 4.0 }).abs() < 1e-9), "{spacing_mm}");
        let thick = mean_of(&head, Tissue::White);
        assert!((thick / clean - 1.0).abs() < 0.25, "{thick} instead of {clean}");
    }
    let head = made(Contrast::T2, Degradations { resolution_mm: 5.0, ..none() });
    assert_eq!(head.image.grid.spacing_mm(), DVec3::splat(5.0));
}

#[test]
fn partial_volume_keeps_the_light_of_thin_walls() {
    // What a voxel shows is the mean of what lies in it, so coarse and fine scans are equally bright.
    let light = |spacing_mm: f64| {
        let plan = Plan { region: Region::Sinuses, ..Plan::new(3, Contrast::Ct, spacing_mm) };
        let plan = Plan { size: [400; 3], prevalence: 0.0, ..plan };
        let head = head(&plan, &Progress::default()).unwrap();
        let bone = head.image.to_f32().into_iter().filter(|&hu| hu > 150.0).count();
        (head.image.statistics().mean, bone as f64 * spacing_mm.powi(3))
    };
    let ((fine, fine_bone), (coarse, coarse_bone)) = (light(0.8), light(2.4));
    assert!((fine - coarse).abs() < 25.0, "{fine} {coarse}");
    assert!((coarse_bone / fine_bone - 1.0).abs() < 0.5, "{fine_bone} {coarse_bone}");
}

#[test]
fn what_lies_beyond_the_field_of_view_appears_on_its_other_side() {
    let clean = made(Contrast::T1, none());
    let wrapped = made(Contrast::T1, Degradations { wrap: Some(Wrap { axis: 1, lost_mm: [60.0, 0.0] }), ..none() });
    let [_, ny, nz] = clean.image.grid.size;
    assert_eq!(wrapped.image.grid.size[1], ny - 15);
    let front = |head: &Head| {
        let [nx, ny, _] = head.image.grid.size;
        mean(head, |at| at / nx % ny > ny - 6 && at / (nx * ny) > nz / 2)
    };
    assert!(front(&wrapped) > 4.0 * front(&clean), "the back of the head is in front of the forehead");
}

#[test]
fn artefacts_are_where_they_belong() {
    let air = |head: &Head| mean_of(head, Tissue::Air);
    let clean = made(Contrast::T1, none());
    let ghosting = Some(Ghosting { axis: 1, copies: 2, strength: 0.2 });
    assert!(air(&made(Contrast::T1, Degradations { ghosting, ..none() })) > 1.3 * air(&clean));
    assert!(air(&made(Contrast::T1, Degradations { noise: 0.1, ..none() })) > 2.0 * air(&clean));
    let teeth_around = |head: &Head| {
        let teeth: Vec<usize> = (0..labels(head).len()).filter(|&at| labels(head)[at] == Tissue::Tooth as u8).collect();
        let [nx, ny, _] = head.image.grid.size;
        let slices = teeth.iter().map(|at| at / (nx * ny));
        let (low, high) = (slices.clone().min().unwrap(), slices.max().unwrap());
        mean(head, |at| {
            (low..=high).contains(&(at / (nx * ny)))
                && at / nx % ny > ny / 2
                && labels(head)[at] == Tissue::Muscle as u8
        })
    };
    let void = made(Contrast::T1, Degradations { dental: 1.0, ..none() });
    assert!(teeth_around(&void) < 0.97 * teeth_around(&clean));
    // Uneven brightness: the two halves of the brain no longer agree.
    let even = |head: &Head| {
        let nx = head.image.grid.size[0];
        let half = |left: bool| mean(head, |at| labels(head)[at] == Tissue::White as u8 && (at % nx < nx / 2) == left);
        (half(true) / half(false)).ln().abs()
    };
    assert!(even(&made(Contrast::T1, Degradations { bias: 0.9, ..none() })) > even(&clean));
}

#[test]
fn ct_has_its_couch_its_padding_and_its_streaks() {
    let clean = made(Contrast::Ct, none());
    assert_eq!(clean.image.unit, Unit::Hounsfield);
    let padded = made(Contrast::Ct, Degradations { padding: Some(-3024.0), ..none() });
    assert_eq!((clean.image.statistics().min, padded.image.statistics().min), (-1024.0, -3024.0));
    assert_eq!(padded.image.at([0, 0, 9]), Some(-3024.0));
    let [_, right] = padded.sinuses;
    assert!((around(&padded, right.centre_mm) + 1000.0).abs() < 60.0, "the head is not padded");

    let couch = Degradations { couch: true, margins_mm: [0.0, 0.0, 60.0, 0.0, 0.0, 0.0], ..none() };
    let couch = made(Contrast::Ct, couch);
    let [nx, ny, _] = couch.image.grid.size;
    let dense = mean(&couch, |at| at / nx % ny < 9 && labels(&couch)[at] == Tissue::Air as u8);
    assert!(dense > -960.0, "{dense}");

    let stored = made(Contrast::Ct, Degradations { unrescaled: true, ..none() });
    assert_eq!(stored.image.unit, Unit::Arbitrary);
    let air = mean_of(&stored, Tissue::Air);
    assert!((10.0..80.0).contains(&air) && stored.image.statistics().min >= 0.0, "{air}");

    let streaks = made(Contrast::Ct, Degradations { dental: 1.0, ..none() });
    // The noise is the same in both.
    let both = streaks.image.to_f32().into_iter().zip(clean.image.to_f32());
    let (brighter, darker) = both.fold((0, 0), |(brighter, darker), (streaky, clean)| {
        (brighter + u32::from(streaky > clean + 60.0), darker + u32::from(streaky < clean - 60.0))
    });
    assert!(brighter > 50 && darker > 50, "{brighter} {darker}");
    assert!(streaks.tissues == clean.tissues);
}

#[test]
fn files_hold_what_was_done_to_their_numbers() {
    let with = |contrast, intensities| made(contrast, Degradations { intensities: Some(intensities), ..none() }).image;
    let bytes = Intensities::Bytes { centre: 40.0, width: 400.0 };
    for contrast in [Contrast::T1, Contrast::Ct] {
        let image = with(contrast, bytes);
        assert_eq!((image.voxels.type_name(), image.unit), ("u8", Unit::Arbitrary));
        assert!(image.statistics().max == 255.0 && image.statistics().min < 20.0);
    }
    let standard = with(Contrast::T2, Intensities::Standardised);
    assert!(standard.voxels.type_name() == "f32" && standard.statistics().mean.abs() < 1e-3);
    let clean = made(Contrast::T2, none()).image.statistics();
    assert!(with(Contrast::T2, Intensities::Clipped(0.5)).statistics().max < 0.7 * clean.max);
    let scaled = with(Contrast::T2, Intensities::Scaled(3.0)).statistics();
    assert!((scaled.mean / clean.mean - 3.0).abs() < 0.01);
    let bright = with(Contrast::T2, Intensities::Gamma(0.6)).statistics();
    assert!(bright.mean > 1.2 * clean.mean);
}

#[test]
fn a_face_can_be_taken_away_without_the_sinuses() {
    let clean = made(Contrast::T1, none());
    let defaced = made(Contrast::T1, Degradations { defacing: Some(Defacing::NoseAndMouth), ..none() });
    assert!(defaced.sinuses.iter().all(|sinus| sinus.visible > 0.95), "{:?}", defaced.sinuses);
    let zeros = |head: &Head| head.image.to_f32().iter().filter(|&&v| v == 0.0).count();
    assert!(zeros(&defaced) > zeros(&clean) + 200);
    let blurred = Defacing::Blur { front_of_mm: 80.0, sigma_mm: 6.0 };
    let blurred = made(Contrast::T1, Degradations { defacing: Some(blurred), ..none() });
    assert!(blurred.tissues == clean.tissues && blurred.image != clean.image);
}

#[test]
fn air_in_the_sinus_is_as_dark_as_any_tissue_in_every_contrast() {
    for seed in 0..3 {
        for contrast in Contrast::ALL {
            let plan = Plan { prevalence: 0.0, ..Plan::new(seed, contrast, 4.0) };
            let head = head(&plan, &Progress::default()).unwrap();
            let sinus = head.sinuses[1].centre_mm;
            let air = head.image.at_world(sinus).unwrap();
            for tissue in [Tissue::Muscle, Tissue::Fat, Tissue::Grey, Tissue::White] {
                assert!(air < mean_of(&head, tissue) * 1.1 + 10.0, "{seed} {contrast:?} {tissue:?}: {air}");
            }
        }
    }
}
