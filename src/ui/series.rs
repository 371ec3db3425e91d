//! The list of series: a picture and two lines for each, the open one highlighted. A click, or Enter on it, opens one; a
//! menu lays it beside or over the open one. Of long lists only what is in view is made.

use super::{case_table, keys, preview, theme};
use crate::app::command::Command;
use crate::app::compare::{CompareCommand, Mode};
use crate::app::labelling::LabelCommand;
use crate::app::layers::LayerCommand;
use crate::app::settings::{Order, Settings};
use crate::app::state::State;
use crate::app::worklist::Filter;
use crate::io::{Catalogue, Format, Role, Series};
use crate::project::Label;
use crate::space::Side;
use egui::containers::menu::MenuButton;
use egui::text::{LayoutJob, TextWrapping};
use egui::{
    Align, Align2, Button, ComboBox, FontId, Id, Rect, Response, RichText, ScrollArea, Sense, Stroke, StrokeKind,
    TextEdit, Ui, UiBuilder, WidgetInfo, pos2, vec2,
};

/// Height of a row in points.
const ROW: f32 = 46.0;
/// Between two rows.
const GAP: f32 = 1.0;

/// The list, or the same as a table.
pub(super) fn ui(ui: &mut Ui, state: &State, catalogue: &Catalogue, commands: &mut Vec<Command>) {
    let numbers = listed(state, catalogue, &searched(ui));
    if state.settings.table {
        case_table::ui(ui, state, catalogue, &numbers, commands);
        return;
    }
    ui.spacing_mut().item_spacing.y = GAP;
    let follow = to_follow(ui, state, &numbers);
    ScrollArea::vertical().id_salt("series").auto_shrink([false; 2]).show_rows(ui, ROW, numbers.len(), |ui, shown| {
        if let Some(place) = follow {
            let (first, width) = (ui.max_rect().left_top(), ui.available_width());
            let y = first.y + (place as f32 - shown.start as f32) * (ROW + GAP);
            ui.scroll_to_rect(Rect::from_min_size(pos2(first.x, y), vec2(width, ROW)), None);
        }
        for &number in &numbers[shown] {
            if let Some(series) = catalogue.series().get(number) {
                // One identity each, as those are counted that are not in view.
                ui.push_id(number, |ui| row_ui(ui, state, number, &Row::new(state, number, series), commands));
            }
        }
    });
}

/// What of the list is shown, in its order: cases, and behind them what else there is.
fn listed(state: &State, catalogue: &Catalogue, search: &str) -> Vec<usize> {
    let (mut numbers, filter) = (state.cases(), state.filter());
    if filter == Filter::All {
        numbers.extend(state.other_series());
    }
    numbers.retain(|&number| {
        let open = state.series() == Some(number);
        let done = filter == Filter::ToDo && state.is_labelled(number);
        let found = |series| search.is_empty() || holds(&Row::new(state, number, series), search);
        catalogue.series().get(number).is_some_and(|series| open || (!done && found(series)))
    });
    numbers
}

/// The place of the open series among those shown, where the list is yet to follow the keys that went there.
pub(super) fn to_follow(ui: &Ui, state: &State, numbers: &[usize]) -> Option<usize> {
    let (shown, open) = (Id::unique("open series"), state.series()?);
    let place = numbers.iter().position(|number| *number == open)?;
    // The table is another list.
    let open = (open, state.settings.table);
    let is_new = ui.data(|data| data.get_temp(shown)) != Some(open);
    ui.data_mut(|data| data.insert_temp(shown, open));
    is_new.then_some(place)
}

/// How many cases have labels, the way to the next one, and in which order they come.
pub(super) fn progress(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let cases = state.cases();
    let done = cases.iter().filter(|case| state.is_labelled(**case)).count();
    let palette = theme::of(ui);
    ui.horizontal(|ui| {
        ui.label(format!("{done} of {} labelled", cases.len()));
        let hint = keys::hint(&state.settings, "The next case that lacks a label", "accept");
        ui.with_layout(egui::Layout::right_to_left(Align::Center), |ui| {
            if ui.button("Next").on_hover_text(hint).clicked() {
                commands.push(Command::Label(LabelCommand::Next));
            }
        });
    });
    let (bar, _) = ui.allocate_exact_size(vec2(ui.available_width(), 4.0), Sense::hover());
    let share = done as f32 / cases.len().max(1) as f32;
    ui.painter().rect_filled(bar, 2.0, palette.line);
    ui.painter().rect_filled(Rect::from_min_size(bar.min, vec2(bar.width() * share, 4.0)), 2.0, palette.accent);
    ui.horizontal(|ui| {
        filter_ui(ui, state, commands);
        let mut advance = state.settings.advance;
        let hint = "On to the next case as soon as both sinuses have their labels";
        if ui.checkbox(&mut advance, "Go on").on_hover_text(hint).changed() {
            commands.push(Command::Label(LabelCommand::Advance(advance)));
        }
    });
    ui.horizontal(|ui| {
        order_ui(ui, state, commands);
        let mut search = searched(ui);
        let field = TextEdit::singleline(&mut search).hint_text("Search").desired_width(f32::INFINITY);
        if ui.add(field).on_hover_text("Only series whose two lines hold all of these words").changed() {
            ui.data_mut(|data| data.insert_temp(Id::unique(SEARCH), search));
        }
    });
    ui.add_space(4.0);
}

