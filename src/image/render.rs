//! Draws slices on the CPU: pictures without a display, and the reference that the shader is tested against.
//!
//! The twin of `shaders/slice.wgsl`: the same maths in double precision, sampled at pixel centres.

use crate::space::Grid;
use crate::view::{Interpolation, Overlay, Picture, SliceView};
use crate::volume::{Volume, with_voxels};
use glam::DVec3;
use rayon::prelude::*;
use std::sync::{Arc, LazyLock};

/// The grey (0 to 1) of everything outside the scan.
pub const BACKGROUND: f64 = 0.02;

/// A map, mask or second scan over the picture.
#[derive(Clone, Debug)]
pub struct Layer {
    /// What is laid over it, on a grid of its own.
    pub volume: Arc<Volume>,
    /// How it is coloured.
    pub overlay: Overlay,
}

impl PartialEq for Layer {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.volume, &other.volume) && self.overlay == other.overlay
    }
}

/// Draws one slice of `volume` with `layers` on top, the first lowest; one pixel of the picture is one point of the view.
#[must_use]
pub fn slice(volume: &Volume, layers: &[Layer], view: &SliceView, size: [usize; 2]) -> Picture {
    let scan = sample_plane(volume, view, view.interpolation, size);
    let grey = |real: &f64| if real.is_nan() { BACKGROUND } else { view.window.apply(*real) };
    let mut colours: Vec<[f64; 3]> = scan.iter().map(|real| [grey(real); 3]).collect();

    for Layer { volume, overlay } in layers {
        let table = overlay.colours.table();
        let values = sample_plane(volume, view, Interpolation::Linear, size);
        for (colour, value) in colours.iter_mut().zip(values) {
            // Outside the map the value is NaN, which has no position.
            if let Some(position) = overlay.position(value as f32) {
                let on_top = table[(position * 255.0).round() as usize];
                let opacity = f64::from(overlay.opacity_at(position));
                for (channel, top) in colour.iter_mut().zip(on_top) {
                    *channel += (f64::from(top) / 255.0 - *channel) * opacity;
                }
            }
        }
    }

    let byte = |channel: f64| (channel * 255.0).round() as u8;
    let rgba = colours.iter().flat_map(|&[r, g, b]| [byte(r), byte(g), byte(b), 255]).collect();
    Picture { size, rgba }
}

/// The real values of `volume` at the pixel centres of a pane, row by row; NaN outside the volume.
/// A stored number that is not finite counts as the volume's smallest value.
#[allow(clippy::unnecessary_cast, reason = "one arm is already f64")]
fn sample_plane(volume: &Volume, view: &SliceView, interpolation: Interpolation, size: [usize; 2]) -> Vec<f64> {
    let voxel_from_pane = volume.grid.voxel_from_world() * view.world_from_pane;
    let linear = interpolation != Interpolation::Nearest;
    let smallest = LazyLock::new(|| volume.statistics().min);
    let real = |stored: f64| {
        let real = volume.rescale.apply(stored);
        if real.is_finite() { real } else { *smallest }
    };
    let mut values = vec![f64::NAN; size[0] * size[1]];
    with_voxels!(&volume.voxels, stored => {
        let at = |i: usize| stored.get(i).map_or(f64::NAN, |&x| real(x as f64));
        values.par_chunks_mut(size[0].max(1)).enumerate().for_each(|(y, row)| {
            for (x, value) in row.iter_mut().enumerate() {
                let pixel_centre = DVec3::new(x as f64 + 0.5, y as f64 + 0.5, 0.0);
                let voxel = voxel_from_pane.transform_point3(pixel_centre);
                *value = sample(&volume.grid, at, voxel, linear);
            }
        });
    });
    values
}

