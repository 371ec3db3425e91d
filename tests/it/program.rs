//! The program as its users start it.

use antrum::app::labelling::LabelCommand;
use antrum::app::measure::MeasureCommand;
use antrum::app::{Command as Wish, Effect, Runner, RunnerConfig, State, Target};
use antrum::io::{self, Scan};
use antrum::job::Progress;
use antrum::measure::Kind;
use antrum::methods::residual::{InferConfig, Model};
use antrum::methods::sinus::{Finder, Sinus};
use antrum::nets;
use antrum::phantom::{self, Contrast, DiseaseKind, Plan};
use antrum::project::{Label, Project, Reading};
use antrum::space::{Grid, Side};
use antrum::volume::{Rescale, Unit, Volume, Voxels};
use glam::{DAffine3, DMat3, DVec3};
use serde_json::Value;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

pub(crate) fn antrum(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_antrum")).args(args).output().unwrap()
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

pub(crate) fn json(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Exit code 1, nothing on stdout, and a message with the file's name and the given words.
pub(crate) fn refused(args: &[&str], words: &[&str]) {
    let output = antrum(args);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{args:?}: {message}");
    assert!(output.stdout.is_empty(), "{args:?}");
    assert!(!message.contains("panicked"), "{message}");
    for word in words {
        assert!(message.contains(word), "{word:?} is not in {message:?}");
    }
}

#[test]
fn bad_input_gives_one_clear_message() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    std::fs::write(at("letter.nii"), "Dear colleague, this is not a scan at all, only a letter.").unwrap();
    let grid = Grid::centred([20, 20, 20], 1.0, DVec3::ZERO);
    let values = (0..grid.count()).map(|i| (i * 7919 % 1000) as f32).collect();
    io::nifti::write(&at("whole.nii.gz"), &Volume::from_f32(grid, values, Unit::Arbitrary)).unwrap();
    let bytes = std::fs::read(at("whole.nii.gz")).unwrap();
    std::fs::write(at("half.nii.gz"), &bytes[..bytes.len() / 2]).unwrap();
    std::fs::create_dir(at("empty")).unwrap();
    std::fs::create_dir(at("notes")).unwrap();
    std::fs::write(at("notes/a.txt"), "text").unwrap();
    std::fs::write(at("notes/b.csv"), "1,2").unwrap();

    let out = at("out");
    for name in ["letter.nii", "half.nii.gz", "empty", "notes", "missing.nii"] {
        let path = at(name);
        refused(&["info", "--json", text(&path)], &[name]);
        refused(&["find", text(&path)], &[name]);
        refused(&["analyse", text(&path), "--out", text(&out)], &[name]);
    }
    assert!(!out.exists(), "nothing is written for a scan that cannot be read");
}

#[test]
fn bad_usage_is_exit_code_2_and_the_help_says_research_only() {
    for args in [
        &["find"][..],
        &["analyse", "x.nii"],
        &["info", "x.nii", "--nonsense"],
        &["info", "x.nii", "--volume", "0"],
        &["convert", "x.nii"],
        &["convert", "x.nii", "y.png"],
        &["train", "everything"],
        &["phantom", "--out", "x", "--spacing", "0"],
        &["measurements", "export", "p.antrum"],
        &["measurements", "export", "p.antrum", "--format", "xml"],
    ] {
        assert_eq!(antrum(args).status.code(), Some(2), "{args:?}");
    }
    let help = String::from_utf8(antrum(&["--help"]).stdout).unwrap();
    assert!(help.contains("Research use only"));
    let subcommands = "info convert find analyse measurements picture phantom template train import-weights evaluate";
    for subcommand in subcommands.split(' ') {
        assert!(help.contains(subcommand), "{subcommand}");
    }
}

/// A grid that is oblique, mirrored and of unequal spacing, with one bright voxel in the patient's left half.
fn skewed(path: &Path) -> (Volume, DVec3) {
    let turn = DMat3::from_rotation_z(0.3) * DMat3::from_rotation_x(0.2);
    let spacing = DMat3::from_diagonal(DVec3::new(-0.9, 1.1, 2.5));
    let world_from_voxel = DAffine3 { matrix3: turn * spacing, translation: DVec3::new(20.0, -30.0, 5.0) };
    let grid = Grid::new([30, 24, 12], world_from_voxel).unwrap();
    let mut values: Vec<i16> = (0..grid.count()).map(|i| (i * 7919 % 1000) as i16).collect();
    let bright = [25, 12, 6];
    values[grid.index(bright)] = 3000;
    let rescale = Rescale { slope: 2.0, intercept: -1024.0 };
    let volume = Volume { grid, voxels: Voxels::I16(values), rescale, unit: Unit::Arbitrary };
    io::nifti::write(path, &volume).unwrap();
    (volume, world_from_voxel.transform_point3(DVec3::from_array(bright.map(|c| c as f64))))
}

fn scan(path: &Path) -> Scan {
    io::open(path, &Progress::default()).unwrap()
}

#[test]
fn convert_keeps_voxels_and_places_and_replaces_nothing_unasked() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (volume, bright_mm) = skewed(&at("in.nii"));
    let (packed, plain) = (at("out.nii.gz"), at("out.nii"));
    let output = antrum(&["convert", text(&at("in.nii")), text(&packed)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(String::from_utf8_lossy(&output.stdout).contains("out.nii.gz  30 × 24 × 12 voxels, i16"));
    assert!(antrum(&["convert", text(&packed), text(&plain)]).status.success());
    for path in [&packed, &plain] {
        let back = scan(path).volume;
        assert_eq!((&back.voxels, back.rescale), (&volume.voxels, volume.rescale));
        let (a, b) = (back.grid.world_from_voxel, volume.grid.world_from_voxel);
        assert!(a.abs_diff_eq(b, 1e-5), "{a} {b}");
        // In the patient's left half, where it was.
        assert!(bright_mm.x < 0.0);
        assert_eq!(back.at_world(bright_mm), Some(2.0 * 3000.0 - 1024.0));
        assert_ne!(back.at_world(DVec3 { x: -bright_mm.x, ..bright_mm }), Some(2.0 * 3000.0 - 1024.0));
    }

    let before = std::fs::read(&plain).unwrap();
    std::fs::write(at("other.nii"), "precious").unwrap();
    refused(&["convert", text(&plain), text(&at("other.nii"))], &["other.nii", "--force"]);
    assert_eq!(std::fs::read(at("other.nii")).unwrap(), b"precious");
    assert!(antrum(&["convert", "--force", text(&plain), text(&at("other.nii"))]).status.success());
    assert_eq!(std::fs::read(at("other.nii")).unwrap(), before);
    refused(&["convert", "--force", text(&plain), text(&plain)], &["replaced by its copy"]);
    refused(&["convert", text(&plain), text(&at("nowhere/out.nii"))], &["no such folder"]);

    // What does not say how it lies in the patient does not say so in the copy either.
    let mut mute = std::fs::read(&plain).unwrap();
    mute[252..256].fill(0);
    std::fs::write(at("mute.nii"), mute).unwrap();
    assert!(antrum(&["convert", text(&at("mute.nii")), text(&at("still.nii"))]).status.success());
    assert!(scan(&at("still.nii")).checks.iter().any(|check| check.code == "no-orientation"));
}

#[test]
fn info_lists_the_series_and_one_of_them_can_be_named() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for (name, side) in [("small.nii", 8), ("large.nii", 16)] {
        let grid = Grid::centred([side; 3], 1.0, DVec3::ZERO);
        let values = (0..grid.count()).map(|i| (i % 50) as f32).collect();
        io::nifti::write(&at(name), &Volume::from_f32(grid, values, Unit::Arbitrary)).unwrap();
    }
    let list = json(&antrum(&["info", "--list", "--json", text(folder.path())]));
    let large = serde_json::json!({
        "id": "large.nii", "format": "NIfTI", "modality": "unknown", "size": [16, 16, 16],
        "volumes": 1, "files": 1, "role": "volume", "description": "large",
    });
    assert_eq!(list["series"][0], large);
    assert_eq!(list["series"][1]["id"], "small.nii");
    let listed = antrum(&["info", "--list", text(folder.path())]).stdout;
    assert!(String::from_utf8_lossy(&listed).contains("--series small.nii"));

    let size = |args: &[&str]| json(&antrum(&[&["info", "--json"], args].concat()))["size"][0].clone();
    assert_eq!(size(&[text(folder.path())]), 16);
    assert_eq!(size(&[text(folder.path()), "--series", "small.nii"]), 8);
    assert_eq!(size(&[text(&at("small.nii")), text(&at("large.nii"))]), 16, "several files are one catalogue");
    refused(&["info", "--json", text(folder.path()), "--series", "9.9"], &["9.9", "large.nii, small.nii"]);
    refused(&["info", text(&at("small.nii")), "--volume", "2"], &["no volume 2", "small.nii"]);
}

/// A head at 2 mm with an opacified right sinus, written as a file.
fn diseased_right(path: &Path) -> phantom::Head {
    let mut diseases = [None; 2];
    diseases[Side::Right.index()] = Some(DiseaseKind::Opacification);
    let plan = Plan { diseases: Some(diseases), ..Plan::new(77, Contrast::Flair, 2.0) };
    let head = phantom::head(&plan, &Progress::default()).unwrap();
    io::nifti::write(path, &head.image).unwrap();
    head
}

#[test]
fn info_find_and_analyse_tell_the_same_as_the_library() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("head.nii.gz");
    let head = diseased_right(&path);

    let info = json(&antrum(&["info", "--json", text(&path)]));
    assert_eq!(info["size"], serde_json::json!(head.image.grid.size));
    assert_eq!(info["format"], "NIfTI");
    assert_eq!(info["world_from_voxel"][3], serde_json::json!([0.0, 0.0, 0.0, 1.0]));
    for key in ["file", "modality", "spacing_mm", "stored_type", "unit", "min", "max", "mean", "checks", "windows"] {
        assert!(!info[key].is_null(), "{key}");
    }
    assert_eq!(info["series"], "head.nii.gz");
    assert_eq!((&info["volumes"], &info["volume"]), (&Value::from(1), &Value::from(1)));

    let found = json(&antrum(&["find", "--json", text(&path)]));
    for sinus in found["sinuses"].as_array().unwrap() {
        let side = if sinus["side"] == "L" { Side::Left } else { Side::Right };
        let truth = head.sinuses[side.index()].centre_mm;
        let centre: DVec3 = serde_json::from_value(sinus["centre_mm"].clone()).unwrap();
        assert!(centre.distance(truth) < 10.0, "{side:?}: {centre} instead of {truth}");
        assert_eq!(sinus["present"], "complete");
        assert!(sinus["box_mm"]["min"][0].as_f64() < sinus["box_mm"]["max"][0].as_f64());
        for key in ["cavity_ml", "not_air_ml", "opacification_percent"] {
            assert!(sinus[key].as_f64() >= Some(0.0), "{key}: {sinus}");
        }
    }

    let out = folder.path().join("out");
    let output = antrum(&["analyse", text(&path), "--json", "--method", "residual", "--out", text(&out)]);
    let (printed, report) = (String::from_utf8_lossy(&output.stdout).into_owned(), json(&output));
    let scan = io::open(&path, &Progress::default()).unwrap();
    let finder = Finder::built_in(&nets::cpu()).unwrap();
    let sinuses = finder.find(&scan.volume, &Progress::default()).unwrap();
    let model = Model::built_in(&nets::cpu()).unwrap();
    let config = InferConfig::default();
    let progress = Progress::default();
    let ours = antrum::app::report::analyse(&scan.volume, &sinuses, &finder, &model, config, &progress).unwrap();
    assert_eq!(report["findings"].as_array().unwrap().len(), 2);
    for (finding, expected) in report["findings"].as_array().unwrap().iter().zip(&ours.findings) {
        assert_eq!(finding["side"], expected.side.letter().to_string());
        // Compared as text: the JSON reader may be off by the last bit, the writer is not.
        let score = format!("\"score\": {}", serde_json::to_string(&expected.score).unwrap());
        assert!(printed.contains(&score), "the same bits: {score} in {printed}");
        assert_eq!(finding["method"], "residual");
    }
    let map = io::open(Path::new(report["findings"][0]["map"].as_str().unwrap()), &Progress::default()).unwrap();
    assert_eq!(map.volume.to_f32(), ours.map.to_f32(), "the same bits");
    let (a, b) = (map.volume.grid, scan.volume.grid);
    assert_eq!(a.size, b.size);
    assert!((a.centre_mm() - b.centre_mm()).length() < 1e-4);
    let provenance = &report["provenance"];
    assert_eq!(provenance["input_sha256"], scan.sha256);
    assert_eq!(provenance["weights_sha256"], model.sha256);
    assert!(provenance["notice"].as_str().unwrap().contains("Research use only"));

    // The label map lies on the scan's grid, with 1 and 2 in the patient's left half and 3 and 4 in the right one.
    let labels = io::open(Path::new(report["cavities"].as_str().unwrap()), &Progress::default()).unwrap().volume;
    assert_eq!(labels.grid.size, scan.volume.grid.size);
    assert_eq!(labels.at_world(head.sinuses[Side::Left.index()].centre_mm), Some(1.0), "air in the left sinus");
    for (finding, side) in report["findings"].as_array().unwrap().iter().zip(Side::BOTH) {
        let cavity = ours.cavities[side.index()].as_ref().unwrap();
        assert_eq!(finding["cavity_ml"].as_f64().map(|ml| ml as f32), Some(cavity.volume_ml as f32));
        let own = 2.0 * side.index() as f64;
        let count =
            (0..labels.voxels.len()).filter(|&i| [own + 1.0, own + 2.0].contains(&labels.voxels.get(i))).count();
        let ml = count as f64 * labels.grid.spacing_mm().element_product() / 1000.0;
        assert!((ml - cavity.volume_ml).abs() <= 0.1 * cavity.volume_ml + 0.2, "{side:?}: {ml} {}", cavity.volume_ml);
    }

    // The map glows in the diseased right sinus, not in the left one.
    let mean = |side: Side| {
        let sinus = &head.sinuses[side.index()];
        let inside = Grid::centred([20; 3], 1.0, sinus.centre_mm);
        let values = antrum::image::resample::trilinear(&ours.map, &inside, antrum::image::resample::Outside::Edge);
        values.iter().sum::<f32>() / values.len() as f32
    };
    assert!(mean(Side::Right) > 2.0 * mean(Side::Left), "right {} left {}", mean(Side::Right), mean(Side::Left));
}

