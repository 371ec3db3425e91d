//! A second scan beside the first or blended over it, at the same place of the world.

use super::checks;
use super::command::{Effect, Wanted};
use super::first_look::grey_look;
use super::layers::{Layer, LayerEffect, Source};
use super::load::{Origin, Target};
use super::message::Message;
use super::state::{OpenScan, State};
use crate::io::Scan;
use crate::view::{Overlay, VoiFunction, Window};
use std::path::PathBuf;
use std::sync::Arc;

/// The second scan, and how it is shown.
#[derive(Clone, Debug, Default)]
pub struct Compare {
    /// Chosen before there is a second scan, too.
    pub mode: Mode,
    /// The second scan, while there is one.
    pub second: Option<Second>,
}

/// How two scans are shown together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// The same planes of both, next to each other.
    #[default]
    SideBySide,
    /// The second as a layer over the first.
    Blended,
}

impl Mode {
    /// Both.
    pub const ALL: [Self; 2] = [Self::SideBySide, Self::Blended];

    /// The words on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SideBySide => "side by side",
            Self::Blended => "blended",
        }
    }
}

/// A scan that is compared with the first.
#[derive(Clone, Debug)]
pub struct Second {
    /// The scan.
    pub open: OpenScan,
    /// Its own grey-scale window.
    pub window: Window,
}

/// Which of two scans a pane shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Shown {
    /// The one that was opened.
    #[default]
    First,
    /// The one it is compared with.
    Second,
}

/// A wish about the second scan.
#[derive(Clone, Debug)]
pub enum CompareCommand {
    /// Ask for a file.
    Ask,
    /// Compare with the scan that is most likely meant by these paths.
    Open(Vec<PathBuf>),
    /// Compare with a series of the list, in this way.
    Series(usize, Mode),
    /// A second scan was read for the patient of this number.
    Opened(u64, Arc<Scan>, Option<Origin>),
    /// Show both in this way.
    Mode(Mode),
    /// Show both in the other way.
    Toggle,
    /// Change the window of the second scan.
    SetWindow(Window),
    /// Show the first scan alone again.
    Stop,
}

impl State {
    pub(super) fn compare(&mut self, command: CompareCommand) -> Vec<Effect> {
        match command {
            CompareCommand::Ask if self.scan.is_some() => return vec![Effect::Ask(Wanted::Second)],
            CompareCommand::Open(paths) if self.scan.is_some() => return self.read_second(Target::Paths(paths)),
            CompareCommand::Series(series, mode) => {
                self.compare.mode = mode;
                // With itself there is nothing to compare, and what is there need not be read again.
                if self.second_series() == Some(series) {
                    self.blend();
                } else if self.series() != Some(series) {
                    return self.target(series).map_or_else(Vec::new, |target| self.read_second(target));
                }
            }
            CompareCommand::Opened(patient, scan, origin) if patient == self.layers.patient => {
                self.second_opened(OpenScan::new(scan, origin, &self.settings));
            }
            CompareCommand::Mode(mode) => {
                self.compare.mode = mode;
                self.blend();
            }
            CompareCommand::Toggle if self.compare.second.is_some() => {
                self.compare.mode = match self.compare.mode {
                    Mode::SideBySide => Mode::Blended,
                    Mode::Blended => Mode::SideBySide,
                };
                self.blend();
            }
            CompareCommand::SetWindow(window) => self.set_second_window(window),
            CompareCommand::Stop => self.stop_comparing(),
            CompareCommand::Ask | CompareCommand::Open(_) | CompareCommand::Opened(..) | CompareCommand::Toggle => {}
        }
        Vec::new()
    }

    /// The place of the second scan in the list of series, if it is in the list.
    #[must_use]
    pub fn second_series(&self) -> Option<usize> {
        let origin = self.compare.second.as_ref()?.open.origin.as_ref()?;
        Arc::ptr_eq(&origin.catalogue, self.catalogue.as_ref()?).then_some(origin.series)
    }

