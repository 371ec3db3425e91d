//! Which degradations a scan gets and how strong they are: a realistic mixture, or those that were asked for by name.

use super::Contrast;
use super::degrade::{Axes, Cut, Defacing, Degradations, Edge, Ghosting, Intensities, Slices, Wrap};
use glam::DVec3;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;
use std::str::FromStr;

/// The name of one degradation, as given on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "they are named after the fields of the struct")]
pub enum Degradation {
    Rotation,
    Offset,
    Oblique,
    Axes,
    Slices,
    Resolution,
    Cut,
    Margin,
    Wrap,
    Ghosting,
    Defacing,
    Dental,
    Bias,
    Blur,
    Noise,
    Intensities,
    Couch,
    Padding,
    Unrescaled,
    Cast,
}

impl Degradation {
    /// All degradations with their names and the chance of each in a random mixture.
    const TABLE: [(Self, &'static str, f64); 20] = [
        (Self::Rotation, "rotation", 0.85),
        (Self::Offset, "offset", 0.7),
        (Self::Oblique, "oblique", 0.25),
        (Self::Axes, "axes", 0.6),
        (Self::Slices, "slices", 0.4),
        (Self::Resolution, "resolution", 0.35),
        (Self::Cut, "cut", 0.6),
        (Self::Margin, "margin", 0.3),
        (Self::Wrap, "wrap", 0.08),
        (Self::Ghosting, "ghosting", 0.15),
        (Self::Defacing, "defacing", 0.08),
        (Self::Dental, "dental", 0.15),
        (Self::Bias, "bias", 0.6),
        (Self::Blur, "blur", 0.35),
        (Self::Noise, "noise", 0.5),
        (Self::Intensities, "intensities", 0.4),
        (Self::Couch, "couch", 0.5),
        (Self::Padding, "padding", 0.3),
        (Self::Unrescaled, "unrescaled", 0.15),
        (Self::Cast, "cast", 0.0),
    ];

    /// All degradations.
    pub fn all() -> impl Iterator<Item = Self> {
        Self::TABLE.into_iter().map(|(kind, _, _)| kind)
    }

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        Self::TABLE.iter().find(|row| row.0 == self).map_or("", |row| row.1)
    }

    /// Whether scanners of a contrast can do that.
    #[must_use]
    pub fn occurs_in(self, contrast: Contrast) -> bool {
        match self {
            Self::Wrap | Self::Ghosting | Self::Bias => contrast != Contrast::Ct,
            Self::Couch => matches!(contrast, Contrast::Ct | Contrast::Random),
            Self::Padding | Self::Unrescaled => contrast == Contrast::Ct,
            _ => true,
        }
    }
}

impl Degradations {
    /// A realistic mixture: most are mild, some strong, many not there.
    #[must_use]
    pub fn draw(rng: &mut ChaCha8Rng, contrast: Contrast) -> Self {
        let mut drawn = Self::default();
        for (kind, _, chance) in Degradation::TABLE {
            if rng.random_bool(chance) {
                drawn.switch_on(kind, rng, contrast);
            }
        }
        drawn
    }

