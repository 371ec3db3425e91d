//! What the networks see of a scan: intensities from 0 to 1 on a grid of their own, and where on it the scan is.

use super::crop::Crop;
use crate::image::percentile::percentiles;
use crate::image::resample::{Outside, trilinear};
use crate::space::{Grid, Side};
use crate::volume::{Unit, Volume};
use burn::tensor::{Device, Tensor, TensorData};
use glam::DVec3;

/// What air measures in CT.
const AIR_HU: f32 = -1000.0;
/// Voxels of the whole head.
pub(super) const COARSE_MM: f64 = 4.0;
/// The coarse voxel is a mean of this many samples along each axis.
const SAMPLES: usize = 2;
/// How much empty room there is at least around a whole scan, so that cavities at its edge are not at the grid's.
const MARGIN_MM: f64 = 8.0;
/// The most coarse voxels that are looked at: more than any scan of a head has, whole bodies included.
const MOST_VOXELS: usize = 1 << 23;

/// A scan on the grid of a network.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    pub grid: Grid,
    /// `[z, y, x]`, x fastest; 0 is the darkest (1st percentile), 1 the brightest (99th); 0 outside the scan.
    pub intensities: Vec<f32>,
    /// 1 in the scan, 0 outside, between on its edge.
    pub inside: Vec<f32>,
}

impl Seen {
    /// How many channels the networks get.
    pub const CHANNELS: usize = 2;

    /// The whole scan in voxels of 4 mm along the patient's axes, edges multiples of `multiple`. None of a scan too large
    /// to be one of a head.
    pub fn whole(volume: &Volume, multiple: usize) -> Option<Self> {
        let bounds = volume.grid.bounds_mm();
        let voxels = ((bounds.max - bounds.min + 2.0 * MARGIN_MM) / COARSE_MM).ceil();
        if voxels.max_element() * SAMPLES as f64 > 4096.0 {
            return None;
        }
        let size = voxels.to_array().map(|n| (n as usize).next_multiple_of(multiple));
        let grid = Grid::centred(size, COARSE_MM, bounds.centre());
        if grid.count() > MOST_VOXELS {
            return None;
        }
        let fine = Grid::centred(size.map(|n| n * SAMPLES), COARSE_MM / SAMPLES as f64, bounds.centre());
        let samples = trilinear(volume, &fine, Outside::Value(f32::NAN));
        Some(Self::new(grid, &pooled(&samples, fine.size), volume.unit))
    }

    /// The crop around a sinus in voxels of 1 mm, the right one mirrored.
    pub fn crop(volume: &Volume, side: Side, centre_mm: DVec3) -> Self {
        let grid = Crop::grid_at(side, centre_mm, Crop::SIZE);
        let samples = trilinear(volume, &grid, Outside::Value(f32::NAN));
        let values: Vec<_> = samples.into_iter().map(|v| (v, if v.is_nan() { 0.0 } else { 1.0 })).collect();
        Self::new(grid, &values, volume.unit)
    }

    /// From values and the shares of their voxels that are in the scan.
    fn new(grid: Grid, values: &[(f32, f32)], unit: Unit) -> Self {
        let mut intensities: Vec<f32> = values.iter().map(|&(v, _)| v).collect();
        if unit == Unit::Hounsfield {
            // Padding around a round field of view is below air.
            intensities.iter_mut().filter(|v| !v.is_nan()).for_each(|v| *v = v.max(AIR_HU));
        }
        let [low, high] = percentiles(&intensities, [1.0, 99.0]).map(|v| v as f32);
        let span = if high > low { high - low } else { f32::INFINITY };
        for v in &mut intensities {
            *v = if v.is_nan() { 0.0 } else { ((*v - low) / span).clamp(0.0, 1.0) };
        }
        Self { grid, intensities, inside: values.iter().map(|&(_, share)| share).collect() }
    }

    /// The same with left and right exchanged, on the same grid.
    pub fn mirrored(&self) -> Self {
        let flip = |values: &[f32]| flipped(values, self.grid);
        Self { grid: self.grid, intensities: flip(&self.intensities), inside: flip(&self.inside) }
    }
}