#[test]
fn a_scan_without_sinuses_says_so_and_has_no_figures_and_several_scans_give_one_line_each() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let grid = Grid::centred([40; 3], 4.0, DVec3::ZERO);
    let values = (0..grid.count()).map(|i| (i % 50) as f32).collect();
    io::nifti::write(&at("noise.nii"), &Volume::from_f32(grid, values, Unit::Arbitrary)).unwrap();
    let found = antrum(&["find", text(&at("noise.nii"))]);
    let said = String::from_utf8(found.stdout).unwrap();
    assert!(said.contains("patient left   not in view\n") && said.contains("No maxillary sinus is in view"), "{said}");
    assert!(!said.contains("confidence") && !said.contains("mL"), "{said}");

    let several = antrum(&["find", "--json", text(&at("noise.nii")), text(&at("missing.nii")), text(&at("noise.nii"))]);
    assert_eq!(several.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&several.stderr).contains("1 of 3 scans"));
    let lines = String::from_utf8(several.stdout).unwrap();
    assert_eq!(lines.lines().count(), 2);
    for line in lines.lines() {
        let found: Value = serde_json::from_str(line).unwrap();
        for sinus in found["sinuses"].as_array().unwrap() {
            assert_eq!(sinus["present"], "absent");
            for key in ["centre_mm", "box_mm", "cavity_ml", "not_air_ml", "opacification_percent"] {
                assert!(sinus[key].is_null() && sinus.get(key).is_some(), "{key}: {sinus}");
            }
        }
    }

    let (scan, folder) = (at("noise.nii"), at("cohort"));
    let cohort = ["find", text(&scan), "--cohort", text(&folder)];
    assert!(antrum(&cohort).status.success());
    let table = std::fs::read_to_string(at("cohort/sinuses.tsv")).unwrap();
    assert_eq!(table.matches("\tunknown\t").count(), 2, "{table}");
    refused(&cohort, &["there is a cohort already", "sinuses.tsv"]);

    let analysed = antrum(&["analyse", text(&at("noise.nii")), "--out", text(&at("out"))]);
    let said = String::from_utf8(analysed.stdout).unwrap();
    assert!(said.contains("not in view") && !said.contains("residual "), "{said}");
    assert!(said.contains("No maxillary sinus is in view: the scan does not reach the face"), "{said}");
}

