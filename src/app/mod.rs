//! What the program knows and does, without a window: [`State`] is plain data, a [`Command`] is one wish of the user,
//! [`State::apply`] turns one into the other without side effects, and the [`Runner`] carries out the [`Effect`]s that
//! need files, threads or the project.

mod apply;
pub mod checks;
pub mod command;
pub mod compare;
pub mod deidentify;
pub mod dicom_report;
mod figure_file;
mod first_look;
pub mod kept_weights;
pub mod labelled_cohort;
pub mod labelling;
mod layer_jobs;
pub mod layers;
pub mod learning;
mod load;
mod look;
pub mod measure;
pub mod measure_report;
pub mod message;
mod opening;
mod options;
pub mod report;
pub mod report_file;
mod rereading;
pub mod runner;
mod session;
pub mod settings;
pub mod settings_file;
pub mod shell;
pub mod sinuses;
pub mod state;
pub mod template;
#[cfg(test)]
mod testing;
mod undo;
pub mod volume;
pub mod windows;
pub mod worklist;

pub use command::{Command, Effect};
pub use load::{Origin, Target};
pub use options::WindowOptions;
pub use runner::{MakeDevice, Prepare, Runner, RunnerConfig};
pub use session::Saved;
pub use state::State;

use crate::io::{self, Scan};
use crate::job::{Cancelled, Progress};
use crate::phantom;
use crate::volume::with_voxels;

/// The built-in example as a scan: a synthetic head with a cyst in the patient's left maxillary sinus.
///
/// # Errors
/// [`Cancelled`].
pub fn example(progress: &Progress) -> Result<Scan, Cancelled> {
    let volume = phantom::example(progress)?.image;
    let sha256 = with_voxels!(&volume.voxels, v => io::sha256(bytemuck::cast_slice(v)));
    Ok(Scan::synthetic(volume, "synthetic head with a cyst in the left sinus", sha256))
}
