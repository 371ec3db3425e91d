//! From a scan and its sinuses to residual maps and scores.

use super::config::{Card, ClassifierCard, InferConfig, MapKind};
use super::region::Region;
use crate::image::{median, percentile};
use crate::job::Progress;
use crate::methods::sinus::{Cavity, Crop, Presence, Sinus};
use crate::methods::{Anomaly, Finding, ModelError};
use crate::nets::weights::{self, WeightsError};
use crate::nets::{Cae, CaeConfig, Classifier};
use crate::space::Side;
use crate::volume::{Unit, Volume};
use burn::tensor::{Device, Tensor, TensorData};
use glam::DVec3;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use serde::de::DeserializeOwned;
use std::path::Path;
use std::sync::{Arc, LazyLock};

/// The autoencoder with its card.
#[derive(Clone, Debug)]
pub struct Model {
    net: Cae,
    device: Device,
    /// What is known about the weights.
    pub card: Card,
    /// SHA-256 of the weights file.
    pub sha256: String,
    /// Says how probable disease is; without it there are maps and scores alone.
    pub classifier: Option<Classify>,
}

impl Model {
    /// The default weights, which are part of the program.
    ///
    /// # Errors
    /// [`ModelError`] when the program was built with damaged assets.
    pub fn built_in(device: &Device) -> Result<Self, ModelError> {
        let bytes = include_bytes!("../../../assets/cae.bpk");
        let model = Self::from_parts(CARD, bytes.to_vec(), Path::new("built-in cae.bpk"), device)?;
        Ok(Self { classifier: Some(Classify::built_in(device)?), ..model })
    }

    /// Weights made by `antrum train cae`: `cae.bpk` with `cae.json` beside it.
    ///
    /// # Errors
    /// [`ModelError`] when one of the files is missing, damaged or of another network.
    pub fn load(path: &Path, device: &Device) -> Result<Self, ModelError> {
        let [card, bytes] = card_and_weights(path)?;
        Self::from_parts(&card, bytes, path, device)
    }

    fn from_parts(card: &[u8], bytes: Vec<u8>, path: &Path, device: &Device) -> Result<Self, ModelError> {
        let card: Card = parsed(card, path)?;
        let sha256 = crate::io::sha256(&bytes);
        let config: CaeConfig = card.network.clone();
        let mut net = config.init(device);
        weights::from_bytes(&mut net, bytes, &path.display().to_string())?;
        Ok(Self { net: net.folded(), device: device.clone(), card, sha256, classifier: None })
    }

    /// The absolute difference between a crop and its reconstruction, `[z, y, x]`.
    ///
    /// # Errors
    /// [`ModelError::Device`] when the result cannot be read back, or that the job was cancelled.
    pub fn residual(&self, crop: &[f32], progress: &Progress) -> Result<Vec<f32>, ModelError> {
        let n = Crop::SIZE;
        let x = Tensor::<5>::from_data(TensorData::new(crop.to_vec(), [1, 1, n, n, n]), &self.device);
        let code = self.net.encode(x.clone());
        progress.check()?;
        let residual = (x - self.net.decode(code)).abs();
        residual.into_data().try_into_vec::<f32>().map_err(|e| ModelError::Device(format!("{e:?}")))
    }

    /// Map and score of one crop, of which a sinus fills `region`. The score is the mean of the map, in the region where only
    /// that is kept; it has a percentile when the normal scores of the card were made with the same settings.
    ///
    /// # Errors
    /// As [`Model::residual`].
    pub fn finding(
        &self,
        crop: &Crop,
        region: &Region,
        config: InferConfig,
        progress: &Progress,
    ) -> Result<Finding, ModelError> {
        let residual = self.residual(&crop.values, progress)?;
        progress.check()?;
        let size = [Crop::SIZE; 3];
        let mut map = match config.map {
            MapKind::Sinus | MapKind::Cube => median::filter(&residual, size, config.median),
            MapKind::Paper => postprocess(residual, size, config.median),
        };
        let mean = if config.map == MapKind::Sinus {
            region.keep(&mut map);
            region.mean(&map)
        } else {
            Some(map.iter().map(|&v| f64::from(v)).sum::<f64>() / map.len() as f64)
        };
        let score = mean.unwrap_or_default();
        let normal = Some(self.card.normals(crop.ct));
        let normal = normal.filter(|normal| config.same_map(&self.card.inference) && !normal.scores.is_empty());
        let percentile = normal.filter(|_| mean.is_some()).and_then(|normal| normal.below(score));
        let normal = normal.cloned().map(Arc::new);
        let explained = self.classifier.as_ref().map(|classifier| classifier.explained(crop, progress)).transpose()?;
        let map = Volume::from_f32(crop.grid, map, Unit::Score);
        let (anomaly, features, why) =
            explained.map_or((None, None, None), |said| (Some(said.anomaly), Some(said.features), Some(said.why)));
        Ok(Finding { side: crop.side, score, percentile, normal, anomaly, features, why, map })
    }
}

