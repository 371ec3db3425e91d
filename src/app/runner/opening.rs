//! What the runner does for opening: scans are read, pictures of lists made, and what was opened is remembered.

use super::Runner;
use crate::app::command::{Command, Opened};
use crate::app::load::{Loaded, Target, load};
use crate::app::settings::{Recent, SettingsCommand};
use crate::io::{Catalogue, Preview, Scan};
use crate::job::{Cancelled, Job};
use crate::project::ProjectError;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

impl Runner {
    /// Begins to open a target, unless it was read ahead.
    pub(super) fn open(&mut self, target: Target) {
        self.asked = match &target {
            Target::Paths(paths) => paths.clone(),
            Target::Example | Target::Series { .. } => Vec::new(),
        };
        let (job, early) = self.labels.take_ahead(&target).unwrap_or_else(|| self.reading(target));
        (self.open, self.early) = (Some(job), Some(early));
    }

    /// The job that reads a target, and what it sends ahead.
    pub(super) fn reading(&self, target: Target) -> (Job<Loaded>, Receiver<Preview>) {
        let (early, received) = mpsc::channel();
        let prepare = Arc::clone(&self.config.prepare);
        // Not in the pool of the analyses: a scan is opened at once, whatever is being computed.
        let job = Job::spawn("Opening the scan", move |progress| {
            progress.check()?;
            let loaded = load(&target, &early, progress);
            // One that was given up in the meantime need not be drawn.
            progress.check()?;
            loaded.scan.iter().for_each(|scan| prepare(&scan.volume));
            Ok::<_, Cancelled>(loaded)
        });
        (job, received)
    }

    /// What was read comes on screen, with what the project knows of it.
    pub(super) fn opened(&mut self, Loaded { origin, scan }: Loaded) -> Command {
        let scan = match scan {
            Ok(scan) => scan,
            Err(error) => return Command::Unreadable(Arc::new(error), origin.map(|origin| origin.catalogue)),
        };
        self.done.extend(remember(&std::mem::take(&mut self.asked), &scan));
        // What was computed for the scan before must not land on this one.
        (self.find, self.analyse) = (None, None);
        let known = self.project.as_ref().ok().map(|project| {
            let case = project.case(&scan.sha256, scan.path.as_deref())?;
            Ok::<_, ProjectError>((case, project.labels(case, &self.config.rater)?))
        });
        let (case, labels) = match known {
            Some(Ok((case, labels))) => (Some(case), labels),
            Some(Err(error)) => {
                self.done.push(Command::Failed(error.to_string()));
                (None, [None, None])
            }
            None => (None, [None, None]),
        };
        self.keep_looks();
        self.labels.begin(case != self.case);
        self.case = case;
        self.list(origin.as_ref());
        self.ask_others();
        self.recall();
        Command::Opened(Opened { scan: Arc::new(scan), origin, labels })
    }

    /// Has pictures of a list made, in place of those of the former one.
    pub(super) fn thumbnails(&mut self, catalogue: Option<Arc<Catalogue>>) {
        let (ready, received) = mpsc::channel();
        self.ready = catalogue.is_some().then_some(received);
        self.thumbnails = catalogue.map(|catalogue| {
            Job::spawn("Pictures of the series", move |progress| {
                for series in 0..catalogue.series().len() {
                    progress.check()?;
                    // A series without a picture says why when it is opened.
                    if let Ok(picture) = catalogue.thumbnail(series, progress) {
                        let _ = ready.send((series, picture));
                    }
                }
                Ok::<_, Cancelled>(())
            })
        });
    }
}

/// Has what was opened remembered, unless its path is of a kind that a settings file cannot hold.
fn remember(asked: &[PathBuf], scan: &Scan) -> Option<Command> {
    let paths: Vec<PathBuf> = asked.iter().filter_map(|path| std::path::absolute(path).ok()).collect();
    if paths.is_empty() || paths.iter().any(|path| path.to_str().is_none()) {
        return None;
    }
    let [columns, rows, slices] = scan.volume.grid.size;
    let size = format!("{columns} × {rows} × {slices}");
    let modality = if scan.modality == "unknown" { "" } else { scan.modality.as_str() };
    let words: Vec<&str> = [modality, scan.format.name(), &size].into_iter().filter(|word| !word.is_empty()).collect();
    let recent = Recent { paths, what: words.join(" · "), opened_secs: secs_since_1970() };
    Some(Command::Settings(SettingsCommand::Remember(recent)))
}

fn secs_since_1970() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default().as_secs()
}
