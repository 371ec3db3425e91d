//! How each command changes the state. No files, no threads, no clock: every interaction is a unit test.

use super::command::{Command, Effect, Wanted, Write};
use super::load::Target;
use super::message::Message;
use super::report_file::Exported;
use super::sinuses::NONE_IN_VIEW;
use super::state::{JobKind, State};
use super::undo::Step;
use crate::methods::residual::InferConfig;
use crate::methods::sinus::{Presence, Sinus, middle};
use crate::space::Side;
use glam::DVec3;
use std::sync::Arc;

impl State {
    /// Carries out a command and says what has to be done outside.
    pub fn apply(&mut self, command: Command) -> Vec<Effect> {
        if command.opens() {
            // Whoever opens something else does not want to go back any more.
            self.returning = None;
        }
        let effects = self.carry_out(command);
        self.counted(effects)
    }

    fn carry_out(&mut self, command: Command) -> Vec<Effect> {
        match command {
            Command::AskFile => vec![Effect::Ask(Wanted::File)],
            Command::AskFolder => vec![Effect::Ask(Wanted::Folder)],
            Command::Open(paths) => vec![Effect::Open(Target::Paths(paths))],
            Command::OpenExample => vec![Effect::Open(Target::Example)],
            Command::OpenSeries(series) => self.open_series(series),
            Command::NextSeries(by) => self.next_series(by),
            Command::ShowVolume(frame) => self.show_volume(frame),
            Command::Even(even) => self.even(even),
            Command::Template(command) => self.template(command),
            Command::Learn(command) => self.learn(command),
            Command::Deidentify(command) => self.deidentify(command),
            Command::Settings(command) => self.change_settings(&command),
            Command::ShowPaths(show) => self.show_paths(show),
            Command::AnalyseOnOpen(on) => {
                self.settings.analyse_on_open = on;
                self.save_settings()
            }
            Command::ManyCrops(many) => {
                self.settings.many_crops = many;
                self.made_otherwise()
            }
            Command::Residual(median, kind) => {
                (self.settings.map_median, self.settings.map_kind) = (median, kind);
                self.made_otherwise()
            }
            Command::Shell(command) => self.shell(command),
            Command::Layer(command) => self.layer(command),
            Command::Compare(command) => self.compare(command),
            Command::Volume(command) => self.volume_command(&command),
            Command::Jobs(jobs) => {
                self.jobs = jobs;
                if !self.running(JobKind::Open) {
                    self.early = None;
                }
                Vec::new()
            }
            Command::Find => self.scan.iter().map(|open| self.looking_for_sinuses(open)).collect(),
            // Asking twice does not start anew.
            Command::Analyse if self.running(JobKind::Analyse) => Vec::new(),
            Command::Analyse => self.analyse(),
            Command::Export => self.export(),
            Command::Cancel(kind) => vec![Effect::Cancel(kind)],
            Command::Label(command) => self.labelling(command),
            Command::Measure(command) => self.measure(&command),
            Command::Restore(saved) => {
                self.restore(&saved);
                Vec::new()
            }
            Command::Undo => self.undo(),
            Command::Redo => self.history.redo().map_or_else(Vec::new, |step| self.replay(step, Write::Redo)),
            Command::MoveBox(side, centre_mm) => {
                self.place(side, centre_mm);
                Vec::new()
            }
            Command::DropBox(before) => self.drop_box(before),
            Command::Opened(opened) => self.opened(opened),
            Command::Unreadable(error, catalogue) => self.unreadable(&error, catalogue),
            Command::Found(sinuses) => self.found(sinuses),
            Command::Analysed(analysis) => {
                let effects = self.set_analysis(Some(analysis));
                self.look_at_scores();
                effects
            }
            Command::Notice(text) => {
                self.message = Some(Message::note(text).kept());
                Vec::new()
            }
            Command::Failed(text) => {
                self.message = Some(Message::error(text));
                Vec::new()
            }
            look => {
                self.look(&look);
                Vec::new()
            }
        }
    }

