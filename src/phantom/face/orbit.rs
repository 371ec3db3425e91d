//! The orbits: eyeball and lens, muscles, nerve and lacrimal gland in fat, and their bony walls.

use super::{Spot, Tissue};
use crate::phantom::shape::{capsule, ellipsoid, noise_offset, ramp};
use glam::{Vec3, vec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// Where the orbit's walls meet behind the eye.
const APEX: Vec3 = vec3(17.0, 44.0, -16.0);
/// The middle of its opening.
const OPENING: Vec3 = vec3(33.0, 94.0, -20.0);

/// What differs between the orbits of two subjects.
pub(super) struct Orbit {
    eye: Vec3,
    eye_mm: f32,
    lens_mm: f32,
    muscle: f32,
    wide: f32,
    shift: Vec3,
}

impl Orbit {
    pub(super) fn draw(rng: &mut ChaCha8Rng) -> Self {
        let mut vary = |amount: f32| rng.random_range(-amount..amount);
        Self {
            eye: vec3(31.0 + vary(1.2), 83.5 + vary(2.0), -20.0 + vary(0.8)),
            eye_mm: 12.2 + vary(0.6),
            lens_mm: 2.2 + vary(0.4),
            muscle: 1.0 + vary(0.25),
            wide: 1.0 + vary(0.06),
            shift: noise_offset(rng),
        }
    }

    pub(super) fn at(&self, spot: &Spot) -> Option<Tissue> {
        let m = spot.m;
        if m.y < 38.0 || m.y > 98.0 || m.z < -46.0 || m.z > 6.0 {
            return None;
        }
        let eye = m - self.eye;
        let eye_mm = eye.length() - self.eye_mm;
        if eye_mm < 0.0 {
            let lens = ellipsoid(eye, vec3(0.0, 8.2, 0.0), vec3(4.6, self.lens_mm, 4.6));
            return Some(if lens < 0.0 {
                Tissue::Lens
            } else if eye_mm > -1.2 {
                Tissue::Sclera
            } else {
                Tissue::Vitreous
            });
        }
        let axis = OPENING - APEX;
        let t = ((m - APEX).dot(axis) / axis.length_squared()).clamp(0.0, 1.0);
        let radius_mm = self.wide * (3.0 + 16.4 * t.sqrt());
        let cone_mm = (m - APEX - axis * t).length() - radius_mm;
        if cone_mm > 4.5 || m.y > 96.0 {
            return None;
        }
        if cone_mm > 0.0 {
            // The rim and the lateral wall are thick, floor and medial wall are paper-thin.
            let thick_mm = 1.0 + 2.6 * ramp(86.0, 92.0, m.y) + 2.2 * ramp(34.0, 44.0, m.x);
            let inner = cone_mm > 1.2 && cone_mm < thick_mm - 1.0;
            return (cone_mm < thick_mm && m.y < 94.0).then_some(if inner { Tissue::Marrow } else { Tissue::Bone });
        }
        let gland = ellipsoid(m, self.eye + vec3(13.0, 4.0, 9.0), vec3(3.5, 7.0, 5.5));
        if gland < 0.0 {
            return Some(Tissue::Gland);
        }
        let nerve = capsule(m, self.eye + vec3(-3.0, -11.0, 0.0), APEX, 1.7, 1.7);
        if nerve < 0.0 {
            return Some(Tissue::White);
        }
        if nerve < 0.8 {
            return Some(Tissue::Csf);
        }
        let strand = spot.noise.at(m / 3.0 + self.shift).abs() < 0.04;
        Some(if strand || self.muscles(m) < 0.0 { Tissue::Muscle } else { Tissue::Fat })
    }

    /// Distance to the nearest of the four straight muscles.
    fn muscles(&self, m: Vec3) -> f32 {
        let rectus = |x: f32, z: f32| {
            let belly = self.eye + vec3(x * 11.5 - 6.0, -16.0, z * 11.0);
            let onset = self.eye + vec3(x * 12.6, 2.0, z * 12.6);
            let back = capsule(m, APEX + 2.0 * vec3(x, 0.0, z), belly, 1.2, 2.4 * self.muscle);
            back.min(capsule(m, belly, onset, 2.4 * self.muscle, 0.7))
        };
        rectus(1.0, 0.0).min(rectus(-1.0, 0.0)).min(rectus(0.0, 1.0)).min(rectus(0.0, -1.0))
    }
}
