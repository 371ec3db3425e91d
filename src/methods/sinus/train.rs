//! Training of the finder's networks on synthetic heads that are made while it runs: no head is seen twice, and none of
//! them is a patient's.

use super::config::{Card, Part, TrainConfig};
use super::infer::Presence;
use super::samples::{self, SINUS_MM, Sample};
use super::seen::{COARSE_MM, tensor};
use super::segment::CLASSES;
use crate::io::{self, WriteError};
use crate::job::{Cancelled, Progress};
use crate::methods::{ModelError, begin_with_file};
use crate::nets::weights::{self, Precision, WeightsError};
use crate::nets::{UNet, UNetOutput};
use crate::train::{Batch, Epoch, Task, TrainError, fit, fixed_settings};
use burn::tensor::activation::{log_softmax, sigmoid, softmax, softplus};
use burn::tensor::{Device, Tensor, TensorData};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// Why a network of the finder could not be trained.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is the error of one step")]
pub enum FinderError {
    #[error(transparent)]
    Train(#[from] TrainError),
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Weights(#[from] WeightsError),
    #[error(transparent)]
    Write(#[from] WriteError),
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// How much of a map is next to nothing: one voxel of the locator.
const LITTLE_MM3: f64 = 64.0;
/// How much more the voxels of a centre count than those far from it.
const CENTRE_WEIGHT: f64 = 40.0;
/// By how much the mean over all voxels is multiplied for the centres, which are few, to count as much as the rest.
const CENTRE_SHARE: f64 = 50.0;

/// Trains one network and writes its weights (half precision) and its card to `out`. `initial` are weights to begin with
/// instead of random ones; a checkpoint in `out` is resumed.
///
/// # Errors
/// See [`FinderError`].
pub fn network(
    part: Part,
    initial: Option<&Path>,
    out: &Path,
    config: &TrainConfig,
    device: &Device,
    on_epoch: &mut dyn FnMut(&Epoch),
    progress: &Progress,
) -> Result<Card, FinderError> {
    let learner = device.clone().autodiff();
    learner.seed(config.schedule.seed);
    let shape = part.network();
    let multiple = shape.multiple();
    let mut net = shape.init(&learner);
    let began_with = initial.map(|path| begin_with_file(&mut net, path)).transpose()?;
    // The loop tells how far the training is; single heads do not.
    let quiet = progress.quiet();
    let prepare = |batch: &mut Batch<'_>| {
        // A cancelled head is of no use; the loop that asked for it stops by itself.
        let samples = batch.samples.iter().filter_map(|&index| {
            // The heads of validation are the same after every epoch.
            let seed = if batch.validation { VALIDATION_SEED + index as u64 } else { batch.rng.random() };
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            samples::draw(part, &mut rng, multiple, &quiet).ok()
        });
        samples::together(samples)
    };
    let loss = |net: &UNet, batch: Vec<Sample>, on: &Device| {
        let (mut sum, mut count) = (Tensor::<1>::zeros([1], on), 0);
        for sample in batch {
            let Ok(out) = net.forward(tensor(&sample.seen, on), &quiet) else { break };
            let scans = sample.seen.len();
            let loss = match part {
                Part::Locator => locator_loss(out, sample.targets, &sample.answers, on),
                Part::Segmenter => segmenter_loss(out, sample.targets, on),
            };
            (sum, count) = (sum + loss * scans as f64, count + scans);
        }
        sum / f64::from(count.max(1) as u32)
    };
    let task = Task {
        training: config.heads,
        validation: config.validation,
        prepare: &prepare,
        loss: &loss,
        after_step: None,
        settings: fixed_settings(config, began_with.as_deref()),
    };
    let folder = out.join(part.name());
    let trained = fit(net, &task, &config.schedule, Some(&folder), on_epoch, progress)?;
    let card = Card {
        part,
        network: shape,
        training: config.clone(),
        data: match part {
            Part::Locator => format!(
                "{HEADS}; {:.0} % of the scans show a cast of a skull, {:.0} % no head at all",
                100.0 * samples::CASTS,
                100.0 * samples::NO_HEADS
            ),
            Part::Segmenter => HEADS.to_owned(),
        },
        began_with,
        history: trained.history,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let path = out.join(part.name()).with_extension("bpk");
    weights::save(&trained.best, &path, Precision::Half)?;
    io::write_json(&path.with_extension("json"), &card)?;
    Ok(card)
}

const HEADS: &str = "synthetic heads of random contrast and of FLAIR, T1, T2, PD and CT, half of their sinuses diseased, \
                     made while training; no patients";

/// Training seeds are drawn from all of `u64`; these are the seeds of validation.
const VALIDATION_SEED: u64 = 7_000_000;

/// Cross-entropy of all maps, that of the centres weighted towards the centres; Dice of the cavities; cross-entropy of
/// the answers.
fn locator_loss(out: UNetOutput, targets: Vec<f32>, answers: &[[Presence; 2]], on: &Device) -> Tensor<1> {
    let shape = out.maps.dims();
    let targets = Tensor::<5>::from_data(TensorData::new(targets, shape), on);
    let logits = out.maps;
    let map = |tensor: &Tensor<5>, index: usize| tensor.clone().narrow(1, index, 1);
    let entropy = |index: usize| {
        let (logits, targets) = (map(&logits, index), map(&targets, index));
        softplus(logits.clone(), 1.0) - logits * targets
    };
    let cavity = entropy(0).mean() * 5.0 + dice(sigmoid(map(&logits, 0)), map(&targets, 0), COARSE_MM);
    let near = map(&targets, 1) * CENTRE_WEIGHT + 1.0;
    let centre = (entropy(1) * near).mean() * CENTRE_SHARE;
    let mut loss = cavity + centre + entropy(2).mean();
    if let Some(said) = out.answers {
        let sinuses = answers.as_flattened();
        let mut truth = vec![0.0_f32; sinuses.len() * 3];
        for (index, presence) in sinuses.iter().enumerate() {
            truth[3 * index + *presence as usize] = 1.0;
        }
        let shape = [sinuses.len(), 3];
        let truth = Tensor::<2>::from_data(TensorData::new(truth, shape), on);
        loss = loss - (log_softmax(said.reshape(shape), 1) * truth).sum() * (0.25 / answers.len().max(1) as f64);
    }
    loss
}

/// Cross-entropy and Dice of air, of what else is in the cavity, and of what the scan does not show.
fn segmenter_loss(out: UNetOutput, targets: Vec<f32>, on: &Device) -> Tensor<1> {
    let shape = out.maps.dims();
    let targets = Tensor::<5>::from_data(TensorData::new(targets, shape), on);
    let entropy = -(log_softmax(out.maps.clone(), 1) * targets.clone()).mean() * (CLASSES as f64);
    let shares = softmax(out.maps, 1).narrow(1, 1, CLASSES - 1);
    let within = targets.narrow(1, 1, CLASSES - 1);
    let cavity = dice(shares.clone().sum_dim(1), within.clone().sum_dim(1), SINUS_MM);
    entropy * 2.0 + dice(shares, within, SINUS_MM) + cavity
}

/// 1 minus the mean soft Dice overlap of all maps of all volumes in voxels of `mm`; a little is added, so that empty maps
/// agree.
fn dice(said: Tensor<5>, truth: Tensor<5>, mm: f64) -> Tensor<1> {
    let little = LITTLE_MM3 / mm.powi(3);
    let [batch, maps, ..] = said.dims();
    let flat = |tensor: Tensor<5>| -> Tensor<3> { tensor.reshape([batch as i32, maps as i32, -1]) };
    let (said, truth) = (flat(said), flat(truth));
    let both = (said.clone() * truth.clone()).sum_dim(2);
    let overlap = (both * 2.0 + little) / (said.sum_dim(2) + truth.sum_dim(2) + little);
    -overlap.mean() + 1.0
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::methods::sinus::locate::MAPS;
    use crate::phantom::{Contrast, Plan};

    #[test]
    fn a_swapped_or_absent_answer_costs_much_more_than_the_truth() {
        let device = Device::flex();
        let (plan, mut rng) = (Plan::new(3, Contrast::T1, 4.0), ChaCha8Rng::seed_from_u64(1));
        let sample = samples::whole(&plan, &mut rng, 16, &Progress::default()).unwrap();
        let [nx, ny, nz] = sample.seen[0].grid.size;
        let loss = |swapped: bool, presence: Presence| {
            let count = nx * ny * nz;
            let half = |(index, t): (usize, &f32)| if swapped && index >= 2 * count { 1.0 - t } else { *t };
            let logits = sample.targets.iter().take(MAPS * count).enumerate().map(half);
            let logits: Vec<f32> =
                logits.map(|t| (t.clamp(1e-6, 1.0 - 1e-6) / (1.0 - t.clamp(1e-6, 1.0 - 1e-6))).ln()).collect();
            let mut answers = [-20.0_f32; 6];
            answers[presence as usize] = 20.0;
            answers[3 + presence as usize] = 20.0;
            let out = UNetOutput {
                maps: Tensor::from_data(TensorData::new(logits, [1, MAPS, nz, ny, nx]), &device),
                answers: Some(Tensor::from_data(TensorData::new(answers.to_vec(), [1, 6]), &device)),
            };
            locator_loss(out, sample.targets[..MAPS * count].to_vec(), &sample.answers[..1], &device)
                .into_scalar::<f32>()
        };
        let perfect = loss(false, Presence::Complete);
        assert!(loss(true, Presence::Complete) > perfect + 1.0, "{perfect}");
        assert!(loss(false, Presence::Absent) > perfect + 1.0, "{perfect}");
    }
}
