//! Masks on the slices of a series as a segmentation (PS3.3 A.51): binary, one frame for each slice on which a segment has
//! voxels, all bits packed one after the other (PS3.5 8.1.1).

use super::report::{Code, MAXILLARY_SINUS, code, code_sequence, side};
use super::{Element, Headers, decimal, element, fresh_uid, put, reference, sequence, text, write};
use crate::io::WriteError;
use crate::space::{Grid, Side};
use ::dicom::core::{PrimitiveValue, VR};
use ::dicom::dictionary_std::{tags, uids};
use glam::DVec3;
use std::path::Path;

/// One mask.
#[derive(Clone, Debug, PartialEq)]
pub struct Segment {
    /// The side of the patient.
    pub side: Side,
    /// What is masked, in words.
    pub label: String,
    /// Whether each voxel of the grid belongs to it, x fastest.
    pub mask: Vec<bool>,
}

/// Masks on one grid.
#[derive(Clone, Debug, PartialEq)]
pub struct Segmentation {
    /// The grid of the series as it is stored: one slice for each image.
    pub grid: Grid,
    /// When it was made, `YYYYMMDDhhmmss`.
    pub now: String,
    /// What made it: name and version of the algorithm.
    pub algorithm: String,
    /// At least one with voxels.
    pub segments: Vec<Segment>,
}

impl Segmentation {
    /// Writes the segmentation of a series to a file.
    ///
    /// # Errors
    /// [`WriteError`]; also when the grid has other slices than the series has images.
    pub fn write(&self, of: &Headers, path: &Path) -> Result<(), WriteError> {
        let [columns, rows, slices] = self.grid.size;
        let failed = |reason: &str| WriteError::Io { source: std::io::Error::other(reason), path: path.to_owned() };
        if of.instances.len() != slices {
            return Err(failed("masks can be written for series with one slice in each file only"));
        }
        let area = columns * rows;
        // (segment, slice, pixels)
        let frames: Vec<(usize, usize, &[bool])> = (self.segments.iter().enumerate())
            .flat_map(|(segment, Segment { mask, .. })| {
                mask.chunks(area).enumerate().map(move |(slice, pixels)| (segment, slice, pixels))
            })
            .filter(|(_, _, pixels)| pixels.contains(&true))
            .collect();
        if frames.is_empty() {
            return Err(failed("there is nothing to segment"));
        }
        let description = "Maxillary sinuses (research use only)";
        let mut object = of.derived(uids::SEGMENTATION_STORAGE, "SEG", 9002, description, &self.now);
        // One without a frame of reference has one of its own from here on.
        let space = Some(text(&of.first, tags::FRAME_OF_REFERENCE_UID)).filter(|uid| !uid.is_empty());
        put(&mut object, tags::FRAME_OF_REFERENCE_UID, VR::UI, &space.unwrap_or_else(fresh_uid));
        put(
            &mut object,
            tags::POSITION_REFERENCE_INDICATOR,
            VR::LO,
            &text(&of.first, tags::POSITION_REFERENCE_INDICATOR),
        );
        for (tag, value) in [
            (tags::IMAGE_TYPE, "DERIVED\\PRIMARY"),
            (tags::SEGMENTATION_TYPE, "BINARY"),
            (tags::CONTENT_LABEL, "SINUSES"),
            (tags::LOSSY_IMAGE_COMPRESSION, "00"),
            (tags::BURNED_IN_ANNOTATION, "NO"),
            (tags::PHOTOMETRIC_INTERPRETATION, "MONOCHROME2"),
            (tags::SEGMENTS_OVERLAP, "YES"),
        ] {
            put(&mut object, tag, VR::CS, value);
        }
        put(&mut object, tags::CONTENT_DESCRIPTION, VR::LO, "Cavities of the maxillary sinuses");
        put(&mut object, tags::CONTENT_CREATOR_NAME, VR::PN, "Antrum");
        put(&mut object, tags::NUMBER_OF_FRAMES, VR::IS, &frames.len().to_string());
        for (tag, value) in [
            (tags::ROWS, rows as u16),
            (tags::COLUMNS, columns as u16),
            (tags::SAMPLES_PER_PIXEL, 1),
            (tags::BITS_ALLOCATED, 1),
            (tags::BITS_STORED, 1),
            (tags::HIGH_BIT, 0),
            (tags::PIXEL_REPRESENTATION, 0),
        ] {
            object.put(element(tag, VR::US, PrimitiveValue::from(value)));
        }
        let organisation = fresh_uid();
        object.put(sequence(
            tags::DIMENSION_ORGANIZATION_SEQUENCE,
            vec![vec![element(tags::DIMENSION_ORGANIZATION_UID, VR::UI, organisation.as_str())]],
        ));
        let dimension = |pointer, group, label: &str| {
            vec![
                element(tags::DIMENSION_ORGANIZATION_UID, VR::UI, organisation.as_str()),
                element(tags::DIMENSION_INDEX_POINTER, VR::AT, PrimitiveValue::Tags([pointer].into_iter().collect())),
                element(tags::FUNCTIONAL_GROUP_POINTER, VR::AT, PrimitiveValue::Tags([group].into_iter().collect())),
                element(tags::DIMENSION_DESCRIPTION_LABEL, VR::LO, label),
            ]
        };
        object.put(sequence(
            tags::DIMENSION_INDEX_SEQUENCE,
            vec![
                dimension(tags::REFERENCED_SEGMENT_NUMBER, tags::SEGMENT_IDENTIFICATION_SEQUENCE, "Segment"),
                dimension(tags::IMAGE_POSITION_PATIENT, tags::PLANE_POSITION_SEQUENCE, "Slice"),
            ],
        ));
        object
            .put(sequence(tags::SEGMENT_SEQUENCE, self.segments.iter().enumerate().map(|s| self.segment(s)).collect()));
        object.put(sequence(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![self.shared()]));
        object.put(sequence(
            tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
            frames.iter().map(|(segment, slice, _)| self.frame(of, *segment, *slice)).collect(),
        ));
        let images = of.instances.iter().map(reference).collect();
        object.put(sequence(
            tags::REFERENCED_SERIES_SEQUENCE,
            vec![vec![
                sequence(tags::REFERENCED_INSTANCE_SEQUENCE, images),
                element(tags::SERIES_INSTANCE_UID, VR::UI, of.series()),
            ]],
        ));
        object.put(element(tags::PIXEL_DATA, VR::OB, packed(frames.iter().flat_map(|frame| frame.2))));
        write(object, path)
    }

