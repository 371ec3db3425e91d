//! Labels as rows of tables: what is written for others, and what may be read back.

use super::events::side;
use super::label::{AnomalyType, Label};
use super::{Project, ProjectError};
use crate::io::table::line;
use crate::io::{self, WriteError};
use crate::space::Side;
use serde::{Deserialize, Serialize};
use std::fmt::Write as _;
use std::path::{Component, Path, PathBuf};

/// Which events become rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// The newest of each case, side and rater, unless it was taken back.
    Current,
    /// All that was ever recorded.
    Events,
}

/// One label event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LabelRow {
    /// SHA-256 of the scan's data.
    pub case_sha256: String,
    /// The BIDS subject, such as `sub-01`, where the scan lies in such a folder.
    pub subject: Option<String>,
    /// Where the scan was last opened; only where names may be written.
    pub file: Option<String>,
    /// The side of the patient.
    pub side: Side,
    /// `maxillary sinus`
    pub structure: String,
    /// The judgement; none where a label was taken back.
    pub label: Option<Label>,
    /// What it is, of an anomalous sinus.
    #[serde(rename = "type")]
    pub anomaly: Option<AnomalyType>,
    /// 0 clear, 1 partly opacified, 2 completely opacified (Lund and Mackay 1993), 3 beyond the sinus.
    pub severity: Option<u8>,
    /// How sure the reader is, in per cent.
    pub confidence: Option<u8>,
    /// Free text.
    pub note: String,
    /// Who labelled.
    pub rater: String,
    /// One run of the program.
    pub session: String,
    /// Whether scores, maps and names were hidden from the reader until this label.
    pub blinded: bool,
    /// Whether a score or map of this sinus was on screen.
    pub ai_seen: bool,
    /// That score.
    pub ai_score: Option<f64>,
    /// The weights that made it.
    pub model_sha256: Option<String>,
    /// How long the case had been on screen.
    pub duration_ms: Option<i64>,
    /// When, in UTC.
    pub time_utc: String,
    /// Version of the program.
    pub version: String,
    /// The event's name, the same in every copy of the project.
    pub event: String,
    /// The event that this one took back.
    pub undoes: Option<String>,
    /// What all this may be used for.
    #[serde(default)]
    pub notice: String,
}

impl LabelRow {
    fn cells(&self) -> [String; COLUMNS.len()] {
        fn shown<T: ToString>(value: Option<T>) -> String {
            value.map_or_else(String::new, |value| value.to_string())
        }
        let flag = |yes: bool| u8::from(yes).to_string();
        [
            self.case_sha256.clone(),
            shown(self.subject.as_ref()),
            shown(self.file.as_ref()),
            self.side.letter().to_string(),
            self.structure.clone(),
            shown(self.label.map(Label::name)),
            shown(self.anomaly.map(AnomalyType::name)),
            shown(self.severity),
            shown(self.confidence),
            self.note.clone(),
            self.rater.clone(),
            self.session.clone(),
            flag(self.blinded),
            flag(self.ai_seen),
            shown(self.ai_score),
            shown(self.model_sha256.as_ref()),
            shown(self.duration_ms),
            self.time_utc.clone(),
            self.version.clone(),
            self.event.clone(),
            shown(self.undoes.as_ref()),
            self.notice.clone(),
        ]
    }
}

