//! The sinuses of cohorts with known truth, as all trainings of paper 1 see them: cut once with some surroundings, shifted
//! anew every time.

use super::ResidualError;
use crate::image::percentile::rescale_1_99;
use crate::image::resample::{Outside, trilinear};
use crate::io;
use crate::job::Progress;
use crate::methods::ModelError;
use crate::methods::sinus::{Crop, Finder, Presence, Sinus};
use crate::nets;
use crate::phantom::cohort::{self, CohortSinus, CohortSubject};
use crate::space::Side;
use crate::volume::Volume;
use burn::tensor::{Device, Tensor, TensorData};
use half::f16;
use half::slice::HalfFloatSliceExt as _;
use rand::seq::SliceRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::HashMap;
use std::path::PathBuf;

/// Voxels cut on each side beyond the crop, so that it can be shifted.
const MARGIN: usize = 4;
const PADDED: usize = Crop::SIZE + 2 * MARGIN;

/// A sinus with some surroundings.
pub(in crate::methods::residual) struct Sample {
    /// Values `[z, y, x]` of `PADDED`³, 0 to 1 between their extremes: in half precision a cohort fits into memory.
    values: Vec<f16>,
    /// What the cohort says of it.
    pub diseased: bool,
}

impl Sample {
    fn new(values: &[f32], diseased: bool) -> Self {
        let finite = values.iter().filter(|v| v.is_finite());
        let (low, high) = finite.fold((f32::MAX, f32::MIN), |(low, high), &v| (low.min(v), high.max(v)));
        let span = (high - low).max(f32::MIN_POSITIVE);
        // What is no number becomes the darkest value of a crop.
        let share = |&v: &f32| if v.is_finite() { f16::from_f32((v - low) / span) } else { f16::NAN };
        Self { values: values.iter().map(share).collect(), diseased }
    }

    /// The crop shifted by whole voxels from the corner, intensities rescaled.
    fn crop(&self, shift: [usize; 3]) -> Vec<f32> {
        let mut values = Vec::with_capacity(Crop::SIZE.pow(3));
        for z in 0..Crop::SIZE {
            for y in 0..Crop::SIZE {
                let start = shift[0] + PADDED * (y + shift[1] + PADDED * (z + shift[2]));
                let row = values.len();
                values.resize(row + Crop::SIZE, 0.0);
                self.values[start..start + Crop::SIZE].convert_to_f32_slice(&mut values[row..]);
            }
        }
        rescale_1_99(&mut values);
        values
    }

    /// The crop shifted at random, by a standard deviation of `jitter_mm` along each axis and by the margin at most.
    pub fn jittered(&self, jitter_mm: f64, rng: &mut ChaCha8Rng) -> Vec<f32> {
        self.crop(std::array::from_fn(|_| {
            let margin = MARGIN as f64;
            (margin + (normal(rng) * jitter_mm).round().clamp(-margin, margin)) as usize
        }))
    }

    /// The crop around the sinus's own centre.
    pub fn centred(&self) -> Vec<f32> {
        self.crop([MARGIN; 3])
    }
}

/// A number of the standard normal distribution (Box-Muller).
pub(super) fn normal(rng: &mut ChaCha8Rng) -> f64 {
    // 1 - u keeps the logarithm finite.
    let u: [f64; 2] = [rng.random(), rng.random()];
    (-2.0 * (1.0 - u[0]).ln()).sqrt() * (std::f64::consts::TAU * u[1]).cos()
}

/// Crops one after the other.
pub(super) fn together(crops: impl IntoIterator<Item = Vec<f32>>) -> Vec<f32> {
    crops.into_iter().flatten().collect()
}

/// Crops that lie one after the other as a batch `[crops, 1, 64, 64, 64]`.
pub(in crate::methods::residual) fn tensor(crops: Vec<f32>, on: &Device) -> Tensor<5> {
    let n = Crop::SIZE;
    let count = crops.len() / n.pow(3);
    Tensor::from_data(TensorData::new(crops, [count, 1, n, n, n]), on)
}

/// The names of cohort folders.
pub(in crate::methods::residual) fn cohort_names(cohorts: &[PathBuf]) -> Vec<String> {
    cohorts.iter().filter_map(|dir| Some(dir.file_name()?.to_string_lossy().into_owned())).collect()
}

/// A subject of a cohort with the sinuses that are in view.
pub(in crate::methods::residual) struct Subject {
    truth: CohortSubject,
    /// Subjects of one group are always in the same set: the scans of one patient of a cohort.
    group: String,
    pub sinuses: Vec<Sample>,
}

impl Subject {
    /// `sub-0001`
    pub fn patient(&self) -> &str {
        self.truth.patient()
    }
}

/// Which sinuses of a cohort are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::methods::residual) enum Wanted {
    /// Those known to be normal or diseased.
    Labelled,
    /// All: labels are not looked at.
    All,
}

