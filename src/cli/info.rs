//! `antrum info`: what a scan is, and what is odd about it; or which series there are.

use super::source::{Choice, Selection};
use super::{Failure, guarded, print_json, say, shown_name};
use crate::io::{Check, Role, Scan, Series};
use crate::view::Window;
use serde::Serialize;
use std::path::PathBuf;

/// Tell what a scan is: geometry, stored type, values, and what is odd about it
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// NIfTI or DICOM files, a DICOM folder, DICOMDIR or ZIP archive, a PNG or JPEG picture
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    choice: Choice,
    /// List all series instead, reading headers only
    #[arg(long)]
    list: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Info<'a> {
    file: String,
    /// As `--series` takes it.
    series: &'a str,
    format: &'static str,
    modality: &'a str,
    size: [usize; 3],
    spacing_mm: [f64; 3],
    /// Rows of the matrix; the world is RAS+ mm.
    world_from_voxel: [[f64; 4]; 4],
    axes: String,
    /// How many volumes follow one another, and which of them this is, from 1.
    volumes: usize,
    volume: usize,
    stored_type: &'static str,
    unit: &'static str,
    min: f64,
    max: f64,
    mean: f64,
    /// Those stored in the file.
    windows: Vec<NamedWindow<'a>>,
    sha256: &'a str,
    checks: &'a [Check],
}

#[derive(Serialize)]
struct NamedWindow<'a> {
    name: &'a str,
    #[serde(flatten)]
    window: WindowInfo,
}

/// A window without the entries of its table.
#[derive(Serialize)]
struct WindowInfo {
    centre: f64,
    width: f64,
    /// As the standard calls it.
    function: &'static str,
    inverted: bool,
}

impl From<&Window> for WindowInfo {
    fn from(window: &Window) -> Self {
        let Window { centre, width, inverted, .. } = *window;
        Self { centre, width, function: window.function.name(), inverted }
    }
}

#[derive(Serialize)]
struct List<'a> {
    file: String,
    series: Vec<Listed<'a>>,
}

/// One series, as `--list` tells it.
#[derive(Serialize)]
struct Listed<'a> {
    id: &'a str,
    format: &'static str,
    modality: &'a str,
    size: [usize; 3],
    volumes: usize,
    files: usize,
    role: &'static str,
    description: &'a str,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let (paths, choice) = (args.paths.clone(), args.choice.clone());
    let file = shown_name(&args.paths);
    if args.list {
        let Selection { catalogue, .. } = guarded("listing", move |progress| choice.browse(&paths, progress))?;
        return list(file, catalogue.series(), args.json);
    }
    let (selection, scan) = guarded("opening", move |progress| choice.read(&paths, progress))?;
    let all = selection.catalogue.series();
    let id = selection.id();
    let info = describe(&scan, id, file);
    if args.json { print_json(&info) } else { print(&info, all.len()) }
}

fn print(info: &Info<'_>, series: usize) -> Result<(), Failure> {
    let [nx, ny, nz] = info.size;
    let [sx, sy, sz] = info.spacing_mm;
    say(&info.file)?;
    say(format_args!("  format    {} {}", info.format, info.modality))?;
    if series > 1 {
        say(format_args!("  series    {}, one of {series}; --list shows all", info.series))?;
    }
    if info.volumes > 1 {
        say(format_args!("  volume    {} of {}", info.volume, info.volumes))?;
    }
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
        let files = if check.files.is_empty() { String::new() } else { format!(" ({})", check.files.join(", ")) };
        say(format_args!("  note      {}{files}", check.message))?;
    }
    Ok(())
}

fn list(file: String, series: &[Series], json: bool) -> Result<(), Failure> {
    let series: Vec<Listed<'_>> = series.iter().map(listed).collect();
    if json {
        return print_json(&List { file, series });
    }
    say(file)?;
    for entry in series {
        let [nx, ny, nz] = entry.size;
        say(format_args!("  {}  {}  {}", entry.role, entry.modality, entry.description))?;
        say(format_args!(
            "    {nx} × {ny} × {nz}, {} {}, {} {}",
            entry.volumes,
            if entry.volumes == 1 { "volume" } else { "volumes" },
            entry.files,
            if entry.files == 1 { "file" } else { "files" },
        ))?;
        say(format_args!("    --series {}", entry.id))?;
    }
    Ok(())
}

fn listed(series: &Series) -> Listed<'_> {
    Listed {
        id: &series.id,
        format: series.format.name(),
        modality: &series.modality,
        size: series.size,
        volumes: series.frames,
        files: series.files,
        role: match series.role {
            Role::Volume => "volume",
            Role::Derived => "derived",
            Role::Localiser => "localiser",
            Role::Picture => "picture",
        },
        description: &series.description,
    }
}

fn describe<'a>(scan: &'a Scan, series: &'a str, file: String) -> Info<'a> {
    let grid = &scan.volume.grid;
    let (m, t) = (grid.world_from_voxel.matrix3.transpose(), grid.world_from_voxel.translation);
    let row = |axis: glam::DVec3, offset: f64| [axis.x, axis.y, axis.z, offset];
    let statistics = scan.volume.statistics();
    Info {
        file,
        series,
        format: scan.format.name(),
        modality: &scan.modality,
        size: grid.size,
        spacing_mm: grid.spacing_mm().to_array(),
        world_from_voxel: [row(m.x_axis, t.x), row(m.y_axis, t.y), row(m.z_axis, t.z), [0.0, 0.0, 0.0, 1.0]],
        axes: grid.axis_letters().iter().collect(),
        volumes: scan.frames,
        volume: scan.frame + 1,
        stored_type: scan.volume.voxels.type_name(),
        unit: scan.volume.unit.symbol(),
        min: statistics.min,
        max: statistics.max,
        mean: statistics.mean,
        windows: scan.windows.iter().map(|(name, window)| NamedWindow { name, window: window.into() }).collect(),
        sha256: &scan.sha256,
        checks: &scan.checks,
    }
}
