//! The other servers that the variables of an application name: replicas, and the one that
//! backups are read from.

use super::application::{add_keywords, floors, urls};
use super::env_file::Variables;
use super::layer::Layer;
use super::origin::Origin;
use super::source::{Candidate, NOT_FOR_REPLICAS, Source};
use super::variables::{self, Effect};
use crate::error::{Error, Result};

/// Adds them to their primary; what is wrong with one matters only when it is read.
pub(super) fn add(given: &Variables, source: &mut Source) -> Result<()> {
    let below = source.below.without(&NOT_FOR_REPLICAS);
    source.replicas = replicas(given, &below, &mut source.notes)?;
    source.backup = urls(given, Effect::Backup)
        .map(|variable| candidate(given, &below, variable.known(), 1, variable.origin.clone()))
        .next()
        .map(Box::new);
    Ok(())
}

fn replicas(given: &Variables, below: &Layer, notes: &mut Vec<String>) -> Result<Vec<Candidate>> {
    let weights = weights(given)?;
    let mut found = Vec::new();
    for variable in urls(given, Effect::Replica) {
        found.push(candidate(given, below, variable.known(), 1, variable.origin.clone()));
    }
    let before = found.len();
    for variable in urls(given, Effect::Replicas) {
        let list = match variable.known() {
            Ok(list) => list,
            Err(error) => {
                found.push(candidate(given, below, Err(error), 1, variable.origin.clone()));
                continue;
            }
        };
        for (at, url) in split_urls(list).into_iter().enumerate() {
            let number = at + 1;
            let weight = weights.iter().find(|(n, ..)| *n == number).map_or(1, |found| found.1);
            let origin = Origin::Replica { number, of: Box::new(variable.origin.clone()) };
            found.push(candidate(given, below, Ok(url), weight, origin));
        }
    }
    for (number, _, origin) in &weights {
        if *number > found.len() - before {
            notes.push(format!("{origin} is not used: there is no replica {number}"));
        }
    }
    Ok(found)
}

/// Numbers, weights and where they are from.
fn weights(given: &Variables) -> Result<Vec<(usize, u32, Origin)>> {
    let mut weights = Vec::new();
    for (name, variable) in given.iter() {
        let Some(number) = variables::find(name).and_then(|found| found.number) else { continue };
        let weight = variable.known()?.parse().ok().filter(|weight| *weight > 0);
        let weight = weight.ok_or_else(|| {
            Error::usage(format!("invalid value of {}", variable.origin))
                .because("it is not a whole number from 1")
        })?;
        weights.push((number, weight, variable.origin.clone()));
    }
    Ok(weights)
}

/// URLs with commas between them. A URL of several hosts has commas too: a new one begins where
/// a scheme follows.
pub(super) fn split_urls(list: &str) -> Vec<&str> {
    let mut urls = Vec::new();
    let (mut start, mut searched) = (0, 0);
    while let Some(comma) = list[searched..].find(',').map(|at| searched + at) {
        searched = comma + 1;
        let rest = list[searched..].trim_start();
        let scheme = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "+.-".contains(c)));
        if rest.is_empty() || scheme.is_some_and(|end| end > 0 && rest[end..].starts_with("://")) {
            urls.push(&list[start..comma]);
            start = searched;
        }
    }
    urls.push(&list[start..]);
    urls.into_iter().map(str::trim).filter(|url| !url.is_empty()).collect()
}

/// A further server of the application, with the keywords that hold for all of them, and what
/// lies `below` its connection string.
fn candidate(
    given: &Variables,
    below: &Layer,
    url: Result<&str>,
    weight: u32,
    origin: Origin,
) -> Candidate {
    let source = url.and_then(|url| {
        let mut source = Source::of_conninfo(url, &origin)?;
        source.explicit = true;
        source.below = below.clone();
        add_keywords(given, &mut source, true, Some(&origin))?;
        source.floors = floors(given)?;
        Ok(source)
    });
    Candidate { source, weight, origin }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_split_where_a_scheme_follows() {
        assert_eq!(
            split_urls("postgresql://a@h1,h2:5/d, postgres+x://b@h3/d?x=1,2,"),
            ["postgresql://a@h1,h2:5/d", "postgres+x://b@h3/d?x=1,2"]
        );
        assert_eq!(
            split_urls("postgresql://a:p,postgresqlx@h/d"),
            ["postgresql://a:p,postgresqlx@h/d"]
        );
        assert_eq!(split_urls(" , "), Vec::<&str>::new());
        assert_eq!(
            split_urls("postgresql://é,é@h/d,postgresql://h"),
            ["postgresql://é,é@h/d", "postgresql://h"]
        );
    }
}
