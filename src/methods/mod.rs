//! The papers' methods, one folder each, all with the same rooms: what it is (`mod.rs`), `config.rs`, `train.rs`,
//! `infer.rs`. Volumes and crops come in, findings go out; tensors never leave a folder.

mod model_error;
pub mod residual;
pub mod sinus;

pub use model_error::ModelError;

use crate::space::Side;
use crate::volume::Volume;

/// What a method says about one sinus.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The sinus.
    pub side: Side,
    /// Larger means more abnormal; the unit is the method's own.
    pub score: f64,
    /// The percentage of normal sinuses with a smaller score, 0 to 100; none where no reference has the same settings.
    pub percentile: Option<f64>,
    /// The anomaly map on the crop's 64 mm grid, values from 0.
    pub map: Volume,
}
