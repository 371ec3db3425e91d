//! What stands around the panes, driven by accessible names: nothing of it may cost the picture its place.

use crate::window::{click, rect_of, until, window};
use antrum::app::settings::{MouseMap, Theme};
use antrum::app::shell::{Drawer, DrawerChoice};
use antrum::app::state::{Layout, Pane};
use antrum::app::{Command, WindowOptions};
use antrum::project::{Label, Reading};
use antrum::space::{Plane, Side};
use antrum::ui::App;
use antrum::view::{Convention, Interpolation, Slab, SlabMode};
use egui::{Key, Modifiers, Rect, Vec2, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use std::path::Path;
use std::time::{Duration, Instant};
use tempfile::TempDir;

const PANES: [&str; 4] = ["axial plane", "coronal plane", "sagittal plane", "3-D picture"];

fn example() -> (Harness<'static, App>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(None, &folder.path().join("p.antrum"));
    until(&mut harness, "the map", |app| app.state().analysis.is_some() && app.state().jobs.is_empty());
    (harness, folder)
}

fn with_settings(settings: &Path, project: &Path) -> Harness<'static, App> {
    let options = WindowOptions {
        project: Some(project.to_owned()),
        rater: Some("tester".to_owned()),
        settings: Some(settings.to_owned()),
        ..WindowOptions::default()
    };
    let setup = antrum::gpu::Ladder::new(false).configuration().wgpu_setup;
    Harness::builder()
        .with_size([1280.0, 800.0])
        .wgpu_setup(setup)
        .build_eframe(|cc| App::new(cc, options, Instant::now()))
}

fn panes(harness: &Harness<'_, App>) -> Vec<Rect> {
    PANES.iter().map(|name| rect_of(harness, name)).collect()
}

/// The share of the window that panes take.
fn share(harness: &Harness<'_, App>, window: Vec2) -> f32 {
    let taken = panes(harness).iter().fold(0.0, |sum, rect| sum + rect.area());
    taken / (window.x * window.y)
}

fn press(harness: &mut Harness<'_, App>, modifiers: Modifiers, key: Key) {
    harness.key_press_modifiers(modifiers, key);
    harness.run_steps(2);
}

fn choose(harness: &mut Harness<'_, App>, menu: &str, entry: &str) {
    harness.get_by_label_contains(menu).click();
    harness.run_steps(3);
    harness.get_by_label_contains(entry).click();
    harness.run_steps(3);
}

#[test]
fn the_image_has_four_fifths_of_the_window() {
    let (mut harness, _folder) = example();
    for size in [vec2(1280.0, 800.0), vec2(1440.0, 900.0)] {
        harness.set_size(size);
        harness.run_steps(3);
        let share = share(&harness, size);
        println!("panes take {:.1} % of {size}", 100.0 * share);
        assert!(share >= 0.8, "{share} of {size}");
        assert_eq!(harness.state().state().drawer(), None);
    }
    harness.set_size(vec2(1600.0, 1000.0));
    harness.run_steps(3);
    assert_eq!(harness.state().state().drawer(), Some(Drawer::Scan), "there is room");
}

#[test]
fn no_pane_moves_when_a_message_comes_or_a_job_runs() {
    let (mut harness, _folder) = example();
    let before = panes(&harness);
    harness.state_mut().send(Command::Failed("A sentence about what failed, and what to do".to_owned()));
    harness.run_steps(3);
    let message = rect_of(&harness, "A sentence about what failed, and what to do");
    assert!(before[2].union(before[3]).contains_rect(message), "over the panes' lower edge: {message}");
    assert_eq!(panes(&harness), before);
    harness.get_by_label("Close").click();
    harness.run_steps(3);
    assert!(harness.state().state().message.is_none());
    harness.state_mut().send(Command::Find);
    harness.run_steps(2);
    assert_eq!(panes(&harness), before);
}

#[test]
fn nothing_is_drawn_again_while_nothing_happens() {
    let (mut harness, _folder) = example();
    let started = Instant::now();
    let delay = |harness: &Harness<'_, App>| {
        harness.output().viewport_output.values().map(|viewport| viewport.repaint_delay).min().unwrap()
    };
    while delay(&harness) < Duration::MAX {
        assert!(started.elapsed() < Duration::from_secs(20), "still drawn again after {:?}", delay(&harness));
        std::thread::sleep(Duration::from_millis(50));
        harness.step();
    }
}

