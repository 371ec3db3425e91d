//! What different raters say of the same sinuses, for those who settle disagreements.

use super::events::side;
use super::rereading::first_reading;
use super::{CaseId, Label, Project, ProjectError};
use crate::space::Side;
use rusqlite::params;
use std::collections::{HashMap, HashSet};

/// What raters say of one sinus: their names and labels.
pub type Opinions = Vec<(String, Label)>;

impl Project {
    /// What other raters than this one say of a case now, by [`Side::index`], in the order of their names.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn others(&self, case: CaseId, rater: &str) -> Result<[Opinions; 2], ProjectError> {
        let read = || {
            let mut query = self.db.prepare_cached(
                "SELECT side, rater, label FROM current_labels WHERE case_id = ?1 AND rater <> ?2 ORDER BY rater",
            )?;
            let mut opinions = [Vec::new(), Vec::new()];
            let mut rows = query.query(params![case.0, rater])?;
            while let Some(row) = rows.next()? {
                let other: String = row.get(1)?;
                let label = Label::from_name(&row.get::<_, String>(2)?);
                // A second reading is nobody else's opinion, and hears none.
                let counts = first_reading(rater).is_none() && first_reading(&other).is_none();
                if let Some(label) = label.filter(|_| counts) {
                    opinions[side(row, 0)?.index()].push((other, label));
                }
            }
            Ok(opinions)
        };
        read().map_err(|e| self.failed("read", e))
    }

    /// The cases of which two raters say different things of the same sinus now.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn disputed(&self) -> Result<HashSet<CaseId>, ProjectError> {
        let read = || {
            // One pass: what a rater said last counts.
            let mut query = self.db.prepare(
                "SELECT case_id, side, rater, label FROM label_events ORDER BY case_id, side, turn, time_utc, uid",
            )?;
            let mut said: HashMap<(CaseId, Side), HashMap<String, Option<Label>>> = HashMap::new();
            let mut rows = query.query([])?;
            while let Some(row) = rows.next()? {
                let (rater, label): (String, Option<String>) = (row.get(2)?, row.get(3)?);
                if first_reading(&rater).is_some() {
                    continue;
                }
                let sinus = said.entry((CaseId(row.get(0)?), side(row, 1)?)).or_default();
                sinus.insert(rater, label.as_deref().and_then(Label::from_name));
            }
            let differ = |labels: &HashMap<String, Option<Label>>| {
                let mut labels = labels.values().flatten();
                let first = labels.next();
                labels.any(|label| Some(label) != first)
            };
            Ok(said.iter().filter(|(_, labels)| differ(labels)).map(|((case, _), _)| *case).collect())
        };
        read().map_err(|e| self.failed("read", e))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::project::{LabelEvent, Reading, second_reading};

    #[test]
    fn a_case_is_disputed_while_raters_differ_on_the_same_side() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::open(&folder.path().join("p.antrum")).unwrap();
        let [first, second] = ["01", "02"].map(|sha| project.case(sha, None).unwrap());
        let say = |case, side, rater: &str, label: Option<Label>| {
            let event = LabelEvent::new(case, side, rater.to_owned(), "today".to_owned());
            project.record(&LabelEvent { reading: label.map(Reading::of), ..event }).unwrap();
        };
        say(first, Side::Left, "anna", Some(Label::Normal));
        say(first, Side::Right, "ben", Some(Label::Anomalous));
        say(second, Side::Left, "anna", Some(Label::Normal));
        say(second, Side::Left, "ben", Some(Label::Normal));
        assert!(project.disputed().unwrap().is_empty(), "the two sides are not one sinus");
        say(first, Side::Left, "ben", Some(Label::Anomalous));
        assert_eq!(project.disputed().unwrap(), HashSet::from([first]));
        let [left, right] = project.others(first, "anna").unwrap();
        assert_eq!(
            (left, right),
            (vec![("ben".to_owned(), Label::Anomalous)], vec![("ben".to_owned(), Label::Anomalous)])
        );
        say(first, Side::Left, "ben", None);
        assert!(project.disputed().unwrap().is_empty(), "what was taken back counts no more");
        say(first, Side::Left, "ben", Some(Label::Normal));
        assert!(project.disputed().unwrap().is_empty());
        let again = second_reading("ben");
        say(first, Side::Left, &again, Some(Label::Anomalous));
        assert!(project.disputed().unwrap().is_empty(), "whoever differs from himself disputes nothing");
        let heard = |rater: &str| project.others(first, rater).unwrap()[Side::Left.index()].len();
        assert_eq!((heard("anna"), heard("ben"), heard(&again)), (1, 1, 0));
    }
}
