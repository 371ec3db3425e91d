//! What the runner does for copies without identity. The stand-ins of a project belong together: their key lies beside it.

use super::{Command, Job, Runner, failure, finished};
use crate::app::deidentify::{Copied, DeidentifyCommand, voxels};
use crate::app::load::Origin;
use crate::io::{Pseudonyms, Scan};
use crate::job::Progress;
use crate::project::beside;
use std::path::PathBuf;
use std::sync::Arc;

impl Runner {
    pub(super) fn deidentify(
        &self,
        scan: Arc<Scan>,
        origin: Option<Origin>,
        no_face: bool,
        out: PathBuf,
    ) -> Job<Copied> {
        // Whoever has the key can tell whose copies are.
        let key = beside(&self.config.project, "-key");
        self.pooled("Copying without identity", move |progress: &Progress| {
            let pseudonyms = Pseudonyms::of_file(&key)?;
            let series = origin.as_ref().map(|origin| (&*origin.catalogue, origin.series));
            let of = scan.sha256.clone();
            if let Some((catalogue, index)) = series.filter(|_| !no_face)
                && let Some(done) = catalogue.deidentify(index, &pseudonyms, &out, progress)?
            {
                return Ok(Copied { done, of, volume: None, faceless: None });
            }
            let volume = (scan.frames > 1).then_some([scan.frame + 1, scan.frames]);
            // Where files have names they may not be shown.
            let (done, path) = voxels((*scan).clone(), series, no_face, "the open scan", &pseudonyms, &out, progress)?;
            Ok(Copied { done, of, volume, faceless: no_face.then_some(path) })
        })
    }

    pub(super) fn deidentified(&mut self) -> Option<Command> {
        match finished(&mut self.copy)? {
            Ok(copied) => Some(Command::Deidentify(DeidentifyCommand::Done(copied))),
            Err(error) => failure(error),
        }
    }
}
