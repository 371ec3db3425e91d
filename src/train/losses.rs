//! Losses that several methods share.

use burn::tensor::activation::{log_softmax, softplus};
use burn::tensor::{Tensor, TensorData};

/// Binary cross-entropy of logits against shares from 0 to 1, mean over all values.
#[must_use]
pub fn bce<const D: usize>(logits: Tensor<D>, target: Tensor<D>) -> Tensor<1> {
    (softplus(logits.clone(), 1.0) - logits * target).mean()
}

/// Cross-entropy of logits `[batch, classes]` against one class each; classes count by `weights`, the mean is of weights.
#[must_use]
pub fn cross_entropy(logits: Tensor<2>, classes: &[usize], weights: &[f64]) -> Tensor<1> {
    let shape = logits.dims();
    let weight = |class: usize| weights.get(class).copied().unwrap_or(1.0);
    let all: f64 = classes.iter().map(|&class| weight(class)).sum();
    let mut wanted = vec![0.0_f32; shape[0] * shape[1]];
    for (row, &class) in wanted.chunks_mut(shape[1]).zip(classes) {
        row[class] = (weight(class) / all) as f32;
    }
    let wanted = Tensor::from_data(TensorData::new(wanted, shape), &logits.device());
    -(log_softmax(logits, 1) * wanted).sum()
}

/// SimSiam (Chen 2021): minus the mean cosine between what is predicted from each view and the projection of the other,
/// which is held still. Shapes `[batch, length]`; from -1 (the same direction) to 1.
#[must_use]
pub fn sim_siam(predictions: [Tensor<2>; 2], projections: [Tensor<2>; 2]) -> Tensor<1> {
    let [p1, p2] = predictions.map(unit);
    let [z1, z2] = projections.map(|z| unit(z.detach()));
    let cosine = |a: Tensor<2>, b: Tensor<2>| (a * b).sum_dim(1).mean();
    -(cosine(p1, z2) + cosine(p2, z1)) / 2.0
}

/// NT-Xent (Chen 2020): each projection must find that of the other view of its sample among all others. Shapes
/// `[batch, length]`.
#[must_use]
pub fn nt_xent(projections: &[Tensor<2>; 2], temperature: f64) -> Tensor<1> {
    let all = unit(Tensor::cat(projections.to_vec(), 0));
    let count = all.dims()[0];
    let likeness = all.clone().matmul(all.transpose()) / temperature;
    let itself = Tensor::<2>::eye(count, &likeness.device()) * 1e9;
    let other: Vec<usize> = (0..count).map(|i| (i + count / 2) % count).collect();
    cross_entropy(likeness - itself, &other, &vec![1.0; count])
}

/// Rows of length 1.
fn unit(rows: Tensor<2>) -> Tensor<2> {
    let length = rows.clone().square().sum_dim(1).sqrt().clamp_min(1e-8);
    rows / length
}