const CARD: &[u8] = include_bytes!("../../../assets/cae.json");
const CLASSIFIER_CARD: &[u8] = include_bytes!("../../../assets/classifier.json");

/// What the built-in autoencoder and the built-in classifier were trained on, for people; nothing where the program was built
/// with damaged assets.
#[must_use]
pub fn about_built_in() -> &'static [String; 2] {
    static ABOUT: LazyLock<[String; 2]> = LazyLock::new(|| {
        let autoencoder = serde_json::from_slice::<Card>(CARD).map(|card| card.about());
        let classifier = serde_json::from_slice::<ClassifierCard>(CLASSIFIER_CARD).map(|card| card.about());
        [autoencoder, classifier].map(Result::unwrap_or_default)
    });
    &ABOUT
}

/// The bytes of the card beside a weights file, and of the file.
fn card_and_weights(path: &Path) -> Result<[Vec<u8>; 2], WeightsError> {
    let read = |path: &Path| std::fs::read(path).map_err(|source| WeightsError::Read { source, path: path.to_owned() });
    Ok([read(&path.with_extension("json"))?, read(path)?])
}

/// The card beside the weights file at `path`.
fn parsed<C: DeserializeOwned>(card: &[u8], path: &Path) -> Result<C, ModelError> {
    let wrong = |e: serde_json::Error| ModelError::Card { reason: e.to_string(), path: path.with_extension("json") };
    serde_json::from_slice(card).map_err(wrong)
}

/// What the classifier says of a sinus, and why.
#[derive(Clone, Debug)]
pub struct Explained {
    /// How probable disease is.
    pub anomaly: Anomaly,
    /// The features that this is told from.
    pub features: Vec<f32>,
    /// What in the crop speaks for disease (Grad-CAM), as a share of what speaks for it most.
    pub why: Volume,
}

/// The classifier with its card.
#[derive(Clone, Debug)]
pub struct Classify {
    net: Classifier,
    device: Device,
    /// What is known about the weights.
    pub card: ClassifierCard,
    /// SHA-256 of the weights file.
    pub sha256: String,
}

impl Classify {
    /// The default weights, which are part of the program.
    ///
    /// # Errors
    /// [`ModelError`] when the program was built with damaged assets.
    pub fn built_in(device: &Device) -> Result<Self, ModelError> {
        Self::open(None, device)
    }

    /// Weights made by `antrum train classifier`: `classifier.bpk` with `classifier.json` beside it.
    ///
    /// # Errors
    /// [`ModelError`] when one of the files is missing, damaged or of another network.
    pub fn load(path: &Path, device: &Device) -> Result<Self, ModelError> {
        Self::open(Some(path), device)
    }

    /// The weights of a file, or the default ones.
    ///
    /// # Errors
    /// As [`Classify::load`].
    pub fn open(path: Option<&Path>, device: &Device) -> Result<Self, ModelError> {
        let (net, card, sha256) = classifier_network(path, device)?;
        Ok(Self { net: net.folded(), device: device.clone(), card, sha256 })
    }

    /// By how much the logit of disease exceeds that of health, not calibrated.
    ///
    /// # Errors
    /// [`ModelError::Device`] when the result cannot be read back, or that the job was cancelled.
    pub fn margin(&self, crop: &[f32], progress: &Progress) -> Result<f64, ModelError> {
        progress.check()?;
        margin(self.net.forward(self.tensor(crop)))
    }

    /// How probable it is that a sinus is diseased, and why.
    ///
    /// # Errors
    /// As [`Classify::margin`].
    pub fn explained(&self, crop: &Crop, progress: &Progress) -> Result<Explained, ModelError> {
        progress.check()?;
        let (logits, features, map) = self.net.explained(self.tensor(&crop.values));
        let probability = probability(margin(logits)? / self.card.temperature);
        let read = |data: TensorData| data.try_into_vec::<f32>().map_err(|e| ModelError::Device(format!("{e:?}")));
        let (features, mut map) = (read(features.into_data())?, read(map.into_data())?);
        let most = map.iter().copied().fold(0.0, f32::max);
        if most > 0.0 {
            for value in &mut map {
                *value /= most;
            }
        }
        let normal = &self.card.normal_probabilities;
        let percentile = (!normal.is_empty()).then(|| percentile::rank_percent(normal, probability));
        let anomaly = Anomaly { probability, percentile, spread: None };
        Ok(Explained { anomaly, features, why: Volume::from_f32(crop.grid, map, Unit::Score) })
    }

