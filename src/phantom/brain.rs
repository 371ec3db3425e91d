//! The inside of the skull: brain with folds, ventricles, cerebellum and brain stem.
//!
//! Folds are the zero sheets of a smooth random field: fluid on the sheet, grey matter beside it.

use super::Tissue;
use super::shape::{Noise, boxy_ellipsoid, capsule, ellipsoid, ramp, smooth_max, smooth_min};
use glam::{Vec3, vec3};

/// Distance to the dura in mm: negative within the skull's cavity. `m` is mirrored to x >= 0.
pub(super) fn dura(m: Vec3) -> f32 {
    let cap = boxy_ellipsoid(m, vec3(0.0, -4.0, 13.0), vec3(67.0, 85.0, 56.0));
    if m.z > 22.0 {
        return cap; // the other parts are below
    }
    let floor = -14.0 + 11.0 * ramp(25.0, 60.0, m.y);
    let cerebrum = smooth_max(cap, floor - m.z, 8.0);
    let temporal = ellipsoid(m, vec3(39.0, 10.0, -17.0), vec3(25.0, 41.0, 23.0));
    let cerebellum = ellipsoid(m, vec3(21.0, -50.0, -44.0), vec3(34.0, 32.0, 27.0));
    let stem = capsule(m, vec3(0.0, -8.0, -12.0), vec3(0.0, -26.0, -92.0), 17.0, 8.5);
    smooth_min(smooth_min(cerebrum, temporal, 6.0), smooth_min(cerebellum, stem, 8.0), 6.0)
}

/// The tissue at a point inside the dura, `depth_mm` from it. `p` is the point and `m` the same mirrored to x >= 0.
pub(super) fn tissue(noise: &Noise, shift: Vec3, p: Vec3, m: Vec3, depth_mm: f32) -> Tissue {
    if depth_mm < 1.6 {
        return Tissue::Csf;
    }
    let stem = capsule(m, vec3(0.0, -8.0, -14.0), vec3(0.0, -26.0, -92.0), 12.0, 5.5);
    if stem < 0.0 && m.z < -8.0 {
        return Tissue::White;
    }
    if m.z < -14.0 - 0.12 * (m.y + 10.0) && m.y < 2.0 && m.z < -10.0 {
        return cerebellum(noise, shift, m, depth_mm, stem);
    }
    if ventricles(m) < 0.0 {
        return Tissue::Csf;
    }
    if deep_grey(m) < 0.0 {
        return Tissue::Grey;
    }
    // Between the hemispheres, above the corpus callosum.
    let callosum = ellipsoid(m, vec3(0.0, -8.0, 4.0), vec3(30.0, 44.0, 26.0));
    if callosum < 0.0 {
        return Tissue::White;
    }
    if m.x < 0.9 {
        return Tissue::Csf;
    }
    let fold_mm = (noise.at(p / 9.0 + 2.0 * shift) + 0.45 * noise.at(p / 5.5 - shift)).abs() * 10.0;
    let fold_mm = fold_mm.min(m.x - 0.9);
    let reach = 1.0 - ramp(12.0, 24.0, depth_mm);
    if fold_mm < 0.9 * reach && depth_mm < 19.0 {
        Tissue::Csf
    } else if depth_mm < 4.0 || fold_mm < 0.9 + 2.6 * reach {
        Tissue::Grey
    } else {
        Tissue::White
    }
}

fn cerebellum(noise: &Noise, shift: Vec3, m: Vec3, depth_mm: f32, stem_mm: f32) -> Tissue {
    let fourth = ellipsoid(m, vec3(0.0, -37.0, -42.0), vec3(5.0, 6.0, 9.0));
    if fourth < 0.0 || (stem_mm < 3.0 && m.y > -20.0) {
        return Tissue::Csf;
    }
    let folia = (noise.at(vec3(m.x / 16.0, m.y / 12.0, m.z / 3.6) + shift) * 3.2).abs();
    let core = ellipsoid(m, vec3(16.0, -46.0, -44.0), vec3(17.0, 15.0, 11.0));
    if core < 2.5 * noise.at(m / 4.0 + shift) {
        Tissue::White
    } else if folia < 0.3 && depth_mm < 12.0 {
        Tissue::Csf
    } else {
        Tissue::Grey
    }
}

fn ventricles(m: Vec3) -> f32 {
    let front = capsule(m, vec3(7.0, 30.0, 12.0), vec3(9.0, 0.0, 22.0), 4.2, 3.8);
    let body = capsule(m, vec3(9.0, 0.0, 22.0), vec3(21.0, -38.0, 14.0), 3.8, 5.0);
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
