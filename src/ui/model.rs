//! The drawer of the classifier: which one is in use and what it was trained on, and fine-tuning it on the reader's labels.

use super::theme;
use crate::app::command::Command;
use crate::app::kept_weights::TunedWeights;
use crate::app::learning::{KnownWeights, LearnCommand};
use crate::app::state::{JobKind, State};
use crate::methods::residual::{Layers, Performance, about_built_in};
use egui::{Button, Grid, RadioButton, Ui};
use egui_plot::{Corner, Legend, Line, Plot, PlotPoints};

const BUILT_IN: &str = "It learned from synthetic sinuses alone; no real scan was used";
const HEAD: &str = "The layers after the encoder learn, the encoder stays: a few dozen labels are enough";
const ALL: &str = "All layers learn: better with some hundred labels, and slower";

pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    ui.weak("The classifier says how probable disease of a sinus is. It can learn from your labels.");
    let Some(known) = &state.learning.known else {
        ui.weak("The labels are being counted");
        return;
    };
    choice_ui(ui, known, commands);
    let mut many = state.settings.many_crops;
    ui.add_space(6.0);
    let crops = ui.checkbox(&mut many, "Mean over 15 crops of each sinus");
    if crops
        .on_hover_text("As paper 1 cuts them; shows how far the probability depends on the place, and takes longer")
        .changed()
    {
        commands.push(Command::ManyCrops(many));
    }
    tuning_ui(ui, state, known, commands);
    curves_ui(ui, state);
    about_ui(ui);
}

/// What the built-in weights were trained on.
fn about_ui(ui: &mut Ui) {
    ui.add_space(8.0);
    ui.collapsing("What the built-in weights learned from", |ui| {
        ui.weak(BUILT_IN);
        let [autoencoder, classifier] = about_built_in();
        for (name, about) in [("Classifier", classifier), ("Autoencoder of the residual map", autoencoder)] {
            ui.label(name);
            ui.weak(about);
        }
    });
}

fn choice_ui(ui: &mut Ui, known: &KnownWeights, commands: &mut Vec<Command>) {
    ui.add_space(8.0);
    ui.label(theme::heading("In use"));
    let mut choose = |ui: &mut Ui, number: Option<u32>, text: String, hint: &str| {
        let chosen = known.used == number;
        if ui.add(RadioButton::new(chosen, text)).on_hover_text(hint).clicked() && !chosen {
            commands.push(Command::Learn(LearnCommand::Use(number)));
        }
    };
    choose(ui, None, "built-in".to_owned(), BUILT_IN);
    for weights in known.tuned.iter().rev() {
        let [normal, anomalous] = weights.labelled;
        let text = format!("{}: learned from {} labels", weights.number, normal + anomalous);
        let hint = format!("{normal} normal and {anomalous} anomalous sinuses; {}", learned(weights.tuned.layers));
        choose(ui, Some(weights.number), text, &hint);
    }
    let of = |number: u32| known.tuned.iter().find(|weights| weights.number == number);
    // The newest, where the one in use has no figures: what was learned and not used is to be seen too.
    if let Some(weights) = known.used.and_then(of).or(known.tuned.last()) {
        figures_ui(ui, weights);
    }
}

fn learned(layers: Layers) -> &'static str {
    match layers {
        Layers::Head => "the head learned",
        Layers::All => "all layers learned",
    }
}

/// Before and after, on the sinuses that were held out.
fn figures_ui(ui: &mut Ui, weights: &TunedWeights) {
    let (before, after) = (weights.tuned.before, weights.tuned.after);
    let [normal, anomalous] = before.sinuses;
    ui.add_space(4.0);
    let hint = "Of scans that were neither learned from nor used to choose anything";
    ui.weak(format!("No. {} on {normal} normal and {anomalous} anomalous sinuses kept out", weights.number))
        .on_hover_text(hint);
    Grid::new("before and after").num_columns(4).spacing([10.0, 3.0]).show(ui, |ui| {
        for title in ["", "AUROC", "accuracy", "loss"] {
            ui.weak(title);
        }
        ui.end_row();
        for (name, worth) in [("before", before), ("after", after)] {
            ui.label(name);
            let Performance { auroc, accuracy, cross_entropy, .. } = worth;
            ui.monospace(auroc.map_or("-".to_owned(), |auroc| format!("{auroc:.2}")));
            ui.monospace(format!("{:.0} %", 100.0 * accuracy));
            ui.monospace(format!("{cross_entropy:.2}")).on_hover_text("Mean cross-entropy: tossing a coin gives 0.69");
            ui.end_row();
        }
    });
}

fn tuning_ui(ui: &mut Ui, state: &State, known: &KnownWeights, commands: &mut Vec<Command>) {
    let [normal, anomalous] = known.labelled;
    ui.add_space(10.0);
    ui.label(theme::heading("Learn from your labels"));
    ui.label(format!("{normal} sinuses normal, {anomalous} anomalous"));
    ui.horizontal(|ui| {
        for (layers, name, hint) in [(Layers::Head, "head", HEAD), (Layers::All, "all layers", ALL)] {
            let chosen = state.learning.layers == layers;
            if ui.add(RadioButton::new(chosen, name)).on_hover_text(hint).clicked() {
                commands.push(Command::Learn(LearnCommand::Layers(layers)));
            }
        }
    });
    let running = state.running(JobKind::Learn);
    ui.horizontal(|ui| {
        let enough = normal > 0 && anomalous > 0;
        let tune = ui.add_enabled(enough && !running, Button::new("Fine-tune"));
        let tune = tune
            .on_hover_text("From the classifier in use. A fifth of the scans is kept out to compare before and after");
        let lacking = if running { "It learns already" } else { "Label some sinuses normal and some anomalous first" };
        if tune.on_disabled_hover_text(lacking).clicked() {
            commands.push(Command::Learn(LearnCommand::Start));
        }
        if running && ui.button("Stop").on_hover_text("Nothing of this training is kept").clicked() {
            commands.push(Command::Cancel(JobKind::Learn));
        }
        if ui.add_enabled(!running, Button::new("Count again")).clicked() {
            commands.push(Command::Learn(LearnCommand::Look));
        }
    });
    if let Some(job) = state.jobs.iter().find(|job| job.kind == JobKind::Learn) {
        ui.weak(&job.status.stage);
    }
}

/// The losses of the training, epoch by epoch.
fn curves_ui(ui: &mut Ui, state: &State) {
    let history = &state.learning.history;
    if history.is_empty() {
        return;
    }
    let palette = theme::of(ui);
    ui.add_space(6.0);
    let plot = Plot::new("losses")
        .height(150.0)
        .legend(Legend::default().position(Corner::LeftBottom))
        .x_axis_label("epoch")
        .include_y(0.0);
    let plot = plot.allow_drag(false).allow_zoom(false).allow_scroll(false).allow_boxed_zoom(false);
    plot.show(ui, |plot| {
        let points = |loss: fn(&crate::train::Epoch) -> f64| -> PlotPoints<'_> {
            history.iter().map(|epoch| [epoch.number as f64, loss(epoch)]).collect()
        };
        plot.line(Line::new("training", points(|epoch| epoch.training_loss)).color(palette.weak));
        plot.line(Line::new("validation", points(|epoch| epoch.validation_loss)).color(palette.accent));
    });
}
