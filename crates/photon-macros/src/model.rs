//! `#[model]`: serde, a JSON Schema and checks for a struct or an enum, through the framework's own
//! re-exports.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, Expr, Field, Fields, Ident, Index, Path, Token, parse_quote};

use crate::distance::suggestion;
use crate::names::wire_name;

/// Which way values of the type go.
#[derive(Clone, Copy)]
struct Directions {
    input: bool,
    output: bool,
}

impl Parse for Directions {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let names = Punctuated::<Ident, Token![,]>::parse_terminated(input)?;
        let mut directions = Self { input: names.is_empty(), output: names.is_empty() };
        for name in &names {
            match name.to_string().as_str() {
                "input" => directions.input = true,
                "output" => directions.output = true,
                other => {
                    let hint = suggestion(other, ["input", "output"]);
                    return Err(syn::Error::new(
                        name.span(),
                        format!("unknown model option `{other}`{hint}"),
                    ));
                }
            }
        }
        Ok(directions)
    }
}

pub(crate) fn expand(attribute: TokenStream, item: TokenStream) -> TokenStream {
    let expanded = syn::parse2::<Directions>(attribute).and_then(|directions| {
        syn::parse2::<DeriveInput>(item).and_then(|input| try_expand(directions, input))
    });
    expanded.unwrap_or_else(|error| error.to_compile_error())
}

fn try_expand(directions: Directions, mut input: DeriveInput) -> syn::Result<TokenStream> {
    if let Data::Union(union) = &input.data {
        return Err(syn::Error::new(
            union.union_token.span,
            "a union has no JSON form; a model is a struct or an enum",
        ));
    }
    refuse_enum_checks(&input.data)?;
    // `validator` derives checks for structs with named fields; the others have none of their own.
    let derive_checks = directions.input
        && matches!(&input.data, Data::Struct(data) if matches!(data.fields, Fields::Named(_)));
    document_exclusive_bounds(&mut input.data);
    let derives = derives(&input.attrs, directions, derive_checks);
    let schema = schema_attributes(&input);
    let model = model_impl(&input, derive_checks);
    let conversions = conversions(&input, directions);
    let validate = (directions.input && !derive_checks).then(|| validate_impl(&input));
    Ok(quote! {
        #derives
        #schema
        #input

        #model
        #conversions
        #validate
    })
}

