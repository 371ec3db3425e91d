//! `antrum evaluate`: how well a method does where the truth is known.

use super::phantom::spacing;
use super::{Failure, guarded, print_json, say};
use crate::methods::sinus::Finder;
use crate::methods::sinus::evaluate::on_phantoms;
use crate::nets;
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
    /// What spoils the scans: random as in training, none, or names separated by commas, such as rotation,slices,cut
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
    let Method::Finder(args) = &args.method;
    let (subjects, seed, spacing, weights) = (args.subjects, args.seed, args.spacing, args.weights.clone());
    let degrade = args.degrade.clone();
    let figures = guarded("evaluating", move |progress| {
        let device = nets::cpu();
        let finder = weights.map_or_else(|| Finder::built_in(&device), |folder| Finder::load(&folder, &device))?;
        Ok(on_phantoms(&finder, subjects, seed, &degrade, spacing, progress)?)
    })?;
    if args.json {
        return print_json(&figures);
    }
    say("contrast  heads  centre p50  p99 mm  presence  swapped   Dice  opacification")?;
    for f in &figures {
        say(format_args!(
            "{:<8}  {:>5}  {:>7.2}  {:>9.2}  {:>8.3}  {:>7}  {:.3}  ± {:.1} points",
            f.contrast,
            f.heads,
            f.centre_p50_mm,
            f.centre_p99_mm,
            f.presence_accuracy,
            f.swapped,
            f.dice,
            f.opacification_error
        ))?;
    }
    if let Some(all) = figures.last() {
        for (name, row) in ["complete", "partial", "absent"].into_iter().zip(all.presence) {
            say(format_args!("{name:<8} called complete {}, partial {}, absent {}", row[0], row[1], row[2]))?;
        }
    }
    Ok(())
}
