//! `antrum deidentify`: copies of scans in which nothing tells whose they are.

use super::source::Choice;
use super::{Failure, guarded, say, shown_name};
use crate::io::{self, Deidentified, Pseudonyms};
use crate::job::Progress;
use crate::methods::sinus::{Finder, cavity, deface};
use crate::nets;
use std::path::PathBuf;

/// Copy a scan without what tells whose it is (PS3.15, Basic Profile, dates moved)
///
/// A DICOM series stays DICOM: of its headers stays what places, draws and compares the images; names, words, private data
/// and overlays go, identifiers get stand-ins, dates move by the same number of days. Of other scans the voxels are copied as
/// NIfTI. The face can still be drawn from the voxels, unless it is taken away.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// DICOM or NIfTI files, a DICOM folder, DICOMDIR or ZIP archive
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Folder that gets one folder per patient
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    choice: Choice,
    /// A file with the key of the stand-ins, made if it is not there: with the same key a patient keeps the same ones, and
    /// whoever has it can tell whose they are [default: a key that is forgotten]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Write NIfTI, of a DICOM series too
    #[arg(long)]
    nifti: bool,
    /// Write NIfTI without the face: what lies in front of the sinuses and below the brows gets the darkest value
    #[arg(long)]
    no_face: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let pseudonyms = args.key.as_deref().map_or_else(|| Ok(Pseudonyms::new()), Pseudonyms::of_file)?;
    let (paths, choice, out) = (args.paths.clone(), args.choice.clone(), args.out.clone());
    let (no_face, nifti) = (args.no_face, args.nifti || args.no_face);
    let done = guarded("copying", move |progress| {
        let selection = choice.browse(&paths, &progress.part(0.0, 0.1))?;
        let rest = progress.part(0.1, 1.0);
        if !nifti && let Some(done) = selection.catalogue.deidentify(selection.index, &pseudonyms, &out, &rest)? {
            return Ok(done);
        }
        voxels(&paths, &choice, no_face, &pseudonyms, &out, &rest)
    })?;
    say(format_args!("{}  {} of {}", done.folder.display(), counted(done.files), done.name))?;
    if args.key.is_none() {
        eprintln!("antrum: the next copy of this patient gets another name; --key FILE keeps it");
    }
    Ok(())
}

fn counted(files: usize) -> String {
    if files == 1 { "1 file".to_owned() } else { format!("{files} files") }
}

/// The voxels as NIfTI, whose header says nothing but where they are.
fn voxels(
    paths: &[PathBuf],
    choice: &Choice,
    no_face: bool,
    pseudonyms: &Pseudonyms,
    out: &std::path::Path,
    progress: &Progress,
) -> Result<Deidentified, Failure> {
    let (selection, mut scan) = choice.read(paths, &progress.part(0.0, 0.3))?;
    let headers = selection.catalogue.headers(selection.index, scan.frame, &progress.part(0.3, 0.4))?;
    if no_face {
        let finder = Finder::built_in(&nets::cpu())?;
        let sinuses = finder.find(&scan.volume, &progress.part(0.4, 0.6))?;
        let cavities = cavity::measure(&finder, &scan.volume, &sinuses, &progress.part(0.6, 0.8))?;
        let faceless = deface::without_face(&scan.volume, &cavities);
        scan.volume = faceless.map(Into::into).ok_or_else(|| {
            let name = shown_name(paths);
            format!(
                "where the face is cannot be told, because not both sinuses were found; nothing was written: {name}"
            )
        })?;
    }
    let name = match &headers {
        Some(headers) if headers.is_burned_in() => {
            return Err(io::DeidentifyError::BurnedIn(selection.catalogue.path().to_owned()).into());
        }
        Some(headers) => pseudonyms.name(&headers.patient()),
        // A file of voxels says no more of a patient than what lies in it.
        None => pseudonyms.name(&scan.sha256),
    };
    let folder = out.join(&name);
    let files = folder.read_dir().map_or(0, Iterator::count);
    std::fs::create_dir_all(&folder).map_err(|e| format!("the folder cannot be made ({e}): {}", folder.display()))?;
    let path = folder.join(format!("{name}_{:03}.nii.gz", files + 1));
    progress.step(0.8, "writing")?;
    io::nifti::write_scan(&path, &scan).map_err(|e| format!("{} cannot be copied: {e}", shown_name(paths)))?;
    Ok(Deidentified { folder, files: 1, name })
}
