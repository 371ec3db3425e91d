//! The windows to choose from: those stored in the file, the automatic one, and the presets of the scan's modality.

use super::settings::{Settings, SettingsCommand};
use super::state::{OpenScan, State};
use crate::image::percentile::percentiles;
use crate::io::Scan;
use crate::view::{Contrast, Window};
use crate::volume::Unit;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What the automatic window is called.
const AUTO: &str = "auto";

/// A window under a name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Preset {
    /// What it is called on screen.
    pub name: String,
    /// In the unit of the scan; never inverted, which is a matter of the scan.
    pub window: Window,
}

impl Preset {
    /// With a centre and a width that a window can have.
    pub(super) fn checked(self) -> Self {
        let Window { centre, width, .. } = self.window;
        let [centre, width] = [(centre, 0.0), (width, 1.0)].map(|(n, else_n)| if n.is_finite() { n } else { else_n });
        Self { window: Window { inverted: false, ..self.window.moved(centre, width) }, ..self }
    }
}

/// The usual presets of CT, in Hounsfield units.
#[must_use]
pub fn built_in() -> BTreeMap<String, Vec<Preset>> {
    // Width / centre.
    let ct = [
        ("bone", 2500.0, 480.0),
        ("sinus", 2000.0, 200.0),
        ("soft tissue", 400.0, 40.0),
        ("brain", 80.0, 40.0),
        ("air", 1500.0, -600.0),
    ];
    let ct = ct.map(|(name, width, centre)| Preset { name: name.to_owned(), window: Window::linear(centre, width) });
    BTreeMap::from([("CT".to_owned(), ct.to_vec())])
}

/// Under which modality the presets of a scan are kept. Files that do not name it may still show that it is CT.
#[must_use]
pub fn modality<'a>(scan: &'a Scan, contrast: &Contrast) -> &'a str {
    match (scan.volume.unit, scan.modality.as_str()) {
        (Unit::Hounsfield, _) => "CT",
        (_, "" | "unknown") if contrast.hounsfield => "CT",
        (_, "" | "unknown") => "other",
        (_, modality) => modality,
    }
}

/// The windows to choose from, in their order.
#[must_use]
pub fn windows(scan: &Scan, settings: &Settings) -> Vec<(String, Window)> {
    windows_and_contrast(scan, settings).0
}

/// The same with the contrast, from one look at the voxels.
pub(super) fn windows_and_contrast(scan: &Scan, settings: &Settings) -> (Vec<(String, Window)>, Contrast) {
    let sample = sample(scan);
    let contrast = contrast(scan, &sample);
    let stored = scan.windows.iter().enumerate().map(|(i, (name, window))| {
        let name = if name.is_empty() { format!("stored {}", i + 1) } else { name.clone() };
        (name, window.clone())
    });
    let presets = settings.presets.get(modality(scan, &contrast)).into_iter().flatten();
    let presets = presets.map(|preset| (preset.name.clone(), preset.window.clone()));
    let all = stored.chain([(AUTO.to_owned(), spread(&sample, settings.auto_percent))]).chain(presets);
    let all = all.map(|(name, window)| (name, Window { inverted: scan.inverted, ..window }));
    (all.collect(), contrast)
}

/// What is known of a scan's values before anybody looks at it.
fn contrast(scan: &Scan, all: &[f32]) -> Contrast {
    /// Scanners fill what lies outside of their circle with values such as -2000 or -3024, far below those of air.
    const ABOVE_PADDING: f32 = -1500.0;
    let percent = Settings::AUTO_PERCENT[1];
    let limits = |sample: &[f32]| {
        let window = spread(sample, percent);
        [-0.5, 0.5].map(|share| window.centre + share * window.width)
    };
    let inside: Vec<f32> = all.iter().copied().filter(|&v| v > ABOVE_PADDING).collect();
    let range = limits(&inside);
    let hounsfield = scan.volume.unit.is_hounsfield(range[0]);
    Contrast { hounsfield, range: if hounsfield { range } else { limits(all) } }
}

/// Some of the voxels that are not zero and hold a measurement.
fn sample(scan: &Scan) -> Vec<f32> {
    let volume = &scan.volume;
    let padding = scan.padding.map(|real| real as f32);
    // 400 000 voxels are plenty for a percentile and keep opening fast.
    let stride = (volume.grid.count() / 400_000).max(1);
    let values = (0..volume.grid.count()).step_by(stride);
    let values = values.map(|i| volume.rescale.apply(volume.voxels.get(i)) as f32);
    values.filter(|&v| v != 0.0 && Some(v) != padding).collect()
}