    fn found(&mut self, sinuses: [Sinus; 2]) -> Vec<Effect> {
        let sinuses = self.restore_boxes(sinuses);
        if let Some(before) = self.sinuses.replace(sinuses)
            && before.iter().zip(&sinuses).any(|(was, now)| was.by_hand() && was != now)
        {
            self.history.push(Step::Found { before, after: sinuses });
        }
        self.set_analysis(None);
        // A map of other boxes must not land on these.
        let mut effects = vec![Effect::Cancel(JobKind::Analyse)];
        effects.extend(self.read_ahead());
        let Some(middle_mm) = middle(&sinuses) else {
            let text = format!("{NONE_IN_VIEW}. If one is there after all, drag its box onto it");
            self.message = Some(Message::note(text));
            return effects;
        };
        // Height and depth between the two show both in axial and coronal; the sagittal plane goes through the surer one.
        let [left, right] = sinuses;
        let shown = if left.confidence > right.confidence { left } else { right };
        if !std::mem::take(&mut self.session.restored) {
            self.move_cross(DVec3 { x: shown.centre_mm.x, ..middle_mm });
        }
        if self.settings.analyse_on_open {
            effects.extend(self.analyse());
        }
        effects
    }

    /// How maps and probabilities are made was changed: that is kept, and those of the open scan are made anew.
    fn made_otherwise(&mut self) -> Vec<Effect> {
        let mut effects = self.save_settings();
        effects.extend(self.analysed_anew());
        effects
    }

    pub(super) fn analyse(&self) -> Vec<Effect> {
        match (&self.scan, self.sinuses) {
            (Some(open), Some(sinuses)) if sinuses.iter().any(|s| s.present != Presence::Absent) => {
                let crops = if self.settings.many_crops { InferConfig::PAPER_CROPS } else { 1 };
                let config = InferConfig { crops, median: self.settings.map_median, map: self.settings.map_kind };
                vec![Effect::Analyse(Arc::clone(&open.scan), sinuses, config)]
            }
            _ => Vec::new(),
        }
    }

    fn export(&mut self) -> Vec<Effect> {
        if self.is_blind() {
            self.message =
                Some(Message::note("You are reading blind: figures are written once both sinuses are labelled"));
            return Vec::new();
        }
        let (Some(open), Some(sinuses), Some(analysis)) = (&self.scan, self.sinuses, &self.analysis) else {
            self.message = Some(Message::note("There is nothing to export yet. Compute the residual map first"));
            return Vec::new();
        };
        vec![Effect::Export(Exported {
            scan: Arc::clone(&open.scan),
            origin: open.origin.clone(),
            sinuses,
            analysis: Arc::clone(analysis),
            readings: self.labels.clone(),
        })]
    }

    pub(super) fn replay(&mut self, step: Step, kind: Write) -> Vec<Effect> {
        match step {
            Step::Label { side, before, after } => {
                let (from, to) = if kind == Write::Undo { (after, before) } else { (before, after) };
                self.set_reading(side, from, to, kind)
            }
            Step::Box { before, after } => {
                self.put_box(if kind == Write::Undo { before } else { after });
                self.boxes_changed()
            }
            Step::Found { before, after } => {
                self.sinuses = Some(if kind == Write::Undo { before } else { after });
                self.boxes_changed()
            }
            Step::Measure(changes) => self.replay_measuring(changes, kind),
        }
    }

    /// Places a box by hand; never on the other side of the other one, where its labels would be those of that sinus.
    fn place(&mut self, side: Side, centre_mm: DVec3) {
        let (Some(open), Some(sinuses)) = (&self.scan, self.sinuses) else { return };
        let other = sinuses[side.other().index()];
        if (centre_mm.x - other.centre_mm.x) * side.sign() <= 0.0 {
            let text = format!(
                "The box of the patient's {} sinus stays on its side of the {} one",
                side.name(),
                side.other().name()
            );
            self.message = Some(Message::note(text));
            return;
        }
        let sinus = Sinus::placed(side, centre_mm, &open.scan.volume.grid);
        self.current = Some(side);
        self.put_box(sinus);
    }

