//! The mouse in a plane pane as far as it measures: the left button with a tool in hand, or on a shape.

use super::{Place, is_for};
use crate::app::command::Command;
use crate::app::measure::MeasureCommand;
use crate::app::state::State;
use crate::project::MeasurementId;
use crate::space::Plane;
use crate::ui::projection::Projection;
use egui::{CursorIcon, Event, PointerButton, Pos2, Response, Ui};

/// A movement shorter than this is none: hands tremble.
const DRAG_POINTS: f32 = 4.0;
/// How near to a handle, and how near to a line, the mouse has to be.
const REACH_POINTS: [f32; 2] = [9.0, 6.0];

/// Handles the mouse; true when it measured and means nothing else.
pub(in crate::ui) fn mouse(
    ui: &Ui,
    state: &State,
    pane: &Projection,
    plane: Plane,
    response: &Response,
    commands: &mut Vec<Command>,
) -> bool {
    let held = response.is_pointer_button_down_on() || response.drag_stopped() || response.clicked();
    if !response.hovered() && !held {
        return false;
    }
    let measures = &state.measures;
    let drawing = measures.tool.is_some() || measures.drawing.is_some();
    let mut used = measures.grab.is_some();
    let mut follows = used || measures.drawing.is_some();
    // The other buttons do what they always do.
    let others = ui.input(|input| input.pointer.secondary_down() || input.pointer.middle_down());
    if measures.tool.is_some_and(|tool| !is_for(pane, tool.kind)) {
        ui.ctx().set_cursor_icon(CursorIcon::NotAllowed);
        return !others;
    }
    let mut send = |command: MeasureCommand| commands.push(Command::Measure(command));
    let (right, down) = state.view.frame.screen_axes(plane);
    let pressed_at = response.id.with("measure");
    let mut moved_to = None;
    // One by one: on a slow screen a press and its release come in one frame.
    for event in ui.input(|input| input.events.clone()) {
        match event {
            Event::PointerMoved(at) => moved_to = Some(at),
            Event::PointerButton { pos, button: PointerButton::Primary, pressed: true, .. }
                if response.hovered() && pane.rect.contains(pos) =>
            {
                ui.data_mut(|data| data.insert_temp(pressed_at, pos));
                moved_to = None;
                let at_mm = pane.to_world(pos);
                if drawing {
                    follows = true;
                    send(MeasureCommand::Press { at_mm, axes: [right, down] });
                } else if let Some((id, handle)) = hit(state, pane, plane, pos) {
                    (used, follows) = (true, true);
                    send(MeasureCommand::Grab { id, handle, at_mm });
                } else if measures.selected.is_some() && !ui.text_edit_focused() {
                    send(MeasureCommand::Select(None));
                }
            }
            Event::PointerButton { pos, button: PointerButton::Primary, pressed: false, modifiers } => {
                moved_to = None;
                if let Some(from) = ui.data_mut(|data| data.remove_temp::<Pos2>(pressed_at)) {
                    let dragged = from.distance(pos) > DRAG_POINTS;
                    send(MeasureCommand::Release { at_mm: pane.to_world(pos), dragged, keep: modifiers.shift });
                }
            }
            _ => {}
        }
    }
    if let Some(at) = moved_to.filter(|_| follows) {
        send(MeasureCommand::Follow(pane.to_world(at)));
    }
    if let Some(at) = response.hover_pos() {
        let icon = match hit(state, pane, plane, at) {
            _ if used => Some(CursorIcon::Grabbing),
            _ if drawing => Some(CursorIcon::Crosshair),
            Some((_, Some(_))) => Some(CursorIcon::Grab),
            Some((_, None)) => Some(CursorIcon::Move),
            None => None,
        };
        if let Some(icon) = icon {
            ui.ctx().set_cursor_icon(icon);
        }
    }
    used || (drawing && !others)
}

/// The shape under the mouse, and its handle where there is one. Only shapes in the slice: a dashed one would be torn
/// out of its own.
fn hit(state: &State, pane: &Projection, plane: Plane, at: Pos2) -> Option<(MeasurementId, Option<usize>)> {
    let [near_handle, near_line] = REACH_POINTS;
    let shown = || {
        // The newest lies on top.
        let newest_first = state.measures.list.iter().rev();
        newest_first
            .filter(|one| Place::of(state, pane, plane, &one.measured.shape) == Some(Place::In))
            .filter(|one| is_for(pane, one.measured.shape.kind()))
    };
    let handle = shown().find_map(|one| {
        let handles = one.measured.shape.handles_mm();
        let handle = handles.iter().position(|handle| pane.to_screen(*handle).distance(at) <= near_handle)?;
        Some((one.id, Some(handle)))
    });
    let line = || {
        shown().find_map(|one| {
            let line: Vec<Pos2> = one.measured.shape.outline_mm().iter().map(|p| pane.to_screen(*p)).collect();
            let reached = line.windows(2).any(|ends| matches!(ends, &[a, b] if distance(at, a, b) <= near_line));
            reached.then_some((one.id, None))
        })
    };
    handle.or_else(line)
}

/// From a point to a stretch of a line.
fn distance(at: Pos2, a: Pos2, b: Pos2) -> f32 {
    let along = (at - a).dot(b - a) / (b - a).length_sq().max(1e-6);
    at.distance(a.lerp(b, along.clamp(0.0, 1.0)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn a_line_ends_at_its_ends() {
        let (a, b) = (pos2(0.0, 0.0), pos2(10.0, 0.0));
        assert_eq!(distance(pos2(5.0, 3.0), a, b), 3.0);
        assert_eq!(distance(pos2(14.0, 3.0), a, b), 5.0);
        assert_eq!(distance(pos2(3.0, 4.0), a, a), 5.0);
    }
}
