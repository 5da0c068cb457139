//! The settings that a file makes and that its other statements go by: how long they wait for a
//! lock, and in which schemas their names lie.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode, LitKind, SetScope, SetTarget, Stmt};

use super::super::schemas::schemas;

const LOCK_TIMEOUT: &str = "lock_timeout";
const SEARCH_PATH: &str = "search_path";

/// A setting; none is what the role has.
#[derive(Debug, Clone, Default)]
struct Variable<T> {
    session: Option<T>,
    /// SET LOCAL: until the transaction's end.
    local: Option<Option<T>>,
}

impl<T: Clone> Variable<T> {
    fn now(&self) -> Option<T> {
        self.local.clone().unwrap_or_else(|| self.session.clone())
    }

    fn set(&mut self, value: Option<T>, is_local: bool) {
        if is_local {
            self.local = Some(value);
        } else {
            *self = Self { session: value, local: None };
        }
    }
}

#[derive(Debug, Clone, Default)]
struct Variables {
    lock_timeout: Variable<String>,
    search_path: Variable<Vec<String>>,
}

impl Variables {
    /// `values` are the elements of a list; none is DEFAULT.
    fn set(&mut self, name: &str, values: Option<Vec<String>>, is_local: bool) {
        match name {
            LOCK_TIMEOUT => {
                let value = values.and_then(|values| values.into_iter().next());
                self.lock_timeout.set(value, is_local);
            }
            SEARCH_PATH => self.search_path.set(values, is_local),
            _ => {}
        }
    }

    fn forget_local(&mut self) {
        self.lock_timeout.local = None;
        self.search_path.local = None;
    }
}

/// What a file has set so far.
#[derive(Debug, Default)]
pub struct Settings {
    now: Variables,
    /// As it was at BEGIN: ROLLBACK takes a SET back.
    begun: Option<Variables>,
    /// As it was at each SAVEPOINT.
    savepoints: Vec<(String, Variables)>,
}

impl Settings {
    /// As written, `0` for one that is turned off; none for the role's own.
    pub fn lock_timeout(&self) -> Option<String> {
        self.now.lock_timeout.now()
    }

    /// Its schemas; none for the role's own.
    pub fn search_path(&self) -> Option<Vec<String>> {
        self.now.search_path.now()
    }

    /// What a statement leaves behind.
    ///
    /// # Errors
    /// Why it is not known, where the text does not tell it.
    pub fn after(&mut self, stmt: &Stmt) -> Result<(), String> {
        match stmt {
            Stmt::Set(set) => self.set(set),
            Stmt::Reset(reset) => match reset.reset_target() {
                Some(ast::ResetTarget::All(_)) => self.reset_all(),
                Some(ast::ResetTarget::ConfigParameterRef(name)) => {
                    self.now.set(&parameter(&name), None, false);
                }
                _ => {}
            },
            Stmt::Discard(discard) => {
                if let Some(ast::DiscardTarget::DiscardAll(_)) = discard.discard_target() {
                    self.reset_all();
                }
            }
            Stmt::Select(_) | Stmt::CompoundSelect(_) | Stmt::ParenSelect(_) | Stmt::Values(_) => {
                return self.configure(stmt.syntax());
            }
            _ => self.transaction(stmt),
        }
        Ok(())
    }

    fn set(&mut self, set: &ast::Set) {
        let is_local = matches!(set.set_scope(), Some(SetScope::LocalScope(_)));
        match set.set_target() {
            Some(SetTarget::SetConfig(config)) => {
                let name = config.config_parameter_ref().map(|name| parameter(&name));
                let Some(ast::ConfigAssignment::ToConfigValue(to)) = config.config_assignment()
                else {
                    return;
                };
                let is_default = to.default_token().is_some();
                let values = || to.config_values().map(|value| element(&value)).collect();
                let values = (!is_default).then(values);
                self.now.set(&name.unwrap_or_default(), values, is_local);
            }
            // Another way to write it.
            Some(SetTarget::SetSchemaValue(schema)) => {
                let schema = schema.literal().and_then(|schema| text(&schema));
                self.now.set(SEARCH_PATH, Some(schema.into_iter().collect()), is_local);
            }
            _ => {}
        }
    }

    fn reset_all(&mut self) {
        self.now = Variables::default();
    }

