//! Where the bytes of one file are: on disk, or packed in a ZIP archive.

use super::{CHUNK, Fault, OpenError, io_error};
use crate::job::Progress;
use std::fs::File;
use std::io::{self, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zip::ZipArchive;

/// Deflate makes nothing smaller than a 1032nd, so n bytes never inflate to more than 1032 n.
pub(super) const MOST_INFLATED: u64 = 1032;

/// One file to read.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A file of its own.
    File(PathBuf),
    /// A file in an archive.
    Entry(Entry),
}

/// A file in a ZIP archive.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    archive: Arc<PathBuf>,
    index: usize,
    /// Archive and name inside it, as one path to show and to sort by.
    shown: PathBuf,
    size: u64,
}

impl Source {
    /// The path to name in messages and to sort by.
    pub fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Entry(entry) => &entry.shown,
        }
    }

    /// The last part of the path, for messages about a series.
    pub fn name(&self) -> String {
        self.path().file_name().unwrap_or_default().to_string_lossy().into_owned()
    }

    /// How many bytes there are.
    pub fn size(&self) -> Result<u64, OpenError> {
        match self {
            Self::File(path) => Ok(path.metadata().map_err(|e| io_error(path, e))?.len()),
            Self::Entry(entry) => Ok(entry.size),
        }
    }

    /// The first bytes, as many as wanted or as there are.
    pub fn start(&self, wanted: u64) -> Result<Vec<u8>, OpenError> {
        self.with_reader(|reader| {
            let mut bytes = Vec::new();
            reader.take(wanted).read_to_end(&mut bytes)?;
            Ok(bytes)
        })
    }

    /// All bytes, read in pieces so that a slow disk can be given up on.
    pub fn read(&self, progress: &Progress) -> Result<Vec<u8>, OpenError> {
        let size = self.size()?;
        let cancelled = || io::Error::from(ErrorKind::Interrupted);
        let read = self.with_reader(|reader| {
            let mut bytes = Vec::new();
            // One byte more than there are, so that the end is found without growing.
            bytes.try_reserve_exact(size as usize + 1).map_err(|_| ErrorKind::OutOfMemory)?;
            while (&mut *reader).take(CHUNK as u64).read_to_end(&mut bytes)? > 0 {
                progress.step(bytes.len() as f32 / size.max(1) as f32, "reading").map_err(|_| cancelled())?;
            }
            Ok(bytes)
        });
        progress.check()?;
        read
    }

    fn with_reader<T>(&self, read: impl FnOnce(&mut dyn Read) -> io::Result<T>) -> Result<T, OpenError> {
        match self {
            Self::File(path) => {
                let mut file = File::open(path).map_err(|e| io_error(path, e))?;
                read(&mut file).map_err(|e| io_error(path, e))
            }
            Self::Entry(entry) => {
                let damaged = |e: &dyn std::fmt::Display| Fault::Damaged(e.to_string()).at(&entry.shown);
                let mut archive = open_archive(&entry.archive)?;
                let mut file = archive.by_index(entry.index).map_err(|e| damaged(&e))?;
                read(&mut (&mut file).take(entry.size)).map_err(|e| damaged(&e))
            }
        }
    }
}

fn open_archive(path: &Path) -> Result<ZipArchive<BufReader<File>>, OpenError> {
    let file = File::open(path).map_err(|e| io_error(path, e))?;
    let damaged = |e: zip::result::ZipError| Fault::Damaged(format!("it is no ZIP archive: {e}")).at(path);
    ZipArchive::new(BufReader::new(file)).map_err(damaged)
}

/// The files in a ZIP archive that can be unpacked, and how many cannot because they are encrypted or packed otherwise.
pub(super) fn entries(path: &Path) -> Result<(Vec<Source>, usize), OpenError> {
    let mut archive = open_archive(path)?;
    let shared = Arc::new(path.to_owned());
    let (mut sources, mut locked) = (Vec::new(), 0);
    for index in 0..archive.len() {
        let Ok(entry) = archive.by_index(index) else {
            locked += 1;
            continue;
        };
        // A size that deflate cannot have made is a trap.
        if entry.is_dir() || entry.size() > entry.compressed_size().saturating_mul(MOST_INFLATED) {
            continue;
        }
        // Only a name to show: nothing is ever written there.
        let Ok(name) = entry.name() else { continue };
        let shown = path.join(name.trim_start_matches('/'));
        sources.push(Source::Entry(Entry { archive: Arc::clone(&shared), index, shown, size: entry.size() }));
    }
    Ok((sources, locked))
}
