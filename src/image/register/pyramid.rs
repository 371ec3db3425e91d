//! A volume at several resolutions, each smoothed before it is thinned out.

use super::AffineConfig;
use crate::image::gaussian::kernel;
use crate::image::percentile::percentiles;
use crate::job::{Cancelled, Progress};
use crate::space::Grid;
use crate::volume::{Unit, Volume, with_voxels};
use glam::{DAffine3, DMat3, DVec3};
use rayon::prelude::*;
use std::sync::Arc;

/// What air measures in CT.
const AIR_HU: f32 = -1000.0;
/// Beyond these percentiles values are clipped: a bright vessel or a tooth of metal must not take most bins.
const CLIPPED: [f64; 2] = [0.1, 99.9];
/// How many values the percentiles are taken of.
const LOOKED_AT: usize = 1 << 18;
/// How many are converted between two looks at whether to stop.
const PORTION: usize = 1 << 16;

/// Real values on a grid, i fastest.
pub(super) struct Level {
    pub grid: Grid,
    pub values: Vec<f32>,
    /// Smallest and largest value.
    pub range: [f32; 2],
}

/// The levels of one volume, from coarse to fine.
pub(super) struct Pyramid {
    pub levels: Vec<Arc<Level>>,
}

impl Pyramid {
    /// Levels of `voxel_mm` times the configured factors, `detail` voxels in each such stretch, or the volume's own along
    /// axes where these are larger.
    pub fn new(
        volume: &Volume,
        voxel_mm: f64,
        detail: f64,
        config: &AffineConfig,
        progress: &Progress,
    ) -> Result<Self, Cancelled> {
        let mut level = Arc::new(whole(volume, progress)?);
        let mut levels = Vec::with_capacity(config.levels.len());
        // Each from the next finer one: what that has been smoothed by is taken into account.
        let mut smoothed_mm = 0.0_f64;
        for &(factor, sigma) in config.levels.iter().rev() {
            let sigma_mm = sigma * voxel_mm;
            let missing_mm = (sigma_mm * sigma_mm - smoothed_mm * smoothed_mm).max(0.0).sqrt();
            for axis in 0..3 {
                let spacing_mm = level.grid.spacing_mm()[axis];
                let stride =
                    ((factor * voxel_mm / (detail * spacing_mm) + 0.01) as usize).clamp(1, level.grid.size[axis]);
                // Thinning needs some smoothing in any case.
                let least = if stride > 1 { 0.4 * stride as f64 } else { 0.0 };
                let sigma_voxels = least.max(missing_mm / spacing_mm);
                // A smaller one changes a voxel by less than a hundredth of its neighbours.
                if stride > 1 || sigma_voxels > 0.33 {
                    level = Arc::new(thinned(&level, axis, stride, sigma_voxels, progress)?);
                }
            }
            smoothed_mm = sigma_mm.max(smoothed_mm);
            levels.push(Arc::clone(&level));
        }
        levels.reverse();
        Ok(Self { levels })
    }
}

/// The real values, those that are no numbers the smallest, without outliers.
#[allow(clippy::unnecessary_cast, reason = "one arm is already f64")]
fn whole(volume: &Volume, progress: &Progress) -> Result<Level, Cancelled> {
    let count = volume.voxels.len();
    let real = |stored: f64| volume.rescale.apply(stored) as f32;
    let some = (0..count).step_by(count.div_ceil(LOOKED_AT).max(1)).map(|index| real(volume.voxels.get(index)));
    let [low, high] = percentiles(&some.collect::<Vec<_>>(), CLIPPED).map(|v| v as f32);
    // Padding outside a CT's field of view is below air and would be the largest part of the range.
    let low = if volume.unit == Unit::Hounsfield { low.max(AIR_HU).min(high) } else { low };
    let mut values = vec![low; count];
    with_voxels!(&volume.voxels, stored => {
        values.par_chunks_mut(PORTION).zip(stored.par_chunks(PORTION)).try_for_each(|(values, stored)| {
            progress.check()?;
            for (value, &stored) in values.iter_mut().zip(stored) {
                let real = real(stored as f64);
                *value = if real.is_finite() { real.clamp(low, high) } else { low };
            }
            Ok(())
        })?;
    });
    Ok(Level { grid: volume.grid, values, range: [low, high] })
}

