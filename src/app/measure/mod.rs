//! Measuring as the state sees it: the tool in hand, what is being drawn or moved, the list of the open scan.
//!
//! A press begins a shape or takes hold of one, a release places a point or lets go; between them the shape follows the
//! mouse. So press-drag-release and click-click both draw. Only what is finished changes the project, and only that can
//! be undone.

mod drawing;
#[cfg(test)]
mod tests;

use super::command::{Effect, Write};
use super::message::Message;
use super::state::State;
use super::undo::Step;
use crate::measure::{Kind, Measured};
use crate::project::MeasurementId;
use glam::DVec3;

/// The measurements of the open scan, and the one at hand.
#[derive(Clone, Debug, Default)]
pub struct Measures {
    /// The oldest first.
    pub list: Vec<Measurement>,
    /// What the next press begins.
    pub tool: Option<InHand>,
    /// What is not finished yet.
    pub drawing: Option<Drawing>,
    /// What is being moved.
    pub grab: Option<Grab>,
    /// The one whose handles are shown.
    pub selected: Option<MeasurementId>,
    /// The number of the next one.
    next: i64,
}

/// One measurement.
#[derive(Clone, Debug, PartialEq)]
pub struct Measurement {
    /// Its number in the project.
    pub id: MeasurementId,
    /// What the reader calls it; usually nothing.
    pub name: String,
    /// What was measured where.
    pub measured: Measured,
}

/// A tool in hand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InHand {
    /// What it draws.
    pub kind: Kind,
    /// Whether it stays in hand when a shape is finished.
    pub stays: bool,
}

/// A shape that is not finished yet.
#[derive(Clone, Debug, PartialEq)]
pub struct Drawing {
    /// What it is so far, its last point under the mouse.
    pub measured: Measured,
    kind: Kind,
    placed_mm: Vec<DVec3>,
    /// Screen-right and screen-down where it was begun.
    axes: [DVec3; 2],
    /// The button that began it is still down.
    begun_now: bool,
}

/// A measurement that is being moved.
#[derive(Clone, Debug, PartialEq)]
pub struct Grab {
    /// As it was.
    pub before: Measurement,
    /// The handle, or none for the whole shape.
    handle: Option<usize>,
    /// Where the mouse took hold of it.
    from_mm: DVec3,
}

/// A step from one state of a measurement to another; none is not there.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// As it was.
    pub before: Option<Measurement>,
    /// As it is.
    pub after: Option<Measurement>,
}

/// A wish about measurements.
#[derive(Clone, Debug, PartialEq)]
pub enum MeasureCommand {
    /// Take a tool in hand; again, so that it stays there; a third time, put it away.
    Choose(Kind),
    /// The button was pressed with a tool in hand, where these are the unit directions of screen-right and screen-down.
    Press {
        /// Where in the world.
        at_mm: DVec3,
        /// The directions.
        axes: [DVec3; 2],
    },
    /// The button was pressed on a shape.
    Grab {
        /// Which.
        id: MeasurementId,
        /// On which of its handles; on none to move the whole.
        handle: Option<usize>,
        /// Where in the world.
        at_mm: DVec3,
    },
    /// The mouse went there.
    Follow(DVec3),
    /// The button was released.
    Release {
        /// Where in the world.
        at_mm: DVec3,
        /// The mouse went some way since the press.
        dragged: bool,
        /// The tool stays in hand.
        keep: bool,
    },
    /// Stop drawing or moving; else put the tool away; else select nothing.
    Cancel,
    /// Show the handles of one, or of none.
    Select(Option<MeasurementId>),
    /// Select one and bring it to the middle of all panes.
    Show(MeasurementId),
    /// Call it something.
    Rename(MeasurementId, String),
    /// Remove one.
    Delete(MeasurementId),
    /// Remove all.
    Clear,
    /// Write them to a file.
    Export,
    /// What the project keeps of the scan just opened, and the number of the next measurement.
    Kept(Vec<Measurement>, MeasurementId),
    /// Changes could not be written: what was before counts.
    Refused {
        /// The changes.
        changes: Vec<Change>,
        /// Why they were to be written.
        kind: Write,
        /// Why not, and what to do.
        reason: String,
    },
}

/// What measuring needs the outside for.
#[derive(Clone, Debug, PartialEq)]
pub enum MeasureEffect {
    /// Append these changes to the project.
    Record(Vec<Change>, Write),
    /// Ask for a file and write the measurements of the open scan to it.
    Export,
}

impl Measures {
    /// The measurement of a number.
    #[must_use]
    pub fn get(&self, id: MeasurementId) -> Option<&Measurement> {
        self.list.iter().find(|measurement| measurement.id == id)
    }

    /// Whether a shape is being drawn or moved.
    #[must_use]
    pub fn unfinished(&self) -> bool {
        self.drawing.is_some() || self.grab.is_some()
    }

