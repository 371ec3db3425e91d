//! Residual maps of paper 1 (Bhattacharya et al. 2024, sections 2.2 and 2.3): a [`Cae`](crate::nets::Cae) that only ever
//! saw normal sinuses reconstructs a crop; where it fails, the crop is unusual.
//!
//! [`infer::analyse`] gives a map and a score per sinus, [`train::cae()`] makes the weights, [`infer::Model`] is weights and
//! what must be known about them.

pub mod comparison;
pub mod config;
pub mod evaluate;
pub mod infer;
pub mod region;
pub mod train;

pub use config::{
    Card, ClassifierCard, EncoderCard, EncoderConfig, InferConfig, Layers, MapKind, Performance, ResidualLoss,
    ResidualTarget, TrainConfig, Tuned,
};
pub use infer::{Classify, Model, about_built_in, analyse};

/// The method's name on the command line, in files and on screen.
pub const NAME: &str = "residual";
