//! What the mouse does in a plane pane.

use super::measure;
use super::plane_marks::{PlaneLine, box_shown, distance_mm, on_handle};
use super::projection::Projection;
use crate::app::command::Command;
use crate::app::compare::{CompareCommand, Shown};
use crate::app::settings::Tool;
use crate::app::state::{Pane, State};
use crate::methods::sinus::Sinus;
use crate::space::Plane;
use crate::view::Window;
use egui::{CursorIcon, Event, Id, MouseWheelUnit, PointerButton, Pos2, Response, Ui};

pub(super) fn ui(
    ui: &Ui,
    state: &State,
    pane: &Projection,
    plane: Plane,
    response: &Response,
    commands: &mut Vec<Command>,
) {
    let measuring = measure::mouse(ui, state, pane, plane, response, commands);
    if let Some(pointer) = response.hover_pos() {
        wheel(ui, pane, plane, pointer, commands);
        if !measuring && ui.input(|i| i.modifiers.shift && !i.pointer.any_down() && i.pointer.is_moving()) {
            commands.push(Command::CrossTo(pane.to_world(pointer)));
        }
    }
    menu(state, pane, plane, response, commands);
    if measuring {
        return;
    }
    let held = held(ui, state, pane, plane, response);
    let Some(pointer) = response.interact_pointer_pos() else { return };
    if let Some(held) = held {
        drag_held(ui, state, pane, plane, response, &held, pointer, commands);
        return;
    }
    if response.clicked_by(PointerButton::Primary) {
        commands.push(Command::CrossTo(pane.to_world(pointer)));
    }
    let mouse = state.settings.mouse;
    let buttons = [
        (PointerButton::Primary, mouse.left),
        (PointerButton::Secondary, mouse.right),
        (PointerButton::Middle, mouse.middle),
    ];
    for (_, tool) in buttons.into_iter().filter(|(button, _)| response.dragged_by(*button)) {
        drag(ui, tool, state, pane, plane, response, pointer, commands);
    }
}

/// What a drag with a tool asks for.
#[allow(clippy::too_many_arguments, reason = "a drag is all of these")]
fn drag(
    ui: &Ui,
    tool: Tool,
    state: &State,
    pane: &Projection,
    plane: Plane,
    response: &Response,
    pointer: Pos2,
    commands: &mut Vec<Command>,
) {
    let by = response.drag_delta();
    commands.push(match tool {
        Tool::Crosshair => Command::CrossTo(pane.to_world(pointer)),
        Tool::Window => {
            let Some((_, window)) = state.shown(pane.scan) else { return };
            let scale = window.width / 300.0;
            let (centre, width) = (window.centre + f64::from(by.y) * scale, window.width + f64::from(by.x) * scale);
            set_window(pane.scan, window.moved(centre, width))
        }
        Tool::Pan => Command::Pan(plane, -pane.movement_mm(by)),
        Tool::Zoom => {
            let anchor = ui.input(|i| i.pointer.press_origin()).unwrap_or(pointer);
            Command::Zoom(plane, (-f64::from(by.y) / 150.0).exp(), pane.to_world(anchor))
        }
    });
}

/// What changes the window of a scan.
fn set_window(scan: Shown, window: Window) -> Command {
    match scan {
        Shown::First => Command::SetWindow(window),
        Shown::Second => Command::Compare(CompareCommand::SetWindow(window)),
    }
}

/// What the left button holds while it is dragged; egui remembers it between frames.
#[derive(Clone, Copy)]
enum Held {
    /// A sinus box as it was before, and the [`State::generation`] of the scan it is in.
    Box(Sinus, u64),
    /// A mark that turns the other planes, and where the pointer was last.
    Line(Pos2),
}

/// What is held, from the frame in which the drag starts to the one in which it stops.
fn held(ui: &Ui, state: &State, pane: &Projection, plane: Plane, response: &Response) -> Option<Held> {
    let id = response.id.with("held");
    let lines = PlaneLine::both(state, pane, plane);
    let turns = |at: Pos2| {
        state.view.show_cross && lines.iter().flat_map(|line| line.handles(pane.rect)).any(|h| on_handle(h, at))
    };
    if response.drag_started_by(PointerButton::Primary) {
        let origin = ui.input(|i| i.pointer.press_origin())?;
        // Boxes of both sides lie over each other in the sagittal plane: the nearer sinus is meant.
        let grabbed = (state.sinuses.iter().flatten())
            .filter(|sinus| box_shown(state, plane, sinus) && on_handle(pane.to_screen(sinus.centre_mm), origin))
            .min_by(|a, b| distance_mm(state, plane, a).total_cmp(&distance_mm(state, plane, b)));
        let held = grabbed
            .map(|sinus| Held::Box(*sinus, state.generation))
            .or_else(|| turns(origin).then_some(Held::Line(origin)));
        ui.data_mut(|data| data.insert_temp(id, held));
    }
    if !response.dragged() && !response.drag_stopped() {
        if response.hover_pos().is_some_and(turns) {
            ui.ctx().set_cursor_icon(CursorIcon::Alias);
        }
        return None;
    }
    ui.data(|data| data.get_temp::<Option<Held>>(id)).flatten()
}

