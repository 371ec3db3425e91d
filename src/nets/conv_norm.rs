//! A convolution and the batch norm behind it. Once trained, the norm is a scale and a shift per channel: folded into the
//! convolution, it costs nothing.

use super::conv::conv3d;
use burn::module::Module;
use burn::nn::conv::{Conv3d, Conv3dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, PaddingConfig3d};
use burn::tensor::module::batch_norm_train;
use burn::tensor::{Device, Tensor, TensorData};

/// A convolution, batch-normed until it is [`ConvNorm::folded`].
#[derive(Module, Debug)]
pub struct ConvNorm {
    conv: Conv3d,
    norm: Option<BatchNorm>,
}

impl ConvNorm {
    /// With a bias that PyTorch's convolutions have by default, uniformly random as theirs.
    pub(super) fn with_bias(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Self {
        Self::new(&Self::config(channels, kernel, stride), device)
    }

    /// Without a bias, which the norm would undo; normally random, as ResNets begin (He 2015, by outputs).
    pub(super) fn without_bias(channels: [usize; 2], kernel: usize, stride: usize, device: &Device) -> Self {
        Self::new(&he(Self::config(channels, kernel, stride)), device)
    }

    /// How many channels its input has.
    pub(super) fn channels_in(&self) -> usize {
        self.conv.weight.dims()[1]
    }

    fn config(channels: [usize; 2], kernel: usize, stride: usize) -> Conv3dConfig {
        let half = kernel / 2;
        Conv3dConfig::new(channels, [kernel; 3])
            .with_stride([stride; 3])
            .with_padding(PaddingConfig3d::Explicit(half, half, half))
    }

    fn new(config: &Conv3dConfig, device: &Device) -> Self {
        let norm = BatchNormConfig::new(config.channels[1]).init(device);
        Self { conv: config.init(device), norm: Some(norm) }
    }

    /// Hands the first channels on as they are and makes zeros of those that its result has more, as long as the norm is as
    /// it begins: for a kernel of one voxel.
    pub(super) fn handing_on(mut self) -> Self {
        self.conv.weight = self.conv.weight.map(|weights| {
            let [to, from, ..] = weights.dims();
            let same = (0..to * from).map(|i| if i / from == i % from { 1.0 } else { 0.0 }).collect::<Vec<f32>>();
            Tensor::from_data(TensorData::new(same, [to, from, 1, 1, 1]), &weights.device())
        });
        self
    }

    /// # Shapes
    ///
    /// - input: `[batch, channels_in, z, y, x]`
    /// - output: `[batch, channels_out, z / stride, y / stride, x / stride]`
    pub(super) fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        let x = conv3d(&self.conv, x);
        match &self.norm {
            Some(norm) if x.device().is_autodiff() && norm.training.is_enabled() => normed_in_training(norm, x),
            Some(norm) => norm.forward(x),
            None => x,
        }
    }

    /// The same where only some voxels of the result are visible (1, others 0): the norm knows those alone, and the others stay 0,
    /// as a sparse convolution leaves them.
    ///
    /// # Shapes
    ///
    /// - input: as in [`ConvNorm::forward`]
    /// - `visible`: `[batch, 1, z / stride, y / stride, x / stride]`
    pub(super) fn forward_visible(&self, x: Tensor<5>, visible: &Tensor<5>) -> Tensor<5> {
        let x = conv3d(&self.conv, x) * visible.clone();
        match &self.norm {
            Some(norm) => normed_visible(norm, x, visible),
            None => x,
        }
    }

    /// The same for inference, in one step: with running mean m and variance v, scale g and shift b of the norm,
    /// weights w g / √(v + ε) and bias (bias − m) g / √(v + ε) + b.
    #[must_use]
    pub fn folded(mut self) -> Self {
        if let Some(norm) = self.norm.take() {
            let scale = norm.gamma.val() / (norm.running_var.value() + norm.epsilon).sqrt();
            let bias = self.conv.bias.take().map_or_else(|| norm.running_mean.value().zeros_like(), |bias| bias.val());
            let shift = (bias - norm.running_mean.value()) * scale.clone() + norm.beta.val();
            self.conv.weight = self.conv.weight.map(|weights| weights * scale.reshape([-1, 1, 1, 1, 1]));
            self.conv.bias = Some(burn::module::Param::from_tensor(shift));
        }
        self
    }
}

