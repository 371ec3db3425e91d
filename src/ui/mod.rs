//! The window: panes and panels drawn from [`State`], wishes sent as [`Command`]s.

mod actions;
mod bar;
mod beside;
mod cards;
mod case_table;
mod colour_bar;
mod cube;
mod details;
mod drawer;
mod figure;
mod help;
mod keys;
mod layers;
mod lettering;
mod measure;
mod menus;
mod message;
mod model;
mod panes;
mod plane_marks;
mod plane_mouse;
mod plane_pane;
mod preview;
mod probe;
mod projection;
mod rail;
mod raters;
mod recent;
mod rest;
mod scan;
mod series;
mod settings_panel;
mod start;
mod status;
mod theme;
mod volume_pane;
mod volume_panel;

pub use start::run;

use crate::app::settings::{Settings, SettingsCommand};
use crate::app::shell::ShellCommand;
use crate::app::state::{JobKind, Pane};
use crate::app::{Command, MakeDevice, Prepare, Runner, RunnerConfig, State, WindowOptions, settings_file};
use crate::gpu;
use crate::space::Plane;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The program with a window.
pub struct App {
    state: State,
    runner: Runner,
    /// The panes of the last frame.
    panes: panes::Panes,
    /// The pane that keys and menus mean: the one that has the keyboard, else the one that was under the mouse last.
    pane: Pane,
    /// The pane that gets the keyboard in the next frame.
    go_to: Option<Pane>,
    camera: figure::Camera,
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
    /// Sets up drawing and opens what was asked for. Without a file for them, settings are those of this run alone.
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
            gpu: (cc.wgpu_render_state.as_ref().filter(|_| !args.safe_graphics))
                .and_then(|window| gpu::analysis_device(window).map(|make| Arc::new(make) as MakeDevice)),
        };
        let keeper = config.project.file_name().map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        let (settings, note) = args.settings.as_deref().map_or((Settings::default(), None), settings_file::load);
        let mut app = Self {
            state: State::kept_by(config.rater.clone(), keeper).with_settings(settings.clone()),
            runner: Runner::new(config).with_settings(args.settings.clone(), settings),
            panes: panes::Panes::default(),
            pane: Pane::Plane(Plane::Axial),
            go_to: None,
            camera: figure::Camera::default(),
            watch: gpu::Watch::default(),
            uploader,
            startup: args.log_startup.then_some(Startup { started, frames: 0, shown: false }),
        };
        app.draw_on(cc);
        if args.show_paths {
            app.send(Command::Settings(SettingsCommand::ShowPathsForNow));
        }
        if let Some(note) = note {
            app.send(Command::Notice(note));
        }
        if let Some(effect) = app.state.drawer_needs() {
            app.runner.run(effect);
        }
        app.send(if args.paths.is_empty() { Command::OpenExample } else { Command::Open(args.paths) });
        app
    }

    /// Draws in this window from now on: the first one, or another after the former's device was lost.
    fn draw_on(&mut self, cc: &eframe::CreationContext<'_>) {
        theme::apply(&cc.egui_ctx);
        theme::follow(&cc.egui_ctx, &self.state.settings);
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

    /// Carries out what the keys ask for.
    fn keys(&mut self, ctx: &egui::Context) {
        let focused = ctx.memory(egui::Memory::focused).is_some();
        let elsewhere = focused && self.panes.focused.is_none();
        for command in keys::pressed(ctx, &self.state, self.pane, elsewhere) {
            if let Command::Focus(pane) = command {
                (self.pane, self.go_to) = (pane, Some(pane));
            }
            self.send(command);
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
    /// The window is cleared to the colour of the panels and the panes cover themselves, so that egui fills neither: where
    /// graphics are software, that takes longer than all pictures together.
    fn clear_color(&self, visuals: &egui::Visuals) -> [f32; 4] {
        visuals.panel_fill.to_normalized_gamma_f32()
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
        self.keys(ctx);
        let wide = ctx.content_rect().width() >= WIDE;
        if wide != self.state.shell.wide {
            self.send(Command::Shell(ShellCommand::Wide(wide)));
        }
        theme::follow(ctx, &self.state.settings);
        self.send(Command::Jobs(self.runner.jobs()));
        if let Some(wait) = self.runner.remember(self.state.saved()) {
            ctx.request_repaint_after(wait);
        }
        self.graphics_notes(ctx, frame);
        self.log_startup();
        if self.runner.busy() || self.startup.is_some() {
            // A scan is waited for; for the rest, drawing should not take the processor from the computing.
            let soon = self.state.running(JobKind::Open) || self.startup.is_some();
            ctx.request_repaint_after(Duration::from_millis(if soon { 50 } else { 150 }));
        }
    }

    fn ui(&mut self, ui: &mut egui::Ui, _frame: &mut eframe::Frame) {
        // Without a device egui's painter can only draw nothing.
        if self.lost_graphics() {
            return;
        }
        let mut commands = Vec::new();
        bar::ui(ui, &self.state, self.pane, &mut commands);
        status::ui(ui, &self.state, &mut commands);
        cards::ui(ui, &self.state, &mut commands);
        rail::ui(ui, &self.state, &mut commands);
        drawer::ui(ui, &self.state, &mut commands);
        self.panes = panes::ui(ui, &self.state, self.go_to.take(), &mut commands);
        self.pane = self.panes.focused.or(self.panes.hovered).unwrap_or(self.pane);
        if self.state.shell.figure.is_some() {
            commands.extend(self.camera.follow(ui.ctx(), &self.state, &self.panes.shown));
        } else {
            message::ui(ui, &self.state, self.panes.area, &mut commands);
            probe::tooltip(ui.ctx(), &self.state);
            help::ui(ui, &self.state, &mut commands);
        }
        if !commands.is_empty() {
            // What a command changes is drawn in the next frame.
            ui.ctx().request_repaint();
        }
        for command in commands {
            self.send(command);
        }
    }

    fn raw_input_hook(&mut self, _ctx: &egui::Context, raw_input: &mut egui::RawInput) {
        if self.state.shell.figure.is_some() {
            // A figure shows no marks under the mouse.
            raw_input.events.push(egui::Event::PointerGone);
        }
    }
}

/// The width in points from which a drawer is open unasked.
const WIDE: f32 = 1500.0;

/// `labels.antrum` in the user's data folder.
fn default_project() -> PathBuf {
    directories::ProjectDirs::from("", "", "antrum")
        .map_or_else(|| PathBuf::from("labels.antrum"), |dirs| dirs.data_dir().join("labels.antrum"))
}

/// `settings.json` in the user's configuration folder.
fn default_settings() -> Option<PathBuf> {
    directories::ProjectDirs::from("", "", "antrum").map(|dirs| dirs.config_dir().join("settings.json"))
}

fn login_name() -> String {
    ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_else(|| "reader".to_owned())
}
