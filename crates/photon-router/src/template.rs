//! Path templates: what stands between two slashes of `/files/{name}.{ext}`, and what it matches.
//!
//! No regular expressions: a segment is text, a parameter, or text and parameters mixed.

use std::fmt;

use photon_core::PathParams;

use crate::mixed::Mixed;
use crate::percent;

// Matching recurses once per segment of a template.
const MAX_SEGMENTS: usize = 100;

/// A path template, taken apart.
#[derive(Debug, Clone)]
pub(crate) struct Template {
    pub(crate) text: String,
    pub(crate) segments: Vec<Segment>,
}

/// What may stand between two slashes of a template. All text is percent-decoded.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Segment {
    Static(String),
    Mixed(Mixed),
    Param(String),
    CatchAll(String),
}

/// Why a text is not a path template.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TemplateError {
    /// It does not begin with `/`.
    NoLeadingSlash,
    /// A brace has no partner, or stands inside other braces.
    Braces,
    /// A parameter has no name.
    EmptyName,
    /// Two parameters have this name.
    RepeatedName(String),
    /// A colon in a parameter's name, as in other frameworks' `{id:int}`.
    Converter(String),
    /// Nothing separates two parameters of this segment.
    Adjacent(String),
    /// An escape in this segment is malformed, or stands for bytes that are not UTF-8 or are NUL.
    Escape(String),
    /// It holds `?` or `#`, which end a path.
    NotAPath,
    /// The parameter that takes the rest of the path is not the whole last segment.
    CatchAll(String),
    /// It has more than 100 segments.
    TooLong,
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoLeadingSlash => f.write_str("it must begin with a slash"),
            Self::Braces => f.write_str("its braces do not match up"),
            Self::EmptyName => f.write_str("a parameter in it has no name"),
            Self::RepeatedName(name) => write!(f, "two of its parameters are called {name:?}"),
            Self::Converter(name) => write!(
                f,
                "the parameter name {name:?} holds a colon; types belong in the parameter's schema, and a \
                 parameter that takes the rest of the path is marked \"x-photon-catch-all\": true"
            ),
            Self::Adjacent(segment) => write!(f, "nothing separates the parameters of {segment:?}"),
            Self::Escape(segment) => write!(f, "a percent escape in {segment:?} is malformed"),
            Self::NotAPath => f.write_str("it holds '?' or '#', which end a path"),
            Self::CatchAll(name) => {
                write!(f, "the catch-all parameter {name:?} must be the whole last segment")
            }
            Self::TooLong => write!(f, "it has more than {MAX_SEGMENTS} segments"),
        }
    }
}

impl Template {
    /// Takes `text` apart; `catch_all` names the parameter that takes the rest of the path.
    pub(crate) fn parse(text: &str, catch_all: Option<&str>) -> Result<Self, TemplateError> {
        let path = text.strip_prefix('/').ok_or(TemplateError::NoLeadingSlash)?;
        if path.contains(['?', '#']) {
            return Err(TemplateError::NotAPath);
        }
        let mut segments = path.split('/').map(segment).collect::<Result<Vec<_>, _>>()?;
        if segments.len() > MAX_SEGMENTS {
            return Err(TemplateError::TooLong);
        }
        if let Some(name) = catch_all {
            match segments.last_mut() {
                Some(last) if *last == Segment::Param(name.into()) => *last = Segment::CatchAll(name.into()),
                _ => return Err(TemplateError::CatchAll(name.into())),
            }
        }
        let template = Self { text: text.into(), segments };
        let names: Vec<&str> = template.names().collect();
        for (index, name) in names.iter().enumerate() {
            if names[..index].contains(name) {
                return Err(TemplateError::RepeatedName((*name).into()));
            }
        }
        Ok(template)
    }

