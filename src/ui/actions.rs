//! The one table of actions: what they are called, their usual keys, and what they do. Keys, the sheet of keys, menus
//! and the settings are all made from it.

use crate::app::Command;
use crate::app::compare::CompareCommand;
use crate::app::labelling::LabelCommand;
use crate::app::layers::LayerCommand;
use crate::app::measure::MeasureCommand;
use crate::app::settings::{Settings, SettingsCommand};
use crate::app::shell::{Destination, Drawer, Figure, ShellCommand};
use crate::app::state::{JobKind, Layout, Pane, State};
use crate::app::template::TemplateCommand;
use crate::app::volume::VolumeCommand;
use crate::measure::Kind;
use crate::project::Label;
use crate::space::{Plane, Side};
use crate::view::{Interpolation, Slab, SlabMode, Window};
use glam::{DQuat, DVec2, DVec3};

/// Something that can be done by a key.
pub(super) struct Action {
    /// Its name in the settings file.
    pub id: &'static str,
    /// Under which title the sheet has it.
    pub group: &'static str,
    /// What it does, in a few words.
    pub what: &'static str,
    /// Its usual keys, separated by spaces.
    pub usual: &'static str,
    /// Whether it is done again and again while its key is held.
    pub repeats: bool,
    /// What it asks for, for the pane that has the keyboard or is under the mouse.
    pub command: Asks,
}

type Asks = fn(&State, Pane) -> Option<Command>;

const fn act(group: &'static str, id: &'static str, usual: &'static str, what: &'static str, command: Asks) -> Action {
    Action { id, group, what, usual, repeats: false, command }
}

impl Action {
    const fn again(self) -> Self {
        Self { repeats: true, ..self }
    }
}

const FILES: &str = "Files";
const LABELS: &str = "Sinuses and labels";
const SLICES: &str = "Slices";
const PANES: &str = "Panes";
const PLANES: &str = "Planes";
const WINDOW: &str = "Window";
const MAPS: &str = "Overlay";
const MEASURE: &str = "Measuring";
const PROGRAM: &str = "Program";

/// The titles of the sheet, in their order.
pub(super) const GROUPS: [&str; 9] = [LABELS, SLICES, PANES, PLANES, WINDOW, MAPS, MEASURE, FILES, PROGRAM];

