//! Pictures from PNG and JPEG files, as one slice, and pictures to PNG files.
//!
//! A picture knows nothing of the patient. It is laid as a radiograph hangs: a coronal slice seen from in front, its
//! columns running to the patient's left and its rows to the feet, its middle at the world's origin, its pixels 1 mm
//! wide. Densities such as 72 dpi are left alone: they are about paper, not about the patient. Checks say all this.

mod decode;
#[cfg(test)]
mod tests;

use super::source::Source;
use super::{Check, Fault, Format, OpenError, Role, Scan, Series, WriteError};
use crate::job::Progress;
use crate::space::{Grid, GridError};
use crate::view::Picture;
use crate::volume::{Rescale, Unit, Volume};
use decode::Decoded;
use glam::{DAffine3, DMat3, DVec3};
use std::fs::{self, File};
use std::io::BufWriter;
use std::path::Path;

/// Writes a picture, with the notice that it is for research only in the file's comment; first beside its place, then
/// into it, so that a failure leaves the former file.
///
/// # Errors
/// [`WriteError::Io`].
pub fn write(path: &Path, picture: &Picture) -> Result<(), WriteError> {
    let failed = |source| WriteError::Io { path: path.to_owned(), source };
    let beside = path.with_extension("png.part");
    let written = encode(&beside, picture).and_then(|()| fs::rename(&beside, path));
    if written.is_err() {
        // What is half written is of no use, and the reason it failed says more than that it cannot be removed.
        let _ = fs::remove_file(&beside);
    }
    written.map_err(failed)
}

fn encode(path: &Path, picture: &Picture) -> std::io::Result<()> {
    let file = BufWriter::new(File::create(path)?);
    let [width, height] = picture.size.map(|n| n as u32);
    let mut encoder = png::Encoder::new(file, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .add_text_chunk("Comment".to_owned(), crate::NOTICE.to_owned())
        .and_then(|()| encoder.write_header())
        .and_then(|mut writer| writer.write_image_data(&picture.rgba).and_then(|()| writer.finish()))
        .map_err(Into::into)
}

/// Whether a file that starts so is a PNG or JPEG picture.
pub(super) fn looks_like(start: &[u8]) -> bool {
    decode::is_png(start) || decode::is_jpeg(start)
}

/// The most bytes in front of a picture's size, but for the oddest files.
const START: u64 = 256 << 10;

/// What the header says; no pixel is decoded.
pub(super) fn series(source: &Source) -> Result<Series, Fault> {
    let unread = |e: OpenError| Fault::Damaged(e.to_string());
    let start = source.start(START).map_err(unread)?;
    let [columns, rows] = match decode::size(&start) {
        // A JPEG may carry a whole other picture, or tables for printers, in front.
        Err(Fault::Damaged(_)) if start.len() as u64 == START => {
            decode::size(&source.read(&Progress::default()).map_err(unread)?)?
        }
        known => known?,
    };
    Ok(Series {
        id: source.name(),
        format: Format::Picture,
        modality: "unknown".to_owned(),
        description: description(source.path()),
        size: [columns, rows, 1],
        number: None,
        frames: 1,
        files: 1,
        role: Role::Picture,
        checks: Vec::new(),
    })
}

fn description(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

/// Reads a picture as one slice; colour becomes grey.
///
/// # Errors
/// [`OpenError`] when the file cannot be read, is damaged or of a rare kind.
pub(super) fn read(source: &Source, progress: &Progress) -> Result<Scan, OpenError> {
    let path = source.path();
    let bytes = source.read(&progress.part(0.0, 0.3))?;
    progress.step(0.3, "decoding")?;
    let Decoded { size: [columns, rows], voxels, mut checks } = decode::decode(&bytes).map_err(|f| f.at(path))?;
    let grid = grid([columns, rows, 1]).map_err(|_| Fault::TooLarge([columns, rows, 1]).at(path))?;
    checks.insert(
        0,
        Check::new(
            "no-orientation",
            "A picture does not say where it lies in the patient. It hangs like a radiograph seen from in front, but its \
             left and right are unknown.",
        ),
    );
    checks.insert(
        1,
        Check::new("no-spacing", "The size of its pixels is unknown; 1 mm is assumed, so no distance is true."),
    );
    Ok(Scan {
        volume: Volume { grid, voxels, rescale: Rescale::NONE, unit: Unit::Arbitrary }.into(),
        path: Some(path.to_owned()),
        format: Format::Picture,
        modality: "unknown".to_owned(),
        description: description(path),
        windows: Vec::new(),
        frames: 1,
        frame: 0,
        frame_of_reference: None,
        inverted: false,
        padding: None,
        checks,
        sha256: super::sha256(&bytes),
    })
}

/// A coronal slice of 1 mm around the world's origin.
fn grid(size: [usize; 3]) -> Result<Grid, GridError> {
    // Left, down and, so that nothing is mirrored, back.
    let matrix3 = DMat3::from_cols(DVec3::NEG_X, DVec3::NEG_Z, DVec3::NEG_Y);
    let middle = DVec3::from_array(size.map(|n| (n as f64 - 1.0) / 2.0));
    Grid::new(size, DAffine3 { matrix3, translation: -(matrix3 * middle) })
}
