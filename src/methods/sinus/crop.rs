//! A crop is the cube around one sinus, resampled to the model's grid. It remembers where it came from, so maps can be
//! pasted back.

use crate::image::percentile::rescale_1_99;
use crate::image::resample::{Outside, trilinear};
use crate::space::{BoxMm, Grid, Side};
use crate::volume::{Unit, Volume};
use glam::{DMat3, DVec3};
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use std::f64::consts::TAU;

/// One sinus as the networks see it.
#[derive(Clone, Debug, PartialEq)]
pub struct Crop {
    /// Which sinus of the patient.
    pub side: Side,
    /// 64³ voxels of 1 mm. The first axis runs from lateral to medial for both sides: the right crop is mirrored by its grid.
    pub grid: Grid,
    /// Values `[z, y, x]`, x fastest, in 0..1 between the crop's 1st and 99th percentile.
    pub values: Vec<f32>,
    /// Whether the scan is CT, as far as can be told: see [`Unit::is_ct`].
    pub ct: bool,
}

impl Crop {
    /// Voxels along each axis.
    pub const SIZE: usize = 64;
    /// Edge length in mm (paper 1, section 2.1).
    pub const SIDE_MM: f64 = 64.0;

    /// Standard deviations of jittered centres by [`Side::index`]: those of the centres over the registered heads of
    /// paper 1, without their decimals, as its code has them.
    pub const JITTER_MM: [DVec3; 2] = [DVec3::ONE, DVec3::new(1.0, 1.0, 4.0)];

    /// The grid of a crop around `centre_mm`. The left crop's x axis points to the patient's right; the right crop's is
    /// reversed, so that the nose lies in the same direction in both.
    #[must_use]
    pub fn grid_at(side: Side, centre_mm: DVec3, size: usize) -> Grid {
        let matrix3 = DMat3::from_diagonal(DVec3::new(-side.sign(), 1.0, 1.0));
        let half = DVec3::splat((size as f64 - 1.0) / 2.0);
        let mut grid = Grid::centred([size; 3], 1.0, centre_mm);
        grid.world_from_voxel.matrix3 = matrix3;
        grid.world_from_voxel.translation = centre_mm - matrix3 * half;
        grid
    }

    /// Cuts the sinus out of a scan: trilinear, edges repeated outside the scan, intensities rescaled.
    #[must_use]
    pub fn cut(volume: &Volume, side: Side, centre_mm: DVec3) -> Self {
        let grid = Self::grid_at(side, centre_mm, Self::SIZE);
        let mut values = trilinear(volume, &grid, Outside::Edge);
        let [low, _] = rescale_1_99(&mut values);
        Self { side, grid, values, ct: volume.unit.is_ct(low) }
    }

    /// Crops around `count` centres that scatter normally about `centre_mm` with a standard deviation for each axis, as
    /// paper 1 cut 15 of every sinus; its deviations are [`Crop::JITTER_MM`].
    #[must_use]
    pub fn jittered(
        volume: &Volume,
        side: Side,
        centre_mm: DVec3,
        sd_mm: DVec3,
        count: usize,
        rng: &mut ChaCha8Rng,
    ) -> Vec<Self> {
        // Box-Muller.
        let mut normal = || (-2.0 * (1.0 - rng.random::<f64>()).ln()).sqrt() * (TAU * rng.random::<f64>()).cos();
        let mut cut = || Self::cut(volume, side, centre_mm + sd_mm * DVec3::new(normal(), normal(), normal()));
        (0..count).map(|_| cut()).collect()
    }

    /// The values with their place in the world, as any program reads them from a file.
    #[must_use]
    pub fn to_volume(&self) -> Volume {
        Volume::from_f32(self.grid, self.values.clone(), Unit::Arbitrary)
    }

    /// The crop's outline in the world.
    #[must_use]
    pub fn box_mm(centre_mm: DVec3) -> BoxMm {
        BoxMm::cube(centre_mm, Self::SIDE_MM)
    }
}

