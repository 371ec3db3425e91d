//! Training of the autoencoder on the normal sinuses of cohorts with known truth.

use super::config::{Card, InferConfig, NormalValue, TrainConfig};
use super::infer::{Model, values_in_sinus};
use crate::image::percentile::{percentiles, rescale_1_99};
use crate::image::resample::{Outside, trilinear};
use crate::io::{self, OpenError, WriteError};
use crate::job::{Cancelled, Progress};
use crate::methods::ModelError;
use crate::methods::sinus::{Crop, Finder, Presence};
use crate::metrics::auroc;
use crate::nets::weights::{self, Precision, WeightsError};
use crate::nets::{self, Cae, CaeConfig};
use crate::phantom::cohort::{self, CohortError};
use crate::train::{Batch, Epoch, Task, TrainError, fit};
use burn::module::Module as _;
use burn::optim::AdamConfig;
use burn::tensor::{Device, Tensor, TensorData};
use rand::RngExt as _;
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
    Write(#[from] WriteError),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// Voxels cut on each side beyond the crop, so that it can be shifted.
const MARGIN: usize = 4;
const PADDED: usize = Crop::SIZE + 2 * MARGIN;

/// A normal sinus with some surroundings, real values `[z, y, x]` of `PADDED`³.
struct Sample {
    values: Vec<f32>,
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
    let Cohort { training, validation, found, subjects } = load(cohorts, config, &progress.part(0.0, 0.1))?;
    let network = CaeConfig::new();
    let learner = device.clone().autodiff();
    learner.seed(config.schedule.seed);
    let loss = |net: &Cae, batch: &mut Batch<'_>| {
        let set = if batch.validation { &validation } else { &training };
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
    let task = Task { training: training.len(), validation: validation.len(), loss: &loss };
    let optimiser = AdamConfig::new().with_epsilon(1e-8).init();
    let fitting = progress.part(0.1, 0.95);
    let trained = fit(network.init(&learner), optimiser, &task, &config.schedule, Some(out), on_epoch, &fitting)?;

    let card = Card {
        network,
        training: config.clone(),
        cohorts: cohorts.iter().filter_map(|c| Some(c.file_name()?.to_string_lossy().into_owned())).collect(),
        subjects,
        normal_crops: training.len(),
        history: trained.history,
        inference: InferConfig::default(),
        normal_scores: Vec::new(),
        normal_values: Vec::new(),
        normal_cohort: String::new(),
        auroc: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let path = out.join("cae.bpk");
    weights::save(&trained.best, &path, Precision::Half)?;
    io::write_json(&out.join("cae.json"), &card)?;
    // The shipped precision is what scores.
    let mut model = Model::load(&path, device)?;
    reference(&mut model, cohorts, &found, &progress.part(0.95, 1.0))?;
    io::write_json(&out.join("cae.json"), &model.card)?;
    Ok(model.card)
}

/// Scores the validation subjects of `cohorts` with the weights at `path` and writes the outcome into the card beside them:
/// for weights whose card is older than one of its entries, or of other cohorts than those of the training.
///
/// # Errors
/// See [`CaeError`].
pub fn renew_reference(
    cohorts: &[PathBuf],
    path: &Path,
    device: &Device,
    progress: &Progress,
) -> Result<Card, CaeError> {
    let mut model = Model::load(path, device)?;
    let Cohort { found, .. } = load(cohorts, &model.card.training, &progress.part(0.0, 0.8))?;
    reference(&mut model, cohorts, &found, &progress.part(0.8, 1.0))?;
    io::write_json(&path.with_extension("json"), &model.card)?;
    Ok(model.card)
}

/// Shares of the voxels of normal sinuses that are marked on colour bars.
const MARKED_PERCENTS: [f64; 3] = [50.0, 95.0, 99.0];

/// Scores the validation sinuses where the finder placed them. The normal ones become the reference of percentiles.
fn reference(
    model: &mut Model,
    cohorts: &[PathBuf],
    found: &[(Crop, bool)],
    progress: &Progress,
) -> Result<(), CaeError> {
    let (mut scores, mut values) = (Vec::new(), Vec::new());
    let inference = model.card.inference;
    for (i, (crop, diseased)) in found.iter().enumerate() {
        progress.step(i as f32 / found.len() as f32, "scores of normal sinuses")?;
        let finding = model.finding(crop, inference, progress)?;
        if !diseased {
            values.extend(values_in_sinus(&finding, inference));
        }
        scores.push((finding.score, *diseased));
    }
    let card = &mut model.card;
    card.auroc = auroc(&scores);
    card.normal_scores = scores.iter().filter(|s| !s.1).map(|s| s.0).collect();
    card.normal_scores.sort_by(f64::total_cmp);
    let marked = MARKED_PERCENTS.into_iter().zip(percentiles(&values, MARKED_PERCENTS));
    card.normal_values = if values.is_empty() {
        Vec::new()
    } else {
        marked.map(|(percent, value)| NormalValue { percent, value }).collect()
    };
    let folder = |dir: &PathBuf| dir.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let names = cohorts.iter().map(|dir| cohort::recipe(dir).unwrap_or_else(|| folder(dir))).collect::<Vec<_>>();
    let count = card.normal_scores.len();
    card.normal_cohort = format!("{count} normal sinuses of the subjects kept for validation ({})", names.join("; "));
    Ok(())
}

/// What training needs of the cohorts.
struct Cohort {
    training: Vec<Sample>,
    validation: Vec<Sample>,
    /// The validation sinuses as they are cut in use, and whether they are diseased.
    found: Vec<(Crop, bool)>,
    subjects: usize,
}

/// Cuts all sinuses of all subjects, split by subject into training and validation.
fn load(cohorts: &[PathBuf], config: &TrainConfig, progress: &Progress) -> Result<Cohort, CaeError> {
    let mut subjects = Vec::new();
    for dir in cohorts {
        subjects.extend(cohort::read_truth(dir)?);
    }
    let every = (1.0 / config.validation.clamp(0.01, 0.99)).round() as usize;
    let finder = Finder::built_in(&nets::cpu())?;
    let mut sets = Cohort { training: Vec::new(), validation: Vec::new(), found: Vec::new(), subjects: subjects.len() };
    for (i, subject) in subjects.iter().enumerate() {
        let part = progress.part(i as f32 / subjects.len() as f32, (i + 1) as f32 / subjects.len() as f32);
        part.step(0.0, "reading the cohort")?;
        let volume = io::open(&subject.image, &part.part(0.0, 0.5))?.volume;
        // Every n-th subject validates; the cohort's order is already random.
        let validates = i % every == every - 1;
        if validates {
            let sinuses = finder.find(&volume, &part.part(0.5, 1.0))?;
            for found in sinuses.iter().filter(|s| s.present != Presence::Absent) {
                let diseased = subject.sinuses[found.side.index()].disease.is_some();
                sets.found.push((Crop::cut(&volume, found.side, found.centre_mm), diseased));
            }
        }
        for truth in subject.sinuses.iter().filter(|s| s.disease.is_none() && s.visible > 0.95) {
            let grid = Crop::grid_at(truth.side, truth.centre_mm, PADDED);
            let sample = Sample { values: trilinear(&volume, &grid, Outside::Edge) };
            if validates { sets.validation.push(sample) } else { sets.training.push(sample) }
        }
    }
    Ok(sets)
}
