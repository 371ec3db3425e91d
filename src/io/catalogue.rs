//! What a path holds: the series to choose from, found by reading headers only, and the way from one of them to a scan.

use super::dicom::deidentify::{Deidentified, DeidentifyError, Pseudonyms};
use super::dicom::{self, Stack};
use super::gather::{Gathered, gather, parent};
use super::preview::Preview;
use super::source::Source;
use super::{Check, Fault, Format, Kind, OpenError, Scan, kind, nifti, picture};
use crate::job::Progress;
use rayon::prelude::*;
use std::cmp::Reverse;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// What a series is good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    /// A stack of slices in space.
    Volume,
    /// A segmentation or a dose that belongs to another series.
    Derived,
    /// A scout picture to plan the others by.
    Localiser,
    /// Pictures without a place in the patient.
    Picture,
}

/// One series, as a list shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct Series {
    /// Series Instance UID; `UID/2`, `UID/3`, ... for further stacks of the same series; otherwise a file's
    /// path inside the folder that was looked through.
    pub id: String,
    /// The kind of file.
    pub format: Format,
    /// As in [`Scan::modality`].
    pub modality: String,
    /// As in [`Scan::description`].
    pub description: String,
    /// The number of the series in DICOM, as the scanner counted.
    pub number: Option<i64>,
    /// Columns, rows and slices.
    pub size: [usize; 3],
    /// Volumes that follow one another (time points, pictures without a place); at least 1.
    pub frames: usize,
    /// How many files it is made of.
    pub files: usize,
    /// What it is good for.
    pub role: Role,
    /// What its headers alone tell; reading it may tell more.
    pub checks: Vec<Check>,
}

/// How a series is to be read.
#[derive(Clone, Copy, Default)]
pub struct ReadOptions<'a> {
    /// Which of its volumes, from 0.
    pub frame: usize,
    /// Resample unevenly spaced slices to even spacing.
    pub even: bool,
    /// Gets one slice early, to look at while the rest loads.
    pub preview: Option<&'a (dyn Fn(Preview) + Sync)>,
}

enum Content {
    Dicom(Stack),
    Nifti(Source),
    Picture(Source),
}

/// The series of a folder, a file, a set of files, a DICOMDIR, a ZIP archive or what a table names.
pub struct Catalogue {
    path: PathBuf,
    base: PathBuf,
    series: Vec<Series>,
    contents: Vec<Content>,
    preferred: usize,
    /// Whether one file was asked for, so that no other scan may take its place.
    asked: bool,
    left_out: Vec<Check>,
}

impl std::fmt::Debug for Catalogue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Catalogue").field("series", &self.series).finish_non_exhaustive()
    }
}

impl Catalogue {
    /// The series in order of their numbers or names, or in that of the table that names them; volumes first, pictures without
    /// a place last.
    #[must_use]
    pub fn series(&self) -> &[Series] {
        &self.series
    }

    /// What was looked through: a folder or a file; of several files the folder they have in common.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the files of a list are named relative to: what was looked through, or where the table lies that names them. Files
    /// elsewhere are named by their whole paths.
    #[must_use]
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// The series that is meant when nobody chooses: the one the file belongs to, or the largest volume.
    #[must_use]
    pub fn preferred(&self) -> usize {
        self.preferred
    }

    /// The series with this [`Series::id`].
    #[must_use]
    pub fn find(&self, id: &str) -> Option<usize> {
        self.series.iter().position(|s| s.id == id)
    }

