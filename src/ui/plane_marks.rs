//! What is drawn over a slice: outlines of layers, the lines of the other planes, the boxes of the sinuses, the scale bar.

use super::lettering::{orientation_known, shaded_text};
use super::projection::Projection;
use super::theme;
use crate::app::state::State;
use crate::image::outline::outline;
use crate::image::render::Layer;
use crate::methods::sinus::{Crop, Sinus};
use crate::space::{BoxMm, Plane, Side};
use crate::view::SliceView;
use egui::{Align2, CursorIcon, FontId, Pos2, Rect, Stroke, Ui, Vec2, pos2, vec2};
use glam::{DVec2, DVec3};

/// How near to the edge of a pane the lines of the other planes end: the letters stand there.
const EDGE: f32 = 26.0;
/// Half of the opening around the crosshair.
const GAP: f32 = 9.0;

/// The line of another plane in a pane.
pub(super) struct PlaneLine {
    /// Whose line it is.
    pub plane: Plane,
    /// The crosshair on the screen.
    at: Pos2,
    /// Unit direction on the screen.
    along: Vec2,
}

impl PlaneLine {
    /// The lines of the two other planes.
    pub fn both(state: &State, pane: &Projection, plane: Plane) -> Vec<Self> {
        let frame = &state.view.frame;
        let at = pane.to_screen(state.view.cross_mm);
        let line = |other: Plane| {
            let direction = frame.normal(plane).cross(frame.normal(other));
            let along = pane.direction(direction).normalized();
            Self { plane: other, at, along }
        };
        Plane::ALL.into_iter().filter(|other| *other != plane).map(line).collect()
    }

    /// The two marks by which the other planes are turned.
    pub fn handles(&self, rect: Rect) -> [Pos2; 2] {
        let reach = 0.36 * rect.width().min(rect.height());
        [self.at - self.along * reach, self.at + self.along * reach]
    }

    /// The two visible parts.
    fn segments(&self, rect: Rect) -> impl Iterator<Item = [Pos2; 2]> {
        let inside = rect.shrink(EDGE);
        let ends = [-1.0, 1.0].map(|sign| {
            let along = self.along * sign;
            let reach = [(along.x, self.at.x, inside.x_range()), (along.y, self.at.y, inside.y_range())]
                .into_iter()
                .filter(|(d, ..)| d.abs() > 1e-3)
                .map(|(d, from, range)| ((if d > 0.0 { range.max } else { range.min }) - from) / d)
                .fold(f32::INFINITY, f32::min);
            (reach > GAP && reach.is_finite()).then_some([self.at + along * GAP, self.at + along * reach])
        });
        ends.into_iter().flatten()
    }
}

/// The lines of the two other planes in their colours, open around the crosshair, with the marks that turn them.
pub(super) fn cross_ui(ui: &Ui, state: &State, pane: &Projection, plane: Plane, with_handles: bool) {
    for line in PlaneLine::both(state, pane, plane) {
        let colour = theme::plane_colour(line.plane);
        for segment in line.segments(pane.rect) {
            ui.painter().line_segment(segment, Stroke::new(1.0, colour.gamma_multiply(0.85)));
        }
        if with_handles {
            for handle in line.handles(pane.rect).into_iter().filter(|at| pane.rect.shrink(EDGE).contains(*at)) {
                ui.painter().circle(handle, 4.0, theme::SHADE, Stroke::new(1.0, colour));
            }
        }
    }
}

/// How far a handle reaches around its middle, in points.
const HANDLE: f32 = 9.0;

/// Whether a point of the screen is on a handle.
pub(super) fn on_handle(handle: Pos2, at: Pos2) -> bool {
    handle.distance(at) <= HANDLE
}

/// Whether a sinus box is drawn in a plane.
pub(super) fn box_shown(state: &State, plane: Plane, sinus: &Sinus) -> bool {
    // From side to side a sinus is narrower than its cube: a frame around the nose would mislead.
    let reach = if plane == Plane::Sagittal { 20.0 } else { Crop::SIDE_MM / 2.0 };
    state.view.show_boxes && distance_mm(state, plane, sinus) <= reach
}

