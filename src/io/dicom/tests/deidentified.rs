//! Copies in which nothing tells whose they are, and everything lies where it was.

use super::*;
use crate::io::{Deidentified, DeidentifyError, Pseudonyms};
use ::dicom::core::chrono::NaiveDate;
use ::dicom::object::open_file;
use std::path::PathBuf;

const SECRET: &str = "Whittlesea";

#[allow(deprecated, reason = "what is retired is still in archives")]
/// A series of which every kind of field tells the secret: patient, study, words, private data, items, identifiers.
fn telling() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (index, z_mm) in [0.0, 3.0, 6.0, 9.0].into_iter().enumerate() {
        let said = || PrimitiveValue::from(SECRET);
        let element = |tag, vr| DataElement::new(tag, vr, said());
        let code = vec![element(tags::CODE_MEANING, VR::LO)];
        let page = Page::axial(z_mm, index as u16)
            .set(tags::PATIENT_NAME, VR::PN, said())
            .set(tags::PATIENT_ID, VR::LO, said())
            .set(tags::PATIENT_BIRTH_DATE, VR::DA, "19610213")
            .set(tags::STUDY_DATE, VR::DA, "20240229")
            .set(tags::ACQUISITION_DATE_TIME, VR::DT, "20240301123000.5+0100")
            .set(tags::DATE_OF_LAST_CALIBRATION, VR::DA, "20240301\\20240301")
            .set(tags::DATE_OF_SECONDARY_CAPTURE, VR::DA, "20240301 and words")
            .set(tags::OTHER_STUDY_NUMBERS, VR::IS, "81253")
            .set(tags::MODIFYING_DEVICE_ID, VR::CS, said())
            .set(tags::INSTITUTION_NAME, VR::LO, said())
            .set(tags::STATION_NAME, VR::SH, said())
            .set(tags::SERIES_DESCRIPTION, VR::LO, said())
            .set(tags::PROTOCOL_NAME, VR::LO, said())
            .set(tags::IMAGE_COMMENTS, VR::LT, said())
            .set(tags::PATIENT_WEIGHT, VR::DS, "81.25")
            .set(tags::MANUFACTURER, VR::LO, "Maker")
            .set(tags::ECHO_TIME, VR::DS, "12.5")
            .set(tags::STUDY_INSTANCE_UID, VR::UI, "1.2.3.456")
            .set(tags::FRAME_OF_REFERENCE_UID, VR::UI, "1.2.3.789")
            .set(Tag(0x0029, 0x0010), VR::LO, said())
            .set(Tag(0x0029, 0x1010), VR::OB, PrimitiveValue::from(SECRET.as_bytes().to_vec()))
            .set(Tag(0x6000, 0x3000), VR::OW, PrimitiveValue::U16([1, 2].into_iter().collect()))
            .sequence(tags::REQUEST_ATTRIBUTES_SEQUENCE, vec![vec![element(tags::REQUESTED_PROCEDURE_ID, VR::SH)]])
            .sequence(tags::PROCEDURE_CODE_SEQUENCE, vec![code.clone()])
            .sequence(tags::CONTRIBUTING_EQUIPMENT_SEQUENCE, vec![code.clone()])
            .sequence(
                tags::MR_TIMING_AND_RELATED_PARAMETERS_SEQUENCE,
                vec![vec![DataElement::new(
                    tags::INSTITUTION_CODE_SEQUENCE,
                    VR::SQ,
                    DataSetSequence::from(vec![InMemDicomObject::from_element_iter(code)]),
                )]],
            )
            .sequence(tags::MR_IMAGING_MODIFIER_SEQUENCE, vec![vec![element(tags::IMAGE_COMMENTS, VR::LT)]]);
        page.write(&folder, &format!("{SECRET}-{index}.dcm"));
    }
    folder
}

