//! The one training loop: epochs of shuffled batches that are prepared ahead, best weights by validation loss, early
//! stopping, checkpoints that resume exactly, progress and cancel. What is trained is a [`Task`]; the loop knows nothing of
//! it.

mod checkpoint;
mod clip;
pub mod lars;
pub mod losses;
mod optimiser;
mod schedule;

pub use optimiser::Optimiser;
pub use schedule::{Decay, Schedule};

use crate::job::{Cancelled, Progress};
use crate::nets::weights::WeightsError;
use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor};
pub use checkpoint::is_begun;
use checkpoint::{Checkpoint, Conditions};
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::Path;
use std::sync::mpsc::sync_channel;

/// Samples of one step.
pub struct Batch<'a> {
    /// Numbers of the samples, in the training or the validation set.
    pub samples: &'a [usize],
    /// Whether they are of the validation set: no augmentation there.
    pub validation: bool,
    /// Randomness for augmentation; depends on seed and epoch alone.
    pub rng: &'a mut ChaCha8Rng,
}

/// What is trained, on batches that are prepared as an `S`.
pub struct Task<'a, M, S> {
    /// How many samples the training set has.
    pub training: usize,
    /// How many samples the validation set has.
    pub validation: usize,
    /// Makes a batch ready for the network: read, drawn, augmented. Runs on a thread of its own, ahead of the network.
    pub prepare: &'a (dyn Fn(&mut Batch<'_>) -> S + Sync + 'a),
    /// The mean loss of a batch, on the device of the network.
    pub loss: &'a (dyn Fn(&M, S, &Device) -> Tensor<1> + 'a),
    /// What becomes of the network after every step, beside what the optimiser does.
    pub after_step: Option<&'a (dyn Fn(M) -> M + 'a)>,
    /// What it depends on beside the schedule: a training is resumed with the same only. See [`fixed_settings`].
    pub settings: Value,
}

/// The settings of a training but its schedule, and which other weights it learns by or began with (SHA-256).
#[must_use]
pub fn fixed_settings(config: &impl Serialize, weights: Option<&str>) -> Value {
    let mut settings = serde_json::to_value(config).unwrap_or_default();
    if let Some(entries) = settings.as_object_mut() {
        entries.remove("schedule");
        entries.insert("weights".to_owned(), weights.into());
    }
    settings
}

/// The losses of one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Counted from 1.
    pub number: usize,
    /// Mean over the training set, measured while training.
    pub training_loss: f64,
    /// Mean over the validation set after the epoch.
    pub validation_loss: f64,
}

/// Why a training ended without weights.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// There is nothing to train or to validate on.
    #[error("the cohort has {training} training and {validation} validation samples; it needs at least one of each")]
    Empty {
        /// Samples to train on.
        training: usize,
        /// Samples to validate on.
        validation: usize,
    },
    /// The loss is no longer a number.
    #[error("the loss became {0} in epoch {1}; lower the learning rate")]
    Diverged(f64, usize),
    /// A checkpoint could not be read or written.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A checkpoint is damaged or belongs to another training.
    #[error("the checkpoint cannot be resumed ({reason}); choose another folder or remove it: {}", path.display())]
    Checkpoint {
        /// What is wrong.
        reason: String,
        /// Its folder.
        path: std::path::PathBuf,
    },
    /// The training was cancelled; the last checkpoint stays.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// What a training gives.
pub struct Trained<M> {
    /// The weights with the lowest validation loss, ready for inference.
    pub best: M,
    /// All epochs so far, those before resuming included.
    pub history: Vec<Epoch>,
}

