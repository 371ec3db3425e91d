//! The pixels of one DICOM slice as numbers: stored bits to integers (PS3.5 section 8, PS3.3 C.7.6.3).

use crate::io::Fault;
use ::dicom::core::value::Value;
use ::dicom::dictionary_std::tags;
use ::dicom::object::{DefaultDicomObject, InMemDicomObject};
use ::dicom::pixeldata::PixelDecoder as _;
use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How the pixels of a slice are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub columns: usize,
    pub rows: usize,
    /// 8 or 16.
    pub bits_allocated: u16,
    /// Bits that hold the value, at most `high_bit + 1`.
    pub bits_stored: u16,
    /// The value's highest bit; those above may hold something else.
    pub high_bit: u16,
    /// Two's complement.
    pub signed: bool,
}

impl Layout {
    /// The layout of a grey-scale image, or what about it cannot be opened.
    pub fn of(object: &InMemDicomObject) -> Result<Self, Fault> {
        let number = |tag| object.get(tag).and_then(|e| e.to_int::<u16>().ok());
        let text = |tag| object.get(tag).and_then(|e| e.to_str().ok()).unwrap_or_default();
        if object.get(tags::NUMBER_OF_FRAMES).and_then(|e| e.to_int::<u32>().ok()).is_some_and(|n| n > 1) {
            return Err(Fault::Unsupported("a DICOM file with several frames".to_owned()));
        }
        let photometric = text(tags::PHOTOMETRIC_INTERPRETATION);
        let photometric = photometric.trim_end_matches(['\0', ' ']);
        if !matches!(photometric, "" | "MONOCHROME1" | "MONOCHROME2") || number(tags::SAMPLES_PER_PIXEL) > Some(1) {
            return Err(Fault::Unsupported(format!("a DICOM picture in colour ({photometric})")));
        }
        let (Some(rows), Some(columns)) = (number(tags::ROWS), number(tags::COLUMNS)) else {
            return Err(Fault::Damaged("an image without rows or columns".to_owned()));
        };
        let bits_allocated = number(tags::BITS_ALLOCATED).unwrap_or(16);
        let bits_stored = number(tags::BITS_STORED).unwrap_or(bits_allocated);
        let high_bit = number(tags::HIGH_BIT).unwrap_or(bits_stored.saturating_sub(1));
        if !matches!(bits_allocated, 8 | 16) {
            return Err(Fault::Unsupported(format!("a DICOM picture with {bits_allocated} bits per pixel")));
        }
        if rows == 0 || columns == 0 || bits_stored == 0 || bits_stored > high_bit + 1 || high_bit >= bits_allocated {
            return Err(Fault::Damaged("rows, columns or bits that cannot be".to_owned()));
        }
        let signed = number(tags::PIXEL_REPRESENTATION) == Some(1);
        Ok(Self { columns: columns.into(), rows: rows.into(), bits_allocated, bits_stored, high_bit, signed })
    }

    /// Pixels of the slice.
    pub fn count(self) -> usize {
        self.rows * self.columns
    }

    /// Bytes of the slice without compression.
    pub fn bytes(self) -> usize {
        self.count() * usize::from(self.bits_allocated / 8)
    }

    /// The number in a stored sample, without what stands in the bits around it.
    fn value(self, sample: u16) -> i32 {
        let left = 31 - u32::from(self.high_bit);
        let right = 32 - u32::from(self.bits_stored);
        let shifted = u32::from(sample) << left;
        if self.signed { shifted.cast_signed() >> right } else { (shifted >> right).cast_signed() }
    }
}

/// Fills `out`, row after row, with the stored numbers of a slice as `convert` makes them.
pub(super) fn decode<T>(
    object: &DefaultDicomObject,
    layout: Layout,
    out: &mut [T],
    convert: impl Fn(i32) -> T,
) -> Result<(), Fault> {
    let bytes = bytes(object)?;
    if bytes.len() < layout.bytes() {
        return Err(Fault::Damaged(format!("a slice has {} of {} bytes", bytes.len(), layout.bytes())));
    }
    if layout.bits_allocated == 8 {
        for (out, &byte) in out.iter_mut().zip(bytes.iter()) {
            *out = convert(layout.value(byte.into()));
        }
    } else {
        for (out, pair) in out.iter_mut().zip(bytes.as_chunks::<2>().0) {
            *out = convert(layout.value(u16::from_le_bytes(*pair)));
        }
    }
    Ok(())
}

/// The samples as little-endian bytes: as they are, or decompressed by whatever decoder is built in.
fn bytes(object: &DefaultDicomObject) -> Result<Cow<'_, [u8]>, Fault> {
    let element = object.get(tags::PIXEL_DATA).ok_or_else(|| Fault::Damaged("a slice without pixels".to_owned()))?;
    match element.value() {
        // Words of a big-endian file come out in this machine's order, which is little-endian wherever wgpu runs.
        Value::Primitive(samples) => Ok(samples.to_bytes()),
        // Some of the decoders panic on damaged data. They only read, so nothing is left half changed.
        _ => match catch_unwind(AssertUnwindSafe(|| object.decode_pixel_data_frame(0))) {
            Ok(Ok(decoded)) => Ok(decoded.into_data().into()),
            Ok(Err(error)) => Err(Fault::Damaged(format!("a slice cannot be decompressed: {error}"))),
            Err(_) => Err(Fault::Damaged("a slice cannot be decompressed".to_owned())),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_stored_bits_count_and_carry_the_sign() {
        let signed = Layout { columns: 1, rows: 1, bits_allocated: 16, bits_stored: 12, high_bit: 11, signed: true };
        assert_eq!(signed.value(0x0FFF), -1);
        assert_eq!(signed.value(0xF7FF), 2047, "the upper four bits are someone else's");
        assert_eq!(Layout { signed: false, ..signed }.value(0xFFFF), 4095);
        assert_eq!(Layout { high_bit: 15, ..signed }.value(0x8000), -2048);
        let full = Layout { bits_stored: 16, high_bit: 15, ..signed };
        assert_eq!(full.value(0x8000), -32768);
        let byte = Layout { bits_allocated: 8, bits_stored: 8, high_bit: 7, ..signed };
        assert_eq!((byte.value(0x80), Layout { signed: false, ..byte }.value(0x80)), (-128, 128));
    }
}
