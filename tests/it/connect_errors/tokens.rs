//! A server that takes tokens, and not this one.

use std::collections::BTreeSet;

use super::transcript::{case, check};
use crate::harness::directory::Directory;
use crate::harness::{ClusterSpec, Pgtend, TlsVariant, aws};

pub fn tokens() -> BTreeSet<String> {
    let directory = Directory::start(|_| false);
    let hba = directory.hba("hostssl", "all");
    let cluster = ClusterSpec::default().tls(TlsVariant::Good).hba(&hba).start();
    cluster.psql("postgres", "CREATE ROLE by_token LOGIN");
    let port = cluster.port();
    let given = move |pgtend: Pgtend| {
        let url =
            format!("host=localhost hostaddr=127.0.0.1 port={port} user=by_token dbname=postgres");
        aws::environment("eu-west-1")
            .into_iter()
            .fold(pgtend, |pgtend, (name, value)| pgtend.env(name, value))
            .args(["--iam", "--url", &url])
    };
    check(vec![
        case("token-refused", given, 69, r#"note: using --url, localhost:PORT/postgres as by_token
note: the IAM token goes to whoever answers as localhost: sslmode=require does not verify the server; take verify-full and the certificates of RDS
error: cannot connect to localhost:PORT (127.0.0.1)
  cause: the server refused the IAM token: LDAP authentication failed for user "by_token"
  next:  check that the role has it (GRANT rds_iam TO by_token), that the instance has IAM authentication, that rds-db:connect is allowed for by_token, the region, and this machine's clock
  exit:  69
"#).at(&cluster),
    ])
}
