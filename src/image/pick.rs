//! What is under the mouse in the 3-D picture, found on the CPU with the functions that the picture is made from.
//!
//! A click goes to what is seen there. Where a map glows, that is the map, as tissue never hides it: its strongest
//! value along the ray, of the highest layer if several glow. Elsewhere it is the scan: the depth at which the
//! composite has become half opaque, the surface, or the largest value. Where there is nothing to see, there is none.

use super::render::Layer;
use super::resample::{Outside, trilinear};
use crate::space::Grid;
use crate::view::{ColourMap, RaycastView, Rendering, Transfer, mean_emission};
use crate::volume::Volume;
use glam::{DAffine3, DMat3, DVec2, DVec3};

/// Samples per voxel of the finest direction.
const PER_VOXEL: f64 = 4.0;
/// Thinner tissue than this is not what is looked at.
const HALF_OPAQUE: f64 = 0.5;

/// The world point that is seen at a point of a pane of `size` points.
#[must_use]
pub fn pick(scan: &Volume, layers: &[Layer], view: &RaycastView, size: DVec2, at: DVec2) -> Option<DVec3> {
    let world_from_pane = view.camera.world_from_pane(size);
    let origin = world_from_pane.transform_point3(at.extend(0.0));
    let forward = view.camera.axes()[2];
    let glow = |layer: &Layer| {
        let ray = Ray::through(&layer.volume, view, origin, forward)?;
        peak(&ray, layer).map(|sample| ray.at_mm(sample))
    };
    if let Some(point) = layers.iter().rev().find_map(glow) {
        return Some(point);
    }
    let ray = Ray::through(scan, view, origin, forward)?;
    let sample = match view.rendering {
        Rendering::Composite(transfer) => half_opaque(&ray, transfer),
        Rendering::Mip { range: [low, _] } => largest(&ray, low),
        Rendering::Surface { level, .. } => first_above(&ray, level),
    }?;
    Some(ray.at_mm(sample))
}

/// The values of a volume along a ray.
struct Ray {
    values: Vec<f64>,
    start_mm: DVec3,
    step_mm: DVec3,
}

impl Ray {
    /// What is left of the ray in the volume after cuts and crop.
    fn through(volume: &Volume, view: &RaycastView, origin: DVec3, forward: DVec3) -> Option<Self> {
        let [near, far] = view.depths(origin, forward)?;
        let [enter, leave] = inside(&volume.grid, origin, forward)?;
        let (near, far) = (near.max(enter), far.min(leave));
        let step = volume.grid.spacing_mm().min_element() / PER_VOXEL;
        // The last sample lies at the end, not beyond it.
        let samples = ((far - near) / step).floor().max(0.0) as usize + 1;
        let (start_mm, step_mm) = (origin + forward * near, forward * step);
        let (across, up) = forward.any_orthonormal_pair();
        let world_from_voxel = DAffine3 { matrix3: DMat3::from_cols(step_mm, across, up), translation: start_mm };
        let along = Grid { size: [samples, 1, 1], world_from_voxel };
        let values = trilinear(volume, &along, Outside::Edge).into_iter().map(f64::from).collect();
        (near < far).then_some(Self { values, start_mm, step_mm })
    }

    /// The world point of a sample, which need not be a whole number.
    fn at_mm(&self, sample: f64) -> DVec3 {
        self.start_mm + self.step_mm * sample
    }
}

/// Where a ray enters and leaves the outer edges of a grid.
fn inside(grid: &Grid, origin: DVec3, forward: DVec3) -> Option<[f64; 2]> {
    let voxel_from_world = grid.voxel_from_world();
    let (start, direction) = (voxel_from_world.transform_point3(origin), voxel_from_world.transform_vector3(forward));
    let (mut near, mut far) = (f64::NEG_INFINITY, f64::INFINITY);
    for axis in 0..3 {
        let faces = [-0.5, grid.size[axis] as f64 - 0.5];
        if direction[axis].abs() < 1e-12 {
            if start[axis] < faces[0] || start[axis] > faces[1] {
                return None;
            }
        } else {
            let depths = faces.map(|face| (face - start[axis]) / direction[axis]);
            near = near.max(depths[0].min(depths[1]));
            far = far.min(depths[0].max(depths[1]));
        }
    }
    (near < far).then_some([near, far])
}

