//! An encoder with the heads of contrastive pretexts: a projection that two views of one sinus should share, and a prediction
//! of one from the other (SimCLR, Chen 2020; SimSiam, Chen 2021).

use super::resnet::{ResNet, ResNetConfig};
use burn::module::Module;
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

/// Linear, batch norm, ReLU, linear.
#[derive(Module, Debug)]
pub struct Mlp {
    first: Linear,
    norm: BatchNorm,
    second: Linear,
}

impl Mlp {
    fn new([from, hidden, to]: [usize; 3], device: &Device) -> Self {
        Self {
            first: LinearConfig::new(from, hidden).init(device),
            norm: BatchNormConfig::new(hidden).init(device),
            second: LinearConfig::new(hidden, to).init(device),
        }
    }

    fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.second.forward(relu(self.norm.forward(self.first.forward(x))))
    }
}

/// Encoder, projection and prediction. Projections are as long as the features.
#[derive(Module, Debug)]
pub struct Siamese {
    encoder: ResNet,
    projection: Mlp,
    prediction: Mlp,
}

impl Siamese {
    /// A network with random parameters.
    #[must_use]
    pub fn new(config: &ResNetConfig, device: &Device) -> Self {
        let features = config.features();
        Self {
            encoder: config.init(device),
            projection: Mlp::new([features; 3], device),
            // Narrow in the middle, as SimSiam needs it.
            prediction: Mlp::new([features, features / 4, features], device),
        }
    }

    /// # Shapes
    ///
    /// - input: `[batch, 1, 64, 64, 64]`
    /// - output: `[batch, features]`
    #[must_use]
    pub fn project(&self, x: Tensor<5>) -> Tensor<2> {
        self.projection.forward(self.encoder.features(x))
    }

    /// # Shapes
    ///
    /// - input and output: `[batch, features]`
    #[must_use]
    pub fn predict(&self, projection: Tensor<2>) -> Tensor<2> {
        self.prediction.forward(projection)
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

    #[test]
    fn projections_and_predictions_are_as_long_as_the_features() {
        let device = Device::flex();
        let net = Siamese::new(&ResNetConfig::new().with_width(2), &device);
        let projection = net.project(Tensor::random([3, 1, 32, 32, 32], Distribution::Default, &device));
        assert_eq!((projection.dims(), net.predict(projection).dims()), ([3, 16], [3, 16]));
    }
}
