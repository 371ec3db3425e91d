//! Where the sinuses of a scan are, how much of each it shows, and what of their cavities is air.

use super::cavity::Cavity;
use super::config::{Card, Part};
use super::crop::Crop;
use super::locate::{LEAST_IN_VIEW, Maps};
use super::seen::{Seen, tensor};
use super::segment::{self, Segmented};
use crate::job::Progress;
use crate::methods::ModelError;
use crate::nets::weights::{self, WeightsError};
use crate::nets::{Device, UNet};
use crate::space::{BoxMm, Grid, Side};
use crate::volume::Volume;
use burn::tensor::Tensor;
use burn::tensor::activation::softmax;
use glam::DVec3;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// How much of a sinus the scan shows. The order is that of the locator's answers, and so of all weights of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Presence {
    /// All of it.
    Complete,
    /// Some of it is beyond the edge of the scan.
    Partial,
    /// It is not in the scan; there is nothing to score.
    Absent,
}

impl Presence {
    /// What a sinus is called of which this share is in view: less than a tenth is nothing to judge by, and what is
    /// cut off a complete one cannot be seen.
    #[must_use]
    pub fn of_share(visible: f64) -> Self {
        match visible {
            v if v >= 0.98 => Self::Complete,
            v if v >= 0.1 => Self::Partial,
            _ => Self::Absent,
        }
    }
}

/// One maxillary sinus in a scan.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sinus {
    /// Which one.
    pub side: Side,
    /// How much of it is in view.
    pub present: Presence,
    /// Its centre in RAS+ mm; the centre of the crop.
    pub centre_mm: DVec3,
    /// The 64 mm cube that is cut out.
    pub box_mm: BoxMm,
    /// 0 to 1: how well both networks and the mirrored scan agree; 1 when placed by hand.
    pub confidence: f64,
}

impl Sinus {
    /// A sinus placed by the user.
    #[must_use]
    pub fn placed(side: Side, centre_mm: DVec3, grid: &Grid) -> Self {
        let present = presence(grid, centre_mm);
        Self { side, present, centre_mm, box_mm: Crop::box_mm(centre_mm), confidence: 1.0 }
    }

    /// Whether the user placed it.
    #[must_use]
    pub fn by_hand(&self) -> bool {
        self.confidence >= 1.0
    }
}

/// The middle of the sinuses that are in view, in RAS+ mm; none when none is.
#[must_use]
pub fn middle(sinuses: &[Sinus; 2]) -> Option<DVec3> {
    let seen = || sinuses.iter().filter(|s| s.present != Presence::Absent);
    let count = seen().count();
    (count > 0).then(|| seen().map(|s| s.centre_mm).sum::<DVec3>() / count as f64)
}

/// A trained network with its card.
#[derive(Clone, Debug)]
pub(super) struct Network {
    pub net: UNet,
    pub device: Device,
    pub card: Card,
    pub sha256: String,
}

impl Network {
    /// Weights of one part made by `antrum train finder`, with their card beside them.
    fn load(part: Part, path: &Path, device: &Device) -> Result<Self, ModelError> {
        let read =
            |path: &Path| std::fs::read(path).map_err(|source| WeightsError::Read { source, path: path.to_owned() });
        Self::from_parts(part, &read(&path.with_extension("json"))?, read(path)?, path, device)
    }

    fn from_parts(part: Part, card: &[u8], bytes: Vec<u8>, path: &Path, device: &Device) -> Result<Self, ModelError> {
        let path_of_card = path.with_extension("json");
        let card: Card = serde_json::from_slice(card)
            .map_err(|e| ModelError::Card { reason: e.to_string(), path: path_of_card.clone() })?;
        if card.part != part || !card.network.can_replace(&part.network(), Crop::SIZE) {
            return Err(ModelError::Unfit { needed: format!("a {} of this version", part.name()), path: path_of_card });
        }
        let sha256 = crate::io::sha256(&bytes);
        let mut net = card.network.init(device);
        weights::from_bytes(&mut net, bytes, &path.display().to_string())?;
        Ok(Self { net, device: device.clone(), card, sha256 })
    }
}

/// What finds sinuses and measures them: a network that looks at the whole head, and one that looks at each sinus.
#[derive(Clone, Debug)]
pub struct Finder {
    locator: Network,
    segmenter: Network,
}

/// Where a sinus is looked for, and how sure that is, 0 to 1.
#[derive(Clone, Copy)]
struct Guess {
    centre_mm: DVec3,
    confidence: f64,
}

/// How well two places agree, 0 to 1.
fn agreement(mm: f64) -> f64 {
    (-0.5 * (mm / 10.0).powi(2)).exp()
}

/// When the cavity lies this far from where it was looked for, it is looked at again in the middle of the crop.
const FAR_MM: f64 = 5.0;
/// Where the scan and its mirror image lead to places that agree less, there is no sinus.
const LEAST_AGREEMENT: f64 = 0.01;
/// A place where no cavity is seen is kept when it is at least this sure.
const LEAST_CONFIDENCE: f64 = 0.5;
/// A cavity of which more, in mm², lies at the edge of the scan is not all in view.
const CUT_MM2: usize = 80;

