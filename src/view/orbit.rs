//! The 3-D pane: where it looks from, and what it shows.

use super::Rendering;
use crate::space::BoxMm;
use glam::{DAffine3, DMat3, DVec2, DVec3};
use serde::{Deserialize, Serialize};

/// Where the 3-D pane looks from: an orbit around a point, orthographic.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrbitCamera {
    /// Turn about the vertical axis in radians; 0 looks at the face, so patient left is on the right of the screen.
    pub yaw: f64,
    /// Tilt in radians; positive looks from above.
    pub pitch: f64,
    /// The point in the middle of the pane, in world mm.
    pub centre_mm: DVec3,
    /// How many mm one point of the screen covers.
    pub mm_per_point: f64,
}

impl OrbitCamera {
    /// Screen-right, screen-down and view direction (into the screen) as unit vectors in the world.
    #[must_use]
    pub fn axes(&self) -> [DVec3; 3] {
        let (sy, cy) = self.yaw.sin_cos();
        let (sp, cp) = self.pitch.sin_cos();
        let right = DVec3::new(-cy, sy, 0.0);
        let forward = DVec3::new(-sy * cp, -cy * cp, -sp);
        [right, forward.cross(right), forward]
    }

    /// Takes the points of a pane of `size` points (x to the right, y down, from its top left corner, z in mm into the
    /// screen from the plane through the centre) to world mm.
    #[must_use]
    pub fn world_from_pane(&self, size: DVec2) -> DAffine3 {
        let [right, down, forward] = self.axes();
        let matrix3 = DMat3::from_cols(right * self.mm_per_point, down * self.mm_per_point, forward);
        DAffine3 { matrix3, translation: self.centre_mm - matrix3 * (size / 2.0).extend(0.0) }
    }

    /// Yaw and pitch of the view from a direction: `DVec3::Y` looks at the face, `DVec3::Z` at the crown.
    #[must_use]
    pub fn facing(from: DVec3) -> [f64; 2] {
        let flat = DVec2::new(from.x, from.y);
        // From straight above or below, the face is down, as in an axial plane seen from the feet it is up.
        let yaw = if flat.length() < 1e-9 { 0.0 } else { flat.x.atan2(flat.y) };
        [yaw, from.z.atan2(flat.length())]
    }
}

/// One frame of the 3-D pane.
#[derive(Clone, Debug, PartialEq)]
pub struct RaycastView {
    /// Where it looks from.
    pub camera: OrbitCamera,
    /// What rays make of the scan's values.
    pub rendering: Rendering,
    /// Whether surfaces are lit by how they lie.
    pub lit: bool,
    /// What is cut away, at most [`RaycastView::CUTS`].
    pub cuts: Vec<Cut>,
    /// Everything outside is left out of the rays.
    pub crop: Option<BoxMm>,
    /// Ray step as a multiple of the smallest voxel spacing: 1 when still, more while moving.
    pub step: f32,
}

impl RaycastView {
    /// The most cuts.
    pub const CUTS: usize = 3;
    /// The most maps in the rays.
    pub const MAPS: usize = 3;

    /// The depths at which the ray from `origin` along the unit vector `forward`, both in the world, enters and leaves
    /// what is neither cut away nor cropped; none where nothing of it is left.
    #[must_use]
    pub fn depths(&self, origin: DVec3, forward: DVec3) -> Option<[f64; 2]> {
        let [mut near, mut far] = [f64::NEG_INFINITY, f64::INFINITY];
        let mut keep_below = |slope: f64, room: f64| {
            // The part of the ray where slope * depth <= room.
            if slope > 1e-12 {
                far = far.min(room / slope);
            } else if slope < -1e-12 {
                near = near.max(room / slope);
            } else if room < 0.0 {
                far = f64::NEG_INFINITY;
            }
        };
        for cut in &self.cuts {
            keep_below(cut.normal.dot(forward), cut.normal.dot(cut.at_mm - origin));
        }
        if let Some(crop) = self.crop {
            for axis in 0..3 {
                keep_below(forward[axis], crop.max[axis] - origin[axis]);
                keep_below(-forward[axis], origin[axis] - crop.min[axis]);
            }
        }
        (near < far).then_some([near, far])
    }
}

/// A plane that cuts the scan open: what its normal points to is gone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// Unit vector in the world.
    pub normal: DVec3,
    /// A point of the plane, world mm.
    pub at_mm: DVec3,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_orbit_looks_at_the_face_with_patient_left_on_the_right() {
        let camera = OrbitCamera { yaw: 0.0, pitch: 0.0, centre_mm: DVec3::ZERO, mm_per_point: 1.0 };
        let [right, down, forward] = camera.axes();
        assert!((right - DVec3::NEG_X).length() < 1e-12);
        assert!((down - DVec3::NEG_Z).length() < 1e-12, "{down}");
        assert!((forward - DVec3::NEG_Y).length() < 1e-12);
        let world_from_pane = camera.world_from_pane(DVec2::new(100.0, 60.0));
        let at = |x, y, z| world_from_pane.transform_point3(DVec3::new(x, y, z));
        assert!(at(50.0, 30.0, 0.0).length() < 1e-12);
        assert!((at(60.0, 25.0, 3.0) - DVec3::new(-10.0, -3.0, 5.0)).length() < 1e-12);
    }

    #[test]
    fn a_view_from_a_side_looks_away_from_it() {
        for from in [DVec3::X, DVec3::NEG_X, DVec3::Y, DVec3::NEG_Y, DVec3::Z, DVec3::NEG_Z] {
            let [yaw, pitch] = OrbitCamera::facing(from);
            let camera = OrbitCamera { yaw, pitch, centre_mm: DVec3::ZERO, mm_per_point: 1.0 };
            assert!((camera.axes()[2] + from).length() < 1e-12, "{from}: {}", camera.axes()[2]);
        }
        // Seen from the patient's right, the face is on the right of the screen.
        let [yaw, pitch] = OrbitCamera::facing(DVec3::X);
        let camera = OrbitCamera { yaw, pitch, centre_mm: DVec3::ZERO, mm_per_point: 1.0 };
        assert!((camera.axes()[0] - DVec3::Y).length() < 1e-12);
    }

    #[test]
    fn a_ray_is_left_where_nothing_cuts_it_away() {
        let camera = OrbitCamera { yaw: 0.0, pitch: 0.0, centre_mm: DVec3::ZERO, mm_per_point: 1.0 };
        let rendering = Rendering::Mip { range: [0.0, 1.0] };
        let view = RaycastView { camera, rendering, lit: true, cuts: Vec::new(), crop: None, step: 1.0 };
        let from_the_front = |view: &RaycastView, x: f64| view.depths(DVec3::new(x, 0.0, 0.0), DVec3::NEG_Y);
        assert_eq!(from_the_front(&view, 0.0), Some([f64::NEG_INFINITY, f64::INFINITY]));
        // The patient's right is gone, and everything in front of 10 mm.
        let cut = |normal, at_mm| Cut { normal, at_mm };
        let cuts = vec![cut(DVec3::X, DVec3::ZERO), cut(DVec3::Y, DVec3::new(0.0, 10.0, 0.0))];
        let crop = Some(BoxMm { min: DVec3::splat(-20.0), max: DVec3::splat(50.0) });
        let view = RaycastView { cuts, crop, ..view };
        assert_eq!(from_the_front(&view, 5.0), None);
        assert_eq!(from_the_front(&view, -5.0), Some([-10.0, 20.0]));
        assert_eq!(from_the_front(&view, -21.0), None);
    }
}
