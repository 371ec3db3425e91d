//! Files to volumes and back.
//!
//! [`browse`] looks through files, folders, DICOMDIRs and ZIP archives and gives a [`Catalogue`] of the series found;
//! reading one of them gives a [`Scan`]: the volume, where it came from, and everything a reader should know about it
//! ([`Check`]). [`open`] does both for the series that is most likely meant. What a file is, is told by its content; the
//! name only helps to word the error. Nothing of the patient's identity is read. [`nifti::write`] is the way back.

mod catalogue;
mod dicom;
mod gather;
mod listed;
pub mod nifti;
pub mod picture;
mod preview;
mod source;
pub mod table;

pub use catalogue::{Catalogue, ReadOptions, Role, Series, browse};
pub use dicom::deidentify::{Deidentified, DeidentifyError, Pseudonyms, files_in_words};
#[cfg(test)]
pub(crate) use dicom::tests::scrambled as dicom_series;
pub use dicom::write as derived;
pub use preview::Preview;

use crate::job::{Cancelled, Progress};
use crate::view::Window;
use crate::volume::Volume;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many bytes are read or inflated between two looks at whether to stop.
const CHUNK: usize = 4 << 20;

/// What kind of file a scan came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Format {
    /// One `.nii` or `.nii.gz` file.
    Nifti,
    /// A series of DICOM slices.
    Dicom,
    /// A PNG or JPEG picture.
    Picture,
    /// Made by the program itself.
    Synthetic,
}

impl Format {
    /// `NIfTI`, `DICOM`, `picture` or `synthetic`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nifti => "NIfTI",
            Self::Dicom => "DICOM",
            Self::Picture => "picture",
            Self::Synthetic => "synthetic",
        }
    }
}

/// Something about a scan that its reader should know, although it could be opened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// A short fixed name for programs, such as `uneven-spacing`.
    pub code: &'static str,
    /// One sentence for people; it names no file, as these often hold patients' names.
    pub message: String,
    /// The files that it is about, where there are some.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
}

impl Check {
    /// A finding that is about no file in particular.
    #[must_use]
    pub fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), files: Vec::new() }
    }
}

/// A volume and where it came from.
#[derive(Clone, Debug)]
pub struct Scan {
    /// The picture.
    pub volume: Arc<Volume>,
    /// The file or folder that was opened; none for synthetic scans.
    pub path: Option<PathBuf>,
    /// The kind of file.
    pub format: Format,
    /// `MR`, `CT`, ... as DICOM names it (PS3.3 C.7.3.1.1.1), or `unknown`.
    pub modality: String,
    /// The series description, or the file's name without its ending. Never the patient's name.
    pub description: String,
    /// Windows stored in the file, in real values, with the file's name for each where it has one.
    pub windows: Vec<(String, Window)>,
    /// How many volumes follow one another in the series.
    pub frames: usize,
    /// Which of them this is, from 0.
    pub frame: usize,
    /// The DICOM Frame of Reference UID: scans with the same one lie in the same space.
    pub frame_of_reference: Option<String>,
    /// Low values are meant to be shown bright (MONOCHROME1).
    pub inverted: bool,
    /// The real value of voxels outside the field of view that hold no measurement (DICOM Pixel Padding Value).
    pub padding: Option<f64>,
    /// What a reader should know.
    pub checks: Vec<Check>,
    /// SHA-256 in hexadecimal of the file's bytes; for a folder, of the sorted hexadecimal digests of the files used.
    pub sha256: String,
}

impl Scan {
    /// A volume that the program made itself, as an MR scan without a file.
    #[must_use]
    pub fn synthetic(volume: Volume, description: impl Into<String>, sha256: String) -> Self {
        Self {
            volume: Arc::new(volume),
            path: None,
            format: Format::Synthetic,
            modality: "MR".to_owned(),
            description: description.into(),
            windows: Vec::new(),
            frames: 1,
            frame: 0,
            frame_of_reference: None,
            inverted: false,
            padding: None,
            checks: Vec::new(),
            sha256,
        }
    }
}

