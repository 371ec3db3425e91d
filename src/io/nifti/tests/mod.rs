//! NIfTI files made byte by byte, so that reading does not depend on our writing.
#![allow(clippy::unwrap_used)]

mod hostile;
mod orders;
mod pairs;
mod writing;

use super::*;
use crate::volume::{Rescale, Voxels};
use flate2::Compression;
use flate2::write::GzEncoder;
use glam::{DAffine3, DMat3, DVec3};
use std::io::Write as _;
use std::sync::Mutex;

const FIRST_OFFSET: usize = 352;

/// What `bytes` as a single file hold.
fn parse(bytes: &[u8], frame: usize) -> Result<Parsed, Fault> {
    let header = Header::read(&mut Stream::new(bytes))?;
    super::parse(&header, bytes, bytes.len(), &ReadOptions { frame, ..ReadOptions::default() }, &Progress::default())
}

fn open(path: &Path) -> Result<Scan, OpenError> {
    read(&Source::File(path.to_owned()), &ReadOptions::default(), &Progress::default())
}

/// A NIfTI-1 file in the making, in either byte order.
#[derive(Clone)]
struct Raw {
    big: bool,
    bytes: Vec<u8>,
}

impl Raw {
    /// 3 × 2 × 2 voxels, sform: 2 mm to the right, 3 mm to the front, 4 mm up, origin (-10, -20, -30).
    fn new(big: bool, datatype: i16) -> Self {
        let mut raw = Self { big, bytes: vec![0; FIRST_OFFSET] };
        raw.put(0, 348_i32.to_le_bytes());
        for (n, dim) in [3_i16, 3, 2, 2, 1, 1, 1, 1].into_iter().enumerate() {
            raw.i16(40 + 2 * n, dim);
        }
        raw.i16(70, datatype);
        raw.f32(108, 352.0);
        raw.i16(254, 1);
        for (row, values) in [[2.0, 0.0, 0.0, -10.0], [0.0, 3.0, 0.0, -20.0], [0.0, 0.0, 4.0, -30.0]].iter().enumerate()
        {
            raw.floats(280 + 16 * row, values);
        }
        raw.bytes[344..348].copy_from_slice(b"n+1\0");
        raw
    }

    /// Twelve `i16` voxels, 0 to 11.
    fn counting() -> Self {
        (0..12_i16).fold(Self::new(false, 4), |raw, v| raw.voxel(v.to_le_bytes()))
    }

    fn ordered<const N: usize>(&self, mut little: [u8; N]) -> [u8; N] {
        if self.big {
            little.reverse();
        }
        little
    }

    fn put<const N: usize>(&mut self, at: usize, little: [u8; N]) {
        let bytes = self.ordered(little);
        self.bytes[at..at + N].copy_from_slice(&bytes);
    }

    fn i16(&mut self, at: usize, value: i16) {
        self.put(at, value.to_le_bytes());
    }

    fn f32(&mut self, at: usize, value: f32) {
        self.put(at, value.to_le_bytes());
    }

    fn floats(&mut self, at: usize, values: &[f32]) {
        for (n, &value) in values.iter().enumerate() {
            self.f32(at + 4 * n, value);
        }
    }

    fn voxel<const N: usize>(mut self, little: [u8; N]) -> Self {
        let bytes = self.ordered(little);
        self.bytes.extend(bytes);
        self
    }

    fn parse(&self) -> Result<Parsed, Fault> {
        parse(&self.bytes, 0)
    }

    fn codes(&self) -> Vec<&'static str> {
        self.parse().unwrap().checks.iter().map(|c| c.code).collect()
    }

    fn affine(&self) -> DAffine3 {
        self.parse().unwrap().volume.grid.world_from_voxel
    }
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn matrix(columns: [[f64; 3]; 4]) -> DAffine3 {
    let [i, j, k, origin] = columns.map(DVec3::from_array);
    DAffine3 { matrix3: DMat3::from_cols(i, j, k), translation: origin }
}

fn close(a: DAffine3, b: DAffine3, mm: f64) -> bool {
    a.abs_diff_eq(b, mm)
}