/// All actions. Where two have the same key, the first one counts.
pub(super) const ACTIONS: &[Action] = &[
    act(FILES, "open files", "Ctrl+O", "open files", |_, _| Some(Command::AskFile)),
    act(FILES, "open folder", "Ctrl+Shift+O", "open a folder", |_, _| Some(Command::AskFolder)),
    act(FILES, "series before", "PgUp", "series before in the list", |_, _| Some(Command::NextSeries(-1))),
    act(FILES, "next series", "PgDn", "next series", |_, _| Some(Command::NextSeries(1))),
    act(FILES, "volume before", "Shift+PgUp", "volume before in the series", |state, _| volume(state, -1)),
    act(FILES, "next volume", "Shift+PgDn", "next volume", |state, _| volume(state, 1)),
    act(FILES, "save pane", "Ctrl+E", "save a picture of the pane", |_, pane| figure(Some(pane), Destination::File)),
    act(FILES, "save panes", "Ctrl+Shift+E", "save a picture of all panes", |_, _| figure(None, Destination::File)),
    act(FILES, "copy pane", "Ctrl+Shift+C", "copy a picture of the pane", |_, pane| {
        figure(Some(pane), Destination::Clipboard)
    }),
    act(FILES, "copy panes", "Ctrl+Shift+X", "copy a picture of all panes", |_, _| {
        figure(None, Destination::Clipboard)
    }),
    act(PROGRAM, "undo", "Ctrl+Z", "undo", |_, _| Some(Command::Undo)),
    act(PROGRAM, "redo", "Ctrl+Shift+Z Ctrl+Y", "redo", |_, _| Some(Command::Redo)),
    act(LABELS, "label right normal", "A", "patient RIGHT normal", |_, _| label(Side::Right, Label::Normal)),
    act(LABELS, "label right anomalous", "S", "patient RIGHT anomalous", |_, _| label(Side::Right, Label::Anomalous)),
    act(LABELS, "label right uncertain", "D", "patient RIGHT uncertain", |_, _| label(Side::Right, Label::Uncertain)),
    act(LABELS, "label left normal", "K", "patient LEFT normal", |_, _| label(Side::Left, Label::Normal)),
    act(LABELS, "label left anomalous", "L", "patient LEFT anomalous", |_, _| label(Side::Left, Label::Anomalous)),
    act(LABELS, "label left uncertain", "J", "patient LEFT uncertain", |_, _| label(Side::Left, Label::Uncertain)),
    act(LABELS, "label right not assessable", "Shift+S", "patient RIGHT not assessable", |_, _| {
        label(Side::Right, Label::NotAssessable)
    }),
    act(LABELS, "label left not assessable", "Shift+L", "patient LEFT not assessable", |_, _| {
        label(Side::Left, Label::NotAssessable)
    }),
    act(LABELS, "label uncertain", "U", "sinus at the crosshair uncertain", |_, _| {
        Some(Command::Label(LabelCommand::SetCurrent(Label::Uncertain)))
    }),
    act(LABELS, "accept", "Enter", "accept, on to the next case without labels", |_, _| {
        Some(Command::Label(LabelCommand::Next))
    }),
    act(LABELS, "details", "N", "note, type, severity of the sinus last labelled", |state, _| details(state)),
    act(LABELS, "blind", "Shift+N", "blind reading on or off", |state, _| {
        Some(Command::Label(LabelCommand::Blind(!state.settings.blind)))
    }),
    act(LABELS, "centre right", "F", "centre on patient RIGHT", |_, _| Some(Command::CentreOn(Side::Right))),
    act(LABELS, "centre left", "H", "centre on patient LEFT", |_, _| Some(Command::CentreOn(Side::Left))),
    act(LABELS, "box right", "Shift+F", "RIGHT box to the crosshair", |_, _| box_to_cross(Side::Right)),
    act(LABELS, "box left", "Shift+H", "LEFT box to the crosshair", |_, _| box_to_cross(Side::Left)),
    act(LABELS, "analyse", "M", "compute the residual maps", |_, _| Some(Command::Analyse)),
    act(LABELS, "export", "Ctrl+Shift+M", "export map, cavities and figures", |_, _| Some(Command::Export)),
    act(LABELS, "find", "Shift+M", "find the sinuses again", |_, _| Some(Command::Find)),
    act(LABELS, "add to template", "Ctrl+T", "add boxes placed by hand to a template", |_, _| {
        Some(Command::Template(TemplateCommand::AskToAdd))
    }),
    act(SLICES, "slice on", "Up", "next slice; in 3-D: turn", |_, pane| step(pane, 1.0)).again(),
    act(SLICES, "slice back", "Down", "slice before; in 3-D: turn", |_, pane| step(pane, -1.0)).again(),
    act(SLICES, "ten slices on", "Shift+Up", "ten slices on", |_, pane| step(pane, 10.0)).again(),
    act(SLICES, "ten slices back", "Shift+Down", "ten slices back", |_, pane| step(pane, -10.0)).again(),
    act(SLICES, "first slice", "Home", "first slice", |_, pane| to_end(pane, false)),
    act(SLICES, "last slice", "End", "last slice", |_, pane| to_end(pane, true)),
    act(SLICES, "cross left", "Ctrl+Left", "crosshair left", |state, pane| cross(state, pane, [-1.0, 0.0])).again(),
    act(SLICES, "cross right", "Ctrl+Right", "crosshair right", |state, pane| cross(state, pane, [1.0, 0.0])).again(),
    act(SLICES, "cross up", "Ctrl+Up", "crosshair up", |state, pane| cross(state, pane, [0.0, -1.0])).again(),
    act(SLICES, "cross down", "Ctrl+Down", "crosshair down", |state, pane| cross(state, pane, [0.0, 1.0])).again(),
    act(PANES, "zoom in", "+ =", "magnify", |state, pane| zoom(state, pane, 1.15)).again(),
    act(PANES, "zoom out", "-", "make smaller", |state, pane| zoom(state, pane, 1.0 / 1.15)).again(),
    act(PANES, "pan left", "Alt+Left", "picture to the left", |state, pane| pan(state, pane, [1.0, 0.0])).again(),
    act(PANES, "pan right", "Alt+Right", "picture to the right", |state, pane| pan(state, pane, [-1.0, 0.0])).again(),
    act(PANES, "pan up", "Alt+Up", "picture up", |state, pane| pan(state, pane, [0.0, 1.0])).again(),
    act(PANES, "pan down", "Alt+Down", "picture down", |state, pane| pan(state, pane, [0.0, -1.0])).again(),
    act(PANES, "turn left", "Left", "turn the 3-D picture", |_, pane| orbit(pane, -0.15)).again(),
    act(PANES, "turn right", "Right", "turn it the other way", |_, pane| orbit(pane, 0.15)).again(),
    act(PANES, "from front", "Alt+1", "3-D from the front", |_, _| from(DVec3::Y)),
    act(PANES, "from behind", "Alt+2", "from behind", |_, _| from(DVec3::NEG_Y)),
    act(PANES, "from right", "Alt+3", "from the patient's RIGHT", |_, _| from(DVec3::X)),
    act(PANES, "from left", "Alt+4", "from the patient's LEFT", |_, _| from(DVec3::NEG_X)),
    act(PANES, "from above", "Alt+5", "from above", |_, _| from(DVec3::Z)),
    act(PANES, "reset", "R", "reset pan, zoom, turn and layout", |_, _| Some(Command::ResetViews)),
    act(PANES, "layout quad", "F2", "two by two", |_, _| Some(Command::SetLayout(Layout::Quad))),
    act(PANES, "layout large", "F3", "one large, three small", |_, _| Some(Command::SetLayout(Layout::Large))),
    act(PANES, "single", "F4", "this pane alone, or all again", |_, pane| Some(Command::ToggleSingle(pane))),
    act(PANES, "axial", "Ctrl+1", "keys mean the axial pane", |_, _| Some(Command::Focus(Pane::Plane(Plane::Axial)))),
    act(PANES, "coronal", "Ctrl+2", "the coronal pane", |_, _| Some(Command::Focus(Pane::Plane(Plane::Coronal)))),
    act(PANES, "sagittal", "Ctrl+3", "the sagittal pane", |_, _| Some(Command::Focus(Pane::Plane(Plane::Sagittal)))),
    act(PANES, "3-D", "Ctrl+4", "the 3-D pane", |_, _| Some(Command::Focus(Pane::Volume))),
    act(PANES, "crosshair", "X", "crosshair on or off", |_, _| Some(Command::ToggleCross)),
    act(PANES, "boxes", "B", "sinus boxes on or off", |_, _| Some(Command::ToggleBoxes)),
    act(PLANES, "oblique left", "Shift+Left", "turn the planes by 5°", |_, pane| turn(pane, -1.0)).again(),
    act(PLANES, "oblique right", "Shift+Right", "turn them the other way", |_, pane| turn(pane, 1.0)).again(),
    act(PLANES, "patient axes", "G", "planes along the patient", |_, _| Some(Command::AlignPlanes(DQuat::IDENTITY))),
    act(PLANES, "scan axes", "Shift+G", "planes along the scan's own axes", |state, _| scan_axes(state)),
    act(PLANES, "convention", "C", "radiological or neurological", |_, _| Some(Command::ToggleConvention)),
    act(PLANES, "interpolation", "I", "nearest, linear or cubic", |state, _| {
        Some(Command::Interpolate(after(&Interpolation::ALL, state.view.interpolation)))
    }),
    act(PLANES, "slab thicker", ".", "thicker slab", |state, _| thicker(state, 1.0)).again(),
    act(PLANES, "slab thinner", ",", "thinner slab", |state, _| thicker(state, -1.0)).again(),
    act(PLANES, "slab mode", "T", "slab: mean, largest or smallest", |state, _| {
        let slab = state.view.slab;
        Some(Command::SetSlab(Slab { mode: after(&SlabMode::ALL, slab.mode), ..slab }))
    }),
    act(WINDOW, "window 1", "1", "first window of the list", |_, _| Some(Command::ChooseWindow(0))),
    act(WINDOW, "window 2", "2", "second", |_, _| Some(Command::ChooseWindow(1))),
    act(WINDOW, "window 3", "3", "third", |_, _| Some(Command::ChooseWindow(2))),
    act(WINDOW, "window 4", "4", "fourth", |_, _| Some(Command::ChooseWindow(3))),
    act(WINDOW, "window 5", "5", "fifth", |_, _| Some(Command::ChooseWindow(4))),
    act(WINDOW, "window 6", "6", "sixth", |_, _| Some(Command::ChooseWindow(5))),
    act(WINDOW, "window 7", "7", "seventh", |_, _| Some(Command::ChooseWindow(6))),
    act(WINDOW, "window 8", "8", "eighth", |_, _| Some(Command::ChooseWindow(7))),
    act(WINDOW, "window 9", "9", "ninth", |_, _| Some(Command::ChooseWindow(8))),
    act(WINDOW, "window 10", "0", "tenth", |_, _| Some(Command::ChooseWindow(9))),
    act(WINDOW, "wider", "W", "wider: less contrast", |state, _| window(state, 1.1, 0.0)).again(),
    act(WINDOW, "narrower", "Shift+W", "narrower: more contrast", |state, _| window(state, 1.0 / 1.1, 0.0)).again(),
    act(WINDOW, "brighter", "V", "brighter", |state, _| window(state, 1.0, -0.05)).again(),
    act(WINDOW, "darker", "Shift+V", "darker", |state, _| window(state, 1.0, 0.05)).again(),
    act(MAPS, "overlay", "O", "overlay on or off", |_, _| Some(Command::Layer(LayerCommand::ToggleAll))),
    act(MAPS, "compare", "Shift+C", "second scan beside or over", |_, _| {
        Some(Command::Compare(CompareCommand::Toggle))
    }),
    act(MAPS, "peek", "Space", "held: without overlay", |_, _| None),
    act(MAPS, "probe", "P", "held: all values at the mouse", |_, _| None),
    act(MAPS, "less opaque", "[", "less opaque", |_, _| Some(Command::Layer(LayerCommand::Opacity(-0.1)))).again(),
    act(MAPS, "more opaque", "]", "more opaque", |_, _| Some(Command::Layer(LayerCommand::Opacity(0.1)))).again(),
    act(MEASURE, "distance", "Shift+D", "distance", |_, _| measure(Kind::Distance)),
    act(MEASURE, "angle", "Shift+A", "angle", |_, _| measure(Kind::Angle)),
    act(MEASURE, "ellipse", "Shift+E", "voxels in an ellipse", |_, _| measure(Kind::Ellipse)),
    act(MEASURE, "box", "Shift+B", "voxels in a box", |_, _| measure(Kind::Box)),
    act(MEASURE, "point", "Shift+P", "value at a point", |_, _| measure(Kind::Probe)),
    act(MEASURE, "delete", "Delete", "delete the selected measurement", |state, _| {
        state.measures.selected.map(|id| Command::Measure(MeasureCommand::Delete(id)))
    }),
    act(PROGRAM, "drawer series", "F5", "drawer: series", |_, _| drawer(Drawer::Series)),
    act(PROGRAM, "drawer scan", "F6", "drawer: scan and series check", |_, _| drawer(Drawer::Scan)),
    act(PROGRAM, "drawer maps", "F7", "drawer: maps", |_, _| drawer(Drawer::Maps)),
    act(PROGRAM, "drawer 3-D", "F8", "drawer: 3-D", |_, _| drawer(Drawer::Volume)),
    act(PROGRAM, "drawer measure", "F9", "drawer: measure", |_, _| drawer(Drawer::Measure)),
    act(PROGRAM, "drawer raters", "F11", "drawer: agreement of raters", |_, _| drawer(Drawer::Raters)),
    act(PROGRAM, "drawer model", "F12", "drawer: classifier and what it learns", |_, _| drawer(Drawer::Model)),
    act(PROGRAM, "drawer settings", "F10", "drawer: settings", |_, _| drawer(Drawer::Settings)),
    act(PROGRAM, "larger", "Ctrl++ Ctrl+=", "larger texts and buttons", |state, _| scale(&state.settings, 25)),
    act(PROGRAM, "smaller", "Ctrl+-", "smaller", |state, _| scale(&state.settings, -25)),
    act(PROGRAM, "usual size", "Ctrl+0", "usual size", |_, _| Some(Command::Settings(SettingsCommand::Scale(100)))),
    act(PROGRAM, "sheet", "? F1", "this sheet", |_, _| Some(Command::ToggleHelp)),
    act(PROGRAM, "close", "Esc", "stop drawing, close, or stop opening", |state, _| {
        Some(match (state.help, &state.message) {
            _ if state.measures.unfinished() => Command::Measure(MeasureCommand::Cancel),
            (true, _) => Command::ToggleHelp,
            (false, Some(_)) => Command::DismissMessage,
            _ if state.details.is_some() => Command::Label(LabelCommand::Details(None)),
            _ if state.measures.busy() => Command::Measure(MeasureCommand::Cancel),
            (false, None) => Command::Cancel(JobKind::Open),
        })
    }),
];

