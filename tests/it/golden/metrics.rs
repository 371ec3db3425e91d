//! Ranking metrics against scikit-learn.

use super::fixture::Fixture;
use antrum::metrics::{auroc, average_precision, best_f1_threshold, f1_above, mean_and_ci95};

#[test]
fn golden_ranking_metrics() {
    let fixture = Fixture::load("D_metrics/binary");
    let cases = fixture.json["cases"].as_object().unwrap();
    assert!(cases.len() > 1);
    for (name, case) in cases {
        let numbers =
            |key: &str| -> Vec<f64> { case[key].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect() };
        let cases: Vec<(f64, bool)> =
            numbers("scores").into_iter().zip(numbers("labels").into_iter().map(|l| l > 0.5)).collect();
        let near = |ours: Option<f64>, theirs: &serde_json::Value, what: &str| match theirs.as_f64() {
            Some(theirs) => assert!((ours.unwrap() - theirs).abs() < 1e-9, "{name}, {what}: {ours:?}"),
            None => assert!(ours.is_none(), "{name}, {what}: {ours:?}"),
        };
        near(auroc(&cases), &case["auroc"], "AUROC");
        near(average_precision(&cases), &case["average_precision"], "average precision");
        let best = &case["best_f1"];
        near(best_f1_threshold(&cases), &best["threshold"], "threshold");
        let f1 = best["threshold"].as_f64().and_then(|threshold| f1_above(&cases, threshold));
        near(f1, &best["f1_gt_as_reference_applies_it"], "F1");
    }
    let five = &fixture.json["ci95_5folds"];
    let values: Vec<f64> = five["values"].as_array().unwrap().iter().map(|v| v.as_f64().unwrap()).collect();
    let (mean, half) = mean_and_ci95(&values).unwrap();
    assert!((mean - five["mean"].as_f64().unwrap()).abs() < 1e-9);
    assert!((half.unwrap() - five["half_width"].as_f64().unwrap()).abs() < 1e-9);
}
