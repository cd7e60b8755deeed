//! "Did you mean": the closest of some names, for error messages.

/// The closest of `candidates` to `name`, if one is close enough to be meant.
pub(crate) fn closest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = candidates.into_iter().map(|candidate| (distance(name, candidate), candidate));
    let (steps, candidate) = scored.min_by_key(|(steps, _)| *steps)?;
    let meant = steps <= 1 + name.len().min(candidate.len()) / 3 || candidate.ends_with(&format!("_{name}"));
    meant.then_some(candidate)
}

/// `; did you mean `x`?`, or nothing.
pub(crate) fn suggestion<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> String {
    closest(name, candidates).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default()
}

/// Levenshtein's distance.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, left) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, other) in right.iter().enumerate() {
            let substitution = diagonal + usize::from(left != *other);
            diagonal = row[column + 1];
            row[column + 1] = substitution.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn close_names_are_found() {
        assert_eq!(closest("iten_id", ["item_id", "q"]), Some("item_id"));
        assert_eq!(closest("id", ["item_id"]), Some("item_id"));
        assert_eq!(closest("store", ["item_id"]), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
