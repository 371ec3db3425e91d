//! The 3-D view as a shape that egui can paint. The rays themselves are in `shaders/raycast.wgsl`.
//!
//! Rays are costly, so they are drawn into an offscreen picture, and again only when the view, the size or the
//! volumes have changed; every frame then shows that picture. With a coarser step the picture is smaller as well.

use super::textures::GpuVolume;
use super::{Affine, Builder, OverlayUniform, RAYCAST, Resources, layout_entry, texture_layout};
use crate::image::render::Layer;
use crate::view::RaycastView;
use crate::volume::Volume;
use bytemuck::{Pod, Zeroable};
use eframe::egui_wgpu::{Callback, CallbackResources, CallbackTrait, ScreenDescriptor};
use egui::{PaintCallbackInfo, Rect, Shape};
use glam::{DAffine3, DMat3, DVec3};
use std::sync::Arc;
use wgpu::TextureFormat;

/// Format of the offscreen picture; sRGB values, not linear ones.
const FORMAT: TextureFormat = TextureFormat::Rgba8Unorm;
/// Larger than any scan, and small enough for `f32` arithmetic.
const NO_CLIP_MM: f64 = 1e5;

/// The shape that draws `scan` in 3-D into `rect`, with `layers` in the same rays. At most one per frame.
pub fn raycast(rect: Rect, view: RaycastView, scan: Arc<Volume>, layers: Vec<Layer>) -> Shape {
    Callback::new_paint_callback(rect, RaycastCallback { rect, view, scan, layers }).into()
}

/// The two programs, what they draw with, and the last picture.
pub(super) struct Programs {
    rays: wgpu::RenderPipeline,
    show: wgpu::RenderPipeline,
    scene_layout: wgpu::BindGroupLayout,
    picture_layout: wgpu::BindGroupLayout,
    uniform: wgpu::Buffer,
    scene: Option<wgpu::BindGroup>,
    picture: Option<Picture>,
}

impl Programs {
    pub(super) fn new(builder: &Builder<'_>, target: TextureFormat) -> Self {
        let scene_layout = scene_layout(builder.device);
        let picture_layout = builder.device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("offscreen"),
            entries: &[texture_layout(0, wgpu::TextureViewDimension::D2, true)],
        });
        let uniform = builder.device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("raycast"),
            size: size_of::<RaycastUniform>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        Self {
            rays: builder.build(RAYCAST, "fs_raycast", &[&scene_layout], FORMAT, &[]),
            show: builder.build(RAYCAST, "fs_show", &[&scene_layout, &picture_layout], target, &[]),
            scene_layout,
            picture_layout,
            uniform,
            scene: None,
            picture: None,
        }
    }
}

/// Keep in sync with group 0 in `shaders/raycast.wgsl`.
fn scene_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    use wgpu::TextureViewDimension::{D2, D3};
    let uniform = wgpu::BindingType::Buffer {
        ty: wgpu::BufferBindingType::Uniform,
        has_dynamic_offset: false,
        min_binding_size: None,
    };
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("raycast"),
        entries: &[
            layout_entry(0, uniform),
            layout_entry(1, wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering)),
            texture_layout(2, D2, false),
            texture_layout(3, D3, true),
            texture_layout(4, D3, true),
            texture_layout(5, D3, false),
            texture_layout(6, D3, false),
        ],
    })
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

/// Keep in sync with `Raycast` in `shaders/raycast.wgsl`, where the fields are explained.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct RaycastUniform {
    scan_from_view: Affine,
    map_from_view: Affine,
    world_from_view: Affine,
    overlay: OverlayUniform,
    clip_min: [f32; 3],
    step_mm: f32,
    clip_max: [f32; 3],
    map_step_mm: f32,
    screen_origin: [f32; 2],
    screen_size: [f32; 2],
    grey_factor: f32,
    grey_offset: f32,
    map_slope: f32,
    map_intercept: f32,
    gradient_pixels: f32,
    gradient_mm: f32,
    padding: [f32; 2],
}

