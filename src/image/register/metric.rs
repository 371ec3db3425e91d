//! How much the moving volume says about the fixed one under a placement, and how that changes with it.
//!
//! Mutual information from a joint histogram after Mattes et al. (IEEE Trans. Med. Imaging 22:120, 2003): fixed values
//! fall into one bin, moving ones into four by a cubic B-spline, which makes the histogram smooth in the placement.
//! What lies outside the moving volume does not count.

use super::Alignment;
use super::pyramid::Level;
use crate::job::{Cancelled, Progress};
use glam::{DAffine3, DMat3, DVec3, Vec3};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// How many samples are summed up at once. Sums are put together in their order, on any number of threads.
const PORTION: usize = 1 << 13;
/// Bins on either side that only the tails of the spline reach.
const MARGIN: usize = 2;

/// The comparison of two volumes at one resolution.
pub(super) struct Metric<'a> {
    fixed: &'a Level,
    moving: &'a Level,
    bins: usize,
    samples: Vec<Sample>,
    /// What each sample met under the last placement.
    seen: Vec<Seen>,
    /// Under the last placement, for each pair of bins: the logarithm of how much more likely it is than by the moving bin
    /// alone.
    telling: Vec<f32>,
    /// How many samples the moving volume covered.
    covered: f64,
}

/// A voxel of the fixed volume.
#[derive(Clone, Copy)]
struct Sample {
    voxel: Vec3,
    bin: u32,
}

/// The moving volume at a sample's place: the value as a position among the bins, NaN outside, and its gradient per voxel.
#[derive(Clone, Copy)]
struct Seen {
    position: f32,
    gradient: Vec3,
}

/// The derivative of the information by the entries of a placement's matrix and translation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slope {
    pub matrix: DMat3,
    pub translation: DVec3,
}

/// From values to positions among the bins.
#[derive(Clone, Copy)]
struct Scale {
    low: f32,
    per_value: f32,
}

impl Scale {
    fn new([low, high]: [f32; 2], bins: usize) -> Self {
        let span = high - low;
        // A constant volume falls into one bin.
        Self { low, per_value: if span > 0.0 { (bins - 2 * MARGIN) as f32 / span } else { 0.0 } }
    }

    fn position(self, value: f32) -> f32 {
        (value - self.low) * self.per_value + MARGIN as f32
    }
}

/// The bin of a position.
fn bin(position: f32, bins: usize) -> usize {
    (position as usize).clamp(MARGIN, bins - MARGIN - 1)
}

impl<'a> Metric<'a> {
    pub fn new(fixed: &'a Level, moving: &'a Level, bins: usize, most: usize) -> Self {
        let bins = bins.max(8);
        let scale = Scale::new(fixed.range, bins);
        let stretch = fixed.values.len().div_ceil(most.max(1)).max(1);
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let [nx, ny, _] = fixed.grid.size;
        let samples: Vec<Sample> = fixed
            .values
            .chunks(stretch)
            .enumerate()
            .map(|(n, values)| {
                // Drawn, as a regular pattern could fall in step with the rows.
                let within = rng.random_range(0..values.len());
                let at = n * stretch + within;
                let voxel = Vec3::new((at % nx) as f32, (at / nx % ny) as f32, (at / (nx * ny)) as f32);
                Sample { voxel, bin: bin(scale.position(values[within]), bins) as u32 }
            })
            .collect();
        let seen = vec![Seen { position: f32::NAN, gradient: Vec3::ZERO }; samples.len()];
        Self { fixed, moving, bins, samples, seen, telling: vec![0.0; bins * bins], covered: 0.0 }
    }

