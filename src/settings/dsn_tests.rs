//! libpq's own cases (`001_uri.pl`), and what applications write.

use super::*;

fn read(text: &str) -> String {
    match parse(text) {
        Ok(info) => {
            let mut values: Vec<String> =
                info.into_values().map(|(name, value)| format!("{name}='{value}'")).collect();
            values.sort();
            values.join(" ")
        }
        Err(cause) => format!("error: {cause}"),
    }
}

fn refused(text: &str) -> String {
    match parse(text) {
        Ok(info) => panic!("{text} was accepted as {info:?}"),
        Err(cause) => cause,
    }
}

#[test]
fn uris_as_libpq_reads_them() {
    // The expectations were compared with PQconninfoParse of libpq 15 and 18.
    let cases = [
        (
            "postgresql://uri-user:secret@host:12345/db",
            "dbname='db' host='host' password='secret' port='12345' user='uri-user'",
        ),
        ("postgresql://uri-user@host/db", "dbname='db' host='host' user='uri-user'"),
        ("postgresql://host:12345/", "host='host' port='12345'"),
        ("postgresql://host/db", "dbname='db' host='host'"),
        ("postgresql://", ""),
        ("postgresql:///db?host=%2Ftmp", "dbname='db' host='/tmp'"),
        (
            "postgresql://%2Fvar%2Flib%2Fpostgresql/dbname",
            "dbname='dbname' host='/var/lib/postgresql'",
        ),
        ("postgresql://?hostaddr=127.0.0.1", "hostaddr='127.0.0.1'"),
        ("postgresql://[::1]:12345/db", "dbname='db' host='::1' port='12345'"),
        ("postgresql://[2001:db8::1234]/", "host='2001:db8::1234'"),
        (
            "postgresql://uri-user@[::1]:12345/db?ssl=true",
            "dbname='db' host='::1' port='12345' sslmode='require' user='uri-user'",
        ),
        ("postgresql://h1:1,h2,[::3]:3/db", "dbname='db' host='h1,h2,::3' port='1,,3'"),
        ("postgresql://h:1/db?port=99&host=h1,h2", "dbname='db' host='h1,h2' port='99'"),
        (
            "postgresql://host/db?application_name=me@laptop",
            "application_name='me@laptop' dbname='db' host='host'",
        ),
        (
            "postgresql://u@h?application_name=me@laptop",
            "application_name='me@laptop' host='h' user='u'",
        ),
        ("postgresql://u:pa/ss@h/db", "dbname='ss@h/db' host='u' port='pa'"),
        ("postgresql://u:p%40ss%2Fw@h/db", "dbname='db' host='h' password='p@ss/w' user='u'"),
        ("postgresql://u:a+b#c@h/db#frag", "dbname='db#frag' host='h' password='a+b#c' user='u'"),
        ("postgresql://u:p:q@h", "host='h' password='p:q' user='u'"),
        ("postgresql://:@h", "host='h'"),
        ("postgres://h/db?", "dbname='db' host='h'"),
        ("postgres://h/db?user=u&", "dbname='db' host='h' user='u'"),
        (
            "postgres://h/db?options=-c%20search_path%3Dapp",
            "dbname='db' host='h' options='-c search_path=app'",
        ),
        (
            "postgresql://u:p@/db?host=/cloudsql/p:r:i&sslmode=require",
            "dbname='db' host='/cloudsql/p:r:i' password='p' sslmode='require' user='u'",
        ),
        ("postgres://h/db?requiressl=1", "dbname='db' host='h' sslmode='require'"),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn key_value_strings_as_libpq_reads_them() {
    let cases = [
        ("", ""),
        ("host=h port = 5433", "host='h' port='5433'"),
        ("host=h\n dbname\t=\n'my db'", "dbname='my db' host='h'"),
        (r"password='it\'s \\ x' user=a\ b", r"password='it's \ x' user='a b'"),
        ("password= user=u", "password='user=u'"),
        ("user=u password=", "password='' user='u'"),
        ("host='' user=u", "host='' user='u'"),
        ("host=a host=b", "host='b'"),
        ("password='a'user=u", "password='a' user='u'"),
        (r"password=abc\", "password='abc'"),
        ("dbname=postgresql://h/x", "dbname='postgresql://h/x'"),
    ];
    for (text, expected) in cases {
        assert_eq!(read(text), expected, "{text}");
    }
}

#[test]
fn what_libpq_refuses_is_refused() {
    for text in [
        "postgresql://host/db?u%7aer=someotheruser&port=12345",
        "postgresql://host?uzer=x",
        "postgre://",
        "postgres://[::1",
        "postgres://[]",
        "postgres://[::1]z",
        "postgresql://h?zzz",
        "postgresql://h?value1=&zzz",
        "postgresql://h?key=key=value",
        "postgresql://h?&user=u",
        "postgresql://u:pw%xx@h",
        "postgresql://u:pw%1@h",
        "postgresql://u:pw%00@h",
        "postgresql://u:pw%@h",
        "postgresql://u:p w@h",
        "user=u password='abc",
        "user",
        "user=u word",
        "=x",
    ] {
        refused(text);
    }
}

#[test]
fn no_refusal_repeats_the_string() {
    for text in [
        "postgresql://u@srv:hunter2@h:5432/db",
        "postgresql://u:hunter2%zz@h/db",
        "postgresql://u:hunter2 x@h/db",
        "postgresql://u:hunter2@h/db?x=hunter2",
        "user=u password=a hunter2",
        "user=u password='hunter2",
        "user=u password=a Hunter2!hunter2=1",
        "mysql://u:hunter2@h/db",
        "host=h password=my hunter2=abc",
        "u:hunter2://x",
        "hunter2://x",
    ] {
        let cause = refused(text);
        assert!(!cause.contains("hunter2"), "{text}: {cause}");
    }
}

#[test]
fn two_at_signs_are_told_how_to_be_written() {
    for text in ["postgresql://app@srv:pw@srv.example.com:5432/db", "postgresql://a:p@w@h"] {
        assert!(refused(text).contains("%40"), "{text}");
    }
}

#[test]
fn foreign_schemes_are_named() {
    for scheme in ["mysql", "mongodb", "redis", "sqlite", "mssql"] {
        let cause = refused(&format!("{scheme}://u:p@h/db"));
        assert!(cause.starts_with(&format!("{scheme}:// is not PostgreSQL")), "{cause}");
    }
    assert!(refused("jdbc:postgresql://h/db").contains("jdbc:"));
    assert!(refused("PostgreSQL://h/db").contains("lower case"));
    assert!(refused("mongodb+srv://h/db").starts_with("mongodb://"));
}

#[test]
fn placeholders_are_refused() {
    for text in [
        "postgresql://postgres:[PASSWORD]@db.example.com/postgres",
        "postgresql://postgres:[YOUR-PASSWORD]@db.example.com/postgres",
        "postgresql://postgres.[PROJECT-REF]:p@h/postgres",
        "postgresql://u:<password>@h/db",
        "postgresql://u:p@your-rds-endpoint:5432/db",
        "host=your-rds-endpoint.rds.amazonaws.com",
    ] {
        assert!(refused(text).contains("placeholder"), "{text}");
    }
    assert!(parse("postgresql://u:x[AB]y@h/db").is_ok());
    assert!(parse("postgresql://u@yourhost/db").is_ok());
}

#[test]
fn drivers_and_pool_settings_are_taken_off_with_a_note() {
    let info =
        parse("postgresql+asyncpg://u@h/db?pool_size=20&max_overflow=5&sslmode=require").unwrap();
    assert_eq!(info.get("sslmode"), Some("require"));
    assert_eq!(info.notes.len(), 2);
    assert!(info.notes[0].contains("+asyncpg"), "{:?}", info.notes);
    assert!(info.notes[1].contains("pool_size, max_overflow"), "{:?}", info.notes);
    // In a key=value string they are just unknown keys.
    assert_eq!(refused("host=h pool_size=20"), "unknown key \"pool_size\"");
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_known() {
    assert_eq!(
        refused("postgresql://h/db?sslmod=require"),
        "unknown key \"sslmod\"; did you mean \"sslmode\"?"
    );
}

/// Found by comparing with libpq.
#[test]
fn requiressl_looks_at_the_first_character() {
    assert_eq!(read("requiressl=10 host=h"), "host='h' sslmode='require'");
    assert_eq!(read("postgresql://h?requiressl=true"), "host='h' sslmode='prefer'");
}

#[test]
fn a_lone_ampersand_is_an_empty_parameter() {
    refused("postgresql://h/db?&");
    assert_eq!(read("postgresql://h/db?user=u&"), "dbname='db' host='h' user='u'");
}

#[test]
fn only_blanks_around_the_parts_of_a_uri_are_dropped() {
    assert_eq!(read("postgresql:// h / db "), "dbname='db' host='h'");
    assert_eq!(read("postgresql://h/db\n"), "dbname='db\n' host='h'");
}

fn notes(text: &str) -> String {
    parse(text).unwrap().notes.join("; ")
}

#[test]
fn several_hosts_as_sqlalchemy_writes_them() {
    for (query, expected) in [
        ("host=h1:5432&host=h2:5433", "host='h1,h2' port='5432,5433'"),
        ("host=h1&host=h2:5433", "host='h1,h2' port=',5433'"),
        ("host=h1&host=h2", "host='h1,h2'"),
        ("host=h1:5432,h2:5433", "host='h1,h2' port='5432,5433'"),
        ("host=h1,h2&port=1,2", "host='h1,h2' port='1,2'"),
        ("host=h1:5432", "host='h1' port='5432'"),
        ("host=/cloudsql/p:r:i", "host='/cloudsql/p:r:i'"),
        ("host=::1", "host='::1'"),
    ] {
        assert_eq!(read(&format!("postgresql+psycopg2:///?{query}")), expected, "{query}");
    }
    assert!(refused("postgresql+psycopg2:///?host=h1:1&host=h2:2&port=3").contains("ports"));
    // libpq's reading, with a word about it.
    assert_eq!(read("postgresql:///?host=h1&host=h2"), "host='h2'");
    assert!(notes("postgresql:///?host=h1&host=h2").contains("2 times"));
    assert_eq!(notes("postgresql:///?host=h1"), "");
}

#[test]
fn no_weaker_mode_is_advised_or_taken_in_silence() {
    for (query, advice) in [
        ("ssl=verify-full", "verify-full"),
        ("ssl=require", "require"),
        ("ssl=1", "require"),
        ("ssl=false", "disable"),
    ] {
        let cause = refused(&format!("postgresql://h/d?{query}"));
        assert!(cause.ends_with(&format!("write sslmode={advice}")), "{cause}");
    }
    assert!(refused("host=h ssl=verify-ca").ends_with("write sslmode=verify-ca"));
    let text = "postgresql://h/d?sslmode=verify-full&ssl=true";
    assert_eq!(read(text), "dbname='d' host='h' sslmode='require'");
    assert!(notes(text).contains("ssl=true after sslmode=verify-full"), "{}", notes(text));
    assert_eq!(notes("postgresql://h/d?ssl=true&sslmode=verify-full"), "");
}

#[test]
fn a_url_in_quotes_is_told() {
    for text in ["'postgresql://u:p@h/d'", "\"postgres://h/d\"", " postgresql+asyncpg://h/d?a=b"] {
        assert!(refused(text).contains("a blank or a quote"), "{text}");
    }
    assert!(parse(" host=h").is_ok());
}

#[test]
fn what_only_looks_like_a_placeholder_is_taken_with_a_note() {
    for (text, name) in [
        ("postgresql://u:Your-S3cret@h/d", "password"),
        ("postgresql://u@h/your_db", "dbname"),
        ("host=your-company-db.example.com", "host"),
    ] {
        assert_eq!(notes(text), format!("the {name} looks like the placeholder of a guide"));
    }
    for text in [
        "postgresql://u:your_password@h/d",
        "postgresql://u:your_secure_db_password@h/d",
        "postgresql://u:YOUR_DB_SECRET@h/d",
        "postgresql://your_db_username@h/d",
        "host=YOUR-HOST",
    ] {
        assert!(refused(text).contains("placeholder"), "{text}");
    }
}
