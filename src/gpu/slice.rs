//! A slice as a shape that egui can paint. The drawing itself is in `shaders/slice.wgsl`.
//!
//! Each pane has a picture beside the screen that is drawn anew only when its view, its size or its volumes have
//! changed: first the scan, then each layer over it, each only where its volume lies. What would take long, such as a
//! thick slab, is drawn with fewer pixels first; at rest it stays on the screen while all pixels are drawn in bands, so
//! that no frame takes long.

use super::offscreen::{self, Offscreen};
use super::programs::{Picture, Variant};
use super::textures::GpuVolume;
use super::volumes::Seen;
use super::{Affine, OverlayUniform, PANES, Resources};
use crate::image::render::{BACKGROUND, Layer, Through};
use crate::space::Grid;
use crate::view::{Interpolation, Overlay, SliceView, VoiFunction};
use crate::volume::Volume;
use bytemuck::{Pod, Zeroable};
use eframe::egui_wgpu::{Callback, CallbackResources, CallbackTrait, ScreenDescriptor};
use egui::epaint::ViewportInPixels;
use egui::{Context, PaintCallbackInfo, Rect, Shape};
use glam::{DAffine3, DVec3};
use std::sync::Arc;
use wgpu::util::{BufferInitDescriptor, DeviceExt as _};

/// The shape that draws a slice of `scan` with `layers` on top, the first lowest, into `rect`.
///
/// `pane` (0 to [`PANES`] - 1) must be different for each slice of a frame. What takes long is drawn with all its pixels
/// only when the view is not `moving`; more frames are asked for until it is finished.
pub fn slice(
    ctx: &Context,
    rect: Rect,
    pane: usize,
    moving: bool,
    view: SliceView,
    scan: Arc<Volume>,
    layers: Vec<Layer>,
) -> Shape {
    debug_assert!(pane < PANES, "there are {PANES} panes");
    if pane < PANES {
        let ctx = ctx.clone();
        Callback::new_paint_callback(rect, SliceCallback { ctx, rect, pane, moving, view, scan, layers }).into()
    } else {
        Shape::Noop
    }
}

/// Keep in sync with `Slice` in `shaders/slice.wgsl`, where the fields are explained.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct SliceUniform {
    voxel_from_pixel: Affine,
    overlay: OverlayUniform,
    low: [f32; 3],
    samples: f32,
    high: [f32; 3],
    first_mm: f32,
    centre: f32,
    factor: f32,
    offset: f32,
    last_entry: f32,
}

/// What there is of a pane.
pub(super) struct Pane {
    picture: Drawing,
    /// The same with all pixels, while it is not finished.
    finer: Option<Drawing>,
}

/// A picture, and how many of its rows are drawn.
struct Drawing {
    shown: Shown,
    offscreen: Offscreen,
    rows: u32,
}

impl Pane {
    /// Whether the picture on the screen has all pixels.
    #[cfg(test)]
    pub fn is_finished(&self) -> bool {
        !self.picture.offscreen.is_enlarged
    }
}

/// What a picture shows; another one is drawn when this differs.
#[derive(PartialEq)]
struct Shown {
    world_from_pixel: DAffine3,
    size: [u32; 2],
    view: SliceView,
    scan: Seen,
    layers: Vec<(Seen, Overlay)>,
}

struct SliceCallback {
    ctx: Context,
    rect: Rect,
    pane: usize,
    moving: bool,
    view: SliceView,
    scan: Arc<Volume>,
    layers: Vec<Layer>,
}

/// How one volume of a pane is drawn.
struct Drawn<'a> {
    volume: &'a Arc<Volume>,
    /// The colours of a layer; none for the scan.
    overlay: Option<&'a Overlay>,
    interpolation: Interpolation,
    through: Through,
}

