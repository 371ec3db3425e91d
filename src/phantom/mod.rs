//! Synthetic heads with known sinuses and known disease: the built-in example, the test bench,
//! and training data that needs no patient.
//!
//! [`head`] draws a subject from a seed (`anatomy`), gives its maxillary sinuses disease or none (`disease`),
//! sets a field of view (`field`), samples the tissues on its grid, gives them the brightness of a kind of scan
//! (`contrast`, `palette`, `partial`) and images them with all that spoils scans ([`degrade`], `mixture`, `scanner`,
//! `artefact`). The truth comes with the picture.
//! [`cohort`] writes many heads as a BIDS folder. A [`decoy()`] is a scan of no head. The same plan gives the same bytes on
//! any number of threads.

mod anatomy;
mod artefact;
mod brain;
pub mod cohort;
mod contrast;
mod decoy;
pub mod degrade;
mod disease;
mod face;
mod field;
mod mixture;
mod palette;
mod partial;
#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod scan_tests;
mod scanner;
mod shape;
mod sinus;
mod skin;
mod subject;
mod tissue;
mod truth;

pub use cohort::{CohortError, CohortPlan, CohortSubject};
pub use contrast::{Contrast, UnknownContrast};
pub use decoy::decoy;
pub use degrade::Degradations;
pub use disease::{Disease, DiseaseKind, UnknownDisease};
pub use mixture::{Degradation, Degrade, UnknownDegradation};
pub use subject::{Pose, Sex, Subject};
pub use tissue::Tissue;

use crate::job::{Cancelled, Progress};
use crate::space::{BoxMm, Grid, Side};
use crate::volume::{Rescale, Unit, Volume, Voxels};
use anatomy::Anatomy;
use field::Field;
use glam::DVec3;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Arc;

/// Sizes of adult heads relative to the average.
const ADULTS: Range<f32> = 0.9..1.09;

/// What part of the head is scanned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Region {
    /// All of it, from vertex to chin.
    Head,
    /// A box around both maxillary sinuses, with 20 mm to spare on all sides.
    Sinuses,
}

impl Region {
    /// Its name on the command line and in files: `head`, `sinuses`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Head => "head",
            Self::Sinuses => "sinuses",
        }
    }
}

/// What head to make.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// Which subject: the same seed gives the same head, disease and noise.
    pub seed: u64,
    /// How it is imaged.
    pub contrast: Contrast,
    /// Distance of voxels in mm, the same along all axes. Up to 1.5 mm keeps thin bone in place.
    pub spacing_mm: f64,
    /// Voxels from patient left to right, back to front, bottom to top; of [`Region::Sinuses`], the most there can be.
    /// What spoils the scan may change that: the grid of the image is the truth.
    pub size: [usize; 3],
    /// What is scanned.
    pub region: Region,
    /// What spoils the scan.
    pub degradations: Degradations,
    /// The chance, for each sinus, that it is diseased.
    pub prevalence: f64,
    /// Which disease each sinus has, by [`Side::index`], instead of drawing it.
    pub diseases: Option<[Option<DiseaseKind>; 2]>,
}

impl Plan {
    /// A plan whose grid holds any adult head from vertex to chin; every fourth sinus is diseased.
    #[must_use]
    pub fn new(seed: u64, contrast: Contrast, spacing_mm: f64) -> Self {
        let size = [208.0, 256.0, 236.0].map(|mm: f64| (mm / spacing_mm).ceil() as usize);
        Self {
            seed,
            contrast,
            spacing_mm,
            size,
            region: Region::Head,
            degradations: Degradations::default(),
            prevalence: 0.25,
            diseases: None,
        }
    }
}

/// A synthetic head and the truth about it.
#[derive(Clone, Debug)]
pub struct Head {
    /// The scan: `u16` in MR, `i16` HU in CT, unless its intensities are spoilt.
    pub image: Volume,
    /// The label of the [`Tissue`] at each voxel centre, on the grid of the image.
    pub tissues: Volume,
    /// Whose head it is.
    pub subject: Subject,
    /// What is known about the sinuses, by [`Side::index`].
    pub sinuses: [SinusTruth; 2],
    anatomy: Arc<Anatomy>,
    defacing: Option<degrade::Defacing>,
}

impl Head {
    /// The tissue at a place of the world, whether the scan shows it or not: the shape itself, where the label map has
    /// its voxels.
    #[must_use]
    pub fn tissue_at(&self, world_mm: DVec3) -> Tissue {
        self.anatomy.at(world_mm)
    }

