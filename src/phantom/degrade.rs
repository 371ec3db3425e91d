//! What spoils scans: poses, slices, cut fields of view and artefacts, each of which can be switched on by itself.

/// What spoils one scan. The default is nothing at all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Degradations {}

impl Degradations {
    /// A mixture as scans have it.
    #[must_use]
    pub fn draw(_rng: &mut rand_chacha::ChaCha8Rng, _contrast: super::Contrast) -> Self {
        Self::default()
    }
}
