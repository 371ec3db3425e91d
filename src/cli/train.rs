//! `antrum train`: weights from a cohort, or from synthetic heads made meanwhile.

use super::{Compute, Failure, guarded, say};
use crate::job::Progress;
use crate::methods::residual::train::{Pretext, Training, cae, classifier, pretext, renew_reference};
use crate::methods::residual::{Card, EncoderConfig, Model, TrainConfig};
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
    /// An encoder that predicts the residuals of the autoencoder, labels unseen
    ResidualSsl(PretextArgs),
    /// An encoder that reconstructs sinuses, labels unseen
    Ae(PretextArgs),
    /// An encoder that takes noise away, labels unseen
    Dae(PretextArgs),
    /// An encoder that recognises views of the same sinus among others, labels unseen
    Simclr(PretextArgs),
    /// An encoder that predicts another view of the same sinus as a network that follows slowly sees it, labels unseen
    Byol(PretextArgs),
    /// An encoder that predicts another view of the same sinus, labels unseen
    Simsiam(PretextArgs),
    Classifier(ClassifierArgs),
    Reference(ReferenceArgs),
}

/// What trainings of encoders have in common.
#[derive(Debug, clap::Args)]
struct EncoderArgs {
    /// Cohort folder in BIDS layout with sinuses.tsv (`antrum phantom` makes such); may be given several times
    #[arg(long, value_name = "DIR", required = true)]
    cohort: Vec<PathBuf>,
    /// Folder for weights, card and checkpoint; a training that was interrupted goes on
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Channels of the encoder's first level; the paper's network has 64
    #[arg(long, default_value_t = EncoderConfig::classifier().network.width)]
    width: usize,
    /// Most passes over the training set
    #[arg(long)]
    epochs: Option<usize>,
    /// Crops per step
    #[arg(long)]
    batch: Option<usize>,
    /// Highest learning rate of Adam
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Stop after this many epochs without improvement
    #[arg(long)]
    patience: Option<usize>,
    /// Seed of initial weights, order, jitter and augmentation
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to compute
    #[arg(long, value_enum, default_value_t)]
    device: Compute,
}

impl EncoderArgs {
    /// The settings that these change.
    fn config(&self, mut config: EncoderConfig) -> EncoderConfig {
        let schedule = &mut config.schedule;
        schedule.epochs = self.epochs.unwrap_or(schedule.epochs);
        schedule.batch = self.batch.unwrap_or(schedule.batch);
        schedule.learning_rate = self.learning_rate.unwrap_or(schedule.learning_rate);
        schedule.patience = self.patience.unwrap_or(schedule.patience);
        schedule.seed = self.seed;
        config.network.width = self.width.clamp(1, 256);
        config
    }
}

/// An encoder, labels unseen
#[derive(Debug, clap::Args)]
struct PretextArgs {
    #[command(flatten)]
    encoder: EncoderArgs,
    /// The autoencoder whose residuals are learned, made by `antrum train cae`, instead of the default one
    #[arg(long, value_name = "FILE")]
    cae: Option<PathBuf>,
}

