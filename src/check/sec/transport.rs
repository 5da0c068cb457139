//! TLS and its certificates.

use jiff::Timestamp;
use serde::Deserialize;

use super::login::{SECURITY, Security};
use crate::check::conf::change;
use crate::check::limits::LimitSpec;
use crate::check::look::Look;
use crate::check::need::Need;
use crate::check::registry::{Check, Kind};
use crate::check::verdict::{Judged, Silence};
use crate::check::words;
use crate::report::check::{Level, Unit};
use crate::settings::Stage;

const DAY: f64 = 86_400.0;

pub const TLS: Check = Check {
    id: "sec.tls",
    kind: Kind::Static,
    title: "TLS of the server",
    why: "Without TLS passwords' proofs and all rows can be read and changed on the way; TLS \
          before 1.2 is broken. Where the server does not insist, one client that forgets sslmode \
          is enough.",
    remedy: "ssl = on with a certificate, ssl_min_protocol_version = 'TLSv1.2', hostssl in \
             pg_hba.conf; on RDS rds.force_ssl = 1.",
    limits: &[],
    needs: &[Need::Settings],
    since: 130_000,
    asks: &[&SECURITY],
    judge: tls,
};

fn tls(look: &Look<'_>) -> Judged {
    let Security { ssl, least_tls, addresses, rds_force, .. } = look.row(&SECURITY)?;
    let mut verdict = look.verdict().saying("TLS is on");
    // A developer's own machine has none, and nobody listens there.
    let in_development = look.stage() == Some(Stage::Development);
    let weight = |level| if in_development { Level::Info } else { level };
    match addresses {
        _ if ssl => {}
        None => verdict.not_seen("TLS is off, and which addresses it is off for is hidden"),
        Some(addresses) if is_local(&addresses) => {
            let says = "TLS is off; the server listens on addresses of its own machine only";
            verdict.find(Level::Info, "ssl", says);
        }
        Some(addresses) => {
            let says = format!("TLS is off, and the server listens on {addresses}");
            let remedy = change(look, "ssl", "on", "sighup");
            verdict
                .find(weight(Level::Critical), "ssl", says)
                .with_remedy(format!("{remedy}  -- with ssl_cert_file and ssl_key_file"));
        }
    }
    if let Some(least) = least_tls.filter(|least| ssl && is_old(least)) {
        let shown = if least.is_empty() { "any version" } else { &least };
        let says = format!("clients may use {shown} of TLS: before 1.2 it is broken");
        verdict.find(weight(Level::Warning), "ssl_min_protocol_version", says).with_remedy(change(
            look,
            "ssl_min_protocol_version",
            "TLSv1.2",
            "sighup",
        ));
    }
    if rds_force.as_deref().is_some_and(|force| matches!(force, "0" | "off")) {
        let says = "rds.force_ssl is off: clients may come without TLS";
        verdict
            .find(weight(Level::Warning), "rds.force_ssl", says)
            .with_remedy("set rds.force_ssl = 1 in the parameter group");
    }
    Ok(verdict)
}

/// Whether a protocol version of the setting is older than TLS 1.2; empty is any.
fn is_old(version: &str) -> bool {
    matches!(version, "" | "TLSv1" | "TLSv1.1")
}

/// Whether nobody reaches these addresses from outside.
fn is_local(addresses: &str) -> bool {
    addresses
        .split(',')
        .map(str::trim)
        .all(|one| matches!(one, "" | "localhost" | "::1") || one.starts_with("127."))
}

const LEFT: LimitSpec = LimitSpec::below(
    "time that the certificate is valid for",
    Unit::Seconds,
    90.0 * DAY,
    30.0 * DAY,
);

