//! What can be said of a sinus beside its label: type, severity, how sure, a note; above its card, without hiding the scan.

use super::theme;
use crate::app::command::Command;
use crate::app::labelling::LabelCommand;
use crate::app::state::State;
use crate::project::{AnomalyType, Label, MOST_SEVERE, Reading, severity_name};
use crate::space::Side;
use egui::{Align2, Area, Button, Frame, Grid, Id, Key, Order, Pos2, RichText, TextEdit, Ui};

const LABEL_FIRST: &str = "Label the sinus first";

/// How sure a reader can be, in per cent.
const CONFIDENCES: [u8; 4] = [25, 50, 75, 100];

/// Draws above `corner`, the upper left one of the card.
pub(super) fn ui(ui: &Ui, state: &State, side: Side, corner: Pos2, commands: &mut Vec<Command>) {
    let area = Area::new(Id::unique(("details", side))).order(Order::Foreground);
    area.pivot(Align2::LEFT_BOTTOM).fixed_pos(corner).constrain(true).show(ui.ctx(), |ui| {
        Frame::popup(ui.style()).show(ui, |ui| {
            ui.set_max_width(440.0);
            ui.horizontal(|ui| {
                let title = RichText::new(format!("patient {}", side.name().to_uppercase())).strong();
                ui.label(title.color(theme::side_colour(side)));
                let said = state.labels[side.index()].as_ref();
                ui.weak(said.map_or("not labelled yet", |said| said.label.name()));
                if ui.small_button("×").on_hover_text("Close (Esc)").clicked() {
                    commands.push(Command::Label(LabelCommand::Details(None)));
                }
            });
            fields_ui(ui, state, side, commands);
            let others = state.opinions(side).iter().map(|(rater, label)| format!("{rater}: {}", label.name()));
            let others: Vec<String> = others.collect();
            if !others.is_empty() {
                ui.separator();
                ui.weak(others.join(" · "));
            }
        });
    });
}

fn fields_ui(ui: &mut Ui, state: &State, side: Side, commands: &mut Vec<Command>) {
    let said = state.labels[side.index()].clone();
    let now = said.clone().unwrap_or_else(|| Reading::of(Label::Anomalous));
    let mut describe = |reading: Reading| commands.push(Command::Label(LabelCommand::Describe(side, reading)));
    Grid::new(("fields", side)).num_columns(2).spacing([10.0, 6.0]).show(ui, |ui| {
        ui.weak("type");
        ui.horizontal(|ui| {
            for kind in AnomalyType::ALL {
                let chosen = now.anomaly == Some(kind);
                let hint = "A type is of an anomalous sinus: choosing one labels it so";
                if ui.add(Button::selectable(chosen, kind.name())).on_hover_text(hint).clicked() {
                    let anomaly = (!chosen).then_some(kind);
                    describe(Reading { anomaly, ..now.relabelled(Label::Anomalous) });
                }
            }
        });
        ui.end_row();
        ui.weak("severity");
        ui.horizontal(|ui| {
            for severity in 0..=MOST_SEVERE {
                let chosen = now.severity == Some(severity);
                let kept = Reading { severity: Some(severity), ..now.clone() }.coherent().severity;
                let possible = said.is_some() && kept.is_some();
                let button = Button::selectable(chosen, format!("{severity} {}", severity_name(severity)));
                let hint = "0 to 2 as Lund and Mackay score the maxillary sinus; 3 goes beyond their score";
                if ui.add_enabled(possible, button).on_hover_text(hint).clicked() {
                    describe(Reading { severity: (!chosen).then_some(severity), ..now.clone() });
                }
            }
        });
        ui.end_row();
        ui.weak("sure");
        ui.horizontal(|ui| {
            for confidence in CONFIDENCES {
                let chosen = now.confidence == Some(confidence);
                let button = Button::selectable(chosen, format!("{confidence} %"));
                if ui.add_enabled(said.is_some(), button).on_disabled_hover_text(LABEL_FIRST).clicked() {
                    describe(Reading { confidence: (!chosen).then_some(confidence), ..now.clone() });
                }
            }
            ui.separator();
            let chosen = now.label == Label::NotAssessable;
            let hint = "The scan does not allow to judge this sinus: cut off, blurred, streaked";
            if ui.add(Button::selectable(chosen, Label::NotAssessable.name())).on_hover_text(hint).clicked() {
                describe(now.relabelled(Label::NotAssessable));
            }
        });
        ui.end_row();
        ui.weak("note");
        let note = ui.add_enabled_ui(said.is_some(), |ui| note_ui(ui, side, &now.note));
        if let Some(note) = note.inner {
            describe(Reading { note, ..now.clone() });
        }
        ui.end_row();
    });
}

/// The note as it is being written; a new one once the field is left.
fn note_ui(ui: &mut Ui, side: Side, note: &str) -> Option<String> {
    let draft = Id::unique(("note", side));
    let mut text: String = ui.data(|data| data.get_temp(draft)).unwrap_or_else(|| note.to_owned());
    let field = TextEdit::singleline(&mut text).hint_text("for the table of labels").desired_width(320.0);
    let response = ui.add(field.id(draft.with("field")));
    let opened = Id::unique(("note was open", side));
    let pass = ui.ctx().cumulative_pass_nr();
    let before: Option<u64> = ui.data(|data| data.get_temp(opened));
    ui.data_mut(|data| data.insert_temp(opened, pass));
    if before.is_none_or(|before| pass > before + 2) {
        // Opened just now: what is typed next is the note, and not what an earlier case left.
        ui.data_mut(|data| data.remove::<String>(draft));
        response.request_focus();
        return None;
    }
    if response.has_focus() {
        ui.data_mut(|data| data.insert_temp(draft, text));
        return None;
    }
    ui.data_mut(|data| data.remove::<String>(draft));
    let given_up = ui.input(|input| input.key_pressed(Key::Escape));
    (response.lost_focus() && !given_up && text.trim() != note).then(|| text.trim().to_owned())
}
