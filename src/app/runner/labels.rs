//! What the runner does for labelling: events into the project, labels of a list out of it, and the next case read while
//! the reader looks at this one.

use super::{Command, Job, Loaded, Progress, Runner, failure, finished};
use crate::app::command::Write;
use crate::app::labelling::{Judgement, LabelCommand};
use crate::app::load::{Origin, Target};
use crate::app::report::Analysis;
use crate::app::worklist::KnownCase;
use crate::io::{Catalogue, Preview};
use crate::project::{Agreement, CaseId, EventId, LabelEvent, Project, ProjectError};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

/// A scan with more voxels is not read before it is asked for: two of them may not fit into memory.
const MOST_VOXELS: usize = 1 << 27;

/// What is remembered between labels.
#[derive(Default)]
pub(super) struct Labels {
    /// The events of this sitting that can still be taken back, by case and side.
    events: HashMap<CaseId, [Vec<EventId>; 2]>,
    /// When the open case was put on screen.
    shown: Option<Instant>,
    /// The list whose labels the window knows.
    listed: Option<Arc<Catalogue>>,
    ahead: Option<Ahead>,
    comparison: Option<Job<Agreement>>,
}

/// A series that is being read, or was, before anybody asked for it.
struct Ahead {
    origin: Origin,
    job: Job<Loaded>,
    early: Receiver<Preview>,
}

impl Labels {
    /// A scan was put on screen: of another case, or of the one that was there.
    pub fn begin(&mut self, other: bool) {
        if other {
            self.shown = Some(Instant::now());
        }
    }

    /// Whether raters are being compared.
    pub fn comparing(&self) -> bool {
        self.comparison.is_some()
    }

    /// What came of the comparison of raters.
    pub fn compared(&mut self) -> Option<Command> {
        match finished(&mut self.comparison)? {
            Ok(agreement) => Some(Command::Label(LabelCommand::Compared(Arc::new(agreement)))),
            Err(error) => failure(error),
        }
    }

    /// The job that reads what is asked for, if it was begun already.
    pub fn take_ahead(&mut self, target: &Target) -> Option<(Job<Loaded>, Receiver<Preview>)> {
        let wanted = match target {
            Target::Series { origin, frame: 0, even: false } => Some(origin),
            _ => None,
        };
        let ahead = self.ahead.take()?;
        wanted.is_some_and(|origin| origin.is(&ahead.origin)).then_some((ahead.job, ahead.early))
    }
}

impl Runner {
    /// Begins to read a series that will be asked for next.
    pub(super) fn read_ahead(&mut self, origin: Origin) {
        let series = origin.catalogue.series().get(origin.series);
        let voxels = |size: [usize; 3]| size.into_iter().try_fold(1_usize, usize::checked_mul);
        let fits = series.and_then(|series| voxels(series.size)).is_some_and(|count| count <= MOST_VOXELS);
        if !fits || self.labels.ahead.as_ref().is_some_and(|ahead| ahead.origin.is(&origin)) {
            return;
        }
        let (job, early) = self.reading(Target::of(origin.clone()));
        self.labels.ahead = Some(Ahead { origin, job, early });
    }

    /// Goes on as another rater, whose labels the list has to learn anew.
    pub(super) fn read_as(&mut self, rater: String) {
        self.keep_looks();
        self.config.rater = rater;
        // Until the open scan is read again, nothing can be said of it.
        self.case = None;
        (self.labels.listed, self.labels.events) = (None, HashMap::new());
    }

    /// Compares raters in the background: there may be very many labels.
    pub(super) fn compare_raters(&mut self) {
        let path = self.config.project.clone();
        let compare = move |_: &Progress| Project::open_existing(&path).and_then(|project| project.agreement());
        self.labels.comparison = Some(Job::spawn("Comparing raters", compare));
    }

    /// Has the window know what others say of the open case.
    pub(super) fn ask_others(&mut self) {
        let (Some(case), Ok(project)) = (self.case, &self.project) else { return };
        match project.others(case, &self.config.rater) {
            Ok(others) => self.done.push(Command::Label(LabelCommand::Others(others))),
            Err(error) => log::warn!("what others say of the case is not known: {error}"),
        }
    }

