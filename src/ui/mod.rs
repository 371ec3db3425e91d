//! The window: panes and panels drawn from [`State`], wishes sent as [`Command`]s.

mod bar;
mod colour_bar;
mod cube;
mod help;
mod keys;
mod lettering;
mod panel;
mod panes;
mod plane_marks;
mod plane_mouse;
mod plane_pane;
mod preview;
mod projection;
mod rest;
mod scan;
mod series;
mod status;
mod theme;
mod volume_pane;
mod volume_panel;

use crate::app::state::Pane;
use crate::app::{Command, Prepare, Runner, RunnerConfig, State, WindowOptions};
use crate::{gpu, nets};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Opens the window and returns when it is closed.
///
/// # Errors
/// A sentence when no window can be opened.
pub fn run(args: WindowOptions, started: Instant) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let options = eframe::NativeOptions {
        viewport: egui::ViewportBuilder::default()
            .with_title("Antrum")
            .with_app_id("antrum")
            .with_inner_size([1440.0, 900.0])
            .with_min_inner_size([760.0, 520.0])
            .with_drag_and_drop(true),
        wgpu_options: gpu::configuration(),
        ..Default::default()
    };
    let make: eframe::AppCreator<'_> = Box::new(move |cc| Ok(Box::new(App::new(cc, args, started))));
    eframe::run_native("antrum", options, make).map_err(|error| {
        format!(
            "the window cannot be opened ({error}); install a graphics driver (on Debian: mesa-vulkan-drivers), \
             or use the subcommands, see antrum --help"
        )
        .into()
    })
}

/// The program with a window.
pub struct App {
    state: State,
    runner: Runner,
    /// The pane under the mouse: keys for slices mean it.
    hovered: Option<Pane>,
    startup: Option<Startup>,
}

/// Times since the program started, for `--log-startup`.
struct Startup {
    started: Instant,
    frames: u64,
}

impl App {
    /// Sets up drawing and opens what was asked for.
    #[must_use]
    pub fn new(cc: &eframe::CreationContext<'_>, args: WindowOptions, started: Instant) -> Self {
        theme::apply(&cc.egui_ctx);
        let mut device = nets::cpu();
        let mut prepare: Prepare = Arc::new(|_| {});
        if let Some(render_state) = &cc.wgpu_render_state {
            log::info!("graphics: {}", gpu::adapter_summary(render_state));
            gpu::install(render_state);
            device = gpu::analysis_device(render_state);
            let render_state = render_state.clone();
            prepare = Arc::new(move |volume| gpu::upload(&render_state, volume));
        }
        let software_graphics = cc.wgpu_render_state.as_ref().is_some_and(gpu::is_software);
        if args.log_startup {
            eprintln!("window created after {} ms", started.elapsed().as_millis());
        }
        let config = RunnerConfig {
            project: args.project.clone().unwrap_or_else(default_project),
            rater: args.rater.clone().unwrap_or_else(login_name),
            device,
            prepare,
        };
        let keeper = config.project.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let label_keeper = format!("Labels by {} in {keeper}", config.rater);
        let mut app = Self {
            state: State::kept_by(label_keeper),
            runner: Runner::new(config),
            hovered: None,
            startup: args.log_startup.then_some(Startup { started, frames: 0 }),
        };
        app.send(Command::ShowPaths(args.show_paths));
        app.send(Command::SoftwareGraphics(software_graphics));
        app.send(if args.paths.is_empty() { Command::OpenExample } else { Command::Open(args.paths) });
        app
    }

    /// What is shown; for tests.
    #[must_use]
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Carries out a command, whoever sends it.
    pub fn send(&mut self, command: Command) {
        for effect in self.state.apply(command) {
            self.runner.run(effect);
        }
    }

    /// Says what the user should know of what is drawn.
    fn graphics_notes(&mut self, frame: &eframe::Frame) {
        let Some(render_state) = frame.wgpu_render_state() else { return };
        for note in gpu::notes(render_state) {
            self.send(Command::Notice(note));
        }
    }

    fn log_startup(&mut self) {
        let Some(startup) = &mut self.startup else { return };
        startup.frames += 1;
        let ms = startup.started.elapsed().as_millis();
        if startup.frames == 2 {
            // The first frame has been presented when the second is begun.
            eprintln!("first frame after {ms} ms");
        }
        if self.state.generation > 0 && startup.frames > 2 {
            eprintln!("scan interactive after {ms} ms");
            self.startup = None;
        }
    }
}

impl eframe::App for App {
    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        for command in self.runner.poll() {
            self.send(command);
        }
        let dropped: Vec<PathBuf> =
            ctx.input(|i| i.raw.dropped_files.iter().map(|file| file.path().to_owned()).collect());
        if !dropped.is_empty() {
            self.send(Command::Open(dropped));
        }
        for command in keys::pressed(ctx, &self.state, self.hovered) {
            self.send(command);
        }
        self.send(Command::Jobs(self.runner.jobs()));
        self.graphics_notes(frame);
        self.log_startup();
        if self.runner.busy() || self.startup.is_some() {
            ctx.request_repaint_after(Duration::from_millis(50));
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        let mut commands = Vec::new();
        bar::ui(ui, &self.state, &mut commands);
        status::ui(ui, &self.state, &mut commands);
        panel::ui(ui, &self.state, &mut commands);
        self.hovered = panes::ui(ui, &self.state, &mut commands);
        help::ui(ui, &self.state, &mut commands);
        if !commands.is_empty() {
            // What a command changes is drawn in the next frame.
            ui.ctx().request_repaint();
        }
        for command in commands {
            self.send(command);
        }
    }
}

/// `labels.antrum` in the user's data folder.
fn default_project() -> PathBuf {
    directories::ProjectDirs::from("", "", "antrum")
        .map_or_else(|| PathBuf::from("labels.antrum"), |dirs| dirs.data_dir().join("labels.antrum"))
}

fn login_name() -> String {
    ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| "reader".to_owned())
}
