//! One plane: the slice, crosshair, sinus boxes, letters on all four edges, and what the mouse does there.

use super::lettering::{badge, edge_letters, orientation_known, shaded_text};
use super::projection::Projection;
use super::{measure, theme};
use crate::app::command::Command;
use crate::app::state::{Pane, State, plane_index};
use crate::gpu;
use crate::methods::sinus::{Crop, Sinus};
use crate::space::{Plane, Side, letters};
use crate::view::SliceView;
use egui::{
    Align2, CursorIcon, Event, FontId, Id, MouseWheelUnit, PointerButton, Pos2, Rect, Response, Role, Sense, Stroke,
    StrokeKind, Ui, WidgetInfo, pos2, vec2,
};
use glam::{DVec2, DVec3};
use std::sync::Arc;

/// Draws a plane into `rect` and handles the mouse over it.
pub(super) fn ui(ui: &mut Ui, state: &State, plane: Plane, rect: Rect, commands: &mut Vec<Command>) -> Response {
    let response = ui.interact(rect, Id::unique(("plane", plane)), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{} plane", plane.name())));
    let size = DVec2::new(f64::from(rect.width()), f64::from(rect.height()));
    let Some(camera) = state.plane_camera(plane, size) else { return response };
    let world_from_pane = camera.world_from_pane(&state.view.frame, plane, size, state.view.cross_mm);
    let pane = Projection::new(rect, world_from_pane);

    let view = SliceView {
        world_from_pane,
        window: state.view.window.clone(),
        interpolation: state.view.interpolation,
        slab: state.view.slab,
    };
    if let Some(volume) = state.volume() {
        let shape = gpu::slice(rect, plane_index(plane), view, Arc::clone(volume), state.visible_layers());
        ui.painter().add(shape);
    }
    if state.view.show_boxes {
        for sinus in state.sinuses.iter().flatten() {
            box_ui(ui, state, &pane, plane, sinus);
        }
    }
    if state.view.show_cross {
        cross_ui(ui, state, &pane, plane);
    }
    measure::draw(ui, state, &pane, plane);
    text_ui(ui, state, &pane, plane);
    mouse(ui, state, &pane, plane, &response, commands);
    response
}

/// The outline of a sinus box where this plane cuts it.
fn outline(pane: &Projection, plane: Plane, sinus: &Sinus, cross_mm: DVec3) -> Option<Rect> {
    let away = (sinus.centre_mm - cross_mm).dot(plane.normal()).abs();
    // From side to side a sinus is narrower than its cube: a frame around the nose would mislead.
    let reach = if plane == Plane::Sagittal { 20.0 } else { Crop::SIDE_MM / 2.0 };
    (away <= reach).then(|| Rect::from_two_pos(pane.to_screen(sinus.box_mm.min), pane.to_screen(sinus.box_mm.max)))
}

/// The handle by which a box is moved: a small square in its middle.
fn handle(pane: &Projection, sinus: &Sinus) -> Rect {
    Rect::from_center_size(pane.to_screen(sinus.centre_mm), vec2(18.0, 18.0))
}

fn box_ui(ui: &Ui, state: &State, pane: &Projection, plane: Plane, sinus: &Sinus) {
    let Some(outline) = outline(pane, plane, sinus, state.view.cross_mm) else { return };
    let colour = theme::side_colour(sinus.side);
    let width = if state.current == Some(sinus.side) { 2.0 } else { 1.0 };
    let painter = ui.painter();
    painter.rect_stroke(outline, 0.0, Stroke::new(width, colour.gamma_multiply(0.8)), StrokeKind::Middle);
    let handle = handle(pane, sinus);
    if ui.input(|i| i.pointer.hover_pos()).is_some_and(|at| handle.contains(at)) {
        painter.rect_filled(handle, 3.0, colour.gamma_multiply(0.45));
        ui.ctx().set_cursor_icon(CursorIcon::Grab);
    }
    for (a, b) in [(handle.left_top(), vec2(5.0, 5.0)), (handle.right_bottom(), vec2(-5.0, -5.0))] {
        painter.line_segment([a, a + vec2(b.x, 0.0)], Stroke::new(1.5, colour));
        painter.line_segment([a, a + vec2(0.0, b.y)], Stroke::new(1.5, colour));
    }
    let name = format!("sinus {}", sinus.side.letter());
    // At the outer corners: boxes overlap in the middle, and in the sagittal plane altogether.
    let place = match sinus.side {
        Side::Left => (outline.right_top() + vec2(-3.0, 2.0), Align2::RIGHT_TOP),
        Side::Right => (outline.left_top() + vec2(3.0, 2.0), Align2::LEFT_TOP),
    };
    shaded_text(ui, place.0, place.1, &name, FontId::proportional(11.0), colour);
}

/// The two other planes as lines in their colours, open around the point itself.
fn cross_ui(ui: &Ui, state: &State, pane: &Projection, plane: Plane) {
    let at = pane.to_screen(state.view.cross_mm);
    let (right, _) = plane.screen_axes();
    let rect = pane.rect;
    for other in Plane::ALL.into_iter().filter(|p| *p != plane) {
        let stroke = Stroke::new(1.0, theme::plane_colour(other).gamma_multiply(0.85));
        let gap = 9.0;
        let vertical = other.normal().dot(right).abs() > 0.5;
        let segments = if vertical {
            [[pos2(at.x, rect.top()), pos2(at.x, at.y - gap)], [pos2(at.x, at.y + gap), pos2(at.x, rect.bottom())]]
        } else {
            [[pos2(rect.left(), at.y), pos2(at.x - gap, at.y)], [pos2(at.x + gap, at.y), pos2(rect.right(), at.y)]]
        };
        for segment in segments {
            ui.painter().line_segment(segment, stroke);
        }
    }
}

fn text_ui(ui: &Ui, state: &State, pane: &Projection, plane: Plane) {
    let rect = pane.rect;
    edge_letters(ui, state, rect, state.view.frame.edge_letters(plane));
    badge(ui, state, rect);
    let known = orientation_known(state);
    let axis = plane.axis();
    let at_mm = state.view.cross_mm[axis];
    let title = if known {
        format!("{}  {} {:.1} mm", plane.name(), letters(plane.normal() * at_mm.signum()), at_mm.abs())
    } else {
        format!("orientation unknown  {at_mm:.1} mm")
    };
    let corner = rect.left_top() + vec2(7.0, 6.0);
    shaded_text(ui, corner, Align2::LEFT_TOP, &title, FontId::proportional(12.0), theme::plane_colour(plane));
    if plane == Plane::Axial && known {
        let at = rect.left_bottom() + vec2(7.0, -6.0);
        shaded_text(
            ui,
            at,
            Align2::LEFT_BOTTOM,
            state.view.frame.convention.name(),
            FontId::proportional(11.0),
            theme::WEAK,
        );
    }
}

fn mouse(ui: &Ui, state: &State, pane: &Projection, plane: Plane, response: &Response, commands: &mut Vec<Command>) {
    let measuring = measure::mouse(ui, state, pane, plane, response, commands);
    if let Some(pointer) = response.hover_pos() {
        wheel(ui, pane, plane, pointer, commands);
        if !measuring && ui.input(|i| i.modifiers.shift && !i.pointer.any_down() && i.pointer.is_moving()) {
            commands.push(Command::CrossTo(pane.to_world(pointer)));
        }
    }
    let Some(pointer) = response.interact_pointer_pos().filter(|_| !measuring) else { return };
    if response.dragged_by(PointerButton::Secondary) {
        let by = f64::from(response.drag_delta().x);
        let up = f64::from(response.drag_delta().y);
        let window = &state.view.window;
        let scale = window.width / 300.0;
        commands.push(Command::SetWindow(window.moved(window.centre + up * scale, window.width + by * scale)));
    } else if response.dragged_by(PointerButton::Middle) {
        commands.push(Command::Pan(plane, -pane.movement_mm(response.drag_delta())));
    } else if response.clicked_by(PointerButton::Primary) || response.dragged_by(PointerButton::Primary) {
        primary(ui, state, pane, plane, pointer, response, commands);
    }
    let id = response.id.with("grab");
    if response.drag_stopped()
        && let Some(before) = ui.data_mut(|data| data.remove_temp::<Grab>(id)).flatten()
    {
        commands.push(Command::DropBox(before));
    }
}

/// Which sinus's box is being dragged in a pane, as it was before; egui remembers it between frames.
type Grab = Option<Sinus>;

/// The left button: a box by its handle, else the crosshair.
fn primary(
    ui: &Ui,
    state: &State,
    pane: &Projection,
    plane: Plane,
    pointer: Pos2,
    response: &Response,
    commands: &mut Vec<Command>,
) {
    let id = response.id.with("grab");
    if response.drag_started() {
        let origin = ui.input(|i| i.pointer.press_origin()).unwrap_or(pointer);
        let cross = state.view.cross_mm;
        let away = |sinus: &&Sinus| (sinus.centre_mm - cross).dot(plane.normal()).abs();
        // Boxes of both sides lie over each other in the sagittal plane: the nearer sinus is meant.
        let hit = (state.sinuses.iter().flatten())
            .filter(|sinus| state.view.show_boxes && outline(pane, plane, sinus, cross).is_some())
            .filter(|sinus| handle(pane, sinus).contains(origin))
            .min_by(|a, b| away(a).total_cmp(&away(b)));
        let grab: Grab = hit.copied();
        ui.data_mut(|data| data.insert_temp(id, grab));
    }
    match ui.data(|data| data.get_temp::<Grab>(id)).flatten() {
        Some(Sinus { side, .. }) => {
            let Some(sinus) = state.sinuses.map(|s| s[side.index()]) else { return };
            let by = pane.movement_mm(response.drag_delta());
            commands.push(Command::MoveBox(side, sinus.centre_mm + by));
        }
        None => commands.push(Command::CrossTo(pane.to_world(pointer))),
    }
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
