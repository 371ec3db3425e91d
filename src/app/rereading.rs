//! Second readings as the state sees them: the same cases once more, unaware of what was said of them before.

use super::command::Effect;
use super::message::Message;
use super::state::{JobKind, State};
use crate::project::{first_reading, second_reading};

impl State {
    /// Whether cases are labelled for the second time.
    #[must_use]
    pub fn is_second_reading(&self) -> bool {
        first_reading(&self.rater).is_some()
    }

    /// Changes between the two readings: labels of the other one are put away, the open case is opened for this one.
    pub(super) fn read_again(&mut self, on: bool) -> Vec<Effect> {
        if on == self.is_second_reading() || self.running(JobKind::Open) {
            return Vec::new();
        }
        self.rater = first_reading(&self.rater).map_or_else(|| second_reading(&self.rater), str::to_owned);
        (self.history, self.former, self.returning) = Default::default();
        self.rereading = true;
        self.labels = [None, None];
        self.worklist.known.iter_mut().for_each(|case| case.labels = [None; 2]);
        let text = if on {
            "Second reading: what you said before is hidden, and compared with what you say now under Raters"
        } else {
            "First reading: your labels are as you left them"
        };
        self.message = Some(Message::note(text));
        let mut effects = vec![Effect::ReadAs(self.rater.clone())];
        effects.extend(self.open_anew());
        effects
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Command;
    use crate::app::labelling::LabelCommand;
    use crate::app::testing::opened;
    use crate::project::Label;
    use crate::space::Side;

    #[test]
    fn a_second_reading_begins_without_the_labels_of_the_first_and_is_kept_apart() {
        let mut state = State { rater: "anna".to_owned(), ..opened() };
        state.apply(Command::Label(LabelCommand::Set(Side::Left, Label::Anomalous)));
        let effects = state.apply(Command::Label(LabelCommand::SecondReading(true)));
        assert!(matches!(&effects[..], [Effect::ReadAs(rater), Effect::Open(_)] if rater == "anna (second reading)"));
        assert_eq!((&state.labels, state.undoable(), state.is_second_reading()), (&[None, None], (None, None), true));
        assert!(state.apply(Command::Label(LabelCommand::SecondReading(true))).is_empty(), "it has begun");
        let effects = state.apply(Command::Label(LabelCommand::SecondReading(false)));
        assert!(matches!(&effects[..], [Effect::ReadAs(rater), Effect::Open(_)] if rater == "anna"));
    }
}