    /// The mean over several crops of a sinus, as paper 1 cut 15 of each, and how far they differ: the first around
    /// `centre_mm`, the others scattered about it, always in the same way.
    ///
    /// # Errors
    /// As [`Classify::margin`].
    pub fn over_crops(
        &self,
        volume: &Volume,
        side: Side,
        centre_mm: DVec3,
        crops: usize,
        progress: &Progress,
    ) -> Result<Anomaly, ModelError> {
        let mut rng = ChaCha8Rng::seed_from_u64(0);
        let scattered = crops.saturating_sub(1);
        // As far on both sides, whatever the paper's registration did, so that spreads can be compared.
        let scattered = Crop::jittered(volume, side, centre_mm, DVec3::ONE, scattered, &mut rng);
        let mut probabilities = Vec::with_capacity(crops);
        for crop in std::iter::once(Crop::cut(volume, side, centre_mm)).chain(scattered) {
            probabilities.push(probability(self.margin(&crop.values, progress)? / self.card.temperature));
        }
        let count = probabilities.len() as f64;
        let mean = probabilities.iter().sum::<f64>() / count;
        let squares = probabilities.iter().map(|p| (p - mean).powi(2)).sum::<f64>();
        // The reference of percentiles is of single crops.
        let spread = (count > 1.0).then(|| (squares / (count - 1.0)).sqrt());
        Ok(Anomaly { probability: mean, percentile: None, spread })
    }

    fn tensor(&self, crop: &[f32]) -> Tensor<5> {
        let n = Crop::SIZE;
        Tensor::from_data(TensorData::new(crop.to_vec(), [1, 1, n, n, n]), &self.device)
    }
}

/// A classifier as it was trained, with its card and the SHA-256 of its weights: of a file, or the default one.
pub(super) fn classifier_network(
    path: Option<&Path>,
    device: &Device,
) -> Result<(Classifier, ClassifierCard, String), ModelError> {
    let (path, card, bytes) = if let Some(path) = path {
        let [card, bytes] = card_and_weights(path)?;
        (path, card, bytes)
    } else {
        let card = CLASSIFIER_CARD.to_vec();
        let bytes = include_bytes!("../../../assets/classifier.bpk").to_vec();
        (Path::new("built-in classifier.bpk"), card, bytes)
    };
    let card: ClassifierCard = parsed(&card, path)?;
    let sha256 = crate::io::sha256(&bytes);
    let mut net = Classifier::new(&card.training.network, device);
    weights::from_bytes(&mut net, bytes, &path.display().to_string())?;
    Ok((net, card, sha256))
}

/// By how much the second of two logits exceeds the first.
fn margin(logits: Tensor<2>) -> Result<f64, ModelError> {
    match logits.into_data().try_into_vec::<f32>().map_err(|e| ModelError::Device(format!("{e:?}")))?[..] {
        [normal, diseased] => Ok(f64::from(diseased - normal)),
        _ => Err(ModelError::Device("the classifier does not tell two classes".to_owned())),
    }
}

/// The probability of disease for the difference of two logits.
pub(super) fn probability(margin: f64) -> f64 {
    1.0 / (1.0 + (-margin).exp())
}

/// From an absolute residual to the target of paper 1's self-supervision (section 2.3): percentile 1-99 rescaling, median
/// filter with mirrored borders, and the rescaling that the published loader applies once more.
#[must_use]
pub fn postprocess(mut residual: Vec<f32>, size: [usize; 3], k: usize) -> Vec<f32> {
    percentile::rescale_1_99(&mut residual);
    let mut map = median::filter(&residual, size, k);
    percentile::rescale_1_99(&mut map);
    map
}

