//! Small whole files of every kind that the readers know, made byte by byte, to be damaged afterwards. Together with
//! the small files of the shared data and the files that once did harm they are what every mutant comes from.

use super::slices::{Dicom, Pixels, deflated, native, run_lengths};
use super::{data, files_below};
use antrum::io::open;
use antrum::job::Progress;
use flate2::Compression;
use flate2::write::GzEncoder;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

/// What the damaged bytes are packed in afterwards, so that damage also gets past a checksum.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Wrap {
    Nothing,
    Gzip,
    Zip,
}

/// One file, or two that belong together, in a folder of their own.
#[derive(Clone)]
pub(super) struct Seed {
    pub name: String,
    /// File names and contents; the first is the one to open.
    pub files: Vec<(String, Vec<u8>)>,
    pub wrap: Wrap,
    /// Whether a few bytes may stand for many voxels.
    pub compressed: bool,
}

impl Seed {
    fn new(file: &str, bytes: Vec<u8>) -> Self {
        Self { name: file.to_owned(), files: vec![(file.to_owned(), bytes)], wrap: Wrap::Nothing, compressed: false }
    }

    fn compressed(self) -> Self {
        Self { compressed: true, ..self }
    }

    /// Writes the files into a folder and gives the path of the one to open.
    pub fn write(&self, folder: &Path) -> PathBuf {
        for (name, bytes) in &self.files {
            let packed = match self.wrap {
                Wrap::Nothing => None,
                Wrap::Gzip => Some(gzip(bytes)),
                Wrap::Zip => Some(zip("a/slice.dcm", bytes)),
            };
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, packed.as_ref().unwrap_or(bytes)).unwrap();
        }
        folder.join(&self.files[0].0)
    }

    fn wrapped(self, wrap: Wrap, file: &str) -> Self {
        let files = self.files.into_iter().map(|(_, bytes)| (file.to_owned(), bytes)).collect();
        Self { name: format!("{file} from inside"), files, wrap, compressed: true }
    }
}

/// All of them, always in the same order.
pub(super) fn all() -> Vec<Seed> {
    let mut seeds = generated();
    let hostile = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/hostile");
    let mut folders: Vec<_> = hostile.exists().then_some(hostile).into_iter().collect();
    folders.extend(
        ["dicom", "nifti", "dicom_with_reference/dcm_qa_nih/In/20180918Si/mr_0003"].iter().filter_map(|f| data(f)),
    );
    for path in folders.iter().flat_map(|folder| files_below(folder)) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let bytes = std::fs::read(&path).unwrap();
        // One of the fifty like it is enough; text is no seed.
        let alike = path.to_string_lossy().contains("TINY_ALPHA/PT") && name != "IM000000";
        if bytes.len() > 220_000 || alike || name.ends_with("README.md") || bytes.iter().all(u8::is_ascii) {
            continue;
        }
        let syntaxes: [&[u8]; 3] = [b"1.2.840.10008.1.2.4.", b"1.2.840.10008.1.2.5", b"1.2.840.10008.1.2.1.99"];
        let packed = |bytes: &[u8]| syntaxes.iter().any(|uid| bytes.windows(uid.len()).any(|window| window == *uid));
        let compressed = bytes.starts_with(&[0x1f, 0x8b]) || packed(&bytes);
        seeds.push(Seed { compressed, ..Seed::new(&name, bytes) });
    }
    seeds.extend(directory());
    seeds
}

/// A DICOMDIR with the thirteen series it leads to, so that one of several slices is damaged.
fn directory() -> Option<Seed> {
    let folder = data("dicom/test_files/dicomdirtests")?;
    let read = |path: PathBuf| {
        let name = path.strip_prefix(&folder).unwrap().to_string_lossy().into_owned();
        (name, std::fs::read(path).unwrap())
    };
    // The first is the one to open.
    let parts = ["DICOMDIR", "77654033", "98892001", "98892003"];
    let files = parts.iter().flat_map(|name| files_below(&folder.join(name))).map(read).collect();
    Some(Seed { name: "DICOMDIR and its files".to_owned(), files, ..Seed::new("", Vec::new()) })
}

/// Those that need no data.
fn generated() -> Vec<Seed> {
    let plain = nifti_1(false, "n+1\0", true);
    let slice = Dicom::explicit().slice(&native());
    let mut pair = Seed::new("pair.hdr", nifti_1(false, "ni1\0", false));
    pair.files.push(("pair.img".to_owned(), voxels(48, false)));
    let grey: Vec<u8> = (0..64).collect();
    let jpeg = libjpeg_turbo_rs::compress(
        &grey,
        8,
        8,
        libjpeg_turbo_rs::PixelFormat::Grayscale,
        90,
        libjpeg_turbo_rs::Subsampling::S444,
    )
    .unwrap();
    vec![
        Seed::new("one.nii", plain.clone()),
        Seed::new("big.nii", nifti_1(true, "n+1\0", true)),
        Seed::new("two.nii", nifti_2()),
        Seed::new("one.nii.gz", gzip(&plain)).compressed(),
        Seed::new("one.nii.gz", plain).wrapped(Wrap::Gzip, "one.nii.gz"),
        pair,
        Seed::new("explicit.dcm", slice.clone()),
        Seed::new("implicit.dcm", Dicom::implicit().slice(&native())),
        Seed::new("big.dcm", Dicom::big().slice(&native())),
        Seed::new("deflated.dcm", deflated()).compressed(),
        Seed::new("rle.dcm", Dicom::with("1.2.840.10008.1.2.5").slice(&Pixels::Fragment(run_lengths()))).compressed(),
        Seed::new("jpeg.dcm", Dicom::with("1.2.840.10008.1.2.4.50").bits(8).slice(&Pixels::Fragment(jpeg.clone())))
            .compressed(),
        Seed::new("multi.dcm", Dicom::explicit().frames(3).slice(&native())),
        Seed::new("nested.dcm", Dicom::explicit().nested(2_000, true).slice(&native())),
        Seed::new("endless.dcm", Dicom::explicit().nested(2_000, false).slice(&native())),
        Seed::new("unended.dcm", Dicom::explicit().unended(2_000).slice(&native())),
        Seed::new("slices.zip", zip("a/slice.dcm", &slice)).compressed(),
        Seed::new("slices.zip", slice).wrapped(Wrap::Zip, "slices.zip"),
        Seed::new("grey.png", png(&grey)).compressed(),
        Seed::new("grey.jpg", jpeg).compressed(),
    ]
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zip(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    writer.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
    writer.write_all(bytes).unwrap();
    writer.finish().unwrap().into_inner()
}

fn png(grey: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 8, 8);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.write_header().unwrap().write_image_data(grey).unwrap();
    bytes
}

