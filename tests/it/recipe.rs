//! The recipe of paper 1 from end to end, small: cohort, pre-training, classifier, comparison.

use antrum::app::labelled_cohort;
use antrum::io;
use antrum::job::Progress;
use antrum::methods::residual::comparison::{Beginning, Comparison, Variation, residual};
use antrum::methods::residual::train::{Pretext, Training, classifier, pretext};
use antrum::methods::residual::{Card, Classify, EncoderCard, EncoderConfig, Model, ResidualLoss, TrainConfig};
use antrum::methods::sinus::{Crop, Finder};
use antrum::nets::{self, ResNetConfig};
use antrum::phantom::cohort::{self, CohortPlan};
use antrum::phantom::{Contrast, Degrade, Region};
use antrum::project::{Label, LabelEvent, Project, Reading};
use antrum::space::Side;
use antrum::volume::Volume;
use std::path::Path;

fn small(mut config: EncoderConfig) -> EncoderConfig {
    config.network = ResNetConfig::new().with_width(2);
    (config.schedule.epochs, config.schedule.batch) = (1, 4);
    config
}

fn make(folder: &Path, prevalence: f64) {
    let plan = CohortPlan {
        subjects: 6,
        seed: 3,
        contrast: Contrast::T1,
        degrade: Degrade::None,
        prevalence,
        spacing_mm: 3.0,
        region: Region::Sinuses,
        labels: false,
    };
    cohort::write(folder, &plan, &Progress::default()).unwrap();
}

#[test]
fn an_encoder_learns_residuals_and_a_classifier_goes_on_from_it() {
    let folder = tempfile::tempdir().unwrap();
    let cohorts = [folder.path().join("cohort")];
    make(&cohorts[0], 0.5);
    let (device, progress) = (nets::cpu(), Progress::default());
    let cae = Model::built_in(&device).unwrap();
    let out = folder.path().join("encoder");
    for kind in Pretext::ALL {
        let config = small(EncoderConfig::pretext());
        let out = out.join(kind.name());
        let training = Training { cohorts: &cohorts, out: &out, config: &config, device: &device };
        let card = pretext(kind, &cae, &training, &mut |_| (), &progress).unwrap();
        assert_eq!((card.history.len(), card.subjects), (1, 6), "{kind:?}");
        assert!(card.history[0].validation_loss.is_finite(), "{kind:?}");
    }

    let config = small(EncoderConfig::classifier());
    let training =
        Training { cohorts: &cohorts, out: &folder.path().join("classifier"), config: &config, device: &device };
    let initial = out.join("residual-ssl/residual-ssl.bpk");
    let card = classifier(Some(&initial), &training, &mut |_| (), &progress).unwrap();
    assert!(card.began_with.is_some() && card.temperature > 0.0);
    assert!(card.labelled.iter().sum::<usize>() <= 10, "one of six subjects validates");
    let classify = Classify::load(&training.out.join("classifier.bpk"), &device).unwrap();
    let grid = Crop::grid_at(Side::Left, glam::DVec3::ZERO, Crop::SIZE);
    let values = (0..grid.count()).map(|i| (i % 64) as f32 / 64.0).collect();
    let crop =
        Crop::cut(&Volume::from_f32(grid, values, antrum::volume::Unit::Arbitrary), Side::Left, glam::DVec3::ZERO);
    let anomaly = classify.explained(&crop, &progress).unwrap().anomaly;
    assert!((0.0..=1.0).contains(&anomaly.probability));
    // Weights of another network are refused by name.
    let cae_weights = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/cae.bpk");
    let error = classifier(Some(&cae_weights), &training, &mut |_| (), &progress).unwrap_err().to_string();
    assert!(error.contains("not the weights of this network") && error.contains("cae.bpk"), "{error}");
}

#[test]
fn a_comparison_has_a_row_for_every_share_of_labels_and_goes_on_where_it_was() {
    let folder = tempfile::tempdir().unwrap();
    let labelled = vec![folder.path().join("cohort")];
    make(&labelled[0], 0.5);
    let mut cae = TrainConfig::default();
    (cae.schedule.epochs, cae.schedule.batch) = (1, 4);
    let mut comparison = Comparison {
        unlabelled: labelled.clone(),
        labelled,
        beginnings: vec![
            Beginning::Nothing,
            Beginning::Pretext(Pretext::Denoising),
            Beginning::Varied(Variation::Normals(50)),
            Beginning::Varied(Variation::Loss(ResidualLoss::L2)),
        ],
        fractions: vec![0.5, 1.0],
        folds: 2,
        per_sinus: false,
        weights: None,
        cae,
        pretext: small(EncoderConfig::pretext()),
        classifier: small(EncoderConfig::classifier()),
        out: folder.path().join("out"),
    };
    let device = nets::cpu();
    let cae = Model::built_in(&device).unwrap();
    let cae_sha256 = cae.sha256.clone();
    let run = |comparison: &Comparison| residual(comparison, &cae, &device, &mut |_| (), &Progress::default());
    let runs = run(&comparison).unwrap();
    assert_eq!(runs.len(), 16);
    let tested = |runs: &[antrum::methods::residual::comparison::Run]| -> usize {
        runs.iter().map(|run| run.scores.len()).sum()
    };
    assert_eq!(tested(&runs[..2]), 12, "every sinus is tested once");
    let table = std::fs::read_to_string(comparison.out.join("results.md")).unwrap();
    assert!(table.contains("| none | 50 % |") && table.contains("| dae | 100 % |"), "{table}");
    assert!(table.contains("| residual-ssl-loss-l2 | 100 % |"), "{table}");
    let own: Card =
        serde_json::from_slice(&std::fs::read(comparison.out.join("cae/normals-50/cae.json")).unwrap()).unwrap();
    let other = std::fs::read(comparison.out.join("pretext/residual-ssl-normals-50/residual-ssl.json")).unwrap();
    let other: EncoderCard = serde_json::from_slice(&other).unwrap();
    assert!(
        own.training.normals == 0.5 && other.cae_sha256 != Some(cae_sha256),
        "residuals of an autoencoder of its own"
    );
    assert_eq!(run(&comparison).unwrap(), runs, "runs are read, not repeated");

    comparison.per_sinus = true;
    let refused = run(&comparison).unwrap_err().to_string();
    assert!(refused.contains("other settings (per_sinus)") && refused.contains("settings.json"), "{refused}");
    comparison.out = folder.path().join("per-sinus");
    comparison.beginnings.truncate(1);
    comparison.fractions.truncate(1);
    let dealt = run(&comparison).unwrap();
    assert_eq!(tested(&dealt), 12, "every sinus is tested once");
    // Its beginning is the same, its sinuses are not.
    let alone = |runs: &[antrum::methods::residual::comparison::Run]| runs[0].scores.clone();
    assert_ne!(alone(&dealt), alone(&runs));
}

