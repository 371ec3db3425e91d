//! Label events: writing them, and what counts now.

use super::label::{AnomalyType, Label, LabelEvent, Reading};
use super::{CaseId, EventId, Project, ProjectError};
use crate::space::Side;
use rusqlite::{Row, params};
use std::collections::HashMap;

impl Project {
    /// Appends an event; it is on disk when this returns.
    ///
    /// # Errors
    /// [`ProjectError::Database`]; nothing was recorded then.
    pub fn record(&self, event: &LabelEvent) -> Result<EventId, ProjectError> {
        self.insert(event).map_err(|e| self.failed("written", e))
    }

    /// Appends events, all or none; they are on disk when this returns.
    ///
    /// # Errors
    /// [`ProjectError::Database`]; nothing was recorded then.
    pub fn record_all(&self, events: &[LabelEvent]) -> Result<(), ProjectError> {
        let write = || {
            // Dropped before it is committed, it is rolled back.
            let transaction = self.db.unchecked_transaction()?;
            for event in events {
                self.insert(event)?;
            }
            transaction.commit()
        };
        write().map_err(|e| self.failed("written", e))
    }

    fn insert(&self, event: &LabelEvent) -> rusqlite::Result<EventId> {
        let reading = event.reading.as_ref();
        let mut insert = self.db.prepare_cached(
            "INSERT INTO label_events
             (uid, case_id, side, label, anomaly, severity, confidence, note, turn, undoes, rater, session, blinded,
              ai_seen, ai_score, model_sha256, duration_ms, version)
             VALUES (lower(hex(randomblob(16))), ?1, ?2, ?3, ?4, ?5, ?6, ?7,
              1 + coalesce((SELECT max(turn) FROM label_events WHERE case_id = ?1 AND side = ?2 AND rater = ?9), 0),
              (SELECT uid FROM label_events WHERE id = ?8), ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        )?;
        insert.execute(params![
            event.case.0,
            event.side.letter().to_string(),
            reading.map(|reading| reading.label.name()),
            reading.and_then(|reading| reading.anomaly).map(AnomalyType::name),
            reading.and_then(|reading| reading.severity),
            reading.and_then(|reading| reading.confidence),
            reading.map_or("", |reading| &reading.note),
            event.undoes.map(|e| e.0),
            event.rater,
            event.session,
            event.blinded,
            event.ai_seen,
            event.ai_score,
            event.model_sha256,
            event.duration_ms,
            env!("CARGO_PKG_VERSION"),
        ])?;
        Ok(EventId(self.db.last_insert_rowid()))
    }

    /// The name of an event, the same in every copy of the project.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn uid(&self, event: EventId) -> Result<String, ProjectError> {
        let uid = self.db.query_row("SELECT uid FROM label_events WHERE id = ?1", [event.0], |row| row.get(0));
        uid.map_err(|e| self.failed("read", e))
    }

    /// What a rater says of a case now, by [`Side::index`].
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn labels(&self, case: CaseId, rater: &str) -> Result<[Option<Reading>; 2], ProjectError> {
        let read = || {
            let mut query = self.db.prepare_cached(
                "SELECT side, label, anomaly, severity, confidence, note FROM current_labels
                 WHERE case_id = ?1 AND rater = ?2",
            )?;
            let mut labels = [None, None];
            let mut rows = query.query(params![case.0, rater])?;
            while let Some(row) = rows.next()? {
                if let Some((side, reading)) = sided(row)? {
                    labels[side.index()] = Some(reading);
                }
            }
            Ok(labels)
        };
        read().map_err(|e| self.failed("read", e))
    }

    /// What a rater says now of every case of which he said anything, by [`Side::index`].
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn all_labels(&self, rater: &str) -> Result<HashMap<CaseId, [Option<Label>; 2]>, ProjectError> {
        let read = || {
            // One pass over the index: a rater may have labelled very many cases.
            let mut query = self.db.prepare(
                "SELECT side, label, case_id FROM label_events
                 WHERE rater = ?1 ORDER BY case_id, side, turn, time_utc, uid",
            )?;
            let mut labels: HashMap<CaseId, [Option<Label>; 2]> = HashMap::new();
            let mut rows = query.query([rater])?;
            while let Some(row) = rows.next()? {
                let label = row.get::<_, Option<String>>(1)?;
                let of_case = labels.entry(CaseId(row.get(2)?)).or_default();
                of_case[side(row, 0)?.index()] = label.as_deref().and_then(Label::from_name);
            }
            Ok(labels)
        };
        read().map_err(|e| self.failed("read", e))
    }
}

