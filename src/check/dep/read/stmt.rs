//! What each kind of statement locks.

use squawk_syntax::ast::{self, AstNode, Stmt};

use super::super::lock::Mode;
use super::super::statement::Work;
use super::{INDEXES, Reader, SEQUENCES, TABLES, VIEWS, names, written as written_names};

impl Reader<'_> {
    pub(super) fn stmt(&mut self, stmt: &Stmt) {
        self.locks(stmt);
        if runs_expressions(stmt) {
            self.calls(stmt.syntax());
            self.changes_within(stmt.syntax());
        }
    }

    fn locks(&mut self, stmt: &Stmt) {
        let node = stmt.syntax();
        match stmt {
            Stmt::AlterTable(table) => self.alter_table(table),
            Stmt::AlterForeignTable(table) => {
                let name = table.table_relation_name();
                let own =
                    name.and_then(|name| written_names(name.syntax(), TABLES).into_iter().next());
                match own {
                    Some(own) => self.actions(table.actions(), own),
                    None => self.opaque("its table is not understood"),
                }
            }
            Stmt::CreateTable(table) => self.create_table(table),
            Stmt::CreateTableAs(_) | Stmt::SelectInto(_) | Stmt::CreateMaterializedView(_) => {
                self.makes(node);
            }
            Stmt::DropTable(_) | Stmt::DropForeignTable(_) => {
                self.all(node, Mode::AccessExclusive, &[Work::Drops]);
                self.cascade(node);
            }
            Stmt::Truncate(_) => {
                self.all(node, Mode::AccessExclusive, &[]);
                self.cascade(node);
            }
            Stmt::Lock(lock) => {
                let mode = lock.lock_mode_clause().and_then(|clause| clause.lock_mode());
                let mode = mode.map_or(Mode::AccessExclusive, |mode| written(&mode));
                self.all(node, mode, &[]);
            }
            Stmt::CreateIndex(index) => self.create_index(index),
            Stmt::AlterIndex(_) => {
                self.indexes(node, Mode::ShareUpdateExclusive, &[]);
                self.renamed(node, names(node, INDEXES).first(), true);
            }
            Stmt::DropIndex(index) => self.drop_index(index),
            Stmt::Reindex(reindex) => self.reindex(reindex),
            Stmt::CreateView(view) => self.create_view(view),
            Stmt::AlterMaterializedView(_) | Stmt::AlterView(_) => {
                self.views(node, Mode::AccessExclusive, &[]);
                self.renamed(node, names(node, VIEWS).first(), false);
                if self.statement.touches.is_empty() {
                    self.opaque("it alters all views of a tablespace");
                }
            }
            Stmt::DropMaterializedView(_) | Stmt::DropView(_) => {
                self.views(node, Mode::AccessExclusive, &[]);
                self.cascade(node);
            }
            // Whoever has used nextval() holds a lock of it until the transaction's end.
            Stmt::AlterSequence(_) => {
                self.sequences(node, Mode::ShareRowExclusive);
                self.renamed(node, names(node, SEQUENCES).first(), false);
            }
            Stmt::DropSequence(_) => {
                self.sequences(node, Mode::AccessExclusive);
                self.cascade(node);
            }
            Stmt::CreateTrigger(trigger) => {
                if let Some(on) = trigger.on_relation() {
                    self.all(on.syntax(), Mode::ShareRowExclusive, &[]);
                }
                if let Some(from) = trigger.from_table() {
                    self.all(from.syntax(), Mode::ShareRowExclusive, &[]);
                }
            }
            Stmt::DropTrigger(_)
            | Stmt::AlterTrigger(_)
            | Stmt::CreatePolicy(_)
            | Stmt::AlterPolicy(_)
            | Stmt::DropPolicy(_)
            | Stmt::CreateRule(_)
            | Stmt::DropRule(_)
            | Stmt::AlterRule(_) => self.first_table(node, Mode::AccessExclusive),
            Stmt::Vacuum(vacuum) => self.vacuum(vacuum),
            Stmt::Cluster(cluster) => self.cluster(cluster),
            Stmt::Repack(repack) => self.repack(repack),
            Stmt::Refresh(refresh) => self.refresh(refresh),
            Stmt::Analyze(_)
            | Stmt::CreateStatistics(_)
            | Stmt::CommentOn(_)
            | Stmt::SecurityLabel(_)
            | Stmt::CreatePublication(_)
            | Stmt::AlterPublication(_) => self.all(node, Mode::ShareUpdateExclusive, &[]),
            Stmt::Insert(insert) => self.insert(insert),
            Stmt::Update(update) => self.update(update),
            Stmt::Delete(delete) => self.delete(delete),
            Stmt::Merge(merge) => self.merge(merge),
            Stmt::Copy(_) => self.all(node, Mode::RowExclusive, &[]),
            Stmt::Select(_)
            | Stmt::CompoundSelect(_)
            | Stmt::ParenSelect(_)
            | Stmt::Table(_)
            | Stmt::Values(_)
            | Stmt::Declare(_) => self.all(node, Mode::AccessShare, &[]),
            _ => self.others(stmt),
        }
    }
}

/// Whether what it calls runs with it, and not later, as that of a view or of a default does.
const fn runs_expressions(stmt: &Stmt) -> bool {
    matches!(
        stmt,
        Stmt::Select(_)
            | Stmt::CompoundSelect(_)
            | Stmt::ParenSelect(_)
            | Stmt::Values(_)
            | Stmt::Declare(_)
            | Stmt::Insert(_)
            | Stmt::Update(_)
            | Stmt::Delete(_)
            | Stmt::Merge(_)
            | Stmt::Copy(_)
            | Stmt::CreateTableAs(_)
            | Stmt::SelectInto(_)
            | Stmt::CreateMaterializedView(_)
    )
}

const fn written(mode: &ast::LockMode) -> Mode {
    match mode {
        ast::LockMode::AccessExclusive(_) => Mode::AccessExclusive,
        ast::LockMode::AccessShare(_) => Mode::AccessShare,
        ast::LockMode::Exclusive(_) => Mode::Exclusive,
        ast::LockMode::RowExclusive(_) => Mode::RowExclusive,
        ast::LockMode::RowShare(_) => Mode::RowShare,
        ast::LockMode::Share(_) => Mode::Share,
        ast::LockMode::ShareRowExclusive(_) => Mode::ShareRowExclusive,
        ast::LockMode::ShareUpdateExclusive(_) => Mode::ShareUpdateExclusive,
    }
}
