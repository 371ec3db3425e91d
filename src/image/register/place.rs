//! The parameters of a placement: numbers of about a millimetre each, whatever they stand for.

use super::metric::Slope;
use crate::space::Grid;
use glam::{DAffine3, DMat3, DQuat, DVec3};

/// How many parameters there are at most.
pub(super) const COUNT: usize = 12;

/// What may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Freedom {
    /// Translation, rotation, one scale: 7 parameters.
    Similarity,
    /// Every affine map: 12 parameters.
    Affine,
}

/// Parameters around a placement, which all zeros stand for: first the translation of the fixed volume's middle, then
/// what turns, scales and shears about it.
pub(super) struct Parameters {
    around: DAffine3,
    pivot_mm: DVec3,
    /// Moves of what lies so far from the pivot are a parameter's unit.
    radius_mm: f64,
    freedom: Freedom,
}

impl Parameters {
    pub fn around(around: DAffine3, fixed: &Grid, freedom: Freedom) -> Self {
        // Root of the mean square distance of a voxel from the middle.
        let sides_mm = fixed.spacing_mm() * DVec3::from_array(fixed.size.map(|n| n as f64));
        let radius_mm = (sides_mm.length_squared() / 12.0).sqrt().max(1.0);
        Self { around, pivot_mm: fixed.centre_mm(), radius_mm, freedom }
    }

    /// The placement of some parameters.
    pub fn place(&self, p: &[f64; COUNT]) -> DAffine3 {
        let shift = DVec3::new(p[0], p[1], p[2]);
        let q: Vec<f64> = p[3..].iter().map(|v| v / self.radius_mm).collect();
        let before = self.around.matrix3;
        let matrix3 = match self.freedom {
            Freedom::Similarity => {
                let turn = DQuat::from_scaled_axis(DVec3::new(q[0], q[1], q[2]));
                DMat3::from_quat(turn) * before * q[3].exp()
            }
            Freedom::Affine => before + DMat3::from_cols_slice(&q),
        };
        let middle = self.around.transform_point3(self.pivot_mm) + shift;
        DAffine3 { matrix3, translation: middle - matrix3 * self.pivot_mm }
    }

    /// The derivative by the parameters, of something whose derivative by the placement is known.
    pub fn slope(&self, p: &[f64; COUNT], slope: &Slope) -> [f64; COUNT] {
        // Placements are as smooth as can be: central differences of them are exact to rounding.
        let step = 1e-3;
        std::array::from_fn(|n| {
            let moved = |by: f64| {
                let mut p = *p;
                p[n] += by;
                self.place(&p)
            };
            let (after, before) = (moved(step), moved(-step));
            let matrix = (after.matrix3 - before.matrix3) * (0.5 / step);
            let translation = (after.translation - before.translation) * (0.5 / step);
            let inner = |a: DMat3, b: DMat3| a.x_axis.dot(b.x_axis) + a.y_axis.dot(b.y_axis) + a.z_axis.dot(b.z_axis);
            inner(matrix, slope.matrix) + translation.dot(slope.translation)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_millimetres_about_the_middle_of_the_fixed_volume() {
        let grid = Grid::centred([100, 100, 100], 2.0, DVec3::new(0.0, 20.0, 0.0));
        let around = DAffine3 { matrix3: DMat3::from_rotation_z(0.5), translation: DVec3::new(3.0, 4.0, 5.0) };
        for freedom in [Freedom::Similarity, Freedom::Affine] {
            let parameters = Parameters::around(around, &grid, freedom);
            assert!(parameters.place(&[0.0; COUNT]).abs_diff_eq(around, 1e-12));
            assert!((parameters.radius_mm - 100.0).abs() < 1e-9);
            let mut p = [0.0; COUNT];
            (p[2], p[3]) = (7.0, 10.0);
            let placed = parameters.place(&p);
            let middle = placed.transform_point3(grid.centre_mm()) - around.transform_point3(grid.centre_mm());
            assert!(middle.distance(DVec3::Z * 7.0) < 1e-12, "{middle}");
            // What is 100 mm away moves by 10 mm against the middle.
            let at = if freedom == Freedom::Affine { DVec3::X } else { around.matrix3.inverse() * DVec3::Y } * 100.0;
            let moved = (placed.matrix3 - around.matrix3) * at;
            assert!((moved.length() - 10.0).abs() < 0.01, "{moved}");
        }
    }
}
