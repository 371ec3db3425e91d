//! Draws slices on the CPU: pictures without a display, and the reference that the shader is tested against.
//!
//! The twin of `shaders/slice.wgsl`: the same maths in double precision, sampled at pixel centres.

use crate::space::Grid;
use crate::view::{ColourMap, Interpolation, Overlay, Picture, SlabMode, SliceView};
use crate::volume::{Unit, Volume, with_voxels};
use glam::DVec3;
use rayon::prelude::*;
use std::sync::{Arc, LazyLock};

/// The grey (0 to 1) of everything outside the scan.
pub const BACKGROUND: f64 = 0.02;
/// Voxels by which the shader's single precision may be off: so far beyond the edges is still inside, and so little
/// below the middle between two voxels is already the next one.
const SLACK: f64 = 1e-3;

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

impl Layer {
    /// How the layer is sampled in a view: class numbers are never mixed, and no value is invented beside a map.
    #[must_use]
    pub fn interpolation(&self, view: &SliceView) -> Interpolation {
        match view.interpolation {
            _ if self.volume.unit == Unit::Label => Interpolation::Nearest,
            Interpolation::Cubic => Interpolation::Linear,
            other => other,
        }
    }

    /// What a slab shows of the layer: as of the scan where it is a second picture in greys; otherwise the strongest
    /// value, so that a finding anywhere in the slab is seen.
    #[must_use]
    pub fn through(&self, view: &SliceView) -> Through {
        match self.overlay.colours {
            ColourMap::Grey => view.slab.mode.into(),
            ColourMap::Diverging => Through::Farthest,
            _ => Through::Max,
        }
    }
}

/// How the values through a slab become one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Through {
    /// Their mean.
    Mean,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// The one farthest from 0.
    Farthest,
}

impl From<SlabMode> for Through {
    fn from(mode: SlabMode) -> Self {
        match mode {
            SlabMode::Mean => Self::Mean,
            SlabMode::Max => Self::Max,
            SlabMode::Min => Self::Min,
        }
    }
}

impl Through {
    /// One of the values; none when there are none.
    fn of(self, values: impl Iterator<Item = f64>) -> Option<f64> {
        match self {
            Self::Mean => {
                let (sum, count) = values.fold((0.0, 0.0), |(sum, count), value| (sum + value, count + 1.0));
                (count > 0.0).then(|| sum / count)
            }
            Self::Max => values.reduce(f64::max),
            Self::Min => values.reduce(f64::min),
            Self::Farthest => values.reduce(|kept, next| if kept.abs() >= next.abs() { kept } else { next }),
        }
    }
}

/// Draws one slice or slab of `volume` with `layers` on top, the first lowest; one pixel of the picture is one point of
/// the view. Colours are whole bytes before the next layer is laid on.
#[must_use]
pub fn slice(volume: &Volume, layers: &[Layer], view: &SliceView, size: [usize; 2]) -> Picture {
    let byte = |channel: f64| (channel * 255.0).round() as u8;
    let scan = sample_plane(volume, view, view.interpolation, view.slab.mode.into(), size);
    let grey = |real: &Option<f64>| byte(real.map_or(BACKGROUND, |real| view.window.apply(real)));
    let mut rgba: Vec<[u8; 4]> = scan.iter().map(grey).map(|grey| [grey, grey, grey, 255]).collect();

    for layer in layers {
        let overlay = &layer.overlay;
        let table = overlay.colours.table();
        let values = sample_plane(&layer.volume, view, layer.interpolation(view), layer.through(view), size);
        for (pixel, value) in rgba.iter_mut().zip(values) {
            if let Some(position) = value.and_then(|value| overlay.position(value as f32)) {
                let on_top = table[(position * 255.0).round() as usize];
                let opacity = f64::from(overlay.opacity_at(position));
                for (channel, top) in pixel.iter_mut().zip(on_top) {
                    let below = f64::from(*channel) / 255.0;
                    *channel = byte(below + (f64::from(top) / 255.0 - below) * opacity);
                }
            }
        }
    }
    Picture { size, rgba: rgba.into_flattened() }
}

