//! A compact 3-D U-Net (Ronneberger 2015, Çiçek 2016) made to be quick on a CPU.
//!
//! Three things keep it small: neighbouring voxels are folded into channels before the first convolution and unfolded
//! after the last (Shi 2016), so that nothing is convolved at full resolution; skips are added, not concatenated; and the
//! deepest level also answers questions about the whole volume.

use super::conv::conv3d;
use super::resize::trilinear;
use crate::job::{Cancelled, Progress};
use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::{Conv3d, Conv3dConfig};
use burn::nn::{GroupNorm, GroupNormConfig, Linear, LinearConfig, PaddingConfig3d};
use burn::tensor::activation::leaky_relu;
use burn::tensor::{Device, Tensor};

/// The shape of a [`UNet`].
#[derive(Config, Debug)]
pub struct UNetConfig {
    /// Channels of the input.
    #[config(default = 1)]
    pub inputs: usize,
    /// Maps that come out, as logits.
    pub outputs: usize,
    /// Answers about the whole volume, as logits; may be none.
    #[config(default = 0)]
    pub answers: usize,
    /// Channels of each level; each level is half as fine as the one before.
    pub widths: Vec<usize>,
    /// Voxels along each axis that are folded into channels.
    #[config(default = 2)]
    pub fold: usize,
}

/// Convolution, instance norm, leaky ReLU (slope 0.01).
#[derive(Module, Debug)]
pub struct Step {
    conv: Conv3d,
    norm: GroupNorm,
}

impl Step {
    fn new(channels: [usize; 2], stride: usize, device: &Device) -> Self {
        let conv = Conv3dConfig::new(channels, [3; 3])
            .with_stride([stride; 3])
            .with_padding(PaddingConfig3d::Explicit(1, 1, 1))
            .with_bias(false)
            .init(device);
        // As many groups as channels: instance norm, the same for one volume as for many.
        Self { conv, norm: GroupNormConfig::new(channels[1], channels[1]).init(device) }
    }

    fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        leaky_relu(self.norm.forward(conv3d(&self.conv, x)), 0.01)
    }
}

/// One level on the way up: fewer channels, twice the voxels, the skip added, one step.
#[derive(Module, Debug)]
pub struct Rise {
    narrow: Conv3d,
    step: Step,
}

impl Rise {
    fn forward(&self, below: Tensor<5>, skip: Tensor<5>) -> Tensor<5> {
        let [_, _, z, y, x] = skip.dims();
        self.step.forward(trilinear(conv3d(&self.narrow, below), [z, y, x]) + skip)
    }
}

/// The network.
#[derive(Module, Debug)]
pub struct UNet {
    /// Two steps per level.
    fall: Vec<[Step; 2]>,
    rise: Vec<Rise>,
    maps: Conv3d,
    answers: Option<Linear>,
    #[module(skip)]
    fold: usize,
}

/// What a [`UNet`] says.
pub struct UNetOutput {
    /// Logits `[batch, outputs, z, y, x]`.
    pub maps: Tensor<5>,
    /// Logits `[batch, answers]`.
    pub answers: Option<Tensor<2>>,
}

impl UNetConfig {
    /// A network with random parameters.
    #[must_use]
    pub fn init(&self, device: &Device) -> UNet {
        let folded = self.fold.pow(3);
        let before = std::iter::once(self.inputs * folded).chain(self.widths.iter().copied());
        let levels = || before.clone().zip(&self.widths).enumerate();
        let fall = levels().map(|(level, (from, &to))| {
            [Step::new([from, to], if level == 0 { 1 } else { 2 }, device), Step::new([to, to], 1, device)]
        });
        let rise = self.widths.windows(2).map(|pair| Rise {
            narrow: Conv3dConfig::new([pair[1], pair[0]], [1; 3]).init(device),
            step: Step::new([pair[0], pair[0]], 1, device),
        });
        let first = self.widths.first().copied().unwrap_or(1);
        let last = self.widths.last().copied().unwrap_or(1);
        UNet {
            fall: fall.collect(),
            rise: rise.rev().collect(),
            maps: Conv3dConfig::new([first, self.outputs * folded], [1; 3]).init(device),
            answers: (self.answers > 0).then(|| LinearConfig::new(2 * last, self.answers).init(device)),
            fold: self.fold,
        }
    }

    /// Whether a network of this shape takes and gives what `other` does, volumes of edge `size` among it.
    #[must_use]
    pub fn can_replace(&self, other: &Self, size: usize) -> bool {
        let ends = |shape: &Self| [shape.inputs, shape.outputs, shape.answers];
        let sound = self.fold > 0 && !self.widths.is_empty() && self.widths.len() < 16 && !self.widths.contains(&0);
        ends(self) == ends(other) && sound && size.is_multiple_of(self.multiple())
    }

    /// What the edges of a volume must be a multiple of.
    #[must_use]
    pub fn multiple(&self) -> usize {
        self.fold << self.widths.len().saturating_sub(1)
    }
}

