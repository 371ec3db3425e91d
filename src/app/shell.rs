//! What stands around the panes: the drawers, the sheet of keys, and figures on their way out of the window.

use super::command::{Command, Effect};
use super::learning::LearnEffect;
use super::message::Message;
use super::state::{Pane, State};
use crate::space::Side;
use crate::view::Picture;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::sync::Arc;

/// What stands around the panes.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Shell {
    /// The drawer that was chosen.
    pub drawer: DrawerChoice,
    /// The window is wide enough for a drawer that nobody asked for.
    pub wide: bool,
    /// The figure that is being taken. Panes are drawn without marks under the mouse meanwhile.
    pub figure: Option<Figure>,
}

/// One of the drawers beside the panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Drawer {
    /// What there is to open.
    Series,
    /// The open scan, and what its reader should know of it.
    Scan,
    /// What lies over the picture.
    Maps,
    /// The 3-D picture.
    Volume,
    /// Distances, angles and regions.
    Measure,
    /// How far raters agree.
    Raters,
    /// The classifier, and what it can learn from the labels.
    Model,
    /// Choices that outlive a scan.
    Settings,
}

impl Drawer {
    /// All of them, from the top.
    pub const ALL: [Self; 8] =
        [Self::Series, Self::Scan, Self::Maps, Self::Volume, Self::Measure, Self::Raters, Self::Model, Self::Settings];

    /// The word on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Series => "Series",
            Self::Scan => "Scan",
            Self::Maps => "Maps",
            Self::Volume => "3-D",
            Self::Measure => "Measure",
            Self::Raters => "Raters",
            Self::Model => "Model",
            Self::Settings => "Settings",
        }
    }
}

/// What the user wants beside the panes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum DrawerChoice {
    /// What seems useful.
    #[default]
    Auto,
    /// Nothing.
    Folded,
    /// This one.
    Open(Drawer),
}

/// A figure that is being taken from the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// One pane, or all of them as they are laid out.
    pub pane: Option<Pane>,
    /// Where it goes.
    pub to: Destination,
}

impl Figure {
    /// What its file is called if the user does not say otherwise; never a name of a patient or a scan.
    #[must_use]
    pub fn file_name(&self) -> String {
        match self.pane {
            None => "antrum.png".to_owned(),
            Some(Pane::Plane(plane)) => format!("antrum-{}.png", plane.name()),
            Some(Pane::Volume) => "antrum-3d.png".to_owned(),
        }
    }
}

/// Where a figure goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Into a file.
    File,
    /// To the clipboard.
    Clipboard,
}

/// What became of a figure.
#[derive(Clone, Debug, PartialEq)]
pub enum Taken {
    /// It is in the clipboard.
    Copied,
    /// It is to be saved.
    Picture(Arc<Picture>),
    /// The screen could not be read.
    Failed,
}

/// A wish about what stands around the panes.
#[derive(Clone, Debug, PartialEq)]
pub enum ShellCommand {
    /// Open a drawer, or fold it away if it is open.
    ToggleDrawer(Drawer),
    /// The window has become wide (true) or narrow.
    Wide(bool),
    /// Take a figure.
    TakeFigure(Figure),
    /// The figure was taken, or could not be.
    FigureTaken(Taken),
    /// The figure is in its file.
    FigureSaved {
        /// The file.
        path: PathBuf,
        /// Where that is in words, when the user could not be asked.
        place: Option<String>,
    },
    /// Put the box of a sinus around the crosshair.
    BoxToCross(Side),
}

impl Shell {
    /// A list of several series was found: it is shown beside the panes, unless the user wants nothing there.
    pub(super) fn offer_series(&mut self) {
        if self.drawer != DrawerChoice::Folded {
            self.drawer = DrawerChoice::Open(Drawer::Series);
        }
    }
}

impl State {
    /// The drawer that is open.
    #[must_use]
    pub fn drawer(&self) -> Option<Drawer> {
        match self.shell.drawer {
            DrawerChoice::Open(drawer) => Some(drawer),
            DrawerChoice::Auto if self.shell.wide && self.scan.is_some() => Some(Drawer::Scan),
            DrawerChoice::Auto | DrawerChoice::Folded => None,
        }
    }

    /// What the open drawer shows only when it is asked for.
    #[must_use]
    pub fn drawer_needs(&self) -> Option<Effect> {
        match self.drawer()? {
            Drawer::Raters => Some(Effect::CompareRaters),
            Drawer::Model => Some(Effect::Learn(LearnEffect::Look)),
            _ => None,
        }
    }

