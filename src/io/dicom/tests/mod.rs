//! Little DICOM series, written with the same crate and read back: order, sides, sizes and everything irregular.
#![allow(clippy::unwrap_used)]

mod containers;
mod deidentified;
mod frames;
mod pixels;
mod series;
mod windows;
mod written;

use super::*;
use crate::io::{ReadOptions, browse, open};
use crate::view::Window;
use crate::volume::Voxels;
use ::dicom::core::value::{DataSetSequence, PixelFragmentSequence};
use ::dicom::core::{DataElement, PrimitiveValue, Tag, VR};
use ::dicom::dictionary_std::{tags, uids};
use ::dicom::object::{FileMetaTableBuilder, InMemDicomObject};
use glam::DVec3;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::fs;
use tempfile::TempDir;

/// One slice of 4 columns and 3 rows: pixel = 100 · row + 10 · column + `level`.
#[derive(Clone)]
struct Page {
    level: u16,
    object: InMemDicomObject,
    syntax: &'static str,
}

impl Page {
    /// An axial MR slice at `z_mm`: first column on the patient's right, first row in front.
    fn axial(z_mm: f64, level: u16) -> Self {
        let page = Self { level, object: InMemDicomObject::new_empty(), syntax: uids::EXPLICIT_VR_LITTLE_ENDIAN };
        page.set(tags::SOP_CLASS_UID, VR::UI, uids::MR_IMAGE_STORAGE)
            .set(tags::SOP_INSTANCE_UID, VR::UI, format!("2.25.{}", 1000 + level))
            .set(tags::MODALITY, VR::CS, "MR")
            .set(tags::SERIES_DESCRIPTION, VR::LO, "t2_tse_tra ")
            .set(tags::PATIENT_NAME, VR::PN, "Secret^Sam")
            .set(tags::SERIES_INSTANCE_UID, VR::UI, "2.25.1")
            .set(tags::IMAGE_POSITION_PATIENT, VR::DS, format!("-30\\-40\\{z_mm}"))
            .set(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0")
            .set(tags::PIXEL_SPACING, VR::DS, "2\\1.5")
            .set(tags::SLICE_THICKNESS, VR::DS, "99")
            .set(tags::WINDOW_CENTER, VR::DS, "300\\40")
            .set(tags::WINDOW_WIDTH, VR::DS, "600\\80")
            .set(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2")
            .set(tags::SAMPLES_PER_PIXEL, VR::US, 1_u16)
            .set(tags::ROWS, VR::US, 3_u16)
            .set(tags::COLUMNS, VR::US, 4_u16)
            .set(tags::BITS_ALLOCATED, VR::US, 16_u16)
            .set(tags::BITS_STORED, VR::US, 12_u16)
            .set(tags::HIGH_BIT, VR::US, 11_u16)
            .set(tags::PIXEL_REPRESENTATION, VR::US, 0_u16)
    }

    fn set(mut self, tag: Tag, vr: VR, value: impl Into<PrimitiveValue>) -> Self {
        self.object.put(DataElement::new(tag, vr, value.into()));
        self
    }

    /// A sequence of items, each made of elements.
    fn sequence(mut self, tag: Tag, items: Vec<Vec<DataElement<InMemDicomObject>>>) -> Self {
        let items: Vec<_> = items.into_iter().map(InMemDicomObject::from_element_iter).collect();
        self.object.put(DataElement::new(tag, VR::SQ, DataSetSequence::from(items)));
        self
    }

    /// Puts an element into an item of a sequence that is there.
    fn update(&mut self, tag: Tag, item: usize, element: &DataElement<InMemDicomObject>) {
        self.object.update_value(tag, |value| drop(value.items_mut().unwrap()[item].put(element.clone())));
    }

    fn write(mut self, folder: &TempDir, name: &str) {
        if self.object.get(tags::PIXEL_DATA).is_none() {
            let pixels: Vec<u16> = (0..12).map(|p| 100 * (p / 4) + 10 * (p % 4) + self.level).collect();
            self = self.set(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(pixels.into()));
        }
        let meta = FileMetaTableBuilder::new().transfer_syntax(self.syntax);
        self.object.with_meta(meta).unwrap().write_to_file(folder.path().join(name)).unwrap();
    }
}

/// Five slices 3 mm apart, whose file names and numbers say another order than their positions.
pub(crate) fn scrambled() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (place, name) in [(2, "a"), (0, "b"), (4, "c"), (1, "d"), (3, "e")] {
        let page = Page::axial(10.0 + 3.0 * f64::from(place), place);
        page.set(tags::INSTANCE_NUMBER, VR::IS, (9 - place).to_string()).write(&folder, name);
    }
    folder
}

fn read(folder: &TempDir) -> Scan {
    open(folder.path(), &Progress::default()).unwrap()
}

fn codes(scan: &Scan) -> Vec<&'static str> {
    scan.checks.iter().map(|c| c.code).collect()
}

