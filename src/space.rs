//! Where things are: the voxel grid of a volume, patient directions, and the three orthogonal planes.
//!
//! World coordinates are RAS+ in millimetres: +x towards the patient's right, +y to the front, +z to the head.
//! Matrices are named `a_from_b`, so that products read by themselves:
//! `pane_from_world * world_from_voxel` is `pane_from_voxel`. Voxel `(i, j, k)` has its *centre* at those
//! coordinates; the outer edge of the first voxel is at -0.5.

use glam::{DAffine3, DMat3, DQuat, DVec3};
use serde::{Deserialize, Serialize};

/// The sampling grid of a volume: how many voxels, and where they lie in the world.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Grid {
    /// Number of voxels along i, j and k; i is stored fastest.
    pub size: [usize; 3],
    /// Takes voxel coordinates `(i, j, k)` to world RAS+ millimetres. May be rotated, mirrored and sheared.
    pub world_from_voxel: DAffine3,
}

/// Why a set of numbers is not a usable grid.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum GridError {
    /// A side has no voxels, or all sides together have more than memory could hold.
    #[error("the size {0:?} is not that of a volume")]
    Size([usize; 3]),
    /// The affine is not finite or collapses a direction.
    #[error("the voxel-to-world matrix is not invertible")]
    Singular,
}

impl Grid {
    /// The most voxels a volume may have (2^33, a 2048-cubed scan).
    pub const MAX_VOXELS: usize = 1 << 33;

    /// Checks size and affine, so that every later inverse exists.
    ///
    /// # Errors
    /// [`GridError`] when a side is empty, the product overflows, or the matrix is singular or not finite.
    pub fn new(size: [usize; 3], world_from_voxel: DAffine3) -> Result<Self, GridError> {
        let count = size.iter().try_fold(1_usize, |n, &s| n.checked_mul(s));
        if !count.is_some_and(|n| n > 0 && n <= Self::MAX_VOXELS) {
            return Err(GridError::Size(size));
        }
        let m = world_from_voxel.matrix3;
        let volume_mm3 = m.determinant().abs();
        let scale = m.x_axis.length() * m.y_axis.length() * m.z_axis.length();
        if !world_from_voxel.is_finite() || !volume_mm3.is_normal() || volume_mm3 < 1e-9 * scale {
            return Err(GridError::Singular);
        }
        Ok(Self { size, world_from_voxel })
    }

    /// An axis-aligned RAS+ grid whose box is centred on `centre_mm`.
    #[must_use]
    pub fn centred(size: [usize; 3], spacing_mm: f64, centre_mm: DVec3) -> Self {
        let half = DVec3::from_array(size.map(|n| (n as f64 - 1.0) / 2.0));
        let matrix = DMat3::from_diagonal(DVec3::splat(spacing_mm));
        let world_from_voxel = DAffine3 { matrix3: matrix, translation: centre_mm - matrix * half };
        Self { size, world_from_voxel }
    }

    /// The grid of `size` voxels that begins at voxel `first` of this one.
    #[must_use]
    pub fn part(&self, first: [usize; 3], size: [usize; 3]) -> Self {
        let mut world_from_voxel = self.world_from_voxel;
        let first = DVec3::from_array(first.map(|f| f as f64));
        world_from_voxel.translation = self.world_from_voxel.transform_point3(first);
        Self { size, world_from_voxel }
    }

