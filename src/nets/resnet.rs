//! The 3-D ResNet18 of paper 1 (section 2.3) and the head that classifies a sinus.
//!
//! Its blocks come in two forms: as ResNets have them (He 2016, identity shortcuts), and as the paper's published code
//! built them, where every shortcut is a convolution to be learned. The second exists for the sake of its checkpoints.

use super::conv::conv3d;
use super::conv_norm::{ConvNorm, he};
use super::pool::max_pool_halving;
use super::resize::trilinear;
use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::{Conv3d, Conv3dConfig};
use burn::nn::{Linear, LinearConfig, PaddingConfig3d};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

/// How a block passes its input on beside its convolutions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// As it is, or through a convolution of one voxel where channels or voxels change.
    #[default]
    Clean,
    /// Through a learned convolution of three voxels, as the published code of paper 1 does. Where channels and voxels
    /// change in the encoder it has both, and uses that of one voxel.
    PaperCode,
}

/// The shape of a [`ResNet`].
#[derive(Config, Debug)]
pub struct ResNetConfig {
    /// Channels of the first level; each of the other three has twice as many as the one before. The paper's network has
    /// 64: 33 160 000 parameters in the clean form.
    #[config(default = 64)]
    pub width: usize,
    /// The form of its blocks.
    #[config(default = "Form::Clean")]
    pub form: Form,
}

impl ResNetConfig {
    /// Levels of two blocks each.
    pub(super) const LEVELS: usize = 4;

    /// Channels of a level, from 0.
    #[must_use]
    pub fn channels(&self, level: usize) -> usize {
        self.width << level
    }

    /// Length of the features: channels of the last level.
    #[must_use]
    pub fn features(&self) -> usize {
        self.channels(Self::LEVELS - 1)
    }

    /// A network with random parameters.
    #[must_use]
    pub fn init(&self, device: &Device) -> ResNet {
        let level = |level: usize| {
            let (from, to) = (self.channels(level.saturating_sub(1)), self.channels(level));
            let stride = if level == 0 { 1 } else { 2 };
            [Block::new([from, to], stride, self.form, device), Block::new([to, to], 1, self.form, device)]
        };
        ResNet {
            stem: ConvNorm::without_bias([1, self.width], 7, 2, device),
            levels: (0..Self::LEVELS).map(level).collect(),
        }
    }
}

/// Two convolutions, and the way past them.
#[derive(Module, Debug)]
pub struct Block {
    first: ConvNorm,
    second: ConvNorm,
    /// The way past where voxels or channels change.
    shortcut: Option<ConvNorm>,
    /// The way past of [`Form::PaperCode`]; unused, but there, where `shortcut` is.
    learned: Option<Conv3d>,
}

impl Block {
    fn new([from, to]: [usize; 2], stride: usize, form: Form, device: &Device) -> Self {
        let changes = stride != 1 || from != to;
        let learned = he(Conv3dConfig::new([from, to], [3; 3])).with_padding(PaddingConfig3d::Explicit(1, 1, 1));
        Self {
            first: ConvNorm::without_bias([from, to], 3, stride, device),
            second: ConvNorm::without_bias([to, to], 3, 1, device),
            shortcut: changes.then(|| ConvNorm::without_bias([from, to], 1, stride, device)),
            learned: (form == Form::PaperCode).then(|| learned.with_stride([stride; 3]).init(device)),
        }
    }

    /// One of a decoder; those of [`Form::PaperCode`] change channels by the learned convolution alone.
    pub(super) fn of_decoder(channels: [usize; 2], form: Form, device: &Device) -> Self {
        let mut block = Self::new(channels, 1, form, device);
        if form == Form::PaperCode {
            block.shortcut = None;
        }
        block
    }

