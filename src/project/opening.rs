//! Opening a project file: whether it is one, whether it is sound, the steps to the newest version, and the day's back-up.

use super::{Project, ProjectError, schema};
use rusqlite::Connection;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Marks a SQLite file as ours (`PRAGMA application_id`); "Antr" in ASCII.
const APPLICATION_ID: i64 = 0x416e_7472;
/// How many back-ups are kept, one a day.
const BACK_UPS: usize = 7;

impl Project {
    /// Opens a project file, or makes one. Before the first use on a day, and before it is brought to a newer version, a
    /// copy of it is put into the folder of back-ups beside it.
    ///
    /// # Errors
    /// [`ProjectError`] when the file is not a project, is damaged, or cannot be read and written.
    pub fn open(path: &Path) -> Result<Self, ProjectError> {
        if let Some(folder) = path.parent().filter(|f| !f.as_os_str().is_empty()) {
            fs::create_dir_all(folder).map_err(|source| ProjectError::Folder { source, path: folder.to_owned() })?;
        }
        let failed = |source| ProjectError::Database { doing: "opened", source, path: path.to_owned() };
        let db = Connection::open(path).map_err(failed)?;
        let mut project = Self { db, path: path.to_owned() };
        project.prepare()?;
        Ok(project)
    }

    /// Opens a project file that is there.
    ///
    /// # Errors
    /// [`ProjectError`]; a missing file is [`ProjectError::Foreign`].
    pub fn open_existing(path: &Path) -> Result<Self, ProjectError> {
        if !path.is_file() {
            let reason = "there is no such file".to_owned();
            return Err(ProjectError::Foreign { reason, path: path.to_owned() });
        }
        Self::open(path)
    }

