//! `antrum find`: where the maxillary sinuses are, how large, and how much of them is not air.

use super::crops::CropArgs;
use super::source::Choice;
use super::template::oriented;
use super::{Failure, guarded, print_json, say};
use crate::app::checks;
use crate::app::sinuses::{self, CavityFigures};
use crate::io::{Check, Scan};
use crate::job::Progress;
use crate::methods::ModelError;
use crate::methods::sinus::{Crop, Finder, Presence, Sinus, Template, cavity};
use crate::nets;
use crate::phantom::cohort::{self, CohortSinus, CohortSubject};
use crate::project::table::subject;
use crate::space::{BoxMm, Side};
use glam::DVec3;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Find both maxillary sinuses: centre and 64 mm box in world RAS+ mm, volume of the cavity and the share that is not air
///
/// Volumes are estimates; of a sinus that is partly in view they are those of that part. One that is not in view has no
/// place and no figures.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One scan each: NIfTI or DICOM files, DICOM folders, DICOMDIRs or ZIP archives
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    choice: Choice,
    /// Folder with locator.bpk, segmenter.bpk and their cards, instead of the default weights
    #[arg(long, value_name = "DIR")]
    weights: Option<PathBuf>,
    /// Find them by a template made with antrum template, instead of by the networks
    #[arg(long, value_name = "DIR")]
    template: Option<PathBuf>,
    #[command(flatten)]
    crops: CropArgs,
    /// Write what was found of all scans to this folder as a cohort whose labels nobody knows (sinuses.tsv), for the
    /// trainings that need none; those read the first choice of series
    #[arg(long, value_name = "DIR", conflicts_with_all = ["series", "volume", "even"])]
    cohort: Option<PathBuf>,
    /// Print one JSON object per scan; of several scans, each on a line of its own
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Found {
    file: String,
    /// As `antrum info --list` names it.
    series: String,
    /// Whether the scan says how it lies in the patient; otherwise left and right are a guess.
    orientation_known: bool,
    sinuses: [FoundSinus; 2],
    checks: Vec<Check>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    crops: Vec<PathBuf>,
}

/// A sinus; one that is not in view is nowhere.
#[derive(Serialize)]
struct FoundSinus {
    side: Side,
    present: Presence,
    centre_mm: Option<DVec3>,
    box_mm: Option<BoxMm>,
    confidence: f64,
    #[serde(flatten)]
    cavity: CavityFigures,
    #[serde(skip)]
    unsure: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    args.crops.check(&args.paths)?;
    if let Some(table) = args.cohort.as_ref().map(|folder| folder.join("sinuses.tsv")).filter(|table| table.exists()) {
        return Err(format!(
            "there is a cohort already, perhaps with labels; choose another folder: {}",
            table.display()
        )
        .into());
    }
    if let Some(folder) = &args.cohort {
        std::fs::create_dir_all(folder)?;
    }
    let finder = finder(args.weights.as_deref())?;
    let template = args.template.as_deref().map(|folder| Template::open(folder, &Progress::default())).transpose()?;
    let way = Arc::new(Way { choice: args.choice.clone(), finder, template, crops: args.crops.clone() });
    let (mut failed, mut subjects) = (0, Vec::new());
    for path in &args.paths {
        let (scan, way) = (path.clone(), Arc::clone(&way));
        match guarded("finding", move |progress| find(&scan, &way, progress)) {
            Ok((found, subject)) => {
                // Several files of one series are one scan.
                if subjects.iter().all(|known: &CohortSubject| known.id != subject.id) {
                    subjects.push(subject);
                }
                match (args.json, args.paths.len()) {
                    (false, _) => print(&found)?,
                    (true, 1) => print_json(&found)?,
                    (true, _) => say(serde_json::to_string(&found)?)?,
                }
            }
            // One bad scan of many does not cost the others; a single one is told by `main`.
            Err(error) if args.paths.len() > 1 => {
                eprintln!("antrum: {}: {error}", path.display());
                failed += 1;
            }
            Err(error) => return Err(error.into()),
        }
    }
    if let Some(folder) = args.cohort.as_ref().filter(|_| !subjects.is_empty()) {
        cohort::write_truth(folder, &subjects)?;
    }
    if failed > 0 {
        return Err(format!("nothing could be said of {failed} of {} scans", args.paths.len()).into());
    }
    Ok(())
}

