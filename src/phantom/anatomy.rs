//! One subject's head: which tissue lies at a point of the world.
//!
//! The head is described in a standard frame in mm of an average adult: the origin is near the anterior commissure,
//! +x is the patient's right, +y the front, +z the top; the vertex is near z = 78, the chin near z = -127. A subject is
//! that head with its own proportions ([`Build`]), a gentle warp, its own parts, and a pose in the scanner.

use super::Tissue;
use super::brain::{self, Brain};
use super::disease::{DiseaseKind, Lesion};
use super::face::{Face, Spot};
use super::shape::{Noise, noise_offset, ramp};
use super::sinus::Sinus;
use super::skin::Skin;
use super::subject::{Build, Pose, Subject, normal};
use crate::space::{BoxMm, Side};
use glam::{DVec3, Mat3, Vec3, vec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// Everything that makes one subject.
pub(super) struct Anatomy {
    /// Who it is.
    pub subject: Subject,
    noise: Noise,
    build: Build,
    turn: Mat3,
    origin_mm: Vec3,
    shift: Vec3,
    skin: Skin,
    scalp_mm: f32,
    skull_mm: f32,
    brain: Brain,
    face: Face,
    sinuses: [Sinus; 2],
    /// Disease, patient left and right, that which shows first where two overlap.
    pub lesions: [Vec<Lesion>; 2],
}

impl Anatomy {
    /// Draws a subject. `sizes` limits the head's length relative to the average.
    ///
    /// Bony walls of the sinuses are made as thick as voxels of up to 1.5 mm are wide,
    /// so that no sampling opens a sinus into the nose.
    pub(super) fn draw(rng: &mut ChaCha8Rng, sizes: &Range<f32>, spacing_mm: f64, pose: &Pose) -> Self {
        let noise = Noise::new(rng);
        let subject = Subject::draw(rng, sizes);
        let build = Build::draw(rng, &subject);
        let wall_mm = rng.random_range(0.6_f32..1.3).max(1.12 * spacing_mm.min(1.5) as f32) / build.least_face_mm();
        let usual_ml = (15.5 + 4.5 * normal(rng)) * (subject.size as f32).powi(3);
        let sinuses = Side::BOTH.map(|side| {
            let small = rng.random_bool(0.06);
            let volume_ml = if small { rng.random_range(4.5..8.0) } else { usual_ml * (1.0 + 0.12 * normal(rng)) };
            Sinus::draw(rng, &noise, volume_ml.clamp(4.8, 26.5), build.face_mm(side), wall_mm)
        });
        Self {
            build,
            turn: pose.turn(),
            origin_mm: pose.move_mm.as_vec3(),
            shift: noise_offset(rng),
            skin: Skin::draw(rng),
            scalp_mm: rng.random_range(1.6..4.2),
            skull_mm: rng.random_range(-0.8..1.4),
            brain: Brain::draw(rng, subject.old()),
            face: Face::draw(rng, &subject),
            sinuses,
            lesions: [Vec::new(), Vec::new()],
            noise,
            subject,
        }
    }

    /// Gives one sinus a disease, beside those it has.
    pub(super) fn infect(&mut self, side: Side, kind: DiseaseKind, rng: &mut ChaCha8Rng) {
        let sinus = &self.sinuses[side.index()];
        let world_y = |local: Vec3| self.world_mm(side, sinus.centre + local).y;
        let lesion = Lesion::draw(kind, rng, &self.noise, sinus, world_y);
        let lesions = &mut self.lesions[side.index()];
        lesions.push(lesion);
        lesions.sort_by_key(Lesion::rank);
    }

    /// The middle of the head in world mm: half-way from vertex to chin and from nape to nose.
    pub(super) fn middle_mm(&self) -> DVec3 {
        (self.turn * self.build.own_mm(vec3(0.0, 16.5, -22.0))).as_dvec3()
    }

    /// Points of the world spread evenly over the cavity of one sinus.
    pub(super) fn sinus_points(&self, side: Side) -> impl Iterator<Item = DVec3> {
        let sinus = &self.sinuses[side.index()];
        sinus.samples(&self.noise).into_iter().map(move |local| self.world_mm(side, sinus.centre + local).as_dvec3())
    }

    /// From the mirrored standard frame to the world.
    fn world_mm(&self, side: Side, mirrored: Vec3) -> Vec3 {
        let bent = vec3(side.sign() as f32 * mirrored.x, mirrored.y, mirrored.z);
        // The warp is slow: what it does at the bent point is what it did at the straight one, to a tenth of a mm.
        self.turn * self.build.own_mm(bent - self.warp(bent)) + self.origin_mm
    }

    /// From the world to the standard frame.
    pub(super) fn standard(&self, world_mm: DVec3) -> Vec3 {
        let own_mm = self.turn.transpose() * (world_mm.as_vec3() - self.origin_mm);
        self.build.standard(own_mm)
    }

    /// Box around the cavity of one sinus, in world mm.
    pub(super) fn sinus_box_mm(&self, side: Side) -> BoxMm {
        let nothing = BoxMm { min: DVec3::INFINITY, max: DVec3::NEG_INFINITY };
        self.sinus_points(side).fold(nothing, |all, p| BoxMm { min: all.min.min(p), max: all.max.max(p) })
    }

    /// On which side of the head's own, slightly bent mid-plane a world position in mm lies.
    pub(super) fn side_at(&self, world_mm: DVec3) -> Side {
        let straight = self.standard(world_mm);
        side(straight + self.warp(straight))
    }

    /// The tissue at a world position in mm.
    pub(super) fn at(&self, world_mm: DVec3) -> Tissue {
        let straight = self.standard(world_mm);
        if Skin::clearly_outside(straight) {
            return Tissue::Air;
        }
        let p = straight + self.warp(straight);
        let side = side(p);
        let m = vec3(p.x.abs(), p.y, p.z);
        let skin = self.skin.distance_mm(m);
        if skin > 0.0 {
            return Tissue::Air;
        }
        let dura = brain::dura(m);
        if dura < 0.0 {
            return self.brain.tissue(&self.noise, p, m, -dura);
        }
        let sinus = &self.sinuses[side.index()];
        let near = sinus.near(&self.noise, m);
        if near.distance_mm < 0.0 {
            return sinus.content(&self.noise, &self.lesions[side.index()], near, world_mm.y as f32);
        }
        if near.distance_mm < near.wall_mm {
            return Tissue::Bone;
        }
        let in_face = m.y > -45.0 && m.z < 30.0;
        let spot = Spot { noise: &self.noise, p, m, side, near, depth_mm: -skin };
        if in_face && let Some(tissue) = self.face.cavity(&spot) {
            return tissue;
        }
        if let Some(tissue) = self.vault(m, skin, dura) {
            return tissue;
        }
        if in_face && let Some(tissue) = self.face.bone(&spot) {
            return tissue;
        }
        let skin_mm = 1.9;
        if skin > -skin_mm {
            return Tissue::Skin;
        }
        let scalp = m.z > -5.0 || (m.y < -30.0 && m.z > -60.0);
        if scalp && skin > -skin_mm - self.scalp_mm {
            return Tissue::Fat;
        }
        self.face.soft(&spot)
    }

    /// The bone around the brain: two dense tables with marrow between them.
    fn vault(&self, m: Vec3, skin: f32, dura: f32) -> Option<Tissue> {
        if dura > 20.0 {
            return None;
        }
        let waves = self.noise.at(m / 14.0 + self.shift);
        let brow = ramp(66.0, 84.0, m.y) * ramp(-18.0, -8.0, m.z) * (1.0 - ramp(14.0, 40.0, m.z));
        let vault = ramp(-40.0, -10.0, m.z);
        let thick_mm = 3.4 + self.skull_mm * vault + 2.6 * vault + 1.3 * waves + 9.0 * brow;
        let room_mm = -skin - 1.9 - self.scalp_mm;
        if dura > thick_mm || room_mm < 0.0 {
            return None;
        }
        let from_surface = dura.min(thick_mm - dura).min(room_mm);
        let marrow = from_surface > 1.6 + 0.4 * waves && m.z > -30.0;
        Some(if marrow { Tissue::Marrow } else { Tissue::Bone })
    }

    /// A slow bend of a few millimetres that makes the two sides differ.
    fn warp(&self, p: Vec3) -> Vec3 {
        let q = p / 52.0;
        2.8 * vec3(self.noise.at(q + self.shift), self.noise.at(q - self.shift), self.noise.at(q + 2.0 * self.shift))
    }
}

/// The side of a point of the standard frame.
fn side(p: Vec3) -> Side {
    if p.x < 0.0 { Side::Left } else { Side::Right }
}
