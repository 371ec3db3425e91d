//! A measurement: a shape in the world, and the figures that belong to it.
//!
//! Shapes are kept in world mm, so that they stay in their place in the patient whatever plane or volume is shown.
//! They are plain values; who draws, keeps and exports them is not known here.

mod figures;
mod region;

pub use figures::{Figures, Values};
pub use region::Region;

use crate::volume::Volume;
use glam::DVec3;
use serde::{Deserialize, Serialize};

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Between two points.
    Distance,
    /// Between two legs that meet in a point.
    Angle,
    /// What the voxels in an ellipse say.
    Ellipse,
    /// What the voxels in a rectangle say.
    Box,
    /// What one voxel says.
    Probe,
}

impl Kind {
    /// All of them, in the order of the tools.
    pub const ALL: [Self; 5] = [Self::Distance, Self::Angle, Self::Ellipse, Self::Box, Self::Probe];

    /// The name on screen and in files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Distance => "distance",
            Self::Angle => "angle",
            Self::Ellipse => "ellipse",
            Self::Box => "box",
            Self::Probe => "probe",
        }
    }

    /// Whether its figures are those of voxels, and so of one volume only.
    #[must_use]
    pub fn reads_voxels(self) -> bool {
        matches!(self, Self::Ellipse | Self::Box | Self::Probe)
    }

    /// How many points are placed to draw one.
    #[must_use]
    pub fn points(self) -> usize {
        match self {
            Self::Probe => 1,
            Self::Distance | Self::Ellipse | Self::Box => 2,
            Self::Angle => 3,
        }
    }
}

/// A shape in world RAS+ mm.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "ras_mm", rename_all = "lowercase")]
pub enum Shape {
    /// From end to end.
    Distance([DVec3; 2]),
    /// End of a leg, vertex, end of the other leg.
    Angle([DVec3; 3]),
    /// The ellipse that fits into a region.
    Ellipse(Region),
    /// A region itself.
    Box(Region),
    /// One point.
    Probe(DVec3),
}

impl Shape {
    /// The shape after these points were placed; points still to come lie on the last one. `axes` are the unit
    /// directions of screen-right and screen-down where it is drawn. None without points.
    #[must_use]
    pub fn drawn(kind: Kind, points_mm: &[DVec3], axes: [DVec3; 2]) -> Option<Self> {
        let last = *points_mm.last()?;
        let at = |n: usize| points_mm.get(n).copied().unwrap_or(last);
        Some(match kind {
            Kind::Distance => Self::Distance([at(0), at(1)]),
            Kind::Angle => Self::Angle([at(0), at(1), at(2)]),
            Kind::Ellipse => Self::Ellipse(Region::between(at(0), at(1), axes)),
            Kind::Box => Self::Box(Region::between(at(0), at(1), axes)),
            Kind::Probe => Self::Probe(at(0)),
        })
    }

    /// What it measures.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Distance(_) => Kind::Distance,
            Self::Angle(_) => Kind::Angle,
            Self::Ellipse(_) => Kind::Ellipse,
            Self::Box(_) => Kind::Box,
            Self::Probe(_) => Kind::Probe,
        }
    }

    /// Whether it has the extent that its figures need: no leg, side or distance of nothing.
    #[must_use]
    pub fn is_complete(&self) -> bool {
        let apart = |a: DVec3, b: DVec3| a.distance(b) > Region::LEAST_MM;
        match *self {
            Self::Distance([a, b]) => apart(a, b),
            Self::Angle([a, vertex, b]) => apart(a, vertex) && apart(vertex, b),
            Self::Ellipse(region) | Self::Box(region) => {
                region.half_axes_mm.iter().all(|axis| axis.length() > Region::LEAST_MM)
            }
            Self::Probe(at) => at.is_finite(),
        }
    }

    /// Its middle in world mm; of an angle its vertex.
    #[must_use]
    pub fn centre_mm(&self) -> DVec3 {
        match *self {
            Self::Distance([a, b]) => a.midpoint(b),
            Self::Angle([_, vertex, _]) => vertex,
            Self::Ellipse(region) | Self::Box(region) => region.centre_mm,
            Self::Probe(at) => at,
        }
    }

    /// The points by which it is changed, in world mm.
    #[must_use]
    pub fn handles_mm(&self) -> Vec<DVec3> {
        match self {
            Self::Distance(ends) => ends.to_vec(),
            Self::Angle(points) => points.to_vec(),
            Self::Ellipse(region) => Region::ENDS.map(|place| region.at(place)).to_vec(),
            Self::Box(region) => Region::CORNERS.map(|place| region.at(place)).to_vec(),
            Self::Probe(at) => vec![*at],
        }
    }

    /// The same with one of its handles elsewhere; what lies opposite in a region stays.
    #[must_use]
    pub fn with_handle(mut self, handle: usize, to_mm: DVec3) -> Self {
        match &mut self {
            Self::Distance(ends) => ends.get_mut(handle).into_iter().for_each(|end| *end = to_mm),
            Self::Angle(points) => points.get_mut(handle).into_iter().for_each(|point| *point = to_mm),
            Self::Ellipse(region) => *region = region.pulled(Region::ENDS[handle % 4], to_mm),
            Self::Box(region) => *region = region.pulled(Region::CORNERS[handle % 4], to_mm),
            Self::Probe(at) => *at = to_mm,
        }
        self
    }

    /// The same elsewhere.
    #[must_use]
    pub fn moved(mut self, by_mm: DVec3) -> Self {
        match &mut self {
            Self::Distance(ends) => ends.iter_mut().for_each(|end| *end += by_mm),
            Self::Angle(points) => points.iter_mut().for_each(|point| *point += by_mm),
            Self::Ellipse(region) | Self::Box(region) => region.centre_mm += by_mm,
            Self::Probe(at) => *at += by_mm,
        }
        self
    }

    /// Its line as points to be joined, in world mm.
    #[must_use]
    pub fn outline_mm(&self) -> Vec<DVec3> {
        match self {
            Self::Ellipse(region) => (0..=64)
                .map(|step| {
                    let (sin, cos) = (std::f64::consts::TAU * f64::from(step) / 64.0).sin_cos();
                    region.at([cos, sin])
                })
                .collect(),
            Self::Box(_) => {
                let mut corners = self.handles_mm();
                corners.extend(corners.first().copied());
                corners
            }
            _ => self.handles_mm(),
        }
    }
}

