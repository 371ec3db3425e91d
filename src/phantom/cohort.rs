//! Many synthetic heads as a BIDS folder, with the truth in tables, and reading that truth back for training.
//!
//! ```text
//! dataset_description.json   participants.tsv   sinuses.tsv
//! sub-0001/anat/sub-0001_T1w.nii.gz
//! derivatives/phantom/sub-0001/anat/sub-0001_dseg.nii.gz      the tissues, when asked for
//! ```
//!
//! `sinuses.tsv` has one row per sinus. The tables are written last: a folder without them was not finished.

use super::{Contrast, Degrade, Head, Plan, Tissue, head};
use crate::io::{self, WriteError};
use crate::job::{Cancelled, Progress};
use crate::space::Side;
use glam::DVec3;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// What cohort to make.
#[derive(Clone, Debug, PartialEq)]
pub struct CohortPlan {
    /// How many heads.
    pub subjects: usize,
    /// Which heads: subject `n` is the same in a larger cohort of the same seed.
    pub seed: u64,
    /// How they are imaged.
    pub contrast: Contrast,
    /// What may spoil them.
    pub degrade: Degrade,
    /// The chance, for each sinus, that it is diseased.
    pub prevalence: f64,
    /// Distance of voxels in mm.
    pub spacing_mm: f64,
    /// Whether the label maps are written too.
    pub labels: bool,
}

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

/// What a cohort's table says about one sinus.
#[derive(Clone, Debug, PartialEq)]
pub struct CohortSinus {
    /// The side of the patient.
    pub side: Side,
    /// Centroid of the cavity in world mm.
    pub centre_mm: DVec3,
    /// The name of the disease; none in a normal sinus.
    pub disease: Option<String>,
}

/// Why a cohort could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum CohortError {
    /// The job was asked to stop.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// A scan could not be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// A file or folder could not be made or read.
    #[error("{reason}; check that the folder exists and can be written to: {path}")]
    File {
        /// What the system said.
        reason: std::io::Error,
        /// Which file or folder.
        path: PathBuf,
    },
    /// A table is not one of a cohort.
    #[error("line {line} {reason}; write the cohort again or correct the table: {path}")]
    Table {
        /// Counted from 1.
        line: usize,
        /// What is wrong with it.
        reason: String,
        /// Which table.
        path: PathBuf,
    },
}

/// The first columns of `sinuses.tsv`; `image` is relative to the folder.
const COLUMNS: [&str; 9] = [
    "participant_id",
    "side",
    "centre_x_mm",
    "centre_y_mm",
    "centre_z_mm",
    "volume_ml",
    "disease",
    "not_air_ml",
    "image",
];

/// The BIDS suffix of a contrast's files.
fn suffix(contrast: Contrast) -> &'static str {
    match contrast {
        Contrast::Flair => "FLAIR",
        Contrast::T1 => "T1w",
        Contrast::T2 => "T2w",
        Contrast::Pd => "PDw",
        Contrast::Ct => "CT",
        Contrast::Random => "rand",
    }
}

/// Writes a cohort into `dir`, which is made if it does not exist; files of an earlier cohort are replaced.
///
/// As many heads are in memory as there are processor cores.
///
/// # Errors
/// [`CohortError`] when the job is cancelled or a file cannot be written; scans written until then stay.
pub fn write(dir: &Path, plan: &CohortPlan, progress: &Progress) -> Result<(), CohortError> {
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
    let seeds: Vec<u64> = (0..plan.subjects).map(|_| rng.random()).collect();
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(BTreeMap::new());
    let work = || -> Result<(), CohortError> {
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(&seed) = seeds.get(index) else { return Ok(()) };
            let row = write_subject(dir, plan, index, seed, progress).inspect_err(|_| {
                // Let the other workers end with the subject they are at.
                next.store(seeds.len(), Ordering::Relaxed);
            })?;
            let mut rows = rows.lock().unwrap_or_else(PoisonError::into_inner);
            rows.insert(index, row);
            progress.step(rows.len() as f32 / seeds.len() as f32, "writing heads")?;
        }
    };
    progress.step(0.0, "writing heads")?;
    let workers = thread::available_parallelism().map_or(1, usize::from).min(plan.subjects.max(1));
    thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mine = work();
        // A worker that panicked panics here too, and becomes the job's error.
        others
            .into_iter()
            .map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .fold(mine, Result::and)
    })?;
    let rows = rows.into_inner().unwrap_or_else(PoisonError::into_inner);
    write_tables(dir, plan, &seeds, rows.into_values())
}

