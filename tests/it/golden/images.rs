//! Percentiles, median filters, the residual chain, trilinear resizing, and the ROC.

use super::fixture::{Fixture, largest_difference};
use antrum::image::{median, percentile};
use antrum::methods::residual::infer::postprocess;
use antrum::nets::resize::trilinear;
use burn::tensor::{Device, Tensor, TensorData};

#[test]
fn golden_percentiles_and_rescaling() {
    let fixture = Fixture::load("C_image/rescale_and_median");
    let mut values = fixture.input(&fixture.json["inputs"], "rescale.v");
    for (percent, expected) in fixture.json["percentiles_numpy_linear_of_rescale.v"].as_object().unwrap() {
        let [ours] = percentile::percentiles(&values, [percent.parse().unwrap()]);
        assert!((ours - expected.as_f64().unwrap()).abs() < 1e-3, "percentile {percent}: {ours}");
    }
    percentile::rescale_1_99(&mut values);
    assert!(largest_difference(&values, &fixture.floats("rescale_p1_p99")) < 1e-6);
}

#[test]
fn golden_median_filters() {
    let fixture = Fixture::load("C_image/rescale_and_median");
    let values = fixture.input(&fixture.json["inputs"], "median.v");
    for k in [3, 5, 7] {
        let ours = median::filter(&values, [10, 11, 12], k);
        assert!(largest_difference(&ours, &fixture.floats(&format!("median{k}"))) < 1e-6, "median {k}");
    }
}

#[test]
fn golden_residual_chain() {
    let fixture = Fixture::load("C_image/rescale_and_median");
    let (x, reconstruction) = (fixture.floats("residual.x"), fixture.floats("residual.recon"));
    let residual: Vec<f32> = x.iter().zip(&reconstruction).map(|(a, b)| (a - b).abs()).collect();
    let ours = postprocess(residual, [16, 18, 20], 5);
    assert!(largest_difference(&ours, &fixture.floats("residual.mf5_reloaded")) < 1e-5);
}

#[test]
fn golden_trilinear_resizing() {
    let fixture = Fixture::load("C_image/resize");
    let device = Device::flex();
    let small = fixture.input(&fixture.json["inputs"], "v");
    for (name, size) in [("trilinear_x2", [12, 14, 10]), ("trilinear_to_9_5_8", [9, 5, 8])] {
        let x = Tensor::<5>::from_data(TensorData::new(small.clone(), [1, 2, 6, 7, 5]), &device);
        let ours = trilinear(x, size).into_data().try_into_vec::<f32>().unwrap();
        assert!(largest_difference(&ours, &fixture.floats(name)) < 1e-5, "{name}");
    }
    let big = fixture.input(&fixture.json["inputs"], "big");
    let x = Tensor::<5>::from_data(TensorData::new(big, [1, 1, 64, 64, 64]), &device);
    let ours = trilinear(x, [65; 3]).into_data().try_into_vec::<f32>().unwrap();
    assert!(fixture.distance("64_to_65", &ours) < 1e-5);
}
