//! The name that somebody may have meant.

/// How alike a name is at least to be proposed, of 1.
const ALIKE: f32 = 0.65;

/// Returns the one of some names that is most like a name, whatever the case of their letters, if any is like it at all.
pub fn nearest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let name = name.to_lowercase();
    let likeness = |other: &str| similar::TextDiff::from_chars(other.to_lowercase().as_str(), name.as_str()).ratio();
    let rated = names.into_iter().map(|other| (likeness(other), other));
    let (likeness, best) = rated.max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    (likeness > ALIKE).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_near_is_proposed_and_nothing_else() {
        let names = ["KEEPSTEP_URL", "KEEPSTEP_TIMEOUT", "target"];
        assert_eq!(nearest("KEEPSTEP_TIME_OUT", names), Some("KEEPSTEP_TIMEOUT"));
        assert_eq!(nearest("Tagret", names), Some("target"));
        assert_eq!(nearest("persona", names), None);
        assert_eq!(nearest("x", []), None);
    }
}