/// Smooths along one axis (edge repeated) and keeps every `stride`-th voxel of it, as many on both sides of the middle.
fn thinned(
    level: &Level,
    axis: usize,
    stride: usize,
    sigma_voxels: f64,
    progress: &Progress,
) -> Result<Level, Cancelled> {
    let half = kernel(sigma_voxels);
    let Level { grid, values, .. } = level;
    let from = grid.size[axis];
    let kept = from.div_ceil(stride);
    let first = (from - 1 - (kept - 1) * stride) / 2;
    let mut size = grid.size;
    size[axis] = kept;
    // Neighbours along the axis are a row of `inner` values apart.
    let inner: usize = size[..axis].iter().product();
    let mut out = vec![0.0_f32; size.iter().product()];
    out.par_chunks_mut(inner * kept).zip(values.par_chunks(inner * from)).try_for_each(|(out, values)| {
        progress.check()?;
        for (n, row) in out.chunks_mut(inner).enumerate() {
            let at = first + n * stride;
            for (d, &weight) in half.iter().enumerate() {
                let weight = if d == 0 { 0.5 * weight } else { weight };
                let (before, after) = (at.saturating_sub(d) * inner, (at + d).min(from - 1) * inner);
                if let [out] = row {
                    // Along the rows, where a loop over one value would cost more than the value.
                    *out += weight * (values[before] + values[after]);
                    continue;
                }
                for ((out, a), b) in row.iter_mut().zip(&values[before..]).zip(&values[after..]) {
                    *out += weight * (a + b);
                }
            }
        }
        Ok(())
    })?;
    let range = out.iter().fold([f32::INFINITY, f32::NEG_INFINITY], |[low, high], &v| [low.min(v), high.max(v)]);
    Ok(Level { grid: every(grid, axis, first, stride, size), values: out, range })
}

/// The grid of every `stride`-th voxel along one axis, from `first` on.
fn every(grid: &Grid, axis: usize, first: usize, stride: usize, size: [usize; 3]) -> Grid {
    let (mut scale, mut offset) = (DVec3::ONE, DVec3::ZERO);
    (scale[axis], offset[axis]) = (stride as f64, first as f64);
    let old_from_new = DAffine3 { matrix3: DMat3::from_diagonal(scale), translation: offset };
    Grid { size, world_from_voxel: grid.world_from_voxel * old_from_new }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_ramp_stays_where_it_is_at_every_level_and_thick_slices_are_not_thinned() {
        // Rows from right to left, slices of 4 mm.
        let matrix3 = DMat3::from_diagonal(DVec3::new(-1.0, 1.0, 4.0));
        let world_from_voxel = DAffine3 { matrix3, translation: DVec3::new(50.0, -30.0, 7.0) };
        let grid = Grid::new([81, 62, 12], world_from_voxel).unwrap();
        let values = (0..grid.count()).map(|n| grid.voxel_mm(n).x as f32).collect();
        let volume = Volume::from_f32(grid, values, Unit::Arbitrary);
        let pyramid = Pyramid::new(&volume, 1.0, 1.0, &AffineConfig::default(), &Progress::default()).unwrap();
        let sizes: Vec<_> = pyramid.levels.iter().map(|level| level.grid.size).collect();
        assert_eq!(sizes, [[21, 16, 12], [41, 31, 12], [81, 62, 12]]);
        for level in &pyramid.levels {
            for (n, &value) in level.values.iter().enumerate() {
                let x = level.grid.voxel_mm(n).x;
                // Away from the edges, which are repeated, and from the clipped ends.
                assert!(
                    x.abs() > 28.0 && x.abs() < 72.0 || (f64::from(value) - x).abs() < 0.01 || x < -20.0,
                    "{value} at {x}"
                );
            }
        }
    }

    #[test]
    fn padding_and_what_is_no_number_count_as_air() {
        let mut values: Vec<f32> = (0..1000).map(|n| n as f32 - 500.0).collect();
        (values[0], values[1], values[2]) = (-3024.0, f32::NAN, f32::NEG_INFINITY);
        values[3..50].fill(-1000.0);
        let volume = Volume::from_f32(Grid::centred([10; 3], 1.0, DVec3::ZERO), values, Unit::Hounsfield);
        let level = whole(&volume, &Progress::default()).unwrap();
        assert_eq!(level.range[0], -1000.0);
        assert_eq!(level.values[..4], [-1000.0; 4]);
    }
}