impl Project {
    /// Label events, of one rater or all, case by case, the patient's right side first.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn label_rows(&self, rows: Rows, rater: Option<&str>) -> Result<Vec<LabelRow>, ProjectError> {
        let from = match rows {
            Rows::Current => "current_labels",
            Rows::Events => "label_events",
        };
        let read = || {
            let mut query = self.db.prepare(&format!(
                "SELECT sha256, path, side, structure, label, anomaly, severity, confidence, note, rater, session, blinded,
                 ai_seen, ai_score, model_sha256, duration_ms, time_utc, version, uid, undoes
                 FROM {from} AS e JOIN cases ON cases.id = e.case_id WHERE ?1 IS NULL OR rater = ?1
                 ORDER BY case_id, side DESC, rater, turn, time_utc, uid"
            ))?;
            let rows = query.query_map([rater], |row| {
                let path: Option<String> = row.get(1)?;
                let text = |column: usize| row.get::<_, Option<String>>(column);
                Ok(LabelRow {
                    case_sha256: row.get(0)?,
                    subject: path.as_deref().and_then(|path| subject(Path::new(path))),
                    file: path,
                    side: side(row, 2)?,
                    structure: row.get(3)?,
                    label: text(4)?.as_deref().and_then(Label::from_name),
                    anomaly: text(5)?.as_deref().and_then(AnomalyType::from_name),
                    severity: row.get(6)?,
                    confidence: row.get(7)?,
                    note: row.get(8)?,
                    rater: row.get(9)?,
                    session: row.get(10)?,
                    blinded: row.get(11)?,
                    ai_seen: row.get(12)?,
                    ai_score: row.get(13)?,
                    model_sha256: row.get(14)?,
                    duration_ms: row.get(15)?,
                    time_utc: row.get(16)?,
                    version: row.get(17)?,
                    event: row.get(18)?,
                    undoes: row.get(19)?,
                    notice: crate::NOTICE.to_owned(),
                })
            })?;
            rows.collect::<Result<_, _>>()
        };
        read().map_err(|e| self.failed("read", e))
    }
}

/// The BIDS subject that a path names.
pub(crate) fn subject(path: &Path) -> Option<String> {
    let mut names = path.components().filter_map(|component| match component {
        Component::Normal(name) => name.to_str(),
        _ => None,
    });
    let is_subject = |name: &&str| {
        let label = name.strip_prefix("sub-").unwrap_or_default();
        !label.is_empty() && label.chars().all(|c| c.is_ascii_alphanumeric())
    };
    names.rfind(is_subject).map(str::to_owned)
}

/// How labels are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TableFormat {
    /// Comma-separated values, for spreadsheets.
    Csv,
    /// Tab-separated values.
    Tsv,
    /// One JSON object per line.
    JsonLines,
    /// A folder in the layout of BIDS derivatives.
    Bids,
}

impl TableFormat {
    /// The form that a file's name asks for.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        let extension = path.extension().map(std::ffi::OsStr::to_ascii_lowercase);
        match extension.as_ref().and_then(|e| e.to_str()) {
            Some("tsv") => Self::Tsv,
            Some("jsonl" | "ndjson") => Self::JsonLines,
            _ => Self::Csv,
        }
    }
}

/// The name is of none of the formats.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no format of labels; use csv, tsv, jsonl or bids")]
pub struct UnknownFormat(String);

impl std::str::FromStr for TableFormat {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "csv" => Ok(Self::Csv),
            "tsv" => Ok(Self::Tsv),
            "jsonl" => Ok(Self::JsonLines),
            "bids" => Ok(Self::Bids),
            _ => Err(UnknownFormat(name.to_owned())),
        }
    }
}

/// Rows as one text: a table with a header, or JSON lines. Without a row it is the header alone.
///
/// # Errors
/// When a value cannot be written as JSON.
pub fn text(rows: &[LabelRow], format: TableFormat) -> serde_json::Result<String> {
    let table = |delimiter: char, cell: fn(String) -> String| {
        let lines = rows.iter().map(|row| line(row.cells().map(cell).iter().map(String::as_str), delimiter));
        line(COLUMNS, delimiter) + &lines.collect::<String>()
    };
    // Tables of BIDS have no empty cells, no quotes and no tabs within cells.
    let plain = |cell: String| match cell.as_str() {
        "" => "n/a".to_owned(),
        text => text.replace(['\t', '\n', '\r'], " ").replace('"', "'"),
    };
    match format {
        TableFormat::Csv => Ok(table(',', |cell| cell)),
        TableFormat::Tsv => Ok(table('\t', |cell| cell)),
        TableFormat::Bids => Ok(table('\t', plain)),
        TableFormat::JsonLines => rows.iter().map(|row| Ok(serde_json::to_string(row)? + "\n")).collect(),
    }
}

