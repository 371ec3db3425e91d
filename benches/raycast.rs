//! Times of drawing the 3-D pane as it is in a window of 1280 × 800, until the graphics device is done with it: while it
//! turns at several steps, and standing still. On a machine without a graphics card this is the software adapter.
//!
//! The head is a file named by `ANTRUM_HEAD`, or a synthetic one.

#![allow(missing_docs, clippy::unwrap_used)]

use antrum::image::render::Layer;
use antrum::job::Progress;
use antrum::space::Grid;
use antrum::view::{Contrast, Mode, OrbitCamera, Overlay, Preset, RaycastView, Rendering, Transfer};
use antrum::volume::{Unit, Volume};
use antrum::{gpu, io, phantom};
use eframe::egui_wgpu::{RenderState, RendererOptions, ScreenDescriptor};
use egui::epaint::{ClippedPrimitive, Primitive};
use egui::{Rect, Shape, pos2, vec2};
use egui_kittest::wgpu::{create_render_state, default_wgpu_setup};
use glam::DVec3;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

const PANE: [u32; 2] = [600, 360];
const FRAMES: usize = 12;

fn main() {
    let scan = Arc::new(match std::env::var_os("ANTRUM_HEAD") {
        Some(path) => Volume::clone(&io::open(Path::new(&path), &Progress::default()).unwrap().volume),
        None => phantom::example(&Progress::default()).unwrap().image,
    });
    let statistics = scan.statistics();
    let hounsfield = scan.unit == Unit::Hounsfield;
    let range = if hounsfield { [-1000.0, 1500.0] } else { [0.0, 4.0 * statistics.mean.max(1.0)] };
    let contrast = Contrast { hounsfield, range };
    let map = Layer { volume: Arc::new(map(scan.grid.centre_mm())), overlay: Overlay::default() };

    let render_state = create_render_state(default_wgpu_setup(), RendererOptions::PREDICTABLE);
    println!("{}, {:?} voxels, pane of {PANE:?} pixels", gpu::adapter_summary(&render_state), scan.grid.size);
    assert!(gpu::install(&render_state), "the graphics memory is too small");
    let target = target(&render_state);
    let transfer =
        |preset: Preset| Rendering::Composite(Transfer { range: preset.range(&contrast), stops: preset.stops() });
    let presets = Preset::offered(&contrast).iter().map(|&preset| (preset.name(), transfer(preset)));
    let level = Preset::offered(&contrast)[0].level(&contrast);
    let others =
        [(Mode::Mip.name(), Rendering::Mip { range }), (Mode::Surface.name(), Rendering::Surface { level, range })];
    for (name, rendering) in presets.chain(others) {
        for (layers, step) in [(0, 3.0), (1, 3.0), (0, 2.0), (1, 2.0), (1, 1.0)] {
            let layers = vec![map.clone(); layers];
            let mut times: Vec<f64> = (0..FRAMES)
                .map(|frame| {
                    let yaw = 0.5 + 0.5 * frame as f64;
                    let mm_per_point = 0.7 * 350.0 / f64::from(PANE[1]);
                    let camera = OrbitCamera { yaw, pitch: 0.15, centre_mm: scan.grid.centre_mm(), mm_per_point };
                    let view = RaycastView { camera, rendering, lit: true, cuts: Vec::new(), crop: None, step };
                    let rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(PANE[0] as f32, PANE[1] as f32));
                    shown(
                        &render_state,
                        &target,
                        gpu::raycast(&egui::Context::default(), rect, view, Arc::clone(&scan), layers.clone()),
                    )
                })
                .collect();
            // The first frame compiles the program.
            times.remove(0);
            times.sort_by(f64::total_cmp);
            let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
            let maps = layers.len();
            println!("{name:14} {maps} maps, step {step}: median {median:6.1} ms, slowest {slowest:6.1} ms");
        }
    }
}

/// A map in the middle, as large as those around both sinuses.
fn map(centre_mm: DVec3) -> Volume {
    let grid = Grid::centred([100, 60, 60], 1.0, centre_mm);
    let values = (0..grid.count()).map(|i| (i as f32 * 0.01).sin().max(0.0)).collect();
    Volume::from_f32(grid, values, Unit::Score)
}

fn target(render_state: &RenderState) -> wgpu::TextureView {
    let texture = render_state.device.create_texture(&wgpu::TextureDescriptor {
        label: Some("window"),
        size: wgpu::Extent3d { width: PANE[0], height: PANE[1], depth_or_array_layers: 1 },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format: render_state.target_format,
        usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
        view_formats: &[],
    });
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

/// Draws a frame as the window does and returns how many milliseconds it took.
fn shown(render_state: &RenderState, target: &wgpu::TextureView, shape: Shape) -> f64 {
    let RenderState { device, queue, renderer, .. } = render_state;
    let clip_rect = Rect::from_min_size(pos2(0.0, 0.0), vec2(PANE[0] as f32, PANE[1] as f32));
    let Shape::Callback(callback) = shape else { return 0.0 };
    let primitives = [ClippedPrimitive { clip_rect, primitive: Primitive::Callback(callback) }];
    let screen = ScreenDescriptor { size_in_pixels: PANE, pixels_per_point: 1.0 };
    let begun = Instant::now();
    let mut renderer = renderer.write();
    let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
    let prepared = renderer.update_buffers(device, queue, &mut encoder, &primitives, &screen);
    let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
        color_attachments: &[Some(wgpu::RenderPassColorAttachment {
            view: target,
            depth_slice: None,
            resolve_target: None,
            ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
        })],
        ..Default::default()
    });
    renderer.render(&mut pass.forget_lifetime(), &primitives, &screen);
    queue.submit(prepared.into_iter().chain([encoder.finish()]));
    device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
    begun.elapsed().as_secs_f64() * 1e3
}
