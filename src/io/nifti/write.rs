//! Volumes to `.nii` and `.nii.gz`: NIfTI-1, the stored type and its rescaling kept, in this machine's byte order.

use super::affine::Qform;
use super::gzip;
use super::names::single_stem;
use crate::io::{Scan, WriteError};
use crate::volume::{Volume, Voxels, with_voxels};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// The header and four bytes of flags, which say that no extensions follow.
const FIRST_OFFSET: usize = 352;
/// In every header, as the notice that goes with everything this program writes.
const DESCRIPTION: &[u8] = b"Antrum; research use only";

/// Writes a volume; the name says whether it is compressed. Slope, intercept and matrix are stored as `f32`.
///
/// The bytes go to a file beside it that takes the name only when it is complete, so that a failure leaves whatever
/// was there before. A sheared grid is in the sform only: the qform then has code 0, because it could not be right.
///
/// # Errors
/// [`WriteError`] when the name, the size or the disk does not allow it.
pub fn write(path: &Path, volume: &Volume) -> Result<(), WriteError> {
    write_as(path, volume, true)
}

/// The same for a scan. Where it does not say how it lies in the patient, neither does the file: both codes are 0.
///
/// # Errors
/// As [`write()`].
pub fn write_scan(path: &Path, scan: &Scan) -> Result<(), WriteError> {
    write_as(path, &scan.volume, scan.checks.iter().all(|check| check.code != "no-orientation"))
}

fn write_as(path: &Path, volume: &Volume, oriented: bool) -> Result<(), WriteError> {
    if single_stem(path).is_none() {
        return Err(WriteError::Name { path: path.to_owned() });
    }
    let header = header(volume, oriented).map_err(|reason| WriteError::Unfit { path: path.to_owned(), reason })?;
    let packed = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"));
    let part = part_name(path);
    let written = write_part(&part, packed, &header, &volume.voxels).and_then(|()| fs::rename(&part, path));
    written.map_err(|source| {
        // The first error is the one to tell; a leftover part does no harm.
        let _ = fs::remove_file(&part);
        WriteError::Io { path: path.to_owned(), source }
    })
}

/// A hidden name in the same folder (renaming works only within one file system) that nobody else uses now.
fn part_name(path: &Path) -> PathBuf {
    let nanos = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_nanos());
    let mut name = OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.{nanos}.part", std::process::id()));
    path.with_file_name(name)
}

fn write_part(part: &Path, packed: bool, header: &[u8; FIRST_OFFSET], voxels: &Voxels) -> io::Result<()> {
    let file = OpenOptions::new().write(true).create_new(true).open(part)?;
    let bytes: &[u8] = with_voxels!(voxels, v => bytemuck::cast_slice(v));
    let file: File = if packed {
        let mut file = BufWriter::new(file);
        gzip::write(&mut file, header, bytes)?;
        file.into_inner().map_err(io::IntoInnerError::into_error)?
    } else {
        let mut file = file;
        file.write_all(header)?;
        file.write_all(bytes)?;
        file
    };
    file.sync_all()
}

/// Header and the four flag bytes behind it, by the offsets of `nifti1.h`; or why the volume does not fit.
fn header(volume: &Volume, oriented: bool) -> Result<[u8; FIRST_OFFSET], String> {
    let grid = &volume.grid;
    if grid.count() != volume.voxels.len() {
        return Err(format!("{} voxels for a grid of {}", volume.voxels.len(), grid.count()));
    }
    let mut dim = [1_i16; 8];
    dim[0] = 3;
    for (dim, &size) in dim[1..].iter_mut().zip(&grid.size) {
        *dim = i16::try_from(size).map_err(|_| format!("a side of {size} voxels; 32767 is the most"))?;
    }
    let (datatype, bits): (i16, i16) = match volume.voxels {
        Voxels::U8(_) => (2, 8),
        Voxels::I8(_) => (256, 8),
        Voxels::U16(_) => (512, 16),
        Voxels::I16(_) => (4, 16),
        Voxels::U32(_) => (768, 32),
        Voxels::I32(_) => (8, 32),
        Voxels::U64(_) => (1280, 64),
        Voxels::I64(_) => (1024, 64),
        Voxels::F32(_) => (16, 32),
        Voxels::F64(_) => (64, 64),
    };
    let qform = Qform::of(grid);
    let spacing = grid.spacing_mm();
    let origin = grid.world_from_voxel.translation;
    let m = grid.world_from_voxel.matrix3;

    let mut bytes = [0_u8; FIRST_OFFSET];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &348_i32.to_ne_bytes());
    put(38, b"r");
    put(40, bytemuck::cast_slice(&dim));
    put(70, &datatype.to_ne_bytes());
    put(72, &bits.to_ne_bytes());
    put(76, bytemuck::cast_slice(&[qform.qfac, spacing.x, spacing.y, spacing.z].map(|v| v as f32)));
    put(108, &(FIRST_OFFSET as f32).to_ne_bytes());
    put(112, bytemuck::cast_slice(&[volume.rescale.slope, volume.rescale.intercept].map(|v| v as f32)));
    put(123, &[2]); // xyzt_units: millimetres
    put(148, DESCRIPTION);
    put(252, &i16::from(oriented && qform.faithful).to_ne_bytes()); // qform_code: 1 is the scanner's coordinates
    put(254, &i16::from(oriented).to_ne_bytes()); // sform_code
    put(256, bytemuck::cast_slice(&qform.bcd.to_array().map(|v| v as f32)));
    put(268, bytemuck::cast_slice(&origin.to_array().map(|v| v as f32)));
    for row in 0..3 {
        let values = [m.x_axis[row], m.y_axis[row], m.z_axis[row], origin[row]].map(|v| v as f32);
        put(280 + 16 * row, bytemuck::cast_slice(&values));
    }
    put(344, b"n+1\0");
    Ok(bytes)
}
