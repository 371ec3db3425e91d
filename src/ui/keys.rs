//! What a key is, and which of the actions is meant by the keys that are pressed.

use super::actions::{ACTIONS, Action};
use crate::app::Command;
use crate::app::labelling::LabelCommand;
use crate::app::layers::LayerCommand;
use crate::app::measure::MeasureCommand;
use crate::app::settings::Settings;
use crate::app::state::{Pane, State};
use crate::measure::Kind;
use crate::project::Label;
use crate::space::Side;
use egui::{Context, Event, Key, Modifiers};

/// A key with what is held along with it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Shortcut {
    modifiers: Modifiers,
    key: Key,
}

impl Shortcut {
    /// Reads `Ctrl+Shift+Z`.
    pub fn parse(text: &str) -> Option<Self> {
        // The key itself may be a plus.
        let (held, key) = match text.strip_suffix("++") {
            Some(held) => (held, "+"),
            None => text.rsplit_once('+').filter(|(_, key)| !key.is_empty()).unwrap_or(("", text)),
        };
        let mut modifiers = Modifiers::NONE;
        for word in held.split('+').filter(|word| !word.is_empty()) {
            modifiers = modifiers.plus(match word {
                "Ctrl" | "Cmd" => Modifiers::COMMAND,
                "Shift" => Modifiers::SHIFT,
                "Alt" => Modifiers::ALT,
                _ => return None,
            });
        }
        let key = match key {
            "PgUp" => Key::PageUp,
            "PgDn" => Key::PageDown,
            name => Key::from_name(name)?,
        };
        Some(Self { modifiers, key })
    }

    /// The text that [`Shortcut::parse`] reads.
    pub fn text(self) -> String {
        let held = [
            (self.modifiers.command || self.modifiers.ctrl, "Ctrl+"),
            (self.modifiers.alt, "Alt+"),
            (self.modifiers.shift && !is_sign(self.key), "Shift+"),
        ];
        let held: String = held.into_iter().filter_map(|(is_held, text)| is_held.then_some(text)).collect();
        let key = match self.key {
            Key::PageUp => "PgUp",
            Key::PageDown => "PgDn",
            Key::ArrowUp => "Up",
            Key::ArrowDown => "Down",
            Key::ArrowLeft => "Left",
            Key::ArrowRight => "Right",
            Key::Escape => "Esc",
            Key::Minus => "-",
            key if is_sign(key) => key.symbol_or_name(),
            key => key.name(),
        };
        held + key
    }

    /// Whether this is what was pressed. On some keyboards a sign needs Shift, so that says nothing there.
    fn is(self, key: Key, mut modifiers: Modifiers) -> bool {
        if is_sign(key) {
            modifiers.shift = self.modifiers.shift;
        }
        self.key == key && modifiers.matches_exact(self.modifiers)
    }
}

/// Keys that are neither letters nor digits nor have a name of their own on the keyboard.
fn is_sign(key: Key) -> bool {
    let symbol = if key == Key::Minus { "-" } else { key.symbol_or_name() };
    symbol.chars().count() == 1 && symbol.is_ascii() && !symbol.chars().all(|c| c.is_ascii_alphanumeric())
}

/// The keys of an action as text: its own, or those the user gave it. Several are separated by spaces.
pub(super) fn text<'a>(settings: &'a Settings, action: &Action) -> &'a str {
    settings.keys.get(action.id).map_or(action.usual, String::as_str)
}

/// The keys of an action by its name, for menus and tooltips; empty where it has none.
pub(super) fn of<'a>(settings: &'a Settings, id: &str) -> &'a str {
    ACTIONS.iter().find(|action| action.id == id).map_or("", |action| text(settings, action))
}

/// A tooltip with the key of an action behind it.
pub(super) fn hint(settings: &Settings, what: &str, id: &str) -> String {
    match of(settings, id) {
        "" => what.to_owned(),
        key => format!("{what} ({})", key.replace(' ', ", ")),
    }
}

fn shortcuts(settings: &Settings, action: &Action) -> impl Iterator<Item = Shortcut> {
    text(settings, action).split(' ').filter_map(Shortcut::parse)
}

