//! The colour bar of the overlay: what each colour means, with limits that can be dragged.

use super::theme;
use crate::view::Overlay;
use egui::{Align2, Color32, Mesh, Rect, Sense, Shape, Stroke, Ui, pos2, vec2};

/// Draws the bar for values 0 to 1 and lets the nearer limit be dragged.
pub(super) fn ui(ui: &mut Ui, overlay: &mut Overlay) {
    let (area, response) = ui.allocate_exact_size(vec2(ui.available_width(), 34.0), Sense::click_and_drag());
    let bar = Rect::from_min_max(area.min + vec2(4.0, 0.0), pos2(area.max.x - 4.0, area.min.y + 14.0));
    let x_of = |value: f32| bar.left() + value.clamp(0.0, 1.0) * bar.width();
    if let Some(pointer) = response.interact_pointer_pos().filter(|_| response.dragged()) {
        let value = ((pointer.x - bar.left()) / bar.width()).clamp(0.0, 1.0);
        if (value - overlay.threshold).abs() <= (value - overlay.high).abs() {
            overlay.threshold = value.min(overlay.high - 0.02).max(0.0);
        } else {
            overlay.high = value.max(overlay.threshold + 0.02);
        }
    }
    response
        .on_hover_text("Drag the limits: below the left one nothing is shown, from the right one on the last colour");

    let painter = ui.painter();
    painter.rect_filled(bar, 2.0, theme::CARD);
    let table = overlay.colours.table();
    let mut mesh = Mesh::default();
    let steps = 64;
    for step in 0..=steps {
        let at = step as f32 / steps as f32;
        let colour: Color32 = theme::map_colour(table[(at * 255.0) as usize]);
        let x = x_of(overlay.threshold + at * (overlay.high - overlay.threshold));
        mesh.colored_vertex(pos2(x, bar.top()), colour);
        mesh.colored_vertex(pos2(x, bar.bottom()), colour);
        if step > 0 {
            let n = 2 * step as u32;
            mesh.add_triangle(n - 2, n - 1, n);
            mesh.add_triangle(n - 1, n, n + 1);
        }
    }
    let last = theme::map_colour(table[255]);
    painter.rect_filled(Rect::from_min_max(pos2(x_of(overlay.high), bar.top()), bar.max), 0.0, last);
    painter.add(Shape::mesh(mesh));
    for value in [overlay.threshold, overlay.high] {
        let x = x_of(value);
        painter.line_segment([pos2(x, bar.top() - 1.0), pos2(x, bar.bottom() + 5.0)], Stroke::new(2.0, theme::STRONG));
        let align = if value > 0.85 { Align2::RIGHT_TOP } else { Align2::CENTER_TOP };
        painter.text(pos2(x, bar.bottom() + 6.0), align, format!("{value:.2}"), theme::digits(11.0), theme::TEXT);
    }
}
