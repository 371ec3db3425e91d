//! Slices that belong together, sorted into volumes: by their place along the normal, and at the same place by time.

use super::series::name;
use super::slice::Slice;
use crate::io::Check;
use std::cmp::Reverse;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;

/// Slices nearer than this are at the same place.
const SAME_PLACE_MM: f64 = 0.01;
/// From slice to slice a tilted gantry shifts the field of view by at most this share of the step.
const STEEPEST: f64 = 0.6;
/// The field of view may wander by this much with the patient.
const WANDER_MM: f64 = 5.0;
/// More fields of view than this are no more told apart.
const MOST_FIELDS: usize = 32;

/// Volumes that follow one another, all made of slices at the same places.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// At least one, each with at least one slice, ordered along the normal; all have as many slices.
    pub volumes: Vec<Vec<Slice>>,
    /// Slices that belong here but are in no volume.
    pub left_out: Vec<Slice>,
    pub checks: Vec<Check>,
}

impl Sequence {
    /// The files of all its slices, also of those that are left out.
    pub fn files(&self) -> HashSet<PathBuf> {
        let slices = self.volumes.iter().flatten().chain(&self.left_out);
        slices.map(|s| s.image.source.path().to_owned()).collect()
    }
}

/// The sequences that slices of one series and kind form. Pictures without a place follow one another.
pub(super) fn sequences(slices: Vec<Slice>) -> Vec<Sequence> {
    if slices.iter().any(|s| !s.placed) {
        let volumes = slices.into_iter().map(|slice| vec![slice]).collect();
        return vec![Sequence { volumes, ..Sequence::default() }];
    }
    fields_of_view(slices).into_iter().flat_map(in_time).collect()
}

fn along(slice: &Slice) -> f64 {
    slice.plane.position_lps.dot(slice.plane.normal_lps())
}

/// Slices one behind the other, as opposed to side by side.
fn fields_of_view(mut slices: Vec<Slice>) -> Vec<Vec<Slice>> {
    slices.sort_by(|a, b| along(a).total_cmp(&along(b)));
    let mut fields: Vec<Vec<Slice>> = Vec::new();
    for slice in slices {
        let aside = |field: &Vec<Slice>| {
            let last = field.last()?;
            let step = slice.plane.position_lps - last.plane.position_lps;
            let depth = step.dot(slice.plane.normal_lps());
            let aside_mm = step.reject_from_normalized(slice.plane.normal_lps()).length();
            Some((aside_mm, aside_mm <= STEEPEST * depth.abs() + WANDER_MM))
        };
        let nearest = fields.iter().enumerate().filter_map(|(n, field)| Some((n, aside(field)?)));
        let nearest = nearest.min_by(|(_, (a, _)), (_, (b, _))| a.total_cmp(b));
        match nearest {
            Some((n, (_, fits))) if fits || fields.len() >= MOST_FIELDS => fields[n].push(slice),
            _ => fields.push(vec![slice]),
        }
    }
    fields
}

/// Volumes of one field of view.
fn in_time(slices: Vec<Slice>) -> Vec<Sequence> {
    let all = slices.len();
    let (mut left_out, mut doubles, mut checks) = (Vec::new(), Vec::new(), Vec::new());
    let mut places = places(slices, &mut left_out);
    if !left_out.is_empty() {
        let message = format!("{} of {all} slices are copies of others and are left out.", left_out.len());
        checks.push(duplicates(message, &left_out));
    }
    for here in &mut places {
        here.sort_by(|a, b| (a.order, a.image.source.path()).cmp(&(b.order, b.image.source.path())));
    }
    if common_count(&places).is_none() {
        // A slice that was sent twice has the same number in time, whatever else it is called.
        for here in &mut places {
            let (once, again) = once(std::mem::take(here));
            *here = once;
            doubles.extend(again);
        }
    }
    let kept = match common_count(&places) {
        Some(count) => vec![in_turn(places, count)],
        None => by_time(places, &mut doubles),
    };
    if !doubles.is_empty() {
        let message = format!("{} of {all} slices lie where another one does and are left out.", doubles.len());
        checks.push(duplicates(message, &doubles));
    }
    left_out.extend(doubles);
    if kept.len() > 1 {
        let message = "Not all volumes of the series have the same slices; those that do are listed together.";
        checks.push(Check::new("incomplete-volumes", message));
    }
    let sequences = kept.into_iter().map(|volumes| Sequence {
        volumes,
        left_out: std::mem::take(&mut left_out),
        checks: checks.clone(),
    });
    sequences.collect()
}

