//! A head reduced to cavity and tissue, and the search for the pair of sinuses in it.
//!
//! On a 3 mm grid every dark voxel that has tissue around it is cavity. A sinus-shaped template (cavity inside, tissue in
//! the shell) is matched everywhere; the best symmetric pair, weighed by where antra lie in a head (distance of the
//! two centres, depth behind the cheek, height below the vertex), wins. On a finer grid each centre then moves to the
//! centroid of the cavity around it.

use super::anatomy::FinderConfig;
use crate::image::otsu;
use crate::image::percentile::percentiles;
use crate::image::resample::{Outside, trilinear};
use crate::job::{Cancelled, Progress};
use crate::space::{Grid, Side};
use crate::volume::{Unit, Volume};
use glam::DVec3;
use rayon::prelude::*;

/// What air measures in CT.
const AIR_HU: f64 = -1000.0;

/// The scan reduced to cavity and tissue on a coarse RAS+ grid.
pub(super) struct Head {
    grid: Grid,
    /// 1 where a dark voxel has tissue on all sides, else 0.
    cavity: Vec<f32>,
    tissue: Vec<bool>,
}

/// Where the air of a head says that its sinuses are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Search {
    /// No head, or one without a face.
    Nothing,
    /// A head whose air tells nothing: its sinuses are opacified, or something else is unusual.
    NoAir,
    /// Places and how sure they are, by [`Side::index`].
    Found([(DVec3, f64); 2]),
}

/// Looks for the pair of air-filled cavities that lies where antra lie in a head.
pub(super) fn search(volume: &Volume, progress: &Progress) -> Result<Search, Cancelled> {
    let config = FinderConfig::default();
    let head = Head::new(volume, config.spacing_mm);
    progress.step(0.3, "looking for the sinuses")?;
    let fits = head.fits(&config, progress)?;
    let pair = head.best_pair(&fits, &config, progress)?.filter(|pair| pair.score >= config.least_score);
    let Some(pair) = pair else {
        return Ok(if head.proportions(&config).is_some() { Search::NoAir } else { Search::Nothing });
    };
    let fine = Head::new(volume, config.spacing_mm / 2.0);
    progress.check()?;
    let clear = |side: Side| pair.fits[side.index()] > config.clear_fit;
    let settled = |side: Side| fine.settle(pair.centres_mm[side.index()], &config);
    Ok(Search::Found([Side::Left, Side::Right].map(|side| {
        let partner = side.other();
        let centre_mm = match (clear(side), clear(partner)) {
            (true, _) => settled(side),
            // A weak fit beside a clear one is another cavity: the opacified sinus lies opposite its partner.
            (false, true) => settled(partner) + DVec3::X * side.sign() * config.apart_mm[0],
            (false, false) => pair.centres_mm[side.index()],
        };
        (centre_mm, f64::midpoint(pair.score, pair.fits[side.index()]).clamp(0.0, 0.999))
    })))
}

/// The best pair: centres and template fits by [`Side::index`], and a score of 0 to 1.
pub(super) struct Pair {
    pub centres_mm: [DVec3; 2],
    pub fits: [f64; 2],
    pub score: f64,
}

impl Head {
    pub(super) fn new(volume: &Volume, spacing_mm: f64) -> Self {
        let grid = volume.grid.covering(spacing_mm);
        let mut values = trilinear(volume, &grid, Outside::Value(f32::NAN));
        let [low, high] = percentiles(&values, [0.0, 97.0]);
        // Padding outside a CT's field of view is below air; Otsu must not separate these two.
        let low = if volume.unit == Unit::Hounsfield { low.max(AIR_HU).min(high) } else { low };
        for v in &mut values {
            *v = v.clamp(low as f32, high as f32);
        }
        let threshold = otsu::threshold(&values).unwrap_or(f32::INFINITY);
        // Otsu separates background from tissue half-way; partial volume makes walls dark, so go lower.
        let dark = low as f32 + 0.7 * (threshold - low as f32);
        let tissue: Vec<bool> = values.iter().map(|&v| v > dark).collect();
        let inside = enclosed(&tissue, grid.size);
        let cavity = tissue.iter().zip(&inside).map(|(&t, &i)| f32::from(u8::from(i && !t))).collect();
        Self { grid, cavity, tissue }
    }

