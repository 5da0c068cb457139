//! Every statement that pgtend sends on its own behalf, one `.sql` file each.
//!
//! What is put together by plan instead (COPY, LOCK, SET TRANSACTION SNAPSHOT: they take no
//! parameters) is built in `backup::statements`, with names quoted by [`quote_name`] and
//! values by [`quote_literal`].

/// A statement with a name, so that tests can prepare every one against every server.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    /// Folder and file of the statement.
    pub name: &'static str,
    /// The statement, for `query_typed`.
    pub text: &'static str,
}

/// A statement about the relations of an extension, whose schema is only known then.
#[derive(Debug, Clone, Copy)]
pub struct Template {
    /// Folder and file of the statement.
    pub name: &'static str,
    /// With `{schema}` for the quoted schema.
    pub text: &'static str,
}

impl Template {
    /// The statement for an extension in this schema.
    pub fn at(&self, schema: &str) -> String {
        self.text.replace("{schema}", &quote_name(schema))
    }
}

macro_rules! templates {
    ($($constant:ident = $file:literal;)*) => {
        $(
            #[doc = concat!("`", $file, "`")]
            pub const $constant: Template =
                Template { name: $file, text: include_str!(concat!($file, ".sql")) };
        )*
        /// Every template.
        pub const TEMPLATES: &[Template] = &[$($constant),*];
    };
}

templates! {
    STATEMENTS_1_8 = "slow_queries/statements_1_8";
    STATEMENTS_1_9 = "slow_queries/statements_1_9";
    STATEMENTS_1_10 = "slow_queries/statements_1_10";
    STATEMENTS_1_11 = "slow_queries/statements_1_11";
    STATEMENTS_1_12 = "slow_queries/statements_1_12";
    STATEMENTS_TOTALS = "slow_queries/totals";
    STATEMENTS_INFO_1_9 = "slow_queries/info_1_9";
}

macro_rules! queries {
    ($($constant:ident = $file:literal;)*) => {
        $(
            #[doc = concat!("`", $file, "`")]
            pub const $constant: Query =
                Query { name: $file, text: include_str!(concat!($file, ".sql")) };
        )*
        /// Every statement.
        pub const ALL: &[Query] = &[$($constant),*];
    };
}

