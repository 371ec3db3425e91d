//! An analysis and its written form: the map on the scan's grid, and a side-car that says how it was made.

use super::checks;
use super::sinuses::{CavityFigures, side_name};
use crate::io::{self, Format, Scan};
use crate::job::Progress;
use crate::methods::Normals;
use crate::methods::residual::{self, InferConfig, Model};
use crate::methods::sinus::{Cavity, Finder, Presence, Sinus, cavity, crop};
use crate::methods::{Finding, ModelError};
use crate::project::AnalysisRecord;
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
    /// What the classifier looked at in both sinuses, where there is one; panes draw this.
    pub why: Option<Arc<Volume>>,
    /// What is normal in the map, where the weights' card says so for these settings.
    pub normal: Option<Arc<Normals>>,
    /// The cavities of the sinuses in view, by [`Side::index`].
    pub cavities: [Option<Cavity>; 2],
    /// All cavities on a grid of 1 mm, with the labels of [`Cavity`]; panes draw this.
    pub cavity_map: Option<Arc<Volume>>,
    /// SHA-256 of the weights.
    pub weights_sha256: String,
    /// SHA-256 of the weights of the classifier, where there is one.
    pub classifier_sha256: Option<String>,
    /// Whether the classifier was fine-tuned, so that its reference is a reader's labels and not synthetic sinuses.
    pub fine_tuned: bool,
    /// SHA-256 of the weights that measured the cavities.
    pub finder_sha256: [String; 2],
    /// Settings.
    pub config: InferConfig,
}

impl Analysis {
    /// Its figures as a project keeps them.
    #[must_use]
    pub fn records(&self) -> Vec<AnalysisRecord> {
        let record = |finding: &Finding| AnalysisRecord {
            side: finding.side,
            residual: finding.score,
            probability: finding.anomaly.map(|anomaly| anomaly.probability),
            features: finding.features.clone(),
            residual_by: format!("{} {}", self.weights_sha256, self.config.map_name()),
            classifier_sha256: self.classifier_sha256.clone(),
        };
        self.findings.iter().map(record).collect()
    }
}

/// Measures the cavities, runs the residual method and lays its maps onto the scan's grid. Window and command line both
/// call this.
///
/// # Errors
/// [`ModelError`].
pub fn analyse(
    volume: &Volume,
    sinuses: &[Sinus; 2],
    finder: &Finder,
    model: &Model,
    config: InferConfig,
    progress: &Progress,
) -> Result<Analysis, ModelError> {
    let cavities = cavity::measure(finder, volume, sinuses, &progress.part(0.0, 0.3))?;
    let cavity_map = cavity::together(&cavities).map(Arc::new);
    let findings = residual::analyse(volume, sinuses, &cavities, model, config, &progress.part(0.3, 0.9))?;
    progress.step(0.9, "laying the maps onto the scan")?;
    let maps: Vec<&Volume> = findings.iter().map(|f| &f.map).collect();
    let map = Arc::new(crop::paste(&maps, &volume.grid));
    let shown = crop::trimmed(&map).map(Arc::new);
    let whys: Vec<&Volume> = findings.iter().filter_map(|f| f.why.as_ref()).collect();
    let why = if whys.is_empty() { None } else { crop::trimmed(&crop::paste(&whys, &volume.grid)).map(Arc::new) };
    let normal = findings.iter().find_map(|finding| finding.normal.clone()).filter(|normal| !normal.values.is_empty());
    let (weights_sha256, finder_sha256) = (model.sha256.clone(), finder.sha256().map(str::to_owned));
    let classifier_sha256 = model.classifier.as_ref().map(|classifier| classifier.sha256.clone());
    let fine_tuned = model.classifier.as_ref().is_some_and(|classifier| classifier.card.tuned.is_some());
    Ok(Analysis {
        findings,
        map,
        shown,
        why,
        normal,
        cavities,
        cavity_map,
        weights_sha256,
        classifier_sha256,
        fine_tuned,
        finder_sha256,
        config,
    })
}

/// The side-car of an analysis.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The scan as it was named.
    pub file: String,
    /// Whether the scan says how it lies in the patient; otherwise left and right are a guess.
    pub orientation_known: bool,
    /// One entry per sinus, right first; one that is not in view has neither figures nor map.
    pub findings: Vec<ReportedFinding>,
    /// The label map of both cavities, on the scan's grid; a table of the labels lies beside it.
    pub cavities: Option<PathBuf>,
    /// How it was made.
    pub provenance: Provenance,
}

