//! Connection strings, judged by libpq's own parser: the cases of its tests, cases of ours, and
//! many made up ones. What pgtend reads otherwise on purpose is a table.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use pgtend::settings::conninfo;

use crate::harness::dice::Dice;
use crate::harness::oracle::{Answer, Libpq};

/// Where pgtend differs on purpose, and why.
struct Difference {
    reason: &'static str,
    /// Strings where libpq and pgtend disagree because of it.
    examples: &'static [&'static str],
    /// Whether pgtend refuses what libpq reads; else it reads what libpq refuses.
    refuses: bool,
    /// Whether it can be the cause of a disagreement about this string.
    explains: fn(&str) -> bool,
}

impl Difference {
    /// Whether it is the cause that these two disagree. Another value never is on purpose.
    fn is_between(&self, text: &str, ours: &Answer, theirs: &Answer) -> bool {
        let direction = match self.refuses {
            true => ours.is_err() && theirs.is_ok(),
            false => ours.is_ok() && theirs.is_err(),
        };
        direction && (self.explains)(text)
    }
}

/// Whether the bytes of a string, its `%` taken for what they stand for, are UTF-8.
fn is_utf8(text: &str) -> bool {
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(text).collect();
    String::from_utf8(bytes).is_ok()
}

const DIFFERENCES: &[Difference] = &[
    Difference {
        reason: "the driver and the pool settings of SQLAlchemy and its kind are taken off, with a \
                 note: the operator pastes the application's URL",
        examples: &[
            "postgresql+asyncpg://u@h/db",
            "postgresql+psycopg2://u:p@/d?host=h1:5432&host=h2:5433",
            "postgresql://u@h/db?pool_size=20&max_overflow=5",
            "postgresql://u@h/db?pgbouncer=true",
        ],
        refuses: false,
        explains: |text| {
            ["postgresql+", "pool_size=", "pgbouncer="].iter().any(|word| text.contains(word))
        },
    },
    Difference {
        reason: "two raw '@' before the first '/' are refused: libpq would look a part of the \
                 password up as a host, and print it",
        examples: &["postgresql://app@srv:pw@srv.example.com/db", "postgresql://a:p@w@h"],
        refuses: true,
        explains: |text| {
            let authority = text.split_once("://").map_or("", |(_, rest)| rest);
            let authority = authority.split(['/', '?']).next().unwrap_or_default();
            authority.matches('@').count() > 1
        },
    },
    Difference {
        reason: "placeholders of a guide that nobody filled in are refused",
        examples: &[
            "postgresql://postgres:[PASSWORD]@h/postgres",
            "host=your-rds-endpoint.example.com",
        ],
        refuses: true,
        explains: |text| text.contains("[PASSWORD]") || text.contains("your-rds-endpoint"),
    },
    Difference {
        reason: "text is UTF-8 throughout: a value of other bytes is refused",
        examples: &["postgresql://u@h/%ff", "postgresql://%c3/db", "postgres://h?user=%e2%82"],
        refuses: true,
        explains: |text| !is_utf8(text),
    },
    Difference {
        reason: "the keyword of PostgreSQL 19 for the service file is known already",
        examples: &["servicefile=/x", "postgresql://h?servicefile=/x"],
        refuses: false,
        explains: |text| text.contains("servicefile"),
    },
];

/// What libpq of 15 reads otherwise; for all else both versions agree.
fn newer_than_15(text: &str, newer: &BTreeSet<String>) -> bool {
    let decoded = text.replace("%5F", "_").replace("%5f", "_");
    // Since 17 blanks around the parts of a URI are dropped, and refused inside.
    newer.iter().any(|name| decoded.contains(name)) || (text.contains("://") && text.contains(' '))
}

fn names(libpq: Libpq) -> BTreeSet<String> {
    libpq.keywords().into_iter().map(|(name, _)| name).collect()
}

