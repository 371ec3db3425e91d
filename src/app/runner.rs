//! Carries out effects: file dialogs, background jobs, the project file. Results come back as commands.

mod deidentify;
mod keeping;
mod labels;
mod learning;
mod opening;
mod templates;

use super::command::{Command, Effect, Wanted};
use super::compare::CompareCommand;
use super::deidentify::{Copied, DeidentifyCommand};
use super::figure_file::{self, Saved};
use super::layer_jobs::LayerJobs;
use super::layers::LayerCommand;
use super::load::Loaded;
use super::report::{self, Analysis};
use super::report_file;
use super::settings::Settings;
use super::settings_file;
use super::shell::ShellCommand;
use super::state::{JobKind, JobView};
use super::template::TemplateCommand;
use crate::io::Preview;
use crate::job::{Job, JobError, Progress};
use crate::methods::ModelError;
use crate::methods::residual::{Classify, Model};
use crate::methods::sinus::{Finder, Sinus};
use crate::nets::{self, Device};
use crate::project::{CaseId, Project, ProjectError, session_name};
use crate::volume::Volume;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// What the runner needs to know on starting.
pub struct RunnerConfig {
    /// The project file.
    pub project: PathBuf,
    /// Recorded with each label.
    pub rater: String,
    /// Gets a volume ready to be drawn: the last stage of the jobs that make one, so that no frame waits for it.
    pub prepare: Prepare,
    /// The graphics card for the networks; none where the CPU is better.
    pub gpu: Option<MakeDevice>,
}

/// Something done with a volume, by whichever thread.
pub type Prepare = Arc<dyn Fn(&Arc<Volume>) + Send + Sync>;

/// Gives a device; asked for by the first network, on its thread.
pub type MakeDevice = Arc<dyn Fn() -> Device + Send + Sync>;

const NO_DIALOG: &str = "No file dialog can be shown here (on Linux: install xdg-desktop-portal or zenity). Drop the scan onto the window, or \
     start antrum with its path";

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The side of the program that has effects.
pub struct Runner {
    config: RunnerConfig,
    project: Result<Project, ProjectError>,
    session: String,
    case: Option<CaseId>,
    labels: labels::Labels,
    learning: learning::Learn,
    finder: Arc<OnceLock<Finder>>,
    model: Arc<OnceLock<Model>>,
    pool: Option<Arc<rayon::ThreadPool>>,
    /// What was asked for, and the answer.
    dialog: Option<Job<(Wanted, Vec<PathBuf>)>>,
    open: Option<Job<Loaded>>,
    /// What the opening job sends ahead.
    early: Option<Receiver<Preview>>,
    thumbnails: Option<Job<()>>,
    /// What that job has ready, with the places in the list.
    ready: Option<Receiver<(usize, Preview)>>,
    find: Option<Job<[Sinus; 2]>>,
    /// What to say when the boxes are in the template.
    template: Option<Job<String>>,
    /// With what must be said about it.
    analyse: Option<Job<(Analysis, Option<String>)>>,
    layers: LayerJobs,
    /// Where the measurements of the open case are to be written.
    export: Option<Job<Option<PathBuf>>>,
    /// How the reader looks at the open case.
    looks: keeping::Looks,
    /// Where settings are kept; none keeps them in this run alone.
    settings: Option<PathBuf>,
    /// The settings as this window last read or wrote them.
    known: Settings,
    /// What the opening job was asked for, where it was not a series of the list.
    asked: Vec<PathBuf>,
    figure: Option<Job<Option<Saved>>>,
    report: Option<Job<Option<String>>>,
    copy: Option<Job<Copied>>,
    done: Vec<Command>,
}

impl Runner {
    /// Opens the project. A project that cannot be opened is said at once and again at every label; nothing else fails.
    #[must_use]
    pub fn new(config: RunnerConfig) -> Self {
        let project = Project::open(&config.project);
        let done = project.as_ref().err().map(|e| Command::Notice(format!("Labels cannot be kept: {e}")));
        Self {
            config,
            project,
            session: session_name(),
            case: None,
            labels: labels::Labels::default(),
            learning: learning::Learn::default(),
            finder: Arc::new(OnceLock::new()),
            model: Arc::new(OnceLock::new()),
            pool: pool("analysis").map(Arc::new),
            dialog: None,
            open: None,
            early: None,
            thumbnails: None,
            ready: None,
            find: None,
            template: None,
            analyse: None,
            layers: LayerJobs::default(),
            export: None,
            looks: keeping::Looks::default(),
            settings: None,
            known: Settings::default(),
            asked: Vec::new(),
            figure: None,
            report: None,
            copy: None,
            done: done.into_iter().collect(),
        }
    }

