//! SQL of migrations, read by squawk's parser.

mod alter;
mod others;
mod timeouts;

use squawk_linter::{Linter, Rule};
use squawk_syntax::ast::{self, AstNode, Stmt};
use squawk_syntax::{Parse, SourceFile, SyntaxKind, SyntaxNode};

use self::timeouts::Timeouts;
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
    let mut statements = Vec::new();
    let mut timeouts = Timeouts::default();
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
                file: file.to_owned(),
                line: lines.at(start),
                text: one_line(node),
                kind: kind(node),
                touches: Vec::new(),
                makes: Vec::new(),
                alone: false,
                waits_for_all: false,
                lock_timeout: timeouts.now(),
                unread: None,
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
        timeouts.after(&stmt);
        statements.push(statement);
    }
    // What is in no statement at all.
    for ((at, message), _) in errors.iter().zip(told).filter(|(_, told)| !told) {
        statements.push(Statement {
            file: file.to_owned(),
            line: lines.at(*at),
            text: String::new(),
            kind: "?".to_owned(),
            touches: Vec::new(),
            makes: Vec::new(),
            alone: false,
            waits_for_all: false,
            lock_timeout: None,
            unread: Some(Unread::Unparsed(message.clone())),
        });
    }
    statements.sort_by_key(|statement| statement.line);
    let lints = lint(file, &parse, text, version_number, &lines);
    (statements, lints)
}

/// Where the lines begin.
pub struct Lines(Vec<usize>);

impl Lines {
    fn of(text: &str) -> Self {
        Self(std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect())
    }

    /// The line (from 1) of a byte.
    pub fn at(&self, byte: usize) -> usize {
        self.0.partition_point(|start| *start <= byte).max(1)
    }
}

/// The first byte that is neither space nor comment.
fn first(node: &SyntaxNode) -> usize {
    let mut tokens = node.descendants_with_tokens().filter_map(|element| element.into_token());
    let token = tokens.find(|token| !token.kind().is_trivia());
    usize::from(token.map_or_else(|| node.text_range().start(), |token| token.text_range().start()))
}

/// Bytes of a statement's text that are shown.
const SHOWN: usize = 160;

/// The statement in one line; values may be secrets, or long.
fn one_line(node: &SyntaxNode) -> String {
    let mut line = String::new();
    for token in node.descendants_with_tokens().filter_map(|element| element.into_token()) {
        match token.kind() {
            kind if kind.is_trivia() => {
                if !line.is_empty() && !line.ends_with(' ') {
                    line.push(' ');
                }
            }
            SyntaxKind::STRING
            | SyntaxKind::ESC_STRING
            | SyntaxKind::NATIONAL_STRING
            | SyntaxKind::UNICODE_ESC_STRING
            | SyntaxKind::DOLLAR_QUOTED_STRING
            | SyntaxKind::BYTE_STRING
            | SyntaxKind::BIT_STRING => line.push_str("'..'"),
            SyntaxKind::SEMICOLON => {}
            _ => line.push_str(token.text()),
        }
        if line.len() > SHOWN {
            line.truncate(line.floor_char_boundary(SHOWN));
            line.push_str("..");
            break;
        }
    }
    line.trim_end().to_owned()
}

/// The key words that a statement begins with: those before the first name, four at most.
fn kind(node: &SyntaxNode) -> String {
    let words = node
        .descendants_with_tokens()
        .filter_map(|element| element.into_token())
        .filter(|token| !token.kind().is_trivia())
        .take_while(|token| token.kind().is_keyword() && token.kind() != SyntaxKind::IF_KW)
        .map(|token| token.text().to_ascii_uppercase())
        .take(4)
        .collect::<Vec<_>>();
    // ON, INTO, FROM belong to what follows.
    let end = words.iter().position(|word| matches!(word.as_str(), "ON" | "SET" | "ONLY"));
    words[..end.filter(|end| *end > 0).unwrap_or(words.len())].join(" ")
}

/// Where columns are added with defaults that are not the same for each row: squawk has the list
/// of the functions that are.
fn volatile_defaults(parse: &Parse<SourceFile>, text: &str) -> Vec<usize> {
    let linted = |parse: &Parse<SourceFile>, text: &str| {
        Linter::from([Rule::AddingFieldWithDefault]).lint(parse, text)
    };
    let found = if text.contains(IGNORE) {
        let text = unignored(parse, text);
        linted(&SourceFile::parse(&text), &text)
    } else {
        linted(parse, text)
    };
    found.iter().map(|violation| usize::from(violation.text_range.start())).collect()
}

/// What the linter's comments begin with that make it silent.
const IGNORE: &str = "squawk-ignore";

