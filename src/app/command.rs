//! What can be asked of the program, and what it needs the outside for.

use super::compare::CompareCommand;
use super::deidentify::DeidentifyCommand;
use super::labelling::{Judgement, LabelCommand};
use super::layers::{LayerCommand, LayerEffect};
use super::learning::{LearnCommand, LearnEffect};
use super::load::{Origin, Target};
use super::measure::{MeasureCommand, MeasureEffect};
use super::report::Analysis;
use super::report_file::Exported;
use super::session::Saved;
use super::settings::{Settings, SettingsCommand};
use super::shell::ShellCommand;
use super::state::{JobKind, JobView, Layout, Pane};
use super::template::TemplateCommand;
use super::volume::VolumeCommand;
use crate::io::{Catalogue, OpenError, Preview, Scan};
use crate::methods::residual::{InferConfig, MapKind};
use crate::methods::sinus::Sinus;
use crate::project::Reading;
use crate::space::{Plane, Side};
use crate::view::{Interpolation, Picture, Slab, Window};
use glam::{DQuat, DVec3};
use std::path::PathBuf;
use std::sync::Arc;

/// One wish of the user, or one result of background work.
#[derive(Clone, Debug)]
pub enum Command {
    /// Ask for files.
    AskFile,
    /// Ask for a folder.
    AskFolder,
    /// Open what lies there.
    Open(Vec<PathBuf>),
    /// Open the synthetic head.
    OpenExample,
    /// Open a series of the catalogue.
    OpenSeries(usize),
    /// Open the series that is so many places further down the list.
    NextSeries(isize),
    /// Show another volume of the series, counted from 0.
    ShowVolume(usize),
    /// Resample the slices to even spacing, or show them as they are stored.
    Even(bool),
    /// Look for the sinuses again, forgetting boxes placed by hand.
    Find,
    /// Compute the residual maps.
    Analyse,
    /// Write the map, the cavities and their figures into a folder.
    Export,
    /// Stop a job.
    Cancel(JobKind),

    /// Put the crosshair there.
    CrossTo(DVec3),
    /// Move the crosshair through a plane by slices; positive is superior, anterior, right.
    Scroll(Plane, f64),
    /// To the first (false) or last (true) slice of a plane.
    ScrollToEnd(Plane, bool),
    /// Move a plane's picture.
    Pan(Plane, DVec3),
    /// Magnify a plane by a factor, keeping a world point in place.
    Zoom(Plane, f64, DVec3),
    /// Change the 3-D picture.
    Volume(VolumeCommand),
    /// Change the grey-scale window.
    SetWindow(Window),
    /// Choose a window of the list; the first is number 0.
    ChooseWindow(usize),
    /// Change what lies over the picture.
    Layer(LayerCommand),
    /// Compare the scan with a second one.
    Compare(CompareCommand),
    /// Find sinuses by a template, or record boxes in one.
    Template(TemplateCommand),
    /// Fine-tune the classifier, or choose another.
    Learn(LearnCommand),
    /// Copy the scan without what tells whose it is.
    Deidentify(DeidentifyCommand),
    /// Change a setting.
    Settings(SettingsCommand),
    /// Change what stands around the panes.
    Shell(ShellCommand),
    /// Switch the crosshair lines.
    ToggleCross,
    /// Switch the boxes of the sinuses.
    ToggleBoxes,
    /// Choose how values between voxels are found.
    Interpolate(Interpolation),
    /// Show a slab around each plane, or the planes alone.
    SetSlab(Slab),
    /// Turn the planes about the normal of one of them, in radians; positive turns its crosshair clockwise.
    Turn(Plane, f64),
    /// Lay the planes along these axes; the identity is that of the patient.
    AlignPlanes(DQuat),
    /// Swap radiological and neurological.
    ToggleConvention,
    /// Choose how the panes are laid out.
    SetLayout(Layout),
    /// One pane fills the window, or all are shown again.
    ToggleSingle(Pane),
    /// Choose the large pane.
    Focus(Pane),
    /// Pan, zoom and turn as on opening.
    ResetViews,
    /// All planes through the centre of a sinus, magnified.
    CentreOn(Side),
    /// Show or hide the sheet of keys.
    ToggleHelp,
    /// Names of files may be shown.
    ShowPaths(bool),
    /// Compute maps as soon as sinuses are found.
    AnalyseOnOpen(bool),
    /// Average probabilities over several crops of each sinus, or take one.
    ManyCrops(bool),
    /// Make residual maps with a median filter of so many voxels, and keep of them what is named.
    Residual(usize, MapKind),

