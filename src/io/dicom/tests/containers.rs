//! Folders in folders, archives, directories of media, files without meta information.

use super::*;
use ::dicom::core::dicom_value;
use std::io::{Cursor, Write as _};
use std::path::PathBuf;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

#[test]
fn an_archive_and_folders_inside_a_folder_hold_the_same_series() {
    let flat = scrambled();
    let expected = read(&flat);
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    let deep = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c", "d", "e"] {
        let bytes = fs::read(flat.path().join(name)).unwrap();
        archive.start_file(format!("study/{name}.dcm"), SimpleFileOptions::default()).unwrap();
        archive.write_all(&bytes).unwrap();
        fs::create_dir_all(deep.path().join(name)).unwrap();
        fs::write(deep.path().join(name).join("image"), bytes).unwrap();
    }
    let path = deep.path().join("study.zip");
    fs::write(&path, archive.finish().unwrap().into_inner()).unwrap();
    let packed = open(&path, &Progress::default()).unwrap();
    assert_eq!((&packed.volume, &packed.sha256), (&expected.volume, &expected.sha256));
    assert_eq!(packed.path, Some(path));
    assert_eq!(read(&deep).volume, expected.volume);

    // A set of files, in any order; two of the five are missing here.
    let files: Vec<PathBuf> = ["c", "a", "b"].map(|name| flat.path().join(name)).to_vec();
    let some = browse(&files, &Progress::default()).unwrap();
    assert_eq!(some.series()[0].size, [4, 3, 3]);
}

#[test]
fn a_directory_of_media_leads_to_its_files_and_nowhere_else() {
    let folder = scrambled();
    fs::create_dir(folder.path().join("SERIES")).unwrap();
    for name in ["a", "b", "c", "d", "e"] {
        fs::rename(folder.path().join(name), folder.path().join("SERIES").join(name.to_uppercase())).unwrap();
    }
    let outside = tempfile::tempdir().unwrap();
    Page::axial(99.0, 0).write(&outside, "OUTSIDE");
    let record = |id: &str| {
        InMemDicomObject::from_element_iter([DataElement::new(tags::REFERENCED_FILE_ID, VR::CS, dicom_value!(Str, id))])
    };
    let records = vec![record("SERIES\\A"), record("SERIES\\B"), record("SERIES\\GONE"), record("..\\OUTSIDE")];
    let sequence = DataElement::new(tags::DIRECTORY_RECORD_SEQUENCE, VR::SQ, DataSetSequence::from(records));
    let object = InMemDicomObject::from_element_iter([sequence]);
    let meta = FileMetaTableBuilder::new()
        .transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN)
        .media_storage_sop_class_uid(uids::MEDIA_STORAGE_DIRECTORY_STORAGE)
        .media_storage_sop_instance_uid("2.25.77");
    object.with_meta(meta).unwrap().write_to_file(folder.path().join("DICOMDIR")).unwrap();

    let catalogue = browse(&[folder.path().join("DICOMDIR")], &Progress::default()).unwrap();
    assert_eq!((catalogue.series().len(), catalogue.series()[0].size), (1, [4, 3, 2]));
    let scan = catalogue.read(0, &ReadOptions::default(), &Progress::default()).unwrap();
    assert_eq!(codes(&scan), ["missing-files"]);
    assert_eq!(scan.checks[0].message, "1 of the files that are named here is not there.");
}

#[test]
fn files_without_preamble_or_meta_information_are_told_by_their_first_element() {
    let folder = tempfile::tempdir().unwrap();
    for (syntax, name) in [
        (uids::EXPLICIT_VR_LITTLE_ENDIAN, "explicit"),
        (uids::IMPLICIT_VR_LITTLE_ENDIAN, "implicit"),
        ("1.2.840.10008.1.2.2", "big"),
    ] {
        let mut page = Page::axial(0.0, 1);
        page.syntax = syntax;
        page.write(&folder, name);
        let bytes = fs::read(folder.path().join(name)).unwrap();
        // Meta information: its length stands in its first element.
        let length = u32::from_le_bytes(*bytes[140..].first_chunk().unwrap()) as usize;
        for (start, what) in [(132, "no preamble"), (144 + length, "no meta information")] {
            let alone = tempfile::tempdir().unwrap();
            fs::write(alone.path().join("one"), &bytes[start..]).unwrap();
            let scan = open(&alone.path().join("one"), &Progress::default());
            let scan = scan.unwrap_or_else(|error| panic!("{name}, {what}: {error}"));
            assert_eq!(scan.volume.at([3, 2, 0]), Some(231.0), "{name}, {what}");
        }
    }
}

#[cfg(unix)]
#[test]
fn links_are_followed() {
    let flat = scrambled();
    let links = tempfile::tempdir().unwrap();
    for name in ["a", "b", "c", "d", "e"] {
        std::os::unix::fs::symlink(flat.path().join(name), links.path().join(name)).unwrap();
    }
    assert_eq!(read(&links).volume, read(&flat).volume);
    assert_eq!(open(&links.path().join("c"), &Progress::default()).unwrap().volume, read(&flat).volume);
}