/// With weights from a folder, or the default ones.
pub(super) fn finder(weights: Option<&Path>) -> Result<Finder, ModelError> {
    let device = nets::cpu();
    weights.map_or_else(|| Finder::built_in(&device), |folder| Finder::load(folder, &device))
}

/// How sinuses are found, and what is made of them.
struct Way {
    choice: Choice,
    /// Measures the cavities, by whatever they were found.
    finder: Finder,
    template: Option<Template>,
    crops: CropArgs,
}

/// What is told of a scan, and what a cohort holds of it.
fn find(path: &Path, way: &Way, progress: &Progress) -> Result<(Found, CohortSubject), Failure> {
    let Way { choice, finder, template, crops } = way;
    let (selection, scan) = choice.read(&[path.to_owned()], &progress.part(0.0, 0.4))?;
    let scan = if template.is_some() { oriented(scan)? } else { scan };
    let searching = &progress.part(0.4, 0.8);
    let (sinuses, sd_mm) = match template {
        Some(template) => (template.find(&scan.volume, searching)?, template.sd_mm()),
        None => (finder.find(&scan.volume, searching)?, Crop::JITTER_MM),
    };
    let crops = crops.write(&scan, &sinuses, sd_mm, progress)?;
    let cavities = cavity::measure(finder, &scan.volume, &sinuses, &progress.part(0.8, 1.0))?;
    let told = |sinus: Sinus| {
        let there = sinus.present != Presence::Absent;
        FoundSinus {
            side: sinus.side,
            present: sinus.present,
            centre_mm: there.then_some(sinus.centre_mm),
            box_mm: there.then_some(sinus.box_mm),
            confidence: sinus.confidence,
            cavity: CavityFigures::of(cavities[sinus.side.index()].as_ref()),
            unsure: sinuses::is_unsure(&sinus),
        }
    };
    let subject = unlabelled(path, &scan, &sinuses);
    let found = Found {
        file: path.display().to_string(),
        series: selection.id().to_owned(),
        orientation_known: checks::orientation_known(&scan),
        sinuses: sinuses.map(told),
        checks: scan.checks,
        crops,
    };
    Ok((found, subject))
}

/// A scan of a cohort of which nobody knows what is normal.
fn unlabelled(path: &Path, scan: &Scan, sinuses: &[Sinus; 2]) -> CohortSubject {
    let sinuses = sinuses.map(|sinus| CohortSinus {
        side: sinus.side,
        centre_mm: sinus.centre_mm,
        // What is cut off is not learned from.
        visible: if sinus.present == Presence::Complete { 1.0 } else { 0.0 },
        disease: Some(cohort::UNKNOWN.to_owned()),
    });
    let image = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    CohortSubject::scan_of(subject(&image), &scan.sha256, image, sinuses)
}

fn print(found: &Found) -> Result<(), Failure> {
    say(format_args!("{}  series {}", found.file, found.series))?;
    for sinus in &found.sinuses {
        let (side, present) =
            (sinuses::side_name(sinus.side, found.orientation_known), sinuses::presence(sinus.present));
        let Some(c) = sinus.centre_mm else {
            say(format_args!("  patient {side:<6} {present}"))?;
            continue;
        };
        let at = format!("R {:.1}  A {:.1}  S {:.1} mm", c.x, c.y, c.z);
        let unsure = if sinus.unsure { " (low: check the place)" } else { "" };
        say(format_args!("  patient {side:<6} {present:<14}  {at}  confidence {:.2}{unsure}", sinus.confidence))?;
        if let Some(words) = sinus.cavity.words(sinus.present) {
            say(format_args!("  {:<13}  {words}", ""))?;
        }
    }
    if found.sinuses.iter().all(|sinus| sinus.present == Presence::Absent) {
        say(format_args!("  {}", sinuses::NONE_IN_VIEW))?;
    }
    for path in &found.crops {
        say(format_args!("  crop      {}", path.display()))?;
    }
    for check in &found.checks {
        say(format_args!("  note      {}", check.message))?;
    }
    Ok(())
}
