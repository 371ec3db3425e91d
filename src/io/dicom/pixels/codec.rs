//! Which decoder unpacks which transfer syntax.
//!
//! All are pure Rust, so a damaged frame is an error and never a broken process. What a picture is said to measure inside
//! its own compressed header is compared with the data set before anything is decoded.

use super::{Layout, Photometric};
use crate::io::Fault;
use crate::io::dicom::dataset::PixelPlace;
use crate::io::dicom::file::syntax_name;
use ::dicom::dictionary_std::uids;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How the frames of an image are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::io::dicom) enum Codec {
    Native,
    Rle,
    Jpeg,
    JpegLs,
    Jpeg2000,
    HighThroughputJpeg2000,
}

impl Codec {
    /// The decoder for a transfer syntax, or which one is missing.
    #[allow(deprecated, reason = "retired syntaxes are still in archives")]
    pub fn of(syntax: &str, pixels: &PixelPlace) -> Result<Self, Fault> {
        Ok(match syntax {
            _ if matches!(pixels, PixelPlace::Native { .. }) => Self::Native,
            uids::RLE_LOSSLESS => Self::Rle,
            uids::JPEG_BASELINE8_BIT
            | uids::JPEG_EXTENDED12_BIT
            | uids::JPEG_FULL_PROGRESSION_NON_HIERARCHICAL1012
            | uids::JPEG_LOSSLESS
            | uids::JPEG_LOSSLESS_SV1 => Self::Jpeg,
            uids::JPEGLS_LOSSLESS | uids::JPEGLS_NEAR_LOSSLESS => Self::JpegLs,
            uids::JPEG2000_LOSSLESS | uids::JPEG2000 => Self::Jpeg2000,
            uids::HTJ2K_LOSSLESS | uids::HTJ2K_LOSSLESS_RPCL | uids::HTJ2K => Self::HighThroughputJpeg2000,
            uids::ENCAPSULATED_UNCOMPRESSED_EXPLICIT_VR_LITTLE_ENDIAN => Self::Native,
            other => return Err(Fault::Unsupported(format!("DICOM compressed as {}", syntax_name(other)))),
        })
    }

    /// The samples of a frame as they would be without compression: colours of a pixel side by side, least significant
    /// byte first.
    pub(super) fn unpack(self, packed: &[u8], layout: Layout, syntax: &str) -> Result<Unpacked, Fault> {
        let as_said = |bytes| Unpacked { bytes, photometric: layout.photometric };
        // They only read, so nothing is left half changed by a panic.
        let decoded = catch_unwind(AssertUnwindSafe(|| match self {
            Self::Jpeg => jpeg(packed, layout),
            Self::JpegLs => jpeg_ls(packed, layout, syntax).map(as_said),
            Self::Jpeg2000 => jpeg_2000(packed, layout).map(as_said),
            Self::HighThroughputJpeg2000 => high_throughput(packed, layout, syntax).map(as_said),
            Self::Native | Self::Rle => Err(Failure::Damaged("it is not compressed so".to_owned())),
        }));
        match decoded {
            Ok(Ok(unpacked)) => Ok(unpacked),
            Ok(Err(Failure::Unsupported(what))) => Err(Fault::Unsupported(what)),
            Ok(Err(Failure::Damaged(reason))) => {
                Err(Fault::Damaged(format!("a slice cannot be decompressed: {reason}")))
            }
            Err(_) => Err(Fault::Damaged("a slice cannot be decompressed".to_owned())),
        }
    }
}

/// A frame without compression.
pub(super) struct Unpacked {
    pub bytes: Vec<u8>,
    /// What its samples mean: a JPEG picture may know better than the data set.
    pub photometric: Photometric,
}

enum Failure {
    Damaged(String),
    Unsupported(String),
}

impl<E: std::error::Error> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Damaged(error.to_string())
    }
}

