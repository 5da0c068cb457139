//! Asking before something is changed. The only maker of a [`Consent`].

use std::io::{self, BufRead, IsTerminal};

use tokio_util::sync::CancellationToken;

use super::{Ui, say};
use crate::consent::{Consent, Danger};
use crate::error::{Error, Result};
use crate::exit::Exit;

/// What the command line says in advance.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// `--yes`
    pub yes: bool,
    /// `--confirm NAME`
    pub confirm: Option<String>,
}

/// Shows what will happen and asks for consent, unless the command line gave it.
///
/// # Errors
/// Exit 77 without it, with the flag that gives it; 130 when `cancel` comes before the answer.
pub async fn ask(
    ui: &Ui,
    answers: &Answers,
    danger: &Danger,
    what: &[String],
    cancel: &CancellationToken,
) -> Result<Consent> {
    what.iter().for_each(|line| ui.note(line));
    let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let name = match danger {
        Danger::Adds => return yes_or_no(answers, terminal, cancel).await,
        Danger::Replaces(name) => name,
        Danger::Destroys { name, lost } => {
            ui.warning(lost);
            name
        }
    };
    match &answers.confirm {
        Some(given) if given == name => return Ok(Consent::given()),
        Some(given) => {
            return Err(refused()
                .because(format!("--confirm says '{given}', what would be replaced is '{name}'"))
                .next("look again at which server and database is meant"));
        }
        None => {}
    }
    if !terminal {
        return Err(refused()
            .because("nobody can be asked: this is not a terminal")
            .next(format!("if that is what you want: --confirm {}", shell_word(name))));
    }
    say(&format!("Type {name} to go on: "));
    if answer(cancel).await? == *name {
        return Ok(Consent::given());
    }
    Err(refused().because("another name was typed"))
}

async fn yes_or_no(
    answers: &Answers,
    terminal: bool,
    cancel: &CancellationToken,
) -> Result<Consent> {
    if answers.yes {
        return Ok(Consent::given());
    }
    if !terminal {
        return Err(refused()
            .because("nobody can be asked: this is not a terminal")
            .next("if that is what you want: --yes"));
    }
    say("Go on? [y/N] ");
    match answer(cancel).await?.to_lowercase().as_str() {
        "y" | "yes" => Ok(Consent::given()),
        _ => Err(refused().because("the answer was not y")),
    }
}

fn refused() -> Error {
    Error::new(Exit::Refused, "nothing was done, for lack of consent")
}

/// Read on a thread of its own, which nobody waits for: Ctrl-C is an answer too.
async fn answer(cancel: &CancellationToken) -> Result<String> {
    let (tell, told) = tokio::sync::oneshot::channel();
    // Nobody listens any more once the run was stopped.
    let read = move || tell.send(read_line()).unwrap_or_else(drop);
    std::thread::Builder::new()
        .name("answer".into())
        .spawn(read)
        .map_err(|error| Error::bug("cannot start a thread").caused_by(&error))?;
    tokio::select! {
        biased;
        () = cancel.cancelled() => {
            say("\n");
            Err(Error::new(Exit::Interrupted, "stopped while asking").because("nothing was changed"))
        }
        line = told => line.map_err(|error| Error::bug("a thread ended").caused_by(&error))?,
    }
}

fn read_line() -> Result<String> {
    let mut line = String::new();
    io::stdin().lock().read_line(&mut line).map_err(|error| {
        Error::new(Exit::Io, "cannot read the answer from the terminal").caused_by(&error)
    })?;
    Ok(line.trim().to_owned())
}

/// A word for a shell, quoted where it has to be.
pub(crate) fn shell_word(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}
