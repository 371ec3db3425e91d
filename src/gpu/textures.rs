//! A volume as textures. What goes to the GPU is decided in plain values first; the upload below is thin.
//!
//! Each volume becomes two: the *exact* numbers for slices (8-bit and 16-bit integers as they are, everything else as
//! `f32`), and a *soft* half-precision copy of at most [`SOFT_SIDE`] voxels per side for ray-casting, which the hardware
//! can filter. Its *blocks* stay on the CPU: by them rays leap over what is not visible.

use super::blocks::Blocks;
use super::device::ready;
use crate::volume::{Rescale, Volume, Voxels, with_voxels};
use bytemuck::Pod;
use glam::{DAffine3, DVec3};
use half::f16;
use half::slice::HalfFloatSliceExt as _;
use rayon::prelude::*;
use std::borrow::Cow;
use std::ops::Range;
use wgpu::{Extent3d, TextureFormat};

/// The most voxels a side of the soft texture has.
const SOFT_SIDE: usize = 256;
/// About how many bytes are handed to the driver at a time: little next to a volume, as there are copies of them on the
/// way.
const UPLOAD_BYTES: usize = 8 << 20;

/// The numbers of a volume as they go into a texture, with every so many-th voxel along each axis.
pub(super) struct Exact<'a> {
    volume: &'a Volume,
    stride: [usize; 3],
    pub(super) size: [usize; 3],
    pub(super) format: TextureFormat,
    /// From the texture's numbers to real values.
    pub(super) rescale: Rescale,
    /// What stands for a number that is not finite.
    smallest: f64,
}

impl<'a> Exact<'a> {
    pub(super) fn new(volume: &'a Volume, stride: [usize; 3]) -> Self {
        let format = match &volume.voxels {
            Voxels::U8(_) => TextureFormat::R8Uint,
            Voxels::I8(_) => TextureFormat::R8Sint,
            Voxels::U16(_) => TextureFormat::R16Uint,
            Voxels::I16(_) => TextureFormat::R16Sint,
            _ => TextureFormat::R32Float,
        };
        let as_real = format == TextureFormat::R32Float;
        Self {
            volume,
            stride,
            size: reduced(volume.grid.size, stride),
            format,
            rescale: if as_real { Rescale::NONE } else { volume.rescale },
            smallest: if as_real { volume.statistics().min } else { 0.0 },
        }
    }

    /// The bytes of some of the texture's slices.
    #[allow(clippy::unnecessary_cast, reason = "one arm is already f64")]
    fn bytes(&self, slices: Range<usize>) -> Cow<'a, [u8]> {
        match &self.volume.voxels {
            Voxels::U8(v) => self.stored(v, slices),
            Voxels::I8(v) => self.stored(v, slices),
            Voxels::U16(v) => self.stored(v, slices),
            Voxels::I16(v) => self.stored(v, slices),
            other => with_voxels!(other, v => owned(&self.gather(v, slices, |x| {
                let real = self.volume.rescale.apply(x as f64);
                (if real.is_finite() { real } else { self.smallest }) as f32
            }))),
        }
    }

    /// Numbers as they are stored; without a copy when none is left out.
    fn stored<T: Pod + Send + Sync>(&self, voxels: &'a [T], slices: Range<usize>) -> Cow<'a, [u8]> {
        if self.stride == [1; 3] {
            let slice = self.size[0] * self.size[1];
            bytemuck::cast_slice(voxels.get(slices.start * slice..slices.end * slice).unwrap_or_default()).into()
        } else {
            owned(&self.gather(voxels, slices, |x| x))
        }
    }

    fn gather<T: Copy + Sync, U: Pod + Send>(
        &self,
        voxels: &[T],
        slices: Range<usize>,
        encode: impl Fn(T) -> U + Sync,
    ) -> Vec<U> {
        let (grid, size, stride) = (&self.volume.grid, self.size, self.stride);
        let mut texels = vec![U::zeroed(); slices.len() * size[0] * size[1]];
        texels.par_chunks_mut(size[0]).enumerate().for_each(|(row, out)| {
            let (j, k) = (row % size[1], slices.start + row / size[1]);
            let start = grid.index([0, j * stride[1], k * stride[2]]);
            let line = voxels.get(start..start + grid.size[0]).unwrap_or_default();
            for (texel, &voxel) in out.iter_mut().zip(line.iter().step_by(stride[0])) {
                *texel = encode(voxel);
            }
        });
        texels
    }
}

