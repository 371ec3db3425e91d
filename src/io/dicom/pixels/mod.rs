//! The pixels of one DICOM frame as numbers: stored bits to integers, colours to grey (PS3.5 section 8, PS3.3 C.7.6.3).

mod codec;
mod frames;
mod opened;
mod rle;
mod table;

pub(super) use codec::Codec;
pub(super) use opened::Opened;
pub(super) use table::{ModalityTable, Palette, voi_table};

use super::dataset::DataSet;
use super::slice::Image;
use crate::io::{Fault, luminance};
use ::dicom::dictionary_std::tags;

/// What the samples of a pixel mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Photometric {
    Grey,
    Palette,
    Rgb,
    /// Luminance and two colour differences; the luminance is the grey.
    Ybr,
    /// The same, two pixels sharing their colour differences where the pixels are not compressed.
    Ybr422,
}

/// How the pixels of a frame are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub columns: usize,
    pub rows: usize,
    pub photometric: Photometric,
    /// All samples of one colour first.
    planar: bool,
    /// 1, 8, 16 or 32.
    bits_allocated: usize,
    /// Bits that hold the value, at most `high_bit + 1`.
    bits_stored: usize,
    /// The value's highest bit; those above may hold something else.
    high_bit: usize,
    /// Two's complement.
    signed: bool,
    /// Low values are bright (MONOCHROME1).
    pub inverted: bool,
}

/// The type that holds every value of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "named after the types")]
pub(super) enum Stored {
    U8,
    I8,
    U16,
    I16,
    U32,
    I32,
}

impl Layout {
    /// The layout of an image, or what about it cannot be opened.
    pub fn of(set: &DataSet<'_>) -> Result<Self, Fault> {
        let name = set.text(tags::PHOTOMETRIC_INTERPRETATION);
        let samples = set.whole(tags::SAMPLES_PER_PIXEL).unwrap_or(1);
        let photometric = match (name.as_str(), samples) {
            ("" | "MONOCHROME1" | "MONOCHROME2", 1) => Photometric::Grey,
            ("PALETTE COLOR", 1) => Photometric::Palette,
            ("RGB" | "YBR_RCT" | "YBR_ICT", 3) => Photometric::Rgb,
            ("YBR_FULL", 3) => Photometric::Ybr,
            ("YBR_FULL_422", 3) => Photometric::Ybr422,
            _ => {
                let what = format!("a DICOM picture with {samples} samples per pixel ({name})");
                return Err(Fault::Unsupported(what));
            }
        };
        let (Some(rows), Some(columns)) = (set.whole(tags::ROWS), set.whole(tags::COLUMNS)) else {
            return Err(Fault::Damaged("an image without rows or columns".to_owned()));
        };
        let bits_allocated = set.whole(tags::BITS_ALLOCATED).unwrap_or(16);
        let bits_stored = set.whole(tags::BITS_STORED).unwrap_or(bits_allocated);
        let high_bit = set.whole(tags::HIGH_BIT).unwrap_or(bits_stored.saturating_sub(1));
        if !matches!(bits_allocated, 1 | 8 | 16 | 32) {
            return Err(Fault::Unsupported(format!("a DICOM picture with {bits_allocated} bits per pixel")));
        }
        if rows == 0 || columns == 0 || bits_stored == 0 || bits_stored > high_bit + 1 || high_bit >= bits_allocated {
            return Err(Fault::Damaged("rows, columns or bits that cannot be".to_owned()));
        }
        if rows > 0xFFFF || columns > 0xFFFF {
            return Err(Fault::Damaged(format!("{columns} columns and {rows} rows, which DICOM does not allow")));
        }
        Ok(Self {
            columns,
            rows,
            photometric,
            planar: set.whole(tags::PLANAR_CONFIGURATION) == Some(1),
            bits_allocated,
            bits_stored,
            high_bit,
            signed: set.whole(tags::PIXEL_REPRESENTATION) == Some(1),
            inverted: name == "MONOCHROME1",
        })
    }

    /// That of one tile, where so many stand side by side.
    pub fn tile(self, across: usize) -> Self {
        Self { columns: self.columns / across, rows: self.rows / across, ..self }
    }

    /// Pixels of a frame.
    pub fn count(self) -> usize {
        self.rows * self.columns
    }

    /// Numbers per pixel.
    fn samples(self) -> usize {
        if matches!(self.photometric, Photometric::Grey | Photometric::Palette) { 1 } else { 3 }
    }

    /// Bits of a frame without compression.
    pub fn bits(self) -> usize {
        match self.photometric {
            Photometric::Ybr422 => self.count() * 2 * self.bits_allocated,
            _ => self.count() * self.samples() * self.bits_allocated,
        }
    }

    /// The type that a volume keeps the values in. `palette_bits` is that of the colours in a palette.
    pub fn stored(self, palette_bits: Option<usize>) -> Stored {
        let bits = match self.photometric {
            Photometric::Palette => palette_bits.unwrap_or(16),
            _ => self.bits_allocated,
        };
        match (bits, self.signed && self.photometric == Photometric::Grey) {
            (..=8, false) => Stored::U8,
            (..=8, true) => Stored::I8,
            (9..=16, false) => Stored::U16,
            (9..=16, true) => Stored::I16,
            (_, false) => Stored::U32,
            (_, true) => Stored::I32,
        }
    }

