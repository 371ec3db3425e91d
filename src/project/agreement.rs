//! How far readers agree with one another, and scores of the networks with readers.

use super::events::side;
use super::label::{AnomalyType, Label};
use super::rereading::{comparable, first_reading};
use super::table::{LabelRow, Rows};
use super::{Project, ProjectError};
use crate::metrics::{Kappa, auroc, cohen, fleiss};
use crate::space::Side;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Write as _};

/// All figures of agreement of a project.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// Who labelled.
    pub raters: Vec<Rater>,
    /// Each pair of raters that have sinuses in common, and the two readings of each who read twice.
    pub pairs: Vec<Pair>,
    /// All raters together, their first readings, over the sinuses that all of them labelled; of three raters or more.
    pub fleiss: Option<Fleiss>,
    /// How well scores tell what readers call normal from what they call anomalous.
    pub scores: Vec<ModelScore>,
}

/// What one rater did.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Rater {
    /// Who.
    pub name: String,
    /// Sinuses labelled.
    pub sinuses: usize,
    /// How many of each label, in the order of [`Label::ALL`].
    pub labels: [usize; 4],
    /// Median time from the opening of a case to what was last said of it, in s.
    pub median_s: Option<f64>,
}

/// Two raters over the sinuses that both labelled.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The raters: the first one's labels are the rows of the tables.
    pub raters: [String; 2],
    /// How many sinuses both labelled.
    pub sinuses: usize,
    /// How often the first said i and the second j, in the order of [`Label::ALL`].
    pub confusion: Vec<Vec<u64>>,
    /// Share of equal labels.
    pub agreement: f64,
    /// Cohen's kappa; none where both gave one and the same label only.
    pub kappa: Option<Kappa>,
    /// The same of the types, over the sinuses that both call anomalous and give a type, in the order of
    /// [`AnomalyType::ALL`].
    pub types: Option<Kappa>,
}

/// Fleiss' kappa.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Fleiss {
    /// Sinuses that all raters labelled.
    pub sinuses: usize,
    /// The coefficient; none where all gave one and the same label only.
    pub kappa: Option<f64>,
}

/// One score against one rater, or against what most raters say.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ModelScore {
    /// `probability` or `residual`
    pub score: &'static str,
    /// The rater, or `consensus`: what more than half of the raters say.
    pub against: String,
    /// Sinuses that are normal, and anomalous.
    pub sinuses: [usize; 2],
    /// Area under the ROC curve.
    pub auroc: f64,
    /// The curve from (0, 0) to (1, 1): shares of the normal and of the anomalous sinuses that score at least so high.
    pub roc: Vec<[f64; 2]>,
}

/// A sinus of a case.
type Sinus = (String, Side);

impl Project {
    /// All figures of agreement.
    ///
    /// # Errors
    /// [`ProjectError::Database`].
    pub fn agreement(&self) -> Result<Agreement, ProjectError> {
        let rows = self.label_rows(Rows::Current, None)?;
        Ok(Agreement::of(&rows, &self.scores()?))
    }

    /// The newest scores of each sinus by the weights that were used last: probability and residual.
    fn scores(&self) -> Result<BTreeMap<Sinus, [Option<f64>; 2]>, ProjectError> {
        let read = || {
            let mut query = self.db.prepare(
                "WITH last AS (SELECT residual_sha256, classifier_sha256 FROM analyses ORDER BY time_utc DESC, id DESC LIMIT 1)
                 SELECT sha256, side, probability, residual
                 FROM analyses AS a JOIN cases ON cases.id = a.case_id JOIN last
                 WHERE a.residual_sha256 IS last.residual_sha256 AND a.classifier_sha256 IS last.classifier_sha256
                 ORDER BY a.time_utc, a.id",
            )?;
            let rows = query.query_map([], |row| Ok(((row.get(0)?, side(row, 1)?), [row.get(2)?, row.get(3)?])))?;
            rows.collect::<Result<_, _>>()
        };
        read().map_err(|e| self.failed("read", e))
    }
}

