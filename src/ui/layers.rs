//! The drawer of the layers: what lies over the picture, the uppermost first, each with its colours and limits; and how a
//! second scan is shown.

use super::{colour_bar, keys, theme};
use crate::app::command::Command;
use crate::app::compare::{CompareCommand, Mode};
use crate::app::layers::{Layer, LayerCommand, Source};
use crate::app::state::{JobKind, State};
use crate::methods::residual::{InferConfig, MapKind};
use crate::view::{ColourMap, Overlay};
use crate::volume::Unit;
use egui::collapsing_header::CollapsingState;
use egui::{Align, Button, ComboBox, DragValue, Id, Layout, RichText, Role, Slider, Ui, WidgetInfo};

pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        ui.label(theme::heading("Overlays"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let hint = "Lay masks or maps from files over the scan, whatever their grid";
            if ui.add_enabled(state.scan.is_some(), Button::new("Add overlay…")).on_hover_text(hint).clicked() {
                commands.push(Command::Layer(LayerCommand::Ask));
            }
        });
    });
    if state.analysis.is_none() {
        let text = match (state.running(JobKind::Analyse), state.sinuses) {
            (true, _) => "The residual map is being computed",
            (false, Some(_)) => "No residual map yet. Compute one with Residual map",
            (false, None) => "No residual map: the sinuses have not been looked for",
        };
        ui.label(RichText::new(text).color(theme::of(ui).weak));
    }
    if state.layers.hidden && !state.layers.list.is_empty() {
        let text = keys::hint(&state.settings, "All overlays are hidden", "overlay");
        ui.label(RichText::new(text).color(theme::of(ui).notice));
    }
    if state.is_blind() {
        let text = "Maps are hidden while you read blind, until both sinuses are labelled";
        ui.label(RichText::new(text).color(theme::of(ui).notice));
    }
    let layers = state.layers.list.iter().enumerate().rev();
    for (number, layer) in layers.filter(|(_, layer)| !(state.is_blind() && layer.is_analysis())) {
        layer_ui(ui, state, number, layer, commands);
    }
    second_ui(ui, state, commands);
}

fn layer_ui(ui: &mut Ui, state: &State, number: usize, layer: &Layer, commands: &mut Vec<Command>) {
    let id = Id::unique(("layer", layer.id));
    // Of the cavities there is seldom anything to choose.
    let open = layer.source != Source::Cavity;
    let header = CollapsingState::load_with_default_open(ui.ctx(), id, open).show_header(ui, |ui| {
        header_ui(ui, state, number, layer, commands);
    });
    header.body(|ui| {
        // Names of widgets are those of several layers.
        ui.push_id(layer.id, |ui| {
            about_ui(ui, layer);
            let after = look_ui(ui, layer);
            if after != layer.overlay {
                commands.push(Command::Layer(LayerCommand::Set(number, after)));
            }
            if layer.source != Source::Second {
                clusters_ui(ui, number, layer, commands);
            }
            if layer.source == Source::Residual {
                making_ui(ui, state, commands);
            }
        });
    });
}

/// Shown or not, the name, and what moves the layer in the list.
fn header_ui(ui: &mut Ui, state: &State, number: usize, layer: &Layer, commands: &mut Vec<Command>) {
    let name = &layer.name;
    let mut shown = layer.shown;
    let shows = ui.checkbox(&mut shown, "");
    shows.widget_info(|| WidgetInfo::selected(Role::CheckBox, true, shown, format!("Show {name}")));
    if shows.on_hover_text(format!("Show {name}")).changed() {
        commands.push(Command::Layer(LayerCommand::Show(number, shown)));
    }
    ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
        let mut button = |ui: &mut Ui, sign: &str, what: &str, enabled: bool, command: LayerCommand| {
            let response = ui
                .add_enabled(enabled, Button::new(RichText::new(sign).monospace()).small().frame_when_inactive(false));
            let text = format!("{what} {name}");
            response.widget_info(|| WidgetInfo::labeled(Role::Button, enabled, &text));
            if response.on_hover_text(text).clicked() {
                commands.push(Command::Layer(command));
            }
        };
        if !layer.is_analysis() {
            button(ui, "×", "Remove", true, LayerCommand::Remove(number));
        }
        if state.layers.list.len() > 1 {
            button(ui, "↓", "Lower", number > 0, LayerCommand::Move(number, -1));
            button(ui, "↑", "Raise", number + 1 < state.layers.list.len(), LayerCommand::Move(number, 1));
        }
        ui.with_layout(Layout::left_to_right(Align::Center), |ui| {
            let title = RichText::new(layer.title(state.settings.shows_names())).color(theme::of(ui).strong);
            ui.add(egui::Label::new(title).truncate());
        });
    });
}

fn about_ui(ui: &mut Ui, layer: &Layer) {
    let text = RichText::new(&layer.unit).small().color(theme::of(ui).weak);
    let label = ui.label(text);
    if let Some(maker) = &layer.maker {
        label.on_hover_text(maker);
        ui.label(RichText::new(maker).small().color(theme::of(ui).weak));
    }
}

