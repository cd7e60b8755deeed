//! What one application shares with all its requests: state values by type.

use std::any::{Any, TypeId, type_name};
use std::collections::HashMap;
use std::sync::Arc;

/// The shared values of one application. Built once at launch and read-only from then on.
#[derive(Default)]
pub struct Context {
    state: HashMap<TypeId, Arc<dyn Any + Send + Sync>>,
    names: Vec<&'static str>,
}

impl Context {
    /// A context without state.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a value, one per type; a later value of the same type replaces the earlier one.
    pub fn insert<T: Any + Send + Sync>(&mut self, value: Arc<T>) {
        if self.state.insert(TypeId::of::<T>(), value).is_none() {
            self.names.push(type_name::<T>());
        }
    }

    /// The value of type `T`.
    #[must_use]
    pub fn get<T: Any + Send + Sync>(&self) -> Option<Arc<T>> {
        Arc::clone(self.state.get(&TypeId::of::<T>())?).downcast().ok()
    }

    /// Whether a value of this type was added.
    #[must_use]
    pub fn contains(&self, id: TypeId) -> bool {
        self.state.contains_key(&id)
    }

    /// The type names of the added values, for messages.
    #[must_use]
    pub fn type_names(&self) -> &[&'static str] {
        &self.names
    }
}
