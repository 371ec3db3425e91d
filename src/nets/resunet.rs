//! The network that paper 1 pre-trains (section 2.3): a [`ResNet`] encoder that predicts, through a decoder with skips, the
//! residual that an autoencoder leaves of the same sinus. Its encoder and head are then fine-tuned as a [`Classifier`].

use super::conv::conv3d;
use super::conv_norm::he;
use super::resize::trilinear;
use super::resnet::{Block, Classifier, Form, Head, Levels, ResNet, ResNetConfig, mean_of_voxels};
use burn::module::Module;
use burn::nn::PaddingConfig3d;
use burn::nn::conv::{Conv3d, Conv3dConfig};
use burn::tensor::{Device, Tensor};

/// Encoder, decoder and head. The shape is that of a [`ResNetConfig`]; its [`Form`] is that of the decoder too.
#[derive(Module, Debug)]
pub struct ResUNet {
    encoder: ResNet,
    head: Head,
    /// From the deepest level up.
    decoder: Vec<Block>,
    output: Conv3d,
    #[module(skip)]
    skips: bool,
}

/// What a [`ResUNet`] says.
pub struct ResUNetOutput {
    /// Logits of the residual, `[batch, 1, z, y, x]`.
    pub residual: Tensor<5>,
    /// Logits of normal and anomalous, `[batch, 2]`.
    pub classes: Tensor<2>,
}

impl ResUNet {
    /// A network with random parameters: 61 848 578 in the paper's width and the published code's form. Without skips, all
    /// that the decoder knows has gone through the deepest level: an autoencoder.
    #[must_use]
    pub fn new(config: &ResNetConfig, skips: bool, device: &Device) -> Self {
        let [a, b, c, d] = std::array::from_fn(|level| config.channels(level));
        let with = |channels: usize| if skips { 2 * channels } else { channels };
        let block = |channels| Block::of_decoder(channels, config.form, device);
        let (decoder, output) = match config.form {
            Form::Clean => {
                let decoder = [[d, c], [with(c), b], [with(b), a], [with(a), a], [with(a), a / 2]].map(block).into();
                (decoder, Conv3dConfig::new([a / 2, 1], [1; 3]).init(device))
            }
            Form::PaperCode => {
                let decoder = [[d, c], [with(c), b], [with(b), a], [with(a), a]].map(block).into();
                let output = he(Conv3dConfig::new([a, 1], [7; 3])).with_stride([2; 3]);
                (decoder, output.with_padding(PaddingConfig3d::Explicit(3, 3, 3)).init(device))
            }
        };
        Self { encoder: config.init(device), head: Head::new(config.features(), device), decoder, output, skips }
    }

    /// Residual and classes.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, 1, z, y, x]`, edges multiples of 32, intensities 0 to 1
    /// - output: see [`ResUNetOutput`]
    #[must_use]
    pub fn forward(&self, x: Tensor<5>) -> ResUNetOutput {
        let Levels { stem, pooled, mut levels } = self.encoder.forward(x);
        let deepest = levels.pop().unwrap_or_else(|| pooled.clone());
        let classes = self.head.forward(mean_of_voxels(deepest.clone()));
        // The published code has four blocks, uses the last twice, and takes the pooled stem for a skip, enlarged again.
        let paper_code = self.decoder.len() == ResNetConfig::LEVELS;
        let last = if paper_code { doubled(pooled) } else { stem };
        let skips = levels.into_iter().rev().chain([last]);
        let blocks = self.decoder.iter().chain(self.decoder.last().filter(|_| paper_code));
        let mut x = None;
        for (block, skip) in blocks.zip(std::iter::once(None).chain(skips.map(Some))) {
            let input = match (x, skip) {
                (Some(x), Some(skip)) if self.skips => Tensor::cat(vec![doubled(x), skip], 1),
                (Some(x), _) => doubled(x),
                (None, _) => deepest.clone(),
            };
            x = Some(block.forward(input));
        }
        let x = x.unwrap_or(deepest);
        // A convolution of one voxel may as well come before enlarging; that of the published code halves what was doubled.
        let x = if paper_code { doubled(x) } else { x };
        ResUNetOutput { residual: doubled(conv3d(&self.output, x)), classes }
    }

    /// What is fine-tuned.
    #[must_use]
    pub fn into_classifier(self) -> Classifier {
        Classifier { encoder: self.encoder, head: self.head }
    }
}

/// Twice as many voxels along each axis.
fn doubled(x: Tensor<5>) -> Tensor<5> {
    let [_, _, z, y, x_size] = x.dims();
    trilinear(x, [2 * z, 2 * y, 2 * x_size])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::store::ModuleSnapshot as _;
    use burn::tensor::Distribution;

    #[test]
    fn parameters_are_those_of_the_published_code() {
        let config = ResNetConfig::new().with_form(Form::PaperCode);
        let net = ResUNet::new(&config, true, &Device::flex());
        // Burn counts running means and variances too, two for each scale of a norm.
        let tensors = net.collect(None, None, false);
        let normed: usize = tensors.iter().filter(|own| own.name.ends_with("gamma")).map(|own| own.shape[0]).sum();
        assert_eq!(net.num_params() - 2 * normed, 61_848_578);
    }

    #[test]
    fn the_residual_has_the_size_of_the_input() {
        let device = Device::flex();
        for (form, skips) in
            [(Form::Clean, true), (Form::PaperCode, true), (Form::Clean, false), (Form::PaperCode, false)]
        {
            let net = ResUNet::new(&ResNetConfig::new().with_width(4).with_form(form), skips, &device);
            let x = Tensor::random([1, 1, 32, 64, 32], Distribution::Default, &device);
            let out = net.forward(x.clone());
            assert_eq!((out.residual.dims(), out.classes.dims()), ([1, 1, 32, 64, 32], [1, 2]), "{form:?}");
            let apart = net.into_classifier().forward(x) - out.classes;
            assert!(apart.abs().max().into_scalar::<f32>() < 1e-6);
        }
    }
}
