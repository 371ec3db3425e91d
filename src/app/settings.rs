//! Choices that outlive a scan and, kept in the user's settings file, the program.

use super::command::Effect;
use super::shell::DrawerChoice;
use super::state::{Layout, State};
use super::windows::{self, Preset};
use crate::methods::residual::{InferConfig, MapKind};
use crate::view::{Convention, Window};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Choices that outlive a scan. Missing entries of a settings file have their default values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a choice of its own")]
pub struct Settings {
    /// Names of files may be shown now.
    #[serde(skip)]
    pub show_paths: bool,
    /// Names of files may be shown from the start.
    #[serde(rename = "show_paths")]
    pub show_paths_on_start: bool,
    /// Maps are computed as soon as the sinuses are found.
    pub analyse_on_open: bool,
    /// Probabilities are means over several crops of each sinus.
    pub many_crops: bool,
    /// Edge of the median filter of residual maps in voxels: 0 (none), 3, 5 or 7.
    pub map_median: usize,
    /// Which residual the maps keep.
    pub map_kind: MapKind,
    /// The folder of the template that sinuses are found by; none where the networks find them.
    pub template: Option<PathBuf>,
    /// What the buttons of the mouse do.
    pub mouse: MouseMap,
    /// Keys that are not the usual ones: the name of the action and its key as text.
    pub keys: BTreeMap<String, String>,
    /// Windows to choose from, by modality.
    pub presets: BTreeMap<String, Vec<Preset>>,
    /// How much of the voxels the automatic window leaves out at either end, in percent.
    pub auto_percent: f64,
    /// Colours of the panels.
    pub theme: Theme,
    /// Size of texts and buttons in percent.
    pub scale_percent: u32,
    /// What was opened, the newest first.
    pub recent: Vec<Recent>,
    /// The drawer beside the panes.
    pub drawer: DrawerChoice,
    /// The convention to start with.
    pub convention: Convention,
    /// The layout to start with.
    pub layout: Layout,
    /// Scores, maps and names are hidden until a sinus is labelled.
    pub blind: bool,
    /// In which order the cases of a list come.
    pub order: Order,
    /// The next case is opened as soon as both sinuses of one have their labels.
    pub advance: bool,
    /// The list of series is a table.
    pub table: bool,
    /// The graphics adapter is a program on the CPU: the 3-D picture is drawn coarser.
    #[serde(skip)]
    pub software_graphics: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            show_paths: false,
            show_paths_on_start: false,
            analyse_on_open: true,
            many_crops: false,
            map_median: InferConfig::default().median,
            map_kind: InferConfig::default().map,
            template: None,
            mouse: MouseMap::DEFAULT,
            keys: BTreeMap::new(),
            presets: windows::built_in(),
            auto_percent: Self::AUTO_PERCENT[1],
            theme: Theme::Dark,
            scale_percent: 100,
            recent: Vec::new(),
            drawer: DrawerChoice::Auto,
            convention: Convention::Radiological,
            layout: Layout::Quad,
            blind: false,
            order: Order::File,
            advance: false,
            table: false,
            software_graphics: false,
        }
    }
}

impl Settings {
    /// What the automatic window can leave out at either end, in percent.
    pub const AUTO_PERCENT: [f64; 4] = [0.1, 0.5, 2.0, 5.0];
    /// The smallest and the largest scale of the window in percent.
    pub const SCALE_PERCENT: [u32; 2] = [75, 250];
    /// How many places that were opened are kept.
    pub const RECENT: usize = 12;

    /// Whether names of files, and what else may tell whose scan it is, can be on screen.
    #[must_use]
    pub fn shows_names(&self) -> bool {
        self.show_paths && !self.blind
    }

    /// Values from a file within what the program can show.
    #[must_use]
    pub(super) fn checked(mut self) -> Self {
        self.show_paths = self.show_paths_on_start;
        self.scale_percent = within_scale(self.scale_percent);
        if !(0.0..50.0).contains(&self.auto_percent) {
            self.auto_percent = Self::AUTO_PERCENT[1];
        }
        self.recent.truncate(Self::RECENT);
        if !InferConfig::MEDIANS.contains(&self.map_median) {
            self.map_median = InferConfig::default().median;
        }
        if self.layout == Layout::Single {
            self.layout = Layout::Quad;
        }
        for preset in self.presets.values_mut().flatten() {
            *preset = preset.clone().checked();
        }
        self
    }
}

