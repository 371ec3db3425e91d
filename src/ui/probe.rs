//! What lies at a point: under the mouse while it is over a plane, else under the crosshair. One line in the status bar, the
//! whole list on hover and, while a key is held, at the mouse.

use super::lettering::orientation_known;
use super::{colour_bar, keys, plane_pane, theme};
use crate::app::compare::Shown;
use crate::app::layers::{Layer, Source};
use crate::app::state::State;
use crate::methods::sinus::{Cavity, Presence, Sinus};
use crate::space::{Plane, Side};
use crate::volume::{Unit, Volume};
use egui::{Context, Grid, Id, Label, LayerId, Order, RichText, Tooltip, Ui};
use glam::DVec3;

/// How wide a character of the line is, in points: what does not fit is left out.
const CHARACTER: f32 = 7.3;

/// The line of the status bar.
pub(super) fn ui(ui: &mut Ui, state: &State) {
    let Some((at_mm, mouse)) = point(ui.ctx(), state) else { return };
    let Some(probe) = Probe::at(state, at_mm) else { return };
    let text = probe.line(mouse, (ui.available_width() / CHARACTER) as usize);
    let label = Label::new(RichText::new(text).font(theme::digits(12.0)).color(theme::of(ui).text)).truncate();
    ui.add(label).on_hover_ui(|ui| {
        let place = if mouse { "Under the mouse" } else { "At the crosshair" };
        ui.label(RichText::new(place).color(theme::of(ui).weak));
        probe.list_ui(ui);
    });
}

/// While the key is held, the whole list beside the mouse.
pub(super) fn tooltip(ctx: &Context, state: &State) {
    let held = keys::is_held(ctx, &state.settings, "probe");
    let Some(probe) = under_mouse(ctx, state).filter(|_| held).and_then(|at_mm| Probe::at(state, at_mm)) else {
        return;
    };
    let layer = LayerId::new(Order::Tooltip, Id::unique("probe"));
    let anchor = egui::PopupAnchor::Pointer;
    Tooltip::always_open(ctx.clone(), layer, Id::unique("probe"), anchor).gap(16.0).show(|ui| probe.list_ui(ui));
}

/// The point that is probed, and whether it is that under the mouse.
fn point(ctx: &Context, state: &State) -> Option<(DVec3, bool)> {
    let under_mouse = under_mouse(ctx, state).map(|at_mm| (at_mm, true));
    under_mouse.or_else(|| state.scan.as_ref().map(|_| (state.view.cross_mm, false)))
}

/// The point of the world under the mouse, where that is over a plane.
fn under_mouse(ctx: &Context, state: &State) -> Option<DVec3> {
    let at = ctx.input(|i| i.pointer.hover_pos())?;
    let panes = [Shown::First, Shown::Second].into_iter().flat_map(|scan| Plane::ALL.map(|plane| (plane, scan)));
    panes.into_iter().find_map(|(plane, scan)| {
        let response = ctx.read_response(plane_pane::id(plane, scan))?;
        let pane = response.contains_pointer().then(|| plane_pane::projection(state, scan, plane, response.rect))?;
        pane.map(|pane| pane.to_world(at))
    })
}

/// Everything about a point.
struct Probe {
    /// Names and values with their units; the first is the scan's.
    values: Vec<(String, String)>,
    voxel: [i64; 3],
    place: String,
    sinus: &'static str,
}

impl Probe {
    fn at(state: &State, at_mm: DVec3) -> Option<Self> {
        let volume = state.volume()?;
        let mut values = vec![("scan".to_owned(), intensity(volume, at_mm))];
        if let Some(second) = &state.compare.second {
            values.push(("second scan".to_owned(), intensity(&second.open.scan.volume, at_mm)));
        }
        let layers = state.seen_layers().map(|(_, layer)| layer);
        // A blended scan is there already.
        let layers = layers.filter(|layer| layer.source != Source::Second);
        values.extend(layers.map(|layer| (layer.name.clone(), layer_value(layer, at_mm))));
        let voxel = volume.grid.voxel_from_world().transform_point3(at_mm).round().to_array().map(|c| c as i64);
        let known = orientation_known(state);
        let place = if known { position(at_mm) } else { unnamed_position(at_mm) };
        let sinus = match sinus_at(state, at_mm).filter(|_| known) {
            Some(Side::Right) => "right sinus",
            Some(Side::Left) => "left sinus",
            None => "",
        };
        Some(Self { values, voxel, place, sinus })
    }

    /// One line of at most so many characters. What changes keeps its width; what does not fit is left out: first the voxel,
    /// then layers.
    fn line(&self, mouse: bool, most: usize) -> String {
        let [i, j, k] = self.voxel;
        let start = format!("{} ", if mouse { "mouse" } else { "cross" });
        let voxel = format!("voxel {i:>4} {j:>4} {k:>4} · ");
        let mut layers: Vec<String> =
            self.values.iter().skip(1).map(|(name, value)| format!(" · {name} {value}")).collect();
        let intensity = self.values.first().map_or("", |(_, value)| value.as_str());
        let fixed = format!("{} · {intensity}", self.place);
        // In front, where the line is not held: it comes and goes.
        let sinus = format!("{:>11}  ", self.sinus);
        let length = |layers: &[String]| {
            [&start, &fixed, &sinus].into_iter().chain(layers).map(|part| part.chars().count()).sum::<usize>()
        };
        while length(&layers) > most && layers.pop().is_some() {}
        let voxel = if length(&layers) + voxel.len() <= most { voxel } else { String::new() };
        [sinus, start, voxel, fixed, layers.concat()].concat()
    }

