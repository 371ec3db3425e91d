//! Analytic scenes on the software adapter: shapes with known projections, drawn from known directions.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::gpu::testing;
use crate::space::{BoxMm, Grid};
use crate::view::{ColourMap, Contrast, Cut, OrbitCamera, Overlay, Preset, Rendering, Stop, Transfer};
use crate::volume::{Unit, Volume};
use egui::{Pos2, vec2};
use glam::{DAffine3, DQuat, DVec3};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const SIZE: [usize; 2] = [160, 120];
const MM: f64 = 0.5;

/// White from half of the range on, and nearly opaque.
const OPAQUE: &[Stop] =
    &[Stop { at: 0.499, colour: [255; 3], opacity: 0.0 }, Stop { at: 0.501, colour: [255; 3], opacity: 0.999 }];
/// The same, but so clear that one sees through.
const GLASS: &[Stop] =
    &[Stop { at: 0.499, colour: [255; 3], opacity: 0.0 }, Stop { at: 0.501, colour: [255; 3], opacity: 0.05 }];
const SURFACE: Rendering = Rendering::Surface { level: 50.0, range: [0.0, 100.0] };
const MIP: Rendering = Rendering::Mip { range: [0.0, 100.0] };

fn composite(stops: &'static [Stop]) -> Rendering {
    Rendering::Composite(Transfer { range: [0.0, 100.0], stops })
}

/// A volume of 100 inside a shape, with half a voxel of slope on both sides of its surface, so that its size means
/// something; `depth_mm` is the distance to the surface, positive inside.
fn solid(grid: Grid, depth_mm: impl Fn(DVec3) -> f64) -> Arc<Volume> {
    let value = |i| 100.0 * (depth_mm(grid.voxel_mm(i)) + 0.5).clamp(0.0, 1.0);
    Volume::from_f32(grid, (0..grid.count()).map(|i| value(i) as f32).collect(), Unit::Arbitrary).into()
}

fn grid() -> Grid {
    Grid::centred([64, 60, 56], 1.0, DVec3::ZERO)
}

fn ball(centre_mm: DVec3, radius_mm: f64) -> Arc<Volume> {
    solid(grid(), |p| radius_mm - p.distance(centre_mm))
}

fn brick(grid: Grid, centre_mm: DVec3, half_mm: DVec3) -> Arc<Volume> {
    solid(grid, |p| (half_mm - (p - centre_mm).abs()).min_element())
}

fn view(yaw: f64, pitch: f64, rendering: Rendering) -> RaycastView {
    let camera = OrbitCamera { yaw, pitch, centre_mm: DVec3::ZERO, mm_per_point: MM };
    RaycastView { camera, rendering, lit: false, cuts: Vec::new(), crop: None, step: 1.0 }
}

fn draw(scan: &Arc<Volume>, layers: &[Layer], view: RaycastView) -> Option<crate::view::Picture> {
    let rect = Rect::from_min_size(Pos2::ZERO, vec2(SIZE[0] as f32, SIZE[1] as f32));
    testing::draw(SIZE, 1.0, vec![raycast(&Context::default(), rect, view, Arc::clone(scan), layers.to_vec())])
}

/// The area of the pixels that are bright in mm², and their mean position in mm from the middle, right and down.
fn bright(picture: &crate::view::Picture) -> (f64, [f64; 2]) {
    let at = |p: usize| [p % SIZE[0], p / SIZE[0]];
    let is_bright = |p: &usize| picture.pixel(at(*p)[0], at(*p)[1]).unwrap()[0] > 60;
    let hits: Vec<usize> = (0..SIZE[0] * SIZE[1]).filter(is_bright).collect();
    let n = hits.len() as f64;
    let mean =
        |axis: usize| (hits.iter().map(|&p| at(p)[axis] as f64 + 0.5).sum::<f64>() / n - SIZE[axis] as f64 / 2.0) * MM;
    (n * MM * MM, [mean(0), mean(1)])
}

fn near(got: f64, expected: f64, share: f64, what: &str) {
    assert!((got / expected - 1.0).abs() < share, "{what}: {got} instead of {expected}");
}

#[test]
fn a_ball_is_a_disc_of_its_size_from_every_side_at_every_step_and_in_every_mode() {
    let scan = ball(DVec3::ZERO, 20.0);
    let expected = std::f64::consts::PI * 400.0;
    // Half of the largest value is where the ball ends.
    let maximum = Rendering::Mip { range: [40.0, 60.0] };
    for rendering in [composite(OPAQUE), SURFACE, maximum] {
        for (yaw, pitch, step) in [(0.0, 0.0, 1.0), (0.8, 0.4, 1.0), (-2.0, -1.0, 2.0)] {
            let Some(picture) = draw(&scan, &[], RaycastView { step, lit: true, ..view(yaw, pitch, rendering) }) else {
                return;
            };
            let (area, [x, y]) = bright(&picture);
            near(area, expected, 0.05, &format!("{rendering:?} at yaw {yaw}"));
            assert!(x.abs() < 0.5 && y.abs() < 0.5, "{x}, {y}");
        }
    }
}

