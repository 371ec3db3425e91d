//! The commands about layers, and what they ask for outside.

use super::*;
use crate::app::command::{Command, Opened};
use crate::app::testing::scan;
use crate::image::components::drop_small;
use crate::io::Scan;
use crate::job::Progress;
use crate::space::Grid;
use crate::volume::Unit;
use glam::DVec3;

fn opened(scan: Scan) -> Command {
    Command::Opened(Opened { scan: Arc::new(scan), origin: None, labels: [None; 2] })
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
    let flat = crate::app::testing::checked(&["no-orientation"]);
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
