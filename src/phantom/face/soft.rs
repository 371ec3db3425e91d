//! Muscles, glands and vessels of face and neck, and the fat between them.

use super::{Spot, Tissue};
use crate::phantom::shape::{capsule, ellipsoid, noise_offset, ramp};
use glam::{Vec3, vec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// Bellies of muscle as ellipsoids: middle and radii.
const BELLIES: [(Vec3, Vec3); 17] = [
    (vec3(59.0, 36.0, -72.0), vec3(6.5, 19.0, 30.0)),    // masseter
    (vec3(38.0, 34.0, -80.0), vec3(7.5, 14.0, 25.0)),    // medial pterygoid
    (vec3(33.0, 34.0, -50.0), vec3(13.0, 18.0, 9.5)),    // lateral pterygoid
    (vec3(52.0, 46.0, -26.0), vec3(8.0, 18.0, 30.0)),    // temporalis, behind the zygoma
    (vec3(67.0, 18.0, 2.0), vec3(6.0, 40.0, 40.0)),      // temporalis, on the skull
    (vec3(17.0, 30.0, -52.0), vec3(4.5, 9.0, 13.0)),     // of the soft palate
    (vec3(9.0, 13.0, -92.0), vec3(8.0, 5.0, 45.0)),      // in front of the spine
    (vec3(13.0, -44.0, -100.0), vec3(12.0, 17.0, 42.0)), // neck, deep
    (vec3(30.0, -40.0, -112.0), vec3(11.0, 17.0, 46.0)), // neck, at the side
    (vec3(12.0, -58.0, -118.0), vec3(22.0, 5.0, 40.0)),  // trapezius
    (vec3(26.0, -22.0, -110.0), vec3(9.0, 12.0, 42.0)),  // beside the spine
    (vec3(50.0, -16.0, -104.0), vec3(7.0, 14.0, 46.0)),  // sternocleidomastoid
    (vec3(0.0, 104.0, -82.0), vec3(23.0, 4.0, 13.0)),    // around the mouth
    (vec3(37.0, 62.0, -84.0), vec3(2.5, 20.0, 13.0)),    // buccinator
    (vec3(0.0, 62.0, -112.0), vec3(16.0, 34.0, 6.0)),    // floor of the mouth
    (vec3(20.0, 40.0, -118.0), vec3(6.0, 30.0, 6.0)),    // below the jaw
    (vec3(14.0, 22.0, -130.0), vec3(8.0, 6.0, 40.0)),    // below the tongue bone
];

/// What differs between two subjects.
pub(super) struct Soft {
    /// How far all muscles are thicker than usual.
    muscle_mm: f32,
    /// How much fat there is in the deep spaces.
    fat: f32,
    vessel_mm: f32,
    pad_mm: f32,
    shift: Vec3,
}

impl Soft {
    pub(super) fn draw(rng: &mut ChaCha8Rng) -> Self {
        Self {
            muscle_mm: rng.random_range(-1.2..1.2),
            fat: rng.random_range(0.0..0.12),
            vessel_mm: rng.random_range(2.0..3.0),
            pad_mm: rng.random_range(2.0..7.0),
            shift: noise_offset(rng),
        }
    }

    pub(super) fn at(&self, spot: &Spot) -> Tissue {
        let (m, noise) = (spot.m, spot.noise);
        let waves = noise.at(m / 9.0 + self.shift);
        let (near, local) = (spot.near, spot.near.local);
        // The fat pad behind the posterolateral wall of the sinus, and the thin muscles of expression in front of it.
        if local.x * 0.6 - local.y * 0.8 > 4.0 && near.distance_mm < self.pad_mm + 2.0 * waves {
            return Tissue::Fat;
        }
        let front = m.y > 66.0 && m.z < -28.0;
        if front && spot.depth_mm > 4.0 + waves && near.distance_mm < 9.0 && near.distance_mm > 4.0 + 2.0 * waves {
            return if noise.at(m / 4.0 - self.shift) > -0.3 { Tissue::Muscle } else { Tissue::Fat };
        }
        if let Some(tissue) = self.vessel_or_gland(spot, waves) {
            return tissue;
        }
        // Between two bellies lies a sheet of fat.
        let (mut nearest, mut next) = (f32::INFINITY, f32::INFINITY);
        for (centre, radii) in BELLIES {
            let distance = ellipsoid(m, centre, radii);
            if distance < nearest {
                (nearest, next) = (distance, nearest);
            } else {
                next = next.min(distance);
            }
        }
        let depth_mm = self.muscle_mm + 1.2 * waves - nearest;
        if depth_mm > 0.0 {
            let streaks = noise.at(m / vec3(3.0, 3.0, 9.0) + self.shift);
            let fascia = next - nearest < 1.2;
            return if fascia || streaks.abs() < 0.03 { Tissue::Fat } else { Tissue::Muscle };
        }
        let deep = ramp(10.0, 22.0, spot.depth_mm + 3.0 * waves);
        let strand = noise.at(m / vec3(7.0, 8.0, 15.0) - self.shift);
        let muscle = if deep > 0.5 { strand.abs() > self.fat } else { strand.abs() < 0.07 };
        if muscle { Tissue::Muscle } else { Tissue::Fat }
    }

    fn vessel_or_gland(&self, spot: &Spot, waves: f32) -> Option<Tissue> {
        let m = spot.m;
        if m.y > 64.0 || m.z > -36.0 {
            return None;
        }
        let carotid = capsule(m, vec3(23.0, 6.0, -46.0), vec3(26.0, 8.0, -190.0), self.vessel_mm, 1.2 * self.vessel_mm);
        let jugular = capsule(m, vec3(28.0, -2.0, -50.0), vec3(34.0, 0.0, -190.0), 3.2, 5.0);
        let facial = capsule(m, vec3(42.0, 20.0, -56.0), vec3(40.0, 12.0, -110.0), 1.5, 1.8);
        if carotid.min(jugular).min(facial) < 0.0 {
            return Some(Tissue::Vessel);
        }
        let parotid = ellipsoid(m, vec3(56.0, 6.0, -70.0), vec3(9.5, 13.0, 24.0));
        let submandibular = ellipsoid(m, vec3(33.0, 40.0, -116.0), vec3(8.0, 14.0, 9.0));
        (parotid.min(submandibular) < 2.0 * waves).then_some(Tissue::Gland)
    }
}