const SEARCH: &str = "words that listed series hold";

fn searched(ui: &Ui) -> String {
    ui.data(|data| data.get_temp(Id::unique(SEARCH))).unwrap_or_default()
}

fn filter_ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    for filter in Filter::ALL {
        let hint = match filter {
            Filter::All => "All cases, and what else is in the list",
            Filter::ToDo => "Only cases of which a sinus lacks a label",
            Filter::Disputed => "Only cases on which raters differ",
        };
        let possible = filter != Filter::Disputed || !state.settings.blind;
        let button = Button::selectable(state.filter() == filter, filter.name());
        if ui.add_enabled(possible, button).on_hover_text(hint).clicked() {
            commands.push(Command::Label(LabelCommand::Filter(filter)));
        }
    }
}

/// What an order does.
pub(super) fn order_hint(order: Order) -> &'static str {
    match order {
        Order::File => "As they lie in the folder",
        Order::Random => "Another order for each rater, always the same for one",
        Order::Doubtful => {
            "Those first of which the classifier was least sure, unlike ones before alike ones; antrum analyse --project asks it"
        }
        Order::Probable => "Those first in which the classifier called disease most probable, in one of both sinuses",
        Order::Labelled => {
            "One of both sinuses anomalous, uncertain, not assessable, normal, then those without labels"
        }
        Order::Modality => "Those of one modality together",
        Order::Notes => "Those first of which there is most to know",
    }
}

fn order_ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let order = state.order();
    let combo = ComboBox::from_id_salt("order of the cases").selected_text(order.name()).width(96.0);
    let chosen = combo.show_ui(ui, |ui| {
        // The order must not tell a blind reader what the classifier thinks.
        let offered = |order: &Order| !(order.tells() && state.settings.blind);
        for other in Order::ALL.into_iter().filter(offered) {
            if ui.selectable_label(other == order, other.name()).on_hover_text(order_hint(other)).clicked() {
                commands.push(Command::Label(LabelCommand::Order(other)));
            }
        }
    });
    chosen.response.on_hover_text("In which order the cases come");
}

/// Whether a row holds all words that are searched for, however they are written.
fn holds(row: &Row, search: &str) -> bool {
    let text = format!("{} {}", row.name, row.details).to_lowercase();
    search.to_lowercase().split_whitespace().all(|word| text.contains(word))
}

/// The colour of a label.
pub(super) fn colour(ui: &Ui, label: Label) -> egui::Color32 {
    let palette = theme::of(ui);
    match label {
        Label::Normal => palette.text,
        Label::Anomalous => palette.accent,
        Label::Uncertain => palette.notice,
        Label::NotAssessable => palette.weak,
    }
}

fn letter(label: Label) -> &'static str {
    match label {
        Label::Normal => "n",
        Label::Anomalous => "a",
        Label::Uncertain => "?",
        Label::NotAssessable => "–",
    }
}

fn row_ui(ui: &mut Ui, state: &State, number: usize, row: &Row, commands: &mut Vec<Command>) {
    let (rect, response) = ui.allocate_exact_size(vec2(ui.available_width(), ROW), Sense::click());
    let spoken = row.spoken(state);
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, row.open, &spoken));
    if response.clicked() {
        commands.push(Command::OpenSeries(number));
    }
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
    row.paint(ui, state, rect, &response);
    response.context_menu(|ui| menu_ui(ui, number, row, commands));
    let button = Rect::from_center_size(rect.right_center() - vec2(13.0, 0.0), vec2(22.0, ROW - 8.0));
    let mut child = ui.new_child(UiBuilder::new().max_rect(button).id_salt(("menu of", number)));
    child.centered_and_justified(|ui| menu_button(ui, row, commands));
    response.on_hover_ui(|ui| hint_ui(ui, state, number, &spoken));
}

