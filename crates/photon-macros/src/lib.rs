//! Route attributes and models of the Photon web framework.
//!
//! Everything here writes code that names `::photon`, so an application depends on that crate
//! alone. The attributes are documented with the framework; this page says what each writes.

mod argument_options;
mod arguments;
mod dependency;
mod distance;
mod model;
mod names;
mod options;
mod route;
mod routes;
mod template;
mod types;

use proc_macro::TokenStream;

macro_rules! route_attributes {
    ($($(#[$documentation:meta])* $name:ident: $method:literal)*) => {$(
        $(#[$documentation])*
        #[proc_macro_attribute]
        pub fn $name(attribute: TokenStream, item: TokenStream) -> TokenStream {
            route::expand(Some($method), attribute.into(), item.into()).into()
        }
    )*};
}

route_attributes! {
    /// Makes a function the handler of `GET` requests for a path: `#[get("/items/{id}")]`. A `HEAD`
    /// request for it is answered as well, without the body.
    get: "GET"
    /// Makes a function the handler of `POST` requests for a path.
    post: "POST"
    /// Makes a function the handler of `PUT` requests for a path.
    put: "PUT"
    /// Makes a function the handler of `PATCH` requests for a path.
    patch: "PATCH"
    /// Makes a function the handler of `DELETE` requests for a path.
    delete: "DELETE"
    /// Makes a function the handler of `HEAD` requests for a path, instead of the `GET` handler.
    head: "HEAD"
    /// Makes a function the handler of `OPTIONS` requests for a path, instead of the list of methods.
    options: "OPTIONS"
}

/// Makes a function a handler, with method and path by name:
/// `#[photon_route(method = "GET", path = "/items/{id}")]`.
#[proc_macro_attribute]
pub fn photon_route(attribute: TokenStream, item: TokenStream) -> TokenStream {
    route::expand(None, attribute.into(), item.into()).into()
}

/// Makes a struct or an enum a model: JSON both ways, a documented schema, checks by
/// `#[validate(…)]`. `#[model(input)]` leaves out what only responses need, `#[model(output)]` what
/// only requests need.
#[proc_macro_attribute]
pub fn model(attribute: TokenStream, item: TokenStream) -> TokenStream {
    model::expand(attribute.into(), item.into()).into()
}

/// Makes a function the way to get the type that it returns, for handlers that take that type.
#[proc_macro_attribute]
pub fn dependency(attribute: TokenStream, item: TokenStream) -> TokenStream {
    dependency::expand(attribute.into(), item.into()).into()
}

/// Lists handlers for an application: `routes![read_item, items::create_item]`.
#[proc_macro]
pub fn routes(input: TokenStream) -> TokenStream {
    routes::expand(input.into()).into()
}
