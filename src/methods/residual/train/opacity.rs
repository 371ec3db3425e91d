//! Opacities laid into normal sinuses while an autoencoder learns to draw these as they were. One that only ever sees
//! normal sinuses draws a full one as it is, and its map stays dark; one that was taught to take opacities away draws air
//! there (a denoising autoencoder, Kascenas et al. 2022, whose noise lies where disease would).

use super::samples::normal;
use crate::image::gaussian;
use crate::methods::residual::region::{from_middle_mm, in_antrum};
use crate::methods::sinus::Crop;
use glam::DVec3;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// How far a voxel of the cavity may differ from its middle; crops range from 0 to 1.
const ALIKE: f32 = 0.12;
/// A cavity of fewer voxels is none.
const LEAST_VOXELS: usize = 400;
/// An opacity differs from what it replaces at least so much.
const LEAST_CONTRAST: f32 = 0.08;

/// A crop of a normal sinus, in a `share` of the calls with an opacity.
pub(super) fn some(values: Vec<f32>, share: f64, rng: &mut ChaCha8Rng) -> Vec<f32> {
    if share > 0.0 && rng.random_bool(share) { lay(values, rng) } else { values }
}

/// Fills the cavity of a crop of a normal sinus, or a part of it, with some other grey: all of it, up to a level in any
/// direction, a ball, or a lining along the wall. A crop whose middle is no cavity stays as it is.
fn lay(mut values: Vec<f32>, rng: &mut ChaCha8Rng) -> Vec<f32> {
    let size = [Crop::SIZE; 3];
    let air = middle(&values);
    let cavity: Vec<bool> =
        values.iter().enumerate().map(|(voxel, value)| in_antrum(voxel) && (value - air).abs() < ALIKE).collect();
    let voxels: Vec<usize> = (0..values.len()).filter(|&voxel| cavity[voxel]).collect();
    if voxels.len() < LEAST_VOXELS {
        return values;
    }
    let mut weight: Vec<f32> = cavity.iter().map(|&inside| f32::from(u8::from(inside))).collect();
    match rng.random_range(0..4) {
        0 => {}
        1 => {
            let up = DVec3::new(normal(rng), normal(rng), normal(rng)).normalize_or(DVec3::Z);
            let level = from_middle_mm(voxels[rng.random_range(0..voxels.len())]).dot(up);
            keep(&mut weight, |voxel| from_middle_mm(voxel).dot(up) <= level);
        }
        2 => {
            let middle = from_middle_mm(voxels[rng.random_range(0..voxels.len())]);
            let radius = rng.random_range(3.0..14.0);
            keep(&mut weight, |voxel| from_middle_mm(voxel).distance(middle) <= radius);
        }
        _ => {
            let mut near = weight.clone();
            gaussian::blur(&mut near, size, [rng.random_range(1.5..4.0); 3]);
            let deepest = rng.random_range(0.7..0.97);
            keep(&mut weight, |voxel| near[voxel] < deepest);
        }
    }
    gaussian::blur(&mut weight, size, [rng.random_range(0.4..1.0); 3]);
    let grey = loop {
        let grey: f32 = rng.random();
        if (grey - air).abs() >= LEAST_CONTRAST {
            break grey;
        }
    };
    let texture = rng.random_range(0.0..0.05);
    for (value, weight) in values.iter_mut().zip(weight).filter(|(_, weight)| *weight > 1e-3) {
        let filled = grey + (normal(rng) * texture) as f32;
        *value += weight * (filled - *value);
    }
    values
}

/// The mean of the seven voxels around the middle of a crop, along each axis.
fn middle(values: &[f32]) -> f32 {
    let (n, span) = (Crop::SIZE, Crop::SIZE / 2 - 3..Crop::SIZE / 2 + 4);
    let mut sum = 0.0;
    for z in span.clone() {
        for y in span.clone() {
            sum += values[n * (y + n * z)..][span.clone()].iter().sum::<f32>();
        }
    }
    sum / span.len().pow(3) as f32
}

fn keep(weight: &mut [f32], here: impl Fn(usize) -> bool) {
    for (voxel, weight) in weight.iter_mut().enumerate() {
        if *weight > 0.0 && !here(voxel) {
            *weight = 0.0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    /// A dark ball of 14 mm in bright surroundings.
    fn sinus() -> Vec<f32> {
        (0..Crop::SIZE.pow(3)).map(|voxel| if from_middle_mm(voxel).length() < 14.0 { 0.1 } else { 0.8 }).collect()
    }

    #[test]
    fn an_opacity_lies_in_the_cavity_and_nowhere_else() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let before = sinus();
        let mut changed = Vec::new();
        for _ in 0..24 {
            let after = lay(before.clone(), &mut rng);
            let differs = |voxel: &usize| (after[*voxel] - before[*voxel]).abs() > 0.05;
            let far = |voxel: &usize| from_middle_mm(*voxel).length() > 17.0;
            let voxels: Vec<usize> = (0..after.len()).filter(differs).collect();
            assert!(!voxels.iter().any(far));
            changed.push(voxels.len());
        }
        changed.sort_unstable();
        assert!(
            changed[0] > 0 && changed[0] < 4000 && changed[23] > 11_000,
            "small ones and full sinuses: {changed:?}"
        );
    }

    #[test]
    fn the_same_seed_lays_the_same_and_what_is_no_cavity_stays() {
        let laid = |seed: u64| lay(sinus(), &mut ChaCha8Rng::seed_from_u64(seed));
        assert!(laid(3) == laid(3) && laid(3) != laid(4));
        let striped: Vec<f32> = (0..Crop::SIZE.pow(3)).map(|voxel| (voxel % 2) as f32).collect();
        assert_eq!(lay(striped.clone(), &mut ChaCha8Rng::seed_from_u64(5)), striped);
    }
}