    /// The calls of `set_config('lock_timeout', '5s', false)` in a query.
    fn configure(&mut self, node: &SyntaxNode) -> Result<(), String> {
        let is_it = |call: &ast::CallExpr| {
            let name = match call.expr() {
                Some(ast::Expr::NameRef(name)) => Some(name),
                Some(ast::Expr::FieldExpr(field)) => field.field(),
                _ => None,
            };
            name.is_some_and(|name| name.text() == "set_config")
        };
        for call in node.descendants().filter_map(ast::CallExpr::cast).filter(is_it) {
            let mut arguments = call.arg_list().into_iter().flat_map(|list| list.args());
            let mut literal = || match arguments.next()?.func_arg_expr()? {
                ast::FuncArgExpr::Expr(ast::Expr::Literal(literal)) => {
                    Some(literal).filter(|literal| literal.positional_param_index().is_none())
                }
                _ => None,
            };
            let (name, value, is_local) = (literal(), literal(), literal());
            let name = name.and_then(|name| text(&name)).map(|name| name.to_ascii_lowercase());
            let Some(name) = name else {
                return Err("it is not in the text which setting it changes".to_owned());
            };
            if name != LOCK_TIMEOUT && name != SEARCH_PATH {
                continue;
            }
            let (Some(value), Some(is_local)) = (value, is_local) else {
                self.now.set(&name, None, false);
                return Err(format!("it is not in the text to what it sets {name}"));
            };
            let list =
                |value: String| if name == SEARCH_PATH { schemas(&value) } else { vec![value] };
            let is_local = text(&is_local)
                .is_some_and(|word| word.starts_with(['t', 'y', '1']) || word == "on");
            self.now.set(&name, text(&value).map(list), is_local);
        }
        Ok(())
    }

