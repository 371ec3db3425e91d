//! Opens the window: on the next graphics adapter where one fails, and again where the graphics driver was lost.
//!
//! The program itself stands outside the window here, so that all of its state outlives the window's device.

use super::{App, default_settings};
use crate::app::WindowOptions;
use crate::gpu::Ladder;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::process::Command;
use std::time::Instant;

/// So often a lost driver is given another chance.
const MOST_LOSSES: usize = 2;

/// Opens the window and returns when it is closed.
///
/// # Errors
/// A sentence when no window can be opened.
pub fn run(args: &WindowOptions, started: Instant) -> Result<(), Box<dyn Error + Send + Sync>> {
    let settings = args.settings.clone().or_else(default_settings);
    let args = &WindowOptions { settings, ..args.clone() };
    let mut ladder = Ladder::new(args.safe_graphics);
    let mut app = None;
    let mut losses = 0;
    loop {
        let before = ladder.tried().len();
        let outcome = catch_unwind(AssertUnwindSafe(|| show(&mut app, &ladder, args, started)));
        let lost = app.as_ref().is_some_and(App::lost_graphics);
        match outcome {
            Ok(Ok(())) if lost && losses < MOST_LOSSES => {
                losses += 1;
                // Most drivers recover at once; if not, another one may do.
                ladder = Ladder::new(args.safe_graphics || losses == MOST_LOSSES);
            }
            Ok(Ok(())) if lost => {
                return Err("the graphics driver stopped again and again; what you did is kept; restart the \
                            computer, or start antrum with --safe-graphics"
                    .into());
            }
            Ok(Ok(())) => return Ok(()),
            Ok(Err(error)) if app.is_none() && ladder.tried().len() > before => {
                log::warn!("the next graphics adapter is tried: {error}");
            }
            Ok(Err(error)) => return Err(no_window(&error.to_string(), &ladder).into()),
            // Drivers that fail where wgpu and egui do not expect it end in a panic, after which this process can have no
            // other window.
            Err(_) if !ladder.is_safe() && (lost || app.is_none()) => {
                return after(app.take(), once_more_safely);
            }
            Err(panic) => resume_unwind(panic),
        }
    }
}

/// Shows the program in a window until that is closed; the program is made with the first one.
fn show(app: &mut Option<App>, ladder: &Ladder, args: &WindowOptions, started: Instant) -> eframe::Result {
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Antrum")
            .with_app_id("antrum")
            .with_inner_size([1440.0, 900.0])
            .with_min_inner_size([760.0, 520.0])
            .with_drag_and_drop(true),
        wgpu_options: ladder.configuration(),
        // Noise has no place in greys that are read, and there are no gradients that it would smooth.
        dithering: false,
        ..Default::default()
    };
    let make: eframe::AppCreator<'_> = Box::new(move |cc| {
        let app = if let Some(app) = app {
            app.draw_on(cc);
            app
        } else {
            app.insert(App::new(cc, args.clone(), started))
        };
        Ok(Box::new(Shown(app)))
    });
    eframe::run_native("antrum", options, make)
}

/// The program while a window shows it.
struct Shown<'a>(&'a mut App);

impl eframe::App for Shown<'_> {
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        self.0.logic(ctx, frame);
    }

    fn ui(&mut self, ui: &mut egui::Ui, frame: &mut eframe::Frame) {
        self.0.ui(ui, frame);
    }

    fn raw_input_hook(&mut self, ctx: &egui::Context, raw_input: &mut egui::RawInput) {
        self.0.raw_input_hook(ctx, raw_input);
    }

    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        self.0.clear_color(visuals)
    }
}

/// Goes on once the program is gone. It keeps how the reader looked when it goes: after what comes next, that would undo
/// what the reader did there.
fn after<T, R>(program: T, next: impl FnOnce() -> R) -> R {
    // A driver that has failed may fail again when it is left.
    if catch_unwind(AssertUnwindSafe(|| drop(program))).is_err() {
        log::warn!("the graphics driver failed again when the window was left");
    }
    next()
}

/// Runs this program again as it was started, but with safe graphics.
fn once_more_safely() -> Result<(), Box<dyn Error + Send + Sync>> {
    eprintln!("antrum: the graphics driver failed; starting again with --safe-graphics");
    let given = std::env::args_os().skip(1);
    let status = Command::new(std::env::current_exe()?).arg("--safe-graphics").args(given).status()?;
    if status.success() { Ok(()) } else { Err("safe graphics have failed too".into()) }
}

fn no_window(error: &str, ladder: &Ladder) -> String {
    let tried = ladder.tried();
    let tried = if tried.is_empty() { String::new() } else { format!("; tried: {}", tried.join(", ")) };
    let safer = if ladder.is_safe() { "" } else { "try antrum --safe-graphics, " };
    format!(
        "the window cannot be opened ({error}{tried}); {safer}install a graphics driver (on Debian: \
         mesa-vulkan-drivers), or use the subcommands, see antrum --help"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    /// A program that cannot be left in peace.
    struct Failing<'a>(&'a Cell<bool>);

    impl Drop for Failing<'_> {
        fn drop(&mut self) {
            self.0.set(true);
            panic!("the driver is lost");
        }
    }

    #[test]
    fn the_program_is_gone_before_the_next_one_starts() {
        let gone = Cell::new(false);
        assert!(after(Some(Failing(&gone)), || gone.get()));
    }

    #[test]
    fn who_gets_no_window_is_told_what_to_do() {
        let text = no_window("no graphics adapter can draw in a window", &Ladder::new(false));
        assert!(text.starts_with("the window cannot be opened (no graphics adapter can draw in a window); try antrum"));
        assert!(!no_window("?", &Ladder::new(true)).contains("--safe-graphics"), "it was safe already");
    }
}
