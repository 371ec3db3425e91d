//! What the finder's networks learn from: a scan of a synthetic head, or of none, beside what should be said about it.

use super::config::Part;
use super::infer::Presence;
use super::locate::{CENTRE_SD_MM, MAPS};
use super::seen::{self, Seen};
use super::segment::CLASSES;
use crate::image::resample::{Outside, trilinear};
use crate::job::{Cancelled, Progress};
use crate::phantom::{self, Contrast, Degradation, Degrade, Head, Plan, Region, SinusTruth, Tissue};
use crate::space::{BoxMm, Grid, Side};
use crate::volume::{Unit, Volume, Voxels};
use glam::DVec3;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::ops::Range;

/// Voxel size of the heads that the locator sees: fine enough for walls and linings to darken and brighten voxels.
const HEAD_MM: f64 = 2.2;
/// The share of the scans for the locator that show no head.
pub(super) const NO_HEADS: f64 = 0.09;
/// The share of the scans with a head for the locator that show a cast of its skull.
pub(super) const CASTS: f64 = 0.03;
/// The share of the heads for the segmenter that are CT whatever else is drawn: there, a wall thinner than a voxel is as
/// bright as a lining, and it takes most to learn the difference.
const MORE_CT: f64 = 0.15;
/// Voxel size of the crops that the segmenter sees.
pub(super) const SINUS_MM: f64 = 1.0;
/// Voxel sizes of the scans that its crops are cut from.
const SCAN_MM: Range<f64> = 0.9..1.6;
/// The locator is at most this wrong, along each axis, when the segmenter looks.
const JITTER_MM: f64 = 11.0;
/// Crops of one head, both of its sinuses by turns.
const CROPS: usize = 4;
/// How far from the middle of the head its halves run into each other.
const BLUR_MM: f64 = 5.0;
/// Scans to learn from, all of one size.
pub(super) struct Sample {
    /// Whole scans, or crops of sinuses.
    pub seen: Vec<Seen>,
    /// What the maps should be, `[scan, map, z, y, x]`.
    pub targets: Vec<f32>,
    /// How much of each sinus is in view, by [`Side::index`]; of crops there is none.
    pub answers: Vec<[Presence; 2]>,
}