queries! {
    ADVISORY_LOCK = "backup/advisory_lock";
    LOCK_HOLDERS = "backup/lock_holders";
    DATABASES = "backup/databases";
    PING = "backup/ping";
    LOCK_TIMEOUT = "backup/lock_timeout";
    LOCKABLE = "backup/lockable";
    UNREADABLE_SEQUENCES = "backup/unreadable_sequences";
    TABLES = "backup/tables";
    CANARIES = "backup/canaries";
    ROOM = "backup/room";
    SNAPSHOT = "backup/snapshot";
    LARGE_OBJECTS = "backup/large_objects";
    LARGE_OBJECT_HEADS = "backup/large_object_heads";
    LARGE_OBJECT_PART = "backup/large_object_part";
    BLOCKERS = "backup/blockers";
    WAITERS = "backup/waiters";
    EXTENSIONS = "backup/extensions";
    CONFIGURATION = "restore/configuration";
    CONTENT = "restore/content";
    DATABASE = "restore/database";
    END_LOST = "restore/end_lost";
    END_ORPHANS = "restore/end_orphans";
    END_POOLED = "restore/end_pooled";
    FOREIGN_KEYS = "restore/foreign_keys";
    LARGE_OBJECT_PUT = "restore/large_object_put";
    OUTSIDE_DEPENDENTS = "restore/outside_dependents";
    SETTING = "restore/setting";
    TRANSACTION = "restore/transaction";
    TARGET_SESSION = "restore/session";
    TARGET_ROLES = "restore/roles";
    TARGET_EXTENSIONS = "restore/extensions";
    TARGET_NAMES = "restore/names";
    TARGET_SCHEMAS = "restore/schemas";
    TARGET_EXISTING = "restore/existing";
    OWN_BACKEND = "verify/own_backend";
    LEFTOVERS = "verify/leftovers";
    RESTORED_TABLES = "verify/tables";
    LEAVES = "verify/leaves";
    SEQUENCES = "verify/sequences";
    OBJECTS = "verify/objects";
    AMCHECK = "verify/amcheck";
    CHECKABLE = "verify/checkable";
    ACTIVITY = "connections/activity";
    CONNECTION_SETTINGS = "connections/settings";
    CONNECTION_LIMITS = "connections/limits";
    PREPARED = "connections/prepared";
    HOLDING_SLOTS = "connections/slots";
    REPLICAS = "connections/replicas";
    RECEIVER = "connections/receiver";
    CONNECTIONS_BLOCKING = "connections/blocking";
    CONNECTIONS_PREPARED = "connections/blocking_prepared";
    CONNECTIONS_RELATIONS = "connections/relations";
    CONNECTIONS_TABLE_LOCKS = "connections/table_locks";
    CONNECTIONS_VICTIMS = "connections/victims";
    CONNECTIONS_CANCEL = "connections/cancel";
    CONNECTIONS_TERMINATE = "connections/terminate";
    CONNECTIONS_PRESENT = "connections/present";
    STATEMENTS_SETTINGS = "slow_queries/settings";
    LIVE_STATEMENTS = "slow_queries/live";
    CHECK_SIGHT = "check/sight";
    CHECK_DEPLOY_SESSIONS = "check/deploy_sessions";
    CHECK_DEPLOY_TABLES = "check/deploy_tables";
    CHECK_DEPLOY_EXTENSION = "check/deploy_extension";
    CHECK_MIGRATIONS = "check/migrations";
    CHECK_ACTIVITY = "check/activity";
    CHECK_SESSIONS = "check/sessions";
    CHECK_PREPARED = "check/prepared";
    CHECK_HORIZON = "check/horizon";
    CHECK_LOCKS = "check/locks";
    CHECK_CONNECTION_LIMITS = "check/connection_limits";
    CHECK_DATABASE_COUNTERS = "check/database_counters";
    CHECK_DATABASE_COUNTERS_14 = "check/database_counters_14";
    CHECK_REPLICATION_SLOTS = "check/replication_slots";
    CHECK_REPLICATION_SLOTS_16 = "check/replication_slots_16";
    CHECK_REPLICATION_SLOTS_17 = "check/replication_slots_17";
    CHECK_REPLICATION_SETTINGS = "check/replication_settings";
    CHECK_STANDBYS = "check/standbys";
    CHECK_REPLAY = "check/replay";
    CHECK_SUBSCRIPTION_ERRORS = "check/subscription_errors";
    CHECK_SUBSCRIPTION_ERRORS_18 = "check/subscription_errors_18";
    CHECK_ARCHIVER = "check/archiver";
    CHECK_CHECKPOINTS = "check/checkpoints";
    CHECK_CHECKPOINTS_17 = "check/checkpoints_17";
    CHECK_WAL_BUFFERS = "check/wal_buffers";
    CHECK_WAL_DIRECTORY = "check/wal_directory";
    CHECK_RELATION_WRITES = "check/relation_writes";
    CHECK_CHECKSUMS = "check/checksums";
    CHECK_ENCODING = "check/encoding";
    CHECK_STATEMENTS_EXTENSION = "check/statements_extension";
    CHECK_STATEMENTS_DEALLOC = "check/statements_dealloc";
    CHECK_STATEMENTS_TOP = "check/statements_top";
    CHECK_RELEASE = "check/release";
    CHECK_SLOTS = "check/slots";
    CHECK_INVALID_INDEXES = "check/invalid_indexes";
    CHECK_COLUMN_KINDS = "check/column_kinds";
    CHECK_DATABASE_AGES = "check/database_ages";
    CHECK_DEAD_ROWS = "check/dead_rows";
    CHECK_DUPLICATE_INDEXES = "check/duplicate_indexes";
    CHECK_EXACT_BLOAT = "check/exact_bloat";
    CHECK_FOREIGN_KEYS_WITHOUT_INDEX = "check/foreign_keys_without_index";
    CHECK_INDEX_USE = "check/index_use";
    CHECK_INDEX_WIDTHS = "check/index_widths";
    CHECK_LARGEST_DATABASES = "check/largest_databases";
    CHECK_LARGEST_INDEXES = "check/largest_indexes";
    CHECK_LARGEST_INDEXES_16 = "check/largest_indexes_16";
    CHECK_LARGEST_TABLES = "check/largest_tables";
    CHECK_NEVER_ANALYZED = "check/never_analyzed";
    CHECK_NEW_PAGE_UPDATES_16 = "check/new_page_updates_16";
    CHECK_NULL_INDEXES = "check/null_indexes";
    CHECK_PREFIX_INDEXES = "check/prefix_indexes";
    CHECK_SEQUENTIAL_SCANS = "check/sequential_scans";
    CHECK_TABLE_AGES = "check/table_ages";
    CHECK_TABLE_WIDTHS = "check/table_widths";
    CHECK_TABLES_WITHOUT_AUTOVACUUM = "check/tables_without_autovacuum";
    CHECK_UNUSED_INDEXES = "check/unused_indexes";
    CHECK_UNUSED_INDEXES_16 = "check/unused_indexes_16";
    CHECK_VACUUMS = "check/vacuums";
    CHECK_NO_PRIMARY_KEY = "check/no_primary_key";
    CHECK_PUBLISHED_WITHOUT_IDENTITY = "check/published_without_identity";
    CHECK_NOT_VALIDATED = "check/not_validated";
    CHECK_FOREIGN_KEY_TYPES = "check/foreign_key_types";
    CHECK_UNLOGGED = "check/unlogged";
    CHECK_DISABLED_TRIGGERS = "check/disabled_triggers";
    CHECK_OUTDATED_EXTENSIONS = "check/outdated_extensions";
    CHECK_COLLATIONS = "check/collations";
    CHECK_COLLATIONS_15 = "check/collations_15";
    CHECK_NARROW_KEYS = "check/narrow_keys";
    CHECK_TIME_PARTITIONS = "check/time_partitions";
    CHECK_LONG_NAMES = "check/long_names";
    CHECK_OBJECTS = "check/objects";
    CHECK_SEQUENCES = "check/sequences";
    CHECK_SEQUENCES_BEHIND = "check/sequences_behind";
    CHECK_SECURITY = "check/security";
    CHECK_MD5_ROLES = "check/md5_roles";
    CHECK_LOGINS = "check/logins";
    CHECK_PUBLIC_RIGHTS = "check/public_rights";
    CHECK_DEFINER_FUNCTIONS = "check/definer_functions";
    CHECK_ROW_SECURITY = "check/row_security";
    CHECK_UNPROTECTED_TABLES = "check/unprotected_tables";
    CHECK_SETTINGS = "check/settings";
    CHECK_ROLE_SETTINGS = "check/role_settings";
    CHECK_LOGIN_ROLES = "check/login_roles";
    CHECK_HBA_RULES = "check/hba_rules";
    CHECK_HBA_RULES_16 = "check/hba_rules_16";
    CHECK_THIS_DATABASE = "check/this_database";
}

