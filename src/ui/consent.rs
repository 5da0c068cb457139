//! Asking before something is changed. The only maker of a [`Consent`].

use std::io::{self, BufRead, IsTerminal};

use tokio_util::sync::CancellationToken;

use super::{Ui, say};
use crate::consent::{Consent, Danger};
use crate::error::{Error, Result};
use crate::exit::Exit;
use crate::render::printable;

/// What the command line says in advance.
#[derive(Debug, Clone, Default)]
pub struct Answers {
    /// `--yes`
    pub yes: bool,
    /// `--confirm NAME`
    pub confirm: Option<String>,
}

/// Shows what will happen and asks for consent, unless the command line gave it. Whoever is asked
/// is told what about, however little talk was asked for.
///
/// # Errors
/// Exit 77 without it, with the flag that gives it; [`Exit::Interrupted`] when `cancel` comes
/// before the answer.
pub async fn ask(
    ui: &Ui,
    answers: &Answers,
    danger: &Danger,
    what: &[String],
    cancel: &CancellationToken,
) -> Result<Consent> {
    let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let given = match danger {
        Danger::Adds => answers.yes,
        Danger::Replaces(_) | Danger::Destroys { .. } => answers.confirm.is_some(),
    };
    if terminal && !given {
        what.iter().for_each(|line| ui.always_note(line));
    } else {
        what.iter().for_each(|line| ui.note(line));
    }
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
                .because(format!("--confirm says '{given}', what would be changed is '{name}'"))
                .next("look again at what is meant: the server and database, or the repository"));
        }
        None => {}
    }
    if !terminal {
        return Err(refused()
            .because("nobody can be asked: this is not a terminal")
            .next(format!("if that is what you want: --confirm {}", shell_word(name))));
    }
    say(&format!("Type {} to go on: ", printable(name)));
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

/// The line that is typed. Read on a thread, which nothing waits for once a signal came: a read
/// of the terminal cannot be taken back.
async fn answer(cancel: &CancellationToken) -> Result<String> {
    let (sender, line) = tokio::sync::oneshot::channel();
    let read = move || {
        let mut line = String::new();
        let read = io::stdin().lock().read_line(&mut line);
        // Nobody listens any more after a signal.
        sender.send(read.map(|_| line)).unwrap_or(());
    };
    std::thread::Builder::new()
        .name("answer".into())
        .spawn(read)
        .map_err(|error| Error::bug("cannot start a thread").caused_by(&error))?;
    let line = tokio::select! {
        biased;
        () = cancel.cancelled() => {
            // The question's line has no end yet.
            say("\n");
            return Err(Error::new(Exit::Interrupted, "stopped at the question")
                .because("nothing was changed"));
        }
        line = line => line.map_err(|_| Error::bug("the thread that asks has ended"))?,
    };
    let line = line.map_err(|error| {
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
