//! Pictures made here with the crates' encoders; sides, colours, depths and everything broken.
#![allow(clippy::unwrap_used)]

use super::*;
use crate::io::open;
use crate::volume::Voxels;
use libjpeg_turbo_rs::{PixelFormat, Subsampling, compress};
use png::{BitDepth, ColorType};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::fs;

fn png(size: [u32; 2], colour: ColorType, depth: BitDepth, palette: &[u8], data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, size[0], size[1]);
    encoder.set_color(colour);
    encoder.set_depth(depth);
    if !palette.is_empty() {
        encoder.set_palette(palette);
    }
    encoder.write_header().unwrap().write_image_data(data).unwrap();
    bytes
}

fn voxels(bytes: &[u8]) -> Voxels {
    decode::decode(bytes).unwrap().voxels
}

#[test]
fn a_picture_hangs_like_a_radiograph_and_says_what_it_does_not_know() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("chest.png");
    fs::write(&path, png([3, 2], ColorType::Grayscale, BitDepth::Eight, &[], &[10, 20, 30, 40, 50, 60])).unwrap();
    let scan = open(&path, &Progress::default()).unwrap();
    let volume = &scan.volume;
    assert_eq!((volume.grid.size, volume.grid.axis_letters()), ([3, 2, 1], ['L', 'I', 'P']));
    // First column on the patient's right, first row on top.
    assert_eq!(volume.at_world(DVec3::new(1.0, 0.0, 0.5)), Some(10.0));
    assert_eq!(volume.at_world(DVec3::new(-1.0, 0.0, -0.5)), Some(60.0));
    assert!(volume.grid.world_from_voxel.matrix3.determinant() > 0.0, "nothing is mirrored");
    assert_eq!(scan.checks.iter().map(|c| c.code).collect::<Vec<_>>(), ["no-orientation", "no-spacing"]);
    assert_eq!((scan.format, scan.modality.as_str(), scan.description.as_str()), (Format::Picture, "unknown", "chest"));
    let series = series(&Source::File(path)).unwrap();
    assert_eq!((series.size, series.role), ([3, 2, 1], Role::Picture));
}

#[test]
fn every_kind_of_png_is_read() {
    use BitDepth::{Eight, Four, One, Sixteen, Two};
    use ColorType::{Grayscale, GrayscaleAlpha, Indexed, Rgb, Rgba};
    let grey = |depth, data: &[u8]| voxels(&png([2, 1], Grayscale, depth, &[], data));
    assert_eq!(grey(One, &[0b0100_0000]), Voxels::U8(vec![0, 255]));
    assert_eq!(grey(Two, &[0b0110_0000]), Voxels::U8(vec![85, 170]));
    assert_eq!(grey(Four, &[0x1F]), Voxels::U8(vec![17, 255]));
    assert_eq!(grey(Sixteen, &[0x12, 0x34, 0xFF, 0xFE]), Voxels::U16(vec![0x1234, 0xFFFE]));
    let of = |colour, depth, data: &[u8]| {
        let decoded = decode::decode(&png([2, 1], colour, depth, &[], data)).unwrap();
        (decoded.voxels, decoded.checks.len())
    };
    assert_eq!(of(GrayscaleAlpha, Eight, &[7, 0, 9, 255]), (Voxels::U8(vec![7, 9]), 0));
    assert_eq!(of(Rgb, Eight, &[200, 100, 50, 255, 255, 255]), (Voxels::U8(vec![124, 255]), 1));
    assert_eq!(of(Rgba, Eight, &[8, 8, 8, 0, 9, 9, 9, 255]), (Voxels::U8(vec![8, 9]), 0), "grey stored as colour");
    let wide = [[0xC3, 0x50].repeat(3), vec![0xFF, 0xFF, 0, 0, 0, 0]].concat();
    assert_eq!(of(Rgb, Sixteen, &wide), (Voxels::U16(vec![50_000, 19_595]), 1));
    assert_eq!(voxels(&png([2, 1], Indexed, One, &[1, 1, 1, 200, 200, 200], &[0b0100_0000])), Voxels::U8(vec![1, 200]));
}

#[test]
fn jpeg_is_read_in_grey() {
    let near = |bytes: &[u8], expected: u8| {
        let Voxels::U8(values) = voxels(bytes) else { panic!("8 bits") };
        assert!(values.len() == 24 * 16 && values.iter().all(|v| v.abs_diff(expected) <= 1), "{values:?}");
    };
    let grey = compress(&[77; 24 * 16], 24, 16, PixelFormat::Grayscale, 95, Subsampling::S444).unwrap();
    near(&grey, 77);
    assert!(decode::decode(&grey).unwrap().checks.is_empty());
    let colour = compress(&[200, 100, 50].repeat(24 * 16), 24, 16, PixelFormat::Rgb, 95, Subsampling::S420).unwrap();
    near(&colour, 124);
    assert_eq!(decode::decode(&colour).unwrap().checks[0].code, "colour-as-grey");

    // An EXIF segment with orientation 6 behind the start of image.
    let mut turned = grey[..2].to_vec();
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    turned.extend([0xFF, 0xE1, 0, exif.len() as u8 + 2]);
    turned.extend(exif);
    turned.extend(&grey[2..]);
    assert!(decode::decode(&turned).unwrap().checks[0].message.contains("EXIF orientation 6"));
}

#[test]
fn broken_pictures_and_pictures_too_large_give_errors() {
    let small = png([20, 20], ColorType::Rgba, BitDepth::Eight, &[], &[99; 1600]);
    let jpeg = compress(&[77; 24 * 16 * 3], 24, 16, PixelFormat::Rgb, 90, Subsampling::S420).unwrap();
    let sized = |columns: u32, rows: u32| {
        let mut bytes = small.clone();
        bytes[16..24].copy_from_slice(&[columns.to_be_bytes(), rows.to_be_bytes()].concat());
        let mut sum = flate2::Crc::new();
        sum.update(&bytes[12..29]);
        bytes[29..33].copy_from_slice(&sum.sum().to_be_bytes());
        decode::decode(&bytes)
    };
    assert!(matches!(sized(16_385, 20), Err(Fault::TooLarge([16_385, 20, 1]))));
    assert!(matches!(sized(16_384, 16_384), Err(Fault::Damaged(reason)) if reason.contains("too short")));

    let mut random = ChaCha8Rng::seed_from_u64(2);
    for seed in [&small, &jpeg] {
        for length in 0..seed.len() - 2 {
            let _ = decode::decode(&seed[..length]);
        }
        for _ in 0..3000 {
            let mut bytes = seed.clone();
            for _ in 0..random.random_range(1..5) {
                let at = random.random_range(0..bytes.len());
                bytes[at] = random.random();
            }
            if let Ok(decoded) = decode::decode(&bytes) {
                assert_eq!(decoded.voxels.len(), decoded.size[0] * decoded.size[1]);
            }
        }
    }
}
