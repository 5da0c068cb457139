//! The pools of a PgBouncer.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::conn::{Console, Shown};
use crate::error::Result;
use crate::report::pgbouncer::{Clients, PgBouncer, Pool};

/// Looks once: four questions, one after the other, as the console takes them. With `limit` the
/// report fails when a client has waited longer.
pub async fn pools(console: &Console, limit: Option<Duration>) -> Result<PgBouncer> {
    let shown = console.show("POOLS").await?;
    let clients = console.show("CLIENTS").await?;
    let databases = console.show("DATABASES").await?;
    let settings = Settings::of(&console.show("CONFIG").await?);
    let mut pools: Vec<Pool> = shown
        .iter()
        // The console's own, which has no server connection.
        .filter(|row| row.text("database") != Some("pgbouncer"))
        .map(|row| pool(row, &databases, &settings))
        .collect();
    pools.sort_by(|a, b| {
        let key = |pool: &Pool| (pool.clients_waiting, pool.servers_active, pool.clients_active);
        key(b).cmp(&key(a)).then_with(|| (&a.database, &a.user).cmp(&(&b.database, &b.user)))
    });
    let clients: Vec<&Shown> =
        clients.iter().filter(|row| row.text("database") != Some("pgbouncer")).collect();
    let longest = pools.iter().map(|pool| pool.max_wait_seconds).fold(0.0, f64::max);
    Ok(PgBouncer {
        server: console.address().to_string(),
        version: console.version().to_owned(),
        clients: clients.len(),
        max_clients: settings.number("max_client_conn"),
        warnings: warnings(&pools),
        applications: applications(&clients),
        unseen: unseen(&pools),
        failed: limit.is_some_and(|limit| longest > limit.as_secs_f64()),
        pools,
    })
}

/// `SHOW CONFIG`.
struct Settings(BTreeMap<String, String>);

impl Settings {
    fn of(rows: &[Shown]) -> Self {
        let pair = |row: &Shown| Some((row.text("key")?.to_owned(), row.text("value")?.to_owned()));
        Self(rows.iter().filter_map(pair).collect())
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.0.get(name)?.parse().ok()
    }
}

fn pool(row: &Shown, databases: &[Shown], settings: &Settings) -> Pool {
    let text = |column| row.text(column).unwrap_or_default().to_owned();
    let number = |column| row.number(column).unwrap_or(0);
    let name = text("database");
    let database = databases.iter().find(|database| database.text("name") == Some(&name));
    let of_database = |column| database.and_then(|database| database.number(column));
    let micros = u32::try_from(number("maxwait_us")).unwrap_or(0);
    let seconds = u64::try_from(number("maxwait")).unwrap_or(0);
    let mode = row.text("pool_mode").or_else(|| database?.text("pool_mode"));
    Pool {
        user: text("user"),
        mode: mode.or_else(|| settings.0.get("pool_mode").map(String::as_str)).map(str::to_owned),
        clients_active: number("cl_active"),
        clients_waiting: number("cl_waiting"),
        servers_active: number("sv_active"),
        servers_idle: number("sv_idle"),
        servers_used: number("sv_used") + number("sv_tested"),
        servers_login: number("sv_login"),
        max_wait_seconds: (Duration::from_secs(seconds) + Duration::from_micros(micros.into()))
            .as_secs_f64(),
        size: of_database("pool_size").or_else(|| settings.number("default_pool_size")),
        paused: of_database("paused").is_some_and(|paused| paused != 0),
        database: name,
    }
}

fn applications(clients: &[&Shown]) -> Vec<Clients> {
    let mut found: BTreeMap<Option<&str>, Clients> = BTreeMap::new();
    for client in clients {
        let application = client.text("application_name").filter(|name| !name.is_empty());
        let entry = found.entry(application).or_insert_with(|| Clients {
            application: application.map(str::to_owned),
            clients: 0,
            with_server: 0,
            waiting: 0,
        });
        entry.clients += 1;
        entry.with_server += usize::from(client.text("link").is_some_and(|link| !link.is_empty()));
        entry.waiting += usize::from(client.text("state") == Some("waiting"));
    }
    let mut found: Vec<Clients> = found.into_values().collect();
    found.sort_by_key(|one| std::cmp::Reverse(one.clients));
    found
}

fn warnings(pools: &[Pool]) -> Vec<String> {
    let waiting = pools.iter().filter(|pool| pool.clients_waiting > 0);
    waiting
        .map(|pool| {
            let Pool { database, user, clients_waiting: count, .. } = pool;
            let (clients, they) =
                if *count == 1 { ("client waits", "it") } else { ("clients wait", "the first") };
            let seconds = pool.max_wait_seconds;
            let why = match pool.size {
                _ if pool.paused => "the database is paused".to_owned(),
                Some(size) if pool.servers_active >= size => {
                    format!("all {size} server connections of the pool are in use")
                }
                Some(size) => {
                    let servers = pool.servers();
                    format!("{servers} of {size} server connections are open: can the server be reached?")
                }
                None => "the size of the pool is not known".to_owned(),
            };
            format!(
                "{count} {clients} for a server connection to {database} as {user}, {they} for \
                 {seconds:.1} s: {why}"
            )
        })
        .collect()
}

fn unseen(pools: &[Pool]) -> Vec<String> {
    let unknown = pools.iter().filter(|pool| pool.size.is_none()).count();
    match unknown {
        0 => Vec::new(),
        _ => vec!["the size of pools: this PgBouncer does not say it".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_warning_says_why_clients_wait() {
        let pool = Pool {
            database: "shop".into(),
            user: "app".into(),
            clients_waiting: 2,
            servers_active: 2,
            max_wait_seconds: 1.5,
            size: Some(2),
            ..Pool::default()
        };
        let told = |pool: Pool| warnings(&[pool]).concat();
        let full = told(pool.clone());
        assert!(
            full.starts_with("2 clients wait for a server connection to shop as app"),
            "{full}"
        );
        assert!(
            full.ends_with("the first for 1.5 s: all 2 server connections of the pool are in use")
        );
        let paused = told(Pool { paused: true, clients_waiting: 1, ..pool.clone() });
        assert!(paused.contains("1 client waits") && paused.ends_with("paused"), "{paused}");
        assert!(told(Pool { servers_active: 0, ..pool.clone() }).contains("0 of 2"));
        assert!(warnings(&[Pool { clients_waiting: 0, ..pool }]).is_empty());
    }
}
