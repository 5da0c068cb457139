//! Statements that make tables, and others that give new names.

use squawk_syntax::ast::{self, AstNode};
use squawk_syntax::{SyntaxKind, SyntaxNode};

use super::super::lock::Mode;
use super::super::statement::{Name, Rename, Work};
use super::Reader;

impl Reader<'_> {
    pub(super) fn create_table(&mut self, table: &ast::CreateTable) {
        let node = table.syntax();
        // What is left of the names in it are tables that foreign keys point at.
        for inner in node.descendants() {
            match inner.kind() {
                SyntaxKind::PARTITION_OF => {
                    self.all(&inner, Mode::AccessExclusive, &[Work::Attaches]);
                }
                SyntaxKind::INHERITS => self.all(&inner, Mode::ShareUpdateExclusive, &[]),
                SyntaxKind::REFERENCES_CONSTRAINT | SyntaxKind::FOREIGN_KEY_CONSTRAINT => {
                    self.all(&inner, Mode::ShareRowExclusive, &[]);
                }
                SyntaxKind::LIKE_CLAUSE => self.all(&inner, Mode::AccessShare, &[]),
                _ => {}
            }
        }
        let made = node.children().find(|inner| inner.kind() == SyntaxKind::TABLE_NAME);
        let name = made.and_then(|made| made.children().find_map(ast::Path::cast));
        if let Some(name) = name.and_then(|name| made_name(&name)) {
            self.statement.touches.retain(|touch| touch.name != name);
            self.statement.makes.push(name);
        }
    }

    pub(super) fn create_view(&mut self, view: &ast::CreateView) {
        self.all(view.syntax(), Mode::AccessShare, &[]);
        let path = view.view().and_then(|view| view.path());
        let Some(name) = path.and_then(|path| made_name(&path)) else { return };
        // Whoever reads through the one that is there holds a lock of it.
        if view.or_replace().is_some() {
            self.touch(name.clone(), Mode::AccessExclusive, Vec::new());
        }
        self.statement.makes.push(name);
    }

    pub(super) fn makes(&mut self, node: &SyntaxNode) {
        self.all(node, Mode::AccessShare, &[]);
        self.named(node);
    }

    /// The first new name in it is that of a table, or of what is locked like one.
    pub(super) fn named(&mut self, node: &SyntaxNode) {
        self.statement.makes.extend(new_name(node));
    }

    /// The new name or schema of what is altered.
    pub(super) fn renamed(&mut self, node: &SyntaxNode, own: Option<&Name>, is_index: bool) {
        let Some(own) = own else { return };
        let schema = node.descendants().find_map(ast::SetSchema::cast);
        let to = match schema {
            Some(schema) => {
                let schema = schema.schema_ref();
                let schema = schema.map(|schema| ast::normalize_name_node(schema.syntax()));
                Some(Name { schema, name: own.name.clone() })
            }
            // It stays in its schema, which is not written.
            None => new_name(node),
        };
        let Some(to) = to else { return };
        if !is_index {
            self.statement.makes.push(to.clone());
        }
        self.statement.renames = Some(Rename { from: own.clone(), is_index, to });
    }
}

/// The first new name below a node: a reference to what is there is of another kind.
fn new_name(node: &SyntaxNode) -> Option<Name> {
    use SyntaxKind::{INDEX, SEQUENCE, TABLE_NAME, VIEW};
    let is_new = |inner: &SyntaxNode| matches!(inner.kind(), TABLE_NAME | VIEW | SEQUENCE | INDEX);
    let made = node.descendants().find(is_new)?;
    made_name(&made.children().find_map(ast::Path::cast)?)
}

fn made_name(name: &ast::Path) -> Option<Name> {
    let name_of = |segment: ast::PathSegment| segment.text();
    // The qualifier of a new name is a reference: its schema is there already.
    let schema = name.qualifier().and_then(|qualifier| qualifier.segment());
    Some(Name { schema: schema.map(|schema| schema.text()), name: name.segment().map(name_of)? })
}
