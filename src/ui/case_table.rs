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
use egui::{Align, Button, Layout, RichText, Sense, Ui, WidgetInfo};
use egui_extras::{Column, TableBuilder, TableRow};

/// Height of a line in points.
const LINE: f32 = 22.0;

/// A column: its title, what it shows, and the order that its title puts cases in.
#[derive(Clone, Copy)]
struct Kind {
    title: &'static str,
    hint: &'static str,
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
}

const fn kind(title: &'static str, hint: &'static str, order: Order, shows: Shows) -> Kind {
    Kind { title, hint, order, shows }
}

/// As sinuses stand on the screen: the patient's right first.
const KINDS: [Kind; 8] = [
    kind("#", "As they lie in the folder", Order::File, Shows::Number),
    kind("series", "As they lie in the folder", Order::File, Shows::Name),
    kind("kind", "Those of one modality together", Order::Modality, Shows::Modality),
    kind("R", "The patient's right sinus by your label: anomalous first", Order::Labelled, Shows::Label(Side::Right)),
    kind("L", "The patient's left sinus by your label: anomalous first", Order::Labelled, Shows::Label(Side::Left)),
    kind("R %", PROBABLE, Order::Probable, Shows::Probability(Side::Right)),
    kind("L %", PROBABLE, Order::Probable, Shows::Probability(Side::Left)),
    kind("notes", "Those first of which there is most to know", Order::Notes, Shows::Notes),
];
const PROBABLE: &str =
    "How probable the classifier called disease of the sinus: those first in which it is most so in one of both";

/// The series `numbers` of the list, in this order.
pub(super) fn ui(ui: &mut Ui, state: &State, catalogue: &Catalogue, numbers: &[usize], commands: &mut Vec<Command>) {
    let kinds = KINDS.into_iter().filter(|kind| !(kind.order.tells() && state.settings.blind));
    let kinds: Vec<Kind> = kinds.collect();
    let follow = series::to_follow(ui, state, numbers);
    let mut table = TableBuilder::new(ui)
        .id_salt("table of the cases")
        .striped(true)
        .sense(Sense::click())
        .auto_shrink([false; 2])
        .cell_layout(Layout::left_to_right(Align::Center));
    for kind in &kinds {
        table = table.column(match kind.shows {
            Shows::Number => Column::exact(38.0),
            Shows::Name => Column::remainder().clip(true),
            Shows::Modality => Column::exact(44.0).clip(true),
            Shows::Label(_) => Column::exact(92.0).clip(true),
            Shows::Probability(_) => Column::exact(42.0),
            Shows::Notes => Column::exact(46.0),
        });
    }
    if let Some(place) = follow {
        table = table.scroll_to_row(place, None);
    }
    let table = table.header(LINE, |mut header| {
        for kind in &kinds {
            header.col(|ui| header_ui(ui, state, *kind, commands));
        }
    });
    table.body(|body| {
        body.rows(LINE, numbers.len(), |mut line| {
            let number = numbers[line.index()];
            let Some(series) = catalogue.series().get(number) else { return };
            let row = Row::new(state, number, series);
            line_ui(&mut line, state, &row, &series.modality, &kinds);
            let response = line.response();
            let spoken = row.spoken(state);
            response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, row.open, &spoken));
            if response.clicked() {
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
    if button.on_hover_text(kind.hint).clicked() {
        commands.push(Command::Label(LabelCommand::Order(kind.order)));
    }
}

fn line_ui(line: &mut TableRow<'_, '_>, state: &State, row: &Row, modality: &str, kinds: &[Kind]) {
    line.set_selected(row.open);
    let known = state.known(row.number);
    let probabilities = state.listed_probabilities(row.number);
    for kind in kinds {
        line.col(|ui| {
            let palette = theme::of(ui);
            // A click on a word is one on its line.
            ui.style_mut().interaction.selectable_labels = false;
            match kind.shows {
                Shows::Number => drop(ui.weak((row.number + 1).to_string())),
                Shows::Name => {
                    let name = RichText::new(&row.name).color(if row.open { palette.strong } else { palette.text });
                    ui.add(egui::Label::new(name).truncate());
                }
                Shows::Modality => drop(ui.weak(if modality == "unknown" { "" } else { modality })),
                Shows::Label(side) => {
                    if let Some(label) = known.labels[side.index()] {
                        ui.label(RichText::new(word(label)).color(series::colour(ui, label)));
                    }
                }
                Shows::Probability(side) => {
                    if let Some(probability) = probabilities[side.index()] {
                        ui.monospace(format!("{:3.0}", 100.0 * probability));
                    }
                }
                Shows::Notes if row.notes > 0 => {
                    ui.label(RichText::new(row.notes.to_string()).color(palette.notice));
                }
                Shows::Notes => {}
            }
        });
    }
}

/// The name of a label where there is little room.
fn word(label: Label) -> &'static str {
    match label {
        Label::NotAssessable => "not assess.",
        label => label.name(),
    }
}
