//! `antrum evaluate`: how well a method does where the truth is known.

use super::find::finder;
use super::phantom::spacing;
use super::{Compute, Failure, guarded, print_json, say};
use crate::methods::residual::comparison::{Beginning, Comparison, Run, Variation, percent, residual as compare};
use crate::methods::residual::evaluate::on_phantoms as residual_on_phantoms;
use crate::methods::residual::{EncoderConfig, TrainConfig};
use crate::methods::sinus::evaluate::on_phantoms;
use crate::phantom::Degrade;
use clap::Subcommand;
use std::path::PathBuf;

/// Try a method where the truth is known
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    method: Method,
}

#[derive(Debug, Subcommand)]
enum Method {
    Finder(FinderArgs),
    Analysis(AnalysisArgs),
    Residual(ResidualArgs),
}

/// Maps and probabilities of `antrum analyse`, on synthetic heads of all contrasts that the weights never saw
#[derive(Debug, clap::Args)]
struct AnalysisArgs {
    /// How many heads
    #[arg(long, default_value_t = 60)]
    subjects: usize,
    /// The same seed gives the same heads
    #[arg(long, default_value_t = 99)]
    seed: u64,
    /// What spoils the scans: none, random, or names separated by commas, such as rotation,slices,cut
    #[arg(long, default_value = "none", value_name = "NAMES")]
    degrade: Degrade,
    /// Weights made by `antrum train cae` [default: the built-in ones]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Weights made by `antrum train classifier` [default: the built-in ones, with the built-in autoencoder only]
    #[arg(long, value_name = "FILE")]
    classifier: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Classifiers of normal and diseased sinuses that begin with different pre-training, in cross-validation
#[derive(Debug, clap::Args)]
struct ResidualArgs {
    /// Cohort folder with labelled sinuses; may be given several times
    #[arg(long, value_name = "DIR", required = true)]
    cohort: Vec<PathBuf>,
    /// Cohort folder for the pre-training, its labels unseen; may be given several times [default: those of --cohort]
    #[arg(long, value_name = "DIR")]
    unlabelled: Vec<PathBuf>,
    /// Folder for weights, runs and tables; an evaluation that was interrupted goes on
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// What classifiers begin with: none, transfer (the --weights), residual-ssl, ae, dae, simclr, byol, simsiam, spark; or
    /// residual-ssl with one choice made otherwise: -normals-20 to -normals-100 (per cent that an autoencoder of its own
    /// learns from), -median-0, -median-3, -median-7, -loss-l1, -loss-l2
    #[arg(long, value_delimiter = ',', default_value = "none,residual-ssl", value_parser = beginning)]
    methods: Vec<Beginning>,
    /// Shares of the labels that are used, in per cent
    #[arg(long, value_delimiter = ',', default_value = "10,20,100")]
    fractions: Vec<f64>,
    /// Parts of the cross-validation
    #[arg(long, default_value_t = 5)]
    folds: usize,
    /// Deal single sinuses to the parts, as the paper's published code does, not patients: figures may become too good
    #[arg(long)]
    per_sinus: bool,
    /// Channels of the encoder's first level; the paper's network has 64
    #[arg(long, default_value_t = EncoderConfig::classifier().network.width)]
    width: usize,
    /// Most epochs of each autoencoder of residual-ssl-normals, at a learning rate of 1e-3
    #[arg(long, default_value_t = TrainConfig::default().schedule.epochs)]
    cae_epochs: usize,
    /// Most epochs of each pre-training
    #[arg(long, default_value_t = EncoderConfig::pretext().schedule.epochs)]
    pretext_epochs: usize,
    /// Most epochs of each classifier
    #[arg(long, default_value_t = EncoderConfig::classifier().schedule.epochs)]
    epochs: usize,
    /// A classifier stops after this many epochs without improvement
    #[arg(long, default_value_t = EncoderConfig::classifier().schedule.patience)]
    patience: usize,
    /// Weights that the method transfer begins with, such as antrum import-weights makes
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// The autoencoder whose residuals are learned, made by `antrum train cae`, instead of the default one
    #[arg(long, value_name = "FILE")]
    cae: Option<PathBuf>,
    /// Seed of the folds, of initial weights, order, jitter and augmentation
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Where to compute
    #[arg(long, value_enum, default_value_t)]
    device: Compute,
}

fn beginning(name: &str) -> Result<Beginning, String> {
    let all = Beginning::all();
    let names: Vec<String> = all.iter().map(|beginning| beginning.name()).collect();
    let chosen = all.into_iter().find(|beginning| beginning.name() == name);
    chosen.ok_or_else(|| format!("choose some of {}", names.join(", ")))
}

/// The finder of the sinuses, on synthetic heads of all contrasts that it never saw
#[derive(Debug, clap::Args)]
struct FinderArgs {
    /// How many heads
    #[arg(long, default_value_t = 60)]
    subjects: usize,
    /// The same seed gives the same heads
    #[arg(long, default_value_t = 99)]
    seed: u64,
    /// What spoils the scans: random (everything that befalls scans), none, or names separated by commas, such as rotation,slices,cut
    #[arg(long, default_value = "random", value_name = "NAMES")]
    degrade: Degrade,
    /// Voxel size of the heads in mm, before what spoils them
    #[arg(long, default_value_t = 1.0, value_parser = spacing)]
    spacing: f64,
    /// Folder with locator.bpk, segmenter.bpk and their cards, instead of the default weights
    #[arg(long, value_name = "DIR")]
    weights: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    match &args.method {
        Method::Finder(args) => finder_on_phantoms(args),
        Method::Analysis(args) => analysis(args),
        Method::Residual(args) => residual(args),
    }
}

fn analysis(args: &AnalysisArgs) -> Result<(), Failure> {
    let (subjects, seed, degrade) = (args.subjects, args.seed, args.degrade.clone());
    let (weights, classifier) = (args.weights.clone(), args.classifier.clone());
    let figures = guarded("evaluating", move |progress| {
        let model = super::analyse::model(weights.as_deref(), classifier.as_deref())?;
        Ok(residual_on_phantoms(&model, &finder(None)?, subjects, seed, &degrade, progress)?)
    })?;
    if args.json {
        return print_json(&figures);
    }
    say("contrast  normal  diseased  probability  score  voxels  normal above P95")?;
    let shown = |value: Option<f64>| value.map_or("–".to_owned(), |v| format!("{v:.3}"));
    for f in &figures {
        let [normal, diseased] = f.sinuses;
        let [probability, score, voxels] = [f.probability_auroc, f.score_auroc, f.voxel_auroc].map(shown);
        let above = f.normal_above_p95.map_or("–".to_owned(), |share| format!("{:.0} %", 100.0 * share));
        say(format_args!(
            "{:<8}  {normal:>6}  {diseased:>8}  {probability:>11}  {score:>5}  {voxels:>6}  {above:>16}",
            f.contrast
        ))?;
    }
    Ok(())
}

fn residual(args: &ResidualArgs) -> Result<(), Failure> {
    let (mut pretext, mut classifier) = (EncoderConfig::pretext(), EncoderConfig::classifier());
    for config in [&mut pretext, &mut classifier] {
        config.network.width = args.width.clamp(1, 256);
        config.schedule.seed = args.seed;
    }
    let mut cae = TrainConfig::default();
    (cae.schedule.epochs, cae.schedule.learning_rate, cae.schedule.seed) = (args.cae_epochs, 1e-3, args.seed);
    pretext.schedule.epochs = args.pretext_epochs;
    classifier.schedule.epochs = args.epochs;
    classifier.schedule.patience = args.patience;
    let own = |beginning: &Beginning| matches!(beginning, Beginning::Varied(Variation::Normals(_)));
    if args.unlabelled.is_empty() && args.methods.iter().any(own) {
        return Err(
            "an autoencoder of its own must not learn from subjects that classifiers are tested on; give others as \
                    --unlabelled"
                .into(),
        );
    }
    if args.weights.is_none() && args.methods.contains(&Beginning::Weights) {
        return Err("the method transfer begins with weights of a file; give it as --weights".into());
    }
    let unlabelled = if args.unlabelled.is_empty() { &args.cohort } else { &args.unlabelled };
    let comparison = Comparison {
        labelled: args.cohort.clone(),
        unlabelled: unlabelled.clone(),
        beginnings: args.methods.clone(),
        fractions: args.fractions.iter().map(|percent| (percent / 100.0).clamp(0.0, 1.0)).collect(),
        folds: args.folds.clamp(2, 100),
        per_sinus: args.per_sinus,
        weights: args.weights.clone(),
        cae,
        pretext,
        classifier,
        out: args.out.clone(),
    };
    let (cae, compute) = (args.cae.clone(), args.device);
    guarded("evaluating", move |progress| {
        let model = super::analyse::model(cae.as_deref(), None)?;
        let mut tell = |run: &Run| {
            let auroc = run.auroc.map_or("–".to_owned(), |auroc| format!("{auroc:.3}"));
            let (percent, fold) = (percent(run.fraction), run.fold + 1);
            eprintln!("{:<23} {percent:>3} % of the labels, fold {fold}: AUROC {auroc}", run.method);
        };
        Ok(compare(&comparison, &model, &compute.device()?, &mut tell, progress)?)
    })?;
    say(std::fs::read_to_string(args.out.join("results.md"))?.trim_end())?;
    say(format_args!("results.md, results.csv and results.svg are in {}", args.out.display()))
}

fn finder_on_phantoms(args: &FinderArgs) -> Result<(), Failure> {
    let (subjects, seed, spacing, weights) = (args.subjects, args.seed, args.spacing, args.weights.clone());
    let degrade = args.degrade.clone();
    let figures = guarded("evaluating", move |progress| {
        Ok(on_phantoms(&finder(weights.as_deref())?, subjects, seed, &degrade, spacing, progress)?)
    })?;
    if args.json {
        return print_json(&figures);
    }
    say("contrast  heads  centre p50  p99 mm  presence  swapped   Dice  opacification")?;
    let shown = |value: Option<f64>, digits: usize| value.map_or("–".to_owned(), |v| format!("{v:.digits$}"));
    for f in &figures {
        say(format_args!(
            "{:<8}  {:>5}  {:>7}  {:>9}  {:>8.3}  {:>7}  {:>5}  ± {} points",
            f.contrast,
            f.heads,
            shown(f.centre_p50_mm, 2),
            shown(f.centre_p99_mm, 2),
            f.presence_accuracy,
            f.swapped,
            shown(f.dice, 3),
            shown(f.opacification_error, 1)
        ))?;
    }
    if let Some(all) = figures.last() {
        for (name, row) in ["complete", "partial", "absent"].into_iter().zip(all.presence) {
            say(format_args!("{name:<8} called complete {}, partial {}, absent {}", row[0], row[1], row[2]))?;
        }
    }
    Ok(())
}
