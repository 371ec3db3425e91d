//! A template: one head with the places of both sinuses as readers recorded them on it and on others, and the way to
//! find the sinuses of a further scan by it, as paper 1 did for its cohort.
//!
//! A scan is registered to the template ([`register::affine`]); what was recorded on the scan is carried to the template,
//! and the mean of what the template knows is carried back. A template is a folder: the head as `template.nii.gz`, at
//! most 2 mm fine, and what was recorded as `template.json`. Both hold no name of a person or a file.

use super::crop::Crop;
use super::infer::{Presence, Sinus};
use crate::image::register::{self, AffineConfig, Alignment};
use crate::image::resample::{Outside, trilinear};
use crate::io::{self, OpenError, WriteError};
use crate::job::{Cancelled, Progress};
use crate::space::{Grid, Side};
use crate::volume::{Unit, Volume};
use glam::{DAffine3, DMat3, DVec3};
use serde::{Deserialize, Serialize};
use std::fs;
use std::path::{Path, PathBuf};

/// A head and the recorded places of sinuses on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// The head that others are registered to.
    pub scan: Volume,
    /// What was recorded, in the order of recording, one entry for each scan.
    pub subjects: Vec<Subject>,
}

/// The sinuses of one scan, in the world of the template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    /// SHA-256 of the scan's data.
    pub sha256: String,
    /// Centre of the patient's left sinus in RAS+ mm of the template, where it was recorded.
    pub left_mm: Option<DVec3>,
    /// Centre of the right one.
    pub right_mm: Option<DVec3>,
    /// What the scan tells about the template, in nats.
    pub mutual_information: f64,
}

impl Subject {
    /// The centre of one sinus in RAS+ mm of the template.
    #[must_use]
    pub fn centre_mm(&self, side: Side) -> Option<DVec3> {
        match side {
            Side::Left => self.left_mm,
            Side::Right => self.right_mm,
        }
    }
}

/// Where a sinus lies on the template.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Place {
    /// Mean of the recorded centres in RAS+ mm of the template.
    pub mean_mm: DVec3,
    /// Their standard deviation along each axis; that of paper 1 where there is but one.
    pub sd_mm: DVec3,
    /// How many were recorded.
    pub count: usize,
}

/// Why a template cannot be made, read, extended or used.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the fields are the parts of the message")]
pub enum TemplateError {
    /// There is no template.
    #[error("there is no template here; make one with antrum template new: {}", folder.display())]
    Missing { folder: PathBuf },
    /// There is one already.
    #[error("there is a template already; choose another folder: {}", folder.display())]
    Exists { folder: PathBuf },
    /// Its list of places is damaged.
    #[error("the template cannot be read ({reason}); restore or delete this file: {}", path.display())]
    Damaged { reason: String, path: PathBuf },
    /// Nobody knows which side of the scan is which.
    #[error(
        "the scan does not say how it lies in the patient, and a template needs to know left from right; convert it with its \
         orientation, or go without the template"
    )]
    Unoriented,
    /// A sinus has no recorded place.
    #[error("the template knows no {} sinus yet; add a scan with that sinus to it", side.name())]
    Unrecorded { side: Side },
    /// A centre is not in the scan it was recorded on.
    #[error("the {} sinus is not in the scan; give its centre in RAS+ mm of the scan's world", side.name())]
    Outside { side: Side },
    /// The sides are exchanged.
    #[error("the left sinus would lie to the right of the right one; give left and right of the patient (+x is right)")]
    Sides,
    /// The scan could not be aligned.
    #[error(
        "the scan cannot be aligned with the template (mutual information {information:.2}); add a scan of a whole head"
    )]
    Unlike { information: f64 },
    /// The head of the template.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// A file of the template.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The work was cancelled.
    #[error(transparent)]
    Cancelled(#[from] Cancelled),
}

/// `template.json`.
#[derive(Serialize, Deserialize)]
struct Record {
    notice: String,
    version: u32,
    unit: Unit,
    subjects: Vec<Subject>,
}

const VERSION: u32 = 1;
/// Heads are kept so fine, in mm; finer ones are not aligned better.
const SPACING_MM: f64 = 2.0;
/// Scatter of a sinus between registered heads in paper 1, left and right, in mm.
const PAPER_SD_MM: [DVec3; 2] = [DVec3::new(1.1, 1.2, 1.3), DVec3::new(1.4, 1.3, 4.9)];
/// Less information, in nats, than heads laid over one another share.
const LEAST_INFORMATION: f64 = 0.1;
/// As much, times the share of the template that the scan covers, as aligned heads of different people and contrasts have
/// in common.
const CLEAR_INFORMATION: f64 = 0.45;
/// A place that scatters so much is trusted half.
const DOUBTFUL_SD_MM: f64 = 8.0;

