//! The strip below the panes: the two sinuses side by side as they stand on the radiological screen, each with its
//! finding, its score and the buttons of its labels, then what can be done with both.

use super::lettering::orientation_known;
use super::{details, keys, theme};
use crate::app::command::Command;
use crate::app::deidentify::DeidentifyCommand;
use crate::app::labelling::LabelCommand;
use crate::app::layers::{LayerCommand, Source};
use crate::app::sinuses::{self, CavityFigures};
use crate::app::state::{JobKind, OpenScan, State};
use crate::methods::Finding;
use crate::methods::residual::MapKind;
use crate::methods::sinus::{Presence, Sinus};
use crate::project::{Label, severity_name};
use crate::space::Side;
use crate::view::{Convention, Overlay};
use egui::{
    Align, Button, CursorIcon, Frame, Id, Layout, Margin, Panel, Rect, Response, RichText, ScrollArea, Sense,
    TextWrapMode, Ui, WidgetInfo, vec2,
};

/// Height of the strip in points.
const HEIGHT: f32 = 54.0;
/// Width of what stands right of the cards.
const ACTIONS: f32 = 128.0;
/// As many raters are shown by dots.
const MOST_DOTS: usize = 6;
/// The narrowest card; in narrower windows the strip scrolls.
const NARROWEST: f32 = 412.0;

pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let frame = Frame::new().inner_margin(Margin::symmetric(8, 4));
    Panel::bottom("sinuses").frame(frame).exact_size(HEIGHT).resizable(false).show(ui, |ui| {
        let bar = egui::scroll_area::ScrollBarVisibility::AlwaysHidden;
        ScrollArea::horizontal().scroll_bar_visibility(bar).auto_shrink([false; 2]).show(ui, |ui| {
            // Beyond the window's edge, texts would else be one letter wide and very high.
            ui.style_mut().wrap_mode = Some(TextWrapMode::Extend);
            ui.horizontal_centered(|ui| match (&state.scan, state.sinuses) {
                (Some(_), Some(sinuses)) => both_ui(ui, state, &sinuses, commands),
                (Some(open), None) => not_found_ui(ui, state, open, commands),
                (None, _) => drop(ui.weak("The two maxillary sinuses of a scan are judged here")),
            });
        });
    });
}

fn not_found_ui(ui: &mut Ui, state: &State, open: &OpenScan, commands: &mut Vec<Command>) {
    orientation_ui(ui, state);
    let text = match (state.running(JobKind::Find), open.flat()) {
        (true, _) => "Looking for the maxillary sinuses…",
        (false, Some(_)) => "Maxillary sinuses are not looked for in a single slice",
        (false, None) => "The maxillary sinuses have not been looked for yet",
    };
    ui.weak(text);
    if open.flat().is_some() {
        return;
    }
    let running = state.running(JobKind::Find);
    let hint = keys::hint(&state.settings, "Look for both maxillary sinuses", "find");
    if ui.add_enabled(!running, Button::new("Find")).on_hover_text(hint).clicked() {
        commands.push(Command::Find);
    }
}

fn both_ui(ui: &mut Ui, state: &State, sinuses: &[Sinus; 2], commands: &mut Vec<Command>) {
    orientation_ui(ui, state);
    let free = ui.available_width() - ACTIONS - 3.0 * ui.spacing().item_spacing.x;
    let width = (free / 2.0).clamp(NARROWEST, 720.0);
    // Patient right stands on the left, as in the axial and coronal panes.
    for side in Side::BOTH {
        let size = vec2(width, HEIGHT - 8.0);
        ui.allocate_ui_with_layout(size, Layout::left_to_right(Align::Center), |ui| {
            ui.set_min_size(size);
            card_ui(ui, state, &sinuses[side.index()], width, commands);
        });
    }
    ui.vertical(|ui| {
        ui.spacing_mut().item_spacing.y = 3.0;
        analysis_ui(ui, state, sinuses, commands);
    });
}

/// How much of a card can be written out.
#[derive(Clone, Copy, PartialEq)]
enum Room {
    /// Words are cut short.
    Narrow,
    /// Words without the keys behind them.
    Enough,
    /// All of it.
    Wide,
}

impl Room {
    fn of(width: f32) -> Self {
        match width {
            ..540.0 => Self::Narrow,
            ..632.0 => Self::Enough,
            _ => Self::Wide,
        }
    }