struct RaycastCallback {
    rect: Rect,
    view: RaycastView,
    scan: Arc<Volume>,
    layers: Vec<Layer>,
}

impl RaycastCallback {
    /// The ray step as a multiple of the voxel spacing, within what makes sense.
    fn step(&self) -> f32 {
        self.view.step.clamp(0.25, 16.0)
    }

    /// Pixels of the offscreen picture: those of the pane, or fewer with a coarse step.
    fn size(&self, pixels_per_point: f32, longest: u32) -> [u32; 2] {
        let scale = pixels_per_point / self.step().max(1.0);
        [self.rect.width(), self.rect.height()].map(|n| ((n * scale).ceil() as u32).clamp(1, longest))
    }

    fn uniform(&self, scan: &GpuVolume, map: &GpuVolume, pixels_per_point: f32, size: [u32; 2]) -> RaycastUniform {
        let camera = &self.view.camera;
        let [right, down, forward] = camera.axes();
        let pane_mm =
            DVec3::new(f64::from(self.rect.width()), f64::from(self.rect.height()), 0.0) * camera.mm_per_point;
        let pixel_mm = DVec3::new(pane_mm.x / f64::from(size[0]), pane_mm.y / f64::from(size[1]), 1.0);
        let corner = camera.centre_mm - right * (pane_mm.x / 2.0) - down * (pane_mm.y / 2.0);
        let matrix3 = DMat3::from_cols(right * pixel_mm.x, down * pixel_mm.y, forward);
        let world_from_view = DAffine3 { matrix3, translation: corner };

        let step = f64::from(self.step());
        let (factor, offset) = self.view.window.factor_and_offset();
        let clip = self.view.clip.map_or([-NO_CLIP_MM, NO_CLIP_MM].map(DVec3::splat), |b| [b.min, b.max]);
        let [clip_min, clip_max] = clip.map(|corner| corner.as_vec3().to_array());
        let gradient_mm = 0.6 * scan.soft_spacing_mm * step.max(1.0);
        RaycastUniform {
            scan_from_view: (scan.soft_voxel_from_world * world_from_view).into(),
            map_from_view: (map.soft_voxel_from_world * world_from_view).into(),
            world_from_view: world_from_view.into(),
            overlay: self
                .layers
                .first()
                .map_or_else(OverlayUniform::zeroed, |layer| OverlayUniform::new(&layer.overlay)),
            clip_min,
            step_mm: (step * scan.soft_spacing_mm) as f32,
            clip_max,
            map_step_mm: (step * map.soft_spacing_mm) as f32,
            screen_origin: [self.rect.min.x, self.rect.min.y].map(|v| v * pixels_per_point),
            screen_size: [self.rect.width(), self.rect.height()].map(|v| v * pixels_per_point),
            grey_factor: (factor * scan.soft_rescale.slope) as f32,
            grey_offset: (factor * scan.soft_rescale.intercept + offset) as f32,
            map_slope: map.soft_rescale.slope as f32,
            map_intercept: map.soft_rescale.intercept as f32,
            gradient_pixels: (gradient_mm / pixel_mm.x) as f32,
            gradient_mm: gradient_mm as f32,
            padding: [0.0; 2],
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
        let Some(resources) = resources.get_mut::<Resources>() else { return Vec::new() };
        let Some(scan) = resources.volumes.get(device, queue, &self.scan) else {
            resources.raycast.scene = None;
            return Vec::new();
        };
        let map = self.layers.first().and_then(|layer| resources.volumes.get(device, queue, &layer.volume));
        let map = map.as_ref().unwrap_or(&resources.nothing);
        let size = self.size(screen.pixels_per_point, device.limits().max_texture_dimension_2d);
        let uniform = self.uniform(&scan, map, screen.pixels_per_point, size);
        // Written in any case: the pane may have moved on the screen.
        queue.write_buffer(&resources.raycast.uniform, 0, bytemuck::bytes_of(&uniform));
        let views = [&resources.colour_tables, &scan.soft, &map.soft, &scan.blocks, &map.blocks];
        let bound =
            [resources.raycast.uniform.as_entire_binding(), wgpu::BindingResource::Sampler(&resources.filtering)]
                .into_iter()
                .chain(views.map(wgpu::BindingResource::TextureView));
        let entries: Vec<_> =
            bound.zip(0..).map(|(resource, binding)| wgpu::BindGroupEntry { binding, resource }).collect();
        let scene = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("raycast"),
            layout: &resources.raycast.scene_layout,
            entries: &entries,
        });

