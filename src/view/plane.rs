//! The plane panes: how the three planes lie in the world, what a pane shows of one, and how it is sampled.

use super::Window;
use crate::space::{BoxMm, Grid, Plane, letters};
use glam::{DAffine3, DMat3, DQuat, DVec2, DVec3};
use serde::{Deserialize, Serialize};

/// Which side of the patient is on the left of the screen in axial and coronal planes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Convention {
    /// Patient right, as if seen from the feet and from the front.
    #[default]
    Radiological,
    /// Patient left, as if seen from the head and from behind.
    Neurological,
}

impl Convention {
    /// The word on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Radiological => "radiological",
            Self::Neurological => "neurological",
        }
    }
}

/// How the three planes, always at right angles to each other, lie in the world.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// Takes the patient's axes to those of the planes; the identity gives the anatomical planes.
    pub turn: DQuat,
    /// Which way round axial and coronal are shown.
    pub convention: Convention,
    /// How far each plane's picture is turned clockwise in its pane, in radians, in the order of [`Plane::ALL`];
    /// anticlockwise where the picture is mirrored, so that the other convention shows its mirror image.
    pub roll: [f64; 3],
}

impl Default for Frame {
    fn default() -> Self {
        Self { turn: DQuat::IDENTITY, convention: Convention::Radiological, roll: [0.0; 3] }
    }
}

impl Frame {
    /// Unit directions in the world of screen-right and screen-down.
    #[must_use]
    pub fn screen_axes(&self, plane: Plane) -> (DVec3, DVec3) {
        let (right, down) = self.unrolled_axes(plane);
        // Turning the picture clockwise turns the screen's axes the other way in the world.
        let (sin, cos) = (-self.sense(plane) * self.roll[plane.index()]).sin_cos();
        (right * cos + down * sin, down * cos - right * sin)
    }

    fn unrolled_axes(&self, plane: Plane) -> (DVec3, DVec3) {
        let (right, down) = plane.screen_axes();
        (self.turn * right * self.sense(plane), self.turn * down)
    }

    /// -1 where a plane's picture is mirrored, else 1.
    fn sense(&self, plane: Plane) -> f64 {
        if self.convention == Convention::Neurological && plane != Plane::Sagittal { -1.0 } else { 1.0 }
    }

    /// Whether a plane's picture still has the sides that the convention promises: not when it is turned away.
    #[must_use]
    pub fn keeps_convention(&self, plane: Plane) -> bool {
        let to_right = if self.convention == Convention::Neurological { DVec3::X } else { DVec3::NEG_X };
        plane != Plane::Sagittal && self.screen_axes(plane).0.dot(to_right) > 0.5
    }

    /// Unit direction in which the slice number grows: superior, anterior, right when the planes are not turned.
    #[must_use]
    pub fn normal(&self, plane: Plane) -> DVec3 {
        self.turn * plane.normal()
    }

    /// The letters at the left, right, top and bottom edge of the screen.
    #[must_use]
    pub fn edge_letters(&self, plane: Plane) -> [String; 4] {
        let (right, down) = self.screen_axes(plane);
        [letters(-right), letters(right), letters(-down), letters(down)]
    }

    /// Whether the planes are not the anatomical ones.
    #[must_use]
    pub fn is_oblique(&self) -> bool {
        self.turn.angle_between(DQuat::IDENTITY) > 1e-6
    }

    /// The two other planes turned about the normal of this one, in radians. Its own picture stays as it is; the lines
    /// of the others turn in it, clockwise when positive.
    #[must_use]
    pub fn turned(&self, plane: Plane, by: f64) -> Self {
        let (right, down) = self.unrolled_axes(plane);
        let mut roll = self.roll;
        roll[plane.index()] += self.sense(plane) * by;
        Self { turn: (DQuat::from_axis_angle(right.cross(down), by) * self.turn).normalize(), roll, ..*self }
    }

    /// The planes along these axes, each picture upright in its pane.
    #[must_use]
    pub fn aligned(&self, turn: DQuat) -> Self {
        Self { turn, roll: [0.0; 3], ..*self }
    }
}

/// How values between voxel centres are found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Interpolation {
    /// The nearest voxel.
    Nearest,
    /// Trilinear.
    #[default]
    Linear,
    /// Tricubic, Catmull-Rom: goes through the voxels' values.
    Cubic,
}

impl Interpolation {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Nearest, Self::Linear, Self::Cubic];

    /// The word on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Nearest => "nearest",
            Self::Linear => "linear",
            Self::Cubic => "cubic",
        }
    }
}

/// What is shown of a slab.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SlabMode {
    /// The mean of the values.
    #[default]
    Mean,
    /// The largest value (maximum intensity projection).
    Max,
    /// The smallest value.
    Min,
}

impl SlabMode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Mean, Self::Max, Self::Min];

    /// The word on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Mean => "mean",
            Self::Max => "max",
            Self::Min => "min",
        }
    }
}

