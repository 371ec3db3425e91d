//! `antrum measurements`: what readers measured, out of a project file.

use super::source::case_named;
use super::{Failure, say};
use crate::app::measure_report::{self, Format};
use crate::project::Project;
use clap::Subcommand;
use std::path::PathBuf;

/// Measurements that readers made in the window
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Export(ExportArgs),
}

/// Write the measurements of a project as a table or as JSON, with figures, places, raters and times
///
/// Places are world RAS+ mm: x towards the patient's right, y to the front, z to the head. Where the scan does not say how
/// it lies in the patient, the column `orientation` says unknown, and left may be right.
#[derive(Debug, clap::Args)]
struct ExportArgs {
    /// The project file
    #[arg(value_name = "PROJECT")]
    project: PathBuf,
    /// Only of this case: a scan, or the first digits of the SHA-256 of its data [default: all cases]
    #[arg(long, value_name = "PATH|SHA256")]
    case: Option<String>,
    /// csv or json
    #[arg(long, value_name = "FORMAT")]
    format: Format,
    /// The file to write [default: standard output]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let What::Export(args) = &args.what;
    if let Some(out) = args.out.as_ref().filter(|out| !args.force && out.exists()) {
        return Err(format!("there is such a file; choose another name or add --force: {}", out.display()).into());
    }
    let project = Project::open_existing(&args.project)?;
    let case = args.case.as_ref().map(|case| case_named(&project, case)).transpose()?;
    let document = measure_report::read(&project, case, None)?;
    if document.unreadable > 0 {
        eprintln!("antrum: {} measurements of a newer program were left out", document.unreadable);
    }
    match &args.out {
        Some(out) => {
            document.write(out, args.format)?;
            say(format_args!("{}  {} measurements", out.display(), document.measurements.len()))
        }
        None => say(document.text(args.format)?.trim_end()),
    }
}