/// Why something could not be opened. Each message ends with the path, so that it can be cut off.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are the parts of the message")]
pub enum OpenError {
    /// Nothing has this name.
    #[error("there is no such file or folder; check the name: {}", path.display())]
    Missing { path: PathBuf },
    /// The file is something else.
    #[error("this is not a scan ({reason}); choose a NIfTI file, a DICOM file, folder or archive: {}", path.display())]
    NotAScan { path: PathBuf, reason: String },
    /// The file contradicts itself or ends too early.
    #[error("the scan is damaged ({reason}); copy or export it again: {}", path.display())]
    Damaged { path: PathBuf, reason: String },
    /// The folder or archive has no images that form a volume.
    #[error("there is nothing to open ({reason}); choose a NIfTI file, a DICOM file, folder or archive: {}", path.display())]
    NoSeries { path: PathBuf, reason: String },
    /// A kind of scan that this program does not read.
    #[error("{what} cannot be opened; convert the scan to a plain NIfTI file: {}", path.display())]
    Unsupported { path: PathBuf, what: String },
    /// More voxels than this computer or this program can hold.
    #[error("the scan has {} voxels, too many to hold; crop or resample it: {}", times(*size), path.display())]
    TooLarge { path: PathBuf, size: [usize; 3] },
    /// The series has fewer volumes than that.
    #[error("there is no volume {}; choose one from 1 to {frames}: {}", frame.saturating_add(1), path.display())]
    NoFrame { path: PathBuf, frame: usize, frames: usize },
    /// The operating system could not read it.
    #[error("it cannot be read ({source}); check the permissions and the disk: {}", path.display())]
    Io { path: PathBuf, source: io::Error },
    /// The user stopped it.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Why a volume could not be written. The old file, if there was one, is still there.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are the parts of the message")]
pub enum WriteError {
    /// The name does not say which format is wanted.
    #[error("the name must end in .nii or .nii.gz: {}", path.display())]
    Name { path: PathBuf },
    /// The volume does not fit the format.
    #[error("the volume cannot be stored as NIfTI ({reason}): {}", path.display())]
    Unfit { path: PathBuf, reason: String },
    /// The operating system could not write it.
    #[error("it cannot be written ({source}); check the permissions and the free space: {}", path.display())]
    Io { path: PathBuf, source: io::Error },
}

/// What is wrong with some bytes, before it is known of which file they are.
#[derive(Debug)]
pub(crate) enum Fault {
    NotAScan(String),
    Damaged(String),
    Unsupported(String),
    TooLarge([usize; 3]),
    NoFrame { frame: usize, frames: usize },
    Cancelled(Cancelled),
}

impl From<Cancelled> for Fault {
    fn from(cancelled: Cancelled) -> Self {
        Self::Cancelled(cancelled)
    }
}

impl Fault {
    fn at(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        match self {
            Self::NotAScan(reason) => OpenError::NotAScan { path, reason },
            Self::Damaged(reason) => OpenError::Damaged { path, reason },
            Self::Unsupported(what) => OpenError::Unsupported { path, what },
            Self::TooLarge(size) => OpenError::TooLarge { path, size },
            Self::NoFrame { frame, frames } => OpenError::NoFrame { path, frame, frames },
            Self::Cancelled(cancelled) => OpenError::Cancelled(cancelled),
        }
    }
}

/// Opens the series that is most likely meant by a path: the one a file belongs to, the largest one of a folder.
///
/// # Errors
/// [`OpenError`], whose message is made to be shown as it is.
pub fn open(path: &Path, progress: &Progress) -> Result<Scan, OpenError> {
    let catalogue = browse(&[path.to_owned()], &progress.part(0.0, 0.3))?;
    let read = catalogue.read_preferred(&ReadOptions::default(), &progress.part(0.3, 1.0));
    read.map(|(_, scan)| scan).map_err(|(_, error)| error)
}

/// How many bytes tell the kind of a file.
const KIND_SIZE: u64 = nifti::HEADER_SIZE as u64;

/// What the first bytes of a file say it is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// NIfTI, or something compressed with gzip, which is worth a try.
    Nifti,
    Dicom,
    /// PNG or JPEG.
    Picture,
    Zip,
    Other,
}

/// Tells the kind of a file from its first [`KIND_SIZE`] bytes.
fn kind(start: &[u8]) -> Kind {
    if dicom::looks_like(start) {
        Kind::Dicom
    } else if nifti::looks_like(start) {
        Kind::Nifti
    } else if picture::looks_like(start) {
        Kind::Picture
    } else if start.starts_with(b"PK\x03\x04") || start.starts_with(b"PK\x05\x06") {
        Kind::Zip
    } else {
        Kind::Other
    }
}

