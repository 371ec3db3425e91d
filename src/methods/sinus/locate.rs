//! From the maps of the locator network to a place, on each side of the patient.
//!
//! Channels: where a cavity is, how near the centre of one is, and which half of the head is the patient's right one;
//! answers: how much of each sinus is in view. Cavities and the difference between complete and partial only help to learn
//! the rest; the segmenter tells both better. The halves are learned everywhere, not in the sinuses alone: that is what
//! makes a symmetric head's sides easy to tell.

use super::seen::{Seen, flipped};
use crate::space::{Grid, Side};
use glam::DVec3;

/// Maps of the locator: cavity of either side, centre of either side, right half of the head.
pub(super) const MAPS: usize = 3;
/// Answers of the locator: complete, partial, absent of the left, then of the right sinus.
pub(super) const ANSWERS: usize = 6;
/// Standard deviation of the bump that marks a centre.
pub(super) const CENTRE_SD_MM: f64 = 7.0;

/// From one sinus to the other, however the head is turned: mostly from left to right.
fn are_pair(way_mm: DVec3) -> bool {
    let way_mm = way_mm.abs();
    (25.0..80.0).contains(&way_mm.x) && way_mm.y < 0.7 * way_mm.x && way_mm.z < 0.7 * way_mm.x
}

/// A sinus that is in view with less probability is not.
pub(super) const LEAST_IN_VIEW: f64 = 0.35;
/// A bump is at least so high, or the sinus is not in view whatever the answers.
const LEAST_HEIGHT: f32 = (LEAST_IN_VIEW * LEAST_IN_VIEW) as f32;

/// Where a sinus seems to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Place {
    pub centre_mm: DVec3,
    /// How likely it is in view at all.
    pub in_view: f64,
}

/// What the locator says about one scan, as probabilities.
#[derive(Clone, Debug)]
pub(super) struct Maps {
    pub grid: Grid,
    /// `[map, z, y, x]`.
    pub values: Vec<f32>,
    pub answers: [f32; ANSWERS],
}

impl Maps {
    /// From logits.
    pub fn new(seen: &Seen, logits: &[f32], answers: &[f32]) -> Self {
        let values = logits.iter().map(|&v| 1.0 / (1.0 + (-v).exp())).collect();
        let mut shares = [0.0; ANSWERS];
        for (shares, logits) in shares.chunks_mut(3).zip(answers.chunks(3)) {
            let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let sum: f32 = logits.iter().map(|v| (v - most).exp()).sum();
            shares.iter_mut().zip(logits).for_each(|(share, v)| *share = (v - most).exp() / sum);
        }
        Self { grid: seen.grid, values, answers: shares }
    }

    /// What was said about the mirrored scan, as it is about the scan: everything back in place, sides exchanged.
    pub fn mirrored(&self) -> Self {
        let mut values = flipped(&self.values, self.grid);
        values[2 * self.grid.count()..].iter_mut().for_each(|right| *right = 1.0 - *right);
        let [a, b, c, d, e, f] = self.answers;
        Self { grid: self.grid, values, answers: [d, e, f, a, b, c] }
    }

    /// The mean of two.
    pub fn averaged(&self, other: &Self) -> Self {
        let mean = |(a, b): (&f32, &f32)| f32::midpoint(*a, *b);
        let values = self.values.iter().zip(&other.values).map(mean).collect();
        let answers = std::array::from_fn(|i| f32::midpoint(self.answers[i], other.answers[i]));
        Self { grid: self.grid, values, answers }
    }

    /// The places of both sinuses, by [`Side::index`].
    ///
    /// The two highest bumps that lie beside each other as a pair does are the two sinuses: the patient's left one is that
    /// with the smaller x. A bump without a partner is of the side in whose half it lies.
    pub fn places(&self) -> [Place; 2] {
        let count = self.grid.count();
        let (centres, halves) = (&self.values[count..2 * count], &self.values[2 * count..]);
        let first = self.highest(|_| true);
        let second = self.highest(|at| are_pair(at - self.grid.voxel_mm(first)));
        let pair = centres[second] >= LEAST_HEIGHT && second != first;
        let (first_mm, second_mm) = (self.bump_mm(first), self.bump_mm(second));
        let side = match pair {
            true if first_mm.x < second_mm.x => Side::Left,
            false if halves[first] < 0.5 => Side::Left,
            _ => Side::Right,
        };
        let mut places = [Place { centre_mm: first_mm, in_view: 0.0 }; 2];
        places[side.index()].in_view = self.in_view(side, centres[first]);
        if pair {
            let in_view = self.in_view(side.other(), centres[second]);
            places[side.other().index()] = Place { centre_mm: second_mm, in_view };
        }
        places
    }

    /// How likely a sinus is in view whose bump is so high.
    fn in_view(&self, side: Side, height: f32) -> f64 {
        let [.., absent] = self.answers_of(side);
        f64::from((height * (1.0 - absent)).sqrt())
    }

    /// The voxel where the map of the centres is highest among those whose place is wanted.
    fn highest(&self, wanted: impl Fn(DVec3) -> bool) -> usize {
        let count = self.grid.count();
        let candidates = self.values[count..2 * count].iter().copied().enumerate();
        let higher = |best: (usize, f32), now: (usize, f32)| {
            if now.1 > best.1 && wanted(self.grid.voxel_mm(now.0)) { now } else { best }
        };
        candidates.fold((0, 0.0), higher).0
    }