    /// Whether there is something to cancel.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.unfinished() || self.tool.is_some() || self.selected.is_some()
    }

    /// Forgets those of a scan that is left; the tool stays in hand.
    pub(in crate::app) fn leave(&mut self) {
        *self = Self { tool: self.tool, ..Self::default() };
    }

    fn put(&mut self, id: MeasurementId, now: Option<Measurement>) {
        self.grab = None;
        let place = self.list.iter().position(|measurement| measurement.id == id);
        match (place, now) {
            (Some(place), Some(now)) => self.list[place] = now,
            (Some(place), None) => drop(self.list.remove(place)),
            (None, Some(now)) => {
                // Numbers grow: one that comes back comes back to its place.
                let place = self.list.partition_point(|measurement| measurement.id < id);
                self.list.insert(place, now);
            }
            (None, None) => {}
        }
        self.selected = self.selected.filter(|selected| self.get(*selected).is_some());
    }
}

impl Change {
    fn reversed(&self) -> Self {
        Self { before: self.after.clone(), after: self.before.clone() }
    }

    fn id(&self) -> Option<MeasurementId> {
        self.before.as_ref().or(self.after.as_ref()).map(|measurement| measurement.id)
    }
}

/// What a step is called: `distance 12.3 mm`, `delete angle`.
pub(in crate::app) fn step_name(changes: &[Change]) -> String {
    let kind = |measurement: &Measurement| measurement.measured.shape.kind().name();
    match changes {
        [Change { before: None, after: Some(after) }] => {
            let figures = after.measured.figures.lines();
            format!("{} {}", kind(after), figures.first().map_or("", String::as_str))
        }
        [Change { before: Some(before), after: None }] => format!("delete {}", kind(before)),
        [Change { before: Some(before), after: Some(after) }] if before.name != after.name => {
            format!("rename {}", kind(after))
        }
        [Change { after: Some(after), .. }] => format!("move {}", kind(after)),
        _ => "delete all measurements".to_owned(),
    }
}

impl State {
    pub(in crate::app) fn measure(&mut self, command: &MeasureCommand) -> Vec<Effect> {
        let measures = &mut self.measures;
        match command {
            MeasureCommand::Choose(kind) => {
                measures.drawing = None;
                measures.tool = match measures.tool.filter(|tool| tool.kind == *kind) {
                    None => Some(InHand { kind: *kind, stays: false }),
                    Some(InHand { stays: false, .. }) => Some(InHand { kind: *kind, stays: true }),
                    Some(_) => None,
                };
            }
            MeasureCommand::Press { at_mm, axes } => self.press(*at_mm, *axes),
            MeasureCommand::Grab { id, handle, at_mm } => {
                measures.selected = Some(*id);
                measures.grab =
                    measures.get(*id).cloned().map(|before| Grab { before, handle: *handle, from_mm: *at_mm });
            }
            MeasureCommand::Follow(at_mm) => self.follow(*at_mm),
            MeasureCommand::Release { at_mm, dragged, keep } => return self.release(*at_mm, *dragged, *keep),
            MeasureCommand::Cancel => self.cancel_measuring(),
            MeasureCommand::Select(id) => measures.selected = id.filter(|id| measures.get(*id).is_some()),
            MeasureCommand::Show(id) => {
                if let Some(measurement) = measures.get(*id) {
                    let centre_mm = measurement.measured.shape.centre_mm();
                    measures.selected = Some(*id);
                    self.move_cross(centre_mm);
                    self.view.planes.iter_mut().for_each(|pane| pane.centre_mm = centre_mm);
                }
            }
            MeasureCommand::Rename(id, name) => {
                let before = measures.get(*id).filter(|before| before.name != name.trim()).cloned();
                let renamed = |before: &Measurement| Measurement { name: name.trim().to_owned(), ..before.clone() };
                let changes = before.map(|before| Change { after: Some(renamed(&before)), before: Some(before) });
                return self.change(changes.into_iter().collect());
            }
            MeasureCommand::Delete(id) => {
                let removed = measures.get(*id).cloned().map(|before| Change { before: Some(before), after: None });
                return self.change(removed.into_iter().collect());
            }
            MeasureCommand::Clear => {
                let all = measures.list.clone().into_iter();
                return self.change(all.map(|before| Change { before: Some(before), after: None }).collect());
            }
            MeasureCommand::Export if measures.list.is_empty() => {
                self.message = Some(Message::note("There is nothing to export: nothing was measured in this scan"));
            }
            MeasureCommand::Export => return vec![Effect::Measure(MeasureEffect::Export)],
            MeasureCommand::Kept(list, next) => {
                measures.leave();
                (measures.list, measures.next) = (list.clone(), next.0);
            }
            MeasureCommand::Refused { changes, kind, reason } => {
                self.put_changes(changes, false);
                let step = Step::Measure(match kind {
                    Write::Undo => changes.iter().map(Change::reversed).collect(),
                    Write::New | Write::Redo => changes.clone(),
                });
                self.history.take_back(*kind, |done| *done == step);
                self.message = Some(Message::error(reason.clone()).kept());
            }
        }
        Vec::new()
    }
}
