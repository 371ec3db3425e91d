//! `antrum train`: weights from a cohort, or from synthetic heads made meanwhile.

use super::{Compute, Failure, guarded, say};
use crate::job::Progress;
use crate::methods::residual::train::{Pretext, Training, cae, classifier, fine_tune, pretext, renew_reference};
use crate::methods::residual::{Card, EncoderConfig, Layers, Model, ResidualLoss, TrainConfig};
use crate::methods::sinus::train::network;
use crate::methods::sinus::{self, Part};
use crate::nets;
use crate::train::{Decay, Epoch, Optimiser, is_begun};
use clap::Subcommand;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use std::path::{Path, PathBuf};

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
    /// An encoder that draws the hidden parts of sinuses from the others, labels unseen
    Spark(PretextArgs),
    Classifier(ClassifierArgs),
    FineTune(FineTuneArgs),
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
    /// Refuse to begin anew: there must be a checkpoint to go on from
    #[arg(long)]
    resume: bool,
    /// Settings to begin with, which the options below change: a file of them, or the card of weights (JSON)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Channels of the encoder's first level; the paper's network has 64 [default: 16]
    #[arg(long)]
    width: Option<usize>,
    /// Most passes over the training set
    #[arg(long)]
    epochs: Option<usize>,
    /// Crops per step
    #[arg(long)]
    batch: Option<usize>,
    /// By what rule gradients become steps [default: adam]
    #[arg(long)]
    optimiser: Option<Rule>,
    /// Highest learning rate [default: 1e-3, or 0.15 for LARS]
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Stop after this many epochs without improvement
    #[arg(long)]
    patience: Option<usize>,
    /// Seed of initial weights, order, jitter and augmentation [default: 1]
    #[arg(long)]
    seed: Option<u64>,
    /// Where to compute
    #[arg(long, value_enum, default_value_t)]
    device: Compute,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Rule {
    /// Adam
    Adam,
    /// Layer-wise adaptive rates (LARS), for large batches
    Lars,
}

impl EncoderArgs {
    /// The usual settings or those of the file, changed as the options say.
    fn config(&self, usual: EncoderConfig) -> Result<EncoderConfig, Failure> {
        let mut config = self.config.as_deref().map_or(Ok(usual), settings)?;
        let schedule = &mut config.schedule;
        schedule.epochs = self.epochs.unwrap_or(schedule.epochs);
        schedule.batch = self.batch.unwrap_or(schedule.batch);
        if let Some(rule) = self.optimiser {
            let (rule, rate) = match rule {
                Rule::Adam => (Optimiser::Adam, 1e-3),
                Rule::Lars => (Optimiser::Lars, 0.15),
            };
            // The rate of one would hardly move anything by the other, or move it too far.
            if schedule.optimiser != rule {
                (schedule.optimiser, schedule.learning_rate) = (rule, rate);
            }
        }
        schedule.learning_rate = self.learning_rate.unwrap_or(schedule.learning_rate);
        schedule.patience = self.patience.unwrap_or(schedule.patience);
        schedule.seed = self.seed.unwrap_or(schedule.seed);
        if schedule.epochs == 0 || schedule.batch == 0 {
            return Err("a training has at least one epoch and one crop per step".into());
        }
        config.network.width = self.width.unwrap_or(config.network.width).clamp(1, 256);
        Ok(config)
    }
}

/// The settings in a file, which may be the card of weights that were trained with them.
fn settings<C: DeserializeOwned + Serialize>(path: &Path) -> Result<C, Failure> {
    let read = || -> Result<C, Failure> {
        let mut json: Value = serde_json::from_slice(&std::fs::read(path)?)?;
        let training = json.get_mut("training").map(Value::take).unwrap_or(json);
        let settings: C = serde_json::from_value(training.clone())?;
        // Those of another network have entries that these have not.
        let known = serde_json::to_value(&settings)?;
        match training.as_object().and_then(|entries| entries.keys().find(|key| known.get(key).is_none())) {
            Some(entry) => Err(format!("there is no {entry} in them").into()),
            None => Ok(settings),
        }
    };
    read().map_err(|error| {
        let place = path.display();
        format!("these are no settings of such a training ({error}); take those of a card made by it: {place}").into()
    })
}

