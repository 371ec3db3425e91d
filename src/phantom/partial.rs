//! Partial volume: a voxel is as bright as all that lies in it, not as the tissue in its middle.

use super::Tissue;
use super::anatomy::Anatomy;
use super::palette::Palette;
use super::shape::{Noise, noise_offset};
use crate::job::{Cancelled, Progress};
use crate::space::Grid;
use glam::DVec3;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// How far apart the samples within a voxel may be, at the walls of a sinus and elsewhere.
const APART_MM: [f64; 2] = [1.2, 2.2];

/// At least and at most so many samples along an axis, at the walls of a sinus and elsewhere: of thin walls and mucosa
/// even voxels of 1 mm hold only a part.
const ALONG: [[f64; 2]; 2] = [[2.0, 5.0], [1.0, 4.0]];

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
    let [closely, coarsely] = [0, 1].map(|place| samples(grid, APART_MM[place], ALONG[place]));
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
            let neighbours = [
                (i > 0).then(|| at - 1),
                (i + 1 < nx).then(|| at + 1),
                (j > 0).then(|| at - nx),
                (j + 1 < ny).then(|| at + nx),
                (k > 0).then(|| at - slice),
                (k + 1 < nz).then(|| at + slice),
            ];
            let (mut edge, mut wall) = (false, false);
            for neighbour in neighbours.into_iter().flatten().map(|other| labels[other]) {
                if neighbour != labels[at] {
                    edge |= (palette.of(neighbour).mean - paint.mean).abs() > alike;
                    wall |= neighbour.max(labels[at]) >= Tissue::SinusAir as u8;
                }
            }
            if !edge && paint.grain == 0.0 {
                continue;
            }
            let voxel = DVec3::new(i as f64, j as f64, k as f64);
            let world = grid.world_from_voxel.transform_point3(voxel);
            if edge {
                let offsets = if wall { &closely } else { &coarsely };
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
fn samples(grid: Grid, apart_mm: f64, [least, most]: [f64; 2]) -> Vec<DVec3> {
    let counts = (grid.spacing_mm() / apart_mm).ceil().clamp(DVec3::splat(least), DVec3::splat(most)).to_array();
    let along = counts.map(|n| (0..n as usize).map(move |s| (s as f64 + 0.5) / n - 0.5));
    let [xs, ys, zs] = along;
    let places = zs.flat_map(|z| {
        let xs = xs.clone();
        ys.clone().flat_map(move |y| xs.clone().map(move |x| DVec3::new(x, y, z)))
    });
    places.map(|place| grid.world_from_voxel.matrix3 * place).collect()
}
