//! Labels from a table of others: read, compared with what is here, and recorded when wanted.

use super::label::{AnomalyType, Label, LabelEvent, MOST_SEVERE, Reading};
use super::table::TableFormat;
use super::{CaseId, Project, ProjectError};
use crate::io::table::{delimiter, named_file, records};
use crate::space::Side;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Why a table of labels was not taken over. Nothing was recorded then.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file cannot be read.
    #[error("the table cannot be read ({source}); check the path: {}", path.display())]
    Read {
        /// The operating system's reason.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// A line says something that cannot be understood.
    #[error("line {line} {reason}; correct it: {}", path.display())]
    Line {
        /// Counted from 1, the header among them.
        line: usize,
        /// What is wrong with it.
        reason: String,
        /// The file.
        path: PathBuf,
    },
    /// The project refused.
    #[error(transparent)]
    Project(#[from] ProjectError),
}

/// What a line of a table would change.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// SHA-256 of the scan's data.
    pub case_sha256: String,
    /// The side of the patient.
    pub side: Side,
    /// Whose label it is.
    pub rater: String,
    /// What that rater says until now.
    pub before: Option<Reading>,
    /// What the table says.
    pub after: Option<Reading>,
}

impl Project {
    /// Compares a table with the project: what would change, in the order of its lines. Lines that say what is here
    /// already are left out; of several about one sinus and rater the last counts.
    ///
    /// Needed are the columns `side` (L or R), `label`, and `case_sha256` (the digest or the first digits of it) or
    /// `file`, which `digest` turns into one; `type`, `severity`, `confidence`, `note` and `rater` may be there: what the
    /// table has no column for stays as it is. An empty label takes the label back. Without a column `rater`, labels are
    /// those of `rater`.
    ///
    /// # Errors
    /// [`ImportError`] with the number of the line.
    pub fn plan_import(
        &self,
        path: &Path,
        rater: &str,
        digest: &dyn Fn(&Path) -> Result<String, String>,
    ) -> Result<Vec<Change>, ImportError> {
        let text =
            std::fs::read_to_string(path).map_err(|source| ImportError::Read { source, path: path.to_owned() })?;
        let wrong = |line: usize, reason: String| ImportError::Line { line, reason, path: path.to_owned() };
        let known: HashMap<String, CaseId> = self.cases()?.into_iter().map(|case| (case.sha256, case.id)).collect();
        let mut changes: Vec<Change> = Vec::new();
        let mut seen: HashMap<(String, Side, String), usize> = HashMap::new();
        for (line, cells) in rows(&text, TableFormat::of(path)).map_err(|(line, reason)| wrong(line, reason))? {
            let wrong = |reason: String| wrong(line, reason);
            // A column that is missing altogether is a mistake, and not an empty cell.
            if let Some(name) = ["side", "label"].into_iter().find(|name| !cells.contains_key(*name)) {
                return Err(wrong(format!("has no column {name}")));
            }
            let cell =
                |name: &str| cells.get(name).map(String::as_str).filter(|text| !text.is_empty() && *text != "n/a");
            let case_sha256 = match (cell("case_sha256"), cell("file")) {
                (Some(digits), _) => whole(digits, &known).map_err(wrong)?,
                (None, Some(file)) => digest(&named_file(path, file)).map_err(wrong)?,
                (None, None) => return Err(wrong("names no case: it needs case_sha256 or file".to_owned())),
            };
            let letter = cell("side").unwrap_or_default();
            let side =
                Side::from_letter(letter).ok_or_else(|| wrong(format!("has the side {letter:?} instead of L or R")))?;
            let rater = cell("rater").unwrap_or(rater).to_owned();
            let before = match known.get(&case_sha256) {
                Some(case) => self.labels(*case, &rater)?[side.index()].clone(),
                None => None,
            };
            let after = reading(&cell, &|name| cells.contains_key(name), before.as_ref()).map_err(wrong)?;
            let key = (case_sha256.clone(), side, rater.clone());
            let change = Change { case_sha256, side, rater, before, after };
            if let Some(&place) = seen.get(&key) {
                changes[place] = change;
            } else {
                seen.insert(key, changes.len());
                changes.push(change);
            }
        }
        changes.retain(|change| change.before != change.after);
        Ok(changes)
    }

    /// Records changes as events of `session`, all or none.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn import(&self, changes: &[Change], session: &str) -> Result<(), ProjectError> {
        let event = |change: &Change| {
            let case = self.case(&change.case_sha256, None)?;
            let event = LabelEvent::new(case, change.side, change.rater.clone(), session.to_owned());
            Ok(LabelEvent { reading: change.after.clone(), ..event })
        };
        self.record_all(&changes.iter().map(event).collect::<Result<Vec<_>, ProjectError>>()?)
    }
}

