//! Diseases of a maxillary sinus as shapes within its cavity, with the truth about each.

use super::Tissue;
use super::shape::{Noise, noise_offset, ramp, smooth_min};
use super::sinus::{Near, SAMPLE_MM, Sinus};
use glam::Vec3;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use std::str::FromStr;

/// The kinds of disease that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DiseaseKind {
    /// Swollen lining all around or on the floor.
    MucosalThickening,
    /// A smooth dome on a wall, usually the floor.
    RetentionCyst,
    /// A lobulated mass on a stalk, from the roof or the medial wall.
    Polyp,
    /// Free fluid with a flat surface; it lies at the back of a supine patient.
    AirFluidLevel,
    /// No air left.
    Opacification,
}

impl DiseaseKind {
    /// All kinds, in the order in which they are drawn.
    pub const ALL: [Self; 5] =
        [Self::MucosalThickening, Self::RetentionCyst, Self::Polyp, Self::AirFluidLevel, Self::Opacification];

    /// The name in tables and on screen: `mucosal thickening`, `retention cyst`, ...
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MucosalThickening => "mucosal thickening",
            Self::RetentionCyst => "retention cyst",
            Self::Polyp => "polyp",
            Self::AirFluidLevel => "air-fluid level",
            Self::Opacification => "opacification",
        }
    }

    /// A disease of this kind with its sizes drawn, at most `room_mm` across.
    fn draw(self, rng: &mut ChaCha8Rng, room_mm: f64) -> Disease {
        match self {
            Self::MucosalThickening => {
                let mm = rng.random_range(3.0_f64..12.0).min(0.42 * room_mm).max(3.0);
                Disease::MucosalThickening { mm, floor_only: rng.random_bool(0.5) }
            }
            Self::RetentionCyst => Disease::RetentionCyst { diameter_mm: rng.random_range(5.0_f64..25.0).min(room_mm) },
            Self::Polyp => Disease::Polyp { diameter_mm: rng.random_range(8.0_f64..24.0).min(room_mm) },
            Self::AirFluidLevel => Disease::AirFluidLevel { filled: rng.random_range(0.15..0.75) },
            Self::Opacification => Disease::Opacification,
        }
    }

    /// Which disease shows where two overlap: a smaller rank does.
    fn rank(self) -> u8 {
        match self {
            Self::RetentionCyst => 0,
            Self::Polyp => 1,
            Self::MucosalThickening => 2,
            Self::AirFluidLevel => 3,
            Self::Opacification => 4,
        }
    }

    /// Whether it occurs together with another: nothing else is seen where no air is left.
    pub(super) fn goes_with(self, other: Self) -> bool {
        self != other && self != Self::Opacification && other != Self::Opacification
    }
}

/// The name is none of [`DiseaseKind::ALL`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "\"{0}\" is no sinus disease; use one of: mucosal thickening, retention cyst, polyp, air-fluid level, opacification"
)]
pub struct UnknownDisease(String);

impl FromStr for DiseaseKind {
    type Err = UnknownDisease;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| UnknownDisease(name.to_owned()))
    }
}

/// What one sinus has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Disease {
    /// Swollen lining, at most `mm` thick (3 to 12; less than the cavity is wide).
    MucosalThickening {
        /// Thickness where it is greatest.
        mm: f64,
        /// Only the floor and what is near it, instead of all walls.
        floor_only: bool,
    },
    /// A dome cut from a ball of this diameter (5 to 25).
    RetentionCyst {
        /// Diameter of the ball.
        diameter_mm: f64,
    },
    /// A mass of about this diameter (8 to 24).
    Polyp {
        /// Diameter of the whole mass.
        diameter_mm: f64,
    },
    /// Fluid that fills this share of the cavity (0.15 to 0.75).
    AirFluidLevel {
        /// Share of the cavity below the surface.
        filled: f64,
    },
    /// No air left.
    Opacification,
}

impl Disease {
    /// Which kind it is.
    #[must_use]
    pub fn kind(self) -> DiseaseKind {
        match self {
            Self::MucosalThickening { .. } => DiseaseKind::MucosalThickening,
            Self::RetentionCyst { .. } => DiseaseKind::RetentionCyst,
            Self::Polyp { .. } => DiseaseKind::Polyp,
            Self::AirFluidLevel { .. } => DiseaseKind::AirFluidLevel,
            Self::Opacification => DiseaseKind::Opacification,
        }
    }

    /// Its thickness or diameter, of those that have one.
    #[must_use]
    pub fn size_mm(self) -> Option<f64> {
        match self {
            Self::MucosalThickening { mm, .. } => Some(mm),
            Self::RetentionCyst { diameter_mm } | Self::Polyp { diameter_mm } => Some(diameter_mm),
            Self::AirFluidLevel { .. } | Self::Opacification => None,
        }
    }

    /// The name of its kind.
    #[must_use]
    pub fn name(self) -> &'static str {
        self.kind().name()
    }
}

/// A disease in its place: the shape within one cavity.
pub(super) struct Lesion {
    /// The truth about it.
    pub disease: Disease,
    /// Millimetres of this head per unit of the standard frame.
    unit_mm: f32,
    balls: Vec<(Vec3, f32)>,
    surface_y_mm: f32,
    bumps: Vec3,
}

