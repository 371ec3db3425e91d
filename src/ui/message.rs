//! What the user must know, over the lower edge of the panes: nothing moves when it comes or goes.

use super::{keys, theme};
use crate::app::command::Command;
use crate::app::state::State;
use egui::{Align2, Area, Frame, Id, Order, Rect, RichText, Stroke, Ui, vec2};

/// Shows the message, if there is one, at the bottom of the panes' area.
pub(super) fn ui(ui: &Ui, state: &State, area: Rect, commands: &mut Vec<Command>) {
    let Some(message) = &state.message else { return };
    let palette = theme::of(ui);
    let colour = if message.error { palette.error } else { palette.notice };
    let frame = Frame::new().fill(palette.card).stroke(Stroke::new(1.0, colour)).corner_radius(4).inner_margin(8);
    let width = (area.width() - 110.0).clamp(120.0, 700.0);
    Area::new(Id::unique("message"))
        .order(Order::Foreground)
        .pivot(Align2::CENTER_BOTTOM)
        .fixed_pos(area.center_bottom() - vec2(0.0, 10.0))
        .constrain_to(area)
        .show(ui.ctx(), |ui| {
            frame.show(ui, |ui| {
                ui.horizontal(|ui| {
                    ui.vertical(|ui| {
                        ui.set_max_width(width);
                        ui.label(RichText::new(message.shown(state.settings.shows_names())).color(colour));
                    });
                    if ui
                        .button("Close")
                        .on_hover_text(keys::hint(&state.settings, "Put the message away", "close"))
                        .clicked()
                    {
                        commands.push(Command::DismissMessage);
                    }
                });
            });
        });
}