#[test]
fn one_drawer_at_a_time_is_opened_and_folded_by_name_and_by_key() {
    let (mut harness, _folder) = example();
    let wide = panes(&harness)[0];
    for drawer in Drawer::ALL {
        harness.get_by_label(&format!("{} drawer", drawer.name())).click();
        harness.run_steps(3);
        assert_eq!(harness.state().state().drawer(), Some(drawer));
        assert!(panes(&harness)[0].width() < wide.width());
    }
    harness.get_by_label("Fold").click();
    harness.run_steps(3);
    assert_eq!((harness.state().state().drawer(), panes(&harness)[0]), (None, wide));
    press(&mut harness, Modifiers::NONE, Key::F7);
    assert_eq!(harness.state().state().drawer(), Some(Drawer::Maps));
    assert!(harness.query_all_by_label("Opacity").next().is_some());
}

#[test]
fn the_cards_stand_as_the_sinuses_do_and_label_their_own_side() {
    let (mut harness, _folder) = example();
    let (right, left) = (rect_of(&harness, "patient RIGHT"), rect_of(&harness, "patient LEFT"));
    assert!(right.max.x < left.min.x && (right.center().y - left.center().y).abs() < 1.0);
    assert!(right.min.y > panes(&harness)[2].max.y, "below the panes");
    let name = "Label the patient's left sinus anomalous (L)";
    assert!(rect_of(&harness, name).min.x > left.min.x);
    harness.get_by_label(name).click();
    harness.run_steps(3);
    assert_eq!(harness.state().state().labels, [Some(Reading::of(Label::Anomalous)), None]);
    harness.get_by_label("patient LEFT").click();
    harness.run_steps(3);
    assert!(harness.state().state().view.cross_mm.x < -10.0, "the patient's left");
    harness.get_by_label("Score of the patient's right sinus").click();
    harness.run_steps(3);
    assert!(harness.state().state().view.cross_mm.x > 10.0, "the patient's right");
}

#[test]
fn the_menus_do_what_they_say() {
    let (mut harness, _folder) = example();
    choose(&mut harness, "View", "One large");
    assert_eq!(harness.state().state().view.layout, Layout::Large);
    choose(&mut harness, "View", "Patient left (neurological)");
    assert_eq!(harness.state().state().view.frame.convention, Convention::Neurological);
    choose(&mut harness, "View", "cubic");
    assert_eq!(harness.state().state().view.interpolation, Interpolation::Cubic);
    choose(&mut harness, "View", "Sinus boxes");
    assert!(!harness.state().state().view.show_boxes);
    choose(&mut harness, "Planes", "Largest value");
    assert_eq!(harness.state().state().view.slab.mode, SlabMode::Max);
    choose(&mut harness, "Planes", "5° clockwise");
    assert!(harness.state().state().view.frame.is_oblique());
    harness.key_press(Key::Escape);
    harness.run_steps(3);
    choose(&mut harness, "Planes oblique", "The patient's axes");
    assert!(!harness.state().state().view.frame.is_oblique());
    choose(&mut harness, "View", "Reset");
    assert_eq!(harness.state().state().view.layout, Layout::Quad);
    harness.state_mut().send(Command::SetSlab(Slab { mode: SlabMode::Min, thickness_mm: 12.0 }));
    harness.run_steps(2);
    assert!(harness.query_by_label("Planes min 12 mm").is_some(), "the bar says what is not as usual");
}

#[test]
fn a_window_is_kept_under_a_name_and_found_again_by_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, project) = (folder.path().join("s.json"), folder.path().join("p.antrum"));
    let mut harness = with_settings(&settings, &project);
    until(&mut harness, "the sinuses", |app| app.state().sinuses.is_some());
    let mine = harness.state().state().view.window.moved(0.5, 0.25);
    harness.state_mut().send(Command::SetWindow(mine.clone()));
    harness.run_steps(2);
    harness.get_by_label_contains("Window manual").click();
    harness.run_steps(3);
    harness.get_by_label("Name of the present window").focus();
    harness.run_steps(2);
    harness.get_by_label("Name of the present window").type_text("mine");
    harness.run_steps(3);
    harness.get_by_label("Keep").click();
    harness.run_steps(3);
    drop(harness);
    // Another project: this one would open the case with the window it was left with.
    let mut again = with_settings(&settings, &folder.path().join("other.antrum"));
    until(&mut again, "the sinuses", |app| app.state().sinuses.is_some());
    assert_ne!(again.state().state().view.window, mine);
    press(&mut again, Modifiers::NONE, Key::Num2);
    assert_eq!(again.state().state().view.window, mine);
    assert!(again.query_by_label_contains("Window mine").is_some());
}

