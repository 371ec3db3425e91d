//! Commands that only change what is seen: crosshair, planes, zoom, windows, layout.

use super::command::Command;
use super::state::{Layout, Pane, PaneView, State, View};
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
            Command::Pan(plane, by_mm) => view.planes[plane.index()].centre_mm += by_mm,
            Command::Zoom(plane, factor, at_mm) => {
                let pane = &mut view.planes[plane.index()];
                let zoom = (pane.zoom * factor).clamp(0.2, 40.0);
                pane.centre_mm = at_mm + (pane.centre_mm - at_mm) * (pane.zoom / zoom);
                pane.zoom = zoom;
            }
            Command::Turn(plane, radians) => view.frame = view.frame.turned(plane, radians),
            Command::AlignPlanes(turn) => view.frame = view.frame.aligned(turn),
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
            Command::Graphics(ref adapter) => self.graphics.clone_from(adapter),
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
            let View { orbit, focus, .. } = View::default();
            let layout = self.settings.layout;
            let view = &mut self.view;
            view.planes = [PaneView { centre_mm: open.bounds_mm.centre(), zoom: 1.0 }; 3];
            view.frame = Frame { convention: view.frame.convention, ..Frame::default() };
            (view.orbit, view.layout, view.layout_before, view.focus) = (orbit, layout, layout, focus);
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::command::Opened;
    use crate::app::testing::scan;
    use crate::view::{Interpolation, Slab, SlabMode, Window};
    use glam::DQuat;

    fn opened() -> State {
        let mut state = State::default();
        let scan = Arc::new(scan([100, 90, 80]));
        state.apply(Command::Opened(Opened { scan, origin: None, labels: [None, None] }));
        state
    }

    fn after(commands: impl IntoIterator<Item = Command>) -> State {
        let mut state = opened();
        for command in commands {
            assert!(state.apply(command.clone()).is_empty(), "{command:?} asks for nothing outside");
        }
        state
    }

    #[test]
    fn the_convention_swaps_the_sides_of_the_screen_and_nothing_else() {
        let state = after([Command::CrossTo(DVec3::new(30.0, 1.0, 2.0)), Command::ToggleConvention]);
        assert_eq!(state.view.frame.edge_letters(Plane::Axial)[0], "L");
        assert_eq!(state.view.cross_mm.x, 30.0, "still on the patient's right");
        let twice = after([Command::ToggleConvention, Command::ToggleConvention]);
        assert_eq!(twice.view.frame, Frame::default());
    }

    #[test]
    fn turned_planes_are_scrolled_along_their_normals_and_reset() {
        let quarter = std::f64::consts::FRAC_PI_4;
        let state = after([Command::Turn(Plane::Axial, quarter), Command::Scroll(Plane::Coronal, 1.0)]);
        let moved = state.view.cross_mm;
        assert!(state.view.frame.is_oblique() && moved.z.abs() < 1e-9);
        // Half way between the patient's front and side; voxels are 2 mm apart.
        assert!((moved.x.abs() - 2.0_f64.sqrt()).abs() < 1e-9 && (moved.y - 2.0_f64.sqrt()).abs() < 1e-9, "{moved}");
        let reset = after([Command::Turn(Plane::Axial, quarter), Command::ToggleConvention, Command::ResetViews]);
        assert!(!reset.view.frame.is_oblique(), "upright again");
        assert_eq!(reset.view.frame.edge_letters(Plane::Coronal)[0], "L", "the convention is not a turn");
        let along = DQuat::from_rotation_z(0.2);
        let aligned = after([Command::Turn(Plane::Sagittal, 1.0), Command::AlignPlanes(along)]);
        assert_eq!((aligned.view.frame.turn, aligned.view.frame.roll), (along, [0.0; 3]));
    }

    #[test]
    fn a_pane_alone_gives_way_to_the_layout_before() {
        let [coronal, volume] = [Pane::Plane(Plane::Coronal), Pane::Volume];
        let large = Command::SetLayout(Layout::Large);
        let alone = after([large.clone(), Command::Focus(volume), Command::ToggleSingle(coronal)]);
        assert_eq!((alone.view.layout, alone.view.focus), (Layout::Single, coronal));
        let other = after([Command::ToggleSingle(coronal), Command::ToggleSingle(volume)]);
        assert_eq!((other.view.layout, other.view.focus), (Layout::Single, volume));
        let back = after([large, Command::ToggleSingle(coronal), Command::ToggleSingle(coronal)]);
        assert_eq!(back.view.layout, Layout::Large);
    }

    #[test]
    fn window_slab_and_interpolation_are_taken_as_they_are_and_outlive_the_scan() {
        let (window, slab) = (Window::linear(40.0, 80.0), Slab { mode: SlabMode::Max, thickness_mm: 8.0 });
        let wishes =
            [Command::SetWindow(window.clone()), Command::SetSlab(slab), Command::Interpolate(Interpolation::Cubic)];
        let mut state = after(wishes);
        assert_eq!((&state.view.window, state.view.slab), (&window, slab));
        let scan = Arc::new(scan([50, 50, 50]));
        state.apply(Command::Opened(Opened { scan, origin: None, labels: [None, None] }));
        assert_eq!((state.view.interpolation, state.view.slab), (Interpolation::Cubic, slab));
        assert_ne!(state.view.window, window, "a window belongs to its scan");
        state.apply(Command::ChooseWindow(7));
        let first = state.scan.as_ref().unwrap().windows[0].1.clone();
        assert_eq!(state.view.window, first, "there is no such window");
    }

    #[test]
    fn panning_and_hiding_change_only_what_they_name() {
        let state = after([
            Command::Pan(Plane::Coronal, DVec3::new(3.0, 0.0, -4.0)),
            Command::ToggleCross,
            Command::ToggleBoxes,
        ]);
        let fresh = opened();
        assert_eq!(state.view.planes[1].centre_mm - fresh.view.planes[1].centre_mm, DVec3::new(3.0, 0.0, -4.0));
        assert_eq!(state.view.planes[0], fresh.view.planes[0]);
        assert!(!state.view.show_cross && !state.view.show_boxes);
    }
}