    /// How many voxels there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.size.iter().product()
    }

    /// The position of voxel `(i, j, k)` in the stored order, i fastest.
    #[must_use]
    pub fn index(&self, [i, j, k]: [usize; 3]) -> usize {
        i + self.size[0] * (j + self.size[1] * k)
    }

    /// Which voxel lies at a position of the stored order: the inverse of [`Grid::index`].
    #[must_use]
    pub fn voxel(&self, index: usize) -> [usize; 3] {
        let [nx, ny, _] = self.size;
        [index % nx, index / nx % ny, index / (nx * ny)]
    }

    /// The world position of the middle of the voxel at a position of the stored order, in mm.
    #[must_use]
    pub fn voxel_mm(&self, index: usize) -> DVec3 {
        self.world_from_voxel.transform_point3(DVec3::from_array(self.voxel(index).map(|c| c as f64)))
    }

    /// Distance between neighbouring voxel centres along i, j and k in mm.
    #[must_use]
    pub fn spacing_mm(&self) -> DVec3 {
        let m = self.world_from_voxel.matrix3;
        DVec3::new(m.x_axis.length(), m.y_axis.length(), m.z_axis.length())
    }

    /// The inverse of [`Grid::world_from_voxel`]; exists because [`Grid::new`] checked it.
    #[must_use]
    pub fn voxel_from_world(&self) -> DAffine3 {
        self.world_from_voxel.inverse()
    }

    /// The world position of the middle of the volume in mm.
    #[must_use]
    pub fn centre_mm(&self) -> DVec3 {
        let half = DVec3::from_array(self.size.map(|n| (n as f64 - 1.0) / 2.0));
        self.world_from_voxel.transform_point3(half)
    }

    /// Whether a world point lies inside the outer edges of the voxels.
    #[must_use]
    pub fn contains(&self, world_mm: DVec3) -> bool {
        let v = self.voxel_from_world().transform_point3(world_mm);
        (0..3).all(|a| v[a] >= -0.5 && v[a] <= self.size[a] as f64 - 0.5)
    }

    /// The smallest world-aligned box around the outer edges of all voxels, in mm.
    #[must_use]
    pub fn bounds_mm(&self) -> BoxMm {
        let mut bounds = BoxMm { min: DVec3::INFINITY, max: DVec3::NEG_INFINITY };
        for corner in 0..8_usize {
            let pick = |a: usize| if corner >> a & 1 == 1 { self.size[a] as f64 - 0.5 } else { -0.5 };
            let p = self.world_from_voxel.transform_point3(DVec3::new(pick(0), pick(1), pick(2)));
            bounds.min = bounds.min.min(p);
            bounds.max = bounds.max.max(p);
        }
        bounds
    }

    /// The turn that takes the patient's axes to those of the voxels, each to the nearest; a sheared grid is straightened.
    #[must_use]
    pub fn turn(&self) -> DQuat {
        let m = self.world_from_voxel.matrix3;
        let axes = [m.x_axis, m.y_axis, m.z_axis].map(DVec3::normalize_or_zero);
        // Of the six ways to name the axes, the one along which they lie best.
        let ways = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let fit = |way: &[usize; 3]| (0..3).map(|world| axes[way[world]][world].abs()).sum::<f64>();
        let best = ways.into_iter().max_by(|a, b| fit(a).total_cmp(&fit(b))).unwrap_or([0, 1, 2]);
        let pointing = |world: usize| axes[best[world]] * axes[best[world]][world].signum();
        let up = pointing(2);
        let right = (pointing(0) - up * pointing(0).dot(up)).normalize_or(DVec3::X);
        DQuat::from_mat3(&DMat3::from_cols(right, up.cross(right), up)).normalize()
    }

    /// Which way each voxel axis points most: for example `['R', 'A', 'S']` or `['P', 'I', 'R']`.
    #[must_use]
    pub fn axis_letters(&self) -> [char; 3] {
        let m = self.world_from_voxel.matrix3;
        [m.x_axis, m.y_axis, m.z_axis].map(|axis| letters(axis).chars().next().unwrap_or('?'))
    }
}

/// A world-aligned box in RAS+ millimetres.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct BoxMm {
    /// The left, posterior, inferior corner.
    pub min: DVec3,
    /// The right, anterior, superior corner.
    pub max: DVec3,
}

impl BoxMm {
    /// The cube of `side_mm` around `centre_mm`.
    #[must_use]
    pub fn cube(centre_mm: DVec3, side_mm: f64) -> Self {
        Self { min: centre_mm - side_mm / 2.0, max: centre_mm + side_mm / 2.0 }
    }

