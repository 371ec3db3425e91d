//! What the ray-caster's shader is told of a frame.

use crate::gpu::textures::GpuVolume;
use crate::gpu::{Affine, OverlayUniform};
use crate::image::render::Layer;
use crate::view::{RaycastView, Rendering};
use bytemuck::{Pod, Zeroable};
use glam::{DAffine3, DVec2, DVec3, DVec4};
use std::sync::Arc;

/// The most maps in one picture.
pub(super) const LAYERS: usize = RaycastView::MAPS;
/// Six faces of a box and three cuts; keep in sync with `BOUNDS` in `shaders/raycast.wgsl`.
const BOUNDS: usize = 6 + RaycastView::CUTS;

/// Keep in sync with `Layer` in `shaders/raycast.wgsl`, where the fields are explained.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct LayerUniform {
    from_view: Affine,
    overlay: OverlayUniform,
    slope: f32,
    intercept: f32,
    step_mm: f32,
    padding: f32,
}

/// Keep in sync with `Raycast` in `shaders/raycast.wgsl`, where the fields are explained.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(in crate::gpu) struct RaycastUniform {
    scan_from_view: Affine,
    layers: [LayerUniform; LAYERS],
    bounds: [[f32; 4]; BOUNDS],
    place_factor: f32,
    place_offset: f32,
    level: f32,
    step_mm: f32,
    gradient_pixels: f32,
    gradient_mm: f32,
    lit_together: f32,
    padding: f32,
}

impl RaycastUniform {
    /// For a pane of so many points, drawn into a picture of `size` pixels.
    pub(super) fn new(
        view: &RaycastView,
        points: DVec2,
        size: [u32; 2],
        scan: &GpuVolume,
        maps: &[Arc<GpuVolume>],
        layers: &[&Layer],
    ) -> Self {
        let pixels = DVec2::new(f64::from(size[0]), f64::from(size[1]));
        let point_from_pixel = DAffine3::from_scale((points / pixels).extend(1.0));
        let world_from_view = view.camera.world_from_pane(points) * point_from_pixel;
        let step = f64::from(view.step);

        // place = (slope * normalised + intercept - low) / (high - low)
        let [low, high] = view.rendering.range();
        let span = (high - low).max(1e-9);
        // The picture is that much smaller already; rays with such long steps would miss too much.
        let along = if step > 1.0 { f64::midpoint(1.0, step) } else { step };
        let gradient_mm = scan.soft_spacing_mm * step.max(1.0);
        let mut uniform = Self {
            scan_from_view: (scan.soft_voxel_from_world * world_from_view).into(),
            bounds: bounds(view, world_from_view),
            place_factor: (scan.soft_rescale.slope / span) as f32,
            place_offset: ((scan.soft_rescale.intercept - low) / span) as f32,
            step_mm: (along * scan.soft_spacing_mm) as f32,
            gradient_pixels: (gradient_mm * pixels.x / (points.x * view.camera.mm_per_point)) as f32,
            gradient_mm: gradient_mm as f32,
            lit_together: if step > 1.0 { 0.4 } else { 0.12 },
            ..Self::zeroed()
        };
        if let Rendering::Surface { level, .. } = view.rendering {
            uniform.level = ((level - scan.soft_rescale.intercept) / scan.soft_rescale.slope) as f32;
        }
        for (slot, (map, layer)) in uniform.layers.iter_mut().zip(maps.iter().zip(layers)) {
            *slot = LayerUniform {
                from_view: (map.soft_voxel_from_world * world_from_view).into(),
                overlay: OverlayUniform::new(&layer.overlay),
                slope: map.soft_rescale.slope as f32,
                intercept: map.soft_rescale.intercept as f32,
                step_mm: (along * map.soft_spacing_mm) as f32,
                padding: 0.0,
            };
        }
        uniform
    }
}

/// The half-spaces of cuts and crop in view coordinates; those that are not needed hold everything.
fn bounds(view: &RaycastView, world_from_view: DAffine3) -> [[f32; 4]; BOUNDS] {
    let half_space = |normal: DVec3, at_mm: DVec3| -> DVec4 {
        let in_view = world_from_view.matrix3.transpose() * normal;
        in_view.extend(normal.dot(at_mm - world_from_view.translation))
    };
    let cuts = view.cuts.iter().map(|cut| half_space(cut.normal, cut.at_mm));
    let faces = view.crop.into_iter().flat_map(|crop| {
        DVec3::AXES.into_iter().flat_map(move |axis| [half_space(axis, crop.max), half_space(-axis, crop.min)])
    });
    let all = DVec4::new(0.0, 0.0, 0.0, 1.0);
    let mut used = cuts.chain(faces);
    std::array::from_fn(|_| used.next().unwrap_or(all).as_vec4().to_array())
}
