//! The real window on the software driver, driven as a user drives it: by names, keys and the mouse.

use antrum::app::command::Opened;
use antrum::app::deidentify::DeidentifyCommand;
use antrum::app::report::Analysis;
use antrum::app::{Command, WindowOptions};
use antrum::io::{self, Check, Format, Scan};
use antrum::job::Progress;
use antrum::methods::sinus::{Cavity, Presence, Sinus};
use antrum::methods::{Anomaly, Finding};
use antrum::project::{Label, Project, Reading};
use antrum::space::{Grid, Side};
use antrum::ui::App;
use antrum::volume::{Unit, Volume};
use egui::{Key, PointerButton, Pos2, Rect};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

pub(crate) fn window(path: Option<&Path>, project: &Path) -> Harness<'static, App> {
    let options = WindowOptions {
        paths: path.into_iter().map(Path::to_owned).collect(),
        project: Some(project.to_owned()),
        rater: Some("tester".to_owned()),
        ..WindowOptions::default()
    };
    Harness::builder()
        .with_size([1280.0, 800.0])
        .wgpu_setup(antrum::gpu::Ladder::new(false).configuration().wgpu_setup)
        .build_eframe(|cc| App::new(cc, options, Instant::now()))
}

/// Steps until something is true; the test fails after a minute.
pub(crate) fn until(harness: &mut Harness<'_, App>, what: &str, done: impl Fn(&App) -> bool) {
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

/// Opens a drawer by its button on the rail.
pub(crate) fn open_drawer(harness: &mut Harness<'_, App>, name: &str) {
    harness.get_by_label_contains(&format!("{name} drawer")).click();
    harness.run_steps(3);
}

pub(crate) fn rect_of(harness: &Harness<'_, App>, name: &str) -> Rect {
    harness.get_by_label(name).rect()
}

pub(crate) fn click(harness: &mut Harness<'_, App>, at: Pos2) {
    harness.event(egui::Event::PointerMoved(at));
    for pressed in [true, false] {
        harness.event(button(PointerButton::Primary, at, pressed));
        harness.step();
    }
    harness.run_steps(2);
}

pub(crate) fn button(button: PointerButton, pos: Pos2, pressed: bool) -> egui::Event {
    egui::Event::PointerButton { pos, button, pressed, modifiers: egui::Modifiers::NONE }
}

/// Presses a button, moves in small steps, lets go.
pub(crate) fn drag(harness: &mut Harness<'_, App>, which: PointerButton, from: Pos2, to: Pos2) {
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
    harness.key_press(Key::F6);
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("Synthetic head").is_some());
    harness.key_press(Key::F6);
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
    assert_eq!(harness.state().state().labels, [Some(Reading::of(Label::Anomalous)), None]);
    harness.get_by_label("Label the patient's right sinus normal (A)").click();
    harness.run_steps(2);
    assert_eq!(harness.state().state().labels, [Some(Reading::of(Label::Anomalous)), Some(Reading::of(Label::Normal))]);
    harness.get_by_label("Undo").click();
    harness.run_steps(2);
    assert_eq!(harness.state().state().labels, [Some(Reading::of(Label::Anomalous)), None]);

    let sha256 = harness.state().state().scan.as_ref().unwrap().scan.sha256.clone();
    drop(harness);
    let project = Project::open(&project).unwrap();
    let case = project.case(&sha256, None).unwrap();
    assert_eq!(project.labels(case, "tester").unwrap(), [Some(Reading::of(Label::Anomalous)), None]);
}

