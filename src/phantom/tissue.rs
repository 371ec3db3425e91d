//! The tissues a synthetic head is made of: the labels of its label map.

/// The labels of [`Head::tissues`](super::Head::tissues).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(missing_docs, reason = "most variants are named after their tissue")]
pub enum Tissue {
    /// Outside the head, and within the airway and all sinuses but the maxillary.
    Air,
    Skin,
    Fat,
    Muscle,
    /// Dense bone.
    Bone,
    Marrow,
    Tooth,
    Cartilage,
    Grey,
    White,
    Csf,
    Sclera,
    Vitreous,
    Lens,
    /// Lining of the nose, the throat and all sinuses but the maxillary.
    NasalMucosa,
    /// Salivary and lacrimal glands.
    Gland,
    /// Blood in large vessels.
    Vessel,
    /// Fillings and crowns.
    Metal,
    /// A focus of disease in the brain.
    BrainLesion,
    /// Secretion and cysts outside the maxillary sinuses.
    OtherFluid,
    /// Air in a maxillary sinus.
    SinusAir,
    /// Normal lining of a maxillary sinus.
    SinusMucosa,
    /// Swollen lining of a maxillary sinus.
    ThickMucosa,
    Cyst,
    Polyp,
    /// Free fluid in a maxillary sinus.
    Fluid,
    /// What fills a maxillary sinus without air.
    Secretion,
}

impl Tissue {
    /// All tissues, in the order of their labels.
    pub const ALL: [Self; 27] = [
        Self::Air,
        Self::Skin,
        Self::Fat,
        Self::Muscle,
        Self::Bone,
        Self::Marrow,
        Self::Tooth,
        Self::Cartilage,
        Self::Grey,
        Self::White,
        Self::Csf,
        Self::Sclera,
        Self::Vitreous,
        Self::Lens,
        Self::NasalMucosa,
        Self::Gland,
        Self::Vessel,
        Self::Metal,
        Self::BrainLesion,
        Self::OtherFluid,
        Self::SinusAir,
        Self::SinusMucosa,
        Self::ThickMucosa,
        Self::Cyst,
        Self::Polyp,
        Self::Fluid,
        Self::Secretion,
    ];

    /// The tissue of a label, or none if no tissue has it.
    #[must_use]
    pub fn from_label(label: u8) -> Option<Self> {
        Self::ALL.get(usize::from(label)).copied()
    }

    /// The name in tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Air => "air",
            Self::Skin => "skin",
            Self::Fat => "fat",
            Self::Muscle => "muscle",
            Self::Bone => "dense bone",
            Self::Marrow => "marrow",
            Self::Tooth => "tooth",
            Self::Cartilage => "cartilage",
            Self::Grey => "grey matter",
            Self::White => "white matter",
            Self::Csf => "cerebrospinal fluid",
            Self::Sclera => "sclera",
            Self::Vitreous => "vitreous body",
            Self::Lens => "lens",
            Self::NasalMucosa => "nasal mucosa",
            Self::Gland => "gland",
            Self::Vessel => "blood vessel",
            Self::Metal => "metal",
            Self::BrainLesion => "brain lesion",
            Self::OtherFluid => "fluid outside the maxillary sinuses",
            Self::SinusAir => "maxillary sinus air",
            Self::SinusMucosa => "maxillary sinus mucosa",
            Self::ThickMucosa => "thickened mucosa",
            Self::Cyst => "retention cyst",
            Self::Polyp => "polyp",
            Self::Fluid => "free fluid",
            Self::Secretion => "secretion",
        }
    }

    /// Whether it lies in the cavity of a maxillary sinus.
    #[must_use]
    pub fn in_sinus(self) -> bool {
        self as u8 >= Self::SinusAir as u8
    }

    /// Whether a cast of the skull has its material there: the sinuses of a cast are filled with it.
    pub(super) fn in_cast(self) -> bool {
        matches!(self, Self::Bone | Self::Marrow | Self::Tooth | Self::Metal) || self.in_sinus()
    }

    /// Whether it is a disease of a maxillary sinus.
    #[must_use]
    pub fn is_disease(self) -> bool {
        self as u8 >= Self::ThickMucosa as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_the_positions_of_their_tissues() {
        for (label, tissue) in Tissue::ALL.into_iter().enumerate() {
            assert_eq!(tissue as usize, label);
            assert_eq!(Tissue::from_label(label as u8), Some(tissue));
        }
        assert_eq!(Tissue::from_label(27), None);
        assert!(!Tissue::OtherFluid.in_sinus() && Tissue::SinusAir.in_sinus() && !Tissue::SinusMucosa.is_disease());
    }
}