/// The actions that have a key with another one in common; a key with two meanings has the first one.
pub(super) fn conflicts(settings: &Settings) -> Vec<(&'static Action, &'static Action, String)> {
    let all: Vec<(&Action, Shortcut)> =
        ACTIONS.iter().flat_map(|action| shortcuts(settings, action).map(move |key| (action, key))).collect();
    let mut found = Vec::new();
    for (number, (action, key)) in all.iter().enumerate() {
        let others = all[number + 1..].iter().filter(|(other, same)| same == key && other.id != action.id);
        found.extend(others.map(|(other, _)| (*action, *other, key.text())));
    }
    found
}

/// The commands of the keys pressed in this frame, in their order. `pane` is the one that keys for slices mean;
/// `elsewhere` says that another widget has the keyboard and needs the keys that move and press.
pub(super) fn pressed(ctx: &Context, state: &State, pane: Pane, elsewhere: bool) -> Vec<Command> {
    if ctx.text_edit_focused() || is_capturing(ctx) {
        return Vec::new();
    }
    let settings = &state.settings;
    let mut commands = Vec::new();
    ctx.input(|input| {
        for event in &input.events {
            let Event::Key { key, physical_key, pressed: true, repeat, modifiers } = event else { continue };
            if elsewhere && modifiers.is_none() && moves_or_presses(*key) {
                continue;
            }
            let means = |key: Key| {
                ACTIONS.iter().find(|action| shortcuts(settings, action).any(|shortcut| shortcut.is(key, *modifiers)))
            };
            // Where digits need Shift, the place of the key counts.
            let action = means(*key).or_else(|| physical_key.and_then(means));
            // A held key scrolls on, but does not label, undo or switch again and again.
            // A sign whose Shift is let go first is let go as another key, and seems to be held for ever.
            let action = action.filter(|action| action.repeats || !repeat || is_sign(*key));
            commands.extend(action.and_then(|action| (action.command)(state, pane)));
        }
    });
    let peek = !elsewhere && is_held(ctx, settings, "peek");
    if peek != state.layers.peek {
        commands.push(Command::Layer(LayerCommand::Peek(peek)));
    }
    commands
}

/// The keys that do something while they are held.
fn held(settings: &Settings, id: &str) -> impl Iterator<Item = Key> {
    let actions = ACTIONS.iter().filter(move |action| action.id == id);
    actions.flat_map(|action| shortcuts(settings, action).map(|shortcut| shortcut.key))
}

/// Whether a key that does something while it is held is held alone.
pub(super) fn is_held(ctx: &Context, settings: &Settings, id: &str) -> bool {
    let alone = |input: &egui::InputState| input.modifiers.is_none();
    !ctx.text_edit_focused() && ctx.input(|i| alone(i) && held(settings, id).any(|key| i.key_down(key)))
}

/// Keys by which widgets are moved and pressed.
fn moves_or_presses(key: Key) -> bool {
    use Key::{ArrowDown, ArrowLeft, ArrowRight, ArrowUp, End, Enter, Home, Space};
    matches!(key, ArrowUp | ArrowDown | ArrowLeft | ArrowRight | Home | End | Enter | Space)
}

/// Where egui remembers which action waits for a new key.
pub(super) fn capture_id() -> egui::Id {
    egui::Id::unique("action that waits for its key")
}