    fn list_ui(&self, ui: &mut Ui) {
        let [i, j, k] = self.voxel;
        Grid::new("probe").num_columns(2).spacing([12.0, 2.0]).show(ui, |ui| {
            let mut row = |name: &str, value: &str| {
                ui.label(RichText::new(name).color(theme::of(ui).weak));
                ui.label(RichText::new(value).font(theme::digits(12.0)).color(theme::of(ui).text));
                ui.end_row();
            };
            for (name, value) in &self.values {
                row(name, value);
            }
            row("voxel", &format!("{i:>3} {j:>3} {k:>3}"));
            row("world", &self.place);
            if !self.sinus.is_empty() {
                row("inside", self.sinus);
            }
        });
    }
}

fn intensity(volume: &Volume, at_mm: DVec3) -> String {
    let unit = volume.unit.symbol();
    let text = volume.at_world(at_mm).map_or_else(|| "outside".to_owned(), |value| format!("{value:.1} {unit}"));
    let width = 10 + unit.len();
    format!("{text:>width$}")
}

fn layer_value(layer: &Layer, at_mm: DVec3) -> String {
    let text = |value: f32| match layer.volume.unit {
        Unit::Label if layer.source == Source::Cavity => within(value).to_owned(),
        Unit::Label => format!("{value:.0}"),
        _ => colour_bar::number(value, layer.range),
    };
    let width = layer.range.map(|end| text(end).len()).into_iter().max().unwrap_or(0);
    let text = layer.volume.at_world(at_mm).map_or_else(|| "–".to_owned(), |value| text(value as f32));
    format!("{text:>width$}")
}

/// What a label of the cavities means; words of one width.
fn within(label: f32) -> &'static str {
    if label == f32::from(Cavity::AIR) {
        "air    "
    } else if label == f32::from(Cavity::CONTENT) {
        "content"
    } else {
        "outside"
    }
}

/// The sinus whose box a point is in; where both boxes overlap, the nearer one.
fn sinus_at(state: &State, at_mm: DVec3) -> Option<Side> {
    let there = state.sinuses.iter().flatten().filter(|sinus| sinus.present != Presence::Absent);
    let inside = there.filter(|sinus| sinus.box_mm.contains(at_mm));
    let away = |sinus: &&Sinus| sinus.centre_mm.distance(at_mm);
    inside.min_by(|a, b| away(a).total_cmp(&away(b))).map(|sinus| sinus.side)
}

/// A world position with letters instead of signs' meaning: `R  24.1  A  60.2  S -50.1 mm`.
fn position(world_mm: DVec3) -> String {
    format!("R {:>6.1}  A {:>6.1}  S {:>6.1} mm", world_mm.x, world_mm.y, world_mm.z)
}

/// A position in a scan that does not say how it lies in the patient.
fn unnamed_position(mm: DVec3) -> String {
    format!("left and right unknown  x {:>6.1}  y {:>6.1}  z {:>6.1} mm", mm.x, mm.y, mm.z)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::Command;
    use crate::app::command::Opened;
    use crate::io::Scan;
    use crate::space::Grid as Voxels;
    use std::sync::Arc;

    fn state() -> State {
        let grid = Voxels::centred([100, 90, 80], 2.0, DVec3::ZERO);
        let volume = Volume::from_f32(grid, vec![7.0; grid.count()], Unit::Arbitrary);
        let scan = Arc::new(Scan::synthetic(volume, "", "00".to_owned()));
        let mut state = State::default();
        state.apply(Command::Opened(Opened { scan, origin: None, labels: [None, None] }));
        let placed = |side: Side| Sinus::placed(side, DVec3::new(25.0 * side.sign(), 30.0, -20.0), &grid);
        state.apply(Command::Found([Side::Left, Side::Right].map(placed)));
        state
    }

    #[test]
    fn positive_x_is_the_right_sinus_and_nothing_is_called_one_outside_the_boxes() {
        let state = state();
        let sinus = |x: f64| Probe::at(&state, DVec3::new(x, 30.0, -20.0)).unwrap().sinus;
        assert_eq!(
            [24.0, 3.0, -3.0, -24.0, 80.0].map(sinus),
            ["right sinus", "right sinus", "left sinus", "left sinus", ""]
        );
    }

    #[test]
    fn a_line_keeps_its_width_and_leaves_out_what_does_not_fit() {
        let state = state();
        let line = |at_mm: DVec3, most: usize| Probe::at(&state, at_mm).unwrap().line(true, most);
        let (inside, outside) = (line(DVec3::new(24.0, 30.0, -20.0), 200), line(DVec3::new(-300.0, 30.0, -20.0), 200));
        assert!(inside.contains("right sinus") && inside.ends_with("7.0 a.u.") && outside.ends_with("outside"));
        assert_eq!(inside.chars().count(), outside.chars().count());
        assert!(inside.contains("voxel") && !line(DVec3::ZERO, 70).contains("voxel"));
    }
}
