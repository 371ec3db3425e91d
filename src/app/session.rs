//! What a reader finds again when a case is opened again: where he looked, its window, the colours of its layers, and
//! the boxes he placed by hand.
//!
//! [`State::saved`] is a snapshot; the runner keeps it in the project when it has changed. It comes back right after the
//! scan. What a snapshot lacks, or what another version of the program wrote differently, stays as on opening.

use super::layers::Layer;
use super::state::{JobKind, Layout, Pane, PaneView, State};
use super::volume::{OrbitView, VolumeLook};
use crate::methods::sinus::{Presence, Sinus};
use crate::space::Side;
use crate::view::{Interpolation, Overlay, Slab, Window};
use glam::{DQuat, DVec3};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// How a reader looks at a case. Which way round the planes are shown is no part of it: that belongs to the reader, and
/// must not change from case to case.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Saved {
    #[serde(deserialize_with = "if_readable")]
    cross_mm: Option<DVec3>,
    #[serde(deserialize_with = "if_readable")]
    turn: Option<DQuat>,
    #[serde(deserialize_with = "if_readable")]
    roll: Option<[f64; 3]>,
    #[serde(deserialize_with = "if_readable")]
    planes: Option<[PaneView; 3]>,
    #[serde(deserialize_with = "if_readable")]
    orbit: Option<OrbitView>,
    #[serde(deserialize_with = "if_readable")]
    volume: Option<VolumeLook>,
    #[serde(deserialize_with = "if_readable")]
    window: Option<Window>,
    #[serde(deserialize_with = "if_readable")]
    interpolation: Option<Interpolation>,
    #[serde(deserialize_with = "if_readable")]
    slab: Option<Slab>,
    #[serde(deserialize_with = "if_readable")]
    layout: Option<[Layout; 2]>,
    #[serde(deserialize_with = "if_readable")]
    focus: Option<Pane>,
    #[serde(deserialize_with = "if_readable")]
    show_cross: Option<bool>,
    #[serde(deserialize_with = "if_readable")]
    show_boxes: Option<bool>,
    #[serde(deserialize_with = "if_readable")]
    layers_hidden: Option<bool>,
    #[serde(deserialize_with = "if_readable")]
    layers: Option<Vec<SavedLayer>>,
    /// Whether a score of a sinus was on screen, by [`Side::index`].
    #[serde(deserialize_with = "if_readable")]
    ai_seen: Option<[bool; 2]>,
    /// Centres of the boxes placed by hand, by [`Side::index`], in world mm.
    #[serde(deserialize_with = "if_readable")]
    boxes_mm: Option<[Option<DVec3>; 2]>,
}

/// How a layer was shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct SavedLayer {
    name: String,
    shown: bool,
    overlay: Overlay,
    #[serde(default)]
    min_mm3: f64,
}

impl SavedLayer {
    fn of(layer: &Layer) -> Self {
        let Layer { ref name, shown, overlay, min_mm3, .. } = *layer;
        Self { name: name.clone(), shown, overlay, min_mm3 }
    }
}

/// A field, or nothing where it cannot be understood: the others are of use all the same.
fn if_readable<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    let value = serde_json::Value::deserialize(deserializer)?;
    Ok(serde_json::from_value(value).ok())
}

/// What of the remembered is still to come into effect.
#[derive(Clone, Debug, Default)]
pub(super) struct Session {
    /// A scan was just opened: what is remembered of it may come.
    pub awaited: bool,
    /// The reader is where he was: finding the sinuses does not take him elsewhere.
    pub restored: bool,
    /// Centres of boxes placed by hand, until the sinuses are looked for.
    boxes_mm: [Option<DVec3>; 2],
    /// Layers that are not there yet.
    layers: Vec<SavedLayer>,
}

impl Session {
    /// Of a scan that was opened anew.
    pub fn of_new_scan() -> Self {
        Self { awaited: true, ..Self::default() }
    }

    /// Shows a layer that has come as it was shown before; from then on it is as the reader leaves it.
    pub fn dress(&mut self, layer: &mut Layer) {
        if let Some(place) = self.layers.iter().position(|saved| saved.name == layer.name) {
            let SavedLayer { shown, overlay, min_mm3, .. } = self.layers.remove(place);
            (layer.shown, layer.overlay, layer.min_mm3) = (shown, overlay, min_mm3);
        }
    }

    /// Remembers how a layer is shown until it comes again.
    pub fn put_aside(&mut self, layer: &Layer) {
        self.layers.retain(|saved| saved.name != layer.name);
        self.layers.push(SavedLayer::of(layer));
    }
}

