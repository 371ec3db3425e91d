//! How what was opened lately is called: by its path where names may be shown, else by what it was and when.

use crate::app::settings::Recent;
use std::time::{SystemTime, UNIX_EPOCH};

/// The entry in the menu.
pub(super) fn name(recent: &Recent, number: usize, show_paths: bool) -> String {
    let now_secs = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let when = ago(now_secs.saturating_sub(recent.opened_secs));
    match recent.paths.first() {
        Some(path) if show_paths => {
            let name =
                path.file_name().map_or_else(|| path.display().to_string(), |n| n.to_string_lossy().into_owned());
            let more =
                if recent.paths.len() > 1 { format!(" and {} more", recent.paths.len() - 1) } else { String::new() };
            format!("{name}{more}, {when}")
        }
        _ => format!("{}  {}, {when}", number + 1, recent.what),
    }
}

fn ago(secs: u64) -> String {
    match (secs / 60, secs / 3600, secs / 86_400) {
        (0, ..) => "just now".to_owned(),
        (minutes, 0, _) => format!("{minutes} min ago"),
        (_, hours, 0) => format!("{hours} h ago"),
        (_, _, 1) => "yesterday".to_owned(),
        (_, _, days) => format!("{days} days ago"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_named_only_where_they_may_be() {
        let paths = vec!["/scans/DOE^JANE.nii".into(), "/scans/b.nii".into()];
        let recent = Recent { paths, what: "MR · NIfTI · 2 × 2 × 2".to_owned(), opened_secs: 0 };
        let hidden = name(&recent, 0, false);
        assert!(hidden.starts_with("1  MR · NIfTI · 2 × 2 × 2, ") && !hidden.contains("DOE"));
        assert!(name(&recent, 0, true).starts_with("DOE^JANE.nii and 1 more, "));
        assert_eq!(
            [30, 200, 7300, 90_000, 200_000].map(ago),
            ["just now", "3 min ago", "2 h ago", "yesterday", "2 days ago"]
        );
    }
}