    /// Keeps the settings in this file, from which these were read.
    #[must_use]
    pub fn with_settings(mut self, path: Option<PathBuf>, known: Settings) -> Self {
        (self.settings, self.known) = (path, known);
        self
    }

    /// Starts or does what an effect asks for.
    pub fn run(&mut self, effect: Effect) {
        match effect {
            Effect::Ask(_) if self.dialog.is_some() => {}
            Effect::Ask(what) => {
                // The dialog is asynchronous by itself; the job only waits for the answer.
                let answer = ask(what);
                let wait = move |_: &Progress| {
                    let asked = Instant::now();
                    let paths = pollster::block_on(answer);
                    // Nobody says no as fast as a system that has no dialog.
                    if paths.is_empty() && asked.elapsed() < Duration::from_millis(300) {
                        Err(NO_DIALOG)
                    } else {
                        Ok((what, paths))
                    }
                };
                self.dialog = Some(Job::spawn("file dialog", wait));
            }
            Effect::Open(target) => self.open(target),
            Effect::Thumbnails(catalogue) => self.thumbnails(catalogue),
            Effect::Find(scan) => {
                let finder = Arc::clone(&self.finder);
                self.find =
                    Some(self.pooled("Finding the sinuses", move |progress| {
                        Ok(loaded(&finder)?.find(&scan.volume, progress)?)
                    }));
            }
            Effect::FindBy(scan, folder) => self.find = Some(self.find_by(scan, folder)),
            Effect::AddToTemplate(scan, centres_mm, folder) => {
                self.template = Some(self.add_to_template(scan, centres_mm, folder));
            }
            Effect::Analyse(scan, sinuses, config) => {
                let (finder, model, gpu) = (Arc::clone(&self.finder), Arc::clone(&self.model), self.config.gpu.clone());
                let (prepare, classifier) = (Arc::clone(&self.config.prepare), self.kept_weights().in_use());
                self.analyse = Some(self.pooled("Residual map", move |progress| {
                    let mut note = None;
                    let model = if let Some(model) = model.get() {
                        model
                    } else {
                        let device = gpu.map_or_else(nets::cpu, |make| make());
                        let mut loaded = Model::built_in(&device)?;
                        match classifier.map(|file| Classify::load(&file, &device)) {
                            Some(Ok(tuned)) => loaded.classifier = Some(tuned),
                            // The map and the cavities need no classifier.
                            Some(Err(error)) => note = Some(format!("The built-in classifier is used: {error}")),
                            None => {}
                        }
                        model.get_or_init(|| loaded)
                    };
                    let finder = loaded(&finder)?;
                    let analysis = report::analyse(&scan.volume, &sinuses, finder, model, config, progress)?;
                    let maps = analysis.shown.iter().chain(&analysis.cavity_map).chain(&analysis.why);
                    maps.for_each(|map| prepare(map));
                    Ok((analysis, note))
                }));
            }
            Effect::Cancel(kind) => match kind {
                JobKind::Open => self.open = None,
                JobKind::Find => self.find = None,
                JobKind::Analyse => self.analyse = None,
                JobKind::Template => self.template = None,
                JobKind::Learn => self.learning.cancel(),
                JobKind::Copy => self.copy = None,
                JobKind::Overlay | JobKind::Second => self.layers.cancel(kind),
            },
            Effect::Export(..) if self.report.is_some() => {}
            Effect::Export(exported) => {
                let now = self.project.as_ref().ok().and_then(|project| project.now().ok());
                self.report = Some(report_file::save(exported, self.config.rater.clone(), now));
            }
            Effect::Layer(effect) => self.layers.run(effect, &self.config.prepare),
            Effect::Record(judged) => self.record(judged),
            Effect::ReadAs(rater) => self.read_as(rater),
            Effect::CompareRaters => self.compare_raters(),
            Effect::Learn(effect) => self.learn(effect),
            Effect::Deidentify { scan, origin, no_face, folder } => {
                self.copy = Some(self.deidentify(scan, origin, no_face, folder));
            }
            Effect::ReadAhead(origin) => self.read_ahead(origin),
            Effect::Measure(effect) => self.measure(effect),
            Effect::SaveSettings(settings) => {
                let saved = self.settings.as_deref().map(|path| settings_file::save(path, &self.known, &settings));
                match saved {
                    Some(Ok(())) => self.known = *settings,
                    Some(Err(reason)) => self.done.push(Command::Failed(reason)),
                    None => {}
                }
            }
            // One dialog at a time.
            Effect::SaveFigure(..) if self.figure.is_some() => {}
            Effect::SaveFigure(name, picture) => self.figure = Some(figure_file::save(name, picture)),
        }
    }

