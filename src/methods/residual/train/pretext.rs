//! Pre-training of the encoder without labels: on the residuals of the autoencoder, as paper 1 proposes, or on one of the
//! pretexts that it compares with.

use super::augment::{Change, view};
use super::samples::{self, Sample, cohort_names, tensor, together};
use super::{ResidualError, Training};
use crate::io;
use crate::job::Progress;
use crate::methods::residual::config::{EncoderCard, EncoderConfig};
use crate::methods::residual::infer::{Model, postprocess};
use crate::methods::sinus::Crop;
use crate::nets::ResUNet;
use crate::nets::resnet::ResNet;
use crate::nets::siamese::Siamese;
use crate::nets::weights::{self, Precision};
use crate::train::losses::{bce, nt_xent, sim_siam};
use crate::train::{Batch, Epoch, Task, Trained, fit};
use burn::module::Module;
use burn::optim::AdamConfig;
use burn::tensor::{Device, Tensor};
use half::f16;
use rand::RngExt as _;
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
}

impl Pretext {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Residual, Self::Autoencoder, Self::Denoising, Self::SimClr, Self::Byol, Self::SimSiam];

    /// Its name on the command line and in files: `residual-ssl`, `ae`, `dae`, `simclr`, `byol`, `simsiam`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Residual => "residual-ssl",
            Self::Autoencoder => "ae",
            Self::Denoising => "dae",
            Self::SimClr => "simclr",
            Self::Byol => "byol",
            Self::SimSiam => "simsiam",
        }
    }
}

/// The largest standard deviation of the noise to be taken away (the published baseline of paper 1).
const NOISE: f64 = 0.6;
/// The temperature of [`Pretext::SimClr`] (the published baseline of paper 1).
const TEMPERATURE: f64 = 0.07;
/// How much of itself the follower of [`Pretext::Byol`] keeps in a step (the published baseline of paper 1).
const MOMENTUM: f64 = 0.99;

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
    let subjects = samples::subjects(cohorts, &progress.part(0.0, 0.1))?;
    let [training, validation] = samples::split(&subjects, config.validation).map(|set| samples::sinuses(&set));
    let sets = Sets { training, validation };
    let learner = device.clone().autodiff();
    learner.seed(config.schedule.seed);
    let fitting = Fitting { sets: &sets, config, learner: &learner, out, progress: progress.part(0.15, 1.0) };
    let path = out.join(pretext.name()).with_extension("bpk");
    let history = match pretext {
        Pretext::Residual => {
            let targets = Targets::new(&sets, cae, &progress.part(0.1, 0.15))?;
            let prepare = |batch: &mut Batch<'_>| {
                let (mut crops, mut wanted) = (Vec::new(), Vec::new());
                for &i in batch.samples {
                    let change = if batch.validation { Change::None } else { Change::draw(batch.rng) };
                    crops.push(change.apply(sets.of(batch.validation)[i].centred(), batch.rng));
                    wanted.push(change.apply(targets.of(batch.validation, i), batch.rng));
                }
                [crops, wanted].map(together)
            };
            // Noise may leave what a share can be.
            let loss = |said, wanted: Tensor<5>| bce(said, wanted.clamp(0.0, 1.0));
            fitting.decoder(true, &path, on_epoch, &prepare, &loss)?
        }
        Pretext::Autoencoder | Pretext::Denoising => {
            let skips = pretext == Pretext::Denoising;
            let prepare = |batch: &mut Batch<'_>| {
                let set = sets.of(batch.validation);
                let views = batch.samples.iter().map(|&i| view(set[i], config.jitter_mm, batch.validation, batch.rng));
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
            let mut net = Siamese::new(&config.network, &learner);
            if pretext == Pretext::Byol {
                net = net.followed(&config.network, &learner);
            }
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
    };
    let card = EncoderCard {
        pretext: pretext.name().to_owned(),
        training: config.clone(),
        cohorts: cohort_names(cohorts),
        subjects: subjects.len(),
        cae_sha256: (pretext == Pretext::Residual).then(|| cae.sha256.clone()),
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
    learner: &'a Device,
    out: &'a Path,
    progress: Progress,
}

/// What a batch of a pretext is: crops, and what they should become or other views of them.
type Pair = [Vec<f32>; 2];
/// Makes such a batch ready.
type Prepare<'a> = &'a (dyn Fn(&mut Batch<'_>) -> Pair + Sync);

impl Fitting<'_> {
    fn fit<M: Module>(
        &self,
        net: M,
        prepare: Prepare<'_>,
        loss: &dyn Fn(&M, Pair, &Device) -> Tensor<1>,
        after_step: Option<&dyn Fn(M) -> M>,
        on_epoch: &mut dyn FnMut(&Epoch),
    ) -> Result<Trained<M>, ResidualError> {
        let Sets { training, validation } = self.sets;
        let task = Task { training: training.len(), validation: validation.len(), prepare, loss, after_step };
        let optimiser = AdamConfig::new().with_epsilon(1e-8).init();
        Ok(fit(net, optimiser, &task, &self.config.schedule, Some(self.out), on_epoch, &self.progress)?)
    }

    /// Fits a network with a decoder, by the loss of what it makes of crops beside what they should become.
    fn decoder(
        &self,
        skips: bool,
        path: &Path,
        on_epoch: &mut dyn FnMut(&Epoch),
        prepare: Prepare<'_>,
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

/// The residuals to be predicted, made once: paper 1 cuts one crop of each unlabelled sinus.
struct Targets {
    training: Vec<Vec<f16>>,
    validation: Vec<Vec<f16>>,
}

impl Targets {
    /// Edge of the median filter of the paper's best model.
    const MEDIAN: usize = 5;

    fn new(sets: &Sets<'_>, cae: &Model, progress: &Progress) -> Result<Self, ResidualError> {
        let all = (sets.training.len() + sets.validation.len()).max(1);
        let mut done = 0;
        let mut of = |samples: &[&Sample]| -> Result<Vec<Vec<f16>>, ResidualError> {
            let target = |sample: &&Sample| {
                progress.step(done as f32 / all as f32, "residuals of the autoencoder")?;
                done += 1;
                let residual = cae.residual(&sample.centred(), progress)?;
                let target = postprocess(residual, [Crop::SIZE; 3], Self::MEDIAN);
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
