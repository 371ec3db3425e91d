//! How the 3-D picture is made: rendering, colours, cuts, crop box, and the views from six sides.

use super::lettering::orientation_known;
use super::{cube, theme};
use crate::app::command::Command;
use crate::app::state::{OpenScan, State};
use crate::app::volume::{Cutting, VolumeCommand};
use crate::space::{BoxMm, Plane, letters};
use crate::view::{Mode, Preset};
use egui::{Button, DragValue, Role, Slider, SliderClamping, Ui, WidgetInfo};
use glam::DVec3;
use std::ops::RangeInclusive;

/// Shows the choices for the 3-D pane.
pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    let Some(open) = &state.scan else { return };
    let mut send = |command| commands.push(Command::Volume(command));
    rendering_ui(ui, state, open, &mut send);
    views_ui(ui, state, &mut send);
    cuts_ui(ui, state, &mut send);
    crop_ui(ui, state, open, &mut send);
}

/// One of several choices side by side; whether it was taken.
fn choice(ui: &mut Ui, chosen: bool, text: &str, hint: &str) -> bool {
    let response = ui.add(Button::selectable(chosen, text)).on_hover_text(hint);
    response.widget_info(|| WidgetInfo::selected(Role::Button, true, chosen, hint));
    response.clicked()
}

/// A slider that leaves a value as it is until it is dragged; egui's own would round it, and call that a change.
fn slider<'a>(value: &'a mut f64, range: RangeInclusive<f64>, decimals: usize, unit: &str) -> Slider<'a> {
    let slider = Slider::new(value, range).clamping(SliderClamping::Never).suffix(format!(" {unit}"));
    slider.custom_formatter(move |value, _| format!("{value:.decimals$}"))
}

fn rendering_ui(ui: &mut Ui, state: &State, open: &OpenScan, send: &mut impl FnMut(VolumeCommand)) {
    let look = &state.view.volume;
    let unit = open.scan.volume.unit.symbol();
    ui.horizontal_wrapped(|ui| {
        for mode in Mode::ALL {
            let hint = match mode {
                Mode::Composite => "3-D tissue in colours and opacities by value",
                Mode::Mip => "3-D maximum: the largest value behind each point (MIP)",
                Mode::Surface => "3-D surface of one value; where it is cut open, the greys of the scan",
            };
            if choice(ui, look.mode == mode, mode.name(), hint) && look.mode != mode {
                send(VolumeCommand::Mode(mode));
            }
        }
        let mut lit = look.lit;
        if look.mode != Mode::Mip
            && ui.checkbox(&mut lit, "shading").on_hover_text("Light surfaces by how they lie").changed()
        {
            send(VolumeCommand::Light(lit));
        }
    });
    let presets = Preset::offered(&open.contrast);
    if look.mode == Mode::Composite && presets.len() > 1 {
        ui.horizontal_wrapped(|ui| {
            for &preset in presets {
                let hint = match preset {
                    Preset::Lining => {
                        "3-D CT air lining: where air meets tissue. Opens with the back half of the sinuses' box, to look into them"
                    }
                    Preset::Bone => "3-D CT bone",
                    Preset::Skin => "3-D CT skin",
                    Preset::Mr => "3-D MR",
                };
                if choice(ui, look.preset == preset, preset.name(), hint) {
                    send(VolumeCommand::Preset(preset));
                }
            }
        });
    }
    let [low, high] = open.contrast.range;
    let speed = (high - low) / 400.0;
    if look.mode == Mode::Surface {
        let mut level = look.level;
        ui.horizontal(|ui| {
            let label = ui.label("level").on_hover_text("The value of the surface; also dragging up and down");
            if ui.add(slider(&mut level, low..=high, 1, unit)).labelled_by(label.id).changed() {
                send(VolumeCommand::Level(level));
            }
        });
    } else {
        let [mut from, mut to] = look.range;
        ui.horizontal(|ui| {
            let hint = "Values between which the colours run; also dragging with the right button";
            let label = ui.label("range").on_hover_text(hint);
            let value = |value| DragValue::new(value).speed(speed).max_decimals(1).suffix(format!(" {unit}"));
            let first = ui.add(value(&mut from)).labelled_by(label.id);
            ui.label("to");
            if first.changed() | ui.add(value(&mut to)).labelled_by(label.id).changed() {
                send(VolumeCommand::Range([from, to]));
            }
        });
    }
}