impl Finder {
    /// With the default weights, which are part of the program.
    ///
    /// # Errors
    /// [`ModelError`] when the program was built with damaged assets.
    pub fn built_in(device: &Device) -> Result<Self, ModelError> {
        let network = |part: Part, card: &[u8], bytes: &[u8]| {
            let path = PathBuf::from(format!("built-in {}.bpk", part.name()));
            Network::from_parts(part, card, bytes.to_vec(), &path, device)
        };
        Ok(Self {
            locator: network(
                Part::Locator,
                include_bytes!("../../../assets/locator.json"),
                include_bytes!("../../../assets/locator.bpk"),
            )?,
            segmenter: network(
                Part::Segmenter,
                include_bytes!("../../../assets/segmenter.json"),
                include_bytes!("../../../assets/segmenter.bpk"),
            )?,
        })
    }

    /// Weights made by `antrum train finder`: `locator.bpk` and `segmenter.bpk` in one folder, their cards beside them.
    ///
    /// # Errors
    /// [`ModelError`] when a file is missing, damaged or of another network.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, ModelError> {
        let network = |part: Part| Network::load(part, &folder.join(part.name()).with_extension("bpk"), device);
        Ok(Self { locator: network(Part::Locator)?, segmenter: network(Part::Segmenter)? })
    }

    /// SHA-256 of the weights of locator and segmenter.
    #[must_use]
    pub fn sha256(&self) -> [&str; 2] {
        [&self.locator.sha256, &self.segmenter.sha256]
    }

    /// Finds both sinuses; always one entry per side, left first ([`Side::index`]).
    ///
    /// # Errors
    /// [`ModelError`]; a scan without sinuses is none: it gives two entries that are [`Presence::Absent`].
    pub fn find(&self, volume: &Volume, progress: &Progress) -> Result<[Sinus; 2], ModelError> {
        progress.step(0.0, "looking for the sinuses")?;
        let centre_mm = volume.grid.bounds_mm().centre();
        let nowhere =
            [Side::Left, Side::Right].map(|side| absent(side, centre_mm + DVec3::X * side.sign() * APART_MM / 2.0));
        let places = self.places(volume, &progress.part(0.0, 0.6))?;
        let mut sinuses = nowhere;
        for (i, place) in places.into_iter().enumerate() {
            progress.step(0.6 + 0.2 * i as f32, "centring")?;
            let side = sinuses[i].side;
            if let Some(place) = place
                && let Some(sinus) = self.settle(volume, side, place, progress)?
            {
                sinuses[i] = sinus;
            }
        }
        Ok(on_their_sides(sinuses, &nowhere))
    }

    /// Where the locator says that the sinuses are, the mirrored scan being asked too.
    fn places(&self, volume: &Volume, progress: &Progress) -> Result<[Option<Guess>; 2], ModelError> {
        let Some(seen) = Seen::whole(volume, self.locator.card.network.multiple()) else { return Ok([None; 2]) };
        let straight = self.locate(&seen, progress)?;
        let mirrored = self.locate(&seen.mirrored(), progress)?.mirrored();
        let places = straight.averaged(&mirrored).places();
        let (straight, mirrored) = (straight.places(), mirrored.places());
        Ok([Side::Left, Side::Right].map(|side| {
            let place = places[side.index()];
            let apart_mm = straight[side.index()].centre_mm.distance(mirrored[side.index()].centre_mm);
            let agreement = agreement(apart_mm);
            (place.in_view >= LEAST_IN_VIEW && agreement >= LEAST_AGREEMENT)
                .then_some(Guess { centre_mm: place.centre_mm, confidence: place.in_view * agreement })
        }))
    }

    /// From where a sinus seems to be to the centroid of its cavity.
    fn settle(
        &self,
        volume: &Volume,
        side: Side,
        place: Guess,
        progress: &Progress,
    ) -> Result<Option<Sinus>, ModelError> {
        let mut seen = self.segment(volume, side, place.centre_mm, progress)?;
        if let Some(centre_mm) = segment::centre_mm(&seen.cavity)
            && centre_mm.distance(place.centre_mm) > FAR_MM
        {
            seen = self.segment(volume, side, centre_mm, progress)?;
        }
        let centre_mm = segment::centre_mm(&seen.cavity).filter(|_| !seen.cavity.is_none());
        Ok(match centre_mm {
            Some(centre_mm) => {
                let present = match Presence::of_share(seen.visible) {
                    Presence::Complete if seen.cut_mm2 > CUT_MM2 => Presence::Partial,
                    present => present,
                };
                let confidence = place.confidence * agreement(centre_mm.distance(place.centre_mm));
                (present != Presence::Absent).then_some(Sinus {
                    side,
                    present,
                    centre_mm,
                    box_mm: Crop::box_mm(centre_mm),
                    confidence,
                })
            }
            None if place.confidence >= LEAST_CONFIDENCE => {
                let confidence = 0.2 * place.confidence;
                let placed = Sinus { confidence, ..Sinus::placed(side, place.centre_mm, &volume.grid) };
                Some(placed).filter(|sinus| sinus.present != Presence::Absent)
            }
            None => None,
        })
    }

    /// The cavity of the sinus whose crop is centred at `centre_mm`.
    ///
    /// # Errors
    /// [`ModelError`].
    pub fn cavity(
        &self,
        volume: &Volume,
        side: Side,
        centre_mm: DVec3,
        progress: &Progress,
    ) -> Result<Cavity, ModelError> {
        progress.step(0.0, "measuring the sinus")?;
        Ok(self.segment(volume, side, centre_mm, progress)?.cavity)
    }

    fn locate(&self, seen: &Seen, progress: &Progress) -> Result<Maps, ModelError> {
        let out = self.locator.net.forward(tensor([seen], &self.locator.device), progress)?;
        let answers = out.answers.map_or(Ok(Vec::new()), values)?;
        Ok(Maps::new(seen, &values(out.maps)?, &answers))
    }

    fn segment(
        &self,
        volume: &Volume,
        side: Side,
        centre_mm: DVec3,
        progress: &Progress,
    ) -> Result<Segmented, ModelError> {
        let seen = Seen::crop(volume, side, centre_mm);
        let out = self.segmenter.net.forward(tensor([&seen], &self.segmenter.device), progress)?;
        Ok(Segmented::new(side, &seen, &values(softmax(out.maps, 1))?))
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ModelError> {
    tensor.into_data().try_into_vec::<f32>().map_err(|e| ModelError::Device(format!("{e:?}")))
}

/// The centres of two sinuses lie at least so far apart from left to right, however the head is turned.
const LEAST_APART_MM: f64 = 15.0;
/// Where no sinus is found, the boxes lie this far apart, so that each can be dragged to its place.
const APART_MM: f64 = 50.0;

fn absent(side: Side, centre_mm: DVec3) -> Sinus {
    Sinus { side, present: Presence::Absent, centre_mm, box_mm: Crop::box_mm(centre_mm), confidence: 0.0 }
}

/// One sinus is not both: of two that are nearer to one another than any pair is, or that have changed sides, the less
/// sure one is nowhere.
fn on_their_sides(mut sinuses: [Sinus; 2], nowhere: &[Sinus; 2]) -> [Sinus; 2] {
    let [left, right] = [Side::Left, Side::Right].map(|side| sinuses[side.index()]);
    let both = [left, right].iter().all(|sinus| sinus.present != Presence::Absent);
    if both && right.centre_mm.x - left.centre_mm.x < LEAST_APART_MM {
        let doubtful = if left.confidence < right.confidence { Side::Left } else { Side::Right };
        sinuses[doubtful.index()] = nowhere[doubtful.index()];
    }
    sinuses
}

/// How much of the inner part of a sinus (30 × 34 × 36 mm) around a centre lies in the scan.
fn presence(grid: &Grid, centre_mm: DVec3) -> Presence {
    let half = DVec3::new(15.0, 17.0, 18.0);
    let mut inside = 0;
    for corner in 0..27_usize {
        let step = DVec3::new((corner % 3) as f64, (corner / 3 % 3) as f64, (corner / 9) as f64) - 1.0;
        inside += usize::from(grid.contains(centre_mm + half * step));
    }
    match inside {
        27 => Presence::Complete,
        0..=4 => Presence::Absent,
        _ => Presence::Partial,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn two_sinuses_in_one_place_or_on_each_others_side_are_one() {
        let grid = Grid::centred([100; 3], 2.0, DVec3::ZERO);
        let nowhere = [Side::Left, Side::Right].map(|side| absent(side, DVec3::ZERO));
        let pair = |left_x: f64, right_x: f64, sure: [f64; 2]| {
            let of = |side: Side, x: f64| {
                let confidence = sure[side.index()];
                Sinus { confidence, ..Sinus::placed(side, DVec3::X * x, &grid) }
            };
            let pair = [of(Side::Left, left_x), of(Side::Right, right_x)];
            on_their_sides(pair, &nowhere).map(|sinus| sinus.present != Presence::Absent)
        };
        assert_eq!(pair(-20.0, 25.0, [0.5, 0.9]), [true, true]);
        assert_eq!(pair(22.0, 25.0, [0.5, 0.9]), [false, true]);
        assert_eq!(pair(22.0, -25.0, [0.9, 0.5]), [true, false]);
    }

    #[test]
    fn the_weights_of_one_part_are_not_those_of_the_other() {
        let load = |part: Part| {
            let card = include_bytes!("../../../assets/locator.json");
            let bytes = include_bytes!("../../../assets/locator.bpk").to_vec();
            Network::from_parts(part, card, bytes, Path::new("locator.bpk"), &Device::flex())
        };
        assert!(load(Part::Locator).is_ok());
        let error = load(Part::Segmenter).unwrap_err().to_string();
        assert!(error.contains("not the weights of a segmenter") && error.ends_with("locator.json"), "{error}");
    }
}
