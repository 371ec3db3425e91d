//! What can be undone: labels, boxes placed by hand, measurements; of cases that were left, their labels.

use super::command::{Effect, Write};
use super::load::{Origin, Target};
use super::measure::{Change, step_name};
use super::message::Message;
use super::state::{OpenScan, State};
use crate::methods::sinus::Sinus;
use crate::project::Reading;
use crate::space::Side;
use std::sync::Arc;

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

    /// Boxes and measurements are what they are when the case is opened again; its labels can still be taken back.
    fn labels_alone(mut self) -> Self {
        for steps in [&mut self.done, &mut self.undone] {
            steps.retain(|step| matches!(step, Step::Label { .. }));
        }
        self
    }

    /// Whether its labels led to what is said now, so that nobody else has labelled since.
    fn led_to(&self, readings: &[Option<Reading>; 2]) -> bool {
        Side::BOTH.into_iter().all(|side| {
            let said = |step: &Step| match step {
                Step::Label { side: of, after, .. } if *of == side => Some(after.clone()),
                _ => None,
            };
            self.done.iter().rev().find_map(said).is_none_or(|said| said == readings[side.index()])
        })
    }
}

/// A case of this sitting that is no longer on screen.
#[derive(Clone, Debug)]
pub(super) struct Former {
    origin: Origin,
    frame: usize,
    sha256: String,
    history: History,
    ai_seen: [bool; 2],
    others_seen: [bool; 2],
}

impl State {
    /// Whether something can be undone or redone, and what it is called.
    #[must_use]
    pub fn undoable(&self) -> (Option<String>, Option<String>) {
        let (undo, redo) = self.history.names();
        let before = || Some(format!("{}, on an earlier case", self.labelled_before()?.history.names().0?));
        (undo.or_else(before), redo)
    }

    /// The case of the list that was left last with a label that can be taken back.
    fn labelled_before(&self) -> Option<&Former> {
        let list = self.catalogue.as_ref()?;
        let here = |former: &&Former| Arc::ptr_eq(list, &former.origin.catalogue) && !former.history.done.is_empty();
        self.former.iter().rev().find(here)
    }

    /// Takes back the newest step; where there is none, goes back to the case before to take back its newest label there.
    pub(super) fn undo(&mut self) -> Vec<Effect> {
        if let Some(step) = self.history.undo() {
            return self.replay(step, Write::Undo);
        }
        let back = self.labelled_before().map(|former| (former.origin.clone(), former.frame));
        self.returning = back.as_ref().map(|(origin, _)| origin.clone());
        back.map(|(origin, frame)| Effect::Open(Target::Series { origin, frame, even: false })).into_iter().collect()
    }

    /// Another case takes the place of one: what can be taken back of the one is put aside, of the other it is taken up
    /// again, as is what its reader had seen.
    pub(super) fn change_case(&mut self, before: Option<&OpenScan>) {
        let history = std::mem::take(&mut self.history).labels_alone();
        let (ai_seen, others_seen) = (std::mem::take(&mut self.ai_seen), std::mem::take(&mut self.others_seen));
        if let Some(OpenScan { scan, origin: Some(origin), .. }) = before {
            let (origin, frame, sha256) = (origin.clone(), scan.frame, scan.sha256.clone());
            self.former.push(Former { origin, frame, sha256, history, ai_seen, others_seen });
        }
        let now = self.scan.as_ref().map(|open| open.scan.sha256.as_str());
        let Some(place) = self.former.iter().rposition(|former| Some(former.sha256.as_str()) == now) else { return };
        let former = self.former.remove(place);
        (self.ai_seen, self.others_seen) = (former.ai_seen, former.others_seen);
        if former.history.led_to(&self.labels) {
            self.history = former.history;
        }
    }

    /// Takes back the label for whose sake the open case was gone back to.
    pub(super) fn take_back_there(&mut self) -> Vec<Effect> {
        let wanted = self.returning.take();
        let origin = self.scan.as_ref().and_then(|open| open.origin.as_ref());
        let is_wanted = wanted.zip(origin).is_some_and(|(wanted, origin)| wanted.is(origin));
        let Some(step) = is_wanted.then(|| self.history.undo()).flatten() else { return Vec::new() };
        self.message = Some(Message::note(format!("Taken back on an earlier case: {}", step.name())));
        self.replay(step, Write::Undo)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::Command;
    use crate::app::command::Opened;
    use crate::app::labelling::LabelCommand;
    use crate::app::testing::{scan, two_series};
    use crate::io::Scan;
    use crate::project::Label;

    #[test]
    fn the_label_of_the_case_before_is_taken_back_where_it_was_given() {
        let mut state = State::default();
        let catalogue = two_series();
        let open = |series: usize, said: [Option<Label>; 2]| {
            let scan = Scan { sha256: format!("0{series}"), ..scan([50, 50, 50]) };
            let origin = Some(Origin { catalogue: Arc::clone(&catalogue), series });
            let labels = said.map(|label| label.map(Reading::of));
            Command::Opened(Opened { scan: Arc::new(scan), origin, labels })
        };
        let found = |state: &State| {
            let grid = state.scan.as_ref().unwrap().scan.volume.grid;
            Command::Found([Side::Left, Side::Right].map(|side| Sinus::placed(side, grid.voxel_mm(0), &grid)))
        };
        let asked = |effects: &[Effect]| match effects {
            [Effect::Open(Target::Series { origin, .. })] => Some(origin.series),
            _ => None,
        };
        let recorded = |effects: &[Effect]| {
            effects.iter().find_map(|effect| match effect {
                Effect::Record(judged) => Some((judged.side, judged.reading.clone(), judged.kind, judged.ai_seen)),
                _ => None,
            })
        };
        state.apply(open(0, [None, None]));
        let boxes = found(&state);
        state.apply(boxes);
        state.ai_seen = [false, true];
        state.apply(Command::Label(LabelCommand::Set(Side::Right, Label::Anomalous)));
        assert_eq!(state.undoable().0.as_deref(), Some("label right anomalous"));

        let said = [None, Some(Label::Anomalous)];
        state.apply(open(1, [None, None]));
        assert_eq!(
            (state.undoable().0.as_deref(), state.ai_seen),
            (Some("label right anomalous, on an earlier case"), [false; 2])
        );
        assert_eq!(asked(&state.apply(Command::Undo)), Some(0), "back to where it was given");
        let effects = state.apply(open(0, said));
        assert_eq!(recorded(&effects), Some((Side::Right, None, Write::Undo, true)), "{effects:?}");
        assert_eq!((&state.labels, state.undoable().0), (&[None, None], None));
        assert!(state.message.as_ref().unwrap().text.ends_with("label right anomalous"));
        assert!(recorded(&state.apply(Command::Redo)).is_some());

        // Opened by hand, nothing is taken back by itself, but it can be.
        state.apply(open(1, [None, None]));
        state.apply(Command::Undo);
        state.apply(Command::Cancel(crate::app::state::JobKind::Open));
        assert_eq!(recorded(&state.apply(open(0, said))), None);
        assert_eq!(state.undoable().0.as_deref(), Some("label right anomalous"));
        // What another window said meanwhile is not taken back.
        state.apply(open(1, [None, None]));
        assert_eq!(recorded(&state.apply(open(0, [None, Some(Label::Normal)]))), None);
        assert_eq!(state.undoable().0, None);
    }
}
