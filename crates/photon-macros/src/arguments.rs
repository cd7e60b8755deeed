//! The arguments of a handler or dependency: where each comes from, and the code that reads it.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, FnArg, Ident, ItemFn, Pat, Type};

use crate::argument_options::{Default, Options, Source, attribute, source_of};
use crate::distance::suggestion;
use crate::options::doc_comment;
use crate::types::{NUMBERS, innermost, innermost_list, is_header, is_ident, is_option, is_request, text};

/// One argument.
pub(crate) struct Argument {
    ty: Type,
    name: String,
    source: Source,
    options: Options,
    description: Option<String>,
    /// `&Request` and `&mut Request` are handed over, not read.
    is_request: bool,
}

/// Takes the arguments of a function and removes the attributes that speak to Photon, so that the
/// function stays callable as it was written.
///
/// `parameters` are those of the path template; a dependency does not know the paths it is used in.
pub(crate) fn take(function: &mut ItemFn, parameters: Option<&[String]>) -> syn::Result<Vec<Argument>> {
    let generics = &function.sig.generics;
    if let Some(parameter) =
        generics.params.iter().find(|parameter| !matches!(parameter, syn::GenericParam::Lifetime(_)))
    {
        let message = "a handler has no type parameters: the request decides nothing about types";
        return Err(syn::Error::new(parameter.span(), message));
    }
    let arguments: Vec<Argument> = function
        .sig
        .inputs
        .iter_mut()
        .map(|input| argument(input, parameters))
        .collect::<syn::Result<_>>()?;
    check_names(function, parameters.unwrap_or_default(), &arguments)?;
    Ok(arguments)
}

fn argument(input: &mut FnArg, parameters: Option<&[String]>) -> syn::Result<Argument> {
    let FnArg::Typed(input) = input else {
        return Err(syn::Error::new_spanned(
            input,
            "a handler is a function, not a method: take `State<Self>` instead of `self`",
        ));
    };
    let ty = (*input.ty).clone();
    let name = name_of(&input.pat);
    let description = doc_comment(&input.attrs);
    let (source, options) = attribute(&input.attrs)?;
    input.attrs.retain(|attribute| !attribute.path().is_ident("doc") && source_of(attribute).is_none());
    let is_request = is_request(&ty);
    if let (Type::Reference(reference), false) = (&ty, is_request) {
        let owned =
            if is_ident(&reference.elem, "str") { "String".to_owned() } else { text(&reference.elem) };
        let message =
            format!("a handler takes its arguments by value: write `{owned}`, or `&Request` for the request");
        return Err(syn::Error::new_spanned(&ty, message));
    }
    let name = match (name, is_request) {
        (Some(name), _) => name,
        (None, true) => "request".to_owned(),
        (None, false) => "value".to_owned(),
    };
    let in_template = parameters.is_some_and(|parameters| parameters.contains(&name));
    let source = match source {
        None if in_template => Source::Path,
        None => Source::Auto,
        Some((Source::Path, span)) if parameters.is_some() && !in_template && options.alias.is_none() => {
            let parameters = parameters.unwrap_or_default();
            let known: Vec<&str> = parameters.iter().map(String::as_str).collect();
            let known = if known.is_empty() {
                "it has no parameters".to_owned()
            } else {
                format!("it has `{}`", known.join("`, `"))
            };
            let hint = suggestion(&name, parameters.iter().map(String::as_str));
            return Err(syn::Error::new(
                span,
                format!("`{name}` is not in the path template; {known}{hint}"),
            ));
        }
        Some((source, _)) => source,
    };
    check_bounds(&ty, &options)?;
    Ok(Argument { ty, name, source, options, description, is_request })
}

/// `id`, and `Path(id)` too.
fn name_of(pattern: &Pat) -> Option<String> {
    match pattern {
        Pat::Ident(pattern) => Some(pattern.ident.unraw().to_string()),
        Pat::TupleStruct(pattern) if pattern.elems.len() == 1 => name_of(&pattern.elems[0]),
        _ => None,
    }
}

/// A template parameter that no argument takes is a typing error if there is nothing else that
/// could take it: a dependency, a struct of parameters or the request could.
fn check_names(function: &ItemFn, parameters: &[String], arguments: &[Argument]) -> syn::Result<()> {
    if !arguments.iter().all(Argument::is_plainly_scalar) {
        return Ok(());
    }
    let taken = |name: &String| {
        arguments.iter().any(|argument| argument.wire_name() == *name || argument.name == *name)
    };
    let Some(name) = parameters.iter().find(|name| !taken(name)) else { return Ok(()) };
    let others = arguments.iter().filter(|argument| argument.source == Source::Auto);
    let close = crate::distance::closest(name, others.clone().map(|argument| argument.name.as_str()))
        .or_else(|| {
            others.map(|argument| argument.name.as_str()).find(|other| name.ends_with(&format!("_{other}")))
        });
    let hint = close.map(|other| format!("; did you mean to name `{other}` so?")).unwrap_or_default();
    let inputs = &function.sig.inputs;
    let message = format!("the path parameter `{{{name}}}` has no argument{hint}");
    if inputs.is_empty() {
        return Err(syn::Error::new(function.sig.ident.span(), message));
    }
    Err(syn::Error::new_spanned(inputs, message))
}

