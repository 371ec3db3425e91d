//! `antrum phantom`: a cohort of synthetic heads with known sinuses and known disease.

use super::{Failure, guarded, say, sheet};
use crate::phantom::cohort::{self, CohortPlan};
use crate::phantom::{Contrast, Degrade, Region};
use std::path::PathBuf;

/// Make synthetic heads with known sinuses and known disease, in BIDS layout
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// Folder to write to
    #[arg(long, value_name = "DIR", required_unless_present = "sheet")]
    out: Option<PathBuf>,
    /// Draw twelve heads, all contrasts and all diseases, into one picture
    #[arg(long, value_name = "FILE.png")]
    sheet: Option<PathBuf>,
    /// How many heads
    #[arg(long, default_value_t = 10)]
    subjects: usize,
    /// The same seed gives the same heads
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// flair, t1, t2, pd, ct or random
    #[arg(long, default_value = "flair")]
    contrast: Contrast,
    /// What spoils the scans: none, random, or names separated by commas, such as rotation,slices,cut
    #[arg(long, default_value = "none", value_name = "NAMES")]
    degrade: Degrade,
    /// Share of diseased sinuses, 0 to 1
    #[arg(long, default_value_t = 0.4, value_parser = share)]
    prevalence: f64,
    /// Voxel size in mm, 0.4 to 6
    #[arg(long, default_value_t = 1.0, value_parser = spacing)]
    spacing: f64,
    /// head: all of it; sinuses: a box around both maxillary sinuses, which is made much sooner
    #[arg(long, default_value = "head", value_parser = [Region::Head.name(), Region::Sinuses.name()])]
    region: String,
    /// Write tissue label maps too
    #[arg(long)]
    labels: bool,
}

fn share(text: &str) -> Result<f64, String> {
    between(text, 0.0, 1.0)
}

pub(super) fn spacing(text: &str) -> Result<f64, String> {
    between(text, 0.4, 6.0)
}

fn between(text: &str, low: f64, high: f64) -> Result<f64, String> {
    match text.parse() {
        Ok(number) if (low..=high).contains(&number) => Ok(number),
        _ => Err(format!("choose a number from {low} to {high}")),
    }
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    if let Some(file) = args.sheet.clone() {
        let (seed, spacing_mm, degrade, target) = (args.seed, args.spacing, args.degrade.clone(), file.clone());
        guarded("phantoms", move |progress| sheet::write(&target, seed, spacing_mm, &degrade, progress))?;
        say(format_args!("picture {}", file.display()))?;
    }
    let Some(out) = args.out.clone() else { return Ok(()) };
    let plan = CohortPlan {
        subjects: args.subjects,
        seed: args.seed,
        contrast: args.contrast,
        degrade: args.degrade.clone(),
        prevalence: args.prevalence,
        spacing_mm: args.spacing,
        region: if args.region == Region::Sinuses.name() { Region::Sinuses } else { Region::Head },
        labels: args.labels,
    };
    let target = out.clone();
    guarded("phantoms", move |progress| Ok(cohort::write(&target, &plan, progress)?))?;
    say(format_args!("{} synthetic heads in {}", args.subjects, out.display()))
}
