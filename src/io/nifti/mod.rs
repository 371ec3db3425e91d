//! NIfTI-1: one file with a 348-byte header and the voxels behind it, often compressed with gzip.
//!
//! The header's fields come from the `nifti` crate; what they mean is worked out here from checked values, because a
//! file may hold anything. Layout and rules are those of the standard's `nifti1.h`.

mod affine;
#[cfg(test)]
mod tests;
mod write;

pub use write::write;

use super::source::Source;
use super::{CHUNK, Check, Fault, Format, OpenError, ReadOptions, Role, Scan, Series};
use crate::job::Progress;
use crate::view::Window;
use crate::volume::{Rescale, Unit, Volume, Voxels};
use ::nifti::{Endianness, NiftiHeader};
use bytemuck::Pod;
use flate2::bufread::MultiGzDecoder;
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Bytes of a NIfTI-1 header.
pub(super) const HEADER_SIZE: usize = 348;
/// Where the voxels of a single-file NIfTI start at the earliest: behind the header and four bytes of flags.
const FIRST_OFFSET: usize = 352;
const GZIP: [u8; 2] = [0x1f, 0x8b];
/// Deflate makes nothing smaller than a 1032nd, so a file of n bytes never inflates to more than 1032 n.
const MOST_INFLATED: usize = 1032;

/// Whether the first [`HEADER_SIZE`] bytes may be those of a NIfTI file of any kind.
pub(super) fn looks_like(start: &[u8]) -> bool {
    start.starts_with(&GZIP) || matches!(start.get(344..348), Some(b"n+1\0" | b"ni1\0")) || is_nifti_2(start)
}

fn is_nifti_2(start: &[u8]) -> bool {
    matches!(start.get(4..8), Some(b"n+2\0" | b"ni2\0"))
}

/// The file's name without `.nii` or `.nii.gz`; none if it ends otherwise.
pub(super) fn stem(path: &Path) -> Option<&str> {
    let name = path.file_name()?.to_str()?;
    [".nii.gz", ".nii"].iter().find_map(|ending| {
        let cut = name.len().checked_sub(ending.len())?;
        name.get(cut..)?.eq_ignore_ascii_case(ending).then(|| &name[..cut])
    })
}

/// The header of a pair, for the path of either of its files; any other path as it is.
pub(super) fn header_of_pair(path: &Path) -> PathBuf {
    path.to_owned()
}

/// What the header says.
pub(super) fn series(source: &Source) -> Result<Series, Fault> {
    let start = source.start(HEADER_SIZE as u64).map_err(|e| Fault::Damaged(e.to_string()))?;
    let mut bytes = [0_u8; HEADER_SIZE];
    let mut reader: Box<dyn Read + '_> =
        if start.starts_with(&GZIP) { Box::new(MultiGzDecoder::new(&start[..])) } else { Box::new(&start[..]) };
    reader.read_exact(&mut bytes).map_err(|e| read_fault(&e))?;
    let (size, frames) = size_and_frames(&header(&bytes)?)?;
    Ok(Series {
        id: source.name(),
        format: Format::Nifti,
        modality: "unknown".to_owned(),
        description: stem(source.path()).unwrap_or("NIfTI").to_owned(),
        size,
        frames,
        files: 1,
        role: Role::Volume,
    })
}

/// Reads a NIfTI file, whatever its name.
///
/// # Errors
/// [`OpenError`] when the file cannot be read, is not NIfTI-1, or contradicts itself.
pub(super) fn read(source: &Source, _options: &ReadOptions<'_>, progress: &Progress) -> Result<Scan, OpenError> {
    let path = source.path();
    let bytes = source.read(&progress.part(0.0, 0.3))?;
    let (sha256, parsed) = rayon::join(|| super::sha256(&bytes), || parse(&bytes, &progress.part(0.3, 1.0)));
    let Parsed { volume, windows, checks } = parsed.map_err(|fault| fault.at(path))?;
    Ok(Scan {
        volume,
        path: Some(path.to_owned()),
        format: Format::Nifti,
        modality: "unknown".to_owned(),
        description: stem(path).unwrap_or("NIfTI").to_owned(),
        windows: windows.into_iter().map(|w| (String::new(), w)).collect(),
        frames: 1,
        frame: 0,
        padding: None,
        checks,
        sha256,
    })
}

struct Parsed {
    volume: Volume,
    windows: Vec<Window>,
    checks: Vec<Check>,
}

fn parse(bytes: &[u8], progress: &Progress) -> Result<Parsed, Fault> {
    let packed = bytes.starts_with(&GZIP);
    let most = if packed { bytes.len().saturating_mul(MOST_INFLATED) } else { bytes.len() };
    let mut source: Box<dyn Read + '_> = if packed { Box::new(MultiGzDecoder::new(bytes)) } else { Box::new(bytes) };

    let mut start = [0_u8; HEADER_SIZE];
    source.read_exact(&mut start).map_err(|e| read_fault(&e))?;
    let header = header(&start)?;
    let (size, frames) = size_and_frames(&header)?;
    let offset = offset(&header)?;

    let mut checks = Vec::new();
    let grid = affine::grid(&header, size, &mut checks)?;
    let needed = width(header.datatype)?.checked_mul(grid.count()).ok_or(Fault::TooLarge(size))?;
    if offset.saturating_add(needed) > most {
        let reason = format!("{needed} bytes of voxels are announced, but the file has {}", bytes.len());
        return Err(Fault::Damaged(reason));
    }
    io::copy(&mut (&mut source).take((offset - HEADER_SIZE) as u64), &mut io::sink()).map_err(|e| read_fault(&e))?;
    let voxels = voxels(&header, size, &mut source, progress)?;

    if frames > 1 {
        let message = format!("The file holds {frames} volumes; this is the first.");
        checks.push(Check::new("first-frame", message));
    } else if packed {
        // Reading on to the end makes the decoder compare its checksum.
        io::copy(&mut source.take(CHUNK as u64), &mut io::sink()).map_err(|e| read_fault(&e))?;
    }
    let (low, high) = (f64::from(header.cal_min), f64::from(header.cal_max));
    let windows =
        if low.is_finite() && high.is_finite() && low < high { vec![Window::between(low, high)] } else { vec![] };
    let volume = Volume { grid, voxels, rescale: rescale(&header), unit: Unit::Arbitrary };
    Ok(Parsed { volume, windows, checks })
}

