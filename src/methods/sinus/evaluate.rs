//! How well a finder does on synthetic heads that it never saw.

use super::Finder;
use super::infer::{Presence, Sinus};
use super::samples::plan;
use super::train::FinderError;
use crate::image::percentile::percentiles;
use crate::job::Progress;
use crate::phantom::{self, Contrast, Degrade, Head, Region};
use crate::space::Side;
use crate::volume::Voxels;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Figures over some synthetic heads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// How the heads were imaged; `all` for those of all contrasts together.
    pub contrast: String,
    /// How many heads there were.
    pub heads: usize,
    /// Median distance in mm of the found centres from the true ones, of sinuses that are complete and were found; this
    /// and what follows is none where nothing was measured.
    pub centre_p50_mm: Option<f64>,
    /// The same, 99th percentile.
    pub centre_p99_mm: Option<f64>,
    /// Share of the sinuses whose presence was told right.
    pub presence_accuracy: f64,
    /// How often a sinus of presence i (complete, partial, absent) was called j.
    pub presence: [[usize; 3]; 3],
    /// Sinuses found nearer to the other side's centre than to their own.
    pub swapped: usize,
    /// Mean Dice overlap of the cavities of sinuses in view; 0 for one that was missed.
    pub dice: Option<f64>,
    /// Mean difference of opacification from the truth, in points of per cent, whatever its sign, where it was measured.
    pub opacification_error: Option<f64>,
}

/// What one sinus showed.
struct Trial {
    truth: Presence,
    found: Presence,
    centre_error_mm: f64,
    swapped: bool,
    /// Dice overlap of the cavity, of sinuses in view.
    dice: Option<f64>,
    /// Error of opacification in points of per cent, of sinuses in view that have one.
    opacification_error: Option<f64>,
}

/// Tries a finder on fresh heads, their contrasts by turns: figures of each contrast, then of all.
///
/// # Errors
/// See [`FinderError`].
pub fn on_phantoms(
    finder: &Finder,
    heads: usize,
    seed: u64,
    degrade: &Degrade,
    spacing_mm: f64,
    progress: &Progress,
) -> Result<Vec<Figures>, FinderError> {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut trials: Vec<(Contrast, Trial)> = Vec::new();
    for index in 0..heads {
        progress.step(index as f32 / heads as f32, "trying synthetic heads")?;
        let mut rng = ChaCha8Rng::seed_from_u64(rng.random());
        let contrast = Contrast::ALL[index % Contrast::ALL.len()];
        let part = progress.part(index as f32 / heads as f32, (index + 1) as f32 / heads as f32);
        let head = phantom::head(&plan(&mut rng, contrast, degrade, Region::Head, spacing_mm), &part.part(0.0, 0.6))?;
        let found = finder.find(&head.image, &part.part(0.6, 0.9))?;
        for sinus in found {
            trials.push((contrast, trial(finder, &head, &sinus, &part.part(0.9, 1.0))?));
        }
    }
    let of = |name: &str, wanted: &dyn Fn(Contrast) -> bool| {
        figures(name, &trials.iter().filter(|t| wanted(t.0)).map(|t| &t.1).collect::<Vec<_>>())
    };
    let each = Contrast::ALL.into_iter().map(|contrast| of(contrast.name(), &|c| c == contrast));
    Ok(each.chain([of("all", &|_| true)]).filter(|f| f.heads > 0).collect())
}

