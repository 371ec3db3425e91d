//! The drawer beside the panes: one at a time, its title with a button that folds it away, and what belongs into it.

use super::{keys, layers, measure, scan, series, settings_panel, theme, volume_panel};
use crate::app::command::Command;
use crate::app::shell::{Drawer, ShellCommand};
use crate::app::state::State;
use egui::{Align, Button, Frame, Layout, Margin, Panel, ScrollArea, Ui};

const WIDTH: f32 = 264.0;

pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let Some(drawer) = state.drawer() else { return };
    let frame = Frame::new().inner_margin(Margin::symmetric(10, 6));
    Panel::left("drawer").frame(frame).exact_size(WIDTH).resizable(false).show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.label(theme::heading(drawer.name()).color(theme::of(ui).strong));
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
            });
        });
        ui.add_space(2.0);
        ScrollArea::vertical().id_salt(drawer).auto_shrink([false; 2]).show(ui, |ui| match drawer {
            Drawer::Series => series_ui(ui, state, commands),
            Drawer::Scan => match &state.scan {
                Some(open) => scan::ui(ui, state, open, commands),
                None => drop(ui.weak(NOTHING_OPEN)),
            },
            Drawer::Maps => layers::ui(ui, state, commands),
            Drawer::Volume => volume_panel::ui(ui, state, commands),
            Drawer::Measure => measure::list(ui, state, commands),
            Drawer::Settings => settings_panel::ui(ui, state, commands),
        });
    });
}

const NOTHING_OPEN: &str = "Nothing is open. Drop scans or a folder onto the window, or choose them with Open";

fn series_ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    match &state.catalogue {
        Some(catalogue) if catalogue.series().len() > 1 => series::ui(ui, state, commands),
        Some(_) => drop(ui.weak("The open scan is the only one there. Open a folder to choose from its series")),
        None => drop(ui.weak(NOTHING_OPEN)),
    }
}
