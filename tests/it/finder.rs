//! The finder on synthetic heads whose truth is known: every contrast, padded CT, no air at all, any storage order, cut
//! off, and on what is no head.

use antrum::job::Progress;
use antrum::methods::sinus::{Finder, Presence, Sinus};
use antrum::nets;
use antrum::phantom::degrade::{Cut, Edge};
use antrum::phantom::{self, Contrast, Degradations, DiseaseKind, Head, Plan};
use antrum::space::{Grid, Side};
use antrum::volume::{Volume, Voxels};
use glam::{DAffine3, DMat3, DVec3};
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;

fn head(seed: u64, contrast: Contrast, diseases: [Option<DiseaseKind>; 2]) -> Head {
    let plan = Plan { diseases: Some(diseases), ..Plan::new(seed, contrast, 2.0) };
    phantom::head(&plan, &Progress::default()).unwrap()
}

fn found(volume: &Volume) -> [Sinus; 2] {
    Finder::built_in(&nets::cpu()).unwrap().find(volume, &Progress::default()).unwrap()
}

/// Both centres within `limit_mm` of the truth, on their own side.
fn assert_found(name: &str, head: &Head, sinuses: &[Sinus; 2], limit_mm: f64) {
    for (sinus, truth) in sinuses.iter().zip(&head.sinuses) {
        let error_mm = sinus.centre_mm.distance(truth.centre_mm);
        assert_eq!(sinus.side, truth.side);
        assert!(error_mm < limit_mm, "{name} {:?}: {error_mm:.1} mm", sinus.side);
        assert_eq!(sinus.present, Presence::Complete, "{name} {:?}", sinus.side);
    }
}

#[test]
fn normal_sinuses_are_found_in_every_contrast() {
    for contrast in [Contrast::Flair, Contrast::T1, Contrast::T2, Contrast::Pd, Contrast::Ct] {
        let head = head(5, contrast, [None; 2]);
        assert_found(contrast.name(), &head, &found(&head.image), 8.0);
    }
}

#[test]
fn padding_below_air_does_not_hide_the_sinuses_of_a_ct() {
    let mut head = head(6, Contrast::Ct, [None; 2]);
    let [nx, ny, _] = head.image.grid.size;
    let Voxels::I16(values) = &mut head.image.voxels else { panic!("CT is stored as i16") };
    for (i, value) in values.iter_mut().enumerate() {
        let (x, y) = ((i % nx) as f64 / nx as f64 - 0.5, (i / nx % ny) as f64 / ny as f64 - 0.5);
        if x.hypot(y) > 0.48 {
            *value = -3024;
        }
    }
    assert_found("padded CT", &head, &found(&head.image), 8.0);
}

#[test]
fn sinuses_without_air_are_found_too_and_told_to_be_opacified() {
    let full = Some(DiseaseKind::Opacification);
    for (seed, diseases) in [(7, [full, None]), (8, [full, full])] {
        let head = head(seed, Contrast::T1, diseases);
        let sinuses = found(&head.image);
        assert_found("opacified", &head, &sinuses, 8.0);
        let finder = Finder::built_in(&nets::cpu()).unwrap();
        for (sinus, disease) in sinuses.iter().zip(diseases) {
            let cavity = finder.cavity(&head.image, sinus.side, sinus.centre_mm, &Progress::default()).unwrap();
            let share = cavity.opacification().unwrap();
            assert!(if disease.is_some() { share > 0.9 } else { share < 0.5 }, "{:?}: {share}", sinus.side);
        }
    }
}

/// The same head stored with its first axis from right to left gives the same places in the world.
#[test]
fn the_storage_order_does_not_swap_sides() {
    let mut diseases = [None; 2];
    diseases[Side::Left.index()] = Some(DiseaseKind::RetentionCyst);
    let head = head(9, Contrast::Flair, diseases);
    let [nx, ny, nz] = head.image.grid.size;
    let values = head.image.to_f32();
    let mirrored: Vec<f32> = values.chunks(nx).flat_map(|row| row.iter().rev().copied()).collect();
    let flip = DAffine3 {
        matrix3: DMat3::from_diagonal(DVec3::new(-1.0, 1.0, 1.0)),
        translation: DVec3::X * (nx as f64 - 1.0),
    };
    let grid = Grid::new([nx, ny, nz], head.image.grid.world_from_voxel * flip).unwrap();
    let (straight, reversed) = (found(&head.image), found(&Volume::from_f32(grid, mirrored, head.image.unit)));
    assert_found("straight", &head, &straight, 8.0);
    for (a, b) in straight.iter().zip(&reversed) {
        assert!(a.side == b.side && a.centre_mm.distance(b.centre_mm) < 1e-3, "{} {}", a.centre_mm, b.centre_mm);
    }
}

/// The presence of both sinuses, left first, in a scan whose edges have come in.
fn presence(contrast: Contrast, cuts: Vec<Cut>) -> [Presence; 2] {
    let degradations = Degradations { cuts, ..Degradations::default() };
    let head = phantom::head(&Plan { degradations, ..Plan::new(10, contrast, 1.5) }, &Progress::default()).unwrap();
    found(&head.image).map(|sinus| sinus.present)
}

#[test]
fn a_sinus_that_the_scan_cuts_off_is_partial_on_its_own_side() {
    use Presence::{Absent, Complete, Partial};
    let half = |edge| vec![Cut { edge, depth: 0.5 }];
    let mut wrong = Vec::new();
    for contrast in [Contrast::Flair, Contrast::T1, Contrast::Ct] {
        for (name, cuts, expected) in [
            ("bottom", half(Edge::Bottom), [Partial; 2]),
            ("left", half(Edge::Left), [Partial, Complete]),
            ("right", half(Edge::Right), [Complete, Partial]),
            ("all below the orbits", vec![Cut { edge: Edge::Bottom, depth: 1.3 }], [Absent; 2]),
        ] {
            let said = presence(contrast, cuts);
            if said != expected {
                wrong.push(format!("{contrast:?}, {name}: {said:?} instead of {expected:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn nothing_is_found_where_there_is_no_head_or_a_cast_of_one() {
    for seed in 0..8 {
        let body = phantom::decoy(&mut ChaCha8Rng::seed_from_u64(seed));
        assert_eq!(found(&body).map(|sinus| sinus.present), [Presence::Absent; 2], "decoy {seed}");
    }
    for contrast in [Contrast::T1, Contrast::Ct] {
        let degradations = Degradations { cast: true, ..Degradations::default() };
        let plan = Plan { degradations, ..Plan::new(11, contrast, 2.0) };
        let cast = phantom::head(&plan, &Progress::default()).unwrap();
        assert_eq!(found(&cast.image).map(|sinus| sinus.present), [Presence::Absent; 2], "cast, {contrast:?}");
    }
}