/// Volumes from places that were all taken `count` times: the first slice of each, the second, ...
fn in_turn(places: Vec<Vec<Slice>>, count: usize) -> Vec<Vec<Slice>> {
    let mut volumes: Vec<Vec<Slice>> = (0..count).map(|_| Vec::with_capacity(places.len())).collect();
    for here in places {
        volumes.iter_mut().zip(here).for_each(|(volume, slice)| volume.push(slice));
    }
    volumes
}

/// Volumes from places that were not taken equally often: the time or the acquisition says what belongs together. Those
/// with slices at the same places form a group; what belongs to none goes to `doubles`.
fn by_time(places: Vec<Vec<Slice>>, doubles: &mut Vec<Slice>) -> Vec<Vec<Vec<Slice>>> {
    let differs = |key: usize| places.iter().flatten().map(|s| s.order[key]).collect::<HashSet<_>>().len() > 1;
    let key = [0, 1].into_iter().find(|&key| differs(key));
    let mut by_time: BTreeMap<i64, BTreeMap<usize, Slice>> = BTreeMap::new();
    for (place, here) in places.into_iter().enumerate() {
        for slice in here {
            let volume = by_time.entry(key.map_or(0, |key| slice.order[key])).or_default();
            match volume.entry(place) {
                Entry::Vacant(entry) => drop(entry.insert(slice)),
                Entry::Occupied(_) => doubles.push(slice),
            }
        }
    }
    let mut by_places: Vec<(Vec<usize>, Vec<Vec<Slice>>)> = Vec::new();
    for volume in by_time.into_values() {
        let at: Vec<usize> = volume.keys().copied().collect();
        let volume = volume.into_values().collect();
        match by_places.iter_mut().find(|(same, _)| *same == at) {
            Some((_, volumes)) => volumes.push(volume),
            None => by_places.push((at, vec![volume])),
        }
    }
    by_places.sort_by_key(|(at, volumes)| Reverse(at.len() * volumes.len()));
    // A few slices that were taken again are no volume.
    let whole = by_places.first().map(|(at, _)| at.clone()).unwrap_or_default();
    let again = |at: &[usize]| 2 * at.len() < whole.len() && at.iter().all(|place| whole.contains(place));
    let (scraps, kept): (Vec<_>, Vec<_>) = by_places.into_iter().partition(|(at, _)| again(at));
    doubles.extend(scraps.into_iter().flat_map(|(_, volumes)| volumes).flatten());
    kept.into_iter().map(|(_, volumes)| volumes).collect()
}

/// How many slices there are at every place, if it is the same number everywhere.
fn common_count(places: &[Vec<Slice>]) -> Option<usize> {
    let count = places.first()?.len();
    places.iter().all(|here| here.len() == count).then_some(count)
}

/// Slices that are sorted by time, without those that have the same time as the one before, and the latter.
fn once(slices: Vec<Slice>) -> (Vec<Slice>, Vec<Slice>) {
    let (mut once, mut again): (Vec<Slice>, Vec<Slice>) = (Vec::new(), Vec::new());
    for slice in slices {
        let same = once.last().is_some_and(|last| last.order == slice.order);
        if same { again.push(slice) } else { once.push(slice) }
    }
    (once, again)
}

fn duplicates(message: String, slices: &[Slice]) -> Check {
    Check { files: slices.iter().take(3).map(name).collect(), ..Check::new("duplicate-slices", message) }
}

/// Slices by their place along the normal. Copies of an image at its own place go to `copies`.
fn places(slices: Vec<Slice>, copies: &mut Vec<Slice>) -> Vec<Vec<Slice>> {
    let mut seen = HashSet::new();
    let mut places: Vec<Vec<Slice>> = Vec::new();
    for slice in slices {
        let at = (slice.plane.position_lps / SAME_PLACE_MM).round().to_array().map(|c| c as i64);
        if !slice.image.instance_uid.is_empty() && !seen.insert((slice.image.instance_uid.clone(), slice.frame, at)) {
            copies.push(slice);
            continue;
        }
        match places.last_mut() {
            Some(here) if here.last().is_some_and(|last| along(&slice) - along(last) < SAME_PLACE_MM) => {
                here.push(slice);
            }
            _ => places.push(vec![slice]),
        }
    }
    places
}
