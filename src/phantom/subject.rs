//! Who a synthetic subject is, how large each part of the head is, and how the head lies in the scanner.
//!
//! All heads are described in one standard frame (see `anatomy`). [`Build`] leads from a person's own millimetres
//! to that frame and back: overall size, proportions of the face and the difference between its two sides.

use super::shape::ramp;
use crate::space::Side;
use glam::{DVec3, EulerRot, Mat3, Vec3, vec3};
use rand::{Rng, RngExt as _};
use rand_chacha::ChaCha8Rng;
use std::ops::Range;

/// The sex of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Sex {
    Female,
    Male,
}

impl Sex {
    /// As in the `participants.tsv` of BIDS: `F` or `M`.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Female => "F",
            Self::Male => "M",
        }
    }
}

/// Who a synthetic subject is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Subject {
    /// Women's heads are smaller by a twentieth on average.
    pub sex: Sex,
    /// 18 to 90; the old have wider ventricles and fewer teeth.
    pub age_years: f64,
    /// Length of the head relative to the average adult's.
    pub size: f64,
}

impl Subject {
    pub(super) fn draw(rng: &mut ChaCha8Rng, sizes: &Range<f32>) -> Self {
        let sex = if rng.random_bool(0.5) { Sex::Female } else { Sex::Male };
        let average = if sex == Sex::Male { 1.02 } else { 0.97 };
        let size = (average + 0.04 * normal(rng)).clamp(sizes.start, sizes.end);
        Self { sex, age_years: f64::from(rng.random_range(18.0_f32..90.0)).round(), size: f64::from(size) }
    }

    /// 0 up to the age of 30, 1 at 90.
    pub(super) fn old(&self) -> f32 {
        (((self.age_years - 30.0) / 60.0) as f32).clamp(0.0, 1.0)
    }
}

/// How the head lies in the scanner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Pose {
    /// Turns about the world's x, y and z axes through the middle of the brain, done in this order.
    pub turn_deg: DVec3,
    /// Where the middle of the brain lies.
    pub move_mm: DVec3,
}

impl Pose {
    /// A pose with each turn within `most_deg` and each shift within `most_mm` of none.
    pub fn draw(rng: &mut impl Rng, most_deg: f64, most_mm: f64) -> Self {
        let mut vary = |most: f64| most * rng.random_range(-1.0..1.0);
        Self {
            turn_deg: DVec3::new(vary(most_deg), vary(most_deg), vary(most_deg)),
            move_mm: DVec3::new(vary(most_mm), vary(most_mm), vary(most_mm)),
        }
    }

    pub(super) fn turn(&self) -> Mat3 {
        let [x, y, z] = self.turn_deg.as_vec3().to_array().map(f32::to_radians);
        Mat3::from_euler(EulerRot::ZYX, z, y, x)
    }
}

/// Above this height of the standard frame, below the orbits' roofs, the face's own proportions do not count.
const FACE_TOP: f32 = -12.0;
/// Behind this they do not count either.
const FACE_BACK: f32 = 30.0;

/// The proportions of one head relative to the standard one.
#[derive(Clone, Debug)]
pub(super) struct Build {
    size: Vec3,
    /// Height, depth and width of the face.
    face_height: f32,
    face_depth: f32,
    face_width: f32,
    /// Widths of the face's patient left and right half relative to their mean.
    halves: [f32; 2],
    /// How far the middle of the face goes aside per mm of height.
    lean: f32,
}

impl Build {
    pub(super) fn draw(rng: &mut ChaCha8Rng, subject: &Subject) -> Self {
        let mut vary = |amount: f32| 1.0 + rng.random_range(-amount..amount);
        let size = subject.size as f32 * vec3(vary(0.045), vary(0.03), vary(0.03));
        let (face_height, face_depth, face_width) = (vary(0.13), vary(0.07), vary(0.07));
        let aside = vary(0.03);
        let lean = vary(0.04) - 1.0;
        Self { size, face_height, face_depth, face_width, halves: [aside, 2.0 - aside], lean }
    }

    /// From the person's own upright mm to the standard frame.
    pub(super) fn standard(&self, own_mm: Vec3) -> Vec3 {
        let mut q = own_mm / self.size;
        q.z = FACE_TOP + stretched(q.z - FACE_TOP, 1.0, 1.0 / self.face_height);
        let (depth, width) = self.at_height(q.z);
        q.y = FACE_BACK + stretched(q.y - FACE_BACK, 1.0 / depth, 1.0);
        q.x += self.lean * (q.z - FACE_TOP).min(0.0);
        q.x /= width * self.half(q.x, q.z);
        q
    }

