//! Partial volume: a voxel is as bright as all that lies in it, not as the tissue in its middle.

use super::anatomy::Anatomy;
use super::palette::Palette;
use super::shape::{Noise, noise_offset};
use crate::job::{Cancelled, Progress};
use crate::space::{BoxMm, Grid, Side};
use glam::DVec3;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// How far apart the samples within a voxel may be, near the sinuses and elsewhere: there mucosa of 1 mm counts.
const APART_MM: [f64; 2] = [0.8, 1.7];

/// No voxel has more samples than this along an axis.
const MOST: f64 = 4.0;

/// Neighbours that differ by less than this share of the whole range of brightness need no second look.
const ALIKE: f32 = 0.05;

/// The brightness of every voxel: the mean of the tissues in it, and their grain.
///
/// # Errors
/// [`Cancelled`] when the job should stop.
pub(super) fn paint(
    anatomy: &Anatomy,
    grid: Grid,
    labels: &[u8],
    palette: &Palette,
    rng: &mut ChaCha8Rng,
    progress: &Progress,
) -> Result<Vec<f32>, Cancelled> {
    progress.step(0.0, "imaging the head")?;
    let noise = Noise::new(rng);
    let shift = noise_offset(rng);
    let alike = ALIKE * palette.range();
    let near = near_sinuses(anatomy);
    let [closely, coarsely] = APART_MM.map(|apart_mm| samples(grid, apart_mm));
    let [nx, ny, nz] = grid.size;
    let slice = nx * ny;
    let mut values = vec![0.0_f32; labels.len()];
    values.par_chunks_mut(nx).enumerate().for_each(|(line, row)| {
        let (j, k) = (line % ny, line / ny);
        if progress.check().is_err() {
            return;
        }
        for (i, value) in row.iter_mut().enumerate() {
            let at = line * nx + i;
            let paint = palette.of(labels[at]);
            *value = paint.mean;
            let differs = |inside: bool, other: usize| {
                inside && labels[other] != labels[at] && (palette.of(labels[other]).mean - paint.mean).abs() > alike
            };
            let edge = differs(i > 0, at.wrapping_sub(1))
                || differs(i + 1 < nx, at + 1)
                || differs(j > 0, at.wrapping_sub(nx))
                || differs(j + 1 < ny, at + nx)
                || differs(k > 0, at.wrapping_sub(slice))
                || differs(k + 1 < nz, at + slice);
            if !edge && paint.grain == 0.0 {
                continue;
            }
            let voxel = DVec3::new(i as f64, j as f64, k as f64);
            let world = grid.world_from_voxel.transform_point3(voxel);
            if edge {
                let offsets = if near.contains(world) { &closely } else { &coarsely };
                if offsets.len() > 1 {
                    let sum: f32 = offsets.iter().map(|&o| palette.of(anatomy.at(world + o) as u8).mean).sum();
                    *value = sum / offsets.len() as f32;
                }
            }
            if paint.grain > 0.0 {
                let p = world.as_vec3() / paint.grain_mm;
                *value += paint.grain * (noise.at(p + shift) + noise.at(p / 2.7 - shift));
            }
        }
    });
    progress.step(1.0, "imaging the head")?;
    Ok(values)
}

/// The offsets from a voxel's centre at which it is sampled, in world mm.
fn samples(grid: Grid, apart_mm: f64) -> Vec<DVec3> {
    let counts = (grid.spacing_mm() / apart_mm).round().clamp(DVec3::ONE, DVec3::splat(MOST)).to_array();
    let along = counts.map(|n| (0..n as usize).map(move |s| (s as f64 + 0.5) / n - 0.5));
    let [xs, ys, zs] = along;
    let places = zs.flat_map(|z| {
        let xs = xs.clone();
        ys.clone().flat_map(move |y| xs.clone().map(move |x| DVec3::new(x, y, z)))
    });
    places.map(|place| grid.world_from_voxel.matrix3 * place).collect()
}

/// A box around both sinuses and their walls.
fn near_sinuses(anatomy: &Anatomy) -> BoxMm {
    let [a, b] = Side::BOTH.map(|side| anatomy.sinus_box_mm(side));
    BoxMm { min: a.min.min(b.min) - 4.0, max: a.max.max(b.max) + 4.0 }
}
