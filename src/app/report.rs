//! An analysis and its written form: the map on the scan's grid, and a side-car that says how it was made.

use super::layers::Normal;
use crate::io::{self, Format, Scan};
use crate::job::Progress;
use crate::methods::residual::{self, InferConfig, Model};
use crate::methods::sinus::{Sinus, crop};
use crate::methods::{Finding, ModelError};
use crate::space::Side;
use crate::volume::Volume;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What one run of a method on one scan gave.
#[derive(Clone, Debug)]
pub struct Analysis {
    /// Per sinus in view, right first.
    pub findings: Vec<Finding>,
    /// All maps on the scan's grid.
    pub map: Arc<Volume>,
    /// The part of it that is not 0; panes draw this.
    pub shown: Option<Arc<Volume>>,
    /// What is normal in the map, where the weights' card says so for these settings.
    pub normal: Option<Arc<Normal>>,
    /// SHA-256 of the weights.
    pub weights_sha256: String,
    /// Settings.
    pub config: InferConfig,
}

/// Runs the residual method and lays its maps onto the scan's grid. Window and command line both call this.
///
/// # Errors
/// [`ModelError`].
pub fn analyse(
    volume: &Volume,
    sinuses: &[Sinus; 2],
    model: &Model,
    config: InferConfig,
    progress: &Progress,
) -> Result<Analysis, ModelError> {
    let findings = residual::analyse(volume, sinuses, model, config, &progress.part(0.0, 0.9))?;
    progress.step(0.9, "laying the maps onto the scan")?;
    let maps: Vec<&Volume> = findings.iter().map(|f| &f.map).collect();
    let map = Arc::new(crop::paste(&maps, &volume.grid));
    let shown = crop::trimmed(&map).map(Arc::new);
    let card = &model.card;
    let known = config == card.inference && !card.normal_values.is_empty();
    let normal =
        known.then(|| Arc::new(Normal { values: card.normal_values.clone(), cohort: card.normal_cohort.clone() }));
    Ok(Analysis { findings, map, shown, normal, weights_sha256: model.sha256.clone(), config })
}

/// The side-car of an analysis.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The scan as it was named.
    pub file: String,
    /// One entry per sinus, right first; one that is not in view has neither score nor map.
    pub findings: Vec<ReportedFinding>,
    /// How it was made.
    pub provenance: Provenance,
}

/// One sinus of a [`Report`].
#[derive(Clone, Debug, Serialize)]
pub struct ReportedFinding {
    /// The patient's side.
    pub side: Side,
    /// Name of the method.
    pub method: &'static str,
    /// Mean of the map inside the crop.
    pub score: Option<f64>,
    /// Percentage of normal sinuses that score lower; null for settings without a reference.
    pub percentile: Option<f64>,
    /// The map's file; it holds both sinuses.
    pub map: Option<PathBuf>,
}

/// Everything needed to repeat an analysis.
#[derive(Clone, Debug, Serialize)]
pub struct Provenance {
    /// Name and version of the program.
    pub generated_by: String,
    /// What it may be used for.
    pub notice: &'static str,
    /// SHA-256 of the scan's bytes.
    pub input_sha256: String,
    /// SHA-256 of the weights file.
    pub weights_sha256: String,
    /// Settings of the method.
    pub parameters: InferConfig,
    /// Where the crops were cut.
    pub sinuses: [Sinus; 2],
}

/// Writes `…_desc-residual_map.nii.gz` and its `.json` into `out`, which is made when missing.
///
/// # Errors
/// [`io::WriteError`]; files that exist are replaced only by complete ones.
pub fn write(
    scan: &Scan,
    name: &str,
    sinuses: &[Sinus; 2],
    analysis: &Analysis,
    out: &Path,
) -> Result<Report, io::WriteError> {
    let folder = |source| io::WriteError::Io { source, path: out.to_owned() };
    std::fs::create_dir_all(out).map_err(folder)?;
    let stem = format!("{}_desc-{}_map", stem(scan), residual::NAME);
    let map = out.join(format!("{stem}.nii.gz"));
    if !analysis.findings.is_empty() {
        io::nifti::write(&map, &analysis.map)?;
    }
    let reported = |side: Side| {
        let finding = analysis.findings.iter().find(|f| f.side == side);
        ReportedFinding {
            side,
            method: residual::NAME,
            score: finding.map(|f| f.score),
            percentile: finding.and_then(|f| f.percentile),
            map: finding.map(|_| map.clone()),
        }
    };
    let report = Report {
        file: name.to_owned(),
        findings: Side::BOTH.map(reported).into(),
        provenance: Provenance {
            generated_by: format!("antrum {}", env!("CARGO_PKG_VERSION")),
            notice: crate::NOTICE,
            input_sha256: scan.sha256.clone(),
            weights_sha256: analysis.weights_sha256.clone(),
            parameters: analysis.config,
            sinuses: *sinuses,
        },
    };
    io::write_json(&out.join(format!("{stem}.json")), &report)?;
    Ok(report)
}

/// File name without its extensions and, so that scans of the same name do not overwrite each other, the start of the
/// data's digest.
fn stem(scan: &Scan) -> String {
    let path = scan.path.as_ref().map(|p| p.canonicalize().unwrap_or_else(|_| p.clone()));
    let name = match (&path, scan.format) {
        (_, Format::Synthetic) => "example".into(),
        (path, _) => path.as_ref().and_then(|p| p.file_name()).map_or("scan".into(), |n| n.to_string_lossy()),
    };
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let name = name.strip_suffix(".nii").unwrap_or(name);
    format!("{name}_{}", scan.sha256.get(..8).unwrap_or("unknown"))
}