    /// From the standard frame to the person's own upright mm.
    pub(super) fn own_mm(&self, standard: Vec3) -> Vec3 {
        let mut q = standard;
        let (depth, width) = self.at_height(q.z);
        q.x *= width * self.half(q.x, q.z);
        q.x -= self.lean * (q.z - FACE_TOP).min(0.0);
        q.y = FACE_BACK + stretched(q.y - FACE_BACK, depth, 1.0);
        q.z = FACE_TOP + stretched(q.z - FACE_TOP, 1.0, self.face_height);
        q * self.size
    }

    /// Depth and width of the face at a height: they fade in downwards.
    fn at_height(&self, z: f32) -> (f32, f32) {
        let share = 1.0 - ramp(-32.0, 0.0, z);
        (1.0 + (self.face_depth - 1.0) * share, 1.0 + (self.face_width - 1.0) * share)
    }

    fn half(&self, x: f32, z: f32) -> f32 {
        let half = self.halves[usize::from(x > 0.0)];
        1.0 + (half - 1.0) * (1.0 - ramp(-32.0, 0.0, z))
    }

    /// Millimetres per unit of the standard frame in the middle of the face: mean of the directions.
    pub(super) fn face_mm(&self, side: Side) -> f32 {
        let half = self.halves[side.index()];
        (self.size.element_product() * self.face_height * self.face_depth * self.face_width * half).cbrt()
    }

    /// Millimetres per unit of the standard frame in the middle of the face, where they are fewest.
    pub(super) fn least_face_mm(&self) -> f32 {
        let narrow = self.halves[0].min(self.halves[1]);
        (self.size * vec3(self.face_width * narrow, self.face_depth, self.face_height)).min_element()
    }
}

/// `t` times `above` where positive, times `below` where negative.
fn stretched(t: f32, above: f32, below: f32) -> f32 {
    t.max(0.0) * above + t.min(0.0) * below
}

/// A draw from a bell curve of mean 0 and deviation 1 that ends at 3.
pub(super) fn normal(rng: &mut ChaCha8Rng) -> f32 {
    // The sum of twelve uniform draws has variance 1.
    let sum: f32 = (0..12).map(|_| rng.random_range(0.0_f32..1.0)).sum();
    (sum - 6.0).clamp(-3.0, 3.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn the_way_back_from_the_standard_frame_is_exact_and_sides_stay() {
        for seed in 0..20 {
            let rng = &mut ChaCha8Rng::seed_from_u64(seed);
            let subject = Subject::draw(rng, &(0.9..1.09));
            let build = Build::draw(rng, &subject);
            for standard in [vec3(25.0, 75.0, -52.0), vec3(-25.0, 75.0, -52.0), vec3(-60.0, -20.0, 40.0)] {
                let own = build.own_mm(standard);
                assert!(build.standard(own).distance(standard) < 1e-3, "{seed}");
                assert!(own.x * standard.x > 0.0, "{seed}: {own}");
            }
        }
    }

    #[test]
    fn adults_differ_and_men_are_larger_on_average() {
        let rng = &mut ChaCha8Rng::seed_from_u64(5);
        let people: Vec<Subject> = (0..400).map(|_| Subject::draw(rng, &(0.9..1.09))).collect();
        let mean = |sex: Sex| {
            let sizes: Vec<f64> = people.iter().filter(|s| s.sex == sex).map(|s| s.size).collect();
            sizes.iter().sum::<f64>() / sizes.len() as f64
        };
        assert!(mean(Sex::Male) > mean(Sex::Female) + 0.03);
        assert!(people.iter().any(|s| s.size < 0.92) && people.iter().any(|s| s.size > 1.07));
        assert!(people.iter().all(|s| (18.0..=90.0).contains(&s.age_years)));
    }

    #[test]
    fn a_positive_turn_about_z_moves_the_face_to_the_left() {
        let pose = Pose { turn_deg: DVec3::new(0.0, 0.0, 90.0), move_mm: DVec3::ZERO };
        assert!((pose.turn() * Vec3::Y).distance(-Vec3::X) < 1e-6, "-x is the patient's left");
    }
}
