//! NIfTI files beside what nibabel reads from them: sizes, types, places, values. The table was printed by nibabel; its
//! voxels were chosen so that no flip of an axis would leave their values as they are.

use super::data;
use antrum::io::{OpenError, ReadOptions, Scan, browse};
use antrum::job::Progress;
use std::path::Path;

const TABLE: &str = include_str!("nibabel.tsv");

fn numbers(text: &str) -> Vec<f64> {
    text.split([' ', ',', 'x', '=']).map(|n| n.parse().unwrap()).collect()
}

fn volume(path: &Path, frame: usize) -> Result<Scan, OpenError> {
    let catalogue = browse(&[path.to_owned()], &Progress::default())?;
    catalogue.read(catalogue.preferred(), &ReadOptions { frame, ..ReadOptions::default() }, &Progress::default())
}

/// Equal to six digits; the readers may differ in whether they rescale in single or in double precision.
fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * a.abs().max(b.abs()).max(1e-3)
}

/// What is not as nibabel has it.
fn differences(path: &Path, columns: &[&str]) -> Result<Vec<String>, OpenError> {
    let [size, frames, stored, affine, min, max, mean, voxels] = columns else { panic!("{columns:?}") };
    let first = volume(path, 0)?;
    let mut differences = Vec::new();
    let mut same = |what: &str, ours: String, theirs: &str| {
        if ours != theirs {
            differences.push(format!("{what}: {ours} instead of {theirs}"));
        }
    };
    same("size", first.volume.grid.size.map(|n| n.to_string()).join("x"), size);
    same("frames", first.frames.to_string(), frames);
    same("type", first.volume.voxels.type_name().to_owned(), stored);

    let rows = first.volume.grid.world_from_voxel;
    for (n, theirs) in numbers(affine).into_iter().enumerate() {
        let ours = if n % 4 == 3 { rows.translation[n / 4] } else { rows.matrix3.col(n % 4)[n / 4] };
        // Positions are printed with seven digits.
        if (ours - theirs).abs() > 1e-4 {
            differences.push(format!("row {}, column {}: {ours} instead of {theirs}", n / 4, n % 4));
        }
    }
    let statistics = first.volume.statistics();
    for (ours, theirs) in [(statistics.min, min), (statistics.max, max), (statistics.mean, mean)] {
        if !close(ours, theirs.parse().unwrap()) {
            differences.push(format!("{ours} instead of {theirs}"));
        }
    }
    let last = if first.frames > 1 { Some(volume(path, first.frames - 1)?) } else { None };
    for voxel in voxels.split(' ') {
        let &[i, j, k, frame, value] = numbers(voxel).as_slice() else { panic!("{voxel}") };
        let scan = last.as_ref().filter(|_| frame > 0.0).unwrap_or(&first);
        let ours = scan.volume.at([i, j, k].map(|c| c as usize));
        if !ours.is_some_and(|ours| close(ours, value)) {
            differences.push(format!("{voxel}: {ours:?}"));
        }
    }
    Ok(differences)
}

#[test]
fn nifti_files_have_the_numbers_that_nibabel_reads() {
    let mut wrong = Vec::new();
    for line in TABLE.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let Some(path) = data(columns[0]) else { continue };
        let differences = differences(&path, &columns[1..]).unwrap_or_else(|error| vec![error.to_string()]);
        println!("{:70} {:>14} {:>4} {} different", columns[0], columns[1], columns[3], differences.len());
        wrong.extend(differences.into_iter().map(|difference| format!("{}: {difference}", columns[0])));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
