//! Times of what a reader waits for: the synthetic head, finding its sinuses, the residual map of one of them.

#![allow(missing_docs, clippy::unwrap_used)]

use antrum::job::Progress;
use antrum::methods::residual::region::Region;
use antrum::methods::residual::{InferConfig, Model};
use antrum::methods::sinus::{Crop, Finder};
use antrum::{nets, phantom};
use criterion::{Criterion, criterion_group, criterion_main};

fn analysis(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("analysis");
    group.sample_size(10);
    let progress = Progress::default();
    group.bench_function("synthetic head", |b| b.iter(|| phantom::example(&progress).unwrap()));
    let head = phantom::example(&progress).unwrap();
    let finder = Finder::built_in(&nets::cpu()).unwrap();
    group.bench_function("find", |b| b.iter(|| finder.find(&head.image, &progress).unwrap()));
    let model = Model::built_in(&nets::cpu()).unwrap();
    let truth = &head.sinuses[0];
    let crop = Crop::cut(&head.image, truth.side, truth.centre_mm);
    let region = Region::around(None, &crop.grid, &head.image.grid);
    group.bench_function("residual map", |b| {
        b.iter(|| model.finding(&crop, &region, InferConfig::default(), &progress).unwrap());
    });
}

criterion_group!(benches, analysis);
criterion_main!(benches);
