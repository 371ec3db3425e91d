//! The bytes of a NIfTI file, inflated as they are needed, and voxels out of them.
//!
//! Inflating goes through zlib-rs in pieces, straight into the voxels' final place: it can stop at any time, hands out
//! the first slice early, passes over other volumes without holding them and needs no second copy. libdeflate is a third
//! faster on the inflating alone, but only on a whole file in one call, with room for all its volumes and no way to stop.

use super::header::Header;
use crate::io::source::MOST_INFLATED;
use crate::io::{CHUNK, Fault, Preview};
use crate::job::Progress;
use crate::volume::Voxels;
use bytemuck::Pod;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, BufRead, ErrorKind, Read};

pub(super) const GZIP: [u8; 2] = [0x1f, 0x8b];
/// How many bytes are inflated at once: little enough to stay in the cache until they have been used.
const PIECE: usize = 256 << 10;

/// The content of a file, inflated where it is compressed.
pub(super) enum Stream<R> {
    Plain(R),
    Packed(Box<MultiGzDecoder<R>>),
}

impl<R: BufRead> Stream<R> {
    pub fn new(mut bytes: R) -> Self {
        let packed = bytes.fill_buf().is_ok_and(|start| start.starts_with(&GZIP));
        if packed { Self::Packed(Box::new(MultiGzDecoder::new(bytes))) } else { Self::Plain(bytes) }
    }

    /// The most content that so many bytes of a file can hold.
    pub fn most(&self, file: usize) -> usize {
        match self {
            Self::Plain(_) => file,
            Self::Packed(_) => file.saturating_mul(MOST_INFLATED as usize),
        }
    }

    /// Passes over `count` bytes.
    pub fn skip(&mut self, count: usize, progress: &Progress) -> Result<(), Fault> {
        let mut piece = vec![0; count.min(PIECE)];
        let mut left = count;
        while left > 0 {
            progress.step(0.0, "looking for the volume")?;
            let part = &mut piece[..left.min(PIECE)];
            self.read_exact(part).map_err(|e| read_fault(&e))?;
            left -= part.len();
        }
        Ok(())
    }

    /// Reads on to the end, which makes the decoder compare its checksum. What lies far behind does not matter.
    pub fn finish(&mut self) -> Result<(), Fault> {
        if let Self::Packed(decoder) = self {
            io::copy(&mut decoder.take(CHUNK as u64), &mut io::sink()).map_err(|e| read_fault(&e))?;
        }
        Ok(())
    }
}

impl<R: BufRead> Read for Stream<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(bytes) => bytes.read(buffer),
            Self::Packed(decoder) => decoder.read(buffer),
        }
    }
}

/// Bytes per voxel of a data type that can be opened.
pub(super) fn width(datatype: i16) -> Result<usize, Fault> {
    let name = match datatype {
        2 | 256 => return Ok(1),
        4 | 512 => return Ok(2),
        8 | 16 | 768 => return Ok(4),
        64 | 1024 | 1280 => return Ok(8),
        1 => "a picture of single bits",
        32 | 1792 | 2048 => "a picture of complex numbers",
        128 | 2304 => "a colour (RGB) picture",
        1536 => "a picture of 128-bit numbers",
        other => return Err(Fault::Damaged(format!("{other} is not a NIfTI data type"))),
    };
    Err(Fault::Unsupported(name.to_owned()))
}

/// Reads the voxels of one volume; hands out its middle slice as soon as it is there.
pub(super) struct Load<'a, R> {
    pub header: &'a Header,
    pub size: [usize; 3],
    pub spacing_mm: [f64; 2],
    pub stream: &'a mut Stream<R>,
    /// How much memory may be asked for before that much has come.
    pub likely: usize,
    pub preview: Option<&'a (dyn Fn(Preview) + Sync)>,
    pub progress: &'a Progress,
}

impl<R: BufRead> Load<'_, R> {
    pub fn voxels(&mut self) -> Result<Voxels, Fault> {
        Ok(match self.header.datatype {
            2 => Voxels::U8(self.values(f64::from)?),
            4 => Voxels::I16(self.values(f64::from)?),
            8 => Voxels::I32(self.values(f64::from)?),
            16 => Voxels::F32(self.values(f64::from)?),
            64 => Voxels::F64(self.values(f64::from)?),
            256 => Voxels::I8(self.values(f64::from)?),
            512 => Voxels::U16(self.values(f64::from)?),
            768 => Voxels::U32(self.values(f64::from)?),
            1024 => Voxels::I64(self.values(|v| v as f64)?),
            1280 => Voxels::U64(self.values(|v| v as f64)?),
            other => return Err(Fault::Damaged(format!("{other} is not a NIfTI data type"))),
        })
    }

    fn values<T: Pod + Default>(&mut self, real: fn(T) -> f64) -> Result<Vec<T>, Fault> {
        let [ni, nj, nk] = self.size;
        let (slice, total) = (ni * nj, ni * nj * nk);
        let middle = nk / 2 * slice..(nk / 2 + 1) * slice;
        let mut values: Vec<T> = Vec::new();
        while values.len() < total {
            self.progress.step(values.len() as f32 / total as f32, "unpacking")?;
            let start = values.len();
            if start == values.capacity() {
                // First what is likely, then twice as much: a header that lies gets little.
                let room = (self.likely / size_of::<T>()).max(start).min(total - start);
                values.try_reserve_exact(room).map_err(|_| Fault::TooLarge(self.size))?;
            }
            let room = (values.capacity() - start).min(total - start);
            values.resize(start + room.min(PIECE / size_of::<T>()), T::default());
            let piece: &mut [u8] = bytemuck::cast_slice_mut(&mut values[start..]);
            self.stream.read_exact(piece).map_err(|e| read_fault(&e))?;
            if self.header.swapped {
                piece.chunks_exact_mut(size_of::<T>()).for_each(<[u8]>::reverse);
            }
            if let Some(show) = self.preview.take_if(|_| values.len() >= middle.end) {
                let values: Vec<f64> = values[middle.clone()].iter().map(|&v| real(v)).collect();
                let inverted = self.header.rescale().slope < 0.0;
                show(Preview::of_values([ni, nj], self.spacing_mm, &values, inverted));
            }
        }
        Ok(values)
    }
}

/// Reading from bytes in memory fails only where they end too early or do not inflate.
pub(super) fn read_fault(error: &io::Error) -> Fault {
    Fault::Damaged(match error.kind() {
        ErrorKind::UnexpectedEof => "the file ends too early".to_owned(),
        _ => format!("the compressed data are wrong: {error}"),
    })
}
