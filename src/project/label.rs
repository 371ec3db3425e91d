//! What a reader says of one sinus, and the event that records it.

use super::{CaseId, EventId};
use crate::space::Side;
use serde::{Deserialize, Serialize};

/// A reader's judgement of one sinus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// Nothing abnormal.
    Normal,
    /// Mucosal thickening, polyp, cyst, opacification or other.
    Anomalous,
    /// The reader cannot tell.
    Uncertain,
    /// The scan does not allow to judge it: cut off, blurred, streaked.
    #[serde(rename = "not assessable")]
    NotAssessable,
}

impl Label {
    /// All labels in the order of the keys.
    pub const ALL: [Self; 4] = [Self::Normal, Self::Anomalous, Self::Uncertain, Self::NotAssessable];

    /// The name in files and on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Anomalous => "anomalous",
            Self::Uncertain => "uncertain",
            Self::NotAssessable => "not assessable",
        }
    }

    /// The name where there is little room.
    #[must_use]
    pub fn short(self) -> &'static str {
        match self {
            Self::Normal => "norm",
            Self::Anomalous => "anom",
            Self::Uncertain => "unc",
            Self::NotAssessable => "n/a",
        }
    }

    /// The label of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.name() == name)
    }
}

/// What makes a sinus anomalous.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum AnomalyType {
    /// Swollen lining.
    #[serde(rename = "mucosal thickening")]
    MucosalThickening,
    /// A lobulated mass on a stalk.
    Polyp,
    /// A smooth dome on a wall.
    Cyst,
    /// No air is left, or fluid stands in it.
    Opacification,
    /// Anything else.
    Other,
}

impl AnomalyType {
    /// All types, the commonest first.
    pub const ALL: [Self; 5] = [Self::MucosalThickening, Self::Cyst, Self::Polyp, Self::Opacification, Self::Other];

    /// The name in files and on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MucosalThickening => "mucosal thickening",
            Self::Polyp => "polyp",
            Self::Cyst => "cyst",
            Self::Opacification => "opacification",
            Self::Other => "other",
        }
    }

    /// The type of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// All that a reader says of one sinus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reading {
    /// The judgement.
    pub label: Label,
    /// What it is, of an anomalous sinus.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub anomaly: Option<AnomalyType>,
    /// How much of the sinus is filled, as Lund and Mackay (1993) score it: see [`severity_name`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<u8>,
    /// How sure the reader is, in per cent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confidence: Option<u8>,
    /// Free text; empty where there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
}

/// The highest severity.
pub const MOST_SEVERE: u8 = 3;

/// What a severity means: 0 to 2 are Lund and Mackay's for the maxillary sinus, 3 goes beyond them.
#[must_use]
pub fn severity_name(severity: u8) -> &'static str {
    match severity {
        0 => "clear",
        1 => "partly opacified",
        2 => "completely opacified",
        _ => "beyond the sinus",
    }
}

impl Reading {
    /// A label and nothing else.
    #[must_use]
    pub fn of(label: Label) -> Self {
        Self { label, anomaly: None, severity: None, confidence: None, note: String::new() }
    }

    /// The same with another label. What was said beside it stays as far as it goes with the new one: a type is of
    /// anomalous sinuses only, a clear sinus is not anomalous, and what cannot be assessed has no severity.
    #[must_use]
    pub fn relabelled(&self, label: Label) -> Self {
        Self { label, ..self.clone() }.coherent()
    }

    /// Without what does not go with the label.
    #[must_use]
    pub fn coherent(mut self) -> Self {
        self.anomaly = self.anomaly.filter(|_| self.label == Label::Anomalous);
        let possible = match self.label {
            Label::Anomalous => Some(1..=MOST_SEVERE),
            Label::Uncertain => Some(0..=MOST_SEVERE),
            Label::Normal => Some(0..=0),
            Label::NotAssessable => None,
        };
        self.severity = self.severity.filter(|severity| possible.is_some_and(|range| range.contains(severity)));
        self.confidence = self.confidence.map(|percent| percent.min(100));
        self
    }
}

/// One line of the append-only record.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelEvent {
    /// The scan.
    pub case: CaseId,
    /// The sinus.
    pub side: Side,
    /// What is said from now on; none takes it back.
    pub reading: Option<Reading>,
    /// The event that this one undoes.
    pub undoes: Option<EventId>,
    /// Who labels.
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
    /// How long the case had been on screen, in ms.
    pub duration_ms: Option<i64>,
}

impl LabelEvent {
    /// An event that clears the label; fields are then set as needed.
    #[must_use]
    pub fn new(case: CaseId, side: Side, rater: String, session: String) -> Self {
        Self {
            case,
            side,
            reading: None,
            undoes: None,
            rater,
            session,
            blinded: false,
            ai_seen: false,
            ai_score: None,
            model_sha256: None,
            duration_ms: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_label_keeps_what_goes_with_it() {
        let polyp = Reading {
            anomaly: Some(AnomalyType::Polyp),
            severity: Some(1),
            confidence: Some(80),
            note: "floor".to_owned(),
            ..Reading::of(Label::Anomalous)
        };
        assert_eq!(polyp.relabelled(Label::Anomalous), polyp);
        let normal = polyp.relabelled(Label::Normal);
        assert_eq!((normal.anomaly, normal.severity, normal.note.as_str()), (None, None, "floor"));
        let uncertain = polyp.relabelled(Label::Uncertain);
        assert_eq!((uncertain.anomaly, uncertain.severity, uncertain.confidence), (None, Some(1), Some(80)));
    }

    #[test]
    fn every_label_and_type_has_a_name_of_its_own() {
        assert!(Label::ALL.into_iter().all(|label| Label::from_name(label.name()) == Some(label)));
        assert!(AnomalyType::ALL.into_iter().all(|kind| AnomalyType::from_name(kind.name()) == Some(kind)));
        assert_eq!(serde_json::to_string(&Label::NotAssessable).ok().as_deref(), Some("\"not assessable\""));
    }
}