    fn segment(&self, (number, segment): (usize, &Segment)) -> Vec<Element> {
        // Two lists of the standard have this concept, each with the side as its modifier.
        let sided = |sequence_tag, modifier_tag| {
            let mut sinus = code(MAXILLARY_SINUS);
            sinus.push(code_sequence(modifier_tag, side(segment.side)));
            sequence(sequence_tag, vec![sinus])
        };
        let structure = Code("123037004", "SCT", "Anatomical Structure");
        vec![
            element(tags::SEGMENT_NUMBER, VR::US, PrimitiveValue::from(number as u16 + 1)),
            element(tags::SEGMENT_LABEL, VR::LO, segment.label.as_str()),
            element(tags::SEGMENT_ALGORITHM_TYPE, VR::CS, "AUTOMATIC"),
            element(tags::SEGMENT_ALGORITHM_NAME, VR::LO, self.algorithm.as_str()),
            code_sequence(tags::SEGMENTED_PROPERTY_CATEGORY_CODE_SEQUENCE, structure),
            sided(tags::SEGMENTED_PROPERTY_TYPE_CODE_SEQUENCE, tags::SEGMENTED_PROPERTY_TYPE_MODIFIER_CODE_SEQUENCE),
            sided(tags::ANATOMIC_REGION_SEQUENCE, tags::ANATOMIC_REGION_MODIFIER_SEQUENCE),
        ]
    }