impl Template {
    /// A template of one head, on which nothing has been recorded yet.
    #[must_use]
    pub fn new(volume: &Volume) -> Self {
        let grid = coarse(&volume.grid);
        let scan = Volume::from_f32(grid, trilinear(volume, &grid, Outside::Edge), volume.unit);
        Self { scan, subjects: Vec::new() }
    }

    /// Whether there is a template in a folder.
    #[must_use]
    pub fn is_at(folder: &Path) -> bool {
        folder.join("template.json").is_file()
    }

    /// Reads a template.
    ///
    /// # Errors
    /// [`TemplateError`] when there is none or its files are damaged.
    pub fn open(folder: &Path, progress: &Progress) -> Result<Self, TemplateError> {
        if !Self::is_at(folder) {
            return Err(TemplateError::Missing { folder: folder.to_owned() });
        }
        let path = folder.join("template.json");
        let damaged = |reason: String| TemplateError::Damaged { reason, path: path.clone() };
        let text = fs::read(&path).map_err(|e| damaged(e.to_string()))?;
        let record: Record = serde_json::from_slice(&text).map_err(|e| damaged(e.to_string()))?;
        if record.version > VERSION {
            return Err(damaged(format!("version {} is newer than this program", record.version)));
        }
        let mut scan = io::open(&folder.join("template.nii.gz"), progress)?.volume.as_ref().clone();
        // NIfTI does not say what its values measure.
        scan.unit = record.unit;
        Ok(Self { scan, subjects: record.subjects })
    }

    /// Writes a new template into a folder, which is made where it is missing.
    ///
    /// # Errors
    /// [`TemplateError`] when there is one already, or the disk refuses.
    pub fn create(&self, folder: &Path) -> Result<(), TemplateError> {
        if Self::is_at(folder) {
            return Err(TemplateError::Exists { folder: folder.to_owned() });
        }
        fs::create_dir_all(folder).map_err(|source| WriteError::Io { source, path: folder.to_owned() })?;
        io::nifti::write(&folder.join("template.nii.gz"), &self.scan)?;
        self.save_subjects(folder)
    }

    /// Writes what was recorded; the head stays as it is.
    ///
    /// # Errors
    /// [`TemplateError::Write`].
    pub fn save_subjects(&self, folder: &Path) -> Result<(), TemplateError> {
        let record = Record {
            notice: crate::NOTICE.to_owned(),
            version: VERSION,
            unit: self.scan.unit,
            subjects: self.subjects.clone(),
        };
        Ok(io::write_json(&folder.join("template.json"), &record)?)
    }

    /// Records the sinuses of a scan: centres in RAS+ mm of its world by [`Side::index`]. What was recorded on the same
    /// scan before is replaced.
    ///
    /// # Errors
    /// [`TemplateError`] when a centre lies outside the scan, the sides seem exchanged, or the scan cannot be aligned; the
    /// template is then as before.
    pub fn add(
        &mut self,
        volume: &Volume,
        sha256: &str,
        centres_mm: [Option<DVec3>; 2],
        progress: &Progress,
    ) -> Result<&Subject, TemplateError> {
        for side in Side::BOTH {
            if centres_mm[side.index()].is_some_and(|centre_mm| !volume.grid.contains(centre_mm)) {
                return Err(TemplateError::Outside { side });
            }
        }
        let Alignment { moving_from_fixed, mutual_information, .. } = self.align(volume, progress)?;
        if mutual_information < LEAST_INFORMATION {
            return Err(TemplateError::Unlike { information: mutual_information });
        }
        let template_from_scan = moving_from_fixed.inverse();
        let [left_mm, right_mm] = centres_mm.map(|centre| centre.map(|mm| template_from_scan.transform_point3(mm)));
        let subject = Subject { sha256: sha256.to_owned(), left_mm, right_mm, mutual_information };
        let x_mm = |side: Side| {
            let known = || self.place(side).map(|place| place.mean_mm);
            subject.centre_mm(side).or_else(known).map(|centre_mm| centre_mm.x)
        };
        if let (Some(left), Some(right)) = (x_mm(Side::Left), x_mm(Side::Right))
            && left >= right
        {
            return Err(TemplateError::Sides);
        }
        self.subjects.retain(|known| known.sha256 != subject.sha256);
        self.subjects.push(subject);
        Ok(&self.subjects[self.subjects.len() - 1])
    }

