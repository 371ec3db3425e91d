//! Headers and images in two files, Analyze among them, lists of series, and left and right in each of these ways.

use super::*;
use std::fs;
use std::path::PathBuf;
use tempfile::TempDir;

/// The header of [`Raw::counting`] with another mark, and its voxels.
fn halves(mark: [u8; 4], big: bool) -> (Vec<u8>, Vec<u8>) {
    let mut raw = (0..12_i16).fold(Raw::new(big, 4), |raw, v| raw.voxel(v.to_le_bytes()));
    raw.bytes[344..348].copy_from_slice(&mark);
    raw.f32(108, 0.0);
    let image = raw.bytes.split_off(FIRST_OFFSET);
    (raw.bytes, image)
}

fn put(dir: &TempDir, name: &str, bytes: &[u8]) -> PathBuf {
    let path = dir.path().join(name);
    fs::write(&path, bytes).unwrap();
    path
}

#[test]
fn a_pair_is_opened_by_either_name_packed_or_not() {
    let (header, image) = halves(*b"ni1\0", true);
    for (header_name, image_name) in
        [("a.hdr", "a.img"), ("b.hdr.gz", "b.img.gz"), ("C.HDR", "C.IMG"), ("d.hdr", "d.img.gz")]
    {
        let dir = tempfile::tempdir().unwrap();
        let packed = |name| Path::new(name).extension().is_some_and(|ending| ending == "gz");
        let pack = |name, bytes: &[u8]| if packed(name) { gzip(bytes) } else { bytes.to_vec() };
        let (header, image) = (pack(header_name, &header), pack(image_name, &image));
        let header_path = put(&dir, header_name, &header);
        let image_path = put(&dir, image_name, &image);
        assert_eq!(header_of_pair(&image_path), header_path);
        assert_eq!(header_of_pair(&header_path), header_path);
        let scan = crate::io::open(&image_path, &Progress::default()).unwrap();
        assert_eq!(scan.volume.voxels, Voxels::I16((0..12).collect()), "{header_name}");
        assert_eq!(scan.volume.at_world(DVec3::new(-10.0, -20.0, -30.0)), Some(0.0));
        assert_eq!(
            scan.volume.at_world(DVec3::new(-6.0, -20.0, -30.0)),
            Some(2.0),
            "the third column is the rightmost"
        );
        assert_eq!(scan.sha256, crate::io::sha256(&[header, image].concat()));
        assert!(scan.checks.is_empty());
        assert_eq!(scan.description.to_lowercase(), header_name[..1].to_lowercase());
    }
}

#[test]
fn half_a_pair_is_said_to_be_one() {
    let (header, image) = halves(*b"ni1\0", false);
    let dir = tempfile::tempdir().unwrap();
    let said = |path: &Path| crate::io::open(path, &Progress::default()).unwrap_err().to_string();
    assert!(
        said(&put(&dir, "alone.hdr", &header))
            .contains("voxels are missing; put the .img file of the same name beside it")
    );
    assert!(said(&put(&dir, "other.img", &image)).contains("its header is missing, the .hdr file of the same name"));
    put(&dir, "short.img", &image[..23]);
    assert!(said(&put(&dir, "short.hdr", &header)).contains("24 bytes of voxels are announced from byte 0 on"));
}

#[test]
fn analyze_lies_as_spm_and_nibabel_have_it_and_left_and_right_are_said_to_be_unknown() {
    for big in [false, true] {
        let (mut header, image) = halves([0; 4], big);
        let mut raw = Raw { big, bytes: std::mem::take(&mut header) };
        raw.floats(76, &[0.0, 2.0, 3.0, 4.0]);
        raw.floats(112, &[0.0, 0.0]);
        raw.bytes[252..348].fill(0);
        let dir = tempfile::tempdir().unwrap();
        let path = put(&dir, "old.hdr", &raw.bytes);
        put(&dir, "old.img", &image);
        let scan = open(&path).unwrap();
        // Without an origin the middle voxel, (1, 0.5, 0.5), is at the origin. Columns run to the left.
        assert_eq!(scan.volume.at_world(DVec3::new(2.0, -1.5, -2.0)), Some(0.0), "big-endian {big}");
        assert_eq!(scan.volume.at_world(DVec3::new(-2.0, -1.5, -2.0)), Some(2.0));
        assert_eq!(scan.volume.grid.axis_letters(), ['L', 'A', 'S']);
        assert_eq!(scan.checks.iter().map(|c| c.code).collect::<Vec<_>>(), ["no-orientation"]);
        assert!(scan.checks[0].message.contains("before trusting left and right"));

        // SPM's origin: the second column, first row, second slice, counted from 1.
        (0..3).zip([2_i16, 1, 2]).for_each(|(n, voxel)| raw.i16(253 + 2 * n, voxel));
        let scan = open(&put(&dir, "old.hdr", &raw.bytes)).unwrap();
        assert_eq!(scan.volume.at_world(DVec3::ZERO), Some(7.0));
        assert_eq!(scan.volume.at_world(DVec3::new(2.0, 3.0, -4.0)), Some(3.0));
        // One far outside is not believed.
        raw.i16(253, 500);
        let scan = open(&put(&dir, "old.hdr", &raw.bytes)).unwrap();
        assert_eq!(scan.volume.at_world(DVec3::new(2.0, -1.5, -2.0)), Some(0.0));
    }
}

