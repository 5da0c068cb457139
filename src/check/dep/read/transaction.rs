//! Which statements of a file run in one transaction, and so keep each other's locks.

use squawk_syntax::ast::{self, Stmt};

use super::super::statement::Statement;

/// What a statement does to the transaction that it runs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Boundary {
    Begins,
    Ends { is_chained: bool },
}

impl Boundary {
    pub fn of(stmt: &Stmt) -> Option<Self> {
        let ends = |chain: Option<ast::ChainClause>| Self::Ends {
            is_chained: matches!(chain, Some(ast::ChainClause::AndChain(_))),
        };
        Some(match stmt {
            Stmt::Begin(_) => Self::Begins,
            Stmt::Commit(ast::Commit::CommitTransaction(commit)) => ends(commit.chain_clause()),
            Stmt::Rollback(ast::Rollback::RollbackTransaction(back)) => ends(back.chain_clause()),
            Stmt::PrepareTransaction(_) => Self::Ends { is_chained: false },
            _ => return None,
        })
    }
}

/// goose and sql-migrate run the statements of such a file one by one. With the marks of sqlx (`no-transaction`)
/// and dbmate (`transaction:false`) the file is still sent as one query, which PostgreSQL runs as
/// one transaction (source: PostgreSQL 18 manual, 54.2.2.1).
const ONE_BY_ONE: [&str; 2] = ["+goose no transaction", "+migrate up notransaction"];

/// Gives the statements of a file the numbers of their transactions. Tools run a file in one,
/// unless it says otherwise: by a BEGIN of its own, or by what may not run in one.
pub fn mark(statements: &mut [Statement], boundaries: &[Option<Boundary>], text: &str) {
    let begins = boundaries.contains(&Some(Boundary::Begins));
    let text = text.to_ascii_lowercase();
    let is_marked = ONE_BY_ONE.iter().any(|marked| text.contains(marked));
    let mut is_open = !begins && !is_marked && !statements.iter().any(|one| one.alone);
    let mut number = 0;
    for (statement, boundary) in statements.iter_mut().zip(boundaries) {
        is_open |= *boundary == Some(Boundary::Begins);
        statement.transaction = is_open.then_some(number);
        if let Some(Boundary::Ends { is_chained }) = boundary {
            number += 1;
            is_open = *is_chained;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;

    /// The transactions of the statements, those of their own as `-`.
    fn transactions(sql: &str) -> String {
        let (statements, _) = read("m.sql", sql, 150_000);
        let number = |number: Option<usize>| number.map_or("-".to_owned(), |one| one.to_string());
        let numbers: Vec<String> = statements.iter().map(|one| number(one.transaction)).collect();
        numbers.join(" ")
    }

    #[test]
    fn a_file_is_a_transaction_unless_it_says_otherwise() {
        for (sql, expected) in [
            ("SELECT 1; SELECT 2", "0 0"),
            ("-- no-transaction\nSELECT 1; SELECT 2", "0 0"),
            ("-- +goose NO TRANSACTION\nSELECT 1; SELECT 2", "- -"),
            ("-- +migrate Up notransaction\nSELECT 1; SELECT 2", "- -"),
            ("SELECT 1; VACUUM t; SELECT 2", "- - -"),
            ("SELECT 1; COMMIT; SELECT 2; SELECT 3", "0 0 - -"),
            ("SELECT 1; BEGIN; SELECT 2; END; SELECT 3", "- 0 0 0 -"),
            ("BEGIN; SELECT 1; COMMIT AND CHAIN; SELECT 2; ROLLBACK; SELECT 3", "0 0 0 1 1 -"),
            ("BEGIN; SAVEPOINT a; ROLLBACK TO a; SELECT 1; COMMIT", "0 0 0 0 0"),
        ] {
            assert_eq!(transactions(sql), expected, "{sql}");
        }
    }
}
