//! The page of `connections --blocking TABLE`.

use super::grid::Grid;
use super::party::{COLUMNS, doing, line, lines, one_line, unseen, values, waited, who};
use super::{Page, Sheet, Text};
use crate::report::table_locks::{TableLock, TableLocks};

impl Text for TableLocks {
    fn text(&self, page: &Page) -> String {
        let mut text = String::new();
        let place = format!("{} in database {} at {}", self.table, self.database, self.server);
        if self.locks.is_empty() {
            text.push_str(&lines(page, 0, &format!("nobody holds or awaits a lock of {place}")));
        } else {
            text.push_str(&lines(page, 0, &format!("locks of {place}")));
            text.push('\n');
            self.locks.iter().for_each(|lock| add(page, lock, &mut text));
            text.push('\n');
        }
        let mut grid = Grid::new(page, &["A MIGRATION WITH", "=TAKES", "WOULD WAIT FOR"]);
        for migration in &self.migrations {
            let whom = match migration.waits_for.as_slice() {
                [] => "nobody".to_owned(),
                some => some.join(", "),
            };
            grid.row([migration.statements.to_owned(), migration.mode.to_owned(), whom]);
        }
        text.push_str(&grid.text());
        if !self.unseen.is_empty() {
            text.push('\n');
        }
        text.push_str(&unseen(page, &self.unseen));
        text
    }

    fn sheets(&self) -> Vec<Sheet> {
        let columns = ["mode", "granted", "lock_type", "waited_seconds", "waited_is_estimate"];
        let row = |lock: &TableLock| {
            let mut row = vec![
                lock.mode.clone().into(),
                lock.granted.into(),
                lock.lock_type.clone().into(),
                lock.waited_seconds.into(),
                lock.waited_is_estimate.into(),
            ];
            row.extend(values(&lock.party));
            row
        };
        let migrations = self.migrations.iter().map(|one| {
            vec![one.statements.into(), one.mode.into(), one.waits_for.join(" ").into()]
        });
        vec![
            Sheet {
                name: "locks",
                columns: columns.into_iter().chain(COLUMNS).collect(),
                rows: self.locks.iter().map(row).collect(),
            },
            Sheet {
                name: "migrations",
                columns: vec!["statements", "mode", "waits_for"],
                rows: migrations.collect(),
            },
        ]
    }
}

fn add(page: &Page, lock: &TableLock, text: &mut String) {
    let TableLock { party, mode, lock_type, .. } = lock;
    let part = if lock_type == "relation" { String::new() } else { format!(" ({lock_type})") };
    let has = match lock.granted {
        true => format!("holds {mode}{part}"),
        false => {
            let waited = waited(lock.waited_seconds, lock.waited_is_estimate);
            format!("waits {waited} for {mode}{part}")
        }
    };
    text.push_str(&lines(page, 0, &format!("{}  {}: {has}", party.name(), who(party))));
    text.push_str(&lines(page, 4, &doing(party)));
    if let Some(query) = &party.query {
        text.push_str(&line(page, 4, &one_line(query)));
    }
}
