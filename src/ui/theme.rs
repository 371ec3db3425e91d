//! All colours and sizes of the window. Nowhere else is a colour named.

use crate::space::{Plane, Side};
use egui::{Color32, Context, CornerRadius, FontFamily, FontId, RichText, Stroke, TextStyle, Theme, Visuals};

/// Behind the pictures.
pub(super) const BACKGROUND: Color32 = Color32::from_rgb(9, 10, 12);
/// Panels and bars.
pub(super) const PANEL: Color32 = Color32::from_rgb(22, 24, 28);
/// Cards on panels.
pub(super) const CARD: Color32 = Color32::from_rgb(31, 34, 40);
/// Lines between things.
pub(super) const LINE: Color32 = Color32::from_rgb(52, 56, 64);
/// Ordinary text; 11:1 on panels.
pub(super) const TEXT: Color32 = Color32::from_rgb(205, 209, 216);
/// Headings and values.
pub(super) const STRONG: Color32 = Color32::from_rgb(240, 242, 246);
/// Secondary text; 5:1 on panels.
pub(super) const WEAK: Color32 = Color32::from_rgb(142, 149, 160);
/// Actions, and what is chosen.
pub(super) const ACCENT: Color32 = Color32::from_rgb(92, 168, 255);
/// Something failed.
pub(super) const ERROR: Color32 = Color32::from_rgb(255, 122, 110);
/// Synthetic data, and the research notice.
pub(super) const NOTICE: Color32 = Color32::from_rgb(232, 190, 96);
/// Letters at the edges of panes.
pub(super) const LETTER: Color32 = Color32::from_rgb(214, 218, 226);
/// Behind letters, so that they are legible on bright tissue.
pub(super) const SHADE: Color32 = Color32::from_black_alpha(150);

/// Lines and figures of measurements.
pub(super) const MEASURE: Color32 = Color32::from_rgb(140, 240, 226);

/// Pictures in their own greys.
pub(super) const UNTINTED: Color32 = Color32::WHITE;

/// The colour of a plane's lines in the other planes: axial red, sagittal yellow, coronal green.
pub(super) fn plane_colour(plane: Plane) -> Color32 {
    match plane {
        Plane::Axial => Color32::from_rgb(235, 92, 84),
        Plane::Coronal => Color32::from_rgb(110, 196, 98),
        Plane::Sagittal => Color32::from_rgb(228, 200, 76),
    }
}

/// The colour of a sinus box.
pub(super) fn side_colour(side: Side) -> Color32 {
    match side {
        Side::Left => Color32::from_rgb(120, 196, 255),
        Side::Right => Color32::from_rgb(255, 170, 120),
    }
}

/// A colour of a map's table.
pub(super) fn map_colour([r, g, b]: [u8; 3]) -> Color32 {
    Color32::from_rgb(r, g, b)
}

/// Digits that change: they keep their width.
pub(super) fn digits(size: f32) -> FontId {
    FontId::new(size, FontFamily::Monospace)
}

/// The title of a part of the panel.
pub(super) fn heading(text: &str) -> RichText {
    RichText::new(text).heading().color(STRONG)
}

/// Makes egui look like this.
pub(super) fn apply(ctx: &Context) {
    ctx.set_theme(Theme::Dark);
    let mut visuals = Visuals::dark();
    visuals.panel_fill = PANEL;
    visuals.window_fill = CARD;
    visuals.window_stroke = Stroke::new(1.0, LINE);
    visuals.extreme_bg_color = BACKGROUND;
    visuals.override_text_color = Some(TEXT);
    visuals.selection.bg_fill = ACCENT.gamma_multiply(0.45);
    visuals.selection.stroke = Stroke::new(1.0, STRONG);
    visuals.hyperlink_color = ACCENT;
    visuals.slider_trailing_fill = true;
    let radius = CornerRadius::same(4);
    for widget in [
        &mut visuals.widgets.noninteractive,
        &mut visuals.widgets.inactive,
        &mut visuals.widgets.hovered,
        &mut visuals.widgets.active,
        &mut visuals.widgets.open,
    ] {
        widget.corner_radius = radius;
    }
    visuals.widgets.noninteractive.bg_stroke = Stroke::new(1.0, LINE);
    visuals.widgets.inactive.weak_bg_fill = Color32::from_rgb(44, 48, 56);
    visuals.widgets.inactive.bg_fill = Color32::from_rgb(44, 48, 56);
    visuals.widgets.hovered.weak_bg_fill = Color32::from_rgb(58, 64, 75);
    ctx.set_visuals(visuals);
    ctx.all_styles_mut(|style| {
        style.spacing.item_spacing = egui::vec2(6.0, 5.0);
        style.spacing.button_padding = egui::vec2(8.0, 3.0);
        style.text_styles.insert(TextStyle::Small, FontId::proportional(11.0));
        style.text_styles.insert(TextStyle::Body, FontId::proportional(13.0));
        style.text_styles.insert(TextStyle::Button, FontId::proportional(13.0));
        style.text_styles.insert(TextStyle::Monospace, FontId::monospace(12.0));
        style.text_styles.insert(TextStyle::Heading, FontId::proportional(15.0));
        style.animation_time = 0.06;
    });
}
