//! The kinds of scan, and how bright each tissue is in each of them.

use super::Tissue;
use std::str::FromStr;

/// How a head is imaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Contrast {
    /// Fluid-attenuated inversion recovery MR: free water dark, mucosa and secretions bright.
    Flair,
    /// T1-weighted MR: fat bright, water dark.
    T1,
    /// T2-weighted MR: water bright.
    T2,
    /// Proton-density-weighted MR: everything soft alike.
    Pd,
    /// Computed tomography in Hounsfield units.
    Ct,
    /// Brightness and grain of every tissue drawn anew, like MR or like pictures of CT, air kept darkest:
    /// for training that shall not depend on the contrast.
    Random,
}

/// The name is none of [`Contrast::ALL`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no contrast; use one of: flair, t1, t2, pd, ct, random")]
pub struct UnknownContrast(String);

impl Contrast {
    /// All contrasts.
    pub const ALL: [Self; 6] = [Self::Flair, Self::T1, Self::T2, Self::Pd, Self::Ct, Self::Random];

    /// The name on the command line: `flair`, `t1`, `t2`, `pd`, `ct`, `random`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Flair => "flair",
            Self::T1 => "t1",
            Self::T2 => "t2",
            Self::Pd => "pd",
            Self::Ct => "ct",
            Self::Random => "random",
        }
    }

    /// Mean of a tissue: HU in CT, else per cent of white matter or so (of a random contrast: as in T1).
    pub(super) fn mean(self, tissue: Tissue) -> f32 {
        //                                   FLAIR   T1     T2     PD     CT
        let row: [f32; 5] = match tissue {
            Tissue::Air | Tissue::SinusAir => [1.0, 2.0, 1.0, 1.0, -1000.0],
            Tissue::Skin => [42.0, 62.0, 38.0, 65.0, 45.0],
            Tissue::Fat => [66.0, 132.0, 112.0, 130.0, -95.0],
            Tissue::Muscle => [52.0, 72.0, 42.0, 82.0, 55.0],
            Tissue::Bone => [6.0, 11.0, 6.0, 8.0, 1050.0],
            Tissue::Marrow => [50.0, 112.0, 82.0, 100.0, 320.0],
            Tissue::Tooth => [4.0, 6.0, 4.0, 5.0, 1900.0],
            Tissue::Cartilage => [40.0, 50.0, 35.0, 55.0, 70.0],
            Tissue::Grey => [118.0, 72.0, 86.0, 96.0, 37.0],
            Tissue::White => [97.0, 100.0, 62.0, 84.0, 29.0],
            Tissue::Csf => [14.0, 24.0, 180.0, 92.0, 8.0],
            Tissue::Sclera => [38.0, 50.0, 22.0, 50.0, 60.0],
            Tissue::Vitreous => [8.0, 25.0, 168.0, 90.0, 8.0],
            Tissue::Lens => [35.0, 48.0, 25.0, 55.0, 80.0],
            Tissue::NasalMucosa | Tissue::SinusMucosa => [96.0, 72.0, 135.0, 105.0, 42.0],
            Tissue::Gland => [74.0, 84.0, 72.0, 86.0, 25.0],
            Tissue::Vessel => [16.0, 40.0, 12.0, 30.0, 45.0],
            Tissue::Metal => [2.0, 3.0, 2.0, 2.0, 3000.0],
            Tissue::BrainLesion => [150.0, 70.0, 130.0, 118.0, 24.0],
            Tissue::OtherFluid => [105.0, 60.0, 165.0, 110.0, 25.0],
            Tissue::ThickMucosa => [118.0, 64.0, 155.0, 112.0, 32.0],
            Tissue::Cyst => [128.0, 50.0, 185.0, 120.0, 14.0],
            Tissue::Polyp => [122.0, 58.0, 160.0, 112.0, 28.0],
            Tissue::Fluid => [96.0, 38.0, 185.0, 112.0, 12.0],
            Tissue::Secretion => [108.0, 66.0, 150.0, 108.0, 35.0],
        };
        row[match self {
            Self::Flair => 0,
            Self::T1 | Self::Random => 1,
            Self::T2 => 2,
            Self::Pd => 3,
            Self::Ct => 4,
        }]
    }
}

impl FromStr for Contrast {
    type Err = UnknownContrast;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|c| c.name() == name).ok_or_else(|| UnknownContrast(name.to_owned()))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for contrast in Contrast::ALL {
            assert_eq!(contrast.name().parse::<Contrast>().unwrap(), contrast);
        }
        assert!("T1".parse::<Contrast>().is_err());
    }

    #[test]
    fn contrasts_differ_as_in_textbooks() {
        assert!(Contrast::T1.mean(Tissue::Fat) > Contrast::T1.mean(Tissue::White));
        assert!(Contrast::T2.mean(Tissue::Csf) > Contrast::T2.mean(Tissue::Fat));
        assert!(Contrast::Flair.mean(Tissue::Csf) < 0.2 * Contrast::Flair.mean(Tissue::Cyst));
        assert!(Contrast::Ct.mean(Tissue::Fat) < -80.0 && Contrast::Ct.mean(Tissue::Bone) > 700.0);
    }
}