#[allow(clippy::unnecessary_wraps, reason = "the type of the table's column")]
fn label(side: Side, label: Label) -> Option<Command> {
    Some(Command::Label(LabelCommand::Set(side, label)))
}

/// What more there is to say of the sinus last chosen, or that at the crosshair.
#[allow(clippy::unnecessary_wraps, reason = "the type of the table's column")]
fn details(state: &State) -> Option<Command> {
    let side = state.current.or_else(|| state.side_at_cross()).unwrap_or(Side::Right);
    Some(Command::Label(LabelCommand::Details((state.details != Some(side)).then_some(side))))
}

#[allow(clippy::unnecessary_wraps, reason = "the type of the table's column")]
fn box_to_cross(side: Side) -> Option<Command> {
    Some(Command::Shell(ShellCommand::BoxToCross(side)))
}

#[allow(clippy::unnecessary_wraps, reason = "the type of the table's column")]
fn measure(kind: Kind) -> Option<Command> {
    Some(Command::Measure(MeasureCommand::Choose(kind)))
}

#[allow(clippy::unnecessary_wraps, reason = "the type of the table's column")]
fn drawer(drawer: Drawer) -> Option<Command> {
    Some(Command::Shell(ShellCommand::ToggleDrawer(drawer)))
}

#[allow(clippy::unnecessary_wraps, reason = "the type of the table's column")]
fn figure(pane: Option<Pane>, to: Destination) -> Option<Command> {
    Some(Command::Shell(ShellCommand::TakeFigure(Figure { pane, to })))
}

