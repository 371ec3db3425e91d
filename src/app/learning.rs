//! Fine-tuning the classifier on the reader's labels: what there is to learn from, how a training goes, which of the
//! classifiers is in use.

use super::command::Effect;
use super::kept_weights::TunedWeights;
use super::message::Message;
use super::shell::Drawer;
use super::state::{JobKind, State};
use crate::methods::residual::Layers;
use crate::train::Epoch;

/// What is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Learning {
    /// What is to learn.
    pub layers: Layers,
    /// What the project has; none until it was looked at.
    pub known: Option<KnownWeights>,
    /// The epochs of the training that goes on, or of the last one.
    pub history: Vec<Epoch>,
}

/// What a project has to learn from, and what was learned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KnownWeights {
    /// Sinuses that the reader calls normal and anomalous.
    pub labelled: [usize; 2],
    /// Classifiers that were fine-tuned, the oldest first.
    pub tuned: Vec<TunedWeights>,
    /// The number of the one in use; none where it is the built-in one.
    pub used: Option<u32>,
}

/// A wish about the classifier, or what came of one.
#[derive(Clone, Debug, PartialEq)]
pub enum LearnCommand {
    /// See what there is to learn from.
    Look,
    /// This is what there is.
    Known(KnownWeights),
    /// Choose what is to learn.
    Layers(Layers),
    /// Fine-tune.
    Start,
    /// An epoch is over.
    Epoch(Epoch),
    /// A training is over.
    Learned {
        /// What it gave.
        weights: TunedWeights,
        /// Whether that is in use now.
        used: bool,
        /// Labelled scans that could not be read, and were not learned from.
        left_out: usize,
    },
    /// Use a classifier: that of a number, or the built-in one.
    Use(Option<u32>),
}

/// What has to be done outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LearnEffect {
    /// See what there is to learn from.
    Look,
    /// Fine-tune.
    Start(Layers),
    /// Use a classifier from now on.
    Use(Option<u32>),
}

impl State {
    pub(super) fn learn(&mut self, command: LearnCommand) -> Vec<Effect> {
        match command {
            LearnCommand::Look => vec![Effect::Learn(LearnEffect::Look)],
            LearnCommand::Known(known) => {
                self.learning.known = Some(known);
                Vec::new()
            }
            LearnCommand::Layers(layers) => {
                self.learning.layers = layers;
                Vec::new()
            }
            LearnCommand::Start if self.running(JobKind::Learn) => Vec::new(),
            LearnCommand::Start => {
                self.learning.history.clear();
                vec![Effect::Learn(LearnEffect::Start(self.learning.layers))]
            }
            LearnCommand::Epoch(epoch) => {
                self.learning.history.push(epoch);
                Vec::new()
            }
            LearnCommand::Learned { weights, used, left_out } => {
                let known = self.learning.known.get_or_insert_default();
                known.tuned.retain(|other| other.number != weights.number);
                known.tuned.push(weights);
                let [normal, anomalous] = weights.tuned.before.sinuses;
                let on = format!("{} labelled sinuses kept out", normal + anomalous);
                let on = if left_out == 0 { on } else { format!("{on} ({left_out} labelled scans could not be read)") };
                if weights.tuned.helped() && !used {
                    let text = format!("The fine-tuned classifier does better on {on}; another was chosen meanwhile");
                    self.message = Some(Message::note(text).kept());
                    return Vec::new();
                }
                if !weights.tuned.is_told() {
                    let text = format!(
                        "Whether the fine-tuned classifier does better cannot be told on {on}: choose it, or label more"
                    );
                    self.message = Some(Message::note(text).kept());
                    return Vec::new();
                }
                if !used {
                    let text = format!("The fine-tuned classifier does no better on {on}: the former one stays in use");
                    self.message = Some(Message::note(text).kept());
                    return Vec::new();
                }
                known.used = Some(weights.number);
                let text = format!(
                    "The fine-tuned classifier does better on {on} and is in use; the former can be chosen again"
                );
                self.message = Some(Message::note(text).kept());
                self.analysed_anew()
            }
            LearnCommand::Use(number) => {
                self.learning.known.get_or_insert_default().used = number;
                let mut effects = vec![Effect::Learn(LearnEffect::Use(number))];
                effects.extend(self.analysed_anew());
                effects
            }
        }
    }

    /// Labels that are written are counted again where their number is on screen.
    pub(super) fn counted(&self, mut effects: Vec<Effect>) -> Vec<Effect> {
        let written = effects.iter().any(|effect| matches!(effect, Effect::Record(_)));
        if written && self.drawer() == Some(Drawer::Model) {
            effects.push(Effect::Learn(LearnEffect::Look));
        }
        effects
    }

