//! Which bytes of an encapsulated pixel element belong to which frame (PS3.5 annex A.4).

use crate::io::Fault;
use crate::io::dicom::dataset::DataSet;
use ::dicom::dictionary_std::tags;
use std::borrow::Cow;
use std::ops::Range;

/// One fragment, and where its item starts, counted from the item of the first fragment.
struct Fragment {
    offset: u64,
    place: Range<usize>,
}

/// The compressed frames of a file.
pub(super) struct Frames {
    fragments: Vec<Fragment>,
    /// The first fragment of each frame.
    starts: Vec<usize>,
}

impl Frames {
    /// Finds the frames. `start` is where the offset table's item starts in `data`.
    pub fn of(set: &DataSet<'_>, data: &[u8], start: usize, frames: usize) -> Result<Self, Fault> {
        let (table, fragments) = fragments(data, start)?;
        let starts = if frames == 1 { vec![0] } else { starts(set, data, table, &fragments, frames)? };
        Ok(Self { fragments, starts })
    }

    /// The compressed bytes of a frame.
    pub fn frame<'a>(&self, data: &'a [u8], frame: usize) -> Result<Cow<'a, [u8]>, Fault> {
        let end = self.fragments.len();
        let place = |frame: usize| self.starts.get(frame).copied().unwrap_or(end);
        let bytes = |fragment: &Fragment| data.get(fragment.place.clone()).unwrap_or_default();
        match self.fragments.get(place(frame)..place(frame + 1)) {
            Some([one]) => Ok(Cow::Borrowed(bytes(one))),
            Some(several @ [_, ..]) => Ok(several.iter().flat_map(bytes).copied().collect::<Vec<_>>().into()),
            _ => Err(Fault::Damaged(format!("frame {} is not in the file", frame + 1))),
        }
    }
}

/// The first fragment of each frame, from whatever the file has: the extended table, the basic one, a fragment for each
/// frame, or the first bytes of compressed pictures.
fn starts(
    set: &DataSet<'_>,
    data: &[u8],
    table: &[u8],
    fragments: &[Fragment],
    frames: usize,
) -> Result<Vec<usize>, Fault> {
    // Some writers fill a table with zeros or count from elsewhere: one is believed if each of its entries is where a
    // fragment starts.
    let believed = |offsets: &mut dyn Iterator<Item = u64>| {
        let place = |offset| fragments.binary_search_by_key(&offset, |f| f.offset).ok();
        let starts: Vec<usize> = offsets.map(place).collect::<Option<_>>()?;
        let rising = starts.first() == Some(&0) && starts.is_sorted_by(|a, b| a < b);
        (rising && starts.len() == frames).then_some(starts)
    };
    let extended = set.bytes(tags::EXTENDED_OFFSET_TABLE).unwrap_or_default().as_chunks().0;
    let basic = table.as_chunks().0;
    let said = believed(&mut extended.iter().map(|&offset| u64::from_le_bytes(offset)))
        .or_else(|| believed(&mut basic.iter().map(|&offset| u32::from_le_bytes(offset).into())));
    if let Some(starts) = said {
        return Ok(starts);
    }
    if fragments.len() == frames {
        return Ok((0..frames).collect());
    }
    // JPEG and JPEG-LS start with SOI, JPEG 2000 with SOC.
    let opens = |fragment: &Fragment| {
        let bytes = data.get(fragment.place.clone()).unwrap_or_default();
        bytes.starts_with(&[0xFF, 0xD8]) || bytes.starts_with(&[0xFF, 0x4F])
    };
    let seen: Vec<usize> = (0..).zip(fragments).filter(|(_, f)| opens(f)).map(|(n, _)| n).collect();
    if seen.len() == frames {
        return Ok(seen);
    }
    Err(Fault::Damaged(format!("{frames} frames are announced, but its pixels are in {} pieces", fragments.len())))
}

/// The offset table and the fragments behind it.
fn fragments(data: &[u8], start: usize) -> Result<(&[u8], Vec<Fragment>), Fault> {
    let ended = || Fault::Damaged("its compressed pixels end too early".to_owned());
    let mut at = start;
    let mut table = None;
    let mut fragments = Vec::new();
    let mut first = 0;
    loop {
        // Big-endian files are never compressed.
        let Some(&[t0, t1, t2, t3, l0, l1, l2, l3]) = data.get(at..).and_then(<[u8]>::first_chunk) else {
            // Some writers forget the delimiter.
            return table.filter(|_| !fragments.is_empty()).map(|table| (table, fragments)).ok_or_else(ended);
        };
        match [t0, t1, t2, t3] {
            [0xFE, 0xFF, 0x00, 0xE0] => {
                let value = at + 8;
                let end = value.saturating_add(u32::from_le_bytes([l0, l1, l2, l3]) as usize);
                let bytes = data.get(value..end).ok_or_else(ended)?;
                if table.is_none() {
                    (table, first) = (Some(bytes), end);
                } else {
                    fragments.push(Fragment { offset: (at - first) as u64, place: value..end });
                }
                at = end;
            }
            [0xFE, 0xFF, 0xDD, 0xE0] => return Ok((table.unwrap_or_default(), fragments)),
            _ => return Err(Fault::Damaged("something else stands between its compressed pixels".to_owned())),
        }
    }
}