#[test]
fn keys_mean_the_pane_that_has_the_keyboard() {
    let (mut harness, _folder) = example();
    press(&mut harness, Modifiers::COMMAND, Key::Num2);
    let before = harness.state().state().view.cross_mm;
    press(&mut harness, Modifiers::NONE, Key::ArrowUp);
    press(&mut harness, Modifiers::NONE, Key::ArrowUp);
    let moved = harness.state().state().view.cross_mm - before;
    assert!((moved - glam::DVec3::Y * 2.0).length() < 1e-6, "two slices to the front, not {moved}");
    press(&mut harness, Modifiers::SHIFT, Key::ArrowUp);
    assert!((harness.state().state().view.cross_mm.y - before.y - 12.0).abs() < 1e-6);
    press(&mut harness, Modifiers::COMMAND, Key::Num4);
    let yaw = harness.state().state().view.orbit.yaw;
    press(&mut harness, Modifiers::NONE, Key::ArrowRight);
    assert!(harness.state().state().view.orbit.yaw > yaw);
    press(&mut harness, Modifiers::NONE, Key::F4);
    let view = &harness.state().state().view;
    assert_eq!((view.layout, view.focus), (Layout::Single, Pane::Volume));
    press(&mut harness, Modifiers::NONE, Key::F4);
    // The mouse takes the keys along.
    let sagittal = panes(&harness)[2];
    harness.event(egui::Event::PointerMoved(sagittal.center()));
    harness.run_steps(2);
    harness.event(egui::Event::PointerMoved(sagittal.center() + vec2(5.0, 5.0)));
    harness.run_steps(2);
    let before = harness.state().state().view.cross_mm;
    press(&mut harness, Modifiers::NONE, Key::ArrowDown);
    let moved = harness.state().state().view.cross_mm - before;
    assert!((moved + glam::DVec3::X).length() < 1e-6, "one slice to the patient's left, not {moved}");
}

#[test]
fn the_keyboard_alone_reaches_layout_slab_planes_convention_and_zoom() {
    let (mut harness, _folder) = example();
    press(&mut harness, Modifiers::COMMAND, Key::Num1);
    press(&mut harness, Modifiers::NONE, Key::F3);
    press(&mut harness, Modifiers::NONE, Key::C);
    press(&mut harness, Modifiers::NONE, Key::Period);
    press(&mut harness, Modifiers::NONE, Key::T);
    press(&mut harness, Modifiers::NONE, Key::Plus);
    press(&mut harness, Modifiers::SHIFT, Key::ArrowRight);
    press(&mut harness, Modifiers::NONE, Key::W);
    let view = harness.state().state().view.clone();
    assert_eq!((view.layout, view.focus), (Layout::Large, Pane::Plane(Plane::Axial)));
    assert_eq!(view.frame.convention, Convention::Neurological);
    assert_eq!(view.slab, Slab { mode: SlabMode::Max, thickness_mm: 1.0 });
    assert!(view.frame.is_oblique() && view.planes[0].zoom > 1.1);
    press(&mut harness, Modifiers::NONE, Key::G);
    assert!(!harness.state().state().view.frame.is_oblique());
    press(&mut harness, Modifiers::NONE, Key::F);
    assert_eq!(harness.state().state().current, Some(Side::Right));
}

#[test]
fn the_sheet_of_keys_shows_the_keys_in_force() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("s.json");
    std::fs::write(&settings, r#"{"keys": {"overlay": "Ctrl+Shift+Y"}}"#).unwrap();
    let mut harness = with_settings(&settings, &folder.path().join("p.antrum"));
    until(&mut harness, "the map", |app| app.state().analysis.is_some());
    press(&mut harness, Modifiers::SHIFT, Key::Questionmark);
    assert!(harness.query_by_label("Ctrl+Shift+Y").is_some());
    assert!(harness.query_by_label("overlay on or off").is_some());
    press(&mut harness, Modifiers::NONE, Key::Escape);
    assert!(harness.query_by_label("overlay on or off").is_none());
    press(&mut harness, Modifiers::NONE, Key::O);
    assert!(!harness.state().state().layers.hidden, "that key has no meaning now");
    press(&mut harness, Modifiers::COMMAND | Modifiers::SHIFT, Key::Y);
    assert!(harness.state().state().layers.hidden);
}

