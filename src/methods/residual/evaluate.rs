//! How well maps and probabilities do on synthetic heads that the weights never saw.

use super::config::InferConfig;
use super::infer::Model;
use super::region::{Region, in_antrum};
use super::train::ResidualError;
use crate::image::resample::nearest;
use crate::job::Progress;
use crate::methods::sinus::{Finder, Presence};
use crate::metrics::auroc;
use crate::phantom::{self, Contrast, Degrade, Plan, Tissue};
use rand::seq::IndexedRandom as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use serde::Serialize;

/// Figures over some synthetic heads.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Figures {
    /// How the heads were imaged; `all` for those of all contrasts together.
    pub contrast: String,
    /// Normal and diseased sinuses that were found.
    pub sinuses: [usize; 2],
    /// Area under the ROC of the classifier's probability; none without a classifier or with one class only.
    pub probability_auroc: Option<f64>,
    /// The same of the score of the map.
    pub score_auroc: Option<f64>,
    /// The same of single voxels: diseased ones against others in the region that a large
    /// sinus fills, bones and soft tissue around a smaller one among them; so many of both from each diseased sinus.
    pub voxel_auroc: Option<f64>,
    /// Share of the normal sinuses whose score lies above 95 % of the reference.
    pub normal_above_p95: Option<f64>,
}

/// At most so many voxels of each kind are taken from one sinus.
const VOXELS: usize = 1000;

/// What one sinus showed.
struct Trial {
    contrast: Contrast,
    diseased: bool,
    probability: Option<f64>,
    score: f64,
    percentile: Option<f64>,
    voxels: Vec<(f64, bool)>,
}

/// Analyses fresh heads, their contrasts by turns, half of their sinuses diseased: figures of each contrast, then of all.
///
/// # Errors
/// See [`ResidualError`].
pub fn on_phantoms(
    model: &Model,
    finder: &Finder,
    heads: usize,
    seed: u64,
    degrade: &Degrade,
    progress: &Progress,
) -> Result<Vec<Figures>, ResidualError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut trials = Vec::new();
    for index in 0..heads {
        progress.step(index as f32 / heads as f32, "trying synthetic heads")?;
        let mut rng = ChaCha8Rng::seed_from_u64(rng.random());
        let contrast = Contrast::ALL[index % Contrast::ALL.len()];
        let degradations = degrade.draw(&mut rng, contrast);
        let plan = Plan { degradations, prevalence: 0.5, ..Plan::new(rng.random(), contrast, 1.0) };
        let part = progress.part(index as f32 / heads as f32, (index + 1) as f32 / heads as f32);
        let head = phantom::head(&plan, &part.part(0.0, 0.6))?;
        for sinus in finder.find(&head.image, &part.part(0.6, 0.8))? {
            let truth = &head.sinuses[sinus.side.index()];
            if sinus.present == Presence::Absent || Presence::of_share(truth.visible) == Presence::Absent {
                continue;
            }
            let (crop, region) = Region::measured(finder, &head.image, &sinus, &part)?;
            let finding = model.finding(&crop, &region, InferConfig::default(), &part)?;
            let mut kinds = [Vec::new(), Vec::new()];
            let labels = nearest(&head.tissues, &crop.grid, 0.0);
            for (voxel, (label, value)) in labels.into_iter().zip(finding.map.to_f32()).enumerate() {
                let disease = Tissue::from_label(label as u8).is_some_and(Tissue::is_disease);
                if in_antrum(voxel) {
                    kinds[usize::from(disease)].push((f64::from(value), disease));
                }
            }
            let mut voxels = Vec::new();
            if truth.disease.is_some() {
                for kind in &kinds {
                    voxels.extend(kind.sample(&mut rng, VOXELS));
                }
            }
            trials.push(Trial {
                contrast,
                diseased: truth.disease.is_some(),
                probability: finding.anomaly.map(|anomaly| anomaly.probability),
                score: finding.score,
                percentile: finding.percentile,
                voxels,
            });
        }
    }
    let each = Contrast::ALL.into_iter().map(|contrast| {
        figures(contrast.name(), &trials.iter().filter(|trial| trial.contrast == contrast).collect::<Vec<_>>())
    });
    let all = figures("all", &trials.iter().collect::<Vec<_>>());
    Ok(each.chain([all]).filter(|f| f.sinuses != [0, 0]).collect())
}

fn figures(contrast: &str, trials: &[&Trial]) -> Figures {
    let count = |diseased: bool| trials.iter().filter(|trial| trial.diseased == diseased).count();
    let scores: Vec<_> = trials.iter().map(|trial| (trial.score, trial.diseased)).collect();
    let probabilities: Vec<_> = trials.iter().filter_map(|trial| Some((trial.probability?, trial.diseased))).collect();
    let voxels: Vec<_> = trials.iter().flat_map(|trial| trial.voxels.iter().copied()).collect();
    let normal: Vec<f64> = trials.iter().filter(|trial| !trial.diseased).filter_map(|trial| trial.percentile).collect();
    let above = normal.iter().filter(|percentile| **percentile > 95.0).count();
    Figures {
        contrast: contrast.to_owned(),
        sinuses: [count(false), count(true)],
        probability_auroc: auroc(&probabilities),
        score_auroc: auroc(&scores),
        voxel_auroc: auroc(&voxels),
        normal_above_p95: (!normal.is_empty()).then(|| above as f64 / normal.len() as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_of_the_sinuses_that_have_them() {
        let trial = |diseased: bool, score: f64, percentile: Option<f64>| Trial {
            contrast: Contrast::T1,
            diseased,
            probability: None,
            score,
            percentile,
            voxels: if diseased { vec![(0.9, true), (0.1, false)] } else { Vec::new() },
        };
        let trials = [trial(false, 0.1, Some(96.0)), trial(false, 0.3, Some(40.0)), trial(true, 0.2, Some(99.0))];
        let figures = figures("t1", &trials.iter().collect::<Vec<_>>());
        assert_eq!((figures.sinuses, figures.probability_auroc), ([2, 1], None));
        assert_eq!((figures.score_auroc, figures.voxel_auroc), (Some(0.5), Some(1.0)));
        assert_eq!(figures.normal_above_p95, Some(0.5));
    }
}
