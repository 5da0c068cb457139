//! What does not fit together: replicas, names, contradictions.

use super::declared::{REPLICAS, declared, not_known, primary_not_known};
use crate::check::look::Look;
use crate::check::verdict::Judged;
use crate::report::check::Level;
use crate::settings::{DeclaredServer, ServerRole};

/// Where a server is; none where it is not told.
fn place(server: &DeclaredServer) -> Option<Vec<(String, String)>> {
    let hosts = server.hosts.iter().map(|(host, port)| {
        let port = if port.is_empty() { "5432" } else { port };
        (host.to_ascii_lowercase(), port.to_owned())
    });
    let hosts: Vec<(String, String)> = hosts.collect();
    (!hosts.is_empty()).then_some(hosts)
}

pub fn judge(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict();
    not_known(&mut verdict, &declared, &REPLICAS);
    let primary = declared.primary().and_then(place);
    let mut seen: Vec<(Vec<(String, String)>, &str)> = Vec::new();
    let replicas = || declared.servers.iter().filter(|server| server.role == ServerRole::Replica);
    for server in replicas() {
        let variable = &server.variable;
        if let Some(weight) = &server.weight
            && !weight.parse::<u32>().is_ok_and(|weight| weight > 0)
        {
            let says = format!("the weight of {variable} is not a whole number from 1: no reads");
            verdict.find(Level::Warning, format!("{variable} weight"), says);
        }
        let Some(place) = place(server) else { continue };
        if primary.as_ref() == Some(&place) {
            let says = format!("{variable} is the primary itself");
            verdict.find(Level::Warning, variable, says);
        } else if let Some((_, before)) = seen.iter().find(|(known, _)| *known == place) {
            let says = format!("{variable} is the same server as {before}");
            verdict.find(Level::Warning, variable, says);
        }
        seen.push((place, variable));
    }
    if replicas().next().is_some() && primary.is_none() {
        primary_not_known(&mut verdict, &declared);
    }
    let count = replicas().filter(|server| server.variable.ends_with(']')).count();
    for (name, value) in &declared.values {
        let number = name.strip_prefix("DB_READ_REPLICA_").and_then(|n| n.strip_suffix("_WEIGHT"));
        let Some(number) = number.and_then(|number| number.parse::<usize>().ok()) else { continue };
        if number > count {
            let says = format!("{name} is the weight of no replica: there are {count}");
            verdict.find(Level::Info, name, says);
        }
        value.not_known(name).into_iter().for_each(|why| verdict.not_seen(why));
    }
    Ok(verdict.saying(format!("{} replicas are named", replicas().count())))
}

pub fn prefix(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict().saying("no variable has the prefix twice");
    for (name, value) in &declared.values {
        let Some(known) = &value.known_as else { continue };
        let plain = declared.values.get(known);
        let differs = plain.is_some_and(|plain| plain.value != value.value);
        let (level, says) = if differs {
            (
                Level::Warning,
                format!("{name} and {known} differ: pydantic with a prefix reads {name}"),
            )
        } else {
            (
                Level::Info,
                format!("{name} is {known} as pydantic reads it with env_prefix = \"DB_\""),
            )
        };
        verdict.find(level, name, says);
    }
    Ok(verdict)
}

pub fn conflicts(look: &Look<'_>) -> Judged {
    let declared = declared(look)?;
    let mut verdict = look.verdict().saying("no two variables contradict each other");
    for (first, other) in &declared.conflicts {
        let says = format!("{first} and {other} disagree");
        verdict.find(Level::Warning, other, says);
    }
    Ok(verdict)
}
