//! What lies over the picture in the window: masks from files on the right side, colour bars, a second scan, the probe.

use crate::window::{click, drag, open_drawer, rect_of, until, window};
use antrum::app::Command;
use antrum::app::compare::{CompareCommand, Mode};
use antrum::app::layers::LayerCommand;
use antrum::io;
use antrum::space::Grid;
use antrum::ui::App;
use antrum::volume::{Rescale, Unit, Volume, Voxels};
use egui::{PointerButton, pos2, vec2};
use egui_kittest::Harness;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use glam::{DAffine3, DMat3, DVec3};
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// A grey cube of 80 mm around the world's origin.
fn cube(grid: Grid) -> Volume {
    Volume::from_f32(grid, (0..grid.count()).map(|n| 40.0 + (n % 7) as f32).collect(), Unit::Arbitrary)
}

/// A mask on a grid of its own, mirrored and with other spacing: a ball of 12 mm at 22 mm to the patient's right.
fn ball_on_the_right() -> Volume {
    let matrix3 = DMat3::from_diagonal(DVec3::new(-1.5, 2.5, 1.0));
    let grid = Grid {
        size: [60, 36, 90],
        world_from_voxel: DAffine3 { matrix3, translation: DVec3::new(45.0, -45.0, -45.0) },
    };
    let inside = |n: usize| {
        let voxel = DVec3::new((n % 60) as f64, (n / 60 % 36) as f64, (n / (60 * 36)) as f64);
        grid.world_from_voxel.transform_point3(voxel).distance(DVec3::new(22.0, 0.0, 0.0)) < 12.0
    };
    let voxels = Voxels::U8((0..grid.count()).map(|n| u8::from(inside(n))).collect());
    Volume { grid, voxels, rescale: Rescale::NONE, unit: Unit::Label }
}

/// The window with the cube; files lie beside it.
fn with_cube() -> (Harness<'static, App>, TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let scan = folder.path().join("scan.nii");
    io::nifti::write(&scan, &cube(Grid::centred([40; 3], 2.0, DVec3::ZERO))).unwrap();
    let mask = folder.path().join("DOE-mask.nii.gz");
    io::nifti::write(&mask, &ball_on_the_right()).unwrap();
    let mut harness = window(Some(&scan), &folder.path().join("p.antrum"));
    until(&mut harness, "the cube", |app| app.state().sinuses.is_some() && app.state().jobs.is_empty());
    for command in [Command::ToggleBoxes, Command::ToggleCross, Command::CrossTo(DVec3::ZERO)] {
        harness.state_mut().send(command);
    }
    harness.run_steps(2);
    open_drawer(&mut harness, "Maps");
    (harness, folder, mask)
}

fn add(harness: &mut Harness<'_, App>, path: &Path) {
    let before = harness.state().state().layers.list.len();
    harness.state_mut().send(Command::Layer(LayerCommand::Open(vec![path.to_owned()])));
    until(harness, "the layer", |app| app.state().layers.list.len() > before);
}

/// Brings something in the panel into view, and waits until the panel stands still.
fn scroll_to(harness: &mut Harness<'_, App>, name: &str) {
    harness.get_by_label(name).scroll_to_me();
    let mut before = rect_of(harness, name);
    for _ in 0..60 {
        harness.run_steps(3);
        let now = rect_of(harness, name);
        if now == before {
            return;
        }
        before = now;
    }
    panic!("the panel does not stand still");
}

/// The share of coloured pixels in the left and in the right half of a pane.
fn coloured(harness: &mut Harness<'_, App>, pane: &str) -> [f64; 2] {
    let rect = rect_of(harness, pane);
    let picture = harness.render().unwrap();
    let share = |from: f32, to: f32| {
        // Away from the letters and bars at the edges.
        let pixels = (from as u32..to as u32)
            .flat_map(|x| (rect.center().y as u32 - 60..rect.center().y as u32 + 60).map(move |y| (x, y)));
        let colours: Vec<bool> = pixels
            .map(|(x, y)| {
                let [r, g, b, _] = picture.get_pixel(x, y).0;
                r.max(g).max(b) - r.min(g).min(b) > 40
            })
            .collect();
        colours.iter().filter(|coloured| **coloured).count() as f64 / colours.len() as f64
    };
    [share(rect.left() + 40.0, rect.center().x), share(rect.center().x, rect.right() - 40.0)]
}

#[test]
fn a_mask_on_the_patients_right_is_on_the_left_of_the_screen() {
    let (mut harness, _folder, mask) = with_cube();
    for pane in ["axial plane", "coronal plane"] {
        assert_eq!(coloured(&mut harness, pane), [0.0, 0.0], "{pane}");
    }
    add(&mut harness, &mask);
    assert!(harness.query_by_label_contains("DOE").is_none(), "names of files are hidden");
    for pane in ["axial plane", "coronal plane"] {
        let [left, right] = coloured(&mut harness, pane);
        assert!(left > 0.05 && right == 0.0, "{pane}: {left} {right}");
    }
    // Its numbers are where it is seen: patient right is positive x.
    let layer = &harness.state().state().layers.list[0];
    assert_eq!(layer.volume.unit, Unit::Label);
    assert_eq!([22.0, -22.0].map(|x| layer.volume.at_world(DVec3::X * x)), [Some(1.0), Some(0.0)]);
}

