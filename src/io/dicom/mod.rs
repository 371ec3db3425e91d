//! A series of DICOM slices as one volume.
//!
//! One step, one file: [`mod@file`] finds the data set in a file and [`dataset`] reads it, [`mod@slice`] takes from it what is
//! needed of each frame ([`mosaic`] for those that hold a volume in one), [`series`] groups and orders the slices, [`geometry`] makes the matrix, [`pixels`] turns stored
//! bits into numbers, [`even`] resamples on request. Here they are put together.

mod dataset;
mod even;
mod file;
mod geometry;
mod mosaic;
mod pixels;
mod series;
mod slice;
#[cfg(test)]
mod tests;
mod volumes;

pub(super) use file::looks_like;
pub(super) use slice::{Slice, directory, slices};

use super::{Check, Fault, Format, OpenError, Preview, ReadOptions, Scan, Series, sha256, zeros};
use crate::job::Progress;
use crate::space::Grid;
use crate::volume::{Rescale, Unit, Volume, Voxels};
use pixels::{Photometric, Stored};
use rayon::prelude::*;
use series::Grouped;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Every CT of a head shows some air; noise and partial volume stay below this.
const NEARLY_AIR_HU: f64 = -500.0;

/// Slices that form one volume, or several that follow one another.
pub(super) struct Stack(Grouped);

/// The stacks that slices form.
pub(super) fn stacks(slices: Vec<Slice>) -> Vec<Stack> {
    series::group(slices).into_iter().map(Stack).collect()
}

impl Stack {
    fn first(&self) -> Option<&Slice> {
        self.0.volumes.first()?.first()
    }

    /// As a list shows it.
    pub fn series(&self) -> Series {
        let image = self.first().map(|s| &s.image);
        let size = image.map_or([0, 0], |i| [i.layout.columns, i.layout.rows]);
        Series {
            id: self.0.id.clone(),
            format: Format::Dicom,
            modality: image.map_or_else(String::new, |i| known(&i.modality, "unknown")),
            description: image.map_or_else(String::new, |i| known(&i.description, "DICOM series")),
            size: [size[0], size[1], self.0.volumes.first().map_or(0, Vec::len)],
            frames: self.0.volumes.len(),
            files: self.0.files.len(),
            role: self.0.role,
        }
    }

    /// Whether this file belongs to the stack, even if it is left out because another slice lies at its place.
    pub fn holds(&self, path: &Path) -> bool {
        self.0.files.contains(path)
    }

    /// Reads one of its volumes.
    pub fn read(&self, path: &Path, options: &ReadOptions<'_>, progress: &Progress) -> Result<Scan, OpenError> {
        let Some((volume, first)) = self.0.volumes.get(options.frame).and_then(|v| Some((v, v.first()?))) else {
            return Err(Fault::NoFrame { frame: options.frame, frames: self.0.volumes.len() }.at(path));
        };
        if let Some(show) = options.preview {
            show(self.middle(path, options.frame)?);
        }
        let mut checks = self.0.checks.clone();
        checks.extend(series::irregularities(volume));
        let grid = grid(volume).map_err(|fault| fault.at(path))?;
        let (voxels, rescale, sha256) = voxels(path, volume, grid.size, &mut checks, progress)?;
        let unit = if first.image.modality == "CT" { Unit::Hounsfield } else { Unit::Arbitrary };
        let mut picture = Volume { grid, voxels, rescale, unit };
        if options.even
            && let Some((resampled, check)) = even::resample(&picture, volume)
        {
            picture = resampled.unwrap_or(picture);
            checks.push(check);
        }
        let padding = first.image.padding.map(|stored| first.rescale.unwrap_or(Rescale::NONE).apply(stored));
        checks.extend(Self::remarks(first, &picture, padding));
        let middle = volume.get(volume.len() / 2).unwrap_or(first);
        Ok(Scan {
            volume: picture,
            path: Some(path.to_owned()),
            format: Format::Dicom,
            modality: known(&first.image.modality, "unknown"),
            description: known(&first.image.description, "DICOM series"),
            windows: middle.windows.clone(),
            frames: self.0.volumes.len(),
            frame: options.frame,
            inverted: first.image.inverted,
            padding,
            checks,
            sha256,
        })
    }

    /// The middle slice of its first volume.
    pub fn preview(&self, path: &Path) -> Result<Preview, OpenError> {
        self.middle(path, 0)
    }

    fn middle(&self, path: &Path, frame: usize) -> Result<Preview, OpenError> {
        let slice = self.0.volumes.get(frame).and_then(|v| v.get(v.len() / 2));
        let Some(slice) = slice else {
            return Err(OpenError::NoSeries { path: path.to_owned(), reason: "it is empty".to_owned() });
        };
        let image = &slice.image;
        let bytes = image.source.read(&Progress::default())?;
        let mut values = vec![0.0; image.layout.count()];
        let decoded = pixels::decode(image, &bytes, slice.frame, &mut values, |v| v as f64);
        decoded.map_err(|fault| fault.at(image.source.path()))?;
        let size = [image.layout.columns, image.layout.rows];
        Ok(Preview::of_values(size, slice.plane.spacing_mm, &values, image.inverted))
    }

