//! Tables that stored numbers are looked up in: the colours of a palette, and the measured values of a modality.

use super::{Layout, Photometric};
use crate::io::dicom::dataset::DataSet;
use crate::io::{Fault, luminance};
use ::dicom::core::Tag;
use ::dicom::dictionary_std::tags;

/// What the descriptor of a table says (PS3.3 C.7.6.3.1.5 and C.11.1.1.1).
struct Descriptor {
    entries: usize,
    /// The stored value that the first entry is for.
    first: i64,
    /// 8 or 16.
    bits: usize,
}

impl Descriptor {
    fn of(set: &DataSet<'_>, tag: Tag, layout: Layout) -> Option<Self> {
        let [entries, first, bits] = set.exactly(tag)?;
        Some(Self {
            entries: if entries == 0.0 { 65536 } else { entries as usize },
            // In an implicit data set nothing says whether it is signed, but it is if the pixels are.
            first: layout.signed_value(first) as i64,
            bits: if bits > 8.0 { 16 } else { 8 },
        })
    }

    /// The entries that are there.
    fn entries(&self, set: &DataSet<'_>, tag: Tag) -> Vec<u16> {
        // Tables of bytes are stored as bytes, two to a word, or as one word each.
        let bytes = set.bytes(tag).unwrap_or_default();
        let packed = self.bits == 8 && bytes.len() < 2 * self.entries;
        let mut entries = if packed { bytes.iter().map(|&b| u16::from(b)).collect() } else { set.words(tag) };
        entries.truncate(self.entries);
        entries
    }
}

/// The entry for a stored value; values before the first and behind the last have theirs.
fn look_up(first: i64, entries: &[u16], value: i64) -> u16 {
    let place = value.saturating_sub(first).clamp(0, (entries.len() as i64 - 1).max(0));
    entries.get(place as usize).copied().unwrap_or_default()
}

/// The colours of a palette as grey values (PS3.3 C.7.6.3.1.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::io::dicom) struct Palette {
    first: i64,
    greys: Vec<u16>,
    /// 8 or 16.
    pub bits: usize,
}

impl Palette {
    /// The palette of an image that has one; an error where it is only there in segments.
    pub fn of(set: &DataSet<'_>, layout: Layout) -> Result<Option<Self>, Fault> {
        if layout.photometric != Photometric::Palette {
            return Ok(None);
        }
        let descriptor = Descriptor::of(set, tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR, layout);
        let palette = descriptor.and_then(|descriptor| {
            let [red, green, blue] = [
                tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            ]
            .map(|tag| descriptor.entries(set, tag));
            let colours = red.iter().zip(&green).zip(&blue);
            let greys = colours.map(|((&r, &g), &b)| luminance([r, g, b].map(u64::from)) as u16).collect();
            Some(Self { first: descriptor.first, greys, bits: descriptor.bits }).filter(|p| !p.greys.is_empty())
        });
        if palette.is_none() && set.has(tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA) {
            return Err(Fault::Unsupported("a DICOM picture with a segmented palette".to_owned()));
        }
        Ok(palette)
    }

    pub(super) fn grey(&self, value: i64) -> i64 {
        look_up(self.first, &self.greys, value).into()
    }
}

/// A table from stored to measured values, where they are no straight line (PS3.3 C.11.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::io::dicom) struct ModalityTable {
    first: i64,
    measured: Vec<u16>,
}

impl ModalityTable {
    /// The table of an image of grey values that has one.
    pub fn of(set: &DataSet<'_>, layout: Layout) -> Option<Self> {
        let table = set.items(tags::MODALITY_LUT_SEQUENCE).first()?;
        let descriptor = Descriptor::of(table, tags::LUT_DESCRIPTOR, layout)?;
        let measured = descriptor.entries(table, tags::LUT_DATA);
        (layout.photometric == Photometric::Grey && !measured.is_empty())
            .then_some(Self { first: descriptor.first, measured })
    }

    /// The measured value of a stored one.
    pub fn measured(&self, stored: i64) -> u16 {
        look_up(self.first, &self.measured, stored)
    }
}
