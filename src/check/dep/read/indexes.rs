//! Statements about indexes.

use squawk_syntax::ast::{self, AstNode};

use super::super::lock::Mode;
use super::super::statement::Work;
use super::Reader;

impl Reader<'_> {
    pub(super) fn create_index(&mut self, index: &ast::CreateIndex) {
        let concurrently = index.concurrently_token().is_some();
        let mode = if concurrently { Mode::ShareUpdateExclusive } else { Mode::Share };
        if let Some(table) = index.table_relation_name() {
            self.all(table.syntax(), mode, &[Work::Builds]);
        }
        if concurrently {
            self.concurrently();
        }
    }

    pub(super) fn drop_index(&mut self, index: &ast::DropIndex) {
        let node = index.syntax();
        if index.concurrently_token().is_some() {
            self.indexes(node, Mode::ShareUpdateExclusive, &[]);
            self.concurrently();
        } else {
            self.indexes(node, Mode::AccessExclusive, &[]);
        }
    }

    pub(super) fn reindex(&mut self, reindex: &ast::Reindex) {
        let node = reindex.syntax();
        let concurrently = reindex.is_concurrently();
        // Whoever plans a query locks all indexes of its tables: reads wait too.
        let mode = if concurrently { Mode::ShareUpdateExclusive } else { Mode::AccessExclusive };
        self.all(node, mode, &[Work::Builds]);
        self.indexes(node, mode, &[Work::Builds]);
        if self.statement.touches.is_empty() {
            self.statement.alone = true;
            self.opaque("it rebuilds every index of a schema or of the database");
        }
        if concurrently {
            self.concurrently();
        }
    }
}
