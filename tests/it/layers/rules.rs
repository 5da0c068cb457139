//! The rules, as tables.

use std::collections::BTreeSet;

use super::source::Source;

/// The modules of src/ in the order of the layers: each may use those before it, and itself.
const LAYERS: [&str; 30] = [
    "words",
    "exit",
    "error",
    "kept",
    "signal",
    "worker",
    "consent",
    "cli",
    "settings",
    "sql",
    // Logins of the cloud are made for connections; pings and the cloud share one client.
    "http",
    "aws",
    "conn",
    "program",
    "store",
    "archive",
    // Reports hold values of the layers above; nothing of the domain prints, so what turns
    // them into bytes comes after it.
    "report",
    "plan",
    "connections",
    "slow_queries",
    "check",
    "tune",
    "provision",
    "backup",
    "restore",
    "verify",
    "show",
    "render",
    "ui",
    "command",
];

/// Crates with one door each: name (a closing `_` stands for all that start so), the modules.
const DOORS: [(&str, &[&str]); 12] = [
    ("tokio_postgres", &["conn"]),
    ("postgres_native_tls", &["conn"]),
    ("native_tls", &["conn", "http"]),
    ("tokio_native_tls", &["conn"]),
    ("openssl", &["conn"]),
    ("hyper_tls", &["http"]),
    ("hyper_util", &["http"]),
    ("age", &["archive"]),
    ("aws_", &["aws"]),
    ("squawk_", &["check"]),
    ("clap", &["cli", "command"]),
    ("clap_", &["cli", "command"]),
];

/// Crates that one file alone may use, whichever it is.
const ONE_FILE: [&str; 2] = ["comfy_table", "indicatif"];

/// What a string literal that is SQL starts with.
const SQL_WORDS: [&str; 25] = [
    "ALTER", "ANALYZE", "BEGIN", "CALL", "COMMENT", "COMMIT", "COPY", "CREATE", "DELETE", "DO",
    "DROP", "EXECUTE", "EXPLAIN", "GRANT", "INSERT", "LOCK", "REFRESH", "RESET", "REVOKE",
    "ROLLBACK", "SELECT", "SET", "TRUNCATE", "UPDATE", "WITH",
];

/// Where statements are put together in code, and why they cannot be files: (module, start).
const ASSEMBLED: [(&str, &str, &str); 71] = [
    ("conn", "", "quoting, session settings and transactions are the connection's own"),
    ("archive", "COPY ", "how pg_dump's statements start"),
    ("backup", "COPY ", "the table, its columns and the page range come from the archive"),
    ("backup", "LOCK TABLE ", "the tables come from the catalog"),
    ("backup", "BEGIN ", "the isolation level is an option"),
    ("backup", "SET TRANSACTION SNAPSHOT ", "takes no parameter"),
    ("backup", "COMMIT", "ends a transaction of a batch"),
    ("backup", "SELECT pg_catalog.set_config(", "pins in one batch with BEGIN, behind a pooler"),
    ("backup", "SELECT pg_catalog.to_regclass(", "stands in one batch with LOCK and COMMIT"),
    ("backup", "SELECT pg_catalog.max(", "the table and the column come from the catalog"),
    ("backup", "SELECT pg_catalog.floor(pg_catalog.date_part('epoch', pg_catalog.max(", "the same"),
    ("backup", "ROLLBACK TO SAVEPOINT ", "cannot be prepared"),
    ("backup", "GRANT ", "advice for the operator, never sent"),
    ("check", "ALTER ", "a remedy for the operator, never sent"),
    ("check", "ANALYZE", "a remedy for the operator, never sent"),
    ("check", "CREATE ", "a remedy for the operator, never sent"),
    ("check", "DROP ", "a remedy for the operator, never sent"),
    ("check", "GRANT ", "a remedy for the operator, never sent"),
    ("check", "REVOKE ", "a remedy for the operator, never sent"),
    ("check", "ROLLBACK PREPARED ", "a remedy for the operator, never sent"),
    ("check", "DO ", "a remedy for the operator, never sent"),
    ("check", "COMMENT ", "a remedy for the operator, never sent"),
    ("check", "SELECT pg_drop_replication_slot(", "a remedy for the operator, never sent"),
    (
        "check",
        "SELECT pg_catalog.pg_drop_replication_slot(",
        "a remedy for the operator, never sent",
    ),
    ("check", "SELECT pg_wal_replay_resume(", "a remedy for the operator, never sent"),
    ("check", "SELECT setval(", "a remedy for the operator, never sent"),
    ("check", "SELECT pg_catalog.setval(", "a remedy for the operator, never sent"),
    ("check", "SELECT pg_reload_conf(", "a remedy for the operator, never sent"),
    ("connections", "GRANT ", "advice for the operator, never sent"),
    ("restore", "COPY ", "the table and its columns come from the archive"),
    ("restore", "TRUNCATE ", "the table comes from the archive"),
    ("restore", "SET ", "takes no parameter"),
    ("restore", "SELECT FROM ", "the extension's author wrote the condition"),
    ("restore", "DELETE FROM ", "the extension's author wrote the condition"),
    ("restore", "BEGIN", "stands in one batch with what follows"),
    ("restore", "COMMIT", "ends a transaction of a batch"),
    ("restore", "ROLLBACK", "ends a transaction of a batch, or a part of it"),
    ("restore", "ANALYZE ", "the table comes from the archive"),
    ("restore", "CREATE DATABASE ", "takes no parameter; its options come from the archive"),
    ("restore", "DROP DATABASE ", "takes no parameter"),
    ("restore", "ALTER DATABASE ", "takes no parameter; and how pg_dump's statements start"),
    ("restore", "COMMENT ON ", "takes no parameter; and how pg_dump's statements start"),
    ("restore", "ALTER ROLE ", "takes no parameter; how pg_dump's statements start"),
    ("restore", "GRANT ", "how pg_dump's statements start; memberships are put together"),
    ("restore", "ALTER TABLE ", "how pg_dump's statements start; takes no parameter"),
    ("restore", "ALTER COLUMN ", "a part of such a statement"),
    ("restore", "ALTER FOREIGN TABLE ", "how pg_dump's statements start"),
    ("restore", "ALTER DOMAIN ", "how pg_dump's statements start"),
    ("restore", "ALTER PUBLICATION ", "how pg_dump's statements start"),
    ("restore", "ALTER VIEW ", "how pg_dump's statements start"),
    ("restore", "CREATE ", "how pg_dump's statements start; a role has no parameter"),
    ("restore", "DROP ", "how pg_dump's statements start; takes no parameter"),
    ("restore", "DO ", "asks whether there is something to drop, in one batch with the drop"),
    ("restore", "EXECUTE ", "stands in such a DO"),
    ("restore", "SELECT FROM pg_catalog.", "stands in such a DO"),
    ("restore", "SELECT pg_catalog.lo_unlink", "stands in one batch with the drops"),
    ("slow_queries", "BEGIN READ ONLY", "cannot be prepared"),
    ("slow_queries", "ROLLBACK", "cannot be prepared"),
    ("verify", "COPY ", "the table and its columns come from the archive"),
    ("verify", "SELECT last_value", "the sequence comes from the archive"),
    ("verify", "SELECT {schema}.", "where amcheck's functions are is only known then"),
    ("verify", "SELECT blkno, offnum, msg FROM {schema}.", "the same"),
    ("verify", "CREATE EXTENSION ", "cannot be prepared"),
    ("verify", "BEGIN READ ONLY", "cannot be prepared"),
    ("verify", "ROLLBACK", "cannot be prepared"),
    ("verify", "CREATE DATABASE ", "takes no parameter; its options come from the archive"),
    ("verify", "WITH TEMPLATE", "a part of that statement"),
    ("verify", "DROP DATABASE ", "takes no parameter"),
    ("verify", "COMMENT ON DATABASE ", "takes no parameter"),
    ("verify", "CREATE TABLESPACE ", "takes no parameter"),
    ("verify", "CREATE ROLE ", "takes no parameter"),
];