fn pgtend(text: &str) -> Answer {
    let values = conninfo::read(text)?;
    Ok(values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
}

/// Both refuse it, or both read the same values.
fn agree(ours: &Answer, theirs: &Answer) -> bool {
    let sorted =
        |values: &Vec<(String, String)>| -> BTreeSet<_> { values.iter().cloned().collect() };
    match (ours, theirs) {
        (Ok(ours), Ok(theirs)) => sorted(ours) == sorted(theirs),
        (Err(_), Err(_)) => true,
        _ => false,
    }
}

/// Compares all strings with libpq, and shows every disagreement at once.
#[track_caller]
fn compare(libpq: Libpq, strings: &[String]) {
    let mut report = String::new();
    for (text, theirs) in strings.iter().zip(libpq.parse(strings)) {
        let ours = pgtend(text);
        let explained =
            DIFFERENCES.iter().any(|difference| difference.is_between(text, &ours, &theirs));
        if !agree(&ours, &theirs) && !explained {
            writeln!(report, "{text:?}\n  pgtend: {ours:?}\n  libpq:  {theirs:?}").unwrap();
        }
    }
    assert!(report.is_empty(), "libpq {} reads these otherwise:\n{report}", libpq.major());
}

fn compare_with_both(strings: &[String]) {
    compare(Libpq::Newest, strings);
    let newer = names(Libpq::Newest).difference(&names(Libpq::System)).cloned().collect();
    let old = strings.iter().filter(|text| !newer_than_15(text, &newer));
    let old: Vec<String> = old.cloned().collect();
    assert!(!old.is_empty());
    compare(Libpq::System, &old);
}

#[test]
fn keywords_and_variables_are_libpqs() {
    let ours: BTreeSet<(String, Option<String>)> = conninfo::keywords()
        .map(|(name, variable)| (name.to_owned(), variable.map(str::to_owned)))
        .collect();
    let newest: BTreeSet<_> = Libpq::Newest.keywords().into_iter().collect();
    let more: Vec<_> = ours.difference(&newest).map(|(name, _)| name.as_str()).collect();
    assert_eq!(more, ["servicefile"], "of PostgreSQL 19");
    assert_eq!(newest.difference(&ours).collect::<Vec<_>>(), Vec::<&(String, _)>::new());
    let system: BTreeSet<_> = Libpq::System.keywords().into_iter().collect();
    assert_eq!(system.difference(&ours).collect::<Vec<_>>(), Vec::<&(String, _)>::new());
}

/// The strings of `src/interfaces/libpq/t/001_uri.pl`, PostgreSQL 15 to 18.
#[test]
fn the_cases_of_libpqs_own_tests() {
    let cases: Vec<String> =
        include_str!("data/libpq_uris.txt").lines().map(str::to_owned).collect();
    assert!(cases.len() >= 59, "{}", cases.len());
    compare_with_both(&cases);
}

#[test]
fn uris_that_are_easy_to_get_wrong() {
    let cases = [
        "postgresql://h1:1,h2,[::3]:3/db",
        "postgresql://h1,h2:5/db",
        "postgresql://,/db",
        "postgresql://:1,:2/db",
        "postgresql://h:1/db?port=99&host=h1,h2",
        "postgresql://u:pa/ss@h/db",
        "postgresql://u:p%40ss%2Fw@h/db",
        "postgresql://u:a+b#c@h/db#frag",
        "postgresql://u:p:q@h",
        "postgresql://:@h",
        "postgresql://:p@h",
        "postgres://h/db?",
        "postgres://h/db?&",
        "postgres://h/db?&&",
        "postgres://h/db?user=u&",
        "postgres://h/db?user=u&&port=1",
        "postgres://h/db?&user=u",
        "postgres://h/db?=x",
        "postgres://h/db?user=",
        "postgres://h/db?user",
        "postgres://h/db?user=a&user=b",
        "postgres://h/db?user=a?b",
        "postgres://h/db?options=-c%20search_path%3Dapp",
        "postgresql://u:p@/db?host=/cloudsql/p:r:i&sslmode=require",
        "postgres://h/db?requiressl=1",
        "postgres://h/db?requiressl=0",
        "postgres://h/db?requiressl=10",
        "postgres://h/db?requiressl=true",
        "postgres://h/db?requiressl=",
        "requiressl=1x host=h",
        "requiressl=",
        "postgres://h/db?ssl=true",
        "postgres://h/db?ssl=True",
        "postgres://h/db?ssl=false",
        "postgres://h/db?s%73l=true",
        "postgres://h/db?ssl=tru%65",
        "ssl=true host=h",
        "postgres://h/db?sslmode=nonsense",
        "postgres://[::1]:/db",
        "postgres://[::1]?port=1",
        "postgres://[::1],h/db",
        "postgres://[::1/db]",
        "postgres://[a@b]/db",
        "postgres://u@[::1]:5432",
        "postgres://::1/db",
        "postgres://h:1:2/db",
        "postgres://h%2Cx/db",
        "postgres://h/d%2Fb/c",
        "postgres://h//db",
        "postgres://h/db/",
        "postgres://u@h@/x",
        "postgres:///?host=a,b&port=1,2",
        "postgres://%C3%A4/%E2%82%AC",
        "postgres://ä/€",
        "postgresql://h/a%20b",
        "postgresql:// h /db",
        "postgresql://h/ db ",
        "postgresql://h/d b",
        "postgresql://h/db?user = u & port = 12",
        "postgresql://h/db?user=\tu",
        "postgresql://h/db?user=u\t",
        "postgresql://h/db?user= ",
        "postgresql://h/db?application_name=a%20%20b",
        "postgresql:/h/db",
        "postgresql:h",
        "Postgresql://h/db",
        " postgresql://h/db",
        "postgresql://h/db\n",
        "postgres://h/db?sslnegotiation=direct&sslcertmode=disable&require_auth=scram-sha-256",
        "postgres://h/db?load_balance_hosts=random&min_protocol_version=3.0",
        "postgres://h/db?gssdelegation=1&oauth_issuer=x&scram_client_key=y&sslkeylogfile=z",
        "max_protocol_version=latest oauth_scope='a b' oauth_client_id=c oauth_client_secret=d",
    ];
    compare_with_both(&cases.map(str::to_owned));
}

#[test]
fn key_value_strings_that_are_easy_to_get_wrong() {
    let cases = [
        "",
        " ",
        "\t\n\x0b\x0c\r",
        "host=h port = 5433",
        "host=h\n dbname\t=\n'my db'",
        r"password='it\'s \\ x' user=a\ b",
        "password= user=u",
        "user=u password=",
        "host='' user=u",
        "host=a host=b",
        "password='a'user=u",
        r"password=abc\",
        r"password='abc\",
        r"password='abc\'",
        "dbname=postgresql://h/x",
        "dbname=postgresql://h/x?user=u",
        "user",
        "user=u word",
        "=x",
        "user==x",
        "user='a''b'",
        "user=a'b'",
        "user=a'b c'",
        "us er=x",
        "user\x0b=\x0cx",
        "user=a\x0bb",
        "user=a\u{a0}b",
        "user=ä\u{2003}",
        "ünknown=x",
        "USER=x",
        "user =",
        "user = ",
        "user='",
        "user=\\",
        "user=\\ x port=1",
        "host=[::1]",
        "port=1,2,3 host=a,,b",
        "user=u\\\nport=1",
        "://",
        "a://=b",
        "x://y=z",
        "user=a://b",
        "user:// = x",
        "'user'=x",
        "user='x'='y'",
        "user=x;port=1",
        "user=x,port=1",
        "user=x&port=1",
    ];
    compare_with_both(&cases.map(str::to_owned));
}

/// Fixed seeds: a failure shows the string, and comes again.
#[test]
fn generated_key_value_strings() {
    let mut dice = Dice::new(4);
    let strings: Vec<String> = (0..3000).map(|_| key_value_string(&mut dice)).collect();
    let different: BTreeSet<&String> = strings.iter().collect();
    assert!(different.len() >= 2000, "{}", different.len());
    let right = strings.iter().filter(|text| pgtend(text).is_ok()).count();
    assert!((600..2700).contains(&right), "a mix of right and wrong: {right}");
    compare_with_both(&strings);
}

#[test]
fn generated_uris() {
    let mut dice = Dice::new(5);
    let strings: Vec<String> = (0..3000).map(|_| uri(&mut dice)).collect();
    let different: BTreeSet<&String> = strings.iter().collect();
    assert!(different.len() >= 2000, "{}", different.len());
    let right = strings.iter().filter(|text| pgtend(text).is_ok()).count();
    assert!((600..2700).contains(&right), "a mix of right and wrong: {right}");
    compare_with_both(&strings);
}

#[test]
fn deliberate_differences_are_differences() {
    for difference in DIFFERENCES {
        let theirs = Libpq::Newest.parse(difference.examples);
        for (text, theirs) in difference.examples.iter().zip(theirs) {
            let ours = pgtend(text);
            let differs = difference.is_between(text, &ours, &theirs);
            assert!(differs, "{text}: {ours:?}, {theirs:?}\nbut: {}", difference.reason);
        }
    }
}

/// A `%` alone excuses nothing, and no difference excuses the other direction.
#[test]
fn a_difference_excuses_no_other() {
    let (read, refused): (Answer, Answer) = (Ok(Vec::new()), Err(String::new()));
    let excused = |text: &str, ours: &Answer, theirs: &Answer| {
        DIFFERENCES.iter().any(|difference| difference.is_between(text, ours, theirs))
    };
    for text in ["postgresql://u:a%20b@h/d", "postgresql://h/%c3%a4", "host=a%zz"] {
        assert!(!excused(text, &read, &refused) && !excused(text, &refused, &read), "{text}");
    }
    for difference in DIFFERENCES {
        for text in difference.examples {
            let (ours, theirs) =
                if difference.refuses { (&refused, &read) } else { (&read, &refused) };
            assert!(excused(text, ours, theirs) && !excused(text, theirs, ours), "{text}");
        }
    }
}

const SPACES: [&str; 8] = ["", " ", "  ", "\t", "\n", "\x0b", "\x0c", "\r\n"];
const KEYWORDS: [&str; 16] = [
    "host",
    "hostaddr",
    "port",
    "user",
    "password",
    "dbname",
    "options",
    "sslmode",
    "requiressl",
    "application_name",
    "connect_timeout",
    "keepalives",
    "sslrootcert",
    "service",
    "load_balance_hosts",
    "sslnegotiation",
];
const ODD_KEYWORDS: [&str; 8] =
    ["", "usr", "User", "ssl", "pool_timeout2", "ключ", "a-b", "'user'"];

fn key_value_string(dice: &mut Dice) -> String {
    let mut text = String::new();
    for _ in 0..dice.below(5) {
        text.push_str(dice.pick(&SPACES));
        let names: &[&str] = if dice.one_in(12) { &ODD_KEYWORDS } else { &KEYWORDS };
        text.push_str(dice.pick(names));
        text.push_str(dice.pick(&SPACES));
        if !dice.one_in(15) {
            text.push('=');
        }
        text.push_str(dice.pick(&SPACES));
        value(dice, &mut text);
        text.push_str(if dice.one_in(6) { "" } else { dice.pick(&SPACES[1..]) });
    }
    text
}

fn value(dice: &mut Dice, text: &mut String) {
    const PIECES: [&str; 22] = [
        "a",
        "B7",
        "localhost",
        "127.0.0.1",
        "5432",
        "\\",
        "\\\\",
        "\\'",
        "\\ ",
        "'",
        "\"",
        "=",
        ",",
        "/tmp",
        "%20",
        "@",
        "ä",
        "\u{a0}",
        "日本",
        ":",
        "#",
        "://",
    ];
    let quoted = dice.one_in(2);
    if quoted {
        text.push('\'');
    }
    for _ in 0..dice.below(4) {
        let piece = dice.pick(&PIECES);
        // A quote inside would end nearly every string.
        let piece = if quoted && piece == "'" && !dice.one_in(8) { "\\'" } else { piece };
        text.push_str(piece);
        if quoted && dice.one_in(4) {
            text.push_str(dice.pick(&SPACES));
        }
    }
    if quoted && !dice.one_in(20) {
        text.push('\'');
    }
}

fn uri(dice: &mut Dice) -> String {
    const SCHEMES: [&str; 2] = ["postgresql://", "postgres://"];
    const PIECES: [&str; 24] = [
        "a",
        "B7",
        "db",
        "host",
        "127.0.0.1",
        "5432",
        "%20",
        "%41",
        "%c3%a4",
        "%2F",
        "%40",
        "%3a",
        "ä",
        "+",
        "#",
        "-",
        "_",
        ".",
        "~",
        "'",
        "\\",
        "1",
        "x",
        "y",
    ];
    const ODD: [&str; 16] = [
        "%", "%4", "%zz", "%00", " ", "\t", "[", "]", "@", ":", "/", "?", "&", "=", ",", "\u{2003}",
    ];
    let mut text = dice.pick(&SCHEMES).to_owned();
    let part = |dice: &mut Dice, text: &mut String| {
        for _ in 0..dice.below(3) {
            text.push_str(dice.pick(&PIECES));
        }
        if dice.one_in(25) {
            text.push_str(dice.pick(&ODD));
        }
    };
    if dice.one_in(2) {
        part(dice, &mut text);
        if dice.one_in(2) {
            text.push(':');
            part(dice, &mut text);
        }
        text.push('@');
    }
    for at in 0..=dice.below(3) {
        if at > 0 {
            text.push(',');
        }
        match dice.below(6) {
            0 => text.push_str(dice.pick(&["[::1]", "[fe80::1%25eth0]", "[2001:db8::1]"])),
            1 => {}
            _ => part(dice, &mut text),
        }
        if dice.one_in(2) {
            text.push_str(dice.pick(&[":5432", ":1", ":", ":x", ":%31"]));
        }
    }
    if dice.one_in(2) {
        text.push('/');
        part(dice, &mut text);
    }
    if dice.one_in(2) {
        text.push('?');
        for at in 0..dice.below(4) {
            if at > 0 {
                text.push('&');
            }
            let names: &[&str] = if dice.one_in(20) { &ODD_KEYWORDS } else { &KEYWORDS };
            text.push_str(dice.pick(names));
            if !dice.one_in(20) {
                text.push('=');
            }
            part(dice, &mut text);
        }
        if dice.one_in(10) {
            text.push('&');
        }
    }
    text
}
