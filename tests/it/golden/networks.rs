//! The networks with the formula's weights, imported as a checkpoint of the published code would be: outputs, one training
//! step, running statistics.

use super::fixture::Fixture;
use antrum::nets::import::{StateDict, cae_name, import, resnet_name, resunet_name};
use antrum::nets::{CaeConfig, Classifier, Form, ResNetConfig, ResUNet};
use antrum::train::losses::{bce, cross_entropy};
use burn::module::{Module, ModuleVisitor, Param};
use burn::tensor::{Device, Gradients, Tensor, TensorData};

/// A network with the formula's weights. `unused` parameters are not in the fixture's network.
fn filled<M: Module>(fixture: &Fixture, network: M, name: fn(&str) -> Option<String>) -> M {
    let state = StateDict::new(fixture.parameters());
    let imported = import(network, &state, name).unwrap();
    assert!(
        imported.missing.is_empty() && imported.unknown.is_empty(),
        "{:?} {:?}",
        imported.missing,
        imported.unknown
    );
    imported.network
}

fn input(fixture: &Fixture, group: &serde_json::Value, name: &str, device: &Device) -> Tensor<5> {
    let shape: Vec<usize> =
        group[name]["shape"].as_array().unwrap().iter().map(|v| v.as_u64().unwrap() as usize).collect();
    Tensor::from_data(TensorData::new(fixture.input(group, name), shape), device)
}

fn assert_near<const D: usize>(fixture: &Fixture, output: &str, ours: Tensor<D>) {
    let distance = fixture.distance(output, &ours.into_data().try_into_vec::<f32>().unwrap());
    println!("relative L2 of {output}: {distance:.2e}");
    assert!(distance < 1e-4, "{output}: {distance:e}");
}

/// Norm of each gradient, and its product with a probe of the formula, which permuted layouts would change.
struct Probe<'a> {
    fixture: &'a Fixture,
    gradients: &'a Gradients,
    name: fn(&str) -> Option<String>,
    path: Vec<String>,
    /// key, L2, probe, number of values
    found: Vec<(String, f64, f64, usize)>,
    statistics: Vec<(String, f64)>,
}

fn l2(values: &[f32]) -> f64 {
    values.iter().map(|&v| f64::from(v).powi(2)).sum::<f64>().sqrt()
}

impl ModuleVisitor for Probe<'_> {
    fn enter_module(&mut self, name: &str, _: &str) {
        self.path.push(name.to_owned());
    }

    fn exit_module(&mut self, _: &str, _: &str) {
        self.path.pop();
    }

    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let path = self.path.join(".");
        let key = (self.name)(&path).unwrap_or_else(|| panic!("parameter {path}"));
        if key.contains("running") {
            let values = param.val().into_data().try_into_vec::<f32>().unwrap();
            self.statistics.push((key, l2(&values)));
            return;
        }
        // Nothing depends on the shortcuts that the published code computes and throws away.
        let Some(gradient) = param.val().grad(self.gradients) else { return };
        let gradient = if D == 2 { gradient.swap_dims(0, 1) } else { gradient };
        let values = gradient.into_data().try_into_vec::<f32>().unwrap();
        let probe = self.fixture.uniform(&format!("probe|{key}"), values.len());
        let dot = values.iter().zip(&probe).map(|(&v, u)| f64::from(v) * (2.0 * u - 1.0)).sum();
        self.found.push((key, l2(&values), dot, values.len()));
    }
}

