//! Max-pooling of volumes, which burn has for planes and lines only: the largest of a cube is the largest along one axis of
//! the largest of its planes.

use burn::tensor::Tensor;
use burn::tensor::module::max_pool2d;
use burn::tensor::ops::MaxPoolOptions;

/// The largest of 3³ voxels at every second voxel, as PyTorch's `max_pool3d(3, stride=2, padding=1)`.
///
/// # Shapes
///
/// - input: `[batch, channels, z, y, x]`
/// - output: `[batch, channels, z / 2, y / 2, x / 2]`, rounded up
pub(super) fn max_pool_halving(x: Tensor<5>) -> Tensor<5> {
    let [batch, channels, z, y, x_size] = x.dims();
    let planes: Tensor<4> = x.reshape([batch, channels * z, y, x_size]);
    let planes = max_pool2d(planes, options([3, 3]));
    let [_, _, new_y, new_x] = planes.dims();
    let lines: Tensor<4> = planes.reshape([batch, channels, z, new_y * new_x]);
    let lines = max_pool2d(lines, options([3, 1]));
    let new_z = lines.dims()[2];
    lines.reshape([batch, channels, new_z, new_y, new_x])
}

/// Every second voxel of the axes with a kernel of 3, all of those with one of 1.
fn options(kernel: [usize; 2]) -> MaxPoolOptions<2> {
    MaxPoolOptions::new(kernel).with_stride(kernel.map(|k| k.min(2))).with_padding(kernel.map(|k| k / 2))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    #[test]
    fn each_voxel_is_the_largest_of_those_around_every_second() {
        let device = Device::flex();
        let [z, y, x] = [4, 5, 6];
        let values: Vec<f32> = (0..z * y * x).map(|i| ((i * 37) % 101) as f32 - 50.0).collect();
        let at = |k: usize, j: usize, i: usize| values[(k * y + j) * x + i];
        let input = Tensor::<5>::from_data(TensorData::new(values.clone(), [1, 1, z, y, x]), &device);
        let pooled = max_pool_halving(input);
        assert_eq!(pooled.dims(), [1, 1, 2, 3, 3]);
        let pooled = pooled.into_data().try_into_vec::<f32>().unwrap();
        for (index, pooled) in pooled.into_iter().enumerate() {
            let around = |centre: usize, size: usize| (2 * centre).saturating_sub(1)..(2 * centre + 2).min(size);
            let (k, j, i) = (index / 9, index / 3 % 3, index % 3);
            let cube = around(k, z).flat_map(|k| around(j, y).flat_map(move |j| around(i, x).map(move |i| (k, j, i))));
            assert_eq!(pooled, cube.map(|(k, j, i)| at(k, j, i)).fold(f32::MIN, f32::max), "{index}");
        }
    }
}
