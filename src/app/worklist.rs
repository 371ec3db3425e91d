//! The way through the cases of a list: which of them, in which order, and which is next.

use super::command::Effect;
use super::load::{Origin, Target};
use super::message::Message;
use super::settings::Order;
use super::state::State;
use crate::io::Role;
use crate::project::Label;
use rand::SeedableRng as _;
use rand::seq::SliceRandom as _;
use rand_chacha::ChaCha8Rng;
use sha2::{Digest as _, Sha256};
use std::cmp::{Ordering as CompareOrder, Reverse};

/// The series to choose from as cases to label.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Worklist {
    /// What is known of them, by their places in the list.
    pub known: Vec<KnownCase>,
    /// Which of them are gone through.
    pub filter: Filter,
}

/// What is known of a series of a list. What is said of sinuses is by [`Side::index`](crate::space::Side::index).
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct KnownCase {
    /// The reader's labels.
    pub labels: [Option<Label>; 2],
    /// How probable disease was when the list came: [`Project::probabilities`](crate::project::Project::probabilities).
    pub probabilities: [Option<f64>; 2],
    /// Where it stands among those that the classifier was asked of, the most informative first:
    /// [`Project::informative`](crate::project::Project::informative).
    pub informative: Option<usize>,
    /// Whether raters differed on a sinus when the list came.
    pub disputed: bool,
    /// Whether the list could have told the reader how probable disease is: he did not read blind.
    pub told: bool,
}

impl KnownCase {
    /// How probable disease is in the sinus in which it is more so.
    fn probable(&self) -> Option<f64> {
        self.probabilities.into_iter().flatten().max_by(f64::total_cmp)
    }

    /// Where it stands among others by what it is labelled.
    fn rank(&self) -> usize {
        let rank = |label: &Label| match label {
            Label::Anomalous => 0,
            Label::Uncertain => 1,
            Label::NotAssessable => 2,
            Label::Normal => 3,
        };
        self.labels.iter().flatten().map(rank).min().unwrap_or(4)
    }
}

/// Which cases of a list are gone through.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// All of them.
    #[default]
    All,
    /// Those of which a sinus lacks the reader's label.
    ToDo,
    /// Those on which raters differ.
    Disputed,
}

impl Filter {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::All, Self::ToDo, Self::Disputed];

    /// Its name on the screen.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::ToDo => "to do",
            Self::Disputed => "disputed",
        }
    }
}

impl State {
    /// The series of the list that are cases to label, in the order in which they come.
    #[must_use]
    pub fn cases(&self) -> Vec<usize> {
        let series = self.catalogue.as_ref().map_or(&[][..], |catalogue| catalogue.series());
        let is_case = |index: &usize| series[*index].role == Role::Volume;
        let mut cases: Vec<usize> = (0..series.len()).filter(is_case).collect();
        if self.filter() == Filter::Disputed {
            cases.retain(|case| self.known(*case).disputed);
        }
        // Sorting keeps the order of equals; what was not analysed comes last.
        let falling = |a: Option<f64>, b: Option<f64>| b.partial_cmp(&a).unwrap_or(CompareOrder::Equal);
        match self.order() {
            Order::File => {}
            Order::Random => {
                // Another order for each rater, the same whenever he comes back to the list.
                let digest = Sha256::digest(format!("{}\n{}", self.rater, cases.len()));
                let seed = <[u8; 32]>::from(digest);
                cases.shuffle(&mut ChaCha8Rng::from_seed(seed));
            }
            Order::Doubtful => cases.sort_by_key(|case| self.known(*case).informative.unwrap_or(usize::MAX)),
            Order::Probable => cases.sort_by(|a, b| falling(self.known(*a).probable(), self.known(*b).probable())),
            Order::Labelled => cases.sort_by_key(|case| self.known(*case).rank()),
            Order::Modality => cases.sort_by(|a, b| series[*a].modality.cmp(&series[*b].modality)),
            Order::Notes => cases.sort_by_key(|case| Reverse(self.checks(*case).len())),
        }
        cases
    }

    /// What is known of a series of the list.
    #[must_use]
    pub fn known(&self, series: usize) -> KnownCase {
        self.worklist.known.get(series).copied().unwrap_or_default()
    }

