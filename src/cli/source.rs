//! Which scan a subcommand means: the options that are the same everywhere, and the way from paths to the scan.

use super::{Failure, guarded};
use crate::io::{self, Catalogue, ReadOptions, Scan};
use crate::job::{JobError, Progress};
use crate::project::{CaseId, Project};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Which series and volume of what lies at the paths.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct Choice {
    /// The series to read, as `antrum info --list` names it [default: the one the file belongs to, or the largest]
    #[arg(long, value_name = "ID")]
    series: Option<String>,
    /// Which of its volumes, from 1 [default: 1]
    #[arg(long, value_name = "N")]
    volume: Option<NonZeroUsize>,
    /// Resample unevenly spaced slices to even spacing
    #[arg(long)]
    even: bool,
}

impl Choice {
    /// The same without resampling.
    pub(super) fn without_resampling(self) -> Self {
        Self { even: false, ..self }
    }

    /// Looks through the paths and finds the series.
    pub(super) fn browse(&self, paths: &[PathBuf], progress: &Progress) -> Result<Selection, Failure> {
        let catalogue = io::browse(paths, progress)?;
        let index = match &self.series {
            None => catalogue.preferred(),
            Some(id) => catalogue.find(id).ok_or_else(|| unknown(id, &catalogue, paths))?,
        };
        Ok(Selection { catalogue, index })
    }

    /// Reads the scan that is meant.
    pub(super) fn read(&self, paths: &[PathBuf], progress: &Progress) -> Result<(Selection, Scan), Failure> {
        let mut selection = self.browse(paths, &progress.part(0.0, 0.3))?;
        let frame = self.volume.map_or(0, |volume| volume.get() - 1);
        let options = ReadOptions { frame, even: self.even, preview: None };
        let progress = &progress.part(0.3, 1.0);
        let catalogue = &selection.catalogue;
        let scan = if self.series.is_some() {
            catalogue.read(selection.index, &options, progress)?
        } else {
            let (index, scan) = catalogue.read_preferred(&options, progress).map_err(|(_, error)| error)?;
            selection.index = index;
            scan
        };
        Ok((selection, scan))
    }

    /// Reads the scan that is meant, or makes the synthetic example when there is no path.
    pub(super) fn read_or_example(&self, paths: &[PathBuf], progress: &Progress) -> Result<Scan, Failure> {
        if paths.is_empty() { Ok(crate::app::example(progress)?) } else { Ok(self.read(paths, progress)?.1) }
    }
}

/// A series among those to choose from.
pub(super) struct Selection {
    pub catalogue: Catalogue,
    pub index: usize,
}

impl Selection {
    /// The series' name, as `antrum info --list` shows it.
    pub(super) fn id(&self) -> &str {
        self.catalogue.series().get(self.index).map_or("", |series| series.id.as_str())
    }
}

/// The case that is meant: a scan by its data, wherever it lies, or the first digits of a digest.
pub(super) fn case_named(project: &Project, named: &str) -> Result<CaseId, Failure> {
    let path = Path::new(named);
    let sha256 = if path.exists() { digest(path)? } else { named.to_ascii_lowercase() };
    let cases = project.cases()?;
    let meant: Vec<CaseId> = cases
        .iter()
        .filter(|case| !sha256.is_empty() && case.sha256.starts_with(&sha256))
        .map(|case| case.id)
        .collect();
    match meant[..] {
        [case] => Ok(case),
        [] => Err(format!("the project knows no such case ({} others): {named}", cases.len()).into()),
        _ => Err(format!("{} cases begin with these digits; give more of them: {named}", meant.len()).into()),
    }
}

/// The SHA-256 of the data of the scan at a path.
pub(super) fn digest(path: &Path) -> Result<String, JobError> {
    let paths = [path.to_owned()];
    guarded("reading", move |progress| Ok(Choice::default().read(&paths, progress)?.1.sha256))
}

fn unknown(id: &str, catalogue: &Catalogue, paths: &[PathBuf]) -> Failure {
    let known: Vec<&str> = catalogue.series().iter().map(|series| series.id.as_str()).collect();
    format!("there is no series {id}; choose one of {}: {}", known.join(", "), super::shown_name(paths)).into()
}