/// How far the middle of a sinus is from a plane, in mm.
pub(super) fn distance_mm(state: &State, plane: Plane, sinus: &Sinus) -> f64 {
    (sinus.centre_mm - state.view.cross_mm).dot(state.view.frame.normal(plane)).abs()
}

/// The frame of a sinus box, its handle and its name.
pub(super) fn box_ui(ui: &Ui, state: &State, pane: &Projection, plane: Plane, sinus: &Sinus) {
    if !box_shown(state, plane, sinus) {
        return;
    }
    let colour = theme::side_colour(sinus.side);
    let width = if state.current == Some(sinus.side) { 2.0 } else { 1.0 };
    let painter = ui.painter();
    let mut outline: Vec<Pos2> =
        cut(sinus.box_mm, state.view.cross_mm, state.view.frame.normal(plane)).map(|p| pane.to_screen(p)).collect();
    let around = Rect::from_points(&outline);
    turn_around(&mut outline);
    painter.add(egui::Shape::closed_line(outline, Stroke::new(width, colour.gamma_multiply(0.8))));

    let handle = Rect::from_center_size(pane.to_screen(sinus.centre_mm), Vec2::splat(2.0 * HANDLE));
    if ui.input(|i| i.pointer.hover_pos()).is_some_and(|at| on_handle(handle.center(), at)) {
        painter.rect_filled(handle, 3.0, colour.gamma_multiply(0.45));
        ui.ctx().set_cursor_icon(CursorIcon::Grab);
    }
    for (a, b) in [(handle.left_top(), vec2(5.0, 5.0)), (handle.right_bottom(), vec2(-5.0, -5.0))] {
        painter.line_segment([a, a + vec2(b.x, 0.0)], Stroke::new(1.5, colour));
        painter.line_segment([a, a + vec2(0.0, b.y)], Stroke::new(1.5, colour));
    }
    let letter = if orientation_known(state) { sinus.side.letter() } else { '?' };
    let name = format!("sinus {letter}");
    // At the outer corners: boxes overlap in the middle, and in the sagittal plane altogether.
    let outwards = pane.direction(DVec3::X * sinus.side.sign()).normalized().x;
    let at_right = if outwards.abs() > 0.3 { outwards > 0.0 } else { sinus.side == Side::Left };
    let place = if at_right {
        (around.right_top() + vec2(-3.0, 2.0), Align2::RIGHT_TOP)
    } else {
        (around.left_top() + vec2(3.0, 2.0), Align2::LEFT_TOP)
    };
    shaded_text(ui, place.0, place.1, &name, FontId::proportional(11.0), colour);
}

/// Where a plane cuts the edges of a box, in no order; nothing where it passes beside it.
fn cut(bounds: BoxMm, through_mm: DVec3, normal: DVec3) -> impl Iterator<Item = DVec3> {
    let corner = move |n: usize| {
        let pick = |a: usize| if n >> a & 1 == 1 { bounds.max[a] } else { bounds.min[a] };
        DVec3::new(pick(0), pick(1), pick(2))
    };
    let height = move |p: DVec3| (p - through_mm).dot(normal);
    let edges = (0..8_usize).flat_map(|n| (0..3).map(move |a| (n, n | 1 << a))).filter(|(a, b)| a != b);
    edges.filter_map(move |(a, b)| {
        let (a, b) = (corner(a), corner(b));
        let (up, down) = (height(a), height(b));
        (up * down < 0.0).then(|| a + (b - a) * (up / (up - down)))
    })
}

/// Sorts the corners of a convex outline around its middle.
fn turn_around(outline: &mut [Pos2]) {
    let middle = outline.iter().fold(Vec2::ZERO, |sum, p| sum + p.to_vec2()) / outline.len().max(1) as f32;
    outline.sort_by(|a, b| (a.to_vec2() - middle).angle().total_cmp(&(b.to_vec2() - middle).angle()));
}

