//! An application while it is put together: routes, state, documents, settings.

use std::sync::Arc;

use photon_core::{CoercedBodies, Context, Handler, Request, Response, Result, Route};
use photon_router::openapi::Document;
use photon_router::{Dispatcher, openapi};
use photon_runtime::Settings;
use photon_server::ServerConfig;

use crate::docs::DocsPaths;
use crate::launch::{LaunchError, launch};
use crate::lifecycle::Service;
use crate::middleware::{Middleware, Next};
use crate::{arguments, document};

/// An application: its routes, what they share, and how it is served.
///
/// ```no_run
/// use photon::prelude::*;
///
/// #[get("/")]
/// fn index() -> &'static str {
///     "hello"
/// }
///
/// fn main() -> photon::Result<()> {
///     App::new().title("Shop").version("1.0.0").routes(routes![index]).run()
/// }
/// ```
pub struct App {
    pub(crate) info: openapi::Info,
    pub(crate) servers: Vec<openapi::Server>,
    pub(crate) tags: Vec<openapi::Tag>,
    pub(crate) routes: Vec<Route>,
    pub(crate) spec: Option<(Document, Dispatcher)>,
    pub(crate) context: Context,
    pub(crate) middleware: Vec<Box<dyn Middleware>>,
    pub(crate) docs: DocsPaths,
    pub(crate) addresses: Vec<String>,
    pub(crate) server: ServerConfig,
    #[cfg(feature = "tls")]
    pub(crate) redirect_http: Option<String>,
    #[cfg(feature = "tls")]
    pub(crate) https_port: Option<u16>,
    pub(crate) settings: Option<Settings>,
    pub(crate) on_start: Vec<StartHook>,
    pub(crate) on_stop: Vec<StopHook>,
}

/// What is done before an application answers its first request.
pub(crate) type StartHook = Box<dyn FnOnce() -> Result<()> + Send>;
/// What is done after it has answered its last.
pub(crate) type StopHook = Box<dyn FnOnce() + Send>;

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

impl App {
    /// An application without routes, called "Photon", version 0.1.0.
    #[must_use]
    pub fn new() -> Self {
        Self {
            info: openapi::Info {
                title: "Photon".to_owned(),
                version: "0.1.0".to_owned(),
                ..openapi::Info::default()
            },
            servers: Vec::new(),
            tags: Vec::new(),
            routes: Vec::new(),
            spec: None,
            context: Context::new(),
            middleware: Vec::new(),
            docs: DocsPaths::default(),
            addresses: Vec::new(),
            server: ServerConfig::default(),
            #[cfg(feature = "tls")]
            redirect_http: None,
            #[cfg(feature = "tls")]
            https_port: None,
            settings: None,
            on_start: Vec::new(),
            on_stop: Vec::new(),
        }
    }

    /// An application whose document comes first: written by hand or by a designer, read with
    /// [`Document::from_json`]. Each operation is answered by the handler registered under its
    /// `operationId`, and the document's schemas are enforced.
    ///
    /// ```
    /// use photon::openapi::Document;
    /// use photon::testing::TestClient;
    /// use photon::{App, Dispatcher, Request, Response};
    ///
    /// let document = Document::from_json(r#"{
    ///     "openapi": "3.1.0",
    ///     "info": {"title": "Greeter", "version": "1"},
    ///     "paths": {"/hello/{name}": {"get": {"operationId": "hello"}}}
    /// }"#).unwrap();
    /// let mut dispatcher = Dispatcher::new();
    /// dispatcher.register_handler("hello", |request: &mut Request| {
    ///     let name = request.path_params.get("name").unwrap_or("nobody").to_owned();
    ///     Response::with_body("text/plain", name)
    /// });
    /// let client = TestClient::new(App::from_spec(document, dispatcher));
    /// assert_eq!(client.get("/hello/Ada").send().text(), "Ada");
    /// ```
    #[must_use]
    pub fn from_spec(document: Document, dispatcher: Dispatcher) -> Self {
        let mut app = Self::new();
        app.info = document.info.clone();
        app.spec = Some((document, dispatcher));
        app
    }

