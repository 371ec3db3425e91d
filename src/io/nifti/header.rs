//! The fields of a header, whichever of the three kinds it is: NIfTI-1, NIfTI-2 or Analyze 7.5.
//!
//! The fields of NIfTI-1 come from the `nifti` crate, which knows neither of the others; those of NIfTI-2 are read here
//! by the offsets of `nifti2.h`. Analyze 7.5 is laid out as NIfTI-1 is, without the fields that tell the position. What
//! the fields mean is worked out from checked values, because a file may hold anything.

use crate::io::Fault;
use crate::volume::Rescale;
use ::nifti::NiftiHeader;
use std::io::{ErrorKind, Read};

/// Bytes of a NIfTI-1 or Analyze header.
pub(in crate::io) const HEADER_SIZE: usize = 348;
/// Bytes of a NIfTI-2 header.
const HEADER_2_SIZE: usize = 540;

/// Where the voxels are, and how far the header can be trusted about the patient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Layout {
    /// Behind the header, in the same file.
    Single,
    /// In an image file of the same name.
    Pair,
    /// As in a pair, from the time before NIfTI. With SPM's origin: the voxel, counted from 1, at the world's origin.
    Analyze { origin: [i16; 3] },
}

/// What a header says. Numbers are as stored; the methods check them.
#[derive(Clone, Debug)]
pub(super) struct Header {
    pub layout: Layout,
    /// Whether the bytes of each number stand in the order that is not this machine's.
    pub swapped: bool,
    pub datatype: i16,
    /// Handedness of the qform, then the voxel's sides.
    pub pixdim: [f64; 4],
    pub units: i32,
    pub qform_code: i32,
    pub sform_code: i32,
    /// b, c and d of the quaternion.
    pub quatern: [f64; 3],
    pub qoffset: [f64; 3],
    pub srow: [[f64; 4]; 3],
    /// `cal_min` and `cal_max`.
    pub shown: [f64; 2],
    size: usize,
    dim: [i64; 8],
    vox_offset: f64,
    slope: f64,
    intercept: f64,
}

/// Whether a file that starts so has a header of any of the three kinds. The start of a NIfTI-1 is enough.
pub(super) fn is_header(start: &[u8]) -> bool {
    is_nifti_2(start) || magic_1(start).is_some() || order_1(start).is_some()
}

fn is_nifti_2(start: &[u8]) -> bool {
    matches!(start.get(4..7), Some(b"n+2" | b"ni2"))
}

fn magic_1(start: &[u8]) -> Option<Layout> {
    match start.get(344..348)? {
        b"n+1\0" => Some(Layout::Single),
        b"ni1\0" => Some(Layout::Pair),
        _ => None,
    }
}

/// Whether the numbers are swapped in what starts with the size of a NIfTI-1 header and a sane number of dimensions.
fn order_1(start: &[u8]) -> Option<bool> {
    let (size, dimensions) = (start.first_chunk::<4>()?, start.get(40..42)?.first_chunk::<2>()?);
    let fits = |size: i32, dimensions: i16| size == HEADER_SIZE as i32 && (1..=7).contains(&dimensions);
    if fits(i32::from_ne_bytes(*size), i16::from_ne_bytes(*dimensions)) {
        Some(false)
    } else if fits(i32::from_ne_bytes(*size).swap_bytes(), i16::from_ne_bytes(*dimensions).swap_bytes()) {
        Some(true)
    } else {
        None
    }
}

impl Header {
    /// Reads a header and nothing behind it.
    pub fn read(source: &mut dyn Read) -> Result<Self, Fault> {
        let mut bytes = Vec::with_capacity(HEADER_2_SIZE);
        let mut more = |bytes: &mut Vec<u8>, up_to: usize| {
            let wanted = (up_to - bytes.len()) as u64;
            (&mut *source).take(wanted).read_to_end(bytes).map_err(|e| super::read_fault(&e))
        };
        more(&mut bytes, HEADER_SIZE)?;
        if is_nifti_2(&bytes) {
            more(&mut bytes, HEADER_2_SIZE)?;
            return Self::of_2(bytes.first_chunk().ok_or_else(ends_early)?);
        }
        let sized = matches!(bytes.get(..4), Some([0x5c, 1, 0, 0] | [0, 0, 1, 0x5c]));
        match bytes.first_chunk() {
            Some(bytes) => Self::of_1(bytes),
            None if sized => Err(ends_early()),
            None => Err(not_nifti(&bytes)),
        }
    }

