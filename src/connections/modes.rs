//! Which locks of a table keep each other waiting. Source: PostgreSQL 18 manual, table 13.2.

/// Every mode of a table's lock, the weakest first, with those that it conflicts with.
const CONFLICTS: [(&str, &[&str]); 8] = [
    (ACCESS_SHARE, &[ACCESS_EXCLUSIVE]),
    (ROW_SHARE, &[EXCLUSIVE, ACCESS_EXCLUSIVE]),
    (ROW_EXCLUSIVE, &[SHARE, SHARE_ROW_EXCLUSIVE, EXCLUSIVE, ACCESS_EXCLUSIVE]),
    (
        SHARE_UPDATE_EXCLUSIVE,
        &[SHARE_UPDATE_EXCLUSIVE, SHARE, SHARE_ROW_EXCLUSIVE, EXCLUSIVE, ACCESS_EXCLUSIVE],
    ),
    (
        SHARE,
        &[ROW_EXCLUSIVE, SHARE_UPDATE_EXCLUSIVE, SHARE_ROW_EXCLUSIVE, EXCLUSIVE, ACCESS_EXCLUSIVE],
    ),
    (
        SHARE_ROW_EXCLUSIVE,
        &[
            ROW_EXCLUSIVE,
            SHARE_UPDATE_EXCLUSIVE,
            SHARE,
            SHARE_ROW_EXCLUSIVE,
            EXCLUSIVE,
            ACCESS_EXCLUSIVE,
        ],
    ),
    (
        EXCLUSIVE,
        &[
            ROW_SHARE,
            ROW_EXCLUSIVE,
            SHARE_UPDATE_EXCLUSIVE,
            SHARE,
            SHARE_ROW_EXCLUSIVE,
            EXCLUSIVE,
            ACCESS_EXCLUSIVE,
        ],
    ),
    (
        ACCESS_EXCLUSIVE,
        &[
            ACCESS_SHARE,
            ROW_SHARE,
            ROW_EXCLUSIVE,
            SHARE_UPDATE_EXCLUSIVE,
            SHARE,
            SHARE_ROW_EXCLUSIVE,
            EXCLUSIVE,
            ACCESS_EXCLUSIVE,
        ],
    ),
];

const ACCESS_SHARE: &str = "AccessShareLock";
const ROW_SHARE: &str = "RowShareLock";
const ROW_EXCLUSIVE: &str = "RowExclusiveLock";
const SHARE_UPDATE_EXCLUSIVE: &str = "ShareUpdateExclusiveLock";
const SHARE: &str = "ShareLock";
const SHARE_ROW_EXCLUSIVE: &str = "ShareRowExclusiveLock";
const EXCLUSIVE: &str = "ExclusiveLock";
const ACCESS_EXCLUSIVE: &str = "AccessExclusiveLock";

/// What migrations run, and the lock that each takes of the table.
pub(super) const MIGRATIONS: [(&str, &str); 4] = [
    ("alter table, drop, truncate, vacuum full", ACCESS_EXCLUSIVE),
    ("add foreign key, create trigger", SHARE_ROW_EXCLUSIVE),
    ("create index", SHARE),
    ("create index concurrently, validate, analyze", SHARE_UPDATE_EXCLUSIVE),
];

/// Modes that wait for this one; none for a mode that tables do not have (SIReadLock).
pub(super) fn conflicts(mode: &str) -> &'static [&'static str] {
    CONFLICTS.iter().find(|(name, _)| *name == mode).map_or(&[], |(_, others)| others)
}

/// Whether one of the two waits for the other.
pub(super) fn conflict(one: &str, other: &str) -> bool {
    conflicts(one).contains(&other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conflicts_go_both_ways_and_readers_wait_for_one_mode_only() {
        for (one, others) in CONFLICTS {
            for (other, _) in CONFLICTS {
                assert_eq!(others.contains(&other), conflict(other, one), "{one} {other}");
            }
        }
        assert_eq!(conflicts(ACCESS_SHARE), [ACCESS_EXCLUSIVE]);
        assert_eq!(conflicts(ACCESS_EXCLUSIVE).len(), 8);
        assert!(conflicts("SIReadLock").is_empty());
    }
}
