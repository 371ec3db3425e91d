//! The commands about layers, and what they ask for outside.

use super::*;
use crate::app::command::{Command, Opened};
use crate::app::testing::{self, scan};
use crate::image::components::drop_small;
use crate::io::Scan;
use crate::job::Progress;
use crate::space::{Grid, Side};
use crate::volume::Unit;
use glam::DVec3;

fn opened(scan: Scan) -> Command {
    Command::Opened(Opened { scan: Arc::new(scan), origin: None, labels: [None, None] })
}

fn state() -> State {
    let mut state = State::default();
    state.apply(opened(scan([40, 40, 40])));
    state
}

fn send(state: &mut State, command: LayerCommand) -> Vec<Effect> {
    state.apply(Command::Layer(command))
}

/// A map of 4 mm voxels in which one voxel and a pair of voxels are 1.
fn map(centre_mm: DVec3) -> Layer {
    let grid = Grid::centred([10, 10, 10], 4.0, centre_mm);
    let mut values = vec![0.0; grid.count()];
    for at in [[1, 1, 1], [5, 5, 5], [6, 5, 5]] {
        values[grid.index(at)] = 1.0;
    }
    let volume = Volume::from_f32(grid, values, Unit::Score).into();
    Layer::new(Source::File, "map", volume, Overlay::default())
}

fn with_two() -> State {
    let mut state = state();
    let layers = vec![map(DVec3::ZERO), Layer { file: Some("DOE.nii".to_owned()), ..map(DVec3::ZERO) }];
    let patient = state.layers.patient;
    send(&mut state, LayerCommand::Opened(patient, layers));
    state
}

fn names(state: &State) -> Vec<&str> {
    state.layers.list.iter().map(|layer| layer.title(false)).collect()
}

#[test]
fn layers_are_added_moved_shown_coloured_and_removed() {
    let mut state = with_two();
    assert_eq!(names(&state), ["map", "map 2"]);
    assert_eq!(state.layers.list[1].title(true), "DOE.nii");
    send(&mut state, LayerCommand::Move(0, 1));
    send(&mut state, LayerCommand::Move(0, -1));
    send(&mut state, LayerCommand::Move(1, 5));
    assert_eq!(names(&state), ["map 2", "map"], "beyond the ends nothing moves");
    let overlay = Overlay { colours: ColourMap::Cividis, opacity: 0.25, ..Overlay::default() };
    assert!(send(&mut state, LayerCommand::Set(1, overlay)).is_empty());
    send(&mut state, LayerCommand::Show(0, false));
    let seen = state.visible_layers();
    assert_eq!((seen.len(), seen[0].overlay), (1, overlay));
    send(&mut state, LayerCommand::Opacity(0.5));
    assert_eq!(state.layers.list[1].overlay.opacity, 0.75);
    send(&mut state, LayerCommand::Peek(true));
    assert!(state.visible_layers().is_empty());
    send(&mut state, LayerCommand::Remove(0));
    assert_eq!(names(&state), ["map"]);
    assert!(send(&mut state, LayerCommand::Remove(7)).is_empty());
}

#[test]
fn no_two_layers_have_the_same_name() {
    let mut state = with_two();
    let patient = state.layers.patient;
    send(&mut state, LayerCommand::Remove(0));
    let mask = Layer { name: "map of a mask".to_owned(), ..map(DVec3::ZERO) };
    send(&mut state, LayerCommand::Opened(patient, vec![mask, map(DVec3::ZERO), map(DVec3::ZERO)]));
    assert_eq!(names(&state), ["map 2", "map of a mask", "map", "map 3"]);
}

#[test]
fn the_uppermost_three_maps_are_in_3_d_and_the_rest_is_counted() {
    let mut state = with_two();
    let patient = state.layers.patient;
    assert_eq!((state.visible_maps().len(), state.maps_left_out()), (2, 0));
    send(&mut state, LayerCommand::Opened(patient, [DVec3::ZERO; 3].map(map).to_vec()));
    assert_eq!(state.visible_maps(), state.visible_layers()[2..]);
    assert_eq!(state.maps_left_out(), 2);
    send(&mut state, LayerCommand::Show(4, false));
    assert_eq!(state.visible_maps(), state.visible_layers()[1..], "one that is off takes no room");
}

