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
pub mod unet;
pub mod weights;

pub use burn::tensor::Device;
pub use cae::{Cae, CaeConfig};
pub use resnet::{Classifier, Form, ResNet, ResNetConfig};
pub use resunet::{ResUNet, ResUNetOutput};
pub use unet::{UNet, UNetConfig, UNetOutput};

/// The CPU: the same numbers on every machine of a kind.
#[must_use]
pub fn cpu() -> Device {
    Device::flex()
}
