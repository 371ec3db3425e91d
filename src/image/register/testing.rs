//! Small scans for tests that register them.

use crate::image::resample::{Outside, trilinear};
use crate::space::Grid;
use crate::volume::{Unit, Volume};
use glam::{DAffine3, DMat3, DVec3};

/// Two balls of unlike size and a bar, so that no turn and no mirror image looks like another.
pub(crate) fn scene(grid: Grid) -> Volume {
    let values = (0..grid.count()).map(|n| {
        let p = grid.voxel_mm(n);
        let within = |distance: f64, radius: f64| (1.0 / (1.0 + (distance - radius).exp())) as f32;
        let ball = |centre: DVec3, radius: f64| within(p.distance(centre), radius);
        let balls = 100.0 * ball(DVec3::new(-8.0, 5.0, 9.0), 14.0) + 60.0 * ball(DVec3::new(15.0, -9.0, -4.0), 9.0);
        balls + 30.0 * within(p.x.hypot(p.z + 10.0), 4.0)
    });
    Volume::from_f32(grid, values.collect(), Unit::Arbitrary)
}

/// The scan, its content moved in the world by `by`, on coarser voxels from right to left that lie askew.
pub(crate) fn moved(scan: &Volume, by: DAffine3) -> Volume {
    let spacing_mm = 1.15 * scan.grid.spacing_mm().min_element();
    let matrix3 = DMat3::from_rotation_y(0.1) * DMat3::from_diagonal(DVec3::new(-1.0, 1.0, 1.0) * spacing_mm);
    let centre_mm = by.transform_point3(scan.grid.centre_mm());
    let size = DVec3::from_array(scan.grid.size.map(|n| n as f64));
    let translation = centre_mm - matrix3 * ((size - 1.0) / 2.0);
    let grid = Grid { size: scan.grid.size, world_from_voxel: DAffine3 { matrix3, translation } };
    // The places where the content of each voxel was before.
    let before = Grid { world_from_voxel: by.inverse() * grid.world_from_voxel, ..grid };
    Volume::from_f32(grid, trilinear(scan, &before, Outside::Edge), scan.unit)
}
