//! A DICOM data set as a view into the bytes of its file (PS3.5 section 7).
//!
//! Element headers are decoded by dicom-rs; values are stepped over by their announced length, which is compared with
//! what is there before anything else happens. So nothing is ever allocated because a length says so, damaged files end
//! in an error, and of a file's thousand elements only the few that are asked for later are remembered.

use super::remembered::REMEMBERED;
use crate::io::Fault;
use ::dicom::core::dictionary::{DataDictionary as _, DataDictionaryEntry as _};
use ::dicom::core::header::{HasLength as _, Header as _, Length};
use ::dicom::core::{Tag, VR};
use ::dicom::dictionary_std::{StandardDataDictionary, tags};
use ::dicom::encoding::decode::DecodeFrom;
use ::dicom::encoding::decode::explicit_be::ExplicitVRBigEndianDecoder;
use ::dicom::encoding::decode::explicit_le::ExplicitVRLittleEndianDecoder;
use ::dicom::encoding::decode::implicit_le::ImplicitVRLittleEndianDecoder;
use ::dicom::encoding::text::{SpecificCharacterSet, TextCodec as _};
use std::ops::Range;

/// Texts that are asked for here are names and lists of a few words; of longer ones the start is enough.
const LONGEST_TEXT: usize = 4096;
/// Sequences inside sequences go no deeper in any real file.
const DEEPEST: usize = 24;

const ITEM: Tag = Tag(0xFFFE, 0xE000);
const ITEM_END: Tag = Tag(0xFFFE, 0xE00D);
const SEQUENCE_END: Tag = Tag(0xFFFE, 0xE0DD);

/// How element headers and numbers are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    ImplicitLittle,
    ExplicitLittle,
    ExplicitBig,
}

/// Why reading stopped.
#[derive(Debug)]
pub(super) enum Stop {
    /// The bytes at hand are only the start of the file, and more of it is needed.
    More,
    /// The file is wrong.
    Fault(Fault),
}

fn damaged(reason: impl Into<String>) -> Stop {
    Stop::Fault(Fault::Damaged(reason.into()))
}

/// The remembered elements of a data set or of one item of a sequence.
#[derive(Debug, Default)]
pub(super) struct DataSet<'a> {
    elements: Vec<Element<'a>>,
    big_endian: bool,
}

#[derive(Debug)]
struct Element<'a> {
    tag: Tag,
    vr: VR,
    value: Value<'a>,
}

#[derive(Debug)]
enum Value<'a> {
    Bytes(&'a [u8]),
    Items(Vec<DataSet<'a>>),
}

/// Where the pixels are, as places in the bytes that were read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum PixelPlace {
    /// As they are; in 16-bit words, also where a sample is smaller, if so said.
    Native { place: Range<usize>, words: bool },
    /// In fragments, the first of which (the offset table) starts here.
    Fragments(usize),
}

/// Reads a data set up to its pixels.
///
/// `bytes` may be only the start of a file of `total` bytes.
pub(super) fn read(bytes: &[u8], total: usize, encoding: Encoding) -> Result<(DataSet<'_>, Option<PixelPlace>), Stop> {
    let reader = Reader { bytes, total, encoding };
    let mut at = 0;
    let mut pixels = None;
    let set = reader.elements(&mut at, total, 0, &mut pixels)?;
    Ok((set, pixels))
}

struct Reader<'a> {
    bytes: &'a [u8],
    total: usize,
    encoding: Encoding,
}

impl<'a> Reader<'a> {
    /// The next element's tag, representation and length.
    fn header(&self, at: &mut usize) -> Result<(Tag, VR, Length), Stop> {
        let mut rest = self.bytes.get(*at..).unwrap_or_default();
        let decoded = match self.encoding {
            Encoding::ImplicitLittle => ImplicitVRLittleEndianDecoder::with_std_dict().decode_header(&mut rest),
            Encoding::ExplicitLittle => ExplicitVRLittleEndianDecoder::default().decode_header(&mut rest),
            Encoding::ExplicitBig => ExplicitVRBigEndianDecoder::default().decode_header(&mut rest),
        };
        // The decoders only fail where the bytes end.
        let (header, read) = decoded.map_err(|_| self.ended())?;
        *at += read;
        Ok((header.tag(), header.vr(), header.length()))
    }

