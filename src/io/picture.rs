//! Pictures to PNG files, with the notice that they are for research only in the file's comment.

use super::source::Source;
use super::{Fault, OpenError, Scan, Series, WriteError};
use crate::job::Progress;
use crate::view::Picture;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

/// Writes a picture.
///
/// # Errors
/// [`WriteError::Io`].
pub fn write(path: &Path, picture: &Picture) -> Result<(), WriteError> {
    let failed = |source| WriteError::Io { path: path.to_owned(), source };
    let file = BufWriter::new(File::create(path).map_err(failed)?);
    let [width, height] = picture.size.map(|n| n as u32);
    let mut encoder = png::Encoder::new(file, width, height);
    encoder.set_color(png::ColorType::Rgba);
    encoder.set_depth(png::BitDepth::Eight);
    encoder
        .add_text_chunk("Comment".to_owned(), crate::NOTICE.to_owned())
        .and_then(|()| encoder.write_header())
        .and_then(|mut writer| writer.write_image_data(&picture.rgba).and_then(|()| writer.finish()))
        .map_err(|e| failed(e.into()))
}

/// Whether a file that starts so is a PNG or JPEG picture.
pub(super) fn looks_like(start: &[u8]) -> bool {
    start.starts_with(b"\x89PNG\r\n\x1a\n") || start.starts_with(&[0xFF, 0xD8, 0xFF])
}

/// What the header says.
pub(super) fn series(_source: &Source) -> Result<Series, Fault> {
    Err(Fault::Unsupported("a picture".to_owned()))
}

/// Reads a picture as one slice.
pub(super) fn read(source: &Source, _progress: &Progress) -> Result<Scan, OpenError> {
    Err(Fault::Unsupported("a picture".to_owned()).at(source.path()))
}