    /// Compares under a placement in the world.
    pub fn value(&mut self, moving_from_fixed: DAffine3, progress: &Progress) -> Result<Alignment, Cancelled> {
        let voxels = self.moving.grid.voxel_from_world() * moving_from_fixed * self.fixed.grid.world_from_voxel;
        let [x, y, z] = [voxels.matrix3.x_axis, voxels.matrix3.y_axis, voxels.matrix3.z_axis].map(DVec3::as_vec3);
        let origin = voxels.translation.as_vec3();
        let (moving, bins, scale) = (self.moving, self.bins, Scale::new(self.moving.range, self.bins));
        let portions =
            self.samples.par_chunks(PORTION).zip(self.seen.par_chunks_mut(PORTION)).map(|(samples, seen)| {
                progress.check()?;
                let mut histogram = vec![0.0_f32; bins * bins];
                for (sample, seen) in samples.iter().zip(seen) {
                    let place = x * sample.voxel.x + y * sample.voxel.y + z * sample.voxel.z + origin;
                    let Some((value, gradient)) = moving.at(place) else {
                        seen.position = f32::NAN;
                        continue;
                    };
                    let position = scale.position(value);
                    *seen = Seen { position, gradient };
                    let first = bin(position, bins) - 1;
                    let row = sample.bin as usize * bins + first;
                    if let Some(four) = histogram.get_mut(row..row + 4) {
                        for (count, weight) in four.iter_mut().zip(spline(position - (first + 1) as f32)) {
                            *count += weight;
                        }
                    }
                }
                Ok(histogram)
            });
        let portions: Vec<Vec<f32>> = portions.collect::<Result<_, _>>()?;
        let mut joint = vec![0.0_f64; bins * bins];
        for portion in portions {
            for (sum, count) in joint.iter_mut().zip(portion) {
                *sum += f64::from(count);
            }
        }
        let mutual_information = self.weigh(&joint);
        let overlap = self.covered / self.samples.len().max(1) as f64;
        Ok(Alignment { moving_from_fixed, mutual_information, overlap })
    }

    /// Mutual information of a joint histogram in nats; keeps what its derivative needs.
    fn weigh(&mut self, joint: &[f64]) -> f64 {
        let bins = self.bins;
        self.covered = joint.iter().sum();
        let total = self.covered.max(1.0);
        let mut of_moving = vec![0.0; bins];
        for row in joint.chunks(bins) {
            for (sum, count) in of_moving.iter_mut().zip(row) {
                *sum += count;
            }
        }
        let mut information = 0.0;
        for (row, telling) in joint.chunks(bins).zip(self.telling.chunks_mut(bins)) {
            let of_fixed: f64 = row.iter().sum();
            for ((&count, &of_moving), telling) in row.iter().zip(&of_moving).zip(telling) {
                *telling = 0.0;
                if count > 0.0 {
                    *telling = (count / of_moving).ln() as f32;
                    information += count / total * (count * total / (of_moving * of_fixed)).ln();
                }
            }
        }
        information.max(0.0)
    }

    /// How the information changes with the placement that was compared last.
    pub fn slope(&self, progress: &Progress) -> Result<Slope, Cancelled> {
        let (bins, telling) = (self.bins, &self.telling);
        let portions = self.samples.par_chunks(PORTION).zip(self.seen.par_chunks(PORTION)).map(|(samples, seen)| {
            progress.check()?;
            let mut columns = [Vec3::ZERO; 4];
            for (sample, seen) in samples.iter().zip(seen) {
                if seen.position.is_nan() || seen.gradient == Vec3::ZERO {
                    continue;
                }
                let first = bin(seen.position, bins) - 1;
                let row = sample.bin as usize * bins + first;
                let Some(four) = telling.get(row..row + 4) else { continue };
                let weights = spline_slope(seen.position - (first + 1) as f32);
                let gain: f32 = four.iter().zip(weights).map(|(telling, weight)| telling * weight).sum();
                let pull = seen.gradient * gain;
                columns[0] += pull * sample.voxel.x;
                columns[1] += pull * sample.voxel.y;
                columns[2] += pull * sample.voxel.z;
                columns[3] += pull;
            }
            Ok(columns.map(Vec3::as_dvec3))
        });
        let mut columns = [DVec3::ZERO; 4];
        for portion in portions.collect::<Result<Vec<_>, _>>()? {
            for (sum, part) in columns.iter_mut().zip(portion) {
                *sum += part;
            }
        }
        let scale = Scale::new(self.moving.range, bins);
        let [x, y, z, t] = columns.map(|sum| sum * f64::from(scale.per_value) / self.covered.max(1.0));
        // From voxels of both volumes to the world.
        let moving_from_world = self.moving.grid.voxel_from_world().matrix3.transpose();
        let Self { fixed, .. } = self;
        let outer = |a: DVec3, b: DVec3| DMat3::from_cols(a * b.x, a * b.y, a * b.z);
        let by_fixed = DMat3::from_cols(x, y, z) * fixed.grid.world_from_voxel.matrix3.transpose()
            + outer(t, fixed.grid.world_from_voxel.translation);
        Ok(Slope { matrix: moving_from_world * by_fixed, translation: moving_from_world * t })
    }
}

