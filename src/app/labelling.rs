//! Labelling as the state sees it: what the reader says of each sinus, and what is hidden from a blind reader.

use super::command::{Effect, Write};
use super::message::Message;
use super::settings::Order;
use super::state::{JobKind, State};
use super::undo::Step;
use super::worklist::{Filter, KnownCase};
use crate::project::{Agreement, Label, Opinions, Reading};
use crate::space::Side;
use std::sync::Arc;

/// A wish about labels, or what became of one.
#[derive(Clone, Debug, PartialEq)]
pub enum LabelCommand {
    /// Label a sinus.
    Set(Side, Label),
    /// Label the sinus at the crosshair.
    SetCurrent(Label),
    /// Say all that a reading holds.
    Describe(Side, Reading),
    /// Show what else can be said of a sinus, or put it away.
    Details(Option<Side>),
    /// On to the next case that lacks a label.
    Next,
    /// Hide scores, maps and names until a sinus is labelled, or show them.
    Blind(bool),
    /// Label the cases again, unaware of what was said the first time, or go back to the first reading.
    SecondReading(bool),
    /// In which order the cases come.
    Order(Order),
    /// Go on by itself once both sinuses have their labels, or wait to be told.
    Advance(bool),
    /// The list as a table, or with pictures.
    Table(bool),
    /// Find out how far raters agree.
    CompareRaters,
    /// How far they agree.
    Compared(Arc<Agreement>),
    /// What is known of the series of the list.
    Listed(Vec<KnownCase>),
    /// Which of them to go through.
    Filter(Filter),
    /// What other raters say of the sinuses of the open scan, by [`Side::index`].
    Others([Opinions; 2]),
    /// An event could not be written; the reading before it counts.
    Refused {
        /// The sinus.
        side: Side,
        /// What was said of it until then.
        before: Option<Reading>,
        /// What was refused.
        kind: Write,
        /// Why, and what to do.
        reason: String,
    },
}

/// What is to be recorded of a sinus, and what the reader had seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Judgement {
    /// The sinus.
    pub side: Side,
    /// What is said from now on; none takes it back.
    pub reading: Option<Reading>,
    /// What was said until now; it counts again when writing fails.
    pub before: Option<Reading>,
    /// Why it is written.
    pub kind: Write,
    /// The score on screen.
    pub score: Option<f64>,
    /// Whether a score or map of this sinus was on screen before.
    pub ai_seen: bool,
    /// Whether scores, maps and names were hidden until now.
    pub blinded: bool,
}

impl State {
    pub(super) fn labelling(&mut self, command: LabelCommand) -> Vec<Effect> {
        match command {
            LabelCommand::Set(side, label) => self.label(side, label),
            LabelCommand::SetCurrent(label) => {
                let Some(side) = self.side_at_cross() else {
                    let text = "The crosshair is between the two sinuses. Move it onto one, or label on a card";
                    self.message = Some(Message::note(text));
                    return Vec::new();
                };
                self.label(side, label)
            }
            LabelCommand::Describe(side, reading) => self.say(side, reading.coherent()),
            LabelCommand::Details(side) => {
                self.details = side.filter(|_| self.sinuses.is_some());
                Vec::new()
            }
            LabelCommand::Next => self.next_case(),
            LabelCommand::Blind(on) => {
                self.settings.blind = on;
                self.look_at_scores();
                let text = if on {
                    "Blind reading: scores, maps and names stay hidden until a sinus is labelled"
                } else {
                    "Scores and maps are shown again"
                };
                self.message = Some(Message::note(text));
                self.save_settings()
            }
            LabelCommand::SecondReading(on) => self.read_again(on),
            LabelCommand::Order(order) => {
                self.settings.order = order;
                self.save_settings()
            }
            LabelCommand::Advance(on) => {
                self.settings.advance = on;
                self.save_settings()
            }
            LabelCommand::Table(on) => {
                self.settings.table = on;
                self.save_settings()
            }
            LabelCommand::CompareRaters => vec![Effect::CompareRaters],
            LabelCommand::Compared(agreement) => {
                self.agreement = Some(agreement);
                Vec::new()
            }
            LabelCommand::Listed(mut known) => {
                for (new, old) in known.iter_mut().zip(&self.worklist.known) {
                    new.told |= old.told;
                }
                self.worklist.known = known;
                self.look_at_scores();
                Vec::new()
            }
            LabelCommand::Filter(filter) => {
                self.worklist.filter = filter;
                self.look_at_scores();
                Vec::new()
            }
            LabelCommand::Others(others) => {
                self.others = others;
                self.look_at_scores();
                Vec::new()
            }
            LabelCommand::Refused { side, before, kind, reason } => {
                self.history.take_back(kind, |step| match step {
                    // What was there before an undo is what its step had led to.
                    Step::Label { side: of, after, .. } if kind == Write::Undo => (*of, after) == (side, &before),
                    Step::Label { side: of, before: was, .. } => (*of, was) == (side, &before),
                    _ => false,
                });
                self.put_reading(side, before);
                self.message = Some(Message::error(reason).kept());
                Vec::new()
            }
        }
    }

