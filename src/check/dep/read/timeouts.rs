//! The lock timeouts that a file sets.

use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::{AstNode, Stmt};

/// The lock timeouts that a file has set so far; none inside for one that is turned off.
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
        if let Some(value) = sets_lock_timeout(stmt) {
            self.is_local = node.descendants().any(|inner| inner.kind() == SyntaxKind::LOCAL_SCOPE);
            if self.is_local {
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

/// The lock timeout that a statement sets, when it does; none for one that turns it off.
#[expect(clippy::option_option, reason = "set, set to nothing, not set")]
fn sets_lock_timeout(stmt: &Stmt) -> Option<Option<String>> {
    let text = stmt.syntax().text().to_string().to_ascii_lowercase();
    let set = match stmt {
        Stmt::Reset(_) if text.contains("lock_timeout") || text.contains("all") => {
            return Some(None);
        }
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
    let off = value == "default" || value.trim_end_matches(char::is_alphabetic).trim() == "0";
    Some((!off).then(|| value.to_owned()))
}
