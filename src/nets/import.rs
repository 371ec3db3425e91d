//! Weights of PyTorch networks: what a checkpoint holds by name, and which parameter of ours each name means.
//!
//! Checkpoints are read as data. Nothing that a pickle may ask for is ever run.

use super::Classifier;
use burn::module::Module;
use burn::store::ModuleSnapshot as _;
use burn::store::burn_pack::Tensor;
use burn::tensor::{DType, TensorData};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Why weights could not be imported.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file is no checkpoint.
    #[error("no PyTorch weights can be read ({reason}); give a .pth, .pt, .ckpt or .safetensors file: {}", path.display())]
    Read {
        /// What is wrong with it.
        reason: String,
        /// The file.
        path: PathBuf,
    },
    /// Parameters of the network that the file lacks, or has in another shape.
    #[error("the file holds no weights of this network; it lacks {}", listed(missing))]
    Missing {
        /// Their names in the published code, with shapes where they differ.
        missing: Vec<String>,
    },
}

/// The first few of many names.
fn listed(names: &[String]) -> String {
    const SHOWN: usize = 8;
    let rest = names.len().saturating_sub(SHOWN);
    let shown = names.iter().take(SHOWN).map(String::as_str).collect::<Vec<_>>().join(", ");
    if rest == 0 { shown } else { format!("{shown} and {rest} more") }
}

/// The tensors of a checkpoint by name, without the prefixes that training wrappers give them.
#[derive(Clone, Debug, Default)]
pub struct StateDict {
    tensors: BTreeMap<String, (Vec<usize>, Vec<f32>)>,
}

/// What wrappers put before the names of a network's own parameters: the published autoencoder, the published residual
/// network, data parallelism.
const WRAPPERS: [&str; 3] = ["AE.", "model.", "module."];

impl StateDict {
    /// The shape of a tensor, as PyTorch has it.
    #[must_use]
    pub fn shape(&self, name: &str) -> Option<&[usize]> {
        self.tensors.get(name).map(|(shape, _)| shape.as_slice())
    }

    /// Names, shapes and values as PyTorch keeps them: linear weights `[out, in]`, convolutions `[out, in, z, y, x]`.
    pub fn new(tensors: impl IntoIterator<Item = (String, Vec<usize>, Vec<f32>)>) -> Self {
        let bare = |name: String| {
            let inner = WRAPPERS.iter().find_map(|wrapper| name.strip_prefix(wrapper));
            inner.map(str::to_owned).unwrap_or(name)
        };
        Self { tensors: tensors.into_iter().map(|(name, shape, values)| (bare(name), (shape, values))).collect() }
    }

    /// Reads `.safetensors`, or what `torch.save` wrote: a state dict, or a dictionary with one in `state_dict`.
    ///
    /// # Errors
    /// [`ImportError::Read`].
    pub fn read(path: &Path) -> Result<Self, ImportError> {
        let failed = |reason: String| ImportError::Read { reason, path: path.to_owned() };
        let is_safe = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("safetensors"));
        let tensors = if is_safe { safetensors(path) } else { pickle(path) };
        tensors.map(Self::new).map_err(failed)
    }
}

type Named = Vec<(String, Vec<usize>, Vec<f32>)>;

fn safetensors(path: &Path) -> Result<Named, String> {
    let bytes = std::fs::read(path).map_err(|e| e.to_string())?;
    let file = safetensors::SafeTensors::deserialize(&bytes).map_err(|e| e.to_string())?;
    let known = file.iter().filter_map(|(name, tensor)| {
        use safetensors::Dtype;
        let dtype = match tensor.dtype() {
            Dtype::F64 => DType::F64,
            Dtype::F32 => DType::F32,
            Dtype::F16 => DType::F16,
            Dtype::BF16 => DType::BF16,
            _ => return None,
        };
        Some(floats(name.to_owned(), tensor.shape().to_vec(), tensor.data().to_vec(), dtype))
    });
    known.collect()
}