    fn prepare(&mut self) -> Result<(), ProjectError> {
        let number = |db: &Connection, pragma: &str| db.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
        let foreign = |reason: String| ProjectError::Foreign { reason, path: self.path.clone() };
        self.db.busy_timeout(Duration::from_secs(3)).map_err(|e| self.failed("opened", e))?;
        // Tables first: where another window makes the file meanwhile, they come together with the rest.
        let tables = self.db.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get::<_, i64>(0));
        let tables = match tables {
            Ok(tables) => tables,
            Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::NotADatabase) => {
                return Err(foreign("it is no SQLite file".to_owned()));
            }
            Err(e) => return Err(self.failed("opened", e)),
        };
        let id = number(&self.db, "application_id").map_err(|e| self.failed("opened", e))?;
        let version = number(&self.db, "user_version").map_err(|e| self.failed("opened", e))?;
        if tables > 0 && id != APPLICATION_ID {
            return Err(foreign("it is another program's SQLite file".to_owned()));
        }
        let newest = schema::STEPS.len() as i64;
        if version > newest {
            return Err(foreign(format!("version {version} is newer than this program")));
        }
        if tables > 0 {
            self.check()?;
        }
        self.db.execute_batch("PRAGMA foreign_keys = ON;").map_err(|e| self.failed("opened", e))?;
        let read_only = self.db.is_readonly("main").map_err(|e| self.failed("opened", e))?;
        if read_only && version == newest {
            // It can be looked at; each label will say why it is not kept.
            return Ok(());
        }
        if tables > 0 {
            self.back_up("date('now')");
            if version < newest {
                self.back_up(&format!("date('now') || '-version-{version}'"));
            }
        }
        // FULL: an acknowledged label survives a power cut, not only a crash of the program.
        let set_up = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;";
        // Of two windows that make the file, one is refused at once, however long it may wait otherwise.
        let busy = |e: &rusqlite::Error| e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseBusy);
        let mut done = self.db.execute_batch(set_up);
        for _ in 0..30 {
            if !done.as_ref().is_err_and(busy) {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
            done = self.db.execute_batch(set_up);
        }
        done.map_err(|e| self.failed("opened", e))?;
        // A new file goes through all steps, one of an older program through those it lacks.
        let done = if tables == 0 { 0 } else { version.clamp(0, newest) as usize };
        if done < schema::STEPS.len() {
            self.upgrade(done)?;
        }
        Ok(())
    }

    /// Goes through the steps from version `done` on, all or none.
    fn upgrade(&self, done: usize) -> Result<(), ProjectError> {
        let newest = schema::STEPS.len();
        let steps = || {
            self.db.execute_batch("BEGIN IMMEDIATE")?;
            // Another window may have been faster.
            let version: i64 = self.db.pragma_query_value(None, "user_version", |row| row.get(0))?;
            let missing = schema::STEPS.get(done.max(version.max(0) as usize)..).unwrap_or_default();
            self.db.execute_batch(&missing.concat())?;
            self.db.pragma_update(None, "application_id", APPLICATION_ID)?;
            self.db.pragma_update(None, "user_version", newest as i64)?;
            self.db.execute_batch("COMMIT")
        };
        steps().map_err(|e| {
            // Of a transaction that never began there is nothing to take back.
            let _ = self.db.execute_batch("ROLLBACK");
            self.failed("written", e)
        })
    }

    /// Whether all of the file is as SQLite wrote it.
    fn check(&self) -> Result<(), ProjectError> {
        let damaged =
            |reason: String| ProjectError::Damaged { reason, back_ups: self.back_ups(), path: self.path.clone() };
        match self.db.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0)) {
            Ok(found) if found == "ok" => Ok(()),
            Ok(found) => Err(damaged(found)),
            Err(e) if e.sqlite_error_code() == Some(rusqlite::ErrorCode::DatabaseCorrupt) => {
                Err(damaged(e.to_string()))
            }
            Err(e) => Err(self.failed("read", e)),
        }
    }

    /// The folder of the back-ups.
    pub(super) fn back_ups(&self) -> PathBuf {
        super::beside(&self.path, "-backups")
    }

    /// Copies the file into the folder of back-ups under the name that an SQL expression gives, unless there is such a
    /// copy; of dated ones, only the newest are kept. What goes wrong is logged: a folder that cannot be written must not
    /// keep anybody from labelling.
    fn back_up(&self, name: &str) {
        let copy = || -> Result<(), Box<dyn std::error::Error>> {
            let name: String = self.db.query_row(&format!("SELECT {name}"), [], |row| row.get(0))?;
            let folder = self.back_ups();
            let copy = folder.join(format!("{name}.antrum"));
            if copy.exists() {
                return Ok(());
            }
            fs::create_dir_all(&folder)?;
            let beside = copy.with_extension("part");
            let _ = fs::remove_file(&beside);
            self.db.execute("VACUUM INTO ?1", [beside.to_string_lossy()])?;
            fs::rename(&beside, &copy)?;
            let mut dated: Vec<PathBuf> = fs::read_dir(&folder)?
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.file_name().and_then(|name| name.to_str()).is_some_and(is_dated))
                .collect();
            dated.sort();
            for old in dated.iter().rev().skip(BACK_UPS) {
                fs::remove_file(old)?;
            }
            Ok(())
        };
        if let Err(error) = copy() {
            log::warn!("the project was not backed up: {error}");
        }
    }
}

