//! Statements that write rows.

use squawk_syntax::SyntaxNode;
use squawk_syntax::ast::{self, AstNode};

use super::super::lock::Mode;
use super::super::statement::Work;
use super::{Reader, is_only, path};

impl Reader<'_> {
    pub(super) fn insert(&mut self, insert: &ast::Insert) {
        self.all(insert.syntax(), Mode::AccessShare, &[]);
        if let Some(into) = insert.relation_name_ref() {
            self.one(into.path_ref(), false, &[]);
        }
    }

    pub(super) fn update(&mut self, update: &ast::Update) {
        self.all(update.syntax(), Mode::AccessShare, &[]);
        let whole = update.where_clause_or_current_of().is_none();
        if let Some(name) = update.relation_name() {
            self.relation(&name, &every_row(whole));
        }
    }

    pub(super) fn delete(&mut self, delete: &ast::Delete) {
        self.all(delete.syntax(), Mode::AccessShare, &[]);
        let whole = delete.where_clause_or_current_of().is_none();
        if let Some(name) = delete.relation_name() {
            self.relation(&name, &every_row(whole));
        }
    }

    pub(super) fn merge(&mut self, merge: &ast::Merge) {
        self.all(merge.syntax(), Mode::AccessShare, &[]);
        if let Some(name) = merge.table_relation_name() {
            self.all(name.syntax(), Mode::RowExclusive, &[]);
        }
    }

    /// What a WITH changes before its statement.
    pub(super) fn changes_within(&mut self, node: &SyntaxNode) {
        for inner in node.descendants().skip(1) {
            if let Some(insert) = ast::Insert::cast(inner.clone()) {
                self.insert(&insert);
            } else if let Some(update) = ast::Update::cast(inner.clone()) {
                self.update(&update);
            } else if let Some(delete) = ast::Delete::cast(inner.clone()) {
                self.delete(&delete);
            } else if let Some(merge) = ast::Merge::cast(inner) {
                self.merge(&merge);
            }
        }
    }

    fn relation(&mut self, name: &ast::RelationName, works: &[Work]) {
        let path = name.relation_name_ref().and_then(|name| name.path_ref());
        self.one(path, is_only(name.syntax()), works);
    }

    fn one(&mut self, name: Option<ast::PathRef>, only: bool, works: &[Work]) {
        if let Some(name) = name.and_then(|name| path(&name)) {
            self.touch_it((name, only), Mode::RowExclusive, works.to_vec());
        }
    }
}

fn every_row(whole: bool) -> Vec<Work> {
    if whole { vec![Work::Scans("it changes every row".to_owned())] } else { Vec::new() }
}