#[test]
fn slices_stand_in_the_order_of_their_positions_with_left_and_right_as_in_the_patient() {
    let folder = scrambled();
    fs::write(folder.path().join("notes.txt"), "not a picture").unwrap();
    let scan = read(&folder);
    let volume = &scan.volume;
    assert_eq!(volume.grid.size, [4, 3, 5]);
    assert_eq!((volume.voxels.type_name(), volume.unit), ("u16", Unit::Arbitrary));
    assert_eq!(volume.at([3, 2, 4]), Some(234.0));

    // LPS (-30, -40, 10) is 30 mm to the patient's right, 40 mm to the front: RAS (30, 40, 10).
    assert_eq!(volume.at_world(DVec3::new(30.0, 40.0, 10.0)), Some(0.0));
    // The fourth column is 4.5 mm further to the patient's left, so at a smaller x; the third row 4 mm further back.
    assert_eq!(volume.at_world(DVec3::new(25.5, 40.0, 10.0)), Some(30.0));
    assert_eq!(volume.at_world(DVec3::new(30.0, 36.0, 10.0)), Some(200.0));
    assert_eq!(volume.at_world(DVec3::new(30.0, 40.0, 22.0)), Some(4.0));
    assert_eq!(volume.grid.axis_letters(), ['L', 'P', 'S']);
    assert_eq!(volume.grid.spacing_mm(), DVec3::new(1.5, 2.0, 3.0), "the thickness tag says 99");

    assert_eq!((scan.format, scan.modality.as_str(), scan.description.as_str()), (Format::Dicom, "MR", "t2_tse_tra"));
    let windows = [Window::linear(300.0, 600.0), Window::linear(40.0, 80.0)];
    assert_eq!(scan.windows, windows.map(|w| (String::new(), w)));
    assert!(scan.checks.is_empty(), "{:?}", scan.checks);
    assert!(!format!("{scan:?}").contains("Secret"), "names are never read");
}

#[test]
fn names_of_files_and_the_way_of_opening_do_not_matter() {
    let (one, two) = (scrambled(), scrambled());
    fs::rename(two.path().join("a"), two.path().join("z.dcm")).unwrap();
    let (a, b) = (read(&one), read(&two));
    assert_eq!((&a.volume, &a.sha256), (&b.volume, &b.sha256));
    assert_eq!(a.sha256.len(), 64);

    // A file of another series beside it; opening a single file opens the series it belongs to.
    let other = Page::axial(0.0, 7).set(tags::SERIES_INSTANCE_UID, VR::UI, "2.25.2");
    other.write(&two, "other");
    assert_eq!(read(&two).volume, a.volume, "the largest series is the one that is meant");
    let of_file = open(&two.path().join("e"), &Progress::default()).unwrap();
    assert_eq!((&of_file.volume, codes(&of_file).is_empty()), (&a.volume, true));
    let other = open(&two.path().join("other"), &Progress::default()).unwrap();
    assert_eq!((other.volume.grid.size, codes(&other)), ([4, 3, 1], vec!["single-slice"]));
    assert_eq!(other.volume.grid.spacing_mm(), DVec3::new(1.5, 2.0, 99.0));
}

