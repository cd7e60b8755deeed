//! `routes![a, module::b]`: the routes of the named handlers, as a list.

use proc_macro2::TokenStream;
use quote::quote_spanned;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Path, Token};

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let paths = match Punctuated::<Path, Token![,]>::parse_terminated.parse2(input) {
        Ok(paths) => paths,
        Err(error) => return error.to_compile_error(),
    };
    let routes = paths
        .iter()
        .map(|path| quote_spanned!(path.span()=> <#path as ::photon::__private::RouteSource>::route()));
    quote::quote!(::std::vec![#(#routes),*])
}
