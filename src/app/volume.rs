//! The 3-D pane: what it renders, what is cut away, where it looks from.

use super::command::Effect;
use super::state::{OpenScan, State};
use crate::image::pick::pick;
use crate::methods::sinus::Presence;
use crate::space::{BoxMm, Plane};
use crate::view::{Contrast, Cut, Mode, OrbitCamera, Preset, RaycastView, Rendering, Transfer};
use glam::{DVec2, DVec3};
use serde::{Deserialize, Serialize};

/// What the 3-D pane makes of the scan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct VolumeLook {
    /// Tissue, maximum or surface.
    pub mode: Mode,
    /// The transfer function of tissue.
    pub preset: Preset,
    /// The real values that its colours, or the greys of the other modes, run between.
    pub range: [f64; 2],
    /// The real value of the surface.
    pub level: f64,
    /// What each plane through the crosshair cuts away, in the order of [`Plane::ALL`].
    pub cuts: [Cutting; 3],
    /// The box outside of which nothing is shown.
    pub crop: Option<BoxMm>,
    /// Whether surfaces are lit by how they lie.
    pub lit: bool,
}

/// What a plane cuts away.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Cutting {
    /// Nothing.
    #[default]
    Off,
    /// What lies where its normal points to: superior, anterior, right.
    Ahead,
    /// What lies on the other side.
    Behind,
}

impl Cutting {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Off, Self::Ahead, Self::Behind];
}

/// Where the 3-D pane looks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct OrbitView {
    /// See [`OrbitCamera::yaw`].
    pub yaw: f64,
    /// See [`OrbitCamera::pitch`].
    pub pitch: f64,
    /// 1 shows the whole scan.
    pub zoom: f64,
    /// How far the middle of the pane is from that of the scan.
    #[serde(default)]
    pub pan_mm: DVec3,
}

impl Default for OrbitView {
    fn default() -> Self {
        Self { yaw: 0.5, pitch: 0.15, zoom: 1.0, pan_mm: DVec3::ZERO }
    }
}

/// A wish about the 3-D pane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum VolumeCommand {
    /// Turn the picture: yaw and pitch in radians.
    Turn(f64, f64),
    /// Look from a direction, such as the patient's left.
    LookFrom(DVec3),
    /// Move what is in the middle of the pane, in mm.
    Pan(DVec3),
    /// Magnify by a factor, keeping a world point in place.
    Zoom(f64, DVec3),
    /// Move the crosshair to what is seen at a point of a pane of this size.
    Pick {
        /// The point, from the pane's top left corner.
        at: DVec2,
        /// The pane's size in points.
        size: DVec2,
    },
    /// Choose how values are rendered, with the range that suits it.
    Mode(Mode),
    /// Choose a transfer function.
    Preset(Preset),
    /// Change the range of colours or greys.
    Range([f64; 2]),
    /// Change the value of the surface.
    Level(f64),
    /// Choose what a plane cuts away.
    Cut(Plane, Cutting),
    /// Show only a box, or everything.
    Crop(Option<BoxMm>),
    /// Light surfaces.
    Light(bool),
}

impl VolumeLook {
    /// As a scan opens.
    #[must_use]
    pub fn new(contrast: &Contrast) -> Self {
        let preset = Preset::offered(contrast)[0];
        Self {
            mode: Mode::Composite,
            preset,
            range: preset.range(contrast),
            level: preset.level(contrast),
            cuts: [Cutting::Off; 3],
            crop: None,
            lit: true,
        }
    }

    /// Whether it can be that of a scan: one that was kept may be damaged.
    #[must_use]
    pub fn suits(&self, contrast: &Contrast) -> bool {
        let [low, high] = self.range;
        let is_box = |crop: BoxMm| crop.min.is_finite() && crop.max.is_finite() && crop.min.cmple(crop.max).all();
        Preset::offered(contrast).contains(&self.preset)
            && low.is_finite()
            && high.is_finite()
            && low < high
            && self.level.is_finite()
            && self.crop.is_none_or(is_box)
    }

    /// What rays make of the values.
    #[must_use]
    pub fn rendering(&self) -> Rendering {
        let Self { preset, range, level, .. } = *self;
        match self.mode {
            Mode::Composite => Rendering::Composite(Transfer { range, stops: preset.stops() }),
            Mode::Mip => Rendering::Mip { range },
            Mode::Surface => Rendering::Surface { level, range },
        }
    }

    fn set_mode(&mut self, mode: Mode, contrast: &Contrast) {
        self.mode = mode;
        self.range = if mode == Mode::Composite { self.preset.range(contrast) } else { contrast.range };
    }
}

