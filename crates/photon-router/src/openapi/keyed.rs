//! Objects whose own members are named by the document and may have extensions among them:
//! paths, responses, callbacks.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use serde::de::{Error, MapAccess, Visitor};
use serde::ser::SerializeMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::{Extensions, Map, PathItem, RefOr, Response};

/// Path items by path template (§4.8.8).
pub type Paths = Keyed<PathItem>;

/// Responses by status code, `4XX` or `default` (§4.8.16).
pub type Responses = Keyed<RefOr<Response>>;

/// Path items by the runtime expression that gives the URL to call (§4.8.18).
pub type Callback = Keyed<PathItem>;

/// A [`Map`] whose document form may hold extensions (`x-…`) beside its entries.
///
/// It dereferences to the map of its entries.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyed<T> {
    /// The entries, in document order.
    pub entries: Map<T>,
    /// The members whose name begins with `x-`.
    pub extensions: Extensions,
}

impl<T> Keyed<T> {
    /// Whether there is neither an entry nor an extension.
    #[must_use]
    pub fn is_blank(&self) -> bool {
        self.entries.is_empty() && self.extensions.is_empty()
    }
}

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self { entries: Map::new(), extensions: Extensions::new() }
    }
}

impl<T> Deref for Keyed<T> {
    type Target = Map<T>;

    fn deref(&self) -> &Map<T> {
        &self.entries
    }
}

impl<T> DerefMut for Keyed<T> {
    fn deref_mut(&mut self) -> &mut Map<T> {
        &mut self.entries
    }
}

impl<T> FromIterator<(String, T)> for Keyed<T> {
    fn from_iter<I: IntoIterator<Item = (String, T)>>(entries: I) -> Self {
        Self { entries: entries.into_iter().collect(), extensions: Extensions::new() }
    }
}

impl<T: Serialize> Serialize for Keyed<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.entries.len() + self.extensions.len()))?;
        for (key, value) in &self.entries {
            map.serialize_entry(key, value)?;
        }
        for (key, value) in &self.extensions {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Keyed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(KeyedVisitor(PhantomData))
    }
}

struct KeyedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for KeyedVisitor<T> {
    type Value = Keyed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Keyed<T>, A::Error> {
        let mut keyed = Keyed::default();
        while let Some(key) = access.next_key::<String>()? {
            if key.starts_with("x-") {
                keyed.extensions.insert(key, access.next_value()?);
            } else if keyed.entries.contains_key(&key) {
                return Err(A::Error::custom(format_args!("{key:?} stands twice in one object")));
            } else {
                keyed.entries.insert(key, access.next_value()?);
            }
        }
        Ok(keyed)
    }
}
