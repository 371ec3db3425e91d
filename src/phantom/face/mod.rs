//! The face around the maxillary sinuses: orbits, nose, the small sinuses, jaws and teeth, throat, muscles and fat.
//!
//! Each part is a function that claims a point or leaves it to the next. Coordinates are those of the standard frame;
//! where both sides are alike a part is described once, for x >= 0.

mod cells;
mod jaws;
mod nose;
mod orbit;
mod skeleton;
mod soft;
mod throat;

use super::Tissue;
use super::shape::Noise;
use super::sinus::Near;
use super::subject::Subject;
use crate::space::Side;
use glam::Vec3;
use rand_chacha::ChaCha8Rng;

/// A point of the head and what is known about it.
pub(super) struct Spot<'a> {
    /// The subject's random field.
    pub noise: &'a Noise,
    /// The point.
    pub p: Vec3,
    /// The same, mirrored to x >= 0.
    pub m: Vec3,
    /// On which side of the mid-plane it lies.
    pub side: Side,
    /// Where it lies relative to the maxillary sinus of its side; it is outside the cavity and its wall.
    pub near: Near,
    /// Depth below the skin.
    pub depth_mm: f32,
}

/// What differs between the faces of two subjects.
pub(super) struct Face {
    orbit: orbit::Orbit,
    nose: nose::Nose,
    cells: cells::Cells,
    jaws: jaws::Jaws,
    throat: throat::Throat,
    soft: soft::Soft,
}

impl Face {
    pub(super) fn draw(rng: &mut ChaCha8Rng, subject: &Subject) -> Self {
        let jaws = jaws::Jaws::draw(rng, subject.old());
        Self {
            orbit: orbit::Orbit::draw(rng),
            nose: nose::Nose::draw(rng),
            cells: cells::Cells::draw(rng),
            throat: throat::Throat::draw(rng, jaws.open_mm),
            soft: soft::Soft::draw(rng),
            jaws,
        }
    }

    /// The parts with air or fluid of their own, and the bone right around them.
    pub(super) fn cavity(&self, spot: &Spot) -> Option<Tissue> {
        self.orbit
            .at(spot)
            .or_else(|| self.nose.at(spot))
            .or_else(|| self.cells.at(spot))
            .or_else(|| self.throat.at(spot))
    }

    /// Bones and teeth of the face and of the skull base.
    pub(super) fn bone(&self, spot: &Spot) -> Option<Tissue> {
        skeleton::at(spot, &self.jaws)
    }

    /// Muscle, gland, vessel or fat: what is left between the skin and the bones.
    pub(super) fn soft(&self, spot: &Spot) -> Tissue {
        self.soft.at(spot)
    }
}