/// In which order the cases of a list come when one is labelled after the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Order {
    /// As they are listed.
    #[default]
    File,
    /// At random: another order for each rater, always the same for one.
    Random,
    /// Those first of which the classifier is least sure, unlike ones before alike ones; those that were not analysed come
    /// last.
    Doubtful,
    /// Those first in which the classifier called disease most probable.
    Probable,
    /// By what they are labelled: anomalous, uncertain, not assessable, normal, then those without labels.
    Labelled,
    /// By modality.
    Modality,
    /// Those first of which there is most to know.
    Notes,
}

impl Order {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::File, Self::Random, Self::Doubtful, Self::Probable, Self::Labelled, Self::Modality, Self::Notes];

    /// Whether it tells what the classifier thinks.
    #[must_use]
    pub fn tells(self) -> bool {
        matches!(self, Self::Doubtful | Self::Probable)
    }

    /// Its name on the screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::File => "as listed",
            Self::Random => "random",
            Self::Doubtful => "doubtful first",
            Self::Probable => "probable first",
            Self::Labelled => "by label",
            Self::Modality => "by modality",
            Self::Notes => "most notes first",
        }
    }
}

/// Colours of the panels; pictures stand on black in both.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Theme {
    /// Light texts on near-black.
    #[default]
    Dark,
    /// Dark texts on near-white.
    Light,
}

/// Something that was opened. Its paths are shown only where names of files may be shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recent {
    /// The files or folders.
    pub paths: Vec<PathBuf>,
    /// What was in them, without a name: format, modality and size.
    pub what: String,
    /// When, in seconds since 1970.
    pub opened_secs: u64,
}

/// What dragging does in a plane pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Tool {
    /// Moves the crosshair.
    Crosshair,
    /// Changes the grey-scale window: sideways its width, up and down its centre.
    Window,
    /// Moves the picture.
    Pan,
    /// Magnifies the picture.
    Zoom,
}

impl Tool {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Crosshair, Self::Window, Self::Pan, Self::Zoom];

    /// The words on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Crosshair => "crosshair",
            Self::Window => "window",
            Self::Pan => "pan",
            Self::Zoom => "zoom",
        }
    }
}

/// What each button of the mouse does when it is dragged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MouseMap {
    /// The left button.
    pub left: Tool,
    /// The right one.
    pub right: Tool,
    /// The middle one.
    pub middle: Tool,
}

impl MouseMap {
    /// As in 3D Slicer and ITK-SNAP.
    pub const DEFAULT: Self = Self { left: Tool::Crosshair, right: Tool::Window, middle: Tool::Pan };
    /// As in picture archiving systems.
    pub const PACS: Self = Self { left: Tool::Window, right: Tool::Zoom, middle: Tool::Pan };
}

/// A wish about the settings. Presets are those of the open scan's modality, counted from 0.
#[derive(Clone, Debug, PartialEq)]
pub enum SettingsCommand {
    /// Names of files may be shown until the program ends.
    ShowPathsForNow,
    /// Choose what the buttons of the mouse do.
    Mouse(MouseMap),
    /// Give an action another key, or its usual one.
    Key(String, Option<String>),
    /// Give all actions their usual keys.
    UsualKeys,
    /// Keep the present window under a name.
    AddPreset(String),
    /// Rename a preset.
    RenamePreset(usize, String),
    /// Give a preset another window.
    ChangePreset(usize, Window),
    /// Move a preset up (-1) or down (1) the list.
    MovePreset(usize, isize),
    /// Delete a preset.
    RemovePreset(usize),
    /// The presets that came with the program.
    BuiltInPresets,
    /// How much the automatic window leaves out at either end, in percent.
    AutoPercent(f64),
    /// Choose the colours of the panels.
    Theme(Theme),
    /// Choose the size of texts and buttons, in percent.
    Scale(u32),
    /// The convention to start with.
    Convention(Convention),
    /// The layout to start with.
    Layout(Layout),
    /// Something was opened.
    Remember(Recent),
    /// Forget what was opened.
    ForgetRecent,
}

impl State {
    /// The state with these settings, as the program starts.
    #[must_use]
    pub fn with_settings(self, settings: Settings) -> Self {
        let mut state = Self { settings: settings.checked(), ..self };
        state.view.frame.convention = state.settings.convention;
        state.shell.drawer = state.settings.drawer;
        (state.view.layout, state.view.layout_before) = (state.settings.layout, state.settings.layout);
        state
    }

