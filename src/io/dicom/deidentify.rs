//! Copies of a DICOM series in which nothing tells whose head it is (PS3.15 Annex E: the Basic Application Level
//! Confidentiality Profile, with Modified Dates).
//!
//! The profile lists what must go. Here is listed what stays: what an image needs to be placed, drawn and compared. What can
//! hold words goes, except for a few that name technique and maker; numbers and coded words stay; identifiers get stand-ins
//! that still tell which images belong together; dates move, and their distances stay, as do times of day. Pixels are
//! copied as they are stored; images that may have words in them are refused.

use super::Stack;
use super::write::{element, may_hold_words, put, sequence, text, whose, write_encoded};
use crate::io::{OpenError, WriteError, sha256};
use crate::job::Progress;
use ::dicom::core::chrono::{Days, NaiveDate};
use ::dicom::core::header::Header;
use ::dicom::core::value::DataSetSequence;
use ::dicom::core::{DataElement, Length, PrimitiveValue, Tag, VR};
use ::dicom::dictionary_std::{tags, uids};
use ::dicom::object::mem::InMemElement;
use ::dicom::object::{InMemDicomObject, OpenFileOptions};
use rand::RngExt as _;
use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

/// Makes what stands for identities. The same key makes the same; without the key nobody finds the way back.
#[derive(Clone)]
pub struct Pseudonyms {
    key: String,
}

impl Pseudonyms {
    /// Of a new key.
    #[must_use]
    pub fn new() -> Self {
        let key: [u128; 2] = rand::rng().random();
        Self { key: format!("{:032x}{:032x}", key[0], key[1]) }
    }

    /// Of the key in a file, which is made if it is not there.
    ///
    /// # Errors
    /// [`WriteError`] where the file can be neither read nor made, or holds something else.
    pub fn of_file(path: &Path) -> Result<Self, WriteError> {
        let failed = |source| WriteError::Io { source, path: path.to_owned() };
        if !path.exists() {
            let new = Self::new();
            crate::io::write_whole(path, format!("{}\n", new.key).as_bytes())?;
            return Ok(new);
        }
        let key = fs::read_to_string(path).map_err(failed)?.trim().to_owned();
        if key.len() != 64 || !key.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(failed(std::io::Error::other("it holds no key: 64 hexadecimal digits")));
        }
        Ok(Self { key })
    }

    fn number(&self, kind: &str, of: &str) -> u128 {
        let digest = sha256(format!("{}\n{kind}\n{of}", self.key).as_bytes());
        digest.get(..32).and_then(|digits| u128::from_str_radix(digits, 16).ok()).unwrap_or_default()
    }

    /// The name that a patient or a file goes by.
    #[must_use]
    pub fn name(&self, of: &str) -> String {
        format!("ANT-{:010x}", self.number("patient", of) >> 88)
    }

    /// Identifiers of the standard itself stay.
    fn uid(&self, uid: &str) -> String {
        if uid.starts_with("1.2.840.10008.") || uid.is_empty() {
            return uid.to_owned();
        }
        format!("2.25.{}", self.number("uid", uid))
    }

    /// By how much the dates of a patient move back: up to ten years.
    fn days(&self, patient: &str) -> Days {
        Days::new(1 + (self.number("days", patient) % 3650) as u64)
    }
}

impl Default for Pseudonyms {
    fn default() -> Self {
        Self::new()
    }
}

