//! Pictures beside the screen: drawn when something has changed, and shown in every frame by one cheap pass.

use super::{Builder, layout_entry, texture_layout};
use wgpu::{TextureFormat, TextureViewDimension};

/// Format of the pictures; sRGB values, not linear ones.
pub(super) const FORMAT: TextureFormat = TextureFormat::Rgba8Unorm;

const SHOW: &str = include_str!("../../shaders/show.wgsl");

/// The programs that put a picture onto the screen.
pub(super) struct Show {
    same: wgpu::RenderPipeline,
    enlarged: wgpu::RenderPipeline,
    layout: wgpu::BindGroupLayout,
    filtering: wgpu::Sampler,
}

impl Show {
    pub fn new(device: &wgpu::Device, filtering: &wgpu::Sampler, screen: TextureFormat) -> Self {
        let layout = device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
            label: Some("offscreen"),
            entries: &[
                texture_layout(0, TextureViewDimension::D2, true),
                layout_entry(1, wgpu::BindingType::Sampler(wgpu::SamplerBindingType::Filtering)),
            ],
        });
        let build = |fragment| Builder { device }.variant(SHOW, ["vs_show", fragment], &[&layout], screen.into(), &[]);
        Self { same: build("fs_same"), enlarged: build("fs_enlarged"), filtering: filtering.clone(), layout }
    }

    /// Fills the viewport with a picture.
    pub fn draw(&self, pass: &mut wgpu::RenderPass<'_>, picture: &Offscreen) {
        pass.set_pipeline(if picture.is_enlarged { &self.enlarged } else { &self.same });
        pass.set_bind_group(0, &picture.group, &[]);
        pass.draw(0..3, 0..1);
    }
}

/// A picture to draw into.
pub(super) struct Offscreen {
    pub size: [u32; 2],
    pub target: wgpu::TextureView,
    group: wgpu::BindGroup,
    /// Whether it has fewer pixels than its place on the screen.
    pub is_enlarged: bool,
}

impl Offscreen {
    pub fn new(device: &wgpu::Device, show: &Show, size: [u32; 2]) -> Self {
        let texture = device.create_texture(&wgpu::TextureDescriptor {
            label: Some("offscreen"),
            size: wgpu::Extent3d { width: size[0], height: size[1], depth_or_array_layers: 1 },
            mip_level_count: 1,
            sample_count: 1,
            dimension: wgpu::TextureDimension::D2,
            format: FORMAT,
            usage: wgpu::TextureUsages::RENDER_ATTACHMENT | wgpu::TextureUsages::TEXTURE_BINDING,
            view_formats: &[],
        });
        let target = texture.create_view(&wgpu::TextureViewDescriptor::default());
        let group = device.create_bind_group(&wgpu::BindGroupDescriptor {
            label: Some("offscreen"),
            layout: &show.layout,
            entries: &[
                wgpu::BindGroupEntry { binding: 0, resource: wgpu::BindingResource::TextureView(&target) },
                wgpu::BindGroupEntry { binding: 1, resource: wgpu::BindingResource::Sampler(&show.filtering) },
            ],
        });
        Self { size, target, group, is_enlarged: false }
    }
}
