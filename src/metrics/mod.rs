//! Figures of merit for scores and labels, as scikit-learn and statsmodels define them.

pub mod auroc;
pub mod interval;
pub mod kappa;
pub mod precision;

pub use auroc::auroc;
pub use interval::mean_and_ci95;
pub use kappa::{Kappa, cohen, fleiss};
pub use precision::{average_precision, best_f1_threshold, f1_above};
