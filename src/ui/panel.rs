//! The left panel: series, scan, the two sinuses as they stand on a radiological screen, the overlay.

use super::lettering::orientation_known;
use super::{keys, layers, measure, scan, series, theme, volume_panel};
use crate::app::command::Command;
use crate::app::state::{JobKind, OpenScan, State};
use crate::methods::sinus::Presence;
use crate::project::Label;
use crate::space::Side;
use egui::{Align, Button, Frame, Layout, Panel, ProgressBar, RichText, ScrollArea, Ui};

pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let frame = Frame::new().fill(theme::PANEL).inner_margin(egui::Margin::symmetric(8, 6));
    Panel::left("panel").frame(frame).default_size(272.0).size_range(236.0..=420.0).show(ui, |ui| {
        ScrollArea::vertical().auto_shrink([false; 2]).show(ui, |ui| {
            series::ui(ui, state, commands);
            let Some(open) = &state.scan else {
                ui.label("Drop scans or a folder here: NIfTI, DICOM, ZIP, PNG or JPEG. Or open the synthetic example");
                return;
            };
            scan::ui(ui, state, open, commands);
            ui.add_space(6.0);
            ui.separator();
            sinuses_ui(ui, state, open, commands);
            ui.add_space(6.0);
            ui.separator();
            layers::ui(ui, state, commands);
            ui.add_space(6.0);
            ui.separator();
            measure::list(ui, state, commands);
            ui.add_space(6.0);
            ui.separator();
            volume_panel::ui(ui, state, commands);
        });
    });
}

fn sinuses_ui(ui: &mut Ui, state: &State, open: &OpenScan, commands: &mut Vec<Command>) {
    ui.label(theme::heading("Maxillary sinuses"));
    if !orientation_known(state) {
        let text = "Left and right of this scan are unknown; sides may be swapped";
        ui.label(RichText::new(text).color(theme::NOTICE));
    }
    if state.sinuses.is_none() {
        let text = match (state.running(JobKind::Find), open.flat()) {
            (true, _) => "Looking…",
            (false, Some(_)) => "Not looked for in a single slice",
            (false, None) => "Not looked for yet",
        };
        ui.label(RichText::new(text).color(theme::WEAK));
        if ui.button("Find").clicked() {
            commands.push(Command::Find);
        }
        return;
    }
    // Patient right stands on the left, as in the axial and coronal panes.
    ui.columns(2, |columns| {
        for (column, side) in columns.iter_mut().zip(Side::BOTH) {
            card_ui(column, state, side, commands);
        }
    });
    ui.horizontal(|ui| {
        let running = state.running(JobKind::Analyse);
        let nothing = state.sinuses.is_none_or(|s| s.iter().all(|s| s.present == Presence::Absent));
        let button = Button::new("Residual map").fill(theme::ACCENT.gamma_multiply(0.35));
        if ui
            .add_enabled(!running && !nothing, button)
            .on_hover_text("Compute the anomaly maps of both sinuses (M)")
            .on_disabled_hover_text(if nothing { "No sinus is in view" } else { "Being computed" })
            .clicked()
        {
            commands.push(Command::Analyse);
        }
        let mut on_open = state.settings.analyse_on_open;
        if ui.checkbox(&mut on_open, "on opening").on_hover_text("Compute maps as soon as sinuses are found").changed()
        {
            commands.push(Command::AnalyseOnOpen(on_open));
        }
    });
    ui.horizontal(|ui| {
        if ui.button("Find again").on_hover_text("Look for both anew; boxes moved by hand go").clicked() {
            commands.push(Command::Find);
        }
        ui.label(RichText::new(&state.label_keeper).small().color(theme::WEAK));
    });
}

fn card_ui(ui: &mut Ui, state: &State, side: Side, commands: &mut Vec<Command>) {
    let Some(sinus) = state.sinuses.map(|s| s[side.index()]) else { return };
    let stroke = if state.current == Some(side) { theme::ACCENT } else { theme::LINE };
    let frame = Frame::new().fill(theme::CARD).corner_radius(4).inner_margin(6).stroke(egui::Stroke::new(1.0, stroke));
    frame.show(ui, |ui| {
        ui.set_width(ui.available_width());
        let title = format!("patient {}", side.name().to_uppercase());
        let title = RichText::new(title).color(theme::side_colour(side)).strong();
        let hint = format!("Centre all panes on the patient's {} sinus", side.name());
        if ui.add(Button::new(title).frame(false)).on_hover_text(hint).clicked() {
            commands.push(Command::CentreOn(side));
        }
        let (text, hint) = match sinus.present {
            Presence::Complete if sinus.confidence >= 1.0 => ("placed by hand", "The box was moved by hand"),
            Presence::Complete if sinus.confidence < 0.3 => {
                ("guessed, check its box", "No air was seen there. Drag the mark in its box's middle to move it")
            }
            Presence::Complete => ("found", "Drag the mark in its box's middle to move it"),
            Presence::Partial => ("partly in view", "The scan cuts it off; scores may be off"),
            Presence::Absent => {
                ("not in view", "Nothing to score. Drag the mark in its box's middle onto it if it is there after all")
            }
        };
        let confidence = format!("{hint}. Confidence {:.2}", sinus.confidence);
        ui.label(RichText::new(text).color(theme::WEAK).small()).on_hover_text(confidence);
        score_ui(ui, state, side, commands);
        for (label, key) in Label::ALL.into_iter().zip(keys::label_keys(side)) {
            let chosen = state.labels[side.index()] == Some(label);
            let button = Button::selectable(chosen, label.name())
                .shortcut_text(key)
                .min_size(egui::vec2(ui.available_width(), 0.0));
            let hint = format!("Label the patient's {} sinus {} ({key})", side.name(), label.name());
            let response = ui.add(button).on_hover_text(&hint);
            response.widget_info(|| egui::WidgetInfo::selected(egui::Role::Button, true, chosen, &hint));
            if response.clicked() {
                commands.push(Command::Label(side, label));
            }
        }
    });
}

fn score_ui(ui: &mut Ui, state: &State, side: Side, commands: &mut Vec<Command>) {
    let Some(finding) = state.finding(side) else {
        ui.label(RichText::new("no map yet").color(theme::WEAK).small());
        ui.add(ProgressBar::new(0.0).desired_height(6.0));
        return;
    };
    let weights = state.analysis.as_ref().map_or("", |a| a.weights_sha256.get(..12).unwrap_or(""));
    let rank = finding.percentile.map_or_else(
        || "No normal scores belong to these settings.".to_owned(),
        |p| format!("Higher than {p:.0} % of normal synthetic sinuses."),
    );
    let hint =
        format!("Residual score {:.4}: mean of the map in the 64 mm box. {rank} Weights {weights}", finding.score);
    let row = ui.horizontal(|ui| {
        ui.label(RichText::new(format!("residual {:.3}", finding.score)).small());
        if let Some(percentile) = finding.percentile {
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                ui.label(RichText::new(format!("P{percentile:.0}")).small().color(theme::STRONG));
            });
        }
    });
    row.response.on_hover_text(&hint);
    let share = finding.percentile.unwrap_or(0.0) as f32 / 100.0;
    let bar = ProgressBar::new(share).desired_height(6.0).fill(theme::ACCENT);
    if ui.add(bar).on_hover_text(hint).interact(egui::Sense::click()).clicked() {
        commands.push(Command::CentreOn(side));
    }
}
