//! Shortening of gradients: over all parameters together, as PyTorch's `clip_grad_norm_`.

use burn::module::{Module, ModuleVisitor, Param};
use burn::optim::GradientsParams;
use burn::tensor::Tensor;

/// Gradients no longer than `longest`, their direction kept.
pub(super) fn shortened<M: Module>(gradients: GradientsParams, model: &M, longest: f64) -> GradientsParams {
    let mut squares = Squares { gradients: &gradients, sum: 0.0 };
    model.visit(&mut squares);
    // The same small number as PyTorch's, lest 0 be divided by.
    let factor = longest / (squares.sum.sqrt() + 1e-6);
    if factor >= 1.0 {
        return gradients;
    }
    let mut scale = Scale { gradients, factor };
    model.visit(&mut scale);
    scale.gradients
}

struct Squares<'a> {
    gradients: &'a GradientsParams,
    sum: f64,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.get::<D>(param.id) {
            self.sum += f64::from(gradient.square().sum().into_scalar::<f32>());
        }
    }
}

struct Scale {
    gradients: GradientsParams,
    factor: f64,
}

impl ModuleVisitor for Scale {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        if let Some(gradient) = self.gradients.remove::<D>(param.id) {
            self.gradients.register(param.id, gradient * self.factor);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::Device;

    #[test]
    fn all_gradients_together_are_shortened_and_short_ones_left() {
        let device = Device::flex().autodiff();
        let model = LinearConfig::new(2, 2).init(&device);
        let gradients = || {
            let x = Tensor::<2>::from_floats([[3.0, 4.0]], &device);
            GradientsParams::from_grads(model.forward(x).sum().backward(), &model)
        };
        let values = |gradients: &GradientsParams, model: &Linear| {
            let of_weights = gradients.get::<2>(model.weight.id).unwrap().into_data().try_into_vec::<f32>().unwrap();
            let bias = model.bias.as_ref().unwrap();
            [of_weights, gradients.get::<1>(bias.id).unwrap().into_data().try_into_vec::<f32>().unwrap()].concat()
        };
        // Two columns of 3 and 4, and a bias of two ones: the length is the root of 52.
        assert_eq!(values(&gradients(), &model), [3.0, 3.0, 4.0, 4.0, 1.0, 1.0]);
        let half = 13.0_f64.sqrt();
        for (value, expected) in
            values(&shortened(gradients(), &model, half), &model).iter().zip([1.5, 1.5, 2.0, 2.0, 0.5, 0.5])
        {
            assert!((value - expected).abs() < 1e-5);
        }
        assert_eq!(values(&shortened(gradients(), &model, 8.0), &model), values(&gradients(), &model));
    }
}
