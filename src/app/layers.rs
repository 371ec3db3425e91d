//! What lies over the picture: anomaly maps, masks and maps from files, a second scan; each with its own colours.

use super::checks;
use super::command::{Effect, Wanted};
use super::load::{Origin, Target};
use super::message::Message;
use super::report::Analysis;
use super::state::State;
use crate::image::components::Sifted;
use crate::image::render;
use crate::methods::Normals;
use crate::methods::residual::MapKind;
use crate::methods::sinus::Cavity;
use crate::view::{ColourMap, Overlay, RaycastView};
use crate::volume::Volume;
use std::path::PathBuf;
use std::sync::Arc;

/// The layers over the picture.
#[derive(Clone, Debug)]
pub struct Layers {
    /// From the lowest to the highest.
    pub list: Vec<Layer>,
    /// All switched off by the user.
    pub hidden: bool,
    /// All hidden only while a key is held.
    pub peek: bool,
    /// How the next residual map is looked at: as the last one was.
    residual: Look,
    /// The same of the next cavities.
    cavity: Look,
    /// The same of the next map of what a classifier looked at.
    why: Look,
    /// How many layers there have been.
    count: u64,
    /// Counts the patients: what was asked for over a former one must not land on this one.
    pub(super) patient: u64,
}

impl Default for Layers {
    fn default() -> Self {
        let (residual, cavity, why) = (Look::default(), Look::of_cavities(), Look::of_why());
        Self { list: Vec::new(), hidden: false, peek: false, residual, cavity, why, count: 0, patient: 0 }
    }
}

impl Layers {
    /// How the next layer of such a source is looked at; those of files are as they come.
    fn next_look(&mut self, source: Source) -> Option<&mut Look> {
        match source {
            Source::Residual => Some(&mut self.residual),
            Source::Cavity => Some(&mut self.cavity),
            Source::Why => Some(&mut self.why),
            Source::File | Source::Second => None,
        }
    }
}

/// One layer.
#[derive(Clone, Debug)]
pub struct Layer {
    /// Tells it from the others, whatever their order.
    pub id: u64,
    /// Where it came from.
    pub source: Source,
    /// What it is called on screen; never a file's name.
    pub name: String,
    /// The file's name, for those who may see it.
    pub file: Option<String>,
    /// What its values mean.
    pub unit: String,
    /// What made it, where that is known: the method's weights.
    pub maker: Option<String>,
    /// Its values as they came.
    pub volume: Arc<Volume>,
    /// Whether its file says how it lies in the patient.
    pub oriented: bool,
    /// DICOM's frame of reference UID, where there is one.
    pub frame_of_reference: Option<String>,
    /// Its colours.
    pub overlay: Overlay,
    /// The values at the ends of its colour bar.
    pub range: [f32; 2],
    /// Values that tell how usual others are, and of which sinuses they are.
    pub normal: Option<Arc<Normals>>,
    /// Clusters smaller than this are left out; 0 keeps all.
    pub min_mm3: f64,
    /// Its values without small clusters, once they are computed.
    pub sifted: Option<Sifted>,
    /// Switched on.
    pub shown: bool,
}

/// Where a layer came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The residual maps of both sinuses.
    Residual,
    /// The cavities of both sinuses: air and what is not.
    Cavity,
    /// What the classifier looked at in both sinuses.
    Why,
    /// A file: a mask or a map.
    File,
    /// The second scan, blended over the first.
    Second,
}

/// What the reader chose for a layer.
#[derive(Clone, Copy, Debug)]
struct Look {
    overlay: Overlay,
    min_mm3: f64,
    shown: bool,
}

impl Default for Look {
    fn default() -> Self {
        Self { overlay: Overlay::default(), min_mm3: 0.0, shown: true }
    }
}

impl Look {
    /// A thin line around the sinuses: what is inside belongs to the picture and to the residual map.
    fn of_cavities() -> Self {
        let overlay = Overlay {
            colours: ColourMap::Cividis,
            opacity: 0.45,
            threshold: 0.5,
            low: 0.0,
            high: f32::from(Cavity::CONTENT),
            outline: true,
            ..Overlay::default()
        };
        Self { overlay, ..Self::default() }
    }

    /// Off until the reader asks why: the map is coarse and would hide the residual map.
    fn of_why() -> Self {
        let overlay = Overlay { colours: ColourMap::Viridis, threshold: 0.3, ..Overlay::default() };
        Self { overlay, shown: false, ..Self::default() }
    }

    fn of(layer: &Layer) -> Self {
        let Layer { overlay, min_mm3, shown, .. } = *layer;
        Self { overlay, min_mm3, shown }
    }
}

