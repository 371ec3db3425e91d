//! A slice as a shape that egui can paint. The drawing itself is in `shaders/slice.wgsl`.

use super::{Affine, OverlayUniform, PANES, Resources};
use crate::image::render::Layer;
use crate::view::{Interpolation, SliceView};
use crate::volume::Volume;
use bytemuck::{Pod, Zeroable};
use eframe::egui_wgpu::{Callback, CallbackResources, CallbackTrait, ScreenDescriptor};
use egui::{PaintCallbackInfo, Rect, Shape};
use glam::{DAffine3, DVec3};
use std::sync::Arc;

/// The shape that draws a slice of `scan` with `layers` on top, the first lowest, into `rect`.
///
/// `pane` (0 to [`PANES`] - 1) must be different for each slice of a frame.
pub fn slice(rect: Rect, pane: usize, view: SliceView, scan: Arc<Volume>, layers: Vec<Layer>) -> Shape {
    debug_assert!(pane < PANES, "there are {PANES} panes");
    if pane < PANES {
        Callback::new_paint_callback(rect, SliceCallback { rect, pane, view, scan, layers }).into()
    } else {
        Shape::Noop
    }
}

/// Keep in sync with `Slice` in `shaders/slice.wgsl`, where the fields are explained.
#[repr(C)]
#[derive(Clone, Copy, Pod, Zeroable)]
pub(super) struct SliceUniform {
    scan_from_pixel: Affine,
    map_from_pixel: Affine,
    overlay: OverlayUniform,
    grey_centre: f32,
    grey_factor: f32,
    map_slope: f32,
    map_intercept: f32,
    linear: u32,
    scan_is_bytes: u32,
    map_is_bytes: u32,
    padding: u32,
}

struct SliceCallback {
    rect: Rect,
    pane: usize,
    view: SliceView,
    scan: Arc<Volume>,
    layers: Vec<Layer>,
}

impl SliceCallback {
    fn uniform(&self, resources: &Resources, pixels_per_point: f32) -> Option<SliceUniform> {
        let drawn = resources.drawn[self.pane].as_ref()?;
        let (scan, map) = (&drawn.scan, drawn.map.as_ref().unwrap_or(&resources.nothing));
        let corner = DVec3::new(f64::from(self.rect.min.x), f64::from(self.rect.min.y), 0.0);
        let point = f64::from(pixels_per_point).recip();
        let pane_from_pixel = DAffine3::from_translation(-corner) * DAffine3::from_scale(DVec3::new(point, point, 1.0));
        let world_from_pixel = self.view.world_from_pane * pane_from_pixel;

        // grey = factor * (slope * number + intercept) + offset
        let (factor, offset) = self.view.window.factor_and_offset();
        let grey_factor = factor * scan.exact_rescale.slope;
        let at_zero = factor * scan.exact_rescale.intercept + offset;
        Some(SliceUniform {
            scan_from_pixel: (scan.exact_voxel_from_world * world_from_pixel).into(),
            map_from_pixel: (map.exact_voxel_from_world * world_from_pixel).into(),
            overlay: self
                .layers
                .first()
                .map_or_else(OverlayUniform::zeroed, |layer| OverlayUniform::new(&layer.overlay)),
            grey_centre: ((0.5 - at_zero) / grey_factor) as f32,
            grey_factor: grey_factor as f32,
            map_slope: map.exact_rescale.slope as f32,
            map_intercept: map.exact_rescale.intercept as f32,
            linear: u32::from(self.view.interpolation != Interpolation::Nearest),
            scan_is_bytes: u32::from(scan.is_bytes),
            map_is_bytes: u32::from(map.is_bytes),
            padding: 0,
        })
    }
}

impl CallbackTrait for SliceCallback {
    fn prepare(
        &self,
        device: &wgpu::Device,
        queue: &wgpu::Queue,
        screen: &ScreenDescriptor,
        _encoder: &mut wgpu::CommandEncoder,
        resources: &mut CallbackResources,
    ) -> Vec<wgpu::CommandBuffer> {
        if let Some(resources) = resources.get_mut::<Resources>()
            && resources.prepare(device, queue, self.pane, &self.scan, &self.layers)
            && let Some(uniform) = self.uniform(resources, screen.pixels_per_point)
        {
            resources.write_uniform(queue, self.pane, &uniform);
        }
        Vec::new()
    }

