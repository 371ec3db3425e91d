//! Training of the finder's networks on synthetic heads that are made while it runs: no head is seen twice, and none of
//! them is a patient's.

use super::config::{Card, Part, TrainConfig};
use super::infer::Presence;
use super::locate::{CENTRE_SD_MM, MAPS};
use super::seen::{self, COARSE_MM, Seen, tensor};
use super::segment::CLASSES;
use crate::image::resample::{Outside, nearest, trilinear};
use crate::io::{self, WriteError};
use crate::job::{Cancelled, Progress};
use crate::methods::ModelError;
use crate::nets::weights::{self, Precision, WeightsError};
use crate::nets::{UNet, UNetOutput};
use crate::phantom::{self, Contrast, Degradation, Degrade, Head, Plan, Region, SinusTruth, Tissue};
use crate::space::{Grid, Side};
use crate::train::{Batch, Epoch, Task, TrainError, fit};
use crate::volume::{Unit, Volume, Voxels};
use burn::module::Module as _;
use burn::optim::AdamConfig;
use burn::tensor::activation::{log_softmax, sigmoid, softmax, softplus};
use burn::tensor::{Device, Tensor, TensorData};
use glam::DVec3;
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

/// Voxel size of the heads that the locator sees: fine enough for walls and linings to darken and brighten voxels.
const HEAD_MM: f64 = 2.2;
/// The share of the scans for the locator that show no head.
const NO_HEADS: f64 = 0.07;
/// The share of the heads for the locator that are casts of a skull.
const CASTS: f64 = 0.03;
/// Voxel size of the sinuses that the segmenter sees.
const SINUS_MM: f64 = 1.0;
/// The locator is at most this wrong, along each axis, when the segmenter looks.
const JITTER_MM: f64 = 11.0;
/// Crops of one head, both of its sinuses by turns.
const CROPS: usize = 4;
/// How far from the middle of the head its halves run into each other.
const BLUR_MM: f64 = 5.0;
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
    let mut began_with = None;
    if let Some(path) = initial {
        let bytes = std::fs::read(path).map_err(|source| WeightsError::Read { source, path: path.to_owned() })?;
        began_with = Some(io::sha256(&bytes));
        weights::begin_with(&mut net, bytes, &path.display().to_string())?;
    }
    let loss = |net: &UNet, batch: &mut Batch<'_>| {
        let on = net.devices().first().cloned().unwrap_or_else(|| learner.clone());
        // A cancelled head is of no use; the loop that asked for it stops by itself.
        let samples = batch.samples.iter().filter_map(|&index| {
            // The heads of validation are the same after every epoch.
            let seed = if batch.validation { VALIDATION_SEED + index as u64 } else { batch.rng.random() };
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            match part {
                Part::Locator if rng.random_bool(NO_HEADS) => no_head(&mut rng, multiple),
                Part::Locator => {
                    let mut plan = unforeseen(&mut rng, Region::Head, HEAD_MM);
                    if rng.random_bool(CASTS) {
                        let contrast = plan.contrast;
                        plan.degradations.switch_on(Degradation::Cast, &mut rng, contrast);
                    }
                    whole(&plan, &mut rng, multiple, progress)
                }
                Part::Segmenter => {
                    let plan = unforeseen(&mut rng, Region::Sinuses, SINUS_MM);
                    sinuses(&plan, &mut rng, progress)
                }
            }
            .ok()
        });
        let (mut sum, mut count) = (Tensor::<1>::zeros([1], &on), 0);
        for sample in together(samples) {
            let Ok(out) = net.forward(tensor(&sample.seen, &on), progress) else { break };
            let scans = sample.seen.len();
            let loss = match part {
                Part::Locator => locator_loss(out, sample.targets, &sample.answers, &on),
                Part::Segmenter => segmenter_loss(out, sample.targets, &on),
            };
            (sum, count) = (sum + loss * scans as f64, count + scans);
        }
        sum / f64::from(count.max(1) as u32)
    };
    let task = Task { training: config.heads, validation: config.validation, loss: &loss };
    let optimiser = AdamConfig::new().with_epsilon(1e-8).init();
    let folder = out.join(part.name());
    let trained = fit(net, optimiser, &task, &config.schedule, Some(&folder), on_epoch, progress)?;
    let card = Card {
        part,
        network: shape,
        training: config.clone(),
        data: match part {
            Part::Locator => format!("{HEADS}; one scan in ten shows a cast of a skull or no head at all"),
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

/// Scans to learn from, all of one size.
struct Sample {
    /// Whole scans, or crops of sinuses.
    seen: Vec<Seen>,
    /// What the maps should be, `[scan, map, z, y, x]`.
    targets: Vec<f32>,
    /// How much of each sinus is in view, by [`Side::index`]; of crops there is none.
    answers: Vec<[Presence; 2]>,
}

/// Neighbours of one size as one.
fn together(samples: impl Iterator<Item = Sample>) -> Vec<Sample> {
    let size = |sample: &Sample| sample.seen.first().map(|seen| seen.grid.size);
    samples.fold(Vec::new(), |mut merged: Vec<Sample>, sample| {
        match merged.last_mut().filter(|last| size(last) == size(&sample)) {
            Some(last) => {
                last.seen.extend(sample.seen);
                last.targets.extend(sample.targets);
                last.answers.extend(sample.answers);
            }
            None => merged.push(sample),
        }
        merged
    })
}

/// A head of a contrast that nobody could foresee.
fn unforeseen(rng: &mut ChaCha8Rng, region: Region, spacing_mm: f64) -> Plan {
    let known = Contrast::ALL[rng.random_range(0..Contrast::ALL.len())];
    let contrast = if rng.random_bool(0.6) { Contrast::Random } else { known };
    plan(rng, contrast, &Degrade::Random, region, spacing_mm)
}

/// A head whose every second sinus is diseased, spoiled in such ways.
pub(super) fn plan(
    rng: &mut ChaCha8Rng,
    contrast: Contrast,
    degrade: &Degrade,
    region: Region,
    spacing_mm: f64,
) -> Plan {
    let degradations = degrade.draw(rng, contrast);
    Plan { region, degradations, prevalence: 0.5, ..Plan::new(rng.random(), contrast, spacing_mm) }
}

/// A whole head for the locator, and its mirror image in other greys.
fn whole(plan: &Plan, rng: &mut ChaCha8Rng, multiple: usize, progress: &Progress) -> Result<Sample, Cancelled> {
    let head = phantom::head(plan, progress)?;
    let Some(seen) = Seen::whole(&head.image, multiple) else { return Err(Cancelled) };
    let grid = seen.grid;
    let mut targets = trilinear(&cavities(&head), &grid, Outside::Value(0.0));
    let [left, right] = head.sinuses.each_ref().map(|truth| bump(grid, truth));
    targets.extend(left.zip(right).map(|(left, right)| left.max(right)));
    let halves: Vec<f32> = right_half(grid, &head).collect();
    let mut mirrored = seen::flipped(&targets, grid);
    mirrored.extend(seen::flipped(&halves, grid).iter().map(|right| 1.0 - right));
    targets.extend(halves);
    targets.extend(mirrored);
    let [left, right] = head.sinuses.map(|truth| Presence::of_share(truth.visible));
    let mirror_image = seen.mirrored();
    let mut both = vec![seen, mirror_image];
    for seen in &mut both {
        darken(seen, rng);
    }
    Ok(Sample { seen: both, targets, answers: vec![[left, right], [right, left]] })
}

/// A scan of something else for the locator: nothing is a cavity, nowhere is a centre, no half is the right one.
fn no_head(rng: &mut ChaCha8Rng, multiple: usize) -> Result<Sample, Cancelled> {
    let body = phantom::decoy(rng);
    let Some(mut seen) = Seen::whole(&body, multiple) else { return Err(Cancelled) };
    darken(&mut seen, rng);
    let count = seen.grid.count();
    let nothing = std::iter::repeat_n(0.0, (MAPS - 1) * count);
    let targets = nothing.chain(std::iter::repeat_n(0.5, count)).collect();
    Ok(Sample { seen: vec![seen], targets, answers: vec![[Presence::Absent; 2]] })
}

/// Both sinuses of a head for the segmenter, as the locator would find them.
fn sinuses(plan: &Plan, rng: &mut ChaCha8Rng, progress: &Progress) -> Result<Sample, Cancelled> {
    let head = phantom::head(plan, progress)?;
    let defaced = plan.degradations.defacing.is_some();
    let (mut seen, mut targets) = (Vec::new(), Vec::new());
    for truth in head.sinuses.iter().cycle().take(CROPS) {
        let mut jitter = || rng.random_range(-JITTER_MM..JITTER_MM);
        let centre_mm = truth.centre_mm + DVec3::new(jitter(), jitter(), jitter());
        let mut crop = Seen::crop(&head.image, truth.side, centre_mm);
        darken(&mut crop, rng);
        targets.extend(classes(&head, truth.side, crop.grid, defaced));
        seen.push(crop);
    }
    Ok(Sample { seen, targets, answers: Vec::new() })
}

/// 1 in the map of the class that each voxel of a crop has, 0 in the others: `[class, z, y, x]`.
fn classes(head: &Head, side: Side, grid: Grid, defaced: bool) -> Vec<f32> {
    const BEYOND: f32 = -1.0;
    let whole = head.whole_sinus_mm(side);
    let mut classes = vec![0.0; CLASSES * grid.count()];
    for (index, label) in nearest(&head.tissues, &grid, BEYOND).into_iter().enumerate() {
        let world = world(grid, index);
        // Of what the scan does not show there is no label.
        let hidden = label == BEYOND || (defaced && label == f32::from(Tissue::Air as u8));
        let class = match Tissue::from_label(label as u8) {
            _ if hidden => 3 * usize::from(whole.contains(world) && head.sinus_at(world) == Some(side)),
            Some(tissue) if tissue.in_sinus() && head.side_at(world) == side => {
                if tissue == Tissue::SinusAir {
                    1
                } else {
                    2
                }
            }
            _ => 0,
        };
        classes[class * grid.count() + index] = 1.0;
    }
    classes
}

/// The greys of scanners and windows differ; what is dark stays dark.
fn darken(seen: &mut Seen, rng: &mut ChaCha8Rng) {
    let gamma = rng.random_range(-0.5_f32..0.5).exp();
    seen.intensities.iter_mut().for_each(|v| *v = v.powf(gamma));
}

/// The middle of a voxel.
pub(super) fn world(grid: Grid, index: usize) -> DVec3 {
    let [nx, ny, _] = grid.size;
    let voxel = [index % nx, index / nx % ny, index / (nx * ny)].map(|c| c as f64);
    grid.world_from_voxel.transform_point3(DVec3::from_array(voxel))
}

/// 1 in the cavities, 0 elsewhere, on the grid of the head.
fn cavities(head: &Head) -> Volume {
    let labels: &[u8] = if let Voxels::U8(labels) = &head.tissues.voxels { labels } else { &[] };
    let inside = labels.iter().map(|label| f32::from(u8::from(*label >= Tissue::SinusAir as u8)));
    Volume::from_f32(head.tissues.grid, inside.collect(), Unit::Score)
}

/// 1 in the patient's right half of the head, 0 in the left, a few millimetres of both in the middle.
fn right_half(grid: Grid, head: &Head) -> impl Iterator<Item = f32> {
    // Of the whole sinuses: those in view may be cut off on one side.
    let [left, right] = [Side::Left, Side::Right].map(|side| head.whole_sinus_mm(side).centre());
    let (middle, to_right) = (left.midpoint(right), (right - left).normalize_or(DVec3::X));
    (0..grid.count()).map(move |index| {
        let right_mm = (world(grid, index) - middle).dot(to_right);
        (0.5 + right_mm / (2.0 * BLUR_MM)).clamp(0.0, 1.0) as f32
    })
}

/// A bump of 1 at the centre of a sinus; flat when it is not in view.
fn bump(grid: Grid, truth: &SinusTruth) -> impl Iterator<Item = f32> {
    let height = if Presence::of_share(truth.visible) == Presence::Absent { 0.0 } else { 1.0 };
    let centre_mm = truth.centre_mm;
    (0..grid.count()).map(move |index| {
        let away = world(grid, index).distance(centre_mm) / CENTRE_SD_MM;
        (height * (-0.5 * away * away).exp()) as f32
    })
}

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
    use crate::methods::sinus::Crop;
    use crate::phantom::degrade::{Cut, Edge};
    use crate::phantom::{Degradations, DiseaseKind};

    fn plan_with_left_opacified(region: Region, spacing_mm: f64) -> Plan {
        let diseases = Some([Some(DiseaseKind::Opacification), None]);
        Plan { region, diseases, ..Plan::new(3, Contrast::T1, spacing_mm) }
    }

    fn rng() -> ChaCha8Rng {
        ChaCha8Rng::seed_from_u64(1)
    }

    #[test]
    fn the_last_map_of_the_locator_is_the_patients_right_half() {
        let sample = whole(&plan_with_left_opacified(Region::Head, 4.0), &mut rng(), 16, &Progress::default()).unwrap();
        let grid = sample.seen[0].grid;
        let (cavities, others) = sample.targets.split_at(grid.count());
        let (centres, others) = others.split_at(grid.count());
        let (right, mirrored) = others.split_at(grid.count());
        let middle = |map: &[f32], half: &dyn Fn(f32) -> f32| {
            let weights: Vec<f64> = map.iter().zip(right).map(|(v, right)| f64::from(v * half(*right))).collect();
            let sum = weights.iter().enumerate().map(|(index, weight)| world(grid, index) * *weight).sum::<DVec3>();
            sum / weights.iter().sum::<f64>()
        };
        for map in [cavities, centres] {
            let (left, right) = (middle(map, &|right| 1.0 - right), middle(map, &|right| right));
            assert!((-42.0..-12.0).contains(&left.x), "{left}");
            assert!((12.0..42.0).contains(&right.x), "{right}");
        }
        assert_eq!(mirrored[..grid.count()], seen::flipped(cavities, grid));
        let right_again = seen::flipped(&mirrored[2 * grid.count()..], grid);
        assert!(right.iter().zip(right_again).all(|(a, b)| (a + b - 1.0).abs() < 1e-6));
        assert_eq!(sample.seen[0].mirrored().inside, sample.seen[1].inside);
        assert_eq!(sample.answers, [[Presence::Complete; 2]; 2]);
        assert_eq!(sample.targets.len(), 2 * MAPS * grid.count());
    }

    #[test]
    fn the_first_crop_of_the_segmenter_is_of_the_patients_left_sinus() {
        let plan = plan_with_left_opacified(Region::Sinuses, 2.0);
        let sample = sinuses(&plan, &mut rng(), &Progress::default()).unwrap();
        let voxels = Crop::SIZE.pow(3);
        let ml = |crop: usize, class: usize| {
            let start = (crop * CLASSES + class) * voxels;
            f64::from(sample.targets[start..start + voxels].iter().sum::<f32>()) / 1000.0
        };
        assert!(ml(0, 1) == 0.0 && ml(0, 2) > 8.0, "air {} mL, content {} mL", ml(0, 1), ml(0, 2));
        assert!(ml(1, 1) > 4.0 && ml(1, 2) < ml(1, 1), "air {} mL, content {} mL", ml(1, 1), ml(1, 2));
        assert!(sample.seen[0].grid.world_from_voxel.x_axis.x > 0.0, "the left crop runs to the right of the patient");
    }

    #[test]
    fn what_the_scan_does_not_show_of_a_sinus_has_a_class_of_its_own() {
        let degradations = Degradations { cuts: vec![Cut { edge: Edge::Bottom, depth: 0.5 }], ..Default::default() };
        let plan = Plan { degradations, ..plan_with_left_opacified(Region::Sinuses, 2.0) };
        let head = phantom::head(&plan, &Progress::default()).unwrap();
        for truth in &head.sinuses {
            let grid = Crop::grid_at(truth.side, truth.centre_mm, Crop::SIZE);
            let targets = classes(&head, truth.side, grid, false);
            let ml = |class: usize| {
                f64::from(targets[class * grid.count()..(class + 1) * grid.count()].iter().sum::<f32>()) / 1000.0
            };
            let visible = (ml(1) + ml(2)) / (ml(1) + ml(2) + ml(3));
            assert!((visible - truth.visible).abs() < 0.06, "{visible} {}", truth.visible);
            assert!(truth.visible < 0.8 && truth.visible > 0.2, "{}", truth.visible);
        }
    }

    #[test]
    fn a_scan_of_no_head_has_nothing_to_find() {
        let sample = no_head(&mut rng(), 16).unwrap();
        let count = sample.seen[0].grid.count();
        assert_eq!(sample.answers, [[Presence::Absent; 2]]);
        assert!(sample.targets[..2 * count].iter().all(|&v| v == 0.0));
        assert!(sample.targets.len() == MAPS * count && sample.targets[2 * count..].iter().all(|&v| v == 0.5));
    }

    #[test]
    fn a_perfect_answer_costs_nothing_and_a_swapped_one_much() {
        let device = Device::flex();
        let sample = whole(&plan_with_left_opacified(Region::Head, 4.0), &mut rng(), 16, &Progress::default()).unwrap();
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
