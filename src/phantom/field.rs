//! What a scan shows of the world: its grid, from the plan, the head that lies there, and how the field of view was set.

use super::anatomy::Anatomy;
use super::degrade::Edge;
use super::{Plan, Region};
use crate::space::{Grid, Side};
use glam::{DAffine3, DMat3, DVec3, EulerRot};
use rayon::prelude::*;

/// How far around the sinuses [`Region::Sinuses`] goes.
const AROUND_MM: f64 = 20.0;

/// No field of view is smaller than this.
const LEAST_MM: f64 = 40.0;

/// The field of view of a scan, and what of its surroundings wraps into it.
pub(super) struct Field {
    /// All that gives signal.
    pub sampled: Grid,
    /// The voxel of it with which the field of view begins.
    first: [usize; 3],
    size: [usize; 3],
}

/// The turn by angles about the patient's axes.
pub(super) fn turn(deg: DVec3) -> DMat3 {
    let [x, y, z] = deg.to_array().map(f64::to_radians);
    DMat3::from_euler(EulerRot::ZYX, z, y, x)
}

impl Field {
    /// The field of view of a plan around a head that is already in its pose.
    pub(super) fn of(plan: &Plan, anatomy: &Anatomy) -> Self {
        let d = &plan.degradations;
        let directions = turn(d.oblique_deg);
        let mut spacing_mm = [plan.spacing_mm.max(d.resolution_mm); 3];
        if let Some(slices) = d.slices {
            spacing_mm[slices.axis] = plan.spacing_mm.max(slices.thickness_mm);
        }
        let [mut matrix, mut middle_mm, mut size, mut lost] =
            [[DVec3::ZERO; 3], [DVec3::ZERO; 3], [DVec3::ZERO; 3], [DVec3::ZERO; 3]];
        for voxel_axis in 0..3 {
            let axis = d.axes.order[voxel_axis];
            let direction = directions.col(axis);
            let [low, high] = reach_mm(plan, anatomy, axis, direction);
            let step = spacing_mm[axis];
            let count = ((high - low) / step - 1e-6).ceil().max(1.0);
            let most = if plan.region == Region::Sinuses { plan.size[axis] as f64 } else { f64::INFINITY };
            size[voxel_axis].x = count.min(most);
            middle_mm[voxel_axis] = direction * (low + high) / 2.0;
            matrix[voxel_axis] = direction * if d.axes.flipped[voxel_axis] { -step } else { step };
            if let Some(wrap) = d.wrap.filter(|wrap| wrap.axis == axis && plan.region == Region::Head) {
                let [mut at_low, mut at_high] = wrap.lost_mm.map(|mm| (mm / step).round());
                if d.axes.flipped[voxel_axis] {
                    (at_low, at_high) = (at_high, at_low);
                }
                // At least half stays, so that nothing wraps twice.
                let scale = (0.5 * count / (at_low + at_high).max(1.0)).min(1.0);
                lost[voxel_axis] = DVec3::new((at_low * scale).floor(), (at_high * scale).floor(), 0.0);
            }
        }
        let matrix = DMat3::from_cols(matrix[0], matrix[1], matrix[2]);
        let size = size.map(|n| n.x as usize);
        let middle = DVec3::from_array(size.map(|n| (n as f64 - 1.0) / 2.0));
        let translation = middle_mm.into_iter().sum::<DVec3>() - matrix * middle;
        let sampled = Grid { size, world_from_voxel: DAffine3 { matrix3: matrix, translation } };
        let first = lost.map(|l| l.x as usize);
        let size = std::array::from_fn(|a| size[a] - first[a] - lost[a].y as usize);
        Self { sampled, first, size }
    }

    /// The grid of the scan.
    pub(super) fn grid(&self) -> Grid {
        self.sampled.part(self.first, self.size)
    }

    /// The part of sampled values that lies in the field of view.
    pub(super) fn within<T: Copy + Send + Sync>(&self, sampled: Vec<T>) -> Vec<T> {
        self.gather(sampled, |values, at| values[at])
    }

    /// The same with all that lies beyond added on the other side.
    pub(super) fn folded(&self, sampled: Vec<f32>) -> Vec<f32> {
        let Some(axis) = (0..3).find(|&a| self.size[a] < self.sampled.size[a]) else { return sampled };
        let [all, size, first] = [self.sampled.size[axis], self.size[axis], self.first[axis]];
        let stride: usize = self.sampled.size[..axis].iter().product();
        self.gather(sampled, |values, at| {
            let place = at / stride % all;
            let before = if place >= size { values[at - size * stride] } else { 0.0 };
            let after = if place + size < all { values[at + size * stride] } else { 0.0 };
            debug_assert!((first..first + size).contains(&place));
            values[at] + before + after
        })
    }

    fn gather<T: Copy + Send + Sync>(&self, sampled: Vec<T>, at: impl Fn(&[T], usize) -> T + Sync) -> Vec<T> {
        if self.size == self.sampled.size {
            return sampled;
        }
        let [nx, ny, nz] = self.size;
        let rows: Vec<[usize; 2]> = (0..nz).flat_map(|k| (0..ny).map(move |j| [j, k])).collect();
        rows.par_iter()
            .flat_map_iter(|&[j, k]| {
                let start = self.sampled.index([self.first[0], self.first[1] + j, self.first[2] + k]);
                (start..start + nx).map(|index| at(&sampled, index))
            })
            .collect()
    }
}

/// From where to where the field of view goes along an axis of the patient that points in `direction`.
fn reach_mm(plan: &Plan, anatomy: &Anatomy, axis: usize, direction: DVec3) -> [f64; 2] {
    let d = &plan.degradations;
    let sinuses = Side::BOTH.map(|side| sinus_mm(anatomy, side, direction));
    let both = [sinuses[0][0].min(sinuses[1][0]), sinuses[0][1].max(sinuses[1][1])];
    let [mut low, mut high] = match plan.region {
        Region::Head => usual_mm(plan, anatomy, direction),
        Region::Sinuses => [both[0] - AROUND_MM, both[1] + AROUND_MM],
    };
    low -= d.margins_mm[2 * axis];
    high += d.margins_mm[2 * axis + 1];
    for cut in &d.cuts {
        let of = match cut.edge {
            Edge::Left => sinus_mm(anatomy, Side::Left, direction),
            Edge::Right => sinus_mm(anatomy, Side::Right, direction),
            _ => both,
        };
        let come_mm = cut.depth * (of[1] - of[0]);
        if cut.edge as usize == 2 * axis {
            low = low.max(of[0] + come_mm).min(high - LEAST_MM);
        } else if cut.edge as usize == 2 * axis + 1 {
            high = high.min(of[1] - come_mm).max(low + LEAST_MM);
        }
    }
    [low, high]
}

/// The box of the plan, as much larger as a head that lies askew in it needs.
fn usual_mm(plan: &Plan, anatomy: &Anatomy, direction: DVec3) -> [f64; 2] {
    let d = &plan.degradations;
    let half_mm = DVec3::from_array(plan.size.map(|n| n as f64)) * plan.spacing_mm / 2.0;
    let in_head = turn(d.rotation_deg).transpose() * direction;
    let (middle, half) = ((anatomy.middle_mm() + d.origin_mm).dot(direction), (half_mm * in_head).length());
    [middle - half, middle + half]
}

/// From where to where one sinus goes in a direction.
fn sinus_mm(anatomy: &Anatomy, side: Side, direction: DVec3) -> [f64; 2] {
    anatomy
        .sinus_points(side)
        .iter()
        .map(|point| point.dot(direction))
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], at| [low.min(at), high.max(at)])
}
