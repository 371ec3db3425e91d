//! Settings of training and inference, and the card that goes with every weights file.

use crate::methods::Normals;
use crate::nets::{CaeConfig, ResNetConfig};
use crate::train::{Decay, Epoch, Optimiser, Schedule};
use serde::{Deserialize, Serialize};

/// How to turn a residual into a map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InferConfig {
    /// Edge of the median filter in voxels: 0 (none), 3, 5 or 7; the paper's headline model uses 5.
    pub median: usize,
    /// Which residual is kept, and on what scale.
    pub map: MapKind,
    /// Over how many crops the classifier's probability is averaged: one around the sinus's centre, the others around
    /// centres that scatter about it.
    #[serde(default = "one")]
    pub crops: usize,
}

impl InferConfig {
    /// Edges of the median filter that paper 1 tried, in voxels; 0 is none.
    pub const MEDIANS: [usize; 4] = [0, 3, 5, 7];
    /// The paper's number of crops of each sinus.
    pub const PAPER_CROPS: usize = 15;

    /// What tells maps apart that the same weights make: `sinus-5`.
    #[must_use]
    pub fn map_name(&self) -> String {
        let kind = match self.map {
            MapKind::Sinus => "sinus",
            MapKind::Cube => "cube",
            MapKind::Paper => "paper",
        };
        format!("{kind}-{}", self.median)
    }

    /// Whether maps and scores made with either can be compared.
    #[must_use]
    pub fn same_map(&self, other: &Self) -> bool {
        (self.median, self.map) == (other.median, other.map)
    }
}

fn one() -> usize {
    1
}

impl Default for InferConfig {
    fn default() -> Self {
        Self { median: 5, map: MapKind::Sinus, crops: 1 }
    }
}

/// Which residual a map keeps, and what its value 1 means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MapKind {
    /// Only in the sinus: the cavity that was measured and its wall ([`Region`](super::region::Region)). 1 is a difference as
    /// large as the crop's intensity range (1st to 99th percentile), so that sinuses can be compared and a normal one stays
    /// dark.
    Sinus,
    /// The same in the whole cube: nose, orbit, cheek and teeth included.
    Cube,
    /// The whole cube, rescaled to its own 1st and 99th percentile as the paper makes the targets of its self-supervision.
    /// Something is bright in every such map, and the mean of one with a strong lesion is low: scores mislead.
    Paper,
}

/// How to train the autoencoder.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrainConfig {
    /// Epochs, batch size, learning rate, patience, seed. Defaults: paper 1, section 3.1 and its code.
    pub schedule: Schedule,
    /// Standard deviation of the random shift of each crop, per axis, in mm; at most 4 mm are used.
    /// Stands for the paper's 15 jittered crops per sinus.
    pub jitter_mm: f64,
    /// Share of the subjects kept for validation. Both sinuses of a subject are always in the same set.
    pub validation: f64,
    /// Share of the normal sinuses of the training subjects that is used, 0 to 1.
    #[serde(default = "all")]
    pub normals: f64,
    /// Share of the crops into which an opacity is laid that the autoencoder learns to take away, 0 to 1. The paper's learns
    /// from crops as they are.
    #[serde(default)]
    pub opacities: f64,
    /// Length of the code; the paper tried 128 to 1024.
    #[serde(default = "latent")]
    pub latent: usize,
    /// Whether the coarsest grid is the code instead, the paper's other variant.
    #[serde(default)]
    pub spatial: bool,
}

fn latent() -> usize {
    CaeConfig::new().latent
}

fn all() -> f64 {
    1.0
}

impl Default for TrainConfig {
    fn default() -> Self {
        let schedule = Schedule {
            epochs: 100,
            batch: 16,
            optimiser: Optimiser::Adam,
            learning_rate: 1e-4,
            decay: Decay::Constant,
            clip: None,
            patience: 5,
            seed: 1,
        };
        Self {
            schedule,
            jitter_mm: 1.5,
            validation: 0.2,
            normals: 1.0,
            opacities: 0.0,
            latent: latent(),
            spatial: false,
        }
    }
}