impl Level {
    /// Trilinear value and its gradient per voxel at a place; the edge voxels reach to their outer edge. None outside.
    fn at(&self, place: Vec3) -> Option<(f32, Vec3)> {
        let size = self.grid.size;
        let last = Vec3::from_array(size.map(|n| n as f32 - 1.0));
        if !(place.cmpge(Vec3::splat(-0.5)).all() && place.cmple(last + 0.5).all()) {
            return None;
        }
        let inside = place.clamp(Vec3::ZERO, last);
        // The lower of two neighbours; there are none along an axis of one voxel.
        let low = inside.min((last - 1.0).max(Vec3::ZERO)).floor();
        let f = inside - low;
        let [i, j, k] = low.to_array().map(|v| v as usize);
        let (dy, dz) = (size[0], size[0] * size[1]);
        let base = i + j * dy + k * dz;
        let step = size.map(|n| usize::from(n > 1));
        let (dx, dy, dz) = (step[0], step[1] * dy, step[2] * dz);
        let v = |offset: usize| self.values.get(base + offset).copied().unwrap_or(0.0);
        let pair = |offset: usize| (v(offset), v(offset + dx));
        let (a, b, c, d) = (pair(0), pair(dy), pair(dz), pair(dy + dz));
        let along = |(low, high): (f32, f32)| low + (high - low) * f.x;
        let (va, vb, vc, vd) = (along(a), along(b), along(c), along(d));
        let (near, far) = (va + (vb - va) * f.y, vc + (vd - vc) * f.y);
        let rise = |(low, high): (f32, f32)| high - low;
        let (xa, xb, xc, xd) = (rise(a), rise(b), rise(c), rise(d));
        let (x_near, x_far) = (xa + (xb - xa) * f.y, xc + (xd - xc) * f.y);
        let (y_near, y_far) = (vb - va, vd - vc);
        let gradient = Vec3::new(x_near + (x_far - x_near) * f.z, y_near + (y_far - y_near) * f.z, far - near);
        Some((near + (far - near) * f.z, gradient))
    }
}

/// The weights of the four bins around a position; `f` is the way from the second to the third.
fn spline(f: f32) -> [f32; 4] {
    let (g, ff) = (1.0 - f, f * f);
    [g * g * g / 6.0, (ff * (3.0 * f - 6.0) + 4.0) / 6.0, (3.0 * (f + ff - ff * f) + 1.0) / 6.0, ff * f / 6.0]
}

