//! 3-D convolution that is quick on a CPU, forwards and backwards.
//!
//! The CPU backend's own convolution copies every neighbourhood before it multiplies, and computes the gradient of the
//! weights as a convolution whose kernel is as large as the volume. [`kernel`] copies neither; this file makes an operation
//! of it that keeps track of gradients. Graphics cards use their backend's own, and [`gradients`].

mod gradients;
mod kernel;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::ConvOptions;
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata as _, Wgpu, backend_extension};
use burn::nn::PaddingConfig3d;
use burn::nn::conv::Conv3d;
use burn::tensor::{DType, Shape, Tensor, TensorData};
use kernel::Convolution;

/// What `conv` makes of a batch of volumes: the same as its own `forward`, sooner on the CPU.
///
/// # Shapes
///
/// - input: `[batch, channels_in, z, y, x]`
/// - output: `[batch, channels_out, z, y, x]`
pub fn conv3d(conv: &Conv3d, input: Tensor<5>) -> Tensor<5> {
    let PaddingConfig3d::Explicit(z, y, x) = conv.padding else { return conv.forward(input) };
    let options = ConvOptions::new(conv.stride, [z, y, x], conv.dilation, conv.groups);
    let out = <Dispatch as Convolve>::convolve(input.into_dispatch(), conv.weight.val().into_dispatch(), options);
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

/// What is computed of a convolution.
#[derive(Clone, Copy)]
enum Pass {
    /// Of input and weights.
    Forward,
    /// Of weights and the gradient of the result.
    InputGradient,
    /// Of input and the gradient of the result.
    WeightGradient,
}

/// A backend that computes, perhaps with kernels of ours.
trait Kernels: Backend {
    /// One pass, of the two tensors it needs and the shapes of input and weights; none where there is no kernel for it.
    fn pass(
        _pass: Pass,
        _of: [&FloatTensor<Self>; 2],
        _shapes: &[Shape; 2],
        _options: &ConvOptions<3>,
    ) -> Option<FloatTensor<Self>> {
        None
    }
}

/// Whether a convolution is one that kernels of ours can do.
fn is_plain(options: &ConvOptions<3>) -> bool {
    options.groups == 1 && options.dilation == [1; 3] && options.padding.iter().all(|(before, after)| before == after)
}

impl Kernels for Wgpu {
    fn pass(
        pass: Pass,
        [a, b]: [&FloatTensor<Self>; 2],
        [input, weights]: &[Shape; 2],
        options: &ConvOptions<3>,
    ) -> Option<FloatTensor<Self>> {
        let narrow = options.padding_begin().iter().zip(&weights[2..]).all(|(padding, kernel)| padding < kernel);
        match pass {
            Pass::InputGradient if is_plain(options) && narrow => {
                Some(gradients::of_input::<Self>(a, b, input, options))
            }
            Pass::WeightGradient if is_plain(options) => Some(gradients::of_weights::<Self>(a, b, weights, options)),
            _ => None,
        }
    }
}

impl Kernels for Flex {
    fn pass(
        pass: Pass,
        of: [&FloatTensor<Self>; 2],
        [input, weights]: &[Shape; 2],
        options: &ConvOptions<3>,
    ) -> Option<FloatTensor<Self>> {
        if !is_plain(options) || of.iter().any(|tensor| tensor.dtype() != DType::F32) {
            return None;
        }
        let convolution = Convolution {
            batch: input[0],
            channels: [weights[1], weights[0]],
            input: [input[2], input[3], input[4]],
            kernel: [weights[2], weights[3], weights[4]],
            stride: options.stride,
            padding: options.padding_begin(),
        };
        let [a, b] = of.map(FloatTensor::<Self>::to_contiguous);
        let (a, b) = (a.storage(), b.storage());
        let [z, y, x] = convolution.output();
        let (values, shape) = match pass {
            Pass::Forward => (convolution.forward(a, b), Shape::new([input[0], weights[0], z, y, x])),
            Pass::InputGradient => (convolution.input_gradient(a, b), input.clone()),
            Pass::WeightGradient => (convolution.weight_gradient(a, b), weights.clone()),
        };
        Some(FloatTensor::<Self>::from_data(TensorData::new(values, shape)))
    }
}

fn forward<B: Kernels>(x: FloatTensor<B>, weights: FloatTensor<B>, options: ConvOptions<3>) -> FloatTensor<B> {
    let shapes = [x.shape(), weights.shape()];
    B::pass(Pass::Forward, [&x, &weights], &shapes, &options).unwrap_or_else(|| B::conv3d(x, weights, None, options))
}

impl Convolve for Flex {
    fn convolve(x: FloatTensor<Self>, weights: FloatTensor<Self>, options: ConvOptions<3>) -> FloatTensor<Self> {
        forward::<Self>(x, weights, options)
    }
}

impl Convolve for Wgpu {
    fn convolve(x: FloatTensor<Self>, weights: FloatTensor<Self>, options: ConvOptions<3>) -> FloatTensor<Self> {
        forward::<Self>(x, weights, options)
    }
}

impl<B: Kernels, C: CheckpointStrategy> Convolve for Autodiff<B, C> {
    fn convolve(x: FloatTensor<Self>, weights: FloatTensor<Self>, options: ConvOptions<3>) -> FloatTensor<Self> {
        match Convolved.prepare::<C>([x.node(), weights.node()]).compute_bound().stateful() {
            OpsKind::Tracked(mut prepared) => {
                let state = (prepared.checkpoint(&x), prepared.checkpoint(&weights), options.clone());
                prepared.finish(state, forward::<B>(x.into_primitive(), weights.into_primitive(), options))
            }
            OpsKind::UnTracked(prepared) => {
                prepared.finish(forward::<B>(x.into_primitive(), weights.into_primitive(), options))
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
        let shapes = [x.shape(), w.shape()];
        if let Some(node) = input {
            let of_input = B::pass(Pass::InputGradient, [&w, &gradient], &shapes, &options)
                .unwrap_or_else(|| B::conv3d_x_backward(x.clone(), w.clone(), gradient.clone(), options.clone()));
            gradients.register::<B>(node.id, of_input);
        }
        if let Some(node) = weights {
            let of_weights = B::pass(Pass::WeightGradient, [&x, &gradient], &shapes, &options)
                .unwrap_or_else(|| B::conv3d_weight_backward(x, w, gradient, options));
            gradients.register::<B>(node.id, of_weights);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::nets;
    use burn::backend::ops::ModuleOps as _;
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
            // Rows of several vectors, whole ones and not.
            ([2, 3], [3; 3], [1; 3], [1; 3], [4, 5, 32]),
            ([2, 5], [3; 3], [1; 3], [1; 3], [3, 4, 21]),
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

    /// Values that differ, and are the same every time.
    fn values(shape: [usize; 5]) -> FloatTensor<Flex> {
        let values = (0..shape.iter().product::<usize>()).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<_>>();
        FloatTensor::<Flex>::from_data(TensorData::new(values, shape))
    }

    #[test]
    fn gradients_for_graphics_cards_are_those_of_the_backend() {
        let tensor = |primitive: FloatTensor<Flex>| {
            let data = TensorData::new(primitive.to_contiguous().storage::<f32>().to_vec(), primitive.shape());
            Tensor::<5>::from_data(data, &Device::flex())
        };
        for (channels, kernel, stride, padding, size) in [
            ([3, 5], [3; 3], [1; 3], [1; 3], [8, 7, 9]),
            ([2, 4], [3; 3], [2; 3], [1; 3], [8, 9, 6]),
            ([4, 1], [1; 3], [1; 3], [0; 3], [5, 4, 3]),
            ([1, 9], [7; 3], [2; 3], [3; 3], [12, 11, 13]),
            ([2, 3], [2, 3, 1], [3, 1, 2], [0, 2, 0], [9, 6, 7]),
        ] {
            let options = ConvOptions::new(stride, padding, [1; 3], 1);
            let x = values([2, channels[0], size[0], size[1], size[2]]);
            let w = values([channels[1], channels[0], kernel[0], kernel[1], kernel[2]]);
            let y = Flex::conv3d(x.clone(), w.clone(), None, options.clone());
            let gradient = values(y.shape().dims());
            let of_input = gradients::of_input::<Flex>(&w, &gradient, &x.shape(), &options);
            let of_weights = gradients::of_weights::<Flex>(&x, &gradient, &w.shape(), &options);
            let wanted = Flex::conv3d_x_backward(x.clone(), w.clone(), gradient.clone(), options.clone());
            assert!(apart(tensor(of_input), tensor(wanted)) < 1e-5, "input, {kernel:?} {stride:?}");
            let wanted = Flex::conv3d_weight_backward(x, w, gradient, options);
            assert!(apart(tensor(of_weights), tensor(wanted)) < 1e-5, "weights, {kernel:?} {stride:?}");
        }
    }

    #[test]
    fn a_graphics_card_gives_what_the_cpu_gives() {
        let Ok(card) = nets::gpu() else {
            println!("skipped: this machine has no graphics adapter");
            return;
        };
        let (cpu, card) = (Device::flex().autodiff(), card.autodiff());
        for stride in [1, 2] {
            let data = |shape: [usize; 5]| {
                let count = shape.iter().product::<usize>();
                TensorData::new((0..count).map(|i| (i as f32 * 0.37).sin()).collect::<Vec<_>>(), shape)
            };
            let run = |device: &Device| {
                let mut conv = Conv3dConfig::new([3, 5], [3; 3])
                    .with_stride([stride; 3])
                    .with_padding(PaddingConfig3d::Explicit(1, 1, 1))
                    .with_bias(false)
                    .init(device);
                let weights = Tensor::<5>::from_data(data([5, 3, 3, 3, 3]), device);
                conv.weight = burn::module::Param::from_tensor(weights);
                let input = Tensor::<5>::from_data(data([2, 3, 6, 8, 7]), device).require_grad();
                let out = conv3d(&conv, input.clone());
                let gradients = (out.clone() * out.clone().sin()).sum().backward();
                let all = [out.inner(), input.grad(&gradients).unwrap(), conv.weight.val().grad(&gradients).unwrap()];
                all.map(|tensor| Tensor::<5>::from_data(tensor.into_data(), &Device::flex()))
            };
            for (cards, cpus) in run(&card).into_iter().zip(run(&cpu)) {
                assert!(apart(cards, cpus) < 1e-5, "stride {stride}");
            }
        }
    }

    #[test]
    fn what_the_kernel_cannot_do_is_left_to_the_backend() {
        let device = Device::flex();
        let config = Conv3dConfig::new([2, 4], [3; 3]).with_padding(PaddingConfig3d::Explicit(1, 1, 1));
        let x = Tensor::<5>::random([1, 2, 6, 6, 6], Distribution::Normal(0.0, 1.0), &device);
        for config in [config.clone(), config.clone().with_groups(2), config.with_dilation([2; 3])] {
            let conv = config.init(&device);
            assert!(apart(conv3d(&conv, x.clone()), conv.forward(x.clone())) < 1e-6, "{config}");
        }
    }
}
