//! The drawer of the settings. Every change counts at once and is saved.

use super::actions::{ACTIONS, GROUPS};
use super::{keys, theme};
use crate::app::command::Command;
use crate::app::settings::{MouseMap, Settings, SettingsCommand, Theme, Tool};
use crate::app::state::{Layout, State};
use crate::app::template::TemplateCommand;
use crate::app::windows;
use crate::view::Convention;
use egui::{Button, CollapsingHeader, ComboBox, DragValue, Grid, RichText, Slider, TextEdit, Ui, WidgetInfo};

pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let mut sent = Vec::new();
    section(ui, "Appearance", true, |ui| appearance_ui(ui, &state.settings, &mut sent));
    section(ui, "On opening", true, |ui| opening_ui(ui, &state.settings, &mut sent, commands));
    section(ui, "Mouse", true, |ui| mouse_ui(ui, state.settings.mouse, &mut sent));
    section(ui, "Windows", true, |ui| windows_ui(ui, state, &mut sent));
    section(ui, "Keys", false, |ui| keys_ui(ui, &state.settings, &mut sent));
    section(ui, "Graphics", true, |ui| graphics_ui(ui, state));
    commands.extend(sent.into_iter().map(Command::Settings));
}

fn section(ui: &mut Ui, title: &str, open: bool, content: impl FnOnce(&mut Ui)) {
    CollapsingHeader::new(title).default_open(open).show_unindented(ui, |ui| {
        content(ui);
        ui.add_space(6.0);
    });
}

/// What draws the window, for those who wonder why it is slow or wrong.
fn graphics_ui(ui: &mut Ui, state: &State) {
    ui.label(&state.graphics).on_hover_text("To try others: antrum --safe-graphics");
    if state.settings.software_graphics {
        let text = "No graphics card is used: the 3-D picture is drawn more coarsely";
        ui.label(RichText::new(text).color(theme::of(ui).weak));
    }
}

fn appearance_ui(ui: &mut Ui, settings: &Settings, sent: &mut Vec<SettingsCommand>) {
    ui.horizontal(|ui| {
        ui.label("Panels");
        for (text, theme) in [("dark", Theme::Dark), ("light", Theme::Light)] {
            let chosen = settings.theme == theme;
            let response = ui.selectable_label(chosen, text);
            response
                .widget_info(|| WidgetInfo::selected(egui::Role::RadioButton, true, chosen, format!("Panels {text}")));
            if response.on_hover_text("Pictures stand on black in both").clicked() {
                sent.push(SettingsCommand::Theme(theme));
            }
        }
    });
    ui.horizontal(|ui| {
        let label = ui.label("Scale");
        // While it is dragged the slider must not move away under the mouse: the scale counts when it is let go.
        let id = egui::Id::unique("scale being chosen");
        let mut percent = ui.data(|data| data.get_temp(id)).unwrap_or(settings.scale_percent);
        let [smallest, largest] = Settings::SCALE_PERCENT;
        let slider = Slider::new(&mut percent, smallest..=largest).suffix(" %").step_by(5.0);
        let response = ui.add(slider).labelled_by(label.id);
        if response.dragged() {
            ui.data_mut(|data| data.insert_temp(id, percent));
        } else {
            ui.data_mut(|data| data.remove_temp::<u32>(id));
            if percent != settings.scale_percent {
                sent.push(SettingsCommand::Scale(percent));
            }
        }
        response.on_hover_text(keys::hint(settings, "Size of texts and buttons", "larger"));
    });
}

fn opening_ui(ui: &mut Ui, settings: &Settings, sent: &mut Vec<SettingsCommand>, commands: &mut Vec<Command>) {
    let mut on_open = settings.analyse_on_open;
    let hint = "Compute the residual maps as soon as the sinuses are found";
    if ui.checkbox(&mut on_open, "Compute maps").on_hover_text(hint).changed() {
        commands.push(Command::AnalyseOnOpen(on_open));
    }
    finder_ui(ui, settings, commands);
    let mut paths = settings.show_paths;
    if ui.checkbox(&mut paths, "Show names of files").on_hover_text("They often hold patients' names").changed() {
        commands.push(Command::ShowPaths(paths));
    }
    choice(
        ui,
        "Start with",
        settings.convention,
        &[
            ("patient right on the left", Convention::Radiological),
            ("patient left on the left", Convention::Neurological),
        ],
        |convention| sent.push(SettingsCommand::Convention(convention)),
    );
    choice(
        ui,
        "Layout",
        settings.layout,
        &[("two by two", Layout::Quad), ("one large, three small", Layout::Large)],
        |layout| sent.push(SettingsCommand::Layout(layout)),
    );
    let percents = Settings::AUTO_PERCENT.map(|percent| (format!("{percent} % at either end"), percent));
    let percents = percents.each_ref().map(|(text, percent)| (text.as_str(), *percent));
    choice(ui, "Auto window without", settings.auto_percent, &percents, |percent| {
        sent.push(SettingsCommand::AutoPercent(percent));
    });
}

