//! What spoils scans: poses, slices, cut fields of view and artefacts, each of which can be switched on by itself.
//!
//! [`Degradations`] says how strong each of them is in one scan; `mixture` draws them.

use glam::DVec3;
use serde::Serialize;

/// What spoils one scan. The default is nothing at all. Axes and edges are those of the patient before the head was
/// turned: 0 left to right, 1 back to front, 2 bottom to top.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Degradations {
    /// How far the head is turned about the patient's axes, in degrees.
    pub rotation_deg: DVec3,
    /// Where the head lies relative to the middle of the field of view, in mm.
    pub offset_mm: DVec3,
    /// Where the field of view lies in the world relative to its usual place, in mm.
    pub origin_mm: DVec3,
    /// How far the grid is turned about the patient's axes, in degrees.
    pub oblique_deg: DVec3,
    /// In which order and direction the axes are stored.
    pub axes: Axes,
    /// Thick slices.
    pub slices: Option<Slices>,
    /// Voxels are at least so wide, in mm.
    pub resolution_mm: f64,
    /// Edges of the field of view that have come in.
    pub cuts: Vec<Cut>,
    /// How far the field of view goes beyond the usual: left, right, back, front, bottom, top, in mm.
    pub margins_mm: [f64; 6],
    /// A field of view smaller than the head in a phase direction (MR).
    pub wrap: Option<Wrap>,
    /// Copies of a head that moved (MR).
    pub ghosting: Option<Ghosting>,
    /// A face made unrecognisable.
    pub defacing: Option<Defacing>,
    /// Metal in the teeth: how strong its streaks (CT) or how wide its void (MR), 0 to 1.
    pub dental: f32,
    /// Uneven brightness: the natural logarithm by which it may change (MR).
    pub bias: f32,
    /// Blur beyond that of every scanner: standard deviation in mm.
    pub blur_mm: f64,
    /// Noise beyond that of every scanner: standard deviation as a share of the brightness of tissue (of 1000 HU).
    pub noise: f32,
    /// What became of the numbers on the way to the file.
    pub intensities: Option<Intensities>,
    /// A couch and a headrest (CT).
    pub couch: bool,
    /// What is stored beyond a round field of view, in HU (CT).
    pub padding: Option<f32>,
    /// Stored 1024 above Hounsfield units, and nothing says so (CT).
    pub unrescaled: bool,
    /// Not a head but a cast of its skull: bone, teeth and what would be sinuses are one material, all else is air.
    pub cast: bool,
}

/// In which order and direction the axes of the patient are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Axes {
    /// The patient axis that each voxel axis follows.
    pub order: [usize; 3],
    /// Whether the voxel axis goes against it.
    pub flipped: [bool; 3],
}

impl Default for Axes {
    fn default() -> Self {
        Self { order: [0, 1, 2], flipped: [false; 3] }
    }
}

impl Axes {
    /// The voxel axis that follows a patient axis.
    pub(super) fn voxel_axis(self, patient_axis: usize) -> usize {
        self.order.iter().position(|&axis| axis == patient_axis).unwrap_or(patient_axis)
    }
}

/// Slices thicker than the voxels are wide.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Slices {
    /// Across which axis.
    pub axis: usize,
    /// How thick; slices lie next to each other without a gap.
    pub thickness_mm: f64,
}

/// One edge of the field of view that has come in.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Cut {
    /// Which edge.
    pub edge: Edge,
    /// How far it has come, in extents of the sinuses along its axis (left and right: of the sinus of that side):
    /// at 0 it touches them, at 1 they are just out of view, below 0 it is still that far away.
    pub depth: f64,
}

/// An edge of the field of view.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[allow(missing_docs, reason = "they are named after where they are on the patient")]
pub enum Edge {
    Left,
    Right,
    Back,
    Front,
    Bottom,
    Top,
}

/// What lies beyond the field of view appears on its other side.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Wrap {
    /// Along which axis.
    pub axis: usize,
    /// How much of the usual field of view is lost at the low and the high end, in mm.
    pub lost_mm: [f64; 2],
}

/// Copies of the head along a phase direction.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Ghosting {
    /// Along which axis.
    pub axis: usize,
    /// How many copies.
    pub copies: usize,
    /// How bright the brightest of them is.
    pub strength: f32,
}

/// How a face was made unrecognisable, in mm of an average head whose eyes are at height -20, nose tip at depth 116.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Defacing {
    /// Everything in front of a slanting plane below the brow is gone.
    Plane {
        /// The plane's slant from the vertical.
        slant_deg: f32,
        /// How far behind the brow it lies.
        behind_mm: f32,
    },
    /// A mask with a frayed edge is gone: all in front of a depth and below a height.
    Mask {
        /// The depth.
        front_of_mm: f32,
        /// The height.
        below_mm: f32,
    },
    /// The face is there, but smeared.
    Blur {
        /// The depth in front of which it is.
        front_of_mm: f32,
        /// Standard deviation.
        sigma_mm: f32,
    },
    /// Nose and mouth alone are gone; the sinuses stay.
    NoseAndMouth,
    /// Nothing but the brain is left.
    BrainOnly,
}

/// What became of the numbers on the way to the file.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Intensities {
    /// All above this share of the 99.9th percentile is equally bright.
    Clipped(f32),
    /// Multiplied, in MR to whole numbers again.
    Scaled(f32),
    /// Raised to a power, brightest and darkest kept.
    Gamma(f32),
    /// 0 to 255 between 0 and the 99.9th percentile (CT: in a window of centre and width).
    Bytes {
        /// In HU.
        centre: f32,
        /// In HU.
        width: f32,
    },
    /// Real numbers with mean 0 and standard deviation 1.
    Standardised,
}
