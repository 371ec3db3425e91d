//! Small grey pictures: in the list of series, and of the scan that is being opened.

use super::theme;
use crate::app::state::{JobKind, State};
use crate::io::Preview;
use egui::{Align2, ColorImage, FontId, Id, ProgressBar, Rect, TextureOptions, Ui, UiBuilder, pos2, vec2};

/// Paints a picture as large as it fits, its pixels spaced as they are in the scan. The id is of the place, so that the
/// texture is made once.
pub(super) fn paint(ui: &Ui, id: Id, preview: &Preview, into: Rect) {
    let [columns, rows] = preview.size;
    if columns == 0 || preview.grey.len() != columns * rows {
        return;
    }
    let image = ColorImage::from_gray(preview.size, &preview.grey);
    let texture = ui.ctx().load_texture_cached("preview", id, image, TextureOptions::LINEAR);
    let [across, down] = preview.spacing_mm.map(|mm| if mm > 0.0 { mm as f32 } else { 1.0 });
    let extent = vec2(columns as f32 * across, rows as f32 * down);
    let scale = (into.width() / extent.x).min(into.height() / extent.y);
    let whole = Rect::from_min_max(pos2(0.0, 0.0), pos2(1.0, 1.0));
    ui.painter().image(texture.id(), Rect::from_center_size(into.center(), extent * scale), whole, theme::UNTINTED);
}

/// How long an opening may take before its picture is shown over the scan that is open.
const DELAY_SECS: f32 = 0.4;

/// The scan that is being opened, in the middle of the panes: an early slice of it, and how far it is.
pub(super) fn coming_ui(ui: &mut Ui, state: &State, area: Rect) {
    let Some(job) = state.jobs.iter().find(|job| job.kind == JobKind::Open) else { return };
    let side = if state.scan.is_some() { 260.0 } else { 420.0 };
    let card = Rect::from_center_size(area.center(), vec2(side, side + 44.0)).intersect(area.shrink(8.0));
    let painter = ui.painter();
    painter.rect_filled(card, 6.0, theme::CARD);
    let picture = Rect::from_min_max(card.min + vec2(8.0, 8.0), card.max - vec2(8.0, 44.0));
    painter.rect_filled(picture, 3.0, theme::BACKGROUND);
    if let Some(early) = &state.early {
        paint(ui, Id::unique("coming"), early, picture);
    } else {
        painter.text(picture.center(), Align2::CENTER_CENTER, "Opening…", FontId::proportional(14.0), theme::WEAK);
    }
    let below = Rect::from_min_max(pos2(picture.left(), picture.bottom() + 5.0), card.max - vec2(8.0, 4.0));
    let mut below = ui.new_child(UiBuilder::new().max_rect(below));
    below.label(egui::RichText::new(&job.status.stage).small().color(theme::WEAK));
    below.add(ProgressBar::new(job.status.fraction).desired_height(6.0));
}

/// Whether the card is due: at once where nothing is open, else when the opening takes long enough to be waited for.
pub(super) fn is_due(ui: &Ui, state: &State) -> bool {
    let opening = state.running(JobKind::Open);
    let waited = ui.ctx().animate_bool_with_time(Id::unique("opening"), opening, DELAY_SECS);
    opening && (state.scan.is_none() || waited >= 1.0)
}