    fn ended(&self) -> Stop {
        if self.bytes.len() < self.total { Stop::More } else { damaged("it ends in the middle of an element") }
    }

    /// The elements from `at` to `end`, or to the delimiter of an item of unknown length.
    fn elements(
        &self,
        at: &mut usize,
        end: usize,
        depth: usize,
        pixels: &mut Option<PixelPlace>,
    ) -> Result<DataSet<'a>, Stop> {
        let mut set = DataSet { elements: Vec::new(), big_endian: self.encoding == Encoding::ExplicitBig };
        while *at < end {
            // Trailing bytes too few for an element are padding.
            if depth == 0 && self.total - *at < 8 {
                break;
            }
            let (tag, vr, length) = self.header(at)?;
            if tag == ITEM_END {
                break;
            }
            let length = length.get().map(|length| length as usize);
            if depth == 0 && matches!(tag, tags::FLOAT_PIXEL_DATA | tags::DOUBLE_FLOAT_PIXEL_DATA) {
                return Err(Stop::Fault(Fault::Unsupported("a DICOM picture of floating-point numbers".to_owned())));
            }
            if depth == 0 && tag == tags::PIXEL_DATA {
                *pixels = Some(match length {
                    Some(length) => {
                        let place = *at..at.saturating_add(length).min(self.total);
                        PixelPlace::Native { place, words: vr == VR::OW }
                    }
                    None => PixelPlace::Fragments(*at),
                });
                break;
            }
            if let Some(length) = length.filter(|&length| length > end.saturating_sub(*at)) {
                return Err(damaged(format!("element {tag} is said to be {length} bytes long, more than there are")));
            }
            let remembered = REMEMBERED.binary_search(&tag).is_ok();
            let nested = vr == VR::SQ || length.is_none() || (vr == VR::UN && known_vr(tag) == Some(VR::SQ));
            match length {
                Some(length) if !(nested && remembered) => {
                    if remembered {
                        let bytes = self.bytes.get(*at..*at + length).ok_or_else(|| self.ended())?;
                        set.elements.push(Element { tag, vr: exact_vr(tag, vr), value: Value::Bytes(bytes) });
                    }
                    *at += length;
                }
                None if tag == tags::PIXEL_DATA => self.pass_over_fragments(at)?,
                _ => {
                    let encoding = if vr == VR::UN { self.unknown_encoding(*at) } else { self.encoding };
                    let inside = Reader { encoding, ..*self };
                    let items = inside.items(at, length, depth + 1)?;
                    if remembered {
                        set.elements.push(Element { tag, vr: VR::SQ, value: Value::Items(items) });
                    }
                }
            }
        }
        Ok(set)
    }

    /// What is inside an element of unknown representation: by the standard implicit little-endian (PS3.5 6.2.2), but some
    /// writers keep it explicit, which the first element of the first item shows.
    fn unknown_encoding(&self, at: usize) -> Encoding {
        let vr = self.bytes.get(at + 12..).and_then(<[u8]>::first_chunk);
        let explicit = vr.is_some_and(|&vr| VR::from_binary(vr).is_some());
        if explicit { Encoding::ExplicitLittle } else { Encoding::ImplicitLittle }
    }

    /// Steps over the pixels of an icon, which are in fragments like those of the image.
    fn pass_over_fragments(&self, at: &mut usize) -> Result<(), Stop> {
        loop {
            let (tag, _, length) = self.header(at)?;
            match (tag, length.get()) {
                (ITEM, Some(length)) => *at = at.saturating_add(length as usize),
                (SEQUENCE_END, _) => return Ok(()),
                _ => return Err(damaged(format!("{tag} stands where compressed pixels should"))),
            }
            if *at > self.total {
                return Err(damaged("compressed pixels of an icon are longer than the file"));
            }
        }
    }

    /// The items of a sequence that starts at `at`.
    fn items(&self, at: &mut usize, length: Option<usize>, depth: usize) -> Result<Vec<DataSet<'a>>, Stop> {
        if depth > DEEPEST {
            return Err(damaged(format!("its sequences are nested more than {DEEPEST} deep")));
        }
        let end = length.map_or(self.total, |length| *at + length);
        let mut items = Vec::new();
        while *at < end {
            let (tag, _, length) = self.header(at)?;
            match tag {
                ITEM => {
                    // Some writers count the items of a sequence wrongly, but not the sequence.
                    let item_end = length.get().map_or(end, |length| at.saturating_add(length as usize).min(end));
                    items.push(self.elements(at, item_end, depth, &mut None)?);
                }
                SEQUENCE_END => return Ok(items),
                _ => return Err(damaged(format!("{tag} stands where an item of a sequence should"))),
            }
        }
        Ok(items)
    }
}

