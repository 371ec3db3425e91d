//! `antrum deidentify`: copies of scans in which nothing tells whose they are.

use super::source::Choice;
use super::{Failure, guarded, say, shown_name};
use crate::app::{checks, sinuses};
use crate::io::derived::Headers;
use crate::io::{self, Deidentified, Format, Pseudonyms, Scan};
use crate::job::Progress;
use crate::methods::sinus::{Finder, Presence, cavity, deface};
use crate::nets;
use crate::volume::Volume;
use std::path::{Path, PathBuf};

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
    out: &Path,
    progress: &Progress,
) -> Result<Deidentified, Failure> {
    let (selection, mut scan) = choice.read(paths, &progress.part(0.0, 0.3))?;
    let headers = selection.catalogue.headers(selection.index, scan.frame, &progress.part(0.3, 0.4))?;
    if scan.format == Format::Picture || headers.as_ref().is_some_and(Headers::may_hold_words) {
        return Err(io::DeidentifyError::Words(selection.catalogue.path().to_owned()).into());
    }
    if no_face {
        scan.volume = without_face(&scan, &shown_name(paths), &progress.part(0.4, 0.8))?.into();
    }
    // A file of voxels says no more of a patient than what lies in it.
    let id = headers.map_or_else(|| scan.sha256.clone(), |headers| headers.patient());
    let name = pseudonyms.name(&id);
    let folder = out.join(&name);
    std::fs::create_dir_all(&folder).map_err(|e| format!("the folder cannot be made ({e}): {}", folder.display()))?;
    let paths = (1..).map(|number: u32| folder.join(format!("{name}_{number:03}.nii.gz")));
    let path = paths.into_iter().find(|path| !path.exists()).unwrap_or_default();
    progress.step(0.8, "writing")?;
    io::nifti::write_scan(&path, &scan)?;
    if scan.frames > 1 {
        eprintln!("antrum: this is volume {} of {}; --volume N takes another", scan.frame + 1, scan.frames);
    }
    Ok(Deidentified { folder, files: 1, name })
}

/// The scan without its face; an error that names it where nobody can tell where that is.
fn without_face(scan: &Scan, name: &str, progress: &Progress) -> Result<Volume, Failure> {
    let doubt = |why: &str| Failure::from(format!("{why}; nothing was written: {name}"));
    if !checks::orientation_known(scan) {
        return Err(doubt("the scan does not say how it lies in the patient, so that its face cannot be taken away"));
    }
    let finder = Finder::built_in(&nets::cpu())?;
    let found = finder.find(&scan.volume, &progress.part(0.0, 0.5))?;
    if found.iter().any(|sinus| sinus.present == Presence::Absent || sinuses::is_unsure(sinus)) {
        return Err(doubt("the face is found by both sinuses, and not both were found for sure"));
    }
    let cavities = cavity::measure(&finder, &scan.volume, &found, &progress.part(0.5, 1.0))?;
    deface::without_face(&scan.volume, &cavities).ok_or_else(|| doubt("the sinuses do not lie as those of a head"))
}
