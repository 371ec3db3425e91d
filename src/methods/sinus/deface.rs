//! A scan without its face: what could be drawn of it and recognised lies in front of the maxillary sinuses, and they tell
//! where to cut.

use super::cavity::Cavity;
use crate::space::Side;
use crate::volume::{Volume, with_voxels};
use glam::DVec3;
use rayon::prelude::*;

/// How far in front of the sinuses the cut is.
const SPARED_MM: f64 = 4.0;
/// How far above the roofs of the sinuses, which are the floors of the orbits, it ends: at the brows of a head that does not
/// nod.
const BROW_MM: f64 = 22.0;
/// Sinuses nearer to each other than this, or further apart, are not those of a head.
const APART_MM: std::ops::Range<f64> = 25.0..90.0;

/// The scan with the darkest value in place of all that lies in front of both sinuses and below the brows: nose, eyes, lips,
/// chin, the skin of the cheeks. Nothing of the cavities goes. None where they do not tell where the face is.
#[must_use]
pub fn without_face(volume: &Volume, cavities: &[Option<Cavity>; 2]) -> Option<Volume> {
    let [left, right] = [Side::Left, Side::Right].map(|side| cavities[side.index()].as_ref());
    let (left, right) = (left?, right?);
    let middles = [left.bounds_mm()?.centre(), right.bounds_mm()?.centre()];
    let across = middles[1] - middles[0];
    if !APART_MM.contains(&across.length()) || across.x <= 0.0 {
        return None;
    }
    // The front turns and tilts with the line across both sinuses; how the head nods they do not tell.
    let to_right = across.normalize();
    let to_front = DVec3::Y.reject_from_normalized(to_right).try_normalize()?;
    let to_top = to_right.cross(to_front);
    let furthest = |way: DVec3| {
        let places = [left, right].into_iter().flat_map(Cavity::labelled).map(|(place, _)| place.dot(way));
        places.fold(f64::NEG_INFINITY, f64::max)
    };
    let (front, brow) = (furthest(to_front) + SPARED_MM, furthest(to_top) + BROW_MM);
    let grid = volume.grid;
    let is_face = |index: usize| {
        let place = grid.voxel_mm(index);
        place.dot(to_front) > front && place.dot(to_top) < brow
    };
    let mut copy = volume.clone();
    let real = |index: usize| volume.rescale.apply(volume.voxels.get(index));
    let known = (0..volume.voxels.len()).filter(|index| real(*index).is_finite());
    let darkest = known.min_by(|a, b| real(*a).total_cmp(&real(*b)))?;
    with_voxels!(&mut copy.voxels, values => {
        let darkest = values[darkest];
        values.par_iter_mut().enumerate().filter(|(index, _)| is_face(*index)).for_each(|(_, value)| *value = darkest);
    });
    Some(copy)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::job::Progress;
    use crate::methods::sinus::Crop;
    use crate::phantom::{self, Contrast, Plan, Tissue};

    #[test]
    fn the_skin_in_front_goes_and_nothing_of_the_sinuses() {
        let head = phantom::head(&Plan::new(3, Contrast::T1, 2.0), &Progress::default()).unwrap();
        let cavity = |side: Side| {
            let grid = Crop::grid_at(side, head.sinuses[side.index()].centre_mm, Crop::SIZE);
            let label = |i: usize| {
                let place = grid.voxel_mm(i);
                u8::from(head.tissue_at(place).in_sinus() && head.side_at(place) == side)
            };
            Cavity::new(side, grid, (0..grid.count()).map(label).collect())
        };
        let mut cavities = [None, None];
        for side in Side::BOTH {
            cavities[side.index()] = Some(cavity(side));
        }
        let before = &head.image;
        let after = without_face(before, &cavities).unwrap();
        assert_eq!(after.grid, before.grid);

        let [left, right] = head.sinuses.each_ref().map(|truth| truth.centre_mm);
        let middle = left.midpoint(right);
        let mut gone = [0, 0];
        for index in 0..before.grid.count() {
            let (was, is) = (before.voxels.get(index), after.voxels.get(index));
            let place = before.grid.voxel_mm(index);
            let tissue = head.tissue_at(place);
            if was == is {
                // The tip of the nose and the lips lie some centimetres in front of the sinuses.
                let ahead = place - middle;
                let nose = ahead.y > 45.0 && ahead.z.abs() < 25.0 && ahead.x.abs() < 20.0;
                assert!(!nose || tissue == Tissue::Air, "{tissue:?} at {ahead} stays");
            } else {
                assert!(!tissue.in_sinus(), "a sinus was cut at {place}");
                assert!(!matches!(tissue, Tissue::Grey | Tissue::White), "the brain was cut at {place}");
                gone[usize::from(head.side_at(place) == Side::Right)] += 1;
            }
        }
        let share = f64::from(gone[0]) / f64::from(gone[0] + gone[1]);
        assert!((0.4..0.6).contains(&share), "both halves of the face: {gone:?}");
        // With their sides exchanged, or without one of them, nobody knows where the face is.
        cavities.swap(0, 1);
        assert!(without_face(before, &cavities).is_none());
        cavities[0] = None;
        assert!(without_face(before, &cavities).is_none());
    }
}
