//! Percentiles as NumPy defines them, and the rescaling of intensities that builds on them.

/// The `percents` (0 to 100) of the finite values, linearly interpolated between order statistics
/// (NumPy's default method). All zero when no value is finite.
#[must_use]
pub fn percentiles<const N: usize>(values: &[f32], percents: [f64; N]) -> [f64; N] {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let mut counts = vec![0_usize; 1 << 16];
    finite().for_each(|v| counts[bin(v)] += 1);
    let Some(last) = counts.iter().sum::<usize>().checked_sub(1) else { return [0.0; N] };
    // The value that so many are below: only those of its bin need be looked at.
    let at = |rank: usize| {
        let mut before = 0;
        let own = counts.iter().position(|&count| {
            before += count;
            before > rank
        });
        let own = own.unwrap_or(counts.len() - 1);
        let mut alike: Vec<f32> = finite().filter(|&v| bin(v) == own).collect();
        let rank = rank - (before - alike.len());
        f64::from(*alike.select_nth_unstable_by(rank, f32::total_cmp).1)
    };
    percents.map(|percent| {
        let rank = percent.clamp(0.0, 100.0) / 100.0 * last as f64;
        let below = rank.floor() as usize;
        let (low, high) = (at(below), at((below + 1).min(last)));
        low + (high - low) * (rank - below as f64)
    })
}

/// One of 65 536 bins, which are in the order of their values.
fn bin(value: f32) -> usize {
    let bits = value.to_bits();
    let ordered = if value.is_sign_negative() { !bits } else { bits | 1 << 31 };
    (ordered >> 16) as usize
}

/// Clips to the 1st and 99th percentile and maps these linearly to 0 and 1
/// (torchio `RescaleIntensity(out=(0, 1), percentiles=(1, 99))`). Values that are not finite become 0;
/// a constant input becomes all zero. Gives the two percentiles.
pub fn rescale_1_99(values: &mut [f32]) -> [f64; 2] {
    let [low, high] = percentiles(values, [1.0, 99.0]);
    let span = high - low;
    for v in values {
        let clipped = f64::from(*v).clamp(low, high);
        *v = if v.is_finite() && span > 0.0 { ((clipped - low) / span) as f32 } else { 0.0 };
    }
    [low, high]
}

/// The percentage of `sorted` (ascending) values that are below `value`; ties count half.
#[must_use]
pub fn rank_percent(sorted: &[f64], value: f64) -> f64 {
    if sorted.is_empty() {
        return f64::NAN;
    }
    let below = sorted.partition_point(|&v| v < value);
    let up_to = sorted.partition_point(|&v| v <= value);
    50.0 * (below + up_to) as f64 / sorted.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_interpolate_like_numpy() {
        // numpy.percentile([4, 1, 3, 2], [0, 25, 50, 90, 100])
        assert_eq!(
            percentiles(&[4.0, 1.0, f32::NAN, 3.0, 2.0], [0.0, 25.0, 50.0, 90.0, 100.0]),
            [1.0, 1.75, 2.5, 3.7, 4.0]
        );
        assert_eq!(percentiles(&[f32::NAN], [50.0]), [0.0]);
        // Of both signs and nearly equal: numpy.percentile([-2, -1, 1, 1 + 2**-20, 1 + 2**-19], [10, 50, 80])
        let values = [1.0 + 2.0_f32.powi(-19), -1.0, 1.0, -2.0, 1.0 + 2.0_f32.powi(-20)];
        let expected = [-1.6, 1.0, 1.0 + 1.2 * 2.0_f64.powi(-20)];
        for (ours, numpy) in percentiles(&values, [10.0, 50.0, 80.0]).into_iter().zip(expected) {
            assert!((ours - numpy).abs() < 1e-12, "{ours} {numpy}");
        }
    }

    #[test]
    fn rescaling_maps_the_percentiles_to_zero_and_one() {
        let mut values: Vec<f32> = (0..=100).map(|v| v as f32).collect();
        assert_eq!(rescale_1_99(&mut values), [1.0, 99.0]);
        assert_eq!((values[0], values[1], values[99], values[100]), (0.0, 0.0, 1.0, 1.0));
        assert!((values[50] - 0.5).abs() < 1e-6);
        let mut flat = [3.0, 3.0, f32::NAN];
        rescale_1_99(&mut flat);
        assert_eq!(flat, [0.0; 3]);
    }

    #[test]
    fn ranks_count_ties_half() {
        let normals = [1.0, 2.0, 2.0, 4.0];
        assert_eq!(rank_percent(&normals, 0.5), 0.0);
        assert_eq!(rank_percent(&normals, 2.0), 50.0);
        assert_eq!(rank_percent(&normals, 9.0), 100.0);
    }
}
