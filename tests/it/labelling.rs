//! Labels: nothing that was acknowledged is lost, cases go by in the window, tables come and go on the command line.

use crate::program::{antrum, refused, text};
use crate::window::{open_drawer, until, window};
use antrum::app::Command as AppCommand;
use antrum::app::labelling::LabelCommand;
use antrum::app::settings::Order;
use antrum::io;
use antrum::job::Progress;
use antrum::phantom::{self, Contrast, Plan, Region};
use antrum::project::{Label, LabelEvent, Project, Reading, Rows};
use antrum::space::Side;
use antrum::ui::App;
use egui::Key;
use egui::accesskit::Role;
use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use rand::{RngExt as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;
use std::collections::HashSet;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A digest as that of a scan.
fn digest(number: usize) -> String {
    format!("{number:064x}")
}

fn line(number: usize, side: char, label: &str) -> String {
    format!("{{\"case\": \"{}\", \"side\": \"{side}\", \"label\": \"{label}\"}}\n", digest(number))
}

fn streaming(project: &Path, rater: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_antrum"))
        .args(["labels", "add", text(project), "--rater", rater, "--stream"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Sends labels until the process is gone; its answers come from the iterator.
fn send_for_ever(child: &mut Child) -> impl Iterator<Item = String> + use<> {
    let mut stdin = child.stdin.take().unwrap();
    std::thread::spawn(move || {
        for number in 0.. {
            let label = ["normal", "anomalous", "uncertain"][number % 3];
            if stdin.write_all(line(number % 40, if number % 2 == 0 { 'L' } else { 'R' }, label).as_bytes()).is_err() {
                break;
            }
        }
    });
    BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok)
}

/// All events of a file by their names, once SQLite has found it sound.
fn events(project: &Path) -> HashSet<String> {
    let db = rusqlite::Connection::open(project).unwrap();
    let check: String = db.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
    drop(db);
    let project = Project::open(project).unwrap();
    project.label_rows(Rows::Events, None).unwrap().into_iter().map(|row| row.event).collect()
}

#[test]
fn no_acknowledged_label_is_lost_when_the_program_is_killed_at_any_moment() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.antrum");
    let mut rng = ChaCha8Rng::seed_from_u64(5);
    let mut acknowledged = HashSet::new();
    for kill in 0..300 {
        let mut child = streaming(&path, "anna");
        let answers = send_for_ever(&mut child);
        // After so many answers, and then at any moment of the next ones.
        let (whole, part_us) = (rng.random_range(0..6), rng.random_range(0..4000));
        let mut answers = answers.inspect(|uid| {
            acknowledged.insert(uid.clone());
        });
        answers.by_ref().take(whole).for_each(drop);
        std::thread::sleep(Duration::from_micros(part_us));
        child.kill().unwrap();
        // What it said before it died counts.
        answers.for_each(drop);
        child.wait().unwrap();
        if kill % 10 == 9 {
            let kept = events(&path);
            assert!(acknowledged.is_subset(&kept), "after {kill} kills");
        }
    }
    assert!(acknowledged.len() > 300, "{}", acknowledged.len());
}

#[test]
fn two_writers_at_once_both_keep_all_they_said() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.antrum");
    let writers: Vec<_> = ["anna", "ben"]
        .into_iter()
        .map(|rater| {
            let mut child = streaming(&path, rater);
            let mut stdin = child.stdin.take().unwrap();
            for number in 0..150 {
                stdin.write_all(line(number, 'R', "anomalous").as_bytes()).unwrap();
            }
            child
        })
        .collect();
    for writer in writers {
        let output = writer.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        assert_eq!(String::from_utf8(output.stdout).unwrap().lines().count(), 150);
    }
    assert_eq!(events(&path).len(), 300);
    let project = Project::open(&path).unwrap();
    let case = project.case(&digest(149), None).unwrap();
    for rater in ["anna", "ben"] {
        assert_eq!(project.labels(case, rater).unwrap(), [None, Some(Reading::of(Label::Anomalous))]);
    }
}

#[cfg(unix)]
#[test]
fn a_full_disk_refuses_a_label_and_keeps_those_before_it() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.antrum");
    drop(Project::open(&path).unwrap());
    // No file may grow beyond 64 blocks of 1024 bytes; that is told as an error and not as a signal.
    let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" labels add \"$1\" --rater anna --stream";
    let mut child = Command::new("bash")
        .args(["-c", script, env!("CARGO_BIN_EXE_antrum"), text(&path)])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let acknowledged: HashSet<String> = send_for_ever(&mut child).collect();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && said.contains("check that it is writable and the disk not full"), "{said}");
    assert!(!acknowledged.is_empty() && acknowledged.is_subset(&events(&path)));
    // With room again, labelling goes on.
    let added = antrum(&[
        "labels",
        "add",
        text(&path),
        "--case",
        &digest(1),
        "--side",
        "L",
        "--label",
        "normal",
        "--rater",
        "b",
    ]);
    assert!(added.status.success(), "{}", String::from_utf8_lossy(&added.stderr));
}