#[test]
fn layers_are_hidden_moved_and_removed_by_their_buttons() {
    let (mut harness, _folder, mask) = with_cube();
    add(&mut harness, &mask);
    add(&mut harness, &mask);
    let names = |harness: &Harness<'_, App>| -> Vec<String> {
        harness.state().state().layers.list.iter().map(|layer| layer.name.clone()).collect()
    };
    assert_eq!(names(&harness), ["mask", "mask 2"]);
    let press = |harness: &mut Harness<'_, App>, name: &str| {
        scroll_to(harness, name);
        harness.get_by_label(name).click();
        harness.run_steps(2);
    };
    press(&mut harness, "Raise mask");
    assert_eq!(names(&harness), ["mask 2", "mask"]);
    press(&mut harness, "Show mask");
    assert!(!harness.state().state().layers.list[1].shown);
    press(&mut harness, "Remove mask");
    assert_eq!(names(&harness), ["mask 2"]);
    assert!(harness.state().state().layers.list[0].shown);
}

#[test]
fn limits_are_dragged_on_the_colour_bar() {
    let (mut harness, folder, _) = with_cube();
    let map = folder.path().join("map.nii");
    let grid = Grid::centred([20; 3], 4.0, DVec3::ZERO);
    let values = (0..grid.count()).map(|n| n as f32 / 80.0).collect();
    io::nifti::write(&map, &Volume::from_f32(grid, values, Unit::Score)).unwrap();
    add(&mut harness, &map);
    let before = harness.state().state().layers.list[0].overlay;
    assert!((before.high - 99.5).abs() < 0.5 && before.low == before.threshold, "{before:?}");
    let pull = |harness: &mut Harness<'_, App>, name: &str, by: f32| {
        scroll_to(harness, name);
        let from = rect_of(harness, name).center();
        drag(harness, PointerButton::Primary, from, from + vec2(by, 0.0));
        harness.state().state().layers.list[0].overlay
    };
    let lower = pull(&mut harness, "Upper limit of map", -60.0);
    assert!(lower.high < before.high - 10.0 && lower.threshold == before.threshold, "{lower:?}");
    let higher = pull(&mut harness, "Threshold of map", 40.0);
    assert!(higher.threshold > before.threshold + 5.0 && higher.low == higher.threshold, "{higher:?}");
}

#[test]
fn a_second_series_is_shown_beside_the_first_and_blended_over_it() {
    let folder = tempfile::tempdir().unwrap();
    for (name, side) in [("DOE-a.nii", 40), ("DOE-b.nii", 36)] {
        io::nifti::write(&folder.path().join(name), &cube(Grid::centred([side; 3], 2.0, DVec3::ZERO))).unwrap();
    }
    let mut harness = window(Some(folder.path()), &folder.path().join("labels/p.antrum"));
    until(&mut harness, "the larger series", |app| app.state().sinuses.is_some());
    harness.get_by_label("What to do with series 2").click();
    harness.run_steps(3);
    harness.get_by_label("Show beside the open scan").click();
    until(&mut harness, "the second scan", |app| app.state().beside().is_some());
    let (first, second) = (rect_of(&harness, "axial plane"), rect_of(&harness, "axial plane of the second scan"));
    assert!(first.right() <= second.left() && first.size() == second.size());
    assert!(harness.query_by_label("3-D picture").is_none());

    // A click in the second moves both; left on the screen is the patient's right there, too.
    let at = second.center() - vec2(second.width() / 8.0, 0.0);
    click(&mut harness, at);
    let cross_mm = harness.state().state().view.cross_mm;
    assert!(cross_mm.x > 3.0, "{cross_mm}");
    let before = harness.state().state().view.window.clone();
    drag(&mut harness, PointerButton::Secondary, at, at + vec2(40.0, 0.0));
    let state = harness.state().state();
    assert_eq!(state.view.window, before, "the first keeps its window");
    assert!(state.compare.second.as_ref().unwrap().window.width > before.width * 1.05);

    harness.state_mut().send(Command::Compare(CompareCommand::Mode(Mode::Blended)));
    harness.run_steps(2);
    assert!(harness.query_by_label("axial plane of the second scan").is_none());
    assert_eq!(harness.state().state().visible_layers().len(), 1);
    open_drawer(&mut harness, "Maps");
    scroll_to(&mut harness, "Stop comparing");
    harness.get_by_label("Stop comparing").click();
    harness.run_steps(2);
    assert!(harness.state().state().compare.second.is_none() && harness.state().state().layers.list.is_empty());
}

#[test]
fn the_status_line_follows_the_mouse_and_else_the_crosshair() {
    let (mut harness, _folder, mask) = with_cube();
    add(&mut harness, &mask);
    let line = |harness: &Harness<'_, App>, start: &str| -> String {
        let node = harness.get_by_label_contains(start);
        node.accesskit_node().value().or_else(|| node.accesskit_node().label()).unwrap_or_default()
    };
    harness.event(egui::Event::PointerGone);
    harness.run_steps(3);
    let at_cross = line(&harness, "cross voxel");
    assert!(at_cross.contains("R    0.0") && at_cross.trim_end().ends_with("mask 0"), "{at_cross}");
    let rect = rect_of(&harness, "axial plane");
    harness.event(egui::Event::PointerMoved(pos2(rect.center().x - 0.25 * rect.height(), rect.center().y)));
    harness.run_steps(3);
    let at_mouse = line(&harness, "mouse voxel");
    assert!(at_mouse.trim_end().ends_with("mask 1"), "{at_mouse}");
}
