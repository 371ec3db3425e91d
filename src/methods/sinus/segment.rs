//! From the shares that the segmenter gives each voxel of a crop to one cavity: its largest connected piece, and how much of
//! it the scan shows.

use super::cavity::Cavity;
use super::seen::Seen;
use crate::space::{Grid, Side};
use crate::volume::Voxels;
use glam::DVec3;

/// Classes of the segmenter: outside the cavity, its air, what else is in it, and what of it the scan does not show.
pub(super) const CLASSES: usize = 4;

/// One sinus as the segmenter sees it.
#[derive(Clone, Debug)]
pub(super) struct Segmented {
    /// What the scan shows of the cavity.
    pub cavity: Cavity,
    /// The share of the whole cavity that the scan shows, 0 to 1: what is beyond its edge, or was taken away with the
    /// face, is guessed from what is left.
    pub visible: f64,
    /// How much of the cavity, in mm², lies at the edge of the scan.
    pub cut_mm2: usize,
}

impl Segmented {
    /// From `[class, z, y, x]` shares of what was seen.
    pub fn new(side: Side, seen: &Seen, shares: &[f32]) -> Self {
        let grid = seen.grid;
        let classes: Vec<&[f32]> = shares.chunks(grid.count()).collect();
        let of = |class: usize, index: usize| classes.get(class).map_or(0.0, |shares| shares[index]);
        let whole: Vec<bool> = (0..grid.count()).map(|index| of(0, index) < 0.5).collect();
        let (mut labels, mut hidden) = (vec![0; grid.count()], 0.0);
        for index in largest(&whole, grid) {
            let [air, content, unseen] = [1, 2, 3].map(|class| of(class, index));
            if unseen > air + content || seen.inside[index] < 0.5 {
                hidden += 1.0;
            } else {
                labels[index] = if air >= content { Cavity::AIR } else { Cavity::CONTENT };
            }
        }
        let cavity = Cavity::new(side, grid, labels);
        let hidden_ml = hidden * grid.spacing_mm().element_product() / 1000.0;
        let whole_ml = cavity.volume_ml + hidden_ml;
        let visible = if whole_ml > 0.0 { cavity.volume_ml / whole_ml } else { 0.0 };
        let cut_mm2 = cut_mm2(&cavity, &seen.inside);
        Self { cavity, visible, cut_mm2 }
    }
}

/// The voxels of the largest piece; voxels touch by their faces.
fn largest(cavity: &[bool], grid: Grid) -> Vec<usize> {
    let mut seen = vec![false; cavity.len()];
    let mut best = Vec::new();
    for start in 0..cavity.len() {
        if !cavity[start] || seen[start] {
            continue;
        }
        seen[start] = true;
        let mut piece = vec![start];
        let mut next = 0;
        while let Some(&index) = piece.get(next) {
            next += 1;
            for neighbour in neighbours(index, grid) {
                if cavity[neighbour] && !seen[neighbour] {
                    seen[neighbour] = true;
                    piece.push(neighbour);
                }
            }
        }
        if piece.len() > best.len() {
            best = piece;
        }
    }
    best
}

/// The up to six voxels that share a face with one.
fn neighbours(index: usize, grid: Grid) -> impl Iterator<Item = usize> {
    let [nx, ny, _] = grid.size;
    let at = grid.voxel(index);
    let step = [1, nx, nx * ny];
    (0..3).flat_map(move |axis| {
        let below = (at[axis] > 0).then(|| index - step[axis]);
        let above = (at[axis] + 1 < grid.size[axis]).then(|| index + step[axis]);
        below.into_iter().chain(above)
    })
}

/// The voxels of a cavity.
fn indices(cavity: &Cavity) -> impl Iterator<Item = usize> {
    let labels: &[u8] = if let Voxels::U8(labels) = &cavity.labels.voxels { labels } else { &[] };
    labels.iter().enumerate().filter(|(_, label)| **label >= Cavity::AIR).map(|(index, _)| index)
}

/// The centroid of a cavity in world mm; none of an empty one.
pub(super) fn centre_mm(cavity: &Cavity) -> Option<DVec3> {
    let grid = cavity.labels.grid;
    let (mut sum, mut count) = (DVec3::ZERO, 0.0);
    for index in indices(cavity) {
        sum += grid.voxel_mm(index);
        count += 1.0;
    }
    (count > 0.0).then(|| sum / count)
}

