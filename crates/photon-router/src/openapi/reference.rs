//! References inside a document: `#/components/<kind>/<name>` (OpenAPI 3.1.0 §4.8.23, RFC 6901).
//!
//! References to other documents are not followed: a router must not read files or call hosts.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use super::{
    Callback, Components, Document, Example, Header, Link, Map, Parameter, PathItem, RequestBody, Response,
    SecurityScheme,
};

/// A value, or where in the document it stands.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
pub enum RefOr<T> {
    /// Where the value stands.
    Ref(Reference),
    /// The value itself.
    Item(T),
}

/// Where a value stands (§4.8.23).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// The URI of the value.
    #[serde(rename = "$ref")]
    pub reference: String,
    /// Replaces the value's summary.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Replaces the value's description.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

impl<T> RefOr<T> {
    /// A reference to `uri`.
    #[must_use]
    pub fn reference(uri: impl Into<String>) -> Self {
        Self::Ref(Reference { reference: uri.into(), ..Reference::default() })
    }

    /// The value, unless it stands elsewhere.
    #[must_use]
    pub fn item(&self) -> Option<&T> {
        match self {
            Self::Item(item) => Some(item),
            Self::Ref(_) => None,
        }
    }
}

impl<T> From<T> for RefOr<T> {
    fn from(item: T) -> Self {
        Self::Item(item)
    }
}

// Not `untagged`, which would answer every mistake with "did not match any variant".
impl<'de, T: for<'item> Deserialize<'item>> Deserialize<'de> for RefOr<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let object = serde_json::Map::deserialize(deserializer)?;
        let is_reference = object.contains_key("$ref");
        let value = Value::Object(object);
        if is_reference {
            serde_json::from_value(value).map(Self::Ref).map_err(serde::de::Error::custom)
        } else {
            serde_json::from_value(value).map(Self::Item).map_err(serde::de::Error::custom)
        }
    }
}

/// A kind of value that `components` may hold.
pub trait Component: Sized {
    /// The member of `components` that holds this kind.
    const KIND: &'static str;

    /// The values of this kind.
    fn all(components: &Components) -> &Map<RefOr<Self>>;
}

macro_rules! component {
    ($($type:ty, $field:ident, $kind:literal;)*) => {
        $(impl Component for $type {
            const KIND: &'static str = $kind;

            fn all(components: &Components) -> &Map<RefOr<Self>> {
                &components.$field
            }
        })*
    };
}

component! {
    Response, responses, "responses";
    Parameter, parameters, "parameters";
    Example, examples, "examples";
    RequestBody, request_bodies, "requestBodies";
    Header, headers, "headers";
    SecurityScheme, security_schemes, "securitySchemes";
    Link, links, "links";
    Callback, callbacks, "callbacks";
    PathItem, path_items, "pathItems";
}

/// Why a reference leads nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefError {
    /// It is not of the form `#/components/<kind>/<name>`, with the kind that is due at its place.
    Form {
        /// The reference.
        reference: String,
        /// The kind that is due.
        kind: &'static str,
    },
    /// Nothing stands there.
    Missing {
        /// The reference.
        reference: String,
    },
    /// It leads back to itself.
    Cycle {
        /// The reference.
        reference: String,
    },
}

impl fmt::Display for RefError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Form { reference, kind } => write!(
                f,
                "the reference {reference:?} is not of the form \"#/components/{kind}/<name>\"; \
                 other places and other documents are not followed"
            ),
            Self::Missing { reference } => write!(f, "nothing stands where {reference:?} points to"),
            Self::Cycle { reference } => write!(f, "the reference {reference:?} leads back to itself"),
        }
    }
}

impl std::error::Error for RefError {}

