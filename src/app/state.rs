//! Everything the window shows, as plain data.

use super::compare::Compare;
use super::layers::Layers;
use super::learning::Learning;
use super::load::Origin;
use super::measure::Measures;
use super::message::Message;
use super::report::Analysis;
use super::session::Session;
use super::settings::Settings;
use super::shell::Shell;
use super::undo::{Former, History};
use super::volume::{OrbitView, VolumeLook};
use super::windows;
use super::worklist::Worklist;
use crate::io::{Catalogue, Check, Preview, Scan};
use crate::job::{Job, Status};
use crate::methods::Finding;
use crate::methods::sinus::{Cavity, Sinus};
use crate::project::{Agreement, Opinions, Reading};
use crate::space::{BoxMm, Plane, Side};
use crate::view::{Contrast, Frame, Interpolation, PlaneCamera, Slab, Window};
use crate::volume::Volume;
use glam::{DVec2, DVec3};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The whole state.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The scan on screen.
    pub scan: Option<OpenScan>,
    /// The series to choose from; none for the synthetic head.
    pub catalogue: Option<Arc<Catalogue>>,
    /// Their pictures, as far as they are made.
    pub thumbnails: Vec<Option<Arc<Preview>>>,
    /// What was found about the series that have been read, by their places in the list.
    pub(super) findings: Vec<Option<Vec<Check>>>,
    /// A slice of the scan that is being opened.
    pub early: Option<Arc<Preview>>,
    /// Where the panes look.
    pub view: View,
    /// What lies over the picture.
    pub layers: Layers,
    /// A second scan beside or over it.
    pub compare: Compare,
    /// The sinuses by [`Side::index`], once looked for.
    pub sinuses: Option<[Sinus; 2]>,
    /// The newest analysis of these sinuses.
    pub analysis: Option<Arc<Analysis>>,
    /// What the reader says of each sinus, by [`Side::index`].
    pub labels: [Option<Reading>; 2],
    /// What other raters say of each sinus, by [`Side::index`].
    pub others: [Opinions; 2],
    /// The series to choose from, as cases to label.
    pub worklist: Worklist,
    /// How far raters agree, as last asked for.
    pub agreement: Option<Arc<Agreement>>,
    /// What the classifier can learn from the labels.
    pub learning: Learning,
    /// The sinus of which more than the label is being said.
    pub details: Option<Side>,
    /// The sinus last chosen, labelled or moved; it is highlighted.
    pub current: Option<Side>,
    /// Whether a score of a side was on screen since the case was first opened.
    pub ai_seen: [bool; 2],
    /// Whether what other raters say of a side was on screen since.
    pub others_seen: [bool; 2],
    /// What was measured in the scan, and what is being measured.
    pub measures: Measures,
    /// The scan that is to be copied without identity, while a folder for it is chosen.
    pub(super) to_copy: Option<(Arc<Scan>, Option<Origin>)>,
    /// What can be undone.
    pub(super) history: History,
    /// The cases that were left, the last one last.
    pub(super) former: Vec<Former>,
    /// The open scan is opened once more for another reading: nothing of how it looked is carried over.
    pub(super) rereading: bool,
    /// The case that is gone back to, to take back its label.
    pub(super) returning: Option<Origin>,
    /// What is still to be restored from when the case was last open.
    pub(super) session: Session,
    /// Who labels.
    pub rater: String,
    /// The file that labels are kept in.
    pub label_keeper: String,
    /// What the window draws with, in one line.
    pub graphics: String,
    /// Background work, for the job bar.
    pub jobs: Vec<JobView>,
    /// What the user must know, with the next step.
    pub message: Option<Message>,
    /// Choices that outlive a scan.
    pub settings: Settings,
    /// What stands around the panes.
    pub shell: Shell,
    /// Whether the sheet of keys is shown.
    pub help: bool,
    /// Counts opened scans, so that the window knows when to upload anew.
    pub generation: u64,
}

