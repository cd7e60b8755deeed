//! What an operation tells a document about itself: its parameters, bodies and responses.
//!
//! These are the facts, not the OpenAPI objects: the document is put together from them by the
//! application, which knows all operations.

use std::any::{TypeId, type_name};

use http::StatusCode;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

use crate::Schemas;

/// The documentation of one operation, filled in by its arguments and its return type.
pub struct OperationDoc<'a> {
    /// The parameters in the order of the arguments.
    pub parameters: Vec<ParameterDoc>,
    /// The arguments that are read from the body.
    pub bodies: Vec<BodyDoc>,
    /// The responses, expected and declared.
    pub responses: Vec<ResponseDoc>,
    /// The state that the operation takes, which has to be there at launch.
    pub states: Vec<StateDoc>,
    /// What is wrong with the operation, each a sentence; it stops the launch.
    pub mistakes: Vec<String>,
    /// The schemas of the whole document.
    pub schemas: &'a mut Schemas,
}

/// One documented parameter (OpenAPI 3.1 §4.8.12).
#[derive(Debug, Clone)]
pub struct ParameterDoc {
    /// The name on the wire.
    pub name: String,
    /// `path`, `query`, `header` or `cookie`.
    pub location: &'static str,
    /// Whether a request without it is refused.
    pub required: bool,
    /// The schema of its value.
    pub schema: Value,
    /// What it is for.
    pub description: Option<String>,
    /// Whether clients should stop using it.
    pub deprecated: bool,
    /// A value that it could have.
    pub example: Option<Value>,
}

/// One argument that is read from the body.
#[derive(Debug, Clone)]
pub struct BodyDoc {
    /// The argument's name, which is its key when the body holds several arguments.
    pub name: String,
    /// The media type.
    pub content_type: &'static str,
    /// The schema of the argument.
    pub schema: Value,
    /// Whether a request without it is refused.
    pub required: bool,
    /// Whether it is under its name in the body, and not the body itself.
    pub embed: bool,
    /// What it is for.
    pub description: Option<String>,
    /// A value that it could have.
    pub example: Option<Value>,
}

/// One documented response (OpenAPI 3.1 §4.8.17).
#[derive(Debug, Clone)]
pub struct ResponseDoc {
    /// The status.
    pub status: StatusCode,
    /// What it means; the status's phrase by default.
    pub description: Option<String>,
    /// The media type and schema of its body, if it has one.
    pub content: Option<(&'static str, Value)>,
}

/// State that an operation takes.
#[derive(Debug, Clone)]
pub struct StateDoc {
    /// The type by which it is found.
    pub id: TypeId,
    /// What the handler takes, for the message when it is not there.
    pub name: String,
    /// How an application gives it, for the same message.
    pub given_by: &'static str,
}

impl<'a> OperationDoc<'a> {
    /// An operation without arguments and responses.
    pub fn new(schemas: &'a mut Schemas) -> Self {
        Self {
            parameters: Vec::new(),
            bodies: Vec::new(),
            responses: Vec::new(),
            states: Vec::new(),
            mistakes: Vec::new(),
            schemas,
        }
    }

    /// Documents a response without body.
    pub fn response(&mut self, status: StatusCode) {
        self.add(ResponseDoc { status, description: None, content: None });
    }

    /// Documents a response with a JSON body of type `T`.
    pub fn json_response<T: JsonSchema>(&mut self, status: StatusCode) {
        let schema = self.schemas.output::<T>();
        self.add(ResponseDoc { status, description: None, content: Some(("application/json", schema)) });
    }

    /// Documents a response with a body of another media type.
    pub fn content_response(&mut self, status: StatusCode, content_type: &'static str) {
        let schema =
            if content_type == "application/octet-stream" { json!({}) } else { json!({"type": "string"}) };
        self.add(ResponseDoc { status, description: None, content: Some((content_type, schema)) });
    }

    /// Documents an error with Photon's envelope, `{"detail": …}`.
    pub fn error_response(&mut self, status: StatusCode) {
        self.json_response::<ErrorBody>(status);
    }

    /// Adds a response unless its status is documented already.
    pub fn add(&mut self, response: ResponseDoc) {
        if !self.responses.iter().any(|known| known.status == response.status) {
            self.responses.push(response);
        }
    }

    /// Notes that the operation takes state of type `T`.
    pub fn needs_state<T: 'static>(&mut self) {
        self.needs::<T>(format!("State<{}>", type_name::<T>()), ".state(…) with a value of that type");
    }

    /// Notes that the operation takes something that the application shares, with the words for the message when
    /// it was not given: what it is called, and how it is given.
    pub fn needs<T: 'static>(&mut self, name: impl Into<String>, given_by: &'static str) {
        self.states.push(StateDoc { id: TypeId::of::<T>(), name: name.into(), given_by });
    }
}

/// The body of an error response.
#[derive(JsonSchema)]
#[schemars(rename = "HTTPError", extend("title" = "HTTPError"))]
#[expect(dead_code, reason = "stands for its schema; the real body is written as JSON directly")]
struct ErrorBody {
    /// What went wrong: a text, or more for programs to read.
    detail: Value,
}

/// The schemas of the 422 response, as FastAPI documents it.
#[must_use]
pub fn validation_error_schemas() -> Map<String, Value> {
    let location = json!({"anyOf": [{"type": "string"}, {"type": "integer"}]});
    let schemas = json!({
        "HTTPValidationError": {
            "type": "object",
            "title": "HTTPValidationError",
            "properties": {
                "detail": {
                    "type": "array",
                    "title": "Detail",
                    "items": {"$ref": "#/components/schemas/ValidationError"},
                },
            },
        },
        "ValidationError": {
            "type": "object",
            "title": "ValidationError",
            "required": ["loc", "msg", "type"],
            "properties": {
                "loc": {"type": "array", "title": "Location", "items": location},
                "msg": {"type": "string", "title": "Message"},
                "type": {"type": "string", "title": "Error Type"},
                "input": {"title": "Input"},
                "ctx": {"type": "object", "title": "Context"},
            },
        },
    });
    match schemas {
        Value::Object(schemas) => schemas,
        _ => Map::new(),
    }
}
