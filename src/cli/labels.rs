//! `antrum labels`: what readers said of the sinuses, into a project file and out of it.

use super::source::{Choice, case_named, digest};
use super::{Failure, guarded, print_json, say};
use crate::app::dicom_report::{self, Said};
use crate::app::labelled_cohort;
use crate::io;
use crate::methods::sinus::{Finder, cavity};
use crate::nets;
use crate::project::{
    AnomalyType, Change, Label, LabelEvent, LabelRow, MOST_SEVERE, Project, Reading, Rows, TableFormat, session_name,
    table,
};
use crate::space::Side;
use clap::Subcommand;
use serde::Deserialize;
use std::io::{BufRead as _, Write as _};
use std::path::{Path, PathBuf};

/// Labels of a project file: add, export, import, compare raters, merge files
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    Add(AddArgs),
    Export(ExportArgs),
    Dicom(DicomArgs),
    Import(ImportArgs),
    Agreement(AgreementArgs),
    Merge(MergeArgs),
    Cohort(CohortArgs),
}

/// Make a cohort of what a rater labelled, for `antrum train` and `antrum evaluate residual`
///
/// It is a table of where the scans lie, where their sinuses are, and which of them are anomalous; the scans stay where they
/// are. What is called neither normal nor anomalous is left out. The table holds names of files.
#[derive(Debug, clap::Args)]
struct CohortArgs {
    /// The project file
    #[arg(value_name = "PROJECT")]
    project: PathBuf,
    /// Whose labels
    #[arg(long, value_name = "NAME")]
    rater: String,
    /// Folder for sinuses.tsv
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Record what a rater says of one sinus; nothing that was said before is lost
///
/// With --stream, one JSON object per line comes from standard input, such as {"case": "0f1e…", "side": "L", "label":
/// "anomalous", "type": "cyst"}; each is on disk when its line is answered with the name of its event. An object without a
/// label takes the label back.
#[derive(Debug, clap::Args)]
struct AddArgs {
    /// The project file; it is made if there is none
    #[arg(value_name = "PROJECT")]
    project: PathBuf,
    /// A scan, or the SHA-256 of its data, or the first digits of one that the project knows
    #[arg(long, value_name = "PATH|SHA256", required_unless_present = "stream")]
    case: Option<String>,
    /// The side of the patient
    #[arg(long, value_name = "L|R", value_parser = side, required_unless_present = "stream")]
    side: Option<Side>,
    /// normal, anomalous, uncertain or "not assessable"
    #[arg(long, value_parser = label, required_unless_present = "stream")]
    label: Option<Label>,
    /// Of an anomalous sinus: "mucosal thickening", polyp, cyst, opacification or other
    #[arg(long = "type", value_name = "TYPE", value_parser = anomaly)]
    anomaly: Option<AnomalyType>,
    /// 0 clear, 1 partly opacified, 2 completely opacified (Lund and Mackay), 3 beyond the sinus
    #[arg(long, value_name = "0-3", value_parser = clap::value_parser!(u8).range(0..=i64::from(MOST_SEVERE)))]
    severity: Option<u8>,
    /// How sure the rater is, in per cent
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    confidence: Option<u8>,
    /// Free text
    #[arg(long, default_value = "")]
    note: String,
    /// Who labels
    #[arg(long, value_name = "NAME")]
    rater: String,
    /// Read labels from standard input until it ends
    #[arg(long, conflicts_with_all = ["case", "side", "label", "anomaly", "severity", "confidence", "note"])]
    stream: bool,
}

/// Write labels as a table, as JSON lines or as BIDS derivatives
///
/// L and R are sides of the patient. Names of files are left out unless --paths is given, as they often hold patients' names.
#[derive(Debug, clap::Args)]
struct ExportArgs {
    /// The project file
    #[arg(value_name = "PROJECT")]
    project: PathBuf,
    /// csv, tsv, jsonl or bids
    #[arg(long, value_name = "FORMAT")]
    format: TableFormat,
    /// The file to write, or the folder for bids [default: standard output]
    #[arg(long, value_name = "FILE", required_if_eq("format", "bids"))]
    out: Option<PathBuf>,
    /// Only the labels of this rater [default: all raters]
    #[arg(long, value_name = "NAME")]
    rater: Option<String>,
    /// All events that were ever recorded, instead of the labels that count now
    #[arg(long)]
    events: bool,
    /// Write where the scans lie
    #[arg(long)]
    paths: bool,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

/// Write the labels of a DICOM series as a structured report, and the cavities of its sinuses as a segmentation
///
/// The report is a Comprehensive SR with the template "Imaging Measurement Report" (TID 1500). Patient and study are copied
/// from the series, so that both files belong to it; who may not see the patient's name may not see them.
#[derive(Debug, clap::Args)]
struct DicomArgs {
    /// The project file
    #[arg(value_name = "PROJECT")]
    project: PathBuf,
    /// The series: DICOM files, a folder, a DICOMDIR or a ZIP archive
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    choice: Choice,
    /// Whose labels
    #[arg(long, value_name = "NAME")]
    rater: String,
    /// Folder for labels.dcm and cavities.dcm
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Leave the cavities out
    #[arg(long)]
    no_cavities: bool,
    /// Replace the files if they exist
    #[arg(long)]
    force: bool,
}

/// Take over labels from a table (CSV, TSV or JSON lines); what is here already stays in the record
///
/// Columns: side (L or R), label, and `case_sha256` or file (a scan, from the table's folder); type, severity, confidence, note
/// and rater if there are any.
#[derive(Debug, clap::Args)]
struct ImportArgs {
    /// The project file; it is made if there is none
    #[arg(value_name = "PROJECT")]
    project: PathBuf,
    /// The table
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Whose labels those are whose lines name nobody
    #[arg(long, value_name = "NAME")]
    rater: String,
    /// Say what would change and change nothing
    #[arg(long)]
    dry_run: bool,
}

/// How far raters agree: confusion matrices, Cohen's and Fleiss' kappa; ROC of the program's scores against each rater
#[derive(Debug, clap::Args)]
struct AgreementArgs {
    /// The project file
    #[arg(value_name = "PROJECT")]
    project: PathBuf,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Bring all events of other project files into one; every event of each stays, none comes twice
#[derive(Debug, clap::Args)]
struct MergeArgs {
    /// The project file that gets them; it is made if there is none
    #[arg(value_name = "PROJECT")]
    project: PathBuf,
    /// The others; none of their events changes
    #[arg(value_name = "OTHER", required = true)]
    others: Vec<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    match &args.what {
        What::Add(args) if args.stream => stream(args),
        What::Add(args) => add(args),
        What::Export(args) => export(args),
        What::Dicom(args) => dicom(args),
        What::Import(args) => import(args),
        What::Agreement(args) => agreement(args),
        What::Merge(args) => merge(args),
        What::Cohort(args) => cohort(args),
    }
}

fn side(name: &str) -> Result<Side, String> {
    Side::from_letter(name).ok_or_else(|| "use L or R, the side of the patient".to_owned())
}

fn label(name: &str) -> Result<Label, String> {
    Label::from_name(name).ok_or_else(|| format!("use one of: {}", Label::ALL.map(Label::name).join(", ")))
}

fn anomaly(name: &str) -> Result<AnomalyType, String> {
    AnomalyType::from_name(name)
        .ok_or_else(|| format!("use one of: {}", AnomalyType::ALL.map(AnomalyType::name).join(", ")))
}

/// A reading whose parts go together.
fn coherent(reading: Reading) -> Result<Reading, Failure> {
    let coherent = reading.clone().coherent();
    if coherent == reading {
        return Ok(reading);
    }
    Err(format!("this type or severity does not go with the label {}", reading.label.name()).into())
}

fn add(args: &AddArgs) -> Result<(), Failure> {
    let (Some(named), Some(side), Some(label)) = (&args.case, args.side, args.label) else {
        return Err("--case, --side and --label are needed".into());
    };
    let (anomaly, severity, confidence) = (args.anomaly, args.severity, args.confidence);
    let reading = coherent(Reading { label, anomaly, severity, confidence, note: args.note.clone() })?;
    let project = Project::open(&args.project)?;
    let path = Path::new(named);
    let case = if path.exists() {
        project.case(&digest(path)?, Some(path))?
    } else if is_digest(named) {
        project.case(&named.to_ascii_lowercase(), None)?
    } else {
        case_named(&project, named)?
    };
    let event = LabelEvent::new(case, side, args.rater.clone(), session_name());
    project.record(&LabelEvent { reading: Some(reading), ..event })?;
    say(format_args!("patient {} {}, by {}", side.name(), label.name(), args.rater))
}

fn is_digest(text: &str) -> bool {
    text.len() == 64 && text.chars().all(|c| c.is_ascii_hexdigit())
}

/// A line of a stream.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    case: String,
    side: Side,
    label: Option<Label>,
    #[serde(rename = "type")]
    anomaly: Option<AnomalyType>,
    severity: Option<u8>,
    confidence: Option<u8>,
    #[serde(default)]
    note: String,
}

fn stream(args: &AddArgs) -> Result<(), Failure> {
    let project = Project::open(&args.project)?;
    let session = session_name();
    for (number, line) in std::io::stdin().lock().lines().enumerate() {
        let line = line?;
        if line.trim().is_empty() {
            continue;
        }
        let wrong =
            |reason: String| -> Failure { format!("line {} {reason}; those before it were kept", number + 1).into() };
        let Line { case, side, label, anomaly, severity, confidence, note } =
            serde_json::from_str(&line).map_err(|e| wrong(format!("cannot be understood ({e})")))?;
        let said = anomaly.is_some() || severity.is_some() || confidence.is_some() || !note.is_empty();
        if label.is_none() && said {
            return Err(wrong("says something but has no label".to_owned()));
        }
        let reading = label
            .map(|label| coherent(Reading { label, anomaly, severity, confidence, note }))
            .transpose()
            .map_err(|e| wrong(format!("is not recorded: {e}")))?;
        let case = if is_digest(&case) {
            project.case(&case.to_ascii_lowercase(), None)?
        } else {
            case_named(&project, &case).map_err(|e| wrong(format!("is not recorded: {e}")))?
        };
        let event = LabelEvent { reading, ..LabelEvent::new(case, side, args.rater.clone(), session.clone()) };
        let kept = project.record(&event)?;
        say(project.uid(kept)?)?;
        std::io::stdout().flush()?;
    }
    Ok(())
}

fn export(args: &ExportArgs) -> Result<(), Failure> {
    if let Some(out) = args.out.as_ref().filter(|out| !args.force && out.exists()) {
        return Err(format!("there is such a file; choose another name or add --force: {}", out.display()).into());
    }
    if args.events && args.format == TableFormat::Bids {
        return Err("BIDS tables hold the labels that count now; leave out --events, or write jsonl".into());
    }
    let project = Project::open_existing(&args.project)?;
    let which = if args.events { Rows::Events } else { Rows::Current };
    let mut rows = project.label_rows(which, args.rater.as_deref())?;
    if !args.paths {
        for row in &mut rows {
            row.file = None;
        }
    }
    let cases = |rows: &[LabelRow]| {
        let cases: std::collections::BTreeSet<&str> = rows.iter().map(|row| row.case_sha256.as_str()).collect();
        cases.len()
    };
    match (&args.out, args.format) {
        (Some(out), TableFormat::Bids) => {
            let subjects = table::write_bids(&rows, out)?;
            say(format_args!("{}  {} labels of {subjects} subjects", out.display(), rows.len()))
        }
        (Some(out), format) => {
            io::write_whole(out, table::text(&rows, format)?.as_bytes())?;
            say(format_args!("{}  {} labels of {} cases", out.display(), rows.len(), cases(&rows)))
        }
        (None, TableFormat::Bids) => Err("BIDS derivatives are a folder; name it with --out".into()),
        (None, format) => say(table::text(&rows, format)?.trim_end()),
    }
}

fn dicom(args: &DicomArgs) -> Result<(), Failure> {
    let files = dicom_report::FILES.map(|name| args.out.join(name));
    if let Some(file) = files.iter().find(|file| !args.force && file.exists()) {
        return Err(format!("there is such a file; choose another folder or add --force: {}", file.display()).into());
    }
    let project = Project::open_existing(&args.project)?;
    let now = project.now()?;
    let (choice, paths) = (args.choice.clone().without_resampling(), args.paths.clone());
    let (headers, scan) = guarded("reading", move |progress| {
        let (selection, scan) = choice.read(&paths, &progress.part(0.0, 0.8))?;
        let headers = selection.catalogue.headers(selection.index, scan.frame, &progress.part(0.8, 1.0))?;
        let headers = headers.ok_or_else(|| format!("this is no DICOM series: {}", super::shown_name(&paths)))?;
        Ok((headers, scan))
    })?;
    let case = case_named(&project, &scan.sha256)?;
    let (grid, volume, with_cavities) = (scan.volume.grid, scan.volume, !args.no_cavities);
    let cavities = guarded("measuring", move |progress| {
        if !with_cavities {
            return Ok([None, None]);
        }
        let finder = Finder::built_in(&nets::cpu())?;
        let sinuses = finder.find(&volume, &progress.part(0.0, 0.6))?;
        Ok(cavity::measure(&finder, &volume, &sinuses, &progress.part(0.6, 1.0))?)
    })?;
    let readings = project.labels(case, &args.rater)?;
    if readings.iter().all(Option::is_none) {
        return Err(format!("{} has not labelled this series", args.rater).into());
    }
    std::fs::create_dir_all(&args.out)
        .map_err(|e| format!("the folder cannot be made ({e}): {}", args.out.display()))?;
    let said = Said { observer: &args.rater, readings: &readings, cavities: &cavities, grid: &grid, now: &now };
    for (path, what) in said.write(&headers, files)? {
        say(format_args!("{}  {what}", path.display()))?;
    }
    Ok(())
}

fn import(args: &ImportArgs) -> Result<(), Failure> {
    let project = if args.dry_run { Project::open_existing(&args.project)? } else { Project::open(&args.project)? };
    let read = |path: &Path| {
        if path.exists() {
            digest(path).map_err(|e| format!("names a scan that cannot be read ({e})"))
        } else {
            Err(format!("names a scan that is not there: {}", path.display()))
        }
    };
    let changes = project.plan_import(&args.file, &args.rater, &read)?;
    for change in &changes {
        say(words(change))?;
    }
    if args.dry_run {
        return say(format_args!("{} labels would change; nothing was changed", changes.len()));
    }
    project.import(&changes, &session_name())?;
    say(format_args!("{} labels changed", changes.len()))
}

fn words(change: &Change) -> String {
    let said = |reading: &Option<Reading>| match reading {
        None => "no label".to_owned(),
        Some(Reading { label, anomaly, severity, confidence, note }) => {
            let kind = anomaly.map_or(String::new(), |kind| format!(" ({})", kind.name()));
            let severity = severity.map_or(String::new(), |severity| format!(" severity {severity}"));
            let sure = confidence.map_or(String::new(), |percent| format!(" {percent} % sure"));
            let note = if note.is_empty() { String::new() } else { format!(" {note:?}") };
            format!("{}{kind}{severity}{sure}{note}", label.name())
        }
    };
    let digits = change.case_sha256.get(..12).unwrap_or(&change.case_sha256);
    let (before, after) = (said(&change.before), said(&change.after));
    format!("{digits}  patient {:<5}  {}: {before} -> {after}", change.side.name(), change.rater)
}

fn cohort(args: &CohortArgs) -> Result<(), Failure> {
    std::fs::create_dir_all(&args.out)
        .map_err(|e| format!("the folder cannot be made ({e}): {}", args.out.display()))?;
    let (path, rater, out) = (args.project.clone(), args.rater.clone(), args.out.clone());
    let made = guarded("placing sinuses", move |progress| {
        let project = Project::open_existing(&path)?;
        Ok(labelled_cohort::write(&project, &rater, &Finder::built_in(&nets::cpu())?, &out, progress)?)
    })?;
    for reason in &made.left_out {
        eprintln!("antrum: left out: {reason}");
    }
    let [normal, anomalous] = made.labelled;
    let table = args.out.join("sinuses.tsv");
    say(format_args!("{}  {} scans, {normal} normal and {anomalous} anomalous sinuses", table.display(), made.scans))
}

fn merge(args: &MergeArgs) -> Result<(), Failure> {
    let project = Project::open(&args.project)?;
    for other in &args.others {
        let merged = project.merge(other)?;
        say(format_args!(
            "{}  {} cases, {} labels, {} measurements, {} analyses were new",
            other.display(),
            merged.cases,
            merged.labels,
            merged.measurements,
            merged.analyses
        ))?;
    }
    Ok(())
}

fn agreement(args: &AgreementArgs) -> Result<(), Failure> {
    let found = Project::open_existing(&args.project)?.agreement()?;
    if args.json {
        return print_json(&found);
    }
    say(found)
}