#[test]
fn trainings_and_imports_refuse_what_is_not_there() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (nowhere, out, weights, made) = (at("nowhere"), at("out"), at("text.pth"), at("made.bpk"));
    for network in ["cae", "residual-ssl", "classifier", "fine-tune"] {
        let args = ["train", network, "--cohort", text(&nowhere), "--out", text(&out)];
        refused(&args, &["nowhere"]);
        refused(&[&args[..], &["--resume"]].concat(), &["no training to go on with", "out"]);
    }
    let compare = ["evaluate", "residual", "--cohort", text(&nowhere), "--out", text(&out)];
    refused(&compare, &["nowhere"]);
    refused(&[&compare[..], &["--methods", "transfer"]].concat(), &["--weights"]);
    std::fs::write(&weights, "no weights").unwrap();
    for network in ["cae", "resunet", "resnet18"] {
        refused(&["import-weights", network, text(&weights), "--out", text(&made)], &["text.pth", "give a .pth"]);
    }
    assert!(!made.exists());
}

#[test]
fn sides_are_doubted_where_a_scan_does_not_say_how_it_lies_in_the_patient() {
    let folder = tempfile::tempdir().unwrap();
    let (scan, out) = (folder.path().join("mute.nii"), folder.path().join("out"));
    let grid = Grid::centred([24; 3], 8.0, DVec3::ZERO);
    let values = (0..grid.count()).map(|i| (i % 50) as f32).collect();
    io::nifti::write(&scan, &Volume::from_f32(grid, values, Unit::Arbitrary)).unwrap();
    // Neither of the codes of its two ways to say so.
    let mut bytes = std::fs::read(&scan).unwrap();
    bytes[252..256].fill(0);
    std::fs::write(&scan, bytes).unwrap();
    for command in [&["find", text(&scan)][..], &["analyse", text(&scan), "--out", text(&out)]] {
        let told = String::from_utf8(antrum(command).stdout).unwrap();
        assert!(told.contains("patient left?") && told.contains("patient right?"), "{told}");
        let json = [command, &["--json"]].concat();
        let told: Value = serde_json::from_slice(&antrum(&json).stdout).unwrap();
        assert_eq!(told["orientation_known"], false, "{told}");
    }
}

