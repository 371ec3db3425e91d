//! `antrum analyse`: residual maps and scores, written beside nothing but into a folder of their own.

use super::source::Choice;
use super::{Failure, guarded, print_json, say, shown_name};
use crate::app::kept_weights::KeptWeights;
use crate::app::report::{self, Analysis, Report};
use crate::app::sinuses;
use crate::io::Scan;
use crate::job::Progress;
use crate::methods::residual::{Classify, InferConfig, MapKind, Model};
use crate::methods::sinus::{Finder, Presence, Sinus};
use crate::nets;
use crate::project::Project;
use std::path::{Path, PathBuf};

/// Analyse both sinuses of scans: an anomaly map and the cavities on the scan's grid (NIfTI), scores and volumes (JSON)
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// One scan each: NIfTI or DICOM files, DICOM folders, DICOMDIRs or ZIP archives
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    choice: Choice,
    /// Which method to run
    #[arg(long, default_value = "residual")]
    method: Method,
    /// Folder for maps and side-cars
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Weights made by `antrum train cae` [default: the built-in ones]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Weights of a classifier made by `antrum train` [default: those that the window uses with the project, or the built-in
    /// ones, with the built-in autoencoder only]
    #[arg(long, value_name = "FILE")]
    classifier: Option<PathBuf>,
    /// Edge of the median filter of the map, in voxels
    #[arg(long, default_value_t = 5, value_parser = parse_median)]
    median: usize,
    /// Which residual the map keeps
    #[arg(long, default_value = "sinus")]
    map: Map,
    /// Over how many crops of each sinus the probability is averaged; paper 1 cut 15
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=99))]
    crops: u16,
    /// Keep the figures in a project file too, made if there is none: the window can then order cases by doubt
    #[arg(long, value_name = "FILE")]
    project: Option<PathBuf>,
    /// Print one JSON object (for several scans: an object with their list)
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Method {
    /// Residual of an autoencoder trained on normal sinuses (paper 1)
    Residual,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Map {
    /// Only the sinus, its measured cavity and wall, as a share of the crop's intensity range
    Sinus,
    /// The same in the whole cube
    Cube,
    /// The whole cube, rescaled to its own percentiles as in the paper; its scores mislead
    Paper,
}

pub(super) fn parse_median(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(k) if InferConfig::MEDIANS.contains(&k) => Ok(k),
        _ => Err("choose 0 (no filter), 3, 5 or 7".to_owned()),
    }
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let Method::Residual = args.method;
    let map = match args.map {
        Map::Sinus => MapKind::Sinus,
        Map::Cube => MapKind::Cube,
        Map::Paper => MapKind::Paper,
    };
    let config = InferConfig { median: args.median, map, crops: args.crops.into() };
    let mut reports = Vec::new();
    let mut failed = 0;
    for path in &args.paths {
        match one(path, args, config) {
            Ok(report) => {
                if !args.json {
                    print(&report)?;
                }
                reports.push(report);
            }
            // One bad scan of many does not cost the others; a single one is told by `main`.
            Err(error) if args.paths.len() > 1 => {
                eprintln!("antrum: {error}");
                failed += 1;
            }
            Err(error) => return Err(error),
        }
    }
    match (args.json, reports.as_slice()) {
        (true, [report]) if args.paths.len() == 1 => print_json(report)?,
        (true, _) => print_json(&serde_json::json!({ "results": reports }))?,
        (false, _) => {}
    }
    if failed > 0 {
        return Err(format!("{failed} of {} scans could not be analysed", args.paths.len()).into());
    }
    Ok(())
}

/// Analyses one scan and writes map and side-car to `out`.
fn one(path: &Path, args: &Args, config: InferConfig) -> Result<Report, Failure> {
    let (paths, choice) = ([path.to_owned()], args.choice.clone());
    let (out, weights, classifier) = (args.out.clone(), args.weights.clone(), args.classifier.clone());
    let project = args.project.clone();
    let report = guarded("analysing", move |progress| {
        let of_project = || KeptWeights::beside(project.as_ref().filter(|_| weights.is_none())?).in_use();
        let model = model(weights.as_deref(), classifier.or_else(of_project).as_deref())?;
        let analysed = analysed(&paths, &choice, &model, config, progress)?;
        if let Some(project) = project {
            let project = Project::open(&project)?;
            let case = project.case(&analysed.scan.sha256, analysed.scan.path.as_deref())?;
            if let Some((place, series)) = &analysed.place {
                project.seen_at(place, series, case)?;
            }
            project.keep_analysis(case, &analysed.analysis.records())?;
        }
        analysed.write(&paths, &out)
    })?;
    Ok(report)
}