/// The window without so many percent of the values at either end.
fn spread(sample: &[f32], percent: f64) -> Window {
    let [low, high] = percentiles(sample, [percent, 100.0 - percent]);
    // In a mask, all that is not zero is the same: zero is the other end.
    if high > low { Window::between(low, high) } else { Window::between(low.min(0.0), low.max(1.0)) }
}

/// Makes the list of one scan anew; gives its new automatic window where the old one was chosen.
fn list_anew(open: &mut OpenScan, chosen: &Window, settings: &Settings) -> Option<Window> {
    let auto = |list: &[(String, Window)]| list.iter().find(|(name, _)| name == AUTO).map(|(_, window)| window.clone());
    let was_chosen = auto(&open.windows).as_ref() == Some(chosen);
    open.windows = windows(&open.scan, settings);
    auto(&open.windows).filter(|_| was_chosen)
}

impl State {
    /// Makes the lists of windows anew after a change of the settings they depend on. Who looks at the automatic one goes
    /// on doing so.
    pub(super) fn list_windows(&mut self) {
        let settings = &self.settings;
        if let Some(open) = &mut self.scan
            && let Some(auto) = list_anew(open, &self.view.window, settings)
        {
            self.view.window = auto;
        }
        if let Some(second) = &mut self.compare.second
            && let Some(auto) = list_anew(&mut second.open, &second.window, settings)
        {
            self.set_second_window(auto);
        }
    }

