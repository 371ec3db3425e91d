//! The cubic median filter of the residual post-processing.

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
    let lines = |n: usize| -> Vec<Vec<usize>> {
        (0..n as isize).map(|at| (at - reach..=at + reach).map(|p| mirror(p, n)).collect()).collect()
    };
    let (xs, ys, zs) = (lines(nx), lines(ny), lines(nz));
    let mut out = vec![0.0; values.len()];
    out.par_chunks_mut(nx * ny).zip(0..nz).for_each(|(slice, z)| {
        let mut window = Vec::with_capacity(k * k * k);
        for (y, row) in slice.chunks_mut(nx).enumerate() {
            for (x, out) in row.iter_mut().enumerate() {
                window.clear();
                for &pz in &zs[z] {
                    for &py in &ys[y] {
                        let base = nx * (py + ny * pz);
                        window.extend(xs[x].iter().map(|&px| values[base + px]));
                    }
                }
                let middle = window.len() / 2;
                *out = *window.select_nth_unstable_by(middle, f32::total_cmp).1;
            }
        }
    });
    out
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
    fn a_lone_bright_voxel_vanishes_and_a_step_stays() {
        let mut values = vec![0.0; 125];
        values[62] = 9.0;
        assert_eq!(filter(&values, [5, 5, 5], 3), vec![0.0; 125]);
        let step: Vec<f32> = (0..125).map(|i| if i % 5 < 2 { 0.0 } else { 1.0 }).collect();
        assert_eq!(filter(&step, [5, 5, 5], 3), step);
        assert_eq!(filter(&step, [5, 5, 5], 0), step);
    }
}
