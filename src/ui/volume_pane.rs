//! The 3-D pane: the head ray-cast with the heat map in the same rays.

use super::lettering::{badge, edge_letters, shaded_text};
use super::theme;
use crate::app::command::Command;
use crate::app::state::State;
use crate::gpu;
use crate::space::letters;
use crate::view::RaycastView;
use egui::{Align2, FontId, Id, PointerButton, Rect, Response, Role, Sense, Ui, WidgetInfo, vec2};
use glam::DVec2;
use std::sync::Arc;

/// Draws the 3-D picture into `rect` and handles the mouse over it.
pub(super) fn ui(ui: &mut Ui, state: &State, rect: Rect, commands: &mut Vec<Command>) -> Response {
    let response = ui.interact(rect, Id::unique("volume"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "3-D picture"));
    let size = DVec2::new(f64::from(rect.width()), f64::from(rect.height()));
    let (Some(camera), Some(open)) = (state.orbit_camera(size), &state.scan) else { return response };
    let mut view = RaycastView { camera, window: open.surface.clone(), clip: None, step: 0.0 };
    view.step = step(ui, &view, state.settings.software_graphics);
    ui.painter().add(gpu::raycast(rect, view, Arc::clone(&open.scan.volume), state.visible_maps()));

    let [right, down, _] = camera.axes();
    edge_letters(ui, state, rect, [-right, right, -down, down].map(letters));
    badge(ui, state, rect);
    let corner = rect.left_top() + vec2(7.0, 6.0);
    shaded_text(ui, corner, Align2::LEFT_TOP, "3-D", FontId::proportional(12.0), theme::TEXT);

    if response.dragged_by(PointerButton::Primary) {
        let by = response.drag_delta();
        commands.push(Command::Orbit(f64::from(by.x) * 0.008, f64::from(by.y) * 0.008));
    }
    if response.hovered() {
        let (scroll, zoom) = ui.input(|i| (i.smooth_scroll_delta().y, i.zoom_delta()));
        let factor = f64::from(zoom) * (f64::from(scroll) / 250.0).exp();
        if (factor - 1.0).abs() > 1e-6 {
            commands.push(Command::ZoomVolume(factor));
        }
    }
    response
}

/// How long a view must stand still before it is drawn finely.
const STILL_SECS: f64 = 0.2;

/// Coarse rays while the view changes, fine ones when it stands still.
fn step(ui: &Ui, view: &RaycastView, software: bool) -> f32 {
    let id = Id::unique("volume view");
    let now = ui.input(|i| i.time);
    let before: Option<(RaycastView, f64)> = ui.data(|data| data.get_temp(id));
    let since = match before {
        Some((same, since)) if same == *view => since,
        Some(_) => now,
        None => now - STILL_SECS,
    };
    ui.data_mut(|data| data.insert_temp(id, (view.clone(), since)));
    let left = STILL_SECS - (now - since);
    if left > 0.0 {
        ui.ctx().request_repaint_after(std::time::Duration::from_secs_f64(left));
    }
    match (left > 0.0, software) {
        (true, true) => 4.0,
        (true, false) => 2.0,
        (false, true) => 1.5,
        (false, false) => 1.0,
    }
}
