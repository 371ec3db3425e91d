//! The outline of what a layer shows on a slice, as lines; and lines drawn into pictures.

use super::render::Layer;
use crate::space::Grid;
use crate::view::{Picture, SliceView};
use glam::{DAffine3, DVec2, DVec3};
use rayon::prelude::*;

/// How far the points are apart between which the outline goes, at least, in points of the view.
const STEP: f64 = 2.0;

/// The outline of the visible part of a layer on the middle of a slab, in points of a view of `size`: pieces of line in no
/// order. Between voxels it goes where half of what surrounds a point is visible.
#[must_use]
pub fn outline(layer: &Layer, view: &SliceView, size: DVec2) -> Vec<[DVec2; 2]> {
    let grid = &layer.volume.grid;
    let voxel_from_pane = grid.voxel_from_world() * view.world_from_pane;
    let Some((low, high)) = on_pane(grid, &voxel_from_pane.inverse()) else { return Vec::new() };
    let mm_per_point = view.world_from_pane.matrix3.x_axis.length();
    let step = (grid.spacing_mm().min_element() / mm_per_point).max(STEP);
    // Counted from the volume, so that the outline stays as it is when the view is moved.
    let first = low + step * ((-low / step).floor()).max(DVec2::ZERO);
    let count = ((high.min(size) - first) / step).ceil().max(DVec2::NEG_ONE) + 2.0;
    let (columns, rows) = (count.x as usize, count.y as usize);
    let at = |x: usize, y: usize| first + step * DVec2::new(x as f64, y as f64);

    let rescale = layer.volume.rescale;
    let visible = |index: usize| layer.overlay.position(rescale.apply(layer.volume.voxels.get(index)) as f32).is_some();
    let mut shares = vec![0.0; columns * rows];
    shares.par_chunks_mut(columns.max(1)).enumerate().for_each(|(y, row)| {
        for (x, share) in row.iter_mut().enumerate() {
            *share = visible_share(grid, &visible, voxel_from_pane.transform_point3(at(x, y).extend(0.0)));
        }
    });

    let mut pieces = Vec::new();
    for (y, x) in (1..rows).flat_map(|y| (1..columns).map(move |x| (y, x))) {
        let corners =
            [(x - 1, y - 1), (x, y - 1), (x, y), (x - 1, y)].map(|(x, y)| (at(x, y), shares[y * columns + x]));
        cross(corners, &mut pieces);
    }
    pieces
}

/// Where a grid is on the pane, with a voxel to spare; none where the slice passes beside it.
fn on_pane(grid: &Grid, pane_from_voxel: &DAffine3) -> Option<(DVec2, DVec2)> {
    let (mut low, mut high) = (DVec3::INFINITY, DVec3::NEG_INFINITY);
    for corner in 0..8_usize {
        let pick = |a: usize| if corner >> a & 1 == 1 { grid.size[a] as f64 } else { -1.0 };
        let p = pane_from_voxel.transform_point3(DVec3::new(pick(0), pick(1), pick(2)));
        (low, high) = (low.min(p), high.max(p));
    }
    (low.z <= 0.0 && high.z >= 0.0).then(|| (low.truncate(), high.truncate()))
}

/// How much of what surrounds a point is visible, by its distance to the eight voxels around; nothing outside is.
fn visible_share(grid: &Grid, visible: &impl Fn(usize) -> bool, voxel: DVec3) -> f64 {
    let (base, part) = (voxel.floor(), voxel - voxel.floor());
    let weight = |corner: usize| -> f64 {
        let near = |a: usize| if corner >> a & 1 == 1 { part[a] } else { 1.0 - part[a] };
        near(0) * near(1) * near(2)
    };
    let index = |corner: usize| {
        let c: [f64; 3] = std::array::from_fn(|a| base[a] + (corner >> a & 1) as f64);
        let inside = (0..3).all(|a| c[a] >= 0.0 && c[a] < grid.size[a] as f64);
        inside.then(|| grid.index(c.map(|c| c as usize)))
    };
    (0..8).filter(|&corner| index(corner).is_some_and(visible)).map(weight).sum()
}

/// The pieces of the outline in a square, whose corners go around it: one, or two that cut off opposite corners.
fn cross(corners: [(DVec2, f64); 4], pieces: &mut Vec<[DVec2; 2]>) {
    let is_in = |share: f64| share >= 0.5;
    let mut crossings = (0..4).filter_map(|n| {
        let ((a, from), (b, to)) = (corners[n], corners[(n + 1) % 4]);
        (is_in(from) != is_in(to)).then(|| a + (b - a) * ((0.5 - from) / (to - from)))
    });
    let (Some(first), Some(second)) = (crossings.next(), crossings.next()) else { return };
    match (crossings.next(), crossings.next()) {
        (Some(third), Some(fourth)) => {
            // The middle belongs to one pair of opposite corners; the others are cut off.
            let middle = corners.iter().map(|(_, share)| share).sum::<f64>() / 4.0;
            if is_in(middle) == is_in(corners[0].1) {
                pieces.extend([[first, second], [third, fourth]]);
            } else {
                pieces.extend([[fourth, first], [second, third]]);
            }
        }
        _ => pieces.push([first, second]),
    }
}