/// The derives that are not there already, and where their code finds its crates.
fn derives(attributes: &[Attribute], directions: Directions, checks: bool) -> TokenStream {
    let mut present: Vec<String> = Vec::new();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("derive")) {
        let parsed = attribute.parse_args_with(Punctuated::<Path, Token![,]>::parse_terminated);
        let names = parsed
            .into_iter()
            .flatten()
            .filter_map(|path| path.segments.last().map(|last| last.ident.to_string()));
        present.extend(names);
    }
    let missing = |name: &str| !present.iter().any(|present| present == name);
    let mut code = TokenStream::new();
    let mut derive = |wanted: bool, name: &str, path: TokenStream| {
        if wanted && missing(name) {
            code.extend(quote!(#[derive(#path)]));
        }
    };
    derive(directions.output, "Serialize", quote!(::photon::__private::serde::Serialize));
    derive(directions.input, "Deserialize", quote!(::photon::__private::serde::Deserialize));
    derive(true, "JsonSchema", quote!(::photon::__private::schemars::JsonSchema));
    derive(checks, "Validate", quote!(::photon::__private::validator::Validate));
    if (directions.output && missing("Serialize")) || (directions.input && missing("Deserialize")) {
        code.extend(quote!(#[serde(crate = "::photon::__private::serde")]));
    }
    if missing("JsonSchema") {
        code.extend(quote!(#[schemars(crate = "::photon::__private::schemars")]));
    }
    if checks && missing("Validate") {
        code.extend(quote!(#[validate(crate = "::photon::__private::validator")]));
    }
    code
}

/// The schema's name for a generic type, and the type's path to tell apart two of one name.
fn schema_attributes(input: &DeriveInput) -> TokenStream {
    let name = input.ident.to_string();
    let types: Vec<String> =
        input.generics.type_params().map(|parameter| format!("{{{}}}", parameter.ident)).collect();
    let renamed = input.attrs.iter().any(|attribute| {
        (attribute.path().is_ident("schemars") || attribute.path().is_ident("serde"))
            && quote!(#attribute).to_string().contains("rename =")
    });
    let rename = (!types.is_empty() && !renamed).then(|| {
        let name = format!("{name}_{}", types.join("_"));
        quote!(#[schemars(rename = #name)])
    });
    quote! {
        #rename
        #[schemars(extend("x-photon-type" = ::std::concat!(::std::module_path!(), "::", #name)))]
    }
}

/// Adds `exclusiveMinimum` and `exclusiveMaximum` to the schema, which schemars does not read from
/// `#[validate(range(exclusive_min = …))]`.
fn document_exclusive_bounds(data: &mut Data) {
    let Data::Struct(data) = data else { return };
    for field in &mut data.fields {
        let mut bounds: Vec<Attribute> = Vec::new();
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("validate")) {
            // Anything unknown is for `validator` to judge, so errors are not reported here.
            let _ = attribute.parse_nested_meta(|meta| {
                let range = meta.path.is_ident("range");
                if meta.input.peek(syn::token::Paren) {
                    return meta.parse_nested_meta(|inner| {
                        if !inner.input.peek(Token![=]) {
                            return Ok(());
                        }
                        let value: Expr = inner.value()?.parse()?;
                        if range && inner.path.is_ident("exclusive_min") {
                            bounds.push(parse_quote!(#[schemars(extend("exclusiveMinimum" = #value))]));
                        } else if range && inner.path.is_ident("exclusive_max") {
                            bounds.push(parse_quote!(#[schemars(extend("exclusiveMaximum" = #value))]));
                        }
                        Ok(())
                    });
                }
                if meta.input.peek(Token![=]) {
                    let _: Expr = meta.value()?.parse()?;
                }
                Ok(())
            });
        }
        field.attrs.extend(bounds);
    }
}

/// `validator` has no checks on the fields of enum variants, and silence would be worse.
fn refuse_enum_checks(data: &Data) -> syn::Result<()> {
    let Data::Enum(data) = data else { return Ok(()) };
    let mut fields = data.variants.iter().flat_map(|variant| &variant.fields);
    let attribute =
        fields.find_map(|field| field.attrs.iter().find(|attribute| attribute.path().is_ident("validate")));
    match attribute {
        None => Ok(()),
        Some(attribute) => {
            let message = "the fields of a variant have no checks of their own: give the variant a struct with `#[model]`";
            Err(syn::Error::new_spanned(attribute, message))
        }
    }
}

fn model_impl(input: &DeriveInput, derive_checks: bool) -> TokenStream {
    let name = &input.ident;
    let mut generics = input.generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(::photon::Model));
    }
    let (implementation, types, conditions) = generics.split_for_impl();
    let own = derive_checks.then(|| {
        quote! {
            if let ::std::result::Result::Err(errors) = ::photon::__private::validator::Validate::validate(self) {
                failed = errors;
            }
        }
    });
    let nested = match &input.data {
        Data::Struct(data) => struct_checks(&data.fields, &input.attrs),
        Data::Enum(data) => enum_checks(data),
        Data::Union(_) => TokenStream::new(),
    };
    let renames = derive_checks.then(|| renames(input));
    let check = (derive_checks || !nested.is_empty()).then(|| {
        quote! {
            fn check(&self) -> ::std::result::Result<(), ::photon::__private::validator::ValidationErrors> {
                #[allow(unused_imports)]
                use ::photon::__private::{CheckModel as _, CheckNothing as _, Checked};
                #[allow(unused_mut)]
                let mut failed = ::photon::__private::validator::ValidationErrors::new();
                #own
                #renames
                #nested
                if failed.is_empty() { ::std::result::Result::Ok(()) } else { ::std::result::Result::Err(failed) }
            }
        }
    });
    let scalar = scalar(input);
    quote! {
        impl #implementation ::photon::Model for #name #types #conditions {
            #scalar
            #check
        }
    }
}

/// Checks of the fields that are models themselves. Whether they are is decided by the compiler: see
/// `Checked`. Fields under `#[validate(nested)]` are checked by `validator` already.
fn struct_checks(fields: &Fields, container: &[Attribute]) -> TokenStream {
    let checks = fields.iter().enumerate().filter(|(_, field)| is_checked(field)).map(|(index, field)| {
        let (label, place) = match &field.ident {
            Some(name) => (wire_name(field, container), quote!(#name)),
            None => {
                let index = Index::from(index);
                (String::from("_tmp_validator"), quote!(#index))
            }
        };
        quote_spanned!(field.ty.span()=> (&Checked(&self.#place)).add_failed(#label, &mut failed);)
    });
    quote!(#(#checks)*)
}

fn enum_checks(data: &syn::DataEnum) -> TokenStream {
    let arms = data.variants.iter().filter(|variant| !variant.fields.is_empty()).map(|variant| {
        let name = &variant.ident;
        let bindings: Vec<Ident> =
            (0..variant.fields.len()).map(|index| format_ident!("field_{index}")).collect();
        let pattern = match &variant.fields {
            Fields::Named(fields) => {
                let names = fields.named.iter().map(|field| &field.ident);
                quote!(Self::#name { #(#names: #bindings),* })
            }
            _ => quote!(Self::#name(#(#bindings),*)),
        };
        let checks = variant.fields.iter().zip(&bindings).map(|(field, binding)| {
            let label = match &field.ident {
                Some(_) => wire_name(field, &variant.attrs),
                None => String::from("_tmp_validator"),
            };
            quote_spanned!(field.ty.span()=> (&Checked(#binding)).add_failed(#label, &mut failed);)
        });
        quote!(#pattern => { #(#checks)* })
    });
    let arms: Vec<_> = arms.collect();
    if arms.is_empty() {
        return TokenStream::new();
    }
    quote! {
        #[allow(unreachable_patterns)]
        match self {
            #(#arms)*
            _ => {}
        }
    }
}

fn is_checked(field: &Field) -> bool {
    !field.attrs.iter().any(|attribute| {
        let text = quote!(#attribute).to_string();
        attribute.path().is_ident("validate") && text.contains("nested")
            || attribute.path().is_ident("serde")
                && text.contains("skip")
                && !text.contains("skip_serializing")
    })
}

/// `validator` reports fields by their Rust names, clients know them by their JSON names.
fn renames(input: &DeriveInput) -> TokenStream {
    let Data::Struct(data) = &input.data else { return TokenStream::new() };
    let pairs = data.fields.iter().filter_map(|field| {
        let name = syn::ext::IdentExt::unraw(field.ident.as_ref()?).to_string();
        let wire_name = wire_name(field, &input.attrs);
        (name != wire_name).then(|| quote!((#name, #wire_name)))
    });
    let pairs: Vec<_> = pairs.collect();
    if pairs.is_empty() {
        return TokenStream::new();
    }
    quote!(::photon::__private::rename_failed(&mut failed, &[#(#pairs),*]);)
}

/// Enumerations without data and wrappers of one scalar are one text in a URL.
fn scalar(input: &DeriveInput) -> TokenStream {
    match &input.data {
        Data::Enum(data) if data.variants.iter().all(|variant| variant.fields.is_empty()) => quote! {
            const SCALAR: bool = true;

            fn parse(text: &str) -> ::std::result::Result<Self, ::photon::__private::Fault> {
                ::photon::__private::parse_enumeration(text)
            }
        },
        Data::Struct(syn::DataStruct { fields: Fields::Unnamed(fields), .. })
            if fields.unnamed.len() == 1 && is_scalar(&fields.unnamed[0].ty) =>
        {
            let ty = &fields.unnamed[0].ty;
            quote! {
                const SCALAR: bool = true;

                fn parse(text: &str) -> ::std::result::Result<Self, ::photon::__private::Fault> {
                    <#ty as ::photon::Model>::parse(text).map(Self)
                }

                fn measure(&self) -> ::photon::__private::Measure<'_> {
                    ::photon::Model::measure(&self.0)
                }
            }
        }
        _ => TokenStream::new(),
    }
}

fn is_scalar(ty: &syn::Type) -> bool {
    const SCALARS: [&str; 15] = [
        "i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize", "f32", "f64", "bool", "char",
        "String",
    ];
    matches!(ty, syn::Type::Path(path) if SCALARS.iter().any(|scalar| path.path.is_ident(scalar)))
}

/// `FromRequest` for what comes in, `IntoResponse` for what goes out.
fn conversions(input: &DeriveInput, directions: Directions) -> TokenStream {
    let name = &input.ident;
    let (_, types, _) = input.generics.split_for_impl();
    let with = |bound: TokenStream| {
        let mut generics = input.generics.clone();
        if !generics.params.is_empty() {
            generics.make_where_clause().predicates.push(parse_quote!(#name #types: #bound));
        }
        generics
    };
    let mut code = TokenStream::new();
    if directions.input && input.generics.lifetimes().next().is_none() {
        let generics = with(quote!(::photon::Model + ::photon::__private::serde::de::DeserializeOwned));
        let (implementation, types, conditions) = generics.split_for_impl();
        code.extend(quote! {
            impl #implementation ::photon::FromRequest for #name #types #conditions {
                ::photon::__private::model_from_request!();
            }
        });
    }
    if directions.output {
        let generics = with(quote!(::photon::Model + ::photon::__private::serde::Serialize));
        let (implementation, types, conditions) = generics.split_for_impl();
        code.extend(quote! {
            impl #implementation ::photon::IntoResponse for #name #types #conditions {
                ::photon::__private::json_into_response!();
            }
        });
    }
    code
}

/// `validator`'s own trait for the shapes that it does not derive, so that `#[validate(nested)]`
/// works on fields of this type.
fn validate_impl(input: &DeriveInput) -> TokenStream {
    let name = &input.ident;
    let mut generics = input.generics.clone();
    for parameter in generics.type_params_mut() {
        parameter.bounds.push(parse_quote!(::photon::Model));
    }
    let (implementation, types, conditions) = generics.split_for_impl();
    quote! {
        impl #implementation ::photon::__private::validator::Validate for #name #types #conditions {
            fn validate(&self) -> ::std::result::Result<(), ::photon::__private::validator::ValidationErrors> {
                ::photon::Model::check(self)
            }
        }
    }
}