/// The colour bar and everything that changes the colours; gives them as they were chosen.
fn look_ui(ui: &mut Ui, layer: &Layer) -> Overlay {
    let mut after = colour_bar::ui(ui, layer);
    let overlay = &layer.overlay;
    let speed = f64::from(layer.range[1] - layer.range[0]) / 400.0;
    ui.columns(3, |columns| {
        let field = |ui: &mut Ui, name: &str, value: &mut f32, range: std::ops::RangeInclusive<f32>| {
            let label = ui.label(RichText::new(name).small().color(theme::of(ui).weak));
            let text = |value: f64, _| colour_bar::number(value as f32, layer.range);
            ui.add(DragValue::new(value).speed(speed).range(range).custom_formatter(text)).labelled_by(label.id);
        };
        let [first, second, third] = columns else { return };
        if overlay.colours != ColourMap::Grey {
            let linked = overlay.low == overlay.threshold;
            field(first, "Threshold", &mut after.threshold, f32::MIN..=f32::MAX);
            if linked && after.threshold != overlay.threshold {
                after.low = after.threshold.min(after.high);
            }
        }
        if overlay.colours != ColourMap::Diverging {
            field(second, "Low", &mut after.low, f32::MIN..=overlay.high);
        }
        let least = if overlay.colours == ColourMap::Diverging { 0.0 } else { overlay.low };
        field(third, "High", &mut after.high, least..=f32::MAX);
    });
    ui.horizontal_wrapped(|ui| {
        let label = ui.label("Opacity");
        ui.spacing_mut().slider_width = 64.0;
        ui.spacing_mut().item_spacing.x = 4.0;
        ui.add(Slider::new(&mut after.opacity, 0.05..=1.0).fixed_decimals(2)).labelled_by(label.id);
        ui.checkbox(&mut after.by_value, "by value").on_hover_text("The higher the value, the more opaque");
        if layer.source != Source::Second {
            let hint = "Only a line around what is visible, on the planes alone";
            ui.checkbox(&mut after.outline, "outline only").on_hover_text(hint);
        }
    });
    ui.horizontal(|ui| {
        let label = ui.label("Colours");
        let chosen = ComboBox::from_id_salt("colours").selected_text(after.colours.name()).show_ui(ui, |ui| {
            for map in ColourMap::ALL {
                ui.selectable_value(&mut after.colours, map, map.name());
            }
        });
        chosen.response.labelled_by(label.id);
    });
    after
}

/// What a residual map can keep.
const KINDS: [(MapKind, &str, &str); 3] = [
    (MapKind::Sinus, "sinus", "The measured cavity and its wall; scores can be compared with normal sinuses"),
    (MapKind::Cube, "whole box", "The same in all of the 64 mm box: nose, orbit, cheek and teeth too"),
    (MapKind::Paper, "paper's", "The whole box, rescaled to its own range, as paper 1 makes what its network learns"),
];

/// How the residual map is made: smoothed or raw, of the sinus or of all around it.
fn making_ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let (median, kind) = (state.settings.map_median, state.settings.map_kind);
    let (mut new_median, mut new_kind) = (median, kind);
    ui.horizontal(|ui| {
        ui.label("Median").on_hover_text("Voxels of the median filter, along each edge of its cube");
        for edge in InferConfig::MEDIANS {
            let name = if edge == 0 { "raw".to_owned() } else { edge.to_string() };
            ui.selectable_value(&mut new_median, edge, name);
        }
    });
    ui.horizontal(|ui| {
        ui.label("Kept");
        for (kind, name, hint) in KINDS {
            ui.selectable_value(&mut new_kind, kind, name).on_hover_text(hint);
        }
    });
    if (new_median, new_kind) != (median, kind) {
        commands.push(Command::Residual(new_median, new_kind));
    }
}

/// The smallest cluster that is shown.
fn clusters_ui(ui: &mut Ui, number: usize, layer: &Layer, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let hint = "Leave out what is visible but smaller than this: voxels that touch by a face, edge or corner are one \
                    cluster. 0 keeps everything";
        let label = ui.label("Clusters from").on_hover_text(hint);
        let mut min_mm3 = layer.min_mm3;
        let field = DragValue::new(&mut min_mm3).speed(2.0).range(0.0..=1e6).max_decimals(0).suffix(" mm³");
        if ui.add(field).labelled_by(label.id).on_hover_text(hint).changed() {
            commands.push(Command::Layer(LayerCommand::Sift(number, min_mm3)));
        }
        if let Some(sifted) = layer.sifted.as_ref().filter(|_| layer.min_mm3 > 0.0) {
            let text = format!("{} of {} shown", sifted.kept, sifted.clusters);
            ui.label(RichText::new(text).small().color(theme::of(ui).weak));
        }
    });
    if layer.volume.unit == Unit::Label {
        let text = "A mask: its values are numbers of classes";
        ui.label(RichText::new(text).small().color(theme::of(ui).weak));
    }
}

/// How the second scan is shown, or how to get one.
fn second_ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    ui.add_space(4.0);
    ui.separator();
    ui.horizontal(|ui| {
        ui.label(theme::heading("Second scan"));
        ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
            let hint = "Open a scan beside or over this one, at the same place of the world";
            if state.compare.second.is_some() {
                if ui.button("Stop comparing").clicked() {
                    commands.push(Command::Compare(CompareCommand::Stop));
                }
            } else if ui.add_enabled(state.scan.is_some(), Button::new("Compare with…")).on_hover_text(hint).clicked()
            {
                commands.push(Command::Compare(CompareCommand::Ask));
            }
        });
    });
    let Some(second) = &state.compare.second else { return };
    ui.horizontal(|ui| {
        for mode in Mode::ALL {
            if ui.selectable_label(state.compare.mode == mode, mode.name()).clicked() {
                commands.push(Command::Compare(CompareCommand::Mode(mode)));
            }
        }
        ui.menu_button("Window", |ui| {
            for (name, window) in &second.open.windows {
                if ui.selectable_label(*window == second.window, name).clicked() {
                    commands.push(Command::Compare(CompareCommand::SetWindow(window.clone())));
                    ui.close();
                }
            }
        })
        .response
        .on_hover_text("Grey-scale window of the second scan");
    });
    if let Some(function) = state.left_out_of_blend() {
        let text = format!("Blended, its greys rise evenly: the {function} of its window is left out");
        ui.label(RichText::new(text).small().color(theme::of(ui).notice));
    }
}
