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
use crate::metrics::auroc;
use crate::nets::Classifier;
use crate::nets::weights::{self, Precision};
use crate::train::losses::cross_entropy;
use crate::train::{Batch, Epoch, Task, fit};
use burn::optim::AdamConfig;
use burn::tensor::Device;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use std::path::Path;

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
    let subjects = samples::subjects(cohorts, &progress.part(0.0, 0.08))?;
    let [training, validation] = samples::split(&subjects, config.validation);
    let sets = [samples::sinuses(&training), samples::sinuses(&validation)];
    let fitted = fitted(sets, initial, config, device, Some(out), on_epoch, &progress.part(0.08, 0.92))?;

    let mut card = ClassifierCard {
        training: config.clone(),
        began_with: fitted.began_with,
        cohorts: cohort_names(cohorts),
        subjects: subjects.len(),
        labelled: fitted.labelled,
        history: fitted.history,
        temperature: 1.0,
        normal_probabilities: Vec::new(),
        auroc: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let path = out.join("classifier.bpk");
    weights::save(&fitted.net, &path, Precision::Half)?;
    io::write_json(&path.with_extension("json"), &card)?;
    // The shipped precision is what is calibrated, on crops as the finder places them.
    let classify = Classify::load(&path, device)?;
    let mut margins = Vec::new();
    for (crop, diseased) in samples::found(&validation, &progress.part(0.92, 0.98))? {
        margins.push((classify.margin(&crop.values, progress)?, diseased));
    }
    card.temperature = temperature(&margins);
    card.auroc = auroc(&margins);
    let normal = margins.iter().filter(|(_, diseased)| !diseased);
    card.normal_probabilities = normal.map(|(margin, _)| probability(margin / card.temperature)).collect();
    card.normal_probabilities.sort_by(f64::total_cmp);
    io::write_json(&path.with_extension("json"), &card)?;
    Ok(card)
}

/// A classifier as trained.
pub(in crate::methods::residual) struct Fitted {
    pub net: Classifier,
    pub history: Vec<Epoch>,
    /// Normal and diseased sinuses that it learned from.
    pub labelled: [usize; 2],
    /// SHA-256 of the weights that it began with.
    pub began_with: Option<String>,
}

/// Trains a classifier on the first sinuses; the second ones choose the epoch.
pub(in crate::methods::residual) fn fitted(
    [mut training, validation]: [Vec<&Sample>; 2],
    initial: Option<&Path>,
    config: &EncoderConfig,
    device: &Device,
    folder: Option<&Path>,
    on_epoch: &mut dyn FnMut(&Epoch),
    progress: &Progress,
) -> Result<Fitted, ResidualError> {
    let labelled = draw_labels(&mut training, config)?;
    let learner = device.clone().autodiff();
    learner.seed(config.schedule.seed);
    let mut net = Classifier::new(&config.network, &learner);
    let began_with = initial.map(|path| begin_with_file(&mut net, path)).transpose()?;
    // The rarer class counts more: weight N / (2 n).
    let all = labelled.iter().sum::<usize>() as f64;
    let class_weights = labelled.map(|count| all / (2.0 * count as f64));
    let prepare = |batch: &mut Batch<'_>| {
        let set = if batch.validation { &validation } else { &training };
        let classes: Vec<usize> = batch.samples.iter().map(|&i| usize::from(set[i].diseased)).collect();
        let crops = batch.samples.iter().map(|&i| view(set[i], config.jitter_mm, batch.validation, batch.rng));
        (together(crops), classes)
    };
    let loss = |net: &Classifier, (crops, classes): (Vec<f32>, Vec<usize>), on: &Device| {
        cross_entropy(net.forward(tensor(crops, on)), &classes, &class_weights)
    };
    let task = Task {
        training: training.len(),
        validation: validation.len(),
        prepare: &prepare,
        loss: &loss,
        after_step: None,
    };
    let optimiser = AdamConfig::new().with_epsilon(1e-8).init();
    let trained = fit(net, optimiser, &task, &config.schedule, folder, on_epoch, progress)?;
    Ok(Fitted { net: trained.best, history: trained.history, labelled, began_with })
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
        scaled.sum::<f64>()
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
    }
}
