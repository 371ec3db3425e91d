//! Unevenly spaced slices to evenly spaced ones, on request only: new slices are mixed from their neighbours.

use super::series::{even, steps};
use super::slice::Slice;
use crate::io::Check;
use crate::space::Grid;
use crate::volume::{Volume, Voxels};
use rayon::prelude::*;

/// Resampling makes at most so many times as many slices.
const MOST: usize = 4;

/// A volume at the median spacing of its slices, and what to say about it; none where the spacing is even already, no
/// volume where the gaps are too wide.
///
/// Each new slice is the linear mixture of the two slices beside it, in the stored type; the grid runs from the first
/// slice to the last or to less than a step before it.
pub(super) fn resample(volume: &Volume, slices: &[Slice]) -> Option<(Option<Volume>, Check)> {
    let (steps, median) = steps(slices)?;
    if median <= 0.0 || steps.iter().all(|&step| even(step, median)) {
        return None;
    }
    // Where each slice lies, in millimetres behind the first.
    let mut places = vec![0.0];
    let mut length = 0.0;
    for step in &steps {
        length += step;
        places.push(length);
    }
    let count = (length / median + 1e-6).floor() as usize + 1;
    if count > MOST * slices.len() {
        let message = "The gaps between the slices are too wide to resample them to even spacing.";
        return Some((None, Check::new("not-resampled", message)));
    }
    let mixtures: Vec<(usize, f64)> = (0..count)
        .map(|k| {
            let place = k as f64 * median;
            let before = places.partition_point(|&p| p <= place).saturating_sub(1).min(slices.len() - 2);
            (before, ((place - places[before]) / steps[before]).clamp(0.0, 1.0))
        })
        .collect();

    let mut world_from_voxel = volume.grid.world_from_voxel;
    world_from_voxel.matrix3.z_axis *= steps.len() as f64 * median / length;
    let [ni, nj, _] = volume.grid.size;
    let grid = Grid::new([ni, nj, count], world_from_voxel).ok()?;
    let voxels = mixed(&volume.voxels, ni * nj, &mixtures);
    let message = format!("The slices were resampled to even spacing, {median:.2} mm; {count} slices are shown.");
    Some((Some(Volume { grid, voxels, ..*volume }), Check::new("resampled", message)))
}

fn mixed(voxels: &Voxels, pixels: usize, mixtures: &[(usize, f64)]) -> Voxels {
    fn mix<T: Copy + Send + Sync>(
        values: &[T],
        pixels: usize,
        mixtures: &[(usize, f64)],
        between: impl Fn(T, T, f64) -> T + Sync,
    ) -> Vec<T> {
        let slice = |k: usize| values.get(k * pixels..(k + 1) * pixels).unwrap_or_default();
        let slices = mixtures.par_iter().flat_map_iter(|&(before, share)| {
            slice(before).iter().zip(slice(before + 1)).map(move |(&a, &b)| (a, b, share))
        });
        slices.map(|(a, b, share)| between(a, b, share)).collect()
    }
    macro_rules! mix_as {
        ($values:expr, $type:ty, $round:expr) => {
            mix($values, pixels, mixtures, |a, b, share| {
                let exact = a as f64 + (b as f64 - a as f64) * share;
                $round(exact) as $type
            })
        };
    }
    let whole = f64::round;
    let as_is = |v: f64| v;
    match voxels {
        Voxels::U8(v) => Voxels::U8(mix_as!(v, u8, whole)),
        Voxels::I8(v) => Voxels::I8(mix_as!(v, i8, whole)),
        Voxels::U16(v) => Voxels::U16(mix_as!(v, u16, whole)),
        Voxels::I16(v) => Voxels::I16(mix_as!(v, i16, whole)),
        Voxels::U32(v) => Voxels::U32(mix_as!(v, u32, whole)),
        Voxels::I32(v) => Voxels::I32(mix_as!(v, i32, whole)),
        Voxels::U64(v) => Voxels::U64(mix_as!(v, u64, whole)),
        Voxels::I64(v) => Voxels::I64(mix_as!(v, i64, whole)),
        Voxels::F32(v) => Voxels::F32(mix_as!(v, f32, as_is)),
        Voxels::F64(v) => Voxels::F64(mix_as!(v, f64, as_is)),
    }
}
