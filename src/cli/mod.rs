//! The command line: one file per subcommand, all thin shells over the functions the window uses.

mod analyse;
mod convert;
mod crops;
mod deidentify;
mod evaluate;
mod find;
mod import;
mod info;
mod labels;
mod measurements;
mod phantom;
pub mod picture;
mod report;
mod sheet;
mod source;
mod template;
mod train;

use crate::app::WindowOptions;
use crate::job::{JobError, Progress};
use crate::nets::{self, Device};
use clap::{Parser, Subcommand};
use serde::Serialize;
use std::error::Error;
use std::fmt::Display;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

/// Any error of a subcommand; it is printed once, by `main`.
pub type Failure = Box<dyn Error + Send + Sync>;

/// Opens a head MRI or CT, finds both maxillary sinuses, shows where they look abnormal, and lets readers label them.
///
/// Without a subcommand the window opens: on PATH, or on a synthetic example.
/// Research use only. Not a medical device.
#[derive(Debug, Parser)]
#[command(name = "antrum", version, args_conflicts_with_subcommands = true)]
pub struct Args {
    /// What to open in the window
    #[command(flatten)]
    pub window: WindowOptions,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    Info(info::Args),
    Convert(convert::Args),
    Deidentify(deidentify::Args),
    Find(find::Args),
    Analyse(analyse::Args),
    Labels(labels::Args),
    Measurements(measurements::Args),
    Picture(picture::Args),
    Report(report::Args),
    Phantom(phantom::Args),
    Template(template::Args),
    Train(train::Args),
    ImportWeights(import::Args),
    Evaluate(evaluate::Args),
}

/// Runs the subcommand; false when there is none and the window should open.
///
/// # Errors
/// Whatever went wrong, as one sentence for the user.
pub fn run(args: &Args) -> Result<bool, Failure> {
    match &args.command {
        None => return Ok(false),
        Some(Command::Info(args)) => info::run(args)?,
        Some(Command::Convert(args)) => convert::run(args)?,
        Some(Command::Deidentify(args)) => deidentify::run(args)?,
        Some(Command::Find(args)) => find::run(args)?,
        Some(Command::Analyse(args)) => analyse::run(args)?,
        Some(Command::Labels(args)) => labels::run(args)?,
        Some(Command::Measurements(args)) => measurements::run(args)?,
        Some(Command::Picture(args)) => picture::run(args)?,
        Some(Command::Report(args)) => report::run(args)?,
        Some(Command::Phantom(args)) => phantom::run(args)?,
        Some(Command::Template(args)) => template::run(args)?,
        Some(Command::Train(args)) => train::run(args)?,
        Some(Command::ImportWeights(args)) => import::run(args)?,
        Some(Command::Evaluate(args)) => evaluate::run(args)?,
    }
    Ok(true)
}

/// Where a training computes.
#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Compute {
    /// All cores; the same numbers on every machine of a kind
    #[default]
    Cpu,
    /// The quickest graphics card
    Gpu,
}

impl Compute {
    fn device(self) -> Result<Device, Failure> {
        match self {
            Self::Cpu => Ok(nets::cpu()),
            Self::Gpu => Ok(nets::gpu()?),
        }
    }
}

/// Runs a computation as the window does, so that a panic becomes a message here too.
fn guarded<T: Send + 'static>(
    name: &str,
    work: impl FnOnce(&Progress) -> Result<T, Failure> + Send + 'static,
) -> Result<T, JobError> {
    crate::job::Job::spawn(name, work).wait()
}

fn print_json(value: &impl Serialize) -> Result<(), Failure> {
    say(serde_json::to_string_pretty(value)?)
}

/// Prints a line. A reader who has seen enough (`| head`) is no error.
fn say(line: impl Display) -> Result<(), Failure> {
    match writeln!(std::io::stdout().lock(), "{line}") {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// How a scan is called in output: its path as given (the first of several), or that it is synthetic.
fn shown_name(paths: &[PathBuf]) -> String {
    match paths {
        [] => "synthetic example".to_owned(),
        [path] => path.display().to_string(),
        [first, others @ ..] => format!("{} and {} more", first.display(), others.len()),
    }
}
