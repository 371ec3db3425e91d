//! One maxillary sinus: a pyramid with its base on the lateral nasal wall and its tip in the zygoma,
//! rounded, made irregular, with recesses and septa, and lined with mucosa.
//!
//! Positions are in the standard frame, mirrored so that +x is lateral on both sides; distances are in its units,
//! which are millimetres of an average head.

use super::Tissue;
use super::disease::Lesion;
use super::shape::{Noise, noise_offset, ramp, smooth_max, smooth_min};
use glam::{Vec3, vec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// Beyond this distance from the walls nothing depends on the sinus any more.
const FAR_MM: f32 = 10.0;

/// How far apart the points are that stand for the whole cavity.
pub(super) const SAMPLE_MM: f32 = 2.0;

/// The walls as outward normals and distances from the sinus centre. Measured on 1 mm adult scans:
/// the box is about 36 x 40 x 40 mm, the front falls back to the side, the roof falls to the front and the side,
/// the floor narrows towards the teeth.
const WALLS: [(Vec3, f32); 9] = [
    (vec3(-1.0, 0.0, 0.06), 13.2),   // medial, to the nose
    (vec3(0.2, 0.96, 0.12), 19.4),   // anterior, to the cheek
    (vec3(0.62, 0.77, -0.05), 21.2), // anterolateral, to the zygoma
    (vec3(0.6, -0.8, 0.0), 12.2),    // posterolateral, to the infratemporal fossa
    (vec3(1.0, 0.0, 0.0), 22.5),     // lateral, zygomatic recess
    (vec3(0.2, 0.25, 0.94), 17.2),   // roof, the floor of the orbit
    (vec3(-0.1, 0.0, -1.0), 20.8),   // floor, alveolar recess
    (vec3(0.62, 0.0, -0.78), 17.8),  // from the zygoma down to the teeth
    (vec3(-0.1, -1.0, 0.0), 20.5),   // posterior, to the pterygoid plates
];

/// What a sinus is where a point lies relative to it.
#[derive(Clone, Copy)]
pub(super) struct Near {
    /// Signed distance to the bony inner surface, negative in the cavity; at most [`FAR_MM`].
    pub distance_mm: f32,
    /// How thick the bony wall is here.
    pub wall_mm: f32,
    /// The point relative to the sinus centre.
    pub local: Vec3,
}

/// The shape of one sinus of one subject.
pub(super) struct Sinus {
    /// In the mirrored standard frame.
    pub centre: Vec3,
    /// Millimetres of this head per unit.
    pub unit_mm: f32,
    /// Thickness of the bony wall where it is thinnest.
    wall_mm: f32,
    walls: [(Vec3, f32); 9],
    /// Balls that deepen the cavity, from its centre: towards the teeth, the zygoma, the palate.
    recesses: Vec<(Vec3, f32)>,
    septa: Vec<Septum>,
    bumps: Vec3,
    mucosa_mm: f32,
    /// Box around the cavity, from its centre.
    low: Vec3,
    high: Vec3,
}

/// A thin bony wall that rises from the floor or a side and leaves a way past.
struct Septum {
    normal: Vec3,
    offset: f32,
    /// Where it ends, as a plane.
    rim_normal: Vec3,
    rim_offset: f32,
    half_mm: f32,
}

impl Sinus {
    /// Draws position, walls and bumps, and then makes the cavity as large as asked for.
    ///
    /// `volume_ml` is that of this head, `unit_mm` its millimetres per unit, `wall_mm` in units.
    pub(super) fn draw(rng: &mut ChaCha8Rng, noise: &Noise, volume_ml: f32, unit_mm: f32, wall_mm: f32) -> Self {
        let mut vary = |amount: f32| rng.random_range(-amount..amount);
        let shape = 1.0 + vec3(vary(0.14), vary(0.12), vary(0.14));
        let walls = WALLS.map(|(normal, offset)| {
            let normal = (normal + vec3(vary(0.14), vary(0.14), vary(0.14))).normalize();
            (normal, (offset + vary(1.6)) * (normal * shape).length())
        });
        let mucosa_mm = 0.35 + vary(0.8);
        // Where the wall to the nose and the roof stay, however large the sinus is.
        let small = ramp(12.0, 4.0, volume_ml);
        let anchor = vec3(13.3 + vary(2.0) + 2.5 * small, 75.0 + vary(2.5), -35.5 + vary(1.8));
        let mut recesses = Vec::new();
        for (direction, chance) in [
            (vec3(0.0, 0.1, -19.0), 0.6),
            (vec3(19.0, 4.0, -4.0), 0.5),
            (vec3(-9.0, 4.0, -17.0), 0.15),
            (vec3(-8.0, 17.0, 2.0), 0.25),
        ] {
            if rng.random_bool(chance) {
                let mut vary = |amount: f32| rng.random_range(-amount..amount);
                recesses.push((direction + vec3(vary(2.0), vary(5.0), vary(2.0)), 6.5 + vary(2.0)));
            }
        }
        let many = [0, 0, 0, 1, 1, 2][rng.random_range(0..6)];
        let septa = (0..many).map(|_| Septum::draw(rng)).collect();
        let bumps = noise_offset(rng);
        let (low, high) = (Vec3::splat(-32.0), Vec3::splat(32.0));
        let mut sinus = Self { centre: anchor, unit_mm, wall_mm, walls, recesses, septa, bumps, mucosa_mm, low, high };
        for _ in 0..3 {
            let drawn_ml = sinus.samples(noise).len() as f32 * (SAMPLE_MM * unit_mm).powi(3) / 1000.0;
            let scale = (volume_ml / drawn_ml.max(1.0)).cbrt();
            sinus.walls.iter_mut().for_each(|(_, offset)| *offset *= scale);
            sinus
                .recesses
                .iter_mut()
                .for_each(|(centre, radius)| (*centre, *radius) = (*centre * scale, *radius * scale));
        }
        sinus.centre = anchor + vec3(sinus.walls[0].1, 0.0, -0.94 * sinus.walls[5].1);
        let points = sinus.samples(noise);
        let around = |fold: fn(Vec3, Vec3) -> Vec3| points.iter().copied().reduce(fold).unwrap_or_default();
        (sinus.low, sinus.high) = (around(Vec3::min) - 3.0, around(Vec3::max) + 3.0);
        sinus
    }

    /// Where the point lies relative to the sinus.
    pub(super) fn near(&self, noise: &Noise, mirrored: Vec3) -> Near {
        let local = mirrored - self.centre;
        let far = Near { distance_mm: FAR_MM, wall_mm: self.wall_mm, local };
        if (local - self.high).max(self.low - local).max_element() > FAR_MM {
            return far;
        }
        let rough = self.level(noise, local);
        if rough > FAR_MM {
            return far;
        }
        let mut distance_mm = rough;
        if rough.abs() < 4.0 {
            // Near the surface the distance must be true, lest a wall as thin as a voxel has holes.
            let step = 0.5;
            let along = |axis: Vec3| (self.level(noise, local + step * axis) - rough) / step;
            distance_mm /= vec3(along(Vec3::X), along(Vec3::Y), along(Vec3::Z)).length().clamp(0.4, 2.5);
        }
        if distance_mm < 0.0 {
            let septum = |septum: &Septum| septum.reach(noise, local, self.bumps);
            distance_mm = self.septa.iter().map(septum).fold(distance_mm, f32::max);
        }
        // Thicker to the front and the side, where the zygoma carries it.
        let wall_mm = self.wall_mm + 1.2 * ramp(8.0, 22.0, local.x + 0.4 * local.y);
        Near { distance_mm, wall_mm, local }
    }

    /// A smooth field that is negative in the cavity, about a distance.
    fn level(&self, noise: &Noise, local: Vec3) -> f32 {
        let pyramid =
            self.walls.iter().fold(-100.0, |d, &(normal, offset)| smooth_max(d, normal.dot(local) - offset, 5.0));
        let ball = |&(centre, radius): &(Vec3, f32)| local.distance(centre) - radius;
        let cavity = self.recesses.iter().map(ball).fold(pyramid, |a, b| smooth_min(a, b, 5.0));
        cavity + 3.0 * noise.at(local / 14.0 + self.bumps) + 0.7 * noise.at(local / 6.0 - self.bumps)
    }

    /// What fills the cavity at a point inside: air, lining or disease.
    ///
    /// `world_y_mm` is where the point lies along the direction of gravity in a supine patient.
    pub(super) fn content(&self, noise: &Noise, lesions: &[Lesion], near: Near, world_y_mm: f32) -> Tissue {
        if let Some(tissue) = lesions.iter().find_map(|lesion| lesion.tissue(noise, near, world_y_mm)) {
            return tissue;
        }
        let patches = 0.8 * noise.at(near.local / 9.0 + 2.0 * self.bumps);
        if -near.distance_mm < self.mucosa_mm + patches { Tissue::SinusMucosa } else { Tissue::SinusAir }
    }

    /// The point of the bony surface that a ray from the centre meets, relative to the centre.
    pub(super) fn wall_point(&self, noise: &Noise, direction: Vec3) -> Vec3 {
        let mut reach_mm = 1.0;
        while reach_mm < 45.0 && self.level(noise, direction * reach_mm) < 0.0 {
            reach_mm += 0.5;
        }
        direction * reach_mm
    }

    /// Points [`SAMPLE_MM`] apart that fill the cavity, relative to the centre.
    pub(super) fn samples(&self, noise: &Noise) -> Vec<Vec3> {
        let steps = |low: f32, high: f32| {
            ((low / SAMPLE_MM).floor() as i32..=(high / SAMPLE_MM).ceil() as i32).map(|i| i as f32 * SAMPLE_MM)
        };
        let (low, high) = (self.low, self.high);
        steps(low.z, high.z)
            .flat_map(|z| steps(low.y, high.y).flat_map(move |y| steps(low.x, high.x).map(move |x| vec3(x, y, z))))
            .filter(|&local| self.level(noise, local) < 0.0)
            .collect()
    }
}

impl Septum {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        let mut vary = |amount: f32| rng.random_range(-amount..amount);
        let along = vec3(vary(0.9), 1.0, vary(0.3)).normalize();
        let rim_normal = vec3(vary(0.6), vary(0.3), 1.0).normalize();
        Self { normal: along, offset: vary(10.0), rim_normal, rim_offset: -8.0 + vary(5.0), half_mm: 0.65 }
    }

    /// Distance to its surface from within the cavity, with the sign of the bone: positive inside the septum.
    fn reach(&self, noise: &Noise, local: Vec3, bumps: Vec3) -> f32 {
        let bend = 1.5 * noise.at(local / 12.0 - bumps);
        let across = (self.normal.dot(local) - self.offset + bend).abs() - self.half_mm;
        let above = self.rim_normal.dot(local) - self.rim_offset;
        -across.max(above)
    }
}
