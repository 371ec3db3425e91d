//! From loose slices to stacks in the right order: by their place in the patient, never by their number.

use super::slice::Slice;
use super::volumes::sequences;
use crate::io::{Check, Role};
use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

/// A step between slices may differ from the median by this share.
const EVEN: f64 = 0.01;
/// A gap of a whole number of steps, within this share, is that of missing slices.
const WHOLE: f64 = 0.1;
/// Slices that are off the common line by more than this are told.
const SHIFTED_MM: f64 = 0.1;
/// Tilts below this are rounding of the positions.
const TILTED_DEGREES: f64 = 0.1;
/// No gantry tilts further.
const STEEPEST_DEGREES: f64 = 45.0;
/// A new slice is compared with so many stacks of its series; no real one has more.
const MOST_STACKS: usize = 256;
/// Scouts in several orientations have at most this many slices each.
const FEW: usize = 5;

/// Slices that form one volume, or several that follow one another in time.
#[derive(Debug)]
pub(super) struct Grouped {
    /// At least one, each with at least one slice, ordered along the normal; all have as many slices.
    pub volumes: Vec<Vec<Slice>>,
    /// Series Instance UID, with a number behind it for further stacks of one series.
    pub id: String,
    pub role: Role,
    /// The files of all its slices, also of those that are left out.
    pub files: HashSet<PathBuf>,
    pub checks: Vec<Check>,
}

/// Groups slices that can form one volume: same series, same pixels, parallel planes, same kind. In order of the series'
/// numbers, the stacks of one series from the largest to the smallest.
pub(super) fn group(slices: Vec<Slice>) -> Vec<Grouped> {
    let mut groups: Vec<Vec<Slice>> = Vec::new();
    // Looking only among the groups of the same series keeps this quick for folders with thousands of files.
    let mut of_series: HashMap<String, Vec<usize>> = HashMap::new();
    for slice in slices {
        let known = of_series.entry(slice.image.series.clone()).or_default();
        let fits =
            |&&n: &&usize| groups.get(n).and_then(|g| g.first()).is_some_and(|first| belong_together(first, &slice));
        if let Some(&n) = known.iter().rev().take(MOST_STACKS).find(fits) {
            groups[n].push(slice);
        } else {
            known.push(groups.len());
            groups.push(vec![slice]);
        }
    }
    let split: HashMap<String, Option<Check>> =
        of_series.into_iter().map(|(series, members)| (series, why_split(&groups, &members))).collect();
    // The sort is stable: of equally large stacks, the one whose file comes first by name.
    groups.sort_by_cached_key(|g| {
        let first = g.first().map(|s| (s.image.series_number, s.image.series.clone()));
        (first, Reverse(g.len()))
    });
    let mut seen: HashMap<String, usize> = HashMap::new();
    let most: HashMap<String, usize> =
        groups.iter().rev().filter_map(|g| Some((g.first()?.image.series.clone(), g.len()))).collect();
    let sequences = groups.into_iter().flat_map(sequences).filter_map(|sequence| {
        let first = sequence.volumes.first()?.first()?;
        let series = first.image.series.clone();
        let split = split.get(&series).cloned().flatten();
        // Every series of a few slices in several orientations is one to plan others by.
        let scout = split.as_ref().is_some_and(|c| c.code == "mixed-orientation") && most.get(&series) <= Some(&FEW);
        let role = if scout { Role::Localiser } else { role(first) };
        // A series without a name goes by that of a file.
        let name = if series.is_empty() { first.image.source.name() } else { series.clone() };
        let number = seen.entry(series.clone()).and_modify(|n| *n += 1).or_insert(1);
        let id = if *number == 1 || series.is_empty() { name } else { format!("{name}/{number}") };
        let files = sequence.files();
        let checks = split.into_iter().chain(sequence.checks).collect();
        Some(Grouped { volumes: sequence.volumes, id, role, files, checks })
    });
    sequences.collect()
}

fn belong_together(a: &Slice, b: &Slice) -> bool {
    if !(a.placed && b.placed) {
        return Arc::ptr_eq(&a.image, &b.image);
    }
    same_pixels(a, b) && a.plane.parallel(&b.plane) && a.plane.same_spacing(&b.plane) && a.kind.is(&b.kind)
}

fn same_pixels(a: &Slice, b: &Slice) -> bool {
    let size = |s: &Slice| {
        let layout = s.image.layout;
        (layout.columns, layout.rows, layout.photometric, layout.inverted)
    };
    size(a) == size(b)
}

/// Says that a series holds several stacks, and what they differ in.
fn why_split(groups: &[Vec<Slice>], members: &[usize]) -> Option<Check> {
    let firsts: Vec<&Slice> = members.iter().filter_map(|&n| groups.get(n)?.first()).filter(|s| s.placed).collect();
    let [first, others @ ..] = firsts.as_slice() else { return None };
    if others.is_empty() {
        return None;
    }
    let differs = |same: &dyn Fn(&Slice) -> bool| others.iter().any(|other| !same(other));
    let orientation = differs(&|o| o.plane.parallel(&first.plane));
    let causes = [
        (orientation, "orientation"),
        (differs(&|o| same_pixels(o, first)), "size or kind of pixels"),
        (differs(&|o| o.plane.same_spacing(&first.plane)), "pixel spacing"),
        (differs(&|o| o.kind.image_type == first.kind.image_type), "image type"),
        (differs(&|o| o.kind.segment == first.kind.segment), "segment"),
        (differs(&|o| o.kind.same_echo(&first.kind)), "echo time"),
    ];
    let causes: Vec<&str> = causes.into_iter().filter_map(|(differs, cause)| differs.then_some(cause)).collect();
    let code = if orientation { "mixed-orientation" } else { "split-series" };
    let message =
        format!("The series holds {} stacks of slices that differ in {}.", firsts.len(), causes.join(" and "));
    Some(Check::new(code, message))
}

