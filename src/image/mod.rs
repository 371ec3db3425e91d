//! Operations on volumes and pictures that the methods share. Pure functions on plain values.

pub mod components;
pub mod gaussian;
pub mod glyphs;
pub mod median;
pub mod otsu;
pub mod outline;
pub mod percentile;
pub mod pick;
pub mod register;
pub mod render;
pub mod resample;