#[test]
fn a_copy_without_identity_and_face_is_written_and_shown_beside_the_scan() {
    let folder = tempfile::tempdir().unwrap();
    let (project, out) = (folder.path().join("p.antrum"), folder.path().join("copies"));
    let mut harness = window(None, &project);
    until(&mut harness, "the map", |app| app.state().analysis.is_some() && app.state().jobs.is_empty());
    // As the dialog for the folder sends it.
    harness.state_mut().send(Command::Deidentify(DeidentifyCommand::Ask { no_face: true }));
    let to = DeidentifyCommand::To { no_face: true, folder: out.clone() };
    harness.state_mut().send(Command::Deidentify(to));
    until(&mut harness, "the copy", |app| app.state().compare.second.is_some());
    let state = harness.state().state();
    assert!(state.message.as_ref().unwrap().text.contains("ANT-"), "{:?}", state.message);
    assert!(folder.path().join("p.antrum-key").is_file());
    let files = || std::fs::read_dir(&out).unwrap().flat_map(|one| std::fs::read_dir(one.unwrap().path()).unwrap());
    assert_eq!(files().count(), 1);
    let copy = io::open(&files().next().unwrap().unwrap().path(), &Progress::default()).unwrap().volume;
    let (scan, head) = (&state.scan.as_ref().unwrap().scan.volume, state.sinuses.unwrap());
    assert_eq!(copy.grid.size, scan.grid.size);
    let at = |volume: &Volume, mm: glam::DVec3| {
        let voxel = volume.grid.voxel_from_world().transform_point3(mm).round();
        volume.to_f32()[volume.grid.index(voxel.to_array().map(|at| at as usize))]
    };
    let darkest = scan.to_f32().into_iter().fold(f32::MAX, f32::min);
    for sinus in head {
        let (behind, front) = (sinus.centre_mm - glam::DVec3::Y * 40.0, sinus.centre_mm + glam::DVec3::Y * 30.0);
        assert_eq!(at(&copy, behind), at(scan, behind), "what lies behind the sinuses stays on its side");
        assert_eq!(at(&copy, front), darkest, "the cheek is gone");
    }
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
    drop_files(&mut harness, [bad]);
    until(&mut harness, "the message", |app| app.state().message.is_some());
    let state = harness.state().state();
    assert!(state.message.as_ref().is_some_and(|m| m.error), "{:?}", state.message);
    assert_eq!(state.generation, generation);
    assert!(state.scan.is_some());
    // Names of files are often names of patients.
    assert!(harness.query_by_label_contains("this is not a scan").is_some());
    assert!(harness.query_by_label_contains("letter.nii").is_none());
    harness.state_mut().send(Command::ShowPaths(true));
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("letter.nii").is_some());
}

fn drop_files(harness: &mut Harness<'_, App>, paths: impl IntoIterator<Item = PathBuf>) {
    for path in paths {
        harness.input_mut().dropped_files.push(Arc::new(Dropped(path)));
    }
    harness.step();
}

/// Two scans of 24³ and 20³ voxels.
fn two_scans(folder: &Path) -> [PathBuf; 2] {
    [("DOE-a.nii", 24), ("DOE-b.nii", 20)].map(|(name, side)| {
        let path = folder.join(name);
        io::nifti::write(&path, &volume([side; 3])).unwrap();
        path
    })
}

fn volume(size: [usize; 3]) -> Volume {
    let grid = Grid::centred(size, 2.0, glam::DVec3::ZERO);
    Volume::from_f32(grid, (0..grid.count()).map(|i| (i % 50) as f32).collect(), Unit::Arbitrary)
}

fn side_of(app: &App) -> Option<usize> {
    app.state().volume().map(|volume| volume.grid.size[0])
}

#[test]
fn a_series_is_chosen_by_click_and_by_keys() {
    let folder = tempfile::tempdir().unwrap();
    two_scans(folder.path());
    let mut harness = window(Some(folder.path()), &folder.path().join("labels/p.antrum"));
    until(&mut harness, "the larger series", |app| side_of(app) == Some(24));
    until(&mut harness, "the pictures", |app| app.state().thumbnails.iter().all(Option::is_some));
    assert!(harness.query_by_label_contains("Series (2)").is_some());
    assert!(harness.query_by_label_contains("DOE").is_none(), "no names of files");

    harness.get_by_label("Series 2: NIfTI 2, 20 × 20 × 20").click();
    until(&mut harness, "the smaller series", |app| side_of(app) == Some(20));
    assert_eq!(harness.state().state().series(), Some(1));
    harness.key_press(Key::PageUp);
    until(&mut harness, "the larger series again", |app| side_of(app) == Some(24));
    harness.get_by_label("Series 2: NIfTI 2, 20 × 20 × 20").focus();
    harness.step();
    harness.key_press(Key::Enter);
    until(&mut harness, "the smaller series again", |app| side_of(app) == Some(20));
}

