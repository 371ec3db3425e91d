//! From the maps of the locator network to a place, on each side of the patient.
//!
//! Channels: where a cavity is, how near the centre of one is, and which half of the head is the patient's right one;
//! answers: how much of each sinus is in view. The halves are learned everywhere, not in the sinuses alone: that is what
//! makes a symmetric head's sides easy to tell.

use super::seen::Seen;
use crate::space::{Grid, Side};
use glam::DVec3;

/// Maps of the locator: cavity of either side, centre of either side, right half of the head.
pub(super) const MAPS: usize = 3;
/// Answers of the locator: complete, partial, absent of the left, then of the right sinus.
pub(super) const ANSWERS: usize = 6;
/// Standard deviation of the bump that marks a centre.
pub(super) const CENTRE_SD_MM: f64 = 7.0;

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
        let (nx, count) = (self.grid.size[0], self.grid.count());
        let mut values: Vec<f32> = self.values.chunks(nx).flat_map(|row| row.iter().rev().copied()).collect();
        values[2 * count..].iter_mut().for_each(|right| *right = 1.0 - *right);
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

    /// The place of one sinus: the middle of the highest bump of the centres' map in its half of the head.
    pub fn place(&self, side: Side) -> Place {
        let count = self.grid.count();
        let (centres, right) = (&self.values[count..2 * count], &self.values[2 * count..]);
        let own = |right: f32| if side == Side::Right { right } else { 1.0 - right };
        let heat: Vec<f32> = centres.iter().zip(right).map(|(centre, right)| centre * own(*right)).collect();
        let higher = |best: (usize, f32), now: (usize, f32)| if now.1 > best.1 { now } else { best };
        let (top, _) = heat.iter().copied().enumerate().fold((0, 0.0), higher);
        let [nx, ny, _] = self.grid.size;
        let top = [top % nx, top / nx % ny, top / (nx * ny)];
        let (mut sum, mut weights) = (DVec3::ZERO, 0.0);
        let reach = |axis: usize| top[axis].saturating_sub(3)..(top[axis] + 4).min(self.grid.size[axis]);
        for (z, y) in reach(2).flat_map(|z| reach(1).map(move |y| (z, y))) {
            for x in reach(0) {
                let weight = f64::from(heat[self.grid.index([x, y, z])]).powi(2);
                sum += weight * DVec3::new(x as f64, y as f64, z as f64);
                weights += weight;
            }
        }
        let voxel = if weights > 0.0 { sum / weights } else { DVec3::from_array(top.map(|v| v as f64)) };
        let [.., absent] = self.answers_of(side);
        let in_view = 1.0 - f64::from(absent);
        Place { centre_mm: self.grid.world_from_voxel.transform_point3(voxel), in_view }
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
    fn each_side_is_read_from_its_own_maps() {
        let maps = maps();
        let (left, right) = (maps.place(Side::Left), maps.place(Side::Right));
        assert!(left.centre_mm.distance(DVec3::new(-28.0, 61.0, 3.0)) < 0.6, "{left:?}");
        assert!(right.centre_mm.distance(DVec3::new(20.0, 58.0, -4.0)) < 0.6, "{right:?}");
        assert!((left.in_view - 0.9).abs() < 1e-6 && (right.in_view - 0.3).abs() < 1e-6);
    }

    #[test]
    fn the_mirrored_scan_tells_of_the_other_side() {
        let mirrored = maps().mirrored();
        let (left, right) = (mirrored.place(Side::Left), mirrored.place(Side::Right));
        assert!(left.centre_mm.distance(DVec3::new(-20.0, 58.0, -4.0)) < 0.6, "{left:?}");
        assert!(right.centre_mm.distance(DVec3::new(28.0, 61.0, 3.0)) < 0.6, "{right:?}");
        assert!((left.in_view - 0.3).abs() < 1e-6);
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