        let scan = Arc::as_ptr(&self.scan) as usize;
        let shown = Shown { view: self.view.clone(), size, scan, layers: self.layers.clone() };
        let programs = &mut resources.raycast;
        let scene = &*programs.scene.insert(scene);
        let last = programs.picture.take();
        if last.as_ref().is_some_and(|picture| picture.shown == shown) {
            programs.picture = last;
            return Vec::new();
        }
        let picture = match last {
            Some(picture) if picture.shown.size == size => Picture { shown, ..picture },
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
        pass.set_pipeline(&programs.rays);
        pass.set_bind_group(0, scene, &[]);
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::gpu::testing;
    use crate::space::{BoxMm, Grid};
    use crate::view::{OrbitCamera, Overlay, Window};
    use crate::volume::{Unit, Volume};
    use egui::{Pos2, vec2};

    const SIZE: [usize; 2] = [160, 120];

    fn ball(grid: &Grid, centre_mm: DVec3, radius_mm: f64, inside: f32) -> Vec<f32> {
        let [nx, ny, _] = grid.size;
        let voxel = |i: usize| DVec3::new((i % nx) as f64, (i / nx % ny) as f64, (i / nx / ny) as f64);
        let edge = |i| radius_mm - grid.world_from_voxel.transform_point3(voxel(i)).distance(centre_mm);
        // Half a voxel of slope at the surface, so that the radius means something.
        (0..grid.count()).map(|i| inside * (edge(i) + 0.5).clamp(0.0, 1.0) as f32).collect()
    }

    fn view(yaw: f64, pitch: f64) -> RaycastView {
        RaycastView {
            camera: OrbitCamera { yaw, pitch, centre_mm: DVec3::ZERO, mm_per_point: 0.5 },
            window: Window::between(0.0, 100.0),
            clip: None,
            step: 1.0,
        }
    }

    fn draw(scan: &Arc<Volume>, layers: &[Layer], view: RaycastView) -> Option<crate::view::Picture> {
        let rect = Rect::from_min_size(Pos2::ZERO, vec2(SIZE[0] as f32, SIZE[1] as f32));
        testing::draw(SIZE, 1.0, vec![raycast(rect, view, Arc::clone(scan), layers.to_vec())])
    }

    /// Pixels for which the colour is as wanted, and their mean position.
    fn find(picture: &crate::view::Picture, wanted: impl Fn([u8; 4]) -> bool) -> (f64, [f64; 2]) {
        let hits: Vec<usize> =
            (0..SIZE[0] * SIZE[1]).filter(|p| wanted(picture.pixel(p % SIZE[0], p / SIZE[0]).unwrap())).collect();
        let n = hits.len() as f64;
        let mean = |f: fn(usize) -> usize| hits.iter().map(|&p| f(p) as f64 + 0.5).sum::<f64>() / n;
        (n, [mean(|p| p % SIZE[0]), mean(|p| p / SIZE[0])])
    }

    #[test]
    fn a_ball_is_a_disc_of_its_size_from_every_side_and_at_every_step() {
        let grid = Grid::centred([64, 60, 56], 1.0, DVec3::ZERO);
        let scan: Arc<Volume> = Volume::from_f32(grid, ball(&grid, DVec3::ZERO, 20.0, 100.0), Unit::Arbitrary).into();
        // A radius of 20 mm is 40 pixels.
        let expected = std::f64::consts::PI * 40.0 * 40.0;
        for (yaw, pitch, step) in [(0.0, 0.0, 1.0), (0.8, 0.4, 1.0), (-2.0, -1.0, 2.0)] {
            let Some(picture) = draw(&scan, &[], RaycastView { step, ..view(yaw, pitch) }) else { return };
            let (area, centre) = find(&picture, |c| c[0] > 30);
            assert!((area / expected - 1.0).abs() < 0.05, "yaw {yaw}: {area} pixels instead of {expected}");
            assert!((centre[0] - 80.0).abs() < 1.0 && (centre[1] - 60.0).abs() < 1.0, "{centre:?}");
        }
    }

    #[test]
    fn patient_left_is_on_the_right_from_the_front_and_the_head_is_up() {
        let grid = Grid::centred([64, 60, 56], 1.0, DVec3::ZERO);
        let left_and_up = DVec3::new(-15.0, 0.0, 12.0);
        let scan: Arc<Volume> = Volume::from_f32(grid, ball(&grid, left_and_up, 6.0, 100.0), Unit::Arbitrary).into();
        let Some(front) = draw(&scan, &[], view(0.0, 0.0)) else { return };
        let (_, [x, y]) = find(&front, |c| c[0] > 30);
        assert!((x - 110.0).abs() < 1.5 && (y - 36.0).abs() < 1.5, "{x}, {y}");
        let (_, [x, y]) = find(&draw(&scan, &[], view(std::f64::consts::PI, 0.0)).unwrap(), |c| c[0] > 30);
        assert!((x - 50.0).abs() < 1.5 && (y - 36.0).abs() < 1.5, "from behind: {x}, {y}");
    }

    #[test]
    fn the_map_shines_through_the_tissue_and_brighter_once_the_tissue_is_cut_away() {
        let grid = Grid::centred([64, 60, 56], 1.0, DVec3::ZERO);
        let scan: Arc<Volume> = Volume::from_f32(grid, ball(&grid, DVec3::ZERO, 24.0, 100.0), Unit::Arbitrary).into();
        let map_grid = Grid::centred([30, 30, 30], 1.0, DVec3::new(-10.0, 0.0, 0.0));
        let map = Volume::from_f32(map_grid, ball(&map_grid, DVec3::new(-10.0, 0.0, 0.0), 5.0, 0.8), Unit::Score);
        let overlay = Overlay { opacity: 0.55, threshold: 0.35, low: 0.35, high: 1.0, ..Overlay::default() };
        let map = [Layer { volume: map.into(), overlay }];
        let Some(covered) = draw(&scan, &map, view(0.0, 0.0)) else { return };
        let coloured = |c: [u8; 4]| c[0] > c[2].saturating_add(40);
        let (area, [x, y]) = find(&covered, coloured);
        assert!((area / (std::f64::consts::PI * 100.0) - 1.0).abs() < 0.25, "{area}");
        assert!((x - 100.0).abs() < 1.0 && (y - 60.0).abs() < 1.0, "patient left is right of the centre: {x}, {y}");

        let clip = Some(BoxMm { min: DVec3::splat(-40.0), max: DVec3::new(40.0, 2.0, 40.0) });
        let cut = draw(&scan, &map, RaycastView { clip, ..view(0.0, 0.0) }).unwrap();
        let saturation = |p: &crate::view::Picture| {
            let c = p.pixel(100, 60).unwrap();
            i32::from(c[0]) - i32::from(c[2])
        };
        assert!(saturation(&cut) > saturation(&covered) + 20, "{} {}", saturation(&cut), saturation(&covered));
        let hidden = draw(&scan, &[], view(0.0, 0.0)).unwrap();
        assert_eq!(find(&hidden, coloured).0, 0.0);
    }
}