    /// Remembers where the open case lies, and has the labels of its list follow the scan.
    pub(super) fn list(&mut self, origin: Option<&Origin>) {
        let (Some(origin), Ok(project)) = (origin, &self.project) else { return };
        let (catalogue, series) = (&origin.catalogue, origin.catalogue.series());
        let base = catalogue.base();
        if let (Some(case), Some(series)) = (self.case, series.get(origin.series))
            && let Err(error) = project.seen_at(base, &series.id, case)
        {
            log::warn!("where the case lies was not kept: {error}");
        }
        let read = || {
            if self.labels.listed.as_ref().is_some_and(|listed| Arc::ptr_eq(listed, catalogue)) {
                return Ok(None);
            }
            let (cases, labels) = (project.seen_in(base)?, project.all_labels(&self.config.rater)?);
            let (probabilities, disputed) = (project.probabilities()?, project.disputed()?);
            let cases: Vec<_> = series.iter().map(|series| cases.get(&series.id)).collect();
            let informative = project.informative(cases.iter().filter_map(|case| case.copied()), &probabilities)?;
            let places: HashMap<CaseId, usize> = informative.into_iter().zip(0..).collect();
            let known = |case: &CaseId| KnownCase {
                labels: labels.get(case).copied().unwrap_or_default(),
                probabilities: probabilities.get(case).copied().unwrap_or_default(),
                informative: places.get(case).copied(),
                disputed: disputed.contains(case),
                told: false,
            };
            let known = cases.into_iter().map(|case| case.map(known).unwrap_or_default());
            Ok::<_, ProjectError>(Some(LabelCommand::Listed(known.collect())))
        };
        match read() {
            Ok(Some(listed)) => {
                self.labels.listed = Some(Arc::clone(catalogue));
                self.done.push(Command::Label(listed));
            }
            Ok(None) => {}
            // The list is only less informed: labels themselves complain when they cannot be kept.
            Err(error) => log::warn!("the labels of the list are not known: {error}"),
        }
    }

    pub(super) fn record(&mut self, judged: Judgement) {
        let (side, kind) = (judged.side, judged.kind);
        match self.try_record(&judged) {
            Ok(event) => {
                let Some(case) = self.case else { return };
                let events = &mut self.labels.events.entry(case).or_default()[side.index()];
                if kind == Write::Undo {
                    events.pop();
                } else {
                    events.push(event);
                }
            }
            Err(reason) => {
                let reason = format!("The label was not kept: {reason}");
                // Before earlier refusals of this frame, so that the label that counts on disk is the last one set.
                let refused = LabelCommand::Refused { side, before: judged.before, kind, reason };
                self.done.insert(0, Command::Label(refused));
            }
        }
    }

    fn try_record(&self, judged: &Judgement) -> Result<EventId, String> {
        let project = self.project.as_ref().map_err(ToString::to_string)?;
        let case = self.case.ok_or("the scan is not in the project; open it again")?;
        let undone = self.labels.events.get(&case).and_then(|events| events[judged.side.index()].last().copied());
        let event = LabelEvent {
            reading: judged.reading.clone(),
            undoes: if judged.kind == Write::Undo { undone } else { None },
            blinded: judged.blinded,
            ai_seen: judged.ai_seen,
            ai_score: judged.score.filter(|_| judged.ai_seen),
            model_sha256: self.model.get().map(|m| m.sha256.clone()).filter(|_| judged.ai_seen),
            duration_ms: self.labels.shown.and_then(|shown| i64::try_from(shown.elapsed().as_millis()).ok()),
            ..LabelEvent::new(case, judged.side, self.config.rater.clone(), self.session.clone())
        };
        project.record(&event).map_err(|e| e.to_string())
    }

    /// Keeps the figures of an analysis. What cannot be written is only missing from later comparisons: it is logged.
    pub(super) fn keep_analysis(&self, analysis: &Analysis) {
        let (Some(case), Ok(project)) = (self.case, &self.project) else { return };
        if let Err(error) = project.keep_analysis(case, &analysis.records()) {
            log::warn!("the analysis was not kept: {error}");
        }
    }
}
