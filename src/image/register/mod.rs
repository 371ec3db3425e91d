//! Affine registration of two volumes by their mutual information: what lies where, whatever the contrasts.
//!
//! As in paper 1: twelve parameters, the joint histogram of Mattes et al. (2003) with 32 bins, a pyramid of factors
//! 4, 2, 1 with Gaussian sigmas 3, 1, 0, from coarse to fine. Each level ends where BFGS does (`optimise`). The start
//! is looked for: the coarsest level begins at the most telling of several placements, so that scans with other origins
//! or with more of the neck are aligned too. Orientation is that of the world: nothing is ever mirrored.

mod metric;
mod optimise;
mod place;
mod pyramid;
mod start;
#[cfg(test)]
pub(crate) mod testing;

use crate::job::{Cancelled, Progress};
use crate::volume::Volume;
use glam::DAffine3;
use metric::Metric;
use optimise::Limits;
use place::{Freedom, Parameters};
use pyramid::Pyramid;

/// How two volumes are registered. The defaults are those of paper 1.
#[derive(Clone, Debug, PartialEq)]
pub struct AffineConfig {
    /// From coarse to fine: how much larger than the smallest spacing of the fixed volume the voxels are, and the
    /// standard deviation of the smoothing in such spacings.
    pub levels: Vec<(f64, f64)>,
    /// Bins of each axis of the joint histogram, the two empty ones at either end included; at least 8.
    pub bins: usize,
    /// How many voxels of the fixed volume are compared at most: one drawn from each of so many stretches of equal
    /// length. So many say as much about twelve parameters as all of them do.
    pub samples: usize,
}

impl Default for AffineConfig {
    fn default() -> Self {
        Self { levels: vec![(4.0, 3.0), (2.0, 1.0), (1.0, 0.0)], bins: 32, samples: 400_000 }
    }
}

/// How one volume lies in another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Alignment {
    /// Takes world mm of the fixed volume to world mm of the moving one; its determinant is positive.
    pub moving_from_fixed: DAffine3,
    /// In nats, of the finest level: 0 where one volume says nothing about the other, as where one is constant.
    pub mutual_information: f64,
    /// The share of the fixed volume that the moving one covers, 0 to 1.
    pub overlap: f64,
}

impl Alignment {
    /// By which alignments of other overlap are compared: information that is told of few voxels is little.
    fn told(&self) -> f64 {
        self.mutual_information * self.overlap
    }
}

