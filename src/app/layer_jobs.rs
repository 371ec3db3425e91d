//! Background work for what lies over the picture: reading masks, maps and a second scan, leaving out small clusters.

use super::checks;
use super::command::Command;
use super::compare::CompareCommand;
use super::first_look::first_look;
use super::layers::{Layer, LayerCommand, LayerEffect, Sieve, Source};
use super::load::{Loaded, Origin, Target, load};
use super::runner::{Prepare, failure, finished};
use super::state::{JobKind, JobView};
use crate::image::components::{Sifted, drop_small};
use crate::io::{Format, OpenError, Scan};
use crate::job::{Cancelled, Job, Progress};
use std::sync::{Arc, mpsc};

/// What a reading gave, for the patient of a number.
type Read<T> = Job<(u64, Result<T, OpenError>)>;

/// Small clusters being left out; none once it is done.
type Sieving = Option<Job<(Sieve, Sifted)>>;

/// The jobs.
#[derive(Default)]
pub(super) struct LayerJobs {
    layers: Option<Read<Vec<Layer>>>,
    second: Option<Read<(Arc<Scan>, Option<Origin>)>>,
    /// By the number of the layer, which has one at most.
    sieves: Vec<(u64, Sieving)>,
}

impl LayerJobs {
    /// Starts what an effect asks for; what comes out is prepared to be drawn.
    pub fn run(&mut self, effect: LayerEffect, prepare: &Prepare) {
        let prepare = Arc::clone(prepare);
        match effect {
            LayerEffect::Open(patient, targets) => {
                self.layers = Some(Job::spawn("Opening the overlay", move |progress| {
                    let read = read_layers(&targets, progress);
                    read.iter().flatten().for_each(|layer| prepare(&layer.volume));
                    Ok::<_, Cancelled>((patient, read))
                }));
            }
            LayerEffect::OpenSecond(patient, target) => {
                self.second = Some(Job::spawn("Opening the second scan", move |progress| {
                    let Loaded { origin, scan } = load(&target, &mpsc::channel().0, progress);
                    if let Ok(scan) = &scan {
                        prepare(&scan.volume);
                    }
                    Ok::<_, Cancelled>((patient, scan.map(|scan| (Arc::new(scan), origin))))
                }));
            }
            LayerEffect::Sift(sieve) => {
                let layer = sieve.layer;
                self.sieves.retain(|(other, _)| *other != layer);
                let job = Job::spawn("Clusters", move |progress| {
                    let visible = |value| sieve.overlay.position(value).is_some();
                    let sifted = drop_small(&sieve.volume, visible, sieve.min_mm3, progress)?;
                    prepare(&sifted.volume);
                    Ok::<_, Cancelled>((sieve, sifted))
                });
                self.sieves.push((layer, Some(job)));
            }
        }
    }

    pub fn cancel(&mut self, kind: JobKind) {
        match kind {
            JobKind::Overlay => self.layers = None,
            JobKind::Second => self.second = None,
            _ => {}
        }
    }

    pub fn poll(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        match finished(&mut self.layers) {
            Some(Ok((patient, Ok(layers)))) => commands.push(Command::Layer(LayerCommand::Opened(patient, layers))),
            Some(Ok((_, Err(error)))) => commands.extend(unreadable(error)),
            Some(Err(error)) => commands.extend(failure(error)),
            None => {}
        }
        match finished(&mut self.second) {
            Some(Ok((patient, Ok((scan, origin))))) => {
                commands.push(Command::Compare(CompareCommand::Opened(patient, scan, origin)));
            }
            Some(Ok((_, Err(error)))) => commands.extend(unreadable(error)),
            Some(Err(error)) => commands.extend(failure(error)),
            None => {}
        }
        for (_, job) in &mut self.sieves {
            match finished(job) {
                Some(Ok((sieve, sifted))) => commands.push(Command::Layer(LayerCommand::Sifted(sieve, sifted))),
                Some(Err(error)) => commands.extend(failure(error)),
                None => {}
            }
        }
        self.sieves.retain(|(_, job)| job.is_some());
        commands
    }

    /// What is read, for the job bar. Clusters are too quick to be worth a line there.
    pub fn views(&self) -> impl Iterator<Item = JobView> {
        [JobView::of(JobKind::Overlay, self.layers.as_ref()), JobView::of(JobKind::Second, self.second.as_ref())]
            .into_iter()
            .flatten()
    }

    pub fn busy(&self) -> bool {
        self.layers.is_some() || self.second.is_some() || !self.sieves.is_empty()
    }
}

/// A reading that was stopped is what the user wanted.
fn unreadable(error: OpenError) -> Option<Command> {
    (!matches!(error, OpenError::Cancelled(_))).then(|| Command::Unreadable(Arc::new(error), None))
}

fn read_layers(targets: &[Target], progress: &Progress) -> Result<Vec<Layer>, OpenError> {
    let share = 1.0 / targets.len().max(1) as f32;
    let read = |(n, target): (usize, &Target)| {
        let part = progress.part(n as f32 * share, (n + 1) as f32 * share);
        load(target, &mpsc::channel().0, &part).scan.map(layer)
    };
    targets.iter().enumerate().map(read).collect()
}

/// A scan as a layer.
fn layer(scan: Scan) -> Layer {
    let file = scan.path.as_ref().and_then(|path| path.file_name()).map(|name| name.to_string_lossy().into_owned());
    let look = first_look(&scan.volume);
    let oriented = checks::orientation_known(&scan);
    let mut volume = scan.volume;
    // It was just read: nobody else has it, and nothing is copied.
    Arc::make_mut(&mut volume).unit = look.unit;
    let kind = if look.unit == crate::volume::Unit::Label { "mask" } else { "map" };
    // Descriptions of DICOM series are no names of files.
    let name = match scan.format {
        Format::Dicom => format!("{kind} {}", scan.description.trim()),
        _ => kind.to_owned(),
    };
    let frame_of_reference = scan.frame_of_reference;
    let new = Layer::new(Source::File, name, volume, look.overlay);
    Layer { file, oriented, frame_of_reference, range: look.range, ..new }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::testing::checked;

    #[test]
    fn a_layer_keeps_what_its_file_says_about_its_place() {
        let frame_of_reference = Some("1.2.3".to_owned());
        let known = layer(Scan { frame_of_reference: frame_of_reference.clone(), ..checked(&[]) });
        assert_eq!((known.oriented, known.frame_of_reference), (true, frame_of_reference));
        assert!(!layer(checked(&["no-orientation"])).oriented);
    }
}
