//! The one table of keys: what is pressed, what it does, and what the sheet of keys says of it.

use crate::app::Command;
use crate::app::layers::LayerCommand;
use crate::app::measure::MeasureCommand;
use crate::app::state::{JobKind, Pane, State};
use crate::measure::Kind;
use crate::project::Label;
use crate::space::{Plane, Side};
use crate::view::Interpolation;
use egui::{Context, Event, Key, Modifiers};

/// One key and its meaning.
pub(super) struct Binding {
    /// As the sheet shows it.
    pub shown: &'static str,
    /// What it does, in a few words.
    pub what: &'static str,
    modifiers: Modifiers,
    key: Key,
    command: fn(&State, Option<Pane>) -> Option<Command>,
}

const NONE: Modifiers = Modifiers::NONE;
const SHIFT: Modifiers = Modifiers::SHIFT;
const CTRL: Modifiers = Modifiers::COMMAND;

const fn bind(
    shown: &'static str,
    what: &'static str,
    modifiers: Modifiers,
    key: Key,
    command: fn(&State, Option<Pane>) -> Option<Command>,
) -> Binding {
    Binding { shown, what, modifiers, key, command }
}

/// All keys, in the order of the sheet.
pub(super) const BINDINGS: &[Binding] = &[
    bind("Ctrl+O", "open files", CTRL, Key::O, |_, _| Some(Command::AskFile)),
    bind("Ctrl+Shift+O", "open a folder", CTRL.plus(SHIFT), Key::O, |_, _| Some(Command::AskFolder)),
    bind("PgUp", "previous series of the list", NONE, Key::PageUp, |_, _| Some(Command::NextSeries(-1))),
    bind("PgDn", "next series", NONE, Key::PageDown, |_, _| Some(Command::NextSeries(1))),
    bind("Ctrl+Shift+Z", "redo", CTRL.plus(SHIFT), Key::Z, |_, _| Some(Command::Redo)),
    bind("Ctrl+Z", "undo", CTRL, Key::Z, |_, _| Some(Command::Undo)),
    bind("A", "patient RIGHT sinus normal", NONE, Key::A, |_, _| Some(Command::Label(Side::Right, Label::Normal))),
    bind("S", "patient RIGHT sinus anomalous", NONE, Key::S, |_, _| {
        Some(Command::Label(Side::Right, Label::Anomalous))
    }),
    bind("D", "patient RIGHT sinus uncertain", NONE, Key::D, |_, _| {
        Some(Command::Label(Side::Right, Label::Uncertain))
    }),
    bind("K", "patient LEFT sinus normal", NONE, Key::K, |_, _| Some(Command::Label(Side::Left, Label::Normal))),
    bind("L", "patient LEFT sinus anomalous", NONE, Key::L, |_, _| Some(Command::Label(Side::Left, Label::Anomalous))),
    bind("J", "patient LEFT sinus uncertain", NONE, Key::J, |_, _| Some(Command::Label(Side::Left, Label::Uncertain))),
    bind("U", "sinus at the crosshair uncertain", NONE, Key::U, |_, _| Some(Command::LabelCurrent(Label::Uncertain))),
    bind("M", "compute the residual maps", NONE, Key::M, |_, _| Some(Command::Analyse)),
    bind("O", "overlay on or off", NONE, Key::O, |_, _| Some(Command::Layer(LayerCommand::ToggleAll))),
    bind("[", "overlay less opaque", NONE, Key::OpenBracket, |_, _| Some(Command::Layer(LayerCommand::Opacity(-0.1)))),
    bind("]", "overlay more opaque", NONE, Key::CloseBracket, |_, _| Some(Command::Layer(LayerCommand::Opacity(0.1)))),
    bind("X", "crosshair on or off", NONE, Key::X, |_, _| Some(Command::ToggleCross)),
    bind("B", "sinus boxes on or off", NONE, Key::B, |_, _| Some(Command::ToggleBoxes)),
    bind("I", "interpolation: nearest, linear, cubic", NONE, Key::I, |state, _| {
        Some(Command::Interpolate(next_interpolation(state.view.interpolation)))
    }),
    bind("Shift+D", "measure a distance", SHIFT, Key::D, |_, _| choose(Kind::Distance)),
    bind("Shift+A", "measure an angle", SHIFT, Key::A, |_, _| choose(Kind::Angle)),
    bind("Shift+E", "measure in an ellipse", SHIFT, Key::E, |_, _| choose(Kind::Ellipse)),
    bind("Shift+B", "measure in a box", SHIFT, Key::B, |_, _| choose(Kind::Box)),
    bind("Shift+P", "probe a point", SHIFT, Key::P, |_, _| choose(Kind::Probe)),
    bind("Del", "delete the selected measurement", NONE, Key::Delete, |state, _| {
        state.measures.selected.map(|id| Command::Measure(MeasureCommand::Delete(id)))
    }),
    bind("R", "reset pan, zoom and turn", NONE, Key::R, |_, _| Some(Command::ResetViews)),
    bind("Shift+Up", "ten slices on", SHIFT, Key::ArrowUp, |_, pane| scroll(pane, 10.0)),
    bind("Shift+Down", "ten slices back", SHIFT, Key::ArrowDown, |_, pane| scroll(pane, -10.0)),
    bind("Up", "next slice of the pane under the mouse", NONE, Key::ArrowUp, |_, pane| scroll(pane, 1.0)),
    bind("Down", "slice before", NONE, Key::ArrowDown, |_, pane| scroll(pane, -1.0)),
    bind("Home", "first slice", NONE, Key::Home, |_, pane| Some(Command::ScrollToEnd(plane(pane), false))),
    bind("End", "last slice", NONE, Key::End, |_, pane| Some(Command::ScrollToEnd(plane(pane), true))),
    bind("1", "window of the file or automatic", NONE, Key::Num1, |_, _| Some(Command::ChooseWindow(0))),
    bind("2", "second window of the list", NONE, Key::Num2, |_, _| Some(Command::ChooseWindow(1))),
    bind("3", "third", NONE, Key::Num3, |_, _| Some(Command::ChooseWindow(2))),
    bind("4", "fourth", NONE, Key::Num4, |_, _| Some(Command::ChooseWindow(3))),
    bind("5", "fifth", NONE, Key::Num5, |_, _| Some(Command::ChooseWindow(4))),
    bind("6", "sixth", NONE, Key::Num6, |_, _| Some(Command::ChooseWindow(5))),
    bind("F1", "this sheet", NONE, Key::F1, |_, _| Some(Command::ToggleHelp)),
    bind("?", "this sheet", SHIFT, Key::Questionmark, |_, _| Some(Command::ToggleHelp)),
    bind(
        "Esc",
        "stop drawing, close the sheet, a message, the tool, or stop opening",
        NONE,
        Key::Escape,
        |state, _| {
            Some(match (state.help, &state.message) {
                _ if state.measures.unfinished() => Command::Measure(MeasureCommand::Cancel),
                (true, _) => Command::ToggleHelp,
                (false, Some(_)) => Command::DismissMessage,
                _ if state.measures.busy() => Command::Measure(MeasureCommand::Cancel),
                (false, None) => Command::Cancel(JobKind::Open),
            })
        },
    ),
];

