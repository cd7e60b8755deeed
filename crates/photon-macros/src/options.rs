//! The options of a route attribute: `#[get("/path", tags = ["items"], status = 201, errors(404))]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Ident, Lit, LitInt, LitStr, Token, parenthesized};

use crate::distance::suggestion;

const KNOWN: [&str; 12] = [
    "method",
    "path",
    "tags",
    "status",
    "errors",
    "summary",
    "description",
    "operation_id",
    "response_description",
    "deprecated",
    "hidden",
    "include_in_schema",
];

/// What a route attribute says.
#[derive(Default)]
pub(crate) struct RouteOptions {
    pub(crate) path: Option<LitStr>,
    pub(crate) method: Option<LitStr>,
    pub(crate) tags: Vec<LitStr>,
    pub(crate) status: Option<LitInt>,
    pub(crate) errors: Vec<LitInt>,
    pub(crate) summary: Option<Expr>,
    pub(crate) description: Option<Expr>,
    pub(crate) operation_id: Option<LitStr>,
    pub(crate) response_description: Option<Expr>,
    pub(crate) deprecated: bool,
    pub(crate) hidden: bool,
}

impl Parse for RouteOptions {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut options = Self::default();
        if input.peek(LitStr) {
            options.path = Some(input.parse()?);
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        while !input.is_empty() {
            let name: Ident = input.call(syn::ext::IdentExt::parse_any)?;
            options.option(&name, input)?;
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(options)
    }
}

impl RouteOptions {
    fn option(&mut self, name: &Ident, input: ParseStream<'_>) -> syn::Result<()> {
        match name.to_string().as_str() {
            "path" => self.path = Some(value(input)?),
            "method" => self.method = Some(value(input)?),
            "tags" => self.tags = list(input)?,
            "status" => self.status = Some(status(value(input)?)?),
            "errors" => self.errors = list(input)?.into_iter().map(status).collect::<syn::Result<_>>()?,
            "summary" => self.summary = Some(value(input)?),
            "description" => self.description = Some(value(input)?),
            "operation_id" => self.operation_id = Some(value(input)?),
            "response_description" => self.response_description = Some(value(input)?),
            "deprecated" => self.deprecated = flag(input)?,
            "hidden" => self.hidden = flag(input)?,
            "include_in_schema" => self.hidden = !flag(input)?,
            other => {
                let message = format!("unknown route option `{other}`{}", suggestion(other, KNOWN));
                return Err(syn::Error::new(name.span(), message));
            }
        }
        Ok(())
    }
}

fn value<T: Parse>(input: ParseStream<'_>) -> syn::Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// `deprecated` or `deprecated = true`.
fn flag(input: ParseStream<'_>) -> syn::Result<bool> {
    if input.peek(Token![=]) { Ok(value::<syn::LitBool>(input)?.value) } else { Ok(true) }
}

/// `tags = ["a", "b"]` or `tags("a", "b")`.
fn list<T: Parse>(input: ParseStream<'_>) -> syn::Result<Vec<T>> {
    let content;
    if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        syn::bracketed!(content in input);
    } else {
        parenthesized!(content in input);
    }
    Ok(Punctuated::<T, Token![,]>::parse_terminated(&content)?.into_iter().collect())
}

fn status(literal: LitInt) -> syn::Result<LitInt> {
    match literal.base10_parse::<u16>() {
        Ok(100..=999) => Ok(literal),
        _ => {
            Err(syn::Error::new(literal.span(), format!("{literal} is no HTTP status; it has three digits")))
        }
    }
}

/// The doc comment of an item: the lines, without the one space that follows `///`.
pub(crate) fn doc_comment(attributes: &[syn::Attribute]) -> Option<String> {
    let lines: Vec<String> = attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident("doc"))
        .filter_map(|attribute| match &attribute.meta {
            syn::Meta::NameValue(pair) => match &pair.value {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
                _ => None,
            },
            _ => None,
        })
        .map(|line| line.strip_prefix(' ').unwrap_or(&line).trim_end().to_owned())
        .collect();
    let text = lines.join("\n").trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// `Some(String)` of an expression that gives a text, or `None`.
pub(crate) fn optional_text(text: Option<impl ToTokens>) -> TokenStream {
    match text {
        Some(text) => quote!(::std::option::Option::Some(::std::string::String::from(#text))),
        None => quote!(::std::option::Option::None),
    }
}

/// The code for a status, checked above to be one.
pub(crate) fn status_code(literal: &LitInt) -> TokenStream {
    let span = literal.span();
    quote::quote_spanned!(span=> match ::photon::StatusCode::from_u16(#literal) {
        ::std::result::Result::Ok(status) => status,
        ::std::result::Result::Err(_) => ::std::unreachable!(),
    })
}
