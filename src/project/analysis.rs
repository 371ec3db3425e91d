//! What the networks said of a case, with the weights they said it with.

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
    /// The weights of the map.
    pub residual_sha256: String,
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
                     (uid, case_id, side, residual, probability, residual_sha256, classifier_sha256, version)
                     SELECT lower(hex(randomblob(16))), ?1, ?2, ?3, ?4, ?5, ?6, ?7
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
                        record.residual_sha256,
                        record.classifier_sha256,
                        env!("CARGO_PKG_VERSION"),
                    ],
                )?;
            }
            transaction.commit()
        };
        write().map_err(|e| self.failed("written", e))
    }

    /// How sure the classifier was of each analysed case, 0 (not at all) to 0.5: how far the probability of its more
    /// doubtful sinus is from one half, as last analysed.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn certainties(&self) -> Result<HashMap<CaseId, f64>, ProjectError> {
        let read = || {
            let mut query = self.db.prepare(
                "SELECT case_id, min(abs(probability - 0.5)) FROM analyses AS a
                 WHERE probability IS NOT NULL AND id = (
                    SELECT id FROM analyses WHERE case_id = a.case_id AND side = a.side
                    ORDER BY time_utc DESC, id DESC LIMIT 1
                 )
                 GROUP BY case_id",
            )?;
            let cases = query.query_map([], |row| Ok((CaseId(row.get(0)?), row.get(1)?)))?;
            cases.collect::<Result<_, _>>()
        };
        read().map_err(|e| self.failed("read", e))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_case_is_as_certain_as_its_more_doubtful_sinus_was_at_last() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::open(&folder.path().join("p.antrum")).unwrap();
        let [first, second, third] = ["01", "02", "03"].map(|sha| project.case(sha, None).unwrap());
        let record = |side, probability| AnalysisRecord {
            side,
            residual: 0.1,
            probability,
            residual_sha256: String::new(),
            classifier_sha256: None,
        };
        project.keep_analysis(first, &[record(Side::Left, Some(0.5)), record(Side::Right, Some(0.9))]).unwrap();
        project.keep_analysis(first, &[record(Side::Left, Some(0.25))]).unwrap();
        project.keep_analysis(second, &[record(Side::Left, Some(1.0))]).unwrap();
        project.keep_analysis(third, &[record(Side::Left, None)]).unwrap();
        assert_eq!(project.certainties().unwrap(), HashMap::from([(first, 0.25), (second, 0.5)]));
    }
}
