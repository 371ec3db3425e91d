//! Times of drawing planes at 1280 × 800 while every one of them moves, until the graphics device is done with the
//! frame. On a machine without a graphics card this is the software adapter.

#![allow(missing_docs, clippy::unwrap_used)]

mod window;

use antrum::gpu;
use antrum::image::render::Layer;
use antrum::space::{Grid, Plane};
use antrum::view::{Frame, Interpolation, Overlay, PlaneCamera, Slab, SlabMode, SliceView, Window};
use antrum::volume::{Rescale, Unit, Volume, Voxels};
use egui::{Rect, pos2, vec2};
use glam::{DAffine3, DMat3, DVec2, DVec3};
use std::sync::Arc;

const WINDOW: [u32; 2] = [1280, 800];
const FRAMES: usize = 60;

/// What is drawn in all three planes.
struct Scene {
    name: &'static str,
    layers: usize,
    interpolation: Interpolation,
    slab_mm: f64,
}

fn main() {
    let scene = |name, layers, interpolation, slab_mm| Scene { name, layers, interpolation, slab_mm };
    let scenes = [
        scene("linear", 0, Interpolation::Linear, 0.0),
        scene("linear, one overlay", 1, Interpolation::Linear, 0.0),
        scene("linear, four overlays", 4, Interpolation::Linear, 0.0),
        scene("nearest", 0, Interpolation::Nearest, 0.0),
        scene("cubic", 0, Interpolation::Cubic, 0.0),
        scene("slab of 10 mm", 0, Interpolation::Linear, 10.0),
        scene("slab of 50 mm", 0, Interpolation::Linear, 50.0),
        scene("cubic slab of 50 mm", 0, Interpolation::Cubic, 50.0),
    ];
    let ctx = egui::Context::default();
    let scan = Arc::new(head());
    let map = Arc::new(window::map(DVec3::ZERO));
    let screen = window::Window::new(WINDOW);
    println!("{}", screen.adapter());
    for scene in &scenes {
        let layer = Layer { volume: Arc::clone(&map), overlay: Overlay::default() };
        let layers = vec![layer; scene.layers];
        let draw = |frame: usize| {
            let cross_mm = scan.grid.centre_mm() + DVec3::splat(frame as f64 - FRAMES as f64 / 2.0);
            let shapes = Plane::ALL.into_iter().enumerate().map(|(pane, plane)| {
                let at = pos2(640.0 * (pane % 2) as f32, 400.0 * (pane / 2) as f32);
                let rect = Rect::from_min_size(at, vec2(640.0, 400.0));
                let view = view(scene, plane, &scan.grid, cross_mm);
                gpu::slice(&ctx, rect, pane, true, view, Arc::clone(&scan), layers.clone())
            });
            screen.draw(shapes.collect())
        };
        (0..5).map(draw).for_each(drop);
        let mut times: Vec<f64> = (0..FRAMES).map(|frame| draw(frame).as_secs_f64() * 1e3).collect();
        times.sort_by(f64::total_cmp);
        println!("{:24} median {:6.1} ms   p95 {:6.1} ms", scene.name, times[FRAMES / 2], times[FRAMES * 95 / 100]);
    }
}

/// A T1 of the usual size, stored in sagittal slices.
fn head() -> Volume {
    let matrix3 = DMat3::from_cols(DVec3::NEG_Y, DVec3::NEG_Z, DVec3::NEG_X);
    let size = [256, 256, 176];
    let half = DVec3::from_array(size.map(|n| (n as f64 - 1.0) / 2.0));
    let grid = Grid::new(size, DAffine3 { matrix3, translation: -(matrix3 * half) }).unwrap();
    let wave = |i: usize| ((i % 256) as f64 * 0.2).sin() * ((i / 256 % 256) as f64 * 0.1).cos();
    let voxels = Voxels::I16((0..grid.count()).map(|i| (400.0 + 300.0 * wave(i)) as i16).collect());
    Volume { grid, voxels, rescale: Rescale::NONE, unit: Unit::Arbitrary }
}

fn view(scene: &Scene, plane: Plane, grid: &Grid, cross_mm: DVec3) -> SliceView {
    let (frame, size) = (Frame::default(), DVec2::new(640.0, 400.0));
    let camera = PlaneCamera::fitting(&frame, plane, grid.bounds_mm(), size);
    SliceView {
        world_from_pane: camera.world_from_pane(&frame, plane, size, cross_mm),
        window: Window::between(0.0, 900.0),
        interpolation: scene.interpolation,
        slab: Slab { mode: SlabMode::Max, thickness_mm: scene.slab_mm },
    }
}
