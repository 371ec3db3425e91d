//! Measuring in the real window, and what of it is there when the window is opened again.

use crate::window::{button, click, drag, open_drawer, rect_of, until, window};
use antrum::app::measure::Measurement;
use antrum::app::measure_report::{self, Format};
use antrum::app::shell::Drawer;
use antrum::app::state::Layout;
use antrum::app::volume::VolumeCommand;
use antrum::app::{Command, Saved, State};
use antrum::measure::{Kind, Shape};
use antrum::project::Project;
use antrum::ui::App;
use antrum::view::Window;
use egui::{Key, Modifiers, PointerButton, Pos2, Rect, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use glam::{DVec2, DVec3};
use std::path::Path;

/// The window on the example, and where its axial pane is, when nothing moves any more.
fn example(project: &Path) -> (Harness<'static, App>, Rect) {
    let mut harness = window(None, project);
    until(&mut harness, "the map", |app| app.state().analysis.is_some());
    if state(&harness).drawer() != Some(Drawer::Measure) {
        open_drawer(&mut harness, "Measure");
    }
    let axial = rect_of(&harness, "axial plane");
    (harness, axial)
}

fn state<'a>(harness: &'a Harness<'_, App>) -> &'a State {
    harness.state().state()
}

/// How many mm a point of the axial pane covers.
fn mm_per_point(harness: &Harness<'_, App>, axial: Rect) -> f64 {
    let size = DVec2::new(f64::from(axial.width()), f64::from(axial.height()));
    state(harness).plane_camera(antrum::space::Plane::Axial, size).unwrap().mm_per_point
}

fn lengths(harness: &Harness<'_, App>) -> Vec<Option<f64>> {
    state(harness).measures.list.iter().map(|one| one.measured.figures.length_mm).collect()
}

#[test]
fn a_distance_is_drawn_undone_redone_and_there_when_the_window_opens_again() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("p.antrum");
    let (mut harness, axial) = example(&project);
    let (from, to) = (axial.center() + vec2(-60.0, 40.0), axial.center() + vec2(60.0, -50.0));
    let expected_mm = 150.0 * mm_per_point(&harness, axial);
    let cross_mm = state(&harness).view.cross_mm;

    harness.get_by_label("Measure: distance").click();
    harness.run_steps(2);
    drag(&mut harness, PointerButton::Primary, from, to);
    let length_mm = lengths(&harness)[0].unwrap();
    assert!((length_mm - expected_mm).abs() < 1e-3, "{length_mm} instead of {expected_mm}");
    assert_eq!(state(&harness).view.cross_mm, cross_mm, "the crosshair stays");
    let Shape::Distance([a, b]) = state(&harness).measures.list[0].measured.shape else { panic!() };
    assert!(a.x > b.x && a.y < b.y, "from patient right and behind to left and in front: {a} {b}");
    assert!(harness.query_by_label(&format!("Measurement 1: distance {length_mm:.1} mm")).is_some());

    harness.key_press_modifiers(Modifiers::COMMAND, Key::Z);
    harness.run_steps(2);
    assert!(lengths(&harness).is_empty());
    harness.get_by_label("Redo").click();
    harness.run_steps(2);
    assert_eq!(lengths(&harness), [Some(length_mm)]);

    // One of its ends is dragged: the other stays.
    drag(&mut harness, PointerButton::Primary, to, from + vec2(0.0, -80.0));
    let shorter_mm = lengths(&harness)[0].unwrap();
    assert!((shorter_mm - 80.0 * mm_per_point(&harness, axial)).abs() < 1e-3, "{shorter_mm}");
    assert_eq!(state(&harness).undoable().0.as_deref(), Some("move distance"));
    let kept = state(&harness).measures.list.clone();

    drop(harness);
    let (mut harness, _) = example(&project);
    // Numbers come back from text, the last digit aside.
    let back = state(&harness).measures.list.clone();
    let ends = |measurement: &Measurement| match measurement.measured.shape {
        Shape::Distance(ends) => ends,
        ref other => panic!("{other:?}"),
    };
    assert_eq!(back.iter().map(|m| m.id).collect::<Vec<_>>(), [kept[0].id]);
    assert!(ends(&back[0]).iter().zip(ends(&kept[0])).all(|(a, b)| a.distance(b) < 1e-9), "{back:?} {kept:?}");
    harness.get_by_label("Delete measurement 1").click();
    harness.run_steps(2);
    assert!(state(&harness).measures.list.is_empty());
    drop(harness);
    let (harness, _) = example(&project);
    assert!(state(&harness).measures.list.is_empty());
}

#[test]
fn keys_choose_tools_clicks_place_points_and_escape_takes_them_back() {
    let folder = tempfile::tempdir().unwrap();
    let (mut harness, axial) = example(&folder.path().join("p.antrum"));
    let at = |x: f32, y: f32| axial.center() + vec2(x, y);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::A);
    harness.run_steps(2);
    click(&mut harness, at(70.0, 0.0));
    click(&mut harness, at(0.0, 0.0));
    harness.key_press(Key::Escape);
    harness.run_steps(2);
    assert!(state(&harness).measures.drawing.is_none() && state(&harness).measures.tool.is_some());
    for point in [at(70.0, 0.0), at(0.0, 0.0), at(0.0, -50.0)] {
        click(&mut harness, point);
    }
    let angle = state(&harness).measures.list[0].measured.figures.angle_deg.unwrap();
    assert!((angle - 90.0).abs() < 1e-6, "{angle}");
    assert_eq!(state(&harness).measures.tool, None);

    harness.key_press_modifiers(Modifiers::SHIFT, Key::E);
    harness.run_steps(2);
    drag(&mut harness, PointerButton::Primary, at(-80.0, -80.0), at(-40.0, -60.0));
    let figures = state(&harness).measures.list[1].measured.figures;
    let area = std::f64::consts::PI * 20.0 * 10.0 * mm_per_point(&harness, axial).powi(2);
    assert!((figures.area_mm2.unwrap() - area).abs() < 1e-2, "{figures:?}");
    // Voxels of the example are 1 mm: about as many as mm².
    let voxels = figures.values.unwrap().voxels as f64;
    assert!((voxels - area).abs() < 0.1 * area + 5.0, "{voxels} voxels in {area} mm²");

    harness.key_press(Key::Delete);
    harness.run_steps(2);
    let kinds: Vec<Kind> = state(&harness).measures.list.iter().map(|one| one.measured.shape.kind()).collect();
    assert_eq!(kinds, [Kind::Angle], "the ellipse was selected");
}

