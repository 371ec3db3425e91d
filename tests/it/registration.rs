//! Affine registration of synthetic heads whose place is known.

use antrum::image::register::{self, AffineConfig, Alignment};
use antrum::image::resample::{Outside, trilinear};
use antrum::job::Progress;
use antrum::phantom::{self, Contrast, Head, Plan};
use antrum::space::{Grid, Side};
use antrum::volume::Volume;
use glam::{DAffine3, DMat3, DVec3};

fn head(seed: u64, contrast: Contrast) -> Head {
    phantom::head(&Plan::new(seed, contrast, 2.0), &Progress::default()).unwrap()
}

fn aligned(fixed: &Volume, moving: &Volume) -> Alignment {
    register::affine(fixed, moving, &AffineConfig::default(), &Progress::default()).unwrap()
}

/// The scan, its content moved in the world by `moved`, on voxels of 2.3 mm from right to left that lie askew.
fn moved(scan: &Volume, moved: DAffine3) -> Volume {
    let centre_mm = moved.transform_point3(scan.grid.centre_mm()) + DVec3::new(3.0, -4.0, 5.0);
    let matrix3 = DMat3::from_rotation_y(0.1) * DMat3::from_diagonal(DVec3::new(-2.3, 2.3, 2.3));
    let size = [95, 118, 108];
    let half = DVec3::from_array(size.map(|n| (n as f64 - 1.0) / 2.0));
    let grid = Grid::new(size, DAffine3 { matrix3, translation: centre_mm - matrix3 * half }).unwrap();
    // The places where the content of each voxel was before.
    let before = Grid { world_from_voxel: moved.inverse() * grid.world_from_voxel, ..grid };
    Volume::from_f32(grid, trilinear(scan, &before, Outside::Edge), scan.unit)
}

/// The median distance of the corners of a grid under two maps.
fn corners_mm(grid: &Grid, a: DAffine3, b: DAffine3) -> f64 {
    let bounds = grid.bounds_mm();
    let mut distances: Vec<f64> = (0..8)
        .map(|corner| {
            let pick = |axis: usize| if corner >> axis & 1 == 1 { bounds.max[axis] } else { bounds.min[axis] };
            let p = DVec3::new(pick(0), pick(1), pick(2));
            a.transform_point3(p).distance(b.transform_point3(p))
        })
        .collect();
    distances.sort_by(f64::total_cmp);
    f64::midpoint(distances[3], distances[4])
}

fn shear() -> DMat3 {
    DMat3::from_cols(DVec3::X, DVec3::new(0.06, 1.0, 0.0), DVec3::new(0.0, -0.05, 1.0))
}

#[test]
fn a_known_affine_map_is_recovered() {
    let head = head(31, Contrast::T1);
    let turn = DMat3::from_rotation_z(0.15) * DMat3::from_rotation_x(-0.2) * DMat3::from_rotation_y(0.1);
    let scale = DMat3::from_diagonal(DVec3::new(1.1, 0.92, 1.05));
    for (name, matrix3, translation) in [
        ("translation", DMat3::IDENTITY, DVec3::new(25.0, -40.0, 60.0)),
        ("rotation", turn, DVec3::ZERO),
        ("scale", scale, DVec3::new(0.0, 5.0, 0.0)),
        ("shear", shear(), DVec3::ZERO),
        ("all", turn * scale * shear(), DVec3::new(-80.0, 12.0, 30.0)),
    ] {
        let truth = DAffine3 { matrix3, translation };
        let found = aligned(&head.image, &moved(&head.image, truth));
        let error_mm = corners_mm(&head.image.grid, found.moving_from_fixed, truth);
        assert!(error_mm < 0.3, "{name}: {error_mm:.2} mm");
        assert!(found.overlap > 0.9 && found.mutual_information > 0.7, "{name}: {found:?}");
    }
}

#[test]
fn a_head_lies_in_itself_as_it_is() {
    let head = head(37, Contrast::Flair);
    let found = aligned(&head.image, &head.image);
    let error_mm = corners_mm(&head.image.grid, found.moving_from_fixed, DAffine3::IDENTITY);
    assert!(error_mm < 0.1 && found.overlap > 0.999, "{error_mm:.2} mm, {found:?}");
}

#[test]
fn contrasts_may_differ() {
    let t1 = head(32, Contrast::T1);
    let turn = DMat3::from_rotation_x(0.1) * DMat3::from_rotation_z(-0.12);
    let truth = DAffine3 { matrix3: turn * shear(), translation: DVec3::new(8.0, 30.0, -20.0) };
    for contrast in [Contrast::Flair, Contrast::T2, Contrast::Ct] {
        let other = moved(&head(32, contrast).image, truth);
        let found = aligned(&t1.image, &other);
        let error_mm = corners_mm(&t1.image.grid, found.moving_from_fixed, truth);
        assert!(error_mm < 1.0, "{}: {error_mm:.2} mm", contrast.name());
    }
}

#[test]
fn the_sinuses_of_one_head_are_carried_to_those_of_another_on_the_same_side() {
    let template = head(33, Contrast::T1);
    for seed in [34, 35] {
        let other = head(seed, Contrast::Flair);
        let truth = DAffine3::from_translation(DVec3::new(-60.0, 15.0, 10.0));
        let found = aligned(&template.image, &moved(&other.image, truth)).moving_from_fixed;
        for side in Side::BOTH {
            let carried = found.transform_point3(template.sinuses[side.index()].centre_mm);
            let expected = truth.transform_point3(other.sinuses[side.index()].centre_mm);
            assert!(carried.distance(expected) < 9.0, "{seed} {side:?}: {carried} instead of {expected}");
        }
    }
}

#[test]
fn a_mirrored_head_is_not_matched_by_a_reflection() {
    let head = head(36, Contrast::T2);
    let mirror = DAffine3::from_mat3(DMat3::from_diagonal(DVec3::new(-1.0, 1.0, 1.0)));
    let found = aligned(&head.image, &moved(&head.image, mirror));
    assert!(found.moving_from_fixed.matrix3.determinant() > 0.5, "{found:?}");
    let [left, right] = [Side::Left, Side::Right]
        .map(|side| found.moving_from_fixed.transform_point3(head.sinuses[side.index()].centre_mm));
    assert!(left.x < right.x, "what is on the left in the world stays there");
}
