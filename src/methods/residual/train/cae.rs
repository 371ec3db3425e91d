//! Training of the autoencoder on the normal sinuses of cohorts with known truth.

use super::samples::{self, Subject, cohort_names, tensor, together};
use super::{ResidualError, opacity};
use crate::image::percentile::percentiles;
use crate::io;
use crate::job::Progress;
use crate::methods::residual::config::{Card, InferConfig, MapKind, TrainConfig};
use crate::methods::residual::infer::Model;
use crate::methods::residual::region::Region;
use crate::methods::sinus::{Finder, Sinus};
use crate::methods::{NormalValue, Normals};
use crate::metrics::auroc;
use crate::nets::weights::{self, Precision};
use crate::nets::{Cae, CaeConfig};
use crate::phantom::cohort;
use crate::train::{Batch, Epoch, Task, fit, fixed_settings};
use crate::volume::Volume;
use burn::tensor::Device;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use std::path::{Path, PathBuf};

/// Trains on the normal sinuses of `cohorts` and writes `cae.bpk` (half precision) and its card `cae.json` to `out`.
/// Checkpoints in `out` are resumed.
///
/// # Errors
/// See [`ResidualError`].
pub fn cae(
    cohorts: &[PathBuf],
    out: &Path,
    config: &TrainConfig,
    device: &Device,
    on_epoch: &mut dyn FnMut(&Epoch),
    progress: &Progress,
) -> Result<Card, ResidualError> {
    let subjects = samples::subjects(cohorts, samples::Wanted::Labelled, &progress.part(0.0, 0.1))?;
    let split = samples::split(&subjects, config.validation);
    let [training, validation] = split.each_ref().map(|set| {
        let mut sinuses = samples::sinuses(set);
        sinuses.retain(|sinus| !sinus.diseased);
        sinuses
    });
    let mut training = training;
    if config.normals < 1.0 {
        training.shuffle(&mut ChaCha8Rng::seed_from_u64(config.schedule.seed));
        training.truncate(((training.len() as f64 * config.normals).round() as usize).max(1));
    }
    let network = CaeConfig::new().with_latent(config.latent);
    let network = if config.spatial { network.with_squeeze(0) } else { network };
    let learner = device.clone().autodiff();
    learner.seed(config.schedule.seed);
    let prepare = |batch: &mut Batch<'_>| {
        let set = if batch.validation { &validation } else { &training };
        let jitter_mm = if batch.validation { 0.0 } else { config.jitter_mm };
        let normal: Vec<_> = batch.samples.iter().map(|&i| set[i].jittered(jitter_mm, batch.rng)).collect();
        let opacities = if batch.validation { 0.0 } else { config.opacities };
        let seen = normal.iter().cloned().map(|crop| opacity::some(crop, opacities, batch.rng));
        [together(seen), together(normal)]
    };
    let loss = |net: &Cae, [seen, normal]: [Vec<f32>; 2], on: &Device| {
        (net.forward(tensor(seen, on)) - tensor(normal, on)).abs().mean()
    };
    let task = Task {
        training: training.len(),
        validation: validation.len(),
        prepare: &prepare,
        loss: &loss,
        after_step: None,
        settings: fixed_settings(config, None),
    };
    let fitting = progress.part(0.1, 0.9);
    let trained = fit(network.init(&learner), &task, &config.schedule, Some(out), on_epoch, &fitting)?;

    let card = Card {
        network,
        training: config.clone(),
        cohorts: cohort_names(cohorts),
        subjects: subjects.len(),
        normal_crops: training.len(),
        history: trained.history,
        inference: InferConfig::default(),
        normal: Normals::default(),
        normal_ct: None,
        auroc: None,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    let path = out.join("cae.bpk");
    weights::save(&trained.best, &path, Precision::Half)?;
    io::write_json(&out.join("cae.json"), &card)?;
    // The shipped precision is what scores.
    let mut model = Model::load(&path, device)?;
    reference(&mut model, cohorts, &split[1], &progress.part(0.9, 1.0))?;
    io::write_json(&out.join("cae.json"), &model.card)?;
    Ok(model.card)
}

