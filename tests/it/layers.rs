//! The table of layers in the crate's documentation, held against the code.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The rows of the table in src/lib.rs: module to layer.
fn table() -> BTreeMap<String, u32> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/lib.rs")).unwrap();
    let mut layers = BTreeMap::new();
    for line in text.lines() {
        let cells: Vec<&str> = line.trim_start_matches("//!").split('|').map(str::trim).collect();
        let Some(Ok(layer)) = cells.get(1).map(|cell| cell.parse()) else { continue };
        for name in cells[2].split(',') {
            layers.insert(name.trim().trim_matches(['[', ']', '`']).to_owned(), layer);
        }
    }
    layers
}

fn sources() -> Vec<(String, PathBuf)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    for entry in walkdir::WalkDir::new(&root) {
        let path = entry.unwrap().into_path();
        let inside = path.strip_prefix(&root).unwrap();
        let first = inside.components().next().map(|c| c.as_os_str().to_string_lossy().into_owned());
        let Some(module) = first.map(|name| name.trim_end_matches(".rs").to_owned()) else { continue };
        if path.extension().is_some_and(|e| e == "rs") && !["lib", "main"].contains(&module.as_str()) {
            files.push((module, path));
        }
    }
    files
}

/// The code of a file: comments and unit tests left out.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\n#[allow(clippy::unwrap_used)]\nmod tests").next().unwrap_or("");
    let code = code.split("#[cfg(test)]\nmod tests").next().unwrap_or("");
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The first path segments that follow `crate::`, those of `crate::{a, b}` included.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for part in code.split("crate::").skip(1) {
        if let Some(list) = part.strip_prefix('{') {
            let list = list.split('}').next().unwrap_or("");
            found.extend(list.split(',').map(|item| item.trim().split("::").next().unwrap_or("").to_owned()));
        } else {
            found.push(part.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect());
        }
    }
    found
}

#[test]
fn modules_import_only_from_layers_below() {
    let layers = table();
    let mut wrong = Vec::new();
    let files = sources();
    assert!(files.len() > 40, "the sources were not found");
    for (module, path) in files {
        let own = *layers.get(&module).unwrap_or_else(|| panic!("{module} is missing in the table of src/lib.rs"));
        for import in imports(&code(&path)) {
            if let Some(&layer) = layers.get(&import)
                && import != module
                && layer >= own
            {
                wrong.push(format!("{} (layer {own}) imports {import} (layer {layer})", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn tensors_handles_and_widgets_stay_in_their_rooms() {
    let rooms: [(&str, &[&str]); 3] =
        [("burn::", &["nets", "train", "methods", "gpu"]), ("wgpu::", &["gpu"]), ("egui::", &["ui", "gpu"])];
    let mut wrong = Vec::new();
    for (module, path) in sources() {
        let code = code(&path);
        for (name, allowed) in rooms {
            if code.contains(name) && !allowed.contains(&module.as_str()) {
                wrong.push(format!("{} names {name}", path.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_imports_of_a_line_are_understood() {
    let code = "use crate::{gpu, nets::cae};\nfn f() { crate::io::open() }";
    assert_eq!(imports(code), ["gpu", "nets", "io"]);
}
