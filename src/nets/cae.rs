//! The convolutional autoencoder of paper 1 (figure 1c), as its published code builds it.
//!
//! Trained on normal sinuses only, it cannot draw what it never saw; what it fails to draw is the residual map.

use super::conv::conv3d;
use super::conv_norm::ConvNorm;
use super::resize::trilinear;
use burn::config::Config;
use burn::module::Module;
use burn::nn::conv::{Conv3d, Conv3dConfig};
use burn::nn::{Linear, LinearConfig};
use burn::tensor::activation::leaky_relu;
use burn::tensor::{Device, Tensor};

/// The shape of a [`Cae`]. The defaults are the paper's network: 2 744 775 trainable parameters.
#[derive(Config, Debug)]
pub struct CaeConfig {
    /// Length of the latent code.
    #[config(default = 512)]
    pub latent: usize,
    /// Channels of the three encoder stages; the decoder mirrors them.
    #[config(default = "[16, 32, 64]")]
    pub channels: [usize; 3],
    /// Channels on the coarsest grid before the code. 0: that grid itself is the code and `latent` has no meaning, the paper's
    /// other variant (64 × 8³, 644 483 trainable parameters).
    #[config(default = 4)]
    pub squeeze: usize,
    /// Edge length of the input cube in voxels; a multiple of 8.
    #[config(default = 64)]
    pub size: usize,
}

/// The autoencoder. Where the code is spatial, there is nothing between encoder and decoder.
#[derive(Module, Debug)]
pub struct Cae {
    encoder: Vec<ConvNorm>,
    squeeze: Option<Conv3d>,
    to_code: Option<Linear>,
    from_code: Option<Linear>,
    unsqueeze: Option<Conv3d>,
    decoder: Vec<ConvNorm>,
}

impl CaeConfig {
    /// A network with random parameters.
    #[must_use]
    pub fn init(&self, device: &Device) -> Cae {
        let [a, b, c] = self.channels;
        let grid = self.size / 8;
        let flat = self.squeeze * grid * grid * grid;
        let stage = |channels, stride| ConvNorm::with_bias(channels, 5, stride, device);
        let coded = self.squeeze > 0;
        let point = |channels| coded.then(|| Conv3dConfig::new(channels, [1; 3]).init(device));
        let line = |from, to| coded.then(|| LinearConfig::new(from, to).init(device));
        Cae {
            encoder: [[1, a], [a, b], [b, c]].map(|channels| stage(channels, 2)).into(),
            squeeze: point([c, self.squeeze]),
            to_code: line(flat, self.latent),
            from_code: line(self.latent, flat),
            unsqueeze: point([self.squeeze, c]),
            decoder: [[c, b], [b, a], [a, 1]].map(|channels| stage(channels, 1)).into(),
        }
    }
}

impl Cae {
    /// The latent code.
    ///
    /// # Shapes
    ///
    /// - input: `[batch, 1, 64, 64, 64]`
    /// - output: `[batch, 512]`; `[batch, 64 · 8³]` where it is spatial
    #[must_use]
    pub fn encode(&self, x: Tensor<5>) -> Tensor<2> {
        let x = self.encoder.iter().fold(x, |x, stage| activated(stage, x));
        let x = self.squeeze.iter().fold(x, |x, squeeze| conv3d(squeeze, x));
        self.to_code.iter().fold(x.flatten(1, 4), |x, to_code| to_code.forward(x))
    }

    /// The reconstruction from a code; no output activation.
    ///
    /// # Shapes
    ///
    /// - input: as [`Cae::encode`] gives it
    /// - output: `[batch, 1, 64, 64, 64]`
    #[must_use]
    pub fn decode(&self, code: Tensor<2>) -> Tensor<5> {
        let [batch, _] = code.dims();
        let flat = self.from_code.iter().fold(code, |code, from_code| from_code.forward(code));
        let coarse = self.unsqueeze.as_ref().map(|unsqueeze| unsqueeze.weight.dims()[1]);
        let channels = coarse.or_else(|| self.decoder.first().map(ConvNorm::channels_in)).unwrap_or(1);
        let edge = ((flat.dims()[1] / channels) as f64).cbrt().round() as usize;
        let x = flat.reshape([batch, channels, edge, edge, edge]);
        let x = self.unsqueeze.iter().fold(x, |x, unsqueeze| conv3d(unsqueeze, x));
        self.decoder.iter().fold(x, |x, stage| {
            let x = activated(stage, x);
            let [_, _, z, y, x_size] = x.dims();
            trilinear(x, [2 * z, 2 * y, 2 * x_size])
        })
    }

    /// The same for inference, batch norms folded into the convolutions before them.
    #[must_use]
    pub fn folded(self) -> Self {
        let folded = |stages: Vec<ConvNorm>| stages.into_iter().map(ConvNorm::folded).collect();
        Self { encoder: folded(self.encoder), decoder: folded(self.decoder), ..self }
    }

    /// Reconstructs crops.
    ///
    /// # Shapes
    ///
    /// - input and output: `[batch, 1, 64, 64, 64]`, intensities 0 to 1
    #[must_use]
    pub fn forward(&self, x: Tensor<5>) -> Tensor<5> {
        self.decode(self.encode(x))
    }
}

/// A stage and its leaky ReLU (slope 0.01).
fn activated(stage: &ConvNorm, x: Tensor<5>) -> Tensor<5> {
    leaky_relu(stage.forward(x), 0.01)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_paper_network_has_2_744_775_trainable_parameters() {
        let net = CaeConfig::new().init(&Device::flex());
        // Running means and variances are counted by burn, but not trained: two values per batch-normed channel.
        let running = 2 * (16 + 32 + 64 + 32 + 16 + 1);
        assert_eq!(net.num_params() - running, 2_744_775);
        let spatial = CaeConfig::new().with_squeeze(0).init(&Device::flex());
        assert_eq!(spatial.num_params() - running, 644_483);
    }

    #[test]
    fn shapes_are_kept_at_any_multiple_of_eight() {
        let device = Device::flex();
        let net = CaeConfig::new().with_size(16).with_latent(8).init(&device);
        let x = Tensor::<5>::zeros([2, 1, 16, 16, 16], &device);
        assert_eq!(net.encode(x.clone()).dims(), [2, 8]);
        assert_eq!(net.forward(x.clone()).dims(), [2, 1, 16, 16, 16]);
        let spatial = CaeConfig::new().with_size(16).with_squeeze(0).init(&device);
        assert_eq!(spatial.encode(x.clone()).dims(), [2, 64 * 2 * 2 * 2]);
        assert_eq!(spatial.forward(x).dims(), [2, 1, 16, 16, 16]);
    }
}
