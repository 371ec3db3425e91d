//! A volume in blocks of voxels: what rays may leap over, worked out on the CPU whenever it changes what is visible.

use half::f16;
use rayon::prelude::*;

/// Voxels per side of a block; keep in sync with `BLOCK` in `shaders/raycast.wgsl`.
const BLOCK: usize = 8;

/// The values in each block.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Blocks {
    /// How many blocks there are along each axis.
    pub(super) size: [usize; 3],
    /// The smallest and the largest value that interpolation can give in each block: its own voxels and one more on
    /// every side.
    ranges: Vec<[f16; 2]>,
}

impl Blocks {
    /// The blocks of a volume of `size` voxels, none of which is negative.
    pub(super) fn new(values: &[f16], size: [usize; 3]) -> Self {
        let blocks = size.map(|n| n.div_ceil(BLOCK));
        let reach =
            |block: usize, axis: usize| (block * BLOCK).saturating_sub(1)..(block * BLOCK + BLOCK + 1).min(size[axis]);
        let range = |index: usize| {
            let (i, rest) = (index % blocks[0], index / blocks[0]);
            let (j, k) = (rest % blocks[1], rest / blocks[1]);
            let (mut smallest, mut largest) = (u16::MAX, 0);
            for k in reach(k, 2) {
                for j in reach(j, 1) {
                    let row = (j + size[1] * k) * size[0];
                    for value in &values[row + reach(i, 0).start..row + reach(i, 0).end] {
                        // Numbers without a sign, that of a negative zero too, are ordered as their bits are.
                        let bits = value.to_bits() & 0x7fff;
                        smallest = smallest.min(bits);
                        largest = largest.max(bits);
                    }
                }
            }
            [smallest, largest].map(f16::from_bits)
        };
        Self { size: blocks, ranges: (0..blocks.iter().product()).into_par_iter().map(range).collect() }
    }

    /// How many blocks a ray may leap from within each block, whichever way it goes: 0 where something is visible
    /// between the block's smallest and largest value, otherwise the distance to the nearest such block.
    pub(super) fn leaps(&self, is_visible: impl Fn(f32, f32) -> bool) -> Vec<f16> {
        let far = self.size.iter().max().copied().unwrap_or(1) as u16;
        let mut leaps: Vec<u16> = (self.ranges.iter())
            .map(|[low, high]| if is_visible(low.to_f32(), high.to_f32()) { 0 } else { far })
            .collect();
        // There and back again over half of the neighbours gives the distance where a step to any of the 26 counts 1
        // (Borgefors, "Distance transformations in digital images", 1986).
        let [nx, ny, nz] = self.size.map(|n| n as isize);
        let before: Vec<[isize; 3]> =
            (-1..=1).flat_map(|k| (-1..=1).flat_map(move |j| (-1..=1).map(move |i| [i, j, k]))).take(13).collect();
        for back in [false, true] {
            let sign = if back { -1 } else { 1 };
            for place in 0..leaps.len() {
                let index = if back { leaps.len() - 1 - place } else { place } as isize;
                let (i, j, k) = (index % nx, index / nx % ny, index / nx / ny);
                let mut nearest = leaps[index as usize];
                for [di, dj, dk] in &before {
                    let (i, j, k) = (i + sign * di, j + sign * dj, k + sign * dk);
                    if (0..nx).contains(&i) && (0..ny).contains(&j) && (0..nz).contains(&k) {
                        nearest = nearest.min(leaps[(i + nx * (j + ny * k)) as usize] + 1);
                    }
                }
                leaps[index as usize] = nearest;
            }
        }
        leaps.into_iter().map(|leap| f16::from_f32(f32::from(leap))).collect()
    }

    /// What `place` makes of the largest value of each block.
    pub(super) fn largest(&self, place: impl Fn(f32) -> f32) -> Vec<f16> {
        self.ranges.iter().map(|[_, high]| f16::from_f32(place(high.to_f32()))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 40 voxels in a row, of which number 8 is 1: the first of block 1.
    fn line() -> Blocks {
        let mut values = vec![f16::ZERO; 40];
        values[8] = f16::ONE;
        Blocks::new(&values, [40, 1, 1])
    }

    #[test]
    fn blocks_hold_what_interpolation_may_reach() {
        // The last half voxel of block 0 interpolates towards voxel 8.
        assert_eq!(line().largest(|v| v), [1.0, 1.0, 0.0, 0.0, 0.0].map(f16::from_f32));
        assert_eq!(line().largest(|v| 2.0 * v - 0.5)[1..3], [1.5, -0.5].map(f16::from_f32));
    }

    #[test]
    fn a_ray_may_leap_to_the_nearest_block_with_something_to_see() {
        let leaps =
            |visible: fn(f32, f32) -> bool| line().leaps(visible).into_iter().map(f16::to_f32).collect::<Vec<_>>();
        assert_eq!(leaps(|_, high| high > 0.5), [0.0, 0.0, 1.0, 2.0, 3.0]);
        assert_eq!(leaps(|low, high| low > 0.5 && high > 0.5), [5.0; 5]);
        assert_eq!(leaps(|low, _| low < 0.5), [0.0; 5]);
    }

    #[test]
    fn distances_go_across_corners() {
        let size = [5 * BLOCK, 4 * BLOCK, 3 * BLOCK];
        let mut values = vec![f16::ZERO; size.iter().product()];
        // In the middle of block (3, 1, 0), out of reach of its neighbours.
        values[28 + size[0] * (12 + size[1] * 4)] = f16::ONE;
        let leaps = Blocks::new(&values, size).leaps(|_, high| high > 0.5);
        for (index, leap) in leaps.iter().enumerate() {
            let (i, j, k) = (index % 5, index / 5 % 4, index / 20);
            let expected = i.abs_diff(3).max(j.abs_diff(1)).max(k);
            assert_eq!(leap.to_f32(), expected as f32, "block {i} {j} {k}");
        }
    }
}