/// What the mouse does; only for the sheet.
pub(super) const MOUSE: &[(&str, &str)] = &[
    ("left drag", "crosshair; on the mark in a box: move the box; in 3-D: turn"),
    ("right drag", "window: sideways width, up and down centre"),
    ("middle drag", "pan"),
    ("left on a measurement", "select it, move it or one of its handles"),
    ("wheel", "slices; in 3-D: zoom"),
    ("Ctrl+wheel", "zoom at the mouse"),
    ("Shift+move", "crosshair follows"),
    ("double click", "one pane large, or all again"),
    ("hold Space", "hide the overlay"),
];

fn next_interpolation(now: Interpolation) -> Interpolation {
    match now {
        Interpolation::Nearest => Interpolation::Linear,
        Interpolation::Linear => Interpolation::Cubic,
        Interpolation::Cubic => Interpolation::Nearest,
    }
}

fn plane(pane: Option<Pane>) -> Plane {
    match pane {
        Some(Pane::Plane(plane)) => plane,
        _ => Plane::Axial,
    }
}

#[allow(clippy::unnecessary_wraps, reason = "the type of the table's column")]
fn choose(kind: Kind) -> Option<Command> {
    Some(Command::Measure(MeasureCommand::Choose(kind)))
}

#[allow(clippy::unnecessary_wraps, reason = "the type of the table's column")]
fn scroll(pane: Option<Pane>, slices: f64) -> Option<Command> {
    Some(Command::Scroll(plane(pane), slices))
}