#[test]
fn a_sagittal_series_from_left_to_right_keeps_its_sides() {
    // Rows run to the back, columns down: row × column points to the patient's right, which is -x in LPS.
    let folder = tempfile::tempdir().unwrap();
    for (n, x_lps) in [8.0, 3.0, -2.0].into_iter().enumerate() {
        Page::axial(0.0, n as u16)
            .set(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "0\\1\\0\\0\\0\\-1")
            .set(tags::IMAGE_POSITION_PATIENT, VR::DS, format!("{x_lps}\\-50\\60"))
            .write(&folder, &format!("{n}"));
    }
    let volume = read(&folder).volume;
    assert_eq!(volume.grid.axis_letters(), ['P', 'I', 'R']);
    // The slice at LPS x = 8 is 8 mm to the left: RAS x = -8.
    assert_eq!(volume.at_world(DVec3::new(-8.0, 50.0, 60.0)), Some(0.0));
    assert_eq!(volume.at_world(DVec3::new(2.0, 50.0, 60.0)), Some(2.0));
    assert_eq!(volume.at_world(DVec3::new(2.0, 50.0, 56.0)), Some(202.0));
}

#[test]
fn ct_becomes_hounsfield_and_other_rescaling_is_applied() {
    let folder = tempfile::tempdir().unwrap();
    let signed: Vec<u16> = [-1024_i16, -1, 0, 5, 1, 1, 1, 1, 1, 1, 1, 3071].map(i16::cast_unsigned).to_vec();
    for n in 0..2_u16 {
        Page::axial(f64::from(n), n)
            .set(tags::MODALITY, VR::CS, "CT")
            .set(tags::BITS_STORED, VR::US, 16_u16)
            .set(tags::HIGH_BIT, VR::US, 15_u16)
            .set(tags::PIXEL_REPRESENTATION, VR::US, 1_u16)
            .set(tags::RESCALE_SLOPE, VR::DS, "2")
            .set(tags::RESCALE_INTERCEPT, VR::DS, "-1000")
            .set(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(signed.clone().into()))
            .write(&folder, &n.to_string());
    }
    let scan = read(&folder);
    assert_eq!((scan.volume.unit, scan.volume.voxels.type_name()), (Unit::Hounsfield, "i16"));
    assert_eq!(scan.volume.at([0, 0, 1]), Some(-3048.0));
    assert_eq!(scan.volume.at([3, 2, 0]), Some(5142.0));
    assert!(scan.checks.is_empty());

    // PET-like: a slope per slice.
    Page::axial(2.0, 5)
        .set(tags::RESCALE_SLOPE, VR::DS, "0.5")
        .set(tags::RESCALE_INTERCEPT, VR::DS, "1")
        .write(&folder, "2");
    let scan = read(&folder);
    assert_eq!((codes(&scan), scan.volume.voxels.type_name()), (vec!["varying-rescale"], "f32"));
    assert_eq!((scan.volume.at([0, 0, 0]), scan.volume.at([0, 0, 2])), (Some(-3048.0), Some(3.5)));
}

#[test]
fn bytes_big_endian_and_inverted_pictures_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut page = Page::axial(0.0, 1).set(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME1");
    page.syntax = "1.2.840.10008.1.2.2"; // explicit VR big-endian, retired
    page.write(&folder, "big");
    let scan = read(&folder);
    assert_eq!(scan.volume.at([3, 2, 0]), Some(231.0));
    assert_eq!(codes(&scan), ["single-slice", "monochrome1"]);

    let folder = tempfile::tempdir().unwrap();
    let mut page = Page::axial(0.0, 1)
        .set(tags::BITS_ALLOCATED, VR::US, 8_u16)
        .set(tags::BITS_STORED, VR::US, 8_u16)
        .set(tags::HIGH_BIT, VR::US, 7_u16)
        .set(tags::PIXEL_DATA, VR::OB, PrimitiveValue::U8((244..=255).collect()));
    page.syntax = uids::IMPLICIT_VR_LITTLE_ENDIAN;
    page.write(&folder, "bytes");
    assert_eq!(read(&folder).volume.voxels, Voxels::U8((244..=255).collect()));
}

