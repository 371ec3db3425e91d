//! A job is one background computation: it reports progress, can be cancelled, and always ends in a value or an error.
//!
//! The worker calls `progress.step(fraction, "stage")?` at least every 100 ms or so; cancellation travels
//! through that same `?`. Dropping a [`Job`] cancels it. A worker that panics becomes [`JobError::Panicked`].

use poll_promise::Promise;
use std::error::Error;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The worker was asked to stop. Every error type of a computation that runs in a job has a variant for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cancelled")]
pub struct Cancelled;

/// How a job ended without a value.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// It was cancelled by the user or replaced by a newer one.
    #[error("cancelled")]
    Cancelled,
    /// The computation returned an error.
    #[error(transparent)]
    Failed(Box<dyn Error + Send + Sync>),
    /// The computation panicked; the text is the panic's message.
    #[error("internal error: {0}; please report it")]
    Panicked(String),
}

/// How far a job is.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// 0 to 1.
    pub fraction: f32,
    /// What is being done, for people.
    pub stage: String,
    /// Estimated time left, once more than a twentieth is done.
    pub eta: Option<Duration>,
}

#[derive(Debug)]
struct Shared {
    cancelled: AtomicBool,
    started: Instant,
    state: Mutex<(f32, String)>,
}

/// The worker's end: tells how far it is and learns whether to stop. Cheap to clone and to call.
#[derive(Clone, Debug)]
pub struct Progress {
    shared: Arc<Shared>,
    start: f32,
    span: f32,
    tells: bool,
}

impl Default for Progress {
    fn default() -> Self {
        let shared = Shared {
            cancelled: AtomicBool::new(false),
            started: Instant::now(),
            state: Mutex::new((0.0, String::new())),
        };
        Self { shared: Arc::new(shared), start: 0.0, span: 1.0, tells: true }
    }
}

impl Progress {
    /// Reports that `fraction` (0 to 1) is done and `stage` comes next.
    ///
    /// # Errors
    /// [`Cancelled`] when the job should stop; pass it on with `?`.
    pub fn step(&self, fraction: f32, stage: &str) -> Result<(), Cancelled> {
        self.check()?;
        if !self.tells {
            return Ok(());
        }
        let mut state = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.0 = self.start + self.span * fraction.clamp(0.0, 1.0);
        if state.1 != stage {
            stage.clone_into(&mut state.1);
        }
        Ok(())
    }

    /// Only asks whether to stop; for inner loops.
    ///
    /// # Errors
    /// [`Cancelled`] when the job should stop.
    pub fn check(&self) -> Result<(), Cancelled> {
        if self.shared.cancelled.load(Ordering::Relaxed) { Err(Cancelled) } else { Ok(()) }
    }

    /// A progress whose 0 to 1 is `from` to `to` of this one: for computations made of smaller ones.
    #[must_use]
    pub fn part(&self, from: f32, to: f32) -> Self {
        let start = self.start + self.span * from;
        Self { start, span: self.span * (to - from), ..self.clone() }
    }

    /// A progress that is cancelled with this one and reports nothing: for computations too small to tell of.
    #[must_use]
    pub fn quiet(&self) -> Self {
        Self { tells: false, ..self.clone() }
    }

    /// How far it is.
    #[must_use]
    pub fn status(&self) -> Status {
        let (fraction, stage) = self.shared.state.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let spent = self.shared.started.elapsed();
        let eta = (fraction > 0.05).then(|| spent.mul_f32(((1.0 - fraction) / fraction).max(0.0)));
        Status { fraction, stage, eta }
    }

    /// Asks the worker to stop.
    pub fn cancel(&self) {
        self.shared.cancelled.store(true, Ordering::Relaxed);
    }
}

/// The owner's end of a background computation.
pub struct Job<T: Send + 'static> {
    promise: Option<Promise<Result<T, JobError>>>,
    progress: Progress,
    name: String,
}

