//! Precision and recall: average precision, the threshold of the best F1, F1.

/// Cases by falling score, and how many are abnormal; none when one of the classes is empty or a score is not a number.
fn ranked(cases: &[(f64, bool)]) -> Option<(Vec<(f64, bool)>, usize)> {
    let abnormal = cases.iter().filter(|case| case.1).count();
    if abnormal == 0 || abnormal == cases.len() || cases.iter().any(|(score, _)| score.is_nan()) {
        return None;
    }
    let mut ranked = cases.to_vec();
    ranked.sort_by(|a, b| b.0.total_cmp(&a.0));
    Some((ranked, abnormal))
}

/// At each distinct score, falling: the score, and how many cases and how many abnormal ones have at least it.
fn steps(ranked: &[(f64, bool)]) -> impl Iterator<Item = (f64, usize, usize)> {
    let mut found = 0;
    ranked.iter().enumerate().filter_map(move |(index, (score, abnormal))| {
        found += usize::from(*abnormal);
        let last = ranked.get(index + 1).is_none_or(|next| next.0 < *score);
        last.then_some((*score, index + 1, found))
    })
}

/// The mean of the precisions at each gain of recall (scikit-learn `average_precision_score`).
#[must_use]
pub fn average_precision(cases: &[(f64, bool)]) -> Option<f64> {
    let (ranked, abnormal) = ranked(cases)?;
    let (mut sum, mut before) = (0.0, 0);
    for (_, flagged, found) in steps(&ranked) {
        sum += (found - before) as f64 * found as f64 / flagged as f64;
        before = found;
    }
    Some(sum / abnormal as f64)
}

/// The smallest of the scores t for which calling a case abnormal from t on has the highest F1.
#[must_use]
pub fn best_f1_threshold(cases: &[(f64, bool)]) -> Option<f64> {
    let (ranked, abnormal) = ranked(cases)?;
    let f1 = |flagged: usize, found: usize| 2.0 * found as f64 / (flagged + abnormal) as f64;
    let best = steps(&ranked).fold(None, |best: Option<(f64, f64)>, (score, flagged, found)| {
        let f1 = f1(flagged, found);
        match best {
            Some((_, highest)) if highest > f1 => best,
            _ => Some((score, f1)),
        }
    });
    best.map(|(score, _)| score)
}

/// F1 of calling abnormal what scores above a threshold, as the published code of paper 1 applies it; none when a class is
/// empty.
#[must_use]
pub fn f1_above(cases: &[(f64, bool)], threshold: f64) -> Option<f64> {
    let (_, abnormal) = ranked(cases)?;
    let flagged = || cases.iter().filter(|case| case.0 > threshold);
    let found = flagged().filter(|case| case.1).count();
    Some(2.0 * found as f64 / (flagged().count() + abnormal) as f64)
}