    /// Adds one degradation with its strength drawn; nothing where the contrast does not know it.
    pub fn switch_on(&mut self, kind: Degradation, rng: &mut ChaCha8Rng, contrast: Contrast) {
        if !kind.occurs_in(contrast) {
            return;
        }
        match kind {
            Degradation::Rotation => self.rotation_deg = angles(rng),
            Degradation::Offset => {
                self.offset_mm = within(rng, DVec3::new(12.0, 15.0, 15.0));
                let far_mm = if rng.random_bool(0.3) { 120.0 } else { 30.0 };
                self.origin_mm = within(rng, DVec3::splat(far_mm));
            }
            Degradation::Oblique => self.oblique_deg = angles(rng),
            Degradation::Axes => {
                let orders = [[0, 1, 2], [1, 2, 0], [0, 2, 1], [2, 0, 1], [1, 0, 2], [2, 1, 0]];
                self.axes.order = orders[rng.random_range(0..orders.len())];
                self.axes.flipped = std::array::from_fn(|_| rng.random_bool(0.5));
                // The usual way would be no degradation.
                self.axes.flipped[0] |= self.axes == Axes::default();
            }
            Degradation::Slices => {
                let thickness_mm = rng.random_range(1.0..6.0);
                // Most are axial.
                let axis = [2, 2, 1, 0][rng.random_range(0..4)];
                self.slices = Some(Slices { axis, thickness_mm });
            }
            Degradation::Resolution => self.resolution_mm = rng.random_range(1.0..3.0),
            Degradation::Cut => self.cuts = draw_cuts(rng),
            Degradation::Margin => {
                let most_mm = [60.0, 60.0, 60.0, 60.0, 80.0, 40.0];
                self.margins_mm = most_mm.map(|mm| if rng.random_bool(0.4) { rng.random_range(0.0..mm) } else { 0.0 });
            }
            Degradation::Wrap => {
                let lost_mm = std::array::from_fn(|_| rng.random_range(8.0..45.0));
                self.wrap = Some(Wrap { axis: rng.random_range(0..3), lost_mm });
            }
            Degradation::Ghosting => {
                let strength = rng.random_range(0.03..0.25);
                self.ghosting =
                    Some(Ghosting { axis: rng.random_range(0..3), copies: rng.random_range(1..5), strength });
            }
            Degradation::Defacing => self.defacing = Some(Defacing::draw(rng)),
            Degradation::Dental => self.dental = rng.random_range(0.2..1.0),
            Degradation::Bias => self.bias = rng.random_range(0.1..0.9),
            Degradation::Blur => self.blur_mm = rng.random_range(0.3..1.8),
            Degradation::Noise => self.noise = rng.random_range(0.1_f32..1.0).powi(2) * 0.15,
            Degradation::Intensities => self.intensities = Some(Intensities::draw(rng, contrast)),
            Degradation::Couch => self.couch = true,
            Degradation::Padding => {
                let values = [-3024.0, -2000.0, -2048.0, -1024.0];
                self.padding = Some(values[rng.random_range(0..values.len())]);
            }
            Degradation::Unrescaled => self.unrescaled = true,
            Degradation::Cast => self.cast = true,
        }
    }
}

/// Three angles of a head or a slice package: usually a few degrees, now and then up to 20.
fn angles(rng: &mut ChaCha8Rng) -> DVec3 {
    let most_deg = if rng.random_bool(0.35) { 20.0 } else { 8.0 };
    within(rng, DVec3::splat(most_deg))
}

fn within(rng: &mut ChaCha8Rng, most: DVec3) -> DVec3 {
    DVec3::from_array(most.to_array().map(|m| rng.random_range(-m..m)))
}

/// The fields of view of brain scans (floors and faces missing), sinus CTs (tops missing) and surface coils.
fn draw_cuts(rng: &mut ChaCha8Rng) -> Vec<Cut> {
    let mut cut = |edge, from, to| Cut { edge, depth: rng.random_range(from..to) };
    // Most brain scans end somewhere between the chin and the floor of the sinuses.
    let (below, floor, no_sinus) =
        (cut(Edge::Bottom, -1.7, 0.1), cut(Edge::Bottom, -0.1, 1.0), cut(Edge::Bottom, 1.0, 2.6));
    let side = cut(Edge::Left, -0.4, 1.3);
    let (top, bottom) = (cut(Edge::Top, -2.2, -0.2), cut(Edge::Bottom, -1.2, 0.2));
    let (front, back) = (cut(Edge::Front, -0.3, 1.2), cut(Edge::Back, -3.0, -0.3));
    let neck = cut(Edge::Top, -0.1, 2.0);
    let (left, right) = (cut(Edge::Left, -0.8, 0.1), cut(Edge::Right, -0.8, 0.1));
    let side = if rng.random_bool(0.5) { side } else { Cut { edge: Edge::Right, ..side } };
    match rng.random_range(0..25) {
        0..9 => vec![below],
        9..13 => vec![floor],
        13..15 => vec![no_sinus],
        15..17 => vec![side],
        17 => vec![top],
        18..22 => vec![top, bottom, back, left, right],
        22 => vec![front],
        23 => vec![neck],
        _ => vec![floor, side],
    }
}

impl Defacing {
    fn draw(rng: &mut ChaCha8Rng) -> Self {
        match rng.random_range(0..10) {
            0..3 => Self::Plane { slant_deg: rng.random_range(10.0..50.0), behind_mm: rng.random_range(-8.0..15.0) },
            3..5 => Self::Mask { front_of_mm: rng.random_range(50.0..100.0), below_mm: rng.random_range(-32.0..-8.0) },
            5..7 => Self::Blur { front_of_mm: rng.random_range(70.0..96.0), sigma_mm: rng.random_range(3.0..8.0) },
            7..9 => Self::NoseAndMouth,
            _ => Self::BrainOnly,
        }
    }
}