#[test]
fn a_damaged_series_does_not_keep_a_folder_shut_but_is_never_replaced_when_asked_for() {
    let folder = scrambled();
    let sound = read(&folder).volume;
    // A larger series, one file of which is cut in its pixels.
    for n in 0..9_u16 {
        let mut page = Page::axial(f64::from(n), n).set(tags::SERIES_INSTANCE_UID, VR::UI, "2.25.3");
        page.syntax = uids::RLE_LOSSLESS;
        let fragments = PixelFragmentSequence::new_fragments(vec![vec![1_u8; 80]]);
        page.object.put(DataElement::new(tags::PIXEL_DATA, VR::OB, fragments));
        page.write(&folder, &format!("broken{n}"));
    }
    let scan = read(&folder);
    assert_eq!((&scan.volume, codes(&scan)), (&sound, vec!["damaged-series"]));
    let error = open(&folder.path().join("broken3"), &Progress::default()).unwrap_err();
    assert!(error.to_string().starts_with("the scan is damaged"), "{error}");
}

#[test]
fn files_of_the_same_name_in_two_folders_can_be_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    for (name, size) in [("one", [3, 3, 3]), ("two", [4, 4, 4])] {
        fs::create_dir(folder.path().join(name)).unwrap();
        let grid = Grid::centred(size, 1.0, DVec3::ZERO);
        let volume = Volume::from_f32(grid, vec![0.0; grid.count()], Unit::Arbitrary);
        crate::io::nifti::write(&folder.path().join(name).join("T1w.nii"), &volume).unwrap();
    }
    let catalogue = browse(&[folder.path().to_owned()], &Progress::default()).unwrap();
    let two = catalogue.find(&PathBuf::from("two").join("T1w.nii").display().to_string()).unwrap();
    assert_eq!(catalogue.series()[two].size, [4, 4, 4]);
}

#[test]
fn a_table_lists_the_series_of_the_files_and_archives_that_it_names_in_its_order() {
    let folder = scrambled();
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, series, level) in [("p", 7, 11), ("q", 7, 12), ("unasked", 8, 13), ("packed", 9, 14)] {
        let page =
            Page::axial(f64::from(level), level).set(tags::SERIES_INSTANCE_UID, VR::UI, format!("2.25.{series}"));
        page.set(tags::SERIES_NUMBER, VR::IS, "1").write(&folder, name);
    }
    archive.start_file("packed.dcm", SimpleFileOptions::default()).unwrap();
    archive.write_all(&fs::read(folder.path().join("packed")).unwrap()).unwrap();
    fs::remove_file(folder.path().join("packed")).unwrap();
    fs::write(folder.path().join("study.zip"), archive.finish().unwrap().into_inner()).unwrap();
    fs::write(folder.path().join("notes.txt"), "not a scan").unwrap();
    let table = folder.path().join("list.csv");
    let listed = |rows: &str| {
        fs::write(&table, format!("file\n{rows}")).unwrap();
        let catalogue = browse(std::slice::from_ref(&table), &Progress::default()).unwrap();
        let series = catalogue.series().iter().map(|series| (series.id.clone(), series.size[2]));
        (series.collect::<Vec<_>>(), catalogue)
    };
    let (series, catalogue) = listed("study.zip\nc\nq\nb\nnotes.txt\n");
    let of = |id: &str, slices: usize| (id.to_owned(), slices);
    assert_eq!(series, [of("2.25.9", 1), of("2.25.1", 5), of("2.25.7", 2)], "whole series, and none that is not named");
    let scan = catalogue.read(1, &ReadOptions::default(), &Progress::default()).unwrap();
    assert_eq!(scan.checks.last().unwrap().message, "1 of the files that are named here is no scan.");
    let three = [of("2.25.8", 1), of("2.25.7", 2), of("2.25.1", 5)];
    assert_eq!(listed("unasked\nq\nc\nq\n").0, three, "three series of one folder");
    fs::write(folder.path().join("torn.zip"), b"PK\x03\x04 and no more").unwrap();
    assert_eq!(listed("unasked\nq\ntorn.zip\nc\nstudy.zip\nstudy.zip\n").0, [&three[..], &[of("2.25.9", 1)]].concat());

    // A folder is more than its scans, and nobody named the rest.
    let inside = folder.path().join("inside");
    fs::create_dir(&inside).unwrap();
    fs::copy(folder.path().join("p"), inside.join("p")).unwrap();
    fs::write(inside.join("p.json"), "{}").unwrap();
    let (series, catalogue) = listed("inside\n");
    assert_eq!(series, [of("2.25.7", 1)]);
    let scan = catalogue.read(0, &ReadOptions::default(), &Progress::default()).unwrap();
    assert!(!codes(&scan).contains(&"no-scans"), "{:?}", scan.checks);
}