fn io_error(path: &Path, source: io::Error) -> OpenError {
    let path = path.to_owned();
    match source.kind() {
        ErrorKind::NotFound => OpenError::Missing { path },
        _ => OpenError::Io { path, source },
    }
}

/// Writes a side-car, first beside its place, then into it, so that a failure leaves the former file.
///
/// # Errors
/// [`WriteError::Io`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), WriteError> {
    let text = serde_json::to_vec_pretty(value);
    write_whole(path, &text.map_err(|e| WriteError::Io { source: e.into(), path: path.to_owned() })?)
}

/// Writes a file that is either complete or not there; one that exists is replaced.
///
/// # Errors
/// [`WriteError::Io`].
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), WriteError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".part");
    let written = fs::write(&beside, bytes).and_then(|()| fs::rename(&beside, path));
    written.map_err(|source| WriteError::Io { source, path: path.to_owned() })
}

/// SHA-256 in lower-case hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hexadecimal(Sha256::new_with_prefix(bytes))
}

/// What was digested, in lower-case hexadecimal digits.
fn hexadecimal(digest: Sha256) -> String {
    digest.finalize().iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// As many zeros as `size` has voxels, or [`Fault::TooLarge`] where memory does not hold them.
fn zeros<T: Clone + Default>(size: [usize; 3]) -> Result<Vec<T>, Fault> {
    let count = size.iter().try_fold(1_usize, |n, &s| n.checked_mul(s)).ok_or(Fault::TooLarge(size))?;
    let mut values = Vec::new();
    values.try_reserve_exact(count).map_err(|_| Fault::TooLarge(size))?;
    values.resize(count, T::default());
    Ok(values)
}

/// The luminance of a colour, rounded (ITU-R BT.601, which is also that of DICOM's YBR).
fn luminance([red, green, blue]: [u64; 3]) -> u64 {
    (299 * red + 587 * green + 114 * blue + 500) / 1000
}

fn times([i, j, k]: [usize; 3]) -> String {
    format!("{i} × {j} × {k}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn error_of(path: &Path) -> String {
        open(path, &Progress::default()).unwrap_err().to_string()
    }

    #[test]
    fn what_is_no_scan_is_said_in_one_sentence_with_the_path_last() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, bytes: &[u8]| {
            fs::write(dir.path().join(name), bytes).unwrap();
            dir.path().join(name)
        };
        let text = put("notes.nii", b"dear diary");
        assert_eq!(
            error_of(&text),
            format!(
                "this is not a scan (the name is that of a NIfTI file, but not the content); \
                 choose a NIfTI file, a DICOM file, folder or archive: {}",
                text.display()
            )
        );
        assert!(error_of(&put("empty.dcm", b"")).contains("the file is empty"));
        assert!(error_of(&put("video.mp4", &[7; 999])).contains("neither NIfTI, DICOM, PNG, JPEG nor ZIP"));
        assert!(error_of(&put("text.nii.gz", b"dear diary")).contains("not the content"));
        assert!(error_of(&dir.path().join("nothing.nii")).starts_with("there is no such file or folder"));
        assert!(error_of(dir.path()).contains("none of its 4 files is a scan"));
        assert!(error_of(&put("cut.nii.gz", &[0x1f, 0x8b, 8, 0])).contains("damaged"));
        assert!(error_of(&put("lost.zip", b"PK\x03\x04 and no more")).contains("it is no ZIP archive"));

        let empty = tempfile::tempdir().unwrap();
        assert!(error_of(empty.path()).contains("it is empty"));
    }

    #[cfg(unix)]
    #[test]
    fn what_may_not_be_read_says_so() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let locked = dir.path().join("locked");
        fs::create_dir(&locked).unwrap();
        fs::set_permissions(&locked, fs::Permissions::from_mode(0o000)).unwrap();
        if fs::read_dir(&locked).is_ok() {
            println!("skipped: this user may read everything");
            return;
        }
        assert!(error_of(&locked).contains("check the permissions"));
    }

    #[test]
    fn a_cancelled_job_opens_nothing() {
        let progress = Progress::default();
        progress.cancel();
        assert!(matches!(open(Path::new("."), &progress), Err(OpenError::Cancelled(Cancelled))));
    }

    #[test]
    fn digests_are_those_of_sha_256() {
        assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn green_is_brighter_than_red_and_blue() {
        assert_eq!([[255, 0, 0], [0, 255, 0], [0, 0, 255], [255, 255, 255]].map(luminance), [76, 150, 29, 255]);
    }
}
