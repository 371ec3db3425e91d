//! Numbers as the file means them: compressed ones at the ends of their range, tables, and what is refused by name.

use super::frames::{element, picture, read_page};
use super::*;
use crate::io::Preview;
use libjpeg_turbo_rs::{PixelFormat, Subsampling, compress};
use std::io::{Cursor, Write as _};
use std::sync::Mutex;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

/// 8 × 8 pixels of 12 bits, 0 or 4095 in diagonal stripes, with losses.
const STRIPES: &str = "ff4fff5100290000000000080000000800000000000000000000000800000008000000000000000000010b0101\
    ff52000d0102000100000404000088ff5c0005426000ff640025000143726561746564206279204f70656e4a5045472076657273696f6e2032\
    2e352e34ff90000a0000000000240001ff93dca8069534c324d8d5e282309d1fe56e9de681d94886ffd9";

/// -2000, -1, 1999, 7 as 2 × 2 signed numbers of 16 bits.
const SIGNED_WORDS: &str = "ff4fff510029400000000002000000020000000000000000000000020000000200000000000000000001\
    8f0101ff50000800020000000aff52000c00020001000504044001ff5c00132088909090909090909090909090888888ff64001700014f7065\
    6e4a50482056657220302e32362e332eff90000a0000000000300001ff93c00024fe17730000000000c0002480004b000094fc277300a60307\
    74002d03877400ffd9";

/// -128, -1, 127, 7 as 2 × 2 signed numbers of 8 bits.
const SIGNED_BYTES: &str = "ff4fff510029400000000002000000020000000000000000000000020000000200000000000000000001\
    870101ff500008000200000002ff52000c00020001000504044001ff5c00132048505050505050505050505050484848ff64001700014f7065\
    6e4a50482056657220302e32362e332eff90000a00000000002c0001ff93c024fe17730000000000c024804b0094fc2773000601877400ed01\
    877400ffd9";

/// Red and green, with the reversible component transform.
const COLOURS: &str = "ff4fff51002f400000000002000000010000000000000000000000020000000100000000000000000003070101\
    070101070101ff500008000200000003ff52000c00020001010504044001ff5c00132050585858585858585858585858505050ff6400170001\
    4f70656e4a50482056657220302e32362e332eff90000a0000000000430001ff93c01280c100877400c01280fd010774000000000000000000\
    0000000000c01280fe00877400c01280fd01877400c01280fb02077400ffd9";

fn bytes_of(hex: &str) -> Vec<u8> {
    let digits: Vec<u8> = hex.chars().map(|c| c.to_digit(16).unwrap() as u8).collect();
    digits.as_chunks().0.iter().map(|[high, low]| high << 4 | low).collect()
}

fn compressed(mut page: Page, syntax: &'static str, bytes: Vec<u8>) -> Page {
    page.syntax = syntax;
    let fragments = PixelFragmentSequence::new_fragments(vec![bytes]);
    page.object.put(DataElement::new(tags::PIXEL_DATA, VR::OB, fragments));
    page
}

/// One sample per pixel, of so many bits in as many as are allocated.
fn grey(side: u16, allocated: u16, stored: u16, signed: u16) -> Page {
    Page::axial(0.0, 0)
        .set(tags::ROWS, VR::US, side)
        .set(tags::COLUMNS, VR::US, side)
        .set(tags::BITS_ALLOCATED, VR::US, allocated)
        .set(tags::BITS_STORED, VR::US, stored)
        .set(tags::HIGH_BIT, VR::US, stored - 1)
        .set(tags::PIXEL_REPRESENTATION, VR::US, signed)
}

fn error_of(page: Page) -> String {
    let folder = tempfile::tempdir().unwrap();
    page.write(&folder, "one");
    open(folder.path(), &Progress::default()).unwrap_err().to_string()
}

#[test]
fn losses_do_not_turn_white_into_black() {
    let scan = read_page(compressed(grey(8, 16, 16, 0), uids::JPEG2000, bytes_of(STRIPES)));
    for (i, j) in (0..8).flat_map(|j| (0..8).map(move |i| (i, j))) {
        let value = scan.volume.at([i, j, 0]).unwrap();
        let white = (i + j) % 5 < 2;
        assert!(if white { (3000.0..=4095.0).contains(&value) } else { value < 1000.0 }, "{value} at {i}, {j}");
    }
}

