//! Training of the classifier of paper 1 (section 2.3) on labelled sinuses, from random or from pre-trained weights, and the
//! calibration of its probabilities.

use super::augment::view;
use super::samples::{self, Sample, cohort_names, tensor, together};
use super::{ResidualError, Training};
use crate::io;
use crate::job::Progress;
use crate::methods::begin_with_file;
use crate::methods::residual::config::{ClassifierCard, EncoderConfig};
use crate::methods::residual::infer::{Classify, probability};
use crate::methods::sinus::{Crop, Finder, Sinus};
use crate::metrics::auroc;
use crate::nets::Classifier;
use crate::nets::resnet::Head;
use crate::nets::weights::{self, Precision};
use crate::train::losses::cross_entropy;
use crate::train::{Batch, Epoch, Task, Trained, fit, fixed_settings};
use crate::volume::Volume;
use burn::module::Module;
use burn::tensor::{Device, Tensor, TensorData};
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};

/// Trains on the labelled sinuses of `cohorts` and writes `classifier.bpk` (half precision) and its card `classifier.json` to
/// `out`. `initial` are weights to begin with, of a pretext or of another classifier. Checkpoints in `out` are resumed.
///
/// # Errors
/// See [`ResidualError`].
pub fn classifier(
    initial: Option<&Path>,
    &Training { cohorts, out, config, device }: &Training<'_>,
    on_epoch: &mut dyn FnMut(&Epoch),
    progress: &Progress,
) -> Result<ClassifierCard, ResidualError> {
    let subjects = samples::subjects(cohorts, samples::Wanted::Labelled, &progress.part(0.0, 0.08))?;
    let [training, validation] = samples::split(&subjects, config.validation);
    let mut training_set =
        LabelledTraining::new([&training, &validation].map(|set| samples::sinuses(set)), config, Some(out))?;
    let net = training_set.beginning(initial, device)?;
    let trained = training_set.train(net, on_epoch, &progress.part(0.08, 0.92))?;

    let mut card = training_set.card(cohorts, subjects.len(), trained.history);
    // The shipped precision is what is calibrated, on crops as the finder places them.
    let path = out.join(FILE);
    write(&trained.best, &card, &path)?;
    let classify = Classify::load(&path, device)?;
    let mut margins = Vec::new();
    let cut = |_: &Finder, volume: &Volume, sinus: &Sinus| Ok(Crop::cut(volume, sinus.side, sinus.centre_mm));
    for (crop, diseased) in samples::found(&validation, cut, &progress.part(0.92, 0.98))? {
        margins.push((classify.margin(&crop.values, progress)?, diseased));
    }
    calibrate(&mut card, &margins);
    write(&trained.best, &card, &path)?;
    Ok(card)
}

/// What the weights of a classifier are called.
pub(super) const FILE: &str = "classifier.bpk";

/// Writes a classifier in half precision, and its card beside it.
pub(super) fn write(net: &Classifier, card: &ClassifierCard, path: &Path) -> Result<(), ResidualError> {
    weights::save(net, path, Precision::Half)?;
    Ok(io::write_json(&path.with_extension("json"), card)?)
}

/// Fits the temperature to sinuses that were not learned from, given by margin and truth, and keeps what normal ones of them
/// get as the reference of the percentiles.
pub(super) fn calibrate(card: &mut ClassifierCard, margins: &[(f64, bool)]) {
    card.temperature = temperature(margins);
    card.auroc = auroc(margins);
    let normal = margins.iter().filter(|(_, diseased)| !diseased);
    card.normal_probabilities = normal.map(|(margin, _)| probability(margin / card.temperature)).collect();
    card.normal_probabilities.sort_by(f64::total_cmp);
}

