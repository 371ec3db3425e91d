//! Training of the autoencoder on the normal sinuses of cohorts with known truth.

use super::config::{Card, InferConfig, TrainConfig};
use super::infer::{Model, ModelError};
use crate::image::percentile::rescale_1_99;
use crate::image::resample::{Outside, trilinear};
use crate::io::{self, OpenError};
use crate::job::{Cancelled, Progress};
use crate::methods::sinus::Crop;
use crate::metrics::auroc;
use crate::nets::weights::{self, Precision, WeightsError};
use crate::nets::{Cae, CaeConfig};
use crate::phantom::cohort::{self, CohortError};
use crate::space::Side;
use crate::train::{Batch, Epoch, Task, TrainError, fit};
use burn::module::Module as _;
use burn::optim::AdamConfig;
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};

/// Why the autoencoder could not be trained.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is the error of one step")]
pub enum CaeError {
    #[error(transparent)]
    Cohort(#[from] CohortError),
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Train(#[from] TrainError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Voxels cut on each side beyond the crop, so that it can be shifted.
const MARGIN: usize = 4;
const PADDED: usize = Crop::SIZE + 2 * MARGIN;

/// A sinus with some surroundings, real values `[z, y, x]` of `PADDED`³.
struct Sample {
    values: Vec<f32>,
    diseased: bool,
}

impl Sample {
    /// The crop shifted by whole voxels within the margin, intensities rescaled.
    fn crop(&self, shift: [usize; 3]) -> Vec<f32> {
        let mut values = Vec::with_capacity(Crop::SIZE.pow(3));
        for z in 0..Crop::SIZE {
            for y in 0..Crop::SIZE {
                let start = shift[0] + PADDED * (y + shift[1] + PADDED * (z + shift[2]));
                values.extend_from_slice(&self.values[start..start + Crop::SIZE]);
            }
        }
        rescale_1_99(&mut values);
        values
    }

    fn jittered(&self, jitter_mm: f64, rng: &mut ChaCha8Rng) -> Vec<f32> {
        self.crop(std::array::from_fn(|_| {
            let u: [f64; 2] = [rng.random(), rng.random()];
            // Box-Muller; 1 - u keeps the logarithm finite.
            let normal = (-2.0 * (1.0 - u[0]).ln()).sqrt() * (std::f64::consts::TAU * u[1]).cos();
            let margin = MARGIN as f64;
            (margin + (normal * jitter_mm).round().clamp(-margin, margin)) as usize
        }))
    }
}

/// Trains on the normal sinuses of `cohorts` and writes `cae.bpk` (half precision) and its card `cae.json` to `out`.
/// Checkpoints in `out` are resumed.
///
/// # Errors
/// See [`CaeError`].
pub fn cae(
    cohorts: &[PathBuf],
    out: &Path,
    config: &TrainConfig,
    device: &Device,
    on_epoch: &mut dyn FnMut(&Epoch),
    progress: &Progress,
) -> Result<Card, CaeError> {
    let (training, validation, subjects) = load(cohorts, config, &progress.part(0.0, 0.1))?;
    let normals: [Vec<&Sample>; 2] = [&training, &validation].map(|set| set.iter().filter(|s| !s.diseased).collect());

    let network = CaeConfig::new();
    let learner = device.clone().autodiff();
    learner.seed(config.schedule.seed);
    let loss = |net: &Cae, batch: &mut Batch<'_>| {
        let set = &normals[usize::from(batch.validation)];
        let mut values = Vec::with_capacity(batch.samples.len() * Crop::SIZE.pow(3));
        for &i in batch.samples {
            values.extend(if batch.validation {
                set[i].crop([MARGIN; 3])
            } else {
                set[i].jittered(config.jitter_mm, batch.rng)
            });
        }
        let n = Crop::SIZE;
        let on = net.devices().first().cloned().unwrap_or_else(|| learner.clone());
        let x = Tensor::<5>::from_data(TensorData::new(values, [batch.samples.len(), 1, n, n, n]), &on);
        (net.forward(x.clone()) - x).abs().mean()
    };
    let task = Task { training: normals[0].len(), validation: normals[1].len(), loss: &loss };
    let optimiser = AdamConfig::new().with_epsilon(1e-8).init();
    let fitting = progress.part(0.1, 0.95);
    let trained = fit(network.init(&learner), optimiser, &task, &config.schedule, Some(out), on_epoch, &fitting)?;

    let card = Card {
        network,
        training: config.clone(),
        cohorts: cohorts.iter().filter_map(|c| Some(c.file_name()?.to_string_lossy().into_owned())).collect(),
        subjects,
        normal_crops: normals[0].len(),
        history: trained.history,
        inference: InferConfig::default(),
        normal_scores: Vec::new(),
        auroc: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let mut model = Model::new(trained.best.clone(), card, device.clone());
    reference(&mut model, &validation, config, &progress.part(0.95, 1.0))?;
    weights::save(&trained.best, &out.join("cae.bpk"), Precision::Half)?;
    let path = out.join("cae.json");
    let text = serde_json::to_vec_pretty(&model.card).map_err(|e| e.to_string());
    text.and_then(|text| std::fs::write(&path, text).map_err(|e| e.to_string()))
        .map_err(|reason| WeightsError::Write { reason, path })?;
    Ok(model.card)
}

/// Scores the validation set, as the finder would place its crops: slightly off. Normal scores become the reference.
fn reference(
    model: &mut Model,
    validation: &[Sample],
    config: &TrainConfig,
    progress: &Progress,
) -> Result<(), CaeError> {
    let mut rng = ChaCha8Rng::seed_from_u64(config.schedule.seed);
    rng.set_stream(u64::MAX);
    let mut scores = Vec::new();
    for (i, sample) in validation.iter().enumerate() {
        progress.step(i as f32 / validation.len() as f32, "scores of normal sinuses")?;
        let values = sample.jittered(config.jitter_mm, &mut rng);
        let grid = Crop::grid_at(Side::Left, glam::DVec3::ZERO, Crop::SIZE);
        let finding = model.finding(&Crop { side: Side::Left, grid, values }, model.card.inference)?;
        scores.push((finding.score, sample.diseased));
    }
    model.card.auroc = auroc(&scores);
    model.card.normal_scores = scores.iter().filter(|s| !s.1).map(|s| s.0).collect();
    model.card.normal_scores.sort_by(f64::total_cmp);
    Ok(())
}

/// Cuts all sinuses of all subjects, split by subject into training and validation.
fn load(
    cohorts: &[PathBuf],
    config: &TrainConfig,
    progress: &Progress,
) -> Result<(Vec<Sample>, Vec<Sample>, usize), CaeError> {
    let mut subjects = Vec::new();
    for dir in cohorts {
        subjects.extend(cohort::read_truth(dir)?);
    }
    let every = (1.0 / config.validation.clamp(0.01, 0.99)).round() as usize;
    let mut sets = (Vec::new(), Vec::new(), subjects.len());
    for (i, subject) in subjects.iter().enumerate() {
        progress.step(i as f32 / subjects.len() as f32, "reading the cohort")?;
        let scan = io::open(&subject.image, &Progress::default())?;
        for sinus in &subject.sinuses {
            let grid = Crop::grid_at(sinus.side, sinus.centre_mm, PADDED);
            let values = trilinear(&scan.volume, &grid, Outside::Edge);
            let sample = Sample { values, diseased: sinus.disease.is_some() };
            // Every n-th subject validates; the cohort's order is already random.
            if i % every == every - 1 { sets.1.push(sample) } else { sets.0.push(sample) }
        }
    }
    Ok(sets)
}
