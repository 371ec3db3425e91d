//! Each wish about measurements, through [`State::apply`].

#![allow(clippy::unwrap_used)]

use super::*;
use crate::app::Command;
use crate::app::command::Opened;
use crate::app::testing::scan;
use crate::io::Scan;
use crate::measure::Shape;
use std::sync::Arc;

const AXES: [DVec3; 2] = [DVec3::NEG_X, DVec3::NEG_Y];

fn opened() -> State {
    let mut state = State::default();
    state.apply(Command::Opened(Opened { scan: Arc::new(scan([20, 20, 20])), origin: None, labels: [None, None] }));
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
    assert!(release(&mut state, DVec3::X * 9.0, false).is_empty() && click(&mut state, DVec3::X * 9.0).is_empty());
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
    assert_eq!((state.measures.selected, state.measures.list[0].measured.figures.length_mm), (Some(id), Some(10.0)));
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
fn a_refusal_takes_back_its_own_step_and_no_later_one() {
    let (mut state, id) = measured();
    let effects = send(&mut state, MeasureCommand::Delete(id));
    let [Effect::Measure(MeasureEffect::Record(changes, kind))] = &effects[..] else { panic!("{effects:?}") };
    send(&mut state, MeasureCommand::Choose(Kind::Probe));
    click(&mut state, DVec3::ZERO);
    let later = state.undoable().0;
    let (changes, kind) = (changes.clone(), *kind);
    send(&mut state, MeasureCommand::Refused { changes, kind, reason: "disk full".to_owned() });
    assert_eq!((state.measures.list.len(), state.undoable().0), (2, later));
    state.apply(Command::Undo);
    assert_eq!(state.undoable().0.as_deref(), Some("distance 5.0 mm"));
}

#[test]
fn what_is_kept_comes_with_the_scan_and_goes_with_it() {
    let (mut state, id) = measured();
    let kept = state.measures.list.clone();
    let open = |state: &mut State, scan: Scan| {
        state.apply(Command::Opened(Opened { scan: Arc::new(scan), origin: None, labels: [None, None] }));
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
