//! Roles from a backup's globals, made on servers that lack them.

use std::fs;

use pgtend::restore::globals::statements;

use super::scene::{facts, plan_of};
use crate::backup_right::repo::{Repo, client_major};
use crate::harness::cluster::SUPERUSER;
use crate::harness::{Cluster, ClusterSpec, command};

const ROLES: &str = r#"
    CREATE ROLE app_owner; COMMENT ON ROLE app_owner IS 'it''s; mine';
    CREATE ROLE "od""d ro;le" LOGIN REPLICATION CONNECTION LIMIT 3 VALID UNTIL '2030-01-01';
    CREATE ROLE second SUPERUSER; CREATE ROLE reader NOINHERIT;
    ALTER ROLE reader SET search_path = 'a', 'b'; ALTER ROLE reader SET log_statement = 'all';
    GRANT app_owner TO "od""d ro;le" WITH ADMIN OPTION; GRANT reader TO app_owner;
    GRANT pg_monitor TO reader; CREATE ROLE rdsadmin; GRANT rdsadmin TO reader;
"#;

/// Memberships and attributes of the roles of [`ROLES`], one a line.
const LOOK: &str =
    "SELECT rolname, rolsuper, rolinherit, rolcanlogin, rolreplication, rolconnlimit,
        rolvaliduntil AT TIME ZONE 'UTC', shobj_description(oid, 'pg_authid'),
        ARRAY(SELECT roleid::regrole::text || admin_option FROM pg_auth_members
              WHERE member = r.oid ORDER BY 1), (SELECT setconfig FROM pg_db_role_setting
              WHERE setrole = r.oid AND setdatabase = 0)
    FROM pg_roles r WHERE rolname IN ('app_owner', 'od\"d ro;le', 'second', 'reader')
    ORDER BY 1";

/// Makes what is missing as `role`; gives what was left out.
fn make(source: &Cluster, target: &Cluster, role: &str) -> Vec<String> {
    let repo = Repo::new();
    let db = source.create_db("source");
    let run = repo.backup_command(source, db.name(), &["-j1"]).client(client_major(source)).run();
    let backup = repo.done(run);
    let copy = backup.expanded_copy();
    let text = fs::read_to_string(copy.path().join("globals.sql")).unwrap();
    let into = target.create_db("target");
    let globals = statements(&text, &facts(&into, role, &plan_of(&backup)));
    for statement in &globals.statements {
        let mut psql = target.client("psql");
        psql.args(["-XqAt", "-v", "ON_ERROR_STOP=1", "-U", role, "-d", into.name()]);
        command::run(&mut psql, statement).expect_success(statement);
    }
    globals.left_out.into_iter().map(|(what, _)| what).collect()
}

#[test]
fn a_superuser_gets_equal_roles_on_15_and_18() {
    for (from, to) in [(15, 18), (18, 15)] {
        let (source, target) = (ClusterSpec::major(from).start(), ClusterSpec::major(to).start());
        source.psql("postgres", ROLES);
        let left = make(&source, &target, SUPERUSER);
        assert_eq!(left, ["role rdsadmin", "membership of role reader in role rdsadmin"]);
        source.psql("postgres", "REVOKE rdsadmin FROM reader");
        assert_eq!(target.psql("postgres", LOOK), source.psql("postgres", LOOK));
    }
}

#[test]
fn a_creator_of_roles_makes_what_it_may() {
    let source = ClusterSpec::major(18).start();
    source.psql("postgres", ROLES);
    for major in [15, 18] {
        let target = ClusterSpec::major(major).start();
        target.psql("postgres", "CREATE ROLE maker LOGIN CREATEROLE");
        let left = make(&source, &target, "maker");
        for what in [
            "role rdsadmin",
            "REPLICATION of role od\"d ro;le",
            "SUPERUSER of role second",
            "setting log_statement of role reader",
            "membership of role reader in role pg_monitor",
            "membership of role reader in role rdsadmin",
        ] {
            assert!(left.iter().any(|left| left == what), "{what} in {left:?}");
        }
        assert_eq!(left.len(), 6, "{left:?}");
        assert_eq!(target.psql("postgres", LOOK).lines().count(), 4);
        let member = "SELECT pg_has_role('od\"d ro;le', 'app_owner', 'MEMBER WITH ADMIN OPTION')";
        assert_eq!(target.psql("postgres", member), "t");
    }
}
