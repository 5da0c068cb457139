//! A run's story in lines: one for the log, all of it for who is pinged.

use super::{amount, bytes, duration, error_text, printable};
use crate::report::backup::{Backup, Listed};
use crate::report::story::{Run, Story};
use crate::settings::masked;

/// Bytes of the longest text that is sent with a ping.
pub const LONGEST: usize = 10_000;

/// One database in one line, without secrets.
pub fn line(run: &Run) -> String {
    let of = run.database.as_deref().map_or(String::new(), |name| format!(" of {name}"));
    let exit = run.exit().code();
    let text = match &run.outcome {
        Ok(backup) => format!(
            "backup {}{of} is complete: {}, {}, {} stored in {} (exit {exit})",
            backup.id,
            amount(backup.totals.tables, "table"),
            amount(backup.totals.rows, "row"),
            bytes(backup.totals.bytes),
            duration(run.seconds),
        ),
        Err(error) => {
            let phase = error.phase().map_or(String::new(), |phase| format!(", while {phase}"));
            format!("backup{of} failed: {}{phase} (exit {exit})", error.what())
        }
    };
    printable(&masked(&text))
}

/// An older backup that stands, and what is proved of it.
pub fn standing(newest: &Listed, database: &str, now: jiff::Timestamp) -> String {
    let age = newest.taken.map_or(String::new(), |taken| {
        let seconds = now.duration_since(taken).as_secs_f64().max(0.0);
        format!(", {} old", duration(seconds))
    });
    let proof = match &newest.verified {
        None => "never verified".to_owned(),
        Some(proof) => {
            let day = proof.at.strftime("%Y-%m-%d");
            let failed = if proof.passed { "verified" } else { "which FAILED verification" };
            format!("{failed} at level {} on {day}", proof.level.name())
        }
    };
    format!("the newest complete backup of {database} is {}{age}, {proof}", newest.id)
}

/// All of it, without secrets: what failed last, for the end is what is read. At most
/// [`LONGEST`] bytes, the last ones.
pub fn body(story: &Story) -> String {
    let mut text = String::new();
    let of = |run: &Run| format!("{}\n", line(run));
    let (good, bad): (Vec<&Run>, Vec<&Run>) =
        story.runs.iter().partition(|run| run.outcome.is_ok());
    for run in good {
        text.push_str(&of(run));
        let warnings = run.outcome.iter().flat_map(|backup: &Backup| &backup.warnings);
        text.extend(warnings.map(|warning| format!("warning: {}\n", printable(warning))));
    }
    text.extend(story.warnings.iter().map(|warning| format!("warning: {}\n", printable(warning))));
    for run in bad {
        text.push_str(&of(run));
        text.extend(run.outcome.as_ref().err().map(error_text));
    }
    last_lines(masked(&text))
}

fn last_lines(text: String) -> String {
    if text.len() <= LONGEST {
        return text;
    }
    let mut start = text.len() - LONGEST;
    start = (start..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(text.len());
    let start = text[start..].find('\n').map_or(start, |end| start + end + 1);
    text[start..].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;
    use crate::exit::Exit;

    fn failed(error: Error) -> Story {
        let now = jiff::Timestamp::now();
        let run = Run {
            database: Some("app".into()),
            cluster: None,
            outcome: Err(error),
            seconds: 1.0,
            ended: now,
        };
        Story { repository: None, started: now, ended: now, runs: vec![run], warnings: vec![] }
    }

    #[test]
    fn a_failure_is_told_with_its_end_last_and_without_secrets() {
        let error = Error::new(Exit::Io, "cannot write x of pg://u:hunter2@h/d")
            .because("no space left")
            .next("make room")
            .also("yesterday's stands")
            .during("copying public.big");
        let text = body(&failed(error));
        assert_eq!(
            text,
            "backup of app failed: cannot write x of pg://u:***@h/d, while copying public.big (exit 74)\n\
             error: cannot write x of pg://u:***@h/d\n  while: copying public.big\n  \
             cause: no space left\n  next:  make room\n  also:  yesterday's stands\n  exit:  74\n"
        );
    }

    #[test]
    fn what_is_sent_is_bounded_and_the_end_of_it() {
        let error = Error::bug("x").because("é\n".repeat(9000)).because("the end");
        let text = body(&failed(error));
        assert!(text.len() <= LONGEST && text.len() > LONGEST - 100, "{}", text.len());
        assert!(text.ends_with("  cause: the end\n  next:  this is a bug in pgtend: please report it with this output\n  exit:  70\n"));
    }
}
