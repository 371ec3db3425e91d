//! Tables that numbers are looked up in: the colours of a palette, the measured values of a modality, and greys.

use super::{Layout, Photometric, with_sign};
use crate::io::dicom::dataset::DataSet;
use crate::io::{Fault, luminance};
use crate::view::VoiTable;
use ::dicom::core::Tag;
use ::dicom::dictionary_std::tags;

/// What the descriptor of a table says (PS3.3 C.7.6.3.1.5, C.11.1.1.1 and C.11.2.1.1).
struct Descriptor {
    /// 1 to 65536.
    entries: usize,
    /// The value that the first entry is for.
    first: i64,
    /// 8 to 16.
    bits: u32,
}

impl Descriptor {
    /// `signed` says whether what is looked up can be below 0: then so is the first value where that makes sense, which
    /// nothing else tells in an implicit data set.
    fn of(set: &DataSet<'_>, tag: Tag, signed: bool) -> Option<Self> {
        let [entries, first, bits] = set.exactly(tag)?;
        Some(Self {
            // The number of entries never has a sign, whatever the first value has.
            entries: match (entries as i64).rem_euclid(65536) {
                0 => 65536,
                entries => entries as usize,
            },
            first: with_sign(first, signed) as i64,
            bits: bits.clamp(8.0, 16.0) as u32,
        })
    }

    /// The entries that are there.
    fn entries(&self, set: &DataSet<'_>, tag: Tag) -> Vec<u16> {
        // Tables of bytes are stored two to a word, the first one low, or as one word each.
        let packed = self.bits == 8 && set.bytes(tag).unwrap_or_default().len() < 2 * self.entries;
        let words = set.words(tag);
        if packed {
            words.flat_map(u16::to_le_bytes).take(self.entries).map(u16::from).collect()
        } else {
            words.take(self.entries).collect()
        }
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
    /// 8 to 16.
    pub bits: usize,
}

impl Palette {
    /// The palette of an image that has one; an error where it is only there in segments.
    pub fn of(set: &DataSet<'_>, layout: Layout) -> Result<Option<Self>, Fault> {
        if layout.photometric != Photometric::Palette {
            return Ok(None);
        }
        let descriptor = Descriptor::of(set, tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR, layout.signed);
        let palette = descriptor.and_then(|descriptor| {
            let [red, green, blue] = [
                tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
                tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            ]
            .map(|tag| descriptor.entries(set, tag));
            let colours = red.iter().zip(&green).zip(&blue);
            let greys = colours.map(|((&r, &g), &b)| luminance([r, g, b].map(u64::from)) as u16).collect();
            Some(Self { first: descriptor.first, greys, bits: descriptor.bits as usize })
                .filter(|p| !p.greys.is_empty())
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
        let descriptor = Descriptor::of(table, tags::LUT_DESCRIPTOR, layout.signed)?;
        let measured = descriptor.entries(table, tags::LUT_DATA);
        (layout.photometric == Photometric::Grey && !measured.is_empty())
            .then_some(Self { first: descriptor.first, measured })
    }

    /// The measured value of a stored one.
    pub fn measured(&self, stored: i64) -> u16 {
        look_up(self.first, &self.measured, stored)
    }
}

/// A VOI LUT (PS3.3 C.11.2.1.1): the values that its first and last entries are for, and its greys. `signed` says whether
/// the values that are looked up can be below 0.
pub(in crate::io::dicom) fn voi_table(table: &DataSet<'_>, signed: bool) -> Option<([f64; 2], VoiTable)> {
    let descriptor = Descriptor::of(table, tags::LUT_DESCRIPTOR, signed)?;
    let entries = descriptor.entries(table, tags::LUT_DATA);
    // Some writers announce fewer bits than they use.
    let white = entries.iter().copied().max()?.max(((1_u32 << descriptor.bits) - 1) as u16);
    let ends = [descriptor.first, descriptor.first + entries.len() as i64 - 1].map(|value| value as f64);
    let greys = entries.into_iter().map(|entry| f32::from(entry) / f32::from(white)).collect();
    Some((ends, VoiTable::new(greys)?))
}