fn pickle(path: &Path) -> Result<Named, String> {
    use pytorch_reader::PytorchReader;
    let nested = PytorchReader::with_top_level_key(path, "state_dict");
    let reader = nested.or_else(|_| PytorchReader::new(path)).map_err(|e| e.to_string())?;
    let known = reader.into_tensors().into_values().filter_map(|tensor| {
        use pytorch_reader::DType as Theirs;
        let dtype = match tensor.dtype() {
            Theirs::F64 => DType::F64,
            Theirs::F32 => DType::F32,
            Theirs::F16 => DType::F16,
            Theirs::BF16 => DType::BF16,
            _ => return None,
        };
        let shape = tensor.shape().to_vec();
        let bytes = tensor.read().map_err(|e| e.to_string());
        Some(bytes.and_then(|bytes| floats(tensor.name.clone(), shape, bytes, dtype)))
    });
    known.collect()
}

/// Little-endian numbers as 32-bit floats.
fn floats(
    name: String,
    shape: Vec<usize>,
    bytes: Vec<u8>,
    dtype: DType,
) -> Result<(String, Vec<usize>, Vec<f32>), String> {
    let bytes = burn::tensor::Bytes::from_bytes_vec(bytes);
    let data = TensorData::from_bytes(bytes, shape.clone(), dtype).convert::<f32>();
    let values = data.try_into_vec::<f32>().map_err(|e| format!("{name}: {e:?}"))?;
    Ok((name, shape, values))
}

/// What an import left open.
#[derive(Debug)]
pub struct Imported<M> {
    /// The network.
    pub network: M,
    /// Names in the published code of what the file lacks; these parameters stay as they were.
    pub missing: Vec<String>,
    /// Names in the file that mean nothing here.
    pub unknown: Vec<String>,
}

/// Fills a network with the tensors that `name` names for its parameters.
///
/// # Errors
/// [`ImportError::Missing`] when there is none, or a shape differs.
pub fn import<M: Module>(
    mut network: M,
    state: &StateDict,
    name: impl Fn(&str) -> Option<String>,
) -> Result<Imported<M>, ImportError> {
    let (mut missing, mut misshapen, mut fitting) = (Vec::new(), Vec::new(), Vec::new());
    let mut unknown: BTreeSet<&String> = state.tensors.keys().collect();
    for own in network.collect(None, None, false).into_iter().filter(|own| own.dtype.is_float()) {
        let theirs = name(&own.name).unwrap_or_else(|| own.name.clone());
        let Some((shape, values)) = state.tensors.get(&theirs) else {
            missing.push(theirs);
            continue;
        };
        unknown.remove(&theirs);
        let linear = shape.len() == 2;
        let expected: Vec<usize> = if linear { own.shape.iter().rev().copied().collect() } else { own.shape.to_vec() };
        if *shape != expected {
            misshapen.push(format!("{theirs} {expected:?} (the file has {shape:?})"));
            continue;
        }
        // We keep linear weights as [in, out].
        let values = if linear { transposed(values, shape[1]) } else { values.clone() };
        let data = TensorData::new(values, own.shape.clone());
        fitting.push(Tensor::new(own.name, DType::F32, own.shape, own.param_id, data.into_bytes()));
    }
    if fitting.is_empty() || !misshapen.is_empty() {
        misshapen.extend(missing);
        return Err(ImportError::Missing { missing: misshapen });
    }
    network.apply(fitting, None, None, false);
    // Counters of batches are no weights.
    let unknown = unknown.into_iter().filter(|name| !name.ends_with("num_batches_tracked")).cloned().collect();
    Ok(Imported { network, missing, unknown })
}

/// What PyTorch calls the convolution and the norm of a shortcut.
const SHORTCUT: &str = "downsample";

/// The same for 3-D residual networks, by the names that MONAI and others give. Where the file has no weights of shortcuts,
/// there are none to learn, as in MedicalNet's ResNet18: see [`Classifier::with_plain_shortcuts`]. (That network's deeper
/// levels are dilated where ours are strided; their weights have the same shapes.)
///
/// # Errors
/// As [`import`].
pub fn import_resnet(network: Classifier, state: &StateDict) -> Result<Imported<Classifier>, ImportError> {
    let mut imported = import(network, state, resnet_name)?;
    if !state.tensors.keys().any(|name| name.contains(SHORTCUT)) {
        imported.network = imported.network.with_plain_shortcuts();
        imported.missing.retain(|name| !name.contains(SHORTCUT));
    }
    Ok(imported)
}

/// Rows of `columns` values as columns.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| values.iter().skip(column).step_by(columns).copied()).collect()
}

