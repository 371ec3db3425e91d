//! The pixels of PNG and JPEG files as grey values.

use crate::io::source::MOST_INFLATED;
use crate::io::{Check, Fault};
use crate::volume::Voxels;
use libjpeg_turbo_rs::{ColorSpace, DecodeLimits, Decoder, PixelFormat, probe};
use png::{BitDepth, ColorType, Transformations};
use std::fmt::Display;
use std::io::Cursor;

/// The longest side that is decoded.
const LONGEST: usize = 16_384;
/// A JPEG has at least one bit for each 8 × 8 block.
const MOST_PIXELS_PER_BYTE: usize = 512;

/// A picture in grey.
pub(super) struct Decoded {
    /// Columns and rows.
    pub size: [usize; 2],
    /// `u8` or, of a 16-bit PNG, `u16`; row after row.
    pub voxels: Voxels,
    /// What was done to it or left undone.
    pub checks: Vec<Check>,
}

pub(super) fn is_png(start: &[u8]) -> bool {
    start.starts_with(b"\x89PNG\r\n\x1a\n")
}

pub(super) fn is_jpeg(start: &[u8]) -> bool {
    start.starts_with(&[0xFF, 0xD8, 0xFF])
}

/// Columns and rows, from the start of a file.
pub(super) fn size(start: &[u8]) -> Result<[usize; 2], Fault> {
    if is_png(start) {
        let mut decoder = png::Decoder::new(Cursor::new(start));
        let info = decoder.read_header_info().map_err(|e| damaged("PNG", &e))?;
        allowed(info.width as usize, info.height as usize)
    } else {
        let info = probe(start).map_err(|e| damaged("JPEG", &e))?;
        allowed(info.width, info.height)
    }
}

/// The pixels of a whole file.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, Fault> {
    let size = size(bytes)?;
    if is_png(bytes) { decode_png(bytes, size) } else { decode_jpeg(bytes, size) }
}

fn allowed(columns: usize, rows: usize) -> Result<[usize; 2], Fault> {
    if columns == 0 || rows == 0 {
        return Err(Fault::Damaged("it has no pixels".to_owned()));
    }
    if columns > LONGEST || rows > LONGEST {
        return Err(Fault::TooLarge([columns, rows, 1]));
    }
    Ok([columns, rows])
}

fn damaged(kind: &str, error: &dyn Display) -> Fault {
    Fault::Damaged(format!("its {kind} data are wrong: {error}"))
}

fn too_short() -> Fault {
    Fault::Damaged("the file is too short for so large a picture".to_owned())
}

fn decode_png(bytes: &[u8], size: [usize; 2]) -> Result<Decoded, Fault> {
    let wrong = |e: png::DecodingError| damaged("PNG", &e);
    let mut decoder = png::Decoder::new(Cursor::new(bytes));
    // Palettes to colours, 1, 2 and 4 bits to 8; 16 bits stay.
    decoder.set_transformations(Transformations::EXPAND);
    let mut reader = decoder.read_info().map_err(wrong)?;
    let stored = reader.info().raw_bytes().saturating_sub(size[1]);
    if stored as u64 > (bytes.len() as u64).saturating_mul(MOST_INFLATED) {
        return Err(too_short());
    }
    let needed = reader.output_buffer_size().ok_or(Fault::TooLarge([size[0], size[1], 1]))?;
    let mut samples = crate::io::zeros::<u8>([needed, 1, 1])?;
    reader.next_frame(&mut samples).map_err(wrong)?;
    let (colour, depth) = reader.output_color_type();
    let channels = match colour {
        ColorType::Grayscale => 1,
        ColorType::GrayscaleAlpha => 2,
        ColorType::Rgb | ColorType::Indexed => 3,
        ColorType::Rgba => 4,
    };
    let (voxels, coloured) = if depth == BitDepth::Sixteen {
        let samples: Vec<u16> = samples.chunks_exact(2).map(|b| u16::from_be_bytes([b[0], b[1]])).collect();
        let (greys, coloured) = greys(&samples, channels);
        (Voxels::U16(greys), coloured)
    } else {
        let (greys, coloured) = greys(&samples, channels);
        (Voxels::U8(greys), coloured)
    };
    Ok(Decoded { size, voxels, checks: colour_check(coloured) })
}

fn decode_jpeg(bytes: &[u8], size: [usize; 2]) -> Result<Decoded, Fault> {
    let wrong = |e: libjpeg_turbo_rs::JpegError| damaged("JPEG", &e);
    let [columns, rows] = size;
    if columns * rows / MOST_PIXELS_PER_BYTE > bytes.len() {
        return Err(too_short());
    }
    let info = probe(bytes).map_err(wrong)?;
    if info.precision != 8 {
        return Err(Fault::Unsupported(format!("a JPEG picture of {} bits", info.precision)));
    }
    let limits = DecodeLimits { max_width: LONGEST, max_height: LONGEST, ..DecodeLimits::default() };
    let mut decoder = Decoder::new_with_limits(bytes, limits).map_err(wrong)?;
    let (voxels, coloured) = match info.color_space {
        // The luminance is stored by itself.
        ColorSpace::Grayscale | ColorSpace::YCbCr => {
            decoder.set_output_format(PixelFormat::Grayscale);
            (decoder.decode_image().map_err(wrong)?.data, info.color_space == ColorSpace::YCbCr)
        }
        ColorSpace::Rgb => {
            decoder.set_output_format(PixelFormat::Rgb);
            let image = decoder.decode_image().map_err(wrong)?;
            greys(&image.data, 3)
        }
        ColorSpace::Cmyk | ColorSpace::Ycck => {
            return Err(Fault::Unsupported("a JPEG picture in the colours of print (CMYK)".to_owned()));
        }
        ColorSpace::Unknown => return Err(Fault::Unsupported("a JPEG picture of unknown colours".to_owned())),
    };
    if voxels.len() != columns * rows {
        return Err(Fault::Damaged("its JPEG data have another size than its header".to_owned()));
    }
    let mut checks = colour_check(coloured);
    if let Some(turn @ 2..) = info.exif_orientation {
        let message =
            format!("The file asks to be turned before it is shown (EXIF orientation {turn}); it is not turned.");
        checks.push(Check::new("not-turned", message));
    }
    Ok(Decoded { size, voxels: Voxels::U8(voxels), checks })
}

/// The grey of each pixel of so many channels, and whether one of them was coloured. What is transparent is shown, too.
fn greys<T: Copy + PartialEq + Into<u32> + TryFrom<u32> + Default>(samples: &[T], channels: usize) -> (Vec<T>, bool) {
    let mut coloured = false;
    let greys = samples.chunks_exact(channels).map(|pixel| match *pixel {
        [red, green, blue] | [red, green, blue, _] => {
            coloured |= red != green || green != blue;
            let luma = luminance([red, green, blue].map(Into::into));
            // The mean of some numbers fits where they did.
            T::try_from(luma).unwrap_or_default()
        }
        _ => pixel.first().copied().unwrap_or_default(),
    });
    (greys.collect(), coloured)
}

/// What a colour is in grey (ITU-R BT.601).
fn luminance([red, green, blue]: [u32; 3]) -> u32 {
    (299 * red + 587 * green + 114 * blue + 500) / 1000
}

fn colour_check(coloured: bool) -> Vec<Check> {
    let check = || Check::new("colour-as-grey", "The picture is in colour; its brightness is shown.");
    coloured.then(check).into_iter().collect()
}
