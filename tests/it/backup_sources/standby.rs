//! A standby as the source.

use crate::backup_right::repo::{Repo, client_major};
use crate::harness::{ClusterSpec, compare};

#[test]
fn a_standby_gives_the_primarys_rows_and_tells_what_it_cannot() {
    for major in [15, 18] {
        let primary = ClusterSpec::major(major).start();
        primary.psql(
            "postgres",
            "CREATE TABLE t (id int PRIMARY KEY, v text);
             INSERT INTO t SELECT g, md5(g::text) FROM generate_series(1, 5000) g;
             CREATE UNLOGGED TABLE fleeting (a int); INSERT INTO fleeting VALUES (1);
             SELECT lo_from_bytea(9, 'nine'); CREATE SEQUENCE s; SELECT setval('s', 5)",
        );
        let standby = primary.standby();
        let repo = Repo::new();
        let run =
            |cluster, arguments: &[&str]| repo.backup_command(cluster, "postgres", arguments).run();
        let chunks = ["-j4", "--chunk=16kB"];
        let of_standby = repo.done(run(&standby, &chunks).expect_code(1));
        let of_primary = repo.done(run(&primary, &chunks).expect_code(0));
        assert!(of_standby.manifest.source.in_recovery);
        assert!(!of_primary.manifest.source.in_recovery);
        let id = |backup: &crate::backup_right::repo::Backup| {
            backup.manifest.source.system_identifier.clone()
        };
        assert_eq!(id(&of_standby), id(&of_primary), "a replica shares it");
        let told = of_standby.manifest.warnings.join("\n");
        assert!(told.contains("public.fleeting"), "{told}");
        assert!(told.contains("hot_standby_feedback is off"), "{told}");
        assert!(of_standby.stderr.contains("public.fleeting"), "{}", of_standby.stderr);
        assert!(of_standby.find_table("public", "fleeting").is_none());
        assert_eq!(of_primary.rows("public", "fleeting"), 1);
        assert!(of_standby.chunks("public", "t") > 10);
        let mut logged = of_primary.row_sums();
        logged.retain(|sum| !sum.starts_with("public.fleeting "));
        assert_eq!(of_standby.row_sums(), logged);
        let copy = primary.create_db("copy");
        of_standby.restore(client_major(&primary), &copy);
        primary.psql("postgres", "TRUNCATE fleeting");
        compare::assert_equal(&primary, "postgres", &primary, copy.name());
    }
}
