//! The networks, one per file: a documented `Config`, the module, shapes on every public function. [`weights`] reads and
//! writes their parameters.

pub mod cae;
pub mod resize;
pub mod weights;

pub use cae::{Cae, CaeConfig};
