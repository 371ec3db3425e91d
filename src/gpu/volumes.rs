//! The volumes on the GPU, each there as long as somebody holds it: whoever draws passes the volume itself, and it is
//! uploaded when it is first drawn, or before by whoever made it.

use super::textures::{self, GpuVolume};
use crate::volume::Volume;
use std::sync::{Arc, Weak};

/// The volumes on the GPU.
pub(super) struct Volumes {
    /// The most voxels a side of a texture can have.
    longest: usize,
    /// Those that did not fit are kept as none, so that they are not tried again in each frame.
    held: Vec<(Seen, Option<Arc<GpuVolume>>)>,
    /// What the user should know of them.
    notes: Vec<String>,
}

impl Volumes {
    pub fn new(longest: usize) -> Self {
        Self { longest, held: Vec::new(), notes: Vec::new() }
    }

    /// The textures of a volume; none when they do not fit.
    pub fn get(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, volume: &Arc<Volume>) -> Option<Arc<GpuVolume>> {
        match self.find(volume) {
            Some(textures) => textures.clone(),
            None => self.insert(volume, textures::upload(device, queue, volume, self.longest)),
        }
    }

    /// The textures of a volume that was uploaded before.
    pub fn find(&self, volume: &Arc<Volume>) -> Option<&Option<Arc<GpuVolume>>> {
        self.held.iter().find(|(held, _)| held.is(volume)).map(|(_, textures)| textures)
    }

    /// Keeps uploaded textures; those that are there already are kept instead.
    pub fn insert(
        &mut self,
        volume: &Arc<Volume>,
        (textures, note): (Option<GpuVolume>, Option<String>),
    ) -> Option<Arc<GpuVolume>> {
        if let Some(earlier) = self.find(volume) {
            return earlier.clone();
        }
        self.notes.extend(note);
        let textures = textures.map(Arc::new);
        self.held.push((Seen::new(volume), textures.clone()));
        textures
    }

    /// The most voxels a side of a texture can have.
    pub fn longest(&self) -> usize {
        self.longest
    }

    /// Lets go of the textures of volumes that are gone.
    pub fn forget_gone(&mut self) {
        self.held.retain(|(volume, _)| !volume.is_gone());
    }

    /// What the user should know and has not been told yet.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}

/// A volume that is remembered but not kept alive.
#[derive(Clone)]
pub(super) struct Seen(Weak<Volume>);

impl Seen {
    pub fn new(volume: &Arc<Volume>) -> Self {
        Self(Arc::downgrade(volume))
    }

    /// Whether it was this one.
    fn is(&self, volume: &Arc<Volume>) -> bool {
        std::ptr::eq(self.0.as_ptr(), Arc::as_ptr(volume))
    }

    fn is_gone(&self) -> bool {
        self.0.strong_count() == 0
    }
}

impl PartialEq for Seen {
    fn eq(&self, other: &Self) -> bool {
        self.0.ptr_eq(&other.0)
    }
}
