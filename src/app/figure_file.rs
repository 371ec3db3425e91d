//! Figures to files: the user is asked where, and where he cannot be asked they go where pictures are kept.

use crate::io::picture;
use crate::job::{Job, Progress};
use crate::view::Picture;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A figure in its file.
pub(super) struct Saved {
    pub path: PathBuf,
    /// Where that is in words, when the user could not be asked.
    pub place: Option<String>,
}

/// Asks where a figure should go and writes it; none when the user did not want it after all. Must be called where the
/// window lives.
pub(super) fn save(name: String, picture: Arc<Picture>) -> Job<Option<Saved>> {
    let dialog = rfd::AsyncFileDialog::new().set_title("Save the figure").add_filter("PNG", &["png"]);
    let answer = dialog.set_file_name(&name).save_file();
    Job::spawn("Saving the figure", move |_: &Progress| {
        let asked = Instant::now();
        let chosen = pollster::block_on(answer).map(|handle| handle.path().to_owned());
        let saved = match chosen {
            Some(path) => Saved { path: with_ending(path), place: None },
            // Nobody says no as fast as a system that has no dialog.
            None if asked.elapsed() < Duration::from_millis(300) => {
                let (folder, place) = pictures();
                let path = free(&folder, &name);
                let file = path.file_name().map_or_else(String::new, |file| file.to_string_lossy().into_owned());
                Saved { path, place: Some(format!("{place} as {file}")) }
            }
            None => return Ok(None),
        };
        match picture::write(&saved.path, &picture) {
            Ok(()) => Ok(Some(saved)),
            Err(error) => Err(format!("The figure could not be saved: {error}")),
        }
    })
}

/// The folder of pictures, else the present one, and what it is called.
fn pictures() -> (PathBuf, &'static str) {
    let known = directories::UserDirs::new().and_then(|dirs| dirs.picture_dir().map(Path::to_owned));
    match known.filter(|folder| folder.is_dir()) {
        Some(folder) => (folder, "the folder of pictures"),
        None => (PathBuf::from("."), "the folder the program was started in"),
    }
}

fn with_ending(path: PathBuf) -> PathBuf {
    let is_png = path.extension().is_some_and(|ending| ending.eq_ignore_ascii_case("png"));
    if is_png {
        return path;
    }
    let mut name = path.into_os_string();
    name.push(".png");
    name.into()
}

/// A file that does not exist yet: `antrum-axial.png`, `antrum-axial-2.png` and so on.
fn free(folder: &Path, name: &str) -> PathBuf {
    let stem = name.strip_suffix(".png").unwrap_or(name);
    let numbered = (2..1000).map(|number| folder.join(format!("{stem}-{number}.png")));
    let first = folder.join(format!("{stem}.png"));
    let mut all = std::iter::once(first.clone()).chain(numbered);
    all.find(|path| !path.exists()).unwrap_or(first)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn no_figure_replaces_another_unasked() {
        let folder = tempfile::tempdir().unwrap();
        let name = |path: PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        assert_eq!(name(free(folder.path(), "antrum.png")), "antrum.png");
        std::fs::write(folder.path().join("antrum.png"), "").unwrap();
        std::fs::write(folder.path().join("antrum-2.png"), "").unwrap();
        assert_eq!(name(free(folder.path(), "antrum.png")), "antrum-3.png");
        assert_eq!(with_ending("/a/figure".into()), Path::new("/a/figure.png"));
        assert_eq!(with_ending("/a/figure.PNG".into()), Path::new("/a/figure.PNG"));
    }
}