    /// The open scan by the classifier and the settings in use now, where others have spoken or are about to.
    pub(super) fn analysed_anew(&mut self) -> Vec<Effect> {
        if self.analysis.is_none() && !self.running(JobKind::Analyse) {
            return Vec::new();
        }
        // What another said must not stand beside the name of this one.
        let mut effects = self.set_analysis(None);
        effects.push(Effect::Cancel(JobKind::Analyse));
        effects.extend(self.analyse());
        effects
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::app::Command;
    use crate::app::labelling::LabelCommand;
    use crate::app::shell::ShellCommand;
    use crate::app::testing::{analysis, opened};
    use crate::methods::residual::MapKind;
    use crate::methods::residual::{Performance, Tuned};
    use crate::project::Label;
    use crate::space::Side;
    use glam::DVec3;
    use std::sync::Arc;

    fn weights(number: u32, loss_after: f64) -> TunedWeights {
        let worth = |loss| Performance { sinuses: [5, 4], auroc: None, accuracy: 0.5, cross_entropy: loss };
        let tuned = Tuned { layers: Layers::Head, before: worth(0.6), after: worth(loss_after) };
        TunedWeights { number, labelled: [20, 10], tuned }
    }

    fn send(state: &mut State, command: LearnCommand) -> Vec<Effect> {
        state.apply(Command::Learn(command))
    }

    fn analyse(state: &mut State) {
        let scan = Arc::clone(&state.scan.as_ref().unwrap().scan);
        state.apply(Command::Analysed(Arc::new(analysis(&scan, [DVec3::ZERO; 2]))));
    }

    fn analysed() -> State {
        let mut state = opened();
        analyse(&mut state);
        state
    }

    #[test]
    fn weights_that_do_better_are_used_at_once_and_others_are_only_kept() {
        let mut state = analysed();
        assert!(
            send(&mut state, LearnCommand::Learned { weights: weights(1, 0.7), used: false, left_out: 2 }).is_empty()
        );
        assert_eq!(state.learning.known.as_ref().unwrap().used, None);
        assert!(
            state.message.as_ref().unwrap().text.contains("(2 labelled scans could not be read): the former one stays")
        );
        let effects = send(&mut state, LearnCommand::Learned { weights: weights(2, 0.4), used: true, left_out: 0 });
        assert!(matches!(effects[..], [Effect::Cancel(JobKind::Analyse), Effect::Analyse(..)]), "{effects:?}");
        assert!(state.analysis.is_none(), "what the former one said is gone");
        let known = state.learning.known.as_ref().unwrap();
        assert_eq!((known.used, known.tuned.len()), (Some(2), 2));
    }

    #[test]
    fn too_few_sinuses_prove_nothing() {
        let mut state = analysed();
        let mut few = weights(1, 0.1);
        few.tuned.before.sinuses = [9, 2];
        assert!(!few.tuned.helped());
        assert!(send(&mut state, LearnCommand::Learned { weights: few, used: false, left_out: 0 }).is_empty());
        assert!(state.message.unwrap().text.contains("cannot be told on 11 labelled sinuses"));
    }

    #[test]
    fn the_former_weights_can_be_used_again() {
        let mut state = analysed();
        send(&mut state, LearnCommand::Learned { weights: weights(1, 0.4), used: true, left_out: 0 });
        analyse(&mut state);
        let effects = send(&mut state, LearnCommand::Use(None));
        assert!(
            matches!(effects[..], [Effect::Learn(LearnEffect::Use(None)), Effect::Cancel(_), Effect::Analyse(..)]),
            "{effects:?}"
        );
        assert_eq!(state.learning.known.unwrap().used, None);
        let mut nothing_open = State::default();
        assert_eq!(send(&mut nothing_open, LearnCommand::Use(Some(1))).len(), 1, "there is nothing to compute anew");
    }

    #[test]
    fn many_crops_are_asked_for_at_once_and_from_then_on() {
        let mut state = analysed();
        let effects = state.apply(Command::ManyCrops(true));
        let [Effect::SaveSettings(settings), Effect::Cancel(JobKind::Analyse), Effect::Analyse(_, _, config)] =
            &effects[..]
        else {
            panic!("{effects:?}")
        };
        assert!(settings.many_crops && config.crops == 15);
        analyse(&mut state);
        let [.., Effect::Analyse(_, _, config)] = &state.apply(Command::ManyCrops(false))[..] else { panic!("no map") };
        assert_eq!(config.crops, 1);
    }

    #[test]
    fn maps_are_made_as_chosen_at_once_and_from_then_on() {
        let mut state = analysed();
        let effects = state.apply(Command::Residual(0, MapKind::Cube));
        let [Effect::SaveSettings(_), Effect::Cancel(JobKind::Analyse), Effect::Analyse(_, _, config)] = &effects[..]
        else {
            panic!("{effects:?}")
        };
        assert_eq!((config.median, config.map, config.crops), (0, MapKind::Cube, 1));
        let [.., Effect::Analyse(_, _, config)] = &state.apply(Command::Analyse)[..] else { panic!("no map") };
        assert_eq!(config.map_name(), "cube-0");
    }

    #[test]
    fn labels_are_counted_again_while_their_number_is_on_screen() {
        let looks = |effects: Vec<Effect>| effects.iter().any(|e| matches!(e, Effect::Learn(LearnEffect::Look)));
        let mut state = opened();
        let label = || Command::Label(LabelCommand::Set(Side::Left, Label::Normal));
        assert!(!looks(state.apply(label())));
        assert!(looks(state.apply(Command::Shell(ShellCommand::ToggleDrawer(Drawer::Model)))));
        assert!(looks(state.apply(Command::Undo)));
        assert!(looks(state.apply(label())));
    }

    #[test]
    fn a_training_shows_its_own_epochs() {
        let mut state = State::default();
        send(&mut state, LearnCommand::Layers(Layers::All));
        send(&mut state, LearnCommand::Epoch(Epoch { number: 1, training_loss: 0.7, validation_loss: 0.7 }));
        assert_eq!(state.learning.history.len(), 1);
        let effects = send(&mut state, LearnCommand::Start);
        assert!(matches!(effects[..], [Effect::Learn(LearnEffect::Start(Layers::All))]));
        assert!(state.learning.history.is_empty());
    }
}
