//! The networks, one per file: a documented `Config`, the module, shapes on every public function. [`weights`] reads and
//! writes their parameters.

pub mod cae;
mod conv;
pub mod resize;
pub mod unet;
pub mod weights;

pub use burn::tensor::Device;
pub use cae::{Cae, CaeConfig};
pub use unet::{UNet, UNetConfig, UNetOutput};

/// The CPU: the same numbers on every machine of a kind.
#[must_use]
pub fn cpu() -> Device {
    Device::flex()
}
