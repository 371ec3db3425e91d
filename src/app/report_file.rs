//! An analysis to files: the user is asked for a folder, and gets what `antrum analyse` writes.

use super::report::{self, Analysis};
use crate::io::Scan;
use crate::job::{Job, Progress};
use crate::methods::sinus::Sinus;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Asks where an analysis should go and writes it; false when the user did not want it after all. Must be called where the
/// window lives.
pub(super) fn save(scan: Arc<Scan>, sinuses: [Sinus; 2], analysis: Arc<Analysis>) -> Job<bool> {
    let answer = rfd::AsyncFileDialog::new().set_title("Folder for map, cavities and figures").pick_folder();
    Job::spawn("Writing the analysis", move |_: &Progress| {
        let asked = Instant::now();
        let Some(folder) = pollster::block_on(answer) else {
            // Nobody says no as fast as a system that has no dialog.
            let refused = asked.elapsed() < Duration::from_millis(300);
            return if refused { Err(NO_DIALOG.to_owned()) } else { Ok(false) };
        };
        let name = scan.path.as_ref().map_or("synthetic example".to_owned(), |path| path.display().to_string());
        let written = report::write(&scan, &name, &sinuses, &analysis, folder.path());
        written.map(|_| true).map_err(|error| format!("The analysis could not be written: {error}"))
    })
}

const NO_DIALOG: &str = "No dialog for folders can be shown here (on Linux: install xdg-desktop-portal or zenity); antrum analyse \
     writes the same files";
