//! `--crops`: the 64 mm cubes around the sinuses as files.

use super::Failure;
use crate::io::{self, Scan, WriteError};
use crate::job::Progress;
use crate::methods::sinus::{Crop, Presence, Sinus};
use crate::space::Side;
use glam::DVec3;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};

/// Where crops go, and how many.
#[derive(Clone, Debug, Default, clap::Args)]
pub(super) struct CropArgs {
    /// Write the 64 mm crop of each sinus in view to this folder, as NIfTI that lies on the scan in any viewer: 1 mm,
    /// values from 0 to 1, the first axis from lateral to medial on both sides. Crops of an earlier run are removed from it
    #[arg(long, value_name = "DIR")]
    crops: Option<PathBuf>,
    /// So many crops of each sinus, their centres jittered as in paper 1, which took 15 [default: one, not jittered]
    #[arg(long, value_name = "N", requires = "crops", value_parser = clap::value_parser!(u16).range(1..=999))]
    jitter: Option<u16>,
}

impl CropArgs {
    /// Refuses to write the crops of several scans, which have the same names.
    pub(super) fn check(&self, scans: &[PathBuf]) -> Result<(), Failure> {
        if self.crops.is_some() && scans.len() > 1 {
            return Err("crops are written of one scan at a time; give one path with --crops".into());
        }
        Ok(())
    }

    /// Writes the crops that were asked for and gives their names; a sinus that is not in view has none. Crops of
    /// an earlier run go first, lest those of two scans lie side by side.
    pub(super) fn write(
        &self,
        scan: &Scan,
        sinuses: &[Sinus; 2],
        sd_mm: [DVec3; 2],
        progress: &Progress,
    ) -> Result<Vec<PathBuf>, Failure> {
        let Some(folder) = &self.crops else { return Ok(Vec::new()) };
        let failed = |path: &Path| {
            let path = path.to_owned();
            |source| WriteError::Io { source, path }
        };
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
        for entry in std::fs::read_dir(folder).map_err(failed(folder))? {
            let entry = entry.map_err(failed(folder))?;
            if is_crop(&entry.file_name().to_string_lossy()) {
                std::fs::remove_file(entry.path()).map_err(failed(&entry.path()))?;
            }
        }
        // The same scan has the same crops each time.
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let mut written = Vec::new();
        for sinus in sinuses.iter().filter(|sinus| sinus.present != Presence::Absent) {
            let Sinus { side, centre_mm, .. } = *sinus;
            let crops = match self.jitter {
                None => vec![Crop::cut(&scan.volume, side, centre_mm)],
                Some(count) => {
                    Crop::jittered(&scan.volume, side, centre_mm, sd_mm[side.index()], count.into(), &mut rng)
                }
            };
            for (n, crop) in crops.iter().enumerate() {
                progress.check()?;
                let number = if self.jitter.is_some() { format!("_{:02}", n + 1) } else { String::new() };
                let path = folder.join(format!("{}{number}.nii.gz", side.name()));
                // What is not known of the scan's orientation is not known of its crops.
                let checks = scan.checks.clone();
                let crop = Scan { checks, ..Scan::synthetic(crop.to_volume(), String::new(), String::new()) };
                io::nifti::write_scan(&path, &crop)?;
                written.push(path);
            }
        }
        Ok(written)
    }
}

/// Whether a file is named as crops are: `left.nii.gz`, `right_07.nii.gz`.
fn is_crop(name: &str) -> bool {
    let digits = |n: &str| (2..=3).contains(&n.len()) && n.bytes().all(|byte| byte.is_ascii_digit());
    let number = |rest: &str| rest.is_empty() || rest.strip_prefix('_').is_some_and(digits);
    let stem = name.strip_suffix(".nii.gz");
    stem.is_some_and(|stem| Side::BOTH.iter().any(|side| stem.strip_prefix(side.name()).is_some_and(number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_named_as_crops_are_is_replaced() {
        for (name, expected) in [
            ("left.nii.gz", true),
            ("right_07.nii.gz", true),
            ("left_ear.nii.gz", false),
            ("left_1.nii.gz", false),
            ("left_+7.nii.gz", false),
            ("leftover.nii.gz", false),
            ("right.nii", false),
        ] {
            assert_eq!(is_crop(name), expected, "{name}");
        }
    }
}
