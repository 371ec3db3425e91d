//! Where the voxels of a NIfTI file lie: sform, qform and pixdim, read and written.
//!
//! A file may give its place twice, as a full matrix (sform) and as a quaternion with spacings (qform, which knows no
//! shear). The sform counts if its code is above 0, else the qform if its code is above 0, else only the spacings are
//! known. NIfTI's world is RAS+ like ours. Formulas: `nifti1.h`, "orientation and location in space".
//!
//! An Analyze file says no more than its spacings and, if SPM wrote it, its origin. Which side is left, is a convention
//! between programs: here that of SPM and nibabel, where the first column is on the patient's right. It is opened all the
//! same, like a NIfTI file without position, because old data sets have nothing else, and always with a check.

use super::header::{Header, Layout};
use crate::io::{Check, Fault};
use crate::space::{Grid, GridError};
use glam::{DAffine3, DMat3, DQuat, DVec3};

/// Where sform and qform may differ without a word: rounding to `f32` explains less than this.
const TOLERANCE_MM: f64 = 0.1;
const TOLERANCE_DEGREES: f64 = 0.05;

/// The grid of a volume of `size`; adds what is doubtful about it to `checks`.
pub(super) fn grid(header: &Header, size: [usize; 3], checks: &mut Vec<Check>) -> Result<Grid, Fault> {
    let mm = match header.units & 7 {
        1 => 1000.0,
        3 => 0.001,
        _ => 1.0,
    };
    let in_mm = |m: DAffine3| DAffine3 { matrix3: m.matrix3 * mm, translation: m.translation * mm };
    let usable = |m: DAffine3| Grid::new(size, in_mm(m)).ok();
    let sform = (header.sform_code > 0).then(|| usable(sform(header)));
    let qform = (header.qform_code > 0).then(|| usable(qform(header)));
    for (name, form) in [("sform", sform), ("qform", qform)] {
        if form == Some(None) {
            checks.push(Check::new("unusable-form", format!("The {name} is not an invertible matrix; it is ignored.")));
        }
    }
    let (sform, qform) = (sform.flatten(), qform.flatten());
    if let (Some(s), Some(q)) = (sform, qform) {
        checks.extend(disagreement(&s, &q));
    }
    if let Some(grid) = sform.or(qform) {
        return Ok(grid);
    }
    let (affine, doubt) = match header.layout {
        Layout::Analyze { origin } => (
            analyze(size, spacing(header), origin),
            "Analyze files do not say which side is which; as SPM and nibabel do, the first column is taken for the \
             patient's right. Compare it with another scan before trusting left and right.",
        ),
        Layout::Single | Layout::Pair => (
            DAffine3::from_mat3(DMat3::from_diagonal(spacing(header))),
            "The file does not say how the patient lies; left and right may be swapped and any axis may be up.",
        ),
    };
    checks.push(Check::new("no-orientation", doubt));
    Grid::new(size, in_mm(affine)).map_err(|error| match error {
        GridError::Size(size) => Fault::TooLarge(size),
        GridError::Singular => Fault::Damaged("its voxel spacing is not usable".to_owned()),
    })
}

/// Voxel spacings; where the file has none, 1.
fn spacing(header: &Header) -> DVec3 {
    let [_, sides @ ..] = header.pixdim;
    DVec3::from_array(sides.map(|d| if d.is_finite() && d != 0.0 { d.abs() } else { 1.0 }))
}

/// Columns to the patient's left, rows to the front, slices up. SPM's origin, a voxel counted from 1, is believed where
/// it is not far outside; else the middle is the origin.
fn analyze(size: [usize; 3], spacing_mm: DVec3, origin: [i16; 3]) -> DAffine3 {
    let (sides, origin) = (size.map(|side| side as f64), origin.map(f64::from));
    let near = origin.iter().zip(&sides).all(|(&o, &side)| o > -side && o < 2.0 * side);
    let voxel = if near && origin != [0.0; 3] { origin.map(|o| o - 1.0) } else { sides.map(|side| (side - 1.0) / 2.0) };
    let matrix3 = DMat3::from_diagonal(spacing_mm * DVec3::new(-1.0, 1.0, 1.0));
    DAffine3 { matrix3, translation: -(matrix3 * DVec3::from_array(voxel)) }
}

