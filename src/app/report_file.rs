//! An analysis to files: the user is asked for a folder, and gets what `antrum analyse` writes, and of a DICOM series what
//! `antrum labels dicom` writes.

use super::checks;
use super::dicom_report::{FILES, Said};
use super::load::Origin;
use super::report::{self, Analysis};
use crate::io::{self, Scan};
use crate::job::{Job, Progress};
use crate::methods::sinus::Sinus;
use crate::project::Reading;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is written.
#[derive(Clone, Debug)]
pub struct Exported {
    /// The scan.
    pub scan: Arc<Scan>,
    /// Where it came from.
    pub origin: Option<Origin>,
    /// Its sinuses.
    pub sinuses: [Sinus; 2],
    /// What was computed.
    pub analysis: Arc<Analysis>,
    /// What the reader said.
    pub readings: [Option<Reading>; 2],
}

/// Asks where an analysis should go and writes it; gives what was written, or nothing when the user did not want it after all.
/// Must be called where the window lives. `now` is `YYYYMMDDhhmmss`.
pub(super) fn save(exported: Exported, rater: String, now: Option<String>) -> Job<Option<String>> {
    let answer = rfd::AsyncFileDialog::new().set_title("Folder for map, cavities and figures").pick_folder();
    Job::spawn("Writing the analysis", move |progress: &Progress| {
        let asked = Instant::now();
        let Some(folder) = pollster::block_on(answer) else {
            // Nobody says no as fast as a system that has no dialog.
            let refused = asked.elapsed() < Duration::from_millis(300);
            return if refused { Err(NO_DIALOG.to_owned()) } else { Ok(None) };
        };
        let written = write(&exported, &rater, now.as_deref(), folder.path(), progress);
        written.map(Some).map_err(|error| format!("The analysis could not be written: {error}"))
    })
}

/// Writes it to a folder and says what was written.
fn write(
    exported: &Exported,
    rater: &str,
    now: Option<&str>,
    folder: &Path,
    progress: &Progress,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let Exported { scan, origin, sinuses, analysis, readings } = exported;
    let name = scan.path.as_ref().map_or("synthetic example".to_owned(), |path| path.display().to_string());
    report::write(scan, &name, sinuses, analysis, folder)?;
    let headers = match origin {
        // Masks lie on the slices of the series as they are stored.
        Some(origin) if !checks::resampled(scan) => origin.catalogue.headers(origin.series, scan.frame, progress)?,
        _ => None,
    };
    let (Some(headers), Some(now)) = (headers, now) else {
        return Ok("Map, cavities and figures were written".to_owned());
    };
    let said = Said { observer: rater, readings, cavities: &analysis.cavities, grid: &scan.volume.grid, now };
    let names = FILES.map(|name| folder.join(format!("{}_{name}", report::stem(scan))));
    let written = said.write(&headers, names)?;
    let files = io::files_in_words(written.len());
    Ok(format!("Map, cavities and figures were written, labels and cavities as DICOM too ({files})"))
}

const NO_DIALOG: &str = "No dialog for folders can be shown here (on Linux: install xdg-desktop-portal or zenity); antrum analyse \
     writes the same files";

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::testing::analysis;
    use crate::io::ReadOptions;
    use crate::methods::sinus::{Cavity, Crop};
    use crate::project::Label;
    use crate::space::Side;

    #[test]
    fn of_a_dicom_series_labels_and_cavities_are_written_as_dicom_of_its_patient() {
        let (folder, out) = (io::dicom_series(), tempfile::tempdir().unwrap());
        let progress = Progress::default();
        let catalogue = Arc::new(io::browse(&[folder.path().to_owned()], &progress).unwrap());
        let scan = Arc::new(catalogue.read(0, &ReadOptions::default(), &progress).unwrap());
        // The series lies on the patient's right.
        let middle = scan.volume.grid.voxel_mm(scan.volume.grid.count() / 2);
        let mut analysis = analysis(&scan, [middle, middle]);
        let crop = Crop::grid_at(Side::Right, middle, 8);
        analysis.cavities = [None, Some(Cavity::new(Side::Right, crop, vec![Cavity::AIR; crop.count()]))];
        let sinuses = [Side::Left, Side::Right].map(|side| Sinus::placed(side, middle, &scan.volume.grid));
        let exported = Exported {
            origin: Some(Origin { catalogue, series: 0 }),
            scan,
            sinuses,
            analysis: Arc::new(analysis),
            readings: [None, Some(Reading::of(Label::Anomalous))],
        };
        let written = |exported: &Exported, to: &str| {
            let folder = out.path().join(to);
            std::fs::create_dir_all(&folder).unwrap();
            let said = write(exported, "anna", Some("20260102030405"), &folder, &progress).unwrap();
            let read = |name: &str| std::fs::read(folder.join(format!("{}_{name}", report::stem(&exported.scan)))).ok();
            (said, read("labels.dcm"), read("cavities.dcm"))
        };
        let holds = |bytes: &[u8], word: &str| bytes.windows(word.len()).any(|part| part == word.as_bytes());
        let (said, labels, cavities) = written(&exported, "both");
        assert!(said.ends_with("as DICOM too (2 files)"), "{said}");
        let labels = labels.unwrap();
        for word in ["Secret^Sam", "right maxillary sinus", "Abnormal", "anna"] {
            assert!(holds(&labels, word), "{word}");
        }
        assert!(!holds(&labels, "left maxillary sinus"), "nothing was said of the left one");
        assert!(holds(&cavities.unwrap(), "right maxillary sinus, cavity"));

        let (said, labels, cavities) = written(&Exported { readings: [None, None], ..exported.clone() }, "unread");
        assert!(said.ends_with("as DICOM too (1 file)") && labels.is_none() && cavities.is_some(), "{said}");
        let (said, labels, cavities) = written(&Exported { origin: None, ..exported }, "no series");
        assert!(!said.contains("DICOM") && labels.is_none() && cavities.is_none(), "{said}");
    }
}
