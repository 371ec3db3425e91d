//! The list of series: a picture and two lines for each, the open one highlighted. A click, or Enter on it, opens one.

use super::{preview, theme};
use crate::app::command::Command;
use crate::app::state::State;
use crate::io::{Format, Role, Series};
use egui::text::{LayoutJob, TextWrapping};
use egui::{Align, CollapsingHeader, FontId, Id, Rect, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo, vec2};

/// Height of a row in points.
const ROW: f32 = 46.0;

/// The list, where there is something to choose.
pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let Some(catalogue) = state.catalogue.as_ref().filter(|catalogue| catalogue.series().len() > 1) else { return };
    let title = theme::heading(&format!("Series ({})", catalogue.series().len()));
    CollapsingHeader::new(title).id_salt("series").default_open(true).show_unindented(ui, |ui| {
        // Five and a half rows: the half one tells that there are more.
        ScrollArea::vertical().id_salt("series").max_height(5.5 * ROW).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 1.0;
            for (number, series) in catalogue.series().iter().enumerate() {
                row_ui(ui, state, number, series, commands);
            }
        });
    });
    ui.add_space(6.0);
    ui.separator();
}

fn row_ui(ui: &mut Ui, state: &State, number: usize, series: &Series, commands: &mut Vec<Command>) {
    let open = state.series() == Some(number);
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let name = name(series, number, state.settings.show_paths);
    let spoken = format!("Series {}: {name}, {}", number + 1, details(series));
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, open, &spoken));
    if response.clicked() {
        commands.push(Command::OpenSeries(number));
    }
    // The list follows the keys that go through it.
    let shown = Id::unique("open series");
    if open && ui.data(|data| data.get_temp(shown)) != Some(number) {
        response.scroll_to_me(None);
        ui.data_mut(|data| data.insert_temp(shown, number));
    }
    if !ui.is_rect_visible(rect) {
        return;
    }
    let painter = ui.painter();
    if open {
        painter.rect_filled(rect, 4.0, theme::ACCENT.gamma_multiply(0.22));
    } else if response.hovered() {
        painter.rect_filled(rect, 4.0, theme::CARD);
    }
    if response.has_focus() {
        painter.rect_stroke(rect, 4.0, Stroke::new(1.0, theme::ACCENT), StrokeKind::Inside);
    }
    let side = ROW - 6.0;
    let picture = Rect::from_min_size(rect.min + vec2(3.0, 3.0), vec2(side, side));
    painter.rect_filled(picture, 2.0, theme::BACKGROUND);
    if let Some(Some(thumbnail)) = state.thumbnails.get(number) {
        preview::paint(ui, Id::unique(("thumbnail", number)), thumbnail, picture);
    }
    let left = picture.right() + 8.0;
    let line = |text: String, size: f32, colour: egui::Color32, y: f32| {
        let mut job = LayoutJob::simple_singleline(text, FontId::proportional(size), colour);
        job.wrap = TextWrapping::truncate_at_width(rect.right() - 6.0 - left);
        job.halign = Align::Min;
        painter.galley(egui::pos2(left, rect.top() + y), painter.layout_job(job), colour);
    };
    line(name, 13.0, if open { theme::STRONG } else { theme::TEXT }, 6.0);
    line(details(series), 11.0, theme::WEAK, 26.0);
    response.on_hover_text(spoken);
}

/// What a series is called. Names of files only where they may be shown: they often hold patients' names.
fn name(series: &Series, number: usize, show_paths: bool) -> String {
    let named = show_paths || series.format == Format::Dicom;
    let description = if named { series.description.trim() } else { "" };
    match (series.modality.as_str(), description) {
        ("unknown" | "", "") => format!("{} {}", series.format.name(), number + 1),
        ("unknown" | "", description) => description.to_owned(),
        (modality, "") => format!("{modality} series {}", number + 1),
        (modality, description) => format!("{modality} · {description}"),
    }
}

/// Role, size and number of volumes.
fn details(series: &Series) -> String {
    let role = match series.role {
        Role::Volume => "",
        Role::Derived => "derived · ",
        Role::Localiser => "localiser · ",
        Role::Picture => "picture · ",
    };
    let [columns, rows, slices] = series.size;
    let size = if slices == 1 { format!("{columns} × {rows}") } else { format!("{columns} × {rows} × {slices}") };
    match series.frames {
        0 | 1 => format!("{role}{size}"),
        frames => format!("{role}{size} · {frames} volumes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(format: Format, modality: &str, role: Role, size: [usize; 3], frames: usize) -> Series {
        Series {
            id: "1.2.3".to_owned(),
            format,
            modality: modality.to_owned(),
            description: "DOE t1 sag".to_owned(),
            number: None,
            size,
            frames,
            files: 1,
            role,
            checks: Vec::new(),
        }
    }

    #[test]
    fn a_row_says_what_a_series_is_but_file_names_only_where_they_may_be_shown() {
        let file = series(Format::Nifti, "unknown", Role::Volume, [64, 64, 30], 120);
        assert_eq!(name(&file, 1, false), "NIfTI 2");
        assert_eq!(name(&file, 1, true), "DOE t1 sag");
        assert_eq!(details(&file), "64 × 64 × 30 · 120 volumes");
        let scout = series(Format::Dicom, "MR", Role::Localiser, [256, 256, 1], 1);
        assert_eq!(name(&scout, 0, false), "MR · DOE t1 sag");
        assert_eq!(details(&scout), "localiser · 256 × 256");
    }
}