fn sform(header: &Header) -> DAffine3 {
    let [x, y, z] = header.srow;
    let column = |c: usize| DVec3::new(x[c], y[c], z[c]);
    DAffine3 { matrix3: DMat3::from_cols(column(0), column(1), column(2)), translation: column(3) }
}

fn qform(header: &Header) -> DAffine3 {
    let qfac = if header.pixdim[0] < 0.0 { -1.0 } else { 1.0 };
    from_quaternion(header.quatern.into(), qfac, spacing(header), header.qoffset.into())
}

/// Rotation from the quaternion's b, c, d (its a is not stored and never negative), then spacings, then origin.
fn from_quaternion(bcd: DVec3, qfac: f64, spacing_mm: DVec3, origin_mm: DVec3) -> DAffine3 {
    // A half turn has a = 0; what rounding leaves of it must not be magnified by the root (nifti1_io.c does the same).
    let a_squared = 1.0 - bcd.length_squared();
    let a = if a_squared < 1e-7 { 0.0 } else { a_squared.sqrt() };
    let rotation = DMat3::from_quat(DQuat::from_xyzw(bcd.x, bcd.y, bcd.z, a).normalize());
    let scale = DMat3::from_diagonal(spacing_mm * DVec3::new(1.0, 1.0, qfac));
    DAffine3 { matrix3: rotation * scale, translation: origin_mm }
}

/// A qform as the header stores it.
pub(super) struct Qform {
    /// b, c and d of the quaternion.
    pub bcd: DVec3,
    /// -1 if the third axis is mirrored, else 1.
    pub qfac: f64,
    /// Whether it says the same as the matrix it was made from; a sheared one cannot be said.
    pub faithful: bool,
}

impl Qform {
    /// The nearest rotation to a grid's axes.
    pub fn of(grid: &Grid) -> Self {
        let m = grid.world_from_voxel.matrix3;
        let qfac = if m.determinant() < 0.0 { -1.0 } else { 1.0 };
        let (i, j, k) = (m.x_axis.normalize(), m.y_axis.normalize(), m.z_axis.normalize() * qfac);
        // Newton's iteration towards the polar decomposition (Higham 1986); it converges quadratically.
        let rotation = (0..32).fold(DMat3::from_cols(i, j, k), |r, _| (r + r.inverse().transpose()) * 0.5);
        let turn = DQuat::from_mat3(&rotation).normalize();
        let bcd = turn.xyz() * if turn.w < 0.0 { -1.0 } else { 1.0 };
        let origin = grid.world_from_voxel.translation;
        let back = Grid { world_from_voxel: from_quaternion(bcd, qfac, grid.spacing_mm(), origin), ..*grid };
        Self { bcd, qfac, faithful: disagreement(grid, &back).is_none() }
    }
}

/// The largest distance between the places that two grids give to the same corner voxel.
fn distance_mm(a: &Grid, b: &Grid) -> f64 {
    let corner =
        |n: usize| DVec3::from_array(std::array::from_fn(|axis| ((n >> axis & 1) * (a.size[axis] - 1)) as f64));
    (0..8)
        .map(corner)
        .map(|v| a.world_from_voxel.transform_point3(v).distance(b.world_from_voxel.transform_point3(v)))
        .fold(0.0, f64::max)
}

fn disagreement(sform: &Grid, qform: &Grid) -> Option<Check> {
    let (s, q) = (sform.world_from_voxel.matrix3, qform.world_from_voxel.matrix3);
    let degrees = (0..3).map(|axis| s.col(axis).angle_between(q.col(axis)).to_degrees()).fold(0.0, f64::max);
    let mm = distance_mm(sform, qform);
    if mm < TOLERANCE_MM && degrees < TOLERANCE_DEGREES {
        return None;
    }
    let mirrored = if s.determinant() * q.determinant() < 0.0 { " and mirror each other" } else { "" };
    let message = format!(
        "The two positions stored in the file, sform and qform, differ by up to {mm:.2} mm and {degrees:.2}°{mirrored}; \
         the sform is used."
    );
    Some(Check::new("forms-differ", message))
}
