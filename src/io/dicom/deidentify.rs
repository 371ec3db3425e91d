//! Copies of a DICOM series in which nothing tells whose head it is (PS3.15 Annex E: the Basic Application Level
//! Confidentiality Profile, with Modified Dates).
//!
//! The profile lists what must go. This does more: only what an image needs to be placed, drawn and compared stays. What
//! can hold words goes, except for a few that name technique and maker; numbers and coded words stay; identifiers get
//! stand-ins that still tell which images belong together; dates move, and their distances stay. Pixels are copied as they
//! are stored.

use super::Stack;
use super::write::{element, is_burned_in, put, sequence, text, whose, write_encoded};
use crate::io::{OpenError, WriteError, sha256};
use crate::job::Progress;
use ::dicom::core::chrono::{Days, NaiveDate};
use ::dicom::core::header::Header as _;
use ::dicom::core::value::DataSetSequence;
use ::dicom::core::{DataElement, Length, PrimitiveValue, Tag, VR};
use ::dicom::dictionary_std::tags;
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
    #[error("words are burned into the picture, and may tell who it is; leave this series out: {}", .0.display())]
    BurnedIn(PathBuf),
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

/// Texts that stay: who made the scanner, and by what technique it images.
const WORDS: [Tag; 8] = [
    tags::MANUFACTURER,
    tags::MANUFACTURER_MODEL_NAME,
    tags::SEQUENCE_NAME,
    tags::PULSE_SEQUENCE_NAME,
    tags::CONVOLUTION_KERNEL,
    tags::RESCALE_TYPE,
    tags::WINDOW_CENTER_WIDTH_EXPLANATION,
    tags::SPECIFIC_CHARACTER_SET,
];
/// The triplet of a coded word.
const CODE: [Tag; 3] = [tags::CODE_VALUE, tags::CODING_SCHEME_DESIGNATOR, tags::CODE_MEANING];
/// What can say something of a whole series: identification, acquisition, relationship, image, functional groups, pixels.
const GROUPS: [u16; 6] = [0x0008, 0x0018, 0x0020, 0x0028, 0x5200, 0x7FE0];

impl Stack {
    /// Copies all images of the stack without what tells whose they are into a folder of their own in `out`.
    pub(in crate::io) fn deidentify(
        &self,
        pseudonyms: &Pseudonyms,
        out: &Path,
        progress: &Progress,
    ) -> Result<Deidentified, DeidentifyError> {
        let mut seen = HashSet::new();
        let slices: Vec<_> = self.0.volumes.iter().flatten().collect();
        let mut written = None::<Deidentified>;
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
            let file = OpenFileOptions::new().from_reader(bytes.as_slice()).map_err(|e| {
                crate::io::Fault::Unsupported(format!("this kind of DICOM file cannot be copied ({e})"))
                    .at(source.path())
            })?;
            let syntax = file.meta().transfer_syntax().to_owned();
            let object = file.into_inner();
            if is_burned_in(&object) {
                return Err(DeidentifyError::BurnedIn(source.path().to_owned()));
            }
            let id = whose(&object);
            let whose = Whose { name: pseudonyms.name(&id), days: pseudonyms.days(&id), pseudonyms };
            let mut copy = whose.copy(&object);
            // Stripped files lack identifiers that must be there.
            for (tag, missing) in [
                (tags::STUDY_INSTANCE_UID, id.clone()),
                (tags::SERIES_INSTANCE_UID, format!("{id} {}", slice.image.series_number)),
                (tags::SOP_INSTANCE_UID, sha256(&bytes)),
            ] {
                if text(&copy, tag).is_empty() {
                    put(&mut copy, tag, VR::UI, &pseudonyms.uid(&missing));
                }
            }
            let done = if let Some(done) = &mut written {
                done
            } else {
                let folder = folder(out, &whose.name, &copy);
                if folder.exists() {
                    return Err(DeidentifyError::Exists(folder));
                }
                fs::create_dir_all(&folder).map_err(|source| WriteError::Io { source, path: folder.clone() })?;
                written.insert(Deidentified { folder, files: 0, name: whose.name.clone() })
            };
            done.files += 1;
            write_encoded(copy, &syntax, &done.folder.join(format!("{:05}.dcm", done.files)))?;
        }
        written.ok_or_else(|| {
            let reason = "it has no images".to_owned();
            OpenError::NoSeries {
                path: self.first().map_or(PathBuf::new(), |s| s.image.source.path().to_owned()),
                reason,
            }
            .into()
        })
    }
}

/// `ANT-…/MR-0005-…`: patient, then kind, number and identity of the series.
fn folder(out: &Path, name: &str, copy: &InMemDicomObject) -> PathBuf {
    let number: u32 = text(copy, tags::SERIES_NUMBER).parse().unwrap_or_default();
    let series = text(copy, tags::SERIES_INSTANCE_UID);
    let last = series.get(series.len().saturating_sub(8)..).unwrap_or_default();
    let kind: String = text(copy, tags::MODALITY).chars().filter(char::is_ascii_alphanumeric).collect();
    out.join(name).join(format!("{kind}-{number:04}-{last}"))
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
        let anatomy = tag == tags::ANATOMIC_REGION_SEQUENCE || tag == tags::FRAME_ANATOMY_SEQUENCE;
        // The retired lengths of groups would be wrong.
        if !GROUPS.contains(&tag.group()) || tag.element() == 0 {
            return None;
        }
        let new = |value: String| Some(DataElement::new(tag, element.vr(), PrimitiveValue::from(value)));
        match element.vr() {
            VR::SQ if anatomy || within || tag.group() != 0x0008 => {
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
            VR::DA | VR::DT => new(self.moved(&element.to_str().ok()?)?),
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

    /// A date, or a date and time, some years earlier.
    fn moved(&self, value: &str) -> Option<String> {
        let (date, time) = value.trim().split_at_checked(8)?;
        let date = NaiveDate::parse_from_str(date, "%Y%m%d").ok()?.checked_sub_days(self.days)?;
        Some(format!("{}{time}", date.format("%Y%m%d")))
    }
}
