//! A series of DICOM slices as one volume.
//!
//! One step, one file: [`mod@file`] finds the data set in a file and [`dataset`] reads it, [`mod@slice`] takes from it
//! what is needed of each frame ([`mosaic`] for those that hold a volume in one), [`series`] groups and orders the slices,
//! [`geometry`] makes the matrix, [`pixels`] turns stored bits into numbers and [`load`] does so for all slices,
//! [`windows`] finds how they are to be shown, [`even`] resamples on request. Here they are put together.

mod dataset;
pub mod deidentify;
mod even;
mod file;
mod geometry;
mod load;
mod mosaic;
mod pixels;
mod remembered;
mod series;
mod slice;
#[cfg(test)]
pub(super) mod tests;
mod volumes;
mod windows;
pub mod write;

pub(super) use file::looks_like;
pub(super) use slice::{Slice, directory, slices};

use super::{Check, Fault, Format, OpenError, Preview, ReadOptions, Scan, Series};
use crate::job::Progress;
use crate::space::Grid;
use crate::volume::{Unit, Volume};
use load::{Load, Loaded};
use pixels::{Opened, Photometric};
use series::Grouped;
use std::path::Path;

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
            number: image.map(|i| i.series_number).filter(|number| *number > 0),
            frames: self.0.volumes.len(),
            files: self.0.files.len(),
            role: self.0.role,
            checks: self.early_checks(),
        }
    }

    /// What the headers tell a reader of the first volume.
    fn early_checks(&self) -> Vec<Check> {
        let of_places = self.0.volumes.first().map_or_else(Vec::new, |volume| series::irregularities(volume));
        self.0.checks.iter().cloned().chain(of_places).collect()
    }

    /// Whether this file belongs to the stack, even if it is left out because another slice lies at its place.
    pub fn holds(&self, path: &Path) -> bool {
        self.0.files.contains(path)
    }

    /// All files that belong to it.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.0.files.iter().map(AsRef::as_ref)
    }

    /// Reads one of its volumes.
    pub fn read(&self, path: &Path, options: &ReadOptions<'_>, progress: &Progress) -> Result<Scan, OpenError> {
        let Some((volume, first)) = self.0.volumes.get(options.frame).and_then(|v| Some((v, v.first()?))) else {
            return Err(Fault::NoFrame { frame: options.frame, frames: self.0.volumes.len() }.at(path));
        };
        let mut checks = self.0.checks.clone();
        checks.extend(series::irregularities(volume));
        let grid = grid(volume).map_err(|fault| fault.at(path))?;
        let load = Load { path, volume, size: grid.size, preview: options.preview, progress };
        let Loaded { voxels, rescale, sha256, checks: told } = load.voxels()?;
        checks.extend(told);
        let unit = if first.image.modality == "CT" { Unit::Hounsfield } else { Unit::Arbitrary };
        let mut picture = Volume { grid, voxels, rescale, unit };
        if options.even
            && let Some((resampled, check)) = even::resample(&picture, volume)
        {
            picture = resampled.unwrap_or(picture);
            checks.push(check);
        }
        let padding = first.image.padding.map(|stored| first.real(stored as i64));
        checks.extend(Self::remarks(first, &picture, padding));
        let middle = load::middle(volume).unwrap_or(first);
        Ok(Scan {
            volume: picture.into(),
            path: Some(path.to_owned()),
            format: Format::Dicom,
            modality: known(&first.image.modality, "unknown"),
            description: known(&first.image.description, "DICOM series"),
            windows: windows::stored_with(middle),
            frames: self.0.volumes.len(),
            frame: options.frame,
            frame_of_reference: Some(first.image.frame_of_reference.clone()).filter(|uid| !uid.is_empty()),
            inverted: first.image.layout.inverted,
            padding,
            checks,
            sha256,
        })
    }

    /// The middle slice of its first volume.
    pub fn preview(&self, path: &Path, progress: &Progress) -> Result<Preview, OpenError> {
        let Some(slice) = self.0.volumes.first().and_then(|volume| load::middle(volume)) else {
            return Err(OpenError::NoSeries { path: path.to_owned(), reason: "it is empty".to_owned() });
        };
        let source = &slice.image.source;
        let bytes = source.read(progress)?;
        let opened = Opened::of(&slice.image, &bytes).map_err(|fault| fault.at(source.path()))?;
        load::preview(slice, &opened)
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
            ct && first.rescale.is_none() && image.modality_table.is_none(),
            "no-rescale",
            "The CT has no rescale slope and intercept; its numbers may not be Hounsfield units.".to_owned(),
        );
        // Only who needs the lowest value looks through all of them.
        let scaled = ct && first.rescale.is_some();
        let low = (scaled || padding.is_some()).then(|| volume.statistics().min);
        tell(
            scaled && low > Some(NEARLY_AIR_HU),
            "implausible-hu",
            "No voxel of this CT is as low as air (-1000 HU); its numbers may not be Hounsfield units.".to_owned(),
        );
        tell(
            image.layout.inverted,
            "monochrome1",
            "Low values are shown bright, as the file asks (MONOCHROME1).".to_owned(),
        );
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
        if let Some(padding) = padding.filter(|&padding| low == Some(padding)) {
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
