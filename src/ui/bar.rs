//! The bar at the top: open, window, overlay, undo, help, and the notice that this is no medical device.

use super::theme;
use crate::app::command::Command;
use crate::app::layers::LayerCommand;
use crate::app::state::State;
use egui::{Align, Button, Layout, Panel, RichText, Ui};

pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let frame = egui::Frame::new().fill(theme::PANEL).inner_margin(egui::Margin::symmetric(8, 4));
    Panel::top("bar").frame(frame).show(ui, |ui| {
        ui.horizontal(|ui| {
            open_menu(ui, commands);
            ui.separator();
            window_menu(ui, state, commands);
            if state.analysis.is_some() {
                let mut shown = !state.layers.hidden;
                if ui.toggle_value(&mut shown, "Overlay").on_hover_text("Residual map over the picture (O)").changed() {
                    commands.push(Command::Layer(LayerCommand::ToggleAll));
                }
            }
            ui.separator();
            let (undo, redo) = state.undoable();
            step_button(ui, "Undo", undo, Command::Undo, commands);
            step_button(ui, "Redo", redo, Command::Redo, commands);
            ui.separator();
            if ui.button("Keys").on_hover_text("All keys and mouse actions (?)").clicked() {
                commands.push(Command::ToggleHelp);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.label(RichText::new(crate::NOTICE).small().color(theme::NOTICE));
            });
        });
    });
}

fn open_menu(ui: &mut Ui, commands: &mut Vec<Command>) {
    ui.menu_button("Open", |ui| {
        for (text, command) in
            [("Files…", Command::AskFile), ("Folder…", Command::AskFolder), ("Synthetic example", Command::OpenExample)]
        {
            if ui.button(text).clicked() {
                commands.push(command);
                ui.close();
            }
        }
    });
}

fn window_menu(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let Some(open) = &state.scan else { return };
    let now = &state.view.window;
    let name = open.windows.iter().find(|(_, w)| w == now).map_or("manual", |(name, _)| name);
    let text = format!("Window {name}  {:.0} / {:.0}", now.width, now.centre);
    ui.menu_button(text, |ui| {
        for (number, (name, window)) in open.windows.iter().enumerate() {
            let text = format!("{}   {name}   {:.0} / {:.0}", number + 1, window.width, window.centre);
            if ui.selectable_label(window == now, text).clicked() {
                commands.push(Command::ChooseWindow(number));
                ui.close();
            }
        }
    })
    .response
    .on_hover_text("Width / centre. Drag with the right button in a pane to change it");
}

fn step_button(ui: &mut Ui, text: &str, step: Option<String>, command: Command, commands: &mut Vec<Command>) {
    let response = ui.add_enabled(step.is_some(), Button::new(text));
    let response = match step {
        Some(step) => response.on_hover_text(format!("{text}: {step}")),
        None => response,
    };
    if response.clicked() {
        commands.push(command);
    }
}
