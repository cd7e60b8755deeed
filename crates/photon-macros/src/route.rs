//! A function with a route attribute becomes a type of the same name that describes the route.
//!
//! Types and functions have separate namespaces, so `routes![read_item]` can name the type where
//! the function is in scope, and the function stays callable as it was written.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Item, ItemFn, LitStr, ReturnType, Type};

use crate::arguments::{self, local};
use crate::options::{RouteOptions, doc_comment, optional_text, status_code};
use crate::template;

pub(crate) fn expand(method: Option<&str>, attribute: TokenStream, item: TokenStream) -> TokenStream {
    match try_expand(method, attribute, item.clone()) {
        Ok(code) => code,
        Err(error) => {
            // The function stays, so that its other uses give no errors of their own.
            let error = error.to_compile_error();
            let item = without_argument_attributes(item);
            quote!(#error #item)
        }
    }
}

pub(crate) fn without_argument_attributes(item: TokenStream) -> TokenStream {
    let Ok(mut function) = syn::parse2::<ItemFn>(item.clone()) else { return item };
    for input in &mut function.sig.inputs {
        if let syn::FnArg::Typed(input) = input {
            input.attrs.clear();
        }
    }
    quote!(#[allow(unused)] #function)
}

fn try_expand(method: Option<&str>, attribute: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut function = function(item)?;
    let call_site = proc_macro2::Span::call_site();
    let options: RouteOptions = syn::parse2(attribute)?;
    let Some(path) = &options.path else {
        return Err(syn::Error::new(call_site, "a route needs its path: `#[get(\"/items/{id}\")]`"));
    };
    let method = match (method, &options.method) {
        (Some(method), None) => LitStr::new(method, call_site),
        (None, Some(method)) => checked_method(method)?,
        (Some(_), Some(method)) => {
            return Err(syn::Error::new(
                method.span(),
                "the attribute's name is the method; `#[photon_route]` takes others",
            ));
        }
        (None, None) => {
            return Err(syn::Error::new(call_site, "a route needs its method: `method = \"GET\"`"));
        }
    };
    let arguments = arguments::take(&mut function, Some(&template::parameters(path)?))?;
    Ok(code(&function, &method, path, &options, &arguments))
}

/// The function under an attribute.
pub(crate) fn function(item: TokenStream) -> syn::Result<ItemFn> {
    let span = item.span();
    match syn::parse2::<Item>(item)? {
        Item::Fn(function) => Ok(function),
        _ => Err(syn::Error::new(span, "this attribute belongs on a function")),
    }
}

fn checked_method(method: &LitStr) -> syn::Result<LitStr> {
    let text = method.value();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'-') {
        Ok(method.clone())
    } else {
        let message = format!("{text:?} is no method; methods are upper case, such as \"GET\"");
        Err(syn::Error::new(method.span(), message))
    }
}

fn code(
    function: &ItemFn,
    method: &LitStr,
    path: &LitStr,
    options: &RouteOptions,
    arguments: &[arguments::Argument],
) -> TokenStream {
    let (name, visibility) = (&function.sig.ident, &function.vis);
    let cfgs = function.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).collect::<Vec<_>>();
    let (request, errors) = (local("request"), local("errors"));
    let leave = quote!(return ::photon::__private::IntoResponse::into_response(#errors));
    let arguments::Code { constants, reads, call, describes } = arguments::code(arguments, &leave);
    let call = call_of(function, &call);
    let describe_output = describe_output(function);
    let route = route_value(function, method, path, options);
    quote! {
        // A handler takes what the request gives, by value, whether it keeps it or not.
        #[allow(clippy::needless_pass_by_value)]
        #function

        #(#cfgs)*
        #[doc(hidden)]
        #[allow(non_camel_case_types, missing_docs)]
        #visibility enum #name {}

        #(#cfgs)*
        impl ::photon::__private::RouteSource for #name {
            fn route() -> ::photon::Route {
                #constants

                #[allow(deprecated)]
                fn __photon_handle(#request: &mut ::photon::Request) -> ::photon::Response {
                    if !__PHOTON_STREAM {
                        if let ::std::result::Result::Err(error) = #request.read_body() {
                            return ::photon::__private::IntoResponse::into_response(error);
                        }
                    }
                    #reads
                    ::photon::__private::IntoResponse::into_response(#call)
                }

                fn __photon_describe(operation: &mut ::photon::__private::OperationDoc<'_>) {
                    #describes
                    #describe_output
                }

                #route
            }
        }
    }
}

/// The call of the user's function; an `async fn` is driven to its end.
pub(crate) fn call_of(function: &ItemFn, arguments: &[TokenStream]) -> TokenStream {
    let name = &function.sig.ident;
    let call = quote_spanned!(name.span()=> #name(#(#arguments),*));
    if function.sig.asyncness.is_some() { quote!(::photon::Wait::wait(#call)) } else { call }
}

fn describe_output(function: &ItemFn) -> TokenStream {
    match &function.sig.output {
        ReturnType::Default => quote!(<() as ::photon::IntoResponse>::describe(operation);),
        // What `impl Trait` stands for cannot be named; it is documented as a plain response.
        ReturnType::Type(_, ty) if matches!(**ty, Type::ImplTrait(_)) => quote!(),
        ReturnType::Type(_, ty) => {
            quote_spanned!(ty.span()=> <#ty as ::photon::IntoResponse>::describe(operation);)
        }
    }
}

fn route_value(function: &ItemFn, method: &LitStr, path: &LitStr, options: &RouteOptions) -> TokenStream {
    let name = function.sig.ident.unraw().to_string();
    let named = options.operation_id.is_some();
    let operation_id = options.operation_id.as_ref().map_or(name, LitStr::value);
    let comment = doc_comment(&function.attrs);
    let summary = optional_text(options.summary.as_ref());
    let description = match &options.description {
        Some(text) => optional_text(Some(text)),
        None => optional_text(comment),
    };
    let response_description = optional_text(options.response_description.as_ref());
    let tags = &options.tags;
    let status = match &options.status {
        Some(status) => status_code(status),
        None => quote!(::photon::StatusCode::OK),
    };
    let errors = options.errors.iter().map(status_code);
    let deprecated =
        options.deprecated || function.attrs.iter().any(|attribute| attribute.path().is_ident("deprecated"));
    let hidden = options.hidden;
    quote! {
        ::photon::Route {
            method: match ::photon::Method::from_bytes(#method.as_bytes()) {
                ::std::result::Result::Ok(method) => method,
                ::std::result::Result::Err(_) => ::std::unreachable!(),
            },
            path: ::std::string::String::from(#path),
            operation_id: ::std::string::String::from(#operation_id),
            named: #named,
            module: ::std::module_path!(),
            summary: #summary,
            description: #description,
            tags: ::std::vec![#(::std::string::String::from(#tags)),*],
            deprecated: #deprecated,
            hidden: #hidden,
            status: #status,
            response_description: #response_description,
            errors: ::std::vec![#(#errors),*],
            handler: ::std::sync::Arc::new(__photon_handle),
            describe: __photon_describe,
        }
    }
}
