//! Many synthetic heads as a BIDS folder, with the truth in tables.
//!
//! ```text
//! README   dataset_description.json   participants.tsv   participants.json   sinuses.tsv
//! sub-0001/anat/sub-0001_T1w.nii.gz
//! sub-0001/anat/sub-0001_T1w.json                             what spoils the scan
//! derivatives/phantom/sub-0001/anat/sub-0001_dseg.nii.gz      the tissues, when asked for
//! ```
//!
//! `sinuses.tsv` has one row per sinus. The tables are written last: a folder without them was not finished.

use super::truth;
pub use super::truth::{CohortSinus, CohortSubject, ONE_OF_SEVERAL, UNKNOWN, read_truth, write_truth};
use super::{Contrast, Degrade, Plan, Region, Subject, Tissue, head};
use crate::io::{self, WriteError};
use crate::job::{Cancelled, Progress};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
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
    /// What part of the heads is scanned.
    pub region: Region,
    /// Whether the label maps are written too.
    pub labels: bool,
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
    #[error("{reason}; check that it exists and may be read, or written where something is made: {path}")]
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
    // A folder without tables was not finished: those of an earlier cohort go first.
    for table in ["sinuses.tsv", "participants.tsv"] {
        let path = dir.join(table);
        if path.exists() {
            fs::remove_file(&path).map_err(|reason| CohortError::File { reason, path })?;
        }
    }
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
    write_tables(dir, plan, rows.into_values())
}

/// Makes and writes one subject and returns its rows of `participants.tsv` and `sinuses.tsv`.
fn write_subject(
    dir: &Path,
    plan: &CohortPlan,
    index: usize,
    seed: u64,
    progress: &Progress,
) -> Result<[String; 2], CohortError> {
    // A stream of its own, so that the head is the same whatever spoils its scan.
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    rng.set_stream(1);
    let one = Plan {
        prevalence: plan.prevalence,
        region: plan.region,
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
    let side_car = serde_json::json!({
        "Modality": if plan.contrast == Contrast::Ct { "CT" } else { "MR" },
        "Contrast": plan.contrast.name(),
        "Seed": seed,
        "SpacingMm": plan.spacing_mm,
        "Degradations": one.degradations,
        "Notice": crate::NOTICE,
    });
    io::write_json(&dir.join(image.replace(".nii.gz", ".json")), &side_car)?;
    let Subject { sex, age_years, .. } = head.subject;
    // Ages of 89 and more are written as 89, as privacy asks of real ones.
    let person = format!("{id}\t{:.0}\t{}\t{seed}\n", age_years.min(89.0), sex.letter());
    Ok([person, truth::rows(&id, &image, &head)])
}

fn subject_id(index: usize) -> String {
    format!("sub-{:04}", index + 1)
}

fn write_volume(path: &Path, volume: &crate::volume::Volume) -> Result<(), CohortError> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(|reason| CohortError::File { reason, path: folder.to_owned() })?;
    }
    Ok(io::nifti::write(path, volume)?)
}

fn write_tables(dir: &Path, plan: &CohortPlan, rows: impl Iterator<Item = [String; 2]>) -> Result<(), CohortError> {
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
                "Degrade": plan.degrade.name(),
                "Prevalence": plan.prevalence,
                "SpacingMm": plan.spacing_mm,
                "Region": plan.region.name(),
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
    save(dir.join("README"), README.to_owned())?;
    // Neither CT nor our table of sinuses has a place in BIDS, nor have contrasts that no scanner makes.
    save(dir.join(".bidsignore"), "sinuses.tsv\n*_CT.*\n*_rand.*\n".to_owned())?;
    let columns = serde_json::json!({
        "age": { "Description": "age, 89 for all that are older", "Units": "year" },
        "sex": { "Description": "sex of the synthetic person", "Levels": { "F": "female", "M": "male" } },
        "seed": { "Description": "seed of the head, its diseases and its noise" },
    });
    save(dir.join("participants.json"), format!("{columns:#}\n"))?;
    let (people, sinuses): (Vec<String>, Vec<String>) = rows.map(|[person, sinuses]| (person, sinuses)).unzip();
    save(dir.join("participants.tsv"), format!("participant_id\tage\tsex\tseed\n{}", people.concat()))?;
    save(dir.join("sinuses.tsv"), format!("{}\n{}", truth::header(), sinuses.concat()))
}

/// What the folder's first reader finds.
const README: &str = "\
Synthetic heads with known maxillary sinuses, made by `antrum phantom`. No patients.
Research use only. Not a medical device.

