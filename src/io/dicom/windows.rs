//! The grey-scale windows that a file stores with a frame: centres and widths with a function, and VOI LUTs (PS3.3
//! C.11.2).
//!
//! They are read when a volume is opened, for the one frame that stands for it: kept with every slice of a series, tables
//! would need more memory than the picture.

use super::dataset::DataSet;
use super::file;
use super::pixels::voi_table;
use super::slice::{Groups, Slice};
use crate::view::{VoiFunction, Window};
use ::dicom::dictionary_std::tags;

/// No real frame has more of either kind.
const MOST_WINDOWS: usize = 8;

/// The windows stored with a frame, with their names: first those of a centre and a width, then the tables.
pub(super) fn stored_with(slice: &Slice) -> Vec<(String, Window)> {
    let signed = slice.image.layout.ends().into_iter().any(|end| slice.real(end) < 0.0);
    let read = file::with_header(&slice.image.source, |_, set, _| {
        let group = Groups::of(set, slice.frame).group(tags::FRAME_VOILUT_SEQUENCE);
        Ok(functions(group).into_iter().chain(tables(group, signed)).collect())
    });
    // The file was read before; if it is gone since, that is said where its pixels are missing.
    read.unwrap_or_default()
}

fn functions(set: &DataSet<'_>) -> Vec<(String, Window)> {
    let (centres, widths) = (set.numbers(tags::WINDOW_CENTER), set.numbers(tags::WINDOW_WIDTH));
    let names = set.texts(tags::WINDOW_CENTER_WIDTH_EXPLANATION);
    let function = match set.text(tags::VOILUT_FUNCTION).as_str() {
        "LINEAR_EXACT" => VoiFunction::LinearExact,
        "SIGMOID" => VoiFunction::Sigmoid,
        _ => VoiFunction::Linear,
    };
    let pairs = centres.iter().zip(&widths).enumerate().filter(|(_, (c, w))| c.is_finite() && w.is_finite());
    let windows = pairs.take(MOST_WINDOWS).filter_map(|(n, (&centre, &width))| {
        let name = names.get(n).cloned().unwrap_or_default();
        if function == VoiFunction::Linear {
            (width >= 1.0).then(|| (name, Window::linear(centre, width)))
        } else {
            (width > 0.0).then(|| (name, Window { centre, width, function: function.clone(), inverted: false }))
        }
    });
    windows.collect()
}

/// Each table as the window from the value of its first entry to that of its last.
fn tables(set: &DataSet<'_>, signed: bool) -> impl Iterator<Item = (String, Window)> {
    let tables = set.items(tags::VOILUT_SEQUENCE).iter().take(MOST_WINDOWS);
    tables.filter_map(move |table| {
        let ([first, last], greys) = voi_table(table, signed)?;
        let window = Window { function: VoiFunction::Table(greys), ..Window::between(first, last) };
        Some((table.text(tags::LUT_EXPLANATION), window))
    })
}