/// The picture inside must have the size that the data set says.
fn same_size(layout: Layout, columns: usize, rows: usize, samples: usize) -> Result<(), Failure> {
    if (columns, rows, samples) == (layout.columns, layout.rows, layout.samples()) {
        return Ok(());
    }
    Err(Failure::Damaged(format!(
        "it is {columns} × {rows} with {samples} samples, the header says {} × {} with {}",
        layout.columns,
        layout.rows,
        layout.samples()
    )))
}

/// Numbers as little-endian bytes of the allocated width.
fn to_bytes(layout: Layout, samples: impl Iterator<Item = i64>) -> Vec<u8> {
    match layout.bits_allocated {
        8 => samples.map(|sample| sample as u8).collect(),
        16 => samples.flat_map(|sample| (sample as u16).to_le_bytes()).collect(),
        _ => samples.flat_map(|sample| (sample as u32).to_le_bytes()).collect(),
    }
}

/// The marker segments of a JPEG or JPEG 2000 picture up to its first scan or tile, as marker and content.
fn segments(packed: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    const SCAN: u8 = 0xDA;
    const TILE: u8 = 0x90;
    let mut rest = packed.get(2..).unwrap_or_default();
    std::iter::from_fn(move || {
        let &[0xFF, marker, high, low] = rest.first_chunk()? else { return None };
        let end = 2 + usize::from(u16::from_be_bytes([high, low]));
        let content = rest.get(4..end)?;
        rest = rest.get(end..)?;
        (marker != SCAN && marker != TILE).then_some((marker, content))
    })
}

fn jpeg(packed: &[u8], layout: Layout) -> Result<Unpacked, Failure> {
    use libjpeg_turbo_rs::{ColorSpace, Decoder, precision, probe};
    let info = probe(packed)?;
    same_size(layout, info.width, info.height, info.components)?;
    if info.precision > 8 {
        let precise: Vec<i64> = if info.lossless {
            precision::decompress_lossless_arbitrary(packed)?.data.into_iter().map(i64::from).collect()
        } else {
            precision::decompress_12bit(packed)?.data.into_iter().map(i64::from).collect()
        };
        return Ok(Unpacked { bytes: to_bytes(layout, precise.into_iter()), photometric: layout.photometric });
    }
    let mut decoder = Decoder::new(packed)?;
    // What the colours mean is told below, so they are left as they are stored.
    if info.components > 1 && info.color_space != ColorSpace::Rgb {
        decoder.set_output_colorspace(info.color_space);
    }
    let bytes = to_bytes(layout, decoder.decode_image()?.data.into_iter().map(i64::from));
    let told = if info.components == 3 && !info.lossless { told_colours(packed) } else { None };
    Ok(Unpacked { bytes, photometric: told.unwrap_or(layout.photometric) })
}

/// What the colours of a JPEG picture mean, where it says so: JFIF is always YCbCr, Adobe's segment tells.
fn told_colours(packed: &[u8]) -> Option<Photometric> {
    segments(packed).find_map(|(marker, content)| match (marker, content) {
        // Version, two words of flags, colour transform.
        (0xEE, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, 0, ..]) => Some(Photometric::Rgb),
        (0xE0, [b'J', b'F', b'I', b'F', 0, ..]) | (0xEE, [b'A', b'd', b'o', b'b', b'e', _, _, _, _, _, _, 1, ..]) => {
            Some(Photometric::Ybr)
        }
        _ => None,
    })
}

fn jpeg_ls(packed: &[u8], layout: Layout, syntax: &str) -> Result<Vec<u8>, Failure> {
    if layout.samples() > 1 {
        let name = syntax_name(syntax);
        return Err(Failure::Unsupported(format!("a colour picture compressed as {name}")));
    }
    let (samples, columns, rows) = jpegls::decode(packed, layout.columns as u32, layout.rows as u32)
        .map_err(|error| Failure::Damaged(format!("{error:?}")))?;
    same_size(layout, columns as usize, rows as usize, 1)?;
    Ok(to_bytes(layout, samples.into_iter().map(i64::from)))
}

