//! Clusters of a map: voxels that can be seen and touch each other by a face, an edge or a corner (26 neighbours).
//!
//! Small clusters are mostly noise; leaving them out shows what is worth a look. Rows of voxels are taken as stretches,
//! and stretches of neighbouring rows joined, so that a whole head takes a fraction of a second.

use crate::job::{Cancelled, Progress};
use crate::volume::Volume;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// A map without its small clusters.
#[derive(Clone, Debug, PartialEq)]
pub struct Sifted {
    /// The real values; voxels of small clusters are 0.
    pub volume: Arc<Volume>,
    /// How many clusters there were.
    pub clusters: usize,
    /// How many are left.
    pub kept: usize,
}

/// Visible voxels in a row, from the first up to but not including the last.
#[derive(Clone, Copy)]
struct Stretch {
    from: usize,
    to: usize,
}

/// Sets the voxels of all clusters smaller than `min_mm3` to 0. A voxel belongs to a cluster where its real value is
/// `visible`.
///
/// # Errors
/// [`Cancelled`].
pub fn drop_small(
    volume: &Volume,
    visible: impl Fn(f32) -> bool + Sync,
    min_mm3: f64,
    progress: &Progress,
) -> Result<Sifted, Cancelled> {
    let mut values = volume.to_f32();
    progress.step(0.3, "clusters")?;
    let [nx, ny, nz] = volume.grid.size;
    let rows: Vec<Vec<Stretch>> = values.par_chunks(nx.max(1)).map(|row| stretches(row, &visible)).collect();
    let starts: Vec<usize> = std::iter::once(0)
        .chain(rows.iter().scan(0, |end, row| {
            *end += row.len();
            Some(*end)
        }))
        .collect();
    let all: Vec<Stretch> = rows.concat();
    progress.step(0.5, "clusters")?;

    let mut clusters = Clusters((0..all.len()).collect());
    let of_row = |j: usize, k: usize| starts[j + ny * k]..starts[j + ny * k + 1];
    for k in 0..nz {
        progress.check()?;
        for j in 0..ny {
            let before = j.checked_sub(1).map(|j| (j, k));
            let below =
                k.checked_sub(1).into_iter().flat_map(|k| (j.saturating_sub(1)..(j + 2).min(ny)).map(move |j| (j, k)));
            for (other_j, other_k) in before.into_iter().chain(below) {
                clusters.join_rows(&all, of_row(j, k), of_row(other_j, other_k));
            }
        }
    }
    progress.step(0.8, "clusters")?;

    let mut voxels = vec![0_usize; all.len()];
    let roots: Vec<usize> = (0..all.len()).map(|stretch| clusters.root(stretch)).collect();
    for (stretch, &root) in all.iter().zip(&roots) {
        voxels[root] += stretch.to - stretch.from;
    }
    let voxel_mm3 = volume.grid.world_from_voxel.matrix3.determinant().abs();
    // A hair less, so that a cluster of exactly that size stays whatever the rounding.
    let large = |voxels: usize| voxels as f64 * voxel_mm3 >= min_mm3 * (1.0 - 1e-9);
    let sizes = || voxels.iter().filter(|&&n| n > 0);
    let (found, kept) = (sizes().count(), sizes().filter(|&&n| large(n)).count());
    values.par_chunks_mut(nx.max(1)).enumerate().for_each(|(row, values)| {
        let stretches = starts[row]..starts[row + 1];
        for (stretch, root) in all[stretches.clone()].iter().zip(&roots[stretches]) {
            if !large(voxels[*root]) {
                values[stretch.from..stretch.to].fill(0.0);
            }
        }
    });
    Ok(Sifted { volume: Volume::from_f32(volume.grid, values, volume.unit).into(), clusters: found, kept })
}

fn stretches(row: &[f32], visible: &impl Fn(f32) -> bool) -> Vec<Stretch> {
    let mut found = Vec::new();
    let mut start = None;
    for (i, &value) in row.iter().enumerate() {
        match (visible(value), start) {
            (true, None) => start = Some(i),
            (false, Some(from)) => {
                found.push(Stretch { from, to: i });
                start = None;
            }
            _ => {}
        }
    }
    found.extend(start.map(|from| Stretch { from, to: row.len() }));
    found
}

/// Which stretch each stretch is joined to; a root is joined to itself.
struct Clusters(Vec<usize>);

impl Clusters {
    fn root(&mut self, mut stretch: usize) -> usize {
        while self.0[stretch] != stretch {
            // Halving the way keeps the next look-up short.
            self.0[stretch] = self.0[self.0[stretch]];
            stretch = self.0[stretch];
        }
        stretch
    }