impl Saved {
    /// Reads what [`Saved::to_json`] wrote; of damaged text nothing.
    #[must_use]
    pub fn from_json(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_default()
    }

    /// Centres of the boxes placed by hand in world mm, by [`Side::index`].
    #[must_use]
    pub fn boxes_mm(&self) -> [Option<DVec3>; 2] {
        self.boxes_mm.unwrap_or_default()
    }

    /// The text for the project.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn to_json(&self) -> serde_json::Result<String> {
        serde_json::to_string(self)
    }
}

impl State {
    /// How the reader looks at the open case; none while it is still being arranged.
    #[must_use]
    pub fn saved(&self) -> Option<Saved> {
        if self.scan.is_none() || self.running(JobKind::Find) {
            return None;
        }
        let view = &self.view;
        let list = &self.layers.list;
        let away = |saved: &&SavedLayer| !list.iter().any(|layer| layer.name == saved.name);
        let away = self.session.layers.iter().filter(away).cloned();
        let by_hand = |sinus: &Sinus| sinus.confidence >= 1.0 && sinus.present != Presence::Absent;
        Some(Saved {
            cross_mm: Some(view.cross_mm),
            turn: Some(view.frame.turn),
            roll: Some(view.frame.roll),
            planes: Some(view.planes),
            orbit: Some(view.orbit),
            volume: Some(view.volume),
            window: Some(view.window.clone()),
            interpolation: Some(view.interpolation),
            slab: Some(view.slab),
            layout: Some([view.layout, view.layout_before]),
            focus: Some(view.focus),
            show_cross: Some(view.show_cross),
            show_boxes: Some(view.show_boxes),
            layers_hidden: Some(self.layers.hidden),
            layers: Some(list.iter().map(SavedLayer::of).chain(away).collect()),
            ai_seen: Some(self.ai_seen),
            boxes_mm: Some(match self.sinuses {
                Some(sinuses) => sinuses.map(|sinus| by_hand(&sinus).then_some(sinus.centre_mm)),
                None => self.session.boxes_mm,
            }),
        })
    }

    /// Arranges everything as it was when the case was last open, if it was just opened.
    pub(super) fn restore(&mut self, saved: &Saved) {
        if !std::mem::take(&mut self.session.awaited) {
            return;
        }
        let view = &mut self.view;
        let possible = |zoom: f64| (0.2..=40.0).contains(&zoom);
        if let Some(planes) = saved.planes.filter(|planes| planes.iter().all(|pane| possible(pane.zoom))) {
            view.planes = planes;
        }
        if let Some(turn) = saved.turn.filter(|turn| turn.is_normalized()) {
            view.frame = view.frame.aligned(turn);
            view.frame.roll = saved.roll.filter(|roll| roll.iter().all(|r| r.is_finite())).unwrap_or_default();
        }
        if let Some(orbit) = saved.orbit.filter(|orbit| possible(orbit.zoom)) {
            view.orbit = orbit;
        }
        let contrast = self.scan.as_ref().map(|open| open.contrast);
        if let Some(volume) = saved.volume.filter(|volume| contrast.is_some_and(|contrast| volume.suits(&contrast))) {
            view.volume = volume;
        }
        if let Some(window) = saved.window.clone().filter(|window| window.width > 0.0) {
            view.window = window;
        }
        view.interpolation = saved.interpolation.unwrap_or(view.interpolation);
        view.slab = saved.slab.filter(|slab| slab.thickness_mm >= 0.0).unwrap_or(view.slab);
        [view.layout, view.layout_before] = saved.layout.unwrap_or([view.layout, view.layout_before]);
        view.focus = saved.focus.unwrap_or(view.focus);
        view.show_cross = saved.show_cross.unwrap_or(view.show_cross);
        view.show_boxes = saved.show_boxes.unwrap_or(view.show_boxes);
        self.layers.hidden = saved.layers_hidden.unwrap_or(self.layers.hidden);
        // Layers that are here already, over another scan of the same patient, are as the reader has just left them.
        self.session.layers = saved.layers.clone().unwrap_or_default();
        self.session.boxes_mm = saved.boxes_mm.unwrap_or_default();
        // What was seen once is not unseen by closing the scan.
        for (seen, before) in self.ai_seen.iter_mut().zip(saved.ai_seen.unwrap_or_default()) {
            *seen |= before;
        }
        if let Some(cross_mm) = saved.cross_mm {
            self.move_cross(cross_mm);
            self.session.restored = true;
        }
    }

