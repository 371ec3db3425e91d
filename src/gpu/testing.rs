//! Draws shapes as the window would, without a window: through egui's own renderer, on a software adapter if any.

use super::device::ready;
use super::{install, set_map, set_scan};
use crate::view::Picture;
use crate::volume::Volume;
use eframe::egui_wgpu::{RenderState, RendererOptions, WgpuSetup};
use egui::{LayerId, Shape, vec2};
use egui_kittest::Harness;
use egui_kittest::wgpu::{WgpuTestRenderer, create_render_state, default_wgpu_setup};

/// What is on the GPU and how large the window is, in points.
pub(super) struct Scene<'a> {
    pub(super) scan: Option<&'a Volume>,
    pub(super) map: Option<&'a Volume>,
    pub(super) size: [usize; 2],
    pub(super) pixels_per_point: f32,
}

/// A device, or none, with a line on the terminal, where this machine has no adapter.
pub(super) fn render_state(setup: WgpuSetup) -> Option<RenderState> {
    let instance = ready(setup.new_instance())?;
    if ready(instance.enumerate_adapters(wgpu::Backends::all())).is_none_or(|adapters| adapters.is_empty()) {
        println!("skipped: this machine has no graphics adapter");
        return None;
    }
    Some(create_render_state(setup, RendererOptions::PREDICTABLE))
}

/// The window with the shapes in it, or none where there is no adapter.
pub(super) fn draw(scene: &Scene<'_>, shapes: Vec<Shape>) -> Option<Picture> {
    let render_state = render_state(default_wgpu_setup())?;
    install(&render_state);
    assert_eq!(set_scan(&render_state, scene.scan), None);
    assert_eq!(set_map(&render_state, scene.map), None);
    let mut harness = Harness::builder()
        .with_size(vec2(scene.size[0] as f32, scene.size[1] as f32))
        .with_pixels_per_point(scene.pixels_per_point)
        .with_render_cursor(false)
        .renderer(WgpuTestRenderer::from_render_state(render_state))
        .build_ui(move |ui| {
            ui.ctx().layer_painter(LayerId::background()).extend(shapes.clone());
        });
    harness.run_steps(1);
    let image = harness.render().unwrap();
    Some(Picture { size: [image.width() as usize, image.height() as usize], rgba: image.into_raw() })
}
