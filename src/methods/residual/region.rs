//! Where in a crop a residual counts: in the cavity that was measured, and at its wall. What lies around a sinus (nose,
//! orbit, cheek, teeth, the fat behind it) is unusual in many healthy heads, and what lies beyond the edge of the scan was
//! never seen.

use crate::image::gaussian;
use crate::job::Progress;
use crate::methods::ModelError;
use crate::methods::sinus::{Cavity, Crop, Finder, Sinus};
use crate::space::Grid;
use crate::volume::Volume;
use glam::DVec3;

/// The weight of each voxel of a crop, from 0 (does not count) to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Region {
    weights: Vec<f32>,
}

/// The weight of the wall falls with a standard deviation of so many mm.
const WALL_MM: f64 = 1.5;
/// The share of cavity around it, weighted so, with which a voxel beyond the cavity counts in full: 1 mm away from an even wall.
const WALL_SHARE: f32 = 0.25;

impl Region {
    /// A measured cavity and its wall: 1 in the cavity and up to 1 mm beyond it, next to nothing 4 mm away, 0 beyond the edge of
    /// the scan. Where no cavity was seen, the region that a large sinus fills around the middle of the crop.
    #[must_use]
    pub fn around(cavity: Option<&Cavity>, crop: &Grid, scan: &Grid) -> Self {
        let inside = cavity.filter(|cavity| !cavity.is_none()).map(|cavity| cavity.weights_on(crop));
        let mut weights = inside.map_or_else(about_the_middle, with_wall);
        for (voxel, weight) in weights.iter_mut().enumerate().filter(|(_, weight)| **weight > 0.0) {
            if !scan.contains(crop.voxel_mm(voxel)) {
                *weight = 0.0;
            }
        }
        Self { weights }
    }

    /// The crop of a sinus that is yet to be measured, and its region.
    ///
    /// # Errors
    /// [`ModelError`].
    pub(super) fn measured(
        finder: &Finder,
        volume: &Volume,
        sinus: &Sinus,
        progress: &Progress,
    ) -> Result<(Crop, Self), ModelError> {
        let crop = Crop::cut(volume, sinus.side, sinus.centre_mm);
        let cavity = finder.cavity(volume, sinus.side, sinus.centre_mm, progress)?;
        let region = Self::around(Some(&cavity.within(&volume.grid)), &crop.grid, &volume.grid);
        Ok((crop, region))
    }

    /// What of a map counts.
    pub(super) fn keep(&self, map: &mut [f32]) {
        for (value, weight) in map.iter_mut().zip(&self.weights) {
            *value *= weight;
        }
    }

    /// The mean of a map of which only what counts was kept; none where nothing counts.
    pub(super) fn mean(&self, kept: &[f32]) -> Option<f64> {
        let sum = |values: &[f32]| values.iter().map(|&v| f64::from(v)).sum::<f64>();
        let weight = sum(&self.weights);
        (weight > 0.0).then(|| sum(kept) / weight)
    }

    /// Whether a voxel counts in full.
    pub(super) fn holds(&self, voxel: usize) -> bool {
        self.weights[voxel] >= 1.0
    }
}

/// The weights of a cavity, and of what is near it.
fn with_wall(cavity: Vec<f32>) -> Vec<f32> {
    let mut near = cavity.clone();
    gaussian::blur(&mut near, [Crop::SIZE; 3], [WALL_MM; 3]);
    cavity.into_iter().zip(near).map(|(inside, near)| inside.max((near / WALL_SHARE).min(1.0))).collect()
}

/// Half axes of the region that a large sinus fills (boxes of adult antra are up to 40 × 44 × 44 mm), right-left,
/// front-back, up-down.
const ANTRUM_MM: DVec3 = DVec3::new(19.0, 22.0, 22.0);
/// Over how many mm beyond it the weight fades to 0.
const FADE_MM: f64 = 6.0;

fn about_the_middle() -> Vec<f32> {
    let weight = |voxel| {
        let t = (beyond_antrum_mm(voxel) / FADE_MM).clamp(0.0, 1.0);
        (1.0 - t * t * (3.0 - 2.0 * t)) as f32
    };
    (0..Crop::SIZE.pow(3)).map(weight).collect()
}

/// Where voxel `index` of a crop lies, in mm from its middle along its axes.
pub(super) fn from_middle_mm(index: usize) -> DVec3 {
    let n = Crop::SIZE;
    let middle = (n as f64 - 1.0) / 2.0;
    DVec3::new((index % n) as f64, (index / n % n) as f64, (index / (n * n)) as f64) - middle
}

/// How far voxel `index` of a crop lies outside the region that a large sinus fills; not above 0 inside.
fn beyond_antrum_mm(index: usize) -> f64 {
    ((from_middle_mm(index) / ANTRUM_MM).length() - 1.0) * ANTRUM_MM.element_sum() / 3.0
}

