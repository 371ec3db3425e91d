//! What can be undone: labels and boxes placed by hand.

use super::state::State;
use crate::methods::sinus::Sinus;
use crate::project::Label;
use crate::space::Side;

/// One step that can be taken back.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Step {
    Label { side: Side, before: Option<Label>, after: Option<Label> },
    Box { side: Side, before: Sinus, after: Sinus },
}

impl Step {
    fn name(&self) -> String {
        match self {
            Self::Label { side, after, .. } => {
                format!("label {} {}", side.name(), after.map_or("cleared", Label::name))
            }
            Self::Box { side, .. } => format!("move {} box", side.name()),
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

    /// Forgets a step that could not be carried out.
    pub fn forget_last(&mut self) {
        self.done.pop();
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

impl State {
    /// Puts a sinus where a step says.
    pub(super) fn put_box(&mut self, side: Side, sinus: Sinus) {
        if let Some(sinuses) = &mut self.sinuses {
            sinuses[side.index()] = sinus;
        }
    }
}
