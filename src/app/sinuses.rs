//! How sinuses are told, in the same words in the window and on the command line.

use crate::methods::sinus::{Cavity, Presence, Sinus};
use crate::space::Side;
use serde::Serialize;

/// Why no sinus may have been found.
pub const NONE_IN_VIEW: &str =
    "No maxillary sinus is in view: the scan does not reach the face, the face was removed, or it is not a head";

/// Below this confidence a reader should look whether the box is in its place.
const SURE: f64 = 0.5;

/// Whether a reader should look whether the box is in its place.
#[must_use]
pub fn is_unsure(sinus: &Sinus) -> bool {
    sinus.present != Presence::Absent && sinus.confidence < SURE
}

/// The name of a side, doubted where the scan does not say how it lies in the patient.
#[must_use]
pub fn side_name(side: Side, orientation_known: bool) -> String {
    format!("{}{}", side.name(), if orientation_known { "" } else { "?" })
}

/// How much of a sinus the scan shows.
#[must_use]
pub fn presence(present: Presence) -> &'static str {
    match present {
        Presence::Complete => "complete",
        Presence::Partial => "partly in view",
        Presence::Absent => "not in view",
    }
}

/// The figures of a cavity, as they are exported; null where there is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct CavityFigures {
    /// Air and content together, in mL.
    pub cavity_ml: Option<f64>,
    /// How much of it is not air, a normal lining included.
    pub not_air_ml: Option<f64>,
    /// The same as a percentage of the cavity.
    pub opacification_percent: Option<f64>,
}

impl CavityFigures {
    /// Of a cavity, where there is one.
    #[must_use]
    pub fn of(cavity: Option<&Cavity>) -> Self {
        cavity.map_or_else(Self::default, |cavity| Self {
            cavity_ml: Some(cavity.volume_ml),
            not_air_ml: Some(cavity.not_air_ml),
            opacification_percent: cavity.opacification().map(|share| 100.0 * share),
        })
    }

    /// In one line: `cavity 18.2 mL, 12 % opacified (2.2 mL)`.
    #[must_use]
    pub fn words(&self, present: Presence) -> Option<String> {
        let part = if present == Presence::Partial { "part in view" } else { "cavity" };
        let opacified = self.opacification_percent.zip(self.not_air_ml);
        let opacified = opacified.map(|(percent, ml)| format!(", {percent:.0} % opacified ({ml:.1} mL)"));
        self.cavity_ml.map(|ml| format!("{part} {ml:.1} mL{}", opacified.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::{Grid, Side};
    use glam::DVec3;

    #[test]
    fn figures_of_a_sinus_that_is_cut_off_are_those_of_the_part_in_view() {
        let grid = Grid::centred([10, 10, 100], 1.0, DVec3::ZERO);
        let labels = (0..grid.count()).map(|i| 1 + u8::from(i < 1234)).collect();
        let measured = Cavity::new(Side::Left, grid, labels);
        let words = |cavity, present| CavityFigures::of(cavity).words(present);
        let complete = words(Some(&measured), Presence::Complete);
        assert_eq!(complete.as_deref(), Some("cavity 10.0 mL, 12 % opacified (1.2 mL)"));
        let partial = words(Some(&measured), Presence::Partial);
        assert_eq!(partial.as_deref(), Some("part in view 10.0 mL, 12 % opacified (1.2 mL)"));
        let empty = Cavity::new(Side::Left, grid, vec![0; grid.count()]);
        assert_eq!(words(Some(&empty), Presence::Complete).as_deref(), Some("cavity 0.0 mL"));
        assert_eq!(words(None, Presence::Absent), None);
    }

    #[test]
    fn low_confidence_asks_for_a_look_unless_there_is_nothing_to_look_at() {
        let placed = Sinus::placed(Side::Left, DVec3::ZERO, &Grid::centred([90; 3], 1.0, DVec3::ZERO));
        let with = |confidence, present| Sinus { present, confidence, ..placed };
        assert!(!is_unsure(&placed) && !is_unsure(&with(0.5, Presence::Complete)));
        assert!(is_unsure(&with(0.49, Presence::Partial)) && !is_unsure(&with(0.0, Presence::Absent)));
    }
}
