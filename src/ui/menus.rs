//! The menus of the bar. Each entry has its key behind it.

use super::actions::{self, THICKEST_MM};
use super::{keys, recent};
use crate::app::command::Command;
use crate::app::measure::MeasureCommand;
use crate::app::settings::{Settings, SettingsCommand};
use crate::app::shell::{Destination, Drawer, Figure, ShellCommand};
use crate::app::state::{Layout, Pane, State};
use crate::measure::Kind;
use crate::view::{Convention, Interpolation, Slab, SlabMode};
use egui::containers::menu::{MenuButton, MenuConfig};
use egui::{Button, Key, PopupCloseBehavior, Slider, TextEdit, Ui};
use glam::DQuat;

/// Width of a menu in points.
const WIDTH: f32 = 256.0;

/// A menu that stays open while its controls are used.
fn menu(ui: &mut Ui, title: &str, hint: &str, content: impl FnOnce(&mut Ui)) {
    let config = MenuConfig::new().close_behavior(PopupCloseBehavior::CloseOnClickOutside);
    let (response, _) = MenuButton::new(title).config(config).ui(ui, |ui| {
        ui.set_width(WIDTH);
        content(ui);
    });
    response.on_hover_text(hint);
}

/// An entry with the key of its action; true when it was chosen.
fn entry(ui: &mut Ui, settings: &Settings, text: &str, action: &str, chosen: bool) -> bool {
    let key = keys::of(settings, action).split(' ').next().unwrap_or("");
    let button = Button::selectable(chosen, text).shortcut_text(key).truncate();
    let button = button.min_size(egui::vec2(ui.available_width(), 0.0));
    let clicked = ui.add(button).clicked();
    if clicked {
        ui.close();
    }
    clicked
}

/// A title between entries.
fn title(ui: &mut Ui, text: &str) {
    ui.add_space(2.0);
    ui.weak(text);
}

/// What can be opened, and what was opened lately.
pub(super) fn open(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let settings = &state.settings;
    menu(ui, "Open", "Files, folders, what was opened lately, the synthetic example", |ui| {
        if entry(ui, settings, "Files…", "open files", false) {
            commands.push(Command::AskFile);
        }
        if entry(ui, settings, "Folder…", "open folder", false) {
            commands.push(Command::AskFolder);
        }
        if entry(ui, settings, "Synthetic example", "", false) {
            commands.push(Command::OpenExample);
        }
        if settings.recent.is_empty() {
            return;
        }
        ui.separator();
        title(ui, "Opened lately");
        for (number, recent) in settings.recent.iter().enumerate() {
            let text = recent::name(recent, number, settings.shows_names());
            if entry(ui, settings, &text, "", false) {
                commands.push(Command::Open(recent.paths.clone()));
            }
        }
        ui.separator();
        if entry(ui, settings, "Forget these", "", false) {
            commands.push(Command::Settings(SettingsCommand::ForgetRecent));
        }
    });
}

/// Layout, what is drawn over the picture, and where all is reset.
pub(super) fn view(ui: &mut Ui, state: &State, pane: Pane, commands: &mut Vec<Command>) {
    let (settings, view) = (&state.settings, &state.view);
    menu(ui, "View", "Layout, convention, interpolation, crosshair and boxes", |ui| {
        title(ui, "Layout");
        for (text, action, layout) in
            [("Two by two", "layout quad", Layout::Quad), ("One large, three small", "layout large", Layout::Large)]
        {
            if entry(ui, settings, text, action, view.layout == layout) {
                commands.push(Command::SetLayout(layout));
            }
        }
        let alone = view.layout == Layout::Single;
        let shown = if alone { view.focus } else { pane };
        if entry(ui, settings, &format!("The {} pane alone", pane_name(shown)), "single", alone) {
            commands.push(Command::ToggleSingle(shown));
        }
        ui.separator();
        title(ui, "Left of the screen in axial and coronal");
        for (text, convention) in [
            ("Patient right (radiological)", Convention::Radiological),
            ("Patient left (neurological)", Convention::Neurological),
        ] {
            let chosen = view.frame.convention == convention;
            if entry(ui, settings, text, "convention", chosen) && !chosen {
                commands.push(Command::ToggleConvention);
            }
        }
        ui.separator();
        title(ui, "Between voxels");
        for how in Interpolation::ALL {
            if entry(ui, settings, how.name(), "interpolation", view.interpolation == how) {
                commands.push(Command::Interpolate(how));
            }
        }
        ui.separator();
        if entry(ui, settings, "Crosshair", "crosshair", view.show_cross) {
            commands.push(Command::ToggleCross);
        }
        if entry(ui, settings, "Sinus boxes", "boxes", view.show_boxes) {
            commands.push(Command::ToggleBoxes);
        }
        if entry(ui, settings, "Reset pan, zoom, turn and layout", "reset", false) {
            commands.push(Command::ResetViews);
        }
    });
}