    /// What has happened since the last call, as commands.
    pub fn poll(&mut self) -> Vec<Command> {
        let mut commands = std::mem::take(&mut self.done);
        match finished(&mut self.dialog) {
            Some(Ok((_, paths))) if paths.is_empty() => {}
            Some(Ok((wanted, paths))) => commands.push(match wanted {
                Wanted::File | Wanted::Folder => Command::Open(paths),
                Wanted::Overlay => Command::Layer(LayerCommand::Open(paths)),
                Wanted::Second => Command::Compare(CompareCommand::Open(paths)),
                Wanted::Template => Command::Template(TemplateCommand::FindBy(paths.into_iter().next())),
                Wanted::CopyTo { no_face } => {
                    let folder = paths.into_iter().next().unwrap_or_default();
                    Command::Deidentify(DeidentifyCommand::To { no_face, folder })
                }
                Wanted::TemplateToAdd => {
                    Command::Template(TemplateCommand::Add(paths.into_iter().next().unwrap_or_default()))
                }
            }),
            Some(Err(error)) => commands.extend(failure(error)),
            None => {}
        }
        // They only make the list prettier: how their job ended is of no interest.
        let _ = finished(&mut self.thumbnails);
        // Pictures of the former list come before a new one.
        for (series, picture) in self.ready.iter().flat_map(Receiver::try_iter) {
            commands.push(Command::Thumbnail(series, Arc::new(picture)));
        }
        commands.extend(self.early.iter().flat_map(Receiver::try_iter).map(|early| Command::Early(Arc::new(early))));
        match finished(&mut self.open) {
            Some(Ok(loaded)) => {
                commands.push(self.opened(loaded));
                commands.append(&mut self.done);
            }
            Some(Err(error)) => commands.extend(failure(error)),
            None => {}
        }
        match finished(&mut self.find) {
            Some(Ok(sinuses)) => {
                // A map that is ready by now belongs to the former boxes.
                self.analyse = None;
                commands.push(Command::Found(sinuses));
            }
            Some(Err(error)) => commands.extend(failure(error)),
            None => {}
        }
        match finished(&mut self.analyse) {
            Some(Ok((analysis, note))) => {
                self.keep_analysis(&analysis);
                commands.push(Command::Analysed(Arc::new(analysis)));
                commands.extend(note.map(Command::Notice));
            }
            Some(Err(error)) => commands.extend(self.analysis_failed(error)),
            None => {}
        }
        commands.extend(self.labels.compared());
        commands.extend(self.learned());
        commands.extend(self.deidentified());
        match finished(&mut self.template) {
            Some(Ok(text)) => commands.push(Command::Notice(text)),
            Some(Err(error)) => commands.extend(failure(error)),
            None => {}
        }
        commands.extend(self.layers.poll());
        commands.extend(self.exported());
        match finished(&mut self.figure) {
            Some(Ok(saved)) => commands
                .extend(saved.map(|Saved { path, place }| Command::Shell(ShellCommand::FigureSaved { path, place }))),
            Some(Err(error)) => commands.extend(failure(error)),
            None => {}
        }
        match finished(&mut self.report) {
            Some(Ok(Some(written))) => commands.push(Command::Notice(written)),
            Some(Err(error)) => commands.extend(failure(error)),
            Some(Ok(None)) | None => {}
        }
        commands
    }

    /// An analysis that failed on the graphics card is done again by the CPU, as are all that follow: the card's memory was
    /// too small, or its driver was lost.
    fn analysis_failed(&mut self, error: JobError) -> Vec<Command> {
        if matches!(error, JobError::Cancelled) || self.config.gpu.take().is_none() {
            return failure(error).into_iter().collect();
        }
        log::warn!("the analysis failed on the graphics card: {error}");
        self.model = Arc::default();
        let text = "The graphics card cannot compute the map; it is computed without it, which takes longer";
        // One analysis at a time: the list without the failed one makes way for the next.
        vec![Command::Jobs(self.jobs()), Command::Notice(text.to_owned()), Command::Analyse]
    }

    /// What is running, for the job bar.
    #[must_use]
    pub fn jobs(&self) -> Vec<JobView> {
        let own = [
            JobView::of(JobKind::Open, self.open.as_ref()),
            JobView::of(JobKind::Find, self.find.as_ref()),
            JobView::of(JobKind::Analyse, self.analyse.as_ref()),
            JobView::of(JobKind::Template, self.template.as_ref()),
            self.learning.view(),
            JobView::of(JobKind::Copy, self.copy.as_ref()),
        ];
        own.into_iter().flatten().chain(self.layers.views()).collect()
    }

    /// Whether anything may still come back: the window then looks again soon.
    #[must_use]
    pub fn busy(&self) -> bool {
        let working = self.open.is_some() || self.find.is_some() || self.analyse.is_some();
        let working =
            working || self.learning.busy() || self.template.is_some() || self.layers.busy() || self.export.is_some();
        let saving = self.copy.is_some() || self.figure.is_some() || self.report.is_some() || self.labels.comparing();
        working || saving || self.dialog.is_some() || self.thumbnails.is_some()
    }

