//! From an application's parts to one that answers requests, with every mistake found on the way.

use std::fmt;
use std::sync::Arc;

use photon_core::{Method, Result, Route, StatusCode};
use photon_router::openapi::Document;
use photon_router::{Dispatcher, Router, RouterError};
use photon_runtime::Settings;
use photon_server::{ListenAddr, Server};

use crate::App;
use crate::docs;
use crate::document::{self, routing_document};
#[cfg(feature = "tls")]
use crate::https;
use crate::lifecycle::Service;
use crate::proxies;

/// Why an application does not start.
#[derive(Debug)]
#[non_exhaustive]
pub enum LaunchError {
    /// The routes contradict each other or the document.
    Router(RouterError),
    /// A handler takes something shared that the application was not given.
    MissingState {
        /// The operation whose handler takes it.
        operation: String,
        /// What it takes.
        state: String,
        /// How the application gives it.
        given_by: &'static str,
    },
    /// Two operations were given the same `operation_id`.
    DuplicateOperation {
        /// The name.
        operation_id: String,
        /// Methods and paths of both.
        operations: [String; 2],
    },
    /// Two handlers answer the same method and path.
    DuplicateRoute {
        /// Method and path.
        route: String,
        /// The names of both operations.
        operations: [String; 2],
    },
    /// An operation asks for something that cannot be.
    Operation {
        /// The operation's name.
        operation: String,
        /// What it asks for and why it cannot be.
        mistake: String,
    },
    /// OpenAPI 3.1 has no place for operations of this method.
    UnsupportedMethod {
        /// The method.
        method: Method,
        /// The path template.
        path: String,
    },
}

impl fmt::Display for LaunchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Router(error) => error.fmt(f),
            Self::MissingState { operation, state, given_by } => write!(
                f,
                "the handler of {operation} takes {state}, which the application does not have: add {given_by}"
            ),
            Self::DuplicateOperation { operation_id, operations: [first, second] } => write!(
                f,
                "{first} and {second} are both called {operation_id:?}: give one of them another operation_id"
            ),
            Self::DuplicateRoute { route, operations: [first, second] } => {
                write!(f, "{first} and {second} both answer {route}")
            }
            Self::Operation { operation, mistake } => write!(f, "{operation}: {mistake}"),
            Self::UnsupportedMethod { method, path } => {
                write!(f, "{method} {path}: OpenAPI 3.1 does not describe operations of the method {method}")
            }
        }
    }
}

impl std::error::Error for LaunchError {}

/// Builds the document, the router from the document, and the service around it.
pub(crate) fn launch(mut app: App) -> Result<Service, LaunchError> {
    let public = document::public_document(&app)?;
    let (base, mut dispatcher) = app.spec.take().unwrap_or_else(|| (Document::default(), Dispatcher::new()));
    let pages = docs::routes(&app.docs, &public);
    app.routes.extend(pages);
    let routed = routing_document(base, &app.routes)?;
    check_patterns(&routed.document)?;
    for state in &routed.states {
        if !app.context.contains(state.needed.id) {
            return Err(LaunchError::MissingState {
                operation: state.operation.clone(),
                state: state.needed.name.clone(),
                given_by: state.needed.given_by,
            });
        }
    }
    for (route, operation_id) in app.routes.into_iter().zip(routed.operation_ids) {
        register(&mut dispatcher, route, operation_id);
    }
    let router = Router::from_spec(&routed.document, dispatcher).map_err(LaunchError::Router)?;
    Ok(Service { context: Arc::new(app.context), middleware: app.middleware, router })
}

/// A pattern that does not compile would refuse every value, so it stops the launch.
fn check_patterns(document: &Document) -> Result<(), LaunchError> {
    // By way of text: the document has its schemas in many places, and text has them in one.
    let whole: serde_json::Value = serde_json::from_str(&document.to_json()).unwrap_or_default();
    match photon_core::validation::pattern_mistakes(&whole).into_iter().next() {
        Some(mistake) => Err(LaunchError::Operation { operation: "the document".to_owned(), mistake }),
        None => Ok(()),
    }
}

