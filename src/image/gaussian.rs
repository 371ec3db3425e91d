//! Gaussian smoothing, separable, with the edge voxel repeated outside.

use rayon::prelude::*;

/// Smooths `values` (i fastest, of `size`) in place with a standard deviation per axis, in voxels.
/// A sigma of 0 leaves that axis alone. The kernel reaches 3 sigma.
pub fn blur(values: &mut [f32], size: [usize; 3], sigma_voxels: [f64; 3]) {
    for axis in 0..3 {
        if sigma_voxels[axis] > 0.0 && size[axis] > 1 {
            along(values, size, axis, &kernel(sigma_voxels[axis]));
        }
    }
}

/// The right half of the normalised kernel, the centre first.
pub(super) fn kernel(sigma: f64) -> Vec<f32> {
    let reach = (3.0 * sigma).ceil().max(1.0) as usize;
    let half: Vec<f64> = (0..=reach).map(|i| (-0.5 * (i as f64 / sigma).powi(2)).exp()).collect();
    let sum = 2.0 * half.iter().sum::<f64>() - half[0];
    half.iter().map(|w| (w / sum) as f32).collect()
}

fn along(values: &mut [f32], size: [usize; 3], axis: usize, half: &[f32]) {
    // Neighbours along `axis` are `stride` apart in the stored order.
    let stride: usize = size[..axis].iter().product();
    let n = size[axis];
    let slice = size[0] * size[1];
    let source = values.to_vec();
    values.par_chunks_mut(slice).enumerate().for_each(|(z, slab)| {
        for (offset, out) in slab.iter_mut().enumerate() {
            let index = z * slice + offset;
            let at = index / stride % n;
            let base = index - at * stride;
            let mut sum = half[0] * source[index];
            for (d, w) in half.iter().enumerate().skip(1) {
                let before = base + at.saturating_sub(d) * stride;
                let after = base + (at + d).min(n - 1) * stride;
                sum += w * (source[before] + source[after]);
            }
            *out = sum;
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_constant_stays_and_a_point_spreads_symmetrically() {
        let size = [9, 7, 5];
        let mut flat = vec![2.5_f32; 315];
        blur(&mut flat, size, [1.5, 0.7, 3.0]);
        assert!(flat.iter().all(|v| (v - 2.5).abs() < 1e-5));

        let mut point = vec![0.0_f32; 315];
        let centre = 4 + 9 * (3 + 7 * 2);
        point[centre] = 1.0;
        blur(&mut point, size, [1.0, 1.0, 0.0]);
        assert!((point[centre - 1] - point[centre + 1]).abs() < 1e-7);
        assert!((point[centre + 9] - point[centre + 1]).abs() < 1e-6);
        assert_eq!(point[centre + 63], 0.0, "the third axis was left alone");
    }
}