/// Trains `model` (on an autodiff device). With a `folder`, a checkpoint is kept there after every epoch, and a training
/// that finds one goes on from it as if it had never stopped.
///
/// # Errors
/// See [`TrainError`].
pub fn fit<M: Module, S: Send>(
    model: M,
    task: &Task<'_, M, S>,
    schedule: &Schedule,
    folder: Option<&Path>,
    on_epoch: &mut dyn FnMut(&Epoch),
    progress: &Progress,
) -> Result<Trained<M>, TrainError> {
    let conditions = Conditions {
        schedule: schedule.clone(),
        samples: [task.training, task.validation],
        settings: task.settings.clone(),
    };
    if task.training == 0 || task.validation == 0 {
        return Err(TrainError::Empty { training: task.training, validation: task.validation });
    }
    let mut state =
        Checkpoint { best: model.valid(), model, optimiser: schedule.optimiser.init(), history: Vec::new() };
    if let Some(folder) = folder {
        state = state.resume(folder, &conditions)?;
    }
    while state.history.len() < schedule.epochs && !stalled(&state.history, schedule.patience) {
        let number = state.history.len() + 1;
        let span = 1.0 / schedule.epochs as f32;
        let part = progress.part((number - 1) as f32 * span, number as f32 * span);
        let epoch = one_epoch(&mut state, task, schedule, number, &part)?;
        if state.history.iter().all(|e| epoch.validation_loss < e.validation_loss) {
            // Not a clone: clones share their running statistics, which training goes on changing.
            state.best = state.model.valid();
        }
        state.history.push(epoch);
        if let Some(folder) = folder {
            state.save(folder, &conditions)?;
        }
        on_epoch(&epoch);
    }
    Ok(Trained { best: state.best, history: state.history })
}

/// Whether the last `patience` epochs brought nothing better.
fn stalled(history: &[Epoch], patience: usize) -> bool {
    let best = history.iter().min_by(|a, b| a.validation_loss.total_cmp(&b.validation_loss));
    best.is_some_and(|best| history.len() - best.number >= patience)
}

/// Batches that wait while the network learns from another.
const AHEAD: usize = 1;

fn one_epoch<M: Module, S: Send>(
    state: &mut Checkpoint<M>,
    task: &Task<'_, M, S>,
    schedule: &Schedule,
    number: usize,
    progress: &Progress,
) -> Result<Epoch, TrainError> {
    // One generator per epoch, so that a resumed training draws what the uninterrupted one would have drawn.
    let mut rng = ChaCha8Rng::seed_from_u64(schedule.seed);
    rng.set_stream(number as u64);
    let mut order: Vec<usize> = (0..task.training).collect();
    order.shuffle(&mut rng);
    let kept: Vec<usize> = (0..task.validation).collect();
    let [order, kept] = [&order, &kept].map(|samples| samples.chunks(schedule.batch.max(1)));
    let stage = format!("epoch {number} of {}", schedule.epochs);

    std::thread::scope(|scope| {
        let (sender, ready) = sync_channel(AHEAD);
        let batches = order.clone().map(|samples| (samples, false)).chain(kept.clone().map(|samples| (samples, true)));
        let prepare = task.prepare;
        let loader = scope.spawn(move || {
            for (samples, validation) in batches {
                // A loop that has ended early wants no more.
                let prepared = prepare(&mut Batch { samples, validation, rng: &mut rng });
                if sender.send(prepared).is_err() {
                    break;
                }
            }
        });

        let (steps, mut training) = (order.len(), Mean::default());
        for (step, (samples, batch)) in order.zip(&ready).enumerate() {
            progress.step(0.9 * training.count as f32 / task.training as f32, &stage)?;
            let loss = (task.loss)(&state.model, batch, &device(&state.model));
            training.add(loss.clone().into_scalar::<f32>(), samples.len());
            if !training.value().is_finite() {
                return Err(TrainError::Diverged(training.value(), number));
            }
            // A batch that a cancel left unfinished teaches nothing.
            progress.check()?;
            let mut gradients = GradientsParams::from_grads(loss.backward(), &state.model);
            if let Some(longest) = schedule.clip {
                gradients = clip::shortened(gradients, &state.model, longest);
            }
            let rate = schedule.rate(&state.history, step, steps);
            let stepped = state.optimiser.step(rate, state.model.clone(), gradients);
            state.model = if let Some(after) = task.after_step { after(stepped) } else { stepped };
        }

        let model = state.model.valid();
        let mut validation = Mean::default();
        for (samples, batch) in kept.zip(&ready) {
            progress.step(0.9 + 0.1 * validation.count as f32 / task.validation as f32, &stage)?;
            let loss = (task.loss)(&model, batch, &device(&model));
            validation.add(loss.into_scalar::<f32>(), samples.len());
        }
        progress.check()?;
        // Batches that are missing are missing for a reason.
        if let Err(panic) = loader.join() {
            std::panic::resume_unwind(panic);
        }
        Ok(Epoch { number, training_loss: training.value(), validation_loss: validation.value() })
    })
}