/// What a classifier learns from, and how.
pub(in crate::methods::residual) struct LabelledTraining<'a> {
    training: Vec<&'a Sample>,
    validation: Vec<&'a Sample>,
    config: &'a EncoderConfig,
    /// Where checkpoints are kept, and resumed.
    folder: Option<&'a Path>,
    /// Normal and diseased sinuses that are learned from.
    pub labelled: [usize; 2],
    /// SHA-256 of the weights that the training begins with; none where they are random.
    pub began_with: Option<String>,
}

impl<'a> LabelledTraining<'a> {
    /// From the first sinuses is learned, as far as their labels are to be used; the second ones choose the epoch.
    ///
    /// # Errors
    /// [`ResidualError::OneClass`].
    pub fn new(
        [mut training, validation]: [Vec<&'a Sample>; 2],
        config: &'a EncoderConfig,
        folder: Option<&'a Path>,
    ) -> Result<Self, ResidualError> {
        let labelled = draw_labels(&mut training, config)?;
        Ok(Self { training, validation, config, folder, labelled, began_with: None })
    }

    /// A classifier to begin with, of random weights or those of a file.
    ///
    /// # Errors
    /// [`ResidualError::Weights`].
    pub fn beginning(&mut self, initial: Option<&Path>, device: &Device) -> Result<Classifier, ResidualError> {
        let learner = device.clone().autodiff();
        learner.seed(self.config.schedule.seed);
        let mut net = Classifier::new(&self.config.network, &learner);
        self.began_with = initial.map(|path| begin_with_file(&mut net, path)).transpose()?;
        Ok(net)
    }

    /// Trains a classifier.
    ///
    /// # Errors
    /// [`ResidualError::Train`].
    pub fn train(
        &self,
        net: Classifier,
        on_epoch: &mut dyn FnMut(&Epoch),
        progress: &Progress,
    ) -> Result<Trained<Classifier>, ResidualError> {
        let loss = |net: &Classifier, (crops, classes): (Vec<f32>, Vec<usize>), on: &Device| {
            cross_entropy(net.forward(tensor(crops, on)), &classes, &self.class_weights())
        };
        self.fitted(net, &|batch| self.crops(batch), &loss, on_epoch, progress)
    }

    /// Trains the head of a classifier alone: the encoder stays as it is, running means and variances too.
    ///
    /// # Errors
    /// [`ResidualError::Train`].
    pub fn train_head(
        &self,
        net: Classifier,
        device: &Device,
        on_epoch: &mut dyn FnMut(&Epoch),
        progress: &Progress,
    ) -> Result<Trained<Classifier>, ResidualError> {
        let frozen = net.encoder.clone().folded();
        let prepare = |batch: &mut Batch<'_>| {
            let (crops, classes) = self.crops(batch);
            (frozen.features(tensor(crops, device)).into_data(), classes)
        };
        let loss = |head: &Head, (features, classes): (TensorData, Vec<usize>), on: &Device| {
            cross_entropy(head.forward(Tensor::from_data(features, on)), &classes, &self.class_weights())
        };
        let Trained { best, history } = self.fitted(net.head.clone().train(), &prepare, &loss, on_epoch, progress)?;
        Ok(Trained { best: Classifier { head: best, ..net }, history })
    }

