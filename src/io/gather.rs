//! Which files are meant by some paths: those of a folder, of an archive, of a DICOMDIR, of a table, or what lies beside a
//! slice of a series.

use super::source::{self, Source};
use super::{Fault, Kind, OpenError, dicom, io_error, kind, listed, nifti};
use crate::job::Progress;
use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use walkdir::WalkDir;

/// The files that are meant by some paths.
#[derive(Default)]
pub(super) struct Gathered {
    pub sources: Vec<Source>,
    /// The one file that was asked for; others may only be there because they may belong to it.
    pub wanted: Option<PathBuf>,
    /// Files that were named one by one; pictures are only meant then.
    pub named: HashSet<PathBuf>,
    /// Where a table names them, if one does: what it names and what that holds, by row.
    pub rows: Option<HashMap<PathBuf, usize>>,
    /// Files that were not named, but lie beside a DICOM file that a table names: they are of interest where they belong to
    /// its series.
    pub beside: HashSet<PathBuf>,
    /// Files in an archive that cannot be unpacked.
    pub locked: usize,
    /// Files that a DICOMDIR or a table names in vain.
    pub missing: usize,
}

impl Gathered {
    /// Adds what a table names: files, all below folders, what lies in archives and what a DICOMDIR leads to. Of a DICOM file
    /// its neighbours may belong to the same series.
    fn of_table(&mut self, table: &Path, progress: &Progress) -> Result<(), OpenError> {
        let (scans, missing) = listed::scans(table)?;
        self.missing = missing;
        let (mut rows, mut folders) = (HashMap::new(), HashSet::new());
        for (row, scan) in scans.into_iter().enumerate() {
            progress.check()?;
            let scan = nifti::header_of_pair(&scan);
            if rows.contains_key(&scan) {
                continue;
            }
            let held =
                if scan.is_dir() { files_in(&scan, usize::MAX, progress)? } else { self.of_row(&scan, &mut folders) };
            rows.insert(scan, row);
            for source in held {
                rows.entry(source.path().to_owned()).or_insert(row);
                self.sources.push(source);
            }
        }
        for folder in folders {
            let mut files = files_in(&folder, 1, progress)?;
            files.retain(|file| !rows.contains_key(file.path()));
            self.beside.extend(files.iter().map(|file| file.path().to_owned()));
            self.sources.extend(files);
        }
        // As in a folder, which the identities of stacks of a series depend on.
        self.sources.sort_by(|a, b| a.path().cmp(b.path()));
        self.rows = Some(rows);
        Ok(())
    }

    /// What a file that a table names holds. One that is wrong says so when it is looked at.
    fn of_row(&mut self, file: &Path, folders: &mut HashSet<PathBuf>) -> Vec<Source> {
        let source = Source::File(file.to_owned());
        // Names of NIfTI files tell what they are.
        let is_nifti = nifti::stem(file).is_some();
        match if is_nifti {
            Kind::Nifti
        } else {
            source.start(super::KIND_SIZE).map_or(Kind::Other, |start| kind(&start))
        } {
            Kind::Zip => {
                if let Ok((entries, locked)) = source::entries(file) {
                    self.locked += locked;
                    return entries;
                }
            }
            Kind::Dicom => {
                if let Some((files, missing)) = dicom::directory(&source) {
                    self.missing += missing;
                    return files;
                }
                folders.insert(parent(file).to_owned());
            }
            _ => {}
        }
        self.named.insert(file.to_owned());
        vec![source]
    }
}

/// All files that are meant by some paths.
pub(super) fn gather(paths: &[PathBuf], progress: &Progress) -> Result<Gathered, OpenError> {
    let mut gathered = Gathered::default();
    for path in paths {
        let metadata = fs::metadata(path).map_err(|e| io_error(path, e))?;
        if metadata.is_dir() {
            gathered.sources.extend(files_in(path, usize::MAX, progress)?);
            continue;
        }
        if !metadata.is_file() {
            return Err(Fault::NotAScan("not a file or folder".to_owned()).at(path));
        }
        if listed::is_table_name(path) && paths.len() == 1 {
            gathered.of_table(path, progress)?;
            continue;
        }
        let path = &nifti::header_of_pair(path);
        let source = Source::File(path.clone());
        gathered.named.insert(path.clone());
        match kind(&source.start(super::KIND_SIZE)?) {
            Kind::Zip => {
                let (entries, locked) = source::entries(path)?;
                gathered.sources.extend(entries);
                gathered.locked += locked;
            }
            Kind::Dicom => {
                if let Some((listed, missing)) = dicom::directory(&source) {
                    gathered.sources.extend(listed);
                    gathered.missing += missing;
                } else if paths.len() == 1 {
                    gathered.sources.extend(files_in(parent(path), 1, progress)?);
                    gathered.wanted = Some(parent(path).join(path.file_name().unwrap_or_default()));
                } else {
                    gathered.sources.push(source);
                }
            }
            Kind::Other if paths.len() == 1 => return Err(not_a_scan(path, metadata.len())),
            _ => {
                gathered.wanted = (paths.len() == 1).then(|| path.clone());
                gathered.sources.push(source);
            }
        }
    }
    let mut seen = HashSet::new();
    gathered.sources.retain(|source| matches!(source, Source::Entry(_)) || seen.insert(source.path().to_owned()));
    Ok(gathered)
}

/// The folder that a path lies in.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn not_a_scan(path: &Path, bytes: u64) -> OpenError {
    let reason = match (bytes, nifti::stem(path)) {
        (0, _) => "the file is empty",
        (_, Some(_)) if nifti::is_image_name(path) => "its header is missing, the .hdr file of the same name",
        (_, Some(_)) => "the name is that of a NIfTI file, but not the content",
        _ => "the content is neither NIfTI, DICOM, PNG, JPEG nor ZIP",
    };
    Fault::NotAScan(reason.to_owned()).at(path)
}

/// The files of a folder, by name.
fn files_in(folder: &Path, depth: usize, progress: &Progress) -> Result<Vec<Source>, OpenError> {
    let mut sources = Vec::new();
    for entry in WalkDir::new(folder).max_depth(depth).follow_links(true).sort_by_file_name() {
        progress.check()?;
        match entry {
            Ok(entry) if entry.file_type().is_file() => sources.push(Source::File(entry.into_path())),
            Err(error) if error.depth() == 0 => {
                return Err(OpenError::Io { path: folder.to_owned(), source: error.into() });
            }
            // A folder inside that may not be entered is no reason to refuse the rest.
            Ok(_) | Err(_) => {}
        }
    }
    Ok(sources)
}
