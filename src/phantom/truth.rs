//! The truth about the sinuses of a cohort, as a table: writing its rows and reading them back for training.

use super::cohort::CohortError;
use super::{Disease, Head};
use crate::io;
use crate::space::Side;
use glam::DVec3;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// What stands in a subject's name between that of the patient and that of one of several scans.
pub const ONE_OF_SEVERAL: &str = "_scan-";

/// One subject of a cohort that was written before.
#[derive(Clone, Debug, PartialEq)]
pub struct CohortSubject {
    /// `sub-0001`
    pub id: String,
    /// The scan.
    pub image: PathBuf,
    /// The truth, by [`Side::index`].
    pub sinuses: [CohortSinus; 2],
}

impl CohortSubject {
    /// One scan of somebody's, named by the digest of its voxels where nobody knows whose it is.
    #[must_use]
    pub fn scan_of(patient: Option<String>, sha256: &str, image: PathBuf, sinuses: [CohortSinus; 2]) -> Self {
        let digits = sha256.get(..12).unwrap_or(sha256);
        let patient = patient.unwrap_or_else(|| format!("case-{digits}"));
        Self { id: format!("{patient}{ONE_OF_SEVERAL}{digits}"), image, sinuses }
    }

    /// Whose scan it is: scans of one patient have names that differ behind this.
    #[must_use]
    pub fn patient(&self) -> &str {
        self.id.split(ONE_OF_SEVERAL).next().unwrap_or(&self.id)
    }
}

/// What a cohort's table says about one sinus.
#[derive(Clone, Debug, PartialEq)]
pub struct CohortSinus {
    /// The side of the patient.
    pub side: Side,
    /// Centroid of the visible part of the cavity in world mm.
    pub centre_mm: DVec3,
    /// The share of the cavity that the scan shows; 1 where the table does not say.
    pub visible: f64,
    /// The name of the disease, of the first where there are two; none in a normal sinus, [`UNKNOWN`] where nobody looked.
    pub disease: Option<String>,
}

/// The disease of a sinus of which nobody said whether it is normal: pretexts learn from it, classifiers do not.
pub const UNKNOWN: &str = "unknown";

impl CohortSinus {
    /// Whether it is known to be normal or diseased.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.disease.as_deref() != Some(UNKNOWN)
    }
}

/// The columns of `sinuses.tsv`; `image` is relative to the folder.
const COLUMNS: [&str; 14] = [
    "participant_id",
    "side",
    "centre_x_mm",
    "centre_y_mm",
    "centre_z_mm",
    "volume_ml",
    "visible",
    "disease",
    "disease_mm",
    "second_disease",
    "second_mm",
    "diseased_ml",
    "not_air_ml",
    "image",
];

/// The first line of `sinuses.tsv`.
pub(super) fn header() -> String {
    COLUMNS.join("\t")
}

/// The lines about one head; what does not apply is `n/a`.
pub(super) fn rows(id: &str, image: &str, head: &Head) -> String {
    let mut rows = String::new();
    for sinus in &head.sinuses {
        let DVec3 { x, y, z } = sinus.centre_mm;
        let (side, volume, visible) = (sinus.side.letter(), sinus.volume_ml, sinus.visible);
        let (diseased, not_air) = (sinus.diseased_ml, sinus.not_air_ml);
        // Writing to a string cannot fail.
        let _ = write!(rows, "{id}\t{side}\t{x:.2}\t{y:.2}\t{z:.2}\t{volume:.3}\t{visible:.3}");
        for disease in [sinus.disease, sinus.second] {
            let mm = disease.and_then(Disease::size_mm).map_or_else(|| "n/a".to_owned(), |mm| format!("{mm:.1}"));
            let _ = write!(rows, "\t{}\t{mm}", disease.map_or("n/a", Disease::name));
        }
        let _ = writeln!(rows, "\t{diseased:.3}\t{not_air:.3}\t{image}");
    }
    rows
}

/// Writes what is known of subjects, as much of it as [`read_truth`] reads, into `sinuses.tsv`.
///
/// # Errors
/// [`CohortError`] when the table cannot be written.
pub fn write_truth(dir: &Path, subjects: &[CohortSubject]) -> Result<(), CohortError> {
    let mut table = "participant_id\tside\tcentre_x_mm\tcentre_y_mm\tcentre_z_mm\tvisible\tdisease\timage\n".to_owned();
    for subject in subjects {
        for sinus in &subject.sinuses {
            let (id, side, DVec3 { x, y, z }) = (&subject.id, sinus.side.letter(), sinus.centre_mm);
            let (disease, image) = (sinus.disease.as_deref().unwrap_or("n/a"), subject.image.display());
            let _ = writeln!(table, "{id}\t{side}\t{x:.2}\t{y:.2}\t{z:.2}\t{:.3}\t{disease}\t{image}", sinus.visible);
        }
    }
    Ok(io::write_whole(&dir.join("sinuses.tsv"), table.as_bytes())?)
}

