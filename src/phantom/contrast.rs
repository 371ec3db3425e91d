//! From tissues to a picture: what each tissue looks like in each kind of scan, and how a scanner spoils it.
//!
//! The order is that of physics: mean and grain of each tissue, partial volume as a light blur, coil shading,
//! noise (Rician in magnitude MR, Gaussian in CT), rounding to stored integers.

use super::Tissue;
use super::shape::{Noise, noise_offset};
use crate::image::gaussian;
use crate::job::{Cancelled, Progress};
use crate::space::Grid;
use crate::volume::{Rescale, Unit, Volume, Voxels};
use glam::{Vec3, vec3};
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::f32::consts::TAU;
use std::str::FromStr;

/// How a head is imaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contrast {
    /// Fluid-attenuated inversion recovery MR: free water dark, mucosa and secretions bright.
    Flair,
    /// T1-weighted MR: fat bright, water dark.
    T1,
    /// T2-weighted MR: water bright.
    T2,
    /// Proton-density-weighted MR: everything soft alike.
    Pd,
    /// Computed tomography in Hounsfield units.
    Ct,
    /// MR-like with the mean of every tissue drawn anew, air kept darkest: for training that shall not depend
    /// on the contrast.
    Random,
}

/// The name is none of [`Contrast::ALL`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no contrast; use one of: flair, t1, t2, pd, ct, random")]
pub struct UnknownContrast(String);

impl Contrast {
    /// All contrasts.
    pub const ALL: [Self; 6] = [Self::Flair, Self::T1, Self::T2, Self::Pd, Self::Ct, Self::Random];

    /// The name on the command line: `flair`, `t1`, `t2`, `pd`, `ct`, `random`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Flair => "flair",
            Self::T1 => "t1",
            Self::T2 => "t2",
            Self::Pd => "pd",
            Self::Ct => "ct",
            Self::Random => "random",
        }
    }

    /// Mean of a tissue: HU in CT, else per cent of white matter or so.
    fn mean(self, tissue: Tissue) -> f32 {
        //                                   FLAIR   T1     T2     PD     CT
        let row: [f32; 5] = match tissue {
            Tissue::Air | Tissue::SinusAir => [1.0, 2.0, 1.0, 1.0, -1000.0],
            Tissue::Skin => [42.0, 62.0, 38.0, 65.0, 45.0],
            Tissue::Fat => [62.0, 128.0, 95.0, 105.0, -95.0],
            Tissue::Muscle => [44.0, 68.0, 32.0, 66.0, 55.0],
            Tissue::Bone => [6.0, 11.0, 6.0, 8.0, 1050.0],
            Tissue::Marrow => [46.0, 112.0, 70.0, 85.0, 320.0],
            Tissue::Tooth => [4.0, 6.0, 4.0, 5.0, 1900.0],
            Tissue::Cartilage => [40.0, 50.0, 35.0, 55.0, 70.0],
            Tissue::Grey => [120.0, 68.0, 88.0, 108.0, 37.0],
            Tissue::White => [98.0, 100.0, 62.0, 88.0, 29.0],
            Tissue::Csf => [14.0, 22.0, 185.0, 105.0, 8.0],
            Tissue::Sclera => [38.0, 50.0, 22.0, 50.0, 60.0],
            Tissue::Vitreous => [10.0, 20.0, 190.0, 100.0, 8.0],
            Tissue::Lens => [35.0, 48.0, 25.0, 55.0, 80.0],
            Tissue::NasalMucosa | Tissue::SinusMucosa => [96.0, 72.0, 135.0, 105.0, 42.0],
            Tissue::Gland => [74.0, 84.0, 72.0, 86.0, 25.0],
            Tissue::Vessel => [16.0, 40.0, 12.0, 30.0, 45.0],
            Tissue::Metal => [2.0, 3.0, 2.0, 2.0, 3000.0],
            Tissue::BrainLesion => [150.0, 70.0, 130.0, 118.0, 24.0],
            Tissue::OtherFluid => [105.0, 60.0, 165.0, 110.0, 25.0],
            Tissue::ThickMucosa => [118.0, 64.0, 155.0, 112.0, 32.0],
            Tissue::Cyst => [128.0, 50.0, 185.0, 120.0, 14.0],
            Tissue::Polyp => [122.0, 58.0, 160.0, 112.0, 28.0],
            Tissue::Fluid => [96.0, 38.0, 185.0, 112.0, 12.0],
            Tissue::Secretion => [108.0, 66.0, 150.0, 108.0, 35.0],
        };
        row[match self {
            Self::Flair => 0,
            Self::T1 | Self::Random => 1,
            Self::T2 => 2,
            Self::Pd => 3,
            Self::Ct => 4,
        }]
    }

    /// The mean of every tissue in one scan, by label. Scans differ: most in what fills a diseased sinus,
    /// whose protein content varies.
    fn table(self, rng: &mut ChaCha8Rng) -> Vec<f32> {
        let draw = |tissue: Tissue, rng: &mut ChaCha8Rng| {
            let mean = self.mean(tissue);
            match self {
                _ if matches!(tissue, Tissue::Air | Tissue::SinusAir) => mean,
                Self::Random => rng.random_range(12.0..180.0),
                Self::Ct if mean.abs() < 110.0 => mean + rng.random_range(-6.0..6.0),
                Self::Ct => mean * rng.random_range(0.9..1.1),
                _ if tissue.is_disease() => mean * rng.random_range(0.82..1.18),
                _ => mean * rng.random_range(0.92..1.08),
            }
        };
        Tissue::ALL.iter().map(|&tissue| draw(tissue, rng)).collect()
    }
}

