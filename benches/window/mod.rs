//! A window without a screen, for the benchmarks that draw: a frame goes through egui's own renderer, and is timed until
//! the graphics device is done with it.

use antrum::gpu;
use antrum::space::Grid;
use antrum::volume::{Unit, Volume};
use eframe::egui_wgpu::{RenderState, RendererOptions, ScreenDescriptor};
use egui::epaint::{ClippedPrimitive, Primitive};
use egui::{Rect, Shape, pos2, vec2};
use egui_kittest::wgpu::{create_render_state, default_wgpu_setup};
use glam::DVec3;
use std::time::{Duration, Instant};

pub struct Window {
    render_state: RenderState,
    target: wgpu::TextureView,
    size: [u32; 2],
}

impl Window {
    /// A window of so many pixels, ready to draw scans.
    pub fn new(size: [u32; 2]) -> Self {
        let render_state = create_render_state(default_wgpu_setup(), RendererOptions::PREDICTABLE);
        assert!(gpu::install(&render_state), "the graphics memory is too small");
        let texture = render_state.device.create_texture(&wgpu::TextureDescriptor {
            label: Some("window"),
            size: wgpu::Extent3d { width: size[0], height: size[1], depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: render_state.target_format,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT,
            view_formats: &[],
        });
        let target = texture.create_view(&wgpu::TextureViewDescriptor::default());
        Self { render_state, target, size }
    }

    /// What draws, in one line.
    pub fn adapter(&self) -> String {
        gpu::adapter_summary(&self.render_state)
    }

    /// The whole window, in points of one pixel.
    pub fn rect(&self) -> Rect {
        Rect::from_min_size(pos2(0.0, 0.0), vec2(self.size[0] as f32, self.size[1] as f32))
    }

    /// Draws a frame as the window does and says how long it took.
    pub fn draw(&self, shapes: Vec<Shape>) -> Duration {
        let RenderState { device, queue, renderer, .. } = &self.render_state;
        let clip_rect = self.rect();
        let primitives: Vec<ClippedPrimitive> = shapes
            .into_iter()
            .filter_map(|shape| match shape {
                Shape::Callback(callback) => {
                    Some(ClippedPrimitive { clip_rect, primitive: Primitive::Callback(callback) })
                }
                _ => None,
            })
            .collect();
        let screen = ScreenDescriptor { size_in_pixels: self.size, pixels_per_point: 1.0 };
        let begun = Instant::now();
        let mut renderer = renderer.write();
        let mut encoder = device.create_command_encoder(&wgpu::CommandEncoderDescriptor::default());
        let prepared = renderer.update_buffers(device, queue, &mut encoder, &primitives, &screen);
        let pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &self.target,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations { load: wgpu::LoadOp::Clear(wgpu::Color::BLACK), store: wgpu::StoreOp::Store },
            })],
            ..Default::default()
        });
        renderer.render(&mut pass.forget_lifetime(), &primitives, &screen);
        queue.submit(prepared.into_iter().chain([encoder.finish()]));
        device.poll(wgpu::PollType::wait_indefinitely()).unwrap();
        begun.elapsed()
    }
}

/// A map there, as large as those around both sinuses.
pub fn map(centre_mm: DVec3) -> Volume {
    let grid = Grid::centred([100, 60, 60], 1.0, centre_mm);
    let values = (0..grid.count()).map(|i| (i as f32 * 0.01).sin().max(0.0)).collect();
    Volume::from_f32(grid, values, Unit::Score)
}
