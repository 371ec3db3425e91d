//! Broken and lying files give an error, soon and without much memory.

use super::orders::variants;
use super::*;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::time::Instant;

#[test]
fn no_truncation_and_no_flipped_byte_makes_it_panic() {
    let whole = Raw::counting().bytes;
    let packed = gzip(&whole);
    assert_eq!(parse(&packed, 0).unwrap().volume, parse(&whole, 0).unwrap().volume);
    for bytes in [&whole, &packed] {
        for length in 0..bytes.len() {
            assert!(parse(&bytes[..length], 0).is_err(), "cut to {length} of {}", bytes.len());
        }
    }
    let mut seeds = variants(&whole).to_vec();
    seeds.push(packed);
    let mut random = ChaCha8Rng::seed_from_u64(1);
    let start = Instant::now();
    for round in 0..20_000 {
        let mut bytes = seeds[round % seeds.len()].clone();
        for _ in 0..random.random_range(1..6) {
            let at = random.random_range(0..bytes.len());
            bytes[at] = *[random.random(), 0, 0x7F, 0x80, 0xFF].get(random.random_range(0..5)).unwrap();
        }
        if let Ok(parsed) = parse(&bytes, round % 2) {
            assert_eq!(parsed.volume.voxels.len(), parsed.volume.grid.count());
        }
    }
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn a_packed_file_that_announces_too_much_is_refused_or_ends_early() {
    let mut raw = Raw::counting();
    (42..48).step_by(2).for_each(|at| raw.i16(at, 20_000));
    let said = |bytes: &[u8]| format!("{:?}", parse(bytes, 0).map(|p| p.frames).unwrap_err());
    // 16 TB are more than deflate can have packed into so little.
    assert!(said(&gzip(&raw.bytes)).contains("TooLarge") || said(&gzip(&raw.bytes)).contains("announced"));
    // A bomb whose length is plausible inflates until it ends.
    (42..48).step_by(2).zip([4096, 4096, 2]).for_each(|(at, side)| raw.i16(at, side));
    raw.bytes.resize(40 << 20, 0);
    let bomb = gzip(&raw.bytes);
    assert!(bomb.len() < 1 << 20);
    assert!(said(&bomb).contains("ends too early") || said(&bomb).contains("announced"));
}

#[test]
fn a_broken_checksum_is_seen() {
    let mut packed = gzip(&Raw::counting().bytes);
    let at = packed.len() - 5;
    packed[at - 2] ^= 1;
    assert!(matches!(parse(&packed, 0), Err(Fault::Damaged(_))));
}

#[test]
fn a_cancelled_read_stops_while_it_passes_over_other_volumes() {
    let progress = Progress::default();
    progress.cancel();
    let packed = gzip(&vec![0; 1 << 20]);
    assert!(matches!(Stream::new(packed.as_slice()).skip(1 << 20, &progress), Err(Fault::Cancelled(_))));
}