#[test]
fn labels_go_in_and_out_by_the_command_line_on_their_sides() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let project = at("p.antrum");
    let run = |args: &[&str]| {
        let output = antrum(&[&["labels"], args].concat());
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let add = |side: &str, label: &str, rater: &str, more: &[&str]| {
        let args = ["add", text(&project), "--case", &digest(7), "--side", side, "--label", label, "--rater", rater];
        run(&[&args[..], more].concat())
    };
    let said = add("R", "anomalous", "anna", &["--type", "polyp", "--severity", "1", "--note", "stalk, roof"]);
    assert_eq!(said, "patient right anomalous, by anna\n");
    add("L", "normal", "anna", &[]);
    add("R", "anomalous", "ben", &["--type", "cyst"]);
    add("L", "anomalous", "ben", &[]);

    let csv = run(&["export", text(&project), "--format", "csv", "--rater", "anna"]);
    let rows: Vec<&str> = csv.lines().collect();
    assert!(rows[0].starts_with("case_sha256,subject,file,side,structure,label,type,severity"), "{csv}");
    assert!(rows[1].contains(",R,maxillary sinus,anomalous,polyp,1,,\"stalk, roof\",anna"), "{csv}");
    assert!(rows[2].contains(",L,maxillary sinus,normal,,,,,anna"), "{csv}");

    // A table that was changed elsewhere.
    let table = at("t.csv");
    std::fs::write(&table, csv.replace(",L,maxillary sinus,normal", ",L,maxillary sinus,uncertain")).unwrap();
    let plan = run(&["import", text(&project), text(&table), "--rater", "x", "--dry-run"]);
    assert!(
        plan.contains("patient left   anna: normal -> uncertain") && plan.contains("1 labels would change"),
        "{plan}"
    );
    assert_eq!(run(&["export", text(&project), "--format", "csv", "--rater", "anna"]), csv);
    assert!(run(&["import", text(&project), text(&table), "--rater", "x"]).ends_with("1 labels changed\n"));

    let agreement = run(&["agreement", text(&project)]);
    assert!(agreement.contains("anna and ben: 2 sinuses, 50.0 % alike, Cohen's kappa"), "{agreement}");

    let other = at("q.antrum");
    let merged = run(&["merge", text(&other), text(&project)]);
    assert!(merged.contains("1 cases, 5 labels"), "{merged}");
    assert!(run(&["merge", text(&other), text(&project)]).contains("0 cases, 0 labels"), "nothing twice");

    let bids = at("derivatives/antrum");
    run(&["export", text(&other), "--format", "bids", "--out", text(&bids)]);
    let all = std::fs::read_to_string(bids.join("participants.tsv")).unwrap();
    assert!(all.ends_with("sub-000000000000\tanomalous, anomalous\tuncertain, anomalous\n"), "{all}");
    assert!(bids.join("dataset_description.json").is_file());

    refused(&["labels", "export", text(&at("none.antrum")), "--format", "csv"], &["none.antrum", "no such file"]);
    let wrong = ["labels", "add", text(&project), "--case", "ffff", "--side", "L", "--label", "normal", "--rater", "a"];
    refused(&wrong, &["ffff", "knows no such case"]);
    let args = [
        "labels",
        "add",
        text(&project),
        "--case",
        &digest(7),
        "--side",
        "L",
        "--label",
        "normal",
        "--rater",
        "a",
        "--type",
        "cyst",
    ];
    refused(&args, &["does not go with the label normal"]);
}

