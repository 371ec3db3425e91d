//! The real window on the software driver, driven as a user drives it: by names, keys and the mouse.

use antrum::app::WindowOptions;
use antrum::project::{Label, Project};
use antrum::space::Side;
use antrum::ui::App;
use egui::{Key, PointerButton, Pos2, Rect};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

fn window(path: Option<&Path>, project: &Path) -> Harness<'static, App> {
    let options = WindowOptions {
        path: path.map(Path::to_owned),
        project: Some(project.to_owned()),
        rater: Some("tester".to_owned()),
        ..WindowOptions::default()
    };
    Harness::builder()
        .with_size([1280.0, 800.0])
        .wgpu_setup(antrum::gpu::configuration().wgpu_setup)
        .build_eframe(|cc| App::new(cc, options, Instant::now()))
}

/// Steps until something is true; the test fails after a minute.
fn until(harness: &mut Harness<'_, App>, what: &str, done: impl Fn(&App) -> bool) {
    let started = Instant::now();
    while !done(harness.state()) {
        assert!(
            started.elapsed() < Duration::from_mins(1),
            "{what} did not come: {:?}",
            harness.state().state().message
        );
        harness.step();
        std::thread::sleep(Duration::from_millis(20));
    }
    harness.run_steps(2);
}

fn rect_of(harness: &Harness<'_, App>, name: &str) -> Rect {
    harness.get_by_label(name).rect()
}

fn click(harness: &mut Harness<'_, App>, at: Pos2) {
    harness.event(egui::Event::PointerMoved(at));
    for pressed in [true, false] {
        harness.event(button(PointerButton::Primary, at, pressed));
        harness.step();
    }
    harness.run_steps(2);
}

fn button(button: PointerButton, pos: Pos2, pressed: bool) -> egui::Event {
    egui::Event::PointerButton { pos, button, pressed, modifiers: egui::Modifiers::NONE }
}

/// Presses a button, moves in small steps, lets go.
fn drag(harness: &mut Harness<'_, App>, which: PointerButton, from: Pos2, to: Pos2) {
    harness.event(egui::Event::PointerMoved(from));
    harness.step();
    harness.event(button(which, from, true));
    harness.step();
    for part in 1..=8 {
        harness.event(egui::Event::PointerMoved(from.lerp(to, part as f32 / 8.0)));
        harness.step();
    }
    harness.event(button(which, to, false));
    harness.run_steps(2);
}

#[test]
fn example_crosshair_residual_label_undo() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("p.antrum");
    let mut harness = window(None, &project);
    until(&mut harness, "the example", |app| app.state().scan.is_some());
    assert!(harness.query_by_label_contains("Synthetic head").is_some());
    assert!(harness.query_by_label_contains("Research use only").is_some());
    until(&mut harness, "the map", |app| app.state().analysis.is_some());

    // A click on the left half of the axial pane goes to the patient's right.
    let axial = rect_of(&harness, "axial plane");
    click(&mut harness, axial.left_center().lerp(axial.center(), 0.6));
    assert!(harness.state().state().view.cross_mm.x > 10.0, "{}", harness.state().state().view.cross_mm);
    let coronal = rect_of(&harness, "coronal plane");
    click(&mut harness, coronal.right_center().lerp(coronal.center(), 0.6));
    assert!(harness.state().state().view.cross_mm.x < -10.0, "{}", harness.state().state().view.cross_mm);

    harness.key_press(Key::M);
    harness.run_steps(2);
    until(&mut harness, "the second map", |app| app.state().jobs.is_empty());
    for side in Side::BOTH {
        assert!(harness.state().state().finding(side).is_some());
    }

    harness.key_press(Key::L);
    harness.run_steps(2);
    assert_eq!(harness.state().state().labels, [Some(Label::Anomalous), None]);
    harness.get_by_label("Label the patient's right sinus normal (A)").click();
    harness.run_steps(2);
    assert_eq!(harness.state().state().labels, [Some(Label::Anomalous), Some(Label::Normal)]);
    harness.get_by_label("Undo").click();
    harness.run_steps(2);
    assert_eq!(harness.state().state().labels, [Some(Label::Anomalous), None]);

    let sha256 = harness.state().state().scan.as_ref().unwrap().scan.sha256.clone();
    drop(harness);
    let project = Project::open(&project).unwrap();
    let case = project.case(&sha256, None).unwrap();
    assert_eq!(project.labels(case, "tester").unwrap(), [Some(Label::Anomalous), None]);
}

