//! The volumes on the GPU, each there as long as somebody holds it: whoever draws passes the volume itself, and it is
//! uploaded when it is first drawn, or before by whoever made it.

use super::textures::{self, GpuVolume};
use crate::volume::Volume;
use std::sync::{Arc, Weak};

/// The volumes on the GPU.
#[derive(Default)]
pub(super) struct Volumes {
    /// Those that did not fit are kept as none, so that they are not tried again in each frame.
    held: Vec<(Weak<Volume>, Option<Arc<GpuVolume>>)>,
    /// What the user should know of them.
    notes: Vec<String>,
}

impl Volumes {
    /// The textures of a volume; none when they do not fit.
    pub fn get(&mut self, device: &wgpu::Device, queue: &wgpu::Queue, volume: &Arc<Volume>) -> Option<Arc<GpuVolume>> {
        match self.find(volume) {
            Some(textures) => textures.clone(),
            None => self.insert(volume, textures::upload(device, queue, volume)),
        }
    }

    /// The textures of a volume that was uploaded before.
    pub fn find(&self, volume: &Arc<Volume>) -> Option<&Option<Arc<GpuVolume>>> {
        let same = |held: &&(Weak<Volume>, _)| std::ptr::eq(held.0.as_ptr(), Arc::as_ptr(volume));
        self.held.iter().find(same).map(|(_, textures)| textures)
    }

    /// Keeps uploaded textures, and lets go of those whose volume is gone.
    pub fn insert(
        &mut self,
        volume: &Arc<Volume>,
        (textures, note): (Option<GpuVolume>, Option<String>),
    ) -> Option<Arc<GpuVolume>> {
        self.held.retain(|(volume, _)| volume.strong_count() > 0);
        self.notes.extend(note);
        let textures = textures.map(Arc::new);
        self.held.push((Arc::downgrade(volume), textures.clone()));
        textures
    }

    /// What the user should know and has not been told yet.
    pub fn take_notes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.notes)
    }
}