#[test]
fn the_found_sinuses_are_drawn_without_a_window() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("sheet.png");
    let output = antrum(&["picture", "--sinuses", "--out", text(&out)]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // Three rows of three planes: both sinuses of the example are there.
    assert_eq!(scan(&out).volume.grid.size, [1200, 1200, 1]);
}

/// The child of the next test: opens a scan, labels it, says so, and waits to be killed.
#[test]
fn labelling_child() {
    let Ok(folder) = std::env::var("ANTRUM_TEST_LABELLING_FOLDER") else { return };
    let folder = Path::new(&folder);
    let config = RunnerConfig {
        project: folder.join("p.antrum"),
        rater: "child".to_owned(),
        prepare: Arc::new(|_| {}),
        gpu: None,
    };
    let (mut runner, mut state) = (Runner::new(config), State::default());
    runner.run(Effect::Open(Target::Paths(vec![folder.join("scan.nii")])));
    while state.scan.is_none() {
        for command in runner.poll() {
            state.apply(command);
        }
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let grid = state.volume().unwrap().grid;
    state.apply(Wish::Found(Side::BOTH.map(|side| Sinus::placed(side, DVec3::X * side.sign(), &grid))));
    for effect in state.apply(Wish::Label(LabelCommand::Set(Side::Left, Label::Anomalous))) {
        runner.run(effect);
    }
    for command in [
        MeasureCommand::Choose(Kind::Probe),
        MeasureCommand::Press { at_mm: DVec3::X, axes: [DVec3::NEG_X, DVec3::NEG_Y] },
        MeasureCommand::Release { at_mm: DVec3::X, dragged: false, keep: false },
    ] {
        for effect in state.apply(Wish::Measure(command)) {
            runner.run(effect);
        }
    }
    assert!(runner.poll().is_empty(), "the label or the measurement was refused");
    println!("labelled");
    std::io::stdout().flush().unwrap();
    loop {
        std::thread::park();
    }
}

#[test]
fn a_label_and_a_measurement_survive_a_kill_right_after_they_are_made() {
    let folder = tempfile::tempdir().unwrap();
    let grid = Grid::centred([12, 12, 12], 4.0, DVec3::ZERO);
    let values = (0..grid.count()).map(|i| (i % 50) as f32).collect();
    let path = folder.path().join("scan.nii");
    io::nifti::write(&path, &Volume::from_f32(grid, values, Unit::Arbitrary)).unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["program::labelling_child", "--exact", "--nocapture"])
        .env("ANTRUM_TEST_LABELLING_FOLDER", folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let said =
        BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok).find(|l| l.contains("labelled"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said.is_some());
    let project = Project::open(&folder.path().join("p.antrum")).unwrap();
    let scan = io::open(&path, &Progress::default()).unwrap();
    let case = project.case(&scan.sha256, None).unwrap();
    assert_eq!(project.labels(case, "child").unwrap(), [Some(Reading::of(Label::Anomalous)), None]);
    assert_eq!(project.measurements(Some(case), Some("child")).unwrap().len(), 1);
}
