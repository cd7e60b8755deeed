//! One fault, the list of them, and the 422 that a client gets.

use http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::{HttpError, IntoResponse, Response};

/// What is wrong with one value: a type name and a sentence, both Pydantic's.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    /// The error type, such as `int_parsing` or `missing`.
    pub kind: &'static str,
    /// The sentence for people.
    pub message: String,
    /// The numbers and names in the sentence, for programs.
    pub context: Option<Box<(&'static str, Value)>>,
}

impl Fault {
    /// A fault without context.
    pub fn new(kind: &'static str, message: impl Into<String>) -> Self {
        Self { kind, message: message.into(), context: None }
    }

    /// Adds the value that the message speaks of.
    #[must_use]
    pub fn context(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.context = Some(Box::new((name, value.into())));
        self
    }

    /// A required value that is not there.
    #[must_use]
    pub fn missing() -> Self {
        Self::new("missing", "Field required")
    }
}

/// One step of a location: a name, or an index in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Segment {
    /// A source (`query`), a parameter or a field.
    Name(String),
    /// A place in a list, or a byte position in broken JSON.
    Index(usize),
}

impl From<&str> for Segment {
    fn from(name: &str) -> Self {
        Self::Name(name.to_owned())
    }
}

impl From<usize> for Segment {
    fn from(index: usize) -> Self {
        Self::Index(index)
    }
}

/// Where in the request a fault is: its source, then names and indexes.
pub type Location = Vec<Segment>;

/// One entry of a 422 response's `detail` list.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ErrorDetail {
    /// The error type, such as `int_parsing`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// Where the fault is: `["body", "tags", 0]`.
    pub loc: Location,
    /// The sentence for people.
    pub msg: String,
    /// The value that was refused.
    pub input: Value,
    /// The numbers and names in the sentence, for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ctx: Option<Map<String, Value>>,
}

/// The most faults that one response lists, so that a hostile body cannot make a huge one.
const MOST_FAULTS: usize = 100;

/// The most text of inputs, in bytes, that one response repeats. A megabyte that lacks twenty fields
/// would otherwise come back twenty times.
const MOST_INPUT: usize = 256 * 1024;

/// All that is wrong with one request.
#[derive(Debug, Default)]
pub struct Errors {
    details: Vec<ErrorDetail>,
    rejection: Option<HttpError>,
    repeated: usize,
}

impl Errors {
    /// No faults so far.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a fault. The same fault at the same place counts once, and none counts after the
    /// hundredth. Inputs are repeated up to 256 KiB in all; what comes after is `null`.
    pub fn push(&mut self, location: Location, fault: Fault, input: &Value) {
        if self.details.len() >= MOST_FAULTS
            || self.details.iter().any(|known| known.kind == fault.kind && known.loc == location)
        {
            return;
        }
        let mut room = self.room();
        let input = if fits(input, &mut room) {
            self.repeated = MOST_INPUT - room;
            input.clone()
        } else {
            Value::Null
        };
        let ctx = fault.context.map(|context| Map::from_iter([(context.0.to_owned(), context.1)]));
        self.details.push(ErrorDetail { kind: fault.kind, loc: location, msg: fault.message, input, ctx });
    }

    /// Says that a dependency answers instead of the handler. The first one does, and it goes
    /// before all faults: a client that may not come in is not told what was wrong with its body.
    pub fn reject(&mut self, error: HttpError) {
        self.rejection.get_or_insert(error);
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.details.is_empty() && self.rejection.is_none()
    }

    /// The faults so far.
    #[must_use]
    pub fn details(&self) -> &[ErrorDetail] {
        &self.details
    }

    pub(crate) fn count(&self) -> usize {
        self.details.len()
    }

    pub(crate) fn is_full(&self) -> bool {
        self.details.len() >= MOST_FAULTS
    }

    fn room(&self) -> usize {
        MOST_INPUT.saturating_sub(self.repeated)
    }

    /// A value as it can be repeated in a fault: a copy, or nothing if it is too large.
    pub(crate) fn repeatable(&self, value: &Value) -> Value {
        if fits(value, &mut self.room()) { value.clone() } else { Value::Null }
    }

    /// As [`Errors::repeatable`], for an object whose fields are at hand.
    pub(crate) fn repeatable_fields(&self, fields: &Map<String, Value>) -> Value {
        if fields_fit(fields, &mut self.room()) { Value::Object(fields.clone()) } else { Value::Null }
    }

    /// An empty list that may repeat as much as this one still may, to try something with.
    pub(crate) fn fork(&self) -> Self {
        Self { repeated: self.repeated, ..Self::default() }
    }

    /// Gives the fields of the faults after the first `count` other names.
    pub(crate) fn rename_since(&mut self, count: usize, name: impl Fn(&str) -> String) {
        for detail in self.details.iter_mut().skip(count) {
            if let Some(Segment::Name(field)) = detail.loc.get_mut(1) {
                *field = name(field);
            }
        }
    }

    /// Adds the faults of another list behind these.
    pub fn append(&mut self, other: Self) {
        if let Some(rejection) = other.rejection {
            self.reject(rejection);
        }
        for ErrorDetail { kind, loc, msg, input, ctx } in other.details {
            let context = ctx.and_then(|ctx| ctx.into_iter().next());
            let before = self.details.len();
            self.push(loc, Fault::new(kind, msg), &input);
            if let (Some(added), Some((name, value))) = (self.details.get_mut(before), context) {
                added.ctx = Some(Map::from_iter([(name, value)]));
            }
        }
    }

    /// The answer as an error, for a function that returns [`HttpError`].
    #[must_use]
    pub fn into_error(self) -> HttpError {
        self.rejection
            .unwrap_or_else(|| HttpError::with_detail(StatusCode::UNPROCESSABLE_ENTITY, &self.details))
    }
}

/// Whether a value takes about as much room as there is, or less; takes it from `room` then.
fn fits(value: &Value, room: &mut usize) -> bool {
    let own = match value {
        Value::String(text) => text.len(),
        _ => 4,
    };
    take(own, room)
        && match value {
            Value::Array(items) => items.iter().all(|item| fits(item, room)),
            Value::Object(fields) => fields_fit(fields, room),
            _ => true,
        }
}

fn fields_fit(fields: &Map<String, Value>, room: &mut usize) -> bool {
    fields.iter().all(|(name, field)| take(name.len(), room) && fits(field, room))
}

fn take(bytes: usize, room: &mut usize) -> bool {
    room.checked_sub(bytes).map(|rest| *room = rest).is_some()
}

impl IntoResponse for Errors {
    fn into_response(self) -> Response {
        self.into_error().into_response()
    }
}
