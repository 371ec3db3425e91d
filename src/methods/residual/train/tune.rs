//! Fine-tuning of a classifier on the labels of one place, with its figures before and after on subjects that nothing was
//! learned from.

use super::classifier::{FILE, Lesson, calibrate, write};
use super::samples::{self, Sample, cohort_names};
use super::{ResidualError, Training};
use crate::job::Progress;
use crate::methods::ModelError;
use crate::methods::residual::config::{ClassifierCard, EncoderConfig, Layers, Performance, Tuned};
use crate::methods::residual::infer::{Classify, classifier_network, probability};
use crate::metrics::auroc;
use crate::train::Epoch;
use std::path::Path;

/// The subjects are dealt to so many parts, as alike as can be: one gives the figures, one chooses the epoch and the
/// temperature, the others are learned from.
const PARTS: usize = 5;
/// Fewer subjects cannot be dealt.
const FEWEST: usize = 3;

/// Fine-tunes the classifier in `former`, or the built-in one, on the labelled sinuses of the cohorts, and writes
/// `classifier.bpk` (half precision) and its card to `out`. The shape of the network is the former's, whatever the settings
/// say. Checkpoints in `out` are resumed.
///
/// # Errors
/// See [`ResidualError`].
pub fn fine_tune(
    former: Option<&Path>,
    layers: Layers,
    &Training { cohorts, out, config, device }: &Training<'_>,
    on_epoch: &mut dyn FnMut(&Epoch),
    progress: &Progress,
) -> Result<ClassifierCard, ResidualError> {
    let mut subjects = samples::subjects(cohorts, &progress.part(0.0, 0.1))?;
    subjects.retain(|subject| !subject.sinuses.is_empty());
    if subjects.len() < FEWEST {
        return Err(ResidualError::TooFew { subjects: subjects.len(), needed: FEWEST });
    }
    let folds = samples::folds(&subjects, PARTS.min(subjects.len()), config.schedule.seed);
    let of = |folds: &[Vec<usize>]| -> Vec<&Sample> {
        folds.iter().flatten().flat_map(|&index| &subjects[index].sinuses).collect()
    };
    let [held_out, validation, training] = [of(&folds[..1]), of(&folds[1..2]), of(&folds[2..])];

    let device_of_net = if layers == Layers::All { device.clone().autodiff() } else { device.clone() };
    let (net, former_card, began_with) = classifier_network(former, &device_of_net)?;
    let config = EncoderConfig { network: former_card.training.network.clone(), ..config.clone() };
    let lesson = Lesson::new([training, validation.clone()], &config, Some(out))?;
    let part = progress.part(0.1, 0.95);
    let trained = match layers {
        Layers::Head => lesson.learned_by_head(net, device, on_epoch, &part)?,
        Layers::All => lesson.learned(net, on_epoch, &part)?,
    };

    let mut card = ClassifierCard {
        training: config.clone(),
        began_with: Some(began_with),
        cohorts: cohort_names(cohorts),
        subjects: subjects.len(),
        labelled: lesson.labelled,
        history: trained.history,
        temperature: 1.0,
        normal_probabilities: Vec::new(),
        auroc: None,
        tuned: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let path = out.join(FILE);
    write(&trained.best, &card, &path)?;
    progress.step(0.95, "before and after")?;
    let margins = |classify: &Classify, sinuses: &[&Sample]| -> Result<Vec<(f64, bool)>, ModelError> {
        sinuses.iter().map(|sinus| Ok((classify.margin(&sinus.centred(), progress)?, sinus.diseased))).collect()
    };
    let after = Classify::load(&path, device)?;
    calibrate(&mut card, &margins(&after, &validation)?);
    let before = performance(&margins(&Classify::open(former, device)?, &held_out)?, former_card.temperature);
    let after = performance(&margins(&after, &held_out)?, card.temperature);
    card.tuned = Some(Tuned { layers, before, after });
    write(&trained.best, &card, &path)?;
    Ok(card)
}

/// What probabilities are worth, of sinuses given by margin and truth.
fn performance(margins: &[(f64, bool)], temperature: f64) -> Performance {
    let all = margins.len().max(1) as f64;
    let diseased = margins.iter().filter(|(_, diseased)| *diseased).count();
    let right = margins.iter().filter(|(margin, diseased)| (*margin >= 0.0) == *diseased).count();
    let cost = |&(margin, diseased): &(f64, bool)| {
        let of_truth = probability(margin / temperature * if diseased { 1.0 } else { -1.0 });
        -of_truth.max(f64::MIN_POSITIVE).ln()
    };
    Performance {
        sinuses: [margins.len() - diseased, diseased],
        auroc: auroc(margins),
        right: right as f64 / all,
        loss: margins.iter().map(cost).sum::<f64>() / all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_probabilities_are_worth() {
        let said = performance(&[(2.0, true), (-2.0, false), (2.0, false), (0.0, true)], 2.0);
        assert_eq!((said.sinuses, said.right), ([2, 2], 0.75));
        assert_eq!(said.auroc, Some(0.625));
        let by_hand = (2.0 * (1.0 + (-1.0_f64).exp()).ln() + (1.0 + 1.0_f64.exp()).ln() + 2.0_f64.ln()) / 4.0;
        assert!((said.loss - by_hand).abs() < 1e-12, "{}", said.loss);
        assert_eq!(performance(&[], 1.0).auroc, None);
    }
}