    /// Which cases are gone through: a blind reader must not learn where others differ.
    #[must_use]
    pub fn filter(&self) -> Filter {
        match self.worklist.filter {
            Filter::Disputed if self.settings.blind => Filter::All,
            filter => filter,
        }
    }

    /// In which order cases come: to a blind reader, their order must not tell what the classifier thinks.
    #[must_use]
    pub fn order(&self) -> Order {
        match self.settings.order {
            order if order.tells() && self.settings.blind => Order::Random,
            order => order,
        }
    }

    /// The other series of the list, behind the cases.
    #[must_use]
    pub fn other_series(&self) -> Vec<usize> {
        let series = self.catalogue.as_ref().map_or(&[][..], |catalogue| catalogue.series());
        (0..series.len()).filter(|&index| series[index].role != Role::Volume).collect()
    }

    /// Whether both sinuses of a series of the list have labels.
    #[must_use]
    pub fn is_labelled(&self, series: usize) -> bool {
        self.known(series).labels.iter().all(Option::is_some)
    }

    /// How probable the classifier called disease in a series of the list; not to a blind reader.
    #[must_use]
    pub fn listed_probabilities(&self, series: usize) -> [Option<f64>; 2] {
        if self.settings.blind { [None; 2] } else { self.known(series).probabilities }
    }

    /// The next case that lacks a label: further down, else from the top; none where all have theirs, but of disputed ones
    /// any.
    fn next_to_label(&self) -> Option<usize> {
        let (cases, open) = (self.cases(), self.series());
        let place = cases.iter().position(|case| Some(*case) == open);
        let (above, below) = cases.split_at(place.map_or(0, |place| place + 1));
        let mut others = below.iter().chain(above).copied().filter(|case| Some(*case) != open);
        // Whoever goes through disputes may have caused them by labels of his own.
        let any = others.clone().next().filter(|_| self.filter() == Filter::Disputed);
        others.find(|case| !self.is_labelled(*case)).or(any)
    }

    pub(super) fn next_case(&mut self) -> Vec<Effect> {
        self.details = None;
        if let Some(next) = self.next_to_label() {
            return self.open_series(next);
        }
        let count = self.cases().len();
        let text = match (count, self.series().is_some_and(|series| !self.is_labelled(series))) {
            (0, _) if self.filter() == Filter::Disputed => "Raters agree on all cases of the list".to_owned(),
            (0 | 1, _) => "There is no other case in the list. Open a folder to go from case to case".to_owned(),
            (_, true) => "All other cases of the list are labelled; this one is not yet".to_owned(),
            (_, false) => format!("All {count} cases of the list are labelled"),
        };
        self.message = Some(Message::note(text));
        Vec::new()
    }

    /// Has the case that comes next read while the reader looks at this one.
    pub(super) fn read_ahead(&self) -> Option<Effect> {
        let catalogue = self.catalogue.as_ref()?;
        let series = self.next_to_label()?;
        Some(Effect::ReadAhead(Origin { catalogue: catalogue.clone(), series }))
    }
}