/// The text with blanks in place of the comments that make the linter silent: a default that is
/// meant so still rewrites the table.
fn unignored(parse: &Parse<SourceFile>, text: &str) -> String {
    let mut text = text.to_owned();
    let tree = parse.tree();
    let tokens = tree.syntax().descendants_with_tokens();
    for token in tokens.filter_map(|element| element.into_token()) {
        if token.kind() == SyntaxKind::COMMENT && token.text().contains(IGNORE) {
            let range = token.text_range();
            let range = usize::from(range.start())..usize::from(range.end());
            let blanks = " ".repeat(range.len());
            text.replace_range(range, &blanks);
        }
    }
    text
}

fn path(path: &ast::PathRef) -> Option<Name> {
    let schema = path.qualifier().and_then(|qualifier| qualifier.segment());
    let name = path.segment()?.text();
    Some(Name { schema: schema.map(|schema| schema.text()), name })
}

/// The names below a node that stand in nodes of these kinds.
fn names(node: &SyntaxNode, kinds: &[SyntaxKind]) -> Vec<Name> {
    node.descendants()
        .filter(|inner| kinds.contains(&inner.kind()))
        .filter_map(|inner| inner.children().find_map(ast::PathRef::cast))
        .filter_map(|inner| path(&inner))
        .collect()
}

const TABLES: &[SyntaxKind] = &[SyntaxKind::TABLE_NAME_REF, SyntaxKind::RELATION_NAME_REF];
const INDEXES: &[SyntaxKind] = &[SyntaxKind::INDEX_REF];
const VIEWS: &[SyntaxKind] = &[SyntaxKind::VIEW_REF];
const SEQUENCES: &[SyntaxKind] = &[SyntaxKind::SEQUENCE_REF];

struct Reader<'a> {
    version_number: u32,
    volatile: &'a [usize],
    statement: Statement,
}