    /// Whether the scan shows a place of the world: it does not beyond its edge, nor where the face was taken away.
    #[must_use]
    pub fn shows(&self, world_mm: DVec3) -> bool {
        shows(&self.image.grid, self.defacing, &self.anatomy, world_mm)
    }

    /// On which side of the head's own, slightly bent mid-plane a place of the world lies.
    #[must_use]
    pub fn side_at(&self, world_mm: DVec3) -> Side {
        self.anatomy.side_at(world_mm)
    }

    /// The box around the whole cavity of one sinus in world mm, what the scan does not show included; the cavity may reach
    /// up to 3 mm beyond it.
    #[must_use]
    pub fn whole_sinus_mm(&self, side: Side) -> BoxMm {
        self.anatomy.sinus_box_mm(side)
    }
}

/// What is known about one maxillary sinus, measured on the label map.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SinusTruth {
    /// The side of the patient.
    pub side: Side,
    /// Centroid of the visible part of the cavity with all it contains, in world mm; of all of it where none is visible.
    pub centre_mm: DVec3,
    /// Box around the same part, to the outer edges of its voxels.
    pub box_mm: BoxMm,
    /// Volume of the cavity in view with all it contains.
    pub volume_ml: f64,
    /// The share of the cavity that the scan shows, 0 to 1; what was taken away with the face is not visible.
    pub visible: f64,
    /// None in a normal sinus.
    pub disease: Option<Disease>,
    /// A second disease beside the first.
    pub second: Option<Disease>,
    /// How much of the cavity is diseased: what is not air, a normal lining excluded.
    pub diseased_ml: f64,
    /// How much of the cavity is not air, a normal lining included.
    pub not_air_ml: f64,
}

/// Makes the head of a plan.
///
/// # Errors
/// [`Cancelled`] when the job should stop.
pub fn head(plan: &Plan, progress: &Progress) -> Result<Head, Cancelled> {
    make(plan, ADULTS, progress)
}

/// The head that the program shows when it has no scan: T1-like, 1 mm, a cyst in the patient's left sinus.
///
/// # Errors
/// [`Cancelled`] when the job should stop.
pub fn example(progress: &Progress) -> Result<Head, Cancelled> {
    let plan = Plan {
        size: [192, 232, 210],
        prevalence: 0.0,
        diseases: Some([Some(DiseaseKind::RetentionCyst), None]),
        ..Plan::new(58, Contrast::T1, 1.0)
    };
    make(&plan, 0.96..0.97, progress)
}

fn make(plan: &Plan, scale: Range<f32>, progress: &Progress) -> Result<Head, Cancelled> {
    let mut rng = ChaCha8Rng::seed_from_u64(plan.seed);
    let degradations = &plan.degradations;
    let mut pose = Pose::draw(&mut rng, 4.0, 3.0);
    pose.turn_deg += degradations.rotation_deg;
    pose.move_mm += degradations.offset_mm + degradations.origin_mm;
    // Thinner walls than of voxels of 1 mm are left to partial volume.
    let mut anatomy = Anatomy::draw(&mut rng, &scale, plan.spacing_mm.min(1.0), &pose);
    for side in Side::BOTH {
        for kind in diseases(plan, side, &mut rng).into_iter().flatten() {
            anatomy.infect(side, kind, &mut rng);
        }
    }
    let field = Field::of(plan, &anatomy);
    let labels = sample(&anatomy, field.sampled, &progress.part(0.0, 0.4))?;
    let mut rng = ChaCha8Rng::seed_from_u64(rng.random());
    let (image, labels) = scanner::image(plan, &anatomy, &field, labels, &mut rng, &progress.part(0.4, 1.0))?;
    let grid = field.grid();
    let sinuses = [Side::Left, Side::Right].map(|side| measure(&labels, grid, &anatomy, degradations, side));
    let tissues = Volume { grid, voxels: Voxels::U8(labels), rescale: Rescale::NONE, unit: Unit::Label };
    let (subject, defacing) = (anatomy.subject, degradations.defacing);
    Ok(Head { image, tissues, subject, sinuses, anatomy: Arc::new(anatomy), defacing })
}

