//! `antrum report`: one case on a page: what readers said, what was measured, pictures, and what all of it was made with.

use super::analyse;
use super::picture::sinus_sheet;
use super::source::Choice;
use super::{Failure, guarded, say};
use crate::app::checks;
use crate::app::sinuses::CavityFigures;
use crate::io;
use crate::methods::residual::InferConfig;
use crate::project::{LabelRow, Project, Rows, severity_name};
use crate::space::Side;
use std::fmt::Write as _;
use std::path::PathBuf;

/// Write a page about one case: labels, figures of both sinuses, pictures, provenance (HTML, and a PNG beside it)
///
/// No name of a patient or file is written.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// The scan: NIfTI or DICOM files, a DICOM folder, DICOMDIR or ZIP archive
    #[arg(value_name = "PATH", required = true)]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    choice: Choice,
    /// The project file with its labels [default: none, the page has no labels]
    #[arg(long, value_name = "FILE")]
    project: Option<PathBuf>,
    /// Only the labels of this rater [default: all raters]
    #[arg(long, value_name = "NAME", requires = "project")]
    rater: Option<String>,
    /// The page to write; the picture gets the same name with .png
    #[arg(long, value_name = "FILE.html")]
    out: PathBuf,
    /// Replace page and picture if they exist
    #[arg(long)]
    force: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    if args.out.extension().is_none_or(|extension| extension != "html") {
        return Err(format!("the page's name must end in .html: {}", args.out.display()).into());
    }
    if let Some(file) =
        [&args.out, &args.out.with_extension("png")].into_iter().find(|file| !args.force && file.exists())
    {
        return Err(format!("there is such a file; choose another name or add --force: {}", file.display()).into());
    }
    let project = args.project.as_deref().map(Project::open_existing).transpose()?;
    let (paths, choice) = (args.paths.clone(), args.choice.clone());
    let (analysed, picture) = guarded("analysing", move |progress| {
        let model = analyse::model(None, None)?;
        let analysed = analyse::analysed(&paths, &choice, &model, InferConfig::default(), progress)?;
        let picture = sinus_sheet::sheet(&analysed.scan, &analysed.sinuses, &analysed.analysis.cavities);
        Ok((analysed, picture))
    })?;
    let rows = match &project {
        Some(project) => project.label_rows(Rows::Current, args.rater.as_deref())?,
        None => Vec::new(),
    };
    let rows: Vec<LabelRow> = rows.into_iter().filter(|row| row.case_sha256 == analysed.scan.sha256).collect();
    let png = args.out.with_extension("png");
    io::picture::write(&png, &picture)?;
    let name = png.file_name().unwrap_or_default().to_string_lossy();
    io::write_whole(&args.out, page(&analysed, &rows, &name).as_bytes())?;
    say(format_args!("{}  {} labels", args.out.display(), rows.len()))
}

const STYLE: &str = "body{font:15px/1.5 system-ui,sans-serif;max-width:1100px;margin:2em auto;padding:0 1em;color:#222}\
table{border-collapse:collapse;margin:1em 0}td,th{border-bottom:1px solid #ccc;padding:.3em .9em .3em 0;text-align:left;\
vertical-align:top}img{width:100%;background:#000}.notice{color:#8a5a00}.small{color:#666;font-size:13px;\
overflow-wrap:anywhere}";