    /// Widths of what stands left of the labels: which sinus, its score, its cavity.
    fn columns(self) -> [f32; 3] {
        match self {
            Self::Narrow => [92.0, 66.0, 66.0],
            Self::Enough => [98.0, 84.0, 92.0],
            Self::Wide => [110.0, 118.0, 98.0],
        }
    }
}

fn orientation_ui(ui: &mut Ui, state: &State) {
    let mirrored = state.view.frame.convention == Convention::Neurological;
    let text = match (orientation_known(state), mirrored) {
        (false, _) => "Left and right of this scan are unknown; sides may be swapped",
        (true, true) => "Patient right is right in the picture, but left here and on the keys",
        (true, false) => return,
    };
    ui.allocate_ui(vec2(150.0, HEIGHT - 8.0), |ui| {
        ui.add(egui::Label::new(RichText::new(text).small().color(theme::of(ui).notice)).wrap());
    });
}

fn card_ui(ui: &mut Ui, state: &State, sinus: &Sinus, width: f32, commands: &mut Vec<Command>) {
    let side = sinus.side;
    let palette = theme::of(ui);
    // The colour of its box in the panes.
    let (mark, _) = ui.allocate_exact_size(vec2(3.0, HEIGHT - 12.0), Sense::hover());
    ui.painter().rect_filled(mark, 1.5, theme::side_colour(side));
    let room = Room::of(width);
    let [which, score, cavity] = room.columns();
    column(ui, which, |ui| {
        let title = RichText::new(format!("patient {}", side.name().to_uppercase())).strong();
        let colour = if state.current == Some(side) { palette.accent } else { palette.strong };
        let title = Button::new(title.color(colour)).frame(false);
        let hint = format!("Centre all panes on the patient's {} sinus", side.name());
        let id = format!("centre {}", side.name());
        if ui.add(title).on_hover_text(keys::hint(&state.settings, &hint, &id)).clicked() {
            commands.push(Command::CentreOn(side));
        }
        let (text, hint) = presence(sinus);
        let sure = if sinus.by_hand() || state.is_blind_to(side) {
            String::new()
        } else {
            format!(". Confidence {:.2}", sinus.confidence)
        };
        let colour = if sinuses::is_unsure(sinus) { palette.notice } else { palette.weak };
        let text = RichText::new(text).small().color(colour);
        ui.add(egui::Label::new(text).truncate()).on_hover_text(format!("{hint}{sure}"));
    });
    column(ui, score, |ui| score_ui(ui, state, sinus, room, commands));
    column(ui, cavity, |ui| cavity_ui(ui, state, sinus, room, commands));
    for label in [Label::Normal, Label::Anomalous, Label::Uncertain] {
        label_ui(ui, state, side, label, room, commands);
    }
    details_ui(ui, state, side, commands);
    if state.details == Some(side) {
        details::ui(ui, state, side, mark.left_top() - vec2(4.0, 6.0), commands);
    }
}

/// What else is said of a sinus, in a word; the way to say it.
fn details_ui(ui: &mut Ui, state: &State, side: Side, commands: &mut Vec<Command>) {
    let reading = state.labels[side.index()].as_ref();
    let text = match reading {
        Some(reading) if reading.label == Label::NotAssessable => "n/a".to_owned(),
        Some(reading) => match (reading.severity, reading.anomaly.is_some() || !reading.note.is_empty()) {
            (Some(severity), _) => format!("{severity} …"),
            (None, true) => "+ …".to_owned(),
            (None, false) => "…".to_owned(),
        },
        None => "…".to_owned(),
    };
    let said = reading.map_or(String::new(), |reading| {
        let parts = [
            Some(reading.label.name().to_owned()),
            reading.anomaly.map(|kind| kind.name().to_owned()),
            reading.severity.map(|severity| format!("severity {severity}, {}", severity_name(severity))),
            reading.confidence.map(|percent| format!("{percent} % sure")),
            Some(reading.note.clone()).filter(|note| !note.is_empty()),
        ];
        format!("\n{}", parts.into_iter().flatten().collect::<Vec<_>>().join(" · "))
    });
    let open = state.details == Some(side);
    let what = format!("Type, severity, note of the patient's {} sinus, or not assessable", side.name());
    let hint = keys::hint(&state.settings, &what, "details") + &said;
    let response = ui.add(Button::selectable(open, text).frame_when_inactive(true)).on_hover_text(&hint);
    let others = state.opinions(side).iter().filter(|(_, said)| *said == Label::NotAssessable);
    dots(ui, response.rect, others.count());
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, open, &what));
    if response.clicked() {
        commands.push(Command::Label(LabelCommand::Details((!open).then_some(side))));
    }
}

