//! Each row of the table, with the words of real servers.

use std::path::PathBuf;

use super::*;

fn context() -> Context {
    Context {
        place: "db:5432".to_owned(),
        host: "db".to_owned(),
        socket: false,
        ipv6: false,
        user: "app".to_owned(),
        database: "shop".to_owned(),
        password: Some(Origin::Passfile { path: PathBuf::from("/root/.pgpass"), line: 3 }),
        mode: SslMode::Prefer,
    }
}

fn said(cause: &Cause, context: &Context) -> String {
    let (row, text) = explain(cause, context);
    format!("{text} -> {}", row.step(context))
}

#[test]
fn what_a_server_says_gets_its_next_step() {
    let plain = Context { mode: SslMode::Disable, ..context() };
    let hba = "no pg_hba.conf entry for host \"10.0.0.1\", user \"app\", database \"shop\"";
    let cases: [(&str, String, &str); 13] = [
        (
            "28P01",
            "password authentication failed for user \"app\"".into(),
            "/root/.pgpass, line 3",
        ),
        ("28000", format!("{hba}, SSL encryption"), "pg_hba.conf"),
        ("28000", format!("{hba}, no encryption"), "sslmode=require"),
        ("28000", format!("{hba}, SSL off"), "sslmode=require"),
        ("28000", "connection requires a valid client certificate".into(), "sslcert"),
        ("28000", "role \"app\" does not exist".into(), "--username"),
        ("28000", "Peer authentication failed for user \"app\"".into(), "pg_ident.conf"),
        ("3D000", "database \"shop\" does not exist".into(), "--dbname"),
        ("42501", "permission denied for database \"shop\"".into(), "grant connect"),
        ("53300", "sorry, too many clients already".into(), "max_connections"),
        ("57P03", "the database system is starting up".into(), "try again"),
        ("08P01", "unsupported startup parameter in options: search_path".into(), "PGOPTIONS"),
        ("XX000", "odd".into(), "SQLSTATE XX000"),
    ];
    for (state, message, expected) in cases {
        let text = said(&Cause::Server(state.to_owned(), message), &plain);
        assert!(text.contains(expected), "{state}: {text}");
    }
    let both = said(&Cause::Server("28000".into(), format!("{hba}, no encryption")), &context());
    assert!(!both.contains("sslmode"), "TLS was tried already: {both}");
}

#[test]
fn what_the_network_says_gets_its_next_step() {
    let socket = Context { socket: true, ..context() };
    let ipv6 = Context { ipv6: true, ..context() };
    let cases = [
        (ErrorKind::ConnectionRefused, context(), "refused"),
        (ErrorKind::ConnectionRefused, socket.clone(), "socket file"),
        (ErrorKind::NotFound, socket.clone(), "no socket file"),
        (ErrorKind::PermissionDenied, socket, "by this user"),
        (ErrorKind::NetworkUnreachable, ipv6, "IPv6"),
        (ErrorKind::HostUnreachable, context(), "VPN"),
        (ErrorKind::TimedOut, context(), "security group"),
    ];
    for (kind, context, expected) in cases {
        let text = said(&Cause::Dial(kind, "os error".to_owned()), &context);
        assert!(text.contains(expected), "{kind:?}: {text}");
    }
    let silent = said(&Cause::Silent(Duration::from_secs(10), Stage::Dialling), &context());
    assert!(silent.starts_with("no answer within 10 s -> "), "{silent}");
    assert!(said(&Cause::Lookup("x".into()), &context()).contains("spelling"));
    assert!(said(&Cause::TlsNotOffered, &context()).contains("does not offer TLS"));
    assert!(said(&Cause::PasswordMissing, &context()).contains("password of app"));
    let binding = Cause::Other("server did not use channel binding".into());
    assert!(said(&binding, &context()).contains("scram-sha-256"));
    assert!(said(&Cause::TooOld(12), &context()).contains("PostgreSQL 12"));
}

#[test]
fn what_is_wrong_with_a_certificate_gets_its_next_step() {
    let cases = [
        ("certificate verify failed (self-signed certificate in certificate chain)", "sslrootcert"),
        ("certificate verify failed (unable to get local issuer certificate)", "sslrootcert"),
        ("certificate verify failed (hostname mismatch)", "verify-ca"),
        ("certificate verify failed (IP address mismatch)", "verify-ca"),
        ("certificate verify failed (certificate has expired)", "renew"),
        ("unsupported protocol", "ssl_min_protocol_version"),
    ];
    for (text, expected) in cases {
        assert!(said(&Cause::Tls(text.to_owned()), &context()).contains(expected), "{text}");
    }
}

#[test]
fn several_hosts_are_all_told() {
    let failure = |place: &str, cause| Failure {
        context: Context { place: place.to_owned(), ..context() },
        cause,
    };
    let refused = || Cause::Dial(ErrorKind::ConnectionRefused, String::new());
    let error = report(&[failure("a:1", refused()), failure("b:2", Cause::TlsNotOffered)]);
    assert_eq!(error.what(), "cannot connect to a:1, b:2");
    assert!(error.causes()[0].starts_with("a:1: "), "{error}");
    assert!(error.causes()[1].starts_with("b:2: "), "{error}");
    assert_eq!(error.exit(), Exit::Unavailable);
    // The same said twice (a wrong password, with TLS and without) is told once.
    let error = report(&[failure("a:1", refused()), failure("a:1", refused())]);
    assert_eq!((error.causes().len(), error.next_steps().len()), (1, 1));
    assert_eq!(error.reasons(), ["refused"]);
}

#[test]
fn only_what_can_pass_is_tried_again() {
    let server = |state: &str| Cause::Server(state.to_owned(), String::new());
    assert!(Cause::Dial(ErrorKind::ConnectionRefused, String::new()).can_pass());
    assert!(server("57P03").can_pass() && server("53300").can_pass());
    assert!(!server("28P01").can_pass() && !Cause::PasswordMissing.can_pass());
    assert!(server("28P01").is_final() && !server("57P03").is_final());
}
