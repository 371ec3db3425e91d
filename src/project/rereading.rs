//! Second readings: whoever labels cases again without seeing what he said of them before is, for the project, a rater of his
//! own. His labels are compared with his first ones, which tells how far he agrees with himself, and count nowhere else.

const ENDING: &str = " (second reading)";

/// What a rater is called while he reads for the second time.
#[must_use]
pub fn second_reading(rater: &str) -> String {
    format!("{rater}{ENDING}")
}

/// Whose second reading this is; none of a first one.
#[must_use]
pub fn first_reading(rater: &str) -> Option<&str> {
    rater.strip_suffix(ENDING)
}

/// Whether a first and another rater are to be compared: two of first readings, or the two readings of one.
pub(super) fn comparable(rater: &str, other: &str) -> bool {
    match (first_reading(rater), first_reading(other)) {
        (None, None) => rater != other,
        (Some(first), None) => first == other,
        (None, Some(first)) => first == rater,
        (Some(_), Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_reading_is_compared_with_the_first_of_the_same_rater_alone() {
        let again = second_reading("anna");
        assert_eq!((first_reading(&again), first_reading("anna")), (Some("anna"), None));
        assert!(comparable("anna", &again) && comparable(&again, "anna") && comparable("anna", "ben"));
        assert!(!comparable("ben", &again) && !comparable(&again, &second_reading("ben")) && !comparable("ben", "ben"));
    }
}