    /// Where a sinus lies on the template; none where none was recorded.
    #[must_use]
    pub fn place(&self, side: Side) -> Option<Place> {
        let centres: Vec<DVec3> = self.subjects.iter().filter_map(|subject| subject.centre_mm(side)).collect();
        let count = centres.len();
        if count == 0 {
            return None;
        }
        let mean_mm = centres.iter().sum::<DVec3>() / count as f64;
        let sd_mm = if count > 1 {
            let squares: DVec3 = centres.iter().map(|centre_mm| (centre_mm - mean_mm).powf(2.0)).sum();
            (squares / (count as f64 - 1.0)).powf(0.5)
        } else {
            PAPER_SD_MM[side.index()]
        };
        Some(Place { mean_mm, sd_mm, count })
    }

    /// How much each sinus scatters about its mean, by [`Side::index`]; as in paper 1 where that is not known.
    #[must_use]
    pub fn sd_mm(&self) -> [DVec3; 2] {
        [Side::Left, Side::Right].map(|side| self.place(side).map_or(PAPER_SD_MM[side.index()], |place| place.sd_mm))
    }

    /// How the world of the template lies in that of a scan.
    ///
    /// # Errors
    /// [`Cancelled`] when the job should stop.
    pub fn align(&self, volume: &Volume, progress: &Progress) -> Result<Alignment, Cancelled> {
        register::affine(&self.scan, volume, &AffineConfig::default(), progress)
    }

    /// Finds both sinuses of a scan; always one entry per side, left first ([`Side::index`]). A scan that tells nothing
    /// about the template has its sinuses out of view.
    ///
    /// # Errors
    /// [`TemplateError::Unrecorded`] when the template knows only one of them, or the job should stop.
    pub fn find(&self, volume: &Volume, progress: &Progress) -> Result<[Sinus; 2], TemplateError> {
        let known = |side: Side| self.place(side).ok_or(TemplateError::Unrecorded { side });
        let places = [known(Side::Left)?, known(Side::Right)?];
        let Alignment { moving_from_fixed, mutual_information: information, overlap } = self.align(volume, progress)?;
        Ok([Side::Left, Side::Right].map(|side| {
            let Place { mean_mm, sd_mm, .. } = places[side.index()];
            let centre_mm = moving_from_fixed.transform_point3(mean_mm);
            if information < LEAST_INFORMATION {
                let box_mm = Crop::box_mm(centre_mm);
                return Sinus { side, present: Presence::Absent, centre_mm, box_mm, confidence: 0.0 };
            }
            let agreed = 1.0 / (1.0 + (sd_mm.length() / DOUBTFUL_SD_MM).powi(2));
            // Squared, as scans that went astray keep half of it.
            let aligned = (information * overlap / CLEAR_INFORMATION).min(1.0).powi(2);
            // Never the certainty of one placed by hand.
            Sinus { confidence: 0.95 * agreed * aligned, ..Sinus::placed(side, centre_mm, &volume.grid) }
        }))
    }
}