    /// Reads a series.
    ///
    /// # Errors
    /// [`OpenError`], whose message is made to be shown as it is.
    pub fn read(&self, index: usize, options: &ReadOptions<'_>, progress: &Progress) -> Result<Scan, OpenError> {
        let Some(content) = self.contents.get(index) else {
            let reason = format!("it has {} series", self.contents.len());
            return Err(OpenError::NoSeries { path: self.path.clone(), reason });
        };
        let frames = self.series.get(index).map_or(1, |series| series.frames);
        if options.frame >= frames {
            return Err(OpenError::NoFrame { path: self.path.clone(), frame: options.frame, frames });
        }
        let mut scan = match content {
            Content::Nifti(source) => nifti::read(source, options, progress)?,
            Content::Picture(source) => picture::read(source, progress)?,
            Content::Dicom(stack) => stack.read(&self.path, options, progress)?,
        };
        scan.checks.extend(self.left_out.iter().cloned());
        Ok(scan)
    }

    /// The headers of a volume of a DICOM series, counted from 0, so that something can be said of it as DICOM; none of other files.
    ///
    /// # Errors
    /// [`OpenError`].
    pub fn headers(
        &self,
        index: usize,
        frame: usize,
        progress: &Progress,
    ) -> Result<Option<dicom::write::Headers>, OpenError> {
        match self.contents.get(index) {
            Some(Content::Dicom(stack)) => stack.headers(frame, progress).map(Some),
            _ => Ok(None),
        }
    }

    /// Copies a DICOM series without what tells whose it is into a folder of its own in `out`; of other scans there is
    /// nothing to copy but voxels ([`nifti::write_scan`]), and none is given.
    ///
    /// # Errors
    /// [`DeidentifyError`]; what was written before it stays.
    pub fn deidentify(
        &self,
        index: usize,
        pseudonyms: &Pseudonyms,
        out: &Path,
        progress: &Progress,
    ) -> Result<Option<Deidentified>, DeidentifyError> {
        match self.contents.get(index) {
            Some(Content::Dicom(stack)) => stack.deidentify(pseudonyms, out, progress).map(Some),
            _ => Ok(None),
        }
    }

    /// Reads the preferred series. Where a whole folder was asked for and that series is damaged, the next best one, with
    /// a word about it. Also gives the place of the series in the list.
    ///
    /// # Errors
    /// That of the preferred series.
    pub fn read_preferred(
        &self,
        options: &ReadOptions<'_>,
        progress: &Progress,
    ) -> Result<(usize, Scan), (usize, OpenError)> {
        let failed = match self.read(self.preferred, options, progress) {
            Ok(scan) => return Ok((self.preferred, scan)),
            Err(error) => error,
        };
        let replaceable = !self.asked && matches!(failed, OpenError::Damaged { .. } | OpenError::Unsupported { .. });
        let mut others: Vec<usize> = (0..self.series.len()).filter(|&n| n != self.preferred && replaceable).collect();
        others.sort_by_key(|&n| self.series.get(n).map(Series::rank));
        for other in others {
            if let Ok(mut scan) = self.read(other, options, progress) {
                let message = "The largest series cannot be read; this is the next. Choose it in the list to see why.";
                scan.checks.push(Check::new("damaged-series", message));
                return Ok((other, scan));
            }
            progress.check().map_err(|cancelled| (self.preferred, cancelled.into()))?;
        }
        Err((self.preferred, failed))
    }

    /// The middle slice of a series, small.
    ///
    /// # Errors
    /// [`OpenError`] when it cannot be read.
    pub fn thumbnail(&self, index: usize, progress: &Progress) -> Result<Preview, OpenError> {
        let Some(Content::Dicom(stack)) = self.contents.get(index) else {
            let scan = self.read(index, &ReadOptions::default(), progress)?;
            return Ok(Preview::of_volume(&scan.volume).shrunk(THUMBNAIL));
        };
        Ok(stack.preview(&self.path, progress)?.shrunk(THUMBNAIL))
    }
}

/// Sides of a thumbnail in pixels, at most.
const THUMBNAIL: usize = 96;