/// A wish about layers; they are counted from the lowest, 0.
#[derive(Clone, Debug)]
pub enum LayerCommand {
    /// Change how one is coloured.
    Set(usize, Overlay),
    /// Switch one on or off.
    Show(usize, bool),
    /// Leave out its clusters smaller than so many mm³.
    Sift(usize, f64),
    /// Move one up by so many places.
    Move(usize, isize),
    /// Take one away.
    Remove(usize),
    /// Make all more or less opaque.
    Opacity(f32),
    /// Switch all off or on.
    ToggleAll,
    /// Hide all while true.
    Peek(bool),
    /// Ask for files to lay over the picture.
    Ask,
    /// Lay files over the picture.
    Open(Vec<PathBuf>),
    /// Lay a series of the list over the picture.
    OpenSeries(usize),
    /// Files were read for the patient of this number.
    Opened(u64, Vec<Layer>),
    /// Small clusters were left out.
    Sifted(Sieve, Sifted),
}

/// What layers need the outside for.
#[derive(Clone, Debug)]
pub enum LayerEffect {
    /// Read layers for the patient of this number.
    Open(u64, Vec<Target>),
    /// Read a second scan for the patient of this number.
    OpenSecond(u64, Target),
    /// Leave out small clusters, in place of what is being done for the same layer.
    Sift(Sieve),
}

/// Which clusters of which layer are to be left out.
#[derive(Clone, Debug)]
pub struct Sieve {
    /// [`Layer::id`].
    pub layer: u64,
    /// Its values.
    pub volume: Arc<Volume>,
    /// Which of them can be seen.
    pub overlay: Overlay,
    /// The smallest cluster that stays.
    pub min_mm3: f64,
}

impl Layer {
    /// A layer that came from elsewhere; it gets its number when it is laid over the picture.
    pub(super) fn new(source: Source, name: impl Into<String>, volume: Arc<Volume>, overlay: Overlay) -> Self {
        Self {
            id: 0,
            source,
            name: name.into(),
            file: None,
            unit: volume.unit.symbol().to_owned(),
            maker: None,
            volume,
            oriented: true,
            frame_of_reference: None,
            overlay,
            range: [0.0, 1.0],
            normal: None,
            min_mm3: 0.0,
            sifted: None,
            shown: true,
        }
    }

    /// Whether it is part of an analysis: it comes and goes with it.
    #[must_use]
    pub fn is_analysis(&self) -> bool {
        matches!(self.source, Source::Residual | Source::Cavity | Source::Why)
    }

    /// The name, or that of its file where it may be shown.
    #[must_use]
    pub fn title(&self, show_paths: bool) -> &str {
        self.file.as_deref().filter(|_| show_paths).unwrap_or(&self.name)
    }

    /// The values that are drawn.
    #[must_use]
    pub fn drawn(&self) -> &Arc<Volume> {
        self.sifted.as_ref().map_or(&self.volume, |sifted| &sifted.volume)
    }

    fn to_draw(&self) -> render::Layer {
        render::Layer { volume: Arc::clone(self.drawn()), overlay: self.overlay }
    }

    fn sieve(&self) -> Sieve {
        let Self { id, ref volume, overlay, min_mm3, .. } = *self;
        Sieve { layer: id, volume: Arc::clone(volume), overlay, min_mm3 }
    }
}

impl Sieve {
    /// Whether both leave the same.
    fn is(&self, other: &Self) -> bool {
        let kind = |sieve: &Self| match sieve.overlay.colours {
            ColourMap::Diverging => 0,
            ColourMap::Grey => 1,
            _ => 2,
        };
        self.min_mm3 == other.min_mm3
            && self.overlay.threshold == other.overlay.threshold
            && kind(self) == kind(other)
            && Arc::ptr_eq(&self.volume, &other.volume)
    }
}