#[test]
fn other_buttons_and_the_wheel_keep_their_meaning_with_a_tool_in_hand() {
    let folder = tempfile::tempdir().unwrap();
    let (mut harness, axial) = example(&folder.path().join("p.antrum"));
    harness.key_press_modifiers(Modifiers::SHIFT, Key::D);
    harness.run_steps(2);
    let before = state(&harness).view.clone();
    drag(&mut harness, PointerButton::Secondary, axial.center(), axial.center() + vec2(30.0, 0.0));
    assert!(state(&harness).view.window.width > before.window.width * 1.05);
    drag(&mut harness, PointerButton::Middle, axial.center(), axial.center() + vec2(30.0, 0.0));
    assert_ne!(state(&harness).view.planes[0], before.planes[0]);
    assert_eq!(state(&harness).view.cross_mm, before.cross_mm);
    // Press and release in one frame, as on a slow screen.
    for at in [axial.center(), axial.center() + vec2(50.0, 0.0)] {
        harness.event(egui::Event::PointerMoved(at));
        for pressed in [true, false] {
            harness.event(button(PointerButton::Primary, at, pressed));
        }
        harness.run_steps(2);
    }
    assert_eq!(lengths(&harness).len(), 1);
}

#[test]
fn a_probe_on_the_patients_right_is_exported_with_positive_x() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.antrum");
    let (mut harness, axial) = example(&path);
    harness.key_press_modifiers(Modifiers::SHIFT, Key::P);
    harness.run_steps(2);
    // Patient right is on the left of the screen.
    let left_of_screen: Pos2 = axial.center() - vec2(70.0, 0.0);
    click(&mut harness, left_of_screen);
    let x = 70.0 * mm_per_point(&harness, axial) + state(&harness).view.planes[0].centre_mm.x;
    assert!(x > 10.0);
    let sha256 = state(&harness).scan.as_ref().unwrap().scan.sha256.clone();
    drop(harness);
    let project = Project::open(&path).unwrap();
    let document = measure_report::read(&project, None, None).unwrap();
    let Shape::Probe(at) = document.measurements[0].measured.shape else { panic!() };
    assert!((at.x - x).abs() < 1e-3, "{at} instead of {x}");
    let table = document.text(Format::Csv).unwrap();
    assert!(table.contains(&format!(",probe,,RAS,{:.3} ", at.x)), "{table}");
    assert!(table.contains(&sha256) && table.contains("tester") && table.contains("Research use only"));

    // The command line gives the same.
    let antrum = |args: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_antrum")).args(args).output().unwrap();
        (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
    };
    let project = path.to_str().unwrap();
    let export = ["measurements", "export", project, "--format"];
    assert_eq!(antrum(&[&export[..], &["csv", "--case", &sha256[..10]]].concat()), (Some(0), table));
    let json = folder.path().join("out.json");
    let out = [&export[..], &["json", "--out", json.to_str().unwrap()]].concat();
    assert_eq!(antrum(&out).0, Some(0));
    let json: serde_json::Value = serde_json::from_slice(&std::fs::read(&json).unwrap()).unwrap();
    assert!(json["measurements"][0]["shape"]["ras_mm"][0].as_f64().unwrap() > 10.0, "{json}");
    let (code, said) = antrum(&out);
    assert!(code == Some(1) && said.contains("--force"), "{said}");
    let (code, said) = antrum(&[&export[..], &["csv", "--case", "ffff"]].concat());
    assert!(code == Some(1) && said.contains("no such case"), "{said}");
    let missing = folder.path().join("missing.antrum");
    let (code, said) = antrum(&["measurements", "export", missing.to_str().unwrap(), "--format", "csv"]);
    assert!(code == Some(1) && said.contains("there is no such file") && !missing.exists(), "{said}");
}

#[test]
fn a_case_opens_as_it_was_left() {
    let folder = tempfile::tempdir().unwrap();
    let project = folder.path().join("p.antrum");
    let (mut harness, _) = example(&project);
    let cross_mm = DVec3::new(-21.0, 33.0, -8.0);
    for command in [
        Command::CrossTo(cross_mm),
        Command::SetWindow(Window::between(10.0, 321.0)),
        Command::SetLayout(Layout::Large),
        Command::Volume(VolumeCommand::Turn(0.3, 0.1)),
    ] {
        harness.state_mut().send(command);
    }
    harness.run_steps(2);
    // As the project keeps it: the text of a number may be read with another last bit.
    let left: Option<Saved> = serde_json::from_str(&serde_json::to_string(&state(&harness).saved()).unwrap()).unwrap();
    drop(harness);
    let (harness, _) = example(&project);
    assert_eq!(state(&harness).view.cross_mm, cross_mm);
    assert_eq!(state(&harness).view.layout, Layout::Large);
    assert_eq!(state(&harness).saved(), left);
}