impl State {
    pub(super) fn volume_command(&mut self, command: &VolumeCommand) -> Vec<Effect> {
        let Some(&OpenScan { contrast, bounds_mm, .. }) = self.scan.as_ref() else { return Vec::new() };
        let sinus_box = self.sinus_box();
        let (orbit, look) = (&mut self.view.orbit, &mut self.view.volume);
        match *command {
            VolumeCommand::Turn(yaw, pitch) => {
                orbit.yaw = (orbit.yaw + yaw).rem_euclid(std::f64::consts::TAU);
                orbit.pitch = (orbit.pitch + pitch).clamp(-std::f64::consts::FRAC_PI_2, std::f64::consts::FRAC_PI_2);
            }
            VolumeCommand::LookFrom(direction) => [orbit.yaw, orbit.pitch] = OrbitCamera::facing(direction),
            VolumeCommand::Pan(by_mm) => orbit.pan_mm += by_mm,
            VolumeCommand::Zoom(factor, at_mm) => {
                let zoom = (orbit.zoom * factor).clamp(0.2, 20.0);
                let from_middle = at_mm - bounds_mm.centre() - orbit.pan_mm;
                orbit.pan_mm += from_middle * (1.0 - orbit.zoom / zoom);
                orbit.zoom = zoom;
            }
            VolumeCommand::Pick { at, size } => {
                if let Some(point_mm) = self.picked(at, size) {
                    self.move_cross(point_mm);
                }
            }
            VolumeCommand::Mode(mode) => look.set_mode(mode, &contrast),
            VolumeCommand::Preset(preset) => {
                look.preset = preset;
                look.level = preset.level(&contrast);
                look.set_mode(Mode::Composite, &contrast);
                // The lining lies within: from outside one would see the skin alone. Without the front half of the box,
                // one looks into both sinuses.
                if let (Preset::Lining, None, Some(BoxMm { min, max })) = (preset, look.crop, sinus_box) {
                    look.crop = Some(BoxMm { min, max: DVec3 { y: f64::midpoint(min.y, max.y), ..max } });
                }
            }
            // Typed numbers may be none.
            VolumeCommand::Range(range) if range.iter().any(|v| !v.is_finite()) => {}
            VolumeCommand::Range([low, high]) => {
                let least = 1e-3 * (contrast.range[1] - contrast.range[0]).max(1e-6);
                look.range = [low, high.max(low + least)];
            }
            VolumeCommand::Level(level) if level.is_finite() => look.level = level,
            VolumeCommand::Level(_) => {}
            VolumeCommand::Cut(plane, cutting) => look.cuts[plane.index()] = cutting,
            VolumeCommand::Crop(crop) => {
                look.crop = crop.map(|b| BoxMm { min: b.min.min(b.max), max: b.max.max(b.min) });
            }
            VolumeCommand::Light(lit) => look.lit = lit,
        }
        Vec::new()
    }

    /// The camera of the 3-D pane for a pane of `size` points.
    #[must_use]
    pub fn orbit_camera(&self, size: DVec2) -> Option<OrbitCamera> {
        let OpenScan { bounds_mm, .. } = self.scan.as_ref()?;
        let OrbitView { yaw, pitch, zoom, pan_mm } = self.view.orbit;
        let diagonal = (bounds_mm.max - bounds_mm.min).length();
        let mm_per_point = 0.7 * diagonal / size.min_element().max(1.0) / zoom;
        Some(OrbitCamera { yaw, pitch, centre_mm: bounds_mm.centre() + pan_mm, mm_per_point })
    }

    /// What a pane of `size` points shows of the scan in 3-D, in full quality.
    #[must_use]
    pub fn raycast_view(&self, size: DVec2) -> Option<RaycastView> {
        let camera = self.orbit_camera(size)?;
        let look = &self.view.volume;
        let cuts = Plane::ALL.into_iter().zip(look.cuts).filter_map(|(plane, cutting)| {
            let ahead = self.view.frame.normal(plane);
            let normal = match cutting {
                Cutting::Off => return None,
                Cutting::Ahead => ahead,
                Cutting::Behind => -ahead,
            };
            Some(Cut { normal, at_mm: self.view.cross_mm })
        });
        let rendering = look.rendering();
        Some(RaycastView { camera, rendering, lit: look.lit, cuts: cuts.collect(), crop: look.crop, step: 1.0 })
    }

    fn picked(&self, at: DVec2, size: DVec2) -> Option<DVec3> {
        pick(self.volume()?, &self.visible_maps(), &self.raycast_view(size)?, size, at)
    }

