//! Augmentation of crops as the published code of paper 1 does it with torchio: half of the time exactly one of affine
//! distortion, flip, noise, blur, and affine distortion with flip.

use super::samples::{Sample, normal};
use crate::image::gaussian;
use crate::image::resample::{Outside, trilinear};
use crate::methods::sinus::Crop;
use crate::space::Grid;
use crate::volume::{Unit, Volume};
use glam::{DAffine3, DMat3, DVec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// What is done to a crop, and to all maps that belong to it.
#[derive(Clone, Debug, PartialEq)]
pub enum Change {
    /// Nothing.
    None,
    /// Where each voxel comes from, about the middle of the crop in mm; then flips along x, y and z.
    Geometry {
        /// Scale, rotation and shift.
        affine: Option<DAffine3>,
        /// Axes that are reversed.
        flips: [bool; 3],
    },
    /// Normal noise of this standard deviation.
    Noise(f64),
    /// Blur of these standard deviations in mm.
    Blur(DVec3),
}

impl Change {
    /// Draws one: scale 0.8 to 1.2, rotation up to 10° and shift up to 10 mm along each axis; each axis flipped half of the
    /// time; noise up to 0.25; blur up to 2 mm.
    pub fn draw(rng: &mut ChaCha8Rng) -> Self {
        if rng.random_bool(0.5) {
            return Self::None;
        }
        match rng.random_range(0..5) {
            0 => Self::Geometry { affine: Some(affine(rng)), flips: [false; 3] },
            1 => Self::Geometry { affine: None, flips: rng.random() },
            2 => Self::Noise(rng.random_range(0.0..0.25)),
            3 => Self::Blur(vector(rng, 0.0..2.0)),
            _ => Self::Geometry { affine: Some(affine(rng)), flips: rng.random() },
        }
    }

    /// Does it to a crop or a map of 64³. Noise differs from call to call, all else does not.
    #[must_use]
    pub fn apply(&self, mut values: Vec<f32>, rng: &mut ChaCha8Rng) -> Vec<f32> {
        let n = Crop::SIZE;
        match self {
            Self::None => {}
            Self::Geometry { affine, flips } => {
                if let Some(affine) = affine {
                    // Beyond the crop is its darkest value.
                    let darkest = values.iter().copied().fold(f32::MAX, f32::min);
                    let from = Grid::centred([n; 3], 1.0, DVec3::ZERO);
                    let grid = Grid { world_from_voxel: *affine * from.world_from_voxel, ..from };
                    let volume = Volume::from_f32(from, values, Unit::Arbitrary);
                    values = trilinear(&volume, &grid, Outside::Value(darkest));
                }
                values = flipped(values, *flips);
            }
            Self::Noise(sd) => values.iter_mut().for_each(|v| *v += (normal(rng) * sd) as f32),
            Self::Blur(mm) => gaussian::blur(&mut values, [n; 3], mm.to_array()),
        }
        values
    }
}

/// A crop shifted and changed at random; for validation as it is.
pub(super) fn view(sample: &Sample, jitter_mm: f64, validation: bool, rng: &mut ChaCha8Rng) -> Vec<f32> {
    seen(sample, jitter_mm, validation, rng, |change| change)
}

/// A [`view`] without noise: what a network should draw.
pub(super) fn clean_view(sample: &Sample, jitter_mm: f64, validation: bool, rng: &mut ChaCha8Rng) -> Vec<f32> {
    seen(sample, jitter_mm, validation, rng, |change| match change {
        Change::Noise(_) => Change::None,
        change => change,
    })
}

/// A view whose change is drawn at random, then made what it may be.
fn seen(
    sample: &Sample,
    jitter_mm: f64,
    validation: bool,
    rng: &mut ChaCha8Rng,
    allowed: impl Fn(Change) -> Change,
) -> Vec<f32> {
    if validation {
        return sample.centred();
    }
    let crop = sample.jittered(jitter_mm, rng);
    allowed(Change::draw(rng)).apply(crop, rng)
}

fn affine(rng: &mut ChaCha8Rng) -> DAffine3 {
    let turn = vector(rng, -10.0..10.0) * (std::f64::consts::PI / 180.0);
    let scale = vector(rng, 0.8..1.2);
    let matrix3 = DMat3::from_euler(glam::EulerRot::XYZ, turn.x, turn.y, turn.z) * DMat3::from_diagonal(scale.recip());
    DAffine3 { matrix3, translation: vector(rng, -10.0..10.0) }
}

fn vector(rng: &mut ChaCha8Rng, range: std::ops::Range<f64>) -> DVec3 {
    DVec3::from_array(std::array::from_fn(|_| rng.random_range(range.clone())))
}

fn flipped(values: Vec<f32>, flips: [bool; 3]) -> Vec<f32> {
    if flips == [false; 3] {
        return values;
    }
    let n = Crop::SIZE;
    let at = |axis: usize, i: usize| if flips[axis] { n - 1 - i } else { i };
    let place = |index: usize| at(0, index % n) + n * (at(1, index / n % n) + n * at(2, index / (n * n)));
    (0..values.len()).map(|index| values[place(index)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    fn index(x: usize, y: usize, z: usize) -> usize {
        x + 64 * (y + 64 * z)
    }

    fn one_bright(x: usize, y: usize, z: usize) -> Vec<f32> {
        let mut values = vec![0.0; Crop::SIZE.pow(3)];
        values[index(x, y, z)] = 1.0;
        values
    }

    #[test]
    fn flips_and_shifts_move_what_is_seen_and_its_map_alike() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let flip = Change::Geometry { affine: None, flips: [true, false, true] };
        let values = flip.apply(one_bright(3, 5, 7), &mut rng);
        assert_eq!((values[index(60, 5, 56)], values.iter().sum::<f32>()), (1.0, 1.0));
        let shift = DAffine3::from_translation(DVec3::new(2.0, 0.0, -3.0));
        let shift = Change::Geometry { affine: Some(shift), flips: [false; 3] };
        let values = shift.apply(one_bright(30, 31, 32), &mut rng);
        assert!(values[index(28, 31, 35)] > 0.999, "a voxel shows what was 2 mm further");
    }

    #[test]
    fn half_of_the_crops_stay_as_they_are_and_the_others_change_in_five_ways() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let mut counts = [0; 6];
        for _ in 0..2000 {
            let kind = match Change::draw(&mut rng) {
                Change::None => 0,
                Change::Geometry { affine: Some(_), flips: [false, false, false] } => 1,
                Change::Geometry { affine: Some(_), .. } => 2,
                Change::Geometry { affine: None, .. } => 3,
                Change::Noise(sd) => {
                    assert!(sd < 0.25);
                    4
                }
                Change::Blur(mm) => {
                    assert!(mm.max_element() < 2.0);
                    5
                }
            };
            counts[kind] += 1;
        }
        assert!((900..1100).contains(&counts[0]), "{counts:?}");
        assert!(counts[1..].iter().all(|count| (140..280).contains(count)), "{counts:?}");
    }

    #[test]
    fn noise_and_blur_keep_the_mean() {
        let mut rng = ChaCha8Rng::seed_from_u64(3);
        let mean = |values: &[f32]| values.iter().map(|&v| f64::from(v)).sum::<f64>() / values.len() as f64;
        let flat = vec![0.5; Crop::SIZE.pow(3)];
        let noisy = Change::Noise(0.2).apply(flat.clone(), &mut rng);
        let spread = (noisy.iter().map(|&v| f64::from(v - 0.5).powi(2)).sum::<f64>() / noisy.len() as f64).sqrt();
        assert!((mean(&noisy) - 0.5).abs() < 0.01 && (spread - 0.2).abs() < 0.01, "{spread}");
        let blurred = Change::Blur(DVec3::new(1.0, 2.0, 0.5)).apply(one_bright(32, 32, 32), &mut rng);
        assert!((blurred.iter().sum::<f32>() - 1.0).abs() < 1e-4 && blurred[index(32, 32, 32)] < 0.2);
    }
}