    /// The second scan where it has panes of its own.
    #[must_use]
    pub fn beside(&self) -> Option<&Second> {
        self.compare.second.as_ref().filter(|_| self.compare.mode == Mode::SideBySide)
    }

    /// The scan of a pane with its window.
    #[must_use]
    pub fn shown(&self, which: Shown) -> Option<(&OpenScan, &Window)> {
        match which {
            Shown::First => self.scan.as_ref().map(|open| (open, &self.view.window)),
            Shown::Second => self.compare.second.as_ref().map(|second| (&second.open, &second.window)),
        }
    }

    fn read_second(&self, target: Target) -> Vec<Effect> {
        vec![Effect::Layer(LayerEffect::OpenSecond(self.layers.patient, target))]
    }

    fn second_opened(&mut self, open: OpenScan) {
        let Some(first) = &self.scan else { return };
        let oriented = checks::orientation_known(&open.scan);
        let frame = open.scan.frame_of_reference.as_ref();
        if let Some(text) = checks::mismatch("The second scan", first, open.bounds_mm, oriented, frame) {
            self.message = Some(Message::error(text));
        }
        let window = open.windows.first().map_or(Window::between(0.0, 1.0), |(_, window)| window.clone());
        self.remember_checks(open.origin.as_ref(), &open.scan);
        self.compare.second = Some(Second { open, window });
        self.blend();
    }

    pub(super) fn stop_comparing(&mut self) {
        self.compare.second = None;
        self.blend();
    }

    /// Lays the second scan over the first where that is wanted, below all maps, and takes it away otherwise.
    fn blend(&mut self) {
        let blended = self.compare.second.as_ref().filter(|_| self.compare.mode == Mode::Blended);
        let is_of = |layer: &Layer| blended.is_some_and(|second| Arc::ptr_eq(&second.open.scan.volume, &layer.volume));
        let list = &mut self.layers.list;
        let there = list.iter().any(|layer| layer.source == Source::Second && is_of(layer));
        list.retain(|layer| layer.source != Source::Second || is_of(layer));
        if let Some(Second { open, window }) = blended.filter(|_| !there) {
            let volume = &open.scan.volume;
            let (overlay, range) = grey_look(volume, window);
            let file = open.scan.path.as_ref().and_then(|path| path.file_name());
            let file = file.map(|name| name.to_string_lossy().into_owned());
            let layer = Layer { file, range, ..Layer::new(Source::Second, "second scan", Arc::clone(volume), overlay) };
            self.put(layer, 0);
        }
    }

    pub(super) fn set_second_window(&mut self, window: Window) {
        let Some(second) = &mut self.compare.second else { return };
        second.window = window;
        let ((low, high), inverted) = (ends(&second.window), second.window.inverted);
        for layer in self.layers.list.iter_mut().filter(|layer| layer.source == Source::Second) {
            (layer.overlay.low, layer.overlay.high, layer.overlay.inverted) = (low, high, inverted);
        }
    }

    /// The function of the second scan's window, where the blend leaves it out: greys of a layer rise evenly.
    #[must_use]
    pub fn left_out_of_blend(&self) -> Option<&'static str> {
        let second = self.compare.second.as_ref().filter(|_| self.compare.mode == Mode::Blended)?;
        match &second.window.function {
            VoiFunction::Linear | VoiFunction::LinearExact => None,
            curved @ (VoiFunction::Sigmoid | VoiFunction::Table(_)) => Some(curved.name()),
        }
    }

    /// The limits of the blended scan were moved on its colour bar: they are its window.
    pub(super) fn window_of_blend(&mut self, overlay: Overlay) {
        if let Some(second) = &mut self.compare.second
            && ends(&second.window) != (overlay.low, overlay.high)
        {
            let Window { inverted, .. } = second.window;
            second.window = Window { inverted, ..Window::between(overlay.low.into(), overlay.high.into()) };
        }
    }

    /// Whether what was laid over `before` may stay over the scan that is open now: the same series, or the same space by
    /// DICOM's word.
    pub(super) fn same_patient(&self, before: &OpenScan) -> bool {
        let Some(now) = &self.scan else { return false };
        let same_series = |(a, b): (&Origin, &Origin)| a.is(b);
        let space = before.scan.frame_of_reference.as_ref();
        before.origin.as_ref().zip(now.origin.as_ref()).is_some_and(same_series)
            || (space.is_some() && space == now.scan.frame_of_reference.as_ref())
    }
}

