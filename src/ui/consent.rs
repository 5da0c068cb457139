//! Asking before something is changed. The only maker of a [`Consent`].

use std::io::{self, BufRead, IsTerminal};

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
/// Exit 77 without it, with the flag that gives it.
pub fn ask(ui: &Ui, answers: &Answers, danger: &Danger, what: &[String]) -> Result<Consent> {
    what.iter().for_each(|line| ui.note(line));
    let terminal = io::stdin().is_terminal() && io::stderr().is_terminal();
    let name = match danger {
        Danger::Adds => return yes_or_no(answers, terminal),
        Danger::Replaces(name) => name,
        Danger::Destroys { name, lost } => {
            ui.warning(&format!("this cannot be undone: {lost}"));
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
    if answer()? == *name {
        return Ok(Consent::given());
    }
    Err(refused().because("another name was typed"))
}

fn yes_or_no(answers: &Answers, terminal: bool) -> Result<Consent> {
    if answers.yes {
        return Ok(Consent::given());
    }
    if !terminal {
        return Err(refused()
            .because("nobody can be asked: this is not a terminal")
            .next("if that is what you want: --yes"));
    }
    say("Go on? [y/N] ");
    match answer()?.to_lowercase().as_str() {
        "y" | "yes" => Ok(Consent::given()),
        _ => Err(refused().because("the answer was not y")),
    }
}

fn refused() -> Error {
    Error::new(Exit::Refused, "nothing was done, for lack of consent")
}

fn answer() -> Result<String> {
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
