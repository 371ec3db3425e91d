//! From loose slices to one stack in the right order: by their place in the patient, never by their number.

use super::scan::Slice;
use crate::io::Check;

/// Slices nearer than this are at the same place.
const SAME_PLACE_MM: f64 = 0.01;
/// A step between slices may differ from the median by this share.
const EVEN: f64 = 0.01;

/// Groups slices that can form one volume: same series, same pixels, parallel planes. Largest first.
pub(super) fn stacks(slices: Vec<Slice>) -> Vec<Vec<Slice>> {
    let mut stacks: Vec<Vec<Slice>> = Vec::new();
    for slice in slices {
        match stacks.iter_mut().find(|stack| stack.first().is_some_and(|first| belong_together(first, &slice))) {
            Some(stack) => stack.push(slice),
            None => stacks.push(vec![slice]),
        }
    }
    // The sort is stable: of equally large stacks, the one whose file comes first by name.
    stacks.sort_by_key(|stack| std::cmp::Reverse(stack.len()));
    stacks
}

fn belong_together(a: &Slice, b: &Slice) -> bool {
    a.series == b.series
        && (a.layout.rows, a.layout.columns) == (b.layout.rows, b.layout.columns)
        && a.plane.parallel(&b.plane)
}

/// Sorts a stack along row × column. Of several slices at one place the one with the lowest number stays.
pub(super) fn order(mut stack: Vec<Slice>, checks: &mut Vec<Check>) -> Vec<Slice> {
    let Some(normal) = stack.first().map(|s| s.plane.normal_lps()) else { return stack };
    let place = |s: &Slice| s.plane.position_lps.dot(normal);
    stack.sort_by(|a, b| place(a).total_cmp(&place(b)));
    let all = stack.len();
    let mut ordered: Vec<Slice> = Vec::with_capacity(all);
    for slice in stack {
        match ordered.last_mut() {
            Some(last) if place(&slice) - place(last) < SAME_PLACE_MM => {
                if (slice.instance, &slice.path) < (last.instance, &last.path) {
                    *last = slice;
                }
            }
            _ => ordered.push(slice),
        }
    }
    let left_out = all - ordered.len();
    if left_out > 0 {
        let message = format!("{left_out} of {all} slices lie where another one does and are left out.");
        checks.push(Check::new("duplicate-slices", message));
    }
    ordered
}

/// What is irregular about an ordered stack: uneven steps, slices that are off the common line, a tilted gantry.
pub(super) fn irregularities(stack: &[Slice]) -> Vec<Check> {
    let [first, .., last] = stack else { return Vec::new() };
    let normal = first.plane.normal_lps();
    let mut steps: Vec<f64> =
        stack.windows(2).map(|pair| (pair[1].plane.position_lps - pair[0].plane.position_lps).dot(normal)).collect();
    steps.sort_by(f64::total_cmp);
    let (smallest, median, largest) = (steps[0], steps[steps.len() / 2], steps[steps.len() - 1]);
    let mean = (last.plane.position_lps - first.plane.position_lps) / steps.len() as f64;
    let off_mm = stack
        .iter()
        .enumerate()
        .map(|(k, s)| s.plane.position_lps.distance(first.plane.position_lps + mean * k as f64))
        .fold(0.0, f64::max);

    let mut checks = Vec::new();
    if largest > median * (1.0 + EVEN) || smallest < median * (1.0 - EVEN) {
        let message = format!(
            "The slices are unevenly spaced, {smallest:.2} to {largest:.2} mm apart (median {median:.2} mm); \
             positions are off by up to {off_mm:.1} mm."
        );
        checks.push(Check::new("uneven-spacing", message));
    } else if off_mm > 0.1 {
        let message = format!("The slices are shifted against each other by up to {off_mm:.1} mm within their plane.");
        checks.push(Check::new("shifted-slices", message));
    }
    let tilt = mean.angle_between(normal).to_degrees();
    if tilt > 0.1 {
        let message =
            format!("The slices are stacked at a slant of {tilt:.1}° (tilted gantry); the geometry allows for it.");
        checks.push(Check::new("gantry-tilt", message));
    }
    checks
}