/// What must be known about a weights file: how to build the network, what it was trained on, how normal sinuses score.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Card {
    /// Shape of the network.
    pub network: CaeConfig,
    /// Settings of the training.
    pub training: TrainConfig,
    /// Names of the cohort folders.
    pub cohorts: Vec<String>,
    /// Subjects of the cohorts, those of the validation set included.
    pub subjects: usize,
    /// Normal crops in the training set.
    pub normal_crops: usize,
    /// Losses of all epochs.
    pub history: Vec<Epoch>,
    /// Settings that the normal scores belong to.
    pub inference: InferConfig,
    /// How the validation subjects' normal sinuses look; where [`Card::normal_ct`] is, those that are not of CT.
    #[serde(flatten)]
    pub normal: Normals,
    /// How those of CT look, if there were any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub normal_ct: Option<Normals>,
    /// Area under the ROC of the cohort's diseased sinuses against these normal ones, when there are diseased ones.
    pub auroc: Option<f64>,
    /// Version of the program.
    pub version: String,
}

impl Card {
    /// What the weights were trained on, for people.
    #[must_use]
    pub fn about(&self) -> String {
        format!(
            "{} normal sinuses of {} subjects, {} epochs; cohorts: {}",
            self.normal_crops,
            self.subjects,
            self.history.len(),
            self.cohorts.join(", ")
        )
    }

    /// How normal sinuses look in CT, or in other scans.
    #[must_use]
    pub fn normals(&self, ct: bool) -> &Normals {
        self.normal_ct.as_ref().filter(|_| ct).unwrap_or(&self.normal)
    }

    /// Of weights that another program trained: nothing is known of their cohort, and there are no normal scores. Their maps
    /// are made as their authors make them.
    #[must_use]
    pub fn imported(origin: &str, network: CaeConfig) -> Self {
        Self {
            network,
            training: TrainConfig::default(),
            cohorts: vec![origin.to_owned()],
            subjects: 0,
            normal_crops: 0,
            history: Vec::new(),
            inference: InferConfig { map: MapKind::Paper, ..InferConfig::default() },
            normal: Normals::default(),
            normal_ct: None,
            auroc: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// How to train an encoder: on a pretext, or to classify.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EncoderConfig {
    /// Shape of the encoder.
    pub network: ResNetConfig,
    /// Epochs, batch size, learning rate, patience, seed.
    pub schedule: Schedule,
    /// See [`TrainConfig::jitter_mm`].
    pub jitter_mm: f64,
    /// Share of the subjects kept for validation. Both sinuses of a subject are always in the same set.
    pub validation: f64,
    /// Share of the training sinuses whose labels are used, 0 to 1.
    pub labels: f64,
    /// What the pretext of paper 1 learns.
    #[serde(default)]
    pub residual: ResidualTarget,
}

/// What the encoder of paper 1 learns of the residuals that the autoencoder leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResidualTarget {
    /// Edge of the median filter that the residuals go through, in voxels: 0 (none), 3, 5 or 7.
    pub median: usize,
    /// How it is told how wrong it is.
    pub loss: ResidualLoss,
}

impl Default for ResidualTarget {
    /// Those of the paper's best model.
    fn default() -> Self {
        Self { median: 5, loss: ResidualLoss::Bce }
    }
}

/// A loss of the predicted residual, which is a share from 0 to 1 (the sigmoid of what the network says).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResidualLoss {
    /// Binary cross-entropy.
    Bce,
    /// Mean absolute difference.
    L1,
    /// Mean squared difference.
    L2,
}

impl EncoderConfig {
    /// For a classifier: paper 1, section 3.1 and its code, but a quarter of the width, which two CPU cores can train.
    #[must_use]
    pub fn classifier() -> Self {
        let schedule = Schedule {
            epochs: 100,
            batch: 16,
            optimiser: Optimiser::Adam,
            learning_rate: 1e-3,
            decay: Decay::Plateau { factor: 0.1, patience: 10 },
            clip: None,
            patience: 20,
            seed: 1,
        };
        let network = ResNetConfig::new().with_width(16);
        let residual = ResidualTarget::default();
        Self { network, schedule, jitter_mm: 1.5, validation: 0.2, labels: 1.0, residual }
    }

    /// For fine-tuning on a few labels; the shape of the network is that of the classifier that is fine-tuned.
    #[must_use]
    pub fn tuning(layers: Layers) -> Self {
        let classifier = Self::classifier();
        let learning_rate = if layers == Layers::Head { 1e-3 } else { 1e-4 };
        let decay = Decay::Constant;
        let schedule = Schedule { epochs: 30, batch: 8, learning_rate, decay, patience: 8, ..classifier.schedule };
        Self { schedule, ..classifier }
    }

