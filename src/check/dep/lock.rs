//! Lock modes of tables (source: PostgreSQL 18 manual, 13.3.1).

use serde::{Deserialize, Serialize};

/// A lock of a table, weakest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    AccessShare,
    RowShare,
    RowExclusive,
    ShareUpdateExclusive,
    Share,
    ShareRowExclusive,
    Exclusive,
    AccessExclusive,
}

use Mode::{
    AccessExclusive, AccessShare, Exclusive, RowExclusive, RowShare, Share, ShareRowExclusive,
    ShareUpdateExclusive,
};

impl Mode {
    /// As in SQL.
    pub const fn word(self) -> &'static str {
        match self {
            AccessShare => "ACCESS SHARE",
            RowShare => "ROW SHARE",
            RowExclusive => "ROW EXCLUSIVE",
            ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
            Share => "SHARE",
            ShareRowExclusive => "SHARE ROW EXCLUSIVE",
            Exclusive => "EXCLUSIVE",
            AccessExclusive => "ACCESS EXCLUSIVE",
        }
    }

    /// As in `pg_locks`: `AccessShareLock`.
    pub fn of_view(name: &str) -> Option<Self> {
        Some(match name.strip_suffix("Lock")? {
            "AccessShare" => AccessShare,
            "RowShare" => RowShare,
            "RowExclusive" => RowExclusive,
            "ShareUpdateExclusive" => ShareUpdateExclusive,
            "Share" => Share,
            "ShareRowExclusive" => ShareRowExclusive,
            "Exclusive" => Exclusive,
            "AccessExclusive" => AccessExclusive,
            _ => return None,
        })
    }

    /// Whether two sessions cannot have both at once.
    pub fn conflicts(self, other: Self) -> bool {
        let (weak, strong) = if self <= other { (self, other) } else { (other, self) };
        match weak {
            AccessShare => strong == AccessExclusive,
            RowShare => strong >= Exclusive,
            RowExclusive => strong >= Share,
            // Share is the one that does not keep others of its kind out.
            Share => strong != Share,
            ShareUpdateExclusive | ShareRowExclusive | Exclusive | AccessExclusive => true,
        }
    }

    /// Whether others' reads or writes wait for it.
    pub const fn stops(self) -> Option<&'static str> {
        match self {
            AccessExclusive => Some("reads and writes"),
            Share | ShareRowExclusive | Exclusive => Some("writes"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn locks_conflict_as_in_the_manual() {
        let all = [
            AccessShare,
            RowShare,
            RowExclusive,
            ShareUpdateExclusive,
            Share,
            ShareRowExclusive,
            Exclusive,
            AccessExclusive,
        ];
        // Table 13.2, row by row.
        let conflicts = [
            "       X", "      XX", "    XXXX", "   XXXXX", "  XX XXX", "  XXXXXX", " XXXXXXX",
            "XXXXXXXX",
        ];
        for (one, row) in all.into_iter().zip(conflicts) {
            for (other, cell) in all.into_iter().zip(row.chars()) {
                assert_eq!(one.conflicts(other), cell == 'X', "{one:?} {other:?}");
            }
            let view = format!("{one:?}Lock");
            assert_eq!(Mode::of_view(&view), Some(one));
        }
    }
}
