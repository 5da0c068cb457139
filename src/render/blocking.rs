//! The page of `connections --blocking`.

use serde_json::Value;

use super::party::{COLUMNS, doing, line, lines, one_line, unseen, values, waited, who};
use super::{Page, Sheet, Text, amount};
use crate::report::blocking::{Blocker, Blocking, Node, Wait};

/// Levels that are indented; deeper ones stand below each other.
const DEEPEST: usize = 8;

impl Text for Blocking {
    fn text(&self, page: &Page) -> String {
        let mut text = String::new();
        if self.roots.is_empty() {
            text.push_str(&format!("nobody waits for a lock at {}\n", self.server));
        } else {
            let wait = if self.waiting == 1 { "waits" } else { "wait" };
            let waiting = amount(self.waiting as u64, "session");
            text.push_str(&format!("{waiting} {wait} for locks at {}\n", self.server));
        }
        for root in &self.roots {
            text.push('\n');
            add(page, 0, root, &mut text);
        }
        if !self.unseen.is_empty() {
            text.push('\n');
        }
        text.push_str(&unseen(page, &self.unseen));
        text
    }

    fn sheets(&self) -> Vec<Sheet> {
        let columns = ["level", "root", "blocked_by", "waiting_behind", "waited_seconds"]
            .into_iter()
            .chain(["waited_is_estimate", "lock_type", "mode", "relation"])
            .chain(COLUMNS);
        let mut sheet = Sheet { name: "blocking", columns: columns.collect(), rows: Vec::new() };
        self.roots.iter().for_each(|root| rows(0, &root.party.name(), root, &mut sheet.rows));
        vec![sheet]
    }
}

fn add(page: &Page, level: usize, node: &Node, text: &mut String) {
    let at = 2 * level.min(DEEPEST);
    let more = at + 4;
    let behind = match node.waiting_behind {
        0 => String::new(),
        1 => "; 1 waits behind it".to_owned(),
        number => format!("; {number} wait behind it"),
    };
    let party = &node.party;
    text.push_str(&lines(page, at, &format!("{}  {}{behind}", party.name(), who(party))));
    match &node.waits_for {
        Some(wait) => text.push_str(&lines(page, more, &waits(wait, &node.blocked_by))),
        None => text.push_str(&lines(page, more, &doing(party))),
    }
    if let Some(query) = &party.query {
        text.push_str(&line(page, more, &one_line(query)));
    }
    if !node.deadlock.is_empty() {
        let ring: Vec<String> = node.deadlock.iter().map(ToString::to_string).collect();
        let told = format!("deadlock: {} wait for each other", ring.join(", "));
        text.push_str(&lines(page, more, &told));
    }
    if let Some(remedy) = &node.remedy {
        // Not cut: it is copied.
        if let Some(run) = &remedy.run {
            text.push_str(&format!("{:more$}end it: {}\n", "", super::printable(run)));
        }
        if let Some(note) = &remedy.note {
            text.push_str(&lines(page, more, &format!("({note})")));
        }
    }
    node.waiters.iter().for_each(|waiter| add(page, level + 1, waiter, text));
}

/// `waits 42 s for AccessShareLock on public.t, behind 4711 (in the queue)`.
fn waits(wait: &Wait, blockers: &[Blocker]) -> String {
    let blocker = |blocker: &Blocker| {
        let name = match (blocker.pid, &blocker.gid) {
            (Some(pid), _) => pid.to_string(),
            (None, Some(gid)) => format!("prepared '{gid}'"),
            (None, None) => "a prepared transaction".to_owned(),
        };
        match &blocker.held {
            Some(held) => format!("{name} ({held})"),
            None => format!("{name} (before it in the queue)"),
        }
    };
    let blockers: Vec<String> = blockers.iter().map(blocker).collect();
    let waited = waited(wait.waited_seconds, wait.waited_is_estimate);
    format!("waits {waited} for {} on {}, behind {}", wait.mode, on(wait), blockers.join(", "))
}

/// What the lock is of.
fn on(wait: &Wait) -> String {
    let relation = wait.relation.clone().or_else(|| {
        let oid = wait.relation_oid?;
        Some(format!("relation {oid} of database {}", wait.database.as_deref().unwrap_or("?")))
    });
    match (wait.lock_type.as_str(), relation) {
        ("relation", Some(relation)) => relation,
        ("transactionid", Some(relation)) => format!("a row of {relation}"),
        ("transactionid", None) => {
            format!("transaction {}", wait.transaction_id.as_deref().unwrap_or("?"))
        }
        ("tuple", Some(relation)) => format!("a row of {relation}, in its queue"),
        (kind, Some(relation)) => format!("{relation} ({kind})"),
        (kind, None) => match wait.object {
            Some((class, object)) => format!("{kind} lock {class}, {object}"),
            None => kind.to_owned(),
        },
    }
}