/// What is wrong in one file; `path` is relative to src/.
pub fn faults(path: &str, source: &Source) -> Vec<String> {
    let module = path.split(['/', '.']).next().unwrap();
    // The crate's roots only name the modules.
    if ["main", "lib"].contains(&module) {
        return Vec::new();
    }
    let Some(layer) = LAYERS.iter().position(|name| *name == module) else {
        return vec![format!("{path}: no layer is named {module}: put it into LAYERS")];
    };
    let depth = path.trim_end_matches("/mod.rs").split('/').count();
    let mut found = Vec::new();
    for used in source.modules(depth) {
        let allowed = LAYERS.iter().position(|name| *name == used);
        if allowed.is_some_and(|used| used > layer) {
            found.push(format!("{path}: {module} may not use {used}, which is a later layer"));
        }
    }
    for used in source.crates() {
        for (name, doors) in DOORS {
            let all = name.ends_with('_');
            let same = if all { used.starts_with(name) } else { used == name };
            if same && !doors.contains(&module) {
                let (doors, star) = (doors.join(" and "), if all { "*" } else { "" });
                found.push(format!("{path}: only {doors} may use {name}{star}"));
            }
        }
    }
    found.extend(sql(path, module, source));
    found
}

fn sql(path: &str, module: &str, source: &Source) -> Vec<String> {
    let is_sql = |text: &&String| {
        let word = text.trim_start().split_once(char::is_whitespace).map(|(word, _)| word);
        word.is_some_and(|word| SQL_WORDS.contains(&word))
    };
    let assembled = |text: &String| {
        let start = text.trim_start();
        ASSEMBLED.iter().any(|(name, prefix, _)| *name == module && start.starts_with(prefix))
    };
    // Unit tests that do not close a file stand in one of their own.
    let is_test = path.ends_with("/tests.rs") || path.ends_with("_tests.rs");
    let strings = source.strings.iter().filter(|_| module != "sql" && !is_test);
    strings
        .filter(|text| is_sql(text) && !assembled(text))
        .map(|text| {
            let start: String = text.trim_start().chars().take(40).collect();
            format!("{path}: SQL belongs into src/sql: {start:?}")
        })
        .collect()
}

/// Crates of [`ONE_FILE`] that several files use.
pub fn scattered(files: &[(String, Source)]) -> Vec<String> {
    let users = |name: &str| -> BTreeSet<&str> {
        let using = files.iter().filter(|(_, source)| source.crates().contains(name));
        using.map(|(path, _)| path.as_str()).collect()
    };
    let all = ONE_FILE.iter().map(|name| (name, users(name)));
    all.filter(|(_, users)| users.len() > 1)
        .map(|(name, users)| {
            let users: Vec<_> = users.into_iter().collect();
            format!("{name} is used in more than one file: {}", users.join(", "))
        })
        .collect()
}
