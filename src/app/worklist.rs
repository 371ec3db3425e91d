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
    /// What is known of them.
    pub known: Known,
    /// Which of them are gone through.
    pub filter: Filter,
}

/// What is known of the series of a list, by their places in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// The reader's labels.
    pub labels: Vec<[Option<Label>; 2]>,
    /// How probable disease was when the list came: [`Project::probabilities`](crate::project::Project::probabilities).
    pub probabilities: Vec<[Option<f64>; 2]>,
    /// Where they stand among those that the classifier was asked of, the most informative first:
    /// [`Project::informative`](crate::project::Project::informative).
    pub informative: Vec<Option<usize>>,
    /// Whether raters differed on a sinus when the list came.
    pub disputed: Vec<bool>,
}

impl Known {
    /// Nothing of so many series.
    pub(super) fn nothing(count: usize) -> Self {
        Self {
            labels: vec![[None; 2]; count],
            probabilities: vec![[None; 2]; count],
            informative: vec![None; count],
            disputed: vec![false; count],
        }
    }

    /// Where a case stands by how much a label of it would teach the classifier; last if it was not asked.
    fn place(&self, case: usize) -> usize {
        self.informative.get(case).copied().flatten().unwrap_or(usize::MAX)
    }

    /// How probable disease is in the sinus of a case in which it is more so.
    fn probable(&self, case: usize) -> Option<f64> {
        self.probabilities.get(case).copied().unwrap_or_default().into_iter().flatten().max_by(f64::total_cmp)
    }

    /// Where a case stands among others by what it is labelled.
    fn rank(&self, case: usize) -> usize {
        let rank = |label: &Label| match label {
            Label::Anomalous => 0,
            Label::Uncertain => 1,
            Label::NotAssessable => 2,
            Label::Normal => 3,
        };
        let labels = self.labels.get(case).copied().unwrap_or_default();
        labels.iter().flatten().map(rank).min().unwrap_or(4)
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
            cases.retain(|case| self.worklist.known.disputed.get(*case) == Some(&true));
        }
        let known = &self.worklist.known;
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
            Order::Doubtful => cases.sort_by_key(|case| known.place(*case)),
            Order::Probable => cases.sort_by(|a, b| falling(known.probable(*a), known.probable(*b))),
            Order::Labelled => cases.sort_by_key(|case| known.rank(*case)),
            Order::Modality => cases.sort_by(|a, b| series[*a].modality.cmp(&series[*b].modality)),
            Order::Notes => cases.sort_by_key(|case| Reverse(self.checks(*case).len())),
        }
        cases
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
        self.worklist.known.labels.get(series).is_some_and(|labels| labels.iter().all(Option::is_some))
    }

    /// How probable the classifier called disease in a series of the list; not to a blind reader.
    #[must_use]
    pub fn listed_probabilities(&self, series: usize) -> [Option<f64>; 2] {
        let said = self.worklist.known.probabilities.get(series).filter(|_| !self.settings.blind);
        said.copied().unwrap_or_default()
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
        let listed = |labels| {
            let (probabilities, disputed) = (vec![[Some(0.9), None], [Some(0.2), Some(0.6)]], vec![true, false]);
            let informative = vec![Some(1), Some(0)];
            Command::Label(LabelCommand::Listed(Known { labels, probabilities, informative, disputed }))
        };
        state.apply(listed(vec![[None; 2]; 2]));
        assert_eq!(next(&mut state), Some(1));
        state.apply(open(1));
        assert_eq!(next(&mut state), Some(0), "from the top again");
        let both = [Some(Label::Normal); 2];
        state.apply(listed(vec![both, [None, Some(Label::Normal)]]));
        assert_eq!(next(&mut state), None);
        assert!(state.message.as_ref().unwrap().text.contains("this one is not yet"));
        let sinuses = opened().sinuses;
        state.sinuses = sinuses;
        state.apply(set(Side::Left, Label::Normal));
        assert_eq!((state.worklist.known.labels[1], next(&mut state)), (both, None));
        assert!(state.message.as_ref().unwrap().text.contains("All 2 cases of the list are labelled"));
        state.worklist.known.labels[0] = [None; 2];
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
}
