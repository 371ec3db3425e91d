//! What the findings of a series check mean for what is shown and offered.

use super::state::OpenScan;
use crate::io::{Format, Scan};
use crate::methods::sinus::TemplateError;
use crate::space::BoxMm;

/// Whether the directions of the scan in the patient are known; otherwise nothing may be called left or right.
#[must_use]
pub fn orientation_known(scan: &Scan) -> bool {
    !has(scan, "no-orientation")
}

/// A template needs to know left from right.
///
/// # Errors
/// [`TemplateError::Unoriented`].
pub fn oriented(scan: &Scan) -> Result<(), TemplateError> {
    if orientation_known(scan) { Ok(()) } else { Err(TemplateError::Unoriented) }
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

/// Why something may lie in the wrong place when it is shown with `scan`: its outline in the world, whether its directions
/// in the patient are known, and its frame of reference. None where nothing speaks against it.
pub(super) fn mismatch(
    what: &str,
    scan: &OpenScan,
    bounds_mm: BoxMm,
    oriented: bool,
    frame_of_reference: Option<&String>,
) -> Option<String> {
    let frames = scan.scan.frame_of_reference.as_ref().zip(frame_of_reference);
    let text = if !scan.bounds_mm.overlaps(bounds_mm) {
        format!("{what} lies beside the scan: it is of another place, or of another patient")
    } else if !oriented || !orientation_known(&scan.scan) {
        let silent = if oriented { "The scan" } else { what };
        format!("{silent} does not say how it lies in the patient: left and right may be mixed up between the two")
    } else if frames.is_some_and(|(a, b)| a != b) {
        format!("{what} has another frame of reference than the scan: the patient may have moved, or be another one")
    } else {
        return None;
    };
    Some(text)
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
