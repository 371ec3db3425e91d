//! The measurements in their drawer: the tools, and what was measured in the open scan.

use crate::app::command::Command;
use crate::app::measure::{MeasureCommand, Measurement};
use crate::app::state::State;
use crate::measure::Kind;
use crate::ui::{keys, theme};
use egui::{Align, Button, Frame, Id, Layout, RichText, Role, TextEdit, Ui, WidgetInfo};

/// The content of the drawer.
pub(in crate::ui) fn list(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    tools(ui, state, commands);
    let measures = &state.measures;
    for (measurement, number) in measures.list.iter().zip(1..) {
        row(ui, state, measurement, number, commands);
    }
    if measures.list.is_empty() {
        ui.label(RichText::new("Nothing measured in this scan").color(theme::of(ui).weak));
        return;
    }
    ui.horizontal(|ui| {
        let hint = "Write the measurements of this scan to a table (CSV) or JSON file";
        if ui.button("Export…").on_hover_text(hint).clicked() {
            commands.push(Command::Measure(MeasureCommand::Export));
        }
        if ui
            .button("Delete all")
            .on_hover_text("Delete the measurements of this scan; undo brings them back")
            .clicked()
        {
            commands.push(Command::Measure(MeasureCommand::Clear));
        }
    });
}

/// One button per tool.
fn tools(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        // All five in one row of the narrowest panel.
        ui.spacing_mut().item_spacing.x = 2.0;
        ui.spacing_mut().button_padding.x = 4.0;
        for kind in Kind::ALL {
            let in_hand = state.measures.tool.filter(|tool| tool.kind == kind);
            let text = RichText::new(kind.name());
            let text = if in_hand.is_some_and(|tool| tool.stays) { text.underline() } else { text };
            let response = ui.add(Button::selectable(in_hand.is_some(), text));
            let name = format!("Measure: {}", kind.name());
            response.widget_info(|| WidgetInfo::selected(Role::Button, true, in_hand.is_some(), &name));
            let hint = format!(
                "{} ({}). Click and click, or press and drag. A second click on this button, or Shift held, keeps the \
                 tool in hand; {} puts it away",
                what(kind),
                keys::of(&state.settings, keys::measure_action(kind)),
                keys::of(&state.settings, "close"),
            );
            if response.on_hover_text(hint).clicked() {
                commands.push(Command::Measure(MeasureCommand::Choose(kind)));
            }
        }
    });
}

/// What a tool is for.
fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::Distance => "Distance between two points in mm",
        Kind::Angle => "Angle at the second of three points",
        Kind::Ellipse => "Area, mean and spread of the voxels in an ellipse",
        Kind::Box => "Area, mean and spread of the voxels in a rectangle",
        Kind::Probe => "Value at a point",
    }
}

fn row(ui: &mut Ui, state: &State, measurement: &Measurement, number: usize, commands: &mut Vec<Command>) {
    let Measurement { id, name, measured } = measurement;
    let mut send = |command: MeasureCommand| commands.push(Command::Measure(command));
    let selected = state.measures.selected == Some(*id);
    let lines = measured.figures.lines();
    let kind = measured.shape.kind().name();
    let title = if name.is_empty() { kind } else { name };
    let first = lines.first().map_or("", String::as_str);
    let frame = Frame::new()
        .fill(if selected { theme::of(ui).card } else { theme::of(ui).panel })
        .corner_radius(4)
        .inner_margin(3);
    frame.show(ui, |ui| {
        ui.horizontal(|ui| {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                let delete = ui.add(Button::new("×").frame(false));
                let text = format!("Delete measurement {number}");
                delete.widget_info(|| WidgetInfo::labeled(Role::Button, true, &text));
                // The key is for the selected one.
                let hint = if selected { keys::hint(&state.settings, &text, "delete") } else { text.clone() };
                if delete.on_hover_text(hint).clicked() {
                    send(MeasureCommand::Delete(*id));
                }
                ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
                    ui.label(RichText::new(format!("{number:>2}")).font(theme::digits(12.0)).color(theme::of(ui).weak));
                    let text = RichText::new(format!("{title}  {first}")).color(theme::of(ui).text);
                    let show = ui.add(Button::new(text).frame(false).truncate());
                    let spoken = format!("Measurement {number}: {title} {first}");
                    show.widget_info(|| WidgetInfo::selected(Role::Button, true, selected, &spoken));
                    if show.on_hover_text("Bring it to the middle of all panes").clicked() {
                        send(MeasureCommand::Show(*id));
                    }
                });
            });
        });
        if selected {
            for line in &lines[1..] {
                ui.label(RichText::new(line).font(theme::digits(11.0)).color(theme::of(ui).text));
            }
            name_ui(ui, measurement, number, &mut send);
        }
    });
}

/// A field for the name, which is taken when it is left.
fn name_ui(ui: &mut Ui, measurement: &Measurement, number: usize, send: &mut impl FnMut(MeasureCommand)) {
    let id = Id::unique(("name of a measurement", measurement.id.0));
    let mut text = ui.data(|data| data.get_temp::<String>(id)).unwrap_or_else(|| measurement.name.clone());
    let field = TextEdit::singleline(&mut text).id(id).hint_text("name").desired_width(f32::INFINITY).char_limit(80);
    let response = ui.add(field);
    let name = format!("Name of measurement {number}");
    response.widget_info(|| WidgetInfo::text_edit(true, &measurement.name, &text, &name));
    if response.lost_focus() {
        ui.data_mut(|data| data.remove_temp::<String>(id));
        send(MeasureCommand::Rename(measurement.id, text));
    } else if response.changed() {
        ui.data_mut(|data| data.insert_temp(id, text));
    }
}