    fn of_1(bytes: &[u8; HEADER_SIZE]) -> Result<Self, Fault> {
        let origin = || {
            let swapped = order_1(bytes)?;
            // SPM keeps it in the field `originator`, which begins at an odd place.
            let at = |n: usize| i16::from_ne_bytes([bytes[253 + 2 * n], bytes[254 + 2 * n]]);
            let origin = [at(0), at(1), at(2)];
            Some(Layout::Analyze { origin: if swapped { origin.map(i16::swap_bytes) } else { origin } })
        };
        let layout = magic_1(bytes).or_else(origin).ok_or_else(|| not_nifti(bytes))?;
        let mut marked = *bytes;
        // The crate accepts no header without.
        marked[344..].copy_from_slice(b"ni1\0");
        let header = NiftiHeader::from_reader(marked.as_slice()).map_err(|e| Fault::Damaged(e.to_string()))?;
        if header.sizeof_hdr != HEADER_SIZE as i32 {
            return Err(Fault::Damaged(format!("the header gives its own size as {}", header.sizeof_hdr)));
        }
        let [handedness, i, j, k, ..] = header.pixdim.map(f64::from);
        let mut fields = Self {
            layout,
            swapped: header.endianness != ::nifti::Endianness::native(),
            datatype: header.datatype,
            pixdim: [handedness, i, j, k],
            units: header.xyzt_units.into(),
            qform_code: header.qform_code.into(),
            sform_code: header.sform_code.into(),
            quatern: [header.quatern_b, header.quatern_c, header.quatern_d].map(f64::from),
            qoffset: [header.quatern_x, header.quatern_y, header.quatern_z].map(f64::from),
            srow: [header.srow_x, header.srow_y, header.srow_z].map(|row| row.map(f64::from)),
            shown: [header.cal_min, header.cal_max].map(f64::from),
            size: HEADER_SIZE,
            dim: header.dim.map(|dim| dim.cast_signed().into()),
            vox_offset: header.vox_offset.into(),
            slope: header.scl_slope.into(),
            intercept: header.scl_inter.into(),
        };
        if matches!(layout, Layout::Analyze { .. }) {
            // Other things stood there before.
            (fields.units, fields.qform_code, fields.sform_code) = (0, 0, 0);
        }
        Ok(fields)
    }

    fn of_2(bytes: &[u8; HEADER_2_SIZE]) -> Result<Self, Fault> {
        let size = i32::from_ne_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
        let swapped = match size {
            _ if size == HEADER_2_SIZE as i32 => false,
            _ if size.swap_bytes() == HEADER_2_SIZE as i32 => true,
            _ => return Err(Fault::Damaged(format!("the header gives its own size as {size}"))),
        };
        // The mark ends in characters that copying as text would change.
        let layout = match &bytes[4..12] {
            b"n+2\0\r\n\x1a\n" => Layout::Single,
            b"ni2\0\r\n\x1a\n" => Layout::Pair,
            _ => return Err(Fault::Damaged("its NIfTI-2 mark is broken, as if copied as text".to_owned())),
        };
        let fields = Fields { bytes, swapped };
        Ok(Self {
            layout,
            swapped,
            datatype: i16::from_ne_bytes(fields.at(12)),
            pixdim: fields.f64s(104),
            units: i32::from_ne_bytes(fields.at(500)),
            qform_code: i32::from_ne_bytes(fields.at(344)),
            sform_code: i32::from_ne_bytes(fields.at(348)),
            quatern: fields.f64s(352),
            qoffset: fields.f64s(376),
            srow: [400, 432, 464].map(|at| fields.f64s(at)),
            shown: [200, 192].map(|at| f64::from_ne_bytes(fields.at(at))),
            size: HEADER_2_SIZE,
            dim: std::array::from_fn(|n| i64::from_ne_bytes(fields.at(16 + 8 * n))),
            vox_offset: i64::from_ne_bytes(fields.at(168)) as f64,
            slope: f64::from_ne_bytes(fields.at(176)),
            intercept: f64::from_ne_bytes(fields.at(184)),
        })
    }

