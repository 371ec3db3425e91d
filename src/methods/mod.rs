//! The papers' methods, one folder each, all with the same rooms: what it is (`mod.rs`), `config.rs`, `train.rs`,
//! `infer.rs`. Volumes and crops come in, findings go out; tensors never leave a folder.

mod model_error;
mod normals;
pub mod residual;
pub mod sinus;

pub use model_error::ModelError;
pub use normals::{NormalValue, Normals};

use crate::io;
use crate::nets::weights::{self, WeightsError};
use crate::space::Side;
use crate::volume::Volume;
use burn::module::Module;
use std::path::Path;
use std::sync::Arc;

/// Lets a training begin with the weights of a file, and says which they are: their SHA-256.
fn begin_with_file<M: Module>(network: &mut M, path: &Path) -> Result<String, WeightsError> {
    let bytes = std::fs::read(path).map_err(|source| WeightsError::Read { source, path: path.to_owned() })?;
    let sha256 = io::sha256(&bytes);
    weights::begin_with(network, bytes, &path.display().to_string())?;
    Ok(sha256)
}

/// What a method says about one sinus.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The sinus.
    pub side: Side,
    /// Larger means more abnormal; the unit is the method's own.
    pub score: f64,
    /// The percentage of normal sinuses with a smaller score, 0 to 100; none where no reference has the same settings.
    pub percentile: Option<f64>,
    /// How normal sinuses look in such a map of such a scan; none where no reference has the same settings.
    pub normal: Option<Arc<Normals>>,
    /// What a classifier says, where the method has one.
    pub anomaly: Option<Anomaly>,
    /// The classifier's features of the sinus, by which sinuses can be told to be alike.
    pub features: Option<Vec<f32>>,
    /// What the classifier looks at when it speaks of disease, on the same grid as the map: 1 where it counts most.
    pub why: Option<Volume>,
    /// The anomaly map on the crop's 64 mm grid, values from 0.
    pub map: Volume,
}

/// What a classifier says about one sinus.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Anomaly {
    /// The probability that the sinus is diseased, 0 to 1, calibrated on sinuses that the classifier did not learn from.
    pub probability: f64,
    /// The percentage of normal sinuses with a lower one, 0 to 100; none without a reference.
    pub percentile: Option<f64>,
    /// How far the probability differs between crops of the sinus (standard deviation); none of a single crop.
    pub spread: Option<f64>,
}
