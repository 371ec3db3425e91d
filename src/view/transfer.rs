//! How the 3-D pane turns values into a picture: transfer functions with their presets, maximum and surface.
//!
//! The ray-caster and picking are made from the same functions here, so that a click goes where the picture shows.

use serde::{Deserialize, Serialize};

/// What a ray shows of the values that it meets.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rendering {
    /// Colours and opacities of all of them, from front to back.
    Composite(Transfer),
    /// The largest, as a grey from `range[0]` (black) to `range[1]` (white).
    Mip {
        /// Real values.
        range: [f64; 2],
    },
    /// The first that is not below a level, lit; where the scan is cut open there, its greys as in `Mip`.
    Surface {
        /// The real value of the surface.
        level: f64,
        /// Real values.
        range: [f64; 2],
    },
}

impl Rendering {
    /// The real values that its colours or greys run between.
    #[must_use]
    pub fn range(&self) -> [f64; 2] {
        match *self {
            Self::Composite(Transfer { range, .. }) | Self::Mip { range } | Self::Surface { range, .. } => range,
        }
    }

    /// Which kind it is.
    #[must_use]
    pub fn mode(&self) -> Mode {
        match self {
            Self::Composite(_) => Mode::Composite,
            Self::Mip { .. } => Mode::Mip,
            Self::Surface { .. } => Mode::Surface,
        }
    }
}

/// The kinds of [`Rendering`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Mode {
    /// See [`Rendering::Composite`].
    #[default]
    Composite,
    /// See [`Rendering::Mip`].
    Mip,
    /// See [`Rendering::Surface`].
    Surface,
}

impl Mode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Composite, Self::Mip, Self::Surface];

    /// The word on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Composite => "tissue",
            Self::Mip => "maximum",
            Self::Surface => "surface",
        }
    }
}

/// One point of a transfer function; between two of them, colour and opacity go evenly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stop {
    /// Place in the range of the function: 0 its lower end, 1 its upper end.
    pub at: f64,
    /// sRGB.
    pub colour: [u8; 3],
    /// How opaque 1 mm of it is, from 0 to less than 1.
    pub opacity: f64,
}

/// From real values to colours and opacities.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Transfer {
    /// The real values of the places 0 and 1. Beyond them, the first and the last stop go on.
    pub range: [f64; 2],
    /// The points, at least one, in the order of their places.
    pub stops: &'static [Stop],
}

/// Colour (sRGB, 0 to 1) times extinction per mm, and extinction per mm. Light falls by `exp(-extinction * mm)`.
pub type Emission = [f64; 4];

impl Transfer {
    /// Entries of [`Transfer::table`].
    pub const ENTRIES: usize = 256;

    /// The place of a real value in the range, within 0 to 1.
    #[must_use]
    pub fn place(&self, real: f64) -> f64 {
        let [low, high] = self.range;
        ((real - low) / (high - low).max(1e-9)).clamp(0.0, 1.0)
    }

    /// What is at a place of the range.
    #[must_use]
    pub fn at(&self, place: f64) -> Emission {
        let above = self.stops.iter().position(|stop| stop.at > place);
        let (a, b) = match (above, self.stops) {
            (_, []) => return [0.0; 4],
            (Some(0), [first, ..]) => (first, first),
            (Some(n), stops) => (&stops[n - 1], &stops[n]),
            (None, [.., last]) => (last, last),
        };
        let share = if b.at > a.at { (place - a.at) / (b.at - a.at) } else { 0.0 };
        let mix = |a: f64, b: f64| a + (b - a) * share;
        let extinction = -(1.0 - mix(a.opacity, b.opacity).min(0.9999)).ln();
        let channel = |c: usize| mix(f64::from(a.colour[c]), f64::from(b.colour[c])) / 255.0 * extinction;
        [channel(0), channel(1), channel(2), extinction]
    }

    /// The integral of [`Transfer::at`] from place 0 to each of [`Transfer::ENTRIES`] even places up to 1.
    /// The mean between two values that a ray meets one after the other is the quotient of two differences, so that
    /// no layer is missed, however thin (Engel, Kraus and Ertl, "High-quality pre-integrated volume rendering", 2001).
    #[must_use]
    pub fn table(&self) -> [[f32; 4]; Self::ENTRIES] {
        const PARTS: usize = 8;
        let width = 1.0 / ((Self::ENTRIES - 1) * PARTS) as f64;
        let mut sum = [0.0; 4];
        std::array::from_fn(|entry| {
            if entry > 0 {
                for part in 0..PARTS {
                    let place = ((entry - 1) * PARTS + part) as f64 + 0.5;
                    let here = self.at(place * width);
                    sum = std::array::from_fn(|c| sum[c] + here[c] * width);
                }
            }
            sum.map(|v| v as f32)
        })
    }
}

