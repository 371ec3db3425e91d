//! Colour bars: what each colour of a layer means. In the drawer with limits and threshold that can be dragged, in the
//! panes small, so that pictures carry it.

use super::lettering::shaded_text;
use super::theme;
use crate::app::layers::{Layer, Source};
use crate::app::state::State;
use crate::methods::NormalValue;
use crate::view::{ColourMap, Overlay};
use egui::{Align2, FontId, Id, Mesh, Painter, Pos2, Rect, Role, Sense, Shape, Stroke, Ui, WidgetInfo, pos2, vec2};

/// How many colours a bar is painted with.
const STEPS: usize = 128;
/// Height of the bar in the drawer, of the ticks above it and of the handles below it.
const BAR: f32 = 14.0;
const ABOVE: f32 = 19.0;
const BELOW: f32 = 24.0;
/// A limit that comes so near to the threshold, as a share of the bar, sticks to it.
const STICKS: f32 = 0.015;

/// What can be dragged on a bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Handle {
    Low,
    High,
    Threshold,
}

impl Handle {
    fn name(self) -> &'static str {
        match self {
            Self::Low => "Lower limit",
            Self::High => "Upper limit",
            Self::Threshold => "Threshold",
        }
    }

    fn value(self, overlay: &Overlay) -> f32 {
        match self {
            Self::Low => overlay.low,
            Self::High => overlay.high,
            Self::Threshold => overlay.threshold,
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Self::Low => "The value of the first colour. Drag it onto the threshold to keep both together",
            Self::High => "The value of the last colour",
            Self::Threshold => "Values below are not shown",
        }
    }

    /// The overlay with this moved to a value, within what makes sense. A lower limit at the threshold goes with it.
    fn moved(self, now: &Overlay, value: f32, range: [f32; 2]) -> Overlay {
        let span = range[1] - range[0];
        let value = value.clamp(range[0], range[1]);
        let value = if now.colours == ColourMap::Diverging { value.abs() } else { value };
        let least = 0.005 * span;
        match self {
            Self::Threshold if now.low == now.threshold => {
                let value = value.min(now.high - least);
                Overlay { threshold: value, low: value, ..*now }
            }
            Self::Threshold => Overlay { threshold: value, ..*now },
            Self::Low => {
                let sticks = (value - now.threshold).abs() < STICKS * span;
                Overlay { low: if sticks { now.threshold } else { value }.min(now.high - least), ..*now }
            }
            Self::High if now.colours == ColourMap::Diverging => Overlay { high: value.max(least), ..*now },
            Self::High => Overlay { high: value.max(now.low + least), ..*now },
        }
    }
}

/// Draws the bar of a layer and gives its colours after a limit was dragged.
pub(super) fn ui(ui: &mut Ui, layer: &Layer) -> Overlay {
    let (area, response) = ui.allocate_exact_size(vec2(ui.available_width(), ABOVE + BAR + BELOW), Sense::hover());
    // A scroll bar may lie over the right edge; no handle may be below it.
    let bar = Rect::from_min_max(area.min + vec2(8.0, ABOVE), pos2(area.max.x - 16.0, area.min.y + ABOVE + BAR));
    let Layer { overlay, range, .. } = *layer;
    if let Some(text) = hint(layer) {
        response.on_hover_text(text);
    }
    paint(ui.painter(), bar, &overlay, range, false);
    if let Some(normal) = &layer.normal {
        ticks(ui.painter(), bar, &normal.values, range);
    }
    let signed = overlay.colours == ColourMap::Diverging;
    // The threshold last, so that it is on top of a limit that sticks to it.
    let handles = [Handle::Low, Handle::High, Handle::Threshold].into_iter().filter(|h| !signed || *h != Handle::Low);
    let mut after = overlay;
    for handle in handles {
        if let Some(value) = drag(ui, layer, handle, bar) {
            after = handle.moved(&overlay, value, range);
        }
    }
    limits(ui, bar, layer);
    after
}

/// What the bar says on hover: of what its ticks are.
fn hint(layer: &Layer) -> Option<String> {
    let normal = layer.normal.as_ref()?;
    let percents: Vec<String> = normal.values.iter().map(|mark| format!("{:.0} %", mark.percent)).collect();
    let values: Vec<String> = normal.values.iter().map(|mark| format!("{:.3}", mark.value)).collect();
    let maker = layer.maker.as_deref().unwrap_or("unknown weights");
    Some(format!(
        "Ticks: {} of the voxels of {} lie below {}. {maker}",
        percents.join(", "),
        normal.name(),
        values.join(", ")
    ))
}

fn x_of(bar: Rect, range: [f32; 2], value: f32) -> f32 {
    let place = (value - range[0]) / (range[1] - range[0]).max(1e-9);
    bar.left() + place.clamp(0.0, 1.0) * bar.width()
}

