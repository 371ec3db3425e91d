//! Bringing the events of another project file into this one: every event of both stays, none comes twice.

use super::{Project, ProjectError};
use std::path::Path;

/// What a merge brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Merged {
    /// Cases that were new.
    pub cases: usize,
    /// Label events that were new.
    pub labels: usize,
    /// Measurement events that were new.
    pub measurements: usize,
    /// Analyses that were new.
    pub analyses: usize,
}

const CASES: &str = "
INSERT INTO main.cases (sha256, path, first_opened_utc)
SELECT sha256, path, first_opened_utc FROM other.cases
WHERE sha256 NOT IN (SELECT sha256 FROM main.cases) ORDER BY id";

const PATHS: &str = "
UPDATE main.cases SET path = (SELECT path FROM other.cases AS there WHERE there.sha256 = cases.sha256)
WHERE path IS NULL";

const LABELS: &str = "
INSERT INTO main.label_events (uid, case_id, side, structure, label, anomaly, severity, confidence, note, turn, undoes, rater,
    session, blinded, ai_seen, ai_score, model_sha256, duration_ms, version, time_utc)
SELECT uid, here.id, side, structure, label, anomaly, severity, confidence, note, turn, undoes, rater,
    session, blinded, ai_seen, ai_score, model_sha256, duration_ms, version, time_utc
FROM other.label_events AS e
JOIN other.cases AS there ON there.id = e.case_id JOIN main.cases AS here ON here.sha256 = there.sha256
WHERE uid NOT IN (SELECT uid FROM main.label_events) ORDER BY e.id";

const MEASUREMENTS: &str = "
INSERT INTO main.measurement_events (case_id, measurement, measured, name, rater, session, version, time_utc)
SELECT here.id, measurement, measured, name, rater, session, version, time_utc
FROM other.measurement_events AS e
JOIN other.cases AS there ON there.id = e.case_id JOIN main.cases AS here ON here.sha256 = there.sha256
WHERE NOT EXISTS (
    SELECT 1 FROM main.measurement_events AS m
    WHERE m.case_id = here.id AND m.measurement = e.measurement AND m.rater = e.rater AND m.session = e.session
        AND m.time_utc = e.time_utc AND m.measured IS e.measured
) ORDER BY e.time_utc, e.id";

const ANALYSES: &str = "
INSERT INTO main.analyses
    (uid, case_id, side, residual, probability, features, residual_sha256, classifier_sha256, version, time_utc)
SELECT uid, here.id, side, residual, probability, features, residual_sha256, classifier_sha256, version, time_utc
FROM other.analyses AS a
JOIN other.cases AS there ON there.id = a.case_id JOIN main.cases AS here ON here.sha256 = there.sha256
WHERE uid NOT IN (SELECT uid FROM main.analyses) ORDER BY a.id";