#[test]
fn a_box_in_a_turned_grid_has_its_area_from_an_oblique_direction() {
    let turn = DAffine3::from_quat(DQuat::from_rotation_z(0.4) * DQuat::from_rotation_x(-0.3));
    // Small voxels, as they round the edges off.
    let fine = Grid::centred([72, 68, 64], 0.6, DVec3::ZERO);
    let turned = Grid { world_from_voxel: turn * fine.world_from_voxel, ..fine };
    let half = DVec3::new(14.0, 9.0, 7.0);
    let scan = brick(turned, DVec3::ZERO, half);
    let faces = 4.0 * DVec3::new(half.y * half.z, half.x * half.z, half.x * half.y);
    for rendering in [composite(OPAQUE), SURFACE] {
        let view = view(0.6, 0.35, rendering);
        let expected = faces.dot(view.camera.axes()[2].abs());
        let Some(picture) = draw(&scan, &[], view) else { return };
        near(bright(&picture).0, expected, 0.04, &format!("{rendering:?}"));
    }
}

#[test]
fn through_a_thin_shell_light_falls_with_the_way_through_it_so_that_its_rim_is_brighter() {
    let (outer, inner) = (22.0_f64, 18.0_f64);
    let scan = solid(grid(), |p| (outer - p.length()).min(p.length() - inner));
    let Some(glass) = draw(&scan, &[], view(0.3, 0.2, composite(GLASS))) else { return };
    let maximum = draw(&scan, &[], view(0.3, 0.2, MIP)).unwrap();
    for off in [0.0_f64, 8.0, 14.0, 17.0] {
        let chord = |radius: f64| 2.0 * (radius * radius - off * off).max(0.0).sqrt();
        let clear = 0.95_f64.powf(chord(outer) - chord(inner));
        let expected = 255.0 * (1.0 - clear + 0.02 * clear);
        let x = SIZE[0] / 2 + (off / MM) as usize;
        near(f64::from(glass.pixel(x, SIZE[1] / 2).unwrap()[0]), expected, 0.06, &format!("{off} mm off its middle"));
        assert!(maximum.pixel(x, SIZE[1] / 2).unwrap()[0] >= 253, "the maximum is the same everywhere");
    }
}

#[test]
fn a_maximum_is_that_of_the_voxels_behind_each_pixel() {
    let grid = grid();
    let mut random = ChaCha8Rng::seed_from_u64(5);
    // Mostly low, so that empty blocks are leapt over.
    let value =
        |random: &mut ChaCha8Rng| if random.random_range(0..500) == 0 { random.random_range(0.0..100.0) } else { 2.0 };
    let values: Vec<f32> = (0..grid.count()).map(|_| value(&mut random)).collect();
    let scan = Volume::from_f32(grid, values.clone(), Unit::Arbitrary).into();
    // One pixel is one voxel: seen from the front, columns run to patient left and rows down.
    let camera = OrbitCamera { yaw: 0.0, pitch: 0.0, centre_mm: DVec3::ZERO, mm_per_point: 1.0 };
    let Some(picture) = draw(&scan, &[], RaycastView { camera, ..view(0.0, 0.0, MIP) }) else { return };
    for (i, k) in (0..64).flat_map(|i| (0..56).map(move |k| (i, k))) {
        let largest = (0..60).map(|j| values[grid.index([i, j, k])]).fold(0.0, f32::max);
        let pixel = picture.pixel(SIZE[0] / 2 + 31 - i, SIZE[1] / 2 + 27 - k).unwrap()[0];
        assert!((f32::from(pixel) - 2.55 * largest).abs() < 1.6, "voxel {i}, {k}: {pixel} for {largest}");
    }
}

#[test]
fn patient_left_is_on_the_right_from_the_front_and_on_the_left_from_behind_and_the_head_is_up() {
    let scan = ball(DVec3::new(-15.0, 0.0, 12.0), 6.0);
    for rendering in [composite(OPAQUE), SURFACE, MIP] {
        let Some(front) = draw(&scan, &[], view(0.0, 0.0, rendering)) else { return };
        let (_, [x, y]) = bright(&front);
        assert!((x - 15.0).abs() < 0.7 && (y + 12.0).abs() < 0.7, "{x}, {y}");
        let (_, [x, y]) = bright(&draw(&scan, &[], view(std::f64::consts::PI, 0.0, rendering)).unwrap());
        assert!((x + 15.0).abs() < 0.7 && (y + 12.0).abs() < 0.7, "from behind: {x}, {y}");
    }
}

