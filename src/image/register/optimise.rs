//! Climbs to the placement of most mutual information: BFGS (Nocedal and Wright, Numerical Optimization, algorithm 6.1)
//! with a line search that halves the way until there is a gain.

use super::Alignment;
use super::metric::Metric;
use super::place::{COUNT, Parameters};
use crate::job::{Cancelled, Progress};

type Vector = [f64; COUNT];

/// When to stop.
pub(super) struct Limits {
    steps: usize,
    /// The first step, and the longest, in mm of the parameters.
    first_mm: f64,
    longest_mm: f64,
    /// A shorter step ends the climb.
    least_mm: f64,
}

impl Limits {
    /// For voxels of this size.
    pub fn of(voxel_mm: f64) -> Self {
        Self { steps: 60, first_mm: voxel_mm, longest_mm: 4.0 * voxel_mm, least_mm: 0.01 * voxel_mm }
    }
}

/// A share of the expected gain that a step must bring (Armijo).
const LEAST_SHARE: f64 = 1e-4;
/// How often a step is halved before the climb ends.
const HALVINGS: usize = 8;
/// Determinants beyond these are no heads laid over heads, but volumes squeezed away.
const DETERMINANTS: std::ops::Range<f64> = 0.1..10.0;
/// So much of the fixed volume must be covered.
const LEAST_OVERLAP: f64 = 0.1;

/// Climbs from the placement that the parameters are around.
pub(super) fn climb(
    metric: &mut Metric,
    parameters: &Parameters,
    limits: &Limits,
    progress: &Progress,
) -> Result<Alignment, Cancelled> {
    let mut at = [0.0; COUNT];
    let mut value = metric.value(parameters.place(&at), progress)?;
    let mut uphill = parameters.slope(&at, &metric.slope(progress)?);
    // The inverse of the curvature; unknown at first.
    let mut inverse: Option<[Vector; COUNT]> = None;
    for _ in 0..limits.steps {
        if length(&uphill) <= f64::MIN_POSITIVE {
            break;
        }
        let (mut way, known) = match &inverse {
            Some(inverse) => (inverse.map(|row| dot(&row, &uphill)), true),
            None => (scaled(&uphill, limits.first_mm / length(&uphill)), false),
        };
        if dot(&way, &uphill) <= 0.0 {
            inverse = None;
            if known {
                continue;
            }
            break;
        }
        way = scaled(&way, (limits.longest_mm / length(&way)).min(1.0));
        let Some((next, reached)) = forward(metric, parameters, &at, &way, &value, &uphill, progress)? else {
            // No gain along the way. Perhaps the curvature misled.
            if known && length(&way) > limits.least_mm {
                inverse = None;
                continue;
            }
            break;
        };
        let slope = parameters.slope(&next, &metric.slope(progress)?);
        let step: Vector = std::array::from_fn(|n| next[n] - at[n]);
        // Of what is made smaller: the information with the sign turned.
        let bend: Vector = std::array::from_fn(|n| uphill[n] - slope[n]);
        (at, value, uphill) = (next, reached, slope);
        inverse = updated(inverse.as_ref(), &step, &bend);
        if length(&step) < limits.least_mm {
            break;
        }
    }
    Ok(value)
}

/// The first point along the way, coming back from its end, with enough gain.
fn forward(
    metric: &mut Metric,
    parameters: &Parameters,
    at: &Vector,
    way: &Vector,
    value: &Alignment,
    uphill: &Vector,
    progress: &Progress,
) -> Result<Option<(Vector, Alignment)>, Cancelled> {
    let expected = dot(way, uphill);
    let mut share = 1.0;
    for _ in 0..HALVINGS {
        let next: Vector = std::array::from_fn(|n| at[n] + share * way[n]);
        let place = parameters.place(&next);
        if DETERMINANTS.contains(&place.matrix3.determinant()) {
            let reached = metric.value(place, progress)?;
            let gain = reached.mutual_information - value.mutual_information;
            if gain > LEAST_SHARE * share * expected && reached.overlap > LEAST_OVERLAP {
                return Ok(Some((next, reached)));
            }
        }
        share /= 2.0;
    }
    Ok(None)
}

/// The inverse curvature after a step along which the slope changed by `bend`.
fn updated(inverse: Option<&[Vector; COUNT]>, step: &Vector, bend: &Vector) -> Option<[Vector; COUNT]> {
    let along = dot(step, bend);
    if along <= 1e-10 * length(step) * length(bend) {
        return inverse.copied();
    }
    let old = inverse.copied().unwrap_or_else(|| {
        let scale = along / dot(bend, bend);
        std::array::from_fn(|n| std::array::from_fn(|m| if n == m { scale } else { 0.0 }))
    });
    let turned = old.map(|row| dot(&row, bend));
    let factor = (1.0 + dot(bend, &turned) / along) / along;
    Some(std::array::from_fn(|n| {
        std::array::from_fn(|m| {
            old[n][m] + factor * step[n] * step[m] - (turned[n] * step[m] + step[n] * turned[m]) / along
        })
    }))
}

fn dot(a: &Vector, b: &Vector) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn length(a: &Vector) -> f64 {
    dot(a, a).sqrt()
}

fn scaled(a: &Vector, by: f64) -> Vector {
    a.map(|v| v * by)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curvature_of_a_bowl_is_learnt_along_the_steps_taken() {
        let axis = |n: usize, by: f64| std::array::from_fn(|m| if m == n { by } else { 0.0 });
        // Twice as much bend along the first axis as along the second; the rest is scaled like the first.
        let inverse = updated(None, &axis(0, 1.0), &axis(0, 2.0));
        let inverse = updated(inverse.as_ref(), &axis(1, 1.0), &axis(1, 1.0)).unwrap_or_default();
        assert_eq!([inverse[0][0], inverse[1][1], inverse[2][2], inverse[0][1]], [0.5, 1.0, 0.5, 0.0]);
        // A step along which the slope grows says nothing about a summit.
        assert_eq!(updated(Some(&inverse), &axis(0, 1.0), &axis(0, -1.0)), Some(inverse));
    }
}
