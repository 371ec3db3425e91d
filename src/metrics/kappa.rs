//! Agreement between readers beyond chance.

/// The quantile of the normal distribution at 97.5 %.
const Z_975: f64 = 1.959_963_984_540_054;

/// A coefficient of agreement: 1 is perfect, 0 what chance gives.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub struct Kappa {
    /// The coefficient.
    pub kappa: f64,
    /// Its 95 % confidence interval by the large-sample variance of Fleiss, Cohen and Everitt (1969).
    pub ci95: [f64; 2],
}

/// Cohen's kappa (1960) of a square table: row i, column j counts what the first reader called i and the second j. None of
/// an empty table, and where both use one category only, so that chance alone would agree always.
///
/// The same as `cohens_kappa` of statsmodels.
#[must_use]
pub fn cohen(table: &[Vec<u64>]) -> Option<Kappa> {
    let count: u64 = table.iter().flatten().sum();
    let n = count as f64;
    let size = table.len();
    if count == 0 || table.iter().any(|row| row.len() != size) {
        return None;
    }
    let p = |i: usize, j: usize| table[i][j] as f64 / n;
    let rows: Vec<f64> = (0..size).map(|i| (0..size).map(|j| p(i, j)).sum()).collect();
    let columns: Vec<f64> = (0..size).map(|j| (0..size).map(|i| p(i, j)).sum()).collect();
    let observed: f64 = (0..size).map(|i| p(i, i)).sum();
    let expected: f64 = rows.iter().zip(&columns).map(|(row, column)| row * column).sum();
    if 1.0 - expected < 1e-12 {
        return None;
    }
    let kappa = (observed - expected) / (1.0 - expected);
    let on: f64 = (0..size).map(|i| p(i, i) * (1.0 - (rows[i] + columns[i]) * (1.0 - kappa)).powi(2)).sum();
    let off: f64 = (0..size)
        .flat_map(|i| (0..size).map(move |j| (i, j)))
        .filter(|(i, j)| i != j)
        .map(|(i, j)| p(i, j) * (columns[i] + rows[j]).powi(2))
        .sum();
    let variance = (on + (1.0 - kappa).powi(2) * off - (kappa - expected * (1.0 - kappa)).powi(2))
        / ((1.0 - expected).powi(2) * n);
    let half = Z_975 * variance.max(0.0).sqrt();
    Some(Kappa { kappa, ci95: [kappa - half, kappa + half] })
}

/// Fleiss' kappa (1971) of cases that all have as many readings: row i counts how many readers put case i into each
/// category. None of no cases, of fewer than two readers, and where only one category is used.
///
/// The same as `fleiss_kappa` of statsmodels.
#[must_use]
pub fn fleiss(table: &[Vec<u64>]) -> Option<f64> {
    let readers: u64 = table.first()?.iter().sum();
    let categories = table.first()?.len();
    let uneven = |row: &Vec<u64>| row.len() != categories || row.iter().sum::<u64>() != readers;
    if readers < 2 || table.iter().any(uneven) {
        return None;
    }
    let (n, r) = (table.len() as f64, readers as f64);
    let share = |category: usize| table.iter().map(|row| row[category] as f64).sum::<f64>() / (n * r);
    let expected: f64 = (0..categories).map(|category| share(category).powi(2)).sum();
    let alike = |row: &Vec<u64>| {
        let squares: f64 = row.iter().map(|&count| (count as f64).powi(2)).sum();
        (squares - r) / (r * (r - 1.0))
    };
    let observed = table.iter().map(alike).sum::<f64>() / n;
    (1.0 - expected > 1e-12).then(|| (observed - expected) / (1.0 - expected))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn figures_are_those_of_statsmodels() {
        // statsmodels 0.15: cohens_kappa(table).kappa, .kappa_low, .kappa_upp
        let cases: [(Vec<Vec<u64>>, [f64; 3]); 3] = [
            (
                vec![vec![44, 5, 1], vec![7, 20, 3], vec![2, 4, 9]],
                [0.606_403_013_182_674_1, 0.466_436_765_906_724_6, 0.746_369_260_458_623_6],
            ),
            (
                vec![vec![10, 2], vec![3, 25]],
                [0.709_302_325_581_395_4, 0.472_913_621_179_429_03, 0.945_691_029_983_361_7],
            ),
            (
                vec![vec![1, 9, 0, 0], vec![3, 2, 0, 4], vec![0, 0, 8, 1], vec![2, 0, 0, 11]],
                [0.372_785_829_307_568_5, 0.175_789_371_919_559_54, 0.569_782_286_695_577_4],
            ),
        ];
        for (table, [kappa, low, high]) in cases {
            let found = cohen(&table).unwrap();
            let error = (found.kappa - kappa).abs().max((found.ci95[0] - low).abs()).max((found.ci95[1] - high).abs());
            assert!(error < 1e-9, "{table:?}: {found:?}");
        }
        let table = [[0, 0, 5], [1, 3, 1], [5, 0, 0], [2, 2, 1], [0, 4, 1], [3, 1, 1]].map(|row| row.to_vec());
        // statsmodels 0.15: fleiss_kappa(table)
        assert!((fleiss(&table).unwrap() - 0.347_826_086_956_521_8).abs() < 1e-9);
    }

    #[test]
    fn what_chance_alone_decides_has_no_kappa() {
        assert_eq!(cohen(&[vec![7, 0], vec![0, 0]]), None);
        assert_eq!(cohen(&[vec![0, 0], vec![0, 0]]), None);
        assert_eq!(cohen(&[]), None);
        let perfect = cohen(&[vec![5, 0], vec![0, 5]]).unwrap();
        assert_eq!((perfect.kappa, perfect.ci95), (1.0, [1.0, 1.0]));
        assert_eq!(fleiss(&[vec![3, 0], vec![3, 0]]), None);
        assert_eq!(fleiss(&[vec![3, 0], vec![2, 0]]), None, "one reader too few");
    }
}
