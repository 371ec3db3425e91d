//! Otsu's threshold: the grey that best separates dark from bright.

/// The threshold that maximises the variance between the two classes of a 256-bin histogram over
/// the finite values' range (Otsu 1979); the centre of the last dark bin. None when all values are equal.
#[must_use]
pub fn threshold(values: &[f32]) -> Option<f32> {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let low = finite().min_by(f32::total_cmp)?;
    let high = finite().max_by(f32::total_cmp)?;
    let width = (high - low) / 256.0;
    if width <= 0.0 || !width.is_finite() {
        return None;
    }
    let mut counts = [0_u64; 256];
    for v in finite() {
        counts[(((v - low) / width) as usize).min(255)] += 1;
    }
    let total: u64 = counts.iter().sum();
    let moment: f64 = counts.iter().enumerate().map(|(bin, &n)| bin as f64 * n as f64).sum();
    let (mut dark, mut dark_moment, mut best, mut best_bin) = (0_u64, 0.0, 0.0, 0);
    for (bin, &n) in counts.iter().enumerate().take(255) {
        dark += n;
        dark_moment += bin as f64 * n as f64;
        let bright = total - dark;
        if dark == 0 || bright == 0 {
            continue;
        }
        let gap = dark_moment / dark as f64 - (moment - dark_moment) / bright as f64;
        let between = dark as f64 * bright as f64 * gap * gap;
        if between > best {
            (best, best_bin) = (between, bin);
        }
    }
    Some(low + (best_bin as f32 + 0.5) * width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_clusters_are_separated_and_a_constant_has_no_threshold() {
        let values: Vec<f32> = (0..100).map(|i| if i < 70 { (i % 7) as f32 } else { 90.0 + (i % 5) as f32 }).collect();
        let t = threshold(&values).unwrap_or(f32::NAN);
        assert!((6.0..90.0).contains(&t), "{t}");
        assert_eq!(threshold(&[2.0; 9]), None);
        assert_eq!(threshold(&[f32::NAN]), None);
    }
}