#[test]
fn a_single_file_without_its_mark_is_refused_by_name() {
    let mut raw = Raw::counting();
    raw.bytes[344..348].fill(0);
    let dir = tempfile::tempdir().unwrap();
    let said = open(&put(&dir, "bare.nii", &raw.bytes)).unwrap_err().to_string();
    assert!(said.contains("the mark n+1 that would say so is missing"), "{said}");
}

#[test]
fn left_and_right_are_those_of_the_file_by_sform_and_by_mirrored_qform() {
    for big in [false, true] {
        let mut raw = (0..12_i16).fold(Raw::new(big, 4), |raw, v| raw.voxel(v.to_le_bytes()));
        raw.floats(280, &[-2.0, 0.0, 0.0, 10.0]);
        let at = |raw: &Raw, x: f64, y: f64, z: f64| raw.parse().unwrap().volume.at_world(DVec3::new(x, y, z));
        assert_eq!((at(&raw, 10.0, -20.0, -30.0), at(&raw, 6.0, -20.0, -30.0)), (Some(0.0), Some(2.0)));

        // A half turn about y (x and z change sign) and the third axis mirrored: columns to the left, slices up.
        raw.i16(254, 0);
        raw.i16(252, 1);
        raw.floats(76, &[-1.0, 2.0, 3.0, 4.0]);
        raw.floats(256, &[0.0, 1.0, 0.0, 10.0, -20.0, -30.0]);
        assert_eq!((at(&raw, 10.0, -20.0, -30.0), at(&raw, 6.0, -20.0, -30.0)), (Some(0.0), Some(2.0)));
        assert_eq!(at(&raw, 10.0, -20.0, -26.0), Some(6.0));
        assert_eq!(raw.parse().unwrap().volume.grid.axis_letters(), ['L', 'A', 'S']);
    }
}

#[test]
fn a_series_is_told_from_the_header_alone() {
    let mut raw = Raw::counting();
    raw.i16(40, 4);
    raw.i16(48, 9);
    let dir = tempfile::tempdir().unwrap();
    let told = |name: &str, bytes: &[u8]| series(&Source::File(put(&dir, name, bytes)));
    // The voxels are missing; a name in the gzip header makes it longer than is read at first.
    let mut named = flate2::GzBuilder::new().comment(vec![b'c'; 10_000]).write(Vec::new(), Compression::default());
    named.write_all(&raw.bytes).unwrap();
    for (name, bytes) in
        [("a.nii", raw.bytes.clone()), ("b.nii.gz", gzip(&raw.bytes)), ("c.nii.gz", named.finish().unwrap())]
    {
        let series = told(name, &bytes).unwrap();
        assert_eq!((series.size, series.frames, series.files), ([3, 2, 2], 9, 1), "{name}");
        assert_eq!((series.id.as_str(), series.description.as_str()), (name, &name[..1]));
    }
    let mut mgh = [1_i32, 4, 4, 4, 1, 3].map(i32::to_be_bytes).concat();
    mgh.resize(284, 0);
    assert!(matches!(told("d.mgz", &gzip(&mgh)), Err(Fault::Unsupported(what)) if what.contains("FreeSurfer")));
    assert!(matches!(told("e.tar.gz", &gzip(&[7; 999])), Err(Fault::NotAScan(_))));
    assert!(matches!(told("f.txt.gz", &gzip(b"dear diary")), Err(Fault::NotAScan(_))));
    assert!(matches!(told("g.nii.gz", &gzip(&raw.bytes[..100])), Err(Fault::Damaged(_))));
    assert!(matches!(told("h.nii", &Raw::new(false, 32).bytes), Err(Fault::Unsupported(_))));
}
