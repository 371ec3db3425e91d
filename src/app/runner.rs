//! Carries out effects: file dialogs, background jobs, the project file. Results come back as commands.

use super::command::{Command, Effect, Judgement, Wanted, Write};
use super::report::{self, Analysis};
use super::state::{JobKind, JobView};
use crate::io::Scan;
use crate::job::{Job, JobError, Progress};
use crate::methods::residual::{InferConfig, Model};
use crate::methods::sinus::{self, FinderConfig, Sinus};
use crate::nets::Device;
use crate::project::{CaseId, EventId, LabelEvent, Project, ProjectError};
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// What the runner needs to know on starting.
pub struct RunnerConfig {
    /// The project file.
    pub project: PathBuf,
    /// Recorded with each label.
    pub rater: String,
    /// Where networks run.
    pub device: Device,
}

const NO_DIALOG: &str = "No file dialog can be shown here (on Linux: install xdg-desktop-portal or zenity). Drop the scan onto the window, or \
     start antrum with its path";

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The side of the program that has effects.
pub struct Runner {
    config: RunnerConfig,
    project: Result<Project, ProjectError>,
    session: String,
    case: Option<CaseId>,
    last_event: [Vec<EventId>; 2],
    model: Arc<OnceLock<Model>>,
    pool: Option<Arc<rayon::ThreadPool>>,
    dialog: Option<Job<Option<PathBuf>>>,
    open: Option<Job<Scan>>,
    find: Option<Job<[Sinus; 2]>>,
    analyse: Option<Job<Analysis>>,
    done: Vec<Command>,
}