/// Makes and writes one subject and returns its rows of `sinuses.tsv`.
fn write_subject(
    dir: &Path,
    plan: &CohortPlan,
    index: usize,
    seed: u64,
    progress: &Progress,
) -> Result<String, CohortError> {
    // A stream of its own, so that the head is the same whatever spoils its scan.
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(1);
    let one = Plan {
        prevalence: plan.prevalence,
        degradations: plan.degrade.draw(&mut rng, plan.contrast),
        ..Plan::new(seed, plan.contrast, plan.spacing_mm)
    };
    let done = index as f32 / plan.subjects as f32;
    let head = head(&one, &progress.part(done, done))?;
    let id = subject_id(index);
    let image = format!("{id}/anat/{id}_{}.nii.gz", suffix(plan.contrast));
    write_volume(&dir.join(&image), &head.image)?;
    if plan.labels {
        let labels = format!("derivatives/phantom/{id}/anat/{id}_dseg.nii.gz");
        write_volume(&dir.join(labels), &head.tissues)?;
    }
    Ok(sinus_rows(&id, &image, &head))
}

fn subject_id(index: usize) -> String {
    format!("sub-{:04}", index + 1)
}

fn sinus_rows(id: &str, image: &str, head: &Head) -> String {
    let mut rows = String::new();
    for sinus in &head.sinuses {
        let DVec3 { x, y, z } = sinus.centre_mm;
        let (volume, not_air) = (sinus.volume_ml, sinus.not_air_ml);
        let (side, disease) = (sinus.side.letter(), sinus.disease.map_or("n/a", |d| d.name()));
        // Writing to a string cannot fail.
        let _ = writeln!(rows, "{id}\t{side}\t{x:.2}\t{y:.2}\t{z:.2}\t{volume:.3}\t{disease}\t{not_air:.3}\t{image}");
    }
    rows
}

fn write_volume(path: &Path, volume: &crate::volume::Volume) -> Result<(), CohortError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|reason| CohortError::File { reason, path: folder.to_owned() })?;
    }
    Ok(io::nifti::write(path, volume)?)
}

fn write_tables(
    dir: &Path,
    plan: &CohortPlan,
    seeds: &[u64],
    rows: impl Iterator<Item = String>,
) -> Result<(), CohortError> {
    let save = |path: PathBuf, text: String| {
        fs::create_dir_all(path.parent().unwrap_or(dir))
            .and_then(|()| fs::write(&path, text))
            .map_err(|reason| CohortError::File { reason, path })
    };
    let describe = |name: &str, kind: &str| {
        let description = serde_json::json!({
            "Name": name,
            "BIDSVersion": "1.10.0",
            "DatasetType": kind,
            "License": "CC0",
            "GeneratedBy": [{ "Name": "antrum", "Version": env!("CARGO_PKG_VERSION") }],
            "Phantom": {
                "Seed": plan.seed,
                "Contrast": plan.contrast.name(),
                "Prevalence": plan.prevalence,
                "SpacingMm": plan.spacing_mm,
            },
            "Notice": "Synthetic heads, no patients. Research use only. Not a medical device.",
        });
        format!("{description:#}\n")
    };
    save(dir.join("dataset_description.json"), describe("Synthetic heads with known maxillary sinuses", "raw"))?;
    if plan.labels {
        let folder = dir.join("derivatives/phantom");
        save(folder.join("dataset_description.json"), describe("Tissues of the synthetic heads", "derivative"))?;
        let names = Tissue::ALL.iter().map(|&tissue| format!("{}\t{}\n", tissue as u8, tissue.name()));
        save(folder.join("dseg.tsv"), format!("index\tname\n{}", names.collect::<String>()))?;
    }
    let people = seeds.iter().enumerate().map(|(index, seed)| format!("{}\t{seed}\n", subject_id(index)));
    save(dir.join("participants.tsv"), format!("participant_id\tseed\n{}", people.collect::<String>()))?;
    save(dir.join("sinuses.tsv"), format!("{}\n{}", COLUMNS.join("\t"), rows.collect::<String>()))
}

/// How a cohort was made, as a command; none for one that is not of phantoms.
#[must_use]
pub fn recipe(dir: &Path) -> Option<String> {
    let text = fs::read_to_string(dir.join("dataset_description.json")).ok()?;
    let description: serde_json::Value = serde_json::from_str(&text).ok()?;
    let phantom = description.get("Phantom")?;
    let (seed, prevalence) = (phantom.get("Seed")?.as_u64()?, phantom.get("Prevalence")?.as_f64()?);
    let contrast = phantom.get("Contrast")?.as_str()?;
    let subjects = read_truth(dir).ok()?.len();
    Some(format!("antrum phantom --subjects {subjects} --seed {seed} --contrast {contrast} --prevalence {prevalence}"))
}

