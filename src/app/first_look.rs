//! How a layer from a file is coloured before anybody has chosen: what it is and its limits are taken from its values.

use crate::image::percentile::percentiles;
use crate::view::{ColourMap, Overlay, Window};
use crate::volume::{Unit, Volume, with_voxels};
use std::collections::BTreeSet;

/// A volume of whole numbers with at most so many different ones is a mask.
const MOST_LABELS: usize = 64;
/// Below this share of its range nothing of a map is shown.
const STARTS_AT: f64 = 0.2;
/// So many voxels are plenty for a percentile.
const SAMPLED: usize = 400_000;

/// What a volume is, how it is coloured, and the ends of its colour bar.
pub(super) struct FirstLook {
    /// [`Unit::Label`] for a mask.
    pub unit: Unit,
    pub overlay: Overlay,
    pub range: [f32; 2],
}

/// The first look of a mask or a map.
pub(super) fn first_look(volume: &Volume) -> FirstLook {
    if let Some(labels) = labels(volume) {
        let last = labels.last().copied().unwrap_or(1).max(1) as f32;
        let first = labels.iter().find(|label| **label > 0).map_or(1.0, |label| *label as f32);
        let overlay = Overlay {
            colours: ColourMap::Viridis,
            opacity: 0.5,
            threshold: first - 0.5,
            low: 0.0,
            high: last,
            ..Overlay::default()
        };
        return FirstLook { unit: Unit::Label, overlay, range: [0.0, last] };
    }
    let statistics = volume.statistics();
    let [low, high] = percentiles(&sample(volume), [0.5, 99.5]);
    let signed = low < 0.0 && -low > 0.1 * high;
    let (overlay, range) = if signed {
        let (high, most) = (high.max(-low), statistics.max.max(-statistics.min));
        let threshold = (STARTS_AT * high) as f32;
        let colours = ColourMap::Diverging;
        let most = most.min(2.0 * high) as f32;
        (Overlay { colours, threshold, low: threshold, high: high as f32, ..Overlay::default() }, [-most, most])
    } else {
        let high = if high > low { high } else { low.abs().max(1.0) };
        let threshold = (low + STARTS_AT * (high - low)) as f32;
        // An outlier must not squeeze the bar.
        let most = statistics.max.min(high + (high - low)).max(high) as f32;
        let least = low.min(0.0) as f32;
        (Overlay { threshold, low: threshold, high: high as f32, ..Overlay::default() }, [least, most])
    };
    FirstLook { unit: volume.unit, overlay, range }
}

/// The look of a scan over another one: in greys, by its window, and nothing of it left out.
pub(super) fn grey_look(volume: &Volume, window: &Window) -> (Overlay, [f32; 2]) {
    let statistics = volume.statistics();
    let (low, high) = (window.centre - window.width / 2.0, window.centre + window.width / 2.0);
    let overlay = Overlay {
        colours: ColourMap::Grey,
        opacity: 0.5,
        // A hair less, as interpolated values may be.
        threshold: (statistics.min - 1e-3 * (statistics.max - statistics.min)) as f32,
        low: low as f32,
        high: high as f32,
        inverted: window.inverted,
        ..Overlay::default()
    };
    (overlay, [statistics.min.min(low) as f32, statistics.max.max(high) as f32])
}

/// The different numbers of a mask, or none for a volume that is no mask.
#[allow(clippy::unnecessary_cast, reason = "one arm is already f64")]
fn labels(volume: &Volume) -> Option<BTreeSet<u64>> {
    let mut found = BTreeSet::new();
    let mut last = f64::NAN;
    with_voxels!(&volume.voxels, stored => {
        for &value in stored {
            let real = volume.rescale.apply(value as f64);
            if real == last {
                continue;
            }
            last = real;
            found.insert(real as u64);
            if !(real >= 0.0 && real.fract() == 0.0) || found.len() > MOST_LABELS {
                return None;
            }
        }
    });
    Some(found)
}

/// Some of the values that are not 0, evenly spread.
fn sample(volume: &Volume) -> Vec<f32> {
    let count = volume.grid.count();
    let values =
        (0..count).step_by((count / SAMPLED).max(1)).map(|i| volume.rescale.apply(volume.voxels.get(i)) as f32);
    values.filter(|value| *value != 0.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::Grid;
    use crate::volume::{Rescale, Voxels};
    use glam::DVec3;

    fn volume(voxels: Voxels) -> Volume {
        let grid = Grid::centred([voxels.len(), 1, 1], 1.0, DVec3::ZERO);
        Volume { grid, voxels, rescale: Rescale::NONE, unit: Unit::Arbitrary }
    }

    #[test]
    fn whole_numbers_of_few_kinds_are_a_mask_whatever_their_type() {
        let of_floats = first_look(&volume(Voxels::F32(vec![0.0, 0.0, 4.0, 7.0])));
        assert_eq!((of_floats.unit, of_floats.range), (Unit::Label, [0.0, 7.0]));
        assert_eq!([0.0, 3.0, 4.0].map(|v| of_floats.overlay.position(v).is_some()), [false, false, true]);
        assert_eq!(first_look(&volume(Voxels::I16((0..100).collect()))).unit, Unit::Arbitrary, "too many for labels");
        assert_eq!(first_look(&volume(Voxels::I16(vec![0, -1, 1]))).unit, Unit::Arbitrary);
        assert_eq!(first_look(&volume(Voxels::F32(vec![0.0, f32::NAN, 1.0]))).unit, Unit::Arbitrary);
    }

    #[test]
    fn limits_come_from_the_data_and_ignore_an_outlier() {
        let mut values: Vec<f32> = (0..=10_000).map(|n| n as f32 / 100.0).collect();
        values.push(1e9);
        let look = first_look(&volume(Voxels::F32(values)));
        assert!((look.overlay.high - 99.5).abs() < 0.1 && (look.overlay.threshold - 20.3).abs() < 0.2);
        assert!(look.range[0] == 0.0 && look.range[1] < 200.0, "{:?}", look.range);
    }

    #[test]
    fn values_of_both_signs_get_the_diverging_map_around_zero() {
        let look = first_look(&volume(Voxels::F32((-1000..=500).map(|n| n as f32 / 10.3).collect())));
        assert_eq!(look.overlay.colours, ColourMap::Diverging);
        assert_eq!(look.overlay.range()[0], -look.overlay.high);
        assert_eq!(look.range[0], -look.range[1]);
        assert!(look.overlay.position(-90.0).is_some() && look.overlay.position(3.0).is_none());
    }

    #[test]
    fn a_second_scan_is_drawn_whole_in_its_window() {
        let scan = volume(Voxels::I16(vec![-1000, 0, 1000]));
        let (overlay, range) = grey_look(&scan, &Window::linear(200.0, 2000.0));
        assert_eq!(
            [-1000.0, -800.0, 200.0, 1200.0].map(|v| overlay.position(v)),
            [Some(0.0), Some(0.0), Some(0.5), Some(1.0)]
        );
        assert_eq!(range, [-1000.0, 1200.0]);
        let (turned, _) = grey_look(&scan, &Window { inverted: true, ..Window::linear(200.0, 2000.0) });
        assert_eq!([-1000.0, 1200.0].map(|v| turned.position(v)), [Some(1.0), Some(0.0)], "low values are bright");
    }
}