    /// The same where only some voxels of the result are visible: see [`ConvNorm::forward_visible`].
    fn forward_visible(&self, x: Tensor<5>, visible: &Tensor<5>) -> Tensor<5> {
        let past = match (&self.shortcut, &self.learned) {
            (Some(shortcut), _) => shortcut.forward_visible(x.clone(), visible),
            (None, Some(learned)) => conv3d(learned, x.clone()) * visible.clone(),
            (None, None) => x.clone(),
        };
        relu(self.second.forward_visible(relu(self.first.forward_visible(x, visible)), visible) + past)
    }

    pub(super) fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        let past = match (&self.shortcut, &self.learned) {
            (Some(shortcut), _) => shortcut.forward(x.clone()),
            (None, Some(learned)) => conv3d(learned, x.clone()),
            (None, None) => x.clone(),
        };
        relu(self.second.forward(relu(self.first.forward(x))) + past)
    }

    /// For inference: batch norms folded into the convolutions before them.
    pub(super) fn folded(self) -> Self {
        Self {
            first: self.first.folded(),
            second: self.second.folded(),
            shortcut: self.shortcut.map(ConvNorm::folded),
            ..self
        }
    }
}

/// The encoder.
#[derive(Module, Debug)]
pub struct ResNet {
    stem: ConvNorm,
    levels: Vec<[Block; 2]>,
}

/// What a [`ResNet`] makes of a volume of n³ voxels on its way down.
pub struct Levels {
    /// `[batch, width, n/2, n/2, n/2]`
    pub stem: Tensor<5>,
    /// `[batch, width, n/4, n/4, n/4]`
    pub pooled: Tensor<5>,
    /// `[batch, width · 2^i, n/4 / 2^i, ..]`, four of them.
    pub levels: Vec<Tensor<5>>,
}

impl ResNet {
    /// All levels.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, 1, z, y, x]`, edges multiples of 4
    /// - output: see [`Levels`]
    #[must_use]
    pub fn forward(&self, x: Tensor<5>) -> Levels {
        let stem = relu(self.stem.forward(x));
        let pooled = max_pool_halving(stem.clone());
        let mut levels: Vec<Tensor<5>> = Vec::with_capacity(self.levels.len());
        for blocks in &self.levels {
            let x = levels.last().unwrap_or(&pooled).clone();
            levels.push(blocks.iter().fold(x, |x, block| block.forward(x)));
        }
        Levels { stem, pooled, levels }
    }

    /// The levels of volumes of which only some voxels are visible, as sparse convolutions make them: what is not visible is 0 at
    /// every level. `visible` gives 1 and 0 for volumes of so many voxels along each edge, `[batch, 1, n, n, n]`.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, 1, n, n, n]`, n a multiple of 32
    /// - output: `[batch, width · 2^i, n/4 / 2^i, ..]`, four of them
    #[must_use]
    pub fn forward_visible(&self, x: Tensor<5>, visible: impl Fn(usize) -> Tensor<5>) -> Vec<Tensor<5>> {
        let mut edge = x.dims()[2];
        let x = x * visible(edge);
        edge /= 2;
        let stem = relu(self.stem.forward_visible(x, &visible(edge)));
        edge /= 2;
        // What is not visible is 0, and nothing is below 0 after a ReLU: a maximum is that of what is visible.
        let mut x = max_pool_halving(stem) * visible(edge);
        let mut levels = Vec::with_capacity(self.levels.len());
        for (number, blocks) in self.levels.iter().enumerate() {
            edge /= if number == 0 { 1 } else { 2 };
            let visible = visible(edge);
            x = blocks.iter().fold(x, |x, block| block.forward_visible(x, &visible));
            levels.push(x.clone());
        }
        levels
    }

    /// What the levels after `level` make of it, as in [`ResNet::features`].
    #[must_use]
    pub fn features_from(&self, level: usize, x: Tensor<5>) -> Tensor<2> {
        let rest = self.levels.iter().skip(level + 1).flatten();
        mean_of_voxels(rest.fold(x, |x, block| block.forward(x)))
    }

    /// The mean of the last level over all its voxels.
    ///
    /// # Shapes
    ///
    /// - input: as in [`ResNet::forward`]
    /// - output: `[batch, 8 · width]`
    #[must_use]
    pub fn features(&self, x: Tensor<5>) -> Tensor<2> {
        let Levels { pooled, mut levels, .. } = self.forward(x);
        mean_of_voxels(levels.pop().unwrap_or(pooled))
    }