fn volume(state: &State, by: isize) -> Option<Command> {
    let frame = state.scan.as_ref()?.scan.frame;
    frame.checked_add_signed(by).map(Command::ShowVolume)
}

#[allow(clippy::unnecessary_wraps, reason = "the type of the table's column")]
fn step(pane: Pane, slices: f64) -> Option<Command> {
    Some(match pane {
        Pane::Plane(plane) => Command::Scroll(plane, slices),
        Pane::Volume => Command::Volume(VolumeCommand::Turn(0.0, 0.05 * slices)),
    })
}

fn to_end(pane: Pane, last: bool) -> Option<Command> {
    match pane {
        Pane::Plane(plane) => Some(Command::ScrollToEnd(plane, last)),
        Pane::Volume => None,
    }
}

/// By one voxel to the right of the screen and downwards.
fn cross(state: &State, pane: Pane, [right, down]: [f64; 2]) -> Option<Command> {
    let Pane::Plane(plane) = pane else { return None };
    let (to_right, to_bottom) = state.view.frame.screen_axes(plane);
    let by = |direction: DVec3| {
        let along = |plane: &Plane| state.view.frame.normal(*plane).dot(direction).abs();
        let across = Plane::ALL.into_iter().max_by(|a, b| along(a).total_cmp(&along(b)));
        direction * across.map_or(1.0, |plane| state.step_mm(plane))
    };
    Some(Command::CrossTo(state.view.cross_mm + by(to_right) * right + by(to_bottom) * down))
}

