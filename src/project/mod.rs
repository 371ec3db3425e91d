//! The project file: cases and what readers said of them, in one SQLite database.
//!
//! Labels and measurements are append-only events; nothing is ever edited or deleted. Undo is an event too. What counts
//! now are the views `current_labels`, the newest event per case, side and rater, and `current_measurements`, the newest
//! per case, measurement and rater. Every event is on disk before the call returns. Only where a reader last looked
//! (`view_states`) is overwritten.

mod label;
mod measurement;
mod schema;
mod view_state;

pub use label::{Label, LabelEvent};
pub use measurement::{KeptMeasurement, MeasurementEvent, MeasurementId};

use crate::space::Side;
use rusqlite::{Connection, OptionalExtension as _, params};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Marks a SQLite file as ours (`PRAGMA application_id`); "Antr" in ASCII.
const APPLICATION_ID: i64 = 0x416e_7472;

/// Why the project file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum ProjectError {
    /// The file belongs to something else.
    #[error("this is not an Antrum project ({reason}); choose another file: {}", path.display())]
    Foreign {
        /// What was found.
        reason: String,
        /// The file.
        path: PathBuf,
    },
    /// The database refused.
    #[error("the project file could not be {doing} ({source}); check that it is writable and the disk not full: {}", path.display())]
    Database {
        /// opened, read or written.
        doing: &'static str,
        /// SQLite's reason.
        source: rusqlite::Error,
        /// The file.
        path: PathBuf,
    },
    /// The folder for it cannot be made.
    #[error("the project's folder cannot be made ({source}): {}", path.display())]
    Folder {
        /// The operating system's reason.
        source: std::io::Error,
        /// The folder.
        path: PathBuf,
    },
}

/// An open project file.
pub struct Project {
    db: Connection,
    path: PathBuf,
}

/// A case's number in its project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CaseId(i64);

/// A scan that the project knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its number.
    pub id: CaseId,
    /// SHA-256 of its data.
    pub sha256: String,
}

/// An event's number in its project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EventId(i64);