    /// The application's name in the document. "Photon" by default.
    #[must_use]
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.info.title = title.into();
        self
    }

    /// The application's own version in the document. "0.1.0" by default.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.info.version = version.into();
        self
    }

    /// What the application is for, in CommonMark, for the document.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.info.description = Some(description.into());
        self
    }

    /// Adds a base URL under which the application can be reached, for the document.
    #[must_use]
    pub fn server(mut self, url: impl Into<String>) -> Self {
        self.servers.push(openapi::Server { url: url.into(), ..openapi::Server::default() });
        self
    }

    /// Says what the operations under a tag have in common, and gives tags their order.
    #[must_use]
    pub fn tag(mut self, name: impl Into<String>, description: impl Into<String>) -> Self {
        let description = Some(description.into());
        self.tags.push(openapi::Tag { name: name.into(), description, ..openapi::Tag::default() });
        self
    }

    /// Adds routes: `.routes(routes![read_item, create_item])`.
    #[must_use]
    pub fn routes(mut self, routes: impl IntoIterator<Item = Route>) -> Self {
        self.routes.extend(routes);
        self
    }

    /// Shares a value with all handlers, which take it as `State<T>`. One per type.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(self, value: T) -> Self {
        self.shared_state(Arc::new(value))
    }

    /// Shares a value that other parts of the program hold too.
    #[must_use]
    pub fn shared_state<T: Send + Sync + 'static>(mut self, value: Arc<T>) -> Self {
        self.context.insert(value);
        self
    }

    /// Wraps all that the application answers, 404s included. The first one added is outermost.
    ///
    /// ```
    /// use photon::prelude::*;
    ///
    /// let app = App::new().middleware(|request, next| {
    ///     let mut response = next.run(request);
    ///     response.headers.insert("x-served-by", "photon");
    ///     response
    /// });
    /// # let response = photon::testing::TestClient::new(app).get("/nowhere").send();
    /// # assert_eq!(response.header("x-served-by"), Some("photon"));
    /// ```
    #[must_use]
    pub fn middleware<F>(mut self, middleware: F) -> Self
    where
        F: Fn(&mut Request, Next<'_>) -> Response + Send + Sync + 'static,
    {
        self.middleware.push(Box::new(middleware));
        self
    }

    /// Has something done before the first request is answered, in the order of the calls: a table filled, a
    /// connection tested. An error stops the launch. `openapi` and `routes` do without it.
    #[must_use]
    pub fn on_start(mut self, hook: impl FnOnce() -> Result<()> + Send + 'static) -> Self {
        self.on_start.push(Box::new(hook));
        self
    }

    /// Has something done after the last request has been answered, the latest call first.
    #[must_use]
    pub fn on_stop(mut self, hook: impl FnOnce() + Send + 'static) -> Self {
        self.on_stop.push(Box::new(hook));
        self
    }

    /// Where the OpenAPI document is served, or `None` for nowhere; then there are no documentation
    /// pages either. `/openapi.json` by default.
    #[must_use]
    pub fn openapi_path(mut self, path: impl Into<Option<&'static str>>) -> Self {
        self.docs.openapi = path.into();
        self
    }

    /// Where Swagger UI is served, or `None` for nowhere. `/docs` by default.
    #[must_use]
    pub fn docs_path(mut self, path: impl Into<Option<&'static str>>) -> Self {
        self.docs.swagger_ui = path.into();
        self
    }

    /// Where ReDoc is served, or `None` for nowhere. `/redoc` by default.
    #[must_use]
    pub fn redoc_path(mut self, path: impl Into<Option<&'static str>>) -> Self {
        self.docs.redoc = path.into();
        self
    }

    /// Lets JSON bodies hold numbers and booleans as text, as FastAPI does: `{"price": "9.5"}`.
    ///
    /// By default a body has to be what the document says.
    #[must_use]
    pub fn coerce_json_bodies(self) -> Self {
        self.state(CoercedBodies)
    }

    /// Where to listen: `"0.0.0.0:8080"`, or `"unix:/run/shop.sock"` for a Unix socket. Called several times, it listens
    /// on all of them. Without it the environment variables `HOST` and `PORT` decide, and without those
    /// 127.0.0.1:8000.
    ///
    /// Sockets that systemd has opened for the program (socket activation) take precedence over all of these.
    #[must_use]
    pub fn bind(mut self, address: impl Into<String>) -> Self {
        self.addresses.push(address.into());
        self
    }

    /// Time limits, size limits and the connection cap. Certificates and proxies that were given before stay, unless these
    /// settings have others.
    #[must_use]
    pub fn server_config(mut self, config: ServerConfig) -> Self {
        let before = std::mem::replace(&mut self.server, config);
        #[cfg(feature = "tls")]
        if self.server.tls.is_none() {
            self.server.tls = before.tls;
        }
        if self.server.trusted_proxies.is_empty() {
            self.server.trusted_proxies = before.trusted_proxies;
        }
        self.server.proxy_protocol |= before.proxy_protocol;
        self
    }

    /// How many threads run coroutines. All cores by default; `PHOTON_WORKERS` sets it from outside.
    #[must_use]
    pub fn workers(mut self, workers: usize) -> Self {
        self.settings.get_or_insert_with(environment_settings).workers = workers;
        self
    }

    /// The stack of each coroutine in bytes of address space. 1 MiB by default; `PHOTON_STACK_SIZE`
    /// sets it from outside.
    #[must_use]
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.settings.get_or_insert_with(environment_settings).stack_size = bytes;
        self
    }

    /// The OpenAPI document of the application.
    ///
    /// # Errors
    /// What would stop the launch: two operations of one name, a method that OpenAPI does not know.
    pub fn document(&self) -> Result<Document, LaunchError> {
        document::public_document(self)
    }

    /// Puts the application together without serving it: for tests, and for servers of your own.
    ///
    /// # Errors
    /// What would stop the launch: conflicting routes, missing state, a broken path template.
    pub fn build(self) -> Result<impl Handler, LaunchError> {
        self.into_service()
    }

    pub(crate) fn into_service(self) -> Result<Service, LaunchError> {
        launch(self)
    }

    /// Runs the program: serves the application, or does what its arguments say. `openapi` prints the
    /// document, `openapi --output FILE` writes it, `routes` prints the route table; neither
    /// opens a port.
    ///
    /// Serving ends with SIGINT or SIGTERM: no more connections are accepted, requests that are
    /// being answered finish, and what is left at the drain deadline is cut.
    ///
    /// # Errors
    /// Unknown arguments, what stops a launch, or an address that cannot be listened on.
    pub fn run(self) -> Result<()> {
        arguments::run(self, &std::env::args().skip(1).collect::<Vec<_>>())
    }

    /// Serves the application, whatever the program's arguments are. See [`App::run`].
    ///
    /// # Errors
    /// What stops a launch, or an address that cannot be listened on.
    pub fn serve(self) -> Result<()> {
        crate::launch::serve(self)
    }
}

/// A malformed variable is reported when the application starts, not here.
fn environment_settings() -> Settings {
    Settings::from_env().unwrap_or_default()
}
