//! The cavity of one sinus: what of it is air and what is not. The share without air is what a reader calls opacification.

use super::crop;
use super::infer::{Finder, Presence, Sinus};
use crate::job::Progress;
use crate::methods::ModelError;
use crate::space::{BoxMm, Grid, Side};
use crate::volume::{Rescale, Unit, Volume, Voxels};
use glam::DVec3;

/// The cavity of one sinus with all it contains.
#[derive(Clone, Debug, PartialEq)]
pub struct Cavity {
    /// Which sinus of the patient.
    pub side: Side,
    /// On the grid of the sinus' crop: 0 outside the cavity, [`Cavity::AIR`] or [`Cavity::CONTENT`] within.
    pub labels: Volume,
    /// Volume of the cavity in mL, air and content together.
    pub volume_ml: f64,
    /// How much of it is not air: swollen lining, cysts, polyps, fluid.
    pub not_air_ml: f64,
}

impl Cavity {
    /// Less of it than this, in mL, is none.
    const LEAST_ML: f64 = 0.4;
    /// The label of air.
    pub const AIR: u8 = 1;
    /// The label of what is not air.
    pub const CONTENT: u8 = 2;

    /// Measures a label map on the grid of a crop.
    #[must_use]
    pub fn new(side: Side, grid: Grid, labels: Vec<u8>) -> Self {
        let mm3 = grid.spacing_mm().element_product();
        let volume = |least: u8| labels.iter().filter(|&&label| label >= least).count() as f64 * mm3 / 1000.0;
        let (volume_ml, not_air_ml) = (volume(Self::AIR), volume(Self::CONTENT));
        let labels = Volume { grid, voxels: Voxels::U8(labels), rescale: Rescale::NONE, unit: Unit::Label };
        Self { side, labels, volume_ml, not_air_ml }
    }

    /// Whether there is so little of it that it is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.volume_ml < Self::LEAST_ML
    }

    /// The share of the cavity that is not air, 0 to 1; none of a cavity without volume.
    #[must_use]
    pub fn opacification(&self) -> Option<f64> {
        (self.volume_ml > 0.0).then(|| self.not_air_ml / self.volume_ml)
    }

    /// The box around the centres of its voxels in world mm; none of a cavity without volume.
    #[must_use]
    pub fn bounds_mm(&self) -> Option<BoxMm> {
        let places = self.labelled().map(|(place, _)| place);
        let bounds = places.fold((DVec3::INFINITY, DVec3::NEG_INFINITY), |(min, max), at| (min.min(at), max.max(at)));
        bounds.0.is_finite().then_some(BoxMm { min: bounds.0, max: bounds.1 })
    }

    /// The part of it that a scan shows: a crop reaches beyond the edge of the scan, where nothing was measured.
    #[must_use]
    pub fn within(self, scan: &Grid) -> Self {
        if self.labelled().all(|(place, _)| scan.contains(place)) {
            return self;
        }
        let grid = self.labels.grid;
        let seen = |(index, label)| if scan.contains(grid.voxel_mm(index)) { label } else { 0 };
        Self::new(self.side, grid, self.numbers().enumerate().map(seen).collect())
    }

    /// 1 for each voxel of a grid whose centre lies in it, 0 for others.
    pub(in crate::methods) fn weights_on(&self, grid: &Grid) -> Vec<f32> {
        let inside = |index| f32::from(u8::from(self.at(grid.voxel_mm(index)) > 0));
        (0..grid.count()).map(inside).collect()
    }

    /// The label of a world point, 0 beyond the crop.
    fn at(&self, world_mm: DVec3) -> u8 {
        self.labels.at_world(world_mm).unwrap_or(0.0) as u8
    }

    fn numbers(&self) -> impl Iterator<Item = u8> {
        (0..self.labels.voxels.len()).map(|index| self.labels.voxels.get(index) as u8)
    }

    /// World place and label of each voxel of the cavity.
    pub(super) fn labelled(&self) -> impl Iterator<Item = (DVec3, u8)> {
        let inside = self.numbers().enumerate().filter(|(_, label)| *label > 0);
        inside.map(|(index, label)| (self.labels.grid.voxel_mm(index), label))
    }
}

