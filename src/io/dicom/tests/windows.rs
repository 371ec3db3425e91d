//! Stored windows: functions and tables, of the whole file and of a frame. The greys are those that pydicom finds.

use super::frames::{element, enhanced, group, read_page};
use super::*;
use crate::view::VoiFunction;

/// An item of a VOI LUT Sequence.
fn table(descriptor: [u16; 3], data: &[u16]) -> Vec<DataElement<InMemDicomObject>> {
    vec![
        element(tags::LUT_DESCRIPTOR, VR::US, PrimitiveValue::U16(descriptor.to_vec().into())),
        element(tags::LUT_EXPLANATION, VR::LO, "BONE "),
        element(tags::LUT_DATA, VR::OW, PrimitiveValue::U16(data.to_vec().into())),
    ]
}

/// The last window, and its greys of some values as the entries they stand for.
fn entries(scan: &Scan, white: f64, values: &[f64]) -> (String, Vec<f64>) {
    let (name, window) = scan.windows.last().unwrap();
    (name.clone(), values.iter().map(|&v| (window.apply(v) * white).round()).collect())
}

#[test]
fn a_table_gives_each_value_its_entry_and_those_beyond_the_nearest() {
    let item = table([4, 10, 12], &[0, 4095, 2048, 1000]);
    let scan = read_page(Page::axial(0.0, 0).sequence(tags::VOILUT_SEQUENCE, vec![item]));
    assert_eq!(scan.windows.len(), 3, "after the two windows");
    let greys = vec![0.0, 0.0, 4095.0, 2048.0, 1000.0, 1000.0];
    assert_eq!(entries(&scan, 4095.0, &[-5.0, 10.0, 11.0, 12.0, 13.0, 400.0]), ("BONE".to_owned(), greys));
}

#[test]
fn a_table_is_for_measured_values_which_can_be_below_zero_where_stored_ones_cannot() {
    let ct = |first: PrimitiveValue| {
        let mut item = table([0, 0, 0], &[100, 200, 300]);
        item[0] = element(tags::LUT_DESCRIPTOR, VR::SS, first);
        Page::axial(0.0, 0)
            .set(tags::RESCALE_SLOPE, VR::DS, "1")
            .set(tags::RESCALE_INTERCEPT, VR::DS, "-1024")
            .sequence(tags::VOILUT_SEQUENCE, vec![item])
    };
    let signed = read_page(ct(PrimitiveValue::I16(vec![3, -1000, 16].into())));
    // Without representations in the file, -1000 looks like 64536.
    let mut page = ct(PrimitiveValue::U16(vec![3, 64536, 16].into()));
    page.syntax = uids::IMPLICIT_VR_LITTLE_ENDIAN;
    for scan in [signed, read_page(page)] {
        assert_eq!(entries(&scan, 65535.0, &[-1024.0, -1000.0, -999.0, -998.0, 0.0]).1, [100., 100., 200., 300., 300.]);
    }
    // Values that are never below 0 need no sign.
    let item = table([2, 64536, 16], &[7, 9]);
    let scan = read_page(Page::axial(0.0, 0).sequence(tags::VOILUT_SEQUENCE, vec![item]));
    assert_eq!(entries(&scan, 65535.0, &[0.0, 64537.0]).1, [7.0, 9.0]);
}

#[test]
fn tables_of_bytes_are_packed_or_not_and_announce_what_they_like() {
    let read = |descriptor, data: &[u16]| {
        read_page(Page::axial(0.0, 0).sequence(tags::VOILUT_SEQUENCE, vec![table(descriptor, data)]))
    };
    // 1, 2, 255, 4, two to a word with the first one low.
    let (packed, wide) = (read([4, 0, 8], &[0x0201, 0x04FF]), read([4, 0, 8], &[1, 2, 255, 4]));
    for scan in [packed, wide] {
        assert_eq!(entries(&scan, 255.0, &[0.0, 1.0, 2.0, 3.0]).1, [1.0, 2.0, 255.0, 4.0]);
    }
    // 65536 entries announced, two there.
    let short = read([0, 5, 16], &[0, 65535]);
    assert_eq!(entries(&short, 1.0, &[5.0, 6.0, 9.0]).1, [0.0, 1.0, 1.0]);
    let VoiFunction::Table(greys) = &short.windows.last().unwrap().1.function else { panic!("a table") };
    assert_eq!(greys.greys().len(), 2);
    // 10 bits announced, 12 used.
    assert_eq!(entries(&read([2, 0, 10], &[0, 4095]), 1.0, &[1.0]).1, [1.0]);
    // No bits, no entries, and a table without its data.
    assert_eq!(entries(&read([1, 3, 0], &[128]), 255.0, &[3.0]).1, [128.0]);
    assert_eq!(read([4, 0, 16], &[]).windows.len(), 2);
}

#[test]
fn a_frame_has_its_own_windows_before_those_of_all() {
    let folder = tempfile::tempdir().unwrap();
    let window = |centre: &str, more| {
        let width = [
            element(tags::WINDOW_CENTER, VR::DS, centre),
            element(tags::WINDOW_WIDTH, VR::DS, "8"),
            element(tags::VOILUT_FUNCTION, VR::CS, "SIGMOID"),
        ];
        group(tags::FRAME_VOILUT_SEQUENCE, width.into_iter().chain(more).collect())
    };
    let lut = group(tags::VOILUT_SEQUENCE, table([2, 4, 16], &[0, 65535]));
    let mut page = enhanced(&[3.0, 8.0, -2.0]);
    page.update(tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, 0, &window("40", vec![lut]));
    page.clone().write(&folder, "enhanced");
    let shared = read(&folder);
    let sigmoid = Window { centre: 40.0, width: 8.0, function: VoiFunction::Sigmoid, inverted: false };
    assert_eq!((shared.windows.len(), &shared.windows[0].1), (2, &sigmoid));
    assert_eq!(entries(&shared, 1.0, &[4.0, 5.0]).1, [0.0, 1.0]);

    // The frame in the middle of the patient is the first one of the file.
    page.update(tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, 0, &window("70", vec![]));
    page.write(&folder, "enhanced");
    assert_eq!(read(&folder).windows, [(String::new(), Window { centre: 70.0, ..sigmoid })]);
}