/// The names of the published code of paper 1 (`ae_3D.py`) for the parameters of a [`Cae`](super::Cae).
#[must_use]
pub fn cae_name(own: &str) -> Option<String> {
    let (path, leaf) = parts(own)?;
    Some(match path[..] {
        ["encoder", i, part] => format!("encoder.{i}.{}.{leaf}", usize::from(part == "norm")),
        ["decoder", i, part] => {
            format!("decoder.{}.{}.{leaf}", i.parse::<usize>().ok()? + 1, usize::from(part == "norm"))
        }
        ["squeeze"] => format!("encoder.3.{leaf}"),
        ["to_code"] => format!("fc.{leaf}"),
        ["from_code"] => format!("decoder_input.{leaf}"),
        ["unsqueeze"] => format!("decoder.0.{leaf}"),
        _ => return None,
    })
}

/// The names of the published code of paper 1 (`ResUNet_3D.py`, its spelling kept) for those of a
/// [`ResUNet`](super::ResUNet) of [`Form::PaperCode`](super::Form).
#[must_use]
pub fn resunet_name(own: &str) -> Option<String> {
    let (path, leaf) = parts(own)?;
    Some(match path[..] {
        ["output"] => format!("deconv1.{leaf}"),
        ["decoder", i, ref layer @ ..] => {
            format!("decocer_layer_{}.conv.{}.{leaf}", 4_usize.checked_sub(i.parse().ok()?)?, layer_name(layer)?)
        }
        _ => encoder_name(&path, leaf, "encoder_layer")?,
    })
}

/// The names that MONAI and others give the parameters of 3-D residual networks, for those of a [`Classifier`].
#[must_use]
pub fn resnet_name(own: &str) -> Option<String> {
    let (path, leaf) = parts(own)?;
    encoder_name(&path, leaf, "layer")
}

fn encoder_name(path: &[&str], leaf: &str, level: &str) -> Option<String> {
    Some(match *path {
        ["encoder", "stem", "conv"] => format!("conv1.{leaf}"),
        ["encoder", "stem", "norm"] => format!("bn1.{leaf}"),
        ["encoder", "levels", i, j, ref layer @ ..] => {
            format!("{level}{}.{j}.{}.{leaf}", i.parse::<usize>().ok()? + 1, layer_name(layer)?)
        }
        ["head", "hidden"] => format!("fc.0.{leaf}"),
        ["head", "logits"] => format!("fc.2.{leaf}"),
        _ => return None,
    })
}

/// Layers of a block.
fn layer_name(layer: &[&str]) -> Option<&'static str> {
    Some(match layer {
        ["first", "conv"] => "conv1",
        ["first", "norm"] => "bn1",
        ["second", "conv"] => "conv2",
        ["second", "norm"] => "bn2",
        ["shortcut", "conv"] => "downsample.0",
        ["shortcut", "norm"] => "downsample.1",
        ["learned"] => "conv0",
        _ => return None,
    })
}

