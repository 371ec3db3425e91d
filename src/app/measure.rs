//! Measuring as the state sees it: the tool in hand, what is being drawn or moved, the list of the open scan.
//!
//! A press begins a shape or takes hold of one, a release places a point or lets go; between them the shape follows the
//! mouse. So press-drag-release and click-click both draw. Only what is finished changes the project, and only that can
//! be undone.

use super::checks;
use super::command::{Effect, Write};
use super::message::Message;
use super::state::State;
use super::undo::Step;
use crate::measure::{Kind, Measured, Shape};
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
    pub(super) fn leave(&mut self) {
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
    fn id(&self) -> Option<MeasurementId> {
        self.before.as_ref().or(self.after.as_ref()).map(|measurement| measurement.id)
    }
}

/// What a step is called: `distance 12.3 mm`, `delete angle`.
pub(super) fn step_name(changes: &[Change]) -> String {
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
    pub(super) fn measure(&mut self, command: &MeasureCommand) -> Vec<Effect> {
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
                self.history.take_back(*kind);
                self.message = Some(Message::error(reason.clone()).kept());
            }
        }
        Vec::new()
    }

    /// Measures a shape in the volume on screen.
    fn measured(&self, shape: Shape) -> Option<Measured> {
        let scan = &self.scan.as_ref()?.scan;
        Some(Measured::new(shape, &scan.volume, scan.frame + 1, checks::orientation_known(scan)))
    }

    fn press(&mut self, at_mm: DVec3, axes: [DVec3; 2]) {
        if let Some(drawing) = &mut self.measures.drawing {
            drawing.begun_now = false;
            return self.follow(at_mm);
        }
        let Some(InHand { kind, .. }) = self.measures.tool else { return };
        let placed_mm = vec![at_mm];
        let measured = Shape::drawn(kind, &placed_mm, axes).and_then(|shape| self.measured(shape));
        self.measures.selected = None;
        self.measures.drawing = measured.map(|measured| Drawing { measured, kind, placed_mm, axes, begun_now: true });
    }

    fn follow(&mut self, at_mm: DVec3) {
        if let Some(drawing) = &self.measures.drawing {
            let points_mm: Vec<DVec3> = drawing.placed_mm.iter().copied().chain([at_mm]).collect();
            // A probe has but one point: it goes with the mouse until it is let go.
            let points_mm = if drawing.kind == Kind::Probe { vec![at_mm] } else { points_mm };
            let measured = Shape::drawn(drawing.kind, &points_mm, drawing.axes).and_then(|shape| self.measured(shape));
            if let (Some(drawing), Some(measured)) = (&mut self.measures.drawing, measured) {
                drawing.measured = measured;
            }
        } else if let Some(grab) = &self.measures.grab {
            let shape = grab.before.measured.shape;
            let moved = match grab.handle {
                Some(handle) => {
                    let was_mm = shape.handles_mm().get(handle).copied().unwrap_or(at_mm);
                    shape.with_handle(handle, was_mm + at_mm - grab.from_mm)
                }
                None => shape.moved(at_mm - grab.from_mm),
            };
            let id = grab.before.id;
            let measured = self.measured(moved);
            let shown = self.measures.list.iter_mut().find(|measurement| measurement.id == id);
            if let (Some(shown), Some(measured)) = (shown, measured) {
                shown.measured = measured;
            }
        }
    }

    fn release(&mut self, at_mm: DVec3, dragged: bool, keep: bool) -> Vec<Effect> {
        if let Some(Grab { before, .. }) = self.measures.grab.clone() {
            if !dragged {
                // A click only selects.
                self.measures.put(before.id, Some(before));
                return Vec::new();
            }
            self.follow(at_mm);
            self.measures.grab = None;
            let after = self.measures.get(before.id).cloned();
            return match after {
                Some(after) if after != before => {
                    self.change(vec![Change { before: Some(before), after: Some(after) }])
                }
                _ => Vec::new(),
            };
        }
        let Some(drawing) = &mut self.measures.drawing else { return Vec::new() };
        let places = dragged || !drawing.begun_now || drawing.kind == Kind::Probe;
        drawing.begun_now = false;
        if !places {
            return Vec::new();
        }
        self.follow(at_mm);
        let Some(drawing) = &mut self.measures.drawing else { return Vec::new() };
        let Drawing { measured, kind, .. } = *drawing;
        if kind.points() > 1 {
            drawing.placed_mm.push(at_mm);
            if drawing.placed_mm.len() < kind.points() {
                return Vec::new();
            }
            if !measured.shape.is_complete() {
                // Twice the same point: the last one is placed again.
                drawing.placed_mm.pop();
                return Vec::new();
            }
        }
        let measures = &mut self.measures;
        measures.drawing = None;
        measures.tool = measures.tool.filter(|tool| tool.stays || keep);
        let id = MeasurementId(measures.next);
        measures.next += 1;
        let after = Measurement { id, name: String::new(), measured };
        let effects = self.change(vec![Change { before: None, after: Some(after) }]);
        self.measures.selected = Some(id);
        effects
    }

    fn cancel_measuring(&mut self) {
        let measures = &mut self.measures;
        if let Some(Grab { before, .. }) = measures.grab.take() {
            measures.put(before.id, Some(before));
        } else if measures.drawing.is_some() {
            measures.drawing = None;
        } else if measures.tool.is_some() {
            measures.tool = None;
        } else {
            measures.selected = None;
        }
    }

    /// Carries out changes as one step.
    fn change(&mut self, changes: Vec<Change>) -> Vec<Effect> {
        if changes.is_empty() {
            return Vec::new();
        }
        self.put_changes(&changes, true);
        self.history.push(Step::Measure(changes.clone()));
        vec![Effect::Measure(MeasureEffect::Record(changes, Write::New))]
    }

    /// Takes changes back or carries them out again.
    pub(super) fn replay_measuring(&mut self, changes: Vec<Change>, kind: Write) -> Vec<Effect> {
        let changes = match kind {
            Write::Undo => changes.into_iter().map(|c| Change { before: c.after, after: c.before }).collect(),
            Write::New | Write::Redo => changes,
        };
        self.put_changes(&changes, true);
        vec![Effect::Measure(MeasureEffect::Record(changes, kind))]
    }

    fn put_changes(&mut self, changes: &[Change], forward: bool) {
        for change in changes {
            if let Some(id) = change.id() {
                let now = if forward { &change.after } else { &change.before };
                self.measures.put(id, now.clone());
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::Command;
    use crate::app::command::Opened;
    use crate::app::testing::scan;
    use crate::io::Scan;
    use std::sync::Arc;

    const AXES: [DVec3; 2] = [DVec3::NEG_X, DVec3::NEG_Y];

    fn opened() -> State {
        let mut state = State::default();
        state.apply(Command::Opened(Opened { scan: Arc::new(scan([20, 20, 20])), origin: None, labels: [None; 2] }));
        send(&mut state, MeasureCommand::Kept(Vec::new(), MeasurementId(100)));
        state
    }

    fn send(state: &mut State, command: MeasureCommand) -> Vec<Effect> {
        state.apply(Command::Measure(command))
    }

    fn press(state: &mut State, at_mm: DVec3) {
        assert!(send(state, MeasureCommand::Press { at_mm, axes: AXES }).is_empty());
    }

    fn release(state: &mut State, at_mm: DVec3, dragged: bool) -> Vec<Effect> {
        send(state, MeasureCommand::Release { at_mm, dragged, keep: false })
    }

    fn click(state: &mut State, at_mm: DVec3) -> Vec<Effect> {
        press(state, at_mm);
        release(state, at_mm, false)
    }

    /// What an effect records: why, and the first figure of each measurement before and after.
    fn recorded(effects: &[Effect]) -> (Write, String) {
        let [Effect::Measure(MeasureEffect::Record(changes, kind))] = effects else { panic!("{effects:?}") };
        let first = |one: &Option<Measurement>| {
            one.as_ref().map_or("none".to_owned(), |one| one.measured.figures.lines().remove(0))
        };
        let changes = changes.iter().map(|change| format!("{} to {}", first(&change.before), first(&change.after)));
        (*kind, changes.collect::<Vec<_>>().join(", "))
    }

    fn is(kind: Write, changes: &str) -> (Write, String) {
        (kind, changes.to_owned())
    }

    /// A state with a distance of 5 mm.
    fn measured() -> (State, MeasurementId) {
        let mut state = opened();
        send(&mut state, MeasureCommand::Choose(Kind::Distance));
        click(&mut state, DVec3::ZERO);
        click(&mut state, DVec3::new(3.0, 4.0, 0.0));
        let id = state.measures.list[0].id;
        (state, id)
    }

    #[test]
    fn a_distance_is_drawn_by_two_clicks_and_by_one_drag() {
        let mut state = opened();
        send(&mut state, MeasureCommand::Choose(Kind::Distance));
        assert!(click(&mut state, DVec3::ZERO).is_empty());
        send(&mut state, MeasureCommand::Follow(DVec3::X * 7.0));
        assert_eq!(state.measures.drawing.as_ref().unwrap().measured.figures.length_mm, Some(7.0));
        assert!(click(&mut state, DVec3::ZERO).is_empty(), "no distance of nothing");
        let effects = click(&mut state, DVec3::new(3.0, 4.0, 0.0));
        assert_eq!(recorded(&effects), is(Write::New, "none to 5.0 mm"));
        assert_eq!(state.undoable().0.as_deref(), Some("distance 5.0 mm"));
        assert_eq!((state.measures.tool, &state.measures.drawing), (None, &None), "the tool is put away");
        assert_eq!(state.measures.selected, Some(MeasurementId(100)));

        send(&mut state, MeasureCommand::Choose(Kind::Distance));
        press(&mut state, DVec3::ZERO);
        let effects = release(&mut state, DVec3::Y * 8.0, true);
        assert_eq!(recorded(&effects), is(Write::New, "none to 8.0 mm"));
        assert_eq!(state.measures.list[1].id, MeasurementId(101));
    }

    #[test]
    fn an_angle_takes_three_points_and_a_probe_one() {
        let mut state = opened();
        send(&mut state, MeasureCommand::Choose(Kind::Angle));
        press(&mut state, DVec3::X * 9.0);
        assert!(release(&mut state, DVec3::ZERO, true).is_empty(), "the first leg may be dragged");
        let effects = click(&mut state, DVec3::Y * 2.0);
        assert_eq!(recorded(&effects).1, "none to 90.0°");

        send(&mut state, MeasureCommand::Choose(Kind::Probe));
        // In the middle of voxel (14, 10, 10): 10 · 420 + 14 is 4214, of which the scan holds the last two digits.
        let effects = click(&mut state, DVec3::new(9.0, 1.0, 1.0));
        assert_eq!(recorded(&effects).1, "none to 14.0 a.u.");
        assert_eq!(state.measures.list[1].measured.shape, Shape::Probe(DVec3::new(9.0, 1.0, 1.0)), "patient right");
    }

    #[test]
    fn a_region_lies_in_the_plane_it_is_drawn_in() {
        let mut state = opened();
        send(&mut state, MeasureCommand::Choose(Kind::Box));
        press(&mut state, DVec3::new(10.0, 10.0, 1.0));
        release(&mut state, DVec3::new(2.0, 4.0, 1.0), true);
        let Measured { shape: Shape::Box(region), figures, volume, oriented } = state.measures.list[0].measured else {
            panic!()
        };
        assert_eq!(region.centre_mm, DVec3::new(6.0, 7.0, 1.0));
        assert_eq!((figures.area_mm2, figures.values.map(|v| v.voxels)), (Some(48.0), Some(12)));
        assert_eq!((volume, oriented), (1, true));
    }

    #[test]
    fn a_tool_stays_in_hand_on_request_and_goes_by_escape() {
        let mut state = opened();
        let choose = |state: &mut State| drop(send(state, MeasureCommand::Choose(Kind::Probe)));
        choose(&mut state);
        choose(&mut state);
        click(&mut state, DVec3::ZERO);
        assert_eq!(state.measures.tool, Some(InHand { kind: Kind::Probe, stays: true }));
        choose(&mut state);
        assert_eq!(state.measures.tool, None, "a third time puts it away");
        choose(&mut state);
        press(&mut state, DVec3::ZERO);
        send(&mut state, MeasureCommand::Release { at_mm: DVec3::ZERO, dragged: false, keep: true });
        assert!(state.measures.tool.is_some(), "held by Shift");
        press(&mut state, DVec3::ZERO);
        for left in [(false, true, true), (false, false, true), (false, false, false)] {
            send(&mut state, MeasureCommand::Cancel);
            send(&mut state, MeasureCommand::Select(Some(MeasurementId(100)).filter(|_| left.2)));
            let measures = &state.measures;
            assert_eq!((measures.drawing.is_some(), measures.tool.is_some(), measures.busy()), left);
        }
        assert_eq!(state.measures.list.len(), 2, "what was being drawn is gone");
    }

    #[test]
    fn what_was_drawn_can_be_undone_redone_and_deleted() {
        let (mut state, id) = measured();
        let drawn = state.measures.list.clone();
        assert_eq!(recorded(&state.apply(Command::Undo)), is(Write::Undo, "5.0 mm to none"));
        assert_eq!((state.measures.list.len(), state.measures.selected), (0, None));
        assert_eq!(recorded(&state.apply(Command::Redo)), is(Write::Redo, "none to 5.0 mm"));
        assert_eq!(state.measures.list, drawn);
        send(&mut state, MeasureCommand::Delete(id));
        assert_eq!(state.undoable().0.as_deref(), Some("delete distance"));
        assert!(send(&mut state, MeasureCommand::Delete(id)).is_empty(), "it is gone");
        state.apply(Command::Undo);
        assert_eq!(state.measures.list, drawn);
    }

    #[test]
    fn a_handle_is_dragged_as_one_step_and_a_click_only_selects() {
        let (mut state, id) = measured();
        // Taken hold of 1 mm beside the end: the end keeps that distance from the mouse.
        let beside = DVec3::new(3.0, 5.0, 0.0);
        let grab = |handle| MeasureCommand::Grab { id, handle, at_mm: beside };
        send(&mut state, grab(Some(1)));
        send(&mut state, MeasureCommand::Follow(DVec3::new(0.0, 4.0, 0.0)));
        assert_eq!(state.measures.list[0].measured.figures.length_mm, Some(3.0));
        let effects = release(&mut state, DVec3::new(0.0, 11.0, 0.0), true);
        assert_eq!(recorded(&effects), is(Write::New, "5.0 mm to 10.0 mm"));
        assert_eq!(state.undoable().0.as_deref(), Some("move distance"));

        send(&mut state, MeasureCommand::Select(None));
        send(&mut state, grab(None));
        send(&mut state, MeasureCommand::Follow(beside + DVec3::X * 0.1));
        assert!(release(&mut state, beside + DVec3::X * 0.1, false).is_empty(), "a trembling hand moves nothing");
        assert_eq!(
            (state.measures.selected, state.measures.list[0].measured.figures.length_mm),
            (Some(id), Some(10.0))
        );
        send(&mut state, grab(None));
        send(&mut state, MeasureCommand::Follow(DVec3::ZERO));
        send(&mut state, MeasureCommand::Cancel);
        assert_eq!(state.measures.list[0].measured.shape, Shape::Distance([DVec3::ZERO, DVec3::Y * 10.0]));
        assert!(!state.measures.unfinished());
        state.apply(Command::Undo);
        assert_eq!(state.measures.list[0].measured.figures.length_mm, Some(5.0));
    }

    #[test]
    fn names_and_clearing_are_steps_too() {
        let (mut state, id) = measured();
        send(&mut state, MeasureCommand::Choose(Kind::Probe));
        click(&mut state, DVec3::ZERO);
        send(&mut state, MeasureCommand::Rename(id, " left wall ".to_owned()));
        assert_eq!(state.measures.list[0].name, "left wall");
        assert_eq!(state.undoable().0.as_deref(), Some("rename distance"));
        assert!(send(&mut state, MeasureCommand::Rename(id, "left wall".to_owned())).is_empty());
        let before = state.measures.list.clone();
        assert_eq!(recorded(&send(&mut state, MeasureCommand::Clear)).1, "5.0 mm to none, 10.0 a.u. to none");
        assert_eq!(state.undoable().0.as_deref(), Some("delete all measurements"));
        assert!(send(&mut state, MeasureCommand::Clear).is_empty());
        assert!(send(&mut state, MeasureCommand::Export).is_empty(), "there is nothing to export");
        state.apply(Command::Undo);
        assert_eq!(state.measures.list, before, "in their order");
        assert!(matches!(send(&mut state, MeasureCommand::Export)[..], [Effect::Measure(MeasureEffect::Export)]));
    }

    #[test]
    fn what_was_not_written_is_taken_back_and_said() {
        let (mut state, id) = measured();
        let refuse = |state: &mut State, effects: &[Effect]| {
            let [Effect::Measure(MeasureEffect::Record(changes, kind))] = effects else { panic!("{effects:?}") };
            let (changes, kind) = (changes.clone(), *kind);
            send(state, MeasureCommand::Refused { changes, kind, reason: "disk full".to_owned() });
        };
        let effects = send(&mut state, MeasureCommand::Delete(id));
        refuse(&mut state, &effects);
        assert!(state.measures.get(id).is_some());
        assert!(state.message.as_ref().is_some_and(|m| m.error && m.keep && m.text == "disk full"));
        assert_eq!(state.undoable(), (Some("distance 5.0 mm".to_owned()), None));
        let effects = state.apply(Command::Undo);
        refuse(&mut state, &effects);
        assert!(state.measures.get(id).is_some(), "an undo that was not written did not happen");
        assert_eq!(state.undoable(), (Some("distance 5.0 mm".to_owned()), None));
    }

    #[test]
    fn what_is_kept_comes_with_the_scan_and_goes_with_it() {
        let (mut state, id) = measured();
        let kept = state.measures.list.clone();
        let open = |state: &mut State, scan: Scan| {
            state.apply(Command::Opened(Opened { scan: Arc::new(scan), origin: None, labels: [None; 2] }));
        };
        send(&mut state, MeasureCommand::Choose(Kind::Angle));
        press(&mut state, DVec3::ZERO);
        open(&mut state, scan([9, 9, 9]));
        let measures = &state.measures;
        assert!(measures.list.is_empty() && measures.drawing.is_none() && measures.selected.is_none());
        assert!(measures.tool.is_some(), "the reader goes on measuring");
        open(&mut state, scan([20, 20, 20]));
        send(&mut state, MeasureCommand::Kept(kept.clone(), MeasurementId(200)));
        assert_eq!(state.measures.list, kept);
        assert_eq!(state.undoable().0, None);
        send(&mut state, MeasureCommand::Show(id));
        assert_eq!(state.view.cross_mm, DVec3::new(1.5, 2.0, 0.0));
        assert!(state.view.planes.iter().all(|pane| pane.centre_mm == state.view.cross_mm));
        state.measures.tool = None;
        send(&mut state, MeasureCommand::Choose(Kind::Probe));
        click(&mut state, DVec3::ZERO);
        assert_eq!(state.measures.list.last().map(|m| m.id), Some(MeasurementId(200)));
    }
}