fn owned<T: Pod>(texels: &[T]) -> Cow<'static, [u8]> {
    Cow::Owned(bytemuck::cast_slice(texels).to_vec())
}

fn reduced(size: [usize; 3], stride: [usize; 3]) -> [usize; 3] {
    [0, 1, 2].map(|a| size[a].div_ceil(stride[a]))
}

/// Real values normalised to 0..1.
#[derive(Debug, PartialEq)]
pub(super) struct Soft {
    pub(super) size: [usize; 3],
    pub(super) values: Vec<f16>,
    pub(super) blocks: Blocks,
    /// Source voxels per soft voxel along each axis.
    pub(super) factor: usize,
    /// From normalised to real values; the slope is positive.
    pub(super) rescale: Rescale,
}

/// Normalises to 0..1 and, where a side is longer than `longest`, takes the mean of small cubes.
#[allow(clippy::unnecessary_cast, reason = "one arm is already f64")]
pub(super) fn soft(volume: &Volume, longest: usize) -> Soft {
    let statistics = volume.statistics();
    let range = statistics.max - statistics.min;
    let range = if range > 0.0 { range } else { 1.0 };
    let (slope, intercept) = (volume.rescale.slope / range, (volume.rescale.intercept - statistics.min) / range);
    let normalise = |stored: f64| {
        let normalised = slope * stored + intercept;
        if normalised.is_finite() { normalised as f32 } else { 0.0 }
    };
    let source = volume.grid.size;
    let factor = source.iter().max().copied().unwrap_or(1).div_ceil(longest);
    let size = reduced(source, [factor; 3]);

    let mut values = vec![f16::ZERO; size.iter().product()];
    with_voxels!(&volume.voxels, stored => values.par_chunks_mut(size[0]).enumerate().for_each(|(row, out)| {
        let mut sums = vec![0.0; size[0]];
        let (j, k) = (row % size[1] * factor, row / size[1] * factor);
        let (js, ks) = (j..(j + factor).min(source[1]), k..(k + factor).min(source[2]));
        for line in ks.clone().flat_map(|k| js.clone().map(move |j| volume.grid.index([0, j, k]))) {
            let line = stored.get(line..line + source[0]).unwrap_or_default();
            for (sum, voxels) in sums.iter_mut().zip(line.chunks(factor)) {
                *sum += voxels.iter().map(|&x| normalise(x as f64)).sum::<f32>() / voxels.len() as f32;
            }
        }
        let lines = (js.len() * ks.len()) as f32;
        for sum in &mut sums {
            *sum /= lines;
        }
        out.convert_from_f32_slice(&sums);
    }));

    let rescale = Rescale { slope: range, intercept: statistics.min };
    Soft { size, blocks: Blocks::new(&values, size), values, factor, rescale }
}

/// Which type the numbers of an exact texture have in a shader.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Number {
    Unsigned,
    Signed,
    Real,
}

impl Number {
    fn of(format: TextureFormat) -> Self {
        match format {
            TextureFormat::R8Uint | TextureFormat::R16Uint => Self::Unsigned,
            TextureFormat::R8Sint | TextureFormat::R16Sint => Self::Signed,
            _ => Self::Real,
        }
    }
}

/// A volume on the GPU.
pub(super) struct GpuVolume {
    pub(super) exact: wgpu::TextureView,
    pub(super) number: Number,
    /// From the exact texture's numbers to real values.
    pub(super) exact_rescale: Rescale,
    pub(super) exact_voxel_from_world: DAffine3,
    /// The outer edges of the volume in voxels of the exact texture.
    pub(super) exact_edges: [DVec3; 2],
    pub(super) soft: wgpu::TextureView,
    pub(super) blocks: Blocks,
    /// From the soft texture's 0..1 to real values.
    pub(super) soft_rescale: Rescale,
    pub(super) soft_voxel_from_world: DAffine3,
    /// Smallest distance between soft voxels in mm.
    pub(super) soft_spacing_mm: f64,
}

