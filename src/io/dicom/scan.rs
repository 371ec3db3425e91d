//! Looks through files for DICOM slices: reads every header up to the pixels, and remembers why a file was left out.

use super::geometry::{ImagePlane, numbers};
use super::lengths;
use super::pixels::Layout;
use crate::io::{Fault, Kind, OpenError, kind};
use crate::job::Progress;
use crate::view::Window;
use crate::volume::Rescale;
use ::dicom::dictionary_std::tags;
use ::dicom::encoding::transfer_syntax::TransferSyntaxIndex as _;
use ::dicom::object::file::ReadPreamble;
use ::dicom::object::{DefaultDicomObject, InMemDicomObject, OpenFileOptions};
use ::dicom::transfer_syntax::TransferSyntaxRegistry;
use rayon::prelude::*;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use walkdir::WalkDir;

/// No decoder is expected to make more bytes of one than this; it bounds what a header can make us allocate.
const MOST_INFLATED: u64 = 4096;

/// What the header of one slice says, without anything about the person.
#[derive(Clone, Debug)]
pub(super) struct Slice {
    pub path: PathBuf,
    /// Series Instance UID.
    pub series: String,
    pub plane: ImagePlane,
    pub layout: Layout,
    /// From stored to real values; none if the file has no slope and intercept.
    pub rescale: Option<Rescale>,
    /// Instance Number: only chooses between slices at the same place.
    pub instance: i64,
    pub modality: String,
    pub description: String,
    pub window: Option<Window>,
    /// Stored so that 0 is white.
    pub inverted: bool,
    /// Spacing Between Slices or Slice Thickness; only used for a single slice.
    pub thickness_mm: Option<f64>,
}

/// What was found in a folder.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub slices: Vec<Slice>,
    pub files: usize,
    pub nifti: usize,
    /// One reason per DICOM file that cannot be read.
    pub damaged: Vec<String>,
    /// What was not understood, one entry per file.
    pub unsupported: Vec<String>,
}

/// Reads the headers of all DICOM files in a folder, and in those inside it if `deep`.
pub(super) fn scan(folder: &Path, deep: bool, progress: &Progress) -> Result<Found, OpenError> {
    let mut paths = Vec::new();
    let depth = if deep { usize::MAX } else { 1 };
    for entry in WalkDir::new(folder).max_depth(depth).sort_by_file_name() {
        progress.check()?;
        match entry {
            Ok(entry) if entry.file_type().is_file() => paths.push(entry.into_path()),
            Err(error) if error.depth() == 0 => {
                return Err(OpenError::Io { path: folder.to_owned(), source: error.into() });
            }
            // A folder inside that may not be entered is no reason to refuse the rest.
            Ok(_) | Err(_) => {}
        }
    }
    let done = AtomicUsize::new(0);
    let outcomes = paths.par_iter().map(|path| {
        progress.step(done.fetch_add(1, Ordering::Relaxed) as f32 / paths.len() as f32, "reading headers")?;
        Ok::<_, OpenError>(slice(path))
    });
    let mut found = Found { files: paths.len(), ..Found::default() };
    for outcome in outcomes.collect::<Result<Vec<_>, _>>()? {
        match outcome {
            Outcome::Slice(slice) => found.slices.push(*slice),
            Outcome::Fault(Fault::Unsupported(what)) => found.unsupported.push(what),
            Outcome::Fault(Fault::Damaged(reason)) => found.damaged.push(reason),
            Outcome::Nifti => found.nifti += 1,
            Outcome::Other | Outcome::Fault(_) => {}
        }
    }
    Ok(found)
}

/// What one file turned out to be.
enum Outcome {
    Slice(Box<Slice>),
    Fault(Fault),
    Nifti,
    Other,
}

fn slice(path: &Path) -> Outcome {
    match kind(path) {
        Ok(Kind::Dicom) => {}
        Ok(Kind::Nifti) => return Outcome::Nifti,
        Ok(Kind::Other) | Err(_) => return Outcome::Other,
    }
    match read_slice(path) {
        Ok(Some(slice)) => Outcome::Slice(Box::new(slice)),
        Ok(None) => Outcome::Other,
        Err(fault) => Outcome::Fault(fault),
    }
}

