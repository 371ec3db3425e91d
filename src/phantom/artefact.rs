//! What is in a picture and not in the head: metal, couches, ghosts, padding, and faces that were taken away.
//!
//! Each function changes values in place on a grid; the world is that of the head.

use super::Tissue;
use super::anatomy::Anatomy;
use super::degrade::{Defacing, Ghosting};
use super::palette::Palette;
use super::shape::{Noise, ramp};
use crate::image::gaussian;
use crate::space::Grid;
use glam::{DVec3, Vec3, vec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;

/// Runs `change` on every voxel with its world position and its number.
fn each(values: &mut [f32], grid: &Grid, change: impl Fn(DVec3, usize, &mut f32) + Sync) {
    let [nx, ny, _] = grid.size;
    values.par_chunks_mut(nx).enumerate().for_each(|(line, row)| {
        let (j, k) = ((line % ny) as f64, (line / ny) as f64);
        for (i, value) in row.iter_mut().enumerate() {
            let world = grid.world_from_voxel.transform_point3(DVec3::new(i as f64, j, k));
            change(world, line * nx + i, value);
        }
    });
}

/// A headrest around the back of the head and a couch below it, hard shells with foam inside.
pub(super) fn couch(values: &mut [f32], labels: &[u8], grid: &Grid, middle_mm: DVec3, palette: &Palette, ct: bool) {
    let air = palette.of(Tissue::Air as u8).mean;
    let (shell, foam) = if ct { (80.0, -900.0) } else { (air + 0.5 * palette.range(), air + 0.04 * palette.range()) };
    each(values, grid, |world, index, value| {
        let p = world - middle_mm;
        if labels[index] != Tissue::Air as u8 || p.y > -35.0 {
            return;
        }
        let from_axis_mm = p.x.hypot(0.92 * p.y);
        *value = match (from_axis_mm, p.y) {
            (108.0..120.0, -126.0..) => foam,
            (120.0..123.0, -126.0..) | (_, -134.0..-131.0 | -160.0..-157.0) => shell,
            (_, -157.0..-134.0) => foam,
            _ => *value,
        };
    });
}

/// Up to four teeth with metal: where they are, in world mm. Teeth that have fillings come first.
pub(super) fn fillings(labels: &[u8], grid: &Grid, rng: &mut ChaCha8Rng) -> Vec<DVec3> {
    let all = |tissue: Tissue| (0..labels.len()).filter(|&at| labels[at] == tissue as u8).collect::<Vec<_>>();
    let mut teeth = all(Tissue::Metal);
    if teeth.is_empty() {
        teeth = all(Tissue::Tooth);
    }
    let count = rng.random_range(1..5).min(teeth.len());
    (0..count).map(|_| grid.voxel_mm(teeth[rng.random_range(0..teeth.len())])).collect()
}

/// Bright and dark rays from metal, in the slices that the X-rays cross.
pub(super) fn streaks(values: &mut [f32], grid: &Grid, metal_mm: &[DVec3], strength: f32, noise: &Noise) {
    each(values, grid, |world, _, value| {
        for (which, &metal) in metal_mm.iter().enumerate() {
            let from = (world - metal).as_vec3();
            let slice = (-(from.z / 4.0).powi(2)).exp();
            if slice < 0.02 {
                continue;
            }
            let from_mm = from.truncate().length();
            if from_mm < 3.5 && from.z.abs() < 4.0 {
                *value = 3000.0;
                continue;
            }
            let direction = from.truncate() / from_mm.max(0.1);
            let ray = noise.at(vec3(direction.x * 9.0, direction.y * 9.0, 3.0 * which as f32));
            *value += strength * slice * 2200.0 * ray * ray.abs() * (-from_mm / 45.0).exp();
        }
    });
}

/// The signal void of metal and the bright rim where its signal went.
pub(super) fn voids(values: &mut [f32], grid: &Grid, metal_mm: &[DVec3], strength: f32, noise: &Noise) {
    let radius_mm = 6.0 + 14.0 * strength;
    each(values, grid, |world, _, value| {
        for &metal in metal_mm {
            let from = (world - metal).as_vec3();
            let from_mm = from.length();
            if from_mm > 1.6 * radius_mm {
                continue;
            }
            let edge_mm = from_mm - radius_mm * (1.0 + 0.35 * noise.at(from / 7.0));
            let rim = (1.0 + from.y / from_mm.max(0.1)) * (-(edge_mm / 2.0).powi(2)).exp();
            *value *= ramp(-3.0, 1.0, edge_mm) * (1.0 + 0.7 * rim);
        }
    });
}

/// Adds copies of the whole picture, each fainter, shifted along a voxel axis and wrapped around.
pub(super) fn ghosts(values: &mut [f32], grid: &Grid, axis: usize, ghosting: Ghosting) {
    let source = values.to_vec();
    let n = grid.size[axis];
    let stride: usize = grid.size[..axis].iter().product();
    let copies: Vec<(usize, f32)> =
        (1..=ghosting.copies).map(|copy| (copy * n / (ghosting.copies + 1), ghosting.strength / copy as f32)).collect();
    values.par_iter_mut().enumerate().for_each(|(at, value)| {
        let place = at / stride % n;
        for &(shift, strength) in &copies {
            let from = at - place * stride + (place + n - shift) % n * stride;
            *value += strength * source[from];
        }
    });
}

/// Puts `padding` beyond the circle of reconstruction, as wide as the grid is at most across the gantry's axis: the
/// corners are lost, never a sinus.
pub(super) fn pad(values: &mut [f32], grid: &Grid, gantry_axis: usize, padding: f32) {
    let spacing_mm = grid.spacing_mm().to_array();
    let across: Vec<usize> = (0..3).filter(|&axis| axis != gantry_axis).collect();
    let half_mm: Vec<f64> = across.iter().map(|&a| grid.size[a] as f64 * spacing_mm[a] / 2.0).collect();
    let radius_mm = half_mm.iter().copied().fold(0.0, f64::max);
    values.par_iter_mut().enumerate().for_each(|(at, value)| {
        let voxel = grid.voxel(at);
        let from = |which: usize| (voxel[across[which]] as f64 + 0.5) * spacing_mm[across[which]] - half_mm[which];
        if from(0).hypot(from(1)) > radius_mm {
            *value = padding;
        }
    });
}

/// Takes a face away: what is removed gets the value `nothing`, and its label becomes air.
pub(super) fn deface(
    values: &mut [f32],
    labels: &mut [u8],
    grid: &Grid,
    anatomy: &Anatomy,
    defacing: Defacing,
    nothing: f32,
) {
    if let Defacing::Blur { front_of_mm, sigma_mm } = defacing {
        let mut smeared = values.to_vec();
        gaussian::blur(&mut smeared, grid.size, (f64::from(sigma_mm) / grid.spacing_mm()).to_array());
        each(values, grid, |world, index, value| {
            let p = anatomy.standard(world);
            if p.y > front_of_mm && p.z < 0.0 {
                *value = smeared[index];
            }
        });
        return;
    }
    let brain = [Tissue::Grey, Tissue::White, Tissue::Csf, Tissue::BrainLesion].map(|tissue| tissue as u8);
    let brain_only = defacing == Defacing::BrainOnly;
    let before = &*labels;
    let gone: Vec<bool> = {
        let mut gone = vec![0.0_f32; values.len()];
        each(&mut gone, grid, |world, index, gone| {
            let is =
                if brain_only { !brain.contains(&before[index]) } else { defacing.removes(anatomy.standard(world)) };
            *gone = f32::from(u8::from(is));
        });
        gone.into_iter().map(|g| g > 0.0).collect()
    };
    for ((value, label), gone) in values.iter_mut().zip(labels).zip(gone) {
        if gone {
            (*value, *label) = (nothing, Tissue::Air as u8);
        }
    }
}

impl Defacing {
    /// Whether a point of the face in the head's own frame is taken away.
    pub(super) fn removes(self, p: Vec3) -> bool {
        match self {
            Self::Plane { slant_deg, behind_mm } => {
                let (sin, cos) = slant_deg.to_radians().sin_cos();
                (p.y - 95.0 + behind_mm) * cos - (p.z + 2.0) * sin > 0.0 && p.z < 2.0
            }
            Self::Mask { front_of_mm, below_mm } => {
                let frayed =
                    vec3(3.0 * (0.5 * p.x).sin() + 2.0 * (0.7 * p.z).cos(), 0.0, 3.0 * (0.4 * p.x + 0.3 * p.y).sin());
                p.y + frayed.x > front_of_mm && p.z + frayed.z < below_mm
            }
            Self::NoseAndMouth => p.y > 97.0 && p.x.abs() < 34.0 && p.z < -30.0,
            Self::BrainOnly => true,
            Self::Blur { .. } => false,
        }
    }
}