    /// The middle in mm.
    #[must_use]
    pub fn centre(&self) -> DVec3 {
        (self.min + self.max) / 2.0
    }

    /// Whether both boxes have some space in common.
    #[must_use]
    pub fn overlaps(&self, other: Self) -> bool {
        self.min.cmplt(other.max).all() && other.min.cmplt(self.max).all()
    }

    /// Whether the point lies inside or on the surface.
    #[must_use]
    pub fn contains(&self, p: DVec3) -> bool {
        p.cmpge(self.min).all() && p.cmple(self.max).all()
    }
}

/// A side of the patient's body, never of the screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Side {
    /// The patient's left; smaller world x.
    #[serde(rename = "L")]
    Left,
    /// The patient's right; larger world x.
    #[serde(rename = "R")]
    Right,
}

impl Side {
    /// Both sides, right first: the order in which they stand on a radiological screen.
    pub const BOTH: [Self; 2] = [Self::Right, Self::Left];

    /// `L` or `R`.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Left => 'L',
            Self::Right => 'R',
        }
    }

    /// The side of a letter, as tables and files write it.
    #[must_use]
    pub fn from_letter(letter: &str) -> Option<Self> {
        match letter {
            "L" => Some(Self::Left),
            "R" => Some(Self::Right),
            _ => None,
        }
    }

    /// The sign of world x on this side of the mid-plane: -1 left, +1 right.
    #[must_use]
    pub fn sign(self) -> f64 {
        match self {
            Self::Left => -1.0,
            Self::Right => 1.0,
        }
    }

    /// The opposite side.
    #[must_use]
    pub fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }

    /// 0 for left, 1 for right: the place in arrays that hold one value per side.
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Left => 0,
            Self::Right => 1,
        }
    }

    /// The same with its full name, as shown to readers.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

/// One of the three orthogonal anatomical planes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Plane {
    /// Seen from the feet.
    Axial,
    /// Seen from the front.
    Coronal,
    /// Seen from the patient's left, nose on the left of the screen.
    Sagittal,
}

impl Plane {
    /// All three, in the order in which they are laid out.
    pub const ALL: [Self; 3] = [Self::Axial, Self::Coronal, Self::Sagittal];

    /// Unit directions in the world of screen-right and screen-down, by radiological convention:
    /// patient right is on the left of the screen in axial and coronal, anterior on the left in sagittal.
    #[must_use]
    pub fn screen_axes(self) -> (DVec3, DVec3) {
        match self {
            Self::Axial => (DVec3::NEG_X, DVec3::NEG_Y),
            Self::Coronal => (DVec3::NEG_X, DVec3::NEG_Z),
            Self::Sagittal => (DVec3::NEG_Y, DVec3::NEG_Z),
        }
    }

    /// Unit direction in which the slice number grows: superior, anterior, right.
    #[must_use]
    pub fn normal(self) -> DVec3 {
        match self {
            Self::Axial => DVec3::Z,
            Self::Coronal => DVec3::Y,
            Self::Sagittal => DVec3::X,
        }
    }

    /// The place in arrays that hold one value per plane, in the order of [`Plane::ALL`].
    #[must_use]
    pub fn index(self) -> usize {
        match self {
            Self::Axial => 0,
            Self::Coronal => 1,
            Self::Sagittal => 2,
        }
    }

    /// The world axis (0 x, 1 y, 2 z) of [`Plane::normal`].
    #[must_use]
    pub fn axis(self) -> usize {
        match self {
            Self::Axial => 2,
            Self::Coronal => 1,
            Self::Sagittal => 0,
        }
    }

    /// The name shown on the pane.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Axial => "axial",
            Self::Coronal => "coronal",
            Self::Sagittal => "sagittal",
        }
    }
}

