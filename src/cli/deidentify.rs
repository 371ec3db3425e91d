//! `antrum deidentify`: copies of scans in which nothing tells whose they are.

use super::source::Choice;
use super::{Failure, guarded, say, shown_name};
use crate::app::deidentify::voxels;
use crate::io::Pseudonyms;
use std::path::PathBuf;

/// Copy a scan without what tells whose it is (PS3.15, Basic Profile, dates moved)
///
/// A DICOM series stays DICOM: of its headers stays what places, draws and compares the images; names, words, private data
/// and overlays go, identifiers get stand-ins, dates move by the same number of days (times of day stay). Of other scans the
/// voxels of one volume are copied as NIfTI. Images with words in their pixels are refused, where the header says so, and,
/// unless it denies it, those in colour or captured from a screen. The face can still be drawn from the voxels, unless it is
/// taken away.
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
    /// Write NIfTI without the face: what lies in front of both sinuses and below the brows gets the darkest value. Look at
    /// the copy: of a head that nods by more than about 15° some of the chin may stay, or of the forehead go
    #[arg(long)]
    no_face: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let pseudonyms = args.key.as_deref().map_or_else(|| Ok(Pseudonyms::new()), Pseudonyms::of_file)?;
    let (paths, choice, out) = (args.paths.clone(), args.choice.clone(), args.out.clone());
    let (no_face, nifti) = (args.no_face, args.nifti || args.no_face);
    let done = guarded("copying", move |progress| {
        let rest = progress.part(0.1, 1.0);
        if !nifti {
            let selection = choice.browse(&paths, &progress.part(0.0, 0.1))?;
            if let Some(done) = selection.catalogue.deidentify(selection.index, &pseudonyms, &out, &rest)? {
                return Ok(done);
            }
        }
        let (selection, scan) = choice.read(&paths, &rest.part(0.0, 0.3))?;
        if scan.frames > 1 {
            eprintln!("antrum: this is volume {} of {}; --volume N takes another", scan.frame + 1, scan.frames);
        }
        let (series, name) = ((&selection.catalogue, selection.index), shown_name(&paths));
        let (done, _) = voxels(scan, Some(series), no_face, &name, &pseudonyms, &out, &rest.part(0.3, 1.0))?;
        Ok(done)
    })?;
    say(format_args!("{}  {} of {}", done.folder.display(), done.counted(), done.name))?;
    if args.key.is_none() {
        eprintln!("antrum: the next copy of this patient gets another name; --key FILE keeps it");
    }
    Ok(())
}