/// What was measured where: a measurement as it is kept and exported.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Where.
    pub shape: Shape,
    /// What.
    pub figures: Figures,
    /// Which volume of the series was measured, counted from 1.
    pub volume: usize,
    /// Whether the scan says how it lies in the patient. Otherwise its world is not the patient's: left may be right.
    pub oriented: bool,
}

impl Measured {
    /// Measures a shape in a volume, which is number `number` of its series.
    #[must_use]
    pub fn new(shape: Shape, volume: &Volume, number: usize, oriented: bool) -> Self {
        Self { shape, figures: Figures::of(&shape, volume), volume: number, oriented }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    const AXES: [DVec3; 2] = [DVec3::NEG_X, DVec3::NEG_Y];

    #[test]
    fn what_is_being_drawn_ends_at_the_last_point_placed() {
        let [a, b, c] = [DVec3::ZERO, DVec3::X, DVec3::Y];
        assert_eq!(Shape::drawn(Kind::Angle, &[], AXES), None);
        assert_eq!(Shape::drawn(Kind::Angle, &[a, b], AXES), Some(Shape::Angle([a, b, b])));
        assert!(!Shape::Angle([a, b, b]).is_complete() && Shape::Angle([a, b, c]).is_complete());
        let flat = Shape::drawn(Kind::Box, &[a, b], AXES).unwrap();
        assert!(!flat.is_complete(), "a box of no height has nothing inside");
        for kind in Kind::ALL {
            let shape = Shape::drawn(kind, &[a, b, c], AXES).unwrap();
            assert_eq!((shape.kind(), shape.handles_mm().len() >= kind.points()), (kind, true));
        }
    }

    #[test]
    fn a_handle_moves_alone_and_the_whole_moves_together() {
        let shape = Shape::drawn(Kind::Box, &[DVec3::ZERO, DVec3::new(-4.0, -2.0, 0.0)], AXES).unwrap();
        assert_eq!(shape.centre_mm(), DVec3::new(-2.0, -1.0, 0.0));
        let corner = shape.handles_mm().iter().position(|at| *at == DVec3::new(-4.0, -2.0, 0.0)).unwrap();
        // Off the plane as another pane may have it: the box stays in its plane.
        let pulled = shape.with_handle(corner, DVec3::new(-6.0, -8.0, 3.0));
        assert!(pulled.centre_mm().distance(DVec3::new(-3.0, -4.0, 0.0)) < 1e-12);
        assert!(pulled.handles_mm().iter().any(|at| at.length() < 1e-12), "the opposite corner stays");

        let ellipse = Shape::drawn(Kind::Ellipse, &[DVec3::ZERO, DVec3::new(-4.0, -2.0, 0.0)], AXES).unwrap();
        let end = ellipse.handles_mm().iter().position(|at| at.distance(DVec3::new(-4.0, -1.0, 0.0)) < 1e-12).unwrap();
        let Shape::Ellipse(wider) = ellipse.with_handle(end, DVec3::new(-8.0, 5.0, 0.0)) else { panic!() };
        assert!(wider.half_axes_mm[0].distance(DVec3::new(-4.0, 0.0, 0.0)) < 1e-12);
        assert!(wider.half_axes_mm[1].distance(DVec3::new(0.0, -1.0, 0.0)) < 1e-12, "the other axis stays");

        let line = Shape::Distance([DVec3::ZERO, DVec3::X]);
        assert_eq!(line.with_handle(1, DVec3::Y), Shape::Distance([DVec3::ZERO, DVec3::Y]));
        assert_eq!(line.moved(DVec3::Z).centre_mm(), DVec3::new(0.5, 0.0, 1.0));
    }

    #[test]
    fn a_shape_is_written_with_its_kind_and_its_space() {
        let shape = Shape::Distance([DVec3::new(12.5, 0.0, -3.0), DVec3::ZERO]);
        let text = serde_json::to_string(&shape).unwrap();
        assert_eq!(text, r#"{"kind":"distance","ras_mm":[[12.5,0.0,-3.0],[0.0,0.0,0.0]]}"#);
        assert_eq!(serde_json::from_str::<Shape>(&text).unwrap(), shape);
        assert!(serde_json::from_str::<Shape>(r#"{"kind":"probe","ras_mm":[null,0,0]}"#).is_err());
    }
}