    /// For inference: batch norms folded into the convolutions before them.
    #[must_use]
    pub fn folded(self) -> Self {
        let levels = self.levels.into_iter().map(|blocks| blocks.map(Block::folded));
        Self { stem: self.stem.folded(), levels: levels.collect() }
    }
}

/// `[batch, channels, z, y, x]` to `[batch, channels]`.
pub(super) fn mean_of_voxels(x: Tensor<5>) -> Tensor<2> {
    let [batch, channels, ..] = x.dims();
    let flat: Tensor<3> = x.reshape([batch as i32, channels as i32, -1]);
    flat.mean_dim(2).reshape([batch, channels])
}

/// From features to the logits of two classes: normal and anomalous.
#[derive(Module, Debug)]
pub struct Head {
    hidden: Linear,
    logits: Linear,
}

impl Head {
    /// Half as many hidden units as features, as in the paper: 512 - 256 - 2.
    pub(super) fn new(features: usize, device: &Device) -> Self {
        Self {
            hidden: LinearConfig::new(features, features / 2).init(device),
            logits: LinearConfig::new(features / 2, 2).init(device),
        }
    }

    /// # Shapes
    ///
    /// - input: `[batch, features]`
    /// - output: `[batch, 2]`
    #[must_use]
    pub fn forward(&self, features: Tensor<2>) -> Tensor<2> {
        self.logits.forward(relu(self.hidden.forward(features)))
    }
}

/// An encoder and a head: says of a sinus whether it is normal.
#[derive(Module, Debug)]
pub struct Classifier {
    /// The encoder.
    pub encoder: ResNet,
    /// The head.
    pub head: Head,
}

impl Classifier {
    /// A network with random parameters.
    #[must_use]
    pub fn new(config: &ResNetConfig, device: &Device) -> Self {
        Self { encoder: config.init(device), head: Head::new(config.features(), device) }
    }

    /// The same with shortcuts that hand on every second voxel of their channels and make zeros of the others (type A of He
    /// 2016), for weights of networks that have nothing to learn there.
    #[must_use]
    pub fn with_plain_shortcuts(mut self) -> Self {
        for block in self.encoder.levels.iter_mut().flatten() {
            block.shortcut = block.shortcut.take().map(ConvNorm::handing_on);
        }
        self
    }

    /// Logits of normal and anomalous.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, 1, 64, 64, 64]`, intensities 0 to 1
    /// - output: `[batch, 2]`
    #[must_use]
    pub fn forward(&self, x: Tensor<5>) -> Tensor<2> {
        self.head.forward(self.encoder.features(x))
    }

    /// For inference: batch norms folded into the convolutions before them.
    #[must_use]
    pub fn folded(self) -> Self {
        Self { encoder: self.encoder.folded(), ..self }
    }