impl<T: Send + 'static> Job<T> {
    /// Starts `work` on a thread of its own.
    pub fn spawn<E, F>(name: impl Into<String>, work: F) -> Self
    where
        E: Into<Box<dyn Error + Send + Sync>>,
        F: FnOnce(&Progress) -> Result<T, E> + Send + 'static,
    {
        let progress = Progress::default();
        let name = name.into();
        let worker = progress.clone();
        let promise = Promise::spawn_thread(name.clone(), move || run(&worker, work));
        Self { promise: Some(promise), progress, name }
    }

    /// What the job is called on screen.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How far it is.
    #[must_use]
    pub fn status(&self) -> Status {
        self.progress.status()
    }

    /// Asks the worker to stop; [`Job::take`] then gives [`JobError::Cancelled`].
    pub fn cancel(&self) {
        self.progress.cancel();
    }

    /// The outcome, once, when there is one.
    pub fn take(&mut self) -> Option<Result<T, JobError>> {
        match self.promise.take()?.try_take() {
            Ok(outcome) => Some(outcome),
            Err(pending) => {
                self.promise = Some(pending);
                None
            }
        }
    }

    /// Waits for the outcome; for the command line and tests.
    ///
    /// # Errors
    /// How the job ended, when it ended without a value.
    pub fn wait(mut self) -> Result<T, JobError> {
        match self.promise.take() {
            Some(promise) => promise.block_and_take(),
            None => Err(JobError::Cancelled),
        }
    }
}

impl<T: Send + 'static> Drop for Job<T> {
    fn drop(&mut self) {
        self.progress.cancel();
    }
}

fn run<T, E>(progress: &Progress, work: impl FnOnce(&Progress) -> Result<T, E>) -> Result<T, JobError>
where
    E: Into<Box<dyn Error + Send + Sync>>,
{
    match catch_unwind(AssertUnwindSafe(|| work(progress))) {
        Ok(_) if progress.check().is_err() => Err(JobError::Cancelled),
        Ok(Ok(value)) => Ok(value),
        Ok(Err(error)) => Err(JobError::Failed(error.into())),
        Err(panic) => {
            let text = panic
                .downcast_ref::<&str>()
                .map(|s| (*s).to_owned())
                .or_else(|| panic.downcast_ref::<String>().cloned())
                .unwrap_or_else(|| "the computation panicked".to_owned());
            Err(JobError::Panicked(text))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    fn endless(progress: &Progress) -> Result<(), Cancelled> {
        loop {
            progress.step(0.5, "turning")?;
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_cancel_takes_effect_within_250_ms() {
        let mut job = Job::spawn("endless", endless);
        while job.status().stage != "turning" {
            std::thread::yield_now();
        }
        let asked = Instant::now();
        job.cancel();
        let outcome = loop {
            if let Some(outcome) = job.take() {
                break outcome;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        assert!(matches!(outcome, Err(JobError::Cancelled)));
        assert!(asked.elapsed() < Duration::from_millis(250), "took {:?}", asked.elapsed());
    }

    #[test]
    fn dropping_a_job_cancels_it() {
        let (said, heard) = mpsc::channel();
        let job = Job::spawn("endless", move |p: &Progress| {
            let ended = endless(p);
            said.send(()).unwrap();
            ended
        });
        drop(job);
        heard.recv_timeout(Duration::from_millis(250)).unwrap();
    }

    #[test]
    fn a_panic_becomes_an_error() {
        let job = Job::<()>::spawn("panics", |_: &Progress| -> Result<(), Cancelled> { panic!("seven {}", 7) });
        let error = job.wait().unwrap_err();
        assert!(matches!(&error, JobError::Panicked(text) if text == "seven 7"), "{error}");
    }

    #[test]
    fn parts_report_into_the_whole() {
        let whole = Progress::default();
        whole.part(0.5, 1.0).part(0.0, 0.5).step(1.0, "half of the second half").unwrap();
        assert!((whole.status().fraction - 0.75).abs() < 1e-6);
    }

    #[test]
    fn a_quiet_part_says_nothing_and_is_cancelled_with_the_whole() {
        let whole = Progress::default();
        whole.step(0.25, "a quarter").unwrap();
        whole.quiet().part(0.5, 1.0).step(1.0, "something small").unwrap();
        assert_eq!((whole.status().fraction, whole.status().stage.as_str()), (0.25, "a quarter"));
        whole.cancel();
        assert!(whole.quiet().check().is_err());
    }

    #[test]
    fn the_outcome_is_taken_once() {
        let mut job = Job::spawn("seven", |_: &Progress| Ok::<_, Cancelled>(7));
        let value = loop {
            if let Some(outcome) = job.take() {
                break outcome.unwrap();
            }
        };
        assert_eq!(value, 7);
        assert!(job.take().is_none());
    }
}