/// Bounds on numbers do not go with texts, nor lengths with numbers.
fn check_bounds(ty: &Type, options: &Options) -> syn::Result<()> {
    let inner = innermost(ty);
    let is_one_of = |names: &[&str]| names.iter().any(|name| is_ident(inner, name));
    for (name, _) in &options.bounds {
        let numeric = matches!(name.to_string().as_str(), "gt" | "ge" | "lt" | "le" | "multiple_of");
        let wrong = if numeric {
            is_one_of(&["String", "bool", "char"])
        } else {
            is_one_of(&NUMBERS) && innermost_list(ty).is_none()
        };
        if wrong {
            let message = format!("`{name}` does not apply to `{}`", text(ty));
            return Err(syn::Error::new(name.span(), message));
        }
    }
    Ok(())
}

impl Argument {
    fn wire_name(&self) -> String {
        if let Some(alias) = &self.options.alias {
            return alias.value();
        }
        let is_header = self.source == Source::Header || is_header(&self.ty);
        if is_header { self.name.replace('_', "-") } else { self.name.clone() }
    }

    fn is_plainly_scalar(&self) -> bool {
        let inner = innermost(&self.ty);
        !self.is_request
            && (["String", "bool", "char"].iter().chain(&NUMBERS).any(|name| is_ident(inner, name)))
    }