/// A scan and what was derived from it on opening.
#[derive(Clone, Debug)]
pub struct OpenScan {
    /// The scan.
    pub scan: Arc<Scan>,
    /// Where it came from; none for the synthetic head.
    pub origin: Option<Origin>,
    /// Windows to choose from; the first is the one it opens with.
    pub windows: Vec<(String, Window)>,
    /// Outline in the world.
    pub bounds_mm: BoxMm,
    /// What the 3-D pane has to know of its values.
    pub contrast: Contrast,
}

/// Where the panes look.
#[derive(Clone, Debug)]
pub struct View {
    /// The point all planes go through, world RAS+ mm.
    pub cross_mm: DVec3,
    /// Pan and zoom by plane, in the order of [`Plane::ALL`].
    pub planes: [PaneView; 3],
    /// Pan, zoom and turn of the 3-D pane.
    pub orbit: OrbitView,
    /// What the 3-D pane makes of the scan.
    pub volume: VolumeLook,
    /// Grey-scale window.
    pub window: Window,
    /// How the three planes lie in the world.
    pub frame: Frame,
    /// How values between voxels are found.
    pub interpolation: Interpolation,
    /// How much around each plane is shown.
    pub slab: Slab,
    /// Crosshair lines.
    pub show_cross: bool,
    /// The boxes of the sinuses.
    pub show_boxes: bool,
    /// How the panes are laid out.
    pub layout: Layout,
    /// The layout that comes back after [`Layout::Single`].
    pub layout_before: Layout,
    /// The large pane, where there is one.
    pub focus: Pane,
}

/// How the panes are laid out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Layout {
    /// Two by two.
    #[default]
    Quad,
    /// One large and the three others beside it.
    Large,
    /// One alone.
    Single,
}

/// One of the four panes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Pane {
    /// A plane.
    Plane(Plane),
    /// The 3-D picture.
    Volume,
}

/// Pan and zoom of a plane, relative to showing the whole scan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PaneView {
    /// World point in the middle of the pane.
    pub centre_mm: DVec3,
    /// 1 shows the whole scan.
    pub zoom: f64,
}

/// Background work as the job bar shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct JobView {
    /// Which.
    pub kind: JobKind,
    /// Its name.
    pub name: String,
    /// How far it is.
    pub status: Status,
}

/// Kinds of background work; a new job replaces a running one of its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum JobKind {
    /// Reading a scan.
    Open,
    /// Looking for the sinuses.
    Find,
    /// Computing maps.
    Analyse,
    /// Reading masks and maps from files.
    Overlay,
    /// Reading a scan to compare with.
    Second,
    /// Adding boxes to a template.
    Template,
    /// Fine-tuning the classifier.
    Learn,
    /// Copying a scan without identity.
    Copy,
}

impl JobView {
    /// A job that runs, as the job bar shows it.
    pub(super) fn of<T: Send>(kind: JobKind, job: Option<&Job<T>>) -> Option<Self> {
        job.map(|job| Self { kind, name: job.name().to_owned(), status: job.status() })
    }
}

impl Default for View {
    fn default() -> Self {
        let pane = PaneView { centre_mm: DVec3::ZERO, zoom: 1.0 };
        Self {
            cross_mm: DVec3::ZERO,
            planes: [pane; 3],
            orbit: OrbitView::default(),
            volume: VolumeLook::new(&Contrast { hounsfield: false, range: [0.0, 1.0] }),
            window: Window::between(0.0, 1.0),
            frame: Frame::default(),
            interpolation: Interpolation::Linear,
            slab: Slab::default(),
            show_cross: true,
            show_boxes: true,
            layout: Layout::Quad,
            layout_before: Layout::Quad,
            focus: Pane::Plane(Plane::Axial),
        }
    }
}

impl OpenScan {
    /// Derives outline and the usual windows.
    #[must_use]
    pub fn new(scan: Arc<Scan>, origin: Option<Origin>, settings: &Settings) -> Self {
        let (windows, contrast) = windows::windows_and_contrast(&scan, settings);
        let bounds_mm = scan.volume.grid.bounds_mm();
        Self { scan, origin, windows, bounds_mm, contrast }
    }

