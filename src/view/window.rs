//! Grey-scale windows: real values to greys, by the functions that DICOM defines.

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::Arc;

/// How a real value becomes a grey (PS3.3 C.11.2): a function of its place in the window, possibly turned over.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Window {
    /// The middle of the window.
    pub centre: f64,
    /// The width; at least 1 in LINEAR, more than 0 otherwise.
    pub width: f64,
    /// Which function.
    pub function: VoiFunction,
    /// Low values bright and high ones dark, as MONOCHROME1 asks (PS3.3 C.7.6.3.1.2).
    #[serde(default)]
    pub inverted: bool,
}

/// The function from the place in a window to a grey.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum VoiFunction {
    /// LINEAR (C.11.2.1.2.1), for whole numbers such as those of CT.
    Linear,
    /// `LINEAR_EXACT` (C.11.2.1.3.2), for real values.
    LinearExact,
    /// SIGMOID (C.11.2.1.3.1).
    Sigmoid,
    /// A VOI LUT (C.11.2.1.1): the first entry belongs to the lower edge of the window, the last to the upper one.
    Table(VoiTable),
}

impl VoiFunction {
    /// The name in the standard.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Linear => "LINEAR",
            Self::LinearExact => "LINEAR_EXACT",
            Self::Sigmoid => "SIGMOID",
            Self::Table(_) => "LUT",
        }
    }
}

/// The greys of a VOI LUT, 0 black to 1 white; never empty.
#[derive(Clone, Debug, PartialEq)]
pub struct VoiTable(Arc<[f32]>);

impl VoiTable {
    /// A table of greys from 0 to 1, or none without entries.
    #[must_use]
    pub fn new(greys: Vec<f32>) -> Option<Self> {
        (!greys.is_empty()).then(|| Self(greys.into()))
    }

    /// The greys.
    #[must_use]
    pub fn greys(&self) -> &[f32] {
        &self.0
    }

    /// The grey at a place of the window, 0 its lower edge and 1 its upper one. Entries are not interpolated.
    #[must_use]
    pub fn at(&self, position: f64) -> f64 {
        let last = self.0.len() - 1;
        let entry = (position.clamp(0.0, 1.0) * last as f64 + 0.5).floor() as usize;
        f64::from(self.0[entry.min(last)])
    }
}

impl Serialize for VoiTable {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for VoiTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Vec::deserialize(deserializer)?).ok_or_else(|| serde::de::Error::custom("a table without entries"))
    }
}

impl Window {
    /// A LINEAR window.
    #[must_use]
    pub fn linear(centre: f64, width: f64) -> Self {
        Self { centre, width: width.max(1.0 + 1e-6), function: VoiFunction::Linear, inverted: false }
    }

    /// The `LINEAR_EXACT` window that takes `low` to black and `high` to white.
    #[must_use]
    pub fn between(low: f64, high: f64) -> Self {
        let width = (high - low).max(1e-9 * high.abs().max(1e-3));
        Self { centre: f64::midpoint(low, high), width, function: VoiFunction::LinearExact, inverted: false }
    }

    /// The same function with another centre and width, within what the function allows.
    #[must_use]
    pub fn moved(&self, centre: f64, width: f64) -> Self {
        let least = if self.function == VoiFunction::Linear { 2.0 } else { 1e-6 };
        Self { centre, width: width.max(least), ..self.clone() }
    }

    /// Factor and offset of the place in the window, `position = factor * real + offset`: 0 at its lower edge and 1 at
    /// its upper one. An inverted window is turned over, but for one with a table, whose greys are turned over instead.
    /// The shader uses the same two numbers.
    #[must_use]
    pub fn factor_and_offset(&self) -> (f64, f64) {
        let (c, w) = match self.function {
            VoiFunction::Linear => (self.centre - 0.5, (self.width - 1.0).max(1e-6)),
            _ => (self.centre, self.width),
        };
        let turned = self.inverted && !matches!(self.function, VoiFunction::Table(_));
        if turned { (-1.0 / w, 0.5 + c / w) } else { (1.0 / w, 0.5 - c / w) }
    }

    /// The grey of a real value, 0 black to 1 white.
    #[must_use]
    pub fn apply(&self, real: f64) -> f64 {
        let (factor, offset) = self.factor_and_offset();
        let position = factor * real + offset;
        match &self.function {
            VoiFunction::Linear | VoiFunction::LinearExact => position.clamp(0.0, 1.0),
            VoiFunction::Sigmoid => 1.0 / (1.0 + (-4.0 * (position - 0.5)).exp()),
            VoiFunction::Table(table) if self.inverted => 1.0 - table.at(position),
            VoiFunction::Table(table) => table.at(position),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn windows_follow_the_formulas_of_the_standard() {
        // PS3.3 C.11.2.1.2.1 with c = 2048, w = 4096: y = (x - 2047.5) / 4095 + 0.5.
        let linear = Window::linear(2048.0, 4096.0);
        assert!((linear.apply(1000.0) - ((1000.0 - 2047.5) / 4095.0 + 0.5)).abs() < 1e-12);
        assert!(linear.apply(-5.0) == 0.0 && linear.apply(5000.0) == 1.0);
        let exact = Window::between(0.0, 2.0);
        assert!((exact.apply(1.5) - 0.75).abs() < 1e-12);
        let inverted = Window { inverted: true, ..exact.clone() };
        assert_eq!([-1.0, 0.0, 0.5, 2.0, 9.0].map(|v| inverted.apply(v)), [1.0, 1.0, 0.75, 0.0, 0.0]);
        // C.11.2.1.3.1: y = 1 / (1 + exp(-4 (x - c) / w)).
        let sigmoid = Window { function: VoiFunction::Sigmoid, ..exact };
        assert_eq!(sigmoid.apply(1.0), 0.5);
        assert!((sigmoid.apply(1.5) - 1.0 / (1.0 + (-1.0_f64).exp())).abs() < 1e-12);
        let turned = Window { inverted: true, ..sigmoid.clone() };
        assert!((turned.apply(1.5) + sigmoid.apply(1.5) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_table_gives_its_entries_in_their_order_and_its_ends_beyond() {
        let table = VoiTable::new(vec![0.0, 0.5, 0.25, 1.0]).unwrap();
        // Entries for the values 10, 11, 12 and 13.
        let window = Window { function: VoiFunction::Table(table), ..Window::between(10.0, 13.0) };
        assert_eq!([9.0, 10.0, 11.0, 12.0, 13.0, 20.0].map(|v| window.apply(v)), [0.0, 0.0, 0.5, 0.25, 1.0, 1.0]);
        let turned = Window { inverted: true, ..window };
        assert_eq!([10.0, 12.0].map(|v| turned.apply(v)), [1.0, 0.75]);
        assert!(VoiTable::new(Vec::new()).is_none());
    }
}