    fn paint(&self, _: PaintCallbackInfo, pass: &mut wgpu::RenderPass<'static>, resources: &CallbackResources) {
        if let Some(resources) = resources.get::<Resources>()
            && let Some(drawn) = &resources.drawn[self.pane]
        {
            let with_map = drawn.map.is_some();
            let program = if with_map { &resources.slice_with_map } else { &resources.slice };
            resources.cover(pass, program, self.pane);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::gpu::testing;
    use crate::image::render;
    use crate::space::{Grid, Plane};
    use crate::view::{ColourMap, Frame, Overlay, PlaneCamera, Slab, Window};
    use crate::volume::{Rescale, Unit, Volume, Voxels};
    use egui::{pos2, vec2};
    use glam::{DMat3, DQuat, DVec2};
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    const SIZE: [usize; 2] = [96, 72];

    fn rect(x: f32) -> Rect {
        Rect::from_min_size(pos2(x, 0.0), vec2(SIZE[0] as f32, SIZE[1] as f32))
    }

    fn oblique() -> SliceView {
        let turn = DMat3::from_quat(DQuat::from_rotation_y(0.3) * DQuat::from_rotation_x(0.2));
        let (right, down) = Plane::Coronal.screen_axes();
        let axes = turn * DMat3::from_cols(right * 0.37, down * 0.37, DVec3::Y);
        SliceView {
            world_from_pane: DAffine3 { matrix3: axes, translation: axes * DVec3::new(-48.3, -36.1, 0.7) },
            window: Window::between(-150.0, 900.0),
            interpolation: Interpolation::Linear,
            slab: Slab::default(),
        }
    }

    /// A sheared, mirrored and rotated grid that fills most of the picture.
    fn sheared(size: [usize; 3]) -> Grid {
        let shear = DMat3::from_cols(DVec3::new(-1.1, 0.1, 0.0), DVec3::new(0.2, 0.3, 1.3), DVec3::new(0.1, 1.6, 0.4));
        let half = DVec3::from_array(size.map(|n| (n as f64 - 1.0) / 2.0));
        Grid::new(size, DAffine3 { matrix3: shear, translation: -(shear * half) }).unwrap()
    }

    /// Smooth hills with noise, so that every voxel matters.
    fn reals(grid: &Grid, seed: u64) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..grid.count()).map(|i| 400.0 + 380.0 * (i as f64 * 0.11).sin() + random.random_range(-60.0..60.0)).collect()
    }

    fn agree(volume: &Arc<Volume>, layers: &[Layer], view: &SliceView, what: &str) {
        let shape = slice(rect(0.0), 3, view.clone(), Arc::clone(volume), layers.to_vec());
        let Some(gpu) = testing::draw(SIZE, 1.0, vec![shape]) else { return };
        let cpu = render::slice(volume, layers, view, SIZE);
        let differs = |(a, b): (&[u8; 4], &[u8; 4])| a.iter().zip(b).any(|(a, b)| a.abs_diff(*b) > 1);
        let (gpu, cpu) = (gpu.rgba.as_chunks().0, cpu.rgba.as_chunks().0);
        let wrong = gpu.iter().zip(cpu).filter(|&pair| differs(pair)).count();
        let inside = cpu.iter().filter(|pixel| pixel[0] != 5).count();
        assert!(inside > gpu.len() / 4 && inside < gpu.len(), "{what}: {inside} pixels show the volume");
        assert!(wrong <= 10, "{what}: {wrong} pixels differ");
    }

    #[test]
    fn every_stored_type_looks_the_same_as_on_the_cpu() {
        let grid = sheared([25, 21, 19]);
        let reals = reals(&grid, 1);
        let stored = |slope: f64, intercept: f64| reals.iter().map(move |r| ((r - intercept) / slope).round());
        let cases = [
            (1.0, -1024.0, Voxels::U16(stored(1.0, -1024.0).map(|v| v as u16).collect())),
            (0.02, 400.0, Voxels::I16(stored(0.02, 400.0).map(|v| v as i16).collect())),
            (-0.02, 400.0, Voxels::I16(stored(-0.02, 400.0).map(|v| v as i16).collect())),
            (4.0, 0.0, Voxels::U8(stored(4.0, 0.0).map(|v| v as u8).collect())),
            (8.0, 400.0, Voxels::I8(stored(8.0, 400.0).map(|v| v as i8).collect())),
            (0.001, 0.0, Voxels::I32(stored(0.001, 0.0).map(|v| v as i32).collect())),
            (2.0, 1.0, Voxels::F32(stored(2.0, 1.0).map(|v| v as f32).collect())),
            (1.0, 0.0, Voxels::F64(reals.clone())),
        ];
        for (slope, intercept, voxels) in cases {
            let name = format!("{} with slope {slope}", voxels.type_name());
            let volume = Volume { grid, voxels, rescale: Rescale { slope, intercept }, unit: Unit::Arbitrary }.into();
            agree(&volume, &[], &oblique(), &name);
            let nearest = SliceView { interpolation: Interpolation::Nearest, ..oblique() };
            agree(&volume, &[], &nearest, &format!("{name}, nearest"));
        }
    }

