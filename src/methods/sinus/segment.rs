//! From the shares that the segmenter gives each voxel of a crop to one cavity: its largest connected piece.

use super::cavity::Cavity;
use crate::space::{Grid, Side};
use crate::volume::Voxels;
use glam::DVec3;

/// Classes of the segmenter: outside the cavity, its air, what else is in it.
pub(super) const CLASSES: usize = 3;

/// The cavity of one sinus from `[class, z, y, x]` shares.
pub(super) fn cavity(side: Side, grid: Grid, shares: &[f32]) -> Cavity {
    let (outside, within) = shares.split_at(grid.count());
    let (air, content) = within.split_at(grid.count());
    let cavity: Vec<bool> = outside.iter().map(|&share| share < 0.5).collect();
    let mut labels = vec![0; grid.count()];
    for index in largest(&cavity, grid) {
        labels[index] = if air[index] >= content[index] { Cavity::AIR } else { Cavity::CONTENT };
    }
    Cavity::new(side, grid, labels)
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
    let at = [index % nx, index / nx % ny, index / (nx * ny)];
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
    let [nx, ny, _] = grid.size;
    let (mut sum, mut count) = (DVec3::ZERO, 0.0);
    for index in indices(cavity) {
        sum += DVec3::new((index % nx) as f64, (index / nx % ny) as f64, (index / (nx * ny)) as f64);
        count += 1.0;
    }
    (count > 0.0).then(|| grid.world_from_voxel.transform_point3(sum / count))
}

/// How much of a cavity's surface, in mm², is where the scan ends. `inside` is 1 in the scan and 0 outside.
pub(super) fn cut_mm2(cavity: &Cavity, inside: &[f32]) -> usize {
    let grid = cavity.labels.grid;
    indices(cavity).flat_map(|index| neighbours(index, grid)).filter(|&next| inside[next] < 0.5).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::methods::sinus::Crop;

    /// Shares of a crop that is a cavity where `within`, and air there where `air`.
    fn shares(within: impl Fn(DVec3) -> bool, air: impl Fn(DVec3) -> bool) -> Vec<f32> {
        let mut shares = vec![0.0; CLASSES * 64_usize.pow(3)];
        for index in 0..64_usize.pow(3) {
            let at = DVec3::new((index % 64) as f64, (index / 64 % 64) as f64, (index / 4096) as f64);
            let class = if !within(at) {
                0
            } else if air(at) {
                1
            } else {
                2
            };
            shares[class * 64_usize.pow(3) + index] = 1.0;
        }
        shares
    }

    #[test]
    fn the_largest_piece_is_measured_and_its_middle_is_on_its_own_side_of_the_patient() {
        for side in Side::BOTH {
            let centre = DVec3::new(25.0 * side.sign(), 70.0, -50.0);
            // 20 x 10 x 10 voxels, the lateral half air, and a crumb elsewhere.
            let block = |p: DVec3| p.cmpge(DVec3::splat(20.0)).all() && p.cmplt(DVec3::new(40.0, 30.0, 30.0)).all();
            let crumb = |p: DVec3| p.cmpge(DVec3::splat(50.0)).all() && p.cmplt(DVec3::splat(53.0)).all();
            let shares = shares(|p| block(p) || crumb(p), |p| p.x < 30.0);
            let grid = Crop::grid_at(side, centre, Crop::SIZE);
            let cavity = cavity(side, grid, &shares);
            assert!((cavity.volume_ml - 2.0).abs() < 1e-9 && (cavity.not_air_ml - 1.0).abs() < 1e-9, "{cavity:?}");
            // The block's middle is 2 voxels lateral of the crop's middle.
            let middle = centre_mm(&cavity).unwrap_or_default();
            assert!((middle.x - side.sign() * (25.0 + 2.0)).abs() < 1e-9, "{side:?}: {middle}");
            assert_eq!((middle.y, middle.z), (63.0, -57.0));
        }
    }

    #[test]
    fn a_cavity_at_the_edge_of_the_scan_is_cut() {
        let block = |p: DVec3| p.cmpge(DVec3::splat(20.0)).all() && p.cmplt(DVec3::splat(30.0)).all();
        let grid = Crop::grid_at(Side::Left, DVec3::ZERO, Crop::SIZE);
        let cavity = cavity(Side::Left, grid, &shares(block, |_| true));
        let inside =
            |first: usize| (0..64_usize.pow(3)).map(|i| f32::from(u8::from(i / 4096 >= first))).collect::<Vec<_>>();
        assert_eq!(cut_mm2(&cavity, &inside(20)), 100);
        assert_eq!(cut_mm2(&cavity, &inside(19)), 0);
        assert_eq!(centre_mm(&super::cavity(Side::Left, grid, &shares(|_| false, |_| true))), None);
    }
}
