//! The comparisons of paper 1 (its Tables 2 and 3, and those of its supplement): classifiers trained from different
//! beginnings on shares of the labels, in cross-validation, patient-wise unless asked otherwise. Every run is a file, so that an evaluation goes on
//! where it was interrupted.

mod curves;
mod tables;

use super::Model;
use super::config::{EncoderConfig, ResidualLoss, TrainConfig};
use super::infer::probability;
use super::train::classifier::LabelledTraining;
use super::train::samples::{self, Subject, tensor};
use super::train::{Pretext, ResidualError, Training, cae, pretext};
use crate::io::{self, WriteError};
use crate::job::{Cancelled, Progress};
use crate::metrics::{auroc, average_precision, best_f1_threshold, f1_above};
use crate::nets::Classifier;
use crate::nets::weights::WeightsError;
use burn::tensor::Device;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What a classifier begins with.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Beginning {
    /// Random weights.
    Nothing,
    /// Weights of a file, of another training or another program: transfer learning.
    Weights,
    /// An encoder that was pre-trained without labels.
    Pretext(Pretext),
    /// The encoder of paper 1 with one choice made otherwise.
    Varied(Variation),
}

/// One choice of paper 1 made otherwise: its Table 3 and its supplement.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Variation {
    /// The autoencoder learns from so many per cent of the normal sinuses among the unlabelled subjects.
    Normals(u8),
    /// Residuals go through a median filter of so many voxels.
    Median(usize),
    /// The encoder learns by another loss.
    Loss(ResidualLoss),
}

impl Beginning {
    /// All of them, those of Table 2 first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let varied = [20, 40, 60, 80, 100].map(Variation::Normals).into_iter();
        // A median of 5 and cross-entropy are the paper's own.
        let varied = varied.chain([0, 3, 7].map(Variation::Median));
        let varied = varied.chain([ResidualLoss::L1, ResidualLoss::L2].map(Variation::Loss));
        let table_2 = [Self::Nothing, Self::Weights].into_iter().chain(Pretext::ALL.map(Self::Pretext));
        table_2.chain(varied.map(Self::Varied)).collect()
    }

    /// Its name on the command line, in tables and files: `none`, `transfer`, that of the pretext, or such as `residual-ssl-normals-20`,
    /// `residual-ssl-median-3` and `residual-ssl-loss-l1`.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Nothing => "none".to_owned(),
            Self::Weights => "transfer".to_owned(),
            Self::Pretext(pretext) => pretext.name().to_owned(),
            Self::Varied(variation) => {
                let variation = match variation {
                    Variation::Normals(percent) => format!("normals-{percent}"),
                    Variation::Median(edge) => format!("median-{edge}"),
                    Variation::Loss(ResidualLoss::Bce) => "loss-bce".to_owned(),
                    Variation::Loss(ResidualLoss::L1) => "loss-l1".to_owned(),
                    Variation::Loss(ResidualLoss::L2) => "loss-l2".to_owned(),
                };
                format!("{}-{variation}", Pretext::Residual.name())
            }
        }
    }
}

/// What to compare, and how.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Folders with labelled sinuses: training and test.
    pub labelled: Vec<PathBuf>,
    /// Folders for the pretexts; their labels are not looked at, but by the autoencoders of [`Variation::Normals`]: for
    /// those they must be other subjects than the labelled ones.
    pub unlabelled: Vec<PathBuf>,
    /// What classifiers begin with.
    pub beginnings: Vec<Beginning>,
    /// Shares of the labels, 0 to 1.
    pub fractions: Vec<f64>,
    /// Parts of the cross-validation, at least 2; each is the test set once.
    pub folds: usize,
    /// Deals single sinuses to the parts, as the published code of paper 1 does, and not patients: where both sinuses of a
    /// patient are alike, figures become too good.
    pub per_sinus: bool,
    /// The file of [`Beginning::Weights`].
    pub weights: Option<PathBuf>,
    /// Settings of the autoencoders of [`Variation::Normals`].
    pub cae: TrainConfig,
    /// Settings of the pretexts.
    pub pretext: EncoderConfig,
    /// Settings of the classifiers.
    pub classifier: EncoderConfig,
    /// Folder for everything that is made.
    pub out: PathBuf,
}

/// One classifier on its test set.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Run {
    /// What it began with.
    pub method: String,
    /// Share of the labels, 0 to 1.
    pub fraction: f64,
    /// Which part was the test set, from 0.
    pub fold: usize,
    /// Normal and diseased sinuses that it learned from.
    pub labelled: [usize; 2],
    /// Probability and truth of every test sinus.
    pub scores: Vec<(f64, bool)>,
    /// The threshold of the best F1 on the sinuses that chose the epoch.
    pub threshold: Option<f64>,
    /// Area under the ROC.
    pub auroc: Option<f64>,
    /// Average precision.
    pub auprc: Option<f64>,
    /// F1 above the threshold.
    pub f1: Option<f64>,
}

