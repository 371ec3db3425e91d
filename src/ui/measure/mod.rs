//! Measurements in a plane pane: lines, handles, and their figures beside them.
//!
//! A shape is drawn on the slices that it lies in, dashed on those it only touches or that lie next to it, and not at
//! all elsewhere: what is drawn on a slice was measured there. Voxels are those of the first scan: beside a second one,
//! what was read from them is written over the first alone.

mod list;
mod mouse;

pub(super) use list::list;
pub(super) use mouse::mouse;

use super::lettering::shaded_text;
use super::projection::Projection;
use super::theme;
use crate::app::compare::Shown;
use crate::app::measure::Measurement;
use crate::app::state::State;
use crate::measure::{Kind, Measured, Shape};
use crate::space::Plane;
use egui::{Align2, FontId, Painter, Pos2, Rect, Stroke, StrokeKind, Ui, Vec2, pos2, vec2};

/// Draws what was and what is being measured.
pub(super) fn draw(ui: &Ui, state: &State, pane: &Projection, plane: Plane) {
    let measures = &state.measures;
    let painter = ui.painter().with_clip_rect(pane.rect.intersect(ui.clip_rect()));
    let mut drawn = Drawn { ui, pane, painter, labels: Vec::new() };
    for measurement in &measures.list {
        if let Some(place) = Place::of(state, pane, plane, &measurement.measured.shape) {
            let selected = measures.selected == Some(measurement.id);
            drawn.shape(&measurement.measured.shape, place, selected);
            if place == Place::In && is_for(pane, measurement.measured.shape.kind()) {
                drawn.label(&measurement.measured, &text(state, measurement));
            }
        }
    }
    if let Some(drawing) = &measures.drawing {
        let measured = &drawing.measured;
        if let Some(place) = Place::of(state, pane, plane, &measured.shape) {
            drawn.shape(&measured.shape, place, true);
            if measured.shape.is_complete() && is_for(pane, measured.shape.kind()) {
                drawn.label(measured, &measured.figures.lines().join("\n"));
            }
        }
    } else if let Some(tool) = measures.tool
        && let Some(at) = ui.input(|i| i.pointer.hover_pos()).filter(|at| pane.rect.contains(*at))
    {
        let at = at + vec2(12.0, 12.0);
        let name = tool.kind.name();
        let text = if is_for(pane, tool.kind) { name.to_owned() } else { format!("{name}: in the first scan only") };
        shaded_text(ui, at, Align2::LEFT_TOP, &text, FontId::proportional(11.0), theme::MEASURE);
    }
}

/// Whether this can be measured in a pane: voxels are read from the first scan.
fn is_for(pane: &Projection, kind: Kind) -> bool {
    pane.scan == Shown::First || !kind.reads_voxels()
}

/// Name, figures, and of which volume they are where that is not the one on screen.
fn text(state: &State, measurement: &Measurement) -> String {
    let Measured { figures, volume, .. } = measurement.measured;
    let name = Some(measurement.name.clone()).filter(|name| !name.is_empty());
    let shown = state.scan.as_ref().is_none_or(|open| open.scan.frame + 1 == volume);
    let other = (!shown).then(|| format!("in volume {volume}"));
    name.into_iter().chain(figures.lines()).chain(other).collect::<Vec<_>>().join("\n")
}

/// How a shape lies to the slice on screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// All of it within half a slice's thickness.
    In,
    /// It goes through the slice, or lies next to it.
    Near,
}

impl Place {
    fn of(state: &State, pane: &Projection, plane: Plane, shape: &Shape) -> Option<Self> {
        let half_mm = state.step_mm(plane).max(state.view.slab.thickness_mm) / 2.0;
        let across = pane.world_from_pane.matrix3.z_axis;
        let origin = pane.world_from_pane.translation;
        let away_mm: Vec<f64> = shape.handles_mm().iter().map(|at| (*at - origin).dot(across)).collect();
        Self::at(&away_mm, half_mm)
    }

    /// By how far the points of a shape are away from a slice of this half thickness, in mm along its normal.
    fn at(away_mm: &[f64], half_mm: f64) -> Option<Self> {
        let low = away_mm.iter().copied().fold(f64::INFINITY, f64::min);
        let high = away_mm.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        // In a slice of even thickness its edges belong to both neighbours.
        let half_mm = half_mm + 1e-6;
        if low >= -half_mm && high <= half_mm {
            return Some(Self::In);
        }
        (low <= 3.0 * half_mm && high >= -3.0 * half_mm).then_some(Self::Near)
    }
}

/// What is being drawn into a pane.
struct Drawn<'a> {
    ui: &'a Ui,
    pane: &'a Projection,
    painter: Painter,
    /// Where there are labels already.
    labels: Vec<Rect>,
}