/// The columns, in the order of [`LabelRow`].
const COLUMNS: [&str; 22] = [
    "case_sha256",
    "subject",
    "file",
    "side",
    "structure",
    "label",
    "type",
    "severity",
    "confidence",
    "note",
    "rater",
    "session",
    "blinded",
    "ai_seen",
    "ai_score",
    "model_sha256",
    "duration_ms",
    "time_utc",
    "version",
    "event",
    "undoes",
    "notice",
];

/// What the columns of the tables mean (BIDS side-car).
const MEANINGS: [(&str, &str); 9] = [
    ("side", "Side of the patient: L or R"),
    ("label", "normal, anomalous, uncertain or not assessable"),
    ("type", "Of an anomalous sinus: mucosal thickening, polyp, cyst, opacification or other"),
    ("severity", "0 clear, 1 partly opacified, 2 completely opacified (Lund and Mackay 1993), 3 beyond the sinus"),
    ("confidence", "How sure the reader was, in per cent"),
    ("rater", "Who labelled"),
    ("ai_seen", "1 if a score or map of this sinus was on screen before"),
    ("time_utc", "When the label was given, in UTC"),
    ("case_sha256", "SHA-256 of the scan's data"),
];

/// Writes rows into a folder in the layout of BIDS derivatives: a table for each subject and one of all subjects. Subjects
/// outside of BIDS folders are named after the digest of their scan. Returns how many subjects there are.
///
/// # Errors
/// [`WriteError`].
pub fn write_bids(rows: &[LabelRow], out: &Path) -> Result<usize, WriteError> {
    let failed = |path: PathBuf| move |source: std::io::Error| WriteError::Io { source, path };
    let name = |row: &LabelRow| {
        let digest = || format!("sub-{}", row.case_sha256.get(..12).unwrap_or(&row.case_sha256));
        row.subject.clone().unwrap_or_else(digest)
    };
    let mut subjects: std::collections::BTreeMap<String, Vec<LabelRow>> = std::collections::BTreeMap::new();
    for row in rows {
        subjects.entry(name(row)).or_default().push(LabelRow { file: None, ..row.clone() });
    }
    let description = serde_json::json!({
        "Name": "Labels of the maxillary sinuses",
        "BIDSVersion": "1.10.0",
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "Antrum", "Version": env!("CARGO_PKG_VERSION"), "Description": crate::NOTICE}],
    });
    let meanings: serde_json::Map<String, serde_json::Value> =
        MEANINGS.iter().map(|(name, text)| ((*name).to_owned(), serde_json::json!({"Description": text}))).collect();
    let mut all = "participant_id\tright_labels\tleft_labels\n".to_owned();
    for (subject, rows) in &subjects {
        let folder = out.join(subject).join("anat");
        std::fs::create_dir_all(&folder).map_err(failed(folder.clone()))?;
        let stem = folder.join(format!("{subject}_desc-maxillarysinus_labels"));
        let path = stem.with_extension("tsv");
        let table = text(rows, TableFormat::Bids).map_err(|e| failed(path.clone())(e.into()))?;
        io::write_whole(&path, table.as_bytes())?;
        io::write_json(&stem.with_extension("json"), &meanings)?;
        let said = |side: Side| {
            let of_side = rows.iter().filter(|row| row.side == side);
            let labels: Vec<&str> = of_side.filter_map(|row| row.label).map(Label::name).collect();
            if labels.is_empty() { "n/a".to_owned() } else { labels.join(", ") }
        };
        // Writing to a string cannot fail.
        let _ = writeln!(all, "{subject}\t{}\t{}", said(Side::Right), said(Side::Left));
    }
    io::write_whole(&out.join("participants.tsv"), all.as_bytes())?;
    let columns = serde_json::json!({
        "right_labels": {"Description": "Labels of the patient's right maxillary sinus, of all raters"},
        "left_labels": {"Description": "Labels of the patient's left maxillary sinus, of all raters"},
    });
    io::write_json(&out.join("participants.json"), &columns)?;
    io::write_json(&out.join("dataset_description.json"), &description)?;
    io::write_whole(&out.join("README"), format!("Labels of the maxillary sinuses. {}\n", crate::NOTICE).as_bytes())?;
    // Tables of labels are not part of the standard yet.
    io::write_whole(&out.join(".bidsignore"), b"*_labels.tsv\n*_labels.json\n")?;
    Ok(subjects.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::io::table::records;
    use crate::project::{LabelEvent, Reading};

    fn rows() -> Vec<LabelRow> {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::open(&folder.path().join("p.antrum")).unwrap();
        let case =
            project.case("0f1e2d3c4b5a69788796", Some(Path::new("/data/sub-07/anat/sub-07_T1w.nii.gz"))).unwrap();
        let cyst = Reading {
            anomaly: Some(AnomalyType::Cyst),
            note: "9 mm, \"dome\"\tfloor".to_owned(),
            ..Reading::of(Label::Anomalous)
        };
        for (side, reading) in [(Side::Left, cyst), (Side::Right, Reading::of(Label::Normal))] {
            let event = LabelEvent::new(case, side, "anna".to_owned(), "s".to_owned());
            project.record(&LabelEvent { reading: Some(reading), ..event }).unwrap();
        }
        project.label_rows(Rows::Current, None).unwrap()
    }

    #[test]
    fn rows_come_back_from_every_table_with_their_sides() {
        let rows = rows();
        assert_eq!(rows.iter().map(|row| row.side).collect::<Vec<_>>(), [Side::Right, Side::Left]);
        assert_eq!(rows[0].subject.as_deref(), Some("sub-07"));
        for (format, delimiter) in [(TableFormat::Csv, ','), (TableFormat::Tsv, '\t')] {
            let text = text(&rows, format).unwrap();
            let read: Vec<Vec<String>> = records(&text, delimiter).into_iter().map(|record| record.1).collect();
            assert_eq!(read[0], COLUMNS);
            assert!(read[1..].iter().map(Vec::as_slice).eq(rows.iter().map(LabelRow::cells)), "{text}");
        }
        let lines = text(&rows, TableFormat::JsonLines).unwrap();
        let read: Vec<LabelRow> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(read, rows);
        assert_eq!(text(&[], TableFormat::Csv).unwrap().trim_end(), COLUMNS.join(","));
    }

    #[test]
    fn a_subject_is_named_by_its_folder_only() {
        let of = |path: &str| subject(Path::new(path));
        assert_eq!(of("/x/sub-01/ses-2/anat/sub-01_T1w.nii.gz").as_deref(), Some("sub-01"));
        assert_eq!(of("/x/sub-01_T1w.nii.gz"), None);
        assert_eq!(of("/x/DOE^JANE/t1.nii"), None);
    }

    #[test]
    fn derivatives_have_a_table_for_each_subject_and_one_of_all() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(write_bids(&rows(), folder.path()).unwrap(), 1);
        let all = std::fs::read_to_string(folder.path().join("participants.tsv")).unwrap();
        assert_eq!(all, "participant_id\tright_labels\tleft_labels\nsub-07\tnormal\tanomalous\n");
        let one = folder.path().join("sub-07/anat/sub-07_desc-maxillarysinus_labels.tsv");
        let one = std::fs::read_to_string(one).unwrap();
        assert!(one.contains("\tL\tmaxillary sinus\tanomalous\tcyst\tn/a\tn/a\t"), "{one}");
        assert!(!one.contains("T1w"), "{one}");
    }
}