/// All that is known of a series.
pub(super) fn hint_ui(ui: &mut Ui, state: &State, number: usize, spoken: &str) {
    ui.label(spoken);
    for check in state.checks(number) {
        ui.label(RichText::new(&check.message).color(theme::of(ui).notice));
    }
}

/// A button that opens the menu of a row.
pub(super) fn menu_button(ui: &mut Ui, row: &Row, commands: &mut Vec<Command>) {
    let button = MenuButton::from_button(Button::new("…").frame_when_inactive(false));
    let (response, _) = button.ui(ui, |ui| menu_ui(ui, row.number, row, commands));
    let name = format!("What to do with series {}", row.number + 1);
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
    response.on_hover_text("Show beside or over the open scan");
}

/// What can be done with a series besides opening it.
pub(super) fn menu_ui(ui: &mut Ui, number: usize, row: &Row, commands: &mut Vec<Command>) {
    let compare = |mode| Command::Compare(CompareCommand::Series(number, mode));
    let entries = [
        ("Open", Command::OpenSeries(number), !row.open),
        ("Show beside the open scan", compare(Mode::SideBySide), !row.open),
        ("Blend over the open scan", compare(Mode::Blended), !row.open),
        ("Add as overlay", Command::Layer(LayerCommand::OpenSeries(number)), true),
    ];
    for (text, command, enabled) in entries {
        if ui.add_enabled(enabled, Button::new(text)).clicked() {
            commands.push(command);
            ui.close();
        }
    }
}

/// What a row says.
pub(super) struct Row {
    pub number: usize,
    pub name: String,
    details: String,
    /// How many things its reader should know.
    pub notes: usize,
    /// It is the scan on screen.
    pub open: bool,
    /// It is compared with that.
    pub second: bool,
}

impl Row {
    pub fn new(state: &State, number: usize, series: &Series) -> Self {
        Self {
            number,
            name: name(series, number, &state.settings),
            details: details(series, state.checks(number).len()),
            notes: state.checks(number).len(),
            open: state.series() == Some(number),
            second: state.second_series() == Some(number),
        }
    }

    /// All that it says, in words.
    pub fn spoken(&self, state: &State) -> String {
        let labels = state.known(self.number).labels;
        let said = |side: Side| labels[side.index()].map(|label| format!(", patient {} {}", side.name(), label.name()));
        let said: String = Side::BOTH.into_iter().filter_map(said).collect();
        let probabilities = state.listed_probabilities(self.number);
        let probable = |side: Side| {
            let probability = probabilities[side.index()]?;
            Some(format!(", patient {} {:.0} % probable", side.name(), 100.0 * probability))
        };
        let probable: String = Side::BOTH.into_iter().filter_map(probable).collect();
        format!("Series {}: {}, {}{said}{probable}", self.number + 1, self.name, self.details)
    }

    fn paint(&self, ui: &Ui, state: &State, rect: Rect, response: &Response) {
        let painter = ui.painter();
        if self.open {
            painter.rect_filled(rect, 4.0, theme::of(ui).accent.gamma_multiply(0.22));
        } else if response.hovered() || self.second {
            painter.rect_filled(rect, 4.0, theme::of(ui).card);
        }
        if response.has_focus() {
            painter.rect_stroke(rect, 4.0, Stroke::new(1.0, theme::of(ui).accent), StrokeKind::Inside);
        }
        let side = ROW - 6.0;
        let picture = Rect::from_min_size(rect.min + vec2(3.0, 3.0), vec2(side, side));
        painter.rect_filled(picture, 2.0, theme::BACKGROUND);
        if let Some(Some(thumbnail)) = state.thumbnails.get(self.number) {
            preview::paint(ui, Id::unique(("thumbnail", self.number)), thumbnail, picture);
        }
        let mut right = rect.right() - 27.0;
        if self.notes > 0 {
            let middle = pos2(right - 7.0, rect.top() + 14.0);
            painter.circle_filled(middle, 7.5, theme::of(ui).notice);
            let digits = FontId::proportional(10.5);
            painter.text(middle, Align2::CENTER_CENTER, self.notes.min(9), digits, theme::BACKGROUND);
            right -= 19.0;
        }
        let left = picture.right() + 8.0;
        let line = |text: &str, size: f32, colour: egui::Color32, y: f32, right: f32| {
            let mut job = LayoutJob::simple_singleline(text.to_owned(), FontId::proportional(size), colour);
            job.wrap = TextWrapping::truncate_at_width(right - left);
            job.halign = Align::Min;
            painter.galley(pos2(left, rect.top() + y), painter.layout_job(job), colour);
        };
        // As the sinuses stand on the screen: the patient's right first.
        let sides = |mut right: f32, y: f32, said: [Option<(egui::Color32, String)>; 2]| {
            for side in [Side::Left, Side::Right] {
                if let Some((colour, text)) = &said[side.index()] {
                    let at = pos2(right, rect.top() + y);
                    let text = format!("{} {text}", side.letter());
                    right = painter.text(at, Align2::RIGHT_CENTER, text, FontId::monospace(11.0), *colour).left() - 7.0;
                }
            }
            right
        };
        let percent = |probability: f64| (theme::of(ui).weak, format!("{:.0} %", 100.0 * probability));
        let above = sides(right, 14.0, state.listed_probabilities(self.number).map(|said| said.map(percent)));
        line(&self.name, 13.0, if self.open { theme::of(ui).strong } else { theme::of(ui).text }, 6.0, above);
        let labels = state.known(self.number).labels;
        let marked = |label: Label| (colour(ui, label), letter(label).to_owned());
        let right = sides(rect.right() - 27.0, 33.0, labels.map(|label| label.map(marked)));
        let details = if self.second { format!("second scan · {}", self.details) } else { self.details.clone() };
        line(&details, 11.0, theme::of(ui).weak, 26.0, right);
    }
}