/// Uploads a volume, with every n-th voxel only where a side is longer than `longest` or the graphics memory too small
/// for all of them; the text says so. None when the memory is too small even then.
pub(super) fn upload(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    volume: &Volume,
    longest: usize,
) -> (Option<GpuVolume>, Option<String>) {
    let soft = soft(volume, SOFT_SIDE.min(longest));
    for coarser in [1, 2, 4] {
        let stride = volume.grid.size.map(|n| n.div_ceil(longest) * coarser);
        let scope = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let uploaded = create(device, queue, &Exact::new(volume, stride), &soft);
        if ready(scope.pop()).flatten().is_none() {
            let [i, j, k] = stride;
            let note = (stride != [1; 3]).then(|| {
                format!("the graphics device is too small for this volume: every {i}. × {j}. × {k}. voxel is drawn")
            });
            return (Some(uploaded), note);
        }
    }
    (None, Some("the graphics memory is too small for this volume; close other programs and open it again".into()))
}

fn create(device: &wgpu::Device, queue: &wgpu::Queue, exact: &Exact<'_>, soft: &Soft) -> GpuVolume {
    let grid = &exact.volume.grid;
    let voxel_from_world = grid.voxel_from_world();
    let stride = DVec3::from_array(exact.stride.map(|s| s as f64));
    let factor = soft.factor as f64;
    // The centre of the first soft voxel lies (factor - 1) / 2 voxels into the volume.
    let soft_from_voxel = DAffine3::from_scale(DVec3::splat(1.0 / factor))
        * DAffine3::from_translation(DVec3::splat((1.0 - factor) / 2.0));
    let half = |size: [usize; 3], values: &[f16]| {
        texture(device, queue, TextureFormat::R16Float, size, |slices| {
            let slice = size[0] * size[1];
            let part = values.get(slices.start * slice..slices.end * slice).unwrap_or_default();
            bytemuck::cast_slice(part.reinterpret_cast()).into()
        })
    };
    GpuVolume {
        exact: texture(device, queue, exact.format, exact.size, |slices| exact.bytes(slices)),
        number: Number::of(exact.format),
        exact_rescale: exact.rescale,
        exact_voxel_from_world: DAffine3::from_scale(1.0 / stride) * voxel_from_world,
        exact_edges: [-0.5 / stride, (DVec3::from_array(grid.size.map(|n| n as f64)) - 0.5) / stride],
        soft: half(soft.size, &soft.values),
        blocks: soft.blocks.clone(),
        soft_rescale: soft.rescale,
        soft_voxel_from_world: soft_from_voxel * voxel_from_world,
        soft_spacing_mm: grid.spacing_mm().min_element() * factor,
    }
}