/// Whether a name is that of a day's copy: `2026-01-02.antrum`.
fn is_dated(name: &str) -> bool {
    let day = name.strip_suffix(".antrum").unwrap_or_default();
    day.len() == 10 && day.split('-').map(str::len).eq([4, 2, 2]) && day.chars().all(|c| c.is_ascii_digit() || c == '-')
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::project::{Label, Reading};

    #[test]
    fn an_old_file_keeps_its_labels_and_learns_what_is_new() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("old.antrum");
        let old = Connection::open(&path).unwrap();
        old.execute_batch(include_str!("../../tests/data/project_version_1.sql")).unwrap();
        drop(old);
        for _ in 0..2 {
            let project = Project::open(&path).unwrap();
            let version: i64 = project.db.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
            assert_eq!(version, schema::STEPS.len() as i64);
            assert!(project.features(project.case("0f1e", None).unwrap()).unwrap().iter().all(Option::is_none));
            let case = project.case("0f1e", None).unwrap();
            let labels = |rater: &str| project.labels(case, rater).unwrap();
            let of = |label: Label| Some(Reading::of(label));
            assert_eq!(labels("anna"), [of(Label::Normal), of(Label::Anomalous)]);
            assert_eq!(labels("ben"), [of(Label::Uncertain), None]);
            assert!(project.measurements(None, None).unwrap().is_empty());
            assert_eq!(project.view_state(case, "anna").unwrap(), None);
        }
        let copies = fs::read_dir(folder.path().join("old.antrum-backups")).unwrap();
        let copies: Vec<_> = copies.map(|copy| copy.unwrap().file_name().into_string().unwrap()).collect();
        assert!(copies.iter().any(|name| name.ends_with("-version-1.antrum")), "{copies:?}");
    }

    #[test]
    fn files_of_newer_programs_and_of_others_are_refused_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new.antrum");
        drop(Project::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let refused = Project::open(&path).err().unwrap().to_string();
        assert!(refused.contains("version 99 is newer than this program"), "{refused}");

        let text = folder.path().join("notes.txt");
        fs::write(&text, "not a database, and long enough to be looked at as one by its header bytes").unwrap();
        assert!(matches!(Project::open(&text), Err(ProjectError::Foreign { .. })));
        assert!(fs::read_to_string(&text).unwrap().starts_with("not a database"));
        let other = folder.path().join("other.sqlite");
        Connection::open(&other).unwrap().execute_batch("CREATE TABLE t (x)").unwrap();
        assert!(matches!(Project::open(&other), Err(ProjectError::Foreign { .. })));
        let missing = folder.path().join("missing.antrum");
        assert!(Project::open_existing(&missing).is_err() && !missing.exists());
    }

    #[test]
    fn a_damaged_file_is_told_with_the_way_to_its_back_up() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.antrum");
        let project = Project::open(&path).unwrap();
        for number in 0..300 {
            project.case(&format!("{number:064}"), Some(Path::new("/scans/somewhere/a.nii.gz"))).unwrap();
        }
        drop(project);
        drop(Project::open(&path).unwrap());
        assert!(is_dated("2026-01-02.antrum") && !is_dated("2026-01-02-version-1.antrum") && !is_dated("my.antrum"));
        let back_ups: Vec<_> = fs::read_dir(folder.path().join("p.antrum-backups")).unwrap().collect();
        assert_eq!(back_ups.len(), 1, "one a day, the first of a file that has something in it");
        let copy = Project::open(&back_ups[0].as_ref().unwrap().path()).unwrap();
        assert_eq!(copy.cases().unwrap().len(), 300);

        let mut bytes = fs::read(&path).unwrap();
        bytes[8 * 4096..].fill(0x5a);
        fs::write(&path, bytes).unwrap();
        let error = Project::open(&path).err().unwrap();
        assert!(matches!(error, ProjectError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains("p.antrum-backups"), "{error}");
    }

    #[cfg(unix)]
    #[test]
    fn a_file_that_cannot_be_written_can_be_looked_at() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.antrum");
        let project = Project::open(&path).unwrap();
        let case = project.case("abc", None).unwrap();
        drop(project);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        // A superuser can write what nobody may.
        if fs::OpenOptions::new().write(true).open(&path).is_ok() {
            return;
        }
        let project = Project::open(&path).unwrap();
        assert_eq!(project.cases().unwrap()[0].id, case);
        let error = project.case("def", None).unwrap_err().to_string();
        assert!(error.contains("check that it is writable"), "{error}");
    }
}