/// All subjects of some cohorts.
pub(in crate::methods::residual) fn subjects(
    cohorts: &[PathBuf],
    wanted: Wanted,
    progress: &Progress,
) -> Result<Vec<Subject>, ResidualError> {
    let mut truths = Vec::new();
    for (number, dir) in cohorts.iter().enumerate() {
        // Each cohort counts its patients anew.
        let named = |truth: CohortSubject| (format!("{number}/{}", truth.patient()), truth);
        truths.extend(cohort::read_truth(dir)?.into_iter().map(named));
    }
    let count = truths.len();
    let read = |(i, (group, truth)): (usize, (String, CohortSubject))| -> Result<Subject, ResidualError> {
        let part = progress.part(i as f32 / count as f32, (i + 1) as f32 / count as f32);
        part.step(0.0, "reading the cohort")?;
        let is_wanted = |sinus: &&CohortSinus| sinus.visible > 0.95 && (wanted == Wanted::All || sinus.is_known());
        let of_interest: Vec<&CohortSinus> = truth.sinuses.iter().filter(is_wanted).collect();
        if of_interest.is_empty() {
            return Ok(Subject { truth, group, sinuses: Vec::new() });
        }
        let volume = io::open(&truth.image, &part)?.volume;
        let sinuses = of_interest.into_iter().map(|sinus| {
            let grid = Crop::grid_at(sinus.side, sinus.centre_mm, PADDED);
            Sample::new(&trilinear(&volume, &grid, Outside::Edge), sinus.disease.is_some())
        });
        let sinuses = sinuses.collect();
        Ok(Subject { truth, group, sinuses })
    };
    truths.into_iter().enumerate().map(read).collect()
}

/// Each sinus as a subject and a group of its own.
pub(in crate::methods::residual) fn apart(subjects: Vec<Subject>) -> Vec<Subject> {
    let own = |Subject { truth, group, sinuses }: Subject| {
        sinuses.into_iter().enumerate().map(move |(number, sinus)| Subject {
            truth: truth.clone(),
            group: format!("{group}/{}/{number}", truth.id),
            sinuses: vec![sinus],
        })
    };
    subjects.into_iter().flat_map(own).collect()
}

/// The places of all subjects of each group, in the order of the groups' first ones.
fn groups(subjects: &[&Subject]) -> Vec<Vec<usize>> {
    let mut known: HashMap<&str, usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (place, subject) in subjects.iter().enumerate() {
        let number = *known.entry(&subject.group).or_insert(groups.len());
        if number == groups.len() {
            groups.push(Vec::new());
        }
        groups[number].push(place);
    }
    groups
}

/// For training and for validation: every n-th patient validates, so that a share of `validation` does, but at least one.
/// The order must be random already.
pub(in crate::methods::residual) fn split<'a>(
    subjects: impl IntoIterator<Item = &'a Subject>,
    validation: f64,
) -> [Vec<&'a Subject>; 2] {
    let subjects: Vec<_> = subjects.into_iter().collect();
    let groups = groups(&subjects);
    let every = (1.0 / validation.clamp(0.01, 0.99)).round().min(groups.len() as f64) as usize;
    let (validation, training): (Vec<_>, Vec<_>) =
        groups.into_iter().enumerate().partition(|(index, _)| index % every == every - 1);
    [training, validation].map(|set| set.into_iter().flat_map(|(_, places)| places).map(|at| subjects[at]).collect())
}

/// Places of subjects, dealt to parts in which as many sinuses are diseased: all sinuses of a patient are in one part.
pub(in crate::methods::residual) fn folds(subjects: &[Subject], parts: usize, seed: u64) -> Vec<Vec<usize>> {
    let mut order = groups(&subjects.iter().collect::<Vec<_>>());
    order.shuffle(&mut ChaCha8Rng::seed_from_u64(seed));
    let sinuses = |places: &[usize]| sinuses(&places.iter().map(|&place| &subjects[place]).collect::<Vec<_>>());
    order.sort_by_key(|places| sinuses(places).iter().filter(|sinus| sinus.diseased).count());
    let parts = parts.max(2);
    let mut folds = vec![Vec::new(); parts];
    order.into_iter().enumerate().for_each(|(number, places)| folds[number % parts].extend(places));
    folds
}

/// All sinuses of some subjects.
pub(in crate::methods::residual) fn sinuses<'a>(subjects: &[&'a Subject]) -> Vec<&'a Sample> {
    subjects.iter().flat_map(|subject| &subject.sinuses).collect()
}

