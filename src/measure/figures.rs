//! The figures of a shape: lengths and angles from its points, statistics from the voxels inside.
//!
//! The voxels of a region are those of the plane it was drawn in. The plane is followed along the two grid axes that lie
//! closest to it: in each column of voxels along the third axis, the one voxel whose centre is nearest to the plane
//! counts, where the column meets the plane inside the region. So each voxel counts once, none is skipped however the
//! plane is turned, and for a plane along the grid these are exactly the voxels of one slice whose centres lie inside.
//! Where slices are thicker than the in-plane spacing, an oblique region takes from each slice the part nearest to it.

use super::{Region, Shape};
use crate::volume::{Unit, Volume};
use glam::DVec3;
use serde::{Deserialize, Serialize};
use std::f64::consts::PI;

/// What a shape measures; nothing where it does not measure that.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Figures {
    /// Length of a distance in mm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length_mm: Option<f64>,
    /// Angle in degrees, 0 to 180.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub angle_deg: Option<f64>,
    /// Area of an ellipse or box in mm², of the shape and not of the voxels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub area_mm2: Option<f64>,
    /// The voxels inside an ellipse or box, or the voxel nearest to a probe; none when it is outside of the volume.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub values: Option<Values>,
}

/// Statistics of real voxel values.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Values {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation, with their number as the divisor.
    pub sd: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// How many voxels; those that hold no number are left out.
    pub voxels: usize,
    /// What the values measure.
    pub unit: Unit,
}

impl Figures {
    /// Measures a shape in a volume.
    #[must_use]
    pub fn of(shape: &Shape, volume: &Volume) -> Self {
        let none = Self::default();
        match shape {
            Shape::Distance([a, b]) => Self { length_mm: Some(a.distance(*b)), ..none },
            Shape::Angle([a, vertex, b]) => {
                let [to_a, to_b] = [*a - *vertex, *b - *vertex];
                // Exact near 0° and 180°, where a cosine is not.
                let radians = to_a.cross(to_b).length().atan2(to_a.dot(to_b));
                Self { angle_deg: Some(radians.to_degrees()), ..none }
            }
            Shape::Ellipse(region) => {
                let [a, b] = region.half_axes_mm.map(DVec3::length);
                let values = inside(region, volume, |[x, y]| x * x + y * y <= 1.0 + EDGE);
                Self { area_mm2: Some(PI * a * b), values: Values::of(&values, volume.unit), ..none }
            }
            Shape::Box(region) => {
                let [a, b] = region.half_axes_mm.map(DVec3::length);
                let values = inside(region, volume, |[x, y]| x.abs().max(y.abs()) <= 1.0 + EDGE);
                Self { area_mm2: Some(4.0 * a * b), values: Values::of(&values, volume.unit), ..none }
            }
            Shape::Probe(at) => {
                let value = volume.at_world(*at).filter(|value| value.is_finite());
                Self { values: Values::of(value.as_slice(), volume.unit), ..none }
            }
        }
    }

    /// The figures as short lines for the screen, the most important first.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        lines.extend(self.length_mm.map(|mm| format!("{mm:.1} mm")));
        lines.extend(self.angle_deg.map(|degrees| format!("{degrees:.1}°")));
        match (self.values, self.area_mm2) {
            (Some(values), Some(area)) => {
                lines.extend(values.lines());
                lines.push(format!("{area:.1} mm², {} voxels", values.voxels));
            }
            (None, Some(area)) => lines.extend(["no voxels inside".to_owned(), format!("{area:.1} mm²")]),
            (Some(values), None) => lines.push(values.number(values.mean)),
            (None, None) if lines.is_empty() => lines.push("outside of the scan".to_owned()),
            (None, None) => {}
        }
        lines
    }
}

/// Points on the edge are inside, whatever their rounding.
const EDGE: f64 = 1e-9;

impl Values {
    fn of(values: &[f64], unit: Unit) -> Option<Self> {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count;
        let min = values.iter().copied().min_by(f64::total_cmp)?;
        let max = values.iter().copied().max_by(f64::total_cmp)?;
        Some(Self { mean, sd: variance.sqrt(), min, max, voxels: values.len(), unit })
    }