    /// Changes a setting and has the settings saved where that outlives the program.
    pub(super) fn change_settings(&mut self, command: &SettingsCommand) -> Vec<Effect> {
        let settings = &mut self.settings;
        match command {
            SettingsCommand::ShowPathsForNow => {
                settings.show_paths = true;
                return Vec::new();
            }
            SettingsCommand::Mouse(mouse) => settings.mouse = *mouse,
            SettingsCommand::Key(action, None) => drop(settings.keys.remove(action)),
            SettingsCommand::Key(action, Some(key)) => drop(settings.keys.insert(action.clone(), key.clone())),
            SettingsCommand::UsualKeys => settings.keys.clear(),
            SettingsCommand::AutoPercent(percent) => {
                settings.auto_percent = *percent;
                self.list_windows();
            }
            SettingsCommand::Theme(theme) => settings.theme = *theme,
            SettingsCommand::Scale(percent) => settings.scale_percent = within_scale(*percent),
            SettingsCommand::Convention(convention) => settings.convention = *convention,
            SettingsCommand::Layout(layout) => settings.layout = *layout,
            SettingsCommand::Remember(recent) => {
                settings.recent.retain(|known| known.paths != recent.paths);
                settings.recent.insert(0, recent.clone());
                settings.recent.truncate(Settings::RECENT);
            }
            SettingsCommand::ForgetRecent => settings.recent.clear(),
            SettingsCommand::AddPreset(_)
            | SettingsCommand::RenamePreset(..)
            | SettingsCommand::ChangePreset(..)
            | SettingsCommand::MovePreset(..)
            | SettingsCommand::RemovePreset(_)
            | SettingsCommand::BuiltInPresets => self.change_presets(command),
        }
        self.save_settings()
    }

    /// Names of files may be shown from now on and on the next start.
    pub(super) fn show_paths(&mut self, show: bool) -> Vec<Effect> {
        (self.settings.show_paths, self.settings.show_paths_on_start) = (show, show);
        self.save_settings()
    }

    /// Has the settings written.
    pub(super) fn save_settings(&self) -> Vec<Effect> {
        vec![Effect::SaveSettings(Box::new(self.settings.clone()))]
    }
}

fn within_scale(percent: u32) -> u32 {
    let [smallest, largest] = Settings::SCALE_PERCENT;
    percent.clamp(smallest, largest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::Command;

    fn sent(state: &mut State, command: SettingsCommand) -> bool {
        matches!(state.apply(Command::Settings(command))[..], [Effect::SaveSettings(_)])
    }

    #[test]
    fn each_change_is_saved_at_once() {
        let mut state = State::default();
        assert!(sent(&mut state, SettingsCommand::Theme(Theme::Light)) && state.settings.theme == Theme::Light);
        assert!(sent(&mut state, SettingsCommand::Scale(400)) && state.settings.scale_percent == 250);
        assert!(sent(&mut state, SettingsCommand::Mouse(MouseMap::PACS)) && state.settings.mouse.left == Tool::Window);
        assert!(sent(&mut state, SettingsCommand::Convention(Convention::Neurological)));
        assert!(sent(&mut state, SettingsCommand::Layout(Layout::Large)));
        assert_eq!(state.view.frame.convention, Convention::Radiological, "on the next start");
        assert!(sent(&mut state, SettingsCommand::Key("undo".to_owned(), Some("Ctrl+Y".to_owned()))));
        assert_eq!(state.settings.keys.get("undo").map(String::as_str), Some("Ctrl+Y"));
        assert!(sent(&mut state, SettingsCommand::Key("undo".to_owned(), None)) && state.settings.keys.is_empty());
        let next = State::default().with_settings(state.settings);
        assert_eq!((next.view.frame.convention, next.view.layout), (Convention::Neurological, Layout::Large));
    }

    #[test]
    fn names_of_files_shown_for_one_run_are_hidden_in_the_next() {
        let mut state = State::default();
        assert!(!sent(&mut state, SettingsCommand::ShowPathsForNow) && state.settings.show_paths);
        let kept = |state: &State| serde_json::to_value(&state.settings).ok().and_then(|v| v["show_paths"].as_bool());
        assert_eq!(kept(&state), Some(false));
        state.apply(Command::ShowPaths(true));
        assert_eq!(kept(&state), Some(true));
    }

    #[test]
    fn what_was_opened_is_listed_once_with_the_newest_first() {
        let mut state = State::default();
        let opened = |n: u64| Recent { paths: vec![format!("/{n}").into()], what: "MR".to_owned(), opened_secs: n };
        for n in (0..14).chain([9]) {
            state.apply(Command::Settings(SettingsCommand::Remember(opened(n))));
        }
        let recent: Vec<u64> = state.settings.recent.iter().map(|r| r.opened_secs).collect();
        assert_eq!(recent, [9, 13, 12, 11, 10, 8, 7, 6, 5, 4, 3, 2]);
        state.apply(Command::Settings(SettingsCommand::ForgetRecent));
        assert!(state.settings.recent.is_empty());
    }
}