    /// The template's fit at every voxel: cavity share inside minus cavity share of the shell, -1 to 1.
    pub(super) fn fits(&self, config: &FinderConfig, progress: &Progress) -> Result<Vec<f32>, Cancelled> {
        let (inner, shell) = template(config);
        let [nx, ny, nz] = self.grid.size;
        let mean = |at: [usize; 3], offsets: &[[isize; 3]]| -> f32 {
            let (mut sum, mut n) = (0.0, 0_u32);
            for o in offsets {
                let p = [0, 1, 2].map(|a| at[a] as isize + o[a]);
                if (0..3).all(|a| p[a] >= 0 && p[a] < self.grid.size[a] as isize) {
                    sum += self.cavity[self.grid.index(p.map(|v| v as usize))];
                    n += 1;
                }
            }
            // A template that is mostly out of view proves nothing.
            if (n as usize) * 2 < offsets.len() { 0.0 } else { sum / n as f32 }
        };
        (0..nx * ny * nz)
            .into_par_iter()
            .map(|index| {
                if index % nx == 0 {
                    progress.check()?;
                }
                let at = [index % nx, index / nx % ny, index / nx / ny];
                let filled = mean(at, &inner);
                Ok(if filled < 0.2 { 0.0 } else { filled - mean(at, &shell) })
            })
            .collect()
    }

    pub(super) fn best_pair(
        &self,
        fits: &[f32],
        config: &FinderConfig,
        progress: &Progress,
    ) -> Result<Option<Pair>, Cancelled> {
        let vertex_mm = self.vertex_mm();
        let mid_mm = self.mid_x_mm();
        let [nx, ny, _] = self.grid.size;
        let step = config.spacing_mm;
        let (apart, apart_sd) = (config.apart_mm[0], config.apart_mm[1]);
        let range = |mm: f64| (mm / step).round() as isize;
        let candidates = (0..fits.len()).into_par_iter().filter(|&i| fits[i] > 0.25).map(|index| {
            let at = [index % nx, index / nx % ny, index / nx / ny];
            let here = self.position(at);
            let depth = self.depth_factor(here, config);
            progress.check()?;
            let mut best: Option<Pair> = None;
            // The partner is searched on both sides: this voxel may be the right or the left sinus.
            for side in Side::BOTH {
                for dx in range(apart - 2.0 * apart_sd)..=range(apart + 2.0 * apart_sd) {
                    for dy in -range(9.0)..=range(9.0) {
                        for dz in -range(9.0)..=range(9.0) {
                            let offset = [-(side.sign() as isize) * dx, dy, dz];
                            let p = [0, 1, 2].map(|a| at[a] as isize + offset[a]);
                            let inside = (0..3).all(|a| p[a] >= 0 && p[a] < self.grid.size[a] as isize);
                            let other = if inside { fits[self.grid.index(p.map(|v| v as usize))] } else { 0.0 };
                            let there = here + DVec3::new(offset[0] as f64, offset[1] as f64, offset[2] as f64) * step;
                            let lean = |x: f64, sd: f64| (-0.5 * (x / sd).powi(2)).exp();
                            let pair = lean(dx as f64 * step - apart, apart_sd)
                                * lean(dy as f64 * step, 6.0)
                                * lean(dz as f64 * step, 6.0);
                            // One clear sinus is enough: its partner may be opacified or out of view.
                            let (a, b) = (f64::from(fits[index]), f64::from(other.max(0.0)));
                            let fit = 0.75 * a.max(b) + 0.25 * a.min(b);
                            let middle = (here + there) / 2.0;
                            let place = lean(middle.x - mid_mm, 12.0)
                                * depth
                                * vertex_mm.map_or(1.0, |top| {
                                    lean(top - middle.z - config.below_vertex_mm[0], config.below_vertex_mm[1])
                                });
                            let score = fit * (pair * place).powf(0.25);
                            if best.as_ref().is_none_or(|b| score > b.score) {
                                let mut centres_mm = [there; 2];
                                centres_mm[side.index()] = here;
                                let mut both = [f64::from(other.max(0.0)); 2];
                                both[side.index()] = f64::from(fits[index]);
                                best = Some(Pair { centres_mm, fits: both, score });
                            }
                        }
                    }
                }
            }
            Ok(best)
        });
        let better = |a: Option<Pair>, b: Option<Pair>| match (a, b) {
            (Some(a), Some(b)) => Some(if b.score > a.score { b } else { a }),
            (a, b) => a.or(b),
        };
        candidates.try_reduce(|| None, |a, b| Ok(better(a, b)))
    }

