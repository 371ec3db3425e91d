//! What the findings of a series check mean for what is shown and offered.

use crate::io::{Format, Scan};

/// Whether the directions of the scan in the patient are known; otherwise nothing may be called left or right.
#[must_use]
pub fn orientation_known(scan: &Scan) -> bool {
    !has(scan, "no-orientation")
}

/// Whether the scan's slices were resampled to even spacing.
#[must_use]
pub fn resampled(scan: &Scan) -> bool {
    has(scan, "resampled")
}

/// Whether the scan's slices are unevenly spaced and could be resampled.
#[must_use]
pub fn uneven(scan: &Scan) -> bool {
    scan.format == Format::Dicom && !resampled(scan) && (has(scan, "uneven-spacing") || has(scan, "missing-slices"))
}

fn has(scan: &Scan, code: &str) -> bool {
    scan.checks.iter().any(|check| check.code == code)
}
