//! Small scans for the unit tests of the state.

use super::command::{Command, Effect, Opened};
use super::report::Analysis;
use super::state::{JobKind, State};
use crate::io::{self, Catalogue, Check, Format, Scan};
use crate::job::Progress;
use crate::methods::Finding;
use crate::methods::residual::InferConfig;
use crate::methods::sinus::{Cavity, Crop, Sinus, cavity};
use crate::project::{Label, Reading};
use crate::space::{Grid, Side};
use crate::volume::{Unit, Volume};
use glam::DVec3;
use std::sync::Arc;

/// A scan of this size with voxels of 2 mm around the origin.
pub(super) fn scan(size: [usize; 3]) -> Scan {
    let grid = Grid::centred(size, 2.0, DVec3::ZERO);
    let values = (0..grid.count()).map(|i| (i % 100) as f32).collect();
    Scan::synthetic(Volume::from_f32(grid, values, Unit::Arbitrary), "", "00".to_owned())
}

/// An analysis without a method: cavities of 10 mm around places in world mm, the left one full, the right one all air.
pub(super) fn analysis(scan: &Scan, [left_mm, right_mm]: [DVec3; 2]) -> Analysis {
    let cavity = |side, centre_mm, label| {
        let grid = Crop::grid_at(side, centre_mm, 10);
        Some(Cavity::new(side, grid, vec![label; grid.count()]))
    };
    let cavities = [cavity(Side::Left, left_mm, Cavity::CONTENT), cavity(Side::Right, right_mm, Cavity::AIR)];
    Analysis {
        findings: Vec::new(),
        map: Arc::clone(&scan.volume),
        shown: Some(Arc::clone(&scan.volume)),
        normal: None,
        why: None,
        cavity_map: cavity::together(&cavities).map(Arc::new),
        cavities,
        weights_sha256: "00".to_owned(),
        classifier_sha256: None,
        fine_tuned: false,
        finder_sha256: ["01".to_owned(), "02".to_owned()],
        config: InferConfig::default(),
    }
}

/// A score of 0.5 without a reference.
pub(super) fn finding(side: Side, scan: &Scan) -> Finding {
    Finding {
        side,
        score: 0.5,
        percentile: None,
        normal: None,
        anomaly: None,
        features: None,
        why: None,
        map: (*scan.volume).clone(),
    }
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

/// A scan whose sinuses were found; its case has a label, on the patient's right.
pub(super) fn opened() -> State {
    let mut state = State::default();
    let scan = Arc::new(scan([100, 90, 80]));
    let grid = scan.volume.grid;
    let labels = [None, Some(Reading::of(Label::Normal))];
    let effects = state.apply(Command::Opened(Opened { scan, origin: None, labels }));
    assert!(effects.iter().any(|e| matches!(e, Effect::Find(_))));
    let sinuses =
        [Side::Left, Side::Right].map(|side| Sinus::placed(side, DVec3::new(25.0 * side.sign(), 30.0, -20.0), &grid));
    let effects = state.apply(Command::Found(sinuses));
    assert!(matches!(effects[..], [Effect::Cancel(JobKind::Analyse), Effect::Analyse(..)]));
    state
}
