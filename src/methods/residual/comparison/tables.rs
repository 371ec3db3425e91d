//! Runs of a comparison as tables: every run, and means over the folds as in Table 2 of paper 1.

use super::{Beginning, Run, percent};
use crate::metrics::mean_and_ci95;
use std::fmt::Write as _;

/// A mean over the folds, and half of its 95 % confidence interval where there are several.
pub(super) type Mean = Option<(f64, Option<f64>)>;

/// What came of one beginning with one share of the labels.
pub(super) struct Row<'a> {
    pub method: &'a str,
    /// Share of the labels, 0 to 1.
    pub fraction: f64,
    pub auroc: Mean,
    pub auprc: Mean,
    f1: Mean,
    /// By how much the AUROC is higher than from random weights on the same folds.
    gain: Mean,
}

/// Means over the folds, in the order of the runs.
pub(super) fn rows(runs: &[Run]) -> Vec<Row<'_>> {
    let mut kinds: Vec<(&str, f64)> = Vec::new();
    for run in runs {
        let kind = (run.method.as_str(), run.fraction);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    let of = |method: &str, fraction: f64| -> Vec<&Run> {
        runs.iter().filter(|run| run.method == method && run.fraction == fraction).collect()
    };
    let row = |(method, fraction)| {
        let (runs, plain) = (of(method, fraction), of(&Beginning::Nothing.name(), fraction));
        let mean = |figure: fn(&Run) -> Option<f64>| {
            mean_and_ci95(&runs.iter().filter_map(|run| figure(run)).collect::<Vec<_>>())
        };
        let gain = |run: &&Run| {
            let same = plain.iter().find(|plain| plain.fold == run.fold && plain.method != run.method)?;
            Some(run.auroc? - same.auroc?)
        };
        let gain = mean_and_ci95(&runs.iter().filter_map(gain).collect::<Vec<_>>());
        Row {
            method,
            fraction,
            auroc: mean(|run| run.auroc),
            auprc: mean(|run| run.auprc),
            f1: mean(|run| run.f1),
            gain,
        }
    };
    kinds.into_iter().map(row).collect()
}

/// A line for each run.
pub(super) fn csv(runs: &[Run]) -> String {
    let number = |value: Option<f64>| value.map_or(String::new(), |v| format!("{v:.6}"));
    let mut text = "method,labels_percent,fold,normal,diseased,test,auroc,auprc,f1\n".to_owned();
    for run in runs {
        let [normal, diseased] = run.labelled;
        let figures = [run.auroc, run.auprc, run.f1].map(number).join(",");
        let (fold, test, percent) = (run.fold + 1, run.scores.len(), percent(run.fraction));
        let _ = writeln!(text, "{},{percent},{fold},{normal},{diseased},{test},{figures}", run.method);
    }
    text
}

/// Means and 95 % confidence intervals, a row for each beginning and share of labels.
pub(super) fn markdown(rows: &[Row<'_>]) -> String {
    let cell = |mean: Mean| match mean {
        Some((mean, Some(half))) => format!("{mean:.3} ± {half:.3}"),
        Some((mean, None)) => format!("{mean:.3}"),
        None => "–".to_owned(),
    };
    let mut text =
        "| begins with | labels | AUROC | AUPRC | F1 | AUROC above none |\n|---|---|---|---|---|---|\n".to_owned();
    for row in rows {
        let cells = [row.auroc, row.auprc, row.f1, row.gain].map(cell).join(" | ");
        let _ = writeln!(text, "| {} | {} % | {cells} |", row.method, percent(row.fraction));
    }
    text
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub fn run(method: &str, fold: usize, auroc: f64) -> Run {
        Run {
            method: method.to_owned(),
            fraction: 0.1,
            fold,
            labelled: [6, 4],
            scores: vec![(0.2, false), (0.9, true)],
            threshold: Some(0.5),
            auroc: Some(auroc),
            auprc: Some(0.5),
            f1: None,
        }
    }

    #[test]
    fn tables_have_means_over_the_folds() {
        let runs = [
            run("none", 0, 0.6),
            run("none", 1, 0.8),
            run("dae", 0, 0.7),
            run("simclr", 1, 0.9),
            run("simclr", 0, 0.7),
        ];
        let table = markdown(&rows(&runs));
        assert!(table.contains("| none | 10 % | 0.700 ± 1.271 | 0.500 ± 0.000 | – | – |"), "{table}");
        assert!(table.contains("| dae | 10 % | 0.700 | 0.500 | – | 0.100 |"), "{table}");
        // Each fold is compared with itself.
        assert!(table.contains("| simclr | 10 % | 0.800 ± 1.271 | 0.500 ± 0.000 | – | 0.100 ± 0.000 |"), "{table}");
        assert!(csv(&runs).contains("\ndae,10,1,6,4,2,0.700000,0.500000,\n"), "{}", csv(&runs));
    }
}