fn is_capturing(ctx: &Context) -> bool {
    ctx.data(|data| data.get_temp::<&'static str>(capture_id())).is_some()
}

/// The first key pressed in this frame, for an action that waits for one.
pub(super) fn captured(ctx: &Context) -> Option<Shortcut> {
    ctx.input(|input| {
        input.events.iter().find_map(|event| match event {
            Event::Key { key, pressed: true, modifiers, .. } if !is_held_along(*key) => {
                let modifiers = Modifiers { mac_cmd: false, ctrl: false, ..*modifiers };
                Some(Shortcut { modifiers, key: *key })
            }
            _ => None,
        })
    })
}

fn is_held_along(key: Key) -> bool {
    use Key::{AltLeft, AltRight, ControlLeft, ControlRight, ShiftLeft, ShiftRight, SuperLeft, SuperRight};
    matches!(key, ShiftLeft | ShiftRight | ControlLeft | ControlRight | AltLeft | AltRight | SuperLeft | SuperRight)
}

/// The name of the action that takes a measuring tool in hand.
pub(super) fn measure_action(kind: Kind) -> &'static str {
    let means = |action: &&Action| {
        let command = (action.command)(&State::default(), Pane::Volume);
        matches!(command, Some(Command::Measure(MeasureCommand::Choose(chosen))) if chosen == kind)
    };
    ACTIONS.iter().find(means).map_or("", |action| action.id)
}

/// The name of the action that labels a sinus.
pub(super) fn label_action(side: Side, label: Label) -> &'static str {
    let means = |action: &&Action| {
        let command = (action.command)(&State::default(), Pane::Volume);
        matches!(command, Some(Command::Label(LabelCommand::Set(s, l))) if s == side && l == label)
    };
    ACTIONS.iter().find(means).map_or("", |action| action.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_read_as_they_are_written() {
        let Some(redo) = Shortcut::parse("Ctrl+Shift+Z") else { panic!("not read") };
        assert_eq!((redo.key, redo.modifiers), (Key::Z, Modifiers::COMMAND.plus(Modifiers::SHIFT)));
        for text in ["Ctrl+Shift+Z", "PgUp", "Alt+Left", "[", "?", "Ctrl++", "+", "Ctrl+-", "7", "F1", "Space", "Esc"] {
            assert_eq!(Shortcut::parse(text).map(Shortcut::text).as_deref(), Some(text));
        }
        assert_eq!(Shortcut::parse("Hyper+Z"), None);
        assert_eq!(Shortcut::parse("Ctrl+Nothing"), None);
    }

    #[test]
    fn a_sign_is_meant_with_and_without_shift() {
        let Some(sheet) = Shortcut::parse("?") else { panic!("not read") };
        assert!(sheet.is(Key::Questionmark, Modifiers::SHIFT) && sheet.is(Key::Questionmark, Modifiers::NONE));
        assert!(!sheet.is(Key::Questionmark, Modifiers::CTRL));
        let Some(normal) = Shortcut::parse("A") else { panic!("not read") };
        assert!(normal.is(Key::A, Modifiers::NONE) && !normal.is(Key::A, Modifiers::SHIFT));
    }

    #[test]
    fn every_usual_key_is_understood_and_has_one_meaning() {
        for action in ACTIONS {
            for text in action.usual.split(' ') {
                assert!(Shortcut::parse(text).is_some(), "{}: {text}", action.id);
            }
            assert_eq!(ACTIONS.iter().filter(|other| other.id == action.id).count(), 1, "{}", action.id);
        }
        let conflicts: Vec<_> =
            conflicts(&Settings::default()).iter().map(|(a, b, key)| (a.id, b.id, key.clone())).collect();
        assert_eq!(conflicts, []);
    }

    #[test]
    fn a_key_given_twice_is_named() {
        let mut settings = Settings::default();
        settings.keys.insert("redo".to_owned(), "Ctrl+Y A".to_owned());
        let named: Vec<_> = conflicts(&settings).iter().map(|(a, b, key)| (a.id, b.id, key.clone())).collect();
        assert_eq!(named, [("redo", "label right normal", "A".to_owned())]);
        assert_eq!(hint(&settings, "Redo", "redo"), "Redo (Ctrl+Y, A)");
    }

    /// The keys stand on the keyboard as the sinuses stand on the screen: A S D left, J K L right.
    #[test]
    fn label_keys_mirror_the_radiological_screen() {
        let keys = |side| Label::ALL.map(|label| of(&Settings::default(), label_action(side, label)).to_owned());
        assert_eq!(keys(Side::Right), ["A", "S", "D", "Shift+S"]);
        assert_eq!(keys(Side::Left), ["K", "L", "J", "Shift+L"]);
    }
}