impl FromStr for Contrast {
    type Err = UnknownContrast;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|c| c.name() == name).ok_or_else(|| UnknownContrast(name.to_owned()))
    }
}

/// How much a tissue's brightness varies within it, as a share of its mean (in CT: of 100 HU).
fn grain(tissue: Tissue) -> f32 {
    match tissue {
        Tissue::NasalMucosa => 0.3,
        Tissue::Fat | Tissue::Marrow | Tissue::Muscle | Tissue::Skin => 0.16,
        Tissue::Secretion | Tissue::Polyp | Tissue::ThickMucosa | Tissue::Bone => 0.12,
        Tissue::Grey | Tissue::White | Tissue::Cartilage => 0.06,
        _ => 0.0,
    }
}

/// Images a label map. Voxels are `u16` in MR and `i16` HU in CT.
///
/// # Errors
/// [`Cancelled`] when the job should stop.
pub(super) fn image(
    labels: &[u8],
    grid: Grid,
    contrast: Contrast,
    seed: u64,
    progress: &Progress,
) -> Result<Volume, Cancelled> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let noise = Noise::new(&mut rng);
    let shift = noise_offset(&mut rng);
    let ct = contrast == Contrast::Ct;
    let table: Vec<(f32, f32)> = contrast
        .table(&mut rng)
        .into_iter()
        .zip(Tissue::ALL)
        .map(|(mean, tissue)| (mean, grain(tissue) * if ct { 100.0 } else { mean }))
        .collect();
    let spacing_mm = grid.spacing_mm().as_vec3();
    let [nx, ny, _] = grid.size;
    let slice = nx * ny;

    progress.step(0.0, "imaging the head")?;
    let mut values = vec![0.0_f32; labels.len()];
    values.par_chunks_mut(slice).zip(labels.par_chunks(slice)).enumerate().for_each(|(k, (row, labels))| {
        if progress.check().is_err() {
            return;
        }
        for (index, (value, &label)) in row.iter_mut().zip(labels).enumerate() {
            let (mean, grain) = table[usize::from(label)];
            *value = mean;
            if grain > 0.0 {
                let p = vec3((index % nx) as f32, (index / nx) as f32, k as f32) * spacing_mm;
                *value += grain * (noise.at(p / 2.6 + shift) + noise.at(p / 7.0 - shift));
            }
        }
    });
    progress.step(0.4, "imaging the head")?;
    let sharpness_mm = rng.random_range(0.6..0.85);
    gaussian::blur(&mut values, grid.size, (sharpness_mm / grid.spacing_mm()).to_array());
    progress.step(0.7, "imaging the head")?;

    let scanner = Scanner::draw(&mut rng, contrast, grid.size);
    values.par_chunks_mut(slice).enumerate().for_each(|(k, row)| {
        // A generator for each slice: the noise does not depend on which thread makes it.
        let mut rng = ChaCha8Rng::seed_from_u64(scanner.noise_seed);
        rng.set_stream(k as u64);
        for (index, value) in row.iter_mut().enumerate() {
            let voxel = vec3((index % nx) as f32, (index / nx) as f32, k as f32);
            *value = scanner.measure(*value, voxel, &mut rng);
        }
    });
    progress.step(1.0, "imaging the head")?;
    let voxels = if ct {
        Voxels::I16(values.into_par_iter().map(|v| v.round() as i16).collect())
    } else {
        Voxels::U16(values.into_par_iter().map(|v| v.round() as u16).collect())
    };
    let unit = if ct { Unit::Hounsfield } else { Unit::Arbitrary };
    Ok(Volume { grid, voxels, rescale: Rescale::NONE, unit })
}