impl Lesion {
    /// A disease of this kind in this sinus. `world_y_mm` takes a point relative to the sinus centre
    /// to its world y, along which gravity acts.
    pub(super) fn draw(
        kind: DiseaseKind,
        rng: &mut ChaCha8Rng,
        noise: &Noise,
        sinus: &Sinus,
        world_y_mm: impl Fn(Vec3) -> f32,
    ) -> Self {
        let samples = sinus.samples(noise);
        let unit_mm = sinus.unit_mm;
        // A cube of the cavity's volume, a little narrower: what fits in leaves some air.
        let room_mm = 0.8 * f64::from(unit_mm * SAMPLE_MM) * (samples.len() as f64).cbrt();
        let disease = kind.draw(rng, room_mm);
        let bumps = noise_offset(rng);
        let mut lesion = Self { disease, unit_mm, balls: Vec::new(), surface_y_mm: f32::NEG_INFINITY, bumps };
        match disease {
            Disease::RetentionCyst { diameter_mm } => {
                let radius = diameter_mm as f32 / 2.0 / unit_mm;
                let to_floor = Vec3::new(rng.random_range(-0.3..0.5), rng.random_range(-0.5..0.5), -1.0);
                let to_side = Vec3::new(1.0, rng.random_range(-0.4..0.4), rng.random_range(-0.8..0.0));
                let direction = if rng.random_bool(0.8) { to_floor } else { to_side }.normalize();
                let centre = sinus.wall_point(noise, direction) - direction * radius * rng.random_range(0.1..0.6);
                lesion.balls.push((centre, radius));
            }
            Disease::Polyp { diameter_mm } => {
                let radius = diameter_mm as f32 / 2.0 / unit_mm;
                let direction = Vec3::new(-0.7, rng.random_range(-0.5..0.5), rng.random_range(0.0..0.9)).normalize();
                let root = sinus.wall_point(noise, direction);
                let middle = root - direction * radius * 0.9;
                lesion.balls.push((root - direction * radius * 0.2, radius * 0.45));
                for _ in 0..rng.random_range(3..6) {
                    let mut off = || rng.random_range(-0.55..0.55) * radius;
                    let centre = middle + Vec3::new(off(), off(), off());
                    lesion.balls.push((centre, radius * rng.random_range(0.45..0.65)));
                }
            }
            Disease::AirFluidLevel { filled } => {
                let mut heights: Vec<f32> = samples.into_iter().map(world_y_mm).collect();
                heights.sort_by(f32::total_cmp);
                let place = (filled * heights.len() as f64) as usize;
                lesion.surface_y_mm = heights.get(place).copied().unwrap_or(f32::INFINITY);
            }
            Disease::MucosalThickening { .. } | Disease::Opacification => {}
        }
        lesion
    }

    /// What the disease puts at a point of the cavity, or none where it leaves it as it was.
    pub(super) fn tissue(&self, noise: &Noise, near: Near, world_y_mm: f32) -> Option<Tissue> {
        let depth_mm = -near.distance_mm;
        let local = near.local;
        let waves = noise.at(local / 8.0 + self.bumps);
        match self.disease {
            Disease::MucosalThickening { mm, floor_only } => {
                let place = if floor_only { 1.0 - ramp(-14.0, 2.0, local.z + 3.0 * waves) } else { 1.0 };
                let thickness_mm = mm as f32 * place * (0.75 + 0.25 * waves);
                (depth_mm * self.unit_mm < thickness_mm).then_some(Tissue::ThickMucosa)
            }
            Disease::RetentionCyst { .. } => self.in_balls(local, 0.5).then_some(Tissue::Cyst),
            Disease::Polyp { .. } => {
                let ripple = noise.at(local / 4.0 - self.bumps);
                self.in_balls(local, 2.0 + ripple).then_some(Tissue::Polyp)
            }
            Disease::AirFluidLevel { .. } => {
                if depth_mm < 1.4 + 1.4 * waves {
                    Some(Tissue::ThickMucosa)
                } else {
                    (world_y_mm < self.surface_y_mm).then_some(Tissue::Fluid)
                }
            }
            Disease::Opacification => {
                Some(if depth_mm < 3.0 + 2.5 * waves { Tissue::ThickMucosa } else { Tissue::Secretion })
            }
        }
    }

    /// Which of two lesions shows where they overlap: the one of smaller rank.
    pub(super) fn rank(&self) -> u8 {
        self.disease.kind().rank()
    }

    /// Whether a point lies in the balls, their creases rounded over `crease_mm`.
    fn in_balls(&self, local: Vec3, crease_mm: f32) -> bool {
        let ball = |&(centre, radius): &(Vec3, f32)| local.distance(centre) - radius;
        self.balls.iter().map(ball).fold(100.0, |a, b| smooth_min(a, b, crease_mm.max(0.1))) < 0.0
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for kind in DiseaseKind::ALL {
            assert_eq!(kind.name().parse::<DiseaseKind>().unwrap(), kind);
        }
        assert_eq!(Disease::RetentionCyst { diameter_mm: 9.0 }.name(), "retention cyst");
        assert!("flu".parse::<DiseaseKind>().unwrap_err().to_string().starts_with("\"flu\" is no sinus disease"));
    }
}