/// Looks through what lies at these paths, reading headers only.
///
/// # Errors
/// [`OpenError`] when there is nothing to open.
pub fn browse(paths: &[PathBuf], progress: &Progress) -> Result<Catalogue, OpenError> {
    progress.step(0.0, "looking at the files")?;
    let path = common(paths);
    let Gathered { sources, wanted, named, rows, beside, locked, missing } = gather(paths, progress)?;
    let listed = rows.is_some();
    let base = if listed { parent(&path).canonicalize().unwrap_or_default() } else { path.clone() };
    let done = AtomicUsize::new(0);
    let outcomes = sources.par_iter().map(|source| {
        progress.step(done.fetch_add(1, Ordering::Relaxed) as f32 / sources.len() as f32, "reading headers")?;
        Ok::<_, OpenError>(look_at(source))
    });
    let outcomes = outcomes.collect::<Result<Vec<_>, _>>()?;

    let mut found = Found { files: sources.len(), locked, missing, ..Found::default() };
    let mut slices = Vec::new();
    let mut entries: Vec<(Series, Content)> = Vec::new();
    for (source, outcome) in sources.into_iter().zip(outcomes) {
        let alone = wanted.as_deref() == Some(source.path());
        match outcome {
            Outcome::Slices(of_file) => slices.extend(of_file),
            _ if beside.contains(source.path()) => {}
            Outcome::Nifti(series) => {
                // In folders inside a folder, files often have the same name.
                let inside = source.path().strip_prefix(&base).ok().filter(|inside| *inside != Path::new(""));
                // What a table names may lie anywhere.
                let inside = inside.or_else(|| listed.then(|| source.path()));
                let id = inside.map_or_else(|| series.id.clone(), |inside| inside.display().to_string());
                entries.push((Series { id, ..*series }, Content::Nifti(source)));
            }
            Outcome::Picture(series) if named.contains(source.path()) => {
                entries.push((*series, Content::Picture(source)));
            }
            Outcome::Picture(_) => found.pictures += 1,
            // The file that was asked for is the one to speak of.
            Outcome::Fault(fault) if alone => return Err(fault.at(&path)),
            Outcome::Fault(Fault::Unsupported(what)) => found.unsupported.push(what),
            Outcome::Fault(Fault::Damaged(reason)) => found.damaged.push(reason),
            Outcome::Other | Outcome::Fault(_) => {
                found.no_scans += usize::from(listed && named.contains(source.path()));
            }
        }
    }
    let mut stacks = dicom::stacks(slices);
    stacks.retain(|stack| stack.files().any(|file| !beside.contains(file)));
    entries.extend(stacks.into_iter().map(|stack| (stack.series(), Content::Dicom(stack))));
    if let Some(rows) = rows {
        entries.sort_by_key(|(_, content)| match content {
            Content::Dicom(stack) => stack.files().filter_map(|file| rows.get(file)).min(),
            Content::Nifti(source) | Content::Picture(source) => rows.get(source.path()),
        });
    }
    if entries.is_empty() {
        return Err(found.nothing(&path));
    }
    // The sort is stable.
    entries.sort_by_key(|(series, _)| series.role);
    let holds = |content: &Content| match content {
        Content::Dicom(stack) => wanted.as_deref().is_some_and(|file| stack.holds(file)),
        Content::Nifti(source) | Content::Picture(source) => wanted.as_deref() == Some(source.path()),
    };
    let best = entries.iter().enumerate().min_by_key(|(_, (series, _))| series.rank());
    let largest = best.map_or(0, |(n, _)| n);
    let preferred = match (&wanted, entries.iter().position(|(_, content)| holds(content))) {
        (_, Some(own)) => own,
        (None, None) => largest,
        // Another scan must never take the place of the one that was asked for.
        (Some(_), None) => return Err(found.nothing(&path)),
    };
    let (series, contents) = entries.into_iter().unzip();
    // What else lies beside a file that was asked for is of no interest.
    let left_out = if wanted.is_some() { Vec::new() } else { found.left_out() };
    Ok(Catalogue { path, base, series, contents, preferred, asked: wanted.is_some(), left_out })
}