/// Measures the sinuses that are in view, by [`Side::index`]; of one that is partly in view, the part that is.
///
/// # Errors
/// [`ModelError`].
pub fn measure(
    finder: &Finder,
    volume: &Volume,
    sinuses: &[Sinus; 2],
    progress: &Progress,
) -> Result<[Option<Cavity>; 2], ModelError> {
    let mut cavities = [None, None];
    for sinus in sinuses.iter().filter(|sinus| sinus.present != Presence::Absent) {
        let begun = sinus.side.index() as f32 / 2.0;
        let cavity = finder.cavity(volume, sinus.side, sinus.centre_mm, &progress.part(begun, begun + 0.5))?;
        cavities[sinus.side.index()] = Some(cavity.within(&volume.grid));
    }
    Ok(cavities)
}

/// Lays cavities onto another grid: each voxel gets what `label` makes of the side and label at its centre, 0 outside. Labels
/// are never mixed. A voxel that two cavities claim belongs to the first.
#[must_use]
pub fn paste<'a>(
    cavities: impl IntoIterator<Item = &'a Cavity>,
    onto: &Grid,
    label: impl Fn(Side, u8) -> u8,
) -> Volume {
    let mut labels = vec![0; onto.count()];
    for cavity in cavities {
        let Some((first, part)) = crop::overlap(&cavity.labels.grid, onto) else { continue };
        for index in 0..part.count() {
            let here = cavity.at(part.voxel_mm(index));
            let [i, j, k] = part.voxel(index);
            let there = &mut labels[onto.index([first[0] + i, first[1] + j, first[2] + k])];
            if here > 0 && *there == 0 {
                *there = label(cavity.side, here);
            }
        }
    }
    Volume { grid: *onto, voxels: Voxels::U8(labels), rescale: Rescale::NONE, unit: Unit::Label }
}

