//! A cohort out of a project: what a reader labelled, as the table that trainings and evaluations read.

use crate::io;
use crate::job::{Cancelled, Progress};
use crate::methods::ModelError;
use crate::methods::sinus::{Finder, Presence};
use crate::phantom::cohort::{self, CohortError, CohortSinus, CohortSubject};
use crate::project::{Label, LabelRow, Project, ProjectError, Rows};
use crate::space::Side;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What was made.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelledCohort {
    /// Scans in it.
    pub scans: usize,
    /// Normal and anomalous sinuses in it.
    pub labelled: [usize; 2],
    /// Labelled scans that are not in it, and why.
    pub left_out: Vec<String>,
}

/// A scan with labels.
#[derive(Default)]
struct Labelled {
    /// Where it lay last.
    file: Option<PathBuf>,
    /// Whose it is, where its path says so.
    subject: Option<String>,
    /// By [`Side::index`].
    labels: [Option<LabelRow>; 2],
}

/// Why no cohort was made.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is the error of one step")]
pub enum LabelledCohortError {
    #[error(transparent)]
    Project(#[from] ProjectError),
    #[error(transparent)]
    Cohort(#[from] CohortError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// Nothing can be learned.
    #[error("{rater} has called no sinus normal or anomalous of which the scan can still be read; {}", said(left_out))]
    Nothing {
        /// Whose labels were wanted.
        rater: String,
        /// Scans that could not be used, and why.
        left_out: Vec<String>,
    },
}

fn said(left_out: &[String]) -> String {
    if left_out.is_empty() { "label some first".to_owned() } else { left_out.join("; ") }
}

/// Writes `sinuses.tsv` to `out`: every scan that `rater` labelled, where it lies now, with the places of its sinuses as the
/// finder sees them. What is neither called normal nor anomalous counts as not visible, and is not learned from.
///
/// # Errors
/// See [`LabelledCohortError`].
pub fn write(
    project: &Project,
    rater: &str,
    finder: &Finder,
    out: &Path,
    progress: &Progress,
) -> Result<LabelledCohort, LabelledCohortError> {
    let mut cases: BTreeMap<String, Labelled> = BTreeMap::new();
    for row in project.label_rows(Rows::Current, Some(rater))? {
        if !matches!(row.label, Some(Label::Normal | Label::Anomalous)) {
            continue;
        }
        let Labelled { file, subject, labels } = cases.entry(row.case_sha256.clone()).or_default();
        *file = row.file.as_ref().map(PathBuf::from);
        subject.clone_from(&row.subject);
        let side = row.side.index();
        labels[side] = Some(row);
    }
    let (count, mut subjects) = (cases.len().max(1) as f32, Vec::new());
    let mut made = LabelledCohort { scans: 0, labelled: [0, 0], left_out: Vec::new() };
    for (number, (sha256, Labelled { file, subject, labels })) in cases.into_iter().enumerate() {
        let part = progress.part(number as f32 / count, (number + 1) as f32 / count);
        part.step(0.0, "placing the sinuses of labelled scans")?;
        let Some(image) = file else {
            let digits = sha256.get(..12).unwrap_or(&sha256);
            made.left_out.push(format!("nobody knows where the scan {digits} lies; open it once"));
            continue;
        };
        let scan = match io::open(&image, &part.part(0.0, 0.5)) {
            Ok(scan) if scan.sha256 == sha256 => scan,
            Ok(_) => {
                made.left_out.push(format!("another scan lies there now: {}", image.display()));
                continue;
            }
            Err(error) => {
                part.check()?;
                made.left_out.push(error.to_string());
                continue;
            }
        };
        let found = finder.find(&scan.volume, &part.part(0.5, 1.0))?;
        let sinuses = [Side::Left, Side::Right].map(|side| {
            let row = labels[side.index()].as_ref().filter(|_| found[side.index()].present != Presence::Absent);
            let anomalous = row.filter(|row| row.label == Some(Label::Anomalous));
            if row.is_some() {
                made.labelled[usize::from(anomalous.is_some())] += 1;
            }
            CohortSinus {
                side,
                centre_mm: found[side.index()].centre_mm,
                visible: if row.is_some() { 1.0 } else { 0.0 },
                disease: anomalous.map(|row| row.anomaly.map_or("anomalous", |kind| kind.name()).to_owned()),
            }
        });
        subjects.push(CohortSubject::scan_of(subject, &sha256, image, sinuses));
    }
    made.scans = subjects.len();
    if made.labelled == [0, 0] {
        return Err(LabelledCohortError::Nothing { rater: rater.to_owned(), left_out: made.left_out });
    }
    cohort::write_truth(out, &subjects)?;
    Ok(made)
}