    fn drop_box(&mut self, before: Sinus) -> Vec<Effect> {
        let Some(after) = self.sinuses.map(|s| s[before.side.index()]) else { return Vec::new() };
        if after.centre_mm == before.centre_mm {
            self.put_box(before);
            return Vec::new();
        }
        self.history.push(Step::Box { before, after });
        self.boxes_changed()
    }

    fn put_box(&mut self, sinus: Sinus) {
        if let Some(sinuses) = &mut self.sinuses {
            sinuses[sinus.side.index()] = sinus;
        }
    }

    /// Maps of other boxes are wrong maps: they go, and are computed anew where they were shown.
    pub(super) fn boxes_changed(&mut self) -> Vec<Effect> {
        let was_shown = self.analysis.is_some();
        self.set_analysis(None);
        let running = self.running(JobKind::Analyse);
        let mut effects = vec![Effect::Cancel(JobKind::Analyse)];
        if was_shown || running || self.settings.analyse_on_open {
            effects.extend(self.analyse());
        }
        effects
    }

    /// The sinus that the crosshair is clearly nearer to.
    #[must_use]
    pub fn side_at_cross(&self) -> Option<Side> {
        let sinuses = self.sinuses?;
        let distance = |side: Side| sinuses[side.index()].centre_mm.distance(self.view.cross_mm);
        let (right, left) = (distance(Side::Right), distance(Side::Left));
        let clear_mm = 8.0;
        ((right - left).abs() > clear_mm).then_some(if right < left { Side::Right } else { Side::Left })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::layers::LayerCommand;
    use crate::app::testing::{self, opened};
    use crate::space::Plane;

    #[test]
    fn an_analysis_is_exported_with_the_boxes_it_is_of() {
        let mut state = opened();
        assert!(state.apply(Command::Export).is_empty());
        assert!(state.message.take().is_some_and(|m| m.text.contains("nothing to export")));
        let scan = Arc::clone(&state.scan.as_ref().unwrap().scan);
        let analysis = Arc::new(testing::analysis(&scan, [DVec3::X * -25.0, DVec3::X * 25.0]));
        state.apply(Command::Analysed(Arc::clone(&analysis)));
        let effects = state.apply(Command::Export);
        let [Effect::Export(exported)] = &effects[..] else { panic!("{effects:?}") };
        assert!(Arc::ptr_eq(&exported.scan, &scan) && Arc::ptr_eq(&exported.analysis, &analysis));
        assert_eq!((Some(exported.sinuses), &exported.readings), (state.sinuses, &state.labels));

        // Figures of a box that was moved are gone, on screen and for the export, until they are computed anew.
        let before = exported.sinuses[Side::Right.index()];
        state.apply(Command::MoveBox(Side::Right, before.centre_mm + DVec3::X * 5.0));
        let effects = state.apply(Command::DropBox(before));
        assert!(effects.iter().any(|effect| matches!(effect, Effect::Analyse(..))), "measured again: {effects:?}");
        assert!(state.cavity(Side::Right).is_none() && state.apply(Command::Export).is_empty());
    }

    #[test]
    fn where_no_sinus_is_in_view_one_message_says_what_to_do() {
        let mut state = opened();
        let absent = state.sinuses.unwrap().map(|sinus| Sinus { present: Presence::Absent, confidence: 0.0, ..sinus });
        let effects = state.apply(Command::Found(absent));
        assert!(matches!(effects[..], [Effect::Cancel(JobKind::Analyse)]), "there is nothing to compute");
        let text = state.message.as_ref().map(|m| m.text.as_str()).unwrap_or_default();
        assert!(text.starts_with("No maxillary sinus is in view") && text.ends_with("drag its box onto it"), "{text}");
        assert!(state.apply(Command::Analyse).is_empty());
    }

    #[test]
    fn a_moved_box_drops_the_map_asks_for_a_new_one_and_can_be_undone() {
        let mut state = opened();
        let before = Sinus { confidence: 0.5, ..state.sinuses.unwrap()[Side::Right.index()] };
        state.put_box(before);
        state.apply(Command::MoveBox(Side::Right, before.centre_mm + DVec3::X * 5.0));
        let effects = state.apply(Command::DropBox(before));
        let [Effect::Cancel(JobKind::Analyse), Effect::Analyse(_, sinuses, _)] = &effects[..] else {
            panic!("{effects:?}");
        };
        assert_eq!(sinuses[Side::Right.index()].centre_mm.x, 30.0);
        state.apply(Command::Undo);
        assert_eq!(state.sinuses.unwrap()[Side::Right.index()], before, "found, not placed");
    }

    #[test]
    fn a_box_cannot_be_placed_beyond_that_of_the_other_side() {
        let mut state = opened();
        let before = state.sinuses;
        state.apply(Command::MoveBox(Side::Right, DVec3::new(-40.0, 30.0, -20.0)));
        assert_eq!(state.sinuses, before, "that is the left sinus");
        assert!(state.message.as_ref().is_some_and(|m| m.text.contains("stays on its side")));
        state.apply(Command::MoveBox(Side::Left, DVec3::new(-5.0, 30.0, -20.0)));
        assert_ne!(state.sinuses, before);
    }

    #[test]
    fn boxes_placed_by_hand_come_back_when_finding_again_is_undone() {
        let mut state = opened();
        let found = state.sinuses.unwrap().map(|sinus| Sinus { confidence: 0.5, ..sinus });
        state.sinuses = Some(found);
        state.apply(Command::Found(found));
        assert_eq!(state.undoable().0, None, "nothing was placed by hand");
        state.apply(Command::MoveBox(Side::Right, found[Side::Right.index()].centre_mm + DVec3::X * 5.0));
        state.apply(Command::DropBox(found[Side::Right.index()]));
        let placed = state.sinuses;
        state.apply(Command::Found(found));
        assert_eq!((state.sinuses, state.undoable().0.as_deref()), (Some(found), Some("find the sinuses again")));
        let effects = state.apply(Command::Undo);
        assert!(matches!(effects[..], [Effect::Cancel(JobKind::Analyse), Effect::Analyse(..)]), "{effects:?}");
        assert_eq!((state.sinuses, state.undoable().0.as_deref()), (placed, Some("move right box")));
        state.apply(Command::Redo);
        assert_eq!(state.sinuses, Some(found));
    }

    #[test]
    fn the_wheel_moves_by_slices_and_stops_at_the_edge() {
        let mut state = opened();
        let before = state.view.cross_mm;
        state.apply(Command::Scroll(Plane::Coronal, 3.0));
        assert_eq!(state.view.cross_mm - before, DVec3::Y * 6.0);
        state.apply(Command::Scroll(Plane::Axial, 1e6));
        assert!((state.view.cross_mm.z - 80.0).abs() < 1e-3);
        state.apply(Command::ScrollToEnd(Plane::Axial, false));
        assert!((state.view.cross_mm.z + 79.0).abs() < 1e-6);
    }

    #[test]
    fn zooming_keeps_the_point_under_the_cursor() {
        let mut state = opened();
        let at = DVec3::new(10.0, 20.0, 0.0);
        state.apply(Command::Zoom(Plane::Axial, 2.0, at));
        let pane = state.view.planes[0];
        assert_eq!((pane.zoom, pane.centre_mm), (2.0, at / 2.0));
        state.apply(Command::ResetViews);
        assert_eq!(state.view.planes[0].zoom, 1.0);
    }

    #[test]
    fn a_failed_opening_leaves_everything_as_it_was() {
        let mut state = opened();
        let (cross, generation) = (state.view.cross_mm, state.generation);
        state.apply(Command::Failed("no such file".to_owned()));
        assert!(state.scan.is_some() && state.sinuses.is_some());
        assert_eq!((state.view.cross_mm, state.generation), (cross, generation));
    }

    #[test]
    fn the_overlay_hides_on_its_key_and_while_peeking() {
        let mut state = opened();
        assert!(state.visible_layers().is_empty(), "nothing to show before the analysis");
        state.apply(Command::Layer(LayerCommand::ToggleAll));
        assert!(state.layers.hidden);
    }
}