/// The value at a voxel position, trilinear or nearest; the edge voxels reach to their outer edge. NaN outside.
fn sample(grid: &Grid, at: impl Fn(usize) -> f64, voxel: DVec3, linear: bool) -> f64 {
    let last = grid.size.map(|n| n - 1);
    let upper_edge = DVec3::from_array(last.map(|n| n as f64 + 0.5));
    if !(voxel.cmpge(DVec3::splat(-0.5)).all() && voxel.cmplt(upper_edge).all()) {
        return f64::NAN;
    }
    let index = |v: [usize; 3]| grid.index([v[0].min(last[0]), v[1].min(last[1]), v[2].min(last[2])]);
    if !linear {
        return at(index((voxel + 0.5).floor().to_array().map(|v| v as usize)));
    }
    let inside = voxel.max(DVec3::ZERO).min(upper_edge - 0.5);
    let [i, j, k] = inside.to_array().map(|v| v as usize);
    let f = inside.fract();
    let mix = |a: f64, b: f64, f: f64| a + (b - a) * f;
    let along_i = |j, k| mix(at(index([i, j, k])), at(index([i + 1, j, k])), f.x);
    let along_j = |k| mix(along_i(j, k), along_i(j + 1, k), f.y);
    mix(along_j(k), along_j(k + 1), f.z)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::space::Plane;
    use crate::view::{ColourMap, Frame, PlaneCamera, Slab, Window};
    use crate::volume::{Rescale, Unit, Voxels};
    use glam::DVec2;

    fn one_to_one(grid: &Grid, plane: Plane, size: [usize; 2]) -> SliceView {
        let camera = PlaneCamera { centre_mm: grid.centre_mm(), mm_per_point: 1.0 };
        let size = DVec2::new(size[0] as f64, size[1] as f64);
        SliceView {
            world_from_pane: camera.world_from_pane(&Frame::default(), plane, size, grid.centre_mm()),
            window: Window::between(0.0, 100.0),
            interpolation: Interpolation::Nearest,
            slab: Slab::default(),
        }
    }

    #[test]
    fn patient_right_is_on_the_left_of_axial_and_coronal_and_anterior_on_the_left_of_sagittal() {
        let grid = Grid::centred([9, 9, 9], 1.0, DVec3::ZERO);
        for (plane, bright, expected) in [
            (Plane::Axial, [7, 4, 4], [1, 4]),
            (Plane::Axial, [4, 7, 4], [4, 1]),
            (Plane::Coronal, [7, 4, 4], [1, 4]),
            (Plane::Coronal, [4, 4, 7], [4, 1]),
            (Plane::Sagittal, [4, 7, 4], [1, 4]),
        ] {
            let mut values = vec![0.0; grid.count()];
            values[grid.index(bright)] = 100.0;
            let volume = Volume::from_f32(grid, values, Unit::Arbitrary);
            let picture = slice(&volume, &[], &one_to_one(&grid, plane, [9, 9]), [9, 9]);
            let white = (0..81).find(|p| picture.pixel(p % 9, p / 9) == Some([255; 4])).unwrap();
            assert_eq!([white % 9, white / 9], expected, "{plane:?}");
        }
    }

    #[test]
    fn greys_follow_rescale_and_window_and_the_outside_is_nearly_black() {
        let grid = Grid::centred([2, 1, 1], 1.0, DVec3::ZERO);
        let rescale = Rescale { slope: 2.0, intercept: -1000.0 };
        let volume = Volume { grid, voxels: Voxels::I16(vec![500, 530]), rescale, unit: Unit::Hounsfield };
        let mut view = one_to_one(&grid, Plane::Axial, [4, 1]);
        // Real values 0 and 60; the screen runs from patient right to left.
        let picture = slice(&volume, &[], &view, [4, 1]);
        assert_eq!([0, 1, 2, 3].map(|x| picture.pixel(x, 0).unwrap()[0]), [5, 153, 0, 5]);
        // Half way between the centres of the voxels.
        view.interpolation = Interpolation::Linear;
        view.world_from_pane.translation.x -= 0.5;
        assert_eq!(slice(&volume, &[], &view, [4, 1]).pixel(1, 0), Some([77, 77, 77, 255]));
    }

    #[test]
    fn the_map_is_mixed_in_above_its_threshold_only_and_not_a_number_is_the_smallest_value() {
        let grid = Grid::centred([2, 1, 1], 1.0, DVec3::ZERO);
        let scan = Volume::from_f32(grid, vec![100.0, f32::NAN], Unit::Arbitrary);
        let map = Volume::from_f32(grid, vec![0.2, 1.0], Unit::Score);
        let view = one_to_one(&grid, Plane::Axial, [2, 1]);
        let (colours, opacity, threshold) = (ColourMap::Viridis, 0.5, 0.35);
        let overlay = Overlay { colours, opacity, threshold, low: 0.35, high: 1.0, ..Overlay::default() };
        let picture = slice(&scan, &[Layer { volume: map.into(), overlay }], &view, [2, 1]);
        // NaN is 100, the only and so the smallest value; the end of viridis is (253, 231, 37).
        assert_eq!(picture.pixel(0, 0), Some([254, 243, 146, 255]));
        assert_eq!(picture.pixel(1, 0), Some([255, 255, 255, 255]));
        assert_eq!(picture.pixel(2, 0), None);
    }
}
