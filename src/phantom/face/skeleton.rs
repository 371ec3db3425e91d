//! The bones of the face and of the skull base that are not the wall of some cavity.

use super::jaws::Jaws;
use super::{Spot, Tissue};
use crate::phantom::shape::{capsule, cuboid, ellipsoid};
use glam::vec3;

/// The bone or tooth at a point, if any.
pub(super) fn at(spot: &Spot, jaws: &Jaws) -> Option<Tissue> {
    let m = spot.m;
    let (claimed, upper_jaw_mm) = jaws.arch(spot);
    if claimed.is_some() {
        return claimed;
    }
    // (distance, thickness of the dense outer layer)
    let mut nearest = (f32::INFINITY, 1.5);
    let mut add = |distance: f32, cortex_mm: f32| {
        if distance < nearest.0 {
            nearest = (distance, cortex_mm);
        }
    };
    add(upper_jaw_mm, 1.1);
    if m.y > 30.0 {
        // Maxilla around its sinus, zygoma with its arch and the side of the orbit, nasal bones, palate, pterygoids.
        add(ellipsoid(m, vec3(26.0, 79.0, -49.0), vec3(13.0, 11.0, 13.0)), 1.0);
        add(capsule(m, vec3(36.0, 88.0, -43.0), vec3(55.0, 70.0, -46.0), 5.0, 4.5), 1.3);
        add(capsule(m, vec3(55.0, 72.0, -45.0), vec3(66.0, 42.0, -42.0), 3.6, 2.4), 1.3);
        add(capsule(m, vec3(44.0, 80.0, -48.0), vec3(38.0, 76.0, -62.0), 4.5, 3.0), 1.2);
        add(capsule(m, vec3(51.0, 82.0, -36.0), vec3(50.0, 80.0, -8.0), 4.0, 4.0), 1.4);
        add(capsule(m, vec3(14.5, 98.0, -60.0), vec3(7.5, 99.0, -18.0), 2.4, 2.4), 1.2);
        add(capsule(m, vec3(1.5, 104.5, -22.0), vec3(3.0, 100.0, -12.0), 1.8, 3.0), 1.5);
        add(capsule(m, vec3(0.0, 97.0, -64.5), vec3(0.0, 104.5, -65.0), 2.4, 1.2), 1.0);
        add(cuboid(m, vec3(0.0, 76.0, -64.0), vec3(21.0, 26.0, 1.2)) - 0.8, 0.8);
        add(cuboid(m, vec3(13.0, 48.0, -56.0), vec3(0.8, 5.0, 12.0)), 2.0);
        add(capsule(m, vec3(14.0, 51.0, -44.0), vec3(21.0, 43.0, -66.0), 2.2, 1.2), 1.0);
        add(ellipsoid(m, vec3(16.0, 44.0, -37.0), vec3(8.0, 6.0, 6.0)), 1.2);
        add(ellipsoid(m, vec3(34.0, 50.0, -24.0), vec3(10.0, 7.0, 8.0)), 1.2);
    } else {
        add(capsule(m, vec3(65.5, 42.0, -42.0), vec3(64.0, 5.0, -38.0), 2.4, 3.5), 1.3);
        add(capsule(m, vec3(0.0, 20.0, -34.0), vec3(0.0, 2.0, -60.0), 9.0, 5.0), 1.5);
        add(capsule(m, vec3(12.0, 6.0, -42.0), vec3(52.0, -8.0, -36.0), 7.0, 8.5), 5.5);
        add(capsule(m, vec3(52.0, -14.0, -44.0), vec3(53.0, -10.0, -62.0), 9.0, 4.0), 2.5);
        // The spine: bodies with discs between them, arches and spines behind the cord.
        let level = ((m.z + 78.0) / 17.0).rem_euclid(1.0);
        let disc = level < 0.2 && m.z < -92.0;
        add(capsule(m, vec3(0.0, 0.0, -72.0), vec3(0.0, 0.0, -190.0), 8.0, 9.0) + if disc { 9.0 } else { 0.0 }, 1.4);
        add(ellipsoid(m, vec3(19.0, -10.0, -80.0), vec3(9.0, 9.0, 12.0)), 1.5);
        add(
            capsule(m, vec3(16.0, -14.0, -86.0), vec3(17.0, -14.0, -190.0), 5.5, 5.5) + if disc { 4.0 } else { 0.0 },
            1.4,
        );
        let arch = capsule(m, vec3(14.0, -30.0, -84.0), vec3(0.0, -44.0, -84.0), 3.0, 3.5);
        let spine = cuboid(m, vec3(0.0, -46.0, -140.0), vec3(2.2, 10.0, 50.0)).max(0.45 - (level - 0.5).abs() * 2.0);
        add(arch.min(spine), 1.2);
    }
    add(jaws.mandible(m), 2.2);
    let (distance_mm, cortex_mm) = nearest;
    if distance_mm > 0.0 {
        return None;
    }
    let trabeculae = 0.6 * spot.noise.at(m / 2.5);
    Some(if distance_mm > -cortex_mm + trabeculae { Tissue::Bone } else { Tissue::Marrow })
}