    /// Move a sinus box while dragging.
    MoveBox(Side, DVec3),
    /// The box is let go; this is the sinus as it was when the drag began.
    DropBox(Sinus),
    /// Say something of a sinus, or go on to the next case.
    Label(LabelCommand),
    /// Measure, or change what was measured.
    Measure(MeasureCommand),
    /// Take the last step back.
    Undo,
    /// Do it again.
    Redo,
    /// Put the message away.
    DismissMessage,

    /// A scan was read.
    Opened(Opened),
    /// It could not be read; the series to choose from instead, where there are some.
    Unreadable(Arc<OpenError>, Option<Arc<Catalogue>>),
    /// How the reader last looked at the scan just opened.
    Restore(Arc<Saved>),
    /// A slice of the scan that is being opened.
    Early(Arc<Preview>),
    /// The picture of a series for the list.
    Thumbnail(usize, Arc<Preview>),
    /// The sinuses were looked for.
    Found([Sinus; 2]),
    /// Maps were computed.
    Analysed(Arc<Analysis>),
    /// The user should know.
    Notice(String),
    /// How far background work is.
    Jobs(Vec<JobView>),
    /// The 3-D picture is drawn by a program on the CPU.
    SoftwareGraphics(bool),
    /// What the window draws with, in one line.
    Graphics(String),
    /// A job or a step failed; the sentence says why and what to do.
    Failed(String),
}

impl Command {
    /// Whether it asks for something else to be opened, or ends an opening.
    pub(super) fn opens(&self) -> bool {
        use super::labelling::LabelCommand::Next;
        matches!(
            self,
            Self::Open(_)
                | Self::OpenExample
                | Self::OpenSeries(_)
                | Self::NextSeries(_)
                | Self::ShowVolume(_)
                | Self::Even(_)
                | Self::Cancel(_)
                | Self::Failed(_)
                | Self::Label(Next)
        )
    }
}

/// A scan that was read.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The scan.
    pub scan: Arc<Scan>,
    /// Where it came from; none for the synthetic head.
    pub origin: Option<Origin>,
    /// What the reader says of its case in the project, by [`Side::index`].
    pub labels: [Option<Reading>; 2],
}

/// Why an event is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    /// The reader says something new.
    New,
    /// The reader takes the last event back.
    Undo,
    /// The reader takes that back.
    Redo,
}

/// What a dialog asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Files that hold one scan or several.
    File,
    /// A folder with a series.
    Folder,
    /// Masks or maps to lay over the scan.
    Overlay,
    /// A scan to compare with.
    Second,
    /// The folder of a template to find sinuses by.
    Template,
    /// The folder of a template, or for a new one, to add boxes to.
    TemplateToAdd,
    /// The folder for a copy without identity.
    CopyTo {
        /// Without the face too.
        no_face: bool,
    },
}

/// What [`State::apply`](super::State::apply) cannot do itself.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Show a dialog.
    Ask(Wanted),
    /// Read a scan.
    Open(Target),
    /// Make the pictures of the series list, in place of those of a former list.
    Thumbnails(Option<Arc<Catalogue>>),
    /// Look for the sinuses of the open scan.
    Find(Arc<Scan>),
    /// Look for them by the template in a folder.
    FindBy(Arc<Scan>, PathBuf),
    /// Record centres of sinuses in RAS+ mm, by [`Side::index`], in the template in a folder.
    AddToTemplate(Arc<Scan>, [Option<DVec3>; 2], PathBuf),
    /// Copy a scan without what tells whose it is.
    Deidentify {
        /// The scan.
        scan: Arc<Scan>,
        /// Where it came from.
        origin: Option<Origin>,
        /// Without the face too.
        no_face: bool,
        /// Where the copy goes.
        folder: PathBuf,
    },
    /// Compute maps.
    Analyse(Arc<Scan>, [Sinus; 2], InferConfig),
    /// Write an analysis where the user wants it.
    Export(Exported),
    /// Read or compute what lies over the picture.
    Layer(LayerEffect),
    /// Stop a job.
    Cancel(JobKind),
    /// Append a label event.
    Record(Judgement),
    /// Labels and measurements are of this rater from now on.
    ReadAs(String),
    /// Find out how far raters agree.
    CompareRaters,
    /// Fine-tune the classifier, or choose another.
    Learn(LearnEffect),
    /// Read a series ahead of being asked for it.
    ReadAhead(Origin),
    /// Keep or write out what was measured.
    Measure(MeasureEffect),
    /// Write the settings.
    SaveSettings(Box<Settings>),
    /// Write a picture where the user wants it, under this name if he does not say another.
    SaveFigure(String, Arc<Picture>),
}