impl UNet {
    /// Maps and answers. Whether to stop is asked between any two layers.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, inputs, z, y, x]`, edges multiples of [`UNetConfig::multiple`]
    /// - output: see [`UNetOutput`]
    ///
    /// # Errors
    /// [`Cancelled`] when the job should stop.
    pub fn forward(&self, x: Tensor<5>, progress: &Progress) -> Result<UNetOutput, Cancelled> {
        let mut x = fold(x, self.fold);
        let mut skips = Vec::with_capacity(self.fall.len());
        for steps in &self.fall {
            for step in steps {
                progress.check()?;
                x = step.forward(x);
            }
            skips.push(x.clone());
        }
        skips.pop();
        let answers = self.answers.as_ref().map(|linear| {
            let [batch, channels, ..] = x.dims();
            let flat: Tensor<3> = x.clone().reshape([batch as i32, channels as i32, -1]);
            let pooled = Tensor::cat(vec![flat.clone().mean_dim(2), flat.max_dim(2)], 1);
            linear.forward(pooled.reshape([batch, 2 * channels]))
        });
        for rise in &self.rise {
            progress.check()?;
            if let Some(skip) = skips.pop() {
                x = rise.forward(x, skip);
            }
        }
        progress.check()?;
        Ok(UNetOutput { maps: unfold(conv3d(&self.maps, x), self.fold), answers })
    }
}

/// Cubes of `n`³ voxels become channels: `[b, c, n z, n y, n x]` to `[b, n³ c, z, y, x]`.
fn fold(input: Tensor<5>, n: usize) -> Tensor<5> {
    let [b, c, z, y, x] = input.dims();
    let parted: Tensor<8> = input.reshape([b, c, z / n, n, y / n, n, x / n, n]);
    parted.permute([0, 1, 3, 5, 7, 2, 4, 6]).reshape([b, c * n * n * n, z / n, y / n, x / n])
}

/// The inverse of [`fold`].
fn unfold(input: Tensor<5>, n: usize) -> Tensor<5> {
    let [b, c, z, y, x] = input.dims();
    let c = c / (n * n * n);
    let parted: Tensor<8> = input.reshape([b, c, n, n, n, z, y, x]);
    parted.permute([0, 1, 5, 2, 6, 3, 7, 4]).reshape([b, c, n * z, n * y, n * x])
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use burn::tensor::{Distribution, TensorData};

    #[test]
    fn folding_keeps_neighbours_together_and_unfolding_undoes_it() {
        let device = Device::flex();
        let values: Vec<f32> = (0..64).map(|v| v as f32).collect();
        let x = Tensor::<5>::from_data(TensorData::new(values.clone(), [1, 1, 4, 4, 4]), &device);
        let folded = fold(x, 2);
        assert_eq!(folded.dims(), [1, 8, 2, 2, 2]);
        let first = folded.clone().slice([0..1, 0..8, 0..1, 0..1, 0..1]).into_data().try_into_vec::<f32>().unwrap();
        assert_eq!(first, [0.0, 1.0, 4.0, 5.0, 16.0, 17.0, 20.0, 21.0]);
        assert_eq!(unfold(folded, 2).into_data().try_into_vec::<f32>().unwrap(), values);
    }

    #[test]
    fn maps_have_the_size_of_the_input_which_need_not_be_a_cube() {
        let device = Device::flex();
        let config = UNetConfig::new(4, vec![4, 8, 8]).with_answers(6);
        assert_eq!(config.multiple(), 8);
        let progress = Progress::default();
        let out = config.init(&device).forward(Tensor::zeros([2, 1, 16, 8, 24], &device), &progress).unwrap();
        assert_eq!(out.maps.dims(), [2, 4, 16, 8, 24]);
        assert_eq!(out.answers.unwrap().dims(), [2, 6]);
        let silent = UNetConfig::new(3, vec![4]).init(&device);
        assert!(silent.forward(Tensor::zeros([1, 1, 4, 4, 4], &device), &progress).unwrap().answers.is_none());
        progress.cancel();
        assert!(silent.forward(Tensor::zeros([1, 1, 4, 4, 4], &device), &progress).is_err());
    }

    #[test]
    fn a_shape_that_cannot_do_the_work_is_told() {
        let shape = UNetConfig::new(4, vec![16, 32, 64]);
        assert!(UNetConfig::new(4, vec![8, 8]).can_replace(&shape, 64));
        for unfit in [
            UNetConfig::new(3, vec![16]),
            UNetConfig::new(4, vec![16]).with_answers(6),
            UNetConfig::new(4, vec![]),
            UNetConfig::new(4, vec![16, 0]),
            UNetConfig::new(4, vec![16]).with_fold(0),
            UNetConfig::new(4, vec![16]).with_fold(3),
            UNetConfig::new(4, vec![1; 70]),
        ] {
            assert!(!unfit.can_replace(&shape, 64), "{unfit}");
        }
    }

    #[test]
    fn a_volume_gives_the_same_in_company() {
        let device = Device::flex();
        let net = UNetConfig::new(1, vec![4, 8]).init(&device);
        let pair = Tensor::<5>::random([2, 1, 8, 8, 8], Distribution::Normal(0.0, 1.0), &device);
        let maps = |x: Tensor<5>| net.forward(x, &Progress::default()).unwrap().maps;
        let alone = maps(pair.clone().narrow(0, 1, 1));
        let together = maps(pair).narrow(0, 1, 1);
        assert!((alone - together).abs().max().into_scalar::<f32>() < 1e-4);
    }
}