#[test]
fn what_cannot_be_opened_is_named() {
    let error = |page: Page| {
        let folder = tempfile::tempdir().unwrap();
        page.write(&folder, "one");
        open(folder.path(), &Progress::default()).unwrap_err().to_string()
    };
    let set = |tag, value: u16| error(Page::axial(0.0, 0).set(tag, VR::US, value));
    assert!(set(tags::SAMPLES_PER_PIXEL, 4).starts_with("a DICOM picture with 4 samples per pixel (MONOCHROME2)"));
    assert!(set(tags::BITS_ALLOCATED, 64).contains("64 bits per pixel"));
    assert!(set(tags::ROWS, 60_000).starts_with("the scan is damaged (its pixels have 24 of 480000 bytes)"));
    let frames = error(Page::axial(0.0, 0).set(tags::NUMBER_OF_FRAMES, VR::IS, "30"));
    assert!(frames.contains("its pixels have 24 of 720 bytes"), "{frames}");

    // Run-length coded: two segments are announced, the second one behind the end.
    let mut rle = Page::axial(0.0, 0);
    rle.syntax = uids::RLE_LOSSLESS;
    let mut fragment = vec![0_u8; 66];
    fragment[..12].copy_from_slice(&[2, 0, 0, 0, 64, 0, 0, 0, 99, 0, 0, 0]);
    rle.object.put(DataElement::new(tags::PIXEL_DATA, VR::OB, PixelFragmentSequence::new_fragments(vec![fragment])));
    assert!(error(rle).starts_with("the scan is damaged (a slice cannot be decompressed"));

    let video = scrambled();
    let mut page = Page::axial(50.0, 0);
    page.syntax = uids::HEVCMP51;
    page.object.put(DataElement::new(
        tags::PIXEL_DATA,
        VR::OB,
        PixelFragmentSequence::new_fragments(vec![vec![0_u8; 2]]),
    ));
    page.write(&video, "packed");
    let scan = read(&video);
    assert_eq!((scan.volume.grid.size[2], codes(&scan)), (5, vec!["unsupported-files"]));
    assert!(scan.checks[0].message.contains("HEVC"), "{}", scan.checks[0].message);
    assert!(scan.checks[0].message.contains(uids::HEVCMP51), "{}", scan.checks[0].message);
}

#[test]
fn no_truncation_and_no_flipped_byte_makes_it_panic() {
    let folder = tempfile::tempdir().unwrap();
    let mut page = Page::axial(0.0, 1);
    let nested = page.object.clone();
    page.object.put(DataElement::new(tags::REFERENCED_IMAGE_SEQUENCE, VR::SQ, DataSetSequence::from(vec![nested])));
    page.write(&folder, "one");
    let path = folder.path().join("one");
    let whole = fs::read(&path).unwrap();
    let mut random = ChaCha8Rng::seed_from_u64(2);
    for round in 0..1000 {
        let mut bytes = whole.clone();
        if round % 2 == 0 {
            bytes.truncate(random.random_range(0..whole.len()));
        } else {
            // Behind the preamble, so that the file is still taken for DICOM.
            let at = random.random_range(132..bytes.len());
            bytes[at] = random.random();
        }
        fs::write(&path, &bytes).unwrap();
        if let Ok(scan) = open(folder.path(), &Progress::default()) {
            assert_eq!(scan.volume.voxels.len(), scan.volume.grid.count());
        }
    }
}