fn copy(from: &TempDir, pseudonyms: &Pseudonyms) -> (TempDir, Deidentified) {
    let out = tempfile::tempdir().unwrap();
    let progress = Progress::default();
    let catalogue = browse(&[from.path().to_owned()], &progress).unwrap();
    let done = catalogue.deidentify(0, pseudonyms, out.path(), &progress).unwrap().unwrap();
    (out, done)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

#[test]
fn nothing_tells_the_secret_and_every_voxel_lies_where_it_was() {
    let folder = telling();
    let (_out, done) = copy(&folder, &Pseudonyms::new());
    assert_eq!(done.files, 4);
    for path in files(&done.folder) {
        assert!(!path.to_string_lossy().contains(SECRET));
        let bytes = fs::read(&path).unwrap();
        for word in
            [SECRET, "19610213", "20240229", "20240301", "81.25", "81253", "1.2.3.456", "1.2.3.789", "2.25.1000"]
        {
            let found = bytes.windows(word.len()).any(|window| window == word.as_bytes());
            assert!(!found, "{word} is in {}", path.display());
        }
        let object = open_file(&path).unwrap();
        assert!(object.iter().all(|element| element.header().tag.group() % 2 == 0), "private data");
        let text = |tag| object.element(tag).unwrap().to_str().unwrap().trim_end().to_owned();
        assert_eq!(text(tags::PATIENT_NAME), done.name);
        assert_eq!([text(tags::MANUFACTURER), text(tags::ECHO_TIME)], ["Maker", "12.5"]);
        assert_eq!(text(tags::PATIENT_IDENTITY_REMOVED), "YES");
    }
    let (before, after) = (read(&folder), open(&done.folder, &Progress::default()).unwrap());
    assert_eq!(before.volume.grid, after.volume.grid);
    let values = |scan: &Scan| (0..before.volume.grid.count()).map(|i| scan.volume.voxels.get(i)).collect::<Vec<_>>();
    assert_eq!(values(&before), values(&after));
    // The fourth column is the patient's left, and its pixels are the brightest of each row.
    let at = |i| (after.volume.grid.voxel_mm(i).x, after.volume.voxels.get(i));
    assert!(at(3).0 < at(0).0 && at(3).1 > at(0).1, "{:?} {:?}", at(0), at(3));
}

#[test]
fn a_key_keeps_together_what_belongs_together() {
    let folder = telling();
    let keys = tempfile::tempdir().unwrap();
    let key = keys.path().join("key");
    let [first, second] = [(); 2].map(|()| copy(&folder, &Pseudonyms::of_file(&key).unwrap()));
    let (_, other) = copy(&folder, &Pseudonyms::new());
    assert_eq!(first.1.name, second.1.name);
    assert_ne!(first.1.name, other.name);
    let read = |done: &Deidentified, tag| {
        let mut values = files(&done.folder).into_iter().map(|path| {
            open_file(path).unwrap().element(tag).unwrap().to_str().unwrap().trim_end_matches(['\0', ' ']).to_owned()
        });
        let first = values.next().unwrap();
        (first.clone(), values.filter(|value| *value == first).count())
    };
    for tag in [tags::STUDY_INSTANCE_UID, tags::SERIES_INSTANCE_UID, tags::FRAME_OF_REFERENCE_UID] {
        assert_eq!(read(&first.1, tag).1, 3, "one for all images");
        assert_eq!(read(&first.1, tag), read(&second.1, tag));
    }
    assert_eq!(read(&first.1, tags::SOP_INSTANCE_UID).1, 0, "each image has its own");
    // A day lies between the two dates, before and after.
    let date = |tag| NaiveDate::parse_from_str(read(&first.1, tag).0.get(..8).unwrap(), "%Y%m%d").unwrap();
    let days = date(tags::ACQUISITION_DATE_TIME) - date(tags::STUDY_DATE);
    assert_eq!(days.num_days(), 1);
    assert!(read(&first.1, tags::ACQUISITION_DATE_TIME).0.ends_with("123000.5+0100"));
    fs::write(&key, "no key").unwrap();
    assert!(Pseudonyms::of_file(&key).is_err());
}

#[test]
fn words_in_pixels_and_copies_that_are_there_are_refused() {
    let folder = telling();
    let key = Pseudonyms::new();
    let progress = Progress::default();
    let (out, _) = copy(&folder, &key);
    let again = |folder: &TempDir| {
        let catalogue = browse(&[folder.path().to_owned()], &progress).unwrap();
        catalogue.deidentify(0, &key, out.path(), &progress)
    };
    assert!(matches!(again(&folder), Err(DeidentifyError::Exists(_))));
    let burned = tempfile::tempdir().unwrap();
    Page::axial(0.0, 1).set(tags::BURNED_IN_ANNOTATION, VR::CS, "YES").write(&burned, "a.dcm");
    assert!(matches!(again(&burned), Err(DeidentifyError::Words(_))));
    let captured = tempfile::tempdir().unwrap();
    let page = Page::axial(0.0, 1).set(tags::CONVERSION_TYPE, VR::CS, "WSD");
    page.clone().write(&captured, "a.dcm");
    assert!(matches!(again(&captured), Err(DeidentifyError::Words(_))), "a screen is captured with its words");
    page.set(tags::BURNED_IN_ANNOTATION, VR::CS, "NO").write(&captured, "a.dcm");
    assert!(again(&captured).is_ok());
    let overlaid = tempfile::tempdir().unwrap();
    Page::axial(0.0, 1).set(Tag(0x6000, 0x0102), VR::US, 12_u16).write(&overlaid, "a.dcm");
    assert!(matches!(again(&overlaid), Err(DeidentifyError::Words(_))), "in the unused bits of the pixels");
    let parts = fs::read_dir(out.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with('.'));
    assert_eq!(parts.count(), 0, "nothing is left of what was refused");
}
