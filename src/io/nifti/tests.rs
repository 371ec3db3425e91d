//! NIfTI files made byte by byte, so that reading does not depend on our writing.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::space::Grid;
use flate2::Compression;
use flate2::write::GzEncoder;
use glam::{DAffine3, DMat3, DVec3};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::fs;
use std::io::Write as _;

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
        parse(&self.bytes, &Progress::default())
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
    assert_eq!(raw.codes(), ["first-frame"]);
    assert_eq!(raw.parse().unwrap().volume.voxels, Voxels::I16((0..12).collect()));
}

#[test]
fn what_cannot_be_opened_is_named() {
    let said = |raw: &Raw| format!("{:?}", raw.parse().map(|p| p.volume).unwrap_err());
    assert!(said(&Raw::new(false, 128)).contains("colour (RGB)"));
    assert!(said(&Raw::new(true, 32)).contains("complex"));
    assert!(said(&Raw::new(false, 5)).contains("5 is not a NIfTI data type"));
    assert!(said(&Raw::new(false, 4)).contains("24 bytes of voxels are announced, but the file has 352"));
    let changed = |change: &dyn Fn(&mut Raw)| {
        let mut raw = Raw::counting();
        change(&mut raw);
        said(&raw)
    };
    assert!(changed(&|r| r.bytes[344..347].copy_from_slice(b"ni1")).contains("pair of header and image"));
    assert!(changed(&|r| r.bytes[4..8].copy_from_slice(b"n+2\0")).contains("NIfTI-2"));
    assert!(changed(&|r| r.i16(42, -5)).contains("-5 voxels"));
    assert!(changed(&|r| r.i16(42, 0)).contains("0 voxels"));
    assert!(changed(&|r| r.i16(40, 0)).contains("0 dimensions"));
    assert!(changed(&|r| r.f32(108, f32::NAN)).contains("start at byte NaN"));
    // 32767³ voxels of 2 bytes are refused before anything is allocated.
    assert!(changed(&|r| (42..48).step_by(2).for_each(|at| r.i16(at, i16::MAX))).contains("TooLarge"));
    assert!(changed(&|r| (42..46).step_by(2).for_each(|at| r.i16(at, i16::MAX))).contains("announced"));
}

#[test]
fn all_48_axis_orders_survive_writing_and_reading_as_sform_and_as_qform() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("turned.nii");
    let size = [4, 3, 2];
    let values: Vec<u16> = (0..24).map(|v| v * 2000).collect();
    for [a, b, c] in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for signs in 0..8_u8 {
            let sign = |n: u8| if signs >> n & 1 == 1 { -1.0 } else { 1.0 };
            let axes = [DVec3::AXES[a] * 0.5 * sign(0), DVec3::AXES[b] * 0.9 * sign(1), DVec3::AXES[c] * 2.0 * sign(2)];
            let affine = DAffine3 {
                matrix3: DMat3::from_cols(axes[0], axes[1], axes[2]),
                translation: DVec3::new(-80.25, 70.5, 33.125),
            };
            let grid = Grid::new(size, affine).unwrap();
            let rescale = Rescale { slope: 0.25, intercept: -1024.0 };
            let volume = Volume { grid, voxels: Voxels::U16(values.clone()), rescale, unit: Unit::Arbitrary };
            write(&path, &volume).unwrap();
            let scan = crate::io::open(&path, &Progress::default()).unwrap();
            assert!(scan.checks.is_empty(), "{:?}", scan.checks);
            assert!(close(scan.volume.grid.world_from_voxel, affine, 1e-4));
            assert_eq!((&scan.volume.voxels, scan.volume.rescale), (&volume.voxels, rescale));

            let mut bytes = fs::read(&path).unwrap();
            bytes[254] = 0; // sform_code
            let by_qform = parse(&bytes, &Progress::default()).unwrap();
            assert!(by_qform.checks.is_empty(), "the qform is there");
            assert!(close(by_qform.volume.grid.world_from_voxel, affine, 1e-4), "{affine:?}");
        }
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no part is left behind");
}

#[test]
fn an_oblique_grid_survives_and_a_sheared_one_is_in_the_sform_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("oblique.NII.GZ");
    let turn = DMat3::from_rotation_z(0.3) * DMat3::from_rotation_x(-0.4) * DMat3::from_rotation_y(2.9);
    let mut affine = DAffine3 {
        matrix3: turn * DMat3::from_diagonal(DVec3::new(0.8, 0.8, -1.5)),
        translation: DVec3::new(90.0, -110.0, 42.0),
    };
    let volume_on = |affine| Volume::from_f32(Grid::new([5, 6, 7], affine).unwrap(), vec![1.5; 210], Unit::Arbitrary);
    write(&path, &volume_on(affine)).unwrap();
    let scan = crate::io::open(&path, &Progress::default()).unwrap();
    assert!(close(scan.volume.grid.world_from_voxel, affine, 1e-4) && scan.checks.is_empty(), "{:?}", scan.checks);
    assert_eq!(scan.description, "oblique");

    affine.matrix3.z_axis += DVec3::Y * 0.5;
    write(&path, &volume_on(affine)).unwrap();
    let scan = crate::io::open(&path, &Progress::default()).unwrap();
    assert!(close(scan.volume.grid.world_from_voxel, affine, 1e-4) && scan.checks.is_empty(), "{:?}", scan.checks);
}

#[test]
fn a_failed_write_leaves_the_old_file_and_no_part() {
    let dir = tempfile::tempdir().unwrap();
    let good = Volume::from_f32(Grid::centred([2, 2, 2], 1.0, DVec3::ZERO), vec![0.0; 8], Unit::Score);
    let path = dir.path().join("map.nii.gz");
    write(&path, &good).unwrap();
    let before = fs::read(&path).unwrap();

    let mut torn = good.clone();
    torn.voxels = Voxels::F32(vec![0.0; 7]);
    assert!(write(&path, &torn).unwrap_err().to_string().contains("7 voxels for a grid of 8"));
    assert_eq!(fs::read(&path).unwrap(), before);

    let long = Volume::from_f32(Grid::centred([40_000, 1, 1], 1.0, DVec3::ZERO), vec![0.0; 40_000], Unit::Score);
    assert!(write(&path, &long).unwrap_err().to_string().contains("a side of 40000 voxels"));
    assert!(matches!(write(&dir.path().join("map.nrrd"), &good), Err(crate::io::WriteError::Name { .. })));
    // A folder cannot be replaced by a file: the last step fails.
    let folder = dir.path().join("folder.nii");
    fs::create_dir(&folder).unwrap();
    assert!(matches!(write(&folder, &good), Err(crate::io::WriteError::Io { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}

#[test]
fn no_truncation_and_no_flipped_byte_makes_it_panic() {
    let whole = Raw::counting().bytes;
    let packed = gzip(&whole);
    let progress = Progress::default();
    assert_eq!(parse(&packed, &progress).unwrap().volume, parse(&whole, &progress).unwrap().volume);
    for bytes in [&whole, &packed] {
        for length in 0..bytes.len() {
            assert!(parse(&bytes[..length], &progress).is_err(), "cut to {length} of {}", bytes.len());
        }
    }
    let mut random = ChaCha8Rng::seed_from_u64(1);
    for round in 0..2000 {
        let mut bytes = if round % 4 == 0 { packed.clone() } else { whole.clone() };
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(0..bytes.len());
            bytes[at] = random.random();
        }
        if let Ok(parsed) = parse(&bytes, &progress) {
            assert_eq!(parsed.volume.voxels.len(), parsed.volume.grid.count());
        }
    }
}