/// Lays maps on crop grids onto the scan's grid: trilinear, 0 outside every crop, the larger value where crops overlap.
#[must_use]
pub fn paste(maps: &[&Volume], onto: &Grid) -> Volume {
    let mut values = vec![0.0_f32; onto.count()];
    for map in maps {
        let Some((first, part)) = overlap(&map.grid, onto) else { continue };
        let sampled = trilinear(map, &part, Outside::Value(0.0));
        let [px, py, _] = part.size;
        for (line, row) in sampled.chunks(px).enumerate() {
            let start = onto.index([first[0], first[1] + line % py, first[2] + line / py]);
            for (value, new) in values[start..start + px].iter_mut().zip(row) {
                *value = value.max(*new);
            }
        }
    }
    Volume::from_f32(*onto, values, Unit::Score)
}

/// The smallest part of a pasted map that holds everything above 0, with a margin of one voxel: what has to be drawn.
/// None when the whole map is 0.
#[must_use]
pub fn trimmed(map: &Volume) -> Option<Volume> {
    let (size, values) = (map.grid.size, map.to_f32());
    let (mut low, mut high) = (size, [0; 3]);
    for (i, _) in values.iter().enumerate().filter(|(_, v)| **v > 0.0) {
        let at = map.grid.voxel(i);
        for a in 0..3 {
            low[a] = low[a].min(at[a].saturating_sub(1));
            high[a] = high[a].max((at[a] + 1).min(size[a] - 1));
        }
    }
    if low[0] > high[0] {
        return None;
    }
    let grid = map.grid.part(low, std::array::from_fn(|a| high[a] - low[a] + 1));
    let mut kept = Vec::with_capacity(grid.count());
    for (k, j) in (low[2]..=high[2]).flat_map(|k| (low[1]..=high[1]).map(move |j| (k, j))) {
        let start = map.grid.index([low[0], j, k]);
        kept.extend_from_slice(&values[start..start + grid.size[0]]);
    }
    Some(Volume::from_f32(grid, kept, map.unit))
}