impl Agreement {
    /// From the labels that count, and the scores (probability, residual) of sinuses.
    fn of(rows: &[LabelRow], scores: &BTreeMap<Sinus, [Option<f64>; 2]>) -> Self {
        let names: BTreeSet<&str> = rows.iter().map(|row| row.rater.as_str()).collect();
        let by_rater = |name: &str| -> BTreeMap<Sinus, &LabelRow> {
            let own = rows.iter().filter(|row| row.rater == name && row.label.is_some());
            own.map(|row| ((row.case_sha256.clone(), row.side), row)).collect()
        };
        let readings: Vec<(&str, BTreeMap<Sinus, &LabelRow>)> =
            names.into_iter().map(|name| (name, by_rater(name))).collect();
        let pairs = readings
            .iter()
            .enumerate()
            .flat_map(|(place, first)| readings[place + 1..].iter().map(move |second| (first, second)))
            .filter(|(first, second)| comparable(first.0, second.0))
            .filter_map(|(first, second)| Pair::of(first, second));
        // Nobody judges twice.
        let once: Vec<_> = readings.iter().filter(|(name, _)| first_reading(name).is_none()).cloned().collect();
        let mut judges: Vec<(String, BTreeMap<Sinus, Label>)> = once
            .iter()
            .map(|(name, own)| {
                let labels = own.iter().filter_map(|(sinus, row)| Some((sinus.clone(), row.label?)));
                ((*name).to_owned(), labels.collect())
            })
            .collect();
        if judges.len() > 1 {
            judges.push(("consensus".to_owned(), consensus(&once)));
        }
        let scores = judges.iter().flat_map(|(name, labels)| {
            ["probability", "residual"]
                .into_iter()
                .enumerate()
                .filter_map(|(index, score)| ModelScore::of(score, name, labels, |sinus| scores.get(sinus)?[index]))
        });
        Self {
            raters: readings.iter().map(|(name, own)| Rater::of(name, own)).collect(),
            pairs: pairs.collect(),
            fleiss: Fleiss::of(&once),
            scores: scores.collect(),
        }
    }
}

/// In words and small tables.
impl fmt::Display for Agreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![format!("{:<16} sinuses   normal  anomalous  uncertain  not assessable  median", "rater")];
        for rater in &self.raters {
            let [normal, anomalous, uncertain, not] = rater.labels;
            let time = rater.median_s.map_or("-".to_owned(), |s| format!("{s:.0} s"));
            lines.push(format!(
                "{:<16} {:>7}  {normal:>7}  {anomalous:>9}  {uncertain:>9}  {not:>14}  {time:>6}",
                rater.name, rater.sinuses
            ));
        }
        let kappa = |kappa: Option<Kappa>| match kappa {
            Some(k) => format!("{:.3} (95 % CI {:.3} to {:.3})", k.kappa, k.ci95[0], k.ci95[1]),
            None => "not defined: one label only".to_owned(),
        };
        for pair in &self.pairs {
            let [first, second] = &pair.raters;
            lines.push(String::new());
            lines.push(format!(
                "{first} and {second}: {} sinuses, {:.1} % alike, Cohen's kappa {}",
                pair.sinuses,
                100.0 * pair.agreement,
                kappa(pair.kappa)
            ));
            lines.push(format!(
                "{:<18}{}",
                format!("{first} \\ {second}"),
                Label::ALL.map(|l| format!("{:>16}", l.name())).concat()
            ));
            for (label, counts) in Label::ALL.iter().zip(&pair.confusion) {
                let mut line = format!("{:<18}", label.name());
                for count in counts {
                    write!(line, "{count:>16}")?;
                }
                lines.push(line);
            }
            if pair.types.is_some() {
                lines.push(format!("types of what both call anomalous: kappa {}", kappa(pair.types)));
            }
        }
        if let Some(fleiss) = &self.fleiss {
            lines.push(String::new());
            let value = fleiss.kappa.map_or("not defined: one label only".to_owned(), |kappa| format!("{kappa:.3}"));
            lines.push(format!("all raters: {} sinuses, Fleiss' kappa {value}", fleiss.sinuses));
        }
        if !self.scores.is_empty() {
            lines.push(String::new());
        }
        for score in &self.scores {
            let [normal, anomalous] = score.sinuses;
            lines.push(format!(
                "{} against {}: AUROC {:.3} ({normal} normal, {anomalous} anomalous sinuses)",
                score.score, score.against, score.auroc
            ));
        }
        f.write_str(&lines.join("\n"))
    }
}