    fn position(&self, at: [usize; 3]) -> DVec3 {
        self.grid.world_from_voxel.transform_point3(DVec3::from_array(at.map(|v| v as f64)))
    }

    /// How well the distance to the skin in front agrees with a sinus.
    fn depth_factor(&self, here: DVec3, config: &FinderConfig) -> f64 {
        let v = self.grid.voxel_from_world().transform_point3(here).round().to_array().map(|c| c.max(0.0) as usize);
        let Some(front) = self.front(v[0], v[2]) else { return 0.0 };
        let depth = (front as f64 - v[1] as f64) * config.spacing_mm;
        (-0.5 * ((depth - config.behind_cheek_mm[0]) / config.behind_cheek_mm[1]).powi(2)).exp()
    }

    /// The foremost tissue of a column, as a voxel number along y.
    fn front(&self, x: usize, z: usize) -> Option<usize> {
        let [nx, ny, nz] = self.grid.size;
        (x < nx && z < nz).then(|| (0..ny).rev().find(|&y| self.tissue[self.grid.index([x, y, z])])).flatten()
    }

    /// Where the sinuses would be by the proportions of a head alone, left first: so far below its top, beside its middle,
    /// behind its cheeks. None when the top is not in view, or the face is not (cut off, or removed for privacy).
    pub(super) fn proportions(&self, config: &FinderConfig) -> Option<[DVec3; 2]> {
        let (top, middle) = (self.vertex_mm()?, self.mid_x_mm());
        let front_mm = |x: f64, z: f64| {
            let v = self.grid.voxel_from_world().transform_point3(DVec3::new(x, 0.0, z)).round();
            let inside = v.x >= 0.0 && v.z >= 0.0;
            let y = inside.then(|| self.front(v.x as usize, v.z as usize)).flatten()?;
            Some(self.position([0, y, 0]).y)
        };
        let level = top - config.below_vertex_mm[0];
        let forehead = front_mm(middle, top - config.forehead_below_vertex_mm)?;
        let mut centres = [DVec3::ZERO; 2];
        for side in Side::BOTH {
            let x = middle + side.sign() * config.apart_mm[0] / 2.0;
            let cheek = front_mm(x, level)?;
            if forehead - cheek > config.cheek_behind_forehead_mm {
                return None;
            }
            centres[side.index()] = DVec3::new(x, cheek - config.behind_cheek_mm[0], level);
        }
        Some(centres)
    }

    /// The height of the top of the head, unless the scan cuts it off.
    fn vertex_mm(&self) -> Option<f64> {
        let [nx, ny, nz] = self.grid.size;
        let area = |z: usize| self.tissue[z * nx * ny..(z + 1) * nx * ny].iter().filter(|&&t| t).count();
        let per_cm2 = 100.0 / self.grid.spacing_mm().x.powi(2);
        let top = (0..nz).rev().find(|&z| area(z) as f64 > 15.0 * per_cm2)?;
        (top + 2 < nz).then(|| self.position([0, 0, top]).z)
    }