/// Runs the comparison and writes `runs/*.json` and the results as `.csv`, `.md` and `.svg` into its folder. A run whose file exists is
/// not run again. `on_run` is told of each.
///
/// # Errors
/// See [`ResidualError`].
pub fn residual(
    comparison: &Comparison,
    cae: &Model,
    device: &Device,
    on_run: &mut dyn FnMut(&Run),
    progress: &Progress,
) -> Result<Vec<Run>, ResidualError> {
    let out = &comparison.out;
    let folder = out.join("runs");
    std::fs::create_dir_all(&folder).map_err(|source| WriteError::Io { source, path: folder.clone() })?;
    let mut subjects = samples::subjects(&comparison.labelled, samples::Wanted::Labelled, &progress.part(0.0, 0.05))?;
    comparison.keep_settings(subjects.len(), cae)?;
    if comparison.per_sinus {
        subjects = samples::apart(subjects);
    }
    let folds = samples::folds(&subjects, comparison.folds, comparison.classifier.schedule.seed);
    let beginnings = comparison.beginnings.len().max(1) as f32;
    let mut runs = Vec::new();
    for (number, &beginning) in comparison.beginnings.iter().enumerate() {
        let at = |share: f32| 0.05 + 0.95 * (number as f32 + share) / beginnings;
        let initial = comparison.encoder(beginning, cae, device, &progress.part(at(0.0), at(0.4)))?;
        let all = comparison.fractions.len() * folds.len();
        let each = comparison.fractions.iter().flat_map(|fraction| (0..folds.len()).map(move |fold| (*fraction, fold)));
        for (index, (fraction, fold)) in each.enumerate() {
            let part = progress
                .part(at(0.4 + 0.6 * index as f32 / all as f32), at(0.4 + 0.6 * (index + 1) as f32 / all as f32));
            let file = format!("{}-{}-{}.json", beginning.name(), percent(fraction), fold + 1);
            let path = folder.join(file);
            let read = || std::fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
            let run = if let Some(run) = read() {
                run
            } else {
                let config = EncoderConfig { labels: fraction, ..comparison.classifier.clone() };
                let task = Fold { subjects: &subjects, folds: &folds, test: fold, device };
                let run = task.run(beginning, initial.as_deref(), &config, &part)?;
                io::write_json(&path, &run)?;
                // As it will be read when the comparison goes on: JSON may lose the last digit.
                read().unwrap_or(run)
            };
            on_run(&run);
            runs.push(run);
        }
    }
    let rows = tables::rows(&runs);
    let written = [
        ("results.csv", tables::csv(&runs)),
        ("results.md", tables::markdown(&rows)),
        ("results.svg", curves::svg(&rows)),
    ];
    for (name, text) in written {
        io::write_whole(&out.join(name), text.as_bytes())?;
    }
    Ok(runs)
}

/// A share in per cent, with as many digits as tell shares apart but not those that rounding leaves.
#[must_use]
pub fn percent(fraction: f64) -> f64 {
    (1e5 * fraction).round() / 1e3
}

impl Comparison {
    /// Writes down what all runs of the folder have in common, or refuses what earlier ones have not.
    fn keep_settings(&self, subjects: usize, cae: &Model) -> Result<(), ResidualError> {
        let path = self.out.join("settings.json");
        let weights = self.weights.as_ref().filter(|_| self.beginnings.contains(&Beginning::Weights));
        let transferred = weights.map(|path| {
            let read = std::fs::read(path).map_err(|source| WeightsError::Read { source, path: path.clone() });
            read.map(|bytes| io::sha256(&bytes))
        });
        let transferred = transferred.transpose()?;
        let settings = serde_json::json!({
            "labelled": samples::cohort_names(&self.labelled),
            "subjects": subjects,
            "unlabelled": samples::cohort_names(&self.unlabelled),
            "folds": self.folds,
            "per_sinus": self.per_sinus,
            "autoencoder": cae.sha256,
            "weights": transferred,
            "cae": self.cae,
            "pretext": self.pretext,
            "classifier": self.classifier,
        });
        if path.exists() {
            // Both as they are read: JSON may lose the last digit.
            let read = |text: &[u8]| serde_json::from_slice::<Value>(text).unwrap_or_default();
            let former = read(&std::fs::read(&path).unwrap_or_default());
            let now = read(settings.to_string().as_bytes());
            let mut names = now.as_object().into_iter().flatten();
            // Weights to transfer may be chosen later.
            let is_other = |name: &str| {
                former[name] != now[name] && !(name == "weights" && [&former, &now].iter().any(|s| s[name].is_null()))
            };
            if let Some((name, _)) = names.find(|(name, _)| is_other(name)) {
                return Err(ResidualError::OtherSettings { what: name.clone(), path });
            }
            if now["weights"].is_null() {
                return Ok(());
            }
        }
        Ok(io::write_json(&path, &settings)?)
    }

