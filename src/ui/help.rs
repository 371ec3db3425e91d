//! The sheet of keys and mouse actions, made from the one table with the keys that are in force.

use super::actions::{ACTIONS, GROUPS};
use super::{keys, theme};
use crate::app::command::Command;
use crate::app::settings::{MouseMap, Settings, Tool};
use crate::app::state::State;
use egui::{Align2, Grid, RichText, ScrollArea, Ui, Window, vec2};

/// Width of a column in points.
const COLUMN: f32 = 292.0;
/// Width that the scroll bar needs.
const SCROLL_BAR: f32 = 16.0;

pub(super) fn ui(ui: &mut Ui, state: &State, commands: &mut Vec<Command>) {
    if !state.help {
        return;
    }
    let mut open = true;
    let room = ui.ctx().content_rect().size();
    let columns = ((room.x - 40.0) / COLUMN).clamp(1.0, 4.0) as usize;
    Window::new("Keys and mouse")
        .anchor(Align2::CENTER_CENTER, [0.0, 0.0])
        .collapsible(false)
        .resizable(false)
        .fixed_size([columns as f32 * COLUMN + SCROLL_BAR, room.y - 70.0])
        .open(&mut open)
        .show(ui.ctx(), |ui| {
            ui.label(RichText::new(crate::NOTICE).color(theme::of(ui).notice));
            ScrollArea::vertical().max_height(room.y - 130.0).show(ui, |ui| {
                ui.spacing_mut().item_spacing.y = 2.0;
                ui.horizontal_top(|ui| {
                    ui.spacing_mut().item_spacing.x = 0.0;
                    for column in divided(&sheet(&state.settings), columns) {
                        ui.allocate_ui(vec2(COLUMN, 0.0), |ui| {
                            ui.vertical(|ui| {
                                ui.set_width(COLUMN - 12.0);
                                for (title, rows) in column {
                                    rows_ui(ui, title, rows);
                                }
                            });
                        });
                    }
                });
            });
        });
    if !open {
        commands.push(Command::ToggleHelp);
    }
}

/// A title and its rows: what is pressed, and what it does.
type Section = (&'static str, Vec<(String, String)>);

fn rows_ui(ui: &mut Ui, title: &str, rows: &[(String, String)]) {
    ui.label(theme::heading(title).size(13.0).color(theme::of(ui).accent));
    Grid::new(title).num_columns(2).min_col_width(88.0).min_row_height(15.0).spacing([8.0, 1.0]).show(ui, |ui| {
        for (pressed, what) in rows {
            ui.label(RichText::new(pressed).monospace().size(11.0).color(theme::of(ui).strong));
            ui.label(RichText::new(what).size(12.0));
            ui.end_row();
        }
    });
    ui.add_space(6.0);
}

/// All sections of the sheet.
fn sheet(settings: &Settings) -> Vec<Section> {
    let keys = GROUPS.into_iter().map(|group| {
        let rows = ACTIONS.iter().filter(|action| action.group == group);
        let rows = rows.map(|action| (keys::text(settings, action).replace(' ', "  "), action.what.to_owned()));
        (group, rows.collect())
    });
    let all: Vec<Section> = keys.chain([("Mouse", mouse(settings.mouse))]).collect();
    all.into_iter().filter(|(_, rows)| !rows.is_empty()).collect()
}

/// Sections in columns of about the same height, in their order.
fn divided(sections: &[Section], columns: usize) -> Vec<&[Section]> {
    let height = |section: &Section| section.1.len() + 2;
    let total: usize = sections.iter().map(height).sum();
    let mut parts = Vec::new();
    let (mut start, mut filled) = (0, 0);
    for (place, section) in sections.iter().enumerate() {
        // A section goes where its middle lies.
        let column = (2 * filled + height(section)) * columns / (2 * total);
        if column > parts.len() && place > start {
            parts.push(&sections[start..place]);
            start = place;
        }
        filled += height(section);
    }
    parts.push(&sections[start..]);
    parts
}

/// What the mouse does with these buttons.
fn mouse(map: MouseMap) -> Vec<(String, String)> {
    let does = |tool: Tool| match tool {
        Tool::Crosshair => "crosshair",
        Tool::Window => "window: width and centre",
        Tool::Pan => "pan",
        Tool::Zoom => "zoom",
    };
    let rows = [
        ("left drag", does(map.left)),
        ("right drag", does(map.right)),
        ("middle drag", does(map.middle)),
        ("drag a box's mark", "move the box"),
        ("drag a measurement", "move it, or its handle"),
        ("drag in 3-D", "left turns, right changes the range, middle pans"),
        ("click in 3-D", "crosshair to what is seen there; cube: look from that side"),
        ("drag a line's mark", "turn the other planes"),
        ("right click", "menu"),
        ("wheel", "slices; in 3-D: zoom"),
        ("Ctrl+wheel", "zoom at the mouse"),
        ("Shift+move", "crosshair follows"),
        ("double click", "pane alone, or all again"),
    ];
    rows.map(|(pressed, what)| (pressed.to_owned(), what.to_owned())).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sheet_has_every_action_once_with_the_key_in_force() {
        let mut settings = Settings::default();
        settings.keys.insert("overlay".to_owned(), "Ctrl+Shift+M".to_owned());
        let sheet = sheet(&settings);
        let rows: Vec<_> = sheet.iter().flat_map(|(_, rows)| rows).collect();
        assert_eq!(rows.len(), ACTIONS.len() + mouse(settings.mouse).len());
        assert!(rows.contains(&&("Ctrl+Shift+M".to_owned(), "overlay on or off".to_owned())));
        assert!(!rows.iter().any(|(key, _)| key == "O"));
    }

    #[test]
    fn columns_keep_the_order_and_lose_nothing() {
        let sheet = sheet(&Settings::default());
        for columns in 1..=4 {
            let parts = divided(&sheet, columns);
            assert_eq!(parts.len(), columns);
            assert_eq!(parts.concat(), sheet);
        }
    }

    #[test]
    fn the_mouse_is_told_by_its_profile() {
        assert_eq!(mouse(MouseMap::DEFAULT)[0].1, "crosshair");
        assert_eq!(mouse(MouseMap::PACS)[1], ("right drag".to_owned(), "zoom".to_owned()));
    }
}
