//! `antrum convert`: any scan to NIfTI.

use super::source::Choice;
use super::{Failure, guarded, say};
use crate::io;
use std::path::{Path, PathBuf};

/// Write a scan as NIfTI: stored type and place in the world are kept; of several volumes one is written
///
/// Where the scan does not say how it lies in the patient, the NIfTI file does not say it either: the codes of sform and
/// qform are 0.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// NIfTI or DICOM files, a DICOM folder, DICOMDIR or ZIP archive, a PNG or JPEG picture
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// The file to write; its name ends in .nii or .nii.gz
    #[arg(required = true, value_name = "OUT.nii.gz", value_parser = parse_out)]
    out: PathBuf,
    #[command(flatten)]
    choice: Choice,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

fn parse_out(text: &str) -> Result<PathBuf, &'static str> {
    let ends_in = |path: &Path, ending: &str| path.extension().is_some_and(|e| e.eq_ignore_ascii_case(ending));
    let path = Path::new(text);
    let unpacked = if ends_in(path, "gz") { path.with_extension("") } else { path.to_owned() };
    if ends_in(&unpacked, "nii") { Ok(path.to_owned()) } else { Err("the name must end in .nii or .nii.gz") }
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    // Before the work, so that nobody waits for a refusal.
    let same =
        |path: &PathBuf| path.canonicalize().is_ok_and(|path| args.out.canonicalize().is_ok_and(|out| out == path));
    if args.paths.iter().any(same) {
        return Err(
            format!("the scan would be replaced by its copy; choose another name: {}", args.out.display()).into()
        );
    }
    let folder = args.out.parent().filter(|folder| *folder != Path::new(""));
    if let Some(folder) = folder.filter(|folder| !folder.is_dir()) {
        return Err(format!("there is no such folder; make it first: {}", folder.display()).into());
    }
    if !args.force && args.out.exists() {
        return Err(format!("there is such a file; choose another name or add --force: {}", args.out.display()).into());
    }
    let (paths, choice, out) = (args.paths.clone(), args.choice.clone(), args.out.clone());
    let scan = guarded("converting", move |progress| {
        let (_, scan) = choice.read(&paths, &progress.part(0.0, 0.7))?;
        progress.step(0.7, "writing")?;
        io::nifti::write_scan(&out, &scan)?;
        Ok(scan)
    })?;
    let [nx, ny, nz] = scan.volume.grid.size;
    say(format_args!("{}  {nx} × {ny} × {nz} voxels, {}", args.out.display(), scan.volume.voxels.type_name()))?;
    if scan.frames > 1 {
        say(format_args!("  volume {} of {}", scan.frame + 1, scan.frames))?;
    }
    for check in &scan.checks {
        say(format_args!("  note      {}", check.message))?;
    }
    Ok(())
}
