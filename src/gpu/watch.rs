//! Trouble of the window's device, told by wgpu's callbacks from any thread and by default ending the program.
//! Here it becomes a sentence for the user, said once each.

use eframe::egui_wgpu::RenderState;
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};

/// What can go wrong while drawing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// A texture or buffer did not fit.
    #[error(
        "The graphics memory is full, so something may be missing in the picture; close other programs or layers, or \
         start antrum with --safe-graphics"
    )]
    OutOfMemory,
    /// The driver was reset or the graphics card is gone: nothing more can be drawn on this device.
    #[error("The graphics driver stopped and drawing was started again; your work is kept")]
    Lost,
    /// The driver refused something.
    #[error(
        "The graphics driver refused a part of the picture; if something is missing, start antrum with --safe-graphics \
         and report what `RUST_LOG=error antrum` prints"
    )]
    Refused,
}

/// Listens to one device.
#[derive(Clone, Default)]
pub struct Watch(Arc<Mutex<Heard>>);

#[derive(Default)]
struct Heard {
    /// Each kind is said once per device: an error in a frame is an error in all that follow.
    all: Vec<Trouble>,
    unsaid: VecDeque<Trouble>,
}

impl Watch {
    /// Listens to the window's device; `wake` is called when there is something to say.
    #[must_use]
    pub fn over(render_state: &RenderState, wake: impl Fn() + Clone + Send + Sync + 'static) -> Self {
        let watch = Self::default();
        let (lost, also_wake) = (watch.clone(), wake.clone());
        render_state.device.set_device_lost_callback(move |reason, text| {
            log::warn!("the graphics device was lost ({reason:?}): {text}");
            lost.hear(Trouble::Lost);
            also_wake();
        });
        let errors = watch.clone();
        render_state.device.on_uncaptured_error(Arc::new(move |error| {
            log::error!("{error}");
            errors.hear(Trouble::of(&error));
            wake();
        }));
        watch
    }

    fn hear(&self, trouble: Trouble) {
        let mut heard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !heard.all.contains(&trouble) {
            heard.all.push(trouble);
            heard.unsaid.push_back(trouble);
        }
    }

    /// What is to be said, and was not yet.
    #[must_use]
    pub fn take(&self) -> Vec<Trouble> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).unsaid.drain(..).collect()
    }

    /// Whether nothing more can be drawn on this device.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).all.contains(&Trouble::Lost)
    }
}

impl Trouble {
    fn of(error: &wgpu::Error) -> Self {
        match error {
            wgpu::Error::OutOfMemory { .. } => Self::OutOfMemory,
            wgpu::Error::Validation { .. } | wgpu::Error::Internal { .. } => Self::Refused,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::gpu::Ladder;
    use crate::gpu::testing;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn full_memory_is_said_once_and_in_words() {
        let watch = Watch::default();
        for _ in 0..3 {
            watch.hear(Trouble::of(&wgpu::Error::OutOfMemory { source: "vkAllocateMemory".into() }));
        }
        watch.hear(Trouble::of(&wgpu::Error::Internal { source: "?".into(), description: "?".to_owned() }));
        assert_eq!(watch.take(), [Trouble::OutOfMemory, Trouble::Refused]);
        assert!(watch.take().is_empty() && !watch.is_lost());
        assert!(Trouble::OutOfMemory.to_string().starts_with("The graphics memory is full"));
    }

    #[test]
    fn errors_and_the_loss_of_a_device_are_heard_and_end_nothing() {
        let Some(render_state) = testing::render_state(Ladder::new(false).configuration().wgpu_setup) else { return };
        let calls = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&calls);
        let watch = Watch::over(&render_state, move || {
            counted.fetch_add(1, Ordering::Relaxed);
        });
        // A buffer that is mapped for reading and a vertex buffer at once is against the rules.
        let usage = wgpu::BufferUsages::MAP_READ | wgpu::BufferUsages::VERTEX;
        let buffer = wgpu::BufferDescriptor { label: None, size: 16, usage, mapped_at_creation: false };
        let _ = render_state.device.create_buffer(&buffer);
        assert_eq!((watch.take(), calls.load(Ordering::Relaxed)), (vec![Trouble::Refused], 1));

        render_state.device.destroy();
        render_state.queue.submit([]);
        let _ = render_state.device.poll(wgpu::PollType::Poll);
        assert!(watch.is_lost());
        assert!(watch.take().contains(&Trouble::Lost));
    }
}
