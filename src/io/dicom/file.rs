//! A DICOM file: preamble, meta information, transfer syntax, and the data set behind them (PS3.10 section 7).
//!
//! Files without preamble or meta information are common in old archives. They are told by their first element, and how
//! they are encoded is seen from it.

use super::dataset::{self, DataSet, Encoding, PixelPlace, Stop};
use crate::io::Fault;
use crate::io::source::{MOST_INFLATED, Source};
use ::dicom::core::VR;
use ::dicom::dictionary_std::{tags, uids};
use ::dicom::encoding::transfer_syntax::TransferSyntaxIndex as _;
use ::dicom::transfer_syntax::TransferSyntaxRegistry;
use flate2::bufread::DeflateDecoder;
use std::borrow::Cow;
use std::io::Read as _;

/// Preamble and `DICM`.
const META_START: usize = 132;
/// How much of a deflated file is inflated to find its header.
const HEADER_INFLATED: u64 = 4 << 20;
/// How much of a file is read first to find its header.
const FIRST_LOOK: u64 = 64 << 10;

/// Whether a file that starts so is DICOM.
pub(in crate::io) fn looks_like(start: &[u8]) -> bool {
    has_preamble(start) || starts_with_group(start, 0x0002, 0x0010) || starts_with_group(start, 0x0008, 0x0018)
}

fn has_preamble(start: &[u8]) -> bool {
    start.get(128..META_START) == Some(b"DICM")
}

/// Whether the first element is of a group, and at most so far into it, in any of the encodings.
fn starts_with_group(start: &[u8], group: u16, last: u16) -> bool {
    let Some(&[g0, g1, e0, e1, v0, v1, l0, l1]) = start.first_chunk() else { return false };
    let little = (u16::from_le_bytes([g0, g1]), u16::from_le_bytes([e0, e1]));
    let big = (u16::from_be_bytes([g0, g1]), u16::from_be_bytes([e0, e1]));
    let explicit = VR::from_binary([v0, v1]).is_some();
    // Elements at the start of a group are short.
    let implicit = u32::from_le_bytes([v0, v1, l0, l1]) <= 256;
    (little.0 == group && little.1 <= last && (explicit || implicit)) || (big.0 == group && big.1 <= last && explicit)
}

/// The transfer syntax and the bytes of the data set.
#[derive(Debug)]
pub(super) struct Body<'a> {
    /// Transfer Syntax UID; empty where the file does not say it.
    pub syntax: String,
    encoding: Encoding,
    data: Cow<'a, [u8]>,
    total: usize,
}

impl<'a> Body<'a> {
    /// Finds the data set in the bytes of a whole file.
    pub fn of(bytes: &'a [u8]) -> Result<Self, Stop> {
        let most = (bytes.len() as u64).saturating_mul(MOST_INFLATED);
        Self::inflated(bytes, bytes.len(), most)
    }

    /// Finds the data set in a file of `total` bytes that starts with `bytes`; a deflated one is only begun.
    fn start_of(bytes: &'a [u8], total: usize) -> Result<Self, Stop> {
        Self::inflated(bytes, total, HEADER_INFLATED)
    }

    fn inflated(bytes: &'a [u8], total: usize, most: u64) -> Result<Self, Stop> {
        let (syntax, start) = meta(bytes, total)?;
        let rest = bytes.get(start..).unwrap_or_default();
        if syntax == uids::DEFLATED_EXPLICIT_VR_LITTLE_ENDIAN {
            if bytes.len() < total {
                return Err(Stop::More);
            }
            let mut data = Vec::new();
            // What was inflated before an error may still hold the whole data set.
            let _ = DeflateDecoder::new(rest).take(most).read_to_end(&mut data);
            // How much more there is, only the rest would tell.
            let total = if (data.len() as u64) < most { data.len() } else { usize::MAX };
            return Ok(Self { syntax, encoding: Encoding::ExplicitLittle, data: data.into(), total });
        }
        let encoding = encoding(&syntax, rest);
        Ok(Self { syntax, encoding, data: rest.into(), total: total.saturating_sub(start) })
    }

    /// The data set and where its pixels are.
    pub fn data_set(&self) -> Result<(DataSet<'_>, Option<PixelPlace>), Stop> {
        dataset::read(&self.data, self.total, self.encoding)
    }

    /// The bytes that the places of pixels refer to.
    pub fn data(&self) -> &[u8] {
        &self.data
    }

