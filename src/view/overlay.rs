//! How a map lies over the picture: colours, limits, threshold, opacity.

use serde::{Deserialize, Serialize};

/// A perceptual colour map.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[allow(missing_docs, reason = "the maps are known by their names")]
pub enum ColourMap {
    Inferno,
    Magma,
    Viridis,
    Cividis,
    /// Blue over white to red, for signed values: 0 is its middle.
    Diverging,
    Grey,
}

impl ColourMap {
    /// All of them, the default first.
    pub const ALL: [Self; 6] = [Self::Inferno, Self::Magma, Self::Viridis, Self::Cividis, Self::Diverging, Self::Grey];

    /// The name on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Inferno => "inferno",
            Self::Magma => "magma",
            Self::Viridis => "viridis",
            Self::Cividis => "cividis",
            Self::Diverging => "diverging",
            Self::Grey => "grey",
        }
    }

    /// 256 colours as sRGB bytes. Sequential maps start at a fifth of their range, so that the lowest visible value is
    /// not black.
    #[must_use]
    pub fn table(self) -> [[u8; 3]; 256] {
        let (gradient, start) = match self {
            Self::Inferno => (colorous::INFERNO, 0.2),
            Self::Magma => (colorous::MAGMA, 0.2),
            Self::Viridis => (colorous::VIRIDIS, 0.2),
            Self::Cividis => (colorous::CIVIDIS, 0.2),
            Self::Diverging => (colorous::RED_BLUE, 0.0),
            Self::Grey => return std::array::from_fn(|i| [i as u8; 3]),
        };
        std::array::from_fn(|i| {
            let position = start + (1.0 - start) * i as f64 / 255.0;
            // Red stands for much, as in the other maps the warm end does.
            let colour = gradient.eval_continuous(if self == Self::Diverging { 1.0 - position } else { position });
            [colour.r, colour.g, colour.b]
        })
    }
}

/// How a map is coloured. Values are in the map's unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Overlay {
    /// Colours from `low` to `high`; of a diverging map from `-high` to `high`.
    pub colours: ColourMap,
    /// 0 invisible to 1 opaque.
    pub opacity: f32,
    /// Whether the opacity grows from 0 at `low` to its full value at `high`, or is the same for all that is visible.
    pub by_value: bool,
    /// Values below are not shown; of a diverging map, values nearer to 0.
    pub threshold: f32,
    /// The value that gets the first colour.
    pub low: f32,
    /// The value that gets the last colour.
    pub high: f32,
    /// Whether the first and the last colour change places, as greys do in an inverted window.
    #[serde(default)]
    pub inverted: bool,
    /// Whether only the outline of what is visible is drawn, and nothing is coloured. In 3-D there are no outlines.
    #[serde(default)]
    pub outline: bool,
}

impl Default for Overlay {
    fn default() -> Self {
        Self {
            colours: ColourMap::Inferno,
            opacity: 0.6,
            by_value: false,
            threshold: 0.25,
            low: 0.25,
            high: 0.8,
            inverted: false,
            outline: false,
        }
    }
}

impl Overlay {
    /// The place of a value on the colour map (0 to 1), or none where it is not visible: below the threshold, not a
    /// number, or nothing at all (0, but for grey pictures).
    #[must_use]
    pub fn position(&self, value: f32) -> Option<f32> {
        let [low, high] = self.range();
        let place = ((value - low) / (high - low).max(1e-6)).clamp(0.0, 1.0);
        let visible = match self.colours {
            ColourMap::Diverging => value.abs() >= self.threshold && value != 0.0,
            ColourMap::Grey => value >= self.threshold,
            _ => value >= self.threshold && value > 0.0,
        };
        visible.then_some(if self.inverted { 1.0 - place } else { place })
    }

    /// The values of the first and the last colour.
    #[must_use]
    pub fn range(&self) -> [f32; 2] {
        if self.colours == ColourMap::Diverging { [-self.high, self.high] } else { [self.low, self.high] }
    }

    /// The colour of outlines: the one at three quarters of the map, which stands out from most pictures.
    #[must_use]
    pub fn outline_colour(&self) -> [u8; 3] {
        self.colours.table()[191]
    }

    /// The opacity at a place of the colour map.
    #[must_use]
    pub fn opacity_at(&self, position: f32) -> f32 {
        let share = match (self.by_value, self.colours) {
            (false, _) => 1.0,
            (true, ColourMap::Diverging) => (2.0 * position - 1.0).abs(),
            (true, _) => position,
        };
        (self.opacity * share).clamp(0.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_below_the_threshold_have_no_colour_and_limits_are_the_ends_of_the_map() {
        let overlay = Overlay { threshold: 0.3, low: 0.2, high: 0.6, ..Overlay::default() };
        assert_eq!(overlay.position(0.29), None);
        assert_eq!(overlay.position(f32::NAN), None);
        assert!((overlay.position(0.4).unwrap_or(9.0) - 0.5).abs() < 1e-6);
        assert_eq!(overlay.position(7.0), Some(1.0));
        let turned = Overlay { inverted: true, ..overlay };
        assert_eq!([0.3, 0.6].map(|value| turned.position(value).map(f32::round)), [Some(1.0), Some(0.0)]);
        assert_eq!(turned.position(0.29), None, "the threshold is not turned over");
        let signed = Overlay { colours: ColourMap::Diverging, ..overlay };
        assert_eq!(signed.position(-0.6), Some(0.0));
        assert_eq!(signed.position(0.1), None);
        assert_eq!(
            [0.0, 0.5, 1.0].map(|p| Overlay { by_value: true, opacity: 0.5, ..signed }.opacity_at(p)),
            [0.5, 0.0, 0.5]
        );
    }

    #[test]
    fn the_warm_end_of_every_map_stands_for_much() {
        for map in [ColourMap::Inferno, ColourMap::Diverging] {
            let [r, _, b] = map.table()[230];
            assert!(r > b, "{}", map.name());
        }
        assert_eq!(ColourMap::Grey.table()[7], [7; 3]);
    }
}
