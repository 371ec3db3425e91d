//! Pictures on the GPU: the window's device, a scan and its layers as textures, slices and the 3-D view.
//!
//! Start-up code calls [`install`] once; panes only ask for a [`slice()`] or a [`raycast()`] shape with plain values from
//! [`crate::view`] and the volumes themselves, and never see a wgpu type.

mod blocks;
mod device;
mod ladder;
mod offscreen;
mod programs;
mod raycast;
mod slice;
#[cfg(test)]
mod testing;
mod textures;
#[cfg(test)]
mod twins;
mod volumes;
mod watch;

pub use device::{adapter_summary, analysis_device, is_software};
pub use ladder::Ladder;
pub use raycast::raycast;
pub use slice::slice;
pub use watch::{Trouble, Watch};

use crate::space::Grid;
use crate::view::{ColourMap, Overlay};
use crate::volume::{Rescale, Unit, Volume, Voxels};
use bytemuck::{Pod, Zeroable};
use eframe::egui_wgpu::RenderState;
use glam::{DAffine3, DVec3};
use offscreen::Show;
use programs::Programs;
use slice::Pane;
use std::sync::{Arc, Mutex, PoisonError};
use textures::GpuVolume;
use volumes::Volumes;
use wgpu::TextureFormat;

/// How many panes with slices a window can have; their numbers are 0 to 7.
pub const PANES: usize = 8;

const COMMON: &str = include_str!("../../shaders/common.wgsl");
const SLICE: &str = include_str!("../../shaders/slice.wgsl");
const RAYCAST: &str = include_str!("../../shaders/raycast.wgsl");

/// Everything that paint callbacks draw with; lives in egui's callback resources, of which there is one per type.
struct Resources {
    volumes: Volumes,
    colour_tables: wgpu::TextureView,
    filtering: wgpu::Sampler,
    show: Show,
    slices: Programs,
    panes: [Option<Pane>; PANES],
    /// How many voxels may be loaded for a pane in one frame.
    loads_per_frame: f64,
    raycast: raycast::Programs,
    /// Bound by the ray-caster where there is no map.
    nothing: Arc<GpuVolume>,
}

/// Builds what is needed to draw. Call once, before the first frame; panes are empty until then.
///
/// The window must have been created without multisampling and without a depth buffer, as eframe does by default.
/// False if the graphics memory is too small for anything.
#[must_use]
pub fn install(render_state: &RenderState) -> bool {
    let resources = Resources::new(render_state);
    resources.map(|resources| render_state.renderer.write().callback_resources.insert(resources)).is_some()
}

/// Puts volumes on the GPU before they are first drawn, so that no frame waits for it. It can be shared by threads, and
/// goes on with the next window when one is lost.
#[derive(Clone, Default)]
pub struct Uploader(Arc<Mutex<Option<RenderState>>>);

impl Uploader {
    /// Uploads to this window from now on.
    pub fn draw_on(&self, render_state: &RenderState) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(render_state.clone());
    }

    /// Uploads a volume, where there is a window and it is not there yet.
    pub fn upload(&self, volume: &Arc<Volume>) {
        let window = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let Some(RenderState { renderer, device, queue, .. }) = window else { return };
        let missing =
            |resources: &Resources| resources.volumes.find(volume).is_none().then_some(resources.volumes.longest());
        let Some(longest) = renderer.read().callback_resources.get().and_then(missing) else { return };
        let uploaded = textures::upload(&device, &queue, volume, longest);
        if let Some(resources) = renderer.write().callback_resources.get_mut::<Resources>() {
            resources.volumes.insert(volume, uploaded);
        }
    }
}

/// What the user should know of the volumes that were uploaded since the last call: that they are drawn reduced, or that
/// they do not fit.
#[must_use]
pub fn notes(render_state: &RenderState) -> Vec<String> {
    let mut renderer = render_state.renderer.write();
    renderer.callback_resources.get_mut::<Resources>().map_or_else(Vec::new, |resources| {
        resources.volumes.forget_gone();
        resources.volumes.take_notes()
    })
}