/// The mean emission between two places by a [`Transfer::table`]. The twin of what `composite` in
/// `shaders/raycast.wgsl` makes of two neighbouring samples.
#[must_use]
pub fn mean_emission(table: &[[f32; 4]; Transfer::ENTRIES], from: f64, to: f64) -> Emission {
    /// Nearer places are moved apart: a quotient of tiny differences is noise.
    const LEAST: f64 = 1e-3;
    let apart = if from > 0.5 { from - LEAST } else { from + LEAST };
    let to = if (to - from).abs() < LEAST { apart } else { to };
    let integral = |place: f64| {
        let at = place.clamp(0.0, 1.0) * (Transfer::ENTRIES - 1) as f64;
        let below = (at as usize).min(Transfer::ENTRIES - 2);
        let (a, b, share) = (table[below], table[below + 1], at - below as f64);
        std::array::from_fn::<_, 4, _>(|c| f64::from(a[c]) + (f64::from(b[c]) - f64::from(a[c])) * share)
    };
    let (a, b) = (integral(from), integral(to));
    std::array::from_fn(|c| (b[c] - a[c]) / (to - from))
}

/// What is known of a scan's values before anybody looks at it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contrast {
    /// Whether they are Hounsfield units.
    pub hounsfield: bool,
    /// The lower and the upper edge of the automatic window.
    pub range: [f64; 2],
}

/// A transfer function that is known to look well.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Preset {
    /// Bone of a CT; soft tissue is clear.
    Bone,
    /// The skin of a CT.
    Skin,
    /// Where air meets tissue in a CT, and nothing else: the walls of the sinuses, seen once the head is cut open.
    Lining,
    /// Tissue of an MR, the denser the brighter.
    Mr,
}

