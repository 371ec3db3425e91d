//! Settings of the finder's two networks, and the card that goes with each weights file.

use super::locate::{ANSWERS, MAPS};
use super::seen::Seen;
use super::segment::CLASSES;
use crate::nets::UNetConfig;
use crate::train::{Decay, Epoch, Optimiser, Schedule};
use serde::{Deserialize, Serialize};

/// Which of the finder's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Part {
    /// Looks at the whole head in voxels of 4 mm and says where each sinus is and how much of it is in view.
    Locator,
    /// Looks at the 64 mm cube around a sinus in voxels of 1 mm and says what is its air, what else is in its
    /// cavity, and what of it the scan does not show.
    Segmenter,
}

impl Part {
    /// The name of its files: `locator`, `segmenter`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Locator => "locator",
            Self::Segmenter => "segmenter",
        }
    }

    /// The shape of the default network.
    #[must_use]
    pub fn network(self) -> UNetConfig {
        match self {
            Self::Locator => {
                UNetConfig::new(MAPS, vec![16, 32, 64, 96]).with_inputs(Seen::CHANNELS).with_answers(ANSWERS)
            }
            Self::Segmenter => UNetConfig::new(CLASSES, vec![32, 48, 64, 96]).with_inputs(Seen::CHANNELS),
        }
    }
}

/// How to train one of the networks. Every sample is a head that was never seen before, made while training.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// Epochs, batch size, learning rate, patience, seed.
    pub schedule: Schedule,
    /// Synthetic heads of one epoch.
    pub heads: usize,
    /// Synthetic heads kept for validation: the same after every epoch.
    pub validation: usize,
}

impl Default for TrainConfig {
    fn default() -> Self {
        let schedule = Schedule {
            epochs: 60,
            batch: 2,
            optimiser: Optimiser::Adam,
            learning_rate: 2e-3,
            decay: Decay::Cosine,
            clip: None,
            patience: 60,
            seed: 1,
        };
        Self { schedule, heads: 100, validation: 16 }
    }
}

/// What must be known about a weights file.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Card {
    /// Which network it is.
    pub part: Part,
    /// Its shape.
    pub network: UNetConfig,
    /// Settings of the training.
    pub training: TrainConfig,
    /// What it was trained on, for people.
    pub data: String,
    /// SHA-256 of the weights that the training began with; none when they were random.
    pub began_with: Option<String>,
    /// Losses of all epochs.
    pub history: Vec<Epoch>,
    /// Version of the program.
    pub version: String,
}
