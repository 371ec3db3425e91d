//! Slices on the GPU against their twin on the CPU: stored types, interpolation, slabs, windows and layers, on grids that
//! are oblique, sheared and anisotropic; and left and right in both.

#![allow(clippy::unwrap_used)]

use super::slice::Pane;
use super::testing::{self, Window as Screen};
use super::volumes::Volumes;
use super::{Resources, Uploader, notes};
use crate::image::render::{self, Layer};
use crate::space::{Grid, Plane};
use crate::view::{
    ColourMap, Convention, Frame, Interpolation, Overlay, Picture, PlaneCamera, Slab, SlabMode, SliceView, VoiFunction,
    VoiTable, Window,
};
use crate::volume::{Rescale, Unit, Volume, Voxels};
use egui::{Context, Rect, Shape, pos2, vec2};
use glam::{DAffine3, DMat3, DQuat, DVec2, DVec3};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::sync::Arc;

const SIZE: [usize; 2] = [96, 72];

fn rect(x: f32) -> Rect {
    Rect::from_min_size(pos2(x, 0.0), vec2(SIZE[0] as f32, SIZE[1] as f32))
}

/// A slice at rest.
fn slice(rect: Rect, pane: usize, view: SliceView, scan: &Arc<Volume>, layers: &[Layer]) -> Shape {
    super::slice(&Context::default(), rect, pane, false, view, Arc::clone(scan), layers.to_vec())
}

/// Draws frames until every picture has all pixels.
fn finished(screen: &mut Screen, shapes: &[Shape]) -> Picture {
    loop {
        let picture = screen.draw(shapes.to_vec());
        let renderer = screen.render_state.renderer.read();
        let resources: &Resources = renderer.callback_resources.get().unwrap();
        if resources.panes.iter().flatten().all(Pane::is_finished) {
            return picture;
        }
    }
}

fn oblique() -> SliceView {
    let turn = DMat3::from_quat(DQuat::from_rotation_y(0.3) * DQuat::from_rotation_x(0.2));
    let (right, down) = Plane::Coronal.screen_axes();
    let axes = turn * DMat3::from_cols(right * 0.37, down * 0.37, DVec3::Y);
    SliceView {
        world_from_pane: DAffine3 { matrix3: axes, translation: axes * DVec3::new(-48.3, -36.1, 0.7) },
        window: Window::between(-150.0, 900.0),
        interpolation: Interpolation::Linear,
        slab: Slab::default(),
    }
}

/// A sheared, mirrored and rotated grid that fills most of the picture.
fn sheared(size: [usize; 3]) -> Grid {
    let shear = DMat3::from_cols(DVec3::new(-1.1, 0.1, 0.0), DVec3::new(0.2, 0.3, 1.3), DVec3::new(0.1, 1.6, 0.4));
    let half = DVec3::from_array(size.map(|n| (n as f64 - 1.0) / 2.0));
    Grid::new(size, DAffine3 { matrix3: shear, translation: -(shear * half) }).unwrap()
}

/// Thick sagittal slices.
fn anisotropic() -> Grid {
    let matrix3 = DMat3::from_cols(DVec3::NEG_Y * 0.8, DVec3::NEG_Z * 0.8, DVec3::NEG_X * 4.5);
    Grid::new([33, 31, 6], DAffine3 { matrix3, translation: -(matrix3 * DVec3::new(16.0, 15.0, 2.5)) }).unwrap()
}

/// Smooth hills with noise, so that every voxel matters.
fn reals(grid: &Grid, seed: u64) -> Vec<f64> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    (0..grid.count()).map(|i| 400.0 + 380.0 * (i as f64 * 0.11).sin() + random.random_range(-60.0..60.0)).collect()
}

