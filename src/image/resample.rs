//! Values of a volume on another grid.

use crate::space::Grid;
use crate::volume::{Volume, with_voxels};
use glam::DVec3;
use rayon::prelude::*;

/// What a grid point outside the volume gets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outside {
    /// The value of the nearest edge.
    Edge,
    /// A fixed value.
    Value(f32),
}

/// Trilinear real values of `volume` at the voxel centres of `grid`, i fastest. Voxels that are not finite count as 0.
#[must_use]
pub fn trilinear(volume: &Volume, grid: &Grid, outside: Outside) -> Vec<f32> {
    let rescale = volume.rescale;
    #[allow(clippy::unnecessary_cast, reason = "one arm is already f64")]
    let values = with_voxels!(&volume.voxels, v => {
        sample(&volume.grid, grid, outside, &|index| {
            let real = rescale.apply(v[index] as f64);
            if real.is_finite() { real } else { 0.0 }
        })
    });
    values
}

/// Real values of the voxels of `volume` nearest to the voxel centres of `grid`, i fastest; `outside` beyond the volume.
/// For labels, which must not be mixed.
#[must_use]
pub fn nearest(volume: &Volume, grid: &Grid, outside: f32) -> Vec<f32> {
    let source_from_target = volume.grid.voxel_from_world() * grid.world_from_voxel;
    let ([nx, ny, _], size) = (grid.size, volume.grid.size);
    let mut out = vec![outside; grid.count()];
    out.par_chunks_mut(nx).enumerate().for_each(|(line, row)| {
        let (j, k) = ((line % ny) as f64, (line / ny) as f64);
        for (i, out) in row.iter_mut().enumerate() {
            let p = source_from_target.transform_point3(DVec3::new(i as f64, j, k)).round().to_array();
            if (0..3).all(|a| p[a] >= 0.0 && p[a] < size[a] as f64) {
                let stored = volume.voxels.get(volume.grid.index(p.map(|c| c as usize)));
                *out = volume.rescale.apply(stored) as f32;
            }
        }
    });
    out
}

/// The walk over the target grid, generic over the stored type so that the inner loop has no match.
fn sample(from: &Grid, to: &Grid, outside: Outside, value: &(impl Fn(usize) -> f64 + Sync)) -> Vec<f32> {
    let source_from_target = from.voxel_from_world() * to.world_from_voxel;
    let [nx, ny, _] = to.size;
    let size = from.size.map(|n| n as f64);
    let stride = [1, from.size[0], from.size[0] * from.size[1]];
    let mut out = vec![0.0_f32; to.count()];
    out.par_chunks_mut(nx).enumerate().for_each(|(line, row)| {
        let (j, k) = ((line % ny) as f64, (line / ny) as f64);
        for (i, out) in row.iter_mut().enumerate() {
            let p = source_from_target.transform_point3(DVec3::new(i as f64, j, k)).to_array();
            let inside = (0..3).all(|a| p[a] >= -0.5 && p[a] <= size[a] - 0.5);
            if !inside && let Outside::Value(fixed) = outside {
                *out = fixed;
                continue;
            }
            let (mut base, mut step, mut fraction) = (0, [0; 3], [0.0; 3]);
            for a in 0..3 {
                let clamped = p[a].clamp(0.0, size[a] - 1.0);
                let low = clamped.floor();
                fraction[a] = clamped - low;
                base += low as usize * stride[a];
                step[a] = if low + 1.0 < size[a] { stride[a] } else { 0 };
            }
            let mut sum = 0.0;
            for corner in 0..8_usize {
                let (mut weight, mut index) = (1.0, base);
                for a in 0..3 {
                    if corner >> a & 1 == 1 {
                        weight *= fraction[a];
                        index += step[a];
                    } else {
                        weight *= 1.0 - fraction[a];
                    }
                }
                if weight > 0.0 {
                    sum += weight * value(index);
                }
            }
            *out = sum as f32;
        }
    });
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::volume::Unit;
    use glam::{DAffine3, DMat3};

    fn ramp(grid: Grid) -> Volume {
        let [nx, ny, nz] = grid.size;
        let mut values = Vec::new();
        for k in 0..nz {
            for j in 0..ny {
                for i in 0..nx {
                    let p = grid.world_from_voxel.transform_point3(DVec3::new(i as f64, j as f64, k as f64));
                    values.push((p.x + 10.0 * p.y + 100.0 * p.z) as f32);
                }
            }
        }
        Volume::from_f32(grid, values, Unit::Arbitrary)
    }

    /// A linear function of world position is reproduced on any grid, for all 48 axis orders of the source.
    #[test]
    fn a_ramp_is_the_same_ramp_from_all_48_axis_orders() {
        let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let target = Grid::centred([5, 6, 7], 1.3, DVec3::new(1.0, -2.0, 3.0));
        let expected = ramp(target).to_f32();
        for order in orders {
            for signs in 0..8_u32 {
                let axis = |a: usize| {
                    let sign = if signs >> a & 1 == 1 { -1.5 } else { 1.5 };
                    DVec3::AXES[order[a]] * sign
                };
                let matrix3 = DMat3::from_cols(axis(0), axis(1), axis(2));
                let centre = matrix3 * DVec3::splat(7.5);
                let affine = DAffine3 { matrix3, translation: DVec3::new(1.0, -2.0, 3.0) - centre };
                let source = ramp(Grid { size: [16, 16, 16], world_from_voxel: affine });
                let got = trilinear(&source, &target, Outside::Value(f32::NAN));
                for (g, e) in got.iter().zip(&expected) {
                    assert!((g - e).abs() < 1e-3, "order {order:?} signs {signs:b}: {g} instead of {e}");
                }
            }
        }
    }

    #[test]
    fn nearest_takes_whole_voxels() {
        let source = Volume::from_f32(Grid::centred([2, 1, 1], 1.0, DVec3::ZERO), vec![3.0, 5.0], Unit::Label);
        let target = Grid::centred([8, 1, 1], 0.3, DVec3::ZERO);
        assert_eq!(nearest(&source, &target, 0.0), [0.0, 3.0, 3.0, 3.0, 5.0, 5.0, 5.0, 0.0]);
    }

    #[test]
    fn outside_is_the_edge_or_the_fixed_value() {
        let source = Volume::from_f32(Grid::centred([2, 1, 1], 1.0, DVec3::ZERO), vec![3.0, 5.0], Unit::Arbitrary);
        let target = Grid::centred([5, 1, 1], 1.0, DVec3::new(0.5, 0.0, 0.0));
        assert_eq!(trilinear(&source, &target, Outside::Edge), [3.0, 3.0, 5.0, 5.0, 5.0]);
        assert_eq!(trilinear(&source, &target, Outside::Value(-1.0)), [-1.0, 3.0, 5.0, -1.0, -1.0]);
    }
}