impl SliceCallback {
    /// The volumes in the order in which they are drawn.
    fn drawn(&self) -> impl Iterator<Item = Drawn<'_>> {
        let scan = Drawn {
            volume: &self.scan,
            overlay: None,
            interpolation: self.view.interpolation,
            through: self.view.slab.mode.into(),
        };
        let layers = self.layers.iter().map(|layer| Drawn {
            volume: &layer.volume,
            overlay: Some(&layer.overlay),
            interpolation: layer.interpolation(&self.view),
            through: layer.through(&self.view),
        });
        std::iter::once(scan).chain(layers)
    }

    /// About how many voxels are loaded for so many pixels.
    fn loads(&self, pixels: u32) -> f64 {
        let per_pixel = |drawn: Drawn<'_>| {
            let taps = match drawn.interpolation {
                Interpolation::Nearest => 1,
                Interpolation::Linear => 8,
                Interpolation::Cubic => 64,
            };
            taps * self.view.slab.samples(self.view.spacing_mm(&drawn.volume.grid))
        };
        f64::from(pixels) * self.drawn().map(per_pixel).sum::<usize>() as f64
    }

    /// What the pane shows with one pixel in place of several along each side; none where it is not on the screen.
    fn shown(&self, screen: &ScreenDescriptor, coarseness: u32) -> Option<Shown> {
        let viewport = ViewportInPixels::from_points(&self.rect, screen.pixels_per_point, screen.size_in_pixels);
        let extent = [viewport.width_px, viewport.height_px].map(|n| u32::try_from(n).unwrap_or(0));
        if extent.contains(&0) {
            return None;
        }
        let size = extent.map(|n| n.div_ceil(coarseness));
        let scale = |axis: usize| f64::from(extent[axis]) / f64::from(size[axis]);
        let corner = DVec3::new(f64::from(viewport.left_px), f64::from(viewport.top_px), 0.0);
        let screen_from_pixel =
            DAffine3::from_translation(corner) * DAffine3::from_scale(DVec3::new(scale(0), scale(1), 1.0));
        let point = f64::from(screen.pixels_per_point).recip();
        let pane_corner = DVec3::new(f64::from(self.rect.min.x), f64::from(self.rect.min.y), 0.0);
        let pane_from_screen =
            DAffine3::from_translation(-pane_corner) * DAffine3::from_scale(DVec3::new(point, point, 1.0));
        Some(Shown {
            world_from_pixel: self.view.world_from_pane * pane_from_screen * screen_from_pixel,
            size,
            view: self.view.clone(),
            scan: Seen::new(&self.scan),
            layers: self.layers.iter().map(|layer| (Seen::new(&layer.volume), layer.overlay)).collect(),
        })
    }

    fn variant(&self, drawn: &Drawn<'_>, textures: &GpuVolume) -> Variant {
        // In a texture whose numbers fall where real values rise, the largest number is the smallest value.
        let through = match drawn.through {
            Through::Max if textures.exact_rescale.slope < 0.0 => Through::Min,
            Through::Min if textures.exact_rescale.slope < 0.0 => Through::Max,
            other => other,
        };
        Variant {
            number: textures.number,
            picture: if drawn.overlay.is_some() { Picture::Layer } else { Picture::of(&self.view.window) },
            interpolation: drawn.interpolation,
            through: (self.view.slab.thickness_mm > 0.0).then_some(through),
        }
    }

    fn uniform(&self, drawn: &Drawn<'_>, textures: &GpuVolume, world_from_pixel: DAffine3) -> SliceUniform {
        let rescale = textures.exact_rescale;
        let (centre, factor, offset) = if drawn.overlay.is_some() {
            (0.0, rescale.slope, rescale.intercept)
        } else {
            // place = factor * (slope * number + intercept) + offset
            let (factor, offset) = self.view.window.factor_and_offset();
            let (slope, at_zero) = (factor * rescale.slope, factor * rescale.intercept + offset);
            ((0.5 - at_zero) / slope, slope, 0.5)
        };
        let last_entry = match &self.view.window.function {
            VoiFunction::Table(table) => table.greys().len() - 1,
            _ => 0,
        };
        let slab = self.view.slab;
        let samples = slab.samples(self.view.spacing_mm(&drawn.volume.grid));
        let [low, high] = textures.exact_edges;
        SliceUniform {
            voxel_from_pixel: (textures.exact_voxel_from_world * world_from_pixel).into(),
            overlay: drawn.overlay.map_or_else(OverlayUniform::zeroed, OverlayUniform::new),
            low: low.as_vec3().to_array(),
            samples: samples as f32,
            high: high.as_vec3().to_array(),
            first_mm: slab.offset_mm(0, samples) as f32,
            centre: centre as f32,
            factor: factor as f32,
            offset: offset as f32,
            last_entry: last_entry as f32,
        }
    }

    /// Draws as much of what is new as a frame has time for. None when the scan does not fit into the graphics memory.
    fn drawn_further(
        &self,
        gpu: &Gpu<'_>,
        encoder: &mut wgpu::CommandEncoder,
        resources: &mut Resources,
        screen: &ScreenDescriptor,
        pane: Option<Pane>,
        fine: Shown,
    ) -> Option<Pane> {
        resources.volumes.forget_gone();
        resources.volumes.get(gpu.device, gpu.queue, &self.scan)?;
        let (picture, finer) = pane.map_or((None, None), |pane| (Some(pane.picture), pane.finer));
        let loads = self.loads(fine.size[0] * fine.size[1]);
        let share = loads / resources.loads_per_frame;
        let coarse = self.shown(screen, (share.sqrt().round() as u32).clamp(1, 8))?;
        let is_fine = coarse == fine;
        match picture {
            Some(picture) if picture.shown == coarse && !is_fine => {
                if self.moving {
                    return Some(Pane { picture, finer: None });
                }
                let mut finer = finer.filter(|finer| finer.shown == fine).unwrap_or_else(|| Drawing {
                    offscreen: Offscreen::new(gpu.device, &resources.show, fine.size),
                    shown: fine,
                    rows: 0,
                });
                let rows = (f64::from(finer.shown.size[1]) / share).ceil() as u32;
                self.draw_rows(gpu, encoder, resources, &mut finer, rows);
                if finer.rows == finer.shown.size[1] {
                    return Some(Pane { picture: finer, finer: None });
                }
                self.ctx.request_repaint();
                Some(Pane { picture, finer: Some(finer) })
            }
            other => {
                let free = other.map(|picture| picture.offscreen).filter(|free| free.size == coarse.size);
                let mut offscreen = free.unwrap_or_else(|| Offscreen::new(gpu.device, &resources.show, coarse.size));
                offscreen.is_enlarged = !is_fine;
                let mut picture = Drawing { rows: 0, offscreen, shown: coarse };
                let rows = picture.shown.size[1];
                self.draw_rows(gpu, encoder, resources, &mut picture, rows);
                if !is_fine && !self.moving {
                    self.ctx.request_repaint();
                }
                Some(Pane { picture, finer: None })
            }
        }
    }

    /// Draws the next rows of a picture.
    fn draw_rows(
        &self,
        gpu: &Gpu<'_>,
        encoder: &mut wgpu::CommandEncoder,
        resources: &mut Resources,
        drawing: &mut Drawing,
        rows: u32,
    ) {
        let Drawing { shown, offscreen, rows: first } = drawing;
        let end = (*first + rows).min(shown.size[1]);
        let background = wgpu::Color { r: BACKGROUND, g: BACKGROUND, b: BACKGROUND, a: 1.0 };
        let load = if *first == 0 { wgpu::LoadOp::Clear(background) } else { wgpu::LoadOp::Load };
        let mut pass = encoder.begin_render_pass(&wgpu::RenderPassDescriptor {
            label: Some("slice"),
            color_attachments: &[Some(wgpu::RenderPassColorAttachment {
                view: &offscreen.target,
                depth_slice: None,
                resolve_target: None,
                ops: wgpu::Operations { load, store: wgpu::StoreOp::Store },
            })],
            ..Default::default()
        });
        for drawn in self.drawn() {
            let half_mm = self.view.slab.thickness_mm / 2.0;
            let part = part(&drawn.volume.grid, shown.world_from_pixel, half_mm, shown.size);
            let Some([left, top, right, bottom]) = part else { continue };
            let (top, bottom) = (top.max(*first), bottom.min(end));
            if top < bottom
                && let Some(textures) = resources.volumes.get(gpu.device, gpu.queue, drawn.volume)
            {
                pass.set_scissor_rect(left, top, right - left, bottom - top);
                self.draw(gpu, resources, &mut pass, (&drawn, &textures), shown.world_from_pixel);
            }
        }
        *first = end;
    }

    /// Draws a volume into the picture, within a scissor that is set already.
    fn draw(
        &self,
        &Gpu { device, queue }: &Gpu<'_>,
        resources: &mut Resources,
        pass: &mut wgpu::RenderPass<'_>,
        (drawn, textures): (&Drawn<'_>, &GpuVolume),
        world_from_pixel: DAffine3,
    ) {
        let uniform = device.create_buffer_init(&BufferInitDescriptor {
            label: Some("slice"),
            contents: bytemuck::bytes_of(&self.uniform(drawn, textures, world_from_pixel)),
            usage: wgpu::BufferUsages::UNIFORM,
        });
        let greys =
            if drawn.overlay.is_none() { resources.slices.table(device, queue, &self.view.window) } else { None };
        let table = greys.as_ref().unwrap_or(&resources.colour_tables);
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("slice"),
            layout: resources.slices.layout(textures.number),
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: uniform.as_entire_binding() },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::TextureView(&textures.exact) },
                wgpu::BindGroupEntry { binding: 2, resource: wgpu::BindingResource::TextureView(table) },
            ],
        });
        pass.set_pipeline(resources.slices.get(device, self.variant(drawn, textures), offscreen::FORMAT));
        pass.set_bind_group(0, &group, &[]);
        pass.draw(0..3, 0..1);
    }
}

