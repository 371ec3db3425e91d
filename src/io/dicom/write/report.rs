//! Findings of a series as a structured report: Comprehensive SR with the template "Imaging Measurement Report"
//! (PS3.16 TID 1500), one group of qualitative evaluations (TID 1501) for each finding.

use super::{Element, Headers, decimal, element, fresh_uid, put, reference, sequence, write};
use crate::io::WriteError;
use crate::space::Side;
use ::dicom::core::{Tag, VR};
use ::dicom::dictionary_std::{tags, uids};
use std::path::Path;

/// A coded concept: value, scheme, meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Code(pub &'static str, pub &'static str, pub &'static str);

/// What a finding is judged by, beside the finding itself.
#[derive(Clone, Debug, PartialEq)]
pub enum Evaluation {
    /// One of several.
    Coded(Code, Code),
    /// In words.
    Text(Code, String),
    /// A number with the unit's code.
    Number(Code, f64, Code),
}

/// What is said of one maxillary sinus.
#[derive(Clone, Debug, PartialEq)]
pub struct Finding {
    /// The side of the patient.
    pub side: Side,
    /// What it is called among the findings of this study.
    pub tracking: String,
    /// What was found.
    pub found: Code,
    /// How it was judged.
    pub evaluations: Vec<Evaluation>,
}

/// A report of one observer.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// Who observed.
    pub observer: String,
    /// When it was made, `YYYYMMDDhhmmss`.
    pub now: String,
    /// At least one.
    pub findings: Vec<Finding>,
}

pub(super) const MAXILLARY_SINUS: Code = Code("15924003", "SCT", "Maxillary sinus");
const LEFT: Code = Code("7771000", "SCT", "Left");
const RIGHT: Code = Code("24028007", "SCT", "Right");

/// The code of a side of the patient.
pub(super) fn side(side: Side) -> Code {
    match side {
        Side::Left => LEFT,
        Side::Right => RIGHT,
    }
}

impl Report {
    /// Writes the report of a series to a file.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write(&self, of: &Headers, path: &Path) -> Result<(), WriteError> {
        let description = "Maxillary sinuses (research use only)";
        let mut object = of.derived(uids::COMPREHENSIVE_SR_STORAGE, "SR", 9001, description, &self.now);
        put(&mut object, tags::COMPLETION_FLAG, VR::CS, "COMPLETE");
        put(&mut object, tags::VERIFICATION_FLAG, VR::CS, "UNVERIFIED");
        object.put(sequence(tags::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE, Vec::new()));
        object.put(sequence(tags::PERFORMED_PROCEDURE_CODE_SEQUENCE, Vec::new()));
        object.put(sequence(tags::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE, vec![Self::evidence(of)]));
        for content in self.root(of) {
            object.put(content);
        }
        write(object, path)
    }

    fn evidence(of: &Headers) -> Vec<Element> {
        let images = of.instances.iter().map(reference).collect();
        let series = vec![
            sequence(tags::REFERENCED_SOP_SEQUENCE, images),
            element(tags::SERIES_INSTANCE_UID, VR::UI, of.series()),
        ];
        vec![
            sequence(tags::REFERENCED_SERIES_SEQUENCE, vec![series]),
            element(tags::STUDY_INSTANCE_UID, VR::UI, of.study()),
        ]
    }

    fn root(&self, of: &Headers) -> Vec<Element> {
        let language = Code("en-US", "RFC5646", "English (United States)");
        let observer_type = Code("121006", "DCM", "Person");
        let procedure = Code("363679005", "SCT", "Imaging procedure");
        let images = of.instances.iter().map(|instance| {
            let mut item = related("CONTAINS");
            item.push(element(tags::VALUE_TYPE, VR::CS, "IMAGE"));
            item.push(sequence(tags::REFERENCED_SOP_SEQUENCE, vec![reference(instance)]));
            item
        });
        let library = container("CONTAINS", Code("126200", "DCM", "Image Library Group"), images.collect());
        let content = vec![
            coded("HAS CONCEPT MOD", Code("121049", "DCM", "Language of Content Item and Descendants"), language),
            coded("HAS OBS CONTEXT", Code("121005", "DCM", "Observer Type"), observer_type),
            valued(
                "HAS OBS CONTEXT",
                "PNAME",
                Code("121008", "DCM", "Person Observer Name"),
                element(tags::PERSON_NAME, VR::PN, self.observer.as_str()),
            ),
            coded("HAS CONCEPT MOD", Code("121058", "DCM", "Procedure reported"), procedure),
            container("CONTAINS", Code("111028", "DCM", "Image Library"), vec![library]),
            container(
                "CONTAINS",
                Code("126010", "DCM", "Imaging Measurements"),
                self.findings.iter().map(Finding::group).collect(),
            ),
        ];
        let mut root = container("", Code("126000", "DCM", "Imaging Measurement Report"), content);
        root.push(sequence(
            tags::CONTENT_TEMPLATE_SEQUENCE,
            vec![vec![
                element(tags::MAPPING_RESOURCE, VR::CS, "DCMR"),
                element(tags::TEMPLATE_IDENTIFIER, VR::CS, "1500"),
            ]],
        ));
        root
    }
}

