//! Draws shapes as the window would, without a window: through egui's own renderer, on a software adapter if any.

use super::device::ready;
use super::{install, notes};
use crate::view::Picture;
use eframe::egui_wgpu::{RenderState, RendererOptions, WgpuSetup};
use egui::{LayerId, Shape, vec2};
use egui_kittest::Harness;
use egui_kittest::wgpu::{WgpuTestRenderer, create_render_state, default_wgpu_setup};

/// A device, or none, with a line on the terminal, where this machine has no adapter.
pub(super) fn render_state(setup: WgpuSetup) -> Option<RenderState> {
    let instance = ready(setup.new_instance())?;
    if ready(instance.enumerate_adapters(wgpu::Backends::all())).is_none_or(|adapters| adapters.is_empty()) {
        println!("skipped: this machine has no graphics adapter");
        return None;
    }
    Some(create_render_state(setup, RendererOptions::PREDICTABLE))
}

/// A window of `size` points with the shapes in it, or none where there is no adapter.
pub(super) fn draw(size: [usize; 2], pixels_per_point: f32, shapes: Vec<Shape>) -> Option<Picture> {
    let render_state = render_state(default_wgpu_setup())?;
    assert!(install(&render_state));
    let mut harness = Harness::builder()
        .with_size(vec2(size[0] as f32, size[1] as f32))
        .with_pixels_per_point(pixels_per_point)
        .with_render_cursor(false)
        .renderer(WgpuTestRenderer::from_render_state(render_state.clone()))
        .build_ui(move |ui| {
            ui.ctx().layer_painter(LayerId::background()).extend(shapes.clone());
        });
    harness.run_steps(1);
    let image = harness.render().unwrap();
    assert_eq!(notes(&render_state), Vec::<String>::new());
    Some(Picture { size: [image.width() as usize, image.height() as usize], rgba: image.into_raw() })
}
