//! What can be said when the window is opened.

use std::path::PathBuf;

/// Options of the window.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct WindowOptions {
    /// NIfTI or DICOM files, a DICOM folder, DICOMDIR or ZIP archive, a PNG or JPEG picture, a table that names scans
    #[arg(value_name = "PATH")]
    pub paths: Vec<PathBuf>,
    /// Project file that labels are written to [default: labels.antrum in the user's data folder]
    #[arg(long, value_name = "FILE")]
    pub project: Option<PathBuf>,
    /// Name recorded with the labels [default: the user's login name]
    #[arg(long, value_name = "NAME")]
    pub rater: Option<String>,
    /// Settings file [default: settings.json in the user's configuration folder]
    #[arg(long, value_name = "FILE")]
    pub settings: Option<PathBuf>,
    /// Show file names in the window; they often hold patients' names
    #[arg(long)]
    pub show_paths: bool,
    /// Draw by OpenGL or by software and ask little of it: for drivers that fail or show wrong pictures
    #[arg(long)]
    pub safe_graphics: bool,
    /// Print when the window was created, drew its first frame and became interactive
    #[arg(long)]
    pub log_startup: bool,
}
