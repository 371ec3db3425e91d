//! A volume: voxels on a grid, kept in the type in which they were stored, and what their numbers mean.

use crate::space::Grid;
use glam::DVec3;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// The voxels in their stored type, i fastest.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs, reason = "the variants are named after their element type")]
pub enum Voxels {
    U8(Vec<u8>),
    I8(Vec<i8>),
    U16(Vec<u16>),
    I16(Vec<i16>),
    U32(Vec<u32>),
    I32(Vec<i32>),
    U64(Vec<u64>),
    I64(Vec<i64>),
    F32(Vec<f32>),
    F64(Vec<f64>),
}

/// Runs `$body` with `$v` bound to the slice of whatever type is stored.
macro_rules! with_voxels {
    ($voxels:expr, $v:ident => $body:expr) => {
        match $voxels {
            $crate::volume::Voxels::U8($v) => $body,
            $crate::volume::Voxels::I8($v) => $body,
            $crate::volume::Voxels::U16($v) => $body,
            $crate::volume::Voxels::I16($v) => $body,
            $crate::volume::Voxels::U32($v) => $body,
            $crate::volume::Voxels::I32($v) => $body,
            $crate::volume::Voxels::U64($v) => $body,
            $crate::volume::Voxels::I64($v) => $body,
            $crate::volume::Voxels::F32($v) => $body,
            $crate::volume::Voxels::F64($v) => $body,
        }
    };
}
pub(crate) use with_voxels;

impl Voxels {
    /// How many voxels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        with_voxels!(self, v => v.len())
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The name of the stored type, as `antrum info` prints it: `i16`, `f32`, ...
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::U8(_) => "u8",
            Self::I8(_) => "i8",
            Self::U16(_) => "u16",
            Self::I16(_) => "i16",
            Self::U32(_) => "u32",
            Self::I32(_) => "i32",
            Self::U64(_) => "u64",
            Self::I64(_) => "i64",
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
        }
    }

    /// The stored number at a position, before rescaling.
    #[must_use]
    #[allow(clippy::unnecessary_cast, reason = "one arm is already f64")]
    pub fn get(&self, index: usize) -> f64 {
        with_voxels!(self, v => v[index] as f64)
    }
}

/// Takes stored numbers to real ones: `real = slope * stored + intercept`
/// (DICOM PS3.3 C.7.6.16.2.9; NIfTI `scl_slope`, `scl_inter`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rescale {
    /// Factor; never 0.
    pub slope: f64,
    /// Offset, in the unit of the real value.
    pub intercept: f64,
}

impl Rescale {
    /// Leaves numbers as they are.
    pub const NONE: Self = Self { slope: 1.0, intercept: 0.0 };

    /// The real value of a stored one.
    #[must_use]
    pub fn apply(self, stored: f64) -> f64 {
        self.slope * stored + self.intercept
    }
}

/// What the real values of a volume measure.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Hounsfield units, CT.
    #[serde(rename = "HU")]
    Hounsfield,
    /// Arbitrary units, MRI and everything unknown.
    #[serde(rename = "a.u.")]
    Arbitrary,
    /// An anomaly score.
    #[serde(rename = "score")]
    Score,
    /// Class numbers.
    #[serde(rename = "label")]
    Label,
}

/// What air measures in CT.
const AIR_HU: Range<f64> = -1100.0..-900.0;

impl Unit {
    /// `HU`, `a.u.`, `score` or `label`.
    #[must_use]
    pub fn symbol(self) -> &'static str {
        match self {
            Self::Hounsfield => "HU",
            Self::Arbitrary => "a.u.",
            Self::Score => "score",
            Self::Label => "label",
        }
    }

    /// Whether values are Hounsfield units, given one that few of them are below. Numbers without air at -1000 are none,
    /// whatever the file says; with it they are, even where it says nothing, as NIfTI files do.
    #[must_use]
    pub fn is_hounsfield(self, low: f64) -> bool {
        if self == Self::Hounsfield { low < -300.0 } else { AIR_HU.contains(&low) }
    }

    /// Whether they are of CT, be it stored with an offset that nothing tells of; as [`Unit::is_hounsfield`].
    #[must_use]
    pub fn is_ct(self, low: f64) -> bool {
        self == Self::Hounsfield || AIR_HU.contains(&low)
    }
}

