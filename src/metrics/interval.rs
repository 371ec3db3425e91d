//! Means of a few repetitions, and how sure they are.

/// Quantiles of Student's t at 97.5 %, by degrees of freedom from 1.
const T_975: [f64; 10] = [
    12.706_204_736,
    4.302_652_730,
    3.182_446_305,
    2.776_445_105,
    2.570_581_836,
    2.446_911_851,
    2.364_624_252,
    2.306_004_135,
    2.262_157_163,
    2.228_138_852,
];

/// Mean and half the width of its 95 % confidence interval, t(n − 1) · s / √n; no width of fewer than two values, none at all
/// of none. Beyond eleven values t is taken for that of eleven, which errs on the wide side.
#[must_use]
pub fn mean_and_ci95(values: &[f64]) -> Option<(f64, Option<f64>)> {
    let n = values.len();
    let mean = values.iter().sum::<f64>() / n as f64;
    let t = n.checked_sub(2).and_then(|index| T_975.get(index.min(T_975.len() - 1)));
    let half = t.map(|t| {
        let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
        t * (squares / (n as f64 - 1.0) / n as f64).sqrt()
    });
    (n > 0).then_some((mean, half))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_value_has_no_interval_and_none_no_mean() {
        assert_eq!(mean_and_ci95(&[]), None);
        assert_eq!(mean_and_ci95(&[0.4]), Some((0.4, None)));
        assert_eq!(mean_and_ci95(&[0.5; 5]), Some((0.5, Some(0.0))));
    }
}
