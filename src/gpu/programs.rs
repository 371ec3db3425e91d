//! The programs that draw slices: one for each combination of what is drawn how, built when it is first needed, as
//! software adapters would run every side of a branch.

use super::textures::Number;
use super::{Builder, SLICE, layout_entry, texture_layout};
use crate::image::render::Through;
use crate::view::{Interpolation, VoiFunction, VoiTable, Window};
use std::collections::HashMap;
use wgpu::{BlendState, TextureFormat, TextureSampleType, TextureViewDimension};

/// Entries in a row of a window's table; keep in sync with `TABLE_WIDTH` in `shaders/slice.wgsl`.
const TABLE_WIDTH: usize = 1024;
/// How many windows' tables are kept.
const TABLES: usize = 4;

/// What a program draws; keep in sync with the constants of `shaders/slice.wgsl`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Variant {
    pub number: Number,
    pub picture: Picture,
    pub interpolation: Interpolation,
    /// None for a plane without thickness.
    pub through: Option<Through>,
}

/// The scan by one of the functions of its window, or a layer over it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Picture {
    Ramp,
    Sigmoid,
    Table,
    Layer,
}

impl Picture {
    pub fn of(window: &Window) -> Self {
        match window.function {
            VoiFunction::Linear | VoiFunction::LinearExact => Self::Ramp,
            VoiFunction::Sigmoid => Self::Sigmoid,
            VoiFunction::Table(_) => Self::Table,
        }
    }
}

impl Variant {
    /// The shader with the type of its numbers.
    pub fn source(number: Number) -> String {
        let number = match number {
            Number::Unsigned => "u32",
            Number::Signed => "i32",
            Number::Real => "f32",
        };
        format!("alias Number = {number};\n{SLICE}")
    }

    fn constants(self) -> [(&'static str, f64); 3] {
        let interpolation = match self.interpolation {
            Interpolation::Nearest => 0.0,
            Interpolation::Linear => 1.0,
            Interpolation::Cubic => 2.0,
        };
        let through = match self.through {
            None => 0.0,
            Some(Through::Mean) => 1.0,
            Some(Through::Max) => 2.0,
            Some(Through::Min) => 3.0,
            Some(Through::Farthest) => 4.0,
        };
        let voi = match self.picture {
            Picture::Ramp | Picture::Layer => 0.0,
            Picture::Sigmoid => 1.0,
            Picture::Table => 2.0,
        };
        [("interpolation", interpolation), ("through", through), ("voi", voi)]
    }
}

/// The programs built so far, and the tables of windows.
pub(super) struct Programs {
    /// By [`Number`].
    layouts: [wgpu::BindGroupLayout; 3],
    built: HashMap<Variant, wgpu::RenderPipeline>,
    /// The newest last.
    tables: Vec<(VoiTable, bool, wgpu::TextureView)>,
}

impl Programs {
    pub fn new(device: &wgpu::Device) -> Self {
        let layouts = [Number::Unsigned, Number::Signed, Number::Real].map(|number| layout(device, number));
        Self { layouts, built: HashMap::new(), tables: Vec::new() }
    }

    /// What a program for such numbers binds.
    pub fn layout(&self, number: Number) -> &wgpu::BindGroupLayout {
        &self.layouts[number as usize]
    }

    /// The program for a variant.
    pub fn get(&mut self, device: &wgpu::Device, variant: Variant, target: TextureFormat) -> &wgpu::RenderPipeline {
        let Self { layouts, built, .. } = self;
        built.entry(variant).or_insert_with(|| {
            let is_layer = variant.picture == Picture::Layer;
            Builder { device }.variant(
                &Variant::source(variant.number),
                ["vs_cover", if is_layer { "fs_layer" } else { "fs_scan" }],
                &[&layouts[variant.number as usize]],
                wgpu::ColorTargetState {
                    format: target,
                    blend: is_layer.then_some(BlendState::ALPHA_BLENDING),
                    write_mask: wgpu::ColorWrites::ALL,
                },
                &variant.constants(),
            )
        })
    }

    /// The greys of a window with a table.
    pub fn table(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, window: &Window) -> Option<wgpu::TextureView> {
        let VoiFunction::Table(table) = &window.function else { return None };
        let same = |(held, inverted, _): &(VoiTable, bool, _)| held == table && *inverted == window.inverted;
        if let Some((.., view)) = self.tables.iter().find(|held| same(held)) {
            return Some(view.clone());
        }
        let grey = |&grey: &f32| if window.inverted { 1.0 - grey } else { grey };
        let mut greys: Vec<f32> = table.greys().iter().map(grey).collect();
        greys.resize(greys.len().next_multiple_of(TABLE_WIDTH), 0.0);
        let size = [TABLE_WIDTH, greys.len() / TABLE_WIDTH];
        let view = super::picture(device, queue, TextureFormat::R32Float, size, bytemuck::cast_slice(&greys));
        if self.tables.len() == TABLES {
            self.tables.remove(0);
        }
        self.tables.push((table.clone(), window.inverted, view.clone()));
        Some(view)
    }
}

/// Keep in sync with group 0 in `shaders/slice.wgsl`.
fn layout(device: &wgpu::Device, number: Number) -> wgpu::BindGroupLayout {
    let uniform = wgpu::BindingType::Buffer {
        ty: wgpu::BufferBindingType::Uniform,
        has_dynamic_offset: false,
        min_binding_size: None,
    };
    let sample_type = match number {
        Number::Unsigned => TextureSampleType::Uint,
        Number::Signed => TextureSampleType::Sint,
        Number::Real => TextureSampleType::Float { filterable: false },
    };
    let volume =
        wgpu::BindingType::Texture { sample_type, view_dimension: TextureViewDimension::D3, multisampled: false };
    device.create_bind_group_layout(&wgpu::BindGroupLayoutDescriptor {
        label: Some("slice"),
        entries: &[
            layout_entry(0, uniform),
            layout_entry(1, volume),
            texture_layout(2, TextureViewDimension::D2, false),
        ],
    })
}
