//! Times of drawing the 3-D pane as it is in a window of 1280 × 800, until the graphics device is done with it: while it
//! turns at several steps, and standing still. On a machine without a graphics card this is the software adapter.
//!
//! The head is a file named by `ANTRUM_HEAD`, or a synthetic one.

#![allow(missing_docs, clippy::unwrap_used)]

mod window;

use antrum::image::render::Layer;
use antrum::job::Progress;
use antrum::view::{Contrast, Mode, OrbitCamera, Overlay, Preset, RaycastView, Rendering, Transfer};
use antrum::volume::{Unit, Volume};
use antrum::{gpu, io, phantom};
use std::path::Path;
use std::sync::Arc;
use window::Window;

const PANE: [u32; 2] = [600, 360];
const FRAMES: usize = 12;

fn main() {
    let scan = Arc::new(match std::env::var_os("ANTRUM_HEAD") {
        Some(path) => Volume::clone(&io::open(Path::new(&path), &Progress::default()).unwrap().volume),
        None => phantom::example(&Progress::default()).unwrap().image,
    });
    let statistics = scan.statistics();
    let hounsfield = scan.unit == Unit::Hounsfield;
    let range = if hounsfield { [-1000.0, 1500.0] } else { [0.0, 4.0 * statistics.mean.max(1.0)] };
    let contrast = Contrast { hounsfield, range };
    let map = Layer { volume: Arc::new(window::map(scan.grid.centre_mm())), overlay: Overlay::default() };

    let window = Window::new(PANE);
    println!("{}, {:?} voxels, pane of {PANE:?} pixels", window.adapter(), scan.grid.size);
    let transfer =
        |preset: Preset| Rendering::Composite(Transfer { range: preset.range(&contrast), stops: preset.stops() });
    let presets = Preset::offered(&contrast).iter().map(|&preset| (preset.name(), transfer(preset)));
    let level = Preset::offered(&contrast)[0].level(&contrast);
    let others =
        [(Mode::Mip.name(), Rendering::Mip { range }), (Mode::Surface.name(), Rendering::Surface { level, range })];
    for (name, rendering) in presets.chain(others) {
        for (layers, step) in [(0, 3.0), (1, 3.0), (0, 2.0), (1, 2.0), (1, 1.0)] {
            let layers = vec![map.clone(); layers];
            let mut times: Vec<f64> = (0..FRAMES)
                .map(|frame| {
                    let yaw = 0.5 + 0.5 * frame as f64;
                    let mm_per_point = 0.7 * 350.0 / f64::from(PANE[1]);
                    let camera = OrbitCamera { yaw, pitch: 0.15, centre_mm: scan.grid.centre_mm(), mm_per_point };
                    let view = RaycastView { camera, rendering, lit: true, cuts: Vec::new(), crop: None, step };
                    let ctx = egui::Context::default();
                    let shape = gpu::raycast(&ctx, window.rect(), view, Arc::clone(&scan), layers.clone());
                    1e3 * window.draw(vec![shape]).as_secs_f64()
                })
                .collect();
            // The first frame compiles the program.
            times.remove(0);
            times.sort_by(f64::total_cmp);
            let (median, slowest) = (times[times.len() / 2], times[times.len() - 1]);
            let maps = layers.len();
            println!("{name:14} {maps} maps, step {step}: median {median:6.1} ms, slowest {slowest:6.1} ms");
        }
    }
}