#[test]
fn files_are_asked_for_read_for_this_patient_and_forgotten_with_him() {
    let mut state = with_two();
    assert!(matches!(send(&mut state, LayerCommand::Ask)[..], [Effect::Ask(Wanted::Overlay)]));
    let effects = send(&mut state, LayerCommand::Open(vec!["a.nii".into(), "b.nii".into()]));
    let [Effect::Layer(LayerEffect::Open(patient, targets))] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(targets.len(), 2);
    state.apply(opened(scan([30, 30, 30])));
    assert!(names(&state).is_empty(), "another patient");
    send(&mut state, LayerCommand::Opened(*patient, vec![map(DVec3::ZERO)]));
    assert!(names(&state).is_empty(), "what was asked for before is of the one before");
    assert!(send(&mut State::default(), LayerCommand::Open(vec!["a.nii".into()])).is_empty());
}

#[test]
fn scans_of_one_frame_of_reference_share_their_layers() {
    let of = |uid: &str| Scan { frame_of_reference: Some(uid.to_owned()), ..scan([40, 40, 40]) };
    let mut state = State::default();
    state.apply(opened(of("1.2.3")));
    let patient = state.layers.patient;
    send(&mut state, LayerCommand::Opened(patient, vec![map(DVec3::ZERO)]));
    state.apply(opened(of("1.2.3")));
    assert_eq!(names(&state), ["map"]);
    state.apply(opened(of("1.2.4")));
    assert!(names(&state).is_empty());
}

#[test]
fn a_layer_of_another_place_is_told() {
    let mut state = state();
    let patient = state.layers.patient;
    send(&mut state, LayerCommand::Opened(patient, vec![map(DVec3::X * 500.0)]));
    assert!(state.message.is_some_and(|message| message.text.contains("beside the scan")));
}

#[test]
fn a_layer_that_may_be_mirrored_or_of_another_frame_is_told() {
    let told = |scan: Scan, layer: Layer| {
        let mut state = State::default();
        state.apply(opened(scan));
        let patient = state.layers.patient;
        send(&mut state, LayerCommand::Opened(patient, vec![layer]));
        state.message.map(|message| message.text).unwrap_or_default()
    };
    let framed = |uid: &str| Scan { frame_of_reference: Some(uid.to_owned()), ..scan([40, 40, 40]) };
    let layer = |uid: &str| Layer { frame_of_reference: Some(uid.to_owned()), ..map(DVec3::ZERO) };
    assert_eq!(told(framed("1.2"), map(DVec3::ZERO)), "", "a file that has none");
    assert_eq!(told(framed("1.2"), layer("1.2")), "");
    assert!(told(framed("1.2"), layer("1.3")).starts_with("The overlay has another frame of reference"));
    let silent = Layer { oriented: false, ..map(DVec3::ZERO) };
    assert!(told(framed("1.2"), silent).starts_with("The overlay does not say how it lies"));
    let flat = testing::checked(&["no-orientation"]);
    assert!(told(flat, map(DVec3::ZERO)).starts_with("The scan does not say how it lies"));
}

#[test]
fn small_clusters_go_in_the_background_and_the_newest_wish_counts() {
    let mut state = with_two();
    let sieve = |effects: &[Effect]| match effects {
        [Effect::Layer(LayerEffect::Sift(sieve))] => sieve.clone(),
        other => panic!("{other:?}"),
    };
    let done = |sieve: Sieve| {
        let visible = |value| sieve.overlay.position(value).is_some();
        let sifted = drop_small(&sieve.volume, visible, sieve.min_mm3, &Progress::default()).unwrap();
        LayerCommand::Sifted(sieve, sifted)
    };
    let lone = |state: &State| state.visible_layers()[0].volume.at([1, 1, 1]);
    // A voxel has 64 mm³.
    let first = sieve(&send(&mut state, LayerCommand::Sift(0, 100.0)));
    assert_eq!(lone(&state), Some(1.0), "until it is done everything stays");
    let overlay = Overlay { threshold: 0.5, ..state.layers.list[0].overlay };
    let second = sieve(&send(&mut state, LayerCommand::Set(0, overlay)));
    send(&mut state, done(first));
    assert!(state.layers.list[0].sifted.is_none(), "of another threshold");
    send(&mut state, done(second));
    assert_eq!(lone(&state), Some(0.0));
    assert_eq!(state.visible_layers()[0].volume.at([6, 5, 5]), Some(1.0));
    let paler = Overlay { opacity: 0.1, colours: ColourMap::Magma, ..overlay };
    assert!(send(&mut state, LayerCommand::Set(0, paler)).is_empty(), "the same can be seen");
    assert!(send(&mut state, LayerCommand::Sift(0, 0.0)).is_empty());
    assert_eq!(lone(&state), Some(1.0));
}

