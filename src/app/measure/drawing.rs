//! How a shape follows the mouse until it is finished, and how finished changes are carried out and taken back.

use super::{Change, Drawing, Grab, InHand, MeasureEffect, Measurement};
use crate::app::checks;
use crate::app::command::{Effect, Write};
use crate::app::state::State;
use crate::app::undo::Step;
use crate::measure::{Kind, Measured, Region, Shape};
use crate::project::MeasurementId;
use glam::DVec3;

impl State {
    /// Measures a shape in the volume on screen.
    fn measured(&self, shape: Shape) -> Option<Measured> {
        let scan = &self.scan.as_ref()?.scan;
        Some(Measured::new(shape, &scan.volume, scan.frame + 1, checks::orientation_known(scan)))
    }

    pub(super) fn press(&mut self, at_mm: DVec3, axes: [DVec3; 2]) {
        if let Some(drawing) = &mut self.measures.drawing {
            drawing.begun_now = false;
            return self.follow(at_mm);
        }
        let Some(InHand { kind, .. }) = self.measures.tool else { return };
        let placed_mm = vec![at_mm];
        let measured = Shape::drawn(kind, &placed_mm, axes).and_then(|shape| self.measured(shape));
        self.measures.selected = None;
        self.measures.drawing = measured.map(|measured| Drawing { measured, kind, placed_mm, axes, begun_now: true });
    }

    pub(super) fn follow(&mut self, at_mm: DVec3) {
        if let Some(drawing) = &self.measures.drawing {
            let points_mm: Vec<DVec3> = drawing.placed_mm.iter().copied().chain([at_mm]).collect();
            // A probe has but one point: it goes with the mouse until it is let go.
            let points_mm = if drawing.kind == Kind::Probe { vec![at_mm] } else { points_mm };
            let measured = Shape::drawn(drawing.kind, &points_mm, drawing.axes).and_then(|shape| self.measured(shape));
            if let (Some(drawing), Some(measured)) = (&mut self.measures.drawing, measured) {
                drawing.measured = measured;
            }
        } else if let Some(grab) = &self.measures.grab {
            let shape = grab.before.measured.shape;
            let moved = match grab.handle {
                Some(handle) => {
                    let was_mm = shape.handles_mm().get(handle).copied().unwrap_or(at_mm);
                    shape.with_handle(handle, was_mm + at_mm - grab.from_mm)
                }
                None => shape.moved(at_mm - grab.from_mm),
            };
            let id = grab.before.id;
            let measured = self.measured(moved);
            let shown = self.measures.list.iter_mut().find(|measurement| measurement.id == id);
            if let (Some(shown), Some(measured)) = (shown, measured) {
                shown.measured = measured;
            }
        }
    }

    pub(super) fn release(&mut self, at_mm: DVec3, dragged: bool, keep: bool) -> Vec<Effect> {
        if let Some(Grab { before, .. }) = self.measures.grab.clone() {
            if !dragged {
                // A click only selects.
                self.measures.put(before.id, Some(before));
                return Vec::new();
            }
            self.follow(at_mm);
            self.measures.grab = None;
            let after = self.measures.get(before.id).cloned();
            return match after {
                Some(after) if after != before => {
                    self.change(vec![Change { before: Some(before), after: Some(after) }])
                }
                _ => Vec::new(),
            };
        }
        let Some(drawing) = &mut self.measures.drawing else { return Vec::new() };
        let places = dragged || !drawing.begun_now || drawing.kind == Kind::Probe;
        drawing.begun_now = false;
        if !places {
            return Vec::new();
        }
        self.follow(at_mm);
        let Some(drawing) = &mut self.measures.drawing else { return Vec::new() };
        let Drawing { measured, kind, .. } = *drawing;
        if kind.points() > 1 {
            if drawing.placed_mm.last().is_some_and(|last| last.distance(at_mm) <= Region::LEAST_MM) {
                // Twice the same point is no second one.
                return Vec::new();
            }
            drawing.placed_mm.push(at_mm);
            if drawing.placed_mm.len() < kind.points() {
                return Vec::new();
            }
            if !measured.shape.is_complete() {
                // A leg or side of nothing: the last point is placed again.
                drawing.placed_mm.pop();
                return Vec::new();
            }
        }
        let measures = &mut self.measures;
        measures.drawing = None;
        measures.tool = measures.tool.filter(|tool| tool.stays || keep);
        let id = MeasurementId(measures.next);
        measures.next += 1;
        let after = Measurement { id, name: String::new(), measured };
        let effects = self.change(vec![Change { before: None, after: Some(after) }]);
        self.measures.selected = Some(id);
        effects
    }

    pub(super) fn cancel_measuring(&mut self) {
        let measures = &mut self.measures;
        if let Some(Grab { before, .. }) = measures.grab.take() {
            measures.put(before.id, Some(before));
        } else if measures.drawing.is_some() {
            measures.drawing = None;
        } else if measures.tool.is_some() {
            measures.tool = None;
        } else {
            measures.selected = None;
        }
    }

    /// Carries out changes as one step.
    pub(super) fn change(&mut self, changes: Vec<Change>) -> Vec<Effect> {
        if changes.is_empty() {
            return Vec::new();
        }
        self.put_changes(&changes, true);
        self.history.push(Step::Measure(changes.clone()));
        vec![Effect::Measure(MeasureEffect::Record(changes, Write::New))]
    }

    /// Takes changes back or carries them out again.
    pub(in crate::app) fn replay_measuring(&mut self, changes: Vec<Change>, kind: Write) -> Vec<Effect> {
        let changes = match kind {
            Write::Undo => changes.iter().map(Change::reversed).collect(),
            Write::New | Write::Redo => changes,
        };
        self.put_changes(&changes, true);
        vec![Effect::Measure(MeasureEffect::Record(changes, kind))]
    }

    pub(super) fn put_changes(&mut self, changes: &[Change], forward: bool) {
        for change in changes {
            if let Some(id) = change.id() {
                let now = if forward { &change.after } else { &change.before };
                self.measures.put(id, now.clone());
            }
        }
    }
}