impl State {
    pub(super) fn layer(&mut self, command: LayerCommand) -> Vec<Effect> {
        let layers = &mut self.layers;
        match command {
            LayerCommand::Set(number, overlay) => return self.set_overlay(number, overlay),
            LayerCommand::Sift(number, min_mm3) => return self.sift(number, min_mm3),
            LayerCommand::Show(number, shown) => {
                if let Some(layer) = layers.list.get_mut(number) {
                    layer.shown = shown;
                    let source = layer.source;
                    // The next residual map is always shown: it was asked for.
                    if let Some(look) = layers.next_look(source).filter(|_| source != Source::Residual) {
                        look.shown = shown;
                    }
                }
            }
            LayerCommand::Move(number, by) => {
                if let Some(to) = number.checked_add_signed(by).filter(|to| (*to).max(number) < layers.list.len()) {
                    let layer = layers.list.remove(number);
                    layers.list.insert(to, layer);
                }
            }
            LayerCommand::Remove(number) => match layers.list.get(number).map(|layer| layer.source) {
                Some(Source::File) => drop(layers.list.remove(number)),
                Some(Source::Second) => self.stop_comparing(),
                Some(Source::Residual | Source::Cavity | Source::Why) | None => {}
            },
            LayerCommand::Opacity(by) => {
                for layer in &mut layers.list {
                    layer.overlay.opacity = (layer.overlay.opacity + by).clamp(0.05, 1.0);
                }
            }
            LayerCommand::ToggleAll => layers.hidden = !layers.hidden,
            LayerCommand::Peek(hide) => layers.peek = hide,
            LayerCommand::Ask if self.scan.is_some() => return vec![Effect::Ask(Wanted::Overlay)],
            LayerCommand::Open(paths) if self.scan.is_some() => {
                let targets = paths.into_iter().map(|path| Target::Paths(vec![path])).collect();
                return vec![Effect::Layer(LayerEffect::Open(self.layers.patient, targets))];
            }
            LayerCommand::OpenSeries(series) => {
                let targets = self.target(series).into_iter().collect::<Vec<_>>();
                if !targets.is_empty() {
                    return vec![Effect::Layer(LayerEffect::Open(self.layers.patient, targets))];
                }
            }
            LayerCommand::Opened(patient, new) if patient == layers.patient => return self.add(new),
            LayerCommand::Sifted(sieve, sifted) => {
                if let Some(layer) = layers.list.iter_mut().find(|layer| layer.id == sieve.layer)
                    && layer.sieve().is(&sieve)
                {
                    layer.sifted = Some(sifted);
                }
            }
            LayerCommand::Ask | LayerCommand::Open(_) | LayerCommand::Opened(..) => {}
        }
        Vec::new()
    }

    /// A series of the list as something to be read.
    pub(super) fn target(&self, series: usize) -> Option<Target> {
        let catalogue = self.catalogue.as_ref().filter(|catalogue| series < catalogue.series().len())?;
        let origin = Origin { catalogue: Arc::clone(catalogue), series };
        self.scan.is_some().then_some(Target::Series { origin, frame: 0, even: false })
    }

    fn set_overlay(&mut self, number: usize, overlay: Overlay) -> Vec<Effect> {
        let Some(layer) = self.layers.list.get_mut(number) else { return Vec::new() };
        let before = layer.sieve();
        layer.overlay = overlay;
        let after = layer.sieve();
        match layer.source {
            Source::Second => self.window_of_blend(overlay),
            source => self.layers.next_look(source).into_iter().for_each(|look| look.overlay = overlay),
        }
        if after.min_mm3 > 0.0 && !before.is(&after) { sifting(after) } else { Vec::new() }
    }

    fn sift(&mut self, number: usize, min_mm3: f64) -> Vec<Effect> {
        let Some(layer) = self.layers.list.get_mut(number) else { return Vec::new() };
        layer.min_mm3 = if min_mm3.is_finite() { min_mm3.max(0.0) } else { 0.0 };
        let (source, min_mm3) = (layer.source, layer.min_mm3);
        let sieve = layer.sieve();
        if min_mm3 == 0.0 {
            layer.sifted = None;
        }
        self.layers.next_look(source).into_iter().for_each(|look| look.min_mm3 = min_mm3);
        if min_mm3 > 0.0 {
            return sifting(sieve);
        }
        Vec::new()
    }

    /// Lays layers from files on top.
    fn add(&mut self, new: Vec<Layer>) -> Vec<Effect> {
        let mut told = None;
        let mut effects = Vec::new();
        for mut layer in new {
            let Some(scan) = &self.scan else { break };
            let (bounds_mm, frame) = (layer.volume.grid.bounds_mm(), layer.frame_of_reference.as_ref());
            told = told.or_else(|| checks::mismatch("The overlay", scan, bounds_mm, layer.oriented, frame));
            layer.name = self.free_name(&layer.name);
            effects.extend(self.put_on_top(layer));
        }
        self.layers.hidden = false;
        if let Some(text) = told {
            self.message = Some(Message::error(text));
        }
        effects
    }

    /// A name that no other layer has: this one, or with a number behind it.
    fn free_name(&self, name: &str) -> String {
        let taken = |name: &str| self.layers.list.iter().any(|layer| layer.name == name);
        let (mut free, mut number) = (name.to_owned(), 1);
        while taken(&free) {
            number += 1;
            free = format!("{name} {number}");
        }
        free
    }

    /// Lays a layer over all others, as it was shown when it was there before.
    fn put_on_top(&mut self, layer: Layer) -> Vec<Effect> {
        self.put(layer, usize::MAX);
        let Some(layer) = self.layers.list.last_mut() else { return Vec::new() };
        self.session.dress(layer);
        let (source, look, sieve) = (layer.source, Look::of(layer), layer.sieve());
        let shown = look.shown || source == Source::Residual;
        self.layers.next_look(source).into_iter().for_each(|next| *next = Look { shown, ..look });
        if look.min_mm3 > 0.0 { sifting(sieve) } else { Vec::new() }
    }

