//! The 3-D pane: the head ray-cast with the maps in the same rays, and what the mouse does there.

use super::lettering::{badge, edge_letters, shaded_text};
use super::projection::Projection;
use super::{colour_bar, cube, plane_marks, rest, theme};
use crate::app::command::Command;
use crate::app::compare::Shown;
use crate::app::state::State;
use crate::app::volume::VolumeCommand;
use crate::gpu;
use crate::image::render::Layer;
use crate::space::{BoxMm, Plane, letters};
use crate::view::{Mode, OrbitCamera, Overlay, RaycastView};
use egui::{Align2, Color32, FontId, Id, PointerButton, Rect, Response, Role, Sense, Stroke, Ui, WidgetInfo, vec2};
use glam::{DVec2, DVec3};
use std::sync::Arc;

/// Draws the 3-D picture into `rect` and handles the mouse over it.
pub(super) fn ui(ui: &mut Ui, state: &State, rect: Rect, commands: &mut Vec<Command>) -> Response {
    let response = ui.interact(rect, Id::unique("volume"), Sense::click_and_drag());
    response.widget_info(|| WidgetInfo::labeled(Role::Image, true, "3-D picture"));
    let size = DVec2::new(f64::from(rect.width()), f64::from(rect.height()));
    let (Some(mut view), Some(volume)) = (state.raycast_view(size), state.volume()) else { return response };
    let camera = view.camera;
    let layers = state.visible_maps();
    view.step = step(ui, state, &view, &layers);
    ui.painter().add(gpu::raycast(ui.ctx(), rect, view, Arc::clone(volume), layers));

    let pane = Projection::new(Shown::First, rect, camera.world_from_pane(size));
    let forward = camera.axes()[2];
    if let Some(crop) = state.view.volume.crop {
        wire_box(ui, &pane, crop, forward, theme::WEAK);
    }
    if state.view.show_boxes {
        for sinus in state.sinuses.iter().flatten() {
            wire_box(ui, &pane, sinus.box_mm, forward, theme::side_colour(sinus.side));
        }
    }
    if state.view.show_cross {
        cross_ui(ui, state, &pane, &camera);
    }
    let [right, down, _] = camera.axes();
    edge_letters(ui, state, rect, [-right, right, -down, down].map(letters));
    badge(ui, state, rect);
    let look = &state.view.volume;
    let title = match look.mode {
        Mode::Composite => format!("3-D  {}", look.preset.name()),
        mode => format!("3-D  {}", mode.name()),
    };
    let corner = rect.left_top() + vec2(7.0, 6.0);
    shaded_text(ui, corner, Align2::LEFT_TOP, &title, FontId::proportional(12.0), theme::TEXT);
    let left_out = state.maps_left_out();
    if left_out > 0 {
        let text = format!("{left_out} more overlay{} not in 3-D", if left_out == 1 { "" } else { "s" });
        let at = corner + vec2(0.0, 18.0);
        shaded_text(ui, at, Align2::LEFT_TOP, &text, FontId::proportional(11.0), theme::NOTICE);
    }
    plane_marks::scale_ui(ui, &pane);
    colour_bar::in_pane(ui, state, rect);
    mouse(ui, state, &pane, &response, commands);
    cube::ui(ui, state, rect, &camera, commands);
    response
}

/// The edges of a box; the three that meet in its farthest corner are fainter.
fn wire_box(ui: &Ui, pane: &Projection, bounds: BoxMm, forward: DVec3, colour: Color32) {
    let corner = |n: usize| {
        let pick = |axis: usize| if n >> axis & 1 == 1 { bounds.max[axis] } else { bounds.min[axis] };
        DVec3::new(pick(0), pick(1), pick(2))
    };
    let farthest = (0..3).filter(|&axis| forward[axis] > 0.0).fold(0, |n, axis| n | 1 << axis);
    for from in 0..8_usize {
        for to in (0..3).map(|axis| from | 1 << axis).filter(|&to| to != from) {
            let strength = if from == farthest || to == farthest { 0.3 } else { 0.8 };
            let ends = [from, to].map(|n| pane.to_screen(corner(n)));
            ui.painter().line_segment(ends, Stroke::new(1.0, colour.gamma_multiply(strength)));
        }
    }
}

/// The crosshair's point: a short line along the normal of each plane, in the plane's colour.
fn cross_ui(ui: &Ui, state: &State, pane: &Projection, camera: &OrbitCamera) {
    const POINTS: f64 = 11.0;
    let at_mm = state.view.cross_mm;
    for plane in Plane::ALL {
        let reach = state.view.frame.normal(plane) * POINTS * camera.mm_per_point;
        let ends = [at_mm - reach, at_mm + reach].map(|end| pane.to_screen(end));
        ui.painter().line_segment(ends, Stroke::new(1.5, theme::plane_colour(plane)));
    }
}