    /// Spacing and directions, which all frames have in common.
    fn shared(&self) -> Vec<Element> {
        let [along_row, along_column, along_stack] = self.directions_lps();
        let numbers = |values: &[f64]| values.iter().map(|v| decimal(*v)).collect::<Vec<_>>().join("\\");
        let directions = [along_row.normalize().to_array(), along_column.normalize().to_array()].concat();
        let (between, rows_mm, columns_mm) = (along_stack.length(), along_column.length(), along_row.length());
        vec![
            sequence(
                tags::PIXEL_MEASURES_SEQUENCE,
                vec![vec![
                    element(tags::SLICE_THICKNESS, VR::DS, decimal(between)),
                    element(tags::SPACING_BETWEEN_SLICES, VR::DS, decimal(between)),
                    element(tags::PIXEL_SPACING, VR::DS, numbers(&[rows_mm, columns_mm])),
                ]],
            ),
            sequence(
                tags::PLANE_ORIENTATION_SEQUENCE,
                vec![vec![element(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, numbers(&directions))]],
            ),
        ]
    }

    fn frame(&self, of: &Headers, segment: usize, slice: usize) -> Vec<Element> {
        let corner = lps(self.grid.world_from_voxel.transform_point3(DVec3::new(0.0, 0.0, slice as f64)));
        let position = corner.to_array().map(decimal).join("\\");
        let purpose = Code("121322", "DCM", "Source Image for Image Processing Operation");
        let derivation = Code("113076", "DCM", "Segmentation");
        let mut source = reference(&of.instances[slice]);
        source.push(code_sequence(tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, purpose));
        let places = PrimitiveValue::U32([segment as u32 + 1, slice as u32 + 1].into_iter().collect());
        vec![
            sequence(
                tags::DERIVATION_IMAGE_SEQUENCE,
                vec![vec![
                    sequence(tags::SOURCE_IMAGE_SEQUENCE, vec![source]),
                    code_sequence(tags::DERIVATION_CODE_SEQUENCE, derivation),
                ]],
            ),
            sequence(tags::FRAME_CONTENT_SEQUENCE, vec![vec![element(tags::DIMENSION_INDEX_VALUES, VR::UL, places)]]),
            sequence(
                tags::PLANE_POSITION_SEQUENCE,
                vec![vec![element(tags::IMAGE_POSITION_PATIENT, VR::DS, position)]],
            ),
            sequence(
                tags::SEGMENT_IDENTIFICATION_SEQUENCE,
                vec![vec![element(tags::REFERENCED_SEGMENT_NUMBER, VR::US, PrimitiveValue::from(segment as u16 + 1))]],
            ),
        ]
    }

    /// The steps from voxel to voxel in DICOM's patient space.
    fn directions_lps(&self) -> [DVec3; 3] {
        let matrix = self.grid.world_from_voxel.matrix3;
        [matrix.x_axis, matrix.y_axis, matrix.z_axis].map(lps)
    }
}

/// From RAS+ to LPS+.
fn lps(ras: DVec3) -> DVec3 {
    DVec3::new(-ras.x, -ras.y, ras.z)
}

/// One bit for each pixel, the first in the lowest bit of the first byte; an even number of bytes.
fn packed<'a>(pixels: impl Iterator<Item = &'a bool>) -> PrimitiveValue {
    let mut bytes = Vec::new();
    for (place, &inside) in pixels.enumerate() {
        if place % 8 == 0 {
            bytes.push(0_u8);
        }
        if let Some(last) = bytes.last_mut() {
            *last |= u8::from(inside) << (place % 8);
        }
    }
    if bytes.len() % 2 == 1 {
        bytes.push(0);
    }
    PrimitiveValue::from(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_bits_have_the_form_of_the_standard() {
        assert_eq!([0.5, -1.0, 1e-12, 123.456_789_012_3].map(decimal), ["0.5", "-1", "0", "123.4567890123"]);
        assert!(decimal(-1_234.567_890_123_456).len() <= 16);
        let pixels = [true, false, false, true, false, false, false, false, true];
        assert_eq!(packed(pixels.iter()).to_bytes().as_ref(), [0b1001, 1]);
        assert_eq!(lps(DVec3::new(1.0, 2.0, 3.0)), DVec3::new(-1.0, -2.0, 3.0));
    }
}
