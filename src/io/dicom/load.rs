//! Reads and decodes the slices of a volume side by side, each into its place.

use super::pixels::{Opened, Stored};
use super::slice::{Image, Slice};
use crate::io::{Check, OpenError, Preview, sha256, zeros};
use crate::job::Progress;
use crate::volume::{Rescale, Voxels};
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

/// The slices of one volume, of which there is at least one.
pub(super) struct Load<'a> {
    /// What was opened.
    pub path: &'a Path,
    pub volume: &'a [Slice],
    pub size: [usize; 3],
    /// Takes the middle slice, before all are there.
    pub preview: Option<&'a (dyn Fn(Preview) + Sync)>,
    pub progress: &'a Progress,
}

/// The decoded voxels of a volume.
pub(super) struct Loaded {
    pub voxels: Voxels,
    pub rescale: Rescale,
    /// Of the sorted digests of all files.
    pub sha256: String,
    pub checks: Vec<Check>,
}

/// The slice of a volume that stands for it.
pub(super) fn middle(volume: &[Slice]) -> Option<&Slice> {
    volume.get(volume.len() / 2)
}

/// A slice as a list shows it.
pub(super) fn preview(slice: &Slice, opened: &Opened<'_>) -> Result<Preview, OpenError> {
    let image = &slice.image;
    let mut values = vec![0.0; image.layout.count()];
    let decoded = opened.decode(slice.frame, &mut values, |v| v as f64);
    decoded.map_err(|fault| fault.at(image.source.path()))?;
    let size = [image.layout.columns, image.layout.rows];
    Ok(Preview::of_values(size, slice.plane.spacing_mm, &values, image.layout.inverted))
}

impl Load<'_> {
    /// In the stored type where all slices share it and its rescaling, as real `f32` values otherwise.
    pub fn voxels(&self) -> Result<Loaded, OpenError> {
        let stored = |s: &Slice| {
            let palette_bits = s.image.palette.as_ref().map(|p| p.bits);
            (s.image.layout.stored(palette_bits), s.rescale.unwrap_or(Rescale::NONE))
        };
        let Some(first) = self.volume.first().map(stored) else {
            return Err(OpenError::NoSeries { path: self.path.to_owned(), reason: "it is empty".to_owned() });
        };
        let mut checks = Vec::new();
        if self.volume.iter().any(|s| stored(s) != first) {
            let message = "The slices are scaled differently; their real values were computed.";
            checks.push(Check::new("varying-rescale", message));
        }
        if self.volume.iter().any(|s| s.image.modality_table.is_some()) {
            let message = "The file has a table from stored to measured values (Modality LUT); it was applied.";
            checks.push(Check::new("modality-lut", message));
        }
        if !checks.is_empty() {
            let (voxels, sha256) = self.run(Voxels::F32, |slice, stored| slice.real(stored) as f32)?;
            return Ok(Loaded { voxels, rescale: Rescale::NONE, sha256, checks });
        }
        let (voxels, sha256) = match first.0 {
            Stored::U8 => self.run(Voxels::U8, |_, v| v as u8),
            Stored::I8 => self.run(Voxels::I8, |_, v| v as i8),
            Stored::U16 => self.run(Voxels::U16, |_, v| v as u16),
            Stored::I16 => self.run(Voxels::I16, |_, v| v as i16),
            Stored::U32 => self.run(Voxels::U32, |_, v| v as u32),
            Stored::I32 => self.run(Voxels::I32, |_, v| v as i32),
        }?;
        Ok(Loaded { voxels, rescale: first.1, sha256, checks })
    }

    fn run<T: Clone + Default + Send>(
        &self,
        wrap: impl Fn(Vec<T>) -> Voxels,
        convert: impl Fn(&Slice, i64) -> T + Sync,
    ) -> Result<(Voxels, String), OpenError> {
        let mut values = zeros::<T>(self.size).map_err(|fault| fault.at(self.path))?;
        // The slices of each file, with their places: a file is read once, however many frames it has. Two files in an
        // archive may have the same name, but never the same image.
        let mut files: HashMap<*const Image, Vec<(&Slice, &mut [T])>> = HashMap::new();
        for (slice, out) in self.volume.iter().zip(values.chunks_mut(self.size[0] * self.size[1])) {
            files.entry(Arc::as_ptr(&slice.image)).or_default().push((slice, out));
        }
        // The file with the slice that is shown first comes first.
        let shown = self.preview.zip(middle(self.volume));
        let first = shown.and_then(|(_, middle)| files.remove(&Arc::as_ptr(&middle.image)));
        let files: Vec<_> = first.into_iter().chain(files.into_values()).collect();
        let done = AtomicUsize::new(0);
        let share = 1.0 / self.volume.len() as f32;
        let digests = Mutex::new(Vec::new());
        files.into_par_iter().try_for_each(|slices| {
            let Some((first, _)) = slices.first() else { return Ok(()) };
            let (image, from) = (Arc::clone(&first.image), done.load(Ordering::Relaxed) as f32 * share);
            let bytes = image.source.read(&self.progress.part(from, from + share))?;
            if let Ok(mut digests) = digests.lock() {
                digests.push(sha256(&bytes));
            }
            let opened = Opened::of(&image, &bytes).map_err(|fault| fault.at(image.source.path()))?;
            if let Some((show, middle)) = shown.filter(|(_, middle)| Arc::ptr_eq(&image, &middle.image)) {
                show(preview(middle, &opened)?);
            }
            slices.into_par_iter().try_for_each(|(slice, out)| {
                self.progress.step(done.fetch_add(1, Ordering::Relaxed) as f32 * share, "reading slices")?;
                let decoded = opened.decode(slice.frame, out, |v| convert(slice, v));
                decoded.map_err(|fault| fault.at(image.source.path()))
            })
        })?;
        let mut digests = digests.into_inner().unwrap_or_default();
        digests.sort_unstable();
        Ok((wrap(values), sha256(digests.concat().as_bytes())))
    }
}