/// The real values of `volume` at the pixel centres of a pane, row by row; none outside the volume.
/// A stored number that is not finite counts as the volume's smallest value.
#[allow(clippy::unnecessary_cast, reason = "one arm is already f64")]
fn sample_plane(
    volume: &Volume,
    view: &SliceView,
    interpolation: Interpolation,
    through: Through,
    size: [usize; 2],
) -> Vec<Option<f64>> {
    let voxel_from_pane = volume.grid.voxel_from_world() * view.world_from_pane;
    let smallest = LazyLock::new(|| volume.statistics().min);
    let real = |stored: f64| {
        let real = volume.rescale.apply(stored);
        if real.is_finite() { real } else { *smallest }
    };
    let samples = view.slab.samples(view.spacing_mm(&volume.grid));
    let mut values = vec![None; size[0] * size[1]];
    with_voxels!(&volume.voxels, stored => {
        let at = |i: usize| stored.get(i).map_or(f64::NAN, |&x| real(x as f64));
        values.par_chunks_mut(size[0].max(1)).enumerate().for_each(|(y, row)| {
            for (x, value) in row.iter_mut().enumerate() {
                *value = through.of((0..samples).filter_map(|n| {
                    let on_ray = DVec3::new(x as f64 + 0.5, y as f64 + 0.5, view.slab.offset_mm(n, samples));
                    sample(&volume.grid, at, voxel_from_pane.transform_point3(on_ray), interpolation)
                }));
            }
        });
    });
    values
}

/// The value at a voxel position; the edge voxels reach to their outer edge. None outside.
fn sample(grid: &Grid, at: impl Fn(usize) -> f64, voxel: DVec3, interpolation: Interpolation) -> Option<f64> {
    let last = DVec3::from_array(grid.size.map(|n| n as f64 - 1.0));
    let lower_edge = DVec3::splat(-0.5 - SLACK);
    if !(voxel.cmpge(lower_edge).all() && voxel.cmplt(last - lower_edge).all()) {
        return None;
    }
    let number = |v: DVec3| at(grid.index(v.clamp(DVec3::ZERO, last).to_array().map(|v| v as usize)));
    let inside = voxel.clamp(DVec3::ZERO, last);
    Some(match interpolation {
        Interpolation::Nearest => number((voxel + 0.5 + SLACK).floor()),
        Interpolation::Linear => interpolated(inside, &number, |f| [0.0, 1.0 - f, f, 0.0]),
        Interpolation::Cubic => interpolated(inside, &number, catmull_rom),
    })
}

/// The sum of the neighbours, from one before to two after along each axis, with their weights.
fn interpolated(voxel: DVec3, number: &impl Fn(DVec3) -> f64, weights: impl Fn(f64) -> [f64; 4]) -> f64 {
    let (base, f) = (voxel.floor(), voxel.fract());
    let neighbours = |f: f64| weights(f).into_iter().zip([-1.0, 0.0, 1.0, 2.0]).filter(|(weight, _)| *weight != 0.0);
    let mut sum = 0.0;
    for (wz, z) in neighbours(f.z) {
        for (wy, y) in neighbours(f.y) {
            for (wx, x) in neighbours(f.x) {
                sum += wx * wy * wz * number(base + DVec3::new(x, y, z));
            }
        }
    }
    sum
}