/// Scores the validation subjects of `cohorts` with the weights at `path` and writes the outcome into the card beside them:
/// for weights whose card is older than one of its entries, or of other cohorts than those of the training.
///
/// # Errors
/// See [`ResidualError`].
pub fn renew_reference(
    cohorts: &[PathBuf],
    path: &Path,
    device: &Device,
    progress: &Progress,
) -> Result<Card, ResidualError> {
    let mut model = Model::load(path, device)?;
    let subjects = samples::subjects(cohorts, samples::Wanted::Labelled, &progress.part(0.0, 0.4))?;
    let [_, validation] = samples::split(&subjects, model.card.training.validation);
    reference(&mut model, cohorts, &validation, &progress.part(0.4, 1.0))?;
    io::write_json(&path.with_extension("json"), &model.card)?;
    Ok(model.card)
}

/// Shares of the voxels of normal sinuses that are marked on colour bars.
const MARKED_PERCENTS: [f64; 3] = [50.0, 95.0, 99.0];

/// Scores the sinuses of the validation subjects where the finder places them. The normal ones become the reference of percentiles.
fn reference(
    model: &mut Model,
    cohorts: &[PathBuf],
    validation: &[&Subject],
    progress: &Progress,
) -> Result<(), ResidualError> {
    let cut =
        |finder: &Finder, volume: &Volume, sinus: &Sinus| Region::measured(finder, volume, sinus, &Progress::default());
    let found = samples::found(validation, cut, &progress.part(0.0, 0.5))?;
    let progress = &progress.part(0.5, 1.0);
    let mut scores = Vec::new();
    // Scores and values of normal ones, of others and of CT.
    let mut normal = [const { (Vec::new(), Vec::new()) }; 2];
    let inference = model.card.inference;
    for (i, ((crop, region), diseased)) in found.iter().enumerate() {
        progress.step(i as f32 / found.len() as f32, "scores of normal sinuses")?;
        let finding = model.finding(crop, region, inference, progress)?;
        if !diseased {
            // Of a map that is kept in the sinus alone, without what fades out around it.
            let counts = |voxel| inference.map != MapKind::Sinus || region.holds(voxel);
            let kept = finding.map.to_f32().into_iter().enumerate().filter(|(voxel, _)| counts(*voxel));
            let (scores, values) = &mut normal[usize::from(crop.ct)];
            values.extend(kept.map(|(_, value)| value));
            scores.push(finding.score);
        }
        scores.push((finding.score, *diseased));
    }
    let card = &mut model.card;
    card.auroc = auroc(&scores);
    let recipes: Vec<Option<String>> = cohorts.iter().map(|dir| cohort::recipe(dir)).collect();
    let synthetic = if recipes.iter().all(Option::is_some) { " synthetic" } else { "" };
    let names: Vec<String> =
        recipes.into_iter().zip(cohort_names(cohorts)).map(|(recipe, folder)| recipe.unwrap_or(folder)).collect();
    let normals = |(mut scores, values): (Vec<f64>, Vec<f32>), of: &str| -> Option<Normals> {
        scores.sort_by(f64::total_cmp);
        let marked = MARKED_PERCENTS.into_iter().zip(percentiles(&values, MARKED_PERCENTS));
        let cohort = format!(
            "{} normal{synthetic} sinuses{of} of the subjects kept for validation ({})",
            scores.len(),
            names.join("; ")
        );
        let values = marked.map(|(percent, value)| NormalValue { percent, value }).collect();
        (!scores.is_empty()).then_some(Normals { scores, values, cohort })
    };
    let [others, ct] = normal;
    (card.normal, card.normal_ct) = match (normals(others, ""), normals(ct, " in CT")) {
        (Some(others), ct) => (others, ct),
        // A cohort of CT alone needs no second reference.
        (None, ct) => (ct.unwrap_or_default(), None),
    };
    Ok(())
}
