//! The tree agrees with a naive matcher over generated tables and paths.

use crate::table::{outcome, try_router};

/// A small generator (xorshift64*); the tables it makes are the same on every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 33) as usize % bound
    }

    fn pick<'a>(&mut self, choices: &[&'a str]) -> &'a str {
        choices[self.below(choices.len())]
    }
}

/// One segment of a template as the naive matcher sees it: lower ranks are more specific.
fn rank(segment: &str) -> (u8, std::cmp::Reverse<usize>, std::cmp::Reverse<usize>) {
    use std::cmp::Reverse;
    let literals = literals(segment);
    let literal: usize = literals.iter().map(|text| text.chars().count()).sum();
    match segment {
        _ if !segment.contains('{') => (0, Reverse(0), Reverse(0)),
        _ if segment.ends_with(":path}") => (3, Reverse(0), Reverse(0)),
        _ if literal == 0 => (2, Reverse(0), Reverse(0)),
        _ => (1, Reverse(literal), Reverse(literals[0].chars().count())),
    }
}

/// The text around the parameters.
fn literals(segment: &str) -> Vec<&str> {
    segment
        .split('{')
        .enumerate()
        .map(|(i, s)| if i == 0 { s } else { s.split_once('}').unwrap().1 })
        .collect()
}

/// All values of the parameters that let texts and parameters make up `text`, the longest first.
fn fits(literals: &[&str], text: &str) -> Option<Vec<String>> {
    let rest = text.strip_prefix(literals[0])?;
    if literals.len() == 1 {
        return rest.is_empty().then(Vec::new);
    }
    let mut ends: Vec<usize> = rest.char_indices().map(|(i, c)| i + c.len_utf8()).collect();
    ends.reverse();
    ends.into_iter().find_map(|end| {
        let mut values = fits(&literals[1..], &rest[end..])?;
        values.insert(0, rest[..end].to_owned());
        Some(values)
    })
}

/// The most specific template that matches, with its values, by looking at all of them.
fn naive(templates: &[String], path: &str) -> Option<(String, Vec<String>)> {
    let segments: Vec<&str> = path[1..].split('/').collect();
    let mut best: Option<(Vec<_>, String, Vec<String>)> = None;
    for template in templates {
        let parts: Vec<&str> = template[1..].split('/').collect();
        let catch_all = template.ends_with(":path}");
        if parts.len() > segments.len() || (!catch_all && parts.len() != segments.len()) {
            continue;
        }
        let mut values = Vec::new();
        let matches = parts.iter().enumerate().all(|(index, part)| {
            let text = if part.ends_with(":path}") {
                segments[index..].join("/")
            } else {
                segments[index].to_owned()
            };
            fits(&literals(part), &text).map(|found| values.extend(found)).is_some()
        });
        let ranks: Vec<_> = parts.iter().map(|part| (rank(part), literals(part).join("{"))).collect();
        if matches && best.as_ref().is_none_or(|(found, ..)| ranks < *found) {
            best = Some((ranks, template.clone(), values));
        }
    }
    best.map(|(_, template, values)| (template, values))
}

fn template(random: &mut Random) -> String {
    let mut template = String::new();
    let depth = 1 + random.below(4);
    for index in 0..depth {
        let kinds: &[&str] = if index + 1 == depth {
            &["a", "b", "ab", "", "{P}", "{P}", "a{P}", "{P}b", "{P}-{Q}", "{P:path}"]
        } else {
            &["a", "b", "ab", "{P}", "{P}", "a{P}", "{P}b", "{P}-{Q}", "a{P}b"]
        };
        template.push('/');
        template += &random.pick(kinds).replace('P', &format!("p{index}")).replace('Q', &format!("q{index}"));
    }
    template
}

#[test]
fn the_tree_agrees_with_a_naive_matcher() {
    let mut random = Random(0x5EED);
    let (mut found, mut missed) = (0, 0);
    for _ in 0..400 {
        // Templates that tie with an earlier one are left out, as the router demands.
        let mut table: Vec<String> = Vec::new();
        for _ in 0..random.below(12) + 1 {
            table.push(template(&mut random));
            if try_router(&table.iter().map(String::as_str).collect::<Vec<_>>()).is_err()
                || table[..table.len() - 1].contains(&table[table.len() - 1])
            {
                table.pop();
            }
        }
        let names: Vec<&str> = table.iter().map(String::as_str).collect();
        let router = try_router(&names).unwrap();
        for _ in 0..200 {
            let mut path = String::new();
            for _ in 0..1 + random.below(4) {
                path.push('/');
                path +=
                    random.pick(&["a", "b", "ab", "", "c", "a-b", "aab", "a-", "-", "-b-b", "abb", "é-b"]);
            }
            let expected = naive(&table, &path);
            let actual = outcome(&router, &path);
            match expected {
                Some((template, values)) => {
                    found += 1;
                    let got: Vec<&str> = actual.split(' ').collect();
                    assert_eq!(got[0], template, "{path} among {table:?}");
                    let got: Vec<&str> =
                        got[1..].iter().map(|pair| pair.split_once('=').unwrap().1).collect();
                    assert_eq!(got, values, "{path} in {template}");
                }
                None => {
                    missed += 1;
                    assert!(
                        actual == "404" || actual.starts_with("307 "),
                        "{path} among {table:?}: {actual}"
                    );
                }
            }
        }
    }
    assert!(found > 10_000 && missed > 10_000, "{found} found, {missed} missed");
}