/// The outline of a layer.
pub(super) fn outline_ui(ui: &Ui, pane: &Projection, view: &SliceView, layer: &Layer) {
    let size = DVec2::new(f64::from(pane.rect.width()), f64::from(pane.rect.height()));
    // A line is thin: it must be less transparent than an area to be seen as well.
    let colour = theme::map_colour(layer.overlay.outline_colour()).gamma_multiply(layer.overlay.opacity.sqrt());
    let stroke = Stroke::new(1.0, colour);
    for piece in outline(layer, view, size) {
        let on_screen = piece.map(|p| pane.rect.min + vec2(p.x as f32, p.y as f32));
        ui.painter().line_segment(on_screen, stroke);
    }
}

/// A bar of a round length in the lower right corner.
pub(super) fn scale_ui(ui: &Ui, pane: &Projection) {
    let point_mm = pane.movement_mm(vec2(1.0, 0.0)).length();
    let (length_mm, text) = round_length(0.28 * f64::from(pane.rect.width()) * point_mm);
    let right = pane.rect.right_bottom() + vec2(-9.0, -9.0);
    let left = right - vec2((length_mm / point_mm) as f32, 0.0);
    let painter = ui.painter();
    let up = vec2(0.0, -5.0);
    let bar = [left + up, left, right, right + up];
    painter.line(bar.to_vec(), Stroke::new(3.0, theme::SHADE));
    painter.line(bar.to_vec(), Stroke::new(1.0, theme::LETTER));
    let middle = pos2(left.x.midpoint(right.x), right.y - 4.0);
    shaded_text(ui, middle, Align2::CENTER_BOTTOM, &text, FontId::proportional(11.0), theme::LETTER);
}

/// The longest of 1, 2, 5, 10, ... mm that is not longer than this, with its name.
fn round_length(longest_mm: f64) -> (f64, String) {
    let decade = 10.0_f64.powf(longest_mm.max(1e-3).log10().floor());
    let length_mm = [5.0, 2.0, 1.0].into_iter().map(|m| m * decade).find(|&mm| mm <= longest_mm).unwrap_or(decade);
    let text = if length_mm >= 10.0 { format!("{:.0} cm", length_mm / 10.0) } else { format!("{length_mm} mm") };
    (length_mm, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scale_bars_have_round_lengths() {
        assert_eq!(round_length(73.0), (50.0, "5 cm".to_owned()));
        assert_eq!(round_length(20.0), (20.0, "2 cm".to_owned()));
        assert_eq!(round_length(9.9), (5.0, "5 mm".to_owned()));
        assert_eq!(round_length(140.0), (100.0, "10 cm".to_owned()));
    }

    #[test]
    fn a_plane_cuts_a_box_in_a_polygon_that_goes_around() {
        let cube = BoxMm::cube(DVec3::ZERO, 2.0);
        let straight: Vec<DVec3> = cut(cube, DVec3::new(0.0, 0.0, 0.5), DVec3::Z).collect();
        assert!(straight.len() == 4 && straight.iter().all(|p| p.z == 0.5 && p.x.abs() == 1.0 && p.y.abs() == 1.0));
        // Through the middle along a space diagonal: a hexagon.
        assert_eq!(cut(cube, DVec3::ZERO, DVec3::ONE.normalize()).count(), 6);
        assert_eq!(cut(cube, DVec3::new(0.0, 0.0, 1.5), DVec3::Z).count(), 0);
        let mut square = [pos2(0.0, 0.0), pos2(1.0, 1.0), pos2(1.0, 0.0), pos2(0.0, 1.0)];
        turn_around(&mut square);
        let around: f32 = (0..4).map(|n| square[n].distance(square[(n + 1) % 4])).sum();
        assert_eq!(around, 4.0);
    }
}