/// A texture with the bytes that `part` gives for its slices, some at a time.
pub(super) fn texture<'a>(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    format: TextureFormat,
    size: [usize; 3],
    part: impl Fn(Range<usize>) -> Cow<'a, [u8]>,
) -> wgpu::TextureView {
    let [width, height, depth_or_array_layers] = size.map(|n| n as u32);
    let texture = device.create_texture(&wgpu::TextureDescriptor {
        label: Some("volume"),
        size: Extent3d { width, height, depth_or_array_layers },
        mip_level_count: 1,
        sample_count: 1,
        dimension: wgpu::TextureDimension::D3,
        format,
        usage: wgpu::TextureUsages::TEXTURE_BINDING | wgpu::TextureUsages::COPY_DST,
        view_formats: &[],
    });
    let row = width * format.block_copy_size(None).unwrap_or(4);
    let slices = (UPLOAD_BYTES / (row as usize * size[1])).max(1);
    for start in (0..size[2]).step_by(slices) {
        let slices = start..(start + slices).min(size[2]);
        let mut target = texture.as_image_copy();
        target.origin.z = start as u32;
        let layout = wgpu::TexelCopyBufferLayout { offset: 0, bytes_per_row: Some(row), rows_per_image: Some(height) };
        let extent = Extent3d { width, height, depth_or_array_layers: slices.len() as u32 };
        queue.write_texture(target, &part(slices), layout, extent);
        // The copy on the way is let go of when the device has it.
        queue.submit([]);
        let _ = device.poll(wgpu::PollType::wait_indefinitely());
    }
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::space::Grid;
    use crate::volume::Unit;

    fn volume(size: [usize; 3], voxels: Voxels) -> Volume {
        let grid = Grid::centred(size, 1.0, DVec3::ZERO);
        Volume { grid, voxels, rescale: Rescale { slope: 2.0, intercept: 10.0 }, unit: Unit::Arbitrary }
    }

    #[test]
    fn integers_go_as_they_are_and_without_a_copy() {
        let volume = volume([3, 1, 2], Voxels::I16(vec![-32768, -1, 258, 4, 5, 6]));
        let exact = Exact::new(&volume, [1; 3]);
        assert_eq!((exact.format, exact.rescale), (TextureFormat::R16Sint, volume.rescale));
        assert!(matches!(exact.bytes(0..1), Cow::Borrowed([0x00, 0x80, 0xff, 0xff, 0x02, 0x01])));
        assert_eq!(*exact.bytes(1..2), [4, 0, 5, 0, 6, 0]);
    }

    #[test]
    fn other_types_become_real_values_and_not_a_number_the_smallest() {
        let volume = volume([3, 1, 1], Voxels::F64(vec![1.0, f64::NAN, -4.0]));
        let exact = Exact::new(&volume, [1; 3]);
        assert_eq!((exact.format, exact.rescale), (TextureFormat::R32Float, Rescale::NONE));
        assert_eq!(bytemuck::pod_collect_to_vec::<u8, f32>(&exact.bytes(0..1)), [12.0, 2.0, 2.0]);
    }

    #[test]
    fn a_stride_keeps_the_first_and_every_nth_voxel() {
        let volume = volume([3, 2, 3], Voxels::U8((0..18).collect()));
        let exact = Exact::new(&volume, [2, 2, 1]);
        assert_eq!((exact.size, &*exact.bytes(0..3)), ([2, 1, 3], [0, 2, 6, 8, 12, 14].as_slice()));
        assert_eq!(*exact.bytes(2..3), [12, 14]);
    }

    #[test]
    fn the_soft_copy_is_normalised_and_averaged() {
        let small = soft(&volume([4, 1, 1], Voxels::F32(vec![0.0, 4.0, f32::NAN, 8.0])), 2);
        assert_eq!((small.size, small.factor), ([2, 1, 1], 2));
        assert_eq!(small.values, [0.25, 0.5].map(f16::from_f32));
        assert_eq!(small.rescale, Rescale { slope: 16.0, intercept: 10.0 });
    }

    #[test]
    fn reduced_textures_lie_where_the_volume_lies() {
        let setup = egui_kittest::wgpu::default_wgpu_setup();
        let Some(state) = crate::gpu::testing::render_state(setup) else { return };
        let volume = volume([6, 6, 6], Voxels::U8(vec![0; 216]));
        let stride = [2, 1, 3];
        let soft = soft(&volume, 3);
        let uploaded = create(&state.device, &state.queue, &Exact::new(&volume, stride), &soft);
        let world = |i, j, k| volume.grid.world_from_voxel.transform_point3(DVec3::new(i, j, k));
        // Texel (1, 4, 1) is voxel (2, 4, 3); soft voxel (0, 2, 1) is the mean of voxels 0-1, 4-5 and 2-3.
        let texel = uploaded.exact_voxel_from_world.transform_point3(world(2.0, 4.0, 3.0));
        assert!(texel.distance(DVec3::new(1.0, 4.0, 1.0)) < 1e-9, "{texel}");
        let texel = uploaded.soft_voxel_from_world.transform_point3(world(0.5, 4.5, 2.5));
        assert!(texel.distance(DVec3::new(0.0, 2.0, 1.0)) < 1e-9, "{texel}");
        assert_eq!(uploaded.soft_spacing_mm, 2.0);
    }
}