/// Maps on a grid with its first axis reversed.
pub(super) fn flipped(maps: &[f32], grid: Grid) -> Vec<f32> {
    maps.chunks(grid.size[0]).flat_map(|row| row.iter().rev().copied()).collect()
}

/// All of one size, as `[batch, channels, z, y, x]`.
pub(super) fn tensor<'a>(seen: impl IntoIterator<Item = &'a Seen>, device: &Device) -> Tensor<5> {
    let (mut values, mut batch, mut size) = (Vec::new(), 0, [1; 3]);
    for one in seen {
        values.extend_from_slice(&one.intensities);
        values.extend_from_slice(&one.inside);
        batch += 1;
        size = one.grid.size;
    }
    let [nx, ny, nz] = size;
    Tensor::from_data(TensorData::new(values, [batch, Seen::CHANNELS, nz, ny, nx]), device)
}

/// Means of cubes of `SAMPLES`³ samples, and which share of them is in the scan.
fn pooled(samples: &[f32], [nx, ny, nz]: [usize; 3]) -> Vec<(f32, f32)> {
    let [cx, cy, cz] = [nx, ny, nz].map(|n| n / SAMPLES);
    let mut sums = vec![(0.0_f32, 0.0_f32); cx * cy * cz];
    for (row, values) in samples.chunks(nx).enumerate() {
        let start = cx * (row % ny / SAMPLES + cy * (row / ny / SAMPLES));
        for (x, &v) in values.iter().enumerate().filter(|(_, v)| !v.is_nan()) {
            let sum = &mut sums[start + x / SAMPLES];
            *sum = (sum.0 + v, sum.1 + 1.0);
        }
    }
    let all = SAMPLES.pow(3) as f32;
    sums.into_iter().map(|(sum, n)| if n > 0.0 { (sum / n, n / all) } else { (f32::NAN, 0.0) }).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// A scan of 40 mm that is bright in the patient's right half.
    fn half_bright() -> Volume {
        let grid = Grid::centred([20; 3], 2.0, DVec3::new(5.0, 0.0, 0.0));
        let values = (0..grid.count()).map(|i| if i % 20 < 10 { 7.0 } else { 9.0 }).collect();
        Volume::from_f32(grid, values, Unit::Arbitrary)
    }

    #[test]
    fn a_whole_scan_lies_in_the_middle_of_its_grid_with_the_right_side_at_the_end() {
        let seen = Seen::whole(&half_bright(), 8).unwrap();
        assert_eq!(seen.grid.size, [16; 3]);
        assert!(seen.grid.centre_mm().distance(DVec3::new(5.0, 0.0, 0.0)) < 1e-9);
        let row = |values: &[f32]| values[16 * (8 + 16 * 8)..][..16].to_vec();
        assert_eq!(row(&seen.inside), [0., 0., 0., 1., 1., 1., 1., 1., 1., 1., 1., 1., 1., 0., 0., 0.]);
        assert_eq!(row(&seen.intensities), [0., 0., 0., 0., 0., 0., 0., 0., 1., 1., 1., 1., 1., 0., 0., 0.]);
        assert_eq!(row(&seen.mirrored().intensities)[..8], [0., 0., 0., 1., 1., 1., 1., 1.]);
    }

    #[test]
    fn a_scan_too_large_for_a_head_is_not_looked_at() {
        let grid = Grid::centred([4; 3], 5000.0, DVec3::ZERO);
        assert!(Seen::whole(&Volume::from_f32(grid, vec![0.0; 64], Unit::Arbitrary), 16).is_none());
    }

    #[test]
    fn crops_of_both_sides_run_from_lateral_to_medial_and_know_the_edge_of_the_scan() {
        let left = Seen::crop(&half_bright(), Side::Left, DVec3::new(5.0, 0.0, 0.0));
        let right = Seen::crop(&half_bright(), Side::Right, DVec3::new(5.0, 0.0, 0.0));
        let at = |x: usize| x + 64 * (32 + 64 * 32);
        assert_eq!((left.intensities[at(20)], left.intensities[at(44)]), (0.0, 1.0));
        assert_eq!((right.intensities[at(20)], right.intensities[at(44)]), (1.0, 0.0));
        assert_eq!((left.inside[at(5)], left.inside[at(20)]), (0.0, 1.0));
    }
}
