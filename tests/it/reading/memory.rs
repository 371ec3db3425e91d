//! What opening a large scan costs, in the real program: peak memory in proportion to the voxels, and how soon it stops.

use super::seeds::gzip;
use super::slices::{Dicom, Pixels};
use crate::background::cancelled_in_time;
use antrum::io::open;
use antrum::job::{Job, Progress};
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

const SIZE: [u16; 3] = [512, 512, 120];
const VOXEL_BYTES: usize = 512 * 512 * 120 * 2;

/// One slice of something between a gradient and noise, as heads are.
fn slice(k: u16) -> Vec<u16> {
    let noise = |n: u32| (n.wrapping_mul(2_654_435_761) >> 26) as u16;
    (0..512 * 512_u32).map(|n| (n >> 9) as u16 + (n & 511) as u16 + noise(n + (u32::from(k) << 18))).collect()
}

fn dicom_folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    for k in 0..SIZE[2] {
        let page = Dicom::explicit().placed([SIZE[0], SIZE[1]], f64::from(k));
        fs::write(folder.path().join(format!("{k:03}.dcm")), page.slice(&Pixels::Native(slice(k)))).unwrap();
    }
    let path = folder.path().to_owned();
    (folder, path)
}

fn compressed_nifti() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("large.nii.gz");
    let mut bytes = vec![0_u8; 352];
    bytes[..4].copy_from_slice(&348_i32.to_le_bytes());
    for (at, value) in [(40, 3), (42, SIZE[0]), (44, SIZE[1]), (46, SIZE[2]), (48, 1), (70, 4), (72, 16), (254, 1)] {
        bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }
    for (at, value) in [(108, 352.0_f32), (280, 1.0), (300, 1.0), (320, 1.0)] {
        bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }
    bytes[344..348].copy_from_slice(b"n+1\0");
    bytes.extend((0..SIZE[2]).flat_map(slice).flat_map(u16::to_le_bytes));
    fs::write(&path, gzip(&bytes)).unwrap();
    (folder, path)
}

/// The most memory that `antrum info` held at a time. Looked at every millisecond; the figure only grows, and the
/// program still counts the voxels after it has opened them.
#[cfg(target_os = "linux")]
fn peak_bytes(path: &std::path::Path) -> usize {
    use std::process::{Command, Stdio};
    let mut child =
        Command::new(env!("CARGO_BIN_EXE_antrum")).arg("info").arg(path).stdout(Stdio::null()).spawn().unwrap();
    let status = PathBuf::from(format!("/proc/{}/status", child.id()));
    let mut peak_kb = 0;
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        if let Some(kb) = line.and_then(|line| line.trim().strip_suffix(" kB")) {
            peak_kb = peak_kb.max(kb.trim().parse().unwrap());
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    assert!(child.wait().unwrap().success(), "{}", path.display());
    peak_kb * 1024
}

#[cfg(target_os = "linux")]
#[test]
fn opening_takes_little_more_memory_than_the_voxels_do() {
    for (kind, (_folder, path)) in [("DICOM", dicom_folder()), ("nii.gz", compressed_nifti())] {
        let peak = peak_bytes(&path);
        println!("{kind}: {} MB for {} MB of voxels", peak / 1_000_000, VOXEL_BYTES / 1_000_000);
        assert!(peak > VOXEL_BYTES, "{kind}: the measure missed the voxels");
        assert!(peak as f64 <= 2.2 * VOXEL_BYTES as f64 + 100e6, "{kind}: {peak} bytes");
    }
}

#[test]
fn opening_is_cancelled_in_time() {
    for (_folder, path) in [dicom_folder(), compressed_nifti()] {
        cancelled_in_time(move || {
            let path = path.clone();
            Job::spawn("open", move |progress: &Progress| open(&path, progress))
        });
    }
}