/// What one sinus has: at most what the plan says, or else what is drawn, two diseases now and then.
fn diseases(plan: &Plan, side: Side, rng: &mut ChaCha8Rng) -> [Option<DiseaseKind>; 2] {
    let diseased = rng.random_bool(plan.prevalence.clamp(0.0, 1.0));
    let [first, second] = [(); 2].map(|()| DiseaseKind::ALL[rng.random_range(0..DiseaseKind::ALL.len())]);
    let both = rng.random_bool(0.35) && first.goes_with(second);
    match plan.diseases {
        Some(diseases) => [diseases[side.index()], None],
        None => [diseased.then_some(first), (diseased && both).then_some(second)],
    }
}

/// The label at each voxel centre.
fn sample(anatomy: &Anatomy, grid: Grid, progress: &Progress) -> Result<Vec<u8>, Cancelled> {
    progress.step(0.0, "building the head")?;
    let [nx, ny, nz] = grid.size;
    let mut labels = vec![Tissue::Air as u8; grid.count()];
    // In portions, so that progress is told and a cancel is obeyed in between.
    let portion = 8;
    for (first, slab) in labels.chunks_mut(nx * ny * portion).enumerate() {
        slab.par_chunks_mut(nx).enumerate().for_each(|(row, labels)| {
            let (j, k) = (row % ny, first * portion + row / ny);
            for (i, label) in labels.iter_mut().enumerate() {
                let voxel = DVec3::new(i as f64, j as f64, k as f64);
                *label = anatomy.at(grid.world_from_voxel.transform_point3(voxel)) as u8;
            }
        });
        progress.step((first * portion) as f32 / nz as f32, "building the head")?;
    }
    Ok(labels)
}

/// Measures the cavity on one side of the head.
fn measure(labels: &[u8], grid: Grid, anatomy: &Anatomy, degradations: &Degradations, side: Side) -> SinusTruth {
    let (mut sum, mut count, mut not_air, mut diseased) = (DVec3::ZERO, 0_u64, 0_u64, 0_u64);
    let (mut low, mut high) = (DVec3::INFINITY, DVec3::NEG_INFINITY);
    for (index, &label) in labels.iter().enumerate() {
        if label < Tissue::SinusAir as u8 {
            continue;
        }
        let world = grid.voxel_mm(index);
        if anatomy.side_at(world) == side {
            sum += world;
            count += 1;
            not_air += u64::from(label != Tissue::SinusAir as u8);
            diseased += u64::from(label >= Tissue::ThickMucosa as u8);
            low = low.min(world);
            high = high.max(world);
        }
    }
    let visible = visible_share(anatomy, &grid, degradations, side);
    let mut centre_mm = sum / count as f64;
    let half = grid.spacing_mm() / 2.0;
    let mut box_mm = BoxMm { min: low - half, max: high + half };
    if count == 0 {
        let points = anatomy.sinus_points(side);
        centre_mm = points.iter().sum::<DVec3>() / points.len().max(1) as f64;
        box_mm = anatomy.sinus_box_mm(side);
    }
    let ml = grid.spacing_mm().element_product() / 1000.0;
    let mut diseases = anatomy.lesions[side.index()].iter().map(|lesion| lesion.disease);
    SinusTruth {
        side,
        centre_mm,
        box_mm,
        volume_ml: count as f64 * ml,
        visible: if count == 0 { 0.0 } else { visible },
        disease: diseases.next(),
        second: diseases.next(),
        diseased_ml: diseased as f64 * ml,
        not_air_ml: not_air as f64 * ml,
    }
}

/// Whether a place of the world lies within a grid and was not taken away with the face.
fn shows(grid: &Grid, defacing: Option<degrade::Defacing>, anatomy: &Anatomy, world_mm: DVec3) -> bool {
    grid.contains(world_mm) && !defacing.is_some_and(|defacing| defacing.removes(anatomy.standard(world_mm)))
}