#[test]
fn every_type_is_read_in_both_byte_orders() {
    macro_rules! check {
        ($code:literal, $variant:ident, $type:ty) => {
            for big in [false, true] {
                let values: Vec<$type> =
                    (0..12_u8).map(|v| <$type>::MAX / 2 as $type - <$type>::from(v as i8)).collect();
                let raw = values.iter().fold(Raw::new(big, $code), |raw, v| raw.voxel(v.to_le_bytes()));
                let volume = raw.parse().unwrap().volume;
                assert_eq!(volume.voxels, Voxels::$variant(values), "type {} big-endian {big}", $code);
                assert_eq!(volume.grid.world_from_voxel.transform_point3(DVec3::ONE), DVec3::new(-8.0, -17.0, -26.0));
            }
        };
    }
    check!(4, I16, i16);
    check!(8, I32, i32);
    check!(16, F32, f32);
    check!(64, F64, f64);
    check!(1024, I64, i64);
    check!(256, I8, i8);
    for big in [false, true] {
        let unsigned = |code| Raw::new(big, code);
        let bytes = (0..12_u8).fold(unsigned(2), |raw, v| raw.voxel([200 + v]));
        assert_eq!(bytes.parse().unwrap().volume.voxels, Voxels::U8((200..212).collect()));
        let words = (0..12_u16).fold(unsigned(512), |raw, v| raw.voxel((60000 + v).to_le_bytes()));
        assert_eq!(words.parse().unwrap().volume.voxels, Voxels::U16((60000..60012).collect()));
        let longs = (0..12_u32).fold(unsigned(768), |raw, v| raw.voxel((4_000_000_000 + v).to_le_bytes()));
        assert_eq!(longs.parse().unwrap().volume.voxels, Voxels::U32((4_000_000_000..4_000_000_012).collect()));
        let huge = (0..12_u64).fold(unsigned(1280), |raw, v| raw.voxel((u64::MAX - v).to_le_bytes()));
        assert_eq!(huge.parse().unwrap().volume.voxels, Voxels::U64((0..12).map(|v| u64::MAX - v).collect()));
    }
}

#[test]
fn i_is_stored_fastest_and_slope_and_intercept_apply() {
    let mut raw = Raw::counting();
    let at = |raw: &Raw, v| raw.parse().unwrap().volume.at(v).unwrap();
    assert_eq!((at(&raw, [1, 0, 0]), at(&raw, [0, 1, 0]), at(&raw, [0, 0, 1])), (1.0, 3.0, 6.0));
    raw.floats(112, &[0.5, -100.0]);
    assert_eq!(at(&raw, [0, 0, 1]), -97.0);
    raw.floats(112, &[0.0, -100.0]);
    assert_eq!(at(&raw, [0, 0, 1]), 6.0, "slope 0 is no scaling");
    raw.floats(112, &[f32::NAN, -100.0]);
    assert_eq!(at(&raw, [0, 0, 1]), 6.0);
    raw.floats(112, &[2.0, f32::INFINITY]);
    assert_eq!(at(&raw, [0, 0, 1]), 12.0);
}

#[test]
fn sform_goes_before_qform_and_qform_before_spacing() {
    let sform = matrix([[2., 0., 0.], [0., 3., 0.], [0., 0., 4.], [-10., -20., -30.]]);
    let mut raw = Raw::counting();
    assert_eq!(raw.affine(), sform);
    assert!(raw.codes().is_empty());

    // A half turn about z, mirrored third axis, 2 × 3 × 4 mm.
    raw.i16(252, 1);
    raw.floats(76, &[-1.0, 2.0, 3.0, 4.0]);
    raw.floats(256, &[0.0, 0.0, 1.0, 7.0, 8.0, 9.0]);
    assert_eq!(raw.affine(), sform);
    let message = raw.parse().unwrap().checks.pop().unwrap().message;
    assert!(message.contains("180.00°") && message.contains("mirror"), "{message}");

    raw.i16(254, 0);
    let qform = matrix([[-2., 0., 0.], [0., -3., 0.], [0., 0., -4.], [7., 8., 9.]]);
    assert!(close(raw.affine(), qform, 1e-12), "{:?}", raw.affine());
    assert!(raw.codes().is_empty());

    raw.f32(76, 0.0);
    assert_eq!(raw.affine().matrix3.z_axis.z, 4.0, "any qfac but a negative one is 1");

    raw.i16(252, 0);
    assert_eq!(raw.affine(), matrix([[2., 0., 0.], [0., 3., 0.], [0., 0., 4.], [0., 0., 0.]]));
    assert_eq!(raw.codes(), ["no-orientation"]);
}