/// How much of a cavity, in mm², is where the scan ends. `inside` is 1 in the scan and 0 outside. A voxel at the edge may
/// have been taken for wall, so that the edge is looked for one voxel farther on too.
fn cut_mm2(cavity: &Cavity, inside: &[f32]) -> usize {
    let grid = cavity.labels.grid;
    let [nx, ny, nz] = grid.size;
    let step = [1, nx, nx * ny];
    let outside = |index: usize| inside[index] < 0.5;
    let is_cavity = |index: usize| cavity.labels.voxels.get(index) as u8 >= Cavity::AIR;
    let ends = |index: usize, axis: usize, up: bool| {
        let at = grid.voxel(index)[axis];
        let room = if up { [nx, ny, nz][axis] - 1 - at } else { at };
        let on = |steps: usize| if up { index + steps * step[axis] } else { index - steps * step[axis] };
        room >= 2 && (outside(on(1)) || (outside(on(2)) && !is_cavity(on(1))))
    };
    let faces = |index: usize| (0..6).filter(|face| ends(index, face / 2, face % 2 == 1)).count();
    indices(cavity).filter(|&index| !outside(index)).map(faces).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::sinus::Crop;

    /// A crop of one side whose voxels have the class that `class` says; the scan begins at a layer of it.
    fn segmented(side: Side, centre: DVec3, begins: usize, class: impl Fn(DVec3) -> usize) -> Segmented {
        let mut shares = vec![0.0; CLASSES * Crop::SIZE.pow(3)];
        for index in 0..Crop::SIZE.pow(3) {
            let at = DVec3::new((index % 64) as f64, (index / 64 % 64) as f64, (index / 4096) as f64);
            shares[class(at) * Crop::SIZE.pow(3) + index] = 1.0;
        }
        let grid = Crop::grid_at(side, centre, Crop::SIZE);
        let inside = (0..grid.count()).map(|index| f32::from(u8::from(index / 4096 >= begins))).collect();
        Segmented::new(side, &Seen { grid, intensities: vec![0.0; grid.count()], inside }, &shares)
    }

    /// Whether a voxel lies in a block of 20 x 10 x 10 voxels.
    fn block(p: DVec3) -> bool {
        p.cmpge(DVec3::splat(20.0)).all() && p.cmplt(DVec3::new(40.0, 30.0, 30.0)).all()
    }

    #[test]
    fn the_largest_piece_is_measured_and_its_middle_is_on_its_own_side_of_the_patient() {
        for side in Side::BOTH {
            let centre = DVec3::new(25.0 * side.sign(), 70.0, -50.0);
            let crumb = |p: DVec3| p.cmpge(DVec3::splat(50.0)).all() && p.cmplt(DVec3::splat(53.0)).all();
            // The lateral half is air.
            let class = |p: DVec3| if block(p) || crumb(p) { 1 + usize::from(p.x >= 30.0) } else { 0 };
            let Segmented { cavity, visible, .. } = segmented(side, centre, 0, class);
            assert!((cavity.volume_ml - 2.0).abs() < 1e-9 && (cavity.not_air_ml - 1.0).abs() < 1e-9, "{cavity:?}");
            assert_eq!(visible, 1.0);
            // The block's middle is 2 voxels lateral of the crop's middle.
            let middle = centre_mm(&cavity).unwrap_or_default();
            assert!((middle.x - side.sign() * (25.0 + 2.0)).abs() < 1e-9, "{side:?}: {middle}");
            assert_eq!((middle.y, middle.z), (63.0, -57.0));
        }
    }

    #[test]
    fn what_the_scan_does_not_show_is_part_of_the_whole_and_not_of_the_cavity() {
        // The lower three of ten layers are beyond the edge.
        let class = |p: DVec3| {
            if !block(p) {
                0
            } else if p.z < 23.0 {
                3
            } else {
                1
            }
        };
        let Segmented { cavity, visible, cut_mm2 } = segmented(Side::Left, DVec3::ZERO, 23, class);
        assert_eq!(cut_mm2, 200, "all of its lowest layer");
        assert!((cavity.volume_ml - 1.4).abs() < 1e-9 && (visible - 0.7).abs() < 1e-9, "{visible}");
        assert_eq!(centre_mm(&cavity).map(|centre| centre.z), Some(26.0 - 31.5));
        // Whatever the network says, the scan does not show what is beyond its edge.
        let claimed = segmented(Side::Left, DVec3::ZERO, 23, |p| usize::from(block(p)));
        assert_eq!((claimed.cavity.volume_ml, claimed.visible), (cavity.volume_ml, visible));
        let nothing = segmented(Side::Left, DVec3::ZERO, 0, |_| 0);
        assert_eq!((centre_mm(&nothing.cavity), nothing.visible), (None, 0.0));
    }
}
