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

use super::source::Source;
use super::{Check, Fault, Format, OpenError, Preview, ReadOptions, Role, Scan, Series, io_error, sha256, zeros};
use crate::job::Progress;
use crate::space::Grid;
use crate::volume::{Rescale, Unit, Volume, Voxels};
use ::dicom::dictionary_std::tags;
use ::dicom::object::OpenFileOptions;
use ::dicom::object::file::ReadPreamble;
use rayon::prelude::*;
pub(super) use scan::Slice;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Slices that form one volume.
pub(super) struct Stack(Vec<Slice>);

impl Stack {
    pub fn series(&self) -> Series {
        let Some(first) = self.0.first() else { unreachable!("a stack has slices") };
        Series {
            id: first.series.clone(),
            format: Format::Dicom,
            modality: first.modality.clone(),
            description: first.description.clone(),
            size: [first.layout.columns, first.layout.rows, self.0.len()],
            frames: 1,
            files: self.0.len(),
            role: Role::Volume,
        }
    }

    pub fn holds(&self, path: &Path) -> bool {
        self.0.iter().any(|s| s.path == path)
    }

    pub fn read(&self, path: &Path, _options: &ReadOptions<'_>, progress: &Progress) -> Result<Scan, OpenError> {
        assemble(path, self.0.clone(), Vec::new(), progress)
    }

    pub fn preview(&self, path: &Path) -> Result<Preview, OpenError> {
        let scan = assemble(path, self.0.clone(), Vec::new(), &Progress::default())?;
        Ok(Preview::of_values([1, 1], [1.0, 1.0], &[scan.volume.voxels.get(0)], false))
    }
}

pub(super) fn looks_like(start: &[u8]) -> bool {
    start.get(128..132) == Some(b"DICM")
}

pub(super) fn directory(_source: &Source) -> Result<Option<Vec<Source>>, OpenError> {
    Ok(None)
}

pub(super) fn slices(source: &Source) -> Result<Vec<Slice>, Fault> {
    Ok(scan::read_slice(source.path())?.into_iter().collect())
}

pub(super) fn stacks(slices: Vec<Slice>) -> Vec<Stack> {
    series::stacks(slices).into_iter().map(Stack).collect()
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
        windows: middle.window.into_iter().map(|w| (String::new(), w)).collect(),
        frames: 1,
        frame: 0,
        padding: None,
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