/// A file as the window system hands it over.
#[derive(Debug)]
struct Dropped(PathBuf);

impl egui::DroppedFile for Dropped {
    fn path(&self) -> &Path {
        &self.0
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        std::fs::read(&self.0).map_err(|e| e.to_string())
    }
}

#[test]
fn an_unreadable_file_is_said_and_what_was_open_stays() {
    let folder = tempfile::tempdir().unwrap();
    let bad = folder.path().join("letter.nii");
    std::fs::write(&bad, "not a scan").unwrap();
    let mut harness = window(None, &folder.path().join("p.antrum"));
    until(&mut harness, "the example", |app| app.state().sinuses.is_some());
    let generation = harness.state().state().generation;
    harness.input_mut().dropped_files.push(std::sync::Arc::new(Dropped(bad)));
    harness.step();
    until(&mut harness, "the message", |app| app.state().message.is_some());
    let state = harness.state().state();
    assert!(state.message.as_ref().is_some_and(|m| m.error && m.text.contains("letter.nii")), "{:?}", state.message);
    assert_eq!(state.generation, generation);
    assert!(state.scan.is_some());
}

#[test]
fn a_notch_of_the_wheel_is_one_slice_and_the_right_button_changes_the_window() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(None, &folder.path().join("p.antrum"));
    until(&mut harness, "the sinuses", |app| app.state().sinuses.is_some());
    let before = harness.state().state().view.clone();
    let at = rect_of(&harness, "axial plane").center() + egui::vec2(60.0, 50.0);
    harness.event(egui::Event::PointerMoved(at));
    harness.step();
    harness.event(egui::Event::MouseWheel {
        unit: egui::MouseWheelUnit::Line,
        delta: egui::vec2(0.0, 1.0),
        phase: egui::TouchPhase::Move,
        source: egui::MouseWheelSource::Unknown,
        modifiers: egui::Modifiers::NONE,
    });
    harness.run_steps(4);
    let moved = harness.state().state().view.cross_mm - before.cross_mm;
    assert!((moved - glam::DVec3::Z).length() < 1e-9, "one voxel of 1 mm upwards, not {moved}");

    drag(&mut harness, PointerButton::Secondary, at, at + egui::vec2(30.0, 0.0));
    let window = harness.state().state().view.window;
    assert!(window.width > before.window.width * 1.05, "{window:?}");
    assert!((window.centre - before.window.centre).abs() < 1e-9, "{window:?}");
}

#[test]
fn a_box_is_dragged_by_hand_and_used_from_then_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(None, &folder.path().join("p.antrum"));
    until(&mut harness, "the map", |app| app.state().analysis.is_some());
    let before = harness.state().state().sinuses.unwrap()[Side::Right.index()].centre_mm;
    harness.get_by_label("patient RIGHT").click();
    harness.run_steps(3);
    // Centred on the right sinus, its handle is in the middle of the pane; drag it towards the patient's right.
    let start = rect_of(&harness, "axial plane").center();
    drag(&mut harness, PointerButton::Primary, start, start - egui::vec2(40.0, 0.0));
    let moved = harness.state().state().sinuses.unwrap()[Side::Right.index()];
    assert!(moved.centre_mm.x > before.x + 3.0, "{before} {}", moved.centre_mm);
    assert_eq!(moved.confidence, 1.0);
    until(&mut harness, "the new map", |app| app.state().analysis.is_some());
    let map = harness.state().state().finding(Side::Right).unwrap().map.grid;
    assert!(map.centre_mm().distance(moved.centre_mm) < 1e-6, "the crop is where the box is");
}
