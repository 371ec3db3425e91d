//! What the runner keeps in the project beside labels: measurements, and how the reader looks at a case.

use super::{Command, Job, NO_DIALOG, Progress, Runner, finished};
use crate::app::command::Write;
use crate::app::measure::{Change, MeasureCommand, MeasureEffect, Measurement};
use crate::app::measure_report::{self, Format};
use crate::app::session::Saved;
use crate::project::{MeasurementEvent, MeasurementId, ProjectError};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// How the reader looks at the open case, and how much of that is in the project.
#[derive(Default)]
pub(super) struct Looks {
    now: Option<Saved>,
    kept: Option<Saved>,
    changed: Option<Instant>,
}

/// A view that has stood still for so long is kept.
const STILL: Duration = Duration::from_secs(3);

impl Runner {
    /// Takes note of how the reader looks at the open case; it is kept when it has stood still for a while. Says after
    /// what time to be called again, where there is something to keep.
    pub fn remember(&mut self, saved: Option<Saved>) -> Option<Duration> {
        let saved = saved?;
        if self.looks.now.as_ref() != Some(&saved) {
            self.looks.now = Some(saved);
            self.looks.changed = Some(Instant::now());
        }
        let left = STILL.saturating_sub(self.looks.changed?.elapsed());
        if left.is_zero() {
            self.keep_looks();
            return None;
        }
        Some(left)
    }

    /// Writes how the reader looks at the open case, if that is not in the project yet. What cannot be written is lost,
    /// but it is only where somebody looked: it is logged, and the reader is left in peace.
    pub(super) fn keep_looks(&mut self) {
        self.looks.changed = None;
        let (Some(case), Ok(project), Some(now)) = (self.case, &self.project, &self.looks.now) else { return };
        if self.looks.kept.as_ref() == Some(now) {
            return;
        }
        let written = now
            .to_json()
            .map_err(|e| e.to_string())
            .and_then(|text| project.keep_view_state(case, &self.config.rater, &text).map_err(|e| e.to_string()));
        match written {
            Ok(()) => self.looks.kept.clone_from(&self.looks.now),
            Err(error) => log::warn!("the view was not kept: {error}"),
        }
    }

    /// Has what the project knows of the case just opened follow the scan.
    pub(super) fn recall(&mut self) {
        self.looks = Looks::default();
        let (Some(case), Ok(project)) = (self.case, &self.project) else { return };
        let read = || {
            let kept = project.measurements(Some(case), Some(&self.config.rater))?;
            Ok::<_, ProjectError>((kept, project.view_state(case, &self.config.rater)?))
        };
        match read() {
            Ok((kept, view_state)) => {
                let list = kept.into_iter().filter_map(|kept| {
                    let measured = serde_json::from_str(&kept.measured)
                        .inspect_err(|e| log::warn!("measurement {} is not understood: {e}", kept.id.0));
                    Some(Measurement { id: kept.id, name: kept.name, measured: measured.ok()? })
                });
                self.done.push(Command::Measure(MeasureCommand::Kept(list.collect(), fresh_id())));
                let saved = view_state.map(|text| Saved::from_json(&text));
                self.done.extend(saved.map(|saved| Command::Restore(Arc::new(saved))));
            }
            Err(error) => self.done.push(Command::Failed(error.to_string())),
        }
    }

    pub(super) fn measure(&mut self, effect: MeasureEffect) {
        match effect {
            MeasureEffect::Record(changes, kind) => {
                if let Err(reason) = self.record_changes(&changes) {
                    self.refused(changes, kind, &reason);
                }
            }
            MeasureEffect::Export if self.export.is_some() => {}
            MeasureEffect::Export => {
                let answer = ask_where();
                let wait = move |_: &Progress| {
                    let asked = Instant::now();
                    let path = pollster::block_on(answer);
                    // As in opening: nobody says no so fast.
                    let refused = path.is_none() && asked.elapsed() < Duration::from_millis(300);
                    if refused { Err(NO_DIALOG) } else { Ok(path) }
                };
                self.export = Some(Job::spawn("file dialog", wait));
            }
        }
    }

    fn refused(&mut self, changes: Vec<Change>, kind: Write, reason: &str) {
        let reason = format!("The measurement was not kept: {reason}");
        // Before earlier refusals of this frame, as with labels.
        self.done.insert(0, Command::Measure(MeasureCommand::Refused { changes, kind, reason }));
    }

    fn record_changes(&self, changes: &[Change]) -> Result<(), String> {
        let project = self.project.as_ref().map_err(ToString::to_string)?;
        let case = self.case.ok_or("the scan is not in the project; open it again")?;
        let event = |change: &Change| {
            let Some(measurement) = change.after.as_ref().or(change.before.as_ref()) else { return Ok(None) };
            let measured = change.after.as_ref().map(|after| serde_json::to_string(&after.measured)).transpose()?;
            Ok::<_, serde_json::Error>(Some(MeasurementEvent {
                case,
                id: measurement.id,
                measured,
                name: measurement.name.clone(),
                rater: self.config.rater.clone(),
                session: self.session.clone(),
            }))
        };
        let events: Result<Vec<_>, _> = changes.iter().filter_map(|change| event(change).transpose()).collect();
        project.record_measurements(&events.map_err(|e| e.to_string())?).map_err(|e| e.to_string())
    }

