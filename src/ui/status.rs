//! The line at the bottom: background work on the left, what lies under the crosshair on the right.

use super::lettering::orientation_known;
use super::theme;
use crate::app::command::Command;
use crate::app::state::{JobView, State};
use egui::{Align, Layout, Panel, ProgressBar, RichText, Ui};
use glam::DVec3;

pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let frame = egui::Frame::new().fill(theme::PANEL).inner_margin(egui::Margin::symmetric(8, 3));
    Panel::bottom("status").frame(frame).exact_size(28.0).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            for job in &state.jobs {
                job_ui(ui, job, commands);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                if let Some(text) = probe(state) {
                    ui.label(RichText::new(text).font(theme::digits(12.0)).color(theme::TEXT));
                }
            });
        });
    });
}

fn job_ui(ui: &mut Ui, job: &JobView, commands: &mut Vec<Command>) {
    let bar = ProgressBar::new(job.status.fraction).desired_width(130.0).desired_height(8.0);
    ui.label(RichText::new(&job.name).color(theme::STRONG));
    ui.add(bar).on_hover_text(&job.status.stage);
    let left = match job.status.eta {
        Some(eta) => format!("{:>4} s left", eta.as_secs()),
        None => " ".repeat(11),
    };
    ui.label(RichText::new(format!("{:>3.0} % {left}", 100.0 * job.status.fraction)).font(theme::digits(11.0)));
    if ui.small_button("Cancel").on_hover_text(format!("Stop: {}", job.name)).clicked() {
        commands.push(Command::Cancel(job.kind));
    }
}

/// Voxel, world position, value and map at the crosshair.
fn probe(state: &State) -> Option<String> {
    let volume = state.volume()?;
    let cross = state.view.cross_mm;
    let v = volume.grid.voxel_from_world().transform_point3(cross).round();
    let [i, j, k] = v.to_array().map(|c| c as i64);
    let value = volume.at_world(cross).map_or("  outside".to_owned(), |x| format!("{x:>9.1} {}", volume.unit.symbol()));
    let map = state.analysis.as_ref().and_then(|a| a.map.at_world(cross));
    let map = map.map_or(String::new(), |x| format!(" · residual {x:.2}"));
    let place = if orientation_known(state) { position(cross) } else { unnamed_position(cross) };
    Some(format!("voxel {i:>3} {j:>3} {k:>3} · {place} · {value}{map}"))
}

/// A world position with letters instead of signs' meaning: `R  24.1  A  60.2  S -50.1 mm`.
pub(super) fn position(world_mm: DVec3) -> String {
    format!("R {:>6.1}  A {:>6.1}  S {:>6.1} mm", world_mm.x, world_mm.y, world_mm.z)
}

/// A position in a scan that does not say how it lies in the patient.
fn unnamed_position(mm: DVec3) -> String {
    format!("left and right unknown  x {:>6.1}  y {:>6.1}  z {:>6.1} mm", mm.x, mm.y, mm.z)
}