/// Reads the truth of a cohort from its `sinuses.tsv`, subjects in the order of their ids.
///
/// Columns are found by their names, so that tables made by hand for real scans can be read too: only the subject, the
/// side, the centre, the disease and the image are needed.
///
/// # Errors
/// [`CohortError`] when the table cannot be read, lacks a column, or has not one row per side of each subject.
pub fn read_truth(dir: &Path) -> Result<Vec<CohortSubject>, CohortError> {
    let path = dir.join("sinuses.tsv");
    let text = fs::read_to_string(&path).map_err(|reason| CohortError::File { reason, path: path.clone() })?;
    let wrong = |line: usize, reason: String| CohortError::Table { line: line + 1, reason, path: path.clone() };
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let header: Vec<&str> = lines.next().map_or(Vec::new(), |(_, line)| line.split('\t').map(str::trim).collect());

    let mut subjects: BTreeMap<String, (PathBuf, [Option<CohortSinus>; 2])> = BTreeMap::new();
    for (row, line) in lines {
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        let cell = |name: &str| {
            let column = header.iter().position(|title| *title == name);
            let value = column.and_then(|column| cells.get(column).copied());
            value.filter(|v| !v.is_empty()).ok_or_else(|| wrong(row, format!("has no {name}")))
        };
        let number = |name: &str| {
            let value: f64 = cell(name)?.parse().map_err(|_| wrong(row, format!("has no number as {name}")))?;
            if value.is_finite() { Ok(value) } else { Err(wrong(row, format!("has no finite {name}"))) }
        };
        let letter = cell("side")?;
        let side = Side::from_letter(letter)
            .ok_or_else(|| wrong(row, format!("has the side {letter:?} instead of L or R")))?;
        let sinus = CohortSinus {
            side,
            centre_mm: DVec3::new(number("centre_x_mm")?, number("centre_y_mm")?, number("centre_z_mm")?),
            visible: if header.contains(&"visible") { number("visible")? } else { 1.0 },
            disease: Some(cell("disease")?).filter(|name| *name != "n/a").map(str::to_owned),
        };
        let id = cell("participant_id")?.to_owned();
        let image = dir.join(cell("image")?);
        let (_, sinuses) = subjects.entry(id).or_insert_with(|| (image, [None, None]));
        if sinuses[side.index()].replace(sinus).is_some() {
            return Err(wrong(row, format!("repeats the {} sinus of its subject", side.name())));
        }
    }
    let last = text.lines().count().saturating_sub(1);
    subjects
        .into_iter()
        .map(|(id, (image, sinuses))| match sinuses {
            [Some(left), Some(right)] => Ok(CohortSubject { id, image, sinuses: [left, right] }),
            _ => Err(wrong(last, format!("ends the table, but {id} has only one sinus"))),
        })
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn wrong_tables_are_errors_that_name_the_line() {
        let dir = tempfile::tempdir().unwrap();
        let header = "participant_id\tside\tcentre_x_mm\tcentre_y_mm\tcentre_z_mm\tdisease\timage\n";
        let said = |rows: &str| {
            fs::write(dir.path().join("sinuses.tsv"), format!("{header}{rows}")).unwrap();
            read_truth(dir.path()).unwrap_err().to_string()
        };
        let (left, right) = ("a\tL\t-25\t70\t-50\tn/a\ta.nii\n", "a\tR\t25\t70\t-50\tpolyp\ta.nii\n");
        assert!(said(left).contains("a has only one sinus"));
        assert!(said(&format!("{left}{left}")).starts_with("line 3 repeats the left sinus"));
        assert!(said(&right.replace('R', "right")).starts_with("line 2 has the side \"right\" instead of L or R"));
        assert!(said(&right.replace("25", "NaN")).starts_with("line 2 has no finite centre_x_mm"));
        assert!(said("a\tL").starts_with("line 2 has no centre_x_mm"));
        fs::write(dir.path().join("sinuses.tsv"), format!("{header}{right}{left}")).unwrap();
        let subjects = read_truth(dir.path()).unwrap();
        assert_eq!(subjects[0].sinuses[1].disease.as_deref(), Some("polyp"));
        assert_eq!((subjects[0].sinuses[0].disease.as_deref(), subjects[0].sinuses[0].visible), (None, 1.0));
        write_truth(dir.path(), &subjects).unwrap();
        assert_eq!(read_truth(dir.path()).unwrap(), subjects);
    }
}
