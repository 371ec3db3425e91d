//! What a pane shows, as plain values: window, colours, overlay, plane and camera.
//!
//! The window on screen, the shaders' uniforms and the CPU renderer are all made from these, so they cannot disagree.

use crate::space::{BoxMm, Plane};
use glam::{DAffine3, DMat3, DVec2, DVec3};
use serde::{Deserialize, Serialize};

/// A grey-scale window in real values, as DICOM defines it (PS3.3 C.11.2.1.2, VOI LUT function LINEAR).
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The middle of the window.
    pub centre: f64,
    /// The width; at least 1 in LINEAR, more than 0 otherwise.
    pub width: f64,
    /// Which function of the standard: LINEAR for integer data (CT), LINEAR_EXACT for real-valued data.
    pub exact: bool,
    /// Low values bright and high ones dark, as MONOCHROME1 asks (PS3.3 C.7.6.3.1.2).
    #[serde(default)]
    pub inverted: bool,
}

impl Window {
    /// A LINEAR window.
    #[must_use]
    pub fn linear(centre: f64, width: f64) -> Self {
        Self { centre, width: width.max(1.0 + 1e-6), exact: false, inverted: false }
    }

    /// The LINEAR_EXACT window that takes `low` to black and `high` to white.
    #[must_use]
    pub fn between(low: f64, high: f64) -> Self {
        let width = (high - low).max(1e-9 * high.abs().max(1e-3));
        Self { centre: f64::midpoint(low, high), width, exact: true, inverted: false }
    }

    /// Factor and offset with `grey = clamp(factor * real + offset, 0, 1)`; the shader uses the same two numbers.
    #[must_use]
    pub fn factor_and_offset(self) -> (f64, f64) {
        let (c, w) =
            if self.exact { (self.centre, self.width) } else { (self.centre - 0.5, (self.width - 1.0).max(1e-6)) };
        if self.inverted { (-1.0 / w, 0.5 + c / w) } else { (1.0 / w, 0.5 - c / w) }
    }

    /// The grey of a real value, 0 black to 1 white.
    #[must_use]
    pub fn apply(self, real: f64) -> f64 {
        let (factor, offset) = self.factor_and_offset();
        (factor * real + offset).clamp(0.0, 1.0)
    }
}

/// A perceptual colour map for anomaly maps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the maps are known by their names")]
pub enum ColourMap {
    Inferno,
    Magma,
    Viridis,
    Cividis,
}

impl ColourMap {
    /// All of them, the default first.
    pub const ALL: [Self; 4] = [Self::Inferno, Self::Magma, Self::Viridis, Self::Cividis];

    /// The name on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inferno => "inferno",
            Self::Magma => "magma",
            Self::Viridis => "viridis",
            Self::Cividis => "cividis",
        }
    }

    /// 256 colours as sRGB bytes. The map starts at a fifth of its range, so that the lowest visible value is not black.
    #[must_use]
    pub fn table(self) -> [[u8; 3]; 256] {
        let gradient = match self {
            Self::Inferno => colorous::INFERNO,
            Self::Magma => colorous::MAGMA,
            Self::Viridis => colorous::VIRIDIS,
            Self::Cividis => colorous::CIVIDIS,
        };
        std::array::from_fn(|i| {
            let colour = gradient.eval_continuous(0.2 + 0.8 * i as f64 / 255.0);
            [colour.r, colour.g, colour.b]
        })
    }
}

/// How an anomaly map lies over the picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlay {
    /// Colours from `threshold` to `max`.
    pub colours: ColourMap,
    /// 0 invisible to 1 opaque, the same for every value above the threshold.
    pub opacity: f32,
    /// Values below are not shown; in the map's unit.
    pub threshold: f32,
    /// The value that gets the last colour; in the map's unit.
    pub max: f32,
}

impl Default for Overlay {
    fn default() -> Self {
        Self { colours: ColourMap::Inferno, opacity: 0.6, threshold: 0.25, max: 0.8 }
    }
}

impl Overlay {
    /// The place of a value on the colour map (0 to 1), or none below the threshold.
    #[must_use]
    pub fn position(&self, value: f32) -> Option<f32> {
        let span = (self.max - self.threshold).max(1e-6);
        (value >= self.threshold && value > 0.0).then(|| ((value - self.threshold) / span).clamp(0.0, 1.0))
    }
}

/// One slice as a pane shows it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SliceView {
    /// Takes pane points (x to the right, y down, from the pane's top left corner, z = 0) to world mm.
    pub world_from_pane: DAffine3,
    /// Grey-scale window of the scan.
    pub window: Window,
    /// Trilinear interpolation; otherwise nearest voxel.
    pub linear: bool,
    /// The anomaly map on top, if it is shown.
    pub overlay: Option<Overlay>,
}

