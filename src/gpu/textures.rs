//! A volume as textures. What goes to the GPU is decided in plain values first; the upload below is thin.
//!
//! Each volume becomes two: the *exact* numbers for slices (8-bit and 16-bit integers stay whole, everything else is
//! `f32`), and a *soft* half-precision copy of at most [`SOFT_SIDE`] voxels per side for ray-casting, which the hardware
//! can filter. Its *blocks* stay on the CPU: by them rays leap over what is not visible.

use super::blocks::Blocks;
use super::device::ready;
use crate::space::Grid;
use crate::volume::{Rescale, Volume, Voxels, with_voxels};
use glam::{DAffine3, DVec3};
use half::f16;
use half::slice::HalfFloatSliceExt as _;
use rayon::prelude::*;
use std::sync::LazyLock;
use wgpu::{Extent3d, TextureFormat};

/// The most voxels a side of the soft texture has.
const SOFT_SIDE: usize = 256;
/// Bytes handed to the driver at a time, so that its staging memory stays small.
const UPLOAD_BYTES: usize = 64 << 20;

/// The numbers of a volume as they go into a texture.
#[derive(Debug, PartialEq)]
pub(super) struct Exact {
    pub(super) size: [usize; 3],
    /// `R8Unorm`, `Rg8Unorm` (low byte, high byte) or `R32Float`.
    pub(super) format: TextureFormat,
    pub(super) bytes: Vec<u8>,
    /// From the texture's numbers to real values.
    pub(super) rescale: Rescale,
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

/// Keeps every `stride`-th voxel along each axis.
#[allow(clippy::unnecessary_cast, reason = "one arm is already f64")]
pub(super) fn exact(volume: &Volume, stride: [usize; 3]) -> Exact {
    const CENTRE_8: f64 = 128.0;
    const CENTRE_16: f64 = 32768.0;
    let grid = &volume.grid;
    let shifted = |centre: f64| Rescale { intercept: volume.rescale.apply(-centre), ..volume.rescale };
    let (format, bytes, rescale) = match &volume.voxels {
        Voxels::U8(v) => (TextureFormat::R8Unorm, gather(v, grid, stride, |x| [x]), volume.rescale),
        Voxels::I8(v) => {
            let bytes = gather(v, grid, stride, |x| [x.cast_unsigned() ^ 0x80]);
            (TextureFormat::R8Unorm, bytes, shifted(CENTRE_8))
        }
        Voxels::U16(v) => (TextureFormat::Rg8Unorm, gather(v, grid, stride, u16::to_le_bytes), volume.rescale),
        Voxels::I16(v) => {
            let bytes = gather(v, grid, stride, |x| (x.cast_unsigned() ^ 0x8000).to_le_bytes());
            (TextureFormat::Rg8Unorm, bytes, shifted(CENTRE_16))
        }
        other => {
            let smallest = LazyLock::new(|| volume.statistics().min);
            let bytes = with_voxels!(other, v => gather(v, grid, stride, |x| {
                let real = volume.rescale.apply(x as f64);
                (if real.is_finite() { real } else { *smallest } as f32).to_ne_bytes()
            }));
            (TextureFormat::R32Float, bytes, Rescale::NONE)
        }
    };
    Exact { size: reduced(grid.size, stride), format, bytes, rescale }
}

fn reduced(size: [usize; 3], stride: [usize; 3]) -> [usize; 3] {
    [0, 1, 2].map(|a| size[a].div_ceil(stride[a]))
}

fn gather<T: Copy + Sync, const N: usize>(
    voxels: &[T],
    grid: &Grid,
    stride: [usize; 3],
    encode: impl Fn(T) -> [u8; N] + Sync,
) -> Vec<u8> {
    let size = reduced(grid.size, stride);
    let mut bytes = vec![0; N * size.iter().product::<usize>()];
    bytes.par_chunks_mut(N * size[0]).enumerate().for_each(|(row, out)| {
        let start = grid.index([0, row % size[1] * stride[1], row / size[1] * stride[2]]);
        let line = voxels.get(start..start + grid.size[0]).unwrap_or_default();
        for (texel, &voxel) in out.as_chunks_mut().0.iter_mut().zip(line.iter().step_by(stride[0])) {
            *texel = encode(voxel);
        }
    });
    bytes
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

/// A volume on the GPU.
pub(super) struct GpuVolume {
    pub(super) exact: wgpu::TextureView,
    /// From the exact texture's numbers to real values.
    pub(super) exact_rescale: Rescale,
    /// Whether a texel holds the bytes of a whole number, not the number itself.
    pub(super) is_bytes: bool,
    pub(super) exact_voxel_from_world: DAffine3,
    pub(super) soft: wgpu::TextureView,
    pub(super) blocks: Blocks,
    /// From the soft texture's 0..1 to real values.
    pub(super) soft_rescale: Rescale,
    pub(super) soft_voxel_from_world: DAffine3,
    /// Smallest distance between soft voxels in mm.
    pub(super) soft_spacing_mm: f64,
}

/// Uploads a volume, with every n-th voxel only where the device is too small for all of them; the text says so.
/// None when the graphics memory is too small even then.
pub(super) fn upload(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    volume: &Volume,
) -> (Option<GpuVolume>, Option<String>) {
    let longest = device.limits().max_texture_dimension_3d as usize;
    let soft = soft(volume, SOFT_SIDE.min(longest));
    for coarser in [1, 2, 4] {
        let stride = volume.grid.size.map(|n| n.div_ceil(longest) * coarser);
        let exact = exact(volume, stride);
        let scope = device.push_error_scope(wgpu::ErrorFilter::OutOfMemory);
        let uploaded = create(device, queue, volume, &exact, stride, &soft);
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

fn create(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    volume: &Volume,
    exact: &Exact,
    stride: [usize; 3],
    soft: &Soft,
) -> GpuVolume {
    let voxel_from_world = volume.grid.voxel_from_world();
    let stride = DVec3::from_array(stride.map(|s| s as f64));
    let factor = soft.factor as f64;
    // The centre of the first soft voxel lies (factor - 1) / 2 voxels into the volume.
    let soft_from_voxel = DAffine3::from_scale(DVec3::splat(1.0 / factor))
        * DAffine3::from_translation(DVec3::splat((1.0 - factor) / 2.0));
    let half = TextureFormat::R16Float;
    GpuVolume {
        exact: texture(device, queue, exact.format, exact.size, &exact.bytes),
        exact_rescale: exact.rescale,
        is_bytes: exact.format != TextureFormat::R32Float,
        exact_voxel_from_world: DAffine3::from_scale(1.0 / stride) * voxel_from_world,
        soft: texture(device, queue, half, soft.size, bytemuck::cast_slice(soft.values.reinterpret_cast())),
        blocks: soft.blocks.clone(),
        soft_rescale: soft.rescale,
        soft_voxel_from_world: soft_from_voxel * voxel_from_world,
        soft_spacing_mm: volume.grid.spacing_mm().min_element() * factor,
    }
}

pub(super) fn texture(
    device: &wgpu::Device,
    queue: &wgpu::Queue,
    format: TextureFormat,
    size: [usize; 3],
    bytes: &[u8],
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
    let slab = (bytes.len() / size[2]).max(1);
    let slabs = (UPLOAD_BYTES / slab).max(1);
    for (part, data) in bytes.chunks(slab * slabs).enumerate() {
        let mut target = texture.as_image_copy();
        target.origin.z = (part * slabs) as u32;
        let layout = wgpu::TexelCopyBufferLayout {
            offset: 0,
            bytes_per_row: Some((slab / size[1]) as u32),
            rows_per_image: Some(height),
        };
        let depth_or_array_layers = (data.len() / slab) as u32;
        queue.write_texture(target, data, layout, Extent3d { width, height, depth_or_array_layers });
        queue.submit([]);
    }
    texture.create_view(&wgpu::TextureViewDescriptor::default())
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::volume::Unit;

    fn volume(size: [usize; 3], voxels: Voxels) -> Volume {
        let grid = Grid::centred(size, 1.0, DVec3::ZERO);
        Volume { grid, voxels, rescale: Rescale { slope: 2.0, intercept: 10.0 }, unit: Unit::Arbitrary }
    }

    #[test]
    fn integers_keep_their_bytes_and_signed_ones_are_moved_above_zero() {
        let signed = exact(&volume([3, 1, 1], Voxels::I16(vec![-32768, -1, 258])), [1; 3]);
        assert_eq!(signed.format, TextureFormat::Rg8Unorm);
        assert_eq!(signed.bytes, [0x00, 0x00, 0xff, 0x7f, 0x02, 0x81]);
        // 258 is stored as 33026: 2 * 33026 + intercept = 2 * 258 + 10.
        assert_eq!(signed.rescale.apply(33026.0), 526.0);
        let bytes = exact(&volume([2, 1, 1], Voxels::I8(vec![-128, 1])), [1; 3]);
        assert_eq!((bytes.format, bytes.bytes.as_slice()), (TextureFormat::R8Unorm, [0, 129].as_slice()));
        assert_eq!(bytes.rescale.apply(129.0), 12.0);
    }

    #[test]
    fn other_types_become_real_values_and_not_a_number_the_smallest() {
        let texture = exact(&volume([3, 1, 1], Voxels::F64(vec![1.0, f64::NAN, -4.0])), [1; 3]);
        assert_eq!(texture.format, TextureFormat::R32Float);
        assert_eq!(bytemuck::pod_collect_to_vec::<u8, f32>(&texture.bytes), [12.0, 2.0, 2.0]);
    }

    #[test]
    fn a_stride_keeps_the_first_and_every_nth_voxel() {
        let texture = exact(&volume([3, 2, 3], Voxels::U8((0..18).collect())), [2, 2, 1]);
        assert_eq!((texture.size, texture.bytes.as_slice()), ([2, 1, 3], [0, 2, 6, 8, 12, 14].as_slice()));
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
        let (exact, soft) = (exact(&volume, stride), soft(&volume, 3));
        let uploaded = create(&state.device, &state.queue, &volume, &exact, stride, &soft);
        let world = |i, j, k| volume.grid.world_from_voxel.transform_point3(DVec3::new(i, j, k));
        // Texel (1, 4, 1) is voxel (2, 4, 3); soft voxel (0, 2, 1) is the mean of voxels 0-1, 4-5 and 2-3.
        let texel = uploaded.exact_voxel_from_world.transform_point3(world(2.0, 4.0, 3.0));
        assert!(texel.distance(DVec3::new(1.0, 4.0, 1.0)) < 1e-9, "{texel}");
        let texel = uploaded.soft_voxel_from_world.transform_point3(world(0.5, 4.5, 2.5));
        assert!(texel.distance(DVec3::new(0.0, 2.0, 1.0)) < 1e-9, "{texel}");
        assert_eq!(uploaded.soft_spacing_mm, 2.0);
    }
}