    /// The encoder that a classifier begins with, trained if it is not there yet.
    fn encoder(
        &self,
        beginning: Beginning,
        cae: &Model,
        device: &Device,
        progress: &Progress,
    ) -> Result<Option<PathBuf>, ResidualError> {
        let kind = match beginning {
            Beginning::Nothing => return Ok(None),
            Beginning::Weights => return Ok(self.weights.clone()),
            Beginning::Pretext(kind) => kind,
            Beginning::Varied(_) => Pretext::Residual,
        };
        let place = self.out.join("pretext").join(beginning.name());
        let weights = place.join(kind.name()).with_extension("bpk");
        if weights.is_file() {
            return Ok(Some(weights));
        }
        let (mut config, mut own) = (self.pretext.clone(), None);
        match beginning {
            Beginning::Varied(Variation::Median(edge)) => config.residual.median = edge,
            Beginning::Varied(Variation::Loss(loss)) => config.residual.loss = loss,
            Beginning::Varied(Variation::Normals(percent)) => {
                own = Some(self.autoencoder(percent, device, &progress.part(0.0, 0.5))?);
            }
            Beginning::Nothing | Beginning::Weights | Beginning::Pretext(_) => {}
        }
        let progress = if own.is_some() { progress.part(0.5, 1.0) } else { progress.clone() };
        let training = Training { cohorts: &self.unlabelled, out: &place, config: &config, device };
        pretext(kind, own.as_ref().unwrap_or(cae), &training, &mut |_| (), &progress)?;
        Ok(Some(weights))
    }

    /// The autoencoder of a share of the normal sinuses, trained if it is not there yet.
    fn autoencoder(&self, percent: u8, device: &Device, progress: &Progress) -> Result<Model, ResidualError> {
        let place = self.out.join("cae").join(format!("normals-{percent}"));
        let weights = place.join("cae.bpk");
        if !weights.is_file() {
            let config = TrainConfig { normals: f64::from(percent) / 100.0, ..self.cae.clone() };
            cae(&self.unlabelled, &place, &config, device, &mut |_| (), progress)?;
        }
        Ok(Model::load(&weights, device)?)
    }
}

struct Fold<'a> {
    subjects: &'a [Subject],
    folds: &'a [Vec<usize>],
    /// Which part is the test set.
    test: usize,
    device: &'a Device,
}

impl Fold<'_> {
    fn run(
        &self,
        beginning: Beginning,
        initial: Option<&Path>,
        config: &EncoderConfig,
        progress: &Progress,
    ) -> Result<Run, ResidualError> {
        let of = |fold: usize| self.folds[fold].iter().map(|&index| &self.subjects[index]);
        let test: Vec<&Subject> = of(self.test).collect();
        let others = (0..self.folds.len()).filter(|fold| *fold != self.test).flat_map(of);
        // Of the other parts every n-th patient chooses the epoch and the threshold.
        let [training, validation] = samples::split(others, config.validation).map(|set| samples::sinuses(&set));
        let chooses = validation.clone();
        let mut training_set = LabelledTraining::new([training, validation], config, None)?;
        let net = training_set.beginning(initial, self.device)?;
        let net = training_set.train(net, &mut |_| (), &progress.part(0.0, 0.9))?.best.folded();
        let scored = |sinuses: Vec<&samples::Sample>| -> Result<Vec<(f64, bool)>, ResidualError> {
            sinuses.into_iter().map(|sinus| Ok((score(&net, sinus, self.device, progress)?, sinus.diseased))).collect()
        };
        let scores = scored(samples::sinuses(&test))?;
        let threshold = best_f1_threshold(&scored(chooses)?);
        Ok(Run {
            method: beginning.name(),
            fraction: config.labels,
            fold: self.test,
            labelled: training_set.labelled,
            threshold,
            auroc: auroc(&scores),
            auprc: average_precision(&scores),
            f1: threshold.and_then(|threshold| f1_above(&scores, threshold)),
            scores,
        })
    }
}

/// The probability, not calibrated, that a sinus is diseased.
fn score(net: &Classifier, sinus: &samples::Sample, device: &Device, progress: &Progress) -> Result<f64, Cancelled> {
    progress.check()?;
    let logits = net.forward(tensor(sinus.centred(), device)).into_data().try_into_vec::<f32>().unwrap_or_default();
    Ok(match logits[..] {
        [normal, diseased] => probability(f64::from(diseased - normal)),
        _ => f64::NAN,
    })
}