/// Where a plane pane looks: kept per pane, independent of its size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaneCamera {
    /// The world point in the middle of the pane, in mm. Only its in-plane part matters; the slice is the crosshair's.
    pub centre_mm: DVec3,
    /// How many mm one point of the screen covers.
    pub mm_per_point: f64,
}

impl PlaneCamera {
    /// The camera that shows a whole box on a pane of `size` points.
    #[must_use]
    pub fn fitting(plane: Plane, bounds: BoxMm, size: DVec2) -> Self {
        let (right, down) = plane.screen_axes();
        let extent = bounds.max - bounds.min;
        let mm_per_point = (extent.dot(right.abs()) / size.x.max(1.0)).max(extent.dot(down.abs()) / size.y.max(1.0));
        Self { centre_mm: bounds.centre(), mm_per_point }
    }

    /// The matrix of [`SliceView::world_from_pane`] for a pane of `size` points on the slice through `cross_mm`.
    #[must_use]
    pub fn world_from_pane(&self, plane: Plane, size: DVec2, cross_mm: DVec3) -> DAffine3 {
        let (right, down) = plane.screen_axes();
        let normal = plane.normal();
        let in_slice = self.centre_mm + normal * (cross_mm - self.centre_mm).dot(normal);
        let matrix3 = DMat3::from_cols(right * self.mm_per_point, down * self.mm_per_point, right.cross(down));
        let corner = in_slice - right * (size.x / 2.0 * self.mm_per_point) - down * (size.y / 2.0 * self.mm_per_point);
        DAffine3 { matrix3, translation: corner }
    }
}

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
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RaycastView {
    /// Where it looks from.
    pub camera: OrbitCamera,
    /// Real values from the window's lower edge (transparent) to its upper edge (opaque, bright).
    pub window: Window,
    /// Everything outside is left out of the rays.
    pub clip: Option<BoxMm>,
    /// The anomaly map blended into the same rays.
    pub overlay: Option<Overlay>,
    /// Ray step as a multiple of the smallest voxel spacing: 1 when still, more while moving.
    pub step: f32,
}

/// A drawn picture in sRGB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width and height in pixels.
    pub size: [usize; 2],
    /// Red, green, blue and alpha of each pixel, row by row from the top left.
    pub rgba: Vec<u8>,
}

impl Picture {
    /// Red, green, blue and alpha of the pixel in column `x` and row `y`, or none outside.
    #[must_use]
    pub fn pixel(&self, x: usize, y: usize) -> Option<[u8; 4]> {
        let inside = x < self.size[0] && y < self.size[1];
        inside.then(|| self.rgba.as_chunks().0.get(y * self.size[0] + x).copied()).flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_the_formula_of_the_standard() {
        // PS3.3 C.11.2.1.2.1 with c = 2048, w = 4096: y = (x - 2047.5) / 4095 + 0.5.
        let linear = Window::linear(2048.0, 4096.0);
        assert!((linear.apply(1000.0) - ((1000.0 - 2047.5) / 4095.0 + 0.5)).abs() < 1e-12);
        assert!(linear.apply(-5.0) == 0.0 && linear.apply(5000.0) == 1.0);
        let exact = Window::between(0.0, 2.0);
        assert!((exact.apply(1.5) - 0.75).abs() < 1e-12);
        let inverted = Window { inverted: true, ..exact };
        assert_eq!([-1.0, 0.0, 0.5, 2.0, 9.0].map(|v| inverted.apply(v)), [1.0, 1.0, 0.75, 0.0, 0.0]);
    }

    #[test]
    fn the_middle_of_a_pane_is_the_cameras_centre_on_the_crosshairs_slice() {
        let camera = PlaneCamera { centre_mm: DVec3::new(1.0, 2.0, 3.0), mm_per_point: 0.5 };
        let m = camera.world_from_pane(Plane::Axial, DVec2::new(100.0, 60.0), DVec3::new(9.0, 9.0, 9.0));
        assert!((m.transform_point3(DVec3::new(50.0, 30.0, 0.0)) - DVec3::new(1.0, 2.0, 9.0)).length() < 1e-9);
        // Screen-right is patient left: smaller x.
        assert!(m.transform_point3(DVec3::new(60.0, 30.0, 0.0)).x < 1.0);
    }

    #[test]
    fn the_default_orbit_looks_at_the_face_with_patient_left_on_the_right() {
        let camera = OrbitCamera { yaw: 0.0, pitch: 0.0, centre_mm: DVec3::ZERO, mm_per_point: 1.0 };
        let [right, down, forward] = camera.axes();
        assert!((right - DVec3::NEG_X).length() < 1e-12);
        assert!((down - DVec3::NEG_Z).length() < 1e-12, "{down}");
        assert!((forward - DVec3::NEG_Y).length() < 1e-12);
    }
}
