//! The measurements of a project and their written forms: a table, or JSON with the provenance.

use crate::io::{self, WriteError, table};
use crate::measure::{Measured, Shape};
use crate::project::{CaseId, KeptMeasurement, Project, ProjectError};
use glam::DVec3;
use serde::Serialize;
use std::path::Path;

/// How measurements are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// A table, one line per measurement.
    Csv,
    /// Everything, in its structure.
    Json,
}

impl Format {
    /// The form that a file's name asks for; a table unless it ends in `.json`.
    #[must_use]
    pub fn of(path: &Path) -> Self {
        if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) { Self::Json } else { Self::Csv }
    }
}

/// Measurements to be written.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// What they may be used for.
    pub notice: &'static str,
    /// Name and version of the program.
    pub generated_by: String,
    /// In the order in which they were made, case by case.
    pub measurements: Vec<Row>,
    /// How many were left out because a newer program made them.
    pub unreadable: usize,
}

/// One measurement.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// SHA-256 of the scan's data.
    pub case_sha256: String,
    /// Its number; unique within case and rater.
    pub id: i64,
    /// What the reader calls it.
    pub name: String,
    /// What was measured where.
    #[serde(flatten)]
    pub measured: Measured,
    /// Who measured.
    pub rater: String,
    /// When, in UTC.
    pub time_utc: String,
    /// Version of the program that measured.
    pub version: String,
}

/// Reads the measurements that count now, of one case or all and of one rater or all.
///
/// # Errors
/// [`ProjectError::Database`].
pub fn read(project: &Project, case: Option<CaseId>, rater: Option<&str>) -> Result<Document, ProjectError> {
    let kept = project.measurements(case, rater)?;
    let count = kept.len();
    let measurements: Vec<Row> = kept.into_iter().filter_map(Row::of).collect();
    let generated_by = format!("antrum {}", env!("CARGO_PKG_VERSION"));
    Ok(Document { notice: crate::NOTICE, generated_by, unreadable: count - measurements.len(), measurements })
}

impl Row {
    fn of(kept: KeptMeasurement) -> Option<Self> {
        Some(Self {
            measured: serde_json::from_str(&kept.measured).ok()?,
            case_sha256: kept.case_sha256,
            id: kept.id.0,
            name: kept.name,
            rater: kept.rater,
            time_utc: kept.time_utc,
            version: kept.version,
        })
    }

    fn cells(&self) -> [String; 20] {
        let Measured { shape, figures, volume, oriented } = self.measured;
        let number = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
        let values = figures.values;
        [
            self.case_sha256.clone(),
            self.id.to_string(),
            shape.kind().name().to_owned(),
            self.name.clone(),
            if oriented { "RAS" } else { "unknown" }.to_owned(),
            points(&shape),
            number(figures.length_mm),
            number(figures.angle_deg),
            number(figures.area_mm2),
            values.map_or_else(String::new, |v| v.voxels.to_string()),
            number(values.map(|v| v.mean)),
            number(values.map(|v| v.sd)),
            number(values.map(|v| v.min)),
            number(values.map(|v| v.max)),
            values.map_or("", |v| v.unit.symbol()).to_owned(),
            volume.to_string(),
            self.rater.clone(),
            self.time_utc.clone(),
            self.version.clone(),
            crate::NOTICE.to_owned(),
        ]
    }
}

/// The columns of the table; values are in the unit of `unit`, volumes are counted from 1.
const COLUMNS: [&str; 20] = [
    "case_sha256",
    "id",
    "kind",
    "name",
    "orientation",
    "points_mm",
    "length_mm",
    "angle_deg",
    "area_mm2",
    "voxels",
    "mean",
    "sd",
    "min",
    "max",
    "unit",
    "volume",
    "rater",
    "time_utc",
    "version",
    "notice",
];

/// Points as `x y z; x y z`: those of a line; of an ellipse or box the middle and the ends of both half axes.
fn points(shape: &Shape) -> String {
    let points = match shape {
        Shape::Ellipse(region) | Shape::Box(region) => {
            vec![region.centre_mm, region.at([1.0, 0.0]), region.at([0.0, 1.0])]
        }
        line => line.handles_mm(),
    };
    let texts: Vec<String> = points.iter().map(|DVec3 { x, y, z }| format!("{x:.3} {y:.3} {z:.3}")).collect();
    texts.join("; ")
}