    /// The sinuses that were found, those that the reader had placed in their place.
    pub(super) fn restore_boxes(&mut self, mut sinuses: [Sinus; 2]) -> [Sinus; 2] {
        let boxes_mm = std::mem::take(&mut self.session.boxes_mm);
        if let Some(open) = &self.scan {
            for side in Side::BOTH {
                if let Some(centre_mm) = boxes_mm[side.index()] {
                    sinuses[side.index()] = Sinus::placed(side, centre_mm, &open.scan.volume.grid);
                }
            }
        }
        sinuses
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::Command;
    use crate::app::command::{Effect, Opened};
    use crate::app::layers::{LayerCommand, LayerEffect, Source};
    use crate::app::report::Analysis;
    use crate::app::testing::{self, scan};
    use crate::app::volume::{Cutting, VolumeCommand};
    use crate::space::Plane;
    use crate::view::{Convention, Mode, SlabMode};
    use std::sync::Arc;

    fn opened() -> State {
        let mut state = State::default();
        open(&mut state);
        state
    }

    fn open(state: &mut State) {
        let opened = Opened { scan: Arc::new(scan([100, 90, 80])), origin: None, labels: [None, None] };
        state.apply(Command::Opened(opened));
    }

    fn found(state: &State) -> Command {
        let grid = state.volume().unwrap().grid;
        let found = |side: Side| Sinus {
            confidence: 0.8,
            ..Sinus::placed(side, DVec3::new(25.0 * side.sign(), 30.0, -20.0), &grid)
        };
        Command::Found([Side::Left, Side::Right].map(found))
    }

    /// A state in which everything that is remembered differs from how a scan opens.
    fn arranged() -> State {
        let mut state = opened();
        state.apply(found(&state));
        let before = state.sinuses.unwrap()[Side::Right.index()];
        state.apply(Command::MoveBox(Side::Right, DVec3::new(31.0, 28.0, -18.0)));
        state.apply(Command::DropBox(before));
        for command in [
            Command::CrossTo(DVec3::new(-12.0, 7.0, 3.0)),
            Command::Turn(Plane::Axial, 0.25),
            Command::Zoom(Plane::Coronal, 3.0, DVec3::new(4.0, 0.0, 4.0)),
            Command::Volume(VolumeCommand::Turn(0.4, 0.2)),
            Command::Volume(VolumeCommand::Zoom(2.0, DVec3::ZERO)),
            Command::Volume(VolumeCommand::Mode(Mode::Mip)),
            Command::Volume(VolumeCommand::Cut(Plane::Axial, Cutting::Behind)),
            Command::SetWindow(Window::linear(40.0, 80.0)),
            Command::Interpolate(Interpolation::Nearest),
            Command::SetSlab(Slab { mode: SlabMode::Max, thickness_mm: 12.0 }),
            Command::ToggleSingle(Pane::Volume),
            Command::ToggleCross,
            Command::ToggleBoxes,
            Command::Layer(LayerCommand::ToggleAll),
        ] {
            state.apply(command);
        }
        state
    }

    fn restore(state: &mut State, text: &str) {
        state.apply(Command::Restore(Arc::new(Saved::from_json(text))));
    }

    #[test]
    fn a_case_that_is_opened_again_looks_as_it_was_left() {
        let saved = arranged().saved().unwrap();
        let text = saved.to_json().unwrap();
        let mut state = opened();
        restore(&mut state, &text);
        state.apply(found(&state));
        assert_eq!(state.saved(), Some(saved), "all of it: {text}");
        assert_eq!(state.view.cross_mm, DVec3::new(-12.0, 7.0, 3.0), "finding does not move the reader");
        let [left, right] = state.sinuses.unwrap();
        assert_eq!((right.centre_mm, right.confidence), (DVec3::new(31.0, 28.0, -18.0), 1.0), "placed by hand");
        assert_eq!(left.confidence, 0.8, "found anew");

        // Looking for them again forgets what was placed, and goes there.
        state.apply(found(&state));
        assert_eq!(state.sinuses.unwrap()[Side::Right.index()].confidence, 0.8);
        assert_eq!(state.view.cross_mm.z, -20.0);
    }

    #[test]
    fn the_convention_belongs_to_the_reader() {
        let text = arranged().saved().unwrap().to_json().unwrap();
        let mut state = opened();
        state.apply(Command::ToggleConvention);
        restore(&mut state, &text);
        assert_eq!(state.view.frame.convention, Convention::Neurological);
        assert!(state.view.frame.is_oblique());
    }

    #[test]
    fn damaged_or_foreign_text_leaves_everything_as_on_opening() {
        let before = opened().saved();
        for text in [
            "",
            "not JSON",
            "[1, 2]",
            "{}",
            r#"{"window": 7, "slab": {"mode": "Median", "thickness_mm": 3}, "later": {"a": 1}}"#,
            r#"{"turn": [0, 0, 0, 0], "planes": [{"centre_mm": [0, 0, 0], "zoom": 0}], "layers": "all"}"#,
        ] {
            let mut state = opened();
            restore(&mut state, text);
            assert_eq!(state.saved(), before, "{text}");
        }
        // What is understood among it counts.
        let mut state = opened();
        restore(&mut state, r#"{"window": 7, "cross_mm": [5, 6, 7], "slab": null}"#);
        assert_eq!(state.view.cross_mm, DVec3::new(5.0, 6.0, 7.0));
    }

    #[test]
    fn a_layer_that_comes_later_gets_its_colours_then() {
        let overlay = Overlay { opacity: 0.3, ..Overlay::default() };
        let layers = vec![SavedLayer { name: "residual".to_owned(), shown: false, overlay, min_mm3: 40.0 }];
        let text = Saved { layers: Some(layers), ..Saved::default() }.to_json().unwrap();
        let mut state = opened();
        restore(&mut state, &text);
        assert!(state.layers.list.is_empty());
        let text = state.saved().unwrap().to_json().unwrap();
        assert!(text.contains("residual"), "it is not forgotten before it comes: {text}");
        analysed(&mut state);
        let layer = &state.layers.list[0];
        assert_eq!((layer.shown, layer.overlay, layer.min_mm3), (false, overlay, 40.0));

        // A map of a moved box is shown as the one before, now and after opening again.
        state.apply(Command::Layer(LayerCommand::Set(0, Overlay { opacity: 0.7, ..overlay })));
        state.set_analysis(None);
        let saved = state.saved().unwrap();
        assert_eq!(saved.layers.unwrap().len(), 1);
        analysed(&mut state);
        assert_eq!((state.layers.list[0].shown, state.layers.list[0].overlay.opacity), (false, 0.7));
    }

    fn analysed(state: &mut State) {
        let scan = Arc::clone(&state.scan.as_ref().unwrap().scan);
        let analysis = Analysis { cavity_map: None, ..testing::analysis(&scan, [DVec3::NEG_X, DVec3::X]) };
        state.set_analysis(Some(Arc::new(analysis)));
    }

    #[test]
    fn a_layer_from_a_file_is_found_as_it_was_left_and_then_belongs_to_the_reader() {
        let add = |state: &mut State| {
            let volume = Arc::clone(state.volume().unwrap());
            let layer = Layer::new(Source::File, "map", volume, Overlay::default());
            let patient = state.layers.patient;
            state.apply(Command::Layer(LayerCommand::Opened(patient, vec![layer])))
        };
        let mut state = opened();
        add(&mut state);
        let overlay = Overlay { opacity: 0.3, ..Overlay::default() };
        state.apply(Command::Layer(LayerCommand::Set(0, overlay)));
        state.apply(Command::Layer(LayerCommand::Sift(0, 40.0)));
        let saved = state.saved().unwrap();

        let mut state = opened();
        restore(&mut state, &saved.to_json().unwrap());
        assert!(matches!(add(&mut state)[..], [Effect::Layer(LayerEffect::Sift(_))]), "its clusters are left out anew");
        assert_eq!((state.layers.list[0].overlay, state.layers.list[0].min_mm3), (overlay, 40.0));
        assert_eq!(state.saved().unwrap().layers, saved.layers, "once");

        let chosen = Overlay { opacity: 0.9, ..overlay };
        state.apply(Command::Layer(LayerCommand::Set(0, chosen)));
        analysed(&mut state);
        assert_eq!(state.layers.list[0].overlay, chosen, "what comes later does not undo the choice");
    }

    #[test]
    fn only_a_scan_that_was_just_opened_is_rearranged() {
        let text = arranged().saved().unwrap().to_json().unwrap();
        let mut state = opened();
        restore(&mut state, &text);
        state.apply(Command::CrossTo(DVec3::ZERO));
        restore(&mut state, &text);
        assert_eq!(state.view.cross_mm, DVec3::ZERO);
        open(&mut state);
        restore(&mut state, &text);
        assert_eq!(state.view.cross_mm, DVec3::new(-12.0, 7.0, 3.0));
    }
}
