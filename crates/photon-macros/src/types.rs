//! What can be told of a type from the way it is written. Macros see names, not types, so this is
//! for hints and spans; what a type really is, traits decide.

use quote::quote;
use syn::{Ident, Type};

/// The names of numbers, as an author writes them.
pub(crate) const NUMBERS: [&str; 12] =
    ["i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize", "f32", "f64"];

/// `&Request` and `&mut Request`.
pub(crate) fn is_request(ty: &Type) -> bool {
    let Type::Reference(reference) = ty else { return false };
    last_segment(&reference.elem).is_some_and(|name| name == "Request")
}

pub(crate) fn is_option(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|name| name == "Option")
}

/// `Header<…>`, perhaps inside an `Option`.
pub(crate) fn is_header(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|name| name == "Header")
        || generic_argument(ty, &["Option"]).is_some_and(is_header)
}

pub(crate) fn is_ident(ty: &Type, name: &str) -> bool {
    matches!(ty, Type::Path(path) if path.path.is_ident(name))
}

fn last_segment(ty: &Type) -> Option<&Ident> {
    match ty {
        Type::Path(path) => path.path.segments.last().map(|segment| &segment.ident),
        _ => None,
    }
}

/// The type inside `Option`, `Vec` and the source wrappers.
pub(crate) fn innermost(ty: &Type) -> &Type {
    const WRAPPERS: [&str; 7] = ["Option", "Vec", "Path", "Query", "Header", "Cookie", "Json"];
    match generic_argument(ty, &WRAPPERS) {
        Some(inner) => innermost(inner),
        None => ty,
    }
}

pub(crate) fn innermost_list(ty: &Type) -> Option<&Type> {
    match generic_argument(ty, &["Vec"]) {
        Some(inner) => Some(inner),
        None => innermost_list(generic_argument(ty, &["Option", "Query", "Header"])?),
    }
}

fn generic_argument<'a>(ty: &'a Type, wrappers: &[&str]) -> Option<&'a Type> {
    let Type::Path(path) = ty else { return None };
    let segment = path.path.segments.last()?;
    if !wrappers.iter().any(|wrapper| segment.ident == wrapper) {
        return None;
    }
    match &segment.arguments {
        syn::PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().find_map(|argument| match argument {
                syn::GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
        }
        _ => None,
    }
}

/// A type as its author wrote it, for messages.
pub(crate) fn text(ty: &Type) -> String {
    quote!(#ty).to_string().replace(" < ", "<").replace(" >", ">").replace("& ", "&").replace(" :: ", "::")
}