fn zoom(state: &State, pane: Pane, factor: f64) -> Option<Command> {
    Some(match pane {
        Pane::Plane(plane) => Command::Zoom(plane, factor, state.view.planes[plane.index()].centre_mm),
        Pane::Volume => {
            let middle_mm = state.orbit_camera(DVec2::ONE)?.centre_mm;
            Command::Volume(VolumeCommand::Zoom(factor, middle_mm))
        }
    })
}

/// The 3-D picture from a side of the patient.
#[allow(clippy::unnecessary_wraps, reason = "the type of the table's column")]
fn from(side: DVec3) -> Option<Command> {
    Some(Command::Volume(VolumeCommand::LookFrom(side)))
}

/// By a twentieth of what is in view.
fn pan(state: &State, pane: Pane, [right, down]: [f64; 2]) -> Option<Command> {
    let bounds_mm = state.scan.as_ref()?.bounds_mm;
    let by_mm = (bounds_mm.max - bounds_mm.min).max_element() / 20.0;
    Some(match pane {
        Pane::Plane(plane) => {
            let (to_right, to_bottom) = state.view.frame.screen_axes(plane);
            Command::Pan(plane, (to_right * right + to_bottom * down) * by_mm / state.view.planes[plane.index()].zoom)
        }
        Pane::Volume => {
            let [to_right, to_bottom, _] = state.orbit_camera(DVec2::ONE)?.axes();
            let by_mm = (to_right * right + to_bottom * down) * by_mm / state.view.orbit.zoom;
            Command::Volume(VolumeCommand::Pan(by_mm))
        }
    })
}

