//! The narrow rail at the left: one button for each drawer, with a badge where something wants attention.

use super::{keys, theme};
use crate::app::command::Command;
use crate::app::shell::{Drawer, ShellCommand};
use crate::app::state::State;
use egui::{
    Align2, Color32, FontId, Frame, Painter, Panel, Pos2, Rect, ScrollArea, Sense, Stroke, StrokeKind, Ui, WidgetInfo,
    pos2, vec2,
};

const WIDTH: f32 = 50.0;

pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let frame = Frame::new();
    Panel::left("rail").frame(frame).exact_size(WIDTH).resizable(false).show(ui, |ui| {
        // In a very low window, or at a large scale, the rail scrolls.
        let bar = egui::scroll_area::ScrollBarVisibility::AlwaysHidden;
        ScrollArea::vertical().scroll_bar_visibility(bar).show(ui, |ui| {
            ui.spacing_mut().item_spacing.y = 0.0;
            for drawer in Drawer::ALL {
                button_ui(ui, state, drawer, commands);
            }
        });
    });
}

fn button_ui(ui: &mut Ui, state: &State, drawer: Drawer, commands: &mut Vec<Command>) {
    let open = state.drawer() == Some(drawer);
    let (rect, response) = ui.allocate_exact_size(vec2(WIDTH, 46.0), Sense::click());
    let badge = badge(state, drawer);
    let spoken = match badge {
        Some(number) => format!("{} drawer, {number}", drawer.name()),
        None => format!("{} drawer", drawer.name()),
    };
    response.widget_info(|| WidgetInfo::selected(egui::Role::Button, true, open, &spoken));
    let palette = theme::of(ui);
    let painter = ui.painter();
    if open {
        painter.rect_filled(rect, 0.0, palette.card);
        let mark = Rect::from_min_size(rect.min, vec2(2.0, rect.height()));
        painter.rect_filled(mark, 0.0, palette.accent);
    }
    if response.has_focus() {
        painter.rect_stroke(rect, 2.0, Stroke::new(1.0, palette.accent), StrokeKind::Inside);
    }
    let colour = if open || response.hovered() { palette.strong } else { palette.text };
    let middle = pos2(rect.center().x, rect.top() + 18.0);
    icon(painter, drawer, middle, colour);
    painter.text(
        pos2(rect.center().x, rect.bottom() - 4.0),
        Align2::CENTER_BOTTOM,
        drawer.name(),
        FontId::proportional(10.0),
        colour,
    );
    if let Some(number) = badge {
        let at = middle + vec2(12.0, -7.0);
        painter.circle_filled(at, 7.5, palette.notice);
        painter.text(at, Align2::CENTER_CENTER, number.to_string(), FontId::proportional(10.0), palette.panel);
    }
    let key = keys::hint(&state.settings, purpose(drawer), &format!("drawer {}", drawer.name().to_lowercase()));
    if response.on_hover_text(key).clicked() {
        commands.push(Command::Shell(ShellCommand::ToggleDrawer(drawer)));
    }
}

fn purpose(drawer: Drawer) -> &'static str {
    match drawer {
        Drawer::Series => "What there is to open",
        Drawer::Scan => "The open scan, and what its reader should know",
        Drawer::Maps => "What lies over the picture: colours, limits, opacity",
        Drawer::Volume => "How the 3-D picture is drawn",
        Drawer::Measure => "Distances, angles and regions",
        Drawer::Raters => "How far raters agree, and scores with them",
        Drawer::Model => "The classifier, and what it can learn from your labels",
        Drawer::Settings => "Windows, mouse, keys, colours, scale",
    }
}

/// How many things want attention.
fn badge(state: &State, drawer: Drawer) -> Option<usize> {
    let number = match drawer {
        Drawer::Scan => state.scan.as_ref().map_or(0, |open| open.scan.checks.len()),
        _ => 0,
    };
    (number > 0).then_some(number)
}

/// A small picture of lines, about 18 points wide.
fn icon(painter: &Painter, drawer: Drawer, at: Pos2, colour: Color32) {
    let stroke = Stroke::new(1.3, colour);
    let line = |from: [f32; 2], to: [f32; 2]| {
        painter.line_segment([at + vec2(from[0], from[1]), at + vec2(to[0], to[1])], stroke);
    };
    let frame = |from: [f32; 2], to: [f32; 2]| {
        let rect = Rect::from_two_pos(at + vec2(from[0], from[1]), at + vec2(to[0], to[1]));
        painter.rect_stroke(rect, 1.5, stroke, StrokeKind::Middle);
    };
    match drawer {
        Drawer::Series => {
            for y in [-7.0, -1.0, 5.0] {
                frame([-9.0, y], [-5.0, y + 4.0]);
                line([-2.0, y + 2.0], [9.0, y + 2.0]);
            }
        }
        Drawer::Scan => {
            painter.circle_stroke(at, 8.0, stroke);
            painter.circle_filled(at + vec2(0.0, -3.6), 1.2, colour);
            line([0.0, -0.8], [0.0, 4.4]);
        }
        Drawer::Maps => {
            for y in [-3.5, 0.0, 3.5] {
                let corners = [[-8.0, y], [0.0, y - 4.0], [8.0, y], [0.0, y + 4.0]];
                let sides = if y < 0.0 { 0..4 } else { 2..4 };
                for side in sides {
                    line(corners[side], corners[(side + 1) % 4]);
                }
            }
        }
        Drawer::Volume => {
            let (top, left, right, middle, low) = ([0.0, -8.0], [-7.0, -4.5], [7.0, -4.5], [0.0, -1.0], [0.0, 8.0]);
            for (from, to) in [(top, left), (top, right), (left, middle), (right, middle), (middle, low)] {
                line(from, to);
            }
            for x in [-7.0, 7.0] {
                line([x, -4.5], [x, 4.5]);
                line([x, 4.5], low);
            }
        }
        Drawer::Measure => {
            line([-8.0, 6.0], [8.0, -6.0]);
            for (x, y) in [(-8.0, 6.0), (0.0, 0.0), (8.0, -6.0)] {
                line([x - 2.0, y - 2.7], [x + 2.0, y + 2.7]);
            }
        }
        Drawer::Raters => {
            for (x, y) in [(-4.5, 0.0), (4.5, 0.0)] {
                painter.circle_stroke(at + vec2(x, y - 3.5), 2.6, stroke);
                line([x - 4.0, 7.0], [x - 2.5, 2.0]);
                line([x - 2.5, 2.0], [x + 2.5, 2.0]);
                line([x + 2.5, 2.0], [x + 4.0, 7.0]);
            }
        }
        Drawer::Model => {
            let (inputs, outputs) = ([[-7.5, -5.5], [-7.5, 0.0], [-7.5, 5.5]], [[6.5, -3.0], [6.5, 3.0]]);
            for from in inputs {
                for to in outputs {
                    line(from, to);
                }
            }
            for dot in inputs.into_iter().chain(outputs) {
                painter.circle_filled(at + vec2(dot[0], dot[1]), 2.2, colour);
            }
        }
        Drawer::Settings => {
            for (y, knob) in [(-5.5, 3.0), (0.0, -4.0), (5.5, 1.0)] {
                line([-8.0, y], [8.0, y]);
                painter.circle_filled(at + vec2(knob, y), 2.4, colour);
            }
        }
    }
}
