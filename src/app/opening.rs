//! Opening as the state sees it: which series and volume are asked for, and what changes when they are there.

use super::checks;
use super::command::{Effect, Opened};
use super::load::{Origin, Target};
use super::message::Message;
use super::session::Session;
use super::state::{JobKind, OpenScan, State, View};
use super::volume::VolumeLook;
use super::worklist::KnownCase;
use crate::io::{Catalogue, OpenError};
use crate::view::Window;
use std::sync::Arc;

impl State {
    /// Asks for a series of the list. The one on screen is not read again, but its choice ends the opening of another.
    pub(super) fn open_series(&self, series: usize) -> Vec<Effect> {
        if self.series() == Some(series) {
            return vec![Effect::Cancel(JobKind::Open)];
        }
        match &self.catalogue {
            Some(catalogue) if series < catalogue.series().len() => {
                let origin = Origin { catalogue: Arc::clone(catalogue), series };
                vec![Effect::Open(Target::of(origin))]
            }
            _ => Vec::new(),
        }
    }

    /// Asks for the series so many places further down the list, as it is shown, if there is one.
    pub(super) fn next_series(&self, by: isize) -> Vec<Effect> {
        let listed: Vec<usize> = self.cases().into_iter().chain(self.other_series()).collect();
        let open = self.series().and_then(|series| listed.iter().position(|other| *other == series));
        let next = open.map_or(Some(0), |place| place.checked_add_signed(by));
        let next = next.and_then(|place| listed.get(place).copied());
        next.map_or_else(Vec::new, |series| self.open_series(series))
    }

    /// Asks for another volume of the open series.
    pub(super) fn show_volume(&self, frame: usize) -> Vec<Effect> {
        match &self.scan {
            Some(open) if frame < open.scan.frames => self.read_anew(frame, checks::resampled(&open.scan)),
            _ => Vec::new(),
        }
    }

    /// Asks for the open volume with its slices evenly spaced, or as they are stored.
    pub(super) fn even(&self, even: bool) -> Vec<Effect> {
        self.scan.as_ref().map_or_else(Vec::new, |open| self.read_anew(open.scan.frame, even))
    }

    /// Asks for what is open once more, as it is.
    pub(super) fn open_anew(&self) -> Vec<Effect> {
        match &self.scan {
            Some(open) if open.origin.is_some() => self.read_anew(open.scan.frame, checks::resampled(&open.scan)),
            Some(_) => vec![Effect::Open(Target::Example)],
            None => Vec::new(),
        }
    }

    fn read_anew(&self, frame: usize, even: bool) -> Vec<Effect> {
        let origin = self.scan.as_ref().and_then(|open| open.origin.clone());
        origin.map(|origin| Effect::Open(Target::Series { origin, frame, even })).into_iter().collect()
    }

    pub(super) fn opened(&mut self, opened: Opened) -> Vec<Effect> {
        let scan = Arc::clone(&opened.scan);
        let before = self.scan.replace(OpenScan::new(opened.scan, opened.origin, &self.settings));
        self.labels = opened.labels;
        self.others = Default::default();
        self.early = None;
        // Other messages stay until they are read.
        self.message = self.message.take().filter(|m| m.keep);
        self.generation += 1;
        let origin = self.scan.as_ref().and_then(|open| open.origin.clone());
        let same_series = match (before.as_ref().and_then(|open| open.origin.as_ref()), &origin) {
            (Some(before), Some(now)) => before.is(now) && !self.rereading,
            _ => false,
        };
        self.rereading = false;
        if !before.as_ref().is_some_and(|before| self.same_patient(before)) {
            self.forget_overlays();
        }
        let mut effects: Vec<Effect> =
            self.list(origin.as_ref().map(|origin| Arc::clone(&origin.catalogue))).into_iter().collect();
        self.remember_checks(origin.as_ref(), &scan);
        let labels = self.labels.each_ref().map(|reading| reading.as_ref().map(|reading| reading.label));
        if let Some(listed) = self.series().and_then(|series| self.worklist.known.get_mut(series)) {
            listed.labels = labels;
        }
        match before {
            Some(before) if same_series => effects.extend(self.look_on(&before)),
            before => {
                effects.extend(self.look_anew());
                self.change_case(before.as_ref());
            }
        }
        effects.extend(self.take_back_there());
        self.look_at_scores();
        effects
    }

