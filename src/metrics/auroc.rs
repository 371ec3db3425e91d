//! Area under the receiver operating characteristic.

/// The chance that a random abnormal case (`true`) scores higher than a random normal one; ties count half
/// (scikit-learn `roc_auc_score`). None when one of the classes is empty or a score is not a number.
#[must_use]
pub fn auroc(cases: &[(f64, bool)]) -> Option<f64> {
    if cases.iter().any(|(score, _)| score.is_nan()) {
        return None;
    }
    let mut sorted = cases.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let abnormal = sorted.iter().filter(|c| c.1).count();
    let normal = sorted.len() - abnormal;
    if abnormal == 0 || normal == 0 {
        return None;
    }
    // Sum of (mid)ranks of the abnormal cases: the Mann-Whitney statistic.
    let (mut rank_sum, mut start) = (0.0, 0);
    while start < sorted.len() {
        let tied = sorted[start..].iter().take_while(|c| c.0 == sorted[start].0).count();
        let midrank = start as f64 + f64::midpoint(tied as f64, 1.0);
        rank_sum += midrank * sorted[start..start + tied].iter().filter(|c| c.1).count() as f64;
        start += tied;
    }
    let least = abnormal as f64 * (abnormal as f64 + 1.0) / 2.0;
    Some((rank_sum - least) / (abnormal as f64 * normal as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hand_counted_cases() {
        let cases = |scores: &[f64], labels: &[bool]| -> Vec<(f64, bool)> {
            scores.iter().copied().zip(labels.iter().copied()).collect()
        };
        let labels = [false, false, true, true];
        assert_eq!(auroc(&cases(&[0.1, 0.4, 0.35, 0.8], &labels)), Some(0.75));
        assert_eq!(auroc(&cases(&[0.5, 0.5, 0.5, 0.5], &labels)), Some(0.5));
        assert_eq!(auroc(&cases(&[0.5, 0.1], &[true, true])), None);
        assert_eq!(auroc(&cases(&[f64::NAN, 0.1], &[true, false])), None);
    }
}