/// One sinus of a [`Report`].
#[derive(Clone, Debug, Serialize)]
pub struct ReportedFinding {
    /// The patient's side.
    pub side: Side,
    /// How much of the sinus the scan shows; of a part, all figures are those of that part.
    pub present: Presence,
    /// Estimates of its cavity.
    #[serde(flatten)]
    pub cavity: CavityFigures,
    /// Name of the method.
    pub method: &'static str,
    /// Mean of the map: in the cavity and at its wall, where only that is kept, otherwise in the crop.
    pub score: Option<f64>,
    /// Percentage of the reference that scores lower; null for settings without one.
    pub percentile: Option<f64>,
    /// Which normal sinuses are the reference.
    pub reference: Option<String>,
    /// Calibrated probability that the sinus is diseased, 0 to 1; null without a classifier.
    pub probability: Option<f64>,
    /// Standard deviation of the probability over the crops that it is the mean of; null of a single one.
    pub probability_sd: Option<f64>,
    /// Percentage of normal sinuses with a lower probability; null without a reference.
    pub probability_percentile: Option<f64>,
    /// The map's file; it holds both sinuses.
    pub map: Option<PathBuf>,
}

/// The labels of the exported label map: the left sinus has 1 and 2, the right one 3 and 4.
fn exported(side: Side, label: u8) -> u8 {
    2 * side.index() as u8 + label
}

/// The table of the labels, in the columns of a BIDS look-up table.
fn label_table(orientation_known: bool) -> String {
    let line = |side: Side, label: u8, what: &str| {
        format!("{}\t{} maxillary sinus, {what}\n", exported(side, label), side_name(side, orientation_known))
    };
    let lines = [Side::Left, Side::Right]
        .map(|side| line(side, Cavity::AIR, "air") + &line(side, Cavity::CONTENT, "not air"))
        .concat();
    format!("index\tname\n{lines}")
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
    /// SHA-256 of the weights file of the classifier; null where there was none.
    pub classifier_sha256: Option<String>,
    /// SHA-256 of the two weights files that found the sinuses and measured their cavities.
    pub finder_sha256: [String; 2],
    /// Settings of the method.
    pub parameters: InferConfig,
    /// Where the crops were cut.
    pub sinuses: [Sinus; 2],
}

/// Writes `…_desc-residual_map.nii.gz` and its `.json` into `out`, which is made when missing, and the cavities as
/// `…_desc-sinus_dseg.nii.gz` with the names of their labels in a `.tsv`.
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
    let name_of = |what: &str, ending: &str| out.join(format!("{}_desc-{what}.{ending}", stem(scan)));
    let what = format!("{}_map", residual::NAME);
    let map = name_of(&what, "nii.gz");
    // A scan that does not say how it lies in the patient gives maps that do not.
    let save = |path: &Path, volume: Arc<Volume>| io::nifti::write_scan(path, &Scan { volume, ..scan.clone() });
    if !analysis.findings.is_empty() {
        save(&map, Arc::clone(&analysis.map))?;
    }
    let labels = name_of("sinus_dseg", "nii.gz");
    let measured = analysis.cavities.iter().any(Option::is_some);
    if measured {
        let pasted = cavity::paste(analysis.cavities.iter().flatten(), &scan.volume.grid, exported);
        save(&labels, Arc::new(pasted))?;
        io::write_whole(&name_of("sinus_dseg", "tsv"), label_table(checks::orientation_known(scan)).as_bytes())?;
    }
    let reported = |side: Side| {
        let finding = analysis.findings.iter().find(|f| f.side == side);
        let anomaly = finding.and_then(|finding| finding.anomaly);
        ReportedFinding {
            side,
            present: sinuses[side.index()].present,
            cavity: CavityFigures::of(analysis.cavities[side.index()].as_ref()),
            method: residual::NAME,
            score: finding.map(|f| f.score),
            percentile: finding.and_then(|f| f.percentile),
            reference: finding.and_then(|f| Some(f.normal.as_ref()?.name().to_owned())),
            probability: anomaly.map(|anomaly| anomaly.probability),
            probability_sd: anomaly.and_then(|anomaly| anomaly.spread),
            probability_percentile: anomaly.and_then(|anomaly| anomaly.percentile),
            map: finding.map(|_| map.clone()),
        }
    };
    let report = Report {
        file: name.to_owned(),
        orientation_known: checks::orientation_known(scan),
        findings: Side::BOTH.map(reported).into(),
        cavities: measured.then(|| labels.clone()),
        provenance: Provenance {
            generated_by: format!("antrum {}", env!("CARGO_PKG_VERSION")),
            notice: crate::NOTICE,
            input_sha256: scan.sha256.clone(),
            weights_sha256: analysis.weights_sha256.clone(),
            classifier_sha256: analysis.classifier_sha256.clone(),
            finder_sha256: analysis.finder_sha256.clone(),
            parameters: analysis.config,
            sinuses: *sinuses,
        },
    };
    io::write_json(&name_of(&what, "json"), &report)?;
    Ok(report)
}