/// An encoder, labels unseen
#[derive(Debug, clap::Args)]
struct PretextArgs {
    #[command(flatten)]
    encoder: EncoderArgs,
    /// The autoencoder whose residuals are learned, made by `antrum train cae`, instead of the default one
    #[arg(long, value_name = "FILE")]
    cae: Option<PathBuf>,
    /// Edge of the median filter that residuals go through, in voxels [default: 5]
    #[arg(long, value_parser = super::analyse::parse_median)]
    median: Option<usize>,
    /// By which loss residuals are learned [default: bce]
    #[arg(long)]
    loss: Option<Loss>,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Loss {
    /// Binary cross-entropy
    Bce,
    /// Mean absolute difference
    L1,
    /// Mean squared difference
    L2,
}

/// The classifier of normal and diseased sinuses, on labelled ones
#[derive(Debug, clap::Args)]
struct ClassifierArgs {
    #[command(flatten)]
    encoder: EncoderArgs,
    /// Weights to begin with instead of random ones: of a pretext, of another classifier, or imported ones
    #[arg(long, value_name = "FILE")]
    initial: Option<PathBuf>,
    /// Share of the labels that is used, in per cent [default: 100]
    #[arg(long, value_name = "PERCENT")]
    labels: Option<f64>,
}

/// A classifier further, on a few labels, with its figures before and after on subjects kept out
#[derive(Debug, clap::Args)]
struct FineTuneArgs {
    /// Cohort folder with sinuses.tsv, as antrum labels cohort makes of a project; may be given several times
    #[arg(long, value_name = "DIR", required = true)]
    cohort: Vec<PathBuf>,
    /// Folder for weights, card and checkpoint; a training that was interrupted goes on
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Refuse to begin anew: there must be a checkpoint to go on from
    #[arg(long)]
    resume: bool,
    /// The classifier to fine-tune instead of the built-in one
    #[arg(long, value_name = "FILE")]
    classifier: Option<PathBuf>,
    /// What learns: the head alone, for which a few labels are enough, or all layers
    #[arg(long, default_value = "head", value_parser = ["head", "all"])]
    layers: String,
    /// Most passes over the training set
    #[arg(long, default_value_t = EncoderConfig::tuning(Layers::Head).schedule.epochs)]
    epochs: usize,
    /// Highest learning rate of Adam [default: 1e-3 for the head, 1e-4 for all layers]
    #[arg(long)]
    learning_rate: Option<f64>,
    /// Seed of the parts, order and jitter
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to compute
    #[arg(long, value_enum, default_value_t)]
    device: Compute,
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
    /// Refuse to begin anew: there must be a checkpoint to go on from
    #[arg(long)]
    resume: bool,
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
    /// Refuse to begin anew: there must be a checkpoint to go on from
    #[arg(long)]
    resume: bool,
    /// Settings to begin with, which the options below change: a file of them, or the card of weights (JSON)
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Most passes over the training set [default: 100]
    #[arg(long)]
    epochs: Option<usize>,
    /// Crops per step [default: 16]
    #[arg(long)]
    batch: Option<usize>,
    /// Learning rate of Adam [default: 1e-4]
    #[arg(long)]
    learning_rate: Option<f64>,
    /// What becomes of it: it stays, or falls as half a cosine over the epochs [default: constant]
    #[arg(long, value_parser = ["constant", "cosine"])]
    decay: Option<String>,
    /// Stop after this many epochs without improvement [default: 5]
    #[arg(long)]
    patience: Option<usize>,
    /// Share of the normal sinuses that is used, in per cent [default: 100]
    #[arg(long, value_name = "PERCENT")]
    normals: Option<f64>,
    /// Share of the crops, in per cent, into which an opacity is laid that the autoencoder learns to take away [default: 0]
    #[arg(long, value_name = "PERCENT")]
    opacities: Option<f64>,
    /// Length of the code, 1 to 4096; the paper tried 128 to 1024 [default: 512]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=4096))]
    latent: Option<u16>,
    /// The coarsest grid is the code, the paper's other variant
    #[arg(long, conflicts_with = "latent")]
    spatial: bool,
    /// Seed of initial weights, order, jitter and opacities [default: 1]
    #[arg(long)]
    seed: Option<u64>,
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
        Network::Spark(args) => pre_train(Pretext::Spark, args),
        Network::Classifier(args) => train_classifier(args),
        Network::FineTune(args) => tune(args),
        Network::Reference(args) => {
            let (cohorts, weights) = (args.cohort.clone(), args.weights.clone());
            let card =
                guarded("scoring", move |progress| Ok(renew_reference(&cohorts, &weights, &nets::cpu(), progress)?))?;
            for normal in std::iter::once(&card.normal).chain(&card.normal_ct) {
                say(format_args!("Of {}", normal.cohort))?;
                for marked in &normal.values {
                    say(format_args!("{} % of the voxels lie below {:.4}", marked.percent, marked.value))?;
                }
            }
            say_auroc(&card)
        }
    }
}

/// Makes the folder of a training, or checks that there is one to go on with.
fn prepare(out: &Path, resume: bool) -> Result<(), Failure> {
    if resume && !is_begun(out) {
        return Err(
            format!("there is no training to go on with; leave out --resume to begin one: {}", out.display()).into()
        );
    }
    Ok(std::fs::create_dir_all(out)?)
}

