//! A rectangle in a plane of any direction: a box as it is drawn, or the frame of an ellipse.

use glam::DVec3;
use serde::{Deserialize, Serialize};

/// A rectangle in a plane, in world RAS+ mm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Region {
    /// Its middle.
    pub centre_mm: DVec3,
    /// From the middle to the middles of two sides; at right angles to each other.
    pub half_axes_mm: [DVec3; 2],
}

impl Region {
    /// Nothing is shorter than this, in mm: directions would be lost.
    pub const LEAST_MM: f64 = 1e-3;
    /// The corners in parts of the half axes, in their order around the middle.
    pub(super) const CORNERS: [[f64; 2]; 4] = [[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]];
    /// The ends of the axes.
    pub(super) const ENDS: [[f64; 2]; 4] = [[-1.0, 0.0], [1.0, 0.0], [0.0, -1.0], [0.0, 1.0]];

    /// The rectangle with these opposite corners and sides along these unit directions, through the first corner.
    #[must_use]
    pub fn between(a_mm: DVec3, b_mm: DVec3, axes: [DVec3; 2]) -> Self {
        let half_axes_mm = axes.map(|axis| axis * ((b_mm - a_mm).dot(axis) / 2.0));
        Self { centre_mm: a_mm + half_axes_mm[0] + half_axes_mm[1], half_axes_mm }
    }

    /// The point at these parts of the half axes, in world mm.
    #[must_use]
    pub fn at(&self, [x, y]: [f64; 2]) -> DVec3 {
        self.centre_mm + self.half_axes_mm[0] * x + self.half_axes_mm[1] * y
    }

    /// Where a world point lies, seen along the normal, in parts of the half axes: from -1 to 1 inside.
    #[must_use]
    pub fn parts(&self, world_mm: DVec3) -> [f64; 2] {
        self.half_axes_mm.map(|axis| (world_mm - self.centre_mm).dot(axis) / axis.length_squared())
    }

    /// The rectangle after the point at `place` (each part -1, 0 or 1) was pulled elsewhere: the side or corner opposite
    /// stays, and so does the plane.
    pub(super) fn pulled(&self, place: [f64; 2], to_mm: DVec3) -> Self {
        let mut pulled = *self;
        for (axis, part) in place.into_iter().enumerate().filter(|(_, part)| *part != 0.0) {
            let half = self.half_axes_mm[axis];
            let unit = half.normalize_or_zero();
            let fixed = self.centre_mm - half * part;
            let length = part * (to_mm - fixed).dot(unit) / 2.0;
            let length = if length.abs() < 2.0 * Self::LEAST_MM { 2.0 * Self::LEAST_MM } else { length };
            pulled.half_axes_mm[axis] = unit * length;
            pulled.centre_mm += unit * (length * part) - half * part;
        }
        pulled
    }
}
