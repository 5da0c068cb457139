//! The page of `connections cancel` and `connections terminate`.

use serde_json::Value;

use super::party::{COLUMNS, doing, line, lines, one_line, unseen, values, who};
use super::{Page, Sheet, Text, amount};
use crate::report::ended::{Ended, How, LeftOut, Outcome, Victim};

impl Text for Ended {
    fn text(&self, page: &Page) -> String {
        let mut text = String::new();
        for victim in &self.sessions {
            let outcome = match (victim.outcome, self.dry_run) {
                (Outcome::Chosen, _) => format!("would {}", self.how.word()),
                (Outcome::Ended, _) if self.how == How::Cancel => "cancelled".to_owned(),
                (outcome, _) => outcome.word().to_owned(),
            };
            add(page, victim, &outcome, &mut text);
        }
        for LeftOut { party, reason, .. } in &self.left_out {
            let told = format!("{}  {}: left out, {reason}", party.name(), who(party));
            text.push_str(&lines(page, 0, &told));
        }
        text.push_str(&self.sum());
        text.push_str(&unseen(page, &self.unseen));
        text
    }

    fn sheets(&self) -> Vec<Sheet> {
        let row = |party, outcome: &str, why: Option<&String>| {
            let mut row: Vec<Value> = vec![outcome.into(), why.cloned().into()];
            row.extend(values(party));
            row
        };
        let chosen =
            self.sessions.iter().map(|one| row(&one.party, one.outcome.word(), one.why.as_ref()));
        let left = self.left_out.iter().map(|one| row(&one.party, "left out", Some(&one.reason)));
        vec![Sheet {
            name: "sessions",
            columns: ["outcome", "why"].into_iter().chain(COLUMNS).collect(),
            rows: chosen.chain(left).collect(),
        }]
    }
}

impl Ended {
    /// The last line, with what to do next where something is left.
    fn sum(&self) -> String {
        let all = self.sessions.len() as u64;
        let verb = match self.how {
            How::Cancel => "cancelled",
            How::Terminate => "ended",
        };
        if all == 0 {
            return format!("no session to be {verb} at {}\n", self.server);
        }
        if self.dry_run {
            let would = self.count(Outcome::Chosen) as u64;
            return format!(
                "dry run: nothing was done; {} would be {verb}\n",
                amount(would, "session")
            );
        }
        let done = self.count(Outcome::Ended);
        let sessions = amount(all, "session");
        let mut text = format!("{verb} {done} of {sessions} at {}\n", self.server);
        if self.how == How::Cancel && self.count(Outcome::StillThere) > 0 {
            text.push_str("next: pgtend connections terminate ends a session that goes on\n");
        }
        text
    }
}

/// One that was chosen, in three lines at most.
fn add(page: &Page, victim: &Victim, outcome: &str, text: &mut String) {
    let party = &victim.party;
    let mut told = format!("{}  ", party.name());
    if victim.outcome != Outcome::NotThere {
        told.push_str(&format!("{}: ", who(party)));
    }
    told.push_str(outcome);
    if let Some(why) = &victim.why {
        told.push_str(&format!(", {why}"));
    }
    text.push_str(&lines(page, 0, &told));
    if victim.outcome == Outcome::Chosen {
        text.push_str(&lines(page, 4, &doing(party)));
        if let Some(query) = &party.query {
            text.push_str(&line(page, 4, &one_line(query)));
        }
    }
}

/// A session before the question, in a line.
pub fn victim(victim: &Victim) -> String {
    let party = &victim.party;
    let query = party.query.as_deref().map(one_line).unwrap_or_default();
    format!("{} {}: {}: {query}", party.name(), who(party), doing(party))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;
    use crate::report::Report;
    use crate::report::party::Party;

    fn report(outcomes: &[Outcome]) -> Ended {
        let one = |outcome: &Outcome| Victim {
            party: Party {
                pid: Some(7),
                user: Some("app".into()),
                database: Some("shop".into()),
                ..Party::default()
            },
            began_us: 1,
            statement_us: None,
            state_us: None,
            of_superuser: false,
            warning: None,
            outcome: *outcome,
            why: None,
        };
        Ended {
            how: How::Terminate,
            server: "db:5432".into(),
            dry_run: false,
            sessions: outcomes.iter().map(one).collect(),
            left_out: Vec::new(),
            unseen: Vec::new(),
        }
    }

    #[test]
    fn the_exit_code_is_that_of_the_worst() {
        use Outcome::{Ended, GoneAlready, NotThere, Refused, StillThere};
        for (outcomes, exit) in [
            (&[][..], Exit::Good),
            (&[Ended, GoneAlready], Exit::Good),
            (&[Ended, NotThere], Exit::Warning),
            (&[Ended, StillThere, NotThere], Exit::Critical),
            (&[StillThere, Refused], Exit::Refused),
        ] {
            assert_eq!(report(outcomes).outcome(), exit, "{outcomes:?}");
        }
        let hidden = super::Ended { unseen: vec!["x".into()], ..report(&[Ended]) };
        assert_eq!(hidden.outcome(), Exit::Unknown);
    }

    #[test]
    fn the_page_says_what_became_of_each() {
        let text = report(&[Outcome::Ended, Outcome::GoneAlready]).text(&Page { width: 80 });
        assert_eq!(
            text,
            "7  app@shop: ended\n7  app@shop: gone already\nended 1 of 2 sessions at db:5432\n"
        );
        let none = report(&[]).text(&Page { width: 80 });
        assert_eq!(none, "no session to be ended at db:5432\n");
    }
}