/// The part of `onto` that could see anything of `from`: its first voxel and its own grid.
pub(super) fn overlap(from: &Grid, onto: &Grid) -> Option<([usize; 3], Grid)> {
    let onto_from_source = onto.voxel_from_world() * from.world_from_voxel;
    let (mut low, mut high) = (DVec3::INFINITY, DVec3::NEG_INFINITY);
    for corner in 0..8_usize {
        let pick = |a: usize| if corner >> a & 1 == 1 { from.size[a] as f64 - 0.5 } else { -0.5 };
        let p = onto_from_source.transform_point3(DVec3::new(pick(0), pick(1), pick(2)));
        low = low.min(p);
        high = high.max(p);
    }
    let (mut first, mut size) = ([0; 3], [0; 3]);
    for a in 0..3 {
        let from = low[a].floor().max(0.0);
        let to = high[a].ceil().min(onto.size[a] as f64 - 1.0);
        if to < from {
            return None;
        }
        first[a] = from as usize;
        size[a] = (to - from) as usize + 1;
    }
    Some((first, onto.part(first, size)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::volume::Voxels;
    use rand::SeedableRng as _;

    /// A scan with one bright voxel at `bright_mm` on a 1 mm grid aligned with the crops.
    fn scan(bright_mm: DVec3) -> Volume {
        let grid = Grid::centred([160, 100, 100], 1.0, DVec3::ZERO);
        let mut volume = Volume::from_f32(grid, vec![0.0; grid.count()], Unit::Arbitrary);
        let at = grid.voxel_from_world().transform_point3(bright_mm).round().to_array().map(|v| v as usize);
        if let Voxels::F32(values) = &mut volume.voxels {
            values[grid.index(at)] = 1.0;
        }
        volume
    }

    #[test]
    fn a_medial_spot_is_at_the_same_place_in_both_crops() {
        // Spots 10 mm medial of each centre.
        let mut places = Vec::new();
        for side in Side::BOTH {
            let centre = DVec3::new(side.sign() * 30.0, 0.0, 0.0);
            let volume = scan(centre - DVec3::X * side.sign() * 9.5 + DVec3::new(0.0, 0.5, 0.5));
            let values = trilinear(&volume, &Crop::grid_at(side, centre, Crop::SIZE), Outside::Edge);
            places.push(values.iter().position(|&v| v > 0.5));
        }
        assert!(places[0].is_some());
        assert_eq!(places[0], places[1]);
        // Medial of a left sinus is towards the patient's right: a larger index on the first axis.
        assert!(places[0].is_some_and(|p| p % 64 > 32));
    }

    #[test]
    fn a_crop_knows_ct_by_its_unit_or_its_air() {
        let grid = Grid::centred([80; 3], 1.0, DVec3::ZERO);
        let of = |air: f32, unit| {
            let values = (0..grid.count()).map(|i| if i % 10 == 0 { air } else { 40.0 + (i % 7) as f32 }).collect();
            Crop::cut(&Volume::from_f32(grid, values, unit), Side::Left, DVec3::ZERO).ct
        };
        // NIfTI files do not say what their values are.
        assert!(of(-1000.0, Unit::Arbitrary) && of(-1000.0, Unit::Hounsfield) && of(0.0, Unit::Hounsfield));
        assert!(!of(0.0, Unit::Arbitrary));
    }

    #[test]
    fn jittered_crops_scatter_about_their_centre_as_much_as_asked_on_each_axis() {
        let volume = scan(DVec3::new(0.5, 0.5, 0.5));
        let (centre, sd_mm) = (DVec3::new(30.0, 2.0, -3.0), Crop::JITTER_MM[Side::Right.index()]);
        let jittered = |seed| {
            let mut rng = ChaCha8Rng::seed_from_u64(seed);
            Crop::jittered(&volume, Side::Right, centre, sd_mm, 200, &mut rng)
        };
        let crops = jittered(3);
        assert_eq!(crops, jittered(3));
        let centres: Vec<DVec3> = crops.iter().map(|crop| crop.grid.centre_mm()).collect();
        let mean = centres.iter().sum::<DVec3>() / 200.0;
        let sd = (centres.iter().map(|c| (c - mean).powf(2.0)).sum::<DVec3>() / 199.0).powf(0.5);
        assert!(mean.distance(centre) < 1.0, "{mean}");
        assert!((sd / sd_mm).max_element() < 1.2 && (sd / sd_mm).min_element() > 0.8, "{sd} instead of {sd_mm}");
        assert!(crops.iter().all(|crop| crop.grid.world_from_voxel.matrix3.x_axis == DVec3::NEG_X), "to the nose");
    }

    #[test]
    fn pasting_undoes_cutting_on_both_sides() {
        for side in Side::BOTH {
            let centre = DVec3::new(side.sign() * 30.0, 0.0, 0.0);
            let mut volume = scan(centre + DVec3::new(7.5, -3.5, 12.5));
            if let Voxels::F32(values) = &mut volume.voxels {
                for (i, v) in values.iter_mut().enumerate() {
                    *v += (i % 97) as f32 * 0.01;
                }
            }
            let grid = Crop::grid_at(side, centre, Crop::SIZE);
            let map = Volume::from_f32(grid, trilinear(&volume, &grid, Outside::Edge), Unit::Score);
            let pasted = paste(&[&map], &volume.grid);
            let small = trimmed(&pasted).unwrap();
            assert!(small.grid.count() < volume.grid.count() / 2);
            let spot = centre + DVec3::new(7.5, -3.5, 12.5);
            assert!(pasted.at_world(spot).is_some_and(|v| v >= 1.0));
            assert_eq!(small.at_world(spot), pasted.at_world(spot), "at the same place of the world");
            let (original, pasted) = (volume.to_f32(), pasted.to_f32());
            let outline = Crop::box_mm(centre);
            for (i, (a, b)) in original.iter().zip(&pasted).enumerate() {
                let inside = outline.contains(volume.grid.voxel_mm(i));
                assert!((b - if inside { *a } else { 0.0 }).abs() < 1e-4, "{side:?} at {:?}", volume.grid.voxel(i));
            }
        }
    }
}
