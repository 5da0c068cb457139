//! Asking for a password on the terminal.

use std::fs::OpenOptions;
use std::io::{self, BufRead, BufReader, IsTerminal, Write};

use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};

use super::secret::Secret;

/// Asks on the controlling terminal, without an echo. `None` when standard input is not a
/// terminal, or nothing was typed. Blocks until the line is complete.
pub fn ask_password(question: &str) -> io::Result<Option<Secret>> {
    if !io::stdin().is_terminal() {
        return Ok(None);
    }
    let mut terminal = OpenOptions::new().read(true).write(true).open("/dev/tty")?;
    write!(terminal, "{question}")?;
    terminal.flush()?;
    let before = tcgetattr(&terminal)?;
    let mut silent = before.clone();
    silent.local_modes.remove(LocalModes::ECHO);
    silent.local_modes.insert(LocalModes::ECHONL);
    tcsetattr(&terminal, OptionalActions::Flush, &silent)?;
    let mut line = String::new();
    let read = BufReader::new(&terminal).read_line(&mut line);
    // Restored before the outcome of the reading is looked at.
    tcsetattr(&terminal, OptionalActions::Flush, &before)?;
    read?;
    let password = line.strip_suffix('\n').unwrap_or(&line);
    Ok((!password.is_empty()).then(|| Secret::new(password)))
}