/// What the header of a JPEG 2000 codestream says (ISO 15444-1 A.5.1 and A.6.1).
struct Header {
    columns: usize,
    rows: usize,
    components: usize,
    bits: u32,
    signed: bool,
    /// Whether three components are coded as one of brightness and two of colour.
    transformed: bool,
}

impl Header {
    fn of(packed: &[u8]) -> Option<Self> {
        // The codestream itself, or the box around it in a JP2 file.
        let start = packed.windows(4).take(1 << 12).position(|w| w == [0xFF, 0x4F, 0xFF, 0x51])?;
        let find = |wanted| segments(packed.get(start..)?).find(|&(marker, _)| marker == wanted).map(|(_, c)| c);
        let (siz, cod) = (find(0x51)?, find(0x52)?);
        let number = |at: usize| siz.get(at..)?.first_chunk().map(|&n| u32::from_be_bytes(n) as usize);
        let depth = *siz.get(36)?;
        Some(Self {
            columns: number(2)?.checked_sub(number(10)?)?,
            rows: number(6)?.checked_sub(number(14)?)?,
            components: usize::from(u16::from_be_bytes(*siz.get(34..)?.first_chunk()?)),
            // No more than 38 are allowed.
            bits: Some(u32::from(depth & 0x7F) + 1).filter(|&bits| bits <= 38)?,
            signed: depth & 0x80 != 0,
            transformed: *cod.get(4)? != 0,
        })
    }

    fn checked(packed: &[u8], layout: Layout) -> Result<Self, Failure> {
        let header = Self::of(packed).ok_or_else(|| Failure::Damaged("it has no JPEG 2000 header".to_owned()))?;
        same_size(layout, header.columns, header.rows, header.components)?;
        Ok(header)
    }
}

fn jpeg_2000(packed: &[u8], layout: Layout) -> Result<Vec<u8>, Failure> {
    use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};
    let header = Header::checked(packed, layout)?;
    let settings = DecodeSettings { resolve_palette_indices: false, ..DecodeSettings::default() };
    let image = Image::new(packed, &settings)?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context)?;
    let components = decoded.components();
    if components.iter().any(|c| c.samples().len() != layout.count()) {
        return Err(Failure::Damaged("its components have different sizes".to_owned()));
    }
    // Signed samples come with half of their range added. Lossy ones may lie beyond the ends of the range.
    let shift = if header.signed { 1_i64 << (header.bits - 1) } else { 0 };
    let highest = (1_i64 << header.bits) - 1;
    let samples = (0..layout.count()).flat_map(|n| components.iter().filter_map(move |c| c.samples().get(n)));
    Ok(to_bytes(layout, samples.map(|&sample| (sample.round() as i64).clamp(0, highest) - shift)))
}

fn high_throughput(packed: &[u8], layout: Layout, syntax: &str) -> Result<Vec<u8>, Failure> {
    use dicom_toolkit_jpeg2000::{DecodeSettings, Image};
    let header = Header::checked(packed, layout)?;
    if header.components > 1 && header.transformed {
        // The decoder returns such colours wrongly.
        let name = syntax_name(syntax);
        return Err(Failure::Unsupported(format!("a colour picture with a component transform compressed as {name}")));
    }
    let settings = DecodeSettings { resolve_palette_indices: false, ..DecodeSettings::default() };
    let decoded = Image::new(packed, &settings)?.decode_native()?;
    let words = decoded.data.as_chunks().0.iter();
    let samples: Vec<i64> = match (decoded.bit_depth <= 8, header.signed) {
        (true, false) => decoded.data.into_iter().map(i64::from).collect(),
        (true, true) => decoded.data.into_iter().map(|byte| byte.cast_signed().into()).collect(),
        (false, false) => words.map(|&word| u16::from_le_bytes(word).into()).collect(),
        (false, true) => words.map(|&word| i16::from_le_bytes(word).into()).collect(),
    };
    Ok(to_bytes(layout, samples.into_iter()))
}
