//! Every file of the shared data, opened alone: the pixels that pydicom, nibabel or Pillow decode from it, or an error
//! that says what is wrong. A file that the table does not know fails the test, so that the table stays complete.
//!
//! `exact` compares a CRC-32 of all stored numbers of the first volume (as little-endian `f64`, so that it does not
//! depend on the type); `near` compares sixteen of them, for lossy codecs and for colour turned to grey (Y of YCbCr,
//! luma of RGB after ITU-R BT.601), where decoders may differ by one; `any` is a file that the peers cannot decode.

use super::{data, files_below};
use antrum::io::{Scan, browse, open};
use antrum::job::Progress;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

const TABLE: &str = include_str!("every_file.tsv");

/// The folders that must be in the table to the last file.
const FOLDERS: [&str; 4] = ["abdomen_ct", "cxr", "dicom", "nifti"];

/// The columns of a file, if the table has it; `folder/*` stands for all files of a folder.
fn expectation(relative: &str) -> Option<Vec<&'static str>> {
    let mut rows = TABLE.lines().map(|line| line.split('\t').collect::<Vec<_>>());
    rows.find(|row| {
        let folder = row[0].strip_suffix('*');
        row[0] == relative || folder.is_some_and(|folder| relative.starts_with(folder))
    })
}

fn stored(scan: &Scan) -> Vec<f64> {
    (0..scan.volume.voxels.len()).map(|n| scan.volume.voxels.get(n)).collect()
}

fn crc_32(values: &[f64]) -> String {
    let mut crc = flate2::Crc::new();
    for value in values {
        crc.update(&value.to_le_bytes());
    }
    format!("{:08x}", crc.sum())
}

/// What is not as the table says, for a file that opened.
fn differences(scan: &Scan, row: &[&str]) -> Vec<String> {
    let &[_, how, size, frames, kind, min, max, sum, last] = row else { panic!("{row:?}") };
    let number = |text: &str| text.parse::<f64>().unwrap();
    let values = stored(scan);
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let (ours_min, ours_max) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    // Of a wide range, one in its last 8 bits; the mean may not drift by more than a rounding each.
    let most = if how == "near" { (number(max) / 255.0).max(1.0) } else { 0.0 };
    let mean_apart = (finite().sum::<f64>() - number(sum)).abs() / values.len() as f64;

    let mut differences = Vec::new();
    let mut same = |what: &str, ours: String, theirs: &str| {
        if ours != theirs {
            differences.push(format!("{what} {ours} instead of {theirs}"));
        }
    };
    same("size", scan.volume.grid.size.map(|n| n.to_string()).join("x"), size);
    same("frames", scan.frames.to_string(), frames);
    same("type", scan.volume.voxels.type_name().to_owned(), kind);
    if how == "exact" {
        same("CRC-32", crc_32(&values), last);
    } else {
        for (n, theirs) in last.split(' ').map(number).enumerate() {
            let ours = values.get(values.len() * (2 * n + 1) / 32).copied().unwrap_or(f64::NAN);
            if (ours - theirs).abs() > most || ours.is_nan() {
                differences.push(format!("sample {n} {ours} instead of {theirs}"));
            }
        }
    }
    if (ours_min - number(min)).abs() > most || (ours_max - number(max)).abs() > most || mean_apart > most / 2.0 + 1e-6
    {
        differences.push(format!("{ours_min} to {ours_max} instead of {min} to {max}, mean {mean_apart} off"));
    }
    differences
}

/// Copied into a folder of its own, so that no sibling is taken for a part of its series.
fn opened_alone(path: &Path) -> Result<Scan, String> {
    let folder = tempfile::tempdir().unwrap();
    let alone = folder.path().join(path.file_name().unwrap());
    std::fs::copy(path, &alone).unwrap();
    let result = catch_unwind(AssertUnwindSafe(|| open(&alone, &Progress::default())));
    result
        .unwrap_or_else(|_| panic!("{} panics", path.display()))
        .map_err(|error| error.to_string().replace(&folder.path().display().to_string(), "…"))
}