/// A scan with everything that is known of it.
pub(super) struct Analysed {
    pub scan: Scan,
    /// Where the series was looked for, and what it is called there; none of the synthetic example.
    place: Option<(PathBuf, String)>,
    pub sinuses: [Sinus; 2],
    pub analysis: Analysis,
}

impl Analysed {
    /// Writes map and side-car.
    pub(super) fn write(&self, paths: &[PathBuf], out: &Path) -> Result<Report, Failure> {
        Ok(report::write(&self.scan, &shown_name(paths), &self.sinuses, &self.analysis, out)?)
    }
}

/// The built-in weights, or those of files; the built-in classifier goes with the built-in autoencoder.
pub(super) fn model(weights: Option<&Path>, classifier: Option<&Path>) -> Result<Model, Failure> {
    let device = nets::cpu();
    let mut model = match weights {
        Some(file) => Model::load(file, &device)?,
        None => Model::built_in(&device)?,
    };
    if let Some(file) = classifier {
        model.classifier = Some(Classify::load(file, &device)?);
    }
    Ok(model)
}

/// Opens a scan (or makes the example), finds its sinuses and computes their maps.
pub(super) fn analysed(
    paths: &[PathBuf],
    choice: &Choice,
    model: &Model,
    config: InferConfig,
    progress: &Progress,
) -> Result<Analysed, Failure> {
    let reading = progress.part(0.0, 0.3);
    let (place, scan) = if paths.is_empty() {
        (None, crate::app::example(&reading)?)
    } else {
        let (selection, scan) = choice.read(paths, &reading)?;
        (Some((selection.catalogue.path().to_owned(), selection.id().to_owned())), scan)
    };
    let finder = Finder::built_in(&nets::cpu())?;
    let sinuses = finder.find(&scan.volume, &progress.part(0.3, 0.5))?;
    let analysis = report::analyse(&scan.volume, &sinuses, &finder, model, config, &progress.part(0.5, 1.0))?;
    Ok(Analysed { scan, place, sinuses, analysis })
}

pub(super) fn print(report: &Report) -> Result<(), Failure> {
    say(&report.file)?;
    for finding in &report.findings {
        let side = sinuses::side_name(finding.side, report.orientation_known);
        let present = sinuses::presence(finding.present);
        let Some(score) = finding.score else {
            say(format_args!("  patient {side:<6} {present}"))?;
            continue;
        };
        let flag = if finding.present == Presence::Partial { format!("{present}, ") } else { String::new() };
        let reference = finding.reference.as_deref().unwrap_or_default();
        let rank = finding.percentile.map_or(String::new(), |p| format!(", above {p:.0} % of {reference}"));
        let spread = finding.probability_sd.map_or(String::new(), |sd| format!(" ± {:.0}", 100.0 * sd));
        let anomaly = finding
            .probability
            .map_or(String::new(), |p| format!("probability of disease {:.0} %{spread}, ", 100.0 * p));
        let cavity = finding.cavity.words(finding.present).map_or(String::new(), |words| format!("; {words}"));
        say(format_args!("  patient {side:<6} {flag}{anomaly}residual {score:.4}{rank}{cavity}"))?;
    }
    if report.findings.iter().all(|finding| finding.present == Presence::Absent) {
        say(format_args!("  {}", sinuses::NONE_IN_VIEW))?;
    }
    if let Some(map) = report.findings.iter().find_map(|f| f.map.as_ref()) {
        say(format_args!("  map {}", map.display()))?;
    }
    if let Some(labels) = &report.cavities {
        say(format_args!("  cavities {}", labels.display()))?;
    }
    Ok(())
}