    fn label(&mut self, side: Side, label: Label) -> Vec<Effect> {
        let before = self.labels[side.index()].as_ref();
        let reading = before.map_or_else(|| Reading::of(label), |before| before.relabelled(label));
        let was_missing = before.is_none();
        let mut effects = self.say(side, reading);
        let is_done = !effects.is_empty() && was_missing && self.labels.iter().all(Option::is_some);
        if is_done && self.settings.advance && self.details.is_none() && self.cases().len() > 1 {
            effects.extend(self.next_case());
        }
        effects
    }

    fn say(&mut self, side: Side, reading: Reading) -> Vec<Effect> {
        if self.scan.is_none() {
            return Vec::new();
        }
        // Without the two cards nobody sees which side, or which case, a label would go to.
        let not_yet = match (self.sinuses.is_none(), self.running(JobKind::Find)) {
            _ if self.running(JobKind::Open) => Some("The next scan is being opened. Label it when it is there"),
            (true, true) => Some("The sinuses are being looked for. Label them when their cards are there"),
            (true, false) => Some("The sinuses have not been looked for yet. Press Find before labelling"),
            (false, _) => None,
        };
        if let Some(text) = not_yet {
            self.message = Some(Message::note(text));
            return Vec::new();
        }
        self.current = Some(side);
        let before = self.labels[side.index()].clone();
        if before.as_ref() == Some(&reading) {
            return Vec::new();
        }
        self.history.push(Step::Label { side, before: before.clone(), after: Some(reading.clone()) });
        self.set_reading(side, before, Some(reading), Write::New)
    }

    /// Puts a reading in place of another and has it recorded.
    pub(super) fn set_reading(
        &mut self,
        side: Side,
        before: Option<Reading>,
        reading: Option<Reading>,
        kind: Write,
    ) -> Vec<Effect> {
        // What was hidden until now is part of what is recorded; what this label brings to light is not.
        let ai_seen = self.ai_seen[side.index()];
        let blinded = self.is_blind_to(side) && !self.others_seen[side.index()];
        let score = self.finding(side).map(|finding| finding.score);
        self.put_reading(side, reading.clone());
        self.look_at_scores();
        vec![Effect::Record(Judgement { side, reading, before, kind, score, ai_seen, blinded })]
    }

    fn put_reading(&mut self, side: Side, reading: Option<Reading>) {
        let label = reading.as_ref().map(|reading| reading.label);
        self.labels[side.index()] = reading;
        if let Some(listed) = self.series().and_then(|series| self.worklist.known.get_mut(series)) {
            listed.labels[side.index()] = label;
        }
    }

    /// What other raters say of a sinus: nothing while the reader reads blind, nor before his own label, unless he goes
    /// through disputes.
    #[must_use]
    pub fn opinions(&self, side: Side) -> &[(String, Label)] {
        let independent = self.labels[side.index()].is_some() || self.filter() == Filter::Disputed;
        if self.settings.blind || !independent { &[] } else { &self.others[side.index()] }
    }

    /// Whether scores and maps of a sinus are hidden from the reader: while he reads blind and has not labelled it.
    #[must_use]
    pub fn is_blind_to(&self, side: Side) -> bool {
        self.settings.blind && self.labels[side.index()].is_none()
    }

    /// Whether maps are hidden, which would show both sinuses.
    #[must_use]
    pub fn is_blind(&self) -> bool {
        Side::BOTH.into_iter().any(|side| self.is_blind_to(side))
    }