type Cells = HashMap<String, String>;

/// The lines of a table with their numbers, cells by the names of their columns.
fn rows(text: &str, format: TableFormat) -> Result<Vec<(usize, Cells)>, (usize, String)> {
    if format == TableFormat::JsonLines {
        let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
        return lines
            .map(|(number, line)| {
                let object: serde_json::Map<String, serde_json::Value> =
                    serde_json::from_str(line).map_err(|e| (number + 1, format!("is no JSON object ({e})")))?;
                let cell = |(name, value): (String, serde_json::Value)| match value {
                    serde_json::Value::String(text) => (name, text),
                    serde_json::Value::Null => (name, String::new()),
                    other => (name, other.to_string()),
                };
                Ok((number + 1, object.into_iter().map(cell).collect()))
            })
            .collect();
    }
    let mut records = records(text, delimiter(text)).into_iter();
    let header = records.next().map_or(Vec::new(), |(_, names)| names);
    let row = |(line, cells): (usize, Vec<String>)| {
        if cells.len() != header.len() {
            return Err((line, format!("has {} cells instead of {}", cells.len(), header.len())));
        }
        let trimmed = cells.iter().map(|cell| cell.trim().to_owned());
        Ok((line, header.iter().map(|name| name.trim().to_owned()).zip(trimmed).collect()))
    };
    records.map(row).collect()
}

/// The digest that is meant: a whole one, or that of the one known case whose digest begins with these digits.
fn whole(digits: &str, known: &HashMap<String, CaseId>) -> Result<String, String> {
    let digits = digits.to_ascii_lowercase();
    if digits.len() == 64 && digits.chars().all(|c| c.is_ascii_hexdigit()) {
        return Ok(digits);
    }
    let meant: Vec<&String> = known.keys().filter(|sha256| sha256.starts_with(&digits)).collect();
    match meant[..] {
        [sha256] => Ok(sha256.clone()),
        [] => Err(format!("names a case that the project does not know: {digits}")),
        _ => Err(format!("names {} cases, as the digits are too few: {digits}", meant.len())),
    }
}