/// The share of a cavity that lies within a grid and was not taken away with the face.
fn visible_share(anatomy: &Anatomy, grid: &Grid, degradations: &Degradations, side: Side) -> f64 {
    let points = anatomy.sinus_points(side);
    let visible = points.iter().filter(|point| shows(grid, degradations.defacing, anatomy, **point)).count();
    visible as f64 / points.len().max(1) as f64
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    /// Labels around both sinuses at 1 mm, much faster than a whole head.
    fn midface(seed: u64, diseases: [Option<DiseaseKind>; 2]) -> (Vec<u8>, Grid, Anatomy) {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let pose = Pose::draw(&mut rng, 4.0, 3.0);
        let mut anatomy = Anatomy::draw(&mut rng, &ADULTS, 1.0, &pose);
        for side in Side::BOTH {
            if let Some(kind) = diseases[side.index()] {
                anatomy.infect(side, kind, &mut rng);
            }
        }
        let grid = Grid::centred([136, 90, 90], 1.0, DVec3::new(0.0, 76.0, -54.0));
        (sample(&anatomy, grid, &Progress::default()).unwrap(), grid, anatomy)
    }

    fn coarse(seed: u64, contrast: Contrast) -> Plan {
        Plan { diseases: Some([Some(DiseaseKind::Polyp), None]), ..Plan::new(seed, contrast, 4.0) }
    }

    #[test]
    fn sinuses_have_the_place_and_the_volume_of_adult_ones() {
        let mut all = Vec::new();
        for seed in 0..10 {
            let (labels, grid, anatomy) = midface(seed, [None, None]);
            let [left, right] =
                [Side::Left, Side::Right].map(|side| measure(&labels, grid, &anatomy, &Degradations::default(), side));
            assert!(left.centre_mm.x < -12.0 && right.centre_mm.x > 12.0, "{seed}: {left:?} {right:?}");
            for sinus in [left, right] {
                let c = sinus.centre_mm;
                assert!((56.0..96.0).contains(&c.y) && (-74.0..-36.0).contains(&c.z), "{seed}: {sinus:?}");
                assert!((4.0..28.0).contains(&sinus.volume_ml), "{seed}: {sinus:?}");
                assert!(sinus.not_air_ml < 0.45 * sinus.volume_ml, "{seed}: {sinus:?}");
                assert_eq!((sinus.disease, sinus.diseased_ml), (None, 0.0), "{seed}: {sinus:?}");
                all.push(sinus.volume_ml);
            }
        }
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        assert!((13.0..18.0).contains(&mean), "{mean}");
        let (low, high) = all.iter().fold((100.0_f64, 0.0_f64), |(low, high), &ml| (low.min(ml), high.max(ml)));
        assert!(low < 0.6 * high, "{low} {high}");
    }

    #[test]
    fn bone_lies_between_a_sinus_and_everything_else() {
        for seed in 0..10 {
            let kind = DiseaseKind::ALL[seed as usize % 5];
            let (labels, grid, _) = midface(seed, [None, Some(kind)]);
            let [nx, ny, nz] = grid.size;
            for k in 1..nz - 1 {
                for j in 1..ny - 1 {
                    for i in 1..nx - 1 {
                        let at = grid.index([i, j, k]);
                        if labels[at] < Tissue::SinusAir as u8 {
                            continue;
                        }
                        for next in [at - 1, at + 1, at - nx, at + nx, at - nx * ny, at + nx * ny] {
                            let tissue = Tissue::from_label(labels[next]).unwrap();
                            assert!(tissue.in_sinus() || tissue == Tissue::Bone, "{seed}: {tissue:?} at {i} {j} {k}");
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn disease_lies_on_the_side_and_has_the_amount_that_the_truth_says() {
        for kind in DiseaseKind::ALL {
            for side in Side::BOTH {
                let mut diseases = [None, None];
                diseases[side.index()] = Some(kind);
                let (labels, grid, anatomy) = midface(7, diseases);
                let mut diseased_ml = [0.0, 0.0];
                for (index, label) in labels.iter().enumerate() {
                    if Tissue::from_label(*label).unwrap().is_disease() {
                        let x = grid
                            .world_from_voxel
                            .transform_point3(DVec3::new((index % grid.size[0]) as f64, 0.0, 0.0))
                            .x;
                        diseased_ml[usize::from(x > 0.0)] += 0.001;
                    }
                }
                let other = 1 - side.index();
                assert!(diseased_ml[side.index()] > 0.05, "{kind:?} {side:?}: {diseased_ml:?}");
                assert!(diseased_ml[other] == 0.0, "{kind:?} {side:?}: {diseased_ml:?}");
                let disease = anatomy.lesions[side.index()][0].disease;
                assert_eq!(disease.kind(), kind);
                let truth = measure(&labels, grid, &anatomy, &Degradations::default(), side);
                match disease {
                    Disease::Opacification => assert_eq!(truth.not_air_ml, truth.volume_ml),
                    Disease::AirFluidLevel { filled } => {
                        let share = truth.not_air_ml / truth.volume_ml;
                        assert!(share > filled - 0.03 && share < filled + 0.4, "{filled} {share}");
                    }
                    _ => assert!(truth.not_air_ml < truth.volume_ml),
                }
            }
        }
    }

    #[test]
    fn fluid_lies_flat_at_the_back_of_the_supine_patient() {
        let (labels, grid, _) = midface(3, [Some(DiseaseKind::AirFluidLevel), None]);
        let [nx, ny, _] = grid.size;
        let rows = |tissue: Tissue| {
            labels.iter().enumerate().filter(move |(_, l)| **l == tissue as u8).map(move |(at, _)| at / nx % ny)
        };
        let left_air = labels.iter().enumerate().filter(|(at, l)| **l == Tissue::SinusAir as u8 && at % nx < nx / 2);
        assert!(rows(Tissue::Fluid).max().unwrap() < left_air.map(|(at, _)| at / nx % ny).min().unwrap());
    }

    #[test]
    fn the_same_plan_gives_the_same_bytes_on_any_number_of_threads() {
        let plan = coarse(9, Contrast::T2);
        let on = |threads: usize| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| head(&plan, &Progress::default()).unwrap())
        };
        let (one, three) = (on(1), on(3));
        assert_eq!(one.image, three.image);
        assert_eq!(one.tissues, three.tissues);
        assert_eq!(one.sinuses, three.sinuses);
        assert_ne!(one.image, head(&coarse(10, Contrast::T2), &Progress::default()).unwrap().image);
    }

    #[test]
    fn a_cancelled_head_stops() {
        let progress = Progress::default();
        progress.cancel();
        assert!(matches!(head(&coarse(1, Contrast::T1), &progress), Err(Cancelled)));
    }

    #[test]
    fn the_whole_head_fits_and_the_sinuses_are_below_the_eyes() {
        for seed in 0..8 {
            let plan = Plan::new(seed, Contrast::Ct, 2.0);
            let head = head(&plan, &Progress::default()).unwrap();
            assert_eq!((head.image.voxels.type_name(), head.image.unit), ("i16", Unit::Hounsfield));
            let Voxels::U8(labels) = &head.tissues.voxels else { panic!("labels are u8") };
            let [nx, ny, nz] = plan.size;
            let mut eyes = [(DVec3::ZERO, 0.0); 2];
            for (index, &label) in labels.iter().enumerate() {
                let [i, j, k] = head.tissues.grid.voxel(index);
                let edge = i == 0 || i == nx - 1 || j == ny - 1 || k == nz - 1;
                assert!(!edge || label == 0, "{seed}: the head is cut at {i} {j} {k}");
                if label == Tissue::Vitreous as u8 {
                    let world = head.tissues.grid.voxel_mm(index);
                    let eye = &mut eyes[usize::from(world.x > 0.0)];
                    *eye = (eye.0 + world, eye.1 + 1.0);
                }
            }
            for (sinus, (sum, count)) in head.sinuses.iter().zip(eyes) {
                let from_sinus = sum / count - sinus.centre_mm;
                assert!((18.0..46.0).contains(&from_sinus.z), "{seed}: {from_sinus}");
                assert!((-4.0..22.0).contains(&from_sinus.y), "{seed}: {from_sinus}");
                assert!(head.image.grid.contains(sinus.centre_mm) && sinus.box_mm.contains(sinus.centre_mm));
            }
        }
    }

    #[test]
    fn the_example_has_its_cyst_in_the_patients_left_sinus() {
        let head = example(&Progress::default()).unwrap();
        let [left, right] = &head.sinuses;
        assert_eq!((left.side, right.side), (Side::Left, Side::Right));
        assert!(left.centre_mm.x < 0.0 && right.centre_mm.x > 0.0);
        assert_eq!(left.disease.map(Disease::name), Some("retention cyst"));
        assert_eq!(right.disease, None);
        assert!(left.not_air_ml > 1.5 && right.not_air_ml < 1.5, "{left:?} {right:?}");
        // The picture says so too: left of the mid-plane the cavity holds something as bright as soft tissue.
        let Voxels::U8(labels) = &head.tissues.voxels else { panic!("labels are u8") };
        let cyst = labels.iter().position(|&label| label == Tissue::Cyst as u8).unwrap();
        assert!(cyst % head.tissues.grid.size[0] < 96);
    }
}
