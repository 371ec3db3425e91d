//! What was found, to be judged at a glance: boxes and outlines of the cavities over the whole head, then around each
//! sinus. What was counted as not air is tinted.

use super::{letters, side_by_side, slice_view};
use crate::app::checks;
use crate::cli::Failure;
use crate::cli::find::finder;
use crate::cli::source::Choice;
use crate::image::glyphs;
use crate::image::outline::{draw_line, outline};
use crate::image::render::{self, Layer};
use crate::io::{self, Scan};
use crate::job::Progress;
use crate::methods::sinus::{Cavity, Crop, Presence, Sinus, cavity, middle};
use crate::space::{Plane, Side};
use crate::view::{ColourMap, Frame, Overlay, Picture, PlaneCamera, SliceView, side_colour};
use glam::{DVec2, DVec3};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Edge of one plane in pixels.
const EDGE: usize = 400;
/// How much of the head is around a sinus.
const AROUND_MM: f64 = 2.0 * Crop::SIDE_MM;
/// A sagittal plane farther from the middle of a sinus is not of that sinus, though its cube reaches to the nose.
const SAGITTAL_MM: f64 = 20.0;

/// Finds the sinuses of a scan and draws them.
pub(super) fn draw(
    paths: &[PathBuf],
    choice: &Choice,
    weights: Option<&Path>,
    out: &Path,
    progress: &Progress,
) -> Result<(), Failure> {
    let scan = choice.read_or_example(paths, &progress.part(0.0, 0.4))?;
    let finder = finder(weights)?;
    let sinuses = finder.find(&scan.volume, &progress.part(0.4, 0.7))?;
    let cavities = cavity::measure(&finder, &scan.volume, &sinuses, &progress.part(0.7, 0.9))?;
    progress.step(0.9, "drawing")?;
    Ok(io::picture::write(out, &sheet(&scan, &sinuses, &cavities))?)
}

/// A row of planes through the middle of both sinuses, then one through each that is in view, the right one first.
pub(in crate::cli) fn sheet(scan: &Scan, sinuses: &[Sinus; 2], cavities: &[Option<Cavity>; 2]) -> Picture {
    let bounds_mm = scan.volume.grid.bounds_mm();
    let there = Side::BOTH.map(|side| sinuses[side.index()]).into_iter().filter(|s| s.present != Presence::Absent);
    let there: Vec<Sinus> = there.collect();
    let layers = |overlay: Overlay| {
        let layer = move |cavity: &Cavity| Layer { volume: Arc::new(cavity.labels.clone()), overlay };
        cavities.iter().flatten().map(move |cavity| (cavity.side, layer(cavity)))
    };
    let outlines: Vec<_> = layers(Overlay { threshold: 0.5, ..Overlay::default() }).collect();
    let content =
        Overlay { colours: ColourMap::Cividis, opacity: 0.35, threshold: 1.5, high: 2.0, ..Overlay::default() };
    let content: Vec<_> = layers(content).map(|(_, layer)| layer).collect();
    let row = |cross_mm: DVec3, camera: &dyn Fn(Plane) -> PlaneCamera| {
        side_by_side(&Plane::ALL.map(|plane| {
            let view = slice_view(scan, plane, &camera(plane), cross_mm, EDGE);
            let mut picture = render::slice(&scan.volume, &content, &view, [EDGE; 2]);
            for (side, layer) in &outlines {
                for piece in outline(layer, &view, DVec2::splat(EDGE as f64)) {
                    draw_line(&mut picture, piece, 1.5, side_colour(*side));
                }
            }
            let known = checks::orientation_known(scan);
            for sinus in &there {
                let away_mm = (cross_mm - sinus.centre_mm).dot(plane.normal()).abs();
                if away_mm <= if plane == Plane::Sagittal { SAGITTAL_MM } else { Crop::SIDE_MM / 2.0 } {
                    draw_box(&mut picture, sinus, &view, known);
                }
            }
            letters(&mut picture, scan, plane);
            picture
        }))
    };
    // As the window opens: between both, but with one of them in the sagittal plane.
    let cross_mm = match (middle(sinuses), there.first()) {
        (Some(middle_mm), Some(first)) => DVec3 { x: first.centre_mm.x, ..middle_mm },
        _ => bounds_mm.centre(),
    };
    let fitting = |plane| PlaneCamera::fitting(&Frame::default(), plane, bounds_mm, DVec2::splat(EDGE as f64));
    let mut whole = row(cross_mm, &fitting);
    for sinus in &there {
        let camera = PlaneCamera { centre_mm: sinus.centre_mm, mm_per_point: AROUND_MM / EDGE as f64 };
        let part = row(sinus.centre_mm, &|_| camera);
        whole.size[1] += part.size[1];
        whole.rgba.extend(part.rgba);
    }
    whole
}