    /// The middle of the bump whose highest voxel is `top`.
    fn bump_mm(&self, top: usize) -> DVec3 {
        let centres = &self.values[self.grid.count()..2 * self.grid.count()];
        let at = self.grid.voxel(top);
        let (mut sum, mut weights) = (DVec3::ZERO, 0.0);
        let reach = |axis: usize| at[axis].saturating_sub(3)..(at[axis] + 4).min(self.grid.size[axis]);
        for (z, y) in reach(2).flat_map(|z| reach(1).map(move |y| (z, y))) {
            for x in reach(0) {
                let index = self.grid.index([x, y, z]);
                let weight = f64::from(centres[index]).powi(2);
                sum += weight * self.grid.voxel_mm(index);
                weights += weight;
            }
        }
        if weights > 0.0 { sum / weights } else { self.grid.voxel_mm(top) }
    }

    /// Probabilities of complete, partial and absent.
    fn answers_of(&self, side: Side) -> [f32; 3] {
        std::array::from_fn(|i| self.answers[3 * side.index() + i])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Maps with a bump for each side, the left one at x = -28, the right one at x = 20.
    fn maps() -> Maps {
        let grid = Grid::centred([32, 16, 16], 4.0, DVec3::new(0.0, 60.0, 0.0));
        let bump = |centre: DVec3| {
            (0..grid.count()).map(move |i| {
                let voxel = DVec3::new((i % 32) as f64, (i / 32 % 16) as f64, (i / 512) as f64);
                let away = grid.world_from_voxel.transform_point3(voxel).distance(centre) / CENTRE_SD_MM;
                (-0.5 * away * away).exp() as f32
            })
        };
        let (left, right) = (DVec3::new(-28.0, 61.0, 3.0), DVec3::new(20.0, 58.0, -4.0));
        let both: Vec<f32> = bump(left).zip(bump(right)).map(|(l, r)| l.max(r)).collect();
        let half = (0..grid.count()).map(|i| f32::from(u8::from(i % 32 >= 15)));
        let values = both.iter().copied().chain(both.iter().copied()).chain(half).collect();
        Maps { grid, values, answers: [0.7, 0.2, 0.1, 0.1, 0.2, 0.7] }
    }

    #[test]
    fn of_two_bumps_the_patients_left_one_has_the_smaller_x_whatever_the_halves_say() {
        let maps = maps();
        let mut confused = maps.clone();
        let count = maps.grid.count();
        confused.values[2 * count..].iter_mut().for_each(|right| *right = 1.0);
        for maps in [maps, confused] {
            let [left, right] = maps.places();
            assert!(left.centre_mm.distance(DVec3::new(-28.0, 61.0, 3.0)) < 0.6, "{left:?}");
            assert!(right.centre_mm.distance(DVec3::new(20.0, 58.0, -4.0)) < 0.6, "{right:?}");
            assert!(left.in_view > 0.85 && (0.4..0.6).contains(&right.in_view), "{left:?} {right:?}");
        }
    }

    #[test]
    fn a_bump_without_a_partner_is_of_the_side_in_whose_half_it_lies() {
        for gone in [Side::Left, Side::Right] {
            let mut maps = maps();
            let count = maps.grid.count();
            for index in 0..count {
                let x = maps.grid.voxel_mm(index).x;
                if (x + 4.0) * gone.sign() > 0.0 {
                    maps.values[count + index] = 0.0;
                }
            }
            let places = maps.places();
            assert_eq!(places[gone.index()].in_view, 0.0, "{gone:?}");
            let left = places[gone.other().index()];
            assert!(left.in_view > 0.4 && left.centre_mm.x * gone.sign() < 0.0, "{gone:?}: {left:?}");
        }
    }

    #[test]
    fn the_mirrored_scan_tells_of_the_other_side() {
        let mirrored = maps().mirrored();
        let [left, right] = mirrored.places();
        assert!(left.centre_mm.distance(DVec3::new(-20.0, 58.0, -4.0)) < 0.6, "{left:?}");
        assert!(right.centre_mm.distance(DVec3::new(28.0, 61.0, 3.0)) < 0.6, "{right:?}");
        assert!(left.in_view < right.in_view);
        assert_eq!(mirrored.mirrored().answers, maps().answers);
    }

    #[test]
    fn logits_become_probabilities() {
        let grid = Grid::centred([1; 3], 4.0, DVec3::ZERO);
        let seen = Seen { grid, intensities: vec![0.0], inside: vec![1.0] };
        let maps = Maps::new(&seen, &[0.0, 100.0, -100.0], &[0.0, 0.0, 0.0, 50.0, 0.0, 0.0]);
        assert_eq!(maps.values, [0.5, 1.0, 0.0]);
        assert!((maps.answers[0] - 1.0 / 3.0).abs() < 1e-6 && maps.answers[3] > 0.999);
        let average = maps.averaged(&maps.mirrored());
        assert_eq!(average.values, [0.5, 1.0, 0.5], "nobody knows which half that is");
    }
}
