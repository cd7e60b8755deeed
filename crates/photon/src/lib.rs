//! A web framework with typed, validated, documented handlers in plain blocking code.
//!
//! A handler is an ordinary function. Its signature is its contract: arguments are read from the
//! request and checked, the return value is the response, and both are in the OpenAPI document.
//! Handlers run on stackful coroutines, so blocking in a handler blocks nobody else, and
//! there is no `.await`.
//!
//! ```
//! use photon::prelude::*;
//!
//! #[model]
//! struct Greeting {
//!     message: String,
//! }
//!
//! /// Greet somebody.
//! #[get("/hello/{name}")]
//! fn hello(name: String, #[query(default = 1, ge = 1, le = 3)] times: usize) -> Greeting {
//!     Greeting { message: format!("Hello{}, {name}!", " hello".repeat(times - 1)) }
//! }
//!
//! fn app() -> App {
//!     App::new().title("Greeter").routes(routes![hello])
//! }
//!
//! // `app().run()` serves it; a test calls it without a socket.
//! let client = photon::testing::TestClient::new(app());
//! let response = client.get("/hello/Ada?times=2").send();
//! assert_eq!(response.json::<serde_json::Value>()["message"], "Hello hello, Ada!");
//! assert_eq!(client.get("/hello/Ada?times=9").send().status(), 422);
//! ```
//!
//! # Where an argument comes from
//!
//! A name in the path template is a path parameter. A number, text, boolean or enumeration, an
//! `Option` or a `Vec` of them is a query parameter. A `#[model]` type is the JSON body. Any other
//! type implements [`FromRequest`], by hand or through [`macro@dependency`]. `&Request` is the request.
//!
//! Argument attributes say otherwise or say more: `#[query]`, `#[path]`, `#[header]`, `#[cookie]` and
//! `#[body]`, with `default`, `alias`, `description`, `example`, `deprecated`, `hidden`, the
//! constraints `gt`, `ge`, `lt`, `le`, `multiple_of`, `min_length`, `max_length` and `pattern`, and
//! `embed` for a body under its argument's name.
//!
//! # What handlers have in common
//!
//! A `#[dependency]` function takes what a handler takes and returns a type of your own, which handlers
//! take in turn. Its error is the answer instead of theirs.
//!
//! ```
//! use photon::prelude::*;
//! use photon::testing::TestClient;
//!
//! struct User {
//!     name: String,
//! }
//!
//! #[dependency(errors(401))]
//! fn current_user(#[header] x_token: Option<String>, names: State<Vec<String>>) -> Result<User> {
//!     let name = names.iter().find(|name| Some(*name) == x_token.as_ref());
//!     let name = name.ok_or_else(|| HttpError::unauthorized("who are you?"))?;
//!     Ok(User { name: name.clone() })
//! }
//!
//! #[get("/me")]
//! fn me(user: User) -> String {
//!     user.name
//! }
//!
//! let client = TestClient::new(App::new().state(vec!["ada".to_owned()]).routes(routes![me]));
//! assert_eq!(client.get("/me").header("x-token", "ada").send().text(), "ada");
//! assert_eq!(client.get("/me").send().status(), 401);
//! ```
//!
//! # What an attribute makes of a function
//!
//! The function stays as it was written. Beside it stands a type of the same name, which is what
//! [`routes!`] takes; functions and types have separate names in Rust, so the two do not meet. A module of
//! that name in the same place would: `mod users` and `fn users` are better kept in different modules.
//!
//! # Features
//!
//! All are off by default. `uuid` and `chrono` make the types of those crates arguments, fields and
//! responses; `yaml` reads and writes OpenAPI documents as YAML too. `db` brings databases, SQLite first;
//! `postgres` and `mysql` add those servers, `db-tls` encrypted connections to them.

mod app;
mod arguments;
#[cfg(feature = "db")]
mod databases;
mod docs;
mod document;
#[cfg(feature = "tls")]
mod https;
mod launch;
mod lifecycle;
mod middleware;
mod proxies;
pub mod testing;

pub use app::App;
pub use bytes::Bytes;
#[cfg(feature = "db")]
pub use databases::Migrate;
pub use launch::LaunchError;
pub use middleware::Next;
pub use photon_core::{
    Body, BodyError, BodyReader, ClientAddr, Context, Cookie, Cookies, ErrorDetail, ForwardedFields,
    FromRequest, Handler, Header, Headers, Html, HttpError, IntoResponse, Json, Method, Model, Multipart,
    MultipartError, MultipartLimits, OperationDoc, OrNotFound, Part, Path, Peer, ProxiesError, Query,
    Redirect, Request, RequestId, Response, Result, Route, Scheme, State, StatusCode, TlsInfo,
    TrustedProxies, Upgraded,
};
#[cfg(feature = "db")]
pub use photon_db as db;
pub use photon_macros::{
    delete, dependency, get, head, model, options, patch, photon_route, post, put, routes,
};
pub use photon_router::{Dispatcher, openapi};
pub use photon_runtime::{Elapsed, JoinHandle, Wait, WaitIter, blocking, sleep, spawn, sync, timeout};
pub use photon_server::{Limits, ListenAddr, ServerConfig};
#[cfg(feature = "tls")]
pub use photon_server::{TlsConfig, TlsError};
/// What a function under `#[validate(custom(function = …))]` returns as its error.
pub use validator::ValidationError;

/// What most modules of an application need: `use photon::prelude::*;`.
pub mod prelude {
    #[cfg(feature = "db")]
    pub use crate::db::{Db, NamedDb, Tx};
    pub use crate::{
        App, Cookie, Cookies, FromRequest, Header, Html, HttpError, IntoResponse, Json, OrNotFound, Path,
        Query, Redirect, Request, Response, Result, State, StatusCode, Wait, WaitIter,
    };
    pub use crate::{delete, dependency, get, head, model, options, patch, photon_route, post, put, routes};
}

/// What generated code names. Not for people: it changes with the macros.
#[doc(hidden)]
pub mod __private {
    pub use photon_core::private::*;
    pub use {schemars, serde, validator};
}

/// The code of the README, compiled.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

// The code of the guide. With doc comments here, a failing block would be reported as a line of this file.
#[cfg(doctest)]
#[doc = include_str!("../../../guide/async-libraries.md")]
struct GuideAsyncLibraries;
#[cfg(all(doctest, feature = "tls"))]
#[doc = include_str!("../../../guide/serving.md")]
struct GuideServing;
#[cfg(doctest)]
#[doc = include_str!("../../../guide/streams.md")]
struct GuideStreams;
#[cfg(all(doctest, feature = "db"))]
#[doc = include_str!("../../../guide/data.md")]
struct GuideData;
