//! Which bytes of an encapsulated pixel element belong to which frame (PS3.5 annex A.4).

use crate::io::Fault;
use crate::io::dicom::dataset::DataSet;
use ::dicom::dictionary_std::tags;
use std::borrow::Cow;

/// One fragment, and where its item starts, counted from the item of the first fragment.
struct Fragment<'a> {
    offset: u64,
    bytes: &'a [u8],
}

/// The compressed bytes of a frame. `start` is where the offset table's item starts in `data`.
pub(super) fn frame<'a>(
    set: &DataSet<'_>,
    data: &'a [u8],
    start: usize,
    frame: usize,
    frames: usize,
) -> Result<Cow<'a, [u8]>, Fault> {
    let (table, fragments) = fragments(data, start)?;
    let (from, to) = if frames == 1 {
        (0, fragments.len())
    } else {
        let starts = starts(set, table, &fragments, frames)?;
        let place = |offset: u64| fragments.partition_point(|f| f.offset < offset);
        let from = starts.get(frame).map_or(fragments.len(), |&offset| place(offset));
        (from, starts.get(frame + 1).map_or(fragments.len(), |&offset| place(offset)))
    };
    match fragments.get(from..to) {
        Some([one]) => Ok(Cow::Borrowed(one.bytes)),
        Some(several @ [_, ..]) => Ok(several.iter().flat_map(|f| f.bytes).copied().collect::<Vec<_>>().into()),
        _ => Err(Fault::Damaged(format!("frame {} is not in the file", frame + 1))),
    }
}

/// Where each frame starts, from whatever the file has: the extended table, the basic one, a fragment for each frame, or
/// the first bytes of compressed pictures.
fn starts(set: &DataSet<'_>, table: &[u8], fragments: &[Fragment<'_>], frames: usize) -> Result<Vec<u64>, Fault> {
    let extended = set.bytes(tags::EXTENDED_OFFSET_TABLE).unwrap_or_default().as_chunks().0;
    if extended.len() == frames {
        return Ok(extended.iter().map(|&offset| u64::from_le_bytes(offset)).collect());
    }
    let basic = table.as_chunks().0;
    if basic.len() == frames {
        return Ok(basic.iter().map(|&offset| u32::from_le_bytes(offset).into()).collect());
    }
    if fragments.len() == frames {
        return Ok(fragments.iter().map(|f| f.offset).collect());
    }
    // JPEG and JPEG-LS start with SOI, JPEG 2000 with SOC.
    let opening = |f: &&Fragment<'_>| f.bytes.starts_with(&[0xFF, 0xD8]) || f.bytes.starts_with(&[0xFF, 0x4F]);
    let seen: Vec<u64> = fragments.iter().filter(opening).map(|f| f.offset).collect();
    if seen.len() == frames {
        return Ok(seen);
    }
    Err(Fault::Damaged(format!("{frames} frames are announced, but its pixels are in {} pieces", fragments.len())))
}

/// The offset table and the fragments behind it.
fn fragments(data: &[u8], start: usize) -> Result<(&[u8], Vec<Fragment<'_>>), Fault> {
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
                    fragments.push(Fragment { offset: (at - first) as u64, bytes });
                }
                at = end;
            }
            [0xFE, 0xFF, 0xDD, 0xE0] => return Ok((table.unwrap_or_default(), fragments)),
            _ => return Err(Fault::Damaged("something else stands between its compressed pixels".to_owned())),
        }
    }
}
