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
use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

/// Everything that makes one subject.
pub(super) struct Anatomy {
    /// Who it is.
    pub subject: Subject,
    noise: Noise,
    build: Build,
    turn: Mat3,
    origin_mm: Vec3,
    shift: Vec3,
    bend_mm: f32,
    skin: Skin,
    scalp_mm: f32,
    skull_mm: f32,
    brain: Brain,
    face: Face,
    sinuses: [Sinus; 2],
    points: [OnceLock<Vec<DVec3>>; 2],
    /// Disease, patient left and right, that which shows first where two overlap.
    pub lesions: [Vec<Lesion>; 2],
}

impl fmt::Debug for Anatomy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Anatomy").field("subject", &self.subject).finish_non_exhaustive()
    }
}

impl Anatomy {
    /// Draws a subject. `sizes` limits the head's length relative to the average.
    ///
    /// Bony walls of the sinuses are made thicker than `voxel_mm`, so that no sampling with such voxels opens a sinus
    /// into the nose.
    pub(super) fn draw(rng: &mut ChaCha8Rng, sizes: &Range<f32>, voxel_mm: f64, pose: &Pose) -> Self {
        let noise = Noise::new(rng);
        let subject = Subject::draw(rng, sizes);
        let build = Build::draw(rng, &subject);
        let wall_mm = rng.random_range(0.6_f32..1.3).max(1.22 * voxel_mm as f32) / build.least_face_mm();
        let usual_ml = (16.0 + 4.5 * normal(rng)) * (subject.size as f32).powi(3);
        let sinuses = [Side::Left, Side::Right].map(|side| {
            let small = rng.random_bool(0.06);
            let volume_ml = if small { rng.random_range(4.5..8.0) } else { usual_ml * (1.0 + 0.12 * normal(rng)) };
            Sinus::draw(rng, &noise, volume_ml.clamp(4.8, 24.5), build.face_mm(side), wall_mm)
        });
        Self {
            build,
            turn: pose.turn(),
            origin_mm: pose.move_mm.as_vec3(),
            shift: noise_offset(rng),
            bend_mm: rng.random_range(1.5..4.0),
            skin: Skin::draw(rng),
            scalp_mm: rng.random_range(1.6..4.2),
            skull_mm: rng.random_range(-0.8..1.4),
            brain: Brain::draw(rng, subject.old()),
            face: Face::draw(rng, &subject),
            sinuses,
            points: Default::default(),
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
    pub(super) fn sinus_points(&self, side: Side) -> &[DVec3] {
        self.points[side.index()].get_or_init(|| {
            let sinus = &self.sinuses[side.index()];
            let world_mm = |local: Vec3| self.world_mm(side, sinus.centre + local).as_dvec3();
            sinus.samples(&self.noise).into_iter().map(world_mm).collect()
        })
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
        self.sinus_points(side).iter().fold(nothing, |all, p| BoxMm { min: all.min.min(*p), max: all.max.max(*p) })
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
        let mut near = sinus.near(&self.noise, m);
        // However deep the sinus, some millimetres of cheek stay in front of it.
        near.distance_mm = near.distance_mm.max(skin + 7.0);
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
        self.bend_mm
            * vec3(self.noise.at(q + self.shift), self.noise.at(q - self.shift), self.noise.at(q + 2.0 * self.shift))
    }
}

/// The side of a point of the standard frame.
fn side(p: Vec3) -> Side {
    if p.x < 0.0 { Side::Left } else { Side::Right }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;
    use rayon::prelude::*;

    /// A subject with the first disease of each pair on the patient's left, the second on the right.
    fn anatomy(seed: u64, diseases: [&[DiseaseKind]; 2]) -> Anatomy {
        let rng = &mut ChaCha8Rng::seed_from_u64(seed);
        let pose = Pose::draw(rng, 4.0, 3.0);
        let mut anatomy = Anatomy::draw(rng, &(0.9..1.09), 1.0, &pose);
        for side in Side::BOTH {
            diseases[side.index()].iter().for_each(|&kind| anatomy.infect(side, kind, rng));
        }
        anatomy
    }

    /// The tissues on a grid whose points are `spacing_mm` apart, each with its place in the world.
    fn tissues(anatomy: &Anatomy, low: DVec3, high: DVec3, spacing_mm: f64) -> Vec<(DVec3, Tissue)> {
        let [nx, ny, nz] = ((high - low) / spacing_mm).ceil().to_array().map(|n| n as usize);
        (0..nx * ny * nz)
            .into_par_iter()
            .map(|index| {
                let [i, j, k] = [index % nx, index / nx % ny, index / (nx * ny)].map(|n| n as f64);
                let world = low + spacing_mm * DVec3::new(i, j, k);
                (world, anatomy.at(world))
            })
            .collect()
    }

    fn whole(anatomy: &Anatomy, spacing_mm: f64) -> Vec<(DVec3, Tissue)> {
        let half = DVec3::new(104.0, 128.0, 118.0);
        tissues(anatomy, anatomy.middle_mm() - half, anatomy.middle_mm() + half, spacing_mm)
    }

    fn around(anatomy: &Anatomy, spacing_mm: f64) -> Vec<(DVec3, Tissue)> {
        let [left, right] = [Side::Left, Side::Right].map(|side| anatomy.sinus_box_mm(side));
        tissues(anatomy, left.min.min(right.min) - 8.0, left.max.max(right.max) + 8.0, spacing_mm)
    }

    #[test]
    fn sinuses_lie_deep_in_the_head_below_the_orbits_and_nowhere_else() {
        for seed in 100..116 {
            let kinds = [DiseaseKind::ALL[seed as usize % 5]];
            let anatomy = anatomy(seed, [&kinds, &[]]);
            let boxes = [Side::Left, Side::Right].map(|side| anatomy.sinus_box_mm(side));
            let mut eyes = [(DVec3::ZERO, 0.0); 2];
            for (world, tissue) in whole(&anatomy, 2.5) {
                let side = anatomy.side_at(world);
                let of_box = boxes[side.index()];
                if tissue.in_sinus() {
                    let outside = (world - of_box.max).max(of_box.min - world).max_element();
                    assert!(outside < 3.0, "{seed}: {tissue:?} at {world}, {outside} mm out");
                    assert!(!tissue.is_disease() || side == Side::Left, "{seed}: {tissue:?} at {world}");
                    let bent = anatomy.standard(world) + anatomy.warp(anatomy.standard(world));
                    let skin = anatomy.skin.distance_mm(bent.with_x(bent.x.abs()));
                    assert!(skin < -4.0, "{seed}: {} mm below the skin at {world}", -skin);
                }
                if tissue == Tissue::Vitreous {
                    let eye = &mut eyes[side.index()];
                    *eye = (eye.0 + world, eye.1 + 1.0);
                }
            }
            for (of_box, (sum, count)) in boxes.iter().zip(eyes) {
                let centre = of_box.min.midpoint(of_box.max);
                let up = (sum / count - centre).dot((anatomy.turn * Vec3::Z).as_dvec3());
                assert!((17.0..48.0).contains(&up), "{seed}: the eye is {up} mm above the sinus");
            }
        }
    }

    #[test]
    fn volumes_are_those_of_adults_and_the_sides_differ() {
        let volumes: Vec<[f64; 2]> = (0..60)
            .map(|seed| {
                let anatomy = anatomy(seed, [&[], &[]]);
                let mut ml = [0.0; 2];
                for (world, tissue) in around(&anatomy, 2.0) {
                    ml[anatomy.side_at(world).index()] += if tissue.in_sinus() { 0.008 } else { 0.0 };
                }
                ml
            })
            .collect();
        let all = || volumes.iter().flatten().copied();
        assert!(all().all(|ml| (4.0..28.0).contains(&ml)), "{volumes:?}");
        assert!(all().any(|ml| ml < 7.0) && all().any(|ml| ml > 23.0), "{volumes:?}");
        let mean = all().sum::<f64>() / 120.0;
        assert!((13.0..17.5).contains(&mean), "{mean}");
        assert!(volumes.iter().any(|[left, right]| left > &(1.6 * right)));
        assert!(volumes.iter().any(|[left, right]| right > &(1.6 * left)));
    }

    #[test]
    fn two_diseases_of_one_sinus_both_show() {
        let pair = [DiseaseKind::AirFluidLevel, DiseaseKind::RetentionCyst];
        let anatomy = anatomy(4, [&[], &pair]);
        let names = anatomy.lesions[1].iter().map(|lesion| lesion.disease.name());
        assert_eq!(names.collect::<Vec<_>>(), ["retention cyst", "air-fluid level"], "a cyst stands out of fluid");
        let found = around(&anatomy, 1.0);
        let has = |tissue: Tissue| found.iter().any(|&(world, t)| t == tissue && anatomy.side_at(world) == Side::Right);
        assert!(has(Tissue::Cyst) && has(Tissue::Fluid) && has(Tissue::SinusAir));
    }

    #[test]
    fn a_turned_head_has_its_sinuses_turned_and_its_fluid_level() {
        let draw = |turn_deg: DVec3| {
            let rng = &mut ChaCha8Rng::seed_from_u64(8);
            let mut anatomy = Anatomy::draw(rng, &(0.9..1.09), 1.0, &Pose { turn_deg, move_mm: DVec3::ZERO });
            anatomy.infect(Side::Right, DiseaseKind::AirFluidLevel, rng);
            anatomy
        };
        let centre = |anatomy: &Anatomy| {
            let of_box = anatomy.sinus_box_mm(Side::Right);
            of_box.min.midpoint(of_box.max)
        };
        let (straight, turned) = (draw(DVec3::ZERO), draw(DVec3::new(0.0, 0.0, 20.0)));
        assert!(centre(&straight).x > 12.0);
        assert!(centre(&turned).x < centre(&straight).x - 15.0, "the face turned to the left");
        let heights = |wanted: Tissue| {
            around(&turned, 1.0).into_iter().filter(move |&(_, tissue)| tissue == wanted).map(|(world, _)| world.y)
        };
        let right_air = around(&turned, 1.0)
            .into_iter()
            .filter(|&(world, tissue)| tissue == Tissue::SinusAir && turned.side_at(world) == Side::Right);
        let surface = heights(Tissue::Fluid).fold(f64::MIN, f64::max);
        assert!(right_air.map(|(world, _)| world.y).fold(f64::MAX, f64::min) > surface - 0.01, "flat in the world");
    }

    #[test]
    fn what_is_ill_outside_the_sinuses_bears_no_label_of_theirs() {
        let mut seen = [false; 3];
        for seed in 200..225 {
            let anatomy = anatomy(seed, [&[], &[]]);
            for (world, tissue) in whole(&anatomy, 3.0) {
                assert!(!tissue.is_disease(), "{seed}: {tissue:?} at {world}");
                for (seen, wanted) in seen.iter_mut().zip([Tissue::OtherFluid, Tissue::BrainLesion, Tissue::Metal]) {
                    *seen |= tissue == wanted;
                }
            }
        }
        assert_eq!(seen, [true; 3], "fluid in other spaces, foci in the brain, metal in teeth");
    }
}
