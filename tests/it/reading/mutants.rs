//! Damaged files by the thousand. Each is read or refused: no panic, at most five seconds, and no more memory than its
//! size explains. They are read in a process of their own, whose memory is nobody else's and whose death is survived.
//!
//! `ANTRUM_MUTANTS` says how many (default 4000) and `ANTRUM_MUTANT_CHUNK` which ones (default 0, the number of a
//! chunk); mutant n is the same bytes every time. What does harm is kept, and its folder is printed.

use super::allocations::peak_of;
use super::seeds::{self, Seed};
use antrum::io::{OpenError, ReadOptions, Scan, browse};
use antrum::job::Progress;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The longest that a mutant may take.
const LONGEST: Duration = Duration::from_secs(5);

/// A process that is this much over the limit is not coming back.
const HUNG: Duration = Duration::from_secs(20);

/// Deflate makes nothing smaller than a 1032nd.
const MOST_INFLATED: usize = 1032;

/// Mutants of different chunks have different numbers.
const CHUNK: u64 = 1_000_000;

/// What a reader may use for a file: 64 MiB for itself, the bytes four times over (as read, as decoded, as sorted, as
/// handed on), and for compressed ones all that they could unpack to.
fn most_bytes(seed: &Seed) -> usize {
    let size: usize = seed.files.iter().map(|(_, bytes)| bytes.len()).sum();
    (64 << 20) + if seed.compressed { size * MOST_INFLATED } else { size * 4 }
}

/// Numbers at the ends of their ranges.
const EXTREMES: [u32; 10] = [0, 1, 2, 0x7f, 0x7fff, 0x8000, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/// One kind of damage at one place.
fn damage(bytes: &mut Vec<u8>, rng: &mut ChaCha8Rng) {
    if bytes.is_empty() {
        return;
    }
    // Half of it goes where headers are.
    let reach = if rng.random_bool(0.5) { bytes.len().min(1024) } else { bytes.len() };
    let at = rng.random_range(0..reach);
    let some = rng.random_range(1..=16).min(bytes.len() - at);
    match rng.random_range(0..8) {
        0 | 1 => bytes[at] ^= 1 << rng.random_range(0..8),
        2 => bytes.truncate(at),
        3 | 4 => {
            let extreme = EXTREMES[rng.random_range(0..EXTREMES.len())];
            let big = rng.random_bool(0.3);
            let number = match (rng.random_bool(0.5), big) {
                (true, true) => (extreme as u16).to_be_bytes().to_vec(),
                (true, false) => (extreme as u16).to_le_bytes().to_vec(),
                (false, true) => extreme.to_be_bytes().to_vec(),
                (false, false) => extreme.to_le_bytes().to_vec(),
            };
            // Fields lie at even places.
            for (place, byte) in bytes[at & !1..].iter_mut().zip(number) {
                *place = byte;
            }
        }
        5 => {
            let mut inserted = vec![0; some];
            rng.fill_bytes(&mut inserted);
            bytes.splice(at..at, inserted);
        }
        6 => drop(bytes.drain(at..at + some)),
        _ => {
            let length = rng.random_range(1..=bytes.len().min(256));
            let from = rng.random_range(0..=bytes.len() - length);
            let block = bytes[from..from + length].to_vec();
            let to = at.min(bytes.len() - length);
            bytes[to..to + length].copy_from_slice(&block);
        }
    }
}

/// Mutant n. The first ones of the first chunk are the seeds as they are.
fn mutant(seeds: &[Seed], n: u64) -> Seed {
    let mut seed = seeds[(n % CHUNK) as usize % seeds.len()].clone();
    if n >= seeds.len() as u64 {
        let mut rng = ChaCha8Rng::seed_from_u64(n);
        let file = rng.random_range(0..seed.files.len());
        for _ in 0..rng.random_range(1..=3) {
            damage(&mut seed.files[file].1, &mut rng);
        }
    }
    seed
}

/// All that the program does with a path before a user sees anything.
fn read(path: &Path) -> Result<Scan, OpenError> {
    let progress = Progress::default();
    let catalogue = browse(&[path.to_owned()], &progress)?;
    let series = catalogue.preferred();
    let _ = catalogue.thumbnail(series, &progress);
    let last = catalogue.series()[series].frames.saturating_sub(1);
    if last > 0 {
        let _ = catalogue.read(series, &ReadOptions { frame: last, ..ReadOptions::default() }, &progress);
    }
    catalogue.read(series, &ReadOptions::default(), &progress)
}

/// What is wrong with the way a mutant was answered.
fn harm(outcome: std::thread::Result<Result<Scan, OpenError>>, took: Duration, peak: usize, most: usize) -> String {
    let mut harm = String::new();
    match outcome {
        Err(_) => harm.push_str("panics; "),
        Ok(Ok(scan)) if scan.volume.voxels.len() != scan.volume.grid.count() => harm.push_str("lacks voxels; "),
        Ok(Ok(scan)) if !scan.volume.grid.world_from_voxel.is_finite() => harm.push_str("lies nowhere; "),
        Ok(_) => {}
    }
    if took > LONGEST {
        let _ = write!(harm, "takes {took:?}; ");
    }
    if peak > most {
        let _ = write!(harm, "takes {} MiB of at most {}; ", peak >> 20, most >> 20);
    }
    harm
}

/// The running totals, which survive the process in a file.
#[derive(Default)]
struct Totals {
    opened: u64,
    refused: u64,
    slowest: Duration,
    highest: usize,
}

impl Totals {
    fn line(&self, n: u64) -> String {
        format!("{n} {} {} {} {}", self.opened, self.refused, self.slowest.as_millis(), self.highest >> 20)
    }
}

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Reads mutants from one number to another; started by the test below.
#[test]
#[ignore = "the work of another test, which runs it in a process of its own"]
fn work() {
    let (Some(first), Some(end)) = (number("ANTRUM_MUTANT_FIRST"), number("ANTRUM_MUTANT_END")) else { return };
    let folder = PathBuf::from(std::env::var_os("ANTRUM_MUTANT_FOLDER").unwrap());
    let note = |file: PathBuf, line: String| {
        let mut log = fs::OpenOptions::new().append(true).create(true).open(file).unwrap();
        log.write_all(line.as_bytes()).unwrap();
    };
    let panics = folder.join("panics");
    std::panic::set_hook(Box::new(move |panic| {
        let place = panic.location().map_or_else(String::new, |at| format!("{}:{}", at.file(), at.line()));
        let words = panic.payload_as_str().unwrap_or_default().replace('\n', " ");
        note(panics.clone(), format!("{place}\t{words}\n"));
    }));
    let started = Instant::now();
    let since_ms: &AtomicU64 = Box::leak(Box::new(AtomicU64::new(0)));
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_millis(500));
            let began = Duration::from_millis(since_ms.load(Ordering::Relaxed));
            if started.elapsed().saturating_sub(began) > HUNG {
                std::process::abort();
            }
        }
    });

    let seeds = seeds::all();
    let mut totals = Totals::default();
    for n in first..end {
        fs::write(folder.join("now"), totals.line(n)).unwrap();
        let mutant = mutant(&seeds, n);
        let place = folder.join(n.to_string());
        fs::create_dir(&place).unwrap();
        let path = mutant.write(&place);
        since_ms.store(started.elapsed().as_millis() as u64, Ordering::Relaxed);
        let begun = Instant::now();
        let (outcome, peak) = peak_of(|| catch_unwind(AssertUnwindSafe(|| read(&path))));
        let took = begun.elapsed();
        totals.slowest = totals.slowest.max(took);
        totals.highest = totals.highest.max(peak);
        match &outcome {
            Ok(Ok(_)) => totals.opened += 1,
            _ => totals.refused += 1,
        }
        let harm = harm(outcome, took, peak, most_bytes(&mutant));
        if harm.is_empty() {
            fs::remove_dir_all(&place).unwrap();
        } else {
            note(folder.join("log"), format!("{n}\t{}\t{harm}\n", mutant.name));
        }
    }
    fs::write(folder.join("now"), totals.line(end)).unwrap();
}

