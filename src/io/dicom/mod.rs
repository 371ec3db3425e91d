//! A series of DICOM slices as one volume.
//!
//! Four steps, one file each: [`scan`] reads headers (once [`lengths`] found them sane), [`series`] groups and orders
//! them, [`geometry`] makes the matrix, [`pixels`] turns stored bits into numbers. Here they are put together.

mod geometry;
mod lengths;
mod pixels;
mod scan;
mod series;
#[cfg(test)]
mod tests;

use super::{Check, Fault, Format, OpenError, Scan, io_error, sha256, zeros};
use crate::job::Progress;
use crate::space::Grid;
use crate::volume::{Rescale, Unit, Volume, Voxels};
use ::dicom::dictionary_std::tags;
use ::dicom::object::OpenFileOptions;
use ::dicom::object::file::ReadPreamble;
use rayon::prelude::*;
use scan::{Found, Slice};
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Opens the largest stack of slices in a folder and the folders inside it.
pub(super) fn read_folder(folder: &Path, progress: &Progress) -> Result<Scan, OpenError> {
    let mut found = scan::scan(folder, true, &progress.part(0.0, 0.3))?;
    let stacks = series::stacks(std::mem::take(&mut found.slices));
    let count = stacks.len();
    let Some(stack) = stacks.into_iter().next() else { return Err(nothing(folder, found)) };
    let mut checks = left_out(&found);
    if count > 1 {
        let message = format!(
            "The folder holds {count} series; this is the largest, with {} slices. \
             To see another one, open one of its files.",
            stack.len()
        );
        checks.push(Check::new("several-series", message));
    }
    assemble(folder, stack, checks, &progress.part(0.3, 1.0))
}

/// Opens the stack that a file belongs to, from the other files in its folder.
pub(super) fn read_file(file: &Path, progress: &Progress) -> Result<Scan, OpenError> {
    let unplaced = || Fault::NotAScan("the DICOM file holds no picture".to_owned()).at(file);
    let wanted = scan::read_slice(file).map_err(|fault| fault.at(file))?.ok_or_else(unplaced)?;
    let folder = match file.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let mut found = scan::scan(folder, false, &progress.part(0.0, 0.3))?;
    let stacks = series::stacks(std::mem::take(&mut found.slices));
    let name = file.file_name();
    let stack = stacks.into_iter().find(|stack| stack.iter().any(|s| s.path.file_name() == name));
    assemble(file, stack.unwrap_or_else(|| vec![wanted]), left_out(&found), &progress.part(0.3, 1.0))
}

/// Why there is nothing to open in a folder.
fn nothing(folder: &Path, found: Found) -> OpenError {
    let path = folder.to_owned();
    let Found { files, nifti, damaged, unsupported, .. } = found;
    if let Some(what) = unsupported.into_iter().next() {
        return OpenError::Unsupported { path, what };
    }
    if let Some(reason) = damaged.into_iter().next() {
        return OpenError::Damaged { path, reason };
    }
    let reason = match (files, nifti) {
        (0, _) => "it is empty".to_owned(),
        (_, 0) => format!("none of its {files} files is a DICOM image"),
        (_, 1) => "it holds 1 NIfTI file; open it instead".to_owned(),
        _ => format!("it holds {nifti} NIfTI files; open one of them instead"),
    };
    OpenError::NoSeries { path, reason }
}

fn left_out(found: &Found) -> Vec<Check> {
    let mut checks = Vec::new();
    if let Some(first) = found.damaged.first() {
        let message = format!("{} damaged files were left out ({first}).", found.damaged.len());
        checks.push(Check::new("damaged-files", message));
    }
    if let Some(first) = found.unsupported.first() {
        let message = format!("{} files were left out ({first}).", found.unsupported.len());
        checks.push(Check::new("unsupported-files", message));
    }
    checks
}