/// The weights of four neighbours; `f` is the way from the second to the third (Catmull and Rom, 1974).
fn catmull_rom(f: f64) -> [f64; 4] {
    [
        f * (f * (1.0 - 0.5 * f) - 0.5),
        f * f * (1.5 * f - 2.5) + 1.0,
        f * (f * (2.0 - 1.5 * f) + 0.5),
        f * f * (0.5 * f - 0.5),
    ]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::space::Plane;
    use crate::view::{Frame, PlaneCamera, Slab, Window};
    use crate::volume::{Rescale, Voxels};
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

    /// The values of a row of voxels half way between the second and the third.
    fn half_way(values: [f32; 4], interpolation: Interpolation) -> f64 {
        let grid = Grid::centred([4, 1, 1], 1.0, DVec3::ZERO);
        let at = |i: usize| f64::from(values[i]);
        sample(&grid, at, DVec3::new(1.5, 0.2, 0.0), interpolation).unwrap()
    }

    #[test]
    fn between_voxels_are_the_next_one_their_mean_or_a_curve_through_all() {
        assert_eq!(half_way([0.0, 10.0, 20.0, 0.0], Interpolation::Nearest), 20.0);
        assert_eq!(half_way([0.0, 10.0, 20.0, 0.0], Interpolation::Linear), 15.0);
        // Catmull-Rom half way: -1/16, 9/16, 9/16, -1/16.
        assert_eq!(half_way([16.0, 0.0, 0.0, 0.0], Interpolation::Cubic), -1.0);
        assert_eq!(half_way([0.0, 16.0, 0.0, 0.0], Interpolation::Cubic), 9.0);
        assert_eq!(half_way([10.0, 20.0, 30.0, 40.0], Interpolation::Cubic), 25.0, "a ramp stays one");
        let grid = Grid::centred([4, 1, 1], 1.0, DVec3::ZERO);
        let at = |i: usize| [3.0, 8.0, 1.0, 6.0][i];
        let beyond_the_first = sample(&grid, at, DVec3::new(-0.4, 0.0, 0.0), Interpolation::Cubic);
        assert_eq!(beyond_the_first, Some(3.0), "the outer half of an edge voxel has its value");
        assert_eq!(sample(&grid, at, DVec3::new(-0.6, 0.0, 0.0), Interpolation::Cubic), None);
    }

    /// The four columns of an axial picture, two for each of two rows of four voxels of 2 mm along its normal.
    fn through_four(values: [f32; 8], slab: Slab, layers: &[Layer]) -> [[u8; 4]; 4] {
        let grid = Grid::centred([2, 1, 4], 2.0, DVec3::ZERO);
        let volume = Volume::from_f32(grid, values.to_vec(), Unit::Arbitrary);
        let view = SliceView { slab, interpolation: Interpolation::Linear, ..one_to_one(&grid, Plane::Axial, [4, 1]) };
        let picture = slice(&volume, layers, &view, [4, 1]);
        [0, 1, 2, 3].map(|x| picture.pixel(x, 0).unwrap())
    }

    #[test]
    fn a_slab_shows_the_mean_the_largest_or_the_smallest_of_what_it_meets_inside_the_volume() {
        // Screen-left is patient right: the second voxel of each slice.
        let values = [0.0, 51.0, 100.0, 51.0, 24.0, 51.0, 0.0, 51.0];
        let shown = |mode, thickness_mm| {
            let [right, _, _, left] = through_four(values, Slab { mode, thickness_mm }, &[]).map(|pixel| pixel[0]);
            assert_eq!(right, 130, "51 of 100 everywhere");
            left
        };
        // Samples in the middle of all four slices.
        assert_eq!([SlabMode::Mean, SlabMode::Max, SlabMode::Min].map(|mode| shown(mode, 6.0)), [79, 255, 0]);
        // What lies outside the volume counts for nothing, not for 0: of 52 samples only four are inside.
        assert_eq!(shown(SlabMode::Mean, 102.0), 79);
        assert_eq!(shown(SlabMode::Min, 2.0), 61, "the two middle slices: 100 and 24");
    }

    #[test]
    fn a_slab_shows_the_strongest_value_of_a_map_and_class_numbers_are_never_mixed() {
        let layer = |values: Vec<f32>, unit, colours| {
            let volume = Volume::from_f32(Grid::centred([2, 1, 4], 2.0, DVec3::ZERO), values, unit).into();
            let overlay = Overlay { colours, opacity: 1.0, threshold: 0.5, low: 0.0, high: 4.0, ..Overlay::default() };
            Layer { volume, overlay }
        };
        let slab = Slab { mode: SlabMode::Min, thickness_mm: 6.0 };
        let lower = vec![0.0, 0.0, 0.0, -3.0, 0.0, 2.0, 0.0, 0.0];
        let colours = |colours: ColourMap, place: usize| {
            let [r, g, b] = colours.table()[place];
            [r, g, b, 255]
        };
        let sequential = layer(lower.clone(), Unit::Score, ColourMap::Viridis);
        assert_eq!(through_four([0.0; 8], slab, &[sequential])[0], colours(ColourMap::Viridis, 128), "2 of 4");
        let signed = layer(lower.clone(), Unit::Score, ColourMap::Diverging);
        assert_eq!(through_four([0.0; 8], slab, &[signed])[0], colours(ColourMap::Diverging, 32), "-3 of -4 to 4");
        let second = layer(lower, Unit::Arbitrary, ColourMap::Grey);
        assert_eq!(through_four([50.0; 8], slab, &[second])[0], [128, 128, 128, 255], "-3 is below the threshold");
        // Half way between class 0 and class 4 there is no class 2.
        let labels = layer(vec![0.0, 4.0, 0.0, 4.0, 0.0, 4.0, 0.0, 4.0], Unit::Label, ColourMap::Viridis);
        let shown = through_four([0.0; 8], Slab::default(), &[labels]);
        assert_eq!(shown[1..3], [colours(ColourMap::Viridis, 255), [0, 0, 0, 255]]);
    }
}
