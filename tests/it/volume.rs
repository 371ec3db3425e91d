//! The 3-D pane in the window: what the mouse does in it, and the choices of its panel.

use crate::window::{click, drag, rect_of, until, window};
use antrum::app::Command;
use antrum::app::shell::{Drawer, ShellCommand};
use antrum::app::volume::{Cutting, VolumeCommand};
use antrum::ui::App;
use antrum::view::Mode;
use egui::{PointerButton, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use glam::DVec3;
use tempfile::TempDir;

/// The synthetic head seen from the front.
fn head() -> (Harness<'static, App>, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let mut harness = window(None, &folder.path().join("p.antrum"));
    until(&mut harness, "the map", |app| app.state().analysis.is_some());
    harness.state_mut().send(Command::Volume(VolumeCommand::LookFrom(DVec3::Y)));
    harness.run_steps(2);
    (harness, folder)
}

#[test]
fn a_click_on_the_face_moves_the_crosshair_to_its_skin_on_the_right_side() {
    let (mut harness, _folder) = head();
    let rect = rect_of(&harness, "3-D picture");
    let middle = harness.state().state().scan.as_ref().unwrap().bounds_mm.centre();
    // Above the boxes of the sinuses, on the right of the screen: the forehead's left.
    click(&mut harness, rect.center() + vec2(25.0, -70.0));
    let cross = harness.state().state().view.cross_mm;
    assert!(cross.x < middle.x - 5.0, "patient left: {cross}");
    assert!(cross.y > middle.y + 20.0, "in front: {cross}");
    // Beside the head there is nothing to go to.
    click(&mut harness, rect.left_top() + vec2(30.0, 120.0));
    assert_eq!(harness.state().state().view.cross_mm, cross);
}

#[test]
fn dragging_turns_pans_and_changes_the_range() {
    let (mut harness, _folder) = head();
    let centre = rect_of(&harness, "3-D picture").center();
    let before = harness.state().state().view.clone();
    drag(&mut harness, PointerButton::Primary, centre, centre + vec2(60.0, 0.0));
    let turned = harness.state().state().view.clone();
    assert!(turned.orbit.yaw > 0.2 && turned.orbit.pitch.abs() < 1e-9, "{:?}", turned.orbit);
    assert_eq!(turned.cross_mm, before.cross_mm, "turning does not pick");
    harness.state_mut().send(Command::Volume(VolumeCommand::LookFrom(DVec3::Y)));
    drag(&mut harness, PointerButton::Middle, centre, centre + vec2(40.0, 0.0));
    let panned = harness.state().state().view.orbit.pan_mm;
    assert!(panned.x > 1.0 && panned.y.abs() < 1e-9, "the head goes right, so its right comes to the middle: {panned}");
    drag(&mut harness, PointerButton::Secondary, centre, centre + vec2(60.0, 0.0));
    let [[low, high], [new_low, new_high]] = [before.volume.range, harness.state().state().view.volume.range];
    assert!(new_high - new_low > 1.1 * (high - low));
}

#[test]
fn a_click_on_the_cube_looks_from_there() {
    let (mut harness, _folder) = head();
    harness.state_mut().send(Command::ResetViews);
    harness.run_steps(2);
    let cube = rect_of(&harness, "orientation cube").center();
    // As the views are reset, the front is on the right of the cube and the patient's right on its left.
    click(&mut harness, cube + vec2(8.0, 3.0));
    assert_eq!(harness.state().state().view.orbit.yaw, 0.0);
    assert_eq!(harness.state().state().view.orbit.pitch, 0.0);
}

#[test]
fn the_panel_chooses_rendering_cuts_and_box() {
    let (mut harness, _folder) = head();
    harness.state_mut().send(Command::Shell(ShellCommand::ToggleDrawer(Drawer::Volume)));
    harness.run_steps(2);
    harness.get_by_label_contains("3-D maximum").click();
    harness.run_steps(2);
    assert_eq!(harness.state().state().view.volume.mode, Mode::Mip);
    harness.get_by_label_contains("3-D surface").click();
    harness.run_steps(2);
    assert_eq!(harness.state().state().view.volume.mode, Mode::Surface);
    harness.get_by_label("Cut away R of the sagittal plane in 3-D").click();
    harness.run_steps(2);
    assert_eq!(harness.state().state().view.volume.cuts, [Cutting::Off, Cutting::Off, Cutting::Ahead]);
    harness.get_by_label("Only the sinuses in 3-D").click();
    harness.run_steps(2);
    assert_eq!(harness.state().state().view.volume.crop, harness.state().state().sinus_box());
    harness.get_by_label("Look from the patient's left").click();
    harness.run_steps(2);
    assert!((harness.state().state().view.orbit.yaw.sin() + 1.0).abs() < 1e-9);
}
