//! `antrum analyse`: residual maps and scores, written beside nothing but into a folder of their own.

use super::{Failure, guarded, open, print_json, shown_name};
use crate::app::report::{self, Report};
use crate::methods::residual::{InferConfig, Model};
use crate::methods::sinus::{self, FinderConfig};
use crate::nets;
use std::path::{Path, PathBuf};

/// Analyse both sinuses of scans: an anomaly map on the scan's grid (NIfTI) and its scores (JSON)
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// NIfTI files or folders with one DICOM series each
    #[arg(required = true)]
    paths: Vec<PathBuf>,
    /// Which method to run
    #[arg(long, default_value = "residual")]
    method: Method,
    /// Folder for maps and side-cars
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Weights made by `antrum train cae` [default: the built-in ones]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Edge of the median filter of the map, in voxels
    #[arg(long, default_value_t = 5, value_parser = parse_median)]
    median: usize,
    /// Print one JSON object (for several scans: an object with their list)
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Method {
    /// Residual of an autoencoder trained on normal sinuses (paper 1)
    Residual,
}

fn parse_median(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(k @ (0 | 3 | 5 | 7)) => Ok(k),
        _ => Err("choose 0 (no filter), 3, 5 or 7".to_owned()),
    }
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let Method::Residual = args.method;
    let config = InferConfig { median: args.median };
    let mut reports = Vec::new();
    for path in &args.paths {
        let report = one(Some(path), &args.out, args.weights.as_deref(), config)?;
        if !args.json {
            print(&report);
        }
        reports.push(report);
    }
    match (args.json, reports.as_slice()) {
        (false, _) => Ok(()),
        (true, [report]) => print_json(report),
        (true, _) => print_json(&serde_json::json!({ "results": reports })),
    }
}

/// Analyses one scan (or the example) and writes map and side-car to `out`.
pub(super) fn one(
    path: Option<&Path>,
    out: &Path,
    weights: Option<&Path>,
    config: InferConfig,
) -> Result<Report, Failure> {
    let (path, out, weights) = (path.map(Path::to_owned), out.to_owned(), weights.map(Path::to_owned));
    let report = guarded("analysing", move |progress| {
        let scan = open(path.as_deref(), &progress.part(0.0, 0.3))?;
        let model = match &weights {
            Some(file) => Model::load(file, &nets::cpu())?,
            None => Model::built_in(&nets::cpu())?,
        };
        let sinuses = sinus::find(&scan.volume, &FinderConfig::default(), &progress.part(0.3, 0.5))?;
        let part = progress.part(0.5, 0.9);
        let analysis = report::analyse(&scan.volume, &sinuses, &model, config, &part)?;
        Ok(report::write(&scan, &shown_name(path.as_deref()), &sinuses, &analysis, &out)?)
    })?;
    Ok(report)
}

fn print(report: &Report) {
    println!("{}", report.file);
    for finding in &report.findings {
        let side = finding.side.name();
        println!(
            "  patient {side:<5}  residual {:.4}, above {:.0} % of normal sinuses",
            finding.score, finding.percentile
        );
    }
    match &report.findings.first().and_then(|f| f.map.as_ref()) {
        Some(map) => println!("  map {}", map.display()),
        None => println!("  no sinus is in view; nothing to score"),
    }
}
