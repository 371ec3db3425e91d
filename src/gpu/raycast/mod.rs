//! The 3-D view as a shape that egui can paint. The rays themselves are in `shaders/raycast.wgsl`.
//!
//! Rays are costly, so they are drawn into an offscreen picture, and again only when the view, the size or the
//! volumes have changed; every frame then shows that picture. With a coarser step the picture is smaller as well.

mod programs;
#[cfg(test)]
mod tests;
mod uniform;

pub(super) use programs::Programs;
#[cfg(test)]
pub(super) use uniform::RaycastUniform as TestedUniform;

use super::Resources;
use crate::image::render::Layer;
use crate::view::RaycastView;
use crate::volume::Volume;
use eframe::egui_wgpu::{Callback, CallbackResources, CallbackTrait, ScreenDescriptor};
use egui::{PaintCallbackInfo, Rect, Shape};
use glam::DVec2;
use programs::{FORMAT, Variant};
use std::sync::Arc;
use uniform::{LAYERS, RaycastUniform, Screen};

/// The shape that draws `scan` in 3-D into `rect`, with the first three of `layers` in the same rays. At most one per
/// frame.
pub fn raycast(rect: Rect, view: RaycastView, scan: Arc<Volume>, layers: Vec<Layer>) -> Shape {
    Callback::new_paint_callback(rect, RaycastCallback { rect, view, scan, layers }).into()
}

/// What the offscreen picture shows; another one is drawn when this differs.
#[derive(Clone, PartialEq)]
struct Shown {
    view: RaycastView,
    size: [u32; 2],
    /// Only compared: the address of a scan that may be gone.
    scan: usize,
    layers: Vec<Layer>,
}

struct Picture {
    shown: Shown,
    target: wgpu::TextureView,
    group: wgpu::BindGroup,
}

struct RaycastCallback {
    rect: Rect,
    view: RaycastView,
    scan: Arc<Volume>,
    layers: Vec<Layer>,
}

impl RaycastCallback {
    fn screen(&self, pixels_per_point: f32, longest: u32) -> Screen {
        let size = [self.rect.width(), self.rect.height()];
        // Those of the pane, or fewer with a coarse step.
        let scale = pixels_per_point / self.view.step.max(1.0);
        Screen {
            origin: [self.rect.min.x, self.rect.min.y].map(|v| v * pixels_per_point),
            size: size.map(|v| v * pixels_per_point),
            points: DVec2::new(f64::from(size[0]), f64::from(size[1])),
            picture: size.map(|n| ((n * scale).ceil() as u32).clamp(1, longest)),
        }
    }
}

impl CallbackTrait for RaycastCallback {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let Some(Resources { raycast: programs, volumes, nothing, colour_tables, filtering, .. }) = resources.get_mut()
        else {
            return Vec::new();
        };
        let Some(scan) = volumes.get(device, queue, &self.scan) else {
            programs.scene = None;
            return Vec::new();
        };
        // A map that does not fit is left out, with its colours.
        let (maps, layers): (Vec<_>, Vec<_>) = (self.layers.iter())
            .filter_map(|layer| Some((volumes.get(device, queue, &layer.volume)?, layer.clone())))
            .take(LAYERS)
            .unzip();
        let screen = self.screen(screen.pixels_per_point, device.limits().max_texture_dimension_2d);
        let uniform = RaycastUniform::new(&self.view, &screen, &scan, &maps, &layers);
        // Written in any case: the pane may have moved on the screen.
        queue.write_buffer(&programs.uniform, 0, bytemuck::bytes_of(&uniform));

        let address = Arc::as_ptr(&self.scan) as usize;
        let shown = Shown { view: self.view.clone(), size: screen.picture, scan: address, layers };
        let last = programs.picture.take();
        if last.as_ref().is_some_and(|picture| picture.shown == shown) {
            programs.picture = last;
            return Vec::new();
        }
        programs.write_tables(device, queue, self.view.rendering, &scan, &maps, &shown.layers);
        programs.bind(device, filtering, colour_tables, &scan, &maps, nothing);
        let picture = match last {
            Some(picture) if picture.shown.size == shown.size => Picture { shown, ..picture },
            _ => Picture::new(device, &programs.picture_layout, shown),
        };
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("raycast"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &picture.target,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations::default(),
            })],
            ..Default::default()
        });
        let variant = Variant { mode: self.view.rendering.mode(), layers: maps.len(), lit: self.view.lit };
        pass.set_pipeline(programs.rays(device, variant));
        pass.set_bind_group(0, &programs.scene, &[]);
        pass.draw(0..3, 0..1);
        drop(pass);
        programs.picture = Some(picture);
        Vec::new()
    }

    fn paint(&self, _: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        if let Some(resources) = resources.get::<Resources>()
            && let Programs { show, scene: Some(scene), picture: Some(picture), .. } = &resources.raycast
        {
            pass.set_pipeline(show);
            pass.set_bind_group(0, scene, &[]);
            pass.set_bind_group(1, &picture.group, &[]);
            pass.draw(0..3, 0..1);
        }
    }
}

impl Picture {
    fn new(device: &wgpu::Device, layout: &wgpu::BindGroupLayout, shown: Shown) -> Self {
        let [width, height] = shown.size;
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("offscreen"),
            size: wgpu::Extent3d { width, height, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: FORMAT,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING,
            view_formats: &[],
        });
        let target = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let entries = [wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&target) }];
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("offscreen"),
            layout,
            entries: &entries,
        });
        Self { shown, target, group }
    }
}
