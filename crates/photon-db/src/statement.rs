//! What can be told of a statement from its text: whether it only reads.

/// Words that a reading statement does not have, outside of quotes.
const WRITING: [&str; 11] = [
    "insert", "update", "delete", "merge", "replace", "into", "for", "lock", "nextval", "setval", "get_lock",
];

/// Whether a statement only reads, so that a replica or a reader can answer it.
///
/// When in doubt it does not: `SELECT … FOR UPDATE`, common table expressions that write, and anything that is no
/// `SELECT` go to the primary. A function that writes cannot be told from one that reads; a replica refuses it.
pub(crate) fn only_reads(sql: &str) -> bool {
    let mut words = Words { rest: sql };
    match words.next() {
        Some(first) if is(first, "select") || is(first, "with") || is(first, "values") => {}
        _ => return false,
    }
    !words.any(|word| WRITING.iter().any(|writing| is(word, writing)) || word.starts_with("pg_advisory"))
}

/// Whether a statement may give tables other columns, or take them away.
pub(crate) fn changes_tables(sql: &str) -> bool {
    Words { rest: sql }.next().is_some_and(|first| is(first, "alter") || is(first, "drop"))
}

fn is(word: &str, keyword: &str) -> bool {
    word.eq_ignore_ascii_case(keyword)
}

/// The words of a statement, without what is in quotes and comments; a semicolon is a word.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Iterator for Words<'a> {
    type Item = &'a str;

    fn next(&mut self) -> Option<&'a str> {
        loop {
            let first = *self.rest.as_bytes().first()?;
            match first {
                b'\'' | b'"' | b'`' => self.skip_quoted(first),
                b'-' if self.rest.starts_with("--") => self.skip_past("\n"),
                b'/' if self.rest.starts_with("/*") => self.skip_past("*/"),
                _ if is_word_byte(first) => {
                    let end =
                        self.rest.bytes().position(|byte| !is_word_byte(byte)).unwrap_or(self.rest.len());
                    let (word, rest) = self.rest.split_at(end);
                    self.rest = rest;
                    return Some(word);
                }
                _ => self.rest = self.rest.get(1..).unwrap_or_default(),
            }
        }
    }
}

impl Words<'_> {
    /// A doubled quote inside begins a quoted part of its own, which comes to the same.
    fn skip_quoted(&mut self, quote: u8) {
        let end = self.rest.bytes().skip(1).position(|byte| byte == quote);
        self.rest = end.and_then(|end| self.rest.get(end + 2..)).unwrap_or_default();
    }

    fn skip_past(&mut self, end: &str) {
        self.rest = self.rest.split_once(end).map_or("", |(_, rest)| rest);
    }
}

/// Bytes beyond ASCII count as letters, so that characters are not cut.
fn is_word_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || !byte.is_ascii()
}

#[cfg(test)]
mod tests {
    use super::only_reads;

    #[test]
    fn reads_and_writes_are_told_apart() {
        for (sql, reads) in [
            ("SELECT 1", true),
            ("  select \"update\" FROM \"for\" WHERE name = 'delete from'", true),
            ("-- delete\nSELECT 'it''s for you'", true),
            ("/* update */ SELECT `insert` FROM t", true),
            ("WITH a AS (SELECT 1) SELECT * FROM a", true),
            ("VALUES (1)", true),
            ("WITH a AS (DELETE FROM t RETURNING id) SELECT * FROM a", false),
            ("SELECT * FROM t FOR UPDATE", false),
            ("SELECT * FROM t FOR SHARE", false),
            ("SELECT * INTO t2 FROM t", false),
            ("SELECT nextval('s')", false),
            ("SELECT pg_advisory_lock(1)", false),
            ("INSERT INTO t VALUES (1) RETURNING id", false),
            ("UPDATE t SET a = 1", false),
            ("PRAGMA foreign_keys", false),
            ("", false),
            ("SELECT 1; DELETE FROM t", false),
            ("SELECT 'ünïcödé' FROM größe", true),
        ] {
            assert_eq!(only_reads(sql), reads, "{sql}");
        }
    }
}
