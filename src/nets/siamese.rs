//! An encoder with the heads of contrastive pretexts: a projection that two views of one sinus should share, and a prediction
//! of one from the other (SimCLR, Chen 2020; SimSiam, Chen 2021), where the other may be seen by a network that follows the
//! learning one (BYOL, Grill 2020).

use super::resnet::{ResNet, ResNetConfig};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::nn::{BatchNorm, BatchNormConfig, Linear, LinearConfig};
use burn::tensor::activation::relu;
use burn::tensor::{Device, Tensor};

/// Linear layers, with batch norm and ReLU between them.
#[derive(Module, Debug)]
pub struct Mlp {
    layers: Vec<Linear>,
    /// Behind each layer but the last, and behind that too where the result is normed.
    norms: Vec<BatchNorm>,
}

impl Mlp {
    /// From the first to the last of `widths`.
    fn new<const N: usize>(widths: [usize; N], device: &Device) -> Self {
        let layers = widths.windows(2).map(|pair| LinearConfig::new(pair[0], pair[1]).init(device));
        let hidden = widths.get(1..N - 1).unwrap_or_default();
        let norms = hidden.iter().map(|&width| BatchNormConfig::new(width).init(device));
        Self { layers: layers.collect(), norms: norms.collect() }
    }

    /// The same with a batch norm of its result.
    fn normed(mut self, width: usize, device: &Device) -> Self {
        self.norms.push(BatchNormConfig::new(width).init(device));
        self
    }

    fn forward(&self, mut x: Tensor<2>) -> Tensor<2> {
        let last = self.layers.len() - 1;
        for (number, layer) in self.layers.iter().enumerate() {
            x = layer.forward(x);
            if let Some(norm) = self.norms.get(number) {
                x = norm.forward(x);
            }
            if number < last {
                x = relu(x);
            }
        }
        x
    }
}

/// Encoder, projection and prediction. Projections are as long as the features.
#[derive(Module, Debug)]
pub struct Siamese {
    encoder: ResNet,
    projection: Mlp,
    prediction: Mlp,
    follower: Option<Follower>,
}

/// A network without gradients that follows another as a moving mean.
#[derive(Module, Debug)]
pub struct Follower {
    encoder: ResNet,
    projection: Mlp,
}

impl Siamese {
    /// A network with random parameters, the projection of two layers as in SimCLR and BYOL.
    #[must_use]
    pub fn new(config: &ResNetConfig, device: &Device) -> Self {
        let features = config.features();
        Self {
            encoder: config.init(device),
            projection: Mlp::new([features; 3], device),
            // Narrow in the middle, as SimSiam needs it.
            prediction: Mlp::new([features, features / 4, features], device),
            follower: None,
        }
    }

    /// A network with random parameters, the projection of three layers and its result normed, as SimSiam has it.
    #[must_use]
    pub fn sim_siam(config: &ResNetConfig, device: &Device) -> Self {
        let features = config.features();
        Self { projection: Mlp::new([features; 4], device).normed(features, device), ..Self::new(config, device) }
    }

    /// The same with a follower, which begins where it does.
    #[must_use]
    pub fn followed(self, config: &ResNetConfig, device: &Device) -> Self {
        let features = config.features();
        // Not clones: those share their running statistics.
        let encoder = config.init(device).load_record(self.encoder.clone().into_record());
        let projection = Mlp::new([features; 3], device).load_record(self.projection.clone().into_record());
        Self { follower: Some(Follower { encoder, projection }.no_grad()), ..self }
    }

    /// The follower comes nearer: of itself it keeps the share `momentum`.
    #[must_use]
    pub fn drawn_after(mut self, momentum: f64) -> Self {
        if let Some(follower) = self.follower.take() {
            let mut leading = Values::default();
            self.encoder.visit(&mut leading);
            self.projection.visit(&mut leading);
            let mut after = After { leading: leading.0.into_iter(), momentum };
            let encoder = follower.encoder.map(&mut after);
            let projection = follower.projection.map(&mut after);
            self.follower = Some(Follower { encoder, projection });
        }
        self
    }

    /// What the follower projects, or without one the network itself; no gradient comes back from it.
    ///
    /// # Shapes
    ///
    /// As [`Siamese::project`].
    #[must_use]
    pub fn target(&self, x: Tensor<5>) -> Tensor<2> {
        match &self.follower {
            Some(follower) => follower.projection.forward(follower.encoder.features(x)),
            None => self.project(x),
        }
        .detach()
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

/// The values of a module, in the order in which it is visited.
#[derive(Default)]
struct Values(Vec<Tensor<1>>);

impl ModuleVisitor for Values {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        self.0.push(param.val().detach().reshape([-1]));
    }
}

/// Moves values towards others of the same module.
struct After {
    leading: std::vec::IntoIter<Tensor<1>>,
    momentum: f64,
}

impl ModuleMapper for After {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let Some(leading) = self.leading.next() else { return param };
        let momentum = self.momentum;
        param.map(|own| {
            let leading = leading.reshape(own.dims());
            (own.detach() * momentum + leading * (1.0 - momentum)).set_require_grad(false)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Distribution;

    #[test]
    fn a_follower_begins_as_its_leader_and_goes_after_it_slowly() {
        let device = Device::flex();
        let config = ResNetConfig::new().with_width(1);
        let net = Siamese::new(&config, &device).followed(&config, &device);
        let x = Tensor::random([2, 1, 32, 32, 32], Distribution::Default, &device);
        let apart = |net: &Siamese| (net.project(x.clone()) - net.target(x.clone())).abs().max().into_scalar::<f32>();
        assert!(apart(&net) < 1e-6);
        // Another leader: far away at first, then nearer, and in the end the same.
        let other = Siamese { follower: net.follower, ..Siamese::new(&config, &device) };
        let (far, near) = (apart(&other), apart(&other.clone().drawn_after(0.1)));
        assert!(far > 1e-3 && near < far && apart(&other.drawn_after(0.0)) < 1e-6, "{far} {near}");
    }

    #[test]
    fn projections_and_predictions_are_as_long_as_the_features() {
        let device = Device::flex();
        let config = ResNetConfig::new().with_width(2);
        for net in [Siamese::new(&config, &device), Siamese::sim_siam(&config, &device)] {
            let projection = net.project(Tensor::random([3, 1, 32, 32, 32], Distribution::Default, &device));
            assert_eq!((projection.dims(), net.predict(projection).dims()), ([3, 16], [3, 16]));
        }
    }

    #[test]
    fn parameters_are_those_of_the_papers_heads() {
        let (device, config) = (Device::flex(), ResNetConfig::new().with_width(2));
        let encoder = config.init(&device).num_params();
        // Layers of 16 to 16, and norms with what runs on; 16 to 4 to 16 with one norm of 4.
        let (layer, norm, prediction) = (16 * 17, 4 * 16, 16 * 4 + 4 + 4 * 4 + 4 * 16 + 16);
        assert_eq!(Siamese::new(&config, &device).num_params(), encoder + 2 * layer + norm + prediction);
        assert_eq!(Siamese::sim_siam(&config, &device).num_params(), encoder + 3 * (layer + norm) + prediction);
    }
}
