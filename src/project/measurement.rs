//! What a reader measured, and the events that record it. What exactly was measured is a text that the project keeps as
//! it is given.

use super::{CaseId, Project, ProjectError};
use rusqlite::params;

/// A measurement's number: chosen by who makes it, never used twice for a case and rater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MeasurementId(pub i64);

/// One line of the append-only record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeasurementEvent {
    /// The scan.
    pub case: CaseId,
    /// Which measurement.
    pub id: MeasurementId,
    /// What was measured where, as JSON, from now on; none removes it.
    pub measured: Option<String>,
    /// What the reader calls it.
    pub name: String,
    /// Who measures.
    pub rater: String,
    /// One run of the program.
    pub session: String,
}

/// A measurement that counts now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMeasurement {
    /// SHA-256 of the scan's data.
    pub case_sha256: String,
    /// Which measurement.
    pub id: MeasurementId,
    /// What was measured where, as JSON.
    pub measured: String,
    /// What the reader calls it.
    pub name: String,
    /// Who measured.
    pub rater: String,
    /// The program's version.
    pub version: String,
    /// When, in UTC (ISO 8601).
    pub time_utc: String,
}

impl Project {
    /// Appends events, all or none; they are on disk when this returns.
    ///
    /// # Errors
    /// [`ProjectError::Database`]; nothing was recorded then.
    pub fn record_measurements(&self, events: &[MeasurementEvent]) -> Result<(), ProjectError> {
        let write = || {
            // Dropped before it is committed, it is rolled back.
            let transaction = self.db.unchecked_transaction()?;
            for event in events {
                transaction.execute(
                    "INSERT INTO measurement_events (case_id, measurement, measured, name, rater, session, version)
                     VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                    params![
                        event.case.0,
                        event.id.0,
                        event.measured,
                        event.name,
                        event.rater,
                        event.session,
                        env!("CARGO_PKG_VERSION"),
                    ],
                )?;
            }
            transaction.commit()
        };
        write().map_err(|e| self.failed("written", e))
    }

    /// The measurements that count now, of one case or all and of one rater or all, in the order in which they were made.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn measurements(
        &self,
        case: Option<CaseId>,
        rater: Option<&str>,
    ) -> Result<Vec<KeptMeasurement>, ProjectError> {
        let read = || {
            let mut query = self.db.prepare(
                "SELECT sha256, measurement, measured, name, rater, version, time_utc
                 FROM current_measurements AS m JOIN cases ON cases.id = m.case_id
                 WHERE (?1 IS NULL OR case_id = ?1) AND (?2 IS NULL OR rater = ?2)
                 ORDER BY case_id, rater, measurement",
            )?;
            let kept = query.query_map(params![case.map(|case| case.0), rater], |row| {
                Ok(KeptMeasurement {
                    case_sha256: row.get(0)?,
                    id: MeasurementId(row.get(1)?),
                    measured: row.get(2)?,
                    name: row.get(3)?,
                    rater: row.get(4)?,
                    version: row.get(5)?,
                    time_utc: row.get(6)?,
                })
            })?;
            kept.collect::<Result<_, _>>()
        };
        read().map_err(|e| self.failed("read", e))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn event(case: CaseId, id: i64, measured: Option<&str>, rater: &str) -> MeasurementEvent {
        MeasurementEvent {
            case,
            id: MeasurementId(id),
            measured: measured.map(str::to_owned),
            name: "canine".to_owned(),
            rater: rater.to_owned(),
            session: "today".to_owned(),
        }
    }

    #[test]
    fn the_newest_event_of_each_measurement_and_rater_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.antrum");
        let project = Project::open(&path).unwrap();
        let (case, other) = (project.case("abc", None).unwrap(), project.case("def", None).unwrap());
        project.record_measurements(&[event(case, 7, Some("1"), "me"), event(case, 8, Some("2"), "me")]).unwrap();
        project.record_measurements(&[event(case, 7, Some("3"), "me"), event(other, 7, Some("4"), "me")]).unwrap();
        project.record_measurements(&[event(case, 7, Some("5"), "you")]).unwrap();
        project.record_measurements(&[event(case, 8, None, "me")]).unwrap();
        drop(project);
        let project = Project::open(&path).unwrap();
        let texts = |case, rater| -> Vec<String> {
            project.measurements(case, rater).unwrap().into_iter().map(|kept| kept.measured).collect()
        };
        assert_eq!(texts(Some(case), Some("me")), ["3"]);
        assert_eq!(texts(Some(case), None), ["3", "5"]);
        assert_eq!(texts(None, Some("me")), ["3", "4"]);
        assert_eq!(texts(None, Some("nobody")), Vec::<String>::new());
        let kept = project.measurements(Some(other), None).unwrap().remove(0);
        assert_eq!((kept.case_sha256.as_str(), kept.name.as_str(), kept.id), ("def", "canine", MeasurementId(7)));
        assert!(kept.time_utc.starts_with("20") && kept.time_utc.ends_with('Z'), "{}", kept.time_utc);
    }

    #[test]
    fn events_come_all_or_none_and_are_never_edited() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::open(&folder.path().join("p.antrum")).unwrap();
        let case = project.case("abc", None).unwrap();
        let nowhere = CaseId(99);
        assert!(
            project.record_measurements(&[event(case, 1, Some("1"), "me"), event(nowhere, 2, None, "me")]).is_err()
        );
        assert!(project.measurements(None, None).unwrap().is_empty());
        project.record_measurements(&[event(case, 1, Some("1"), "me")]).unwrap();
        assert!(project.db.execute("UPDATE measurement_events SET name = ''", []).is_err());
        assert!(project.db.execute("DELETE FROM measurement_events", []).is_err());
    }
}