#[test]
fn signed_numbers_keep_their_sign_in_htj2k() {
    let words = read_page(compressed(grey(2, 16, 16, 1), uids::HTJ2K_LOSSLESS, bytes_of(SIGNED_WORDS)));
    assert_eq!(words.volume.voxels, Voxels::I16(vec![-2000, -1, 1999, 7]));
    let bytes = read_page(compressed(grey(2, 8, 8, 1), uids::HTJ2K_LOSSLESS, bytes_of(SIGNED_BYTES)));
    assert_eq!(bytes.volume.voxels, Voxels::I8(vec![-128, -1, 127, 7]));
    let wider = read_page(compressed(grey(2, 16, 16, 1), uids::HTJ2K_LOSSLESS, bytes_of(SIGNED_BYTES)));
    assert_eq!(wider.volume.voxels, Voxels::I16(vec![-128, -1, 127, 7]));
}

#[test]
fn colours_that_would_be_wrong_are_refused_by_name() {
    let error = error_of(compressed(picture(3, "YBR_RCT", vec![]), uids::HTJ2K_LOSSLESS, bytes_of(COLOURS)));
    assert!(error.starts_with("a colour picture with a component transform compressed as "), "{error}");
    assert!(error.contains(uids::HTJ2K_LOSSLESS), "{error}");
}

#[test]
fn jfif_means_brightness_first_whatever_the_data_set_says() {
    // Red, whose luminance is 76; as RGB, 76 would be taken for a red of its own.
    let jpeg = compress(&[255, 0, 0, 255, 0, 0], 2, 1, PixelFormat::Rgb, 100, Subsampling::S444).unwrap();
    assert_eq!(&jpeg[6..10], b"JFIF");
    let red = |jpeg: Vec<u8>, photometric| {
        let scan = read_page(compressed(picture(3, photometric, vec![]), uids::JPEG_BASELINE8_BIT, jpeg));
        scan.volume.at([0, 0, 0]).unwrap()
    };
    assert!((red(jpeg.clone(), "RGB") - 76.0).abs() <= 1.0);
    // Without the segment, the data set decides: (76, 85, 255) as a colour has a luminance of 102.
    let length = usize::from(u16::from_be_bytes([jpeg[4], jpeg[5]]));
    let plain = [&jpeg[..2], &jpeg[4 + length..]].concat();
    assert!((red(plain.clone(), "RGB") - 102.0).abs() <= 1.0);
    assert!((red(plain.clone(), "YBR_FULL") - 76.0).abs() <= 1.0);
    // Adobe's segment with transform 0 means RGB.
    let adobe = [&jpeg[..2], b"\xFF\xEE\0\x0EAdobe\0\x64\0\0\0\0\0", &plain[2..]].concat();
    assert!((red(adobe, "YBR_FULL") - 102.0).abs() <= 1.0);
}

#[test]
fn an_offset_table_of_zeros_is_not_believed() {
    let segment = |value: u8| [&[1, 0, 0, 0, 64][..], &[0; 59], &[0xFF, value]].concat();
    for table in [vec![0, 0], vec![0, 74], vec![74, 0], vec![8, 82]] {
        let mut page = picture(1, "MONOCHROME2", vec![]).set(tags::NUMBER_OF_FRAMES, VR::IS, "2");
        page.syntax = uids::RLE_LOSSLESS;
        let fragments = PixelFragmentSequence::new(table.clone(), vec![segment(7), segment(9)]);
        page.object.put(DataElement::new(tags::PIXEL_DATA, VR::OB, fragments));
        let folder = tempfile::tempdir().unwrap();
        page.write(&folder, "one");
        assert_eq!(frames_of(&folder), [Voxels::U8(vec![7, 7]), Voxels::U8(vec![9, 9])], "{table:?}");
    }
}

/// The volumes of a folder with two.
fn frames_of(folder: &TempDir) -> [Voxels; 2] {
    let catalogue = browse(&[folder.path().to_owned()], &Progress::default()).unwrap();
    [0, 1].map(|frame| {
        let options = ReadOptions { frame, ..ReadOptions::default() };
        catalogue.read(0, &options, &Progress::default()).unwrap().volume.voxels.clone()
    })
}

#[test]
fn words_of_bytes_are_swapped_also_where_a_frame_ends_inside_one() {
    let mut page = picture(1, "MONOCHROME2", vec![])
        .set(tags::COLUMNS, VR::US, 3_u16)
        .set(tags::NUMBER_OF_FRAMES, VR::IS, "2")
        .set(tags::PIXEL_DATA, VR::OW, PrimitiveValue::U16(vec![0x0201, 0x0403, 0x0605].into()));
    page.syntax = "1.2.840.10008.1.2.2"; // explicit VR big-endian, retired
    let folder = tempfile::tempdir().unwrap();
    page.write(&folder, "one");
    assert_eq!(frames_of(&folder), [Voxels::U8(vec![1, 2, 3]), Voxels::U8(vec![4, 5, 6])]);
}

