//! The air way from the choanae to the neck, the soft palate, the tongue and the space of the mouth.

use super::{Spot, Tissue};
use crate::phantom::shape::{capsule, ellipsoid, noise_offset, smooth_min};
use glam::{Vec3, vec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// What differs between two throats.
pub(super) struct Throat {
    /// How far the tongue lies from its usual place: the mouth is open, or there is air above the tongue.
    tongue: Vec3,
    /// Whether there is.
    air: bool,
    width: f32,
    upper_mm: f32,
    lower_mm: f32,
    palate_mm: f32,
    /// Air between teeth, lips and cheeks.
    vestibule_mm: f32,
    /// How far lymphatic tissue of the roof hangs into the nasopharynx.
    adenoid_mm: f32,
    shift: Vec3,
}

impl Throat {
    pub(super) fn draw(rng: &mut ChaCha8Rng, open_mm: f32) -> Self {
        let air = rng.random_bool(0.35);
        let down_mm = if air { rng.random_range(0.3..0.8) * open_mm + rng.random_range(1.0..7.0) } else { 0.0 };
        Self {
            tongue: vec3(0.0, rng.random_range(-4.0..3.0), -down_mm),
            air,
            width: rng.random_range(0.8..1.15),
            upper_mm: rng.random_range(7.5..10.0),
            lower_mm: rng.random_range(3.5..7.5),
            palate_mm: rng.random_range(2.0..3.6),
            vestibule_mm: if rng.random_bool(0.3) { rng.random_range(0.6..2.0) } else { 0.0 },
            adenoid_mm: rng.random_range(-2.0..6.0),
            shift: noise_offset(rng),
        }
    }

    pub(super) fn at(&self, spot: &Spot) -> Option<Tissue> {
        let (p, m, noise) = (spot.p, spot.m, spot.noise);
        if m.x > 36.0 || m.y < 8.0 || m.z > -34.0 {
            return None;
        }
        let squeezed = p * vec3(0.8 / self.width, 1.0, 1.0);
        let upper =
            capsule(squeezed, vec3(0.0, 44.0, -49.0), vec3(0.0, 35.0, -60.0), self.upper_mm, self.upper_mm - 1.0);
        let lower = capsule(squeezed, vec3(0.0, 31.0, -66.0), vec3(0.0, 22.0, -190.0), self.lower_mm, 6.5);
        let adenoid = ellipsoid(m, vec3(0.0, 24.0 + self.adenoid_mm, -46.0), vec3(13.0, 9.0, 10.0));
        let throat = smooth_min(upper, lower, 4.0).max(-adenoid);
        let soft_palate =
            capsule(m, vec3(0.0, 52.0, -65.0), vec3(0.0, 34.0, -79.0), self.palate_mm, 2.4).max(m.x - 16.0);
        if soft_palate < 0.0 {
            return Some(if soft_palate > -1.0 { Tissue::NasalMucosa } else { Tissue::Muscle });
        }
        if throat < 0.0 {
            return Some(Tissue::Air);
        }
        if throat < 2.0 && m.y < 52.0 {
            return Some(Tissue::NasalMucosa);
        }
        self.mouth(noise.at(p / 12.0 + self.shift), spot)
    }

    fn mouth(&self, waves: f32, spot: &Spot) -> Option<Tissue> {
        let (p, m) = (spot.p, spot.m);
        if m.z > -62.0 || m.z < -125.0 || m.y < 30.0 {
            return None;
        }
        let tongue = ellipsoid(m, vec3(0.0, 63.0, -87.0) + self.tongue, vec3(23.0, 33.0, 17.0)) + 1.5 * waves;
        // The roof of the mouth is a vault with 2 to 3 mm of mucosa below the bone.
        let vault_mm = m.z + 67.5 + 9.0 * (m.x / 22.0).powi(2) + 0.6 * waves;
        let room = ellipsoid(m, vec3(0.0, 62.0, -84.0), vec3(21.5, 34.0, 22.0 + 0.5 * self.tongue.z.abs()));
        let room = if m.z > -96.0 + self.tongue.z { room } else { f32::INFINITY };
        let fills = !self.air && room.max(vault_mm) < 0.0;
        if tongue < 0.0 || fills {
            let streak = spot.noise.at(p / vec3(5.0, 9.0, 3.0) + self.shift);
            return Some(if tongue > -1.2 && !fills {
                Tissue::NasalMucosa
            } else if streak.abs() < 0.1 || m.x < 0.5 {
                Tissue::Fat
            } else {
                Tissue::Muscle
            });
        }
        if room < 0.0 {
            return Some(if vault_mm < 0.0 { Tissue::Air } else { Tissue::NasalMucosa });
        }
        let around = ellipsoid(vec3(m.x, m.y, 0.0), vec3(0.0, 62.0, 0.0), vec3(34.0, 44.5, 1000.0));
        (around.abs() < self.vestibule_mm && m.y > 55.0 && (m.z + 86.0).abs() < 11.0 + 4.0 * waves)
            .then_some(Tissue::Air)
    }
}