/// Why a series could not be copied without its identities.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "each variant is the error of one step")]
pub enum DeidentifyError {
    #[error(transparent)]
    Open(#[from] OpenError),
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Words in pixels cannot be taken out.
    #[error("words may be in the picture itself and tell who it is; leave this series out: {}", .0.display())]
    Words(PathBuf),
    /// Where the slices lie is known from private data, which go.
    #[error("this is a mosaic, which only private data can unfold; write NIfTI (--nifti): {}", .0.display())]
    Mosaic(PathBuf),
    /// Files are not replaced.
    #[error("this series is there already; choose another folder or remove it: {}", .0.display())]
    Exists(PathBuf),
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deidentified {
    /// Folder of the files.
    pub folder: PathBuf,
    /// How many.
    pub files: usize,
    /// What the patient is called in them.
    pub name: String,
}

/// `1 file`, `2 files`
#[must_use]
pub fn files_in_words(count: usize) -> String {
    if count == 1 { "1 file".to_owned() } else { format!("{count} files") }
}

impl Deidentified {
    /// How many files, in words.
    #[must_use]
    pub fn counted(&self) -> String {
        files_in_words(self.files)
    }
}

/// Texts that stay: who made the scanner, and by what technique it images.
const WORDS: [Tag; 10] = [
    tags::MANUFACTURER,
    tags::MANUFACTURER_MODEL_NAME,
    tags::SOFTWARE_VERSIONS,
    tags::SEQUENCE_NAME,
    tags::PULSE_SEQUENCE_NAME,
    tags::CONVOLUTION_KERNEL,
    tags::RESCALE_TYPE,
    tags::MODALITY_LUT_TYPE,
    tags::WINDOW_CENTER_WIDTH_EXPLANATION,
    tags::SPECIFIC_CHARACTER_SET,
];
/// Coded words and numbers that do tell something.
#[allow(deprecated, reason = "what is retired is still in archives")]
const TELLING: [Tag; 3] = [tags::CONTRIBUTING_EQUIPMENT_SEQUENCE, tags::MODIFYING_DEVICE_ID, tags::OTHER_STUDY_NUMBERS];
/// What of the first group may be said in items: what is imaged, and of which images this one is made.
const SAID_IN_ITEMS: [Tag; 5] = [
    tags::ANATOMIC_REGION_SEQUENCE,
    tags::DERIVATION_CODE_SEQUENCE,
    tags::SOURCE_IMAGE_SEQUENCE,
    tags::REFERENCED_IMAGE_SEQUENCE,
    tags::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
];
/// The triplet of a coded word.
const CODE: [Tag; 3] = [tags::CODE_VALUE, tags::CODING_SCHEME_DESIGNATOR, tags::CODE_MEANING];
/// What can say something of a whole series: identification, acquisition, relationship, image, functional groups, pixels.
const GROUPS: [u16; 7] = [0x0008, 0x0018, 0x0020, 0x0028, 0x0054, 0x5200, 0x7FE0];
/// Doses and segmentations say in groups of their own where they lie.
const PLACED_ELSEWHERE: [u16; 2] = [0x3004, 0x0062];

impl Stack {
    /// Copies all images of the stack without what tells whose they are into a folder of their own in `out`.
    pub(in crate::io) fn deidentify(
        &self,
        pseudonyms: &Pseudonyms,
        out: &Path,
        progress: &Progress,
    ) -> Result<Deidentified, DeidentifyError> {
        fs::create_dir_all(out).map_err(|source| WriteError::Io { source, path: out.to_owned() })?;
        // Nobody takes half a series for a whole one.
        let part = out.join(format!(".part-{:016x}", rand::rng().random::<u64>()));
        let done = self.copy_into(&part, pseudonyms, out, progress).and_then(|done| {
            let named = done.folder.parent().map_or(Ok(()), fs::create_dir_all);
            let moved = named.and_then(|()| fs::rename(&part, &done.folder));
            moved.map_err(|source| WriteError::Io { source, path: done.folder.clone() })?;
            Ok(done)
        });
        if done.is_err() {
            // The first error is the one to tell; a leftover part does no harm.
            let _ = fs::remove_dir_all(&part);
        }
        done
    }

    fn copy_into(
        &self,
        part: &Path,
        pseudonyms: &Pseudonyms,
        out: &Path,
        progress: &Progress,
    ) -> Result<Deidentified, DeidentifyError> {
        fs::create_dir_all(part).map_err(|source| WriteError::Io { source, path: part.to_owned() })?;
        let mut seen = HashSet::new();
        let slices: Vec<_> = self.0.volumes.iter().flatten().collect();
        let (mut written, mut nameless) = (None::<Deidentified>, None);
        for (index, slice) in slices.iter().enumerate() {
            let source = &slice.image.source;
            if !seen.insert(source.path().to_owned()) {
                continue;
            }
            if slice.image.mosaic.is_some() {
                return Err(DeidentifyError::Mosaic(source.path().to_owned()));
            }
            progress.step(index as f32 / slices.len() as f32, "copying").map_err(OpenError::from)?;
            let bytes = source.read(progress)?;
            let unsupported = |what: String| crate::io::Fault::Unsupported(what).at(source.path());
            let file = OpenFileOptions::new()
                .from_reader(bytes.as_slice())
                .map_err(|e| unsupported(format!("this kind of DICOM file cannot be copied ({e}): it")))?;
            let syntax = file.meta().transfer_syntax().to_owned();
            let object = file.into_inner();
            if may_hold_words(&object) {
                return Err(DeidentifyError::Words(source.path().to_owned()));
            }
            if let Some(tag) = object.iter().map(Header::tag).find(|tag| PLACED_ELSEWHERE.contains(&tag.group())) {
                return Err(unsupported(format!("a DICOM object that needs {tag} to be read")).into());
            }
            let untyped = |e: &&InMemElement| e.vr() == VR::UN && GROUPS.contains(&e.tag().group());
            if let Some(element) = object.iter().find(untyped) {
                return Err(unsupported(format!("a DICOM file that does not say what {} is", element.tag())).into());
            }
            let id = match whose(&object) {
                // Of stripped files their first one tells whose they are.
                id if id.is_empty() => nameless.get_or_insert_with(|| sha256(&bytes)).clone(),
                id => id,
            };
            let whose = Whose { name: pseudonyms.name(&id), days: pseudonyms.days(&id), pseudonyms };
            let mut copy = whose.copy(&object);
            // Stripped files lack identifiers that must be there.
            for tag in [tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID, tags::SOP_INSTANCE_UID] {
                if text(&copy, tag).is_empty() {
                    let missing = match tag {
                        tags::STUDY_INSTANCE_UID => format!("study of {id}"),
                        tags::SERIES_INSTANCE_UID => format!("series {} of {id}", slice.image.series_number),
                        _ => sha256(&bytes),
                    };
                    put(&mut copy, tag, VR::UI, &pseudonyms.uid(&missing));
                }
            }
            if text(&copy, tags::SOP_CLASS_UID).is_empty() {
                let class =
                    if text(&copy, tags::MODALITY) == "CT" { uids::CT_IMAGE_STORAGE } else { uids::MR_IMAGE_STORAGE };
                put(&mut copy, tags::SOP_CLASS_UID, VR::UI, class);
            }
            let done = if let Some(done) = &mut written {
                done
            } else {
                let stack = self.0.id.rsplit_once('/').map(|(_, stack)| stack);
                let folder = folder(out, &whose.name, &copy, stack);
                if folder.exists() {
                    return Err(DeidentifyError::Exists(folder));
                }
                written.insert(Deidentified { folder, files: 0, name: whose.name.clone() })
            };
            done.files += 1;
            write_encoded(copy, &syntax, &part.join(format!("{:05}.dcm", done.files)))?;
        }
        written.ok_or_else(|| {
            let reason = "it has no images".to_owned();
            let path = self.first().map_or(PathBuf::new(), |s| s.image.source.path().to_owned());
            OpenError::NoSeries { path, reason }.into()
        })
    }
}

/// `ANT-…/MR-0005-…`: patient, then kind, number and identity of the series, and which of its stacks it is.
fn folder(out: &Path, name: &str, copy: &InMemDicomObject, stack: Option<&str>) -> PathBuf {
    let number: u32 = text(copy, tags::SERIES_NUMBER).parse().unwrap_or_default();
    let series = text(copy, tags::SERIES_INSTANCE_UID);
    let last = series.get(series.len().saturating_sub(8)..).unwrap_or_default();
    let kind: String = text(copy, tags::MODALITY).chars().filter(char::is_ascii_alphanumeric).collect();
    let stack = stack.map_or(String::new(), |stack| format!("-{stack}"));
    out.join(name).join(format!("{kind}-{number:04}-{last}{stack}"))
}

/// Whose images they are, and what stands for that.
struct Whose<'a> {
    name: String,
    days: Days,
    pseudonyms: &'a Pseudonyms,
}

impl Whose<'_> {
    fn copy(&self, object: &InMemDicomObject) -> InMemDicomObject {
        let mut copy = InMemDicomObject::from_element_iter(object.iter().filter_map(|e| self.kept(e, false)));
        for (tag, vr, value) in [
            (tags::PATIENT_NAME, VR::PN, self.name.as_str()),
            (tags::PATIENT_ID, VR::LO, self.name.as_str()),
            (tags::PATIENT_BIRTH_DATE, VR::DA, ""),
            (tags::PATIENT_SEX, VR::CS, ""),
            (tags::REFERRING_PHYSICIAN_NAME, VR::PN, ""),
            (tags::STUDY_ID, VR::SH, ""),
            (tags::POSITION_REFERENCE_INDICATOR, VR::LO, ""),
            (tags::ACCESSION_NUMBER, VR::SH, ""),
            (tags::PATIENT_IDENTITY_REMOVED, VR::CS, "YES"),
            (tags::DEIDENTIFICATION_METHOD, VR::LO, concat!("Antrum ", env!("CARGO_PKG_VERSION"))),
            (tags::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED, VR::CS, "MODIFIED"),
            // The skin of a face can be drawn from a head.
            (tags::RECOGNIZABLE_VISUAL_FEATURES, VR::CS, "YES"),
        ] {
            put(&mut copy, tag, vr, value);
        }
        let code = |value: &str, meaning: &str| {
            CODE.into_iter()
                .zip([(VR::SH, value), (VR::SH, "DCM"), (VR::LO, meaning)])
                .map(|(tag, (vr, value))| element(tag, vr, value))
                .collect()
        };
        let methods = vec![
            code("113100", "Basic Application Confidentiality Profile"),
            code("113107", "Retain Longitudinal Temporal Information Modified Dates Option"),
        ];
        copy.put(sequence(tags::DEIDENTIFICATION_METHOD_CODE_SEQUENCE, methods));
        copy
    }

