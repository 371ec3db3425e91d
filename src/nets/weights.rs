//! Parameters in files: burnpack (`.bpk`), convolutions and linear layers in half precision where asked, with their
//! names checked on loading. The default weights are compiled into the program.

use burn::module::Module;
use burn::store::burn_pack::Tensor;
use burn::store::{BurnpackStore, FloatCastAdapter, HalfPrecisionAdapter, ModuleSnapshot as _, ModuleStore as _};
use burn::tensor::{DType, TensorData};
use std::path::{Path, PathBuf};

/// Why parameters could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum WeightsError {
    /// The file does not hold this network's parameters.
    #[error("these are not the weights of this network ({reason}); choose the file that belongs to it: {origin}")]
    Mismatch {
        /// What does not fit.
        reason: String,
        /// The file, or the name of the built-in weights.
        origin: String,
    },
    /// The file cannot be read.
    #[error("the weights cannot be read ({source}); check the path: {}", path.display())]
    Read {
        /// The operating system's reason.
        source: std::io::Error,
        /// The file.
        path: PathBuf,
    },
    /// The file cannot be written; the former one, if any, is untouched.
    #[error("the weights cannot be written ({reason}); check free space and permissions: {}", path.display())]
    Write {
        /// What failed.
        reason: String,
        /// The file.
        path: PathBuf,
    },
}

/// Loads parameters from the bytes of a burnpack file. `origin` names them in errors.
///
/// # Errors
/// [`WeightsError::Mismatch`] when the bytes are damaged or belong to another network.
pub fn from_bytes<M: Module>(module: &mut M, bytes: Vec<u8>, origin: &str) -> Result<(), WeightsError> {
    let mismatch = |reason: String| WeightsError::Mismatch { reason, origin: origin.to_owned() };
    let mut store = BurnpackStore::from_bytes(Some(burn::tensor::Bytes::from_bytes_vec(bytes)))
        .with_from_adapter(FloatCastAdapter::to(DType::F32));
    store.apply_to(module).map_err(|e| mismatch(e.to_string()))?;
    Ok(())
}

/// Takes over the parameters that fit, to begin a training with. What has more channels than in the file begins as what the
/// file says: the first channels are those of the file, and the new ones have no say in them yet (`Net2Net`, Chen 2016).
/// Layers of any other shape keep what they have.
///
/// # Errors
/// [`WeightsError::Mismatch`] when the bytes are damaged or nothing fits.
pub fn begin_with<M: Module>(module: &mut M, bytes: Vec<u8>, origin: &str) -> Result<(), WeightsError> {
    let mismatch = |reason: String| WeightsError::Mismatch { reason, origin: origin.to_owned() };
    let mut store = BurnpackStore::from_bytes(Some(burn::tensor::Bytes::from_bytes_vec(bytes)));
    let file = store.get_all_tensors().map_err(|e| mismatch(e.to_string()))?;
    let values = |tensor: &Tensor| {
        let bytes = tensor.to_bytes().map_err(|e| mismatch(e.to_string()))?;
        Ok(TensorData::from_bytes(bytes, tensor.shape.clone(), tensor.dtype).convert::<f32>())
    };
    let mut fitting = Vec::new();
    let own = module.collect(None, None, false);
    let all = own.len();
    for own in own {
        let Some(theirs) = file.get(&own.name).filter(|theirs| widens(&theirs.shape, &own.shape)) else { continue };
        let data = widened(&values(theirs)?, values(&own)?);
        let shape = own.shape.clone();
        fitting.push(Tensor::new(own.name, DType::F32, shape, own.param_id, data.into_bytes()));
    }
    // A head or two may be new; where most is, it is another network.
    let fits = fitting.len();
    if 2 * fits < all {
        return Err(mismatch(format!(
            "{fits} of {all} tensors have the same name and a shape that fits; has it another width?"
        )));
    }
    module.apply(fitting, None, None, false);
    Ok(())
}

/// Whether a layer of one shape can take over one of another: the same, or a convolution `[out, in, ..]`, norm or bias
/// `[out]` with as many channels or more.
fn widens(from: &[usize], to: &[usize]) -> bool {
    let channels = from.len().min(2);
    let can_grow = from.len() == 1 || from.len() > 2;
    let grows = || from.iter().zip(to).all(|(from, to)| from <= to) && from[channels..] == to[channels..];
    from == to || (can_grow && from.len() == to.len() && grows())
}