    /// Whether words of native pixels have their most significant byte first.
    pub fn big_endian(&self) -> bool {
        self.encoding == Encoding::ExplicitBig
    }
}

/// The transfer syntax, and where the data set starts.
fn meta(bytes: &[u8], total: usize) -> Result<(String, usize), Stop> {
    let mut at = if has_preamble(bytes) { META_START } else { 0 };
    let mut syntax = String::new();
    // Not by the length that the group announces, which is missing or wrong in some files.
    while let Some(&[2, 0, e0, e1, v0, v1, l0, l1]) = bytes.get(at..).and_then(<[u8]>::first_chunk) {
        let long = matches!(&[v0, v1], b"OB" | b"UN");
        let (length, value) = if long {
            let length = bytes.get(at + 8..).and_then(<[u8]>::first_chunk).ok_or(Stop::More)?;
            (u32::from_le_bytes(*length) as usize, at + 12)
        } else {
            (usize::from(u16::from_le_bytes([l0, l1])), at + 8)
        };
        let end = value.saturating_add(length);
        if end > total {
            return Err(Stop::Fault(Fault::Damaged("its meta information is longer than the file".to_owned())));
        }
        if u16::from_le_bytes([e0, e1]) == tags::TRANSFER_SYNTAX_UID.element() {
            let text = bytes.get(value..end).ok_or(Stop::More)?;
            String::from_utf8_lossy(text).trim_end_matches(['\0', ' ']).clone_into(&mut syntax);
        }
        at = end;
    }
    if at >= bytes.len() && bytes.len() < total {
        return Err(Stop::More);
    }
    Ok((syntax, at))
}

/// How the data set is encoded: as the transfer syntax says, unless its first element shows otherwise.
#[allow(deprecated, reason = "retired syntaxes are still in archives")]
fn encoding(syntax: &str, data: &[u8]) -> Encoding {
    let seen = data.first_chunk().map(|&[g0, g1, _, _, v0, v1]: &[u8; 6]| {
        let explicit = VR::from_binary([v0, v1]).is_some();
        match (u16::from_le_bytes([g0, g1]) > u16::from_be_bytes([g0, g1]), explicit) {
            (true, true) => Encoding::ExplicitBig,
            (_, true) => Encoding::ExplicitLittle,
            _ => Encoding::ImplicitLittle,
        }
    });
    let said = match syntax {
        uids::IMPLICIT_VR_LITTLE_ENDIAN => Encoding::ImplicitLittle,
        uids::EXPLICIT_VR_BIG_ENDIAN => Encoding::ExplicitBig,
        _ => Encoding::ExplicitLittle,
    };
    match seen {
        // An implicit first element is short: its length never looks like two letters.
        Some(seen) if syntax.is_empty() || (said != Encoding::ExplicitBig && seen != Encoding::ExplicitBig) => seen,
        _ => said,
    }
}

/// Runs `look` over the start of a file, and over more of it as long as that is too little.
pub(super) fn with_header<T>(
    source: &Source,
    look: impl Fn(&Body<'_>, &DataSet<'_>, Option<&PixelPlace>) -> Result<T, Fault>,
) -> Result<T, Fault> {
    let unreadable = |_| Fault::Damaged("it cannot be read".to_owned());
    let total = source.size().map_err(unreadable)?;
    let mut wanted = FIRST_LOOK;
    loop {
        let bytes = source.start(wanted).map_err(unreadable)?;
        let all = (bytes.len() as u64) < wanted || wanted >= total;
        let total = if all { bytes.len() } else { total as usize };
        let outcome = Body::start_of(&bytes, total).and_then(|body| {
            let (set, pixels) = body.data_set()?;
            look(&body, &set, pixels.as_ref()).map_err(Stop::Fault)
        });
        match outcome {
            Ok(value) => return Ok(value),
            Err(Stop::Fault(fault)) => return Err(fault),
            Err(Stop::More) if all => return Err(Fault::Damaged("the file ends too early".to_owned())),
            Err(Stop::More) => wanted = wanted.saturating_mul(8),
        }
    }
}

/// The name of a transfer syntax with its UID, for people.
pub(super) fn syntax_name(uid: &str) -> String {
    let name = TransferSyntaxRegistry.get(uid).map_or("an unknown transfer syntax", |s| s.name());
    format!("{name} ({uid})")
}
