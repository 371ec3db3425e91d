//! From tissues to a stored scan. The order is that of physics: brightness with partial volume, what else lies in the
//! bore, metal, the limits of sharpness and of the field of view, motion, coil shading, noise (Rician in magnitude
//! MR, Gaussian in CT), and last what people and programs do to files.

use super::anatomy::Anatomy;
use super::artefact;
use super::degrade::{Degradations, Intensities};
use super::field::Field;
use super::palette::Palette;
use super::partial;
use super::shape::Noise;
use super::{Contrast, Plan, Tissue};
use crate::image::gaussian;
use crate::image::percentile::percentiles;
use crate::job::{Cancelled, Progress};
use crate::space::Grid;
use crate::volume::{Rescale, Unit, Volume, Voxels};
use glam::{Vec3, vec3};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::f32::consts::TAU;

/// Images the labels of everything that gives signal; the labels of the field of view come back with the scan.
///
/// # Errors
/// [`Cancelled`] when the job should stop.
pub(super) fn image(
    plan: &Plan,
    anatomy: &Anatomy,
    field: &Field,
    labels: Vec<u8>,
    rng: &mut ChaCha8Rng,
    progress: &Progress,
) -> Result<(Volume, Vec<u8>), Cancelled> {
    let d = &plan.degradations;
    let palette = Palette::draw(plan.contrast, rng);
    let palette = if d.cast { palette.cast() } else { palette };
    let mut values = partial::paint(anatomy, field.sampled, &labels, &palette, rng, &progress.part(0.0, 0.4))?;
    let scanner = Scanner::draw(rng, plan.contrast, d);
    let sampled = &field.sampled;
    if d.couch {
        artefact::couch(&mut values, &labels, sampled, anatomy.middle_mm() + d.origin_mm, &palette, scanner.ct);
    }
    if d.dental > 0.0 {
        let metal_mm = artefact::fillings(&labels, sampled, rng);
        let change = if scanner.ct { artefact::streaks } else { artefact::voids };
        change(&mut values, sampled, &metal_mm, d.dental, &scanner.field);
    }
    progress.step(0.5, "imaging the head")?;
    let sharpness_mm = scanner.sharpness_mm.hypot(d.blur_mm);
    gaussian::blur(&mut values, sampled.size, (sharpness_mm / sampled.spacing_mm()).to_array());
    progress.step(0.7, "imaging the head")?;

    let mut values = field.folded(values);
    let mut labels = field.within(labels);
    let grid = field.grid();
    if let Some(ghosting) = d.ghosting {
        artefact::ghosts(&mut values, &grid, d.axes.voxel_axis(ghosting.axis), ghosting);
    }
    scanner.measure(&mut values, &grid);
    progress.step(0.9, "imaging the head")?;
    let nothing = if scanner.ct { -1024.0 } else { 0.0 };
    if let Some(padding) = d.padding {
        artefact::pad(&mut values, &grid, d.axes.voxel_axis(2), padding);
    }
    if let Some(defacing) = d.defacing {
        artefact::deface(&mut values, &mut labels, &grid, anatomy, defacing, nothing);
    }
    if d.cast {
        let material = |label: u8| Tissue::from_label(label).is_some_and(Tissue::in_cast);
        let cast = |label: u8| if material(label) { Tissue::Bone } else { Tissue::Air };
        for label in &mut labels {
            *label = cast(*label) as u8;
        }
    }
    let (voxels, unit) = store(values, d, scanner.ct);
    progress.step(1.0, "imaging the head")?;
    Ok((Volume { grid, voxels, rescale: Rescale::NONE, unit }, labels))
}

/// What one scanner does to the true brightness.
struct Scanner {
    ct: bool,
    sharpness_mm: f64,
    gain: f32,
    noise: f32,
    noise_seed: u64,
    slope: Vec3,
    bowl: f32,
    bias: f32,
    field: Noise,
}

impl Scanner {
    fn draw(rng: &mut ChaCha8Rng, contrast: Contrast, d: &Degradations) -> Self {
        let ct = contrast == Contrast::Ct;
        let mut tilt = || rng.random_range(-0.12..0.12);
        let slope = vec3(tilt(), tilt(), tilt());
        let noise = if ct { rng.random_range(8.0..20.0) } else { rng.random_range(1.2..3.0) };
        Self {
            ct,
            sharpness_mm: rng.random_range(0.4..0.75),
            gain: if ct { 1.0 } else { rng.random_range(4.0..8.0) },
            noise: noise + d.noise * if ct { 1000.0 } else { 100.0 },
            noise_seed: rng.random(),
            slope,
            bowl: rng.random_range(0.0..0.2),
            bias: d.bias,
            field: Noise::new(rng),
        }
    }