    /// The parameters' names, in order.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.segments.iter().flat_map(|segment| {
            let names: &[String] = match segment {
                Segment::Static(_) => &[],
                Segment::Mixed(mixed) => mixed.names(),
                Segment::Param(name) | Segment::CatchAll(name) => std::slice::from_ref(name),
            };
            names.iter().map(String::as_str)
        })
    }

    /// The one path that the template matches, if it can be compared with a path as it came.
    pub(crate) fn fixed(&self) -> Option<String> {
        let mut path = String::new();
        for segment in &self.segments {
            match segment {
                Segment::Static(text) if !text.contains(['/', '%']) => {
                    path.push('/');
                    path.push_str(text);
                }
                _ => return None,
            }
        }
        Some(path)
    }

    /// Whether a segment mixes text and parameters.
    pub(crate) fn is_mixed(&self) -> bool {
        self.segments.iter().any(|segment| matches!(segment, Segment::Mixed(_)))
    }

    /// Whether some path matches both templates and neither is the more specific one.
    pub(crate) fn ties_with(&self, other: &Self) -> bool {
        self.segments.len() == other.segments.len()
            && self.segments.iter().zip(&other.segments).all(|pair| match pair {
                (Segment::Static(a), Segment::Static(b)) => a == b,
                (Segment::Mixed(a), Segment::Mixed(b)) => a.ties_with(b),
                (Segment::Param(_), Segment::Param(_)) | (Segment::CatchAll(_), Segment::CatchAll(_)) => true,
                _ => false,
            })
    }

    /// Adds the parameters that `path` gives, which matches the template and stands without its
    /// first separator.
    pub(crate) fn capture(&self, path: &str, separator: u8, params: &mut PathParams) {
        let mut rest = path;
        for segment in &self.segments {
            let (here, tail) = split_segment(rest, separator);
            match segment {
                Segment::Static(_) => {}
                Segment::Mixed(mixed) => mixed.capture(here, params),
                Segment::Param(name) => params.push(name, here),
                Segment::CatchAll(name) if separator == b'/' => params.push(name, rest),
                Segment::CatchAll(name) => params.push(name, &rest.replace(char::from(separator), "/")),
            }
            rest = tail.unwrap_or_default();
        }
    }
}

/// The first segment of a path and what follows the separator, which is an ASCII character.
///
/// Segments are a few bytes long, and so this is faster than a search made for long texts.
pub(crate) fn split_segment(path: &str, separator: u8) -> (&str, Option<&str>) {
    match path.bytes().position(|byte| byte == separator) {
        Some(end) => (&path[..end], Some(&path[end + 1..])),
        None => (path, None),
    }
}

fn segment(text: &str) -> Result<Segment, TemplateError> {
    let decode =
        |part: &str| percent::decode(part).map(String::from).map_err(|_| TemplateError::Escape(text.into()));
    let mut literals = Vec::new();
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((literal, after)) = rest.split_once('{') {
        let (name, after) = after.split_once('}').ok_or(TemplateError::Braces)?;
        if literal.contains('}') || name.contains('{') {
            return Err(TemplateError::Braces);
        }
        if name.is_empty() {
            return Err(TemplateError::EmptyName);
        }
        if name.contains(':') {
            return Err(TemplateError::Converter(name.into()));
        }
        if literal.is_empty() && !names.is_empty() {
            return Err(TemplateError::Adjacent(text.into()));
        }
        literals.push(decode(literal)?);
        names.push(name.to_owned());
        rest = after;
    }
    if rest.contains('}') {
        return Err(TemplateError::Braces);
    }
    literals.push(decode(rest)?);
    Ok(match names.len() {
        0 => Segment::Static(literals.remove(0)),
        1 if literals.iter().all(String::is_empty) => Segment::Param(names.remove(0)),
        _ => Segment::Mixed(Mixed::new(literals, names)),
    })
}

/// Takes the `:path` of a last segment such as `{path:path}` off, as an application's code writes
/// a parameter that takes the rest of the path.
///
/// Gives the template as a document has it and the name of that parameter. In the document, the
/// parameter then carries the extension `"x-photon-catch-all": true`.
///
/// ```
/// use photon_router::split_catch_all;
///
/// assert_eq!(split_catch_all("/files/{name:path}"), ("/files/{name}".into(), Some("name".into())));
/// assert_eq!(split_catch_all("/files/{name}"), ("/files/{name}".into(), None));
/// ```
#[must_use]
pub fn split_catch_all(template: &str) -> (String, Option<String>) {
    let last = template.rfind('/').map_or(0, |slash| slash + 1);
    match template[last..].strip_prefix('{').and_then(|name| name.strip_suffix(":path}")) {
        Some(name) => (format!("{}{{{name}}}", &template[..last]), Some(name.to_owned())),
        None => (template.to_owned(), None),
    }
}
