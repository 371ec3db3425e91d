//! The project file: cases and what readers said of them, in one SQLite database.
//!
//! Labels and measurements are append-only events; nothing is ever edited or deleted. Undo is an event too. What counts
//! now are the views `current_labels`, the newest event per case, side and rater, and `current_measurements`, the newest
//! per case, measurement and rater. Every event is on disk before the call returns. Only where a reader last looked
//! (`view_states`) and where a case was last seen (`places`) is overwritten.

mod agreement;
mod analysis;
mod events;
mod import;
mod informative;
mod label;
mod measurement;
mod merge;
mod opening;
mod opinions;
mod rereading;
mod schema;
pub mod table;
mod view_state;

pub use agreement::{Agreement, Fleiss, ModelScore, Pair};
pub use analysis::AnalysisRecord;
pub use import::{Change, ImportError};
pub use label::{AnomalyType, Label, LabelEvent, MOST_SEVERE, Reading, severity_name};
pub use measurement::{KeptMeasurement, MeasurementEvent, MeasurementId};
pub use merge::Merged;
pub use opinions::Opinions;
pub use rereading::{first_reading, second_reading};
pub use table::{LabelRow, Rows, TableFormat, UnknownFormat};

use rusqlite::{Connection, params};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

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
    /// The file is damaged.
    #[error(
        "the project file is damaged ({reason}); keep it aside and copy the newest file of {} in its place: {}",
        back_ups.display(),
        path.display()
    )]
    Damaged {
        /// What SQLite found.
        reason: String,
        /// Where back-ups lie.
        back_ups: PathBuf,
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

/// What belongs to a project file lies beside it, under its name and an ending.
#[must_use]
pub fn beside(project: &Path, ending: &str) -> PathBuf {
    let mut name = project.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    project.with_file_name(name)
}

/// An open project file.
pub struct Project {
    db: Connection,
    path: PathBuf,
}

/// A case's number in its project.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CaseId(i64);

/// A name for this run of the program: start time and process.
#[must_use]
pub fn session_name() -> String {
    let since_1970 = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{}-{}", since_1970.as_secs(), std::process::id())
}

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
    fn damaged(&self, reason: String) -> ProjectError {
        ProjectError::Damaged { reason, back_ups: self.back_ups(), path: self.path.clone() }
    }

    fn failed(&self, doing: &'static str, source: rusqlite::Error) -> ProjectError {
        if source.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseCorrupt) {
            return self.damaged(source.to_string());
        }
        ProjectError::Database { doing, source, path: self.path.clone() }
    }

    /// The time now in UTC as DICOM writes it, `YYYYMMDDhhmmss`.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn now(&self) -> Result<String, ProjectError> {
        let now = self.db.query_row("SELECT strftime('%Y%m%d%H%M%S', 'now')", [], |row| row.get(0));
        now.map_err(|e| self.failed("read", e))
    }

    /// Where the project lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The case of a scan, recognised by the SHA-256 of its data wherever it lies now. Its path is kept as a whole one.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn case(&self, sha256: &str, path: Option<&Path>) -> Result<CaseId, ProjectError> {
        let path = path.map(|path| whole(path).to_string_lossy().into_owned());
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

    /// Remembers that a series of a path is a case, so that lists know its labels before it is read.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn seen_at(&self, path: &Path, series: &str, case: CaseId) -> Result<(), ProjectError> {
        let write = "INSERT INTO places (path, series, case_id) VALUES (?1, ?2, ?3)
                     ON CONFLICT (path, series) DO UPDATE SET case_id = excluded.case_id";
        let done = self.db.execute(write, params![whole(path).to_string_lossy(), series, case.0]);
        done.map(drop).map_err(|e| self.failed("written", e))
    }

    /// The cases of the series of a path, as far as they were ever opened there, or their files were; files that lie elsewhere
    /// are named by their whole paths.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn seen_in(&self, path: &Path) -> Result<HashMap<String, CaseId>, ProjectError> {
        let path = &whole(path);
        let read = || {
            let mut seen: HashMap<String, CaseId> = HashMap::new();
            let mut files = self.db.prepare("SELECT path, id FROM cases WHERE path IS NOT NULL")?;
            let mut rows = files.query([])?;
            while let Some(row) = rows.next()? {
                // A series that is one file is named by its path inside the folder.
                let file: String = row.get(0)?;
                match Path::new(&file).strip_prefix(path).ok().and_then(Path::to_str) {
                    Some(inside) => drop(seen.insert(inside.to_owned(), CaseId(row.get(1)?))),
                    None if Path::new(&file).is_absolute() => drop(seen.insert(file, CaseId(row.get(1)?))),
                    // Relative to a folder that nobody knows any more.
                    None => {}
                }
            }
            // A DICOM series is named by its UID, which has no letters, wherever its folder was opened.
            let mut query = self.db.prepare(
                "SELECT series, case_id FROM places WHERE path = ?1
                 OR (substr(path, 1, length(?1) + 1) = ?1 || '/' AND series NOT GLOB '*[a-zA-Z]*')",
            )?;
            let places = query.query_map([path.to_string_lossy()], |row| Ok((row.get(0)?, CaseId(row.get(1)?))))?;
            for place in places {
                let (series, case) = place?;
                seen.insert(series, case);
            }
            Ok(seen)
        };
        read().map_err(|e| self.failed("read", e))
    }
}

/// A path that means the same wherever the program is started, however it was given.
fn whole(path: &Path) -> PathBuf {
    // What lies in an archive is no file.
    path.canonicalize().or_else(|_| std::path::absolute(path)).unwrap_or_else(|_| path.to_owned())
}
