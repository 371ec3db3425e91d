//! Which cases are worth a label first: those of which the classifier is least sure, and of these unlike ones before alike
//! ones, so that a few labels teach it much (uncertainty, then diversity: farthest first, Sener and Savarese 2018).

use super::{CaseId, Project, ProjectError};
use std::collections::HashMap;

/// Among so many of the most doubtful cases unlike ones come first; the others follow by doubt alone.
const WINDOW: usize = 200;

/// A case of which the classifier is more or less sure.
struct Doubtful {
    case: CaseId,
    doubt: f64,
    features: Vec<f32>,
}

impl Project {
    /// Those of some cases that were analysed, the most informative first. `probabilities` are those of
    /// [`Project::probabilities`].
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn informative(
        &self,
        cases: impl IntoIterator<Item = CaseId>,
        probabilities: &HashMap<CaseId, [Option<f64>; 2]>,
    ) -> Result<Vec<CaseId>, ProjectError> {
        let doubt = |case: CaseId| Some((case, doubt(probabilities.get(&case)?)?));
        let mut doubtful: Vec<(CaseId, (usize, f64))> = cases.into_iter().filter_map(doubt).collect();
        doubtful.sort_by(|(_, (_, a)), (_, (_, b))| b.total_cmp(a));
        let others = doubtful.split_off(doubtful.len().min(WINDOW));
        let seen = |(case, (side, doubt)): (CaseId, (usize, f64))| {
            Ok(Doubtful { case, doubt, features: self.features(case)?[side].take().unwrap_or_default() })
        };
        let first = unlike_first(doubtful.into_iter().map(seen).collect::<Result<_, ProjectError>>()?);
        Ok(first.into_iter().chain(others.into_iter().map(|(case, _)| case)).collect())
    }
}

/// The more doubtful sinus of a case, and how doubtful it is, 0 (sure) to 0.5: how near its probability is to one half.
fn doubt(probabilities: &[Option<f64>; 2]) -> Option<(usize, f64)> {
    let said = probabilities.iter().enumerate();
    let doubts = said.filter_map(|(side, probability)| Some((side, 0.5 - ((*probability)? - 0.5).abs())));
    doubts.max_by(|(_, a), (_, b)| a.total_cmp(b))
}

/// From the most doubtful one on, always the case that is at once most doubtful and least like those before it: doubt times
/// the distance of its features to the nearest of theirs. Where some have no features, all stay in the order of their doubt.
fn unlike_first(mut left: Vec<Doubtful>) -> Vec<CaseId> {
    if left.iter().any(|case| case.features.is_empty()) {
        return left.into_iter().map(|case| case.case).collect();
    }
    let mut order = Vec::new();
    let mut apart = vec![f64::INFINITY; left.len()];
    // The most doubtful one is the first of them.
    let mut next = (!left.is_empty()).then_some(0);
    while let Some(place) = next {
        let chosen = left.remove(place);
        apart.remove(place);
        for (case, apart) in left.iter().zip(&mut apart) {
            *apart = apart.min(distance(&case.features, &chosen.features));
        }
        order.push(chosen.case);
        let worth = |place: &usize| left[*place].doubt * apart[*place];
        // Of equals the more doubtful one, which is the first.
        next = (0..left.len()).rev().max_by(|a, b| worth(a).total_cmp(&worth(b)));
    }
    order
}

/// Of features of different classifiers nothing is known: they are not alike.
fn distance(a: &[f32], b: &[f32]) -> f64 {
    if a.len() != b.len() {
        return f64::MAX;
    }
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>().sqrt()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::project::AnalysisRecord;
    use crate::space::Side;

    #[test]
    fn doubtful_cases_come_first_and_of_these_unlike_ones() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::open(&folder.path().join("p.antrum")).unwrap();
        // Two alike, one unlike, a sure one, one without features, and one that was not analysed.
        let said: [(f64, Option<Vec<f32>>); 5] = [
            (0.48, Some(vec![1.0, 0.1])),
            (0.50, Some(vec![1.0, 0.0])),
            (0.30, Some(vec![0.0, 1.0])),
            (0.99, Some(vec![5.0, 5.0])),
            (0.45, None),
        ];
        let cases: Vec<CaseId> = (0..6).map(|n| project.case(&format!("0{n}"), None).unwrap()).collect();
        for (case, (probability, features)) in cases.iter().zip(said) {
            let record = |side, probability, features| AnalysisRecord {
                side,
                residual: 0.1,
                probability: Some(probability),
                features,
                residual_by: String::new(),
                classifier_sha256: None,
            };
            // Its other sinus is sure, and says nothing of how doubtful the case is.
            let records = [record(Side::Right, probability, features), record(Side::Left, 1.0, Some(vec![9.0, 9.0]))];
            project.keep_analysis(*case, &records).unwrap();
        }
        let probabilities = project.probabilities().unwrap();
        let places = |some: &[CaseId]| -> Vec<usize> {
            let order = project.informative(some.iter().copied(), &probabilities).unwrap();
            order.iter().map(|case| cases.iter().position(|other| other == case).unwrap()).collect()
        };
        assert_eq!(places(&cases[..4]), [1, 2, 3, 0]);
        assert_eq!(places(&cases), [1, 0, 4, 2, 3], "by doubt alone where one has no features");
        let some = project.informative(cases[..1].iter().copied(), &probabilities).unwrap();
        assert_eq!(some, cases[..1]);
    }
}
