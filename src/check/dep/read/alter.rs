//! `ALTER TABLE`: what each of its actions locks, and what it does to the rows.

use squawk_syntax::SyntaxKind;
use squawk_syntax::ast::{self, AlterColumnOption, AlterTableAction, AstNode, Constraint};

use super::super::lock::Mode;
use super::super::statement::{Name, Work};
use super::{Reader, TABLES, names, path, written as written_names};

impl Reader<'_> {
    pub(super) fn alter_table(&mut self, table: &ast::AlterTable) {
        let own = table
            .table_relation_name()
            .and_then(|name| written_names(name.syntax(), TABLES).into_iter().next());
        let Some(own) = own else {
            self.opaque("it alters all tables of a tablespace");
            return;
        };
        self.actions(table.actions(), own);
    }

    /// `only` of it: without its partitions.
    pub(super) fn actions(
        &mut self,
        actions: impl Iterator<Item = AlterTableAction>,
        (own, only): (Name, bool),
    ) {
        let mut strongest = None;
        for action in actions {
            if matches!(action, AlterTableAction::TableRenameTo(_) | AlterTableAction::SetSchema(_))
            {
                self.renamed(action.syntax(), Some(&own), false);
            }
            let (mode, works) = self.action(&action, &own);
            strongest = strongest.max(Some(mode));
            self.touch_it((own.clone(), only), mode, works);
        }
        if strongest.is_none() {
            self.touch_it((own, only), Mode::AccessExclusive, Vec::new());
        }
    }

    fn action(&mut self, action: &AlterTableAction, own: &Name) -> (Mode, Vec<Work>) {
        use AlterTableAction as A;
        let node = action.syntax();
        let rewrites = |why: &str| vec![Work::Rewrites(why.to_owned())];
        let scans = |why: &str| vec![Work::Scans(why.to_owned())];
        match action {
            A::AddColumn(column) => (Mode::AccessExclusive, self.add_column(column)),
            A::DropColumn(column) => {
                self.cascade(node);
                let name = column.column_name_ref();
                let name = name.map(|name| ast::normalize_name_node(name.syntax()));
                let column = name.unwrap_or_default();
                (Mode::AccessExclusive, vec![Work::DropsColumn { column }])
            }
            A::DropConstraint(constraint) => {
                self.cascade(node);
                let name = constraint.constraint_name_ref().and_then(|name| named(&name));
                let name = name.unwrap_or_default();
                (Mode::AccessExclusive, vec![Work::DropsConstraint { name }])
            }
            A::AlterColumn(column) => self.alter_column(column),
            A::AddConstraint(add) => match add.constraint() {
                Some(constraint) => self.add_constraint(&constraint),
                None => (Mode::AccessExclusive, Vec::new()),
            },
            A::ValidateConstraint(constraint) => {
                let mut works = scans("every row is checked");
                if let Some(name) = constraint.constraint_name_ref().and_then(|name| named(&name)) {
                    works.push(Work::Validates { name });
                }
                (Mode::ShareUpdateExclusive, works)
            }
            A::RenameColumn(column) => {
                let name = column.column_name_ref();
                let name = name.map(|name| ast::normalize_name_node(name.syntax()));
                (Mode::AccessExclusive, renames(name))
            }
            A::RenameConstraint(constraint) => {
                let name = constraint.constraint_name_ref().and_then(|name| named(&name));
                (Mode::AccessExclusive, renames(name))
            }
            A::SetOptions(_) | A::ResetOptions(_) | A::ClusterOn(_) | A::SetWithoutCluster(_) => {
                (Mode::ShareUpdateExclusive, Vec::new())
            }
            A::EnableTrigger(_)
            | A::DisableTrigger(_)
            | A::EnableAlwaysTrigger(_)
            | A::EnableReplicaTrigger(_) => (Mode::ShareRowExclusive, Vec::new()),
            A::AttachPartition(_) => {
                let why = "rows are checked against the partition's bounds, unless a CHECK says \
                           them already";
                for name in names(node, TABLES) {
                    self.touch(name, Mode::AccessExclusive, scans(why));
                }
                (Mode::ShareUpdateExclusive, vec![Work::Attaches])
            }
            A::DetachPartition(detach) => {
                self.all(node, Mode::AccessExclusive, &[]);
                let concurrently = detach.detach_partition_option().is_some_and(|option| {
                    option.syntax().kind() == SyntaxKind::DETACH_CONCURRENTLY
                });
                if concurrently {
                    self.concurrently();
                    return (Mode::ShareUpdateExclusive, vec![Work::Detaches]);
                }
                (Mode::AccessExclusive, vec![Work::Detaches])
            }
            A::InheritTable(_) | A::NoInheritTable(_) => {
                self.all(node, Mode::ShareUpdateExclusive, &[]);
                (Mode::AccessExclusive, Vec::new())
            }
            A::SetTablespace(_) => {
                (Mode::AccessExclusive, rewrites("its files are copied to the other tablespace"))
            }
            A::SetLogged(_) | A::SetUnlogged(_) => {
                (Mode::AccessExclusive, rewrites("what is logged becomes unlogged, or the reverse"))
            }
            A::SetAccessMethod(_) => {
                (Mode::AccessExclusive, rewrites("another access method writes the table anew"))
            }
            A::MergePartitions(_) | A::SplitPartition(_) => {
                for name in names(node, TABLES) {
                    if name != *own {
                        self.touch(name, Mode::AccessExclusive, rewrites("its rows are moved"));
                    }
                }
                (Mode::AccessExclusive, rewrites("the rows of the partitions are moved"))
            }
            _ => (Mode::AccessExclusive, Vec::new()),
        }
    }

    fn add_column(&mut self, column: &ast::AddColumn) -> Vec<Work> {
        let mut works = Vec::new();
        let ty = column.ty().map(|ty| ty.syntax().text().to_string().to_ascii_lowercase());
        let serial = matches!(
            ty.as_deref().map(str::trim),
            Some("serial" | "bigserial" | "smallserial" | "serial4" | "serial8" | "serial2")
        );
        if serial {
            works.push(Work::Rewrites("every row gets a number of its own".to_owned()));
        }
        let has_default =
            column.constraints().any(|one| matches!(one, Constraint::DefaultConstraint(_)));
        for constraint in column.constraints() {
            match &constraint {
                Constraint::DefaultConstraint(default) => {
                    let range = default.syntax().text_range();
                    let is_volatile = |at: &usize| {
                        (usize::from(range.start())..usize::from(range.end())).contains(at)
                    };
                    if self.volatile.iter().any(is_volatile) {
                        let why = "the default may be another one for each row".to_owned();
                        works.push(Work::Rewrites(why));
                    }
                }
                Constraint::GeneratedConstraint(generated) => {
                    let inner = generated.syntax().descendants();
                    let kinds: Vec<SyntaxKind> = inner.map(|inner| inner.kind()).collect();
                    if kinds.contains(&SyntaxKind::GENERATED_IDENTITY) {
                        let why = "every row gets a number of its own".to_owned();
                        works.push(Work::Rewrites(why));
                    } else if kinds.contains(&SyntaxKind::STORED) || self.version_number < 180_000 {
                        let why = "the value of each row is computed and stored".to_owned();
                        works.push(Work::Rewrites(why));
                    }
                }
                Constraint::PrimaryKeyConstraint(_)
                | Constraint::UniqueConstraint(_)
                | Constraint::ExcludeConstraint(_) => works.push(Work::Builds),
                Constraint::CheckConstraint(_) => {
                    works.push(Work::Scans("every row is checked".to_owned()));
                }
                Constraint::ReferencesConstraint(_) => {
                    self.all(constraint.syntax(), Mode::ShareRowExclusive, &[]);
                    // A column of nulls refers to nothing.
                    if has_default {
                        works.push(Work::Scans("every row is looked up".to_owned()));
                    }
                }
                _ => {}
            }
        }
        works
    }

    fn alter_column(&mut self, column: &ast::AlterColumn) -> (Mode, Vec<Work>) {
        let name = column.column_name_ref().map(|name| ast::normalize_name_node(name.syntax()));
        let name = name.unwrap_or_default();
        match column.option() {
            Some(AlterColumnOption::SetType(set)) => {
                let to = set.ty().map(|ty| written(&ty)).unwrap_or_default();
                let expression = set.using_expr().and_then(|using| using.expr());
                let is_same = expression.is_some_and(|using| casts(&using, &name, &to));
                let using = set.using_expr().is_some() && !is_same;
                (Mode::AccessExclusive, vec![Work::ChangesType { column: name, to, using }])
            }
            Some(AlterColumnOption::SetNotNull(_)) => {
                (Mode::AccessExclusive, vec![Work::NotNull { column: name }])
            }
            Some(AlterColumnOption::SetExpression(_)) => {
                let why = "the value of each row is computed and stored".to_owned();
                (Mode::AccessExclusive, vec![Work::Rewrites(why)])
            }
            Some(
                AlterColumnOption::SetStatistics(_)
                | AlterColumnOption::SetOptions(_)
                | AlterColumnOption::SetOptionsList(_)
                | AlterColumnOption::ResetOptions(_),
            ) => (Mode::ShareUpdateExclusive, Vec::new()),
            _ => (Mode::AccessExclusive, Vec::new()),
        }
    }

    fn add_constraint(&mut self, constraint: &Constraint) -> (Mode, Vec<Work>) {
        let node = constraint.syntax();
        let checked = |why: &str| {
            if constraint.is_not_valid() { Vec::new() } else { vec![Work::Scans(why.to_owned())] }
        };
        let by_index = node.descendants().any(|inner| inner.kind() == SyntaxKind::USING_INDEX_NAME);
        match constraint {
            Constraint::ForeignKeyConstraint(_) | Constraint::ReferencesConstraint(_) => {
                self.all(node, Mode::ShareRowExclusive, &[]);
                (Mode::ShareRowExclusive, checked("every row is looked up in the other table"))
            }
            Constraint::CheckConstraint(check) => {
                let mut works = checked("every row is checked");
                works.extend(rules_out_nulls(check, constraint));
                (Mode::AccessExclusive, works)
            }
            Constraint::NotNullConstraint(_) => {
                (Mode::AccessExclusive, checked("every row is checked for nulls"))
            }
            Constraint::PrimaryKeyConstraint(_) | Constraint::UniqueConstraint(_) if by_index => {
                (Mode::AccessExclusive, Vec::new())
            }
            Constraint::PrimaryKeyConstraint(_)
            | Constraint::UniqueConstraint(_)
            | Constraint::ExcludeConstraint(_) => (Mode::AccessExclusive, vec![Work::Builds]),
            _ => (Mode::AccessExclusive, Vec::new()),
        }
    }
}