impl CallbackTrait for SliceCallback {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        let Some(resources) = resources.get_mut::<Resources>() else { return Vec::new() };
        let pane = resources.panes[self.pane].take();
        let Some(fine) = self.shown(screen, 1) else { return Vec::new() };
        let gpu = Gpu { device, queue };
        resources.panes[self.pane] = match pane {
            Some(Pane { picture, .. }) if picture.shown == fine => Some(Pane { picture, finer: None }),
            pane => self.drawn_further(&gpu, encoder, resources, screen, pane, fine),
        };
        Vec::new()
    }

    fn paint(&self, _: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        if let Some(resources) = resources.get::<Resources>()
            && let Some(pane) = &resources.panes[self.pane]
        {
            resources.show.draw(pass, &pane.picture.offscreen);
        }
    }
}

/// How many voxels may be loaded for a pane in one frame: at about 2 ns each on a software adapter, some 10 ms.
pub(super) const fn loads_per_frame(is_software: bool) -> f64 {
    if is_software { 5e6 } else { 1e9 }
}

/// Where one draws.
struct Gpu<'a> {
    device: &'a wgpu::Device,
    queue: &'a wgpu::Queue,
}

/// The part of a picture in which a slab of a grid lies, as its left, top, right and bottom edge in pixels; none where
/// there is nothing of it. Pixels are counted from the picture's corner, and mm along the normal from its plane.
fn part(grid: &Grid, world_from_pixel: DAffine3, half_mm: f64, size: [u32; 2]) -> Option<[u32; 4]> {
    let pixel_from_voxel = world_from_pixel.inverse() * grid.world_from_voxel;
    let outer = |corner: usize| {
        let pick = |axis: usize| if corner >> axis & 1 == 1 { grid.size[axis] as f64 - 0.5 } else { -0.5 };
        pixel_from_voxel.transform_point3(DVec3::new(pick(0), pick(1), pick(2)))
    };
    let (mut low, mut high) = (DVec3::INFINITY, DVec3::NEG_INFINITY);
    let edges = (0..8).flat_map(|a| (0..3).map(move |axis| (a, a | 1 << axis))).filter(|(a, b)| a != b);
    for (a, b) in edges.map(|(a, b)| (outer(a), outer(b))) {
        // The stretch of the edge that lies between the faces of the slab, with a little to spare for rounding.
        let along = |z: f64| (z - a.z) / (b.z - a.z);
        let reach = half_mm + 1e-3 * (1.0 + (b.z - a.z).abs());
        let (from, to) = if (b.z - a.z).abs() > 1e-9 {
            let (one, other) = (along(-reach), along(reach));
            (one.min(other).max(0.0), one.max(other).min(1.0))
        } else if a.z.abs() <= reach {
            (0.0, 1.0)
        } else {
            continue;
        };
        if from <= to {
            for t in [from, to] {
                low = low.min(a.lerp(b, t));
                high = high.max(a.lerp(b, t));
            }
        }
    }
    let first = |axis: usize| (low[axis] - 1.0).floor().clamp(0.0, f64::from(size[axis])) as u32;
    let end = |axis: usize| (high[axis] + 1.0).ceil().clamp(0.0, f64::from(size[axis])) as u32;
    let edges = [first(0), first(1), end(0), end(1)];
    (low.x <= high.x && edges[0] < edges[2] && edges[1] < edges[3]).then_some(edges)
}