pub const SERVER_CERT: Check = Check {
    id: "sec.server_cert",
    kind: Kind::Runtime,
    title: "end of the server's certificate",
    why: "On the day after, every client that verifies the server is refused by itself, and those \
          that do not verify are the ones that should.",
    remedy: "Renew the certificate and reload the server: sessions stay. On RDS rotate it with \
             the CA certificate identifier.",
    limits: &[LEFT],
    needs: &[],
    since: 130_000,
    asks: &[],
    judge: server_cert,
};

fn server_cert(look: &Look<'_>) -> Judged {
    if !look.facts.encrypted {
        return Err(Silence::not_applicable("the session has no TLS: there is no certificate"));
    }
    let ends = look.facts.certificate_expiry;
    let ends = ends.ok_or_else(|| Silence::unknown("the end of the certificate cannot be read"))?;
    Ok(certificate(look, "server", "the server's certificate", ends))
}

pub const CLIENT_CERT: Check = Check {
    id: "sec.client_cert",
    kind: Kind::Runtime,
    title: "end of the client's certificate",
    why: "A login with a certificate fails from the moment at which it ends, for the application \
          and for the backups that use the same one.",
    remedy: "Issue a new one, and put it where sslcert names it.",
    limits: &[LEFT],
    needs: &[],
    since: 130_000,
    asks: &[],
    judge: client_cert,
};

/// Where the client's certificate stands in the facts.
pub const CLIENT: &str = "sec.client_cert";

#[derive(Deserialize)]
struct ClientFile {
    path: String,
    /// None where openssl cannot read the date.
    expires: Option<Timestamp>,
}

fn client_cert(look: &Look<'_>) -> Judged {
    let Some(file) = look.facts.beside.get(CLIENT) else {
        return Err(Silence::not_applicable("the target names no client certificate (sslcert)"));
    };
    if !look.facts.encrypted {
        return Err(Silence::not_applicable("the session has no TLS: the certificate is not used"));
    }
    let ClientFile { path, expires } = ClientFile::deserialize(file)
        .map_err(|error| Silence::unknown(format!("the client's certificate: {error}")))?;
    let ends =
        expires.ok_or_else(|| Silence::unknown(format!("the end of {path} cannot be read")))?;
    Ok(certificate(look, &path, &format!("the client's certificate {path}"), ends))
}

fn certificate(
    look: &Look<'_>,
    object: &str,
    what: &str,
    ends: Timestamp,
) -> crate::check::Verdict {
    let left = ends.duration_since(look.facts.at).as_secs_f64();
    let says = match left > 0.0 {
        true => format!("{what} ends in {}", words::time(left)),
        false => format!("{what} ended {} ago", words::time(-left)),
    };
    let mut verdict = look.verdict().saying(says.clone());
    verdict.measures.extend(look.measure("", "left", left, None));
    if let Some(level) = look.level("", object, left, None) {
        verdict.find(level, object, says).with_value(left);
    }
    verdict
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::check::sample::Sample;

    #[test]
    fn hidden_addresses_are_not_local_ones() {
        let judged = |addresses: Option<&str>| {
            let row = json!({"ssl": false, "least_tls": "TLSv1.2", "addresses": addresses,
                             "encryption": null, "rds_force": null});
            Sample::of("security", &[row]).judged(&TLS).unwrap()
        };
        let levels = |addresses| {
            let findings = judged(addresses).findings;
            findings.into_iter().map(|finding| finding.level).collect::<Vec<_>>()
        };
        assert_eq!(levels(Some("")), [Level::Info]);
        assert_eq!(levels(Some("*")), [Level::Critical]);
        assert_eq!(levels(None), []);
        assert!(judged(None).unseen.is_some() && judged(Some("")).unseen.is_none());
    }

    #[test]
    fn addresses_of_the_machine_are_local() {
        for local in ["", "localhost", "127.0.0.1, ::1", "127.0.0.53,localhost"] {
            assert!(is_local(local), "{local}");
        }
        for open in ["*", "0.0.0.0", "localhost, 10.0.0.1", "::"] {
            assert!(!is_local(open), "{open}");
        }
    }
}
