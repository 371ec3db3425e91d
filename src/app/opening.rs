//! Opening as the state sees it: which series and volume are asked for, and what changes when they are there.

use super::checks;
use super::command::{Effect, Opened};
use super::load::{Origin, Target};
use super::message::Message;
use super::state::{JobKind, OpenScan, State, View};
use super::undo::History;
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
                vec![Effect::Open(Target::Series { origin, frame: 0, even: false })]
            }
            _ => Vec::new(),
        }
    }

    /// Asks for the series so many places further down the list, if there is one.
    pub(super) fn next_series(&self, by: isize) -> Vec<Effect> {
        let next = self.series().map_or(Some(0), |series| series.checked_add_signed(by));
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

    fn read_anew(&self, frame: usize, even: bool) -> Vec<Effect> {
        let origin = self.scan.as_ref().and_then(|open| open.origin.clone());
        origin.map(|origin| Effect::Open(Target::Series { origin, frame, even })).into_iter().collect()
    }

    pub(super) fn opened(&mut self, opened: Opened) -> Vec<Effect> {
        let before = self.scan.replace(OpenScan::new(opened.scan, opened.origin));
        self.labels = opened.labels;
        self.early = None;
        // Other messages stay until they are read.
        self.message = self.message.take().filter(|m| m.keep);
        self.generation += 1;
        let origin = self.scan.as_ref().and_then(|open| open.origin.clone());
        let same_series = match (before.as_ref().and_then(|open| open.origin.as_ref()), &origin) {
            (Some(before), Some(now)) => before.is(now),
            _ => false,
        };
        let mut effects: Vec<Effect> = self.list(origin.map(|origin| origin.catalogue)).into_iter().collect();
        match before {
            Some(before) if same_series => effects.extend(self.look_on(&before)),
            _ => effects.extend(self.look_anew()),
        }
        effects
    }

    /// Everything as on opening.
    fn look_anew(&mut self) -> Vec<Effect> {
        let Some(open) = &self.scan else { return Vec::new() };
        // Work on the former scan is pointless now; looking for sinuses replaces itself.
        let mut effects = vec![Effect::Cancel(JobKind::Analyse)];
        let window = open.windows.first().map_or(Window::between(0.0, 1.0), |w| w.1);
        let cross_mm = open.bounds_mm.centre();
        // In a single slice there is nothing to look for.
        effects.extend(open.flat().is_none().then(|| Effect::Find(Arc::clone(&open.scan))));
        let View { linear, show_cross, .. } = self.view;
        self.view = View { cross_mm, window, linear, show_cross, ..View::default() };
        self.sinuses = None;
        self.analysis = None;
        self.current = None;
        self.history = History::default();
        self.ai_seen = [false; 2];
        self.reset_views();
        effects
    }

    /// Another volume of the same series: the reader goes on looking at the same place in the same way.
    fn look_on(&mut self, before: &OpenScan) -> Vec<Effect> {
        let Some(open) = &self.scan else { return Vec::new() };
        let chosen = before.windows.iter().position(|(_, window)| *window == self.view.window);
        if let Some((_, window)) = chosen.and_then(|number| open.windows.get(number)) {
            self.view.window = *window;
        }
        let find = Effect::Find(Arc::clone(&open.scan));
        self.move_cross(self.view.cross_mm);
        if self.sinuses.is_some() { self.boxes_changed() } else { vec![find] }
    }

    /// What was to be opened cannot be read: what is open stays, and another series can be chosen.
    pub(super) fn unreadable(&mut self, error: &OpenError, catalogue: Option<Arc<Catalogue>>) -> Vec<Effect> {
        self.message = Some(Message::unreadable(error));
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
        self.thumbnails = vec![None; self.catalogue.as_ref().map_or(0, |c| c.series().len())];
        let list = self.catalogue.clone().filter(|catalogue| catalogue.series().len() > 1);
        Some(Effect::Thumbnails(list))
    }
}
