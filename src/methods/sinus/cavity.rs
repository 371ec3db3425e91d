//! The cavity of one sinus: what of it is air and what is not. The share without air is what a reader calls opacification.

use crate::space::{Grid, Side};
use crate::volume::{Rescale, Unit, Volume, Voxels};

/// The cavity of one sinus with all it contains.
#[derive(Clone, Debug, PartialEq)]
pub struct Cavity {
    /// Which sinus of the patient.
    pub side: Side,
    /// On the grid of the sinus' crop: 0 outside the cavity, [`Cavity::AIR`] or [`Cavity::CONTENT`] within.
    pub labels: Volume,
    /// Volume of the cavity in mL, air and content together.
    pub volume_ml: f64,
    /// How much of it is not air: swollen lining, cysts, polyps, fluid.
    pub not_air_ml: f64,
}

impl Cavity {
    /// The label of air.
    pub const AIR: u8 = 1;
    /// The label of what is not air.
    pub const CONTENT: u8 = 2;

    /// Measures a label map on the grid of a crop.
    #[must_use]
    pub fn new(side: Side, grid: Grid, labels: Vec<u8>) -> Self {
        let ml = grid.spacing_mm().element_product() / 1000.0;
        let volume = |least: u8| labels.iter().filter(|&&label| label >= least).count() as f64 * ml;
        let (volume_ml, not_air_ml) = (volume(Self::AIR), volume(Self::CONTENT));
        let labels = Volume { grid, voxels: Voxels::U8(labels), rescale: Rescale::NONE, unit: Unit::Label };
        Self { side, labels, volume_ml, not_air_ml }
    }

    /// The share of the cavity that is not air, 0 to 1; none of a cavity without volume.
    #[must_use]
    pub fn opacification(&self) -> Option<f64> {
        (self.volume_ml > 0.0).then(|| self.not_air_ml / self.volume_ml)
    }
}
