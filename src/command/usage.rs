//! What is said of a command line that cannot be read. It may hold a password where none belongs:
//! a connection string without its flag, or `-W secret`. Such a word is not repeated.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::cli::output::LogForm;
use crate::error::Error;
use crate::exit::Exit;
use crate::render;
use crate::settings::{Environment, GIVE_URL, MASK};
use crate::ui::{Talk, Ui};

/// For a word behind `-W`, and for one where a port stands.
const GIVE_PASSWORD: &str =
    "-W asks for the password and -p is the port; a password is taken from PGPASSWORD or ~/.pgpass";

/// Help and version are answers; everything else is a usage error with its own exit code.
pub(super) fn usage(error: clap::Error, arguments: &[OsString], environment: &Environment) -> Exit {
    let ui = Ui::new(Talk::Normal, environment.no_color(), environment.columns());
    let ui = ui.with_log(log_form(arguments));
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return match ui.answer(&error.render().to_string()) {
            Ok(()) => Exit::Good,
            Err(error) => error.exit(),
        };
    }
    let (error, hint) = without_secrets(error, arguments);
    let text = error.render().to_string();
    ui.failure(&text);
    let what = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
    let failure = Error::usage(what).next(hint.unwrap_or("see --help"));
    if wants(arguments, "nagios") {
        return super::not_judged(ui, "", &failure);
    }
    if wants(arguments, "json")
        && let Ok(text) = render::json_error("", None, &failure)
        && let Err(error) = ui.answer(&text)
    {
        return error.exit();
    }
    Exit::Usage
}

/// Whether a form of the answer was asked for, on a command line that may be wrong elsewhere.
pub(super) fn wants(arguments: &[OsString], form: &str) -> bool {
    has(arguments, "--format", form)
}

/// The form of what is said on standard error, on such a command line.
fn log_form(arguments: &[OsString]) -> LogForm {
    if has(arguments, "--log-format", "json") { LogForm::Json } else { LogForm::Text }
}

fn has(arguments: &[OsString], flag: &str, value: &str) -> bool {
    let joined = format!("{flag}={value}");
    arguments.iter().any(|argument| argument == joined.as_str())
        || arguments.windows(2).any(|pair| pair[0] == flag && pair[1] == value)
}

/// Masks what may be a secret, and says what was probably meant.
fn without_secrets(
    mut error: clap::Error,
    arguments: &[OsString],
) -> (clap::Error, Option<&'static str>) {
    let flag = text(&error, ContextKind::InvalidArg).unwrap_or_default();
    let of_password = ["--password", "--port"].iter().any(|name| flag.starts_with(name));
    let mut hint = None;
    for kind in [ContextKind::InvalidSubcommand, ContextKind::InvalidArg, ContextKind::InvalidValue]
    {
        let Some(word) = text(&error, kind) else { continue };
        let found = if kind == ContextKind::InvalidValue && of_password
            || is_after_password(&word, arguments)
        {
            GIVE_PASSWORD
        } else if word.contains("://") || (!word.starts_with('-') && word.contains(['=', '@'])) {
            GIVE_URL
        } else {
            continue;
        };
        hint = Some(found);
        error.insert(kind, ContextValue::String(MASK.to_owned()));
        // It repeats the word.
        error.remove(ContextKind::SuggestedSubcommand);
        let tip = ContextValue::StyledStrs(vec![found.into()]);
        error.insert(ContextKind::Suggested, tip);
    }
    (error, hint)
}

fn text(error: &clap::Error, kind: ContextKind) -> Option<String> {
    match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.clone()),
        _ => None,
    }
}

/// Whether a word follows `-W`, alone or at the end of short flags.
fn is_after_password(word: &str, arguments: &[OsString]) -> bool {
    arguments.windows(2).any(|pair| {
        let before = pair[0].to_str().unwrap_or_default();
        let short = before.starts_with('-') && !before.starts_with("--") && before.ends_with('W');
        pair[1] == word && (short || before == "--password")
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::Cli;
    use super::*;

    fn said(words: &[&str]) -> (String, Option<&'static str>) {
        let arguments: Vec<OsString> =
            ["pgtend"].iter().chain(words).map(|word| OsString::from(*word)).collect();
        let error = Cli::try_parse_from(&arguments).unwrap_err();
        let (error, hint) = without_secrets(error, &arguments);
        (error.render().to_string(), hint)
    }

    #[test]
    fn no_slip_is_repeated() {
        let url = "postgresql://u:hunter2@h/d";
        for (words, hint) in [
            (["backup", url].as_slice(), GIVE_URL),
            (&[url], GIVE_URL),
            (&["backup", "run", url], GIVE_URL),
            (&["backup", "host=h password=hunter2"], GIVE_URL),
            (&["u:hunter2@h/d"], GIVE_URL),
            (&["-p", url, "backup"], GIVE_PASSWORD),
            (&["--format", url, "backup"], GIVE_URL),
            (&["-W", "hunter2", "backup"], GIVE_PASSWORD),
            (&["backup", "-W", "hunter2"], GIVE_PASSWORD),
            (&["backup", "-qW", "hunter2"], GIVE_PASSWORD),
            (&["backup", "--password", "hunter2"], GIVE_PASSWORD),
            (&["backup", "--password=hunter2"], GIVE_PASSWORD),
            (&["backup", "-phunter2"], GIVE_PASSWORD),
            (&["backup", "-p", "hunter2"], GIVE_PASSWORD),
            (&["backup", "--port=hunter2"], GIVE_PASSWORD),
        ] {
            let (text, found) = said(words);
            assert!(!text.contains("hunter2"), "{words:?}: {text}");
            assert_eq!(found, Some(hint), "{words:?}: {text}");
            assert!(text.contains(hint), "{words:?}: {text}");
        }
    }

    #[test]
    fn an_ordinary_slip_is_repeated() {
        let (text, hint) = said(&["bakcup"]);
        assert!(text.contains("'bakcup'") && text.contains("backup"), "{text}");
        assert_eq!(hint, None);
        assert!(said(&["backup", "--jbos", "3"]).0.contains("--jbos"));
        assert!(said(&["backup", "--format=yaml"]).0.contains("'yaml'"));
    }
}