/// The representation that the standard gives a tag.
fn known_vr(tag: Tag) -> Option<VR> {
    StandardDataDictionary.by_tag(tag).map(|entry| entry.vr().relaxed())
}

fn exact_vr(tag: Tag, stored: VR) -> VR {
    if stored == VR::UN { known_vr(tag).unwrap_or(VR::UN) } else { stored }
}

impl<'a> DataSet<'a> {
    fn value(&self, tag: Tag) -> Option<&Element<'a>> {
        self.elements.iter().find(|e| e.tag == tag)
    }

    /// The bytes of a value.
    pub fn bytes(&self, tag: Tag) -> Option<&'a [u8]> {
        match self.value(tag)?.value {
            Value::Bytes(bytes) => Some(bytes),
            Value::Items(_) => None,
        }
    }

    /// Whether the element is there.
    pub fn has(&self, tag: Tag) -> bool {
        self.value(tag).is_some()
    }

    /// The items of a sequence; none where there is no such sequence.
    pub fn items(&self, tag: Tag) -> &[Self] {
        match self.value(tag).map(|e| &e.value) {
            Some(Value::Items(items)) => items,
            _ => &[],
        }
    }

    /// The values of a text element, without padding.
    pub fn texts(&self, tag: Tag) -> Vec<String> {
        let Some(bytes) = self.bytes(tag) else { return Vec::new() };
        let bytes = bytes.get(..LONGEST_TEXT).unwrap_or(bytes);
        let text = match self.character_set() {
            Some(set) => set.decode(bytes).unwrap_or_else(|_| String::from_utf8_lossy(bytes).into_owned()),
            None => String::from_utf8_lossy(bytes).into_owned(),
        };
        text.split('\\').map(tidy).collect()
    }

    /// The first value of a text element; empty where there is none.
    pub fn text(&self, tag: Tag) -> String {
        self.texts(tag).into_iter().next().unwrap_or_default()
    }

    fn character_set(&self) -> Option<SpecificCharacterSet> {
        let code = self.bytes(tags::SPECIFIC_CHARACTER_SET).filter(|code| code.is_ascii())?;
        let code = str::from_utf8(code).ok()?.rsplit('\\').next()?.trim_matches([' ', '\0']);
        // Without code extensions, the last of several sets has the letters that the first one lacks.
        SpecificCharacterSet::from_code(&code.replace("ISO 2022 IR", "ISO_IR"))
    }

    /// All numbers of an element, written as text or in binary; empty where one of them is none.
    pub fn numbers(&self, tag: Tag) -> Vec<f64> {
        let Some((bytes, vr)) = self.bytes(tag).zip(self.value(tag).map(|e| e.vr)) else { return Vec::new() };
        let big = self.big_endian;
        match vr {
            VR::US | VR::OW => words(bytes, big).map(f64::from).collect(),
            VR::SS => words(bytes, big).map(|w| f64::from(w.cast_signed())).collect(),
            VR::UL => wide(bytes, big).map(|n: [u8; 4]| f64::from(u32::from_le_bytes(n))).collect(),
            VR::SL => wide(bytes, big).map(|n: [u8; 4]| f64::from(i32::from_le_bytes(n))).collect(),
            VR::FL => wide(bytes, big).map(|n: [u8; 4]| f64::from(f32::from_le_bytes(n))).collect(),
            VR::FD => wide(bytes, big).map(|n: [u8; 8]| f64::from_le_bytes(n)).collect(),
            _ => {
                let text = String::from_utf8_lossy(bytes);
                let parsed: Option<Vec<f64>> =
                    text.trim_end_matches(['\\', ' ', '\0']).split('\\').map(|v| tidy(v).parse().ok()).collect();
                parsed.unwrap_or_default()
            }
        }
    }

    /// As many finite numbers as wanted from an element that holds exactly so many.
    pub fn exactly<const N: usize>(&self, tag: Tag) -> Option<[f64; N]> {
        let values: [f64; N] = self.numbers(tag).try_into().ok()?;
        values.iter().all(|v| v.is_finite()).then_some(values)
    }

    /// The first number of an element, if it is finite.
    pub fn number(&self, tag: Tag) -> Option<f64> {
        self.numbers(tag).first().copied().filter(|v| v.is_finite())
    }

    /// The first number of an element as a whole one, if it is not below 0.
    pub fn whole(&self, tag: Tag) -> Option<usize> {
        self.number(tag).filter(|&v| v >= 0.0).map(|v| v as usize)
    }

    /// The 16-bit words of a table.
    pub fn words(&self, tag: Tag) -> impl Iterator<Item = u16> {
        words(self.bytes(tag).unwrap_or_default(), self.big_endian)
    }
}

