//! The real background work: finding and analysing. It can be cancelled in time and does not depend on the threads.

use antrum::app::report::{Analysis, analyse};
use antrum::job::{Job, JobError, Progress};
use antrum::methods::residual::train::cae;
use antrum::methods::residual::{InferConfig, Model, TrainConfig};
use antrum::methods::sinus::{Finder, Sinus};
use antrum::nets;
use antrum::phantom::cohort::{self, CohortPlan};
use antrum::phantom::{self, Contrast, Degrade, Plan, Region};
use antrum::volume::Volume;
use std::sync::Arc;
use std::time::{Duration, Instant};

fn head() -> Arc<Volume> {
    Arc::new(phantom::head(&Plan::new(31, Contrast::T1, 1.5), &Progress::default()).unwrap().image)
}

fn both(volume: &Volume, model: &Model, progress: &Progress) -> ([Sinus; 2], Analysis) {
    let finder = Finder::built_in(&nets::cpu()).unwrap();
    let sinuses = finder.find(volume, progress).unwrap();
    (sinuses, analyse(volume, &sinuses, &finder, model, InferConfig::default(), progress).unwrap())
}

#[test]
fn one_thread_gives_the_same_bits_as_many() {
    let (volume, model) = (head(), Model::built_in(&nets::cpu()).unwrap());
    let with = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| both(&volume, &model, &Progress::default()))
    };
    let ((sinuses, one), (same_sinuses, many)) = (with(1), with(3));
    assert_eq!(sinuses, same_sinuses);
    assert_eq!(one.findings, many.findings);
    assert_eq!(one.map, many.map);
    assert_eq!(one.cavities, many.cavities);
}

/// Cancels a job at several moments of its life; each time it must end within 250 ms.
pub(crate) fn cancelled_in_time<T: Send + 'static>(start: impl Fn() -> Job<T>) {
    for after_ms in [0, 30, 90, 180, 300] {
        let mut job = start();
        std::thread::sleep(Duration::from_millis(after_ms));
        job.cancel();
        let asked = Instant::now();
        let outcome = loop {
            if let Some(outcome) = job.take() {
                break outcome;
            }
            std::thread::sleep(Duration::from_millis(2));
        };
        let took = asked.elapsed();
        println!("cancelled after {after_ms} ms: ended {} ms later", took.as_millis());
        assert!(matches!(outcome, Ok(_) | Err(JobError::Cancelled)));
        assert!(took < Duration::from_millis(250), "after {after_ms} ms: {took:?}");
    }
}

#[test]
fn a_training_is_cancelled_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let cohort = folder.path().join("cohort");
    let plan = CohortPlan {
        subjects: 8,
        seed: 4,
        contrast: Contrast::T1,
        degrade: Degrade::None,
        prevalence: 0.0,
        spacing_mm: 2.0,
        region: Region::Sinuses,
        labels: false,
    };
    cohort::write(&cohort, &plan, &Progress::default()).unwrap();
    let mut config = TrainConfig::default();
    config.schedule.batch = 4;
    cancelled_in_time(move || {
        let (cohorts, out, config) = ([cohort.clone()], folder.path().join("out"), config.clone());
        Job::spawn("train", move |progress: &Progress| {
            cae(&cohorts, &out, &config, &nets::cpu(), &mut |_| (), progress)
        })
    });
}

#[test]
fn finding_and_analysing_are_cancelled_in_time() {
    let (volume, model) = (head(), Arc::new(Model::built_in(&nets::cpu()).unwrap()));
    let (sinuses, _) = both(&volume, &model, &Progress::default());
    let finder = Arc::new(Finder::built_in(&nets::cpu()).unwrap());
    let finding = Arc::clone(&volume);
    cancelled_in_time(move || {
        let volume = Arc::clone(&finding);
        Job::spawn("find", move |progress: &Progress| Finder::built_in(&nets::cpu()).unwrap().find(&volume, progress))
    });
    cancelled_in_time(move || {
        let (volume, finder, model) = (Arc::clone(&volume), Arc::clone(&finder), Arc::clone(&model));
        Job::spawn("analyse", move |progress: &Progress| {
            analyse(&volume, &sinuses, &finder, &model, InferConfig::default(), progress)
        })
    });
}
