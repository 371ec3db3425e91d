//! What a pane shows, as plain values: window, colours, planes and camera.
//!
//! The window on screen, the shaders' uniforms and the CPU renderer are all made from these, so they cannot disagree.

mod orbit;
mod overlay;
mod plane;
mod transfer;
mod window;

pub use orbit::{Cut, OrbitCamera, RaycastView};
pub use overlay::{ColourMap, Overlay};
pub use plane::{Convention, Frame, Interpolation, PlaneCamera, Slab, SlabMode, SliceView};
pub use transfer::{Contrast, Emission, Mode, Preset, Rendering, Stop, Transfer, mean_emission};
pub use window::{VoiFunction, VoiTable, Window};

use crate::space::Side;

/// The colour of a sinus, in the window and in pictures.
#[must_use]
pub fn side_colour(side: Side) -> [u8; 3] {
    match side {
        Side::Left => [120, 196, 255],
        Side::Right => [255, 170, 120],
    }
}

/// A drawn picture in sRGB.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width and height in pixels.
    pub size: [usize; 2],
    /// Red, green, blue and alpha of each pixel, row by row from the top left.
    pub rgba: Vec<u8>,
}

impl Picture {
    /// Red, green, blue and alpha of the pixel in column `x` and row `y`, or none outside.
    #[must_use]
    pub fn pixel(&self, x: usize, y: usize) -> Option<[u8; 4]> {
        let inside = x < self.size[0] && y < self.size[1];
        inside.then(|| self.rgba.as_chunks().0.get(y * self.size[0] + x).copied()).flatten()
    }
}
