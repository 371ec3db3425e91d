//! The drawer of what lies over the picture: colours, limits and opacity of the map.

use super::{colour_bar, theme};
use crate::app::command::Command;
use crate::app::layers::LayerCommand;
use crate::app::state::{JobKind, State};
use crate::view::{ColourMap, Overlay};
use egui::{ComboBox, RichText, Slider, Ui};

pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    if state.analysis.is_none() {
        let text = match (state.running(JobKind::Analyse), state.sinuses) {
            (true, _) => "The map is being computed",
            (false, Some(_)) => "No map yet. Compute one with Residual map",
            (false, None) => "No map: the sinuses have not been looked for",
        };
        ui.weak(text);
        return;
    }
    let Some(layer) = state.layers.list.first() else { return };
    let now = layer.overlay;
    let mut new = now;
    ui.label(RichText::new(format!("{}, {}", layer.name, layer.unit)).small().color(theme::of(ui).weak));
    colour_bar::ui(ui, &mut new);
    ui.horizontal(|ui| {
        let label = ui.label("Opacity");
        ui.add(Slider::new(&mut new.opacity, 0.05..=1.0).fixed_decimals(2)).labelled_by(label.id);
    });
    ui.horizontal(|ui| {
        let label = ui.label("Threshold");
        ui.add(Slider::new(&mut new.threshold, 0.0..=0.95).fixed_decimals(2)).labelled_by(label.id);
    });
    ui.horizontal(|ui| {
        let label = ui.label("Colours");
        let chosen = ComboBox::from_id_salt("colours").selected_text(new.colours.name()).show_ui(ui, |ui| {
            for map in ColourMap::ALL {
                ui.selectable_value(&mut new.colours, map, map.name());
            }
        });
        chosen.response.labelled_by(label.id);
    });
    if new != now {
        let overlay = Overlay { low: new.threshold, high: new.high.max(new.threshold + 0.02), ..new };
        commands.push(Command::Layer(LayerCommand::Set(0, overlay)));
    }
}
