//! The sheet of keys, made from the one table.

use super::keys::{BINDINGS, MOUSE};
use super::theme;
use crate::app::command::Command;
use crate::app::state::State;
use egui::{Align2, Grid, RichText, Ui, Window};

pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    if !state.help {
        return;
    }
    let mut open = true;
    Window::new("Keys and mouse")
        .anchor(Align2::CENTER_CENTER, [0.0, 0.0])
        .collapsible(false)
        .resizable(false)
        .open(&mut open)
        .show(ui.ctx(), |ui| {
            ui.label(RichText::new(crate::NOTICE).color(theme::NOTICE));
            ui.columns(2, |columns| {
                // The mouse stands below the shorter column.
                let half = (BINDINGS.len() - MOUSE.len()).div_ceil(2);
                let keys = |ui: &mut Ui, id: &str, from: usize, to: usize| {
                    Grid::new(id).num_columns(2).spacing([14.0, 3.0]).show(ui, |ui| {
                        for binding in &BINDINGS[from..to] {
                            ui.label(RichText::new(binding.shown).monospace().color(theme::STRONG));
                            ui.label(binding.what);
                            ui.end_row();
                        }
                    });
                };
                keys(&mut columns[0], "keys 1", 0, half);
                keys(&mut columns[1], "keys 2", half, BINDINGS.len());
                columns[0].separator();
                Grid::new("mouse").num_columns(2).spacing([14.0, 3.0]).show(&mut columns[0], |ui| {
                    for (shown, what) in MOUSE {
                        ui.label(RichText::new(*shown).monospace().color(theme::STRONG));
                        ui.label(*what);
                        ui.end_row();
                    }
                });
            });
        });
    if !open {
        commands.push(Command::ToggleHelp);
    }
}
