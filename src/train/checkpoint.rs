//! Where a training stands: model, best model, optimiser and history in one folder, replaced as a whole after each epoch.

use super::{Epoch, Schedule, TrainError};
use crate::nets::weights::WeightsError;
use burn::module::Module;
use burn::optim::ModuleOptimizer;
use burn::store::{ModuleRecord, RecordError};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};

pub(super) struct Checkpoint<M> {
    pub model: M,
    pub best: M,
    pub optimiser: ModuleOptimizer,
    pub history: Vec<Epoch>,
}

/// What a training is resumed with the same of only.
#[derive(Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Conditions {
    pub schedule: Schedule,
    /// Sizes of training and validation set: another cohort is another training.
    pub samples: [usize; 2],
    /// What else it depends on.
    #[serde(default)]
    pub settings: Value,
}

/// What can be read without the network.
#[derive(Serialize, Deserialize)]
struct State {
    #[serde(flatten)]
    conditions: Conditions,
    history: Vec<Epoch>,
}

const NOW: &str = "checkpoint";
const NEXT: &str = "checkpoint.next";
const BEFORE: &str = "checkpoint.before";

/// Whether a folder holds a training to go on with.
#[must_use]
pub fn is_begun(folder: &Path) -> bool {
    of(folder).is_some()
}

/// The checkpoint of a folder.
fn of(folder: &Path) -> Option<PathBuf> {
    [NOW, BEFORE].map(|name| folder.join(name)).into_iter().find(|path| path.is_dir())
}

/// The losses of all epochs as a table.
fn curves(history: &[Epoch]) -> String {
    let line = |e: &Epoch| format!("{},{},{}\n", e.number, e.training_loss, e.validation_loss);
    let head = "epoch,training_loss,validation_loss\n".to_owned();
    history.iter().map(line).fold(head, |text, line| text + &line)
}

impl<M: Module> Checkpoint<M> {
    /// Goes on from the folder's checkpoint, if there is one. More epochs than before are fine; other settings are not.
    pub fn resume(mut self, folder: &Path, conditions: &Conditions) -> Result<Self, TrainError> {
        let Some(path) = of(folder) else { return Ok(self) };
        let damaged = |reason: String| TrainError::Checkpoint { reason, path: path.clone() };
        let text = fs::read(path.join("state.json")).map_err(|e| damaged(e.to_string()))?;
        let State { conditions: mut former, history } =
            serde_json::from_slice(&text).map_err(|e| damaged(e.to_string()))?;
        // As they would be read: JSON may lose the last digit.
        let read = serde_json::to_vec(conditions).and_then(|text| serde_json::from_slice::<Conditions>(&text));
        // Epochs may be added where none of those before depends on their number.
        if !conditions.schedule.decay.knows_the_end() {
            former.schedule.epochs = conditions.schedule.epochs;
        }
        if read.ok() != Some(former) {
            return Err(damaged("it was made with other settings or another cohort".to_owned()));
        }
        let unreadable = |e: RecordError| damaged(format!("{e:?}"));
        let load = |module: M, name: &str| {
            ModuleRecord::load(path.join(name)).and_then(|record| module.try_load_record(record)).map_err(unreadable)
        };
        self.model = load(self.model, "model.bpk")?;
        self.best = load(self.best, "best.bpk")?;
        self.optimiser = self.optimiser.load(path.join("optimiser.bpk")).map_err(unreadable)?;
        self.history = history;
        Ok(self)
    }

    /// Writes the checkpoint beside the former one, then lets it take its place.
    pub fn save(&self, folder: &Path, conditions: &Conditions) -> Result<(), TrainError> {
        self.write(folder, conditions)
            .map_err(|reason| TrainError::Weights(WeightsError::Write { reason, path: folder.join(NOW) }))
    }

    fn write(&self, folder: &Path, conditions: &Conditions) -> Result<(), String> {
        let [now, next, before] = [NOW, NEXT, BEFORE].map(|name| folder.join(name));
        let record = |e: RecordError| format!("{e:?}");
        let file = |e: std::io::Error| e.to_string();
        if next.exists() {
            fs::remove_dir_all(&next).map_err(file)?;
        }
        fs::create_dir_all(&next).map_err(file)?;
        self.model.clone().into_record().save(next.join("model.bpk")).map_err(record)?;
        self.best.clone().into_record().save(next.join("best.bpk")).map_err(record)?;
        self.optimiser.save(next.join("optimiser.bpk")).map_err(record)?;
        let state = State { conditions: conditions.clone(), history: self.history.clone() };
        let text = serde_json::to_vec_pretty(&state).map_err(|e| e.to_string())?;
        fs::write(next.join("state.json"), text).map_err(file)?;
        if before.exists() {
            fs::remove_dir_all(&before).map_err(file)?;
        }
        if now.exists() {
            fs::rename(&now, &before).map_err(file)?;
        }
        fs::rename(&next, &now).map_err(file)?;
        fs::write(folder.join("history.csv"), curves(&self.history)).map_err(file)
    }
}