/// Handlers made from functions check their own arguments, so the router does not check them again.
fn register(dispatcher: &mut Dispatcher, route: Route, operation_id: String) {
    let Route { handler, status, .. } = route;
    if status == StatusCode::OK {
        dispatcher.register_checked_handler(operation_id, handler);
        return;
    }
    let with_status = move |request: &mut photon_core::Request| {
        let mut response = handler.call(request);
        // What a handler calls plain success has the status that its attribute says.
        if response.status == StatusCode::OK {
            response.status = status;
        }
        response
    };
    dispatcher.register_checked_handler(operation_id, Arc::new(with_status));
}

/// Starts the runtime, listens and serves until a signal.
pub(crate) fn serve(mut app: App) -> Result<()> {
    let environment = Settings::from_env()?;
    photon_runtime::start(app.settings.take().unwrap_or(environment))?;
    let mut addresses = std::mem::take(&mut app.addresses);
    if addresses.is_empty() {
        addresses.push(environment_address()?);
    }
    #[cfg(feature = "tls")]
    if app.server.tls.is_none() {
        app.server.tls = https::from_environment()?;
    }
    proxies::add_environment(&mut app.server)?;
    let config = app.server.clone();
    #[cfg(feature = "tls")]
    let (is_tls, redirect, https_port) = (config.tls.is_some(), app.redirect_http.take(), app.https_port);
    #[cfg(not(feature = "tls"))]
    let is_tls = false;
    #[cfg(feature = "tls")]
    if redirect.is_some() && !is_tls {
        return Err(photon_core::HttpError::internal(
            "redirect_http is for an application with certificates: add .tls(…)",
        ));
    }
    let (title, version, docs) = (app.info.title.clone(), app.info.version.clone(), app.docs.clone());
    let (on_start, on_stop) = (std::mem::take(&mut app.on_start), std::mem::take(&mut app.on_stop));
    let service = Arc::new(app.into_service()?);
    // Before anybody can connect: a port that answers means an application that is ready.
    on_start.into_iter().try_for_each(|hook| hook())?;
    let server = match Server::inherited(config.clone())? {
        Some(server) => server,
        None => Server::bind_all(addresses, config.clone())?,
    };
    let scheme = if is_tls { "https" } else { "http" };
    let listening = server.addresses();
    let urls: Vec<String> = listening.iter().map(|address| url_of(scheme, address)).collect();
    #[cfg(feature = "tls")]
    let redirect = redirect
        .map(|address| {
            let port = https_port.unwrap_or_else(|| first_port(&listening));
            https::Redirect::start(&address, port, &config)
        })
        .transpose()?;
    eprintln!("{title} {version} on {}", urls.join(", "));
    let web = urls.iter().find(|url| url.starts_with(scheme));
    if let (Some(path), Some(_), Some(url)) = (docs.swagger_ui, docs.openapi, web) {
        eprintln!("Documentation on {url}{path}");
    }
    let report = server.serve_until_signal(service)?;
    #[cfg(feature = "tls")]
    if let Some(redirect) = redirect {
        redirect.stop();
    }
    on_stop.into_iter().rev().for_each(|hook| hook());
    if report.connections_cut > 0 {
        eprintln!("Stopped; {} connections were cut", report.connections_cut);
    }
    Ok(())
}

fn url_of(scheme: &str, address: &ListenAddr) -> String {
    match address {
        ListenAddr::Tcp(address) => format!("{scheme}://{address}"),
        ListenAddr::Unix(_) => address.to_string(),
    }
}

/// The port that clients of a redirect are sent to.
#[cfg(feature = "tls")]
fn first_port(addresses: &[ListenAddr]) -> u16 {
    let port = |address: &ListenAddr| match address {
        ListenAddr::Tcp(address) => Some(address.port()),
        ListenAddr::Unix(_) => None,
    };
    addresses.iter().find_map(port).unwrap_or(443)
}

fn environment_address() -> Result<String> {
    let host = std::env::var("HOST").ok().filter(|host| !host.is_empty());
    let port = match std::env::var("PORT") {
        Ok(port) => port.parse::<u16>().map_err(|_| {
            photon_core::HttpError::internal(format!(
                "PORT is {port:?}, but must be a number from 0 to 65535"
            ))
        })?,
        Err(_) => 8000,
    };
    let host = host.unwrap_or_else(|| "127.0.0.1".to_owned());
    // An IPv6 address needs brackets before a port (RFC 3986 §3.2.2).
    let host = if host.contains(':') && !host.starts_with('[') { format!("[{host}]") } else { host };
    Ok(format!("{host}:{port}"))
}
