//! The page of `connections --pgbouncer`.

use super::grid::Grid;
use super::party::{lines, unseen};
use super::{Page, Sheet, Text, count, duration};
use crate::report::pgbouncer::{Clients, PgBouncer, Pool};

impl Text for PgBouncer {
    fn text(&self, page: &Page) -> String {
        let of = self.max_clients.map(|max| format!(" of {max}")).unwrap_or_default();
        let clients = count(self.clients as u64);
        let mut text = format!("{} at {}: {clients}{of} clients\n", self.version, self.server);
        for warning in &self.warnings {
            text.push_str(&lines(page, 0, &format!("warning: {warning}")));
        }
        text.push('\n');
        if self.pools.is_empty() {
            text.push_str("no pool: no client has come yet\n");
        } else {
            text.push_str(&self.pools(page));
            text.push('\n');
            text.push_str(&self.applications(page));
        }
        text.push_str(&unseen(page, &self.unseen));
        text
    }

    fn sheets(&self) -> Vec<Sheet> {
        let pool = |pool: &Pool| {
            vec![
                pool.database.clone().into(),
                pool.user.clone().into(),
                pool.mode.clone().into(),
                pool.clients_active.into(),
                pool.clients_waiting.into(),
                pool.servers_active.into(),
                pool.servers_idle.into(),
                pool.servers_used.into(),
                pool.servers_login.into(),
                pool.max_wait_seconds.into(),
                pool.size.into(),
                pool.paused.into(),
            ]
        };
        let application = |one: &Clients| {
            let name = one.application.clone().into();
            vec![name, one.clients.into(), one.with_server.into(), one.waiting.into()]
        };
        vec![
            Sheet {
                name: "pools",
                columns: vec![
                    "database",
                    "user",
                    "mode",
                    "clients_active",
                    "clients_waiting",
                    "servers_active",
                    "servers_idle",
                    "servers_used",
                    "servers_login",
                    "max_wait_seconds",
                    "size",
                    "paused",
                ],
                rows: self.pools.iter().map(pool).collect(),
            },
            Sheet {
                name: "applications",
                columns: vec!["application", "clients", "with_server", "waiting"],
                rows: self.applications.iter().map(application).collect(),
            },
        ]
    }
}

impl PgBouncer {
    fn pools(&self, page: &Page) -> String {
        let headings = [
            "DATABASE", "USER", "MODE", ">CLIENTS", ">WAIT", ">LONGEST", ">BUSY", ">FREE", ">SIZE",
        ];
        let mut grid = Grid::new(page, &headings);
        for pool in &self.pools {
            let mode = pool.mode.clone().unwrap_or_default();
            let mode = if pool.paused { format!("{mode}, paused") } else { mode };
            let longest = match pool.max_wait_seconds {
                none if none <= 0.0 => String::new(),
                seconds => duration(seconds),
            };
            grid.row([
                pool.database.clone(),
                pool.user.clone(),
                mode,
                (pool.clients_active + pool.clients_waiting).to_string(),
                pool.clients_waiting.to_string(),
                longest,
                pool.servers_active.to_string(),
                (pool.servers_idle + pool.servers_used).to_string(),
                pool.size.map_or_else(|| "?".to_owned(), |size| size.to_string()),
            ]);
        }
        grid.text()
    }

    fn applications(&self, page: &Page) -> String {
        let mut grid = Grid::new(page, &["APPLICATION", ">CLIENTS", ">WITH A SERVER", ">WAIT"]);
        for one in &self.applications {
            grid.row([
                one.application.clone().unwrap_or_else(|| "(unnamed)".to_owned()),
                one.clients.to_string(),
                one.with_server.to_string(),
                one.waiting.to_string(),
            ]);
        }
        grid.text()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_fits_80_columns() {
        let pool = Pool {
            database: "shop_production".into(),
            user: "application".into(),
            mode: Some("transaction".into()),
            clients_active: 120,
            clients_waiting: 7,
            servers_active: 20,
            max_wait_seconds: 12.5,
            size: Some(20),
            ..Pool::default()
        };
        let report = PgBouncer {
            server: "db:6432".into(),
            version: "PgBouncer 1.18.0".into(),
            clients: 127,
            max_clients: Some(1000),
            pools: vec![pool],
            applications: vec![Clients {
                application: None,
                clients: 127,
                with_server: 20,
                waiting: 7,
            }],
            warnings: vec!["7 clients wait".into()],
            unseen: Vec::new(),
            failed: false,
        };
        let text = report.text(&Page { width: 80 });
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        assert_eq!(
            text,
            "\
PgBouncer 1.18.0 at db:6432: 127 of 1000 clients
warning: 7 clients wait

DATABASE         USER         MODE         CLIENTS  WAIT  LONGEST  BUSY  FREE  SIZE
"
            .to_owned()
                + text.split_once("SIZE\n").unwrap().1
        );
    }
}