/// One handle: a triangle that can be dragged; gives the value it is dragged to.
fn drag(ui: &Ui, layer: &Layer, handle: Handle, bar: Rect) -> Option<f32> {
    let x = x_of(bar, layer.range, handle.value(&layer.overlay));
    let (tip, base) = match handle {
        Handle::Threshold => (bar.top(), -7.0),
        Handle::Low | Handle::High => (bar.bottom(), 7.0),
    };
    let rect = Rect::from_two_pos(pos2(x - 7.0, tip), pos2(x + 7.0, tip + 1.4 * base));
    let response = ui.interact(rect, Id::unique((layer.id, handle.name())), Sense::drag());
    let name = format!("{} of {}", handle.name(), layer.name);
    response.widget_info(|| WidgetInfo::labeled(Role::Slider, true, &name));
    let colour = if response.hovered() || response.dragged() { theme::ACCENT } else { theme::STRONG };
    let corners = vec![pos2(x, tip), pos2(x - 4.5, tip + base), pos2(x + 4.5, tip + base)];
    let painter = ui.painter();
    painter.add(Shape::convex_polygon(corners, colour, Stroke::new(1.0, theme::PANEL)));
    if handle == Handle::Threshold {
        painter.line_segment([pos2(x, bar.top()), pos2(x, bar.bottom())], Stroke::new(1.0, colour));
    }
    let pointer = response.interact_pointer_pos().filter(|_| response.dragged());
    response.on_hover_cursor(egui::CursorIcon::ResizeHorizontal).on_hover_text(handle.hint());
    let place = (pointer?.x - bar.left()) / bar.width().max(1.0);
    Some(layer.range[0] + place * (layer.range[1] - layer.range[0]))
}

/// The values of the limits below the bar.
fn limits(ui: &Ui, bar: Rect, layer: &Layer) {
    let y = bar.bottom() + 8.0;
    let [low, high] = layer.overlay.range();
    let text = |value: f32| number(value, layer.range);
    let galley = |value| ui.painter().layout_no_wrap(text(value), theme::digits(11.0), theme::TEXT);
    let place = |value: f32, width: f32| {
        let x = x_of(bar, layer.range, value) - width / 2.0;
        x.clamp(bar.left() - 6.0, (bar.right() + 6.0 - width).max(bar.left()))
    };
    let (first, last) = (galley(low), galley(high));
    let (x_last, gap) = (place(high, last.size().x), 6.0);
    let x_first = place(low, first.size().x).min(x_last - gap - first.size().x).max(bar.left() - 6.0);
    let x_last = x_last.max(x_first + first.size().x + gap);
    ui.painter().galley(pos2(x_first, y), first, theme::TEXT);
    ui.painter().galley(pos2(x_last, y), last, theme::TEXT);
}

/// Values that are usual in normal sinuses, as ticks above the bar; a text that would cover another is left out, that of
/// the highest value last.
fn ticks(painter: &Painter, bar: Rect, values: &[NormalValue], range: [f32; 2]) {
    let mut free = f32::INFINITY;
    for mark in values.iter().rev().filter(|mark| (f64::from(range[0])..=f64::from(range[1])).contains(&mark.value)) {
        let x = x_of(bar, range, mark.value as f32);
        painter.line_segment([pos2(x, bar.top() - 4.0), pos2(x, bar.top() + 3.0)], Stroke::new(1.0, theme::TEXT));
        let text = painter.layout_no_wrap(format!("{:.0} %", mark.percent), FontId::proportional(9.5), theme::WEAK);
        let left = (x - text.size().x / 2.0).max(bar.left() - 5.0);
        if left + text.size().x + 2.0 <= free {
            free = left;
            painter.galley(pos2(left, bar.top() - 5.0 - text.size().y), text, theme::WEAK);
        }
    }
}

/// The colours of the values from one end of the bar to the other; nothing where a layer shows nothing.
fn paint(painter: &Painter, bar: Rect, overlay: &Overlay, range: [f32; 2], upright: bool) {
    painter.rect_filled(bar, 2.0, theme::CARD);
    let table = overlay.colours.table();
    let mut mesh = Mesh::default();
    for step in 0..STEPS {
        let [from, to] = [step, step + 1].map(|n| n as f32 / STEPS as f32);
        let value = range[0] + from.midpoint(to) * (range[1] - range[0]);
        let Some(position) = overlay.position(value) else { continue };
        let share = overlay.opacity_at(position) / overlay.opacity.max(1e-3);
        let colour = theme::map_colour(table[(position * 255.0).round() as usize]).gamma_multiply(share);
        let rect = if upright {
            let y = |place: f32| bar.bottom() - place * bar.height();
            Rect::from_min_max(pos2(bar.left(), y(to)), pos2(bar.right(), y(from)))
        } else {
            let x = |place: f32| bar.left() + place * bar.width();
            Rect::from_min_max(pos2(x(from), bar.top()), pos2(x(to), bar.bottom()))
        };
        mesh.add_colored_rect(rect, colour);
    }
    painter.add(Shape::mesh(mesh));
}

/// A value with as many decimals as its range asks for, always the same.
pub(super) fn number(value: f32, range: [f32; 2]) -> String {
    let span = (range[1] - range[0]).abs().max(1e-9);
    let decimals = (2.0 - span.log10()).ceil().clamp(0.0, 4.0) as usize;
    format!("{value:.decimals$}")
}

