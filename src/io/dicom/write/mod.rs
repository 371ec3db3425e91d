//! What is said of a DICOM series, as DICOM objects that belong to the same patient and study: a report of findings
//! ([`Report`], PS3.16 TID 1500) and masks ([`Segmentation`], PS3.3 A.51). What of the patient is in the headers of the
//! series is copied, and kept nowhere else.

mod report;
mod segmentation;

pub use report::{Code, Evaluation, Finding, Report};
pub use segmentation::{Segment, Segmentation};

use super::Stack;
use crate::io::{Fault, OpenError, WriteError};
use crate::job::Progress;
use ::dicom::core::header::Header;
use ::dicom::core::value::DataSetSequence;
use ::dicom::core::{DataElement, PrimitiveValue, Tag, VR};
use ::dicom::dictionary_std::{tags, uids};
use ::dicom::object::{FileMetaTableBuilder, InMemDicomObject, OpenFileOptions};
use rand::RngExt as _;
use std::collections::HashSet;
use std::path::Path;

type Element = DataElement<InMemDicomObject>;

/// Of an overlay, (60xx,0102): in which bit of the pixels it is, 0 where it has bits of its own.
const OVERLAY_BIT_POSITION: u16 = 0x0102;
/// What marks files of this program among others (PS3.7 D.3.3.2); made as PS3.5 B.2 says.
const IMPLEMENTATION_UID: &str = "2.25.290412349085741034715264385212764537089";

/// The headers of a series, from which objects about it take patient, study and what they refer to.
pub struct Headers {
    /// That of its first image, without pixels.
    first: InMemDicomObject,
    /// SOP class and instance of each image, in the order of the slices.
    instances: Vec<[String; 2]>,
    may_hold_words: bool,
}

impl Stack {
    /// The headers of the images of one of its volumes, counted from 0.
    pub fn headers(&self, frame: usize, progress: &Progress) -> Result<Headers, OpenError> {
        let (mut first, mut instances, mut words) = (None, Vec::new(), false);
        let mut seen = HashSet::new();
        for slice in self.0.volumes.get(frame).into_iter().flatten() {
            let source = &slice.image.source;
            if !seen.insert(source.path().to_owned()) {
                continue;
            }
            progress.check()?;
            let bytes = source.read(progress)?;
            let damaged = |reason: String| Fault::Damaged(reason).at(source.path());
            let header = OpenFileOptions::new()
                .read_until(tags::PIXEL_DATA)
                .from_reader(bytes.as_slice())
                .map_err(|e| damaged(format!("its header cannot be copied: {e}")))?;
            let header = header.into_inner();
            instances.push([tags::SOP_CLASS_UID, tags::SOP_INSTANCE_UID].map(|tag| text(&header, tag)));
            words |= may_hold_words(&header);
            first = first.or(Some(header));
        }
        match first {
            Some(first) => Ok(Headers { first, instances, may_hold_words: words }),
            None => Err(Fault::Damaged("a stack without slices".to_owned()).at(Path::new(""))),
        }
    }
}

impl Headers {
    /// The patient's ID, or where there is none the study: what images of one patient have in common.
    #[must_use]
    pub fn patient(&self) -> String {
        whose(&self.first)
    }

    /// Whether there may be words in the pixels of an image.
    #[must_use]
    pub fn may_hold_words(&self) -> bool {
        self.may_hold_words
    }

    /// The series' own instance UID.
    fn series(&self) -> String {
        text(&self.first, tags::SERIES_INSTANCE_UID)
    }

    fn study(&self) -> String {
        text(&self.first, tags::STUDY_INSTANCE_UID)
    }

    /// A new object of a class in the same study, with a series of its own.
    fn derived(&self, class: &str, modality: &str, number: i32, description: &str, now: &str) -> InMemDicomObject {
        let mut object = InMemDicomObject::new_empty();
        // Patient and study; each is there even where it is empty (type 2).
        for (tag, vr) in [
            (tags::PATIENT_NAME, VR::PN),
            (tags::PATIENT_ID, VR::LO),
            (tags::PATIENT_BIRTH_DATE, VR::DA),
            (tags::PATIENT_SEX, VR::CS),
            (tags::STUDY_DATE, VR::DA),
            (tags::STUDY_TIME, VR::TM),
            (tags::REFERRING_PHYSICIAN_NAME, VR::PN),
            (tags::STUDY_ID, VR::SH),
            (tags::ACCESSION_NUMBER, VR::SH),
        ] {
            put(&mut object, tag, vr, &text(&self.first, tag));
        }
        put(&mut object, tags::STUDY_INSTANCE_UID, VR::UI, &self.study());
        // Texts are Unicode in memory, whatever they were in the series.
        put(&mut object, tags::SPECIFIC_CHARACTER_SET, VR::CS, "ISO_IR 192");
        let (date, time) = now.split_at(8);
        put(&mut object, tags::SOP_CLASS_UID, VR::UI, class);
        put(&mut object, tags::SOP_INSTANCE_UID, VR::UI, &fresh_uid());
        put(&mut object, tags::SERIES_INSTANCE_UID, VR::UI, &fresh_uid());
        put(&mut object, tags::MODALITY, VR::CS, modality);
        put(&mut object, tags::SERIES_NUMBER, VR::IS, &number.to_string());
        put(&mut object, tags::SERIES_DESCRIPTION, VR::LO, description);
        put(&mut object, tags::SERIES_DATE, VR::DA, date);
        put(&mut object, tags::SERIES_TIME, VR::TM, time);
        put(&mut object, tags::INSTANCE_NUMBER, VR::IS, "1");
        put(&mut object, tags::CONTENT_DATE, VR::DA, date);
        put(&mut object, tags::CONTENT_TIME, VR::TM, time);
        put(&mut object, tags::MANUFACTURER, VR::LO, "Antrum");
        put(&mut object, tags::MANUFACTURER_MODEL_NAME, VR::LO, "Antrum");
        put(&mut object, tags::DEVICE_SERIAL_NUMBER, VR::LO, "0");
        put(&mut object, tags::SOFTWARE_VERSIONS, VR::LO, env!("CARGO_PKG_VERSION"));
        object
    }
}

