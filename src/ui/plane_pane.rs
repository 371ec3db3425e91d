//! One plane: the slice, what is drawn over it, and what is written around it.

use super::lettering::{badge_of, letters_of, shaded_text};
use super::projection::Projection;
use super::{colour_bar, measure, plane_marks, plane_mouse, rest, theme};
use crate::app::checks;
use crate::app::command::Command;
use crate::app::compare::Shown;
use crate::app::state::{OpenScan, State};
use crate::gpu;
use crate::space::{Plane, letters};
use crate::view::{SlabMode, SliceView};
use egui::{Align2, FontId, Id, Rect, Response, Role, Sense, Ui, WidgetInfo, vec2};
use glam::DVec2;
use std::sync::Arc;

/// Draws a plane into `rect` and handles the mouse over it.
pub(super) fn ui(
    ui: &mut Ui,
    state: &State,
    scan: Shown,
    plane: Plane,
    rect: Rect,
    commands: &mut Vec<Command>,
) -> Response {
    let response = ui.interact(rect, id(plane, scan), Sense::click_and_drag());
    let whose = if scan == Shown::First { "" } else { " of the second scan" };
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, format!("{} plane{whose}", plane.name())));
    let (Some(pane), Some((open, window))) = (projection(state, scan, plane, rect), state.shown(scan)) else {
        return response;
    };
    let view = SliceView {
        world_from_pane: pane.world_from_pane,
        window: window.clone(),
        interpolation: state.view.interpolation,
        slab: state.view.slab,
    };
    let moving = rest::is_moving(ui, response.id, &view);
    let slot = plane.index() + if scan == Shown::First { 0 } else { Plane::ALL.len() };
    let (volume, layers) = (Arc::clone(&open.scan.volume), state.visible_layers());
    let outlines = state.visible_outlines();
    ui.painter().add(gpu::slice(ui.ctx(), rect, slot, moving, view.clone(), volume, layers));
    for layer in &outlines {
        plane_marks::outline_ui(ui, &pane, &view, layer);
    }
    if state.view.show_boxes {
        for sinus in state.sinuses.iter().flatten() {
            plane_marks::box_ui(ui, state, &pane, plane, sinus);
        }
    }
    if state.view.show_cross {
        let handles = response.hovered() && state.shell.figure.is_none();
        plane_marks::cross_ui(ui, state, &pane, plane, handles);
    }
    measure::draw(ui, state, &pane, plane);
    text_ui(ui, state, open, &pane, plane);
    plane_mouse::ui(ui, state, &pane, plane, &response, commands);
    response
}

/// What egui knows a pane by.
pub(super) fn id(plane: Plane, scan: Shown) -> Id {
    Id::unique(("plane", plane, scan))
}

/// The slice of a pane in the world; the same for both scans, so that they show the same place.
pub(super) fn projection(state: &State, scan: Shown, plane: Plane, rect: Rect) -> Option<Projection> {
    let size = DVec2::new(f64::from(rect.width()), f64::from(rect.height()));
    let camera = state.plane_camera(plane, size)?;
    Some(Projection::new(scan, rect, camera.world_from_pane(&state.view.frame, plane, size, state.view.cross_mm)))
}

fn text_ui(ui: &Ui, state: &State, open: &OpenScan, pane: &Projection, plane: Plane) {
    let rect = pane.rect;
    letters_of(ui, &open.scan, rect, state.view.frame.edge_letters(plane));
    badge_of(ui, &open.scan, rect);
    let title = rect.left_top() + vec2(7.0, 6.0);
    let colour = theme::plane_colour(plane);
    let known = checks::orientation_known(&open.scan);
    // In a small pane there is room for the name, and the letter beside it.
    let heading = if rect.width() < NARROW { plane.name().to_owned() } else { heading(state, plane, known) };
    let text = heading + whose(state, pane.scan);
    shaded_text(ui, title, Align2::LEFT_TOP, &text, FontId::proportional(12.0), colour);
    let mut below = Vec::new();
    if known && state.view.frame.keeps_convention(plane) {
        below.push(state.view.frame.convention.name().to_owned());
    }
    below.extend(slab(state));
    if !below.is_empty() {
        let at = rect.left_bottom() + vec2(7.0, -6.0);
        let text = below.join(" · ");
        shaded_text(ui, at, Align2::LEFT_BOTTOM, &text, FontId::proportional(11.0), theme::LETTER);
    }
    plane_marks::scale_ui(ui, pane);
    // Beside the first scan the second needs none of its own.
    if pane.scan == Shown::First {
        colour_bar::in_pane(ui, state, rect);
    }
}

/// Which of two scans it is, where there are two.
fn whose(state: &State, scan: Shown) -> &'static str {
    match (state.beside(), scan) {
        (None, _) => "",
        (Some(_), Shown::First) => "  · first scan",
        (Some(_), Shown::Second) => "  · second scan",
    }
}

/// The width in points below which a pane has little room for words.
const NARROW: f32 = 300.0;

/// Which plane it is, and where it lies.
fn heading(state: &State, plane: Plane, known: bool) -> String {
    let normal = state.view.frame.normal(plane);
    let at_mm = state.view.cross_mm.dot(normal);
    if !known {
        return format!("orientation unknown  {at_mm:.1} mm");
    }
    let oblique = if state.view.frame.is_oblique() { " oblique" } else { "" };
    format!("{}{oblique}  {} {:.1} mm", plane.name(), letters(normal * at_mm.signum()), at_mm.abs())
}

/// The slab in words, where there is one.
fn slab(state: &State) -> Option<String> {
    let slab = state.view.slab;
    let mode = match slab.mode {
        SlabMode::Mean => "mean",
        SlabMode::Max => "MIP",
        SlabMode::Min => "MinIP",
    };
    (slab.thickness_mm > 0.0).then(|| format!("{mode} of {:.0} mm", slab.thickness_mm))
}