    fn transaction(&mut self, stmt: &Stmt) {
        let is_chained =
            |chain: Option<ast::ChainClause>| matches!(chain, Some(ast::ChainClause::AndChain(_)));
        match stmt {
            Stmt::Begin(_) if self.begun.is_none() => self.begun = Some(self.now.clone()),
            Stmt::Commit(ast::Commit::CommitTransaction(commit)) => {
                self.end(is_chained(commit.chain_clause()));
            }
            Stmt::PrepareTransaction(_) => self.end(false),
            Stmt::Rollback(ast::Rollback::RollbackTransaction(rollback)) => {
                if let Some(begun) = self.begun.take() {
                    self.now = begun;
                }
                self.end(is_chained(rollback.chain_clause()));
            }
            Stmt::SavepointCreate(savepoint) => {
                let name =
                    savepoint.savepoint().map(|name| ast::normalize_name_node(name.syntax()));
                self.savepoints.push((name.unwrap_or_default(), self.now.clone()));
            }
            Stmt::ReleaseSavepoint(release) => {
                if let Some(at) = self.savepoint(release.savepoint_ref()) {
                    self.savepoints.truncate(at);
                }
            }
            Stmt::Rollback(ast::Rollback::RollbackToSavepoint(rollback)) => {
                if let Some(at) = self.savepoint(rollback.savepoint_ref()) {
                    self.savepoints.truncate(at + 1);
                    self.now = self.savepoints[at].1.clone();
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, is_chained: bool) {
        self.now.forget_local();
        self.savepoints.clear();
        self.begun = is_chained.then(|| self.now.clone());
    }

    /// Where the last one of a name stands.
    fn savepoint(&self, name: Option<ast::SavepointRef>) -> Option<usize> {
        let name = ast::normalize_name_node(name?.syntax());
        self.savepoints.iter().rposition(|(savepoint, _)| *savepoint == name)
    }
}

/// The name of a setting, which has no case even in quotes; empty for one of an extension.
fn parameter(name: &ast::ConfigParameterRef) -> String {
    let path = name.path_ref().filter(|path| path.qualifier().is_none());
    let name = path.and_then(|path| path.segment());
    name.map(|name| name.text().to_ascii_lowercase()).unwrap_or_default()
}

/// One element of what a setting is set to.
fn element(value: &ast::ConfigValue) -> String {
    match value {
        ast::ConfigValue::Literal(literal) => text(literal).unwrap_or_default(),
        ast::ConfigValue::ConfigValueName(name) => ast::normalize_name_node(name.syntax()),
        ast::ConfigValue::PrefixExpr(number) => number.syntax().text().to_string(),
    }
}

/// The value of a literal; none for NULL.
fn text(literal: &ast::Literal) -> Option<String> {
    match literal.kind()? {
        LitKind::Null(_) | LitKind::PositionalParam(_) => None,
        LitKind::IntNumber(word)
        | LitKind::NumericNumber(word)
        | LitKind::True(word)
        | LitKind::False(word)
        | LitKind::On(word)
        | LitKind::Off(word) => Some(word.text().to_ascii_lowercase()),
        _ => literal.string_value(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use crate::check::dep::statement::{Statement, Unread};

    /// The statements that drop a table.
    fn drops(sql: &str) -> Vec<Statement> {
        let (statements, _) = read("m.sql", sql, 150_000);
        statements.into_iter().filter(|one| one.kind == "DROP TABLE").collect()
    }

    /// The lock timeouts at each DROP TABLE; none for the role's own.
    fn timeouts(sql: &str) -> Vec<Option<String>> {
        drops(sql).into_iter().map(|one| one.lock_timeout).collect()
    }

    /// The same of `search_path`, with `role` for the role's own.
    fn paths(sql: &str) -> Vec<String> {
        let path = |one: Statement| {
            one.search_path.map_or_else(|| "role".to_owned(), |path| path.join(" "))
        };
        drops(sql).into_iter().map(path).collect()
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn a_timeout_is_set_for_what_follows() {
        let sql = "SET lock_timeout = '5s'; DROP TABLE a; RESET lock_timeout; DROP TABLE b; \
                   BEGIN; SET LOCAL lock_timeout TO 3000; DROP TABLE c; COMMIT; DROP TABLE d; \
                   SET \"lock_timeout\" = '1s'; DROP TABLE e; SET \"Lock_Timeout\" TO '2s'; \
                   DROP TABLE f; SET my.lock_timeout = '9s'; DROP TABLE g";
        let expected = [some("5s"), None, some("3000"), None, some("1s"), some("2s"), some("2s")];
        assert_eq!(timeouts(sql), expected);
    }

    #[test]
    fn a_timeout_that_is_off_is_not_the_roles_own() {
        let sql = "SET lock_timeout = 0; DROP TABLE a; RESET lock_timeout; DROP TABLE b; \
                   SELECT pg_catalog.set_config('lock_timeout', '0', false); DROP TABLE c; \
                   SET lock_timeout TO DEFAULT; DROP TABLE d; \
                   SELECT set_config('application_name', '', true); DROP TABLE e";
        assert_eq!(timeouts(sql), [some("0"), None, some("0"), None, None]);
    }

    #[test]
    fn a_local_one_ends_and_the_sessions_holds_again() {
        let sql = "SET lock_timeout = '3s'; BEGIN; SET LOCAL lock_timeout = '2s'; DROP TABLE a; \
                   COMMIT; DROP TABLE b; BEGIN; SET lock_timeout = '1s'; DROP TABLE c; ROLLBACK; \
                   DROP TABLE d";
        assert_eq!(timeouts(sql), [some("2s"), some("3s"), some("1s"), some("3s")]);
        let sql = "BEGIN; SET lock_timeout = '1s'; COMMIT AND CHAIN; SET lock_timeout = '2s'; \
                   DROP TABLE a; ROLLBACK; DROP TABLE b";
        assert_eq!(timeouts(sql), [some("2s"), some("1s")]);
    }

    #[test]
    fn a_rollback_to_a_savepoint_takes_back_what_was_set_after_it() {
        let sql = "BEGIN; SET lock_timeout = '1s'; SAVEPOINT one; SET lock_timeout = '2s'; \
                   SAVEPOINT two; SET LOCAL lock_timeout = 0; DROP TABLE a; \
                   ROLLBACK TO two; DROP TABLE b; ROLLBACK TO SAVEPOINT \"one\"; DROP TABLE c; \
                   SET lock_timeout = 0; ROLLBACK TO one; DROP TABLE d; \
                   SET lock_timeout = '4s'; RELEASE one; DROP TABLE e; ROLLBACK TO one; \
                   DROP TABLE f; ROLLBACK; DROP TABLE g";
        let expected =
            [some("0"), some("2s"), some("1s"), some("1s"), some("4s"), some("4s"), None];
        assert_eq!(timeouts(sql), expected);
    }

    #[test]
    fn resetting_all_resets_these() {
        for reset in ["RESET ALL", "DISCARD ALL"] {
            let set = "SET lock_timeout = 0; SET search_path = a;";
            let sql = format!("{set} {reset}; DROP TABLE t");
            assert_eq!(timeouts(&sql), [None], "{reset}");
            assert_eq!(paths(&sql), ["role"], "{reset}");
        }
        let sql =
            "SET lock_timeout = 0; DISCARD PLANS; RESET allow_system_table_mods; DROP TABLE t";
        assert_eq!(timeouts(sql), [some("0")]);
    }

    #[test]
    fn a_search_path_is_a_list() {
        for (set, path) in [
            ("SET search_path = App, \"B\", 'c', \"$user\"", "app B c $user"),
            ("SET SESSION search_path TO a", "a"),
            ("SET SCHEMA 'a'", "a"),
            ("SET LOCAL search_path = a", "a"),
            ("SET search_path = a; SET search_path TO DEFAULT", "role"),
            ("SELECT set_config('search_path', 'a, \"B\"', false)", "a B"),
            ("SELECT * FROM pg_catalog.set_config('search_path', 'a', true)", "a"),
            ("SELECT pg_catalog.set_config('search_path', '', false)", ""),
            ("BEGIN; SET LOCAL search_path = a; COMMIT", "role"),
        ] {
            assert_eq!(paths(&format!("{set}; DROP TABLE t")), [path], "{set}");
        }
    }

    #[test]
    fn what_the_text_does_not_tell_is_not_known() {
        for sql in [
            "SELECT set_config('search_path', 'a,' || current_setting('search_path'), false)",
            "SELECT set_config('lock_timeout', $1, false)",
            "SELECT set_config(name, setting, false) FROM pg_settings",
        ] {
            let (statements, _) = read("m.sql", sql, 150_000);
            let unread = &statements[0].unread;
            assert!(matches!(unread, Some(Unread::Opaque(_))), "{sql}: {unread:?}");
        }
    }
}
