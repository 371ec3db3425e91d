//! Where the sinuses of a scan are, how much of each it shows, and what of their cavities is air.

use super::cavity::Cavity;
use super::config::{Card, Part};
use super::crop::Crop;
use super::head::{self, Search};
use super::locate::Maps;
use super::seen::{Seen, tensor};
use super::segment;
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

/// How much of a sinus the scan shows.
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
    /// Weights made by `antrum train finder`, with their card beside them.
    pub fn load(path: &Path, device: &Device) -> Result<Self, ModelError> {
        let read =
            |path: &Path| std::fs::read(path).map_err(|source| WeightsError::Read { source, path: path.to_owned() });
        Self::from_parts(&read(&path.with_extension("json"))?, read(path)?, path, device)
    }

    fn from_parts(card: &[u8], bytes: Vec<u8>, path: &Path, device: &Device) -> Result<Self, ModelError> {
        let card: Card = serde_json::from_slice(card)
            .map_err(|e| ModelError::Card { reason: e.to_string(), path: path.with_extension("json") })?;
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
struct Place {
    centre_mm: DVec3,
    confidence: f64,
}

/// How well two places agree, 0 to 1.
fn agreement(mm: f64) -> f64 {
    (-0.5 * (mm / 10.0).powi(2)).exp()
}

/// Less cavity than this, in mL, is none.
const LEAST_ML: f64 = 0.4;
/// When the cavity lies this far from where it was looked for, it is looked at again in the middle of the crop.
const FAR_MM: f64 = 5.0;
/// A sinus that is in view with less probability is not.
const LEAST_IN_VIEW: f64 = 0.5;
/// A place is kept without a cavity when it is at least this sure.
const SURE_IN_VIEW: f64 = 0.5;
/// No head is this large.
const LARGEST_MM: f64 = 1500.0;
/// As much of a cavity, in mm², lies at the edge of the scan before it is called partial.
const CUT_MM2: usize = 12;

impl Finder {
    /// With the default weights, which are part of the program.
    ///
    /// # Errors
    /// [`ModelError`] when the program was built with damaged assets.
    pub fn built_in(device: &Device) -> Result<Self, ModelError> {
        let part = |card: &[u8], bytes: &[u8], name: &str| {
            Network::from_parts(card, bytes.to_vec(), &PathBuf::from(format!("built-in {name}.bpk")), device)
        };
        Ok(Self {
            locator: part(
                include_bytes!("../../../assets/locator.json"),
                include_bytes!("../../../assets/locator.bpk"),
                Part::Locator.name(),
            )?,
            segmenter: part(
                include_bytes!("../../../assets/segmenter.json"),
                include_bytes!("../../../assets/segmenter.bpk"),
                Part::Segmenter.name(),
            )?,
        })
    }

    /// Weights made by `antrum train finder`: `locator.bpk` and `segmenter.bpk` in one folder, their cards beside them.
    ///
    /// # Errors
    /// [`ModelError`] when a file is missing, damaged or of another network.
    pub fn load(folder: &Path, device: &Device) -> Result<Self, ModelError> {
        let part = |part: Part| Network::load(&folder.join(part.name()).with_extension("bpk"), device);
        Ok(Self { locator: part(Part::Locator)?, segmenter: part(Part::Segmenter)? })
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
        let bounds = volume.grid.bounds_mm();
        if (bounds.max - bounds.min).max_element() > LARGEST_MM {
            return Ok(nowhere);
        }
        let places = match head::search(volume, &progress.part(0.0, 0.6))? {
            Search::Nothing => return Ok(nowhere),
            Search::Found(places) => places.map(|(centre_mm, confidence)| Some(Place { centre_mm, confidence })),
            Search::NoAir => self.places(volume, &progress.part(0.3, 0.6))?,
        };
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
        Ok(sinuses)
    }

    /// Where the locator says that the sinuses are, the mirrored scan being asked too.
    fn places(&self, volume: &Volume, progress: &Progress) -> Result<[Option<Place>; 2], ModelError> {
        let Some(seen) = Seen::whole(volume, self.locator.card.network.multiple()) else { return Ok([None; 2]) };
        let straight = self.locate(&seen)?;
        progress.check()?;
        let mirrored = self.locate(&seen.mirrored())?.mirrored();
        let maps = straight.averaged(&mirrored);
        Ok([Side::Left, Side::Right].map(|side| {
            let place = maps.place(side);
            let apart_mm = straight.place(side).centre_mm.distance(mirrored.place(side).centre_mm);
            let confidence = place.in_view * agreement(apart_mm);
            (place.in_view >= LEAST_IN_VIEW).then_some(Place { centre_mm: place.centre_mm, confidence })
        }))
    }

    /// From where a sinus seems to be to the centroid of its cavity.
    fn settle(
        &self,
        volume: &Volume,
        side: Side,
        place: Place,
        progress: &Progress,
    ) -> Result<Option<Sinus>, ModelError> {
        let (mut cavity, mut seen) = self.segment(volume, side, place.centre_mm)?;
        if let Some(centre_mm) = segment::centre_mm(&cavity)
            && centre_mm.distance(place.centre_mm) > FAR_MM
        {
            progress.check()?;
            (cavity, seen) = self.segment(volume, side, centre_mm)?;
        }
        let centre_mm = segment::centre_mm(&cavity).filter(|_| cavity.volume_ml >= LEAST_ML);
        Ok(match centre_mm {
            Some(centre_mm) => {
                let present = if segment::cut_mm2(&cavity, &seen.inside) > CUT_MM2 {
                    Presence::Partial
                } else {
                    Presence::Complete
                };
                let confidence = place.confidence * agreement(centre_mm.distance(place.centre_mm));
                Some(Sinus { side, present, centre_mm, box_mm: Crop::box_mm(centre_mm), confidence })
            }
            None if place.confidence >= SURE_IN_VIEW => {
                let confidence = 0.2 * place.confidence;
                Some(Sinus { confidence, ..Sinus::placed(side, place.centre_mm, &volume.grid) })
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
        Ok(self.segment(volume, side, centre_mm)?.0)
    }

    fn locate(&self, seen: &Seen) -> Result<Maps, ModelError> {
        let out = self.locator.net.forward(tensor([seen], &self.locator.device));
        let answers = out.answers.map_or(Ok(Vec::new()), values)?;
        Ok(Maps::new(seen, &values(out.maps)?, &answers))
    }

    fn segment(&self, volume: &Volume, side: Side, centre_mm: DVec3) -> Result<(Cavity, Seen), ModelError> {
        let seen = Seen::crop(volume, side, centre_mm);
        let out = self.segmenter.net.forward(tensor([&seen], &self.segmenter.device));
        let shares = values(softmax(out.maps, 1))?;
        let cavity = segment::cavity(side, seen.grid, &shares);
        Ok((cavity, seen))
    }
}

fn values<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f32>, ModelError> {
    tensor.into_data().try_into_vec::<f32>().map_err(|e| ModelError::Device(format!("{e:?}")))
}

/// Where no sinus is found, the boxes lie this far apart, so that each can be dragged to its place.
const APART_MM: f64 = 50.0;

fn absent(side: Side, centre_mm: DVec3) -> Sinus {
    Sinus { side, present: Presence::Absent, centre_mm, box_mm: Crop::box_mm(centre_mm), confidence: 0.0 }
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