impl Document {
    /// The value that stands here or where the reference leads, over any number of references.
    ///
    /// # Errors
    /// The reference is not of the form `#/components/<kind>/<name>` with the kind of `T`, nothing
    /// stands there, or it leads back to itself.
    ///
    /// ```
    /// use photon_router::openapi::{Document, Parameter, RefOr};
    ///
    /// let mut document = Document::new("Shop", "1.0.0");
    /// let page = Parameter { name: "page".into(), ..Parameter::default() };
    /// document.components.parameters.insert("a/b".into(), page.clone().into());
    /// let reference: RefOr<Parameter> = RefOr::reference("#/components/parameters/a~1b");
    /// assert_eq!(document.resolve(&reference), Ok(&page));
    /// ```
    pub fn resolve<'a, T: Component>(&'a self, mut value: &'a RefOr<T>) -> Result<&'a T, RefError> {
        let all = T::all(&self.components);
        // A chain without a cycle cannot be longer than there are values.
        for _ in 0..=all.len() {
            match value {
                RefOr::Item(item) => return Ok(item),
                RefOr::Ref(Reference { reference, .. }) => {
                    let (name, rest) = component_name(reference, T::KIND)?;
                    if !rest.is_empty() {
                        return Err(RefError::Form { reference: reference.clone(), kind: T::KIND });
                    }
                    value =
                        all.get(&name).ok_or_else(|| RefError::Missing { reference: reference.clone() })?;
                }
            }
        }
        Err(RefError::Cycle { reference: reference_of(value) })
    }

    /// The schema that stands here or where its `$ref` leads, over any number of references. The
    /// pointer may go on inside a schema: `#/components/schemas/Item/properties/name`.
    ///
    /// # Errors
    /// As for [`Document::resolve`].
    pub fn resolve_schema<'a>(&'a self, mut schema: &'a Value) -> Result<&'a Value, RefError> {
        let mut seen: Vec<&str> = Vec::new();
        while let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            if seen.contains(&reference) {
                return Err(RefError::Cycle { reference: reference.into() });
            }
            seen.push(reference);
            let (name, rest) = component_name(reference, "schemas")?;
            schema = self
                .components
                .schemas
                .get(&name)
                .and_then(|schema| schema.pointer(&rest))
                .ok_or_else(|| RefError::Missing { reference: reference.into() })?;
        }
        Ok(schema)
    }

    /// The path item that stands here or where its `$ref` leads.
    ///
    /// # Errors
    /// As for [`Document::resolve`].
    pub fn resolve_path_item<'a>(&'a self, item: &'a PathItem) -> Result<&'a PathItem, RefError> {
        let mut item = item;
        for _ in 0..=self.components.path_items.len() {
            let Some(reference) = &item.reference else { return Ok(item) };
            let (name, rest) = component_name(reference, PathItem::KIND)?;
            if !rest.is_empty() {
                return Err(RefError::Form { reference: reference.clone(), kind: PathItem::KIND });
            }
            item = self
                .components
                .path_items
                .get(&name)
                .ok_or_else(|| RefError::Missing { reference: reference.clone() })
                .and_then(|target| self.resolve(target))?;
        }
        Err(RefError::Cycle { reference: item.reference.clone().unwrap_or_default() })
    }
}

fn reference_of<T>(value: &RefOr<T>) -> String {
    match value {
        RefOr::Ref(reference) => reference.reference.clone(),
        RefOr::Item(_) => String::new(),
    }
}

// The name behind `#/components/<kind>/` without its escapes, and the pointer that follows it.
fn component_name(reference: &str, kind: &'static str) -> Result<(String, String), RefError> {
    let form = || RefError::Form { reference: reference.into(), kind };
    let pointer = reference.strip_prefix("#/components/").ok_or_else(form)?;
    let pointer = pointer.strip_prefix(kind).and_then(|rest| rest.strip_prefix('/')).ok_or_else(form)?;
    // In a URI fragment a pointer is percent-encoded first (RFC 6901 §6).
    let pointer = crate::percent::decode(pointer).map_err(|_| form())?;
    let (name, rest) = pointer.split_at(pointer.find('/').unwrap_or(pointer.len()));
    // RFC 6901 §4: ~1 before ~0, so that ~01 stays ~1.
    Ok((name.replace("~1", "/").replace("~0", "~"), rest.to_owned()))
}
