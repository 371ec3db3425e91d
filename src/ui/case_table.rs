//! The list of series as a table: one line each, columns to compare them by, and headers that put them in order.

use super::series::{self, Row};
use super::theme;
use crate::app::command::Command;
use crate::app::labelling::LabelCommand;
use crate::app::settings::Order;
use crate::app::state::State;
use crate::io::Catalogue;
use crate::project::Label;
use crate::space::Side;
use egui::{Align, Align2, Button, FontId, Layout, Response, RichText, Sense, Stroke, StrokeKind, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder};

/// Height of a line in points.
const LINE: f32 = 22.0;

/// A column: its title, what it shows, and the order that its title puts cases in.
#[derive(Clone, Copy)]
struct Kind {
    title: &'static str,
    order: Order,
    shows: Shows,
}

#[derive(Clone, Copy, PartialEq)]
enum Shows {
    Number,
    Name,
    Modality,
    Label(Side),
    Probability(Side),
    Notes,
    Menu,
}

const fn kind(title: &'static str, order: Order, shows: Shows) -> Kind {
    Kind { title, order, shows }
}

/// As sinuses stand on the screen: the patient's right first.
const KINDS: [Kind; 9] = [
    kind("#", Order::File, Shows::Number),
    kind("series", Order::File, Shows::Name),
    kind("kind", Order::Modality, Shows::Modality),
    kind("R", Order::Labelled, Shows::Label(Side::Right)),
    kind("L", Order::Labelled, Shows::Label(Side::Left)),
    kind("R %", Order::Probable, Shows::Probability(Side::Right)),
    kind("L %", Order::Probable, Shows::Probability(Side::Left)),
    kind("notes", Order::Notes, Shows::Notes),
    kind("", Order::File, Shows::Menu),
];

/// The series `numbers` of the list, in this order.
pub(super) fn ui(ui: &mut Ui, state: &State, catalogue: &Catalogue, numbers: &[usize], commands: &mut Vec<Command>) {
    let kinds = KINDS.into_iter().filter(|kind| !(kind.order.tells() && state.settings.blind));
    let kinds: Vec<Kind> = kinds.collect();
    let follow = series::to_follow(ui, state, numbers);
    let mut table = TableBuilder::new(ui)
        .id_salt("table of the cases")
        .striped(true)
        // A click, not a stop of the keyboard: that is the name.
        .sense(Sense::CLICK)
        .auto_shrink([false; 2])
        .cell_layout(Layout::left_to_right(Align::Center));
    for kind in &kinds {
        table = table.column(match kind.shows {
            Shows::Number => Column::exact(38.0),
            Shows::Name => Column::remainder().at_least(90.0).clip(true),
            Shows::Modality => Column::exact(44.0).clip(true),
            Shows::Label(_) => Column::exact(92.0).clip(true),
            Shows::Probability(_) => Column::exact(42.0),
            Shows::Notes => Column::exact(40.0),
            Shows::Menu => Column::exact(24.0),
        });
    }
    if let Some(place) = follow {
        table = table.scroll_to_row(place, None);
    }
    let table = table.header(LINE, |mut header| {
        for kind in &kinds {
            header.col(|ui| {
                if kind.shows != Shows::Menu {
                    header_ui(ui, state, *kind, commands);
                }
            });
        }
    });
    table.body(|body| {
        body.rows(LINE, numbers.len(), |mut line| {
            let number = numbers[line.index()];
            let Some(series) = catalogue.series().get(number) else { return };
            let row = Row::new(state, number, series);
            let spoken = row.spoken(state);
            let mut chosen = false;
            line.set_selected(row.open);
            for kind in &kinds {
                line.col(|ui| match kind.shows {
                    Shows::Name => chosen = name_ui(ui, &row, &spoken).clicked(),
                    Shows::Menu => series::menu_button(ui, &row, commands),
                    shows => cell_ui(ui, state, &row, &series.modality, shows),
                });
            }
            let response = line.response();
            if chosen || response.clicked() {
                commands.push(Command::OpenSeries(number));
            }
            response.context_menu(|ui| series::menu_ui(ui, number, &row, commands));
            response.on_hover_ui(|ui| series::hint_ui(ui, state, number, &spoken));
        });
    });
}

fn header_ui(ui: &mut Ui, state: &State, kind: Kind, commands: &mut Vec<Command>) {
    let chosen = state.order() == kind.order && kind.shows != Shows::Number;
    let (palette, small) = (theme::of(ui), RichText::new(kind.title).small());
    let title = if chosen { small.color(palette.accent).strong() } else { small.color(palette.weak) };
    // Titles stand above what they are titles of.
    ui.spacing_mut().button_padding.x = 0.0;
    let button = ui.add(Button::new(title).frame_when_inactive(false));
    let name = format!("In order of column {}", kind.title);
    button.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
    if button.on_hover_text(series::order_hint(kind.order)).clicked() {
        commands.push(Command::Label(LabelCommand::Order(kind.order)));
    }
}

/// The name of a series, which is where the keyboard stops on a line.
fn name_ui(ui: &mut Ui, row: &Row, spoken: &str) -> Response {
    let palette = theme::of(ui);
    let (rect, response) = ui.allocate_exact_size(ui.available_size(), Sense::click());
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, row.open, spoken));
    if response.gained_focus() {
        response.scroll_to_me(None);
    }
    if response.has_focus() {
        ui.painter().rect_stroke(rect, 4.0, Stroke::new(1.0, palette.accent), StrokeKind::Inside);
    }
    let name = if row.second { format!("{} · second scan", row.name) } else { row.name.clone() };
    let colour = if row.open { palette.strong } else { palette.text };
    ui.painter().text(rect.left_center(), Align2::LEFT_CENTER, name, FontId::proportional(13.0), colour);
    response
}

fn cell_ui(ui: &mut Ui, state: &State, row: &Row, modality: &str, shows: Shows) {
    let palette = theme::of(ui);
    // A click on a word is one on its line.
    ui.style_mut().interaction.selectable_labels = false;
    let text = match shows {
        Shows::Number => RichText::new((row.number + 1).to_string()).color(palette.weak),
        Shows::Modality if modality != "unknown" => RichText::new(modality).color(palette.weak),
        Shows::Label(side) => match state.known(row.number).labels[side.index()] {
            Some(label) => RichText::new(word(label)).color(series::colour(ui, label)),
            None => return,
        },
        Shows::Probability(side) => match state.listed_probabilities(row.number)[side.index()] {
            Some(probability) => RichText::new(format!("{:3.0}", 100.0 * probability)).monospace(),
            None => return,
        },
        Shows::Notes if row.notes > 0 => RichText::new(row.notes.to_string()).color(palette.notice),
        Shows::Name | Shows::Modality | Shows::Notes | Shows::Menu => return,
    };
    ui.label(text);
}

/// The name of a label where there is little room.
fn word(label: Label) -> &'static str {
    match label {
        Label::NotAssessable => "not assess.",
        label => label.name(),
    }
}
