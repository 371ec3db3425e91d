//! The file of the settings. A damaged one is put aside and never stops the program.

use super::settings::Settings;
use crate::io;
use std::io::ErrorKind;
use std::path::Path;

/// The settings in a file, with a sentence where they could not be read. A file that is missing has the usual ones.
#[must_use]
pub fn load(path: &Path) -> (Settings, Option<String>) {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return (Settings::default(), None),
        Err(error) => return (Settings::default(), Some(put_aside(path, &error.to_string()))),
    };
    match serde_json::from_str::<Settings>(&text) {
        Ok(settings) => (settings, None),
        Err(error) => (Settings::default(), Some(put_aside(path, &error.to_string()))),
    }
}

/// Keeps what cannot be read under another name, so that saving does not destroy it.
fn put_aside(path: &Path, reason: &str) -> String {
    let mut aside = path.as_os_str().to_owned();
    aside.push(".damaged");
    let kept = match std::fs::rename(path, &aside) {
        Ok(()) => format!("it was kept as {}", Path::new(&aside).display()),
        Err(error) => format!("it could not be put aside ({error})"),
    };
    format!("The settings could not be read ({reason}). The usual ones are used; {kept}")
}

/// Writes the settings, first beside their file, so that a failure leaves the former ones.
///
/// # Errors
/// A sentence that names the file and the reason.
pub(super) fn save(path: &Path, settings: &Settings) -> Result<(), String> {
    let failed = |reason: String| {
        format!("The settings could not be saved ({reason}); check the disk and the permissions of {}", path.display())
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
    }
    io::write_json(path, settings).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::settings::{MouseMap, Theme, Tool};

    #[test]
    fn settings_come_back_as_they_were_saved() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("new/settings.json");
        assert_eq!(load(&path), (Settings::default(), None));
        let mouse = MouseMap { left: Tool::Zoom, ..MouseMap::DEFAULT };
        let mut settings = Settings { theme: Theme::Light, scale_percent: 150, mouse, ..Settings::default() };
        settings.keys.insert("redo".to_owned(), "Ctrl+Y".to_owned());
        settings.presets.remove("CT");
        save(&path, &settings).unwrap();
        assert_eq!(load(&path), (settings, None));
    }

    #[test]
    fn a_part_of_the_settings_is_enough() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        std::fs::write(&path, r#"{"theme": "Light", "of another version": 3}"#).unwrap();
        assert_eq!(load(&path), (Settings { theme: Theme::Light, ..Settings::default() }, None));
    }

    #[test]
    fn a_damaged_file_is_kept_aside_and_said() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        std::fs::write(&path, "{\"theme\": \"Li").unwrap();
        let (settings, note) = load(&path);
        assert_eq!(settings, Settings::default());
        assert!(note.unwrap().contains("settings.json.damaged"));
        let aside = std::fs::read_to_string(folder.path().join("settings.json.damaged")).unwrap();
        assert_eq!(aside, "{\"theme\": \"Li");
        assert_eq!(load(&path), (Settings::default(), None));
    }
}
