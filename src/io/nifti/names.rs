//! The names of NIfTI files: one `.nii`, or a header `.hdr` with an image `.img` beside it, each perhaps with `.gz`.

use std::path::{Path, PathBuf};

const SINGLE: [&str; 2] = [".nii.gz", ".nii"];
const HEADER: [&str; 4] = [".hdr", ".hdr.gz", ".HDR", ".HDR.GZ"];
const IMAGE: [&str; 4] = [".img", ".img.gz", ".IMG", ".IMG.GZ"];

/// The name without the ending of a NIfTI file; none if it ends otherwise.
pub(in crate::io) fn stem(path: &Path) -> Option<&str> {
    single_stem(path).or_else(|| without(path, &HEADER)).or_else(|| without(path, &IMAGE))
}

/// The name without `.nii` or `.nii.gz`.
pub(super) fn single_stem(path: &Path) -> Option<&str> {
    without(path, &SINGLE)
}

/// The header of a pair, where the path is that of its image and the header is there; any other path as it is.
pub(in crate::io) fn header_of_pair(path: &Path) -> PathBuf {
    beside(path, &IMAGE, &HEADER).unwrap_or_else(|| path.to_owned())
}

/// The image that belongs to the header of a pair.
pub(super) fn image_of_pair(header: &Path) -> Option<PathBuf> {
    beside(header, &HEADER, &IMAGE)
}

/// Whether it is named as a header of a pair.
pub(super) fn is_header_name(path: &Path) -> bool {
    without(path, &HEADER).is_some()
}

/// Whether it is named as the image of a pair.
pub(in crate::io) fn is_image_name(path: &Path) -> bool {
    without(path, &IMAGE).is_some()
}

fn without<'a>(path: &'a Path, endings: &[&str]) -> Option<&'a str> {
    let name = path.file_name()?.to_str()?;
    endings.iter().find_map(|ending| {
        let cut = name.len().checked_sub(ending.len())?;
        name.get(cut..)?.eq_ignore_ascii_case(ending).then(|| &name[..cut])
    })
}

/// The file of the same name with one of the other endings.
fn beside(path: &Path, endings: &[&str], others: &[&str]) -> Option<PathBuf> {
    let stem = without(path, endings)?;
    others.iter().map(|other| path.with_file_name(format!("{stem}{other}"))).find(|other| other.is_file())
}