fn column(ui: &mut Ui, width: f32, add: impl FnOnce(&mut Ui)) {
    let size = vec2(width, HEIGHT - 14.0);
    ui.allocate_ui_with_layout(size, Layout::top_down(Align::Min), |ui| {
        ui.set_min_size(size);
        ui.spacing_mut().item_spacing.y = 3.0;
        ui.spacing_mut().button_padding = vec2(0.0, 1.0);
        add(ui);
    });
}

/// Whether a sinus was found, in a word, and what to do about it.
fn presence(sinus: &Sinus) -> (&'static str, &'static str) {
    match sinus.present {
        Presence::Complete if sinus.by_hand() => ("placed by hand", "The box was moved by hand"),
        Presence::Complete if sinuses::is_unsure(sinus) => {
            ("check its box", "It may lie elsewhere. Drag the mark in its box's middle to move it")
        }
        Presence::Complete => ("found", "Drag the mark in its box's middle to move it"),
        Presence::Partial if sinuses::is_unsure(sinus) => (
            "partly in view, check",
            "The scan cuts it off, and it may lie elsewhere. Drag the mark in its box's middle to move it",
        ),
        Presence::Partial => {
            ("partly in view", "The scan cuts it off: its score may be off, volumes are of the part in view")
        }
        Presence::Absent => {
            ("not in view", "Nothing to score. Drag the mark in its box's middle onto it if it is there after all")
        }
    }
}

fn score_ui(ui: &mut Ui, state: &State, sinus: &Sinus, room: Room, commands: &mut Vec<Command>) {
    let (side, palette) = (sinus.side, theme::of(ui));
    ui.add_space(3.0);
    if sinus.present == Presence::Absent {
        ui.label(RichText::new("no score").small().color(palette.weak));
        return;
    }
    if state.is_blind_to(side) {
        let hint = "You are reading blind: scores and maps of this sinus show once you have labelled it";
        ui.label(RichText::new("hidden").small().color(palette.weak)).on_hover_text(hint);
        bar_ui(ui, 0.0);
        return;
    }
    let Some(finding) = state.finding(side) else {
        ui.label(RichText::new("no map yet").small().color(palette.weak));
        bar_ui(ui, 0.0);
        return;
    };
    let hint = score_hint(state, finding);
    let percentile = finding.percentile.map_or(String::new(), |p| format!("  P{p:.0}"));
    let residual = |name: &str| format!("{name}{:.3}{percentile}", finding.score);
    let (text, filled) = match (finding.anomaly, room) {
        (Some(anomaly), Room::Narrow) => (format!("{:.0} %", 100.0 * anomaly.probability), anomaly.probability),
        (Some(anomaly), _) => {
            let spread = anomaly.spread.filter(|_| room == Room::Wide);
            let spread = spread.map_or(String::new(), |spread| format!(" ±{:.0}", 100.0 * spread));
            (format!("disease {:.0} %{spread}", 100.0 * anomaly.probability), anomaly.probability)
        }
        (None, Room::Wide) => (residual("residual "), finding.percentile.unwrap_or(0.0) / 100.0),
        (None, _) => (residual(""), finding.percentile.unwrap_or(0.0) / 100.0),
    };
    ui.label(RichText::new(text).small().color(palette.text)).on_hover_text(&hint);
    let bar = bar_ui(ui, filled);
    let name = format!("Score of the patient's {} sinus", side.name());
    bar.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, &name));
    if bar.on_hover_text(hint).clicked() {
        commands.push(Command::CentreOn(side));
    }
}

const NORMAL: &str = "normal synthetic sinuses";

