//! The attributes of one argument: `#[query(default = 10, ge = 1)]`, `#[header]`, `#[body(embed)]`.

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::{Expr, Ident, LitStr, Token};

use crate::distance::suggestion;

const SOURCES: [&str; 5] = ["query", "path", "header", "cookie", "body"];

const OPTIONS: [&str; 15] = [
    "default",
    "alias",
    "description",
    "example",
    "gt",
    "ge",
    "lt",
    "le",
    "multiple_of",
    "min_length",
    "max_length",
    "pattern",
    "embed",
    "deprecated",
    "hidden",
];

/// Where an argument is read from.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Source {
    Auto,
    Path,
    Query,
    Header,
    Cookie,
    Body,
}

/// What an argument attribute says.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) default: Option<Default>,
    pub(crate) alias: Option<LitStr>,
    pub(crate) description: Option<Expr>,
    pub(crate) example: Option<Expr>,
    pub(crate) bounds: Vec<(Ident, Expr)>,
    pub(crate) embed: bool,
    pub(crate) deprecated: bool,
    pub(crate) hidden: bool,
}

/// What an absent argument is.
pub(crate) enum Default {
    OfType,
    Is(Box<Expr>),
}

impl Parse for Options {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut options = Self::default();
        while !input.is_empty() {
            let name = input.call(Ident::parse_any)?;
            let value = || -> syn::Result<Expr> {
                input.parse::<Token![=]>()?;
                input.parse()
            };
            match name.to_string().as_str() {
                "default" if !input.peek(Token![=]) => options.default = Some(Default::OfType),
                "default" => options.default = Some(Default::Is(Box::new(value()?))),
                "alias" => {
                    input.parse::<Token![=]>()?;
                    options.alias = Some(input.parse()?);
                }
                "description" => options.description = Some(value()?),
                "example" => options.example = Some(value()?),
                "gt" | "ge" | "lt" | "le" | "multiple_of" | "min_length" | "max_length" | "pattern" => {
                    let bound = value()?;
                    options.bounds.push((name, bound));
                }
                "embed" => options.embed = true,
                "deprecated" => options.deprecated = true,
                "hidden" => options.hidden = true,
                other => {
                    let message = format!("unknown argument option `{other}`{}", suggestion(other, OPTIONS));
                    return Err(syn::Error::new(name.span(), message));
                }
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

/// The one source attribute of an argument, if it has one.
pub(crate) fn attribute(attributes: &[syn::Attribute]) -> syn::Result<(Option<(Source, Span)>, Options)> {
    let mut found = None;
    for attribute in attributes {
        let Some(source) = source_of(attribute) else {
            if attribute.path().is_ident("cfg") {
                let message =
                    "an argument is there or it is not: put `#[cfg]` on two versions of the function";
                return Err(syn::Error::new_spanned(attribute, message));
            }
            let known = ["doc", "allow", "expect", "warn", "deny", "forbid", "cfg_attr"]
                .iter()
                .any(|known| attribute.path().is_ident(known));
            if !known && let Some(name) = attribute.path().get_ident() {
                let name = name.to_string();
                let message = format!("unknown argument attribute `{name}`{}", suggestion(&name, SOURCES));
                return Err(syn::Error::new(attribute.path().span(), message));
            }
            continue;
        };
        if found.is_some() {
            return Err(syn::Error::new(attribute.span(), "an argument has one source"));
        }
        let options = match &attribute.meta {
            syn::Meta::Path(_) => Options::default(),
            syn::Meta::List(list) => list.parse_args()?,
            syn::Meta::NameValue(pair) => {
                return Err(syn::Error::new(
                    pair.span(),
                    "write the options in parentheses: `#[query(default = 10)]`",
                ));
            }
        };
        found = Some(((source, attribute.path().span()), options));
    }
    Ok(match found {
        Some((source, options)) => (Some(source), options),
        None => (None, Options::default()),
    })
}

pub(crate) fn source_of(attribute: &syn::Attribute) -> Option<Source> {
    Some(match attribute.path().get_ident()?.to_string().as_str() {
        "path" => Source::Path,
        "query" => Source::Query,
        "header" => Source::Header,
        "cookie" => Source::Cookie,
        "body" => Source::Body,
        _ => return None,
    })
}