/// Batch norm as PyTorch trains it: what runs on of the variance is that of the population (divided by n − 1), where burn
/// keeps that of the batch.
fn normed_in_training(norm: &BatchNorm, x: Tensor<5>) -> Tensor<5> {
    let [batch, _, z, y, x_size] = x.dims();
    let count = (batch * z * y * x_size) as f64;
    let batch = batch_norm_train(x, norm.gamma.val(), norm.beta.val(), norm.epsilon);
    run_on(norm, batch.mean, batch.variance * (count / (count - 1.0).max(1.0)));
    batch.output
}

/// Batch norm of the visible voxels (1, others 0) alone; the others are 0 after it.
pub(super) fn normed_visible(norm: &BatchNorm, x: Tensor<5>, visible: &Tensor<5>) -> Tensor<5> {
    let shape = [1, x.dims()[1], 1, 1, 1];
    let (mean, variance) = if x.device().is_autodiff() && norm.training.is_enabled() {
        let count = visible.clone().sum().reshape([1; 5]).clamp_min(2.0);
        let x = x.clone() * visible.clone();
        let mean = x.clone().sum_dims(&[0, 2, 3, 4]) / count.clone();
        let squares = ((x - mean.clone()).square() * visible.clone()).sum_dims(&[0, 2, 3, 4]);
        let variance = squares.clone() / count.clone();
        run_on(norm, mean.clone().reshape([-1]), (squares / (count - 1.0)).reshape([-1]));
        (mean, variance)
    } else {
        (norm.running_mean.value().reshape(shape), norm.running_var.value().reshape(shape))
    };
    let scaled = (x - mean) / (variance + norm.epsilon).sqrt() * norm.gamma.val().reshape(shape);
    (scaled + norm.beta.val().reshape(shape)) * visible.clone()
}

/// Lets the running mean and variance of a norm follow those of a batch.
fn run_on(norm: &BatchNorm, mean: Tensor<1>, variance: Tensor<1>) {
    let onward = |running: Tensor<1>, new: Tensor<1>| running * (1.0 - norm.momentum) + new.detach() * norm.momentum;
    norm.running_mean.update(onward(norm.running_mean.value_sync(), mean).detach());
    norm.running_var.update(onward(norm.running_var.value_sync(), variance).detach());
}

/// A convolution without bias that begins as ResNets do: normal, with the variance 2 / (outputs · kernel).
pub(super) fn he(config: Conv3dConfig) -> Conv3dConfig {
    let initializer = Initializer::KaimingNormal { gain: std::f64::consts::SQRT_2, fan_out_only: true };
    config.with_bias(false).with_initializer(initializer)
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Distribution;

    #[test]
    fn channels_are_handed_on_and_new_ones_are_dark() {
        let device = Device::flex();
        let layer = ConvNorm::without_bias([2, 3], 1, 2, &device).handing_on();
        let x = Tensor::<5>::random([1, 2, 4, 4, 4], Distribution::Default, &device);
        let out = layer.forward(x.clone());
        assert_eq!(out.dims(), [1, 3, 2, 2, 2]);
        for z in 0..2 {
            let of = |t: &Tensor<5>, c: usize, at: usize| {
                t.clone().slice([0..1, c..c + 1, at..at + 1, at..at + 1, at..at + 1]).into_scalar::<f32>()
            };
            for channel in 0..2 {
                assert!((of(&out, channel, z) - of(&x, channel, 2 * z)).abs() < 1e-4, "{channel} {z}");
            }
            assert_eq!(of(&out, 2, z), 0.0);
        }
    }

    #[test]
    fn folding_changes_nothing_but_the_work() {
        let device = Device::flex().autodiff();
        for layer in [ConvNorm::with_bias([2, 3], 3, 2, &device), ConvNorm::without_bias([2, 3], 3, 2, &device)] {
            // Steps of training, so that the running statistics are those of something.
            for _ in 0..3 {
                let _ = layer.forward(Tensor::random([2, 2, 6, 6, 6], Distribution::Normal(3.0, 2.0), &device));
            }
            let layer = layer.valid();
            let x = Tensor::random([1, 2, 6, 6, 6], Distribution::Normal(3.0, 2.0), &Device::flex());
            let apart = layer.forward(x.clone()) - layer.clone().folded().forward(x);
            assert!(apart.abs().max().into_scalar::<f32>() < 1e-5);
        }
    }
}