    /// A job whose parallel parts run in the analysis pool.
    fn pooled<T: Send + 'static>(
        &self,
        name: &str,
        work: impl FnOnce(&Progress) -> Result<T, Failure> + Send + 'static,
    ) -> Job<T> {
        let pool = self.pool.clone();
        Job::spawn(name, move |progress| match pool {
            Some(pool) => pool.install(|| work(progress)),
            None => work(progress),
        })
    }
}

/// Threads for background work of a name: one less than cores, so that the window keeps its own.
fn pool(name: &'static str) -> Option<rayon::ThreadPool> {
    let threads = std::thread::available_parallelism().map_or(1, |n| n.get().saturating_sub(1).max(1));
    rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(move |i| format!("{name} {i}")).build().ok()
}

/// The finder, which is loaded by the first job that needs it.
fn loaded(finder: &OnceLock<Finder>) -> Result<&Finder, ModelError> {
    if let Some(finder) = finder.get() {
        return Ok(finder);
    }
    let loaded = Finder::built_in(&nets::cpu())?;
    Ok(finder.get_or_init(|| loaded))
}

/// The outcome of a job that has ended; the job is then gone.
pub(super) fn finished<T: Send + 'static>(job: &mut Option<Job<T>>) -> Option<Result<T, JobError>> {
    let outcome = job.as_mut()?.take()?;
    *job = None;
    Some(outcome)
}

/// A cancelled job is what the user wanted; everything else is said.
pub(super) fn failure(error: JobError) -> Option<Command> {
    match error {
        JobError::Cancelled => None,
        other => Some(Command::Failed(other.to_string())),
    }
}

/// Shows the dialog; must be called where the window lives, the answer may be awaited anywhere.
fn ask(what: Wanted) -> impl Future<Output = Vec<PathBuf>> + Send {
    let dialog = rfd::AsyncFileDialog::new();
    async move {
        let (title, folder) = match what {
            Wanted::File => ("Open scans", false),
            Wanted::Folder => ("Open a folder of scans", true),
            Wanted::Overlay => ("Open masks or maps to lay over the scan", false),
            Wanted::Second => ("Open a scan to compare with", false),
            Wanted::Template => ("Choose the folder of a template", true),
            Wanted::CopyTo { .. } => ("Folder for the copy without identity", true),
            Wanted::TemplateToAdd => ("Choose the folder of a template, or an empty one for a new template", true),
        };
        let dialog = dialog.set_title(title);
        let handles = if folder {
            dialog.pick_folder().await.map(|handle| vec![handle])
        } else {
            let dialog = dialog.add_filter("NIfTI, DICOM, ZIP, PNG, JPEG, tables of scans", &SCAN_ENDINGS);
            dialog.add_filter("all files", &["*"]).pick_files().await
        };
        handles.unwrap_or_default().iter().map(|handle| handle.path().to_owned()).collect()
    }
}

/// Endings of file names that scans usually have. DICOM files often have none: those are among all files.
const SCAN_ENDINGS: [&str; 13] =
    ["nii", "gz", "hdr", "img", "dcm", "dicom", "ima", "zip", "png", "jpg", "jpeg", "csv", "tsv"];

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::testing;
    use crate::methods::residual::InferConfig;
    use crate::space::Side;
    use glam::DVec3;

    #[test]
    fn an_analysis_that_fails_on_the_graphics_card_is_done_again_by_the_cpu() {
        let folder = tempfile::tempdir().unwrap();
        let gpu: MakeDevice = Arc::new(|| panic!("no memory"));
        let config = RunnerConfig {
            project: folder.path().join("p.antrum"),
            rater: "tester".to_owned(),
            prepare: Arc::new(|_| {}),
            gpu: Some(gpu),
        };
        let mut runner = Runner::new(config);
        let scan = Arc::new(testing::scan([8, 8, 8]));
        let sinus = |side| Sinus::placed(side, DVec3::ZERO, &scan.volume.grid);
        let sinuses = [sinus(Side::Left), sinus(Side::Right)];
        runner.run(Effect::Analyse(scan, sinuses, InferConfig::default()));
        let commands = loop {
            let commands = runner.poll();
            if !commands.is_empty() {
                break commands;
            }
            std::thread::sleep(Duration::from_millis(5));
        };
        let [Command::Jobs(jobs), Command::Notice(text), Command::Analyse] = &commands[..] else {
            panic!("{commands:?}")
        };
        assert!(jobs.is_empty() && text.starts_with("The graphics card cannot compute the map"), "{text}");
        assert!(runner.config.gpu.is_none());
    }
}
