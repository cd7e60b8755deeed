//! Databases as arguments of handlers.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use photon_core::{Argument, FromRequest, HttpError, OperationDoc, Request};

use crate::Db;
use crate::session::Session;

/// How an application gives its handlers a database, for messages.
const GIVEN_BY: &str = ".database(…) with one";

/// The application's database. Handles of one request know of each other: once one has written, all read from the
/// primary.
impl FromRequest for Db {
    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        let shared = request.context().and_then(|context| context.get::<Db>());
        let shared = shared.ok_or_else(|| missing("a database"))?;
        Ok(for_request(&shared, request))
    }

    fn describe(_argument: &Argument, operation: &mut OperationDoc<'_>) {
        operation.needs::<Db>("a database", GIVEN_BY);
    }
}

/// One of several databases: `reports: NamedDb<Reports>` for an application with
/// `.named_database::<Reports>(db)`. It is a [`Db`] where it counts: `query.all(&*reports)`.
///
/// The name is a type, so a wrong one does not compile; one that the application does not have stops the launch.
#[derive(Debug)]
pub struct NamedDb<D> {
    db: Db,
    name: PhantomData<fn() -> D>,
}

impl<D> NamedDb<D> {
    /// Gives a database a name.
    pub fn new(db: Db) -> Self {
        Self { db, name: PhantomData }
    }
}

impl<D> Clone for NamedDb<D> {
    fn clone(&self) -> Self {
        Self::new(self.db.clone())
    }
}

impl<D> Deref for NamedDb<D> {
    type Target = Db;

    fn deref(&self) -> &Db {
        &self.db
    }
}

impl<D: 'static> FromRequest for NamedDb<D> {
    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        let shared = request.context().and_then(|context| context.get::<NamedDb<D>>());
        let shared = shared.ok_or_else(|| missing(std::any::type_name::<Self>()))?;
        Ok(Self::new(for_request(&shared, request)))
    }

    fn describe(_argument: &Argument, operation: &mut OperationDoc<'_>) {
        let name = format!("NamedDb<{}>", std::any::type_name::<D>());
        operation.needs::<Self>(name, ".named_database::<…>(…) with one");
    }
}

fn missing(what: &str) -> HttpError {
    HttpError::internal(format!("the application does not have {what}: give it one with {GIVEN_BY}"))
}

/// What the handles of one request share, by database.
#[derive(Default)]
struct Sessions(Vec<(usize, Arc<Session>)>);

fn for_request(db: &Db, request: &mut Request) -> Db {
    let id = request.id().clone();
    let new = || Arc::new(Session::of_request(id));
    if !db.servers.readers_lag() {
        return db.with_session(new());
    }
    let key = Arc::as_ptr(&db.servers).addr();
    if request.extensions().get::<Sessions>().is_none() {
        request.extensions_mut().insert(Sessions::default());
    }
    let Some(Sessions(sessions)) = request.extensions_mut().get_mut::<Sessions>() else {
        return db.with_session(new());
    };
    let session = match sessions.iter().find(|(known, _)| *known == key) {
        Some((_, session)) => Arc::clone(session),
        None => {
            let session = new();
            sessions.push((key, Arc::clone(&session)));
            session
        }
    };
    db.with_session(session)
}
