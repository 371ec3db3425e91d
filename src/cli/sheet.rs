//! A contact sheet of synthetic heads: all contrasts and all diseases at a glance.

use super::Failure;
use crate::image::percentile::percentiles;
use crate::image::render;
use crate::io;
use crate::job::Progress;
use crate::phantom::{self, Contrast, Degrade, DiseaseKind, Head, Plan};
use crate::space::Plane;
use crate::view::{Frame, Interpolation, Picture, PlaneCamera, Slab, SliceView, Window};
use crate::volume::Unit;
use glam::DVec2;
use rand::SeedableRng as _;
use rand_chacha::ChaCha8Rng;
use std::path::Path;

/// Heads side by side and one below the other.
const LAYOUT: [usize; 2] = [2, 6];

/// Edge of one plane in pixels.
const EDGE: usize = 224;

/// Pixels between heads.
const GAP: usize = 8;

/// Draws twelve heads, each with its axial, coronal and sagittal plane through a sinus.
pub(super) fn write(
    out: &Path,
    seed: u64,
    spacing_mm: f64,
    degrade: &Degrade,
    progress: &Progress,
) -> Result<(), Failure> {
    let [columns, rows] = LAYOUT;
    let count = columns * rows;
    let size = [columns * (3 * EDGE + GAP) - GAP, rows * (EDGE + GAP) - GAP];
    let mut sheet = Picture { size, rgba: [0, 0, 0, 255].repeat(size[0] * size[1]) };
    for index in 0..count {
        let step = progress.part(index as f32 / count as f32, (index + 1) as f32 / count as f32);
        let head = phantom::head(&plan(index, seed, spacing_mm, degrade), &step)?;
        let corner = [index % columns * (3 * EDGE + GAP), index / columns * (EDGE + GAP)];
        for (column, part) in planes(&head).into_iter().enumerate() {
            for (row, line) in part.rgba.chunks(4 * EDGE).enumerate() {
                let start = 4 * ((corner[1] + row) * size[0] + corner[0] + column * EDGE);
                sheet.rgba[start..start + line.len()].copy_from_slice(line);
            }
        }
    }
    Ok(io::picture::write(out, &sheet)?)
}

/// Each contrast twice; each disease twice, in different contrasts and on different sides; two normal heads.
fn plan(index: usize, seed: u64, spacing_mm: f64, degrade: &Degrade) -> Plan {
    let contrasts = Contrast::ALL.len();
    let (row, second) = (index % contrasts, index / contrasts);
    let contrast = Contrast::ALL[row];
    let mut diseases = [None, None];
    diseases[second % 2] = DiseaseKind::ALL.get((row + 2 * second) % (DiseaseKind::ALL.len() + 1)).copied();
    let seed = seed.wrapping_mul(1000).wrapping_add(index as u64);
    let degradations = degrade.draw(&mut ChaCha8Rng::seed_from_u64(seed), contrast);
    Plan { degradations, diseases: Some(diseases), ..Plan::new(seed, contrast, spacing_mm) }
}

/// The planes through the sinus that contains more that is not air.
fn planes(head: &Head) -> [Picture; 3] {
    let [left, right] = head.sinuses;
    let cross_mm = if right.not_air_ml > left.not_air_ml { right.centre_mm } else { left.centre_mm };
    let window = if head.image.unit == Unit::Hounsfield {
        Window::linear(200.0, 2000.0)
    } else {
        let some: Vec<f32> = head.image.to_f32().into_iter().step_by(5).collect();
        let [low, high] = percentiles(&some, [1.0, 99.5]);
        Window::between(low, high)
    };
    let (frame, size) = (Frame::default(), DVec2::splat(EDGE as f64));
    Plane::ALL.map(|plane| {
        let camera = PlaneCamera::fitting(&frame, plane, head.image.grid.bounds_mm(), size);
        let world_from_pane = camera.world_from_pane(&frame, plane, size, cross_mm);
        let view = SliceView {
            world_from_pane,
            window: window.clone(),
            interpolation: Interpolation::Linear,
            slab: Slab::default(),
        };
        render::slice(&head.image, &[], &view, [EDGE, EDGE])
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn all_contrasts_and_all_diseases_on_both_sides_are_on_the_sheet() {
        let plans: Vec<Plan> = (0..12).map(|index| plan(index, 1, 8.0, &Degrade::None)).collect();
        for contrast in Contrast::ALL {
            assert_eq!(plans.iter().filter(|plan| plan.contrast == contrast).count(), 2, "{contrast:?}");
        }
        for kind in DiseaseKind::ALL {
            for side in 0..2 {
                assert!(plans.iter().any(|plan| plan.diseases.unwrap()[side] == Some(kind)), "{kind:?} {side}");
            }
        }
    }

    #[test]
    fn the_sheet_is_a_picture() {
        let file = tempfile::tempdir().unwrap();
        let file = file.path().join("sheet.png");
        write(&file, 1, 8.0, &Degrade::Random, &Progress::default()).unwrap();
        let bytes = std::fs::read(&file).unwrap();
        let side = |at: usize| usize::from(bytes[at]) << 8 | usize::from(bytes[at + 1]);
        assert_eq!([side(18), side(22)], [2 * 3 * EDGE + GAP, 6 * (EDGE + GAP) - GAP]);
    }
}
