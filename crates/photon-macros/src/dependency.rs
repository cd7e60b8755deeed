//! `#[dependency]`: a function becomes `FromRequest` for the type that it returns.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{GenericArgument, PathArguments, ReturnType, Type};

use crate::arguments::{self, local};
use crate::options::{RouteOptions, status_code};
use crate::route::{call_of, function, without_argument_attributes};

pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> TokenStream {
    try_expand(attribute, item.clone()).unwrap_or_else(|error| {
        // The function stays, so that its other uses give no errors of their own.
        let (error, item) = (error.to_compile_error(), without_argument_attributes(item));
        quote!(#error #item)
    })
}

fn try_expand(attribute: TokenStream, item: TokenStream) -> syn::Result<TokenStream> {
    let mut function = function(item)?;
    let options: RouteOptions = syn::parse2(attribute)?;
    let arguments = arguments::take(&mut function, None)?;
    let (target, fallible) = target(&function.sig.output, function.sig.ident.span())?;
    let (request, errors) = (local("request"), local("errors"));
    let leave = quote!(return ::std::result::Result::Err(#errors));
    let cfgs: Vec<_> =
        function.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg")).cloned().collect();
    let arguments::Code { constants, reads, call, describes } = arguments::code(&arguments, &leave);
    let call = call_of(&function, &call);
    let result = if fallible {
        quote! {
            match #call {
                ::std::result::Result::Ok(value) => ::std::result::Result::Ok(value),
                ::std::result::Result::Err(error) => {
                    let mut errors = ::photon::__private::Errors::new();
                    #[allow(unused_imports)]
                    use ::photon::__private::{RejectWithError as _, RejectWithResponse as _};
                    (&mut ::photon::__private::Rejected(::std::option::Option::Some(error))).reject(&mut errors);
                    ::std::result::Result::Err(errors)
                }
            }
        }
    } else {
        quote!(::std::result::Result::Ok(#call))
    };
    let statuses = options.errors.iter().map(status_code);
    Ok(quote_spanned! {target.span()=>
        #[allow(clippy::needless_pass_by_value)]
        #function

        #(#cfgs)*
        const _: () = {
            #constants

            fn __photon_provide(
                #request: &mut ::photon::Request,
            ) -> ::std::result::Result<#target, ::photon::__private::Errors> {
                #reads
                #result
            }

            impl ::photon::FromRequest for #target {
                const STREAM: bool = __PHOTON_STREAM;

                fn from_request(
                    request: &mut ::photon::Request,
                ) -> ::std::result::Result<Self, ::photon::HttpError> {
                    __photon_provide(request).map_err(::photon::__private::Errors::into_error)
                }

                fn from_argument(
                    request: &mut ::photon::Request,
                    _argument: &::photon::__private::Argument,
                    errors: &mut ::photon::__private::Errors,
                ) -> ::std::option::Option<Self> {
                    match __photon_provide(request) {
                        ::std::result::Result::Ok(value) => ::std::option::Option::Some(value),
                        ::std::result::Result::Err(failed) => {
                            errors.append(failed);
                            ::std::option::Option::None
                        }
                    }
                }

                #[allow(unused_variables)]
                fn describe(
                    _argument: &::photon::__private::Argument,
                    operation: &mut ::photon::__private::OperationDoc<'_>,
                ) {
                    #describes
                    #(operation.error_response(#statuses);)*
                }
            }
        };
    })
}

/// The type that a dependency gives, and whether it is inside a `Result`.
fn target(output: &ReturnType, span: proc_macro2::Span) -> syn::Result<(Type, bool)> {
    let ReturnType::Type(_, ty) = output else {
        return Err(syn::Error::new(
            span,
            "a dependency returns what handlers take; this one returns nothing",
        ));
    };
    if let Type::Path(path) = &**ty
        && let Some(segment) = path.path.segments.last()
        && segment.ident == "Result"
        && let PathArguments::AngleBracketed(generics) = &segment.arguments
        && let Some(GenericArgument::Type(value)) = generics.args.first()
    {
        return Ok((value.clone(), true));
    }
    Ok(((**ty).clone(), false))
}