    /// Voxels along i, j and k, and how many such volumes follow one another.
    pub fn size_and_frames(&self) -> Result<([usize; 3], usize), Fault> {
        let [dimensions, dims @ ..] = self.dim;
        if !(1..=7).contains(&dimensions) {
            return Err(Fault::Damaged(format!("it has {dimensions} dimensions")));
        }
        let mut size = [1; 7];
        for (size, &dim) in size.iter_mut().zip(&dims).take(dimensions as usize) {
            let positive = usize::try_from(dim).ok().filter(|&dim| dim > 0);
            *size = positive.ok_or_else(|| Fault::Damaged(format!("one of its sides is {dim} voxels long")))?;
        }
        let [i, j, k, rest @ ..] = size;
        let frames = rest.iter().try_fold(1_usize, |n, &s| n.checked_mul(s));
        Ok(([i, j, k], frames.ok_or(Fault::TooLarge([i, j, k]))?))
    }

    /// Where the voxels start. Some writers leave the field 0, which means "right behind the header".
    pub fn offset(&self) -> Result<usize, Fault> {
        // Four bytes that tell of header extensions come in between.
        let earliest = if self.layout == Layout::Single { self.size + 4 } else { 0 };
        let offset = self.vox_offset;
        if offset == 0.0 {
            Ok(earliest)
        } else if offset >= earliest as f64 && offset < 1e15 {
            Ok(offset as usize)
        } else {
            Err(Fault::Damaged(format!("its voxels are said to start at byte {offset}")))
        }
    }

    /// From stored to real numbers. A slope of 0 means no scaling; one that is no number cannot mean more.
    pub fn rescale(&self) -> Rescale {
        if self.slope == 0.0 || !self.slope.is_finite() {
            return Rescale::NONE;
        }
        Rescale { slope: self.slope, intercept: if self.intercept.is_finite() { self.intercept } else { 0.0 } }
    }
}

/// Numbers in a NIfTI-2 header, brought into this machine's byte order.
struct Fields<'a> {
    bytes: &'a [u8; HEADER_2_SIZE],
    swapped: bool,
}

impl Fields<'_> {
    fn at<const N: usize>(&self, offset: usize) -> [u8; N] {
        let mut bytes: [u8; N] = std::array::from_fn(|n| self.bytes[offset + n]);
        if self.swapped {
            bytes.reverse();
        }
        bytes
    }

    fn f64s<const N: usize>(&self, offset: usize) -> [f64; N] {
        std::array::from_fn(|n| f64::from_ne_bytes(self.at(offset + 8 * n)))
    }
}

fn ends_early() -> Fault {
    super::read_fault(&ErrorKind::UnexpectedEof.into())
}

/// What something is that inflates but is no NIfTI.
fn not_nifti(bytes: &[u8]) -> Fault {
    let number = |at: usize| bytes.get(at..at + 4)?.first_chunk().map(|b| i32::from_be_bytes(*b));
    // Version 1, then three sides, frames and a type (0, 1, 3 or 4), big-endian.
    let sides = [4, 8, 12, 16].iter().all(|&at| number(at).is_some_and(|side| side > 0));
    if number(0) == Some(1) && sides && matches!(number(20), Some(0 | 1 | 3 | 4)) {
        return Fault::Unsupported("a FreeSurfer volume (.mgh, .mgz)".to_owned());
    }
    Fault::NotAScan("it has no NIfTI header".to_owned())
}
