//! Labels and cavities of a DICOM series as DICOM: what a reader said becomes a structured report, cavities become masks.

use crate::io::WriteError;
use crate::io::derived::{Code, Evaluation, Finding, Headers, Report, Segment, Segmentation};
use crate::methods::sinus::{Cavity, cavity};
use crate::project::{AnomalyType, Label, Reading, severity_name};
use crate::space::{Grid, Side};
use std::path::PathBuf;

/// The scheme of codes that no terminology at hand has.
const OWN: &str = "99ANTRUM";

/// The files that are made of a series: its labels and its cavities.
pub const FILES: [&str; 2] = ["labels.dcm", "cavities.dcm"];

/// What was said of a series, and what was measured in it.
pub struct Said<'a> {
    /// Who said it.
    pub observer: &'a str,
    /// Labels, by [`Side::index`].
    pub readings: &'a [Option<Reading>; 2],
    /// Cavities, where they were measured.
    pub cavities: &'a [Option<Cavity>; 2],
    /// The grid of the series.
    pub grid: &'a Grid,
    /// The time, `YYYYMMDDhhmmss`.
    pub now: &'a str,
}

impl Said<'_> {
    /// Writes it as DICOM that belongs to a series, to a file each: a report where something was said, masks where something
    /// was measured. Gives the files and what is in each.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write(
        &self,
        headers: &Headers,
        [labels, cavities]: [PathBuf; 2],
    ) -> Result<Vec<(PathBuf, String)>, WriteError> {
        let mut written = Vec::new();
        if let Some(report) = report(self.observer, self.readings, self.cavities, self.now) {
            report.write(headers, &labels)?;
            written.push((labels, format!("{} findings", report.findings.len())));
        }
        if let Some(masks) = segmentation(self.cavities, self.grid, self.now) {
            masks.write(headers, &cavities)?;
            written.push((cavities, format!("{} segments", masks.segments.len())));
        }
        Ok(written)
    }
}

/// A report of what a reader said, by [`Side::index`], with the volumes of the cavities where they were measured; none where
/// nothing was said. `now` is `YYYYMMDDhhmmss`.
fn report(
    observer: &str,
    readings: &[Option<Reading>; 2],
    cavities: &[Option<Cavity>; 2],
    now: &str,
) -> Option<Report> {
    let finding = |side: Side| {
        let reading = readings[side.index()].as_ref()?;
        let mut evaluations = Vec::new();
        evaluations
            .extend(reading.anomaly.map(|kind| Evaluation::Coded(Code("type", OWN, "Type of anomaly"), coded(kind))));
        evaluations.extend(reading.severity.map(|severity| {
            let (value, meaning) = match severity {
                0 => ("severity-0", "Lund-Mackay 0: clear"),
                1 => ("severity-1", "Lund-Mackay 1: partly opacified"),
                2 => ("severity-2", "Lund-Mackay 2: completely opacified"),
                _ => ("severity-3", severity_name(severity)),
            };
            Evaluation::Coded(Code("severity", OWN, "Severity"), Code(value, OWN, meaning))
        }));
        let percent = Code("%", "UCUM", "Percent");
        evaluations.extend(reading.confidence.map(|confidence| {
            Evaluation::Number(Code("confidence", OWN, "Confidence of the reader"), confidence.into(), percent)
        }));
        if let Some(cavity) = &cavities[side.index()] {
            let millilitre = Code("mL", "UCUM", "milliliter");
            evaluations.push(Evaluation::Number(Code("118565006", "SCT", "Volume"), cavity.volume_ml, millilitre));
            evaluations.extend(cavity.opacification().map(|share| {
                Evaluation::Number(
                    Code("opacified", OWN, "Share of the cavity that is not air"),
                    100.0 * share,
                    percent,
                )
            }));
        }
        if !reading.note.is_empty() {
            evaluations.push(Evaluation::Text(Code("121106", "DCM", "Comment"), reading.note.clone()));
        }
        let found = match reading.label {
            Label::Normal => Code("17621005", "SCT", "Normal"),
            Label::Anomalous => Code("263654008", "SCT", "Abnormal"),
            Label::Uncertain => Code("uncertain", OWN, "Uncertain"),
            Label::NotAssessable => Code("not-assessable", OWN, "Not assessable"),
        };
        Some(Finding { side, tracking: format!("{} maxillary sinus", side.name()), found, evaluations })
    };
    let findings: Vec<Finding> = Side::BOTH.into_iter().filter_map(finding).collect();
    (!findings.is_empty()).then(|| Report { observer: observer.to_owned(), now: now.to_owned(), findings })
}