#[test]
fn a_page_about_a_case_has_its_labels_on_their_sides_and_no_names() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let scan = at("DOE_JANE.nii.gz");
    let head = phantom::head(&small(3), &Progress::default()).unwrap();
    io::nifti::write(&scan, &head.image).unwrap();
    let project = at("p.antrum");
    let add = ["labels", "add", text(&project), "--case", text(&scan), "--rater", "anna", "--label"];
    for more in
        [&["anomalous", "--side", "L", "--type", "cyst", "--note", "<9 mm> & smooth"][..], &["normal", "--side", "R"]]
    {
        assert!(antrum(&[&add, more].concat()).status.success());
    }
    let page = at("case.html");
    let made = antrum(&["report", text(&scan), "--project", text(&project), "--out", text(&page)]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let html = std::fs::read_to_string(&page).unwrap();
    assert!(html.contains("<td>patient left</td><td>anomalous</td><td>cyst</td>"), "{html}");
    assert!(html.contains("<td>patient right</td><td>normal</td>") && html.contains("&lt;9 mm&gt; &amp; smooth"));
    assert!(html.contains("Research use only") && html.contains("case.png") && !html.contains("DOE"), "{html}");
    assert!(io::open(&at("case.png"), &Progress::default()).is_ok());
    refused(&["report", text(&scan), "--out", text(&page)], &["case.html", "--force"]);
    let missing = at("none.antrum");
    refused(&["report", text(&scan), "--project", text(&missing), "--out", text(&at("b.html"))], &["none.antrum"]);
}

#[test]
fn a_large_project_opens_and_lists_its_labels_quickly() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.antrum");
    let project = Project::open(&path).unwrap();
    let mut events = Vec::new();
    for number in 0..20_000 {
        let case = number;
        let case = project_case(&project, case);
        for (side, label) in [(Side::Left, Label::Normal), (Side::Right, Label::Anomalous)] {
            for rater in ["anna", "ben"] {
                let event = LabelEvent::new(case, side, rater.to_owned(), "s".to_owned());
                events.push(LabelEvent { reading: Some(Reading::of(label)), ..event });
            }
        }
        let event = LabelEvent::new(case, Side::Left, "anna".to_owned(), "s".to_owned());
        events.push(LabelEvent { reading: Some(Reading::of(Label::Uncertain)), ..event });
    }
    assert_eq!(events.len(), 100_000);
    project.record_all(&events).unwrap();
    drop(project);
    // The first opening of a day makes the back-up.
    for what in ["with back-up", "again"] {
        let begun = Instant::now();
        let project = Project::open(&path).unwrap();
        let opened = begun.elapsed();
        let labels = project.all_labels("anna").unwrap();
        let listed = begun.elapsed().checked_sub(opened).unwrap();
        println!("{what}: opened in {} ms, labels of a rater in {} ms", opened.as_millis(), listed.as_millis());
        assert_eq!(labels.len(), 20_000);
        assert!(labels.values().all(|l| *l == [Some(Label::Uncertain), Some(Label::Anomalous)]));
        assert!(opened + listed < Duration::from_secs(4), "{opened:?} {listed:?}");
        let begun = Instant::now();
        let disputed = project.disputed().unwrap();
        let compared = begun.elapsed();
        println!("cases on which raters differ in {} ms", compared.as_millis());
        assert!(disputed.len() == 20_000 && compared < Duration::from_secs(4), "{compared:?}");
    }
}

fn project_case(project: &Project, number: usize) -> antrum::project::CaseId {
    project.case(&digest(number), None).unwrap()
}

