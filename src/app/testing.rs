//! Small scans for the unit tests of the state.

use crate::io::{self, Catalogue, Check, Format, Scan};
use crate::job::Progress;
use crate::space::Grid;
use crate::volume::{Unit, Volume};
use glam::DVec3;
use std::sync::Arc;

/// A scan of this size with voxels of 2 mm around the origin.
pub(super) fn scan(size: [usize; 3]) -> Scan {
    let grid = Grid::centred(size, 2.0, DVec3::ZERO);
    let values = (0..grid.count()).map(|i| (i % 100) as f32).collect();
    Scan::synthetic(Volume::from_f32(grid, values, Unit::Arbitrary), "", "00".to_owned())
}

/// A DICOM scan with these findings.
pub(super) fn checked(codes: &[&'static str]) -> Scan {
    let check = |&code: &&'static str| Check::new(code, code);
    Scan { format: Format::Dicom, checks: codes.iter().map(check).collect(), ..scan([10, 10, 10]) }
}

/// A catalogue of two series.
#[allow(clippy::unwrap_used)]
pub(super) fn two_series() -> Arc<Catalogue> {
    let folder = tempfile::tempdir().unwrap();
    for (name, size) in [("a.nii", [12, 12, 12]), ("b.nii", [10, 10, 10])] {
        io::nifti::write(&folder.path().join(name), &scan(size).volume).unwrap();
    }
    Arc::new(io::browse(&[folder.path().to_owned()], &Progress::default()).unwrap())
}
