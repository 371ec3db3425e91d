//! `antrum picture`: the three planes and the heat map as a PNG, or the sinuses that were found, drawn on the CPU, for
//! machines without a display.

pub(super) mod sinus_sheet;

use super::analyse::{self, Analysed};
use super::source::Choice;
use super::{Failure, guarded, say};
use crate::app::checks;
use crate::app::settings::Settings;
use crate::app::windows::windows;
use crate::image::glyphs;
use crate::image::render::{self, Layer};
use crate::io::{self, Scan};
use crate::methods::residual::InferConfig;
use crate::methods::sinus;
use crate::space::Plane;
use crate::view::{Frame, Interpolation, Overlay, Picture, PlaneCamera, Slab, SliceView, Window};
use crate::volume::Volume;
use glam::{DVec2, DVec3};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Draw the three planes through the sinuses, with the heat map, into a PNG
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A NIfTI or DICOM file, a DICOM folder, DICOMDIR or ZIP archive [default: the synthetic example]
    path: Option<PathBuf>,
    #[command(flatten)]
    choice: Choice,
    /// Instead of the map: the boxes that were found and the outlines of the cavities, on planes through each sinus
    #[arg(long)]
    sinuses: bool,
    /// Folder with the weights that find them, as for `antrum find` [default: the built-in ones]
    #[arg(long, value_name = "DIR", requires = "sinuses")]
    weights: Option<PathBuf>,
    /// The picture to write
    #[arg(long, value_name = "FILE.png")]
    out: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (path, choice, out) = (args.path.clone(), args.choice.clone(), args.out.clone());
    let (only_sinuses, weights) = (args.sinuses, args.weights.clone());
    guarded("drawing", move |progress| {
        if only_sinuses {
            return sinus_sheet::draw(path.as_slice(), &choice, weights.as_deref(), &out, progress);
        }
        let model = analyse::model(None, None)?;
        let analysed = analyse::analysed(path.as_slice(), &choice, &model, InferConfig::default(), progress)?;
        draw(&analysed, &out)
    })?;
    say(format_args!("picture {}", args.out.display()))
}

/// What `antrum` does where no window can be shown: analysis and picture into the folder `antrum-output`.
///
/// # Errors
/// As the subcommands it stands for.
pub fn instead_of_window(paths: &[PathBuf]) -> Result<(), Failure> {
    let out = Path::new("antrum-output");
    say(format_args!("There is no display, so instead of a window you get files in {}:", out.display()))?;
    let picture = out.join("picture.png");
    let (paths, target) = (paths.to_owned(), picture.clone());
    let report = guarded("analysing", move |progress| {
        let model = analyse::model(None, None)?;
        let analysed = analyse::analysed(&paths, &Choice::default(), &model, InferConfig::default(), progress)?;
        let report = analysed.write(&paths, out)?;
        draw(&analysed, &target)?;
        Ok(report)
    })?;
    analyse::print(&report)?;
    say(format_args!("  picture {}", picture.display()))?;
    say("See antrum --help for what else runs without a display.")
}

/// Edge of one plane in pixels.
const EDGE: usize = 480;

/// Draws the planes between the two sinuses.
fn draw(analysed: &Analysed, out: &Path) -> Result<(), Failure> {
    let grid = &analysed.scan.volume.grid;
    let cross_mm = sinus::middle(&analysed.sinuses).unwrap_or_else(|| grid.centre_mm());
    let picture = planes(&analysed.scan, &analysed.analysis.map, cross_mm);
    Ok(io::picture::write(out, &picture)?)
}

/// Axial, coronal and sagittal side by side, each showing the whole scan.
fn planes(scan: &Scan, map: &Arc<Volume>, cross_mm: DVec3) -> Picture {
    let bounds_mm = scan.volume.grid.bounds_mm();
    let layers = [Layer { volume: Arc::clone(map), overlay: Overlay::default() }];
    side_by_side(&Plane::ALL.map(|plane| {
        let camera = PlaneCamera::fitting(&Frame::default(), plane, bounds_mm, DVec2::splat(EDGE as f64));
        let view = slice_view(scan, plane, &camera, cross_mm, EDGE);
        let mut picture = render::slice(&scan.volume, &layers, &view, [EDGE; 2]);
        letters(&mut picture, scan, plane);
        picture
    }))
}

/// What a plane shows in a picture of `edge` pixels, with the window that a scan opens with.
fn slice_view(scan: &Scan, plane: Plane, camera: &PlaneCamera, cross_mm: DVec3, edge: usize) -> SliceView {
    let window =
        windows(scan, &Settings::default()).first().map_or(Window::between(0.0, 1.0), |(_, window)| window.clone());
    SliceView {
        world_from_pane: camera.world_from_pane(&Frame::default(), plane, DVec2::splat(edge as f64), cross_mm),
        window,
        interpolation: Interpolation::Linear,
        slab: Slab::default(),
    }
}

/// The letters of the patient's sides at the edges of a plane, where they are known.
fn letters(picture: &mut Picture, scan: &Scan, plane: Plane) {
    let known = checks::orientation_known(scan);
    let [left, right, top, bottom] = Frame::default().edge_letters(plane);
    let [width, height] = picture.size;
    let (x, y) = (width / 2, height / 2);
    for (letter, at) in [(left, [18, y]), (right, [width - 18, y]), (top, [x, 18]), (bottom, [x, height - 18])] {
        glyphs::draw(picture, if known { &letter } else { "?" }, at);
    }
}

/// Pictures of one size in a row.
fn side_by_side(parts: &[Picture; 3]) -> Picture {
    let [width, height] = parts[0].size;
    let lines = (0..height).flat_map(|y| parts.iter().map(move |part| &part.rgba[4 * y * width..4 * (y + 1) * width]));
    Picture { size: [parts.len() * width, height], rgba: lines.flatten().copied().collect() }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app;
    use crate::io::Check;
    use crate::job::Progress;

    /// The part of the axial plane around a letter.
    fn patch(picture: &Picture, x: usize) -> Vec<[u8; 4]> {
        let middle = EDGE / 2;
        (middle - 8..middle + 8).flat_map(|y| (x - 7..x + 7).filter_map(move |x| picture.pixel(x, y))).collect()
    }

    #[test]
    fn sides_are_lettered_only_where_they_are_known() {
        let mut scan = app::example(&Progress::default()).unwrap();
        let count = scan.volume.grid.count();
        Arc::make_mut(&mut scan.volume).voxels = crate::volume::Voxels::U8(vec![0; count]);
        let letters = |scan: &Scan| {
            let picture = planes(scan, &scan.volume, scan.volume.grid.centre_mm());
            [patch(&picture, 18), patch(&picture, EDGE - 18)]
        };
        let [right, left] = letters(&scan);
        assert_ne!(right, left, "R and L");
        scan.checks = vec![Check::new("no-orientation", "")];
        let [one, other] = letters(&scan);
        assert_eq!(one, other, "two question marks");
        assert!(one != right && one != left);
    }
}