/// Voxels on a grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    /// Where the voxels lie.
    pub grid: Grid,
    /// The stored numbers; as many as the grid has voxels.
    pub voxels: Voxels,
    /// From stored to real numbers.
    pub rescale: Rescale,
    /// What the real numbers mean.
    pub unit: Unit,
}

/// Smallest, largest and mean real value of the finite voxels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Statistics {
    /// Smallest real value.
    pub min: f64,
    /// Largest real value.
    pub max: f64,
    /// Mean of the finite real values.
    pub mean: f64,
}

impl Volume {
    /// A volume of `f32` real values, without rescaling.
    ///
    /// # Panics
    /// In debug builds, when the number of values is not that of the grid.
    #[must_use]
    pub fn from_f32(grid: Grid, values: Vec<f32>, unit: Unit) -> Self {
        debug_assert_eq!(grid.count(), values.len());
        Self { grid, voxels: Voxels::F32(values), rescale: Rescale::NONE, unit }
    }

    /// The real value of voxel `(i, j, k)`, or none outside.
    #[must_use]
    pub fn at(&self, [i, j, k]: [usize; 3]) -> Option<f64> {
        let [nx, ny, nz] = self.grid.size;
        (i < nx && j < ny && k < nz).then(|| self.rescale.apply(self.voxels.get(self.grid.index([i, j, k]))))
    }

    /// The real value of the voxel whose centre is nearest to a world point, or none outside.
    #[must_use]
    pub fn at_world(&self, world_mm: DVec3) -> Option<f64> {
        let v = self.grid.voxel_from_world().transform_point3(world_mm).round();
        if v.min_element() < 0.0 {
            return None;
        }
        self.at(v.to_array().map(|c| c as usize))
    }

    /// All real values as `f32`, in stored order.
    #[must_use]
    #[allow(clippy::unnecessary_cast, reason = "one arm is already f64")]
    pub fn to_f32(&self) -> Vec<f32> {
        let rescale = self.rescale;
        with_voxels!(&self.voxels, v => v.iter().map(|&x| rescale.apply(x as f64) as f32).collect())
    }

    /// Smallest, largest and mean value; all zero when no voxel is finite. The same whatever the number of threads.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        let parts: Vec<Tally> = with_voxels!(&self.voxels, v => v.par_chunks(TALLIED).map(Stored::tally).collect());
        let Tally { min, max, sum, count } = parts.into_iter().fold(Tally::EMPTY, Tally::with);
        if count == 0 {
            return Statistics { min: 0.0, max: 0.0, mean: 0.0 };
        }
        let (a, b) = (self.rescale.apply(min), self.rescale.apply(max));
        Statistics { min: a.min(b), max: a.max(b), mean: self.rescale.apply(sum / count as f64) }
    }
}

/// How many voxels are summed up at once: so few that the sum of 16-bit ones fits in 32 bits.
const TALLIED: usize = 1 << 15;

/// What the finite numbers of a stretch of voxels come to.
#[derive(Clone, Copy)]
struct Tally {
    min: f64,
    max: f64,
    sum: f64,
    count: usize,
}

impl Tally {
    const EMPTY: Self = Self { min: f64::INFINITY, max: f64::NEG_INFINITY, sum: 0.0, count: 0 };

    fn with(self, other: Self) -> Self {
        Self {
            min: self.min.min(other.min),
            max: self.max.max(other.max),
            sum: self.sum + other.sum,
            count: self.count + other.count,
        }
    }
}

/// A type of voxel. Each has its own way of summing up, as the processor does it in its own type many at a time.
trait Stored: Sized {
    /// Sums up at most [`TALLIED`] voxels.
    fn tally(part: &[Self]) -> Tally;
}

macro_rules! stored_integers {
    ($($type:ty, $sum:ty;)*) => {$(
        impl Stored for $type {
            fn tally(part: &[Self]) -> Tally {
                let min = part.iter().copied().fold(Self::MAX, Self::min);
                let max = part.iter().copied().fold(Self::MIN, Self::max);
                let sum: $sum = part.iter().map(|&v| <$sum>::from(v)).sum();
                Tally { min: min as f64, max: max as f64, sum: sum as f64, count: part.len() }
            }
        }
    )*};
}
stored_integers! { u8, u32; i8, i32; u16, u32; i16, i32; u32, u64; i32, i64; u64, u128; i64, i128; }