pub(super) fn whose(object: &InMemDicomObject) -> String {
    let ids = [tags::PATIENT_ID, tags::STUDY_INSTANCE_UID].map(|tag| text(object, tag));
    ids.into_iter().find(|id| !id.is_empty()).unwrap_or_default()
}

/// Whether there may be words in the pixels: where it is said so, and, unless it is denied, in what was captured from a
/// screen or is in colour; and overlays in the unused bits of pixels.
pub(super) fn may_hold_words(object: &InMemDicomObject) -> bool {
    let said = text(object, tags::BURNED_IN_ANNOTATION);
    let captured = text(object, tags::SOP_CLASS_UID).starts_with(uids::SECONDARY_CAPTURE_IMAGE_STORAGE)
        || !text(object, tags::CONVERSION_TYPE).is_empty();
    let number = |tag| object.element(tag).ok().and_then(|element| element.to_int::<u16>().ok()).unwrap_or(0);
    let colour = number(tags::SAMPLES_PER_PIXEL) > 1;
    let overlaid = object.iter().map(Header::tag).any(|tag| {
        (0x6000..=0x60FF).contains(&tag.group()) && tag.element() == OVERLAY_BIT_POSITION && number(tag) != 0
    });
    said == "YES" || (said != "NO" && (captured || colour)) || overlaid
}

/// Writes an object as a file that is either complete or not there.
fn write(object: InMemDicomObject, path: &Path) -> Result<(), WriteError> {
    write_encoded(object, uids::EXPLICIT_VR_LITTLE_ENDIAN, path)
}

/// The same in a transfer syntax, which is that of its pixels.
pub(super) fn write_encoded(object: InMemDicomObject, syntax: &str, path: &Path) -> Result<(), WriteError> {
    let failed = |e: String| WriteError::Io { source: std::io::Error::other(e), path: path.to_owned() };
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(syntax)
        .implementation_class_uid(IMPLEMENTATION_UID)
        .implementation_version_name("ANTRUM");
    let file = object.with_meta(meta).map_err(|e| failed(e.to_string()))?;
    let mut bytes = Vec::new();
    file.write_all(&mut bytes).map_err(|e| failed(e.to_string()))?;
    crate::io::write_whole(path, &bytes)
}

/// A UID that nothing else has (PS3.5 B.2).
fn fresh_uid() -> String {
    format!("2.25.{}", rand::rng().random::<u128>())
}

pub(super) fn text(object: &InMemDicomObject, tag: Tag) -> String {
    let value = object.element(tag).ok().and_then(|element| element.to_str().ok().map(std::borrow::Cow::into_owned));
    value.unwrap_or_default().trim_end_matches(['\0', ' ']).to_owned()
}

pub(super) fn element(tag: Tag, vr: VR, value: impl Into<PrimitiveValue>) -> Element {
    DataElement::new(tag, vr, value.into())
}

pub(super) fn put(object: &mut InMemDicomObject, tag: Tag, vr: VR, value: &str) {
    object.put(element(tag, vr, value));
}

pub(super) fn sequence(tag: Tag, items: Vec<Vec<Element>>) -> Element {
    let items: Vec<_> = items.into_iter().map(InMemDicomObject::from_element_iter).collect();
    DataElement::new(tag, VR::SQ, DataSetSequence::from(items))
}

/// An image as others refer to it.
fn reference([class, instance]: &[String; 2]) -> Vec<Element> {
    vec![
        element(tags::REFERENCED_SOP_CLASS_UID, VR::UI, class.as_str()),
        element(tags::REFERENCED_SOP_INSTANCE_UID, VR::UI, instance.as_str()),
    ]
}

/// A number in the at most 16 characters of a decimal string.
fn decimal(number: f64) -> String {
    let text = format!("{number:.10}");
    let short = text.get(..16).unwrap_or(&text);
    short.trim_end_matches('0').trim_end_matches('.').to_owned()
}