/// Where a window begins and ends, as the limits of a layer.
fn ends(window: &Window) -> (f32, f32) {
    ((window.centre - window.width / 2.0) as f32, (window.centre + window.width / 2.0) as f32)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::Command;
    use crate::app::command::Opened;
    use crate::app::layers::LayerCommand;
    use crate::app::testing::{scan, two_series};
    use crate::space::Grid;
    use crate::view::ColourMap;
    use crate::volume::{Unit, Volume};
    use glam::DVec3;

    fn first() -> (State, Origin) {
        let mut state = State::default();
        let origin = Origin { catalogue: two_series(), series: 0 };
        let scan = Arc::new(scan([12, 12, 12]));
        state.apply(Command::Opened(Opened { scan, origin: Some(origin.clone()), labels: [None, None] }));
        (state, origin)
    }

    fn send(state: &mut State, command: CompareCommand) -> Vec<Effect> {
        state.apply(Command::Compare(command))
    }

    /// The second scan is read, as the job would.
    fn with_second(scan: Scan, mode: Mode) -> State {
        let (mut state, origin) = first();
        let effects = send(&mut state, CompareCommand::Series(1, mode));
        let [Effect::Layer(LayerEffect::OpenSecond(patient, Target::Series { .. }))] = effects[..] else {
            panic!("{effects:?}");
        };
        let origin = Some(Origin { series: 1, ..origin });
        send(&mut state, CompareCommand::Opened(patient, Arc::new(scan), origin));
        state
    }

    #[test]
    fn a_second_series_stands_beside_the_first_with_a_window_of_its_own() {
        let mut state = with_second(scan([10, 10, 10]), Mode::SideBySide);
        assert_eq!((state.second_series(), state.message.is_none()), (Some(1), true));
        let before = state.view.window.clone();
        let bone = Window::linear(480.0, 2500.0);
        send(&mut state, CompareCommand::SetWindow(bone.clone()));
        assert_eq!(state.shown(Shown::Second).map(|(_, window)| window), Some(&bone));
        assert_eq!(state.shown(Shown::First).map(|(_, window)| window), Some(&before));
        assert!(state.beside().is_some() && state.visible_layers().is_empty());
        assert!(send(&mut state, CompareCommand::Series(1, Mode::SideBySide)).is_empty(), "it is there already");
        assert!(send(&mut state, CompareCommand::Series(0, Mode::SideBySide)).is_empty(), "not with itself");
        assert!(send(&mut state, CompareCommand::Series(9, Mode::SideBySide)).is_empty(), "there is none");
        send(&mut state, CompareCommand::Stop);
        assert!(state.beside().is_none() && state.scan.is_some());
    }

    #[test]
    fn a_second_scan_is_blended_below_the_maps_in_its_window() {
        let mut state = with_second(scan([10, 10, 10]), Mode::Blended);
        let patient = state.layers.patient;
        let map = Layer::new(Source::File, "map", scan([4, 4, 4]).volume, Overlay::default());
        state.apply(Command::Layer(LayerCommand::Opened(patient, vec![map])));
        send(&mut state, CompareCommand::Toggle);
        assert_eq!((state.visible_layers().len(), state.beside().is_some()), (1, true));
        send(&mut state, CompareCommand::Toggle);
        let layers = state.visible_layers();
        assert_eq!((layers.len(), layers[0].overlay.colours), (2, ColourMap::Grey));
        assert_eq!(state.visible_maps(), layers[1..], "not in 3-D");
        send(&mut state, CompareCommand::SetWindow(Window::between(10.0, 30.0)));
        let overlay = state.visible_layers()[0].overlay;
        assert_eq!((overlay.low, overlay.high), (10.0, 30.0));
        state.apply(Command::Layer(LayerCommand::Set(0, Overlay { high: 50.0, opacity: 0.8, ..overlay })));
        assert_eq!(state.compare.second.as_ref().map(|second| second.window.width), Some(40.0));
        state.apply(Command::Layer(LayerCommand::Remove(0)));
        assert!(state.compare.second.is_none() && state.visible_layers().len() == 1);
    }

    #[test]
    fn an_inverted_scan_stays_inverted_in_the_blend_and_a_curve_is_said_to_be_left_out() {
        let mut state = with_second(Scan { inverted: true, ..scan([10, 10, 10]) }, Mode::Blended);
        let greys = |state: &State| {
            let (window, overlay) = (&state.compare.second.as_ref().unwrap().window, state.visible_layers()[0].overlay);
            [0.0, 99.0].map(|value| (window.apply(value).round(), overlay.position(value as f32).map(f32::round)))
        };
        assert_eq!(greys(&state), [(1.0, Some(1.0)), (0.0, Some(0.0))]);
        send(&mut state, CompareCommand::SetWindow(Window::between(10.0, 30.0)));
        assert_eq!(greys(&state), [(0.0, Some(0.0)), (1.0, Some(1.0))], "turned over by the reader");
        assert_eq!(state.left_out_of_blend(), None);
        let sigmoid = Window { function: VoiFunction::Sigmoid, ..Window::between(10.0, 30.0) };
        send(&mut state, CompareCommand::SetWindow(sigmoid));
        assert_eq!(state.left_out_of_blend(), Some("SIGMOID"));
        send(&mut state, CompareCommand::Toggle);
        assert_eq!(state.left_out_of_blend(), None, "beside the first it has its own window");
    }

    #[test]
    fn scans_that_cannot_match_are_told() {
        let told = |scan: Scan| with_second(scan, Mode::SideBySide).message.map(|message| message.text);
        let away = Volume::from_f32(Grid::centred([2; 3], 1.0, DVec3::X * 900.0), vec![0.0; 8], Unit::Arbitrary);
        let away = Scan { volume: Arc::new(away), ..scan([2, 2, 2]) };
        assert!(told(away).unwrap().contains("The second scan lies beside the scan"));
        assert!(told(crate::app::testing::checked(&["no-orientation"])).unwrap().contains("how it lies"));
        assert_eq!(told(Scan { frame_of_reference: Some("1.2".to_owned()), ..scan([9; 3]) }), None, "one is unknown");

        let mut state = State::default();
        let of = |uid: &str| Scan { frame_of_reference: Some(uid.to_owned()), ..scan([9; 3]) };
        let (first, second) = (Arc::new(of("1.2")), Arc::new(of("1.3")));
        state.apply(Command::Opened(Opened { scan: first, origin: None, labels: [None, None] }));
        let patient = state.layers.patient;
        send(&mut state, CompareCommand::Opened(patient, second, None));
        assert!(state.message.unwrap().text.contains("frame of reference"));
    }

    #[test]
    fn the_second_scan_goes_with_the_patient() {
        let mut state = with_second(scan([10, 10, 10]), Mode::SideBySide);
        assert!(matches!(send(&mut state, CompareCommand::Ask)[..], [Effect::Ask(Wanted::Second)]));
        let old = state.layers.patient;
        state.apply(Command::Opened(Opened { scan: Arc::new(scan([8; 3])), origin: None, labels: [None, None] }));
        assert!(state.compare.second.is_none());
        send(&mut state, CompareCommand::Opened(old, Arc::new(scan([10, 10, 10])), None));
        assert!(state.compare.second.is_none(), "asked for over another patient");
    }
}