    /// Takes note of the scores, and of what other raters say, that are on screen now.
    pub(super) fn look_at_scores(&mut self) {
        if !self.settings.blind {
            self.worklist.known.iter_mut().for_each(|case| case.told = true);
        }
        let listed = self.series().map(|series| self.known(series)).filter(|case| case.told);
        for side in Side::BOTH {
            self.others_seen[side.index()] |= !self.opinions(side).is_empty();
            // The list tells a probability too: to whoever reads blind now, if he did not before.
            let listed = listed.is_some_and(|case| case.probabilities[side.index()].is_some());
            if listed || self.finding(side).is_some() && !self.is_blind_to(side) {
                self.ai_seen[side.index()] = true;
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::Command;
    use crate::app::state::JobView;
    use crate::app::testing::{self, opened};
    use crate::job::Status;
    use crate::project::AnomalyType;
    use glam::DVec3;

    const LEFT: usize = 0;
    const RIGHT: usize = 1;

    fn set(side: Side, label: Label) -> Command {
        Command::Label(LabelCommand::Set(side, label))
    }

    #[allow(clippy::unnecessary_wraps, reason = "readings of a case may be none")]
    fn of(label: Label) -> Option<Reading> {
        Some(Reading::of(label))
    }

    fn recorded(effects: &[Effect]) -> Option<(Side, Option<Label>, Write)> {
        match effects {
            [Effect::Record(judged)] => {
                Some((judged.side, judged.reading.as_ref().map(|reading| reading.label), judged.kind))
            }
            _ => None,
        }
    }

    #[test]
    fn labels_of_the_case_come_back_with_the_scan() {
        assert_eq!(opened().labels, [None, of(Label::Normal)]);
    }

    #[test]
    fn a_label_is_recorded_for_its_side_only_and_can_be_undone_and_redone() {
        let mut state = opened();
        let effects = state.apply(set(Side::Left, Label::Anomalous));
        assert_eq!(recorded(&effects), Some((Side::Left, Some(Label::Anomalous), Write::New)));
        assert_eq!(state.labels, [of(Label::Anomalous), of(Label::Normal)]);
        assert_eq!(recorded(&state.apply(Command::Undo)), Some((Side::Left, None, Write::Undo)));
        assert_eq!(state.labels, [None, of(Label::Normal)]);
        assert_eq!(recorded(&state.apply(Command::Redo)), Some((Side::Left, Some(Label::Anomalous), Write::Redo)));
        assert!(state.apply(set(Side::Left, Label::Anomalous)).is_empty(), "the same label again is no event");
    }

    #[test]
    fn what_is_said_beside_a_label_is_a_step_of_its_own() {
        let mut state = opened();
        state.apply(set(Side::Left, Label::Anomalous));
        let polyp = Reading { anomaly: Some(AnomalyType::Polyp), severity: Some(1), ..Reading::of(Label::Anomalous) };
        let effects = state.apply(Command::Label(LabelCommand::Describe(Side::Left, polyp.clone())));
        assert!(matches!(&effects[..], [Effect::Record(judged)] if judged.reading == Some(polyp.clone())));
        assert_eq!(state.undoable().0.as_deref(), Some("describe left"));
        state.apply(set(Side::Left, Label::Uncertain));
        assert_eq!(state.labels[LEFT].as_ref().unwrap().anomaly, None, "a type is of anomalous sinuses");
        state.apply(Command::Undo);
        assert_eq!(state.labels[LEFT], Some(polyp));
        state.apply(Command::Undo);
        assert_eq!(state.labels, [of(Label::Anomalous), of(Label::Normal)]);
    }

    #[test]
    fn without_the_cards_of_the_sinuses_there_is_nothing_to_label() {
        let mut state = State { sinuses: None, ..opened() };
        assert!(state.apply(set(Side::Left, Label::Anomalous)).is_empty());
        assert_eq!(state.labels[LEFT], None);
        assert!(state.message.take().is_some_and(|m| m.shown(false).contains("Press Find")));
        let mut state = opened();
        let status = Status { fraction: 0.0, stage: String::new(), eta: None };
        state.jobs = vec![JobView { kind: JobKind::Open, name: String::new(), status }];
        assert!(
            state.apply(set(Side::Left, Label::Anomalous)).is_empty(),
            "the reader may look at the next one already"
        );
    }

    #[test]
    fn a_refused_label_is_taken_back_and_said() {
        let mut state = opened();
        state.apply(set(Side::Right, Label::Anomalous));
        let refused = |before, kind| {
            let reason = "disk full".to_owned();
            Command::Label(LabelCommand::Refused { side: Side::Right, before, kind, reason })
        };
        state.apply(refused(of(Label::Normal), Write::New));
        assert_eq!(state.labels[RIGHT], of(Label::Normal));
        assert!(state.message.as_ref().is_some_and(|m| m.error) && state.undoable().0.is_none());

        // A refused undo leaves the step to be undone again.
        state.apply(set(Side::Right, Label::Anomalous));
        state.apply(Command::Undo);
        state.apply(refused(of(Label::Anomalous), Write::Undo));
        assert_eq!(state.labels[RIGHT], of(Label::Anomalous));
        let named = Some("label right anomalous".to_owned());
        assert_eq!(state.undoable(), (named.clone(), None));

        // A refused redo leaves it to be redone.
        state.apply(Command::Undo);
        state.apply(Command::Redo);
        state.apply(refused(of(Label::Normal), Write::Redo));
        assert_eq!(state.undoable(), (None, named));
    }

    #[test]
    fn a_refusal_takes_back_its_own_step_and_no_later_one() {
        let mut state = opened();
        state.apply(set(Side::Left, Label::Anomalous));
        let before = state.sinuses.unwrap()[RIGHT];
        state.apply(Command::MoveBox(Side::Right, before.centre_mm + DVec3::X * 5.0));
        state.apply(Command::DropBox(before));
        let reason = "disk full".to_owned();
        let refused = LabelCommand::Refused { side: Side::Left, before: None, kind: Write::New, reason };
        state.apply(Command::Label(refused));
        assert_eq!(state.undoable().0.as_deref(), Some("move right box"));
        state.apply(Command::Undo);
        assert_eq!(state.undoable().0, None);
    }

    #[test]
    fn what_others_say_is_seen_after_the_readers_own_label_and_then_he_is_blind_no_more() {
        let others = || {
            let ben = vec![("ben".to_owned(), Label::Anomalous)];
            Command::Label(LabelCommand::Others([ben.clone(), ben]))
        };
        let judged = |effects: Vec<Effect>| matches!(&effects[..], [Effect::Record(judged)] if judged.blinded);
        let mut state = opened();
        state.apply(others());
        assert!(state.opinions(Side::Left).is_empty(), "before the reader's own label");
        assert_eq!(state.opinions(Side::Right).len(), 1);
        state.apply(Command::Label(LabelCommand::Blind(true)));
        assert!(state.opinions(Side::Right).is_empty());
        assert!(judged(state.apply(set(Side::Left, Label::Normal))));

        let mut state = opened();
        state.apply(others());
        state.apply(Command::Label(LabelCommand::Filter(Filter::Disputed)));
        assert_eq!(state.opinions(Side::Left).len(), 1, "whoever settles disputes must see them");
        state.apply(Command::Label(LabelCommand::Blind(true)));
        assert!(!judged(state.apply(set(Side::Left, Label::Normal))), "he knew what ben says");
    }

    #[test]
    fn labels_without_a_side_mean_the_sinus_at_the_crosshair() {
        let mut state = opened();
        state.apply(set(Side::Right, Label::Normal));
        let uncertain = || Command::Label(LabelCommand::SetCurrent(Label::Uncertain));
        state.apply(Command::CrossTo(DVec3::new(0.0, 30.0, -20.0)));
        assert!(state.apply(uncertain()).is_empty(), "between the two it means neither");
        state.apply(Command::CrossTo(DVec3::new(-24.0, 30.0, -20.0)));
        let effects = state.apply(uncertain());
        assert_eq!(recorded(&effects), Some((Side::Left, Some(Label::Uncertain), Write::New)));
    }

    #[test]
    fn a_blind_reader_sees_scores_after_his_label_and_the_record_says_so() {
        let mut state = opened();
        state.settings.show_paths = true;
        state.apply(Command::Label(LabelCommand::Blind(true)));
        assert!(!state.settings.shows_names() && state.is_blind_to(Side::Left) && state.is_blind());
        assert!(!state.is_blind_to(Side::Right), "it has a label");
        let scan = Arc::clone(&state.scan.as_ref().unwrap().scan);
        let mut analysis = testing::analysis(&scan, [DVec3::X * -25.0, DVec3::X * 25.0]);
        analysis.findings = Side::BOTH.map(|side| testing::finding(side, &scan)).into();
        state.apply(Command::Analysed(Arc::new(analysis)));
        assert_eq!((state.ai_seen, state.seen_layers().count()), ([false, true], 0));
        let judged = |effects: Vec<Effect>| match effects.into_iter().next() {
            Some(Effect::Record(judged)) => (judged.blinded, judged.ai_seen),
            other => panic!("{other:?}"),
        };
        assert!(state.apply(Command::Export).is_empty(), "nor are figures written that are hidden");
        assert_eq!(judged(state.apply(set(Side::Left, Label::Normal))), (true, false));
        assert!(!state.is_blind() && state.seen_layers().count() > 0);
        assert_eq!(judged(state.apply(set(Side::Left, Label::Anomalous))), (false, true), "he has seen it by now");
        state.apply(Command::Label(LabelCommand::Blind(false)));
        assert!(state.settings.shows_names(), "as before");
    }
}
