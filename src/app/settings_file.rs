//! The file of the settings. A damaged one is put aside and never stops the program.

use super::settings::Settings;
use crate::io;
use serde_json::{Map, Value};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

/// The settings in a file, with a sentence where they could not be read. A file that is missing has the usual ones.
#[must_use]
pub fn load(path: &Path) -> (Settings, Option<String>) {
    let reason = match read(path) {
        Ok((settings, _)) => return (settings, None),
        Err(reason) => reason,
    };
    let kept = match put_aside(path) {
        Ok(aside) => format!("it was kept as {}", aside.display()),
        Err(error) => format!("it could not be put aside ({error})"),
    };
    (Settings::default(), Some(format!("The settings could not be read ({reason}). The usual ones are used; {kept}")))
}

/// What is in the file, understood and as it is written; nothing where there is no file.
fn read(path: &Path) -> Result<(Settings, Map<String, Value>), String> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Default::default()),
        Err(error) => return Err(error.to_string()),
    };
    let understood = serde_json::from_str(&text).and_then(|settings| Ok((settings, serde_json::from_str(&text)?)));
    understood.map_err(|error| error.to_string())
}

/// Keeps what cannot be read under a name that is still free, so that saving does not destroy it.
fn put_aside(path: &Path) -> std::io::Result<PathBuf> {
    let named = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        PathBuf::from(name)
    };
    let mut numbered = (2..1000).map(|number| named(&format!(".damaged-{number}")));
    let first = named(".damaged");
    let aside = if first.exists() { numbered.find(|aside| !aside.exists()) } else { Some(first) };
    let aside = aside.ok_or(ErrorKind::AlreadyExists)?;
    std::fs::rename(path, &aside)?;
    Ok(aside)
}

/// The settings in their file with what was changed from `known` to `now`; the rest is as another window may have left it.
fn merged(file: Map<String, Value>, known: &Settings, now: &Settings) -> serde_json::Result<Map<String, Value>> {
    let fields = |settings: &Settings| serde_json::from_value::<Map<String, Value>>(serde_json::to_value(settings)?);
    let (known, now) = (fields(known)?, fields(now)?);
    let changed = now.into_iter().filter(|(name, value)| !file.contains_key(name) || known.get(name) != Some(value));
    let changed: Vec<_> = changed.collect();
    Ok(file.into_iter().chain(changed).collect())
}

/// Writes the settings, first beside their file, so that a failure leaves the former ones. Only what differs from
/// `known`, which this window last read or wrote, replaces what is in the file.
///
/// # Errors
/// A sentence that names the file and the reason.
pub(super) fn save(path: &Path, known: &Settings, now: &Settings) -> Result<(), String> {
    let failed = |reason: String| {
        format!("The settings could not be saved ({reason}); check the disk and the permissions of {}", path.display())
    };
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::create_dir_all(folder).map_err(|error| failed(error.to_string()))?;
    }
    let file = match read(path) {
        Ok((_, file)) => file,
        Err(reason) => {
            put_aside(path).map_err(|error| failed(format!("{reason}; it could not be put aside: {error}")))?;
            Map::new()
        }
    };
    let settings = merged(file, known, now).map_err(|error| failed(error.to_string()))?;
    io::write_json(path, &settings).map_err(|error| failed(error.to_string()))
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
        save(&path, &Settings::default(), &settings).unwrap();
        assert_eq!(load(&path), (settings, None));
    }

    #[test]
    fn two_windows_keep_each_others_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        std::fs::write(&path, r#"{"scale_percent": 125, "of another version": 3}"#).unwrap();
        let (start, _) = load(&path);
        let light = Settings { theme: Theme::Light, ..start.clone() };
        save(&path, &start, &light).unwrap();
        let larger = Settings { scale_percent: 150, ..start.clone() };
        save(&path, &start, &larger).unwrap();
        assert_eq!(load(&path), (Settings { theme: Theme::Light, ..larger }, None));
        // Back to what it was is a change, too.
        save(&path, &light, &start).unwrap();
        assert_eq!(load(&path), (Settings { scale_percent: 150, ..start }, None));
        assert!(std::fs::read_to_string(&path).unwrap().contains("of another version"));
    }

    #[test]
    fn nothing_damaged_is_lost() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("settings.json");
        for damage in ["one", "two"] {
            std::fs::write(&path, damage).unwrap();
            save(&path, &Settings::default(), &Settings::default()).unwrap();
        }
        let aside = ["settings.json.damaged", "settings.json.damaged-2"];
        assert_eq!(aside.map(|name| std::fs::read_to_string(folder.path().join(name)).unwrap()), ["one", "two"]);
        for number in 3..1000 {
            std::fs::write(folder.path().join(format!("settings.json.damaged-{number}")), "").unwrap();
        }
        std::fs::write(&path, "three").unwrap();
        let refused = save(&path, &Settings::default(), &Settings::default()).unwrap_err();
        assert!(refused.contains("could not be put aside"), "{refused}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "three");
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