    /// Gives a layer its number and lays it over so many others.
    pub(super) fn put(&mut self, layer: Layer, above: usize) {
        let layers = &mut self.layers;
        layers.count += 1;
        layers.list.insert(above.min(layers.list.len()), Layer { id: layers.count, ..layer });
    }

    /// Takes away what belongs to the patient before: layers from files and the second scan.
    pub(super) fn forget_overlays(&mut self) {
        self.layers.patient += 1;
        self.layers.list.retain(Layer::is_analysis);
        self.stop_comparing();
    }

    /// Takes an analysis and lays its cavities and its map over the picture, or takes all away.
    pub(super) fn set_analysis(&mut self, analysis: Option<Arc<Analysis>>) -> Vec<Effect> {
        // Another map of the same case is shown as this one was.
        for former in self.layers.list.extract_if(.., |layer| layer.is_analysis()) {
            self.session.put_aside(&former);
        }
        let mut effects = Vec::new();
        if let Some(volume) = analysis.as_ref().and_then(|analysis| analysis.cavity_map.clone()) {
            let Look { overlay, min_mm3, shown } = self.layers.cavity;
            let range = [0.0, f32::from(Cavity::CONTENT)];
            let layer = Layer::new(Source::Cavity, "sinus cavities", volume, overlay);
            effects.extend(self.put_on_top(Layer { range, min_mm3, shown, ..layer }));
        }
        if let Some((analysis, volume)) = analysis.as_ref().and_then(|a| Some((a, a.why.clone()?))) {
            let Look { overlay, min_mm3, shown } = self.layers.why;
            let weights = analysis.classifier_sha256.as_deref().and_then(|sha256| sha256.get(..12)).unwrap_or_default();
            let layer = Layer {
                unit: "share of the most".to_owned(),
                maker: Some(format!("Grad-CAM of the classifier, weights {weights}")),
                min_mm3,
                shown,
                ..Layer::new(Source::Why, "speaks for disease", volume, overlay)
            };
            effects.extend(self.put_on_top(layer));
        }
        let Look { overlay, min_mm3, .. } = self.layers.residual;
        if let Some((analysis, volume)) = analysis.as_ref().and_then(|a| Some((a, a.shown.clone()?))) {
            let weights = analysis.weights_sha256.get(..12).unwrap_or_default();
            let layer = Layer {
                unit: match analysis.config.map {
                    MapKind::Sinus | MapKind::Cube => "share of crop's range",
                    MapKind::Paper => "share of map's own range",
                }
                .to_owned(),
                maker: Some(format!("autoencoder, weights {weights}")),
                normal: analysis.normal.clone(),
                min_mm3,
                ..Layer::new(Source::Residual, "residual", volume, overlay)
            };
            effects.extend(self.put_on_top(layer));
        }
        self.analysis = analysis;
        effects
    }

    /// The layers that can be seen now, from the lowest to the highest, with their numbers.
    pub fn seen_layers(&self) -> impl Iterator<Item = (usize, &Layer)> {
        let list = &self.layers.list;
        let blind = self.is_blind();
        let none = self.layers.hidden || self.layers.peek;
        let is_seen = move |layer: &Layer| layer.shown && !(none || (blind && layer.is_analysis()));
        list.iter().enumerate().filter(move |(_, layer)| is_seen(layer))
    }

    /// The layers as the planes should colour them now.
    #[must_use]
    pub fn visible_layers(&self) -> Vec<render::Layer> {
        self.seen_layers().filter(|(_, layer)| !layer.overlay.outline).map(|(_, layer)| layer.to_draw()).collect()
    }

    /// The layers of which the planes should draw the outline now.
    #[must_use]
    pub fn visible_outlines(&self) -> Vec<render::Layer> {
        self.seen_layers().filter(|(_, layer)| layer.overlay.outline).map(|(_, layer)| layer.to_draw()).collect()
    }

    /// The same for the 3-D picture, where a second scan would hide everything else and only the uppermost maps have room.
    #[must_use]
    pub fn visible_maps(&self) -> Vec<render::Layer> {
        self.seen_maps().skip(self.maps_left_out()).map(Layer::to_draw).collect()
    }

    /// How many of the maps that can be seen on the planes have no room in 3-D.
    #[must_use]
    pub fn maps_left_out(&self) -> usize {
        self.seen_maps().count().saturating_sub(RaycastView::MAPS)
    }

    fn seen_maps(&self) -> impl Iterator<Item = &Layer> {
        let has_place = |layer: &&Layer| layer.source != Source::Second && !layer.overlay.outline;
        self.seen_layers().map(|(_, layer)| layer).filter(has_place)
    }
}

fn sifting(sieve: Sieve) -> Vec<Effect> {
    vec![Effect::Layer(LayerEffect::Sift(sieve))]
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests;
