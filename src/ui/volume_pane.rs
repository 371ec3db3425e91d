//! The 3-D pane: the head ray-cast with the heat map in the same rays.

use super::panes::shaded_text;
use super::theme;
use crate::app::command::Command;
use crate::app::state::State;
use crate::gpu;
use crate::space::letters;
use crate::view::RaycastView;
use egui::{Align2, FontId, Id, PointerButton, Rect, Response, Role, Sense, Ui, WidgetInfo, pos2, vec2};
use glam::DVec2;

/// Draws the 3-D picture into `rect` and handles the mouse over it.
pub(super) fn ui(ui: &mut Ui, state: &State, rect: Rect, commands: &mut Vec<Command>) -> Response {
    let response = ui.interact(rect, Id::unique("volume"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "3-D picture"));
    let size = DVec2::new(f64::from(rect.width()), f64::from(rect.height()));
    let (Some(camera), Some(open)) = (state.orbit_camera(size), &state.scan) else { return response };
    let moving = response.dragged();
    let view = RaycastView {
        camera,
        window: open.surface,
        clip: None,
        overlay: state.visible_overlay(),
        step: if moving { 2.5 } else { 1.0 },
    };
    ui.painter().add(gpu::raycast(rect, view));
    if response.drag_stopped() {
        // The picture of the standstill is finer than those of the movement.
        ui.ctx().request_repaint();
    }

    let [right, down, _] = camera.axes();
    let middle = rect.center();
    for (direction, at, align) in [
        (-right, pos2(rect.left() + 7.0, middle.y), Align2::LEFT_CENTER),
        (right, pos2(rect.right() - 7.0, middle.y), Align2::RIGHT_CENTER),
        (-down, pos2(middle.x, rect.top() + 5.0), Align2::CENTER_TOP),
        (down, pos2(middle.x, rect.bottom() - 5.0), Align2::CENTER_BOTTOM),
    ] {
        shaded_text(ui, at, align, &letters(direction), FontId::proportional(15.0), theme::LETTER);
    }
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