    /// The middle of the tissue from left to right.
    fn mid_x_mm(&self) -> f64 {
        let (mut sum, mut n) = (0.0, 0.0);
        for line in self.tissue.chunks(self.grid.size[0]) {
            let first = line.iter().position(|&t| t);
            let last = line.iter().rposition(|&t| t);
            if let (Some(first), Some(last)) = (first, last) {
                sum += (first + last) as f64 / 2.0;
                n += 1.0;
            }
        }
        let middle = if n > 0.0 { sum / n } else { 0.0 };
        self.grid.world_from_voxel.translation.x + middle * self.grid.spacing_mm().x
    }

    /// Moves a centre to the centroid of the cavity in a sinus-sized window around it, until it stays.
    pub(super) fn settle(&self, start_mm: DVec3, config: &FinderConfig) -> DVec3 {
        let half = DVec3::from_array(config.half_axes_mm) * 1.25;
        let mut centre = start_mm;
        for _ in 0..10 {
            let (mut sum, mut n) = (DVec3::ZERO, 0.0);
            let voxel = self.grid.voxel_from_world();
            let low = voxel.transform_point3(centre - half).floor().max(DVec3::ZERO).to_array();
            let high = voxel.transform_point3(centre + half).ceil().max(DVec3::ZERO).to_array();
            let span = |a: usize| low[a] as usize..(high[a] as usize + 1).min(self.grid.size[a]);
            for z in span(2) {
                for y in span(1) {
                    for x in span(0) {
                        let p = self.position([x, y, z]);
                        let d = ((p - centre) / half).length();
                        if d < 1.0 && self.cavity[self.grid.index([x, y, z])] > 0.5 {
                            sum += p;
                            n += 1.0;
                        }
                    }
                }
            }
            if n == 0.0 {
                break;
            }
            let moved = sum / n - centre;
            centre += moved;
            if moved.length() < 0.2 {
                break;
            }
        }
        // A runaway means the window slid into the nose or the air outside.
        if centre.distance(start_mm) < 15.0 { centre } else { start_mm }
    }
}

/// Voxel offsets of the sinus-shaped ellipsoid and of the shell around it.
fn template(config: &FinderConfig) -> (Vec<[isize; 3]>, Vec<[isize; 3]>) {
    let (mut inner, mut shell) = (Vec::new(), Vec::new());
    let half = DVec3::from_array(config.half_axes_mm);
    let reach = ((half + config.shell_mm).max_element() / config.spacing_mm).ceil() as isize;
    for z in -reach..=reach {
        for y in -reach..=reach {
            for x in -reach..=reach {
                let p = DVec3::new(x as f64, y as f64, z as f64) * config.spacing_mm;
                if (p / half).length() <= 1.0 {
                    inner.push([x, y, z]);
                } else if (p / (half + config.shell_mm)).length() <= 1.0 && (p / (half + 2.0)).length() > 1.0 {
                    shell.push([x, y, z]);
                }
            }
        }
    }
    (inner, shell)
}

/// Which voxels have tissue to the left and right, and in front and behind.
fn enclosed(tissue: &[bool], [nx, ny, nz]: [usize; 3]) -> Vec<bool> {
    let mut inside = vec![false; tissue.len()];
    for z in 0..nz {
        let slice = &tissue[z * nx * ny..(z + 1) * nx * ny];
        let extent = |n: usize, at: &dyn Fn(usize) -> bool| {
            ((0..n).find(|&i| at(i)).unwrap_or(n), (0..n).rev().find(|&i| at(i)).unwrap_or(0))
        };
        let columns: Vec<_> = (0..nx).map(|x| extent(ny, &|y| slice[x + nx * y])).collect();
        for y in 0..ny {
            let (first, last) = extent(nx, &|x| slice[x + nx * y]);
            for x in first..=last.min(nx - 1) {
                inside[z * nx * ny + x + nx * y] = y > columns[x].0 && y < columns[x].1;
            }
        }
    }
    inside
}
