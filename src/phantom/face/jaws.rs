//! The jaws: the alveolar ridges, the teeth with their gaps and fillings, cysts at their roots, and the mandible.

use super::{Spot, Tissue};
use crate::phantom::shape::{capsule, ellipsoid, noise_offset, smooth_max, smooth_min};
use glam::{Vec3, vec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// Distance from tooth to tooth.
const TOOTH_MM: f32 = 7.4;
/// How many teeth there are in a quarter of the mouth.
const TEETH: usize = 8;

/// What differs between the jaws of two subjects.
pub(super) struct Jaws {
    /// How far the front teeth are apart.
    pub open_mm: f32,
    /// Half the width of the arch between the ridges, and its length.
    half_mm: f32,
    length_mm: f32,
    ridge_mm: f32,
    /// What stands at each place: patient left and right, upper and lower, from the middle to the back.
    teeth: [[[Tooth; TEETH]; 2]; 2],
    /// Cysts at roots, as balls of the unmirrored frame.
    cysts: Vec<(Vec3, f32)>,
    shift: Vec3,
}

#[derive(Clone, Copy, PartialEq)]
enum Tooth {
    Missing,
    Sound,
    Filled,
}

impl Jaws {
    pub(super) fn draw(rng: &mut ChaCha8Rng, old: f32) -> Self {
        let missing = f64::from(0.02 + 0.3 * old * rng.random_range(0.0_f32..1.0));
        let filled = if rng.random_bool(0.45) { rng.random_range(0.03..0.3) } else { 0.0 };
        let mut tooth = |place: usize| {
            if rng.random_bool(if place == 7 { 0.5 } else { missing }) {
                Tooth::Missing
            } else if place > 2 && rng.random_bool(filled) {
                Tooth::Filled
            } else {
                Tooth::Sound
            }
        };
        let teeth = [(); 2].map(|()| [(); 2].map(|()| std::array::from_fn(&mut tooth)));
        let mut cysts = Vec::new();
        if rng.random_bool(0.08) {
            let side = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
            let y = rng.random_range(66.0..92.0_f32);
            let x = 27.0 * (1.0 - ((y - 62.0) / 38.0).powi(2)).sqrt();
            cysts.push((vec3(side * x, y, rng.random_range(-78.0..-72.0)), rng.random_range(3.5..7.0)));
        }
        Self {
            open_mm: if rng.random_bool(0.3) { rng.random_range(3.0..16.0) } else { rng.random_range(0.0..2.0) },
            half_mm: rng.random_range(24.5..29.0),
            length_mm: rng.random_range(36.0..40.0),
            ridge_mm: rng.random_range(5.2..7.0),
            teeth,
            cysts,
            shift: noise_offset(rng),
        }
    }

    /// The point where it would be if the mouth were shut: the lower jaw turns about its joints.
    pub(super) fn shut(&self, m: Vec3) -> Vec3 {
        vec3(m.x, m.y, m.z + self.open_mm * ((m.y - 10.0) / 85.0).clamp(0.0, 1.2))
    }

    /// What teeth and cysts claim, and the distance to the bone that holds the upper teeth.
    pub(super) fn arch(&self, spot: &Spot) -> (Option<Tissue>, f32) {
        let m = spot.m;
        if m.z > -58.0 || m.z < -125.0 || m.y < 50.0 || m.x > 44.0 {
            return (None, f32::INFINITY);
        }
        let upper_jaw_mm = self.upper_jaw(m);
        if let Some(&(centre, radius)) = self.cysts.iter().find(|(centre, radius)| spot.p.distance(*centre) < *radius) {
            let shell = spot.p.distance(centre) > radius - 0.9;
            return (Some(if shell { Tissue::Bone } else { Tissue::OtherFluid }), upper_jaw_mm);
        }
        let side = spot.side.index();
        let upper = self.tooth(m, 0, side, m.z + 77.0, -86.0 - m.z);
        let low = self.shut(m);
        let tooth = upper.or_else(|| self.tooth(low, 1, side, -94.5 - low.z, low.z + 87.0));
        (tooth, upper_jaw_mm)
    }

    /// Across the arch and along it from the middle, and how far behind its bend.
    fn place(&self, m: Vec3) -> (f32, f32, f32) {
        let flat = vec3(m.x, (m.y - 62.0).max(0.0), 0.0);
        let across_mm = ellipsoid(flat, Vec3::ZERO, vec3(self.half_mm, self.length_mm, 100.0));
        let behind_mm = (62.0 - m.y).max(0.0);
        // A quarter of the ellipse is about 50 mm long.
        let angle = (flat.x / self.half_mm).atan2(flat.y / self.length_mm);
        (across_mm, 32.0 * angle + behind_mm, behind_mm)
    }

    fn upper_jaw(&self, m: Vec3) -> f32 {
        let (across_mm, _, behind_mm) = self.place(m);
        let ridge_mm = smooth_max(smooth_max(across_mm.abs() - self.ridge_mm, behind_mm - 10.0, 6.0), -79.0 - m.z, 4.0);
        smooth_max(ridge_mm, m.z + 60.0 + 0.6 * behind_mm, 5.0)
    }

    /// A tooth of one row: `root_mm` is the height above its neck, `bite_mm` that below its crown.
    fn tooth(&self, m: Vec3, row: usize, side: usize, root_mm: f32, bite_mm: f32) -> Option<Tissue> {
        if bite_mm > 0.0 || root_mm > 12.0 {
            return None;
        }
        let (across_mm, along_mm, behind_mm) = self.place(m);
        // Roots taper away from the crowns; front teeth are flatter than molars.
        let index = (along_mm / TOOTH_MM) as usize;
        let tooth = self.teeth[side][row].get(index).copied().unwrap_or(Tooth::Missing);
        let thick_mm = if index > 3 { 4.4 } else { 3.2 } - 0.2 * root_mm.max(0.0);
        let from_axis_mm = (along_mm - (index as f32 + 0.5) * TOOTH_MM).abs();
        let within = across_mm.abs() < thick_mm && from_axis_mm < 3.4 - 0.18 * root_mm.max(0.0) && behind_mm < 14.0;
        if !within || tooth == Tooth::Missing {
            return None;
        }
        let core = root_mm < -1.5 && across_mm.abs() < 2.6 && from_axis_mm < 2.6;
        Some(if tooth == Tooth::Filled && core { Tissue::Metal } else { Tissue::Tooth })
    }

    /// Distance to the lower jaw.
    pub(super) fn mandible(&self, m: Vec3) -> f32 {
        let m = self.shut(m);
        let chin = capsule(m, vec3(0.0, 93.0, -110.0), vec3(18.0, 87.0, -110.0), 8.5, 7.5);
        let body = capsule(m, vec3(18.0, 87.0, -110.0), vec3(45.0, 34.0, -100.0), 7.5, 6.0);
        let front = capsule(m, vec3(0.0, 96.0, -103.0), vec3(18.0, 88.0, -102.0), 5.0, 5.5);
        let alveolus = front.min(capsule(m, vec3(18.0, 88.0, -102.0), vec3(31.0, 60.0, -97.0), 5.5, 6.0));
        let ramus = ellipsoid(m, vec3(48.0, 28.0 + 0.12 * (m.z + 72.0), -77.0), vec3(2.9, 15.0, 33.0));
        let coronoid = capsule(m, vec3(47.5, 38.0, -54.0), vec3(47.0, 43.0, -38.0), 3.0, 1.5);
        let condyle = capsule(m, vec3(48.0, 16.0, -50.0), vec3(50.0, 10.0, -37.0), 3.6, 5.2);
        let bumps = 0.6 * (m.y / 9.0 + self.shift.x).sin();
        smooth_min(chin.min(body), alveolus, 3.0).min(ramus.min(coronoid)).min(condyle) + bumps
    }
}
