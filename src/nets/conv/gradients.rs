//! Gradients of a 3-D convolution, made of operations that every graphics card is quick at.
//!
//! Without vendor kernels the GPU backend sums the gradient of each weight in one thread and scatters that of the input.
//! Here the first is a matrix product for each place of the kernel, the second a convolution of the gradient, its voxels
//! moved apart by the stride, with the mirrored kernel.

use burn::backend::ops::ConvOptions;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Backend, TensorMetadata as _};
use burn::tensor::{Shape, Slice};

/// The gradient of the input `[batch, channels_in, z, y, x]`, of weights `[channels_out, channels_in, z, y, x]` and the
/// gradient of the result. Without groups and dilation, the padding narrower than the kernel.
pub(super) fn of_input<B: Backend>(
    weights: &FloatTensor<B>,
    gradient: &FloatTensor<B>,
    input: &Shape,
    options: &ConvOptions<3>,
) -> FloatTensor<B> {
    let kernel: [usize; 3] = std::array::from_fn(|axis| weights.shape()[2 + axis]);
    let padding = options.padding_begin();
    let result = gradient.shape();
    // Every voxel of the input sees all places of the kernel.
    let mut apart = [result[0], result[1], 0, 0, 0];
    let mut places = vec![Slice::full(); 2];
    for axis in 0..3 {
        let start = kernel[axis] - 1 - padding[axis];
        apart[2 + axis] = input[2 + axis] + kernel[axis] - 1;
        places.push(every(options.stride[axis], start, result[2 + axis]));
    }
    let zeros = zeros::<B>(apart, gradient);
    let apart = B::float_slice_assign(zeros, &places, gradient.clone());
    let mirrored = B::float_flip(B::float_swap_dims(weights.clone(), 0, 1), &[2, 3, 4]);
    B::conv3d(apart, mirrored, None, ConvOptions::new([1; 3], [0; 3], [1; 3], 1))
}

/// The gradient of weights of such a shape, of the input and the gradient of the result. Without groups and dilation.
pub(super) fn of_weights<B: Backend>(
    x: &FloatTensor<B>,
    gradient: &FloatTensor<B>,
    weights: &Shape,
    options: &ConvOptions<3>,
) -> FloatTensor<B> {
    let (input, padding) = (x.shape(), options.padding_begin());
    let [batch, out, z, y, width] = gradient.shape().dims();
    let inputs = input[1];
    let mut padded = [batch, inputs, 0, 0, 0];
    let mut middle = vec![Slice::full(); 2];
    for axis in 0..3 {
        padded[2 + axis] = input[2 + axis] + 2 * padding[axis];
        middle.push(every(1, padding[axis], input[2 + axis]));
    }
    let padded = B::float_slice_assign(zeros::<B>(padded, x), &middle, x.clone());
    // Planes are the batch of the products: enough of them for a whole card.
    let planes = |tensor: FloatTensor<B>, channels: usize| {
        let tensor = B::float_permute(tensor, &[0, 2, 1, 3, 4]);
        B::float_reshape(tensor, Shape::new([batch * z, channels, y * width]))
    };
    let gradient = planes(gradient.clone(), out);
    let mut sums = Vec::with_capacity(weights[2] * weights[3] * weights[4]);
    for k in 0..weights[2] {
        for j in 0..weights[3] {
            for i in 0..weights[4] {
                let [sz, sy, sx] = options.stride;
                let seen = [Slice::full(), Slice::full(), every(sz, k, z), every(sy, j, y), every(sx, i, width)];
                let seen = planes(B::float_slice(padded.clone(), &seen), inputs);
                let product = B::float_matmul(gradient.clone(), B::float_swap_dims(seen, 1, 2));
                sums.push(B::float_reshape(B::float_sum_dim(product, 0), Shape::new([out, inputs, 1])));
            }
        }
    }
    B::float_reshape(B::float_cat(sums, 2), weights.clone())
}

/// So many places of an axis, from the first on.
fn every(step: usize, first: usize, count: usize) -> Slice {
    let end = first + (count - 1) * step + 1;
    Slice::new(first as isize, Some(end as isize), step as isize)
}

/// Zeros like the values of another tensor.
fn zeros<B: Backend>(shape: [usize; 5], like: &FloatTensor<B>) -> FloatTensor<B> {
    B::float_zeros(Shape::new(shape), &like.device(), like.dtype().into())
}
