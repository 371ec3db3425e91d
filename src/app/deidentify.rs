//! Copies of scans in which nothing tells whose they are. A DICOM series stays DICOM ([`Catalogue::deidentify`]); of other
//! scans, and where the face is to go, the voxels of one volume are copied as NIfTI.

use super::command::{Command, Effect, Wanted};
use super::compare::CompareCommand;
use super::message::Message;
use super::state::{JobKind, State};
use super::{checks, sinuses};
use crate::io::derived::Headers;
use crate::io::{self, Catalogue, Deidentified, DeidentifyError, Format, OpenError, Pseudonyms, Scan, WriteError};
use crate::job::{Cancelled, Progress};
use crate::methods::ModelError;
use crate::methods::sinus::{Finder, Presence, cavity, deface};
use crate::nets;
use crate::volume::Volume;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A wish about a copy of the open scan in which nothing tells whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeidentifyCommand {
    /// Ask where it should go.
    Ask {
        /// Without the face.
        no_face: bool,
    },
    /// Write it into a folder of its own in this folder.
    To {
        /// Without the face.
        no_face: bool,
        /// Where.
        folder: PathBuf,
    },
    /// It is written.
    Done(Copied),
}

/// A copy that was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Copied {
    /// Where, and what the patient is called in it.
    pub done: Deidentified,
    /// SHA-256 of the scan.
    pub of: String,
    /// Which of how many volumes it has, counted from 1, where not all.
    pub volume: Option<[usize; 2]>,
    /// The file, where the face is gone.
    pub faceless: Option<PathBuf>,
}

impl State {
    pub(super) fn deidentify(&mut self, command: DeidentifyCommand) -> Vec<Effect> {
        match command {
            // One after the other.
            DeidentifyCommand::Ask { .. } if self.running(JobKind::Copy) => Vec::new(),
            DeidentifyCommand::Ask { no_face } => {
                // Whatever is opened before a folder is chosen.
                self.to_copy = self.scan.as_ref().map(|open| (Arc::clone(&open.scan), open.origin.clone()));
                self.to_copy.iter().map(|_| Effect::Ask(Wanted::CopyTo { no_face })).collect()
            }
            DeidentifyCommand::To { no_face, folder } => {
                let copied = self.to_copy.take().into_iter();
                copied
                    .map(|(scan, origin)| Effect::Deidentify { scan, origin, no_face, folder: folder.clone() })
                    .collect()
            }
            DeidentifyCommand::Done(Copied { done, of, volume, faceless }) => {
                let (files, Deidentified { folder, name, .. }) = (done.counted(), done);
                let volume = volume.map_or(String::new(), |[k, n]| format!(", volume {k} of {n}"));
                let text = format!(
                    "The patient is called {name} in the copy ({files}{volume}); only the key beside the project tells who \
                     that is"
                );
                self.message = Some(Message { path: Some(folder), ..Message::note(text).kept() });
                // What was cut away is to be looked at, beside the scan that it was cut from.
                let still_open = self.scan.as_ref().is_some_and(|open| open.scan.sha256 == of);
                let faceless = faceless.filter(|_| still_open);
                faceless.map_or_else(Vec::new, |path| self.apply(Command::Compare(CompareCommand::Open(vec![path]))))
            }
        }
    }
}

/// Why there is no copy.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is the error of one step")]
pub enum CopyError {
    #[error(transparent)]
    Deidentify(#[from] DeidentifyError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
    /// Nobody can tell where the face is.
    #[error("{why}; nothing was written: {name}")]
    Face {
        /// Why not.
        why: &'static str,
        /// The scan.
        name: String,
    },
    /// The folder for it.
    #[error("the folder cannot be made ({source}): {}", path.display())]
    Folder {
        /// The operating system's reason.
        source: std::io::Error,
        /// The folder.
        path: PathBuf,
    },
}

/// Writes the voxels of a scan as NIfTI, whose header says nothing but where they are, into a folder of its patient in `out`,
/// and says which file it is. `series` is where the scan came from, `name` what errors call it.
///
/// # Errors
/// See [`CopyError`].
pub fn voxels(
    mut scan: Scan,
    series: Option<(&Catalogue, usize)>,
    no_face: bool,
    name: &str,
    pseudonyms: &Pseudonyms,
    out: &Path,
    progress: &Progress,
) -> Result<(Deidentified, PathBuf), CopyError> {
    let headers = match series {
        Some((catalogue, index)) => catalogue.headers(index, scan.frame, &progress.part(0.0, 0.2))?,
        None => None,
    };
    if scan.format == Format::Picture || headers.as_ref().is_some_and(Headers::may_hold_words) {
        let place = series.map_or_else(PathBuf::new, |(catalogue, _)| catalogue.path().to_owned());
        return Err(DeidentifyError::Words(place).into());
    }
    if no_face {
        scan.volume = without_face(&scan, name, &progress.part(0.2, 0.8))?.into();
    }
    // A file of voxels says no more of a patient than what lies in it.
    let id = headers.map_or_else(|| scan.sha256.clone(), |headers| headers.patient());
    let stand_in = pseudonyms.name(&id);
    let folder = out.join(&stand_in);
    std::fs::create_dir_all(&folder).map_err(|source| CopyError::Folder { source, path: folder.clone() })?;
    let paths = (1..).map(|number: u32| folder.join(format!("{stand_in}_{number:03}.nii.gz")));
    let path = paths.into_iter().find(|path| !path.exists()).unwrap_or_default();
    progress.step(0.8, "writing")?;
    io::nifti::write_scan(&path, &scan)?;
    Ok((Deidentified { folder, files: 1, name: stand_in }, path))
}

/// The scan without its face; an error that names it where nobody can tell where that is.
fn without_face(scan: &Scan, name: &str, progress: &Progress) -> Result<Volume, CopyError> {
    let doubt = |why| CopyError::Face { why, name: name.to_owned() };
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::testing::opened;

    #[test]
    fn the_open_scan_is_copied_to_where_the_user_wants_it_and_its_stand_in_is_said() {
        let mut state = opened();
        let mut send = |command| state.apply(Command::Deidentify(command));
        let asked = send(DeidentifyCommand::Ask { no_face: true });
        assert!(matches!(asked[..], [Effect::Ask(Wanted::CopyTo { no_face: true })]));
        let folder = PathBuf::from("/copies");
        let effects = send(DeidentifyCommand::To { no_face: true, folder: folder.clone() });
        assert!(matches!(&effects[..], [Effect::Deidentify { no_face: true, folder: to, .. }] if *to == folder));
        assert!(
            send(DeidentifyCommand::To { no_face: true, folder: folder.clone() }).is_empty(),
            "it was asked for once"
        );
        let done = Deidentified { folder, files: 1, name: "ANT-1".to_owned() };
        let faceless = Some(PathBuf::from("/copies/ANT-1/ANT-1_001.nii.gz"));
        let copied = |of: &str| {
            let (done, faceless) = (done.clone(), faceless.clone());
            DeidentifyCommand::Done(Copied { done, of: of.to_owned(), volume: Some([2, 3]), faceless })
        };
        assert!(send(copied("another scan")).is_empty(), "it is not shown beside a scan of somebody else");
        assert_eq!(send(copied("00")).len(), 1, "it is shown beside its scan");
        assert!(state.message.unwrap().text.contains("ANT-1 in the copy (1 file, volume 2 of 3)"));
        let nothing_open = State::default().apply(Command::Deidentify(DeidentifyCommand::Ask { no_face: false }));
        assert!(nothing_open.is_empty());
    }
}