/// Upright bars of the layers that can be seen, in the upper right of a pane: above its letter, away from its scale bar.
/// A second scan in greys has none.
pub(super) fn in_pane(ui: &Ui, state: &State, rect: Rect) {
    let (top, bottom) = (rect.top() + 46.0, rect.center().y - 18.0);
    if bottom - top < 50.0 || rect.width() < 300.0 {
        return;
    }
    let mut right = rect.right() - 12.0;
    // The uppermost layer stands at the edge.
    let seen: Vec<&Layer> = state.seen_layers().map(|(_, layer)| layer).collect();
    let with_bar = |layer: &&&Layer| layer.source != Source::Second && layer.unit != "label";
    for layer in seen.iter().rev().filter(with_bar).take(3) {
        let bar = Rect::from_min_max(pos2(right - 9.0, top), pos2(right, bottom.min(top + 150.0)));
        right = upright(ui, layer, bar) - 10.0;
        if right < rect.center().x {
            return;
        }
    }
}

/// One bar of a pane; gives where it ends on the left.
fn upright(ui: &Ui, layer: &Layer, bar: Rect) -> f32 {
    let overlay = &layer.overlay;
    let range = overlay.range();
    let small = FontId::proportional(10.5);
    paint(ui.painter(), bar, overlay, range, true);
    ui.painter().rect_stroke(bar, 0.0, Stroke::new(1.0, theme::SHADE), egui::StrokeKind::Outside);
    let left = bar.left() - 5.0;
    let mut reached = bar.left();
    let mut write = |at: Pos2, align: Align2, text: &str, font: FontId| {
        let width = ui.painter().layout_no_wrap(text.to_owned(), font.clone(), theme::LETTER).size().x;
        shaded_text(ui, at, align, text, font, theme::LETTER);
        reached = reached.min(if align == Align2::RIGHT_BOTTOM { at.x - width } else { left - width });
    };
    write(pos2(bar.right(), bar.top() - 14.0), Align2::RIGHT_BOTTOM, &layer.name, small.clone());
    write(pos2(bar.right(), bar.top() - 2.0), Align2::RIGHT_BOTTOM, &layer.unit, FontId::proportional(9.0));
    write(pos2(left, bar.top()), Align2::RIGHT_TOP, &number(range[1], layer.range), theme::digits(10.0));
    write(pos2(left, bar.bottom()), Align2::RIGHT_BOTTOM, &number(range[0], layer.range), theme::digits(10.0));
    let y_of = |value: f32| bar.bottom() - (value - range[0]) / (range[1] - range[0]).max(1e-9) * bar.height();
    let marks = layer.normal.iter().flat_map(|normal| &normal.values).filter(|mark| mark.percent >= 99.0);
    for value in marks.map(|mark| mark.value as f32).filter(|value| (range[0]..range[1]).contains(value)) {
        let tick = [pos2(bar.left() - 4.0, y_of(value)), pos2(bar.left(), y_of(value))];
        ui.painter().line_segment(tick, Stroke::new(1.0, theme::LETTER));
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    const RANGE: [f32; 2] = [0.0, 1.0];

    #[test]
    fn a_lower_limit_at_the_threshold_goes_with_it_until_it_is_dragged_away() {
        let together = Overlay { threshold: 0.25, low: 0.25, high: 0.8, ..Overlay::default() };
        let up = Handle::Threshold.moved(&together, 0.4, RANGE);
        assert_eq!((up.threshold, up.low), (0.4, 0.4));
        let apart = Handle::Low.moved(&up, 0.1, RANGE);
        assert_eq!((apart.threshold, apart.low), (0.4, 0.1));
        assert_eq!(Handle::Threshold.moved(&apart, 0.5, RANGE).low, 0.1);
        assert_eq!(Handle::Low.moved(&apart, 0.41, RANGE).low, 0.4, "it sticks again");
    }

    #[test]
    fn limits_keep_their_order_and_stay_on_the_bar() {
        let now = Overlay { threshold: 0.3, low: 0.2, high: 0.8, ..Overlay::default() };
        assert_eq!(Handle::High.moved(&now, 7.0, RANGE).high, 1.0);
        assert!(Handle::High.moved(&now, 0.0, RANGE).high > 0.2);
        assert!(Handle::Low.moved(&now, 0.95, RANGE).low < 0.8);
        let signed = Overlay { colours: ColourMap::Diverging, ..now };
        assert_eq!(Handle::High.moved(&signed, -0.7, [-1.0, 1.0]).high, 0.7, "both ends are the same limit");
        assert_eq!(Handle::Threshold.moved(&signed, -0.1, [-1.0, 1.0]).threshold, 0.1);
    }

    #[test]
    fn numbers_have_the_decimals_of_their_range() {
        assert_eq!(number(0.25, RANGE), "0.25");
        assert_eq!(number(-3.0, [-4.0, 4.0]), "-3.00");
        assert_eq!(number(1234.5, [-1000.0, 3000.0]), "1234");
        assert_eq!(number(0.0123, [0.0, 0.02]), "0.0123");
    }
}
