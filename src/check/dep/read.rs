//! SQL of migrations, read by squawk's parser.

mod alter;
mod defaults;
mod functions;
mod indexes;
mod made;
mod others;
mod rows;
mod settings;
mod stmt;
mod text;
mod transaction;
mod upkeep;

use squawk_syntax::ast::{self, AstNode, Stmt};
use squawk_syntax::{SourceFile, SyntaxKind, SyntaxNode};

pub use self::text::Lines;

use self::defaults::volatile_defaults;
use self::settings::Settings;
use self::text::{first, kind, one_line};
use self::transaction::{Boundary, mark};
use super::lint::{Lint, lint};
use super::lock::Mode;
use super::statement::{Name, Statement, Touch, Unread, Work};

/// Reads a file: its statements in order, and what the linter says of them. `version_number` is
/// the server's (150000).
pub fn read(file: &str, text: &str, version_number: u32) -> (Vec<Statement>, Vec<Lint>) {
    let parse = SourceFile::parse(text);
    let errors: Vec<(usize, String)> = parse
        .errors()
        .iter()
        .map(|error| (usize::from(error.range().start()), error.message().to_owned()))
        .collect();
    let volatile = volatile_defaults(&parse, text);
    let lines = Lines::of(text);
    let (mut statements, mut boundaries) = (Vec::new(), Vec::new());
    let mut settings = Settings::default();
    let mut told = vec![false; errors.len()];
    for stmt in parse.tree().stmts() {
        if matches!(stmt, Stmt::EmptyStmt(_)) {
            continue;
        }
        let node = stmt.syntax();
        let (start, end) = (first(node), usize::from(node.text_range().end()));
        let mut reader = Reader {
            version_number,
            volatile: &volatile,
            statement: Statement {
                text: one_line(node),
                kind: kind(node),
                lock_timeout: settings.lock_timeout(),
                search_path: settings.search_path(),
                ..Statement::new(file, lines.at(start))
            },
        };
        reader.stmt(&stmt);
        let mut statement = reader.statement;
        for ((at, message), told) in errors.iter().zip(&mut told) {
            if (start..=end).contains(at) && !*told {
                *told = true;
                statement.unread.get_or_insert_with(|| Unread::Unparsed(message.clone()));
            }
        }
        if let Err(why) = settings.after(&stmt) {
            statement.unread.get_or_insert(Unread::Opaque(why));
        }
        boundaries.push(Boundary::of(&stmt));
        statements.push(statement);
    }
    mark(&mut statements, &boundaries, text);
    // What is in no statement at all.
    for ((at, message), _) in errors.iter().zip(told).filter(|(_, told)| !told) {
        statements.push(Statement {
            unread: Some(Unread::Unparsed(message.clone())),
            ..Statement::new(file, lines.at(*at))
        });
    }
    statements.sort_by_key(|statement| statement.line);
    let lints = lint(file, &parse, text, version_number, &lines);
    (statements, lints)
}

fn path(path: &ast::PathRef) -> Option<Name> {
    let schema = path.qualifier().and_then(|qualifier| qualifier.segment());
    let name = path.segment()?.text();
    Some(Name { schema: schema.map(|schema| schema.text()), name })
}

/// The names below a node that stand in nodes of these kinds.
fn names(node: &SyntaxNode, kinds: &[SyntaxKind]) -> Vec<Name> {
    written(node, kinds).into_iter().map(|(name, _)| name).collect()
}

/// The same with whether ONLY stands before them.
fn written(node: &SyntaxNode, kinds: &[SyntaxKind]) -> Vec<(Name, bool)> {
    let name = |inner: SyntaxNode| {
        let name = inner.children().find_map(ast::PathRef::cast)?;
        Some((path(&name)?, inner.parent().is_some_and(|parent| is_only(&parent))))
    };
    node.descendants().filter(|inner| kinds.contains(&inner.kind())).filter_map(name).collect()
}

/// Whether ONLY is one of a node's words.
fn is_only(node: &SyntaxNode) -> bool {
    node.children_with_tokens().any(|inner| inner.kind() == SyntaxKind::ONLY_KW)
}

const TABLES: &[SyntaxKind] = &[SyntaxKind::TABLE_NAME_REF, SyntaxKind::RELATION_NAME_REF];
const INDEXES: &[SyntaxKind] = &[SyntaxKind::INDEX_REF];
const VIEWS: &[SyntaxKind] = &[SyntaxKind::VIEW_REF];
const SEQUENCES: &[SyntaxKind] = &[SyntaxKind::SEQUENCE_REF];

/// Puts together what one statement does.
struct Reader<'a> {
    version_number: u32,
    volatile: &'a [usize],
    statement: Statement,
}

impl Reader<'_> {
    fn touch(&mut self, name: Name, mode: Mode, works: Vec<Work>) {
        self.touch_it((name, false), mode, works);
    }

    /// The same of a name that may have ONLY before it.
    fn touch_it(&mut self, (name, only): (Name, bool), mode: Mode, works: Vec<Work>) {
        let known = self.statement.touches.iter_mut().find(|touch| touch.name == name);
        match known {
            Some(touch) => {
                touch.mode = touch.mode.max(mode);
                touch.only &= only;
                touch.works.extend(works);
            }
            None => {
                self.statement.touches.push(Touch { name, is_index: false, mode, works, only });
            }
        }
    }

    fn all(&mut self, node: &SyntaxNode, mode: Mode, works: &[Work]) {
        for name in written(node, TABLES) {
            self.touch_it(name, mode, works.to_vec());
        }
    }

    fn views(&mut self, node: &SyntaxNode, mode: Mode, works: &[Work]) {
        for name in names(node, VIEWS) {
            self.touch(name, mode, works.to_vec());
        }
    }

    fn sequences(&mut self, node: &SyntaxNode, mode: Mode) {
        for name in names(node, SEQUENCES) {
            self.touch(name, mode, Vec::new());
        }
    }

    fn indexes(&mut self, node: &SyntaxNode, mode: Mode, works: &[Work]) {
        for name in names(node, INDEXES) {
            let works = works.to_vec();
            self.statement.touches.push(Touch { name, is_index: true, mode, works, only: false });
        }
    }

    /// The table that something belongs to, not those that its expressions read.
    fn first_table(&mut self, node: &SyntaxNode, mode: Mode) {
        if let Some(name) = names(node, TABLES).into_iter().next() {
            self.touch(name, mode, Vec::new());
        }
    }

    /// CASCADE of a DROP.
    fn cascade(&mut self, node: &SyntaxNode) {
        if node.descendants().any(|inner| inner.kind() == SyntaxKind::CASCADE) {
            self.opaque("CASCADE goes on to what depends on it");
        }
    }

    /// It is not in the text what happens.
    fn opaque(&mut self, why: &str) {
        self.statement.unread = Some(Unread::Opaque(why.to_owned()));
    }

    fn concurrently(&mut self) {
        self.statement.alone = true;
        self.statement.waits_for_all = true;
    }
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
