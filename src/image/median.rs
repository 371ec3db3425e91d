//! The cubic median filter of the residual post-processing.

use pulp::{Arch, Simd, WithSimd};
use rayon::prelude::*;

/// Replaces every voxel by the median of its `k`³ neighbourhood. Outside, the volume continues as its mirror image
/// with the edge voxel repeated (SciPy's `reflect`). `k` is odd; 0 and 1 leave the values alone.
#[must_use]
pub fn filter(values: &[f32], size: [usize; 3], k: usize) -> Vec<f32> {
    if k <= 1 {
        return values.to_vec();
    }
    let [nx, ny, nz] = size;
    let reach = (k / 2) as isize;
    // The volume with its mirror images around it.
    let along = |n: usize| move || (-reach..n as isize + reach).map(move |p| mirror(p, n));
    let (xs, ys, zs) = (along(nx), along(ny), along(nz));
    let rows = zs().flat_map(|z| ys().map(move |y| nx * (y + ny * z)));
    let keys: Vec<i32> = rows.flat_map(|row| xs().map(move |x| key(values[row + x]))).collect();
    let [row, plane] = [nx + k - 1, (nx + k - 1) * (ny + k - 1)];
    let neighbours: Vec<usize> =
        (0..k).flat_map(|z| (0..k).flat_map(move |y| (0..k).map(move |x| x + row * y + plane * z))).collect();
    let mut out = vec![0.0; values.len()];
    out.par_chunks_mut(nx.max(1)).enumerate().for_each(|(number, out)| {
        let keys = &keys[row * (number % ny) + plane * (number / ny)..];
        Arch::new().dispatch(Medians { keys, neighbours: &neighbours, out });
    });
    out
}

/// A whole number that orders as [`f32::total_cmp`] does.
fn key(value: f32) -> i32 {
    let bits = value.to_bits() as i32;
    bits ^ ((bits >> 31) & i32::MAX)
}

/// The value of a [`key`].
fn value(key: i32) -> f32 {
    f32::from_bits((key ^ ((key >> 31) & i32::MAX)) as u32)
}

/// The medians of a row of voxels, many voxels at once.
struct Medians<'a> {
    /// From the first neighbour of the first voxel on.
    keys: &'a [i32],
    /// Where the neighbours of a voxel lie from its first one.
    neighbours: &'a [usize],
    out: &'a mut [f32],
}

/// Voxels whose medians are searched together: some vectors of any processor.
const TOGETHER: usize = 64;

impl WithSimd for Medians<'_> {
    type Output = ();

    /// The median is the largest key that at most half of the others are below, found from its highest bit to its lowest: no
    /// voxel takes another path than its neighbours, so that vectors of them can be compared.
    #[allow(clippy::inline_always, reason = "only what is inlined is compiled for the vectors that there are")]
    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let middle = (self.neighbours.len() / 2) as i32;
        for (number, out) in self.out.chunks_mut(TOGETHER).enumerate() {
            let keys = &self.keys[number * TOGETHER..];
            let mut medians = [i32::MIN; TOGETHER];
            for bit in (0..32).rev() {
                let mut tried = medians;
                // The sign is the other way round: 1 is below 0.
                for tried in &mut tried {
                    *tried ^= 1 << bit;
                }
                let mut below = [0; TOGETHER];
                for &neighbour in self.neighbours {
                    let keys = &keys[neighbour..][..out.len()];
                    for ((below, tried), key) in below.iter_mut().zip(&tried).zip(keys) {
                        *below += i32::from(key < tried);
                    }
                }
                for ((median, tried), below) in medians.iter_mut().zip(tried).zip(below) {
                    if below <= middle {
                        *median = tried;
                    }
                }
            }
            out.iter_mut().zip(medians).for_each(|(out, median)| *out = value(median));
        }
    }
}

/// The index inside `0..n` that a mirrored continuation shows at `p`.
fn mirror(p: isize, n: usize) -> usize {
    let period = 2 * n as isize;
    let p = p.rem_euclid(period);
    (if p < n as isize { p } else { period - 1 - p }) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borders_repeat_the_edge_voxel() {
        assert_eq!([-2, -1, 0, 2, 3, 4].map(|p| mirror(p, 3)), [1, 0, 0, 2, 2, 1]);
        assert_eq!(mirror(-3, 1), 0);
    }

    #[test]
    fn medians_are_those_of_sorted_neighbours() {
        let [nx, ny, nz] = [70, 4, 3];
        // Of both signs, of all sizes, and some of them equal.
        let of = |i: usize| (((i * 7919) % 257) as f32 - 128.0).powi(3) * if i.is_multiple_of(3) { 1e-9 } else { 1e3 };
        let values: Vec<f32> = (0..nx * ny * nz).map(of).collect();
        for k in [3, 5, 7] {
            let medians = filter(&values, [nx, ny, nz], k);
            for (i, median) in medians.iter().enumerate() {
                let around = |at: usize, n: usize| {
                    (0..k).map(move |step| mirror(at as isize + step as isize - (k / 2) as isize, n))
                };
                let [x, y, z] = [i % nx, i / nx % ny, i / (nx * ny)];
                let rows = around(z, nz).flat_map(|z| around(y, ny).map(move |y| nx * (y + ny * z)));
                let mut window: Vec<f32> =
                    rows.flat_map(|row| around(x, nx).map(move |x| row + x)).map(|at| values[at]).collect();
                window.sort_by(f32::total_cmp);
                assert_eq!(*median, window[window.len() / 2], "{k} {i}");
            }
        }
        assert_eq!(
            [-1.5, -0.0, 0.0, f32::INFINITY].map(|v| value(key(v)).to_bits()),
            [-1.5, -0.0, 0.0, f32::INFINITY].map(f32::to_bits)
        );
    }

    #[test]
    fn a_lone_bright_voxel_vanishes_and_a_step_stays() {
        let mut values = vec![0.0; 125];
        values[62] = 9.0;
        assert_eq!(filter(&values, [5, 5, 5], 3), vec![0.0; 125]);
        let step: Vec<f32> = (0..125).map(|i| if i % 5 < 2 { 0.0 } else { 1.0 }).collect();
        assert_eq!(filter(&step, [5, 5, 5], 3), step);
        assert_eq!(filter(&step, [5, 5, 5], 0), step);
    }
}