fn renames(name: Option<String>) -> Vec<Work> {
    name.map(|name| Work::Renames { name }).into_iter().collect()
}

fn named(name: &ast::ConstraintNameRef) -> Option<String> {
    name.path_ref().and_then(|name| path(&name)).map(|name| name.name)
}

/// What a CHECK (column IS NOT NULL) is for a later SET NOT NULL. One that is not inherited says
/// nothing of the rows of other tables, one that is not enforced nothing at all.
fn rules_out_nulls(check: &ast::CheckConstraint, constraint: &Constraint) -> Option<Work> {
    use ast::ConstraintOption as O;
    let says_less = |option: O| matches!(option, O::NoInherit(_) | O::NotEnforced(_));
    if check.constraint_options().any(says_less) {
        return None;
    }
    let name = constraint.constraint_name();
    Some(Work::RulesOutNulls {
        name: name.map(|name| ast::normalize_name_node(name.syntax())),
        column: not_null(check.expr()?)?,
        is_valid: !constraint.is_not_valid(),
    })
}

/// The column of `column IS NOT NULL`.
fn not_null(expression: ast::Expr) -> Option<String> {
    let column = match expression {
        ast::Expr::ParenExpr(inner) => return not_null(inner.expr()?),
        ast::Expr::BinExpr(is) => {
            let Some(ast::BinOp::IsNot(_)) = is.op() else { return None };
            let Some(ast::Expr::Literal(literal)) = is.rhs() else { return None };
            let Some(ast::LitKind::Null(_)) = literal.kind() else { return None };
            is.lhs()?
        }
        ast::Expr::PostfixExpr(is) => {
            let Some(ast::PostfixOp::NotNull(_)) = is.op() else { return None };
            is.expr()?
        }
        _ => return None,
    };
    let ast::Expr::NameRef(name) = column else { return None };
    Some(name.text())
}

/// A type in one line.
fn written(ty: &ast::Type) -> String {
    ty.syntax().text().to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether it is this column, cast to this type: what is done without USING too.
fn casts(using: &ast::Expr, column: &str, to: &str) -> bool {
    let ast::Expr::CastExpr(cast) = using else { return false };
    let Some(ast::Expr::NameRef(name)) = cast.expr() else { return false };
    ast::normalize_name_node(name.syntax()) == column
        && cast.ty().is_some_and(|ty| written(&ty).eq_ignore_ascii_case(to))
}
