//! One maxillary sinus: a pyramid with its base on the lateral nasal wall and its tip in the zygoma,
//! rounded, made irregular, and lined with mucosa.
//!
//! Positions are in the head's own frame, mirrored so that +x is lateral on both sides.

use super::Tissue;
use super::disease::Lesion;
use super::shape::{Noise, noise_offset, smooth_max};
use glam::Vec3;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// Beyond this distance in mm from the walls nothing depends on the sinus any more.
const FAR_MM: f32 = 12.0;

/// How far apart the points are that stand for the whole cavity.
const SAMPLE_MM: f32 = 2.0;

/// The walls as outward normals and distances in mm from the sinus centre. Measured on 1 mm adult scans:
/// the box is about 36 x 40 x 40 mm, the roof falls to the front and the side, the floor narrows towards the teeth.
const WALLS: [(Vec3, f32); 8] = [
    (Vec3::new(-1.0, 0.0, 0.06), 14.0),  // medial, to the nose
    (Vec3::new(0.22, 0.96, 0.08), 19.6), // anterior, to the cheek
    (Vec3::new(0.56, -0.83, 0.0), 11.8), // posterolateral, to the infratemporal fossa
    (Vec3::new(1.0, 0.0, 0.0), 23.0),    // lateral, zygomatic recess
    (Vec3::new(0.2, 0.25, 0.94), 17.6),  // roof, the floor of the orbit
    (Vec3::new(-0.1, 0.0, -1.0), 20.8),  // floor, alveolar recess
    (Vec3::new(0.62, 0.0, -0.78), 17.8), // from the zygoma down to the teeth
    (Vec3::new(-0.1, -1.0, 0.0), 20.5),  // posterior, to the pterygoid plates
];

/// What a sinus is where a point lies relative to it.
#[derive(Clone, Copy)]
pub(super) struct Near {
    /// Signed distance to the bony inner surface in mm, negative in the cavity; at most [`FAR_MM`].
    pub distance_mm: f32,
    /// The point relative to the sinus centre.
    pub local: Vec3,
}

/// The shape of one sinus of one subject.
pub(super) struct Sinus {
    /// In the head's mirrored frame.
    pub centre: Vec3,
    /// Thickness of the bony wall.
    pub wall_mm: f32,
    walls: [(Vec3, f32); 8],
    bumps: Vec3,
    mucosa_mm: f32,
}

impl Sinus {
    /// Draws position, walls and bumps, and then makes the cavity as large as asked for.
    pub(super) fn draw(rng: &mut ChaCha8Rng, noise: &Noise, volume_ml: f32, wall_mm: f32) -> Self {
        let mut vary = |amount: f32| rng.random_range(-amount..amount);
        let centre = Vec3::new(25.3 + vary(0.8), 75.0 + vary(1.2), -52.0 + vary(1.5));
        let walls = WALLS.map(|(normal, offset)| {
            let tilt = Vec3::new(vary(0.1), vary(0.1), vary(0.1));
            ((normal + tilt).normalize(), offset + vary(1.0))
        });
        let mucosa_mm = vary(0.5) - 0.2;
        let mut sinus = Self { centre, wall_mm, walls, bumps: noise_offset(rng), mucosa_mm };
        for _ in 0..3 {
            let drawn_ml = sinus.samples(noise).len() as f32 * SAMPLE_MM.powi(3) / 1000.0;
            let scale = (volume_ml / drawn_ml.max(1.0)).cbrt();
            sinus.walls.iter_mut().for_each(|(_, offset)| *offset *= scale);
        }
        sinus
    }

    /// Where the point lies relative to the sinus. The distance never grows by more than the way gone,
    /// so that a wall as thick as a voxel has no holes.
    pub(super) fn near(&self, noise: &Noise, mirrored: Vec3) -> Near {
        let local = mirrored - self.centre;
        let bound = (local.abs() - Vec3::new(27.0, 26.0, 27.0)).max_element();
        if bound > FAR_MM {
            return Near { distance_mm: FAR_MM, local };
        }
        let pyramid =
            self.walls.iter().fold(-100.0, |d, &(normal, offset)| smooth_max(d, normal.dot(local) - offset, 5.0));
        let bumps = 3.4 * noise.at(local / 15.0 + self.bumps) + 0.6 * noise.at(local / 6.0 - self.bumps);
        Near { distance_mm: ((pyramid + bumps) * 0.75).min(FAR_MM), local }
    }

    /// What fills the cavity at a point inside: air, lining or disease.
    ///
    /// `world_y_mm` is where the point lies along the direction of gravity in a supine patient.
    pub(super) fn content(&self, noise: &Noise, lesion: Option<&Lesion>, near: Near, world_y_mm: f32) -> Tissue {
        if let Some(tissue) = lesion.and_then(|lesion| lesion.tissue(noise, near, world_y_mm)) {
            return tissue;
        }
        let patches = 1.1 * noise.at(near.local / 9.0 + 2.0 * self.bumps);
        if -near.distance_mm < self.mucosa_mm + patches { Tissue::SinusMucosa } else { Tissue::SinusAir }
    }

    /// The point of the bony surface that a ray from the centre meets, relative to the centre.
    pub(super) fn wall_point(&self, noise: &Noise, direction: Vec3) -> Vec3 {
        let mut reach_mm = 2.0;
        while reach_mm < 40.0 && self.near(noise, self.centre + direction * reach_mm).distance_mm < 0.0 {
            reach_mm += 0.5;
        }
        direction * reach_mm
    }

    /// Points [`SAMPLE_MM`] apart that fill the cavity, relative to the centre.
    pub(super) fn samples(&self, noise: &Noise) -> Vec<Vec3> {
        let steps = || (-15..=15).map(|i| i as f32 * SAMPLE_MM);
        steps()
            .flat_map(|z| steps().flat_map(move |y| steps().map(move |x| Vec3::new(x, y, z))))
            .filter(|&local| self.near(noise, self.centre + local).distance_mm < 0.0)
            .collect()
    }
}