    /// The smallest box around the sinuses in view.
    #[must_use]
    pub fn sinus_box(&self) -> Option<BoxMm> {
        let boxes = self.sinuses.iter().flatten().filter(|s| s.present != Presence::Absent).map(|s| s.box_mm);
        boxes.reduce(|a, b| BoxMm { min: a.min.min(b.min), max: a.max.max(b.max) })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::Command;
    use crate::app::command::Opened;
    use crate::app::testing::scan;
    use crate::io::Scan;
    use crate::methods::sinus::Sinus;
    use crate::space::{Grid, Side};
    use crate::volume::{Unit, Volume};
    use std::sync::Arc;

    const SIZE: DVec2 = DVec2::new(200.0, 160.0);

    fn open(scan: Scan) -> State {
        let mut state = State::default();
        state.apply(Command::Opened(Opened { scan: scan.into(), origin: None, labels: [None, None] }));
        state
    }

    /// A bright cube on the patient's left, from -20 to -10 mm.
    fn cube() -> State {
        let grid = Grid::centred([41, 41, 41], 2.0, DVec3::ZERO);
        let inside = |i: usize| [i % 41, i / 41 % 41, i / 1681].map(|n| 2.0 * (n as f64 - 20.0));
        let is_cube = |[x, y, z]: [f64; 3]| (-20.0..=-10.0).contains(&x) && y.abs() < 5.0 && z.abs() < 5.0;
        let values = (0..grid.count()).map(|i| if is_cube(inside(i)) { 100.0 } else { (i % 7) as f32 }).collect();
        open(Scan::synthetic(Volume::from_f32(grid, values, Unit::Arbitrary), "", "00".to_owned()))
    }

    fn volume(state: &mut State, command: VolumeCommand) {
        assert!(state.apply(Command::Volume(command)).is_empty());
    }

    #[test]
    fn a_ct_opens_with_bone_and_an_mr_with_its_own_and_only_those_are_offered() {
        assert_eq!(open(scan([20, 20, 20])).view.volume.preset, Preset::Mr);
        let with = |unit, lowest| {
            let mut scan = scan([20, 20, 20]);
            let volume = Arc::make_mut(&mut scan.volume);
            (volume.unit, volume.rescale.intercept) = (unit, lowest);
            open(scan)
        };
        let ct = Unit::Hounsfield;
        assert_eq!(with(ct, 0.0).view.volume.preset, Preset::Mr, "without air the numbers are something else");
        assert_eq!(with(Unit::Arbitrary, -1000.0).view.volume.preset, Preset::Bone, "a NIfTI file names no unit");
        let state = with(ct, -1000.0);
        assert_eq!((state.view.volume.preset, state.view.volume.level), (Preset::Bone, 300.0));
        // What was kept of a case is checked before it is used.
        let (contrast, look) = (state.scan.as_ref().unwrap().contrast, state.view.volume);
        assert!(look.suits(&contrast));
        assert!(!VolumeLook { preset: Preset::Mr, ..look }.suits(&contrast));
        assert!(!VolumeLook { range: [1.0, f64::NAN], ..look }.suits(&contrast));
    }

    #[test]
    fn modes_and_presets_bring_their_range_which_can_be_changed_but_not_turned_over() {
        let mut state = open(scan([20, 20, 20]));
        let contrast = state.scan.as_ref().unwrap().contrast;
        volume(&mut state, VolumeCommand::Mode(Mode::Mip));
        assert_eq!(state.view.volume.rendering(), Rendering::Mip { range: contrast.range });
        volume(&mut state, VolumeCommand::Range([10.0, 5.0]));
        let [low, high] = state.view.volume.range;
        assert!(low == 10.0 && high > 10.0);
        volume(&mut state, VolumeCommand::Preset(Preset::Mr));
        assert_eq!(state.view.volume.range, Preset::Mr.range(&contrast));
        assert_eq!(state.view.volume.mode, Mode::Composite);
        volume(&mut state, VolumeCommand::Mode(Mode::Surface));
        volume(&mut state, VolumeCommand::Level(33.0));
        assert_eq!(state.view.volume.rendering(), Rendering::Surface { level: 33.0, range: contrast.range });
        volume(&mut state, VolumeCommand::Light(false));
        assert!(!state.raycast_view(SIZE).unwrap().lit);
    }

    #[test]
    fn a_cut_that_removes_the_patients_right_leaves_the_left() {
        let mut state = cube();
        volume(&mut state, VolumeCommand::Cut(Plane::Sagittal, Cutting::Ahead));
        let left_of = |state: &State, x: f64| {
            let view = state.raycast_view(SIZE).unwrap();
            view.depths(DVec3::new(x, 0.0, 0.0), DVec3::NEG_Y).is_some()
        };
        assert!(left_of(&state, -5.0) && !left_of(&state, 5.0));
        volume(&mut state, VolumeCommand::Cut(Plane::Sagittal, Cutting::Behind));
        assert!(!left_of(&state, -5.0) && left_of(&state, 5.0));
        // The cut goes with the crosshair and turns with the planes.
        state.apply(Command::CrossTo(DVec3::new(10.0, 0.0, 0.0)));
        assert!(!left_of(&state, 5.0) && left_of(&state, 15.0));
        state.apply(Command::Turn(Plane::Axial, std::f64::consts::FRAC_PI_2));
        assert!(state.raycast_view(SIZE).unwrap().cuts[0].normal.x.abs() < 1e-9);
        volume(&mut state, VolumeCommand::Cut(Plane::Sagittal, Cutting::Off));
        assert!(state.raycast_view(SIZE).unwrap().cuts.is_empty());
    }

    #[test]
    fn a_click_moves_the_crosshair_to_what_is_seen_and_elsewhere_not_at_all() {
        let mut state = cube();
        volume(&mut state, VolumeCommand::LookFrom(DVec3::Y));
        volume(&mut state, VolumeCommand::Mode(Mode::Surface));
        volume(&mut state, VolumeCommand::Level(50.0));
        let mm_per_point = state.orbit_camera(SIZE).unwrap().mm_per_point;
        // Seen from the front, patient left is right of the middle.
        let at = SIZE / 2.0 + DVec2::new(15.0 / mm_per_point, 0.0);
        volume(&mut state, VolumeCommand::Pick { at, size: SIZE });
        assert!(state.view.cross_mm.distance(DVec3::new(-15.0, 5.0, 0.0)) < 1.0, "{}", state.view.cross_mm);
        let before = state.view.cross_mm;
        volume(&mut state, VolumeCommand::Pick { at: DVec2::ZERO, size: SIZE });
        assert_eq!(state.view.cross_mm, before);
    }

    #[test]
    fn zooming_keeps_the_point_under_the_mouse_and_reset_brings_everything_back() {
        let mut state = open(scan([20, 20, 20]));
        volume(&mut state, VolumeCommand::LookFrom(DVec3::Y));
        let point = DVec3::new(8.0, 0.0, -6.0);
        let on_screen = |state: &State| {
            let camera = state.orbit_camera(SIZE).unwrap();
            camera.world_from_pane(SIZE).inverse().transform_point3(point).truncate()
        };
        let before = on_screen(&state);
        volume(&mut state, VolumeCommand::Zoom(3.0, point));
        assert!(on_screen(&state).distance(before) < 1e-9);
        volume(&mut state, VolumeCommand::Zoom(0.1, point));
        assert!(on_screen(&state).distance(before) < 1e-9);
        volume(&mut state, VolumeCommand::Pan(DVec3::X));
        volume(&mut state, VolumeCommand::Turn(10.0, 10.0));
        assert!(state.view.orbit.pitch < 1.58);
        state.apply(Command::ResetViews);
        assert_eq!(state.view.orbit, OrbitView::default());
    }

    #[test]
    fn the_box_of_the_sinuses_holds_those_in_view_and_the_lining_opens_with_its_back_half() {
        let mut state = open(scan([80, 80, 80]));
        assert_eq!(state.sinus_box(), None);
        let grid = state.volume().unwrap().grid;
        let [left, right] =
            [Side::Left, Side::Right].map(|s| Sinus::placed(s, DVec3::new(25.0 * s.sign(), 30.0, -20.0), &grid));
        state.sinuses = Some([left, right]);
        let both = state.sinus_box().unwrap();
        assert_eq!((both.min.x, both.max.x), (left.box_mm.min.x, right.box_mm.max.x));
        volume(&mut state, VolumeCommand::Preset(Preset::Lining));
        let back = BoxMm { max: DVec3 { y: both.centre().y, ..both.max }, ..both };
        assert_eq!(state.view.volume.crop, Some(back));
        state.sinuses = Some([Sinus { present: Presence::Absent, ..left }, right]);
        assert_eq!(state.sinus_box(), Some(right.box_mm));
        volume(&mut state, VolumeCommand::Crop(None));
        assert_eq!(state.raycast_view(SIZE).unwrap().crop, None);
        let turned_over = BoxMm { min: DVec3::splat(5.0), max: DVec3::splat(-5.0) };
        volume(&mut state, VolumeCommand::Crop(Some(turned_over)));
        assert_eq!(state.view.volume.crop, Some(BoxMm::cube(DVec3::ZERO, 10.0)));
    }
}