#[test]
fn settings_are_changed_in_their_drawer_and_outlive_the_program() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, project) = (folder.path().join("s.json"), folder.path().join("p.antrum"));
    let mut harness = with_settings(&settings, &project);
    until(&mut harness, "the sinuses", |app| app.state().sinuses.is_some());
    press(&mut harness, Modifiers::NONE, Key::F10);
    for name in ["Panels light", "Mouse PACS", "Compute maps", "Keys"] {
        harness.get_by_label(name).click_accesskit();
        harness.run_steps(3);
    }
    harness.get_by_label_contains("Key of overlay on or off").click_accesskit();
    harness.run_steps(3);
    press(&mut harness, Modifiers::COMMAND, Key::K);
    assert!(!harness.state().state().layers.hidden, "the key is taken, not obeyed");
    press(&mut harness, Modifiers::COMMAND, Key::Plus);
    drop(harness);
    let kept = with_settings(&settings, &project);
    let state = kept.state().state();
    assert_eq!((state.settings.theme, state.settings.mouse), (Theme::Light, MouseMap::PACS));
    assert_eq!(state.settings.keys.get("overlay").map(String::as_str), Some("Ctrl+K"));
    assert_eq!(state.settings.scale_percent, 125);
    assert_eq!(state.shell.drawer, DrawerChoice::Open(Drawer::Settings));
    assert!(!state.settings.analyse_on_open);
}

#[test]
fn damaged_settings_are_said_and_kept() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("s.json");
    std::fs::write(&settings, "no settings").unwrap();
    let mut harness = with_settings(&settings, &folder.path().join("p.antrum"));
    harness.run_steps(3);
    assert!(harness.query_by_label_contains("s.json.damaged").is_some());
    assert_eq!(std::fs::read_to_string(folder.path().join("s.json.damaged")).unwrap(), "no settings");
}

#[test]
fn the_light_theme_and_the_largest_scale_leave_the_panes_on_screen() {
    let folder = tempfile::tempdir().unwrap();
    let settings = folder.path().join("s.json");
    std::fs::write(&settings, r#"{"theme": "Light", "scale_percent": 250}"#).unwrap();
    let mut harness = with_settings(&settings, &folder.path().join("p.antrum"));
    until(&mut harness, "the map", |app| app.state().analysis.is_some());
    // 1280 by 800 pixels are 512 by 320 points at this scale.
    harness.set_size(vec2(512.0, 320.0));
    harness.run_steps(4);
    let window = Rect::from_min_size(pos2(0.0, 0.0), vec2(512.0, 320.0));
    for pane in panes(&harness) {
        assert!(window.contains_rect(pane) && pane.width() > 150.0 && pane.height() > 60.0, "{pane}");
        assert!(pane.max.y < rect_of(&harness, "patient RIGHT").min.y, "the strip of the sinuses is on screen");
    }
    assert!(window.contains_rect(rect_of(&harness, "patient RIGHT")));
    for drawer in Drawer::ALL {
        harness.get_by_label(&format!("{} drawer", drawer.name())).click();
        harness.run_steps(3);
    }
    press(&mut harness, Modifiers::SHIFT, Key::Questionmark);
    harness.render().unwrap();
}

#[test]
fn a_figure_is_the_pane_with_the_notice_and_without_the_rest() {
    let (mut harness, _folder) = example();
    let axial = panes(&harness)[0];
    click(&mut harness, axial.center() + vec2(40.0, 40.0));
    press(&mut harness, Modifiers::COMMAND | Modifiers::SHIFT, Key::C);
    until(&mut harness, "the figure", |app| app.state().shell.figure.is_none());
    let copied =
        harness.output().platform_output.commands.iter().any(|c| matches!(c, egui::OutputCommand::CopyImage(_)));
    assert!(copied || harness.state().state().message.as_ref().is_some_and(|m| m.text.contains("clipboard")));
}

#[test]
fn what_was_opened_is_offered_again_without_its_name() {
    let folder = tempfile::tempdir().unwrap();
    let (settings, project) = (folder.path().join("s.json"), folder.path().join("p.antrum"));
    let scan = folder.path().join("DOE-jane.nii");
    let volume = antrum::app::example(&antrum::job::Progress::default()).unwrap().volume;
    antrum::io::nifti::write(&scan, &volume).unwrap();
    let mut harness = with_settings(&settings, &project);
    harness.state_mut().send(Command::Open(vec![scan]));
    until(&mut harness, "the scan", |app| !app.state().settings.recent.is_empty());
    drop(harness);
    let mut again = with_settings(&settings, &project);
    until(&mut again, "the example", |app| app.state().scan.is_some());
    again.get_by_label("Open").click();
    again.run_steps(3);
    assert!(again.query_by_label_contains("DOE").is_none());
    again.get_by_label_contains("1  NIfTI").click();
    until(&mut again, "the scan again", |app| app.state().scan.as_ref().is_some_and(|open| open.scan.path.is_some()));
}