/// Cavities 25 mm from the middle: a full one in the left half, one of air in the right half.
fn analysed(state: &mut State) {
    let scan = Arc::clone(&state.scan.as_ref().unwrap().scan);
    let analysis = testing::analysis(&scan, [DVec3::X * -25.0, DVec3::X * 25.0]);
    state.apply(Command::Analysed(Arc::new(analysis)));
}

#[test]
fn cavities_lie_below_the_map_as_an_outline_on_their_sides() {
    let mut state = state();
    analysed(&mut state);
    assert_eq!(names(&state), ["sinus cavities", "residual"]);
    let [outlined] = &state.visible_outlines()[..] else { panic!("one outline") };
    let at = |x: f64| outlined.volume.at_world(DVec3::X * x).unwrap();
    assert_eq!([at(-25.0), at(0.0), at(25.0)], [2.0, 0.0, 1.0], "content is in the patient's left");
    assert_eq!((state.visible_layers().len(), state.visible_maps().len()), (1, 1), "nothing of it is coloured");
    for side in Side::BOTH {
        assert_eq!(state.cavity(side).map(|cavity| cavity.side), Some(side));
    }
    assert_eq!(state.cavity(Side::Left).and_then(Cavity::opacification), Some(1.0));

    send(&mut state, LayerCommand::Remove(0));
    assert_eq!(names(&state).len(), 2, "it belongs to the analysis");
    let filled = Overlay { outline: false, ..state.layers.list[0].overlay };
    send(&mut state, LayerCommand::Set(0, filled));
    assert!(state.visible_outlines().is_empty());
    assert_eq!((state.visible_layers().len(), state.visible_maps().len()), (2, 2));
    state.apply(Command::Layer(LayerCommand::Peek(true)));
    assert!(state.visible_outlines().is_empty() && state.visible_layers().is_empty());
}

#[test]
fn cavities_of_the_next_scan_are_looked_at_as_the_last_ones() {
    let mut state = state();
    analysed(&mut state);
    send(&mut state, LayerCommand::Show(0, false));
    send(&mut state, LayerCommand::Show(1, false));
    state.apply(opened(scan([30, 30, 30])));
    assert!(state.layers.list.is_empty(), "those of the one before are gone");
    assert!(state.cavity(Side::Left).is_none());
    analysed(&mut state);
    let shown: Vec<bool> = state.layers.list.iter().map(|layer| layer.shown).collect();
    assert_eq!(shown, [false, true], "a residual map always comes shown");
}

#[test]
fn what_the_classifier_looked_at_lies_hidden_under_the_map_until_it_is_asked_for() {
    let mut state = state();
    let explained = |state: &mut State| {
        let scan = Arc::clone(&state.scan.as_ref().unwrap().scan);
        let analysis = testing::analysis(&scan, [DVec3::X * -25.0, DVec3::X * 25.0]);
        let (why, classifier_sha256) = (Some(Arc::clone(&scan.volume)), Some("ab".repeat(32)));
        state.apply(Command::Analysed(Arc::new(Analysis { why, classifier_sha256, ..analysis })));
    };
    explained(&mut state);
    assert_eq!(names(&state), ["sinus cavities", "speaks for disease", "residual"]);
    assert_eq!(state.layers.list[1].maker.as_deref(), Some("Grad-CAM of the classifier, weights abababababab"));
    assert_eq!(state.visible_maps().len(), 1, "the residual map alone");
    send(&mut state, LayerCommand::Show(1, true));
    assert_eq!(state.visible_maps().len(), 2);
    state.apply(opened(scan([30, 30, 30])));
    explained(&mut state);
    assert!(state.layers.list[1].shown, "as the last one");
    analysed(&mut state);
    assert_eq!(names(&state), ["sinus cavities", "residual"], "it comes and goes with its analysis");
}