/// Whether voxel `index` of a crop lies in the region that a large sinus fills.
pub(super) fn in_antrum(index: usize) -> bool {
    beyond_antrum_mm(index) <= 0.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Side;

    const HEAD: [usize; 3] = [200; 3];

    /// The region of a block-shaped cavity that reaches further to the nose than to the cheek.
    fn region(side: Side, scan: &Grid) -> (Region, Grid) {
        let centre_mm = DVec3::new(side.sign() * 26.0, 50.0, -40.0);
        let grid = Crop::grid_at(side, centre_mm, Crop::SIZE);
        let label = |voxel: usize| {
            let from = grid.voxel_mm(voxel) - centre_mm;
            let medial_mm = -from.x * side.sign();
            u8::from((-6.0..14.0).contains(&medial_mm) && from.y.abs() < 10.0 && from.z.abs() < 10.0)
        };
        let cavity = Cavity::new(side, grid, (0..grid.count()).map(label).collect());
        (Region::around(Some(&cavity), &grid, scan), grid)
    }

    fn weight(region: &Region, grid: &Grid, at_mm: DVec3) -> f32 {
        let voxel = grid.voxel_from_world().transform_point3(at_mm).round().to_array().map(|v| v as usize);
        region.weights[grid.index(voxel)]
    }

    #[test]
    fn a_cavity_and_its_wall_count_on_their_own_side_of_the_patient() {
        let scan = Grid::centred(HEAD, 1.0, DVec3::ZERO);
        for side in Side::BOTH {
            let (region, grid) = region(side, &scan);
            let medial = |mm: f64| weight(&region, &grid, DVec3::new(side.sign() * (26.0 - mm), 50.0, -40.0));
            assert_eq!([-5.5, 0.5, 13.5, 14.5].map(medial), [1.0; 4], "{side:?}: the cavity and 1 mm");
            assert!(medial(16.5) < 0.3 && medial(16.5) > 0.0 && medial(18.5) < 0.02, "{side:?}: {}", medial(16.5));
            assert!(medial(-9.5) < 0.1 && medial(20.5) == 0.0, "{side:?}");
        }
    }

    #[test]
    fn what_the_scan_does_not_show_does_not_count() {
        // The scan ends in the middle of the left sinus.
        let scan = Grid::centred([148, 200, 200], 1.0, DVec3::X * 48.0);
        let (whole, grid) = region(Side::Left, &Grid::centred(HEAD, 1.0, DVec3::ZERO));
        let (cut, _) = region(Side::Left, &scan);
        for (voxel, (whole, cut)) in whole.weights.iter().zip(&cut.weights).enumerate() {
            let seen = scan.contains(grid.voxel_mm(voxel));
            assert_eq!(*cut, if seen { *whole } else { 0.0 });
        }
        assert!(cut.weights.iter().sum::<f32>() < 0.8 * whole.weights.iter().sum::<f32>());
        let even = |region: &Region| -> f64 {
            let mut map = vec![0.3; Crop::SIZE.pow(3)];
            region.keep(&mut map);
            region.mean(&map).unwrap_or_default()
        };
        assert!((even(&whole) - 0.3).abs() < 1e-6 && (even(&cut) - 0.3).abs() < 1e-6, "a mean of what counts");
    }

    #[test]
    fn without_a_cavity_a_large_sinus_counts_and_fades_out_beyond_it() {
        let grid = Crop::grid_at(Side::Left, DVec3::ZERO, Crop::SIZE);
        let scan = Grid::centred(HEAD, 1.0, DVec3::ZERO);
        let without = Region::around(None, &grid, &scan);
        let mut crumb = vec![0; grid.count()];
        crumb[..100].fill(Cavity::AIR);
        assert_eq!(Region::around(Some(&Cavity::new(Side::Left, grid, crumb)), &grid, &scan), without);
        let elsewhere = Region::around(None, &grid, &Grid::centred(HEAD, 1.0, DVec3::X * 500.0));
        assert_eq!(elsewhere.mean(&vec![0.0; grid.count()]), None);
        let Region { weights } = without;
        let at = |x: usize, y: usize, z: usize| weights[x + 64 * (y + 64 * z)];
        assert_eq!((at(32, 32, 32), at(32, 50, 32), at(50, 32, 32)), (1.0, 1.0, 1.0));
        assert!((0.0..1.0).contains(&at(53, 32, 32)) && at(53, 32, 32) > at(55, 32, 32));
        assert_eq!((at(0, 32, 32), at(63, 63, 63)), (0.0, 0.0));
        assert_eq!(at(12, 32, 32), at(51, 32, 32), "as far on both sides of the middle");
        // An ellipsoid of 19 × 22 × 22 mm: 4/3 π abc = 38 520 mm³.
        let full = (0..weights.len()).filter(|&voxel| weights[voxel] >= 1.0).count();
        assert!((38_000..39_000).contains(&full) && full == (0..weights.len()).filter(|&v| in_antrum(v)).count());
    }
}