fn orbit(pane: Pane, yaw: f64) -> Option<Command> {
    (pane == Pane::Volume).then_some(Command::Volume(VolumeCommand::Turn(yaw, 0.0)))
}

/// By steps of five degrees, positive clockwise.
pub(super) fn turn(pane: Pane, steps: f64) -> Option<Command> {
    match pane {
        Pane::Plane(plane) => Some(Command::Turn(plane, (5.0 * steps).to_radians())),
        Pane::Volume => None,
    }
}

/// The planes along the axes of the scan.
pub(super) fn scan_axes(state: &State) -> Option<Command> {
    state.volume().map(|volume| Command::AlignPlanes(volume.grid.turn()))
}

/// The thickest slab in mm.
pub(super) const THICKEST_MM: f64 = 50.0;

fn thicker(state: &State, by_mm: f64) -> Option<Command> {
    let slab = state.view.slab;
    let thickness_mm = (slab.thickness_mm + by_mm).clamp(0.0, THICKEST_MM);
    state.scan.is_some().then_some(Command::SetSlab(Slab { thickness_mm, ..slab }))
}

fn window(state: &State, factor: f64, darker: f64) -> Option<Command> {
    state.scan.is_some().then(|| Command::SetWindow(moved(&state.view.window, factor, darker)))
}

/// A window that is wider by a factor and darker by a share of its width.
fn moved(now: &Window, factor: f64, darker: f64) -> Window {
    let up = if now.inverted { -darker } else { darker };
    now.moved(now.centre + up * now.width, now.width * factor)
}

fn scale(settings: &Settings, by: i32) -> Option<Command> {
    let percent = settings.scale_percent.checked_add_signed(by)?;
    Some(Command::Settings(SettingsCommand::Scale(percent)))
}

/// The one that follows in a circle.
fn after<T: Copy + PartialEq>(all: &[T], now: T) -> T {
    let place = all.iter().position(|one| *one == now).map_or(0, |place| (place + 1) % all.len());
    all.get(place).copied().unwrap_or(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::{Convention, Frame};

    fn asked(state: &State, id: &str, pane: Pane) -> Option<Command> {
        ACTIONS.iter().find(|action| action.id == id).and_then(|action| (action.command)(state, pane))
    }

    #[test]
    fn every_action_stands_in_the_sheet() {
        for action in ACTIONS {
            assert!(GROUPS.contains(&action.group), "{}", action.id);
        }
    }

    #[test]
    fn the_crosshair_goes_where_the_key_points_on_the_screen() {
        let axial = Pane::Plane(Plane::Axial);
        let to = |state: &State, id: &str| match asked(state, id, axial) {
            Some(Command::CrossTo(to)) => to,
            other => panic!("{other:?}"),
        };
        let mut state = State::default();
        // Screen-right is the patient's left: smaller x; up is the front.
        assert_eq!(to(&state, "cross right"), DVec3::NEG_X);
        assert_eq!(to(&state, "cross up"), DVec3::Y);
        state.view.frame = Frame { convention: Convention::Neurological, ..Frame::default() };
        assert_eq!(to(&state, "cross right"), DVec3::X);
    }

    #[test]
    fn keys_for_slices_mean_their_pane() {
        let state = State::default();
        let said = |id: &str, pane: Pane| format!("{:?}", asked(&state, id, pane));
        assert_eq!(said("slice on", Pane::Plane(Plane::Coronal)), "Some(Scroll(Coronal, 1.0))");
        assert_eq!(said("ten slices back", Pane::Plane(Plane::Axial)), "Some(Scroll(Axial, -10.0))");
        assert_eq!(said("slice on", Pane::Volume), "Some(Volume(Turn(0.0, 0.05)))");
        assert_eq!(said("first slice", Pane::Volume), "None");
        assert_eq!(said("single", Pane::Volume), "Some(ToggleSingle(Volume))");
    }

    #[test]
    fn modes_go_round() {
        assert_eq!(after(&SlabMode::ALL, SlabMode::Min), SlabMode::Mean);
        assert_eq!(after(&Interpolation::ALL, Interpolation::Linear), Interpolation::Cubic);
    }

    #[test]
    fn the_key_makes_an_inverted_picture_brighter_too() {
        for inverted in [false, true] {
            let now = Window { inverted, ..Window::between(0.0, 100.0) };
            assert!(moved(&now, 1.0, -0.05).apply(50.0) > now.apply(50.0));
            assert_eq!(moved(&now, 1.5, 0.0).width, 150.0);
        }
    }
}
