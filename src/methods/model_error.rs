//! What can go wrong between a weights file and a method's answer; the same for all methods.

use crate::job::Cancelled;
use crate::nets::weights::WeightsError;
use std::path::PathBuf;

/// Why a model could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// The parameters.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The card beside them.
    #[error("the card of the weights cannot be read ({reason}); it must lie beside them: {}", path.display())]
    Card {
        /// What is wrong.
        reason: String,
        /// The card's file.
        path: PathBuf,
    },
    /// A network of another kind.
    #[error("these are not the weights of {needed}; train them anew, or go without them: {}", path.display())]
    Unfit {
        /// What is needed.
        needed: String,
        /// The card's file.
        path: PathBuf,
    },
    /// The device did not do the computation.
    #[error(
        "the computation on this device failed ({0}); update the graphics driver, or run antrum analyse, which uses the CPU"
    )]
    Device(String),
    /// The analysis was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}
