//! Draws shapes as the window would, without a window: through egui's own renderer, on a software adapter if any.

use super::device::ready;
use super::{install, notes};
use crate::view::Picture;
use eframe::egui_wgpu::{RenderState, RendererOptions, WgpuSetup};
use egui::{LayerId, Shape, vec2};
use egui_kittest::Harness;
use egui_kittest::wgpu::{WgpuTestRenderer, create_render_state, default_wgpu_setup};
use std::cell::RefCell;
use std::rc::Rc;

/// A device, or none, with a line on the terminal, where this machine has no adapter.
pub(super) fn render_state(setup: WgpuSetup) -> Option<RenderState> {
    let instance = ready(setup.new_instance())?;
    if ready(instance.enumerate_adapters(wgpu::Backends::all())).is_none_or(|adapters| adapters.is_empty()) {
        println!("skipped: this machine has no graphics adapter");
        return None;
    }
    Some(create_render_state(setup, RendererOptions::PREDICTABLE))
}

/// A window that shows nothing but the shapes it is given.
pub(super) struct Window {
    pub render_state: RenderState,
    harness: Harness<'static>,
    shapes: Rc<RefCell<Vec<Shape>>>,
}

impl Window {
    /// A window of `size` points, or none where there is no adapter.
    pub fn new(size: [usize; 2], pixels_per_point: f32) -> Option<Self> {
        let render_state = render_state(default_wgpu_setup())?;
        assert!(install(&render_state));
        let shapes = Rc::new(RefCell::new(Vec::new()));
        let shown = Rc::clone(&shapes);
        let harness = Harness::builder()
            .with_size(vec2(size[0] as f32, size[1] as f32))
            .with_pixels_per_point(pixels_per_point)
            .with_render_cursor(false)
            .renderer(WgpuTestRenderer::from_render_state(render_state.clone()))
            .build_ui(move |ui| {
                ui.ctx().layer_painter(LayerId::background()).extend(shown.borrow().clone());
            });
        Some(Self { render_state, harness, shapes })
    }

    /// A frame with these shapes.
    pub fn draw(&mut self, shapes: Vec<Shape>) -> Picture {
        *self.shapes.borrow_mut() = shapes;
        self.harness.run_steps(1);
        let image = self.harness.render().unwrap();
        Picture { size: [image.width() as usize, image.height() as usize], rgba: image.into_raw() }
    }
}

/// A window of `size` points with the shapes in it, or none where there is no adapter.
pub(super) fn draw(size: [usize; 2], pixels_per_point: f32, shapes: Vec<Shape>) -> Option<Picture> {
    let mut window = Window::new(size, pixels_per_point)?;
    let picture = window.draw(shapes);
    assert_eq!(notes(&window.render_state), Vec::<String>::new());
    Some(picture)
}
