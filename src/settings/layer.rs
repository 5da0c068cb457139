//! Keywords with their values and origins, before they mean anything.

use std::collections::BTreeMap;

use super::origin::Origin;

/// The keywords that one source sets. An empty value counts as none.
#[derive(Clone, Default)]
pub(super) struct Layer(BTreeMap<&'static str, (String, Origin)>);

impl Layer {
    pub fn set(&mut self, name: &'static str, value: impl Into<String>, origin: Origin) {
        let value = value.into();
        if value.is_empty() {
            self.0.remove(name);
        } else {
            self.0.insert(name, (value, origin));
        }
    }

    /// Sets what is not set yet.
    pub fn fill(&mut self, name: &'static str, value: impl Into<String>, origin: Origin) {
        if !self.0.contains_key(name) {
            self.set(name, value, origin);
        }
    }

    pub fn remove(&mut self, name: &str) -> bool {
        self.0.remove(name).is_some()
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|(value, _)| value.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// Where a value came from; [`Origin::Default`] when it is not set.
    pub fn origin(&self, name: &str) -> Origin {
        self.0.get(name).map_or(Origin::Default, |(_, origin)| origin.clone())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&'static str, &str, &Origin)> {
        self.0.iter().map(|(name, (value, origin))| (*name, value.as_str(), origin))
    }
}
