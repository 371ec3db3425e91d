//! The window: panes and panels drawn from [`State`], wishes sent as [`Command`]s.

mod bar;
mod beside;
mod colour_bar;
mod help;
mod keys;
mod layers;
mod lettering;
mod measure;
mod panel;
mod panes;
mod plane_marks;
mod plane_mouse;
mod plane_pane;
mod preview;
mod probe;
mod projection;
mod rest;
mod scan;
mod series;
mod start;
mod status;
mod theme;
mod volume_pane;

pub use start::run;

use crate::app::state::Pane;
use crate::app::{Command, MakeDevice, Prepare, Runner, RunnerConfig, State, WindowOptions};
use crate::gpu;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The program with a window.
pub struct App {
    state: State,
    runner: Runner,
    /// The pane under the mouse: keys for slices mean it.
    hovered: Option<Pane>,
    /// Hears what goes wrong with the window's device.
    watch: gpu::Watch,
    /// Uploads to the window's device.
    uploader: gpu::Uploader,
    startup: Option<Startup>,
}

/// Times since the program started, for `--log-startup`.
struct Startup {
    started: Instant,
    frames: u64,
    /// Whether the frame that was begun last shows the scan.
    shown: bool,
}

impl App {
    /// Sets up drawing and opens what was asked for.
    #[must_use]
    pub fn new(cc: &eframe::CreationContext<'_>, args: WindowOptions, started: Instant) -> Self {
        // Jobs upload what they make, to whichever window there is by then.
        let uploader = gpu::Uploader::default();
        let prepare: Prepare = Arc::new({
            let uploader = uploader.clone();
            move |volume| uploader.upload(volume)
        });
        if args.log_startup {
            eprintln!("window created after {} ms", started.elapsed().as_millis());
        }
        let config = RunnerConfig {
            project: args.project.clone().unwrap_or_else(default_project),
            rater: args.rater.clone().unwrap_or_else(login_name),
            prepare,
            gpu: cc.wgpu_render_state.as_ref().filter(|_| !args.safe_graphics).and_then(analysis_device),
        };
        let keeper = config.project.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let label_keeper = format!("Labels by {} in {keeper}", config.rater);
        let mut app = Self {
            state: State::kept_by(label_keeper),
            runner: Runner::new(config),
            hovered: None,
            watch: gpu::Watch::default(),
            uploader,
            startup: args.log_startup.then_some(Startup { started, frames: 0, shown: false }),
        };
        app.draw_on(cc);
        app.send(Command::ShowPaths(args.show_paths));
        app.send(if args.paths.is_empty() { Command::OpenExample } else { Command::Open(args.paths) });
        app
    }

    /// Draws in this window from now on: the first one, or another after the former's device was lost.
    fn draw_on(&mut self, cc: &eframe::CreationContext<'_>) {
        theme::apply(&cc.egui_ctx);
        let Some(render_state) = &cc.wgpu_render_state else { return };
        self.uploader.draw_on(render_state);
        let ctx = cc.egui_ctx.clone();
        self.watch = gpu::Watch::over(render_state, move || ctx.request_repaint());
        if !gpu::install(render_state) {
            self.send(Command::Notice(gpu::Trouble::OutOfMemory.to_string()));
        }
        self.send(Command::SoftwareGraphics(gpu::is_software(render_state)));
        self.send(Command::Graphics(gpu::adapter_summary(render_state)));
    }

    /// Whether the window's device is lost, so that nothing more can be drawn in that window.
    fn lost_graphics(&self) -> bool {
        self.watch.is_lost()
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
    fn graphics_notes(&mut self, ctx: &egui::Context, frame: &eframe::Frame) {
        for trouble in self.watch.take() {
            self.send(Command::Notice(trouble.to_string()));
        }
        if self.lost_graphics() {
            ctx.send_viewport_cmd(egui::ViewportCommand::Close);
        }
        let Some(render_state) = frame.wgpu_render_state() else { return };
        for note in gpu::notes(render_state) {
            self.send(Command::Notice(note));
        }
    }

    /// A frame has been presented when the next one is begun.
    fn log_startup(&mut self) {
        let Some(startup) = &mut self.startup else { return };
        startup.frames += 1;
        let ms = startup.started.elapsed().as_millis();
        if startup.frames == 2 {
            eprintln!("first frame after {ms} ms");
        }
        if startup.shown {
            eprintln!("scan interactive after {ms} ms");
            self.startup = None;
        } else {
            startup.shown = self.state.generation > 0;
        }
    }
}

impl eframe::App for App {
    fn clear_color(&self, _visuals: &egui::Visuals) -> [f32; 4] {
        theme::BACKGROUND.to_normalized_gamma_f32()
    }

    fn logic(&mut self, ctx: &egui::Context, frame: &mut eframe::Frame) {
        log::trace!("a frame begins; the last took {:.1} ms", 1e3 * frame.info().cpu_usage.unwrap_or_default());
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
        if let Some(wait) = self.runner.remember(self.state.saved()) {
            ctx.request_repaint_after(wait);
        }
        self.graphics_notes(ctx, frame);
        self.log_startup();
        if self.runner.busy() || self.startup.is_some() {
            ctx.request_repaint_after(Duration::from_millis(50));
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        // Without a device egui's painter can only draw nothing.
        if self.lost_graphics() {
            return;
        }
        let mut commands = Vec::new();
        bar::ui(ui, &self.state, &mut commands);
        status::ui(ui, &self.state, &mut commands);
        panel::ui(ui, &self.state, &mut commands);
        self.hovered = panes::ui(ui, &self.state, &mut commands);
        probe::tooltip(ui.ctx(), &self.state);
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

fn analysis_device(window: &eframe::egui_wgpu::RenderState) -> Option<MakeDevice> {
    gpu::analysis_device(window).map(|make| Arc::new(make) as MakeDevice)
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