/// The commands of the keys pressed in this frame, in their order; none while text is being typed.
pub(super) fn pressed(ctx: &Context, state: &State, hovered: Option<Pane>) -> Vec<Command> {
    if ctx.text_edit_focused() {
        return Vec::new();
    }
    let mut commands = Vec::new();
    let peek = ctx.input(|input| {
        for event in &input.events {
            let Event::Key { key, pressed: true, repeat, modifiers, .. } = event else { continue };
            let binding = BINDINGS.iter().find(|b| b.key == *key && modifiers.matches_exact(b.modifiers));
            // A held key scrolls on, but does not label, undo or switch again and again.
            let command = binding.and_then(|b| (b.command)(state, hovered));
            commands
                .extend(command.filter(|c| {
                    !repeat || matches!(c, Command::Scroll(..) | Command::Layer(LayerCommand::Opacity(_)))
                }));
        }
        input.key_down(Key::Space)
    });
    if peek != state.layers.peek {
        commands.push(Command::Layer(LayerCommand::Peek(peek)));
    }
    commands
}

/// The key of a measuring tool, as the table has it.
pub(super) fn measure_key(kind: Kind) -> &'static str {
    let means = |binding: &&Binding| {
        let command = (binding.command)(&State::default(), None);
        matches!(command, Some(Command::Measure(MeasureCommand::Choose(chosen))) if chosen == kind)
    };
    BINDINGS.iter().find(means).map_or("", |binding| binding.shown)
}

/// The keys of normal, anomalous and uncertain of a side, as the table has them.
pub(super) fn label_keys(side: Side) -> [&'static str; 3] {
    Label::ALL.map(|label| {
        let means = |b: &&Binding| matches!((b.command)(&State::default(), None), Some(Command::Label(s, l)) if s == side && l == label);
        BINDINGS.iter().find(means).map_or("", |b| b.shown)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The keys stand on the keyboard as the sinuses stand on the screen: A S D left, J K L right.
    #[test]
    fn label_keys_mirror_the_radiological_screen() {
        let meaning = |key| {
            let binding = BINDINGS.iter().find(|b| b.key == key && b.modifiers == NONE);
            binding.and_then(|b| (b.command)(&State::default(), None)).map(|c| format!("{c:?}"))
        };
        assert_eq!(meaning(Key::A).as_deref(), Some("Label(Right, Normal)"));
        assert_eq!(meaning(Key::S).as_deref(), Some("Label(Right, Anomalous)"));
        assert_eq!(meaning(Key::K).as_deref(), Some("Label(Left, Normal)"));
        assert_eq!(meaning(Key::L).as_deref(), Some("Label(Left, Anomalous)"));
    }

    #[test]
    fn the_buttons_show_the_keys_of_the_table() {
        assert_eq!(label_keys(Side::Right), ["A", "S", "D"]);
        assert_eq!(label_keys(Side::Left), ["K", "L", "J"]);
    }

    #[test]
    fn no_key_has_two_meanings() {
        for (i, a) in BINDINGS.iter().enumerate() {
            for b in &BINDINGS[i + 1..] {
                assert!(a.key != b.key || a.modifiers != b.modifiers, "{} and {}", a.what, b.what);
            }
        }
    }
}
