//! Templates on disk: looked up to find sinuses, extended by the boxes placed by hand.

use super::{Failure, Job, Runner};
use crate::app::checks;
use crate::io::Scan;
use crate::job::Progress;
use crate::methods::sinus::{Sinus, Template};
use glam::DVec3;
use std::path::{Path, PathBuf};
use std::sync::Arc;

impl Runner {
    pub(super) fn find_by(&self, scan: Arc<Scan>, folder: PathBuf) -> Job<[Sinus; 2]> {
        self.pooled("Finding the sinuses", move |progress| {
            checks::oriented(&scan)?;
            Ok(Template::open(&folder, progress)?.find(&scan.volume, progress)?)
        })
    }

    pub(super) fn add_to_template(
        &self,
        scan: Arc<Scan>,
        centres_mm: [Option<DVec3>; 2],
        folder: PathBuf,
    ) -> Job<String> {
        self.pooled("Adding to the template", move |progress| add(&scan, centres_mm, &folder, progress))
    }
}

/// Adds the sinuses of a scan to the template in a folder, which is made of the scan where there is none.
fn add(scan: &Scan, centres_mm: [Option<DVec3>; 2], folder: &Path, progress: &Progress) -> Result<String, Failure> {
    checks::oriented(scan)?;
    let known = Template::is_at(folder);
    let mut template = if known { Template::open(folder, progress)? } else { Template::new(&scan.volume) };
    template.add(&scan.volume, &scan.sha256, centres_mm, progress)?;
    if known {
        template.save_subjects(folder)?;
    } else {
        template.create(folder)?;
    }
    let count = template.subjects.len();
    Ok(if known {
        format!("The boxes are recorded in the template, as those of scan {count}")
    } else {
        "A template was made of this scan, and its boxes are recorded. Add others to it, or find sinuses by it (Settings)"
            .to_owned()
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::testing;

    #[test]
    fn the_first_scan_becomes_the_template_and_later_ones_are_added() {
        let folder = tempfile::tempdir().unwrap();
        let at = folder.path().join("template");
        let first = testing::scan([40, 40, 40]);
        let other = Scan { sha256: "other".to_owned(), ..first.clone() };
        let centres_mm = [Some(DVec3::new(-8.0, 3.0, 2.0)), Some(DVec3::new(9.0, 3.0, 2.0))];
        let progress = Progress::default();
        let mute = testing::checked(&["no-orientation"]);
        assert!(add(&mute, centres_mm, &at, &progress).unwrap_err().to_string().contains("left from right"));
        assert!(add(&first, centres_mm, &at, &progress).unwrap().starts_with("A template was made"));
        assert!(add(&other, centres_mm, &at, &progress).unwrap().ends_with("scan 2"));
        let template = Template::open(&at, &progress).unwrap();
        assert_eq!(template.subjects.len(), 2);
        let [left, right] = template.find(&first.volume, &progress).unwrap();
        assert!(left.centre_mm.distance(DVec3::new(-8.0, 3.0, 2.0)) < 0.5, "{left:?}");
        assert!(right.centre_mm.distance(DVec3::new(9.0, 3.0, 2.0)) < 0.5, "{right:?}");
    }
}
