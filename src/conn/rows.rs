//! The table of everything that keeps a connection from being made, with the next step for each.
//!
//! A row is chosen by [`super::error`]; a test provokes every one of them.

use super::error::Context;
use crate::settings::Origin;

macro_rules! rows {
    ($($row:ident = $id:literal: $next:literal;)*) => {
        /// Why there is no connection. JSON tells the id.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub(super) enum Row { $($row),* }

        impl Row {
            /// A name that stays the same: `refused`.
            pub const fn id(self) -> &'static str {
                match self { $(Self::$row => $id),* }
            }

            /// `{place}`, `{user}`, `{database}` and `{origin}` stand for the attempt's.
            const fn next(self) -> &'static str {
                match self { $(Self::$row => $next),* }
            }
        }

        /// The id of every reason that an error of [`super::connect`] can have.
        pub const REASONS: &[&str] = &[$($id),*];
    };
}

rows! {
    // The way there.
    Lookup = "lookup": "check the spelling of the host name, and DNS or VPN from here";
    Refused = "refused": "check host and port, that the server runs, and that it listens there (listen_addresses, security group)";
    Silent = "silent": "check the way to {place} (firewall, security group, VPN), or raise connect_timeout";
    SilentServer = "silent-server": "check that {place} is a PostgreSQL server's port and that the server does not hang, or raise connect_timeout";
    SilentTls = "silent-tls": "check what answers at {place} (a proxy or load balancer in between), or raise connect_timeout";
    SilentLogin = "silent-login": "look whether the server at {place} hangs, or a pooler there waits for a free server, or raise connect_timeout";
    NoRoute = "no-route": "check VPN, routes and the address";
    NoRouteIpv6 = "no-route-ipv6": "use an IPv4 address of the server (a session pooler's, say), or get IPv6 here";
    SocketMissing = "socket-missing": "start the server, or give --host with its name or with the folder of its socket";
    SocketStale = "socket-stale": "start the server: it left this socket file behind";
    SocketForbidden = "socket-forbidden": "run pgtend as a user who may, or connect by TCP with --host";
    SocketPath = "socket-path": "give a folder with a shorter path, a link to it for one, or connect by TCP with --host";
    Dial = "dial": "check host and port, and what this machine allows a program to do";
    Broken = "broken": "check that a PostgreSQL server, and not something else, is at {place}, and what is in between (a load balancer without a server)";
    NotPostgres = "not-postgres": "check host and port: PostgreSQL's own is 5432";
    // TLS.
    TlsNotOffered = "tls-not-offered": "switch ssl on in the server, or connect with sslmode=prefer";
    TlsFiles = "tls-files": "mend the file, or connect with sslmode=disable where the server takes plain text";
    TlsRequired = "tls-required": "connect with sslmode=require or stronger";
    TlsVersion = "tls-version": "check ssl_min_protocol_version and ssl_max_protocol_version against the server's";
    TlsDirect = "tls-direct": "sslnegotiation=direct needs PostgreSQL 17";
    TlsFailed = "tls-failed": "check that {place} is a PostgreSQL server, and what is in between (a proxy that ends TLS)";
    CertificateIssuer = "certificate-issuer": "give the authority that signed the server's certificate with sslrootcert (RDS: https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem)";
    CertificateSelfSigned = "certificate-self-signed": "give the server's certificate itself with sslrootcert, or have an authority sign one";
    CertificateExpired = "certificate-expired": "renew the server's certificate, or update the file of sslrootcert";
    CertificateEarly = "certificate-early": "check the clocks of both machines, or wait until the certificate's time has come";
    CertificateName = "certificate-name": "connect by a name that the certificate holds, or use sslmode=verify-ca";
    CertificateAddress = "certificate-address": "connect by a name that the certificate holds instead of the address, or use sslmode=verify-ca";
    CertificateOther = "certificate-other": "look at the certificate: openssl s_client -starttls postgres -connect HOST:PORT";
    ClientCertificateMissing = "client-certificate-missing": "give a certificate that the server trusts with sslcert and sslkey";
    ClientCertificateUntrusted = "client-certificate-untrusted": "give a certificate (sslcert, sslkey) from an authority in the server's ssl_ca_file";
    ClientCertificateExpired = "client-certificate-expired": "renew the client certificate that sslcert names";
    ClientCertificateRefused = "client-certificate-refused": "look into the server's log: it says what is wrong with the client certificate (sslcert)";
    // The login.
    NoPgHbaEntry = "no-pg-hba-entry": "add a line for {user}, {database} and this client to the server's pg_hba.conf";
    WrongPassword = "wrong-password": "check --username and the password in {origin}; one past its VALID UNTIL is refused in the same words";
    TokenRefused = "token-refused": "check that the role has it (GRANT rds_iam TO {user}), that the instance has IAM authentication, that rds-db:connect is allowed for {user}, the region, and this machine's clock";
    PasswordMissing = "password-missing": "set PGPASSWORD, or add a line for {place} to ~/.pgpass (chmod 0600), or run it on a terminal without --no-password";
    AuthenticationFailed = "authentication-failed": "check the server's pg_hba.conf and pg_ident.conf";
    AuthenticationUnsupported = "authentication-unsupported": "pgtend logs in with a password or a certificate: have pg_hba.conf ask for one";
    ChannelBinding = "channel-binding": "channel_binding=require needs TLS and a password stored as scram-sha-256";
    UnknownRole = "unknown-role": "check --username, or create the role";
    NoLogin = "no-login": "take another role with --username, or allow it: ALTER ROLE .. LOGIN";
    UnknownDatabase = "unknown-database": "check --dbname; psql -l lists the databases";
    DatabaseClosed = "database-closed": "take another database with --dbname: this one has ALLOW_CONNECTIONS false";
    NoConnectPrivilege = "no-connect-privilege": "grant connect on database {database} to {user}";
    // The server's state.
    TooManyServer = "too-many-server": "end idle sessions, put a pooler in front, or raise max_connections";
    TooManyReserved = "too-many-reserved": "end idle sessions or raise max_connections: what is left is kept for superusers";
    TooManyRole = "too-many-role": "end sessions of {user}, or raise the role's CONNECTION LIMIT";
    TooManyDatabase = "too-many-database": "end sessions in {database}, or raise the database's CONNECTION LIMIT";
    Starting = "starting": "wait until {place} is up, and try again";
    Stopping = "stopping": "wait until {place} is up again, or ask who stops it";
    Recovering = "recovering": "wait: a process of {place} crashed and the server replays its log; its own log says what";
    NotHot = "not-hot": "connect to the primary, or set hot_standby = on at {place}";
    WrongKind = "wrong-kind": "give the other host, or another target_session_attrs";
    TooOld = "too-old": "upgrade the server: its version has reached its end of life";
    StartupParameter = "startup-parameter": "take options (PGOPTIONS) out, or connect to the server itself";
    PoolerDatabase = "pooler-database": "check --dbname: a pooler has a list of databases of its own (PgBouncer: [databases])";
    PoolerLogin = "pooler-login": "check --username and the password: a pooler has a list of users of its own (PgBouncer: auth_file, auth_query)";
    PoolerFull = "pooler-full": "end clients of the pooler, or raise its limit (PgBouncer: max_client_conn)";
    PoolerWait = "pooler-wait": "look whether the server behind the pooler runs, or raise the pool's size (PgBouncer: default_pool_size)";
    ServerOption = "server-option": "check options (PGOPTIONS), and the settings of role and database (ALTER ROLE .. SET)";
    ServerOther = "server-other": "look into the server's log at the time of this failure";
    Unexpected = "unexpected": "check that a PostgreSQL server, and not something else, is at {place}";
    // What the host's name tells, beside the reason.
    RdsUnreachable = "rds-unreachable": "on RDS: check that the instance is not stopped, that its security group lets this address in, and that it is publicly accessible or you are in its VPC";
    RdsName = "rds-name": "on RDS: check the endpoint (aws rds describe-db-instances); a deleted instance's name is gone, a new one's takes minutes";
    SupabaseIpv6 = "supabase-ipv6": "on Supabase: db.*.supabase.co has IPv6 only; take the session pooler (*.pooler.supabase.com, port 5432, user postgres.PROJECT) for IPv4";
}