fn train(args: &CaeArgs) -> Result<(), Failure> {
    let mut config: TrainConfig = args.config.as_deref().map_or_else(|| Ok(TrainConfig::default()), settings)?;
    let schedule = &mut config.schedule;
    schedule.epochs = args.epochs.unwrap_or(schedule.epochs);
    schedule.batch = args.batch.unwrap_or(schedule.batch);
    schedule.learning_rate = args.learning_rate.unwrap_or(schedule.learning_rate);
    schedule.patience = args.patience.unwrap_or(schedule.patience);
    schedule.seed = args.seed.unwrap_or(schedule.seed);
    if let Some(decay) = &args.decay {
        schedule.decay = if decay == "cosine" { Decay::Cosine } else { Decay::Constant };
    }
    let share = |percent: f64| (percent / 100.0).clamp(0.0, 1.0);
    config.normals = args.normals.map_or(config.normals, share);
    config.opacities = args.opacities.map_or(config.opacities, share);
    config.latent = args.latent.map_or(config.latent, usize::from).clamp(1, 4096);
    config.opacities = config.opacities.clamp(0.0, 1.0);
    config.spatial |= args.spatial;
    let (cohorts, out, compute) = (args.cohort.clone(), args.out.clone(), args.device);
    prepare(&out, args.resume)?;
    let card = guarded("training", move |progress| {
        let mut report = |epoch: &Epoch| tell(epoch, progress);
        Ok(cae(&cohorts, &out, &config, &compute.device()?, &mut report, progress)?)
    })?;
    say(format_args!("cae.bpk and cae.json are in {}", args.out.display()))?;
    say_auroc(&card)
}

fn pre_train(kind: Pretext, args: &PretextArgs) -> Result<(), Failure> {
    let mut config = args.encoder.config(EncoderConfig::pretext())?;
    let target = &mut config.residual;
    target.median = args.median.unwrap_or(target.median);
    target.loss = args.loss.map_or(target.loss, |loss| match loss {
        Loss::Bce => ResidualLoss::Bce,
        Loss::L1 => ResidualLoss::L1,
        Loss::L2 => ResidualLoss::L2,
    });
    let (cohorts, out, cae) = (args.encoder.cohort.clone(), args.encoder.out.clone(), args.cae.clone());
    let compute = args.encoder.device;
    prepare(&out, args.encoder.resume)?;
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
    let mut config = args.encoder.config(EncoderConfig::classifier())?;
    config.labels = args.labels.map_or(config.labels, |percent| (percent / 100.0).clamp(0.0, 1.0));
    let (cohorts, out, initial) = (args.encoder.cohort.clone(), args.encoder.out.clone(), args.initial.clone());
    let compute = args.encoder.device;
    prepare(&out, args.encoder.resume)?;
    let card = guarded("training", move |progress| {
        let mut report = |epoch: &Epoch| tell(epoch, progress);
        let training = Training { cohorts: &cohorts, out: &out, config: &config, device: &compute.device()? };
        Ok(classifier(initial.as_deref(), &training, &mut report, progress)?)
    })?;
    say(format_args!("classifier.bpk and classifier.json are in {}", args.encoder.out.display()))?;
    let auroc = card.auroc.map_or("not measured".to_owned(), |a| format!("{a:.3}"));
    say(format_args!("AUROC on the validation subjects: {auroc}, temperature {:.2}", card.temperature))
}

fn tune(args: &FineTuneArgs) -> Result<(), Failure> {
    let layers = if args.layers == "all" { Layers::All } else { Layers::Head };
    let mut config = EncoderConfig::tuning(layers);
    let schedule = &mut config.schedule;
    (schedule.epochs, schedule.seed) = (args.epochs, args.seed);
    schedule.learning_rate = args.learning_rate.unwrap_or(schedule.learning_rate);
    let (cohorts, out, former) = (args.cohort.clone(), args.out.clone(), args.classifier.clone());
    let compute = args.device;
    prepare(&out, args.resume)?;
    let card = guarded("training", move |progress| {
        let mut report = |epoch: &Epoch| tell(epoch, progress);
        let training = Training { cohorts: &cohorts, out: &out, config: &config, device: &compute.device()? };
        Ok(fine_tune(former.as_deref(), layers, &training, &mut report, progress)?)
    })?;
    say(format_args!("classifier.bpk and classifier.json are in {}", args.out.display()))?;
    let Some(tuned) = card.tuned else { return Ok(()) };
    let [normal, diseased] = tuned.before.sinuses;
    say(format_args!("On {normal} normal and {diseased} diseased sinuses that were kept out:"))?;
    for (name, worth) in [("before", tuned.before), ("after", tuned.after)] {
        let auroc = worth.auroc.map_or("-".to_owned(), |auroc| format!("{auroc:.3}"));
        let (accuracy, loss) = (100.0 * worth.accuracy, worth.cross_entropy);
        say(format_args!("{name:<7} AUROC {auroc}  accuracy {accuracy:.0} %  cross-entropy {loss:.3}"))?;
    }
    Ok(())
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
    prepare(&out.join(part.name()), args.resume)?;
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