impl Preset {
    /// Those for a scan, the one it opens with first.
    #[must_use]
    pub fn offered(contrast: &Contrast) -> &'static [Self] {
        if contrast.hounsfield { &[Self::Bone, Self::Skin, Self::Lining] } else { &[Self::Mr] }
    }

    /// The name on screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bone => "CT bone",
            Self::Skin => "CT skin",
            Self::Lining => "CT air lining",
            Self::Mr => "MR",
        }
    }

    /// The real values of its places 0 and 1: fixed in Hounsfield units, otherwise parts of the automatic window.
    #[must_use]
    pub fn range(self, contrast: &Contrast) -> [f64; 2] {
        let [low, high] = contrast.range;
        match self {
            Self::Bone => [100.0, 1300.0],
            Self::Skin => [-500.0, 300.0],
            Self::Lining => [-900.0, -100.0],
            Self::Mr => [0.1, 0.9].map(|share| low + share * (high - low)),
        }
    }

    /// The real value at which its surface is best seen.
    #[must_use]
    pub fn level(self, contrast: &Contrast) -> f64 {
        let [low, high] = contrast.range;
        match self {
            Self::Bone => 300.0,
            Self::Skin => -300.0,
            Self::Lining => -500.0,
            Self::Mr => low + 0.25 * (high - low),
        }
    }

    /// Its points.
    #[must_use]
    pub fn stops(self) -> &'static [Stop] {
        const fn stop(at: f64, colour: [u8; 3], opacity: f64) -> Stop {
            Stop { at, colour, opacity }
        }
        match self {
            Self::Bone => {
                const {
                    &[
                        stop(0.07, [140, 62, 44], 0.0),
                        stop(0.13, [176, 100, 72], 0.08),
                        stop(0.22, [226, 182, 140], 0.45),
                        stop(0.5, [244, 226, 200], 0.9),
                        stop(1.0, [255, 252, 246], 0.97),
                    ]
                }
            }
            Self::Skin => {
                const {
                    &[
                        stop(0.03, [190, 124, 100], 0.0),
                        stop(0.2, [206, 142, 116], 0.25),
                        stop(0.45, [228, 172, 144], 0.85),
                        stop(1.0, [250, 222, 200], 0.97),
                    ]
                }
            }
            Self::Lining => {
                const {
                    &[
                        stop(0.0, [236, 128, 116], 0.0),
                        stop(0.25, [236, 128, 116], 0.0),
                        stop(0.4, [236, 128, 116], 0.99),
                        stop(0.6, [246, 170, 150], 0.99),
                        stop(0.75, [246, 170, 150], 0.0),
                        stop(1.0, [246, 170, 150], 0.0),
                    ]
                }
            }
            Self::Mr => {
                const {
                    &[
                        stop(0.0, [96, 92, 88], 0.0),
                        stop(0.06, [104, 100, 95], 0.0),
                        stop(0.35, [150, 144, 136], 0.4),
                        stop(0.65, [206, 199, 189], 0.75),
                        stop(1.0, [255, 249, 240], 0.85),
                    ]
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RAMP: &[Stop] = &[
        Stop { at: 0.0, colour: [255, 0, 0], opacity: 0.0 },
        Stop { at: 0.5, colour: [255, 0, 0], opacity: 0.0 },
        Stop { at: 1.0, colour: [0, 0, 255], opacity: 0.5 },
    ];

    #[test]
    fn colours_and_opacities_go_evenly_between_the_stops_and_on_beyond_them() {
        let transfer = Transfer { range: [-1000.0, 1000.0], stops: RAMP };
        let [red, _, blue, extinction] = transfer.at(transfer.place(500.0));
        // Half way between 0 and 0.5 per mm, and between red and blue.
        assert!((extinction + 0.75_f64.ln()).abs() < 1e-12);
        assert!((red / extinction - 0.5).abs() < 1e-12 && (blue / extinction - 0.5).abs() < 1e-12);
        assert_eq!(transfer.at(transfer.place(-3000.0)), [0.0; 4]);
        assert!((transfer.at(transfer.place(3000.0))[3] - 2.0_f64.ln()).abs() < 1e-12);
    }

    #[test]
    fn a_layer_between_two_samples_is_not_missed() {
        const LAYER: &[Stop] = &[
            Stop { at: 0.4, colour: [255; 3], opacity: 0.0 },
            Stop { at: 0.45, colour: [255; 3], opacity: 0.9 },
            Stop { at: 0.55, colour: [255; 3], opacity: 0.9 },
            Stop { at: 0.6, colour: [255; 3], opacity: 0.0 },
        ];
        let table = Transfer { range: [0.0, 1.0], stops: LAYER }.table();
        let across = mean_emission(&table, 0.0, 1.0);
        // A tenth of the way in full, and the slopes on both sides: the mean of -ln(1 - x) from 0 to 0.9 is 0.7442.
        let expected = 0.1 * 10.0_f64.ln() + 0.1 * 0.7442;
        assert!((across[3] - expected).abs() < 2e-3, "{} instead of {expected}", across[3]);
        assert!((across[0] - across[3]).abs() < 1e-4, "white");
        assert!((mean_emission(&table, 1.0, 0.0)[3] - across[3]).abs() < 1e-12, "the same from behind");
        // Standing still in the layer is the layer itself, and beside it nothing.
        assert!((mean_emission(&table, 0.5, 0.5)[3] - 10.0_f64.ln()).abs() < 1e-3);
        assert_eq!(mean_emission(&table, 0.2, 0.2)[3], 0.0);
        assert_eq!(mean_emission(&table, 1.0, 1.0)[3], 0.0);
    }

    #[test]
    fn presets_are_offered_by_unit_and_their_stops_are_in_order() {
        let ct = Contrast { hounsfield: true, range: [-1000.0, 1500.0] };
        let mr = Contrast { hounsfield: false, range: [0.0, 200.0] };
        assert_eq!(Preset::offered(&ct)[0], Preset::Bone);
        assert_eq!(Preset::offered(&mr), [Preset::Mr]);
        for preset in [Preset::Bone, Preset::Skin, Preset::Lining, Preset::Mr] {
            let stops = preset.stops();
            assert!(stops.windows(2).all(|pair| pair[0].at < pair[1].at), "{}", preset.name());
            assert!(stops.iter().all(|stop| (0.0..1.0).contains(&stop.opacity)), "{}", preset.name());
            let table = Transfer { range: [0.0, 1.0], stops }.table();
            assert_eq!(mean_emission(&table, 0.0, 0.0)[3], 0.0, "{}: no fog in air", preset.name());
        }
    }

    #[test]
    fn the_air_lining_is_opaque_only_between_air_and_tissue() {
        let ct = Contrast { hounsfield: true, range: [-1000.0, 1500.0] };
        let lining = Transfer { range: Preset::Lining.range(&ct), stops: Preset::Lining.stops() };
        let opaque = |hu: f64| lining.at(lining.place(hu))[3] > 2.0;
        assert_eq!(
            [-1000.0, -800.0, -500.0, -200.0, 40.0, 1000.0].map(opaque),
            [false, false, true, false, false, false]
        );
    }
}