/// Writes synthetic cases, labels all of them in the window, two keys each, and returns how long each next case took to be
/// on screen.
fn label_in_the_window(folder: &Path, cases: usize, plan: impl Fn(u64) -> Plan) -> Vec<Duration> {
    let scans = folder.join("scans");
    for case in 0..cases {
        let anat = scans.join(format!("sub-{case:03}/anat"));
        std::fs::create_dir_all(&anat).unwrap();
        let head = phantom::head(&plan(case as u64), &Progress::default()).unwrap();
        io::nifti::write(&anat.join(format!("sub-{case:03}_T1w.nii.gz")), &head.image).unwrap();
    }
    let project = folder.join("p.antrum");
    let mut harness = window(Some(&scans), &project);
    until(&mut harness, "the first case", |app| app.state().scan.is_some());
    if harness.query_by_label("Go on").is_none() {
        open_drawer(&mut harness, "Series");
    }
    harness.get_by_label("Go on").click();
    harness.run_steps(2);
    assert!(harness.state().state().settings.advance);
    let mut waits = Vec::new();
    for case in 1..=cases {
        until(&mut harness, "the sinuses", |app| app.state().sinuses.is_some() && app.state().jobs.is_empty());
        assert_eq!(harness.state().state().labels, [None, None]);
        // The case that comes next is being read meanwhile: a reader needs a moment to look.
        std::thread::sleep(Duration::from_millis(if plan(0).spacing_mm < 1.5 { 1500 } else { 300 }));
        // The left sinus of every other case is anomalous.
        harness.key_press(if case % 2 == 0 { Key::L } else { Key::K });
        harness.step();
        let generation = harness.state().state().generation;
        harness.key_press(Key::A);
        let pressed = Instant::now();
        harness.step();
        while case < cases && harness.state().state().generation == generation {
            assert!(pressed.elapsed() < Duration::from_secs(20), "{:?}", harness.state().state().message);
            harness.step();
        }
        harness.step();
        waits.push(pressed.elapsed());
    }
    assert!(harness.state().state().message.as_ref().unwrap().shown(false).contains("cases of the list are labelled"));
    drop(harness);
    let rows = Project::open(&project).unwrap().label_rows(Rows::Current, Some("tester")).unwrap();
    assert_eq!(rows.len(), 2 * cases);
    assert!(rows.iter().filter(|row| row.side == Side::Right).all(|row| row.label == Some(Label::Normal)));
    let anomalous = rows.iter().filter(|row| row.label == Some(Label::Anomalous));
    assert_eq!(anomalous.count(), cases / 2);
    assert!(rows.iter().all(|row| row.subject.as_ref().is_some_and(|subject| subject.starts_with("sub-"))));
    waits
}

#[test]
fn a_label_is_taken_back_on_the_case_before_and_a_second_reading_begins_without_labels() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("p.antrum");
    label_in_the_window(folder.path(), 2, small);
    let mut harness = window(Some(&folder.path().join("scans")), &path);
    let ready = |app: &App| app.state().sinuses.is_some() && app.state().jobs.is_empty();
    until(&mut harness, "the first case", ready);
    let open = harness.state().state().series().unwrap();
    let labels = |harness: &Harness<'_, App>| {
        harness.state().state().labels.each_ref().map(|reading| reading.as_ref().map(|reading| reading.label))
    };
    let before = labels(&harness);
    harness.key_press(Key::S);
    harness.run_steps(2);
    assert_eq!(labels(&harness), [before[0], Some(Label::Anomalous)]);
    let send = |harness: &mut Harness<'_, App>, command| harness.state_mut().send(command);
    send(&mut harness, AppCommand::OpenSeries(1 - open));
    until(&mut harness, "the other case", |app| app.state().series() == Some(1 - open) && ready(app));
    let there = labels(&harness);
    harness.key_press_modifiers(egui::Modifiers::COMMAND, Key::Z);
    until(&mut harness, "the first case again", |app| app.state().series() == Some(open) && ready(app));
    assert_eq!(labels(&harness), before, "the label of this case is taken back");
    send(&mut harness, AppCommand::OpenSeries(1 - open));
    until(&mut harness, "the other case", |app| app.state().series() == Some(1 - open) && ready(app));
    assert_eq!(labels(&harness), there, "and none of the other one");

    let generation = harness.state().state().generation;
    send(&mut harness, AppCommand::Label(LabelCommand::SecondReading(true)));
    until(&mut harness, "the second reading", |app| app.state().generation > generation && ready(app));
    assert_eq!(labels(&harness), [None, None]);
    harness.key_press(Key::D);
    harness.run_steps(2);
    let generation = harness.state().state().generation;
    send(&mut harness, AppCommand::Label(LabelCommand::SecondReading(false)));
    until(&mut harness, "the first reading", |app| app.state().generation > generation && ready(app));
    assert_eq!(labels(&harness), there, "the first reading is as it was");
    drop(harness);

    let project = Project::open(&path).unwrap();
    let events = project.label_rows(Rows::Events, Some("tester")).unwrap();
    let undone = events.iter().find(|event| event.undoes.is_some()).unwrap();
    let said = events.iter().find(|event| Some(&event.event) == undone.undoes.as_ref()).unwrap();
    assert_eq!((said.side, said.label), (Side::Right, Some(Label::Anomalous)));
    assert_eq!((undone.side, &undone.case_sha256), (Side::Right, &said.case_sha256));
    let again = project.label_rows(Rows::Current, Some("tester (second reading)")).unwrap();
    assert_eq!(
        again.iter().map(|row| (row.side, row.label)).collect::<Vec<_>>(),
        [(Side::Right, Some(Label::Uncertain))]
    );
    let agreement = project.agreement().unwrap();
    assert_eq!((agreement.pairs.len(), agreement.pairs[0].sinuses), (1, 1));
}

