//! `antrum info`: what a scan is, and what is odd about it.

use super::{Failure, guarded, open, print_json, say};
use crate::io::{Check, Scan};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Tell what a scan is: geometry, stored type, values, and what is odd about it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// A NIfTI file or a folder with a DICOM series
    path: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Info<'a> {
    file: String,
    format: &'static str,
    modality: &'a str,
    size: [usize; 3],
    spacing_mm: [f64; 3],
    /// Rows of the matrix; the world is RAS+ mm.
    world_from_voxel: [[f64; 4]; 4],
    axes: String,
    stored_type: &'static str,
    unit: &'static str,
    min: f64,
    max: f64,
    mean: f64,
    sha256: &'a str,
    checks: &'a [Check],
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let path = args.path.clone();
    let scan = guarded("opening", move |progress| open(Some(&path), progress))?;
    let info = describe(&scan, &args.path);
    if args.json {
        return print_json(&info);
    }
    let [nx, ny, nz] = info.size;
    let [sx, sy, sz] = info.spacing_mm;
    say(format_args!("{}", info.file))?;
    say(format_args!("  format    {} {}", info.format, info.modality))?;
    say(format_args!("  size      {nx} × {ny} × {nz} voxels, {sx:.3} × {sy:.3} × {sz:.3} mm, axes {}", info.axes))?;
    say(format_args!(
        "  values    {} from {:.6} to {:.6}, mean {:.6} {}",
        info.stored_type, info.min, info.max, info.mean, info.unit
    ))?;
    say(format_args!("  world (RAS+ mm) from voxel"))?;
    for row in &info.world_from_voxel[..3] {
        say(format_args!("    {:>12.5} {:>12.5} {:>12.5} {:>12.5}", row[0], row[1], row[2], row[3]))?;
    }
    for check in info.checks {
        say(format_args!("  note      {}", check.message))?;
    }
    Ok(())
}

fn describe<'a>(scan: &'a Scan, path: &Path) -> Info<'a> {
    let grid = &scan.volume.grid;
    let (m, t) = (grid.world_from_voxel.matrix3.transpose(), grid.world_from_voxel.translation);
    let row = |axis: glam::DVec3, offset: f64| [axis.x, axis.y, axis.z, offset];
    let statistics = scan.volume.statistics();
    Info {
        file: path.display().to_string(),
        format: scan.format.name(),
        modality: &scan.modality,
        size: grid.size,
        spacing_mm: grid.spacing_mm().to_array(),
        world_from_voxel: [row(m.x_axis, t.x), row(m.y_axis, t.y), row(m.z_axis, t.z), [0.0, 0.0, 0.0, 1.0]],
        axes: grid.axis_letters().iter().collect(),
        stored_type: scan.volume.voxels.type_name(),
        unit: scan.volume.unit.symbol(),
        min: statistics.min,
        max: statistics.max,
        mean: statistics.mean,
        sha256: &scan.sha256,
        checks: &scan.checks,
    }
}