/// The orientation letters of a world direction, dominant first: `S`, or `AR` for a direction between two axes.
/// Components under 20° from the dominant plane (a third of the largest) are left out.
#[must_use]
pub fn letters(direction: DVec3) -> String {
    let names = [('R', 'L'), ('A', 'P'), ('S', 'I')];
    let mut parts: Vec<(f64, char)> =
        (0..3).map(|a| (direction[a].abs(), if direction[a] >= 0.0 { names[a].0 } else { names[a].1 })).collect();
    parts.sort_by(|a, b| b.0.total_cmp(&a.0));
    let largest = parts[0].0;
    parts.iter().filter(|p| p.0 > largest / 3.0).map(|p| p.1).collect()
}

/// Converts between DICOM's LPS+ and our RAS+ world: x and y change sign. The same matrix in both directions.
#[must_use]
pub fn ras_from_lps(lps: DVec3) -> DVec3 {
    DVec3::new(-lps.x, -lps.y, lps.z)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn patient_left_has_smaller_x_and_is_on_the_right_of_the_screen() {
        let edges = |plane: Plane| {
            let (right, down) = plane.screen_axes();
            [-right, right, -down, down].map(letters)
        };
        for plane in [Plane::Axial, Plane::Coronal] {
            assert_eq!(edges(plane)[..2], ["R", "L"]);
            let left_of_patient = DVec3::new(Side::Left.sign(), 0.0, 0.0);
            assert!(plane.screen_axes().0.dot(left_of_patient) > 0.0);
        }
        assert_eq!(edges(Plane::Sagittal), ["A", "P", "S", "I"]);
        assert_eq!(edges(Plane::Axial)[2..], ["A", "P"]);
    }

    #[test]
    fn compound_letters_name_the_dominant_axis_first() {
        assert_eq!(letters(DVec3::new(0.5, 0.8, 0.0)), "AR");
        assert_eq!(letters(DVec3::new(-0.1, 0.0, -1.0)), "I");
    }

    #[test]
    fn a_grid_refuses_what_cannot_be_inverted() {
        let flat = DAffine3::from_mat3(DMat3::from_cols(DVec3::X, DVec3::Y, DVec3::X));
        assert_eq!(Grid::new([2, 2, 2], flat), Err(GridError::Singular));
        assert_eq!(Grid::new([2, 0, 2], DAffine3::IDENTITY), Err(GridError::Size([2, 0, 2])));
        let nan = DAffine3::from_translation(DVec3::splat(f64::NAN));
        assert_eq!(Grid::new([2, 2, 2], nan), Err(GridError::Singular));
    }

    #[test]
    fn bounds_go_to_the_outer_edges_of_the_voxels() {
        let grid = Grid::centred([4, 4, 4], 2.0, DVec3::new(1.0, 2.0, 3.0));
        assert_eq!(grid.bounds_mm(), BoxMm::cube(DVec3::new(1.0, 2.0, 3.0), 8.0));
        assert!(grid.contains(DVec3::new(4.9, 2.0, 3.0)) && !grid.contains(DVec3::new(5.1, 2.0, 3.0)));
        assert_eq!(grid.axis_letters(), ['R', 'A', 'S']);
    }

    #[test]
    fn the_turn_of_a_grid_names_no_axis_backwards() {
        let tilt = DQuat::from_rotation_x(0.3);
        // Voxel axes to the feet, to the patient's left and to the front, tilted, with one voxel twice as long.
        let stored = DMat3::from_cols(DVec3::NEG_Z, DVec3::NEG_X, DVec3::Y * 2.0);
        let m = DMat3::from_quat(tilt) * stored;
        let turn = Grid { size: [4, 5, 6], world_from_voxel: DAffine3::from_mat3(m) }.turn();
        for axis in [DVec3::X, DVec3::Y, DVec3::Z] {
            assert!((turn * axis).distance(tilt * axis) < 1e-12, "{axis}");
        }
        assert_eq!(Grid::centred([4, 4, 4], 2.0, DVec3::ONE).turn(), DQuat::IDENTITY);
    }
}
