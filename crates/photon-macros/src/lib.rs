//! Route attributes and models of the Photon web framework.
//!
//! Everything here writes code that names `::photon`, so an application depends on that crate
//! alone. The attributes are documented with the framework; this page says what each writes.

mod argument_options;
mod arguments;
mod dependency;
mod distance;
mod entity;
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
    ///
    /// The path is text with parameters in braces. `{rest:path}` at its end takes slashes too; what it
    /// gives is decoded and may hold `..`, so it is no file name yet.
    ///
    /// Options follow the path, for this and every other route attribute:
    ///
    /// | option | what it says |
    /// |---|---|
    /// | `status = 201` | the status of a response that the function gives as a plain one; 200 by default |
    /// | `errors(404, 409)` | error statuses that the function answers with, for the document |
    /// | `tags = ["items"]` | the groups that documentation pages show it in |
    /// | `summary = "…"` | one line; the function's name as a title by default |
    /// | `description = "…"` | more; the function's doc comment by default |
    /// | `response_description = "…"` | what the expected response is |
    /// | `operation_id = "…"` | the name in the document and in generated clients; the function's by default |
    /// | `deprecated` | clients should stop using it |
    /// | `hidden` | the document leaves it out; it is routed all the same |
    ///
    /// ```text
    /// #[get("/items/{id}", tags = ["items"], errors(404))]
    /// fn read_item(id: u32, q: Option<String>, store: State<Store>) -> Result<Item> { … }
    /// ```
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
///
/// Checks are those of the `validator` crate, on named fields: `length(min, max, equal)`,
/// `range(min, max, exclusive_min, exclusive_max)`, `email`, `url`, `contains(pattern = "…")`,
/// `must_match(other = "…")`, `custom(function = "…")`, and on the struct `schema(function = "…")`. In
/// addition, `pattern = "…"` is a regular expression that has to match. Fields that are models, or
/// lists, maps and options of models, are checked by themselves. Functions return
/// `Result<(), photon::ValidationError>`.
///
/// serde's attributes say how the type is written: `rename_all`, `default`, `flatten`,
/// `deny_unknown_fields` and the others. Doc comments are the schema's descriptions.
///
/// ```text
/// #[model]
/// struct NewItem {
///     #[validate(length(min = 3, max = 80))]
///     name: String,
///     #[validate(range(exclusive_min = 0.0))]
///     price: f64,
///     #[serde(default)]
///     tags: Vec<String>,
/// }
/// ```
#[proc_macro_attribute]
pub fn model(attribute: TokenStream, item: TokenStream) -> TokenStream {
    model::expand(attribute.into(), item.into()).into()
}

/// Makes a function the way to get the type that it returns, for handlers that take that type.
///
/// It takes what a handler takes: parameters, state, other dependencies. It returns a type of the
/// application's own that is no `#[model]` (a model is a body), or a `Result` of one, whose error is the
/// answer instead of the handler's. It runs once for each argument that takes its type. With
/// `#[dependency(errors(401))]` the document says so for every handler.
///
/// ```text
/// struct User { name: String }
///
/// #[dependency(errors(401))]
/// fn current_user(#[header] x_token: Option<String>, users: State<Users>) -> Result<User> {
///     users.by_token(x_token).ok_or_else(|| HttpError::unauthorized("who are you?"))
/// }
///
/// #[get("/me")]
/// fn me(user: User) -> String {
///     user.name
/// }
/// ```
#[proc_macro_attribute]
pub fn dependency(attribute: TokenStream, item: TokenStream) -> TokenStream {
    dependency::expand(attribute.into(), item.into()).into()
}

/// Lists handlers for an application: `routes![read_item, items::create_item]`.
#[proc_macro]
pub fn routes(input: TokenStream) -> TokenStream {
    routes::expand(input.into()).into()
}