    /// Shading and noise.
    fn measure(&self, values: &mut [f32], grid: &Grid) {
        let [nx, ny, _] = grid.size;
        let size = Vec3::from_array(grid.size.map(|n| n as f32));
        values.par_chunks_mut(nx * ny).enumerate().for_each(|(k, slice)| {
            // A generator for each slice: the noise does not depend on which thread makes it.
            let mut rng = ChaCha8Rng::seed_from_u64(self.noise_seed);
            rng.set_stream(k as u64);
            for (index, value) in slice.iter_mut().enumerate() {
                // Box-Muller: two independent normal numbers from two uniform ones.
                let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt() * self.noise;
                let (sin, cos) = (TAU * rng.random::<f32>()).sin_cos();
                if self.ct {
                    *value = (*value + radius * cos).max(-1024.0);
                    continue;
                }
                let place = vec3((index % nx) as f32, (index / nx) as f32, k as f32) / size * 2.0 - 1.0;
                let shaded = *value * self.shading(place);
                *value = (shaded + radius * cos).hypot(radius * sin) * self.gain;
            }
        });
    }

    /// The coil's sensitivity at a place of the field of view, each coordinate from -1 to 1.
    fn shading(&self, place: Vec3) -> f32 {
        let usual = 1.0 + self.slope.dot(place) + self.bowl * (place.length_squared() - 0.5);
        if self.bias == 0.0 {
            return usual;
        }
        let strong = 1.4 * self.field.at(place * 0.9 + 5.0) + 4.0 * self.slope.dot(place);
        usual * (self.bias * strong).exp()
    }
}

/// What the file holds.
fn store(mut values: Vec<f32>, d: &Degradations, ct: bool) -> (Voxels, Unit) {
    // A sample is enough to know how bright a scan is.
    let brightest = || {
        let some: Vec<f32> = values.iter().copied().step_by(7).collect();
        let [top] = percentiles(&some, [99.9]);
        (top as f32).max(1.0)
    };
    let mut bytes = false;
    match d.intensities {
        None => {}
        Some(Intensities::Clipped(share)) => {
            let top = share * brightest();
            change(&mut values, |v| v.min(top));
        }
        Some(Intensities::Scaled(factor)) => change(&mut values, |v| v * factor),
        Some(Intensities::Gamma(power)) => {
            let top = brightest();
            change(&mut values, |v| top * (v / top).max(0.0).powf(power));
        }
        Some(Intensities::Bytes { centre, width }) => {
            let (low, span) = if ct { (centre - width / 2.0, width) } else { (0.0, brightest()) };
            change(&mut values, |v| ((v - low) / span).clamp(0.0, 1.0) * 255.0);
            bytes = true;
        }
        Some(Intensities::Standardised) => {
            let count = values.len() as f64;
            let mean = values.iter().map(|&v| f64::from(v)).sum::<f64>() / count;
            let variance = values.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / count;
            let deviation = variance.sqrt().max(1e-6);
            change(&mut values, |v| ((f64::from(v) - mean) / deviation) as f32);
            return (Voxels::F32(values), Unit::Arbitrary);
        }
    }
    // Numbers of Rust stop at the limits of their type.
    match (ct, bytes) {
        (_, true) => (Voxels::U8(values.into_par_iter().map(|v| v.round() as u8).collect()), Unit::Arbitrary),
        (false, _) => (Voxels::U16(values.into_par_iter().map(|v| v.round() as u16).collect()), Unit::Arbitrary),
        (true, _) if d.unrescaled => {
            let stored = values.into_par_iter().map(|v| (v + 1024.0).round().max(0.0) as i16).collect();
            (Voxels::I16(stored), Unit::Arbitrary)
        }
        (true, _) => (Voxels::I16(values.into_par_iter().map(|v| v.round() as i16).collect()), Unit::Hounsfield),
    }
}

fn change(values: &mut [f32], by: impl Fn(f32) -> f32 + Sync) {
    values.par_iter_mut().for_each(|v| *v = by(*v));
}