    /// The logits, the features they come from, and where what speaks for the second class lies: Grad-CAM (Selvaraju 2017) of the second level, which is an eighth as fine
    /// as the input. Each channel counts by the mean of the gradient of its class's logit; what speaks against it is 0.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, 1, z, y, x]`
    /// - output: `[batch, 2]` as of [`Classifier::forward`], `[batch, features]`, and `[batch, 1, z, y, x]`, not scaled
    #[must_use]
    pub fn explained(&self, x: Tensor<5>) -> (Tensor<2>, Tensor<2>, Tensor<5>) {
        const LEVEL: usize = 1;
        let [_, _, z, y, x_size] = x.dims();
        let mut levels = self.encoder.forward(x).levels;
        let plain = levels.swap_remove(LEVEL);
        let tracked = plain.clone().autodiff().require_grad();
        // Copies that keep track of gradients; those of the parameters are not wanted.
        let rest = self.clone().train().no_grad();
        let features = rest.encoder.features_from(LEVEL, tracked.clone());
        let logits = rest.head.forward(features.clone());
        let gradients = logits.clone().narrow(1, 1, 1).sum().backward();
        let gradient = tracked.grad(&gradients).unwrap_or_else(|| plain.zeros_like());
        let weights = gradient.mean_dims(&[2, 3, 4]);
        let map = trilinear(relu((plain * weights).sum_dim(1)), [z, y, x_size]);
        (logits.without_autodiff(), features.without_autodiff(), map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Distribution;

    /// Parameters that are trained: burn counts running means and variances too, two per batch-normed channel.
    fn trained(network: &ResNet, config: &ResNetConfig) -> usize {
        let normed: usize = network.levels.iter().flatten().enumerate().fold(config.width, |sum, (index, block)| {
            sum + config.channels(index / 2) * (2 + usize::from(block.shortcut.is_some()))
        });
        network.num_params() - 2 * normed
    }

    #[test]
    fn the_encoders_have_the_paper_networks_parameters() {
        let device = Device::flex();
        for (form, parameters) in [(Form::Clean, 33_160_000), (Form::PaperCode, 47_315_776)] {
            let config = ResNetConfig::new().with_form(form);
            assert_eq!(trained(&config.init(&device), &config), parameters, "{form:?}");
        }
    }

    #[test]
    fn grad_cam_is_bright_where_a_change_would_speak_for_the_class() {
        let device = Device::flex();
        device.seed(3);
        let net = Classifier::new(&ResNetConfig::new().with_width(4), &device).folded();
        let x = Tensor::<5>::random([1, 1, 64, 64, 64], Distribution::Default, &device);
        let (logits, features, map) = net.explained(x.clone());
        assert_eq!(features.dims(), [1, 32]);
        assert!((logits - net.forward(x.clone())).abs().max().into_scalar::<f32>() < 1e-6);
        assert_eq!(map.dims(), x.dims());
        assert!(map.clone().min().into_scalar::<f32>() >= 0.0);
        // By hand: the level's features weighted by numerical derivatives of the logit for each channel as a whole.
        let plain = net.encoder.forward(x).levels.swap_remove(1);
        let logit = |features: Tensor<5>| {
            net.head.forward(net.encoder.features_from(1, features)).narrow(1, 1, 1).into_scalar::<f32>()
        };
        let [_, channels, z, y, x_size] = plain.dims();
        let mut sum = plain.clone().sum_dim(1).zeros_like();
        for channel in 0..channels {
            let step = 2e-3;
            let mut one = vec![0.0_f32; channels];
            one[channel] = step;
            let step_up = Tensor::<1>::from_floats(one.as_slice(), &device).reshape([1, channels, 1, 1, 1]);
            let slope = (logit(plain.clone() + step_up.clone()) - logit(plain.clone() - step_up)) / (2.0 * step);
            sum = sum + plain.clone().narrow(1, channel, 1) * (slope / (z * y * x_size) as f32);
        }
        let by_hand = trilinear(relu(sum), [64; 3]);
        let largest = by_hand.clone().max().into_scalar::<f32>();
        let apart = (map - by_hand).abs().max().into_scalar::<f32>();
        assert!(apart < 0.05 * largest, "{apart} of {largest}");
    }

    #[test]
    fn every_level_is_half_as_fine_and_twice_as_wide() {
        let device = Device::flex();
        let net = Classifier::new(&ResNetConfig::new().with_width(2), &device);
        let x = Tensor::random([2, 1, 32, 32, 32], Distribution::Default, &device);
        let Levels { stem, pooled, levels } = net.encoder.forward(x.clone());
        assert_eq!((stem.dims(), pooled.dims()), ([2, 2, 16, 16, 16], [2, 2, 8, 8, 8]));
        let shapes: Vec<_> = levels.iter().map(|level| [level.dims()[1], level.dims()[4]]).collect();
        assert_eq!(shapes, [[2, 8], [4, 4], [8, 2], [16, 1]]);
        assert_eq!(net.forward(x).dims(), [2, 2]);
    }
}
