//! `antrum template`: heads that sinuses were recorded on, to find those of further scans by.

use super::source::Choice;
use super::{Failure, guarded, print_json, say};
use crate::app::{Saved, checks};
use crate::io::Scan;
use crate::job::Progress;
use crate::methods::sinus::template::{Place, Subject};
use crate::methods::sinus::{Template, TemplateError};
use crate::project::Project;
use crate::space::Side;
use clap::Subcommand;
use glam::DVec3;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Templates: a head with recorded sinuses, to find those of other scans by (antrum find --template)
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    New(NewArgs),
    Add(AddArgs),
    List(ListArgs),
}

/// Make a template of a scan of a whole head; then add that scan and up to 19 others, whose sinuses are known
#[derive(Debug, clap::Args)]
struct NewArgs {
    /// The scan that others are aligned with
    path: PathBuf,
    #[command(flatten)]
    choice: Choice,
    /// Folder to make the template in
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Record the sinuses of a scan in a template: the centres given, or the boxes placed by hand in the window
///
/// Coordinates are world RAS+ mm of the scan, as antrum find prints them; left and right are those of the patient.
#[derive(Debug, clap::Args)]
struct AddArgs {
    /// The scan
    path: PathBuf,
    #[command(flatten)]
    choice: Choice,
    /// The template
    #[arg(long, value_name = "DIR")]
    template: PathBuf,
    /// Centre of the patient's left sinus
    #[arg(long, value_name = "X,Y,Z", value_parser = point, allow_hyphen_values = true)]
    left: Option<DVec3>,
    /// Centre of the patient's right sinus
    #[arg(long, value_name = "X,Y,Z", value_parser = point, allow_hyphen_values = true)]
    right: Option<DVec3>,
    /// Project file with the boxes placed by hand, where no centres are given
    #[arg(long, value_name = "FILE", conflicts_with_all = ["left", "right"])]
    project: Option<PathBuf>,
}

/// Show where the sinuses of a template lie, and how much they scatter
#[derive(Debug, clap::Args)]
struct ListArgs {
    /// The template
    #[arg(value_name = "DIR")]
    template: PathBuf,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

fn point(text: &str) -> Result<DVec3, &'static str> {
    let numbers: Option<Vec<f64>> = text.split(',').map(|part| part.trim().parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[x, y, z]) if x.is_finite() && y.is_finite() && z.is_finite() => Ok(DVec3::new(x, y, z)),
        _ => Err("give three numbers with commas between them, such as -25.5,60,-40"),
    }
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    match &args.what {
        What::New(args) => new(args),
        What::Add(args) => add(args),
        What::List(args) => list(args),
    }
}

fn new(args: &NewArgs) -> Result<(), Failure> {
    if Template::is_at(&args.out) {
        return Err(TemplateError::Exists { folder: args.out.clone() }.into());
    }
    let (path, choice, out) = (args.path.clone(), args.choice.clone(), args.out.clone());
    let size = guarded("making the template", move |progress| {
        let scan = oriented(choice.read(&[path], progress)?.1)?;
        let template = Template::new(&scan.volume);
        template.create(&out)?;
        Ok(template.scan.grid.size)
    })?;
    let [nx, ny, nz] = size;
    say(format_args!("{}  {nx} × {ny} × {nz} voxels, no sinus recorded yet", args.out.display()))
}

fn add(args: &AddArgs) -> Result<(), Failure> {
    let (path, choice, folder) = (args.path.clone(), args.choice.clone(), args.template.clone());
    let (given, project) = ([args.left, args.right], args.project.clone());
    let (template, subject) = guarded("adding to the template", move |progress| {
        let mut template = Template::open(&folder, progress)?;
        let scan = oriented(choice.read(&[path], &progress.part(0.0, 0.3))?.1)?;
        let centres_mm = match project {
            Some(project) => boxes_mm(&project, &scan)?,
            None if given == [None; 2] => return Err("give --left, --right or both, or --project".into()),
            None => given,
        };
        let subject = template.add(&scan.volume, &scan.sha256, centres_mm, &progress.part(0.3, 1.0))?.clone();
        template.save_subjects(&folder)?;
        Ok((template, subject))
    })?;
    say(format_args!("added, mutual information {:.2}", subject.mutual_information))?;
    print(&template, &args.template)
}

/// A scan whose sides are known.
pub(super) fn oriented(scan: Scan) -> Result<Scan, TemplateError> {
    checks::oriented(&scan)?;
    Ok(scan)
}

/// The centres of the boxes placed by hand on a scan, by [`Side::index`].
fn boxes_mm(project: &Path, scan: &Scan) -> Result<[Option<DVec3>; 2], Failure> {
    // Opening would make one.
    if !project.is_file() {
        return Err(format!("there is no such project; check the name: {}", project.display()).into());
    }
    let opened = Project::open(project)?;
    let case = opened.cases()?.into_iter().find(|case| case.sha256 == scan.sha256);
    let state = case.map(|case| opened.newest_view_state(case.id)).transpose()?.flatten();
    let boxes_mm = state.map_or([None; 2], |state| Saved::from_json(&state).boxes_mm());
    if boxes_mm == [None; 2] {
        let todo = "drag the boxes onto the sinuses in the window first";
        return Err(
            format!("the project knows no boxes placed by hand on this scan; {todo}: {}", project.display()).into()
        );
    }
    Ok(boxes_mm)
}

fn list(args: &ListArgs) -> Result<(), Failure> {
    let template = Template::open(&args.template, &Progress::default())?;
    if !args.json {
        return print(&template, &args.template);
    }
    let place = |side: Side| {
        template
            .place(side)
            .map(|Place { mean_mm, sd_mm, count }| json!({ "mean_mm": mean_mm, "sd_mm": sd_mm, "recorded": count }))
    };
    print_json(&json!({
        "template": args.template, "left": place(Side::Left), "right": place(Side::Right),
        "subjects": template.subjects,
    }))
}

fn print(template: &Template, folder: &Path) -> Result<(), Failure> {
    say(format_args!("{}  {} scans", folder.display(), template.subjects.len()))?;
    let shown = |c: DVec3| format!("R {:6.1}  A {:6.1}  S {:6.1} mm", c.x, c.y, c.z);
    for Subject { sha256, left_mm, right_mm, mutual_information } in &template.subjects {
        let short: String = sha256.chars().take(8).collect();
        say(format_args!("  {short}  mutual information {mutual_information:.2}"))?;
        for (side, centre_mm) in [(Side::Right, right_mm), (Side::Left, left_mm)] {
            let centre = centre_mm.map_or_else(|| "not recorded".to_owned(), shown);
            say(format_args!("    patient {:<5}  {centre}", side.name()))?;
        }
    }
    for side in Side::BOTH {
        if let Some(Place { mean_mm, sd_mm, count }) = template.place(side) {
            let sd =
                if count > 1 { format!("  ± {:.1}, {:.1}, {:.1}", sd_mm.x, sd_mm.y, sd_mm.z) } else { String::new() };
            say(format_args!("  mean of {count}, patient {:<5}  {}{sd}", side.name(), shown(mean_mm)))?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_point_is_three_numbers() {
        assert_eq!(point("-25.5, 60,-4e1"), Ok(DVec3::new(-25.5, 60.0, -40.0)));
        for text in ["", "1,2", "1,2,3,4", "1,2,x", "1,2,inf", "1;2;3"] {
            assert!(point(text).is_err(), "{text}");
        }
    }
}