#[allow(clippy::too_many_arguments, reason = "a drag is all of these")]
fn drag_held(
    ui: &Ui,
    state: &State,
    pane: &Projection,
    plane: Plane,
    response: &Response,
    held: &Held,
    pointer: Pos2,
    commands: &mut Vec<Command>,
) {
    let id = response.id.with("held");
    match *held {
        // Another scan was opened meanwhile: its boxes are not held.
        Held::Box(_, generation) if generation != state.generation => {}
        Held::Box(before, _) => {
            if response.dragged()
                && let Some(sinus) = state.sinuses.map(|s| s[before.side.index()])
            {
                let to = sinus.centre_mm + pane.movement_mm(response.drag_delta());
                commands.push(Command::MoveBox(before.side, to));
            }
            if response.drag_stopped() {
                commands.push(Command::DropBox(before));
            }
        }
        Held::Line(last) => {
            let middle = pane.to_screen(state.view.cross_mm);
            let by = (pointer - middle).angle() - (last - middle).angle();
            // Across the seam of the angle the short way round is meant.
            let by = (by + std::f32::consts::PI).rem_euclid(std::f32::consts::TAU) - std::f32::consts::PI;
            if by != 0.0 {
                commands.push(Command::Turn(plane, f64::from(by)));
                ui.data_mut(|data| data.insert_temp(id, Some(Held::Line(pointer))));
            }
        }
    }
    if response.drag_stopped() {
        ui.data_mut(|data| data.remove_temp::<Option<Held>>(id));
    }
}

/// The menu of a short right click.
fn menu(state: &State, pane: &Projection, plane: Plane, response: &Response, commands: &mut Vec<Command>) {
    // The menu belongs to the point that was clicked, wherever the pointer goes in it.
    let id = response.id.with("menu");
    if let Some(at) = response.interact_pointer_pos().filter(|_| response.secondary_clicked()) {
        response.ctx.data_mut(|data| data.insert_temp(id, at));
    }
    response.context_menu(|ui| {
        let at: Option<Pos2> = ui.data(|data| data.get_temp(id));
        let mut entry = |ui: &mut Ui, text: &str, command: Command| {
            if ui.button(text).clicked() {
                commands.push(command);
                ui.close();
            }
        };
        if let Some(at) = at {
            entry(ui, "Crosshair here", Command::CrossTo(pane.to_world(at)));
        }
        entry(ui, "This pane alone, or all", Command::ToggleSingle(Pane::Plane(plane)));
        entry(ui, "Reset pan, zoom and turn", Command::ResetViews);
        ui.menu_button("Window", |ui| {
            for (name, window) in state.shown(pane.scan).iter().flat_map(|(open, _)| &open.windows) {
                if ui.button(name).clicked() {
                    commands.push(set_window(pane.scan, window.clone()));
                    ui.close();
                }
            }
        });
    });
}

/// Slices with the wheel, magnification with Ctrl. A notch is one slice; fine wheels add up to notches.
fn wheel(ui: &Ui, pane: &Projection, plane: Plane, pointer: Pos2, commands: &mut Vec<Command>) {
    let id = Id::unique(("wheel", Pane::Plane(plane)));
    let mut rest: f32 = ui.data(|data| data.get_temp(id)).unwrap_or(0.0);
    let mut zoom = 1.0_f64;
    ui.input(|input| {
        for event in &input.events {
            let Event::MouseWheel { unit, delta, modifiers, .. } = event else { continue };
            let notches = match unit {
                MouseWheelUnit::Line => delta.y,
                MouseWheelUnit::Point => delta.y / 30.0,
                MouseWheelUnit::Page => 10.0 * delta.y,
            };
            if modifiers.ctrl || modifiers.command {
                zoom *= 1.15_f64.powf(f64::from(notches));
            } else {
                rest += notches;
            }
        }
    });
    let slices = rest.trunc();
    ui.data_mut(|data| data.insert_temp(id, rest - slices));
    if slices != 0.0 {
        commands.push(Command::Scroll(plane, f64::from(slices)));
    }
    if (zoom - 1.0).abs() > 1e-9 {
        commands.push(Command::Zoom(plane, zoom, pane.to_world(pointer)));
    }
}
