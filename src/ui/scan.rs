//! The open scan in its drawer: what it is, which of its volumes, and what its reader should know about it.

use super::{keys, theme};
use crate::app::checks;
use crate::app::command::Command;
use crate::app::settings::Settings;
use crate::app::state::{OpenScan, State};
use crate::app::template::TemplateCommand;
use crate::io::{Format, Scan};
use egui::{Button, RichText, Ui, WidgetInfo};

pub(super) fn ui(ui: &mut Ui, state: &State, open: &OpenScan, commands: &mut Vec<Command>) {
    let scan = &open.scan;
    ui.horizontal_wrapped(|ui| {
        if scan.format == Format::Synthetic {
            ui.label(RichText::new("Synthetic head, not a patient").color(theme::of(ui).notice).strong());
        } else {
            ui.label(RichText::new(name(scan, &state.settings)).color(theme::of(ui).strong));
        }
        if checks::resampled(scan) {
            ui.label(RichText::new("resampled").color(theme::of(ui).notice).strong())
                .on_hover_text("The slices were resampled to even spacing: what is shown is not what was measured");
        }
    });
    let grid = &scan.volume.grid;
    let ([nx, ny, nz], spacing) = (grid.size, grid.spacing_mm());
    ui.label(format!("{nx} × {ny} × {nz} voxels, {}", scan.volume.voxels.type_name()));
    ui.label(format!("{:.2} × {:.2} × {:.2} mm", spacing.x, spacing.y, spacing.z));
    if scan.frames > 1 {
        stepper_ui(ui, scan, commands);
    }
    if scan.format != Format::Synthetic {
        let mut show = state.settings.show_paths;
        if ui.checkbox(&mut show, "Show file names").on_hover_text("File names often hold patients' names").changed() {
            commands.push(Command::ShowPaths(show));
        }
    }
    let add = ui.add_enabled(state.has_boxes_by_hand(), Button::new("Add boxes to a template…"));
    let hint = "Records boxes placed by hand; sinuses of other scans can then be found by the template";
    let hint = keys::hint(&state.settings, hint, "add to template");
    if add.on_hover_text(&hint).on_disabled_hover_text(hint).clicked() {
        commands.push(Command::Template(TemplateCommand::AskToAdd));
    }
    checks_ui(ui, scan, state.settings.shows_names(), commands);
}

/// The file's name where it may be shown, else the kind of scan and, for DICOM, the description of its series unless the
/// reader is blind.
fn name(scan: &Scan, settings: &Settings) -> String {
    let file = scan.path.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    if let Some(file) = file.filter(|_| settings.shows_names()) {
        return file;
    }
    let modality = if scan.modality == "unknown" { "" } else { scan.modality.as_str() };
    let description = if scan.format == Format::Dicom && !settings.blind { scan.description.trim() } else { "" };
    let words = [scan.format.name(), modality, description];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// Which of the volumes that follow one another.
fn stepper_ui(ui: &mut Ui, scan: &Scan, commands: &mut Vec<Command>) {
    ui.horizontal(|ui| {
        let mut step = |ui: &mut Ui, sign: &str, name: &str, to: Option<usize>| {
            let to = to.filter(|frame| *frame < scan.frames);
            let response = ui.add_enabled(to.is_some(), Button::new(sign).small());
            response.widget_info(|| WidgetInfo::labeled(egui::Role::Button, to.is_some(), name));
            if response.on_hover_text(name).clicked() {
                commands.extend(to.map(Command::ShowVolume));
            }
        };
        step(ui, "‹", "Previous volume", scan.frame.checked_sub(1));
        let digits = scan.frames.to_string().len();
        let text = format!("volume {:>digits$} of {}", scan.frame + 1, scan.frames);
        ui.label(RichText::new(text).font(theme::digits(12.0)).color(theme::of(ui).strong));
        step(ui, "›", "Next volume", Some(scan.frame + 1));
    });
}

/// What a reader should know, one sentence each, with what can be done about it.
fn checks_ui(ui: &mut Ui, scan: &Scan, show_files: bool, commands: &mut Vec<Command>) {
    if scan.checks.is_empty() {
        return;
    }
    let palette = theme::of(ui);
    ui.add_space(4.0);
    ui.separator();
    ui.label(RichText::new(format!("Series check ({})", scan.checks.len())).color(palette.strong));
    for check in &scan.checks {
        ui.horizontal_top(|ui| {
            ui.label(RichText::new("•").color(palette.notice));
            let label = ui.add(egui::Label::new(RichText::new(&check.message).size(12.0)).wrap());
            if show_files && !check.files.is_empty() {
                label.on_hover_text(check.files.join("\n"));
            }
        });
    }
    let (text, even) = match (checks::uneven(scan), checks::resampled(scan)) {
        (_, true) => ("Show the slices as stored", false),
        (true, false) => ("Resample to even spacing", true),
        (false, false) => return,
    };
    if ui.button(text).clicked() {
        commands.push(Command::Even(even));
    }
}
