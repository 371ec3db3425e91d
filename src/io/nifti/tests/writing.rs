//! What this program writes is read back as it was, and a failed write leaves what was there.

use super::*;
use crate::space::Grid;
use std::fs;

#[test]
fn an_oblique_grid_survives_and_a_sheared_one_is_in_the_sform_only() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("oblique.NII.GZ");
    let turn = DMat3::from_rotation_z(0.3) * DMat3::from_rotation_x(-0.4) * DMat3::from_rotation_y(2.9);
    let mut affine = DAffine3 {
        matrix3: turn * DMat3::from_diagonal(DVec3::new(0.8, 0.8, -1.5)),
        translation: DVec3::new(90.0, -110.0, 42.0),
    };
    let volume_on = |affine| Volume::from_f32(Grid::new([5, 6, 7], affine).unwrap(), vec![1.5; 210], Unit::Arbitrary);
    write(&path, &volume_on(affine)).unwrap();
    let scan = open(&path).unwrap();
    assert!(close(scan.volume.grid.world_from_voxel, affine, 1e-4) && scan.checks.is_empty(), "{:?}", scan.checks);
    assert_eq!(scan.description, "oblique");

    affine.matrix3.z_axis += DVec3::Y * 0.5;
    write(&path, &volume_on(affine)).unwrap();
    let scan = open(&path).unwrap();
    assert!(close(scan.volume.grid.world_from_voxel, affine, 1e-4) && scan.checks.is_empty(), "{:?}", scan.checks);
}

#[test]
fn a_failed_write_leaves_the_old_file_and_no_part() {
    let dir = tempfile::tempdir().unwrap();
    let good = Volume::from_f32(Grid::centred([2, 2, 2], 1.0, DVec3::ZERO), vec![0.0; 8], Unit::Score);
    let path = dir.path().join("map.nii.gz");
    write(&path, &good).unwrap();
    let before = fs::read(&path).unwrap();

    let mut torn = good.clone();
    torn.voxels = Voxels::F32(vec![0.0; 7]);
    assert!(write(&path, &torn).unwrap_err().to_string().contains("7 voxels for a grid of 8"));
    assert_eq!(fs::read(&path).unwrap(), before);

    let long = Volume::from_f32(Grid::centred([40_000, 1, 1], 1.0, DVec3::ZERO), vec![0.0; 40_000], Unit::Score);
    assert!(write(&path, &long).unwrap_err().to_string().contains("a side of 40000 voxels"));
    assert!(matches!(write(&dir.path().join("map.nrrd"), &good), Err(crate::io::WriteError::Name { .. })));
    // A folder cannot be replaced by a file: the last step fails.
    let folder = dir.path().join("folder.nii");
    fs::create_dir(&folder).unwrap();
    assert!(matches!(write(&folder, &good), Err(crate::io::WriteError::Io { .. })));
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2);
}
