//! The trainings of paper 1, in its order: the autoencoder on normal sinuses ([`cae()`]), the encoder on the residuals that
//! the autoencoder leaves of unlabelled ones or on a generic pretext ([`pretext()`]), the classifier on labelled ones
//! ([`classifier()`]), which the labels of one place can fine-tune ([`fine_tune()`]).

pub mod augment;
pub mod cae;
pub mod classifier;
mod opacity;
pub mod pretext;
pub(super) mod samples;
pub mod tune;

pub use cae::{cae, renew_reference};
pub use classifier::classifier;
pub use pretext::{Pretext, pretext};
pub use tune::fine_tune;

use super::EncoderConfig;
use crate::io::{OpenError, WriteError};
use crate::job::Cancelled;
use crate::methods::ModelError;
use crate::nets::weights::WeightsError;
use crate::phantom::cohort::CohortError;
use crate::train::TrainError;
use burn::tensor::Device;
use std::path::{Path, PathBuf};

/// What the trainings of encoders have in common.
#[derive(Clone, Copy)]
pub struct Training<'a> {
    /// Folders with known truth.
    pub cohorts: &'a [PathBuf],
    /// Folder for weights, card and checkpoint.
    pub out: &'a Path,
    /// Settings.
    pub config: &'a EncoderConfig,
    /// Where to compute.
    pub device: &'a Device,
}

/// Why a network of paper 1 could not be trained.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is the error of one step")]
pub enum ResidualError {
    #[error(transparent)]
    Cohort(#[from] CohortError),
    /// A classifier learns from both.
    #[error(
        "the training subjects have {normal} normal and {diseased} diseased sinuses; a classifier needs some of each: \
         give more cohorts or a larger share of the labels"
    )]
    OneClass {
        /// Normal sinuses.
        normal: usize,
        /// Diseased ones.
        diseased: usize,
    },
    /// Fine-tuning keeps some for its figures and some for choosing the epoch.
    #[error(
        "fine-tuning keeps a fifth of the scans for its figures ({} normal and {} diseased sinuses) and a fifth for choosing \
         the epoch ({} and {}); each needs both: label more scans",
        held_out[0], held_out[1], validation[0], validation[1]
    )]
    TooFew {
        /// Normal and diseased sinuses kept for the figures.
        held_out: [usize; 2],
        /// Those kept for choosing the epoch.
        validation: [usize; 2],
    },
    /// The former weights are kept.
    #[error("the classifier that is fine-tuned lies there; choose another folder than its own: {}", .0.display())]
    Former(PathBuf),
    /// Runs of one comparison differ in nothing but what is compared.
    #[error("the runs there were made with other settings ({what}); choose another folder: {}", path.display())]
    OtherSettings {
        /// The first of them.
        what: String,
        /// The file that tells them.
        path: PathBuf,
    },
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Train(#[from] TrainError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