    /// Changes the presets of the open scan's modality.
    pub(super) fn change_presets(&mut self, command: &SettingsCommand) {
        let Some(open) = &self.scan else { return };
        let presets = self.settings.presets.entry(modality(&open.scan, &open.contrast).to_owned()).or_default();
        match command {
            SettingsCommand::AddPreset(name) => {
                let window = Window { inverted: false, ..self.view.window.clone() };
                presets.push(Preset { name: name.clone(), window });
            }
            SettingsCommand::RenamePreset(number, name) => {
                if let Some(preset) = presets.get_mut(*number) {
                    preset.name.clone_from(name);
                }
            }
            SettingsCommand::ChangePreset(number, window) => {
                if let Some(preset) = presets.get_mut(*number) {
                    preset.window.clone_from(window);
                }
            }
            SettingsCommand::MovePreset(number, by) => {
                let to = number.checked_add_signed(*by).filter(|to| *to < presets.len());
                if let Some(to) = to.filter(|_| *number < presets.len()) {
                    presets.swap(*number, to);
                }
            }
            SettingsCommand::RemovePreset(number) if *number < presets.len() => drop(presets.remove(*number)),
            SettingsCommand::BuiltInPresets => {
                *presets = built_in().remove(modality(&open.scan, &open.contrast)).unwrap_or_default();
            }
            _ => {}
        }
        self.list_windows();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::Command;
    use crate::app::command::Opened;
    use crate::app::compare::{CompareCommand, Mode};
    use crate::app::state::OpenScan;
    use crate::app::testing::scan;
    use crate::volume::{Volume, Voxels};
    use std::sync::Arc;

    fn of_ct() -> State {
        let mut scan = scan([30, 30, 30]);
        Arc::make_mut(&mut scan.volume).unit = Unit::Hounsfield;
        let mut state = State::default();
        state.apply(Command::Opened(Opened { scan: Arc::new(scan), origin: None, labels: [None, None] }));
        state
    }

    fn names(state: &State) -> Vec<&str> {
        state.scan.as_ref().unwrap().windows.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn a_mask_is_white_on_black_and_an_inverted_picture_the_other_way_round() {
        let mut mask = scan([4, 4, 4]);
        Arc::make_mut(&mut mask.volume).voxels = Voxels::U8((0..64).map(|n| n % 2).collect());
        let listed = |scan: &Scan| windows(scan, &Settings::default());
        let auto = |scan: &Scan| listed(scan).into_iter().find(|(name, _)| name == "auto").map(|(_, window)| window);
        let greys = |scan: &Scan| auto(scan).map(|window| [0.0, 1.0].map(|value| window.apply(value)));
        assert_eq!(greys(&mask), Some([0.0, 1.0]));
        mask.inverted = true;
        assert_eq!(greys(&mask), Some([1.0, 0.0]));
    }

    #[test]
    fn a_ct_that_does_not_say_so_has_the_presets_of_ct() {
        let of = |values: [f32; 4]| {
            let mut scan = Scan { modality: "unknown".to_owned(), ..scan([16, 16, 16]) };
            let values = (0..4096).map(|n| values[n % 4]).collect();
            scan.volume = Arc::new(Volume::from_f32(scan.volume.grid, values, Unit::Arbitrary));
            let open = OpenScan::new(Arc::new(scan), None, &Settings::default());
            let presets: Vec<String> = open.windows.into_iter().skip(1).map(|(name, _)| name).collect();
            (presets.len(), open.contrast.hounsfield, open.contrast.range[0])
        };
        assert_eq!(of([-1000.0, -1000.0, 40.0, 900.0]), (5, true, -1000.0));
        assert_eq!(of([-3024.0, -1000.0, 40.0, 900.0]), (5, true, -1000.0), "padding is not air");
        assert_eq!(of([-2000.0, -1000.0, 40.0, 900.0]), (5, true, -1000.0));
        assert_eq!(of([-4000.0, -2000.0, 2000.0, 4000.0]), (0, false, -4000.0));
        assert_eq!(of([10.0, 200.0, 400.0, 900.0]), (0, false, 10.0));
    }

    #[test]
    fn presets_are_added_renamed_moved_and_removed_for_their_modality_alone() {
        let mut state = of_ct();
        assert_eq!(names(&state), ["auto", "bone", "sinus", "soft tissue", "brain", "air"]);
        state.apply(Command::SetWindow(Window::linear(300.0, 1200.0)));
        for command in [
            SettingsCommand::AddPreset("mine".to_owned()),
            SettingsCommand::MovePreset(5, -1),
            SettingsCommand::RenamePreset(0, "skull".to_owned()),
            SettingsCommand::RemovePreset(3),
            SettingsCommand::MovePreset(0, -1),
            SettingsCommand::RemovePreset(9),
            SettingsCommand::ChangePreset(1, Window::linear(50.0, 350.0)),
        ] {
            let effects = state.apply(Command::Settings(command));
            assert_eq!(effects.len(), 1);
        }
        assert_eq!(names(&state), ["auto", "skull", "sinus", "soft tissue", "mine", "air"]);
        state.apply(Command::ChooseWindow(2));
        assert_eq!(state.view.window, Window::linear(50.0, 350.0));
        state.apply(Command::ChooseWindow(4));
        assert_eq!(state.view.window, Window::linear(300.0, 1200.0));
        assert!(windows(&scan([4, 4, 4]), &state.settings).len() == 1, "the other modalities have none");
        state.apply(Command::Settings(SettingsCommand::BuiltInPresets));
        assert_eq!(names(&state)[1..], ["bone", "sinus", "soft tissue", "brain", "air"]);
    }

    #[test]
    fn the_automatic_window_follows_its_percentage() {
        let mut state = of_ct();
        let width = |state: &State| state.scan.as_ref().unwrap().windows[0].1.width;
        let before = width(&state);
        state.apply(Command::Settings(SettingsCommand::AutoPercent(5.0)));
        assert!(width(&state) < before * 0.95, "{} {before}", width(&state));
    }

    #[test]
    fn who_looks_at_the_automatic_window_of_either_scan_goes_on_doing_so() {
        let mut state = of_ct();
        let patient = state.layers.patient;
        state.apply(Command::Compare(CompareCommand::Opened(patient, Arc::new(scan([20; 3])), None)));
        state.apply(Command::Compare(CompareCommand::Mode(Mode::Blended)));
        let widths = |state: &State| [state.view.window.width, state.compare.second.as_ref().unwrap().window.width];
        let before = widths(&state);
        state.apply(Command::Settings(SettingsCommand::AutoPercent(5.0)));
        let after = widths(&state);
        assert!(after[0] < before[0] * 0.95 && after[1] < before[1] * 0.95, "{before:?} {after:?}");
        let second = state.compare.second.as_ref().unwrap();
        assert_eq!(second.open.windows[0].1, second.window, "in its list, too");
        let blended = state.layers.list[0].overlay;
        assert!((f64::from(blended.high - blended.low) - after[1]).abs() < 1e-3, "and over the first");

        // Another choice is not touched.
        state.apply(Command::SetWindow(Window::linear(300.0, 1200.0)));
        state.apply(Command::Settings(SettingsCommand::AutoPercent(1.0)));
        assert_eq!(state.view.window, Window::linear(300.0, 1200.0));
    }
}
