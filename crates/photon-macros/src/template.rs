//! Path templates as route attributes write them: `/items/{id}`, `/files/{path:path}`.

use syn::ext::IdentExt;
use syn::parse::Parser;
use syn::{Ident, LitStr};

/// The parameter names of a template, in order.
///
/// The router checks templates too, at launch; here a mistake is a compile error at its place.
pub(crate) fn parameters(path: &LitStr) -> syn::Result<Vec<String>> {
    let text = path.value();
    let error = |message: String| Err(syn::Error::new(path.span(), message));
    if !text.starts_with('/') {
        return error(format!("a path starts with `/`: write \"/{text}\""));
    }
    if let Some(char) = text.chars().find(|char| matches!(char, '?' | '#') || char.is_whitespace()) {
        return error(format!(
            "a path template holds no {char:?}; query parameters are arguments of the function"
        ));
    }
    if let Some(name) = text.split('/').find_map(|segment| segment.strip_prefix([':', '*'])) {
        return error(format!(
            "a parameter is written `{{{name}}}`, and `{{{name}:path}}` if it takes all that follows"
        ));
    }
    let mut names = Vec::new();
    let mut rest = text.as_str();
    while let Some(open) = rest.find(['{', '}']) {
        if rest[open..].starts_with('}') {
            return error(format!("`}}` without `{{` in {text:?}"));
        }
        let after = &rest[open + 1..];
        let Some(close) = after.find(['{', '}']).filter(|close| after[*close..].starts_with('}')) else {
            return error(format!("`{{` without `}}` in {text:?}"));
        };
        let (name, kind) = after[..close].split_once(':').unwrap_or((&after[..close], ""));
        rest = &after[close + 1..];
        // `{type}` is for an argument called `r#type`.
        if Ident::parse_any.parse_str(name).is_err() {
            return error(format!(
                "`{{{name}}}` is no parameter name; it has to be one that a Rust argument can have"
            ));
        }
        match kind {
            "" => {}
            "path" if rest.is_empty() => {}
            "path" => {
                return error(format!("`{{{name}:path}}` takes all that follows, so it has to be last"));
            }
            _ => {
                return error(format!(
                    "`{{{name}:{kind}}}`: the type comes from the argument; only `:path` is written here"
                ));
            }
        }
        if names.iter().any(|known| known == name) {
            return error(format!("`{{{name}}}` is there twice"));
        }
        names.push(name.to_owned());
    }
    Ok(names)
}
