//! The networks, one per file: a documented `Config`, the module, shapes on every public function. [`weights`] reads and
//! writes their parameters.

pub mod cae;
mod conv;
mod conv_norm;
pub mod import;
mod pool;
pub mod resize;
pub mod resnet;
pub mod resunet;
pub mod siamese;
pub mod spark;
pub mod unet;
pub mod weights;

pub use burn::tensor::Device;
pub use cae::{Cae, CaeConfig};
pub use resnet::{Classifier, Form, ResNet, ResNetConfig};
pub use resunet::{ResUNet, ResUNetOutput};
use std::sync::OnceLock;
pub use unet::{UNet, UNetConfig, UNetOutput};

/// The CPU: the same numbers on every machine of a kind.
#[must_use]
pub fn cpu() -> Device {
    Device::flex()
}

/// This machine's graphics card is of no use for networks, and why.
#[derive(Clone, Debug, thiserror::Error)]
#[error("the networks cannot use a graphics card here ({0}); use the CPU")]
pub struct NoGpu(String);

/// The quickest graphics card, made ready once per process. Its numbers differ from those of the CPU in the last digits.
///
/// # Errors
/// [`NoGpu`] where there is none, or its driver is of no use.
pub fn gpu() -> Result<Device, NoGpu> {
    static CARD: OnceLock<Result<Device, NoGpu>> = OnceLock::new();
    CARD.get_or_init(|| Device::wgpu_options().init().map_err(|error| NoGpu(error.to_string()))).clone()
}