/// The sample at which a ray has lost half of its light; if it never does, none.
fn half_opaque(ray: &Ray, transfer: Transfer) -> Option<f64> {
    let table = transfer.table();
    let step_mm = ray.step_mm.length();
    let mut clear = 1.0;
    let places: Vec<f64> = ray.values.iter().map(|&v| transfer.place(v)).collect();
    for (sample, pair) in places.windows(2).enumerate() {
        let through = (-mean_emission(&table, pair[0], pair[1])[3].max(0.0) * step_mm).exp();
        if clear * through <= HALF_OPAQUE {
            // Within a step, light falls exponentially.
            return Some(sample as f64 + (HALF_OPAQUE / clear).ln() / through.ln());
        }
        clear *= through;
    }
    None
}

/// The sample at which values first reach a level, between the last below and the first above.
fn first_above(ray: &Ray, level: f64) -> Option<f64> {
    let first = ray.values.iter().position(|&v| v >= level)?;
    let Some(before) = first.checked_sub(1) else { return Some(0.0) };
    let (low, high) = (ray.values[before], ray.values[first]);
    Some(before as f64 + (level - low) / (high - low))
}

/// The middle of where the values are largest, if they are above black.
fn largest(ray: &Ray, black: f64) -> Option<f64> {
    let largest = ray.values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    (largest > black).then(|| middle_of(&ray.values, |v| v >= largest))?
}

/// The middle of where a map is strongest, if it is visible at all.
fn peak(ray: &Ray, layer: &Layer) -> Option<f64> {
    let overlay = &layer.overlay;
    let strength = |value: f64| {
        let visible = overlay.position(value as f32).is_some();
        visible.then_some(if overlay.colours == ColourMap::Diverging { value.abs() } else { value })
    };
    let strongest = ray.values.iter().filter_map(|&v| strength(v)).max_by(f64::total_cmp)?;
    middle_of(&ray.values, |v| strength(v).is_some_and(|s| s >= strongest))
}