/// A slab around the plane, sampled evenly along the plane's normal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Slab {
    /// What is shown of it.
    pub mode: SlabMode,
    /// How thick it is in mm; 0 is the plane alone.
    pub thickness_mm: f64,
}

impl Slab {
    /// The most samples through a slab.
    pub const MAX_SAMPLES: usize = 128;

    /// How many samples a slab takes in a volume with this voxel spacing along its normal: one per voxel, ends included.
    #[must_use]
    pub fn samples(&self, spacing_mm: f64) -> usize {
        let steps = (self.thickness_mm / spacing_mm.max(1e-3)).ceil();
        if self.thickness_mm > 0.0 { steps.min(Self::MAX_SAMPLES as f64 - 1.0) as usize + 1 } else { 1 }
    }

    /// The distances of its samples from the plane in mm, from one face to the other.
    #[must_use]
    pub fn offset_mm(&self, sample: usize, samples: usize) -> f64 {
        if samples < 2 { 0.0 } else { self.thickness_mm * (sample as f64 / (samples - 1) as f64 - 0.5) }
    }
}

/// One slice as a pane shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct SliceView {
    /// Takes pane points (x to the right, y down, from the pane's top left corner, z in mm along the normal of the
    /// screen) to world mm.
    pub world_from_pane: DAffine3,
    /// Grey-scale window of the scan.
    pub window: Window,
    /// How values between voxel centres are found.
    pub interpolation: Interpolation,
    /// How much around the plane is shown.
    pub slab: Slab,
}

impl SliceView {
    /// How far one goes along the normal of the pane, in mm, to get from one voxel of a grid to the next along the axis
    /// on which they follow most closely: the distance of the samples through a slab.
    #[must_use]
    pub fn spacing_mm(&self, grid: &Grid) -> f64 {
        let voxels_per_mm = grid.voxel_from_world().transform_vector3(self.world_from_pane.matrix3.z_axis);
        voxels_per_mm.abs().max_element().recip()
    }
}

/// Where a plane pane looks: kept per pane, independent of its size in pixels.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlaneCamera {
    /// The world point in the middle of the pane, in mm. Only its in-plane part matters; the slice is the crosshair's.
    pub centre_mm: DVec3,
    /// How many mm one point of the screen covers.
    pub mm_per_point: f64,
}

impl PlaneCamera {
    /// The camera that shows a whole box on a pane of `size` points.
    #[must_use]
    pub fn fitting(frame: &Frame, plane: Plane, bounds: BoxMm, size: DVec2) -> Self {
        let (right, down) = frame.screen_axes(plane);
        let extent = bounds.max - bounds.min;
        let mm_per_point = (extent.dot(right.abs()) / size.x.max(1.0)).max(extent.dot(down.abs()) / size.y.max(1.0));
        Self { centre_mm: bounds.centre(), mm_per_point }
    }

