//! Every way in which axes can lie survives: written by this program as NIfTI-1, turned here into the other byte order
//! and into NIfTI-2, and read back.

use super::*;
use crate::space::Grid;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::fs;

/// Offset, width and number of the fields of a NIfTI-1 header that are numbers.
const FIELDS_1: [(usize, usize, usize); 14] = [
    (0, 4, 1),
    (32, 4, 1),
    (36, 2, 1),
    (40, 2, 8),
    (56, 4, 3),
    (68, 2, 4),
    (76, 4, 8),
    (108, 4, 3),
    (120, 2, 1),
    (124, 4, 4),
    (140, 4, 2),
    (252, 2, 2),
    (256, 4, 6),
    (280, 4, 12),
];
/// The same fields of NIfTI-2, as far as they are used.
const FIELDS_2: [(usize, usize, usize); 13] = [
    (0, 4, 1),
    (12, 2, 2),
    (16, 8, 8),
    (80, 8, 3),
    (104, 8, 8),
    (168, 8, 1),
    (176, 8, 6),
    (224, 8, 2),
    (344, 4, 2),
    (352, 8, 6),
    (400, 8, 12),
    (496, 4, 1),
    (500, 4, 2),
];

/// The same file in the other byte order. Voxels are 2 bytes wide and begin at `offset`.
fn swapped(file: &[u8], fields: &[(usize, usize, usize)], offset: usize) -> Vec<u8> {
    let mut bytes = file.to_vec();
    for &(at, width, count) in fields {
        bytes[at..at + width * count].chunks_exact_mut(width).for_each(<[u8]>::reverse);
    }
    bytes[offset..].chunks_exact_mut(2).for_each(<[u8]>::reverse);
    bytes
}

/// A NIfTI-1 file of this machine's byte order as NIfTI-2.
fn as_nifti_2(file: &[u8]) -> Vec<u8> {
    let i16_at = |at: usize| i16::from_ne_bytes([file[at], file[at + 1]]);
    let f32_at = |at: usize| f64::from(f32::from_ne_bytes(*file[at..].first_chunk().unwrap()));
    let mut bytes = vec![0_u8; 544];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    put(0, &540_i32.to_ne_bytes());
    put(4, b"n+2\0\r\n\x1a\n");
    put(12, &file[70..74]);
    (0..8).for_each(|n| put(16 + 8 * n, &i64::from(i16_at(40 + 2 * n)).to_ne_bytes()));
    (0..8).for_each(|n| put(104 + 8 * n, &f32_at(76 + 4 * n).to_ne_bytes()));
    put(168, &544_i64.to_ne_bytes());
    (0..2).for_each(|n| put(176 + 8 * n, &f32_at(112 + 4 * n).to_ne_bytes()));
    (0..2).for_each(|n| put(192 + 8 * n, &f32_at(124 + 4 * n).to_ne_bytes()));
    (0..2).for_each(|n| put(344 + 4 * n, &i32::from(i16_at(252 + 2 * n)).to_ne_bytes()));
    (0..6).for_each(|n| put(352 + 8 * n, &f32_at(256 + 4 * n).to_ne_bytes()));
    (0..12).for_each(|n| put(400 + 8 * n, &f32_at(280 + 4 * n).to_ne_bytes()));
    put(500, &i32::from(file[123]).to_ne_bytes());
    bytes.extend(&file[FIRST_OFFSET..]);
    bytes
}

/// A NIfTI-1 file as NIfTI-1 and NIfTI-2 in both byte orders.
pub(super) fn variants(file: &[u8]) -> [Vec<u8>; 4] {
    let second = as_nifti_2(file);
    let swapped_1 = swapped(file, &FIELDS_1, FIRST_OFFSET);
    let swapped_2 = swapped(&second, &FIELDS_2, 544);
    [file.to_vec(), swapped_1, second, swapped_2]
}

#[test]
fn all_48_axis_orders_survive_straight_oblique_and_sheared_in_both_versions_and_byte_orders() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("turned.nii");
    let values: Vec<u16> = (0..24).map(|v| v * 2000 + 1).collect();
    let rescale = Rescale { slope: 0.25, intercept: -1024.0 };
    let mut random = ChaCha8Rng::seed_from_u64(48);
    for order in [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]] {
        for signs in 0..8_u8 {
            let sign = |n: u8| if signs >> n & 1 == 1 { -1.0 } else { 1.0 };
            let [a, b, c] = order.map(|axis: usize| DVec3::AXES[axis]);
            let straight = DMat3::from_cols(a * 0.5 * sign(0), b * 0.9 * sign(1), c * 2.0 * sign(2));
            let mut angle = || random.random_range(-0.6..0.6);
            let turn =
                DMat3::from_rotation_z(angle()) * DMat3::from_rotation_y(angle()) * DMat3::from_rotation_x(angle());
            let mut sheared = turn * straight;
            sheared.z_axis += DVec3::new(angle(), angle(), angle());
            for (matrix3, has_qform) in [(straight, true), (turn * straight, true), (sheared, false)] {
                let affine = DAffine3 { matrix3, translation: DVec3::new(-80.25, 70.5 + angle(), 33.125) };
                let grid = Grid::new([4, 3, 2], affine).unwrap();
                let volume = Volume { grid, voxels: Voxels::U16(values.clone()), rescale, unit: Unit::Arbitrary };
                write(&path, &volume).unwrap();
                let written = fs::read(&path).unwrap();
                let mut by_qform = written.clone();
                by_qform[254] = 0; // sform_code
                let files = [Some(written), has_qform.then_some(by_qform)];
                for bytes in files.iter().flatten().flat_map(|file| variants(file)) {
                    let parsed = parse(&bytes, 0).unwrap();
                    assert!(parsed.checks.is_empty(), "{:?}", parsed.checks);
                    let read = parsed.volume;
                    assert!(close(read.grid.world_from_voxel, affine, 1e-4), "{affine:?} {:?}", read.grid);
                    assert_eq!((&read.voxels, read.rescale), (&volume.voxels, rescale));
                }
            }
        }
    }
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "no part is left behind");
}

#[test]
fn nifti_2_has_its_own_sizes_and_a_mark_that_tells_of_copying_as_text() {
    let [_, _, second, _] = variants(&Raw::counting().bytes);
    let said = |at: usize, value: &[u8]| {
        let mut bytes = second.clone();
        bytes[at..at + value.len()].copy_from_slice(value);
        format!("{:?}", parse(&bytes, 0).map(|p| p.frames).unwrap_err())
    };
    assert!(said(8, b"\n\x1a\n\0").contains("copied as text"));
    assert!(said(0, &7_i32.to_ne_bytes()).contains("its own size as 7"));
    assert!(said(24, &i64::MAX.to_ne_bytes()).contains("TooLarge"));
    assert!(said(24, &(-1_i64).to_ne_bytes()).contains("-1 voxels"));
    assert!(said(168, &i64::MIN.to_ne_bytes()).contains("start at byte -9"));
    assert!(said(168, &500_i64.to_ne_bytes()).contains("start at byte 500"));
    let frames = [7_i64, 3, 2, 2, i64::MAX, i64::MAX, 1, 1].map(i64::to_ne_bytes).concat();
    assert!(said(16, &frames).contains("TooLarge"), "the number of volumes overflows");
    for length in 0..second.len() {
        assert!(parse(&second[..length], 0).is_err(), "cut to {length}");
    }
}