/// What a line says; what it has no column for is as before.
fn reading<'a>(
    cell: &dyn Fn(&str) -> Option<&'a str>,
    has: &dyn Fn(&str) -> bool,
    before: Option<&Reading>,
) -> Result<Option<Reading>, String> {
    let Some(label) = cell("label") else { return Ok(None) };
    let names = |all: &[&str]| all.join(", ");
    let label = Label::from_name(label)
        .ok_or_else(|| format!("has the label {label:?} instead of {}", names(&Label::ALL.map(Label::name))))?;
    let kind = |name: &str| {
        let all = names(&AnomalyType::ALL.map(AnomalyType::name));
        AnomalyType::from_name(name).ok_or_else(|| format!("has the type {name:?} instead of {all}"))
    };
    let number = |name: &str, most: u8| {
        // Some programs write whole numbers with a point.
        let parse = |text: &str| {
            let whole = text.parse().ok().filter(|value: &f64| value.fract() == 0.0);
            let value = whole.filter(|value| (0.0..=f64::from(most)).contains(value));
            value.map(|value| value as u8).ok_or_else(|| format!("has the {name} {text:?} instead of 0 to {most}"))
        };
        cell(name).map(parse).transpose()
    };
    let mut reading = before.map_or_else(|| Reading::of(label), |before| before.relabelled(label));
    if has("type") {
        reading.anomaly = cell("type").map(kind).transpose()?;
    }
    if has("severity") {
        reading.severity = number("severity", MOST_SEVERE)?;
    }
    if has("confidence") {
        reading.confidence = number("confidence", 100)?;
    }
    if has("note") {
        cell("note").unwrap_or_default().clone_into(&mut reading.note);
    }
    let coherent = reading.clone().coherent();
    if coherent != reading {
        return Err(format!("has a type or severity that does not go with the label {}", label.name()));
    }
    Ok(Some(reading))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::project::{Rows, table};

    fn project(folder: &Path) -> Project {
        let project = Project::open(&folder.join("p.antrum")).unwrap();
        let case = project.case(&"ab".repeat(32), None).unwrap();
        let event = LabelEvent::new(case, Side::Left, "anna".to_owned(), "s".to_owned());
        project.record(&LabelEvent { reading: Some(Reading::of(Label::Normal)), ..event }).unwrap();
        project
    }

    fn plan(project: &Project, name: &str, text: &str) -> Result<Vec<Change>, ImportError> {
        let path = project.path().with_file_name(name);
        std::fs::write(&path, text).unwrap();
        let digest =
            |path: &Path| if path.ends_with("a.nii") { Ok("cd".repeat(32)) } else { Err("is not there".to_owned()) };
        project.plan_import(&path, "ben", &digest)
    }

    #[test]
    fn a_table_changes_what_differs_and_nothing_before_it_is_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let project = project(folder.path());
        let text = "side,label,type,case_sha256,file,rater\n\
                    L,normal,,abab,,anna\n\
                    R,anomalous,polyp,abab,,anna\n\
                    R,uncertain,,,a.nii,\n";
        let changes = plan(&project, "t.csv", text).unwrap();
        let polyp = Reading { anomaly: Some(AnomalyType::Polyp), ..Reading::of(Label::Anomalous) };
        let [right, other] = &changes[..] else { panic!("{changes:?}") };
        assert_eq!(
            (right.side, right.rater.as_str(), &right.before, &right.after),
            (Side::Right, "anna", &None, &Some(polyp.clone()))
        );
        assert_eq!((other.case_sha256.as_str(), other.rater.as_str()), ("cd".repeat(32).as_str(), "ben"));
        assert_eq!(project.label_rows(Rows::Events, None).unwrap().len(), 1);
        project.import(&changes, "import").unwrap();
        let case = project.case(&"ab".repeat(32), None).unwrap();
        assert_eq!(project.labels(case, "anna").unwrap(), [Some(Reading::of(Label::Normal)), Some(polyp)]);
        assert!(plan(&project, "t.csv", text).unwrap().is_empty(), "nothing is left to change");
    }

    #[test]
    fn what_was_exported_changes_nothing_and_an_empty_label_takes_one_back() {
        let folder = tempfile::tempdir().unwrap();
        let project = project(folder.path());
        let rows = project.label_rows(Rows::Current, None).unwrap();
        for (name, format) in
            [("o.csv", TableFormat::Csv), ("o.tsv", TableFormat::Tsv), ("o.jsonl", TableFormat::JsonLines)]
        {
            assert!(plan(&project, name, &table::text(&rows, format).unwrap()).unwrap().is_empty(), "{name}");
        }
        let changes = plan(&project, "t.tsv", "case_sha256\tside\tlabel\trater\nabab\tL\t\tanna\n").unwrap();
        assert_eq!(changes[0].after, None);
        // What a table says nothing of stays.
        let noted = "case_sha256;side;label;rater;severity;note\nabab;L;uncertain;anna;1.0;dome\n";
        let changes = plan(&project, "n.csv", noted).unwrap();
        project.import(&changes, "import").unwrap();
        let relabelled = "case_sha256,side,label,rater\nabab,L,anomalous,anna\n";
        let after = plan(&project, "r.csv", relabelled).unwrap().remove(0).after.unwrap();
        assert_eq!((after.severity, after.note.as_str()), (Some(1), "dome"));
    }

    #[test]
    fn a_wrong_line_is_told_by_its_number() {
        let folder = tempfile::tempdir().unwrap();
        let project = project(folder.path());
        for (text, expected) in [
            ("case_sha256,side,label\nabab,left,normal\n", "line 2 has the side \"left\" instead of L or R"),
            ("case_sha256,side,label\nabab,L,fine\n", "line 2 has the label \"fine\" instead of normal"),
            (
                "case_sha256,side,label\nabab,L,normal\nffff,L,normal\n",
                "line 3 names a case that the project does not know",
            ),
            ("side,label\nL,normal\n", "line 2 names no case"),
            ("case_sha256,side,Label\nabab,L,normal\n", "line 2 has no column label"),
            ("case_sha256;side;label;severity\nabab;L;anomalous;0\n", "line 2 has a type or severity that does not go"),
            ("file,side,label\nb.nii,L,normal\n", "line 2 is not there"),
            ("case_sha256,side,label,type\nabab,L,normal,polyp\n", "line 2 has a type or severity that does not go"),
            (
                "case_sha256,side,label,severity\nabab,L,anomalous,4\n",
                "line 2 has the severity \"4\" instead of 0 to 3",
            ),
            ("case_sha256,side,label\nabab,L\n", "line 2 has 2 cells instead of 3"),
        ] {
            let error = plan(&project, "t.csv", text).unwrap_err().to_string();
            assert!(error.starts_with(expected), "{error}");
        }
        assert!(plan(&project, "t.jsonl", "{\"side\": 1}").is_err());
        let missing = project.plan_import(Path::new("/none.csv"), "me", &|_| Err(String::new()));
        assert!(matches!(missing, Err(ImportError::Read { .. })));
    }
}