fn page(analysed: &analyse::Analysed, rows: &[LabelRow], picture: &str) -> String {
    let (scan, analysis) = (&analysed.scan, &analysed.analysis);
    let known = checks::orientation_known(scan);
    let side = |side: Side| {
        if known { format!("patient {}", side.name()) } else { format!("{} (sides unknown)", side.name()) }
    };
    let mut body = String::new();
    let mut put = |text: &str| body.push_str(text);
    put(&format!("<h1>Maxillary sinuses</h1><p class=\"notice\">{}</p>", crate::NOTICE));
    let [x, y, z] = scan.volume.grid.size;
    let spacing = scan.volume.grid.spacing_mm();
    put(&format!(
        "<p>{} · {x} × {y} × {z} voxels of {:.2} × {:.2} × {:.2} mm</p>",
        escaped(&scan.modality),
        spacing.x,
        spacing.y,
        spacing.z
    ));
    for check in &scan.checks {
        put(&format!("<p class=\"notice\">{}</p>", escaped(&check.message)));
    }
    put("<h2>Labels</h2>");
    if rows.is_empty() {
        put("<p>None.</p>");
    } else {
        put(
            "<table><tr><th>sinus</th><th>label</th><th>type</th><th>severity</th><th>sure</th><th>note</th><th>rater</th><th>time (UTC)</th></tr>",
        );
        for row in rows {
            let cells = [
                side(row.side),
                row.label.map_or("", |label| label.name()).to_owned(),
                row.anomaly.map_or("", |kind| kind.name()).to_owned(),
                row.severity.map_or(String::new(), |severity| format!("{severity} {}", severity_name(severity))),
                row.confidence.map_or(String::new(), |percent| format!("{percent} %")),
                row.note.clone(),
                row.rater.clone(),
                row.time_utc.get(..16).unwrap_or(&row.time_utc).replace('T', " "),
            ];
            put(&line(&cells));
        }
        put("</table>");
    }
    put("<h2>Figures</h2><p class=\"small\">Estimates of networks that were trained on synthetic heads alone.</p>");
    put("<table><tr><th>sinus</th><th>cavity</th><th>probability of disease</th><th>residual score</th></tr>");
    for sinus_side in Side::BOTH {
        let sinus = &analysed.sinuses[sinus_side.index()];
        let words = CavityFigures::of(analysis.cavities[sinus_side.index()].as_ref()).words(sinus.present);
        let finding = analysis.findings.iter().find(|finding| finding.side == sinus_side);
        let rank = |percentile: Option<f64>, of: &str| {
            percentile.map_or(String::new(), |p| format!(", higher than in {p:.0} % of {of}"))
        };
        let reference = finding.and_then(|finding| finding.normal.as_ref()).map_or("", |normal| normal.name());
        let anomaly = finding.and_then(|finding| finding.anomaly);
        let cells = [
            side(sinus_side),
            words.unwrap_or_else(|| "not in view".to_owned()),
            anomaly.map_or(String::new(), |a| {
                format!("{:.0} %{}", 100.0 * a.probability, rank(a.percentile, "normal synthetic sinuses"))
            }),
            finding.map_or(String::new(), |f| format!("{:.4}{}", f.score, rank(f.percentile, reference))),
        ];
        put(&line(&cells));
    }
    put(&format!(
        "</table><h2>Pictures</h2><p>Radiological: the patient's right is on the left. Outlines are cavities, colour is what is \
         not air.</p><img src=\"{}\" alt=\"Axial, coronal and sagittal planes through both sinuses\">",
        escaped(picture)
    ));
    put(&format!(
        "<p class=\"small\">Made by Antrum {}. SHA-256 of the scan {}, of the weights {} (map), {} (classifier), {} and {} \
         (finder).</p>",
        env!("CARGO_PKG_VERSION"),
        scan.sha256,
        analysis.weights_sha256,
        analysis.classifier_sha256.as_deref().unwrap_or("none"),
        analysis.finder_sha256[0],
        analysis.finder_sha256[1]
    ));
    format!(
        "<!DOCTYPE html><html lang=\"en\"><meta charset=\"utf-8\"><title>Maxillary sinuses</title><style>{STYLE}</style>\
         <body>{body}</body></html>\n"
    )
}

fn line(cells: &[String]) -> String {
    let mut line = "<tr>".to_owned();
    for cell in cells {
        // Writing to a string cannot fail.
        let _ = write!(line, "<td>{}</td>", escaped(cell));
    }
    line + "</tr>"
}

/// Text within HTML.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
