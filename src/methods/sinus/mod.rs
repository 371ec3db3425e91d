//! Finds both maxillary sinuses in a head and cuts them out, as paper 1 (section 2.1) needs them:
//! 64 mm cubes at 1 mm, the right one mirrored so that both look like left sinuses.
//!
//! [`Finder`] needs no training: it looks for the pair of air-filled, wall-bounded cavities that lies
//! where the antra lie in a head. [`Crop`] is the cube, which remembers where it came from.

pub mod cavity;
pub mod config;
pub mod crop;
mod head;
pub mod infer;

pub use cavity::Cavity;
pub use config::FinderConfig;
pub use crop::Crop;
pub use infer::{Finder, Presence, Sinus, middle};
