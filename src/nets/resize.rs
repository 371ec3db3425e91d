//! Trilinear resizing as three small matrix products: separable, differentiable on every device.

use burn::tensor::{Device, Tensor, TensorData};

/// Resizes the three spatial axes, sample positions as PyTorch's `interpolate(mode="trilinear", align_corners=False)`.
///
/// # Shapes
///
/// - input: `[batch, channel, z, y, x]`
/// - output: `[batch, channel, size[0], size[1], size[2]]`
#[must_use]
pub fn trilinear(input: Tensor<5>, size: [usize; 3]) -> Tensor<5> {
    let [b, c, z, y, x] = input.dims();
    let device = input.device();
    let [new_z, new_y, new_x] = size;
    // x: rows times a matrix from the right; y and z: a matrix from the left, broadcast over the leading axis.
    let rows: Tensor<2> = input.reshape([b * c * z * y, x]).matmul(matrix(x, new_x, &device).transpose());
    let planes: Tensor<3> = rows.reshape([b * c * z, y, new_x]);
    let planes = matrix(y, new_y, &device).unsqueeze::<3>().matmul(planes);
    let volumes: Tensor<3> = planes.reshape([b * c, z, new_y * new_x]);
    let volumes = matrix(z, new_z, &device).unsqueeze::<3>().matmul(volumes);
    volumes.reshape([b, c, new_z, new_y, new_x])
}

/// The `[to, from]` matrix of linear interpolation along one axis.
fn matrix(from: usize, to: usize, device: &Device) -> Tensor<2> {
    let mut weights = vec![0.0_f32; to * from];
    for (row, weights) in weights.chunks_mut(from).enumerate() {
        let position = ((row as f64 + 0.5) * from as f64 / to as f64 - 0.5).max(0.0);
        let low = (position.floor() as usize).min(from - 1);
        let high = (low + 1).min(from - 1);
        let fraction = (position - low as f64) as f32;
        weights[low] += 1.0 - fraction;
        weights[high] += fraction;
    }
    Tensor::from_data(TensorData::new(weights, [to, from]), device)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn doubling_a_line_gives_quarter_steps_with_flat_ends() {
        let device = Device::flex();
        let line = Tensor::<5>::from_data(TensorData::new(vec![0.0_f32, 1.0, 2.0, 3.0], [1, 1, 1, 1, 4]), &device);
        let doubled = trilinear(line, [1, 1, 8]).into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(doubled, [0.0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3.0]);
    }

    #[test]
    fn each_axis_is_resized_by_its_own_factor() {
        let device = Device::flex();
        let values: Vec<f32> = (0..8).map(|v| v as f32).collect();
        let cube = Tensor::<5>::from_data(TensorData::new(values, [1, 1, 2, 2, 2]), &device);
        let out = trilinear(cube, [1, 2, 4]);
        assert_eq!(out.dims(), [1, 1, 1, 2, 4]);
        let out = out.into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(out, [2.0, 2.25, 2.75, 3.0, 4.0, 4.25, 4.75, 5.0]);
    }
}
