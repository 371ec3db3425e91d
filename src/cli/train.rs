//! `antrum train`: weights from a cohort, or from synthetic heads made meanwhile.

use super::{Failure, guarded, say};
use crate::job::Progress;
use crate::methods::residual::Card;
use crate::methods::residual::TrainConfig;
use crate::methods::residual::train::{cae, renew_reference};
use crate::methods::sinus::train::network;
use crate::methods::sinus::{self, Part};
use crate::nets;
use crate::train::{Decay, Epoch, Schedule};
use clap::Subcommand;
use std::path::PathBuf;

/// Train a network where the truth is known
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    network: Network,
}

#[derive(Debug, Subcommand)]
enum Network {
    Finder(FinderArgs),
    Cae(CaeArgs),
    Reference(ReferenceArgs),
}

/// One of the two networks that find the sinuses, on synthetic heads made while training
#[derive(Debug, clap::Args)]
struct FinderArgs {
    /// The locator sees whole heads, the segmenter the cube around one sinus
    #[arg(long, value_parser = ["locator", "segmenter"])]
    network: String,
    /// Folder for weights, card and checkpoint; a training that was interrupted goes on
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Weights to begin with instead of random ones
    #[arg(long, value_name = "FILE")]
    initial: Option<PathBuf>,
    /// Epochs
    #[arg(long, default_value_t = sinus::config::TrainConfig::default().schedule.epochs)]
    epochs: usize,
    /// Synthetic heads per epoch
    #[arg(long, default_value_t = sinus::config::TrainConfig::default().heads)]
    heads: usize,
    /// Heads per step
    #[arg(long, default_value_t = sinus::config::TrainConfig::default().schedule.batch)]
    batch: usize,
    /// Learning rate of Adam in the first epoch; it falls as half a cosine
    #[arg(long, default_value_t = sinus::config::TrainConfig::default().schedule.learning_rate)]
    learning_rate: f64,
    /// Seed of initial weights and heads
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// The autoencoder of the residual maps, on the cohort's normal sinuses
#[derive(Debug, clap::Args)]
struct CaeArgs {
    /// Cohort folder in BIDS layout with sinuses.tsv (`antrum phantom` makes such); may be given several times
    #[arg(long, value_name = "DIR", required = true)]
    cohort: Vec<PathBuf>,
    /// Folder for cae.bpk, cae.json and the checkpoint; a training that was interrupted goes on
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Most passes over the training set
    #[arg(long, default_value_t = 100)]
    epochs: usize,
    /// Crops per step
    #[arg(long, default_value_t = 16)]
    batch: usize,
    /// Learning rate of Adam
    #[arg(long, default_value_t = 1e-4)]
    learning_rate: f64,
    /// Stop after this many epochs without improvement
    #[arg(long, default_value_t = 5)]
    patience: usize,
    /// Seed of initial weights, order and jitter
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

/// How normal sinuses score with weights that are there already, written into their card
#[derive(Debug, clap::Args)]
struct ReferenceArgs {
    /// The cohorts of the training, in its order: of these, the subjects kept for validation are scored
    #[arg(long, value_name = "DIR", required = true)]
    cohort: Vec<PathBuf>,
    /// Weights file; its card lies beside it
    #[arg(long, value_name = "FILE")]
    weights: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    match &args.network {
        Network::Finder(args) => finder(args),
        Network::Cae(args) => train(args),
        Network::Reference(args) => {
            let (cohorts, weights) = (args.cohort.clone(), args.weights.clone());
            let card =
                guarded("scoring", move |progress| Ok(renew_reference(&cohorts, &weights, &nets::cpu(), progress)?))?;
            for marked in &card.normal_values {
                say(format_args!("{} % of the voxels lie below {:.4}", marked.percent, marked.value))?;
            }
            say_auroc(&card)
        }
    }
}

fn train(args: &CaeArgs) -> Result<(), Failure> {
    let schedule = Schedule {
        epochs: args.epochs,
        batch: args.batch,
        learning_rate: args.learning_rate,
        decay: Decay::Constant,
        patience: args.patience,
        seed: args.seed,
    };
    let config = TrainConfig { schedule, ..TrainConfig::default() };
    let (cohorts, out) = (args.cohort.clone(), args.out.clone());
    std::fs::create_dir_all(&out)?;
    let card = guarded("training", move |progress| {
        let mut report = |epoch: &Epoch| tell(epoch, progress);
        Ok(cae(&cohorts, &out, &config, &nets::cpu(), &mut report, progress)?)
    })?;
    say(format_args!("cae.bpk and cae.json are in {}", args.out.display()))?;
    say_auroc(&card)
}

fn tell(epoch: &Epoch, progress: &Progress) {
    let left = progress.status().eta.map_or(String::new(), |eta| format!(", {} min left", eta.as_secs() / 60));
    let (training, validation) = (epoch.training_loss, epoch.validation_loss);
    eprintln!("epoch {:>3}  training {training:.5}  validation {validation:.5}{left}", epoch.number);
}

fn finder(args: &FinderArgs) -> Result<(), Failure> {
    let part = if args.network == Part::Locator.name() { Part::Locator } else { Part::Segmenter };
    let mut config = sinus::config::TrainConfig { heads: args.heads, ..Default::default() };
    config.schedule.epochs = args.epochs;
    config.schedule.patience = args.epochs;
    config.schedule.batch = args.batch;
    config.schedule.learning_rate = args.learning_rate;
    config.schedule.seed = args.seed;
    let (initial, out) = (args.initial.clone(), args.out.clone());
    std::fs::create_dir_all(out.join(part.name()))?;
    guarded("training", move |progress| {
        let mut report = |epoch: &Epoch| tell(epoch, progress);
        Ok(network(part, initial.as_deref(), &out, &config, &nets::cpu(), &mut report, progress)?)
    })?;
    say(format_args!("{0}.bpk and {0}.json are in {1}", part.name(), args.out.display()))?;
    Ok(())
}

fn say_auroc(card: &Card) -> Result<(), Failure> {
    let auroc = card.auroc.map_or("not measured: no diseased sinuses".to_owned(), |a| format!("{a:.3}"));
    say(format_args!("AUROC of the score on the validation subjects: {auroc}"))?;
    Ok(())
}
