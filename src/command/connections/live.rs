//! `--watch` of `pgtend connections`.

use std::cell::RefCell;

use super::super::Context;
use super::super::watch::{Line, watch};
use crate::cli::sessions::GroupBy;
use crate::cli::watch::Every;
use crate::conn::SessionOptions;
use crate::connections::{self, Wanted};
use crate::error::Result;
use crate::exit::Exit;
use crate::report::connections::{ConnectionsReport, Session};
use crate::settings::Target;
use crate::ui::live::{Live, Turn};

/// Shows the overview again and again.
pub async fn overview(
    context: &Context,
    target: &Target,
    options: SessionOptions,
    wanted: Wanted,
    every: Every,
) -> Result<Exit> {
    let wanted = RefCell::new(wanted);
    let mut line = Line::new(context, target, options);
    let begin = |report| Overview { report, wanted: &wanted, order: Order::Age };
    watch(context, target, every, begin, async || {
        let wanted = wanted.borrow().clone();
        line.sample(async |routed| connections::look(&routed.session, &wanted).await).await
    })
    .await
}

struct Overview<'a> {
    report: ConnectionsReport,
    /// What the next look asks for.
    wanted: &'a RefCell<Wanted>,
    order: Order,
}

/// What the list of sessions is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    /// Of the transaction; as the report has it.
    Age,
    State,
    App,
    User,
    Pid,
}

impl Order {
    const ALL: [Self; 5] = [Self::Age, Self::State, Self::App, Self::User, Self::Pid];

    const fn name(self) -> &'static str {
        match self {
            Self::Age => "age",
            Self::State => "time in state",
            Self::App => "app",
            Self::User => "user",
            Self::Pid => "pid",
        }
    }

    fn sort(self, sessions: &mut [Session]) {
        let in_state = |one: &Session| one.state_seconds.unwrap_or(f64::NEG_INFINITY);
        match self {
            Self::Age => {}
            Self::State => sessions.sort_by(|a, b| in_state(b).total_cmp(&in_state(a))),
            Self::App => sessions.sort_by(|a, b| a.application.cmp(&b.application)),
            Self::User => sessions.sort_by(|a, b| a.user.cmp(&b.user)),
            Self::Pid => sessions.sort_by_key(|one| one.pid),
        }
    }
}

const GROUPS: [GroupBy; 6] =
    [GroupBy::State, GroupBy::App, GroupBy::User, GroupBy::Db, GroupBy::Addr, GroupBy::Tls];

/// The one after this, and the first after the last.
fn after<T: Copy + PartialEq>(all: &[T], this: T) -> T {
    let at = all.iter().position(|one| *one == this).map_or(0, |at| (at + 1) % all.len());
    all[at]
}

impl Live for Overview<'_> {
    type Sample = ConnectionsReport;
    type Report = ConnectionsReport;

    fn take(&mut self, sample: ConnectionsReport) {
        self.report = sample;
        self.order.sort(&mut self.report.sessions);
    }

    fn report(&self) -> &ConnectionsReport {
        &self.report
    }

    fn keys(&self) -> Vec<(char, String)> {
        let sessions = if self.wanted.borrow().all { "busy sessions" } else { "all sessions" };
        vec![
            ('g', format!("group ({})", self.report.grouped_by.join(", "))),
            ('s', format!("sort ({})", self.order.name())),
            ('a', sessions.to_owned()),
        ]
    }

    fn key(&mut self, key: char) -> Turn {
        let mut wanted = self.wanted.borrow_mut();
        match key {
            'g' => {
                let first = wanted.group.first().copied().unwrap_or(GroupBy::State);
                wanted.group = vec![after(&GROUPS, first)];
                Turn::Sample
            }
            'a' => {
                wanted.all = !wanted.all;
                Turn::Sample
            }
            's' => {
                self.order = after(&Order::ALL, self.order);
                // The order of the report is gone with the next one.
                if self.order == Order::Age {
                    return Turn::Sample;
                }
                self.order.sort(&mut self.report.sessions);
                Turn::Redraw
            }
            _ => Turn::Nothing,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_round() {
        let mut order = Order::Age;
        let names: Vec<&str> = (0..6)
            .map(|_| {
                order = after(&Order::ALL, order);
                order.name()
            })
            .collect();
        assert_eq!(names, ["time in state", "app", "user", "pid", "age", "time in state"]);
        assert_eq!(after(&GROUPS, GroupBy::Tls), GroupBy::State);
    }

    #[test]
    fn each_order_sorts_by_what_it_says() {
        let session = |pid, application: &str, user: &str, state_seconds| Session {
            pid,
            application: application.into(),
            user: Some(user.into()),
            state_seconds,
            ..Session::default()
        };
        let all = [
            session(3, "b", "x", None),
            session(1, "c", "y", Some(5.0)),
            session(2, "a", "z", Some(9.0)),
        ];
        for (order, pids) in [
            (Order::Age, [3, 1, 2]),
            (Order::State, [2, 1, 3]),
            (Order::App, [2, 3, 1]),
            (Order::User, [3, 1, 2]),
            (Order::Pid, [1, 2, 3]),
        ] {
            let mut sessions = all.to_vec();
            order.sort(&mut sessions);
            let sorted: Vec<i32> = sessions.iter().map(|one| one.pid).collect();
            assert_eq!(sorted, pids, "{}", order.name());
        }
    }
}
