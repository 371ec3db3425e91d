//! `SparK` (Tian 2023): the encoder sees some cells of a volume as a sparse convolution would, and a light decoder draws the
//! others from what it made of them at every level.

use super::conv::conv3d;
use super::conv_norm::{ConvNorm, normed_visible};
use super::resnet::{ResNet, ResNetConfig};
use burn::module::{Module, Param};
use burn::nn::conv::{Conv3d, Conv3dConfig, ConvTranspose3d, ConvTranspose3dConfig};
use burn::nn::{BatchNorm, BatchNormConfig, Initializer, PaddingConfig3d};
use burn::tensor::{Device, Tensor, TensorData};

/// Which cells of volumes are visible: cubes of [`Visible::CELL`] voxels, as coarse as the deepest level of the encoder.
#[derive(Clone, Debug, PartialEq)]
pub struct Visible {
    /// 1 or 0 for each, `[batch, z, y, x]`.
    cells: Vec<f32>,
    /// Cells along each edge.
    edge: usize,
}

impl Visible {
    /// Edge of a cell in voxels.
    pub const CELL: usize = 32;

    /// Of volumes with so many cells along each edge.
    #[must_use]
    pub fn new(cells: Vec<f32>, edge: usize) -> Self {
        Self { cells, edge }
    }

    /// For volumes of `n` voxels along each edge, a multiple of the cells.
    ///
    /// # Shapes
    ///
    /// - output: `[batch, 1, n, n, n]`
    #[must_use]
    pub fn at(&self, n: usize, on: &Device) -> Tensor<5> {
        let (per, edge) = ((n / self.edge).max(1), self.edge);
        let batch = self.cells.len() / edge.pow(3);
        let mut values = Vec::with_capacity(batch * n.pow(3));
        for volume in self.cells.chunks(edge.pow(3)) {
            for z in 0..n {
                for y in 0..n {
                    let row = edge * (y / per + edge * (z / per));
                    values.extend((0..n).map(|x| volume[row + x / per]));
                }
            }
        }
        Tensor::from_data(TensorData::new(values, [batch, 1, n, n, n]), on)
    }
}

/// Twice as many voxels, other channels.
#[derive(Module, Debug)]
pub struct DecoderBlock {
    up: ConvTranspose3d,
    first: ConvNorm,
    second: ConvNorm,
}

impl DecoderBlock {
    fn new([from, to]: [usize; 2], device: &Device) -> Self {
        let config = ConvTranspose3dConfig::new([from; 2], [4; 3]).with_stride([2; 3]).with_padding([1; 3]);
        Self {
            up: config.init(device),
            first: ConvNorm::without_bias([from; 2], 3, 1, device),
            second: ConvNorm::without_bias([from, to], 3, 1, device),
        }
    }

    fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        let x = self.first.forward(self.up.forward(x)).clamp(0.0, 6.0);
        self.second.forward(x)
    }
}

/// Encoder and decoder.
#[derive(Module, Debug)]
pub struct Spark {
    encoder: ResNet,
    /// Norms of what the encoder makes of what is visible, from the deepest level up.
    norms: Vec<BatchNorm>,
    /// What stands where nothing was visible, from the deepest level up.
    tokens: Vec<Param<Tensor<1>>>,
    /// From the encoder's channels to the decoder's, from the deepest level up.
    bridges: Vec<Conv3d>,
    decoder: Vec<DecoderBlock>,
    output: Conv3d,
}

impl Spark {
    /// A network with random parameters; the decoder begins as wide as the encoder ends.
    #[must_use]
    pub fn new(config: &ResNetConfig, device: &Device) -> Self {
        let levels = ResNetConfig::LEVELS;
        let token = |level: usize| Initializer::Normal { mean: 0.0, std: 0.02 }.init([config.channels(level)], device);
        let bridge = |level: usize| {
            let channels = config.channels(level);
            // The deepest level is projected voxel by voxel.
            let (kernel, pad) = if level + 1 == levels { (1, 0) } else { (3, 1) };
            let config = Conv3dConfig::new([channels; 2], [kernel; 3]);
            config.with_padding(PaddingConfig3d::Explicit(pad, pad, pad)).init(device)
        };
        // One rise for each halving on the way down; the last ones go on below the encoder's first level.
        let width = |rise: usize| (config.features() >> rise).max(1);
        Self {
            encoder: config.init(device),
            norms: (0..levels).rev().map(|level| BatchNormConfig::new(config.channels(level)).init(device)).collect(),
            tokens: (0..levels).rev().map(token).collect(),
            bridges: (0..levels).rev().map(bridge).collect(),
            output: Conv3dConfig::new([width(levels + 1), 1], [1; 3]).init(device),
            decoder: (0..=levels).map(|rise| DecoderBlock::new([width(rise), width(rise + 1)], device)).collect(),
        }
    }

