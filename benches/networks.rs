//! Times of the networks of paper 1, forwards and in training, at the sizes that PyTorch is timed at beside them.

#![allow(missing_docs, clippy::unwrap_used)]

use antrum::nets::{CaeConfig, Classifier, ResNetConfig, cpu};
use burn::tensor::{Distribution, Tensor};
use criterion::{Criterion, criterion_group, criterion_main};

fn crops(count: usize, device: &burn::tensor::Device) -> Tensor<5> {
    Tensor::random([count, 1, 64, 64, 64], Distribution::Default, device)
}

fn networks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("networks");
    group.sample_size(10);
    let (plain, learner) = (cpu(), cpu().autodiff());
    let net = CaeConfig::new().init(&plain).folded();
    let x = crops(2, &plain);
    group.bench_function("CAE, 2 crops", |b| b.iter(|| net.forward(x.clone()).into_data()));
    let net = CaeConfig::new().init(&learner);
    let x = crops(2, &learner);
    group.bench_function("CAE, 2 crops, training", |b| {
        b.iter(|| net.forward(x.clone()).square().mean().backward());
    });
    for (width, count) in [(64, 2), (16, 8)] {
        let config = ResNetConfig::new().with_width(width);
        let net = Classifier::new(&config, &plain).folded();
        let x = crops(count, &plain);
        let name = format!("ResNet18 of width {width}, {count} crops");
        group.bench_function(&name, |b| b.iter(|| net.forward(x.clone()).into_data()));
        let net = Classifier::new(&config, &learner);
        let x = crops(count, &learner);
        group.bench_function(format!("{name}, training"), |b| {
            b.iter(|| net.forward(x.clone()).square().mean().backward());
        });
    }
}

criterion_group!(benches, networks);
criterion_main!(benches);
