//! What a client asks for: a cursor, and how many items.

use photon_core::validation::{Constraints, Errors};
use photon_core::{Argument, FromRequest, HttpError, OperationDoc, Request, Source, StatusCode};

use super::keyset::LONGEST;
use crate::bounded::{self, Bounded, USUAL};

/// Which rows are wanted, as a handler's argument: the query parameters `after` or `before`, which are cursors from an
/// earlier [`CursorPage`](crate::CursorPage), and `limit`, from 1 to `MAX`.
///
/// Without a cursor the list begins at its start; with both, the wanted items are between them. The limit is 20 unless
/// the client says otherwise, or `MAX` if that is less. Other limits are a 422, and cursors of no place in the list a
/// 404.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CursorParams<const MAX: u64 = 100> {
    /// The cursor behind which the wanted rows begin.
    pub after: Option<String>,
    /// The cursor before which the wanted rows end.
    pub before: Option<String>,
    /// How many items are wanted at most.
    pub limit: u64,
}

impl<const MAX: u64> CursorParams<MAX> {
    fn limit_parameter() -> Bounded {
        const { assert!(MAX > 0, "a page has at least one item") };
        Bounded::new("limit", "How many items are wanted at most.", MAX, USUAL.min(MAX))
    }
}

impl<const MAX: u64> Default for CursorParams<MAX> {
    fn default() -> Self {
        Self { after: None, before: None, limit: USUAL.min(MAX) }
    }
}

impl<const MAX: u64> FromRequest for CursorParams<MAX> {
    fn from_request(request: &mut Request) -> Result<Self, HttpError> {
        let mut errors = Errors::new();
        let argument = Argument::new("cursor", Source::Query);
        Self::from_argument(request, &argument, &mut errors).ok_or_else(|| errors.into_error())
    }

    fn from_argument(request: &mut Request, _argument: &Argument, errors: &mut Errors) -> Option<Self> {
        let (after, before) = (bounded::last(request, "after"), bounded::last(request, "before"));
        let limit = Self::limit_parameter().read(request, errors);
        limit.map(|limit| Self { after, before, limit })
    }

    fn is_present(request: &Request, _argument: &Argument) -> bool {
        ["after", "before", "limit"].iter().any(|name| bounded::last(request, name).is_some())
    }

    fn describe(argument: &Argument, operation: &mut OperationDoc<'_>) {
        if argument.hidden {
            return;
        }
        let cursors = [
            ("after", "The `next` of an earlier answer: the items behind it are wanted."),
            ("before", "The `previous` of an earlier answer: the items before it are wanted."),
        ];
        for (name, description) in cursors {
            let mut argument = Argument::new(name, Source::Query);
            argument.description = Some(description);
            argument.constraints = Constraints { max_length: Some(LONGEST), ..Constraints::NONE };
            <Option<String> as FromRequest>::describe(&argument, operation);
        }
        Self::limit_parameter().describe(operation);
        // What is no cursor of the list.
        operation.error_response(StatusCode::NOT_FOUND);
    }
}
