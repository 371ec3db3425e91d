//! The ray-caster's programs, each made when it is first needed, and the textures made for a view of a volume.

use super::uniform::{LAYERS, RaycastUniform};
use crate::gpu::textures::{GpuVolume, texture};
use crate::gpu::{Builder, RAYCAST, layout_entry, offscreen, texture_layout};
use crate::image::render::Layer;
use crate::view::{Mode, Overlay, Rendering, Transfer, mean_emission};
use crate::volume::Rescale;
use half::f16;
use half::slice::HalfFloatSliceExt as _;
use std::collections::HashMap;
use std::sync::{Arc, Weak};
use wgpu::{BindingResource, TextureFormat};

/// What a program can do; keep in sync with the overrides of `shaders/raycast.wgsl`.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Variant {
    pub mode: Mode,
    pub layers: usize,
    pub lit: bool,
}

impl Variant {
    fn constants(self) -> [(&'static str, f64); 3] {
        let mode = match self.mode {
            Mode::Composite => 0.0,
            Mode::Mip => 1.0,
            Mode::Surface => 2.0,
        };
        [("mode", mode), ("layers", self.layers as f64), ("lit", f64::from(u8::from(self.lit)))]
    }
}

/// The programs and what they draw with.
pub(in crate::gpu) struct Programs {
    rays: HashMap<Variant, wgpu::RenderPipeline>,
    layout: wgpu::BindGroupLayout,
    pub(super) uniform: wgpu::Buffer,
    transfer: Transferred,
    /// Of the scan, then of the maps.
    blocks: [Option<ShownBlocks>; 1 + LAYERS],
    pub(super) scene: Option<wgpu::BindGroup>,
    pub(super) picture: Option<super::Picture>,
    /// The same picture, finer, as far as it is drawn.
    pub(super) finer: Option<super::Picture>,
    /// In how many frames that is done.
    pub(super) bands: u32,
}

/// The texture of a transfer function.
struct Transferred {
    texture: wgpu::Texture,
    holds: Option<Transfer>,
}

/// The texture that says what may be leapt over in a volume.
struct ShownBlocks {
    volume: Weak<GpuVolume>,
    of: Criterion,
    view: wgpu::TextureView,
}

/// What decides over that.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Criterion {
    Scan(Rendering),
    Map(Overlay),
}

impl Programs {
    pub(in crate::gpu) fn new(device: &wgpu::Device, is_software: bool) -> Self {
        let uniform = device.create_buffer(&wgpu::BufferDescriptor {
            label: Some("raycast"),
            size: size_of::<RaycastUniform>() as u64,
            usage: wgpu::BufferUsages::UNIFORM | wgpu::BufferUsages::COPY_DST,
            mapped_at_creation: false,
        });
        let transfer = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("transfer function"),
            size: wgpu::Extent3d { width: Transfer::ENTRIES as u32, height: 1, depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: TextureFormat::Rgba32Float,
            usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
            view_formats: &[],
        });
        Self {
            rays: HashMap::new(),
            layout: scene_layout(device),
            uniform,
            transfer: Transferred { texture: transfer, holds: None },
            blocks: [const { None }; 1 + LAYERS],
            scene: None,
            picture: None,
            finer: None,
            bands: if is_software { 12 } else { 1 },
        }
    }

    /// The program for a variant.
    pub(super) fn rays(&mut self, device: &wgpu::Device, variant: Variant) -> &wgpu::RenderPipeline {
        self.rays.entry(variant).or_insert_with(|| {
            let builder = Builder { device };
            builder.build(RAYCAST, "fs_raycast", &[&self.layout], offscreen::FORMAT, &variant.constants())
        })
    }

    /// Makes what the transfer function and the colours of the maps ask for, where it has changed.
    pub(super) fn write_tables(
        &mut self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        rendering: Rendering,
        scan: &Arc<GpuVolume>,
        maps: &[Arc<GpuVolume>],
        layers: &[&Layer],
    ) {
        if let Rendering::Composite(transfer) = rendering
            && self.transfer.holds != Some(transfer)
        {
            let table = transfer.table();
            let size = self.transfer.texture.size();
            let layout = wgpu::TexelCopyBufferLayout {
                offset: 0,
                bytes_per_row: Some(size.width * 16),
                rows_per_image: Some(1),
            };
            queue.write_texture(self.transfer.texture.as_image_copy(), bytemuck::cast_slice(&table), layout, size);
            self.transfer.holds = Some(transfer);
        }
        let wanted = [(scan, Criterion::Scan(rendering))]
            .into_iter()
            .chain(maps.iter().zip(layers).map(|(map, layer)| (map, Criterion::Map(layer.overlay))));
        for (slot, (volume, of)) in self.blocks.iter_mut().zip(wanted) {
            let holds = |held: &ShownBlocks| held.of == of && std::ptr::eq(held.volume.as_ptr(), Arc::as_ptr(volume));
            if !slot.as_ref().is_some_and(holds) {
                let view = block_texture(device, queue, volume.blocks.size, &of.blocks(volume));
                *slot = Some(ShownBlocks { volume: Arc::downgrade(volume), of, view });
            }
        }
    }

    /// Binds everything; `nothing` where there are fewer maps.
    pub(super) fn bind(
        &mut self,
        device: &wgpu::Device,
        filtering: &wgpu::Sampler,
        colour_tables: &wgpu::TextureView,
        scan: &GpuVolume,
        maps: &[Arc<GpuVolume>],
        nothing: &GpuVolume,
    ) {
        let Some(scan_blocks) = &self.blocks[0] else { return };
        let transfer = self.transfer.texture.create_view(&wgpu::TextureViewDescriptor::default());
        let map = |n: usize| maps.get(n).map_or(&nothing.soft, |map| &map.soft);
        let blocks = |n: usize| self.blocks[1 + n].as_ref().map_or(&scan_blocks.view, |blocks| &blocks.view);
        let views = [
            colour_tables,
            &transfer,
            &scan.soft,
            map(0),
            map(1),
            map(2),
            &scan_blocks.view,
            blocks(0),
            blocks(1),
            blocks(2),
        ];
        let bound = [self.uniform.as_entire_binding(), BindingResource::Sampler(filtering)]
            .into_iter()
            .chain(views.map(BindingResource::TextureView));
        let entries: Vec<_> =
            bound.zip(0..).map(|(resource, binding)| wgpu::BindGroupEntry { binding, resource }).collect();
        self.scene = Some(device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("raycast"),
            layout: &self.layout,
            entries: &entries,
        }));
    }
}