/// File name without its extensions and, so that scans of the same name do not overwrite each other, the start of the
/// data's digest.
pub(super) fn stem(scan: &Scan) -> String {
    let path = scan.path.as_ref().map(|p| p.canonicalize().unwrap_or_else(|_| p.clone()));
    let name = match (&path, scan.format) {
        (_, Format::Synthetic) => "example".into(),
        (path, _) => path.as_ref().and_then(|p| p.file_name()).map_or("scan".into(), |n| n.to_string_lossy()),
    };
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    let name = name.strip_suffix(".nii").unwrap_or(name);
    format!("{name}_{}", scan.sha256.get(..8).unwrap_or("unknown"))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::testing;
    use crate::methods::residual::MapKind;
    use crate::space::Grid;
    use crate::volume::Unit;
    use glam::{DAffine3, DMat3, DVec3};

    /// A scan whose grid is mirrored, oblique and of unequal spacing.
    fn skewed() -> Scan {
        let turn = DMat3::from_rotation_z(0.3) * DMat3::from_rotation_x(0.2);
        let matrix3 = turn * DMat3::from_diagonal(DVec3::new(-1.5, 1.1, 2.5));
        let translation = -(matrix3 * DVec3::new(29.5, 19.5, 9.5));
        let grid = Grid::new([60, 40, 20], DAffine3 { matrix3, translation }).unwrap();
        Scan::synthetic(Volume::from_f32(grid, vec![1.0; grid.count()], Unit::Arbitrary), "", "00ff".repeat(16))
    }

    #[test]
    fn scores_of_maps_that_are_made_otherwise_are_kept_apart() {
        let scan = skewed();
        let by = |config: InferConfig| {
            let findings = vec![testing::finding(Side::Left, &scan)];
            let analysis = Analysis { findings, config, ..testing::analysis(&scan, [DVec3::ZERO; 2]) };
            analysis.records()[0].residual_by.clone()
        };
        let usual = InferConfig::default();
        assert_eq!(by(usual), by(InferConfig { crops: 15, ..usual }), "of the probability alone");
        assert_eq!(by(usual), "00 sinus-5");
        assert_eq!(by(InferConfig { map: MapKind::Cube, median: 0, ..usual }), "00 cube-0");
    }

    #[test]
    fn the_exported_labels_name_the_sides_they_lie_on() {
        let folder = tempfile::tempdir().unwrap();
        let scan = skewed();
        let places = [DVec3::X * -25.0, DVec3::X * 25.0];
        let analysis = testing::analysis(&scan, places);
        let placed = |side: Side| Sinus::placed(side, places[side.index()], &scan.volume.grid);
        let partial = Sinus { present: Presence::Partial, ..placed(Side::Left) };
        let sinuses = [partial, placed(Side::Right)];
        let report = write(&scan, "head", &sinuses, &analysis, folder.path()).unwrap();

        let path = report.cavities.unwrap();
        assert!(path.ends_with("example_00ff00ff_desc-sinus_dseg.nii.gz"), "{}", path.display());
        let labels = io::open(&path, &Progress::default()).unwrap().volume;
        assert_eq!((labels.grid.size, labels.voxels.type_name()), (scan.volume.grid.size, "u8"));
        let at = |x: f64| labels.at_world(DVec3::X * x).unwrap();
        assert_eq!([at(-25.0), at(0.0), at(25.0)], [2.0, 0.0, 3.0], "left content, right air");
        let count = (0..labels.voxels.len()).filter(|&i| labels.voxels.get(i) == 2.0).count();
        assert!((count as f64 * 1.5 * 1.1 * 2.5 / 1000.0 - 1.0).abs() < 0.15, "10 mm cubed is 1 mL: {count}");
        let table = std::fs::read_to_string(path.with_extension("").with_extension("tsv")).unwrap();
        assert_eq!(
            table.lines().collect::<Vec<_>>(),
            [
                "index\tname",
                "1\tleft maxillary sinus, air",
                "2\tleft maxillary sinus, not air",
                "3\tright maxillary sinus, air",
                "4\tright maxillary sinus, not air",
            ]
        );

        let json: serde_json::Value = serde_json::from_slice(
            &std::fs::read(folder.path().join("example_00ff00ff_desc-residual_map.json")).unwrap(),
        )
        .unwrap();
        let [right, left] = &json["findings"].as_array().unwrap()[..] else { panic!("{json}") };
        assert_eq!((&left["side"], &left["present"]), (&"L".into(), &"partial".into()));
        assert_eq!((&left["cavity_ml"], &left["opacification_percent"]), (&1.0.into(), &100.0.into()));
        assert_eq!((&right["not_air_ml"], &right["opacification_percent"]), (&0.0.into(), &0.0.into()));
    }

    #[test]
    fn where_no_sinus_is_in_view_there_are_no_figures_and_no_label_map() {
        let folder = tempfile::tempdir().unwrap();
        let scan = skewed();
        let nothing = Analysis { cavities: [None, None], ..testing::analysis(&scan, [DVec3::ZERO; 2]) };
        let absent =
            |side: Side| Sinus { present: Presence::Absent, ..Sinus::placed(side, DVec3::ZERO, &scan.volume.grid) };
        let report = write(&scan, "head", &[Side::Left, Side::Right].map(absent), &nothing, folder.path()).unwrap();
        assert!(report.cavities.is_none());
        for finding in &report.findings {
            assert_eq!((finding.score, finding.cavity), (None, CavityFigures::default()));
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the side-car alone");
    }
}
