//! Fine-tuning of a classifier on the labels of one place, with its figures before and after on subjects that nothing was
//! learned from.

use super::classifier::{FILE, LabelledTraining, calibrate, write};
use super::samples::{self, Sample};
use super::{ResidualError, Training};
use crate::io;
use crate::job::Progress;
use crate::methods::ModelError;
use crate::methods::residual::config::{ClassifierCard, EncoderConfig, Layers, Performance, Tuned};
use crate::methods::residual::infer::{Classify, classifier_network, probability};
use crate::metrics::auroc;
use crate::train::Epoch;
use std::path::Path;

/// The part of a patient among five: the first gives the figures, the second chooses the epoch and the temperature, the others
/// are learned from. It depends on the name alone, so that a scan that once was kept out is never learned from
/// when a fine-tuned classifier is fine-tuned again, whatever was labelled in between.
fn part(patient: &str) -> u32 {
    let digest = io::sha256(patient.as_bytes());
    digest.get(..8).and_then(|digits| u32::from_str_radix(digits, 16).ok()).unwrap_or_default() % 5
}

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
    let path = out.join(FILE);
    if former.is_some_and(|former| former.canonicalize().ok() == path.canonicalize().ok() && path.exists()) {
        return Err(ResidualError::Former(path));
    }
    let subjects = samples::subjects(cohorts, samples::Wanted::Labelled, &progress.part(0.0, 0.1))?;
    let of = |wanted: std::ops::Range<u32>| -> Vec<&Sample> {
        let members = subjects.iter().filter(|subject| wanted.contains(&part(subject.patient())));
        members.flat_map(|subject| &subject.sinuses).collect()
    };
    let [held_out, validation, training] = [of(0..1), of(1..2), of(2..5)];
    let classes = |sinuses: &[&Sample]| {
        let diseased = sinuses.iter().filter(|sinus| sinus.diseased).count();
        [sinuses.len() - diseased, diseased]
    };
    let kept_out = [&held_out, &validation].map(|sinuses| classes(sinuses));
    if kept_out.as_flattened().contains(&0) {
        return Err(ResidualError::TooFew { held_out: kept_out[0], validation: kept_out[1] });
    }
    let margins = |classify: &Classify, sinuses: &[&Sample]| -> Result<Vec<(f64, bool)>, ModelError> {
        sinuses.iter().map(|sinus| Ok((classify.margin(&sinus.centred(), progress)?, sinus.diseased))).collect()
    };
    let before = margins(&Classify::open(former, device)?, &held_out)?;

    let device_of_net = if layers == Layers::All { device.clone().autodiff() } else { device.clone() };
    let (net, former_card, began_with) = classifier_network(former, &device_of_net)?;
    let config = EncoderConfig { network: former_card.training.network.clone(), ..config.clone() };
    let mut training_set = LabelledTraining::new([training, validation.clone()], &config, Some(out))?;
    training_set.began_with = Some(began_with);
    let fitting = progress.part(0.1, 0.95);
    let trained = match layers {
        Layers::Head => training_set.train_head(net, device, on_epoch, &fitting)?,
        Layers::All => training_set.train(net, on_epoch, &fitting)?,
    };

    let mut card = training_set.card(cohorts, subjects.len(), trained.history);
    write(&trained.best, &card, &path)?;
    progress.step(0.95, "before and after")?;
    let after = Classify::load(&path, device)?;
    calibrate(&mut card, &margins(&after, &validation)?);
    let before = performance(&before, former_card.temperature);
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
        accuracy: right as f64 / all,
        cross_entropy: margins.iter().map(cost).sum::<f64>() / all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patients_are_dealt_to_five_parts_by_their_names() {
        let parts: Vec<u32> = (0..200).map(|number| part(&format!("sub-{number}"))).collect();
        for wanted in 0..5 {
            let share = parts.iter().filter(|part| **part == wanted).count();
            assert!((20..60).contains(&share), "{share} of 200 in part {wanted}");
        }
    }

    #[test]
    fn what_probabilities_are_worth() {
        let said = performance(&[(2.0, true), (-2.0, false), (2.0, false), (0.0, true)], 2.0);
        assert_eq!((said.sinuses, said.accuracy), ([2, 2], 0.75));
        assert_eq!(said.auroc, Some(0.625));
        let by_hand = (2.0 * (1.0 + (-1.0_f64).exp()).ln() + (1.0 + 1.0_f64.exp()).ln() + 2.0_f64.ln()) / 4.0;
        assert!((said.cross_entropy - by_hand).abs() < 1e-12, "{}", said.cross_entropy);
        assert_eq!(performance(&[], 1.0).auroc, None);
    }
}