impl Row {
    /// What to do now.
    pub fn step(self, context: &Context) -> String {
        let Context { place, user, database, .. } = context;
        let origin = context.password.as_ref().map(ToString::to_string).unwrap_or_default();
        let next = match (self, &context.password) {
            (Self::PasswordMissing, Some(Origin::Prompt)) => {
                "type it at the question, or set PGPASSWORD, or add a line for {place} to ~/.pgpass (chmod 0600)"
            }
            (Self::WrongPassword, Some(Origin::Prompt)) => {
                "check --username, and type the password again; one past its VALID UNTIL is refused in the same words"
            }
            _ => self.next(),
        };
        next.replace("{place}", place)
            .replace("{user}", user)
            .replace("{database}", database)
            .replace("{origin}", &origin)
    }

    /// A further row, when the host is a provider's.
    pub fn of_provider(self, host: &str) -> Option<Self> {
        let host = host.to_ascii_lowercase();
        let rds = host.ends_with(".rds.amazonaws.com") || host.ends_with(".rds.amazonaws.com.cn");
        let supabase = host.starts_with("db.") && host.ends_with(".supabase.co");
        match self {
            Self::Refused | Self::Silent | Self::NoRoute if rds => Some(Self::RdsUnreachable),
            Self::Lookup if rds => Some(Self::RdsName),
            Self::Lookup | Self::NoRoute | Self::NoRouteIpv6 if supabase => {
                Some(Self::SupabaseIpv6)
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_unique() {
        let mut ids = REASONS.to_vec();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), REASONS.len());
    }

    #[test]
    fn a_providers_name_adds_what_is_usual_there() {
        let of = |row: Row, host| row.of_provider(host).map(Row::id);
        let rds = "shop.abc123.eu-west-1.rds.amazonaws.com";
        assert_eq!(of(Row::Silent, rds), Some("rds-unreachable"));
        assert_eq!(of(Row::Lookup, "SHOP.abc123.EU-WEST-1.RDS.AMAZONAWS.COM"), Some("rds-name"));
        assert_eq!(
            of(Row::Silent, "shop.cn-north-1.rds.amazonaws.com.cn"),
            Some("rds-unreachable")
        );
        assert_eq!(of(Row::NoRouteIpv6, "db.abc.supabase.co"), Some("supabase-ipv6"));
        assert_eq!(of(Row::Silent, "rds.amazonaws.com.example.org"), None);
        assert_eq!(of(Row::WrongPassword, rds), None);
    }
}
