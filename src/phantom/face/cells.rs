//! The air spaces beside the maxillary sinuses: ethmoid cells, sphenoid and frontal sinuses, mastoid cells.
//!
//! Any of them may be small, missing or filled: what looks like disease of a maxillary sinus, but is not one.

use super::{Spot, Tissue};
use crate::phantom::shape::{capsule, cuboid, ellipsoid, noise_offset};
use glam::{Vec3, vec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// What differs between two subjects, where it does by patient left and right.
pub(super) struct Cells {
    /// Shares of the ethmoid and mastoid cells that are filled.
    ethmoid_filled: [f32; 2],
    mastoid_filled: [f32; 2],
    ethmoid_mm: f32,
    ethmoid_width: f32,
    mastoid: f32,
    frontal: [Chamber; 2],
    sphenoid: [Chamber; 2],
    shift: Vec3,
}

/// A frontal or sphenoid sinus.
struct Chamber {
    /// Relative to the usual; 0 if there is none.
    size: f32,
    lining_mm: f32,
    /// Below this height it is filled.
    filled_below: f32,
}

impl Chamber {
    fn draw(rng: &mut ChaCha8Rng, missing: f64, low: f32, high: f32) -> Self {
        let size = if rng.random_bool(missing) { 0.0 } else { rng.random_range(0.55..1.3) };
        let ill = rng.random_bool(0.1);
        let filled_below = if ill { rng.random_range(low..high) } else { f32::NEG_INFINITY };
        let lining_mm = if ill { rng.random_range(1.0..5.0) } else { rng.random_range(0.4..1.2) };
        Self { size, lining_mm, filled_below }
    }

    fn at(&self, distance_mm: f32, z: f32) -> Option<Tissue> {
        (self.size > 0.0 && distance_mm < 1.2).then(|| {
            if distance_mm > 0.0 {
                Tissue::Bone
            } else if distance_mm > -self.lining_mm {
                Tissue::NasalMucosa
            } else if z < self.filled_below {
                Tissue::OtherFluid
            } else {
                Tissue::Air
            }
        })
    }
}

impl Cells {
    pub(super) fn draw(rng: &mut ChaCha8Rng) -> Self {
        let mut filled = |chance: f64| {
            let mut side = || if rng.random_bool(chance) { rng.random_range(0.15..1.0) } else { 0.0 };
            [side(), side()]
        };
        let (ethmoid_filled, mastoid_filled) = (filled(0.15), filled(0.08));
        Self {
            ethmoid_filled,
            mastoid_filled,
            ethmoid_mm: rng.random_range(6.5..10.0),
            ethmoid_width: rng.random_range(2.6..4.4),
            mastoid: rng.random_range(0.5..1.15),
            frontal: [(); 2].map(|()| Chamber::draw(rng, 0.12, -5.0, 25.0)),
            sphenoid: [(); 2].map(|()| Chamber::draw(rng, 0.02, -36.0, -15.0)),
            shift: noise_offset(rng),
        }
    }

    pub(super) fn at(&self, spot: &Spot) -> Option<Tissue> {
        let (m, noise, side) = (spot.m, spot.noise, spot.side.index());
        if m.y < 0.0 {
            return self.mastoid(spot);
        }
        if m.x > 34.0 || m.z < -46.0 || m.y < 14.0 {
            return None;
        }
        if m.y > 80.0 {
            let chamber = &self.frontal[side];
            let radii = vec3(12.0, 5.0, 12.0) * chamber.size;
            let body = ellipsoid(m, vec3(0.8 + radii.x, 95.0 + 0.3 * (4.0 - m.z).min(0.0), 3.0 + 0.4 * radii.z), radii);
            let duct = capsule(m, vec3(6.0, 90.0, -10.0), vec3(8.0, 93.0, 0.0), 1.6, 3.0);
            let frontal = body.min(duct) + 1.6 * noise.at(spot.p / 7.0 - self.shift);
            let frontal = frontal.max(6.0 - spot.depth_mm);
            if let Some(tissue) = chamber.at(frontal, m.z) {
                return Some(tissue);
            }
        }
        let wider = 0.05 * (80.0 - m.y);
        let ethmoid =
            cuboid(m, vec3(6.4 + self.ethmoid_width, 69.0, -22.5), vec3(self.ethmoid_width + wider, 18.0, 10.0)) - 2.5;
        if ethmoid < 0.8 {
            let filled = self.ethmoid_filled[side];
            return Some(if ethmoid > 0.0 { Tissue::Bone } else { self.cell(spot, self.ethmoid_mm, 0.9, filled) });
        }
        let chamber = &self.sphenoid[side];
        let radii = vec3(13.0, 13.0, 11.5) * chamber.size;
        let sphenoid = ellipsoid(m, vec3(0.7 * radii.x, 46.0 - radii.y, -27.0), radii);
        let bumps = 1.2 * noise.at(spot.p / 8.0 + self.shift);
        chamber.at((sphenoid + bumps).max(0.7 - m.x), m.z)
    }

    fn mastoid(&self, spot: &Spot) -> Option<Tissue> {
        let mastoid = ellipsoid(spot.m, vec3(54.0, -16.0, -43.0), vec3(12.0, 15.0, 18.0) * self.mastoid);
        let filled = self.mastoid_filled[spot.side.index()];
        (mastoid < 0.0).then(|| if mastoid > -1.5 { Tissue::Bone } else { self.cell(spot, 5.0, 0.6, filled) })
    }

    /// Air cells of about `size_mm` with bony partitions and a thin lining; a share of them is filled.
    fn cell(&self, spot: &Spot, size_mm: f32, lining_mm: f32, filled: f32) -> Tissue {
        let shift = self.shift;
        let warp = |offset: Vec3| spot.noise.at(spot.p / 7.0 + offset) * 0.8 * size_mm;
        let warped = spot.p + shift + vec3(warp(shift), warp(-shift), warp(shift * 2.0));
        let place = warped / size_mm;
        let corner = place.floor();
        let to_wall = (Vec3::splat(0.5) - (place - corner - 0.5).abs()) * size_mm;
        let wall_mm = to_wall.min_element();
        if wall_mm < 0.4 {
            Tissue::Bone
        } else if wall_mm < 0.4 + lining_mm {
            Tissue::NasalMucosa
        } else if 0.5 + 0.5 * spot.noise.at(corner) < filled {
            // The field at whole numbers is a table of even chances: one for each cell.
            Tissue::OtherFluid
        } else {
            Tissue::Air
        }
    }
}
