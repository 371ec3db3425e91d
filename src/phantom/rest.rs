//! What the head lies on: a curved rest, seen in CT and, where tissues have chance brightness, by a network in training.

use glam::{Vec2, Vec3, vec2};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// A shell behind the head, in the person's own upright mm.
pub(super) struct HeadRest {
    middle: Vec2,
    inner_mm: f32,
    thick_mm: f32,
    /// How far it comes up at the sides.
    rim_y_mm: f32,
}

impl HeadRest {
    /// A rest for a head of this length and breadth relative to the average; many scans show none.
    pub(super) fn draw(rng: &mut ChaCha8Rng, size: f32) -> Option<Self> {
        rng.random_bool(0.3).then(|| {
            let inner_mm = size * rng.random_range(105.0..125.0);
            let behind_mm = 100.0 * size + rng.random_range(2.0..10.0);
            Self {
                middle: vec2(rng.random_range(-6.0..6.0), inner_mm - behind_mm),
                inner_mm,
                thick_mm: rng.random_range(3.0..14.0),
                rim_y_mm: rng.random_range(-85.0..-10.0),
            }
        })
    }

    /// Whether a point outside the head lies in it.
    pub(super) fn has(&self, own_mm: Vec3) -> bool {
        let depth_mm = own_mm.truncate().distance(self.middle) - self.inner_mm;
        own_mm.y < self.rim_y_mm && (0.0..self.thick_mm).contains(&depth_mm)
    }
}
