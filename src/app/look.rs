//! Commands that only change what is seen: crosshair, planes, zoom, windows, layout.

use super::command::Command;
use super::state::{Layout, Pane, PaneView, State, View, plane_index};
use crate::space::{Plane, Side};
use crate::view::{Convention, Frame};
use glam::DVec3;
use std::sync::Arc;

impl State {
    /// Carries out a command that asks for nothing outside.
    pub(super) fn look(&mut self, command: &Command) {
        let view = &mut self.view;
        match *command {
            Command::CrossTo(world_mm) => self.move_cross(world_mm),
            Command::Scroll(plane, slices) => {
                let to = view.cross_mm + view.frame.normal(plane) * slices * self.step_mm(plane);
                self.move_cross(to);
            }
            Command::ScrollToEnd(plane, last) => self.scroll_to_end(plane, last),
            Command::Pan(plane, by_mm) => view.planes[plane_index(plane)].centre_mm += by_mm,
            Command::Zoom(plane, factor, at_mm) => {
                let pane = &mut view.planes[plane_index(plane)];
                let zoom = (pane.zoom * factor).clamp(0.2, 40.0);
                pane.centre_mm = at_mm + (pane.centre_mm - at_mm) * (pane.zoom / zoom);
                pane.zoom = zoom;
            }
            Command::Turn(plane, radians) => view.frame = view.frame.turned(plane, radians),
            Command::AlignPlanes(turn) => view.frame.turn = turn,
            Command::ToggleConvention => {
                view.frame.convention = match view.frame.convention {
                    Convention::Radiological => Convention::Neurological,
                    Convention::Neurological => Convention::Radiological,
                };
            }
            Command::SetWindow(ref window) => view.window = window.clone(),
            Command::ChooseWindow(number) => {
                if let Some((_, window)) = self.scan.as_ref().and_then(|open| open.windows.get(number)) {
                    view.window = window.clone();
                }
            }
            Command::Interpolate(how) => view.interpolation = how,
            Command::SetSlab(slab) => view.slab = slab,
            Command::ToggleCross => view.show_cross = !view.show_cross,
            Command::ToggleBoxes => view.show_boxes = !view.show_boxes,
            Command::SetLayout(layout) => view.layout = layout,
            Command::ToggleSingle(pane) => {
                if view.layout == Layout::Single && view.focus == pane {
                    view.layout = view.layout_before;
                } else {
                    if view.layout != Layout::Single {
                        view.layout_before = view.layout;
                    }
                    (view.layout, view.focus) = (Layout::Single, pane);
                }
            }
            Command::Focus(pane) => view.focus = pane,
            Command::ResetViews => self.reset_views(),
            Command::CentreOn(side) => self.centre_on(side),
            Command::ToggleHelp => self.help = !self.help,
            Command::ShowPaths(show) => self.settings.show_paths = show,
            Command::AnalyseOnOpen(on) => self.settings.analyse_on_open = on,
            Command::SoftwareGraphics(software) => self.settings.software_graphics = software,
            Command::DismissMessage => self.message = None,
            Command::Early(ref preview) => self.early = Some(Arc::clone(preview)),
            Command::Thumbnail(series, ref preview) => {
                if let Some(place) = self.thumbnails.get_mut(series) {
                    *place = Some(Arc::clone(preview));
                }
            }
            _ => {}
        }
    }

    pub(super) fn move_cross(&mut self, to_mm: DVec3) {
        if let Some(open) = &self.scan {
            let edge = 1e-6;
            self.view.cross_mm = to_mm.clamp(open.bounds_mm.min + edge, open.bounds_mm.max - edge);
        }
    }

    fn scroll_to_end(&mut self, plane: Plane, last: bool) {
        if let Some(open) = &self.scan {
            let normal = self.view.frame.normal(plane);
            let half_mm =
                ((open.bounds_mm.max - open.bounds_mm.min) / 2.0).dot(normal.abs()) - self.step_mm(plane) / 2.0;
            let end = open.bounds_mm.centre().dot(normal) + if last { half_mm } else { -half_mm };
            self.move_cross(self.view.cross_mm + normal * (end - self.view.cross_mm.dot(normal)));
        }
    }

    /// Pan, zoom, turn and layout as on opening.
    pub(super) fn reset_views(&mut self) {
        if let Some(open) = &self.scan {
            let View { orbit, layout, layout_before, focus, .. } = View::default();
            let view = &mut self.view;
            view.planes = [PaneView { centre_mm: open.bounds_mm.centre(), zoom: 1.0 }; 3];
            view.frame = Frame { convention: view.frame.convention, ..Frame::default() };
            (view.orbit, view.layout, view.layout_before, view.focus) = (orbit, layout, layout_before, focus);
            if let Some(plane) = open.flat() {
                (view.layout, view.focus) = (Layout::Single, Pane::Plane(plane));
            }
        }
    }

    fn centre_on(&mut self, side: Side) {
        let Some(sinus) = self.sinuses.map(|s| s[side.index()]) else { return };
        self.current = Some(side);
        self.move_cross(sinus.centre_mm);
        for pane in &mut self.view.planes {
            *pane = PaneView { centre_mm: sinus.centre_mm, zoom: pane.zoom.max(2.0) };
        }
    }
}