/// Analyses every sinus that is in view, right first; `cavities` are what was measured of them, by [`Side::index`].
///
/// # Errors
/// [`ModelError`] when the device fails or the job is cancelled.
pub fn analyse(
    volume: &Volume,
    sinuses: &[Sinus; 2],
    cavities: &[Option<Cavity>; 2],
    model: &Model,
    config: InferConfig,
    progress: &Progress,
) -> Result<Vec<Finding>, ModelError> {
    let in_view = sinuses.iter().rev().filter(|sinus| sinus.present != Presence::Absent);
    let mut crops: Vec<_> = in_view.map(|sinus| (sinus, Crop::cut(volume, sinus.side, sinus.centre_mm))).collect();
    // A scan is CT on both sides or on none.
    let ct = crops.iter().any(|(_, crop)| crop.ct);
    for (_, crop) in &mut crops {
        crop.ct = ct;
    }
    let mut findings = Vec::new();
    for (i, (sinus, crop)) in crops.iter().enumerate() {
        progress.step(i as f32 / 2.0, &format!("residual map, {} sinus", sinus.side.name()))?;
        let region = Region::around(cavities[sinus.side.index()].as_ref(), &crop.grid, &volume.grid);
        let mut finding = model.finding(crop, &region, config, progress)?;
        if let Some(classifier) = model.classifier.as_ref().filter(|_| config.crops > 1) {
            let anomaly = classifier.over_crops(volume, sinus.side, sinus.centre_mm, config.crops, progress)?;
            finding.anomaly = Some(anomaly);
        }
        findings.push(finding);
    }
    progress.step(1.0, "done")?;
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_probability_over_crops_is_their_mean_with_their_spread_and_always_the_same() -> Result<(), ModelError> {
        let (classify, progress) = (Classify::built_in(&crate::nets::cpu())?, Progress::default());
        let grid = Crop::grid_at(Side::Right, DVec3::ZERO, 80);
        let values = (0..grid.count()).map(|i| ((i % 80) as f32 * 0.3).sin() * ((i / 6400) as f32 * 0.2).cos());
        let volume = Volume::from_f32(grid, values.collect(), Unit::Arbitrary);
        let over = |crops| classify.over_crops(&volume, Side::Right, DVec3::ZERO, crops, &progress);
        let alone = classify.explained(&Crop::cut(&volume, Side::Right, DVec3::ZERO), &progress)?.anomaly;
        let one = over(1)?;
        assert!((one.probability - alone.probability).abs() < 1e-6 && one.spread.is_none(), "{one:?} {alone:?}");
        let (many, again) = (over(4)?, over(4)?);
        assert!(many == again && many.spread.is_some_and(|spread| spread > 0.0), "{many:?}");
        Ok(())
    }

    #[test]
    fn sinuses_in_ct_are_compared_with_those_in_ct() -> Result<(), ModelError> {
        let model = Model { classifier: None, ..Model::built_in(&crate::nets::cpu())? };
        let found = |air: f32| {
            let grid = Crop::grid_at(Side::Left, DVec3::ZERO, Crop::SIZE);
            let values = (0..grid.count()).map(|i| if i % 64 < 30 { air } else { 40.0 + (i % 11) as f32 });
            let crop = Crop::cut(&Volume::from_f32(grid, values.collect(), Unit::Arbitrary), Side::Left, DVec3::ZERO);
            model.finding(&crop, &Region::around(None, &grid, &grid), InferConfig::default(), &Progress::default())
        };
        let (ct, other) = (found(-1000.0)?, found(0.0)?);
        let cohort =
            |finding: &Finding| finding.normal.as_ref().map(|normal| normal.cohort.clone()).unwrap_or_default();
        assert!(cohort(&ct).contains("in CT") && !cohort(&other).contains("in CT"), "{}", cohort(&other));
        assert_eq!(ct.percentile, model.card.normal_ct.as_ref().and_then(|normals| normals.below(ct.score)));
        assert_eq!(other.percentile, model.card.normal.below(other.score));
        Ok(())
    }

    #[test]
    fn voxels_that_are_no_numbers_leave_figures_that_are() -> Result<(), ModelError> {
        let model = Model::built_in(&crate::nets::cpu())?;
        let grid = Crop::grid_at(Side::Right, DVec3::ZERO, Crop::SIZE);
        let values = (0..grid.count()).map(|i| match i % 1000 {
            0 => f32::NAN,
            1 => f32::INFINITY,
            i => i as f32,
        });
        let crop = Crop::cut(&Volume::from_f32(grid, values.collect(), Unit::Arbitrary), Side::Right, DVec3::ZERO);
        let region = Region::around(None, &grid, &grid);
        let finding = model.finding(&crop, &region, InferConfig::default(), &Progress::default())?;
        assert!(finding.score.is_finite() && finding.map.to_f32().iter().all(|v| v.is_finite()));
        assert!(finding.anomaly.is_some_and(|anomaly| (0.0..=1.0).contains(&anomaly.probability)));
        Ok(())
    }

    #[test]
    fn the_brightest_blob_of_a_residual_becomes_one_and_specks_vanish() {
        let n = 16;
        let mut residual: Vec<f32> = (0..n * n * n).map(|i| (i % 13) as f32 * 0.001).collect();
        let at = |x: usize, y: usize, z: usize| x + n * (y + n * z);
        for (x, y, z) in (0..512).map(|i| (i % 8, i / 8 % 8, i / 64)) {
            residual[at(x, y, z)] = 0.6;
        }
        residual[at(12, 12, 12)] = 0.9;
        let map = postprocess(residual, [n; 3], 5);
        assert!(map[at(3, 3, 3)] > 0.99 && map[at(12, 12, 12)] < 0.1);
    }
}
