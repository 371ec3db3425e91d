//! What can be undone: labels, boxes placed by hand, measurements.

use super::command::Write;
use super::measure::{Change, step_name};
use crate::methods::sinus::Sinus;
use crate::project::Reading;
use crate::space::Side;

/// One step that can be taken back.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Label {
        side: Side,
        before: Option<Reading>,
        after: Option<Reading>,
    },
    Box {
        before: Sinus,
        after: Sinus,
    },
    /// Boxes placed by hand made way for those found anew.
    Found {
        before: [Sinus; 2],
        after: [Sinus; 2],
    },
    Measure(Vec<Change>),
}

impl Step {
    fn name(&self) -> String {
        match self {
            Self::Label { side, before, after } => match (before, after) {
                (Some(was), Some(now)) if was.label == now.label => format!("describe {}", side.name()),
                (_, after) => {
                    let label = after.as_ref().map_or("cleared", |reading| reading.label.name());
                    format!("label {} {label}", side.name())
                }
            },
            Self::Box { after, .. } => format!("move {} box", after.side.name()),
            Self::Found { .. } => "find the sinuses again".to_owned(),
            Self::Measure(changes) => step_name(changes),
        }
    }
}

/// Steps done and steps taken back, the newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct History {
    done: Vec<Step>,
    undone: Vec<Step>,
}

impl History {
    pub fn push(&mut self, step: Step) {
        self.done.push(step);
        self.undone.clear();
    }

    /// A step could not be carried out; everything is as before it. It need not be the newest: others may have been done
    /// before its refusal is known.
    pub fn take_back(&mut self, kind: Write, is_refused: impl Fn(&Step) -> bool) {
        let (from, to) = match kind {
            Write::New => (&mut self.done, None),
            Write::Undo => (&mut self.undone, Some(&mut self.done)),
            Write::Redo => (&mut self.done, Some(&mut self.undone)),
        };
        let Some(place) = from.iter().rposition(is_refused) else { return };
        let step = from.remove(place);
        if let Some(to) = to {
            to.push(step);
        }
    }

    pub fn undo(&mut self) -> Option<Step> {
        let step = self.done.pop()?;
        self.undone.push(step.clone());
        Some(step)
    }

    pub fn redo(&mut self) -> Option<Step> {
        let step = self.undone.pop()?;
        self.done.push(step.clone());
        Some(step)
    }

    pub fn names(&self) -> (Option<String>, Option<String>) {
        (self.done.last().map(Step::name), self.undone.last().map(Step::name))
    }
}
