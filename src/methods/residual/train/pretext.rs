//! Pre-training of the encoder without labels: on the residuals of the autoencoder, as paper 1 proposes, or on one of the
//! pretexts that it compares with.

use super::augment::{Change, clean_view, view};
use super::samples::{self, Sample, cohort_names, tensor, together};
use super::{ResidualError, Training};
use crate::io;
use crate::job::Progress;
use crate::methods::residual::config::{EncoderCard, EncoderConfig, ResidualLoss};
use crate::methods::residual::infer::{Model, postprocess};
use crate::methods::sinus::Crop;
use crate::nets::ResUNet;
use crate::nets::resnet::{ResNet, ResNetConfig};
use crate::nets::siamese::Siamese;
use crate::nets::spark::{Spark, Visible};
use crate::nets::weights::{self, Precision};
use crate::train::losses::{bce, nt_xent, sim_siam};
use crate::train::{Batch, Epoch, Task, Trained, fit, fixed_settings};
use burn::module::Module;
use burn::tensor::activation::sigmoid;
use burn::tensor::{Device, Tensor};
use half::f16;
use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use serde_json::Value;
use std::path::Path;

/// What an encoder is pre-trained to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pretext {
    /// Predict the residual that the autoencoder leaves: paper 1.
    Residual,
    /// Reconstruct the crop from the deepest level alone.
    Autoencoder,
    /// Take noise away: standard deviation up to 0.6.
    Denoising,
    /// Recognise another view of the same sinus among other sinuses (Chen 2020).
    SimClr,
    /// Predict another view of the same sinus as a network that follows slowly sees it (Grill 2020).
    Byol,
    /// Predict another view of the same sinus, gradients stopped (Chen 2021).
    SimSiam,
    /// Draw the hidden cells of a crop from the others (`SparK`, Tian 2023).
    Spark,
}

impl Pretext {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Residual, Self::Autoencoder, Self::Denoising, Self::SimClr, Self::Byol, Self::SimSiam, Self::Spark];

    /// Its name on the command line and in files: `residual-ssl`, `ae`, `dae`, `simclr`, `byol`, `simsiam`, `spark`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Residual => "residual-ssl",
            Self::Autoencoder => "ae",
            Self::Denoising => "dae",
            Self::SimClr => "simclr",
            Self::Byol => "byol",
            Self::SimSiam => "simsiam",
            Self::Spark => "spark",
        }
    }
}

/// The largest standard deviation of the noise to be taken away (the published baseline of paper 1).
const NOISE: f64 = 0.6;
/// The temperature of [`Pretext::SimClr`] (the published baseline of paper 1).
const TEMPERATURE: f64 = 0.07;
/// How much of itself the follower of [`Pretext::Byol`] keeps in a step (the published baseline of paper 1).
const MOMENTUM: f64 = 0.99;
/// The share of the cells that [`Pretext::Spark`] hides (the published baseline of paper 1).
const HIDDEN: f64 = 0.6;