    fn lines(&self) -> [String; 2] {
        let digits = self.digits();
        let Self { mean, sd, min, max, unit, .. } = self;
        [
            format!("mean {mean:.digits$} ± {sd:.digits$} {}", unit.symbol()),
            format!("min {min:.digits$}  max {max:.digits$}"),
        ]
    }

    fn number(&self, value: f64) -> String {
        format!("{value:.*} {}", self.digits(), self.unit.symbol())
    }

    /// Digits after the point that still tell something: more where all values are small.
    fn digits(&self) -> usize {
        match self.min.abs().max(self.max.abs()) {
            large if large >= 10.0 => 1,
            middle if middle >= 1.0 => 2,
            _ => 4,
        }
    }
}

/// The values of the voxels in a region that are numbers; `contains` says which parts of the half axes are inside.
fn inside(region: &Region, volume: &Volume, contains: impl Fn([f64; 2]) -> bool) -> Vec<f64> {
    let grid = &volume.grid;
    let normal = region.half_axes_mm[0].cross(region.half_axes_mm[1]).normalize_or_zero();
    // mm along the normal for each step along i, j and k: the plane is where `climb · voxel` is `level`.
    let climb = grid.world_from_voxel.matrix3.transpose() * normal;
    let level = normal.dot(region.centre_mm - grid.world_from_voxel.translation);
    let across = (0..3).max_by(|a, b| climb[*a].abs().total_cmp(&climb[*b].abs())).unwrap_or(2);
    let [u, v] = [(across + 1) % 3, (across + 2) % 3];
    if climb[across] == 0.0 {
        return Vec::new();
    }
    let voxel_from_world = grid.voxel_from_world();
    let corners = Region::CORNERS.map(|corner| voxel_from_world.transform_point3(region.at(corner)));
    let range = |axis: usize| {
        let [low, high] = corners.iter().fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], corner| {
            [low.min(corner[axis]), high.max(corner[axis])]
        });
        // As numbers beyond the grid are cut off, nothing can be too large for an index.
        (low - EDGE).ceil().max(0.0) as usize..((high + EDGE).floor() + 1.0).clamp(0.0, grid.size[axis] as f64) as usize
    };
    let mut values = Vec::new();
    for a in range(u) {
        for b in range(v) {
            let mut at = DVec3::ZERO;
            (at[u], at[v]) = (a as f64, b as f64);
            at[across] = (level - climb.dot(at)) / climb[across];
            let nearest = at[across].round();
            if nearest < 0.0 || !contains(region.parts(grid.world_from_voxel.transform_point3(at))) {
                continue;
            }
            at[across] = nearest;
            let value = volume.at(at.to_array().map(|index| index as usize));
            values.extend(value.filter(|value| value.is_finite()));
        }
    }
    values
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::space::Grid;
    use glam::{DAffine3, DMat3};

    /// A volume whose voxel (i, j, k) holds 100 k + 10 j + i.
    fn counted(size: [usize; 3], world_from_voxel: DAffine3) -> Volume {
        let grid = Grid::new(size, world_from_voxel).unwrap();
        let value = |n: usize| (100 * (n / (size[0] * size[1])) + 10 * (n / size[0] % size[1]) + n % size[0]) as f32;
        Volume::from_f32(grid, (0..grid.count()).map(value).collect(), Unit::Hounsfield)
    }

    fn scaled(x: f64, y: f64, z: f64) -> DAffine3 {
        DAffine3::from_mat3(DMat3::from_diagonal(DVec3::new(x, y, z)))
    }

    fn region(centre: [f64; 3], a: [f64; 3], b: [f64; 3]) -> Region {
        let half_axes_mm = [DVec3::from_array(a), DVec3::from_array(b)];
        Region { centre_mm: DVec3::from_array(centre), half_axes_mm }
    }

    fn values(shape: &Shape, volume: &Volume) -> Values {
        Figures::of(shape, volume).values.unwrap()
    }

    #[test]
    fn lengths_and_angles_need_no_voxels() {
        let volume = counted([2, 2, 2], DAffine3::IDENTITY);
        let line = Shape::Distance([DVec3::new(1.0, 2.0, 3.0), DVec3::new(4.0, 6.0, 15.0)]);
        assert_eq!(Figures::of(&line, &volume), Figures { length_mm: Some(13.0), ..Figures::default() });
        let angle = |a: [f64; 3], b: [f64; 3]| {
            let vertex = DVec3::new(5.0, 5.0, 5.0);
            let shape = Shape::Angle([vertex + DVec3::from_array(a), vertex, vertex + DVec3::from_array(b)]);
            Figures::of(&shape, &volume).angle_deg.unwrap()
        };
        assert!((angle([2.0, 0.0, 0.0], [3.0, 3.0, 0.0]) - 45.0).abs() < 1e-12);
        assert!((angle([1.0, 0.0, 0.0], [0.0, 0.0, -7.0]) - 90.0).abs() < 1e-12);
        assert!((angle([1.0, 0.0, 0.0], [-4.0, 0.0, 0.0]) - 180.0).abs() < 1e-12);
        assert!((angle([1.0, 0.0, 0.0], [1.0, 1e-9, 0.0]) - 1e-9_f64.to_degrees()).abs() < 1e-12);
    }

    #[test]
    fn a_box_along_an_anisotropic_grid_holds_the_voxels_of_one_slice_whose_centres_are_inside() {
        // Voxel centres at x = 0.5 i, y = 2 j, z = 3 k. Slice k = 1 is nearest to z = 3.9.
        let volume = counted([10, 10, 5], scaled(0.5, 2.0, 3.0));
        // x from 0.9 to 2.1: i = 2, 3, 4. y from 3.5 to 8.5: j = 2, 3, 4.
        let drawn = Shape::Box(region([1.5, 6.0, 3.9], [0.6, 0.0, 0.0], [0.0, 2.5, 0.0]));
        let figures = Figures::of(&drawn, &volume);
        assert!((figures.area_mm2.unwrap() - 6.0).abs() < 1e-12);
        let Values { mean, sd, min, max, voxels, unit } = figures.values.unwrap();
        assert_eq!((mean, min, max, voxels, unit), (133.0, 122.0, 144.0, 9, Unit::Hounsfield));
        // The rows differ by 10, the columns by 1: variance 2/3 (100 + 1).
        assert!((sd - (202.0_f64 / 3.0).sqrt()).abs() < 1e-12);
        // Edges through voxel centres count on both sides: x from 1 to 2 is i = 2, 3, 4 as before.
        let edge = Shape::Box(region([1.5, 6.0, 3.9], [0.5, 0.0, 0.0], [0.0, 2.0, 0.0]));
        assert_eq!(values(&edge, &volume).voxels, 9);
    }

    #[test]
    fn an_ellipse_leaves_the_corners_out() {
        let volume = counted([9, 9, 3], scaled(1.0, 2.0, 5.0));
        // Half axes of 2 voxels around (4, 4): 13 of the 25 voxels satisfy x² + y² <= 4.
        let drawn = Shape::Ellipse(region([4.0, 8.0, 5.0], [0.0, -4.0, 0.0], [2.0, 0.0, 0.0]));
        let figures = Figures::of(&drawn, &volume);
        assert_eq!(figures.values.map(|v| (v.voxels, v.mean, v.min, v.max)), Some((13, 144.0, 124.0, 164.0)));
        assert!((figures.area_mm2.unwrap() - 8.0 * PI).abs() < 1e-12);
        assert_eq!(figures.lines()[0], "mean 144.0 ± 10.4 HU");
        assert_eq!(figures.lines()[2], "25.1 mm², 13 voxels");
    }

    #[test]
    fn a_region_turned_with_an_oblique_grid_holds_the_same_voxels() {
        let turn = DMat3::from_rotation_z(0.4) * DMat3::from_rotation_x(-0.7);
        let straight = scaled(0.8, 0.8, 4.0);
        let oblique = DAffine3 { matrix3: turn * straight.matrix3, translation: DVec3::new(7.0, -30.0, 12.0) };
        let shape = |m: &DAffine3, turn: DMat3| {
            let centre_mm = m.transform_point3(DVec3::new(5.0, 4.0, 2.0));
            let half_axes_mm = [turn * DVec3::X * 1.7, turn * DVec3::NEG_Y * 2.5];
            Shape::Ellipse(Region { centre_mm, half_axes_mm })
        };
        let a = values(&shape(&straight, DMat3::IDENTITY), &counted([12, 12, 5], straight));
        let b = values(&shape(&oblique, turn), &counted([12, 12, 5], oblique));
        // i from 3 to 7 and j from 1 to 7, of which (x / 2.125)² + (y / 3.125)² <= 1 holds for 23.
        assert_eq!((a.voxels, a.mean), (23, 245.0));
        assert_eq!((b.voxels, b.min, b.max), (a.voxels, a.min, a.max));
        assert!((a.mean - b.mean).abs() < 1e-9 && (a.sd - b.sd).abs() < 1e-9);
    }

    #[test]
    fn an_oblique_plane_through_thick_slices_takes_each_voxel_once() {
        // Slices of 4 mm; the plane rises by 1 in 2 along x: column i at x = i is met at z = i / 2 + 0.1.
        let volume = counted([16, 3, 4], scaled(1.0, 1.0, 4.0));
        let along = DVec3::new(2.0, 0.0, 1.0).normalize();
        let half = 3.0 * 5.0_f64.sqrt() / 2.0;
        let drawn = Region { centre_mm: DVec3::new(5.0, 1.0, 2.6), half_axes_mm: [along * half, DVec3::Y * 0.5] };
        // x from 2 to 8, row j = 1. z / 4 rounds to slice 0 below i = 4 and to slice 1 from there on.
        let expected = [12.0, 13.0, 114.0, 115.0, 116.0, 117.0, 118.0];
        assert_eq!(inside(&drawn, &volume, |[x, y]| x.abs().max(y.abs()) <= 1.0 + EDGE), expected);
    }

    #[test]
    fn a_sheared_grid_is_followed_along_its_slanting_columns() {
        // As with a tilted gantry: each slice of 2 mm lies 1 mm further to the front.
        let matrix = DMat3::from_cols(DVec3::X, DVec3::Y, DVec3::new(0.0, 1.0, 2.0));
        let volume = counted([6, 6, 4], DAffine3::from_mat3(matrix));
        // On slice 2, z = 4, voxel j lies at y = j + 2: y from 3.5 to 5.5 is j = 2 and 3.
        let drawn = Shape::Box(region([2.0, 4.5, 4.0], [1.2, 0.0, 0.0], [0.0, 1.0, 0.0]));
        let Values { mean, voxels, min, max, .. } = values(&drawn, &volume);
        assert_eq!((voxels, mean, min, max), (6, 227.0, 221.0, 233.0));
    }

    #[test]
    fn what_is_no_number_or_outside_does_not_count() {
        let mut volume = counted([4, 4, 1], DAffine3::IDENTITY);
        volume.voxels = crate::volume::Voxels::F32(vec![f32::NAN; 16]);
        let all = Shape::Box(region([1.5, 1.5, 0.0], [9.0, 0.0, 0.0], [0.0, 9.0, 0.0]));
        assert_eq!(Figures::of(&all, &volume).values, None);
        assert_eq!(Figures::of(&all, &volume).lines(), ["no voxels inside", "324.0 mm²"]);
        let volume = counted([4, 4, 1], DAffine3::IDENTITY);
        assert_eq!(values(&all, &volume).voxels, 16);
        let beside = Shape::Box(region([1.5, 1.5, 3.0], [9.0, 0.0, 0.0], [0.0, 9.0, 0.0]));
        assert_eq!(Figures::of(&beside, &volume).values, None);
    }

    #[test]
    fn a_probe_reads_the_nearest_voxel() {
        let volume = counted([4, 4, 2], scaled(-1.0, 1.0, 1.0));
        let at = |x: f64| Figures::of(&Shape::Probe(DVec3::new(x, 2.3, 1.1)), &volume);
        assert_eq!(at(-2.6).values.map(|v| (v.mean, v.sd, v.voxels)), Some((123.0, 0.0, 1)));
        assert_eq!(at(-2.6).lines(), ["123.0 HU"]);
        assert_eq!(at(2.6).lines(), ["outside of the scan"], "on the other side there is nothing");
    }
}
