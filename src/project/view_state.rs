//! Where a reader last looked in a case. It is no finding: only the newest is kept.

use super::{CaseId, Project, ProjectError};
use rusqlite::{OptionalExtension as _, params};

impl Project {
    /// Keeps how a rater looks at a case, in place of what was kept before.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn keep_view_state(&self, case: CaseId, rater: &str, state: &str) -> Result<(), ProjectError> {
        self.db
            .execute(
                "INSERT INTO view_states (case_id, rater, state) VALUES (?1, ?2, ?3)
                 ON CONFLICT (case_id, rater) DO UPDATE SET
                 state = excluded.state, time_utc = strftime('%Y-%m-%dT%H:%M:%fZ', 'now')",
                params![case.0, rater, state],
            )
            .map(drop)
            .map_err(|e| self.failed("written", e))
    }

    /// How a rater last looked at a case, as it was given.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn view_state(&self, case: CaseId, rater: &str) -> Result<Option<String>, ProjectError> {
        let query = "SELECT state FROM view_states WHERE case_id = ?1 AND rater = ?2";
        let state = self.db.query_row(query, params![case.0, rater], |row| row.get(0)).optional();
        state.map_err(|e| self.failed("read", e))
    }

    /// How a case was last looked at, by whomever, as it was given.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn newest_view_state(&self, case: CaseId) -> Result<Option<String>, ProjectError> {
        let query = "SELECT state FROM view_states WHERE case_id = ?1 ORDER BY time_utc DESC LIMIT 1";
        let state = self.db.query_row(query, params![case.0], |row| row.get(0)).optional();
        state.map_err(|e| self.failed("read", e))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_state_of_each_case_and_rater_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::open(&folder.path().join("p.antrum")).unwrap();
        let (case, other) = (project.case("abc", None).unwrap(), project.case("def", None).unwrap());
        for (case, rater, state) in [(case, "me", "1"), (case, "you", "2"), (other, "me", "3"), (case, "me", "4")] {
            project.keep_view_state(case, rater, state).unwrap();
        }
        assert_eq!(project.view_state(case, "me").unwrap().as_deref(), Some("4"));
        assert_eq!(project.view_state(case, "you").unwrap().as_deref(), Some("2"));
        assert_eq!(project.view_state(other, "you").unwrap(), None);
        assert_eq!(project.newest_view_state(other).unwrap().as_deref(), Some("3"));
        project.db.execute("UPDATE view_states SET time_utc = '2020' WHERE rater = 'me'", []).unwrap();
        assert_eq!(project.newest_view_state(case).unwrap().as_deref(), Some("2"));
    }
}