/// Left turns and picks, right changes the range, middle pans, the wheel magnifies.
fn mouse(ui: &Ui, state: &State, pane: &Projection, response: &Response, commands: &mut Vec<Command>) {
    let mut send = |command| commands.push(Command::Volume(command));
    let by = response.drag_delta();
    if let Some(pointer) = response.hover_pos() {
        let (scroll, zoom) = ui.input(|i| (i.smooth_scroll_delta().y, i.zoom_delta()));
        let factor = f64::from(zoom) * (f64::from(scroll) / 250.0).exp();
        if (factor - 1.0).abs() > 1e-6 {
            send(VolumeCommand::Zoom(factor, pane.to_world(pointer)));
        }
    }
    if response.dragged_by(PointerButton::Secondary) {
        send(changed(state, f64::from(by.x), f64::from(by.y)));
    } else if response.dragged_by(PointerButton::Middle) {
        send(VolumeCommand::Pan(-pane.movement_mm(by)));
    } else if response.dragged_by(PointerButton::Primary) {
        send(VolumeCommand::Turn(f64::from(by.x) * 0.008, f64::from(by.y) * 0.008));
    } else if response.clicked_by(PointerButton::Primary)
        && let Some(pointer) = response.interact_pointer_pos()
    {
        let dvec2 = |v: egui::Vec2| DVec2::new(f64::from(v.x), f64::from(v.y));
        send(VolumeCommand::Pick { at: dvec2(pointer - pane.rect.min), size: dvec2(pane.rect.size()) });
    }
}

/// What dragging with the right button does: sideways widens the range, up and down shifts it, or moves the level of a
/// surface.
fn changed(state: &State, x: f64, y: f64) -> VolumeCommand {
    let look = &state.view.volume;
    let [low, high] = look.range;
    let unit = (high - low) / 300.0;
    if look.mode == Mode::Surface {
        VolumeCommand::Level(look.level + y * unit)
    } else {
        VolumeCommand::Range([low + (y - x / 2.0) * unit, high + (y + x / 2.0) * unit])
    }
}

/// How long a frame may take while the view changes.
const MOVING_SECS: f32 = 0.08;
/// The coarsest step.
const COARSEST: f32 = 5.0;

/// Coarse rays while the picture changes, as coarse as this machine needs; fine ones when it is at rest.
fn step(ui: &Ui, state: &State, view: &RaycastView, layers: &[Layer]) -> f32 {
    let id = Id::unique("volume view");
    let was_moving: bool = ui.data(|data| data.get_temp(id)).unwrap_or(false);
    let is_moving = rest::is_moving(ui, id, &(view.clone(), seen(layers)));
    let mut step: f32 =
        ui.data(|data| data.get_temp(id)).unwrap_or(if state.settings.software_graphics { 3.0 } else { 1.5 });
    if is_moving && was_moving {
        // The time of a frame goes with the third power of the step.
        let frame_secs = ui.input(|i| i.unstable_dt);
        step = (step * (frame_secs / MOVING_SECS).cbrt().clamp(0.8, 1.25)).clamp(1.0, COARSEST);
    }
    let last_scan: Option<u64> = ui.data(|data| data.get_temp(id));
    let is_new = last_scan != Some(state.generation);
    if is_new {
        // Something to see at once; the fine picture comes with the next frames.
        ui.ctx().request_repaint();
    }
    ui.data_mut(|data| {
        data.insert_temp(id, is_moving);
        data.insert_temp(id, step);
        data.insert_temp(id, state.generation);
    });
    // In halves, so that the picture is not made anew in each frame.
    if is_moving || is_new { (step * 2.0).round() / 2.0 } else { 1.0 }
}

/// By what a change of the layers is noticed. What egui remembers must not keep the maps of a former patient alive.
fn seen(layers: &[Layer]) -> Vec<(usize, Overlay)> {
    layers.iter().map(|layer| (Arc::as_ptr(&layer.volume).addr(), layer.overlay)).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::command::Opened;
    use crate::io::Scan;
    use crate::space::Grid;
    use crate::volume::{Unit, Volume};

    #[test]
    fn watching_for_rest_keeps_no_map_alive() {
        let volume = || Volume::from_f32(Grid::centred([4; 3], 1.0, DVec3::ZERO), vec![1.0; 64], Unit::Score);
        let mut state = State::default();
        let scan = Arc::new(Scan::synthetic(volume(), "", "00".to_owned()));
        state.apply(Command::Opened(Opened { scan, origin: None, labels: [None, None] }));
        let view = state.raycast_view(DVec2::splat(100.0)).unwrap();
        let layers = vec![Layer { volume: volume().into(), overlay: Overlay::default() }];
        let ctx = egui::Context::default();
        let output = ctx.run_ui(egui::RawInput::default(), |ui| {
            step(ui, &state, &view, &layers);
        });
        output.drop_without_applying_deltas();
        assert_eq!(Arc::strong_count(&layers[0].volume), 1);
    }
}
