//! Keywords with their values and origins, before they mean anything.

use std::collections::BTreeMap;

use super::origin::Origin;

/// The keywords that one source sets. A value that is there and empty keeps what lies below out:
/// it is the default, or an error where libpq has no meaning for it.
#[derive(Clone, Default)]
pub(super) struct Layer(BTreeMap<&'static str, (String, Origin)>);

impl Layer {
    /// Sets a value; an empty one is none.
    pub fn set(&mut self, name: &'static str, value: impl Into<String>, origin: Origin) {
        let value = value.into();
        if value.is_empty() {
            self.0.remove(name);
        } else {
            self.put(name, value, origin);
        }
    }

    /// Sets a value as it was written, even to nothing.
    pub fn put(&mut self, name: &'static str, value: impl Into<String>, origin: Origin) {
        self.0.insert(name, (value.into(), origin));
    }

    /// Sets what is not set yet, not even to nothing.
    pub fn fill(&mut self, name: &'static str, value: impl Into<String>, origin: Origin) {
        if !self.0.contains_key(name) {
            self.put(name, value, origin);
        }
    }

    /// Takes a value away; true when there was one.
    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some_and(|(value, _)| !value.is_empty())
    }

    /// All but some keywords.
    pub fn without(&self, names: &[&str]) -> Self {
        let mut rest = self.clone();
        rest.0.retain(|name, _| !names.contains(name));
        rest
    }

    /// A value that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|(value, _)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A value as it was written, even when that is nothing.
    pub fn written(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|(value, _)| value.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    /// Whether it was set to nothing.
    pub fn is_blank(&self, name: &str) -> bool {
        self.0.get(name).is_some_and(|(value, _)| value.is_empty())
    }

    /// Where a value came from; [`Origin::Default`] when it is not set.
    pub fn origin(&self, name: &str) -> Origin {
        self.0.get(name).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    /// All values, the empty ones too.
    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str, &Origin)> {
        self.0.iter().map(|(name, (value, origin))| (*name, value.as_str(), origin))
    }
}