/// Draws a line of `width` pixels into a picture, its edges softened; what lies outside is left out.
pub fn draw_line(picture: &mut Picture, [from, to]: [DVec2; 2], width: f64, colour: [u8; 3]) {
    let reach = width / 2.0 + 1.0;
    let last = DVec2::new(picture.size[0] as f64, picture.size[1] as f64);
    let low = (from.min(to) - reach).floor().clamp(DVec2::ZERO, last);
    let high = (from.max(to) + reach).ceil().clamp(DVec2::ZERO, last);
    let along = to - from;
    for y in low.y as usize..high.y as usize {
        for x in low.x as usize..high.x as usize {
            let pixel = DVec2::new(x as f64 + 0.5, y as f64 + 0.5);
            let place = ((pixel - from).dot(along) / along.length_squared().max(1e-12)).clamp(0.0, 1.0);
            let cover = (width / 2.0 + 0.5 - pixel.distance(from + along * place)).clamp(0.0, 1.0);
            let start = 4 * (y * picture.size[0] + x);
            for (below, top) in picture.rgba[start..start + 3].iter_mut().zip(colour) {
                *below = (f64::from(*below) + (f64::from(top) - f64::from(*below)) * cover).round() as u8;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Plane;
    use crate::view::{Frame, Interpolation, Overlay, PlaneCamera, Slab, Window};
    use crate::volume::{Rescale, Unit, Volume, Voxels};
    use glam::DMat3;

    const SIZE: DVec2 = DVec2::new(200.0, 160.0);

    fn view(plane: Plane, cross_mm: DVec3) -> SliceView {
        let camera = PlaneCamera { centre_mm: DVec3::ZERO, mm_per_point: 0.5 };
        SliceView {
            world_from_pane: camera.world_from_pane(&Frame::default(), plane, SIZE, cross_mm),
            window: Window::between(0.0, 1.0),
            interpolation: Interpolation::Linear,
            slab: Slab::default(),
        }
    }

    /// A ball of 12 mm at 20 mm to the patient's right, on a mirrored grid: class 2 in its middle, class 1 around.
    fn ball() -> Layer {
        let matrix3 = DMat3::from_diagonal(DVec3::new(-1.0, 1.0, 1.0));
        let grid = Grid {
            size: [90, 40, 40],
            world_from_voxel: DAffine3 { matrix3, translation: DVec3::new(44.5, -19.5, -19.5) },
        };
        let label = |n: usize| {
            let voxel = DVec3::new((n % 90) as f64, (n / 90 % 40) as f64, (n / 3600) as f64);
            let away = grid.world_from_voxel.transform_point3(voxel).distance(DVec3::X * 20.0);
            u8::from(away < 12.0) + u8::from(away < 6.0)
        };
        let voxels = Voxels::U8((0..grid.count()).map(label).collect());
        let volume = Volume { grid, voxels, rescale: Rescale::NONE, unit: Unit::Label };
        Layer { volume: volume.into(), overlay: Overlay { threshold: 0.5, low: 0.0, high: 2.0, ..Overlay::default() } }
    }

    #[test]
    fn the_outline_of_a_ball_is_a_circle_on_its_side_of_the_screen() {
        let layer = ball();
        for (plane, centre) in [(Plane::Axial, [60.0, 80.0]), (Plane::Coronal, [60.0, 80.0])] {
            let pieces = outline(&layer, &view(plane, DVec3::ZERO), SIZE);
            // Patient right is on the left of the screen; 12 mm are 24 points.
            let centre = DVec2::from_array(centre);
            let off = pieces.iter().flatten().map(|p| (p.distance(centre) - 24.0).abs()).fold(0.0, f64::max);
            assert!(off < 1.5, "{plane:?}: {off}");
            let length: f64 = pieces.iter().map(|[a, b]| a.distance(*b)).sum();
            assert!((length / (std::f64::consts::TAU * 24.0) - 1.0).abs() < 0.06, "closed: {length}");
        }
        assert!(outline(&layer, &view(Plane::Sagittal, DVec3::ZERO), SIZE).is_empty(), "beside it");
        assert!(!outline(&layer, &view(Plane::Sagittal, DVec3::X * 20.0), SIZE).is_empty());
    }

    #[test]
    fn only_what_is_visible_has_an_outline() {
        let mut layer = ball();
        layer.overlay.threshold = 1.5;
        let pieces = outline(&layer, &view(Plane::Axial, DVec3::ZERO), SIZE);
        assert!(!pieces.is_empty());
        for p in pieces.iter().flatten() {
            assert!((p.distance(DVec2::new(60.0, 80.0)) - 12.0).abs() < 1.5, "{p}");
        }
        layer.overlay.threshold = 2.5;
        assert!(outline(&layer, &view(Plane::Axial, DVec3::ZERO), SIZE).is_empty());
    }

    #[test]
    fn lines_are_as_wide_as_asked_and_end_at_the_picture() {
        let mut picture = Picture { size: [9, 5], rgba: vec![0; 9 * 5 * 4] };
        draw_line(&mut picture, [DVec2::new(2.0, 2.5), DVec2::new(40.0, 2.5)], 1.0, [200, 100, 50]);
        assert_eq!(picture.pixel(5, 2), Some([200, 100, 50, 0]));
        assert_eq!([picture.pixel(5, 1), picture.pixel(5, 3), picture.pixel(0, 2)], [Some([0; 4]); 3]);
    }
}