/// The side that a column of a row holds.
pub(super) fn side(row: &Row<'_>, column: usize) -> rusqlite::Result<Side> {
    let letter: String = row.get(column)?;
    Side::from_letter(&letter).ok_or(rusqlite::Error::InvalidColumnType(column, letter, rusqlite::types::Type::Text))
}

/// Side and reading of a row that begins with `side, label, anomaly, severity, confidence, note`; none of a label taken back.
pub(super) fn sided(row: &Row<'_>) -> rusqlite::Result<Option<(Side, Reading)>> {
    let text = |column: usize| row.get::<_, Option<String>>(column);
    let Some(label) = text(1)?.as_deref().and_then(Label::from_name) else { return Ok(None) };
    let reading = Reading {
        label,
        anomaly: text(2)?.as_deref().and_then(AnomalyType::from_name),
        severity: row.get(3)?,
        confidence: row.get(4)?,
        note: row.get(5)?,
    };
    Ok(Some((side(row, 0)?, reading)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::path::Path;

    fn event(case: CaseId, side: Side, label: Option<Label>) -> LabelEvent {
        let rater = "me".to_owned();
        LabelEvent { reading: label.map(Reading::of), ..LabelEvent::new(case, side, rater, "today".to_owned()) }
    }

    #[test]
    fn labels_stay_on_their_side_and_outlive_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new folder/study.antrum");
        let project = Project::open(&path).unwrap();
        let case = project.case("abc", Some(Path::new("/a.nii"))).unwrap();
        let cyst = Reading {
            anomaly: Some(AnomalyType::Cyst),
            severity: Some(1),
            confidence: Some(90),
            note: "floor, 9 mm".to_owned(),
            ..Reading::of(Label::Anomalous)
        };
        project.record(&LabelEvent { reading: Some(cyst.clone()), ..event(case, Side::Left, None) }).unwrap();
        assert_eq!(project.labels(case, "me").unwrap(), [Some(cyst.clone()), None]);
        drop(project);
        let project = Project::open(&path).unwrap();
        assert_eq!(project.case("abc", None).unwrap(), case);
        assert_eq!(project.labels(case, "me").unwrap()[Side::Left.index()], Some(cyst));
        assert_eq!(project.labels(case, "somebody else").unwrap(), [None, None]);
        assert_eq!(project.all_labels("me").unwrap()[&case], [Some(Label::Anomalous), None]);
    }

    #[test]
    fn an_undo_is_an_event_and_nothing_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::open(&folder.path().join("p.antrum")).unwrap();
        let case = project.case("abc", None).unwrap();
        let first = project.record(&event(case, Side::Right, Some(Label::Normal))).unwrap();
        project.record(&LabelEvent { undoes: Some(first), ..event(case, Side::Right, None) }).unwrap();
        assert_eq!(project.labels(case, "me").unwrap(), [None, None]);
        assert_eq!(project.all_labels("me").unwrap()[&case], [None, None]);
        let events: i64 = project.db.query_row("SELECT count(*) FROM label_events", [], |r| r.get(0)).unwrap();
        assert_eq!(events, 2);
        assert!(project.db.execute("DELETE FROM label_events", []).is_err());
        assert!(project.db.execute("UPDATE label_events SET label = 'normal'", []).is_err());
    }

    #[test]
    fn a_clock_that_was_set_back_hides_no_newer_label() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::open(&folder.path().join("p.antrum")).unwrap();
        let case = project.case("abc", None).unwrap();
        project.record(&event(case, Side::Left, Some(Label::Normal))).unwrap();
        let later = "INSERT INTO label_events
            (uid, case_id, side, label, turn, rater, session, blinded, ai_seen, version, time_utc)
            SELECT 'x', case_id, side, 'uncertain', turn + 1, rater, session, 0, 0, version, '2001-01-01T00:00:00.000Z'
            FROM label_events";
        project.db.execute(later, []).unwrap();
        assert_eq!(project.labels(case, "me").unwrap()[0], Some(Reading::of(Label::Uncertain)));
        project.record(&event(case, Side::Left, Some(Label::Anomalous))).unwrap();
        assert_eq!(project.labels(case, "me").unwrap()[0], Some(Reading::of(Label::Anomalous)));
        assert!(project.record_all(&[event(case, Side::Left, None), event(CaseId(99), Side::Left, None)]).is_err());
        assert_eq!(project.labels(case, "me").unwrap()[0], Some(Reading::of(Label::Anomalous)), "all or none");
    }
}
