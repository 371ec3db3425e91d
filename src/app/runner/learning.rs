//! What the runner does for fine-tuning: the labels of the project become a cohort, a training goes on from the classifier in
//! use, and what it gives is kept beside the project.

use super::{Command, Job, Runner, failure, finished, loaded};
use crate::app::kept_weights::{KeptWeights, TunedWeights};
use crate::app::labelled_cohort;
use crate::app::learning::{KnownWeights, LearnCommand, LearnEffect};
use crate::app::state::{JobKind, JobView};
use crate::job::Progress;
use crate::methods::residual::train::{Training, fine_tune};
use crate::methods::residual::{EncoderConfig, Layers};
use crate::nets;
use crate::project::{Label, Project, ProjectError};
use crate::train::Epoch;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};

/// The work.
#[derive(Default)]
pub(super) struct Learn {
    look: Option<Job<KnownWeights>>,
    tune: Option<Job<Option<TunedWeights>>>,
    epochs: Option<Receiver<Epoch>>,
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

    pub(super) fn learn(&mut self, effect: LearnEffect) {
        match effect {
            LearnEffect::Look => {
                let (kept, path, rater) = (self.kept_weights(), self.config.project.clone(), self.config.rater.clone());
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
        let (kept, former, finder) = (self.kept_weights(), self.kept_weights().in_use(), Arc::clone(&self.finder));
        let (path, rater) = (self.config.project.clone(), self.config.rater.clone());
        self.learning.epochs = Some(received);
        self.learning.tune = Some(self.pooled("Fine-tuning", move |progress: &Progress| {
            let project = Project::open_existing(&path)?;
            let out = kept.begin()?;
            let cohort = out.join("labels");
            std::fs::create_dir_all(&cohort)?;
            labelled_cohort::write(&project, &rater, loaded(&finder)?, &cohort, &progress.part(0.0, 0.2))?;
            let training = Training {
                cohorts: &[cohort],
                out: &out,
                config: &EncoderConfig::tuning(layers),
                device: &nets::cpu(),
            };
            let mut on_epoch = |epoch: &Epoch| {
                // A window that is gone wants to know nothing more.
                let _ = sender.send(*epoch);
            };
            let card = fine_tune(former.as_deref(), layers, &training, &mut on_epoch, &progress.part(0.2, 1.0))?;
            let number = kept.keep()?;
            let tuned = card.tuned.map(|tuned| TunedWeights { number, labelled: card.labelled, tuned });
            if tuned.is_some_and(|weights| weights.tuned.helped()) {
                kept.set_used(Some(number))?;
            }
            Ok(tuned)
        }));
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
            Some(Ok(weights)) => {
                self.model = Arc::default();
                commands.extend(weights.map(|weights| Command::Learn(LearnCommand::Learned(weights))));
            }
            Some(Err(error)) => commands.extend(failure(error)),
            None => {}
        }
        commands
    }
}