/// Compares loss, gradients and running statistics of a step with the fixture's.
fn assert_step<M: Module>(fixture: &Fixture, net: &M, name: fn(&str) -> Option<String>, loss: &Tensor<1>) {
    let train = &fixture.json["train"];
    let value = f64::from(loss.clone().into_scalar::<f32>());
    let expected = train["loss"].as_f64().unwrap();
    assert!((value - expected).abs() < 1e-4 * expected, "loss {value} instead of {expected}");

    let gradients = loss.backward();
    let (path, found, statistics) = (Vec::new(), Vec::new(), Vec::new());
    let mut probe = Probe { fixture, gradients: &gradients, name, path, found, statistics };
    // Reading the statistics of the trained network brings them up to date in both.
    let _ = net.valid();
    net.visit(&mut probe);
    let theirs = train["grads"].as_object().unwrap();
    assert_eq!(probe.found.len(), theirs.values().filter(|gradient| !gradient.is_null()).count());
    let largest = theirs.values().filter_map(|g| g[0].as_f64()).fold(0.0, f64::max);
    for (key, l2, dot, n) in &probe.found {
        let (l2_expected, dot_expected) = (theirs[key][0].as_f64().unwrap(), theirs[key][1].as_f64().unwrap());
        let spread = (*n as f64 / 3.0).sqrt();
        let allowed = 5e-3 * l2_expected + 1e-5 * largest;
        assert!((l2 - l2_expected).abs() <= allowed, "{key}: {l2} instead of {l2_expected}");
        assert!((dot - dot_expected).abs() <= allowed * spread, "{key}: probe {dot} instead of {dot_expected}");
    }
    let buffers = train["buffers_after"].as_object().unwrap();
    assert_eq!(probe.statistics.len(), buffers.len());
    for (key, l2) in &probe.statistics {
        let expected = buffers[key][0].as_f64().unwrap();
        assert!((l2 - expected).abs() <= 1e-4 * expected, "{key}: {l2} instead of {expected}");
    }
}

#[test]
fn golden_cae() {
    let fixture = Fixture::load("A_networks/paranasal_cae");
    let device = Device::flex();
    let net = filled(&fixture, CaeConfig::new().init(&device), cae_name);
    let x = input(&fixture, &fixture.json["inputs"], "input", &device);
    let code = net.encode(x.clone());
    assert_near(&fixture, "latent", code.clone());
    assert_near(&fixture, "recon", net.decode(code));
    assert_near(&fixture, "recon", net.folded().forward(x));

    let device = device.autodiff();
    let net = filled(&fixture, CaeConfig::new().init(&device), cae_name);
    let x = input(&fixture, &fixture.json["train"]["inputs"], "input", &device);
    assert_step(&fixture, &net, cae_name, &(net.forward(x.clone()) - x).abs().mean());
}

#[test]
fn golden_resnet() {
    for (item, width) in [("resnet18_3d_small", 8), ("resnet18_3d_plain", 64)] {
        let fixture = Fixture::load(&format!("A_networks/{item}"));
        let config = ResNetConfig::new().with_width(width);
        let device = Device::flex();
        let net = filled(&fixture, Classifier::new(&config, &device), resnet_name);
        let x = input(&fixture, &fixture.json["inputs"], "input", &device);
        let features = net.encoder.features(x.clone());
        assert_near(&fixture, "features", features.clone());
        assert_near(&fixture, "logits", net.head.forward(features));
        assert_near(&fixture, "logits", net.folded().forward(x));

        let device = device.autodiff();
        let net = filled(&fixture, Classifier::new(&config, &device), resnet_name);
        let x = input(&fixture, &fixture.json["train"]["inputs"], "input", &device);
        assert_step(&fixture, &net, resnet_name, &cross_entropy(net.forward(x), &[0, 1], &[0.83, 1.24]));
    }
}

#[test]
fn golden_residual_network_of_the_published_code() {
    for (item, width) in [("paranasal_resunet_small", 8), ("paranasal_resunet", 64)] {
        let fixture = Fixture::load(&format!("A_networks/{item}"));
        let config = ResNetConfig::new().with_width(width).with_form(Form::PaperCode);
        let device = Device::flex();
        let net = filled(&fixture, ResUNet::new(&config, true, &device), resunet_name);
        let out = net.forward(input(&fixture, &fixture.json["inputs"], "input", &device));
        assert_near(&fixture, "residual_logits", out.residual);
        assert_near(&fixture, "class_logits", out.classes);

        let device = device.autodiff();
        let net = filled(&fixture, ResUNet::new(&config, true, &device), resunet_name);
        let inputs = &fixture.json["train"]["inputs"];
        let out = net.forward(input(&fixture, inputs, "input", &device));
        let residual = bce(out.residual, input(&fixture, inputs, "target", &device));
        let loss = if width == 8 { residual + cross_entropy(out.classes, &[1], &[0.83, 1.24]) * 0.5 } else { residual };
        assert_step(&fixture, &net, resunet_name, &loss);
    }
}
