//! The nasal cavity: nostrils, a bent septum, and turbinates whose mucosa swells and shrinks in turn on the two sides.

use super::{Spot, Tissue};
use crate::phantom::shape::{capsule, ellipsoid, lerp_table, noise_offset, ramp, smooth_max, smooth_min};
use crate::space::Side;
use glam::{Vec3, vec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// What differs between two noses.
pub(super) struct Nose {
    /// How far the septum bows to +x, where it does most, and how far it bows back above.
    bow_mm: f32,
    bow_at: Vec3,
    back_mm: f32,
    septum_mm: f32,
    /// Swelling of the turbinates.
    sides: [Turbinates; 2],
    /// Polyps as balls of the unmirrored frame.
    polyps: Vec<(Vec3, f32)>,
    width: f32,
    lining_mm: f32,
    shift: Vec3,
}

/// The turbinates of one side.
struct Turbinates {
    swelling: f32,
    middle: f32,
    /// Air in the middle turbinate, a concha bullosa.
    air: bool,
    /// How far they hang lower, and further to the front.
    off: Vec3,
}

impl Nose {
    pub(super) fn draw(rng: &mut ChaCha8Rng) -> Self {
        let cycle = rng.random_range(-0.16..0.16);
        let usual = rng.random_range(0.9..1.2);
        let mut side = |swelling: f32| Turbinates {
            swelling,
            middle: swelling * rng.random_range(0.85..1.1),
            air: rng.random_bool(0.15),
            off: vec3(rng.random_range(-0.8..0.8), rng.random_range(-4.0..4.0), rng.random_range(-1.5..1.5)),
        };
        let sides = [side(usual + cycle), side(usual - cycle)];
        let mut polyps = Vec::new();
        if rng.random_bool(0.07) {
            let sign = if rng.random_bool(0.5) { 1.0 } else { -1.0 };
            for _ in 0..rng.random_range(2..7) {
                let mut vary = |amount: f32| rng.random_range(-amount..amount);
                let centre = vec3(sign * (7.0 + vary(3.0)), 72.0 + vary(16.0), -42.0 + vary(11.0));
                polyps.push((centre, 4.5 + vary(1.5)));
            }
        }
        let mut vary = |amount: f32| rng.random_range(-amount..amount);
        Self {
            bow_mm: vary(4.5),
            bow_at: vec3(0.0, 80.0 + vary(14.0), -46.0 + vary(10.0)),
            back_mm: vary(2.0),
            septum_mm: 0.65 + vary(0.15),
            sides,
            polyps,
            width: 1.0 + vary(0.1),
            lining_mm: 1.2 + vary(0.5),
            shift: noise_offset(rng),
        }
    }

    pub(super) fn at(&self, spot: &Spot) -> Option<Tissue> {
        let (p, m) = (spot.p, spot.m);
        if m.x > 20.0 || m.y < 44.0 || m.z > -6.0 || m.z < -80.0 {
            return None;
        }
        // The nostrils and the vestibule behind them, in the soft part of the nose.
        let nostril = capsule(m, vec3(6.2, 114.0, -68.0), vec3(4.6, 105.0, -52.0), 3.3, 3.6);
        if nostril < 0.0 {
            return Some(Tissue::Air);
        }
        let widths = [(-60.0, 15.5), (-44.0, 13.5), (-35.0, 9.5), (-28.0, 4.8), (-20.0, 3.6), (-9.0, 2.8)];
        let half_mm =
            self.width * lerp_table(&widths, m.z) * (1.0 - 0.5 * ramp(84.0, 106.0, m.y) - 0.25 * ramp(60.0, 46.0, m.y));
        let front = 104.0 - 0.32 * (m.z + 58.0).max(0.0);
        let wall_mm = smooth_max(m.x - half_mm, (-62.0 - m.z).max(m.z + 9.0), 3.0);
        if wall_mm > 1.0 || m.y > front || m.y < 46.0 {
            return None;
        }
        if wall_mm > 0.0 {
            return Some(Tissue::Bone);
        }
        let septum_mm = (p.x - self.bow(m)).abs() - self.septum_mm;
        if septum_mm < 0.0 && m.y > 50.0 {
            return Some(if m.y > 82.0 && m.z < -32.0 { Tissue::Cartilage } else { Tissue::Bone });
        }
        let waves = spot.noise.at(p / 5.0 + self.shift);
        let lining_mm = self.lining_mm + 0.6 * waves;
        // The septum carries a swelling of its own in front of the middle turbinate.
        let cushion = 1.6 * (-((m.z + 38.0) / 8.0).powi(2) - ((m.y - 90.0) / 9.0).powi(2)).exp();
        let to_sinus_mm = spot.near.distance_mm - spot.near.wall_mm;
        if (septum_mm < lining_mm + cushion && m.y > 50.5)
            || to_sinus_mm < lining_mm
            || wall_mm.max(m.y - front) > -lining_mm
            || self.polyps.iter().any(|&(centre, radius)| p.distance(centre) < radius)
        {
            return Some(Tissue::NasalMucosa);
        }
        let turbinates = &self.sides[usize::from(spot.side == Side::Right)];
        Some(turbinates.at(spot, self.shift, waves).unwrap_or(Tissue::Air))
    }

    /// Where the septum stands.
    fn bow(&self, m: Vec3) -> f32 {
        let near = |z: f32, height: f32| {
            (-((m.z - self.bow_at.z - z) / height).powi(2) - ((m.y - self.bow_at.y) / 20.0).powi(2)).exp()
        };
        self.bow_mm * near(0.0, 12.0) - self.back_mm * near(18.0, 8.0)
    }
}

impl Turbinates {
    /// Scrolls of thick mucosa around a curled bone, one above the other on the lateral wall.
    fn at(&self, spot: &Spot, shift: Vec3, waves: f32) -> Option<Tissue> {
        let m = spot.m - self.off;
        let scroll = |centre: Vec3, radii: Vec3| {
            let body = ellipsoid(m, centre, radii);
            let stalk = capsule(m, centre + vec3(0.0, -8.0, 3.0), centre + vec3(7.0, 4.0, 5.0), 1.2, 1.2);
            smooth_min(body, stalk, 2.0)
        };
        let inferior = scroll(vec3(8.6, 76.0, -54.5), vec3(6.1, 26.0, 7.4) * self.swelling);
        let middle = scroll(vec3(6.8, 71.0, -41.0), vec3(4.7, 20.0, 7.2) * self.middle);
        let superior = scroll(vec3(4.4, 63.0, -29.0), vec3(1.9, 10.0, 4.2));
        let surface_mm = inferior.min(middle).min(superior) + 0.6 * waves;
        if surface_mm > 0.0 {
            return None;
        }
        if self.air && middle < -1.4 {
            return Some(if middle < -2.0 { Tissue::Air } else { Tissue::Bone });
        }
        let curl = spot.noise.at(vec3(m.x, m.y / 3.0, m.z) / 4.0 - shift);
        Some(if surface_mm < -2.0 && curl.abs() < 0.14 { Tissue::Bone } else { Tissue::NasalMucosa })
    }
}