impl Reader<'_> {
    fn touch(&mut self, name: Name, mode: Mode, works: Vec<Work>) {
        let known = self.statement.touches.iter_mut().find(|touch| touch.name == name);
        match known {
            Some(touch) => {
                touch.mode = touch.mode.max(mode);
                touch.works.extend(works);
            }
            None => {
                self.statement.touches.push(Touch { name, is_index: false, mode, works });
            }
        }
    }

    fn all(&mut self, node: &SyntaxNode, mode: Mode, works: &[Work]) {
        for name in names(node, TABLES) {
            self.touch(name, mode, works.to_vec());
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

    /// CASCADE of a DROP.
    fn cascade(&mut self, node: &SyntaxNode) {
        if node.descendants().any(|inner| inner.kind() == SyntaxKind::CASCADE) {
            self.opaque("CASCADE goes on to what depends on it");
        }
    }

    fn indexes(&mut self, node: &SyntaxNode, mode: Mode, works: &[Work]) {
        for name in names(node, INDEXES) {
            let works = works.to_vec();
            self.statement.touches.push(Touch { name, is_index: true, mode, works });
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

    fn stmt(&mut self, stmt: &Stmt) {
        let node = stmt.syntax();
        match stmt {
            Stmt::AlterTable(table) => self.alter_table(table),
            Stmt::CreateIndex(index) => {
                let concurrently = index.concurrently_token().is_some();
                let mode = if concurrently { Mode::ShareUpdateExclusive } else { Mode::Share };
                if let Some(table) = index.table_relation_name() {
                    self.all(table.syntax(), mode, &[Work::Builds]);
                }
                if concurrently {
                    self.concurrently();
                }
            }
            Stmt::DropIndex(index) => {
                if index.concurrently_token().is_some() {
                    self.indexes(node, Mode::ShareUpdateExclusive, &[]);
                    self.concurrently();
                } else {
                    self.indexes(node, Mode::AccessExclusive, &[]);
                }
            }
            Stmt::Reindex(reindex) => {
                let concurrently = reindex.is_concurrently();
                // Whoever plans a query locks all indexes of its tables: reads wait too.
                let mode =
                    if concurrently { Mode::ShareUpdateExclusive } else { Mode::AccessExclusive };
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
            Stmt::AlterIndex(_) => self.indexes(node, Mode::ShareUpdateExclusive, &[]),
            Stmt::DropTable(_) | Stmt::DropForeignTable(_) => {
                self.all(node, Mode::AccessExclusive, &[Work::Drops]);
                self.cascade(node);
            }
            Stmt::Truncate(_) => {
                self.all(node, Mode::AccessExclusive, &[]);
                self.cascade(node);
            }
            Stmt::AlterForeignTable(table) => {
                let name = table.table_relation_name();
                let own = name.and_then(|name| names(name.syntax(), TABLES).into_iter().next());
                match own {
                    Some(own) => self.actions(table.actions(), own),
                    None => self.opaque("its table is not understood"),
                }
            }
            Stmt::CreateTable(table) => self.create_table(table),
            Stmt::CreateTableAs(_) | Stmt::SelectInto(_) => self.makes(node),
            Stmt::Vacuum(vacuum) => {
                self.statement.alone = true;
                let (mode, works) = if vacuum.is_full() {
                    let why = "VACUUM FULL writes the table anew".to_owned();
                    (Mode::AccessExclusive, vec![Work::Rewrites(why)])
                } else {
                    (Mode::ShareUpdateExclusive, Vec::new())
                };
                self.all(node, mode, &works);
                if self.statement.touches.is_empty() {
                    self.opaque("it goes over every table of the database");
                }
            }
            Stmt::Cluster(_) => {
                let why = "CLUSTER writes the table anew".to_owned();
                self.all(node, Mode::AccessExclusive, &[Work::Rewrites(why)]);
                if self.statement.touches.is_empty() {
                    self.statement.alone = true;
                    self.opaque("it goes over every table that was clustered before");
                }
            }
            Stmt::Repack(_) => {
                let why = "REPACK writes the table anew".to_owned();
                self.all(node, Mode::AccessExclusive, &[Work::Rewrites(why)]);
            }
            Stmt::Refresh(refresh) => {
                let why = "the view is written anew".to_owned();
                let mode = if refresh.concurrently_token().is_some() {
                    Mode::Exclusive
                } else {
                    Mode::AccessExclusive
                };
                self.views(node, mode, &[Work::Rewrites(why)]);
            }
            Stmt::DropMaterializedView(_) | Stmt::DropView(_) => {
                self.views(node, Mode::AccessExclusive, &[]);
                self.cascade(node);
            }
            Stmt::AlterMaterializedView(_) | Stmt::AlterView(_) => {
                self.views(node, Mode::AccessExclusive, &[]);
                self.renamed(node, names(node, VIEWS).first());
                if self.statement.touches.is_empty() {
                    self.opaque("it alters all views of a tablespace");
                }
            }
            Stmt::CreateView(view) => self.create_view(view),
            // Whoever has used nextval() holds a lock of it until the transaction's end.
            Stmt::AlterSequence(_) => {
                self.sequences(node, Mode::ShareRowExclusive);
                self.renamed(node, names(node, SEQUENCES).first());
            }
            Stmt::DropSequence(_) => {
                self.sequences(node, Mode::AccessExclusive);
                self.cascade(node);
            }
            Stmt::Lock(lock) => {
                let mode = lock.lock_mode_clause().and_then(|clause| clause.lock_mode());
                let mode = mode.map_or(Mode::AccessExclusive, |mode| written(&mode));
                self.all(node, mode, &[]);
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
            | Stmt::DropRule(_)
            | Stmt::AlterRule(_) => self.first_table(node, Mode::AccessExclusive),
            Stmt::CreateRule(_) => self.first_table(node, Mode::AccessExclusive),
            Stmt::CreateStatistics(_) => self.all(node, Mode::ShareUpdateExclusive, &[]),
            Stmt::Analyze(_) => self.all(node, Mode::ShareUpdateExclusive, &[]),
            Stmt::CommentOn(_)
            | Stmt::SecurityLabel(_)
            | Stmt::CreatePublication(_)
            | Stmt::AlterPublication(_) => self.all(node, Mode::ShareUpdateExclusive, &[]),
            Stmt::Insert(insert) => {
                self.all(node, Mode::AccessShare, &[]);
                if let Some(into) = insert.relation_name_ref() {
                    self.one(into.path_ref(), Mode::RowExclusive, &[]);
                }
            }
            Stmt::Update(update) => {
                self.all(node, Mode::AccessShare, &[]);
                let whole = update.where_clause_or_current_of().is_none();
                if let Some(name) = update.relation_name().and_then(|name| name.relation_name_ref())
                {
                    self.one(name.path_ref(), Mode::RowExclusive, &every_row(whole));
                }
            }
            Stmt::Delete(delete) => {
                self.all(node, Mode::AccessShare, &[]);
                let whole = delete.where_clause_or_current_of().is_none();
                if let Some(name) = delete.relation_name().and_then(|name| name.relation_name_ref())
                {
                    self.one(name.path_ref(), Mode::RowExclusive, &every_row(whole));
                }
            }
            Stmt::Merge(merge) => {
                self.all(node, Mode::AccessShare, &[]);
                if let Some(name) = merge.table_relation_name() {
                    self.all(name.syntax(), Mode::RowExclusive, &[]);
                }
            }
            Stmt::Copy(_) => self.all(node, Mode::RowExclusive, &[]),
            Stmt::Select(_)
            | Stmt::CompoundSelect(_)
            | Stmt::ParenSelect(_)
            | Stmt::Table(_)
            | Stmt::Values(_)
            | Stmt::Declare(_) => self.all(node, Mode::AccessShare, &[]),
            Stmt::CreateMaterializedView(_) => self.makes(node),
            Stmt::Do(_) => self.opaque("what a DO block does is not in its outside"),
            Stmt::Call(_) => self.opaque("what a procedure does is not in the call"),
            Stmt::Execute(_) => self.opaque("what a prepared statement does is not seen here"),
            Stmt::DropSchema(_) | Stmt::DropOwned(_) => {
                self.opaque("it drops whatever is in there");
            }
            Stmt::CreateExtension(_) | Stmt::AlterExtension(_) | Stmt::DropExtension(_) => {
                self.opaque("what an extension's script does is not in the text");
            }
            Stmt::CreateDatabase(_)
            | Stmt::DropDatabase(_)
            | Stmt::CreateTablespace(_)
            | Stmt::DropTablespace(_)
            | Stmt::AlterSystem(_)
            | Stmt::CreateSubscription(_)
            | Stmt::DropSubscription(_) => self.statement.alone = true,
            _ => self.others(stmt),
        }
    }

    fn create_view(&mut self, view: &ast::CreateView) {
        self.all(view.syntax(), Mode::AccessShare, &[]);
        let path = view.view().and_then(|view| view.path());
        let Some(name) = path.and_then(|path| made_name(&path)) else { return };
        // Whoever reads through the one that is there holds a lock of it.
        if view.or_replace().is_some() {
            self.touch(name.clone(), Mode::AccessExclusive, Vec::new());
        }
        self.statement.makes.push(name);
    }

    fn one(&mut self, name: Option<ast::PathRef>, mode: Mode, works: &[Work]) {
        if let Some(name) = name.and_then(|name| path(&name)) {
            self.touch(name, mode, works.to_vec());
        }
    }

    /// The table that something belongs to, not those that its expressions read.
    fn first_table(&mut self, node: &SyntaxNode, mode: Mode) {
        if let Some(name) = names(node, TABLES).into_iter().next() {
            self.touch(name, mode, Vec::new());
        }
    }

    fn makes(&mut self, node: &SyntaxNode) {
        self.all(node, Mode::AccessShare, &[]);
        self.named(node);
    }

    /// The first new name in it is that of a table, or of what is locked like one.
    fn named(&mut self, node: &SyntaxNode) {
        let made = node.descendants().find(|inner| {
            let kind = inner.kind();
            matches!(kind, SyntaxKind::TABLE_NAME | SyntaxKind::VIEW | SyntaxKind::SEQUENCE)
        });
        let name = made.and_then(|made| made.children().find_map(ast::Path::cast));
        if let Some(name) = name.and_then(|name| made_name(&name)) {
            self.statement.makes.push(name);
        }
    }

    /// The new name or schema of what is altered.
    fn renamed(&mut self, node: &SyntaxNode, own: Option<&Name>) {
        let mut inner = node.descendants();
        if let Some(schema) = inner.find_map(ast::SetSchema::cast) {
            let schema = schema.schema_ref();
            let schema = schema.map(|schema| ast::normalize_name_node(schema.syntax()));
            if let Some(own) = own {
                self.statement.makes.push(Name { schema, name: own.name.clone() });
            }
            return;
        }
        // It stays in its schema, which is not written.
        self.named(node);
    }

    fn create_table(&mut self, table: &ast::CreateTable) {
        let node = table.syntax();
        // What is left of the names in it are tables that foreign keys point at.
        for inner in node.descendants() {
            match inner.kind() {
                SyntaxKind::PARTITION_OF => {
                    self.all(&inner, Mode::AccessExclusive, &[]);
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
}

fn every_row(whole: bool) -> Vec<Work> {
    if whole { vec![Work::Scans("it changes every row".to_owned())] } else { Vec::new() }
}

fn made_name(name: &ast::Path) -> Option<Name> {
    let name_of = |segment: ast::PathSegment| segment.text();
    // The qualifier of a new name is a reference: its schema is there already.
    let schema = name.qualifier().and_then(|qualifier| qualifier.segment());
    Some(Name { schema: schema.map(|schema| schema.text()), name: name.segment().map(name_of)? })
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

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
