//! The classifiers that were fine-tuned on the labels of a project, in a folder beside it:
//!
//! ```text
//! labels.antrum-weights/
//!   1/classifier.bpk   1/classifier.json
//!   2/…
//!   in-use             the number of the one in use; without this file it is the built-in one
//!   new-…/             a training that goes on
//! ```
//!
//! None is ever replaced: the former one can always be used again.

use crate::io::{self, WriteError};
use crate::methods::residual::{ClassifierCard, Tuned};
use crate::project;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The folder.
#[derive(Clone, Debug)]
pub struct KeptWeights {
    folder: PathBuf,
}

/// One classifier of the folder.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TunedWeights {
    /// Its number, from 1.
    pub number: u32,
    /// Normal and anomalous sinuses that it learned from.
    pub labelled: [usize; 2],
    /// What that changed.
    pub tuned: Tuned,
}

impl KeptWeights {
    /// Of a project file.
    #[must_use]
    pub fn beside(project: &Path) -> Self {
        Self { folder: project::beside(project, "-weights") }
    }

    /// All of them, the oldest first. What cannot be read is left out.
    #[must_use]
    pub fn all(&self) -> Vec<TunedWeights> {
        let known = |number: u32| {
            let card = fs::read(self.file(number).with_extension("json")).ok()?;
            let card: ClassifierCard = serde_json::from_slice(&card).ok()?;
            Some(TunedWeights { number, labelled: card.labelled, tuned: card.tuned? })
        };
        self.numbers().into_iter().filter_map(known).collect()
    }

    fn numbers(&self) -> Vec<u32> {
        let entries = fs::read_dir(&self.folder).into_iter().flatten().flatten();
        let mut numbers: Vec<u32> = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
        numbers.sort_unstable();
        numbers
    }

    /// The weights file of a number.
    #[must_use]
    pub fn file(&self, number: u32) -> PathBuf {
        self.folder.join(number.to_string()).join("classifier.bpk")
    }

    /// The number of the classifier in use; none where it is the built-in one.
    #[must_use]
    pub fn used(&self) -> Option<u32> {
        fs::read_to_string(self.folder.join("in-use")).ok()?.trim().parse().ok()
    }

    /// The weights file of the classifier in use; none where it is the built-in one.
    #[must_use]
    pub fn in_use(&self) -> Option<PathBuf> {
        self.used().map(|number| self.file(number))
    }

    /// Says which is to be used from now on.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn set_used(&self, number: Option<u32>) -> Result<(), WriteError> {
        let path = self.folder.join("in-use");
        match number {
            Some(number) => io::write_whole(&path, number.to_string().as_bytes()),
            None if path.exists() => fs::remove_file(&path).map_err(|source| WriteError::Io { source, path }),
            None => Ok(()),
        }
    }

    /// A new and empty folder for a training: one that was stopped may still be at work in another.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn begin(&self) -> Result<PathBuf, WriteError> {
        let made = || {
            fs::create_dir_all(&self.folder)?;
            let names = (1..).map(|number: u32| self.folder.join(format!("new-{}-{number}", std::process::id())));
            for path in names {
                match fs::create_dir(&path) {
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                    made => return made.map(|()| path),
                }
            }
            Err(ErrorKind::AlreadyExists.into())
        };
        made().map_err(|source| WriteError::Io { source, path: self.folder.clone() })
    }

    /// Keeps what a training left in its folder under the next number.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn keep(&self, from: &Path) -> Result<u32, WriteError> {
        let number = self.numbers().last().map_or(1, |last| last + 1);
        let to = self.file(number);
        let moved = || {
            fs::create_dir_all(to.parent().unwrap_or(&self.folder))?;
            for ending in ["bpk", "json"] {
                fs::rename(from.join("classifier").with_extension(ending), to.with_extension(ending))?;
            }
            // Checkpoints are of no more use.
            fs::remove_dir_all(from)
        };
        moved().map(|()| number).map_err(|source| WriteError::Io { source, path: to.clone() })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::methods::residual::{Classify, Layers, Performance};
    use crate::nets;

    #[test]
    fn each_training_is_kept_and_any_of_them_can_be_used() {
        let folder = tempfile::tempdir().unwrap();
        let kept = KeptWeights::beside(&folder.path().join("labels.antrum"));
        assert_eq!((kept.all(), kept.used()), (Vec::new(), None));
        kept.set_used(None).unwrap();
        let worth = |auroc| Performance { sinuses: [3, 2], auroc: Some(auroc), accuracy: 0.8, cross_entropy: 0.4 };
        let tuned = Tuned { layers: Layers::Head, before: worth(0.7), after: worth(0.9) };
        let mut card = Classify::built_in(&nets::cpu()).unwrap().card;
        for number in [1, 2] {
            let new = kept.begin().unwrap();
            fs::write(new.join("classifier.bpk"), [number]).unwrap();
            card.tuned = Some(tuned);
            io::write_json(&new.join("classifier.json"), &card).unwrap();
            assert_eq!(kept.keep(&new).unwrap(), u32::from(number));
        }
        assert_eq!(kept.all().iter().map(|one| one.number).collect::<Vec<_>>(), [1, 2]);
        assert_eq!(kept.all()[1].tuned, tuned);
        assert_eq!(fs::read(kept.file(1)).unwrap(), [1], "the former weights stay");
        kept.set_used(Some(1)).unwrap();
        assert_eq!(kept.used(), Some(1));
        kept.set_used(None).unwrap();
        assert_eq!(kept.used(), None);
        // A training that was stopped leaves nothing that could be taken for weights.
        let stopped = kept.begin().unwrap();
        fs::write(stopped.join("classifier.bpk"), "half").unwrap();
        assert_eq!(kept.all().len(), 2);
        let next = kept.begin().unwrap();
        assert!(next != stopped && fs::read_dir(next).unwrap().count() == 0, "both may be at work");
    }
}