    /// What becomes of an element, of the object itself or of an item `within` it.
    fn kept(&self, element: &InMemElement, within: bool) -> Option<InMemElement> {
        let tag = element.tag();
        // The retired lengths of groups would be wrong.
        if TELLING.contains(&tag) || tag.element() == 0 {
            return None;
        }
        if tag == tags::PRESENTATION_LUT_SHAPE {
            return Some(element.clone());
        }
        if !GROUPS.contains(&tag.group()) {
            return None;
        }
        let new = |value: String| Some(DataElement::new(tag, element.vr(), PrimitiveValue::from(value)));
        let anatomy = tag == tags::ANATOMIC_REGION_SEQUENCE || (within && SAID_IN_ITEMS.contains(&tag));
        match element.vr() {
            VR::SQ if anatomy || tag.group() != 0x0008 => {
                let items = element
                    .items()?
                    .iter()
                    .map(|item| InMemDicomObject::from_element_iter(item.iter().filter_map(|e| self.kept(e, true))));
                let items: Vec<_> = items.collect();
                Some(DataElement::new(tag, VR::SQ, DataSetSequence::new(items, Length::UNDEFINED)))
            }
            VR::UI => {
                let values = element.to_multi_str().ok()?;
                let uids: Vec<_> =
                    values.iter().map(|uid| self.pseudonyms.uid(uid.trim_end_matches(['\0', ' ']))).collect();
                new(uids.join("\\"))
            }
            VR::DA | VR::DT => {
                let values = element.to_multi_str().ok()?;
                let moved: Option<Vec<_>> = values.iter().map(|value| self.moved(value)).collect();
                new(moved?.join("\\"))
            }
            VR::DS | VR::IS | VR::FD | VR::FL | VR::US | VR::UL | VR::SS | VR::SL | VR::UV | VR::SV => {
                Some(element.clone())
            }
            VR::CS | VR::AT | VR::TM => Some(element.clone()),
            // Pixels and the tables that they are looked up in.
            VR::OB | VR::OW | VR::OF | VR::OD | VR::OL | VR::OV if [0x0028, 0x7FE0].contains(&tag.group()) => {
                Some(element.clone())
            }
            _ if WORDS.contains(&tag) || (within && CODE.contains(&tag)) => Some(element.clone()),
            _ => None,
        }
    }

    /// A date, or a date and time, some years earlier; an empty one stays, and of anything else nothing is left.
    fn moved(&self, value: &str) -> Option<String> {
        let value = value.trim_matches(['\0', ' ']);
        if value.is_empty() {
            return Some(String::new());
        }
        let (date, time) = value.split_at_checked(8)?;
        let is_time = time.chars().all(|c| c.is_ascii_digit() || "+-.".contains(c));
        let date = NaiveDate::parse_from_str(date, "%Y%m%d").ok()?.checked_sub_days(self.days)?;
        is_time.then(|| format!("{}{time}", date.format("%Y%m%d")))
    }
}
