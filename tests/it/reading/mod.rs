//! What the readers promise, shown on real files, on generated ones and on broken ones. Real files are skipped where
//! they are not at hand.

/// The counting allocator of this test program.
mod allocations;
/// Every file of the shared data, with what pydicom, nibabel or Pillow make of it.
mod every_file;
/// Peak memory and cancelling while a large scan is opened.
mod memory;
/// Damaged files by the thousand: an answer in time and in bounds, never a panic.
mod mutants;
/// Numbers that nibabel read from the NIfTI files.
mod nibabel;
/// The same voxels at the same place as in another program's conversion.
mod pairs;
/// Small files of every kind, generated, to be damaged.
mod seeds;
/// DICOM slices, byte by byte.
mod slices;

use antrum::io::{Scan, open};
use antrum::job::Progress;
use std::path::{Path, PathBuf};

/// A file or folder of the shared data, or none, said so, where the data are not on this machine.
pub(crate) fn data(relative: &str) -> Option<PathBuf> {
    let root = std::env::var_os("ANTRUM_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    let path = root.join(relative);
    if path.exists() {
        return Some(path);
    }
    println!("skipped: {relative} is not here");
    None
}

/// Opens what must open.
pub(crate) fn scan(path: &Path) -> Scan {
    open(path, &Progress::default()).unwrap_or_else(|error| panic!("{error}"))
}

/// All files below a folder, by name.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let files = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter();
    files.map(Result::unwrap).filter(|entry| entry.file_type().is_file()).map(walkdir::DirEntry::into_path).collect()
}