/// What the figures of a sinus mean and where they come from.
fn score_hint(state: &State, finding: &Finding) -> String {
    let digest = |sha256: &str| sha256.get(..12).unwrap_or_default().to_owned();
    let rank = |percentile: Option<f64>, of: &str| match percentile {
        Some(p) => format!("higher than in {p:.0} % of {of}"),
        None => "no normal sinuses to compare with".to_owned(),
    };
    let analysis = state.analysis.as_ref();
    let mut lines = Vec::new();
    if let Some(anomaly) = finding.anomaly {
        let weights = analysis.and_then(|a| a.classifier_sha256.as_deref()).map_or(String::new(), digest);
        let (normal, all) = match analysis {
            Some(analysis) if analysis.fine_tuned => ("the sinuses labelled normal", "the reader's labels"),
            _ => (NORMAL, "synthetic sinuses"),
        };
        let spread = anomaly.spread.map_or(String::new(), |spread| {
            format!(" ± {spread:.2} over {} crops", analysis.map_or(0, |a| a.config.crops))
        });
        lines.push(format!(
            "Probability of disease {:.2}{spread}, {}. Calibrated on {all}; weights {weights}",
            anomaly.probability,
            rank(anomaly.percentile, normal)
        ));
    }
    let weights = analysis.map_or(String::new(), |a| digest(&a.weights_sha256));
    let place = match analysis.map(|analysis| analysis.config.map) {
        Some(MapKind::Cube | MapKind::Paper) => "in the 64 mm box",
        _ => "in the cavity and at its wall",
    };
    lines.push(format!(
        "Residual score {:.4}, {}. Mean of the map {place}; weights {weights}",
        finding.score,
        rank(finding.percentile, finding.normal.as_ref().map_or(NORMAL, |normal| normal.name()))
    ));
    lines.join("\n")
}

/// How large the cavity is, and how much of it is not air. A click colours what was counted, the next one leaves its outline.
fn cavity_ui(ui: &mut Ui, state: &State, sinus: &Sinus, room: Room, commands: &mut Vec<Command>) {
    let palette = theme::of(ui);
    ui.add_space(3.0);
    let Some(cavity) = state.cavity(sinus.side).filter(|_| !state.is_blind_to(sinus.side)) else { return };
    let name = match (room, sinus.present) {
        (Room::Narrow, _) => "",
        (_, Presence::Partial) => "in view ",
        _ => "cavity ",
    };
    let Some(share) = cavity.opacification() else {
        ui.label(RichText::new("no cavity seen").small().color(palette.weak));
        return;
    };
    let opacified = if room == Room::Narrow { "opac." } else { "opacified" };
    let volume = RichText::new(format!("{name}{:.1} mL", cavity.volume_ml)).small().color(palette.text);
    let opacified = RichText::new(format!("{:.0} % {opacified}", 100.0 * share)).small().color(palette.weak);
    let lines = ui.label(volume) | ui.label(opacified);

    let words = CavityFigures::of(Some(cavity)).words(sinus.present).unwrap_or_default();
    let whose = format!("patient's {} sinus", sinus.side.name());
    let hint = format!(
        "Estimate, {whose}: {words}. Opacified is what is not air: swollen lining, cysts, polyps, fluid; a normal lining \
         counts too. Click to colour what was counted"
    );
    let layers = state.layers.list.iter().enumerate();
    let Some((number, layer)) = layers.into_iter().find(|(_, layer)| layer.source == Source::Cavity) else { return };
    let click = ui.interact(lines.rect, Id::unique(("cavity", sinus.side)), Sense::click()).on_hover_text(hint);
    click.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, format!("Colour the cavity of the {whose}")));
    if click.on_hover_cursor(CursorIcon::PointingHand).clicked() {
        let outline = layer.shown && !layer.overlay.outline;
        commands.push(Command::Layer(LayerCommand::Set(number, Overlay { outline, ..layer.overlay })));
        commands.push(Command::Layer(LayerCommand::Show(number, true)));
    }
}

/// A bar that is filled from 0 to 1.
fn bar_ui(ui: &mut Ui, share: f64) -> Response {
    let palette = theme::of(ui);
    let (area, response) = ui.allocate_exact_size(vec2(ui.available_width(), 10.0), Sense::click());
    let bar = Rect::from_center_size(area.center(), vec2(area.width(), 5.0));
    let filled = Rect::from_min_size(bar.min, vec2(bar.width() * share.clamp(0.0, 1.0) as f32, 5.0));
    ui.painter().rect_filled(bar, 2.0, palette.line);
    ui.painter().rect_filled(filled, 2.0, palette.accent);
    response
}

