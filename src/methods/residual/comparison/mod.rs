//! The comparison of paper 1 (its Table 2): classifiers trained from different beginnings on shares of the labels, in
//! patient-wise cross-validation. Every run is a file, so that an evaluation goes on where it was interrupted.

mod curves;
mod tables;

use super::Model;
use super::config::EncoderConfig;
use super::infer::probability;
use super::train::samples::{self, Subject, tensor};
use super::train::{Pretext, ResidualError, Training, classifier, pretext};
use crate::io::{self, WriteError};
use crate::job::{Cancelled, Progress};
use crate::metrics::{auroc, average_precision, best_f1_threshold, f1_above};
use crate::nets::Classifier;
use burn::tensor::Device;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a classifier begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// Random weights.
    Nothing,
    /// An encoder that was pre-trained without labels.
    Pretext(Pretext),
}

impl Beginning {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Nothing,
        Self::Pretext(Pretext::Residual),
        Self::Pretext(Pretext::Autoencoder),
        Self::Pretext(Pretext::Denoising),
        Self::Pretext(Pretext::SimClr),
        Self::Pretext(Pretext::Byol),
        Self::Pretext(Pretext::SimSiam),
    ];

    /// Its name on the command line and in tables: `none`, or that of the pretext.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nothing => "none",
            Self::Pretext(pretext) => pretext.name(),
        }
    }
}

/// What to compare, and how.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Folders with labelled sinuses: training and test.
    pub labelled: Vec<PathBuf>,
    /// Folders for the pretexts; their labels are not looked at.
    pub unlabelled: Vec<PathBuf>,
    /// What classifiers begin with.
    pub beginnings: Vec<Beginning>,
    /// Shares of the labels, 0 to 1.
    pub fractions: Vec<f64>,
    /// Parts of the cross-validation, at least 2; each is the test set once.
    pub folds: usize,
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
    let subjects = samples::subjects(&comparison.labelled, &progress.part(0.0, 0.05))?;
    let folds = folds(&subjects, comparison.folds, comparison.classifier.schedule.seed);
    let beginnings = comparison.beginnings.len().max(1) as f32;
    let mut runs = Vec::new();
    for (number, &beginning) in comparison.beginnings.iter().enumerate() {
        let at = |share: f32| 0.05 + 0.95 * (number as f32 + share) / beginnings;
        let initial = match beginning {
            Beginning::Nothing => None,
            Beginning::Pretext(kind) => {
                let place = out.join("pretext").join(kind.name());
                let weights = place.join(kind.name()).with_extension("bpk");
                if !weights.is_file() {
                    let (cohorts, config) = (&comparison.unlabelled, &comparison.pretext);
                    let training = Training { cohorts, out: &place, config, device };
                    pretext(kind, cae, &training, &mut |_| (), &progress.part(at(0.0), at(0.4)))?;
                }
                Some(weights)
            }
        };
        let all = comparison.fractions.len() * folds.len();
        let each = comparison.fractions.iter().flat_map(|fraction| (0..folds.len()).map(move |fold| (*fraction, fold)));
        for (index, (fraction, fold)) in each.enumerate() {
            let part = progress
                .part(at(0.4 + 0.6 * index as f32 / all as f32), at(0.4 + 0.6 * (index + 1) as f32 / all as f32));
            let file = format!("{}-{:.0}-{}.json", beginning.name(), 100.0 * fraction, fold + 1);
            let path = folder.join(file);
            let before = std::fs::read(&path).ok().and_then(|text| serde_json::from_slice(&text).ok());
            let run = if let Some(run) = before {
                run
            } else {
                let config = EncoderConfig { labels: fraction, ..comparison.classifier.clone() };
                let task = Fold { subjects: &subjects, folds: &folds, test: fold, device };
                let run = task.run(beginning, initial.as_deref(), &config, &part)?;
                io::write_json(&path, &run)?;
                run
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

/// Numbers of subjects, dealt to parts in which as many sinuses are diseased: all sinuses of a subject are in one part.
fn folds(subjects: &[Subject], parts: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..subjects.len()).collect();
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    order.sort_by_key(|&index| subjects[index].sinuses.iter().filter(|sinus| sinus.diseased).count());
    let parts = parts.max(2);
    let mut folds = vec![Vec::new(); parts];
    order.into_iter().enumerate().for_each(|(place, index)| folds[place % parts].push(index));
    folds
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
        // Of the other parts every n-th subject chooses the epoch and the threshold.
        let [training, validation] = samples::split(others, config.validation).map(|set| samples::sinuses(&set));
        let chooses = validation.clone();
        let sets = [training, validation];
        let fitted =
            classifier::fitted(sets, initial, config, self.device, None, &mut |_| (), &progress.part(0.0, 0.9))?;
        let net = fitted.net.folded();
        let scored = |sinuses: Vec<&samples::Sample>| -> Result<Vec<(f64, bool)>, ResidualError> {
            sinuses.into_iter().map(|sinus| Ok((score(&net, sinus, self.device, progress)?, sinus.diseased))).collect()
        };
        let scores = scored(samples::sinuses(&test))?;
        let threshold = best_f1_threshold(&scored(chooses)?);
        Ok(Run {
            method: beginning.name().to_owned(),
            fraction: config.labels,
            fold: self.test,
            labelled: fitted.labelled,
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