#[test]
fn a_cut_removes_exactly_its_half_and_that_of_the_patients_right_leaves_the_left() {
    let scan = ball(DVec3::ZERO, 20.0);
    let half = std::f64::consts::PI * 200.0;
    for rendering in [composite(OPAQUE), SURFACE, MIP] {
        let cut = |normal: DVec3| {
            let cuts = vec![Cut { normal, at_mm: DVec3::ZERO }];
            draw(&scan, &[], RaycastView { cuts, ..view(0.0, 0.0, rendering) }).map(|picture| bright(&picture))
        };
        let Some((area, [x, _])) = cut(DVec3::X) else { return };
        near(area, half, 0.05, "without the right");
        // The centre of a half disc is 4 r / 3 pi from the middle; patient left is right of it.
        assert!((x - 8.49).abs() < 0.5, "{x}");
        let (area, [x, _]) = cut(DVec3::NEG_X).unwrap();
        near(area, half, 0.05, "without the left");
        assert!((x + 8.49).abs() < 0.5, "{x}");
        // Oblique, seen along the plane: what is up and to the right goes, what is down and to the left stays.
        let (area, [x, y]) = cut(DVec3::new(-1.0, 0.0, 1.0).normalize()).unwrap();
        near(area, half, 0.05, "oblique");
        assert!((x + 6.0).abs() < 0.5 && (y - 6.0).abs() < 0.5, "{x}, {y}");
    }
}

#[test]
fn a_surface_that_is_cut_open_shows_the_greys_of_the_scan_as_far_as_the_cut_reaches() {
    let scan = ball(DVec3::ZERO, 20.0);
    let cuts = vec![Cut { normal: DVec3::Y, at_mm: DVec3::new(0.0, 12.0, 0.0) }];
    let rendering = Rendering::Surface { level: 50.0, range: [0.0, 400.0] };
    let Some(picture) = draw(&scan, &[], RaycastView { cuts, ..view(0.0, 0.0, rendering) }) else { return };
    // From the grey of 50 of 400 to that of 100; the surface around it is brighter.
    let greys = (0..SIZE[0] * SIZE[1]).filter(|p| (31..67).contains(&picture.rgba[4 * p])).count();
    near(greys as f64 * MM * MM, std::f64::consts::PI * (400.0 - 144.0), 0.06, "the cut");
}

#[test]
fn outside_of_the_crop_box_there_is_nothing() {
    let scan = ball(DVec3::ZERO, 24.0);
    let crop = Some(BoxMm { min: DVec3::new(-8.0, -50.0, -3.0), max: DVec3::new(12.0, 50.0, 9.0) });
    for rendering in [composite(OPAQUE), SURFACE, MIP] {
        let Some(picture) = draw(&scan, &[], RaycastView { crop, ..view(0.0, 0.0, rendering) }) else { return };
        let (area, [x, y]) = bright(&picture);
        near(area, 20.0 * 12.0, 0.04, "the window of the box");
        assert!((x + 2.0).abs() < 0.3 && (y + 3.0).abs() < 0.3, "{x}, {y}");
    }
}

#[test]
fn the_lining_of_a_cavity_is_seen_through_the_tissue_around_it() {
    let air = solid(grid(), |p| 15.0 - p.length());
    let hounsfield = air.to_f32().iter().map(|v| 40.0 - 10.4 * v).collect();
    let scan = Volume::from_f32(grid(), hounsfield, Unit::Hounsfield).into();
    let contrast = Contrast { hounsfield: true, range: [-1000.0, 40.0] };
    let transfer = Transfer { range: Preset::Lining.range(&contrast), stops: Preset::Lining.stops() };
    for step in [1.0, 2.0] {
        let view = RaycastView { step, lit: true, ..view(0.4, 0.2, Rendering::Composite(transfer)) };
        let Some(picture) = draw(&scan, &[], view) else { return };
        near(bright(&picture).0, std::f64::consts::PI * 225.0, 0.06, &format!("step {step}"));
        assert!(picture.pixel(80, 60).unwrap()[0] > 100, "no holes");
    }
}

/// A brick that is visible in the map all over.
fn map(centre_mm: DVec3, overlay: Overlay) -> Layer {
    let volume = brick(grid(), centre_mm, DVec3::new(10.0, 4.0, 10.0));
    Layer { volume, overlay: Overlay { threshold: 30.0, low: 30.0, high: 120.0, opacity: 1.0, ..overlay } }
}