/// The classifier of normal and diseased sinuses, on labelled ones
#[derive(Debug, clap::Args)]
struct ClassifierArgs {
    #[command(flatten)]
    encoder: EncoderArgs,
    /// Weights to begin with instead of random ones: of a pretext, of another classifier, or imported ones
    #[arg(long, value_name = "FILE")]
    initial: Option<PathBuf>,
    /// Share of the labels that is used, in per cent
    #[arg(long, default_value_t = 100.0, value_name = "PERCENT")]
    labels: f64,
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
    /// Where to compute
    #[arg(long, value_enum, default_value_t)]
    device: Compute,
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
    /// What becomes of it: it stays, or falls as half a cosine over the epochs
    #[arg(long, default_value = "constant", value_parser = ["constant", "cosine"])]
    decay: String,
    /// Stop after this many epochs without improvement
    #[arg(long, default_value_t = 5)]
    patience: usize,
    /// Seed of initial weights, order and jitter
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to compute
    #[arg(long, value_enum, default_value_t)]
    device: Compute,
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
        Network::ResidualSsl(args) => pre_train(Pretext::Residual, args),
        Network::Ae(args) => pre_train(Pretext::Autoencoder, args),
        Network::Dae(args) => pre_train(Pretext::Denoising, args),
        Network::Simclr(args) => pre_train(Pretext::SimClr, args),
        Network::Byol(args) => pre_train(Pretext::Byol, args),
        Network::Simsiam(args) => pre_train(Pretext::SimSiam, args),
        Network::Classifier(args) => train_classifier(args),
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
        decay: if args.decay == "cosine" { Decay::Cosine } else { Decay::Constant },
        clip: None,
        patience: args.patience,
        seed: args.seed,
    };
    let config = TrainConfig { schedule, ..TrainConfig::default() };
    let (cohorts, out, compute) = (args.cohort.clone(), args.out.clone(), args.device);
    std::fs::create_dir_all(&out)?;
    let card = guarded("training", move |progress| {
        let mut report = |epoch: &Epoch| tell(epoch, progress);
        Ok(cae(&cohorts, &out, &config, &compute.device()?, &mut report, progress)?)
    })?;
    say(format_args!("cae.bpk and cae.json are in {}", args.out.display()))?;
    say_auroc(&card)
}

fn pre_train(kind: Pretext, args: &PretextArgs) -> Result<(), Failure> {
    let config = args.encoder.config(EncoderConfig::pretext());
    let (cohorts, out, cae) = (args.encoder.cohort.clone(), args.encoder.out.clone(), args.cae.clone());
    let compute = args.encoder.device;
    std::fs::create_dir_all(&out)?;
    guarded("training", move |progress| {
        let device = compute.device()?;
        let cae = cae.map_or_else(|| Model::built_in(&device), |path| Model::load(&path, &device))?;
        let mut report = |epoch: &Epoch| tell(epoch, progress);
        let training = Training { cohorts: &cohorts, out: &out, config: &config, device: &device };
        Ok(pretext(kind, &cae, &training, &mut report, progress)?)
    })?;
    say(format_args!("{0}.bpk and {0}.json are in {1}", kind.name(), args.encoder.out.display()))
}

fn train_classifier(args: &ClassifierArgs) -> Result<(), Failure> {
    let mut config = args.encoder.config(EncoderConfig::classifier());
    config.labels = (args.labels / 100.0).clamp(0.0, 1.0);
    let (cohorts, out, initial) = (args.encoder.cohort.clone(), args.encoder.out.clone(), args.initial.clone());
    let compute = args.encoder.device;
    std::fs::create_dir_all(&out)?;
    let card = guarded("training", move |progress| {
        let mut report = |epoch: &Epoch| tell(epoch, progress);
        let training = Training { cohorts: &cohorts, out: &out, config: &config, device: &compute.device()? };
        Ok(classifier(initial.as_deref(), &training, &mut report, progress)?)
    })?;
    say(format_args!("classifier.bpk and classifier.json are in {}", args.encoder.out.display()))?;
    let auroc = card.auroc.map_or("not measured".to_owned(), |a| format!("{a:.3}"));
    say(format_args!("AUROC on the validation subjects: {auroc}, temperature {:.2}", card.temperature))
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
    let (initial, out, compute) = (args.initial.clone(), args.out.clone(), args.device);
    std::fs::create_dir_all(out.join(part.name()))?;
    guarded("training", move |progress| {
        let mut report = |epoch: &Epoch| tell(epoch, progress);
        Ok(network(part, initial.as_deref(), &out, &config, &compute.device()?, &mut report, progress)?)
    })?;
    say(format_args!("{0}.bpk and {0}.json are in {1}", part.name(), args.out.display()))?;
    Ok(())
}

fn say_auroc(card: &Card) -> Result<(), Failure> {
    let auroc = card.auroc.map_or("not measured: no diseased sinuses".to_owned(), |a| format!("{a:.3}"));
    say(format_args!("AUROC of the score on the validation subjects: {auroc}"))?;
    Ok(())
}
