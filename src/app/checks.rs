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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::checked;

    #[test]
    fn only_uneven_slices_of_dicom_can_be_resampled_and_only_once() {
        assert!(uneven(&checked(&["uneven-spacing"])) && uneven(&checked(&["missing-slices"])));
        assert!(!uneven(&checked(&["duplicates"])));
        assert!(!uneven(&checked(&["missing-slices", "resampled"])));
        assert!(!uneven(&Scan { format: Format::Nifti, ..checked(&["uneven-spacing"]) }));
        assert!(orientation_known(&checked(&[])) && !orientation_known(&checked(&["no-orientation"])));
    }
}
