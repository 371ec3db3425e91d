//! Scans of something else than a head: trunks with lungs or bowel gas, limbs, test objects, stripes and noise. What looks
//! for sinuses must find none in them.

use super::shape::{capsule, ellipsoid, ramp};
use crate::space::Grid;
use crate::volume::{Unit, Volume};
use glam::{DVec3, Vec3, vec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::f32::consts::TAU;

/// A body of one brightness.
struct Part {
    shape: Shape,
    mean: f32,
}

enum Shape {
    Ellipsoid { centre: Vec3, radii: Vec3 },
    Rod { from: Vec3, to: Vec3, radius: f32 },
}

impl Shape {
    fn distance_mm(&self, p: Vec3) -> f32 {
        match *self {
            Self::Ellipsoid { centre, radii } => ellipsoid(p, centre, radii),
            Self::Rod { from, to, radius } => capsule(p, from, to, radius, radius),
        }
    }
}

/// A brightness that comes and goes through all of the scan.
struct Wave {
    /// How often it comes per mm.
    per_mm: Vec3,
    height: f32,
    /// It falls all at once.
    sawtooth: bool,
}

impl Wave {
    fn at(&self, p: Vec3) -> f32 {
        let phase = self.per_mm.dot(p);
        let share = if self.sawtooth { phase - phase.floor() } else { 0.5 + 0.5 * (TAU * phase).sin() };
        self.height * share
    }
}

/// What a decoy is made of; parts that are added later cover what was there.
struct Body<'a> {
    parts: Vec<Part>,
    waves: Vec<Wave>,
    /// How much a voxel is off, at most.
    noise: f32,
    rng: &'a mut ChaCha8Rng,
    air: f32,
}

impl Body<'_> {
    fn tissue(&mut self) -> f32 {
        self.rng.random_range(20.0..180.0)
    }

    fn vary(&mut self, most: Vec3) -> Vec3 {
        Vec3::from_array(most.to_array().map(|m| self.rng.random_range(-m..=m)))
    }

    fn ball(&mut self, centre: Vec3, radii: Vec3, mean: f32) {
        self.parts.push(Part { shape: Shape::Ellipsoid { centre, radii }, mean });
    }

    fn rod(&mut self, from: Vec3, to: Vec3, radius: f32, mean: f32) {
        self.parts.push(Part { shape: Shape::Rod { from, to, radius }, mean });
    }

    /// Skin, fat, muscle, organs, a spine; lungs or gas.
    fn trunk(&mut self) {
        let half = vec3(self.rng.random_range(110.0..200.0), self.rng.random_range(80.0..140.0), 600.0);
        let (fat, muscle, bone) = (self.tissue(), self.tissue(), self.tissue());
        self.ball(Vec3::ZERO, half, fat);
        self.ball(Vec3::ZERO, half - vec3(18.0, 16.0, 0.0), muscle);
        for _ in 0..self.rng.random_range(3..14) {
            let (centre, mean) = (self.vary(half * vec3(0.6, 0.6, 0.25)), self.tissue());
            let radii = vec3(1.0, 1.0, 1.0) * self.rng.random_range(12.0..60.0) + self.vary(Vec3::splat(8.0));
            self.ball(centre, radii, mean);
        }
        let air = self.air;
        if self.rng.random_bool(0.4) {
            let radii = vec3(0.3 * half.x, 0.6 * half.y, self.rng.random_range(60.0..140.0));
            let low = self.vary(vec3(8.0, 15.0, 80.0));
            for side in [-1.0, 1.0] {
                let centre = low + vec3(side * 0.45 * half.x, 0.0, 0.0) + self.vary(Vec3::splat(8.0));
                self.ball(centre, radii, air);
            }
        }
        for _ in 0..self.rng.random_range(0..12) {
            let centre = self.vary(half * vec3(0.6, 0.6, 0.25));
            let radii = Vec3::splat(self.rng.random_range(6.0..30.0)) + self.vary(Vec3::splat(5.0));
            self.ball(centre, radii, air);
        }
        let back = vec3(0.0, -0.6 * half.y, 0.0);
        self.rod(back - Vec3::Z * 500.0, back + Vec3::Z * 500.0, 22.0, bone);
    }

    /// One or two limbs with bones in them.
    fn limbs(&mut self) {
        let (flesh, bone, marrow) = (self.tissue(), self.tissue(), self.tissue());
        let apart = self.rng.random_range(60.0..110.0);
        let places: &[f32] = if self.rng.random_bool(0.5) { &[-1.0, 1.0] } else { &[0.0] };
        for &place in places {
            let middle = vec3(place * apart, 0.0, 0.0) + self.vary(Vec3::splat(10.0));
            let way = vec3(0.0, 0.0, 400.0) + self.vary(vec3(60.0, 60.0, 0.0));
            let radius = self.rng.random_range(35.0..90.0);
            for (radius, mean) in [(radius, flesh), (0.3 * radius, bone), (0.16 * radius, marrow)] {
                self.rod(middle - way, middle + way, radius, mean);
            }
        }
    }

    /// A vessel of water or plastic with holes and rods in it.
    fn test_object(&mut self) {
        let (water, radii) = (self.tissue(), vec3(80.0, 80.0, 80.0) + self.vary(Vec3::splat(30.0)));
        self.ball(Vec3::ZERO, radii, water);
        for _ in 0..self.rng.random_range(0..16) {
            let centre = self.vary(0.6 * radii);
            let hole = self.rng.random_bool(0.6);
            let mean = if hole { self.air } else { self.tissue() };
            let radius = self.rng.random_range(4.0..22.0);
            if self.rng.random_bool(0.5) {
                self.ball(centre, Vec3::splat(radius), mean);
            } else {
                let way = self.vary(Vec3::splat(50.0));
                self.rod(centre - way, centre + way, radius, mean);
            }
        }
    }

    /// Stripes, shades and noise: nothing that has a shape.
    fn texture(&mut self) {
        for _ in 0..self.rng.random_range(0..4) {
            let per_mm = self.vary(Vec3::splat(0.06));
            let (height, sawtooth) = (self.tissue(), self.rng.random_bool(0.5));
            self.waves.push(Wave { per_mm, height, sawtooth });
        }
        self.noise += self.rng.random_range(16.0..120.0);
    }

    fn at(&self, p: Vec3, soft_mm: f32) -> f32 {
        let waves: f32 = self.waves.iter().map(|wave| wave.at(p)).sum();
        self.parts.iter().fold(self.air + waves, |value, part| {
            value + (part.mean - value) * ramp(soft_mm, -soft_mm, part.shape.distance_mm(p))
        })
    }
}

