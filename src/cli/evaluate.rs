//! `antrum evaluate`: how well a method does where the truth is known.

use super::find::finder;
use super::phantom::spacing;
use super::{Failure, guarded, print_json, say};
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
    let Method::Finder(args) = &args.method;
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