/// What one scanner does to the true brightness.
struct Scanner {
    ct: bool,
    gain: f32,
    noise: f32,
    noise_seed: u64,
    size: Vec3,
    slope: Vec3,
    bowl: f32,
}

impl Scanner {
    fn draw(rng: &mut ChaCha8Rng, contrast: Contrast, size: [usize; 3]) -> Self {
        let ct = contrast == Contrast::Ct;
        let mut tilt = || rng.random_range(-0.12..0.12);
        let slope = vec3(tilt(), tilt(), tilt());
        Self {
            ct,
            gain: if ct { 1.0 } else { rng.random_range(4.0..8.0) },
            noise: if ct { rng.random_range(8.0..20.0) } else { rng.random_range(1.2..3.0) },
            noise_seed: rng.random(),
            size: Vec3::from_array(size.map(|n| n as f32)),
            slope,
            bowl: rng.random_range(0.0..0.2),
        }
    }

    fn measure(&self, truth: f32, voxel: Vec3, rng: &mut ChaCha8Rng) -> f32 {
        // Box-Muller: two independent normal numbers from two uniform ones.
        let radius = (-2.0 * (1.0 - rng.random::<f32>()).ln()).sqrt() * self.noise;
        let (sin, cos) = (TAU * rng.random::<f32>()).sin_cos();
        if self.ct {
            return (truth + radius * cos).max(-1024.0);
        }
        let place = voxel / self.size * 2.0 - 1.0;
        let shading = 1.0 + self.slope.dot(place) + self.bowl * (place.length_squared() - 0.5);
        (truth * shading + radius * cos).hypot(radius * sin) * self.gain
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use glam::DVec3;

    #[test]
    fn names_are_read_back() {
        for contrast in Contrast::ALL {
            assert_eq!(contrast.name().parse::<Contrast>().unwrap(), contrast);
        }
        assert!("T1".parse::<Contrast>().is_err());
    }

    #[test]
    fn air_is_darkest_and_contrasts_differ_as_in_textbooks() {
        for contrast in Contrast::ALL {
            let table = contrast.table(&mut ChaCha8Rng::seed_from_u64(3));
            let air = table[Tissue::Air as usize];
            assert!(
                Tissue::ALL.iter().all(|&t| matches!(t, Tissue::Air | Tissue::SinusAir) || table[t as usize] > air)
            );
        }
        assert!(Contrast::T1.mean(Tissue::Fat) > Contrast::T1.mean(Tissue::White));
        assert!(Contrast::T2.mean(Tissue::Csf) > Contrast::T2.mean(Tissue::Fat));
        assert!(Contrast::Flair.mean(Tissue::Csf) < 0.2 * Contrast::Flair.mean(Tissue::Cyst));
        assert!(Contrast::Ct.mean(Tissue::Fat) < -80.0 && Contrast::Ct.mean(Tissue::Bone) > 700.0);
    }

    #[test]
    fn noise_in_air_is_rician_in_mr_and_gaussian_in_ct() {
        let grid = Grid::centred([32, 32, 8], 1.0, DVec3::ZERO);
        let air = vec![Tissue::Air as u8; grid.count()];
        let mr = image(&air, grid, Contrast::T1, 5, &Progress::default()).unwrap().statistics();
        assert!(mr.min >= 0.0 && mr.mean > 2.0, "{mr:?}");
        let ct = image(&air, grid, Contrast::Ct, 5, &Progress::default()).unwrap().statistics();
        assert!((ct.mean + 1000.0).abs() < 6.0 && ct.min >= -1024.0, "{ct:?}");
    }
}