impl Resources {
    fn new(render_state: &RenderState) -> Option<Self> {
        let (device, queue) = (&render_state.device, &render_state.queue);
        let longest = device.limits().max_texture_dimension_3d as usize;
        let voxel = Volume {
            grid: Grid::centred([1; 3], 1.0, DVec3::ZERO),
            voxels: Voxels::U8(vec![0]),
            rescale: Rescale::NONE,
            unit: Unit::Arbitrary,
        };
        let nothing = Arc::new(textures::upload(device, queue, &voxel, longest).0?);
        let filtering = device.create_sampler(&wgpu::SamplerDescriptor {
            mag_filter: wgpu::FilterMode::Linear,
            min_filter: wgpu::FilterMode::Linear,
            ..Default::default()
        });
        Some(Self {
            volumes: Volumes::new(longest),
            colour_tables: colour_tables(device, queue),
            show: Show::new(device, &filtering, render_state.target_format),
            filtering,
            slices: Programs::new(device),
            panes: [const { None }; PANES],
            loads_per_frame: slice::loads_per_frame(is_software(render_state)),
            raycast: raycast::Programs::new(device, is_software(render_state)),
            nothing,
        })
    }
}

/// Builds programs.
struct Builder<'a> {
    device: &'a wgpu::Device,
}

impl Builder<'_> {
    /// Compiles one of the shader files for a triangle that covers the viewport; `layouts` are those of its bind groups,
    /// `constants` the values of its overrides.
    fn build(
        &self,
        source: &str,
        fragment: &str,
        layouts: &[&wgpu::BindGroupLayout],
        format: TextureFormat,
        constants: &[(&str, f64)],
    ) -> wgpu::RenderPipeline {
        self.variant(source, ["vs_cover", fragment], layouts, format.into(), constants)
    }

    /// The same with the vertex program and how colours are blended.
    fn variant(
        &self,
        source: &str,
        [vertex, fragment]: [&str; 2],
        layouts: &[&wgpu::BindGroupLayout],
        target: wgpu::ColorTargetState,
        constants: &[(&str, f64)],
    ) -> wgpu::RenderPipeline {
        let module = self.device.create_shader_module(wgpu::ShaderModuleDescriptor {
            label: Some(fragment),
            source: wgpu::ShaderSource::Wgsl([COMMON, source].concat().into()),
        });
        let layouts: Vec<_> = layouts.iter().copied().map(Some).collect();
        let stores = [("linear_target", f64::from(u8::from(target.format.is_srgb())))];
        let constants = &[&stores, constants].concat();
        let layout = self.device.create_pipeline_layout(&wgpu::PipelineLayoutDescriptor {
            label: Some(fragment),
            bind_group_layouts: &layouts,
            immediate_size: 0,
        });
        self.device.create_render_pipeline(&wgpu::RenderPipelineDescriptor {
            label: Some(fragment),
            layout: Some(&layout),
            vertex: wgpu::VertexState {
                module: &module,
                entry_point: Some(vertex),
                compilation_options: wgpu::PipelineCompilationOptions::default(),
                buffers: &[],
            },
            primitive: wgpu::PrimitiveState::default(),
            depth_stencil: None,
            multisample: wgpu::MultisampleState::default(),
            fragment: Some(wgpu::FragmentState {
                module: &module,
                entry_point: Some(fragment),
                compilation_options: wgpu::PipelineCompilationOptions { constants, ..Default::default() },
                targets: &[Some(target)],
            }),
            multiview_mask: None,
            cache: None,
        })
    }
}

fn layout_entry(binding: u32, ty: wgpu::BindingType) -> wgpu::BindGroupLayoutEntry {
    wgpu::BindGroupLayoutEntry { binding, visibility: wgpu::ShaderStages::FRAGMENT, ty, count: None }
}

fn texture_layout(
    binding: u32,
    view_dimension: wgpu::TextureViewDimension,
    filterable: bool,
) -> wgpu::BindGroupLayoutEntry {
    let sample_type = wgpu::TextureSampleType::Float { filterable };
    layout_entry(binding, wgpu::BindingType::Texture { sample_type, view_dimension, multisampled: false })
}

/// One row of 256 colours per map, in the order of [`ColourMap::ALL`].
fn colour_tables(device: &wgpu::Device, queue: &wgpu::Queue) -> wgpu::TextureView {
    let bytes: Vec<u8> =
        ColourMap::ALL.iter().flat_map(|map| map.table()).flat_map(|[r, g, b]| [r, g, b, 255]).collect();
    picture(device, queue, TextureFormat::Rgba8Unorm, [256, ColourMap::ALL.len()], &bytes)
}