fn role(first: &Slice) -> Role {
    let description = first.image.description.to_lowercase();
    if !first.placed {
        Role::Picture
    } else if first.image.localiser || ["localizer", "localiser", "scout"].iter().any(|word| description.contains(word))
    {
        Role::Localiser
    } else if matches!(first.image.modality.as_str(), "SEG" | "RTDOSE") {
        Role::Derived
    } else {
        Role::Volume
    }
}

/// The distances from slice to slice along the normal, and the median one.
pub(super) fn steps(stack: &[Slice]) -> Option<(Vec<f64>, f64)> {
    let normal = stack.first()?.plane.normal_lps();
    let steps: Vec<f64> =
        stack.windows(2).map(|pair| (pair[1].plane.position_lps - pair[0].plane.position_lps).dot(normal)).collect();
    let mut sorted = steps.clone();
    sorted.sort_by(f64::total_cmp);
    // Of an even number the lower one: a gap is no measure of spacing.
    let median = *sorted.get(sorted.len().checked_sub(1)? / 2)?;
    Some((steps, median))
}

/// Whether a step is that of an evenly spaced stack.
pub(super) fn even(step: f64, median: f64) -> bool {
    (step / median - 1.0).abs() <= EVEN
}

/// What is irregular about an ordered stack: missing slices, uneven steps, slices that are off the common line, a tilted
/// gantry.
pub(super) fn irregularities(stack: &[Slice]) -> Vec<Check> {
    let ([first, .., last], Some((steps, median))) = (stack, steps(stack)) else { return Vec::new() };
    let normal = first.plane.normal_lps();
    let mean = (last.plane.position_lps - first.plane.position_lps) / steps.len() as f64;
    let off_mm = stack
        .iter()
        .enumerate()
        .map(|(k, s)| s.plane.position_lps.distance(first.plane.position_lps + mean * k as f64))
        .fold(0.0, f64::max);

    let mut checks = Vec::new();
    let mut gaps = Vec::new();
    let mut odd: Vec<f64> = Vec::new();
    for (pair, &step) in stack.windows(2).zip(&steps).filter(|&(_, &step)| !even(step, median)) {
        let missing = (step / median).round() - 1.0;
        if missing >= 1.0 && (step / median - missing - 1.0).abs() <= WHOLE {
            let [from, to] = [&pair[0], &pair[1]].map(|s| s.plane.position_lps.dot(normal));
            gaps.push((missing as usize, format!("{missing} between {from:.1} and {to:.1} mm"), [&pair[0], &pair[1]]));
        } else {
            odd.push(step);
        }
    }
    if !gaps.is_empty() {
        let missing: usize = gaps.iter().map(|(n, ..)| n).sum();
        let named: Vec<&str> = gaps.iter().take(3).map(|(_, gap, _)| gap.as_str()).collect();
        let files = gaps.iter().take(3).flat_map(|(.., neighbours)| neighbours.map(name)).collect();
        let more = if gaps.len() > 3 { format!("; and {} more gaps", gaps.len() - 3) } else { String::new() };
        let verb = if missing == 1 { "slice is" } else { "slices are" };
        let message =
            format!("{missing} {verb} missing: {}{more}. Positions are off by up to {off_mm:.1} mm.", named.join("; "));
        checks.push(Check { files, ..Check::new("missing-slices", message) });
    }
    if !odd.is_empty() {
        let (smallest, largest) = steps.iter().fold((f64::MAX, 0.0_f64), |(s, l), &step| (s.min(step), l.max(step)));
        let message = format!(
            "The slices are unevenly spaced, {smallest:.2} to {largest:.2} mm apart (median {median:.2} mm); \
             positions are off by up to {off_mm:.1} mm."
        );
        checks.push(Check::new("uneven-spacing", message));
    }
    if checks.is_empty() && off_mm > SHIFTED_MM {
        let message = format!("The slices are shifted against each other by up to {off_mm:.1} mm within their plane.");
        checks.push(Check::new("shifted-slices", message));
    }
    let tilt = mean.angle_between(normal).to_degrees();
    if tilt > TILTED_DEGREES && tilt < STEEPEST_DEGREES {
        let message =
            format!("The slices are stacked at a slant of {tilt:.1}° (tilted gantry); the geometry allows for it.");
        checks.push(Check::new("gantry-tilt", message));
    }
    checks
}

/// How a slice is called in a message.
pub(super) fn name(slice: &Slice) -> String {
    let file = slice.image.source.name();
    if slice.image.frames > 1 { format!("frame {} of {file}", slice.frame + 1) } else { file }
}