#[test]
fn files_that_are_dropped_together_are_series_to_choose_from() {
    let folder = tempfile::tempdir().unwrap();
    let files = two_scans(folder.path());
    let mut harness = window(None, &folder.path().join("p.antrum"));
    until(&mut harness, "the example", |app| app.state().scan.is_some());
    assert!(harness.query_by_label_contains("Series (").is_none());
    drop_files(&mut harness, files);
    until(&mut harness, "the larger file", |app| side_of(app) == Some(24));
    assert!(harness.query_by_label_contains("Series (2)").is_some());
}

#[test]
fn the_volumes_of_a_series_are_stepped_through() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("rest.nii");
    io::nifti::write(&path, &volume([16, 16, 48])).unwrap();
    // The same bytes as three volumes of 16 slices: `dim` is at byte 40.
    let mut bytes = std::fs::read(&path).unwrap();
    for (at, number) in [(40, 4_i16), (46, 16), (48, 3)] {
        bytes[at..at + 2].copy_from_slice(&number.to_ne_bytes());
    }
    std::fs::write(&path, bytes).unwrap();
    let mut harness = window(Some(&path), &folder.path().join("p.antrum"));
    until(&mut harness, "the first volume", |app| side_of(app) == Some(16) && app.state().sinuses.is_some());
    harness.key_press(Key::F6);
    harness.run_steps(2);
    assert!(harness.query_by_label("volume 1 of 3").is_some());
    let first = harness.state().state().volume().unwrap().at([0, 0, 0]);
    // Within the lowest third, where all three volumes lie.
    let cross = glam::DVec3::new(5.0, 6.0, -20.0);
    harness.state_mut().send(Command::CrossTo(cross));
    harness.get_by_label("Next volume").click();
    until(&mut harness, "the second volume", |app| app.state().scan.as_ref().is_some_and(|open| open.scan.frame == 1));
    assert!(harness.query_by_label("volume 2 of 3").is_some());
    assert_eq!(harness.state().state().view.cross_mm, cross, "the reader goes on looking at the same place");
    let second = harness.state().state().volume().unwrap().at([0, 0, 0]);
    assert_eq!((first, second), (Some(0.0), Some(f64::from(16 * 16 * 16 % 50))));
}

/// A DICOM scan with a finding, as the reader of series would hand it over.
fn with_check(code: &'static str) -> Command {
    let scan = Scan {
        format: Format::Dicom,
        checks: vec![Check::new(code, format!("A sentence about {code}."))],
        ..antrum::app::example(&Progress::default()).unwrap()
    };
    Command::Opened(Opened { scan: Arc::new(scan), origin: None, labels: [None, None] })
}

#[test]
fn the_series_check_says_what_was_found_and_what_can_be_done() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(None, &folder.path().join("p.antrum"));
    until(&mut harness, "the example", |app| app.state().scan.is_some());
    harness.get_by_label("Scan drawer").click();
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("Series check").is_none());

    harness.state_mut().send(with_check("uneven-spacing"));
    harness.run_steps(2);
    assert!(harness.query_by_label("Series check (1)").is_some());
    assert!(harness.query_by_label("A sentence about uneven-spacing.").is_some());
    assert!(harness.query_by_label("Resample to even spacing").is_some());

    harness.state_mut().send(with_check("resampled"));
    harness.run_steps(2);
    assert!(harness.query_by_label("resampled").is_some());
    assert!(harness.query_by_label("Show the slices as stored").is_some());
    assert!(harness.query_by_label("Resample to even spacing").is_none());

    harness.state_mut().send(with_check("no-orientation"));
    harness.run_steps(2);
    assert!(harness.query_by_label_contains("Left and right of this scan are unknown").is_some());
    assert!(harness.query_by_label_contains("left and right unknown").is_some(), "in the status line");
    assert!(harness.query_by_label_contains("Resample").is_none());
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
    let window = harness.state().state().view.window.clone();
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

