//! Figures of merit for scores and labels, as scikit-learn defines them.

pub mod auroc;

pub use auroc::auroc;
