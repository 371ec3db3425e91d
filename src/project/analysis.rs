//! What the networks said of a case, with the weights they said it with.

use super::events::side;
use super::{CaseId, Project, ProjectError};
use crate::space::Side;
use rusqlite::params;
use std::collections::HashMap;

/// The figures of one sinus from one analysis.
#[derive(Clone, Debug, PartialEq)]
pub struct AnalysisRecord {
    /// The sinus.
    pub side: Side,
    /// Mean of the residual map.
    pub residual: f64,
    /// Probability of disease, 0 to 1; none without a classifier.
    pub probability: Option<f64>,
    /// The classifier's features of the sinus.
    pub features: Option<Vec<f32>>,
    /// By what the map was made: SHA-256 of its weights, and how. Scores of maps made otherwise are of another scale.
    pub residual_by: String,
    /// The weights of the classifier.
    pub classifier_sha256: Option<String>,
}

impl Project {
    /// Keeps what an analysis said of a case, unless the one before said just that.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn keep_analysis(&self, case: CaseId, records: &[AnalysisRecord]) -> Result<(), ProjectError> {
        let write = || {
            let transaction = self.db.unchecked_transaction()?;
            for record in records {
                transaction.execute(
                    "INSERT INTO analyses
                     (uid, case_id, side, residual, probability, residual_sha256, classifier_sha256, version, features)
                     SELECT lower(hex(randomblob(16))), ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8
                     WHERE NOT EXISTS (
                        SELECT 1 FROM analyses WHERE residual IS ?3 AND probability IS ?4
                            AND residual_sha256 IS ?5 AND classifier_sha256 IS ?6
                            AND id = (
                                SELECT id FROM analyses WHERE case_id = ?1 AND side = ?2
                                ORDER BY time_utc DESC, id DESC LIMIT 1
                            )
                     )",
                    params![
                        case.0,
                        record.side.letter().to_string(),
                        record.residual,
                        record.probability,
                        record.residual_by,
                        record.classifier_sha256,
                        env!("CARGO_PKG_VERSION"),
                        record
                            .features
                            .as_ref()
                            .map(|values| values.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>()),
                    ],
                )?;
            }
            transaction.commit()
        };
        write().map_err(|e| self.failed("written", e))
    }

    /// How probable the classifier called disease in each sinus of each analysed case, as last analysed; by
    /// [`Side::index`].
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn probabilities(&self) -> Result<HashMap<CaseId, [Option<f64>; 2]>, ProjectError> {
        let read = || {
            // One pass: what was said last counts.
            let mut query = self.db.prepare("SELECT case_id, side, probability FROM analyses ORDER BY time_utc, id")?;
            let mut cases: HashMap<CaseId, [Option<f64>; 2]> = HashMap::new();
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                cases.entry(CaseId(row.get(0)?)).or_default()[side(row, 1)?.index()] = row.get(2)?;
            }
            Ok(cases)
        };
        read().map_err(|e| self.failed("read", e))
    }

    /// The classifier's features of each sinus of a case, as last analysed; by [`Side::index`].
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn features(&self, case: CaseId) -> Result<[Option<Vec<f32>>; 2], ProjectError> {
        let read = || {
            let mut query = self
                .db
                .prepare_cached("SELECT side, features FROM analyses WHERE case_id = ?1 ORDER BY time_utc, id")?;
            let mut sinuses = [None, None];
            let mut rows = query.query([case.0])?;
            while let Some(row) = rows.next()? {
                let bytes: Option<Vec<u8>> = row.get(1)?;
                let values = |bytes: Vec<u8>| bytes.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect();
                sinuses[side(row, 0)?.index()] = bytes.map(values);
            }
            Ok(sinuses)
        };
        read().map_err(|e| self.failed("read", e))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_last_of_a_sinus_counts() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::open(&folder.path().join("p.antrum")).unwrap();
        let [first, second, third] = ["01", "02", "03"].map(|sha| project.case(sha, None).unwrap());
        let record = |side, probability| AnalysisRecord {
            side,
            residual: 0.1,
            probability,
            features: probability.map(|p| vec![p as f32, -1.5]),
            residual_by: String::new(),
            classifier_sha256: None,
        };
        project.keep_analysis(first, &[record(Side::Left, Some(0.5)), record(Side::Right, Some(0.9))]).unwrap();
        project.keep_analysis(first, &[record(Side::Left, Some(0.25))]).unwrap();
        project.keep_analysis(second, &[record(Side::Left, Some(1.0))]).unwrap();
        project.keep_analysis(third, &[record(Side::Left, None)]).unwrap();
        let said = project.probabilities().unwrap();
        let of = |case: CaseId| [Side::Left, Side::Right].map(|side| said[&case][side.index()]);
        assert_eq!(of(first), [Some(0.25), Some(0.9)]);
        assert_eq!([of(second), of(third)], [[Some(1.0), None], [None, None]]);
        assert_eq!(project.features(first).unwrap(), [Some(vec![0.25, -1.5]), Some(vec![0.9, -1.5])]);
        assert_eq!(project.features(third).unwrap(), [None, None]);
    }
}