    /// Everything as on opening.
    fn look_anew(&mut self) -> Vec<Effect> {
        let Some(open) = &self.scan else { return Vec::new() };
        // Work on the former scan is pointless now; looking for sinuses replaces itself.
        let mut effects = vec![Effect::Cancel(JobKind::Analyse)];
        let window = open.windows.first().map_or(Window::between(0.0, 1.0), |w| w.1.clone());
        let cross_mm = open.bounds_mm.centre();
        // In a single slice there is nothing to look for.
        effects.extend(open.flat().is_none().then(|| self.looking_for_sinuses(open)));
        // How the reader likes to look outlives a scan; where he looks does not.
        let View { frame, interpolation, slab, show_cross, .. } = self.view;
        let volume = VolumeLook::new(&open.contrast);
        self.view = View { cross_mm, volume, window, frame, interpolation, slab, show_cross, ..View::default() };
        self.sinuses = None;
        self.set_analysis(None);
        (self.current, self.details) = (None, None);
        self.measures.leave();
        self.session = Session::of_new_scan();
        self.reset_views();
        effects
    }

    /// Another volume of the same series: the reader goes on looking at the same place in the same way.
    fn look_on(&mut self, before: &OpenScan) -> Vec<Effect> {
        let Some(open) = &self.scan else { return Vec::new() };
        // By its name: the two lists need not be the same. What is not in both lists stays as it is.
        let chosen = before.windows.iter().find(|(_, window)| *window == self.view.window);
        let same = chosen.and_then(|(chosen, _)| open.windows.iter().find(|(name, _)| name == chosen));
        if let Some((_, window)) = same {
            self.view.window = window.clone();
        }
        let find = self.looking_for_sinuses(open);
        self.session.awaited = false;
        if open.scan.sha256 != before.scan.sha256 {
            // Made of other files, it is a case of its own, with labels of its own: those of the other stay with it.
            self.change_case(Some(before));
            self.measures.leave();
        }
        self.move_cross(self.view.cross_mm);
        if self.sinuses.is_some() { self.boxes_changed() } else { vec![find] }
    }

    /// What was to be opened cannot be read: what is open stays, and another series can be chosen.
    pub(super) fn unreadable(&mut self, error: &OpenError, catalogue: Option<Arc<Catalogue>>) -> Vec<Effect> {
        self.message = Some(Message::unreadable(error));
        self.returning = None;
        match catalogue.filter(|catalogue| catalogue.series().len() > 1) {
            Some(catalogue) => self.list(Some(catalogue)).into_iter().collect(),
            None => Vec::new(),
        }
    }

