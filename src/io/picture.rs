//! Pictures to PNG files, with the notice that they are for research only in the file's comment.

use super::WriteError;
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
