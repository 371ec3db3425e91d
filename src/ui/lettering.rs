//! Texts over pictures: legible on any tissue, the orientation letters above all.

use super::theme;
use crate::app::checks;
use crate::app::state::State;
use crate::io::{Format, Scan};
use egui::{Align2, FontId, Rect, Ui, pos2, vec2};

/// A text with a shade behind it, legible on any picture.
pub(super) fn shaded_text(ui: &Ui, at: egui::Pos2, align: Align2, text: &str, font: FontId, colour: egui::Color32) {
    let painter = ui.painter();
    let galley = painter.layout_no_wrap(text.to_owned(), font, colour);
    let rect = align.anchor_size(at, galley.size());
    painter.rect_filled(rect.expand2(vec2(3.0, 1.0)), 3.0, theme::SHADE);
    painter.galley(rect.min, galley, colour);
}

/// Orientation letters at the middle of the left, right, top and bottom edge; question marks where the scan does not
/// say how it lies in the patient.
pub(super) fn edge_letters(ui: &Ui, state: &State, rect: Rect, letters: [String; 4]) {
    if let Some(open) = &state.scan {
        letters_of(ui, &open.scan, rect, letters);
    }
}

/// The same for a picture of any scan.
pub(super) fn letters_of(ui: &Ui, scan: &Scan, rect: Rect, letters: [String; 4]) {
    let letters = if checks::orientation_known(scan) { letters } else { letters.map(|_| "?".to_owned()) };
    let middle = rect.center();
    let places = [
        (pos2(rect.left() + 7.0, middle.y), Align2::LEFT_CENTER),
        (pos2(rect.right() - 7.0, middle.y), Align2::RIGHT_CENTER),
        (pos2(middle.x, rect.top() + 5.0), Align2::CENTER_TOP),
        (pos2(middle.x, rect.bottom() - 5.0), Align2::CENTER_BOTTOM),
    ];
    for (text, (at, align)) in letters.iter().zip(places) {
        shaded_text(ui, at, align, text, FontId::proportional(15.0), theme::LETTER);
    }
}

/// Whether the picture on screen may be lettered.
pub(super) fn orientation_known(state: &State) -> bool {
    state.scan.as_ref().is_none_or(|open| checks::orientation_known(&open.scan))
}

/// In the upper right corner: that the picture is not what a scanner measured.
pub(super) fn badge(ui: &Ui, state: &State, rect: Rect) {
    if let Some(open) = &state.scan {
        badge_of(ui, &open.scan, rect);
    }
}

/// The same for a picture of any scan.
pub(super) fn badge_of(ui: &Ui, scan: &Scan, rect: Rect) {
    let text = match scan.format {
        Format::Synthetic => "synthetic",
        _ if checks::resampled(scan) => "resampled",
        _ => return,
    };
    let at = rect.right_top() + vec2(-7.0, 6.0);
    shaded_text(ui, at, Align2::RIGHT_TOP, text, FontId::proportional(12.0), theme::NOTICE);
}