    /// The matrix of [`SliceView::world_from_pane`] for a pane of `size` points on the slice through `cross_mm`.
    #[must_use]
    pub fn world_from_pane(&self, frame: &Frame, plane: Plane, size: DVec2, cross_mm: DVec3) -> DAffine3 {
        let (right, down) = frame.screen_axes(plane);
        let normal = frame.normal(plane);
        let in_slice = self.centre_mm + normal * (cross_mm - self.centre_mm).dot(normal);
        let matrix3 = DMat3::from_cols(right * self.mm_per_point, down * self.mm_per_point, right.cross(down));
        let corner = in_slice - right * (size.x / 2.0 * self.mm_per_point) - down * (size.y / 2.0 * self.mm_per_point);
        DAffine3 { matrix3, translation: corner }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_a_pane_is_the_cameras_centre_on_the_crosshairs_slice() {
        let camera = PlaneCamera { centre_mm: DVec3::new(1.0, 2.0, 3.0), mm_per_point: 0.5 };
        let (size, cross) = (DVec2::new(100.0, 60.0), DVec3::new(9.0, 9.0, 9.0));
        let m = camera.world_from_pane(&Frame::default(), Plane::Axial, size, cross);
        assert!((m.transform_point3(DVec3::new(50.0, 30.0, 0.0)) - DVec3::new(1.0, 2.0, 9.0)).length() < 1e-9);
        // Screen-right is patient left: smaller x.
        assert!(m.transform_point3(DVec3::new(60.0, 30.0, 0.0)).x < 1.0);
    }

    #[test]
    fn the_neurological_convention_swaps_the_sides_of_axial_and_coronal_alone() {
        let neurological = Frame { convention: Convention::Neurological, ..Frame::default() };
        for plane in [Plane::Axial, Plane::Coronal] {
            assert_eq!(Frame::default().edge_letters(plane)[..2], ["R".to_owned(), "L".to_owned()]);
            assert_eq!(neurological.edge_letters(plane)[..2], ["L".to_owned(), "R".to_owned()]);
            assert!(neurological.screen_axes(plane).0.x > 0.0, "screen-right is patient right");
            assert_eq!(neurological.normal(plane), plane.normal(), "slices are counted as before");
        }
        assert_eq!(neurological.edge_letters(Plane::Sagittal), Frame::default().edge_letters(Plane::Sagittal));
    }

    #[test]
    fn turned_planes_stay_at_right_angles_and_have_compound_letters() {
        let frame = Frame::default().turned(Plane::Axial, 0.6);
        let upright = Frame::default();
        let close = |(a, b): (DVec3, DVec3), (c, d): (DVec3, DVec3)| a.distance(c) < 1e-12 && b.distance(d) < 1e-12;
        assert!(close(frame.screen_axes(Plane::Axial), upright.screen_axes(Plane::Axial)), "its own picture stays");
        // Clockwise on the axial screen: the coronal plane's left edge, the patient's right, goes up, to the front.
        assert_eq!(frame.edge_letters(Plane::Coronal), ["RA", "LP", "S", "I"].map(str::to_owned));
        assert_eq!(frame.edge_letters(Plane::Sagittal), ["AL", "PR", "S", "I"].map(str::to_owned));
        let rolled = Frame { roll: [0.6, 0.0, 0.0], ..upright };
        assert_eq!(rolled.edge_letters(Plane::Axial), ["RP", "LA", "AR", "PL"].map(str::to_owned));
        assert!(frame.normal(Plane::Sagittal).dot(frame.normal(Plane::Coronal)).abs() < 1e-12);
        assert!(frame.is_oblique() && !frame.turned(Plane::Axial, -0.6).is_oblique());
        assert!(frame.normal(Plane::Axial).distance(DVec3::Z) < 1e-12);
    }

    #[test]
    fn the_other_convention_shows_the_mirror_image_of_turned_planes() {
        let turned = Frame::default().turned(Plane::Axial, 0.7).turned(Plane::Coronal, -0.3);
        let mirrored = Frame { convention: Convention::Neurological, ..turned };
        for plane in [Plane::Axial, Plane::Coronal] {
            let ((right, down), (other, same)) = (turned.screen_axes(plane), mirrored.screen_axes(plane));
            assert!(right.distance(-other) < 1e-12 && down.distance(same) < 1e-12, "{plane:?}");
        }
        // In the mirrored picture too its own picture stays, and the others turn clockwise.
        let before = mirrored.screen_axes(Plane::Axial);
        let after = mirrored.turned(Plane::Axial, 0.2);
        assert!(after.screen_axes(Plane::Axial).0.distance(before.0) < 1e-12);
        let (right, down) = before;
        let turn = |v: DVec3| v.dot(down).atan2(v.dot(right));
        let by = turn(after.normal(Plane::Coronal)) - turn(mirrored.normal(Plane::Coronal));
        assert!((by.rem_euclid(std::f64::consts::TAU) - 0.2).abs() < 1e-9, "{by}");
    }

    #[test]
    fn the_convention_is_claimed_only_while_it_holds() {
        let half_turn = Frame::default().turned(Plane::Axial, std::f64::consts::PI);
        assert!(Frame::default().keeps_convention(Plane::Coronal) && !half_turn.keeps_convention(Plane::Coronal));
        assert!(half_turn.keeps_convention(Plane::Axial), "its own picture stayed");
        assert!(!Frame::default().keeps_convention(Plane::Sagittal), "it has no sides");
    }

    #[test]
    fn a_slab_is_sampled_once_per_voxel_from_face_to_face() {
        let slab = Slab { mode: SlabMode::Max, thickness_mm: 10.0 };
        assert_eq!(slab.samples(2.0), 6);
        assert_eq!(Slab { thickness_mm: 1e300, ..slab }.samples(1.0), Slab::MAX_SAMPLES);
        assert!([(0, -5.0), (3, 1.0), (5, 5.0)].iter().all(|&(n, mm)| (slab.offset_mm(n, 6) - mm).abs() < 1e-12));
        assert_eq!((Slab::default().samples(1.0), Slab::default().offset_mm(0, 1)), (1, 0.0));
    }

    #[test]
    fn samples_are_as_close_as_the_voxels_that_the_normal_meets() {
        let matrix3 = DMat3::from_diagonal(DVec3::new(0.5, 4.0, 2.0));
        let grid = Grid { size: [8; 3], world_from_voxel: DAffine3 { matrix3, translation: DVec3::ZERO } };
        let along = |normal: DVec3| {
            let world_from_pane = DAffine3::from_mat3(DMat3::from_cols(DVec3::X, DVec3::Y, normal));
            let window = Window::between(0.0, 1.0);
            let view =
                SliceView { world_from_pane, window, interpolation: Interpolation::Linear, slab: Slab::default() };
            view.spacing_mm(&grid)
        };
        assert_eq!([DVec3::NEG_Z, DVec3::Y, DVec3::X].map(along), [2.0, 4.0, 0.5]);
        // Steeply across the slices it is still their distance that counts; 0.6 mm sideways are 1.2 voxels.
        assert!((along(DVec3::new(0.0, 0.6, 0.8)) - 2.5).abs() < 1e-12);
        assert!((along(DVec3::new(0.6, 0.0, 0.8)) - 1.0 / 1.2).abs() < 1e-12);
    }
}