    #[test]
    fn sixteen_bits_far_from_zero_keep_their_single_units_in_a_narrow_window() {
        let grid = sheared([25, 21, 19]);
        let voxels = Voxels::U16((0..grid.count()).map(|i| 65_000 + (i % 8) as u16).collect());
        let volume = Volume { grid, voxels, rescale: Rescale::NONE, unit: Unit::Arbitrary };
        let window = Window::linear(65_003.0, 9.0);
        let view = SliceView { window, interpolation: Interpolation::Nearest, ..oblique() };
        agree(&volume.into(), &[], &view, "narrow window");
    }

    #[test]
    fn a_map_on_another_grid_lies_where_the_cpu_puts_it() {
        let scan = Volume::from_f32(sheared([25, 21, 19]), vec![300.0; 25 * 21 * 19], Unit::Arbitrary).into();
        let grid = Grid::centred([11, 12, 13], 1.7, DVec3::new(4.0, 0.0, -3.0));
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let mut values: Vec<f32> = (0..grid.count()).map(|_| random.random_range(-0.1..1.2)).collect();
        values[700] = f32::NAN;
        let volume: Arc<Volume> = Volume::from_f32(grid, values, Unit::Score).into();
        for (colours, threshold) in [(ColourMap::Inferno, 0.35), (ColourMap::Cividis, 0.0)] {
            let overlay =
                Overlay { colours, opacity: 0.55, threshold, low: threshold, high: 1.0, ..Overlay::default() };
            let layers = [Layer { volume: Arc::clone(&volume), overlay }];
            agree(&scan, &layers, &oblique(), colours.name());
        }
    }

    #[test]
    fn patient_right_is_left_of_the_centre_of_the_screen() {
        let grid = Grid::centred([32, 32, 32], 2.0, DVec3::ZERO);
        let mut values = vec![0.0; grid.count()];
        values[grid.index([26, 16, 16])] = 100.0;
        assert!(grid.world_from_voxel.transform_point3(DVec3::new(26.0, 16.0, 16.0)).x > 20.0, "patient right");
        let volume: Arc<Volume> = Volume::from_f32(grid, values, Unit::Arbitrary).into();
        for plane in [Plane::Axial, Plane::Coronal] {
            let camera = PlaneCamera { centre_mm: DVec3::ZERO, mm_per_point: 1.0 };
            let size = DVec2::new(SIZE[0] as f64, SIZE[1] as f64);
            let world_from_pane = camera.world_from_pane(&Frame::default(), plane, size, DVec3::splat(1.0));
            let window = Window::between(0.0, 100.0);
            let view =
                SliceView { world_from_pane, window, interpolation: Interpolation::Nearest, slab: Slab::default() };
            let shape = slice(rect(0.0), 0, view.clone(), Arc::clone(&volume), Vec::new());
            let pictures = [testing::draw(SIZE, 1.0, vec![shape])];
            for picture in pictures.into_iter().flatten().chain([render::slice(&volume, &[], &view, SIZE)]) {
                let bright: Vec<usize> =
                    (0..SIZE[0] * SIZE[1]).filter(|&p| picture.rgba[4 * p] > 200).map(|p| p % SIZE[0]).collect();
                assert!(bright.len() == 4 && bright.iter().all(|&x| x < SIZE[0] / 2 - 15), "{plane:?}: {bright:?}");
            }
        }
    }

    #[test]
    fn panes_side_by_side_show_their_own_slices_at_any_scale() {
        let grid = sheared([25, 21, 19]);
        let values = reals(&grid, 3).iter().map(|&r| r as f32).collect();
        let volume: Arc<Volume> = Volume::from_f32(grid, values, Unit::Arbitrary).into();
        let views = [0.0, 2.0, 4.0].map(|deeper| {
            let mut view = oblique();
            view.world_from_pane.translation += view.world_from_pane.matrix3.z_axis * deeper;
            view
        });
        let shape = |pane: usize| {
            slice(rect((pane * SIZE[0]) as f32), pane, views[pane].clone(), Arc::clone(&volume), Vec::new())
        };
        let Some(picture) = testing::draw([3 * SIZE[0], SIZE[1]], 2.0, (0..3).map(shape).collect()) else { return };
        for (pane, view) in views.iter().enumerate() {
            // The CPU's points are pixels; there are four to each point of the window.
            let half = DAffine3::from_scale(DVec3::new(0.5, 0.5, 1.0));
            let fine = SliceView { world_from_pane: view.world_from_pane * half, ..view.clone() };
            let size = SIZE.map(|n| 2 * n);
            let cpu = render::slice(&volume, &[], &fine, size);
            let differs = |p: &usize| {
                let (x, y) = (p % size[0], p / size[0]);
                picture.pixel(pane * size[0] + x, y).unwrap()[0].abs_diff(cpu.pixel(x, y).unwrap()[0]) > 1
            };
            let wrong = (0..size[0] * size[1]).filter(differs).count();
            assert!(wrong <= 10, "pane {pane}: {wrong} pixels differ");
        }
    }
}