/// A grid over the same box whose voxels are no finer than [`SPACING_MM`].
fn coarse(grid: &Grid) -> Grid {
    let own_mm = grid.spacing_mm();
    let spacing_mm = own_mm.max(DVec3::splat(SPACING_MM));
    let matrix3 = grid.world_from_voxel.matrix3 * DMat3::from_diagonal(spacing_mm / own_mm);
    let size = DVec3::from_array(grid.size.map(|n| n as f64));
    let size = (size * own_mm / spacing_mm).round().max(DVec3::ONE);
    let translation = grid.centre_mm() - matrix3 * ((size - 1.0) / 2.0);
    Grid { size: size.to_array().map(|n| n as usize), world_from_voxel: DAffine3 { matrix3, translation } }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::image::register::testing::{moved, scene};

    const LEFT: DVec3 = DVec3::new(-14.0, 6.0, -5.0);
    const RIGHT: DVec3 = DVec3::new(12.0, 8.0, -3.0);

    fn head() -> Volume {
        scene(Grid::centred([60, 58, 56], 1.2, DVec3::ZERO))
    }

    /// The head moved so far to the patient's right that both sinuses have a positive x, nodding and a little larger.
    fn elsewhere() -> DAffine3 {
        let matrix3 = DMat3::from_rotation_x(0.15) * 1.05;
        DAffine3 { matrix3, translation: DVec3::new(90.0, -20.0, 33.0) }
    }

    fn no_wait() -> Progress {
        Progress::default()
    }

    #[test]
    fn recorded_sinuses_are_found_on_their_sides_wherever_a_head_lies_and_however_it_is_stored() {
        let folder = tempfile::tempdir().unwrap();
        let mut template = Template::new(&head());
        assert_eq!(template.scan.grid.size, [36, 35, 34]);
        let (there, moved) = (elsewhere(), moved(&head(), elsewhere()));
        assert!(moved.grid.world_from_voxel.matrix3.x_axis.x < 0.0, "stored from right to left");
        let centres = [Some(there.transform_point3(LEFT)), Some(there.transform_point3(RIGHT))];
        assert!(centres[0].unwrap().x > 0.0);
        let subject = template.add(&moved, "ab", centres, &no_wait()).unwrap();
        assert!(subject.left_mm.unwrap().distance(LEFT) < 0.5, "{subject:?}");
        assert!(subject.right_mm.unwrap().distance(RIGHT) < 0.5, "{subject:?}");

        let at = folder.path().join("new/template");
        template.create(&at).unwrap();
        let read = Template::open(&at, &no_wait()).unwrap();
        assert_eq!((read.subjects.len(), read.scan.unit), (1, template.scan.unit));
        assert!(read.subjects[0].left_mm.unwrap().distance(LEFT) < 0.5, "{:?}", read.subjects);
        for (scan, there) in [(&head(), DAffine3::IDENTITY), (&moved, there)] {
            let [left, right] = read.find(scan, &no_wait()).unwrap();
            assert_eq!((left.side, right.side), (Side::Left, Side::Right));
            assert!(left.centre_mm.distance(there.transform_point3(LEFT)) < 1.0, "{left:?}");
            assert!(right.centre_mm.distance(there.transform_point3(RIGHT)) < 1.0, "{right:?}");
            assert!(left.confidence > 0.5 && !left.by_hand(), "{left:?}");
        }
        assert!(matches!(template.create(&at), Err(TemplateError::Exists { .. })));
    }

    #[test]
    fn what_cannot_be_right_is_refused_and_changes_nothing() {
        let mut template = Template::new(&head());
        let nothing = template.find(&head(), &no_wait());
        assert!(matches!(nothing, Err(TemplateError::Unrecorded { side: Side::Left })));
        let flat = Volume::from_f32(head().grid, vec![5.0; head().grid.count()], Unit::Arbitrary);
        let mut add = |scan: &Volume, left, right| template.add(scan, "ab", [left, right], &no_wait()).map(drop);
        assert!(matches!(add(&head(), Some(RIGHT), Some(LEFT)), Err(TemplateError::Sides)));
        let far = Some(DVec3::X * 500.0);
        assert!(matches!(add(&head(), Some(LEFT), far), Err(TemplateError::Outside { side: Side::Right })));
        assert!(matches!(add(&flat, Some(LEFT), None), Err(TemplateError::Unlike { .. })));
        assert!(add(&head(), None, Some(RIGHT)).is_ok());
        let other = template.add(&head(), "cd", [Some(RIGHT + DVec3::X), None], &no_wait()).map(drop);
        assert!(matches!(other, Err(TemplateError::Sides)), "beyond the recorded right one");
        assert_eq!(template.subjects.len(), 1);
        template.add(&head(), "ab", [Some(LEFT), Some(RIGHT)], &no_wait()).unwrap();
        assert_eq!(template.subjects.len(), 1, "the same scan again");
        let absent = template.find(&flat, &no_wait()).unwrap();
        assert!(absent.iter().all(|sinus| sinus.present == Presence::Absent && sinus.confidence == 0.0));
    }

    #[test]
    fn a_place_is_the_mean_of_what_was_recorded_and_its_scatter() {
        let mut template = Template::new(&head());
        let subject = |left_mm, right_mm| Subject { sha256: String::new(), left_mm, right_mm, mutual_information: 1.0 };
        let at = |x, y, z| Some(DVec3::new(x, y, z));
        template.subjects = vec![
            subject(at(-20.0, 5.0, 1.0), None),
            subject(at(-24.0, 5.0, 4.0), at(22.0, 6.0, 0.0)),
            subject(at(-28.0, 5.0, 7.0), None),
        ];
        let left = Place { mean_mm: DVec3::new(-24.0, 5.0, 4.0), sd_mm: DVec3::new(4.0, 0.0, 3.0), count: 3 };
        assert_eq!(template.place(Side::Left), Some(left));
        let right = template.place(Side::Right).unwrap();
        assert_eq!((right.mean_mm.x, right.count, right.sd_mm), (22.0, 1, DVec3::new(1.4, 1.3, 4.9)));
    }
}
