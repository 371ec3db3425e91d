//! What lies over the picture: anomaly maps, each with its colours.

use super::command::Effect;
use super::report::Analysis;
use super::state::State;
use crate::image::render;
use crate::view::Overlay;
use crate::volume::Volume;
use std::sync::Arc;

/// The layers over the picture.
#[derive(Clone, Debug, Default)]
pub struct Layers {
    /// From the lowest to the highest.
    pub list: Vec<Layer>,
    /// All switched off by the user.
    pub hidden: bool,
    /// All hidden only while a key is held.
    pub peek: bool,
    /// How the next residual map is coloured: as the last one was.
    residual: Overlay,
}

/// One layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Where it came from.
    pub source: Source,
    /// What it is called on screen.
    pub name: String,
    /// What its values mean.
    pub unit: String,
    /// Its values.
    pub volume: Arc<Volume>,
    /// Its colours.
    pub overlay: Overlay,
    /// Switched on.
    pub shown: bool,
}

/// Where a layer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The residual maps of both sinuses.
    Residual,
}

/// A wish about layers; they are counted from the lowest, 0.
#[derive(Clone, Debug, PartialEq)]
pub enum LayerCommand {
    /// Change how one is coloured.
    Set(usize, Overlay),
    /// Switch one on or off.
    Show(usize, bool),
    /// Make all more or less opaque.
    Opacity(f32),
    /// Switch all off or on.
    ToggleAll,
    /// Hide all while true.
    Peek(bool),
}

impl State {
    pub(super) fn layer(&mut self, command: &LayerCommand) -> Vec<Effect> {
        let layers = &mut self.layers;
        match *command {
            LayerCommand::Set(number, overlay) => {
                if let Some(layer) = layers.list.get_mut(number) {
                    layer.overlay = overlay;
                    if layer.source == Source::Residual {
                        layers.residual = overlay;
                    }
                }
            }
            LayerCommand::Show(number, shown) => {
                if let Some(layer) = layers.list.get_mut(number) {
                    layer.shown = shown;
                }
            }
            LayerCommand::Opacity(by) => {
                for layer in &mut layers.list {
                    layer.overlay.opacity = (layer.overlay.opacity + by).clamp(0.05, 1.0);
                }
            }
            LayerCommand::ToggleAll => layers.hidden = !layers.hidden,
            LayerCommand::Peek(hide) => layers.peek = hide,
        }
        Vec::new()
    }

    /// Takes an analysis and lays its map over the picture, or takes both away.
    pub(super) fn set_analysis(&mut self, analysis: Option<Arc<Analysis>>) {
        let layers = &mut self.layers;
        layers.list.retain(|layer| layer.source != Source::Residual);
        let map = analysis.as_ref().and_then(|analysis| analysis.shown.clone());
        layers.list.extend(map.map(|volume| Layer {
            source: Source::Residual,
            name: "residual".to_owned(),
            unit: "share of the crop's intensity range".to_owned(),
            volume,
            overlay: layers.residual,
            shown: true,
        }));
        self.analysis = analysis;
        self.restore_layers();
    }

    /// The layers as the panes should draw them now.
    #[must_use]
    pub fn visible_layers(&self) -> Vec<render::Layer> {
        let Layers { list, hidden, peek, .. } = &self.layers;
        let shown = list.iter().filter(|layer| layer.shown && !hidden && !peek);
        shown.map(|layer| render::Layer { volume: Arc::clone(&layer.volume), overlay: layer.overlay }).collect()
    }
}