/// A volume of each stored type that a scan commonly has, on the sheared grid, and what it is called.
fn stored() -> Vec<(String, Arc<Volume>)> {
    let grid = sheared([25, 21, 19]);
    let reals = reals(&grid, 1);
    let stored = |slope: f64, intercept: f64| reals.iter().map(move |r| ((r - intercept) / slope).round());
    let cases = [
        (1.0, -1024.0, Voxels::U16(stored(1.0, -1024.0).map(|v| v as u16).collect())),
        (0.02, 400.0, Voxels::I16(stored(0.02, 400.0).map(|v| v as i16).collect())),
        (-0.02, 400.0, Voxels::I16(stored(-0.02, 400.0).map(|v| v as i16).collect())),
        (4.0, 0.0, Voxels::U8(stored(4.0, 0.0).map(|v| v as u8).collect())),
        (8.0, 400.0, Voxels::I8(stored(8.0, 400.0).map(|v| v as i8).collect())),
        (0.001, 0.0, Voxels::I32(stored(0.001, 0.0).map(|v| v as i32).collect())),
        (2.0, 1.0, Voxels::F32(stored(2.0, 1.0).map(|v| v as f32).collect())),
        (1.0, 0.0, Voxels::F64(reals.clone())),
    ];
    cases
        .map(|(slope, intercept, voxels)| {
            let name = format!("{} with slope {slope}", voxels.type_name());
            (name, Volume { grid, voxels, rescale: Rescale { slope, intercept }, unit: Unit::Arbitrary }.into())
        })
        .into()
}

/// Two ways of drawing the same: on a device that is kept for all pictures of a test, and on the CPU.
struct Twins(Option<Screen>);

impl Twins {
    fn new() -> Self {
        Self(Screen::new(SIZE, 1.0))
    }

    /// Compares the pictures, and returns that of the CPU.
    fn agree(&mut self, volume: &Arc<Volume>, layers: &[Layer], view: &SliceView, what: &str) -> Picture {
        let cpu = render::slice(volume, layers, view, SIZE);
        if let Some(screen) = &mut self.0 {
            let gpu = finished(screen, &[slice(rect(0.0), 3, view.clone(), volume, layers)]);
            let differs = |(a, b): (&[u8; 4], &[u8; 4])| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > 1);
            let (gpu, cpu) = (gpu.rgba.as_chunks().0, cpu.rgba.as_chunks().0);
            let wrong = gpu.iter().zip(cpu).filter(|&pair| differs(pair)).count();
            let inside = cpu.iter().filter(|pixel| pixel[0] != 5).count();
            assert!(inside > gpu.len() / 4 && inside < gpu.len(), "{what}: {inside} pixels show the volume");
            assert!(wrong <= 10, "{what}: {wrong} pixels differ");
        }
        cpu
    }
}

#[test]
fn every_stored_type_looks_the_same_as_on_the_cpu() {
    let mut twins = Twins::new();
    for (name, volume) in stored() {
        for interpolation in Interpolation::ALL {
            let view = SliceView { interpolation, ..oblique() };
            twins.agree(&volume, &[], &view, &format!("{name}, {}", interpolation.name()));
        }
    }
}

#[test]
fn slabs_look_the_same_as_on_the_cpu_whichever_way_the_stored_numbers_go() {
    let mut twins = Twins::new();
    for (name, volume) in stored() {
        let brightness = SlabMode::ALL.map(|mode| {
            let slab = Slab { mode, thickness_mm: 7.0 };
            let view = SliceView { slab, ..oblique() };
            let picture = twins.agree(&volume, &[], &view, &format!("{name}, {}", mode.name()));
            picture.rgba.iter().map(|&v| u64::from(v)).sum::<u64>()
        });
        assert!(brightness[2] < brightness[0] && brightness[0] < brightness[1], "{name}: {brightness:?}");
    }
}

#[test]
fn slabs_are_interpolated_as_planes_are_and_live_on_any_grid() {
    let mut twins = Twins::new();
    let grid = anisotropic();
    let volume: Arc<Volume> = Volume {
        grid,
        voxels: Voxels::I16(reals(&grid, 2).iter().map(|&r| r as i16).collect()),
        rescale: Rescale::NONE,
        unit: Unit::Arbitrary,
    }
    .into();
    for interpolation in Interpolation::ALL {
        for (mode, thickness_mm) in [(SlabMode::Mean, 0.0), (SlabMode::Mean, 3.0), (SlabMode::Max, 200.0)] {
            let view = SliceView { interpolation, slab: Slab { mode, thickness_mm }, ..oblique() };
            twins.agree(&volume, &[], &view, &format!("{} of {thickness_mm} mm", interpolation.name()));
        }
    }
}

