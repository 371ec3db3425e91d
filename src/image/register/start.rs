//! Where the climb begins: scans of one head can have other origins, and show more or less of the neck.

use super::metric::Metric;
use super::optimise::{self, Limits};
use super::place::{Freedom, Parameters};
use super::pyramid::{Level, Pyramid};
use super::{AffineConfig, Alignment};
use crate::job::{Cancelled, Progress};
use glam::{DAffine3, DMat3, DVec3};

/// So few voxels tell which start is good.
const SAMPLES: usize = 20_000;
/// How many of the best starts are climbed from.
const CLIMBED: usize = 3;
/// Along the body, in mm: the middle of what a scan shows may be so much higher or lower.
const SHIFTS_MM: [f64; 7] = [0.0, -15.0, 15.0, -30.0, 30.0, -50.0, 50.0];
/// Nods of the head, in radians.
const NODS: [f64; 3] = [0.0, -0.3, 0.3];

/// The best start at the coarsest level: as the worlds lie, middle on middle or mass on mass, shifted and nodding; then
/// moved, turned and scaled to where it tells most.
pub(super) fn find(
    fixed: &Pyramid,
    moving: &Pyramid,
    config: &AffineConfig,
    progress: &Progress,
) -> Result<Alignment, Cancelled> {
    let nothing = Alignment { moving_from_fixed: DAffine3::IDENTITY, mutual_information: 0.0, overlap: 0.0 };
    let (Some(fixed), Some(moving)) = (fixed.levels.first(), moving.levels.first()) else { return Ok(nothing) };
    let mut metric = Metric::new(fixed, moving, config.bins, SAMPLES);
    let mut starts = Vec::new();
    for place in places(fixed, moving) {
        starts.push(metric.value(place, progress)?);
    }
    starts.sort_by(|a, b| b.told().total_cmp(&a.told()));
    let limits = Limits::of(fixed.grid.spacing_mm().min_element());
    let mut best = starts.first().copied().unwrap_or(nothing);
    for start in starts.iter().take(CLIMBED) {
        let parameters = Parameters::around(start.moving_from_fixed, &fixed.grid, Freedom::Similarity);
        let climbed = optimise::climb(&mut metric, &parameters, &limits, progress)?;
        if climbed.told() > best.told() {
            best = climbed;
        }
    }
    Ok(best)
}

/// The placements to try, the plainest first.
fn places(fixed: &Level, moving: &Level) -> Vec<DAffine3> {
    let mut places = vec![DAffine3::IDENTITY];
    let middles =
        [(fixed.grid.centre_mm(), moving.grid.centre_mm()), (fixed.mass_centre_mm(), moving.mass_centre_mm())];
    for (from, to) in middles {
        for nod in NODS {
            let matrix3 = DMat3::from_rotation_x(nod);
            places.extend(SHIFTS_MM.map(|z| DAffine3 { matrix3, translation: to + DVec3::Z * z - matrix3 * from }));
        }
    }
    places
}

impl Level {
    /// The centre of mass of what is above the lowest value, in world mm; the middle where there is nothing.
    fn mass_centre_mm(&self) -> DVec3 {
        let [nx, ny, _] = self.grid.size;
        let (mut sum, mut mass) = (DVec3::ZERO, 0.0);
        for (row, values) in self.values.chunks(nx).enumerate() {
            let (j, k) = ((row % ny) as f64, (row / ny) as f64);
            for (i, value) in values.iter().enumerate() {
                let value = f64::from(value - self.range[0]);
                sum += DVec3::new(i as f64, j, k) * value;
                mass += value;
            }
        }
        if mass > 0.0 { self.grid.world_from_voxel.transform_point3(sum / mass) } else { self.grid.centre_mm() }
    }
}