/// Neighbours of one size as one.
pub(super) fn together(samples: impl Iterator<Item = Sample>) -> Vec<Sample> {
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

/// A sample for one of the networks, of a head that nobody could foresee or of none. The edges of whole scans are multiples
/// of `multiple`.
pub(super) fn draw(
    part: Part,
    rng: &mut ChaCha8Rng,
    multiple: usize,
    progress: &Progress,
) -> Result<Sample, Cancelled> {
    match part {
        Part::Locator if rng.random_bool(NO_HEADS) => no_head(rng, multiple),
        Part::Locator => {
            let mut plan = unforeseen(rng, Region::Head, HEAD_MM);
            if rng.random_bool(CASTS) {
                let contrast = plan.contrast;
                plan.degradations.switch_on(Degradation::Cast, rng, contrast);
            }
            whole(&plan, rng, multiple, progress)
        }
        Part::Segmenter => {
            let spacing_mm = rng.random_range(SCAN_MM);
            let plan = if rng.random_bool(MORE_CT) {
                plan(rng, Contrast::Ct, &Degrade::Random, Region::Sinuses, spacing_mm)
            } else {
                unforeseen(rng, Region::Sinuses, spacing_mm)
            };
            sinuses(&plan, rng, progress)
        }
    }
}

/// A head of a contrast that nobody could foresee.
fn unforeseen(rng: &mut ChaCha8Rng, region: Region, spacing_mm: f64) -> Plan {
    let known = Contrast::ALL[rng.random_range(0..Contrast::ALL.len())];
    let contrast = if rng.random_bool(0.2) { Contrast::Random } else { known };
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
pub(super) fn whole(
    plan: &Plan,
    rng: &mut ChaCha8Rng,
    multiple: usize,
    progress: &Progress,
) -> Result<Sample, Cancelled> {
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
    let (mut seen, mut targets) = (Vec::new(), Vec::new());
    for truth in head.sinuses.iter().cycle().take(CROPS) {
        let mut jitter = || rng.random_range(-JITTER_MM..JITTER_MM);
        let centre_mm = truth.centre_mm + DVec3::new(jitter(), jitter(), jitter());
        let mut crop = Seen::crop(&head.image, truth.side, centre_mm);
        // What CT measures needs no guess.
        if head.image.unit != Unit::Hounsfield {
            darken(&mut crop, rng);
        }
        targets.extend(classes(&head, truth.side, crop.grid));
        seen.push(crop);
    }
    Ok(Sample { seen, targets, answers: Vec::new() })
}

/// 1 in the map of the class that each voxel of a crop has, 0 in the others: `[class, z, y, x]`. Where the cavity ends is
/// read from its shape, not from the voxels of the scan.
fn classes(head: &Head, side: Side, grid: Grid) -> Vec<f32> {
    // The box is good to a few millimetres.
    let BoxMm { min, max } = head.whole_sinus_mm(side);
    let whole = BoxMm { min: min - 3.0, max: max + 3.0 };
    let class = |index: usize| {
        let world = grid.voxel_mm(index);
        if !whole.contains(world) || head.side_at(world) != side {
            return 0;
        }
        match head.tissue_at(world) {
            tissue if !tissue.in_sinus() => 0,
            _ if !head.shows(world) => 3,
            Tissue::SinusAir => 1,
            _ => 2,
        }
    };
    let all: Vec<usize> = (0..grid.count()).into_par_iter().map(class).collect();
    let mut classes = vec![0.0; CLASSES * grid.count()];
    for (index, class) in all.into_iter().enumerate() {
        classes[class * grid.count() + index] = 1.0;
    }
    classes
}

/// The greys of scanners and windows differ; what is dark stays dark.
fn darken(seen: &mut Seen, rng: &mut ChaCha8Rng) {
    let gamma = rng.random_range(-0.5_f32..0.5).exp();
    seen.intensities.iter_mut().for_each(|v| *v = v.powf(gamma));
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
        let right_mm = (grid.voxel_mm(index) - middle).dot(to_right);
        (0.5 + right_mm / (2.0 * BLUR_MM)).clamp(0.0, 1.0) as f32
    })
}

/// A bump of 1 at the centre of a sinus; flat when it is not in view.
fn bump(grid: Grid, truth: &SinusTruth) -> impl Iterator<Item = f32> {
    let height = if Presence::of_share(truth.visible) == Presence::Absent { 0.0 } else { 1.0 };
    let centre_mm = truth.centre_mm;
    (0..grid.count()).map(move |index| {
        let away = grid.voxel_mm(index).distance(centre_mm) / CENTRE_SD_MM;
        (height * (-0.5 * away * away).exp()) as f32
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::methods::sinus::Crop;
    use crate::phantom::degrade::{Cut, Edge};
    use crate::phantom::{Degradations, DiseaseKind};
    use rand::SeedableRng as _;

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
            let sum = weights.iter().enumerate().map(|(index, weight)| grid.voxel_mm(index) * *weight).sum::<DVec3>();
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
        assert_eq!(sample.answers, [[Presence::Complete; 2]; 2]);
        assert_eq!(sample.targets.len(), 2 * MAPS * grid.count());
    }

    #[test]
    fn a_mirror_image_has_its_sides_exchanged() {
        use Presence::{Complete, Partial};
        let degradations = Degradations { cuts: vec![Cut { edge: Edge::Left, depth: 0.5 }], ..Default::default() };
        let plan = Plan { degradations, ..plan_with_left_opacified(Region::Head, 4.0) };
        let sample = whole(&plan, &mut rng(), 16, &Progress::default()).unwrap();
        assert_eq!(sample.answers, [[Partial, Complete], [Complete, Partial]]);
        // Greys differ, what is darkest does not.
        let darkest = |values: &[f32]| values.iter().map(|&v| v == 0.0).collect::<Vec<_>>();
        let [seen, mirrored] = [0, 1].map(|n| &sample.seen[n]);
        assert_eq!(darkest(&seen::flipped(&seen.intensities, seen.grid)), darkest(&mirrored.intensities));
        assert_ne!(darkest(&seen.intensities), darkest(&mirrored.intensities));
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
            let targets = classes(&head, truth.side, grid);
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
}