    /// Writes the measurements of the open case once it is known where to.
    pub(super) fn exported(&mut self) -> Option<Command> {
        match finished(&mut self.export)? {
            Ok(path) => {
                let path = path?;
                Some(match self.write_measurements(&path) {
                    Ok(1) => Command::Notice("One measurement was written".to_owned()),
                    Ok(count) => Command::Notice(format!("{count} measurements were written")),
                    Err(reason) => Command::Failed(reason),
                })
            }
            Err(error) => super::failure(error),
        }
    }

    fn write_measurements(&self, path: &Path) -> Result<usize, String> {
        let project = self.project.as_ref().map_err(ToString::to_string)?;
        let case = self.case.ok_or("the scan is not in the project; open it again")?;
        let document =
            measure_report::read(project, Some(case), Some(&self.config.rater)).map_err(|e| e.to_string())?;
        document.write(path, Format::of(path)).map_err(|e| e.to_string())?;
        Ok(document.measurements.len())
    }
}

impl Drop for Runner {
    /// The window was closed.
    fn drop(&mut self) {
        self.keep_looks();
    }
}

/// A number that no measurement has: the time in microseconds. They are drawn by hand, so none comes a microsecond after
/// another, and a reader with two windows on one case does not overwrite himself.
fn fresh_id() -> MeasurementId {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    MeasurementId(i64::try_from(now.as_micros()).unwrap_or(i64::MAX / 2))
}

/// Shows the dialog, as `ask` does.
fn ask_where() -> impl Future<Output = Option<PathBuf>> + Send {
    let dialog = rfd::AsyncFileDialog::new().set_title("Export the measurements").set_file_name("measurements.csv");
    let dialog = dialog.add_filter("CSV, a table", &["csv"]).add_filter("JSON", &["json"]);
    async move { dialog.save_file().await.map(|handle| handle.path().to_owned()) }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::RunnerConfig;
    use crate::measure::{Figures, Measured, Shape};
    use glam::DVec3;

    fn runner(project: PathBuf) -> Runner {
        Runner::new(RunnerConfig { project, rater: "me".to_owned(), prepare: Arc::new(|_| ()), gpu: None })
    }

    fn probe(id: i64) -> Change {
        let shape = Shape::Probe(DVec3::X);
        let measured = Measured { shape, figures: Figures::default(), volume: 1, oriented: true };
        Change { before: None, after: Some(Measurement { id: MeasurementId(id), name: String::new(), measured }) }
    }

    #[test]
    fn a_project_that_cannot_be_written_refuses_the_newest_change_first() {
        let folder = tempfile::tempdir().unwrap();
        let project = folder.path().join("letter.txt");
        std::fs::write(&project, "not a database, and long enough to be looked at as one by its header").unwrap();
        let mut runner = runner(project);
        runner.poll();
        for id in [1, 2] {
            runner.measure(MeasureEffect::Record(vec![probe(id)], Write::New));
        }
        let refused: Vec<Change> = (runner.poll().into_iter())
            .flat_map(|command| match command {
                Command::Measure(MeasureCommand::Refused { changes, kind: Write::New, reason }) => {
                    assert!(reason.starts_with("The measurement was not kept: this is not an Antrum project"));
                    changes
                }
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(refused, [probe(2), probe(1)]);
    }

    #[test]
    fn a_view_is_kept_once_it_stands_still_and_when_the_window_closes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("p.antrum");
        let mut runner = runner(path.clone());
        let project = crate::project::Project::open(&path).unwrap();
        let case = project.case("abc", None).unwrap();
        runner.case = Some(case);
        assert_eq!(runner.remember(None), None, "nothing is open");
        let saved = Saved::from_json(r#"{"cross_mm": [1, 2, 3]}"#);
        assert!(runner.remember(Some(saved.clone())).is_some_and(|wait| wait <= STILL && wait > STILL / 2));
        assert_eq!(project.view_state(case, "me").unwrap(), None);
        runner.looks.changed = Instant::now().checked_sub(STILL);
        assert_eq!(runner.remember(Some(saved.clone())), None, "no need to look again");
        assert_eq!(project.view_state(case, "me").unwrap(), Some(saved.to_json().unwrap()));
        assert_eq!(runner.remember(Some(saved)), None, "nor to write it again");

        let moved = Saved::from_json(r#"{"cross_mm": [4, 5, 6]}"#);
        runner.remember(Some(moved.clone()));
        drop(runner);
        assert_eq!(project.view_state(case, "me").unwrap(), Some(moved.to_json().unwrap()));
    }
}