    /// The number in a stored sample, without what stands in the bits around it.
    fn value(self, sample: u32) -> i64 {
        let left = 31 - self.high_bit as u32;
        let right = 32 - self.bits_stored as u32;
        let shifted = sample << left;
        if self.signed { i64::from(shifted.cast_signed() >> right) } else { i64::from(shifted >> right) }
    }

    /// A number of the header that means a stored one, such as the padding value.
    pub fn signed_value(self, number: f64) -> f64 {
        with_sign(number, self.signed)
    }

    /// The lowest and the highest stored value that there can be.
    pub fn ends(self) -> [i64; 2] {
        let values = 1 << self.bits_stored;
        if self.signed { [-values / 2, values / 2 - 1] } else { [0, values - 1] }
    }
}

/// A number that may be written without its sign in 16 bits.
fn with_sign(number: f64, signed: bool) -> f64 {
    let wraps = signed && (32768.0..65536.0).contains(&number);
    if wraps { number - 65536.0 } else { number }
}

/// Fills `out`, row after row, with the numbers in the samples of a frame, which mean what `photometric` says.
fn fill<T>(
    image: &Image,
    data: &[u8],
    photometric: Photometric,
    planar: bool,
    out: &mut [T],
    convert: impl Fn(i64) -> T,
) {
    let layout = image.layout;
    if layout.photometric == Photometric::Grey {
        // The loops that millions of voxels go through.
        match layout.bits_allocated {
            8 => out.iter_mut().zip(data).for_each(|(o, &b)| *o = convert(layout.value(b.into()))),
            16 => {
                let words = data.as_chunks::<2>().0;
                out.iter_mut().zip(words).for_each(|(o, &w)| *o = convert(layout.value(u16::from_le_bytes(w).into())));
            }
            _ => out.iter_mut().enumerate().for_each(|(n, o)| *o = convert(layout.value(sample(data, layout, n)))),
        }
        return;
    }
    let pixels = layout.count();
    let at = |pixel: usize, colour: usize| {
        sample(data, layout, if planar { colour * pixels + pixel } else { 3 * pixel + colour })
    };
    let paired = photometric == Photometric::Ybr422 && image.codec == Codec::Native;
    for (pixel, out) in out.iter_mut().enumerate() {
        *out = convert(match (photometric, &image.palette) {
            (Photometric::Palette, Some(palette)) => palette.grey(layout.value(sample(data, layout, pixel))),
            (Photometric::Palette | Photometric::Grey, _) => layout.value(sample(data, layout, pixel)),
            (Photometric::Rgb, _) => luminance([0, 1, 2].map(|colour| at(pixel, colour).into())) as i64,
            _ if paired => i64::from(sample(data, layout, pixel / 2 * 4 + pixel % 2)),
            _ => i64::from(at(pixel, 0)),
        });
    }
}

/// The n-th stored sample, or 0 behind the end.
fn sample(data: &[u8], layout: Layout, n: usize) -> u32 {
    match layout.bits_allocated {
        1 => data.get(n / 8).map_or(0, |byte| u32::from(byte >> (n % 8) & 1)),
        8 => data.get(n).map_or(0, |&byte| byte.into()),
        16 => data.as_chunks().0.get(n).map_or(0, |&word| u16::from_le_bytes(word).into()),
        _ => data.as_chunks().0.get(n).map_or(0, |&word| u32::from_le_bytes(word)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIGNED: Layout = Layout {
        columns: 1,
        rows: 1,
        photometric: Photometric::Grey,
        planar: false,
        bits_allocated: 16,
        bits_stored: 12,
        high_bit: 11,
        signed: true,
        inverted: false,
    };

    #[test]
    fn only_the_stored_bits_count_and_carry_the_sign() {
        assert_eq!(SIGNED.value(0x0FFF), -1);
        assert_eq!(SIGNED.value(0xF7FF), 2047, "the upper four bits are someone else's");
        assert_eq!(Layout { signed: false, ..SIGNED }.value(0xFFFF), 4095);
        assert_eq!([SIGNED, Layout { signed: false, ..SIGNED }].map(Layout::ends), [[-2048, 2047], [0, 4095]]);
        assert_eq!(Layout { high_bit: 15, ..SIGNED }.value(0x8000), -2048);
        let full = Layout { bits_stored: 16, high_bit: 15, ..SIGNED };
        assert_eq!(full.value(0x8000), -32768);
        let byte = Layout { bits_allocated: 8, bits_stored: 8, high_bit: 7, ..SIGNED };
        assert_eq!((byte.value(0x80), Layout { signed: false, ..byte }.value(0x80)), (-128, 128));
        let wide = Layout { bits_allocated: 32, bits_stored: 32, high_bit: 31, signed: false, ..SIGNED };
        assert_eq!(wide.value(u32::MAX), 4_294_967_295);
    }
}