/// Trains an encoder on all sinuses of `cohorts`, labels unseen, and writes it (half precision) and its card to `out`, both
/// named after the pretext. `cae` makes the residuals. Checkpoints in `out` are resumed.
///
/// # Errors
/// See [`ResidualError`].
pub fn pretext(
    pretext: Pretext,
    cae: &Model,
    &Training { cohorts, out, config, device }: &Training<'_>,
    on_epoch: &mut dyn FnMut(&Epoch),
    progress: &Progress,
) -> Result<EncoderCard, ResidualError> {
    let subjects = samples::subjects(cohorts, samples::Wanted::All, &progress.part(0.0, 0.1))?;
    let [training, validation] = samples::split(&subjects, config.validation).map(|set| samples::sinuses(&set));
    let sets = Sets { training, validation };
    let learner = device.clone().autodiff();
    learner.seed(config.schedule.seed);
    let cae_sha256 = (pretext == Pretext::Residual).then(|| cae.sha256.clone());
    let settings = fixed_settings(config, cae_sha256.as_deref());
    let fitting = Fitting { sets: &sets, config, settings, learner: &learner, out, progress: progress.part(0.15, 1.0) };
    let path = out.join(pretext.name()).with_extension("bpk");
    let history = match pretext {
        Pretext::Residual => {
            let targets = Targets::new(&sets, cae, config.residual.median, &progress.part(0.1, 0.15))?;
            let prepare = |batch: &mut Batch<'_>| {
                let (mut crops, mut wanted) = (Vec::new(), Vec::new());
                for &i in batch.samples {
                    let change = if batch.validation { Change::None } else { Change::draw(batch.rng) };
                    crops.push(change.apply(sets.of(batch.validation)[i].centred(), batch.rng));
                    wanted.push(change.apply(targets.of(batch.validation, i), batch.rng));
                }
                [crops, wanted].map(together)
            };
            let loss = |said, wanted| residual_loss(config.residual.loss, said, wanted);
            fitting.decoder(true, &path, on_epoch, &prepare, &loss)?
        }
        Pretext::Autoencoder | Pretext::Denoising => {
            let skips = pretext == Pretext::Denoising;
            let prepare = |batch: &mut Batch<'_>| {
                let set = sets.of(batch.validation);
                let views =
                    batch.samples.iter().map(|&i| clean_view(set[i], config.jitter_mm, batch.validation, batch.rng));
                let clean: Vec<_> = views.collect();
                let noisy = clean.iter().map(|crop| {
                    let sd = if skips { batch.rng.random_range(0.0..NOISE) } else { 0.0 };
                    Change::Noise(sd).apply(crop.clone(), batch.rng)
                });
                let noisy = together(noisy);
                [noisy, together(clean)]
            };
            fitting.decoder(skips, &path, on_epoch, &prepare, &|said, clean| (said - clean).abs().mean())?
        }
        Pretext::SimClr | Pretext::Byol | Pretext::SimSiam => {
            let net = siamese(pretext, &config.network, &learner);
            let prepare = |batch: &mut Batch<'_>| {
                let set = sets.of(batch.validation);
                [(); 2]
                    .map(|()| together(batch.samples.iter().map(|&i| view(set[i], config.jitter_mm, false, batch.rng))))
            };
            let loss = |net: &Siamese, views: Pair, on: &Device| {
                let views = views.map(|view| tensor(view, on));
                let [a, b] = views.clone().map(|view| net.project(view));
                match pretext {
                    Pretext::SimClr => nt_xent(&[a, b], TEMPERATURE),
                    Pretext::Byol => {
                        // 4 + 4 times the loss of SimSiam: 2 - 2 cos both ways.
                        let targets = views.map(|view| net.target(view));
                        sim_siam([net.predict(a), net.predict(b)], targets) * 4.0 + 4.0
                    }
                    _ => sim_siam([net.predict(a.clone()), net.predict(b.clone())], [a, b]),
                }
            };
            let follow = |net: Siamese| net.drawn_after(MOMENTUM);
            let trained = fitting.fit(net, &prepare, &loss, Some(&follow), on_epoch)?;
            save(&Encoder { encoder: trained.best.into_encoder() }, &path)?;
            trained.history
        }
        Pretext::Spark => {
            let prepare = |batch: &mut Batch<'_>| {
                let set = sets.of(batch.validation);
                let (mut crops, mut cells) = (Vec::new(), Vec::new());
                for &i in batch.samples {
                    crops.push(view(set[i], config.jitter_mm, batch.validation, batch.rng));
                    cells.extend(visible_cells(batch.rng));
                }
                let wanted = together(crops.iter().map(|crop| standardised(crop)));
                ([together(crops), wanted], Visible::new(cells, CELLS))
            };
            let loss = |net: &Spark, (crops, seen): (Pair, Visible), on: &Device| {
                let [crops, wanted] = crops.map(|crops| tensor(crops, on));
                let hidden = -seen.at(Crop::SIZE, on) + 1.0;
                let wrong = (net.forward(crops, &seen) - wanted).square() * hidden.clone();
                wrong.sum() / hidden.sum()
            };
            let trained = fitting.fit(Spark::new(&config.network, &learner), &prepare, &loss, None, on_epoch)?;
            save(&Encoder { encoder: trained.best.into_encoder() }, &path)?;
            trained.history
        }
    };
    let card = EncoderCard {
        pretext: pretext.name().to_owned(),
        training: config.clone(),
        cohorts: cohort_names(cohorts),
        subjects: subjects.len(),
        cae_sha256,
        history,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    io::write_json(&path.with_extension("json"), &card)?;
    Ok(card)
}

