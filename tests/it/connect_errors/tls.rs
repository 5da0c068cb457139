//! Certificates that one side does not like, and TLS that one side does not want.

use std::collections::BTreeSet;
use std::thread;

use super::transcript::{SECRET, case, case_until_heard, check};
use crate::harness::pki::{ClientVariant, Pki};
use crate::harness::{Cluster, ClusterSpec, Pgtend, TlsVariant};

fn to(cluster: &Cluster, host: &str, more: &str) -> impl Fn(Pgtend) -> Pgtend + use<> {
    let url = format!(
        "host={host} hostaddr=127.0.0.1 port={} user=postgres dbname=postgres {more}",
        cluster.port()
    );
    move |pgtend: Pgtend| pgtend.arg("--url").arg(url.clone())
}

pub fn certificates() -> BTreeSet<String> {
    let variants = [
        TlsVariant::Expired,
        TlsVariant::NotYet,
        TlsVariant::SelfSigned,
        TlsVariant::ForClients,
        TlsVariant::WrongName,
    ];
    let starting =
        variants.map(|variant| thread::spawn(move || ClusterSpec::default().tls(variant).start()));
    let good = ClusterSpec::default()
        .tls(TlsVariant::Good)
        .set("ssl_min_protocol_version", "'TLSv1.3'")
        .hba(
            "hostssl all by_cert all cert
             hostssl all tls_only all trust
             hostssl all by_password all scram-sha-256
             host all postgres all trust",
        )
        .start();
    good.psql(
        "postgres",
        "CREATE ROLE by_cert LOGIN; CREATE ROLE tls_only LOGIN;
         CREATE ROLE by_password LOGIN PASSWORD 'right'",
    );
    let plain = Cluster::shared();
    let [expired, early, own, for_clients, elsewhere] =
        starting.map(|start| start.join().expect("a server"));
    let pki = Pki::shared();
    let full = format!("sslmode=verify-full sslrootcert={}", pki.ca.display());
    let chained = format!("sslmode=verify-ca sslrootcert={}", pki.other_ca.display());
    let client = |variant: ClientVariant| {
        let files = pki.bad_client("postgres", variant);
        let (certificate, key) = (files.cert.display(), files.key.display());
        // With TLS 1.3 the server's refusal comes after the handshake, and is lost when it
        // closes while our first packet is still on its way.
        let files = format!("sslcert={certificate} sslkey={key}");
        to(
            &elsewhere,
            "localhost",
            &format!("sslmode=require ssl_max_protocol_version=TLSv1.2 {files}"),
        )
    };
    check(vec![
        case("certificate-issuer", to(&good, "localhost", &chained), 69, r#"note: using --url, localhost:PORT/postgres as postgres
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server's certificate was not accepted: self-signed certificate in certificate chain
  next:  give the authority that signed the server's certificate with sslrootcert (RDS: https://truststore.pki.rds.amazonaws.com/global/global-bundle.pem)
  exit:  69
"#).at(&good),
        case("certificate-self-signed", to(&own, "localhost", &full), 69, r#"note: using --url, localhost:PORT/postgres as postgres
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server's certificate was not accepted: self-signed certificate
  next:  give the server's certificate itself with sslrootcert, or have an authority sign one
  exit:  69
"#).at(&own),
        case("certificate-expired", to(&expired, "localhost", &full), 69, r#"note: using --url, localhost:PORT/postgres as postgres
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server's certificate was not accepted: certificate has expired
  next:  renew the server's certificate, or update the file of sslrootcert
  exit:  69
"#).at(&expired),
        case("certificate-early", to(&early, "localhost", &full), 69, r#"note: using --url, localhost:PORT/postgres as postgres
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server's certificate was not accepted: certificate is not yet valid
  next:  check the clocks of both machines, or wait until the certificate's time has come
  exit:  69
"#).at(&early),
        case("certificate-other", to(&for_clients, "localhost", &full), 69, r#"note: using --url, localhost:PORT/postgres as postgres
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server's certificate was not accepted: unsuitable certificate purpose
  next:  look at the certificate: openssl s_client -starttls postgres -connect HOST:PORT
  exit:  69
"#)
            .at(&for_clients),
        case("certificate-name", to(&elsewhere, "localhost", &full), 69, r#"note: using --url, localhost:PORT/postgres as postgres
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server's certificate was not accepted: hostname mismatch
  next:  connect by a name that the certificate holds, or use sslmode=verify-ca
  exit:  69
"#).at(&elsewhere),
        case("certificate-address", to(&elsewhere, "127.0.0.1", &full), 69, r#"note: using --url, 127.0.0.1:PORT/postgres as postgres
error: cannot connect to 127.0.0.1:PORT
  cause: the server's certificate was not accepted: IP address mismatch
  next:  connect by a name that the certificate holds instead of the address, or use sslmode=verify-ca
  exit:  69
"#).at(&elsewhere),
        case(
            "client-certificate-missing",
            to(&good, "localhost", "user=by_cert sslmode=require"),
            69,
            r#"note: using --url, localhost:PORT/postgres as by_cert
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: connection requires a valid client certificate
  next:  give a certificate that the server trusts with sslcert and sslkey
  exit:  69
"#,
        )
        .at(&good),
        case_until_heard("client-certificate-untrusted", client(ClientVariant::OtherAuthority), 69, r#"note: using --url, localhost:PORT/postgres as postgres
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server ended TLS: tlsv1 alert unknown ca
  next:  give a certificate (sslcert, sslkey) from an authority in the server's ssl_ca_file
  exit:  69
"#)
            .at(&elsewhere),
        case_until_heard("client-certificate-expired", client(ClientVariant::Expired), 69, r#"note: using --url, localhost:PORT/postgres as postgres
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server ended TLS: sslv3 alert certificate expired
  next:  renew the client certificate that sslcert names
  exit:  69
"#).at(&elsewhere),
        case_until_heard("client-certificate-refused", client(ClientVariant::ForServers), 69, r#"note: using --url, localhost:PORT/postgres as postgres
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server ended TLS: sslv3 alert unsupported certificate
  next:  look into the server's log: it says what is wrong with the client certificate (sslcert)
  exit:  69
"#).at(&elsewhere),
        case(
            "tls-version",
            to(&good, "localhost", "sslmode=require ssl_max_protocol_version=TLSv1.2"),
            69,
            r#"note: using --url, localhost:PORT/postgres as postgres
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server ended TLS: tlsv1 alert protocol version
  next:  check ssl_min_protocol_version and ssl_max_protocol_version against the server's
  exit:  69
"#,
        )
        .at(&good),
        // PostgreSQL 15 asks back in plain text, or not at all.
        case(
            "tls-direct",
            to(&good, "localhost", "sslmode=require sslnegotiation=direct"),
            69,
            r#"note: using --url, localhost:PORT/postgres as postgres
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: TLS: unexpected EOF
  next:  sslnegotiation=direct needs PostgreSQL 17
  exit:  69
"#,
        )
        .at(&good),
        case("tls-required", to(&good, "localhost", "user=tls_only sslmode=disable"), 69, r#"note: using --url, localhost:PORT/postgres as tls_only
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server asks for TLS: no pg_hba.conf entry for host "127.0.0.1", user "tls_only", database "postgres", no encryption
  next:  connect with sslmode=require or stronger
  exit:  69
"#)
            .at(&good),
        // The fallback to plain text is refused as well, and that is nobody's business.
        case(
            "wrong-password",
            |pgtend| {
                to(&good, "localhost", "user=by_password sslmode=prefer")(pgtend)
                    .env("PGPASSWORD", SECRET)
            },
            69,
            r#"note: using --url, localhost:PORT/postgres as by_password
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: password authentication failed for user "by_password" (the password is from PGPASSWORD)
  next:  check --username and the password in PGPASSWORD; one past its VALID UNTIL is refused in the same words
  exit:  69
"#,
        )
        .at(&good),
        // libpq goes on in plain text as well; here that is not enough.
        case(
            "tls-files+no-pg-hba-entry",
            to(&good, "localhost", "user=tls_only sslmode=prefer sslrootcert=/dev/null"),
            69,
            r#"note: using --url, localhost:PORT/postgres as tls_only
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: TLS could not be used: cannot use root certificate file /dev/null: it holds no certificate
  cause: no pg_hba.conf entry for host "127.0.0.1", user "tls_only", database "postgres", no encryption
  next:  mend the file, or connect with sslmode=disable where the server takes plain text
  next:  add a line for tls_only, postgres and this client to the server's pg_hba.conf
  exit:  69
"#,
        )
        .at(&good),
        case("tls-not-offered", to(plain, "localhost", "sslmode=require"), 69, r#"note: using --url, localhost:PORT/postgres as postgres
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server does not offer TLS, and sslmode asks for it
  next:  switch ssl on in the server, or connect with sslmode=prefer
  exit:  69
"#).at(plain),
    ])
}
