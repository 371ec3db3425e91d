//! How the panes of two scans are laid out: the first on the left, the second on the right, planes of one kind in a row.

use crate::app::compare::Shown;
use crate::app::state::{Layout, Pane};
use crate::space::Plane;
use egui::{Rect, Vec2, vec2};

/// Between panes.
const GAP: f32 = 1.0;

/// Where each pane lies. There is no 3-D picture beside another, but it can be large.
pub(super) fn layout(area: Rect, layout: Layout, focus: Pane) -> Vec<(Pane, Shown, Rect)> {
    let large = match (layout, focus) {
        (Layout::Single, Pane::Volume) => return vec![(Pane::Volume, Shown::First, area)],
        (Layout::Single, Pane::Plane(plane)) => return pair(area, plane).into(),
        (Layout::Quad, _) => {
            let rows = split(area, vec2(0.0, 1.0), &[1.0; 3]);
            return rows.into_iter().zip(Plane::ALL).flat_map(|(row, plane)| pair(row, plane)).collect();
        }
        (Layout::Large, Pane::Plane(plane)) => plane,
        (Layout::Large, Pane::Volume) => Plane::Axial,
    };
    let rows = split(area, vec2(0.0, 1.0), &[2.0, 1.0]);
    let others: Vec<Plane> = Plane::ALL.into_iter().filter(|plane| *plane != large).collect();
    // Both small planes of a scan stand below its large one.
    let small = split(rows[1], vec2(1.0, 0.0), &[1.0; 4]);
    let scans = [Shown::First, Shown::Second];
    let small = small.into_iter().enumerate().map(|(n, rect)| (Pane::Plane(others[n % 2]), scans[n / 2], rect));
    pair(rows[0], large).into_iter().chain(small).collect()
}

/// The same plane of both scans.
fn pair(row: Rect, plane: Plane) -> [(Pane, Shown, Rect); 2] {
    let halves = split(row, vec2(1.0, 0.0), &[1.0; 2]);
    [(Pane::Plane(plane), Shown::First, halves[0]), (Pane::Plane(plane), Shown::Second, halves[1])]
}

/// Parts of a rectangle one after the other in a direction, as large as their shares.
fn split(area: Rect, along: Vec2, shares: &[f32]) -> Vec<Rect> {
    let across = Vec2::splat(1.0) - along;
    let whole: f32 = shares.iter().sum();
    let extent = area.size().dot(along) - GAP * (shares.len() as f32 - 1.0);
    let mut at = area.min;
    let part = |share: &f32| {
        let length = (extent * share / whole).floor();
        let rect = Rect::from_min_size(at, along * length + across * area.size());
        at += along * (length + GAP);
        rect
    };
    shares.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use egui::pos2;

    #[test]
    fn the_first_scan_is_left_of_the_second_and_nothing_overlaps() {
        let area = Rect::from_min_size(pos2(10.0, 20.0), vec2(1001.0, 701.0));
        for arrangement in [Layout::Quad, Layout::Large, Layout::Single] {
            let panes = layout(area, arrangement, Pane::Plane(Plane::Coronal));
            assert_eq!(panes.len(), if arrangement == Layout::Single { 2 } else { 6 });
            for (n, (_, scan, rect)) in panes.iter().enumerate() {
                assert!(area.contains_rect(*rect) && rect.width() > 200.0 && rect.height() > 200.0);
                assert_eq!(rect.center().x < area.center().x, *scan == Shown::First);
                assert!(panes[n + 1..].iter().all(|(.., other)| !other.shrink(0.5).intersects(*rect)));
            }
        }
        assert_eq!(layout(area, Layout::Large, Pane::Volume)[0].0, Pane::Plane(Plane::Axial));
        assert_eq!(layout(area, Layout::Single, Pane::Volume), [(Pane::Volume, Shown::First, area)]);
    }
}