/// Finds the affine map under which `moving` tells most about `fixed`. The same on any number of threads.
///
/// Where one of them is constant or they cannot be laid over one another, the result is the best start, with a mutual
/// information near 0.
///
/// # Errors
/// [`Cancelled`] when the job should stop.
pub fn affine(
    fixed: &Volume,
    moving: &Volume,
    config: &AffineConfig,
    progress: &Progress,
) -> Result<Alignment, Cancelled> {
    let stage = "aligning";
    progress.step(0.0, stage)?;
    let voxel_mm = fixed.grid.spacing_mm().min_element();
    let fixed = Pyramid::new(fixed, voxel_mm, 1.0, config, progress)?;
    progress.step(0.1, stage)?;
    // Values between voxels are asked for: two for one leave more of what is there.
    let moving = Pyramid::new(moving, voxel_mm, 2.0, config, progress)?;
    progress.step(0.2, stage)?;
    let mut best = start::find(&fixed, &moving, config, progress)?;
    for (n, (fixed, moving)) in fixed.levels.iter().zip(&moving.levels).enumerate() {
        progress.step(0.3 + 0.7 * n as f32 / config.levels.len() as f32, stage)?;
        let mut metric = Metric::new(fixed, moving, config.bins, config.samples);
        let parameters = Parameters::around(best.moving_from_fixed, &fixed.grid, Freedom::Affine);
        best = optimise::climb(&mut metric, &parameters, &Limits::of(fixed.grid.spacing_mm().min_element()), progress)?;
    }
    Ok(best)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::testing::scene;
    use super::*;
    use crate::space::Grid;
    use crate::volume::{Unit, Voxels};
    use glam::DVec3;
    use std::time::{Duration, Instant};

    fn aligned(fixed: &Volume, moving: &Volume) -> Alignment {
        affine(fixed, moving, &AffineConfig::default(), &Progress::default()).unwrap()
    }

    #[test]
    fn a_volume_lies_in_itself_as_it_is() {
        let volume = scene(Grid::centred([50, 48, 46], 1.5, DVec3::new(2.0, -4.0, 3.0)));
        let found = aligned(&volume, &volume);
        // To a fraction of a voxel: between voxels smooth edges tell a little more.
        for corner in [volume.grid.bounds_mm().min, volume.grid.bounds_mm().max] {
            assert!(found.moving_from_fixed.transform_point3(corner).distance(corner) < 0.75, "{found:?}");
        }
        assert!(found.overlap > 0.99 && found.mutual_information > 0.4, "{found:?}");
    }

    #[test]
    fn what_holds_nothing_to_go_by_is_left_where_it_is() {
        let flat = |size| {
            let grid = Grid::centred(size, 1.0, DVec3::ZERO);
            Volume::from_f32(grid, vec![7.0; grid.count()], Unit::Arbitrary)
        };
        let scene = scene(Grid::centred([32; 3], 2.0, DVec3::ZERO));
        for (fixed, moving) in
            [(flat([20; 3]), scene.clone()), (scene.clone(), flat([20; 3])), (flat([1; 3]), flat([1; 3]))]
        {
            let found = aligned(&fixed, &moving);
            assert_eq!(found.moving_from_fixed, DAffine3::IDENTITY);
            assert!(found.mutual_information < 1e-6, "{found:?}");
        }
        // Too small to be aligned, and full of what is no number: an answer all the same.
        for size in [[1, 1, 1], [2, 1, 1], [64, 64, 1], [1, 2, 3], [3, 3, 3]] {
            let grid = Grid::centred(size, 1.0, DVec3::ZERO);
            let values = (0..grid.count()).map(|n| if n % 5 == 4 { f32::NAN } else { (n % 7) as f32 }).collect();
            let small = Volume::from_f32(grid, values, Unit::Arbitrary);
            for (fixed, moving) in [(&small, &scene), (&scene, &small), (&small, &small)] {
                let found = aligned(fixed, moving);
                assert!(found.moving_from_fixed.is_finite() && found.moving_from_fixed.matrix3.determinant() > 0.0);
            }
        }
    }

    #[test]
    fn the_result_is_the_same_on_any_number_of_threads() {
        let fixed = scene(Grid::centred([50, 48, 46], 1.5, DVec3::ZERO));
        let moving = scene(Grid::centred([60, 50, 40], 1.4, DVec3::new(6.0, -3.0, 2.0)));
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| aligned(&fixed, &moving))
        };
        assert_eq!(on(1), on(3));
    }

    #[test]
    fn a_cancel_takes_effect_within_250_ms() {
        let grid = Grid::centred([200, 240, 200], 1.0, DVec3::ZERO);
        let values = (0..grid.count()).map(|n| (n * 7919 % 1013) as i16).collect();
        let volume =
            Volume { voxels: Voxels::I16(values), ..Volume::from_f32(grid, vec![0.0; grid.count()], Unit::Arbitrary) };
        for wait in [0, 50, 400] {
            let progress = Progress::default();
            let (worker, volume) = (progress.clone(), &volume);
            // Threads of its own, as those of all tests may be busy with another one.
            let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
            let (outcome, took) = std::thread::scope(|scope| {
                let job =
                    scope.spawn(move || pool.install(|| affine(volume, volume, &AffineConfig::default(), &worker)));
                std::thread::sleep(Duration::from_millis(wait));
                let asked = Instant::now();
                progress.cancel();
                (job.join().unwrap(), asked.elapsed())
            });
            assert!(matches!(outcome, Err(Cancelled)) && took < Duration::from_millis(250), "{wait}: {took:?}");
        }
    }
}