    /// What a reader should know about the numbers and the place of a volume.
    fn remarks(first: &Slice, volume: &Volume, padding: Option<f64>) -> Vec<Check> {
        let image = &first.image;
        let mut checks = Vec::new();
        let mut tell = |applies: bool, code, message: String| {
            if applies {
                checks.push(Check::new(code, message));
            }
        };
        let single = volume.grid.size[2] == 1;
        tell(single && first.placed, "single-slice", "The series has one slice only.".to_owned());
        tell(
            !first.placed,
            "no-orientation",
            "The picture does not say where it lies in the patient; left and right may be swapped.".to_owned(),
        );
        let ct = volume.unit == Unit::Hounsfield;
        tell(
            ct && first.rescale.is_none(),
            "no-rescale",
            "The CT has no rescale slope and intercept; its numbers may not be Hounsfield units.".to_owned(),
        );
        let low = volume.statistics().min;
        tell(
            ct && first.rescale.is_some() && low > NEARLY_AIR_HU,
            "implausible-hu",
            "No voxel of this CT is as low as air (-1000 HU); its numbers may not be Hounsfield units.".to_owned(),
        );
        tell(image.inverted, "monochrome1", "Low values are shown bright, as the file asks (MONOCHROME1).".to_owned());
        tell(
            image.layout.photometric != Photometric::Grey,
            "colour-as-grey",
            "The picture is in colour; its luminance is shown.".to_owned(),
        );
        tell(
            image.private_scale,
            "private-scale",
            "The file has Philips' private scale to precise values too; the scale of the standard is used.".to_owned(),
        );
        if let Some(padding) = padding.filter(|&padding| low == padding) {
            let message = format!("Voxels without a measurement hold {padding} (pixel padding).");
            checks.push(Check::new("pixel-padding", message));
        }
        checks
    }
}

fn known(text: &str, otherwise: &str) -> String {
    if text.is_empty() { otherwise.to_owned() } else { text.to_owned() }
}

fn grid(volume: &[Slice]) -> Result<Grid, Fault> {
    let [first, ..] = volume else { return Err(Fault::Damaged("a stack without slices".to_owned())) };
    let last = volume.last().unwrap_or(first);
    let thickness_mm = first.thickness_mm.unwrap_or(1.0);
    let world_from_voxel = geometry::world_from_voxel(&first.plane, &last.plane, volume.len(), thickness_mm);
    let layout = first.image.layout;
    let size = [layout.columns, layout.rows, volume.len()];
    Grid::new(size, world_from_voxel).map_err(|e| Fault::Damaged(e.to_string()))
}

/// Decodes all slices, in the stored type where they share it and its rescaling, as real `f32` values otherwise.
fn voxels(
    path: &Path,
    volume: &[Slice],
    size: [usize; 3],
    checks: &mut Vec<Check>,
    progress: &Progress,
) -> Result<(Voxels, Rescale, String), OpenError> {
    let stored = |s: &Slice| (s.image.layout.stored(s.image.palette.as_ref().map(|p| p.bits)), s.rescale);
    let Some(first) = volume.first().map(stored) else {
        return Err(OpenError::NoSeries { path: path.to_owned(), reason: "it is empty".to_owned() });
    };
    let load = Load { path, volume, size, progress };
    if volume.iter().any(|s| stored(s) != first) {
        checks
            .push(Check::new("varying-rescale", "The slices are scaled differently; their real values were computed."));
        let real = |s: &Slice, v: i64| s.rescale.unwrap_or(Rescale::NONE).apply(v as f64) as f32;
        let (voxels, sha256) = load.run(Voxels::F32, real)?;
        return Ok((voxels, Rescale::NONE, sha256));
    }
    let (voxels, sha256) = match first.0 {
        Stored::U8 => load.run(Voxels::U8, |_, v| v as u8),
        Stored::I8 => load.run(Voxels::I8, |_, v| v as i8),
        Stored::U16 => load.run(Voxels::U16, |_, v| v as u16),
        Stored::I16 => load.run(Voxels::I16, |_, v| v as i16),
        Stored::U32 => load.run(Voxels::U32, |_, v| v as u32),
        Stored::I32 => load.run(Voxels::I32, |_, v| v as i32),
    }?;
    Ok((voxels, first.1.unwrap_or(Rescale::NONE), sha256))
}

/// Reads and decodes the slices side by side, each into its place in the volume.
struct Load<'a> {
    path: &'a Path,
    volume: &'a [Slice],
    size: [usize; 3],
    progress: &'a Progress,
}

impl Load<'_> {
    fn run<T: Clone + Default + Send>(
        &self,
        wrap: impl Fn(Vec<T>) -> Voxels,
        convert: impl Fn(&Slice, i64) -> T + Sync,
    ) -> Result<(Voxels, String), OpenError> {
        let mut values = zeros::<T>(self.size).map_err(|fault| fault.at(self.path))?;
        // The slices of each file, with their places: a file is read once, however many frames it has.
        let mut files: HashMap<PathBuf, Vec<(&Slice, &mut [T])>> = HashMap::new();
        for (slice, out) in self.volume.iter().zip(values.chunks_mut(self.size[0] * self.size[1])) {
            files.entry(slice.image.source.path().to_owned()).or_default().push((slice, out));
        }
        let done = AtomicUsize::new(0);
        let digests = Mutex::new(Vec::new());
        files.into_par_iter().try_for_each(|(path, slices)| {
            let Some((slice, _)) = slices.first() else { return Ok(()) };
            let bytes = slice.image.source.read(self.progress)?;
            if let Ok(mut digests) = digests.lock() {
                digests.push(sha256(&bytes));
            }
            slices.into_par_iter().try_for_each(|(slice, out)| {
                let fraction = done.fetch_add(1, Ordering::Relaxed) as f32 / self.volume.len() as f32;
                self.progress.step(fraction, "reading slices")?;
                let decoded = pixels::decode(&slice.image, &bytes, slice.frame, out, |v| convert(slice, v));
                decoded.map_err(|fault| fault.at(&path))
            })
        })?;
        let mut digests = digests.into_inner().unwrap_or_default();
        digests.sort_unstable();
        Ok((wrap(values), sha256(digests.concat().as_bytes())))
    }
}
