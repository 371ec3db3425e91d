//! How far raters agree: what each did, each pair with its confusion matrix and kappa, and curves of the program's scores.

use super::theme;
use crate::app::command::Command;
use crate::app::labelling::LabelCommand;
use crate::app::state::State;
use crate::metrics::Kappa;
use crate::project::{Agreement, Label, ModelScore, Pair};
use egui::{Button, Grid, Pos2, RichText, Sense, Stroke, StrokeKind, Ui, pos2, vec2};

pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    if state.settings.blind {
        ui.weak("You are reading blind: what others said is hidden until blind reading is switched off");
        return;
    }
    ui.horizontal(|ui| {
        if ui.add(Button::new("Again").small()).on_hover_text("Count the labels that were given since").clicked() {
            commands.push(Command::Label(LabelCommand::CompareRaters));
        }
        if let Some(agreement) = &state.agreement
            && ui.add(Button::new("Copy").small()).on_hover_text("All figures as text").clicked()
        {
            ui.ctx().copy_text(agreement.to_string());
        }
    });
    let Some(agreement) = &state.agreement else {
        ui.weak("The labels are being counted");
        return;
    };
    if agreement.raters.is_empty() {
        ui.weak("Nobody has labelled anything in this project yet");
        return;
    }
    raters_ui(ui, agreement);
    for pair in &agreement.pairs {
        pair_ui(ui, pair);
    }
    if let Some(fleiss) = &agreement.fleiss {
        ui.add_space(8.0);
        let kappa = fleiss.kappa.map_or("not defined".to_owned(), |kappa| format!("{kappa:.2}"));
        ui.label(format!("All raters, {} sinuses: Fleiss' kappa {kappa}", fleiss.sinuses));
    }
    for score in &agreement.scores {
        curve_ui(ui, score);
    }
    if agreement.pairs.is_empty() {
        ui.add_space(8.0);
        ui.weak("Agreement shows here once two raters have labelled the same sinuses. Merge project files with antrum labels merge");
    }
}

fn raters_ui(ui: &mut Ui, agreement: &Agreement) {
    ui.add_space(4.0);
    Grid::new("raters").num_columns(6).min_col_width(24.0).spacing([8.0, 3.0]).show(ui, |ui| {
        for title in ["rater"].into_iter().chain(Label::ALL.map(Label::short)).chain(["time"]) {
            ui.weak(title);
        }
        ui.end_row();
        for rater in &agreement.raters {
            ui.add(egui::Label::new(&rater.name).truncate());
            for count in rater.labels {
                ui.monospace(count.to_string());
            }
            let time = rater.median_s.map_or("-".to_owned(), |s| format!("{s:.0} s"));
            ui.monospace(time).on_hover_text("Median time from the opening of a case to what was last said of it");
            ui.end_row();
        }
    });
}

fn words(kappa: Option<Kappa>) -> String {
    kappa.map_or("not defined: one label only".to_owned(), |k| {
        format!("{:.2} (95 % CI {:.2} to {:.2})", k.kappa, k.ci95[0], k.ci95[1])
    })
}

/// The matrix is shaded by the share of its row.
fn pair_ui(ui: &mut Ui, pair: &Pair) {
    let [first, second] = &pair.raters;
    let palette = theme::of(ui);
    ui.add_space(10.0);
    ui.label(RichText::new(format!("{first} and {second}")).strong());
    ui.label(format!("{} sinuses, {:.0} % alike", pair.sinuses, 100.0 * pair.agreement));
    ui.label(format!("Cohen's kappa {}", words(pair.kappa)));
    Grid::new(("confusion", &pair.raters)).num_columns(5).spacing([2.0, 2.0]).show(ui, |ui| {
        ui.weak("");
        for label in Label::ALL {
            ui.weak(label.short()).on_hover_text(format!("{second}: {}", label.name()));
        }
        ui.end_row();
        for (label, row) in Label::ALL.iter().zip(&pair.confusion) {
            ui.weak(label.short()).on_hover_text(format!("{first}: {}", label.name()));
            let all: u64 = row.iter().sum();
            for (other, count) in Label::ALL.iter().zip(row) {
                let (cell, response) = ui.allocate_exact_size(vec2(42.0, 20.0), Sense::hover());
                let share = *count as f32 / all.max(1) as f32;
                ui.painter().rect_filled(cell, 2.0, palette.accent.gamma_multiply(0.08 + 0.6 * share));
                let digits = egui::FontId::monospace(11.0);
                let colour = if *count > 0 { palette.strong } else { palette.weak };
                ui.painter().text(cell.center(), egui::Align2::CENTER_CENTER, count.to_string(), digits, colour);
                response.on_hover_text(format!("{first} {}, {second} {}: {count}", label.name(), other.name()));
            }
            ui.end_row();
        }
    });
    if pair.types.is_some() {
        ui.label(format!("Types: kappa {}", words(pair.types)));
    }
}

fn curve_ui(ui: &mut Ui, score: &ModelScore) {
    let palette = theme::of(ui);
    let [normal, anomalous] = score.sinuses;
    ui.add_space(10.0);
    ui.label(format!("{} against {}: AUROC {:.2}", score.score, score.against, score.auroc));
    ui.weak(format!("{normal} normal, {anomalous} anomalous sinuses"));
    let (area, response) = ui.allocate_exact_size(vec2(150.0, 150.0), Sense::hover());
    let at = |[x, y]: [f64; 2]| -> Pos2 {
        pos2(area.left() + x as f32 * area.width(), area.bottom() - y as f32 * area.height())
    };
    let painter = ui.painter();
    painter.rect_stroke(area, 0.0, Stroke::new(1.0, palette.line), StrokeKind::Inside);
    painter.line_segment([at([0.0, 0.0]), at([1.0, 1.0])], Stroke::new(1.0, palette.line));
    let curve: Vec<Pos2> = score.roc.iter().copied().map(at).collect();
    painter.line(curve, Stroke::new(1.8, palette.accent));
    response.on_hover_text(
        "ROC curve: share of the normal sinuses (right) and of the anomalous ones (up) that score so high",
    );
}