/// Advisory lock of a backup: one per database at a time, on whatever machine it runs.
pub const BACKUP_LOCK: i64 = 0x7067_7465_6e64_0001; // "pgtend", 1

/// A name as an SQL identifier, always quoted: no list of key words to keep in step.
pub fn quote_name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `"schema"."name"`.
pub fn quote_qualified(schema: &str, name: &str) -> String {
    format!("{}.{}", quote_name(schema), quote_name(name))
}

/// A value as an SQL string that means the same whatever `standard_conforming_strings` says. It
/// may begin with a letter: what stands before it ends with a blank or a sign.
pub fn quote_literal(value: &str) -> String {
    let doubled = value.replace('\'', "''");
    if doubled.contains('\\') {
        format!("E'{}'", doubled.replace('\\', "\\\\"))
    } else {
        format!("'{doubled}'")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_formula_of_the_lock_table() {
        let formula = |query: &Query| {
            let words: String = query.text.split_whitespace().collect();
            let begin = words.find("pg_catalog.current_setting('max_locks_per_transaction')");
            let rest = words[begin.unwrap()..].to_owned();
            let end = rest.find("('autovacuum_max_workers')::int8))").unwrap();
            rest[..end].to_owned()
        };
        let of_table = formula(&CHECK_LOCKS);
        assert!(of_table.contains("max_prepared_transactions"), "{of_table}");
        assert_eq!(formula(&CHECK_SEQUENCES), of_table);
        assert_eq!(formula(&CHECK_SEQUENCES_BEHIND), of_table);
    }

    #[test]
    fn names_and_values_cannot_end_their_quotes() {
        assert_eq!(quote_qualified("a\"b", "c.d"), "\"a\"\"b\".\"c.d\"");
        assert_eq!(quote_literal("it's"), "'it''s'");
        assert_eq!(quote_literal("a\\'b"), "E'a\\\\''b'");
    }
}