/// The path to a layer, and PyTorch's name of its parameter.
fn parts(own: &str) -> Option<(Vec<&str>, &str)> {
    let mut path: Vec<&str> = own.split('.').collect();
    let leaf = match path.pop()? {
        "gamma" => "weight",
        "beta" => "bias",
        other => other,
    };
    Some((path, leaf))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::nets::{CaeConfig, ResNetConfig};
    use burn::nn::{Linear, LinearConfig};
    use burn::tensor::{Device, Tensor};

    fn data(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/checkpoints").join(name)
    }

    fn linear() -> Linear {
        LinearConfig::new(3, 2).init(&Device::flex())
    }

    fn imported(network: Linear, state: &StateDict) -> Result<Imported<Linear>, ImportError> {
        import(network, state, |own| Some(format!("fc.{own}")))
    }

    #[test]
    fn state_dicts_are_read_nested_and_plain_and_linear_layers_turned() {
        for file in ["nested.ckpt", "plain.pth"] {
            let state = StateDict::read(&data(file)).unwrap();
            let found = imported(linear(), &state).unwrap();
            assert!(found.missing.is_empty() && found.unknown.is_empty(), "{file}: {found:?}");
            // [[0, 1, 2], [3, 4, 5]] in PyTorch: outputs 1·0 + 2·1 + 3·2 + 0.5 and 1·3 + 2·4 + 3·5 − 1.
            let x = Tensor::<2>::from_floats([[1.0, 2.0, 3.0]], &Device::flex());
            assert_eq!(found.network.forward(x).into_data().try_into_vec::<f32>().unwrap(), [8.5, 25.0], "{file}");
        }
    }

    #[test]
    fn safetensors_are_read_and_what_does_not_fit_is_listed_by_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let bytes: Vec<u8> = (0..6).flat_map(|v| (v as f32).to_le_bytes()).collect();
        let view =
            |shape: Vec<usize>| safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape, &bytes).unwrap();
        let tensors = [("module.fc.weight", view(vec![2, 3])), ("module.other", view(vec![6]))];
        safetensors::serialize_to_file(tensors, None, &path).unwrap();
        let state = StateDict::read(&path).unwrap();
        let found = imported(linear(), &state).unwrap();
        assert_eq!((found.missing, found.unknown), (vec!["fc.bias".to_owned()], vec!["other".to_owned()]));
        let misshapen = imported(LinearConfig::new(2, 2).init(&Device::flex()), &state).unwrap_err().to_string();
        assert!(misshapen.contains("fc.weight [2, 2] (the file has [2, 3])"), "{misshapen}");
        let nothing = import(CaeConfig::new().init(&Device::flex()), &state, cae_name).unwrap_err().to_string();
        assert!(nothing.contains("encoder.0.0.weight") && nothing.contains(" more"), "{nothing}");
    }

    #[test]
    fn code_in_a_checkpoint_is_never_run_and_other_files_are_refused() {
        let before = std::env::current_dir().unwrap().join("antrum-was-here");
        // Whether the weights beside the code are read or the file is refused: nothing happens.
        let _ = StateDict::read(&data("code.pth"));
        assert!(!before.exists());
        let folder = tempfile::tempdir().unwrap();
        for name in ["text.pth", "text.safetensors"] {
            let path = folder.path().join(name);
            std::fs::write(&path, "no weights").unwrap();
            let error = StateDict::read(&path).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("give a .pth"), "{error}");
        }
        assert!(StateDict::read(&folder.path().join("absent.pth")).is_err());
    }

    #[test]
    fn networks_without_weights_of_shortcuts_hand_on_what_they_get() {
        let (device, config) = (Device::flex(), ResNetConfig::new().with_width(1));
        // As MedicalNet has it: no shortcuts, no head of ours, and the wrapper of data parallelism.
        let theirs = Classifier::new(&config, &device).collect(None, None, false).into_iter().filter_map(|own| {
            let name = resnet_name(&own.name).filter(|name| !name.starts_with("fc") && !name.contains(SHORTCUT))?;
            Some((format!("module.{name}"), own.shape.to_vec(), vec![0.02; own.shape.iter().product()]))
        });
        let state = StateDict::new(theirs);
        let found = import_resnet(Classifier::new(&config, &device), &state).unwrap();
        assert_eq!(found.missing, ["fc.0.weight", "fc.0.bias", "fc.2.weight", "fc.2.bias"]);
        assert!(found.unknown.is_empty(), "{:?}", found.unknown);
        assert_eq!(state.shape("conv1.weight"), Some(&[1, 1, 7, 7, 7][..]));
        // Nothing of the encoder is left to chance.
        let again = import_resnet(Classifier::new(&config, &device), &state).unwrap();
        let x = Tensor::<5>::ones([1, 1, 32, 32, 32], &device);
        let [a, b] = [found, again].map(|found| found.network.encoder.features(x.clone()));
        assert_eq!((a - b).abs().max().into_scalar::<f32>(), 0.0);
    }

    #[test]
    fn every_parameter_has_a_name_in_the_published_code() {
        let device = Device::flex();
        let named = |names: Vec<burn::store::burn_pack::Tensor>, name: fn(&str) -> Option<String>| {
            let floats = names.into_iter().filter(|own| own.dtype.is_float());
            floats.map(|own| name(&own.name).unwrap()).collect::<Vec<_>>()
        };
        let cae = named(CaeConfig::new().with_size(8).init(&device).collect(None, None, false), cae_name);
        assert!(cae.contains(&"decoder.3.1.running_var".to_owned()), "{cae:?}");
        let classifier = Classifier::new(&ResNetConfig::new().with_width(1), &device);
        let resnet = named(classifier.collect(None, None, false), resnet_name);
        assert!(resnet.contains(&"layer2.0.downsample.1.weight".to_owned()), "{resnet:?}");
    }
}