#[test]
fn every_function_of_a_window_gives_the_same_greys_as_on_the_cpu() {
    let mut twins = Twins::new();
    let table = |entries: usize| {
        let hills = (0..entries).map(|i| 0.5 + 0.5 * (i as f32 * 9.0 / entries as f32).sin());
        VoiFunction::Table(VoiTable::new(hills.collect()).unwrap())
    };
    // The longest is spread over several rows of its texture.
    let functions =
        [VoiFunction::Linear, VoiFunction::LinearExact, VoiFunction::Sigmoid, table(1), table(300), table(5000)];
    let volumes = stored();
    for (name, volume) in [&volumes[0], &volumes[2], &volumes[6]] {
        for function in &functions {
            for inverted in [false, true] {
                let window = Window { centre: 410.0, width: 700.0, function: function.clone(), inverted };
                let view = SliceView { window, ..oblique() };
                twins.agree(volume, &[], &view, &format!("{name}, {}, inverted {inverted}", function.name()));
            }
        }
    }
}

#[test]
fn sixteen_bits_far_from_zero_keep_their_single_units_in_a_narrow_window() {
    let grid = sheared([25, 21, 19]);
    let voxels = Voxels::U16((0..grid.count()).map(|i| 65_000 + (i % 8) as u16).collect());
    let volume = Volume { grid, voxels, rescale: Rescale::NONE, unit: Unit::Arbitrary };
    let window = Window::linear(65_003.0, 9.0);
    let view = SliceView { window, interpolation: Interpolation::Nearest, ..oblique() };
    Twins::new().agree(&volume.into(), &[], &view, "narrow window");
}

/// A map from -1 to 1.2 on a grid of its own.
fn map(centre_mm: DVec3, unit: Unit) -> Arc<Volume> {
    let grid = Grid::centred([11, 12, 13], 1.7, centre_mm);
    let mut random = ChaCha8Rng::seed_from_u64(7);
    let mut values: Vec<f32> = (0..grid.count()).map(|_| random.random_range(-1.0..1.2)).collect();
    values[700] = f32::NAN;
    Volume::from_f32(grid, values, unit).into()
}

#[test]
fn layers_on_other_grids_lie_where_the_cpu_puts_them_in_their_colours() {
    let scan = Volume::from_f32(sheared([25, 21, 19]), vec![300.0; 25 * 21 * 19], Unit::Arbitrary).into();
    let volume = map(DVec3::new(4.0, 0.0, -3.0), Unit::Score);
    let mut twins = Twins::new();
    for colours in ColourMap::ALL {
        for (threshold, by_value) in [(0.35, false), (0.0, true)] {
            let overlay = Overlay {
                colours,
                opacity: 0.55,
                by_value,
                threshold,
                low: -0.2,
                high: 1.0,
                inverted: by_value,
                outline: false,
            };
            let layers = [Layer { volume: Arc::clone(&volume), overlay }];
            for slab in [Slab::default(), Slab { mode: SlabMode::Mean, thickness_mm: 4.0 }] {
                let what = format!("{}, {threshold}, {} mm", colours.name(), slab.thickness_mm);
                twins.agree(&scan, &layers, &SliceView { slab, ..oblique() }, &what);
            }
        }
    }
}

