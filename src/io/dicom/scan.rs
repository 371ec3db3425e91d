//! Looks through files for DICOM slices: reads every header up to the pixels, and remembers why a file was left out.

use super::geometry::{ImagePlane, numbers};
use super::lengths;
use super::pixels::Layout;
use crate::io::Fault;
use crate::view::Window;
use crate::volume::Rescale;
use ::dicom::dictionary_std::tags;
use ::dicom::encoding::transfer_syntax::TransferSyntaxIndex as _;
use ::dicom::object::file::ReadPreamble;
use ::dicom::object::{DefaultDicomObject, InMemDicomObject, OpenFileOptions};
use ::dicom::transfer_syntax::TransferSyntaxRegistry;
use std::path::{Path, PathBuf};

/// No decoder is expected to make more bytes of one than this; it bounds what a header can make us allocate.
const MOST_INFLATED: u64 = 4096;

/// What the header of one slice says, without anything about the person.
#[derive(Clone, Debug)]
pub struct Slice {
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