/// How the planes lie, and how thick they are.
pub(super) fn planes(ui: &mut Ui, state: &State, pane: Pane, commands: &mut Vec<Command>) {
    let (settings, view) = (&state.settings, &state.view);
    let slab = view.slab;
    let oblique = if view.frame.is_oblique() { " oblique" } else { "" };
    let thick = match slab.thickness_mm {
        mm if mm > 0.0 => format!(" {} {mm:.0} mm", slab.mode.name()),
        _ => String::new(),
    };
    menu(ui, &format!("Planes{oblique}{thick}"), "How the planes lie in the patient, and how thick they are", |ui| {
        title(ui, "Along");
        if entry(ui, settings, "The patient's axes", "patient axes", !view.frame.is_oblique()) {
            commands.push(Command::AlignPlanes(DQuat::IDENTITY));
        }
        if entry(ui, settings, "The scan's own axes", "scan axes", false) {
            commands.extend(actions::scan_axes(state));
        }
        if let Pane::Plane(plane) = pane {
            title(ui, &format!("About the middle of the {} pane", plane.name()));
            for (text, action, steps) in
                [("5° anticlockwise", "oblique left", -1.0), ("5° clockwise", "oblique right", 1.0)]
            {
                let key = keys::of(settings, action);
                let button =
                    Button::new(text).frame(false).shortcut_text(key).min_size(egui::vec2(ui.available_width(), 0.0));
                if ui.add(button).clicked() {
                    commands.extend(actions::turn(pane, steps));
                }
            }
        }
        ui.separator();
        title(ui, "Slab");
        let mut thickness_mm = slab.thickness_mm;
        let name = ui.horizontal(|ui| {
            let slider = Slider::new(&mut thickness_mm, 0.0..=THICKEST_MM).suffix(" mm").fixed_decimals(1);
            let hint = format!(
                "0 shows the plane alone ({} {})",
                keys::of(settings, "slab thinner"),
                keys::of(settings, "slab thicker")
            );
            ui.add(slider).on_hover_text(hint)
        });
        name.inner.widget_info(|| egui::WidgetInfo::slider(true, slab.thickness_mm, "Slab thickness"));
        if (thickness_mm - slab.thickness_mm).abs() > 1e-9 {
            commands.push(Command::SetSlab(Slab { thickness_mm, ..slab }));
        }
        for mode in SlabMode::ALL {
            let text = match mode {
                SlabMode::Mean => "Mean",
                SlabMode::Max => "Largest value (MIP)",
                SlabMode::Min => "Smallest value (MinIP)",
            };
            if entry(ui, settings, text, "slab mode", slab.mode == mode) {
                commands.push(Command::SetSlab(Slab { mode, ..slab }));
            }
        }
    });
}

