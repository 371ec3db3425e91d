//! The 3-D pane: where it looks from, and what it shows.

use super::Window;
use crate::space::BoxMm;
use glam::DVec3;
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
}

/// One frame of the 3-D pane.
#[derive(Clone, Debug, PartialEq)]
pub struct RaycastView {
    /// Where it looks from.
    pub camera: OrbitCamera,
    /// Real values from the window's lower edge (transparent) to its upper edge (opaque, bright).
    pub window: Window,
    /// Everything outside is left out of the rays.
    pub clip: Option<BoxMm>,
    /// Ray step as a multiple of the smallest voxel spacing: 1 when still, more while moving.
    pub step: f32,
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
    }
}