    /// The whole volume, of what is visible of it.
    ///
    /// # Shapes
    ///
    /// - input and output: `[batch, 1, n, n, n]`, n a multiple of [`Visible::CELL`]
    #[must_use]
    pub fn forward(&self, x: Tensor<5>, visible: &Visible) -> Tensor<5> {
        let (device, nothing) = (x.device(), x.zeros_like());
        let levels = self.encoder.forward_visible(x, |n| visible.at(n, &device));
        // Whole again: a token stands for what was not visible.
        let parts = levels.into_iter().rev().zip(&self.norms).zip(self.tokens.iter().zip(&self.bridges));
        let mut whole = parts.map(|((level, norm), (token, bridge))| {
            let visible = visible.at(level.dims()[2], &device);
            let token = token.val().reshape([1, -1, 1, 1, 1]) * (-visible.clone() + 1.0);
            conv3d(bridge, normed_visible(norm, level, &visible) + token)
        });
        let drawn = self.decoder.iter().fold(None, |drawn: Option<Tensor<5>>, rise| {
            let input = match (drawn, whole.next()) {
                (Some(drawn), Some(level)) => Some(drawn + level),
                (drawn, level) => drawn.or(level),
            };
            input.map(|input| rise.forward(input))
        });
        drawn.map_or(nothing, |drawn| conv3d(&self.output, drawn))
    }

    /// What is fine-tuned.
    #[must_use]
    pub fn into_encoder(self) -> ResNet {
        self.encoder
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Distribution;

    fn visible() -> Visible {
        Visible::new(vec![1.0, 0.0, 0.0, 1.0, 0.0, 0.0, 1.0, 0.0], 2)
    }

    #[test]
    fn cells_are_seen_as_a_whole_at_every_level() {
        let device = Device::flex();
        let sum = |n: usize| visible().at(n, &device).sum().into_scalar::<f32>();
        assert_eq!([2, 4, 64].map(sum), [3.0, 3.0 * 8.0, 3.0 * 32_f32.powi(3)]);
        let corner = visible().at(4, &device).slice([0..1, 0..1, 0..2, 2..4, 2..4]);
        assert_eq!(corner.min().into_scalar::<f32>(), 1.0, "z 0, y 1, x 1");
    }

    #[test]
    fn what_is_hidden_changes_nothing_and_stays_empty() {
        for device in [Device::flex(), Device::flex().autodiff()] {
            device.seed(2);
            let net = ResNetConfig::new().with_width(2).init(&device);
            let x = Tensor::<5>::random([1, 1, 64, 64, 64], Distribution::Default, &device);
            let other = x.clone() + (-visible().at(64, &device) + 1.0) * 5.0;
            let levels = |x: Tensor<5>| net.forward_visible(x, |n| visible().at(n, &device));
            for (a, b) in levels(x).into_iter().zip(levels(other)) {
                let hidden = -visible().at(a.dims()[2], &device) + 1.0;
                assert_eq!((a.clone() * hidden).abs().max().into_scalar::<f32>(), 0.0);
                // Running statistics move between the two; what is normed by the batch does not.
                if device.is_autodiff() {
                    assert!((a - b).abs().max().into_scalar::<f32>() < 1e-5);
                }
            }
        }
    }

    #[test]
    fn where_all_is_seen_it_is_the_usual_encoder() {
        let device = Device::flex().autodiff();
        let config = ResNetConfig::new().with_width(2);
        let net = config.init(&device);
        let twin = config.init(&device).load_record(net.clone().into_record());
        let x = Tensor::<5>::random([2, 1, 64, 64, 64], Distribution::Default, &device);
        let all = Visible::new(vec![1.0; 16], 2);
        let usual = net.forward(x.clone()).levels;
        for (a, b) in usual.into_iter().zip(twin.forward_visible(x.clone(), |n| all.at(n, &device))) {
            assert!((a - b).abs().max().into_scalar::<f32>() < 1e-4);
        }
        // And so do running statistics.
        let plain = x.inner();
        let (net, twin) = (net.valid(), twin.valid());
        let apart = net.features(plain.clone()) - twin.features(plain);
        assert!(apart.abs().max().into_scalar::<f32>() < 1e-4);
    }

    #[test]
    fn hidden_cells_are_drawn_from_the_visible_ones_alone() {
        let device = Device::flex();
        device.seed(5);
        let net = Spark::new(&ResNetConfig::new().with_width(4), &device);
        let x = Tensor::<5>::random([1, 1, 64, 64, 64], Distribution::Default, &device);
        let shown = visible().at(64, &device);
        let drawn = |x: Tensor<5>| net.forward(x, &visible());
        let hidden = |a: Tensor<5>, b: Tensor<5>| ((a - b) * (-shown.clone() + 1.0)).abs().max().into_scalar::<f32>();
        let plain = drawn(x.clone());
        assert_eq!(plain.dims(), [1, 1, 64, 64, 64]);
        let other_hidden = drawn(x.clone() + (-shown.clone() + 1.0) * 3.0);
        assert_eq!(hidden(plain.clone(), other_hidden), 0.0, "what is hidden is not known");
        let other_visible = drawn(x + shown.clone() * 3.0);
        assert!(hidden(plain, other_visible) > 1e-6, "what is visible tells of it");
    }
}