#[test]
fn a_difference_of_sform_and_qform_is_told_in_mm_and_degrees() {
    let mut raw = Raw::counting();
    raw.i16(252, 1);
    raw.floats(76, &[1.0, 2.0, 3.0, 4.0]);
    raw.floats(256, &[0.0, 0.0, 0.0, -10.0, -20.0, -30.0]);
    assert!(raw.codes().is_empty(), "both say the same");
    raw.f32(268, -7.5);
    assert_eq!(
        raw.parse().unwrap().checks[0].message,
        "The two positions stored in the file, sform and qform, differ by up to 2.50 mm and 0.00°; the sform is used."
    );
    raw.f32(268, -10.0);
    raw.f32(264, (5.0_f32).to_radians().sin());
    assert!(raw.parse().unwrap().checks[0].message.contains("and 10.00°"));
}

#[test]
fn a_form_that_is_no_matrix_is_left_out_and_said() {
    let mut raw = Raw::counting();
    raw.i16(252, 2);
    raw.floats(76, &[1.0, 5.0, 5.0, 5.0]);
    raw.floats(280, &[0.0; 4]);
    assert_eq!(raw.affine().matrix3, DMat3::from_diagonal(DVec3::splat(5.0)));
    assert_eq!(raw.codes(), ["unusable-form"]);
    raw.f32(256, f32::NAN);
    assert_eq!(raw.codes(), ["unusable-form", "unusable-form", "no-orientation"]);
}

#[test]
fn units_frames_windows_and_trailing_dimensions() {
    let mut raw = Raw::counting();
    raw.bytes[123] = 1;
    assert_eq!(raw.affine().translation, DVec3::new(-10_000., -20_000., -30_000.));
    raw.bytes[123] = 2;
    raw.floats(124, &[80.0, 20.0]);
    assert_eq!(raw.parse().unwrap().windows, [Window::between(20.0, 80.0)]);
    raw.i16(40, 7);
    assert!(raw.codes().is_empty(), "dimensions of 1 are none");
    raw.i16(50, 2);
    (12..24_i16).for_each(|v| raw.bytes.extend(v.to_le_bytes()));
    assert!(raw.codes().is_empty());
    assert_eq!(raw.parse().unwrap().volume.voxels, Voxels::I16((0..12).collect()));
}

#[test]
fn what_cannot_be_opened_is_named() {
    let said = |raw: &Raw| format!("{:?}", raw.parse().map(|p| p.volume).unwrap_err());
    assert!(said(&Raw::new(false, 128)).contains("colour (RGB)"));
    assert!(said(&Raw::new(true, 32)).contains("complex"));
    assert!(said(&Raw::new(false, 5)).contains("5 is not a NIfTI data type"));
    assert!(said(&Raw::new(false, 1)).contains("single bits"));
    assert!(said(&Raw::new(false, 1536)).contains("128-bit"));
    assert!(
        said(&Raw::new(false, 4)).contains("24 bytes of voxels are announced from byte 352 on, but the file has 352")
    );
    let changed = |change: &dyn Fn(&mut Raw)| {
        let mut raw = Raw::counting();
        change(&mut raw);
        said(&raw)
    };
    assert!(changed(&|r| r.bytes[4..8].copy_from_slice(b"n+2\0")).contains("ends too early"));
    assert!(changed(&|r| r.bytes[0] = 0).contains("gives its own size as 256"));
    assert!(changed(&|r| r.bytes[..4].fill(0)).contains("gives its own size as 0"));
    assert!(changed(&|r| r.i16(42, -5)).contains("-5 voxels"));
    assert!(changed(&|r| r.i16(42, 0)).contains("0 voxels"));
    assert!(changed(&|r| r.i16(40, 0)).contains("0 dimensions"));
    for offset in [f32::NAN, -352.0, 100.0, f32::INFINITY] {
        assert!(changed(&|r| r.f32(108, offset)).contains(&format!("start at byte {offset}")));
    }
    assert!(changed(&|r| r.f32(108, 1e9)).contains("from byte 1000000000 on, but the file has 376"));
    // 32767³ voxels of 2 bytes are refused before anything is allocated.
    assert!(changed(&|r| (42..48).step_by(2).for_each(|at| r.i16(at, i16::MAX))).contains("TooLarge"));
    assert!(changed(&|r| (42..46).step_by(2).for_each(|at| r.i16(at, i16::MAX))).contains("announced"));
}