/// What `cut` makes of the sinuses of some subjects, where the finder sees them in use, and whether they are diseased.
pub(super) fn found<T>(
    subjects: &[&Subject],
    cut: impl Fn(&Finder, &Volume, &Sinus) -> Result<T, ModelError>,
    progress: &Progress,
) -> Result<Vec<(T, bool)>, ResidualError> {
    let finder = Finder::built_in(&nets::cpu())?;
    let mut crops = Vec::new();
    for (i, Subject { truth, .. }) in subjects.iter().enumerate() {
        let part = progress.part(i as f32 / subjects.len() as f32, (i + 1) as f32 / subjects.len() as f32);
        part.step(0.0, "finding sinuses of the cohort")?;
        let volume = io::open(&truth.image, &part.part(0.0, 0.5))?.volume;
        let sinuses = finder.find(&volume, &part.part(0.5, 1.0))?;
        // Nothing is known of a sinus that the table calls invisible.
        let known = |side: Side| {
            let sinus = &truth.sinuses[side.index()];
            sinus.visible > 0.0 && sinus.is_known()
        };
        for found in sinuses.iter().filter(|s| s.present != Presence::Absent && known(s.side)) {
            let diseased = truth.sinuses[found.side.index()].disease.is_some();
            crops.push((cut(&finder, &volume, found)?, diseased));
        }
    }
    Ok(crops)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::cohort::ONE_OF_SEVERAL;

    /// One of two scans of a patient, with two sinuses, so many of which are diseased.
    fn scan(patient: usize, number: usize, diseased: usize) -> Subject {
        let sinuses = [Side::Left, Side::Right].map(|side| CohortSinus {
            side,
            centre_mm: glam::DVec3::ZERO,
            visible: 1.0,
            disease: None,
        });
        let samples = (0..2).map(|i| Sample { values: Vec::new(), diseased: i < diseased });
        let id = format!("sub-{patient:04}{ONE_OF_SEVERAL}{number}");
        let truth = CohortSubject { id, image: PathBuf::new(), sinuses };
        Subject { group: truth.patient().to_owned(), truth, sinuses: samples.collect() }
    }

    fn scans() -> Vec<Subject> {
        (0..24).map(|number| scan(number % 12, number / 12, number % 3)).collect()
    }

    #[test]
    fn patients_stay_whole_in_parts_that_are_alike_unless_sinuses_are_dealt() {
        // Of each part, the patients of its sinuses, and how many of those are diseased.
        let parts = |subjects: &[Subject]| -> Vec<(Vec<String>, usize)> {
            let of = |part: &Vec<usize>| {
                let sinuses = || part.iter().flat_map(|&i| subjects[i].sinuses.iter().map(move |s| (i, s)));
                let patients = sinuses().map(|(i, _)| subjects[i].patient().to_owned()).collect();
                (patients, sinuses().filter(|(_, sinus)| sinus.diseased).count())
            };
            folds(subjects, 4, 1).iter().map(of).collect()
        };
        let shared = |parts: &[(Vec<String>, usize)]| {
            let others = |i: usize| parts.iter().skip(i + 1).flat_map(|(patients, _)| patients);
            parts.iter().enumerate().any(|(i, (patients, _))| others(i).any(|other| patients.contains(other)))
        };
        let whole = parts(&scans());
        assert!(whole.iter().all(|(patients, diseased)| (patients.len(), *diseased) == (12, 6)), "{whole:?}");
        assert!(!shared(&whole), "{whole:?}");
        let dealt = parts(&apart(scans()));
        assert!(dealt.iter().all(|(patients, diseased)| (patients.len(), *diseased) == (12, 6)), "{dealt:?}");
        assert!(shared(&dealt), "{dealt:?}");
    }

    #[test]
    fn voxels_that_are_no_numbers_are_dark_and_harm_no_others() {
        let whole: Vec<f32> = (0..PADDED.pow(3)).map(|i| (i % 101) as f32).collect();
        let mut broken = whole.clone();
        let middle = PADDED / 2 * (1 + PADDED + PADDED * PADDED);
        (broken[middle], broken[middle + 1]) = (f32::NAN, f32::INFINITY);
        let [whole, broken] = [whole, broken].map(|values| Sample::new(&values, false).centred());
        let apart: Vec<usize> = (0..whole.len()).filter(|&i| (whole[i] - broken[i]).abs() > 1e-3).collect();
        let middle = Crop::SIZE / 2 * (1 + Crop::SIZE + Crop::SIZE * Crop::SIZE);
        assert_eq!((apart, broken[middle]), (vec![middle, middle + 1], 0.0));
    }

    #[test]
    fn every_fifth_patient_validates_with_all_scans() {
        let scans = scans();
        let [training, validation] = split(&scans, 0.2);
        assert_eq!((training.len(), validation.len()), (20, 4));
        let names = |set: &[&Subject]| set.iter().map(|subject| subject.patient().to_owned()).collect::<Vec<_>>();
        assert_eq!(names(&validation), ["sub-0004", "sub-0004", "sub-0009", "sub-0009"]);
        assert!(!names(&training).iter().any(|name| names(&validation).contains(name)));
    }
}