/// What a series is called. Names of files only where they may be shown: they often hold patients' names.
fn name(series: &Series, number: usize, settings: &Settings) -> String {
    let named = settings.shows_names() || (series.format == Format::Dicom && !settings.blind);
    let description = if named { series.description.trim() } else { "" };
    match (series.modality.as_str(), description) {
        ("unknown" | "", "") => format!("{} {}", series.format.name(), number + 1),
        ("unknown" | "", description) => description.to_owned(),
        (modality, "") => format!("{modality} series {}", number + 1),
        (modality, description) => format!("{modality} · {description}"),
    }
}

/// Number and stack in DICOM, role, size, number of volumes, how much there is to know.
fn details(series: &Series, notes: usize) -> String {
    let mut parts = Vec::new();
    parts.extend(series.number.map(|number| format!("no. {number}")));
    // Stacks of one series differ in nothing else that could be shown.
    if let (Format::Dicom, Some((_, stack))) = (series.format, series.id.rsplit_once('/')) {
        parts.push(format!("stack {stack}"));
    }
    parts.extend(match series.role {
        Role::Volume => None,
        Role::Derived => Some("derived".to_owned()),
        Role::Localiser => Some("localiser".to_owned()),
        Role::Picture => Some("picture".to_owned()),
    });
    let [columns, rows, slices] = series.size;
    parts.push(if slices == 1 { format!("{columns} × {rows}") } else { format!("{columns} × {rows} × {slices}") });
    if series.frames > 1 {
        parts.push(format!("{} volumes", series.frames));
    }
    match notes {
        0 => {}
        1 => parts.push("1 note".to_owned()),
        notes => parts.push(format!("{notes} notes")),
    }
    parts.join(" · ")
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
        let hidden = Settings::default();
        let shown = Settings { show_paths: true, ..Settings::default() };
        let blind = Settings { blind: true, ..shown.clone() };
        assert_eq!(name(&file, 1, &hidden), "NIfTI 2");
        assert_eq!(name(&file, 1, &shown), "DOE t1 sag");
        assert_eq!(name(&file, 1, &blind), "NIfTI 2");
        let row = |name: &str| Row {
            number: 0,
            name: name.to_owned(),
            details: details(&file, 0),
            notes: 0,
            open: false,
            second: false,
        };
        assert!(holds(&row("DOE t1 sag"), " T1 120") && !holds(&row("DOE t1 sag"), "t1 cor"));
        assert_eq!(details(&file, 0), "64 × 64 × 30 · 120 volumes");
        let scout = series(Format::Dicom, "MR", Role::Localiser, [256, 256, 1], 1);
        assert_eq!(name(&scout, 0, &hidden), "MR · DOE t1 sag");
        assert_eq!(name(&scout, 0, &blind), "MR series 1");
        assert_eq!(details(&scout, 0), "localiser · 256 × 256");
        let second = Series { id: "1.2.3/2".to_owned(), number: Some(301), ..scout };
        assert_eq!(details(&second, 2), "no. 301 · stack 2 · localiser · 256 × 256 · 2 notes");
    }
}