#[test]
fn many_layers_lie_over_each_other_in_their_order() {
    let volumes = stored();
    let overlay = Overlay { opacity: 0.5, threshold: 0.1, low: 0.0, high: 1.0, ..Overlay::default() };
    let layer = |x: f64, colours, unit| {
        let volume = map(DVec3::new(x, 0.0, 2.0 * x), unit);
        Layer { volume, overlay: Overlay { colours, ..overlay } }
    };
    // The other series of the patient, a map, a map with signs, class numbers, and another map on top.
    let second = Overlay { colours: ColourMap::Grey, threshold: 100.0, low: 0.0, high: 900.0, opacity: 0.4, ..overlay };
    let mut layers = vec![
        Layer { volume: Arc::clone(&volumes[1].1), overlay: second },
        layer(3.0, ColourMap::Inferno, Unit::Score),
        layer(-1.0, ColourMap::Diverging, Unit::Score),
        layer(0.0, ColourMap::Viridis, Unit::Label),
        layer(-4.0, ColourMap::Magma, Unit::Score),
    ];
    let mut twins = Twins::new();
    let inverted = Overlay { inverted: true, ..second };
    let turned = [Layer { overlay: inverted, ..layers[0].clone() }];
    twins.agree(&volumes[0].1, &turned, &oblique(), "a second scan with its greys turned over");
    let up = twins.agree(&volumes[0].1, &layers, &oblique(), "five layers");
    let slab = Slab { mode: SlabMode::Min, thickness_mm: 3.0 };
    twins.agree(&volumes[0].1, &layers, &SliceView { slab, ..oblique() }, "five layers through a slab");
    layers.reverse();
    assert_ne!(up, twins.agree(&volumes[0].1, &layers, &oblique(), "in the other order"));
}

/// Which columns and rows are bright.
fn bright(picture: &Picture) -> Vec<[usize; 2]> {
    let places = (0..SIZE[0] * SIZE[1]).map(|p| [p % SIZE[0], p / SIZE[0]]);
    places.filter(|&[x, y]| picture.pixel(x, y).unwrap()[..3].iter().any(|&v| v > 200)).collect()
}

#[test]
fn patient_right_and_left_are_where_the_convention_puts_them_for_planes_slabs_and_layers() {
    let grid = Grid::centred([32, 32, 32], 2.0, DVec3::ZERO);
    let spot = |value: f32| {
        let mut values = vec![0.0; grid.count()];
        values[grid.index([26, 16, 16])] = value;
        Arc::new(Volume::from_f32(grid, values, Unit::Arbitrary))
    };
    assert!(grid.world_from_voxel.transform_point3(DVec3::new(26.0, 16.0, 16.0)).x > 20.0, "patient right");
    let (scan, dark) = (spot(100.0), spot(0.0));
    let overlay = Overlay { opacity: 1.0, threshold: 50.0, low: 0.0, high: 100.0, ..Overlay::default() };
    let layers = [Layer { volume: Arc::clone(&scan), overlay }];
    let mut screen = Screen::new(SIZE, 1.0);
    let cases = [(&scan, &[][..]), (&dark, &layers[..])];
    for (convention, is_left) in [(Convention::Radiological, true), (Convention::Neurological, false)] {
        let frame = Frame { convention, ..Frame::default() };
        for (plane, interpolation, (volume, layers)) in [Plane::Axial, Plane::Coronal]
            .into_iter()
            .flat_map(|plane| Interpolation::ALL.map(|interpolation| (plane, interpolation)))
            .flat_map(|(plane, interpolation)| cases.map(|case| (plane, interpolation, case)))
        {
            for thickness_mm in [0.0, 12.0] {
                let camera = PlaneCamera { centre_mm: DVec3::ZERO, mm_per_point: 1.0 };
                let size = DVec2::new(SIZE[0] as f64, SIZE[1] as f64);
                let world_from_pane = camera.world_from_pane(&frame, plane, size, DVec3::splat(1.0));
                let slab = Slab { mode: SlabMode::Max, thickness_mm };
                let view = SliceView { world_from_pane, window: Window::between(0.0, 60.0), interpolation, slab };
                let shape = slice(rect(0.0), 0, view.clone(), volume, layers);
                let on_screen = screen.as_mut().map(|screen| screen.draw(vec![shape]));
                for picture in on_screen.into_iter().chain([render::slice(volume, layers, &view, SIZE)]) {
                    let bright = bright(&picture);
                    let right_side = |x: usize| if is_left { x < SIZE[0] / 2 - 15 } else { x > SIZE[0] / 2 + 15 };
                    assert!(!bright.is_empty() && bright.iter().all(|&[x, _]| right_side(x)), "{plane:?}: {bright:?}");
                }
            }
        }
    }
}

