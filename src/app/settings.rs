//! Choices that outlive a scan.

use serde::{Deserialize, Serialize};

/// Choices that outlive a scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Names of files may be shown.
    pub show_paths: bool,
    /// Maps are computed as soon as the sinuses are found.
    pub analyse_on_open: bool,
    /// What the buttons of the mouse do.
    pub mouse: MouseMap,
    /// The graphics adapter is a program on the CPU: the 3-D picture is drawn coarser.
    pub software_graphics: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { show_paths: false, analyse_on_open: true, mouse: MouseMap::DEFAULT, software_graphics: false }
    }
}

/// What dragging does in a plane pane.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Tool {
    /// Moves the crosshair.
    Crosshair,
    /// Changes the grey-scale window: sideways its width, up and down its centre.
    Window,
    /// Moves the picture.
    Pan,
    /// Magnifies the picture.
    Zoom,
}

/// What each button of the mouse does when it is dragged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MouseMap {
    /// The left button.
    pub left: Tool,
    /// The right one.
    pub right: Tool,
    /// The middle one.
    pub middle: Tool,
}

impl MouseMap {
    /// As in 3D Slicer and ITK-SNAP.
    pub const DEFAULT: Self = Self { left: Tool::Crosshair, right: Tool::Window, middle: Tool::Pan };
    /// As in picture archiving systems.
    pub const PACS: Self = Self { left: Tool::Window, right: Tool::Zoom, middle: Tool::Pan };
}