/// As many counting 16-bit numbers.
fn voxels(count: i16, big: bool) -> Vec<u8> {
    (0..count).flat_map(|v| if big { v.to_be_bytes() } else { v.to_le_bytes() }).collect()
}

/// 4 × 3 × 2 voxels of `i16`, two volumes, with sform, qform, scaling and one extension.
fn nifti_1(big: bool, magic: &str, with_voxels: bool) -> Vec<u8> {
    let mut bytes = vec![0; 352];
    let mut put = |at: usize, mut little: Vec<u8>| {
        if big {
            little.reverse();
        }
        bytes[at..at + little.len()].copy_from_slice(&little);
    };
    put(0, 348_i32.to_le_bytes().to_vec());
    for (n, dim) in [4_i16, 4, 3, 2, 2, 1, 1, 1].into_iter().enumerate() {
        put(40 + 2 * n, dim.to_le_bytes().to_vec());
    }
    for (at, value) in [(70, 4_i16), (72, 16), (252, 1), (254, 1)] {
        put(at, value.to_le_bytes().to_vec());
    }
    let floats = [(76, 1.0_f32), (80, 2.0), (84, 3.0), (88, 4.0), (112, 2.0), (116, -1.0)];
    let sform = [(280, 2.0), (292, -10.0), (300, 3.0), (308, -20.0), (320, 4.0), (324, -30.0)];
    for (at, value) in floats.into_iter().chain(sform) {
        put(at, value.to_le_bytes().to_vec());
    }
    bytes[344..348].copy_from_slice(magic.as_bytes());
    if !with_voxels {
        return bytes;
    }
    // One extension of 16 bytes: a comment.
    let extension: [[u8; 4]; 2] = [16_i32, 6].map(|v| if big { v.to_be_bytes() } else { v.to_le_bytes() });
    bytes[348] = 1;
    let offset = 368.0_f32;
    bytes[108..112].copy_from_slice(&if big { offset.to_be_bytes() } else { offset.to_le_bytes() });
    bytes.extend(extension.concat());
    bytes.extend(b"comment\0");
    bytes.extend(voxels(48, big));
    bytes
}

/// The same size with the header of the second version (540 bytes, wider numbers).
fn nifti_2() -> Vec<u8> {
    let mut bytes = vec![0; 544];
    bytes[..4].copy_from_slice(&540_i32.to_le_bytes());
    bytes[4..12].copy_from_slice(b"n+2\0\r\n\x1a\n");
    bytes[12..14].copy_from_slice(&4_i16.to_le_bytes());
    bytes[14..16].copy_from_slice(&16_i16.to_le_bytes());
    for (n, dim) in [4_i64, 4, 3, 2, 2, 1, 1, 1].into_iter().enumerate() {
        bytes[16 + 8 * n..24 + 8 * n].copy_from_slice(&dim.to_le_bytes());
    }
    for (n, size) in [1.0_f64, 2.0, 3.0, 4.0, 1.0].into_iter().enumerate() {
        bytes[104 + 8 * n..112 + 8 * n].copy_from_slice(&size.to_le_bytes());
    }
    bytes[168..176].copy_from_slice(&544_i64.to_le_bytes());
    bytes[176..184].copy_from_slice(&1.0_f64.to_le_bytes());
    bytes[348..352].copy_from_slice(&1_i32.to_le_bytes());
    for (place, value) in [(0, 2.0_f64), (5, 3.0), (10, 4.0)] {
        bytes[400 + 8 * place..408 + 8 * place].copy_from_slice(&value.to_le_bytes());
    }
    bytes.extend(voxels(48, false));
    bytes
}

#[test]
fn what_is_generated_opens_before_it_is_damaged() {
    for seed in generated() {
        let folder = tempfile::tempdir().unwrap();
        // Thousands of sequences in one another may be refused where their end has to be looked for.
        match open(&seed.write(folder.path()), &Progress::default()) {
            Ok(scan) => assert!(scan.volume.grid.count() >= 24, "{}", seed.name),
            Err(error) => assert!(["endless.dcm", "unended.dcm"].contains(&seed.name.as_str()), "{error}"),
        }
    }
}
