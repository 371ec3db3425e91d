//! What can be undone: labels and boxes placed by hand.

use super::command::Write;
use crate::methods::sinus::Sinus;
use crate::project::Label;
use crate::space::Side;

/// One step that can be taken back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    Label { side: Side, before: Option<Label>, after: Option<Label> },
    Box { before: Sinus, after: Sinus },
}

impl Step {
    fn name(&self) -> String {
        match self {
            Self::Label { side, after, .. } => {
                format!("label {} {}", side.name(), after.map_or("cleared", Label::name))
            }
            Self::Box { after, .. } => format!("move {} box", after.side.name()),
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

    /// A step could not be carried out; everything is as before it.
    pub fn take_back(&mut self, kind: Write) {
        match kind {
            Write::New => {
                self.done.pop();
            }
            Write::Undo => {
                self.redo();
            }
            Write::Redo => {
                self.undo();
            }
        }
    }

    pub fn undo(&mut self) -> Option<Step> {
        let step = self.done.pop()?;
        self.undone.push(step);
        Some(step)
    }

    pub fn redo(&mut self) -> Option<Step> {
        let step = self.undone.pop()?;
        self.done.push(step);
        Some(step)
    }

    pub fn names(&self) -> (Option<String>, Option<String>) {
        (self.done.last().map(Step::name), self.undone.last().map(Step::name))
    }
}
