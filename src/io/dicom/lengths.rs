//! A look over the element lengths of a DICOM file before it is parsed.
//!
//! The parser makes room for as many bytes as an element announces, up to 4 GB, before it finds that they are not there.
//! Here only headers are read, with the parser's own decoders, and values are stepped over.

use ::dicom::core::VR;
use ::dicom::core::header::{HasLength as _, Header as _};
use ::dicom::dictionary_std::tags;
use ::dicom::encoding::decode::DecodeFrom;
use ::dicom::encoding::decode::explicit_le::ExplicitVRLittleEndianDecoder;
use ::dicom::encoding::transfer_syntax::{Codec, TransferSyntaxIndex as _};
use ::dicom::transfer_syntax::TransferSyntaxRegistry;
use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Preamble and `DICM`.
const META_START: u64 = 132;

/// Whether every element up to the pixels fits into the file. What cannot be followed is left to the parser.
pub(super) fn fit(path: &Path) -> bool {
    walk(path).unwrap_or(true)
}

fn walk(path: &Path) -> Option<bool> {
    let file = File::open(path).ok()?;
    let end = file.metadata().ok()?.len();
    let mut source = BufReader::new(file);
    let mut at = source.seek(SeekFrom::Start(META_START)).ok()?;

    // The meta group: its length first, always explicit little-endian.
    let mut decoder: Box<dyn DecodeFrom<BufReader<File>>> = Box::new(ExplicitVRLittleEndianDecoder::default());
    let mut meta_end = u64::MAX;
    let mut syntax = String::new();
    while at < end {
        if at >= meta_end {
            meta_end = u64::MAX;
            let syntax = TransferSyntaxRegistry.get(syntax.trim_end_matches(['\0', ' ']))?;
            if matches!(syntax.codec(), Codec::Dataset(_)) {
                return None; // the rest is deflated
            }
            decoder = syntax.decoder_for()?;
        }
        let (header, read) = decoder.decode_header(&mut source).ok()?;
        at += read as u64;
        // The meta group's length comes first, or there is no telling where the group ends.
        if syntax.is_empty() && meta_end == u64::MAX && header.tag() != tags::FILE_META_INFORMATION_GROUP_LENGTH {
            return None;
        }
        let length = match header.length().get() {
            // Containers are walked into, not over.
            None => 0,
            Some(length) if at + u64::from(length) > end => return Some(false),
            Some(_) if header.vr() == VR::SQ || header.tag().group() == 0xFFFE => 0,
            Some(length) => length,
        };
        if header.tag() == tags::PIXEL_DATA {
            return Some(true);
        }
        at += u64::from(length);
        match header.tag() {
            tags::FILE_META_INFORMATION_GROUP_LENGTH if length == 4 => {
                let mut bytes = [0; 4];
                source.read_exact(&mut bytes).ok()?;
                meta_end = at + u64::from(u32::from_le_bytes(bytes));
            }
            tags::TRANSFER_SYNTAX_UID if length <= 64 => {
                (&mut source).take(length.into()).read_to_string(&mut syntax).ok()?;
            }
            _ => source.seek_relative(length.into()).ok()?,
        }
    }
    Some(true)
}
