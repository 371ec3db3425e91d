//! Where the sinuses of a scan are, and how much of each it shows.

use super::cavity::Cavity;
use super::config::FinderConfig;
use super::crop::Crop;
use super::head::Head;
use crate::job::{Cancelled, Progress};
use crate::methods::ModelError;
use crate::nets::Device;
use crate::space::{BoxMm, Grid, Side};
use crate::volume::Volume;
use glam::DVec3;
use serde::{Deserialize, Serialize};

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
    /// 0 to 1: how much the place looks like a sinus; 1 when placed by hand.
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

/// What finds sinuses and measures them.
#[derive(Clone, Debug)]
pub struct Finder {}

impl Finder {
    /// With the default weights, which are part of the program.
    ///
    /// # Errors
    /// [`ModelError`] when the program was built with damaged assets.
    pub fn built_in(_device: &Device) -> Result<Self, ModelError> {
        Ok(Self {})
    }

    /// Finds both sinuses; always one entry per side, left first ([`Side::index`]).
    ///
    /// # Errors
    /// [`ModelError`]; a scan without sinuses is none: it gives two entries that are [`Presence::Absent`].
    pub fn find(&self, volume: &Volume, progress: &Progress) -> Result<[Sinus; 2], ModelError> {
        Ok(find(volume, &FinderConfig::default(), progress)?)
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
        let crop = Crop::cut(volume, side, centre_mm);
        let labels = crop.values.iter().map(|&v| u8::from(v < 0.2)).collect();
        Ok(Cavity::new(side, crop.grid, labels))
    }
}

/// Finds both sinuses; always one entry per side, left first ([`Side::index`]).
///
/// # Errors
/// [`Cancelled`] only: a scan without sinuses gives two entries that are [`Presence::Absent`].
fn find(volume: &Volume, config: &FinderConfig, progress: &Progress) -> Result<[Sinus; 2], Cancelled> {
    progress.step(0.0, "looking for the sinuses")?;
    let bounds = volume.grid.bounds_mm();
    // Where no sinus is found, the boxes lie apart, so that each can be dragged to its place.
    let nowhere = [Side::Left, Side::Right]
        .map(|side| absent(side, bounds.centre() + DVec3::X * side.sign() * config.apart_mm[0] / 2.0));
    if (bounds.max - bounds.min).max_element() > LARGEST_MM {
        return Ok(nowhere);
    }
    let head = Head::new(volume, config.spacing_mm);
    progress.step(0.3, "looking for the sinuses")?;
    let fits = head.fits(config, progress)?;
    progress.step(0.6, "looking for the sinuses")?;
    let pair = head.best_pair(&fits, config, progress)?.filter(|pair| pair.score >= config.least_score);
    progress.step(0.8, "centring")?;
    let Some(pair) = pair else {
        // No air to go by, on neither side: both sinuses are opacified, or the face is not in view.
        let guess = |side: Side, centre_mm: DVec3| Sinus {
            confidence: config.guess_confidence,
            ..Sinus::placed(side, centre_mm, &volume.grid)
        };
        return Ok(match head.proportions(config) {
            Some([left, right]) => [guess(Side::Left, left), guess(Side::Right, right)],
            None => nowhere,
        });
    };
    let fine = Head::new(volume, config.spacing_mm / 2.0);
    progress.step(0.9, "centring")?;
    let clear = |side: Side| pair.fits[side.index()] > config.clear_fit;
    let settled = |side: Side| fine.settle(pair.centres_mm[side.index()], config);
    Ok([Side::Left, Side::Right].map(|side| {
        let fit = pair.fits[side.index()];
        let partner = side.other();
        let centre_mm = match (clear(side), clear(partner)) {
            (true, _) => settled(side),
            // A weak fit beside a clear one is another cavity: the opacified sinus lies opposite its partner.
            (false, true) => settled(partner) + DVec3::X * side.sign() * config.apart_mm[0],
            (false, false) => pair.centres_mm[side.index()],
        };
        let confidence = f64::midpoint(pair.score, fit).clamp(0.0, 1.0);
        Sinus { confidence, ..Sinus::placed(side, centre_mm, &volume.grid) }
    }))
}

/// No head is this large; a grid of 3 mm over more would not fit into memory.
const LARGEST_MM: f64 = 1500.0;

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
