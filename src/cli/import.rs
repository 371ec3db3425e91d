//! `antrum import-weights`: checkpoints of PyTorch as weights of ours.

use super::{Failure, guarded, say};
use crate::io;
use crate::methods::residual::{Card, EncoderCard, EncoderConfig};
use crate::nets::import::{Imported, StateDict, cae_name, import, import_resnet, resunet_name};
use crate::nets::weights::{self, Precision};
use crate::nets::{self, CaeConfig, Classifier, Form, ResUNet};
use std::path::PathBuf;

/// Turn a PyTorch checkpoint (.pth, .pt, .ckpt, .safetensors) into weights of ours
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// cae (with a code of any length, or a spatial one) or resunet: the networks of the published code of paper 1; resnet18:
    /// an encoder for transfer learning, as MedicalNet, MONAI and others publish it
    #[arg(value_parser = ["cae", "resunet", "resnet18"])]
    model: String,
    /// The checkpoint; it is read as data, no code in it is run
    file: PathBuf,
    /// Weights file to write, in half precision; its card is written beside it
    #[arg(long, value_name = "FILE.bpk")]
    out: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (model, file, out) = (args.model.clone(), args.file.clone(), args.out.clone());
    let [missing, unknown] = guarded("importing", move |_| {
        let device = nets::cpu();
        let state = StateDict::read(&file)?;
        let origin = format!("imported from {}", file.display());
        let card = out.with_extension("json");
        let encoder_card = |config: EncoderConfig| EncoderCard::imported(&origin, config);
        Ok(match model.as_str() {
            "cae" => {
                // Without a layer to it the code is the coarsest grid; otherwise the layer tells how long it is.
                let config = CaeConfig::new();
                let config = match state.shape("fc.weight") {
                    Some([latent, _]) => config.with_latent(*latent),
                    _ => config.with_squeeze(0),
                };
                let Imported { network, missing, unknown } = import(config.init(&device), &state, cae_name)?;
                weights::save(&network, &out, Precision::Half)?;
                io::write_json(&card, &Card::imported(&origin, config))?;
                [missing, unknown]
            }
            "resunet" => {
                let mut config = EncoderConfig::pretext();
                config.network = config.network.with_width(64).with_form(Form::PaperCode);
                let network = ResUNet::new(&config.network, true, &device);
                let Imported { network, missing, unknown } = import(network, &state, resunet_name)?;
                weights::save(&network.into_classifier(), &out, Precision::Half)?;
                io::write_json(&card, &encoder_card(config))?;
                [missing, unknown]
            }
            _ => {
                let mut config = EncoderConfig::pretext();
                config.network = config.network.with_width(64);
                let network = Classifier::new(&config.network, &device);
                let Imported { network, missing, unknown } = import_resnet(network, &state)?;
                weights::save(&network, &out, Precision::Half)?;
                io::write_json(&card, &encoder_card(config))?;
                [missing, unknown]
            }
        })
    })?;
    say(format_args!("{} and its card {}", args.out.display(), args.out.with_extension("json").display()))?;
    list("the file lacks, so that they begin at random:", &missing)?;
    list("in the file, but of no use here:", &unknown)
}

fn list(what: &str, names: &[String]) -> Result<(), Failure> {
    if names.is_empty() {
        return Ok(());
    }
    say(format_args!("{what}"))?;
    names.iter().try_for_each(|name| say(format_args!("  {name}")))
}
