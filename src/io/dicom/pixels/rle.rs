//! Run-length encoded frames (PS3.5 annex G), unpacked here because the decoder of dicom-rs panics on damaged ones.

use super::Layout;
use crate::io::Fault;

/// Bytes of the header: how many segments, and where up to 15 of them start.
const HEADER: usize = 64;

/// The samples of a frame, all of one colour first, least significant byte first.
pub(super) fn unpack(packed: &[u8], layout: Layout) -> Result<Vec<u8>, Fault> {
    let damaged = |reason: &str| Fault::Damaged(format!("a slice cannot be decompressed: {reason}"));
    let header = packed.get(..HEADER).ok_or_else(|| damaged("its run-length header is missing"))?.as_chunks().0;
    let number = |n: usize| header.get(n).map_or(0, |&word| u32::from_le_bytes(word) as usize);
    let (width, pixels) = (layout.bits_allocated / 8, layout.count());
    let segments = layout.samples() * width;
    if width == 0 || number(0) != segments {
        return Err(damaged(&format!("it has {} run-length segments, not {segments}", number(0))));
    }
    if packed.len().saturating_mul(128) < pixels {
        return Err(damaged("it is too short"));
    }
    let mut out = vec![0; pixels * segments];
    for segment in 0..segments {
        let (start, next) = (number(1 + segment), number(2 + segment));
        let end = if segment + 1 < segments && next > start { next.min(packed.len()) } else { packed.len() };
        let bytes = packed.get(start..end).ok_or_else(|| damaged("a segment lies behind its end"))?;
        // Each segment holds one byte of each sample, the most significant first.
        let (colour, byte) = (segment / width, width - 1 - segment % width);
        let plane = out.get_mut(colour * pixels * width..).unwrap_or_default();
        let filled = unpack_segment(bytes, plane.iter_mut().skip(byte).step_by(width).take(pixels));
        if filled < pixels {
            return Err(damaged(&format!("a segment has {filled} of {pixels} bytes")));
        }
    }
    Ok(out)
}

/// Unpacks runs into `out`; how many places were filled.
fn unpack_segment<'a>(mut bytes: &[u8], mut out: impl Iterator<Item = &'a mut u8>) -> usize {
    let mut filled = 0;
    let mut put = |value: u8| out.next().map(|place| *place = value).is_some();
    while let Some((&control, rest)) = bytes.split_first() {
        let control = control.cast_signed();
        let used = match (control, rest.first()) {
            (0.., _) => {
                let literal = rest.get(..=control as usize).unwrap_or(rest);
                filled += literal.iter().take_while(|&&value| put(value)).count();
                literal.len()
            }
            (-127.., Some(&value)) => {
                filled += (0..1 - isize::from(control)).take_while(|_| put(value)).count();
                1
            }
            // -128 does nothing, and so does a run without a value at the end.
            _ => 0,
        };
        bytes = rest.get(used..).unwrap_or_default();
    }
    filled
}
