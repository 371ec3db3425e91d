//! Times of opening scans, with the statistics that show that every voxel has come: `.nii.gz` and a folder of DICOM
//! slices. Scans are made for it; with `ANTRUM_DATA` naming a folder of NIfTI files, those in it are read as well.

#![allow(missing_docs, clippy::unwrap_used)]

use antrum::io;
use antrum::job::Progress;
use antrum::phantom;
use antrum::volume::{Volume, Voxels};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use dicom::core::{DataElement, PrimitiveValue, VR};
use dicom::dictionary_std::{tags, uids};
use dicom::object::{FileMetaTableBuilder, InMemDicomObject};
use std::path::{Path, PathBuf};

fn reading(criterion: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let head = phantom::example(&Progress::default()).unwrap().image;
    let stored = Voxels::I16(head.to_f32().into_iter().map(|v| v as i16).collect());
    let scan = Volume { voxels: stored, ..head.clone() };
    let at = |name: &str| dir.path().join(name);
    io::nifti::write(&at("i16.nii.gz"), &scan).unwrap();
    io::nifti::write(&at("f32.nii.gz"), &head).unwrap();
    write_slices(&at("DICOM"), &scan);

    let mut paths = vec![at("i16.nii.gz"), at("f32.nii.gz"), at("DICOM")];
    match std::env::var_os("ANTRUM_DATA") {
        Some(folder) => paths.extend(nifti_files(Path::new(&folder))),
        None => println!("ANTRUM_DATA names no folder: only the scans made for this benchmark are read"),
    }
    let mut group = criterion.benchmark_group("reading");
    group.sample_size(10);
    for path in paths {
        let voxels = io::open(&path, &Progress::default()).unwrap().volume.voxels.len();
        group.throughput(Throughput::Elements(voxels as u64));
        group.bench_function(path.file_name().unwrap().to_string_lossy(), |b| {
            b.iter(|| io::open(&path, &Progress::default()).unwrap().volume.statistics());
        });
    }
}

fn nifti_files(folder: &Path) -> Vec<PathBuf> {
    let files =
        walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().flatten().map(walkdir::DirEntry::into_path);
    files.filter(|path| path.to_string_lossy().ends_with(".nii.gz")).collect()
}

/// The volume's slices as uncompressed MR images. Only size and number matter here, not the place in the patient.
fn write_slices(folder: &Path, volume: &Volume) {
    std::fs::create_dir(folder).unwrap();
    let [columns, rows, _] = volume.grid.size;
    let spacing = volume.grid.spacing_mm();
    let Voxels::I16(values) = &volume.voxels else { return };
    for (n, pixels) in values.chunks(columns * rows).enumerate() {
        let text = |tag, vr, value: String| DataElement::new(tag, vr, PrimitiveValue::from(value));
        let number = |tag, value: usize| DataElement::new(tag, VR::US, PrimitiveValue::from(value as u16));
        let object = InMemDicomObject::from_element_iter([
            text(tags::SOP_CLASS_UID, VR::UI, uids::MR_IMAGE_STORAGE.to_owned()),
            text(tags::SOP_INSTANCE_UID, VR::UI, format!("2.25.{}", n + 1)),
            text(tags::SERIES_INSTANCE_UID, VR::UI, "2.25.1000".to_owned()),
            text(tags::MODALITY, VR::CS, "MR".to_owned()),
            text(tags::IMAGE_POSITION_PATIENT, VR::DS, format!("0\\0\\{:.3}", n as f64 * spacing.z)),
            text(tags::IMAGE_ORIENTATION_PATIENT, VR::DS, "1\\0\\0\\0\\1\\0".to_owned()),
            text(tags::PIXEL_SPACING, VR::DS, format!("{:.3}\\{:.3}", spacing.y, spacing.x)),
            text(tags::PHOTOMETRIC_INTERPRETATION, VR::CS, "MONOCHROME2".to_owned()),
            number(tags::SAMPLES_PER_PIXEL, 1),
            number(tags::ROWS, rows),
            number(tags::COLUMNS, columns),
            number(tags::BITS_ALLOCATED, 16),
            number(tags::BITS_STORED, 16),
            number(tags::HIGH_BIT, 15),
            number(tags::PIXEL_REPRESENTATION, 1),
            DataElement::new(tags::PIXEL_DATA, VR::OW, PrimitiveValue::I16(pixels.into())),
        ]);
        let meta = FileMetaTableBuilder::new().transfer_syntax(uids::EXPLICIT_VR_LITTLE_ENDIAN);
        object.with_meta(meta).unwrap().write_to_file(folder.join(format!("{n:04}.dcm"))).unwrap();
    }
}

criterion_group!(benches, reading);
criterion_main!(benches);