#[test]
fn every_file_opens_as_its_peers_read_it_or_says_why_not() {
    let (mut wrong, mut seen) = (Vec::new(), 0);
    for folder in FOLDERS {
        let Some(folder) = data(folder) else { return };
        for path in files_below(&folder) {
            let relative = path.strip_prefix(folder.parent().unwrap()).unwrap().to_str().unwrap().replace('\\', "/");
            let Some(row) = expectation(&relative) else {
                wrong.push(format!("{relative}: not in the table"));
                continue;
            };
            seen += 1;
            let outcome = opened_alone(&path);
            let differences = match (&outcome, row[1]) {
                (Ok(scan), "exact" | "near") => differences(scan, &row),
                (Err(error), "error") if error.contains(row.get(2).copied().unwrap_or_default()) => Vec::new(),
                // Without the files that it lists, a directory leads nowhere.
                (_, "any") | (Err(_), "directory") => Vec::new(),
                (Ok(_), _) => vec!["opens".to_owned()],
                (Err(error), _) => vec![error.clone()],
            };
            if !relative.contains("TINY_ALPHA/PT") {
                let told = outcome.map(|scan| format!("{:?}", scan.volume.grid.size));
                println!("{relative}: {}", told.unwrap_or_else(|error| error));
            }
            wrong.extend(differences.into_iter().map(|difference| format!("{relative}: {difference}")));
        }
    }
    println!("{seen} files, {} differences", wrong.len());
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_not_shown_as_it_is_stored_is_said() {
    for (file, codes) in [
        ("dicom/test_files/examples_rgb_color.dcm", &["no-orientation", "colour-as-grey"][..]),
        ("dicom/test_files/examples_palette.dcm", &["no-orientation", "colour-as-grey"]),
        ("dicom/test_files/image_dfl.dcm", &["no-orientation"]),
        ("cxr/00000001_000.png", &["no-orientation"]),
        // Stored in three channels, but all three are the same.
        ("cxr/tbx11k_test_data/imgs/tb/tb0005.png", &["no-orientation"]),
        ("dicom/test_files/MR_small.dcm", &[]),
    ] {
        let Some(path) = data(file) else { return };
        let checks = opened_alone(&path).unwrap().checks;
        for code in ["no-orientation", "colour-as-grey"] {
            assert_eq!(checks.iter().any(|check| check.code == code), codes.contains(&code), "{file}: {checks:?}");
        }
    }
}

/// Series Instance UIDs that a directory leads to, and into how many stacks they part.
fn listed(relative: &str) -> Option<(usize, usize)> {
    let path = data(&format!("dicom/test_files/dicomdirtests/{relative}"))?;
    let catalogue = browse(&[path], &Progress::default()).unwrap_or_else(|error| panic!("{error}"));
    let series: BTreeSet<&str> =
        catalogue.series().iter().map(|s| s.id.split_once('/').map_or(s.id.as_str(), |(uid, _)| uid)).collect();
    Some((series.len(), catalogue.series().len()))
}

#[test]
fn a_directory_file_leads_to_its_series_however_it_is_written() {
    for name in ["", "-bigEnd", "-implicit", "-nooffset", "-reordered", "-nopatient"] {
        let name = format!("DICOMDIR{name}");
        let Some(listed) = listed(&name) else { return };
        // Four of the thirteen are scouts or projections in several directions: 2, 3, 3 and 7 stacks.
        assert_eq!(listed, (13, 24), "{name}");
    }
}

#[test]
fn a_directory_of_files_without_pictures_says_so() {
    for name in ["DICOMDIR-empty.dcm", "TINY_ALPHA/DICOMDIR"] {
        let Some(path) = data(&format!("dicom/test_files/dicomdirtests/{name}")) else { return };
        let error = browse(&[path], &Progress::default()).unwrap_err().to_string();
        assert!(error.contains(name), "{error}");
    }
}
