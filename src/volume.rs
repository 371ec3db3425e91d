//! A volume: voxels on a grid, kept in the type in which they were stored, and what their numbers mean.

use crate::space::Grid;
use glam::DVec3;

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Hounsfield units, CT.
    Hounsfield,
    /// Arbitrary units, MRI and everything unknown.
    Arbitrary,
    /// An anomaly score.
    Score,
    /// Class numbers.
    Label,
}

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

    /// Smallest, largest and mean value; all zero when no voxel is finite.
    #[must_use]
    #[allow(clippy::unnecessary_cast, reason = "one arm is already f64")]
    pub fn statistics(&self) -> Statistics {
        let (mut min, mut max, mut sum, mut n) = (f64::INFINITY, f64::NEG_INFINITY, 0.0, 0_u64);
        with_voxels!(&self.voxels, v => for &stored in v {
            let x = stored as f64;
            if x.is_finite() {
                min = min.min(x);
                max = max.max(x);
                sum += x;
                n += 1;
            }
        });
        if n == 0 {
            return Statistics { min: 0.0, max: 0.0, mean: 0.0 };
        }
        let (a, b) = (self.rescale.apply(min), self.rescale.apply(max));
        Statistics { min: a.min(b), max: a.max(b), mean: self.rescale.apply(sum / n as f64) }
    }
}

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
        assert_eq!(volume.at([2, 0, 0]), Some(4.0));
        assert_eq!(volume.at([3, 0, 0]), None);
        assert_eq!(volume.at_world(DVec3::new(1.2, 0.0, 0.0)), Some(4.0));
        assert_eq!(volume.at_world(DVec3::new(-9.0, 0.0, 0.0)), None);
    }
}