fn assemble(path: &Path, stack: Vec<Slice>, mut checks: Vec<Check>, progress: &Progress) -> Result<Scan, OpenError> {
    let stack = series::order(stack, &mut checks);
    let [first, ..] = stack.as_slice() else {
        return Err(OpenError::NoSeries { path: path.to_owned(), reason: "it is empty".to_owned() });
    };
    checks.extend(series::irregularities(&stack));
    let last = stack.last().unwrap_or(first);
    if stack.len() == 1 {
        checks.push(Check::new("single-slice", "The series has one slice only."));
    }
    let thickness_mm = first.thickness_mm.unwrap_or(1.0);
    let world_from_voxel = geometry::world_from_voxel(&first.plane, &last.plane, stack.len(), thickness_mm);
    let size = [first.layout.columns, first.layout.rows, stack.len()];
    let grid = Grid::new(size, world_from_voxel).map_err(|e| Fault::Damaged(e.to_string()).at(path))?;
    let (voxels, rescale, sha256) = voxels(path, &stack, size, &mut checks, progress)?;

    let unit = if first.modality == "CT" { Unit::Hounsfield } else { Unit::Arbitrary };
    let volume = Volume { grid, voxels, rescale, unit };
    if unit == Unit::Hounsfield && first.rescale.is_some() && volume.statistics().min > NEARLY_AIR_HU {
        let message = "No voxel of this CT is as low as air (-1000 HU); its numbers may not be Hounsfield units.";
        checks.push(Check::new("implausible-hu", message));
    }
    if unit == Unit::Hounsfield && first.rescale.is_none() {
        let message = "The CT has no rescale slope and intercept; its numbers may not be Hounsfield units.";
        checks.push(Check::new("no-rescale", message));
    }
    if first.inverted {
        checks.push(Check::new(
            "monochrome1",
            "The file asks to be shown inverted (MONOCHROME1): low values are bright.",
        ));
    }
    let known = |text: &str, otherwise: &str| if text.is_empty() { otherwise.to_owned() } else { text.to_owned() };
    let middle = stack.get(stack.len() / 2).unwrap_or(first);
    Ok(Scan {
        volume,
        path: Some(path.to_owned()),
        format: Format::Dicom,
        modality: known(&first.modality, "unknown"),
        description: known(&first.description, "DICOM series"),
        windows: middle.window.into_iter().collect(),
        checks,
        sha256,
    })
}

/// Every CT of a head shows some air; noise and partial volume stay below this.
const NEARLY_AIR_HU: f64 = -500.0;

/// Decodes all slices, in the stored type where they share it and its rescaling, as real `f32` values otherwise.
fn voxels(
    path: &Path,
    stack: &[Slice],
    size: [usize; 3],
    checks: &mut Vec<Check>,
    progress: &Progress,
) -> Result<(Voxels, Rescale, String), OpenError> {
    let stored = |s: &Slice| (s.layout.bits_allocated, s.layout.signed, s.rescale);
    let Some(first) = stack.first().map(stored) else {
        return Err(OpenError::NoSeries { path: path.to_owned(), reason: "it is empty".to_owned() });
    };
    let load = Load { path, stack, size, progress };
    if stack.iter().any(|s| stored(s) != first) {
        checks
            .push(Check::new("varying-rescale", "The slices are scaled differently; their real values were computed."));
        let real = |s: &Slice, v: i32| s.rescale.unwrap_or(Rescale::NONE).apply(v.into()) as f32;
        let (voxels, sha256) = load.run(Voxels::F32, real)?;
        return Ok((voxels, Rescale::NONE, sha256));
    }
    let (voxels, sha256) = match (first.0, first.1) {
        (8, false) => load.run(Voxels::U8, |_, v| v as u8),
        (8, true) => load.run(Voxels::I8, |_, v| v as i8),
        (_, false) => load.run(Voxels::U16, |_, v| v as u16),
        (_, true) => load.run(Voxels::I16, |_, v| v as i16),
    }?;
    Ok((voxels, first.2.unwrap_or(Rescale::NONE), sha256))
}

/// Reads and decodes the slices side by side, each into its place in the volume.
struct Load<'a> {
    path: &'a Path,
    stack: &'a [Slice],
    size: [usize; 3],
    progress: &'a Progress,
}

impl Load<'_> {
    fn run<T: Clone + Default + Send>(
        &self,
        wrap: impl Fn(Vec<T>) -> Voxels,
        convert: impl Fn(&Slice, i32) -> T + Sync,
    ) -> Result<(Voxels, String), OpenError> {
        let mut values = zeros::<T>(self.size).map_err(|fault| fault.at(self.path))?;
        let done = AtomicUsize::new(0);
        let slices = values.par_chunks_mut(self.size[0] * self.size[1]).zip(self.stack);
        let digests = slices.map(|(out, slice)| {
            let fraction = done.fetch_add(1, Ordering::Relaxed) as f32 / self.stack.len() as f32;
            self.progress.step(fraction, "reading slices")?;
            let bytes = fs::read(&slice.path).map_err(|e| io_error(&slice.path, e))?;
            let options = OpenFileOptions::new().read_preamble(ReadPreamble::Always).read_to(tags::PIXEL_DATA);
            let object = options.from_reader(bytes.as_slice());
            let object = object.map_err(|e| Fault::Damaged(e.to_string()).at(&slice.path))?;
            let decoded = pixels::decode(&object, slice.layout, out, |v| convert(slice, v));
            decoded.map_err(|fault| fault.at(&slice.path))?;
            Ok(sha256(&bytes))
        });
        let mut digests = digests.collect::<Result<Vec<_>, OpenError>>()?;
        digests.sort_unstable();
        Ok((wrap(values), sha256(digests.concat().as_bytes())))
    }
}
