//! Where a DICOM slice lies, and the matrix of a stack of them. The one place where DICOM's LPS+ becomes RAS+.

use super::dataset::DataSet;
use crate::space::ras_from_lps;
use ::dicom::dictionary_std::tags;
use glam::{DAffine3, DMat3, DVec3};

/// The image plane of one slice (PS3.3 C.7.6.2), in LPS+ millimetres as the file has it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct ImagePlane {
    /// Centre of the first pixel.
    pub position_lps: DVec3,
    /// Unit direction in which the column index grows: along a row.
    pub row_lps: DVec3,
    /// Unit direction in which the row index grows: down a column.
    pub column_lps: DVec3,
    /// Distance between neighbouring pixels along a row and down a column. (The file has them the other way round.)
    pub spacing_mm: [f64; 2],
}

impl ImagePlane {
    /// From the data sets that hold position, orientation and pixel spacing: the same one, or functional groups of an
    /// enhanced image. None where one of them is missing or is no rectangle in space.
    pub fn of(position: &DataSet<'_>, orientation: &DataSet<'_>, measures: &DataSet<'_>) -> Option<Self> {
        let position_lps = DVec3::from_array(position.exactly(tags::IMAGE_POSITION_PATIENT)?);
        let [rx, ry, rz, cx, cy, cz] = orientation.exactly(tags::IMAGE_ORIENTATION_PATIENT)?;
        let (row, column) = (DVec3::new(rx, ry, rz), DVec3::new(cx, cy, cz));
        let [down, along] = measures.exactly(tags::PIXEL_SPACING)?;
        let unit = |v: DVec3| (v.length() - 1.0).abs() < 0.01;
        let rectangle = unit(row) && unit(column) && row.dot(column).abs() < 0.01 && along > 0.0 && down > 0.0;
        rectangle.then(|| Self {
            position_lps,
            row_lps: row.normalize(),
            column_lps: column.normalize(),
            spacing_mm: [along, down],
        })
    }

    /// A picture without a place in the patient, laid as a radiograph hangs: seen from in front, its columns run to the
    /// patient's left and its rows to the feet, unless Patient Orientation (PS3.3 C.7.6.1.1.1) says otherwise.
    pub fn of_picture(set: &DataSet<'_>) -> Self {
        let directions = set.texts(tags::PATIENT_ORIENTATION);
        let direction = |n: usize| directions.get(n).and_then(|d| direction_lps(d));
        let across = |(row, column): &(DVec3, DVec3)| row.dot(*column).abs() < 0.01;
        let (row_lps, column_lps) = direction(0).zip(direction(1)).filter(across).unwrap_or((DVec3::X, DVec3::NEG_Z));
        let spacing = [tags::PIXEL_SPACING, tags::IMAGER_PIXEL_SPACING, tags::NOMINAL_SCANNED_PIXEL_SPACING];
        let spacing = spacing.into_iter().find_map(|tag| set.exactly(tag).filter(|s| s.iter().all(|&mm| mm > 0.0)));
        let [down, along] = spacing.unwrap_or([1.0, 1.0]);
        Self { position_lps: DVec3::ZERO, row_lps, column_lps, spacing_mm: [along, down] }
    }

    /// The same plane, shifted along its normal.
    pub fn shifted(self, along_normal_mm: f64) -> Self {
        Self { position_lps: self.position_lps + self.normal_lps() * along_normal_mm, ..self }
    }

    /// Unit direction across the slice: row × column.
    pub fn normal_lps(&self) -> DVec3 {
        self.row_lps.cross(self.column_lps).normalize()
    }

    /// Whether rows and columns run the same way.
    pub fn parallel(&self, other: &Self) -> bool {
        self.row_lps.distance(other.row_lps) < 1e-3 && self.column_lps.distance(other.column_lps) < 1e-3
    }

    /// Whether pixels are equally far apart.
    pub fn same_spacing(&self, other: &Self) -> bool {
        (0..2).all(|axis| (self.spacing_mm[axis] / other.spacing_mm[axis] - 1.0).abs() < 1e-3)
    }
}

/// The direction of letters such as `L` or `FP`; the first counts most, further ones are left out.
fn direction_lps(letters: &str) -> Option<DVec3> {
    Some(match letters.chars().next()? {
        'L' => DVec3::X,
        'R' => DVec3::NEG_X,
        'P' => DVec3::Y,
        'A' => DVec3::NEG_Y,
        'H' => DVec3::Z,
        'F' => DVec3::NEG_Z,
        _ => return None,
    })
}

/// Voxel `(i, j, k)` is column i, row j of slice k. The step from slice to slice is the mean one, taken from the
/// positions of the first and the last, so that the slices of a tilted gantry come out sheared as they were taken.
/// `thickness_mm` is only used where there is a single slice.
pub(super) fn world_from_voxel(first: &ImagePlane, last: &ImagePlane, slices: usize, thickness_mm: f64) -> DAffine3 {
    let step_lps = if slices > 1 {
        (last.position_lps - first.position_lps) / (slices - 1) as f64
    } else {
        first.normal_lps() * thickness_mm
    };
    let [along, down] = first.spacing_mm;
    let axes_lps = [first.row_lps * along, first.column_lps * down, step_lps];
    let [i, j, k] = axes_lps.map(ras_from_lps);
    DAffine3 { matrix3: DMat3::from_cols(i, j, k), translation: ras_from_lps(first.position_lps) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AXIAL: ImagePlane = ImagePlane {
        position_lps: DVec3::new(-100.0, -120.0, 10.0),
        row_lps: DVec3::X,
        column_lps: DVec3::Y,
        spacing_mm: [0.5, 0.75],
    };

    #[test]
    fn columns_of_an_axial_slice_run_to_the_patients_left_and_rows_to_the_back() {
        let last = ImagePlane { position_lps: DVec3::new(-100.0, -120.0, 16.0), ..AXIAL };
        let m = world_from_voxel(&AXIAL, &last, 4, 9.0);
        assert_eq!(m.transform_point3(DVec3::ZERO), DVec3::new(100.0, 120.0, 10.0));
        assert_eq!(m.transform_point3(DVec3::new(2.0, 0.0, 0.0)), DVec3::new(99.0, 120.0, 10.0));
        assert_eq!(m.transform_point3(DVec3::new(0.0, 2.0, 0.0)), DVec3::new(100.0, 118.5, 10.0));
        assert_eq!(m.transform_point3(DVec3::new(0.0, 0.0, 3.0)), DVec3::new(100.0, 120.0, 16.0));
    }

    #[test]
    fn a_tilted_gantry_shears_the_volume_and_a_single_slice_uses_its_thickness() {
        let last = ImagePlane { position_lps: DVec3::new(-100.0, -118.0, 16.0), ..AXIAL };
        let m = world_from_voxel(&AXIAL, &last, 2, 9.0);
        assert_eq!(m.matrix3.z_axis, DVec3::new(0.0, -2.0, 6.0));
        assert_eq!(world_from_voxel(&AXIAL, &AXIAL, 1, 9.0).matrix3.z_axis, DVec3::new(0.0, 0.0, 9.0));
    }
}
