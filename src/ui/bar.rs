//! The bar at the top: menus, the overlay's switch, undo, help, and the notice that this is no medical device.

use super::{keys, menus, theme};
use crate::app::command::Command;
use crate::app::layers::LayerCommand;
use crate::app::state::{Pane, State};
use egui::{Align, Button, Layout, Panel, RichText, ScrollArea, TextWrapMode, Ui};

/// Draws the bar; `pane` is the one that its menus mean.
pub(super) fn ui(ui: &mut Ui, state: &State, pane: Pane, commands: &mut Vec<Command>) {
    let frame = egui::Frame::new().inner_margin(egui::Margin::symmetric(8, 3));
    Panel::top("bar").frame(frame).exact_size(30.0).resizable(false).show(ui, |ui| {
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            ui.label(RichText::new(crate::NOTICE).small().color(theme::of(ui).notice));
            if state.is_second_reading() {
                ui.label(RichText::new("second reading").small().color(theme::of(ui).accent));
            }
            ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                // In a narrow window, or at a large scale, the menus scroll.
                let bar = egui::scroll_area::ScrollBarVisibility::AlwaysHidden;
                ScrollArea::horizontal().scroll_bar_visibility(bar).show(ui, |ui| {
                    ui.style_mut().wrap_mode = Some(TextWrapMode::Extend);
                    ui.horizontal_centered(|ui| items_ui(ui, state, pane, commands));
                });
            });
        });
    });
}

fn items_ui(ui: &mut Ui, state: &State, pane: Pane, commands: &mut Vec<Command>) {
    menus::open(ui, state, commands);
    if state.scan.is_some() {
        menus::view(ui, state, pane, commands);
        menus::planes(ui, state, pane, commands);
        menus::window(ui, state, commands);
        menus::measure(ui, state, commands);
        if !state.layers.list.is_empty() {
            let mut shown = !state.layers.hidden;
            let hint = keys::hint(&state.settings, "Maps over the picture", "overlay");
            if ui.toggle_value(&mut shown, "Overlay").on_hover_text(hint).changed() {
                commands.push(Command::Layer(LayerCommand::ToggleAll));
            }
        }
        ui.separator();
        let (undo, redo) = state.undoable();
        step_button(ui, state, "Undo", undo.as_ref(), Command::Undo, commands);
        step_button(ui, state, "Redo", redo.as_ref(), Command::Redo, commands);
        ui.separator();
        menus::figure(ui, state, pane, commands);
    }
    let hint = keys::hint(&state.settings, "All keys and mouse actions", "sheet");
    if ui.button("?").on_hover_text(hint).clicked() {
        commands.push(Command::ToggleHelp);
    }
}

fn step_button(
    ui: &mut Ui,
    state: &State,
    text: &str,
    step: Option<&String>,
    command: Command,
    commands: &mut Vec<Command>,
) {
    let what = step.map_or_else(|| format!("Nothing to {}", text.to_lowercase()), |s| format!("{text}: {s}"));
    let hint = keys::hint(&state.settings, &what, &text.to_lowercase());
    let response = ui.add_enabled(step.is_some(), Button::new(text));
    if response.on_hover_text(&hint).on_disabled_hover_text(&hint).clicked() {
        commands.push(command);
    }
}