fn label_ui(ui: &mut Ui, state: &State, side: Side, label: Label, room: Room, commands: &mut Vec<Command>) {
    let chosen = state.labels[side.index()].as_ref().is_some_and(|reading| reading.label == label);
    let key = keys::of(&state.settings, keys::label_action(side, label));
    let word = if room == Room::Narrow { label.short() } else { label.name() };
    let button = Button::selectable(chosen, word).frame_when_inactive(true);
    let button = if room == Room::Wide { button.shortcut_text(key) } else { button };
    let hint = format!("Label the patient's {} sinus {} ({key})", side.name(), label.name());
    let others: Vec<&str> =
        state.opinions(side).iter().filter(|(_, said)| *said == label).map(|(rater, _)| rater.as_str()).collect();
    let hint = if others.is_empty() { hint } else { format!("{hint}. So do: {}", others.join(", ")) };
    let response = ui.add(button).on_hover_text(&hint);
    dots(ui, response.rect, others.len());
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, chosen, &hint));
    if response.clicked() {
        commands.push(Command::Label(LabelCommand::Set(side, label)));
    }
}

/// A dot below a button for each of the others who say so.
fn dots(ui: &Ui, button: Rect, count: usize) {
    for number in 0..count.min(MOST_DOTS) {
        let middle = button.left_bottom() + vec2(6.0 + 5.0 * number as f32, 3.5);
        ui.painter().circle_filled(middle, 1.75, theme::of(ui).notice);
    }
}

fn analysis_ui(ui: &mut Ui, state: &State, sinuses: &[Sinus; 2], commands: &mut Vec<Command>) {
    let running = state.running(JobKind::Analyse);
    let nothing = sinuses.iter().all(|sinus| sinus.present == Presence::Absent);
    let button = Button::new("Residual map").fill(theme::of(ui).accent.gamma_multiply(0.3));
    let hint = keys::hint(&state.settings, "Compute the anomaly maps of both sinuses", "analyse");
    let why_not = if nothing { "No sinus is in view" } else { "Being computed" };
    let response = ui.add_enabled(!running && !nothing, button);
    if response.on_hover_text(hint).on_disabled_hover_text(why_not).clicked() {
        commands.push(Command::Analyse);
    }
    ui.menu_button(RichText::new("More").small(), |ui| {
        let again = Button::new("Find again").shortcut_text(keys::of(&state.settings, "find"));
        if ui.add(again).on_hover_text("Look for both anew; boxes moved by hand go").clicked() {
            commands.push(Command::Find);
        }
        let export = Button::new("Export…").shortcut_text(keys::of(&state.settings, "export"));
        let hint = "Write the map and the cavities (NIfTI) with all figures (JSON) into a folder";
        let why_not = "Compute the residual map first";
        let response = ui.add_enabled(state.analysis.is_some(), export);
        if response.on_hover_text(hint).on_disabled_hover_text(why_not).clicked() {
            commands.push(Command::Export);
            ui.close();
        }
        let copies = [
            (
                false,
                "Copy without identity…",
                "Write a copy in which nothing tells whose it is: of DICOM as PS3.15 says",
            ),
            (
                true,
                "Copy without identity and face…",
                "As NIfTI, nose, eyes and chin cut away; the copy is then shown beside",
            ),
        ];
        for (no_face, name, hint) in copies {
            if ui.button(name).on_hover_text(hint).clicked() {
                commands.push(Command::Deidentify(DeidentifyCommand::Ask { no_face }));
                ui.close();
            }
        }
        let mut on_open = state.settings.analyse_on_open;
        if ui
            .checkbox(&mut on_open, "Maps on opening")
            .on_hover_text("Compute maps as soon as sinuses are found")
            .changed()
        {
            commands.push(Command::AnalyseOnOpen(on_open));
        }
        let mut blind = state.settings.blind;
        let hint = "Scores, maps and names stay hidden until a sinus is labelled; recorded with the label";
        let hint = keys::hint(&state.settings, hint, "blind");
        if ui.checkbox(&mut blind, "Blind reading").on_hover_text(hint).changed() {
            commands.push(Command::Label(LabelCommand::Blind(blind)));
        }
        let mut again = state.is_second_reading();
        let hint = "Label the cases once more without seeing what you said; Raters compares the two readings";
        if ui.checkbox(&mut again, "Second reading").on_hover_text(hint).changed() {
            commands.push(Command::Label(LabelCommand::SecondReading(again)));
        }
        ui.weak(format!("Labels by {} in {}", state.rater, state.label_keeper));
    })
    .response
    .on_hover_text("Find the sinuses again, export, maps on opening, blind and second reading, where labels are kept");
}
