//! Finds both maxillary sinuses in a head and cuts them out, as paper 1 (section 2.1) needs them:
//! 64 mm cubes at 1 mm, the right one mirrored so that both look like left sinuses.
//!
//! A [`Finder`] holds two small networks that have seen synthetic heads of any contrast (domain randomisation, Billot 2023):
//! one looks at the whole head, the other at each sinus: what of its cavity ([`Cavity`]) is air, what is not, and how much
//! of it the scan shows.
//! [`Template`] is the other way: a head on which sinuses were recorded, and scans registered to it.
//! [`Crop`] is the cube, which remembers where it came from.

pub mod cavity;
pub mod config;
pub mod crop;
pub mod deface;
pub mod evaluate;
pub mod infer;
mod locate;
mod samples;
mod seen;
mod segment;
pub mod template;
pub mod train;

pub use cavity::Cavity;
pub use config::Part;
pub use crop::Crop;
pub use infer::{Finder, Presence, Sinus, middle};
pub use template::{Template, TemplateError};