/// What more than half of the two or more raters of a sinus say.
fn consensus(readings: &[(&str, BTreeMap<Sinus, &LabelRow>)]) -> BTreeMap<Sinus, Label> {
    let mut votes: BTreeMap<&Sinus, [usize; 4]> = BTreeMap::new();
    for (sinus, row) in readings.iter().flat_map(|(_, own)| own) {
        if let Some(label) = row.label {
            votes.entry(sinus).or_default()[label as usize] += 1;
        }
    }
    let most = |(sinus, votes): (&Sinus, [usize; 4])| {
        let all: usize = votes.iter().sum();
        let winner = Label::ALL.into_iter().filter(|_| all > 1).find(|label| 2 * votes[*label as usize] > all)?;
        Some((sinus.clone(), winner))
    };
    votes.into_iter().filter_map(most).collect()
}

impl Rater {
    fn of(name: &str, own: &BTreeMap<Sinus, &LabelRow>) -> Self {
        let mut labels = [0; 4];
        own.values().filter_map(|row| row.label).for_each(|label| labels[label as usize] += 1);
        let mut times: Vec<i64> = own.values().filter_map(|row| row.duration_ms).collect();
        times.sort_unstable();
        let median_s = times.get(times.len() / 2).map(|ms| *ms as f64 / 1000.0);
        Self { name: name.to_owned(), sinuses: own.len(), labels, median_s }
    }
}

impl Pair {
    fn of(
        (first, own): &(&str, BTreeMap<Sinus, &LabelRow>),
        (second, others): &(&str, BTreeMap<Sinus, &LabelRow>),
    ) -> Option<Self> {
        let both: Vec<(&LabelRow, &LabelRow)> =
            own.iter().filter_map(|(sinus, row)| Some((*row, *others.get(sinus)?))).collect();
        let mut confusion = vec![vec![0; Label::ALL.len()]; Label::ALL.len()];
        let mut types = vec![vec![0; AnomalyType::ALL.len()]; AnomalyType::ALL.len()];
        for (row, other) in &both {
            if let (Some(a), Some(b)) = (row.label, other.label) {
                confusion[a as usize][b as usize] += 1;
            }
            let place = |kind: AnomalyType| AnomalyType::ALL.iter().position(|other| *other == kind).unwrap_or(0);
            if let (Some(a), Some(b)) = (row.anomaly, other.anomaly) {
                types[place(a)][place(b)] += 1;
            }
        }
        let same: u64 = (0..confusion.len()).map(|i| confusion[i][i]).sum();
        (!both.is_empty()).then(|| Self {
            raters: [(*first).to_owned(), (*second).to_owned()],
            sinuses: both.len(),
            agreement: same as f64 / both.len() as f64,
            kappa: cohen(&confusion),
            types: cohen(&types),
            confusion,
        })
    }
}

impl Fleiss {
    fn of(readings: &[(&str, BTreeMap<Sinus, &LabelRow>)]) -> Option<Self> {
        let (_, first) = readings.first().filter(|_| readings.len() > 2)?;
        let counts = |sinus: &Sinus| {
            let mut counts = vec![0; Label::ALL.len()];
            for (_, own) in readings {
                counts[own.get(sinus)?.label? as usize] += 1;
            }
            Some(counts)
        };
        let table: Vec<Vec<u64>> = first.keys().filter_map(counts).collect();
        (!table.is_empty()).then(|| Self { sinuses: table.len(), kappa: fleiss(&table) })
    }
}