    /// The `static` that describes the argument.
    fn constant(&self, name: &Ident) -> TokenStream {
        let ty = &self.ty;
        let wire_name = self.wire_name();
        let source = format_ident!(
            "{}",
            match self.source {
                Source::Auto => "Auto",
                Source::Path => "Path",
                Source::Query => "Query",
                Source::Header => "Header",
                Source::Cookie => "Cookie",
                Source::Body => "Body",
            }
        );
        let mut fields = Vec::new();
        if !self.options.bounds.is_empty() {
            let float = ["f32", "f64"].iter().any(|float| is_ident(innermost(&self.ty), float));
            let bounds = self.options.bounds.iter().map(|(name, value)| bound(name, value, float));
            fields.push(quote!(argument.constraints = ::photon::__private::Constraints {
                #(#bounds,)*
                ..::photon::__private::Constraints::NONE
            };));
        }
        let embed = self.options.embed;
        fields.push(quote!(argument.embed = #embed || __PHOTON_EMBED;));
        if self.options.default.is_some() {
            let default = self.default_value();
            fields.push(quote!(argument.default = ::std::option::Option::Some(|| {
                let value: #ty = #default;
                ::photon::__private::to_json(&value)
            });));
        }
        let comment = self.description.as_ref().map(|text| quote!(#text));
        let description = self.options.description.as_ref().map(|text| quote!(#text)).or(comment);
        fields.extend(
            description.map(|text| quote!(argument.description = ::std::option::Option::Some(#text);)),
        );
        if let Some(example) = &self.options.example {
            fields.push(quote!(argument.example = ::std::option::Option::Some(|| ::photon::__private::to_json(&(#example)));));
        }
        for (set, field) in [(self.options.deprecated, "deprecated"), (self.options.hidden, "hidden")] {
            let field = format_ident!("{field}");
            if set {
                fields.push(quote!(argument.#field = true;));
            }
        }
        quote! {
            static #name: ::photon::__private::Argument = {
                static __PHOTON_SCHEMA: ::photon::__private::SchemaPlace = ::photon::__private::SchemaPlace::new();
                let mut argument =
                    ::photon::__private::Argument::new(#wire_name, ::photon::__private::Source::#source)
                        .keeping_schema(&__PHOTON_SCHEMA);
                #(#fields)*
                argument
            };
        }
    }

    /// The default with the type of the argument: a text literal becomes a `String`, and a value for
    /// an `Option` is its `Some`.
    fn default_value(&self) -> TokenStream {
        let ty = &self.ty;
        let Some(Default::Is(value)) = &self.options.default else {
            return quote_spanned!(ty.span()=> <#ty as ::std::default::Default>::default());
        };
        let is_option = is_option(ty);
        let given_as_option = match &**value {
            Expr::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == "None"),
            Expr::Call(call) => {
                matches!(&*call.func, Expr::Path(path) if path.path.segments.last().is_some_and(|segment| segment.ident == "Some"))
            }
            _ => false,
        };
        let is_text = matches!(&**value, Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(_), .. }));
        let value = if is_text { quote!(::std::convert::From::from(#value)) } else { quote!(#value) };
        if is_option && !given_as_option { quote!(::std::option::Option::Some(#value)) } else { value }
    }

    /// Whether the argument is read from the body, as a constant expression.
    fn is_body(&self) -> TokenStream {
        let ty = &self.ty;
        match self.source {
            _ if self.is_request => quote!(false),
            Source::Auto => quote_spanned!(ty.span()=> <#ty as ::photon::FromRequest>::BODY),
            Source::Body => quote!(true),
            _ => quote!(false),
        }
    }

    /// The expression that reads the argument: an `Option` of its type.
    fn read(&self, constant: &Ident) -> TokenStream {
        let ty = &self.ty;
        let (request, errors) = (local("request"), local("errors"));
        if self.options.default.is_some() {
            let default = self.default_value();
            return quote_spanned! {ty.span()=>
                ::photon::__private::argument_or::<#ty>(#request, &#constant, &mut #errors, || #default)
            };
        }
        quote_spanned! {ty.span()=>
            <#ty as ::photon::FromRequest>::from_argument(#request, &#constant, &mut #errors)
        }
    }
}

/// A variable of generated code, which nothing in the user's code can mean by that name.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(name, proc_macro2::Span::mixed_site())
}

/// The code for a function's arguments.
pub(crate) struct Code {
    /// The constants that describe them.
    pub(crate) constants: TokenStream,
    /// Statements that read them into variables, or leave through the given block with `errors`.
    pub(crate) reads: TokenStream,
    /// The arguments of the call.
    pub(crate) call: Vec<TokenStream>,
    /// Statements that document them in `operation`.
    pub(crate) describes: TokenStream,
}

/// Writes the code. `leave` is what happens, with `errors` in scope, when an argument is not there.
pub(crate) fn code(arguments: &[Argument], leave: &TokenStream) -> Code {
    let read: Vec<(usize, &Argument)> =
        arguments.iter().enumerate().filter(|(_, argument)| !argument.is_request).collect();
    let constant = |index: usize| format_ident!("__PHOTON_ARGUMENT_{index}");
    let variable = |index: usize| local(&format!("argument_{index}"));
    let (request, errors) = (local("request"), local("errors"));
    let bodies = read.iter().map(|(_, argument)| argument.is_body());
    let streams = read.iter().map(|(_, argument)| {
        let ty = &argument.ty;
        quote_spanned!(ty.span()=> <#ty as ::photon::FromRequest>::STREAM)
    });
    let statics = read.iter().map(|(index, argument)| argument.constant(&constant(*index)));
    let reads = read.iter().map(|(index, argument)| {
        let (name, expression) = (variable(*index), argument.read(&constant(*index)));
        quote!(let #name = #expression;)
    });
    let names: Vec<Ident> = read.iter().map(|(index, _)| variable(*index)).collect();
    let describes = read.iter().map(|(index, argument)| {
        let (ty, constant) = (&argument.ty, constant(*index));
        quote_spanned!(ty.span()=> <#ty as ::photon::FromRequest>::describe(&#constant, operation);)
    });
    let call = arguments.iter().enumerate().map(|(index, argument)| {
        if argument.is_request {
            return quote!(#request);
        }
        let name = variable(index);
        quote!(#name)
    });
    let reads = if names.is_empty() {
        quote!()
    } else {
        quote! {
            let mut #errors = ::photon::__private::Errors::new();
            #(#reads)*
            let (#(::std::option::Option::Some(#names),)*) = (#(#names,)*) else { #leave };
        }
    };
    Code {
        constants: quote! {
            // Two arguments from one body are two keys of it; one is the body itself.
            const __PHOTON_EMBED: bool = 0usize #(+ (#bodies) as usize)* > 1;
            // Whoever reads the body as it comes must be called before it is there.
            const __PHOTON_STREAM: bool = false #(|| #streams)*;
            #(#statics)*
        },
        reads,
        call: call.collect(),
        describes: quote!(#(#describes)*),
    }
}

/// A bound as a constant. What is no literal is taken for what the argument is: a float or an integer.
fn bound(name: &Ident, value: &Expr, float: bool) -> TokenStream {
    if matches!(name.to_string().as_str(), "min_length" | "max_length" | "pattern") {
        return quote!(#name: ::std::option::Option::Some(#value));
    }
    let literal = match value {
        Expr::Unary(negated) => &*negated.expr,
        other => other,
    };
    let bound = match literal {
        Expr::Lit(syn::ExprLit { lit: syn::Lit::Float(_), .. }) => quote!(Float(#value)),
        Expr::Lit(_) => quote!(Int((#value) as i128)),
        _ if float => quote!(Float((#value) as f64)),
        _ => quote!(Int((#value) as i128)),
    };
    quote!(#name: ::std::option::Option::Some(::photon::__private::Bound::#bound))
}