    /// Puts another list of series on screen and has its pictures made.
    fn list(&mut self, catalogue: Option<Arc<Catalogue>>) -> Option<Effect> {
        let same = match (&self.catalogue, &catalogue) {
            (Some(before), Some(now)) => Arc::ptr_eq(before, now),
            (before, now) => before.is_none() && now.is_none(),
        };
        if same {
            return None;
        }
        self.catalogue = catalogue;
        let count = self.catalogue.as_ref().map_or(0, |c| c.series().len());
        (self.thumbnails, self.findings) = (vec![None; count], vec![None; count]);
        self.worklist.known = vec![KnownCase::default(); count];
        let list = self.catalogue.clone().filter(|catalogue| catalogue.series().len() > 1);
        if list.is_some() {
            self.shell.offer_series();
        }
        Some(Effect::Thumbnails(list))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::Command;
    use crate::app::labelling::LabelCommand;
    use crate::app::state::{Layout, Pane};
    use crate::app::testing::{scan, two_series};
    use crate::io::Scan;
    use crate::methods::sinus::Sinus;
    use crate::project::{Label, Reading};
    use crate::space::{Plane, Side};
    use glam::DVec3;

    fn opened(scan: Scan, origin: Option<Origin>) -> Command {
        Command::Opened(Opened { scan: Arc::new(scan), origin, labels: [Some(Reading::of(Label::Normal)), None] })
    }

    fn first_of_two_series() -> (State, Origin) {
        let mut state = State::default();
        let origin = Origin { catalogue: two_series(), series: 0 };
        let effects = state.apply(opened(Scan { frames: 3, ..scan([100, 90, 80]) }, Some(origin.clone())));
        assert!(matches!(
            &effects[..],
            [Effect::Thumbnails(Some(_)), Effect::Cancel(JobKind::Analyse), Effect::Find(_)]
        ));
        (state, origin)
    }

    fn asked(effects: &[Effect]) -> Option<(usize, usize, bool)> {
        match effects {
            [Effect::Open(Target::Series { origin, frame, even })] => Some((origin.series, *frame, *even)),
            _ => None,
        }
    }

    #[test]
    fn another_volume_is_looked_at_in_the_same_place() {
        let (mut state, origin) = first_of_two_series();
        let sinuses = [Side::Left, Side::Right].map(|side| {
            Sinus::placed(side, DVec3::new(25.0 * side.sign(), 30.0, -20.0), &scan([100, 90, 80]).volume.grid)
        });
        state.apply(Command::Found(sinuses));
        state.apply(Command::Label(LabelCommand::Set(Side::Right, Label::Anomalous)));
        state.apply(Command::CrossTo(DVec3::new(1.0, 2.0, 3.0)));
        assert_eq!(asked(&state.apply(Command::ShowVolume(1))), Some((0, 1, false)));
        assert!(state.apply(Command::ShowVolume(3)).is_empty(), "there are three");

        let second = Scan { frames: 3, frame: 1, ..scan([100, 90, 80]) };
        let effects = state.apply(opened(second, Some(origin)));
        assert!(matches!(&effects[..], [Effect::Cancel(JobKind::Analyse), Effect::Analyse(..)]), "{effects:?}");
        assert_eq!((state.view.cross_mm, state.sinuses), (DVec3::new(1.0, 2.0, 3.0), Some(sinuses)));
        assert_eq!(state.undoable().0.as_deref(), Some("label right anomalous"));
        assert_eq!(asked(&state.apply(Command::Even(true))), Some((0, 1, true)));

        let other_files = Scan { frames: 3, frame: 2, sha256: "other".to_owned(), ..scan([100, 90, 80]) };
        state.apply(opened(other_files, state.scan.as_ref().unwrap().origin.clone()));
        let elsewhere = Some("label right anomalous, on an earlier case");
        assert_eq!(state.undoable().0.as_deref(), elsewhere, "a label is never taken back from another case");
    }

    #[test]
    fn the_chosen_window_is_carried_over_by_its_name() {
        let stored = |name: &str, centre| (name.to_owned(), Window::linear(centre, 100.0));
        let with = |windows| Scan { frames: 3, windows, ..scan([20, 20, 20]) };
        let mut state = State::default();
        let origin = Some(Origin { catalogue: two_series(), series: 0 });
        state.apply(opened(with(vec![stored("lung", 1.0), stored("bone", 2.0)]), origin.clone()));
        state.apply(Command::ChooseWindow(1));
        state.apply(opened(with(vec![stored("bone", 3.0), stored("lung", 4.0)]), origin.clone()));
        assert_eq!(state.view.window, Window::linear(3.0, 100.0));
        state.apply(opened(with(vec![stored("lung", 5.0)]), origin));
        assert_eq!(state.view.window, Window::linear(3.0, 100.0), "it has no bone");
    }

    #[test]
    fn another_series_is_another_scan() {
        let (mut state, origin) = first_of_two_series();
        state.apply(Command::CrossTo(DVec3::new(1.0, 2.0, 3.0)));
        assert_eq!(asked(&state.apply(Command::OpenSeries(1))), Some((1, 0, false)));
        assert_eq!(asked(&state.apply(Command::NextSeries(1))), Some((1, 0, false)));
        assert!(state.apply(Command::NextSeries(-1)).is_empty() && state.apply(Command::OpenSeries(2)).is_empty());
        assert!(matches!(state.apply(Command::OpenSeries(0))[..], [Effect::Cancel(JobKind::Open)]), "it is open");
        let effects = state.apply(opened(scan([50, 50, 50]), Some(Origin { series: 1, ..origin })));
        assert!(matches!(&effects[..], [Effect::Cancel(JobKind::Analyse), Effect::Find(_)]), "{effects:?}");
        assert_eq!((state.view.cross_mm, state.series()), (DVec3::ZERO, Some(1)));
        state.apply(opened(scan([50, 50, 50]), None));
        assert_eq!((state.series(), state.catalogue.is_none()), (None, true), "the synthetic head has no list");
    }

    #[test]
    fn what_cannot_be_read_leaves_the_scan_but_offers_its_neighbours() {
        let (mut state, _) = first_of_two_series();
        let generation = state.generation;
        let missing = || Arc::new(OpenError::Missing { path: "/scans/DOE^JANE".into() });
        assert!(state.apply(Command::Unreadable(missing(), None)).is_empty());
        assert_eq!((state.series(), state.generation), (Some(0), generation));
        let effects = state.apply(Command::Unreadable(missing(), Some(two_series())));
        assert!(matches!(effects[..], [Effect::Thumbnails(Some(_))]));
        assert_eq!((state.series(), state.generation), (None, generation), "the open scan is not in the new list");
        assert_eq!(asked(&state.apply(Command::NextSeries(1))), Some((0, 0, false)));
    }

    #[test]
    fn a_single_slice_fills_the_window_and_is_not_searched() {
        let mut state = State::default();
        let effects = state.apply(opened(scan([40, 1, 30]), None));
        assert!(matches!(effects[..], [Effect::Cancel(JobKind::Analyse)]), "{effects:?}");
        assert_eq!((state.view.layout, state.view.focus), (Layout::Single, Pane::Plane(Plane::Coronal)));
    }
}