fn small(seed: u64) -> Plan {
    Plan { region: Region::Sinuses, ..Plan::new(seed, Contrast::T1, 2.5) }
}

#[test]
fn cases_of_a_folder_are_labelled_with_two_keys_each() {
    let folder = tempfile::tempdir().unwrap();
    label_in_the_window(folder.path(), 4, small);
    // Opened again, the list knows what was said.
    let mut harness = window(Some(&folder.path().join("scans")), &folder.path().join("p.antrum"));
    until(&mut harness, "the list", |app| {
        app.state().worklist.known.iter().flat_map(|case| case.labels).all(|label| label.is_some())
    });
    assert!(harness.query_by_label_contains("4 of 4 labelled").is_some() || harness.state().state().drawer().is_none());
    drop(harness);

    // So does a table that names some of them, in its own order.
    let list = folder.path().join("list.csv");
    let file = |case: usize| format!("scans/sub-{case:03}/anat/sub-{case:03}_T1w.nii.gz");
    std::fs::write(&list, format!("path,age\n{},40\n{},50\n", file(3), file(0))).unwrap();
    let mut harness = window(Some(&list), &folder.path().join("p.antrum"));
    until(&mut harness, "the table", |app| {
        let known = &app.state().worklist.known;
        known.len() == 2 && known.iter().flat_map(|case| case.labels).all(|label| label.is_some())
    });
    let known = &harness.state().state().worklist.known;
    assert_eq!(
        known.iter().map(|case| case.labels[Side::Left.index()]).collect::<Vec<_>>(),
        [Some(Label::Anomalous), Some(Label::Normal)]
    );
    drop(harness);

    // Another rater differs on the left sinus of one of them, which is then among the disputed ones.
    let project = Project::open(&folder.path().join("p.antrum")).unwrap();
    let second = project.cases().unwrap()[1].id;
    let event = LabelEvent::new(second, Side::Left, "ben".to_owned(), "today".to_owned());
    project.record(&LabelEvent { reading: Some(Reading::of(Label::Normal)), ..event }).unwrap();
    let mut harness = window(Some(&folder.path().join("scans")), &folder.path().join("p.antrum"));
    until(&mut harness, "the list", |app| app.state().worklist.known.iter().any(|case| case.disputed));
    if harness.query_by_label("disputed").is_none() {
        open_drawer(&mut harness, "Series");
    }
    let rows = |harness: &Harness<'_, App>| {
        (1..=4).filter(|n| harness.query_by_label_contains(&format!("Series {n}: ")).is_some()).collect::<Vec<_>>()
    };
    assert_eq!(rows(&harness), [1, 2, 3, 4]);
    harness.get_by_label("disputed").click();
    harness.run_steps(2);
    assert_eq!((harness.state().state().cases(), rows(&harness)), (vec![1], vec![2]));
    harness.get_by_label_contains("Series 2: ").click();
    until(&mut harness, "what ben says", |app| {
        !app.state().opinions(Side::Left).is_empty() && app.state().sinuses.is_some() && app.state().jobs.is_empty()
    });
    harness.run_steps(2);
    assert_eq!(harness.state().state().opinions(Side::Left), [("ben".to_owned(), Label::Normal)]);
    assert!(harness.state().state().opinions(Side::Right).is_empty());
    assert!(harness.query_by_label_contains("So do: ben").is_some());
    harness.get_by_label("all").click();
    harness.run_steps(2);
    the_table_has_each_label_in_the_column_of_its_side(&mut harness);
    // Words narrow the list too.
    harness.get_by_role(Role::TextInput).focus();
    harness.run_steps(2);
    harness.get_by_role(Role::TextInput).type_text("NIFTI pet");
    harness.run_steps(2);
    assert_eq!(rows(&harness), [2], "the open one stays in sight, and no other is both");
}