/// The part of a network that is kept, under the name that it has in a classifier.
#[derive(Module, Debug)]
struct Encoder {
    encoder: ResNet,
}

fn save<M: Module>(net: &M, path: &Path) -> Result<(), ResidualError> {
    Ok(weights::save(net, path, Precision::Half)?)
}

/// The sinuses that a pretext learns from.
struct Sets<'a> {
    training: Vec<&'a Sample>,
    validation: Vec<&'a Sample>,
}

impl Sets<'_> {
    fn of(&self, validation: bool) -> &[&Sample] {
        if validation { &self.validation } else { &self.training }
    }
}

/// What all pretexts are fitted with.
struct Fitting<'a> {
    sets: &'a Sets<'a>,
    config: &'a EncoderConfig,
    settings: Value,
    learner: &'a Device,
    out: &'a Path,
    progress: Progress,
}

/// What a batch of a pretext is: crops, and what they should become or other views of them.
type Pair = [Vec<f32>; 2];
/// Makes a batch ready.
type Prepare<'a, S> = &'a (dyn Fn(&mut Batch<'_>) -> S + Sync);

impl Fitting<'_> {
    fn fit<M: Module, S: Send>(
        &self,
        net: M,
        prepare: Prepare<'_, S>,
        loss: &dyn Fn(&M, S, &Device) -> Tensor<1>,
        after_step: Option<&dyn Fn(M) -> M>,
        on_epoch: &mut dyn FnMut(&Epoch),
    ) -> Result<Trained<M>, ResidualError> {
        let Sets { training, validation } = self.sets;
        let settings = self.settings.clone();
        let task = Task { training: training.len(), validation: validation.len(), prepare, loss, after_step, settings };
        Ok(fit(net, &task, &self.config.schedule, Some(self.out), on_epoch, &self.progress)?)
    }

    /// Fits a network with a decoder, by the loss of what it makes of crops beside what they should become.
    fn decoder(
        &self,
        skips: bool,
        path: &Path,
        on_epoch: &mut dyn FnMut(&Epoch),
        prepare: Prepare<'_, Pair>,
        loss: &dyn Fn(Tensor<5>, Tensor<5>) -> Tensor<1>,
    ) -> Result<Vec<Epoch>, ResidualError> {
        let net = ResUNet::new(&self.config.network, skips, self.learner);
        let loss = |net: &ResUNet, [crops, wanted]: Pair, on: &Device| {
            let said = net.forward(tensor(crops, on)).residual;
            loss(said, tensor(wanted, on))
        };
        let trained = self.fit(net, prepare, &loss, None, on_epoch)?;
        save(&Encoder { encoder: trained.best.into_classifier().encoder }, path)?;
        Ok(trained.history)
    }
}

/// The network of one of the pretexts that compare views.
fn siamese(pretext: Pretext, config: &ResNetConfig, on: &Device) -> Siamese {
    match pretext {
        Pretext::SimSiam => Siamese::sim_siam(config, on),
        Pretext::Byol => Siamese::new(config, on).followed(config, on),
        _ => Siamese::new(config, on),
    }
}

/// How wrong predicted residuals are, as logits. Noise may leave what a share can be.
fn residual_loss(loss: ResidualLoss, said: Tensor<5>, wanted: Tensor<5>) -> Tensor<1> {
    let wanted = wanted.clamp(0.0, 1.0);
    match loss {
        ResidualLoss::Bce => bce(said, wanted),
        ResidualLoss::L1 => (sigmoid(said) - wanted).abs().mean(),
        ResidualLoss::L2 => (sigmoid(said) - wanted).square().mean(),
    }
}

/// Cells of [`Visible`] along the edge of a crop.
const CELLS: usize = Crop::SIZE / Visible::CELL;

/// Which cells of a crop are seen: 1 or 0 for each.
fn visible_cells(rng: &mut ChaCha8Rng) -> Vec<f32> {
    let all = CELLS.pow(3);
    let seen = (all as f64 * (1.0 - HIDDEN)).round() as usize;
    let mut cells: Vec<f32> = (0..all).map(|cell| if cell < seen { 1.0 } else { 0.0 }).collect();
    cells.shuffle(rng);
    cells
}

/// A crop with each of its cells brought to mean 0 and standard deviation 1.
fn standardised(crop: &[f32]) -> Vec<f32> {
    let n = Crop::SIZE;
    let cell = |i: usize| {
        let [x, y, z] = [i % n, i / n % n, i / (n * n)].map(|at| at / Visible::CELL);
        x + CELLS * (y + CELLS * z)
    };
    let mut sums = [[0.0_f64; 2]; CELLS.pow(3)];
    for (i, &value) in crop.iter().enumerate() {
        let [sum, squares] = &mut sums[cell(i)];
        *sum += f64::from(value);
        *squares += f64::from(value).powi(2);
    }
    let count = Visible::CELL.pow(3) as f64;
    let looks = sums.map(|[sum, squares]| {
        let mean = sum / count;
        [mean, (squares / count - mean * mean).max(0.0) + 1e-6]
    });
    let scaled = |(i, &value): (usize, &f32)| {
        let [mean, variance] = looks[cell(i)];
        ((f64::from(value) - mean) / variance.sqrt()) as f32
    };
    crop.iter().enumerate().map(scaled).collect()
}

/// The residuals to be predicted, made once: paper 1 cuts one crop of each unlabelled sinus.
struct Targets {
    training: Vec<Vec<f16>>,
    validation: Vec<Vec<f16>>,
}

impl Targets {
    fn new(sets: &Sets<'_>, cae: &Model, median: usize, progress: &Progress) -> Result<Self, ResidualError> {
        let all = (sets.training.len() + sets.validation.len()).max(1);
        let mut done = 0;
        let mut of = |samples: &[&Sample]| -> Result<Vec<Vec<f16>>, ResidualError> {
            let target = |sample: &&Sample| {
                progress.step(done as f32 / all as f32, "residuals of the autoencoder")?;
                done += 1;
                let residual = cae.residual(&sample.centred(), progress)?;
                let target = postprocess(residual, [Crop::SIZE; 3], median);
                Ok(target.into_iter().map(f16::from_f32).collect())
            };
            samples.iter().map(target).collect()
        };
        Ok(Self { training: of(&sets.training)?, validation: of(&sets.validation)? })
    }

    fn of(&self, validation: bool, index: usize) -> Vec<f32> {
        let set = if validation { &self.validation } else { &self.training };
        set[index].iter().map(|v| v.to_f32()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn residuals_are_shares_whatever_the_loss() {
        let on = Device::flex();
        let (said, wanted) = (Tensor::<5>::zeros([1, 1, 1, 1, 2], &on), Tensor::<1>::from_floats([1.5, -0.25], &on));
        let loss =
            |loss| residual_loss(loss, said.clone(), wanted.clone().reshape([1, 1, 1, 1, 2])).into_scalar::<f32>();
        assert_eq!([ResidualLoss::L1, ResidualLoss::L2].map(loss), [0.5, 0.25]);
        assert!((loss(ResidualLoss::Bce) - 2.0_f32.ln()).abs() < 1e-6);
    }

    #[test]
    fn two_fifths_of_the_cells_are_seen_and_each_has_mean_0_and_deviation_1() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let drawn: Vec<Vec<f32>> = (0..20).map(|_| visible_cells(&mut rng)).collect();
        assert!(drawn.iter().all(|cells| cells.len() == 8 && cells.iter().sum::<f32>() == 3.0));
        assert!(drawn.iter().any(|cells| *cells != drawn[0]), "not always the same");
        let n = Crop::SIZE;
        let crop: Vec<f32> = (0..n.pow(3)).map(|i| if i % n < 32 { (i % 7) as f32 } else { 5.0 }).collect();
        let scaled = standardised(&crop);
        let of = |x: std::ops::Range<usize>| {
            let cell = (0..n.pow(3)).filter(|i| x.contains(&(i % n)) && i / n % n < 32 && i / (n * n) < 32);
            let values: Vec<f64> = cell.map(|i| f64::from(scaled[i])).collect();
            let mean = values.iter().sum::<f64>() / values.len() as f64;
            (mean, values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / values.len() as f64)
        };
        let (mean, variance) = of(0..32);
        assert!(mean.abs() < 1e-5 && (variance - 1.0).abs() < 1e-4, "{mean} {variance}");
        assert_eq!(of(32..64), (0.0, 0.0), "where all is the same there is nothing to draw");
    }
}
