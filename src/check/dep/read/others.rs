//! Statements that lock no table, and those of which it is not known.

use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::{self, AstNode, Stmt};

use super::{Reader, TABLES, names};

const SCRIPT: &str = "what an extension's script does is not in the text";

impl Reader<'_> {
    /// What has no table's lock, or one that is not told by the text.
    pub(super) fn others(&mut self, stmt: &Stmt) {
        let node = stmt.syntax();
        match stmt {
            Stmt::Do(_) => self.opaque("what a DO block does is not in its outside"),
            Stmt::Call(_) => self.opaque("what a procedure does is not in the call"),
            Stmt::Execute(_) => self.opaque("what a prepared statement does is not seen here"),
            Stmt::DropSchema(_) | Stmt::DropOwned(_) => {
                self.opaque("it drops whatever is in there");
            }
            Stmt::CreateExtension(extension) => {
                self.opaque(SCRIPT);
                let name = extension.extension().filter(|_| extension.if_not_exists().is_some());
                let name = name.map(|name| ast::normalize_name_node(name.syntax()));
                self.statement.extension = name;
            }
            Stmt::AlterExtension(_) | Stmt::DropExtension(_) => self.opaque(SCRIPT),
            Stmt::CreateDatabase(_)
            | Stmt::DropDatabase(_)
            | Stmt::CreateTablespace(_)
            | Stmt::DropTablespace(_)
            | Stmt::AlterSystem(_)
            | Stmt::CreateSubscription(_)
            | Stmt::DropSubscription(_) => self.statement.alone = true,
            // What drops no table, but perhaps what depends on it.
            Stmt::DropAccessMethod(_)
            | Stmt::DropAggregate(_)
            | Stmt::DropCast(_)
            | Stmt::DropCollation(_)
            | Stmt::DropConversion(_)
            | Stmt::DropDomain(_)
            | Stmt::DropEventTrigger(_)
            | Stmt::DropForeignDataWrapper(_)
            | Stmt::DropFunction(_)
            | Stmt::DropGroup(_)
            | Stmt::DropLanguage(_)
            | Stmt::DropOperator(_)
            | Stmt::DropOperatorClass(_)
            | Stmt::DropOperatorFamily(_)
            | Stmt::DropProcedure(_)
            | Stmt::DropPublication(_)
            | Stmt::DropRole(_)
            | Stmt::DropRoutine(_)
            | Stmt::DropServer(_)
            | Stmt::DropStatistics(_)
            | Stmt::DropTextSearchConfig(_)
            | Stmt::DropTextSearchDict(_)
            | Stmt::DropTextSearchParser(_)
            | Stmt::DropTextSearchTemplate(_)
            | Stmt::DropTransform(_)
            | Stmt::DropType(_)
            | Stmt::DropUser(_)
            | Stmt::DropUserMapping(_) => self.cascade(node),
            Stmt::AlterType(_) => {
                if node.descendants().any(|inner| inner.kind() == SyntaxKind::CASCADE) {
                    self.opaque("CASCADE goes on to the tables of the type");
                }
            }
            Stmt::AlterDomain(domain) => {
                use ast::AlterDomainAction as A;
                let action = domain.action();
                let reads = |action: &A| match action {
                    A::AddConstraint(add) => {
                        !add.constraint().is_some_and(|one| one.is_not_valid())
                    }
                    A::SetNotNull(_) | A::ValidateConstraint(_) => true,
                    _ => false,
                };
                if action.as_ref().is_none_or(reads) {
                    self.opaque("it reads every table with a column of the domain");
                }
                self.cascade(node);
            }
            Stmt::AlterDatabase(_) => {
                if node.text().to_string().to_ascii_lowercase().contains("tablespace") {
                    self.statement.alone = true;
                    self.opaque("it copies the database");
                }
            }
            Stmt::CreateForeignTable(_) | Stmt::CreateSchema(_) => {
                if !names(node, TABLES).is_empty() {
                    self.opaque("it may lock the tables that it refers to");
                }
                if matches!(stmt, Stmt::CreateForeignTable(_)) {
                    self.named(node);
                }
            }
            Stmt::CreateSequence(_) => self.named(node),
            Stmt::AlterAggregate(_)
            | Stmt::AlterCollation(_)
            | Stmt::AlterConversion(_)
            | Stmt::AlterDefaultPrivileges(_)
            | Stmt::AlterEventTrigger(_)
            | Stmt::AlterForeignDataWrapper(_)
            | Stmt::AlterFunction(_)
            | Stmt::AlterGroup(_)
            | Stmt::AlterLanguage(_)
            | Stmt::AlterLargeObject(_)
            | Stmt::AlterOperator(_)
            | Stmt::AlterOperatorClass(_)
            | Stmt::AlterOperatorFamily(_)
            | Stmt::AlterProcedure(_)
            | Stmt::AlterRole(_)
            | Stmt::AlterRoutine(_)
            | Stmt::AlterSchema(_)
            | Stmt::AlterServer(_)
            | Stmt::AlterStatistics(_)
            | Stmt::AlterSubscription(_)
            | Stmt::AlterTablespace(_)
            | Stmt::AlterTextSearchConfiguration(_)
            | Stmt::AlterTextSearchDictionary(_)
            | Stmt::AlterTextSearchParser(_)
            | Stmt::AlterTextSearchTemplate(_)
            | Stmt::AlterUser(_)
            | Stmt::AlterUserMapping(_)
            | Stmt::Begin(_)
            | Stmt::Checkpoint(_)
            | Stmt::Close(_)
            | Stmt::Commit(_)
            | Stmt::CreateAccessMethod(_)
            | Stmt::CreateAggregate(_)
            | Stmt::CreateCast(_)
            | Stmt::CreateCollation(_)
            | Stmt::CreateConversion(_)
            | Stmt::CreateDomain(_)
            | Stmt::CreateEventTrigger(_)
            | Stmt::CreateForeignDataWrapper(_)
            | Stmt::CreateFunction(_)
            | Stmt::CreateGroup(_)
            | Stmt::CreateLanguage(_)
            | Stmt::CreateOperator(_)
            | Stmt::CreateOperatorClass(_)
            | Stmt::CreateOperatorFamily(_)
            | Stmt::CreateProcedure(_)
            | Stmt::CreateRole(_)
            | Stmt::CreateServer(_)
            | Stmt::CreateTextSearchConfiguration(_)
            | Stmt::CreateTextSearchDictionary(_)
            | Stmt::CreateTextSearchParser(_)
            | Stmt::CreateTextSearchTemplate(_)
            | Stmt::CreateTransform(_)
            | Stmt::CreateType(_)
            | Stmt::CreateUser(_)
            | Stmt::CreateUserMapping(_)
            | Stmt::Deallocate(_)
            | Stmt::Discard(_)
            | Stmt::EmptyStmt(_)
            | Stmt::Fetch(_)
            | Stmt::Grant(_)
            | Stmt::ImportForeignSchema(_)
            | Stmt::Listen(_)
            | Stmt::Move(_)
            | Stmt::Notify(_)
            | Stmt::Prepare(_)
            | Stmt::ReleaseSavepoint(_)
            | Stmt::Reset(_)
            | Stmt::ResetRole(_)
            | Stmt::ResetSessionAuth(_)
            | Stmt::Revoke(_)
            | Stmt::Rollback(_)
            | Stmt::SavepointCreate(_)
            | Stmt::Set(_)
            | Stmt::SetConstraints(_)
            | Stmt::SetRole(_)
            | Stmt::SetSessionAuth(_)
            | Stmt::SetTransaction(_)
            | Stmt::Show(_)
            | Stmt::Unlisten(_) => {}
            _ => self.opaque("it is not known which tables it locks"),
        }
    }
}