/// How they change as the position grows.
fn spline_slope(f: f32) -> [f32; 4] {
    let g = 1.0 - f;
    [-g * g / 2.0, f * (1.5 * f - 2.0), f * (1.0 - 1.5 * f) + 0.5, f * f / 2.0]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::image::register::place::{Freedom, Parameters};
    use crate::space::Grid;

    /// Smooth hills on a grid; the second kind has other values at the same places.
    fn hills(grid: Grid, remade: bool) -> Level {
        let values = (0..grid.count()).map(|n| {
            let p = grid.voxel_mm(n) / 9.0;
            let hill = (p.x + 0.3 * p.y).sin() + (1.3 * p.y - 0.4 * p.z).cos() + (0.8 * p.z + p.x).sin();
            (if remade { (hill - 0.5).powi(2) } else { hill }) as f32
        });
        let values: Vec<f32> = values.collect();
        let range = values.iter().fold([f32::MAX, f32::MIN], |[low, high], &v| [low.min(v), high.max(v)]);
        Level { grid, values, range }
    }

    #[test]
    fn the_weights_of_the_bins_are_those_of_the_cubic_b_spline() {
        assert_eq!(spline(0.0), [1.0 / 6.0, 4.0 / 6.0, 1.0 / 6.0, 0.0]);
        assert_eq!(spline(0.5), [1.0 / 48.0, 23.0 / 48.0, 23.0 / 48.0, 1.0 / 48.0]);
        assert_eq!(spline_slope(0.0), [-0.5, 0.0, 0.5, 0.0]);
        assert_eq!(spline_slope(0.5), [-0.125, -0.625, 0.625, 0.125]);
    }

    #[test]
    fn the_information_of_a_coin_about_itself_is_the_logarithm_of_two_less_what_the_spline_blurs() {
        let grid = Grid::centred([64, 8, 8], 1.0, DVec3::ZERO);
        let values: Vec<f32> = (0..grid.count()).map(|n| ((n % 64) / 32) as f32).collect();
        let level = Level { grid, values, range: [0.0, 1.0] };
        let mut metric = Metric::new(&level, &level, 32, usize::MAX);
        let value = metric.value(DAffine3::IDENTITY, &Progress::default()).unwrap();
        assert!((value.mutual_information - 2.0_f64.ln()).abs() < 1e-6, "{value:?}");
        assert!((value.overlap - 1.0).abs() < 1e-4, "{value:?}");
        // Half of it beyond the edge: what is left is one side of the coin.
        let aside = DAffine3::from_translation(DVec3::X * 32.0);
        let value = metric.value(aside, &Progress::default()).unwrap();
        assert!(value.mutual_information < 1e-6 && (value.overlap - 0.5).abs() < 1e-4, "{value:?}");
    }

    #[test]
    fn the_slope_is_that_of_the_value() {
        let turned = DMat3::from_rotation_z(0.2) * DMat3::from_diagonal(DVec3::new(-1.7, 1.9, 2.0));
        let oblique =
            Grid::new([60, 56, 50], DAffine3 { matrix3: turned, translation: DVec3::new(45.0, -60.0, -48.0) });
        let (fixed, moving) = (hills(Grid::centred([40; 3], 1.5, DVec3::ZERO), false), hills(oblique.unwrap(), true));
        let mut metric = Metric::new(&fixed, &moving, 32, usize::MAX);
        let start = DAffine3 { matrix3: DMat3::from_rotation_x(0.1), translation: DVec3::new(1.0, -2.0, 0.5) };
        for freedom in [Freedom::Similarity, Freedom::Affine] {
            let parameters = Parameters::around(start, &fixed.grid, freedom);
            let mut at = [0.0; 12];
            (at[1], at[4], at[6]) = (0.3, -0.2, 0.1);
            let mut value_at =
                |p: &[f64; 12]| metric.value(parameters.place(p), &Progress::default()).unwrap().mutual_information;
            let expected: [f64; 12] = std::array::from_fn(|n| {
                let mut moved = |by: f64| {
                    let mut p = at;
                    p[n] += by;
                    value_at(&p)
                };
                (moved(0.05) - moved(-0.05)) / 0.1
            });
            value_at(&at);
            let slope = parameters.slope(&at, &metric.slope(&Progress::default()).unwrap());
            let largest = expected.iter().fold(0.0_f64, |a, v| a.max(v.abs()));
            assert!(largest > 0.01, "{expected:?}");
            for (n, (a, b)) in slope.iter().zip(expected).enumerate() {
                assert!((a - b).abs() < 0.03 * largest, "{freedom:?} {n}: {a} instead of {b}");
            }
        }
    }
}