/// Draws one.
#[must_use]
pub fn decoy(rng: &mut ChaCha8Rng) -> Volume {
    let air = rng.random_range(0.0..8.0);
    let noise = rng.random_range(0.0_f32..0.15).powi(2) * 400.0;
    let mut body = Body { parts: Vec::new(), waves: Vec::new(), noise, rng, air };
    match body.rng.random_range(0..6) {
        0..2 => body.trunk(),
        2 => body.limbs(),
        3 => body.test_object(),
        _ => body.texture(),
    }
    let spacing_mm = body.rng.random_range(2.5..4.5);
    let mut size_mm = |low: f64, high: f64| body.rng.random_range(low..high);
    let extent_mm = DVec3::new(size_mm(60.0, 420.0), size_mm(60.0, 380.0), size_mm(40.0, 320.0));
    let middle_mm = body.vary(vec3(30.0, 30.0, 60.0)).as_dvec3();
    let size = (extent_mm / spacing_mm).ceil().to_array().map(|n| n as usize);
    let grid = Grid::centred(size, spacing_mm, middle_mm);
    let mut values: Vec<f32> = (0..grid.count())
        .into_par_iter()
        .map(|index| body.at(grid.voxel_mm(index).as_vec3(), spacing_mm as f32 / 2.0))
        .collect();
    for value in &mut values {
        *value = (*value + body.noise * body.rng.random_range(-1.0..1.0)).abs();
    }
    Volume::from_f32(grid, values, Unit::Arbitrary)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn decoys_have_air_and_something_in_it_and_the_same_seed_gives_the_same() {
        for seed in 0..12 {
            let volume = decoy(&mut ChaCha8Rng::seed_from_u64(seed));
            let values = volume.to_f32();
            let bright = values.iter().filter(|&&value| value > 15.0).count() as f64 / values.len() as f64;
            assert!((0.02..1.0).contains(&bright) && values.iter().all(|value| value.is_finite()), "{seed}: {bright}");
            assert_eq!(volume, decoy(&mut ChaCha8Rng::seed_from_u64(seed)));
        }
    }
}