#[test]
fn a_cohort_of_one_class_is_refused_and_so_is_a_folder_without_labels() {
    let folder = tempfile::tempdir().unwrap();
    let cohorts = [folder.path().join("healthy")];
    make(&cohorts[0], 0.0);
    let (device, config) = (nets::cpu(), small(EncoderConfig::classifier()));
    let training = |cohorts| Training { cohorts, out: folder.path(), config: &config, device: &device };
    let refused = |training| classifier(None, &training, &mut |_| (), &Progress::default()).unwrap_err().to_string();
    assert!(refused(training(&cohorts)).contains("10 normal and 0 diseased sinuses"));
    let nowhere = [folder.path().join("nowhere")];
    assert!(refused(training(&nowhere)).contains("nowhere"));

    // Where nobody looked there are no labels to learn, but a pretext needs none.
    let unknown = [folder.path().join("unknown")];
    let mut subjects = cohort::read_truth(&cohorts[0]).unwrap();
    for sinus in subjects.iter_mut().flat_map(|subject| &mut subject.sinuses) {
        sinus.disease = Some(cohort::UNKNOWN.to_owned());
    }
    std::fs::create_dir_all(&unknown[0]).unwrap();
    cohort::write_truth(&unknown[0], &subjects).unwrap();
    assert!(refused(training(&unknown)).contains("0 normal and 0 diseased sinuses"));
    let cae = Model::built_in(&device).unwrap();
    let config = small(EncoderConfig::pretext());
    let training = Training { cohorts: &unknown, out: folder.path(), config: &config, device: &device };
    let card = pretext(Pretext::SimSiam, &cae, &training, &mut |_| (), &Progress::default()).unwrap();
    assert_eq!((card.subjects, card.history.len()), (6, 1));
}

#[test]
fn what_a_reader_labelled_becomes_a_cohort_with_the_sides_of_the_patient() {
    let folder = tempfile::tempdir().unwrap();
    let plan = CohortPlan {
        subjects: 2,
        seed: 8,
        contrast: Contrast::T1,
        degrade: Degrade::None,
        prevalence: 0.5,
        spacing_mm: 2.0,
        region: Region::Head,
        labels: false,
    };
    let (scans, out) = (folder.path().join("scans"), folder.path().join("cohort"));
    cohort::write(&scans, &plan, &Progress::default()).unwrap();
    let truth = cohort::read_truth(&scans).unwrap();
    let project = Project::open(&folder.path().join("p.antrum")).unwrap();
    let say = |image: &Path, side: Side, label: Label| {
        let scan = io::open(image, &Progress::default()).unwrap();
        let case = project.case(&scan.sha256, Some(image)).unwrap();
        let event = LabelEvent::new(case, side, "anna".to_owned(), "today".to_owned());
        project.record(&LabelEvent { reading: Some(Reading::of(label)), ..event }).unwrap();
    };
    say(&truth[0].image, Side::Left, Label::Anomalous);
    say(&truth[0].image, Side::Right, Label::Normal);
    say(&truth[1].image, Side::Left, Label::Uncertain);
    say(&truth[1].image, Side::Right, Label::Normal);
    let finder = Finder::built_in(&nets::cpu()).unwrap();
    std::fs::create_dir_all(&out).unwrap();
    let made = labelled_cohort::write(&project, "anna", &finder, &out, &Progress::default()).unwrap();
    assert_eq!((made.scans, made.labelled, made.left_out.len()), (2, [2, 1], 0));
    for subject in cohort::read_truth(&out).unwrap() {
        let same = truth.iter().find(|other| other.image == subject.image).unwrap();
        for (made, known) in subject.sinuses.iter().zip(&same.sinuses) {
            assert!(made.centre_mm.distance(known.centre_mm) < 8.0, "{made:?} {known:?}");
        }
        let [left, right] = &subject.sinuses;
        let first = same.id == truth[0].id;
        assert_eq!((left.disease.is_some(), left.visible), (first, if first { 1.0 } else { 0.0 }));
        assert_eq!((right.disease.is_some(), right.visible), (false, 1.0));
    }
    // A scan that is gone is left out and said; where nothing is left there is no cohort.
    std::fs::remove_file(&truth[0].image).unwrap();
    let made = labelled_cohort::write(&project, "anna", &finder, &out, &Progress::default()).unwrap();
    assert_eq!((made.scans, made.left_out.len()), (1, 1));
    let nobody = labelled_cohort::write(&project, "ben", &finder, &out, &Progress::default()).unwrap_err();
    assert!(nobody.to_string().contains("ben has called no sinus"), "{nobody}");
}