/// What finds the sinuses: the networks, or a template that was recorded.
fn finder_ui(ui: &mut Ui, settings: &Settings, commands: &mut Vec<Command>) {
    ui.horizontal_wrapped(|ui| {
        ui.label("Sinuses by");
        let folder = settings.template.as_ref();
        let name = folder.filter(|_| settings.shows_names()).and_then(|folder| folder.file_name());
        let template = name.map_or("a template…".into(), |name| format!("template {}…", name.to_string_lossy()));
        for (text, chosen, hint, command) in [
            ("networks", folder.is_none(), "Networks that learnt from synthetic heads", TemplateCommand::FindBy(None)),
            (
                template.as_str(),
                folder.is_some(),
                "Align each scan with a head whose sinuses were recorded: antrum template, or Add boxes to a template",
                TemplateCommand::Ask,
            ),
        ] {
            let response = ui.selectable_label(chosen, text);
            response.widget_info(|| {
                WidgetInfo::selected(egui::Role::RadioButton, true, chosen, format!("Find sinuses by {text}"))
            });
            // Another template can be chosen in place of the one in use.
            if response.on_hover_text(hint).clicked() && (!chosen || command == TemplateCommand::Ask) {
                commands.push(Command::Template(command));
            }
        }
    });
}

/// A list to choose one from; `chosen` gets the other one.
fn choice<T: Copy + PartialEq>(ui: &mut Ui, title: &str, now: T, all: &[(&str, T)], chosen: impl FnOnce(T)) {
    let mut new = now;
    ui.horizontal_wrapped(|ui| {
        let label = ui.label(title);
        let shown = all.iter().find(|(_, one)| *one == now).map_or("", |(text, _)| text);
        let list = ComboBox::from_id_salt(title).selected_text(shown).show_ui(ui, |ui| {
            for (text, one) in all {
                ui.selectable_value(&mut new, *one, *text);
            }
        });
        list.response.labelled_by(label.id);
    });
    if new != now {
        chosen(new);
    }
}

fn mouse_ui(ui: &mut Ui, now: MouseMap, sent: &mut Vec<SettingsCommand>) {
    ui.horizontal(|ui| {
        for (text, map, hint) in [
            ("usual", MouseMap::DEFAULT, "As in 3D Slicer and ITK-SNAP"),
            ("PACS", MouseMap::PACS, "As in picture archiving systems"),
        ] {
            let response = ui.selectable_label(now == map, text);
            response.widget_info(|| {
                WidgetInfo::selected(egui::Role::RadioButton, true, now == map, format!("Mouse {text}"))
            });
            if response.on_hover_text(hint).clicked() {
                sent.push(SettingsCommand::Mouse(map));
            }
        }
        if now != MouseMap::DEFAULT && now != MouseMap::PACS {
            ui.weak("your own");
        }
    });
    let tools = Tool::ALL.map(|tool| (tool.name(), tool));
    choice(ui, "Left drag", now.left, &tools, |left| sent.push(SettingsCommand::Mouse(MouseMap { left, ..now })));
    choice(ui, "Right drag", now.right, &tools, |right| sent.push(SettingsCommand::Mouse(MouseMap { right, ..now })));
    choice(ui, "Middle drag", now.middle, &tools, |middle| {
        sent.push(SettingsCommand::Mouse(MouseMap { middle, ..now }));
    });
}