fn rows(level: usize, root: &str, node: &Node, all: &mut Vec<Vec<Value>>) {
    let wait = node.waits_for.as_ref();
    let blockers: Vec<String> = node
        .blocked_by
        .iter()
        .map(|one| match (one.pid, &one.gid) {
            (Some(pid), _) => pid.to_string(),
            (None, gid) => gid.clone().unwrap_or_default(),
        })
        .collect();
    let mut row: Vec<Value> = vec![
        level.into(),
        root.into(),
        blockers.join(" ").into(),
        node.waiting_behind.into(),
        wait.and_then(|wait| wait.waited_seconds).into(),
        wait.map(|wait| wait.waited_is_estimate).into(),
        wait.map(|wait| wait.lock_type.clone()).into(),
        wait.map(|wait| wait.mode.clone()).into(),
        wait.and_then(|wait| wait.relation.clone()).into(),
    ];
    row.extend(values(&node.party));
    all.push(row);
    node.waiters.iter().for_each(|waiter| rows(level + 1, root, waiter, all));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::blocking::Remedy;
    use crate::report::party::Party;

    fn party(pid: i32, state: &str, query: &str) -> Party {
        Party {
            pid: Some(pid),
            user: Some("app".into()),
            database: Some("shop".into()),
            application: Some("rails".into()),
            state: Some(state.into()),
            state_seconds: Some(90.0),
            transaction_seconds: Some(302.0),
            query: Some(query.into()),
            ..Party::default()
        }
    }

    fn report() -> Blocking {
        let wait = Wait {
            lock_type: "relation".into(),
            mode: "AccessExclusiveLock".into(),
            relation: Some("public.orders".into()),
            waited_seconds: Some(42.0),
            ..Wait::default()
        };
        let waiter = Node {
            party: party(4712, "active", &format!("alter table orders add {}", "x".repeat(90))),
            waits_for: Some(wait),
            blocked_by: vec![Blocker {
                pid: Some(4711),
                gid: None,
                held: Some("AccessShareLock".into()),
            }],
            deadlock: Vec::new(),
            waiting_behind: 0,
            remedy: None,
            waiters: Vec::new(),
        };
        let root = Node {
            party: party(4711, "idle in transaction", "select *\n  from orders"),
            waits_for: None,
            blocked_by: Vec::new(),
            deadlock: Vec::new(),
            waiting_behind: 1,
            remedy: Some(Remedy {
                run: Some("pgtend connections terminate 4711".into()),
                note: Some("no statement runs: there is nothing to cancel".into()),
            }),
            waiters: vec![waiter],
        };
        Blocking { server: "db:5432".into(), waiting: 1, roots: vec![root], unseen: Vec::new() }
    }

    #[test]
    fn the_page_fits_80_columns() {
        let expected = "\
1 session waits for locks at db:5432

4711  app@shop, rails; 1 waits behind it
    idle in transaction for 90.0 s, transaction open for 5 min 2 s
    select * from orders
    end it: pgtend connections terminate 4711
    (no statement runs: there is nothing to cancel)
  4712  app@shop, rails
      waits 42.0 s for AccessExclusiveLock on public.orders, behind 4711
      (AccessShareLock)
      alter table orders add xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx..
";
        let text = report().text(&Page { width: 80 });
        assert_eq!(text, expected);
        assert!(text.lines().all(|line| line.chars().count() <= 80));
    }

    #[test]
    fn the_sheet_has_a_row_for_each_session() {
        let sheet = &report().sheets()[0];
        assert_eq!(sheet.rows.len(), 2);
        assert!(sheet.rows.iter().all(|row| row.len() == sheet.columns.len()));
        assert_eq!(sheet.rows[1][..3], [1.into(), Value::from("4711"), "4711".into()]);
    }

    #[test]
    fn what_is_locked_is_told() {
        let of = |lock_type: &str, relation: Option<&str>| {
            on(&Wait {
                lock_type: lock_type.into(),
                relation: relation.map(str::to_owned),
                transaction_id: Some("77".into()),
                object: Some((1, 2)),
                ..Wait::default()
            })
        };
        assert_eq!(of("transactionid", Some("a.t")), "a row of a.t");
        assert_eq!(of("transactionid", None), "transaction 77");
        assert_eq!(of("advisory", None), "advisory lock 1, 2");
        assert_eq!(of("extend", Some("a.t")), "a.t (extend)");
    }
}