/// The values of a layer with those of a narrower one in its first channels.
fn widened(from: &TensorData, mut to: TensorData) -> TensorData {
    let inputs = |shape: &[usize]| shape.get(1).copied().unwrap_or(1);
    let (inputs, all_inputs) = (inputs(from.shape()), inputs(to.shape()));
    let kernel = from.shape().iter().skip(2).product::<usize>();
    let (Ok(old), Ok(new)) = (from.as_slice::<f32>(), to.as_mut_slice::<f32>()) else { return to };
    for (old, new) in old.chunks(inputs * kernel).zip(new.chunks_mut(all_inputs * kernel)) {
        new.fill(0.0);
        new[..old.len()].copy_from_slice(old);
    }
    to
}

/// Loads parameters from a file.
///
/// # Errors
/// [`WeightsError::Read`] or [`WeightsError::Mismatch`].
pub fn load<M: Module>(module: &mut M, path: &Path) -> Result<(), WeightsError> {
    let bytes = std::fs::read(path).map_err(|source| WeightsError::Read { source, path: path.to_owned() })?;
    from_bytes(module, bytes, &path.display().to_string())
}

/// How exactly parameters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Precision {
    /// As they are: for resuming a training.
    Full,
    /// Convolutions and linear layers in 16 bits, batch norm in 32: for shipping.
    Half,
}

/// Writes parameters to a file, first beside it, then in its place, so that a failure leaves the former file.
///
/// # Errors
/// [`WeightsError::Write`].
pub fn save<M: Module>(module: &M, path: &Path, precision: Precision) -> Result<(), WeightsError> {
    let failed = |reason: String| WeightsError::Write { reason, path: path.to_owned() };
    let beside = path.with_extension("bpk.part");
    let mut store = BurnpackStore::from_file(&beside).auto_extension(false).overwrite(true);
    if precision == Precision::Half {
        store = store.with_to_adapter(HalfPrecisionAdapter::new());
    }
    store.collect_from(module).map_err(|e| failed(e.to_string()))?;
    std::fs::rename(&beside, path).map_err(|e| failed(e.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::job::Progress;
    use crate::nets::{CaeConfig, UNetConfig};
    use burn::tensor::{Device, Distribution, Tensor};

    #[test]
    fn a_wider_network_begins_as_the_narrower_one() {
        let device = Device::flex();
        let narrow = UNetConfig::new(3, vec![4, 6]).with_inputs(2).with_answers(2).init(&device);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.bpk");
        save(&narrow, &path, Precision::Full).unwrap();
        let mut wide = UNetConfig::new(3, vec![7, 6]).with_inputs(2).with_answers(2).init(&device);
        begin_with(&mut wide, std::fs::read(&path).unwrap(), "net").unwrap();
        let x = Tensor::<5>::random([1, 2, 8, 8, 8], Distribution::Normal(0.0, 1.0), &device);
        let [ours, theirs] = [&wide, &narrow].map(|net| net.forward(x.clone(), &Progress::default()).unwrap());
        assert!((ours.maps - theirs.maps).abs().max().into_scalar::<f32>() < 1e-4);
        assert!((ours.answers.unwrap() - theirs.answers.unwrap()).abs().max().into_scalar::<f32>() < 1e-4);
        let mut narrower = UNetConfig::new(2, vec![3]).init(&device);
        assert!(begin_with(&mut narrower, std::fs::read(&path).unwrap(), "net").is_err());
    }

    #[test]
    fn half_precision_weights_give_nearly_the_same_output_and_others_are_refused() {
        let device = Device::flex();
        let config = CaeConfig::new().with_size(16).with_latent(8);
        let net = config.init(&device);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("net.bpk");
        save(&net, &path, Precision::Half).unwrap();
        let mut other = config.init(&device);
        load(&mut other, &path).unwrap();
        let x = Tensor::<5>::ones([1, 1, 16, 16, 16], &device);
        let worst = |other: &crate::nets::Cae| {
            (net.forward(x.clone()) - other.forward(x.clone())).abs().max().into_scalar::<f32>()
        };
        assert!(worst(&other) < 1e-2, "{}", worst(&other));
        save(&net, &path, Precision::Full).unwrap();
        load(&mut other, &path).unwrap();
        assert_eq!(worst(&other), 0.0);

        let mut larger = config.clone().with_latent(9).init(&device);
        begin_with(&mut larger, std::fs::read(&path).unwrap(), "net").unwrap();
        assert!(begin_with(&mut larger, b"not weights".to_vec(), "nothing").is_err());
        let error = load(&mut larger, &path).unwrap_err().to_string();
        assert!(error.contains("not the weights of this network"), "{error}");
        assert!(matches!(load(&mut other, &folder.path().join("none")), Err(WeightsError::Read { .. })));
        std::fs::write(&path, b"not weights").unwrap();
        assert!(matches!(load(&mut other, &path), Err(WeightsError::Mismatch { .. })));
    }
}