impl Project {
    /// Opens a project file, or makes one.
    ///
    /// # Errors
    /// [`ProjectError`] when the file is not a project, or cannot be read and written.
    pub fn open(path: &Path) -> Result<Self, ProjectError> {
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder)
                .map_err(|source| ProjectError::Folder { source, path: folder.to_owned() })?;
        }
        let failed = |source| ProjectError::Database { doing: "opened", source, path: path.to_owned() };
        let db = Connection::open(path).map_err(failed)?;
        let mut project = Self { db, path: path.to_owned() };
        project.prepare()?;
        Ok(project)
    }

    fn prepare(&mut self) -> Result<(), ProjectError> {
        let number = |db: &Connection, pragma: &str| db.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        let foreign = |reason: String| ProjectError::Foreign { reason, path: self.path.clone() };
        self.db.busy_timeout(Duration::from_secs(1)).map_err(|e| self.failed("opened", e))?;
        let id = match number(&self.db, "application_id") {
            Ok(id) => id,
            Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
                return Err(foreign("it is no SQLite file".to_owned()));
            }
            Err(e) => return Err(self.failed("opened", e)),
        };
        let version = number(&self.db, "user_version").map_err(|e| self.failed("opened", e))?;
        let tables = self
            .db
            .query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0))
            .map_err(|e| self.failed("opened", e))?;
        if tables > 0 && id != APPLICATION_ID {
            return Err(foreign("it is another program's SQLite file".to_owned()));
        }
        let newest = schema::STEPS.len() as i64;
        if version > newest {
            return Err(foreign(format!("version {version} is newer than this program")));
        }
        // FULL: an acknowledged label survives a power cut, not only a crash of the program.
        let set_up = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;";
        self.db.execute_batch(set_up).map_err(|e| self.failed("opened", e))?;
        // A new file goes through all steps, one of an older program through those it lacks.
        let done = if tables == 0 { 0 } else { version.clamp(0, newest) as usize };
        let missing = schema::STEPS.get(done..).unwrap_or_default();
        if !missing.is_empty() {
            let make = format!(
                "BEGIN IMMEDIATE; {} PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {newest}; COMMIT;",
                missing.concat()
            );
            self.db.execute_batch(&make).map_err(|e| self.failed("written", e))?;
        }
        Ok(())
    }

    fn failed(&self, doing: &'static str, source: rusqlite::Error) -> ProjectError {
        ProjectError::Database { doing, source, path: self.path.clone() }
    }

    /// Where the project lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The case of a scan, recognised by the SHA-256 of its data wherever it lies now.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn case(&self, sha256: &str, path: Option<&Path>) -> Result<CaseId, ProjectError> {
        let path = path.map(|p| p.to_string_lossy().into_owned());
        self.db
            .query_row(
                "INSERT INTO cases (sha256, path) VALUES (?1, ?2)
                 ON CONFLICT (sha256) DO UPDATE SET path = coalesce(excluded.path, path) RETURNING id",
                params![sha256, path],
                |row| row.get(0).map(CaseId),
            )
            .map_err(|e| self.failed("written", e))
    }

    /// All cases in the order in which they were first opened.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn cases(&self) -> Result<Vec<Case>, ProjectError> {
        let read = || {
            let mut query = self.db.prepare("SELECT id, sha256 FROM cases ORDER BY id")?;
            let cases = query.query_map([], |row| Ok(Case { id: CaseId(row.get(0)?), sha256: row.get(1)? }))?;
            cases.collect::<Result<_, _>>()
        };
        read().map_err(|e| self.failed("read", e))
    }

    /// Appends an event; it is on disk when this returns.
    ///
    /// # Errors
    /// [`ProjectError::Database`]; nothing was recorded then.
    pub fn record(&self, event: &LabelEvent) -> Result<EventId, ProjectError> {
        self.db
            .execute(
                "INSERT INTO label_events
                 (case_id, side, label, undoes, rater, session, ai_seen, ai_score, model_sha256, version)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
                params![
                    event.case.0,
                    event.side.letter().to_string(),
                    event.label.map(Label::name),
                    event.undoes.map(|e| e.0),
                    event.rater,
                    event.session,
                    event.ai_seen,
                    event.ai_score,
                    event.model_sha256,
                    env!("CARGO_PKG_VERSION"),
                ],
            )
            .map_err(|e| self.failed("written", e))?;
        Ok(EventId(self.db.last_insert_rowid()))
    }

    /// What a rater says of a case now, by [`Side::index`].
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn labels(&self, case: CaseId, rater: &str) -> Result<[Option<Label>; 2], ProjectError> {
        let mut labels = [None; 2];
        for side in Side::BOTH {
            let name: Option<Option<String>> = self
                .db
                .query_row(
                    "SELECT label FROM current_labels WHERE case_id = ?1 AND side = ?2 AND rater = ?3",
                    params![case.0, side.letter().to_string(), rater],
                    |row| row.get(0),
                )
                .optional()
                .map_err(|e| self.failed("read", e))?;
            labels[side.index()] = name.flatten().as_deref().and_then(Label::from_name);
        }
        Ok(labels)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn event(case: CaseId, side: Side, label: Option<Label>) -> LabelEvent {
        let rater = "me".to_owned();
        LabelEvent { label, ..LabelEvent::new(case, side, rater, "today".to_owned()) }
    }

    #[test]
    fn labels_stay_on_their_side_and_outlive_the_program() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new folder/study.antrum");
        let project = Project::open(&path).unwrap();
        let case = project.case("abc", Some(Path::new("/a.nii"))).unwrap();
        project.record(&event(case, Side::Left, Some(Label::Anomalous))).unwrap();
        assert_eq!(project.labels(case, "me").unwrap(), [Some(Label::Anomalous), None]);
        drop(project);
        let project = Project::open(&path).unwrap();
        assert_eq!(project.case("abc", None).unwrap(), case);
        assert_eq!(project.labels(case, "me").unwrap()[Side::Left.index()], Some(Label::Anomalous));
        assert_eq!(project.labels(case, "somebody else").unwrap(), [None, None]);
    }

    #[test]
    fn an_undo_is_an_event_and_nothing_is_deleted() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::open(&folder.path().join("p.antrum")).unwrap();
        let case = project.case("abc", None).unwrap();
        let first = project.record(&event(case, Side::Right, Some(Label::Normal))).unwrap();
        project.record(&LabelEvent { undoes: Some(first), ..event(case, Side::Right, None) }).unwrap();
        assert_eq!(project.labels(case, "me").unwrap(), [None, None]);
        let events: i64 = project.db.query_row("SELECT count(*) FROM label_events", [], |r| r.get(0)).unwrap();
        assert_eq!(events, 2);
        assert!(project.db.execute("DELETE FROM label_events", []).is_err());
        assert!(project.db.execute("UPDATE label_events SET label = 'normal'", []).is_err());
    }

    #[test]
    fn a_file_of_version_1_keeps_its_labels_and_learns_to_keep_measurements() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.antrum");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(include_str!("../../tests/data/project_version_1.sql")).unwrap();
        drop(old);
        for _ in 0..2 {
            let project = Project::open(&path).unwrap();
            let version: i64 = project.db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
            assert_eq!(version, 2);
            let case = project.case("0f1e", None).unwrap();
            assert_eq!(project.labels(case, "anna").unwrap(), [Some(Label::Normal), Some(Label::Anomalous)]);
            assert_eq!(project.labels(case, "ben").unwrap(), [Some(Label::Uncertain), None]);
            assert!(project.measurements(None, None).unwrap().is_empty());
            assert_eq!(project.view_state(case, "anna").unwrap(), None);
        }
    }

    #[test]
    fn a_file_of_a_newer_program_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.antrum");
        drop(Project::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let refused = Project::open(&path).err().unwrap().to_string();
        assert!(refused.contains("version 99 is newer than this program"), "{refused}");
    }

    #[test]
    fn other_files_are_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let text = folder.path().join("notes.txt");
        std::fs::write(&text, "not a database, and long enough to be looked at as one by its header bytes").unwrap();
        assert!(matches!(Project::open(&text), Err(ProjectError::Foreign { .. })));
        assert!(std::fs::read_to_string(&text).unwrap().starts_with("not a database"));
        let other = folder.path().join("other.sqlite");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        assert!(matches!(Project::open(&other), Err(ProjectError::Foreign { .. })));
    }
}