/// Reads the truth of a cohort from its `sinuses.tsv`, subjects in the order of their ids.
///
/// Columns are found by their names, so that tables made by hand for real scans can be read too:
/// `volume_ml` and `not_air_ml` may be missing.
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
    for (number, line) in lines {
        let cells: Vec<&str> = line.split('\t').map(str::trim).collect();
        let cell = |name: &str| {
            let column = header.iter().position(|title| *title == name);
            let value = column.and_then(|column| cells.get(column).copied());
            value.filter(|v| !v.is_empty()).ok_or_else(|| wrong(number, format!("has no {name}")))
        };
        let millimetres = |name: &str| {
            let value: f64 = cell(name)?.parse().map_err(|_| wrong(number, format!("has no number as {name}")))?;
            if value.is_finite() { Ok(value) } else { Err(wrong(number, format!("has no finite {name}"))) }
        };
        let side = match cell("side")? {
            "L" => Side::Left,
            "R" => Side::Right,
            other => return Err(wrong(number, format!("has the side {other:?} instead of L or R"))),
        };
        let sinus = CohortSinus {
            side,
            centre_mm: DVec3::new(
                millimetres("centre_x_mm")?,
                millimetres("centre_y_mm")?,
                millimetres("centre_z_mm")?,
            ),
            disease: Some(cell("disease")?).filter(|name| *name != "n/a").map(str::to_owned),
        };
        let id = cell("participant_id")?.to_owned();
        let image = dir.join(cell("image")?);
        let (_, sinuses) = subjects.entry(id).or_insert_with(|| (image, [None, None]));
        if sinuses[side.index()].replace(sinus).is_some() {
            return Err(wrong(number, format!("repeats the {} sinus of its subject", side.name())));
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

    fn plan() -> CohortPlan {
        CohortPlan {
            subjects: 3,
            seed: 4,
            contrast: Contrast::Flair,
            degrade: Degrade::None,
            prevalence: 0.5,
            spacing_mm: 6.0,
            labels: true,
        }
    }

    #[test]
    fn what_is_written_is_read_back_with_sides_in_place() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), &plan(), &Progress::default()).unwrap();
        let subjects = read_truth(dir.path()).unwrap();
        assert_eq!(subjects.len(), 3);
        assert_eq!(subjects[0].id, "sub-0001");
        assert_eq!(subjects[2].image, dir.path().join("sub-0003/anat/sub-0003_FLAIR.nii.gz"));
        for subject in &subjects {
            assert!(subject.image.exists());
            let [left, right] = &subject.sinuses;
            assert_eq!((left.side, right.side), (Side::Left, Side::Right));
            assert!(left.centre_mm.x < -10.0 && right.centre_mm.x > 10.0, "{subject:?}");
        }
        let labels = dir.path().join("derivatives/phantom/sub-0002/anat/sub-0002_dseg.nii.gz");
        assert!(labels.exists());
        let table = fs::read_to_string(dir.path().join("sinuses.tsv")).unwrap();
        assert_eq!(table.lines().count(), 7);
        assert!(table.starts_with("participant_id\tside\tcentre_x_mm"));
        let command = "antrum phantom --subjects 3 --seed 4 --contrast flair --prevalence 0.5";
        assert_eq!(recipe(dir.path()).as_deref(), Some(command));
    }

    #[test]
    fn a_subject_does_not_depend_on_how_many_there_are() {
        let (small, large) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        write(small.path(), &CohortPlan { subjects: 1, ..plan() }, &Progress::default()).unwrap();
        write(large.path(), &plan(), &Progress::default()).unwrap();
        let scan = |dir: &Path| fs::read(dir.join("sub-0001/anat/sub-0001_FLAIR.nii.gz")).unwrap();
        assert_eq!(scan(small.path()), scan(large.path()));
        assert_eq!(read_truth(small.path()).unwrap()[0].sinuses, read_truth(large.path()).unwrap()[0].sinuses);
    }

    #[test]
    fn a_cancel_leaves_no_table() {
        let dir = tempfile::tempdir().unwrap();
        let progress = Progress::default();
        progress.cancel();
        assert!(matches!(write(dir.path(), &plan(), &progress), Err(CohortError::Cancelled(_))));
        assert!(!dir.path().join("sinuses.tsv").exists());
    }

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
        assert_eq!(subjects[0].sinuses[0].disease, None);
    }
}
