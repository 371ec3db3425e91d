//! The sinuses of cohorts with known truth, as all trainings of paper 1 see them: cut once with some surroundings, shifted
//! anew every time.

use super::ResidualError;
use crate::image::percentile::rescale_1_99;
use crate::image::resample::{Outside, trilinear};
use crate::io;
use crate::job::Progress;
use crate::methods::sinus::{Crop, Finder, Presence};
use crate::nets;
use crate::phantom::cohort;
use burn::tensor::{Device, Tensor, TensorData};
use half::f16;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use std::path::PathBuf;

/// Voxels cut on each side beyond the crop, so that it can be shifted.
const MARGIN: usize = 4;
const PADDED: usize = Crop::SIZE + 2 * MARGIN;

/// A sinus with some surroundings.
pub(super) struct Sample {
    /// Values `[z, y, x]` of `PADDED`³, 0 to 1 between their extremes: in half precision a cohort fits into memory.
    values: Vec<f16>,
    /// What the cohort says of it.
    pub diseased: bool,
}

impl Sample {
    fn new(values: &[f32], diseased: bool) -> Self {
        let (low, high) = values.iter().fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)));
        let span = (high - low).max(f32::MIN_POSITIVE);
        Self { values: values.iter().map(|v| f16::from_f32((v - low) / span)).collect(), diseased }
    }

    /// The crop shifted by whole voxels from the corner, intensities rescaled.
    fn crop(&self, shift: [usize; 3]) -> Vec<f32> {
        let mut values = Vec::with_capacity(Crop::SIZE.pow(3));
        for z in 0..Crop::SIZE {
            for y in 0..Crop::SIZE {
                let start = shift[0] + PADDED * (y + shift[1] + PADDED * (z + shift[2]));
                values.extend(self.values[start..start + Crop::SIZE].iter().map(|v| v.to_f32()));
            }
        }
        rescale_1_99(&mut values);
        values
    }

    /// The crop shifted at random, by a standard deviation of `jitter_mm` along each axis and by the margin at most.
    pub fn jittered(&self, jitter_mm: f64, rng: &mut ChaCha8Rng) -> Vec<f32> {
        self.crop(std::array::from_fn(|_| {
            let margin = MARGIN as f64;
            (margin + (normal(rng) * jitter_mm).round().clamp(-margin, margin)) as usize
        }))
    }

    /// The crop around the sinus's own centre.
    pub fn centred(&self) -> Vec<f32> {
        self.crop([MARGIN; 3])
    }
}

/// A number of the standard normal distribution (Box-Muller).
pub(super) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    // 1 - u keeps the logarithm finite.
    let u: [f64; 2] = [rng.random(), rng.random()];
    (-2.0 * (1.0 - u[0]).ln()).sqrt() * (std::f64::consts::TAU * u[1]).cos()
}

/// Crops as a batch `[crops, 1, 64, 64, 64]`.
pub(super) fn tensor(crops: impl IntoIterator<Item = Vec<f32>>, on: &Device) -> Tensor<5> {
    let values: Vec<f32> = crops.into_iter().flatten().collect();
    let n = Crop::SIZE;
    let count = values.len() / n.pow(3);
    Tensor::from_data(TensorData::new(values, [count, 1, n, n, n]), on)
}

/// The names of cohort folders.
pub(super) fn cohort_names(cohorts: &[PathBuf]) -> Vec<String> {
    cohorts.iter().filter_map(|dir| Some(dir.file_name()?.to_string_lossy().into_owned())).collect()
}

/// All sinuses of some cohorts that are in view, split by subject.
pub(super) struct Sets {
    pub training: Vec<Sample>,
    pub validation: Vec<Sample>,
    /// The validation sinuses as they are cut in use, where the finder sees them, and whether they are diseased.
    pub found: Vec<(Crop, bool)>,
    /// Subjects of both sets.
    pub subjects: usize,
}

impl Sets {
    /// The validation or the training sinuses.
    pub fn of(&self, validation: bool) -> &[Sample] {
        if validation { &self.validation } else { &self.training }
    }

    /// Every n-th subject validates, so that a share of `validation` does; both sinuses of a subject are in the same set.
    pub fn load(cohorts: &[PathBuf], validation: f64, progress: &Progress) -> Result<Self, ResidualError> {
        let mut subjects = Vec::new();
        for dir in cohorts {
            subjects.extend(cohort::read_truth(dir)?);
        }
        let every = (1.0 / validation.clamp(0.01, 0.99)).round() as usize;
        let finder = Finder::built_in(&nets::cpu())?;
        let count = subjects.len();
        let mut sets = Self { training: Vec::new(), validation: Vec::new(), found: Vec::new(), subjects: count };
        for (i, subject) in subjects.iter().enumerate() {
            let part = progress.part(i as f32 / count as f32, (i + 1) as f32 / count as f32);
            part.step(0.0, "reading the cohort")?;
            let volume = io::open(&subject.image, &part.part(0.0, 0.5))?.volume;
            // The cohort's order is already random.
            let validates = i % every == every - 1;
            if validates {
                let sinuses = finder.find(&volume, &part.part(0.5, 1.0))?;
                for found in sinuses.iter().filter(|s| s.present != Presence::Absent) {
                    let diseased = subject.sinuses[found.side.index()].disease.is_some();
                    sets.found.push((Crop::cut(&volume, found.side, found.centre_mm), diseased));
                }
            }
            for truth in subject.sinuses.iter().filter(|s| s.visible > 0.95) {
                let grid = Crop::grid_at(truth.side, truth.centre_mm, PADDED);
                let sample = Sample::new(&trilinear(&volume, &grid, Outside::Edge), truth.disease.is_some());
                if validates { sets.validation.push(sample) } else { sets.training.push(sample) }
            }
        }
        Ok(sets)
    }
}
