//! The roles that a backup's objects belong to or speak of: a server of our own has none of them,
//! and without them owners, rights and policies would not be tried.

use std::collections::BTreeSet;

use crate::archive::frame::{Compression, Decoder};
use crate::archive::manifest::Kind;
use crate::archive::toc::Entry;
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::restore::Source;
use crate::sql::quote_name;

/// The roles of a backup, as SQL identifiers.
pub async fn of_backup(source: &Source) -> Result<BTreeSet<String>> {
    let mut roles = BTreeSet::new();
    for entry in &source.toc.entries {
        if !entry.owner_name().is_empty() {
            roles.insert(quote_name(entry.owner_name()));
        }
        roles.extend(spoken_of(entry));
    }
    let globals = source.manifest.objects.iter().find(|object| object.kind == Kind::Globals);
    if let Some(object) = globals {
        let failed = |cause: String| {
            Error::new(Exit::Critical, format!("cannot read {}", object.name)).because(cause)
        };
        let key = format!("{}{}", source.found.folder, object.name);
        let stored = source.store.read(&key, object.bytes).await?;
        let stored = stored.ok_or_else(|| failed("it is not there".into()))?;
        let mut text = Vec::new();
        let mut rest = stored.as_slice();
        for frame in &object.frames {
            let length = usize::try_from(frame.length()).unwrap_or(usize::MAX);
            let (now, behind) =
                rest.split_at_checked(length).ok_or_else(|| failed("it is cut".into()))?;
            let compression = Compression::of_name(&object.name);
            Decoder::default()
                .decode(compression, now, &mut |block| text.extend_from_slice(block))
                .map_err(|error| failed(error.to_string()))?;
            rest = behind;
        }
        roles.extend(created(&String::from_utf8_lossy(&text)));
    }
    // Those that every server has.
    roles.retain(|role| !role.starts_with("\"pg_"));
    Ok(roles)
}

/// Roles that pg_dumpall's script creates.
fn created(script: &str) -> BTreeSet<String> {
    let line = |line: &str| {
        let (name, rest) = identifier(line.strip_prefix("CREATE ROLE ")?)?;
        (rest == ";").then(|| quote_name(&name))
    };
    script.lines().filter_map(line).collect()
}

/// Roles in the statements of rights, policies and user mappings.
fn spoken_of(entry: &Entry) -> BTreeSet<String> {
    let before: &[&str] = match entry.kind() {
        "ACL" => &[" TO ", " FROM "],
        "DEFAULT ACL" => &[" FOR ROLE ", " TO ", " FROM "],
        "POLICY" => &[" TO "],
        "USER MAPPING" => &[" FOR "],
        _ => return BTreeSet::new(),
    };
    let mut roles = BTreeSet::new();
    for line in entry.definition().lines() {
        for word in before {
            for (at, _) in line.match_indices(word) {
                roles.extend(list(&line[at + word.len()..]));
            }
        }
    }
    roles.remove("\"public\"");
    roles
}

/// The identifiers of a list: `a, "b c" WITH GRANT OPTION;`.
fn list(mut text: &str) -> Vec<String> {
    let mut names = Vec::new();
    while let Some((name, rest)) = identifier(text) {
        let is_public = name == "PUBLIC" || name.is_empty();
        names.extend((!is_public).then(|| quote_name(&name)));
        match rest.strip_prefix(", ") {
            Some(more) => text = more,
            None => break,
        }
    }
    names
}

/// Splits off one identifier, quoted or plain, as pg_dump writes it.
fn identifier(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
        let end = text.find(|c| !plain(c)).unwrap_or(text.len());
        return (end > 0).then(|| (text[..end].to_owned(), &text[end..]));
    };
    let (mut name, mut rest) = (String::new(), quoted);
    loop {
        let end = rest.find('"')?;
        name.push_str(&rest[..end]);
        rest = &rest[end + 1..];
        match rest.strip_prefix('"') {
            Some(after) => {
                name.push('"');
                rest = after;
            }
            None => return Some((name, rest)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roles_are_found_in_lists_of_names() {
        let names = |text: &str| list(text).join(" ");
        assert_eq!(names("reader, \"a \"\"b, c\", app;"), "\"reader\" \"a \"\"b, c\" \"app\"");
        assert_eq!(names("PUBLIC;"), "");
        assert_eq!(names("writer WITH GRANT OPTION;"), "\"writer\"");
        assert_eq!(names("\"open"), "");
    }

    #[test]
    fn roles_are_created_as_pg_dumpall_does() {
        let script = "--\nCREATE ROLE app;\nALTER ROLE app WITH LOGIN;\nCREATE ROLE \"A b\";\n\
                      CREATE ROLE x; DROP DATABASE y;\n";
        let roles: Vec<String> = created(script).into_iter().collect();
        assert_eq!(roles, ["\"A b\"", "\"app\""]);
    }
}