/// The windows of the scan, and a place to keep the present one.
pub(super) fn window(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let Some(open) = &state.scan else { return };
    let (settings, now) = (&state.settings, &state.view.window);
    let name = open.windows.iter().find(|(_, window)| window == now).map_or("manual", |(name, _)| name);
    let text = format!("Window {name}  {} / {}", number(now.width), number(now.centre));
    menu(ui, &text, "Width / centre. Presets, and the present window under a name", |ui| {
        for (place, (name, window)) in open.windows.iter().enumerate() {
            let text = format!("{name}   {} / {}", number(window.width), number(window.centre));
            if entry(ui, settings, &text, &format!("window {}", place + 1), window == now) {
                commands.push(Command::ChooseWindow(place));
            }
        }
        ui.separator();
        title(ui, "Keep the present window as");
        ui.horizontal(|ui| {
            let id = egui::Id::unique("name of the present window");
            let mut name: String = ui.data(|data| data.get_temp(id)).unwrap_or_default();
            let field = ui.add(TextEdit::singleline(&mut name).hint_text("name").desired_width(130.0));
            field.widget_info(|| egui::WidgetInfo::labeled(egui::Role::TextInput, true, "Name of the present window"));
            let entered = field.lost_focus() && ui.input(|input| input.key_pressed(Key::Enter));
            let keep = ui.add_enabled(!name.trim().is_empty(), Button::new("Keep"));
            if (keep.clicked() || entered) && !name.trim().is_empty() {
                commands.push(Command::Settings(SettingsCommand::AddPreset(name.trim().to_owned())));
                name.clear();
            }
            ui.data_mut(|data| data.insert_temp(id, name));
        });
        if entry(ui, settings, "Edit presets…", "drawer settings", false) && state.drawer() != Some(Drawer::Settings)
        {
            commands.push(Command::Shell(ShellCommand::ToggleDrawer(Drawer::Settings)));
        }
    });
}

/// The tools that measure.
pub(super) fn measure(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let in_hand = state.measures.tool.map(|tool| tool.kind);
    let text = in_hand.map_or_else(|| "Measure".to_owned(), |kind| format!("Measure: {} in hand", kind.name()));
    menu(ui, &text, "Distances, angles, values in an ellipse, a box or at a point", |ui| {
        for kind in Kind::ALL {
            let text = kind.name();
            if entry(ui, &state.settings, text, keys::measure_action(kind), in_hand == Some(kind)) {
                commands.push(Command::Measure(MeasureCommand::Choose(kind)));
            }
        }
        ui.separator();
        if entry(ui, &state.settings, "All measurements", "drawer measure", false)
            && state.drawer() != Some(Drawer::Measure)
        {
            commands.push(Command::Shell(ShellCommand::ToggleDrawer(Drawer::Measure)));
        }
    });
}

/// Pictures of a pane or of all panes, as files or in the clipboard.
pub(super) fn figure(ui: &mut Ui, state: &State, pane: Pane, commands: &mut Vec<Command>) {
    menu(ui, "Figure", "Pictures of the panes, with letters, scale and the research notice", |ui| {
        let one = pane_name(pane);
        let entries = [
            (format!("Save the {one} pane…"), "save pane", Some(pane), Destination::File),
            ("Save all panes…".to_owned(), "save panes", None, Destination::File),
            (format!("Copy the {one} pane"), "copy pane", Some(pane), Destination::Clipboard),
            ("Copy all panes".to_owned(), "copy panes", None, Destination::Clipboard),
        ];
        for (text, action, pane, to) in entries {
            if entry(ui, &state.settings, &text, action, false) {
                commands.push(Command::Shell(ShellCommand::TakeFigure(Figure { pane, to })));
            }
        }
    });
}

/// What a pane is called in a sentence.
fn pane_name(pane: Pane) -> &'static str {
    match pane {
        Pane::Plane(plane) => plane.name(),
        Pane::Volume => "3-D",
    }
}

/// A number of a window: whole where that is fine enough.
fn number(value: f64) -> String {
    if value.abs() >= 20.0 || value == 0.0 { format!("{value:.0}") } else { format!("{value:.3}") }
}