#[test]
fn panes_side_by_side_show_their_own_slices_at_any_scale() {
    let grid = sheared([25, 21, 19]);
    let values = reals(&grid, 3).iter().map(|&r| r as f32).collect();
    let volume: Arc<Volume> = Volume::from_f32(grid, values, Unit::Arbitrary).into();
    let views = [0.0, 2.0, 4.0].map(|deeper| {
        let mut view = oblique();
        view.world_from_pane.translation += view.world_from_pane.matrix3.z_axis * deeper;
        view
    });
    let shape = |pane: usize| slice(rect((pane * SIZE[0]) as f32), pane, views[pane].clone(), &volume, &[]);
    let Some(picture) = testing::draw([3 * SIZE[0], SIZE[1]], 2.0, (0..3).map(shape).collect()) else { return };
    for (pane, view) in views.iter().enumerate() {
        // The CPU's points are pixels; there are four to each point of the window.
        let half = DAffine3::from_scale(DVec3::new(0.5, 0.5, 1.0));
        let fine = SliceView { world_from_pane: view.world_from_pane * half, ..view.clone() };
        let size = SIZE.map(|n| 2 * n);
        let cpu = render::slice(&volume, &[], &fine, size);
        let differs = |p: &usize| {
            let (x, y) = (p % size[0], p / size[0]);
            picture.pixel(pane * size[0] + x, y).unwrap()[0].abs_diff(cpu.pixel(x, y).unwrap()[0]) > 1
        };
        let wrong = (0..size[0] * size[1]).filter(differs).count();
        assert!(wrong <= 10, "pane {pane}: {wrong} pixels differ");
    }
}

#[test]
fn a_pane_that_is_partly_outside_the_window_or_between_pixels_shows_what_it_would() {
    let (_, volume) = stored().swap_remove(1);
    let Some(mut screen) = Screen::new(SIZE, 1.0) else { return };
    for corner in [vec2(-20.0, -9.0), vec2(30.0, 20.0), vec2(0.4, -0.3)] {
        let shape = slice(rect(0.0).translate(corner), 1, oblique(), &volume, &[]);
        let gpu = screen.draw(vec![shape]);
        let moved = DAffine3::from_translation(DVec3::new(f64::from(-corner.x), f64::from(-corner.y), 0.0));
        let view = SliceView { world_from_pane: oblique().world_from_pane * moved, ..oblique() };
        let cpu = render::slice(&volume, &[], &view, SIZE);
        let covered = |&[x, y]: &[usize; 2]| rect(0.0).translate(corner).shrink(1.0).contains(pos2(x as f32, y as f32));
        let places = (0..SIZE[0] * SIZE[1]).map(|p| [p % SIZE[0], p / SIZE[0]]).filter(covered);
        let differs = |&[x, y]: &[usize; 2]| gpu.pixel(x, y).unwrap()[0].abs_diff(cpu.pixel(x, y).unwrap()[0]) > 1;
        let wrong = places.filter(differs).count();
        assert!(wrong <= 10, "{corner}: {wrong} pixels differ");
    }
}

#[test]
fn a_picture_follows_what_it_shows_and_keeps_no_volume_alive() {
    let Some(mut screen) = Screen::new(SIZE, 1.0) else { return };
    let mut volumes = stored();
    let (_, volume) = volumes.swap_remove(6);
    let (_, other) = volumes.swap_remove(3);
    let shape = |volume: &Arc<Volume>, view: SliceView| -> Vec<Shape> { vec![slice(rect(0.0), 0, view, volume, &[])] };
    let first = screen.draw(shape(&volume, oblique()));
    let window = Window { inverted: true, ..oblique().window };
    assert_ne!(first, screen.draw(shape(&volume, SliceView { window, ..oblique() })));
    assert_ne!(first, screen.draw(shape(&other, oblique())));
    assert_eq!(first, screen.draw(shape(&volume, oblique())));
    screen.draw(Vec::new());
    let gone = Arc::downgrade(&volume);
    drop(volume);
    screen.draw(shape(&other, oblique()));
    assert_eq!(gone.strong_count(), 0);
}

