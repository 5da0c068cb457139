//! The blocks: facts of the guides, with what each means.

/// What a block means.
pub enum Means {
    /// This server, with this password, and keywords beside.
    Server(&'static str, &'static str, &'static [(&'static str, &'static str)]),
    /// An error with these words.
    Wrong(&'static [&'static str]),
}

use Means::{Server, Wrong};

pub struct Case {
    pub name: &'static str,
    /// Lines of a file of variables.
    pub text: &'static str,
    pub means: Means,
    /// Parts of the notes.
    pub notes: &'static [&'static str],
    /// What is kept for check, as `name=value`.
    pub judged: &'static [&'static str],
}

const PLACEHOLDER: &str = "still the placeholder of a guide";

pub const CASES: &[Case] = &[
    Case {
        name: "000 production, not filled in",
        text: "DATABASE_URL=postgresql://username:password@your-rds-endpoint.region.rds.amazonaws.com:5432/kitchen_manager
DATABASE_HOST=your-rds-endpoint.region.rds.amazonaws.com
DATABASE_PORT=5432
DATABASE_NAME=kitchen_manager
DATABASE_USER=your_db_username
DATABASE_PASSWORD=your_secure_db_password
DB_SSL_MODE=require",
        means: Wrong(&["DATABASE_URL (", "the host", PLACEHOLDER]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "000 production, parts alone, not filled in",
        text: "DATABASE_HOST=your-rds-endpoint.region.rds.amazonaws.com\nDATABASE_PORT=5432\nDATABASE_NAME=kitchen_manager",
        means: Wrong(&["DATABASE_HOST (", PLACEHOLDER]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "000 production, user not filled in",
        text: "DATABASE_HOST=kitchen.abc.us-east-1.rds.amazonaws.com\nDATABASE_USER=your_db_username",
        means: Wrong(&["DATABASE_USER (", PLACEHOLDER]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "000 production, filled in",
        text: "DATABASE_URL=postgresql://username:password@kitchen.abc.us-east-1.rds.amazonaws.com:5432/kitchen_manager
DATABASE_HOST=kitchen.abc.us-east-1.rds.amazonaws.com
DATABASE_PORT=5432
DATABASE_NAME=kitchen_manager
DATABASE_USER=kitchen
DATABASE_PASSWORD=another
DB_POOL_SIZE=20
DB_MAX_OVERFLOW=30
DB_POOL_TIMEOUT=30
DB_POOL_RECYCLE=3600
DB_POOL_PRE_PING=true
DB_CONNECT_TIMEOUT=10
DB_READ_TIMEOUT=30
DB_SSL_MODE=require
DB_APPLICATION_NAME=kitchen_manager_api
DB_STATEMENT_TIMEOUT=30000
DB_IDLE_TIMEOUT=300000",
        means: Server(
            "kitchen.abc.us-east-1.rds.amazonaws.com:5432/kitchen_manager as username",
            "password",
            &[("sslmode", "require"), ("connect_timeout", "10"), ("application_name", "kitchen_manager_api")],
        ),
        notes: &["DATABASE_URL and DATABASE_USER disagree", "DATABASE_URL and DATABASE_PASSWORD disagree"],
        judged: &[
            "DB_POOL_SIZE=20",
            "DB_MAX_OVERFLOW=30",
            "DB_POOL_TIMEOUT=30",
            "DB_POOL_RECYCLE=3600",
            "DB_POOL_PRE_PING=true",
            "DB_READ_TIMEOUT=30",
            "DB_STATEMENT_TIMEOUT=30000",
            "DB_IDLE_TIMEOUT=300000",
        ],
    },
    Case {
        name: "000 development, with comments behind the values",
        text: "DATABASE_URL=postgresql://postgres:postgres@localhost:5432/kitchen_manager_dev
DB_POOL_SIZE=5               # smaller
DB_MAX_OVERFLOW=10
DB_SSL_MODE=disable          # none here",
        means: Server("localhost:5432/kitchen_manager_dev as postgres", "postgres", &[("sslmode", "disable")]),
        notes: &[],
        judged: &["DB_POOL_SIZE=5", "DB_MAX_OVERFLOW=10"],
    },
    Case {
        name: "000 pool only",
        text: "DB_POOL_SIZE=20              # base\nDB_MAX_OVERFLOW=30",
        means: Wrong(&["names no server", "DATABASE_URL"]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "001 basic, and 002 core: words where values belong",
        text: "DATABASE_URL=postgresql://username:password@host:port/database",
        means: Wrong(&["the port", PLACEHOLDER]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "001 local",
        text: "DATABASE_URL=postgresql://postgres:password@localhost:5432/mnfst_rag",
        means: Server("localhost:5432/mnfst_rag as postgres", "password", &[]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "001 remote",
        text: "DATABASE_URL=postgresql://mnfst_user:secure_pass@db.example.com:5432/mnfst_prod",
        means: Server("db.example.com:5432/mnfst_prod as mnfst_user", "secure_pass", &[]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "001 Supabase direct",
        text: "DATABASE_URL=postgresql://postgres:[PASSWORD]@db.[PROJECT-REF].supabase.co:5432/postgres",
        means: Wrong(&[PLACEHOLDER]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "001 Supabase pooler",
        text: "DATABASE_URL=postgresql://postgres.[PROJECT-REF]:[PASSWORD]@aws-0-[REGION].pooler.supabase.com:5432/postgres",
        means: Wrong(&[PLACEHOLDER]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "001 Supabase direct, filled in",
        text: "DATABASE_URL=postgresql://postgres:secret1@db.abcdefghij.supabase.co:5432/postgres",
        means: Server("db.abcdefghij.supabase.co:5432/postgres as postgres", "secret1", &[]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "001 Supabase pooler, filled in: session mode",
        text: "DATABASE_URL=postgresql://postgres.abcdefghij:secret1@aws-0-eu-west-1.pooler.supabase.com:5432/postgres",
        means: Server("aws-0-eu-west-1.pooler.supabase.com:5432/postgres as postgres.abcdefghij", "secret1", &[]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "001 Supabase's session pooler that is neither, filled in",
        text: "DATABASE_URL=postgresql://postgres.abcdefghij:secret1@aws-0-eu-west-1.pooler.supabase.co:6543/postgres",
        means: Server("aws-0-eu-west-1.pooler.supabase.co:6543/postgres as postgres.abcdefghij", "secret1", &[]),
        notes: &["does not exist: Supabase's poolers end in .pooler.supabase.com", "6543 of Supabase's pooler is its transaction mode"],
        judged: &[],
    },
    Case {
        name: "001 TLS and a time limit in the URL",
        text: "DATABASE_URL=postgresql://user:pass@host:5432/db?sslmode=require&connect_timeout=10",
        means: Server("host:5432/db as user", "pass", &[("sslmode", "require"), ("connect_timeout", "10")]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "001 a name in the URL",
        text: "DATABASE_URL=postgresql://user:pass@host:5432/db?application_name=mnfst_rag&sslmode=verify-full",
        means: Server("host:5432/db as user", "pass", &[("sslmode", "verify-full"), ("application_name", "mnfst_rag")]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "001 asyncpg",
        text: "DATABASE_URL=postgresql+asyncpg://mnfst_user:secure_pass@db.example.com:5432/mnfst_prod",
        means: Server("db.example.com:5432/mnfst_prod as mnfst_user", "secure_pass", &[]),
        notes: &["+asyncpg", "psql would refuse it"],
        judged: &["driver=asyncpg"],
    },
    Case {
        name: "001 every mode, one after the other: the last line stands",
        text: "DATABASE_URL=postgresql://u:p@h/d
DB_SSL_MODE=disable          # a
DB_SSL_MODE=allow           # b
DB_SSL_MODE=prefer          # c
DB_SSL_MODE=require         # d
DB_SSL_MODE=verify-ca       # e
DB_SSL_MODE=verify-full     # f",
        means: Server("h:5432/d as u", "p", &[("sslmode", "verify-full")]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "001 certificates by path, two authorities",
        text: "DATABASE_URL=postgresql://u:p@h/d
DB_SSL_CERT_PATH=/path/to/client-cert.pem
DB_SSL_KEY_PATH=/path/to/client-key.pem
DB_SSL_CA_PATH=/path/to/ca-cert.pem
DB_SSL_ROOT_CERT=/path/to/root-ca.pem",
        means: Server(
            "h:5432/d as u",
            "p",
            &[
                ("sslcert", "/path/to/client-cert.pem"),
                ("sslkey", "/path/to/client-key.pem"),
                ("sslrootcert", "/path/to/ca-cert.pem"),
            ],
        ),
        notes: &[
            "DB_SSL_CA_PATH and DB_SSL_ROOT_CERT disagree on sslrootcert: DB_SSL_CA_PATH wins",
            "/path/to/client-cert.pem",
            "/path/to/ca-cert.pem",
            "does not exist",
        ],
        judged: &[],
    },
    Case {
        name: "001 certificates in the URL",
        text: "DATABASE_URL=postgresql://user:pass@host:5432/db?sslmode=require&sslcert=/path/to/cert.pem&sslkey=/path/to/key.pem",
        means: Server("host:5432/db as user", "pass", &[("sslcert", "/path/to/cert.pem"), ("sslkey", "/path/to/key.pem")]),
        notes: &["/path/to/cert.pem from DATABASE_URL", "does not exist"],
        judged: &[],
    },
    Case {
        name: "001 .env.development",
        text: "# a comment
DATABASE_URL=postgresql://postgres:password@localhost:5432/mnfst_rag_dev
DB_POOL_SIZE=5
DB_MAX_OVERFLOW=10

JWT_SECRET_KEY=dev-secret-key-not-for-production
DB_SSL_MODE=disable
LOG_LEVEL=DEBUG
SQL_ECHO=true
DB_POOL_RECYCLE=1800",
        means: Server("localhost:5432/mnfst_rag_dev as postgres", "password", &[("sslmode", "disable")]),
        notes: &[],
        judged: &["JWT_SECRET_KEY=***", "LOG_LEVEL=DEBUG", "SQL_ECHO=true", "DB_POOL_RECYCLE=1800"],
    },
    Case {
        name: "001 .env.staging",
        text: "DATABASE_URL=postgresql://mnfst_user:staging_pass@staging-db.example.com:5432/mnfst_rag_staging
DB_POOL_SIZE=15
DB_MAX_OVERFLOW=20
JWT_SECRET_KEY=staging-secret-key-change-in-production
DB_SSL_MODE=require
LOG_LEVEL=INFO
SQL_ECHO=false
DB_POOL_RECYCLE=3600",
        means: Server("staging-db.example.com:5432/mnfst_rag_staging as mnfst_user", "staging_pass", &[("sslmode", "require")]),
        notes: &[],
        judged: &["DB_POOL_SIZE=15", "SQL_ECHO=false"],
    },
    Case {
        name: "001 .env.production: the vault's key is unknown, which hinders nobody",
        text: "DATABASE_URL=postgresql://mnfst_user:secure_pass@prod-db.example.com:5432/mnfst_rag_prod
DB_POOL_SIZE=20
DB_MAX_OVERFLOW=30
DB_POOL_TIMEOUT=30
DB_POOL_RECYCLE=3600

JWT_SECRET_KEY=${JWT_SECRET_KEY_FROM_VAULT}
DB_SSL_MODE=verify-full
DB_SSL_CA_PATH=/etc/ssl/certs/ca-cert.pem
LOG_LEVEL=WARNING
SQL_ECHO=false
DB_CONNECT_TIMEOUT=10
DB_COMMAND_TIMEOUT=30",
        means: Server(
            "prod-db.example.com:5432/mnfst_rag_prod as mnfst_user",
            "secure_pass",
            &[("sslmode", "verify-full"), ("sslrootcert", "/etc/ssl/certs/ca-cert.pem"), ("connect_timeout", "10")],
        ),
        notes: &["JWT_SECRET_KEY is not known: ${JWT_SECRET_KEY_FROM_VAULT} is not defined"],
        judged: &["DB_COMMAND_TIMEOUT=30", "LOG_LEVEL=WARNING"],
    },
    Case {
        name: "001 the names that pydantic reads with its prefix",
        text: "DB_DATABASE_URL=postgresql://u:p@h:5432/d
DB_DB_POOL_SIZE=20
DB_DB_SSL_MODE=require
DB_DB_SSL_CERT_PATH=/c.pem
DB_DB_CONNECT_TIMEOUT=10
DB_DB_COMMAND_TIMEOUT=30",
        means: Server("h:5432/d as u", "p", &[("sslmode", "require"), ("sslcert", "/c.pem"), ("connect_timeout", "10")]),
        notes: &["DB_DB_POOL_SIZE is DB_POOL_SIZE as pydantic reads it"],
        judged: &["DB_DB_POOL_SIZE=20", "DB_DB_COMMAND_TIMEOUT=30"],
    },
    Case {
        name: "001 another kind of database that its settings allow",
        text: "DATABASE_URL=sqlite:///app.db",
        means: Wrong(&["sqlite:// is not PostgreSQL"]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "002 all blocks together",
        text: "DATABASE_URL=postgresql://app:password@host:5432/database
DB_POOL_SIZE=20                    # a
DB_MAX_OVERFLOW=30                # b
DB_POOL_TIMEOUT=30                # c
DB_POOL_RECYCLE=3600              # d
DB_POOL_PRE_PING=true             # e
DB_POOL_RESET_ON_RETURN=commit    # f
DB_POOL_USE_LIFO=false            # g
DB_POOL_VALIDATION_INTERVAL=300   # h
DB_POOL_OVERFLOW_TIMEOUT=60       # i
DB_POOL_OVERFLOW_SHUTDOWN=false   # j
DB_ENABLE_QUERY_LOGGING=true      # k
DB_SLOW_QUERY_THRESHOLD_MS=500    # l
DB_MAX_QUERY_LOG_SIZE=10000       # m
DB_ENABLE_PERFORMANCE_METRICS=true # n
DB_METRICS_COLLECTION_INTERVAL=30  # o
DB_ENABLE_CONNECTION_MONITORING=true # p
DB_VALIDATE_SCHEMA_ON_STARTUP=true # q
DB_SCHEMA_VERSION_CHECK=true       # r
DB_AUTO_MIGRATE=false              # s
DB_ENABLE_BACKUP_VERIFICATION=true # t
DB_BACKUP_VERIFICATION_INTERVAL=86400 # u
DB_REQUIRE_SSL=true                # v
DB_SSL_VERIFY_MODE=required        # w
DB_PRIMARY_SSL_MODE=require        # x
DB_PRIMARY_SSL_CERT=/path/to/client-cert.pem
DB_PRIMARY_SSL_KEY=/path/to/client-key.pem
DB_PRIMARY_SSL_CA=/path/to/ca-cert.pem
DB_CIRCUIT_BREAKER_THRESHOLD=3     # y
DB_CIRCUIT_BREAKER_RECOVERY_TIMEOUT=120 # z
FLASK_ENV=production",
        means: Server(
            "host:5432/database as app",
            "password",
            // A CA file is there: required means that it is used.
            &[("sslmode", "verify-ca"), ("sslcert", "/path/to/client-cert.pem"), ("sslrootcert", "/path/to/ca-cert.pem")],
        ),
        notes: &["DB_SSL_VERIFY_MODE (", "raises sslmode=require of DB_PRIMARY_SSL_MODE"],
        judged: &[
            "DB_POOL_RESET_ON_RETURN=commit",
            "DB_POOL_USE_LIFO=false",
            "DB_POOL_VALIDATION_INTERVAL=300",
            "DB_POOL_OVERFLOW_TIMEOUT=60",
            "DB_POOL_OVERFLOW_SHUTDOWN=false",
            "DB_ENABLE_QUERY_LOGGING=true",
            "DB_SLOW_QUERY_THRESHOLD_MS=500",
            "DB_MAX_QUERY_LOG_SIZE=10000",
            "DB_ENABLE_PERFORMANCE_METRICS=true",
            "DB_METRICS_COLLECTION_INTERVAL=30",
            "DB_ENABLE_CONNECTION_MONITORING=true",
            "DB_VALIDATE_SCHEMA_ON_STARTUP=true",
            "DB_SCHEMA_VERSION_CHECK=true",
            "DB_AUTO_MIGRATE=false",
            "DB_ENABLE_BACKUP_VERIFICATION=true",
            "DB_BACKUP_VERIFICATION_INTERVAL=86400",
            "DB_CIRCUIT_BREAKER_THRESHOLD=3",
            "DB_CIRCUIT_BREAKER_RECOVERY_TIMEOUT=120",
            "FLASK_ENV=production",
        ],
    },
    Case {
        name: "002 development",
        text: "DATABASE_URL=postgresql://user:pass@host:5432/db
FLASK_ENV=development
DB_POOL_SIZE=5
DB_ENABLE_QUERY_LOGGING=false
DB_REQUIRE_SSL=false",
        means: Server("host:5432/db as user", "pass", &[]),
        notes: &[],
        judged: &["FLASK_ENV=development", "DB_ENABLE_QUERY_LOGGING=false"],
    },
    Case {
        name: "004 the format, not filled in",
        text: "DATABASE_URL=postgresql://[user]:[password]@[host]:[port]/[database]?[parameters]",
        means: Wrong(&[PLACEHOLDER]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "004 basic",
        text: "DATABASE_URL=postgresql://halcytone_user:SECURE_PASSWORD@db.production.com:5432/halcytone_prod",
        means: Server("db.production.com:5432/halcytone_prod as halcytone_user", "SECURE_PASSWORD", &[]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "004 TLS in the URL",
        text: "DATABASE_URL=postgresql://halcytone_user:SECURE_PASSWORD@db.production.com:5432/halcytone_prod?sslmode=require&sslcert=/path/to/client-cert.pem&sslkey=/path/to/client-key.pem&sslrootcert=/path/to/ca-cert.pem",
        means: Server(
            "db.production.com:5432/halcytone_prod as halcytone_user",
            "SECURE_PASSWORD",
            &[("sslmode", "require"), ("sslrootcert", "/path/to/ca-cert.pem"), ("sslkey", "/path/to/client-key.pem")],
        ),
        notes: &["sslrootcert /path/to/ca-cert.pem", "cannot be verified"],
        judged: &[],
    },
    Case {
        name: "004 pool in the URL",
        text: "DATABASE_URL=postgresql://halcytone_user:SECURE_PASSWORD@db.production.com:5432/halcytone_prod?pool_size=20&max_overflow=10&pool_timeout=30&pool_recycle=3600",
        means: Server("db.production.com:5432/halcytone_prod as halcytone_user", "SECURE_PASSWORD", &[]),
        notes: &["pool_size, max_overflow, pool_timeout, pool_recycle", "psql would refuse it"],
        judged: &["pool_size=20", "max_overflow=10", "pool_timeout=30", "pool_recycle=3600"],
    },
    Case {
        name: "004 RDS",
        text: "DATABASE_URL=postgresql://halcytone_admin:SECURE_PASSWORD@halcytone-prod.abc123.us-east-1.rds.amazonaws.com:5432/halcytone_prod?sslmode=require",
        means: Server(
            "halcytone-prod.abc123.us-east-1.rds.amazonaws.com:5432/halcytone_prod as halcytone_admin",
            "SECURE_PASSWORD",
            &[("sslmode", "require")],
        ),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "004 Azure, with two @",
        text: "DATABASE_URL=postgresql://halcytone@halcytone-prod:SECURE_PASSWORD@halcytone-prod.postgres.database.azure.com:5432/halcytone_prod?sslmode=require",
        means: Wrong(&["two '@'", "%40"]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "004 Azure, as it has to be written",
        text: "DATABASE_URL=postgresql://halcytone%40halcytone-prod:SECURE_PASSWORD@halcytone-prod.postgres.database.azure.com:5432/halcytone_prod?sslmode=require",
        means: Server(
            "halcytone-prod.postgres.database.azure.com:5432/halcytone_prod as halcytone@halcytone-prod",
            "SECURE_PASSWORD",
            &[("sslmode", "require")],
        ),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "004 Cloud SQL's socket; TLS is not for sockets",
        text: "DATABASE_URL=postgresql://halcytone_user:SECURE_PASSWORD@/halcytone_prod?host=/cloudsql/project-id:region:instance-name&sslmode=require",
        means: Server(
            "/cloudsql/project-id:region:instance-name:5432/halcytone_prod as halcytone_user",
            "SECURE_PASSWORD",
            &[("sslmode", "require"), ("host", "/cloudsql/project-id:region:instance-name")],
        ),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "004 PgBouncer",
        text: "DATABASE_URL=postgresql://halcytone_user:PASSWORD@pgbouncer.production.com:6432/halcytone_prod",
        means: Server("pgbouncer.production.com:6432/halcytone_prod as halcytone_user", "PASSWORD", &[]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "004 RDS's bundle of authorities",
        text: "DATABASE_URL=postgresql://user:pass@rds-endpoint:5432/db?sslmode=verify-full&sslrootcert=/path/to/global-bundle.pem",
        means: Server("rds-endpoint:5432/db as user", "pass", &[("sslmode", "verify-full"), ("sslrootcert", "/path/to/global-bundle.pem")]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "004 certificates beside the URL",
        text: "DATABASE_URL=postgresql://halcytone_user:SECURE_PASSWORD@db.production.com:5432/halcytone_prod
DATABASE_SSL_MODE=verify-full
DATABASE_SSL_CERT=/app/certs/client.crt
DATABASE_SSL_KEY=/app/certs/client.key
DATABASE_SSL_CA=/app/certs/ca.crt",
        means: Server(
            "db.production.com:5432/halcytone_prod as halcytone_user",
            "SECURE_PASSWORD",
            &[
                ("sslmode", "verify-full"),
                ("sslcert", "/app/certs/client.crt"),
                ("sslkey", "/app/certs/client.key"),
                ("sslrootcert", "/app/certs/ca.crt"),
            ],
        ),
        notes: &["/app/certs/client.crt from DATABASE_SSL_CERT (", "does not exist"],
        judged: &[],
    },
    Case {
        name: "004 the exporter's own string is not the application's",
        text: "DATA_SOURCE_NAME=\"postgresql://monitor:password@postgres:5432/halcytone_prod?sslmode=disable\"",
        means: Wrong(&["names no server"]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "004 the exporter's string beside the application's",
        text: "PRIMARY_DB_URL = \"postgresql://user:pass@primary-db:5432/halcytone_prod\"
DATA_SOURCE_NAME=\"postgresql://monitor:password@postgres:5432/halcytone_prod?sslmode=disable\"",
        means: Server("primary-db:5432/halcytone_prod as user", "pass", &[]),
        notes: &[],
        judged: &["DATA_SOURCE_NAME=***"],
    },
    Case {
        name: "004 MySQL and MongoDB, which it supports beside",
        text: "DATABASE_URL=mysql://user:pass@host:3306/db",
        means: Wrong(&["mysql:// is not PostgreSQL"]),
        notes: &[],
        judged: &[],
    },
    Case {
        name: "004 MongoDB",
        text: "DATABASE_URL=mongodb://user:pass@host:27017/db",
        means: Wrong(&["mongodb:// is not PostgreSQL"]),
        notes: &[],
        judged: &[],
    },
];
