//! The four panes: axial and coronal above, sagittal and 3-D below, or one of them large.

use super::{beside, figure, plane_pane, preview, theme, volume_pane};
use crate::app::command::Command;
use crate::app::compare::Shown;
use crate::app::state::{JobKind, Layout, Pane, State};
use crate::space::Plane;
use egui::{
    Align2, CentralPanel, EventFilter, FontId, Frame, Rect, Response, Sense, Stroke, StrokeKind, Ui, UiBuilder, Vec2,
    pos2, vec2,
};

/// The panes of one frame.
pub(super) struct Panes {
    /// Where they all lie.
    pub area: Rect,
    /// Which are shown, and where.
    pub shown: Vec<(Pane, Rect)>,
    /// The one under the mouse.
    pub hovered: Option<Pane>,
    /// The one that has the keyboard.
    pub focused: Option<Pane>,
}

impl Default for Panes {
    fn default() -> Self {
        Self { area: Rect::NOTHING, shown: Vec::new(), hovered: None, focused: None }
    }
}

/// Draws the panes; `go_to` is the one that gets the keyboard.
pub(super) fn ui(ui: &mut Ui, state: &State, go_to: Option<Pane>, commands: &mut Vec<Command>) -> Panes {
    let mut panes = Panes::default();
    CentralPanel::no_frame().frame(Frame::new()).show(ui, |ui| {
        let area = ui.max_rect();
        panes.area = area;
        if state.scan.is_none() {
            empty_ui(ui, state, area);
        }
        let (arrangement, focus) = (state.view.layout, state.view.focus);
        let shown = match (&state.scan, state.beside()) {
            (None, _) => Vec::new(),
            (Some(_), Some(_)) => beside::layout(area, arrangement, focus),
            (Some(_), None) => {
                layout(area, arrangement, focus).into_iter().map(|(pane, rect)| (pane, Shown::First, rect)).collect()
            }
        };
        for (pane, scan, rect) in shown {
            panes.shown.push((pane, rect));
            let mut child = ui.new_child(UiBuilder::new().max_rect(rect).id_salt((pane, scan)));
            child.set_clip_rect(rect);
            ui.painter().rect_stroke(rect, 0.0, Stroke::new(GAP, theme::LINE), StrokeKind::Outside);
            let response = match pane {
                Pane::Plane(plane) => plane_pane::ui(&mut child, state, scan, plane, rect, commands),
                Pane::Volume => volume_pane::ui(&mut child, state, rect, commands),
            };
            if response.double_clicked() && state.measures.tool.is_none() {
                commands.push(Command::ToggleSingle(pane));
            }
            if response.hovered() || response.dragged() {
                panes.hovered = Some(pane);
            }
            if go_to == Some(pane) && scan == Shown::First {
                response.request_focus();
            }
            if response.has_focus() {
                panes.focused = Some(pane);
                focus_ui(&child, state, &response);
            }
        }
        figure::notice_ui(ui, state, &panes.shown);
        if preview::is_due(ui, state) {
            preview::coming_ui(ui, state, area);
        }
    });
    panes
}

/// Shows that a pane has the keyboard, and keeps the arrows for it. The mouse takes the keys to where it moves.
fn focus_ui(ui: &Ui, state: &State, response: &Response) {
    let arrows = EventFilter { horizontal_arrows: true, vertical_arrows: true, ..EventFilter::default() };
    ui.memory_mut(|memory| memory.set_focus_lock_filter(response.id, arrows));
    if state.shell.figure.is_none() {
        let stroke = Stroke::new(1.0, theme::ACCENT);
        ui.painter().rect_stroke(response.rect, 0.0, stroke, StrokeKind::Inside);
    }
    let moved = ui.input(|input| input.pointer.delta() != Vec2::ZERO);
    let elsewhere = ui.input(|input| input.pointer.hover_pos()).is_some_and(|at| !response.rect.contains(at));
    if moved && elsewhere {
        response.surrender_focus();
    }
}

/// The panes in their order.
const PANES: [Pane; 4] =
    [Pane::Plane(Plane::Axial), Pane::Plane(Plane::Coronal), Pane::Plane(Plane::Sagittal), Pane::Volume];

/// The hairline between panes, in points.
const GAP: f32 = 1.0;

/// Where each visible pane lies, with a hairline between them.
fn layout(area: Rect, layout: Layout, focus: Pane) -> Vec<(Pane, Rect)> {
    let gap = GAP;
    match layout {
        Layout::Single => vec![(focus, area)],
        Layout::Quad => {
            let size = vec2(((area.width() - gap) / 2.0).floor(), ((area.height() - gap) / 2.0).floor());
            let corner = |column: f32, row: f32| area.min + vec2(column * (size.x + gap), row * (size.y + gap));
            let places = [(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (1.0, 1.0)];
            PANES
                .into_iter()
                .zip(places)
                .map(|(pane, (c, r))| (pane, Rect::from_min_size(corner(c, r), size)))
                .collect()
        }
        Layout::Large => {
            let height = ((area.height() - 2.0 * gap) / 3.0).floor();
            // The small ones are about square, and never more than a third of the width.
            let width = height.min((area.width() / 3.0).floor());
            let large = Rect::from_min_max(area.min, pos2(area.right() - width - gap, area.bottom()));
            let others = PANES.into_iter().filter(|pane| *pane != focus).zip(0..);
            let small = others.map(|(pane, row)| {
                let top = area.top() + row as f32 * (height + gap);
                (pane, Rect::from_min_size(pos2(large.right() + gap, top), vec2(width, height)))
            });
            [(focus, large)].into_iter().chain(small).collect()
        }
    }
}

fn empty_ui(ui: &mut Ui, state: &State, area: Rect) {
    ui.allocate_rect(area, Sense::hover());
    ui.painter().rect_filled(area, 0.0, theme::BACKGROUND);
    if !state.running(JobKind::Open) {
        let text = "Drop scans or a folder here: NIfTI, DICOM, ZIP, PNG or JPEG. Or choose them with Open";
        ui.painter().text(area.center(), Align2::CENTER_CENTER, text, FontId::proportional(16.0), theme::WEAK);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panes_touch_but_do_not_overlap_and_one_can_fill_all() {
        let area = Rect::from_min_size(pos2(10.0, 20.0), vec2(801.0, 601.0));
        for arrangement in [Layout::Quad, Layout::Large] {
            let panes = layout(area, arrangement, Pane::Volume);
            assert_eq!(panes.len(), 4);
            for (i, (_, a)) in panes.iter().enumerate() {
                assert!(area.contains_rect(*a));
                assert!(panes[i + 1..].iter().all(|(_, b)| !a.shrink(0.5).intersects(*b)));
            }
        }
        assert_eq!(layout(area, Layout::Large, Pane::Volume)[0].0, Pane::Volume);
        assert_eq!(layout(area, Layout::Single, Pane::Volume), [(Pane::Volume, area)]);
    }
}