    pub(super) fn shell(&mut self, command: ShellCommand) -> Vec<Effect> {
        match command {
            ShellCommand::ToggleDrawer(drawer) => {
                let open = self.drawer() == Some(drawer);
                self.shell.drawer = if open { DrawerChoice::Folded } else { DrawerChoice::Open(drawer) };
                self.settings.drawer = self.shell.drawer;
                let mut effects = self.save_settings();
                effects.extend(self.drawer_needs());
                return effects;
            }
            ShellCommand::Wide(wide) => self.shell.wide = wide,
            ShellCommand::TakeFigure(figure) => {
                if self.scan.is_some() && self.shell.figure.is_none() {
                    self.shell.figure = Some(figure);
                }
            }
            ShellCommand::FigureTaken(taken) => {
                let Some(figure) = self.shell.figure.take() else { return Vec::new() };
                match taken {
                    Taken::Picture(picture) => return vec![Effect::SaveFigure(figure.file_name(), picture)],
                    Taken::Copied => self.message = Some(Message::note("The figure is in the clipboard")),
                    Taken::Failed => {
                        let text = "The figure could not be read from the screen. Show the whole window and try again";
                        self.message = Some(Message::error(text));
                    }
                }
            }
            ShellCommand::FigureSaved { path, place } => {
                let text = match place {
                    Some(place) => format!("No file dialog can be shown here. The figure was saved in {place}"),
                    None => "The figure was saved".to_owned(),
                };
                self.message = Some(Message { path: Some(path), ..Message::note(text) });
            }
            ShellCommand::BoxToCross(side) => {
                let Some(before) = self.sinuses.map(|sinuses| sinuses[side.index()]) else { return Vec::new() };
                self.apply(Command::MoveBox(side, self.view.cross_mm));
                return self.apply(Command::DropBox(before));
            }
        }
        Vec::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::command::Opened;
    use crate::app::settings::Settings;
    use crate::app::testing::scan;
    use crate::methods::sinus::Sinus;
    use crate::space::Plane;
    use glam::DVec3;

    fn opened() -> State {
        let mut state = State::default();
        let scan = Arc::new(scan([100, 90, 80]));
        let grid = scan.volume.grid;
        state.apply(Command::Opened(Opened { scan, origin: None, labels: [None, None] }));
        state.apply(Command::Found(
            [Side::Left, Side::Right]
                .map(|side| Sinus::placed(side, DVec3::new(25.0 * side.sign(), 30.0, -20.0), &grid)),
        ));
        state
    }

    #[test]
    fn the_image_comes_first_until_the_window_is_wide_or_a_drawer_is_asked_for() {
        let mut state = opened();
        assert_eq!(state.drawer(), None);
        state.apply(Command::Shell(ShellCommand::Wide(true)));
        assert_eq!(state.drawer(), Some(Drawer::Scan));
        let effects = state.apply(Command::Shell(ShellCommand::ToggleDrawer(Drawer::Maps)));
        assert!(matches!(&effects[..], [Effect::SaveSettings(s)] if s.drawer == DrawerChoice::Open(Drawer::Maps)));
        assert_eq!(state.drawer(), Some(Drawer::Maps));
        state.apply(Command::Shell(ShellCommand::ToggleDrawer(Drawer::Maps)));
        assert_eq!(state.drawer(), None, "what was folded away stays away");
        let next = State::default().with_settings(Settings { drawer: state.shell.drawer, ..Settings::default() });
        assert_eq!(next.shell.drawer, DrawerChoice::Folded);
    }

    #[test]
    fn several_series_open_their_drawer_unless_it_was_folded_away() {
        let mut shell = Shell::default();
        shell.offer_series();
        assert_eq!(shell.drawer, DrawerChoice::Open(Drawer::Series));
        let mut folded = Shell { drawer: DrawerChoice::Folded, ..Shell::default() };
        folded.offer_series();
        assert_eq!(folded.drawer, DrawerChoice::Folded);
    }

    #[test]
    fn a_figure_is_taken_once_and_saved_without_any_name() {
        let figure = Figure { pane: Some(Pane::Plane(Plane::Coronal)), to: Destination::File };
        let picture = Arc::new(Picture { size: [1, 1], rgba: vec![0; 4] });
        let mut empty = State::default();
        empty.apply(Command::Shell(ShellCommand::TakeFigure(figure)));
        assert_eq!(empty.shell.figure, None, "there is nothing to see");
        let mut state = opened();
        state.apply(Command::Shell(ShellCommand::TakeFigure(figure)));
        state.apply(Command::Shell(ShellCommand::TakeFigure(Figure { pane: None, ..figure })));
        assert_eq!(state.shell.figure, Some(figure), "one after the other");
        let effects = state.apply(Command::Shell(ShellCommand::FigureTaken(Taken::Picture(Arc::clone(&picture)))));
        assert!(matches!(&effects[..], [Effect::SaveFigure(name, _)] if name == "antrum-coronal.png"), "{effects:?}");
        assert_eq!(state.shell.figure, None);
        assert!(state.apply(Command::Shell(ShellCommand::FigureTaken(Taken::Picture(picture)))).is_empty());
    }

    #[test]
    fn a_figure_that_could_not_be_read_is_not_said_to_be_in_the_clipboard() {
        let mut state = opened();
        let mut said = |taken| {
            let figure = Figure { pane: None, to: Destination::Clipboard };
            state.apply(Command::Shell(ShellCommand::TakeFigure(figure)));
            state.apply(Command::Shell(ShellCommand::FigureTaken(taken)));
            state.message.take().map(|message| (message.error, message.text))
        };
        assert_eq!(said(Taken::Copied), Some((false, "The figure is in the clipboard".to_owned())));
        assert!(said(Taken::Failed).is_some_and(|(error, text)| error && text.contains("could not be read")));
    }

    #[test]
    fn a_box_put_to_the_crosshair_can_be_undone() {
        let mut state = opened();
        let before = state.sinuses;
        state.apply(Command::CrossTo(DVec3::new(30.0, 20.0, -10.0)));
        let effects = state.apply(Command::Shell(ShellCommand::BoxToCross(Side::Right)));
        assert!(!effects.is_empty(), "the maps are computed anew");
        let centre = |state: &State, side: Side| state.sinuses.map(|s| s[side.index()].centre_mm);
        assert_eq!(centre(&state, Side::Right), Some(DVec3::new(30.0, 20.0, -10.0)));
        assert_eq!(centre(&state, Side::Left), before.map(|s| s[Side::Left.index()].centre_mm));
        state.apply(Command::Undo);
        assert_eq!(state.sinuses, before);
    }
}