impl Finding {
    /// TID 1501.
    fn group(&self) -> Vec<Element> {
        let mut site = coded("HAS CONCEPT MOD", Code("363698007", "SCT", "Finding Site"), MAXILLARY_SINUS);
        let laterality = coded("HAS CONCEPT MOD", Code("272741003", "SCT", "Laterality"), side(self.side));
        site.push(sequence(tags::CONTENT_SEQUENCE, vec![laterality]));
        let mut content = vec![
            valued(
                "HAS OBS CONTEXT",
                "TEXT",
                Code("112039", "DCM", "Tracking Identifier"),
                element(tags::TEXT_VALUE, VR::UT, self.tracking.as_str()),
            ),
            valued(
                "HAS OBS CONTEXT",
                "UIDREF",
                Code("112040", "DCM", "Tracking Unique Identifier"),
                element(tags::UID, VR::UI, fresh_uid()),
            ),
            coded("CONTAINS", Code("121071", "DCM", "Finding"), self.found),
            site,
        ];
        content.extend(self.evaluations.iter().map(|evaluation| match evaluation {
            Evaluation::Coded(concept, value) => coded("CONTAINS", *concept, *value),
            Evaluation::Text(concept, text) => {
                valued("CONTAINS", "TEXT", *concept, element(tags::TEXT_VALUE, VR::UT, text.as_str()))
            }
            Evaluation::Number(concept, number, unit) => {
                let measured = vec![
                    sequence(tags::MEASUREMENT_UNITS_CODE_SEQUENCE, vec![code(*unit)]),
                    element(tags::NUMERIC_VALUE, VR::DS, decimal(*number)),
                ];
                valued("CONTAINS", "NUM", *concept, sequence(tags::MEASURED_VALUE_SEQUENCE, vec![measured]))
            }
        }));
        container("CONTAINS", Code("125007", "DCM", "Measurement Group"), content)
    }
}

/// The elements of a code.
pub(super) fn code(Code(value, scheme, meaning): Code) -> Vec<Element> {
    vec![
        element(tags::CODE_VALUE, VR::SH, value),
        element(tags::CODING_SCHEME_DESIGNATOR, VR::SH, scheme),
        element(tags::CODE_MEANING, VR::LO, meaning),
    ]
}

/// A sequence of one code, for other objects.
pub(super) fn code_sequence(tag: Tag, concept: Code) -> Element {
    sequence(tag, vec![code(concept)])
}

fn related(relationship: &str) -> Vec<Element> {
    if relationship.is_empty() {
        return Vec::new();
    }
    vec![element(tags::RELATIONSHIP_TYPE, VR::CS, relationship)]
}

/// An item of the content tree with one value.
fn valued(relationship: &str, kind: &str, concept: Code, value: Element) -> Vec<Element> {
    let mut item = related(relationship);
    item.push(element(tags::VALUE_TYPE, VR::CS, kind));
    item.push(code_sequence(tags::CONCEPT_NAME_CODE_SEQUENCE, concept));
    item.push(value);
    item
}

fn coded(relationship: &str, concept: Code, value: Code) -> Vec<Element> {
    valued(relationship, "CODE", concept, code_sequence(tags::CONCEPT_CODE_SEQUENCE, value))
}

fn container(relationship: &str, concept: Code, content: Vec<Vec<Element>>) -> Vec<Element> {
    let mut item = valued(relationship, "CONTAINER", concept, element(tags::CONTINUITY_OF_CONTENT, VR::CS, "SEPARATE"));
    item.push(sequence(tags::CONTENT_SEQUENCE, content));
    item
}
