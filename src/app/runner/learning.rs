//! What the runner does for fine-tuning: the labels of the project become a cohort, a training goes on from the classifier in
//! use, and what it gives is kept beside the project.

use super::{Command, Failure, Job, Runner, failure, finished, loaded, pool};
use crate::app::kept_weights::{KeptWeights, TunedWeights};
use crate::app::labelled_cohort;
use crate::app::learning::{KnownWeights, LearnCommand, LearnEffect};
use crate::app::state::{JobKind, JobView};
use crate::io::WriteError;
use crate::job::Progress;
use crate::methods::residual::train::{Training, fine_tune};
use crate::methods::residual::{ClassifierCard, EncoderConfig, Layers};
use crate::nets;
use crate::project::{Label, Project, ProjectError, first_reading};
use crate::train::Epoch;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

/// The work.
#[derive(Default)]
pub(super) struct Learn {
    look: Option<Job<KnownWeights>>,
    tune: Option<Job<Learned>>,
    /// The classifier that the training began with.
    former: Option<u32>,
    epochs: Option<Receiver<Epoch>>,
}

/// What a training left behind.
struct Learned {
    folder: PathBuf,
    card: ClassifierCard,
    /// Labelled scans that could not be read.
    left_out: usize,
}

impl Learn {
    pub fn cancel(&mut self) {
        (self.tune, self.epochs) = (None, None);
    }

    pub fn view(&self) -> Option<JobView> {
        JobView::of(JobKind::Learn, self.tune.as_ref())
    }

    pub fn busy(&self) -> bool {
        self.look.is_some() || self.tune.is_some()
    }
}

impl Runner {
    /// The classifiers that were fine-tuned on this project's labels.
    pub(super) fn kept_weights(&self) -> KeptWeights {
        KeptWeights::beside(&self.config.project)
    }

    /// Whose labels are learned from: a rater's first reading.
    fn teacher(&self) -> String {
        first_reading(&self.config.rater).unwrap_or(&self.config.rater).to_owned()
    }

    pub(super) fn learn(&mut self, effect: LearnEffect) {
        match effect {
            LearnEffect::Look => {
                let (kept, path, rater) = (self.kept_weights(), self.config.project.clone(), self.teacher());
                self.learning.look = Some(Job::spawn("Looking at the labels", move |_| {
                    let labels = Project::open_existing(&path)?.all_labels(&rater)?;
                    let count = |wanted| labels.values().flatten().filter(|label| **label == Some(wanted)).count();
                    let labelled = [Label::Normal, Label::Anomalous].map(count);
                    Ok::<_, ProjectError>(KnownWeights { labelled, tuned: kept.all(), used: kept.used() })
                }));
            }
            LearnEffect::Start(layers) => self.fine_tune(layers),
            LearnEffect::Use(number) => match self.kept_weights().set_used(number) {
                Ok(()) => self.model = Arc::default(),
                Err(error) => {
                    self.done.push(Command::Failed(error.to_string()));
                    self.learn(LearnEffect::Look);
                }
            },
        }
    }

    fn fine_tune(&mut self, layers: Layers) {
        let (sender, received) = mpsc::channel();
        let (kept, finder) = (self.kept_weights(), Arc::clone(&self.finder));
        let (path, rater) = (self.config.project.clone(), self.teacher());
        self.learning.epochs = Some(received);
        self.learning.former = kept.used();
        let former = kept.in_use();
        self.learning.tune = Some(Job::spawn("Fine-tuning", move |progress: &Progress| -> Result<Learned, Failure> {
            let out = kept.begin()?;
            let tune = || -> Result<Learned, Failure> {
                let project = Project::open_existing(&path)?;
                let cohort = out.join("labels");
                std::fs::create_dir_all(&cohort)?;
                let found = &progress.part(0.0, 0.2);
                let made = labelled_cohort::write(&project, &rater, loaded(&finder)?, &cohort, found)?;
                let config = EncoderConfig::tuning(layers);
                let training = Training { cohorts: &[cohort], out: &out, config: &config, device: &nets::cpu() };
                let mut on_epoch = |epoch: &Epoch| {
                    // A window that is gone wants to know nothing more.
                    let _ = sender.send(*epoch);
                };
                let card = fine_tune(former.as_deref(), layers, &training, &mut on_epoch, &progress.part(0.2, 1.0))?;
                progress.check()?;
                Ok(Learned { folder: out.clone(), card, left_out: made.left_out.len() })
            };
            // Not in the pool of the analyses, which would wait for it.
            let learned = match pool("training") {
                Some(pool) => pool.install(tune),
                None => tune(),
            };
            if learned.is_err() {
                // Nothing of it is kept.
                let _ = std::fs::remove_dir_all(&out);
            }
            learned
        }));
    }

    /// Keeps what was learned, and uses it if it does better and nothing else was chosen meanwhile.
    fn keep(&mut self, learned: Learned) -> Result<Option<Command>, WriteError> {
        let Learned { folder, card, left_out } = learned;
        let Some(tuned) = card.tuned else { return Ok(None) };
        let kept = self.kept_weights();
        let number = kept.keep(&folder)?;
        let used = tuned.helped() && kept.used() == self.learning.former;
        if used {
            kept.set_used(Some(number))?;
            self.model = Arc::default();
        }
        // What was seen before this is old.
        self.learn(LearnEffect::Look);
        let weights = TunedWeights { number, labelled: card.labelled, tuned };
        Ok(Some(Command::Learn(LearnCommand::Learned { weights, used, left_out })))
    }

    pub(super) fn learned(&mut self) -> Vec<Command> {
        let epochs = self.learning.epochs.iter().flat_map(Receiver::try_iter);
        let mut commands: Vec<Command> = epochs.map(|epoch| Command::Learn(LearnCommand::Epoch(epoch))).collect();
        match finished(&mut self.learning.look) {
            Some(Ok(known)) => commands.push(Command::Learn(LearnCommand::Known(known))),
            Some(Err(error)) => commands.extend(failure(error)),
            None => {}
        }
        match finished(&mut self.learning.tune) {
            Some(Ok(learned)) => match self.keep(learned) {
                Ok(command) => commands.extend(command),
                Err(error) => commands.push(Command::Failed(error.to_string())),
            },
            Some(Err(error)) => commands.extend(failure(error)),
            None => {}
        }
        commands
    }
}