fn the_table_has_each_label_in_the_column_of_its_side(harness: &mut Harness<'_, App>) {
    harness.get_by_label("Table").click();
    harness.run_steps(3);
    let column = |harness: &Harness<'_, App>, title: &str| {
        harness.get_by_label(&format!("In order of column {title}")).rect().left()
    };
    // As on the screen: the patient's right first.
    let (right, left) = (column(harness, "R"), column(harness, "L"));
    assert!(right < left);
    let known = harness.state().state().worklist.known.clone();
    for (place, case) in known.iter().enumerate() {
        let line = harness.get_by_label_contains(&format!("Series {}: ", place + 1)).rect();
        let in_column = |of: f32, label: Label| {
            let words = harness.get_all_by_label(label.name()).map(|word| word.rect());
            words.filter(|word| line.y_range().contains(word.center().y) && (word.left() - of).abs() < 12.0).count()
        };
        for side in Side::BOTH {
            let of = if side == Side::Right { right } else { left };
            assert_eq!(in_column(of, case.labels[side.index()].unwrap()), 1, "case {place}, {side:?}");
        }
    }
    assert!(known.iter().any(|case| case.labels[0] != case.labels[1]), "a swap would show");
    harness.get_by_label("In order of column L").click();
    harness.run_steps(2);
    let state = harness.state().state();
    assert_eq!(state.order(), Order::Labelled);
    let first = state.cases()[0];
    assert!(state.known(first).labels.contains(&Some(Label::Anomalous)));
    let top = |number: usize| harness.get_by_label_contains(&format!("Series {}: ", number + 1)).rect().top();
    assert!((0..known.len()).all(|number| number == first || top(first) < top(number)));
    harness.state_mut().send(AppCommand::Label(LabelCommand::Order(Order::File)));
    harness.get_by_label("List").click();
    harness.run_steps(3);
}

/// Takes minutes: `cargo test --release -- --ignored many_cases --nocapture`.
#[test]
#[ignore = "takes minutes"]
fn many_cases_are_labelled_without_waiting() {
    let cases: usize = std::env::var("ANTRUM_CASES").ok().and_then(|n| n.parse().ok()).unwrap_or(300);
    let full = |seed: u64| Plan { size: [176, 256, 256], ..Plan::new(seed, Contrast::T1, 1.0) };
    for (what, cases, plan) in [("small", cases, small as fn(u64) -> Plan), ("256 x 256 x 176", 10, full)] {
        let folder = tempfile::tempdir().unwrap();
        let mut waits = label_in_the_window(folder.path(), cases, plan);
        waits.sort_unstable();
        let at = |share: f64| waits[((waits.len() - 1) as f64 * share) as usize].as_millis();
        println!("{what}: {cases} cases; next case after {} ms (median), {} ms (p95)", at(0.5), at(0.95));
    }
}