impl ModelScore {
    fn of(
        score: &'static str,
        against: &str,
        labels: &BTreeMap<Sinus, Label>,
        value: impl Fn(&Sinus) -> Option<f64>,
    ) -> Option<Self> {
        let case = |(sinus, label): (&Sinus, &Label)| {
            let anomalous = match label {
                Label::Normal => false,
                Label::Anomalous => true,
                Label::Uncertain | Label::NotAssessable => return None,
            };
            Some((value(sinus)?, anomalous))
        };
        let mut cases: Vec<(f64, bool)> = labels.iter().filter_map(case).collect();
        let area = auroc(&cases)?;
        cases.sort_by(|a, b| b.0.total_cmp(&a.0));
        let anomalous = cases.iter().filter(|case| case.1).count();
        let all = [cases.len() - anomalous, anomalous];
        let (mut found, mut roc) = ([0, 0], vec![[0.0, 0.0]]);
        for (place, case) in cases.iter().enumerate() {
            found[usize::from(case.1)] += 1;
            if cases.get(place + 1).is_none_or(|next| next.0 < case.0) {
                roc.push([0, 1].map(|class| f64::from(found[class] as u32) / all[class] as f64));
            }
        }
        Some(Self { score, against: against.to_owned(), sinuses: all, auroc: area, roc })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::project::{AnalysisRecord, LabelEvent, Reading, second_reading};
    use Label::{Anomalous, Normal, Uncertain};
    use Side::{Left, Right};

    #[test]
    fn raters_are_compared_sinus_by_sinus_and_sides_are_not_mixed() {
        let folder = tempfile::tempdir().unwrap();
        let project = Project::open(&folder.path().join("p.antrum")).unwrap();
        let say = |rater: &str, case: &str, side: Side, label: Label| {
            let case = project.case(case, None).unwrap();
            let event = LabelEvent::new(case, side, rater.to_owned(), "s".to_owned());
            let event = LabelEvent { reading: Some(Reading::of(label)), duration_ms: Some(4000), ..event };
            project.record(&event).unwrap();
        };
        for (case, side, said) in [
            ("a", Left, [Normal, Normal, Normal]),
            ("a", Right, [Anomalous, Anomalous, Normal]),
            ("b", Left, [Anomalous, Normal, Anomalous]),
            ("b", Right, [Normal, Uncertain, Normal]),
        ] {
            for (rater, label) in ["anna", "ben", "cleo"].into_iter().zip(said) {
                say(rater, case, side, label);
            }
        }
        say("anna", "c", Left, Normal);
        for (case, left, right) in [("a", 0.1, 0.9), ("b", 0.4, 0.3)] {
            let record = |side: Side, probability: f64| AnalysisRecord {
                side,
                residual: 1.0 - probability,
                probability: Some(probability),
                features: None,
                residual_by: "r".to_owned(),
                classifier_sha256: Some("c".to_owned()),
            };
            let case = project.case(case, None).unwrap();
            project.keep_analysis(case, &[record(Left, left), record(Right, right)]).unwrap();
        }
        let found = project.agreement().unwrap();
        assert_eq!(found.raters.iter().map(|rater| rater.sinuses).collect::<Vec<_>>(), [5, 4, 4]);
        assert_eq!((found.raters[0].labels, found.raters[0].median_s), ([3, 2, 0, 0], Some(4.0)));
        let pair = &found.pairs[0];
        assert_eq!((pair.raters.each_ref().map(String::as_str), pair.sinuses), (["anna", "ben"], 4));
        assert_eq!(pair.confusion[0][..3], [1, 0, 1]);
        assert_eq!((pair.confusion[1][..2].to_vec(), pair.agreement), (vec![1, 1], 0.5));
        // (0.5 - 0.375) / (1 - 0.375)
        assert!((pair.kappa.unwrap().kappa - 0.2).abs() < 1e-12, "{pair:?}");
        assert_eq!(found.fleiss.as_ref().unwrap().sinuses, 4);
        let score =
            |name: &str, against: &str| found.scores.iter().find(|s| s.score == name && s.against == against).unwrap();
        assert_eq!((score("probability", "anna").auroc, score("residual", "anna").auroc), (1.0, 0.0));
        assert_eq!(score("probability", "anna").sinuses, [2, 2], "c was not analysed");
        let consensus = score("probability", "consensus");
        assert_eq!((consensus.auroc, consensus.sinuses), (1.0, [2, 2]));
        assert_eq!(consensus.roc, [[0.0, 0.0], [0.0, 0.5], [0.0, 1.0], [0.5, 1.0], [1.0, 1.0]]);

        // A second reading is compared with the first one of its rater, and changes nothing else.
        let again = second_reading("anna");
        say(&again, "a", Left, Normal);
        say(&again, "a", Right, Normal);
        let both = project.agreement().unwrap();
        let own: Vec<_> = both.pairs.iter().filter(|pair| pair.raters.contains(&again)).collect();
        assert_eq!((own.len(), both.raters.len(), both.pairs.len()), (1, 4, found.pairs.len() + 1));
        assert_eq!((own[0].raters[0].as_str(), own[0].sinuses, own[0].agreement), ("anna", 2, 0.5));
        assert_eq!((&both.fleiss, &both.scores), (&found.fleiss, &found.scores));
    }
}