/// The header of a DICOM file; none if it is no picture (a directory, a report, a radiation plan).
pub(super) fn read_slice(path: &Path) -> Result<Option<Slice>, Fault> {
    if !lengths::fit(path) {
        return Err(Fault::Damaged("an element is said to be longer than its file".to_owned()));
    }
    let options = OpenFileOptions::new().read_preamble(ReadPreamble::Always).read_until(tags::PIXEL_DATA);
    let object = options.open_file(path).map_err(|e| Fault::Damaged(e.to_string()))?;
    if object.get(tags::ROWS).is_none() || object.get(tags::COLUMNS).is_none() {
        return Ok(None);
    }
    let layout = Layout::of(&object)?;
    let Some(plane) = ImagePlane::of(&object) else {
        return Err(Fault::Unsupported("a DICOM picture that does not say where it lies in the patient".to_owned()));
    };
    check_size(path, &object, layout)?;
    let text = |tag| object.get(tag).and_then(|e| e.to_str().ok()).map(|s| tidy(&s)).unwrap_or_default();
    let number = |tag| object.get(tag).and_then(|e| e.to_float64().ok()).filter(|v| v.is_finite());
    let thickness = number(tags::SPACING_BETWEEN_SLICES).or(number(tags::SLICE_THICKNESS)).map(f64::abs);
    Ok(Some(Slice {
        path: path.to_owned(),
        series: text(tags::SERIES_INSTANCE_UID),
        plane,
        layout,
        rescale: rescale(&object),
        instance: object.get(tags::INSTANCE_NUMBER).and_then(|e| e.to_int().ok()).unwrap_or(0),
        modality: text(tags::MODALITY),
        description: text(tags::SERIES_DESCRIPTION),
        window: window(&object),
        inverted: text(tags::PHOTOMETRIC_INTERPRETATION) == "MONOCHROME1",
        thickness_mm: thickness.filter(|&t| t > 0.0),
    }))
}

/// The pixels must be decodable and, by the size of the file, be there.
fn check_size(path: &Path, object: &DefaultDicomObject, layout: Layout) -> Result<(), Fault> {
    let uid = object.meta().transfer_syntax();
    let syntax = TransferSyntaxRegistry.get(uid).filter(|s| s.can_decode_all());
    let syntax = syntax.ok_or_else(|| {
        let name = TransferSyntaxRegistry.get(uid).map_or(uid, |s| s.name());
        Fault::Unsupported(format!("DICOM compressed as {name}"))
    })?;
    let most = if syntax.is_codec_free() { 1 } else { MOST_INFLATED };
    let length = path.metadata().map_or(0, |m| m.len());
    if length.saturating_mul(most) < layout.bytes() as u64 {
        return Err(Fault::Damaged(format!("a slice of {} bytes is in a file of {length}", layout.bytes())));
    }
    Ok(())
}

fn rescale(object: &InMemDicomObject) -> Option<Rescale> {
    let [slope] = numbers(object, tags::RESCALE_SLOPE)?;
    let [intercept] = numbers(object, tags::RESCALE_INTERCEPT)?;
    (slope != 0.0).then_some(Rescale { slope, intercept })
}

/// The first of the windows in the file.
fn window(object: &InMemDicomObject) -> Option<Window> {
    let first = |tag| object.get(tag)?.to_multi_float64().ok()?.first().copied().filter(|v| v.is_finite());
    let (centre, width) = (first(tags::WINDOW_CENTER)?, first(tags::WINDOW_WIDTH)?);
    let function = object.get(tags::VOILUT_FUNCTION).and_then(|e| e.to_str().ok());
    let exact = function.is_some_and(|f| f.trim() == "LINEAR_EXACT");
    if exact {
        (width > 0.0).then_some(Window { centre, width, exact })
    } else {
        (width >= 1.0).then(|| Window::linear(centre, width))
    }
}

/// A text value without padding and control characters.
fn tidy(text: &str) -> String {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0').replace(char::is_control, " ")
}
