//! A file whose pixels were found, so that each of its frames costs only its own decoding.

use super::frames::Frames;
use super::{Codec, Layout, Photometric, fill, rle};
use crate::io::Fault;
use crate::io::dicom::dataset::{PixelPlace, Stop};
use crate::io::dicom::file::Body;
use crate::io::dicom::slice::Image;
use std::borrow::Cow;
use std::ops::Range;

/// The pixels of one file.
pub(in crate::io::dicom) struct Opened<'a> {
    image: &'a Image,
    body: Body<'a>,
    pixels: Pixels,
}

enum Pixels {
    /// Frame after frame, as they are; in words of 16 bits, also where a sample is smaller, if so said.
    Native {
        place: Range<usize>,
        words: bool,
    },
    Compressed(Frames),
    /// The whole picture of a mosaic, which all slices are cut from.
    Whole(Frame<'static>),
}

/// The samples of a frame, least significant byte first.
struct Frame<'a> {
    bytes: Cow<'a, [u8]>,
    /// All samples of one colour first.
    planar: bool,
    photometric: Photometric,
}

impl<'a> Opened<'a> {
    /// Finds the pixels in the bytes of a whole file.
    pub fn of(image: &'a Image, bytes: &'a [u8]) -> Result<Self, Fault> {
        let stopped = |stop| match stop {
            Stop::Fault(fault) => fault,
            Stop::More => Fault::Damaged("the file changed while it was read".to_owned()),
        };
        let body = Body::of(bytes).map_err(stopped)?;
        let stored_frames = if image.mosaic.is_some() { 1 } else { image.frames };
        let pixels = {
            let (set, place) = body.data_set().map_err(stopped)?;
            match place {
                Some(PixelPlace::Native { place, words }) => Pixels::Native { place, words },
                Some(PixelPlace::Fragments(start)) => {
                    Pixels::Compressed(Frames::of(&set, body.data(), start, stored_frames)?)
                }
                None => return Err(Fault::Damaged("an image without pixels".to_owned())),
            }
        };
        let mut opened = Self { image, body, pixels };
        if let Some((_, whole)) = image.mosaic {
            let picture = opened.stored(whole, 0)?;
            let bytes = picture.bytes.into_owned().into();
            opened.pixels = Pixels::Whole(Frame { bytes, planar: picture.planar, photometric: picture.photometric });
        }
        Ok(opened)
    }

    /// Fills `out`, row after row, with the stored numbers of a frame as `convert` makes them.
    pub fn decode<T>(&self, frame: usize, out: &mut [T], convert: impl Fn(i64) -> T) -> Result<(), Fault> {
        let layout = self.image.layout;
        let frame = match (&self.pixels, &self.image.mosaic) {
            (Pixels::Whole(picture), Some((mosaic, whole))) => {
                let bytes = tile(&picture.bytes, *whole, layout, mosaic.across, frame).into();
                Frame { bytes, planar: picture.planar, photometric: picture.photometric }
            }
            _ => self.stored(layout, frame)?,
        };
        fill(self.image, &frame.bytes, frame.photometric, frame.planar, out, convert);
        Ok(())
    }

    /// A frame as the file has it, which is complete.
    fn stored(&self, layout: Layout, frame: usize) -> Result<Frame<'_>, Fault> {
        let (bytes, planar, photometric): (Cow<'_, [u8]>, _, _) = match &self.pixels {
            Pixels::Native { place, words } => {
                let pixels = self.body.data().get(place.clone()).unwrap_or_default();
                let bytes = native(layout, pixels, frame, self.body.big_endian(), *words)?;
                (bytes, layout.planar, layout.photometric)
            }
            Pixels::Compressed(frames) => {
                let packed = frames.frame(self.body.data(), frame)?;
                match self.image.codec {
                    Codec::Native => (packed, layout.planar, layout.photometric),
                    Codec::Rle => (rle::unpack(&packed, layout)?.into(), true, layout.photometric),
                    codec => {
                        let unpacked = codec.unpack(&packed, layout, &self.image.syntax)?;
                        (unpacked.bytes.into(), false, unpacked.photometric)
                    }
                }
            }
            Pixels::Whole(picture) => (Cow::Borrowed(&*picture.bytes), picture.planar, picture.photometric),
        };
        let bits = match (self.image.codec, layout.photometric) {
            // Decoders give every pixel its own colour differences.
            (codec, Photometric::Ybr422) if codec != Codec::Native => layout.count() * 3 * layout.bits_allocated,
            _ => layout.bits(),
        };
        let needed = bits.div_ceil(8);
        if bytes.len() < needed {
            return Err(Fault::Damaged(format!("a slice has {} of {needed} bytes", bytes.len())));
        }
        Ok(Frame { bytes, planar, photometric })
    }
}

/// One tile of a mosaic, counted row by row.
fn tile(data: &[u8], whole: Layout, tile: Layout, across: usize, number: usize) -> Vec<u8> {
    let width = whole.bits_allocated / 8;
    let (first_row, first_column) = (number / across * tile.rows, number % across * tile.columns);
    let rows = (first_row..first_row + tile.rows).flat_map(|row| {
        let start = (row * whole.columns + first_column) * width;
        data.get(start..start + tile.columns * width).unwrap_or_default()
    });
    rows.copied().collect()
}

/// The bytes of a frame that is not compressed, least significant byte first.
fn native(layout: Layout, pixels: &[u8], frame: usize, big: bool, words: bool) -> Result<Cow<'_, [u8]>, Fault> {
    // Samples smaller than the big-endian words they were written in: the bytes of each word change places, whichever
    // frame they belong to.
    let paired = big && words && layout.bits_allocated <= 8;
    let byte = |n: usize| pixels.get(if paired { n ^ 1 } else { n }).copied();
    let bits = layout.bits();
    let missing = || Fault::Damaged(format!("frame {} is not in the file", frame + 1));
    if layout.bits_allocated == 1 {
        // Frames of bits follow one another without a gap, also in the middle of a byte.
        let first = frame * bits;
        let bit = |n: usize| byte(n / 8).is_some_and(|byte| byte >> (n % 8) & 1 == 1);
        let shifted = (0..bits.div_ceil(8))
            .map(|byte| (0..8).fold(0_u8, |value, b| value | u8::from(bit(first + 8 * byte + b)) << b));
        return Ok(Cow::Owned(shifted.collect()));
    }
    let place = frame * bits / 8..(frame + 1) * bits / 8;
    if paired {
        return place.map(byte).collect::<Option<Vec<u8>>>().map(Cow::Owned).ok_or_else(missing);
    }
    let bytes = pixels.get(place).ok_or_else(missing)?;
    let swap = |width: usize| {
        let mut swapped = bytes.to_vec();
        swapped.chunks_exact_mut(width).for_each(<[u8]>::reverse);
        swapped
    };
    Ok(match (big, layout.bits_allocated) {
        (true, 16) => swap(2).into(),
        (true, 32) => swap(4).into(),
        _ => bytes.into(),
    })
}
