//! The autoencoder with the formula's weights: outputs, one training step, running statistics.

use super::fixture::Fixture;
use antrum::nets::{Cae, CaeConfig};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

const ITEM: &str = "A_networks/paranasal_cae";

/// The published code's state-dict key of one of our parameters.
fn torch_key(path: &str) -> String {
    let parts: Vec<&str> = path.split('.').collect();
    let leaf = match parts[parts.len() - 1] {
        "gamma" => "weight",
        "beta" => "bias",
        other => other,
    };
    match parts[..parts.len() - 1] {
        ["encoder", i, "conv"] => format!("encoder.{i}.0.{leaf}"),
        ["encoder", i, "norm"] => format!("encoder.{i}.1.{leaf}"),
        ["decoder", i, "conv"] => format!("decoder.{}.0.{leaf}", i.parse::<usize>().unwrap() + 1),
        ["decoder", i, "norm"] => format!("decoder.{}.1.{leaf}", i.parse::<usize>().unwrap() + 1),
        ["squeeze"] => format!("encoder.3.{leaf}"),
        ["to_code"] => format!("fc.{leaf}"),
        ["from_code"] => format!("decoder_input.{leaf}"),
        ["unsqueeze"] => format!("decoder.0.{leaf}"),
        _ => panic!("parameter {path}"),
    }
}

/// Fills a network with the formula's weights.
struct Fill<'a> {
    fixture: &'a Fixture,
    path: Vec<String>,
}

impl ModuleMapper for Fill<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let values = self.fixture.parameter(&torch_key(&self.path.join(".")));
        param.map(|old| {
            let (dims, device) = (old.dims(), old.device());
            let filled = if D == 2 {
                // Burn keeps linear weights as [in, out], torch as [out, in].
                let data = TensorData::new(values, [dims[1], dims[0]]);
                Tensor::<2>::from_data(data, &device).transpose().reshape(dims)
            } else {
                Tensor::from_data(TensorData::new(values, dims), &device)
            };
            filled.set_require_grad(old.is_require_grad())
        })
    }
}

fn network(fixture: &Fixture, device: &Device) -> Cae {
    CaeConfig::new().init(device).map(&mut Fill { fixture, path: Vec::new() })
}

#[test]
fn golden_cae_outputs() {
    let fixture = Fixture::load(ITEM);
    let device = Device::flex();
    let net = network(&fixture, &device);
    let values = fixture.input(&fixture.json["inputs"], "input");
    let x = Tensor::<5>::from_data(TensorData::new(values, [1, 1, 64, 64, 64]), &device);
    let code = net.encode(x);
    let latent = code.clone().into_data().try_into_vec::<f32>().unwrap();
    assert!(fixture.distance("latent", &latent) < 1e-4);
    let reconstruction = net.decode(code).into_data().try_into_vec::<f32>().unwrap();
    let distance = fixture.distance("recon", &reconstruction);
    println!("relative L2 of the reconstruction {distance:.2e}");
    assert!(distance < 1e-4, "{distance:e}");
}

/// Norm of each gradient, and its product with a probe of the formula, which permuted layouts would change.
struct Probe<'a> {
    fixture: &'a Fixture,
    gradients: &'a Gradients,
    path: Vec<String>,
    /// key, L2, probe, number of values
    found: Vec<(String, f64, f64, usize)>,
    statistics: Vec<(String, f64)>,
}

impl ModuleVisitor for Probe<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let key = torch_key(&self.path.join("."));
        if key.contains("running") {
            let values = param.val().into_data().try_into_vec::<f32>().unwrap();
            self.statistics.push((key, values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt()));
            return;
        }
        let gradient = param.val().grad(self.gradients).unwrap_or_else(|| panic!("{key} has no gradient"));
        let gradient = if D == 2 { gradient.swap_dims(0, 1) } else { gradient };
        let values = gradient.into_data().try_into_vec::<f32>().unwrap();
        let probe = self.fixture.uniform(&format!("probe|{key}"), values.len());
        let l2 = values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt();
        let dot = values.iter().zip(&probe).map(|(&v, u)| f64::from(v) * (2.0 * u - 1.0)).sum();
        self.found.push((key, l2, dot, values.len()));
    }
}

#[test]
fn golden_cae_training_step() {
    let fixture = Fixture::load(ITEM);
    let device = Device::flex().autodiff();
    let net = network(&fixture, &device);
    let train = &fixture.json["train"];
    let values = fixture.input(&train["inputs"], "input");
    let x = Tensor::<5>::from_data(TensorData::new(values, [2, 1, 64, 64, 64]), &device);
    let loss = (net.forward(x.clone()) - x).abs().mean();
    let value = f64::from(loss.clone().into_scalar::<f32>());
    let expected = train["loss"].as_f64().unwrap();
    assert!((value - expected).abs() < 1e-4 * expected, "loss {value} instead of {expected}");

    let gradients = loss.backward();
    let mut probe =
        Probe { fixture: &fixture, gradients: &gradients, path: Vec::new(), found: Vec::new(), statistics: Vec::new() };
    // Reading the statistics of the trained network brings them up to date in both.
    let _ = net.valid();
    net.visit(&mut probe);
    let theirs = train["grads"].as_object().unwrap();
    assert_eq!(probe.found.len(), theirs.len());
    let largest = theirs.values().map(|g| g[0].as_f64().unwrap()).fold(0.0, f64::max);
    for (key, l2, dot, n) in &probe.found {
        let (l2_expected, dot_expected) = (theirs[key][0].as_f64().unwrap(), theirs[key][1].as_f64().unwrap());
        let spread = (*n as f64 / 3.0).sqrt();
        assert!(
            (l2 - l2_expected).abs() <= 5e-3 * l2_expected + 1e-5 * largest,
            "{key}: {l2} instead of {l2_expected}"
        );
        let allowed = (5e-3 * l2_expected + 1e-5 * largest) * spread;
        assert!((dot - dot_expected).abs() <= allowed, "{key}: probe {dot} instead of {dot_expected}");
    }
    let buffers = train["buffers_after"].as_object().unwrap();
    assert_eq!(probe.statistics.len(), buffers.len());
    for (key, l2) in &probe.statistics {
        let expected = buffers[key][0].as_f64().unwrap();
        assert!((l2 - expected).abs() <= 1e-4 * expected, "{key}: {l2} instead of {expected}");
    }
}