fn words(bytes: &[u8], big_endian: bool) -> impl Iterator<Item = u16> + '_ {
    wide(bytes, big_endian).map(u16::from_le_bytes)
}

/// Numbers of N bytes, least significant byte first.
fn wide<const N: usize>(bytes: &[u8], big_endian: bool) -> impl Iterator<Item = [u8; N]> + '_ {
    bytes.as_chunks::<N>().0.iter().map(move |&number| {
        let mut number = number;
        if big_endian {
            number.reverse();
        }
        number
    })
}

/// A text value without padding and control characters.
fn tidy(text: &str) -> String {
    text.trim_matches(|c: char| c.is_whitespace() || c == '\0').replace(char::is_control, " ")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn explicit(tag: Tag, vr: &str, value: &[u8]) -> Vec<u8> {
        let mut bytes = [tag.0.to_le_bytes(), tag.1.to_le_bytes()].concat();
        bytes.extend(vr.bytes());
        bytes.extend((value.len() as u16).to_le_bytes());
        bytes.extend(value);
        bytes
    }

    #[test]
    fn a_length_beyond_the_end_is_an_error_and_a_short_start_asks_for_more() {
        let mut bytes = explicit(tags::MODALITY, "CS", b"MR");
        bytes.extend(explicit(tags::ROWS, "US", &[7, 0]));
        let whole = read(&bytes, bytes.len(), Encoding::ExplicitLittle).unwrap().0;
        assert_eq!((whole.text(tags::MODALITY).as_str(), whole.whole(tags::ROWS)), ("MR", Some(7)));
        assert!(matches!(read(&bytes[..15], bytes.len(), Encoding::ExplicitLittle), Err(Stop::More)));
        assert!(matches!(read(&bytes[..19], 19, Encoding::ExplicitLittle), Err(Stop::Fault(Fault::Damaged(_)))));
    }

    #[test]
    fn sequences_may_not_be_nested_without_end() {
        let item = [0xFE, 0xFF, 0x00, 0xE0, 0xFF, 0xFF, 0xFF, 0xFF];
        let sequence = [0x40, 0x00, 0x10, 0x01, b'S', b'Q', 0, 0, 0xFF, 0xFF, 0xFF, 0xFF];
        let bytes = [&sequence[..], &item[..]].concat().repeat(5000);
        let error = read(&bytes, bytes.len(), Encoding::ExplicitLittle).unwrap_err();
        assert!(matches!(error, Stop::Fault(Fault::Damaged(reason)) if reason.contains("nested")));
    }
}
