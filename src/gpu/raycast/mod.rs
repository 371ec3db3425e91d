//! The 3-D view as a shape that egui can paint. The rays themselves are in `shaders/raycast.wgsl`.
//!
//! Rays are costly, so they are drawn into a picture beside the screen, and again only when the view, the size or the
//! volumes have changed. With a coarser step the picture is smaller as well. When only the step becomes finer, the
//! coarse picture stays on the screen while the fine one is drawn in bands, so that no frame takes long.

mod programs;
#[cfg(test)]
mod tests;
mod uniform;

pub(super) use programs::Programs;
#[cfg(test)]
pub(super) use uniform::RaycastUniform as TestedUniform;

use super::Resources;
use super::offscreen::Offscreen;
use super::volumes::Seen;
use crate::image::render::Layer;
use crate::view::{Overlay, RaycastView};
use crate::volume::Volume;
use eframe::egui_wgpu::{Callback, CallbackResources, CallbackTrait, ScreenDescriptor};
use egui::epaint::ViewportInPixels;
use egui::{Context, PaintCallbackInfo, Rect, Shape};
use glam::DVec2;
use programs::Variant;
use std::sync::Arc;
use uniform::{LAYERS, RaycastUniform};

/// The shape that draws `scan` in 3-D into `rect`, with at most [`RaycastView::MAPS`] `layers` in the same rays. At most one
/// per frame. More frames are asked for while a fine picture is not finished.
pub fn raycast(ctx: &Context, rect: Rect, view: RaycastView, scan: Arc<Volume>, layers: Vec<Layer>) -> Shape {
    Callback::new_paint_callback(rect, RaycastCallback { ctx: ctx.clone(), rect, view, scan, layers }).into()
}

/// What a picture shows; another one is drawn when this differs.
#[derive(Clone, PartialEq)]
struct Shown {
    view: RaycastView,
    size: [u32; 2],
    scan: Seen,
    layers: Vec<(Seen, Overlay)>,
}

impl Shown {
    /// Whether the other one shows the same with a finer step.
    fn is_coarser_than(&self, finer: &Self) -> bool {
        let same_step = RaycastView { step: self.view.step, ..finer.view.clone() };
        self.view.step > finer.view.step
            && self.view == same_step
            && self.scan == finer.scan
            && self.layers == finer.layers
    }
}

/// A picture, and how many of its rows are drawn.
struct Picture {
    shown: Shown,
    offscreen: Offscreen,
    rows: u32,
}

struct RaycastCallback {
    ctx: Context,
    rect: Rect,
    view: RaycastView,
    scan: Arc<Volume>,
    layers: Vec<Layer>,
}

impl RaycastCallback {
    /// What the pane shows; none where it is not on the screen.
    fn shown(&self, screen: &ScreenDescriptor) -> Option<Shown> {
        let viewport = ViewportInPixels::from_points(&self.rect, screen.pixels_per_point, screen.size_in_pixels);
        let extent = [viewport.width_px, viewport.height_px];
        // As many pixels as the pane has, or fewer with a coarse step.
        let size = extent.map(|n| (n as f32 / self.view.step.max(1.0)).ceil() as u32);
        (!size.contains(&0)).then(|| Shown {
            view: self.view.clone(),
            size,
            scan: Seen::new(&self.scan),
            layers: self.layers.iter().map(|layer| (Seen::new(&layer.volume), layer.overlay)).collect(),
        })
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
        let Some(Resources { raycast: programs, volumes, nothing, colour_tables, filtering, show, .. }) =
            resources.get_mut()
        else {
            return Vec::new();
        };
        let begun = programs.finer.take();
        let Some(shown) = self.shown(screen) else { return Vec::new() };
        if programs.picture.as_ref().is_some_and(|picture| picture.shown == shown) {
            return Vec::new();
        }
        let Some(scan) = volumes.get(device, queue, &self.scan) else {
            programs.picture = None;
            return Vec::new();
        };
        // A map that does not fit is left out, with its colours.
        let (maps, layers): (Vec<_>, Vec<_>) = (self.layers.iter())
            .filter_map(|layer| Some((volumes.get(device, queue, &layer.volume)?, layer)))
            .take(LAYERS)
            .unzip();
        let is_finer = programs.picture.as_ref().is_some_and(|picture| picture.shown.is_coarser_than(&shown));
        let mut picture = begun.filter(|begun| begun.shown == shown).unwrap_or_else(|| {
            let points = DVec2::new(f64::from(self.rect.width()), f64::from(self.rect.height()));
            let uniform = RaycastUniform::new(&self.view, points, shown.size, &scan, &maps, &layers);
            queue.write_buffer(&programs.uniform, 0, bytemuck::bytes_of(&uniform));
            programs.write_tables(device, queue, self.view.rendering, &scan, &maps, &layers);
            programs.bind(device, filtering, colour_tables, &scan, &maps, nothing);
            let free = if is_finer { None } else { programs.picture.take() };
            let offscreen = free.map(|picture| picture.offscreen).filter(|offscreen| offscreen.size == shown.size);
            let mut offscreen = offscreen.unwrap_or_else(|| Offscreen::new(device, show, shown.size));
            offscreen.is_enlarged = self.view.step > 1.0;
            Picture { shown, offscreen, rows: 0 }
        });

        let [width, height] = picture.offscreen.size;
        let end = height.min(picture.rows + height.div_ceil(if is_finer { programs.bands } else { 1 }));
        let first = wgpu::LoadOp::Clear(wgpu::Color::BLACK);
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("raycast"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &picture.offscreen.target,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations {
                    load: if picture.rows == 0 { first } else { wgpu::LoadOp::Load },
                    store: wgpu::StoreOp::Store,
                },
            })],
            ..Default::default()
        });
        let variant = Variant { mode: self.view.rendering.mode(), layers: maps.len(), lit: self.view.lit };
        pass.set_pipeline(programs.rays(device, variant));
        pass.set_bind_group(0, &programs.scene, &[]);
        pass.set_scissor_rect(0, picture.rows, width, end - picture.rows);
        pass.draw(0..3, 0..1);
        drop(pass);
        picture.rows = end;
        if end == height {
            programs.picture = Some(picture);
        } else {
            programs.finer = Some(picture);
            self.ctx.request_repaint();
        }
        Vec::new()
    }

    fn paint(&self, _: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        if let Some(resources) = resources.get::<Resources>()
            && let Some(picture) = &resources.raycast.picture
        {
            resources.show.draw(pass, &picture.offscreen);
        }
    }
}
