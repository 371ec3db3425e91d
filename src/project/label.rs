//! What a reader says of one sinus, and the event that records it.

use super::{CaseId, EventId};
use crate::space::Side;

/// A reader's judgement of one sinus.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// Nothing abnormal.
    Normal,
    /// Mucosal thickening, polyp, cyst, opacification or other.
    Anomalous,
    /// The reader cannot tell.
    Uncertain,
}

impl Label {
    /// All labels in the order of the keys.
    pub const ALL: [Self; 3] = [Self::Normal, Self::Anomalous, Self::Uncertain];

    /// The name in files and on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Anomalous => "anomalous",
            Self::Uncertain => "uncertain",
        }
    }

    /// The label of a name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|label| label.name() == name)
    }
}

/// One line of the append-only record.
#[derive(Clone, Debug, PartialEq)]
pub struct LabelEvent {
    /// The scan.
    pub case: CaseId,
    /// The sinus.
    pub side: Side,
    /// The label from now on; none takes it back.
    pub label: Option<Label>,
    /// The event that this one undoes.
    pub undoes: Option<EventId>,
    /// Who labels.
    pub rater: String,
    /// One run of the program.
    pub session: String,
    /// Whether a score or map of this sinus was on screen.
    pub ai_seen: bool,
    /// That score.
    pub ai_score: Option<f64>,
    /// The weights that made it.
    pub model_sha256: Option<String>,
}

impl LabelEvent {
    /// An event that clears the label; fields are then set as needed.
    #[must_use]
    pub fn new(case: CaseId, side: Side, rater: String, session: String) -> Self {
        Self {
            case,
            side,
            label: None,
            undoes: None,
            rater,
            session,
            ai_seen: false,
            ai_score: None,
            model_sha256: None,
        }
    }
}