/// The middle of the first run of samples for which something is true.
fn middle_of(values: &[f64], is_meant: impl Fn(f64) -> bool) -> Option<f64> {
    let first = values.iter().position(|&v| is_meant(v))?;
    let run = values[first..].iter().take_while(|&&v| is_meant(v)).count();
    Some(first as f64 + (run - 1) as f64 / 2.0)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::space::BoxMm;
    use crate::view::{Cut, OrbitCamera, Overlay, Stop};
    use crate::volume::Unit;

    const OPAQUE: &[Stop] =
        &[Stop { at: 0.4, colour: [255; 3], opacity: 0.0 }, Stop { at: 0.6, colour: [255; 3], opacity: 0.9 }];
    const SIZE: DVec2 = DVec2::new(200.0, 160.0);

    fn ball(centre_mm: DVec3, radius_mm: f64) -> Volume {
        let grid = Grid::centred([64, 60, 56], 1.0, DVec3::ZERO);
        let edge = |i| radius_mm - grid.voxel_mm(i).distance(centre_mm);
        let values = (0..grid.count()).map(|i| (edge(i) + 0.5).clamp(0.0, 1.0) as f32).collect();
        Volume::from_f32(grid, values, Unit::Arbitrary)
    }

    fn view(yaw: f64, pitch: f64, rendering: Rendering) -> RaycastView {
        let camera = OrbitCamera { yaw, pitch, centre_mm: DVec3::ZERO, mm_per_point: 0.5 };
        RaycastView { camera, rendering, lit: true, cuts: Vec::new(), crop: None, step: 1.0 }
    }

    const COMPOSITE: Rendering = Rendering::Composite(Transfer { range: [0.0, 1.0], stops: OPAQUE });
    const SURFACE: Rendering = Rendering::Surface { level: 0.5, range: [0.0, 1.0] };

    #[test]
    fn the_front_of_a_ball_is_picked_within_a_voxel_from_every_side() {
        let scan = ball(DVec3::ZERO, 20.0);
        for rendering in [COMPOSITE, SURFACE] {
            for (yaw, pitch, x, y) in [(0.0, 0.0, 0.0, 0.0), (0.7, 0.3, 8.0, -10.0), (-2.5, -1.0, -20.0, 12.0)] {
                let view = view(yaw, pitch, rendering);
                let [right, down, forward] = view.camera.axes();
                let off_axis = (right * x + down * y) * 0.5;
                let expected = off_axis - forward * (400.0 - off_axis.length_squared()).sqrt();
                let got = pick(&scan, &[], &view, SIZE, SIZE / 2.0 + DVec2::new(x, y)).unwrap();
                assert!(got.distance(expected) < 1.0, "{rendering:?} {yaw}: {got} instead of {expected}");
            }
            assert_eq!(pick(&scan, &[], &view(0.0, 0.0, rendering), SIZE, DVec2::new(45.0, 80.0)), None, "beside it");
        }
    }

    #[test]
    fn from_the_front_the_right_of_the_pane_is_patient_left() {
        let scan = ball(DVec3::new(-15.0, 0.0, 10.0), 6.0);
        let got = pick(&scan, &[], &view(0.0, 0.0, SURFACE), SIZE, DVec2::new(130.0, 60.0)).unwrap();
        assert!(got.distance(DVec3::new(-15.0, 6.0, 10.0)) < 1.0, "{got}");
        assert_eq!(pick(&scan, &[], &view(0.0, 0.0, SURFACE), SIZE, DVec2::new(70.0, 60.0)), None);
    }

    #[test]
    fn what_is_cut_away_or_cropped_is_not_picked() {
        let scan = ball(DVec3::ZERO, 20.0);
        let cuts = vec![Cut { normal: DVec3::Y, at_mm: DVec3::new(0.0, 4.0, 0.0) }];
        let cut = RaycastView { cuts, ..view(0.0, 0.0, SURFACE) };
        assert!(pick(&scan, &[], &cut, SIZE, SIZE / 2.0).unwrap().distance(DVec3::new(0.0, 4.0, 0.0)) < 0.01);
        let crop = Some(BoxMm { min: DVec3::splat(-40.0), max: DVec3::new(40.0, -19.0, 40.0) });
        let cropped = RaycastView { crop, ..view(0.0, 0.0, SURFACE) };
        assert!(pick(&scan, &[], &cropped, SIZE, SIZE / 2.0).unwrap().distance(DVec3::Y * -19.0) < 0.01);
        assert_eq!(pick(&scan, &[], &cropped, SIZE, DVec2::new(130.0, 80.0)), None);
    }

    #[test]
    fn the_largest_value_is_picked_in_a_maximum() {
        let scan = ball(DVec3::new(3.0, -11.0, 5.0), 2.0);
        let view = view(0.0, 0.0, Rendering::Mip { range: [0.1, 1.0] });
        let got = pick(&scan, &[], &view, SIZE, SIZE / 2.0 + DVec2::new(-6.0, -10.0)).unwrap();
        assert!(got.distance(DVec3::new(3.0, -11.0, 5.0)) < 1.0, "{got}");
        assert_eq!(pick(&scan, &[], &view, SIZE, DVec2::new(10.0, 10.0)), None);
    }

    #[test]
    fn a_click_on_a_glow_goes_to_the_maps_peak_behind_the_tissue() {
        let scan = ball(DVec3::ZERO, 20.0);
        let peak = DVec3::new(-4.0, 2.0, 0.0);
        let layer = Layer { volume: ball(peak, 3.0).into(), overlay: Overlay::default() };
        let at = |x| SIZE / 2.0 + DVec2::new(x, 0.0);
        let view = view(0.0, 0.0, COMPOSITE);
        let got = pick(&scan, std::slice::from_ref(&layer), &view, SIZE, at(8.0)).unwrap();
        assert!(got.distance(peak) < 1.0, "{got}");
        let beside = pick(&scan, std::slice::from_ref(&layer), &view, SIZE, at(-8.0)).unwrap();
        assert!(beside.y > 18.0, "the tissue beside the glow: {beside}");
        // Of two that glow, the upper one is meant.
        let upper = Layer { volume: ball(DVec3::new(-4.0, -9.0, 0.0), 3.0).into(), overlay: Overlay::default() };
        let got = pick(&scan, &[layer, upper], &view, SIZE, at(8.0)).unwrap();
        assert!((got.y + 9.0).abs() < 1.0, "{got}");
    }
}