impl Intensities {
    fn draw(rng: &mut ChaCha8Rng, contrast: Contrast) -> Self {
        let ct = contrast == Contrast::Ct;
        match rng.random_range(0..5) {
            0 => Self::Clipped(rng.random_range(0.35..0.9)),
            1 if !ct => Self::Scaled(10.0_f32.powf(rng.random_range(-1.2..1.5))),
            2 if !ct => Self::Gamma(rng.random_range(0.6..1.6)),
            3 if !ct => Self::Standardised,
            _ if rng.random_bool(0.5) => {
                Self::Bytes { centre: rng.random_range(30.0..60.0), width: rng.random_range(80.0..500.0) }
            }
            _ => Self::Bytes { centre: rng.random_range(200.0..600.0), width: rng.random_range(1500.0..4000.0) },
        }
    }
}

/// Which degradations may occur in the scans of a cohort: `none`, `random`, or names separated by commas.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Degrade {
    /// None.
    #[default]
    None,
    /// A realistic mixture for each scan.
    Random,
    /// These in every scan whose contrast knows them, each time with another strength.
    Only(Vec<Degradation>),
}

/// A name is that of no degradation.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("\"{0}\" is no degradation; use none, random or some of: {names}", names = names().join(", "))]
pub struct UnknownDegradation(String);

fn names() -> Vec<&'static str> {
    Degradation::all().map(Degradation::name).collect()
}

impl Degrade {
    /// What spoils one scan.
    #[must_use]
    pub fn draw(&self, rng: &mut ChaCha8Rng, contrast: Contrast) -> Degradations {
        match self {
            Self::None => Degradations::default(),
            Self::Random => Degradations::draw(rng, contrast),
            Self::Only(kinds) => {
                let mut drawn = Degradations::default();
                for &kind in kinds {
                    drawn.switch_on(kind, rng, contrast);
                }
                drawn
            }
        }
    }

    /// As on the command line.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::None => "none".to_owned(),
            Self::Random => "random".to_owned(),
            Self::Only(kinds) => kinds.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(","),
        }
    }
}

impl FromStr for Degrade {
    type Err = UnknownDegradation;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let known = |name: &str| Degradation::all().find(|kind| kind.name() == name);
        match text.trim() {
            "none" => Ok(Self::None),
            "random" => Ok(Self::Random),
            list => list
                .split(',')
                .map(|name| known(name.trim()).ok_or_else(|| UnknownDegradation(name.trim().to_owned())))
                .collect::<Result<_, _>>()
                .map(Self::Only),
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use rand::SeedableRng as _;

    #[test]
    fn names_are_read_back() {
        for text in ["none", "random", "rotation,slices", "unrescaled"] {
            assert_eq!(text.parse::<Degrade>().unwrap().name(), text);
        }
        let all: Degrade = names().join(", ").parse().unwrap();
        assert_eq!(all, Degrade::Only(Degradation::all().collect()));
        assert!(
            "rotations".parse::<Degrade>().unwrap_err().to_string().contains("use none, random or some of: rotation,")
        );
        assert!("".parse::<Degrade>().is_err());
    }

    #[test]
    fn each_is_switched_on_alone_and_only_where_scanners_know_it() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for kind in Degradation::all() {
            for contrast in Contrast::ALL {
                let drawn = Degrade::Only(vec![kind]).draw(&mut rng, contrast);
                assert_eq!(drawn != Degradations::default(), kind.occurs_in(contrast), "{kind:?} {contrast:?}");
            }
        }
        assert_eq!(Degrade::None.draw(&mut rng, Contrast::T1), Degradations::default());
        assert!(!Degradation::Wrap.occurs_in(Contrast::Ct) && !Degradation::Couch.occurs_in(Contrast::T1));
    }

    #[test]
    fn mixtures_are_varied_and_within_their_limits() {
        let mut rng = ChaCha8Rng::seed_from_u64(2);
        let drawn: Vec<_> = (0..400).map(|_| Degradations::draw(&mut rng, Contrast::Random)).collect();
        assert!(drawn.iter().all(|d| d.rotation_deg.abs().max_element() <= 20.0));
        assert!(drawn.iter().any(|d| d.rotation_deg.abs().max_element() > 15.0));
        assert!(drawn.iter().filter_map(|d| d.slices).all(|s| (1.0..6.0).contains(&s.thickness_mm)));
        for axis in 0..3 {
            assert!(drawn.iter().filter_map(|d| d.slices).any(|s| s.axis == axis), "{axis}");
        }
        let lost = |d: &Degradations| d.cuts.iter().any(|c| c.edge == Edge::Bottom && c.depth > 1.0);
        let share = drawn.iter().filter(|d| lost(d)).count() as f64 / 400.0;
        assert!((0.02..0.15).contains(&share), "sinuses out of view: {share}");
        assert!(drawn.iter().all(|d| d.padding.is_none() && !d.unrescaled), "those are of CT");
    }
}