fn views_ui(ui: &mut Ui, state: &State, send: &mut impl FnMut(VolumeCommand)) {
    let known = orientation_known(state);
    ui.horizontal_wrapped(|ui| {
        ui.label("from");
        for (from, name) in cube::SIDES {
            let (text, name) = if known { (letters(from), name) } else { ("?".to_owned(), "a side of the scan") };
            if choice(ui, false, &text, &format!("Look from {name}")) {
                send(VolumeCommand::LookFrom(from));
            }
        }
    });
}

fn cuts_ui(ui: &mut Ui, state: &State, send: &mut impl FnMut(VolumeCommand)) {
    let known = orientation_known(state);
    for plane in Plane::ALL {
        let now = state.view.volume.cuts[plane.index()];
        let normal = state.view.frame.normal(plane);
        ui.horizontal(|ui| {
            let width = 62.0;
            ui.allocate_ui(egui::vec2(width, ui.spacing().interact_size.y), |ui| {
                ui.set_min_width(width);
                ui.label(egui::RichText::new(plane.name()).color(theme::plane_colour(plane)))
                    .on_hover_text("What the plane through the crosshair cuts away in 3-D");
            });
            for cutting in Cutting::ALL {
                let gone = match cutting {
                    Cutting::Off => None,
                    Cutting::Ahead => Some(normal),
                    Cutting::Behind => Some(-normal),
                };
                let (text, hint) = match gone {
                    None => ("whole".to_owned(), format!("No {} cut in 3-D", plane.name())),
                    Some(side) => {
                        let side = if known { letters(side) } else { format!("{cutting:?}").to_lowercase() };
                        (format!("− {side}"), format!("Cut away {side} of the {} plane in 3-D", plane.name()))
                    }
                };
                if choice(ui, now == cutting, &text, &hint) {
                    send(VolumeCommand::Cut(plane, cutting));
                }
            }
        });
    }
}

fn crop_ui(ui: &mut Ui, state: &State, open: &OpenScan, send: &mut impl FnMut(VolumeCommand)) {
    let crop = state.view.volume.crop;
    let sinuses = state.sinus_box();
    ui.horizontal_wrapped(|ui| {
        ui.label("box");
        if choice(ui, crop.is_none(), "all", "The whole scan in 3-D") {
            send(VolumeCommand::Crop(None));
        }
        if sinuses.is_some() && choice(ui, crop.is_some() && crop == sinuses, "sinuses", "Only the sinuses in 3-D") {
            send(VolumeCommand::Crop(sinuses));
        }
        let own = crop.is_some() && crop != sinuses;
        if choice(ui, own, "own", "A box of your own in 3-D") && !own {
            send(VolumeCommand::Crop(Some(crop.unwrap_or(open.bounds_mm))));
        }
    });
    let Some(BoxMm { min, max }) = crop else { return };
    let known = orientation_known(state);
    let mut dragged = BoxMm { min, max };
    let mut is_dragged = false;
    for axis in 0..3 {
        let bounds = open.bounds_mm.min[axis].floor()..=open.bounds_mm.max[axis].ceil();
        for (end, direction) in
            [(&mut dragged.min[axis], -DVec3::AXES[axis]), (&mut dragged.max[axis], DVec3::AXES[axis])]
        {
            let mut shown = *end;
            let name = if known { letters(direction) } else { "?".to_owned() };
            ui.horizontal(|ui| {
                let label = ui.label(egui::RichText::new(name).monospace()).on_hover_text("This end of the box");
                if ui.add(slider(&mut shown, bounds.clone(), 0, "mm")).labelled_by(label.id).changed() {
                    *end = shown;
                    is_dragged = true;
                }
            });
        }
    }
    if is_dragged {
        send(VolumeCommand::Crop(Some(dragged)));
    }
}