#[test]
fn any_volume_of_four_or_five_dimensions_can_be_chosen() {
    let mut raw = Raw::counting();
    raw.i16(40, 5);
    raw.i16(48, 2);
    raw.i16(50, 3);
    raw.bytes.truncate(FIRST_OFFSET);
    (0..72_i16).for_each(|v| raw.bytes.extend(v.to_le_bytes()));
    for bytes in [raw.bytes.clone(), gzip(&raw.bytes)] {
        for frame in 0..6 {
            let parsed = parse(&bytes, frame).unwrap();
            let first = 12 * frame as i16;
            assert_eq!((parsed.volume.voxels, parsed.frames), (Voxels::I16((first..first + 12).collect()), 6));
        }
        let error = parse(&bytes, 6).map(|p| p.frames).unwrap_err().at(Path::new("a.nii"));
        assert_eq!(error.to_string(), "there is no volume 7; choose one from 1 to 6: a.nii");
        assert!(matches!(parse(&bytes, usize::MAX), Err(Fault::NoFrame { .. })));
    }
}

#[test]
fn extensions_behind_the_header_are_passed_over() {
    let mut raw = Raw::counting();
    raw.f32(108, 384.0);
    raw.bytes.splice(FIRST_OFFSET..FIRST_OFFSET, [0xAA; 32]);
    assert_eq!(raw.parse().unwrap().volume.voxels, Voxels::I16((0..12).collect()));
}

#[test]
fn voxels_that_are_no_number_stay() {
    let raw = (0..12_u8)
        .fold(Raw::new(true, 16), |raw, v| raw.voxel(if v == 3 { f32::NAN } else { f32::from(v) }.to_le_bytes()));
    let volume = raw.parse().unwrap().volume;
    assert!(volume.at([0, 1, 0]).unwrap().is_nan());
    assert_eq!((volume.statistics().min, volume.statistics().max), (0.0, 11.0));
}

#[test]
fn the_middle_slice_is_handed_out_before_the_rest_has_come() {
    let mut raw = Raw::new(false, 4);
    (42..48).step_by(2).zip([256_i16, 256, 129]).for_each(|(at, side)| raw.i16(at, side));
    // Slice k holds the number k; the file ends behind the middle one.
    let cut = gzip(&[raw.bytes.clone(), (0..66_i16).flat_map(|k| k.to_le_bytes().repeat(1 << 16)).collect()].concat());
    let seen = Mutex::new(Vec::new());
    let show = |preview: crate::io::Preview| seen.lock().unwrap().push(preview);
    let options = ReadOptions { preview: Some(&show), ..ReadOptions::default() };
    let header = Header::read(&mut Stream::new(cut.as_slice())).unwrap();
    assert!(super::parse(&header, cut.as_slice(), cut.len(), &options, &Progress::default()).is_err());
    let seen = seen.into_inner().unwrap();
    assert_eq!((seen.len(), seen[0].size, seen[0].spacing_mm), (1, [256, 256], [2.0, 3.0]));
}
