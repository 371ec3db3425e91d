//! What can be opened, and the work of opening it: look through the paths, choose a series, read it.

use crate::io::{self, Catalogue, OpenError, Preview, ReadOptions, Scan};
use crate::job::Progress;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::Sender;

/// What is to be opened.
#[derive(Clone, Debug)]
pub enum Target {
    /// The synthetic head.
    Example,
    /// The series that is most likely meant by these paths.
    Paths(Vec<PathBuf>),
    /// One volume of a series that is known already.
    Series {
        /// The series.
        origin: Origin,
        /// Which of its volumes, from 0.
        frame: usize,
        /// Resample unevenly spaced slices to even spacing.
        even: bool,
    },
}

/// Where a scan came from, so that its neighbours can be opened.
#[derive(Clone, Debug)]
pub struct Origin {
    /// The series to choose from.
    pub catalogue: Arc<Catalogue>,
    /// Which of them it is.
    pub series: usize,
}

impl Origin {
    /// Whether both are the same series of the same catalogue.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.catalogue, &other.catalogue) && self.series == other.series
    }
}

/// A scan that was asked for, or why there is none.
#[derive(Debug)]
pub(super) struct Loaded {
    /// The series, where one was found.
    pub origin: Option<Origin>,
    pub scan: Result<Scan, OpenError>,
}

/// Opens a target; a slice of it goes to `early` while the rest loads.
pub(super) fn load(target: &Target, early: &Sender<Preview>, progress: &Progress) -> Loaded {
    match target {
        Target::Example => Loaded { origin: None, scan: super::example(progress).map_err(OpenError::from) },
        Target::Paths(paths) => match io::browse(paths, &progress.part(0.0, 0.3)) {
            Ok(catalogue) => {
                let show = |preview| drop(early.send(preview));
                let options = ReadOptions { preview: Some(&show), ..ReadOptions::default() };
                let (series, scan) = match catalogue.read_preferred(&options, &progress.part(0.3, 1.0)) {
                    Ok((series, scan)) => (series, Ok(scan)),
                    Err((series, error)) => (series, Err(error)),
                };
                Loaded { origin: Some(Origin { series, catalogue: Arc::new(catalogue) }), scan }
            }
            Err(error) => Loaded { origin: None, scan: Err(error) },
        },
        Target::Series { origin, frame, even } => read(origin.clone(), *frame, *even, early, progress),
    }
}

fn read(origin: Origin, frame: usize, even: bool, early: &Sender<Preview>, progress: &Progress) -> Loaded {
    // Nobody may be listening any more.
    let show = |preview| drop(early.send(preview));
    let options = ReadOptions { frame, even, preview: Some(&show) };
    let scan = origin.catalogue.read(origin.series, &options, progress);
    Loaded { origin: Some(origin), scan }
}
