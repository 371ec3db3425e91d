//! One subject's head: which tissue lies at a point of the world.
//!
//! The head is described in a frame of its own in mm: the origin is near the anterior commissure, +x is the
//! patient's right, +y the front, +z the top; the vertex is near z = 78, the chin near z = -127. A subject is
//! that head with its own size, a gentle warp, its own sinuses, and a pose in the scanner.

use super::Tissue;
use super::brain;
use super::disease::{DiseaseKind, Lesion};
use super::face::Face;
use super::shape::{Noise, boxy_ellipsoid, capsule, ellipsoid, noise_offset, ramp, smooth_min};
use super::sinus::Sinus;
use crate::space::{BoxMm, Side};
use glam::{DMat3, DVec3, EulerRot, Mat3, Vec3, vec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// Everything that makes one subject.
pub(super) struct Anatomy {
    noise: Noise,
    head_from_world: Mat3,
    world_from_head: Mat3,
    origin_mm: Vec3,
    shift: Vec3,
    scalp_mm: f32,
    face: Face,
    sinuses: [Sinus; 2],
    /// Disease, patient left and right.
    pub lesions: [Option<Lesion>; 2],
}

impl Anatomy {
    /// Draws a subject. `scale` limits the head's size relative to the average.
    ///
    /// Bony walls of the sinuses are made at least as thick as the voxels are wide,
    /// so that no sampling opens a sinus into the nose.
    pub(super) fn draw(rng: &mut ChaCha8Rng, scale: std::ops::Range<f32>, spacing_mm: f64) -> Self {
        let noise = Noise::new(rng);
        let scale = rng.random_range(scale);
        let size = Vec3::splat(scale) * vec3(rng.random_range(0.975..1.025), rng.random_range(0.98..1.02), 1.0);
        let mut angle = |most_deg: f32| rng.random_range(-most_deg..most_deg).to_radians();
        let turn = Mat3::from_euler(EulerRot::ZYX, angle(4.0), angle(3.0), angle(4.0));
        let world_from_head = turn * Mat3::from_diagonal(size);
        let mut move_mm = || rng.random_range(-3.0..3.0);
        let origin_mm = vec3(move_mm(), move_mm(), move_mm() * 0.5);
        let wall_mm = rng.random_range(0.9_f32..1.5).max(1.4 * spacing_mm as f32 / size.min_element());
        let volume_ml = rng.random_range(14.5..25.0) / size.element_product();
        let mut sinus = || {
            let volume_ml = volume_ml * rng.random_range(0.88..1.1);
            Sinus::draw(rng, &noise, volume_ml, wall_mm)
        };
        let sinuses = [sinus(), sinus()];
        Self {
            noise,
            head_from_world: world_from_head.inverse(),
            world_from_head,
            origin_mm,
            shift: noise_offset(rng),
            scalp_mm: rng.random_range(2.0..3.4),
            face: Face::draw(rng),
            sinuses,
            lesions: [None, None],
        }
    }

    /// Turns the head about a point of the world, and then moves it.
    pub(super) fn pose(&mut self, turn: DMat3, about_mm: DVec3, by_mm: DVec3) {
        self.world_from_head = turn.as_mat3() * self.world_from_head;
        self.head_from_world = self.world_from_head.inverse();
        self.origin_mm = (about_mm + turn * (self.origin_mm.as_dvec3() - about_mm) + by_mm).as_vec3();
    }

    /// Gives one sinus a disease.
    pub(super) fn infect(&mut self, side: Side, kind: DiseaseKind, rng: &mut ChaCha8Rng) {
        let sinus = &self.sinuses[side.index()];
        let sign = side.sign() as f32;
        // The warp moves a whole sinus by little and its fluid level by less: it is left out here.
        let world_y = |local: Vec3| {
            let mirrored = sinus.centre + local;
            (self.world_from_head * vec3(sign * mirrored.x, mirrored.y, mirrored.z) + self.origin_mm).y
        };
        self.lesions[side.index()] = Some(Lesion::draw(kind, rng, &self.noise, sinus, world_y));
    }

    /// Points of the world spread evenly over the cavity of one sinus.
    pub(super) fn sinus_points(&self, side: Side) -> impl Iterator<Item = DVec3> {
        let sinus = &self.sinuses[side.index()];
        let sign = side.sign() as f32;
        sinus.samples(&self.noise).into_iter().map(move |local| {
            let mirrored = sinus.centre + local;
            let bent = vec3(sign * mirrored.x, mirrored.y, mirrored.z);
            // The warp is slow: what it does at the bent point is what it did at the straight one, to a tenth of a mm.
            (self.world_from_head * (bent - self.warp(bent)) + self.origin_mm).as_dvec3()
        })
    }

    /// Box around the cavity of one sinus, in world mm.
    pub(super) fn sinus_box_mm(&self, side: Side) -> BoxMm {
        let nothing = BoxMm { min: DVec3::INFINITY, max: DVec3::NEG_INFINITY };
        self.sinus_points(side).fold(nothing, |all, p| BoxMm { min: all.min.min(p), max: all.max.max(p) })
    }

    /// On which side of the head's own, slightly bent mid-plane a world position in mm lies.
    pub(super) fn side_at(&self, world_mm: DVec3) -> Side {
        let straight = self.unposed(world_mm);
        side(straight + self.warp(straight))
    }

    /// The tissue at a world position in mm.
    pub(super) fn at(&self, world_mm: DVec3) -> Tissue {
        let straight = self.unposed(world_mm);
        // A body around every head, for the many voxels that are clearly outside.
        let hull = (straight - vec3(0.0, 16.0, 0.0)) / vec3(94.0, 124.0, 1.0);
        let crown = (straight / vec3(89.0, 112.0, 93.0)).length_squared();
        if hull.truncate().length_squared() > 1.0 || (straight.z > 25.0 && crown > 1.0) {
            return Tissue::Air;
        }
        let p = straight + self.warp(straight);
        let side = side(p);
        let m = vec3(p.x.abs(), p.y, p.z);
        let skin = skin(m);
        if skin > 0.0 {
            return Tissue::Air;
        }
        let dura = brain::dura(m);
        if dura < 0.0 {
            return brain::tissue(&self.noise, self.shift, p, m, -dura);
        }
        let sinus = &self.sinuses[side.index()];
        let near = sinus.near(&self.noise, m);
        if near.distance_mm < 0.0 {
            return sinus.content(&self.noise, self.lesions[side.index()].as_ref(), near, world_mm.y as f32);
        }
        if near.distance_mm < sinus.wall_mm {
            return Tissue::Bone;
        }
        let in_face = m.y > -40.0 && m.z < 20.0;
        if in_face && let Some(tissue) = self.face.cavity(&self.noise, p, m, near, sinus.wall_mm) {
            return tissue;
        }
        if let Some(tissue) = self.vault(m, skin, dura) {
            return tissue;
        }
        if in_face && let Some(tissue) = self.face.bone(&self.noise, m) {
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
        self.face.soft(&self.noise, m, -skin, near)
    }

    /// From the world to the head's frame, still unbent.
    pub(super) fn unposed(&self, world_mm: DVec3) -> Vec3 {
        self.head_from_world * (world_mm.as_vec3() - self.origin_mm)
    }

    /// The bone around the brain: two dense tables with marrow between them.
    fn vault(&self, m: Vec3, skin: f32, dura: f32) -> Option<Tissue> {
        let waves = self.noise.at(m / 14.0 + self.shift);
        let brow = ramp(66.0, 84.0, m.y) * ramp(-18.0, -8.0, m.z) * (1.0 - ramp(14.0, 40.0, m.z));
        let vault = ramp(-40.0, -10.0, m.z);
        let thick_mm = 4.2 + 2.3 * vault + 1.5 * waves + 9.0 * brow;
        let room_mm = -skin - 1.9 - self.scalp_mm;
        if dura > thick_mm || room_mm < 0.0 {
            return None;
        }
        let from_surface = dura.min(thick_mm - dura).min(room_mm);
        let marrow = from_surface > 1.8 + 0.4 * waves && m.z > -30.0;
        Some(if marrow { Tissue::Marrow } else { Tissue::Bone })
    }

    /// A slow bend of a few millimetres that makes the two sides differ.
    fn warp(&self, p: Vec3) -> Vec3 {
        let q = p / 55.0;
        2.5 * vec3(self.noise.at(q + self.shift), self.noise.at(q - self.shift), self.noise.at(q + 2.0 * self.shift))
    }
}

/// The side of a point of the head's frame.
fn side(p: Vec3) -> Side {
    if p.x < 0.0 { Side::Left } else { Side::Right }
}

/// Distance to the surface of the head; `m` is mirrored to x >= 0.
fn skin(m: Vec3) -> f32 {
    let cranium = boxy_ellipsoid(m, vec3(0.0, 0.5, -1.0), vec3(76.0, 95.5, 79.5));
    if m.z > 25.0 {
        return cranium;
    }
    let neck = ellipsoid(m, vec3(0.0, -14.0, -110.0), vec3(60.0, 62.0, 100.0));
    let base = ellipsoid(m, vec3(0.0, -6.0, -44.0), vec3(69.0, 84.0, 52.0));
    let skull = smooth_min(cranium, smooth_min(neck, base, 14.0), 14.0);
    let cheeks = ellipsoid(m, vec3(0.0, 39.0, -58.0), vec3(71.0, 72.0, 68.0));
    let jaw = capsule(m, vec3(10.0, 80.0, -106.0), vec3(46.0, 24.0, -92.0), 17.0, 18.0);
    // What makes a face is in front; behind, only the ears are added.
    if m.y < 38.0 {
        let head = smooth_min(skull, smooth_min(cheeks, jaw, 12.0), 14.0);
        let ear = ellipsoid(m, vec3(76.0, -10.0, -34.0), vec3(8.0, 15.0, 27.0));
        let hollow = ellipsoid(m, vec3(82.0, -7.0, -32.0), vec3(5.0, 9.0, 18.0));
        return smooth_min(head, ear.max(-hollow), 3.0);
    }
    let brow = ellipsoid(m, vec3(0.0, 82.0, -5.0), vec3(52.0, 22.0, 15.0));
    let cheekbone = ellipsoid(m, vec3(40.0, 73.0, -42.0), vec3(25.0, 27.0, 24.0));
    let chin = ellipsoid(m, vec3(0.0, 82.0, -106.0), vec3(33.0, 27.0, 21.0));
    let upper_lip = ellipsoid(m, vec3(0.0, 104.0, -78.5), vec3(24.0, 12.5, 6.5));
    let lips = upper_lip.min(ellipsoid(m, vec3(0.0, 103.0, -90.0), vec3(21.0, 11.5, 6.0)));
    let bridge = capsule(m, vec3(0.0, 101.0, -12.0), vec3(0.0, 116.0, -53.0), 6.5, 9.5);
    let wings = capsule(m, vec3(4.0, 116.0, -57.0), vec3(10.5, 108.0, -60.0), 7.5, 7.0);
    let lids = (m - vec3(31.0, 84.0, -20.5)).length() - 14.6;
    let cheeks = smooth_min(cheeks, cheekbone, 8.0);
    let face = smooth_min(smooth_min(cheeks, smooth_min(chin, jaw, 10.0), 12.0), lips, 7.0);
    let nose = smooth_min(bridge, wings, 5.0);
    let skull = smooth_min(skull, brow, 8.0);
    smooth_min(smooth_min(skull, face, 14.0), smooth_min(nose, lids, 5.0), 8.0)
}
