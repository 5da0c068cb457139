//! A database whose owner put names of their own before pg_catalog's: a superuser who backs it
//! up must not run them.

use crate::harness::{ClusterSpec, Pgtend};
use crate::scene::Repository;

/// Twins of pg_catalog's functions and operators, by an owner without rights, each of which
/// tries to make that owner a superuser.
const TWINS: &str = r"
    CREATE SCHEMA evil;
    CREATE FUNCTION evil.strike() RETURNS void LANGUAGE plpgsql AS $f$
    BEGIN
        EXECUTE 'ALTER ROLE mallory SUPERUSER';
    EXCEPTION WHEN OTHERS THEN NULL;
    END $f$;
    DO $d$
    DECLARE one record; body text;
    BEGIN
        FOR one IN
            SELECT p.proname, pg_get_function_identity_arguments(p.oid) AS args, p.oid,
                   format_type(p.prorettype, NULL) AS result, p.proretset, p.pronargs
            FROM pg_proc p
            WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f'
            AND NOT p.proretset AND p.provariadic = 0 AND p.proargmodes IS NULL
            AND NOT 2276 = ANY (p.proargtypes::oid[])
            AND p.prorettype NOT IN (SELECT oid FROM pg_type WHERE typtype = 'p')
            AND NOT EXISTS (SELECT FROM pg_type t
                            WHERE t.oid = ANY (p.proargtypes::oid[]) AND t.typtype = 'p')
            AND (p.proname LIKE 'pg\_%' OR p.proname LIKE '%setting%' OR p.proname LIKE 'set\_%'
                 OR p.proname LIKE 'inet\_%' OR p.proname LIKE 'current\_%'
                 OR p.proname IN ('version', 'date_part', 'extract', 'clock_timestamp', 'now',
                    'to_regclass', 'format', 'quote_ident', 'quote_literal', 'has_table_privilege',
                    'length', 'octet_length', 'lower', 'upper', 'left', 'right', 'md5', 'hashtext'))
        LOOP
            body := CASE WHEN one.result = 'void' THEN 'BEGIN PERFORM evil.strike(); END'
                    ELSE 'BEGIN PERFORM evil.strike(); RETURN NULL; END' END;
            EXECUTE format('CREATE FUNCTION evil.%I(%s) RETURNS %s LANGUAGE plpgsql AS %L',
                           one.proname, pg_get_function_identity_arguments(one.oid), one.result, body);
        END LOOP;
        FOR one IN
            SELECT o.oprname, format_type(o.oprleft, NULL) AS l, format_type(o.oprright, NULL) AS r,
                   format_type(o.oprresult, NULL) AS result, row_number() OVER () AS n
            FROM pg_operator o
            JOIN pg_type tl ON tl.oid = o.oprleft AND tl.typtype <> 'p'
            JOIN pg_type tr ON tr.oid = o.oprright AND tr.typtype <> 'p'
            WHERE o.oprname IN ('=', '<>', '<', '>', '<=', '>=', '-', '+', '~~', '!~~', '||', '~')
            AND o.oprresult NOT IN (SELECT oid FROM pg_type WHERE typtype = 'p')
        LOOP
            EXECUTE format('CREATE FUNCTION evil.operator_%s(%s, %s) RETURNS %s LANGUAGE plpgsql '
                           'AS ''BEGIN PERFORM evil.strike(); RETURN NULL; END''',
                           one.n, one.l, one.r, one.result);
            EXECUTE format('CREATE OPERATOR evil.%s (LEFTARG = %s, RIGHTARG = %s, '
                           'FUNCTION = evil.operator_%s)', one.oprname, one.l, one.r, one.n);
        END LOOP;
    END $d$;
    CREATE DOMAIN evil.text AS pg_catalog.text CHECK (evil.strike() IS NULL);
    CREATE DOMAIN evil.int4 AS pg_catalog.int4 CHECK (evil.strike() IS NULL);
    CREATE DOMAIN evil.bool AS pg_catalog.bool CHECK (evil.strike() IS NULL);
    CREATE DOMAIN evil.float8 AS pg_catalog.float8 CHECK (evil.strike() IS NULL);
    CREATE TABLE public.t (id int PRIMARY KEY, v text);
    INSERT INTO public.t VALUES (1, 'a');";

#[test]
fn names_of_the_databases_owner_are_not_run() {
    let cluster = ClusterSpec::major(15).start();
    cluster.psql("postgres", "CREATE ROLE mallory LOGIN");
    let database = cluster.create_db("hostile");
    let name = database.name();
    database.psql(&format!(
        "ALTER DATABASE {name} OWNER TO mallory; ALTER SCHEMA public OWNER TO mallory"
    ));
    database.psql(&format!("SET SESSION AUTHORIZATION mallory; {TWINS}"));
    database.psql(&format!("ALTER DATABASE {name} SET search_path = evil, pg_catalog, public"));
    let is_superuser = || {
        let asked = "SELECT pg_catalog.bool_or(rolsuper) FROM pg_catalog.pg_roles \
                     WHERE rolname OPERATOR(pg_catalog.=) 'mallory'";
        cluster.psql("postgres", asked)
    };
    // The trap works: an innocent statement falls into it.
    database.psql("SELECT version()");
    assert_eq!(is_superuser(), "t");
    cluster.psql("postgres", "ALTER ROLE mallory NOSUPERUSER");

    let repository = Repository::new();
    let url = database.url();
    let done = |what: &str, pgtend: Pgtend, code: i32| {
        pgtend.run().expect_code(code);
        assert_eq!(is_superuser(), "f", "{what} ran the owner's code");
    };
    done("--show-server", Pgtend::new().args(["--show-server", "--url", &url]), 0);
    let dry = Pgtend::new().args(["backup", "--dry-run", "--url", &url, "-r"]);
    done("backup --dry-run", dry.arg(repository.path()), 0);
    done("backup", repository.backup(&url), 0);
    let restore = |more: &[&str]| {
        let restore = Pgtend::new().args(["restore", "latest", "--url", &url]).args(more);
        restore.arg("-r").arg(repository.path())
    };
    done(
        "a rehearsal",
        restore(&["--into", name, "--clean", "--overwrite-source", "--dry-run"]),
        0,
    );
    let to = format!("{name}_copy");
    done("restore --create", restore(&["--into", &to, "--create", "--yes"]), 0);
    cluster.psql("postgres", &format!("DROP DATABASE {to}; ALTER ROLE mallory NOSUPERUSER"));
}