impl Runner {
    /// Opens the project. A project that cannot be opened is said at once and again at every label; nothing else fails.
    #[must_use]
    pub fn new(config: RunnerConfig) -> Self {
        // One thread less than cores, so that the window keeps its own.
        let threads = std::thread::available_parallelism().map_or(1, |n| n.get().saturating_sub(1).max(1));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|i| format!("analysis {i}"));
        let project = Project::open(&config.project);
        let done = project.as_ref().err().map(|e| Command::Notice(format!("Labels cannot be kept: {e}")));
        Self {
            config,
            project,
            session: session_name(),
            case: None,
            last_event: [Vec::new(), Vec::new()],
            model: Arc::new(OnceLock::new()),
            pool: pool.build().ok().map(Arc::new),
            dialog: None,
            open: None,
            find: None,
            analyse: None,
            done: done.into_iter().collect(),
        }
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
                    let path = pollster::block_on(answer);
                    // Nobody says no as fast as a system that has no dialog.
                    if path.is_none() && asked.elapsed() < Duration::from_millis(300) {
                        Err(NO_DIALOG)
                    } else {
                        Ok(path)
                    }
                };
                self.dialog = Some(Job::spawn("file dialog", wait));
            }
            Effect::Open(path) => {
                // Not in the pool of the analyses: a scan is opened at once, whatever is being computed.
                let work = move |progress: &Progress| -> Result<Scan, Failure> {
                    Ok(match &path {
                        Some(path) => crate::io::open(path, progress)?,
                        None => super::example(progress)?,
                    })
                };
                self.open = Some(Job::spawn("Opening the scan", work));
            }
            Effect::Find(scan) => {
                self.find = Some(self.pooled("Finding the sinuses", move |progress| {
                    Ok(sinus::find(&scan.volume, &FinderConfig::default(), progress)?)
                }));
            }
            Effect::Analyse(scan, sinuses) => {
                let (model, device) = (Arc::clone(&self.model), self.config.device.clone());
                self.analyse = Some(self.pooled("Residual map", move |progress| {
                    let model = if let Some(model) = model.get() {
                        model
                    } else {
                        let loaded = Model::built_in(&device)?;
                        model.get_or_init(|| loaded)
                    };
                    Ok(report::analyse(&scan.volume, &sinuses, model, InferConfig::default(), progress)?)
                }));
            }
            Effect::Cancel(kind) => match kind {
                JobKind::Open => self.open = None,
                JobKind::Find => self.find = None,
                JobKind::Analyse => self.analyse = None,
            },
            Effect::Record(judged) => self.record(&judged),
        }
    }

    /// What has happened since the last call, as commands.
    pub fn poll(&mut self) -> Vec<Command> {
        let mut commands = std::mem::take(&mut self.done);
        match finished(&mut self.dialog) {
            Some(Ok(path)) => commands.extend(path.map(Command::Open)),
            Some(Err(error)) => commands.extend(failure(error)),
            None => {}
        }
        match finished(&mut self.open) {
            Some(Ok(scan)) => {
                // What was computed for the scan before must not land on this one.
                (self.find, self.analyse) = (None, None);
                commands.push(self.opened(scan));
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
            Some(Ok(analysis)) => commands.push(Command::Analysed(Arc::new(analysis))),
            Some(Err(error)) => commands.extend(failure(error)),
            None => {}
        }
        commands
    }

    /// What is running, for the job bar.
    #[must_use]
    pub fn jobs(&self) -> Vec<JobView> {
        fn view<T: Send>(kind: JobKind, job: Option<&Job<T>>) -> Option<JobView> {
            job.map(|job| JobView { kind, name: job.name().to_owned(), status: job.status() })
        }
        [
            view(JobKind::Open, self.open.as_ref()),
            view(JobKind::Find, self.find.as_ref()),
            view(JobKind::Analyse, self.analyse.as_ref()),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    /// Whether anything may still come back: the window then looks again soon.
    #[must_use]
    pub fn busy(&self) -> bool {
        self.dialog.is_some() || self.open.is_some() || self.find.is_some() || self.analyse.is_some()
    }

    fn opened(&mut self, scan: Scan) -> Command {
        let known = self.project.as_ref().ok().map(|project| {
            let case = project.case(&scan.sha256, scan.path.as_deref())?;
            Ok::<_, ProjectError>((case, project.labels(case, &self.config.rater)?))
        });
        self.last_event = [Vec::new(), Vec::new()];
        let mut labels = [None; 2];
        self.case = None;
        match known {
            Some(Ok((case, known))) => {
                self.case = Some(case);
                labels = known;
            }
            Some(Err(error)) => self.done.push(Command::Failed(error.to_string())),
            None => {}
        }
        Command::Opened(Arc::new(scan), labels)
    }

    fn record(&mut self, judged: &Judgement) {
        let Judgement { side, before, kind, .. } = *judged;
        match self.try_record(judged) {
            Ok(event) => {
                let events = &mut self.last_event[side.index()];
                if kind == Write::Undo {
                    events.pop();
                } else {
                    events.push(event);
                }
            }
            Err(reason) => {
                let reason = format!("The label was not kept: {reason}");
                // Before earlier refusals of this frame, so that the label that counts on disk is the last one set.
                self.done.insert(0, Command::LabelRefused { side, before, kind, reason });
            }
        }
    }

    fn try_record(&self, judged: &Judgement) -> Result<EventId, String> {
        let project = self.project.as_ref().map_err(ToString::to_string)?;
        let case = self.case.ok_or("the scan is not in the project; open it again")?;
        let undone = self.last_event[judged.side.index()].last().copied();
        let event = LabelEvent {
            label: judged.label,
            undoes: if judged.kind == Write::Undo { undone } else { None },
            ai_seen: judged.ai_seen,
            ai_score: judged.score,
            model_sha256: self.model.get().map(|m| m.sha256.clone()).filter(|_| judged.ai_seen),
            ..LabelEvent::new(case, judged.side, self.config.rater.clone(), self.session.clone())
        };
        project.record(&event).map_err(|e| e.to_string())
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

/// The outcome of a job that has ended; the job is then gone.
fn finished<T: Send + 'static>(job: &mut Option<Job<T>>) -> Option<Result<T, JobError>> {
    let outcome = job.as_mut()?.take()?;
    *job = None;
    Some(outcome)
}

/// A cancelled job is what the user wanted; everything else is said.
fn failure(error: JobError) -> Option<Command> {
    match error {
        JobError::Cancelled => None,
        other => Some(Command::Failed(other.to_string())),
    }
}

/// Shows the dialog; must be called where the window lives, the answer may be awaited anywhere.
fn ask(what: Wanted) -> impl Future<Output = Option<PathBuf>> + Send {
    let dialog = rfd::AsyncFileDialog::new();
    async move {
        let handle = if what == Wanted::Folder {
            dialog.set_title("Open a folder with a DICOM series").pick_folder().await
        } else {
            let dialog = dialog.set_title("Open a scan").add_filter("NIfTI, DICOM", &["nii", "gz", "dcm", "ima"]);
            dialog.add_filter("all files", &["*"]).pick_file().await
        };
        handle.map(|handle| handle.path().to_owned())
    }
}

/// A name for this run of the program: start time and process.
fn session_name() -> String {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    format!("{}-{}", now.as_secs(), std::process::id())
}