fn coded(kind: AnomalyType) -> Code {
    match kind {
        AnomalyType::MucosalThickening => Code("thickening", OWN, "Mucosal thickening"),
        AnomalyType::Polyp => Code("polyp", OWN, "Polyp"),
        AnomalyType::Cyst => Code("cyst", OWN, "Cyst"),
        AnomalyType::Opacification => Code("opacification", OWN, "Opacification"),
        AnomalyType::Other => Code("other", OWN, "Other"),
    }
}

/// The cavities as masks on the grid of their series, each with the part of it that is not air; none where there are no
/// cavities.
fn segmentation(cavities: &[Option<Cavity>; 2], grid: &Grid, now: &str) -> Option<Segmentation> {
    let segments: Vec<Segment> = Side::BOTH
        .into_iter()
        .filter_map(|side| cavities[side.index()].as_ref())
        .flat_map(|one| {
            let pasted = cavity::paste([one], grid, |_, label| label);
            [("cavity", Cavity::AIR), ("not air", Cavity::CONTENT)].map(|(what, least)| Segment {
                side: one.side,
                label: format!("{} maxillary sinus, {what}", one.side.name()),
                mask: (0..grid.count()).map(|index| pasted.voxels.get(index) >= f64::from(least)).collect(),
            })
        })
        .filter(|segment| segment.mask.contains(&true))
        .collect();
    (!segments.is_empty()).then(|| Segmentation {
        grid: *grid,
        now: now.to_owned(),
        algorithm: format!("Antrum {} finder", env!("CARGO_PKG_VERSION")),
        segments,
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::methods::sinus::Crop;
    use glam::DVec3;

    #[test]
    fn each_side_says_what_was_said_of_it() {
        let cyst = Reading {
            anomaly: Some(AnomalyType::Cyst),
            severity: Some(1),
            note: "floor".to_owned(),
            ..Reading::of(Label::Anomalous)
        };
        let report = report("anna", &[Some(cyst), Some(Reading::of(Label::Normal))], &[None, None], "20260102030405");
        let [right, left] = &report.unwrap().findings[..] else { panic!("two findings") };
        assert_eq!((right.side, right.found.2, right.evaluations.len()), (Side::Right, "Normal", 0));
        assert_eq!((left.side, left.found.2, left.evaluations.len()), (Side::Left, "Abnormal", 3));
        assert_eq!(super::report("anna", &[None, None], &[None, None], "20260102030405"), None);
    }

    #[test]
    fn masks_lie_on_their_sides_of_the_series() {
        let centre = DVec3::new(-25.0, 0.0, 0.0);
        let labels = |grid: &Grid| (0..grid.count()).map(|index| 1 + u8::from(grid.voxel(index)[2] < 5)).collect();
        let crop = Crop::grid_at(Side::Left, centre, 10);
        let left = Cavity::new(Side::Left, crop, labels(&crop));
        let grid = Grid::centred([50, 20, 20], 2.0, DVec3::ZERO);
        let segments = segmentation(&[Some(left), None], &grid, "20260102030405").unwrap().segments;
        assert_eq!(
            segments.iter().map(|s| s.label.as_str()).collect::<Vec<_>>(),
            ["left maxillary sinus, cavity", "left maxillary sinus, not air"]
        );
        let inside =
            |mask: &[bool]| (0..grid.count()).filter(|&i| mask[i]).map(|i| grid.voxel_mm(i).x).collect::<Vec<_>>();
        let places = inside(&segments[0].mask);
        assert!(!places.is_empty() && places.iter().all(|x| (-31.0..-19.0).contains(x)), "{places:?}");
        assert!(inside(&segments[1].mask).len() < places.len());
        assert_eq!(segmentation(&[None, None], &grid, "20260102030405"), None);
    }
}