    /// Joins the stretches of two neighbouring rows that touch, corners included.
    fn join_rows(&mut self, all: &[Stretch], mut a: Range<usize>, mut b: Range<usize>) {
        while !a.is_empty() && !b.is_empty() {
            let (p, q) = (all[a.start], all[b.start]);
            if p.from <= q.to && q.from <= p.to {
                let (p, q) = (self.root(a.start), self.root(b.start));
                self.0[p.max(q)] = p.min(q);
            }
            // The one that ends first touches nothing further on.
            if p.to < q.to { a.start += 1 } else { b.start += 1 }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::space::Grid;
    use crate::volume::{Rescale, Unit, Voxels};
    use glam::{DAffine3, DMat3, DVec3};
    use rand::{RngExt as _, SeedableRng as _};
    use rand_chacha::ChaCha8Rng;

    fn sift(volume: &Volume, threshold: f32, min_mm3: f64) -> Sifted {
        drop_small(volume, |value| value >= threshold, min_mm3, &Progress::default()).unwrap()
    }

    /// 1 × 2 × 3 mm voxels of 6 mm³, the first axis mirrored.
    fn grid(size: [usize; 3]) -> Grid {
        let matrix3 = DMat3::from_diagonal(DVec3::new(-1.0, 2.0, 3.0));
        Grid { size, world_from_voxel: DAffine3 { matrix3, translation: DVec3::ZERO } }
    }

    #[test]
    fn corners_touch_row_ends_do_not_and_sizes_are_in_cubic_millimetres() {
        let grid = grid([6, 5, 4]);
        let mut values = vec![0.0; grid.count()];
        // Two voxels that touch by a corner: 12 mm³.
        let pair = [[1, 1, 1], [2, 2, 2]];
        // The end of one row and the start of the next: two clusters of 6 mm³.
        let lone = [[5, 3, 0], [0, 4, 0]];
        for at in pair.into_iter().chain(lone) {
            values[grid.index(at)] = 1.0;
        }
        values[grid.index([4, 0, 3])] = 0.4;
        let volume = Volume::from_f32(grid, values, Unit::Score);
        let kept = |min_mm3| {
            let sifted = sift(&volume, 0.5, min_mm3);
            let at = |voxel| sifted.volume.at(voxel).unwrap() > 0.5;
            (pair.map(at), lone.map(at), sifted.clusters, sifted.kept)
        };
        assert_eq!(kept(6.0), ([true; 2], [true; 2], 3, 3));
        assert_eq!(kept(12.0), ([true; 2], [false; 2], 3, 1));
        assert_eq!(kept(12.1), ([false; 2], [false; 2], 3, 0));
        assert_eq!(sift(&volume, 0.5, 99.0).volume.at([4, 0, 3]), Some(f64::from(0.4_f32)), "below the threshold");
    }

    #[test]
    fn stored_numbers_are_scaled_before_they_are_compared() {
        let rescale = Rescale { slope: 0.5, intercept: -1.0 };
        let volume = Volume { grid: grid([4, 1, 1]), voxels: Voxels::U8(vec![4, 0, 6, 6]), rescale, unit: Unit::Score };
        let sifted = sift(&volume, 1.0, 7.0);
        assert_eq!(sifted.volume.to_f32(), [0.0, -1.0, 2.0, 2.0]);
        assert_eq!((sifted.clusters, sifted.kept), (2, 1));
    }

    /// The same clusters as by walking from voxel to voxel.
    #[test]
    fn clusters_of_noise_are_those_of_a_flood() {
        let grid = grid([9, 8, 7]);
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        for share in [0.05, 0.12, 0.3] {
            let values: Vec<f32> =
                (0..grid.count()).map(|_| f32::from(u8::from(rng.random::<f64>() < share))).collect();
            let sizes = flood(&grid, &values);
            let sifted = sift(&Volume::from_f32(grid, values.clone(), Unit::Score), 0.5, 18.0);
            let expected: Vec<f32> =
                values.iter().zip(&sizes).map(|(&v, &size)| if size < 3 { 0.0 } else { v }).collect();
            assert_eq!(sifted.volume.to_f32(), expected, "{share}");
        }
    }

    /// The number of voxels of the cluster that each voxel belongs to.
    fn flood(grid: &Grid, values: &[f32]) -> Vec<usize> {
        let mut sizes = vec![0; values.len()];
        let [nx, ny, nz] = grid.size.map(|n| n as i64);
        for start in 0..values.len() {
            if values[start] < 0.5 || sizes[start] > 0 {
                continue;
            }
            let (mut seen, mut next) = (vec![start], 0);
            while let Some(&at) = seen.get(next) {
                next += 1;
                let at = at as i64;
                let (i, j, k) = (at % nx, at / nx % ny, at / (nx * ny));
                for step in 0..27 {
                    let (i, j, k) = (i + step % 3 - 1, j + step / 3 % 3 - 1, k + step / 9 - 1);
                    if (0..nx).contains(&i) && (0..ny).contains(&j) && (0..nz).contains(&k) {
                        let to = (i + nx * (j + ny * k)) as usize;
                        if values[to] > 0.5 && !seen.contains(&to) {
                            seen.push(to);
                        }
                    }
                }
            }
            for &at in &seen {
                sizes[at] = seen.len();
            }
        }
        sizes
    }
}
