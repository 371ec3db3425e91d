//! LARS (You 2017), layer-wise adaptive rate scaling, as paper 1 uses it for large batches: every tensor moves by a share of
//! its own length.

use burn::config::Config;
use burn::optim::momentum::{Momentum, MomentumConfig};
use burn::optim::{LearningRate, ModuleOptimizer, Optimizer, SgdState};
use burn::tensor::{Device, Tensor};

/// Settings of [`Lars`]; the defaults are those of the published code of paper 1.
#[derive(Config, Debug)]
pub struct LarsConfig {
    /// Share of a tensor's length that it moves at a learning rate of 1.
    #[config(default = 1e-3)]
    pub trust: f64,
    /// Pulls weights to 0.
    #[config(default = 1e-6)]
    pub weight_decay: f64,
    /// How much of the former direction is kept.
    #[config(default = 0.0)]
    pub momentum: f64,
}

impl LarsConfig {
    /// The rule for one tensor.
    #[must_use]
    pub fn build(&self) -> Lars {
        let momentum = MomentumConfig::new().with_momentum(self.momentum).with_dampening(0.0);
        Lars { config: self.clone(), momentum: Momentum::new(&momentum) }
    }

    /// The optimiser of a network.
    #[must_use]
    pub fn init(&self) -> ModuleOptimizer {
        ModuleOptimizer::from(self.build())
    }
}

/// One step of a tensor w with gradient g: d = g + decay · w, b = momentum · b + d,
/// w −= rate · trust · |w| / (|g| + decay · |w|) · b. A tensor or gradient of zeros is not scaled.
#[derive(Clone)]
pub struct Lars {
    config: LarsConfig,
    momentum: Momentum,
}

impl Optimizer for Lars {
    type State<const D: usize> = SgdState<D>;

    fn step<const D: usize>(
        &self,
        rate: LearningRate,
        tensor: Tensor<D>,
        gradient: Tensor<D>,
        state: Option<Self::State<D>>,
    ) -> (Tensor<D>, Option<Self::State<D>>) {
        let LarsConfig { trust, weight_decay, .. } = self.config;
        let length = |tensor: &Tensor<D>| tensor.clone().square().sum().sqrt();
        let (own, of_gradient) = (length(&tensor), length(&gradient));
        let zero = own.clone().equal_elem(0.0).bool_or(of_gradient.clone().equal_elem(0.0));
        let local = (own.clone() * trust / (of_gradient + own * weight_decay)).mask_fill(zero, 1.0);
        let direction = gradient + tensor.clone() * weight_decay;
        let (direction, momentum) = self.momentum.transform(direction, state.and_then(|state| state.momentum));
        let step = direction * (local * rate).reshape([1; D]);
        (tensor - step, Some(SgdState::new(Some(momentum))))
    }

    fn to_device<const D: usize>(state: Self::State<D>, device: &Device) -> Self::State<D> {
        SgdState::new(state.momentum.map(|momentum| momentum.to_device(device)))
    }
}