fn trial(finder: &Finder, head: &Head, sinus: &Sinus, progress: &Progress) -> Result<Trial, FinderError> {
    let truth = head.sinuses[sinus.side.index()];
    let other = head.sinuses[sinus.side.other().index()];
    let centre_error_mm = sinus.centre_mm.distance(truth.centre_mm);
    let present = Presence::of_share(truth.visible);
    let found = sinus.present != Presence::Absent;
    let (mut dice, mut opacification_error) = ((present != Presence::Absent).then_some(0.0), None);
    if found && present != Presence::Absent {
        let cavity = finder.cavity(&head.image, sinus.side, sinus.centre_mm, progress)?;
        let grid = cavity.labels.grid;
        // Against the shape itself: the voxels of a label map are as far from it as a good answer.
        let truth: Vec<bool> = (0..grid.count())
            .into_par_iter()
            .map(|index| {
                let at = grid.voxel_mm(index);
                head.side_at(at) == sinus.side && head.tissue_at(at).in_sinus() && head.shows(at)
            })
            .collect();
        let said: &[u8] = if let Voxels::U8(labels) = &cavity.labels.voxels { labels } else { &[] };
        let both = truth.iter().zip(said).filter(|(t, s)| **t && **s > 0).count();
        let sum = truth.iter().filter(|t| **t).count() + said.iter().filter(|s| **s > 0).count();
        dice = Some(2.0 * both as f64 / sum.max(1) as f64);
        let own = head.sinuses[sinus.side.index()];
        let share = own.not_air_ml / own.volume_ml.max(f64::MIN_POSITIVE);
        opacification_error = cavity.opacification().map(|said| 100.0 * (said - share).abs());
    }
    Ok(Trial {
        truth: present,
        found: sinus.present,
        centre_error_mm,
        swapped: found && present != Presence::Absent && sinus.centre_mm.distance(other.centre_mm) < centre_error_mm,
        dice,
        opacification_error,
    })
}

fn figures(contrast: &str, trials: &[&Trial]) -> Figures {
    let errors: Vec<f32> = trials
        .iter()
        .filter(|t| t.truth == Presence::Complete && t.found != Presence::Absent)
        .map(|t| t.centre_error_mm as f32)
        .collect();
    let [centre_p50_mm, centre_p99_mm] =
        percentiles(&errors, [50.0, 99.0]).map(|mm| (!errors.is_empty()).then_some(mm));
    let mut presence = [[0; 3]; 3];
    for trial in trials {
        presence[trial.truth as usize][trial.found as usize] += 1;
    }
    let right: usize = (0..3).map(|i| presence[i][i]).sum();
    let mean = |value: fn(&Trial) -> Option<f64>| {
        let values: Vec<f64> = trials.iter().filter_map(|trial| value(trial)).collect();
        (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
    };
    Figures {
        contrast: contrast.to_owned(),
        heads: trials.len() / Side::BOTH.len(),
        centre_p50_mm,
        centre_p99_mm,
        presence_accuracy: right as f64 / trials.len().max(1) as f64,
        presence,
        swapped: trials.iter().filter(|t| t.swapped).count(),
        dice: mean(|trial| trial.dice),
        opacification_error: mean(|trial| trial.opacification_error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trial(truth: Presence, found: Presence, centre_error_mm: f64) -> Trial {
        Trial { truth, found, centre_error_mm, swapped: false, dice: None, opacification_error: None }
    }

    #[test]
    fn centres_count_where_all_is_in_view_and_presence_everywhere() {
        use Presence::{Absent, Complete, Partial};
        let trials = [
            trial(Complete, Complete, 1.0),
            trial(Complete, Partial, 3.0),
            trial(Partial, Partial, 50.0),
            trial(Absent, Absent, 90.0),
            Trial { dice: Some(0.0), ..trial(Complete, Absent, 70.0) },
            Trial { dice: Some(0.9), opacification_error: Some(4.0), ..trial(Complete, Complete, 2.0) },
        ];
        let figures = figures("all", &trials.iter().collect::<Vec<_>>());
        assert_eq!((figures.heads, figures.centre_p50_mm), (3, Some(2.0)));
        assert_eq!(figures.presence, [[2, 1, 1], [0, 1, 0], [0, 0, 1]]);
        assert!((figures.presence_accuracy - 4.0 / 6.0).abs() < 1e-12);
        assert_eq!((figures.dice, figures.opacification_error), (Some(0.45), Some(4.0)));
        let nothing = super::figures("all", &[&trials[3]]);
        assert_eq!((nothing.centre_p50_mm, nothing.dice, nothing.opacification_error), (None, None, None));
    }
}
