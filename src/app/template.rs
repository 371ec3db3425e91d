//! Templates in the window: finding sinuses by one, and recording the boxes placed by hand in one.

use super::command::{Command, Effect, Wanted};
use super::message::Message;
use super::state::{OpenScan, State};
use crate::methods::sinus::{Presence, Sinus};
use std::path::PathBuf;
use std::sync::Arc;

/// A wish about templates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TemplateCommand {
    /// Ask for a template to find sinuses by.
    Ask,
    /// Find sinuses by the template in this folder; by the networks where there is none.
    FindBy(Option<PathBuf>),
    /// Ask for a template to add the boxes to.
    AskToAdd,
    /// Add the boxes placed by hand to the template in this folder; one is made of the open scan where there is none.
    Add(PathBuf),
}

impl State {
    /// Looks for the sinuses of a scan in the way that was chosen.
    pub(super) fn looking_for_sinuses(&self, open: &OpenScan) -> Effect {
        let scan = Arc::clone(&open.scan);
        match &self.settings.template {
            Some(folder) => Effect::FindBy(scan, folder.clone()),
            None => Effect::Find(scan),
        }
    }

    pub(super) fn template(&mut self, command: TemplateCommand) -> Vec<Effect> {
        match command {
            TemplateCommand::Ask => vec![Effect::Ask(Wanted::Template)],
            TemplateCommand::FindBy(folder) => {
                self.settings.template = folder;
                let mut effects = self.save_settings();
                effects.extend(self.apply(Command::Find));
                effects
            }
            TemplateCommand::AskToAdd if self.has_boxes_by_hand() => vec![Effect::Ask(Wanted::TemplateToAdd)],
            TemplateCommand::AskToAdd => {
                let text = "Only boxes placed by hand are recorded in a template. Drag one onto its sinus first";
                self.message = Some(Message::note(text));
                Vec::new()
            }
            TemplateCommand::Add(folder) => match (&self.scan, self.sinuses) {
                (Some(open), Some(sinuses)) => {
                    let centres_mm = sinuses.map(|sinus| placed(&sinus).then_some(sinus.centre_mm));
                    vec![Effect::AddToTemplate(Arc::clone(&open.scan), centres_mm, folder)]
                }
                _ => Vec::new(),
            },
        }
    }

    /// Whether a box of the open scan was placed by hand.
    #[must_use]
    pub fn has_boxes_by_hand(&self) -> bool {
        self.sinuses.is_some_and(|sinuses| sinuses.iter().any(placed))
    }
}

fn placed(sinus: &Sinus) -> bool {
    sinus.by_hand() && sinus.present != Presence::Absent
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::app::command::Opened;
    use crate::app::testing::scan;
    use crate::space::Side;
    use glam::DVec3;

    fn opened() -> State {
        let mut state = State::default();
        let opened = Opened { scan: Arc::new(scan([100, 90, 80])), origin: None, labels: [None, None] };
        state.apply(Command::Opened(opened));
        let grid = state.volume().unwrap().grid;
        let found = |side: Side| Sinus {
            confidence: 0.8,
            ..Sinus::placed(side, DVec3::new(25.0 * side.sign(), 30.0, -20.0), &grid)
        };
        state.apply(Command::Found([Side::Left, Side::Right].map(found)));
        state
    }

    fn send(state: &mut State, command: TemplateCommand) -> Vec<Effect> {
        state.apply(Command::Template(command))
    }

    #[test]
    fn a_chosen_template_is_kept_and_looked_by_at_once_and_from_then_on() {
        let mut state = opened();
        let folder = PathBuf::from("/templates/flair");
        let effects = send(&mut state, TemplateCommand::FindBy(Some(folder.clone())));
        assert!(matches!(&effects[..], [Effect::SaveSettings(kept), Effect::FindBy(_, by)]
            if kept.template.as_ref() == Some(&folder) && *by == folder));
        assert!(matches!(&state.apply(Command::Find)[..], [Effect::FindBy(..)]));
        let effects = send(&mut state, TemplateCommand::FindBy(None));
        assert!(matches!(&effects[..], [Effect::SaveSettings(kept), Effect::Find(_)] if kept.template.is_none()));
    }

    #[test]
    fn only_boxes_placed_by_hand_are_recorded_each_on_its_side() {
        let mut state = opened();
        assert!(send(&mut state, TemplateCommand::AskToAdd).is_empty());
        assert!(state.message.is_some());
        let placed_mm = DVec3::new(31.0, 28.0, -18.0);
        state.apply(Command::MoveBox(Side::Right, placed_mm));
        assert!(matches!(send(&mut state, TemplateCommand::AskToAdd)[..], [Effect::Ask(Wanted::TemplateToAdd)]));
        let effects = send(&mut state, TemplateCommand::Add("/templates/flair".into()));
        let [Effect::AddToTemplate(_, centres_mm, _)] = effects[..] else { panic!("{effects:?}") };
        assert_eq!(centres_mm[Side::Right.index()], Some(placed_mm));
        assert_eq!(centres_mm[Side::Left.index()], None);
    }
}
