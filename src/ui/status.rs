//! The line at the bottom: background work on the left, what lies under the mouse or the crosshair on the
//! right.

use super::{probe, theme};
use crate::app::command::Command;
use crate::app::state::{JobView, State};
use egui::{Align, Layout, Panel, ProgressBar, RichText, Ui};

pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let frame = egui::Frame::new().inner_margin(egui::Margin::symmetric(8, 3));
    Panel::bottom("status").frame(frame).exact_size(28.0).show(ui, |ui| {
        ui.horizontal_centered(|ui| {
            for job in &state.jobs {
                job_ui(ui, job, commands);
            }
            ui.with_layout(Layout::right_to_left(Align::Center), |ui| {
                probe::ui(ui, state);
            });
        });
    });
}

fn job_ui(ui: &mut Ui, job: &JobView, commands: &mut Vec<Command>) {
    let bar = ProgressBar::new(job.status.fraction).desired_width(130.0).desired_height(8.0);
    ui.label(RichText::new(&job.name).color(theme::of(ui).strong));
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
