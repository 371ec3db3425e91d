//! The outer surface of the head: cranium, neck, cheeks, jaw, nose, lips, lids and ears.

use super::shape::{boxy_ellipsoid, capsule, ellipsoid, smooth_min};
use glam::{Vec3, vec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// What differs between the surfaces of two heads of the same proportions.
pub(super) struct Skin {
    /// Fat of cheeks, chin and neck beyond the average.
    plump_mm: f32,
    neck_mm: f32,
    jaw_mm: f32,
    chin_mm: f32,
    brow_mm: f32,
    /// How much further the tip of the nose is to the front and the bottom.
    tip: Vec3,
    wings_mm: f32,
    lips_mm: f32,
    ear: f32,
}

impl Skin {
    pub(super) fn draw(rng: &mut ChaCha8Rng) -> Self {
        let mut vary = |amount: f32| rng.random_range(-amount..amount);
        let plump_mm = 1.5 + vary(3.5);
        Self {
            plump_mm,
            neck_mm: plump_mm + vary(5.0),
            jaw_mm: vary(3.0),
            chin_mm: vary(4.0),
            brow_mm: vary(2.5),
            tip: vec3(0.0, vary(4.0), vary(3.5)),
            wings_mm: vary(1.5),
            lips_mm: vary(2.0),
            ear: 1.0 + vary(0.15),
        }
    }

    /// A body around every head, for the many points that are well outside. Unlike the rest it is not mirrored.
    pub(super) fn clearly_outside(p: Vec3) -> bool {
        let hull = (p.truncate() - vec3(0.0, 17.0, 0.0).truncate()) / vec3(97.0, 127.0, 1.0).truncate();
        let crown = (p / vec3(90.0, 113.0, 94.0)).length_squared();
        hull.length_squared() > 1.0 || (p.z > 27.0 && crown > 1.0)
    }

    /// Distance to the surface; `m` is mirrored to x >= 0.
    pub(super) fn distance_mm(&self, m: Vec3) -> f32 {
        let cranium = boxy_ellipsoid(m, vec3(0.0, 0.5, -1.0), vec3(76.0, 95.5, 79.5));
        if m.z > 27.0 {
            return cranium;
        }
        let plump = self.plump_mm;
        let neck = ellipsoid(m, vec3(0.0, -8.0, -112.0), vec3(57.0, 52.0, 100.0)) - self.neck_mm;
        let base = ellipsoid(m, vec3(0.0, -6.0, -40.0), vec3(69.0, 83.0, 48.0));
        let skull = smooth_min(cranium, smooth_min(neck, base, 14.0), 14.0);
        let cheeks = ellipsoid(m, vec3(0.0, 38.0, -58.0), vec3(69.0, 70.0, 67.0)) - plump;
        let angle = vec3(48.0 + 0.5 * self.jaw_mm, 26.0, -93.0);
        let jaw = capsule(m, vec3(20.0, 77.0, -105.0), angle, 17.0, 17.0) - plump;
        // What makes a face is in front; behind, only the ears are added.
        if m.y < 38.0 {
            let head = smooth_min(skull, smooth_min(cheeks, jaw, 16.0), 14.0);
            if m.x < 55.0 {
                return head;
            }
            let ear = ellipsoid(m, vec3(76.0, -10.0, -34.0), vec3(8.0, 15.0, 27.0) * self.ear);
            let hollow = ellipsoid(m, vec3(82.0, -7.0, -32.0), vec3(5.0, 9.0, 18.0));
            let canal = capsule(m, vec3(90.0, -3.0, -36.0), vec3(56.0, 1.0, -36.0), 3.2, 2.6);
            return smooth_min(head, ear.max(-hollow), 3.0).max(-canal);
        }
        let brow = ellipsoid(m, vec3(0.0, 82.0, -4.0), vec3(52.0, 22.0, 15.0)) - self.brow_mm;
        let cheekbone = ellipsoid(m, vec3(40.0, 72.0, -43.0), vec3(25.0, 27.0, 24.0)) - 0.5 * plump;
        let chin = ellipsoid(m, vec3(0.0, 82.0 + self.chin_mm, -106.0), vec3(33.0, 27.0, 21.0)) - 0.5 * plump;
        let upper_lip = ellipsoid(m, vec3(0.0, 104.0 + self.lips_mm, -78.5), vec3(24.0, 12.5, 6.5));
        let lower_lip = ellipsoid(m, vec3(0.0, 103.0 + self.lips_mm, -90.0), vec3(21.0, 11.5, 6.0));
        let lips = upper_lip.min(lower_lip);
        let bridge = capsule(m, vec3(0.0, 101.0, -12.0), vec3(0.0, 116.0, -53.0) + self.tip, 6.5, 9.5);
        let wing = vec3(10.5 + self.wings_mm, 108.0, -60.0);
        let wings = capsule(m, vec3(4.0, 116.0, -57.0) + self.tip, wing, 7.5, 7.0);
        let lids = (m - vec3(31.0, 84.0, -20.5)).length() - 14.6;
        let cheeks = smooth_min(cheeks, cheekbone, 8.0);
        let face = smooth_min(smooth_min(cheeks, smooth_min(chin, jaw, 10.0), 14.0), lips, 7.0);
        let nose = smooth_min(bridge, wings, 5.0);
        let skull = smooth_min(skull, brow, 8.0);
        smooth_min(smooth_min(skull, face, 14.0), smooth_min(nose, lids, 5.0), 8.0)
    }
}
