//! A Rust source file with its code and its comments apart, line for line.
//!
//! The rules look for words such as `unsafe`, which are harmless in a comment or a string. This is
//! a scanner and not a parser: it knows comments, strings and character literals, and nothing else.

/// One source file. `code` and `comments` have exactly the lines of the file.
#[derive(Debug)]
pub(crate) struct Source {
    /// The file with every comment and the inside of every literal blanked.
    pub(crate) code: String,
    /// The file with everything but its comments blanked.
    pub(crate) comments: String,
}

impl Source {
    pub(crate) fn new(text: &str) -> Self {
        let mut scanner = Scanner {
            chars: text.chars().collect(),
            at: 0,
            source: Self { code: String::with_capacity(text.len()), comments: String::new() },
        };
        while scanner.at < scanner.chars.len() {
            scanner.step();
        }
        scanner.source
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Code,
    Comment,
    Literal,
}

struct Scanner {
    chars: Vec<char>,
    at: usize,
    source: Source,
}

impl Scanner {
    /// Consumes one comment, one literal or one character of code.
    fn step(&mut self) {
        match (self.peek(0), self.peek(1)) {
            ('/', '/') => self.line_comment(),
            ('/', '*') => self.block_comment(),
            ('"', _) => self.string(),
            ('\'', next) => self.quote(next),
            (c, _) if c == '_' || c.is_alphanumeric() => self.word(),
            _ => self.take(1, Kind::Code),
        }
    }

    fn peek(&self, ahead: usize) -> char {
        self.chars.get(self.at + ahead).copied().unwrap_or('\0')
    }

    fn take(&mut self, count: usize, kind: Kind) {
        for _ in 0..count {
            let Some(&c) = self.chars.get(self.at) else { return };
            let blank = if c == '\n' { '\n' } else { ' ' };
            self.source.code.push(if kind == Kind::Code { c } else { blank });
            self.source.comments.push(if kind == Kind::Comment { c } else { blank });
            self.at += 1;
        }
    }

    fn line_comment(&mut self) {
        while self.at < self.chars.len() && self.peek(0) != '\n' {
            self.take(1, Kind::Comment);
        }
    }

    /// Block comments nest.
    fn block_comment(&mut self) {
        let mut depth = 0;
        while self.at < self.chars.len() {
            match (self.peek(0), self.peek(1)) {
                ('/', '*') => depth += 1,
                ('*', '/') => depth -= 1,
                _ => {
                    self.take(1, Kind::Comment);
                    continue;
                }
            }
            self.take(2, Kind::Comment);
            if depth == 0 {
                return;
            }
        }
    }

    fn string(&mut self) {
        self.take(1, Kind::Code);
        while self.at < self.chars.len() {
            match self.peek(0) {
                '\\' => self.take(2, Kind::Literal),
                '"' => return self.take(1, Kind::Code),
                _ => self.take(1, Kind::Literal),
            }
        }
    }

    /// `'a'` and `'\n'` are characters; `'a` is a lifetime.
    fn quote(&mut self, next: char) {
        self.take(1, Kind::Code);
        if next == '\\' {
            self.take(2, Kind::Literal);
            while self.at < self.chars.len() && self.peek(0) != '\'' {
                self.take(1, Kind::Literal);
            }
            self.take(1, Kind::Code);
        } else if self.peek(1) == '\'' {
            self.take(1, Kind::Literal);
            self.take(1, Kind::Code);
        }
    }

    /// A word, which may be the prefix of a raw string: `r"…"`, `br#"…"#`, `cr"…"`.
    fn word(&mut self) {
        let start = self.at;
        while self.peek(0) == '_' || self.peek(0).is_alphanumeric() {
            self.take(1, Kind::Code);
        }
        let word: String = self.chars[start..self.at].iter().collect();
        if !matches!(word.as_str(), "r" | "br" | "cr") {
            return;
        }
        let mut hashes = 0;
        while self.peek(hashes) == '#' {
            hashes += 1;
        }
        if self.peek(hashes) == '"' {
            self.take(hashes + 1, Kind::Code);
            while self.at < self.chars.len() && !self.closes_raw(hashes) {
                self.take(1, Kind::Literal);
            }
            self.take(hashes + 1, Kind::Code);
        }
    }

    fn closes_raw(&self, hashes: usize) -> bool {
        self.peek(0) == '"' && (1..=hashes).all(|ahead| self.peek(ahead) == '#')
    }
}

/// The words of one line of code with what follows each.
pub(crate) fn words(line: &str) -> impl Iterator<Item = (&str, &str)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let is_word = |c: char| c == '_' || c.is_alphanumeric();
        rest = &rest[rest.find(is_word)?..];
        let (word, after) = rest.split_at(rest.find(|c| !is_word(c)).unwrap_or(rest.len()));
        rest = after;
        Some((word, after))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, code: &str, comments: &str) {
        let source = Source::new(text);
        assert_eq!(source.code, code, "code of {text:?}");
        assert_eq!(source.comments, comments, "comments of {text:?}");
    }

    #[test]
    fn comments_leave_the_code() {
        check("a // b\nc", "a     \nc", "  // b\n ");
        check("a /* b /* c */ d */ e", "a                   e", "  /* b /* c */ d */  ");
        check("//! x", "     ", "//! x");
    }

    #[test]
    fn literals_are_blanked_and_are_no_comments() {
        check(r#"a("// b") c"#, r#"a("    ") c"#, "           ");
        check(r#""\"x" y"#, r#""   " y"#, "       ");
        check("r#\"a\" b\"# c", "r#\"    \"# c", "           ");
        check("br\"\\\" c", "br\" \" c", "       ");
        check("'\"' a '\\'' b", "' ' a '  ' b", "            ");
    }

    #[test]
    fn lifetimes_are_code() {
        check("&'a str, 'b: loop", "&'a str, 'b: loop", "                 ");
        check("f::<'a>('b')", "f::<'a>(' ')", "            ");
    }

    #[test]
    fn raw_identifiers_are_code() {
        check("r#type \"x\"", "r#type \" \"", "          ");
    }

    #[test]
    fn lines_are_kept() {
        let text = "a\n/* b\nc */ \"d\ne\" r\"\n\"\n// f\n";
        let source = Source::new(text);
        assert_eq!(source.code.lines().count(), text.lines().count());
        assert_eq!(source.comments.lines().count(), text.lines().count());
    }

    #[test]
    fn words_come_with_what_follows() {
        let found: Vec<_> = words("use may::go;").collect();
        assert_eq!(found, [("use", " may::go;"), ("may", "::go;"), ("go", ";")]);
    }
}