impl Target {
    /// A series as it is opened from the list.
    #[must_use]
    pub fn of(origin: Origin) -> Self {
        Self::Series { origin, frame: 0, even: false }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::app::Command;
    use crate::app::command::Opened;
    use crate::app::labelling::LabelCommand;
    use crate::app::testing::{opened, scan, two_series};
    use crate::space::Side;
    use std::sync::Arc;

    fn set(side: Side, label: Label) -> Command {
        Command::Label(LabelCommand::Set(side, label))
    }

    #[test]
    fn the_way_goes_to_the_next_case_without_labels_and_says_when_there_is_none() {
        let mut state = State { rater: "anna".to_owned(), ..State::default() };
        let origin = Origin { catalogue: two_series(), series: 0 };
        let open = |series: usize| {
            let origin = Some(Origin { series, ..origin.clone() });
            Command::Opened(Opened { scan: Arc::new(scan([50, 50, 50])), origin, labels: [None, None] })
        };
        let next = |state: &mut State| match &state.apply(Command::Label(LabelCommand::Next))[..] {
            [Effect::Open(Target::Series { origin, .. })] => Some(origin.series),
            _ => None,
        };
        state.apply(open(0));
        let listed = |labels: [[Option<Label>; 2]; 2]| {
            let of = |labels, probabilities, informative, disputed| KnownCase {
                labels,
                probabilities,
                informative: Some(informative),
                disputed,
                told: false,
            };
            let first = of(labels[0], [Some(0.9), None], 1, true);
            let second = of(labels[1], [Some(0.2), Some(0.6)], 0, false);
            Command::Label(LabelCommand::Listed(vec![first, second]))
        };
        state.apply(listed([[None; 2]; 2]));
        assert_eq!(next(&mut state), Some(1));
        state.apply(open(1));
        assert_eq!(next(&mut state), Some(0), "from the top again");
        let both = [Some(Label::Normal); 2];
        state.apply(listed([both, [None, Some(Label::Normal)]]));
        assert_eq!(next(&mut state), None);
        assert!(state.message.as_ref().unwrap().text.contains("this one is not yet"));
        let sinuses = opened().sinuses;
        state.sinuses = sinuses;
        state.apply(set(Side::Left, Label::Normal));
        assert_eq!((state.known(1).labels, next(&mut state)), (both, None));
        assert!(state.message.as_ref().unwrap().text.contains("All 2 cases of the list are labelled"));
        state.worklist.known[0].labels = [None; 2];
        state.apply(Command::Label(LabelCommand::Advance(true)));
        state.apply(set(Side::Right, Label::Anomalous));
        state.labels = [None, None];
        assert!(matches!(state.apply(set(Side::Right, Label::Normal))[..], [Effect::Record(_)]), "one is missing");
        let effects = state.apply(set(Side::Left, Label::Normal));
        assert!(matches!(effects[..], [Effect::Record(_), Effect::Open(_)]), "on by itself: {effects:?}");
        state.settings.order = Order::Random;
        let mut cases = state.cases();
        assert_eq!(cases, state.cases());
        let random = cases.clone();
        cases.sort_unstable();
        assert_eq!(cases, [0, 1]);
        state.settings.order = Order::Doubtful;
        assert_eq!(state.cases(), [1, 0]);
        for (order, cases) in [(Order::Probable, [0, 1]), (Order::Labelled, [1, 0]), (Order::Modality, [0, 1])] {
            state.settings.order = order;
            assert_eq!(state.cases(), cases, "{}", order.name());
        }
        state.settings.order = Order::Probable;
        state.settings.blind = true;
        assert_eq!(state.cases(), random, "the order would tell what the classifier thinks");
        assert_eq!(state.listed_probabilities(0), [None; 2]);
        state.apply(Command::Label(LabelCommand::Filter(Filter::Disputed)));
        assert_eq!(state.cases(), random, "and this where others differ");
        state.settings.blind = false;
        assert_eq!((state.cases(), state.listed_probabilities(0)), (vec![0], [Some(0.9), None]));
    }

    #[test]
    fn a_probability_that_the_list_told_counts_as_seen_though_the_case_is_read_blind_later() {
        let known = KnownCase { probabilities: [None, Some(0.7)], ..KnownCase::default() };
        let listed = || Command::Label(LabelCommand::Listed(vec![KnownCase::default(), known]));
        let seen = |blind_before: bool| {
            let mut state = State::default();
            state.settings.blind = blind_before;
            let open = |series: usize| {
                let origin = Some(Origin { catalogue: two_series(), series });
                Command::Opened(Opened { scan: Arc::new(scan([50, 50, 50])), origin, labels: [None, None] })
            };
            state.apply(open(0));
            state.apply(listed());
            state.apply(Command::Label(LabelCommand::Blind(true)));
            state.apply(listed());
            let catalogue = state.catalogue.clone().unwrap();
            let origin = Some(Origin { catalogue, series: 1 });
            state.apply(Command::Opened(Opened { scan: Arc::new(scan([50, 50, 51])), origin, labels: [None, None] }));
            state.ai_seen
        };
        assert_eq!((seen(false), seen(true)), ([false, true], [false, false]));
    }
}
