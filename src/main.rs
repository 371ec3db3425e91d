//! `antrum`: no arguments or a path open the window, a subcommand runs without one.

use antrum::{cli, ui};
use clap::Parser as _;
use std::process::ExitCode;
use std::time::Instant;

fn main() -> ExitCode {
    let started = Instant::now();
    // Burn keeps optimiser states on its default device while loading them; that must never be a GPU.
    if std::env::var_os("BURN_DEVICE").is_none() {
        // SAFETY: nothing else runs yet, so no other thread reads the environment.
        unsafe { std::env::set_var("BURN_DEVICE", "flex") };
    }
    env_logger::Builder::from_env(env_logger::Env::default().default_filter_or("error"))
        .format_timestamp_millis()
        .init();
    let args = cli::Args::parse();
    let outcome = cli::run(&args).and_then(|done| match done {
        true => Ok(()),
        false if no_display() => cli::picture::instead_of_window(&args.window.paths),
        false => ui::run(&args.window, started),
    });
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("antrum: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether there is no screen to open a window on.
fn no_display() -> bool {
    let unset = |name: &str| std::env::var_os(name).is_none_or(|value| value.is_empty());
    cfg!(all(unix, not(target_os = "macos"))) && unset("DISPLAY") && unset("WAYLAND_DISPLAY")
}