/// Both cavities on one grid of 1 mm that just holds them, with the labels of [`Cavity`]; none where there is no voxel.
#[must_use]
pub fn together(cavities: &[Option<Cavity>; 2]) -> Option<Volume> {
    let boxes = cavities.iter().flatten().filter_map(Cavity::bounds_mm);
    let around = boxes.reduce(|a, b| BoxMm { min: a.min.min(b.min), max: a.max.max(b.max) })?;
    // A voxel to spare on each side, so that what is drawn ends inside the grid.
    let size = (around.max - around.min - 1e-6).ceil().to_array().map(|mm| mm as usize + 3);
    let grid = Grid::centred(size, 1.0, around.centre());
    Some(paste(cavities.iter().flatten(), &grid, |_, label| label))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::methods::sinus::Crop;
    use glam::{DAffine3, DMat3};

    /// A sinus of 20 mm around its crop's centre, its medial quarter filled.
    fn cavity(side: Side) -> Cavity {
        let centre_mm = DVec3::new(side.sign() * 26.3, 60.4, -50.2);
        let grid = Crop::grid_at(side, centre_mm, Crop::SIZE);
        let label = |index| {
            let from_centre = grid.voxel_mm(index) - centre_mm;
            let medial = -from_centre.x * side.sign() > 5.0;
            if from_centre.abs().max_element() > 10.0 { 0 } else { 1 + u8::from(medial) }
        };
        Cavity::new(side, grid, (0..grid.count()).map(label).collect())
    }

    fn both() -> [Option<Cavity>; 2] {
        [Side::Left, Side::Right].map(|side| Some(cavity(side)))
    }

    #[test]
    fn a_cavity_has_the_volume_of_its_voxels_and_the_share_that_is_not_air() {
        let left = cavity(Side::Left);
        assert_eq!((left.volume_ml, left.not_air_ml), (8.0, 2.0));
        assert_eq!(left.opacification(), Some(0.25));
        let bounds = left.bounds_mm().unwrap();
        assert!(bounds.min.abs_diff_eq(DVec3::new(-35.8, 50.9, -59.7), 1e-9), "{bounds:?}");
        assert!(bounds.max.abs_diff_eq(DVec3::new(-16.8, 69.9, -40.7), 1e-9), "{bounds:?}");
        let nothing = Cavity::new(Side::Left, left.labels.grid, vec![0; left.labels.grid.count()]);
        assert_eq!((nothing.opacification(), nothing.bounds_mm()), (None, None));
    }

    #[test]
    fn what_lies_beyond_the_scan_is_not_measured() {
        // The scan ends 4 mm lateral of the right sinus' centre: 14 of its 20 mm are in view, all that is filled among them.
        let scan = Grid::centred([80, 160, 160], 1.0, DVec3::new(-9.7, 60.0, -50.0));
        let right = cavity(Side::Right).within(&scan);
        assert_eq!((right.volume_ml, right.not_air_ml), (5.6, 2.0));
        assert_eq!(cavity(Side::Left).within(&scan), cavity(Side::Left));
    }

    /// Grids that go through both sinuses in all sorts of ways.
    fn grids() -> [(&'static str, Grid); 3] {
        let through = |matrix3: DMat3, size: [usize; 3]| {
            let half = DVec3::from_array(size.map(|n| (n as f64 - 1.0) / 2.0));
            let translation = DVec3::new(1.0, 60.0, -50.0) - matrix3 * half;
            Grid::new(size, DAffine3 { matrix3, translation }).unwrap()
        };
        let mirrored = DMat3::from_diagonal(DVec3::new(-0.9, 0.9, 0.9));
        let oblique = DMat3::from_rotation_z(0.4) * DMat3::from_rotation_x(-0.3);
        let sagittal = DMat3::from_cols(DVec3::NEG_Y, DVec3::NEG_Z, DVec3::NEG_X * 2.5);
        [
            ("mirrored", through(mirrored, [130, 60, 60])),
            ("oblique", through(oblique * DMat3::from_diagonal(DVec3::new(1.1, -1.3, 0.8)), [90, 90, 90])),
            ("thick sagittal slices", through(sagittal, [60, 60, 50])),
        ]
    }

    #[test]
    fn labels_are_pasted_where_the_sinuses_are_on_any_grid() {
        for (name, grid) in grids() {
            let pasted = paste(both().iter().flatten(), &grid, |side, label| 10 * (side.index() as u8 + 1) + label);
            for side in Side::BOTH {
                let there = |medial_mm: f64| {
                    let x = side.sign() * (26.3 - medial_mm);
                    pasted.at_world(DVec3::new(x, 60.4, -50.2)).unwrap()
                };
                let own = 10.0 * (side.index() as f64 + 1.0);
                let expected = [0.0, own + 1.0, own + 1.0, own + 2.0, 0.0];
                assert_eq!([-13.0, -7.0, 2.0, 7.5, 13.0].map(there), expected, "{name} {side:?}");
            }
            let ml = grid.spacing_mm().element_product() / 1000.0;
            let left = (0..grid.count()).filter(|&i| (11.0..13.0).contains(&pasted.voxels.get(i))).count();
            assert!((left as f64 * ml - 8.0).abs() < 0.5, "{name}: {} mL", left as f64 * ml);
        }
        let nowhere = Grid::centred([10; 3], 1.0, DVec3::new(0.0, 500.0, 0.0));
        assert!(paste(both().iter().flatten(), &nowhere, |_, label| label).statistics().max < 1.0);
    }

    #[test]
    fn both_together_are_on_a_small_grid_and_on_their_sides() {
        let together = together(&both()).unwrap();
        assert_eq!(together.grid.size, [75, 22, 22]);
        let x = |x: f64| together.at_world(DVec3::new(x, 60.4, -50.2)).unwrap();
        assert_eq!([-33.0, -18.5, 0.0, 18.5, 33.0].map(x), [1.0, 2.0, 0.0, 2.0, 1.0]);
        assert_eq!(super::together(&[None, None]), None);
    }
}
