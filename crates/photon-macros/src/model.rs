//! `#[model]`: serde, a JSON Schema and checks for a struct or an enum, through the framework's own
//! re-exports.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{
    Attribute, Data, DeriveInput, Expr, Field, Fields, Ident, Index, LitStr, Meta, Path, Token, parse_quote,
};

use crate::distance::suggestion;
use crate::entity;
use crate::names::{has_serde_flag, serde_text, variant_name, wire_name};

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
    let kept = without_attributes(&item);
    let expanded = syn::parse2::<Directions>(attribute).and_then(|directions| {
        syn::parse2::<DeriveInput>(item).and_then(|input| try_expand(directions, input))
    });
    expanded.unwrap_or_else(|error| {
        // The type stays, so that its other uses give no errors of their own.
        let error = error.to_compile_error();
        quote!(#error #kept)
    })
}

fn without_attributes(item: &TokenStream) -> TokenStream {
    let Ok(mut input) = syn::parse2::<DeriveInput>(item.clone()) else { return item.clone() };
    let plain = |fields: &mut Fields| fields.iter_mut().for_each(|field| field.attrs.clear());
    input.attrs.clear();
    match &mut input.data {
        Data::Struct(data) => plain(&mut data.fields),
        Data::Enum(data) => data.variants.iter_mut().for_each(|variant| {
            variant.attrs.clear();
            plain(&mut variant.fields);
        }),
        Data::Union(data) => data.fields.named.iter_mut().for_each(|field| field.attrs.clear()),
    }
    quote!(#[allow(dead_code)] #input)
}

fn try_expand(directions: Directions, mut input: DeriveInput) -> syn::Result<TokenStream> {
    if let Data::Union(union) = &input.data {
        return Err(syn::Error::new(
            union.union_token.span,
            "a union has no JSON form; a model is a struct or an enum",
        ));
    }
    if directions.input {
        refuse_other_checks(&input)?;
        refuse_unchecked_constraints(&input.data)?;
    }
    // `validator` derives checks for structs with named fields; the others have none of their own.
    let derive_checks = directions.input
        && matches!(&input.data, Data::Struct(data) if matches!(data.fields, Fields::Named(_)));
    document_exclusive_bounds(&mut input.data);
    remove_nested(&mut input.data);
    let patterns = take_patterns(&mut input.data)?;
    let derives = derives(&input.attrs, directions, derive_checks);
    let schema = schema_attributes(&input);
    let model = model_impl(&input, derive_checks, &patterns);
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
    let other_name = if types.is_empty() {
        entity::schema_name(input)
    } else {
        Some(format!("{name}_{}", types.join("_")))
    };
    let rename = other_name.filter(|_| !renamed).map(|name| quote!(#[schemars(rename = #name)]));
    quote! {
        #rename
        #[schemars(extend("x-photon-type" = ::std::concat!(::std::module_path!(), "::", #name)))]
    }
}

/// Removes `nested` from `#[validate(…)]`: fields that are models are checked anyway, and by all of
/// their checks instead of `validator`'s own.
fn remove_nested(data: &mut Data) {
    let Data::Struct(data) = data else { return };
    for field in &mut data.fields {
        let attributes = std::mem::take(&mut field.attrs);
        field.attrs = attributes.into_iter().filter_map(without_nested).collect();
    }
}

fn without_nested(mut attribute: Attribute) -> Option<Attribute> {
    let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
    let (true, Ok(checks)) = (attribute.path().is_ident("validate"), attribute.parse_args_with(parse)) else {
        return Some(attribute);
    };
    let kept: Vec<&Meta> = checks.iter().filter(|check| !check.path().is_ident("nested")).collect();
    if kept.len() < checks.len() {
        attribute.meta = parse_quote!(validate(#(#kept),*));
    }
    (!kept.is_empty()).then_some(attribute)
}

/// Constraints for the schema alone would be documented and not enforced.
fn refuse_unchecked_constraints(data: &Data) -> syn::Result<()> {
    const CONSTRAINTS: [&str; 9] =
        ["length", "range", "regex", "pattern", "contains", "email", "url", "required", "inner"];
    let Data::Struct(data) = data else { return Ok(()) };
    let attributes = data.fields.iter().flat_map(|field| &field.attrs);
    for attribute in attributes.filter(|attribute| attribute.path().is_ident("schemars")) {
        let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
        for meta in attribute.parse_args_with(parse).into_iter().flatten() {
            if CONSTRAINTS.iter().any(|constraint| meta.path().is_ident(constraint)) {
                let message = "this would be documented and not enforced: write it as `#[validate(…)]`, a regular \
                               expression as `#[validate(pattern = \"…\")]`";
                return Err(syn::Error::new_spanned(meta, message));
            }
        }
    }
    Ok(())
}

/// Takes `pattern = "…"` out of `#[validate(…)]`, which `validator` does not know, and puts it into the
/// schema. Gives the field's place in the struct and the expression.
fn take_patterns(data: &mut Data) -> syn::Result<Vec<(usize, LitStr)>> {
    let mut patterns = Vec::new();
    let Data::Struct(data) = data else { return Ok(patterns) };
    for (index, field) in data.fields.iter_mut().enumerate() {
        let mut found = None;
        for attribute in field.attrs.iter_mut().filter(|attribute| attribute.path().is_ident("validate")) {
            let parse = Punctuated::<Meta, Token![,]>::parse_terminated;
            let Ok(checks) = attribute.parse_args_with(parse) else { continue };
            let (taken, kept): (Vec<&Meta>, Vec<&Meta>) =
                checks.iter().partition(|check| check.path().is_ident("pattern"));
            for check in &taken {
                match check {
                    Meta::NameValue(syn::MetaNameValue {
                        value: Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }),
                        ..
                    }) => found = Some(text.clone()),
                    other => return Err(syn::Error::new_spanned(other, "write `pattern = \"^[a-z]+$\"`")),
                }
            }
            if !taken.is_empty() {
                attribute.meta = parse_quote!(validate(#(#kept),*));
            }
        }
        field.attrs.retain(|attribute| quote!(#attribute).to_string() != quote!(#[validate()]).to_string());
        if let Some(text) = found {
            field.attrs.push(parse_quote!(#[schemars(regex(pattern = #text))]));
            patterns.push((index, text));
        }
    }
    Ok(patterns)
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

/// `validator` has checks for structs with named fields only, and silence would be worse.
fn refuse_other_checks(input: &DeriveInput) -> syn::Result<()> {
    let is_check = |attribute: &&Attribute| attribute.path().is_ident("validate");
    let (fields, advice): (Vec<&Field>, _) = match &input.data {
        Data::Struct(syn::DataStruct { fields: Fields::Unnamed(fields), .. }) => (
            fields.unnamed.iter().collect(),
            "a field without a name has no checks of its own: give it a name and `#[serde(transparent)]`",
        ),
        Data::Enum(data) => (
            data.variants.iter().flat_map(|variant| &variant.fields).collect(),
            "the fields of a variant have no checks of their own: give the variant a struct with `#[model]`",
        ),
        _ => return Ok(()),
    };
    let on_fields = fields.iter().flat_map(|field| &field.attrs).find(is_check);
    match on_fields.or_else(|| input.attrs.iter().find(is_check)) {
        None => Ok(()),
        Some(attribute) => Err(syn::Error::new_spanned(attribute, advice)),
    }
}

fn model_impl(input: &DeriveInput, derive_checks: bool, patterns: &[(usize, LitStr)]) -> TokenStream {
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
        Data::Enum(data) => enum_checks(data, &input.attrs),
        Data::Union(_) => TokenStream::new(),
    };
    let renames = derive_checks.then(|| renames(input));
    let fields: Vec<&Field> = match &input.data {
        Data::Struct(data) => data.fields.iter().collect(),
        _ => Vec::new(),
    };
    let patterns = patterns.iter().filter_map(|(index, text)| {
        let (name, field) = (fields[*index].ident.as_ref()?, fields[*index]);
        let (label, cfgs) = (name.to_string(), cfgs(&field.attrs));
        Some(quote_spanned! {field.ty.span()=>
            #cfgs ::photon::__private::check_pattern(#label, &self.#name, #text, &mut failed);
        })
    });
    let check = (derive_checks || !nested.is_empty()).then(|| {
        quote! {
            fn check(&self) -> ::std::result::Result<(), ::photon::__private::validator::ValidationErrors> {
                #[allow(unused_imports)]
                use ::photon::__private::{CheckModel as _, CheckNothing as _, Checked};
                #[allow(unused_mut)]
                let mut failed = ::photon::__private::validator::ValidationErrors::new();
                #own
                #(#patterns)*
                #renames
                #nested
                if failed.is_empty() { ::std::result::Result::Ok(()) } else { ::std::result::Result::Err(failed) }
            }
        }
    });
    let scalar = scalar(input);
    let cfgs = cfgs(&input.attrs);
    quote! {
        #cfgs
        impl #implementation ::photon::Model for #name #types #conditions {
            #scalar
            #check
        }
    }
}

/// The conditions under which an item, field or variant is there, for the code that names it.
fn cfgs(attributes: &[Attribute]) -> TokenStream {
    let cfgs = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    quote!(#(#cfgs)*)
}

/// Checks of the fields that are models themselves. Whether they are is decided by the compiler: see
/// `Checked`.
fn struct_checks(fields: &Fields, container: &[Attribute]) -> TokenStream {
    let transparent = has_serde_flag(container, &["transparent"])
        || matches!(fields, Fields::Unnamed(_)) && fields.len() == 1;
    let checks = fields.iter().enumerate().filter(|(_, field)| is_read(field)).map(|(index, field)| {
        let (label, place) = match &field.ident {
            Some(name) => (label(field, container), quote!(#name)),
            None => {
                let index = Index::from(index);
                (index.index.to_string(), quote!(#index))
            }
        };
        let label = if transparent { String::new() } else { label };
        let cfgs = cfgs(&field.attrs);
        quote_spanned!(field.ty.span()=> #cfgs (&Checked(&self.#place)).add_failed(#label, &mut failed);)
    });
    quote!(#(#checks)*)
}

/// Where the faults of a field are: under its name, or where the field itself is not there, nowhere.
fn label(field: &Field, container: &[Attribute]) -> String {
    if has_serde_flag(&field.attrs, &["flatten"]) { String::new() } else { wire_name(field, container) }
}

fn enum_checks(data: &syn::DataEnum, container: &[Attribute]) -> TokenStream {
    let tagged = serde_text(container, "tag").is_some();
    let content = serde_text(container, "content");
    let untagged = has_serde_flag(container, &["untagged"]);
    let arms = data.variants.iter().filter(|variant| !variant.fields.is_empty()).map(|variant| {
        let name = &variant.ident;
        let fields: Vec<&Field> = variant.fields.iter().collect();
        let bindings: Vec<Ident> = (0..fields.len()).map(|index| format_ident!("field_{index}")).collect();
        let bound = fields.iter().zip(&bindings).map(|(field, binding)| {
            let cfgs = cfgs(&field.attrs);
            match &field.ident {
                Some(name) => quote!(#cfgs #name: #binding),
                None => quote!(#binding),
            }
        });
        let pattern = match &variant.fields {
            Fields::Named(_) => quote!(Self::#name { #(#bound),* }),
            _ => quote!(Self::#name(#(#bound),*)),
        };
        let checks = fields.iter().zip(&bindings).enumerate().map(|(index, (field, binding))| {
            let label = match &field.ident {
                Some(_) => label(field, &variant.attrs),
                None if fields.len() == 1 => String::new(),
                None => index.to_string(),
            };
            let cfgs = cfgs(&field.attrs);
            quote_spanned!(field.ty.span()=> #cfgs (&Checked(#binding)).add_failed(#label, &mut inner);)
        });
        // serde's four ways to write a variant: under its name, beside its tag, under a name of its
        // own beside its tag, or as it is.
        let place = match &content {
            Some(content) => content.clone(),
            None if tagged || untagged => String::new(),
            None => variant_name(variant, container),
        };
        let cfgs = cfgs(&variant.attrs);
        quote! {
            #cfgs
            #pattern => {
                #(#checks)*
                ::photon::__private::nest_failed(#place, inner, &mut failed);
            }
        }
    });
    let arms: Vec<_> = arms.collect();
    if arms.is_empty() {
        return TokenStream::new();
    }
    quote! {
        let mut inner = ::photon::__private::validator::ValidationErrors::new();
        #[allow(unreachable_patterns)]
        match self {
            #(#arms)*
            _ => {}
        }
    }
}

/// Whether a field's value can come from a request at all.
fn is_read(field: &Field) -> bool {
    !has_serde_flag(&field.attrs, &["skip", "skip_deserializing"])
}

/// `validator` reports fields by their Rust names, clients know them by their JSON names.
fn renames(input: &DeriveInput) -> TokenStream {
    let Data::Struct(data) = &input.data else { return TokenStream::new() };
    let pairs = data.fields.iter().filter_map(|field| {
        // `validator` writes a raw identifier with its `r#`.
        let name = field.ident.as_ref()?.to_string();
        // A transparent struct is its one field, so its faults are at its own place.
        let transparent = has_serde_flag(&input.attrs, &["transparent"]);
        let wire_name = if transparent { "__all__".to_owned() } else { wire_name(field, &input.attrs) };
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
    let cfgs = cfgs(&input.attrs);
    if directions.input && input.generics.lifetimes().next().is_none() {
        let generics = with(quote!(::photon::Model + ::photon::__private::serde::de::DeserializeOwned));
        let (implementation, types, conditions) = generics.split_for_impl();
        code.extend(quote! {
            #cfgs
            impl #implementation ::photon::FromRequest for #name #types #conditions {
                ::photon::__private::model_from_request!();
            }
        });
    }
    if directions.output {
        let generics = with(quote!(::photon::Model + ::photon::__private::serde::Serialize));
        let (implementation, types, conditions) = generics.split_for_impl();
        code.extend(quote! {
            #cfgs
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
    let cfgs = cfgs(&input.attrs);
    quote! {
        #cfgs
        impl #implementation ::photon::__private::validator::Validate for #name #types #conditions {
            fn validate(&self) -> ::std::result::Result<(), ::photon::__private::validator::ValidationErrors> {
                ::photon::Model::check(self)
            }
        }
    }
}
