//! The geometry the heads are built from: signed distances of simple bodies, and smooth random fields.
//!
//! A signed distance is negative inside and in millimetres. Those of ellipsoids are first-order estimates
//! (exact at the surface), which is all that layers of a few millimetres need.

use glam::{IVec3, Vec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// Distance to an axis-aligned ellipsoid.
pub(super) fn ellipsoid(p: Vec3, centre: Vec3, radii: Vec3) -> f32 {
    let scaled = (p - centre) / radii;
    let norm = scaled.length();
    let gradient = (scaled / radii).length();
    if gradient > 1e-6 { norm * (norm - 1.0) / gradient } else { -radii.min_element() }
}

/// Distance to an axis-aligned body between an ellipsoid and its box (exponent 2.5): heads and brains are such.
pub(super) fn boxy_ellipsoid(p: Vec3, centre: Vec3, radii: Vec3) -> f32 {
    let scaled = ((p - centre) / radii).abs();
    let slope = scaled * Vec3::new(scaled.x.sqrt(), scaled.y.sqrt(), scaled.z.sqrt());
    let sum = slope.dot(scaled);
    let gradient = (slope / radii).length();
    if gradient > 1e-6 { (sum - sum.powf(0.6)) / gradient } else { -radii.min_element() }
}

/// Distance to the body swept by a ball that moves from `a` to `b` while its radius goes from `radius_a` to `radius_b`.
pub(super) fn capsule(p: Vec3, a: Vec3, b: Vec3, radius_a: f32, radius_b: f32) -> f32 {
    let along = b - a;
    let t = ((p - a).dot(along) / along.length_squared()).clamp(0.0, 1.0);
    (p - a - along * t).length() - (radius_a + (radius_b - radius_a) * t)
}

/// Distance to an axis-aligned box with half sides `half`.
pub(super) fn cuboid(p: Vec3, centre: Vec3, half: Vec3) -> f32 {
    let q = (p - centre).abs() - half;
    q.max(Vec3::ZERO).length() + q.max_element().min(0.0)
}

/// The smaller of two distances, with the crease between them rounded over about `k` mm.
pub(super) fn smooth_min(a: f32, b: f32, k: f32) -> f32 {
    let h = (k - (a - b).abs()).max(0.0) / k;
    a.min(b) - h * h * k * 0.25
}

/// The larger of two distances, with the crease between them rounded over about `k` mm.
pub(super) fn smooth_max(a: f32, b: f32, k: f32) -> f32 {
    -smooth_min(-a, -b, k)
}

/// 0 below `from`, 1 above `to`, and a smooth ramp between.
pub(super) fn ramp(from: f32, to: f32, x: f32) -> f32 {
    let t = ((x - from) / (to - from)).clamp(0.0, 1.0);
    t * t * (3.0 - 2.0 * t)
}

/// Linear interpolation in a table of (place, value), constant beyond its ends.
pub(super) fn lerp_table(table: &[(f32, f32)], x: f32) -> f32 {
    let mut last = table.first().map_or(0.0, |entry| entry.1);
    for pair in table.windows(2) {
        if let [(x0, y0), (x1, y1)] = *pair
            && x > x0
        {
            last = y0 + (y1 - y0) * ((x - x0) / (x1 - x0)).min(1.0);
        }
    }
    last
}

/// A smooth random field with values between -1 and 1 that repeats every 32 units.
///
/// Its features are about two units wide; its zero level is a set of folded sheets. Callers choose the scale
/// by what they divide a position by, and get independent fields by adding an offset.
pub(super) struct Noise {
    values: Vec<f32>,
}

impl Noise {
    const SIDE: i32 = 32;

    pub(super) fn new(rng: &mut ChaCha8Rng) -> Self {
        let values = (0..Self::SIDE.pow(3)).map(|_| rng.random_range(-1.0..1.0)).collect();
        Self { values }
    }

    /// The field at a position in lattice units: values at the lattice points, blended smoothly between them.
    pub(super) fn at(&self, p: Vec3) -> f32 {
        // Positive by whole periods, so that truncation is the floor: that is one instruction, `floor` is a call.
        let p = p + (32 * Self::SIDE) as f32;
        let lattice = p.as_ivec3();
        let t = p - lattice.as_vec3();
        let t = t * t * (Vec3::splat(3.0) - 2.0 * t);
        let mask = IVec3::splat(Self::SIDE - 1);
        let (a, b) = (lattice & mask, (lattice + 1) & mask);
        let row = |y: i32, z: i32| {
            let start = Self::SIDE * (y + Self::SIDE * z);
            let (low, high) = (self.values[(start + a.x) as usize], self.values[(start + b.x) as usize]);
            low + (high - low) * t.x
        };
        let plane = |z: i32| {
            let (low, high) = (row(a.y, z), row(b.y, z));
            low + (high - low) * t.y
        };
        let (low, high) = (plane(a.z), plane(b.z));
        low + (high - low) * t.z
    }
}

/// A random offset that makes one [`Noise`] serve as many independent fields.
pub(super) fn noise_offset(rng: &mut ChaCha8Rng) -> Vec3 {
    Vec3::new(rng.random_range(0.0..32.0), rng.random_range(0.0..32.0), rng.random_range(0.0..32.0))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn distances_are_negative_inside_and_in_millimetres() {
        let centre = Vec3::new(1.0, 2.0, 3.0);
        assert!((ellipsoid(Vec3::new(8.0, 2.0, 3.0), centre, Vec3::splat(5.0)) - 2.0).abs() < 1e-4);
        assert!((ellipsoid(Vec3::new(1.0, 2.0, 10.0), centre, Vec3::new(5.0, 5.0, 6.0)) - 1.0).abs() < 1e-4);
        assert!((boxy_ellipsoid(Vec3::new(8.0, 2.0, 3.0), centre, Vec3::splat(6.8)) - 0.2).abs() < 0.01);
        assert!(boxy_ellipsoid(centre + 4.2, centre, Vec3::splat(6.8)) < 0.0, "outside a ball of that radius");
        assert!((capsule(Vec3::new(5.0, 3.0, 0.0), Vec3::ZERO, Vec3::X * 10.0, 1.0, 2.0) - 1.5).abs() < 1e-4);
        assert!((cuboid(Vec3::new(3.0, 4.0, 0.0), Vec3::ZERO, Vec3::new(4.0, 1.0, 1.0)) - 3.0).abs() < 1e-4);
        assert!((cuboid(Vec3::new(3.5, 0.0, 0.0), Vec3::ZERO, Vec3::splat(4.0)) + 0.5).abs() < 1e-4);
    }

    #[test]
    fn noise_is_continuous_periodic_and_bounded() {
        let noise = Noise::new(&mut ChaCha8Rng::seed_from_u64(1));
        for i in 0..1000 {
            let p = Vec3::new(i as f32 * 0.037 - 11.0, i as f32 * 0.05 - 25.0, i as f32 * 0.021);
            assert!(noise.at(p).abs() <= 1.0);
            assert!((noise.at(p) - noise.at(p + 0.001)).abs() < 0.02);
            assert!((noise.at(p) - noise.at(p + Vec3::new(32.0, 0.0, -64.0))).abs() < 1e-3);
        }
    }
}
