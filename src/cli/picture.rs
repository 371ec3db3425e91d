//! `antrum picture`: the three planes and the heat map as a PNG, drawn on the CPU, for machines without a display.

use super::{Failure, analyse, guarded, open};
use crate::app::report;
use crate::app::state::{OpenScan, State};
use crate::image::render::{self, Picture};
use crate::io::Scan;
use crate::methods::residual::{InferConfig, Model};
use crate::methods::sinus::{self, FinderConfig, Presence};
use crate::nets;
use crate::space::Plane;
use crate::view::{Overlay, SliceView};
use crate::volume::Volume;
use glam::{DVec2, DVec3};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Draw the three planes through the sinuses, with the heat map, into a PNG
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A NIfTI file or a folder with a DICOM series [default: the synthetic example]
    path: Option<PathBuf>,
    /// The picture to write
    #[arg(long, value_name = "FILE.png")]
    out: PathBuf,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    draw(args.path.as_deref(), &args.out)?;
    println!("picture {}", args.out.display());
    Ok(())
}

/// What `antrum` does where no window can be shown: analysis and picture into the folder `antrum-output`.
///
/// # Errors
/// As the subcommands it stands for.
pub fn instead_of_window(path: Option<&Path>) -> Result<(), Failure> {
    let out = Path::new("antrum-output");
    println!("There is no display, so instead of a window you get files in {}:", out.display());
    let report = analyse::one(path, out, None, InferConfig::default())?;
    for finding in &report.findings {
        println!("  patient {:<5}  residual {:.4}, P{:.0}", finding.side.name(), finding.score, finding.percentile);
    }
    let picture = out.join("picture.png");
    draw(path, &picture)?;
    println!("  picture {}", picture.display());
    println!("See antrum --help for what else runs without a display.");
    Ok(())
}

/// Edge of one plane in pixels.
const EDGE: usize = 480;

fn draw(path: Option<&Path>, out: &Path) -> Result<(), Failure> {
    let (path, out) = (path.map(Path::to_owned), out.to_owned());
    guarded("drawing", move |progress| {
        let scan = Arc::new(open(path.as_deref(), &progress.part(0.0, 0.4))?);
        let sinuses = sinus::find(&scan.volume, &FinderConfig::default(), &progress.part(0.4, 0.6))?;
        let model = Model::built_in(&nets::cpu())?;
        let part = progress.part(0.6, 0.9);
        let analysis = report::analyse(&scan.volume, &sinuses, &model, InferConfig::default(), &part)?;
        let seen: Vec<DVec3> = sinuses.iter().filter(|s| s.present != Presence::Absent).map(|s| s.centre_mm).collect();
        let middle = seen.iter().sum::<DVec3>() / seen.len().max(1) as f64;
        let cross = if seen.is_empty() { scan.volume.grid.centre_mm() } else { middle };
        let picture = planes(&scan, &analysis.map, cross);
        let [width, height] = picture.size;
        image::save_buffer(&out, &picture.rgba, width as u32, height as u32, image::ColorType::Rgba8).map_err(|e| {
            format!("the picture cannot be written ({e}); check folder and free space: {}", out.display())
        })?;
        Ok(())
    })?;
    Ok(())
}

/// Axial, coronal and sagittal side by side.
fn planes(scan: &Arc<Scan>, map: &Volume, cross_mm: DVec3) -> Picture {
    let mut state = State::default();
    state.scan = Some(OpenScan::new(Arc::clone(scan)));
    state.view.window = state.scan.as_ref().map_or(state.view.window, |open| open.windows[0].1);
    for pane in &mut state.view.planes {
        pane.centre_mm = scan.volume.grid.centre_mm();
    }
    let size = DVec2::splat(EDGE as f64);
    let mut whole = Picture { size: [3 * EDGE, EDGE], rgba: vec![0; 3 * EDGE * EDGE * 4] };
    for (column, plane) in Plane::ALL.into_iter().enumerate() {
        let Some(camera) = state.plane_camera(plane, size) else { continue };
        let view = SliceView {
            world_from_pane: camera.world_from_pane(plane, size, cross_mm),
            window: state.view.window,
            linear: true,
            overlay: Some(Overlay::default()),
        };
        let part = render::slice(&scan.volume, Some(map), &view, [EDGE, EDGE]);
        for (row, line) in part.rgba.chunks(4 * EDGE).enumerate() {
            let start = 4 * (row * 3 * EDGE + column * EDGE);
            whole.rgba[start..start + 4 * EDGE].copy_from_slice(line);
        }
    }
    whole
}
