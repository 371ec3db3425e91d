//! How long and in what steps to train: epochs, batches, the rule, and the learning rate of every step.
//!
//! The rate is a function of the step and of the losses so far, so that a resumed training goes on as it would have gone on.

use super::{Epoch, Optimiser};
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// How long and in what steps to train.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Schedule {
    /// Most passes over the training set.
    pub epochs: usize,
    /// Samples per step.
    pub batch: usize,
    /// By what rule gradients become steps.
    #[serde(default)]
    pub optimiser: Optimiser,
    /// The highest learning rate.
    pub learning_rate: f64,
    /// How it rises and falls.
    #[serde(default)]
    pub decay: Decay,
    /// Gradients longer than this, over all parameters together, are shortened to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clip: Option<f64>,
    /// Stops after this many epochs without a better validation loss.
    pub patience: usize,
    /// Seed of shuffling and augmentation.
    pub seed: u64,
}

/// What becomes of the learning rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decay {
    /// It stays.
    #[default]
    Constant,
    /// It falls as half a cosine, from epoch to epoch, to a hundredth in the last one.
    Cosine,
    /// It rises in a line from 0 over the first epochs, then falls as half a cosine to 0 at the end, from step to step.
    WarmUpCosine {
        /// How many epochs it rises.
        epochs: usize,
    },
    /// It is multiplied by `factor` whenever the validation loss has not fallen by a ten-thousandth for more than
    /// `patience` epochs, as PyTorch's `ReduceLROnPlateau` does by default.
    Plateau {
        /// What it is multiplied by.
        factor: f64,
        /// Epochs without a better loss that are borne.
        patience: usize,
    },
    /// It rises from a 25th as half a cosine over a share of all steps, then falls as half a cosine to a 250 000th (Smith
    /// 2018, with the defaults of PyTorch's `OneCycleLR`).
    OneCycle {
        /// The share of the steps over which it rises.
        rise: f64,
    },
}

impl Decay {
    /// Whether a rate depends on how many epochs there will be.
    pub(super) fn knows_the_end(self) -> bool {
        !matches!(self, Self::Constant | Self::Plateau { .. })
    }
}

impl Schedule {
    /// The learning rate of a step, counted from 0, of the epoch after those of `history`.
    #[must_use]
    pub fn rate(&self, history: &[Epoch], step: usize, steps_per_epoch: usize) -> f64 {
        let all = (self.epochs * steps_per_epoch).max(1);
        let at = history.len() * steps_per_epoch + step;
        self.learning_rate
            * match self.decay {
                Decay::Constant => 1.0,
                Decay::Cosine => {
                    let gone = history.len() as f64 / self.epochs.saturating_sub(1).max(1) as f64;
                    0.01 + 0.99 * falling(gone)
                }
                Decay::WarmUpCosine { epochs } => warm_up_cosine(at, epochs * steps_per_epoch, all),
                Decay::Plateau { factor, patience } => {
                    let losses = history.iter().map(|epoch| epoch.validation_loss);
                    factor.powi(plateaus(losses, patience) as i32)
                }
                Decay::OneCycle { rise } => one_cycle(at, rise, all),
            }
    }
}

/// Half a cosine from 1 at 0 to 0 at 1.
fn falling(gone: f64) -> f64 {
    f64::midpoint(1.0, (PI * gone.clamp(0.0, 1.0)).cos())
}

fn warm_up_cosine(step: usize, rise: usize, all: usize) -> f64 {
    if step < rise {
        step as f64 / rise as f64
    } else {
        falling((step - rise) as f64 / all.saturating_sub(rise).max(1) as f64)
    }
}

fn one_cycle(step: usize, rise: f64, all: usize) -> f64 {
    let (first, last) = (1.0 / 25.0, 1.0 / 25.0 / 1e4);
    let top = rise * all as f64 - 1.0;
    let (step, end) = (step as f64, all as f64 - 1.0);
    if step <= top {
        1.0 + (first - 1.0) * falling(step / top.max(f64::MIN_POSITIVE))
    } else {
        last + (1.0 - last) * falling((step - top) / (end - top).max(f64::MIN_POSITIVE))
    }
}

/// How often the losses stopped falling.
fn plateaus(losses: impl Iterator<Item = f64>, patience: usize) -> usize {
    let (mut best, mut since, mut count) = (f64::INFINITY, 0, 0);
    for loss in losses {
        if loss < best * (1.0 - 1e-4) {
            (best, since) = (loss, 0);
        } else {
            since += 1;
        }
        if since > patience {
            (since, count) = (0, count + 1);
        }
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(decay: Decay, epochs: usize) -> Schedule {
        let optimiser = Optimiser::Adam;
        Schedule { epochs, batch: 2, optimiser, learning_rate: 1e-3, decay, clip: None, patience: 9, seed: 5 }
    }

    fn epochs(losses: &[f64]) -> Vec<Epoch> {
        let epoch = |(i, &validation_loss): (usize, &f64)| Epoch { number: i + 1, training_loss: 1.0, validation_loss };
        losses.iter().enumerate().map(epoch).collect()
    }

    #[test]
    fn the_rate_falls_as_half_a_cosine_from_epoch_to_epoch() {
        let falling = schedule(Decay::Cosine, 5);
        for (gone, expected) in [(0, 1.0), (1, 0.855_017_857), (2, 0.505), (4, 0.01)] {
            let rate = falling.rate(&epochs(&vec![1.0; gone]), 3, 10) / 1e-3;
            assert!((rate - expected).abs() < 1e-6, "{rate}");
        }
        assert_eq!(schedule(Decay::Constant, 5).rate(&epochs(&[1.0; 4]), 1, 2), 1e-3);
    }

    #[test]
    fn warm_up_counts_steps_over_epochs() {
        let warm = schedule(Decay::WarmUpCosine { epochs: 2 }, 6);
        let rate = |gone: usize, step: usize| warm.rate(&epochs(&vec![1.0; gone]), step, 4) / 1e-3;
        assert_eq!([rate(0, 0), rate(0, 2), rate(1, 0), rate(2, 0)], [0.0, 0.25, 0.5, 1.0]);
        assert!((rate(4, 0) - 0.5).abs() < 1e-12 && rate(5, 3) > 0.0 && rate(5, 3) < 0.03);
    }

    #[test]
    fn a_plateau_lowers_the_rate_and_is_read_from_the_losses() {
        let plateau = schedule(Decay::Plateau { factor: 0.1, patience: 2 }, 99);
        let rate = |losses: &[f64]| plateau.rate(&epochs(losses), 0, 1) / 1e-3;
        assert_eq!(rate(&[1.0, 0.9, 0.9, 0.9]), 1.0);
        assert!((rate(&[1.0, 0.9, 0.9, 0.9, 0.9]) - 0.1).abs() < 1e-12);
        assert!((rate(&[1.0, 0.9, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8]) - 0.1).abs() < 1e-12);
    }
}
