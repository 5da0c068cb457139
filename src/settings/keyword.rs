//! libpq's connection keywords and the environment variable of each.
//!
//! Source: `PQconninfoOptions` of `fe-connect.c`, PostgreSQL 18.

/// What pgtend does with a keyword.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Honoured.
    Honoured,
    /// Accepted without effect: it tunes something that pgtend does not have.
    Ignored,
    /// Refused unless it has one of the given values, which ask for nothing: to ignore it would
    /// weaken what the operator asked for.
    Only(&'static [&'static str]),
}

/// One keyword.
#[derive(Debug)]
pub(super) struct Keyword {
    pub name: &'static str,
    pub variable: Option<&'static str>,
    pub used: Use,
}

const fn keyword(name: &'static str, variable: &'static str, used: Use) -> Keyword {
    Keyword { name, variable: if variable.is_empty() { None } else { Some(variable) }, used }
}

/// Every keyword, in libpq's order.
pub(super) const KEYWORDS: &[Keyword] = &[
    keyword("service", "PGSERVICE", Use::Honoured),
    keyword("servicefile", "PGSERVICEFILE", Use::Honoured),
    keyword("user", "PGUSER", Use::Honoured),
    keyword("password", "PGPASSWORD", Use::Honoured),
    keyword("passfile", "PGPASSFILE", Use::Honoured),
    keyword("channel_binding", "PGCHANNELBINDING", Use::Honoured),
    keyword("connect_timeout", "PGCONNECT_TIMEOUT", Use::Honoured),
    keyword("dbname", "PGDATABASE", Use::Honoured),
    keyword("host", "PGHOST", Use::Honoured),
    keyword("hostaddr", "PGHOSTADDR", Use::Honoured),
    keyword("port", "PGPORT", Use::Honoured),
    // pgtend speaks UTF-8.
    keyword("client_encoding", "PGCLIENTENCODING", Use::Ignored),
    keyword("options", "PGOPTIONS", Use::Honoured),
    keyword("application_name", "PGAPPNAME", Use::Honoured),
    keyword("fallback_application_name", "", Use::Ignored),
    keyword("keepalives", "", Use::Honoured),
    keyword("keepalives_idle", "", Use::Honoured),
    keyword("keepalives_interval", "", Use::Honoured),
    keyword("keepalives_count", "", Use::Honoured),
    keyword("tcp_user_timeout", "", Use::Honoured),
    keyword("sslmode", "PGSSLMODE", Use::Honoured),
    keyword("sslnegotiation", "PGSSLNEGOTIATION", Use::Honoured),
    keyword("sslcompression", "PGSSLCOMPRESSION", Use::Ignored),
    keyword("sslcert", "PGSSLCERT", Use::Honoured),
    keyword("sslkey", "PGSSLKEY", Use::Honoured),
    keyword("sslcertmode", "PGSSLCERTMODE", Use::Honoured),
    keyword("sslpassword", "", Use::Honoured),
    keyword("sslrootcert", "PGSSLROOTCERT", Use::Honoured),
    // The TLS library cannot check revocation lists.
    keyword("sslcrl", "PGSSLCRL", Use::Only(&[""])),
    keyword("sslcrldir", "PGSSLCRLDIR", Use::Only(&[""])),
    keyword("sslsni", "PGSSLSNI", Use::Honoured),
    keyword("sslkeylogfile", "", Use::Ignored),
    keyword("requirepeer", "PGREQUIREPEER", Use::Only(&[""])),
    keyword("require_auth", "PGREQUIREAUTH", Use::Only(&[""])),
    keyword("min_protocol_version", "PGMINPROTOCOLVERSION", Use::Only(&["3.0"])),
    keyword("max_protocol_version", "PGMAXPROTOCOLVERSION", Use::Only(&["3.0", "3.2", "latest"])),
    keyword("ssl_min_protocol_version", "PGSSLMINPROTOCOLVERSION", Use::Honoured),
    keyword("ssl_max_protocol_version", "PGSSLMAXPROTOCOLVERSION", Use::Honoured),
    keyword("gssencmode", "PGGSSENCMODE", Use::Honoured),
    keyword("krbsrvname", "PGKRBSRVNAME", Use::Ignored),
    keyword("gsslib", "PGGSSLIB", Use::Ignored),
    keyword("gssdelegation", "PGGSSDELEGATION", Use::Ignored),
    keyword("replication", "", Use::Only(&["", "0", "off", "no", "false"])),
    keyword("target_session_attrs", "PGTARGETSESSIONATTRS", Use::Honoured),
    keyword("load_balance_hosts", "PGLOADBALANCEHOSTS", Use::Honoured),
    keyword("scram_client_key", "", Use::Only(&[])),
    keyword("scram_server_key", "", Use::Only(&[])),
    // For a server that asks for OAuth: such a login fails, with these or without.
    keyword("oauth_issuer", "", Use::Ignored),
    keyword("oauth_client_id", "", Use::Ignored),
    keyword("oauth_client_secret", "", Use::Ignored),
    keyword("oauth_scope", "", Use::Ignored),
];

/// The keyword of that name.
pub(super) fn find(name: &str) -> Option<&'static Keyword> {
    KEYWORDS.iter().find(|keyword| keyword.name == name)
}

/// Whether the value of a keyword is never shown.
pub(super) fn is_secret(name: &str) -> bool {
    matches!(
        name,
        "password"
            | "sslpassword"
            | "scram_client_key"
            | "scram_server_key"
            | "oauth_client_secret"
    )
}

/// Of several known names, the one nearest to what was written, when it is near enough.
pub(super) fn nearest<'a>(
    written: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    known
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(written, name), name))
        .filter(|(distance, name)| *distance <= name.len().div_ceil(3))
        .min()
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_variables_are_unique() {
        let mut seen = std::collections::BTreeSet::new();
        for keyword in KEYWORDS {
            assert!(seen.insert(keyword.name), "{}", keyword.name);
            assert!(keyword.variable.is_none_or(|name| seen.insert(name)), "{}", keyword.name);
        }
    }

    /// The keywords of a sentence of the sample, from its first words to the full stop.
    fn of_sample(start: &str) -> std::collections::BTreeSet<String> {
        let sample = include_str!("../../pgtend.toml.sample").replace("\n# ", " ");
        let (_, rest) = sample.split_once(start).unwrap();
        let end = rest.find(".\n").or_else(|| rest.find(". ")).unwrap();
        let sentence = rest[..end].split(". ").next().unwrap();
        let (_, list) = sentence.split_once(':').unwrap();
        let words = list.split(',').map(|word| word.split_whitespace().next().unwrap());
        words.map(str::to_owned).collect()
    }

    /// What the sample says of a keyword is what becomes of it.
    #[test]
    fn the_sample_lists_what_is_ignored_and_what_is_refused() {
        let of_table = |wanted: fn(Use) -> bool| -> std::collections::BTreeSet<String> {
            let found = KEYWORDS.iter().filter(|keyword| wanted(keyword.used));
            found.map(|keyword| keyword.name.to_owned()).collect()
        };
        assert_eq!(of_sample("Read without effect"), of_table(|used| used == Use::Ignored));
        assert_eq!(of_sample("Refused where"), of_table(|used| matches!(used, Use::Only(_))));
    }

    #[test]
    fn the_nearest_name_is_found() {
        let names = || KEYWORDS.iter().map(|keyword| keyword.name);
        assert_eq!(nearest("sslrootcrt", names()), Some("sslrootcert"));
        assert_eq!(nearest("hsot", names()), Some("host"));
        assert_eq!(nearest("statement_timeout", names()), None);
    }
}
