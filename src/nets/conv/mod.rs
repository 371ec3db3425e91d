//! 3-D convolution that is quick on a CPU, forwards and backwards.
//!
//! The CPU backend's own convolution copies every neighbourhood before it multiplies, and computes the gradient of the
//! weights as a convolution whose kernel is as large as the volume. [`kernel`] copies neither; this file makes an operation
//! of it that keeps track of gradients. Other devices use their backend's own.

mod kernel;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::{ConvOptions, ModuleOps as _};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata as _, Wgpu, backend_extension};
use burn::nn::PaddingConfig3d;
use burn::nn::conv::Conv3d;
use burn::tensor::{DType, Tensor, TensorData};
use kernel::Convolution;

/// What `conv` makes of a batch of volumes: the same as its own `forward`, sooner on the CPU.
///
/// # Shapes
///
/// - input: `[batch, channels_in, z, y, x]`
/// - output: `[batch, channels_out, z, y, x]`
pub fn conv3d(conv: &Conv3d, x: Tensor<5>) -> Tensor<5> {
    let PaddingConfig3d::Explicit(z, y, x_) = conv.padding else { return conv.forward(x) };
    if conv.groups != 1 || conv.dilation != [1; 3] {
        return conv.forward(x);
    }
    let options = ConvOptions::new(conv.stride, [z, y, x_], [1; 3], 1);
    let out = <Dispatch as Convolve>::convolve(x.into_dispatch(), conv.weight.val().into_dispatch(), options);
    let out = Tensor::from_dispatch(out);
    match &conv.bias {
        Some(bias) => out + bias.val().reshape([1, -1, 1, 1, 1]),
        None => out,
    }
}

/// A convolution without bias, of any backend.
#[backend_extension(Flex, Cube, Autodiff)]
trait Convolve: Backend {
    fn convolve(x: FloatTensor<Self>, weights: FloatTensor<Self>, options: ConvOptions<3>) -> FloatTensor<Self>;
}

/// A convolution and its gradients, of a backend that computes.
trait Kernels: Backend {
    fn forward(x: FloatTensor<Self>, weights: FloatTensor<Self>, options: ConvOptions<3>) -> FloatTensor<Self> {
        Self::conv3d(x, weights, None, options)
    }

    fn input_gradient(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        options: ConvOptions<3>,
    ) -> FloatTensor<Self> {
        Self::conv3d_x_backward(x, weights, gradient, options)
    }

    fn weight_gradient(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        options: ConvOptions<3>,
    ) -> FloatTensor<Self> {
        Self::conv3d_weight_backward(x, weights, gradient, options)
    }
}

impl Kernels for Wgpu {}

impl Kernels for Flex {
    fn forward(x: FloatTensor<Self>, weights: FloatTensor<Self>, options: ConvOptions<3>) -> FloatTensor<Self> {
        match Plain::new(&x, &weights, &options) {
            Some(plain) => plain.forward(&x, &weights),
            None => Self::conv3d(x, weights, None, options),
        }
    }

    fn input_gradient(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        options: ConvOptions<3>,
    ) -> FloatTensor<Self> {
        match Plain::new(&x, &weights, &options) {
            Some(plain) => plain.input_gradient(&weights, &gradient),
            None => Self::conv3d_x_backward(x, weights, gradient, options),
        }
    }

    fn weight_gradient(
        x: FloatTensor<Self>,
        weights: FloatTensor<Self>,
        gradient: FloatTensor<Self>,
        options: ConvOptions<3>,
    ) -> FloatTensor<Self> {
        match Plain::new(&x, &weights, &options) {
            Some(plain) => plain.weight_gradient(&x, &gradient),
            None => Self::conv3d_weight_backward(x, weights, gradient, options),
        }
    }
}

impl Convolve for Flex {
    fn convolve(x: FloatTensor<Self>, weights: FloatTensor<Self>, options: ConvOptions<3>) -> FloatTensor<Self> {
        Self::forward(x, weights, options)
    }
}

impl Convolve for Wgpu {
    fn convolve(x: FloatTensor<Self>, weights: FloatTensor<Self>, options: ConvOptions<3>) -> FloatTensor<Self> {
        Self::forward(x, weights, options)
    }
}

impl<B: Kernels, C: CheckpointStrategy> Convolve for Autodiff<B, C> {
    fn convolve(x: FloatTensor<Self>, weights: FloatTensor<Self>, options: ConvOptions<3>) -> FloatTensor<Self> {
        match Convolved.prepare::<C>([x.node(), weights.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prepared) => {
                let state = (prepared.checkpoint(&x), prepared.checkpoint(&weights), options.clone());
                prepared.finish(state, B::forward(x.into_primitive(), weights.into_primitive(), options))
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(B::forward(x.into_primitive(), weights.into_primitive(), options))
            }
        }
    }
}

/// The step of the graph that a convolution is.
#[derive(Debug)]
struct Convolved;

impl<B: Kernels> Backward<B, 2> for Convolved {
    /// Input, weights, and how they were convolved.
    type State = (NodeId, NodeId, ConvOptions<3>);

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, checkpointer: &mut Checkpointer) {
        let [input, weights] = ops.parents;
        let gradient = gradients.consume::<B>(&ops.node);
        let (x, w, options) = ops.state;
        let x: FloatTensor<B> = checkpointer.retrieve_node_output(x);
        let w: FloatTensor<B> = checkpointer.retrieve_node_output(w);
        if let Some(node) = input {
            let of_input = B::input_gradient(x.clone(), w.clone(), gradient.clone(), options.clone());
            gradients.register::<B>(node.id, of_input);
        }
        if let Some(node) = weights {
            gradients.register::<B>(node.id, B::weight_gradient(x, w, gradient, options));
        }
    }
}