fn windows_ui(ui: &mut Ui, state: &State, sent: &mut Vec<SettingsCommand>) {
    let Some(open) = &state.scan else {
        ui.weak("Presets are kept by modality. Open a scan to edit those of its kind");
        return;
    };
    let modality = windows::modality(&open.scan, &open.contrast);
    let presets = state.settings.presets.get(modality).map_or(&[][..], Vec::as_slice);
    ui.weak(format!("Presets for {modality}: width / centre"));
    for (number, preset) in presets.iter().enumerate() {
        ui.horizontal(|ui| {
            let mut name = preset.name.clone();
            let field = ui.add(TextEdit::singleline(&mut name).desired_width(64.0));
            field.widget_info(|| {
                WidgetInfo::labeled(egui::Role::TextInput, true, format!("Name of preset {}", number + 1))
            });
            if field.changed() {
                sent.push(SettingsCommand::RenamePreset(number, name));
            }
            let (mut width, mut centre) = (preset.window.width, preset.window.centre);
            for (what, value) in [("Width", &mut width), ("Centre", &mut centre)] {
                let speed = preset.window.width / 200.0;
                let field = ui.add_sized([44.0, 18.0], DragValue::new(value).speed(speed).max_decimals(2));
                field.on_hover_text(format!("{what} of {}", preset.name));
            }
            let window = preset.window.moved(centre, width);
            if window != preset.window {
                sent.push(SettingsCommand::ChangePreset(number, window));
            }
            for (sign, what, command) in [
                ("up", "Move up", SettingsCommand::MovePreset(number, -1)),
                ("×", "Delete", SettingsCommand::RemovePreset(number)),
            ] {
                let enabled = number > 0 || matches!(command, SettingsCommand::RemovePreset(_));
                let response = ui.add_enabled(enabled, Button::new(sign).small());
                let name = format!("{what} preset {}", preset.name);
                response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, enabled, &name));
                if response.on_hover_text(name).clicked() {
                    sent.push(command);
                }
            }
        });
    }
    ui.horizontal(|ui| {
        let keep =
            ui.button("Keep the present one").on_hover_text("The window of the panes, as a preset to be renamed");
        if keep.clicked() {
            sent.push(SettingsCommand::AddPreset(format!("mine {}", presets.len() + 1)));
        }
        if windows::built_in().contains_key(modality) {
            let usual = ui.button("Usual ones").on_hover_text("The presets that came with the program; yours go");
            if usual.clicked() {
                sent.push(SettingsCommand::BuiltInPresets);
            }
        }
    });
}

fn keys_ui(ui: &mut Ui, settings: &Settings, sent: &mut Vec<SettingsCommand>) {
    ui.weak("Click on a key, then press the new one. Esc leaves it, Backspace takes it away");
    for (one, other, key) in keys::conflicts(settings) {
        let text = format!("{key} means both “{}” and “{}”; the first counts", one.what, other.what);
        ui.label(RichText::new(text).color(theme::of(ui).notice));
    }
    if !settings.keys.is_empty() && ui.button("Usual keys for all").clicked() {
        sent.push(SettingsCommand::UsualKeys);
    }
    capture(ui, sent);
    for group in GROUPS {
        ui.label(RichText::new(group).color(theme::of(ui).accent));
        Grid::new(group).num_columns(2).min_col_width(86.0).spacing([6.0, 2.0]).show(ui, |ui| {
            for action in ACTIONS.iter().filter(|action| action.group == group) {
                key_ui(ui, settings, action.id, action.what, keys::text(settings, action));
                ui.end_row();
            }
        });
    }
}

fn key_ui(ui: &mut Ui, settings: &Settings, id: &'static str, what: &str, key: &str) {
    let waits = ui.data(|data| data.get_temp::<&'static str>(keys::capture_id())) == Some(id);
    let shown = if waits { "press…".to_owned() } else { key.replace(' ', "  ") };
    let own = settings.keys.contains_key(id);
    let colour = if own || waits { theme::of(ui).accent } else { theme::of(ui).text };
    let response = ui.add(Button::new(RichText::new(shown).monospace().size(11.0).color(colour)).small());
    response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, true, format!("Key of {what}: {key}")));
    if response.clicked() {
        ui.data_mut(|data| data.insert_temp(keys::capture_id(), id));
        // The next key is for the action, not for the button.
        response.surrender_focus();
    }
    ui.add(egui::Label::new(RichText::new(what).size(12.0)).truncate());
}

/// Takes the key that is pressed for the action that waits for one.
fn capture(ui: &Ui, sent: &mut Vec<SettingsCommand>) {
    let Some(id) = ui.data(|data| data.get_temp::<&'static str>(keys::capture_id())) else { return };
    let Some(shortcut) = keys::captured(ui.ctx()) else { return };
    ui.data_mut(|data| data.remove_temp::<&'static str>(keys::capture_id()));
    match shortcut.text().as_str() {
        "Esc" => {}
        "Backspace" => sent.push(SettingsCommand::Key(id.to_owned(), Some(String::new()))),
        key if ACTIONS.iter().any(|action| action.id == id && action.usual == key) => {
            sent.push(SettingsCommand::Key(id.to_owned(), None));
        }
        key => sent.push(SettingsCommand::Key(id.to_owned(), Some(key.to_owned()))),
    }
}