macro_rules! stored_floats {
    ($($type:ty)*) => {$(
        impl Stored for $type {
            fn tally(part: &[Self]) -> Tally {
                // Eight side by side, as one sum would wait for itself at each voxel.
                let (mut min, mut max, mut sum) = ([Self::INFINITY; 8], [Self::NEG_INFINITY; 8], [0.0; 8]);
                let (eights, rest) = part.as_chunks::<8>();
                for eight in eights {
                    for (n, &v) in eight.iter().enumerate() {
                        min[n] = if v < min[n] { v } else { min[n] };
                        max[n] = if v > max[n] { v } else { max[n] };
                        sum[n] += f64::from(v);
                    }
                }
                let min = min.iter().chain(rest).copied().fold(Self::INFINITY, Self::min);
                let max = max.iter().chain(rest).copied().fold(Self::NEG_INFINITY, Self::max);
                let sum = sum.iter().sum::<f64>() + rest.iter().map(|&v| f64::from(v)).sum::<f64>();
                if !sum.is_finite() {
                    // Rarely: again without those that are no numbers, unless there are none.
                    let finite: Vec<Self> = part.iter().copied().filter(|v| v.is_finite()).collect();
                    if finite.len() < part.len() {
                        return Self::tally(&finite);
                    }
                }
                Tally { min: min.into(), max: max.into(), sum, count: part.len() }
            }
        }
    )*};
}
stored_floats! { f32 f64 }

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn real_values_are_rescaled_and_nan_is_left_out_of_the_statistics() {
        let grid = Grid::centred([3, 1, 1], 1.0, DVec3::ZERO);
        let mut volume = Volume::from_f32(grid, vec![1.0, f32::NAN, 3.0], Unit::Arbitrary);
        volume.rescale = Rescale { slope: -2.0, intercept: 10.0 };
        assert_eq!(volume.statistics(), Statistics { min: 4.0, max: 8.0, mean: 6.0 });
        volume.voxels = Voxels::F32(vec![f32::NAN, f32::NEG_INFINITY, f32::INFINITY]);
        assert_eq!(volume.statistics(), Statistics { min: 0.0, max: 0.0, mean: 0.0 });
        volume.voxels = Voxels::F32(vec![1.0, f32::NAN, 3.0]);
        assert_eq!(volume.at([2, 0, 0]), Some(4.0));
        assert_eq!(volume.at([3, 0, 0]), None);
        assert_eq!(volume.at_world(DVec3::new(1.2, 0.0, 0.0)), Some(4.0));
        assert_eq!(volume.at_world(DVec3::new(-9.0, 0.0, 0.0)), None);
    }

    #[test]
    fn each_type_is_summed_up_in_full() {
        // More than are summed up at once, and no multiple of eight.
        let n = 100_003_usize;
        let grid = Grid::centred([n, 1, 1], 1.0, DVec3::ZERO);
        let of = |voxels| {
            let mut volume = Volume::from_f32(grid, vec![0.0; n], Unit::Arbitrary);
            volume.voxels = voxels;
            volume.statistics()
        };
        let expected = |min, max, mean| Statistics { min, max, mean };
        assert_eq!(of(Voxels::U16(vec![u16::MAX; n])), expected(65535.0, 65535.0, 65535.0));
        assert_eq!(of(Voxels::I16(vec![i16::MIN; n])), expected(-32768.0, -32768.0, -32768.0));
        assert_eq!(of(Voxels::I8(vec![-128; n])), expected(-128.0, -128.0, -128.0));
        assert_eq!(of(Voxels::U64(vec![1 << 60; n])).mean, (1_u64 << 60) as f64);
        let mut ramp: Vec<f32> = (0..n).map(|v| v as f32).collect();
        assert_eq!(of(Voxels::F32(ramp.clone())), expected(0.0, 100_002.0, 50_001.0));
        ramp[50_000] = f32::NAN;
        ramp[100_002] = f32::INFINITY;
        let sum = 50_001.0 * n as f64 - 50_000.0 - 100_002.0;
        assert_eq!(of(Voxels::F32(ramp)), expected(0.0, 100_001.0, sum / (n - 2) as f64));
        let ramp: Vec<i32> = (0..n as i32).map(|v| v - 50_001).collect();
        assert_eq!(of(Voxels::I32(ramp)), expected(-50_001.0, 50_001.0, 0.0));
    }
}
