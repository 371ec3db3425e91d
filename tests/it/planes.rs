//! The plane panes in the window: what the mouse does in them.

use crate::window::{button, drag, rect_of, until, window};
use antrum::app::Command;
use antrum::app::command::Opened;
use antrum::app::settings::{MouseMap, Tool};
use antrum::app::state::{Layout, Pane};
use antrum::space::Plane;
use antrum::ui::App;
use egui::{PointerButton, Pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use tempfile::TempDir;

fn example() -> (Harness<'static, App>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(None, &folder.path().join("p.antrum"));
    until(&mut harness, "the sinuses", |app| app.state().sinuses.is_some());
    harness.state_mut().send(Command::ToggleBoxes);
    // The crosshair in the middle of each pane.
    harness.state_mut().send(Command::CrossTo(glam::DVec3::ZERO));
    harness.state_mut().send(Command::ResetViews);
    harness.run_steps(2);
    (harness, folder)
}

fn pane_points(harness: &Harness<'_, App>, plane: Plane) -> (egui::Rect, Pos2) {
    let rect = rect_of(harness, &format!("{} plane", plane.name()));
    let size = glam::DVec2::new(f64::from(rect.width()), f64::from(rect.height()));
    let state = harness.state().state();
    let camera = state.plane_camera(plane, size).unwrap();
    let to_world = camera.world_from_pane(&state.view.frame, plane, size, state.view.cross_mm);
    let cross = to_world.inverse().transform_point3(state.view.cross_mm);
    (rect, rect.min + vec2(cross.x as f32, cross.y as f32))
}

#[test]
fn a_box_held_while_another_scan_opens_is_let_go() {
    let (mut harness, _folder) = example();
    harness.state_mut().send(Command::ToggleBoxes);
    let sinuses = harness.state().state().sinuses.unwrap();
    let sinus = sinuses[0];
    harness.state_mut().send(Command::CrossTo(sinus.centre_mm));
    harness.run_steps(2);
    let (_, at) = pane_points(&harness, Plane::Axial);
    let button = |at: Pos2, pressed: bool| button(PointerButton::Primary, at, pressed);
    for event in [egui::Event::PointerMoved(at), button(at, true), egui::Event::PointerMoved(at + vec2(20.0, 0.0))] {
        harness.event(event);
        harness.step();
    }
    harness.event(egui::Event::PointerMoved(at + vec2(30.0, 0.0)));
    harness.step();
    assert_ne!(harness.state().state().sinuses.unwrap()[0].centre_mm, sinus.centre_mm, "it is held");
    let app = harness.state_mut();
    let scan = std::sync::Arc::clone(&app.state().scan.as_ref().unwrap().scan);
    app.send(Command::Opened(Opened { scan, origin: None, labels: [None, None] }));
    app.send(Command::Found(sinuses));
    harness.step();
    harness.event(egui::Event::PointerMoved(at + vec2(60.0, 0.0)));
    harness.step();
    harness.event(button(at + vec2(60.0, 0.0), false));
    harness.run_steps(2);
    assert_eq!(harness.state().state().undoable().0, None);
}

#[test]
fn a_mark_on_a_line_turns_the_other_planes_and_leaves_its_own_picture() {
    let (mut harness, _folder) = example();
    let (rect, cross) = pane_points(&harness, Plane::Axial);
    let reach = 0.36 * rect.width().min(rect.height());
    // The mark on the horizontal line to the right, dragged down by about 30 degrees: clockwise.
    let mark = cross + vec2(reach, 0.0);
    let to = cross + reach * vec2(30_f32.to_radians().cos(), 30_f32.to_radians().sin());
    drag(&mut harness, PointerButton::Primary, mark, to);
    let view = harness.state().state().view.clone();
    assert_eq!(view.frame.edge_letters(Plane::Axial), ["R", "L", "A", "P"].map(str::to_owned), "as it was");
    let normal = view.frame.normal(Plane::Sagittal);
    // The sagittal plane's normal pointed to the patient's right, the left of the screen: now up, to the front.
    let turned = normal.y.atan2(normal.x).to_degrees();
    assert!((turned - 30.0).abs() < 3.0, "{turned}");
    assert_eq!(view.cross_mm, glam::DVec3::ZERO, "the crosshair stays");
}

#[test]
fn the_buttons_do_what_the_profile_says() {
    let (mut harness, _folder) = example();
    let (rect, _) = pane_points(&harness, Plane::Coronal);
    let from = rect.center() + vec2(70.0, 40.0);
    let before = harness.state().state().view.clone();
    drag(&mut harness, PointerButton::Middle, from, from + vec2(20.0, 0.0));
    let panned = harness.state().state().view.planes[1].centre_mm - before.planes[1].centre_mm;
    assert!(panned.x > 1.0 && panned.z.abs() < 1e-6, "the picture goes with the mouse, to the right: {panned}");
    assert_eq!(MouseMap::PACS, MouseMap { left: Tool::Window, right: Tool::Zoom, middle: Tool::Pan });
}

#[test]
fn a_short_right_click_opens_a_menu_for_the_point_under_the_mouse() {
    let (mut harness, _folder) = example();
    let (rect, _) = pane_points(&harness, Plane::Axial);
    let at = rect.center() - vec2(60.0, 0.0);
    for pressed in [true, false] {
        harness.event(egui::Event::PointerMoved(at));
        let (button, modifiers) = (PointerButton::Secondary, egui::Modifiers::NONE);
        harness.event(egui::Event::PointerButton { pos: at, button, pressed, modifiers });
        harness.step();
    }
    harness.run_steps(3);
    harness.get_by_label("Crosshair here").click();
    harness.run_steps(3);
    assert!(harness.state().state().view.cross_mm.x > 10.0, "left of the middle is the patient's right");
    assert!(harness.query_by_label("Crosshair here").is_none(), "the menu is closed");
}

#[test]
fn one_large_pane_leaves_the_others_beside_it() {
    let (mut harness, _folder) = example();
    harness.state_mut().send(Command::SetLayout(Layout::Large));
    harness.state_mut().send(Command::Focus(Pane::Plane(Plane::Coronal)));
    harness.run_steps(3);
    let area = |plane: &str| rect_of(&harness, plane).area();
    assert!(area("coronal plane") > 4.0 * area("axial plane"));
    assert!(area("sagittal plane") > 10_000.0 && area("3-D picture") > 10_000.0);
}
