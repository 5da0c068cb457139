//! The lock timeouts that a file sets.

use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::{AstNode, Stmt};

/// The lock timeouts that a file has set so far: `0` for one that is turned off, none for the
/// role's own.
#[derive(Default)]
pub struct Timeouts {
    session: Option<String>,
    /// SET LOCAL: until the transaction's end.
    local: Option<String>,
    is_local: bool,
    /// The session's at BEGIN: ROLLBACK takes a SET back.
    before: Option<String>,
    is_begun: bool,
}

impl Timeouts {
    pub fn now(&self) -> Option<String> {
        if self.is_local { self.local.clone() } else { self.session.clone() }
    }

    pub fn after(&mut self, stmt: &Stmt) {
        let node = stmt.syntax();
        if let Some((value, is_local)) = sets_lock_timeout(stmt) {
            self.is_local = is_local;
            if is_local {
                self.local = value;
            } else {
                self.session = value;
            }
            return;
        }
        match stmt {
            Stmt::Begin(_) if !self.is_begun => {
                self.is_begun = true;
                self.before.clone_from(&self.session);
            }
            Stmt::Commit(_) | Stmt::PrepareTransaction(_)
                if node.kind() != SyntaxKind::COMMIT_PREPARED =>
            {
                self.is_local = false;
                self.is_begun = false;
            }
            Stmt::Rollback(_) if node.kind() == SyntaxKind::ROLLBACK_TRANSACTION => {
                self.is_local = false;
                if self.is_begun {
                    self.is_begun = false;
                    self.session = self.before.take();
                }
            }
            _ => {}
        }
    }
}

/// The lock timeout that a statement sets, when it does, none for the role's own; and whether for
/// the transaction only.
fn sets_lock_timeout(stmt: &Stmt) -> Option<(Option<String>, bool)> {
    let node = stmt.syntax();
    let text = node.text().to_string().to_ascii_lowercase();
    let set = match stmt {
        Stmt::Reset(_) if text.contains("lock_timeout") || text.contains("all") => {
            return Some((None, false));
        }
        Stmt::Select(_) => return configures(&text),
        Stmt::Set(_) => text,
        _ => return None,
    };
    let (before, value) = set.split_once("lock_timeout")?;
    if before.contains('.') {
        return None;
    }
    let value = value.trim().trim_start_matches('=').trim_start();
    let value = value.strip_prefix("to").unwrap_or(value);
    let value = value.trim_matches(|c: char| c.is_whitespace() || matches!(c, '\'' | '"' | ';'));
    let is_local = node.descendants().any(|inner| inner.kind() == SyntaxKind::LOCAL_SCOPE);
    Some(((value != "default").then(|| value.to_owned()), is_local))
}

/// The same of `set_config('lock_timeout', '5s', false)`.
fn configures(text: &str) -> Option<(Option<String>, bool)> {
    let call = |rest: &str| {
        let mut arguments = rest.trim_start().strip_prefix('(')?.splitn(3, ',').map(str::trim);
        if arguments.next()? != "'lock_timeout'" {
            return None;
        }
        let value = arguments.next()?.trim_matches('\'').trim();
        let is_local = arguments.next()?.trim_start_matches('\'').starts_with('t');
        Some(((value != "null").then(|| value.to_owned()), is_local))
    };
    text.split("set_config").skip(1).filter_map(call).last()
}