    /// The plane of a scan that is a single slice.
    #[must_use]
    pub fn flat(&self) -> Option<Plane> {
        let grid = &self.scan.volume.grid;
        let across = grid.size.iter().position(|&n| n == 1)?;
        let direction = grid.world_from_voxel.matrix3.col(across);
        let along = |plane: &Plane| plane.normal().dot(direction).abs();
        Plane::ALL.into_iter().max_by(|a, b| along(a).total_cmp(&along(b)))
    }
}

impl State {
    /// Nothing open yet; labels are those of a rater and are kept in what `keeper` says.
    #[must_use]
    pub fn kept_by(rater: String, keeper: String) -> Self {
        Self { rater, label_keeper: keeper, ..Self::default() }
    }

    /// The scan's volume.
    #[must_use]
    pub fn volume(&self) -> Option<&Arc<Volume>> {
        self.scan.as_ref().map(|open| &open.scan.volume)
    }

    /// Whether a job of this kind runs.
    #[must_use]
    pub fn running(&self, kind: JobKind) -> bool {
        self.jobs.iter().any(|job| job.kind == kind)
    }

    /// The place of the open scan in the list of series, if it is in the list.
    #[must_use]
    pub fn series(&self) -> Option<usize> {
        let (origin, listed) = (self.scan.as_ref()?.origin.as_ref()?, self.catalogue.as_ref()?);
        Arc::ptr_eq(&origin.catalogue, listed).then_some(origin.series)
    }

    /// What is known so far of a series that a reader should know: more once it has been read.
    #[must_use]
    pub fn checks(&self, series: usize) -> &[Check] {
        let read = self.findings.get(series).and_then(Option::as_deref);
        let early = || self.catalogue.as_ref().and_then(|catalogue| catalogue.series().get(series));
        read.or_else(|| early().map(|series| series.checks.as_slice())).unwrap_or_default()
    }

    /// Remembers what was found about a series of the list when it was read.
    pub(super) fn remember_checks(&mut self, origin: Option<&Origin>, scan: &Scan) {
        let listed =
            |origin: &&Origin| self.catalogue.as_ref().is_some_and(|list| Arc::ptr_eq(list, &origin.catalogue));
        if let Some(place) = origin.filter(listed).and_then(|origin| self.findings.get_mut(origin.series)) {
            *place = Some(scan.checks.clone());
        }
    }

    /// The finding of one sinus.
    #[must_use]
    pub fn finding(&self, side: Side) -> Option<&Finding> {
        self.analysis.as_ref()?.findings.iter().find(|f| f.side == side)
    }

    /// The cavity of one sinus.
    #[must_use]
    pub fn cavity(&self, side: Side) -> Option<&Cavity> {
        self.analysis.as_ref()?.cavities[side.index()].as_ref()
    }

    /// The camera of a plane for a pane of `size` points.
    #[must_use]
    pub fn plane_camera(&self, plane: Plane, size: DVec2) -> Option<PlaneCamera> {
        let open = self.scan.as_ref()?;
        let view = self.view.planes[plane.index()];
        let fit = PlaneCamera::fitting(&self.view.frame, plane, open.bounds_mm, size);
        Some(PlaneCamera { centre_mm: view.centre_mm, mm_per_point: fit.mm_per_point * 1.04 / view.zoom })
    }

    /// How far one step of the wheel moves through a plane: the voxel spacing most along its normal, in mm.
    #[must_use]
    pub fn step_mm(&self, plane: Plane) -> f64 {
        let Some(volume) = self.volume() else { return 1.0 };
        let m = volume.grid.world_from_voxel.matrix3;
        let along = |axis: DVec3| axis.normalize_or_zero().dot(self.view.frame.normal(plane)).abs();
        let axes = [m.x_axis, m.y_axis, m.z_axis];
        axes.into_iter().max_by(|a, b| along(*a).total_cmp(&along(*b))).map_or(1.0, DVec3::length)
    }
}
