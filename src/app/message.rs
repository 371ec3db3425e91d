//! A sentence for the user, without the names of files that only some may see.

use crate::io::OpenError;
use std::path::{Path, PathBuf};

/// A sentence for the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What is wrong or was done, and what to do.
    pub text: String,
    /// The file it is about, for those who may see names.
    pub path: Option<PathBuf>,
    /// Whether something failed.
    pub error: bool,
    /// Whether it stays when another scan is opened.
    pub keep: bool,
}

impl Message {
    /// Something the user should know.
    pub(super) fn note(text: impl Into<String>) -> Self {
        Self { text: text.into(), path: None, error: false, keep: false }
    }

    /// Something that failed.
    pub(super) fn error(text: impl Into<String>) -> Self {
        Self { error: true, ..Self::note(text) }
    }

    /// Why a scan could not be opened. The path is cut off, wherever the operating system has put it.
    pub(super) fn unreadable(error: &OpenError) -> Self {
        let text = error.to_string();
        let Some(path) = path_of(error) else { return Self::error(text) };
        let shown = path.display().to_string();
        let text = text.strip_suffix(&format!(": {shown}")).unwrap_or(&text);
        let text = if shown.is_empty() { text.to_owned() } else { text.replace(&shown, "it") };
        Self { path: Some(path.to_owned()), ..Self::error(text) }
    }

    /// The message stays until it is read.
    pub(super) fn kept(self) -> Self {
        Self { keep: true, ..self }
    }

    /// The sentence, with the file at its end where names may be shown.
    #[must_use]
    pub fn shown(&self, show_paths: bool) -> String {
        match &self.path {
            Some(path) if show_paths => format!("{}: {}", self.text, path.display()),
            _ => self.text.clone(),
        }
    }
}

fn path_of(error: &OpenError) -> Option<&Path> {
    match error {
        OpenError::Missing { path }
        | OpenError::NotAScan { path, .. }
        | OpenError::Damaged { path, .. }
        | OpenError::NoSeries { path, .. }
        | OpenError::Unsupported { path, .. }
        | OpenError::TooLarge { path, .. }
        | OpenError::NoFrame { path, .. }
        | OpenError::Io { path, .. } => Some(path),
        OpenError::Cancelled(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_name_is_told_only_to_those_who_may_see_it() {
        let path = PathBuf::from("/scans/DOE^JANE");
        let missing = Message::unreadable(&OpenError::Missing { path: path.clone() });
        assert_eq!(missing.shown(false), "there is no such file or folder; check the name");
        assert_eq!(missing.shown(true), "there is no such file or folder; check the name: /scans/DOE^JANE");
        let source = std::io::Error::other("no access to /scans/DOE^JANE");
        let locked = Message::unreadable(&OpenError::Io { path, source });
        assert_eq!(locked.shown(false), "it cannot be read (no access to it); check the permissions and the disk");
    }
}
