//! Files with several frames, colours, bits, and compressed ones.

use super::*;

pub(super) fn element(tag: Tag, vr: VR, value: impl Into<PrimitiveValue>) -> DataElement<InMemDicomObject> {
    DataElement::new(tag, vr, value.into())
}

pub(super) fn group(tag: Tag, elements: Vec<DataElement<InMemDicomObject>>) -> DataElement<InMemDicomObject> {
    let item = InMemDicomObject::from_element_iter(elements);
    DataElement::new(tag, VR::SQ, DataSetSequence::from(vec![item]))
}

/// An enhanced image whose frames lie at these places along LPS x (patient left), with slopes 1, 2, 3, ...
pub(super) fn enhanced(x_lps: &[f64]) -> Page {
    let mut page = Page::axial(0.0, 0);
    page.object.remove_element(tags::IMAGE_POSITION_PATIENT);
    page.object.remove_element(tags::IMAGE_ORIENTATION_PATIENT);
    page.object.remove_element(tags::PIXEL_SPACING);
    let shared = vec![
        group(tags::PIXEL_MEASURES_SEQUENCE, vec![element(tags::PIXEL_SPACING, VR::DS, "2\\1.5")]),
        group(
            tags::PLANE_ORIENTATION_SEQUENCE,
            vec![element(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "0\\1\\0\\0\\0\\-1")],
        ),
    ];
    let frames = x_lps.iter().enumerate().map(|(n, x)| {
        vec![
            group(
                tags::PLANE_POSITION_SEQUENCE,
                vec![element(tags::IMAGE_POSITION_PATIENT, VR::DS, format!("{x}\\-50\\60"))],
            ),
            group(
                tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
                vec![
                    element(tags::RESCALE_SLOPE, VR::DS, format!("{}", n + 1)),
                    element(tags::RESCALE_INTERCEPT, VR::DS, "-1"),
                ],
            ),
        ]
    });
    let pixels: Vec<u16> = (0..x_lps.len() as u16 * 12).map(|p| p / 12 * 1000 + p % 12).collect();
    page.set(tags::NUMBER_OF_FRAMES, VR::IS, x_lps.len().to_string())
        .sequence(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![shared])
        .sequence(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames.collect())
        .set(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(pixels.into()))
}

#[test]
fn frames_of_an_enhanced_image_lie_where_each_says_with_its_own_scale() {
    let folder = tempfile::tempdir().unwrap();
    // Stored from the middle outwards; +x in LPS is the patient's left.
    enhanced(&[3.0, 8.0, -2.0]).write(&folder, "enhanced");
    let scan = read(&folder);
    assert_eq!((scan.volume.grid.size, scan.frames), ([4, 3, 3], 1));
    assert_eq!((codes(&scan), scan.volume.voxels.type_name()), (vec!["varying-rescale"], "f32"));
    assert_eq!(scan.volume.grid.axis_letters(), ['P', 'I', 'R']);
    // The second frame is 8 mm to the left, RAS x = -8; its values are 1000, 1001, ... times 2, minus 1.
    assert_eq!(scan.volume.at_world(DVec3::new(-8.0, 50.0, 60.0)), Some(1999.0));
    assert_eq!(scan.volume.at_world(DVec3::new(2.0, 50.0, 60.0)), Some(5999.0));
    assert_eq!(scan.volume.at_world(DVec3::new(-3.0, 48.5, 58.0)), Some(4.0));
}

#[test]
fn frames_at_the_same_places_are_volumes() {
    let folder = tempfile::tempdir().unwrap();
    enhanced(&[0.0, 5.0, 0.0, 5.0]).write(&folder, "enhanced");
    let scan = read(&folder);
    assert_eq!((scan.volume.grid.size, scan.frames), ([4, 3, 2], 2));
}

#[test]
fn frames_of_a_dose_lie_at_their_offsets() {
    let folder = tempfile::tempdir().unwrap();
    let pixels: Vec<u32> = (0..24).map(|p| 100_000 * (p / 12) + p).collect();
    Page::axial(10.0, 0)
        .set(tags::MODALITY, VR::CS, "RTDOSE")
        .set(tags::NUMBER_OF_FRAMES, VR::IS, "2")
        .set(tags::GRID_FRAME_OFFSET_VECTOR, VR::DS, "0\\-4")
        .set(tags::BITS_ALLOCATED, VR::US, 32_u16)
        .set(tags::BITS_STORED, VR::US, 32_u16)
        .set(tags::HIGH_BIT, VR::US, 31_u16)
        .set(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U32(pixels.into()))
        .write(&folder, "dose");
    let volume = read(&folder).volume;
    assert_eq!((volume.grid.size, volume.voxels.type_name()), ([4, 3, 2], "u32"));
    assert_eq!(volume.at_world(DVec3::new(30.0, 40.0, 6.0)), Some(100_012.0));
    assert_eq!(volume.at_world(DVec3::new(25.5, 40.0, 10.0)), Some(3.0));
}

/// A picture without a place, of one byte per sample.
pub(super) fn picture(samples: u16, photometric: &str, bytes: Vec<u8>) -> Page {
    let mut page = Page::axial(0.0, 0);
    page.object.remove_element(tags::IMAGE_POSITION_PATIENT);
    page.object.remove_element(tags::IMAGE_ORIENTATION_PATIENT);
    page.set(tags::SAMPLES_PER_PIXEL, VR::US, samples)
        .set(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, photometric)
        .set(tags::BITS_ALLOCATED, VR::US, 8_u16)
        .set(tags::BITS_STORED, VR::US, 8_u16)
        .set(tags::HIGH_BIT, VR::US, 7_u16)
        .set(tags::ROWS, VR::US, 1_u16)
        .set(tags::COLUMNS, VR::US, 2_u16)
        .set(tags::PIXEL_DATA, VR::OB, PrimitiveValue::U8(bytes.into()))
}