/// Where a network is: for validation not on the device that keeps track of gradients.
fn device<M: Module>(model: &M) -> Device {
    model.devices().into_iter().next().unwrap_or_else(Device::flex)
}

/// A mean weighted by batch sizes.
#[derive(Default)]
struct Mean {
    sum: f64,
    count: usize,
}

impl Mean {
    fn add(&mut self, value: f32, count: usize) {
        self.sum += f64::from(value) * count as f64;
        self.count += count;
    }

    fn value(&self) -> f64 {
        self.sum / self.count.max(1) as f64
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::nets::{Cae, CaeConfig};
    use burn::tensor::{Device, TensorData};

    fn schedule(epochs: usize) -> Schedule {
        let (optimiser, decay) = (Optimiser::Adam, Decay::Constant);
        Schedule { epochs, batch: 2, optimiser, learning_rate: 1e-3, decay, clip: None, patience: 9, seed: 5 }
    }

    /// Tiny cubes with a bright half whose brightness differs; augmentation shifts all values a little.
    fn cubes(batch: &mut Batch<'_>) -> Vec<f32> {
        use rand::RngExt as _;
        let mut values = Vec::new();
        for &sample in batch.samples {
            let shift = if batch.validation { 0.0 } else { batch.rng.random_range(0.0..0.1_f32) };
            values.extend((0..512).map(|i| if i % 8 < 4 { 0.1 * sample as f32 + shift } else { 0.0 }));
        }
        values
    }

    fn loss(model: &Cae, cubes: Vec<f32>, device: &Device) -> Tensor<1> {
        let count = cubes.len() / 512;
        let x = Tensor::<5>::from_data(TensorData::new(cubes, [count, 1, 8, 8, 8]), device);
        (model.forward(x.clone()) - x).abs().mean()
    }

    fn network() -> Cae {
        CaeConfig::new().with_size(8).with_latent(4).init(&Device::flex().autodiff())
    }

    /// A network with the parameters of another, but nothing shared. Seeds would not do: all tests draw from one generator.
    fn twin(net: &Cae) -> Cae {
        network().load_record(net.clone().into_record())
    }

    fn run(net: Cae, epochs: usize, folder: Option<&Path>) -> Result<Trained<Cae>, TrainError> {
        run_by(&schedule(epochs), net, folder)
    }

    fn run_by(schedule: &Schedule, net: Cae, folder: Option<&Path>) -> Result<Trained<Cae>, TrainError> {
        run_with(0.1, schedule, net, folder)
    }

    fn run_with(
        setting: f64,
        schedule: &Schedule,
        net: Cae,
        folder: Option<&Path>,
    ) -> Result<Trained<Cae>, TrainError> {
        let settings = fixed_settings(&serde_json::json!({ "setting": setting }), None);
        let task = Task { training: 5, validation: 2, prepare: &cubes, loss: &loss, after_step: None, settings };
        fit(net, &task, schedule, folder, &mut |_| (), &Progress::default())
    }

    #[test]
    fn a_training_is_not_resumed_with_other_settings() {
        let folder = tempfile::tempdir().unwrap();
        let run = |setting, epochs| run_with(setting, &schedule(epochs), network(), Some(folder.path()));
        run(0.1, 1).unwrap();
        let refused = run(0.2, 2).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(refused.contains("other settings"), "{refused}");
        assert_eq!(run(0.1, 2).unwrap().history.len(), 2, "what was refused lost nothing");
    }

    #[test]
    fn training_lowers_the_loss_and_resuming_equals_not_stopping() {
        for (optimiser, learning_rate) in [(Optimiser::Adam, 1e-3), (Optimiser::Lars, 3.0)] {
            let schedule = |epochs: usize| Schedule { optimiser, learning_rate, ..schedule(epochs) };
            let whole = tempfile::tempdir().unwrap();
            let halves = tempfile::tempdir().unwrap();
            let net = network();
            let uninterrupted = run_by(&schedule(4), twin(&net), Some(whole.path())).unwrap();
            let losses = uninterrupted.history.iter().map(|epoch| epoch.training_loss).collect::<Vec<_>>();
            assert!(losses[3] < losses[0], "{optimiser:?} {losses:?}");
            run_by(&schedule(2), twin(&net), Some(halves.path())).unwrap();
            // Other initial weights: resuming must not use them.
            let resumed = run_by(&schedule(4), network(), Some(halves.path())).unwrap();
            assert_eq!(resumed.history[2..], uninterrupted.history[2..], "{optimiser:?}");
        }
    }

    #[test]
    fn a_checkpoint_that_cannot_be_written_leaves_the_former_one() {
        let folder = tempfile::tempdir().unwrap();
        let whole = run(twin(&network()), 1, Some(folder.path())).unwrap();
        // What a full disk does to the next one, this does too.
        let in_the_way = folder.path().join("checkpoint.next");
        std::fs::write(&in_the_way, "").unwrap();
        let refused = run(network(), 2, Some(folder.path())).err();
        let said = refused.map(|error| error.to_string()).unwrap_or_default();
        assert!(said.contains("checkpoint"), "{said}");
        std::fs::remove_file(in_the_way).unwrap();
        let resumed = run(network(), 2, Some(folder.path())).unwrap();
        // JSON may lose the last digit.
        let apart = |of: fn(&Epoch) -> f64| (of(&resumed.history[0]) - of(&whole.history[0])).abs();
        assert!(apart(|epoch| epoch.training_loss).max(apart(|epoch| epoch.validation_loss)) < 1e-12);
        let table = std::fs::read_to_string(folder.path().join("history.csv")).unwrap();
        assert!(table.starts_with("epoch,training_loss,validation_loss\n1,") && table.lines().count() == 3, "{table}");
    }

    #[test]
    fn no_samples_and_cancelling_are_errors() {
        let net = network();
        let empty =
            Task { training: 0, validation: 1, prepare: &cubes, loss: &loss, after_step: None, settings: Value::Null };
        let progress = Progress::default();
        let outcome = fit(net.clone(), &empty, &schedule(1), None, &mut |_| (), &progress);
        assert!(matches!(outcome, Err(TrainError::Empty { .. })));
        progress.cancel();
        let task =
            Task { training: 1, validation: 1, prepare: &cubes, loss: &loss, after_step: None, settings: Value::Null };
        let outcome = fit(net, &task, &schedule(1), None, &mut |_| (), &progress);
        assert!(matches!(outcome, Err(TrainError::Cancelled(_))));
    }

    #[test]
    fn the_best_weights_are_not_changed_by_the_epochs_after_them() {
        let output = |trained: &Trained<Cae>| {
            let x = Tensor::<5>::ones([1, 1, 8, 8, 8], &Device::flex());
            trained.best.forward(x).into_data().try_into_vec::<f32>().unwrap()
        };
        let net = network();
        let run = |epochs: usize| {
            // Every validation is worse than the one before: the first epoch is the best.
            let validations = std::cell::Cell::new(0.0_f32);
            let prepare = |batch: &mut Batch<'_>| (batch.validation, cubes(batch));
            let worsening = |net: &Cae, (validation, cubes): (bool, Vec<f32>), device: &Device| {
                if !validation {
                    return loss(net, cubes, device);
                }
                validations.set(validations.get() + 1.0);
                Tensor::from_floats([validations.get()], &Device::flex())
            };
            let task = Task {
                training: 5,
                validation: 2,
                prepare: &prepare,
                loss: &worsening,
                after_step: None,
                settings: Value::Null,
            };
            fit(twin(&net), &task, &schedule(epochs), None, &mut |_| (), &Progress::default()).unwrap()
        };
        assert_eq!(output(&run(4)), output(&run(1)));
    }

    #[test]
    fn patience_counts_epochs_since_the_best() {
        let epoch = |number, validation_loss| Epoch { number, training_loss: 0.0, validation_loss };
        let history = [epoch(1, 3.0), epoch(2, 1.0), epoch(3, 2.0), epoch(4, 1.5)];
        assert!(stalled(&history, 2));
        assert!(!stalled(&history, 3));
        assert!(!stalled(&[], 1));
    }
}