/// Lines with how often each occurs, most frequent first.
fn tally(text: &str) -> Vec<(usize, &str)> {
    let mut counts = BTreeMap::new();
    text.lines().for_each(|line| *counts.entry(line).or_insert(0_usize) += 1);
    let mut tally: Vec<_> = counts.into_iter().map(|(line, count)| (count, line)).collect();
    tally.sort_by_key(|&(count, line)| (std::cmp::Reverse(count), line));
    tally
}

#[test]
fn damaged_files_are_read_or_refused_in_time_and_in_bounds() {
    let count = number("ANTRUM_MUTANTS").unwrap_or(4000);
    let first = number("ANTRUM_MUTANT_CHUNK").unwrap_or(0) * CHUNK;
    // Memory that is a file system, where there is one.
    let shared = Path::new("/dev/shm");
    let folder = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }.unwrap();
    let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap_or_default();

    let (mut next, end) = (first, first + count);
    let (mut opened, mut refused, mut slowest_ms, mut highest_mib) = (0, 0, 0, 0);
    let mut died = Vec::new();
    while next < end {
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "reading::mutants::work", "--ignored"])
            .env("ANTRUM_MUTANT_FIRST", next.to_string())
            .env("ANTRUM_MUTANT_END", end.to_string())
            .env("ANTRUM_MUTANT_FOLDER", folder.path())
            .output()
            .unwrap();
        let now: Vec<u64> = read("now").split(' ').map(|n| n.parse().unwrap()).collect();
        (opened, refused) = (opened + now[1], refused + now[2]);
        (slowest_ms, highest_mib) = (slowest_ms.max(now[3]), highest_mib.max(now[4]));
        next = now[0];
        if next < end {
            let words = String::from_utf8_lossy(&status.stderr);
            died.push(format!("{next}\tkills the process ({}) {}", status.status, words.trim()));
            next += 1;
        }
    }

    println!("{opened} opened, {refused} refused, the slowest in {slowest_ms} ms, at most {highest_mib} MiB");
    for (count, line) in tally(&read("panics")) {
        println!("{count} times caught: {line}");
    }
    let mut harmed: Vec<String> = read("log").lines().map(str::to_owned).collect();
    harmed.extend(died);
    if !harmed.is_empty() {
        let kept = folder.keep();
        panic!("{} of {count} did harm, their files are in {}:\n{}", harmed.len(), kept.display(), harmed.join("\n"));
    }
    assert_eq!(opened + refused, count);
    assert!(opened > count / 100, "only {opened} of {count} opened: the damage does not reach what it should");
}