pub(super) fn read_page(page: Page) -> Scan {
    let folder = tempfile::tempdir().unwrap();
    page.write(&folder, "one");
    read(&folder)
}

#[test]
fn a_picture_hangs_as_a_radiograph_unless_it_says_otherwise() {
    let plain = read_page(picture(1, "MONOCHROME2", vec![1, 2]));
    assert_eq!((plain.volume.grid.axis_letters(), codes(&plain)), (['L', 'I', 'P'], vec!["no-orientation"]));
    let turned = picture(1, "MONOCHROME2", vec![1, 2]).set(tags::PATIENT_ORIENTATION, VR::CS, "R\\F");
    assert_eq!(read_page(turned).volume.grid.axis_letters(), ['R', 'I', 'A']);
    let sideways = picture(1, "MONOCHROME2", vec![1, 2]).set(tags::PATIENT_ORIENTATION, VR::CS, "A\\F");
    assert_eq!(read_page(sideways).volume.grid.axis_letters(), ['A', 'I', 'L']);
}

#[test]
fn colours_become_their_luminance_and_that_is_told() {
    let greys = |page: Page| {
        let scan = read_page(page);
        assert_eq!(codes(&scan), ["no-orientation", "colour-as-grey"]);
        [0, 1].map(|i| scan.volume.at([i, 0, 0]).unwrap())
    };
    assert_eq!(greys(picture(3, "RGB", vec![255, 0, 0, 0, 255, 0])), [76.0, 150.0]);
    let planar = picture(3, "RGB", vec![255, 0, 0, 255, 0, 0]).set(tags::PLANAR_CONFIGURATION, VR::US, 1_u16);
    assert_eq!(greys(planar), [76.0, 150.0]);
    assert_eq!(greys(picture(3, "YBR_FULL", vec![7, 1, 2, 9, 3, 4])), [7.0, 9.0]);
    assert_eq!(greys(picture(3, "YBR_FULL_422", vec![7, 9, 1, 2])), [7.0, 9.0]);

    let table = |values: [u16; 2]| PrimitiveValue::U16(values.to_vec().into());
    let palette = picture(1, "PALETTE COLOR", vec![5, 6])
        .set(tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR, VR::US, PrimitiveValue::U16(vec![2, 5, 16].into()))
        .set(tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA, VR::OW, table([65535, 0]))
        .set(tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA, VR::OW, table([0, 65535]))
        .set(tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA, VR::OW, table([0, 0]));
    assert_eq!(greys(palette), [19595.0, 38469.0]);
}

/// The voxels of the two frames of a picture.
fn two_frames(page: Page) -> [Voxels; 2] {
    let folder = tempfile::tempdir().unwrap();
    page.write(&folder, "one");
    let catalogue = browse(&[folder.path().to_owned()], &Progress::default()).unwrap();
    [0, 1].map(|frame| {
        let options = ReadOptions { frame, ..ReadOptions::default() };
        catalogue.read(0, &options, &Progress::default()).unwrap().volume.voxels.clone()
    })
}

#[test]
fn bits_are_unpacked_across_frames() {
    // Two frames of 2 × 1 bits: 1 0 and 1 1, the first bit lowest.
    let bits = picture(1, "MONOCHROME2", vec![0b1101, 0])
        .set(tags::BITS_ALLOCATED, VR::US, 1_u16)
        .set(tags::BITS_STORED, VR::US, 1_u16)
        .set(tags::HIGH_BIT, VR::US, 0_u16)
        .set(tags::NUMBER_OF_FRAMES, VR::IS, "2");
    assert_eq!(two_frames(bits), [Voxels::U8(vec![1, 0]), Voxels::U8(vec![1, 1])]);
}

#[test]
fn run_lengths_are_unpacked_and_frames_found_by_their_table() {
    // Per frame one segment: a literal of two bytes, and a run of two.
    let segment = |bytes: &[u8]| {
        let mut packed = vec![0_u8; 64];
        packed[0] = 1;
        packed[4] = 64;
        packed.extend(bytes);
        packed
    };
    let fragments = vec![segment(&[1, 7, 9, 0x80]), segment(&[0xFF, 4])];
    let mut page = picture(1, "MONOCHROME2", vec![]).set(tags::NUMBER_OF_FRAMES, VR::IS, "2");
    page.syntax = uids::RLE_LOSSLESS;
    let sequence = PixelFragmentSequence::new(vec![0, 76], fragments);
    page.object.put(DataElement::new(tags::PIXEL_DATA, VR::OB, sequence));
    assert_eq!(two_frames(page), [Voxels::U8(vec![7, 9]), Voxels::U8(vec![4, 4])]);
}

#[test]
fn values_that_mean_no_measurement_and_private_scales_are_told() {
    let page = Page::axial(0.0, 0).set(tags::PIXEL_PADDING_VALUE, VR::US, 0_u16).set(
        Tag(0x2005, 0x100E),
        VR::FL,
        PrimitiveValue::F32(vec![0.5].into()),
    );
    let scan = read_page(page);
    assert_eq!(codes(&scan), ["single-slice", "private-scale", "pixel-padding"]);
    assert_eq!(scan.padding, Some(0.0));
}
