//! The inside of the skull: brain with folds, ventricles, cerebellum and brain stem.
//!
//! Folds are the zero sheets of a smooth random field, drawn out towards the surface: fluid on the sheet, grey matter
//! beside it.

use super::Tissue;
use super::shape::{Noise, boxy_ellipsoid, capsule, ellipsoid, noise_offset, ramp, smooth_max, smooth_min};
use glam::{Vec3, vec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// The middle of the hemispheres, from which the folds radiate.
const CENTRE: Vec3 = vec3(0.0, 1.0, 8.0);

/// Distance to the dura in mm: negative within the skull's cavity. `m` is mirrored to x >= 0.
pub(super) fn dura(m: Vec3) -> f32 {
    let cap = boxy_ellipsoid(m, vec3(0.0, 1.5, 14.0), vec3(67.5, 87.5, 57.0));
    if m.z > 22.0 {
        return cap; // the other parts are below
    }
    // The floor: between the orbits it is lower than above them.
    let floor = -14.0 + 13.5 * ramp(30.0, 58.0, m.y) * ramp(5.0, 16.0, m.x);
    let cerebrum = smooth_max(cap, floor - m.z, 6.0);
    let temporal = ellipsoid(m, vec3(37.0, 9.0, -17.0), vec3(26.0, 42.0, 25.0));
    let cerebellum = ellipsoid(m, vec3(21.0, -39.0, -42.0), vec3(35.0, 34.0, 29.0));
    let stem = capsule(m, vec3(0.0, -8.0, -12.0), vec3(0.0, -26.0, -92.0), 17.0, 8.5);
    let cord = capsule(m, vec3(0.0, -26.0, -92.0), vec3(0.0, -26.0, -190.0), 8.5, 8.0);
    smooth_min(smooth_min(cerebrum, cerebellum, 20.0), smooth_min(temporal, stem.min(cord), 6.0), 6.0)
}

/// What differs between two brains.
pub(super) struct Brain {
    shift: Vec3,
    /// Width of the fluid in the folds and around them: grows with age.
    sulcus_mm: f32,
    /// How far the ventricles are widened.
    wide_mm: f32,
    cortex_mm: f32,
    /// Foci of disease in the white matter, as balls of the unmirrored frame.
    foci: Vec<(Vec3, f32)>,
}

impl Brain {
    pub(super) fn draw(rng: &mut ChaCha8Rng, old: f32) -> Self {
        let many = if rng.random_bool(0.25) { rng.random_range(1..9) } else { 0 };
        let focus = |rng: &mut ChaCha8Rng| {
            let mut within = |half: f32| rng.random_range(-half..half);
            (CENTRE + vec3(within(42.0), within(55.0), 14.0 + within(22.0)), 4.0 + within(2.5))
        };
        Self {
            shift: noise_offset(rng),
            sulcus_mm: 0.55 + 0.6 * old + rng.random_range(-0.2..0.3),
            wide_mm: 2.5 * old + rng.random_range(-1.5..1.5),
            cortex_mm: rng.random_range(2.2..3.0),
            foci: (0..many).map(|_| focus(rng)).collect(),
        }
    }

    /// The tissue at a point inside the dura, `depth_mm` from it. `p` is the point and `m` the same mirrored to x >= 0.
    pub(super) fn tissue(&self, noise: &Noise, p: Vec3, m: Vec3, depth_mm: f32) -> Tissue {
        if depth_mm < 1.0 + self.sulcus_mm {
            return Tissue::Csf;
        }
        let stem = capsule(m, vec3(0.0, -8.0, -14.0), vec3(0.0, -26.0, -92.0), 12.0, 5.5);
        if stem < 0.0 && m.z < -8.0 {
            return Tissue::White;
        }
        if m.z < -92.0 {
            let cord = (m.truncate() - vec3(0.0, -26.0, 0.0).truncate()).length();
            return if cord < 5.0 { Tissue::White } else { Tissue::Csf };
        }
        // The tent between cerebrum and cerebellum falls to the sides and to the back.
        if m.y < 2.0 && m.z < -10.0 && m.z < -12.0 - 0.12 * (m.y + 10.0) - 0.18 * m.x {
            return self.cerebellum(noise, m, depth_mm, stem);
        }
        self.cerebrum(noise, p, m, depth_mm)
    }

    fn cerebrum(&self, noise: &Noise, p: Vec3, m: Vec3, depth_mm: f32) -> Tissue {
        if ventricles(m) < self.wide_mm {
            return Tissue::Csf;
        }
        if self.foci.iter().any(|&(centre, radius)| p.distance(centre) < radius) {
            return Tissue::BrainLesion;
        }
        if deep_grey(m) < 0.0 {
            return Tissue::Grey;
        }
        // Between the hemispheres, above the corpus callosum.
        let callosum = ellipsoid(m, vec3(0.0, -4.0, 4.0), vec3(30.0, 40.0, 26.0));
        if callosum < 0.0 {
            return Tissue::White;
        }
        let gap_mm = m.x - 0.5 - 0.5 * self.sulcus_mm;
        if gap_mm < 0.0 {
            return Tissue::Csf;
        }
        let reach = 1.0 - ramp(11.0, 24.0, depth_mm.min(1.3 * m.x + 1.5));
        if depth_mm > 25.0 && gap_mm > 12.0 {
            return Tissue::White;
        }
        // Looked up where the ray from the middle meets the surface, the sheets stand upright on it.
        let out = p - CENTRE;
        let onto = out / (out / vec3(62.0, 80.0, 52.0)).length().max(0.2);
        let q = (onto * 0.7 + out * 0.3) / 7.5;
        let fold_mm = (noise.at(q + self.shift) + 0.4 * noise.at(q * 1.9 - self.shift)).abs() * 7.5;
        let fold_mm = fold_mm.min(gap_mm);
        if fold_mm < self.sulcus_mm * reach && depth_mm < 19.0 {
            Tissue::Csf
        } else if depth_mm < self.sulcus_mm + 1.0 + self.cortex_mm
            || fold_mm < (self.sulcus_mm + self.cortex_mm) * reach
        {
            Tissue::Grey
        } else {
            Tissue::White
        }
    }

    fn cerebellum(&self, noise: &Noise, m: Vec3, depth_mm: f32, stem_mm: f32) -> Tissue {
        let fourth = ellipsoid(m, vec3(0.0, -37.0, -42.0), vec3(5.0, 6.0, 9.0));
        if fourth < 0.0 || (stem_mm < 3.0 && m.y > -20.0) {
            return Tissue::Csf;
        }
        let folia = (noise.at(vec3(m.x / 16.0, m.y / 12.0, m.z / 3.6) + self.shift) * 3.2).abs();
        let core = ellipsoid(m, vec3(16.0, -37.0, -43.0), vec3(17.0, 14.0, 10.0));
        if core < 2.5 * noise.at(m / 4.0 + self.shift) {
            Tissue::White
        } else if folia < 0.25 + 0.2 * self.sulcus_mm && depth_mm < 14.0 {
            Tissue::Csf
        } else {
            Tissue::Grey
        }
    }
}

fn ventricles(m: Vec3) -> f32 {
    let front = capsule(m, vec3(7.0, 30.0, 12.0), vec3(9.0, 0.0, 22.0), 3.8, 3.4);
    let body = capsule(m, vec3(9.0, 0.0, 22.0), vec3(21.0, -38.0, 14.0), 3.4, 4.6);
    let horn = capsule(m, vec3(21.0, -38.0, 14.0), vec3(32.0, -8.0, -14.0), 4.0, 1.6);
    let third = ellipsoid(m, vec3(0.0, -10.0, 0.0), vec3(2.2, 14.0, 9.0));
    front.min(body).min(horn).min(third)
}

fn deep_grey(m: Vec3) -> f32 {
    let thalamus = ellipsoid(m, vec3(10.0, -17.0, 8.0), vec3(7.5, 14.0, 8.0));
    let putamen = ellipsoid(m, vec3(25.0, 5.0, 4.0), vec3(5.5, 15.0, 9.0));
    let caudate = ellipsoid(m, vec3(13.5, 18.0, 13.0), vec3(3.5, 11.0, 7.0));
    thalamus.min(putamen).min(caudate)
}
