//! `antrum find`: where the maxillary sinuses are.

use super::crops::CropArgs;
use super::source::Choice;
use super::{Failure, guarded, print_json, say};
use crate::io::Check;
use crate::methods::sinus::{Crop, Finder, Presence, Sinus, Template};
use crate::nets;
use serde::Serialize;
use std::path::PathBuf;

/// Find both maxillary sinuses: centre and 64 mm box in world RAS+ mm
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A NIfTI or DICOM file, a DICOM folder, DICOMDIR or ZIP archive
    path: PathBuf,
    #[command(flatten)]
    choice: Choice,
    /// Folder with locator.bpk, segmenter.bpk and their cards, instead of the default weights
    #[arg(long, value_name = "DIR")]
    weights: Option<PathBuf>,
    /// Find them by a template made with antrum template, instead of by the networks
    #[arg(long, value_name = "DIR", conflicts_with = "weights")]
    template: Option<PathBuf>,
    #[command(flatten)]
    crops: CropArgs,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Found {
    file: String,
    /// As `antrum info --list` names it.
    series: String,
    sinuses: [Sinus; 2],
    checks: Vec<Check>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    crops: Vec<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (path, choice, weights) = (args.path.clone(), args.choice.clone(), args.weights.clone());
    let (template, crops) = (args.template.clone(), args.crops.clone());
    let file = args.path.display().to_string();
    let found = guarded("finding", move |progress| {
        let (selection, scan) = choice.read(&[path], &progress.part(0.0, 0.5))?;
        let searching = &progress.part(0.5, 0.9);
        let (sinuses, sd_mm) = if let Some(folder) = template {
            let template = Template::open(&folder, searching)?;
            (template.find(&scan.volume, searching)?, template.sd_mm())
        } else {
            let device = nets::cpu();
            let finder = weights.map_or_else(|| Finder::built_in(&device), |folder| Finder::load(&folder, &device))?;
            (finder.find(&scan.volume, searching)?, Crop::JITTER_MM)
        };
        let crops = crops.write(&scan, &sinuses, sd_mm, &progress.part(0.9, 1.0))?;
        let series = selection.id().to_owned();
        Ok(Found { file, series, sinuses, checks: scan.checks, crops })
    })?;
    if args.json {
        return print_json(&found);
    }
    say(format_args!("{}  series {}", found.file, found.series))?;
    for sinus in found.sinuses {
        let c = sinus.centre_mm;
        let presence = match sinus.present {
            Presence::Complete => "complete",
            Presence::Partial => "partly in view",
            Presence::Absent => "not in view",
        };
        let at = format!("R {:.1}  A {:.1}  S {:.1} mm", c.x, c.y, c.z);
        say(format_args!(
            "  patient {:<5}  {presence:<14}  {at}  confidence {:.2}",
            sinus.side.name(),
            sinus.confidence
        ))?;
    }
    for path in &found.crops {
        say(format_args!("  crop      {}", path.display()))?;
    }
    for check in &found.checks {
        say(format_args!("  note      {}", check.message))?;
    }
    Ok(())
}