impl Criterion {
    /// The block texture of a volume.
    fn blocks(self, volume: &GpuVolume) -> Vec<f16> {
        let Rescale { slope, intercept } = volume.soft_rescale;
        let real = |normalised: f32| slope * f64::from(normalised) + intercept;
        match self {
            Self::Scan(Rendering::Mip { range: [low, high] }) => {
                volume.blocks.largest(|v| ((real(v) - low) / (high - low).max(1e-9)) as f32)
            }
            Self::Scan(Rendering::Surface { level, .. }) => volume.blocks.leaps(|_, high| real(high) >= level),
            Self::Scan(Rendering::Composite(transfer)) => {
                let table = transfer.table();
                let place = |v| transfer.place(real(v));
                volume.blocks.leaps(|low, high| mean_emission(&table, place(low), place(high))[3] > 1e-5)
            }
            Self::Map(overlay) => {
                let is_visible = |v| overlay.position(real(v) as f32).is_some();
                volume.blocks.leaps(|low, high| is_visible(low) || is_visible(high))
            }
        }
    }
}

fn block_texture(device: &wgpu::Device, queue: &wgpu::Queue, size: [usize; 3], blocks: &[f16]) -> wgpu::TextureView {
    texture(device, queue, TextureFormat::R16Float, size, |slices| {
        let slice = size[0] * size[1];
        let part = blocks.get(slices.start * slice..slices.end * slice).unwrap_or_default();
        bytemuck::cast_slice(part.reinterpret_cast()).into()
    })
}

/// Keep in sync with group 0 in `shaders/raycast.wgsl`.
fn scene_layout(device: &wgpu::Device) -> wgpu::BindGroupLayout {
    use wgpu::TextureViewDimension::{D2, D3};
    let uniform = wgpu::BindingType::Buffer {
        ty: wgpu::BufferBindingType::Uniform,
        has_dynamic_offset: false,
        min_binding_size: None,
    };
    let volumes = (4..8).map(|binding| texture_layout(binding, D3, true));
    let blocks = (8..12).map(|binding| texture_layout(binding, D3, false));
    let entries: Vec<_> = [
        layout_entry(0, uniform),
        layout_entry(1, wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering)),
        texture_layout(2, D2, false),
        texture_layout(3, D2, false),
    ]
    .into_iter()
    .chain(volumes)
    .chain(blocks)
    .collect();
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor { label: Some("raycast"), entries: &entries })
}
