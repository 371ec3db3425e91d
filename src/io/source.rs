//! Where the bytes of one file are: on disk, or packed in a ZIP archive.

use super::{CHUNK, Fault, OpenError, hexadecimal, io_error};
use crate::job::Progress;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, BufRead, ErrorKind, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use zip::ZipArchive;

/// Deflate makes nothing smaller than a 1032nd, so n bytes never inflate to more than 1032 n.
pub(super) const MOST_INFLATED: u64 = 1032;

/// Bytes that are read at once for someone who waits for them, and how many such pieces are read ahead.
const PIECE: u64 = 256 << 10;
const PIECES_AHEAD: usize = 16;

/// One file to read.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// A file of its own.
    File(PathBuf),
    /// A file in an archive.
    Entry(Entry),
}

/// A file in a ZIP archive.
#[derive(Clone)]
pub(super) struct Entry {
    archive: ZipArchive<SharedFile>,
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

    /// Reads all bytes on a thread of its own, and lets `work` have them as they come: unpacking need not wait for the
    /// disk, and nobody holds the whole file. Also gives the SHA-256 of `before` and of all bytes.
    pub fn stream<T>(
        &self,
        before: &[u8],
        progress: &Progress,
        work: impl FnOnce(Pieces) -> Result<T, Fault>,
    ) -> Result<(T, String), OpenError> {
        let (sender, receiver) = sync_channel(PIECES_AHEAD);
        let failed = &AtomicBool::new(false);
        // It owns the sender, so that whoever waits for pieces learns when there are no more.
        let read = move |reader: &mut dyn Read| {
            let mut digest = Sha256::new_with_prefix(before);
            loop {
                let mut piece = Vec::with_capacity(PIECE as usize);
                (&mut *reader).take(PIECE).read_to_end(&mut piece)?;
                if failed.load(Ordering::Relaxed) || progress.check().is_err() {
                    return Ok(None);
                }
                if piece.is_empty() {
                    return Ok(Some(hexadecimal(digest)));
                }
                digest.update(&piece);
                // Who has seen enough takes no more, but the digest is that of everything.
                let _ = sender.send(piece);
            }
        };
        let (outcome, digest) = thread::scope(|scope| {
            let reading = scope.spawn(move || self.with_reader(read));
            let outcome = work(Pieces { receiver, piece: Vec::new(), at: 0 });
            failed.store(outcome.is_err(), Ordering::Relaxed);
            (outcome, reading.join())
        });
        progress.check()?;
        let unread = |_| Fault::Damaged("it cannot be read".to_owned()).at(self.path());
        let digest = digest.map_err(unread)??;
        let value = outcome.map_err(|fault| fault.at(self.path()))?;
        Ok((value, digest.unwrap_or_default()))
    }

    fn with_reader<T>(&self, read: impl FnOnce(&mut dyn Read) -> io::Result<T>) -> Result<T, OpenError> {
        match self {
            Self::File(path) => {
                let mut file = File::open(path).map_err(|e| io_error(path, e))?;
                read(&mut file).map_err(|e| io_error(path, e))
            }
            Self::Entry(entry) => {
                let damaged = |e: &dyn std::fmt::Display| Fault::Damaged(e.to_string()).at(&entry.shown);
                let mut archive = entry.archive.clone();
                let mut file = archive.by_index(entry.index).map_err(|e| damaged(&e))?;
                // Up to the end, where the checksum is compared; but a size that lies is not followed.
                read(&mut (&mut file).take(entry.size + 1)).map_err(|e| damaged(&e))
            }
        }
    }
}

impl std::fmt::Debug for Entry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Entry").field("shown", &self.shown).finish_non_exhaustive()
    }
}

/// An open file that many read at once, each at a place of its own.
#[derive(Clone)]
struct SharedFile {
    file: Arc<Mutex<File>>,
    at: u64,
    size: u64,
}

impl Read for SharedFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.at))?;
        let read = file.read(buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for SharedFile {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let place = match to {
            SeekFrom::Start(place) => Some(place),
            SeekFrom::End(by) => self.size.checked_add_signed(by),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
        };
        self.at = place.ok_or(ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}

/// The bytes of a file as they come from [`Source::stream`].
pub(super) struct Pieces {
    receiver: Receiver<Vec<u8>>,
    piece: Vec<u8>,
    at: usize,
}

impl BufRead for Pieces {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.at == self.piece.len() {
            // No more pieces: the end of the file, or of what could be read of it, which the reading thread tells.
            (self.piece, self.at) = (self.receiver.recv().unwrap_or_default(), 0);
        }
        Ok(self.piece.get(self.at..).unwrap_or_default())
    }

    fn consume(&mut self, count: usize) {
        self.at += count;
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.fill_buf()?.read(buffer)?;
        self.consume(count);
        Ok(count)
    }
}

/// The files in a ZIP archive that can be unpacked, and how many cannot because they are encrypted or packed otherwise.
pub(super) fn entries(path: &Path) -> Result<(Vec<Source>, usize), OpenError> {
    let file = File::open(path).map_err(|e| io_error(path, e))?;
    let size = file.metadata().map_err(|e| io_error(path, e))?.len();
    let damaged = |e: zip::result::ZipError| Fault::Damaged(format!("it is no ZIP archive: {e}")).at(path);
    let shared = SharedFile { file: Arc::new(Mutex::new(file)), at: 0, size };
    let mut archive = ZipArchive::new(shared).map_err(damaged)?;
    // Its list of files is shared between the clones.
    let clean = archive.clone();
    let (mut sources, mut locked) = (Vec::new(), 0);
    for index in 0..archive.len() {
        let Ok(entry) = archive.by_index(index) else {
            locked += 1;
            continue;
        };
        if entry.is_dir() || entry.size() == 0 {
            continue;
        }
        // A size that deflate cannot have made is a trap.
        if entry.size() > entry.compressed_size().saturating_mul(MOST_INFLATED) {
            locked += 1;
            continue;
        }
        // Only a name to show: nothing is ever written there.
        let Ok(name) = entry.name() else { continue };
        let shown = path.join(name.trim_start_matches('/'));
        sources.push(Source::Entry(Entry { archive: clean.clone(), index, shown, size: entry.size() }));
    }
    Ok((sources, locked))
}