impl Project {
    /// Takes over every event of another project file that is not here yet, all or none. No event of the other file changes,
    /// but it is opened as if it were worked with: it is backed up, and one of an older program is brought to this version.
    ///
    /// # Errors
    /// [`ProjectError`] of either file.
    pub fn merge(&self, other: &Path) -> Result<Merged, ProjectError> {
        // Checked, brought to this version, and closed again.
        drop(Self::open_existing(other)?);
        let attach = self.db.execute("ATTACH DATABASE ?1 AS other", [other.to_string_lossy()]);
        attach.map_err(|e| self.failed("read", e))?;
        let write = || {
            let transaction = self.db.unchecked_transaction()?;
            let merged = Merged {
                cases: transaction.execute(CASES, [])?,
                labels: transaction.execute(LABELS, [])?,
                measurements: transaction.execute(MEASUREMENTS, [])?,
                analyses: transaction.execute(ANALYSES, [])?,
            };
            transaction.execute(PATHS, [])?;
            transaction.commit()?;
            Ok(merged)
        };
        let merged = write().map_err(|e| self.failed("written", e));
        self.db.execute_batch("DETACH DATABASE other").map_err(|e| self.failed("read", e))?;
        merged
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::project::{CaseId, EventId, Label, LabelEvent, Reading, Rows};
    use crate::space::Side;
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;
    use std::collections::{BTreeMap, BTreeSet};

    /// What a simple program would remember: every event with its place in the order.
    #[derive(Clone, Default)]
    struct Model {
        events: BTreeMap<Subject, BTreeMap<Turn, Option<Label>>>,
    }

    /// Case, side, rater.
    type Subject = (String, char, String);
    /// Turn, time, name.
    type Turn = (usize, String, String);

    impl Model {
        fn current(&self) -> BTreeSet<(String, char, String, Label)> {
            let newest = |(key, events): (&Subject, &BTreeMap<Turn, Option<Label>>)| {
                let (case, side, rater) = key.clone();
                events.values().next_back().copied().flatten().map(|label| (case, side, rater, label))
            };
            self.events.iter().filter_map(newest).collect()
        }

        fn merge(&mut self, other: &Self) {
            for (key, events) in &other.events {
                self.events.entry(key.clone()).or_default().extend(events.clone());
            }
        }
    }

    fn current(project: &Project) -> BTreeSet<(String, char, String, Label)> {
        let rows = project.label_rows(Rows::Current, None).unwrap();
        rows.into_iter().map(|row| (row.case_sha256, row.side.letter(), row.rater, row.label.unwrap())).collect()
    }

    fn write(
        project: &Project,
        model: &mut Model,
        case: (CaseId, &str),
        side: Side,
        rater: &str,
        label: Option<Label>,
        undoes: Option<EventId>,
    ) -> EventId {
        let event = LabelEvent::new(case.0, side, rater.to_owned(), "s".to_owned());
        let id = project.record(&LabelEvent { reading: label.map(Reading::of), undoes, ..event }).unwrap();
        let events = model.events.entry((case.1.to_owned(), side.letter(), rater.to_owned())).or_default();
        let turn = events.keys().next_back().map_or(1, |(turn, ..)| turn + 1);
        let read = "SELECT time_utc, uid FROM label_events WHERE id = ?1";
        let (time, uid) = project.db.query_row(read, [id.0], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
        events.insert((turn, time, uid), label);
        id
    }

    #[test]
    fn any_sequence_of_labels_undos_redos_and_merges_gives_what_a_simple_model_gives() {
        for seed in 0..12 {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            let folder = tempfile::tempdir().unwrap();
            let paths = ["a.antrum", "b.antrum"].map(|name| folder.path().join(name));
            let projects = paths.each_ref().map(|path| Project::open(path).unwrap());
            let mut models = [Model::default(), Model::default()];
            // (file, case, side, rater, before, after, event)
            let (mut done, mut undone) = (Vec::new(), Vec::new());
            for _ in 0..60 {
                let file = rng.random_range(0..2_usize);
                match rng.random_range(0..10) {
                    0 => {
                        let other = 1 - file;
                        projects[file].merge(&paths[other]).unwrap();
                        let theirs = models[other].clone();
                        models[file].merge(&theirs);
                        assert_eq!(projects[file].merge(&paths[other]).unwrap(), Merged::default(), "nothing twice");
                    }
                    kind @ 1..=3 => {
                        let (from, to) = if kind < 3 { (&mut done, &mut undone) } else { (&mut undone, &mut done) };
                        let Some((file, name, side, rater, before, after, event)) = from.pop() else { continue };
                        let (project, model): (&Project, _) = (&projects[file], &mut models[file]);
                        let case = project.case(name, None).unwrap();
                        let (label, undoes) = if kind < 3 { (before, Some(event)) } else { (after, None) };
                        let event = write(project, model, (case, name), side, rater, label, undoes);
                        to.push((file, name, side, rater, before, after, event));
                    }
                    _ => {
                        let name = ["one", "two", "three"][rng.random_range(0..3)];
                        let (side, rater) =
                            (Side::BOTH[rng.random_range(0..2)], ["anna", "ben"][rng.random_range(0..2)]);
                        let after = Some(Label::ALL[rng.random_range(0..4)]);
                        let case = projects[file].case(name, None).unwrap();
                        let labels = projects[file].labels(case, rater).unwrap();
                        let before = labels[side.index()].as_ref().map(|reading| reading.label);
                        let event = write(&projects[file], &mut models[file], (case, name), side, rater, after, None);
                        done.push((file, name, side, rater, before, after, event));
                        undone.clear();
                    }
                }
                for (project, model) in projects.iter().zip(&models) {
                    assert_eq!(current(project), model.current(), "seed {seed}");
                }
            }
            projects[0].merge(&paths[1]).unwrap();
            projects[1].merge(&paths[0]).unwrap();
            assert_eq!(current(&projects[0]), current(&projects[1]), "in whatever order they are merged");
        }
    }

    #[test]
    fn the_later_measurement_counts_in_whatever_order_files_are_merged() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a.antrum", "b.antrum"].map(|name| folder.path().join(name));
        let [a, b] = paths.each_ref().map(|path| Project::open(path).unwrap());
        let write = |project: &Project, measured: Option<&str>, time: &str| {
            let case = project.case("abc", None).unwrap();
            let write = "INSERT INTO measurement_events (case_id, measurement, measured, name, rater, session, version, time_utc)
                         VALUES (?1, 7, ?2, '', 'anna', 's', '', ?3)";
            project.db.execute(write, rusqlite::params![case.0, measured, time]).unwrap();
        };
        write(&a, Some("1"), "2026-01-01T00:00:00.000Z");
        write(&a, None, "2026-01-01T00:00:03.000Z");
        write(&b, Some("2"), "2026-01-01T00:00:02.000Z");
        assert_eq!(a.merge(&paths[1]).unwrap().measurements, 1);
        assert_eq!(b.merge(&paths[0]).unwrap().measurements, 2);
        for project in [&a, &b] {
            assert!(project.measurements(None, None).unwrap().is_empty(), "it was deleted last");
        }
    }

    #[test]
    fn cases_are_the_same_by_their_data_and_sides_stay_theirs() {
        let folder = tempfile::tempdir().unwrap();
        let paths = ["a.antrum", "b.antrum"].map(|name| folder.path().join(name));
        let [here, there] = paths.each_ref().map(|path| Project::open(path).unwrap());
        let _other = here.case("def", None).unwrap();
        let case = there.case("abc", None).unwrap();
        let event = LabelEvent::new(case, Side::Right, "ben".to_owned(), "s".to_owned());
        there.record(&LabelEvent { reading: Some(Reading::of(Label::Anomalous)), ..event }).unwrap();
        let merged = here.merge(&paths[1]).unwrap();
        assert_eq!(merged, Merged { cases: 1, labels: 1, ..Merged::default() });
        let case = here.case("abc", None).unwrap();
        assert_eq!(here.labels(case, "ben").unwrap(), [None, Some(Reading::of(Label::Anomalous))]);
        let missing = folder.path().join("none.antrum");
        assert!(here.merge(&missing).is_err() && !missing.exists());
    }
}
