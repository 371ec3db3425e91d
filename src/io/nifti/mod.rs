//! NIfTI-1 and NIfTI-2: a header and voxels, in one file or in a pair of files, often compressed with gzip. Also
//! Analyze 7.5, the pair that NIfTI grew out of.
//!
//! Rules are those of the standard's `nifti1.h` and `nifti2.h`. Reading never trusts a header: sizes are compared with
//! the bytes that are there before anything is allocated.

mod affine;
mod gzip;
mod header;
mod names;
mod stream;
#[cfg(test)]
mod tests;
mod write;

pub(super) use header::HEADER_SIZE;
pub(super) use names::{header_of_pair, is_image_name, stem};
pub use write::{write, write_scan};

use super::source::Source;
use super::{Check, Fault, Format, OpenError, ReadOptions, Role, Scan, Series};
use crate::job::{Cancelled, Progress};
use crate::view::Window;
use crate::volume::{Unit, Volume};
use header::{Header, Layout};
use std::io::BufRead;
use std::path::Path;
use stream::{GZIP, Load, Stream, read_fault};

/// How much of a compressed file is read to find its header: enough but for the oddest; then more; then still more.
const STARTS: [u64; 3] = [4 << 10, 128 << 10, 4 << 20];
/// Smaller volumes are there before anyone could look at a preview.
const WORTH_A_PREVIEW: usize = 16 << 20;
/// Memory that is asked for at once: this, and so many times the compressed file. Scans rarely shrink to less.
const LIKELY: (usize, usize) = (64 << 20, 8);

/// Whether the first [`HEADER_SIZE`] bytes may be those of a NIfTI file of any kind.
pub(super) fn looks_like(start: &[u8]) -> bool {
    start.starts_with(&GZIP) || header::is_header(start)
}

/// The header alone.
fn header(source: &Source) -> Result<Header, Fault> {
    let unread = |_| Fault::Damaged("it cannot be read".to_owned());
    let mut header = Err(Fault::Cancelled(Cancelled));
    for wanted in STARTS {
        let start = source.start(wanted).map_err(unread)?;
        header = Header::read(&mut Stream::new(start.as_slice()));
        if !matches!(header, Err(Fault::Damaged(_))) || (start.len() as u64) < wanted {
            break;
        }
    }
    header
}

/// What the header says; no voxel is read.
pub(super) fn series(source: &Source) -> Result<Series, Fault> {
    let header = header(source)?;
    image(source, &header)?;
    let (size, frames) = header.size_and_frames()?;
    stream::width(header.datatype)?;
    Ok(Series {
        id: source.name(),
        format: Format::Nifti,
        modality: "unknown".to_owned(),
        description: description(source.path()),
        size,
        number: None,
        frames,
        files: if header.layout == Layout::Single { 1 } else { 2 },
        role: Role::Volume,
        checks: Vec::new(),
    })
}

fn description(path: &Path) -> String {
    stem(path).unwrap_or("NIfTI").to_owned()
}

/// Reads one volume of a NIfTI file, whatever the file's name. Of a pair, `source` is the header, and the scan's SHA-256
/// is that of the header's bytes followed by the image's.
///
/// # Errors
/// [`OpenError`] when the file cannot be read, is not NIfTI, contradicts itself, or has no such volume.
pub(super) fn read(source: &Source, options: &ReadOptions<'_>, progress: &Progress) -> Result<Scan, OpenError> {
    let path = source.path();
    let at_path = |fault: Fault| fault.at(path);
    let header = header(source).map_err(at_path)?;
    let image = image(source, &header).map_err(at_path)?;
    let header_bytes = if image.is_some() { source.read(progress)? } else { Vec::new() };
    let voxels_in = image.as_ref().unwrap_or(source);
    let file = voxels_in.size()? as usize;
    let (parsed, sha256) =
        voxels_in.stream(&header_bytes, progress, |bytes| parse(&header, bytes, file, options, progress))?;
    let Parsed { volume, frames, windows, checks } = parsed;
    Ok(Scan {
        volume: volume.into(),
        path: Some(path.to_owned()),
        format: Format::Nifti,
        modality: "unknown".to_owned(),
        description: description(path),
        windows: windows.into_iter().map(|w| (String::new(), w)).collect(),
        frames,
        frame: options.frame,
        frame_of_reference: None,
        inverted: false,
        padding: None,
        checks,
        sha256,
    })
}

/// The image file of a pair; none if the voxels are behind the header.
fn image(source: &Source, header: &Header) -> Result<Option<Source>, Fault> {
    let path = source.path();
    match (header.layout, source) {
        (Layout::Single, _) => Ok(None),
        (Layout::Analyze { .. }, _) if !names::is_header_name(path) => Err(Fault::Damaged(
            "its header is like that of NIfTI, but the mark n+1 that would say so is missing".to_owned(),
        )),
        (_, Source::Entry(_)) => Err(Fault::Unsupported("a pair of files (.hdr, .img) inside an archive".to_owned())),
        (_, Source::File(_)) => {
            let image = names::image_of_pair(path).ok_or_else(|| {
                let reason = "it is a header whose voxels are missing; put the .img file of the same name beside it";
                Fault::Damaged(reason.to_owned())
            })?;
            Ok(Some(Source::File(image)))
        }
    }
}

struct Parsed {
    volume: Volume,
    frames: usize,
    windows: Vec<Window>,
    checks: Vec<Check>,
}

/// The volume that `header` describes, out of the bytes of the file that holds the voxels, `file` in number.
fn parse(
    header: &Header,
    bytes: impl BufRead,
    file: usize,
    options: &ReadOptions<'_>,
    progress: &Progress,
) -> Result<Parsed, Fault> {
    let (size, frames) = header.size_and_frames()?;
    let frame = options.frame;
    if frame >= frames {
        return Err(Fault::NoFrame { frame, frames });
    }
    let mut checks = Vec::new();
    let grid = affine::grid(header, size, &mut checks)?;
    let needed = stream::width(header.datatype)?.checked_mul(grid.count()).ok_or(Fault::TooLarge(size))?;
    let start = header.offset()?.saturating_add(needed.saturating_mul(frame));
    let mut stream = Stream::new(bytes);
    if start.saturating_add(needed) > stream.most(file) {
        let reason = format!("{needed} bytes of voxels are announced from byte {start} on, but the file has {file}");
        return Err(Fault::Damaged(reason));
    }
    stream.skip(start, progress)?;
    let (least, times) = LIKELY;
    let spacing = grid.spacing_mm();
    let voxels = Load {
        header,
        size,
        spacing_mm: [spacing.x, spacing.y],
        stream: &mut stream,
        likely: file.saturating_mul(times).saturating_add(least),
        preview: options.preview.filter(|_| needed >= WORTH_A_PREVIEW),
        progress,
    }
    .voxels()?;
    if frame + 1 == frames {
        stream.finish()?;
    }
    let [low, high] = header.shown;
    let windows =
        if low.is_finite() && high.is_finite() && low < high { vec![Window::between(low, high)] } else { vec![] };
    let volume = Volume { grid, voxels, rescale: header.rescale(), unit: Unit::Arbitrary };
    Ok(Parsed { volume, frames, windows, checks })
}
