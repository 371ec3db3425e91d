//! All colours and sizes of the window. Only colours that pictures without a window share are named elsewhere.
//!
//! Pictures stand on black, and what is written over them has the colours of the constants here, whatever the theme.
//! Panels have the colours of their [`Palette`].

use crate::app::settings::{self, Settings};
use crate::space::{Plane, Side};
use crate::view;
use egui::{Color32, Context, CornerRadius, FontFamily, FontId, RichText, Stroke, TextStyle, Theme, Ui, Visuals};

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
/// The colours of panels, bars and menus in one theme. Texts stand out from both grounds by at least 4.5:1.
pub(super) struct Palette {
    /// The ground of panels and bars.
    pub panel: Color32,
    /// The ground of cards and menus.
    pub card: Color32,
    /// Lines between things.
    pub line: Color32,
    /// Ordinary text.
    pub text: Color32,
    /// Headings and values.
    pub strong: Color32,
    /// Secondary text.
    pub weak: Color32,
    /// Actions, and what is chosen.
    pub accent: Color32,
    /// Something failed.
    pub error: Color32,
    /// Synthetic data, and the research notice.
    pub notice: Color32,
    /// Buttons.
    button: Color32,
    /// Buttons under the mouse.
    hovered: Color32,
}

const DARK: Palette = Palette {
    panel: PANEL,
    card: CARD,
    line: LINE,
    text: TEXT,
    strong: STRONG,
    weak: WEAK,
    accent: ACCENT,
    error: ERROR,
    notice: NOTICE,
    button: Color32::from_rgb(44, 48, 56),
    hovered: Color32::from_rgb(58, 64, 75),
};

const LIGHT: Palette = Palette {
    panel: Color32::from_rgb(236, 238, 241),
    card: Color32::from_rgb(248, 249, 251),
    line: Color32::from_rgb(196, 201, 209),
    text: Color32::from_rgb(46, 51, 60),
    strong: Color32::from_rgb(14, 17, 22),
    weak: Color32::from_rgb(88, 95, 106),
    accent: Color32::from_rgb(22, 92, 178),
    error: Color32::from_rgb(176, 32, 24),
    notice: Color32::from_rgb(122, 80, 0),
    button: Color32::from_rgb(218, 222, 228),
    hovered: Color32::from_rgb(203, 209, 218),
};

/// The palette of a panel.
pub(super) fn of(ui: &Ui) -> &'static Palette {
    if ui.visuals().dark_mode { &DARK } else { &LIGHT }
}

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
    map_colour(view::side_colour(side))
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
    RichText::new(text).heading()
}

/// Makes egui look like this.
pub(super) fn apply(ctx: &Context) {
    ctx.set_visuals_of(Theme::Dark, visuals(Visuals::dark(), &DARK));
    ctx.set_visuals_of(Theme::Light, visuals(Visuals::light(), &LIGHT));
    ctx.set_theme(Theme::Dark);
    // The keys that change the scale are in our own table, so that it is kept.
    ctx.options_mut(|options| options.zoom_with_keyboard = false);
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

/// Follows the settings where they have changed.
pub(super) fn follow(ctx: &Context, settings: &Settings) {
    let theme = match settings.theme {
        settings::Theme::Dark => Theme::Dark,
        settings::Theme::Light => Theme::Light,
    };
    if ctx.theme() != theme {
        ctx.set_theme(theme);
    }
    let scale = settings.scale_percent as f32 / 100.0;
    if (ctx.zoom_factor() - scale).abs() > 1e-3 {
        ctx.set_zoom_factor(scale);
    }
}

fn visuals(usual: Visuals, palette: &Palette) -> Visuals {
    let mut visuals = usual;
    visuals.panel_fill = palette.panel;
    visuals.window_fill = palette.card;
    visuals.window_stroke = Stroke::new(1.0, palette.line);
    visuals.extreme_bg_color = if visuals.dark_mode { BACKGROUND } else { Color32::WHITE };
    visuals.override_text_color = Some(palette.text);
    visuals.weak_text_color = Some(palette.weak);
    visuals.selection.bg_fill = palette.accent.gamma_multiply(if visuals.dark_mode { 0.45 } else { 0.28 });
    visuals.selection.stroke = Stroke::new(1.0, palette.strong);
    visuals.hyperlink_color = palette.accent;
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
    visuals.widgets.noninteractive.bg_stroke = Stroke::new(1.0, palette.line);
    visuals.widgets.inactive.weak_bg_fill = palette.button;
    visuals.widgets.inactive.bg_fill = palette.button;
    visuals.widgets.hovered.weak_bg_fill = palette.hovered;
    visuals
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The contrast of two opaque colours (WCAG 2.2, relative luminance).
    fn contrast(a: Color32, b: Color32) -> f32 {
        let luminance = |colour: Color32| {
            let [r, g, b] = [colour.r(), colour.g(), colour.b()].map(|byte| {
                let c = f32::from(byte) / 255.0;
                if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
            });
            0.2126 * r + 0.7152 * g + 0.0722 * b
        };
        let (a, b) = (luminance(a), luminance(b));
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    #[test]
    fn every_text_stands_out_in_both_themes() {
        assert!((contrast(Color32::BLACK, Color32::WHITE) - 21.0).abs() < 1e-3);
        for palette in [&DARK, &LIGHT] {
            let texts = [palette.text, palette.strong, palette.weak, palette.accent, palette.error, palette.notice];
            for ground in [palette.panel, palette.card] {
                for text in texts {
                    assert!(contrast(text, ground) >= 4.5, "{text:?} on {ground:?}: {}", contrast(text, ground));
                }
            }
            for ground in [palette.button, palette.hovered] {
                assert!(contrast(palette.text, ground) >= 4.5, "{ground:?}");
            }
        }
        for text in [TEXT, STRONG, WEAK, NOTICE, LETTER] {
            assert!(contrast(text, BACKGROUND) >= 4.5, "{text:?}");
        }
    }
}