sinuses.tsv has one row per maxillary sinus. World coordinates are RAS+ mm, so the patient's left (L) has the smaller x.
centre_*_mm: centroid of the part of the cavity in view (of all of it if none is). volume_ml: that part.
visible: the share of the cavity in view. disease, second_disease: what it has; *_mm: its thickness or diameter.
diseased_ml: volume of the disease. not_air_ml: the same with normal mucosa.
The side-car of each scan says what spoils it.
";

/// How a cohort was made, as a command; none for one that is not of phantoms.
#[must_use]
pub fn recipe(dir: &Path) -> Option<String> {
    let text = fs::read_to_string(dir.join("dataset_description.json")).ok()?;
    let description: serde_json::Value = serde_json::from_str(&text).ok()?;
    let phantom = description.get("Phantom")?;
    let (seed, prevalence) = (phantom.get("Seed")?.as_u64()?, phantom.get("Prevalence")?.as_f64()?);
    let contrast = phantom.get("Contrast")?.as_str()?;
    let subjects = read_truth(dir).ok()?.len();
    let degrade = match phantom.get("Degrade").and_then(serde_json::Value::as_str) {
        None | Some("none") => String::new(),
        Some(names) => format!(" --degrade {names}"),
    };
    let spacing = match phantom.get("SpacingMm").and_then(serde_json::Value::as_f64) {
        None | Some(1.0) => String::new(),
        Some(mm) => format!(" --spacing {mm}"),
    };
    let region = match phantom.get("Region").and_then(serde_json::Value::as_str) {
        None | Some("head") => String::new(),
        Some(name) => format!(" --region {name}"),
    };
    let how = format!("--seed {seed} --contrast {contrast}{degrade} --prevalence {prevalence}{spacing}{region}");
    Some(format!("antrum phantom --subjects {subjects} {how}"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::space::Side;

    fn plan() -> CohortPlan {
        CohortPlan {
            subjects: 3,
            seed: 4,
            contrast: Contrast::Flair,
            degrade: Degrade::None,
            prevalence: 0.5,
            spacing_mm: 6.0,
            region: Region::Head,
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
        let people = fs::read_to_string(dir.path().join("participants.tsv")).unwrap();
        assert!(people.starts_with("participant_id\tage\tsex\tseed\nsub-0001\t"));
        let command = "antrum phantom --subjects 3 --seed 4 --contrast flair --prevalence 0.5 --spacing 6";
        assert_eq!(recipe(dir.path()).as_deref(), Some(command));
    }

    #[test]
    fn side_cars_say_what_spoils_a_scan_and_tables_what_is_left_of_its_sinuses() {
        let dir = tempfile::tempdir().unwrap();
        let degrade: Degrade = "cut,noise".parse().unwrap();
        write(dir.path(), &CohortPlan { degrade, subjects: 8, ..plan() }, &Progress::default()).unwrap();
        let text = fs::read_to_string(dir.path().join("sub-0001/anat/sub-0001_FLAIR.json")).unwrap();
        let side_car: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!((side_car["Contrast"].as_str(), side_car["Notice"].as_str()), (Some("flair"), Some(crate::NOTICE)));
        let spoilt = &side_car["Degradations"];
        assert!(!spoilt["cuts"].as_array().unwrap().is_empty() && spoilt["noise"].as_f64().unwrap() > 0.0, "{spoilt}");
        assert!(spoilt["padding"].is_null() && spoilt["bias"] == 0.0, "{spoilt}");
        assert!(read_truth(dir.path()).unwrap().iter().any(|s| s.sinuses.iter().any(|s| s.visible < 1.0)));
        assert!(recipe(dir.path()).unwrap().contains(" --degrade cut,noise "));
        assert!(fs::read_to_string(dir.path().join(".bidsignore")).unwrap().contains("sinuses.tsv"));
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
        write(dir.path(), &CohortPlan { subjects: 1, ..plan() }, &Progress::default()).unwrap();
        let progress = Progress::default();
        let cancelling = CohortPlan { subjects: usize::from(u16::MAX), ..plan() };
        thread::scope(|scope| {
            scope.spawn(|| {
                while dir.path().join("sinuses.tsv").exists() {
                    thread::yield_now();
                }
                progress.cancel();
            });
            assert!(matches!(write(dir.path(), &cancelling, &progress), Err(CohortError::Cancelled(_))));
        });
        assert!(!dir.path().join("sinuses.tsv").exists(), "nor that of an earlier cohort");
    }
}
