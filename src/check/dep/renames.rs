//! What the migrations themselves call tables and indexes that are there.

use super::live::Id;

/// Those that are called otherwise than the server calls them, or that are gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Names(Vec<(Id, Option<Id>)>);

impl Names {
    /// What was `id` is called `now`; none for what is gone.
    pub fn set(&mut self, id: &Id, now: Option<Id>) {
        match self.0.iter_mut().find(|(was, _)| was == id) {
            Some(known) => known.1 = now,
            None => self.0.push((id.clone(), now)),
        }
    }

    /// What it is called now; none where it is gone.
    pub fn now<'a>(&'a self, id: &'a Id) -> Option<&'a Id> {
        self.0.iter().find(|(was, _)| was == id).map_or(Some(id), |(_, now)| now.as_ref())
    }

    /// What was called otherwise and is called so now.
    pub fn were<'a>(
        &'a self,
        name: &'a str,
        schema: Option<&'a str>,
    ) -> impl Iterator<Item = &'a Id> {
        let is = move |now: &Id| now.name == name && schema.is_none_or(|one| one == now.schema);
        self.0.iter().filter(move |(_, now)| now.as_ref().is_some_and(is)).map(|(was, _)| was)
    }
}
