//! Between the points of a plane pane and the world.

use crate::app::compare::Shown;
use egui::{Pos2, Rect, vec2};
use glam::{DAffine3, DVec3};

/// A pane on the screen and its slice in the world.
pub(super) struct Projection {
    /// Which scan the pane shows.
    pub scan: Shown,
    /// Where the pane is on the screen.
    pub rect: Rect,
    /// See [`SliceView::world_from_pane`](crate::view::SliceView::world_from_pane).
    pub world_from_pane: DAffine3,
    pane_from_world: DAffine3,
}

impl Projection {
    /// The pane at `rect`.
    pub fn new(scan: Shown, rect: Rect, world_from_pane: DAffine3) -> Self {
        Self { scan, rect, world_from_pane, pane_from_world: world_from_pane.inverse() }
    }

    /// The world point under a point of the screen.
    pub fn to_world(&self, at: Pos2) -> DVec3 {
        let offset = at - self.rect.min;
        self.world_from_pane.transform_point3(DVec3::new(f64::from(offset.x), f64::from(offset.y), 0.0))
    }

    /// Where a world point is on the screen, seen along the normal of the slice.
    pub fn to_screen(&self, world_mm: DVec3) -> Pos2 {
        let p = self.pane_from_world.transform_point3(world_mm);
        self.rect.min + vec2(p.x as f32, p.y as f32)
    }

    /// Where a world direction points on the screen; its length in points per mm.
    pub fn direction(&self, world: DVec3) -> egui::Vec2 {
        let d = self.pane_from_world.transform_vector3(world);
        vec2(d.x as f32, d.y as f32)
    }

    /// How far a movement on the screen goes in the world.
    pub fn movement_mm(&self, by: egui::Vec2) -> DVec3 {
        self.world_from_pane.transform_vector3(DVec3::new(f64::from(by.x), f64::from(by.y), 0.0))
    }
}