/// A sinus around a place as it stands on a card: 20 mL, so many of the 20 slices from the front are filled.
fn cavity(side: Side, centre_mm: glam::DVec3, filled: usize) -> Cavity {
    let mut grid = Grid::centred([10, 20, 100], 1.0, centre_mm);
    grid.world_from_voxel.translation.y = centre_mm.y;
    let label = |i: usize| if i / 10 % 20 < filled { Cavity::CONTENT } else { Cavity::AIR };
    Cavity::new(side, grid, (0..grid.count()).map(label).collect())
}

#[test]
fn each_card_has_the_figures_of_its_own_sinus_and_says_what_is_not_in_view() {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(None, &folder.path().join("p.antrum"));
    until(&mut harness, "the map", |app| app.state().analysis.is_some() && app.state().jobs.is_empty());
    let analysis = Analysis::clone(harness.state().state().analysis.as_ref().unwrap());
    let found = harness.state().state().sinuses.unwrap();
    let measured = |filled: [usize; 2]| {
        let of = |side: Side| Some(cavity(side, found[side.index()].centre_mm, filled[side.index()]));
        Command::Analysed(Arc::new(Analysis { cavities: [Side::Left, Side::Right].map(of), ..analysis.clone() }))
    };
    harness.state_mut().send(measured([11, 1]));
    harness.run_steps(3);
    let left = rect_of(&harness, "patient LEFT");
    let (much, little) = (rect_of(&harness, "55 % opacified"), rect_of(&harness, "5 % opacified"));
    assert!(much.left() > left.left() && little.right() < left.left(), "{much} belongs to the card of {left}");
    assert_eq!(harness.get_all_by_label("cavity 20.0 mL").count(), 2);
    let sure = |finding: &Finding| {
        let probability = if finding.side == Side::Left { 0.93 } else { 0.04 };
        Finding { anomaly: Some(Anomaly { probability, percentile: Some(50.0), spread: None }), ..finding.clone() }
    };
    let findings = analysis.findings.iter().map(sure).collect();
    harness.state_mut().send(Command::Analysed(Arc::new(Analysis { findings, ..analysis.clone() })));
    harness.run_steps(3);
    let (much, little) = (rect_of(&harness, "disease 93 %"), rect_of(&harness, "disease 4 %"));
    assert!(much.left() > left.left() && little.right() < left.left(), "{much} belongs to the card of {left}");

    // The left one is cut off, the right one is not there at all.
    let partial = Sinus { present: Presence::Partial, confidence: 0.9, ..found[0] };
    let absent = Sinus { present: Presence::Absent, confidence: 0.9, ..found[1] };
    harness.state_mut().send(Command::Found([partial, absent]));
    let Command::Analysed(of_both) = measured([11, 1]) else { return };
    let findings = of_both.findings.iter().filter(|finding| finding.side == Side::Left).cloned().collect();
    let cavities = [of_both.cavities[0].clone(), None];
    harness.state_mut().send(Command::Analysed(Arc::new(Analysis { findings, cavities, ..analysis.clone() })));
    harness.run_steps(3);
    assert!(rect_of(&harness, "in view 20.0 mL").left() > left.left());
    assert!(rect_of(&harness, "partly in view").left() > left.left() - 1.0);
    for text in ["not in view", "no score"] {
        assert!(rect_of(&harness, text).right() < left.left(), "{text}");
    }
    assert!(harness.query_by_label_contains("check its box").is_none());
    harness.state_mut().send(Command::Found(found.map(|sinus| Sinus { confidence: 0.4, ..sinus })));
    harness.run_steps(3);
    assert_eq!(harness.get_all_by_label("check its box").count(), 2);
}