/// The header's fields, after a look at what kind of header it is.
fn header(start: &[u8; HEADER_SIZE]) -> Result<NiftiHeader, Fault> {
    if is_nifti_2(start) {
        return Err(Fault::Unsupported("NIfTI-2".to_owned()));
    }
    match start.get(344..348) {
        Some(b"n+1\0") => {}
        Some(b"ni1\0") => return Err(Fault::Unsupported("a pair of header and image files (.hdr, .img)".to_owned())),
        _ => return Err(Fault::NotAScan("it has no NIfTI header".to_owned())),
    }
    let header = NiftiHeader::from_reader(start.as_slice()).map_err(|e| Fault::Damaged(e.to_string()))?;
    if header.sizeof_hdr != HEADER_SIZE as i32 {
        return Err(Fault::Damaged(format!("the header gives its own size as {}", header.sizeof_hdr)));
    }
    Ok(header)
}

/// Voxels along i, j and k, and how many such volumes follow one another.
fn size_and_frames(header: &NiftiHeader) -> Result<([usize; 3], usize), Fault> {
    let dimensions = usize::from(header.dim[0]);
    if !(1..=7).contains(&dimensions) {
        return Err(Fault::Damaged(format!("it has {dimensions} dimensions")));
    }
    let mut size = [1; 7];
    for (size, &dim) in size.iter_mut().zip(&header.dim[1..=dimensions]) {
        if dim == 0 || dim > i16::MAX as u16 {
            return Err(Fault::Damaged(format!("one of its sides is {} voxels long", dim.cast_signed())));
        }
        *size = usize::from(dim);
    }
    let [i, j, k, rest @ ..] = size;
    Ok(([i, j, k], rest.iter().product()))
}

/// Where the voxels start. Some writers leave the field 0, which means "right behind the header".
fn offset(header: &NiftiHeader) -> Result<usize, Fault> {
    let offset = header.vox_offset;
    if offset == 0.0 {
        Ok(FIRST_OFFSET)
    } else if offset >= FIRST_OFFSET as f32 && offset < 1e9 {
        Ok(offset as usize)
    } else {
        Err(Fault::Damaged(format!("its voxels are said to start at byte {offset}")))
    }
}

fn rescale(header: &NiftiHeader) -> Rescale {
    let (slope, intercept) = (f64::from(header.scl_slope), f64::from(header.scl_inter));
    if slope == 0.0 || !slope.is_finite() {
        return Rescale::NONE;
    }
    Rescale { slope, intercept: if intercept.is_finite() { intercept } else { 0.0 } }
}

/// Bytes per voxel of a data type that can be opened.
fn width(datatype: i16) -> Result<usize, Fault> {
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

fn voxels(header: &NiftiHeader, size: [usize; 3], source: &mut dyn Read, progress: &Progress) -> Result<Voxels, Fault> {
    let swapped = header.endianness != Endianness::native();
    let mut load = Load { size, swapped, source, progress };
    Ok(match header.datatype {
        2 => Voxels::U8(load.values()?),
        4 => Voxels::I16(load.values()?),
        8 => Voxels::I32(load.values()?),
        16 => Voxels::F32(load.values()?),
        64 => Voxels::F64(load.values()?),
        256 => Voxels::I8(load.values()?),
        512 => Voxels::U16(load.values()?),
        768 => Voxels::U32(load.values()?),
        1024 => Voxels::I64(load.values()?),
        1280 => Voxels::U64(load.values()?),
        other => return Err(Fault::Damaged(format!("{other} is not a NIfTI data type"))),
    })
}

/// Reads voxels straight into their final place, so that no second copy is ever held.
struct Load<'a> {
    size: [usize; 3],
    swapped: bool,
    source: &'a mut dyn Read,
    progress: &'a Progress,
}

impl Load<'_> {
    fn values<T: Pod + Default>(&mut self) -> Result<Vec<T>, Fault> {
        let mut values = super::zeros::<T>(self.size)?;
        let raw: &mut [u8] = bytemuck::cast_slice_mut(&mut values);
        let total = raw.len();
        for (number, part) in raw.chunks_mut(CHUNK).enumerate() {
            self.progress.step((number * CHUNK) as f32 / total as f32, "unpacking")?;
            self.source.read_exact(part).map_err(|e| read_fault(&e))?;
            // CHUNK is a multiple of every width, so no voxel is cut in two.
            if self.swapped {
                part.chunks_exact_mut(size_of::<T>()).for_each(<[u8]>::reverse);
            }
        }
        Ok(values)
    }
}

/// Reading from bytes in memory fails only where they end too early or do not inflate.
fn read_fault(error: &io::Error) -> Fault {
    Fault::Damaged(match error.kind() {
        ErrorKind::UnexpectedEof => "the file ends too early".to_owned(),
        _ => format!("the compressed data are wrong: {error}"),
    })
}
