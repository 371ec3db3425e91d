//! The drawer beside the panes: one at a time, its title with a button that folds it away, and what belongs into it.

use super::{keys, layers, measure, model, raters, recent, scan, series, settings_panel, theme, volume_panel};
use crate::app::command::Command;
use crate::app::labelling::LabelCommand;
use crate::app::shell::{Drawer, ShellCommand};
use crate::app::state::State;
use crate::io::Catalogue;
use egui::{Align, Button, Frame, Layout, Margin, Panel, ScrollArea, Ui};

const WIDTH: f32 = 264.0;
/// The table of the series has room for its columns, where the window is wide enough.
const TABLE_WIDTH: f32 = 640.0;

pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let Some(drawer) = state.drawer() else { return };
    let frame = Frame::new().inner_margin(Margin::symmetric(10, 6));
    let list = several(state).filter(|_| drawer == Drawer::Series);
    let table = list.is_some() && state.settings.table;
    let width = if table { TABLE_WIDTH.min(0.7 * ui.available_width()) } else { WIDTH };
    Panel::left("drawer").frame(frame).exact_size(width).resizable(false).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(theme::heading(&title(state, drawer)).color(theme::of(ui).strong));
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let id = format!("drawer {}", drawer.name().to_lowercase());
                let fold = ui.add(Button::new("Fold").small()).on_hover_text(keys::hint(
                    &state.settings,
                    "Fold the drawer away",
                    &id,
                ));
                if fold.clicked() {
                    commands.push(Command::Shell(ShellCommand::ToggleDrawer(drawer)));
                }
                if list.is_some() {
                    let (name, hint) = if table { ("List", "With pictures") } else { ("Table", "With columns") };
                    if ui.add(Button::new(name).small()).on_hover_text(hint).clicked() {
                        commands.push(Command::Label(LabelCommand::Table(!table)));
                    }
                }
            });
        });
        ui.add_space(2.0);
        if let Some(catalogue) = list {
            // It stays while the list scrolls.
            series::progress(ui, state, commands);
            series::ui(ui, state, catalogue, commands);
            return;
        }
        ScrollArea::vertical().id_salt(drawer).auto_shrink([false; 2]).show(ui, |ui| match drawer {
            Drawer::Series => nothing_else_ui(ui, state, commands),
            Drawer::Scan => match &state.scan {
                Some(open) => scan::ui(ui, state, open, commands),
                None => drop(ui.weak(NOTHING_OPEN)),
            },
            Drawer::Maps => layers::ui(ui, state, commands),
            Drawer::Volume => volume_panel::ui(ui, state, commands),
            Drawer::Measure => measure::list(ui, state, commands),
            Drawer::Raters => raters::ui(ui, state, commands),
            Drawer::Model => model::ui(ui, state, commands),
            Drawer::Settings => settings_panel::ui(ui, state, commands),
        });
    });
}

fn title(state: &State, drawer: Drawer) -> String {
    match (drawer, several(state)) {
        (Drawer::Series, Some(catalogue)) => format!("Series ({})", catalogue.series().len()),
        (drawer, _) => drawer.name().to_owned(),
    }
}

/// The series to choose from, where there is a choice.
fn several(state: &State) -> Option<&Catalogue> {
    state.catalogue.as_deref().filter(|catalogue| catalogue.series().len() > 1)
}

const NOTHING_ELSE: &str = "There is no other series. Open a folder, or several files, to choose from them";
const NOTHING_OPEN: &str = "Nothing is open. Drop scans or a folder onto the window, or choose them with Open";

fn nothing_else_ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    ui.weak(if state.scan.is_some() { NOTHING_ELSE } else { NOTHING_OPEN });
    let recent = &state.settings.recent;
    if !recent.is_empty() {
        ui.add_space(8.0);
        ui.label("Opened lately");
        for (number, one) in recent.iter().enumerate() {
            let name = recent::name(one, number, state.settings.shows_names());
            if ui.add(Button::new(name).frame_when_inactive(false).truncate()).clicked() {
                commands.push(Command::Open(one.paths.clone()));
            }
        }
    }
}
