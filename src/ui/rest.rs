//! Whether what a pane shows is at rest: what takes long to draw is drawn finely only then.

use egui::{Id, Ui};
use std::time::Duration;

/// How long a view must stand still before it is at rest.
const STILL_SECS: f64 = 0.2;

/// Whether a view has changed a moment ago. If so, another frame is asked for when it will be at rest; the id is that of
/// the pane.
pub(super) fn is_moving<View: Clone + PartialEq + Send + Sync + 'static>(ui: &Ui, id: Id, view: &View) -> bool {
    let id = id.with("moved");
    let now = ui.input(|i| i.time);
    let since = match ui.data(|data| data.get_temp::<(View, f64)>(id)) {
        Some((before, since)) if before == *view => since,
        before => {
            let since = if before.is_some() { now } else { now - STILL_SECS };
            ui.data_mut(|data| data.insert_temp(id, (view.clone(), since)));
            since
        }
    };
    let left = STILL_SECS - (now - since);
    if left > 0.0 {
        ui.ctx().request_repaint_after(Duration::from_secs_f64(left));
    }
    left > 0.0
}
