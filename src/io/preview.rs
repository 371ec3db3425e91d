//! One slice in grey, small enough to show in a list or before the scan that it is from has been read.

use crate::volume::Volume;

/// One slice in grey, for a list or while a scan loads.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// Columns and rows.
    pub size: [usize; 2],
    /// Distance of neighbouring pixels along a row and down a column.
    pub spacing_mm: [f64; 2],
    /// Row after row, 0 black to 255 white.
    pub grey: Vec<u8>,
}

impl Preview {
    /// The middle slice of a volume, in the window of its values.
    pub(super) fn of_volume(volume: &Volume) -> Self {
        let [ni, nj, nk] = volume.grid.size;
        let spacing = volume.grid.spacing_mm();
        let first = ni * nj * (nk / 2);
        let real: Vec<f64> = (first..first + ni * nj).map(|n| volume.voxels.get(n)).collect();
        Self::of_values([ni, nj], [spacing.x, spacing.y], &real, volume.rescale.slope < 0.0)
    }

    /// A picture of numbers, from their 1st percentile in black to their 99th in white, or the other way round.
    pub(super) fn of_values(size: [usize; 2], spacing_mm: [f64; 2], values: &[f64], inverted: bool) -> Self {
        let mut sorted: Vec<f64> = values.iter().copied().filter(|v| v.is_finite()).collect();
        let mut rank = |share: f64| {
            let place = (share * sorted.len().saturating_sub(1) as f64).round() as usize;
            if sorted.is_empty() { 0.0 } else { *sorted.select_nth_unstable_by(place, f64::total_cmp).1 }
        };
        let (low, high) = (rank(0.01), rank(0.99));
        let grey = |v: f64| {
            let grey = ((v - low) / (high - low).max(f64::MIN_POSITIVE) * 255.0).clamp(0.0, 255.0) as u8;
            if inverted { 255 - grey } else { grey }
        };
        Self { size, spacing_mm, grey: values.iter().map(|&v| grey(v)).collect() }
    }

    /// Every n-th pixel, so that no side is longer than `most`.
    pub(super) fn shrunk(self, most: usize) -> Self {
        let [columns, rows] = self.size;
        let step = columns.max(rows).div_ceil(most).max(1);
        let pixels = (0..rows).step_by(step).flat_map(|r| (0..columns).step_by(step).map(move |c| r * columns + c));
        Self {
            size: [columns.div_ceil(step), rows.div_ceil(step)],
            spacing_mm: self.spacing_mm.map(|s| s * step as f64),
            grey: pixels.filter_map(|p| self.grey.get(p).copied()).collect(),
        }
    }
}