    /// What is known of the weights before they are calibrated.
    pub fn card(&self, cohorts: &[PathBuf], subjects: usize, history: Vec<Epoch>) -> ClassifierCard {
        ClassifierCard {
            training: self.config.clone(),
            began_with: self.began_with.clone(),
            cohorts: cohort_names(cohorts),
            subjects,
            labelled: self.labelled,
            history,
            temperature: 1.0,
            normal_probabilities: Vec::new(),
            auroc: None,
            tuned: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }

    fn fitted<M: Module, S: Send>(
        &self,
        net: M,
        prepare: &(dyn Fn(&mut Batch<'_>) -> S + Sync),
        loss: &dyn Fn(&M, S, &Device) -> Tensor<1>,
        on_epoch: &mut dyn FnMut(&Epoch),
        progress: &Progress,
    ) -> Result<Trained<M>, ResidualError> {
        let (training, validation) = (self.training.len(), self.validation.len());
        let settings = fixed_settings(self.config, self.began_with.as_deref());
        let task = Task { training, validation, prepare, loss, after_step: None, settings };
        Ok(fit(net, &task, &self.config.schedule, self.folder, on_epoch, progress)?)
    }

    /// The crops of a batch one after the other, and their classes.
    fn crops(&self, batch: &mut Batch<'_>) -> (Vec<f32>, Vec<usize>) {
        let set = if batch.validation { &self.validation } else { &self.training };
        let classes = batch.samples.iter().map(|&i| usize::from(set[i].diseased)).collect();
        let crops = batch.samples.iter().map(|&i| view(set[i], self.config.jitter_mm, batch.validation, batch.rng));
        (together(crops), classes)
    }

    /// The rarer class counts more: weight N / (2 n).
    fn class_weights(&self) -> [f64; 2] {
        let all = self.labelled.iter().sum::<usize>() as f64;
        self.labelled.map(|count| all / (2.0 * count as f64))
    }
}

/// Keeps the share of the labels that is to be used, drawn by class, at least one of each; how many normal and diseased.
fn draw_labels(training: &mut Vec<&Sample>, config: &EncoderConfig) -> Result<[usize; 2], ResidualError> {
    let mut rng = ChaCha8Rng::seed_from_u64(config.schedule.seed);
    training.shuffle(&mut rng);
    let count = |diseased: bool| training.iter().filter(|sample| sample.diseased == diseased).count();
    let (normal, diseased) = (count(false), count(true));
    if normal == 0 || diseased == 0 {
        return Err(ResidualError::OneClass { normal, diseased });
    }
    let kept = [normal, diseased].map(|count| ((count as f64 * config.labels).round() as usize).clamp(1, count));
    let mut taken = [0; 2];
    training.retain(|sample| {
        let class = usize::from(sample.diseased);
        taken[class] += 1;
        taken[class] <= kept[class]
    });
    Ok(kept)
}

/// The temperature of the least mean cross-entropy, 1/20 to 20, by golden section.
fn temperature(margins: &[(f64, bool)]) -> f64 {
    let loss = |log_temperature: f64| {
        let scaled = margins.iter().map(|(margin, diseased)| {
            let margin = margin / log_temperature.exp() * if *diseased { 1.0 } else { -1.0 };
            // ln(1 + e^-m), without overflow.
            (-margin).max(0.0) + (-margin.abs()).exp().ln_1p()
        });
        // A few margins that are all right would want a temperature of 0: a factor of e costs a nat.
        scaled.sum::<f64>() + log_temperature.powi(2)
    };
    if margins.is_empty() {
        return 1.0;
    }
    let golden = f64::midpoint(5.0_f64.sqrt(), -1.0);
    let (mut low, mut high) = (-(20.0_f64.ln()), 20.0_f64.ln());
    for _ in 0..60 {
        let (a, b) = (high - golden * (high - low), low + golden * (high - low));
        if loss(a) < loss(b) { high = b } else { low = a }
    }
    f64::midpoint(low, high).exp()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_temperature_undoes_exaggeration() {
        // Margins that are right as often as the logistic function says, then tripled.
        let mut margins = Vec::new();
        for step in -20..=20 {
            let margin = f64::from(step) * 0.2;
            let diseased = (probability(margin) * 1000.0).round() as usize;
            margins.extend(std::iter::repeat_n((3.0 * margin, true), diseased));
            margins.extend(std::iter::repeat_n((3.0 * margin, false), 1000 - diseased));
        }
        assert!((temperature(&margins) - 3.0).abs() < 0.02, "{}", temperature(&margins));
        assert_eq!(temperature(&[]), 1.0);
        let right = temperature(&[(3.0, true), (-3.0, false)]);
        assert!((0.7..1.0).contains(&right), "two that are right prove little: {right}");
    }
}