impl Drawn<'_> {
    fn shape(&self, shape: &Shape, place: Place, handles: bool) {
        let outline: Vec<Pos2> = shape.outline_mm().iter().map(|at| self.pane.to_screen(*at)).collect();
        if place == Place::Near {
            let faint = Stroke::new(1.2, theme::MEASURE.gamma_multiply(0.55));
            self.painter.extend(egui::Shape::dashed_line(&outline, faint, 5.0, 4.0));
            return;
        }
        // Dark below, so that the line is seen on bright tissue too.
        for stroke in [Stroke::new(3.5, theme::SHADE), Stroke::new(1.4, theme::MEASURE)] {
            self.painter.line(outline.clone(), stroke);
            for mark in marks(shape, &outline) {
                self.painter.line(mark, stroke);
            }
        }
        if handles {
            for at in shape.handles_mm() {
                let square = Rect::from_center_size(self.pane.to_screen(at), Vec2::splat(7.0));
                self.painter.rect_filled(square, 1.0, theme::MEASURE);
                self.painter.rect_stroke(square, 1.0, Stroke::new(1.0, theme::BACKGROUND), StrokeKind::Outside);
            }
        }
    }

    /// Writes beside a shape: never over its line, and where possible within the pane and clear of other labels.
    fn label(&mut self, measured: &Measured, text: &str) {
        let points: Vec<Pos2> = measured.shape.outline_mm().iter().map(|at| self.pane.to_screen(*at)).collect();
        let font = theme::digits(11.0);
        let size = self.painter.layout_no_wrap(text.to_owned(), font.clone(), theme::MEASURE).size();
        // Inside of the letters at the edges.
        let area = self.pane.rect.shrink(20.0);
        let Some(rect) = beside(&points, size, area, &self.labels) else { return };
        self.labels.push(rect);
        shaded_text(self.ui, rect.min, Align2::LEFT_TOP, text, font, theme::MEASURE);
    }
}

/// Marks at the ends of a distance, the arc of an angle, the cross of a probe.
fn marks(shape: &Shape, outline: &[Pos2]) -> Vec<Vec<Pos2>> {
    let across = |at: Pos2, arm: Vec2| vec![at - arm, at + arm];
    match (shape, outline) {
        (Shape::Distance(_), &[a, b]) => {
            let arm = (b - a).normalized().rot90() * 5.0;
            vec![across(a, arm), across(b, arm)]
        }
        (Shape::Angle(_), &[a, vertex, b]) => {
            let [to_a, to_b] = [a - vertex, b - vertex];
            let radius = (0.5 * to_a.length().min(to_b.length())).min(18.0);
            let half_turn = std::f32::consts::PI;
            // The shorter way round.
            let turn = (to_b.angle() - to_a.angle() + 3.0 * half_turn).rem_euclid(2.0 * half_turn) - half_turn;
            let arc = (0..=12).map(|step| vertex + Vec2::angled(to_a.angle() + turn * step as f32 / 12.0) * radius);
            vec![arc.collect()]
        }
        (Shape::Probe(_), &[at]) => vec![across(at, vec2(5.0, 0.0)), across(at, vec2(0.0, 5.0))],
        _ => Vec::new(),
    }
}

/// A place for a label of this size beside a line: right, left, below or above of it. None without points.
fn beside(line: &[Pos2], size: Vec2, area: Rect, taken: &[Rect]) -> Option<Rect> {
    let by_x = |a: &&Pos2, b: &&Pos2| a.x.total_cmp(&b.x);
    let by_y = |a: &&Pos2, b: &&Pos2| a.y.total_cmp(&b.y);
    let (left, right) = (line.iter().min_by(by_x)?, line.iter().max_by(by_x)?);
    let (top, bottom) = (line.iter().min_by(by_y)?, line.iter().max_by(by_y)?);
    let (gap, middle) = (10.0, f32::midpoint(left.x, right.x));
    let places = [
        pos2(right.x + gap, right.y - size.y / 2.0),
        pos2(left.x - gap - size.x, left.y - size.y / 2.0),
        pos2(middle - size.x / 2.0, bottom.y + gap),
        pos2(middle - size.x / 2.0, top.y - gap - size.y),
    ]
    .map(|corner| Rect::from_min_size(corner, size));
    let fits = |rect: &&Rect| area.contains_rect(**rect);
    let free = |rect: &&Rect| !taken.iter().any(|other| other.expand(2.0).intersects(**rect));
    let chosen = places.iter().find(|rect| fits(rect) && free(rect)).or_else(|| places.iter().find(fits));
    chosen.or(places.first()).copied()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_is_shown_where_it_lies_dashed_next_to_it_and_nowhere_else() {
        let half = 0.5;
        assert_eq!(Place::at(&[0.0, 0.3], half), Some(Place::In));
        assert_eq!(Place::at(&[0.5, -0.5], half), Some(Place::In));
        assert_eq!(Place::at(&[1.0, 1.0], half), Some(Place::Near), "one slice on");
        assert_eq!(Place::at(&[-2.0, -2.0], half), None, "two slices back");
        assert_eq!(Place::at(&[-20.0, 30.0], half), Some(Place::Near), "it goes through");
    }

    #[test]
    fn a_label_covers_neither_its_line_nor_another_label() {
        let area = Rect::from_min_size(Pos2::ZERO, vec2(400.0, 300.0));
        let size = vec2(60.0, 14.0);
        let line = [pos2(100.0, 100.0), pos2(200.0, 160.0)];
        let first = beside(&line, size, area, &[]).unwrap();
        assert_eq!(first.min, pos2(210.0, 153.0));
        let second = beside(&line, size, area, &[first]).unwrap();
        assert_eq!(second.max.x, 90.0, "left of the left end");
        let at_the_edge = [pos2(100.0, 100.0), pos2(390.0, 160.0)];
        assert_eq!(beside(&at_the_edge, size, area, &[]).unwrap().max.x, 90.0);
        let all_over = [pos2(5.0, 150.0), pos2(395.0, 150.0)];
        assert_eq!(beside(&all_over, size, area, &[]).unwrap().min.y, 160.0);
        assert_eq!(beside(&[], size, area, &[]), None);
    }
}