/// The frame of a box, with the letter of the patient's side in its upper outer corner.
fn draw_box(picture: &mut Picture, sinus: &Sinus, view: &SliceView, known: bool) {
    let pane_from_world = view.world_from_pane.inverse();
    let corner = |p: DVec3| pane_from_world.transform_point3(p).truncate();
    let (a, b) = (corner(sinus.box_mm.min), corner(sinus.box_mm.max));
    let (low, high) = (a.min(b), a.max(b));
    let around = [low, DVec2::new(high.x, low.y), high, DVec2::new(low.x, high.y)];
    for n in 0..4 {
        draw_line(picture, [around[n], around[(n + 1) % 4]], 1.5, side_colour(sinus.side));
    }
    // Patient right is on the left of the picture; in the sagittal plane both letters keep their corners.
    let x = if sinus.side == Side::Right { low.x + 12.0 } else { high.x - 12.0 };
    let letter = if known { sinus.side.letter() } else { '?' };
    glyphs::draw(picture, &letter.to_string(), [x, low.y + 14.0].map(|p| p.max(0.0) as usize));
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::space::Grid;
    use crate::volume::{Unit, Volume};
    use std::ops::Range;

    /// The first and the last column of the axial plane in which the colour of a side is: orange right, blue left.
    fn columns(picture: &Picture, rows: Range<usize>, side: Side) -> (usize, usize) {
        let is_there = |x: usize, y: usize| {
            let [r, _, b, _] = picture.pixel(x, y).unwrap().map(i16::from);
            if side == Side::Right { r > b + 40 } else { b > r + 40 }
        };
        let found = rows.flat_map(|y| (0..EDGE).filter(move |&x| is_there(x, y)));
        found.fold((usize::MAX, 0), |(low, high), x| (low.min(x), high.max(x)))
    }

    #[test]
    fn the_right_sinus_is_on_the_left_of_the_picture_in_its_colour_and_an_absent_one_has_no_row() {
        let grid = Grid::centred([100; 3], 2.0, DVec3::ZERO);
        let scan = Scan::synthetic(Volume::from_f32(grid, vec![1.0; grid.count()], Unit::Arbitrary), "", String::new());
        let placed = |side: Side| Sinus::placed(side, DVec3::new(40.0 * side.sign(), 0.0, 0.0), &grid);
        let sinuses = [Side::Left, Side::Right].map(placed);
        let picture = sheet(&scan, &sinuses, &[None, None]);
        assert_eq!(picture.size, [3 * EDGE, 3 * EDGE]);
        let ((_, right_end), (left_start, _)) =
            (columns(&picture, 0..EDGE, Side::Right), columns(&picture, 0..EDGE, Side::Left));
        assert!(right_end < EDGE / 2 && left_start > EDGE / 2, "{right_end} {left_start}");
        // The second row is around the right sinus: its box fills the middle half.
        assert_eq!(columns(&picture, EDGE..2 * EDGE, Side::Right), (EDGE / 4 - 1, 3 * EDGE / 4));

        let left = Sinus { present: Presence::Absent, ..sinuses[0] };
        assert_eq!(sheet(&scan, &[left, sinuses[1]], &[None, None]).size, [3 * EDGE, 2 * EDGE]);
    }
}