impl Document {
    /// The text of a file.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn text(&self, format: Format) -> serde_json::Result<String> {
        match format {
            Format::Csv => Ok(self.csv()),
            Format::Json => serde_json::to_string_pretty(self).map(|text| text + "\n"),
        }
    }

    /// Writes the file, replacing one that exists.
    ///
    /// # Errors
    /// [`WriteError`].
    pub fn write(&self, path: &Path, format: Format) -> Result<(), WriteError> {
        let text = self.text(format).map_err(|e| WriteError::Io { source: e.into(), path: path.to_owned() })?;
        io::write_whole(path, text.as_bytes())
    }

    fn csv(&self) -> String {
        let rows = self.measurements.iter().map(|row| table::line(row.cells().iter().map(String::as_str), ','));
        table::line(COLUMNS, ',') + &rows.collect::<String>()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::measure::{Figures, Region, Values};
    use crate::project::{MeasurementEvent, MeasurementId};
    use crate::volume::Unit;

    fn document() -> Document {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::open(&folder.path().join("p.antrum")).unwrap();
        let case = project.case("abc", None).unwrap();
        let right = DVec3::new(21.5, 40.0, -8.25);
        let values = Values { mean: -812.5, sd: 10.25, min: -900.0, max: -700.0, voxels: 12, unit: Unit::Hounsfield };
        let region = Region { centre_mm: right, half_axes_mm: [DVec3::NEG_X * 2.0, DVec3::NEG_Y * 3.0] };
        let figures = Figures { area_mm2: Some(24.0), values: Some(values), ..Figures::default() };
        let ellipse = Measured { shape: Shape::Box(region), figures, volume: 3, oriented: true };
        let line = Shape::Distance([DVec3::ZERO, DVec3::new(-5.0, 0.0, 0.0)]);
        let figures = Figures { length_mm: Some(5.0), ..Figures::default() };
        let line = Measured { shape: line, figures, volume: 1, oriented: false };
        let event = |id, name: &str, measured: String| MeasurementEvent {
            case,
            id: MeasurementId(id),
            measured: Some(measured),
            name: name.to_owned(),
            rater: "Anna \"A\", MD".to_owned(),
            session: String::new(),
        };
        let json = |measured: &Measured| serde_json::to_string(measured).unwrap();
        let events =
            [event(1, "air", json(&ellipse)), event(2, "", json(&line)), event(3, "", "from later".to_owned())];
        project.record_measurements(&events).unwrap();
        read(&project, Some(case), None).unwrap()
    }

    #[test]
    fn a_line_of_the_table_has_every_figure_and_the_notice() {
        let text = document().text(Format::Csv).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3);
        assert_eq!(lines[0].split(',').count(), 20);
        let place = "RAS,21.500 40.000 -8.250; 19.500 40.000 -8.250; 21.500 37.000 -8.250";
        let start = format!("abc,1,box,air,{place},,,24,12,-812.5,10.25,-900,-700,HU,3,\"Anna \"\"A\"\", MD\",20");
        assert!(lines[1].starts_with(&start), "{}", lines[1]);
        assert!(lines[1].ends_with("Research use only. Not a medical device."));
        assert!(lines[2].starts_with("abc,2,distance,,unknown,0.000 0.000 0.000; -5.000 0.000 0.000,5,,,,,,,,,1,"));
    }

    #[test]
    fn json_keeps_the_structure_and_says_what_was_left_out() {
        let document: serde_json::Value = serde_json::from_str(&document().text(Format::Json).unwrap()).unwrap();
        assert_eq!(document["notice"], crate::NOTICE);
        assert_eq!(document["unreadable"], 1);
        let [first, second] = &document["measurements"].as_array().unwrap()[..] else { panic!("{document}") };
        assert_eq!(first["shape"]["ras_mm"]["centre_mm"], serde_json::json!([21.5, 40.0, -8.25]));
        assert_eq!((&first["figures"]["values"]["unit"], &first["shape"]["kind"]), (&"HU".into(), &"box".into()));
        assert_eq!(second["figures"], serde_json::json!({ "length_mm": 5.0 }));
        assert_eq!(second["oriented"], false);
    }
}
