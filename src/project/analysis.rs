//! What the networks said of a case, with the weights they said it with.

use super::{CaseId, Project, ProjectError};
use crate::space::Side;
use rusqlite::params;

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
                            AND id = (SELECT max(id) FROM analyses WHERE case_id = ?1 AND side = ?2)
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
}
