//! By what rule gradients become steps.

use super::lars::LarsConfig;
use burn::optim::{AdamConfig, ModuleOptimizer};
use serde::{Deserialize, Serialize};

/// By what rule gradients become steps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Optimiser {
    /// Adam (Kingma 2015) with the defaults of PyTorch.
    #[default]
    Adam,
    /// LARS with the settings of the published code of paper 1 ([`LarsConfig`]), made for large batches: that code goes by a
    /// learning rate of 0.15 and batches of 128, the paper by 0.2 and 256.
    Lars,
}

impl Optimiser {
    pub(super) fn init(self) -> ModuleOptimizer {
        match self {
            Self::Adam => AdamConfig::new().with_epsilon(1e-8).init(),
            Self::Lars => LarsConfig::new().init(),
        }
    }
}