/// A convolution that the kernel can do.
struct Plain(Convolution);

impl Plain {
    /// None for what the kernel has not: other numbers than `f32`, dilation, groups, padding at one end only.
    fn new(x: &FloatTensor<Flex>, weights: &FloatTensor<Flex>, options: &ConvOptions<3>) -> Option<Self> {
        let (x_shape, shape) = (x.shape(), weights.shape());
        let even = options.padding.iter().all(|(before, after)| before == after);
        let plain = options.groups == 1 && options.dilation == [1; 3] && even;
        let single = x.dtype() == DType::F32 && weights.dtype() == DType::F32;
        (plain && single).then(|| {
            Self(Convolution {
                batch: x_shape[0],
                channels: [shape[1], shape[0]],
                input: [x_shape[2], x_shape[3], x_shape[4]],
                kernel: [shape[2], shape[3], shape[4]],
                stride: options.stride,
                padding: options.padding_begin(),
            })
        })
    }

    fn forward(&self, x: &FloatTensor<Flex>, weights: &FloatTensor<Flex>) -> FloatTensor<Flex> {
        let [_, outputs] = self.0.channels;
        let values = self.0.forward(x.to_contiguous().storage(), weights.to_contiguous().storage());
        self.tensor(values, outputs, self.0.output())
    }

    fn input_gradient(&self, weights: &FloatTensor<Flex>, gradient: &FloatTensor<Flex>) -> FloatTensor<Flex> {
        let [inputs, _] = self.0.channels;
        let values = self.0.input_gradient(weights.to_contiguous().storage(), gradient.to_contiguous().storage());
        self.tensor(values, inputs, self.0.input)
    }

    fn weight_gradient(&self, x: &FloatTensor<Flex>, gradient: &FloatTensor<Flex>) -> FloatTensor<Flex> {
        let values = self.0.weight_gradient(x.to_contiguous().storage(), gradient.to_contiguous().storage());
        let [inputs, outputs] = self.0.channels;
        let [z, y, x] = self.0.kernel;
        FloatTensor::<Flex>::from_data(TensorData::new(values, [outputs, inputs, z, y, x]))
    }

    fn tensor(&self, values: Vec<f32>, channels: usize, [z, y, x]: [usize; 3]) -> FloatTensor<Flex> {
        FloatTensor::<Flex>::from_data(TensorData::new(values, [self.0.batch, channels, z, y, x]))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use burn::nn::conv::Conv3dConfig;
    use burn::tensor::{Device, Distribution};

    /// The largest difference, relative to the largest value.
    fn apart<const D: usize>(a: Tensor<D>, b: Tensor<D>) -> f32 {
        assert_eq!(a.dims(), b.dims());
        let largest = b.clone().abs().max().into_scalar::<f32>();
        (a - b).abs().max().into_scalar::<f32>() / largest
    }

    #[test]
    fn it_gives_what_the_backend_gives_forwards_and_backwards() {
        let device = Device::flex().autodiff();
        for (channels, kernel, stride, padding, size) in [
            ([3, 5], [3; 3], [1; 3], [1; 3], [8, 7, 9]),
            ([2, 4], [3; 3], [2; 3], [1; 3], [8, 9, 6]),
            ([4, 1], [1; 3], [1; 3], [0; 3], [5, 4, 3]),
            ([1, 6], [4; 3], [2; 3], [1; 3], [10, 8, 12]),
            ([1, 9], [7; 3], [2; 3], [3; 3], [12, 11, 13]),
            ([3, 2], [1; 3], [2; 3], [0; 3], [7, 8, 6]),
            ([2, 3], [2, 3, 1], [3, 1, 2], [0, 2, 1], [9, 6, 7]),
        ] {
            let [z, y, x] = padding;
            let conv = Conv3dConfig::new(channels, kernel)
                .with_stride(stride)
                .with_padding(PaddingConfig3d::Explicit(z, y, x))
                .init(&device);
            let [z, y, x] = size;
            let input = Tensor::<5>::random([2, channels[0], z, y, x], Distribution::Normal(0.0, 1.0), &device);
            let run = |ours: bool| {
                let input = input.clone().require_grad();
                let out = if ours { conv3d(&conv, input.clone()) } else { conv.forward(input.clone()) };
                // Every voxel of the result counts differently.
                let loss = (out.clone() * out.clone().sin()).sum();
                let gradients = loss.backward();
                let of_weights = conv.weight.val().grad(&gradients).unwrap();
                (out.inner(), input.grad(&gradients).unwrap(), of_weights)
            };
            let (ours, theirs) = (run(true), run(false));
            let case = format!("{channels:?} {kernel:?} {stride:?} {padding:?}");
            assert!(apart(ours.0, theirs.0) < 1e-5, "forward, {case}");
            assert!(apart(ours.1, theirs.1) < 1e-5, "gradient of the input, {case}");
            assert!(apart(ours.2, theirs.2) < 1e-5, "gradient of the weights, {case}");
        }
    }

    #[test]
    fn other_numbers_than_single_precision_are_left_to_the_backend() {
        let device = Device::flex();
        let conv = Conv3dConfig::new([1, 2], [3; 3]).with_padding(PaddingConfig3d::Explicit(1, 1, 1)).init(&device);
        let x = Tensor::<5>::random([1, 1, 4, 4, 4], Distribution::Normal(0.0, 1.0), &device);
        let single = conv3d(&conv, x.clone());
        assert!(apart(single, conv.forward(x)) < 1e-6);
    }
}