#[test]
fn files_of_an_archive_may_have_the_same_name() {
    let flat = scrambled();
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, entry) in [("b", "one.dcm"), ("d", "/one.dcm")] {
        archive.start_file(entry, SimpleFileOptions::default()).unwrap();
        archive.write_all(&fs::read(flat.path().join(name)).unwrap()).unwrap();
    }
    let path = flat.path().join("study.zip");
    fs::write(&path, archive.finish().unwrap().into_inner()).unwrap();
    let scan = open(&path, &Progress::default()).unwrap();
    assert_eq!([0, 1].map(|k| scan.volume.at([3, 2, k])), [Some(230.0), Some(231.0)]);
}

#[test]
fn the_middle_slice_is_shown_once_and_not_when_cancelled() {
    let folder = scrambled();
    let catalogue = browse(&[folder.path().to_owned()], &Progress::default()).unwrap();
    let seen = Mutex::new(Vec::new());
    let show = |preview: Preview| seen.lock().unwrap().push((preview.size, preview.spacing_mm));
    let options = ReadOptions { preview: Some(&show), ..ReadOptions::default() };
    catalogue.read(0, &options, &Progress::default()).unwrap();
    let progress = Progress::default();
    progress.cancel();
    assert!(matches!(catalogue.read(0, &options, &progress), Err(OpenError::Cancelled(_))));
    assert!(matches!(catalogue.thumbnail(0, &progress), Err(OpenError::Cancelled(_))));
    assert_eq!(*seen.lock().unwrap(), [([4, 3], [1.5, 2.0])]);
}

fn words(values: &[u16]) -> PrimitiveValue {
    PrimitiveValue::U16(values.to_vec().into())
}

#[test]
fn palettes_start_below_zero_where_pixels_do_and_segmented_ones_are_refused() {
    let indices = |photometric: &str| {
        picture(1, photometric, vec![0xFF, 0]).set(tags::PIXEL_REPRESENTATION, VR::US, 1_u16).set(
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            VR::US,
            words(&[2, 0xFFFF, 16]),
        )
    };
    let mut page = indices("PALETTE COLOR");
    for tag in [
        tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
        tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    ] {
        page = page.set(tag, VR::OW, words(&[300, 500]));
    }
    page.syntax = uids::IMPLICIT_VR_LITTLE_ENDIAN;
    assert_eq!(read_page(page).volume.voxels, Voxels::U16(vec![300, 500]));

    let segments = |photometric| {
        indices(photometric).set(tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA, VR::OW, words(&[0, 1, 7]))
    };
    let error = error_of(segments("PALETTE COLOR"));
    assert!(error.starts_with("a DICOM picture with a segmented palette cannot be opened"), "{error}");
    assert_eq!(read_page(segments("MONOCHROME2")).volume.voxels, Voxels::I8(vec![-1, 0]), "grey needs no palette");
}

#[test]
fn a_table_of_the_modality_is_applied_and_told() {
    let table = vec![
        element(tags::LUT_DESCRIPTOR, VR::US, words(&[3, 10, 16])),
        element(tags::LUT_DATA, VR::OW, words(&[100, 400, 900])),
    ];
    // Values before the first entry have its value, those behind the last that of the last.
    let page = Page::axial(0.0, 0).sequence(tags::MODALITY_LUT_SEQUENCE, vec![table]);
    let pixels = [9, 10, 11, 12, 13, 4095, 0, 0, 0, 0, 0, 0];
    let scan = read_page(page.set(tags::PIXEL_DATA, VR::OW, words(&pixels)).set(tags::MODALITY, VR::CS, "CT"));
    let Voxels::F32(values) = &scan.volume.voxels else { panic!("{}", scan.volume.voxels.type_name()) };
    assert_eq!(values[..6], [100.0, 100.0, 400.0, 900.0, 900.0, 900.0]);
    assert_eq!(codes(&scan), ["modality-lut", "single-slice"]);
}

#[test]
fn pictures_of_floating_point_numbers_are_refused_by_name() {
    let mut page = Page::axial(0.0, 0);
    page.object.put(element(tags::FLOAT_PIXEL_DATA, VR::OF, PrimitiveValue::F32(vec![0.5; 12].into())));
    let error = error_of(page.set(tags::BITS_ALLOCATED, VR::US, 32_u16));
    assert!(error.starts_with("a DICOM picture of floating-point numbers cannot be opened"), "{error}");
}

#[test]
fn no_scale_is_the_same_as_one_that_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    Page::axial(0.0, 0).write(&folder, "plain");
    Page::axial(1.0, 1)
        .set(tags::RESCALE_SLOPE, VR::DS, "1")
        .set(tags::RESCALE_INTERCEPT, VR::DS, "0")
        .write(&folder, "scaled");
    let scan = read(&folder);
    assert_eq!((scan.volume.voxels.type_name(), codes(&scan).is_empty()), ("u16", true), "{:?}", scan.checks);
}