impl Series {
    /// The smaller, the more likely to be meant.
    fn rank(&self) -> (Role, Reverse<usize>) {
        (self.role, Reverse(self.size.iter().product()))
    }
}

/// The path itself, or the folder that several of them lie in.
fn common(paths: &[PathBuf]) -> PathBuf {
    match paths {
        [] => PathBuf::new(),
        [one] => one.clone(),
        [first, ..] => first.parent().map_or_else(PathBuf::new, Path::to_owned),
    }
}

/// What one file turned out to be.
enum Outcome {
    Slices(Vec<dicom::Slice>),
    Nifti(Box<Series>),
    Picture(Box<Series>),
    Fault(Fault),
    Other,
}

fn look_at(source: &Source) -> Outcome {
    let Ok(start) = source.start(super::KIND_SIZE) else {
        return Outcome::Fault(Fault::Damaged("it cannot be read".to_owned()));
    };
    let outcome = match kind(&start) {
        Kind::Dicom => dicom::slices(source).map(Outcome::Slices),
        Kind::Nifti => nifti::series(source).map(|series| Outcome::Nifti(Box::new(series))),
        Kind::Picture => picture::series(source).map(|series| Outcome::Picture(Box::new(series))),
        Kind::Zip | Kind::Other => Ok(Outcome::Other),
    };
    outcome.unwrap_or_else(Outcome::Fault)
}

/// What was seen besides the series.
#[derive(Debug, Default)]
struct Found {
    files: usize,
    pictures: usize,
    /// Files of an archive that are encrypted or packed in an unknown way.
    locked: usize,
    /// Files that a DICOMDIR or a table names in vain.
    missing: usize,
    /// Files that a table names and that are no scans.
    no_scans: usize,
    /// One reason per file that cannot be read.
    damaged: Vec<String>,
    /// What was not understood, one entry per file.
    unsupported: Vec<String>,
}

impl Found {
    /// Why there is nothing to open.
    fn nothing(self, path: &Path) -> OpenError {
        let path = path.to_owned();
        if let Some(what) = self.unsupported.into_iter().next() {
            return OpenError::Unsupported { path, what };
        }
        if let Some(reason) = self.damaged.into_iter().next() {
            return OpenError::Damaged { path, reason };
        }
        let reason = match (self.files, self.locked, self.pictures) {
            (_, locked @ 1.., _) => {
                format!("{locked} of its files are encrypted or packed in an unknown way; unpack it first")
            }
            (0, ..) if self.missing > 0 => format!("none of the {} files that it names is there", self.missing),
            (0, ..) => "it is empty".to_owned(),
            (_, _, pictures @ 1..) => format!("it holds {pictures} PNG or JPEG pictures; open one of them instead"),
            (files, ..) => format!("none of its {files} files is a scan"),
        };
        OpenError::NoSeries { path, reason }
    }

    fn left_out(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        let mut tell = |code, what: &str, reasons: &[String]| {
            if let Some(first) = reasons.first() {
                let what = if reasons.len() == 1 { format!("{what} was") } else { format!("{what}s were") };
                let message = format!("{} {what} left out ({first}).", reasons.len());
                checks.push(Check::new(code, message));
            }
        };
        tell("damaged-files", "damaged file", &self.damaged);
        tell("unsupported-files", "file", &self.unsupported);
        if self.locked > 0 {
            let message = format!("{} files of the archive are encrypted or packed in an unknown way.", self.locked);
            checks.push(Check::new("locked-files", message));
        }
        let named = [(self.missing, "missing-files", "not there"), (self.no_scans, "no-scans", "no scan")];
        for (count, code, what) in named.into_iter().filter(|(count, ..)| *count > 0) {
            let verb = if count == 1 { "is" } else { "are" };
            let message = format!("{count} of the files that are named here {verb} {what}.");
            checks.push(Check::new(code, message));
        }
        checks
    }
}