#[test]
fn a_map_hides_what_is_behind_it_and_tissue_in_front_dims_it_to_a_floor() {
    let air: Arc<Volume> = Volume::from_f32(grid(), vec![0.0; grid().count()], Unit::Arbitrary).into();
    let wall = brick(grid(), DVec3::new(0.0, 8.0, 0.0), DVec3::new(20.0, 3.0, 20.0));
    let layers = [map(DVec3::new(0.0, -6.0, 0.0), Overlay::default())];
    let middle = |scan: &Arc<Volume>, layers: &[Layer], view: RaycastView| {
        draw(scan, layers, view).map(|picture| picture.pixel(80, 60).unwrap())
    };
    for rendering in [composite(OPAQUE), SURFACE] {
        let (front, back) = (view(0.0, 0.0, rendering), view(std::f64::consts::PI, 0.0, rendering));
        let Some(alone) = middle(&air, &layers, front.clone()) else { return };
        assert!(alone[0] > alone[2].saturating_add(80), "inferno: {alone:?}");
        let wall_alone = middle(&wall, &[], front.clone()).unwrap();
        let covered = middle(&wall, &layers, front.clone()).unwrap();
        for channel in 0..3 {
            let expected = 0.62 * f64::from(alone[channel]) + 0.38 * f64::from(wall_alone[channel]);
            assert!((f64::from(covered[channel]) - expected).abs() < 4.0, "{rendering:?}: {covered:?} for {expected}");
        }
        let before = middle(&wall, &layers, back).unwrap();
        assert!((0..3).all(|channel| before[channel].abs_diff(alone[channel]) < 3), "{before:?} and {alone:?}");
        // Once the wall is cut away, the map is as it is alone.
        let cuts = vec![Cut { normal: DVec3::Y, at_mm: DVec3::new(0.0, 2.0, 0.0) }];
        let cut = middle(&wall, &layers, RaycastView { cuts, ..front }).unwrap();
        assert!((0..3).all(|channel| cut[channel].abs_diff(alone[channel]) < 3), "{cut:?} and {alone:?}");
    }
}

#[test]
fn of_several_maps_the_nearest_is_in_front_whatever_their_order() {
    let air: Arc<Volume> = Volume::from_f32(grid(), vec![0.0; grid().count()], Unit::Arbitrary).into();
    let of = |y: f64, colours| map(DVec3::new(0.0, y, 0.0), Overlay { colours, ..Overlay::default() });
    let (near, far) = (of(12.0, ColourMap::Inferno), of(-12.0, ColourMap::Viridis));
    let middle = |layers: &[Layer], yaw: f64| {
        draw(&air, layers, view(yaw, 0.0, MIP)).map(|picture| picture.pixel(80, 60).unwrap())
    };
    let Some(front) = middle(std::slice::from_ref(&near), 0.0) else { return };
    let back = middle(std::slice::from_ref(&far), std::f64::consts::PI).unwrap();
    for layers in [[near.clone(), far.clone()], [far, near]] {
        assert_eq!(middle(&layers, 0.0), Some(front));
        assert_eq!(middle(&layers, std::f64::consts::PI), Some(back));
    }
}

#[test]
fn a_map_lies_where_it_belongs_and_can_be_left_out() {
    let scan = ball(DVec3::ZERO, 24.0);
    let centre_mm = DVec3::new(-10.0, 0.0, 6.0);
    let map_grid = Grid::centred([30, 30, 30], 1.0, centre_mm);
    let volume = solid(map_grid, |p| 5.0 - p.distance(centre_mm));
    let overlay = Overlay { opacity: 0.55, threshold: 40.0, low: 40.0, high: 100.0, ..Overlay::default() };
    let coloured = |picture: &crate::view::Picture| {
        let hits: Vec<_> = (0..SIZE[0] * SIZE[1])
            .filter(|p| picture.rgba[4 * p] > picture.rgba[4 * p + 2].saturating_add(25))
            .map(|p| [p % SIZE[0], p / SIZE[0]])
            .collect();
        let mean = |axis: usize| hits.iter().map(|at| at[axis] as f64 + 0.5).sum::<f64>() / hits.len() as f64;
        (hits.len() as f64 * MM * MM, [mean(0), mean(1)])
    };
    let Some(shown) = draw(&scan, &[Layer { volume, overlay }], view(0.0, 0.0, composite(OPAQUE))) else { return };
    let (area, [x, y]) = coloured(&shown);
    near(area, std::f64::consts::PI * 25.0, 0.2, "the map through the tissue");
    assert!((x - 100.0).abs() < 1.0 && (y - 48.0).abs() < 1.0, "patient left is right of the middle: {x}, {y}");
    let hidden = draw(&scan, &[], view(0.0, 0.0, composite(OPAQUE))).unwrap();
    assert_eq!(coloured(&hidden).0, 0.0);
}