    /// For a pretext: fewer epochs than the paper's 500, for the same reason.
    #[must_use]
    pub fn pretext() -> Self {
        let classifier = Self::classifier();
        let decay = Decay::WarmUpCosine { epochs: 2 };
        let schedule = Schedule { epochs: 40, learning_rate: 1e-3, decay, patience: 40, ..classifier.schedule };
        Self { schedule, ..classifier }
    }
}

/// What must be known about the weights of a pre-trained encoder.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EncoderCard {
    /// What it was trained to do.
    pub pretext: String,
    /// Settings of the training, the shape of the encoder among them.
    pub training: EncoderConfig,
    /// Names of the cohort folders.
    pub cohorts: Vec<String>,
    /// Subjects of the cohorts, those of the validation set included.
    pub subjects: usize,
    /// SHA-256 of the autoencoder whose residuals were learned.
    pub cae_sha256: Option<String>,
    /// Losses of all epochs.
    pub history: Vec<Epoch>,
    /// Version of the program.
    pub version: String,
}

impl EncoderCard {
    /// Of weights that another program trained: nothing is known of their cohort.
    #[must_use]
    pub fn imported(origin: &str, training: EncoderConfig) -> Self {
        Self {
            pretext: "imported".to_owned(),
            training,
            cohorts: vec![origin.to_owned()],
            subjects: 0,
            cae_sha256: None,
            history: Vec::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// What must be known about the weights of a classifier.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ClassifierCard {
    /// Settings of the training, the shape of the network among them.
    pub training: EncoderConfig,
    /// SHA-256 of the weights that the training began with; none when they were random.
    pub began_with: Option<String>,
    /// Names of the cohort folders.
    pub cohorts: Vec<String>,
    /// Subjects of the cohorts, those of the validation set included.
    pub subjects: usize,
    /// Normal and diseased sinuses of the training set whose labels were used.
    pub labelled: [usize; 2],
    /// Losses of all epochs.
    pub history: Vec<Epoch>,
    /// What logits are divided by, so that probabilities are as often right as they say (Guo 2017): fitted to the validation
    /// sinuses.
    pub temperature: f64,
    /// Probabilities of the validation subjects' normal sinuses, ascending: the reference of the percentiles.
    pub normal_probabilities: Vec<f64>,
    /// Area under the ROC of the validation sinuses.
    pub auroc: Option<f64>,
    /// How it was fine-tuned, where it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tuned: Option<Tuned>,
    /// Version of the program.
    pub version: String,
}

impl ClassifierCard {
    /// What the weights were trained on, and how well they do, for people.
    #[must_use]
    pub fn about(&self) -> String {
        let [normal, diseased] = self.labelled;
        let auroc =
            self.auroc.map_or(String::new(), |auroc| format!(", AUROC {auroc:.2} on others kept for validation"));
        format!(
            "{normal} normal and {diseased} diseased sinuses of {} subjects, {} epochs{auroc}; cohorts: {}",
            self.subjects,
            self.history.len(),
            self.cohorts.join(", ")
        )
    }
}

/// Which layers of a classifier are fine-tuned.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layers {
    /// Those after the encoder: a few labels are enough.
    #[default]
    Head,
    /// All of them: for some hundred labels.
    All,
}

/// What fine-tuning changed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tuned {
    /// What learned.
    pub layers: Layers,
    /// The classifier that it began with, on the sinuses that were held out.
    pub before: Performance,
    /// The fine-tuned one on the same.
    pub after: Performance,
}

impl Tuned {
    /// Of fewer normal or diseased sinuses nothing can be told.
    const ENOUGH: usize = 3;

    /// Whether enough sinuses were held out to tell whether it helped.
    #[must_use]
    pub fn is_told(&self) -> bool {
        self.before.sinuses.iter().all(|&count| count >= Self::ENOUGH)
    }

    /// Whether the probabilities became better, as far as can be told.
    #[must_use]
    pub fn helped(&self) -> bool {
        self.is_told() && self.after.cross_entropy < self.before.cross_entropy
    }
}

/// What the probabilities of a classifier are worth on labelled sinuses.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Performance {
    /// Normal and diseased ones.
    pub sinuses: [usize; 2],
    /// Area under the ROC, where there are both.
    pub auroc: Option<f64>,
    /// Share of the sinuses that a threshold of one half tells rightly.
    pub accuracy: f64,
    /// Mean cross-entropy in nats: 0.69 is what tossing a coin gives.
    pub cross_entropy: f64,
}
