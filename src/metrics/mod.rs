//! Figures of merit for scores and labels, as scikit-learn defines them.

pub mod auroc;
pub mod interval;
pub mod precision;

pub use auroc::auroc;
pub use interval::mean_and_ci95;
pub use precision::{average_precision, best_f1_threshold, f1_above};