/// A texture with two sides, of texels of four bytes.
fn picture(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    format: TextureFormat,
    [width, height]: [usize; 2],
    bytes: &[u8],
) -> wgpu::TextureView {
    let size = wgpu::Extent3d { width: width as u32, height: height as u32, depth_or_array_layers: 1 };
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("table"),
        size,
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D2,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    let layout = wgpu::TexelCopyBufferLayout {
        offset: 0,
        bytes_per_row: Some(4 * size.width),
        rows_per_image: Some(size.height),
    };
    queue.write_texture(texture.as_image_copy(), bytes, layout, size);
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

/// The three rows of an affine map; keep in sync with `Affine` in `shaders/common.wgsl`.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct Affine([[f32; 4]; 3]);

impl From<DAffine3> for Affine {
    fn from(m: DAffine3) -> Self {
        let row = |a: usize| [m.x_axis[a], m.y_axis[a], m.z_axis[a], m.translation[a]].map(|v| v as f32);
        Self([row(0), row(1), row(2)])
    }
}

/// How a map is coloured; keep in sync with `Overlay` in `shaders/common.wgsl`.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
struct OverlayUniform {
    low: f32,
    inverse_span: f32,
    threshold: f32,
    floor: f32,
    opacity: f32,
    by_value: u32,
    is_signed: u32,
    row: u32,
}

impl OverlayUniform {
    /// With the same limits as in [`Overlay::position`].
    fn new(overlay: &Overlay) -> Self {
        let [low, high] = overlay.range();
        let inverse_span = (high - low).max(1e-6).recip();
        let row = ColourMap::ALL.iter().position(|&map| map == overlay.colours).unwrap_or(0);
        Self {
            // (high - value) / span is 1 - (value - low) / span.
            low: if overlay.inverted { high } else { low },
            inverse_span: if overlay.inverted { -inverse_span } else { inverse_span },
            threshold: overlay.threshold,
            floor: if overlay.colours == ColourMap::Grey { f32::MIN } else { 0.0 },
            opacity: overlay.opacity.clamp(0.0, 1.0),
            by_value: u32::from(overlay.by_value),
            is_signed: u32::from(overlay.colours == ColourMap::Diverging),
            row: row as u32,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::programs::Variant;
    use super::textures::Number;
    use super::*;
    use wgpu::naga;

    #[test]
    fn uniform_structs_have_the_size_of_their_twins() {
        assert_eq!(size_of::<Affine>(), 48);
        assert_eq!(size_of::<OverlayUniform>(), 32);
        for (source, name, size) in [
            (Variant::source(Number::Real).as_str(), "Slice", size_of::<slice::SliceUniform>()),
            (RAYCAST, "Raycast", size_of::<raycast::TestedUniform>()),
        ] {
            let module = naga::front::wgsl::parse_str(&[COMMON, source].concat()).unwrap();
            let named = |t: &&naga::Type| t.name.as_deref() == Some(name);
            let twin = module.types.iter().map(|(_, t)| t).find(named).unwrap();
            assert!(matches!(twin.inner, naga::TypeInner::Struct { span, .. } if span as usize == size), "{name}");
        }
    }

    /// wgpu reports a bad shader by panicking in front of the user; this finds all of them first.
    #[test]
    fn every_shader_is_valid() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/shaders");
        let mut failures = Vec::new();
        let mut checked = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            let source = match path.file_name().and_then(|name| name.to_str()) {
                Some("common.wgsl") => text,
                Some("slice.wgsl") => [COMMON, &Variant::source(Number::Signed)].concat(),
                _ => [COMMON, &text].concat(),
            };
            let flags = naga::valid::ValidationFlags::all();
            let mut validator = naga::valid::Validator::new(flags, naga::valid::Capabilities::default());
            let result = naga::front::wgsl::parse_str(&source)
                .map_err(|e| e.emit_to_string(&source))
                .and_then(|module| validator.validate(&module).map_err(|e| e.emit_to_string(&source)));
            if let Err(text) = result {
                failures.push(format!("{}: {text}", path.display()));
            }
            checked += 1;
        }
        assert!(failures.is_empty(), "{}", failures.join("\n"));
        assert_eq!(checked, 4);
    }
}
