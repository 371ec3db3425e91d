//! What all targets do: bytes become a file, the file is opened, and what comes out must be consistent.

use antrum::io::open;
use antrum::job::Progress;
use std::path::PathBuf;
use std::sync::LazyLock;
use tempfile::TempDir;

/// Memory that is a file system, where there is one: the disk would be the slowest part.
static FOLDER: LazyLock<TempDir> = LazyLock::new(|| {
    // The fuzzer's own hook ends the run at every panic. One that a reader catches, in a decoder that is not ours, is
    // no find; one that escapes still ends the run.
    std::panic::set_hook(Box::new(|panic| eprintln!("{panic}")));
    let folder = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir());
    folder.expect("somewhere to write to")
});

/// Opens the bytes as a file of this name, alone in its folder.
///
/// # Panics
/// When the scan is not what it says, which is what the fuzzer looks for.
pub fn open_as(name: &str, bytes: &[u8]) {
    let path: PathBuf = FOLDER.path().join(name);
    std::fs::write(&path, bytes).expect("room for one file");
    if let Ok(scan) = open(&path, &Progress::default()) {
        assert_eq!(scan.volume.voxels.len(), scan.volume.grid.count());
        assert!(scan.volume.grid.world_from_voxel.is_finite());
    }
}
