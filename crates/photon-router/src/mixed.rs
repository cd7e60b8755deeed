//! Segments that mix text and parameters: `{name}.{ext}`, `v{major}`.

use photon_core::PathParams;

/// Text and parameters in turn, beginning and ending with a text that may be empty.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mixed {
    literals: Vec<String>,
    names: Vec<String>,
}

impl Mixed {
    /// `literals` are one more than `names`; those between two names are not empty.
    pub(crate) fn new(literals: Vec<String>, names: Vec<String>) -> Self {
        Self { literals, names }
    }

    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// The order in which segments are tried: most literal characters first, then the longest
    /// text at the beginning, then whatever makes the order the same on every start.
    pub(crate) fn rank(&self) -> impl Ord + use<'_> {
        use std::cmp::Reverse;
        (Reverse(self.literal_chars()), Reverse(self.literals[0].chars().count()), &self.literals)
    }

    /// Whether both match the same segments for the same reason.
    pub(crate) fn same_shape(&self, other: &Self) -> bool {
        self.literals == other.literals
    }

    /// Whether some segment matches both and neither has more literal characters.
    pub(crate) fn ties_with(&self, other: &Self) -> bool {
        self.literal_chars() == other.literal_chars() && overlap(&self.atoms(), &other.atoms())
    }

    pub(crate) fn matches(&self, segment: &str) -> bool {
        self.split(segment, |_, _| {})
    }

    /// Adds the parameters that `segment` gives, which matches.
    pub(crate) fn capture(&self, segment: &str, params: &mut PathParams) {
        // Values are found from right to left and handed on from left to right. There are two or
        // three of them, so splitting again for each one is cheaper than a place to keep them.
        for (wanted, name) in self.names.iter().enumerate() {
            self.split(segment, |index, value| {
                if index == wanted {
                    params.push(name, value);
                }
            });
        }
    }

    // Earlier parameters take as much as they can, so that `{name}.{ext}` reads "a.tar.gz" as
    // "a.tar" and "gz". Looking for each text from the right finds exactly that, without a second
    // try: the further right a text is found, the more is left for what stands before it.
    fn split<'a>(&self, segment: &'a str, mut found: impl FnMut(usize, &'a str)) -> bool {
        let (prefix, suffix) = (self.literals[0].as_str(), self.literals[self.names.len()].as_str());
        let Some(mut rest) = segment.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(suffix)) else {
            return false;
        };
        for index in (1..self.names.len()).rev() {
            let literal = self.literals[index].as_str();
            // The value behind the text has at least one character.
            let Some((last, _)) = rest.char_indices().next_back() else { return false };
            let Some(start) = rest[..last].rfind(literal) else { return false };
            found(index, &rest[start + literal.len()..]);
            rest = &rest[..start];
        }
        found(0, rest);
        !rest.is_empty()
    }

    fn literal_chars(&self) -> usize {
        self.literals.iter().map(|literal| literal.chars().count()).sum()
    }

    // A parameter is one character and then any number of them.
    fn atoms(&self) -> Vec<Atom> {
        let mut atoms = Vec::new();
        for (index, literal) in self.literals.iter().enumerate() {
            if index > 0 {
                atoms.extend([Atom::One, Atom::Many]);
            }
            atoms.extend(literal.chars().map(Atom::Char));
        }
        atoms
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Atom {
    Char(char),
    One,
    Many,
}

// Whether some text matches both patterns. `row[j]` says whether what follows the current atom of
// `a` and the j-th of `b` has a text in common; the rows are filled from the end.
fn overlap(a: &[Atom], b: &[Atom]) -> bool {
    let mut below = vec![false; b.len() + 1];
    for i in (0..=a.len()).rev() {
        let mut row = vec![false; b.len() + 1];
        for j in (0..=b.len()).rev() {
            row[j] = match (a.get(i), b.get(j)) {
                (None, None) => true,
                (Some(Atom::Many), None) => below[j],
                (None, Some(Atom::Many)) => row[j + 1],
                (Some(_), None) | (None, Some(_)) => false,
                (Some(Atom::Many), Some(_)) | (Some(_), Some(Atom::Many)) => below[j] || row[j + 1],
                (Some(Atom::Char(x)), Some(Atom::Char(y))) => x == y && below[j + 1],
                (Some(_), Some(_)) => below[j + 1],
            };
        }
        below = row;
    }
    below[0]
}