#[test]
fn what_takes_long_is_drawn_coarsely_while_it_moves_and_in_bands_at_rest() {
    let Some(mut screen) = Screen::new(SIZE, 1.0) else { return };
    let hurry = |resources: &mut Resources| resources.loads_per_frame = 40_000.0;
    screen.render_state.renderer.write().callback_resources.get_mut().map(hurry).unwrap();
    let (_, volume) = stored().swap_remove(1);
    // Four samples of eight voxels for each of 6912 pixels: 5.5 times as many as a frame may load.
    let slab = Slab { mode: SlabMode::Mean, thickness_mm: 3.2 };
    let view = SliceView { slab, ..oblique() };
    let moving = |view: &SliceView| {
        super::slice(&Context::default(), rect(0.0), 0, true, view.clone(), Arc::clone(&volume), Vec::new())
    };
    let still = slice(rect(0.0), 0, view.clone(), &volume, &[]);
    let coarse = screen.draw(vec![moving(&view)]);
    assert_eq!(coarse, screen.draw(vec![moving(&view)]), "nothing is drawn further while the view moves");
    let frames = (1..30).find(|_| screen.draw(vec![still.clone()]) != coarse).unwrap();
    assert!((4..9).contains(&frames), "after {frames} frames");
    let fine = screen.draw(vec![still]);
    let apart = |a: &Picture, b: &Picture| {
        a.rgba.iter().zip(&b.rgba).map(|(a, b)| u64::from(a.abs_diff(*b))).sum::<u64>() as f64 / a.rgba.len() as f64
    };
    let cpu = render::slice(&volume, &[], &view, SIZE);
    assert!(apart(&fine, &cpu) < 0.5 && apart(&coarse, &cpu) > 1.0 && apart(&coarse, &cpu) < 20.0);
    // What is finished stays so when nothing but the pointer moves.
    assert_eq!(fine, screen.draw(vec![moving(&view)]));
}

#[test]
fn a_volume_that_is_too_large_for_the_device_is_drawn_reduced_in_its_place_and_a_note_says_so() {
    let Some(mut screen) = Screen::new(SIZE, 1.0) else { return };
    let pretend = |resources: &mut Resources| resources.volumes = Volumes::new(16);
    screen.render_state.renderer.write().callback_resources.get_mut().map(pretend).unwrap();
    // A ramp looks the same with every second voxel of it.
    let grid = sheared([31, 27, 15]);
    let ramp = (0..grid.count()).map(|n| (20 * (n % 31) + 12 * (n / 31 % 27) + 9 * (n / (31 * 27))) as i16).collect();
    let volume: Arc<Volume> =
        Volume { grid, voxels: Voxels::I16(ramp), rescale: Rescale::NONE, unit: Unit::Arbitrary }.into();
    let gpu = screen.draw(vec![slice(rect(0.0), 0, oblique(), &volume, &[])]);
    let cpu = render::slice(&volume, &[], &oblique(), SIZE);
    let apart = gpu.rgba.iter().zip(&cpu.rgba).filter(|(a, b)| a.abs_diff(**b) > 1).count();
    assert!(bright(&cpu).len() > 300 && apart < 80, "{apart} values differ");
    let note = "the graphics device is too small for this volume: every 2. × 2. × 1. voxel is drawn";
    assert_eq!((notes(&screen.render_state), notes(&screen.render_state)), (vec![note.to_owned()], Vec::new()));

    // Put there before it is drawn, it is not uploaded again.
    let small: Arc<Volume> = Volume::from_f32(sheared([9, 9, 9]), vec![500.0; 729], Unit::Arbitrary).into();
    let uploader = Uploader::default();
    uploader.draw_on(&screen.render_state);
    uploader.upload(&small);
    let textures = |screen: &Screen| {
        let renderer = screen.render_state.renderer.read();
        let resources: &Resources = renderer.callback_resources.get().unwrap();
        resources.volumes.find(&small).cloned().flatten().unwrap()
    };
    let before = textures(&screen);
    screen.draw(vec![slice(rect(0.0), 0, oblique(), &small, &[])]);
    assert!(Arc::ptr_eq(&before, &textures(&screen)));
}
